#!/bin/sh
# SPDX-License-Identifier: MIT
# Files that are wrong in one respect each: what check and list say of them.  Tables
# that are: corpus.sh.
. "$(dirname "$0")/../tap.sh"
tool=$BUILD/tools/side-jmp
cd "$TMP" || exit 1
[ -x "$tool" ] || { ok tool_is_built false; done_testing; }
cc -g -O1 -fno-pie -no-pie -I"$BUILD/include" -DOWNER "$TOP/tests/tools/src/all.c" \
	"$BUILD/libside_jmp.a" -o good -pthread -ldl -Wl,-z,norelro || exit 1

# ---- where things are: section NAME FIELD (3 address, 4 offset, 5 size), as a number
section() {
	echo $((0x$(readelf -SW good | sed 's/^ *\[ *[0-9]*\] *//' |
		awk -v n="$1" -v f="$2" '$1 == n { print $(f - 0); exit }')))
}
header() { # the offset of a section's header
	index=$(readelf -SW good | sed -n "s/^ *\[ *\([0-9]*\)\] $1 .*/\1/p")
	echo $(($(readelf -h good | awk '/Start of section/ { print $5 }') + 64 * index))
}
address=$(section side_jmp 3) table=$(section side_jmp 4) size=$(section side_jmp 5)
end=$(stat -c %s good)
number() { # number BYTES VALUE: little-endian, for printf
	i=0 v=$2
	while [ $i -lt "$1" ]; do
		printf '\\%03o' $((v & 255)); v=$((v >> 8)) i=$((i + 1))
	done
}
poke() { # poke OFFSET BYTES VALUE, into `bad`
	printf "$(number "$2" "$3")" | dd of=bad bs=1 seek="$1" conv=notrunc 2>/dev/null
}
word() { od -An -t d4 -j "$1" -N 4 good | tr -d ' '; }
record() { echo $((table + 16 * $1)); }			# its offset
site() { echo $((address + 16 * $1 + $(word "$(record "$1")"))); }	# of record N
set_target() { poke $(($(record "$1") + 4)) 4 $(($2 - (address + 16 * $1 + 4))); }
symbol() { echo $((0x$(nm good | awk -v s="$1" '$3 == s { print $1 }'))); }

# ---- says STATUS TEXT COMMAND...: that exit status, that text
says() {
	status=$1 text=$2; shift 2
	"$@" >said 2>&1; r=$?; cat said
	[ $r -eq "$status" ] && grep -q -- "$text" said
}
bad() { cp good bad; }
# finds NAME RULE TEXT: check finds it in `bad`, and prepare refuses the file
finds() {
	ok "$1" says 1 "$2: expected .*$3" "$tool" check bad
	ok "$1_not_prepared" says 2 "does not pass side-jmp check" "$tool" prepare --idle plain bad
}
ok check_accepts_good says 0 " 0 findings, 0 notes" "$tool" check good

# ---- truncated
head -c $((table + 8)) good >bad
ok table_truncated_file says 2 "truncated: segment\|its section headers\|not an ELF" "$tool" list \
	bad
ok table_truncated_file_check says 2 "bad: " "$tool" check bad
head -c 40 good >bad
ok table_truncated_header says 2 "not an ELF file" "$tool" list bad
: >bad
ok table_empty_file says 2 "it is empty" "$tool" list bad
# ---- oversized
bad; poke $(($(header side_jmp) + 32)) 8 $((end * 2))
ok table_oversized says 1 "which no segment loads" "$tool" check bad
ok table_oversized_list says 2 "section side_jmp: .* bytes at .*, which no segment loads" "$tool" \
	list bad
bad; poke $(($(header side_jmp) + 32)) 8 -16
ok table_oversized_wraps says 1 "which no segment loads" "$tool" check bad
ok table_oversized_not_prepared says 2 "no segment" "$tool" prepare --idle plain bad
# ---- self-contradicting
bad; poke $(($(header side_jmp) + 24)) 8 $((table + 16))
ok table_contradicts_its_segment says 1 "section side_jmp contradicts its segment: offset" "$tool" \
	check bad
