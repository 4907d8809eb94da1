/* SPDX-License-Identifier: MIT */
/*
 * hot HAND.o WORD...: walks every function of an object file from its start,
 * both ways at every branch: what can run while a site is a no-op, for it is
 * one here.  Nothing there may refer to one of the words.
 */
#include "object.h"

static char **words;
static int walked, no_ops;

static void refers_to_word(const struct code *c, const cs_insn *insn)
{
	GElf_Rela r;

	if (!relocation(c, insn->address, insn->size, &r))
		return;
	for (char **w = words; *w; w++)
		if (!strcmp(target(c, &r), *w)) {
			fprintf(stderr, "%s+%#llx: %s %s: %s in the hot path\n",
				c->section, (unsigned long long)insn->address,
				insn->mnemonic, insn->op_str, *w);
			exit(1);
		}
}

/* Where a jump goes, if that is in this section and the assembler knew it. */
static int leads_to(const struct code *c, const cs_insn *insn, uint64_t *to)
{
	GElf_Rela r;

	*to = (uint64_t)insn->detail->x86.operands[0].imm;
	return insn->detail->x86.operands[0].type == X86_OP_IMM &&
	       !relocation(c, insn->address, insn->size, &r);
}

static void walk(const struct code *c, uint64_t at, char *seen)
{
	cs_insn *insn = cs_malloc(c->cs);
	uint64_t to, from = at;

	while (!seen[from = at] && next(c, &at, insn)) {
		seen[from] = 1;
		walked++;
		no_ops += insn->id == X86_INS_NOP &&
			  (insn->size == 5 || insn->size == 8);
		refers_to_word(c, insn);
		if (cs_insn_group(c->cs, insn, CS_GRP_RET))
			break;
		if (!cs_insn_group(c->cs, insn, CS_GRP_JUMP))
			continue;
		if (leads_to(c, insn, &to))
			walk(c, to, seen);
		if (insn->id == X86_INS_JMP)
			break;
	}
	cs_free(insn, 1);
}

int main(int argc, char **argv)
{
	struct code c;
	GElf_Sym sym;
	char *seen;

	if (argc < 3)
		return 2;
	c = open_code(open_elf(argv[1]), ".text");
	words = argv + 2;
	seen = calloc(1, c.data->d_size + 1);
	for (int i = 0; seen && gelf_getsym(c.symbols, i, &sym); i++)
		if (GELF_ST_TYPE(sym.st_info) == STT_FUNC &&
		    sym.st_shndx == c.index)
			walk(&c, sym.st_value, seen);
	printf("%d no-ops in %d hot instructions\n", no_ops, walked);
	return no_ops == 0;
}
