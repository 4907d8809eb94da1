#!/bin/sh
# SPDX-License-Identifier: MIT
# The built-in tracer: lines of text and CTF, from the environment.
. "$(dirname "$0")/../tap.sh"
emit=$TMP/emit
ok trace_builds $CC -std=c11 -I. -I"$BUILD/include" -O2 -g -Wall -Wextra -Werror \
	tests/events/src/emit.c "$BUILD/libside_jmp.a" -pthread -o "$emit"

expected() { # of lines that begin with a tab: they belong to the one before
	awk '/^\t/ { sub(/^\t/, " "); all = all $0; next } { all = all "\n" $0 }
		END { print substr(all, 2) }' >"$TMP/expected"
}

# ---- text --------------------------------------------------------------------
expected <<'END'
emit:ints a=255 b=65535 c=4294967295 d=18446744073709551615 e=-128 f=-32768 g=-2147483648
	h=-9223372036854775808
emit:rest f=0.5 d=0.25 p=0xabcdef m="very \"glad\"" n=5
emit:rest f=-1 d=1e100 p=0x0 m=sad n=no
emit:text s="a \"b\"\n\x01\\" t="" c="too l" b=0102ff q=fe03
emit:arrays a=[1,2,65535] f=[0.1,-2.5] q=[-9223372036854775808,7] d=[1e300,0.1,-0] none=[]
END
types() { # to stderr, and to a file
	SIDE_JMP_ENABLE='emit:*' "$emit" types 2>"$TMP/err" &&
	sed 's/^[0-9]*\.[0-9]\{9\} [0-9]* //' "$TMP/err" | diff "$TMP/expected" - &&
	SIDE_JMP_ENABLE='emit:*' SIDE_JMP_OUTPUT=$TMP/file "$emit" types 2>"$TMP/err" &&
	sed 's/^[0-9]*\.[0-9]\{9\} [0-9]* //' "$TMP/file" | diff "$TMP/expected" - &&
	[ ! -s "$TMP/err" ]
}
ok trace_text_shows_every_type types
flags() {
	[ "$(SIDE_JMP_ENABLE='emit:*' "$emit" flags 2>&1 | sed 's/.* e=//' | xargs)" = \
		'low high 4294967295' ]
}
ok trace_text_shows_labels_above_the_largest_int flags
quiet() { "$emit" types >"$TMP/out" 2>&1; [ ! -s "$TMP/out" ]; }
ok trace_is_silent_unless_asked quiet
some() { SIDE_JMP_ENABLE="$1" "$emit" types 2>&1 | grep -c 'emit:'; }
picks() { [ "$(some "$1")" = "$2" ]; }
ok trace_pattern_picks_one picks emit:ints 1
ok trace_patterns_are_a_list picks 'emit:ints,emit:t*, emit:rest' 4
ok trace_pattern_of_nothing picks 'other:*' 0
ok trace_star_is_all_events picks '*' 5
bad() {
	SIDE_JMP_ENABLE="emit:ints,$1,emit:text" "$emit" types 2>"$TMP/err" || return 1
	cat "$TMP/err"
	[ "$(grep -c '^side_jmp: SIDE_JMP_ENABLE: .*ignored$' "$TMP/err")" = 1 ] &&
	[ "$(grep -c 'emit:' "$TMP/err")" = 2 ]
}
ok trace_bad_pattern_without_colon bad nonsense
ok trace_bad_pattern_with_two_colons bad a:b:c
ok trace_bad_pattern_without_name bad a:
ok trace_bad_pattern_characters bad 'a:b!'
ok trace_bad_pattern_too_long bad "a:$(printf '%200s' | tr ' ' x)"
refuses() { # an output that can't be opened is said, and the program goes on
	SIDE_JMP_ENABLE='emit:*' SIDE_JMP_OUTPUT=$1 "$emit" types 2>"$TMP/err" || return 1
	cat "$TMP/err"
	[ "$(wc -l <"$TMP/err")" = 1 ] && grep -q "^side_jmp: SIDE_JMP_OUTPUT=$1: " "$TMP/err"
}
ok trace_file_that_cannot_be_opened refuses /nonexistent/file
ok trace_directory_that_cannot_be_made refuses /dev/null/dir/
crash() {
	SIDE_JMP_ENABLE='emit:*' SIDE_JMP_OUTPUT=$TMP/crash "$emit" crash 1000
	[ "$(grep -c 'emit:small thread=0 n=[0-9]*$' "$TMP/crash")" = 1000 ] &&
	tail -n 1 "$TMP/crash" | grep -q n=999
}
ok trace_text_is_whole_after_a_crash crash
full() { # a reader that is late: the program does not wait, what is lost is said
	mkfifo "$TMP/fifo"
	{ until [ -e "$TMP/written" ]; do sleep .05; done; cat; } <"$TMP/fifo" >"$TMP/drained" &
	reader=$!
	SIDE_JMP_ENABLE='emit:*' SIDE_JMP_OUTPUT=$TMP/fifo \
		tests/limit 30 "$emit" many 20000 9>"$TMP/fifo"
	rc=$?
	: >"$TMP/written"; wait $reader
	lines=$(grep -c 'emit:small thread=0 n=[0-9]*$' "$TMP/drained")
	echo "exit $rc, $lines lines before the reader began; $(grep lost "$TMP/drained")"
	[ $rc = 0 ] && [ "$lines" -gt 100 ] && [ "$lines" -lt 20000 ] &&
	! grep -v 'thread=0 n=[0-9]*$' "$TMP/drained" |
		grep -v '^side_jmp: [0-9]* events* lost$'
}
ok trace_text_does_not_wait_for_a_full_pipe full
gone() { # a reader that goes away ends nothing
	{ SIDE_JMP_ENABLE='emit:*' "$emit" many 100000 2>&1; echo "exit $?" >"$TMP/rc"; } |
		head -n 1 >"$TMP/head"
	cat "$TMP/rc"
	[ "$(cat "$TMP/rc")" = 'exit 0' ] && [ -s "$TMP/head" ]
}
ok trace_text_survives_its_reader gone
exact() { # a reader that is slow: lines and losses add up
	mkfifo "$TMP/fifo2"
	awk '/lost/ { lost += $2; next }
		++n % 500 == 0 { system("sleep 0.03") }
		END { print n, lost + 0 }' \
		<"$TMP/fifo2" >"$TMP/sum" & reader=$!
	SIDE_JMP_ENABLE='emit:*' SIDE_JMP_OUTPUT=$TMP/fifo2 tests/limit 60 "$emit" many \
		60000 9>"$TMP/fifo2" 2>"$TMP/err" || return 1
	wait $reader
	read -r n lost <"$TMP/sum"
	# If the pipe is full at the end, stderr says what is
	late=$(sed -n 's/^side_jmp: .*: \([0-9]*\) events* lost$/\1/p' "$TMP/err")
	echo "$n lines, $lost lost, ${late:-0} more said at the end"
	lost=$((lost + ${late:-0}))
	[ $((n + lost)) = 60000 ] && [ "$lost" -gt 0 ]
}
ok trace_text_says_what_is_lost exact
devfull() { # nothing can be written: the info and, at exit, stderr say so
	SIDE_JMP_ENABLE='emit:*' SIDE_JMP_OUTPUT=/dev/full "$emit" lost \
		100 >"$TMP/out" 2>"$TMP/err" || return 1
	cat "$TMP/out" "$TMP/err"
	[ "$(cat "$TMP/out")" = 100 ] && [ "$(cat "$TMP/err")" = \
		'side_jmp: /dev/full: 100 events lost' ]
}
ok trace_text_counts_what_a_full_disk_refuses devfull
limit() { # the file may not grow: no SIGXFSZ, and whole lines and losses add up
	(ulimit -f 16 && SIDE_JMP_ENABLE='emit:*' SIDE_JMP_OUTPUT=$TMP/limit \
		"$emit" lost 1000 >"$TMP/out" 2>"$TMP/err") || return 1
	lost=$(cat "$TMP/out")
	echo "$(wc -l <"$TMP/limit") lines, $(wc -c <"$TMP/limit") bytes;" \
		"lost $lost; $(cat "$TMP/err")"
	[ "$lost" -gt 100 ] && [ $(($(wc -l <"$TMP/limit") + lost)) = 1000 ] &&
	[ "$(cat "$TMP/err")" = "side_jmp: $TMP/limit: $lost events lost" ]
}
ok trace_text_counts_what_a_file_size_limit_refuses limit
room_again() { # half a line in a disk that was full: the next is on a line of its own
	mkdir "$TMP/tiny" && mount -t tmpfs -o size=64k none "$TMP/tiny" || return 4
	rm -f "$TMP/out"; mkfifo "$TMP/go"
	head -c 40000 /dev/zero >"$TMP/tiny/filler"
	SIDE_JMP_ENABLE='emit:*' SIDE_JMP_OUTPUT=$TMP/tiny/t "$emit" pauses \
		3000 <"$TMP/go" >"$TMP/out" & pid=$!
	exec 8>"$TMP/go"
	until [ -s "$TMP/out" ] || ! kill -0 $pid; do sleep 0.01; done
	rm "$TMP/tiny/filler"; echo >&8; exec 8>&-; wait $pid; rc=$?
	cp "$TMP/tiny/t" "$TMP/t"; umount "$TMP/tiny"
	lost=$(sed -n 's/^side_jmp: \([0-9]*\) events lost$/\1/p' "$TMP/t")
	torn=$(grep -cv -e '^side_jmp: ' -e ' emit:small thread=0 n=[0-9]*$' "$TMP/t")
	echo "exit $rc, $(wc -l <"$TMP/t") lines, $lost lost, $torn torn"; tail -n 3 "$TMP/t"
	[ $rc = 0 ] && [ "$lost" -gt 10 ] && tail -n 1 "$TMP/t" | grep -q ' n=0$' &&
	[ $(($(grep -c ' emit:small thread=0 n=[0-9]*$' "$TMP/t") + lost)) -ge 3001 ]
}
if mkdir "$TMP/mnt" && mount -t tmpfs none "$TMP/mnt" 2>/dev/null; then
	umount "$TMP/mnt"
	ok trace_text_goes_on_where_there_is_room_again room_again
