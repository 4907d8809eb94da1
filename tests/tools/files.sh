#!/bin/sh
# SPDX-License-Identifier: MIT
# list, check, disasm and prepare on files of every port: executables and
# shared libraries, static and not, stripped, with the debug information in
# another file, with no site; and what 100,000 sites cost.
. "$(dirname "$0")/../tap.sh"
tool=$BUILD/tools/side-jmp
cd "$TMP" || exit 1
[ -x "$tool" ] || { ok tool_is_built false; done_testing; }

# What the section's size says, asked of somebody else.
records() {
	size=$(readelf -SW "$1" | sed 's/^ *\[ *[0-9]*\] *//' | awk '$1 == "side_jmp" { print $5 }')
	echo $((0x$size / 16))
}
has() { # has TEXT... in what the last command wrote to `said`
	for text; do grep -q -- "$text" said || { echo "missing: $text"; cat said; return 1; }; done
}
fails() { status=$1 text=$2; shift 2; "$@" >said 2>&1; r=$?; [ $r -eq "$status" ] && has "$text"; }

list_full() {
	"$tool" list "$1" >said 2>&1 && n=$(records "$1") && [ "$n" -ge 7 ] &&
	has " $n sites: $n armed, 0 idle, 0 foreign" "plain  serve.*all.c:[0-9]" \
		"shop:order  close_shop" " 2 events" \
		'shop:order  [0-9]* sites  "An order was taken"' "^    u32 items" \
		"^    string customer" "^    double total" \
		"^    enum kind { none = -1, gift = 7 }" "^    u16\[\] sizes" "64 bits" "$arch"
}
list_stripped() {
	"$tool" list "$1" >said 2>&1 && n=$(records "$1") &&
	has " $n sites: $n armed" "inline  plain" &&
	! grep -q 'all\.c' said && case $1 in *.so) ;; *) ! grep -q 'plain  serve' said ;; esac
}
list_json() {
	"$tool" list --json "$1" >said && "$TOP/tests/tools/json" said &&
	has '"name": "shop:order"' '"state": "armed"' '"line": [0-9]'
}
prepare() {
	cp "$1" prepared && "$tool" prepare -q --events --idle '*,*:*' prepared &&
	n=$(records "$1") &&
	"$tool" list prepared >said && has " $n sites: 0 armed, $n idle, 0 foreign" &&
	"$tool" check -q prepared &&
	! cmp -s "$1" prepared && "$tool" prepare -q --armed '*,*:*' prepared && cmp "$1" prepared
}
disasm() {
	"$tool" disasm "$1" serve >said && grep '^>' said | grep -q -- "$idle" &&
	"$tool" disasm --json "$1" >said &&
	"$TOP/tests/tools/json" said && has '"check_block"'
}
# A site is one line, also where it is two instructions, in either state.
disasm_nop() { # MODRM, in the file
	case $arch in x86-64) bytes="0f 1f $1 e9 .. .. .. .. " ;; *) bytes= ;; esac
	"$tool" disasm nop.so serve >said && has "^>.*$bytes.*$armed.*$true_nop"
}
clean() {
	"$tool" check --strict "$1" >said 2>&1 && has " 0 findings, 0 notes" || { cat said; false; }
}

