// ldflags: -Wl,-z,muldefs
/* SPDX-License-Identifier: MIT */
/*
 * r16 to r31, of processors with APX, are kept around what an event or a call
 * comes to.  Where there are none, push and pop of them, which is all that the
 * library and this test do with them, are done by a signal handler.
 *
 * It has the thunks' other half, call.c, in itself, to tell it that there are some.
 */
#include <side_jmp_event.h>

#include <string.h>

#include "tests/tap.h"

#if defined(__x86_64__)

#include <cpuid.h>
#include <signal.h>
#include <ucontext.h>

#include "arch/x86_64/call.c"

extern unsigned sj_call_class __attribute__((visibility("hidden")));

enum { N = 16, HAS_APX = 8 };	/* SJ_CALL_APX */

SIDE_JMP_EVENT(apx, event, "An event", (u32, n));
SIDE_JMP_KEY(key);

static unsigned long emulated[N];
static volatile int emulations, seen;

/* REX2, then push or pop: d5, 10 or 11, 50 to 57 or 58 to 5f. */
static void on_ill(int sig, siginfo_t *info, void *context)
{
	greg_t *regs = ((ucontext_t *)context)->uc_mcontext.gregs;
	const unsigned char *ip = (const unsigned char *)regs[REG_RIP];
	unsigned long **sp = (unsigned long **)&regs[REG_RSP];
	unsigned r = (ip[1] & 1u) * 8 + (ip[2] & 7u);

	(void)info;
	if (ip[0] != 0xd5 || (ip[1] & 0xfe) != 0x10 || (ip[2] & 0xf0) != 0x50) {
		signal(sig, SIG_DFL);
		return;
	}
	emulations++;
	if (ip[2] & 8)
		emulated[r] = *(*sp)++;
	else
		*--*sp = emulated[r];
	regs[REG_RIP] += 3;
}

#define ONE(r)	" .byte 0xd5, 0x10 + " #r " / 8, "
#define EACH(what) \
	what(0) what(1) what(2) what(3) what(4) what(5) what(6) what(7) \
	what(8) what(9) what(10) what(11) what(12) what(13) what(14) what(15)

/* Below what a function keeps there without saying so. */
#define OFF_RED_ZONE(text) \
	"lea -128(%%rsp), %%rsp\n" text "lea 128(%%rsp), %%rsp\n"

static void set(const unsigned long to[N])
{
#define SET(r)	"pushq 8 * " #r "(%0)\n" ONE(r) "0x58 + " #r " %% 8\n"
	__asm__ volatile (OFF_RED_ZONE(EACH(SET)) : : "r" (to) : "memory");
}
static void get(unsigned long from[N])
{
#define GET(r)	ONE(r) "0x50 + " #r " %% 8\n popq 8 * " #r "(%0)\n"
	__asm__ volatile (OFF_RED_ZONE(EACH(GET)) : : "r" (from) : "memory");
}

/* As a function may that is compiled for APX. */
static void destroy(void)
{
	static const unsigned long rubbish[N];

	seen++;
	set(rubbish);
}
static void callback(const struct side_jmp_event *event,
		     const struct side_jmp_value values[], void *data)
{
	(void)event; (void)data;
	if (values[0].u64 == 7)
		destroy();
}

__attribute__((noinline)) static void emit(void)
{
	side_jmp_event(apx, event, 7);
}
__attribute__((noinline)) static void call(void)
{
	side_jmp_call(key, destroy);
}

static bool kept(void (*by)(void))
{
	unsigned long before[N], after[N];

	for (unsigned long i = 0; i < N; i++)
		before[i] = 0x1111111111111111ul * (i + 1);
	set(before);
	by();
	get(after);
	return !memcmp(before, after, sizeof(before));
}

/* What the processor and the system say of it. */
static bool has_apx(void)
{
	unsigned a, b, c, d, state;

	if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & bit_OSXSAVE))
		return false;
	__asm__ volatile ("xgetbv" : "=a" (state), "=d" (d) : "c" (0));
	return (state >> 19 & 1) && __get_cpuid_count(7, 0, &a, &b, &c, &d) && a &&
	       __get_cpuid_count(7, 1, &a, &b, &c, &d) && (d >> 21 & 1);
}

int main(void)
{
	struct sigaction emulator = { .sa_flags = SA_SIGINFO };
	struct side_jmp_tracer *tracer;

	emulator.sa_sigaction = on_ill;
	sigaction(SIGILL, &emulator, NULL);
	if (side_jmp_tracer_register(&tracer, "apx:*", callback, NULL) ||
	    side_jmp_enable(&key))
		return 1;
	call();
	emit();		/* a thread's first blocks signals for a moment */
	tap_ok(sj_call_class, "apx_somebody_has_looked");
	tap_equal(!!(sj_call_class & HAS_APX), has_apx(), "apx_is_seen");
	sj_call_class |= HAS_APX;
	seen = 0;
	tap_ok(kept(call), "apx_registers_are_kept_around_a_call");
	tap_ok(kept(emit), "apx_registers_are_kept_around_an_event");
	tap_ok(!kept(destroy), "apx_registers_are_destroyed_by_who_does");
	tap_equal(seen, 3, "apx_all_were_called");
	tap_equal(emulations > 0, !has_apx(), "apx_is_emulated_where_there_is_none");
	side_jmp_tracer_unregister(tracer);
	return tap_done();
}

#else

int main(void)
{
	tap_skip("apx", "only x86-64 has it");
	return tap_done();
}

#endif
