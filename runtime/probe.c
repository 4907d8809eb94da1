/* SPDX-License-Identifier: MIT */
/*
 * A site of our own, in our own text and in no table.  The runtime patches it
 * both ways and runs it before it believes that patching works here: a
 * translator such as valgrind or qemu-user goes on running what it translated
 * before.
 */
#include "internal.h"

#if SIDE_JMP_ARCH_HAS_SITES

extern const int32_t sj_probe_place[2] __attribute__((visibility("hidden")));

/* As in side_jmp.h: the compiler must keep a block that only the asm names. */
__attribute__((noinline, used))
int sj_probe(void)
{
	__asm__ goto (
		SIDE_JMP_ARCH_ALIGN
		".Lsj_probe_site:\n"
		SIDE_JMP_ARCH_JUMP_SITE
		"	.pushsection .rodata\n"
		"	.balign 4\n"
		"	.globl sj_probe_place\n"
		"	.hidden sj_probe_place\n"
		"sj_probe_place:\n"
		"	.long .Lsj_probe_site - .\n"
		"	.long %l[side_jmp_check] - .\n"
		"	.popsection\n"
		: : : SIDE_JMP_ARCH_JUMP_CLOBBERS : side_jmp_check);
	return 0;
side_jmp_check:
	return 1;
}

static uint64_t place(unsigned i)
{
	return (uintptr_t)&sj_probe_place[i] +
	       (uintptr_t)(intptr_t)sj_probe_place[i];
}

void sj_probe_site(struct side_jmp_insn *insn)
{
	insn->site = place(0);
	insn->target = place(1);
}

#else

/* Never called: the generic port names no machine. */
int sj_probe(void)
{
	return 1;
}

void sj_probe_site(struct side_jmp_insn *insn)
{
	(void)insn;
}

#endif
