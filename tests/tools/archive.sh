#!/bin/sh
# SPDX-License-Identifier: MIT
# list of static archives: whole ones of all kinds, and damaged ones.
. "$(dirname "$0")/../tap.sh"
tool=$BUILD/tools/side-jmp
cd "$TMP" || exit 1
[ -x "$tool" ] || { ok tool_is_built false; done_testing; }
all="$CC -O1 -I$TOP -I$BUILD/include -c $TOP/tests/tools/src/all.c"
long=a_member_with_a_name_that_is_long
mkdir -p there && $all -o all.o && $all -DOWNER -o $long.o && cp all.o there &&
echo 'int nothing;' | $CC -x c -c - -o none.o && echo 'no object' >text || exit 1
n=$((($(readelf -SW all.o | sed 's/^ *\[ *[0-9]*\] *//' |
	awk '$1 == "side_jmp" { printf "+0x%s", $5 }')) / 16))
says() { # STATUS ARGUMENTS...: of list, to `said` and `err`
	status=$1; shift; timeout 60 "$tool" list "$@" >said 2>err; r=$?
	cat said err; [ $r = "$status" ]
}
total() { grep "^total: $1 files, $2 sites (0 armed, 0 idle, 0 foreign)" said; }
members() { sed -n 's/^\([^ ].*\): x86-64, relocatable object$/\1/p' said | xargs -d '\n'; }
both="x.a(all.o) x.a($long.o)"
whole() {
	[ "$n" -ge 7 ] && ar rc x.a all.o $long.o && says 0 x.a && [ "$(members)" = "$both" ] &&
	total 2 $((2 * n)) && [ "$(grep -c "^ $n sites, which get addresses" said)" = 2 ] &&
	[ "$(grep -c '^  (not linked) *plain  2 sites$' said)" = 2 ] &&
	[ "$(grep -c '^  (not linked) *hidden  1 sites$' said)" = 2 ] &&
	[ "$(grep -c '^  (not linked) *shop:order  1 sites; of an event$' said)" = 2 ] &&
	[ "$(grep -c '^  shop:order  "An order was taken"' said)" = 2 ] &&
	[ "$(grep -c '^    enum kind { none = -1, gift = 7 }' said)" = 2 ]
}
case $(uname -m) in
x86_64) ;;
*) skip archive "its figures are x86-64's"; done_testing ;;
esac
ok archive_names_sites_keys_and_events_of_members whole
elsewhere() { # a key that another object has
	printf '%s\n' '#include <side_jmp.h>' 'SIDE_JMP_KEY_DECLARE(far);' \
		'int f(void) { return side_jmp_unlikely(far); }' |
		$CC -O1 -I"$BUILD/include" -x c -c - -o far.o && ar rc far.a far.o &&
	says 0 far.a && grep '^  (elsewhere) *far  1 sites$' said
}
ok archive_says_which_keys_are_elsewhere elsewhere
json() {
	says 0 -j x.a && "$TOP/tests/tools/json" said && jq -e ".files | length == 2 and
		all(.unlinked_sites == $n and (.sites | length) == 0 and
		(.keys | map(.sites) | add) == $n and (.events | length) == 2)" said &&
	jq -e ".total.sites == 2 * $n" said
}
ok archive_as_json json
thin() { # beside it, and in a folder; a name of a file that is not there
	ar rcT thin.a there/all.o $long.o && says 0 thin.a &&
	[ "$(members)" = "thin.a(there/all.o) thin.a($long.o)" ] && total 2 $((2 * n)) &&
	mkdir -p up && cp thin.a up && says 2 up/thin.a && total 0 0 &&
	[ "$(grep -c 'No such file' err)" = 2 ] &&
	cp -r there up && says 2 up/thin.a && total 1 "$n"
}
ok archive_thin thin
bsd() { # its long names stand before the members
	{ printf '!<arch>\n'; size=$(($(stat -c %s all.o) + 20))
	printf '%-16s%-12s%-6s%-6s%-8s%-10s`\n' '#1/20' 0 0 0 644 $size
	printf 'a name of BSD.o\0\0\0\0\0'; cat all.o; } >bsd.a
	says 0 bsd.a && [ "$(members)" = "bsd.a(a name of BSD.o)" ] && total 1 "$n"
}
ok archive_of_bsd bsd
empty() { rm -f empty.a; ar rc empty.a && says 0 empty.a && total 0 0 && [ ! -s err ]; }
ok archive_empty empty
others() { # what is no object is said, and the rest is shown
	: >nothing; ar rc other.a text all.o nothing none.o && says 2 other.a && total 2 "$n" &&
	grep 'other.a(text): not an ELF file' err && grep 'other.a(nothing): not an ELF file' err &&
	[ "$(wc -l <err)" = 2 ] && says 0 --only-with-sites other.a && [ ! -s err ] && total 1 "$n"
}
ok archive_with_members_that_are_no_objects others
scanned() {
	mkdir -p tree && cp x.a other.a all.o text tree && says 0 -r tree && [ ! -s err ] &&
	[ "$(members)" = "tree/other.a(all.o) tree/x.a(all.o) tree/x.a($long.o)" ]
}
ok archive_below_a_folder scanned
symbols() { says 0 "$BUILD/libside_jmp.a" && [ ! -s err ] && grep 'libside_jmp.a(' said; }
ok archive_of_the_library symbols
escaped() { # a name is no command to a terminal
	cp all.o "$(printf 'e\033[1m.o')" && ar rc esc.a "$(printf 'e\033[1m.o')" && says 0 esc.a &&
	! grep "$(printf '\033')" said && total 1 "$n"
}
ok archive_escapes_names escaped

