/* SPDX-License-Identifier: MIT */
/*
 * x86-64: encode and decode the two forms of a site.  See site.h for the
 * bytes.
 *
 * What the manuals say of storing one of these bytes while another core
 * executes there: AMD's allows it (APM vol. 2, 7.6.1, cross-modifying code:
 * a store to an instruction that is contained in one aligned quadword is seen
 * old or new).  Intel's asks for a serializing instruction on the executing
 * core before it runs the modified code (SDM vol. 3, 8.1.3) and promises
 * nothing for code that is modified without; side_jmp(7) says what we make of
 * that.
 *
 *
 * THE LAYOUT NOP: two instructions that become one
 *
 *   armed   0f 1f 00 | e9 rel32   ModRM 00 (mod 00, r/m 000): the operand is
 *                                 (%rax), and the instruction ends; behind it
 *                                 stands a jump
 *   idle    0f 1f 84 e9 rel32     ModRM 84 (mod 10, r/m 100): a SIB byte and a
 *                                 disp32 follow, the jump's opcode and its
 *                                 rel32.  SIB e9: base %rcx, index %rbp, by 8
 *
 * 0f 1f /0 is the multi-byte NOP: whatever its operand, it issues no memory
 * operation and changes neither registers nor flags (Intel SDM vol. 2, NOP;
 * ModRM and SIB: vol. 2, 2.1.5, tables 2-2 and 2-3; AMD APM vol. 3, NOP, and 1.4
 * for ModRM and SIB).
 *
 * A store to byte 2 moves the end of an instruction that a thread is about to
 * execute, or has just executed.  A thread whose ip is
 *   at byte 0   executes what it fetches: the one form, or the other;
 *   at byte 3   has executed the first half of an armed site and was preempted
 *               there, or stopped, by a signal or after a single step.  Bytes 3
 *               to 7 never change: it finds the jump in either state, and the
 *               check block is right for every value of the word;
 *   at byte 8   has executed an idle site.
 * No other byte of a site is ever an ip.  A core that has fetched or decoded
 * both halves of an armed site before the store is as one whose ip is at byte 3.
 *
 * A breakpoint (cc)
 *   at byte 0   changes neither what byte 2 says nor what byte 3 is.  Who steps
 *               over it executes what stands there without it, or a copy, and
 *               goes on at byte 3 or 8, as above.  A uprobe's copy is the
 *               file's instruction: armed, if the file was not prepared.
 *   at byte 3   is hit in an armed site alone.  In an idle one it is a SIB byte
 *               as good as another (base %rsp, index %rcx, by 8).
 * Either is somebody else's, and FOREIGN.  When it goes it brings back its byte,
 * which is the same in both states.  In the other layouts a uprobe that goes
 * leaves an armed site behind, and a debugger one in the state in which he found
 * it; here it is in the state in which byte 2 is: so a site that is wanted has
 * to be armed beneath it, and can be.
 */
#include <string.h>

#include "arch/arch.h"

enum {
	OP_JMP = 0xe9, OP_TEST = 0xa9,
	OP_CMP = 0x3b, PREFIX_DS = 0x3e, MODRM_EAX_RIP = 0x05, OP_ADD = 0x05,
	REX_W = 0x48, OP_INT3 = 0xcc,
	OP_NOP = 0x0f, OP_NOP_TOO = 0x1f, MODRM_RAX = 0x00, MODRM_SIB = 0x84,
	X86_NOP_MODRM = 2, X86_NOP_JUMP = 3,	/* bytes of that layout's site */
	ELF_X86_64 = 62,
};

_Static_assert(MODRM_EAX_RIP == OP_ADD,
	       "cmp's ModRM byte has to be add's opcode for one byte to toggle");

static bool x86_rel32(uint64_t from, uint64_t to, uint8_t out[4])
{
	int64_t rel = (int64_t)(to - from);

	for (int i = 0; i < 4; i++)
		out[i] = (uint8_t)((uint64_t)rel >> (8 * i));
	return rel == (int32_t)rel;
}