I="-I$TOP -I$BUILD/include"
for folder in "$TOP"/arch/*/; do
	arch=$(basename "$folder") triple=
	[ "$arch" != generic ] || continue
	if [ -f "$folder/port" ]; then
		. "$folder/port"
		B=build/$arch; (cd "$TOP" && port "$arch" "$B/libside_jmp.a") >log 2>&1 ||
			{ cat log; ok "tools_${arch}_library" false; continue; }
		lib=$TOP/$B/libside_jmp.a
	else
		triple=$(uname -m)-linux-gnu lib=$BUILD/libside_jmp.a
	fi
	case $arch in
	x86_64) idle='test eax'; arch=x86-64 nop=nop
		armed='nop dword ptr \[rax\]; jmp 0x'
		true_nop='nop dword ptr \[rcx + rbp\*8' ;;
	s390x) idle='brcl 0' ;;
	*) idle=nop ;;
	esac
	case $arch in x86-64) ;; *) nop=inline armed='' true_nop=$idle ;; esac
	cc="$triple-gcc -g -O1 $I" src=$TOP/tests/tools/src/all.c port=$(basename "$folder")
	{ $cc -DOWNER "$src" "$lib" -o pie -pthread -ldl &&
	  $cc -DOWNER -static -no-pie "$src" "$lib" -o static -pthread -ldl 2>/dev/null &&
	  $cc -fPIC -shared "$src" -o lib.so &&
	  $cc -fPIC -shared -DSIDE_JMP_LAYOUT_NOP "$src" -o nop.so &&
	  $cc -DOWNER -DSIDE_JMP_LAYOUT_DENSE "$src" "$lib" -o dense -pthread -ldl \
		-Wl,-T,"$TOP/linker-scripts/side_jmp.ld" &&
	  echo 'int main(void) { return 0; }' | $triple-gcc -x c - -o empty; } >log 2>&1 ||
		{ cat log; ok "tools_${port}_builds" false; continue; }
	for f in pie static lib.so; do
		$triple-strip $f -o stripped.$f
		$triple-objcopy --only-keep-debug $f $f.debug
		$triple-strip $f -o split.$f &&
		$triple-objcopy --add-gnu-debuglink=$f.debug split.$f
		ok "list_${port}_$f" list_full $f
		ok "list_${port}_${f}_stripped" list_stripped stripped.$f
		ok "list_${port}_${f}_split_debug" list_full split.$f
		ok "list_${port}_${f}_json" list_json $f
		for k in $f stripped.$f split.$f; do
			ok "check_${port}_$k" clean $k
			ok "prepare_${port}_$k" prepare $k
		done
		ok "disasm_${port}_$f" disasm $f
	done
	ok "list_${port}_nop" sh -c "'$tool' list --sites nop.so | grep ' $nop *plain'"
	ok "check_${port}_nop" clean nop.so
	ok "prepare_${port}_nop" prepare nop.so
	ok "disasm_${port}_nop" disasm_nop 00
	"$tool" prepare -q --events --idle '*,*:*' nop.so
	ok "disasm_${port}_nop_prepared" disasm_nop 84
	mv pie.debug elsewhere.debug
	ok "list_${port}_split_debug_named" sh -c \
		"'$tool' list --debug elsewhere.debug split.pie | grep -q 'plain  serve.*all.c:'"
	ok "list_${port}_refuses_debug_of_another" fails 2 "belongs to another file" "$tool" list \
		--debug static.debug split.pie
	ok "list_${port}_says_what_a_debug_file_is" fails 2 "a separate debug file" "$tool" list \
		elsewhere.debug
	ok "check_${port}_dense_script" clean dense
	# Far from its code riscv64's way back is two instructions.
	[ "$port" = riscv64 ] || ok "list_${port}_dense_by_function" sh -c \
		"'$tool' list --sites dense | grep -q 'dense   plain  serve.*all.c:'"
	ok "list_${port}_no_sites" sh -c "'$tool' list empty | grep -q ' 0 sites'"
	ok "check_${port}_no_sites" clean empty
done

by_clang() {
	clang -g -O1 $I -DOWNER "$TOP/tests/tools/src/all.c" "$BUILD/libside_jmp.a" -o by-clang &&
	"$tool" list by-clang | grep -q 'plain  serve.*all.c:'
}
ok list_lines_of_clang by_clang

# ---- debug information that is there and can't be read is not passed over
unread() { # FILE OPTION...: no line, and says why
	"$tool" list "$@" >said 2>err; r=$?
	cat said err
	[ $r = 0 ] && [ "$(wc -l <err)" = 1 ] &&
	grep -q "$why" err && has "plain  serve" && ! grep -q 'all\.c' said
}
zstd() {
	cc -g -O1 $I -DOWNER "$TOP/tests/tools/src/all.c" -o z "$BUILD/libside_jmp.a" -pthread &&
	objcopy --compress-debug-sections=zstd z packed && mkdir -p debug &&
	objcopy --only-keep-debug packed debug/packed.debug || return 1
	# A libelf of today reads it
	if "$tool" list packed | grep -q 'all\.c:[0-9]'; then return 0; fi
	why='no source lines: the debug information of .*packed.* is compressed by zstd'
	unread packed && unread --debug debug/packed.debug z &&
	"$tool" list --no-lines packed 2>&1 >said | grep . && return 1
	objcopy --strip-debug z split && objcopy --add-gnu-debuglink=debug/packed.debug split &&
	cp debug/packed.debug . && unread split
}
ok list_says_that_debug_information_is_compressed_by_zstd zstd
broken_debug() {
	size=$(readelf -SW z | sed 's/^ *\[ *[0-9]*\] *//' | awk '$1 == ".debug_info" { print $4 }')
	cp z noise && printf '\377\377\377\377\377\377\377\377' |
		dd of=noise bs=1 seek=$((0x$size)) conv=notrunc 2>/dev/null &&
	"$tool" list noise >said 2>err && has "plain  serve"; cat err
	grep -q "no source lines: the debug information of noise can't be read" err
}
ok list_says_that_debug_information_is_broken broken_debug
# A limit on the size of files is none for what is read
limited() { (ulimit -f 8; exec "$tool" list z) >said 2>err; has "plain  serve"; }
ok list_under_a_limit_on_files limited

