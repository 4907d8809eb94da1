#!/bin/sh
# SPDX-License-Identifier: MIT
# What compiles, without a warning, and what does not, with a message that
# says why; and a file's events, listed without running it.
. "$(dirname "$0")/../tap.sh"
warn="-Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wvla -Wdouble-promotion -Werror
-I$BUILD/include"

cat >"$TMP/head" <<'END'
#include <side_jmp_event.h>
enum e { A, B };
SIDE_JMP_EVENT(t, i, "Integers", (u8, a), (u32, b), (s64, c));
SIDE_JMP_EVENT(t, f, "Floats", (float, a), (double, b));
SIDE_JMP_EVENT(t, p, "Pointers", (pointer, a), (string, b), (chars, c, 8));
SIDE_JMP_EVENT(t, v, "Arrays", (array, a, u16, 3), (seq, b, s32), (bytes, c, 3),
	(byte_seq, d));
SIDE_JMP_EVENT(t, e, "Enums", (enum, a, (A, "a"), (B, "b")));
SIDE_JMP_EVENT64_WIDE(t, none, "None");
struct s { int member; unsigned bits : 3; };
void g(struct s s, const char *string, void *pointer, float f, long l);
END
source() { # STATEMENT, on standard output a file with it
	cat "$TMP/head"
	cat <<END
void g(struct s s, const char *string, void *pointer, float f, long l)
{
	static const uint16_t three[3] = { 1, 2, 3 };
	static const uint16_t four[4] = { 1, 2, 3, 4 };
	static const char bytes[3] = { 1, 2, 3 };
	int ints[2] = { 1, 2 };
	bool flag = l > 1;

	(void)s; (void)flag; (void)string; (void)pointer; (void)f; (void)l;
	(void)three; (void)four; (void)bytes; (void)ints;
	$1
}
END
}
compile() { # COMPILER LANGUAGE STATEMENT
	source "$3" >"$TMP/a.$2"
	case $2 in c) std=c11;; *) std=c++17;; esac
	# shellcheck disable=SC2086
	$1 -std=$std $warn -O2 -c "$TMP/a.$2" -o "$TMP/a.o"
}
each() { # COMMAND...: for every compiler and language
	for cc in $C_COMPILERS; do "$1" $cc c "$2" "$3" || { echo "with $cc"; return 1; }; done
	for cc in $CXX_COMPILERS; do "$1" $cc cc "$2" "$3" || { echo "with $cc"; return 1; }; done
}
compiles() { compile "$1" "$2" "$3"; }
refuses() { # COMPILER LANGUAGE STATEMENT MESSAGE
	if compile "$1" "$2" "$3" >"$TMP/said" 2>&1; then echo "it compiled"; return 1; fi
	grep -q "side_jmp event.*$4" "$TMP/said" || { head -n 5 "$TMP/said"; return 1; }
}
# One error that names the event, the field, and both types. WANT: "event field type",
# and the argument's type as the compiler says it.
misfits() { # COMPILER LANGUAGE STATEMENT "EVENT FIELD TYPE|GIVEN"
	if compile "$1" "$2" "$3" >"$TMP/said" 2>&1; then echo "it compiled"; return 1; fi
	# shellcheck disable=SC2086
	set -- ${4%|*} "${4#*|}"
	{ [ "$(grep -c 'error:' "$TMP/said")" = 1 ] &&
		grep -q "t_side_jmp_$1_side_jmp_field_$2\>" "$TMP/said" &&
		grep -Eq "$3\>" "$TMP/said" && grep -Eq "$4" "$TMP/said"; } ||
		{ head -n 12 "$TMP/said"; return 1; }
}

ok compile_integers each compiles 'side_jmp_event(t, i, 1, s.bits, l);
	side_jmp_event(t, i, (uint8_t)1, A, 1 == 1);
	side_jmp_event(t, i, flag, flag, !flag);'
ok compile_floats each compiles 'side_jmp_event(t, f, f, f); side_jmp_event(t, f, 1.0, 1.0);'
ok compile_pointers each compiles 'side_jmp_event(t, p, pointer, string, "x");
	side_jmp_event(t, p, &s, (char *)pointer, string);
	side_jmp_event(t, p, g, "", "");'
