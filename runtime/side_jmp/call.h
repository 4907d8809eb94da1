/* SPDX-License-Identifier: MIT */
/*
 * Calls that cost their bytes.  Included by side_jmp.h.
 *
 * A call in a cold block costs its function a frame and the registers around
 * it.  Where a port can, a call from a site is instructions that the compiler
 * does not take for one: they take the arguments from where they are, and the
 * library's side_jmp_call_<n>() gives the function an ordinary call, and then
 * all registers back.
 */
#ifndef SIDE_JMP_CALL_H
#define SIDE_JMP_CALL_H

#include "each.h"

/* MemorySanitizer does not see what passes a register on its way to a call. */
#define SIDE_JMP_HAS_CALL_	0
#if SIDE_JMP_ARCH_HAS_CALL && defined(__OPTIMIZE__) && \
	!defined(SIDE_JMP_PLAIN_CALLS)
#undef SIDE_JMP_HAS_CALL_
#define SIDE_JMP_HAS_CALL_	1
#if defined(__has_feature)
#if __has_feature(__memory_sanitizer__)
#undef SIDE_JMP_HAS_CALL_
#define SIDE_JMP_HAS_CALL_	0
#endif
#endif
#endif

#ifdef __cplusplus
extern "C" {
#endif

struct side_jmp_event;

/* Some function. */
typedef void side_jmp_function(void);

/*
 * gcc moves out of the hot text what a call of a cold function is in.  This one
 * is asked for its value until gcc knows that nobody uses that.
 */
SIDE_JMP_API_BEGIN_
extern int side_jmp_cold_(void) __attribute__((__cold__, __const__));
SIDE_JMP_API_END_
#if defined(__clang__) || !SIDE_JMP_HAS_CALL_ || SIDE_JMP_IS_SHORT_
#define SIDE_JMP_MARK_COLD_
#else
#define SIDE_JMP_MARK_COLD_ \
	if (__builtin_constant_p(side_jmp_cold_())) \
		__asm__ volatile ("");
#endif

#if SIDE_JMP_HAS_CALL_

/* What a pointer points at, and all that follows it. */
#ifdef __clang__	/* which takes no array without an end, nor minds one */
struct side_jmp_all_ {
	char side_jmp_bytes_[0x7fffffff];
};
#define SIDE_JMP_ALL_AT_(pointer)	(*(const struct side_jmp_all_ *)(pointer))
#else
#define SIDE_JMP_ALL_AT_(pointer)	(*(const char (*)[])(pointer))
#endif

/*
 * gcc believes that a function with an asm statement leaves alone the file's
 * variables whose address nobody takes, whatever the statement clobbers.  Of one
 * that calls a function of another file it does not.  This call is there until
 * that is settled, and never made.
 */
#ifdef __clang__
#define SIDE_JMP_MARK_CALL_
#else
SIDE_JMP_API_BEGIN_
extern void side_jmp_call_0(void) __attribute__((__nothrow__));
SIDE_JMP_API_END_
#define SIDE_JMP_MARK_CALL_ \
	int side_jmp_known; \
	__asm__ ("" : "=r" (side_jmp_known)); \
	if (__builtin_constant_p(side_jmp_known)) \
		side_jmp_call_0();
#endif

/*
 * side_jmp_fire_<n>_(&event.side_jmp_self, values): with each value goes what it
 * points at, twice for a value that points at a pointer, which is all the memory
 * that has to be as it should when the library looks.  There is no "memory"
 * clobber, so that the hot path keeps what it has in registers.
 * side_jmp_through_<n>_(f, values) calls anything, and has one.
 */
#define SIDE_JMP_CALL_P_(c, n, x) \
	uint64_t side_jmp_##n, const void *side_jmp_m##n, \
	const void *side_jmp_mm##n
#define SIDE_JMP_CALL_O_(c, n, x) \
	[side_jmp_##n] SIDE_JMP_ARCH_CALL_CONSTRAINT (side_jmp_##n), \
	"m" SIDE_JMP_ALL_AT_(side_jmp_m##n), \
	"m" SIDE_JMP_ALL_AT_(side_jmp_mm##n),
#define SIDE_JMP_SLOTS_0_
#define SIDE_JMP_SLOTS_1_	SIDE_JMP_ARCH_CALL_SLOT("1")
#define SIDE_JMP_SLOTS_2_	SIDE_JMP_ARCH_CALL_SLOT("2") SIDE_JMP_SLOTS_1_
#define SIDE_JMP_SLOTS_3_	SIDE_JMP_ARCH_CALL_SLOT("3") SIDE_JMP_SLOTS_2_
#define SIDE_JMP_SLOTS_4_	SIDE_JMP_ARCH_CALL_SLOT("4") SIDE_JMP_SLOTS_3_
#define SIDE_JMP_SLOTS_5_	SIDE_JMP_ARCH_CALL_SLOT("5") SIDE_JMP_SLOTS_4_
#define SIDE_JMP_SLOTS_6_	SIDE_JMP_ARCH_CALL_SLOT("6") SIDE_JMP_SLOTS_5_

#define SIDE_JMP_CALLER_(n, ...) \
	SIDE_JMP_CALLER_I_(side_jmp_fire_##n##_, "side_jmp_event_" #n, \
		(struct side_jmp_event *const *side_jmp_f __VA_ARGS__), \
		, SIDE_JMP_ARCH_CALL_SYMBOL, SIDE_JMP_ARCH_KEY_CONSTRAINT, \
		SIDE_JMP_CALL_ALONE_, SIDE_JMP_SLOTS_##n##_, \
		SIDE_JMP_EACH_##n##_(SIDE_JMP_CALL_O_, ~, 1, 2, 3, 4, 5, 6, ~)) \
	SIDE_JMP_CALLER_I_(side_jmp_through_##n##_, "side_jmp_call_" #n, \
		(side_jmp_function *side_jmp_f __VA_ARGS__), \
		SIDE_JMP_MARK_CALL_, SIDE_JMP_ARCH_CALL_VALUE, "r", \
		SIDE_JMP_CALL_AND_MEMORY_, SIDE_JMP_SLOTS_##n##_, \
		SIDE_JMP_EACH_##n##_(SIDE_JMP_CALL_O_, ~, 1, 2, 3, 4, 5, 6, ~))
#define SIDE_JMP_CALL_ALONE_(...)	__VA_ARGS__
#define SIDE_JMP_CALL_AND_MEMORY_(...)	__VA_ARGS__, "memory"
#define SIDE_JMP_CALLER_I_(caller, thunk, parameters, mark, f_, constraint_, \
			   destroys_, slots, ...) \
static inline SIDE_JMP_WITHIN_ void caller parameters \
{ \
	mark \
	SIDE_JMP_MARK_COLD_ \
	__asm__ __inline__ volatile (SIDE_JMP_ARCH_CALL(thunk, slots, f_) \
		: : __VA_ARGS__ [side_jmp_f] constraint_ (side_jmp_f) \
		: destroys_(SIDE_JMP_ARCH_CALL_CLOBBERS)); \
}
#define SIDE_JMP_CALLER_WITH_(n) \
	SIDE_JMP_CALLER_(n, , SIDE_JMP_LIST_##n##_(SIDE_JMP_CALL_P_, ~, \
						   1, 2, 3, 4, 5, 6, ~))
SIDE_JMP_CALLER_(0)
SIDE_JMP_CALLER_WITH_(1)
SIDE_JMP_CALLER_WITH_(2)
SIDE_JMP_CALLER_WITH_(3)
SIDE_JMP_CALLER_WITH_(4)
SIDE_JMP_CALLER_WITH_(5)
SIDE_JMP_CALLER_WITH_(6)

#endif /* SIDE_JMP_HAS_CALL_ */

#ifdef __cplusplus
} /* extern "C" */
#endif

/*
 * side_jmp_call(key, function, arguments...), a statement: function(arguments)
 * while the key is enabled, otherwise a no-op.  What if (side_jmp_unlikely(key))
 * function(arguments); does, at no cost to the code around it: no frame for the
 * call, no register saved.  Arguments are evaluated only where the key is
 * enabled.
 *
 * The function's parameters: at most 6, integers of up to 64 bits, pointers,
 * enumerations; in C the arguments must have just the parameters' types (cast
 * them).  It returns nothing, an integer, a pointer, a float or a double, which is
 * dropped; and it must return: no exception, no longjmp(), no end of the thread,
 * by cancellation neither.  A clang passes a register variable that is the stack
 * pointer 128 bytes off; copy it into a volatile variable.
 *
 * #define SIDE_JMP_PLAIN_CALLS before the header makes calls of these, and of
 * events, that the compiler sees: for tools that have to (-fsanitize=memory does
 * it by itself); for files with events in functions that have gcc's attribute
 * optimize("O0") or target("general-regs-only"), which gcc refuses otherwise; and
 * where an option lets called functions destroy other registers (-fcall-used-REG).
 */
#ifndef __cplusplus
#define side_jmp_call(key, ...) do { \
	if (side_jmp_unlikely(key)) { \
		SIDE_JMP_CALL_(SIDE_JMP_COUNT_(__VA_ARGS__, ~), __VA_ARGS__, ~) \
	} \
} while (0)
#define SIDE_JMP_CALL_(n, ...)		SIDE_JMP_CALL_I_(n, __VA_ARGS__)
#define SIDE_JMP_CALL_I_(n, ...)	SIDE_JMP_CALL_##n##_(__VA_ARGS__)
#define SIDE_JMP_CALL_1_(f, ...)	SIDE_JMP_CALL_WITH_(0, f, __VA_ARGS__)
#define SIDE_JMP_CALL_2_(f, ...)	SIDE_JMP_CALL_WITH_(1, f, __VA_ARGS__)
#define SIDE_JMP_CALL_3_(f, ...)	SIDE_JMP_CALL_WITH_(2, f, __VA_ARGS__)
#define SIDE_JMP_CALL_4_(f, ...)	SIDE_JMP_CALL_WITH_(3, f, __VA_ARGS__)
#define SIDE_JMP_CALL_5_(f, ...)	SIDE_JMP_CALL_WITH_(4, f, __VA_ARGS__)
#define SIDE_JMP_CALL_6_(f, ...)	SIDE_JMP_CALL_WITH_(5, f, __VA_ARGS__)
#define SIDE_JMP_CALL_7_(f, ...)	SIDE_JMP_CALL_WITH_(6, f, __VA_ARGS__)

/* The thunk gives no room for a result, nor takes one off the x87 stack. */
#define SIDE_JMP_CALL_WITH_(n, f, ...) \
	SIDE_JMP_EACH_##n##_(SIDE_JMP_CALL_TAKE_, ~, __VA_ARGS__) \
	__extension__ _Static_assert(SIDE_JMP_CALL_RETURNS_((f)( \
		SIDE_JMP_LIST_##n##_(SIDE_JMP_CALL_V_, ~, 1, 2, 3, 4, 5, 6, ~))), \
		"side_jmp_call: the function returns neither void, an integer, a " \
		"pointer, a float nor a double"); \
	__extension__ _Static_assert(__builtin_types_compatible_p( \
		__typeof__(&*(f)), SIDE_JMP_CALL_TYPE_(n, f)), \
		"side_jmp_call: the arguments have other types than the " \
		"parameters; cast them"); \
	SIDE_JMP_CALL_HOW_##n##_(n, f)
/*
 * The class of gcc's typeclass.h.  To gcc a bool is an integer, to clang 14 a
 * class of its own; a float would be promoted, which -Wdouble-promotion minds.
 */
#define SIDE_JMP_CLASSIFY_(value) \
	(__extension__ _Generic((value), bool: 1, float: 8, \
		default: __builtin_classify_type( \
			_Generic((value), float: 0, default: (value)))))
#define SIDE_JMP_CALL_RETURNS_(result) \
	SIDE_JMP_CALL_DROPS_(__typeof__(result), __builtin_choose_expr( \
		__builtin_types_compatible_p(__typeof__(result), void), 0, result))
#define SIDE_JMP_CALL_DROPS_(type, result) \
	(SIDE_JMP_CLASSIFY_(result) == 1 || SIDE_JMP_CLASSIFY_(result) == 5 || \
	 (SIDE_JMP_CLASSIFY_(result) == 8 && \
	  !__builtin_types_compatible_p(type, long double)))
#define SIDE_JMP_CALL_TAKE_(c, n, a) \
	__extension__ __auto_type side_jmp_v##n##_ = ((void)0, (a)); \
	__extension__ _Static_assert( \
		(SIDE_JMP_CLASSIFY_(side_jmp_v##n##_) == 1 || \
		 SIDE_JMP_CLASSIFY_(side_jmp_v##n##_) == 5) && \
		sizeof(side_jmp_v##n##_) <= 8, "side_jmp_call: argument " #n \
		" is neither an integer of up to 64 bits nor a pointer");
#define SIDE_JMP_CALL_V_(c, n, x)	side_jmp_v##n##_
#define SIDE_JMP_CALL_T_(c, n, x)	__typeof__(side_jmp_v##n##_)
#define SIDE_JMP_CALL_B_(c, n, x)	SIDE_JMP_ARCH_CALL_WORD(side_jmp_v##n##_), "", ""
#define SIDE_JMP_CALL_TYPE_(n, f) \
	__typeof__((f)(SIDE_JMP_LIST_##n##_(SIDE_JMP_CALL_V_, ~, \
					    1, 2, 3, 4, 5, 6, ~))) (*) \
		(SIDE_JMP_LIST_##n##_(SIDE_JMP_CALL_T_, ~, 1, 2, 3, 4, 5, 6, ~) \
		 SIDE_JMP_VOID_##n)
#define SIDE_JMP_CALL_PLAINLY_(n, f) \
	(void)(f)(SIDE_JMP_LIST_##n##_(SIDE_JMP_CALL_V_, ~, 1, 2, 3, 4, 5, 6, ~));
#if SIDE_JMP_HAS_CALL_
#define SIDE_JMP_CALL_HOW_0_(n, f)	side_jmp_through_0_((side_jmp_function *)(f));
#define SIDE_JMP_CALL_HOW_1_(n, f) \
	side_jmp_through_##n##_((side_jmp_function *)(f), SIDE_JMP_LIST_##n##_( \
		SIDE_JMP_CALL_B_, ~, 1, 2, 3, 4, 5, 6, ~));
#else
#define SIDE_JMP_CALL_HOW_0_		SIDE_JMP_CALL_PLAINLY_
#define SIDE_JMP_CALL_HOW_1_		SIDE_JMP_CALL_PLAINLY_
#endif
#define SIDE_JMP_CALL_HOW_2_		SIDE_JMP_CALL_HOW_1_
#define SIDE_JMP_CALL_HOW_3_		SIDE_JMP_CALL_HOW_1_
#define SIDE_JMP_CALL_HOW_4_		SIDE_JMP_CALL_HOW_1_
#define SIDE_JMP_CALL_HOW_5_		SIDE_JMP_CALL_HOW_1_
#define SIDE_JMP_CALL_HOW_6_		SIDE_JMP_CALL_HOW_1_

#else /* C++ */
#define side_jmp_call(key, ...) do { \
	if (SIDE_JMP_WHERE_IT_RUNS_( \
			SIDE_JMP_INLINE_(key, SIDE_JMP_ACQUIRE_))) \
		side_jmp_detail::call(__VA_ARGS__); \
} while (0)

extern "C++" {
namespace side_jmp_detail {

template <class T> struct word {
	static_assert(__is_enum(T) || T(1) / 2 == 0,
		      "side_jmp_call: parameters are integers and pointers");
	static inline SIDE_JMP_WITHIN_ uint64_t of(T value)
	{
		return SIDE_JMP_ARCH_CALL_WORD(value);
	}
};
template <class T> struct word<T *> {
	static inline SIDE_JMP_WITHIN_ uint64_t of(T *value)
	{
		return (uint64_t)(uintptr_t)value;
	}
};
/* The thunk gives no room for a result, nor takes one off the x87 stack. */
template <class R> struct side_jmp_drops {
	static constexpr bool side_jmp_can = !__is_class(R) && !__is_union(R);
};
template <> struct side_jmp_drops<long double> {
	static constexpr bool side_jmp_can = false;
};
#define SIDE_JMP_DROPS_(R) \
	static_assert(side_jmp_drops<R>::side_jmp_can, "side_jmp_call: the function " \
		"returns neither void, an integer, a pointer, a float nor a double")
#if SIDE_JMP_HAS_CALL_
inline SIDE_JMP_WITHIN_ void through(side_jmp_function *f)
{
	side_jmp_through_0_(f);
}
#define SIDE_JMP_CALL_U_(c, n, x)	uint64_t side_jmp_##n
#define SIDE_JMP_CALL_B_(c, n, x)	side_jmp_##n, "", ""
#define SIDE_JMP_THROUGH_(n) \
inline SIDE_JMP_WITHIN_ void through(side_jmp_function *f, \
	SIDE_JMP_LIST_##n##_(SIDE_JMP_CALL_U_, ~, 1, 2, 3, 4, 5, 6, ~)) \
{ \
	side_jmp_through_##n##_(f, SIDE_JMP_LIST_##n##_( \
		SIDE_JMP_CALL_B_, ~, 1, 2, 3, 4, 5, 6, ~)); \
}
SIDE_JMP_THROUGH_(1)
SIDE_JMP_THROUGH_(2)
SIDE_JMP_THROUGH_(3)
SIDE_JMP_THROUGH_(4)
SIDE_JMP_THROUGH_(5)
SIDE_JMP_THROUGH_(6)

template <class R, class... P, class... A>
inline SIDE_JMP_WITHIN_ void call(R (*f)(P...), const A &...a)
{
	static_assert(sizeof...(P) <= 6, "side_jmp_call: at most 6 parameters");
	static_assert(sizeof...(P) == sizeof...(A),
		      "side_jmp_call: wrong number of arguments");
	SIDE_JMP_DROPS_(R);
	through((side_jmp_function *)f, word<P>::of(static_cast<P>(a))...);
}
#else
template <class R, class... P, class... A>
inline void call(R (*f)(P...), const A &...a)
{
	SIDE_JMP_DROPS_(R);
	(void)f(a...);
}
#endif

} /* namespace */
} /* extern "C++" */
#endif

#endif /* SIDE_JMP_CALL_H */
