#!/bin/sh
# SPDX-License-Identifier: MIT
# Other libcs, other standards, architectures without a port, and what must not
# compile.
# long
. "$(dirname "$0")/../tap.sh"
S=$TOP/tests/compile/src
I=-I$BUILD/include
FILES="$S/main.c $S/a.c $S/b.c $S/lib.c"
W='-Wall -Wextra -Wpedantic -Werror'

# ---- musl: the library and the program, static and dynamic
musl_library() {
	mkdir -p "$TMP/musl" && cd "$TMP/musl" || return 1
	musl-gcc -std=c11 -O2 -fPIC -fvisibility=hidden -I"$TOP" $I -c "$TOP"/runtime/*/*.c ||
		return 1
	for a in "$TOP"/arch/*/*.c "$TOP"/arch/*/*.S; do
		[ -e "$a" ] || continue
		d=$(basename "$(dirname "$a")")
		[ "${a%.S}" = "$a" ] || [ "$d" = x86_64 ] || continue
		musl-gcc -std=c11 -O2 -fPIC -fvisibility=hidden -I"$TOP" $I -c "$a" \
			-o "arch_$d$(basename "$a").o" || return 1
	done
	ar rcs libside_jmp.a ./*.o
}
musl() {
	musl-gcc -std=c11 $W -O2 $I "$@" $FILES "$TMP/musl/libside_jmp.a" -o "$TMP/m" && "$TMP/m"
}
# The executable is the executable, however it is started.
musl_stays() {
	musl-gcc -std=c11 -D_GNU_SOURCE -O2 -I"$TOP" $I "$@" "$TOP/tests/life/src/stays.c" \
		"$TMP/musl/libside_jmp.a" -o "$TMP/m"
}
musl_stays_by_its_loader() {
	musl_stays && "$(readelf -lW "$TMP/m" | sed -n 's/.*interpreter: \(.*\)\]$/\1/p')" "$TMP/m"
}
run_stays() { musl_stays "$@" && "$TMP/m"; }
if is_there gcc; then	# musl-gcc is gcc
	ok compile_musl_library musl_library
	for l in INLINE DENSE WIDE NOP; do
		ok "compile_musl_static_$l" musl -static -DSIDE_JMP_LAYOUT_$l
		ok "compile_musl_dynamic_$l" musl -DSIDE_JMP_LAYOUT_$l
	done
	ok compile_musl_executable_stays run_stays
	ok compile_musl_static_executable_stays run_stays -static
	ok compile_musl_executable_stays_by_its_loader musl_stays_by_its_loader
fi

# ---- newer standards, and warnings that projects turn on
for c in 'gcc -x c -std=c17' 'gcc -x c -std=gnu2x' 'clang -x c -std=c17' \
	'g++ -x c++ -std=c++20' 'clang++ -x c++ -std=c++20'; do
	name=$(echo "$c" | tr -d ' ' | tr -- '-=+' '___')
	std() {
		for f in $FILES; do
			$c $W -Wshadow -Wundef -Wcast-align -Wwrite-strings -O2 $I -c "$f" \
				-o "$TMP/o.o" || return 1
		done
	}
	if is_there ${c%% *}; then ok "compile_$name" std; fi
done
strict_c() {
	for f in $FILES; do
		$1 -std=c11 $W -Wmissing-prototypes -Wstrict-prototypes -Wold-style-definition \
			-Wconversion -O2 -isystem "$BUILD/include" -c "$f" -o "$TMP/o.o" || return 1
	done
}
for cc in $C_COMPILERS; do ok "compile_strict_c_$cc" strict_c $cc; done

# ---- code models: a key that the compiler would put out of a site's reach
case $(is_there gcc && gcc -dumpmachine) in
x86_64-*)
	model() { # BACKEND FLAGS...
		backend=$1; shift
		gcc -std=c11 $W -O2 "$@" $I $FILES "$BUILD/libside_jmp.a" -o "$TMP/model" -pthread \
			-ldl && "$TMP/model" $backend
	}
	ok compile_medium_model model self -mcmodel=medium
	ok compile_medium_model_all_large model self -mcmodel=medium -mlarge-data-threshold=0
	ok compile_medium_model_all_large_pic model self -mcmodel=medium -mlarge-data-threshold=0 \
		-fPIC
	# Where a jump may not reach its target, a site is a plain test
	ok compile_large_model model none -mcmodel=large
	;;
esac

# A header's macros are expanded in the user's code, whose warnings they meet.
strict_cxx() {
	for f in $FILES; do
		[ "$f" = "$S/main.c" ] || $1 -x c++ -std=c++17 $W -Wold-style-cast -Wextra-semi \
			-O2 -isystem "$BUILD/include" -c "$f" -o "$TMP/o.o" || return 1
	done
}
for cc in $CXX_COMPILERS; do
	case $cc in g++) more='-Wuseless-cast -Wzero-as-null-pointer-constant' ;; *) more= ;; esac
	ok "compile_strict_cxx_$cc" strict_cxx "$cc $more"
done

# ---- the other syntax of assembler
intel() {
	$1 -std=c11 $W -O2 -masm=intel $I -DSIDE_JMP_LAYOUT_$2 $FILES "$BUILD/libside_jmp.a" \
		-o "$TMP/i" && "$TMP/i"
}
for cc in $C_COMPILERS; do
	for l in INLINE DENSE WIDE NOP; do ok "compile_intel_syntax_${cc}_$l" intel $cc $l; done
done

# ---- no port: plain tests, right and never patched
generic() {
	$1 $2 -O2 -DSIDE_JMP_GENERIC $I $FILES -o "$TMP/g" -x none "$BUILD/libside_jmp.a" &&
	"$TMP/g" none && ! readelf -SW "$TMP/g" | grep -q ' side_jmp '
}
for cc in $C_COMPILERS; do
	ok "compile_generic_works_without_records_$cc" generic $cc "-x c -std=c11 $W"
done
for cc in $CXX_COMPILERS; do
	ok "compile_generic_works_without_records_$cc" generic $cc "-x c++ -std=c++17 $W"
done

# The large code model: a key may be further away than a record reaches.
large() {
	$1 -O2 -mcmodel=large $2 $I $FILES -o "$TMP/g" "$BUILD/libside_jmp.a" && "$TMP/g" none &&
	! readelf -SW "$TMP/g" | grep -q ' side_jmp '
}
for cc in $C_COMPILERS; do
	ok "compile_large_code_model_${cc}_pie" large $cc '-fPIE -pie'
	ok "compile_large_code_model_$cc" large $cc '-fno-pie -no-pie'
done

# 32 bits: no port, and 64-bit keys are as large as ever.
bits32_compiles() {
	for f in $S/a.c $S/b.c $S/lib.c; do
		$1 -m32 -ffreestanding -std=c11 $W -O2 $I -c "$f" -o "$TMP/o.o" || return 1
	done
}
bits32_runs() {
	$1 -m32 -std=c11 -D_GNU_SOURCE -O2 -I"$TOP" $I "$TOP"/runtime/*/*.c "$TOP"/arch/*/*.c \
		$FILES -o "$TMP/m32" -pthread -ldl && "$TMP/m32" none
}
echo 'int main(void) { return 0; }' >"$TMP/empty.c"
for cc in $C_COMPILERS; do
	ok "compile_32_bits_$cc" bits32_compiles $cc
	if $cc -m32 -include stdio.h "$TMP/empty.c" -o "$TMP/empty" 2>/dev/null && "$TMP/empty"
	then
		ok "compile_32_bits_runs_$cc" bits32_runs $cc
	else
		skip "compile_32_bits_runs_$cc" 'no 32-bit libc to compile with (libc6-dev-i386)'
	fi
done

# ---- garbage collection takes dead functions, and their records, with lld
cat >"$TMP/dead.c" <<'EOF'
#include <side_jmp.h>
SIDE_JMP_KEY(key);
int live(int a), dead(int a);
int live(int a) { return side_jmp_unlikely(key) ? a + 1 : a; }
int dead(int a) { return side_jmp_unlikely(key) ? a + 2 : a; }
int main(void) { return live(0); }
EOF
size_of_table() {
	readelf -SW "$1" | sed 's/^ *\[ *[0-9]*\]//' | awk '$1 == "side_jmp" { print $5 }'
}
gc() {
	$1 -O2 $I -ffunction-sections -Wl,--gc-sections -fuse-ld=$2 "$TMP/dead.c" \
		"$BUILD/libside_jmp.a" -o "$TMP/dead" && "$TMP/dead" &&
	s=$(size_of_table "$TMP/dead") && echo "table: 0x$s" && [ $((0x$s)) -$3 $4 ]
}
for cc in $C_COMPILERS; do
	ok "compile_gc_drops_dead_sites_${cc}_lld" gc $cc lld eq 16
	for ld in bfd gold mold; do
		ok "compile_gc_keeps_live_sites_${cc}_$ld" gc $cc $ld ge 16
	done
done

# ---- functions that are the same become one, and their sites, too
cat >"$TMP/same.c" <<'EOF'
#include <side_jmp.h>
#include <stdio.h>
SIDE_JMP_KEY(key);
#define TWIN(name) \
	__attribute__((noinline)) static int name(int a) \
	{ \
		return side_jmp_unlikely(key) ? a * 3 : a; \
	}
TWIN(one) TWIN(two)
int (*volatile twins[2])(int) = { one, two };
static int both(void) { return twins[0](1) + twins[1](1); }
int main(void)
{
	struct side_jmp_info i;
	int off = both(), on = side_jmp_enable(&key) ? -1 : both();
	int again = side_jmp_disable(&key) ? -1 : both();

	side_jmp_get_info(&i, sizeof(i));
	printf("same %d, off %d, on %d, off %d, sites %d, idle %d, rejected %d\n",
	       twins[0] == twins[1], off, on, again, (int)i.sites, (int)i.idle,
	       (int)i.objects_rejected);
	return 0;
}
EOF
icf() {	# COMPILER LINKER LAYOUT RESULT
	$1 -O2 -ffunction-sections -DSIDE_JMP_LAYOUT_$3 $I -fuse-ld=$2 -Wl,--icf=all "$TMP/same.c" \
		"$BUILD/libside_jmp.a" -o "$TMP/same" &&
	seen=$("$TMP/same") && echo "$seen" && [ "$seen" = "$4" ]
}
for cc in $C_COMPILERS; do
	case $cc in gcc) apart=-fno-ipa-icf ;; *) apart= ;; esac
	for ld in gold lld mold; do
		for l in INLINE WIDE NOP; do
			ok "compile_icf_one_site_of_two_${cc}_${ld}_$l" icf "$cc $apart" $ld $l \
				'same 1, off 2, on 6, off 2, sites 1, idle 1, rejected 0'
		done
	done
done

# ---- what must not compile, and says why
must_fail() {	# COMPILER WORD <source
	cat >"$TMP/bad.c"
	! $1 $I -c "$TMP/bad.c" -o "$TMP/bad.o" 2>"$TMP/why" || { echo "it compiled"; return 1; }
	grep -Eq "$2" "$TMP/why" || { cat "$TMP/why"; return 1; }
}
for cc in $C_COMPILERS $CXX_COMPILERS; do
	n=$cc
	case $cc in *++) cc="$cc -x c++" ;; esac
	ok "compile_refuses_unknown_key_$n" must_fail "$cc" nokey <<'EOF'
#include <side_jmp.h>
int f(void); int f(void) { return side_jmp_unlikely(nokey); }
EOF
	for two in DENSE:WIDE DENSE:NOP WIDE:NOP; do
		ok "compile_refuses_two_layouts_${two}_$n" must_fail "$cc" 'not two' <<EOF
#define SIDE_JMP_LAYOUT_${two%:*}
#define SIDE_JMP_LAYOUT_${two#*:}
#include <side_jmp.h>
EOF
	done
	ok "compile_refuses_two_widths_$n" must_fail "$cc" 'side_jmp_word_of_key' <<'EOF'
#include <side_jmp.h>
SIDE_JMP_KEY64_DECLARE(key);
SIDE_JMP_KEY(key);
EOF
	ok "compile_refuses_local_key_of_another_object_$n" \
		must_fail "$cc" 'side_jmp_place_of_key|key_side_jmp_' <<'EOF'
#include <side_jmp.h>
SIDE_JMP_KEY_EXTERN(key);
SIDE_JMP_KEY(key);
EOF
	ok "compile_refuses_export_without_extern_$n" \
		must_fail "$cc" 'side_jmp_place_of_key' <<'EOF'
#include <side_jmp.h>
SIDE_JMP_KEY_EXPORT(key);
EOF
	ok "compile_refuses_export64_of_extern_$n" must_fail "$cc" 'side_jmp_word_of_key' <<'EOF'
#include <side_jmp.h>
SIDE_JMP_KEY_EXTERN(key);
SIDE_JMP_KEY64_EXPORT(key);
EOF
	# The thunk has no room for a structure, and leaves the x87 stack alone.
	for type in 'struct big' 'long double'; do
		ok "compile_refuses_to_call_what_returns_a_${type#* }_$n" \
			must_fail "$cc" 'the function returns neither void' <<EOF
#include <side_jmp.h>
SIDE_JMP_KEY(key);
struct big { long a, b, c; };
$type f(int a);
void g(void);
void g(void) { side_jmp_call(key, f, 1); }
EOF
	done
	ok "compile_refuses_key_twice_$n" must_fail "$cc" 'redefinition of .*key' <<'EOF'
#include <side_jmp.h>
SIDE_JMP_KEY(key);
SIDE_JMP_KEY(key);
EOF
	ok "compile_refuses_key_and_key64_$n" must_fail "$cc" 'side_jmp_word_of_key' <<'EOF'
#include <side_jmp.h>
SIDE_JMP_KEY(key);
SIDE_JMP_KEY64(key);
EOF
	ok "compile_refuses_a_plain_variable_$n" \
		must_fail "$cc" 'not a key|name_a_key_here_.*__not_number' <<'EOF'
#include <side_jmp.h>
int number; int f(void); int f(void) { return side_jmp_unlikely(number); }
EOF
done
for cc in $CXX_COMPILERS; do
	ok "compile_says_what_to_write_in_a_class_$cc" \
		must_fail "$cc -x c++" 'in_a_class_write_SIDE_JMP_KEY_MEMBER' <<'EOF'
#include <side_jmp.h>
struct log { SIDE_JMP_KEY_STATIC(verbose); };
EOF
	ok "compile_says_what_to_ask_before_a_constant_$cc" \
		must_fail "$cc -std=c++17 -x c++" 'no_constant_ask_is_constant_evaluated' <<'EOF'
#include <side_jmp.h>
SIDE_JMP_KEY(key);
constexpr int f(int n) { return side_jmp_unlikely(key) ? n : 0; }
static_assert(f(1) == 0, "");
EOF
done
done_testing
