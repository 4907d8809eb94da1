#!/bin/sh
# SPDX-License-Identifier: MIT
# What a user does: install, then build the README's example as it says there.
. "$(dirname "$0")/../tap.sh"

P=$TMP/prefix
make -C "$TOP" --no-print-directory install PREFIX="$P" B="$BUILD" >"$TMP/log" 2>&1 ||
	sed 's/^/# /' "$TMP/log"

exists() { for f; do [ -s "$P/$f" ] || { echo "missing: $f"; return 1; }; done; }
ok install_has_everything exists include/side_jmp.h \
	include/side_jmp/arch/x86_64/site.h include/side_jmp/arch/generic/site.h \
	lib/libside_jmp.a lib/libside_jmp.so lib/libside_jmp.so.1 \
	lib/pkgconfig/side_jmp.pc share/side_jmp/side_jmp.ld \
	share/side_jmp/side_jmp_align.S share/man/man3/side_jmp.3 \
	share/man/man3/side_jmp_event.3 share/man/man3/side_jmp_enable.3 \
	share/man/man7/side_jmp.7
page() { # as who reads it sees it: a link leads to the page
	MANPATH=$P/share/man man --warnings 3 side_jmp_enable_many >"$TMP/page" 2>"$TMP/warned" &&
		grep -q 'int side_jmp_enable_many(' "$TMP/page" && [ ! -s "$TMP/warned" ]
}
ok install_has_a_page_of_each_function page
soname() { readelf -dW "$P/lib/libside_jmp.so" | grep -q 'SONAME.*\[libside_jmp.so.1\]'; }
ok install_has_soname soname
versioned() {
	nm -D --defined-only "$P/lib/libside_jmp.so" | awk '$2 == "T" || $2 == "B" || $2 == "D"' |
		awk '!/@@SIDE_JMP_1.0$/ { print "no version, or exported by mistake: " $0; bad = 1 }
			END { exit bad }'
}
ok install_exports_only_versioned_symbols versioned
needs_libc_alone() {
	readelf -dW "$P/lib/libside_jmp.so" |
		awk '/NEEDED/ && !/libc\.so/ { print; bad = 1 } END { exit bad }'
}
ok install_library_needs_libc_alone needs_libc_alone
no_execstack() { readelf -lW "$P/lib/libside_jmp.so" | awk '/GNU_STACK/ { exit $7 ~ /E/ }'; }
ok install_library_has_no_executable_stack no_execstack

# The first C block of the README, and what the README says it prints; without waiting.
awk '/^```c$/ { on = 1; next } /^```$/ { if (on) exit } on' "$TOP/README.md" >"$TMP/shop.c"
awk '/SIDE_JMP_ENABLE=.* \.\/shop$/ { on = 1; next }
	on && /^    [0-9]/ { sub(/^ *[0-9.]* [0-9]* /, ""); print; next } on { exit }' \
	"$TOP/README.md" >"$TMP/expected"
echo 'unsigned __wrap_sleep(unsigned s); unsigned __wrap_sleep(unsigned s) { return s - s; }' \
	>"$TMP/quick.c" && $CC -c "$TMP/quick.c" -o "$TMP/quick.o" || exit 1
pc() { PKG_CONFIG_PATH=$P/lib/pkgconfig pkg-config "$@" side_jmp; }
prints() { # what the README says, and nothing while nobody wants it
	[ "$(wc -l <"$TMP/expected")" -ge 2 ] || { echo "README.md shows no events"; return 1; }
	export LD_LIBRARY_PATH="$P/lib"
	[ -z "$("$TMP/shop" 2>&1)" ] && SIDE_JMP_ENABLE='shop:*' "$TMP/shop" 2>"$TMP/seen" &&
		sed 's/^[0-9.]* [0-9]* //' "$TMP/seen" | head -n "$(wc -l <"$TMP/expected")" |
			diff "$TMP/expected" -
}
run_as_readme_says() {
	"$@" "$TMP/shop.c" -x none "$TMP/quick.o" -Wl,--wrap=sleep -o "$TMP/shop" \
		$(pc --cflags) $(pc --libs) && prints
}
ok install_readme_example_works run_as_readme_says $CC -O2 -Wall -Wextra -Werror
ok install_readme_example_works_in_cxx run_as_readme_says $CXX -x c++ -std=c++17 -O2 -Wall -Wextra \
	-Werror
