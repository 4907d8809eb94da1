#!/bin/sh
# SPDX-License-Identifier: MIT
# side-jmp report: a page that says what is in the trace, needs nothing and runs
# nothing.
. "$(dirname "$0")/../tap.sh"
tool=$BUILD/tools/side-jmp
if [ ! -x "$BUILD/tools/side-jmp-ctf" ]; then
	skip report "side-jmp was built without libbabeltrace2-dev"; done_testing
fi
unset SIDE_JMP_ENABLE SIDE_JMP_OUTPUT
export LC_ALL=C.UTF-8

# A path, and an event's name, that would be elements if they were not text.
evil="$TMP/</script><img src=x onerror=document.title=1>"
traces() {
	mkdir -p "$evil" &&
	$CC -std=c11 -D_GNU_SOURCE -O2 -Wall -Wextra -Werror -I"$BUILD/include" \
		tests/tools/src/traced.c "$BUILD/libside_jmp.a" -pthread -o "$TMP/traced" &&
	SIDE_JMP_ENABLE='shop:*' SIDE_JMP_OUTPUT=$evil/ "$TMP/traced" 15 &&
	sed -i 's/"shop:text"/"<b>\\"\&<\/i"/' "$evil"/*/metadata &&
	"$tool" report "$evil" -o "$TMP/page.html" 2>"$TMP/err" && cat "$TMP/err" &&
	"$tool" report -q "$evil" | cmp - "$TMP/page.html"
}
ok report_writes_a_page traces

# Its elements, one a line, without their text; its text.
elements() { tr '\n' ' ' <"$1" | grep -o '<[^>]*>' | sort | uniq -c; }
alone() {
	elements "$TMP/page.html" >"$TMP/elements"
	! grep -Ei '<(script|img|link|iframe|object|embed|form|a|base|foreignObject)\b' \
		"$TMP/elements" && ! grep -Ei '[^-]\b(on[a-z]+|src|href) *=' "$TMP/elements" &&
	! grep -E 'url\(|@import|https?:' "$TMP/page.html" &&
	grep -q "Content-Security-Policy\" content=\"default-src 'none'; style-src" \
		"$TMP/page.html"
}
ok report_needs_nothing_and_runs_nothing alone
balanced() { # every element is closed, but those that are not
	tr '\n' ' ' <"$TMP/page.html" | grep -o '<[^>]*>' | awk '
	/^<(meta|!)/ || /\/>$/ { next }
	/^<\// { name = substr($0, 3, length($0) - 3)
		if (stack[n--] != name) { print "unexpected " $0; bad = 1 }
		next }
	{ name = substr($0, 2); sub(/[ >].*/, "", name); stack[++n] = name; seen++ }
	END { if (n) print "open: " stack[n]; exit bad || n || seen < 50 }'
}
ok report_elements_are_closed balanced
has() { grep -qF -- "$1" "$TMP/page.html" || { echo "expected: $1"; return 1; }; }
escaped() {
	has '&lt;/script&gt;&lt;img src=x onerror=document.title=1&gt;</h1>' &&
	has '<div class="name">&lt;b&gt;&quot;&amp;&lt;/i</div>'
}
ok report_names_are_text escaped
value() { # HEADING TERM: what the card says
	tr '\n' ' ' <"$TMP/page.html" | sed 's/<h3>/\n&/g' | grep "^<h3>$1<" |
		sed "s|.*<dt>$2</dt><dd>\([^<]*\)<.*|\1|"
}
counts() {
	[ "$(value shop:checkout Count)" = 15 ] && [ "$(value shop:order Count)" = 15 ] &&
	[ "$(value shop:pay Count)" = 25 ] && [ "$(value shop:queue Highest)" = 21 ] &&
	[ "$(value shop:queue Last)" = 12 ] && [ "$(value shop:balance Lowest)" = 97 ] &&
	has "<dt>Events</dt><dd>$(babeltrace2 "$evil" | wc -l)</dd>" &&
	has '<dt>Threads</dt><dd>2</dd>' &&
	has '1 without an end</p>' && has '1 without a begin</p>'
}
ok report_counts counts
ns() { # "1.23 ms" as nanoseconds
	echo "$1" | awk '{ f["ns"] = 1; f["µs"] = 1e3; f["ms"] = 1e6; f["s"] = 1e9
		printf "%.0f\n", $1 * f[$2] }'
}
# From event to event, sorted: medians agree to a bin, the longest exactly.  (Durations that
# events carry end before they do, by however long the thread is kept from its work.)
lengths() {
	babeltrace2 --clock-seconds --no-delta "$evil" | tr -d '[]' |
		awk '{ for (i = 1; i < NF; i++) if ($i == "vtid") t = $(i + 2) }
			/shop:pay_begin:/ { begun[t, ++open[t]] = $1 }
			/shop:pay_end:/ && open[t] {
				printf "%.0f\n", ($1 - begun[t, open[t]--]) * 1e9 }' |
		sort -n >"$TMP/lengths"
	[ "$(wc -l <"$TMP/lengths")" = 25 ] || return 1
	median=$(sed -n 13p "$TMP/lengths") longest=$(tail -n 1 "$TMP/lengths")
	m=$(ns "$(value shop:pay Median)") l=$(ns "$(value shop:pay Longest)")
	echo "median $median, shown $m; longest $longest, shown $l"
	awk -v a="$median" -v m="$m" -v b="$longest" -v l="$l" 'BEGIN {
		exit !(m > a / 1.3 && m < a * 1.3 && l > b / 1.05 && l < b * 1.05) }'
}
ok report_latencies lengths
since() { # the last twelve
	babeltrace2 --clock-cycles --no-delta "$evil" | tail -n 12 |
		sed -n 's/^\[0*\([0-9]*\)\].*/\1/; 1p; $p' >"$TMP/times"
	ns=$(($(sed -n 2p "$TMP/times") - $(sed -n 1p "$TMP/times")))
	ago=$(printf '%d.%09d' $((ns / 1000000000)) $((ns % 1000000000)))
	"$tool" report --since="$ago" "$evil" >"$TMP/page.html" 2>"$TMP/err"; cat "$TMP/err"
	has '<dt>Events</dt><dd>12</dd>' && grep -qx 'side-jmp: 12 events, 0 lost' "$TMP/err"
}
empty() {
	mkdir "$TMP/none" && SIDE_JMP_ENABLE='other:*' SIDE_JMP_OUTPUT=$TMP/none/ "$TMP/traced" 1 \
		2>/dev/null && "$tool" report -q "$TMP/none" >"$TMP/page.html" && has 'No event.'
}

