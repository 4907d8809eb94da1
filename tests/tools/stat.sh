#!/bin/sh
# SPDX-License-Identifier: MIT
# side-jmp stat: what it says of a process is what the process has.
. "$(dirname "$0")/../tap.sh"
tool=$TMP/side-jmp
unset SIDE_JMP_BACKEND SIDE_JMP_DIRTY_PAGES SIDE_JMP_ENABLE SIDE_JMP_OUTPUT SIDE_JMP_USER_EVENTS
# Another user, who may not come into our home, runs them from here
chmod 755 "$TMP" && cp "$BUILD/tools/side-jmp" "$BUILD/libside_jmp.so.1" "$TMP" || exit 1
flags="-std=gnu11 -I. -I$BUILD/include -O2 -g -Wall -Wextra -Werror"
build() {
	$CC $flags -fPIC -shared tests/tools/src/live_lib.c -o "$TMP/liblive.so" \
		-L"$BUILD" -lside_jmp -Wl,-rpath,"$TMP" &&
	$CC $flags tests/tools/src/live.c -o "$TMP/live" -L"$TMP" -llive -L"$BUILD" -lside_jmp \
		-Wl,-rpath,"$TMP" -pthread &&
	$CC $flags -DALONE tests/tools/src/live.c "$BUILD/libside_jmp.a" -o "$TMP/alone" -pthread
}
ok stat_builds build

# ---- a process to look into ------------------------------------------------------
mkfifo "$TMP/in" "$TMP/answers"
start() { # COMMAND...
	"$@" <"$TMP/in" >"$TMP/answers" & pid=$!
	exec 8>"$TMP/in" 9<"$TMP/answers"
	read -r word <&9 && [ "$word" = here ]
}
tell() { echo "$1" >&8 && read -r answer <&9; }
stop() { exec 8>&- 9<&-; wait $pid; }
look() { # [OPTIONS...] JQ: of the process, from its JSON
	for filter; do :; done
	"$tool" stat --json $pid >"$TMP/json" 2>"$TMP/err"; rc=$?
	cat "$TMP/err"
	jq -e "$filter" "$TMP/json" >"$TMP/jq" && return
	jq -c '{backend, sites, armed, idle, foreign, changed, wrong, site_pages_dirtied,
		objects: [.objects[] | del(.keys)]}' "$TMP/json"
	return 1
}
key='def key($name): [.objects[].keys[] | select(.name == $name)];'

