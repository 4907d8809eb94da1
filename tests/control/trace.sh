#!/bin/sh
# SPDX-License-Identifier: MIT
# Live control: events of a running process, and nothing is left of it.
. "$(dirname "$0")/../tap.sh"
. "$TOP/tests/control/src/common.sh"
built() {
	server server $CC $so &&
	$CC $flags -fPIC -shared "$src/plugin.c" -o "$TMP/plugin.so" $so
}
ok trace_server_builds built
begin env SIDE_JMP_CONTROL=1 PAUSE_US=1000 "$TMP/server" || exit 1
trace() { "$tool" trace "$@" >"$TMP/lines" 2>"$TMP/err"; rc=$?; cat "$TMP/err"; return $rc; }
# The first time things come that stay: memory for tracers, the stack of a thread
tell "load $TMP/plugin.so" && tell unload && trace -p $pid --count 100 >"$TMP/said"
settled

lines() { trace -p $pid --count 50 && [ "$(wc -l <"$TMP/lines")" = 50 ] &&
	! grep -vE '^[0-9]+\.[0-9]{9} [0-9]+ server:(pass|rare|types) [a-z]' "$TMP/lines"; }
ok trace_shows_lines lines
types() {
	trace -p $pid -e 'server:types' --count 1 && grep -E '^[0-9.]+ [0-9]+ server:types a=-8'\
' b=18446744073709551615 c=0.5 d=-2.25 e=0x[0-9a-f]+ f="two\\n" g="\(null\)" h="longer "'\
' i=010203 j=6162 k=\[-1,2\] l=\[7,8,9\] m="te"$' "$TMP/lines"
}
ok trace_shows_every_kind_of_field types
chosen() { trace -p $pid -e 'server:rare,server:none' --count 3 &&
	! grep -v server:rare "$TMP/lines"; }
ok trace_shows_what_was_chosen chosen
no_escape() { trace -p $pid -e server:pass --count 1 && ! grep "$(printf '\033')" "$TMP/lines"; }
ok trace_escapes_what_strings_hold no_escape

# Of each thread's passes all are there, in order, and those that are not are counted
whole() { # MISSING-MAX: of lines of server:pass
	sort -nsc -k1,1 "$TMP/lines" && awk -v max="$1" '{
			t = $4; sub(/thread=/, "", t); n = $5; sub(/pass=/, "", n); n += 0
			if (t in last && n <= last[t]) { print "twice or back: " $0; bad = 1 }
			if (t in last) missing += n - last[t] - 1
			last[t] = n; threads += seen[t]++ == 0
		}
		END { print threads " threads, " missing + 0 " missing of " NR
			exit bad || threads != 8 || missing > max }' "$TMP/lines"
}
lost() { sed -n 's/.* events, \([0-9]*\) lost.*/\1/p' "$TMP/err"; }
complete() { trace -p $pid -e server:pass --for 2s && [ "$(lost)" = 0 ] && whole 0; }
ok trace_has_all_events_of_8_threads_in_order complete
ok trace_leaves_nothing state "$first"

