#!/bin/sh
# SPDX-License-Identifier: MIT
# The ABI of the library is what runtime/side_jmp.abi says: programs that were built
# with one version run with the next.
. "$(dirname "$0")/../tap.sh"
lib=$BUILD/libside_jmp.so abi=runtime/side_jmp.abi
if [ "$(uname -m)" != x86_64 ]; then
	skip abi_is_as_recorded "$abi is that of x86-64"
	done_testing
fi
if ! readelf -SW "$lib" | grep -q ' \.debug_info'; then
	skip abi_is_as_recorded "$lib has no debug information, in which the types are"
	done_testing
fi

now=$TMP/now.abi
described() { make --no-print-directory abi ABI="$now" B="$BUILD" && [ -s "$now" ]; }
ok abi_is_described described
compared() { abidiff "$1" "$now"; } # FILE: 0, 4 (more than that), 12 (less than that)
as_recorded() {
	compared "$abi"; rc=$?
	case $rc in
	0)	return 0 ;;
	4)	echo "The library's ABI has grown or changed, see above.  Programs that were built"
		echo "before must still run; a changed structure or function is another SOMAJOR." ;;
	*)	echo "The library has lost what programs that were built before use ($rc)."
		echo "After 1.0.0 that is another SOMAJOR." ;;
	esac
	echo "If it is meant: make abi, tools/debian/libside-jmp1.symbols, CHANGELOG.md."
	return 1
}
ok abi_is_as_recorded as_recorded

# It would be noticed: the record is changed, and the library stays.
differs() { # STATUS SED-COMMAND
	sed "$2" "$abi" >"$TMP/other.abi"
	! cmp -s "$abi" "$TMP/other.abi" || { echo "nothing was changed"; return 1; }
	compared "$TMP/other.abi"; [ $? = "$1" ]
}
freeze="/<function-decl name='side_jmp_freeze'/,/<\/function-decl>/"
info="/<class-decl name='side_jmp_info'/,/<\/class-decl>/"
ok abi_a_lost_function_is_noticed differs 12 's/side_jmp_freeze/side_jmp_frozen/g'
ok abi_a_new_function_is_noticed differs 4 "/<elf-symbol name='side_jmp_freeze'/d; ${freeze}d"
ok abi_a_moved_member_is_noticed differs 4 "${info}s/offset-in-bits='64'/offset-in-bits='96'/"
ok abi_another_parameter_is_noticed differs 4 \
	"${freeze}s/<return .*/&<parameter type-id='type-id-1'\/>/"
done_testing
