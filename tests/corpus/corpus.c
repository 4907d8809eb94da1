/* SPDX-License-Identifier: MIT */
/* See corpus.h. */
#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/corpus/corpus.h"

static bool reaches(const struct side_jmp_arch *arch)
{
	const struct side_jmp_insn insn = { .site = CORPUS_SITE(1),
					    .target = CORPUS_DISTANT };
	uint8_t bytes[SIDE_JMP_INSN_MAX];

	return arch->encode(&insn, SIDE_JMP_ARMED, bytes);
}

bool corpus_applies(const struct corpus_case *c,
		    const struct side_jmp_arch *arch)
{
	return !(c->reach && reaches(arch)) &&
	       (!c->machine || c->machine == arch->machine) &&
	       !(c->no_nop && arch->n_layouts > SIDE_JMP_NOP) &&
	       (!c->aligned || arch->align > 1);
}

const char *corpus_file_rule(const struct corpus_case *c)
{
	return c->file ? c->file : sj_rule_name(c->rule);
}

/* ---- bytes ------------------------------------------------------------ */

static uint8_t *corpus_at(struct corpus *l, uint64_t at)
{
	if (at - CORPUS_COLD < CORPUS_PAGE)
		at += CORPUS_COLD_FILE - CORPUS_COLD;
	if (at > CORPUS_SIZE - 64)
		abort();
	return l->bytes + at;
}

static void put(struct corpus *l, uint64_t at, unsigned size, uint64_t v)
{
	bool big = l->arch->machine == EM_S390;
	uint8_t *p = corpus_at(l, at);

	for (unsigned i = 0; i < size; i++)
		p[i] = (uint8_t)(v >> 8 * (big ? size - 1 - i : i));
}

/* Fields of the given sizes, one behind the other; 0 ends them. */
static void put_fields(struct corpus *l, uint64_t at, const char *sizes,
		       const uint64_t *v)
{
	for (; *sizes; sizes++, v++) {
		put(l, at, (unsigned)(*sizes - '0'), *v);
		at += (unsigned)(*sizes - '0');
	}
}

#define FIELDS(l, at, sizes, ...) \
	put_fields(l, at, sizes, (const uint64_t[]){ __VA_ARGS__ })

/* ---- code and data ---------------------------------------------------- */

static void put_site(struct corpus *l, struct side_jmp_insn insn,
		     enum side_jmp_state state)
{
	if (!l->arch->encode(&insn, state, corpus_at(l, insn.site)))
		abort();
}

static void put_breakpoint(struct corpus *l)
{
	switch (l->arch->machine) {
	case EM_X86_64:	put(l, CORPUS_BREAKPOINT, 1, 0xcc); break;
	case EM_AARCH64: put(l, CORPUS_BREAKPOINT, 4, 0xd4200000); break;
	case EM_S390:	put(l, CORPUS_BREAKPOINT, 2, 0x0001); break;
	case EM_PPC64:	put(l, CORPUS_BREAKPOINT, 4, 0x7fe00008); break;
	case EM_RISCV:	put(l, CORPUS_BREAKPOINT, 4, 0x00100073); break;
	}
}

static void put_nops(struct corpus *l)
{
	for (unsigned at = CORPUS_NOP; at <= CORPUS_NOP_SIB; at += 0x20) {
		struct side_jmp_insn insn = { .site = at, .word = CORPUS_KEY,
			.target = CORPUS_CHECK, .layout = SIDE_JMP_NOP };

		put_site(l, insn, at == CORPUS_NOP_IDLE || at == CORPUS_NOP_SIB ?
			 SIDE_JMP_IDLE : SIDE_JMP_ARMED);
	}
	put(l, CORPUS_NOP_BREAKPOINT, 1, 0xcc);
	put(l, CORPUS_NOP_BREAKPOINT_TOO + 3, 1, 0xcc);
	put(l, CORPUS_NOP_SIB + 3, 1, 0xe8);
}

