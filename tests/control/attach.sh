#!/bin/sh
# SPDX-License-Identifier: MIT
# Attaching to a program that did not ask: it does not notice, whatever it is at, and
# nothing is left; or it is refused, with the reason, and untouched.
. "$(dirname "$0")/../tap.sh"
. "$TOP/tests/control/src/common.sh"
case $(uname -m) in
x86_64|aarch64) ;;
*) skip attach "nobody attaches on this machine"; done_testing ;;
esac
with="tools/attach.c tools/filter.c tools/pass.c tools/proc.c"
built() {
	server server $CC $so && server alone $CC $alone &&
	$CC $flags -I. "$src/waits.c" -o "$TMP/waits" $alone &&
	$CC $flags -I. "$src/locked.c" -o "$TMP/locked" $alone &&
	$CC $flags -I. "$src/again.c" $with -o "$TMP/again" -Wl,--wrap=ptrace,--wrap=process_poke &&
	$CC $flags -I. -DATTACH "$src/rounds.c" $with -o "$TMP/rounds" &&
	$CC $flags -fPIC -shared "$src/plugin.c" -o "$TMP/plugin.so" $alone \
		-Wl,--exclude-libs,ALL &&
	$CC $flags -DSTAYS="\"$TMP/stays\"" -fPIC -shared "$src/plugin.c" -o "$TMP/stays.so" \
		$alone -Wl,--exclude-libs,ALL
}
ok attach_builds built

# ---- what a thread may be at
all_wait() { # KIND...: all of them at once, a process each; $pids
	pids=; rm -f "$TMP/go"
	for kind; do
		"$TMP/waits" "$kind" "$TMP/go" >"$TMP/waits.$kind" & pids="$pids $!"
	done
	for kind; do until_ grep here "$TMP/waits.$kind" || return; done
}
go_on() { # AGAIN-ARGUMENT: each is attached to, and then goes on
	"$TMP/again" "$1" $pids >"$TMP/again.out"; again=$?
	: >"$TMP/go"; wait $pids
}
was_ok() { cat "$TMP/waits.$1"; grep -q "$1: ok" "$TMP/waits.$1"; }
# What ends by itself first: it does so soon
timed="nanosleep poll_timed futex_timed"
others=$("$TMP/waits" | grep -vx -e nanosleep -e poll_timed -e futex_timed)
all_wait $timed; go_on 3
ok attach_works_in_every_sleep sh -c "cat '$TMP/again.out'; exit $again"
all_wait $others; go_on 3
ok attach_works_in_every_other_state sh -c "cat '$TMP/again.out'; exit $again"
for kind in $timed $others; do ok "attach_leaves_alone_$kind" was_ok "$kind"; done

# The tracer dies at each of its calls of ptrace(2).  Not those that the kernel itself
# makes fail for a stop: no tool is quick enough
exact="futex read blocked busy small_stack alternate_stack disarmed_stack accept pause read_signal"
all_wait $exact; go_on die
ok attach_can_be_killed_anywhere sh -c "tail '$TMP/again.out'; exit $again"
for kind in $exact; do ok "attach_killed_leaves_alone_$kind" was_ok "$kind"; done

