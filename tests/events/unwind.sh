#!/bin/sh
# SPDX-License-Identifier: MIT
# From within a callback, whoever walks the stack finds the function that emits
# and its callers: by tables (libgcc, gdb), by frame pointers, and as perf does.
. "$(dirname "$0")/../tap.sh"
S=$TOP/tests/events/src/unwind.c
W="-std=c11 -Wall -Wextra -Werror -g -I$BUILD/include"

build() {	# COMPILER FLAGS...
	# shellcheck disable=SC2086
	"$@" $W -no-pie -fno-pie "$S" "$BUILD/libside_jmp.a" -pthread -o "$TMP/unwind"
}
# names: of addresses (just behind calls) their functions
names() {
	while read -r a; do
		addr2line -fi -e "$TMP/unwind" "$(printf '%#x' $((a - 1)))" |
			awk 'NR % 2 { f = $0 } END { print f }'
	done | tr '\n' ' '
}
finds() {	# HOW COMPILER FLAGS...: leaf within middle within main, three times
	how=$1; shift
	build "$@" && "$TMP/unwind" "$how" >"$TMP/at" && names <"$TMP/at" >"$TMP/names" &&
	cat "$TMP/names" &&
	[ "$(grep -oE "leaf(_that_calls)? $callers " "$TMP/names" | wc -l)" = 3 ]
}
callers='middle main'
for cc in gcc clang; do
	for l in INLINE DENSE WIDE NOP; do
		ok "unwind_by_tables_$cc$l" finds tables $cc -O2 -DSIDE_JMP_LAYOUT_$l
	done
	for f in "-O1" "-O3" "-Os" "-O0" "-O2 -fno-omit-frame-pointer" \
		"-O2 -fcf-protection=full" "-O2 -fstack-protector-all" "-O2 -mno-red-zone" \
		"-O2 -DSIDE_JMP_PLAIN_CALLS"; do
		# shellcheck disable=SC2086
		ok "unwind_by_tables_$cc$(echo $f | tr -d ' ')" finds tables $cc $f
	done
	# gcc gives a leaf no frame, and then frame pointers tell of its caller's
	# caller, as of any leaf's; the leaf itself is there.
	for o in -O1 -O2 -O3; do
		[ $cc = clang ] || callers='(middle )?main'
		ok "unwind_by_frame_pointers_$cc$o" finds chain $cc $o -fno-omit-frame-pointer \
			-mno-omit-leaf-frame-pointer
		callers='middle main'
	done
done

debugger() {	# COMPILER FLAGS...
	build "$@" && gdb -nx -batch -ex 'set debuginfod enabled off' -ex 'break in_callback' \
		-ex run -ex bt -ex 'up 4' -ex 'p s' -ex 'c 2' -ex bt "$TMP/unwind" >"$TMP/gdb" 2>&1
	grep -oE '^#[0-9]+ .*' "$TMP/gdb"
	grep -A1 -E '^#[0-9]+ .*leaf \(' "$TMP/gdb" | grep -q 'in middle ' &&
	grep -A1 -E '^#[0-9]+ .*leaf_that_calls \(' "$TMP/gdb" | grep -q 'in middle ' &&
	[ "$(grep -cE '^#[0-9]+ .*in main \(' "$TMP/gdb")" -ge 2 ] &&
	! grep -qiE 'corrupt|previous frame' "$TMP/gdb"
}
for cc in gcc clang; do
	ok "unwind_by_gdb_$cc" debugger $cc -O2
	ok "unwind_by_gdb_with_frame_pointers_$cc" debugger $cc -O2 -fno-omit-frame-pointer
	ok "unwind_by_gdb_with_shadow_stacks_$cc" debugger $cc -O2 -fcf-protection=full
done

# Exceptions that a callback catches, and that leave functions with events.
cat >"$TMP/throws.cc" <<'EOF'
#include <side_jmp_event.h>
#include <stdexcept>
#include <string>
SIDE_JMP_EVENT(t, e, "", (u32, n), (string, s));
static int caught;
static void callback(const side_jmp_event *, const side_jmp_value *, void *)
{
	try { throw std::runtime_error("within"); } catch (std::exception &) { caught++; }
}
static int thrower(int n, const std::string &s)
{
	std::string copy = s + "x";
	side_jmp_event(t, e, n, copy);
	if (n == 3) throw std::logic_error(copy);
	side_jmp_event(t, e, n + 1, s);
	return n;
}
int main()
{
	side_jmp_tracer *tracer;
	if (side_jmp_tracer_register(&tracer, "t:*", callback, nullptr)) return 2;
	for (int i = 0; i < 5; i++)
		try { thrower(i, "text"); } catch (std::logic_error &e) { caught += 100; }
	return caught != 109;
}
EOF
throws() {
	"$@" -O2 -std=c++11 -Wall -Wextra -I"$BUILD/include" "$TMP/throws.cc" \
		"$BUILD/libside_jmp.a" -pthread -o "$TMP/throws" && "$TMP/throws"
}
ok unwind_exceptions_g++ throws g++
ok unwind_exceptions_clang++ throws clang++

sampled() {	# KIND FLAGS...
	kind=$1; shift
	build "$@" && perf record -q -F 500 -e cpu-clock:u --call-graph "$kind" -o "$TMP/perf" \
		"$TMP/unwind" spin >/dev/null 2>"$TMP/why" || { cat "$TMP/why"; return 1; }
	perf script -i "$TMP/perf" -F ip,sym 2>/dev/null |
		awk -v RS= -v frames="leaf.*$callers" '/in_callback/ { all++; n += $0 ~ frames }
		     END { print n + 0 " of " all + 0 " samples"; exit n < all * .9 || n < 20 }'
}
if ! command -v perf >/dev/null || ! perf record -q -e cpu-clock:u -o "$TMP/try" true 2>/dev/null
then
	skip unwind_by_perf "no perf, or it may not sample"
else
	callers='middle.*main'
	for cc in gcc clang; do
		ok "unwind_by_perf_dwarf_$cc" sampled dwarf $cc -O2
		[ $cc = clang ] || callers=main
		ok "unwind_by_perf_fp_$cc" sampled fp $cc -O2 -fno-omit-frame-pointer \
			-mno-omit-leaf-frame-pointer
		callers='middle.*main'
	done
fi
done_testing
