/* SPDX-License-Identifier: MIT */
/*
 * 100,000 armed sites, 16 bytes apart, of one key.  x86-64.
 */
	.text
	.balign 4096
big_sites:
	.rept 100000
	.byte 0xe9
	.long big_check - . - 4
	.skip 11, 0x90
	.endr
big_check:
	ret

	.section side_jmp, "a", @progbits
	.balign 4
	.set big_at, 0
	.rept 100000
	.long big_sites + big_at - .
	.long big_check - .
	.long big_key - .
	.byte 1, 0, 0, 0
	.set big_at, big_at + 16
	.endr
	.section .note.GNU-stack, "", @progbits
