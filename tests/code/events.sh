#!/bin/sh
# SPDX-License-Identifier: MIT
# What an event adds to a function: a no-op.  Leaf functions are, where they run
# idle, those with a nop5 written by hand in the event's place, instruction for
# instruction (a span's ends are two of them); a pass of a loop costs as many
# instructions, by callgrind's count of a prepared file.
. "$(dirname "$0")/../tap.sh"
S=$TOP/tests/code/src
I="-I$BUILD/include -std=c11"
leafs='leaf nothing leaf_of_three leaf_of_double leaf_of_four called calls
	spanned spanned_call spanned_early'

cc -std=c11 -D_GNU_SOURCE -O1 "$S/hot_same.c" -o "$TMP/hot_same" -lcapstone -lelf || exit 1

same() {	# COMPILER FLAGS...
	# shellcheck disable=SC2086
	"$@" $I -c "$S/events.c" -o "$TMP/events.o" &&
	"$@" $I -DHAND -c "$S/events.c" -o "$TMP/hand.o" &&
	"$TMP/hot_same" "$TMP/events.o" "$TMP/hand.o" $leafs
}
for cc in gcc clang; do
	for o in -O1 -O2 -O3 -Os; do
		for pic in -fPIE -fPIC -fno-pie; do
			ok "code_event_is_a_nop5_$cc$o$pic" same "$cc" $o $pic
		done
	done
	ok "code_event_is_a_nop5_with_shadow_stacks_$cc" same "$cc" -O2 -fcf-protection=full
done
in_cxx() {	# COMPILER LEVEL
	I="-I$BUILD/include -std=c++11 -x c++"
	same "$@" -fPIE
}
for cxx in g++ clang++; do
	for o in -O1 -O2; do ok "code_event_is_a_nop5_$cxx$o" in_cxx $cxx $o; done
done
on_arm64() ( # COMPILER FLAGS...
	I="-I$BUILD/include -std=c11"
	# The frame that spanned_early() has for its call gcc puts around more of it.
	case $1 in *gcc) leafs=${leafs% spanned_early} ;; esac
	same "$@"
)
for o in -O1 -O2 -O3 -Os; do
	ok code_event_is_a_nop_on_arm64_gcc$o on_arm64 aarch64-linux-gnu-gcc $o
	ok code_event_is_a_nop_on_arm64_clang$o on_arm64 clang --target=aarch64-linux-gnu $o
done

# Elsewhere, as the compiler says itself: a function needs no more stack than one with
# a no-op by hand.  Of a span's ends it may.
frames() (	# COMPILER FLAGS...
	I="-I$BUILD/include -std=c11 -fstack-usage"
	for what in -DHAND -DEVENTS; do
		# shellcheck disable=SC2086
		"$@" $I $what -c "$S/events.c" -o "$TMP/events.o" || return
		awk -v names="$leafs sum dot list interpreter calls" '
			BEGIN { split(names, n, /[ \t\n]+/); for (i in n) is[n[i]] = 1 }
			{ sub(/.*:/, "", $1) }
			$1 in is && $1 !~ /^spanned_/ { print $1, $2 }
		' "$TMP/events.su" >"$TMP/frames$what"
	done
	diff "$TMP/frames-DHAND" "$TMP/frames-DEVENTS" >"$TMP/why" || { cat "$TMP/why"; return 1; }
	[ "$(wc -l <"$TMP/frames-DEVENTS")" -eq 12 ]
)
sees_frames() { ! frames "$@" -DSIDE_JMP_PLAIN_CALLS && grep -q 'leaf_of_three' "$TMP/why"; }
for arch in s390x riscv64 ppc64le; do
	triple=$(. "$TOP/arch/$arch/port" && echo "$triple")
	for o in -O1 -O2 -O3 -Os; do
		ok code_event_needs_no_frame_on_${arch}_gcc$o frames "$triple-gcc" $o
		ok code_event_needs_no_frame_on_${arch}_clang$o \
			frames clang --target="$triple" $o
	done
	ok code_call_needs_a_frame_on_$arch sees_frames "$triple-gcc" -O2
done
I="-I$BUILD/include -std=c11"
ok code_event_is_a_nop5_in_medium_code same gcc -O2 -fPIC -mcmodel=medium

# The comparison must see a frame, which ordinary calls cost.
broken() {
	! same gcc -O2 -DSIDE_JMP_PLAIN_CALLS 2>"$TMP/why" && cat "$TMP/why" &&
	grep -q 'by hand' "$TMP/why"
}
ok code_comparison_sees_a_frame broken

# count PROGRAM [interpreter]: instructions of main() with 8,000 passes
count() {
	# shellcheck disable=SC2086
	valgrind --tool=callgrind --callgrind-out-file=/dev/null --toggle-collect=main \
		"$TMP/$1" 8000 $2 2>&1 | awk '/Collected/ { print $4 }'
}
program() {	# NAME FLAGS...: a program with events.c so
	name=$1; shift
	# shellcheck disable=SC2086
	"$cc" $o $I "$@" -c "$S/events.c" -o "$TMP/events.o" &&
	gcc -O2 $I "$S/events_main.c" "$TMP/events.o" "$BUILD/libside_jmp.a" -o "$TMP/$name"
}
# What an idle event costs beyond the nop by hand, which is one instruction
cost() {	# COMPILER LEVEL [interpreter]
	cc=$1 o=$2 what=${3:-}
	program events && program hand -DHAND &&
	"$BUILD/tools/side-jmp" prepare --idle '*,*:*' --events -q -o "$TMP/idle" "$TMP/events" &&
	idle=$(count idle "$what") && hand=$(count hand "$what") &&
	awk -v idle="$idle" -v hand="$hand" -v events="${what:+8000}" 'BEGIN {
		each = 1 + (idle - hand) / (events ? events : 34000)
		printf "an event costs %.3f instructions a pass\n", each
		exit !(each <= 1.2 && idle > 34000)
	}'
}
for o in -O1 -O2 -O3 -Os; do
	for cc in gcc clang; do
		ok "code_event_costs_an_instruction_a_pass_$cc$o" cost $cc $o
	done
	ok "code_event_costs_an_instruction_a_pass_of_an_interpreter$o" cost gcc $o interpreter
done
done_testing
