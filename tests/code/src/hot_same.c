/* SPDX-License-Identifier: MIT */
/*
 * hot_same EVENTS.o HAND.o FUNCTION...: what runs of them while no site is taken is
 * the same in both, instruction for instruction, but that where the one has a
 * site the other has a no-op: 5 bytes on x86-64, hint #55 on arm64.  Where blocks stand in the file is no
 * difference: jumps are followed, and a branch may be its own opposite.
 */
#include <stdbool.h>

#include "object.h"

static struct code a, b;
static char *seen;
static int sites, instructions;
static const char *function;

static void differ(const char *how, const cs_insn *ia, const cs_insn *ib)
{
	fprintf(stderr, "%s: %s: +%#llx %s %s, by hand: +%#llx %s %s\n", function,
		how, (unsigned long long)ia->address, ia->mnemonic, ia->op_str,
		(unsigned long long)ib->address, ib->mnemonic, ib->op_str);
	exit(1);
}

/* Does a record name `at`?  The relocation of its first field says so. */
static bool is_site(uint64_t at)
{
	Elf_Scn *scn = NULL;
	GElf_Shdr sh;
	GElf_Rela r;

	while ((scn = elf_nextscn(a.elf, scn))) {
		gelf_getshdr(scn, &sh);
		if (strcmp(elf_strptr(a.elf, a.section_names, sh.sh_name),
			   ".relaside_jmp"))
			continue;
		for (int i = 0; gelf_getrela(elf_getdata(scn, NULL), i, &r); i++)
			if (r.r_offset % 16 == 0 && (uint64_t)r.r_addend == at &&
			    !strcmp(target(&a, &r), ".text"))
				return true;
	}
	return false;
}

/* Where a jump goes: its last operand. */
static bool target_known(const struct code *c, const cs_insn *insn, uint64_t *to)
{
	const cs_arm64 *arm64 = &insn->detail->arm64;
	const cs_x86 *x86 = &insn->detail->x86;
	GElf_Rela r;

	if (relocation(c, insn->address, insn->size, &r))
		return false;
	if (c->arm64) {
		if (!arm64->op_count ||
		    arm64->operands[arm64->op_count - 1].type != ARM64_OP_IMM)
			return false;
		*to = (uint64_t)arm64->operands[arm64->op_count - 1].imm;
		return true;
	}
	*to = (uint64_t)x86->operands[0].imm;
	return x86->operands[0].type == X86_OP_IMM;
}

static bool by_hand(const struct code *c, const cs_insn *insn)
{
	return c->arm64 ? !memcmp(insn->bytes, "\xff\x26\x03\xd5", 4) :
			  insn->id == X86_INS_NOP && insn->size == 5;
}

static bool filler(const struct code *c, const cs_insn *insn)
{
	return !by_hand(c, insn) && !strcmp(insn->mnemonic, "nop");
}

/* Unconditional, to somewhere. */
static bool goes(const struct code *c, const cs_insn *insn)
{
	return c->arm64 ? insn->bytes[3] >> 2 == 5 || insn->id == ARM64_INS_BR :
			  insn->id == X86_INS_JMP;
}

/* The next instruction that is no jump within the section, and no filler. */
static bool step(const struct code *c, uint64_t *at, cs_insn *insn)
{
	for (int i = 0; i < 100; i++) {
		uint64_t from = *at;

		if (!next(c, at, insn))
			return false;
		if (c == &a && is_site(from))
			return true;
		if (goes(c, insn) && target_known(c, insn, at))
			continue;
		if (!filler(c, insn))
			return true;
	}
	return false;
}

/* Constants have numbers. */
static bool same_target(const char *ta, const char *tb)
{
	return !strcmp(ta, tb) || (!strncmp(ta, ".LC", 3) && !strncmp(tb, ".LC", 3));
}

static void same(const cs_insn *ia, const cs_insn *ib)
{
	GElf_Rela ra, rb;
	int na = relocation(&a, ia->address, ia->size, &ra);
	int nb = relocation(&b, ib->address, ib->size, &rb);

	if (strcmp(ia->mnemonic, ib->mnemonic) ||
	    (!na && strcmp(ia->op_str, ib->op_str)))
		differ("differs", ia, ib);
	if (na != nb || (na && (GELF_R_TYPE(ra.r_info) != GELF_R_TYPE(rb.r_info) ||
				!same_target(target(&a, &ra), target(&b, &rb)))))
		differ("refers elsewhere", ia, ib);
}

/* A jump's condition: the lowest bit negates it. */
static unsigned condition(const cs_insn *insn)
{
	if (a.arm64 && insn->bytes[3] == 0x54)	/* b.<condition> */
		return insn->bytes[0] & 15;
	if (a.arm64)				/* cbz, tbz; of which register and bit */
		return ((unsigned)insn->bytes[0] & 31) << 16 |
		       ((unsigned)insn->bytes[2] & 0xf8) << 8 | insn->bytes[3];
	return insn->bytes[0] == 0x0f ? insn->bytes[1] & 15 : insn->bytes[0] & 15;
}

static void walk(uint64_t at_a, uint64_t at_b)
{
	cs_insn *ia = cs_malloc(a.cs), *ib = cs_malloc(b.cs);
	uint64_t to_a, to_b;

	while (step(&a, &at_a, ia) && step(&b, &at_b, ib)) {
		if (seen[ia->address])
			break;
		seen[ia->address] = 1;
		instructions++;
		if (is_site(ia->address)) {
			if (!by_hand(&b, ib))
				differ("a site", ia, ib);
			sites++;
			continue;
		}
		if (cs_insn_group(a.cs, ia, CS_GRP_JUMP) &&
		    target_known(&a, ia, &to_a)) {
			if (!cs_insn_group(b.cs, ib, CS_GRP_JUMP) ||
			    !target_known(&b, ib, &to_b) ||
			    condition(ia) >> 1 != condition(ib) >> 1)
				differ("branches otherwise", ia, ib);
			if (condition(ia) == condition(ib)) {
				walk(to_a, to_b);
			} else {
				walk(to_a, at_b);
				at_b = to_b;
			}
			continue;
		}
		same(ia, ib);
		if (cs_insn_group(a.cs, ia, CS_GRP_RET) || goes(&a, ia))
			break;
	}
	cs_free(ia, 1);
	cs_free(ib, 1);
}

static bool find(const struct code *c, const char *name, GElf_Sym *sym)
{
	for (int i = 0; gelf_getsym(c->symbols, i, sym); i++)
		if (GELF_ST_TYPE(sym->st_info) == STT_FUNC &&
		    sym->st_shndx == c->index &&
		    !strcmp(elf_strptr(c->elf, c->symbol_names, sym->st_name), name))
			return true;
	return false;
}

int main(int argc, char **argv)
{
	GElf_Sym sa, sb;

	if (argc < 4)
		return 2;
	a = open_code(open_elf(argv[1]), ".text");
	b = open_code(open_elf(argv[2]), ".text");
	seen = calloc(1, a.data->d_size + 1);
	for (char **f = argv + 3; seen && *f; f++) {
		int before = sites;

		function = *f;
		if (!find(&a, *f, &sa) || !find(&b, *f, &sb)) {
			fprintf(stderr, "%s: not there\n", *f);
			return 1;
		}
		walk(sa.st_value, sb.st_value);
		if (sites == before) {
			fprintf(stderr, "%s: no site\n", *f);
			return 1;
		}
	}
	printf("%d sites in %d hot instructions\n", sites, instructions);
	return 0;
}
