#!/bin/sh
# SPDX-License-Identifier: MIT
# What is kept of the newest events: the flight recorder, pieces of CTF and of text,
# and snapshots of all of them.
. "$(dirname "$0")/../tap.sh"
emit=$TMP/emit tool=$BUILD/tools/side-jmp
ok record_builds $CC -std=c11 -I. -I"$BUILD/include" -O2 -g -Wall -Wextra -Werror \
	tests/events/src/emit.c "$BUILD/libside_jmp.a" -pthread -o "$emit"
export SIDE_JMP_ENABLE='emit:*'
trace() { # VARIABLE=VALUE... -- ARGS...: of emit, into $TMP/t/
	vars=; while [ "$1" != -- ]; do vars="$vars $1"; shift; done; shift
	rm -rf "$TMP/t"; env $vars SIDE_JMP_OUTPUT="$TMP/t/" $cpu "$emit" "$@" 2>"$TMP/said"
}
newest() { # FILE: of lines by one thread, one after the other; the first and the last
	sed 's/.*n *= *\([0-9]*\).*/\1/' "$1" | awk 'NR == 1 { first = $1 }
		NR > 1 && $1 != last + 1 { print "gap", last, $1; exit 1 }
		{ last = $1 } END { print first, last }'
}
bad() { # VARIABLE VALUE: said once, and the program goes on
	env "$1=$2" SIDE_JMP_OUTPUT="$TMP/bad" "$emit" many 3 2>"$TMP/err" || return 1
	cat "$TMP/err"; [ "$(grep -c "^side_jmp: $1: .*ignored$" "$TMP/err")" = 1 ]
}
ok record_one_piece_is_none bad SIDE_JMP_OUTPUT_PIECES 1
ok record_too_many_pieces bad SIDE_JMP_OUTPUT_PIECES 65
ok record_pieces_are_a_number bad SIDE_JMP_OUTPUT_PIECES 4k
ok record_no_such_time bad SIDE_JMP_OUTPUT_PERIOD 5x
ok record_no_time_at_all bad SIDE_JMP_OUTPUT_PERIOD 0s
ok record_a_time_without_pieces bad SIDE_JMP_OUTPUT_PERIOD 5m
ok record_mode_is_none_of_text bad SIDE_JMP_OUTPUT_MODE overwrite

