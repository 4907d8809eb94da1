#!/bin/sh
# SPDX-License-Identifier: MIT
# Where lines of text go, and what they cost: the right file whatever the program
# does to its descriptors, one system call, a renamed file, a buffer; valid UTF-8
# whatever strings hold.
. "$(dirname "$0")/../tap.sh"
lines=$TMP/lines
ok lines_builds $CC -std=gnu11 -I"$BUILD/include" -O2 -g -Wall -Wextra -Werror \
	tests/events/src/lines.c "$BUILD/libside_jmp.a" -pthread -o "$lines"
export SIDE_JMP_ENABLE='lines:*'
trace=$TMP/trace
run() { rm -rf "$trace"; SIDE_JMP_OUTPUT=$trace tests/limit 60 "$lines" "$@"; }
good() { # FILE: how many whole lines; nothing else is there
	if grep -v -e '^[0-9]*\.[0-9]\{9\} [0-9]* lines:n thread=[0-9]* n=[0-9]*$' "$1" >&2; then
		return 1
	fi
	wc -l <"$1"
}

# ---- what strings hold -------------------------------------------------------
cat >"$TMP/expected" <<'END'
s="plain ä€😀"
s="\xff\xc0\xaf\xe0\x80\xaf\xed\xa0\x80\xf4\x90\x80\x80"
s="cut \xe2\x82"
s="\x80\xbf"
s="\x1b[2J\x7f\t\n\x0d\"\\"
s="\xc2\x9b2J\xc2\x85 "
s="\xe2\x80\xa8\xe2\x80\xae\xe2\x81\xa6‧"
e="\xffä"
END
utf8() { iconv -f UTF-8 -t UTF-16 "$1" >"$TMP/utf16"; }
texts() {
	run texts 0 && head -n 8 "$trace" | sed 's/^.* lines:[se] //' >"$TMP/seen" &&
	diff "$TMP/expected" "$TMP/seen" && utf8 "$trace"
}
# \x9b is a byte of \xc2\x9b: the other one is escaped as well
sed -i 's/\\xc2\\x9b2J\\xc2\\x85 /\\xc2\\x9b2J\\xc2\\x85\xc2\xa0/' "$TMP/expected"
ok lines_escape_what_is_not_text texts
cut_short() { # four lines, each with its characters at other places
	[ "$(tail -n 4 "$trace" | grep -c '😀\.\.\.$')" = 4 ] &&
	tail -n 4 "$trace" | LC_ALL=C awk 'length($0) > 4095 || length($0) < 4080 { exit 1 }'
}
ok lines_are_not_cut_within_a_character cut_short
shorten() {
	SIDE_JMP_OUTPUT_MODE=buffered run shorten 300000 && utf8 "$trace" &&
	[ "$(wc -l <"$trace")" = 300000 ] &&
	! LC_ALL=C grep -v -m 3 '^[0-9.]* [0-9]* lines:s s="\([^"\\]\|\\[n"\\]\|\\x..\)*"$' "$trace"
}
ok lines_of_a_string_that_changes_meanwhile_are_text shorten

