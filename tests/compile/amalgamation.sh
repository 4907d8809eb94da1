#!/bin/sh
# SPDX-License-Identifier: MIT
# The library as two files: without a warning, with no flags, in C and C++, in
# several objects of one process, for another port; and what it refuses to make.
# long
. "$(dirname "$0")/../tap.sh"
two=$TMP/two
made() {
	make --no-print-directory B="$TMP" amalgamation && mv "$TMP/amalgamation" "$two" &&
		[ "$(ls "$two" | xargs)" = "side_jmp.c side_jmp.h" ]
}
ok amalgamation_is_two_files made
version() {
	v=$(sed -n 's/^VERSION\s*:= //p' Makefile)
	for f in "$two"/*; do
		sed -n 3p "$f" | grep -F " side_jmp $v, in two files" || return 1
	done
}
ok amalgamation_says_its_version version
same() { tools/amalgamate "$TMP/again" && diff -r "$two" "$TMP/again"; }
ok amalgamation_is_reproducible same

# ---- what is made of it; tests say side_jmp_event.h
mkdir "$TMP/include" && ln -s "$two/side_jmp.h" "$TMP/include" || exit 1
echo '#include "side_jmp.h"' >"$TMP/include/side_jmp_event.h"
strict="-Wall -Wextra -Wpedantic -Werror"
# COMPILER: no flags, and those that it is used with from here on
quiet() {
	$1 $strict -c "$two/side_jmp.c" -o "$TMP/any.o" &&
	$1 $strict -DSIDE_JMP_GENERIC -fsyntax-only "$two/side_jmp.c" &&
	$1 $strict -O3 -c "$two/side_jmp.c" -o "$TMP/any.o" &&
	$1 $strict -std=c11 -O2 -fPIC -D_FORTIFY_SOURCE=2 -c "$two/side_jmp.c" -o "$TMP/$1.o"
}
unit() { # COMPILER TEST: that test, with the two files in the library's place
	$1 -std=c11 -D_GNU_SOURCE -O1 -I. -I"$TMP/include" "tests/$2.c" "$TMP/$1.o" \
		-o "$TMP/test" && "$TMP/test"
}
for cc in $C_COMPILERS; do
	ok amalgamation_compiles_without_a_warning_$cc quiet $cc
	for test in unit/basic unit/keys_counted events/tracers events/types life/fork; do
		ok "amalgamation_works_${cc}_$test" unit $cc $test
	done
done

cat >"$TMP/program.cc" <<'END'
#include "side_jmp.h"
#include <string>
SIDE_JMP_KEY(wanted);
SIDE_JMP_EVENT(two, files, "An event", (string, text), (u32, n));
int main()
{
	side_jmp_event(two, files, std::string("text"), 7);
	if (side_jmp_unlikely(wanted) || side_jmp_enable(&wanted) != 0)
		return 1;
	return side_jmp_unlikely(wanted) ? 0 : 1;
}
END
in_cxx() { # COMPILER STANDARD
	$1 -std=$2 -O2 $strict -I"$two" "$TMP/program.cc" "$TMP/one.o" -o "$TMP/program" &&
	SIDE_JMP_ENABLE='*:*' "$TMP/program" 2>&1 | grep ' two:files text="text" n=7$'
}
cp "$TMP/${C_COMPILERS%% *}.o" "$TMP/one.o" || exit 1
for cxx in $CXX_COMPILERS; do
	for std in c++11 c++17; do
		ok amalgamation_works_in_${cxx}_$std in_cxx $cxx $std
	done
done

# ---- several copies in one process
cat >"$TMP/library.c" <<'END'
#include "side_jmp.h"
SIDE_JMP_KEY_STATIC(wanted);
SIDE_JMP_EVENT(NAME, called, "It was called", (u32, n));
int FUNCTION(void);
int FUNCTION(void)
{
	side_jmp_event(NAME, called, 1);
	side_jmp_enable(&wanted);
	return side_jmp_unlikely(wanted);
}
END
echo 'int a_called(void); int b_called(void);
int main(void) { return a_called() == 1 && b_called() == 1 ? 0 : 1; }' >"$TMP/main.c"
library() { # NAME
	$CC -O2 -fPIC -shared -I"$two" -DNAME=$1 -DFUNCTION=$1_called "$TMP/library.c" \
		"$TMP/one.o" -o "$TMP/$1.so"
}
several() { # each library has a copy, and so may the program
	library a && library b && $CC "$TMP/main.c" "$@" "$TMP/a.so" "$TMP/b.so" \
		-o "$TMP/several" &&
	SIDE_JMP_ENABLE='*:*' "$TMP/several" >"$TMP/events" 2>&1 || return 1
	cat "$TMP/events"
	[ "$(sed 's/.* \(.:called\) n=1$/\1/' "$TMP/events" | sort | xargs)" = "a:called b:called" ]
}
ok amalgamation_twice_in_a_process several
ok amalgamation_thrice_in_a_process several -rdynamic "$TMP/one.o"
stays() {
	nm -D --defined-only "$TMP/a.so" | awk '$2 ~ /[A-Z]/ { print $3 }' >"$TMP/seen" &&
	cat "$TMP/seen"
	[ "$(cat "$TMP/seen")" = a_called ]
}
ok amalgamation_stays_in_its_object stays
shown() {
	$CC -fPIC -shared -DSIDE_JMP_EXPORT_API "$two/side_jmp.c" -o "$TMP/shown.so" || return 1
	for f in "$TMP/shown.so" "$BUILD/libside_jmp.so"; do
		nm -D --defined-only "$f" | awk '$2 != "A" { sub(/@.*/, "", $3); print $3 }' |
			sort >"$TMP/names.${f##*/}"
	done
	[ -s "$TMP/names.shown.so" ] && diff "$TMP/names.shown.so" "$TMP/names.libside_jmp.so"
}
ok amalgamation_exports_the_api_where_asked shown
src=$TOP/tests/life/src
copies() { # of a key that they share
	$CC -std=c11 -D_GNU_SOURCE -O2 -I. -I"$TMP/include" -fPIC -shared "$src/library.c" \
		"$TMP/one.o" -o "$TMP/copy.so" &&
	$CC -std=c11 -D_GNU_SOURCE -O2 -I. -I"$TMP/include" "$src/copies.c" "$TMP/one.o" \
		-rdynamic -o "$TMP/copies" && "$TMP/copies" "$TMP/copy.so"
}
ok amalgamation_copies_share_a_key copies

