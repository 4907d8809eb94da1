#!/bin/sh
# SPDX-License-Identifier: MIT
# SIDE_JMP_CONTEXT: what stands around an event, in lines of text and in CTF.
. "$(dirname "$0")/../tap.sh"
t=$TMP/context tool=$BUILD/tools/side-jmp
flags="-std=c11 -I$BUILD/include -O2 -g -Wall -Wextra -Werror"
$CC -fno-shrink-wrap -E -xc /dev/null >"$TMP/out" 2>&1 && whole=-fno-shrink-wrap || whole=
built() {
	$CC $flags -no-pie -fno-omit-frame-pointer $whole tests/events/src/context.c \
		"$BUILD/libside_jmp.a" -pthread -o "$t" &&
	$CC $flags -fomit-frame-pointer tests/events/src/context.c \
		"$BUILD/libside_jmp.a" -pthread -o "$t.none"
}
ok context_builds built
export SIDE_JMP_ENABLE='ctx:*'
text() { # CONTEXT ARGS: of lines $TMP/lines, without time and thread
	SIDE_JMP_CONTEXT=$1 "$t" $2 2>"$TMP/err" || return 1
	sed 's/^[0-9]*\.[0-9]\{9\} [0-9]* //' "$TMP/err" >"$TMP/lines"; cat "$TMP/lines"
}
ctf() { # CONTEXT ARGS: the same of a CTF trace, by babeltrace2
	rm -rf "$TMP/ctf"
	SIDE_JMP_CONTEXT=$1 SIDE_JMP_OUTPUT=$TMP/ctf/ "$t" $2 2>"$TMP/err" &&
	babeltrace2 "$TMP/ctf" >"$TMP/lines"; cat "$TMP/err" "$TMP/lines"
}
is() { # NTH EXPRESSION: that line is
	sed -n "$1p" "$TMP/lines" | grep -qx "$2" || { echo "no line $1: $2"; return 1; }
}
nothing() { # and a word of it stands nowhere
	text '' names && is 1 'ctx:at n=1' && is 3 'ctx:at n=3'
}
ok context_nobody_asked_for nothing
names() {
	text comm names && is 1 'ctx:at {comm="first"} n=1' &&
	is 2 'ctx:at {comm="a \\"15\\" of them"} n=2' && is 3 'ctx:at {comm="first"} n=3'
}
ok context_names_of_threads names
odd() {
	text comm odd && is 1 'ctx:at {comm="\\n} \\x1b\[1m\\xff\\xc3"} n=1' &&
	is 2 'ctx:at {comm="fifteen bytes, "} n=2' && is 3 'ctx:at {comm=""} n=3'
}
ok context_names_that_are_no_text odd
order() {
	text 'stack, thread_time,cpu,comm' names &&
	is 3 'ctx:at {cpu=[0-9]* comm="first" thread_time=[0-9]* stack=\[.*\]} n=3'
}
ok context_all_of_it order
between() { # n1 <= time1, time2 <= n2... as TIME N, each of two lines
	awk 'NR == 1 { ok = $2 <= $1 + 0 && $1 > 1000000; first = $1 }
		NR == 2 { ok = ok && first <= $2 && $2 <= $1 }
		END { exit !(ok && NR == 2) }'
}
time_text() {
	text thread_time time && sed 's/.*time=\([0-9]*\)} n=/\1 /' "$TMP/lines" | between
}
ok context_time_in_the_thread time_text
cpus_text() { text cpu cpus && ! sed 's/.*cpu=\([0-9]*\)} n=\1$//' "$TMP/lines" | grep .; }
ok context_cpu cpus_text

# ---- the stack -----------------------------------------------------------------
functions() { # of return addresses: whose they are, whatever was inlined in there
	addr2line -a -i -f -e "$t" $(for at; do printf '%#x ' $((at - 1)); done) |
		awk '/^0x/ { if (name) print name; n = 0; next } n++ % 2 == 0 { name = $1 }
			END { print name }' | xargs
}
stack() { # NTH: of the lines, in which each address begins with 0x
	functions $(sed -n "$1p" "$TMP/lines" | grep -io '0x[0-9a-f]*' | head -n 4)
}
called() { # LINES: of 6 values, and of more than a thunk takes
	for i in 1 2; do stack $i; done
	[ "$(stack 1) $(stack 2)" = 'inner middle outer main inner middle outer main' ]
}
stack_text() { text stack stack && called; }
ours() { # first of all the site's function, whatever comes then
	firsts=$(sed 's/^[^[]*\[\(0x[0-9a-f]*\).*/\1/' "$TMP/lines")
	[ "$(functions $firsts | tr ' ' '\n' | sort | uniq -c | xargs)" = '44 inner' ]
}
stack_garbage() { text stack garbage >"$TMP/out"; cat "$TMP/out"; ours; }
stack_none() { # a program without frame pointers comes through
	SIDE_JMP_CONTEXT=stack "$t.none" stack 2>"$TMP/err"
	cat "$TMP/err"; [ "$(grep -c 'stack=\[0x' "$TMP/err")" = 2 ]
}
case $(uname -m) in
x86_64 | aarch64)
	ok context_stack_of_known_functions stack_text
	ok context_stack_without_frame_pointers stack_none
	if [ "$(uname -m)" = x86_64 ]; then
		ok context_stack_of_garbage stack_garbage
	else
		skip context_stack_of_garbage "written for x86-64"
	fi ;;
*)	skip context_stack "this port reads no stacks" ;;
esac

