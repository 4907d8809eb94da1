#!/bin/sh
# SPDX-License-Identifier: MIT
# The dense section: gathered by every linker; with linker-scripts/side_jmp.ld,
# where the linker takes it, in pages and a segment of its own.
. "$TOP/tests/tap.sh"
SCRIPT=-Wl,-T,$TOP/linker-scripts/side_jmp.ld
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
program() { pages=$1; shift; cc "$@" "$TMP/main.c" "$TMP/dense.o" "$BUILD/libside_jmp.a" -o "$TMP/program" && right "$pages"; }
library() {
	pages=$1; shift
	cc -shared "$@" "$TMP/dense.o" -o "$TMP/libdense.so" -L"$BUILD" -lside_jmp -Wl,-rpath,"$BUILD" &&
	cc "$TMP/main.c" -o "$TMP/program" -L"$TMP" -ldense -Wl,-rpath-link,"$BUILD" && right "$pages"
}
# own_segment FILE: the section begins and ends on a page, and is all of its PT_LOAD
own_segment() {
	readelf -SlW "$1" | awk '
		function hex(s,  i, v) { v = 0; sub(/^0x/, "", s); for (i = 1; i <= length(s); i++) v = v * 16 + index("0123456789abcdef", substr(s, i, 1)) - 1; return v }
		{ sub(/^ *\[ *[0-9]+\] */, "") }
		$1 == "side_jmp_modify_code" { at = hex($3); size = hex($5) }
		$1 == "LOAD" && hex($3) == at && hex($6) == size { own = 1 }
		END { if (!size || at % 4096 || size % 4096 || !own) { print "section at " at ", " size " bytes, own segment: " own + 0; exit 1 } }'
}
with_script() { kind=$1; shift; $kind 3 "$@" "$SCRIPT" && own_segment "$TMP/$out"; }

for ld in bfd lld; do
	out=program
	for how in -pie -no-pie -static -static-pie; do
		ok "dense_own_segment_$ld$how" with_script program -fuse-ld=$ld $how -Wl,--gc-sections
	done
	out=libdense.so
	ok "dense_own_segment_$ld-shared" with_script library -fuse-ld=$ld -Wl,--gc-sections
done
for ld in bfd gold lld mold; do
	ok "dense_gathered_without_script_$ld" program 4 -fuse-ld=$ld -pie -Wl,--gc-sections
	ok "dense_gathered_without_script_$ld-shared" library 4 -fuse-ld=$ld
done
done_testing
