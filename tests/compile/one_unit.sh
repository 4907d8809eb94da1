#!/bin/sh
# SPDX-License-Identifier: MIT
# The runtime and all ports as one translation unit: no two files define the
# same static name, and the whole works.
. "$(dirname "$0")/../tap.sh"
cd "$TOP" || exit 1
I="-I. -I$BUILD/include"
SRC=$(ls runtime/*/*.c arch/*/*.c)
{ echo "#define _GNU_SOURCE"; for f in $SRC; do echo "#include \"$f\""; done; } >"$TMP/one.c"
note "$(echo "$SRC" | wc -l) files"

one() { # COMPILER: makes the unit
	$1 -std=c11 -O2 -g -fvisibility=hidden -Wall -Wextra -Werror $I \
		-c "$TMP/one.c" -o "$TMP/one.$1.o"
}
works() { # COMPILER TEST: a test of the library, with the unit in its place
	$1 -std=c11 -D_GNU_SOURCE -O2 $I "tests/$2.c" "$TMP/one.$1.o" -pthread -ldl \
		-o "$TMP/one.$1.test" &&
	"$TMP/one.$1.test"
}
for cc in $C_COMPILERS; do
	if ! command -v $cc >/dev/null; then skip one_unit_$cc "no $cc"; continue; fi
	ok one_unit_compiles_$cc one $cc
	for test in unit/basic events/tracers events/types; do
		ok "one_unit_works_${cc}_${test#*/}" works $cc $test
	done
done

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
