/* SPDX-License-Identifier: MIT */
/*
 * The site of riscv64.  arch.c beside it owns the same words as functions and
 * says what the manual promises (little) about changing them.
 *
 *   inline, dense   armed  0000006f | imm20       jal  x0,check
 *                   idle   00000013               nop  (addi x0,x0,0)
 *   wide, 32 bits   armed  0002a283 | imm << 20   lw   t0,%pcrel_lo(key)(t0)
 *   wide, 64 bits   armed  0002b283 | imm << 20   ld   t0,%pcrel_lo(key)(t0)
 *   wide            idle   00000293               li   t0,0
 *
 * Always the 4-byte form at an aligned address, also among compressed
 * instructions.  The alignment comes before norvc: under norvc the assembler
 * takes everything to be aligned already and emits no padding.
 *
 * Reach: jal has 1 MiB, and a jump that does not reach fails to link.  So the
 * check block stays in its function's own section, and the dense section,
 * which may be anywhere, has far jumps of its own.
 */
#ifndef SIDE_JMP_ARCH_RISCV64_SITE_H
#define SIDE_JMP_ARCH_RISCV64_SITE_H

#define SIDE_JMP_ARCH_NAME		riscv64
#define SIDE_JMP_ARCH_HAS_SITES		1

#define SIDE_JMP_ARCH_ALIGN		"	.balign 4\n"
#define SIDE_JMP_RISCV64_JAL(to)					\
	"	.option push\n"						\
	"	.option norvc\n"					\
	"	jal x0, " to "\n"					\
	"	.option pop\n"
#define SIDE_JMP_ARCH_JUMP_SITE	SIDE_JMP_RISCV64_JAL("%l[side_jmp_check]")
#define SIDE_JMP_ARCH_JUMP_CLOBBERS
#define SIDE_JMP_ARCH_JUMP_IS_SHORT	1

/* auipc and jalr: 2 GiB. */
#define SIDE_JMP_ARCH_JUMP_TO(at)	"	jump " at ", t1\n"
#define SIDE_JMP_ARCH_DENSE_SITE(back)					\
	SIDE_JMP_RISCV64_JAL(SIDE_JMP_ARCH_DENSE_CHECK)			\
	SIDE_JMP_ARCH_JUMP_TO(back)					\
	SIDE_JMP_ARCH_DENSE_CHECK ":\n"					\
	SIDE_JMP_ARCH_JUMP_TO("%l[side_jmp_check]")
#define SIDE_JMP_ARCH_DENSE_CHECK	".Lside_jmp_far%="
#define SIDE_JMP_ARCH_DENSE_CLOBBERS	"t1"

/* norelax: the linker must leave the pair as it is. */
#define SIDE_JMP_ARCH_WIDE_SITE(at)					\
	"	.option push\n"						\
	"	.option norvc\n"					\
	"	.option norelax\n"					\
	".Lside_jmp_hi%=:\n"						\
	"	auipc t0, %%pcrel_hi(%[side_jmp_key])\n"				\
	at ":\n"							\
	"	.if %c[side_jmp_flags] & 2\n"					\
	"	ld t0, %%pcrel_lo(.Lside_jmp_hi%=)(t0)\n"		\
	"	.else\n"						\
	"	lw t0, %%pcrel_lo(.Lside_jmp_hi%=)(t0)\n"		\
	"	.endif\n"						\
	"	.option pop\n"						\
	"	bnez t0, %l[side_jmp_check]\n"
#define SIDE_JMP_ARCH_WIDE_CLOBBERS	"t0"
#define SIDE_JMP_ARCH_WIDE_IS_SHORT	1

#define SIDE_JMP_ARCH_KEY_CONSTRAINT	"i"

/*
 * A call that the compiler does not see: room on the stack for the function or
 * event at 8 and the values from 16 on, then a jump to the thunk with the place to
 * come back to in t0, the alternate link register, for a leaf function's return
 * address is in ra.  By way of t2, which wants no landing pad (Zicfilp).  The
 * thunks keep doubles; code and library without them (or with quads) make ordinary
 * calls.
 */
#if defined(__riscv_flen) && !defined(__riscv_32e) && !defined(__riscv_64e)
#if __riscv_flen == 64
#define SIDE_JMP_ARCH_HAS_CALL	1
#endif
#endif
#define SIDE_JMP_ARCH_CALL(thunk, slots, f)				\
	"	addi sp, sp, -64\n"					\
	slots f								\
	".Lside_jmp_got%=:\n"						\
	"	auipc t2, %%got_pcrel_hi(" thunk ")\n"			\
	"	ld t2, %%pcrel_lo(.Lside_jmp_got%=)(t2)\n"		\
	"	jalr t0, 0(t2)\n"					\
	"	addi sp, sp, 64\n"
/* The stack pointer has moved. */
#define SIDE_JMP_RISCV64_STORE(operand, at)				\
	"	.ifc \"" operand "\", \"sp\"\n"				\
	"	addi t0, sp, 64\n"					\
	"	sd t0, " at "(sp)\n"					\
	"	.else\n"						\
	"	sd " operand ", " at "(sp)\n"				\
	"	.endif\n"
#define SIDE_JMP_ARCH_CALL_SLOT(n)					\
	SIDE_JMP_RISCV64_STORE("%z[side_jmp_" n "]", "8 + 8 * " n)
#define SIDE_JMP_ARCH_CALL_SYMBOL					\
	".Lside_jmp_f%=:\n"						\
	"	auipc t0, %%pcrel_hi(%[side_jmp_f])\n"			\
	"	ld t0, %%pcrel_lo(.Lside_jmp_f%=)(t0)\n"			\
	"	sd t0, 8(sp)\n"
#define SIDE_JMP_ARCH_CALL_VALUE					\
	"	sd %[side_jmp_f], 8(sp)\n"
#define SIDE_JMP_ARCH_CALL_CONSTRAINT	"rJ"
#define SIDE_JMP_ARCH_CALL_CLOBBERS	"t0", "t2"
/* Integers of 32 bits are sign-extended, unsigned ones, too. */
#define SIDE_JMP_ARCH_CALL_WORD(value)					\
	(sizeof(value) == 4 ? (uint64_t)(int32_t)(uint64_t)(value)	\
			    : (uint64_t)(value))

#endif