else
	skip trace_text_goes_on_where_there_is_room_again "no right to mount a small file system"
fi
long() {
	SIDE_JMP_ENABLE='emit:*' "$emit" big 2>"$TMP/err" && [ "$(wc -l <"$TMP/err")" = 301 ] &&
	awk 'length($0) > 4095 { exit 1 }' "$TMP/err" && head -n 1 "$TMP/err" | grep -q '\.\.\.$'
}
ok trace_text_cuts_long_lines long
fork() {
	SIDE_JMP_ENABLE='emit:*' SIDE_JMP_OUTPUT=$TMP/fork "$emit" fork
	cat "$TMP/fork"
	[ "$(awk '{ print $4 }' "$TMP/fork" | xargs)" = "thread=1 thread=2 thread=3" ] &&
	[ "$(awk '{ print $2 }' "$TMP/fork" | sort -u | wc -l)" = 2 ]
}
ok trace_text_of_a_child_has_its_tid fork
closefds() {
	SIDE_JMP_ENABLE='emit:*' SIDE_JMP_OUTPUT=$1 "$emit" closefds "$TMP/$2" && [ ! -s "$TMP/$2" ]
}
ok trace_text_never_lands_in_another_file closefds "$TMP/text" other1

# ---- CTF ---------------------------------------------------------------------
if ! command -v babeltrace2 >/dev/null; then
	skip trace_ctf "babeltrace2 is not installed"
	done_testing
