#!/bin/sh
# SPDX-License-Identifier: MIT
# A process that ends while another of its threads is in fork().
. "$(dirname "$0")/../tap.sh"

src=$TOP/tests/life/src
CFLAGS_="-O2 -g -std=c11 -D_GNU_SOURCE -Wall -I$TOP -I$BUILD/include"
$CC $CFLAGS_ -fPIC -shared "$src/exits.c" -o "$TMP/exits.so" \
	"$BUILD/libside_jmp.a" || exit 1
$CC $CFLAGS_ "$src/exit_fork.c" -o "$TMP/exit_fork" -pthread -rdynamic "$TMP/exits.so" || exit 1

ok exit_beside_a_fork_ends tests/limit 5 "$TMP/exit_fork"
done_testing
