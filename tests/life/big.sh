#!/bin/sh
# SPDX-License-Identifier: MIT
# How many system calls a library with 100,000 sites costs when it comes beside
# another thread, when it goes, and when the process ends: a write a page, and
# none at all.
. "$(dirname "$0")/../tap.sh"

src=$TOP/tests/life/src
CFLAGS_="-O2 -g -std=c11 -D_GNU_SOURCE -Wall -I$TOP -I$BUILD/include"
so="-L$BUILD -lside_jmp -Wl,-rpath,$BUILD"
case $($CC -dumpmachine) in
x86_64*) ;;
*) skip big "x86-64's assembler"; done_testing ;;
esac
$CC $CFLAGS_ -fPIC -shared "$src/big_library.c" "$src/big_library.S" \
	-o "$TMP/big.so" $so || exit 1
$CC $CFLAGS_ "$src/big.c" -o "$TMP/big" -rdynamic -pthread -ldl $so || exit 1

writes() { # WHEN MOST
	n=$("$TMP/big" "$TMP/big.so" "$1") || return 1
	echo "$n writes, at most $2 expected"
	[ "$n" -le "$2" ]
}
ok big_loads_by_a_write_a_page writes load 999
ok big_is_unloaded_without_a_write writes close 0
ok big_ends_without_a_write writes exit 0
done_testing
