#!/bin/sh
# SPDX-License-Identifier: MIT
# side-jmp run: what it shows, counts and passes on.
. "$(dirname "$0")/../tap.sh"
tool=$BUILD/tools/side-jmp emit=$TMP/emit ticks=$TMP/ticks
unset NO_COLOR SIDE_JMP_ENABLE SIDE_JMP_OUTPUT
chmod 755 "$TMP"
mkdir -m 1777 "$TMP/tmp" && export TMPDIR=$TMP/tmp TERM=xterm
build() {
	$CC -std=c11 -I. -I"$BUILD/include" -O2 -g -Wall -Wextra -Werror tests/events/src/emit.c \
		"$BUILD/libside_jmp.a" -pthread -o "$emit" &&
	$CC -std=gnu11 -I. -I"$BUILD/include" -O2 -g -Wall -Wextra -Werror tests/tools/src/ticks.c \
		"$BUILD/libside_jmp.a" -o "$ticks"
}
ok run_builds build

run() {
	"$tool" run "$@" >"$TMP/out" 2>"$TMP/err"
	rc=$?
	cat "$TMP/out" "$TMP/err" | tail -n 20
	echo "status $rc"
}
says() { grep -q -- "$1" "$TMP/err" || { echo "expected on stderr: $1"; return 1; }; }
silent() { ! grep "^side-jmp: " "$TMP/err"; }
clean() { [ -z "$(ls "$TMPDIR")" ] || { echo "left behind: $(ls "$TMPDIR")"; return 1; }; }

# ---- what it shows -------------------------------------------------------------
shows() {
	SIDE_JMP_ENABLE='emit:*' "$emit" types 2>&1 | sed 's/^[^ ]* [^ ]* //' >"$TMP/expected"
	run -e 'emit:*' "$emit" types
	[ $rc = 0 ] && sed 's/^[0-9]*\.[0-9]\{9\} [0-9]* //' "$TMP/err" | diff "$TMP/expected" - &&
	clean
}
ok run_shows_what_the_tracer_writes shows
picks() {
	run -e emit:ints -e 'emit:te*,emit:rest' "$emit" types
	[ "$(grep -c emit: "$TMP/err")" = 4 ] && silent
}
ok run_patterns_add_up picks
default() { run "$emit" types; [ "$(grep -c emit: "$TMP/err")" = 5 ] && silent; }
ok run_shows_everything_by_default default
apart() { # both of the command's streams, its input, and the events
	run -- sh -c "cat; echo complaint >&2; '$emit' types; echo more >&2" <<-END
	input
	END
	[ "$(cat "$TMP/out")" = input ] && [ "$(grep -c 'emit:' "$TMP/err")" = 5 ] &&
	[ "$(grep -cx 'complaint\|more' "$TMP/err")" = 2 ]
}
ok run_leaves_the_streams_alone apart
whole() { # the command's own lines and the events, from two processes at once
	run -e emit:small -- sh -c "'$emit' many 20000 & i=0
		while [ \$i -lt 2000 ]; do echo line-\$i-line >&2; i=\$((i+1)); done; wait"
	[ "$(grep -cx 'line-[0-9]*-line' "$TMP/err")" = 2000 ] &&
	[ "$(grep -cx '[0-9.]* [0-9]* emit:small thread=0 n=[0-9]*' "$TMP/err")" = 20000 ]
}
ok run_mixes_whole_lines_only whole
forks() {
	run "$emit" fork
	[ "$(grep -o 'thread=.' "$TMP/err" | xargs)" = 'thread=1 thread=2 thread=3' ]
}
ok run_shows_children forks
crash() {
	run -s "$emit" crash 1000
	[ $rc = 137 ] && [ "$(grep -c 'emit:small thread' "$TMP/err")" = 1000 ] &&
	says '1000 .* in .* 0 lost'
}
ok run_shows_all_of_a_killed_command crash
prepared() {
	"$tool" prepare --idle 'emit:*' --events -q -o "$TMP/prepared" "$emit" &&
	run -q -s "$TMP/prepared" many 3000
	[ $rc = 0 ] && says '^ *3000 .* 0 lost'
}
ok run_of_a_prepared_program prepared
garbage() { # what is no event's line passes as it is, and is not counted
	cat >"$TMP/garbage" <<-END
	side_jmp: many events lost
	1.2 3 a:b n=1
	1.123456789 3 ab n=1
	x=y "quoted = \\" a
	END
	run --color=always -s sh -c "cat '$TMP/garbage' >\$SIDE_JMP_OUTPUT"
	head -n 4 "$TMP/err" | diff "$TMP/garbage" - && says '^ *0 .* 0 lost' &&
	run -s sh -c "printf '1.123456789 3 a:b n=\"=\"' >\$SIDE_JMP_OUTPUT" && says '^ *1 .* a:b'
}
ok run_passes_what_is_no_event garbage

