#!/bin/sh
# SPDX-License-Identifier: MIT
# The static library built with -flto, as distributions do, in a program that is, too: the
# linker finds what is written in assembler, and what it calls.
# long
. "$(dirname "$0")/../tap.sh"
lib=$TMP/lto/libside_jmp.a
built() {
	make -s -j2 B="$TMP/lto" CC=gcc CFLAGS='-O1 -flto=2 -ffat-lto-objects' "$lib" \
		>"$TMP/log" 2>&1 || { tail "$TMP/log"; return 1; }
}
cat >"$TMP/program.c" <<'END'
#include <side_jmp_event.h>
SIDE_JMP_KEY(wanted);
SIDE_JMP_EVENT(lto, event, "An event", (u32, n));
static unsigned calls;
__attribute__((noinline)) static void called(unsigned n) { calls += n; }
int main(void)
{
	side_jmp_event(lto, event, 7);
	if (side_jmp_enable(&wanted))
		return 1;
	side_jmp_call(wanted, called, 3u);
	return calls != 3;
}
END
works() { # FLAGS...: events to CTF, which has registers kept, and a call
	gcc "$@" "$TMP/program.c" -I"$BUILD/include" "$lib" -pthread -o "$TMP/program" &&
	rm -rf "$TMP/trace" &&
	SIDE_JMP_ENABLE="lto:*" SIDE_JMP_OUTPUT=$TMP/trace/ "$TMP/program" &&
	[ -n "$(find "$TMP/trace" -name metadata -size +0)" ]
}
if is_there gcc; then
	ok lto_library_is_built built
	ok lto_library_in_a_program_with_lto works -O2 -flto=2
	ok lto_library_in_another_program works -O2
else
	skip lto_library_is_built "no gcc"
fi
done_testing
