#!/bin/sh
# SPDX-License-Identifier: MIT
# side-jmp convert: what it writes is what babeltrace2 says of the trace, as JSON.
. "$(dirname "$0")/../tap.sh"
tool=$BUILD/tools/side-jmp
if [ ! -x "$BUILD/tools/side-jmp-ctf" ]; then
	skip convert "side-jmp was built without libbabeltrace2-dev"; done_testing
fi
unset SIDE_JMP_ENABLE SIDE_JMP_OUTPUT
export LC_ALL=C.UTF-8

traces() {
	$CC -std=c11 -D_GNU_SOURCE -O2 -Wall -Wextra -Werror -I"$BUILD/include" \
		tests/tools/src/traced.c "$BUILD/libside_jmp.a" -pthread -o "$TMP/traced" &&
	SIDE_JMP_ENABLE='shop:*' SIDE_JMP_OUTPUT=$TMP/trace/ "$TMP/traced" 15 &&
	babeltrace2 --clock-cycles --no-delta "$TMP/trace" >"$TMP/text" &&
	[ "$(wc -l <"$TMP/text")" -gt 100 ]
}
ok convert_has_a_trace traces
converts() {
	"$tool" convert "$TMP/trace" -o "$TMP/json" 2>"$TMP/err" && cat "$TMP/err" &&
	grep -qx "side-jmp: $(wc -l <"$TMP/text") events, 0 lost" "$TMP/err" &&
	"$tool" convert -q "$TMP/trace" 2>"$TMP/err" | cmp - "$TMP/json" && [ ! -s "$TMP/err" ]
}
ok convert_writes_a_file converts
valid() { iconv -f UTF-8 -t UTF-8 "$TMP/json" >/dev/null && jq -e . "$TMP/json" >/dev/null; }
ok convert_is_json_and_utf8 valid

# Every event: its name, its thread, and when, in ns since the first.
same() {
	LC_ALL=C sed 's/^\[\([0-9]*\)\][^{]* \(shop:[a-z_]*\): .*vtid = \([0-9]*\).*/\1 \2 \3/' \
		"$TMP/text" | awk 'NR == 1 { begin = $1 } { print $2, $3, $1 - begin }' |
		sort >"$TMP/expected"
	jq -r '.traceEvents[] | select(.ph != "M") | .name |= sub(" .*"; "") |
		((.ts * 1000 + 0.5) | floor) as $ns |
		if .ph == "X" then "\(.name)_begin \(.tid) \($ns)",
			"\(.name)_end \(.tid) \((.ts + .dur) * 1000 + 0.5 | floor)"
		elif .ph == "b" then "\(.name)_begin \(.tid) \($ns)"
		elif .ph == "e" or .args.duration == 0 then "\(.name)_end \(.tid) \($ns)"
		else "\(.name) \(.tid) \($ns)" end' "$TMP/json" | sort >"$TMP/got"
	diff "$TMP/expected" "$TMP/got"
}
ok convert_has_every_event_at_its_time same
phases() {
	jq -r '[.traceEvents[].ph] | group_by(.) | map("\(.[0])\(length)") | join(" ")' \
		"$TMP/json" >"$TMP/got"
	cat "$TMP/got"
	[ "$(cat "$TMP/got")" = 'C45 M3 X40 b16 e15 i15' ]
}
ok convert_makes_slices_tracks_and_instants phases
pairs() { # of a span with an id, in two threads; and of each its own
	jq -e '[.traceEvents[] | select(.name == "shop:order")] | group_by(.id2.local) |
		length == 16 and all(.[]; .[0].ph == "b" and .[0].pid == .[0].tid and
			(.[1] == null or (.[1].ph == "e" and .[1].tid != .[0].tid and
				.[1].ts > .[0].ts and .[0].args.number + 1 < 17)))' "$TMP/json" &&
	jq -e '[.traceEvents[] | select(.name == "shop:checkout")] |
		all(.[]; .dur > 50 and (.args | keys) == ["customer", "items"])' "$TMP/json"
}
ok convert_pairs_by_span pairs
sed ':a; /}$/!{N; ba}; s/\n\t//g' >"$TMP/values" <<'END'
{"a":"18446744073709551615","b":"-9223372036854775808","c":0.1,"d":0.5,"e":"0xabcdef",
	"f":"very \"glad\"","g":[1,2,65535],"h":["-9223372036854775808","9007199254740993"],
	"i":[1,255],"j":"chars"}
{"a":9007199254740992,"b":-9007199254740992,"c":1e+300,"d":-2.5,"e":"0x0","f":5,
	"g":[1,2,65535],"h":[],"i":[1,255],"j":"longer "}
{"a":0,"b":0,"c":"Infinity","d":"NaN","e":"0x0","f":"s<a>d","g":[1,2,65535],
	"h":["-9223372036854775808"],"i":[1,255],"j":""}