# ---- a server, by all commands
begin env PAUSE_US=1000 "$TMP/server" || exit 1
# The first time things come that stay: memory for tracers, the stacks of threads
tell "load $TMP/plugin.so" && tell unload && tell start && tell stop
"$tool" trace -qp $pid --count 10 >/dev/null; sleep 1; settled
lines() {
	"$tool" trace -p $pid --count 50 >"$TMP/lines" 2>"$TMP/err"; cat "$TMP/err"
	[ "$(wc -l <"$TMP/lines")" = 50 ] && grep -q 'by attach' "$TMP/err"
}
ok attach_traces lines
lists() { asks '.processes[0].events | length == 3' "$tool" list --json -p $pid; }
ok attach_lists lists
counts() { asks '.events[0].count > 0' "$tool" top --json -d .2 -p $pid; }
ok attach_counts counts
keys() {
	"$tool" enable -qp $pid check && grows checked && "$tool" disable -p $pid check &&
	asks '.processes[0].keys | all(.users == 0)' "$tool" list --json -p $pid
}
ok attach_enables_and_disables_for_good keys
ok attach_leaves_nothing state "$first"
killed() {
	for i in $(seq "${ROUNDS:-10}"); do
		"$tool" trace -p $pid >/dev/null 2>&1 & t=$!
		sleep "0.0$((i * 7 % 10))"; kill -9 $t; wait $t 2>/dev/null
	done
	state "$first"
}
ok attach_killed_at_any_moment_leaves_nothing killed
together() { # several tools at once
	jobs_=
	for i in 1 2 3 4; do
		"$tool" trace -qp $pid -e server:pass --count 200 >"$TMP/lines.$i" &
		jobs_="$jobs_ $!"
	done
	for j in $jobs_; do wait $j || return; done
	for i in 1 2 3 4; do [ "$(wc -l <"$TMP/lines.$i")" = 200 ] || return; done
	state "$first"
}
ok attach_lets_several_tools_in together
begin_trace() { # [OPTIONS...]: its number is $t
	rm -f "$TMP/lines"
	: >"$TMP/lines" 2>"$TMP/err"
	"$tool" trace -p $pid "$@" >"$TMP/lines" 2>"$TMP/err" & t=$!
}
idle() { asks '.processes[0].events | all(.users == 0)' "$tool" list --json -p "$1"; }
of_child() {
	for task in /proc/$1/task/*; do
		grep -q "^[0-9.]* ${task##*/} " "$TMP/lines" && return
	done
	return 1
}
children() {
	begin_trace -e server:pass
	until_ test -s "$TMP/lines" && tell fork && child=$answer && until_ of_child $child &&
	kill -INT $t && wait $t && until_ idle $child; r=$?
	[ $r != 0 ] || until_ [ "$(ls /proc/$child/task | wc -l)" = 9 ]; r=$?
	kill -9 $child; return $r
}
ok attach_follows_a_child_and_leaves_it children
starts() { # control, while a tool is attached
	begin_trace
	until_ test -s "$TMP/lines" && tell start && [ "$answer" = 0 ] &&
	asks '.[0].road == "control"' "$tool" ps -jp $pid && "$tool" list -p $pid >/dev/null &&
	tell stop && [ "$answer" = 0 ] && kill -INT $t && wait $t && state "$first"
}
ok attach_and_control_get_along starts
many() { "$TMP/rounds" $pid "${MANY:-200}" && state "$first"; }
ok attach_hundreds_of_times_leaves_nothing many
ok attach_has_made_no_system_call_fail [ "$(now state failures)" = 0 ]
end
# Threads that never sleep
begin "$TMP/server" || exit 1
busy() {
	"$TMP/rounds" $pid 20 && [ "$(now state failures)" = 0 ] && grows passes &&
	until_ idle $pid
}
ok attach_takes_threads_that_run busy
end
# One that starts later, and what is forked, once
own=srv$$ && cp "$TMP/server" "$TMP/$own"	# a name that nobody else has
begin env PAUSE_US=1000 "$TMP/$own" || exit 1
later() {
	: >"$TMP/lines" 2>"$TMP/err"
	"$tool" trace -n "$own" -e server:pass >"$TMP/lines" 2>"$TMP/err" & t=$!
	until_ test -s "$TMP/lines" && mkfifo "$TMP/in2" || return
	PAUSE_US=1000 "$TMP/$own" <"$TMP/in2" >"$TMP/out2" 8>&- & other=$!
	exec 7>"$TMP/in2"
	until_ of_child $other && tell fork && child=$answer && until_ of_child $child &&
	sleep 1.2 && exec 7>&- && wait $other && kill -0 $t && kill -INT $t && wait $t &&
	[ "$(grep -c 'events, by attach' "$TMP/err")" = 2 ] && until_ idle $child
	r=$?; cat "$TMP/err"; kill -9 $child; return $r
}
ok attach_has_processes_that_start_later_and_children_once later
end
# A copy in a library that goes while a tool is there
begin env PAUSE_US=500 "$TMP/alone" || exit 1
copies() {
	tell state; first=$answer; tell "load $TMP/plugin.so" && [ "$answer" = loaded ] &&
	asks '.processes | length == 2' "$tool" list --json -p $pid &&
	begin_trace
	until_ grep -q plugin:loaded "$TMP/lines" && tell unload && [ "$answer" = 0 ] &&
	grows passes && kill -INT $t && wait $t && "$tool" trace -qp $pid --count 5 >"$TMP/lines"
}
tell "load $TMP/plugin.so"; tell unload
ok attach_takes_two_copies_of_which_one_goes copies
end
begin env PAUSE_US=500 "$TMP/alone" || exit 1
goes() { # one copy is said to go, and is there still
	tell "load $TMP/stays.so" && [ "$answer" = loaded ] && echo unload >&8 &&
	until_ test -e "$TMP/stays" && tests/limit 20 "$tool" trace -qp $pid --count 5 &&
	asks '.processes | length == 1' "$tool" list --json -p $pid; r=$?
	rm -f "$TMP/stays"; read -r answer <&9; [ "$answer" = 0 ] && [ $r = 0 ]
}
ok attach_takes_the_other_copy_while_one_goes goes
end
if [ "$(id -u)" = 0 ]; then
	user() { # a process that drops its rights does not keep a thread that has them
		begin env PAUSE_US=500 "$TMP/server" || return
		begin_trace
		until_ test -s "$TMP/lines" && tell 'user 65534' && [ "$answer" = 0 ] &&
		wait $t && ! grep -hv '65534.65534.65534.65534' /proc/$pid/task/*/status |
			grep ^Uid; r=$?
		end; return $r
	}
	ok attach_ends_where_a_process_becomes_anothers user
else
	skip attach_ends_where_a_process_becomes_anothers "not root"
fi

# ---- what is refused
locked() { # HOW: $pid
	rm -f "$TMP/alive"; "$TMP/locked" "$1" >"$TMP/alive" & pid=$!
	until_ grep 1 "$TMP/alive"
}
alive() { # it goes on, with one thread, and no more files than before
	lines_=$(wc -l <"$TMP/alive")
	more() { [ "$(wc -l <"$TMP/alive")" -gt $((lines_ + 1)) ]; }
	until_ more && [ "$(ls /proc/$pid/task | wc -l)" = 1 ] &&
	[ "$(ls /proc/$pid/fd | wc -l)" = "$files" ]
}
refused() { # HOW WORDS COMMAND...
	how=$1 words=$2; shift 2
	locked "$how" || return
	files=$(ls /proc/$pid/fd | wc -l)
	says "$words" "$@" "$tool" trace -p $pid --count 1 && alive; r=$?
	kill -9 $pid; wait $pid 2>/dev/null; return $r
}
ok attach_refuses_strict_seccomp refused strict 'strict seccomp'
if [ "$(id -u)" = 0 ] && [ "$(sed -n 's/^Seccomp:\t//p' /proc/self/status)" = 0 ]; then
	ok attach_refuses_a_filter_that_kills refused kill 'filter of it kills it for socketpair'
	ok attach_refuses_a_filter_that_forbids refused errno 'forbids it for socketpair'
	allowed() {
		locked allow && "$tool" trace -p $pid --count 3 &&
		"$tool" enable -p $pid 'locked:*' && "$tool" disable -p $pid 'locked:*' &&
		"$tool" list -p $pid && "$tool" top -d .1 -t 1 -p $pid && kill -9 $pid
	}
	ok attach_needs_no_more_than_it_says allowed
else
	skip attach_refuses_a_filter "not root, or under a filter itself"
fi
ok attach_refuses_who_is_traced refused traced 'process [0-9]* traces it'
if [ "$(id -u)" = 0 ] && command -v setpriv >/dev/null; then
	nobody="setpriv --reuid 65534 --regid 65534 --clear-groups"
	# Where he may enter
	theirs=$(mktemp -d) && trap 'rm -rf "$TMP" "$theirs"' EXIT && chmod 755 "$theirs" &&
		cp "$tool" "$TMP/locked" "$theirs"
	alone_again() { [ "$(ls /proc/$pid/task | wc -l)" = 1 ]; }
	# Who may not see the filters of a process, of which it has none, nor into root's
	# folder, where it has no socket
	users() {
		begin env SIDE_JMP_CONTROL=1 "$TMP/server" && end || return
		rm -f "$TMP/alive"; $nobody "$theirs/locked" plain >"$TMP/alive" & pid=$!
		until_ grep 1 "$TMP/alive" && $nobody "$theirs/side-jmp" trace -p $pid --count 3 &&
		until_ alone_again; r=$?
		kill -9 $pid; wait $pid 2>/dev/null; return $r
	}
	ok attach_lets_a_user_in users
	tool_=$tool tool=$theirs/side-jmp
	ok attach_refuses_somebody_elses refused plain 'Permission denied' $nobody
	tool=$tool_
	ok attach_lets_root_in_where_nobody_may asks '.[0].road == "attach"' \
		sh -c "'$TMP/locked' undumpable >/dev/null & sleep .3
			'$tool' ps -jp \$!; kill -9 \$!"
else
	skip attach_refuses_somebody_elses "not root, or no setpriv"
fi
halted() {
	locked plain && kill -STOP $pid && says 'it is stopped' "$tool" list -p $pid; r=$?
	kill -9 $pid; return $r
}
ok attach_refuses_who_is_stopped halted
borrowed() { # its parent is in vfork(), and it has its parent's memory
	rm -f "$TMP/alive"; "$TMP/locked" vfork >"$TMP/alive" & pid=$!
	until_ test -s "$TMP/alive" && child=$(head -n 1 "$TMP/alive") &&
	says 'no thread that can be stopped' "$tool" list -p $pid &&
	says "shares its memory with process $pid" "$tool" list -p $child; r=$?
	kill -9 $pid; return $r
}
ok attach_refuses_who_is_in_vfork borrowed
# Which this machine may not have: so it is said of it, in a place where /proc lies
shadow() { # WORDS [OF-THREAD]
	locked plain && status=/proc/$pid/${2:+task/$pid/}status &&
	sed '$a x86_Thread_features:\tshstk wrss' $status >"$TMP/shadow" &&
	files=$(ls /proc/$pid/fd | wc -l) && says "$1" unshare -m sh -c \
		'mount --bind "$1" "$2" && exec "$3" list -p "$4"' sh \
		"$TMP/shadow" $status "$tool" $pid && alive; r=$?
	kill -9 $pid; wait $pid 2>/dev/null; return $r
}
if [ "$(id -u)" = 0 ] && unshare -m true 2>/dev/null; then
	ok attach_refuses_shadow_stacks shadow 'it has shadow stacks'
	ok attach_refuses_a_thread_with_one shadow 'its thread [0-9]*: it has a shadow' thread
else
	skip attach_refuses_shadow_stacks "not root, or no unshare -m"
fi
ok attach_refuses_who_has_no_sites says 'no copy of the library' \
	sh -c "sleep 100 & '$tool' trace -p \$!; r=\$?; kill \$!; exit \$r"
done_testing
