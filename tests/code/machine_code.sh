#!/bin/sh
# SPDX-License-Identifier: MIT
# What a site adds to a function: exactly what a nop5 written by hand with the
# same cold block adds, one instruction of 5 bytes and nothing else in the hot
# path; nop: the same of 8 bytes; dense: one jump; wide: three instructions. And
# the table: read-only, without relocations.
. "$(dirname "$0")/../tap.sh"
S=$TOP/tests/code/src
I=-I$BUILD/include

for t in compare hot; do
	cc -std=c11 -D_GNU_SOURCE -O1 "$S/$t.c" -o "$TMP/$t" -lcapstone -lelf || exit 1
done

sites_of() {
	objdump -h "$1" | awk '$2 == "side_jmp" { print $3 }' |
		{ n=0; while read -r s; do n=$((n + 0x$s / 16)); done; echo $n; }
}
both() {	# COMPILER FLAGS...: with sites, and by hand
	"$@" $I -c "$S/functions.c" -o "$TMP/sites.o" &&
	"$@" $I -DHAND -c "$S/functions.c" -o "$TMP/hand.o" &&
	n=$(sites_of "$TMP/sites.o") && [ "$n" -ge 11 ]
}
same() {	# a site's instruction for every nop5, and nothing that runs idle refers to a key
	both "$@" && seen=$("$TMP/compare" "$TMP/sites.o" "$TMP/hand.o") &&
	[ "${seen%% sites*}" = "$n" ] &&
	seen=$("$TMP/hot" "$TMP/hand.o" key other wide) && [ "${seen%% *}" -ge "$n" ]
}
same_wide() {	# instruction for instruction, and a record for each
	both "$@" -DSIDE_JMP_LAYOUT_WIDE && "$TMP/compare" "$TMP/sites.o" "$TMP/hand.o" &&
	[ "$(objdump -d --no-show-raw-insn "$TMP/hand.o" | awk -F'\t' '
		{
			split($2, w, " ")
			n += before == "xor" && last == "cmp" && w[1] ~ /^j(b|c)$/
			before = last; last = w[1]
		}
		END { print n }')" = "$n" ]
}
same_dense() {	# and in the section of its own a jump to the test and one back
	same "$@" -DSIDE_JMP_LAYOUT_DENSE &&
	[ "$(objdump -d -j side_jmp_modify_code --no-show-raw-insn "$TMP/sites.o" | awk -F'\t' '
		$1 ~ /^ *[0-9a-f]+:$/ {
			split($2, w, " "); n += w[1] == "jmp"; other += w[1] != "jmp"
		}
		END { print n, other + 0 }')" = "$((2 * n)) 0" ]
}
for cc in $C_COMPILERS; do
	for o in -O1 -O2 -O3 -Os; do
		for pic in -fPIE -fPIC -fno-pie; do
			ok "code_site_is_a_nop5_$cc$o$pic" same $cc -std=c11 $o $pic
		done
		ok "code_nop_is_a_nop8_$cc$o" same $cc -std=c11 $o -DSIDE_JMP_LAYOUT_NOP
		ok "code_wide_is_xor_cmp_jc_$cc$o" same_wide $cc -std=c11 $o
		ok "code_dense_is_one_jump_$cc$o" same_dense $cc -std=c11 $o
	done
done
ok code_site_is_a_nop5_with_cet same $CC -std=c11 -O2 -fcf-protection=full

# The comparison itself must see one instruction too many.
broken() {
	extra='(__extension__({ __asm__ volatile("nop"); side_jmp_unlikely(name); }))'
	sed "s/SITE(name) side_jmp_unlikely(name)/SITE(name) $extra/" \
		"$S/functions.c" >"$TMP/extra.c"
	$CC -std=c11 -O2 $I -c "$TMP/extra.c" -o "$TMP/extra.o" &&
	$CC -std=c11 -O2 $I -DHAND -c "$S/functions.c" -o "$TMP/hand.o" &&
	! "$TMP/compare" "$TMP/extra.o" "$TMP/hand.o"
}
ok code_comparison_sees_an_extra_nop broken


# And one that refers to another key, and the walk a load.
other() {
	sed 's/SITE(wide)/SITE(key)/' "$S/functions.c" >"$TMP/other.c" &&
	sed 's/SITE(wide)/SITE(other)/' "$S/functions.c" >"$TMP/another.c" &&
	$CC -std=c11 -O2 $I -DHAND -c "$TMP/other.c" -o "$TMP/hand.o" &&
	$CC -std=c11 -O2 $I -c "$TMP/another.c" -o "$TMP/sites.o" &&
	! "$TMP/compare" "$TMP/sites.o" "$TMP/hand.o" && "$TMP/compare" "$TMP/hand.o" "$TMP/hand.o"
}
ok code_comparison_sees_another_key other
load() {
	$1 -std=c11 -O2 $I -DLOAD -c "$S/functions.c" -o "$TMP/load.o" &&
	! "$TMP/hot" "$TMP/load.o" key other wide 2>"$TMP/why" && cat "$TMP/why" &&
	grep -q 'in the hot path' "$TMP/why"
}
for cc in $C_COMPILERS; do ok code_walk_sees_a_load_$cc load $cc; done

cat >"$TMP/main.c" <<'EOF'
#include <side_jmp.h>
SIDE_JMP_KEY(key); SIDE_JMP_KEY(other); SIDE_JMP_KEY64(wide);
void report(int a, int b); int work(int a);
void report(int a, int b) { (void)a; (void)b; }
int work(int a) { return a; }
EOF
table() {	# COMPILER LINK FLAGS...
	"$@" -std=c11 -O2 $I "$S/functions.c" "$TMP/main.c" "$TMP/entry.c" "$BUILD/libside_jmp.a" \
		-o "$TMP/linked" || return 1
	set -- $(readelf -SW "$TMP/linked" | sed 's/^ *\[ *[0-9]*\]//' |
		awk '$1 == "side_jmp" { print $3, $5, $7 }')
	[ -n "${3:-}" ] || { echo "no section side_jmp"; return 1; }
	case $3 in *W*|*X*) echo "side_jmp has flags $3"; return 1; esac
	readelf -rW "$TMP/linked" | awk -v lo="$1" -v len="$2" '
		function hex(s,  i, v) {
			v = 0; s = tolower(s)
			for (i = 1; i <= length(s); i++)
				v = v * 16 + index("0123456789abcdef", substr(s, i, 1)) - 1
			return v
		}
		/R_X86_64/ {
			n++; a = hex($1)
			if (a >= hex(lo) && a < hex(lo) + hex(len)) {
				print "relocation in the table: " $0; bad = 1
			}
		}
		END { exit bad || !n }'
}
echo 'int main(void) { return 0; }' >"$TMP/entry.c"
for cc in $C_COMPILERS; do
	ok code_table_is_read_only_without_relocations_pie_$cc table $cc -fPIE -pie
done
echo 'int entry_(void); int entry_(void) { return 0; }' >"$TMP/entry.c"
for cc in $C_COMPILERS; do
	for ld in bfd lld mold gold; do
		ok code_table_is_read_only_without_relocations_library_${cc}_$ld \
			table $cc -fPIC -shared -fuse-ld=$ld
	done
done
done_testing