# ---- what is said ----------------------------------------------------------------
unknown() { # once, and in the info; the program and its events go on
	SIDE_JMP_CONTEXT=cpu,sak "$t" said >"$TMP/out" 2>"$TMP/err"; cat "$TMP/out" "$TMP/err"
	said='SIDE_JMP_CONTEXT: "cpu,sak" is not a list of cpu, comm, thread_time and stack'
	[ "$(grep -c sak "$TMP/err")" = 1 ] && grep -qxF "side_jmp: $said; ignored" "$TMP/err" &&
	grep -qF "$said" "$TMP/out" && grep -q 'ctx:at n=1$' "$TMP/err"
}
ok context_unknown_word_is_said_once unknown
if [ -x "$tool" ]; then
	run() {
		"$tool" run --context=comm,cpu -s "$t" names 2>"$TMP/err"; cat "$TMP/err"
		grep -q ' ctx:at {cpu=[0-9]* comm="first"} n=3$' "$TMP/err" &&
		grep -q '^ *3 .*  ctx:at$' "$TMP/err"
	}
	ok context_of_run run
	refuses() {
		"$tool" run --context=cpu,sak "$t" names 2>"$TMP/err"; rc=$?; cat "$TMP/err"
		[ $rc = 125 ] && grep -q 'expected a list of cpu, comm, ' "$TMP/err"
	}
	ok context_that_run_refuses refuses
else
	skip context_of_run "side-jmp was not built"
fi

# ---- CTF ---------------------------------------------------------------------------
if ! command -v babeltrace2 >/dev/null; then
	skip context_ctf "babeltrace2 is not installed"
	done_testing
fi
ctf_names() {
	ctf comm,cpu names &&
	is 2 '.* ctx:at: { vpid = .*, cpu = [0-9]*, comm = "a .*15.* of them" }, { n = 2 }' &&
	is 3 '.* ctx:at: { vpid = .*, vtid = .*, cpu = .*, comm = "first" }, { n = 3 }'
}
ok context_ctf_names_of_threads ctf_names
ctf_odd() { # of which babeltrace2 says nothing
	ctf comm,cpu odd && [ "$(wc -l <"$TMP/lines")" = 3 ] && LC_ALL=C grep -qa \
		'comm = ".n} .*.1m.*" }, { n = 1 }' "$TMP/lines" &&
	is 2 '.*, comm = "fifteen bytes, " }, { n = 2 }' && is 3 '.*, comm = "" }, { n = 3 }'
}
ok context_ctf_names_that_are_no_text ctf_odd
ctf_time() {
	ctf thread_time time &&
	sed 's/.*thread_time = \([0-9]*\) }, { n = \([0-9]*\) }/\1 \2/' "$TMP/lines" | between
}
ok context_ctf_time_in_the_thread ctf_time
ctf_cpus() {
	ctf cpu cpus && [ -s "$TMP/lines" ] &&
	! sed 's/.*cpu = \([0-9]*\) }, { n = \1 }$//' "$TMP/lines" | grep .
}
ok context_ctf_cpu ctf_cpus
stack_ctf() { ctf stack,cpu stack && called; }
case $(uname -m) in
x86_64 | aarch64) ok context_ctf_stack_of_known_functions stack_ctf ;;
esac
ctf_big() { # what fits without its context is lost, and takes no others along
	SIDE_JMP_OUTPUT_SIZE=1M
	export SIDE_JMP_OUTPUT_SIZE	# 16 packets
	ctf comm,cpu,thread_time big >"$TMP/out"
	unset SIDE_JMP_OUTPUT_SIZE
	n=$(wc -l <"$TMP/lines") lost=$(sed -n 's/.*: \([0-9]*\) events lost$/\1/p' "$TMP/err")
	cut -c1-200 "$TMP/err"; echo "$n read, $lost lost"
	[ "$n and $lost" = '13 and 20' ] &&
	tail -n 1 "$TMP/lines" | grep -q 'ctx:at: '
}
ok context_ctf_beside_what_a_packet_holds ctf_big
ctf_round() { # through all packets of a flight recorder
	rm -rf "$TMP/ctf"
	SIDE_JMP_CONTEXT=comm,cpu,stack SIDE_JMP_OUTPUT_MODE=overwrite SIDE_JMP_OUTPUT_SIZE=2M \
		SIDE_JMP_OUTPUT=$TMP/ctf/ "$t" many 30000 2>"$TMP/err" &&
	babeltrace2 "$TMP/ctf" >"$TMP/lines" 2>>"$TMP/err" || { cat "$TMP/err"; return 1; }
	tail -n 1 "$TMP/lines"
	tail -n 1 "$TMP/lines" | grep -q 'comm = "context".* { n = 29999 }$' &&
	[ "$(grep -c 'comm = "context",' "$TMP/lines")" = "$(wc -l <"$TMP/lines")" ]
}
ok context_ctf_of_a_flight_recorder ctf_round
looked_at() { # what reads traces takes them as others
	ctf comm,stack names >"$TMP/out" && "$tool" convert "$TMP/ctf" -o "$TMP/json" &&
	"$tool" report "$TMP/ctf" -o "$TMP/page" && cat "$TMP/json" &&
	grep -q '"args":{"n":3,"context":{"comm":"first","stack":\[\("0x[0-9a-f]*",*\)*\]}}}$' \
		"$TMP/json" &&
	grep -q '"comm":"a \\"15\\" of them"' "$TMP/json" && ! grep -q vtid "$TMP/json"
}
if "$tool" convert --help >"$TMP/out" 2>&1; then
	ok context_ctf_is_converted looked_at
else
	skip context_ctf_is_converted "side-jmp-ctf was not built"
fi
done_testing
