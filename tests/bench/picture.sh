#!/bin/sh
# SPDX-License-Identifier: MIT
# The picture is that of the figures that bench/README.md has.
. "$(dirname "$0")/../tap.sh"
drawn() { bench/picture >"$TMP/cost.svg" && diff bench/cost.svg "$TMP/cost.svg"; }
ok picture_is_of_the_table drawn
refused() { # a table that lacks a row, or a figure
	mkdir -p "$TMP/bench" && cp bench/picture "$TMP/bench/" &&
	grep -v 'inline, idle' bench/README.md >"$TMP/bench/README.md" &&
	! "$TMP/bench/picture" >"$TMP/none" 2>"$TMP/said" && cat "$TMP/said" &&
	grep 'expected the rows none' "$TMP/said" &&
	sed 's|\.542 / \.541 / \.542|.542 / .541|' bench/README.md >"$TMP/bench/README.md" &&
	! "$TMP/bench/picture" >"$TMP/none" 2>"$TMP/said" && cat "$TMP/said" &&
	grep 'README.md:[0-9]*: expected three figures, found "\.542 / \.541"' "$TMP/said"
}
ok picture_refuses_a_table_without_its_figures refused
done_testing
