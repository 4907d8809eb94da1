/* SPDX-License-Identifier: MIT */
/*
 * A site of our own, in our own text and in no object's table.  The runtime
 * patches it both ways and runs it before it believes that patching works here:
 * a translator such as valgrind or qemu-user goes on running what it translated
 * before.
 */
#include "runtime/sites/sites.h"

#if SIDE_JMP_ARCH_HAS_SITES

extern const struct side_jmp_record sj_probe_place
	__attribute__((visibility("hidden")));

/* The kernel tests it; the probe itself does not. */
__attribute__((visibility("hidden"), used)) uint32_t sj_probe_word;

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
		"	.long sj_probe_word - .\n"
		"	.byte 1, 0, 0, 0\n"
		"	.popsection\n"
		: : : SIDE_JMP_ARCH_JUMP_CLOBBERS : side_jmp_check);
	return 0;
side_jmp_check:
	return 1;
}

const struct side_jmp_record *sj_probe_record(uint32_t **word)
{
	*word = &sj_probe_word;
	return &sj_probe_place;
}

#else

/* Never called: the generic port names no machine. */
int sj_probe(void)
{
	return 1;
}

const struct side_jmp_record *sj_probe_record(uint32_t **word)
{
	*word = NULL;
	return NULL;
}

#endif
