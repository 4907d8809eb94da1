#!/bin/sh
# SPDX-License-Identifier: MIT
# Two copies of the runtime in one process: an executable and a library, each
# linked statically, each keeping its copy to itself.
. "$(dirname "$0")/../tap.sh"

src=$TOP/tests/life/src
CFLAGS_="-O2 -g -std=c11 -D_GNU_SOURCE -Wall -I$TOP -I$BUILD/include"
alone="$BUILD/libside_jmp.a"
$CC $CFLAGS_ -fPIC -shared "$src/library.c" -o "$TMP/library.so" $alone || exit 1
$CC $CFLAGS_ "$src/copies.c" -o "$TMP/copies" -rdynamic -pthread -ldl $alone ||
	exit 1

# Not exec: the folder goes away with the shell.
"$TMP/copies" "$TMP/library.so"
exit $?
