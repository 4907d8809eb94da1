#!/bin/sh
# SPDX-License-Identifier: MIT
# Users have macros.  Every ordinary word that the headers use as an identifier is
# defined as rubbish before they are included, and the program with sites and
# events builds and runs all the same.  Not meant are the words of the languages,
# of what the headers include (of which nobody may define any), and those that the
# manual gives a list of fields, or as names of a span's and a counter's.
. "$(dirname "$0")/../tap.sh"
S=$TOP/tests/compile/src
EVENTS=runtime/side_jmp_event.h
FILES="runtime/side_jmp.h $EVENTS runtime/side_jmp/call.h runtime/side_jmp/each.h
	runtime/side_jmp/span.h
	arch/site.h arch/*/site.h"
KEYWORDS='alignas alignof asm auto bool break case catch char char8_t char16_t char32_t class
concept const consteval constexpr constinit const_cast continue co_await co_return co_yield
decltype default defined delete do double dynamic_cast else enum explicit export extern false
final float for friend goto if inline int long mutable namespace new noexcept nullptr operator
override private protected public register reinterpret_cast requires restrict return short
signed sizeof static static_assert static_cast struct switch template this thread_local throw
true try typedef typeid typename typeof union unsigned using virtual void volatile wchar_t while
main zz_c'

# of_libraries COMPILER...: the words that the standard headers bring
of_libraries() {
	"$@" -E -dD "$TMP/libraries.c" | tr -c 'A-Za-z0-9_\n' '\n' | grep '^[A-Za-z]'
}
grep -hE '^#[ ]*include <' $FILES | sort -u >"$TMP/includes"
# words COMPILER -x LANGUAGE: those that are ours
words() {
	{ cat "$TMP/includes"; } | case "$*" in
		*c++*)	cat ;;
		*)	grep -v "<type_traits>\|<utility>" ;;
	esac >"$TMP/libraries.c"
	{
		echo $KEYWORDS | tr ' ' '\n'
		of_libraries "$@"
		sed -n 's/^#define side_jmp_field_type_\([a-z0-9_]*\).*/\1/p' $EVENTS
		printf '%s\n' span duration value
	} | sort -u >"$TMP/others"
	cat $FILES | awk -f "$S/macros.awk" | sort -u | comm -23 - "$TMP/others"
}

# builds FILE COMPILER...: with each of the words there rubbish
builds() {
	{ cat "$TMP/libraries.c"; sed 's/.*/#define & @ rubbish @/' "$1"; } >"$TMP/words.h"
	shift
	"$@" -include "$TMP/words.h" "-I$BUILD/include" "$S/macros.c"
}
# culprits FILE COMPILER...: which of the words there break it, one by one, if any
culprits() (
	all=$1; shift
	! builds "$all" "$@" -fsyntax-only >/dev/null 2>&1 || return 0
	[ "$(wc -l <"$all")" -gt 1 ] || { cat "$all"; return; }
	half=$(($(wc -l <"$all") / 2))
	head -n $half "$all" >"$all.0"
	tail -n +$((half + 1)) "$all" >"$all.1"
	for part in 0 1; do culprits "$all.$part" "$@"; done
)
# proof COMPILER...: it is, and the program runs
proof() {
	culprits "$TMP/words" "$@" >"$TMP/culprits"
	[ ! -s "$TMP/culprits" ] || {
		echo "$(wc -l <"$TMP/culprits") of $(wc -l <"$TMP/words") words:" \
			$(cat "$TMP/culprits") | fold -s -w 90
		return 1
	}
	builds "$TMP/words" "$@" -O2 -c -o "$TMP/macros.o" &&
	"$1" "$TMP/macros.o" "$BUILD/libside_jmp.a" -pthread -ldl -o "$TMP/macros" && "$TMP/macros"
}
# try NAME COMPILER -x LANGUAGE STANDARD
try() {
	who=$1; shift
	words "$1" "$2" "$3" >"$TMP/words"
	note "$who: $(wc -l <"$TMP/words") words"
	ok "macros_keys_$who" proof "$@"
	ok "macros_events_$who" proof "$@" -DMACROS_EVENTS
}
for cc in $C_COMPILERS; do try $cc $cc -x c -std=gnu11; done
for cc in $CXX_COMPILERS; do try $cc $cc -x c++ -std=gnu++17; done

# A word that the headers do use is found, and breaks the program.
sees() {
	printf '%s\n' '/* comment */ struct side_jmp_x { int ordinary; }; // line' \
		'#define SIDE_JMP_X "string" __reserved _Reserved "a \" b" another 0xabc' |
		awk -f "$S/macros.awk" | sort | tr '\n' ' ' >"$TMP/found"
	[ "$(cat "$TMP/found")" = 'another int ordinary struct ' ] &&
	words $CC -x c >/dev/null && printf "side_jmp_key\nzz_unused\n" >"$TMP/one" &&
	[ "$(culprits "$TMP/one" $CC -x c -std=gnu11)" = side_jmp_key ]
}
ok macros_would_see_a_word_of_ours sees
done_testing