# ---- what anybody may write into the FIFO -----------------------------------------
# Orders to a terminal, what turns a line around, what can't be seen, no UTF-8.
printf 'a\033]0;x\007b\302\233c\342\200\256d\342\200\213e\363\240\201\201f\377g' >"$TMP/odd"
fit='a\\x1b\]0;x\\x07b\\xc2\\x9bc\\xe2\\x80\\xaed\\xe2\\x80\\x8be'
fit=$fit'\\xf3\\xa0\\x81\\x81f\\xffg'
is_fit() { # FILE: nothing but ASCII to be seen, and the sequences of our colours
	sed "s/$esc\[[0-9]*m//g" "$1" | LC_ALL=C grep -q '[^ -~]' || return 0
	sed -n l "$1"; return 1
}
esc=$(printf '\033')
strange() { # an event, some line, and a name
	odd=$(cat "$TMP/odd")
	printf '1.000000000 7 a:%s f%s=%s\n%s\n' "$odd" "$odd" "$odd" "$odd" >"$TMP/strange"
	for when in always never; do
		run -s --color=$when sh -c "cat '$TMP/strange' >\$SIDE_JMP_OUTPUT"
		is_fit "$TMP/err" && says "^ *1 .* a:$fit$" && says "^$fit$" &&
		sed "s/$esc\[[0-9]*m//g" "$TMP/err" |
			grep -q "^1.000000000 7 a:$fit f$fit=$fit$" || return 1
	done
	run -j -s"$TMP/json" sh -c "cat '$TMP/strange' >\$SIDE_JMP_OUTPUT"
	! LC_ALL=C grep "$(printf '\342\200\|\302\233\|\033')" "$TMP/json" &&
	LC_ALL=C.UTF-8 jq -e '.by_event[0].event ==
		"a:a\u001b]0;x\u0007b\u009bc\u202ed\u200be\udb40\udc41f\ufffdg"' "$TMP/json"
}
ok run_shows_what_is_no_text_as_bytes strange
impossible() { # COUNT...: what was lost, as often as there are counts
	run -s sh -c "for n in $*; do echo \"side_jmp: \$n events lost\"; done >\$SIDE_JMP_OUTPUT"
}
lost() {
	impossible 3 18446744073709551615 99999999999999999999999 9007199254740993 4 &&
	says ' 7 lost$' && impossible 9007199254740992 9007199254740992 &&
	says ' 9007199254740992 lost$'
}
ok run_believes_no_count_that_cannot_be lost
endless() { # 40 MB of a line, then an event
	run -s sh -c "{ head -c 40000000 /dev/zero | tr '\\\\0' x
		printf '\\n1.000000000 7 a:b n=1\\n'; } >\$SIDE_JMP_OUTPUT; sleep .2
		awk '/VmHWM/ { print \$2 }' /proc/\$PPID/status >'$TMP/peak'"
	cat "$TMP/peak"
	[ "$(cat "$TMP/peak")" -lt 20000 ] && says '^ *1 .* a:b$' &&
	says '^1.000000000 7 a:b n=1$' && says '^side_jmp: 1 lines were too long' &&
	[ "$(tr -dc x <"$TMP/err" | wc -c)" -lt 70000 ]
}
ok run_keeps_no_line_without_end endless
names() { # a name of its own for each line
	run -q -s sh -c 'seq -f "1.000000000 7 a:%.0f n=1" 70000 >$SIDE_JMP_OUTPUT'
	says '^ *4464 .* (others)$' && says '^ *70000 .* 0 lost$' &&
	[ "$(wc -l <"$TMP/err")" = 65539 ]
}
ok run_counts_a_limited_number_of_names names
long_name() {
	run -s sh -c 'printf "1.000000000 7 a:%0300d n=1\n" 0 >$SIDE_JMP_OUTPUT' &&
	says '^ *0 .* 0 lost'
}
ok run_takes_a_long_name_for_none long_name
closes() { run "$emit" closefds "$TMP/other"; [ $rc = 0 ] && [ ! -s "$TMP/other" ] && clean; }
ok run_of_a_command_that_closes_everything closes
no_stderr() {
	"$tool" run "$emit" many 20000 2>&- >"$TMP/out"
	[ $? = 0 ] && [ ! -s "$TMP/out" ] && clean
}
ok run_without_standard_error no_stderr
no_descriptors() { # what is closed is closed for the command, too
	rm -f "$TMP/fds"
	"$tool" run "-s$TMP/summary" -- sh \
		-c "for f in 0 1 2; do [ ! -e /proc/\$\$/fd/\$f ] || echo \$f >>'$TMP/fds'; done
			'$emit' fork" <&- >&- 2>&-
	[ ! -e "$TMP/fds" ] && grep -q '^ *3 .* 0 lost$' "$TMP/summary" && clean
}
ok run_without_any_descriptor no_descriptors
reader_gone() {
	{ "$tool" run "$emit" many 100000 2>&1; echo $? >"$TMP/rc"; } | head -n 1 >"$TMP/head"
	[ "$(cat "$TMP/rc")" = 0 ] && grep -q emit:small "$TMP/head" && clean
}
ok run_survives_its_reader reader_gone

