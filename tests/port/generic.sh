#!/bin/sh
# SPDX-License-Identifier: MIT
# Where no port is: the library builds, links and never patches.  And a port
# that lacks something does not compile.
# long
. "$(dirname "$0")/../tap.sh"
cat >"$TMP/generic.c" <<'END'
#include <side_jmp.h>
#include <stdio.h>
#include <string.h>
SIDE_JMP_KEY(key);
SIDE_JMP_KEY64(key64);
static int taken(void) { return side_jmp_unlikely(key) + 2 * side_jmp_unlikely(key64); }
int main(void)
{
	static const struct side_jmp_record record = { 0, 0, 0, 1, 0, 0, 0 };
	static struct side_jmp_object table = { 1, sizeof(record), &record, &record + 1, 0 };
	struct side_jmp_info i;
	int right = taken() == 0;

	right &= !side_jmp_enable(&key) && taken() == 1;
	right &= !side_jmp_enable(&key64) && taken() == 3;
	right &= !side_jmp_disable(&key) && taken() == 2;
	right &= !side_jmp_disable(&key64) && taken() == 0;
	right &= side_jmp_object_register(&table) < 0;
	side_jmp_get_info(&i, sizeof(i));
	right &= i.sites == 0 && i.objects_rejected == 1 && i.backend == SIDE_JMP_BACKEND_NONE &&
		 !strcmp(i.backend_reason, "no port for this architecture");
	printf("%s; %s\n", i.backend_reason, i.reject_reason);
	return !right;
}
END
library() {
	make -C "$TOP" --no-print-directory B="$TMP/b" CC="$CC" \
		CFLAGS='-O2 -DSIDE_JMP_GENERIC -Werror' all
}
ok generic_library_builds_and_links library
program() {
	$CC -O2 -DSIDE_JMP_GENERIC -I"$TMP/b/include" "$TMP/generic.c" "$TMP/b/libside_jmp.a" \
		-pthread -o "$TMP/p" && "$TMP/p"
}
ok generic_keys_work_as_tests program
shared() {
	$CC -O2 -DSIDE_JMP_GENERIC -I"$TMP/b/include" "$TMP/generic.c" -L"$TMP/b" -lside_jmp \
		-o "$TMP/q" && LD_LIBRARY_PATH=$TMP/b "$TMP/q"
}
ok generic_shared_library_works shared

# Take each macro that a port has to define away from this machine's port.
lacking() {
	for macro in $(sed -n 's/^#error "port: \([A-Z_]*\).*/\1/p' "$TOP/arch/site.h"); do
		rm -rf "$TMP/inc" && cp -r "$TMP/b/include" "$TMP/inc"
		sed -i "s/^#define $macro\\b/#define NOT_$macro/" "$TMP"/inc/side_jmp/arch/*/site.h
		if $CC -I"$TMP/inc" -fsyntax-only "$TMP/generic.c" 2>"$TMP/err" ||
			! grep -q "port: $macro" "$TMP/err"; then
			echo "compiles, or does not say so, without $macro"; return 1
		fi
	done
	[ -n "$macro" ]
}
ok generic_contract_names_what_a_port_lacks lacking
done_testing
