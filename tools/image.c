/* SPDX-License-Identifier: MIT */
/* See image.h. */
#define _GNU_SOURCE
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/image.h"

#ifndef SHT_RELR
#define SHT_RELR	19
#endif

int say(char why[WHY_MAX], const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(why, WHY_MAX, format, args);
	va_end(args);
	return -1;
}

/* ---- numbers -------------------------------------------------------------- */

static uint64_t get(const struct image *im, const uint8_t *p, unsigned n)
{
	uint64_t v = 0;

	for (unsigned i = 0; i < n; i++)
		v = v << 8 | p[im->big_endian ? i : n - 1 - i];
	return v;
}

uint16_t image_get16(const struct image *im, const uint8_t *p)
{
	return (uint16_t)get(im, p, 2);
}

uint32_t image_get32(const struct image *im, const uint8_t *p)
{
	return (uint32_t)get(im, p, 4);
}

uint64_t image_get64(const struct image *im, const uint8_t *p)
{
	return get(im, p, 8);
}

/* ---- addresses ------------------------------------------------------------ */

const struct segment *image_segment(const struct image *im, uint64_t addr,
				    uint64_t size)
{
	size_t lo = 0, hi = im->n_segments;
	const struct segment *s;

	while (lo < hi) {	/* the first that begins after addr */
		size_t mid = lo + (hi - lo) / 2;

		if (im->segments[mid].addr <= addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (!lo)
		return NULL;
	s = &im->segments[lo - 1];
	return addr - s->addr < s->mem_size &&
	       size <= s->mem_size - (addr - s->addr) ? s : NULL;
}

/* RELRO is what the loader makes read-only after it has relocated. */
bool image_stays_writable(const struct image *im, uint64_t addr,
			  uint64_t size)
{
	const struct segment *s = image_segment(im, addr, size);

	if (!s || !(s->flags & PF_W))
		return false;
	return addr >= im->relro.addr + im->relro.mem_size ||
	       addr + size <= im->relro.addr;
}

/* Of the file alone; *size is cut down to what the file holds. */
static bool in_file(const struct image *im, uint64_t addr, uint64_t *size,
		    uint64_t *offset)
{
	const struct segment *s = image_segment(im, addr, 0);
	uint64_t at;

	if (!s || addr - s->addr >= s->file_size)
		return false;
	at = addr - s->addr;
	*offset = s->offset + at;
	if (*size > s->file_size - at)
		*size = s->file_size - at;
	return true;
}

bool image_offset(const struct image *im, uint64_t addr, uint64_t size,
		  uint64_t *offset)
{
	uint64_t there = size;

	return in_file(im, addr, &there, offset) && there == size;
}

bool image_dumped(const struct image *im, uint64_t addr, uint64_t size)
{
	uint64_t offset;

	return im->core && image_offset(im->core, addr + im->bias, size,
					&offset);
}

const uint8_t *image_at(const struct image *im, uint64_t addr, uint64_t size)
{
	uint64_t offset;

	if (image_dumped(im, addr, size))
		return image_at(im->core, addr + im->bias, size);
	return image_offset(im, addr, size, &offset) ? im->bytes + offset :
	       NULL;
}

const uint8_t *image_at_most(const struct image *im, uint64_t addr,
			     uint64_t *size)
{
	uint64_t offset, wanted = *size;

	if (im->core && in_file(im->core, addr + im->bias, size, &offset))
		return im->core->bytes + offset;
	*size = wanted;
	return in_file(im, addr, size, &offset) ? im->bytes + offset : NULL;
}

const char *image_string(const struct image *im, uint64_t addr)
{
	uint64_t size = UINT64_MAX;
	const uint8_t *p = image_at_most(im, addr, &size);

	return p && memchr(p, 0, size) ? (const char *)p : NULL;
}

/* ---- sections ------------------------------------------------------------- */

const struct section *image_section(const struct image *im, const char *name,
				    bool *again)
{
	const struct section *found = NULL;

	if (again)
		*again = false;
	for (size_t i = 0; i < im->n_sections; i++) {
		if (strcmp(im->sections[i].name, name))
			continue;
		if (found && again)
			*again = true;
		if (!found)
			found = &im->sections[i];
	}
	return found;
}

const struct section *image_section_at(const struct image *im, uint64_t addr)
{
	for (size_t i = 0; i < im->n_sections; i++) {
		const struct section *s = &im->sections[i];

		if (s->flags & SHF_ALLOC && !(s->flags & SHF_TLS) &&
		    addr - s->addr < s->size)
			return s;
	}
	return NULL;
}

static int read_sections(struct image *im, char why[WHY_MAX])
{
	size_t n, names, i = 0;
	Elf_Scn *scn = NULL;

	if (elf_getshdrnum(im->elf, &n) || elf_getshdrstrndx(im->elf, &names))
		return say(why, "its section headers can't be read: %s",
			   elf_errmsg(-1));
	im->sections = tool_alloc(n, sizeof(*im->sections));
	while (i < n && (scn = elf_nextscn(im->elf, scn))) {
		struct section *s = &im->sections[i];
		GElf_Shdr h;

		if (!gelf_getshdr(scn, &h))
			return say(why, "section header %zu can't be read: %s",
				   i + 1, elf_errmsg(-1));
		*s = (struct section){
			elf_strptr(im->elf, names, h.sh_name), h.sh_addr,
			h.sh_offset, h.sh_size, h.sh_flags, h.sh_addralign,
			h.sh_type, scn,
		};
		if (!s->name)
			s->name = "";
		i++;
	}
	im->n_sections = i;
	return 0;
}

/* ---- segments ------------------------------------------------------------- */

static int by_addr(const void *a, const void *b)
{
	const struct segment *x = a, *y = b;

	return x->addr < y->addr ? -1 : x->addr > y->addr;
}

/* By offset: in a separate debug file nothing is at its address. */
static void read_dynamic(struct image *im, const GElf_Phdr *ph)
{
	for (uint64_t at = 0; at + 16 <= ph->p_filesz; at += 16) {
		const uint8_t *p = im->bytes + ph->p_offset + at;
		uint64_t tag = image_get64(im, p);
		uint64_t value = image_get64(im, p + 8);

		if (tag == DT_NULL)
			break;
		im->textrel |= tag == DT_TEXTREL ||
			       (tag == DT_FLAGS && value & DF_TEXTREL);
		im->pie |= tag == DT_FLAGS_1 && value & DF_1_PIE;
		im->symbolic |= tag == DT_SYMBOLIC ||
				(tag == DT_FLAGS && value & DF_SYMBOLIC);
	}
}

static bool is_inside(const struct image *im, uint64_t offset, uint64_t size)
{
	return offset <= im->size && size <= im->size - offset;
}

/* A core may be cut off (RLIMIT_CORE); what is missing was not dumped. */
static int add_segment(struct image *im, size_t i, const GElf_Phdr *ph,
		       char why[WHY_MAX])
{
	uint64_t file_size = ph->p_filesz;

	if (im->type == ET_CORE && ph->p_offset > im->size)
		file_size = 0;
	else if (im->type == ET_CORE && !is_inside(im, ph->p_offset, file_size))
		file_size = im->size - ph->p_offset;
	if (file_size && !is_inside(im, ph->p_offset, file_size) &&
	    !im->debug_only)
		return say(why, "truncated: segment %zu needs %#llx bytes at"
			   " offset %#llx, the file has %#zx", i,
			   (unsigned long long)file_size,
			   (unsigned long long)ph->p_offset, im->size);
	if (im->debug_only)
		file_size = 0;
	if (file_size > ph->p_memsz || ph->p_vaddr + ph->p_memsz < ph->p_vaddr)
		return say(why, "segment %zu contradicts itself: %#llx bytes of"
			   " the file for %#llx bytes at %#llx", i,
			   (unsigned long long)file_size,
			   (unsigned long long)ph->p_memsz,
			   (unsigned long long)ph->p_vaddr);
	if (ph->p_memsz)
		im->segments[im->n_segments++] = (struct segment){
			ph->p_vaddr, ph->p_memsz, ph->p_offset, file_size,
			ph->p_flags,
		};
	return 0;
}

static int check_segments(const struct image *im, char why[WHY_MAX])
{
	for (size_t i = 1; i < im->n_segments; i++) {
		const struct segment *a = &im->segments[i - 1], *b = a + 1;

		if (b->addr - a->addr < a->mem_size)
			return say(why, "two segments overlap: %#llx bytes at"
				   " %#llx, and another at %#llx",
				   (unsigned long long)a->mem_size,
				   (unsigned long long)a->addr,
				   (unsigned long long)b->addr);
	}
	return 0;
}

static int read_segments(struct image *im, char why[WHY_MAX])
{
	size_t n;

	if (elf_getphdrnum(im->elf, &n))
		return say(why, "its program headers can't be read: %s",
			   elf_errmsg(-1));
	/* libelf believes the number; each is 56 bytes of the file. */
	if (n > im->size / sizeof(Elf64_Phdr))
		return say(why, "truncated: %zu program headers in a file of"
			   " %zu bytes", n, im->size);
	im->segments = tool_alloc(n, sizeof(*im->segments));
	for (size_t i = 0; i < n; i++) {
		GElf_Phdr ph;

		if (!gelf_getphdr(im->elf, (int)i, &ph))
			return say(why, "program header %zu can't be read: %s",
				   i, elf_errmsg(-1));
		if (ph.p_type == PT_LOAD && add_segment(im, i, &ph, why))
			return -1;
		if (ph.p_type == PT_GNU_RELRO)
			im->relro = (struct segment){ .addr = ph.p_vaddr,
				.mem_size = ph.p_memsz };
		if (ph.p_type == PT_DYNAMIC &&
		    is_inside(im, ph.p_offset, ph.p_filesz))
			read_dynamic(im, &ph);
	}
	qsort(im->segments, im->n_segments, sizeof(*im->segments), by_addr);
	return check_segments(im, why);
}

/* ---- dynamic relocations --------------------------------------------------- */

static int by_at(const void *a, const void *b)
{
	const struct reloc *x = a, *y = b;

	return x->at < y->at ? -1 : x->at > y->at;
}

static void add_reloc(struct image *im, size_t *room, struct reloc r)
{
	im->relocs = tool_grow(im->relocs, room, im->n_relocs + 1,
			       sizeof(*im->relocs));
	im->relocs[im->n_relocs++] = r;
}

/* The symbol table that a relocation section refers to. */
static Elf_Data *symbols_of(struct image *im, const GElf_Shdr *h,
			    size_t *strings)
{
	Elf_Scn *scn = elf_getscn(im->elf, h->sh_link);
	GElf_Shdr sh;

	if (!scn || !gelf_getshdr(scn, &sh) ||
	    (sh.sh_type != SHT_DYNSYM && sh.sh_type != SHT_SYMTAB))
		return NULL;
	*strings = sh.sh_link;
	return elf_getdata(scn, NULL);
}

static struct reloc reloc_of(struct image *im, const GElf_Rela *rela,
			     Elf_Data *symbols, size_t strings)
{
	struct reloc r = { .at = rela->r_offset,
			   .value = (uint64_t)rela->r_addend };
	size_t index = GELF_R_SYM(rela->r_info);
	GElf_Sym sym;

	if (!index || !symbols || index > INT32_MAX ||
	    !gelf_getsym(symbols, (int)index, &sym))
		return r;
	r.by_name = GELF_ST_BIND(sym.st_info) != STB_LOCAL &&
		    GELF_ST_VISIBILITY(sym.st_other) == STV_DEFAULT;
	if (sym.st_shndx != SHN_UNDEF) {
		/* A symbol that is relocated where it is: copied to there. */
		if (sym.st_value == rela->r_offset)
			r.copied = elf_strptr(im->elf, strings, sym.st_name);
		r.value += sym.st_value;
		return r;
	}
	r.symbol = elf_strptr(im->elf, strings, sym.st_name);
	if (!r.symbol)
		r.symbol = "";
	return r;
}

static void read_rela(struct image *im, size_t *room, const GElf_Shdr *h,
		      Elf_Data *data)
{
	size_t strings = 0, n = h->sh_entsize ? data->d_size / h->sh_entsize : 0;
	Elf_Data *symbols = symbols_of(im, h, &strings);
	GElf_Rela rela;

	for (size_t i = 0; i < n && i < INT32_MAX &&
	     gelf_getrela(data, (int)i, &rela); i++)
		add_reloc(im, room, reloc_of(im, &rela, symbols, strings));
}

static void read_relocs(struct image *im)
{
	size_t room = 0;

	for (size_t i = 0; i < im->n_sections; i++) {
		const struct section *s = &im->sections[i];
		Elf_Data *data;
		GElf_Shdr h;

		if (!(s->flags & SHF_ALLOC) || !is_inside(im, s->offset, s->size))
			continue;
		if (s->type == SHT_RELR)
			im->relr = s;
		if (s->type != SHT_RELA || !gelf_getshdr(s->scn, &h))
			continue;
		data = elf_getdata(s->scn, NULL);
		if (data)
			read_rela(im, &room, &h, data);
	}
	if (im->n_relocs)
		qsort(im->relocs, im->n_relocs, sizeof(*im->relocs), by_at);
}

/* The first that is not before addr.  NULL: none. */
static const struct reloc *reloc_from(const struct image *im, uint64_t addr)
{
	size_t lo = 0, hi = im->n_relocs;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (im->relocs[mid].at < addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < im->n_relocs ? &im->relocs[lo] : NULL;
}

/*
 * RELR: an even word is the address of a word to be relocated; bits 1 to 63 of
 * an odd one stand for the 63 words that follow.
 */
static bool relr_in(const struct image *im, uint64_t addr, uint64_t size,
		    uint64_t *at)
{
	const uint8_t *p = im->bytes + im->relr->offset;
	uint64_t next = 0;

	for (uint64_t i = 0; i + 8 <= im->relr->size; i += 8) {
		uint64_t word = image_get64(im, p + i);

		if (word & 1) {
			for (unsigned bit = 1; bit < 64; bit++, next += 8)
				if (word >> bit & 1 && next - addr < size) {
					*at = next;
					return true;
				}
		} else {
			*at = word;
			next = word + 8;
			if (word - addr < size)
				return true;
		}
	}
	return false;
}

bool image_relocated(const struct image *im, uint64_t addr, uint64_t size,
		     uint64_t *at)
{
	const struct reloc *r = reloc_from(im, addr);

	if (r && r->at - addr < size) {
		*at = r->at;
		return true;
	}
	return im->relr && relr_in(im, addr, size, at);
}

const char *image_copied(const struct image *im, uint64_t addr)
{
	const struct reloc *r = reloc_from(im, addr);

	return r && r->at == addr ? r->copied : NULL;
}

bool image_pointer(const struct image *im, uint64_t at, uint64_t *value,
		   const char **symbol)
{
	const uint8_t *p = image_at(im, at, 8);
	const struct reloc *r = reloc_from(im, at);

	*symbol = NULL;
	if (!p)
		return false;
	*value = image_get64(im, p);
	if (r && r->at == at && r->symbol) {
		*value = r->value;
		*symbol = r->symbol;
	} else if (image_dumped(im, at, 8)) {
		*value -= im->bias;
	} else if (r && r->at == at) {
		*value = r->value;
	}
	return true;
}

/* ---- what is exported ------------------------------------------------------ */

static int by_place(const void *a, const void *b)
{
	const struct exported *x = a, *y = b;

	return x->at < y->at ? -1 : x->at > y->at;
}

static bool is_exported_data(const GElf_Sym *sym)
{
	return sym->st_shndx != SHN_UNDEF &&
	       GELF_ST_TYPE(sym->st_info) == STT_OBJECT &&
	       GELF_ST_BIND(sym->st_info) != STB_LOCAL &&
	       (GELF_ST_VISIBILITY(sym->st_other) == STV_DEFAULT ||
		GELF_ST_VISIBILITY(sym->st_other) == STV_PROTECTED);
}

static void read_exports_of(struct image *im, size_t *room,
			    const GElf_Shdr *h, Elf_Data *data)
{
	size_t n = h->sh_entsize ? data->d_size / h->sh_entsize : 0;
	GElf_Sym sym;

	for (size_t i = 1; i < n && i < INT32_MAX &&
	     gelf_getsym(data, (int)i, &sym); i++) {
		const char *name;

		if (!is_exported_data(&sym))
			continue;
		name = elf_strptr(im->elf, h->sh_link, sym.st_name);
		if (!name)
			continue;
		im->exported = tool_grow(im->exported, room,
					 im->n_exported + 1,
					 sizeof(*im->exported));
		im->exported[im->n_exported++] = (struct exported){
			sym.st_value, name,
		};
	}
}

static void read_exports(struct image *im)
{
	size_t room = 0;

	for (size_t i = 0; i < im->n_sections; i++) {
		const struct section *s = &im->sections[i];
		Elf_Data *data;
		GElf_Shdr h;

		if (s->type != SHT_DYNSYM || !gelf_getshdr(s->scn, &h))
			continue;
		data = elf_getdata(s->scn, NULL);
		if (data)
			read_exports_of(im, &room, &h, data);
	}
	if (im->n_exported)
		qsort(im->exported, im->n_exported, sizeof(*im->exported),
		      by_place);
}

const char *image_exported(const struct image *im, uint64_t addr)
{
	const struct exported key = { .at = addr }, *e = NULL;

	if (im->n_exported)
		e = bsearch(&key, im->exported, im->n_exported, sizeof(key),
			    by_place);
	return e ? e->name : NULL;
}

bool image_is_library(const struct image *im)
{
	return im->type == ET_DYN && !im->pie;
}

bool image_bound_by_name(const struct image *im, uint64_t at)
{
	const struct reloc *r = reloc_from(im, at);

	return r && r->at == at && r->by_name && !im->symbolic;
}

/* ---- opening -------------------------------------------------------------- */

static const struct side_jmp_arch *find_arch(unsigned machine)
{
#define SAME(name) \
	if (side_jmp_arch_##name.machine == machine) \
		return &side_jmp_arch_##name;
	SIDE_JMP_ARCHS(SAME)
#undef SAME
	return NULL;
}

/* Ports are of 64 bits, and big-endian on s390x alone. */
static int read_header(struct image *im, bool object, char why[WHY_MAX])
{
	GElf_Ehdr h;

	if (elf_kind(im->elf) != ELF_K_ELF || !gelf_getehdr(im->elf, &h))
		return say(why, "not an ELF file");
	im->type = h.e_type;
	im->big_endian = h.e_ident[EI_DATA] == ELFDATA2MSB;
	im->arch = find_arch(h.e_machine);
	if (!im->arch || h.e_ident[EI_CLASS] != ELFCLASS64 ||
	    im->big_endian != (h.e_machine == EM_S390))
		return say(why, "of an architecture without sites (machine %u,"
			   " %s, %s-endian)", h.e_machine,
			   h.e_ident[EI_CLASS] == ELFCLASS64 ? "64 bits" :
			   "32 bits", im->big_endian ? "big" : "little");
	if (object)
		return h.e_type == ET_REL ? 0 : say(why, "no relocatable object");
	if (h.e_type == ET_REL)
		return say(why, "a relocatable object: its sites get their"
			   " addresses when it is linked");
	if (h.e_type != ET_EXEC && h.e_type != ET_DYN && h.e_type != ET_CORE)
		return say(why, "neither executable, shared library nor core"
			   " (type %u)", h.e_type);
	return 0;
}

/*
 * objcopy --only-keep-debug keeps the headers of what is loaded and takes the
 * bytes away.  Every linked file has a note or code; here all of it is gone.
 */
static bool holds_nothing_loaded(const struct image *im)
{
	bool any = false;

	for (size_t i = 0; i < im->n_sections; i++) {
		const struct section *s = &im->sections[i];

		if (!(s->flags & SHF_ALLOC) || s->type == SHT_NOTE)
			continue;
		any = true;
		if (s->type != SHT_NOBITS)
			return false;
	}
	return any;
}

static int image_read(struct image *im, char why[WHY_MAX])
{
	if (read_header(im, false, why))
		return -1;
	if (im->type != ET_CORE) {
		if (read_sections(im, why))
			return -1;
		im->debug_only = holds_nothing_loaded(im);
	}
	if (read_segments(im, why))
		return -1;
	if (im->type != ET_CORE && !im->debug_only) {
		read_relocs(im);
		read_exports(im);
	}
	return 0;
}

static int object_read(struct image *im, char why[WHY_MAX])
{
	if (read_header(im, true, why) || read_sections(im, why))
		return -1;
	return im->n_sections ? 0 : say(why, "truncated: it has no sections");
}

static int from_memory(struct image *im, const char *path, const void *bytes,
		       size_t size, int (*read)(struct image *, char *),
		       char why[WHY_MAX])
{
	*im = (struct image){ .bytes = bytes, .size = size };
	elf_version(EV_CURRENT);
	im->path = tool_strdup(path);
	if (size < sizeof(Elf64_Ehdr) || memcmp(bytes, ELFMAG, SELFMAG)) {
		image_close(im);
		return say(why, "not an ELF file");
	}
	/* Reads only, whatever its type says. */
	im->elf = elf_memory((char *)(uintptr_t)bytes, size);
	if (!im->elf) {
		image_close(im);
		return say(why, "not an ELF file: %s", elf_errmsg(-1));
	}
	if (read(im, why)) {
		image_close(im);
		return -1;
	}
	return 0;
}

int image_from_memory(struct image *im, const char *path, const void *bytes,
		      size_t size, char why[WHY_MAX])
{
	return from_memory(im, path, bytes, size, image_read, why);
}

int image_object(struct image *im, const char *path, const void *bytes,
		 size_t size, char why[WHY_MAX])
{
	return from_memory(im, path, bytes, size, object_read, why);
}

int image_open(struct image *im, const char *path, char why[WHY_MAX])
{
	struct snapshot *file = tool_alloc(1, sizeof(*file));

	if (snapshot_open(file, path, why)) {
		free(file);
		return -1;
	}
	if (image_from_memory(im, path, file->bytes, file->size, why)) {
		snapshot_close(file);
		free(file);
		return -1;
	}
	im->file = file;
	return 0;
}

void image_close(struct image *im)
{
	if (im->elf)
		elf_end(im->elf);
	if (im->file)
		snapshot_close(im->file);
	free(im->file);
	free(im->sections);
	free(im->segments);
	free(im->relocs);
	free(im->exported);
	free(im->path);
	*im = (struct image){ 0 };
}

const char *image_kind(const struct image *im)
{
	return im->type == ET_CORE ? "core" :
	       im->type == ET_REL ? "relocatable object" :
	       im->type == ET_EXEC ? "executable" :
	       im->pie ? "position-independent executable" :
	       "shared library";
}

/* ---- build-id -------------------------------------------------------------- */

void image_build_id(const struct image *im, char out[BUILD_ID_MAX])
{
	const struct section *s = image_section(im, ".note.gnu.build-id", NULL);
	const uint8_t *p;
	uint32_t size;

	*out = '\0';
	/* name size, description size, type 3, "GNU\0", description */
	if (!s || s->type != SHT_NOTE || s->size < 16 ||
	    !is_inside(im, s->offset, s->size))
		return;
	p = image_at(im, s->addr, s->size);
	if (!p)
		p = im->bytes + s->offset;	/* of a separate debug file */
	size = image_get32(im, p + 4);
	if (image_get32(im, p) != 4 || image_get32(im, p + 8) != NT_GNU_BUILD_ID ||
	    size > s->size - 16 || size > 64)
		return;
	for (uint32_t i = 0; i < size; i++)
		snprintf(out + 2 * i, 3, "%02x", p[16 + i]);
}
