#!/bin/sh
# SPDX-License-Identifier: MIT
# The runtime and all ports may be one translation unit (tools/amalgamate): no
# two files define the same static name.
. "$(dirname "$0")/../tap.sh"
cd "$TOP" || exit 1
I="-I. -I$BUILD/include"
SRC=$(ls runtime/*/*.c arch/*/*.c)
note "$(echo "$SRC" | wc -l) files"

# Two `static int n;` are tentative definitions, and merge without a word.  So
# count local symbols by file; nm gives those within functions a dot.
locals() { # FILE.c: its static names, less what headers define
	$CC -std=c11 -O0 -Wno-unused $I -c "$1" -o "$TMP/o.o" && nm -P "$TMP/o.o" |
		awk '$2 ~ /^[tbdr]$/ && $1 !~ /\./ { print $1 }' | sort -u
}
grep -hE '^static inline|^[a-z_]+\(|^sj_|^side_jmp_' runtime/*.h runtime/*/*.h arch/*.h arch/*/*.h |
	grep -oE '[a-z_0-9]+\(' | tr -d '(' | sort -u >"$TMP/in_headers"
for f in $SRC; do
	locals "$f" | grep -vxF -f "$TMP/in_headers" | sed "s|\$| $f|"
done >"$TMP/locals"
note "$(wc -l <"$TMP/locals") static names"
once() { # no name in two files
	awk '{ where[$1] = where[$1] " " $2; n[$1]++ }
		END { for (s in n) if (n[s] > 1) { print s ":" where[s]; bad = 1 } exit bad }' "$1"
}
found() { [ "$(wc -l <"$TMP/locals")" -gt 300 ]; }
ok one_unit_static_names_are_found found
ok one_unit_no_static_name_in_two_files once "$TMP/locals"
would_see() {
	printf 'static int n;\nint %s(void); int %s(void) { return n++; }\n' a a >"$TMP/a.c"
	printf 'static int n;\nint %s(void); int %s(void) { return n++; }\n' b b >"$TMP/b.c"
	for f in a b; do locals "$TMP/$f.c" | sed "s|\$| $f.c|"; done >"$TMP/two"
	cat "$TMP/two"; ! once "$TMP/two"
}
ok one_unit_would_see_two_that_merge would_see
done_testing
