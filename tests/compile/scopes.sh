#!/bin/sh
# SPDX-License-Identifier: MIT
# Several sites and events in one function, of which some stand in a scope that
# has to be left in order: destructors, cleanup variables, arrays of any length,
# try blocks, variables of conditions, lambdas, coroutines.  One site may not be
# a jump into the other's scope.  Each case, with every compiler, in every layout.
# long
. "$(dirname "$0")/../tap.sh"
S=$TOP/tests/compile/src
W='-Wall -Wextra -Werror'

cases() { sed -n 's/^#ifdef CASE_//p' "$S/scopes.$1" | sort -u; }
# complains: of what the compiler said, the first errors
complains() {
	grep -E ': (fatal error|error|internal compiler error): ' "$TMP/said" | head -n 3
}
# program LANGUAGE COMPILER FLAGS...: with the cases $CASES, works
program() {
	source=$S/scopes.$1 with=$2; shift 2
	for c in $CASES; do set -- "$@" "-DCASE_$c"; done
	$with $W -I"$BUILD/include" -pthread "$@" "$source" "$BUILD/libside_jmp.a" -ldl \
		-o "$TMP/scopes" 2>"$TMP/said" || { complains; return 1; }
	"$TMP/scopes"
}
# works LANGUAGE COMPILER: in every layout, with optimization and without
works() {
	program "$@" -O0 && program "$@" -O2 &&
	program "$@" -O2 -DSIDE_JMP_LAYOUT_DENSE &&
	program "$@" -O2 -DSIDE_JMP_LAYOUT_WIDE
}
# one_by_one CASE LANGUAGE COMPILER: known to work, or now
one_by_one() { [ "$together" = yes ] || CASES=$1 works "$2" "$3"; }
# each LANGUAGE COMPILER CASE...: all at once if that works
each() {
	lang=$1 compiler=$2; shift 2
	together=no
	if CASES=$* works "$lang" "$compiler" >/dev/null 2>&1; then together=yes; fi
	for case; do
		ok "scopes_${case}_${compiler%% *}" one_by_one "$case" "$lang" "$compiler"
	done
}

for cc in $C_COMPILERS; do each c "$cc -std=gnu11" $(cases c); done
echo '#include <coroutine>' >"$TMP/coroutine.cc"
for cc in $CXX_COMPILERS; do
	each cc "$cc -std=c++17" $(cases cc | grep -vx coroutine)
	if $cc -std=c++20 -fsyntax-only "$TMP/coroutine.cc" 2>/dev/null; then
		each cc "$cc -std=c++20" coroutine
	else
		skip scopes_coroutine_$cc "it has no coroutines"
	fi
done
# A case that takes the wrong path is seen.
sees() {
	sed 's/{ "loop", loop, 40/{ "loop", loop, 41/' "$S/scopes.cc" >"$TMP/wrong.cc"
	$CXX -std=c++17 -I"$S" -I"$BUILD/include" -DCASE_loop -pthread "$TMP/wrong.cc" \
		"$BUILD/libside_jmp.a" -ldl -o "$TMP/wrong" || return 1
	! "$TMP/wrong" && [ "$("$TMP/wrong" | grep -c 'expected 41')" -eq 2 ]
}
ok scopes_would_see_a_wrong_path sees
# And what does not compile (both layouts), where what was built before would do.
CASES=cleanup
refused() {
	program c $CC -O0 && ! program c $CC -O0 -DSIDE_JMP_LAYOUT_DENSE -DSIDE_JMP_LAYOUT_WIDE
}
ok scopes_would_see_what_does_not_compile refused
found() { [ "$(cases c | wc -l)" -ge 6 ] && [ "$(cases cc | wc -l)" -ge 19 ]; }
ok scopes_cases_are_found found
done_testing