# ---- colours -------------------------------------------------------------------
coloured() { grep -q "$esc" "$1"; }
tty() {
	script -qec "$1" /dev/null </dev/null >"$TMP/tty" 2>&1
	grep -q 'emit' "$TMP/tty" || { cat "$TMP/tty"; return 1; }
}
plain_pipe() { run "$emit" types; ! coloured "$TMP/err"; }
ok run_has_no_colours_without_a_terminal plain_pipe
on_tty() {
	tty "'$tool' run -e emit:ints '$emit' types" && coloured "$TMP/tty" &&
	sed "s/$esc\[[0-9]*m//g" "$TMP/tty" | grep -q ' emit:ints a=255 b=65535 c='
}
ok run_has_colours_on_a_terminal on_tty
no_color() { NO_COLOR=1 tty "'$tool' run '$emit' types" && ! coloured "$TMP/tty"; }
ok run_respects_no_color no_color
dumb() { TERM=dumb tty "'$tool' run '$emit' types" && ! coloured "$TMP/tty"; }
ok run_has_no_colours_on_a_dumb_terminal dumb
never() { tty "'$tool' run --color=never '$emit' types" && ! coloured "$TMP/tty"; }
ok run_has_no_colours_when_told never
always() { # and nothing else differs
	run --color=always "$emit" types
	coloured "$TMP/err" && sed "s/$esc\[[0-9]*m//g; s/^[^ ]* [^ ]* //" "$TMP/err" |
		diff "$TMP/expected" -
}
ok run_has_colours_when_told always

