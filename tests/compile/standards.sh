#!/bin/sh
# SPDX-License-Identifier: MIT
# The headers in other people's projects: every standard from C99 and C++11 on
# that the compiler knows, with every warning of a list that it knows as an error,
# and found by -I as by -isystem.  Keys alone, and with events.
# long
. "$(dirname "$0")/../tap.sh"
S=$TOP/tests/compile/src
W='-Wall -Wextra -Wpedantic -Werror'
STRICT='-Wconversion -Wold-style-cast -Wuseless-cast -Wzero-as-null-pointer-constant
-Wduplicated-branches -Wmissing-declarations -Wundef -Wshadow'
: >"$TMP/empty.c"

# knows COMPILER FLAG...: without a word
knows() {
	compiler=$1; shift
	$compiler -Werror "$@" -fsyntax-only "$TMP/empty.c" >/dev/null 2>&1
}
# one_of COMPILER -x LANGUAGE STANDARD...: the first one that it knows
one_of() {
	of="$1 $2 $3"; shift 3
	for std; do knows $of "-std=$std" && echo "$std" && return; done
}
c_standards() { # COMPILER
	for std in c99 gnu99 c11 gnu11 'c17 c18' gnu17 'c23 c2x' 'gnu23 gnu2x'; do
		one_of "$1" -x c $std
	done
}
cxx_standards() { # COMPILER
	for std in c++11 gnu++11 c++14 c++17 gnu++17 c++20 gnu++20 'c++23 c++2b' 'c++26 c++2c'; do
		one_of "$1" -x c++ $std
	done
}
strict() { # COMPILER...: what it knows of the list
	for flag in $STRICT; do knows "$@" $flag && echo $flag; done
}
# said COMMAND...: where it fails, the first complaint of each kind
said() {
	"$@" >"$TMP/said" 2>&1 || {
		awk '/: (fatal error|error|warning|internal)/ {
			kind = match($0, /\[-W[^]]*\]/) ? substr($0, RSTART, RLENGTH) : ""
			if (!shown[kind]++)
				print
		}' "$TMP/said"
		return 1
	}
}

works() { # COMPILER...: and does what it should
	said "$@" $W -O2 "-I$BUILD/include" "$S/standards.c" -o "$TMP/works" -x none \
		"$BUILD/libside_jmp.a" -pthread -ldl && "$TMP/works"
}
clean() { said "$@" $W $warnings -O2 -c "$S/standards.c" -o "$TMP/clean.o"; } # COMPILER...

# with NAME COMPILER -x LANGUAGE STANDARD...: keys, then events
with() {
	who=$1 with="$2 $3 $4"; shift 4
	warnings=$(strict $with)
	for std; do
		for what in keys events; do
			case $what in keys) more= ;; events) more=-DEVENTS ;; esac
			n=standards_${what}_${who}_$std
			ok "${n}_work" works $with "-std=$std" $more
			ok "${n}_warn_of_nothing" clean $with "-std=$std" $more \
				"-I$BUILD/include"
			ok "${n}_warn_of_nothing_as_system" clean $with "-std=$std" $more \
				-isystem "$BUILD/include"
		done
	done
	note "$who: $(echo $warnings)"
}
for cc in $C_COMPILERS; do with $cc $cc -x c $(c_standards $cc); done
for cc in $CXX_COMPILERS; do with $cc $cc -x c++ $(cxx_standards $cc); done

# A compiler that knew none of it would find nothing.
found() {
	[ "$(c_standards $CC | wc -l)" -ge 7 ] && [ "$(cxx_standards $CXX | wc -l)" -ge 7 ] &&
	[ "$(strict $CXX -x c++ | wc -l)" -ge 5 ] &&
	warnings=$(strict $CC -x c) && cp "$S/standards.c" "$S/standards.h" "$TMP" &&
	echo 'int undeclared(long l) { int i = l; return i; }' >>"$TMP/standards.c" &&
	! S=$TMP clean $CC -x c "-I$BUILD/include"
}
ok standards_would_see_a_warning found
done_testing
