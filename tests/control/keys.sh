#!/bin/sh
# SPDX-License-Identifier: MIT
# Live control: what a running process says of itself, and its keys changed.
. "$(dirname "$0")/../tap.sh"
. "$TOP/tests/control/src/common.sh"
built() {
	server server $CC $so &&
	$CC $flags -fPIC -shared "$src/plugin.c" -o "$TMP/plugin.so" $so
}
ok keys_server_builds built
begin env SIDE_JMP_CONTROL=1 PAUSE_US=1000 "$TMP/server" || exit 1
# libc keeps the stack of a library's thread, once there was one
tell "load $TMP/plugin.so" && tell unload && settled

# ---- what there is
ok ps_shows_a_process_that_can_be_controlled asks '.[] | select(.pid == '$pid') |
	.road == "control" and .why_not == null and .sites == 4 and .events == 3 and
	.enabled == 0 and .backend == "self" and .name == "server"' "$tool" ps --json
ok ps_finds_it_by_name asks "any(.[]; .pid == $pid)" "$tool" ps -jn server
ok ps_finds_it_by_event asks "any(.[]; .pid == $pid)" "$tool" ps -j -e 'server:ra*'
not_there() { ! "$tool" ps -p $pid -e 'server:none,nothing'; }
ok ps_leaves_out_who_has_no_such_event not_there
for_people() { "$tool" ps -p $pid >"$TMP/out" && grep -q "^ *$pid .* control$" "$TMP/out"; }
ok ps_is_for_people for_people
ok list_shows_keys_and_events asks '.processes[0] | .pid == '$pid' and
	(.keys | map(.name)) == ["check", "server:pass", "server:rare", "server:types"] and
	(.events | map(.name)) == ["server:pass", "server:rare", "server:types"] and
	(.keys | all(.users == 0 and .sites == 1 and (.enabled | not))) and
	(.events[0].fields == [{name: "thread", type: "u32"}, {name: "pass", type: "u64"},
		{name: "name", type: "string"}])' "$tool" list --json -p $pid

# ---- changed
none() { [ "$(now count checked)" = 0 ]; }
ok keys_are_disabled_at_first none
enables() { "$tool" enable -p $pid check >"$TMP/out" && grep -q "$pid: 1 of 1" "$TMP/out"; }
ok enable_enables enables
ok enable_makes_threads_take_the_path grows checked
ok list_says_who_enabled_it asks '.processes[0].keys[] | select(.name == "check") |
	.enabled and .users == 1 and .by_control' "$tool" list --json -p $pid
twice() {
	"$tool" enable -qp $pid 'chec?' && "$tool" enable -qp $pid 'check' &&
	asks '.processes[0].keys[] | select(.name == "check") | .users == 1' \
		"$tool" list --json -p $pid
}
ok enable_twice_is_one_user twice
disables() {
	"$tool" disable -p $pid '*' && before=$(now count checked) && sleep .2 &&
	[ "$(now count checked)" = "$before" ]
}
ok disable_makes_threads_not_take_the_path disables
# An event's key: the event itself is prepared, and nobody sees it
event_key() {
	"$tool" enable -p $pid 'server:pass' && grows evaluated && "$tool" disable -p $pid '*:*'
}
ok enable_takes_the_key_of_an_event event_key
others() { # the program's own user stays
	tell own && "$tool" enable -p $pid check && "$tool" disable -p $pid check &&
	"$tool" disable -p $pid check && asks '.processes[0].keys[] | select(.name == "check") |
		.users == 1 and (.by_control | not)' "$tool" list --json -p $pid &&
	tell disown
}
ok disable_leaves_the_programs_own_user others

# ---- libraries that come and go
later() {
	tell "load $TMP/plugin.so" && [ "$answer" = loaded ] &&
	asks '.processes[0] | any(.keys[]; .name == "plugin_key") and
		any(.events[]; .name == "plugin:loaded")' "$tool" list --json -p $pid &&
	"$tool" enable -p $pid plugin_key && asks '.processes[0].keys[] |
		select(.name == "plugin_key") | .users == 1' "$tool" list --json -p $pid
}
ok list_shows_a_library_that_came_later later
gone() {
	tell unload && [ "$answer" = 0 ] && ! "$tool" enable -p $pid plugin_key &&
	tell "load $TMP/plugin.so" && asks '.processes[0].keys[] |
		select(.name == "plugin_key") | .users == 0 and (.by_control | not)' \
		"$tool" list --json -p $pid && tell unload
}
ok a_key_that_was_enabled_goes_with_its_library gone
ok keys_leave_nothing_behind state "$first"

# ---- children
child() {
	tell fork && child=$answer && reached() { "$tool" list -p $child; } && until_ reached &&
	"$tool" enable -p $child check && asks '.processes[0].keys[0].users == 1' \
		"$tool" list --json -p $child && asks '.processes[0].keys[0].users == 0' \
		"$tool" list --json -p $pid && "$tool" disable -p $pid,$child check &&
	kill -9 $child
}
ok a_child_is_controlled_by_itself child
inherits() {
	"$tool" enable -p $pid check && tell fork && child=$answer &&
	until_ "$tool" list -p $child && "$tool" disable -p $child check &&
	asks '.processes[0].keys[0].users == 0' "$tool" list --json -p $child &&
	asks '.processes[0].keys[0].users == 1' "$tool" list --json -p $pid &&
	"$tool" disable -p $pid check && kill -9 $child
}
ok a_child_has_what_was_enabled_and_loses_it_by_itself inherits
swept() { # whether or not somebody has taken its socket away by now
	until_ sh -c "! kill -0 $child 2>/dev/null" &&
	! "$tool" list -p $child 2>"$TMP/err" &&
	grep -q "there is no process $child" "$TMP/err"
}
ok a_process_that_was_killed_is_not_there swept

