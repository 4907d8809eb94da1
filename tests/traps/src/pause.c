/* SPDX-License-Identifier: MIT */
/*
 * A program for a debugger: stops where a script puts breakpoints on its one
 * site and takes them away, and says in between what the library sees.
 */
#include <stdio.h>

#include <side_jmp.h>

SIDE_JMP_KEY(key);

enum { FEW = 10 };	/* passes while the debugger stops at each */

__attribute__((noinline)) static int passes(int n)
{
	int hits = 0;

	for (int i = 0; i < n; i++)
		hits += side_jmp_unlikely(key);
	return hits;
}

static void say(const char *when, int n, int result)
{
	struct side_jmp_info i;

	side_jmp_get_info(&i, sizeof(i));
	printf("%s: returned %d, armed %d, idle %d, foreign %d, refused %d,"
	       " hits %d\n", when, result, (int)i.armed, (int)i.idle,
	       (int)i.foreign, (int)i.refused, passes(n));
	fflush(stdout);
}

/* Where the script stops. */
#define STOP(name) \
	__attribute__((noinline)) void name(void); \
	void name(void) { __asm__ volatile("" ::: "memory"); }
STOP(stop_started)
STOP(stop_idle)
STOP(stop_enabled)
STOP(stop_armed)
STOP(stop_disabled)
STOP(stop_done)

int main(void)
{
	say("broken before it went idle", FEW, 0);
	say("enabled meanwhile", FEW, side_jmp_enable(&key));
	say("disabled meanwhile", FEW, side_jmp_disable(&key));
	stop_started();
	say("removed, synced", 1000, side_jmp_sync(&key));
	say("then enabled", 1000, side_jmp_enable(&key));
	say("then disabled", 1000, side_jmp_disable(&key));

	stop_idle();
	say("broken while idle, enabled", FEW, side_jmp_enable(&key));
	stop_enabled();
	say("removed after enable, synced", 1000, side_jmp_sync(&key));

	stop_armed();
	say("broken while armed, disabled", FEW, side_jmp_disable(&key));
	stop_disabled();
	say("removed after disable, enabled", 1000, side_jmp_enable(&key));
	say("at last disabled", 1000, side_jmp_disable(&key));
	stop_done();
	return 0;
}
