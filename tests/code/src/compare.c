/* SPDX-License-Identifier: MIT */
/*
 * compare SITES.o HAND.o: the code of both is the same, instruction for
 * instruction and byte for byte, but that where the one has a site the other
 * has a 5-byte nop.
 */
#include <capstone/capstone.h>
#include <fcntl.h>
#include <gelf.h>
#include <libelf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct code {
	const char *path, *section;
	Elf_Data *data;
	csh cs;
};

static int sites, instructions;

static Elf *open_elf(const char *path)
{
	int fd = open(path, O_RDONLY);
	Elf *elf;

	elf_version(EV_CURRENT);
	elf = fd < 0 ? NULL : elf_begin(fd, ELF_C_READ, NULL);
	if (!elf) {
		fprintf(stderr, "%s: not an ELF file\n", path);
		exit(2);
	}
	return elf;
}

static Elf_Data *find(Elf *elf, const char *name)
{
	Elf_Scn *scn = NULL;
	size_t strings;

	elf_getshdrstrndx(elf, &strings);
	while ((scn = elf_nextscn(elf, scn))) {
		GElf_Shdr sh;

		gelf_getshdr(scn, &sh);
		if (!strcmp(elf_strptr(elf, strings, sh.sh_name), name))
			return elf_getdata(scn, NULL);
	}
	return NULL;
}

static void differ(const struct code *c, uint64_t at, const cs_insn *a,
		   const cs_insn *b)
{
	fprintf(stderr, "%s+%#llx: %s %s (%d bytes), by hand: %s %s (%d)\n",
		c->section, (unsigned long long)at, a->mnemonic, a->op_str,
		a->size, b->mnemonic, b->op_str, b->size);
	exit(1);
}

/* The site in the one, the nop in the other. */
static int is_site(const cs_insn *a, const cs_insn *b)
{
	static const uint8_t nop5[] = { 0x0f, 0x1f, 0x44, 0x00, 0x00 };

	return a->id == X86_INS_JMP && a->size == 5 && b->size == 5 &&
	       !memcmp(b->bytes, nop5, sizeof(nop5));
}

static void compare(const struct code *a, const struct code *b)
{
	const uint8_t *pa = a->data->d_buf, *pb = b->data->d_buf;
	size_t na = a->data->d_size, nb = b->data->d_size;
	uint64_t ata = 0, atb = 0;
	cs_insn *ia = cs_malloc(a->cs), *ib = cs_malloc(b->cs);

	while (na && nb) {
		uint64_t at = ata;

		if (!cs_disasm_iter(a->cs, &pa, &na, &ata, ia) ||
		    !cs_disasm_iter(b->cs, &pb, &nb, &atb, ib)) {
			fprintf(stderr, "%s+%#llx: can't be disassembled\n",
				a->section, (unsigned long long)at);
			exit(1);
		}
		instructions++;
		if (is_site(ia, ib))
			sites++;
		else if (ia->size != ib->size ||
			 memcmp(ia->bytes, ib->bytes, ia->size))
			differ(a, at, ia, ib);
	}
	if (na != nb) {
		fprintf(stderr, "%s: %zu bytes more than by hand\n",
			a->section, na - nb);
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
		struct code ca = { argv[1], sections[i], find(a, sections[i]), 0 };
		struct code cb = { argv[2], sections[i], find(b, sections[i]), 0 };

		if (!ca.data && !cb.data)
			continue;
		if (!ca.data || !cb.data) {
			fprintf(stderr, "only one has %s\n", sections[i]);
			return 1;
		}
		cs_open(CS_ARCH_X86, CS_MODE_64, &ca.cs);
		cs_open(CS_ARCH_X86, CS_MODE_64, &cb.cs);
		compare(&ca, &cb);
	}
	printf("%d sites in %d instructions\n", sites, instructions);
	return 0;
}