bad; name_of_table=$(od -An -t u4 -j "$(header side_jmp)" -N 4 good | tr -d ' ')
poke $(($(header .rodata) + 0)) 4 "$name_of_table"
ok table_two_sections says 1 "two sections are called side_jmp" "$tool" check bad
bad; poke $(($(header side_jmp) + 4)) 4 8
ok table_without_bytes says 1 "its section side_jmp holds no bytes" "$tool" check bad
phdr=$(readelf -h good | awk '/Start of program/ { print $5 }')
load=$(readelf -lW good | awk '/^  [A-Z]/ && $1 != "Type" {
	if ($1 == "LOAD" && ++k == 2) { print i; exit }
	i++
}')
bad; poke $((phdr + 56 * load + 40)) 8 $((1 << 40))
ok table_segments_overlap says 2 "two segments overlap" "$tool" check bad
bad; poke $((phdr + 56 * load + 40)) 8 16
ok table_segment_contradicts_itself says 2 "contradicts itself" "$tool" check bad
# ---- records: tests/tools/corpus.sh has all but what takes functions
# The bytes agree with the record, and the jump is into somebody else's function.
stray() {
	bad; to=$(symbol main); at=$(($(site 0) - $(section .text 3) + $(section .text 4)))
	set_target 0 "$to"; poke $((at + 1)) 4 $((to - $(site 0) - 5))
}
stray
ok target_of_another_function says 1 \
	"target-function: expected a check block in .* or its cold part; found .* in main" \
	"$tool" check bad
strip bad; ok target_of_stripped_is_not_asked says 0 "in no known function" "$tool" check bad
stray; cp bad whole; objcopy --only-keep-debug whole whole.debug; strip bad
ok target_by_debug_file says 1 "target-function" "$tool" check --debug whole.debug bad

# ---- what linking can do wrong
cat >table.S <<'END'
	.section side_jmp, "aw", @progbits
	.quad main, 0
	.section .note.GNU-stack, "", @progbits
END
cc -O1 -fPIC -shared -x assembler-with-cpp table.S -o bad
ok table_relocated says 1 "table-relocation: expected no dynamic relocation" "$tool" check bad
ok table_writable says 1 "table-writable: expected a table that nobody writes; found .* (rw-)" \
	"$tool" check bad
if cc -O1 -fPIC -shared -x assembler-with-cpp table.S -o bad \
	-Wl,-z,pack-relative-relocs -Wl,-Bsymbolic 2>/dev/null; then
	ok table_relocated_with_relr says 1 "table-relocation" "$tool" check bad
fi
cat >exports.c <<'END'
#include <side_jmp.h>
SIDE_JMP_KEY_EXTERN(exported);
SIDE_JMP_KEY_EXPORT(exported);
int site(void) { return side_jmp_unlikely(exported); }
END
printf '{ site; };\n' >list
exports() { cc -O1 -fPIC -shared -I"$BUILD/include" exports.c -o exports.so "$@"; }
exports
ok exported_key_is_fine says 0 " 0 findings, 0 notes" "$tool" check exports.so
for how in -Bsymbolic --dynamic-list=list; do
	exports -Wl,"$how"
	ok "exported_key_bound_by$how" says 1 "key-binding: expected the exported key exported" \
		"$tool" check exports.so
done
if cc -fuse-ld=lld -shared -x c /dev/null -o lld.so 2>/dev/null; then
	exports -Wl,-Bsymbolic -fuse-ld=lld
	ok exported_key_bound_by_lld says 1 key-binding "$tool" check exports.so
fi
exports -Wl,-Bsymbolic-functions
ok exported_key_with_Bsymbolic_functions says 0 " 0 findings, 0 notes" "$tool" check exports.so
protected='__attribute__((visibility("protected")))'
sed "s/define SIDE_JMP_EXPORTED.*/define SIDE_JMP_EXPORTED $protected/" \
	"$BUILD/include/side_jmp.h" >protected.h
