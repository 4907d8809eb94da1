#!/bin/sh
# SPDX-License-Identifier: MIT
# The report says what the figures say: of made ones it is known where a no-op pays.
. "$(dirname "$0")/../tap.sh"

mkdir "$TMP/made"
# place NAME NOISE INLINE FLAG: of a loop that takes 10 ns without a site
place() {
	for row in "no site:10" "no site again:$2" "inline idle:$3" "nop idle:$3" \
			"C load test branch:$4" "one flag for all:$4" "wide armed:11" \
			"hand-written test:11"; do
		v=${row#*:}
		echo "$1 ${row%:*},x86_64,A <b>,100,$v,$v,$v,ns/site"
	done
}
figures() {
	echo "name,arch,cpu,samples,min,median,p99,unit"
	place "latency hot 16" 10.2 10.1 12	# a test costs 2, a no-op less than noise
	place "latency hot 256" 11 10.5 11.5	# all within twice the noise
	place "throughput hot 16" 10 12 11	# a no-op costs more
}
figures >"$TMP/made/sites.csv"
report() { bench/report "$TMP/made" >"$TMP/page"; }
has() {
	grep -qF "$1" "$TMP/page" || { echo "not in the page: $1"; grep '<td>' "$TMP/page"; false; }
}
verdict() { # PLACE AGAINST-A-FLAG AGAINST-NONE
	grep -F "<tr><td>$1</td>" "$TMP/page" | head -n 1 >"$TMP/line"
	cat "$TMP/line"
	grep -q "<td>$2</td><td>$3</td></tr>\$" "$TMP/line"
}
counts() {
	has 'of 3 places: pays in 1, no difference in 1, costs more in 1.' &&
		has 'no difference in 2, costs more in 1.'
}
first() { # of all that is read: how many goals are met, and each that is not
	sed -n '/<h1>/,/<h2>/p' "$TMP/page" >"$TMP/head" && cat "$TMP/head"
	grep -q '[0-9]* of [0-9]* goals met' "$TMP/head" &&
		[ "$(grep -c '>missed: ' "$TMP/head")" -eq \
			"$(awk -f bench/goals.awk "$TMP/made/sites.csv" | grep -c 'MISSED$')" ]
}
alone() { # nothing is fetched, nothing runs; what is not ours is text
	! grep -Ei '<script|<link|<img|https?:|url\(' "$TMP/page" && has 'A &lt;b>'
}
well_formed() {
	for tag in svg table tr td th ul li p details; do
		open=$(grep -oE "<$tag[ >]" "$TMP/page" | wc -l)
		closed=$(grep -o "</$tag>" "$TMP/page" | wc -l)
		echo "$tag: $open, $closed closed"
		[ "$open" -eq "$closed" ] || return 1
	done
}
pictures() { # of two loops: 5 bars at each of 3 places, none longer than its room
	grep -o '<rect [^>]*' "$TMP/page" >"$TMP/bars"
	cat "$TMP/bars"
	[ "$(grep -c '<svg' "$TMP/page")" -eq 2 ] && [ "$(wc -l <"$TMP/bars")" -eq 15 ] &&
		sed 's/.*width="\([^"]*\)".*/\1/' "$TMP/bars" |
			awk '$1 < 1 || $1 > 421 { bad = 1 } $1 > 420 { long++ }
				END { exit bad || !long }'
}
few() { # a try is called one
	figures | sed 's/,100,/,3,/' >"$TMP/made/sites.csv"
	report && has 'the numbers mean nothing'
	rc=$?
	figures >"$TMP/made/sites.csv"
	return $rc
}
empty() {
	mkdir "$TMP/empty" && ! bench/report "$TMP/empty" >"$TMP/none" 2>"$TMP/said" &&
		grep -q '^usage: .*sites\.csv' "$TMP/said" && [ ! -s "$TMP/none" ]
}
ok report_is_made		report
ok report_says_where_it_pays	verdict 'latency hot 16' pays 'no difference'
ok report_says_where_it_is_noise verdict 'latency hot 256' 'no difference' 'no difference'
ok report_says_where_it_costs	verdict 'throughput hot 16' 'costs more' 'costs more'
ok report_counts_places		counts
ok report_begins_with_what_is_missed first
ok report_needs_nothing_else	alone
ok report_is_well_formed	well_formed
ok report_has_pictures		pictures
ok report_of_a_full_run_is_no_try eval '! grep "mean nothing" "$TMP/page"'
ok report_of_a_try_says_so	few
ok report_refuses_an_empty_folder empty
done_testing