ok compile_arrays each compiles 'side_jmp_event(t, v, three, side_jmp_seq(ints, 2), bytes,
		side_jmp_seq(pointer, 3));
	side_jmp_event(t, v, &four[1], side_jmp_seq(&s.member, 1), pointer,
		side_jmp_seq(bytes, 3));'
ok compile_enums each compiles 'side_jmp_event(t, e, A); side_jmp_event(t, e, s.member ? A : B);'
ok compile_nothing each compiles 'side_jmp_event(t, none);
	if (l) side_jmp_event(t, none); else side_jmp_event(t, e, B);'
# As code does that an interrupt strikes, or that must not touch vectors.
without_vectors() { # COMPILER
	# shellcheck disable=SC2086
	$1 -x c -std=c11 $warn -O2 -mgeneral-regs-only -c - -o "$TMP/a.o" <<'END'
#include <side_jmp_event.h>
SIDE_JMP_EVENT(t, i, "Integers", (u32, a), (string, b));
SIDE_JMP_KEY(key);
void f(int n);
void g(int n, const char *s);
void g(int n, const char *s)
{
	side_jmp_event(t, i, n, s);
	side_jmp_call(key, f, n);
}
END
}
case $(uname -m) in
x86_64|aarch64)
	for cc in $C_COMPILERS; do ok compile_without_vectors_$cc without_vectors $cc; done ;;
esac

# The thunks give back r16 to r31, too (events/apx): no call that the compiler sees.
with_apx() { # COMPILER OPTION
	source 'side_jmp_event(t, i, 1, s.bits, l);' >"$TMP/a.c"
	# shellcheck disable=SC2086
	$1 -std=c11 $warn -O2 $2 -c "$TMP/a.c" -o "$TMP/a.o" &&
	readelf -rW "$TMP/a.o" >"$TMP/relocations" &&
	grep 'side_jmp_event_3' "$TMP/relocations" && ! grep _fire "$TMP/relocations"
}
for cc in $C_COMPILERS; do
	for option in -mapxf -mapx-features=egpr; do
		$cc $option -x c -c /dev/null -o "$TMP/a.o" 2>/dev/null || continue
		ok "compile_with_apx_${cc}_$option" with_apx $cc $option
	done
done

ok refuse_pointer_for_integer each misfits 'side_jmp_event(t, i, string, 2, 3);' 'i a u8|char ?\*'
ok refuse_float_for_integer each misfits 'side_jmp_event(t, i, 1.0, 2, 3);' 'i a u8|double'
ok refuse_wide_integer each misfits 'side_jmp_event(t, i, 1, l, 3);' 'i b u32|long'
ok refuse_struct_for_integer each misfits \
	'side_jmp_event(t, i, s, 2, 3);' 'i a u8|struct s|'"'s'|‘s’"
ok refuse_integer_for_float each misfits 'side_jmp_event(t, f, 1, 2.0);' 'f a float(32)?|int'
ok refuse_integer_for_pointer each misfits 'side_jmp_event(t, p, 1, "", "");' 'p a pointer|int'
ok refuse_integer_for_string each misfits 'side_jmp_event(t, p, pointer, l, "");' 'p b string|long'
ok refuse_pointer_for_string each misfits \
	'side_jmp_event(t, p, pointer, &s, "");' 'p b string|s ?\*'
ok refuse_other_elements each misfits \
	'side_jmp_event(t, v, ints, side_jmp_seq(ints, 2), bytes, side_jmp_seq(bytes, 3));' \
	'v a array_of_u16|int'
ok refuse_sequence_of_other_elements each misfits \
	'side_jmp_event(t, v, three, side_jmp_seq(three, 2), bytes, side_jmp_seq(bytes, 3));' \
	'v b seq_of_s32|seq'
ok refuse_pointer_for_sequence each misfits \
	'side_jmp_event(t, v, three, ints, bytes, side_jmp_seq(bytes, 3));' 'v b seq_of_s32|int'
