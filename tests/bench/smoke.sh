#!/bin/sh
# SPDX-License-Identifier: MIT
# The benchmarks build, run and print every row.  No judgement on numbers.
# long
. "$(dirname "$0")/../tap.sh"

make -s B="$BUILD" CC="$CC" "$BUILD/tests/unit/basic" || exit 1
if ! "$BUILD/tests/unit/basic" | grep -q '^ok 1 - basic_backend_is_expected'; then
	skip bench_runs "nothing is patched here"
	done_testing
fi

run() { QUICK=1 make -s -C "$TOP" B="$BUILD" CC="$CC" bench >"$TMP/out"; }
rows() {
	# Of each loop, count and temperature: 17 variants, and 4 more where another processor,
	# sys/sdt.h and XRay are; 6 ratios.  Of 65,536 sites 11 variants.
	tail -n +2 "$BUILD/bench/sites.csv" | awk -F '[, ]' '
		{ n[$1 " " $2 " " $3]++ }
		END {
			for (where in n) {
				least = where ~ / 65536$/ ? 17 : 23
				if (n[where] < least || n[where] > least + 4 * (least == 23))
					print where ": " n[where] " rows", bad = 1
				places++
			}
			print "sites: " places " places, expected 25"
			exit bad || places != 25
		}' || return 1
	# Pauses are of a thread that had a processor.
	n=$(grep -c '^pause of another thread' "$BUILD/bench/flips.csv")
	echo "pauses: $n rows, expected 3 at most"
	[ "$n" -le 3 ] || return 1
	for csv in flips:45 startup:14; do
		n=$(tail -n +2 "$BUILD/bench/${csv%:*}.csv" | grep -vc '^pause')
		echo "${csv%:*}: $n rows, expected ${csv#*:}"
		[ "$n" -eq "${csv#*:}" ] || return 1
	done
	n=$(tail -n +2 "$BUILD/bench/events.csv" | wc -l)
	echo "events: $n rows, expected 9, or 17 beside LTTng-UST"
	[ "$n" -eq 9 ] || [ "$n" -eq 17 ] || return 1
	# name,arch,cpu,samples,min,median,p99,unit; and a number is a number
	cat "$BUILD"/bench/*.csv | awk -F, '
		$1 != "name" && (NF != 8 || $4 < 1 || $5 !~ /^-?[0-9.]+$/) {
			print; bad++
		}
		END { exit bad > 0 }'
}
# of WHAT VARIANT LEAST MOST: of each site of that variant
of() {
	awk -F, -v name="bytes: $1 of $2" -v least="$3" -v most="$4" '
		$1 == name { print; seen = $5 >= least && $5 <= most }
		END { exit !seen }' "$BUILD/bench/bytes.csv"
}
# What a record is, and that none is relocated; that a pointer is; what a no-op is.
bytes() {
	of tables inline 16 17 && of relocations inline 0 0.1 &&
		of relocations pointer 1 1.1 && of tables test 0 1 && of code inline 5 99
}
# Two more beside LTTng-UST.
goals() { grep -E '^[0-9]+ of 3[68] goals met' "$TMP/out"; }

ok bench_runs run
ok bench_prints_every_row rows
ok bench_counts_bytes bytes
ok bench_compares_with_the_goals goals
done_testing