static void put_code(struct corpus *l)
{
	struct side_jmp_insn insn = { .target = CORPUS_CHECK,
				      .word = CORPUS_KEY };

	for (unsigned i = 0; i < 8; i++) {
		insn.site = CORPUS_SITE(i);
		put_site(l, insn, SIDE_JMP_ARMED);
	}
	insn.site = CORPUS_IDLE;
	put_site(l, insn, SIDE_JMP_IDLE);
	insn.site = CORPUS_BREAKPOINT;
	put_site(l, insn, SIDE_JMP_ARMED);
	put_breakpoint(l);
	insn.layout = SIDE_JMP_WIDE;
	insn.site = CORPUS_WIDE;
	put_site(l, insn, SIDE_JMP_ARMED);
	insn.site = CORPUS_WIDE64;
	insn.word = CORPUS_KEY64;
	insn.word64 = true;
	put_site(l, insn, SIDE_JMP_ARMED);
	insn = (struct side_jmp_insn){ .site = CORPUS_TO_COLD,
				       .target = CORPUS_COLD };
	put_site(l, insn, SIDE_JMP_ARMED);
	if (l->arch->machine != EM_X86_64)
		return;
	put(l, CORPUS_OVERLAP, 2, 0xe9e9);
	put_nops(l);
}

static void put_pointer(struct corpus *l, uint32_t at, uint32_t value)
{
	put(l, at, 8, value);
	l->relocs[l->n_relocs++] = (struct corpus_reloc){ at, value };
}

enum { NAME = 0x701, NAME_KEY = 24 };

static void put_key(struct corpus *l, uint32_t at, unsigned version,
		    unsigned width)
{
	FIELDS(l, at, "84211", 0, 0, version, width, 0);
	put_pointer(l, at + NAME_KEY, NAME);
}

static void put_data(struct corpus *l)
{
	put_key(l, CORPUS_CONSTANT_KEY, 1, 32);
	l->n_relocs--;		/* nothing is relocated there */
	put_key(l, CORPUS_RELRO_KEY, 1, 32);
	put_key(l, CORPUS_KEY, 1, 32);
	put_key(l, CORPUS_KEY64, 1, 64);
	put_key(l, CORPUS_OTHER_KEY, 1, 32);
	put_key(l, CORPUS_KEY_VERSION_2, 2, 32);
	put_key(l, CORPUS_KEY_WIDTH_16, 1, 16);
	put_pointer(l, CORPUS_SLOT, CORPUS_KEY);
	put_pointer(l, CORPUS_SLOT_TOO, CORPUS_KEY);
	put_pointer(l, CORPUS_SLOT_64, CORPUS_KEY64);
	put_pointer(l, CORPUS_SLOT_ODD, CORPUS_KEY + 1);
	memcpy(corpus_at(l, NAME), "key", 4);
}

/* ---- the table -------------------------------------------------------- */

enum { MAX_RECORDS = 16 };

struct fields {
	uint64_t site, check, key;
	unsigned version, layout, flags, reserved;
};

static void edit_record(struct fields *r, const struct corpus_edit *e)
{
	uint64_t v = (uint64_t)e->value;

	switch (e->field) {
	case CORPUS_F_SITE:	r->site = v; break;
	case CORPUS_F_CHECK:	r->check = v; break;
	case CORPUS_F_KEY:	r->key = v; break;
	case CORPUS_F_VERSION:	r->version = (unsigned)v; break;
	case CORPUS_F_LAYOUT:	r->layout = (unsigned)v; break;
	case CORPUS_F_FLAGS:	r->flags = (unsigned)v; break;
	case CORPUS_F_RESERVED:	r->reserved = (unsigned)v; break;
	}
}

static void edit_table(struct corpus *l, const struct corpus_edit *e,
		       int64_t *records, int64_t *more)
{
	switch (e->field) {
	case CORPUS_F_START:	l->start = (uint64_t)e->value; break;
	case CORPUS_F_RECORDS:	*records = e->value; break;
	case CORPUS_F_MORE:	*more = e->value; break;
	case CORPUS_F_OBJECT_VERSION:
		l->object_version = (uint32_t)e->value;
		break;
	case CORPUS_F_RECORD_SIZE:
		l->record_size = (uint32_t)e->value;
		break;
	}
}