at_start() {
	start "$TMP/live" && look '.sites == 7 and .armed == 0 and .idle == 7 and .foreign == 0 and
		.changed == 7 and .wrong == 0 and .threads == 1 and .name == "live" and
		.emulated == false and (.objects | length) == 2 and .backend == "self" and
		.integrity == "unknown"'
}
ok stat_counts_sites_by_object at_start
objects() {
	look '[.objects[] | {file, sites, idle, replaced, unreadable, site_pages_dirtied}] |
		sort_by(.file) ==
		({replaced: false, unreadable: 0, site_pages_dirtied: 1} as $both |
		[{file: "'"$TMP"'/liblive.so", sites: 3, idle: 3} + $both,
		 {file: "'"$TMP"'/live", sites: 4, idle: 4} + $both])'
}
ok stat_shows_each_object objects
enabled() {
	tell +0 && tell +0 && tell +1 && look "$key"'.armed == 3 and .idle == 4 and
		key("first") == [{name: "first", word: 2, kept_armed: false, sites: 2, armed: 2,
			idle: 0, foreign: 0}] and
		key("second")[0].word == 1 and key("library_own")[0].word == 0'
}
ok stat_shows_keys_and_words enabled
shared() { # a key of another object, seen from both
	tell +2 && look "$key"'.armed == 5 and
		(key("live_shared") | map(.word) == [1, 1] and map(.armed) == [1, 1])'
}
ok stat_finds_keys_of_other_objects shared
agrees() { # and with what runs
	tell p && [ "$answer" = 5 ] && tell -0 && tell -0 && tell -1 && tell -2 &&
	tell p && [ "$answer" = 0 ] && look '.armed == 0 and .idle == 7'
}
ok stat_agrees_with_what_runs agrees
text() {
	tell +0 && "$tool" stat $pid >"$TMP/text" && cat "$TMP/text" &&
	grep -q "^$pid live: 1 thread, 2 objects with 7 sites: 2 armed, 5 idle, 0 neither$" \
		"$TMP/text" &&
	grep -q '^  back end: self (' "$TMP/text" &&
	grep -q '^  integrity: unknown (.*MDWE' "$TMP/text" &&
	grep -q '^    first  word 0x1  2 sites: 2 armed, 0 idle, 0 neither$' "$TMP/text" &&
	! grep -q library_own "$TMP/text" &&
	"$tool" stat --keys $pid | grep -q '^    library_own  word 0  ' && tell -0
}
ok stat_as_text text
threads() { tell t && tell t && look '.threads == 3 and .idle == 7' && tell p; }
ok stat_of_threads threads
by_thread() { # the number of a thread names its process's memory
	main=$pid; pid=$(ls "/proc/$main/task" | tail -n 1)
	[ "$pid" != "$main" ] && look '.idle == 7'; r=$?; pid=$main; return $r
}
ok stat_of_a_thread by_thread
debugger() { # COMMAND: gdb does it to the process
	gdb -q -nx -batch -p $pid -ex "$1" >"$TMP/gdb" 2>&1 || { cat "$TMP/gdb"; return 1; }
}
foreign() { # a debugger's breakpoint
	look '.objects[] | select(.file | endswith("/live")) | .bias' || return 1
	bias=$(tr -d '"' <"$TMP/jq")
	site=$("$tool" list --json "$TMP/live" | jq -r '.files[0].sites[0].address')
	debugger "set {char}($bias + $site) = 0xcc" &&
	look '.foreign == 1 and .idle == 6 and .wrong == 0' &&
	debugger "set {char}($bias + $site) = 0xa9" && look '.foreign == 0'
}
wrong() { # a word that somebody changed without a sync
	debugger 'set var first.word32 = 1' &&
	look '.wrong == 2 and .idle == 7' && [ $rc = 1 ] &&
	"$tool" stat $pid | grep 'WRONG: 2 sites are idle' &&
	debugger 'set var first.word32 = 0' && look '.wrong == 0' && [ $rc = 0 ]
}
if [ "$(uname -m)" = x86_64 ]; then
	ok stat_shows_a_breakpoint foreign
else
	skip stat_shows_a_breakpoint "writes the breakpoint of x86-64"
fi
ok stat_finds_a_site_that_is_wrong wrong
toggles() { # what changes all the time is not wrong
	tell T && for i in $(seq 20); do
		look '.wrong == 0 and .armed + .idle == 7' || return 1
	done
	stop; start "$TMP/live"
}
ok stat_of_a_key_that_changes_all_the_time toggles
watch() {
	timeout 20 "$tool" stat --watch 0.05 $pid >"$TMP/text" 2>"$TMP/err" 8>&- 9<&- & watcher=$!
	sleep .5; tell +0; sleep .5; stop; wait $watcher; rc=$?
	grep -c ' live: ' "$TMP/text"; tail -n 2 "$TMP/err"
	[ $rc = 2 ] && [ "$(grep -c ' live: ' "$TMP/text")" -gt 4 ] &&
	grep -q ': 0 armed' "$TMP/text" && grep -q ' 2 armed, 5 idle' "$TMP/text" &&
	grep -q "process $pid" "$TMP/err"
}
ok stat_watches_until_the_end watch

