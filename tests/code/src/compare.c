/* SPDX-License-Identifier: MIT */
/*
 * compare SITES.o HAND.o: the code of both is the same, instruction for
 * instruction, byte for byte and in what it refers to, but that where the one
 * has a site the other has a nop as long: of 5 bytes, or of 8 (the layout nop).
 */
#include "object.h"

static int sites, instructions;

static void differ(const struct code *c, const char *how, const cs_insn *a,
		   const cs_insn *b)
{
	fprintf(stderr, "%s+%#llx: %s: %s %s (%d bytes), by hand: %s %s (%d)\n",
		c->section, (unsigned long long)a->address, how, a->mnemonic,
		a->op_str, a->size, b->mnemonic, b->op_str, b->size);
	exit(1);
}

/*
 * The site in the one, the nop in the other.  That of the layout nop is two
 * instructions, the jump the second: *at is behind it then.
 */
static int is_site(const struct code *c, uint64_t *at, const cs_insn *a,
		   const cs_insn *b)
{
	static const uint8_t nop3[] = { 0x0f, 0x1f, 0x00 };
	static const uint8_t nop5[] = { 0x0f, 0x1f, 0x44, 0x00, 0x00 };
	static const uint8_t nop8[] = { 0x0f, 0x1f, 0x84, 0, 0, 0, 0, 0 };
	cs_insn *jump = cs_malloc(c->cs);
	uint64_t behind = *at;
	int is;

	if (a->size == 5)
		is = a->id == X86_INS_JMP && b->size == 5 &&
		     !memcmp(b->bytes, nop5, sizeof(nop5));
	else
		is = a->size == 3 && !memcmp(a->bytes, nop3, sizeof(nop3)) &&
		     b->size == 8 && !memcmp(b->bytes, nop8, sizeof(nop8)) &&
		     next(c, &behind, jump) && jump->id == X86_INS_JMP &&
		     jump->size == 5;
	if (is)
		*at = behind;
	cs_free(jump, 1);
	return is;
}

static void compare_references(const struct code *a, const struct code *b,
			       const cs_insn *ia, const cs_insn *ib)
{
	GElf_Rela ra, rb;
	int na = relocation(a, ia->address, ia->size, &ra);
	int nb = relocation(b, ib->address, ib->size, &rb);

	if (na != nb || (na && (GELF_R_TYPE(ra.r_info) !=
				GELF_R_TYPE(rb.r_info) ||
				ra.r_addend != rb.r_addend ||
				strcmp(target(a, &ra), target(b, &rb)))))
		differ(a, "refers elsewhere", ia, ib);
}

static void compare(const struct code *a, const struct code *b)
{
	cs_insn *ia = cs_malloc(a->cs), *ib = cs_malloc(b->cs);
	uint64_t ata = 0, atb = 0;
	int more;

	while ((more = next(a, &ata, ia)) == next(b, &atb, ib) && more) {
		instructions++;
		if (is_site(a, &ata, ia, ib)) {
			sites++;
			continue;
		}
		if (ia->size != ib->size ||
		    memcmp(ia->bytes, ib->bytes, ia->size))
			differ(a, "differs", ia, ib);
		compare_references(a, b, ia, ib);
	}
	if (a->data->d_size != b->data->d_size) {
		fprintf(stderr, "%s: %zu bytes, by hand %zu\n", a->section,
			a->data->d_size, b->data->d_size);
		exit(1);
	}
	cs_free(ia, 1);
	cs_free(ib, 1);
}

int main(int argc, char **argv)
{
	static const char *const sections[] = { ".text", ".text.unlikely" };
	Elf *a, *b;

	if (argc != 3)
		return 2;
	a = open_elf(argv[1]);
	b = open_elf(argv[2]);
	for (int i = 0; i < 2; i++) {
		struct code ca = open_code(a, sections[i]);
		struct code cb = open_code(b, sections[i]);

		if (!ca.data != !cb.data) {
			fprintf(stderr, "only one has %s\n", sections[i]);
			return 1;
		}
		if (ca.data)
			compare(&ca, &cb);
	}
	printf("%d sites in %d instructions\n", sites, instructions);
	return 0;
}