static void put_table(struct corpus *l, const struct corpus_case *c)
{
	struct fields records[MAX_RECORDS];
	int64_t n = 3, more = 0;
	uint64_t at;

	for (unsigned i = 0; i < MAX_RECORDS; i++)
		records[i] = (struct fields){
			CORPUS_SITE(i % 8), CORPUS_CHECK, CORPUS_KEY, 1,
			0, 0, 0,
		};
	for (const struct corpus_edit *e = c->edits; e->field; e++) {
		edit_record(&records[e->record], e);
		edit_table(l, e, &n, &more);
	}
	l->size = (uint64_t)(n * 16 + more);
	at = l->start < CORPUS_SIZE ? l->start : CORPUS_TABLE;
	for (unsigned i = 0; i < (n > 0 && n <= MAX_RECORDS ? n : 3); i++) {
		const struct fields *r = &records[i];

		FIELDS(l, at, "4441111", r->site - at, r->check - (at + 4),
		       r->key - (at + 8), r->version, r->layout, r->flags,
		       r->reserved);
		at += 16;
	}
}

/* ---- ELF -------------------------------------------------------------- */

enum {
	PHDRS = 0x40, RELA = 0x400, DYNSYM = 0x600, STRINGS = 0x700,
	SECTION_NAMES = 0x800, SHDRS = 0xa00, N_PHDRS = 8, N_SHDRS = 9,
};

static void put_phdr(struct corpus *l, unsigned i, uint32_t type,
		     uint32_t flags, uint64_t at, uint64_t end)
{
	uint64_t offset = at == CORPUS_COLD || at == CORPUS_DISTANT ?
			  CORPUS_COLD_FILE : at;
	uint64_t bss = end == CORPUS_DATA_END ? CORPUS_BSS_END - end : 0;

	FIELDS(l, PHDRS + 56 * i, "44888888", type, flags, offset, at, at,
	       end - at, end - at + bss, type == PT_LOAD ? CORPUS_PAGE : 8);
}

static void put_phdrs(struct corpus *l)
{
	put_phdr(l, 0, PT_LOAD, PF_R, 0, CORPUS_HEADERS_END);
	put_phdr(l, 1, PT_LOAD, PF_R | PF_X, CORPUS_TEXT, CORPUS_TEXT_END);
	put_phdr(l, 2, PT_LOAD, PF_R | PF_X, CORPUS_COLD,
		 CORPUS_COLD + 0x1000);
	put_phdr(l, 3, PT_LOAD, PF_R | PF_W, CORPUS_RELRO, CORPUS_DATA_END);
	put_phdr(l, 7, PT_LOAD, PF_R | PF_X, CORPUS_DISTANT,
		 CORPUS_END_OF_ALL);
	put_phdr(l, 4, PT_DYNAMIC, PF_R | PF_W, CORPUS_RELRO,
		 CORPUS_RELRO + 0x100);
	put_phdr(l, 5, PT_GNU_RELRO, PF_R, CORPUS_RELRO, CORPUS_DATA);
	put_phdr(l, 6, PT_GNU_STACK, PF_R | PF_W, 0, 0);
}

static unsigned relative(const struct side_jmp_arch *arch)
{
	switch (arch->machine) {
	case EM_X86_64:	return R_X86_64_RELATIVE;
	case EM_AARCH64: return R_AARCH64_RELATIVE;
	case EM_S390:	return R_390_RELATIVE;
	case EM_PPC64:	return R_PPC64_RELATIVE;
	default:	return R_RISCV_RELATIVE;
	}
}

static void put_dynamic(struct corpus *l)
{
	FIELDS(l, CORPUS_RELRO, "8888888888888888",
	       DT_STRTAB, STRINGS, DT_SYMTAB, DYNSYM, DT_STRSZ, 8,
	       DT_SYMENT, 24, DT_RELA, RELA, DT_RELASZ, 24 * l->n_relocs,
	       DT_RELAENT, 24, DT_NULL, 0);
	for (unsigned i = 0; i < l->n_relocs; i++)
		FIELDS(l, RELA + 24 * i, "888", l->relocs[i].at,
		       relative(l->arch), l->relocs[i].value);
}

