#!/bin/sh
# SPDX-License-Identifier: MIT
# An idle site adds exactly one instruction a pass, counted and not timed.
# Counted twice, over N and over 2 N passes: the difference is free of what
# surrounds the loop.
. "$(dirname "$0")/../tap.sh"

passes=5000

# count FUNCTION FILE: the instructions that callgrind counted in it alone.
count() {
	callgrind_annotate --threshold=100 --show-percs=no "$2" |
		awk -v f="$1" '{ split($2, part, ":") }
			part[2] == f { gsub(",", "", $1); print $1; exit }'
}
# A count of N passes, of COMPILER's program.
measure() {
	valgrind -q --tool=callgrind --smc-check=all \
		--callgrind-out-file="$TMP/$1.$2" "$TMP/$1" $2 >"$TMP/$1.out" \
		2>"$TMP/$1.err"
	grep -qx 'idle 1 same 1' "$TMP/$1.out"
}
# per_pass COMPILER FUNCTION
per_pass() {
	more=$(count $2 "$TMP/$1.$((2 * passes))")
	less=$(count $2 "$TMP/$1.$passes")
	[ -n "$more" ] && [ -n "$less" ] || { echo 0 uncounted; return; }
	echo "$(((more - less) / passes)) $(((more - less) % passes))"
}
one_more() {
	echo "instructions a pass: $1 with the site, $2 without"
	[ "${1#* }" = 0 ] && [ "${2#* }" = 0 ] && [ "${2% *}" -gt 1 ] &&
		[ $((${1% *} - ${2% *})) -eq 1 ]
}

# -O1 lays out no blocks by likelihood: there gcc jumps around the slow path,
# with any condition.
for cc in gcc clang; do
	exe=count_$cc
	$cc -O2 -g -std=c11 -Wall -I"$BUILD/include" \
		"$TOP/tests/traps/src/count.c" "$BUILD/libside_jmp.a" \
		-o "$TMP/$exe" -pthread || exit 1
	measure $exe $passes && measure $exe $((2 * passes))
	ok traps_${exe}_runs_idle [ $? -eq 0 ]
	with=$(per_pass $exe with_site) without=$(per_pass $exe without_site)
	ok traps_${exe}_idle_site_is_one_instruction one_more "$with" "$without"
	note "$cc: ${with% *} instructions with the site, ${without% *} without"
done
done_testing
