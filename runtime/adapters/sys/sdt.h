/* SPDX-License-Identifier: MIT */
/*
 * sys/sdt.h, dropped in: programs that have SystemTap's probes get events of
 * side_jmp (side_jmp_event.h) without a change to their source.
 *
 *	./configure CPPFLAGS=-I/usr/local/include/side_jmp LIBS=-lside_jmp
 *
 * -I is searched before the system's folders; so this is what <sys/sdt.h> is.
 * Then
 *
 *	DTRACE_PROBE2(shop, order, n, name);
 *
 * is an event shop:order with the fields arg1 and arg2, whose types are those of
 * the arguments: integers by their size and sign, float and double, char * as a
 * string, other pointers as such.  Idle it is a no-op, and its arguments are not
 * evaluated.  DTRACE_PROBE, STAP_PROBE (0 to 12 arguments) and STAP_PROBEV, and so
 * the headers that `dtrace -h` makes.
 *
 * Each use is an event of its own: a name that stands in several places is so
 * many events of that name, which may have different types.
 *
 * SEMAPHORES.  Where _SDT_HAS_SEMAPHORES is defined, as in the headers that
 * `dtrace -h` makes, <provider>_<name>_semaphore (of `dtrace -G`, or the
 * program's own) counts who wants the event, for the whole program, so that
 * <PROVIDER>_<NAME>_ENABLED() is true just while somebody does.  The kernel
 * enables events by itself: those that are registered with it count as wanted.
 *
 * STRINGS.  The system's header passes an address, and this reads what it points
 * at, up to a 0.  A program whose probes pass char * to what does not end in one
 * is compiled with -DSIDE_JMP_SDT_POINTERS: then all pointers are addresses.
 *
 * C++.  A probe stands in a function that is neither inline (as those that are
 * defined in their class) nor a template: those cannot have data in a section of
 * its own.  With -fPIC that is an error ("impossible constraint"); without,
 * clang++ gets it right and g++ calls it a section type conflict or, where all
 * probes of a file stand so, has probes that nobody finds.
 *
 * Not here: STAP_PROBE_ASM, and probes in assembler files, which get the
 * system's header.  No kernel's uprobe finds these probes: there is no stapsdt
 * note.
 */
#if defined(__ASSEMBLER__)
#include_next <sys/sdt.h>
#elif !defined(SIDE_JMP_SYS_SDT_H)
#define SIDE_JMP_SYS_SDT_H

#pragma GCC system_header

#include "../../side_jmp_event.h"

#if defined(_SDT_HAS_SEMAPHORES)
#define SIDE_JMP_SDT_SEMAPHORE_(provider, name) &provider##_##name##_semaphore
#else
#define SIDE_JMP_SDT_SEMAPHORE_(provider, name) NULL
#endif

#if defined(SIDE_JMP_SDT_POINTERS)
#define SIDE_JMP_SDT_STRING_	SIDE_JMP_CODE_(SIDE_JMP_POINTER, SIDE_JMP_U64, 0)
#else
#define SIDE_JMP_SDT_STRING_	SIDE_JMP_CODE_(SIDE_JMP_STRING, 0, 0)
#endif

/* Of an integer's size and sign. */
#define SIDE_JMP_SDT_INT_(size, is_signed) \
	SIDE_JMP_CODE_(SIDE_JMP_INT, ((size) == 1 ? SIDE_JMP_U8 : \
		(size) == 2 ? SIDE_JMP_U16 : (size) == 4 ? SIDE_JMP_U32 : \
		SIDE_JMP_U64) + ((is_signed) ? SIDE_JMP_S8 - SIDE_JMP_U8 : 0), 0)
#define SIDE_JMP_SDT_REAL_(size) \
	SIDE_JMP_CODE_(SIDE_JMP_FLOAT, (size) == 4 ? SIDE_JMP_F32 : SIDE_JMP_F64, 0)
#define SIDE_JMP_SDT_REFUSES_ \
	"sys/sdt.h: a probe takes numbers of up to 64 bits, and pointers"

/* ---- the types of arguments: typedefs as an event's declaration makes ---- */

#ifndef __cplusplus

#define SIDE_JMP_SDT_CLASS_(type)	SIDE_JMP_CLASSIFY_(*(type *)0)
#define SIDE_JMP_SDT_SIGNED_(type) \
	((__typeof__(SIDE_JMP_IF_(SIDE_JMP_SDT_CLASS_(type) == 1, *(type *)0, 0)))-1 < 1)