static() {
	$CC -O2 -static "$TMP/shop.c" "$TMP/quick.o" -Wl,--wrap=sleep -o "$TMP/shop" \
		-I"$P/include" -L"$P/lib" -lside_jmp && prints
}
ok install_readme_example_works_statically static
# seen FILE: what it exports; local symbols are no such (GNU ld lists __start_*)
seen() {
	nm -D --defined-only "$1" | awk '$2 ~ /[A-Z]/ { print $3 }' >"$TMP/seen" && cat "$TMP/seen"
}
hidden() { # a library with the static one in it shows what is its own
	printf '%s\n' '#include <side_jmp_event.h>' 'SIDE_JMP_KEY(own);' \
		'SIDE_JMP_EVENT(an, event, "An event", (u32, n));' 'int mine(int n);' \
		'int mine(int n) { side_jmp_event(an, event, 1); side_jmp_call(own, mine, n);' \
		'side_jmp_trace_stop(); return side_jmp_enable(&own); }' >"$TMP/mine.c" &&
	$CC "$@" -fPIC -shared "$TMP/mine.c" -I"$P/include" "$P/lib/libside_jmp.a" \
		-o "$TMP/mine.so" &&
	seen "$TMP/mine.so"
	[ "$(cat "$TMP/seen")" = mine ]
}
ok install_static_library_stays_in_its_object hidden -O2
ok install_static_library_stays_in_its_object_unoptimized hidden -O0
whole() { # of which each function is there to be hidden
	$CC -fPIC -shared -Wl,--whole-archive "$P/lib/libside_jmp.a" -Wl,--no-whole-archive \
		-o "$TMP/whole.so" && seen "$TMP/whole.so" && [ ! -s "$TMP/seen" ]
}
ok install_static_library_exports_nothing whole
tool() {
	exists bin/side-jmp share/man/man1/side-jmp.1 share/bash-completion/completions/side-jmp \
		share/zsh/site-functions/_side-jmp share/fish/vendor_completions.d/side-jmp.fish ||
			return 1
	"$P/bin/side-jmp" --help | sed -n 's/^  \([a-z]*\) .*/\1/p' >"$TMP/subcommands"
	[ "$(wc -l <"$TMP/subcommands")" -ge 6 ] || return 1
	for s in $(cat "$TMP/subcommands"); do exists "share/man/man1/side-jmp-$s.1" ||
		return 1; done
}
ok install_has_the_tool_with_a_page_for_each_subcommand tool
ctf() { "$P/bin/side-jmp" convert --help | grep '^Usage: side-jmp convert '; }
if [ -x "$BUILD/tools/side-jmp-ctf" ]; then ok install_has_the_reader_of_ctf ctf; fi
staged() { make -C "$TOP" --no-print-directory install DESTDIR="$TMP/stage" PREFIX=/usr \
	LIBDIR=/usr/lib/x86_64-linux-gnu \
		MANDIR=/usr/man B="$BUILD" && [ -s "$TMP/stage/usr/man/man1/side-jmp-run.1" ] &&
		[ -x "$TMP/stage/usr/bin/side-jmp" ] &&
	[ -s "$TMP/stage/usr/lib/x86_64-linux-gnu/libside_jmp.a" ] &&
	grep -q '^libdir=/usr/lib/x86_64-linux-gnu$' \
	"$TMP/stage/usr/lib/x86_64-linux-gnu/pkgconfig/side_jmp.pc"; }
ok install_respects_destdir_and_libdir staged
refused() { # what pkg-config would read as something else, before anything is installed
	for p in 'a#b' 'a$$b' 'a"b' 'a\b'; do
		! make --no-print-directory install DESTDIR="$TMP/odd" PREFIX="/$p" B="$BUILD" \
			>"$TMP/log" 2>&1 || { echo "accepted: $p"; return 1; }
		grep -q 'expected PREFIX' "$TMP/log" && [ ! -e "$TMP/odd" ] ||
			{ cat "$TMP/log"; return 1; }
	done
}
ok install_refuses_what_pkg_config_cannot_say refused
everybody() { # whatever root's umask is, all of it can be read by all
	(umask 077 && make --no-print-directory install DESTDIR="$TMP/strict" PREFIX=/usr \
		B="$BUILD") >"$TMP/log" 2>&1 || { cat "$TMP/log"; return 1; }
	find "$TMP/strict/usr" \( -type d ! -perm -o=rx -o -type f ! -perm -o=r \) >"$TMP/closed"
	cat "$TMP/closed"
	[ -s "$TMP/strict/usr/include/side_jmp.h" ] && [ ! -s "$TMP/closed" ]
}
ok install_is_for_everybody everybody

# Of what is not ours nothing goes.
uninstalled() {
	echo >"$P/include/other.h" && echo >"$P/include/side_jmp/other.h" &&
	make --no-print-directory uninstall PREFIX="$P" B="$BUILD" >"$TMP/log" 2>&1 ||
		{ cat "$TMP/log"; return 1; }
	find "$P" -type f -o -type l >"$TMP/left" && cat "$TMP/left"
	[ "$(sort "$TMP/left" | xargs)" = "$P/include/other.h $P/include/side_jmp/other.h" ]
}
ok install_is_undone_by_uninstall uninstalled
folders() {
	rm "$P/include/side_jmp/other.h" &&
	make --no-print-directory uninstall PREFIX="$P" B="$BUILD" >"$TMP/log" 2>&1 || return 1
	find "$P" -name 'side*'
	[ -z "$(find "$P" -name 'side*')" ]
}
ok install_leaves_no_folder_of_ours folders
done_testing