length() { # COMPILER LANGUAGE STATEMENT "EVENT FIELD TYPE": C says it in a sentence
	case $2 in
	c)	refuses "$1" "$2" "$3" 'as many elements as its field' ;;
	*)	misfits "$@" ;;
	esac
}
ok refuse_array_of_other_length each length \
	'side_jmp_event(t, v, four, side_jmp_seq(ints, 2), bytes, side_jmp_seq(bytes, 3));' \
	'v a array_of_u16|short|uint16_t'
ok refuse_bytes_of_other_length each length \
	'side_jmp_event(t, v, three, side_jmp_seq(ints, 2), three, side_jmp_seq(bytes, 3));' \
	'v c array_of_byte|short|uint16_t'
ok refuse_too_few each refuses 'side_jmp_event(t, f, f);' 't:f: wrong number of arguments'
ok refuse_too_many each refuses 'side_jmp_event(t, none, 1);' 't:none: wrong number of arguments'

definition() { # COMPILER LANGUAGE TEXT MESSAGE
	case $2 in c) std=c11;; *) std=c++17;; esac
	printf '#include <side_jmp_event.h>\n%s\n' "$3" >"$TMP/d.$2"
	# shellcheck disable=SC2086
	if $1 -std=$std $warn -c "$TMP/d.$2" -o "$TMP/d.o" >"$TMP/said" 2>&1; then
		[ -z "$4" ]
	else
		cat "$TMP/said"; [ -n "$4" ] && grep -q "$4" "$TMP/said"
	fi
}
first() { # COMPILER LANGUAGE TEXT MESSAGE: which is what the first error says
	definition "$1" "$2" "$3" "$4" && grep -m 1 'error:' "$TMP/said" | grep "$4"
}
ok define_unknown_type each first 'SIDE_JMP_EVENT(t, x, "X", (u8, a), (u33, b));' \
	'no field has the type u33: it is one of u8 to u64'
ok define_type_of_c each first 'SIDE_JMP_EVENT(t, x, "X", (int, a));' 'no field has the type int:'
ok define_type_of_several_words each first \
	'SIDE_JMP_EVENT(t, x, "X", (const char *, a));' 'no field has the type const char \*:'
ok define_span_of_unknown_type each first \
	'SIDE_JMP_SPAN(t, x, "X", (size_t, a));' 'no field has the type size_t:'
ok define_counter_of_unknown_type each first \
	'SIDE_JMP_COUNTER(t, x, "X", long);' 'no field has the type long:'
ok define_field_twice each definition 'SIDE_JMP_EVENT(t, x, "X", (u8, a), (u16, a));' 'field_a'
ok define_other_than_declared each definition \
	'SIDE_JMP_EVENT_DECLARE(t, x, "X", (u8, a)); SIDE_JMP_EVENT(t, x, "X", (u16, a));' \
	'side_jmp_f1_t_side_jmp_x\|typedef redefinition'
ok define_as_declared each definition \
	'SIDE_JMP_EVENT_DECLARE(t, x, "X", (u8, a)); SIDE_JMP_EVENT(t, x, "X", (u8, a));' ''
ok define_enum_without_labels each definition 'SIDE_JMP_EVENT(t, x, "X", (u8, a), (enum, b));' \
	'side_jmp event: the enum b has no label'
ok define_enum_label_of_more_than_32_bits each definition \
	'SIDE_JMP_EVENT(t, x, "X", (enum, b, (1, "one"), (0x100000000, "far")));' \
	'side_jmp event: a label of the enum b is not of 32 bits'
ok define_enum_labels_that_no_type_has_both_of each definition \
	'SIDE_JMP_EVENT(t, x, "X", (enum, b, (-1, "low"), (0x80000000, "high")));' \
	'side_jmp event: the enum b has a label below 0 and one above INT_MAX'
ok define_enum_labels_at_the_bounds each definition 'SIDE_JMP_EVENT(t, x, "X",
	(enum, b, (-2147483647 - 1, "low"), (2147483647, "high")),
	(enum, c, (0, "low"), (0xffffffffu, "high")));' ''
ok define_names_that_are_the_same_together each definition \
	'SIDE_JMP_EVENT(a_b, c, "X", (u8, x)); SIDE_JMP_EVENT(a, b_c, "X", (u16, y));
	SIDE_JMP_EVENT(t, x, "X", (u8, field_a)); SIDE_JMP_EVENT(t, x_field, "X", (u16, a));
	void f(void); void f(void) { side_jmp_event(a_b, c, 1); side_jmp_event(a, b_c, 2);
		side_jmp_event(t, x, 1); side_jmp_event(t, x_field, 2); }' ''