# ---- who patches -------------------------------------------------------------------
none() {
	SIDE_JMP_BACKEND=none start "$TMP/live" &&
	look '.backend == "none seen" and .armed == 7 and .changed == 0 and
		.site_pages_dirtied == 0 and .environment == {SIDE_JMP_BACKEND: "none"}'
	r=$?; stop; return $r
}
ok stat_of_a_process_that_does_not_patch none
frozen() { # all as in the file again, but the pages tell
	start "$TMP/live" && tell f &&
	look '.backend == "self" and .armed == 7 and .changed == 0 and .site_pages_dirtied == 2'
	r=$?; stop; return $r
}
ok stat_of_a_frozen_process frozen
budget() {
	SIDE_JMP_DIRTY_PAGES=0 start "$TMP/live" && look '.armed == 7 and .site_pages_dirtied == 0'
	r=$?; stop; return $r
}
ok stat_of_a_process_without_a_budget budget
prepared() { # idle from the start, and no page of the program was written to; arming works
	"$tool" prepare --idle '*' -q -o "$TMP/prepared" "$TMP/live" &&
	start "$TMP/prepared" && look '.objects[] | select(.file | endswith("/prepared")) |
		.sites == 4 and .idle == 4 and .changed == 0 and .code_pages_dirtied == 0 and
		.site_pages_dirtied == 0' &&
	tell +0 && [ "$answer" = 0 ] && look '.objects[] | select(.file | endswith("/prepared")) |
		.armed == 2 and .idle == 2 and .changed == 2 and .wrong == 0 and
		.site_pages_dirtied == 1' &&
	tell p && [ "$answer" = 2 ] && tell -0 && tell p && [ "$answer" = 0 ]
	r=$?; stop; return $r
}
ok stat_of_a_prepared_program prepared
prepared_alone() { # with the library inside: not even for a trial
	"$tool" prepare --idle '*' -q -o "$TMP/prepared" "$TMP/alone" &&
	start "$TMP/prepared" && look '.idle == 4 and .objects[0].code_pages_dirtied == 0' &&
	tell +0 && [ "$answer" = 0 ] && tell p && [ "$answer" = 2 ] &&
	look '.armed == 2 and .wrong == 0'
	r=$?; stop; return $r
}
ok stat_of_a_prepared_program_with_the_library_inside prepared_alone

# ---- files -------------------------------------------------------------------------
replaced() { # by an upgrade: the old file is what runs
	cp "$TMP/live" "$TMP/upgraded" && start "$TMP/upgraded" &&
	cp "$TMP/alone" "$TMP/new" && mv "$TMP/new" "$TMP/upgraded" &&
	look '.sites == 7 and .idle == 7 and
		(.objects[] | select(.file | endswith("/upgraded")) | .replaced and .sites == 4)' &&
	"$tool" stat $pid | grep 'upgraded  (replaced on disk)'
	r=$?; stop; return $r
}
ok stat_of_a_replaced_program replaced
deleted() {
	cp "$TMP/alone" "$TMP/short" && start "$TMP/short" && rm "$TMP/short" &&
	look '.sites == 4 and (.objects[0] | .replaced and (.file | endswith("/short")))'
	r=$?; stop; return $r
}
ok stat_of_a_deleted_program deleted
static() {
	$CC $flags -DALONE -static tests/tools/src/live.c "$BUILD/libside_jmp.a" \
		-o "$TMP/static" -pthread &&
	start "$TMP/static" && look '.sites == 4 and .idle == 4 and .wrong == 0' &&
	tell +1 && look '.armed == 1'
	r=$?; stop; return $r
}
ok stat_of_a_static_program static
stripped() {
	strip -o "$TMP/stripped" "$TMP/alone" && start "$TMP/stripped" && tell +1 &&
	look '.sites == 4 and .armed == 1 and .wrong == 0'
	r=$?; stop; return $r
}
ok stat_of_a_stripped_program stripped
container() { # a mount namespace of its own: its path is none of ours
	mkdir -p "$TMP/box" && cat >"$TMP/enter" <<-END
	mount -t tmpfs none "$TMP/box" && cp "$TMP/alone" "$TMP/box/inside" &&
	exec "$TMP/box/inside"
	END
	start unshare -m sh "$TMP/enter" && [ ! -e "$TMP/box/inside" ] &&
	look '.sites == 4 and (.objects[0] | .file == "'"$TMP"'/box/inside" and (.replaced | not))'
	r=$?; stop; return $r
}
if [ "$(id -u)" = 0 ] && unshare -m mount -t tmpfs none /mnt 2>/dev/null; then
	ok stat_of_another_mount_namespace container
else
	skip stat_of_another_mount_namespace "no right to make one"