ctf() { # the same, as babeltrace2 reads it
	trace -p $pid -e server:pass --for 1s -o "$TMP/ctf/" && [ "$(lost)" = 0 ] &&
	babeltrace2 --clock-seconds --no-delta "$TMP"/ctf/* >"$TMP/read" &&
	n=$(sed -n 's/.*: \([0-9]*\) events,.*lost.*/\1/p' "$TMP/err") &&
	[ "$(wc -l <"$TMP/read")" = "$n" ] &&
	sed 's/^\[\([0-9.]*\)\].* thread = /\1 x x thread=/; s/, pass = / pass=/; s/,.*//' \
		"$TMP/read" >"$TMP/lines" && whole 0
}
ok trace_writes_ctf ctf
context() { # what the process adds behind the values, as lines and as CTF
	trace -p $pid --context=comm,stack,cpu,thread_time -e server:types,server:rare --count 9 &&
	! grep -Ev ' server:[a-z]+ \{cpu=[0-9]+ comm="server" thread_time=[0-9]+ '\
'stack=\[[^]]*\]\} [a-z]' "$TMP/lines" && [ "$(wc -l <"$TMP/lines")" = 9 ] &&
	trace -p $pid --context=comm,cpu -e server:types --count 9 -o "$TMP/ctf2/" &&
	babeltrace2 "$TMP"/ctf2/* >"$TMP/read" && cat "$TMP/read" &&
	[ "$(grep -c 'cpu = [0-9]*, comm = "server" }, { a = -8, ' "$TMP/read")" = 9 ]
}
ok trace_shows_context context
appends() { trace -p $pid --count 3 -o "$TMP/file" && trace -qp $pid --count 4 -o "$TMP/file" &&
	[ "$(wc -l <"$TMP/file")" = 7 ] && [ ! -s "$TMP/err" ]; }
ok trace_appends_to_a_file appends
for_() { timeout 60 "$tool" trace -p $pid --for 300ms >"$TMP/lines" 2>"$TMP/err" &&
	[ -s "$TMP/lines" ]; }
ok trace_ends_after_a_time for_
interrupted() {
	: >"$TMP/lines" 2>"$TMP/err"
	"$tool" trace -p $pid >"$TMP/lines" 2>"$TMP/err" & t=$!
	until_ test -s "$TMP/lines" && kill -TERM $t && wait $t && grep -q ' 0 lost' "$TMP/err"
}
ok trace_ends_when_interrupted_and_says_what_it_had interrupted
disk_full() { says 'No space left' "$tool" trace -p $pid -o /dev/full; }
ok trace_ends_when_the_output_is_full disk_full

# ---- libraries, children
library() {
	: >"$TMP/lines" 2>"$TMP/err"
	"$tool" trace -p $pid -e 'plugin:*' >"$TMP/lines" 2>"$TMP/err" & t=$!
	sleep .3; tell "load $TMP/plugin.so" && until_ grep -q plugin:loaded "$TMP/lines" &&
	tell unload && [ "$answer" = 0 ] && tell "load $TMP/plugin.so" && tell unload &&
	kill -INT $t && wait $t && cat "$TMP/err" && [ "$(lost)" = 0 ] &&
	grep -q 'plugin:loaded n=0$' "$TMP/lines"
}
ok trace_has_a_library_that_comes_meanwhile library
of_child() { # PID: lines of threads of that process
	for task in /proc/$1/task/*; do
		grep -q "^[0-9.]* ${task##*/} " "$TMP/lines" && return
	done
	return 1
}
children() {
	: >"$TMP/lines" 2>"$TMP/err"
	"$tool" trace -p $pid -e 'server:pass' >"$TMP/lines" 2>"$TMP/err" & t=$!
	until_ test -s "$TMP/lines" && tell fork && child=$answer && until_ of_child $child &&
	kill -INT $t && wait $t && [ "$(lost)" = 0 ] && ! grep warning "$TMP/err"
}
ok trace_has_a_child_that_is_forked_meanwhile children
idle() { asks '.processes[0].events | all(.users == 0)' "$tool" list --json -p "$1"; }
ok trace_leaves_nothing_in_a_child until_ idle $child
sees_the_last() { # the child goes on when the tool asks for no more: it ends with the last
	kill -9 $child
	begin_2() { SIDE_JMP_CONTROL=1 PAUSE_US=1000 "$TMP/server" <"$TMP/in2" >"$TMP/out2" 8>&- & }
	mkfifo "$TMP/in2"; begin_2; other=$!; exec 7>"$TMP/in2"
	until_ "$tool" list -p $other || return
	"$tool" trace -p $other >"$TMP/lines" 2>"$TMP/err" 7>&- & t=$!
	until_ test -s "$TMP/lines" && exec 7>&- && wait $t && grep ' 0 lost' "$TMP/err"
}
ok trace_ends_when_the_process_does sees_the_last

# ---- killed at any moment, again and again
killed() { # ROUNDS
	for i in $(seq "$1"); do
		"$tool" trace -p $pid >/dev/null 2>&1 & t=$!
		sleep "0.0$((i * 7 % 10))"; kill -9 $t; wait $t 2>/dev/null
	done
	until_ idle $pid && state "$first"
}
ok trace_killed_at_any_moment_leaves_nothing killed "${ROUNDS:-15}"
rounds() { # ROUNDS
	for i in $(seq "$1"); do
		trace -qp $pid --count 1 && [ -s "$TMP/lines" ] || return
	done
	state "$first"
}
by_hand() { # ROUNDS: without the tool, so many more
	$CC $flags -I. "$src/rounds.c" -o "$TMP/rounds" &&
	"$TMP/rounds" "$(find /run/user/*/side_jmp /tmp/side_jmp-* /dev/shm/side_jmp-* \
		-name "$pid-*" 2>/dev/null)" "$1" && until_ idle $pid && state "$first"
}
ok trace_hundreds_of_times_leaves_nothing by_hand "${MANY:-300}"
ok trace_again_and_again_leaves_nothing rounds "${ROUNDS:-15}"