END
values() { # jq 1.7 writes an exponent with E
	jq -c '.traceEvents[] | select(.name == "shop:values").args' "$TMP/json" |
		sed 's/1E+300/1e+300/' | diff "$TMP/values" -
}
ok convert_loses_no_value values
# RIGHT-TO-LEFT OVERRIDE is not written down: it would turn the line for who reads it
sed "s/RLO/$(printf '\342\200\256')/" >"$TMP/texts" <<'END'
"plain"
"</script><img src=x onerror=alert(1)>"
"\"}],\\"
"line\nbreak\ttab\u0001\u001b[31m"
"�� not UTF-8 �"
"grüß € 😀"
"RLO turned"
"��� surrogate"
""
"&amp;<!--"
END
texts() {
	jq -c '.traceEvents[] | select(.name == "shop:text").args.s' "$TMP/json" |
		diff "$TMP/texts" - && ! grep '[<>&]' "$TMP/json"
}
ok convert_writes_any_string texts
counters() { # the largest has all its digits, which jq 1.6 would not keep
	grep -q '"ph":"C","name":"shop:bytes".*{"value":18446744073709551615}' "$TMP/json" &&
	jq -e '[.traceEvents[] | select(.name == "shop:queue").args.value] |
		. == [range(15) * 37 % 23]' "$TMP/json" &&
	jq -e '[.traceEvents[] | select(.name == "shop:balance" and .ph == "C").args.value] |
		length == 15 and .[14] == 97' "$TMP/json"
}
ok convert_counters_are_numbers counters
named() {
	jq -e '[.traceEvents[] | select(.ph == "M")] | map(.name) == ["process_name",
		"thread_name", "thread_name"] and .[0].args.name == "traced" and
		.[2].args.name == "traced \(.[2].tid)"' "$TMP/json"
}
ok convert_names_threads named

# A name as a hostile trace could have it: in the description, as long as it was.
hostile() {
	cp -r "$TMP/trace" "$TMP/hostile" &&
	sed -i 's/"shop:text"/"<b>\\"\&<\/i"/' "$TMP"/hostile/*/metadata &&
	"$tool" convert -q "$TMP/hostile" >"$TMP/hostile.json" &&
	jq -r '.traceEvents[].name' "$TMP/hostile.json" | grep -qxF '<b>"&</i' &&
	! grep '[<>&]' "$TMP/hostile.json"
}
ok convert_of_hostile_names hostile
# A number of a process is what the trace says, also -1: one is one.
minus() {
	cp -r "$TMP/trace" "$TMP/minus" && set -- "$TMP"/minus/* &&
	pid=${1##*/traced-} && pid=${pid%-*} &&
	perl -0777 -pi -e 'BEGIN { $pid = quotemeta(pack("l", shift)) } s/$pid/\xff\xff\xff\xff/g' \
		"$pid" "$1"/stream_* &&
	"$tool" convert -q "$TMP/minus" | jq -e '[.traceEvents[] | select(.ph == "M" and
		.name == "process_name")] | length == 1 and .[0].pid == -1'
}
ok convert_of_process_minus_one minus
several() { # traces below one folder are one
	mkdir "$TMP/two" && cp -r "$TMP/trace" "$TMP/two/a" && cp -r "$TMP/trace" "$TMP/two/b" &&
	"$tool" convert -q "$TMP/two" >"$TMP/two.json" &&
	n=$(wc -l <"$TMP/text") &&
	jq -e "[.traceEvents[] | {X: 2, M: 0}[.ph] // 1] | add > $n" "$TMP/two.json"
}
ok convert_of_several_traces several

# ---- the end of a trace ----------------------------------------------------------
# From its middle event on: what else is there, and the spans that end then, whole.
time_of() { sed -n "$1{s/^\[0*\([0-9]*\)\].*/\1/;p;}" "$TMP/text"; }	# LINE
spans() { # FILE: of each its name, its thread, how long it took
	jq -r '.traceEvents[] | select(.ph == "X") | "\(.name) \(.tid) \(.dur)"' "$1" | sort
}
since() {
	cut=$(($(wc -l <"$TMP/text") / 2))
	# Two threads' may have one time
	while [ "$(time_of $cut)" = "$(time_of $((cut - 1)))" ]; do cut=$((cut + 1)); done
	ns=$(($(time_of '$') - $(time_of $cut)))
	ago=$(printf '%d.%09d' $((ns / 1000000000)) $((ns % 1000000000)))
	"$tool" convert --since="$ago" "$TMP/trace" >"$TMP/since.json" 2>"$TMP/err"
	cat "$TMP/err"
	n=$(($(wc -l <"$TMP/text") - cut + 1))
	grep -qx "side-jmp: $n events, 0 lost" "$TMP/err" ||
		{ echo "$n expected"; return 1; }
	for f in json since.json; do
		jq -r '.traceEvents[] | select(.ph == "C" or .ph == "i").name' "$TMP/$f" \
			>"$TMP/$f.points"
		spans "$TMP/$f" >"$TMP/$f.spans"
	done
	all=$(wc -l <"$TMP/json.spans") some=$(wc -l <"$TMP/since.json.spans")
	echo "$some of $all spans" &&
	[ "$some" -gt 5 ] && [ "$some" -lt $((all - 5)) ] &&
	tail -n $n "$TMP/text" >"$TMP/rest" &&
	[ "$some" = "$(grep -c ' shop:[cp][a-z]*_end: .*duration = [1-9]' "$TMP/rest")" ] &&
	[ -z "$(comm -13 "$TMP/json.spans" "$TMP/since.json.spans")" ] &&
	[ "$(grep -vc '_\(begin\|end\): ' "$TMP/rest")" = \
		"$(grep -vc 'without a' "$TMP/since.json.points")" ] &&
	! grep 'end without a begin' "$TMP/since.json.points" >"$TMP/got"
}
ok convert_since since
since_all() { "$tool" convert -q --since=1h "$TMP/trace" | cmp - "$TMP/json"; }
ok convert_since_before_its_begin since_all