sixteen='(u8, a), (u8, b), (u8, c), (u8, d), (u8, e), (u8, f), (u8, g), (u8, h),
	(u8, i), (u8, j), (u8, k), (u8, l), (u8, m), (u8, n), (u8, o), (u8, p)'
ok define_sixteen_fields each definition "SIDE_JMP_EVENT(t, x, \"X\", $sixteen);" ''

# ---- two files, two languages, one event -------------------------------------
cat >"$TMP/two.h" <<'END'
#include <side_jmp_event.h>
SIDE_JMP_EVENT_DECLARE(two, shared, "In both", (u32, n));
void other(void);
END
cat >"$TMP/one.c" <<'END'
#include "two.h"
#ifdef __cplusplus
extern "C"
#endif
void other(void) { side_jmp_event(two, shared, 2); }
END
cat >"$TMP/main.cc" <<'END'
extern "C" {
#include "side_jmp.h"
}
#include <side_jmp_event.h>
extern "C" void other(void);
SIDE_JMP_EVENT(two, shared, "In both", (u32, n));
int main() { side_jmp_event(two, shared, 1); other(); return 0; }
END
shared() {
	# shellcheck disable=SC2086
	$CC -std=c11 $warn -ffunction-sections -c "$TMP/one.c" -o "$TMP/one.o" &&
	$CXX -std=c++17 $warn -ffunction-sections -c "$TMP/main.cc" -o "$TMP/main.o" &&
	$CXX "$1" -Wl,--gc-sections "$TMP/one.o" "$TMP/main.o" "$BUILD/libside_jmp.a" -pthread \
		-o "$TMP/two" &&
	SIDE_JMP_ENABLE='two:*' "$TMP/two" 2>"$TMP/err" && cat "$TMP/err" &&
	[ "$(sed 's/.* //' "$TMP/err" | xargs)" = 'n=1 n=2' ]
}
ok link_c_and_cplusplus shared -pie
ok link_c_and_cplusplus_static shared -static
if command -v ld.lld >/dev/null; then ok link_c_and_cplusplus_lld shared -fuse-ld=lld; fi

# ---- a span ends where an exception leaves its block --------------------------
cat >"$TMP/thrown.cc" <<'END'
#include <side_jmp_event.h>
#include <string>
SIDE_JMP_SPAN(thrown, outer, "Outer", (string, what));
namespace space {
SIDE_JMP_SPAN(thrown, inner, "Inner");
SIDE_JMP_COUNTER(thrown, deep, "How deep", s32);
template <class T> void deep(T n)
{
	side_jmp_span(thrown, inner);
	side_jmp_counter(thrown, deep, n);
	if (n == 3)
		throw n;
	deep(n + 1);
}
}
int main()
{
	side_jmp_span(thrown, outer, std::string("it"));
	try {
		space::deep(2);
	} catch (int n) {
		return n != 3;
	}
	return 1;
}
END
thrown() { # COMPILER: as lines of text, without times, and numbers from the first
	# shellcheck disable=SC2086
	$1 -std=c++11 $warn -O2 "$TMP/thrown.cc" "$BUILD/libside_jmp.a" -pthread -o "$TMP/thrown" &&
	SIDE_JMP_ENABLE='thrown:*' "$TMP/thrown" 2>"$TMP/err" && cat "$TMP/err" &&
	[ "$(sed 's/.*thrown://; s/span=1677721/span=/; s/duration=[1-9].*/duration/' "$TMP/err" |
		xargs)" = "outer_begin span=7 what=it inner_begin span=8 deep value=2 \
inner_begin span=9 deep value=3 inner_end span=9 duration inner_end span=8 duration \
outer_end span=7 duration" ]
}
for cc in $CXX_COMPILERS; do ok "span_ends_where_an_exception_leaves_it_$cc" thrown "$cc"; done

