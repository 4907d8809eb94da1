#!/bin/sh
# SPDX-License-Identifier: MIT
# A library with a copy of the runtime of its own comes and goes 2,000 times.
. "$(dirname "$0")/../tap.sh"

src=$TOP/tests/life/src
CFLAGS_="-O2 -g -std=c11 -D_GNU_SOURCE -Wall -I$TOP -I$BUILD/include"
alone="$BUILD/libside_jmp.a"
$CC $CFLAGS_ -fPIC -shared "$src/reloaded.c" -o "$TMP/reloaded.so" $alone ||
	exit 1
$CC $CFLAGS_ "$src/reload.c" -o "$TMP/reload" -ldl || exit 1

# Not exec: the folder goes away with the shell.
"$TMP/reload" "$TMP/reloaded.so"
exit $?
