/* SPDX-License-Identifier: MIT */
/*
 * Instructions as text: by Capstone.  One that does not know RISC-V (before
 * version 5) leaves that to the port's decoder, which knows the forms of sites
 * and nothing else: the rest is shown as .word and .half.
 */
#ifndef TOOLS_DISASSEMBLER_H
#define TOOLS_DISASSEMBLER_H

#include "arch/arch.h"
#include "tools/say.h"

struct instruction {
	uint64_t addr;
	unsigned len;
	char text[208];
};

struct disassembler;

/* NULL and why: not for this architecture. */
struct disassembler *disassembler_open(const struct side_jmp_arch *arch,
				       char why[WHY_MAX]);
void disassembler_close(struct disassembler *d);

/* The instruction at p, of `size` bytes that are there, at least one. */
void disassemble(struct disassembler *d, const uint8_t *p, uint64_t size,
		 uint64_t addr, struct instruction *out);

#endif
