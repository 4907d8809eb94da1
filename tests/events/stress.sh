#!/bin/sh
# SPDX-License-Identifier: MIT
# Callbacks come and go while 8 threads fire 1,000,000 events each: plain, and
# under the sanitizers, which also have to notice two planted bugs.
# long
. "$(dirname "$0")/../tap.sh"
flags="-std=c11 -DSIDE_JMP_INJECT -I. -I$BUILD/include -O2 -g -pthread"
machine=$($CC -dumpmachine)
sources="tests/events/src/stress.c $(ls runtime/*/*.c arch/*/*.c \
	arch/"${machine%%-*}"/probe.S 2>/dev/null)"

build() { # NAME COMPILER FLAGS...
	target=$1 compiler=$2; shift 2
	# shellcheck disable=SC2086
	$compiler $flags "$@" $sources -o "$TMP/$target"
}
clean() { # NAME: every result passes, and no sanitizer says a word
	"$TMP/$1" 1000000 >"$TMP/out" 2>&1 || { cat "$TMP/out"; return 1; }
	! grep -E '^not ok|WARNING|ERROR|runtime error' "$TMP/out"
}
notices() { # PLANT: TSan or the test itself does, in one of some tries
	for _ in 1 2 3 4 5; do
		"$TMP/gcc-thread" 300000 "$1" >"$TMP/out" 2>&1 || return 0
	done
	return 1
}

ok stress_builds build plain "$CC"
ok stress_plain clean plain
for c in gcc clang; do
	for s in thread address,undefined; do
		ok "stress_builds_${c}_$s" build "$c-$s" $c -fsanitize=$s
		ok "stress_clean_${c}_$s" clean "$c-$s"
	done
done
ok stress_notices_missing_wait notices wait
ok stress_notices_missing_recheck notices recheck
done_testing