browser=$(command -v chromium || command -v chromium-browser || command -v google-chrome)
in_browser() { # what becomes of it: text, and no element of the trace's making
	HOME=$TMP "$TOP/tests/limit" 60 "$browser" --headless --no-sandbox --disable-gpu \
		--dump-dom "file://$TMP/page.html" >"$TMP/dom" 2>"$TMP/err" || cat "$TMP/err"
	grep -q '<h2>Counters</h2>' "$TMP/dom" &&
	grep -q '<title>.*&lt;img src=x.*</title>' "$TMP/dom" &&
	[ "$(grep -c '<path class="line" d="M' "$TMP/dom")" = 3 ] &&
	! grep -Ei '<(img|script|b)\b' "$TMP/dom"
}
if [ -n "$browser" ]; then
	ok report_in_a_browser in_browser
else
	skip report_in_a_browser "there is no chromium"
fi
ok report_since since
ok report_of_no_event empty

refuses() { # MESSAGE ARGUMENT...
	message=$1; shift
	"$tool" report "$@" >"$TMP/out" 2>"$TMP/err"; r=$?
	cat "$TMP/err"; [ $r = 2 ] && [ ! -s "$TMP/out" ] && grep -q -- "$message" "$TMP/err"
}
ok report_without_a_trace refuses 'a trace is expected'
ok report_no_such_folder refuses '/nonexistent: No such file' /nonexistent
ok report_full_output refuses "/dev/full: can't write: No space" -o /dev/full "$evil"
done_testing
