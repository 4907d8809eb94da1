#!/bin/sh
# SPDX-License-Identifier: MIT
# The demo shows what it says, and where it does not, it says what was wrong: with
# a library before ours whose enable (or disable) does nothing and says 0.
. "$(dirname "$0")/../tap.sh"

make -s B="$BUILD" CC="$CC" "$BUILD/demo/demo" || exit 1
head -c 65536 README.md >"$TMP/text"

stub() { # NAME: a function of ours that claims to have done it
	printf 'int %s(void *k, unsigned long n) { (void)k; (void)n; return 0; }\n' \
		"$1" >"$TMP/$1.c"
	"$CC" -shared -fPIC "$TMP/$1.c" -o "$TMP/$1.so"
}
demo() { "$BUILD/demo/demo" "$TMP/text" >"$TMP/shown" 2>"$TMP/said"; }
# says STUB PATTERN...: it fails, and what it says on stderr is these lines
says() {
	stub "$1" || return 1
	LD_PRELOAD=$TMP/$1.so demo
	status=$?
	shift
	cat "$TMP/said"
	[ $status -eq 1 ] && [ "$(wc -l <"$TMP/said")" -eq $# ] || return 1
	for pattern; do
		grep -q "$pattern" "$TMP/said" || return 1
	done
}
works() { demo && [ ! -s "$TMP/said" ] || { tail -n 12 "$TMP/shown"; cat "$TMP/said"; return 1; }; }

ok demo_works works
ok demo_says_which_has_no_hits says side_jmp_enable_many \
	'on: no hit in the program, though [0-9]* words' \
	'on: no hit in the library, though' 'disable: Invalid argument'
ok demo_says_which_has_hits says side_jmp_disable_many \
	'off, before: [0-9]* hits in the program,' \
	'off, after: [0-9]* hits in the program,' 'off, after: [0-9]* hits in the library,'
done_testing