# ---- another port
. arch/arm64/port
on_arm64() { # TEST
	$triple-gcc -std=c11 -D_GNU_SOURCE -O1 -static -I. -I"$TMP/include" "tests/$1.c" \
		"$TMP/arm64.o" -o "$TMP/test" && SIDE_JMP_EXPECT=none $qemu_user "$TMP/test"
}
if command -v $triple-gcc >/dev/null && command -v $qemu_user >/dev/null; then
	ok amalgamation_compiles_without_a_warning_on_arm64 \
		$triple-gcc -O2 $strict -c "$two/side_jmp.c" -o "$TMP/arm64.o"
	ok amalgamation_works_on_arm64_basic on_arm64 unit/basic
	ok amalgamation_works_on_arm64_types on_arm64 events/types
else
	skip amalgamation_works_on_arm64 "no $triple-gcc, or no $qemu_user"
fi

# ---- what it does not understand
refuses() { # MESSAGE FILE LINE: with that line at the end of that file
	rm -rf "$TMP/tree" && mkdir "$TMP/tree" &&
	cp -r runtime arch tools Makefile LICENSE "$TMP/tree" || return 1
	echo "$3" >>"$TMP/tree/$2"
	! "$TMP/tree/tools/amalgamate" "$TMP/not" 2>"$TMP/said" || return 1
	cat "$TMP/said"
	grep -q "^amalgamate: $2.*$1" "$TMP/said" && [ ! -e "$TMP/not/side_jmp.c" ]
}
ok amalgamation_refuses_an_unknown_file refuses 'no file of ours' runtime/base/lock.c \
	'#include "elsewhere.h"'
ok amalgamation_refuses_a_computed_include refuses 'expected #include' runtime/base/lock.c \
	'#include SOME_HEADER'
ok amalgamation_refuses_a_conditional_include refuses 'a conditional' runtime/sites/key.c \
	"$(printf '#ifdef X\n#include <termios.h>\n#endif')"
ok amalgamation_refuses_ours_in_angles refuses 'expected ""' runtime/events/event.c \
	'#include <side_jmp_event.h>'
ok amalgamation_refuses_an_open_condition refuses 'as many' arch/generic/arch.c '#if 1'
unlicensed() {
	echo 'int none;' >"$TMP/tree/runtime/base/new.c" &&
	! "$TMP/tree/tools/amalgamate" "$TMP/not" 2>"$TMP/said" && cat "$TMP/said" &&
	grep -q '^amalgamate: runtime/base/new.c.*licence' "$TMP/said"
}
ok amalgamation_refuses_a_file_without_a_licence unlicensed
done_testing
