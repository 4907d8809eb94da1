#!/bin/sh
# SPDX-License-Identifier: MIT
# Scripts and makefiles are read, and reviewed, in 100 columns; a tab goes to the
# next multiple of 8.
. "$(dirname "$0")/../tap.sh"

# What says in its first line or by its name that it is one.
scripts() {
	find Makefile tests tools bench linker-scripts .ci -type f | sort | while read -r file; do
		case $file in
		Makefile | *.sh | *.awk | *.mk | *.bash | *.fish | */_side-jmp | *.ld)
			echo "$file" ;;
		*)	head -c 64 "$file" | head -n 1 | grep -aq '^#!' && echo "$file" ;;
		esac
	done
}
short() { # FILE: no line of it is longer
	expand "$1" | awk -v file="$1" 'length > 100 {
		print file ":" NR ": " length " columns, expected 100 at most"; long++
	} END { exit long > 0 }'
}
scripts >"$TMP/scripts"
enough() { [ "$(wc -l <"$TMP/scripts")" -ge 40 ]; }
ok lines_scripts_are_found enough
all_short() {
	while read -r file; do
		short "$file" || long=1
	done <"$TMP/scripts"
	[ -z "${long:-}" ]
}
ok lines_of_at_most_100_columns all_short
printf 'x\t%092d\n' 0 >"$TMP/tab"
sees() { short "$TMP/tab" && ! { sed 's/^/\t/' "$TMP/tab" >"$TMP/long"; short "$TMP/long"; }; }
ok lines_count_a_tab_to_the_next_multiple_of_8 sees
done_testing