# ---- the summary ---------------------------------------------------------------
counts() { # exact, and nothing else is printed
	run -q -s "$emit" paced 12
	[ "$(wc -l <"$TMP/err")" = 3 ] && awk '/emit:small/ { n = $1; rate = $2 }
		/ lost$/ { total = $1; s = $4; lost = $6 }
		END { print n, rate, total, s, lost
		      exit !(n == 120000 && total == n && lost == 0 &&
			     rate > .99 * n / s && rate < 1.01 * n / s) }' "$TMP/err"
}
ok run_summary_is_exact counts
several() {
	run -s "$emit" types
	grep -A9 'per second' "$TMP/err" | awk '/emit:/ { print $3, $1 }' | xargs >"$TMP/got"
	[ "$(cat "$TMP/got")" = 'emit:rest 2 emit:arrays 1 emit:ints 1 emit:text 1' ] &&
	says '^ *5 .* in'
}
ok run_summary_counts_each_event several
json() {
	run -q "-s$TMP/summary" -j sh -c "'$emit' many 1234; '$emit' types; exit 3"
	[ $rc = 3 ] && [ ! -s "$TMP/err" ] && jq -e '.events == 1239 and .lost == 0
		and .exit_status == 3 and .command[0] == "sh" and (.by_event | length) == 5
		and .by_event[0].event == "emit:small" and .by_event[0].count == 1234
		and .seconds > 0 and .by_event[0].per_second > 0' "$TMP/summary"
}
ok run_summary_as_json_in_a_file json
late() { # a reader that is late costs no event: the FIFO is read all the same
	{ "$tool" run -s -- sh -c "'$emit' paced 60; echo >'$TMP/done'"; echo "status $?"; } 2>&1 |
		{ until [ -e "$TMP/done" ]; do sleep .1; done; cat; } >"$TMP/late"
	shown=$(grep -c 'emit:small thread' "$TMP/late")
	unshown=$(sed -n 's/^side_jmp: \([0-9]*\) lines not shown.*/\1/p' "$TMP/late" |
		awk '{ s += $1 } END { print s + 0 }')
	tail -n 3 "$TMP/late"; echo "$shown shown, $unshown not"
	[ "$shown" -gt 1000 ] && [ "$unshown" -gt 1000 ] && [ $((shown + unshown)) = 600000 ] &&
	grep -q '^ *600000 .* 0 lost$' "$TMP/late" && grep -qx 'status 0' "$TMP/late"
}
ok run_of_a_slow_reader_counts_everything late
lost() { # side-jmp itself is stopped: the FIFO fills, and the tracer counts
	# ... until the command has had 0.5 s of a processor, however long that takes
	"$tool" run -q -s -- sh -c "kill -STOP \$PPID; '$emit' many 600000 &
		until awk '{ exit \$14 + \$15 < 50 }' /proc/\$!/stat; do sleep .05; done
		kill -CONT \$PPID; wait" 2>"$TMP/err"
	cat "$TMP/err"
	awk '/emit:small/ { n = $1 } / lost$/ { lost = $6 }
		END { exit !(lost > 0 && n > 1000 && n + lost == 600000) }' "$TMP/err"
}
ok run_summary_counts_what_is_lost lost

# ---- files ---------------------------------------------------------------------
file() {
	echo 'before' >"$TMP/file"
	(cd "$TMP" && run -o file -s sh -c "cd /; '$emit' many 5000")
	[ "$(grep -c emit:small "$TMP/file")" = 5000 ] && [ "$(head -n 1 "$TMP/file")" = before ] &&
	says '^ *5000 .* emit:small' && ! grep 'thread=' "$TMP/err"
}
ok run_output_is_a_file file
ctf() {
	run -o "$TMP/trace/" "$emit" many 100
	[ $rc = 0 ] && [ "$(babeltrace2 "$TMP/trace" | grep -c emit:small)" = 100 ]
}
ok run_output_is_a_directory ctf
bad() {
	want=$1
	shift
	rm -f "$TMP/ran"
	run "$@" touch "$TMP/ran"
	[ $rc = 125 ] && [ ! -e "$TMP/ran" ] && says "$want" && clean
}
ok run_bad_pattern bad 'expected provider:name' -e nonsense
ok run_bad_pattern_in_a_list bad 'expected provider:name' -e 'a:b,c:d:e'
ok run_empty_pattern bad 'names no event' -e ,
ok run_long_pattern bad 'at most 119' -e "a:$(printf '%200s' | tr ' ' x)"
ok run_output_that_cannot_be_written bad 'No such file' -o /nonexistent/file
ok run_output_with_too_long_a_name bad 'at most 239' -o "$TMP/$(printf '%240s' | tr ' ' x)"
ok run_output_that_is_no_directory bad 'Not a directory' -o /dev/null/
ok run_summary_of_ctf bad babeltrace2 -s -o "$TMP/trace/"
ok run_summary_of_a_device bad 'read again' -s -o /dev/null
ok run_summary_file_that_cannot_be_written bad 'No such file' -s/nonexistent/file
ok run_unknown_option bad 'unrecognized' --nonsense
ok run_bad_colour bad 'expected always' --color=blue
ok run_json_without_summary bad 'asked for' --json
no_tmp() { TMPDIR=/nonexistent bad 'TMPDIR names another' -e a:b; }
ok run_without_a_place_for_its_fifo no_tmp
relative_tmp() {
	(cd "$TMP" && TMPDIR=tmp run sh -c "cd /; '$emit' fork") &&
	[ "$(grep -c emit: "$TMP/err")" = 3 ]
}
ok run_with_a_relative_tmpdir relative_tmp
no_command() { run -e a:b; [ $rc = 125 ] && says 'expected a COMMAND'; }
ok run_without_a_command no_command