# ---- and there is none of it where its block has not begun it -------------------
cat >"$TMP/behind.c" <<'END'
#include <side_jmp_event.h>
SIDE_JMP_SPAN(behind, outer, "Outer");
SIDE_JMP_SPAN(behind, span, "Behind an if", (s32, n));
static void maybe(int n)
{
	if (n > 1)
		side_jmp_span(behind, span, n);
}
int main(void)
{
	side_jmp_span(behind, outer);
	maybe(1);
	maybe(2);
	return 0;
}
END
behind() { # COMPILER LANGUAGE: C++ lets a declaration be there, and ends it there
	case $2 in c) std=c11;; *) std=c++17;; esac
	rm -f "$TMP/behind"
	# shellcheck disable=SC2086
	$1 -x "$2" -std=$std $warn -O2 "$TMP/behind.c" -x none "$BUILD/libside_jmp.a" -pthread \
		-o "$TMP/behind" 2>"$TMP/said" || { cat "$TMP/said"; [ "$2" = c ]; return; }
	SIDE_JMP_ENABLE='behind:*' "$TMP/behind" 2>"$TMP/err" && cat "$TMP/err" &&
	[ "$2" != c ] && [ "$(sed 's/.*behind:\([a-z_]*\).*/\1/' "$TMP/err" | xargs)" = \
		"outer_begin span_begin span_end outer_end" ]
}
for cc in $C_COMPILERS; do ok "span_behind_an_if_is_refused_$cc" behind "$cc" c; done
for cc in $CXX_COMPILERS; do ok "span_behind_an_if_is_whole_or_not_there_$cc" behind "$cc" c++; done

# ---- who has the compiler call a function at each one's begin and end
cat >"$TMP/instrumented.c" <<'END'
#include <side_jmp_event.h>
#include <stdio.h>
#define NOT_THIS __attribute__((__no_instrument_function__))
#ifdef __cplusplus
extern "C" {
#endif
NOT_THIS void __cyg_profile_func_enter(void *, void *);
NOT_THIS void __cyg_profile_func_exit(void *, void *);
static int begun;
static void *volatile last;
void __cyg_profile_func_enter(void *f, void *from) { last = f; (void)from; begun++; }
void __cyg_profile_func_exit(void *f, void *from) { last = f; (void)from; }
#ifdef __cplusplus
}
#endif
SIDE_JMP_KEY(key);
SIDE_JMP_EVENT(instrumented, event, "An event", (u32, n), (string, text));
SIDE_JMP_SPAN(instrumented, span, "A span", (s32, n));
NOT_THIS static void called(int n) { (void)n; }
static void once(void) { side_jmp_event(instrumented, event, 7, "text"); }
static int both(int n)
{
	side_jmp_span(instrumented, span, n);
	once();
	side_jmp_call(key, called, n);
	return side_jmp_unlikely(key);
}
NOT_THIS int main(void)
{
	int wrong;

	begun = 0;	/* of what each object does before */
	wrong = both(1) || side_jmp_enable(&key) || !both(2);
	printf("begun %d\n", begun);
	return wrong;
}
END
# COMPILER LANGUAGE: at each level, whether somebody wants the events or not.  In C none of
# ours is among them; in C++ templates (g++) and lambdas (clang++) are.
instrumented() {
	case $2 in c) std=c11;; *) std=c++17;; esac
	for level in 0 1 2; do
		# shellcheck disable=SC2086
		$1 -x "$2" -std=$std $warn -O$level -finstrument-functions "$TMP/instrumented.c" \
			-x none "$BUILD/libside_jmp.a" -pthread -o "$TMP/begun" || return 1
		for want in 'none:*' 'instrumented:*'; do
			SIDE_JMP_ENABLE=$want "$TMP/begun" >"$TMP/said" 2>/dev/null || return 1
			echo "-O$level $want: $(cat "$TMP/said")"
			[ "$2" != c ] || [ "$(cat "$TMP/said")" = "begun 4" ] || return 1
		done
	done
}
for cc in $C_COMPILERS; do ok "event_is_not_instrumented_$cc" instrumented "$cc" c; done
for cc in $CXX_COMPILERS; do ok "event_is_not_instrumented_$cc" instrumented "$cc" c++; done

