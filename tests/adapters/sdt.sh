#!/bin/sh
# SPDX-License-Identifier: MIT
# sys/sdt.h, dropped in: a program with SystemTap's probes that knows nothing of
# side_jmp has events.
. "$(dirname "$0")/../tap.sh"
src=$TOP/tests/adapters/src tool=$BUILD/tools/side-jmp
I="-I$BUILD/include/side_jmp" W="-Wall -Wextra -Werror"

found() { # as the README says, before the system's
	echo '#include <sys/sdt.h>' >"$TMP/empty.c"
	$CC -M $I "$TMP/empty.c" >"$TMP/files" && cat "$TMP/files" &&
	grep -q "$BUILD/include/side_jmp/sys/sdt.h" "$TMP/files" &&
	! grep -q '/usr/include.*/sys/sdt.h' "$TMP/files"
}
ok sdt_is_found_before_the_system_s found

# COMPILER FLAGS... SOURCE: what its probes show, and that idle they cost no call
shows() {
	"$@" $W $I "$BUILD/libside_jmp.a" -o "$TMP/probes" -pthread || return 1
	"$TMP/probes" 2>"$TMP/idle" || { echo "an argument was evaluated"; return 1; }
	[ ! -s "$TMP/idle" ] || { cat "$TMP/idle"; return 1; }
	SIDE_JMP_ENABLE='kinds:*' "$TMP/probes" 2>"$TMP/events"
	[ $? = 1 ] || { echo "an argument was not evaluated once"; return 1; }
	sed 's/^[0-9.]* [0-9]* //' "$TMP/events" | diff "$src/probes.expected" -
}
for cc in $C_COMPILERS; do
	for flags in "-std=gnu99 -O0" "-std=c11 -O2 -fPIC" "-O2 -DSIDE_JMP_GENERIC"; do
		ok "sdt_shows_every_kind_${cc}_$(echo "$flags" | tr ' ' _)" \
			shows $cc $flags "$src/probes.c"
	done
done
for cxx in $CXX_COMPILERS; do
	for flags in "-std=c++11 -O0" "-std=c++17 -O2 -fPIC"; do
		ok "sdt_shows_every_kind_${cxx}_$(echo "$flags" | tr ' ' _)" \
			shows $cxx $flags "$src/probes.cc"
	done
done

# ---- types are those of the arguments
listed() { # PROGRAM
	"$tool" list --events "$1" >"$TMP/list" && cat "$TMP/list" &&
	[ "$(sed -n '/kinds:integers/,/kinds/s/^ *\([us][0-9]*\) arg.*/\1/p' \
		"$TMP/list" | xargs)" = \
		"s8 u8 s16 u16 s32 u32 s64 u64" ] &&
	[ "$(sed -n '/kinds:others/,/kinds:[^o]/s/^ *\([a-z0-9]*\) arg.*/\1/p' "$TMP/list" |
		xargs | cut -d' ' -f1-2)" = "double float" ] &&
	[ "$(grep -c 'kinds:variadic' "$TMP/list")" = 2 ]
}
ran() { # PROGRAM: by the tool
	"$tool" run -e 'kinds:t*' -o "$TMP/run" "$1"
	cat "$TMP/run"
	[ "$(sed 's/^[0-9.]* [0-9]* //' "$TMP/run")" = \
		"$(grep 'kinds:twelve' "$src/probes.expected")" ]
}
$CC -O2 $I "$src/probes.c" "$BUILD/libside_jmp.a" -o "$TMP/c" -pthread || exit 1
$CXX -O2 $I "$src/probes.cc" "$BUILD/libside_jmp.a" -o "$TMP/cc" -pthread || exit 1
ok sdt_types_are_listed listed "$TMP/c"
ok sdt_types_are_listed_of_cxx listed "$TMP/cc"
ok sdt_checks "$tool" check -q "$TMP/c" "$TMP/cc"
ok sdt_runs_with_events ran "$TMP/c"
pointers() {
	$CC -O2 -DSIDE_JMP_SDT_POINTERS $I "$src/probes.c" "$BUILD/libside_jmp.a" \
		-o "$TMP/pointers" -pthread
	SIDE_JMP_ENABLE='kinds:strings' "$TMP/pointers" 2>&1 | grep 'arg1=0x[0-9a-f]* .* arg4=0x0'
}
ok sdt_strings_are_addresses_where_asked pointers