# ---- text in pieces ------------------------------------------------------------
text() { # VARIABLE=VALUE... -- ARGS...
	vars=; while [ "$1" != -- ]; do vars="$vars $1"; shift; done; shift
	env $vars SIDE_JMP_OUTPUT="$TMP/x/t" "$emit" "$@"
}
fresh() { rm -rf "$TMP/x"; mkdir "$TMP/x"; }
whole() { ! grep -v '^[0-9]*\.[0-9]\{9\} [0-9]* emit:small thread=[0-9]* n=[0-9]*$' "$TMP"/x/*; }
text_size() {
	fresh; text SIDE_JMP_OUTPUT_PIECES=3 SIDE_JMP_OUTPUT_SIZE=3M -- many 100000 || return 1
	ls -l "$TMP/x"; cat "$TMP/x/t.2" "$TMP/x/t.1" "$TMP/x/t" >"$TMP/all"
	whole && [ "$(ls "$TMP/x" | wc -l)" = 3 ] && newest "$TMP/all" >"$TMP/span" || return 1
	read -r first last <"$TMP/span"
	echo "$first to $last"
	[ "$last" = 99999 ] && [ "$first" -gt 0 ] && [ "$(stat -c %s "$TMP/x/t.1")" -ge 1048576 ] &&
	[ "$(stat -c %s "$TMP/x/t.1")" -lt 2097152 ]
}
ok record_text_in_pieces_by_size text_size
text_buffered() {
	fresh; text SIDE_JMP_OUTPUT_PIECES=9 SIDE_JMP_OUTPUT_SIZE=9M \
		SIDE_JMP_OUTPUT_MODE=buffered -- many 50000 || return 1
	ls -l "$TMP/x"
	whole && [ -e "$TMP/x/t.1" ] && [ "$(cat "$TMP"/x/* | wc -l)" = 50000 ]
}
ok record_buffered_text_in_pieces text_buffered
text_processes() { # all of it fits: nothing is missing and nothing twice
	fresh; pids=
	for i in 1 2 3 4; do
		text SIDE_JMP_OUTPUT_PIECES=32 SIDE_JMP_OUTPUT_SIZE=16M -- many 20000 &
		pids="$pids $!"
	done
	wait $pids; ls -l "$TMP/x"
	whole && [ -e "$TMP/x/t.3" ] && [ "$(cat "$TMP"/x/* | wc -l)" = 80000 ] &&
	[ "$(ls "$TMP/x" | wc -l)" -lt 12 ] &&
	[ "$(cat "$TMP"/x/* | cut -d' ' -f2- | sort -u | wc -l)" = 80000 ]
}
ok record_text_of_several_processes_in_pieces text_processes
pause() { # SECONDS COMMAND...: between the events of `emit pauses`, which then ends
	seconds=$1; shift
	rm -f "$TMP/go" "$TMP/out"; mkfifo "$TMP/go"
	"$@" <"$TMP/go" >"$TMP/out" & pid=$!
	exec 8>"$TMP/go"
	until [ -s "$TMP/out" ] || ! kill -0 $pid; do sleep 0.01; done
	sleep "$seconds"; $between
	echo >&8; exec 8>&-; wait $pid
}
text_time() {
	fresh; between=:
	pause 1.1 text SIDE_JMP_OUTPUT_PIECES=3 SIDE_JMP_OUTPUT_PERIOD=1s -- pauses 10
	ls -l "$TMP/x"
	whole && [ "$(wc -l <"$TMP/x/t.1") $(wc -l <"$TMP/x/t")" = '10 1' ]
}
ok record_text_in_pieces_by_time text_time

# ---- CTF -------------------------------------------------------------------------
if ! command -v babeltrace2 >/dev/null; then
	skip record_ctf "babeltrace2 is not installed"
	done_testing
fi
cpu=; ! command -v taskset >/dev/null ||
	cpu="taskset -c $(taskset -cp $$ | sed 's/.*: //; s/[-,].*//')"
read_back() { # DIRECTORY
	babeltrace2 "$1" >"$TMP/out" 2>"$TMP/err" &&
		! grep -v '^WARNING: Tracer .*discarded' "$TMP/err"
}
round() { # KIND N: of N events the newest, and no more room than is given
	trace SIDE_JMP_OUTPUT_MODE=overwrite SIDE_JMP_OUTPUT_SIZE=2M -- "$1" "$2"
	read_back "$TMP/t" && newest "$TMP/out" >"$TMP/span" || return 1
	read -r first last <"$TMP/span"
	echo "$first to $last; $(du -s -B1 "$TMP/t"); $(cat "$TMP/said")"
	sed -i '/^Killed/d' "$TMP/said"
	[ "$last" = $(($2 - 1)) ] && [ "$first" -gt 0 ] &&
		[ $((last - first)) -gt 3000 ] &&
	[ ! -s "$TMP/said" ] && [ "$(du -s -B1 "$TMP/t" | cut -f1)" -lt 2300000 ]
}
ok record_keeps_the_newest round many 100000
ok record_keeps_the_newest_after_a_kill round crash 100000
few() { # less than a round
	trace SIDE_JMP_OUTPUT_MODE=overwrite -- threads 10 && read_back "$TMP/t" &&
	[ "$(wc -l <"$TMP/out")" = 40 ] && [ ! -s "$TMP/err" ]
}
ok record_of_less_than_a_round_is_all_there few
large() { # events that only spare lanes take
	trace SIDE_JMP_OUTPUT_MODE=overwrite SIDE_JMP_OUTPUT_SIZE=2M -- blocks 500 &&
	read_back "$TMP/t" && newest "$TMP/out" >"$TMP/span" && cat "$TMP/span" &&
	[ "$(sed 's/.* //' "$TMP/span")" = 499 ] && [ "$(wc -l <"$TMP/out")" -lt 400 ]
}
ok record_keeps_the_newest_large_ones large
narrow() {
	trace SIDE_JMP_OUTPUT_MODE=overwrite SIDE_JMP_OUTPUT_SIZE=500k -- many 10; cat "$TMP/said"
	grep -q 'cannot trace emit:\*: File too large$' "$TMP/said" && ! ls "$TMP"/t/*
}
ok record_refuses_a_size_that_is_too_small narrow
pieces() {
	trace SIDE_JMP_OUTPUT_PIECES=3 SIDE_JMP_OUTPUT_SIZE=4M -- many 200000 || return 1
	sum=0 full=0
	for piece in "$TMP"/t/*/piece_*; do
		read_back "$piece" || return 1
		sum=$((sum + $(wc -l <"$TMP/out"))); full=$((full + ($(wc -l <"$TMP/out") > 1000)))
	done
	read_back "$TMP/t" && newest "$TMP/out" >"$TMP/span" || return 1
	read -r first last <"$TMP/span"; echo "$first to $last, $sum in $full pieces"
	[ "$last" = 199999 ] && [ "$first" -gt 0 ] && [ $((last - first + 1)) = $sum ] &&
		[ $full -ge 2 ]
}
ok record_pieces_by_size_each_and_all_are_traces pieces
pieces_time() {
	between=:
	pause 1.1 trace SIDE_JMP_OUTPUT_PIECES=4 SIDE_JMP_OUTPUT_PERIOD=1s -- pauses 10
	for piece in "$TMP"/t/*/piece_*; do
		read_back "$piece" || return 1; wc -l <"$TMP/out"
	done >"$TMP/counts"
	sort -n "$TMP/counts" | xargs
	[ "$(sort -n "$TMP/counts" | xargs)" = '0 0 1 10' ]
}
ok record_pieces_by_time pieces_time
disk() { # ARGS of trace: a disk that has less than was asked for: the newest, and no SIGBUS
	mkdir "$TMP/d" && mount -t tmpfs -o size=1800k none "$TMP/d" || return 1
	env "$@" SIDE_JMP_OUTPUT="$TMP/d/" $cpu "$emit" many 100000 2>"$TMP/said"; rc=$?
	read_back "$TMP/d"; umount "$TMP/d"; rmdir "$TMP/d"
	echo "exit $rc; $(wc -l <"$TMP/out") events; $(cat "$TMP/said")"; tail -n 1 "$TMP/out"
	[ $rc = 0 ] && [ "$(wc -l <"$TMP/out")" -gt 2000 ] && [ ! -s "$TMP/said" ] &&
	tail -n 1 "$TMP/out" | grep -q 'n = 99999 }'
}
if mkdir "$TMP/try" && mount -t tmpfs none "$TMP/try" 2>/dev/null; then
	umount "$TMP/try"
	ok record_keeps_the_newest_on_a_full_disk disk SIDE_JMP_OUTPUT_MODE=overwrite
	ok record_pieces_on_a_full_disk disk SIDE_JMP_OUTPUT_PIECES=4
else
	skip record_keeps_the_newest_on_a_full_disk "no right to mount a small file system"
fi

# ---- snapshots -------------------------------------------------------------------
if [ ! -x "$tool" ]; then
	skip record_snapshot "side-jmp is not built"
	done_testing
fi
shoot() { # by the process, and by the directory: the same
	rm -rf "$TMP/s1" "$TMP/s2"
	"$tool" snapshot -p "$(pgrep -P $pid -x emit || echo $pid)" "$TMP/s1" &&
	"$tool" snapshot "$TMP"/t/* "$TMP/s2" && echo shot >"$TMP/shot"
}
snapshot() { # FIRST VARIABLE...: of 100000 events, from there on, but the one that comes later
	least=$1; shift
	rm -f "$TMP/shot"; between=shoot
	pause 0 trace "$@" -- pauses 100000
	[ -e "$TMP/shot" ] && diff -r "$TMP/s1" "$TMP/s2" && read_back "$TMP/s1" &&
	newest "$TMP/out" >"$TMP/span" || return 1
	cat "$TMP/span"; read -r first last <"$TMP/span"
	[ "$last" = 99999 ] && [ "$first" -ge "$least" ] && [ "$first" -lt 97000 ]
}
ok record_snapshot_of_a_trace snapshot 0 A=
ok record_snapshot_of_a_round snapshot 1 SIDE_JMP_OUTPUT_MODE=overwrite SIDE_JMP_OUTPUT_SIZE=2M
ok record_snapshot_of_pieces snapshot 1 SIDE_JMP_OUTPUT_PIECES=3 SIDE_JMP_OUTPUT_SIZE=4M
live() { # while all is written over again and again, and after the end
	rm -rf "$TMP/t"
	SIDE_JMP_OUTPUT_MODE=overwrite SIDE_JMP_OUTPUT_SIZE=2M SIDE_JMP_OUTPUT="$TMP/t/" \
		"$emit" threads 1000000000 & pid=$!
	# Its metadata is there before it is whole
	until "$tool" snapshot "$TMP"/t/* "$TMP/s0" >"$TMP/out" 2>&1; do
		kill -0 $pid && sleep 0.01 || return
	done
	n=0
	while kill -0 $pid 2>"$TMP/out" && [ $n -lt 5 ]; do
		rm -rf "$TMP/s"
		"$tool" snapshot "$TMP"/t/* "$TMP/s" && read_back "$TMP/s" ||
			{ kill $pid; return 1; }
		n=$((n + 1)) most=$(wc -l <"$TMP/out")
		for t in 0 1 2 3; do
			sed -n "s/.*thread = $t, n = \([0-9]*\) .*/\1/p" "$TMP/out" |
				awk 'NR > 1 && $1 <= last { print; exit 1 } { last = $1 }' ||
				{ kill $pid; return 1; }
		done
	done
	echo "$n snapshots, the last one with $most events"; kill $pid 2>"$TMP/out"; wait $pid
	[ $n -gt 1 ]
}
cpu=
ok record_snapshots_while_it_is_written live
refused() { # EXPECTED ARGS...
	expected=$1; shift
	"$tool" snapshot "$@" >"$TMP/out" 2>&1; rc=$?; cat "$TMP/out"
	[ $rc = 2 ] && grep -q "$expected" "$TMP/out"
}
ok record_snapshot_needs_a_new_directory refused 'is there already' "$TMP"/t/* "$TMP/s"
ok record_snapshot_of_no_trace refused 'is no trace' "$TMP" "$TMP/none"
ok record_snapshot_of_a_process_without_one refused 'writes no CTF trace' -p $$ "$TMP/none"
torn() { # whatever is in its files, there is an error, and no directory
	for f in "$TMP"/t/*/stream_0_0; do
		printf '\377\377\377\377' | dd of="$f" bs=1 seek="$1" conv=notrunc 2>"$TMP/err"
	done
	refused 'is not a whole trace' "$TMP"/t/* "$TMP/none" && [ ! -e "$TMP/none" ]
}
ok record_snapshot_of_a_damaged_packet torn 32
ok record_snapshot_of_no_packet torn 0
ok record_nothing_is_left_of_a_snapshot_that_failed [ ! -e "$TMP/none" ]
done_testing
