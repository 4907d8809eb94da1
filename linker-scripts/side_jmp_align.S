/* SPDX-License-Identifier: MIT */
/*
 * Pages of their own for the sites of the dense layout, for linkers that take
 * no side_jmp.ld (gold, mold).  Link it behind every object with sites:
 *
 *	cc ... side_jmp_align.S -lside_jmp
 *
 * Its alignment is the section's, so the sites begin on a page; what it holds
 * fills the last page of the sites and one more, which nobody ever touches.
 * The section stays in the segment of the other code.
 */
#ifdef __CET__
#include <cet.h>	/* without the note the linker drops the program's */
#endif

/* As large as the architecture's pages may be. */
#if defined(__aarch64__) || defined(__powerpc64__)
#define PAGE	65536
#else
#define PAGE	4096
#endif

#ifdef __riscv
	.option norelax		/* or the alignment is a page of no-ops */
#endif
	.section side_jmp_modify_code, "axR", @progbits
	.balign PAGE
	.fill PAGE, 1, 0xcc
	.section .note.GNU-stack, "", @progbits