# ---- processes that come later, and what they fork, once
end
own=srv$$ && cp "$TMP/server" "$TMP/$own"	# a name that nobody else has
begin env SIDE_JMP_CONTROL=1 PAUSE_US=1000 "$TMP/$own" || exit 1
later() {
	: >"$TMP/lines" 2>"$TMP/err"
	"$tool" trace -n "$own" -e server:pass >"$TMP/lines" 2>"$TMP/err" & t=$!
	until_ test -s "$TMP/lines" || return
	SIDE_JMP_CONTROL=1 PAUSE_US=1000 "$TMP/$own" <"$TMP/in2" >"$TMP/out2" 8>&- & other=$!
	exec 7>"$TMP/in2"
	until_ of_child $other && tell fork && child=$answer && until_ of_child $child &&
	sleep 1.5 && exec 7>&- && wait $other && kill -0 $t && kill -INT $t && wait $t &&
	[ "$(grep -c 'events, by control' "$TMP/err")" = 2 ] && [ "$(lost)" = 0 ]
	r=$?; cat "$TMP/err"; kill -9 $child; return $r
}
ok trace_has_processes_of_a_name_that_start_later_and_children_once later
head_() { "$tool" trace -p $pid 2>"$TMP/err" | head -n 1 >"$TMP/lines"
	[ "$(grep -c 'Broken pipe\|write' "$TMP/err")" = 0 ] && until_ idle $pid; }
ok trace_into_head_ends_without_a_word head_
full_() { "$tool" trace -p $pid >/dev/full 2>"$TMP/err"; [ $? = 2 ] &&
	[ "$(grep -c 'No space left' "$TMP/err")" = 1 ]; }
ok trace_says_once_that_the_output_is_full full_

closed() { # nothing else is taken for the output
	"$tool" trace -qp $pid --count 3 >&- 2>"$TMP/err"; [ $? = 2 ] &&
	cat "$TMP/err" && grep -q 'Bad file descriptor' "$TMP/err"
}
ok trace_without_an_output_says_so closed
small() { # a message into a file would be too much, too
	(ulimit -f 0; "$tool" trace -p $pid; echo $?) 2>&1 | cat >"$TMP/said"
	grep -q 'memory for a ring: File too large' "$TMP/said"
}
ok trace_that_may_have_no_file_says_so small
few() { says 'Too many open files' sh -c 'ulimit -n 5; exec "$0" "$@"' "$tool" trace -p $pid; }
ok trace_that_may_open_nothing_says_so few

# ---- too much of it
end
begin env SIDE_JMP_CONTROL=1 "$TMP/server" || exit 1
flood() {
	trace -p $pid -e server:pass --for 200ms && n=$(lost) && echo "$n lost" && whole "$n"
}
ok trace_counts_what_it_loses flood
grow() { before=$(now count passes) && trace -p $pid --for 100ms && grows passes; }
ok a_traced_server_goes_on grow
stopped() { # a tool that does not read
	: 2>"$TMP/err"
	"$tool" trace -p $pid >/dev/null 2>"$TMP/err" & t=$!
	until_ grep 'by control' "$TMP/err"
	kill -STOP $t && grows passes && grows passes && kill -CONT $t &&
	kill -INT $t && wait $t && [ "$(lost)" -gt 0 ]
}
ok a_traced_server_never_waits_for_the_tool stopped
failures() { [ "$(now state failures)" = 0 ]; }
ok no_system_call_of_it_failed failures
end

# ---- what is refused
ok trace_wants_a_process says 'a process is expected' "$tool" trace
ok trace_wants_a_time says 'for=soon: expected a time' "$tool" trace -p 1 --for soon
ok trace_wants_a_number says 'count=0: expected a number' "$tool" trace -p 1 --count 0
ok trace_wants_a_pattern says '"a" is no pattern' "$tool" trace -p 1 -e a
ok trace_wants_an_output says 'output is empty' "$tool" trace -p 1 -o ''
ok trace_wants_words_of_context says '--context=cpu,sak: expected a list of cpu' \
	"$tool" trace -p 1 --context=cpu,sak
ok trace_wants_no_argument says '"x:y" is not expected' "$tool" trace -p 1 x:y
done_testing