# ---- how it ends ---------------------------------------------------------------
ends() { want=$1; shift; run "$@"; [ $rc = "$want" ] && clean; }
ok run_status_of_the_command ends 3 sh -c 'exit 3'
ok run_status_of_a_signal ends 143 sh -c 'kill $$'
ok run_status_of_sigkill ends 137 sh -c 'kill -9 $$'
ok run_status_not_found ends 127 nonexistent-command
ok run_status_not_found_path ends 127 /nonexistent/command
ok run_status_not_executable ends 126 /etc/passwd
ok run_status_of_a_directory ends 126 /etc
options() {
	ends 4 sh -c 'echo "$@"; exit 4' -e -e -s --json && [ "$(cat "$TMP/out")" = '-e -s --json' ]
}
ok run_leaves_the_commands_options options
state() { sed 's/.*) //' "/proc/$1/stat" 2>/dev/null | cut -c1; }
await() {
	i=0
	until "$@"; do
		i=$((i + 1))
		[ $i -lt 200 ] || { echo "waited for: $*"; return 1; }
		sleep .05
	done
}
start() { # ARGUMENTS: in the background, up to the first tick
	: >"$TMP/err" # else the ticks of the test before could be taken for it
	"$tool" run "$@" >"$TMP/out" 2>"$TMP/err" & pid=$!
	await grep -q 'ticks:tick' "$TMP/err" && child=$(pgrep -P $pid)
}
passes() { # each signal once, and the status at the end
	start "$ticks" 500 || return 1
	for s in USR1 USR2 HUP INT QUIT; do kill -$s $pid; sleep .05; done
	kill -TERM $pid; wait $pid; rc=$?
	grep signal "$TMP/err"; echo "status $rc"
	[ $rc = 7 ] && [ "$(sed -n 's/.*ticks:signal number=//p' "$TMP/err" | xargs)" = \
		'10 12 1 2 3 15' ]
}
ok run_passes_signals_on passes
stops() { # as a job does: with the command, and goes on with it
	: >"$TMP/err"
	bash -c 'set -m; "$@" & echo $! >"$0"; while kill -0 $!; do sleep .05; done' "$TMP/pid" \
		"$tool" run "$ticks" 200 >"$TMP/out" 2>"$TMP/err" & shell=$!
	await test -s "$TMP/pid" && await grep -q 'ticks:tick' "$TMP/err" &&
	pid=$(cat "$TMP/pid") && child=$(pgrep -P "$pid") || return 1
	stopped() { [ "$(state "$pid")$(state "$child")" = TT ]; }
	going() { case "$(state "$pid")$(state "$child")" in *T*) false ;; esac; }
	kill -TSTP "$pid"; await stopped || return 1
	kill -CONT "$pid"; await going; await gone || return 1
	[ "$(grep -c ticks:tick "$TMP/err")" = 200 ]; rc=$?; wait $shell; return $rc
}
gone() { [ ! -d "/proc/$child" ]; }
ok run_stops_and_goes_on_with_the_command stops
sigstop() { # of the command alone: who continues it does not know of us
	start "$ticks" 200 || return 1
	kill -STOP "$child"; await is_stopped "$child" && sleep .1 && [ "$(state $pid)" != T ] ||
		return 1
	kill -CONT "$child"; wait $pid; [ $? = 5 ]
}
is_stopped() { [ "$(state "$1")" = T ]; }
ok run_does_not_follow_sigstop sigstop
key() { # what the terminal sends reaches the command once
	mkfifo "$TMP/keys"
	script -qefc "'$tool' run '$ticks' 500" /dev/null <"$TMP/keys" >"$TMP/tty" 2>&1 & pid=$!
	exec 7>"$TMP/keys"
	await grep -q ticks: "$TMP/tty"
	printf '\003'; printf '\003' >&7; sleep .3; printf '\034' >&7; sleep .3
	pkill -TERM -f "^$ticks 500" ; wait $pid; rc=$?; exec 7>&-
	sed -n "s/$esc\[[0-9]*m//g; s/.*number=\([0-9]*\).*/\1/p" "$TMP/tty" | xargs >"$TMP/got"
	cat "$TMP/got"; echo "status $rc"
	[ "$(cat "$TMP/got")" = '2 3 15' ] && [ $rc = 7 ]
}
ok run_lets_the_terminals_signals_through_once key
nohup_() { # a signal that was ignored stays ignored; SIGPIPE is as it was
	(trap '' HUP; run sh -c 'kill -HUP $$; exit 4'; [ $rc = 4 ]) &&
	run sh -c 'yes | head -n 1' && [ "$(cat "$TMP/out")" = y ] &&
	run sh -c 'trap "exit 9" PIPE; kill -PIPE $$' && [ $rc = 9 ]
}
ok run_leaves_dispositions_alone nohup_
dies() { # the command goes on without us
	start "$ticks" 200 || return 1
	kill -KILL $pid; wait $pid 2>/dev/null
	sleep .2; case "$(state "$child")" in R|S) ;; *) return 1 ;; esac
	await gone && await clean
}
ok run_killed_leaves_the_command_alone dies
watcher() { # what removes the folder then ends with it, and holds nothing of ours
	start "$ticks" 5000 || return 1
	pgrep -f "^$tool run $ticks 5000" | grep -vx $pid >"$TMP/watchers"
	cat "$TMP/watchers"; w=$(cat "$TMP/watchers")
	[ "$(wc -l <"$TMP/watchers")" = 1 ] && [ "$(ls "/proc/$w/fd")" = 0 ] &&
	[ "$(ps -o sid= -p "$w" | tr -d ' ')" = "$w" ] || return 1
	kill -TERM "$w"; kill $pid; wait $pid; [ $? = 7 ] && clean && await no_watcher
}
no_watcher() { [ ! -d "/proc/$w" ]; }
ok run_has_one_watcher_that_ends_with_it watcher
behind() {
	run sh -c "'$ticks' 2000 >/dev/null 2>&1 & sleep .2"
	pkill -f "^$ticks 2000"
	[ $rc = 0 ] && says 'left processes behind' && [ "$(grep -c tick "$TMP/err")" -lt 1900 ] &&
	clean
}
ok run_says_that_processes_stay behind
waits() {
	run --wait sh -c "setsid '$ticks' 50 >/dev/null 2>&1 & sleep .2; exit 6"
	[ $rc = 6 ] && silent && [ "$(grep -c ticks:tick "$TMP/err")" = 50 ] && clean
}
ok run_waits_for_processes_that_stay waits