# ---- a program that closes what it does not know, and stops and starts
closed() { tell close && "$tool" list -p $pid >/dev/null && "$tool" list -p $pid >/dev/null; }
ok control_outlives_a_program_that_closes_every_descriptor closed
stops() {
	tell stop && [ "$answer" = 0 ] && tell stop && [ "$answer" != 0 ] &&
	asks ".[] | .road == \"attach\"" "$tool" ps -jp $pid
}
ok control_can_be_stopped stops
starts() { tell start && [ "$answer" = 0 ] && tell start && [ "$answer" = 0 ] &&
	"$tool" list -p $pid; }
ok control_can_be_started_again starts
ends() { end; find /run/user/*/side_jmp /tmp/side_jmp-* -name "$pid-*" 2>/dev/null |
	grep . && return 1; return 0; }
ok a_process_that_ends_takes_its_socket_along ends

# ---- its socket
cat >"$TMP/slow.c" <<'END'
#define _GNU_SOURCE
#include <dlfcn.h>
#include <sys/socket.h>
#include <unistd.h>
int listen(int fd, int n)
{
	usleep(700000);
	return ((int (*)(int, int))dlsym(RTLD_NEXT, "listen"))(fd, n);
}
END
early() { # who looks before it listens does not take it for a dead one's
	$CC -shared -fPIC "$TMP/slow.c" -o "$TMP/slow.so" -ldl || return
	env SIDE_JMP_CONTROL=1 LD_PRELOAD="$TMP/slow.so" PAUSE_US=1000 "$TMP/server" \
		<"$TMP/in" >"$TMP/answers" & pid=$!
	exec 8>"$TMP/in" 9<"$TMP/answers"
	for _ in $(seq 20); do "$tool" list -p $pid >/dev/null 2>&1; sleep .05; done
	read -r word <&9; "$tool" list -p $pid >"$TMP/list"; r=$?; end; return $r
}
ok a_socket_that_does_not_listen_yet_is_left_alone early
masked() { # in a folder that is not there yet, of a user that is nobody's
	rm -rf /tmp/side_jmp-65531
	begin setpriv --reuid 65531 --regid 65531 --clear-groups sh -c "umask 0777
		SIDE_JMP_CONTROL=1 PAUSE_US=1000 exec $here/server" || return
	setpriv --reuid 65531 --regid 65531 --clear-groups "$here/side-jmp" list -p $pid
	r=$?; end; rm -rf /tmp/side_jmp-65531; return $r
}
if [ "$(id -u)" = 0 ] && command -v setpriv >/dev/null; then
	here=$(mktemp -d /var/tmp/side_jmp.XXXXXX) && chmod 755 "$here" || exit 1
	trap 'rm -rf "$TMP" "$here"' EXIT
	server alone $CC -static $alone 2>/dev/null && cp "$tool" "$here" &&
		cp "$TMP/alone" "$here/server"
	ok a_mask_does_not_shut_its_socket masked
else
	skip a_mask_does_not_shut_its_socket "not root, or no setpriv"
fi
swept_by_the_next() { # what many have left that were killed
	for _ in 1 2 3 4 5; do
		begin env SIDE_JMP_CONTROL=1 PAUSE_US=1000 "$TMP/server" && kill -9 $pid && end
		dead="$dead -o -name $pid-*"
	done
	begin env SIDE_JMP_CONTROL=1 PAUSE_US=1000 "$TMP/server"; end
	! find /run/user/*/side_jmp /tmp/side_jmp-* -name none $dead 2>/dev/null | grep .
}
ok a_process_that_starts_sweeps_what_dead_ones_left swept_by_the_next

# ---- what is refused
begin env PAUSE_US=1000 "$TMP/server" || exit 1
ok ps_says_by_which_road asks ".[] | select(.pid == $pid) | .road == \"attach\" and .sites == 4 and
	.events == 3 and .why_not == null" "$tool" ps -j
kill -STOP $pid
stopped() { [ "$(ps -o state= -p $pid)" = T ]; }
until_ stopped
ok ps_says_why_not asks ".[] | select(.pid == $pid) | .road == null and
	(.why_not | test(\"it is stopped\"))" "$tool" ps -j
kill -CONT $pid
counted() { # what is enabled is in its memory
	asks ".[] | select(.pid == $pid) | .enabled == 0" "$tool" ps -jp $pid && tell own &&
	asks ".[] | select(.pid == $pid) | .enabled == 1" "$tool" ps -jp $pid && tell disown &&
	"$tool" ps -p $pid | grep " server  *1  *4  *3  *0 "
}
ok ps_counts_what_is_enabled_without_control counted
end
ok no_process_is_said says 'there is no process 4194305' "$tool" list -p 4194305
ok no_name_is_said says 'no process is called "no such"' "$tool" list -n 'no such'
ok a_bad_pid_is_said says '"12x" is not what is expected: a process id' "$tool" enable -p 12x k
ok no_key_is_said says 'a KEY is expected' "$tool" enable -p 1
ok no_choice_is_said says 'a process is expected' "$tool" enable k
ok a_file_beside_processes_is_refused says 'no files beside them' "$tool" list -p 1 file
begin env SIDE_JMP_CONTROL=1 PAUSE_US=1000 "$TMP/server" || exit 1
ok a_bad_pattern_is_said says '"a b" is no pattern' "$tool" enable -p $pid 'a b'
end
odd() { SIDE_JMP_CONTROL=yes "$TMP/server" </dev/null 2>&1 |
	grep -q 'SIDE_JMP_CONTROL: "yes" is neither 0 nor 1'; }
ok an_odd_variable_is_said odd
done_testing