# ---- damaged
first=$((8 + 60)) && ar rcS plain.a all.o && size=$(stat -c %s plain.a)
poke() { printf "$2" | dd of=bad.a bs=1 seek="$1" conv=notrunc 2>/dev/null; }
cut_off() { # anywhere: one sentence, never a crash
	for at in 8 9 30 67 68 69 200 $((size / 2)) $((size - 1)); do
		head -c $at plain.a >bad.a; timeout 60 "$tool" list bad.a >said 2>err; r=$?
		[ $r = 2 ] && [ "$(grep -c 'truncated' err)" = 1 ] ||
			{ [ $at = 8 ] && [ $r = 0 ]; } || { echo "at $at: $r"; cat err; return 1; }
	done
}
ok archive_truncated cut_off
damaged() { # OFFSET BYTES WORDS
	cp plain.a bad.a; poke "$1" "$2"; says 2 bad.a && grep -- "$3" err
}
ok archive_without_the_end_of_a_header damaged 66 'xx' 'no header of a member'
ok archive_with_a_size_that_is_none damaged 56 'x' 'no header of a member'
ok archive_with_a_size_too_large damaged 56 '9999999999' 'truncated: the member at'
ok archive_with_a_name_beyond_its_names damaged 8 '/99999          ' 'name of the member'
ok archive_with_a_name_beyond_its_member damaged 8 '#1/99999999     ' 'name of the member'
ok archive_with_a_member_that_is_torn damaged $((first + 40)) '\377\377\377\377\377\377' \
	'bad.a(all.o): truncated'
survives() { # AT BYTE: it is a status, and no signal
	cp plain.a bad.a; poke "$1" "$2"
	timeout 60 "$tool" list -q bad.a >said 2>err; r=$?
	[ $r -le 2 ] || { echo "byte $1 as $2: $r"; return 1; }
}
changed() { # the header, and here and there
	for at in $(seq 8 67); do
		for c in 9 / '\377'; do survives "$at" "$c" || return; done
	done
	for i in $(seq 60); do
		survives $((i * 7919 % size)) "\\$(printf %03o $((i * 37 % 256)))" || return
	done
}
ok archive_with_any_byte_changed changed
done_testing
