/* SPDX-License-Identifier: MIT */
/*
 * x86-64's layout nop: an armed site is two instructions and an idle one is
 * one.  A thread steps through a site by the trap flag; in the handler of a
 * chosen step the key changes, under its feet.  It has to go where the key says.
 */
#define SIDE_JMP_LAYOUT_NOP
#include <signal.h>
#include <string.h>
#include <ucontext.h>

#include <side_jmp.h>

#include "arch/arch.h"
#include "tests/expect.h"
#include "tests/tap.h"

#if !defined(__x86_64__)

int main(void)
{
	tap_skip("nop_steps", "a site is one instruction here");
	return tap_done();
}

#else

SIDE_JMP_KEY(key);

enum { TRAP_FLAG = 0x100, NEVER = -1 };

__attribute__((noinline)) static int taken(void)
{
	return side_jmp_unlikely(key) ? 1 : 0;
}

static uintptr_t site(void)
{
	const struct side_jmp_record *r = side_jmp_this_object.start;

	return (uintptr_t)&r->site + (uintptr_t)(intptr_t)r->site;
}

static enum side_jmp_state state(void)
{
	struct side_jmp_insn insn = { .site = site(), .layout = SIDE_JMP_NOP };

	return side_jmp_arch_host()->decode(&insn, (const uint8_t *)site(), 8);
}

/* ---- steps -------------------------------------------------------------- */

static int at;				/* of the site: where to act */
static void (*act)(void);
static volatile int acted, failed;
static volatile unsigned stops;		/* bit b: byte b of the site was one */

static void on_trap(int signal, siginfo_t *info, void *context)
{
	ucontext_t *c = context;
	uintptr_t from = (uintptr_t)c->uc_mcontext.gregs[REG_RIP] - site();

	(void)signal;
	(void)info;
	if (from <= 8)
		stops |= 1u << from;
	if ((int)from != at || acted)
		return;
	acted = 1;
	act();
}

/* Sets and clears the flag around the call: each instruction traps. */
static int stepped(int where, void (*what)(void))
{
	int r;

	at = where;
	act = what;
	acted = 0;
	stops = 0;
	__asm__ volatile ("pushfq\n"
			  "orl %0, (%%rsp)\n"
			  "popfq" : : "i" (TRAP_FLAG) : "cc", "memory");
	r = taken();
	__asm__ volatile ("pushfq\n"
			  "andl %0, (%%rsp)\n"
			  "popfq" : : "i" (~TRAP_FLAG) : "cc", "memory");
	return r;
}

/* ---- what happens meanwhile --------------------------------------------- */

static void nothing(void)
{
}

static void enable(void)
{
	failed |= side_jmp_enable(&key) || state() != SIDE_JMP_ARMED;
}

static void disable(void)
{
	failed |= side_jmp_disable(&key) || state() != SIDE_JMP_IDLE;
}

static void disable_and_enable(void)
{
	disable();
	enable();
}

static void enable_and_disable(void)
{
	enable();
	disable();
}

/* ---- cases -------------------------------------------------------------- */

static bool goes(int where, void (*what)(void), int expected)
{
	int r = stepped(where, what);

	if (r == expected && acted && !failed)
		return true;
	tap_note("at %d: %d, expected %d; %sacted%s, stops %#x", where, r,
		 expected, acted ? "" : "not ", failed ? ", and failed" : "",
		 stops);
	return false;
}

static void idle_ones(void)
{
	bool on, off;

	tap_ok(goes(0, nothing, 0) && stops == 0x101,
	       "nop_steps_idle_is_one_instruction");
	on = goes(0, enable, 1) && stops & 8;
	off = !side_jmp_disable(&key);
	tap_ok(on && off, "nop_steps_enabled_at_its_beginning");
	tap_ok(goes(0, enable_and_disable, 0), "nop_steps_flipped_at_its_beginning");
	tap_ok(goes(8, enable, 0), "nop_steps_enabled_behind_it");
}

static void armed_ones(void)
{
	tap_ok(goes(0, nothing, 1) && stops == 0x9,
	       "nop_steps_armed_is_two_instructions");
	tap_ok(goes(0, disable_and_enable, 1),
	       "nop_steps_flipped_at_the_beginning_of_two");
	tap_ok(goes(3, disable_and_enable, 1), "nop_steps_flipped_between_the_two");
	tap_ok(goes(3, disable, 0) && state() == SIDE_JMP_IDLE,
	       "nop_steps_disabled_between_the_two");
	tap_ok(!side_jmp_enable(&key) && goes(0, disable, 0) && stops & 0x100,
	       "nop_steps_disabled_at_the_beginning_of_two");
}

int main(void)
{
	struct sigaction trap = { .sa_sigaction = on_trap,
				  .sa_flags = SA_SIGINFO };

	if (!expect_patching()) {
		tap_skip("nop_steps", "nobody patches");
		return tap_done();
	}
	sigaction(SIGTRAP, &trap, NULL);
	idle_ones();
	armed_ones();
	tap_ok(!failed, "nop_steps_keys_followed");
	return tap_done();
}

#endif
