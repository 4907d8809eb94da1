#!/bin/sh
# SPDX-License-Identifier: MIT
# One program with sites wherever a condition may stand, in C and C++, built by
# every compiler at every level in every layout, linked by every linker into
# every kind of object, and run.
# long
[ "${1:-}" = one ] || . "$(dirname "$0")/../tap.sh"
S=$TOP/tests/compile/src
I=-I$BUILD/include
W='-Wall -Wextra -Wpedantic -Wshadow -Wmissing-declarations -Werror'

# How many sites there are in the sources: the compiler makes more of them by
# inlining, the linker drops what nobody calls and folds what is the same. An
# inline function of several files has one, and one more in the library.
sites() {	# LANGUAGE KIND FLAGS: at least, at most
	case $1:$2 in c:*) n=24 ;; c++:program) n=35 ;; c++:library) n=37 ;; esac
	case " $3 " in
	*" -O0 "*)	echo $n $n ;;
	*icf*)		echo $((n - 6)) $((n * 2)) ;;
	*)		echo $((n - 1)) $((n * 2)) ;;
	esac
}

# one LANGUAGE COMPILER KIND FLAGS...: build in a folder of its own and run
one() {
	lang=$1 cc=$2 kind=$3; shift 3
	dir=$(mktemp -d) && cd "$dir" || return 1
	case $lang in c) x="-x c -std=c11" ;; c++) x="-x c++ -std=c++17" ;; esac
	case $kind in
	library)
		$cc $x $W $I "$@" -fPIC -shared "$S/lib.c" -o libmatrix.so -L"$BUILD" \
			-lside_jmp &&
		$cc $x $W $I "$@" "$S/main.c" "$S/a.c" "$S/b.c" -o program \
			-L. -lmatrix -L"$BUILD" -lside_jmp -Wl,-rpath,"$dir:$BUILD" ;;
	*)	$cc $x $W $I "$@" "$S/main.c" "$S/a.c" "$S/b.c" "$S/lib.c" -o program \
			-x none "$LIB_A" ;;
	esac && ./program self $(sites $lang $kind "$*")
	rc=$?; cd / && rm -rf "$dir"
	return $rc
}
if [ "${1:-}" = one ]; then
	shift; LIB_A=${LIB_A:-$BUILD/libside_jmp.a}
	name=$1; shift
	out=$(one "$@" 2>&1) && echo "ok $name" ||
		{ echo "not ok $name"; echo "$out" | sed 's/^/# /' | head -30; }
	exit 0
fi

sections='-ffunction-sections -Wl,--gc-sections'
# LANGUAGE:COMPILER of each
compilers() {
	for cc in $C_COMPILERS; do echo "c:$cc"; done
	for cc in $CXX_COMPILERS; do echo "c++:$cc"; done
}
list() {
	for o in O0 O1 O2 O3 Os; do
		for l in INLINE DENSE WIDE NOP; do
			layout=-DSIDE_JMP_LAYOUT_$l
			for c in $(compilers); do
				lang=${c%%:*} cc=${c##*:}
				# By turns: every position meets every compiler, level and layout.
				case $o$l in
				O0INLINE|O1DENSE|O2WIDE|O3NOP|OsINLINE) pic="-fPIE -pie" ;;
				O0DENSE|O1WIDE|O2NOP|O3INLINE|OsDENSE) pic="-fno-pie -no-pie" ;;
				*) pic="-fPIC -pie" ;;
				esac
				echo "$cc-$o-$l $lang $cc program -$o $layout $pic"
				case $o in O0|O2)
					echo "$cc-$o-$l-library $lang $cc library -$o $layout" ;;
				esac
			done
		done
	done
	for c in $(compilers); do
		lang=${c%%:*} cc=${c##*:}
		for l in INLINE DENSE WIDE NOP; do
			program="$lang $cc program -O2 -DSIDE_JMP_LAYOUT_$l"
			echo "$cc-static-$l $program -static"
			echo "$cc-static-pie-$l $program -fPIE -static-pie"
			echo "$cc-gc-sections-$l $program $sections -fdata-sections"
			echo "$cc-cf-protection-$l $program -fcf-protection=full"
		done
		for ld in gold lld mold; do
			for l in INLINE DENSE NOP; do
				echo "$cc-$ld-gc-icf-$l $lang $cc program -O2 -fuse-ld=$ld" \
					"$sections -Wl,--icf=all -DSIDE_JMP_LAYOUT_$l"
			done
			echo "$cc-$ld-library $lang $cc library -O2 -fuse-ld=$ld"
		done
		echo "$cc-no-plt $lang $cc library -O2 -fno-plt"
		case $cc in *clang*) lto="-flto -fuse-ld=lld" ;; *) lto="-flto=2" ;; esac
		for l in INLINE DENSE WIDE NOP; do
			echo "$cc-lto-$l $lang $cc program -O2 $lto -DSIDE_JMP_LAYOUT_$l"
		done
		echo "$cc-lto-library $lang $cc library -O2 $lto"
	done
	for cc in $CXX_COMPILERS; do
		echo "$cc-visibility-hidden c++ $cc library -O2 -fvisibility=hidden" \
			"-fvisibility-inlines-hidden"
		echo "$cc-sanitizers c++ $cc program -O1 -fsanitize=address,undefined" \
			"-fno-sanitize-recover=all"
		echo "$cc-coverage c++ $cc program -O2 --coverage"
	done
	if is_there clang; then of_clang; fi
	if is_there gcc; then of_gcc; fi
}
of_clang() {
	echo "clang++-lto-thin c++ clang++ library -O2 -flto=thin -fuse-ld=lld"
	echo "clang-no-integrated-as c clang program -O2 -fno-integrated-as"
}
of_gcc() {
	for ld in gold mold; do echo "gcc-lto-$ld c gcc program -O2 -flto=2 -fuse-ld=$ld"; done
	echo "gcc-lto-O0 c gcc program -O0 -flto=2 -ffat-lto-objects"
	echo "gcc-debug c gcc program -Og -g3 -fno-omit-frame-pointer -fstack-protector-all"
	echo "gcc-retpoline c gcc program -O2 -mindirect-branch=thunk -mfunction-return=thunk"
	echo "gcc-medium c gcc program -O2 -mcmodel=medium"
}
list | xargs -P 2 -L 1 "$TOP/tests/compile/matrix.sh" one >"$TMP/results" 2>&1
awk '/^(not )?ok / { n++; sub(/ok /, "ok " n " - matrix_"); print; next } { print }' "$TMP/results"
tap_run=$(grep -cE '^(not )?ok ' "$TMP/results")
tap_failed=$(grep -c '^not ok' "$TMP/results")
[ "$tap_run" = "$(list | wc -l)" ] || { echo "# only $tap_run results"; tap_failed=1; }
done_testing
