/* SPDX-License-Identifier: MIT */
/*
 * Spans and counters, which are events: see SPANS AND COUNTERS in
 * side_jmp_event.h, which includes this.
 *
 * A site leaves `span` (but for an id) and `duration` to the library, as 0:
 * they cost the function nothing while nobody wants the events, not even a
 * variable that would remember where the span began.
 */
#ifndef SIDE_JMP_SPAN_H
#define SIDE_JMP_SPAN_H

/*
 * SIDE_JMP_SPAN(provider, name, "docstring", fields...): see SPANS AND COUNTERS
 * in the header's manual.
 */
#define SIDE_JMP_SPAN(...) \
	SIDE_JMP_SPAN_DECLARE(__VA_ARGS__); \
	SIDE_JMP_SPAN_DEFINE(__VA_ARGS__)

/* The same, for the other files of the same object; goes into a header. */
#define SIDE_JMP_SPAN_DECLARE(...) \
	SIDE_JMP_SPAN_DECLARE_(__VA_ARGS__, ~)

/* The definition alone, in a file that includes that header. */
#define SIDE_JMP_SPAN_DEFINE(...) \
	SIDE_JMP_SPAN_DEFINE_(__VA_ARGS__, ~)

#define SIDE_JMP_SPAN_DECLARE_(provider, name, doc, ...) \
	SIDE_JMP_EVENT_DECLARE_(32, 1, provider, name##_begin, doc, \
		(u64, span), __VA_ARGS__); \
	SIDE_JMP_EVENT_DECLARE_(32, 1, provider, name##_end, doc, \
		(u64, span), (u64, duration), ~); \
	SIDE_JMP_SPAN_LEAVE_(provider, name)

#define SIDE_JMP_SPAN_DEFINE_(provider, name, doc, ...) \
	SIDE_JMP_SPAN_DEFINE_I_(SIDE_JMP_IS_SPAN_BEGIN, provider, \
		name##_begin, name##_end, doc, (u64, span), __VA_ARGS__); \
	SIDE_JMP_SPAN_DEFINE_I_(SIDE_JMP_IS_SPAN_END, provider, \
		name##_end, name##_begin, doc, (u64, span), (u64, duration), ~)
#define SIDE_JMP_SPAN_DEFINE_I_(is, provider, name, other, doc, ...) \
	SIDE_JMP_EVENT_DEFINE_I_(32, is, \
		&provider##_side_jmp_##other##_side_jmp_event, \
		provider##_side_jmp_##name, #provider, #name, doc, \
		SIDE_JMP_COUNT_(__VA_ARGS__), __VA_ARGS__)

/*
 * side_jmp_span_begin(provider, name, id, arguments...), and its end, which may
 * be in another block or thread.
 */
#define side_jmp_span_begin(provider, ...) \
	SIDE_JMP_SPAN_BEGIN_(provider, __VA_ARGS__, ~)
#define SIDE_JMP_SPAN_BEGIN_(provider, name, ...) \
	SIDE_JMP_EMIT_(provider, name##_begin, __VA_ARGS__)
#define side_jmp_span_end(provider, name, id) \
	side_jmp_event(provider, name##_end, id, 0)

/*
 * side_jmp_span(provider, name, arguments...): a span that ends with its block.
 * The variable is nothing but that end; what makes it is the begin, so that
 * there is never one without the other: not behind an if (in C an error) or a
 * jump, nor where an argument throws.
 */
#define side_jmp_span(provider, ...) \
	SIDE_JMP_SPAN_HERE_(provider, __VA_ARGS__, ~)
#define SIDE_JMP_SPAN_HERE_(provider, name, ...) \
	SIDE_JMP_SPAN_UNTIL_(provider##_side_jmp_##name, __LINE__, \
		__extension__ ({ \
			SIDE_JMP_EMIT_(provider, name##_begin, 0, __VA_ARGS__); \
			(char)0; \
		}))
#define SIDE_JMP_SPAN_UNTIL_(span, line, begin) \
	SIDE_JMP_SPAN_UNTIL_I_(span, line, begin)

#ifdef __cplusplus
#define SIDE_JMP_SPAN_LEAVE_(provider, name) \
	struct provider##_side_jmp_##name##_leaves { \
		SIDE_JMP_WITHIN_ explicit \
		provider##_side_jmp_##name##_leaves(char) { } \
		SIDE_JMP_WITHIN_ \
		~provider##_side_jmp_##name##_leaves() \
		{ \
			side_jmp_event(provider, name##_end, 0, 0); \
		} \
	}
#define SIDE_JMP_SPAN_UNTIL_I_(span, line, begin) \
	__attribute__((__unused__)) \
	const struct span##_leaves span##_until_##line(begin)
#else
#define SIDE_JMP_SPAN_LEAVE_(provider, name) \
	static inline SIDE_JMP_WITHIN_ void \
	provider##_side_jmp_##name##_leave(const char *side_jmp_nothing) \
	{ \
		(void)side_jmp_nothing; \
		side_jmp_event(provider, name##_end, 0, 0); \
	} \
	struct side_jmp_nothing
#define SIDE_JMP_SPAN_UNTIL_I_(span, line, begin) \
	__attribute__((__unused__, __cleanup__(span##_leave))) \
	const char span##_until_##line = begin
#endif

/* An event with one field, the value: how many or how much there is now. */
#define SIDE_JMP_COUNTER(provider, name, doc, type) \
	SIDE_JMP_COUNTER_DECLARE(provider, name, doc, type); \
	SIDE_JMP_EVENT_DEFINE_I_(32, SIDE_JMP_IS_COUNTER, NULL, \
		provider##_side_jmp_##name, #provider, #name, doc, 1, \
		(type, value), ~)

/* The same, for the other files of the same object; goes into a header. */
#define SIDE_JMP_COUNTER_DECLARE(provider, name, doc, type) \
	SIDE_JMP_EVENT_DECLARE_(32, 1, provider, name, doc, (type, value), ~)

/* It is `value` now. */
#define side_jmp_counter(provider, name, value) \
	side_jmp_event(provider, name, value)

#endif /* SIDE_JMP_SPAN_H */