static int32_t x86_get32(const uint8_t *p)
{
	return (int32_t)((uint32_t)p[0] | (uint32_t)p[1] << 8 |
			 (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24);
}

static bool x86_is_wide64(const struct side_jmp_insn *insn)
{
	return insn->layout == SIDE_JMP_WIDE && insn->word64;
}

static bool x86_breakpoint(const uint8_t *bytes, size_t n)
{
	return n && memchr(bytes, OP_INT3, n);
}

static unsigned x86_patch_offset(const struct side_jmp_insn *insn)
{
	if (insn->layout == SIDE_JMP_NOP)
		return X86_NOP_MODRM;
	return x86_is_wide64(insn) ? 1 : 0;
}

static unsigned x86_second(const struct side_jmp_insn *insn)
{
	return insn->layout == SIDE_JMP_NOP ? X86_NOP_JUMP : 0;
}

static unsigned x86_encode(const struct side_jmp_insn *insn,
			   enum side_jmp_state state,
			   uint8_t bytes[SIDE_JMP_INSN_MAX])
{
	bool armed = state == SIDE_JMP_ARMED;
	unsigned n = 0;
	uint64_t to;

	switch (insn->layout) {
	case SIDE_JMP_INLINE:
	case SIDE_JMP_DENSE:
		bytes[n++] = armed ? OP_JMP : OP_TEST;
		to = insn->target;
		break;
	case SIDE_JMP_WIDE:
		if (insn->word64)
			bytes[n++] = REX_W;
		bytes[n++] = armed ? OP_CMP : PREFIX_DS;
		bytes[n++] = MODRM_EAX_RIP;
		to = insn->word;
		break;
	case SIDE_JMP_NOP:
		bytes[n++] = OP_NOP;
		bytes[n++] = OP_NOP_TOO;
		bytes[n++] = armed ? MODRM_RAX : MODRM_SIB;
		bytes[n++] = OP_JMP;
		to = insn->target;
		break;
	default:
		return 0;
	}
	return x86_rel32(insn->site + n + 4, to, bytes + n) ? n + 4 : 0;
}

static enum side_jmp_state x86_decode_jump(struct side_jmp_insn *insn,
					   const uint8_t *bytes, unsigned len)
{
	if (len < 5 || (bytes[0] != OP_JMP && bytes[0] != OP_TEST))
		return SIDE_JMP_FOREIGN;
	insn->target = insn->site + 5 + (uint64_t)(int64_t)x86_get32(bytes + 1);
	return bytes[0] == OP_JMP ? SIDE_JMP_ARMED : SIDE_JMP_IDLE;
}

static enum side_jmp_state x86_decode_wide(struct side_jmp_insn *insn,
					   const uint8_t *bytes, unsigned len)
{
	unsigned n = insn->word64 ? 1 : 0;

	if (len < n + 6 || (n && bytes[0] != REX_W) ||
	    (bytes[n] != OP_CMP && bytes[n] != PREFIX_DS) ||
	    bytes[n + 1] != MODRM_EAX_RIP)
		return SIDE_JMP_FOREIGN;
	insn->word = insn->site + n + 6 +
		     (uint64_t)(int64_t)x86_get32(bytes + n + 2);
	return bytes[n] == OP_CMP ? SIDE_JMP_ARMED : SIDE_JMP_IDLE;
}

static enum side_jmp_state x86_decode_nop(struct side_jmp_insn *insn,
					  const uint8_t *bytes, unsigned len)
{
	if (len < 8 || bytes[0] != OP_NOP || bytes[1] != OP_NOP_TOO ||
	    (bytes[X86_NOP_MODRM] != MODRM_RAX &&
	     bytes[X86_NOP_MODRM] != MODRM_SIB) ||
	    bytes[X86_NOP_JUMP] != OP_JMP)
		return SIDE_JMP_FOREIGN;
	insn->target = insn->site + 8 + (uint64_t)(int64_t)x86_get32(bytes + 4);
	return bytes[X86_NOP_MODRM] == MODRM_RAX ? SIDE_JMP_ARMED :
						   SIDE_JMP_IDLE;
}

static enum side_jmp_state x86_decode(struct side_jmp_insn *insn,
				      const uint8_t *bytes, unsigned len)
{
	switch (insn->layout) {
	case SIDE_JMP_INLINE:
	case SIDE_JMP_DENSE:
		return x86_decode_jump(insn, bytes, len);
	case SIDE_JMP_WIDE:
		return x86_decode_wide(insn, bytes, len);
	case SIDE_JMP_NOP:
		return x86_decode_nop(insn, bytes, len);
	default:
		return SIDE_JMP_FOREIGN;
	}
}

const struct side_jmp_arch side_jmp_arch_x86_64 = {
	.name = "x86-64",
	.machine = ELF_X86_64,
	.align = 1,
	.n_layouts = SIDE_JMP_NOP + 1,
	.patch_len = 1,
	/* The IPI ends in IRET, which serializes (SDM vol. 3, 8.3). */
	.shootdown_serializes = true,
	.breakpoint = x86_breakpoint,
	.second = x86_second,
	.patch_offset = x86_patch_offset,
	.encode = x86_encode,
	.decode = x86_decode,
};
