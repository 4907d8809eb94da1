#!/bin/sh
# SPDX-License-Identifier: MIT
# The manual pages: well formed, and of the tool as it is.
. "$(dirname "$0")/../tap.sh"
tool=$BUILD/tools/side-jmp

lint() { # other pages of ours are not installed where mandoc looks
	mandoc -T lint "$1" 2>/dev/null | grep -v 'referenced manual not found' >"$TMP/lint"
	cat "$TMP/lint"; [ ! -s "$TMP/lint" ] &&
	man --warnings -E UTF-8 -l "$1" >"$TMP/text" 2>"$TMP/err" && [ -s "$TMP/text" ] &&
		{ cat "$TMP/err"; [ ! -s "$TMP/err" ]; }
}
for page in tools/*.1; do ok "manual_$(basename "$page" .1)_is_well_formed" lint "$page"; done

# What all have is in side-jmp(1).
common='--\(help\|usage\|version\)'
says() { # SUBCOMMAND: every option of its --help, and no other
	man -E ascii -l "tools/side-jmp-$1.1" 2>/dev/null | col -b | grep -o -- '--[a-z][a-z-]*' |
		sort -u >"$TMP/said"
	"$tool" "$1" --help | grep -o -- '--[a-z][a-z-]*' | grep -vx -- "$common" |
		sort -u >"$TMP/there"
	diff "$TMP/there" "$TMP/said" | grep -v "^> $common\$" | grep '^[<>]' && return 1
	[ -s "$TMP/there" ]
}
for s in $("$tool" --help | sed -n 's/^  \([a-z]*\) .*/\1/p'); do
	ok "manual_has_the_options_of_$s" says "$s"
	ok "manual_names_$s" grep -q "side-jmp-$s 1" tools/side-jmp.1
done
done_testing
