#!/bin/sh
# SPDX-License-Identifier: MIT
# A thousand instrumented libraries.  One is built and copied: to the loader,
# every file is another library.
. "$(dirname "$0")/../tap.sh"

src=$TOP/tests/life/src
CFLAGS_="-O2 -g -std=c11 -D_GNU_SOURCE -Wall -I$TOP -I$BUILD/include"
$CC $CFLAGS_ -fPIC -shared "$src/library.c" -o "$TMP/0.so" \
	-L"$BUILD" -lside_jmp || exit 1
$CC $CFLAGS_ "$src/libraries.c" -o "$TMP/libraries" -rdynamic -pthread -ldl \
	-L"$BUILD" -lside_jmp || exit 1
strip -g "$TMP/0.so"
i=1
while [ $i -lt 1000 ]; do
	echo "$TMP/$i.so"
	i=$((i + 1))
done | xargs -n 100 sh -c 'tee "$@" <"$0" >/dev/null' "$TMP/0.so"

# Not exec: the folder goes away with the shell.
LD_LIBRARY_PATH=$BUILD "$TMP/libraries" "$TMP"
exit $?
