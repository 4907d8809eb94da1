#!/bin/sh
# SPDX-License-Identifier: MIT
# Filters where people write them: SIDE_JMP_ENABLE, `side-jmp run`, `trace` and `top`.
. "$(dirname "$0")/../tap.sh"
src=tests/events/src shop=$TMP/shop tool=$BUILD/tools/side-jmp
flags="-std=c11 -I. -I$BUILD/include -O2 -g -Wall -Wextra -Werror"
built() {
	$CC $flags "$src/filter.c" -L"$BUILD" -Wl,-rpath,"$BUILD" -lside_jmp -ldl -o "$shop" &&
	$CC $flags -fPIC -shared "$src/filter_lib.c" -L"$BUILD" -lside_jmp -o "$TMP/lib.so"
}
ok filter_builds built

comes() { # PATTERNS LINES [ARGUMENT...]: so many, and not a word else
	patterns=$1 n=$2; shift 2
	SIDE_JMP_ENABLE=$patterns "$shop" "$@" 2>"$TMP/err"; cat "$TMP/err"
	[ "$(grep -c '^[0-9]' "$TMP/err")" = "$n" ] && ! grep '^side_jmp' "$TMP/err"
}
ok filter_of_the_variable comes 'shop:order if items > 3 && customer ~ "A*"' 8
ok filter_of_a_list comes 'shop:order if customer == "Ada, A." && items < 4,shop:idle' 3
ok filter_every comes 'shop:order every 5' 4
ok filter_with_wildcards comes '*:* if items >= 20, *:* if left == -4' 2 "$TMP/lib.so"
ok filter_of_a_library_that_comes_later comes 'stock:out if left < 0' 4 "$TMP/lib.so"
ctf() {
	SIDE_JMP_ENABLE='shop:order if items & 16' SIDE_JMP_OUTPUT=$TMP/ctf/ "$shop" &&
	babeltrace2 "$TMP/ctf" >"$TMP/lines" && cat "$TMP/lines" &&
	[ "$(wc -l <"$TMP/lines")" = 5 ]
}
ctf_left_out() { # CONTEXT: an event says it, of each of two processes; the tools add it up
	rm -rf "$TMP/ctf"
	SIDE_JMP_CONTEXT=$1 SIDE_JMP_ENABLE='shop:order every 5' SIDE_JMP_OUTPUT=$TMP/ctf/ \
		"$shop" fork 2>"$TMP/err"
	babeltrace2 "$TMP/ctf" >"$TMP/lines" 2>>"$TMP/err"; cat "$TMP/err" "$TMP/lines"
	[ ! -s "$TMP/err" ] && [ "$(wc -l <"$TMP/lines")" = 10 ] &&
	[ "$(grep -c ' side_jmp:left_out: .*{ count = 16 }$' "$TMP/lines")" = 2 ]
}
reads() { # what looks at traces does not take it for one of the program's
	"$tool" report "$TMP/ctf" -o "$TMP/page" 2>"$TMP/err" &&
	"$tool" convert "$TMP/ctf" -o "$TMP/json" 2>>"$TMP/err"; cat "$TMP/err"
	[ "$(grep -c 'side-jmp: 8 events, 0 lost, 32 left out$' "$TMP/err")" = 2 ] &&
	grep -q 'Left out' "$TMP/page" && ! grep left_out "$TMP/page" "$TMP/json"
}
if command -v babeltrace2 >/dev/null; then
	ok filter_of_a_ctf_trace ctf
	ok filter_leaves_out_and_a_ctf_trace_says_so ctf_left_out ''
	ok filter_leaves_out_beside_context ctf_left_out comm,stack,cpu
	if "$tool" report --help >"$TMP/out" 2>&1; then
		ok filter_leaves_out_and_report_says_so reads
	else
		skip filter_leaves_out_and_report_says_so "side-jmp-ctf was not built"
	fi
else
	skip filter_of_a_ctf_trace "babeltrace2 is not there"
fi

said() { # PATTERN WHAT [ARGUMENT]: once, and the other patterns hold
	SIDE_JMP_ENABLE="shop:idle,$1" "$shop" $3 2>"$TMP/err"; cat "$TMP/err"
	[ "$(grep -c '^side_jmp' "$TMP/err")" = 1 ] &&
	grep -qF "side_jmp: SIDE_JMP_ENABLE: \"$1\" $2" "$TMP/err" &&
	[ "$(grep -c 'shop:idle$' "$TMP/err")" = 1 ]
}
ok filter_that_is_none said 'shop:order if items >> 3' 'is no filter: in column 22, at "> 3", '
ok filter_of_a_field_that_is_not_there said 'shop:order if itemz > 3' \
	"can't be applied: in column 15, shop:order has no field \"itemz\"; ignored"