fi
read_back() {
	babeltrace2 --clock-seconds "$1" >"$TMP/out" 2>"$TMP/err" || { cat "$TMP/err"; return 1; }
}
expected <<'END'
emit:ints: { a = 255, b = 65535, c = 4294967295, d = 18446744073709551615, e = -128, f = -32768, g =
	-2147483648, h = -9223372036854775808 }
emit:rest: { f = 0.5, d = 0.25, p = 0xABCDEF, m = ( "very \"glad\"" : container = 12 ), n = (
	<unknown> : container = 5 ) }
emit:rest: { f = -1, d = 1e+100, p = 0x0, m = ( "sad" : container = -3 ), n = ( "no" : container = 0
	) }
emit:text: { s = "a \"b\"\n\x01\\", t = "", c = "too l", b = [ [0] = 0x1, [1] = 0x2, [2] = 0xFF ],
	_q_length = 2, q = [ [0] = 0xFE, [1] = 0x3 ] }
emit:arrays: { a = [ [0] = 1, [1] = 2, [2] = 65535 ], f = [ [0] = 0.1, [1] = -2.5 ], _q_length = 2,
	q = [ [0] = -9223372036854775808, [1] = 7 ], _d_length = 3, d = [ [0] = 1e+300, [1] = 0.1,
	[2] = -0 ], _none_length = 0, none = [ ] }