# ---- other people's flags
cat >"$TMP/others.c" <<'END'
#include <sys/sdt.h>
enum which { THIS, THAT };
int probed(int n, const char *name, float x, enum which which);
int probed(int n, const char *name, float x, enum which which)
{
	_Bool yes = n > 0;
	const unsigned char bytes[4] = "abc";

	DTRACE_PROBE(others, none);
	if (n)
		DTRACE_PROBE4(others, kinds, yes, which, x, name);
	else
		DTRACE_PROBE1(others, kinds, bytes);
	return n;
}
END
others() { # COMPILER FLAGS...
	"$@" $W -Wshadow -Wconversion -Wvla -Wdouble-promotion -Wmissing-prototypes \
		-Wcast-qual -Wunused -Wundef $I -shared -fPIC "$TMP/others.c" -o "$TMP/others.so" &&
		"$tool" list --events "$TMP/others.so" >"$TMP/list" && cat "$TMP/list" &&
		[ "$(sed -n 's/^ *\([a-z0-9]*\) arg.*/\1/p' "$TMP/list" | sort | xargs)" = \
			"float pointer string u32 u8" ]
}
for cc in $C_COMPILERS; do
	for flags in "-std=gnu89 -Wdeclaration-after-statement" "-std=c99 -Wpedantic" \
		"-std=c11 -Wpedantic -O2" "-std=gnu17 -Wpedantic -DSIDE_JMP_GENERIC"; do
		ok "sdt_suits_${cc}_$(echo "$flags" | tr ' ' _)" others $cc $flags
	done
done

refuses() { # COMPILER SUFFIX ARGUMENT
	printf '%s\n' '#include <sys/sdt.h>' 'struct two { long a, b; } both;' \
		"void f(void); void f(void) { DTRACE_PROBE1(a, b, $3); }" >"$TMP/refused.$2"
	! $1 $I -c "$TMP/refused.$2" -o "$TMP/refused.o" 2>"$TMP/said" || return 1
	cat "$TMP/said"
	grep -q "sys/sdt.h: a probe takes numbers of up to 64 bits, and pointers" "$TMP/said"
}
for cc in $C_COMPILERS; do ok sdt_refuses_a_structure_$cc refuses $cc c both; done
for cxx in $CXX_COMPILERS; do
	ok sdt_refuses_a_structure_$cxx refuses $cxx cc both
	ok sdt_refuses_what_is_too_long_$cxx refuses $cxx cc 1.0l
done

# ---- SystemTap's own, of systemtap-sdt-dev
assembler() {
	printf '#include <sys/sdt.h>\nf:\tSTAP_PROBE(asm, probe)\n' >"$TMP/probe.S"
	$CC $I -c "$TMP/probe.S" -o "$TMP/probe.o" && readelf -n "$TMP/probe.o" | grep stapsdt
}
ok sdt_leaves_assembler_to_the_system_s assembler
cp "$src/semaphores.c" "$src/semaphores.d" "$TMP"
semaphores() { # headers and objects by dtrace
	(cd "$TMP" && dtrace -C -h -s semaphores.d -o semaphores.h &&
		dtrace -C -G -s semaphores.d -o defined.o) &&
	$CC -std=gnu11 -D_GNU_SOURCE -O2 $W $I -I. -I"$BUILD/include" \
		"$TMP/semaphores.c" "$TMP/defined.o" \
		"$BUILD/libside_jmp.a" -o "$TMP/semaphores" -pthread
}
ok sdt_semaphores_build semaphores
"$TMP/semaphores" >"$TMP/seen" || touch "$TMP/failed"
sed 's/^/# /' "$TMP/seen"
counted() {
	grep '^not ok' "$TMP/seen"
	[ ! -e "$TMP/failed" ] && [ "$(grep -c '^ok' "$TMP/seen")" = 14 ]
}
ok sdt_semaphores_count_who_wants_the_event counted
done_testing