/* `name` is added to the names of sections. */
static void put_section(struct corpus *l, unsigned i, unsigned *names,
			const char *name, uint32_t type, uint64_t flags,
			uint64_t at, uint64_t size, uint64_t entry)
{
	FIELDS(l, SHDRS + 64 * i, "4488884488", *names, type, flags, at, at,
	       size, entry ? 2 : 0, 0, 8, entry);
	strcpy((char *)corpus_at(l, SECTION_NAMES + *names), name);
	*names += (unsigned)strlen(name) + 1;
}

static void put_sections(struct corpus *l)
{
	unsigned names = 1;

	put_section(l, 1, &names, "side_jmp", SHT_PROGBITS, SHF_ALLOC,
		    l->start, l->size, 0);
	put_section(l, 2, &names, ".dynsym", SHT_DYNSYM, SHF_ALLOC, DYNSYM,
		    24, 24);
	put_section(l, 3, &names, ".dynstr", SHT_STRTAB, SHF_ALLOC, STRINGS,
		    8, 0);
	put_section(l, 4, &names, ".rela.dyn", SHT_RELA, SHF_ALLOC, RELA,
		    24 * l->n_relocs, 24);
	put_section(l, 5, &names, ".text", SHT_PROGBITS,
		    SHF_ALLOC | SHF_EXECINSTR, CORPUS_TEXT,
		    CORPUS_TEXT_END - CORPUS_TEXT, 0);
	put_section(l, 6, &names, ".data", SHT_PROGBITS, SHF_ALLOC | SHF_WRITE,
		    CORPUS_DATA, CORPUS_DATA_END - CORPUS_DATA, 0);
	put_section(l, 7, &names, ".shstrtab", SHT_STRTAB, 0, SECTION_NAMES,
		    0x100, 0);
	put_section(l, 8, &names, ".dynamic", SHT_DYNAMIC,
		    SHF_ALLOC | SHF_WRITE, CORPUS_RELRO, 0x80, 0);
}

static void put_header(struct corpus *l)
{
	uint16_t machine = l->arch->machine;
	uint8_t *ident = corpus_at(l, 0);

	memcpy(ident, ELFMAG, SELFMAG);
	ident[EI_CLASS] = ELFCLASS64;
	ident[EI_DATA] = machine == EM_S390 ? ELFDATA2MSB : ELFDATA2LSB;
	ident[EI_VERSION] = EV_CURRENT;
	FIELDS(l, 16, "2248884222222", ET_DYN, machine, EV_CURRENT, 0,
	       PHDRS, SHDRS, machine == EM_PPC64 ? 2 :
	       machine == EM_RISCV ? EF_RISCV_FLOAT_ABI_DOUBLE : 0,
	       64, 56, N_PHDRS, 64, N_SHDRS, 7);
}

void corpus_make(struct corpus *l, const struct corpus_case *c,
		 const struct side_jmp_arch *arch)
{
	memset(l, 0, sizeof(*l));
	l->arch = arch;
	l->start = CORPUS_TABLE;
	l->object_version = SIDE_JMP_OBJECT_VERSION;
	l->record_size = sizeof(struct side_jmp_record);
	put_code(l);
	put_data(l);
	put_table(l, c);
	put_dynamic(l);
	put_phdrs(l);
	put_sections(l);
	put_header(l);
}

/* Most of it is zeros: holes. */
int corpus_write(const struct corpus *l, int fd)
{
	static const uint8_t zeros[4096];

	if (ftruncate(fd, 0) || ftruncate(fd, CORPUS_SIZE))
		return -errno;
	for (size_t at = 0; at < CORPUS_SIZE; at += sizeof(zeros))
		if (memcmp(l->bytes + at, zeros, sizeof(zeros)) &&
		    pwrite(fd, l->bytes + at, sizeof(zeros), (off_t)at) !=
		    sizeof(zeros))
			return -EIO;
	return 0;
}