# ---- a tool's view -----------------------------------------------------------
shared -pie >/dev/null 2>&1
listed() { # the section is read-only, unrelocated, and says all
	objcopy -O binary --only-section=side_jmp_event "$TMP/two" "$TMP/events" &&
	readelf -SW "$TMP/two" | grep ' side_jmp_event ' | grep -q ' A[^WX ]* ' &&
	strings -n 1 -a "$TMP/events" | xargs | grep -q 'two shared In both n'
}
ok file_lists_its_events listed
relocated() {
	set -- $(readelf -SW "$TMP/two" | sed -n 's/.* side_jmp_event  *PROGBITS//p')
	[ $# -gt 3 ] || return 1
	start=$((0x$1)) end=$((0x$1 + 0x$3))
	readelf -rW "$TMP/two" | sed -n 's/^\([0-9a-f]\{16\}\) .*/\1/p' >"$TMP/relocs"
	[ -s "$TMP/relocs" ] || return 1
	while read -r at; do
		if [ $((0x$at)) -ge $start ] && [ $((0x$at)) -lt $end ]; then return 1; fi
	done <"$TMP/relocs"
}
ok file_description_needs_no_relocation relocated

# ---- a library with events, loaded and unloaded ------------------------------
cat >"$TMP/lib.c" <<'END'
#include <side_jmp_event.h>
SIDE_JMP_EVENT(lib, used, "In the library", (u32, n));
void use(void);
void use(void) { side_jmp_event(lib, used, 7); }
END
cat >"$TMP/host.c" <<'END'
#include <dlfcn.h>
#include <stdio.h>
#include <side_jmp_event.h>
SIDE_JMP_EVENT(host, used, "In the program", (u32, n));
static int n;
static void count(const struct side_jmp_event *event, const struct side_jmp_value values[],
		  void *data)
{
	(void)event; (void)data;
	n += (int)values[0].u64;
}
int main(int argc, char **argv)
{
	struct side_jmp_event_info info;
	struct side_jmp_tracer *t;

	side_jmp_tracer_register(&t, "*:used", count, NULL);
	for (int i = 0; i < 100; i++) {
		void *lib = dlopen(argv[1], RTLD_NOW);
		void (*use)(void);

		if (!lib)
			return puts(dlerror()), 1;
		*(void **)&use = dlsym(lib, "use");
		use();
		side_jmp_event_get_info(&info, sizeof(info));
		if (info.events != 2)
			return 2;
		side_jmp_event(host, used, 1);
		dlclose(lib);
	}
	side_jmp_event_get_info(&info, sizeof(info));
	printf("%d %d\n", n, (int)info.events);
	side_jmp_tracer_unregister(t);
	return argc == 2 && n == 800 && info.events == 1 ? 0 : 3;
}
END
loads() {
	$CC -std=gnu11 -I"$BUILD/include" -fPIC -shared "$TMP/lib.c" -L"$BUILD" -lside_jmp \
		-o "$TMP/lib.so" &&
	$CC -std=gnu11 -I"$BUILD/include" "$TMP/host.c" -L"$BUILD" -lside_jmp -ldl -o "$TMP/host" &&
	LD_LIBRARY_PATH=$BUILD "$TMP/host" "$TMP/lib.so"
}
ok library_loads_and_unloads loads
copies() { # the library with a copy of the runtime of its own, to one output
	$CC -std=gnu11 -I"$BUILD/include" -fPIC -shared "$TMP/lib.c" "$BUILD/libside_jmp.a" \
		-o "$TMP/copy.so" &&
	cat >"$TMP/main2.c" <<'END2' &&
#include <side_jmp_event.h>
void use(void);
SIDE_JMP_EVENT(host, used, "In the program", (u32, n));
int main(void) { side_jmp_event(host, used, 3); use(); return 0; }
END2
	$CC -std=gnu11 -I"$BUILD/include" "$TMP/main2.c" "$BUILD/libside_jmp.a" "$TMP/copy.so" \
		-Wl,-rpath,"$TMP" -o "$TMP/main2" &&
	SIDE_JMP_ENABLE='*:used' SIDE_JMP_OUTPUT=$TMP/lines "$TMP/main2" &&
	[ "$(sed 's/.* //' "$TMP/lines" | xargs)" = 'n=3 n=7' ]
}
ok library_with_its_own_runtime copies
done_testing
