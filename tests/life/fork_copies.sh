#!/bin/sh
# SPDX-License-Identifier: MIT
# fork() where two copies of the runtime share a key: the executable's, and that
# of a library which it is linked with.
. "$(dirname "$0")/../tap.sh"

src=$TOP/tests/life/src
CFLAGS_="-O2 -g -std=c11 -D_GNU_SOURCE -Wall -I$TOP -I$BUILD/include"
alone="$BUILD/libside_jmp.a"
$CC $CFLAGS_ -fPIC -shared "$src/library.c" -o "$TMP/library.so" $alone || exit 1
$CC $CFLAGS_ "$src/fork_copies.c" -o "$TMP/copies" -rdynamic -pthread -ldl \
	"$TMP/library.so" $alone || exit 1

# Not exec: the folder goes away with the shell.
"$TMP/copies"
exit $?
