/* SPDX-License-Identifier: MIT */
/*
 * What a user writes with every macro of side_jmp.h (and, with -DEVENTS, of
 * side_jmp_event.h), in words that every standard and every warning lets pass:
 * C99 and C++11.  This is what a header of theirs would declare.
 */
#ifndef STANDARDS_H
#define STANDARDS_H

#ifdef EVENTS
#include <side_jmp_event.h>
#else
#include <side_jmp.h>
#endif

SIDE_JMP_KEY_DECLARE(std_key);
SIDE_JMP_KEY64_DECLARE(std_key64);
SIDE_JMP_KEY_EXTERN(std_shared);
SIDE_JMP_KEY64_EXTERN(std_shared64);

#ifdef EVENTS
SIDE_JMP_EVENT_DECLARE(std, declared, "Declared and defined", (u32, n));
SIDE_JMP_EVENT64_DECLARE(std, declared64, "", (u32, n));
SIDE_JMP_EVENT_WIDE_DECLARE(std, declared_wide, "", (u32, n));
SIDE_JMP_EVENT64_WIDE_DECLARE(std, declared64_wide, "", (u32, n));
SIDE_JMP_SPAN_DECLARE(std, declared_span, "", (u32, n));
SIDE_JMP_COUNTER_DECLARE(std, declared_counter, "", double);
#endif

#endif
