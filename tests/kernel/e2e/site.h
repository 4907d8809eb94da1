/* SPDX-License-Identifier: MIT */
/*
 * The forms of an inline site, as a reader of /proc/PID/mem sees them, and a
 * breakpoint that is not the kernel's: see arch/ARCH/arch.c.
 */
#ifndef E2E_SITE_H
#define E2E_SITE_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* What changes; a site's first bytes. */
#if defined(__x86_64__)
typedef uint8_t site_op;
enum { SITE_IDLE = 0xa9, SITE_ARMED = 0xe9, SITE_ARMED_MASK = 0xff,
       SITE_BREAKPOINT = 0xcc };
#elif defined(__aarch64__)
typedef uint32_t site_op;
#define SITE_IDLE	0xd503201fu	/* nop */
#define SITE_ARMED	0x14000000u	/* b */
#define SITE_ARMED_MASK	0xfc000000u
#define SITE_BREAKPOINT	0xd4200000u	/* brk #0 */
#endif

static inline site_op site_read(const void *site)
{
	site_op op;

	memcpy(&op, site, sizeof(op));
	return op;
}

static inline bool site_is_idle(const void *site)
{
	return site_read(site) == SITE_IDLE;
}

static inline bool site_is_armed(const void *site)
{
	return (site_read(site) & SITE_ARMED_MASK) == SITE_ARMED;
}

#endif
