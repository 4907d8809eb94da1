/* SPDX-License-Identifier: MIT */
/* See disassembler.h. */
#define _GNU_SOURCE
#include <capstone/capstone.h>
#include <elf.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "tools/disassembler.h"
#include "tools/image.h"

struct disassembler {
	const struct side_jmp_arch *arch;
	bool by_port;			/* not by Capstone */
	csh handle;
	cs_insn *insn;
};

struct mode {
	uint16_t machine;
	cs_arch arch;
	cs_mode mode;
};

static const struct mode modes[] = {
	{ EM_X86_64, CS_ARCH_X86, CS_MODE_64 },
	{ EM_AARCH64, CS_ARCH_ARM64, CS_MODE_LITTLE_ENDIAN },
	{ EM_S390, CS_ARCH_SYSZ, CS_MODE_BIG_ENDIAN },
	{ EM_PPC64, CS_ARCH_PPC, CS_MODE_64 | CS_MODE_LITTLE_ENDIAN },
#if CS_API_MAJOR >= 5
	{ EM_RISCV, CS_ARCH_RISCV, CS_MODE_RISCV64 | CS_MODE_RISCVC },
#endif
};

struct disassembler *disassembler_open(const struct side_jmp_arch *arch,
				       char why[WHY_MAX])
{
	struct disassembler *d = tool_alloc(1, sizeof(*d));

	d->arch = arch;
	for (size_t i = 0; i < sizeof(modes) / sizeof(*modes); i++) {
		if (modes[i].machine != arch->machine)
			continue;
		if (cs_open(modes[i].arch, modes[i].mode, &d->handle) ==
		    CS_ERR_OK) {
			d->insn = cs_malloc(d->handle);
			return d;
		}
		say(why, "this Capstone does not disassemble %s", arch->name);
		free(d);
		return NULL;
	}
	d->by_port = true;
	return d;
}

void disassembler_close(struct disassembler *d)
{
	if (!d->by_port) {
		cs_free(d->insn, 1);
		cs_close(&d->handle);
	}
	free(d);
}

/* ---- RISC-V by its port ---------------------------------------------------------- */

/* The forms of arch/riscv64/site.h. */
static bool riscv_site(const struct side_jmp_arch *arch, const uint8_t *p,
		       struct instruction *out)
{
	int32_t word = (int32_t)side_jmp_get_le32(p);

	for (unsigned i = 0; i < 3; i++) {
		struct side_jmp_insn insn = { .site = out->addr,
			.layout = i ? SIDE_JMP_WIDE : SIDE_JMP_INLINE,
			.word64 = i == 2 };
		enum side_jmp_state state = arch->decode(&insn, p, 4);

		if (state == SIDE_JMP_FOREIGN)
			continue;
		if (state == SIDE_JMP_IDLE)
			snprintf(out->text, sizeof(out->text), "%s",
				 i ? "li t0, 0" : "nop");
		else if (!i)
			snprintf(out->text, sizeof(out->text), "j %#" PRIx64,
				 insn.target);
		else
			snprintf(out->text, sizeof(out->text), "l%c t0, %d(t0)",
				 i == 2 ? 'd' : 'w', word >> 20);
		return true;
	}
	return false;
}

/* Unprivileged specification, 1.5: the low bits say how long it is. */
static void by_port(const struct side_jmp_arch *arch, const uint8_t *p,
		    uint64_t size, struct instruction *out)
{
	bool whole = (p[0] & 3) == 3;

	if (whole && size >= 4) {
		out->len = 4;
		if (!riscv_site(arch, p, out))
			snprintf(out->text, sizeof(out->text), ".word %#010"
				 PRIx32, side_jmp_get_le32(p));
	} else if (size >= 2) {
		out->len = 2;
		snprintf(out->text, sizeof(out->text), ".half 0x%02x%02x",
			 p[1], p[0]);
	} else {
		out->len = 1;
		snprintf(out->text, sizeof(out->text), ".byte %#04x", p[0]);
	}
}

void disassemble(struct disassembler *d, const uint8_t *p, uint64_t size,
		 uint64_t addr, struct instruction *out)
{
	uint64_t at = addr;
	size_t left = size;
	const uint8_t *code = p;

	*out = (struct instruction){ .addr = addr };
	if (d->by_port) {
		by_port(d->arch, p, size, out);
	} else if (cs_disasm_iter(d->handle, &code, &left, &at, d->insn)) {
		out->len = d->insn->size;
		snprintf(out->text, sizeof(out->text), "%s%s%s",
			 d->insn->mnemonic, *d->insn->op_str ? " " : "",
			 d->insn->op_str);
	} else {
		/* What is no instruction: a unit of the smallest one. */
		out->len = d->arch->align <= size ? d->arch->align : 1;
		snprintf(out->text, sizeof(out->text), ".byte");
		for (unsigned i = 0, n = 5; i < out->len; i++)
			n += (unsigned)snprintf(out->text + n,
						sizeof(out->text) - n,
						"%s%#04x", i ? ", " : " ",
						p[i]);
	}
}