END
ctf() { # WHAT [ARGS...]: trace it into a directory of its own
	rm -rf "$TMP/ctf"
	SIDE_JMP_ENABLE='emit:*' SIDE_JMP_OUTPUT=$TMP/ctf/ "$emit" "$@"
}
ctf_types() {
	ctf types && read_back "$TMP/ctf" && [ ! -s "$TMP/err" ] &&
	sed 's/^.* \(emit:[a-z]*:\) { vpid = [0-9]*, vtid = [0-9]* },/\1/' "$TMP/out" |
		diff "$TMP/expected" -
}
ok trace_ctf_reads_back_every_type ctf_types
ctf_threads() {
	ctf threads 30000 && read_back "$TMP/ctf" && [ ! -s "$TMP/err" ] || return 1
	for t in 0 1 2 3; do
		grep "thread = $t," "$TMP/out" | sed 's/.* n = \([0-9]*\) .*/\1/' |
			awk '$1 != NR - 1 { exit 1 } END { exit NR != 30000 }' || return 1
	done
}
ok trace_ctf_threads_in_order_and_whole ctf_threads
ctf_apart() {
	ctf apart && read_back "$TMP/ctf" && cat "$TMP/out" &&
	[ "$(sed -n 's/.*thread = 0, n = \([0-9]*\) .*/\1/p' "$TMP/out" | xargs)" = '0 1 2' ]
}
ok trace_ctf_has_a_thread_in_order_where_clocks_are_apart ctf_apart
ctf_crash() {
	ctf crash 20000
	read_back "$TMP/ctf" && [ ! -s "$TMP/err" ] && [ "$(wc -l <"$TMP/out")" = 20000 ] &&
	tail -n 1 "$TMP/out" | grep -q 'n = 19999 }'
}
ok trace_ctf_is_whole_after_a_crash ctf_crash
ctf_fork() {
	ctf fork && read_back "$TMP/ctf" && [ "$(wc -l <"$TMP/out")" = 3 ] &&
	[ "$(sed 's/.*vpid = \([0-9]*\).*/\1/' "$TMP/out" | sort -u | wc -l)" = 2 ]
}
ok trace_ctf_of_a_child ctf_fork
ctf_bounded() { # what is read and what is said to be lost is all there was
	SIDE_JMP_OUTPUT_SIZE=1M ctf threads 100000 && read_back "$TMP/ctf" || return 1
	lost=$(sed -n 's/.*discarded \([0-9]*\) events.*/\1/p' "$TMP/err" |
		awk '{ s += $1 } END { print s + 0 }')
	echo "$(wc -l <"$TMP/out") read, $lost lost, $(du -s -B1 "$TMP/ctf")"
	[ $((lost + $(wc -l <"$TMP/out"))) = 400000 ] && [ "$lost" -gt 0 ] &&
	[ "$(du -s -B1 "$TMP/ctf" | cut -f1)" -lt 1200000 ]
}
ok trace_ctf_is_bounded_and_counts_what_is_lost ctf_bounded
ctf_big() {
	ctf big && read_back "$TMP/ctf" && [ "$(wc -l <"$TMP/out")" = 1 ] &&
	grep -q 'discarded 300 events' "$TMP/err" &&
	[ "$(du -s -B1 "$TMP/ctf" | cut -f1)" -lt 300000 ]
}
ok trace_ctf_event_larger_than_a_packet_is_lost ctf_big
ok trace_ctf_never_lands_in_another_file closefds "$TMP/ctf2/" other2
two() { # two processes, one directory
	ctf types && SIDE_JMP_ENABLE='emit:*' SIDE_JMP_OUTPUT=$TMP/ctf/ "$emit" types &&
	read_back "$TMP/ctf" && [ "$(wc -l <"$TMP/out")" = 10 ]
}
ok trace_ctf_of_two_processes two
full_disk() { # SIGBUS would be easy here
	mkdir "$TMP/small" && mount -t tmpfs -o size=256k none "$TMP/small" || return 4
	SIDE_JMP_ENABLE='emit:*' SIDE_JMP_OUTPUT=$TMP/small/ "$emit" threads 20000
	rc=$?
	read_back "$TMP/small"; umount "$TMP/small"
	echo "exit $rc, $(wc -l <"$TMP/out") events"
	[ $rc = 0 ] && [ "$(wc -l <"$TMP/out")" -gt 1000 ]
}
if mkdir "$TMP/try" && mount -t tmpfs none "$TMP/try" 2>/dev/null; then
	umount "$TMP/try"
	ok trace_ctf_survives_a_full_disk full_disk
