/* SPDX-License-Identifier: MIT */
/* The same events for LTTng-UST, as its manual (lttng-ust(3)) shows it. */
#undef LTTNG_UST_TRACEPOINT_PROVIDER
#define LTTNG_UST_TRACEPOINT_PROVIDER side_jmp_bench
#undef LTTNG_UST_TRACEPOINT_INCLUDE
#define LTTNG_UST_TRACEPOINT_INCLUDE "bench/events_lttng.h"

#if !defined(EVENTS_LTTNG_H) || defined(LTTNG_UST_TRACEPOINT_HEADER_MULTI_READ)
#define EVENTS_LTTNG_H

#include <stdint.h>
#include <lttng/tracepoint.h>

LTTNG_UST_TRACEPOINT_EVENT(side_jmp_bench, off,
	LTTNG_UST_TP_ARGS(uint32_t, a, uint64_t, b, const char *, s),
	LTTNG_UST_TP_FIELDS(
		lttng_ust_field_integer(uint32_t, a, a)
		lttng_ust_field_integer(uint64_t, b, b)
		lttng_ust_field_string(s, s)))

LTTNG_UST_TRACEPOINT_EVENT(side_jmp_bench, on,
	LTTNG_UST_TP_ARGS(uint32_t, a, uint64_t, b, const char *, s),
	LTTNG_UST_TP_FIELDS(
		lttng_ust_field_integer(uint32_t, a, a)
		lttng_ust_field_integer(uint64_t, b, b)
		lttng_ust_field_string(s, s)))

#endif

#include <lttng/tracepoint-event.h>
