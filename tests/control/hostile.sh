#!/bin/sh
# SPDX-License-Identifier: MIT
# Live control: a hostile peer does no harm to a process, and a hostile process none
# to the tool.
. "$(dirname "$0")/../tap.sh"
. "$TOP/tests/control/src/common.sh"
built() {
	server server $CC $so && $CC $flags -I. "$src/peer.c" -o "$TMP/peer" &&
	$CC $flags -I. "$src/target.c" -o "$TMP/target" $alone &&
	$CC $flags -I. "$src/odd.c" -o "$TMP/odd" $alone &&
	$CC $flags -s "$src/heavy.c" -o "$TMP/heavy" $alone
}
ok hostile_builds built
begin env SIDE_JMP_CONTROL=1 PAUSE_US=1000 "$TMP/server" || exit 1
"$tool" trace -qp $pid --count 1 >/dev/null; settled
socket() { find /run/user/*/side_jmp /tmp/side_jmp-* /dev/shm/side_jmp-* \
	-name "$pid-*" 2>/dev/null; }
"$TMP/peer" "$(socket)" >"$TMP/peer.out" 2>&1
for what in garbage halves areas descriptors words flood crowd; do
	ok peer_is_withstood_$what \
		sh -c "cat '$TMP/peer.out'; grep -q '^ok - $what\$' '$TMP/peer.out'"
done
ok peer_leaves_nothing state "$first"
ok peer_has_not_stopped_control "$tool" list -p $pid
end

# ---- a target that lies.  It has no side_jmp of its own, to the eye
"$TMP/target" "/tmp/side_jmp-$(id -u)" >"$TMP/target.out" 2>&1 & liar=$!
until_ grep -q here "$TMP/target.out"
survives() { # ROUNDS COMMAND...: ends by itself, and sends no order to the terminal
	rounds=$1; shift
	for i in $(seq "$rounds"); do
		tests/limit 60 "$@" >"$TMP/said" 2>&1; rc=$?
		[ $rc -le 2 ] || { echo "round $i: status $rc"; tail "$TMP/said"; return 1; }
		! grep -q "$(printf '\033')" "$TMP/said" || { echo "round $i: escapes"; return 1; }
	done
}
ok target_lies_to_list survives 25 "$tool" list -p $liar
ok target_lies_to_list_json survives 20 "$tool" list --json -p $liar
ok target_lies_to_trace survives 25 "$tool" trace -p $liar --for 100ms
ctf() { survives 20 "$tool" trace -p $liar --for 100ms -o "$TMP/ctf/"; }
ok target_lies_to_trace_that_writes_ctf ctf
ok target_lies_to_top survives 15 "$tool" top -d .1 -t 1 -p $liar
ok target_lies_to_ps survives 15 "$tool" ps -p $liar
ok target_lies_to_enable survives 15 "$tool" enable -p $liar key
ok target_is_still_there kill -0 $liar
kill -9 $liar
# One that keeps the tool
keeps() { # HOW AT-MOST COMMAND...: which is refused
	refused() { ! tests/limit 60 "$@"; }
	"$TMP/target" "/tmp/side_jmp-$(id -u)" "$1" >"$TMP/target.out" 2>&1 & liar=$!
	shift; until_ grep -q here "$TMP/target.out" &&
	seconds "$1" refused "$2" "$3" -p $liar; r=$?
	kill -9 $liar; rm -f /tmp/side_jmp-*/$liar-*; return $r
}
ok a_target_that_is_mute_a_hundred_times_is_waited_for_once keeps mute 12 "$tool" list
ok a_target_that_always_has_more_to_list_is_refused keeps more 12 "$tool" list
forks() { # an honest one: of children without number each is known
	"$TMP/target" "/tmp/side_jmp-$(id -u)" forks >"$TMP/target.out" 2>&1 & liar=$!
	until_ grep -q here "$TMP/target.out" &&
	tests/limit 60 "$tool" trace -qp $liar --count 5 >"$TMP/said" 2>&1; r=$?
	kill -9 $liar; rm -f /tmp/side_jmp-*/$liar-*; cut -d' ' -f2- "$TMP/said"
	[ $r = 0 ] && [ "$(cut -d' ' -f2- "$TMP/said" | tr '\n' ' ')" = "7 child:one a=1\
 7 child:two a=2 150999 child:two a=3 150999 child:one a=4 150999 child:one a=5 " ]
}
ok a_target_with_very_many_children_is_understood forks
# Somebody else's socket under its name is not believed
"$TMP/target" "/tmp/side_jmp-$(id -u)" >"$TMP/target.out" 2>&1 & liar=$!
until_ grep -q here "$TMP/target.out"
sleep 1000 & other=$!
mv "/tmp/side_jmp-$(id -u)/$liar-1" "/tmp/side_jmp-$(id -u)/$other-1"
ok a_socket_of_another_process_is_not_believed says 'did not ask to be controlled' \
	"$tool" list -p $other
kill -9 $liar $other
rm -f "/tmp/side_jmp-$(id -u)/$other-1"

# ---- one whose memory and files cost who looks into them, or lie.  Seconds of CPU,
# which a busy machine does not make more, and memory are limited
bounded() { # COMMAND...: it is found, shown, and not too dear
	prlimit --cpu=5 --data=1000000000 tests/limit 60 "$tool" "$@" >"$TMP/said" 2>&1; rc=$?
	[ $rc = 0 ] || { echo "$*: status $rc"; tail "$TMP/said"; return 1; }
}
heavy() { # KIND N
	rm -f "$TMP/heavy.out"; "$TMP/heavy" "$1" "$2" >"$TMP/heavy.out" & heavy=$!
	until_ grep -q here "$TMP/heavy.out" &&
	bounded ps -p $heavy && grep -q heavy "$TMP/said" &&
	case $(uname -m) in x86_64|aarch64)
		bounded list -p $heavy && bounded enable -qp $heavy key_a00 &&
		bounded top -d .1 -t 1 -p $heavy && bounded trace -qp $heavy --count 2 ;;
	esac
	r=$?; kill -9 $heavy; wait $heavy 2>/dev/null; return $r
}
ok a_process_of_a_million_notes_is_looked_at_in_seconds heavy notes 20000
ok a_process_of_very_many_keys_is_looked_at_in_seconds heavy copies 3000
ok a_process_that_has_mapped_other_pieces_of_its_file_is_left_alone heavy pieces 3
ok a_process_of_damaged_files_is_looked_at heavy lies 300
steps() { # it executes itself again and again; what is there is said, or why not
	: >"$TMP/odd.out"
	rm -f "$TMP/go"; "$TMP/odd" "$1" "$TMP/go" >"$TMP/odd.out" & odd=$!
	until_ grep -q here "$TMP/odd.out" &&
	survives 10 "$tool" ps -p $odd && survives 10 "$tool" list -p $odd &&
	survives 5 "$tool" trace -p $odd --for 10ms && survives 5 "$tool" top -d .1 -t 1 -p $odd &&
	survives 5 "$tool" enable -p $odd 'odd:*'
	r=$?; : >"$TMP/go"; wait $odd && [ $r = 0 ]
}
ok a_process_that_executes_all_the_time_is_looked_at steps exec
ok a_process_whose_thread_executes_is_looked_at steps exec_thread
done_testing
