#!/bin/sh
# SPDX-License-Identifier: MIT
# What a site adds to a function: exactly what a nop5 written by hand with the
# same cold block adds, one instruction of 5 bytes and nothing else in the hot
# path. And the table: read-only, without relocations.
. "$TOP/tests/tap.sh"
S=$TOP/tests/code/src
I=-I$BUILD/include

cc -std=c11 -D_GNU_SOURCE -O1 "$S/compare.c" -o "$TMP/compare" -lcapstone -lelf || exit 1

sites_of() { objdump -h "$1" | awk '$2 == "side_jmp" { print $3 }' | { n=0; while read -r s; do n=$((n + 0x$s / 16)); done; echo $n; }; }
same() {	# COMPILER FLAGS...
	"$@" $I -c "$S/functions.c" -o "$TMP/sites.o" &&
	"$@" $I -DHAND -c "$S/functions.c" -o "$TMP/hand.o" &&
	seen=$("$TMP/compare" "$TMP/sites.o" "$TMP/hand.o") &&
	[ "${seen%% sites*}" = "$(sites_of "$TMP/sites.o")" ] && [ "${seen%% *}" -ge 11 ]
}
for cc in gcc clang; do
	for o in -O1 -O2 -O3 -Os; do
		for pic in -fPIE -fPIC -fno-pie; do
			ok "code_site_is_a_nop5_$cc$o$pic" same $cc -std=c11 $o $pic
		done
	done
done
ok code_site_is_a_nop5_with_cet same gcc -std=c11 -O2 -fcf-protection=full

# The comparison itself must see one instruction too many.
broken() {
	sed 's/SITE(name) side_jmp_unlikely(name)/SITE(name) (__extension__({ __asm__ volatile("nop"); side_jmp_unlikely(name); }))/' \
		"$S/functions.c" >"$TMP/extra.c"
	gcc -std=c11 -O2 $I -c "$TMP/extra.c" -o "$TMP/extra.o" &&
	gcc -std=c11 -O2 $I -DHAND -c "$S/functions.c" -o "$TMP/hand.o" &&
	! "$TMP/compare" "$TMP/extra.o" "$TMP/hand.o"
}
ok code_comparison_sees_an_extra_nop broken

# What stands before the conditional jump of a wide site, and where a dense one goes.
wide() {
	$1 -std=c11 -O2 $I -DSIDE_JMP_LAYOUT_WIDE -c "$S/functions.c" -o "$TMP/w.o" &&
	objdump -d --no-show-raw-insn "$TMP/w.o" | awk -F'\t' '
		/<straight>:/ { on = 1 } on && /ret/ { exit } on { print $2 }' |
		awk '{ print $1 }' | tr '\n' ' ' | grep -q 'xor cmp \(jb\|jae\|jc\) '
}
ok code_wide_is_xor_cmp_jc_gcc wide gcc
ok code_wide_is_xor_cmp_jc_clang wide clang
dense() {	# one taken 5-byte jump in the hot path, to the dense section
	$1 -std=c11 -O2 $I -DSIDE_JMP_LAYOUT_DENSE -c "$S/functions.c" -o "$TMP/d.o" &&
	[ "$(objdump -dr "$TMP/d.o" --section=.text | grep -c 'R_X86_64_P.*side_jmp_modify_code')" = "$(sites_of "$TMP/d.o")" ]
}
ok code_dense_jumps_once_gcc dense gcc
ok code_dense_jumps_once_clang dense clang

cat >"$TMP/main.c" <<'EOF'
#include <side_jmp.h>
SIDE_JMP_KEY(key); SIDE_JMP_KEY(other); SIDE_JMP_KEY64(wide);
void report(int a, int b); int work(int a);
void report(int a, int b) { (void)a; (void)b; }
int work(int a) { return a; }
EOF
table() {	# COMPILER LINK FLAGS...
	"$@" -std=c11 -O2 $I "$S/functions.c" "$TMP/main.c" "$TMP/entry.c" "$BUILD/libside_jmp.a" -o "$TMP/linked" || return 1
	set -- $(readelf -SW "$TMP/linked" | sed 's/^ *\[ *[0-9]*\]//' | awk '$1 == "side_jmp" { print $3, $5, $7 }')
	[ -n "${3:-}" ] || { echo "no section side_jmp"; return 1; }
	case $3 in *W*|*X*) echo "side_jmp has flags $3"; return 1; esac
	readelf -rW "$TMP/linked" | awk -v lo="$1" -v len="$2" '
		function hex(s,  i, v) { v = 0; s = tolower(s); for (i = 1; i <= length(s); i++) v = v * 16 + index("0123456789abcdef", substr(s, i, 1)) - 1; return v }
		/R_X86_64/ { n++; a = hex($1); if (a >= hex(lo) && a < hex(lo) + hex(len)) { print "relocation in the table: " $0; bad = 1 } }
		END { exit bad || !n }'
}
echo 'int main(void) { return 0; }' >"$TMP/entry.c"
ok code_table_is_read_only_without_relocations_pie table gcc -fPIE -pie
ok code_table_is_read_only_without_relocations_clang table clang -fPIE -pie
echo 'int entry_(void); int entry_(void) { return 0; }' >"$TMP/entry.c"
ok code_table_is_read_only_without_relocations_library table gcc -fPIC -shared
done_testing
