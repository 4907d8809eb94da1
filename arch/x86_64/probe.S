/* SPDX-License-Identifier: MIT */
/*
 * int side_jmp_probe(void): a site of our own, in our own text.  Armed it
 * returns 1, idle it returns 0.  The runtime patches it both ways and runs it
 * before it believes that patching works here (a translator such as valgrind
 * or qemu-user goes on running what it translated before).
 */
#ifdef __CET__
#include <cet.h>
#endif

	.text
	.balign 64
	.globl side_jmp_probe
	.hidden side_jmp_probe
	.type side_jmp_probe, @function
side_jmp_probe:
	.cfi_startproc
	.byte 0xe9
	.long 1f - . - 4
	xorl %eax, %eax
	ret
1:	movl $1, %eax
	ret
	.cfi_endproc
	.size side_jmp_probe, . - side_jmp_probe
	.globl side_jmp_probe_check
	.hidden side_jmp_probe_check
	.set side_jmp_probe_check, 1b

	.section .note.GNU-stack, "", @progbits