# ---- hints ---------------------------------------------------------------------
none() { run true; [ $rc = 0 ] && says 'true: warning: no event: it has none'; }
ok run_hint_no_events_at_all none
unmatched() { run -e other:thing "$emit" types; says 'none that matches other:thing'; }
ok run_hint_nothing_matches unmatched
no_trace() { run -o "$TMP/no-trace/" true; says 'true: warning: no event: it has none'; }
ok run_hint_no_trace no_trace
unreached() { run -o "$TMP/empty" -e emit:small "$emit" types; says 'did not reach it'; }
ok run_hint_nothing_in_the_file unreached
cleared() { run env -i "$emit" types; says 'or cleared its environment'; }
ok run_hint_environment_cleared cleared
privileged() { # KIND FILE: said at once, and events it has none
	setpriv --reuid=65534 --clear-groups "$tool" run "$2" types >"$TMP/out" 2>"$TMP/err"
	cat "$TMP/err"; says "$2: warning: $1: it ignores" && [ "$(wc -l <"$TMP/err")" = 1 ]
}
if [ "$(id -u)" = 0 ]; then
	cp "$emit" "$TMP/setuid" && chmod 4755 "$TMP/setuid"
	ok run_warns_of_setuid privileged 'is setuid' "$TMP/setuid"
	cp "$emit" "$TMP/setgid" && chmod 2755 "$TMP/setgid"
	cp "$emit" "$TMP/caps"
	if setcap cap_net_raw+ep "$TMP/caps" 2>/dev/null; then
		ok run_warns_of_capabilities privileged 'has file capabilities' "$TMP/caps"
	else
		skip run_warns_of_capabilities "setcap does not work here"
	fi
else
	skip run_warns_of_setuid "needs root"
fi
help() { run --help; [ $rc = 0 ] && grep -q 'COMMAND' "$TMP/out"; }
ok run_help help
done_testing