# ---- cores
cc -g -O1 $I "$TOP/tests/tools/src/cored.c" -o cored "$BUILD/libside_jmp.a" -pthread -ldl || exit 1
core_of() {
	(ulimit -c 0; exec gdb -q -batch -ex run -ex "generate-core-file $1" \
		--args ./cored "$2") >log 2>&1
	[ -s "$1" ] || { cat log; false; }
}
list_core() {
	core_of "$TMP/a.core" now && "$tool" list a.core >said 2>&1 &&
	has "cored: x86-64.*as it was in a.core" "armed   inline  wanted  f " \
		"idle    inline  unwanted  f" "wanted  1 sites.*word 0x1" \
		"unwanted  1 sites.*word 0\$"
}
ok list_core_has_states_and_words list_core
other_core() {
	mv cored before &&
	cc -g -O0 $I "$TOP/tests/tools/src/cored.c" -o cored "$BUILD/libside_jmp.a" &&
	fails 0 "not the file that the process had" "$tool" list a.core
}
ok list_core_of_another_build_says_so other_core
root_core() {
	mkdir -p "root$TMP" && cp before "root$TMP/cored" &&
	"$tool" list --root root a.core >said 2>/dev/null &&
	has "root$TMP/cored: x86-64" "idle    inline  unwanted"
}
ok list_core_finds_files_below_a_root root_core
cut_core() { head -c 20000 a.core >cut.core; "$tool" list cut.core >said 2>&1; [ $? -le 2 ]; }
ok list_core_cut_off_survives cut_core

# ---- 100,000 sites.  A second on an idle machine; four are allowed on a busy one.
gcc -g -no-pie -nostdlib -Wl,-e,main "$TOP/tests/tools/src/many.S" -o many || exit 1
strip many -o many.stripped
cc -O1 "$TOP/tests/tools/src/cost.c" -o cost || exit 1
costs() { # costs FILE OPTION...: and no more memory than 64 MiB and the file's size
	file=$1; shift
	./cost 4 $((65536 + $(stat -c %s "$file") / 1024)) "$tool" list "$@" "$file" >said &&
	grep -q '100000' said
}
for f in many many.stripped; do
	for o in --no-lines --sites --json; do
		ok "list_100000_sites_$f$o" costs $f $o; note "$f $o: $(cat .out)"
	done
done
ok check_100000_sites clean many
prepare_many() {
	cp many prepared && "$tool" prepare -q --idle '*' prepared &&
	"$tool" list --no-lines prepared >said && has "0 armed, 100000 idle"
}
ok prepare_100000_sites prepare_many
done_testing