#define SIDE_JMP_SDT_CHARS_(type) \
	__extension__ _Generic(*(type *)0, char *: 1, const char *: 1, default: 0)
#define SIDE_JMP_SDT_CODE_(type) \
	(SIDE_JMP_SDT_CLASS_(type) == 8 ? SIDE_JMP_SDT_REAL_(sizeof(type)) : \
	 SIDE_JMP_SDT_CLASS_(type) == 1 ? \
		SIDE_JMP_SDT_INT_(sizeof(type), SIDE_JMP_SDT_SIGNED_(type)) : \
	 SIDE_JMP_SDT_CHARS_(type) ? SIDE_JMP_SDT_STRING_ : \
	 SIDE_JMP_CODE_(SIDE_JMP_POINTER, SIDE_JMP_U64, 0))
#define SIDE_JMP_SDT_TYPES_(event, n, a) \
	typedef __typeof__(((void)0, (a))) event##_side_jmp_w##n; \
	SIDE_JMP_ASSERT_((SIDE_JMP_SDT_CLASS_(event##_side_jmp_w##n) == 1 || \
			  SIDE_JMP_SDT_CLASS_(event##_side_jmp_w##n) == 5 || \
			  SIDE_JMP_SDT_CLASS_(event##_side_jmp_w##n) == 8) && \
			 sizeof(event##_side_jmp_w##n) <= 8, SIDE_JMP_SDT_REFUSES_); \
	typedef char side_jmp_f##n##_##event[SIDE_JMP_SDT_CODE_(event##_side_jmp_w##n)]; \
	typedef char side_jmp_n##n##_##event[1]; \
	typedef char side_jmp_c##n##_##event[ \
		SIDE_JMP_SDT_CLASS_(event##_side_jmp_w##n) != 5 ? \
			SIDE_JMP_SDT_CLASS_(event##_side_jmp_w##n) : \
		SIDE_JMP_KIND_(sizeof(side_jmp_f##n##_##event)) == SIDE_JMP_STRING ? 5 : 6]; \
	typedef const char *side_jmp_p##n##_##event; \
	typedef char *side_jmp_q##n##_##event; \
	typedef struct side_jmp_none1_ *side_jmp_r##n##_##event; \
	typedef struct side_jmp_none2_ *side_jmp_s##n##_##event;
#define SIDE_JMP_SDT_KEY_(name, text)	SIDE_JMP_KEY_STATIC_(name, 32, text)
/* clang minds typedefs that nobody uses, as where sites are plain tests. */
#define SIDE_JMP_SDT_USED_(name) \
	(void)(sizeof(side_jmp_word_of_##name) + sizeof(side_jmp_place_of_##name) + \
	       sizeof(SIDE_JMP_BY_NAME_(name)));
#define SIDE_JMP_SDT_EMIT_(n, event, ...) \
	SIDE_JMP_EACH_##n##_(SIDE_JMP_TAKE_, event, __VA_ARGS__) \
	SIDE_JMP_FIRE_##n##_(event, n, __VA_ARGS__)

#else

extern "C++" {
namespace side_jmp_detail {

template <class side_jmp_type> struct side_jmp_sdt_code {
	typedef typename std::decay<side_jmp_type>::type side_jmp_t;
	typedef typename std::remove_cv<
		typename std::remove_pointer<side_jmp_t>::type>::type side_jmp_to;
	static constexpr bool side_jmp_pointer = std::is_pointer<side_jmp_t>::value ||
		std::is_same<side_jmp_t, decltype(nullptr)>::value;
	static constexpr bool side_jmp_real = std::is_floating_point<side_jmp_t>::value;
	enum side_jmp_no_enum { };
	typedef typename std::conditional<std::is_enum<side_jmp_t>::value,
		side_jmp_t, side_jmp_no_enum>::type side_jmp_enum;
	static constexpr bool side_jmp_signed = std::is_enum<side_jmp_t>::value ?
		std::is_signed<typename std::underlying_type<
			side_jmp_enum>::type>::value :
		std::is_signed<side_jmp_t>::value;
	static_assert(std::is_scalar<side_jmp_t>::value && sizeof(side_jmp_t) <= 8 &&
		      !std::is_member_pointer<side_jmp_t>::value, SIDE_JMP_SDT_REFUSES_);
	static constexpr size_t side_jmp_value =
		side_jmp_real ? SIDE_JMP_SDT_REAL_(sizeof(side_jmp_t)) :
		!side_jmp_pointer ? SIDE_JMP_SDT_INT_(sizeof(side_jmp_t), side_jmp_signed) :
		std::is_pointer<side_jmp_t>::value &&
			std::is_same<side_jmp_to, char>::value ? SIDE_JMP_SDT_STRING_ :
		SIDE_JMP_CODE_(SIDE_JMP_POINTER, SIDE_JMP_U64, 0);
};
template <class side_jmp_type>
side_jmp_sdt_code<side_jmp_type> side_jmp_sdt_of(const side_jmp_type &);

} /* namespace */
} /* extern "C++" */

#define SIDE_JMP_SDT_TYPES_(event, n, a) \
	typedef char side_jmp_f##n##_##event[ \
		decltype(side_jmp_detail::side_jmp_sdt_of(a))::side_jmp_value];
/* Without those that tell C about it. */
#define SIDE_JMP_SDT_KEY_(name, text) \
	static SIDE_JMP_KEY_32_ name SIDE_JMP_NEAR_ SIDE_JMP_INIT_32_(text)
#define SIDE_JMP_SDT_USED_(name)
#define SIDE_JMP_SDT_EMIT_(n, event, ...) \
	side_jmp_detail::side_jmp_emit< \
		SIDE_JMP_LIST_##n##_(SIDE_JMP_CODE_OF_, event, __VA_ARGS__)>:: \
		side_jmp_by(&event##_side_jmp_event.side_jmp_self \
		   SIDE_JMP_EACH_##n##_(SIDE_JMP_AFTER_COMMA_, ~, __VA_ARGS__));

#endif

/* ---- a probe ------------------------------------------------------------- */

/* As SIDE_JMP_EVENT defines one, in a block. */
#define SIDE_JMP_SDT_EVENT_(n, event, provider, name, semaphore_, strings_, ...) \
	SIDE_JMP_SDT_KEY_(event##_side_jmp_key, provider ":" name); \
	struct event##_side_jmp_desc_type { \
		struct side_jmp_event_desc side_jmp_head; \
		struct side_jmp_field side_jmp_fields[n + 1]; \
		int64_t side_jmp_values[1]; \
		char side_jmp_text[sizeof(strings_)]; \
	}; \
	SIDE_JMP_IN_SECTION_("side_jmp_event") \
	static const struct event##_side_jmp_desc_type event##_side_jmp_desc = { \
		{ (sizeof(struct event##_side_jmp_desc_type) + 7) / 8 * 8, \
		  SIDE_JMP_DESC_VERSION, n, 0, 0, \
		  offsetof(struct event##_side_jmp_desc_type, side_jmp_text) }, \
		{ SIDE_JMP_EACH_##n##_(SIDE_JMP_FIELD_DATA_, event, __VA_ARGS__) \
		  { 0, 0, 0, 0 } }, \
		{ 0 }, \
		strings_ \
	}; \
	SIDE_JMP_IN_SECTION_("side_jmp_event_data") \
	static struct side_jmp_event event##_side_jmp_event = { \
		SIDE_JMP_EVENT_VERSION, 0, &event##_side_jmp_key, \
		&event##_side_jmp_desc.side_jmp_head, NULL, 0, 0, \
		&event##_side_jmp_event, semaphore_, 0, NULL, 0 \
	}

#define SIDE_JMP_SDT_NAME_(c, n, a)	"arg" #n "\0"
#define SIDE_JMP_SDT_(provider, name, n, ...) \
	SIDE_JMP_SDT_I_(provider, name, n, __VA_ARGS__)
#define SIDE_JMP_SDT_I_(provider, name, n, ...) do { \
	SIDE_JMP_EACH_##n##_(SIDE_JMP_SDT_TYPES_, side_jmp_sdt, __VA_ARGS__) \
	SIDE_JMP_SDT_EVENT_(n, side_jmp_sdt, #provider, #name, \
		SIDE_JMP_SDT_SEMAPHORE_(provider, name), \
		#provider "\0" #name "\0" "A probe of sys/sdt.h\0" \
		SIDE_JMP_EACH_##n##_(SIDE_JMP_SDT_NAME_, ~, __VA_ARGS__), \
		__VA_ARGS__); \
	SIDE_JMP_SDT_USED_(side_jmp_sdt_side_jmp_key) \
	if (SIDE_JMP_INLINE_(side_jmp_sdt_side_jmp_key, SIDE_JMP_GLANCE_)) { \
		SIDE_JMP_SDT_EMIT_(n, side_jmp_sdt, __VA_ARGS__) \
	} \
} while (0)

/* The number of arguments, which end in a ~, follows from them. */
#define STAP_PROBEV(provider, ...)	SIDE_JMP_SDT_V_(provider, __VA_ARGS__, ~)
#define SIDE_JMP_SDT_V_(provider, name, ...) \
	SIDE_JMP_SDT_V_I_(provider, name, SIDE_JMP_COUNT_(__VA_ARGS__), __VA_ARGS__)
#define SIDE_JMP_SDT_V_I_(provider, name, n, ...) \
	SIDE_JMP_SDT_(provider, name, n, __VA_ARGS__)

#define STAP_PROBE(provider, name) \
	SIDE_JMP_SDT_(provider, name, 0, ~)
#define STAP_PROBE1(provider, name, a1) \
	SIDE_JMP_SDT_(provider, name, 1, a1, ~)
#define STAP_PROBE2(provider, name, a1, a2) \
	SIDE_JMP_SDT_(provider, name, 2, a1, a2, ~)
#define STAP_PROBE3(provider, name, a1, a2, a3) \
	SIDE_JMP_SDT_(provider, name, 3, a1, a2, a3, ~)
#define STAP_PROBE4(provider, name, a1, a2, a3, a4) \
	SIDE_JMP_SDT_(provider, name, 4, a1, a2, a3, a4, ~)
#define STAP_PROBE5(provider, name, a1, a2, a3, a4, a5) \
	SIDE_JMP_SDT_(provider, name, 5, a1, a2, a3, a4, a5, ~)
#define STAP_PROBE6(provider, name, a1, a2, a3, a4, a5, a6) \
	SIDE_JMP_SDT_(provider, name, 6, a1, a2, a3, a4, a5, a6, ~)
#define STAP_PROBE7(provider, name, a1, a2, a3, a4, a5, a6, a7) \
	SIDE_JMP_SDT_(provider, name, 7, a1, a2, a3, a4, a5, a6, a7, ~)
#define STAP_PROBE8(provider, name, a1, a2, a3, a4, a5, a6, a7, a8) \
	SIDE_JMP_SDT_(provider, name, 8, a1, a2, a3, a4, a5, a6, a7, a8, ~)
#define STAP_PROBE9(provider, name, a1, a2, a3, a4, a5, a6, a7, a8, a9) \
	SIDE_JMP_SDT_(provider, name, 9, a1, a2, a3, a4, a5, a6, a7, a8, a9, ~)
#define STAP_PROBE10(provider, name, a1, a2, a3, a4, a5, a6, a7, a8, a9, a10) \
	SIDE_JMP_SDT_(provider, name, 10, a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, ~)
#define STAP_PROBE11(provider, name, a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, a11) \
	SIDE_JMP_SDT_(provider, name, 11, a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, a11, ~)
#define STAP_PROBE12(provider, name, a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, a11, a12) \
	SIDE_JMP_SDT_(provider, name, 12, a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, a11, a12, ~)

#define DTRACE_PROBE	STAP_PROBE
#define DTRACE_PROBE1	STAP_PROBE1
#define DTRACE_PROBE2	STAP_PROBE2
#define DTRACE_PROBE3	STAP_PROBE3
#define DTRACE_PROBE4	STAP_PROBE4
#define DTRACE_PROBE5	STAP_PROBE5
#define DTRACE_PROBE6	STAP_PROBE6
#define DTRACE_PROBE7	STAP_PROBE7
#define DTRACE_PROBE8	STAP_PROBE8
#define DTRACE_PROBE9	STAP_PROBE9
#define DTRACE_PROBE10	STAP_PROBE10
#define DTRACE_PROBE11	STAP_PROBE11
#define DTRACE_PROBE12	STAP_PROBE12

#endif /* SIDE_JMP_SYS_SDT_H */