ok filter_of_a_library_that_has_no_such_field said 'stock:out if left ~ x' \
	"can't be applied: in column 19, left of stock:out is an integer" "$TMP/lib.so"
ok filter_of_no_event_of_many said 'shop:* if itemz > 3' 'matched no event of shop: one can'

# ---- the tool --------------------------------------------------------------------
if [ ! -x "$tool" ]; then
	skip filter_of_the_tool "side-jmp was not built"
	done_testing
fi
run() {
	"$tool" run -e 'shop:order if items > 18 || customer == "no, one"' -e shop:idle \
		"$shop" 2>"$TMP/err"; cat "$TMP/err"
	[ "$(grep -c '^[0-9].* shop:' "$TMP/err")" = 3 ]
}
ok filter_of_run run
left_out() { # of both processes, each its own; standard error alone hears of none
	"$tool" run -s -e 'shop:order every 5' "$shop" fork 2>"$TMP/err"; cat "$TMP/err"
	[ "$(grep -c '^side_jmp: 16 events left out$' "$TMP/err")" = 2 ] &&
	grep -q '^ *8 .* 0 lost, 32 left out$' "$TMP/err" &&
	"$tool" run -s -j -e 'shop:order every 5' "$shop" >"$TMP/json" 2>&1 &&
	grep -q '"left_out": *16\>' "$TMP/json" &&
	SIDE_JMP_OUTPUT=$TMP/file SIDE_JMP_OUTPUT_MODE=buffered \
		SIDE_JMP_ENABLE='shop:order every 5' "$shop" && cat "$TMP/file" &&
	[ "$(sed -n '$p' "$TMP/file")" = 'side_jmp: 16 events left out' ]
}
ok filter_leaves_out_and_run_says_so left_out
refused() { # COMMAND...: with a filter that is none
	"$tool" "$@" 2>"$TMP/err" && return 1
	cat "$TMP/err"
	grep -qF '"shop:order if" is no filter: in column 14, where it ends,' "$TMP/err"
}
ok filter_that_run_refuses refused run -e 'shop:order if' "$shop"
ok filter_that_trace_refuses refused trace -p 1 -e 'shop:order if'
ok filter_that_top_refuses refused top -p 1 -e 'shop:order if'

mkfifo "$TMP/in"
SIDE_JMP_CONTROL=1 "$shop" '' <"$TMP/in" & pid=$!
exec 9>"$TMP/in"
until "$tool" ps -p $pid 2>/dev/null | grep -q shop; do sleep .1; done
live() { # what is asked for while it runs
	"$tool" trace -p $pid -e 'shop:order if items > 18 && customer ~ "[A-C]*"' --count 3 \
		>"$TMP/lines" 2>"$TMP/err" & t=$!
	while kill -0 $t 2>/dev/null; do echo >&9; sleep .1; done
	wait $t; cat "$TMP/lines" "$TMP/err"
	[ "$(sed 's/.*items=\([0-9]*\) .*/\1/' "$TMP/lines" | xargs)" = '19 20 19' ]
}
ok filter_of_trace live
skips() { # COMMAND...: from then on, until it has said that some were left out
	: >"$TMP/lines" 2>"$TMP/err"
	"$tool" "$@" -p $pid -e 'shop:order every 10' >"$TMP/lines" 2>"$TMP/err" & t=$!
	until grep -q "$said" "$TMP/lines" "$TMP/err"; do
		kill -0 $t 2>/dev/null || break
		echo >&9; sleep .1
	done
	kill -INT $t 2>/dev/null; wait $t
	cat "$TMP/err" "$TMP/lines"
	grep -q "$said" "$TMP/lines" "$TMP/err"
}
said=' events, 0 lost, [1-9][0-9]* left out$'
ok filter_leaves_out_and_trace_says_so skips trace --count 3
said=' in all, [1-9][0-9]* left out, every '
ok filter_leaves_out_and_top_says_so skips top -d 0.2
late() { # only the process knows that it has no such field
	"$tool" trace -p $pid -e 'shop:order if itemz > 18' >"$TMP/lines" 2>"$TMP/err" && return 1
	cat "$TMP/err"
	grep -qF 'in column 15, shop:order has no field "itemz"' "$TMP/err"
}
ok filter_that_the_process_refuses late
exec 9>&-
wait $pid
done_testing
