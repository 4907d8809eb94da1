#!/bin/sh
# SPDX-License-Identifier: MIT
# Live control: events by rate, in numbers and on a terminal.
. "$(dirname "$0")/../tap.sh"
. "$TOP/tests/control/src/common.sh"
export TMUX_TMPDIR=$TMP
terminals=0
terminal() { # COLUMNS LINES: top on a new one
	terminals=$((terminals + 1)) mux="tmux -f /dev/null -L $((terminals + 1))"
	$mux new-session -d -x "$1" -y "$2" "'$tool' top -d .2 -p $pid; sleep 60"
}
ok top_server_builds server server $CC $so
begin env SIDE_JMP_CONTROL=1 PAUSE_US=100 "$TMP/server" || exit 1
"$tool" top -jd .1 -p $pid >/dev/null; settled

# The server's own counter stands beside it
rate() {
	before=$(now count passes)
	"$tool" top --json -d 1 -p $pid >"$TMP/json" || return
	passes=$(($(now count passes) - before))
	counted=$(jq '.events[] | select(.name == "server:pass") | .count' "$TMP/json")
	echo "passes $passes counted $counted"
	[ "$counted" -gt 100 ] && [ "$counted" -le "$passes" ]
}
ok top_counts_no_more_than_there_were rate
sorted() { jq -e '[.events[].name] == ["server:pass", "server:rare", "server:types"] or
	[.events[].name] == ["server:pass", "server:types", "server:rare"]' "$TMP/json"; }
ok top_shows_the_most_frequent_first sorted
per_second() { jq -e '.events[0] as $e | ($e.per_second * .seconds - $e.count | fabs) < 1 and
	$e.pid == '$pid' and $e.program == "server"' "$TMP/json"; }
ok top_says_how_often_a_second per_second
all_counted() { # every one of them: two rare events for each pass of 1024
	"$tool" top -t 1 -d 2 -p $pid >"$TMP/out" && n() { awk -v e="$1" '$NF == e { print $2 }' \
		"$TMP/out"; } && [ "$(n server:types)" -ge 1 ] &&
	d=$(($(n server:rare) - $(n server:types))) && [ $d -ge -8 ] && [ $d -le 8 ] &&
	r=$(($(n server:pass) / 1024 - $(n server:rare))) && echo "$d $r" &&
	[ $r -ge -9 ] && [ $r -le 9 ]
}
ok top_counts_all all_counted
chosen() { "$tool" top -jd .2 -e 'server:ra*' -p $pid >"$TMP/json" &&
	jq -e '[.events[].name] == ["server:rare"]' "$TMP/json"; }
ok top_shows_what_was_chosen chosen
idle() { asks '.processes[0].events | all(.users == 0)' "$tool" list --json -p $pid; }
killed() { # ROUNDS
	for i in $(seq "$1"); do
		"$tool" top -p $pid -d .02 >/dev/null 2>&1 & t=$!
		sleep "0.0$((i * 7 % 10))"; kill -9 $t; wait $t 2>/dev/null
	done
	until_ idle && state "$first"
}
ok top_killed_at_any_moment_leaves_nothing killed "${ROUNDS:-20}"
ended() { # several: the other goes on, and with the last this ends
	: >"$TMP/out"
	"$tool" top -d .2 -p $pid >"$TMP/out" 9<&- 8>&- & t=$!
	until_ grep -q server:pass "$TMP/out" && end && wait $t
}

# ---- on a terminal
screen() { # COLUMNS: what stands there
	terminal "$1" 12 &&
	seen() { $mux capture-pane -p >"$TMP/screen" && grep -q 'server:types' "$TMP/screen"; } &&
	until_ seen && cat "$TMP/screen" && $mux kill-server
}
looks_well() { # COLUMNS
	screen "$1" && [ "$(grep -c . "$TMP/screen")" = 5 ] &&
	head -n 1 "$TMP/screen" | grep -q '^side-jmp top: 1 process, [0-9]* events/s' &&
	sed -n 2p "$TMP/screen" | grep -q '^  PER SECOND  *TOTAL  *PID COMMAND  *EVENT *$' &&
	sed -n 3p "$TMP/screen" | grep -q "^ *[0-9.]*  *[0-9]* *$pid server  *server:pass *\$" &&
	[ "$(awk '{ if (length > n) n = length } END { print n }' "$TMP/screen")" -le "$1" ]
}
ok top_on_80_columns looks_well 80
ok top_on_200_columns looks_well 200
short() { # more events than lines: none wraps or scrolls
	terminal 80 4 &&
	seen() { $mux capture-pane -p >"$TMP/screen" && grep -q 'server:pass' "$TMP/screen"; } &&
	until_ seen && sleep .5 && seen && $mux kill-server && cat "$TMP/screen" &&
	head -n 1 "$TMP/screen" | grep -q '^side-jmp top' && ! grep -q server:types "$TMP/screen"
}
ok top_on_a_short_terminal short
ok top_ends_when_the_process_does ended

children() { # the parent stands still, but for what it is told
	kill_them() { kill -9 $child; end; }
	begin env SIDE_JMP_CONTROL=1 PAUSE_US=1000 THREADS=0 "$TMP/server" || return
	: >"$TMP/tops"
	"$tool" top -jd 4 -e server:pass -p $pid >"$TMP/tops" & top=$!
	wanted() { asks '.processes[0].events[] | select(.name == "server:pass") | .users == 1' \
		"$tool" list --json -p $pid; }
	until_ wanted && tell fork && child=$answer; wait $top
	jq -c . "$TMP/tops"; jq -e '.events[0].count > 50' "$TMP/tops" || { kill_them; return 1; }
	wanted_no_more() { asks '.processes[0].events | all(.users == 0)' \
		"$tool" list --json -p $child; }
	until_ wanted_no_more; r=$?; kill_them; return $r
}
ok top_counts_a_child_that_is_forked_meanwhile children

ok top_wants_a_process says 'a process is expected' "$tool" top
ok top_wants_a_delay says 'delay=0: expected seconds' "$tool" top -p 1 -d 0
ok top_wants_a_number says 'times=x: expected a number' "$tool" top -p 1 -t x
own=srv$$ && cp "$TMP/server" "$TMP/$own"	# a name that nobody else has
begin env SIDE_JMP_CONTROL=1 PAUSE_US=1000 "$TMP/$own" || exit 1
later() { # another one comes, and goes
	: >"$TMP/lines" 2>"$TMP/err"
	"$tool" top -n "$own" -d .3 >"$TMP/lines" 2>"$TMP/err" & t=$!
	until_ test -s "$TMP/lines" || return
	mkfifo "$TMP/in2"
	SIDE_JMP_CONTROL=1 PAUSE_US=1000 "$TMP/$own" <"$TMP/in2" >"$TMP/out2" 8>&- & other=$!
	exec 7>"$TMP/in2"
	until_ grep -q " $other $own  *server:pass" "$TMP/lines" && exec 7>&- && wait $other &&
	gone() { tail -n 1 "$TMP/lines" | grep -q "server:" &&
		! tail -n 5 "$TMP/lines" | grep -q " $other "; } && until_ gone &&
	kill -INT $t && wait $t && ! grep . "$TMP/err"
}
ok top_has_a_process_that_starts_later later
end
done_testing