sed 's/<side_jmp.h>/"protected.h"/' exports.c >protected.c
cc -O1 -fPIC -shared -I"$BUILD/include" protected.c -o exports.so
ok exported_key_that_is_protected says 1 key-binding "$tool" check exports.so
echo 'int main(void) { return 0; }' >main.c
cc -O1 -fPIE -pie -rdynamic -I"$BUILD/include" exports.c main.c -o exports "$BUILD/libside_jmp.a"
ok exported_key_of_an_executable_is_first says 0 " 0 findings, 0 notes" "$tool" check exports
cc -O1 -fPIC -shared -I"$BUILD/include" -DSIDE_JMP_LAYOUT_DENSE \
	"$TOP/tests/tools/src/all.c" -o dense.so || exit 1
ok dense_page_is_a_note says 0 "note: dense-page" "$tool" check dense.so
ok dense_page_is_a_finding_if_strict says 1 "dense-page" "$tool" check --strict dense.so

# ---- events
events=$(section side_jmp_event 4)
bad; poke "$events" 4 12
finds event_size event-description "malformed: of an impossible size"
bad; poke "$events" 4 $((1 << 30))
finds event_too_long event-description "malformed: of an impossible size"
bad; poke $((events + 4)) 2 9
finds event_version event-description "of an unknown version"
bad; poke $((events + 6)) 2 999
finds event_fields event-description "its fields and values do not fit"
bad; poke $((events + 8)) 4 -1
finds event_values event-description "its fields and values do not fit"

# ---- other files
cc -c -I"$BUILD/include" "$TOP/tests/tools/src/all.c" -o all.o || exit 1
ok other_object says 2 "a relocatable object" "$tool" list all.o
ok other_folder says 2 "not a regular file" "$tool" list .
ok other_missing says 2 "No such file" "$tool" list nothing
cp good bad; poke 18 2 3
ok other_machine says 2 "an architecture without sites (machine 3" "$tool" list bad
cp good bad; poke 40 8 0; poke 60 2 0; poke 62 2 0
ok other_without_section_headers says 2 "it has no section headers" "$tool" list bad
json() { "$tool" check --json bad >j; s=$?; "$TOP/tests/tools/json" j; cat j; return $s; }
bad; poke $(($(record 0) + 12)) 1 9
ok check_json says 1 '"rule": "record-version"' json
esc=$(printf '\033')
cp good "$esc[31mname"
ok other_names_give_no_orders says 0 '\\x1b\[31mname: x86-64' "$tool" list "./$esc[31mname"
# A name of a file, of a key and of an event may turn the line around, or not be seen.
odd=$(printf '\342\200\256') fit='\\xe2\\x80\\xae'
LC_ALL=C sed "s/plain/p${odd}n/; s/order/o${odd}r/; s/items/i${odd}s/" good >"$odd"
turned() { # COMMAND...: says it, and no such character
	"$tool" "$@" "./$odd" >said 2>&1; cat said
	! LC_ALL=C grep -q '[^ -~]' said && grep -q "^./$fit: " said
}
ok other_names_of_keys_and_events_give_none_either turned list
ok other_names_give_none_by_check turned check
turned_json() {
	"$tool" list --json "./$odd" >said && "$TOP/tests/tools/json" said &&
	! LC_ALL=C grep '[^ -~]' said && grep -q '"name": "p\\u202en"' said &&
	grep -q '"file": "./\\u202e"' said
}
ok other_names_give_none_in_json turned_json
ok usage_unknown_subcommand says 2 "no subcommand 'nothing'" "$tool" nothing
ok usage_without_file says 2 "a file is expected" "$tool" check
ok usage_full_output says 2 "can't write the output" sh -c "'$tool' list good >/dev/full"
for c in list check disasm prepare; do
	ok "usage_help_$c" says 0 "Usage: side-jmp $c" "$tool" $c --help
done
done_testing
