/* SPDX-License-Identifier: MIT */
/* The code of an object file: bytes, relocations, functions. */
#ifndef OBJECT_H
#define OBJECT_H

#include <capstone/capstone.h>
#include <fcntl.h>
#include <gelf.h>
#include <libelf.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct code {
	const char *section;
	Elf *elf;
	Elf_Data *data;		/* NULL: there is no such section */
	Elf_Data *relocations;	/* NULL: none */
	Elf_Data *symbols;
	size_t symbol_names, section_names, index;
	bool arm64;		/* or x86-64 */
	csh cs;
};

static inline Elf *open_elf(const char *path)
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

static inline struct code open_code(Elf *elf, const char *section)
{
	struct code c = { .section = section, .elf = elf };
	Elf_Scn *scn = NULL;
	GElf_Ehdr head;

	c.arm64 = gelf_getehdr(elf, &head) && head.e_machine == EM_AARCH64;
	elf_getshdrstrndx(elf, &c.section_names);
	while ((scn = elf_nextscn(elf, scn))) {
		GElf_Shdr sh;
		const char *name;

		gelf_getshdr(scn, &sh);
		name = elf_strptr(elf, c.section_names, sh.sh_name);
		if (sh.sh_type == SHT_SYMTAB) {
			c.symbols = elf_getdata(scn, NULL);
			c.symbol_names = sh.sh_link;
		} else if (!strcmp(name, section)) {
			c.data = elf_getdata(scn, NULL);
			c.index = elf_ndxscn(scn);
		} else if (!strncmp(name, ".rela", 5) &&
			   !strcmp(name + 5, section)) {
			c.relocations = elf_getdata(scn, NULL);
		}
	}
	if (cs_open(c.arm64 ? CS_ARCH_ARM64 : CS_ARCH_X86,
		    c.arm64 ? CS_MODE_LITTLE_ENDIAN : CS_MODE_64, &c.cs) != CS_ERR_OK)
		exit(2);
	cs_option(c.cs, CS_OPT_DETAIL, CS_OPT_ON);
	return c;
}

/* What a relocation refers to: a symbol's name, or a section's. */
static inline const char *target(const struct code *c, const GElf_Rela *r)
{
	GElf_Sym sym;
	GElf_Shdr sh;

	gelf_getsym(c->symbols, (int)GELF_R_SYM(r->r_info), &sym);
	if (GELF_ST_TYPE(sym.st_info) != STT_SECTION)
		return elf_strptr(c->elf, c->symbol_names, sym.st_name);
	gelf_getshdr(elf_getscn(c->elf, sym.st_shndx), &sh);
	return elf_strptr(c->elf, c->section_names, sh.sh_name);
}

/* The relocation in the instruction of `size` bytes at `at`. */
static inline int relocation(const struct code *c, uint64_t at, unsigned size,
			     GElf_Rela *r)
{
	for (int i = 0; c->relocations && gelf_getrela(c->relocations, i, r);
	     i++)
		if (r->r_offset >= at && r->r_offset < at + size)
			return 1;
	return 0;
}

/* The instruction at *at, which moves on; 0 at the end. */
static inline int next(const struct code *c, uint64_t *at, cs_insn *insn)
{
	const uint8_t *p = (const uint8_t *)c->data->d_buf + *at;
	size_t size = c->data->d_size - *at;
	uint64_t start = *at;

	if (!size)
		return 0;
	if (!cs_disasm_iter(c->cs, &p, &size, at, insn)) {
		fprintf(stderr, "%s+%#llx: can't be disassembled\n",
			c->section, (unsigned long long)start);
		exit(1);
	}
	return 1;
}

#endif