# ---- one system call -----------------------------------------------------------
# How many calls there are beside a write each, and how many there may be: a look
# each millisecond, six more each second, and a few at either end.
calls() { # OUTPUT ALLOWED-A-LINE
	rm -f "$trace"
	SIDE_JMP_OUTPUT=$1 strace -o "$TMP/calls" "$lines" many 1000 >"$TMP/out" || return 1
	awk -v each="$2" '/write\(.* lines:n / { n++; between = 1 }
		!/write\(.* lines:n / && between { waiting++ }
		/write\(.* lines:n / { other += waiting; waiting = 0 }
		END { print n, other, each * n }' "$TMP/calls"
}
took() { # ms, from the first line to the last
	awk 'NR == 1 { first = $1 } END { printf "%d", ($1 - first) * 1000 }' "$1"
}
one_call() {
	calls "$trace" 0 >"$TMP/n" || return 1
	read -r n other rest <"$TMP/n"; ms=$(took "$trace")
	echo "$n lines, $other other calls in $ms ms"
	[ "$n" = 1000 ] && [ "$other" -le $((ms + 6 * (ms / 1000 + 1))) ]
}
device() { # the time is that of a run to a file
	calls /dev/null 0 >"$TMP/n" || return 1
	read -r n other rest <"$TMP/n"
	sed -n 's/.*write([0-9]*, "\([0-9.]*\) [0-9]* lines:n.*/\1/p' "$TMP/calls" >"$TMP/times"
	ms=$(took "$TMP/times")
	echo "$n lines, $other other calls in $ms ms"
	[ "$n" = 1000 ] && [ "$other" -le $((ms + 6 * (ms / 1000 + 1))) ]
}
buffered_calls() {
	rm -f "$trace"
	SIDE_JMP_OUTPUT_MODE=buffered SIDE_JMP_OUTPUT=$trace strace -e trace=write \
		-o "$TMP/calls" "$lines" many 20000 >"$TMP/out" &&
	writes=$(grep -c ' lines:n ' "$TMP/calls"); ms=$(took "$trace")
	bytes=$(wc -c <"$trace")
	echo "$writes writes of $bytes bytes in $ms ms"
	[ "$(good "$trace")" = 20000 ] && [ "$writes" -le $((bytes / 60000 + ms / 1000 + 2)) ]
}
if command -v strace >/dev/null && strace -o "$TMP/calls" true; then
	ok lines_are_one_system_call_each one_call
	ok lines_to_a_device_of_memory_are_one_system_call_each device
	ok lines_in_a_buffer_are_one_system_call_for_many buffered_calls
else
	skip lines_are_one_system_call_each "there is no strace, or it may not"
fi

# ---- the right file ------------------------------------------------------------
daemon() { # FROM OUTPUT: no line in the program's own file
	rm -rf "$TMP/d"; mkdir "$TMP/d"
	(cd "$TMP/d" && ulimit -n 1024 && env ${2:+SIDE_JMP_OUTPUT=$2} "$lines" daemon "$1" 2>err)
	rc=$?
	echo "exit $rc; $(ls "$TMP/d"); in db: $(wc -c <"$TMP/d/db")"
	[ $rc = 0 ] && [ ! -s "$TMP/d/db" ]
}
daemon_stderr() { daemon "$1" '' && [ "$(good "$TMP/d/err")" = "$2" ]; }
daemon_file() { daemon "$1" trace && [ "$(good "$TMP/d/trace")" = 5 ]; }
ok lines_for_stderr_end_with_it daemon_stderr 2 1
ok lines_for_stderr_end_with_everything daemon_stderr 0 1
ok lines_for_stderr_go_on_where_it_is_kept daemon_stderr 3 5
ok lines_for_a_file_that_was_closed_go_on daemon_file 3
ok lines_for_a_file_go_on_when_everything_was_closed daemon_file 0
paused() { # WHAT: does that between two times 100 lines
	rm -f "$TMP/go" "$TMP/out"; mkfifo "$TMP/go"; rm -rf "$TMP/r"; mkdir "$TMP/r"
	(cd "$TMP/r" && exec env SIDE_JMP_OUTPUT=trace "$lines" pause 100 <"$TMP/go" >"$TMP/out") &
	pid=$!
	exec 8>"$TMP/go"
	until [ -s "$TMP/out" ] || ! kill -0 $pid; do sleep 0.01; done
	"$1"; sleep 1.1
	echo >&8; exec 8>&-; wait $pid || return 1
	ls -l "$TMP/r"; tail -n 1 "$TMP/out"
	[ "$(tail -n 1 "$TMP/out")" = 0 ]
}
move() { mv "$TMP/r/trace" "$TMP/r/trace.1"; }
remove() { rm "$TMP/r/trace"; }
move_and_make() { move; : >"$TMP/r/trace"; }
forbid() { move; mkdir "$TMP/r/trace"; }
keep() { :; }
rotated() { paused "$1" && [ "$(good "$TMP/r/trace.1") $(good "$TMP/r/trace")" = '100 100' ]; }
ok lines_follow_a_renamed_file rotated move
ok lines_follow_a_file_renamed_and_made_anew rotated move_and_make
removed() { paused remove && [ "$(good "$TMP/r/trace")" = 100 ]; }
ok lines_follow_a_removed_file removed
forbidden() { paused forbid && [ "$(good "$TMP/r/trace.1")" = 200 ]; }
ok lines_stay_where_nothing_else_can_be_opened forbidden
kept() { paused keep && [ "$(good "$TMP/r/trace")" = 200 ]; }
ok lines_stay_in_a_file_that_stays kept
starts() { [ "$(env -u SIDE_JMP_ENABLE "$lines" starts "$TMP/s/")" = "$1" ]; }
mkdir "$TMP/s"
ok lines_and_a_trace_beside_them_are_two_outputs starts '0 0 0 1 0 0 0 1 0
0'
folders() {
	SIDE_JMP_OUTPUT=$TMP/f/a//b/c/ "$lines" many 3 >"$TMP/out" 2>"$TMP/err" &&
	[ ! -s "$TMP/err" ] && [ -f "$TMP"/f/a/b/c/*/metadata ]
}
ok lines_no_folder_is_missing_of_a_trace folders

# ---- the buffer ------------------------------------------------------------------
export SIDE_JMP_OUTPUT_MODE=buffered
in_order() { # FILE: of thread 0, from 0 on
	grep 'thread=0 ' "$1" | sed 's/.*=//' | awk '$1 != NR - 1 { print; exit 1 }'
}
whole() { run many 5000 && [ "$(good "$trace")" = 5000 ] && in_order "$trace"; }
ok lines_in_a_buffer_are_there_at_the_end whole
several() {
	run threads 30000 && [ "$(good "$trace")" = 120000 ] &&
	[ "$(sed 's/^[^ ]* //' "$trace" | sort -u | wc -l)" = 120000 ]
}
ok lines_in_a_buffer_of_several_threads_are_all_there several
crash() { # about 64 kB may be missing, of the end
	run crash 5000
	echo "$(wc -l <"$trace") lines of 5000"
	lost=$((5000 - $(good "$trace"))) && [ $lost -gt 0 ] && in_order "$trace" &&
	[ $((lost * $(head -n 1 "$trace" | wc -c))) -le 70000 ]
}
ok lines_in_a_buffer_are_lost_in_a_crash_and_no_others crash
forks() { run forks 100 && [ "$(good "$trace")" = 201 ]; }
ok lines_in_a_buffer_are_not_written_twice_after_fork forks
age() { # the first half stays until the next line comes, which is a second later
	paused keep && [ "$(good "$TMP/r/trace")" = 200 ]
}
ok lines_in_a_buffer_survive_a_pause age
pipe() { # what the reader gets, and what it is told, is all there was
	rm -f "$TMP/fifo"; mkfifo "$TMP/fifo"
	awk '/lost/ { lost += $2; next } ++n % 2000 == 0 { system("sleep 0.05") }
		END { print n + 0, lost + 0 }' <"$TMP/fifo" >"$TMP/sum" & reader=$!
	SIDE_JMP_OUTPUT=$TMP/fifo tests/limit 60 "$lines" many 60000 9>"$TMP/fifo" \
		>"$TMP/out" 2>"$TMP/err" || return 1
	wait $reader; read -r n lost <"$TMP/sum"
	late=$(sed -n 's/^side_jmp: .*: \([0-9]*\) events* lost$/\1/p' "$TMP/err")
	echo "$n lines, $lost lost, ${late:-0} more said at the end"
	[ $((n + lost + ${late:-0})) = 60000 ] && [ $((lost + ${late:-0})) -gt 0 ]
}
ok lines_in_a_buffer_say_what_a_slow_reader_misses pipe
full() {
	SIDE_JMP_OUTPUT=/dev/full "$lines" many 3000 >"$TMP/out" 2>"$TMP/err" || return 1
	cat "$TMP/err"
	[ "$(cat "$TMP/err")" = 'side_jmp: /dev/full: 3000 events lost' ]
}
ok lines_in_a_buffer_that_nobody_takes_are_counted full
mode() { # VALUE OUTPUT: said once, and the program goes on
	SIDE_JMP_OUTPUT_MODE=$1 SIDE_JMP_OUTPUT=$2 "$lines" many 3 \
		2>"$TMP/err" >"$TMP/out" || return 1
	cat "$TMP/err"
	[ "$(wc -l <"$TMP/err")" = 1 ] &&
	grep -q '^side_jmp: SIDE_JMP_OUTPUT_MODE: .*ignored$' "$TMP/err"
}
ok lines_have_no_such_mode mode sideways "$TMP/m"
ok lines_have_no_mode_of_that_length mode "$(printf '%99s' | tr ' ' x)" "$TMP/m"
ok lines_mode_is_none_of_a_trace mode buffered "$TMP/m.d/"
done_testing
