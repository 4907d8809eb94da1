/* SPDX-License-Identifier: MIT */
/*
 * SITES sites of 1,000 keys in functions of ten, for x86-64, by hand: a
 * compiler takes minutes for so many.
 */
#ifndef SITES
#define SITES 100000
#endif

	.altmacro

	.macro one_site number
	jmp check_\number		/* e9: it is in another section */
back_\number:
	.pushsection side_jmp, "a", @progbits
	.balign 4
	.long back_\number - 5 - .
	.long check_\number - .
	.long keys + 32 * (\number % 1000) - .
	.byte 1, 0, 0, 0
	.popsection
	.pushsection .text.unlikely, "ax", @progbits
check_\number:
	cmpl $0, keys + 32 * (\number % 1000)(%rip)
	je back_\number
	jmp back_\number
	.popsection
	.endm

	.macro function number
	.globl function_\number
	.type function_\number, @function
function_\number:
	.pushsection .text.unlikely, "ax", @progbits
	.type function_\number\().cold, @function
function_\number\().cold:
	.popsection
	.rept 10
	one_site %site
	.set site, site + 1
	.endr
	ret
	.size function_\number, . - function_\number
	.pushsection .text.unlikely, "ax", @progbits
	.size function_\number\().cold, . - function_\number\().cold
	.popsection
	.endm

	.text
	.set site, 0
	.rept SITES / 10
	function %site
	.endr

	.globl main
	.type main, @function
main:	xor %eax, %eax
	ret
	.size main, . - main

	.data
	.balign 8
	.macro key number
	.quad 0
	.long 0
	.short 1
	.byte 32, 0
	.quad 0, name_\number
	.pushsection .rodata.str, "a", @progbits
name_\number:
	.asciz "key_\number"
	.popsection
	.endm
	.set n, 0
keys:
	.rept 1000
	key %n
	.set n, n + 1
	.endr
	.section .note.GNU-stack, "", @progbits