fi
emulated() {
	port=$1; . "arch/$port/port"
	port "$port" "build/$port/libside_jmp.a" >"$TMP/log" 2>&1 || { tail "$TMP/log"; return 1; }
	"$triple-gcc" -std=gnu11 -I. -Ibuild/"$port"/include -O2 -DALONE -static \
		tests/tools/src/live.c "build/$port/libside_jmp.a" -o "$TMP/live-$port" -pthread &&
	start "$qemu_user" "$TMP/live-$port" &&
	look "$key"'.sites >= 4 and .armed == .sites and .emulated and .backend == "none seen"' &&
	tell +1 && look "$key"'key("second")[0].word == 1 and key("first")[0].word == 0'
	r=$?; stop; return $r
}
for port in arch/*/port; do
	port=${port#arch/}; port=${port%/port}
	ok "stat_under_qemu_$port" emulated "$port"
done

# ---- what can't be seen ---------------------------------------------------------------
refuses() {
	"$tool" stat "$1" >"$TMP/out" 2>"$TMP/err"; rc=$?
	cat "$TMP/err"
	[ $rc = 2 ] && [ ! -s "$TMP/out" ] && grep -q "$2" "$TMP/err"
}
ok stat_of_no_process refuses 4194305 'there is no process'
ok stat_of_a_word refuses init 'one process id'
ok stat_of_a_negative_number refuses -- 'process id'
kernel() { refuses 2 'no memory of its own'; }
if [ "$(cat /proc/2/comm 2>&1)" = kthreadd ]; then
	ok stat_of_a_kernel_thread kernel
else
	skip stat_of_a_kernel_thread "none is seen from here"
fi
zombie() {
	sh -c 'sleep .2 & echo $! >"$1"; exec sleep 3' - "$TMP/zombie" & i=0
	until grep -qs ') Z ' "/proc/$(cat "$TMP/zombie" 2>&1)/stat"; do
		i=$((i + 1))
		[ $i -lt 40 ] || return 1
		sleep .05
	done
	refuses "$(cat "$TMP/zombie")" 'it has ended'
}
ok stat_of_a_zombie zombie
nobody() { setpriv --reuid=65534 --regid=65534 --clear-groups "$@"; }
others() { # another user's process
	start "$TMP/alone"
	nobody "$tool" stat $pid >"$TMP/out" 2>"$TMP/err"; rc=$?; cat "$TMP/err"; stop
	[ $rc = 2 ] &&
	grep -q "expected to run as the process's user (0) or with CAP_SYS_PTRACE" "$TMP/err"
}
own() { # one's own, without any right beside
	start setpriv --reuid=65534 --regid=65534 --clear-groups "$TMP/live" || return 1
	nobody "$tool" stat --json $pid >"$TMP/json"; rc=$?
	cp "$TMP/json" "$TMP/json1"
	look '.sites == 7' && diff "$TMP/json" "$TMP/json1" && [ $rc = 0 ]
	r=$?; stop; return $r
}
own_deleted() { # the program by /proc/PID/exe; a library has no other name
	cp "$TMP/liblive.so" "$TMP/keep.so"
	start setpriv --reuid=65534 --regid=65534 --clear-groups "$TMP/live" || return 1
	rm "$TMP/liblive.so"
	nobody "$tool" stat --json $pid >"$TMP/json" 2>"$TMP/err"; rc=$?; cat "$TMP/err"
	jq -e '.sites == 4' "$TMP/json" >/dev/null &&
	grep -q 'liblive.so: warning: is deleted, and CAP_CHECKPOINT_RESTORE is needed' "$TMP/err"
	r=$?; stop; mv "$TMP/keep.so" "$TMP/liblive.so"; return $r
}
if [ "$(id -u)" = 0 ]; then
	ok stat_of_another_users_process others
	ok stat_of_ones_own_process own
	ok stat_of_a_deleted_library_without_the_right own_deleted
else
	skip stat_of_another_users_process "needs root"
fi
uninstrumented() {
	sleep 5 & pid=$!
	sleep .1
	look '.sites == 0 and .objects == []'; r=$?
	kill $pid
	return $r
}
ok stat_of_a_program_without_sites uninstrumented
meanwhile() { # processes that end while they are looked at: said, or seen whole
	for i in $(seq 20); do
		echo | "$TMP/alone" >"$TMP/out" & pid=$!
		"$tool" stat $pid >"$TMP/out2" 2>"$TMP/err"; rc=$?
		[ $rc = 0 ] || [ $rc = 2 ] || { echo "status $rc"; cat "$TMP/err"; return 1; }
		wait $pid
	done
}
ok stat_of_processes_that_end meanwhile
done_testing
