#!/bin/sh
# SPDX-License-Identifier: MIT
# The tool is left out, and said to be so, where its libraries are not.
. "$(dirname "$0")/../tap.sh"
left_out() {
	PKG_CONFIG_LIBDIR=/nowhere make --no-print-directory B="$TMP/b" CFLAGS=-O0 \
		all >"$TMP/log" 2>&1 || { cat "$TMP/log"; return 1; }
	why='pkg-config finds no libelf libdw capstone yajl (Debian: apt-get install'
	grep "side-jmp is left out: $why" "$TMP/log" &&
	[ -f "$TMP/b/libside_jmp.a" ] && [ ! -e "$TMP/b/tools/side-jmp" ]
}
ok tool_left_out_without_its_libraries left_out
left_out_ports() {
	make --no-print-directory ARCH=arm64 tools |
		grep -q 'it is built for the host, and this is for arm64'
}
ok tool_left_out_of_a_port left_out_ports
done_testing
