#!/bin/sh
# SPDX-License-Identifier: MIT
# Attaching to programs that do one touchy thing over and over, or may have no more of
# what it takes: none notices; or it is refused, with the reason, and untouched.
. "$(dirname "$0")/../tap.sh"
. "$TOP/tests/control/src/common.sh"
case $(uname -m) in
x86_64|aarch64) ;;
*) skip odd "nobody attaches on this machine"; done_testing ;;
esac
built() {
	$CC $flags -I. "$src/odd.c" -o "$TMP/odd" $alone &&
	$CC $flags -I. "$src/locked.c" -o "$TMP/locked" $alone &&
	$CC $flags -I. -static "$src/locked.c" -o "$TMP/static" $alone &&
	$CC $flags -I. "$src/again.c" tools/attach.c tools/filter.c tools/pass.c \
		tools/proc.c -o "$TMP/again" -Wl,--wrap=ptrace,--wrap=process_poke
}
ok odd_builds built

# ---- what goes on
begin_odd() { # KIND: $pid
	rm -f "$TMP/go" "$TMP/odd.out"; "$TMP/odd" "$1" "$TMP/go" >"$TMP/odd.out" & pid=$!
	until_ grep here "$TMP/odd.out"
}
end_odd() { : >"$TMP/go"; wait $pid; r=$?; cat "$TMP/odd.out"; return $r; }
stands() { # KIND AGAIN-ARGUMENTS...
	kind=$1; shift
	begin_odd "$kind" || return
	"$TMP/again" "$@" $pid; again=$?
	end_odd && [ $again = 0 ]
}
for kind in profiled spawn lowest strict_thread; do
	ok odd_is_right_beside_$kind stands $kind "${ROUNDS:-20}"
done
# Signals that nobody handles come all the time, for the whole process
for kind in ignored ignored_by_all; do
	ok odd_is_right_beside_$kind stands $kind "${ROUNDS:-150}"
done
together() { # tools that take one thread each exclude each other all the same
	begin_odd ignored_by_all || return
	tools=
	for i in 1 2 3 4; do
		"$TMP/again" "${ROUNDS:-50}" $pid >"$TMP/again.$i" & tools="$tools $!"
	done
	again=0
	for t in $tools; do wait $t || again=1; done
	cat "$TMP"/again.[1-4]; end_odd && [ $again = 0 ]
}
ok odd_lets_one_tool_in_at_a_time together
# Here it may come too late
for kind in exec exec_thread; do
	ok odd_does_no_harm_to_$kind stands $kind try "${ROUNDS:-20}"
done

borrowers() { # who waits in vfork(), and who has his memory for so long
	begin_odd vfork || return
	"$TMP/again" try 5 $pid >"$TMP/again.1" & again=$!
	refused=0 round=0; : >"$TMP/said"
	while [ $refused -lt "${ROUNDS:-5}" ] && [ $((round += 1)) -le 60 ] && kill -0 $pid; do
		for c in list 'trace --for 10ms' 'top -t 1 -d .01' 'enable odd:tick' ps; do
			child=$(pgrep -P $pid | head -n 1)
			[ -z "$child" ] || "$tool" $c -p $child >>"$TMP/said" 2>&1
		done
		refused=$(grep -c 'shares its memory' "$TMP/said")
	done
	wait $again; cut -d: -f2- "$TMP/said"; end_odd && [ $refused -gt 0 ]
}
ok odd_does_no_harm_between_vfork_and_exec borrowers

# ---- what is refused
odd_refuses() { # KIND WORDS
	begin_odd "$1" && until_ grep sleeps "$TMP/odd.out" || return
	says "$2" "$tool" list -p $pid; refused=$?
	end_odd && [ $refused = 0 ]
}
ok odd_refuses_who_has_written_a_part odd_refuses write 'would return early\|written a part'
if [ "$(cat /proc/sys/kernel/io_uring_disabled 2>/dev/null)" = 0 ]; then
	ok odd_refuses_who_has_submitted odd_refuses uring 'would return early'
else
	skip odd_refuses_who_has_submitted "no io_uring here, or not for all"
