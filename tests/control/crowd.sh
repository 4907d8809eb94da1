#!/bin/sh
# SPDX-License-Identifier: MIT
# Attaching to programs of very many threads, or of ones that come and go, by several
# tools at the same moment, some of which die at any step: who lives gets in, and nothing
# is left.
. "$(dirname "$0")/../tap.sh"
. "$TOP/tests/control/src/common.sh"
case $(uname -m) in
x86_64|aarch64) ;;
*) skip crowd "nobody attaches on this machine"; done_testing ;;
esac
built() {
	$CC $flags "$src/heavy.c" -o "$TMP/heavy" $alone &&
	$CC $flags -I. "$src/again.c" tools/attach.c tools/filter.c tools/pass.c \
		tools/proc.c -o "$TMP/again" -Wl,--wrap=ptrace,--wrap=process_poke
}
ok crowd_builds built
begin_heavy() { # KIND N: $pid, and what it has
	rm -f "$TMP/out"; "$TMP/heavy" "$1" "$2" >"$TMP/out" & pid=$!
	until_ grep -q here "$TMP/out" && threads=$(ls /proc/$pid/task | wc -l) &&
	files=$(ls /proc/$pid/fd | wc -l)
}
as_before() {
	[ "$(ls /proc/$pid/task | wc -l)" = $threads ] &&
	[ "$(ls /proc/$pid/fd | wc -l)" = $files ]
}
end_heavy() { # as it was, and it can be seen
	r=$?; until_ as_before && "$tool" list -p $pid >/dev/null && until_ as_before || r=1
	kill -9 $pid; wait $pid 2>/dev/null; return $r
}
many() { begin_heavy threads 1000 && "$TMP/again" 10 $pid; end_heavy; }
ok crowd_of_1000_threads many
last() { # the only one that can be taken over
	begin_heavy refuse 300 && "$TMP/again" 2 $pid; end_heavy
}
case $(uname -rm | awk -F'[. ]' '{ print ($1 > 6 || $1 == 6 && $2 >= 4), $NF }') in
"1 x86_64") ok crowd_of_300_threads_of_which_one_can_be_taken last ;;
*)	skip crowd_of_300_threads_of_which_one_can_be_taken "what refuses: x86-64, Linux 6.4" ;;
esac
tools() { # ROUNDS DYING: two tools do so at once, and others die at each step
	jobs_=
	for i in 1 2; do
		"$TMP/again" "$1" $pid >"$TMP/again.$i" 2>&1 & jobs_="$jobs_ $!"
	done
	for i in $(seq "$2"); do
		"$TMP/again" die $pid >"$TMP/die.$i" 2>&1 & jobs_="$jobs_ $!"
	done
	r=0; for j in $jobs_; do wait $j || r=1; done
	cat "$TMP"/again.*; [ $r = 0 ] || tail -n 3 "$TMP"/die.* 2>/dev/null
	return $r
}
two() { begin_heavy threads "$1" && tools 200 0; end_heavy; }
ok crowd_of_two_tools_and_nine_threads two 8
ok crowd_of_two_tools_and_one_thread two 0
dying() { begin_heavy threads "$1" && tools 50 2; end_heavy; }
ok crowd_of_dying_tools_and_nine_threads dying 8
ok crowd_of_dying_tools_and_one_thread dying 0
# The first thread has ended; /proc shows a process by another, which may end, too
relay() { # a thread that has ended before it could be stopped is bad luck
	begin_heavy relay 4; "$TMP/again" try 40 $pid >"$TMP/relay"; cat "$TMP/relay"
	! grep -e 'end of the connection' -e ' /proc' -e 'has ended' "$TMP/relay" &&
	grep "^40 times" "$TMP/relay" && until_ "$tool" ps -p $pid &&
	until_ "$tool" list -p $pid; r=$?
	kill -9 $pid; wait $pid 2>/dev/null; return $r
}
if [ "$(uname -r | awk -F. '{ print ($1 > 6 || $1 == 6 && $2 >= 9) }')" = 1 ]; then
	ok crowd_of_threads_that_come_and_go relay
else
	skip crowd_of_threads_that_come_and_go "a process whose first thread ended: Linux 6.9"
fi
done_testing
