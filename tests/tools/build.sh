#!/bin/sh
# SPDX-License-Identifier: MIT
# The tool is built and installed where its libraries are, left out and said to
# be so where they are not; its manual pages are in order.
. "$TOP/tests/tap.sh"
cd "$TOP" || exit 1
left_out() {
	PKG_CONFIG_LIBDIR=/nowhere make --no-print-directory B="$TMP/b" CFLAGS=-O0 all >"$TMP/log" 2>&1 || { cat "$TMP/log"; return 1; }
	grep 'side-jmp is left out: pkg-config finds no libelf libdw capstone yajl (Debian: apt-get install' "$TMP/log" &&
	[ -f "$TMP/b/libside_jmp.a" ] && [ ! -e "$TMP/b/tools/side-jmp" ]
}
ok tool_left_out_without_its_libraries left_out
left_out_ports() { make --no-print-directory ARCH=arm64 tools | grep -q 'it is built for the host, and this is for arm64'; }
ok tool_left_out_of_a_port left_out_ports
installed() {
	make --no-print-directory install DESTDIR="$TMP/root" PREFIX=/usr >"$TMP/log" 2>&1 || { cat "$TMP/log"; return 1; }
	"$TMP/root/usr/bin/side-jmp" --version | grep '^side-jmp [0-9]' && for c in "" -list -check -disasm -prepare; do
		[ -f "$TMP/root/usr/share/man/man1/side-jmp$c.1" ] || return 1
	done
}
ok tool_is_installed_with_its_manuals installed
manuals() {	# each option in a manual is one that the subcommand has, and the other way round
	for c in list check disasm prepare; do
		"$BUILD/tools/side-jmp" $c --help | grep -o -- '--[a-z-]*' | grep -vx -e --help -e --usage | sort -u >"$TMP/has"
		grep -o 'Fl [a-z] , -[a-z-]*\|Fl -[a-z-]*' "$TOP/tools/side-jmp-$c.1" | sed 's/.*Fl \(. , \)*-/--/' | sort -u >"$TMP/says"
		diff "$TMP/has" "$TMP/says" || { echo "side-jmp-$c.1"; return 1; }
	done
}
ok tool_manuals_name_every_option manuals
done_testing
