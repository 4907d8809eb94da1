# SPDX-License-Identifier: MIT
# TAP for a test in shell, which begins with
#
#     . "$(dirname "$0")/../tap.sh"
#
# and runs in $TOP, the source tree, from wherever it was started.  Then ok and
# skip, at the end done_testing.  $BUILD is the build folder, $CC and $CXX are
# the compilers, $TMP is a folder of the test's own.
#
# What asks about compilers asks each of $C_COMPILERS and $CXX_COMPILERS.
TOP=$(cd "$(dirname "$0")/../.." && pwd -P) && cd "$TOP" || exit 1
: "${BUILD:=$TOP/build}" "${CC:=cc}" "${CXX:=c++}"
: "${C_COMPILERS=gcc clang}" "${CXX_COMPILERS=g++ clang++}"
export TOP BUILD CC CXX C_COMPILERS CXX_COMPILERS
unset MAKEFLAGS MFLAGS MAKELEVEL	# a test's make is its own
if [ ! -e "$BUILD/libside_jmp.a" ]; then
	echo "$0: there is no $BUILD/libside_jmp.a: run make in $TOP first" >&2
	exit 1
fi
TMP=$(mktemp -d) && trap 'rm -rf "$TMP"' EXIT && trap 'exit 130' INT TERM || exit 1
tap_run=0 tap_failed=0 tap_skipped=0

note() { printf '# %s\n' "$*"; }
# ok NAME COMMAND...: passes if the command does; its output is shown if not.
ok() {
	name=$1; shift; tap_run=$((tap_run + 1))
	if "$@" >"$TMP/.out" 2>&1; then
		echo "ok $tap_run - $name"
	else
		echo "not ok $tap_run - $name"; tap_failed=$((tap_failed + 1))
		printf '# command: %s\n' "$*"
		sed 's/^/# /' "$TMP/.out" | tail -n 40
	fi
}
skip() { # NAME WHY
	tap_run=$((tap_run + 1)); tap_skipped=$((tap_skipped + 1))
	echo "ok $tap_run - $1 # SKIP $2"
}
# is_there COMPILER: it is one of those
is_there() {
	case " $C_COMPILERS $CXX_COMPILERS " in *" $1 "*) ;; *) false ;; esac
}
# port ARCH TARGET...: makes them in build/ARCH, where another test may be at it.
port() (
	arch=$1; shift; mkdir -p "build/$arch"
	exec flock "build/$arch/.lock" make --no-print-directory ARCH="$arch" "$@"
)
done_testing() {
	echo "1..$tap_run"
	[ $tap_failed -eq 0 ] || exit 1
	[ $tap_run -ne $tap_skipped ] || exit 4
	exit 0
}
