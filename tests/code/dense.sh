#!/bin/sh
# SPDX-License-Identifier: MIT
# The dense section: gathered by every linker; with linker-scripts/side_jmp.ld,
# where the linker takes it, in pages and a segment of its own; with
# side_jmp_align.S in pages of its own with every linker.
. "$(dirname "$0")/../tap.sh"
SCRIPT=-Wl,-T,$TOP/linker-scripts/side_jmp.ld
ALIGN=$TOP/linker-scripts/side_jmp_align.S
behind=	# what is linked behind the objects with sites
I=-I$BUILD/include
echo 'int dense_main(void); int main(void) { return dense_main(); }' >"$TMP/main.c"
cc -O1 $I -fPIC -c "$TOP/tests/code/src/dense.c" -o "$TMP/dense.o" || exit 1

# program PAGES FLAGS...: 1,000 sites of 10 bytes, idle and enabled, on so many pages at most
right() {
	seen=$(LD_LIBRARY_PATH=$TMP "$TMP/program") || return 1
	echo "$seen"
	case $seen in "0 1000 0 hits, 1000 sites, 1000 idle, "*" 0 rejected") ;; *) return 1 ;; esac
	pages=${seen##*idle, }; [ "${pages%% *}" -le "$1" ]
}
program() {
	pages=$1
	shift
	cc "$@" "$TMP/main.c" "$TMP/dense.o" $behind "$BUILD/libside_jmp.a" -o "$TMP/program" &&
	right "$pages"
}
library() {
	pages=$1; shift
	cc -shared "$@" "$TMP/dense.o" $behind -o "$TMP/libdense.so" -L"$BUILD" -lside_jmp \
		-Wl,-rpath,"$BUILD" &&
	cc "$TMP/main.c" -o "$TMP/program" -L"$TMP" -ldense -Wl,-rpath-link,"$BUILD" &&
	right "$pages"
}
# section FILE: the section begins and ends on a page, is code that nobody writes,
# and no other section has a byte in its pages; "own" if it is all of its PT_LOAD
section() {
	readelf -SlW "$1" | awk '
		function hex(s,  i, v) {
			v = 0; sub(/^0x/, "", s)
			for (i = 1; i <= length(s); i++)
				v = v * 16 + index("0123456789abcdef", substr(s, i, 1)) - 1
			return v
		}
		function page(a) { return a - a % 4096 }
		{ sub(/^ *\[ *[0-9]+\] */, "") }
		$1 == "side_jmp_modify_code" { at = hex($3); size = hex($5); flags = $7; next }
		$1 ~ /^[.a-z_]/ && $7 ~ /A/ && hex($5) {
			n++; name[n] = $1; lo[n] = hex($3); hi[n] = lo[n] + hex($5)
		}
		$1 == "LOAD" && hex($3) == at && hex($6) == size { own = 1 }
		END {
			if (!size || at % 4096 || size % 4096) {
				print "section at " at ", " size " bytes"; exit 1
			}
			if (flags !~ /AX/ || flags ~ /W/) { print "flags " flags; exit 1 }
			for (i = 1; i <= n; i++)
				if (lo[i] < at + size && hi[i] > at) {
					print name[i] " in its pages"; exit 1
				}
			if (n < 5) { print "only " n " other sections seen"; exit 1 }
			print own ? "own" : "pages"
		}'
}
own_segment() {
	[ "$(section "$1" | tee "$TMP/section")" = own ] || { cat "$TMP/section"; return 1; }
}
with_script() { kind=$1; shift; $kind 3 "$@" "$SCRIPT" && own_segment "$TMP/$out"; }
with_align() { kind=$1; shift; $kind 3 "$@" && section "$TMP/$out"; }

for ld in bfd lld; do
	out=program
	for how in -pie -no-pie -static -static-pie; do
		ok "dense_own_segment_$ld$how" with_script program -fuse-ld=$ld $how \
			-Wl,--gc-sections
	done
	out=libdense.so
	ok "dense_own_segment_$ld-shared" with_script library -fuse-ld=$ld -Wl,--gc-sections
done

# What the linkers want of a script: no .rodata to insert beside, exceptions, no site at all.
cat >"$TMP/bare.c" <<'EOF'
#define SIDE_JMP_LAYOUT_DENSE
#include <side_jmp.h>
SIDE_JMP_KEY_EXTERN(elsewhere);
int bare(int a); int bare(int a) { return side_jmp_unlikely(elsewhere) ? a + 1 : a; }
EOF
bare() {	# a library with a site and nothing read-only, not even a key's name
	cc -O2 $I -fPIC -fno-asynchronous-unwind-tables -shared -fuse-ld=$1 "$TMP/bare.c" \
		-o "$TMP/bare.so" \
		-L"$BUILD" -lside_jmp "$SCRIPT" -Wl,--gc-sections &&
	! readelf -SW "$TMP/bare.so" | grep -q ' \.rodata' && own_segment "$TMP/bare.so"
}
cat >"$TMP/throw.cc" <<'EOF'
#define SIDE_JMP_LAYOUT_DENSE
#include <side_jmp.h>
SIDE_JMP_KEY(key);
__attribute__((noinline)) static int thrower(int a)
{
	if (side_jmp_unlikely(key)) throw a;
	return 0;
}
int main()
{
	try { thrower(1); side_jmp_enable(&key); thrower(2); } catch (int a) { return a != 2; }
	return 1;
}
EOF
throws() {
	"$CXX" -O2 $I "$TMP/throw.cc" "$BUILD/libside_jmp.a" -fuse-ld=$1 "$SCRIPT" \
		-o "$TMP/throw" && "$TMP/throw" && own_segment "$TMP/throw"
}
echo 'int main(void) { return 0; }' >"$TMP/none.c"
none() { cc -fuse-ld=$1 "$TMP/none.c" "$SCRIPT" -o "$TMP/none" && "$TMP/none"; }
for ld in bfd lld; do
	ok "dense_script_without_rodata_$ld" bare $ld
	ok "dense_script_with_exceptions_$ld" throws $ld
	ok "dense_script_without_sites_$ld" none $ld
done

for ld in bfd gold lld mold; do
	ok "dense_gathered_without_script_$ld" program 4 -fuse-ld=$ld -pie -Wl,--gc-sections
	ok "dense_gathered_without_script_$ld-shared" library 4 -fuse-ld=$ld
done
behind=$ALIGN
for ld in bfd gold lld mold; do
	out=program
	for how in -pie -no-pie -static; do
		ok "dense_own_pages_$ld$how" with_align program -fuse-ld=$ld $how -Wl,--gc-sections
	done
	out=libdense.so
	ok "dense_own_pages_$ld-shared" with_align library -fuse-ld=$ld -Wl,--gc-sections
done
done_testing