# ---- what is wrong -------------------------------------------------------------
refuses() { # MESSAGE ARGUMENT...
	message=$1; shift
	"$tool" convert "$@" >"$TMP/out" 2>"$TMP/err"; r=$?
	cat "$TMP/err"; [ $r = 2 ] && grep -q -- "$message" "$TMP/err"
}
mkdir "$TMP/empty" "$TMP/broken"
echo 'no metadata' >"$TMP/broken/metadata"
ok convert_without_a_trace refuses 'a trace is expected'
ok convert_two_traces refuses 'one trace is expected, and "b" is another' a b
for since in 0 -1s 10x ''; do
	ok "convert_since_'$since'" refuses 'expected a time before the trace' --since=$since a
done
ok convert_no_such_folder refuses '/nonexistent: No such file' /nonexistent
ok convert_folder_without_a_trace refuses "empty: no trace: expected a folder" "$TMP/empty"
ok convert_broken_trace refuses "broken: " "$TMP/broken"
ok convert_full_output refuses "/dev/full: can't write: No space" -o /dev/full "$TMP/trace"
ok convert_bad_output refuses "/nonexistent/x: No such file" -o /nonexistent/x "$TMP/trace"
# A packet of less than no bytes: babeltrace2 2.0 aborts, and we end as with any other.
damaged() {
	cp -r "$TMP/trace" "$TMP/damaged" &&
	for f in "$TMP"/damaged/*/stream_0; do
		printf '\377' | dd of="$f" bs=1 seek=$((64 + $1)) conv=notrunc 2>"$TMP/err"
	done
	for command in convert report; do
		"$tool" $command "$TMP/damaged" >"$TMP/out" 2>"$TMP/err"; r=$?
		cat "$TMP/err"; [ $r = 2 ] && grep -q '^side-jmp: ' "$TMP/err" || return 1
	done
	rm -r "$TMP/damaged"
}
ok convert_damaged_content damaged 39
ok convert_damaged_length damaged 47
# Nothing is written into a trace, nor over what there was where there is no trace.
untouched() { # a folder of it by whatever name, new or not
	cp -r "$TMP/trace" "$TMP/kept" && set -- "$TMP"/kept/* && ln -s "$1" "$TMP/link" &&
	(cd "$1" && cksum ./*) >"$TMP/before" &&
	ln -s "$1/metadata" "$TMP/meta" &&
	for to in "$1/metadata" "$1/new.json" "$TMP/link/stream_0" "$TMP/meta"; do
		for command in convert report; do
			"$tool" $command "$TMP/kept" -o "$to" >"$TMP/out" 2>"$TMP/err"
			[ $? = 2 ] && grep -q 'would be in the trace itself' "$TMP/err" ||
				{ echo "$command to $to:"; cat "$TMP/err"; return 1; }
		done
	done
	(cd "$1" && cksum ./*) | diff "$TMP/before" - &&
	"$tool" convert -q "$TMP/kept" -o "$TMP/kept/beside.json"
}
ok convert_writes_nothing_into_a_trace untouched
older() {
	echo old >"$TMP/old" && ! "$tool" convert "$TMP/empty" -o "$TMP/old" 2>/dev/null &&
	[ "$(cat "$TMP/old")" = old ]
}
ok convert_without_a_trace_leaves_the_output older
early() { # where all that is left at the end is nothing
	"$tool" $1 -q "$TMP/trace" >/dev/full 2>"$TMP/err"; r=$?
	cat "$TMP/err"; [ $r = 2 ] && ! grep -q Success "$TMP/err" &&
		grep -q "can't write" "$TMP/err"
}
ok convert_full_standard_output early convert
done_testing
