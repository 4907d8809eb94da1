/* SPDX-License-Identifier: MIT */
/*
 * Calls that the compiler does not see, riscv64: the other side of
 * SIDE_JMP_ARCH_CALL in site.h, which says what stands on the stack.
 *
 * side_jmp_call_<n>() calls the function with the n values as its arguments and
 * returns with every register as it was: general ones, those of floating point, and
 * vectors in all the width that the processor has, with vl, vtype, vstart and vcsr,
 * for the code around may have been compiled for more than this file.  Not saved:
 * what the ABI has every function keep (frm); fflags, which add up.
 */
#include "arch/arch.h"	/* which declares something, if not this port */
#include "arch/thunk.h"

#if defined(__riscv) && SIDE_JMP_ARCH_HAS_CALL
#include <errno.h>
#include <sys/auxv.h>
#include <sys/prctl.h>

/* Which vectors there are, or 0 before somebody has looked. */
#define SJ_CALL_NONE	1
#define SJ_CALL_V	2

int sj_call_class __attribute__((visibility("hidden")));
void sj_call_look(void) __attribute__((visibility("hidden"), used, constructor));

/*
 * Linux, Documentation/arch/riscv/vector.rst: AT_HWCAP has the V bit, and
 * PR_RISCV_V_GET_CONTROL's lowest two bits are 1 where the thread may not use
 * vectors all the same.  A system call loses what is in them, so this is done before
 * main(), and a thread that goes another way than the first has to say so before
 * it emits: its vectors are not kept, or it gets the SIGILL of who uses them.
 */
void sj_call_look(void)
{
	int before = errno, how = SJ_CALL_NONE, control;

	if (getauxval(AT_HWCAP) >> ('V' - 'A') & 1) {
		control = prctl(70, 0, 0, 0, 0);
		if (control < 0 || (control & 3) != 1)
			how = SJ_CALL_V;
	}
	__atomic_store_n(&sj_call_class, how, __ATOMIC_RELAXED);
	errno = before;
}

/*
 * In a child of fork() Linux (6.12) has turned V off, and a handler of a signal that
 * struck in an event, where V was on, can't return: restore_sigcontext() refuses a
 * frame with vectors, which is a SIGSEGV.  The first instruction of V turns it on.
 * (A child of _Fork() has to do so itself.)
 */
void sj_call_after_fork(void)
{
	unsigned long length;

	if (__atomic_load_n(&sj_call_class, __ATOMIC_RELAXED) == SJ_CALL_V)
		__asm__ volatile ("csrr %0, 0xc22" : "=r" (length));
}

/* CSRs, by number for assemblers that do not know V. */
#define SJ_VSTART	"0x008"
#define SJ_VCSR		"0x00f"
#define SJ_VL		"0xc20"
#define SJ_VTYPE	"0xc21"
#define SJ_VLENB	"0xc22"

#define SJ_CALL_FLOATS(what) \
	"	.set	SJ_at, 0\n" \
	"	.irp	r, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, " \
			"17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31\n" \
	"	" what "	f\\r, SJ_at(sp)\n" \
	"	.set	SJ_at, SJ_at + 8\n" \
	"	.endr\n"

/* At t0, whose eight vectors have t1 bytes; vs8r.v and vl8re8.v. */
#define SJ_CALL_VECTORS(v0, v8, v16, v24) \
	"	.4byte	" v0 "\n" \
	"	add	t0, t0, t1\n" \
	"	.4byte	" v8 "\n" \
	"	add	t0, t0, t1\n" \
	"	.4byte	" v16 "\n" \
	"	add	t0, t0, t1\n" \
	"	.4byte	" v24 "\n"