else
	skip trace_ctf_survives_a_full_disk "no right to mount a small file system"
fi

# ---- secure execution --------------------------------------------------------
secure() { # PROGRAM: run as nobody, it must not write what the caller names
	chmod 755 "$TMP"
	mkdir -m 777 -p "$TMP/evil"
	setpriv --reuid=65534 --clear-groups env SIDE_JMP_ENABLE='emit:*' \
		SIDE_JMP_OUTPUT="$TMP/evil/$2" \
		SIDE_JMP_USER_EVENTS=1 "$1" types >"$TMP/out" 2>&1 || { cat "$TMP/out"; return 1; }
	[ ! -s "$TMP/out" ] && [ ! -e "$TMP/evil/$2" ]
}
plain() { # the same program without the privilege does write
	chmod 755 "$TMP"
	mkdir -m 777 -p "$TMP/evil"
	setpriv --reuid=65534 --clear-groups env SIDE_JMP_ENABLE='emit:*' \
		SIDE_JMP_OUTPUT="$TMP/evil/plain" "$emit" types && [ -s "$TMP/evil/plain" ]
}
if [ "$(id -u)" = 0 ] && command -v setpriv >/dev/null; then
	ok trace_output_of_an_ordinary_program plain
	cp "$emit" "$TMP/setuid" && chmod 4755 "$TMP/setuid"
	if findmnt -n -o OPTIONS -T "$TMP" | grep -q nosuid; then
		skip trace_secure_setuid "the temporary directory is mounted nosuid"
	else
		ok trace_secure_setuid_ignores_variables secure "$TMP/setuid" a
		ok trace_secure_setuid_ignores_variables_ctf secure "$TMP/setuid" b/
	fi
	cp "$emit" "$TMP/caps"
	if setcap cap_net_raw+ep "$TMP/caps" 2>/dev/null; then
		ok trace_secure_file_capability_ignores_variables secure "$TMP/caps" c
	else
		skip trace_secure_file_capability_ignores_variables "setcap does not work here"
	fi
else
	skip trace_secure "needs root and setpriv"
fi
done_testing
