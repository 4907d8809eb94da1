#!/bin/sh
# SPDX-License-Identifier: MIT
# The stress test with runtime and sites under ThreadSanitizer: no data race in
# the bookkeeping.  It sees neither stores to text nor core synchronization.
. "$(dirname "$0")/../tap.sh"

FLAGS='-O1 -g -fsanitize=thread'
STRESS=$TMP/b/tests/inject/stress

# gcc 12's knows no address space as random as new kernels make it.
plain() { setarch -R "$@"; }

printf 'int main(void) { return 0; }\n' >"$TMP/t.c"
if ! { $CC $FLAGS "$TMP/t.c" -o "$TMP/t" && plain "$TMP/t"; } >"$TMP/log" 2>&1
then
	skip tsan_stress_is_free_of_races "no working -fsanitize=thread here"
	done_testing
fi
build() {
	make -s -C "$TOP" B="$TMP/b" CC="$CC" CFLAGS="$FLAGS" "$STRESS"
}
run() {
	TSAN_OPTIONS='halt_on_error=0 exitcode=66' plain "$STRESS" 3
}
ok tsan_builds build
ok tsan_stress_is_free_of_races run
done_testing