__asm__(
"	.pushsection .text, \"ax\", %progbits\n"
/* Below s0: ra, s0; 32 of 8 bytes; vstart, vl, vtype, vcsr.  Below those: v0... */
"	.set	SJ_STATE, 16 + 32 * 8 + 4 * 8\n"

/* t3: the function; a0, a1...: its arguments. */
"	.globl	sj_call_saving_vectors\n"
"	.hidden	sj_call_saving_vectors\n"
"	.type	sj_call_saving_vectors, %function\n"
"	.p2align 2\n"
"sj_call_saving_vectors:\n"
"	.cfi_startproc\n"
"	addi	sp, sp, -16 - 32 * 8\n"
"	.cfi_def_cfa_offset 16 + 32 * 8\n"
"	sd	ra, 32 * 8 + 8(sp)\n"
"	.cfi_offset ra, -8\n"
"	sd	s0, 32 * 8(sp)\n"
"	.cfi_offset s0, -16\n"
"	addi	s0, sp, 16 + 32 * 8\n"
"	.cfi_def_cfa s0, 0\n"
	SJ_CALL_FLOATS("fsd")
"sj_call_by_class:\n"
"	lw	t0, sj_call_class\n"
"	addi	t0, t0, -2\n"
"	beqz	t0, sj_call_v\n"
"	addi	t0, t0, 1\n"
"	bnez	t0, sj_call_look_first\n"
"	jalr	t3\n"
"sj_call_end:\n"
"	addi	sp, s0, -16 - 32 * 8\n"
"	.cfi_remember_state\n"
"	.cfi_def_cfa sp, 16 + 32 * 8\n"
	SJ_CALL_FLOATS("fld")
"	ld	s0, 32 * 8(sp)\n"
"	.cfi_restore s0\n"
"	ld	ra, 32 * 8 + 8(sp)\n"
"	.cfi_restore ra\n"
"	addi	sp, sp, 16 + 32 * 8\n"
"	.cfi_def_cfa_offset 0\n"
"	ret\n"
"	.cfi_restore_state\n"

/* A whole register's load begins at vstart, too.  vsetvl sets that to 0. */
"sj_call_v:\n"
"	addi	sp, s0, -SJ_STATE\n"
"	csrr	t0, " SJ_VSTART "\n"
"	sd	t0, 0(sp)\n"
"	csrr	t0, " SJ_VL "\n"
"	sd	t0, 8(sp)\n"
"	csrr	t0, " SJ_VTYPE "\n"
"	sd	t0, 16(sp)\n"
"	csrr	t0, " SJ_VCSR "\n"
"	sd	t0, 24(sp)\n"
"	csrw	" SJ_VSTART ", zero\n"
"	csrr	t1, " SJ_VLENB "\n"
"	slli	t0, t1, 5\n"
"	slli	t1, t1, 3\n"
"	sub	sp, sp, t0\n"
"	mv	t0, sp\n"
	SJ_CALL_VECTORS("0xe2828027", "0xe2828427", "0xe2828827", "0xe2828c27")
"	jalr	t3\n"
"	csrr	t1, " SJ_VLENB "\n"
"	slli	t1, t1, 3\n"
"	csrw	" SJ_VSTART ", zero\n"
"	mv	t0, sp\n"
	SJ_CALL_VECTORS("0xe2828007", "0xe2828407", "0xe2828807", "0xe2828c07")
"	addi	t3, s0, -SJ_STATE\n"
"	ld	t1, 8(t3)\n"
"	ld	t2, 16(t3)\n"
"	.4byte	0x80737057\n"	/* vsetvl zero, t1, t2 */
"	ld	t0, 24(t3)\n"
"	csrw	" SJ_VCSR ", t0\n"
"	ld	t0, 0(t3)\n"
"	csrw	" SJ_VSTART ", t0\n"
"	j	sj_call_end\n"

/* Somebody's constructor, before this library's. */
"sj_call_look_first:\n"
"	addi	sp, sp, -64\n"
"	.set	SJ_at, 0\n"
"	.irp	r, t3, a0, a1, a2, a3, a4, a5\n"
"	sd	\\r, SJ_at(sp)\n"
"	.set	SJ_at, SJ_at + 8\n"
"	.endr\n"
"	call	sj_call_look\n"
"	.set	SJ_at, 0\n"
"	.irp	r, t3, a0, a1, a2, a3, a4, a5\n"
"	ld	\\r, SJ_at(sp)\n"
"	.set	SJ_at, SJ_at + 8\n"
"	.endr\n"
"	addi	sp, sp, 64\n"
"	j	sj_call_by_class\n"
"	.cfi_endproc\n"
"	.size	sj_call_saving_vectors, . - sj_call_saving_vectors\n"
"	.popsection\n");

/* Arguments: the psABI's integer calling convention.  Those that nobody gave are
   whatever is there. */
SJ_THUNKS(
"	sj_thunk side_jmp_call_\n"
"	ld	t3, 8(s0)\n"
"	ld	a0, 16(s0)\n"
"	ld	a1, 24(s0)\n"
"	ld	a2, 32(s0)\n"
"	ld	a3, 40(s0)\n"
"	ld	a4, 48(s0)\n"
"	ld	a5, 56(s0)\n"
"	call	sj_call_saving_vectors\n"
"	sj_thunk_end side_jmp_call_\n")

#endif