fi
case $("$TMP/odd") in *dispatch*)
	dispatch() { # Linux before 6.4 does not say so: then it depends on the moment
		begin_odd dispatch || return
		"$TMP/again" try 5 $pid; end_odd
	}
	ok odd_does_no_harm_to_who_answers_his_system_calls dispatch ;;
esac
refuses() { # WORDS COMMAND...: it is begun so, and lives on
	words=$1; shift; rm -f "$TMP/alive"
	: >"$TMP/alive"
	"$@" plain >"$TMP/alive" & pid=$!
	until_ grep 1 "$TMP/alive" && files=$(ls /proc/$pid/fd | wc -l) &&
	says "$words" "$tool" list -p $pid && lines_=$(wc -l <"$TMP/alive") &&
	more() { [ "$(wc -l <"$TMP/alive")" -gt $((lines_ + 1)) ]; } && until_ more &&
	[ "$(ls /proc/$pid/task | wc -l)" = 1 ] && [ "$(ls /proc/$pid/fd | wc -l)" = "$files" ]
	r=$?; kill -9 $pid; wait $pid 2>/dev/null; return $r
}
ok odd_refuses_without_descriptors refuses "library can't start: Too many open files" \
	prlimit --nofile=4 "$TMP/locked"
if [ "$(id -u)" = 0 ]; then
	# A user that nobody else is; where he may go
	chmod 755 "$TMP" "$TMP/locked"
	ok odd_refuses_without_threads refuses \
		"library can't start: Resource temporarily unavailable" setpriv \
		--reuid $((60000 + $$ % 4000)) --clear-groups prlimit --nproc=1 "$TMP/locked"
	ok odd_refuses_who_has_unshared_his_number refuses 'another PID namespace' \
		unshare --pid "$TMP/locked"
	ok odd_refuses_who_sees_no_proc refuses 'sees no /proc' chroot "$TMP" /static
	frozen() {
		group=$group/side_jmp.$$
		mkdir "$group" || return
		rm -f "$TMP/alive"; "$TMP/locked" plain >"$TMP/alive" & pid=$!
		until_ grep 1 "$TMP/alive" && echo $pid >"$group/cgroup.procs" &&
		echo 1 >"$group/cgroup.freeze" && until_ grep 'frozen 1' "$group/cgroup.events" &&
		says 'cgroup is frozen' "$tool" list -p $pid && echo 0 >"$group/cgroup.freeze" &&
		"$tool" list -p $pid
		r=$?; kill -9 $pid; wait $pid; rmdir "$group"; return $r
	}
	group=$(sed -n 's/^[^ ]* \([^ ]*\) cgroup2 .*/\1/p' /proc/mounts | head -n 1)
	if [ -w "${group:-/none}/cgroup.procs" ]; then
		ok odd_refuses_who_is_frozen frozen
	else
		skip odd_refuses_who_is_frozen "no cgroup2 that can be written to"
	fi
	frozen_1() { # of version 1 it is not seen whether it is that
		old=$old/side_jmp.$$
		mkdir "$old" || return
		rm -f "$TMP/alive"; "$TMP/locked" plain >"$TMP/alive" & pid=$!
		until_ grep 1 "$TMP/alive" && echo $pid >"$old/cgroup.procs" &&
		echo FROZEN >"$old/freezer.state" && until_ grep -x FROZEN "$old/freezer.state" &&
		says 'in a frozen cgroup' "$tool" list -p $pid; r=$?
		echo THAWED >"$old/freezer.state" && "$tool" list -p $pid || r=1
		kill -9 $pid; wait $pid; until_ rmdir "$old"; return $r
	}
	old=$(sed -n 's/^[^ ]* \([^ ]*\) cgroup [^ ]*\<freezer\>.*/\1/p' /proc/mounts | head -n 1)
	if [ -w "${old:-/none}/cgroup.procs" ]; then
		ok odd_refuses_who_is_frozen_by_version_1 frozen_1
	else
		skip odd_refuses_who_is_frozen_by_version_1 "no freezer of cgroup version 1"
	fi
else
	skip odd_refuses_without_threads "not root"
fi
done_testing
