/* SPDX-License-Identifier: MIT */
/* See symbols.h. */
#define _GNU_SOURCE
#include <elfutils/libdwfl.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/symbols.h"

/* ---- functions ------------------------------------------------------------- */

static void add_functions(struct symbols *s, Elf *elf, Elf_Scn *scn)
{
	Elf_Data *data = elf_getdata(scn, NULL);
	GElf_Shdr h;
	GElf_Sym sym;

	if (!data || !gelf_getshdr(scn, &h))
		return;
	for (int i = 0; gelf_getsym(data, i, &sym); i++) {
		const char *name;

		if (GELF_ST_TYPE(sym.st_info) != STT_FUNC || !sym.st_size ||
		    sym.st_shndx == SHN_UNDEF)
			continue;
		name = elf_strptr(elf, h.sh_link, sym.st_name);
		s->functions = tool_grow(s->functions, &s->room, s->n + 1,
					 sizeof(*s->functions));
		s->functions[s->n++] = (struct function){
			sym.st_value, sym.st_size, name ? name : "",
		};
	}
}

/* Has it a table of this type?  Takes the functions in it. */
static bool add_table(struct symbols *s, Elf *elf, unsigned type)
{
	Elf_Scn *scn = NULL;
	GElf_Shdr h;

	while ((scn = elf_nextscn(elf, scn)))
		if (gelf_getshdr(scn, &h) && h.sh_type == type) {
			add_functions(s, elf, scn);
			return true;
		}
	return false;
}

static int by_address(const void *a, const void *b)
{
	const struct function *x = a, *y = b;

	if (x->addr != y->addr)
		return x->addr < y->addr ? -1 : 1;
	if (x->size != y->size)
		return x->size > y->size ? -1 : 1;
	return strcmp(x->name, y->name);
}

static void sort_functions(struct symbols *s)
{
	uint64_t end = 0;

	if (!s->n)
		return;
	qsort(s->functions, s->n, sizeof(*s->functions), by_address);
	s->ends = tool_alloc(s->n, sizeof(*s->ends));
	for (size_t i = 0; i < s->n; i++) {
		const struct function *f = &s->functions[i];

		if (f->addr + f->size > end)
			end = f->addr + f->size;
		s->ends[i] = end;
	}
}

const struct function *symbols_function(const struct symbols *s, uint64_t addr,
					unsigned nth)
{
	enum { TRIES = 64 };	/* a file may lie: functions nest, but not so */
	size_t lo = 0, hi = s->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (s->functions[mid].addr <= addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	for (unsigned i = 0; lo-- > 0 && i < TRIES && s->ends[lo] > addr; i++)
		if (addr - s->functions[lo].addr < s->functions[lo].size &&
		    nth-- == 0)
			return &s->functions[lo];
	return NULL;
}

const struct function *symbols_named(const struct symbols *s, const char *name,
				     unsigned nth)
{
	for (size_t i = 0; i < s->n; i++)
		if (!strcmp(s->functions[i].name, name) && nth-- == 0)
			return &s->functions[i];
	return NULL;
}

/* ---- lines ------------------------------------------------------------------- */

/* Code of one compilation unit. */
struct range {
	uint64_t start, end;
	Dwarf_Die unit;
};

struct lines {
	const struct image *image;
	Dwfl *dwfl;
	Dwarf *dwarf;
	struct range *ranges;		/* by their start */
	size_t n, room;
	char *debug;			/* the file that was named, or NULL */
	char *why;			/* WHY_MAX: symbols.no_lines */
};

/* ---- debug information that is there and can't be read ------------------------ */

#ifndef ELFCOMPRESS_ZSTD
#define ELFCOMPRESS_ZSTD	2
#endif

/* If the file has any: how it is, in case that it can't be read. */
static void note_debug(Elf *elf, const char *path, char why[WHY_MAX])
{
	size_t names = 0;
	Elf_Scn *scn = NULL;
	GElf_Shdr h;
	GElf_Chdr c;

	if (!elf || elf_getshdrstrndx(elf, &names))
		return;
	while ((scn = elf_nextscn(elf, scn))) {
		const char *name = gelf_getshdr(scn, &h) ?
			elf_strptr(elf, names, h.sh_name) : NULL;

		if (!name || h.sh_type == SHT_NOBITS ||
		    (strcmp(name, ".debug_info") && strcmp(name, ".zdebug_info")))
			continue;
		say(why, "no source lines: the debug information of %s %s",
		    path, !(h.sh_flags & SHF_COMPRESSED) ||
		    !gelf_getchdr(scn, &c) || c.ch_type == ELFCOMPRESS_ZLIB ?
		    "can't be read" : c.ch_type == ELFCOMPRESS_ZSTD ?
		    "is compressed by zstd, which this libelf can't read" :
		    "is compressed in a way that this libelf can't read");
	}
}

static void note_debug_file(int fd, const char *path, char why[WHY_MAX])
{
	Elf *elf = fd >= 0 ? elf_begin(fd, ELF_C_READ, NULL) : NULL;

	note_debug(elf, path, why);
	elf_end(elf);
}

/* A copy, as all that is read here, in place of a file; takes the descriptor. */
static int copy_of(int file)
{
	struct snapshot copy;
	char why[WHY_MAX];
	int fd;

	if (file < 0 || snapshot_of(&copy, file, why))
		return -1;
	fd = copy.fd < 0 ? -1 : fcntl(copy.fd, F_DUPFD_CLOEXEC, 0);
	snapshot_close(&copy);
	return fd;
}

static int find_debuginfo(Dwfl_Module *module, void **user, const char *name,
			  Dwarf_Addr base, const char *file, const char *link,
			  GElf_Word crc, char **found);

static const Dwfl_Callbacks callbacks = {
	.find_elf = dwfl_build_id_find_elf,
	.find_debuginfo = find_debuginfo,
	.section_address = dwfl_offline_section_address,
};

/* The file, as a module of its own; its copy is read.  NULL: it can't be. */
static Dwfl_Module *report(Dwfl *dwfl, const struct image *im)
{
	Dwfl_Module *module = NULL;
	int fd = -1;

	if (dwfl && im->file && im->file->fd >= 0)
		fd = fcntl(im->file->fd, F_DUPFD_CLOEXEC, 0);
	if (fd >= 0)
		module = dwfl_report_offline(dwfl, im->path, im->path, fd);
	if (!module && fd >= 0)
		close(fd);
	return module && !dwfl_report_end(dwfl, NULL, NULL) ? module : NULL;
}

/*
 * libdwfl asks where the separate debug file is.  What finds it in the usual
 * places keeps the very file open in the module, so it gets another module.
 */
static int find_debuginfo(Dwfl_Module *module, void **user, const char *name,
			  Dwarf_Addr base, const char *file, const char *link,
			  GElf_Word crc, char **found)
{
	struct lines *l = *user;
	Dwfl *usual = NULL;
	int fd = -1;

	*found = l->debug ? strdup(l->debug) : NULL;
	if (*found) {
		fd = copy_of(snapshot_open_regular(l->debug));
	} else if (!l->debug) {
		usual = dwfl_begin(&callbacks);
		module = report(usual, l->image);
		if (module)
			fd = copy_of(dwfl_standard_find_debuginfo(module, user,
					name, base, file, link, crc, found));
		dwfl_end(usual);
	}
	if (fd >= 0)
		note_debug_file(fd, *found, l->why);
	return fd;
}

static void lines_close(struct lines *l)
{
	if (!l)
		return;
	if (l->dwfl)
		dwfl_end(l->dwfl);
	free(l->ranges);
	free(l->debug);
	free(l);
}

static Dwarf *open_dwarf(struct lines *l)
{
	Dwfl_Module *module;
	void **user;
	GElf_Addr bias;

	l->dwfl = dwfl_begin(&callbacks);
	module = report(l->dwfl, l->image);
	if (!module)
		return NULL;
	dwfl_module_info(module, &user, NULL, NULL, NULL, NULL, NULL, NULL);
	*user = l;
	return dwfl_module_getdwarf(module, &bias);
}

static int by_start(const void *a, const void *b)
{
	const struct range *x = a, *y = b;

	return x->start < y->start ? -1 : x->start > y->start;
}

/* From the units themselves: not every compiler writes .debug_aranges. */
static bool read_ranges(struct lines *l)
{
	Dwarf_Addr base, start, end;
	Dwarf_CU *unit = NULL;
	Dwarf_Die die;
	int r;

	while (!(r = dwarf_get_units(l->dwarf, unit, &unit, NULL, NULL, &die,
				     NULL))) {
		ptrdiff_t next = 0;

		while ((next = dwarf_ranges(&die, next, &base, &start,
					    &end)) > 0) {
			l->ranges = tool_grow(l->ranges, &l->room, l->n + 1,
					      sizeof(*l->ranges));
			l->ranges[l->n++] = (struct range){ start, end, die };
		}
	}
	if (l->n)
		qsort(l->ranges, l->n, sizeof(*l->ranges), by_start);
	return r > 0;
}

/* NULL: there is no debug information, or `why` says what is about it. */
static struct lines *lines_open(const struct image *im, const char *debug,
				char why[WHY_MAX])
{
	struct lines *l = tool_alloc(1, sizeof(*l));

	l->image = im;
	l->debug = debug ? tool_strdup(debug) : NULL;
	l->why = why;
	note_debug(im->elf, im->path, why);
	l->dwarf = open_dwarf(l);
	if (!l->dwarf) {
		lines_close(l);
		return NULL;
	}
	if (read_ranges(l))
		*why = '\0';
	return l;
}

bool symbols_line(const struct symbols *s, uint64_t addr, const char **file,
		  int *line)
{
	const struct lines *l = s->lines;
	size_t lo = 0, hi = l ? l->n : 0;
	Dwarf_Line *found;

	while (lo < hi) {	/* the first that begins after addr */
		size_t mid = lo + (hi - lo) / 2;

		if (l->ranges[mid].start <= addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (!lo || addr >= l->ranges[lo - 1].end)
		return false;
	found = dwarf_getsrc_die(&l->ranges[lo - 1].unit, addr);
	*file = found ? dwarf_linesrc(found, NULL, NULL) : NULL;
	return *file && !dwarf_lineno(found, line);
}

/* ---- both -------------------------------------------------------------------- */

static int open_debug(struct symbols *s, const struct image *im,
		      const char *debug, char why[WHY_MAX])
{
	char one[BUILD_ID_MAX], other[BUILD_ID_MAX];

	if (image_open(&s->debug, debug, why))
		return -1;
	image_build_id(im, one);
	image_build_id(&s->debug, other);
	if (!strcmp(one, other))
		return 0;
	image_close(&s->debug);
	return say(why, "it belongs to another file: its build-id is %s,"
		   " expected %s", *other ? other : "missing",
		   *one ? one : "none");
}

int symbols_load(struct symbols *s, const struct image *im, const char *debug,
		 enum symbols_want want, char why[WHY_MAX])
{
	*s = (struct symbols){ 0 };
	if (debug && open_debug(s, im, debug, why))
		return -1;
	if (want == SYMBOLS_LINES)
		s->lines = lines_open(im, debug, s->no_lines);
	if (!add_table(s, im->elf, SHT_SYMTAB)) {
		s->from_debug = s->debug.elf ?
			add_table(s, s->debug.elf, SHT_SYMTAB) :
			s->lines && add_table(s, dwarf_getelf(s->lines->dwarf),
					      SHT_SYMTAB);
		if (!s->from_debug)
			add_table(s, im->elf, SHT_DYNSYM);
	}
	sort_functions(s);
	return 0;
}

void symbols_free(struct symbols *s)
{
	lines_close(s->lines);
	if (s->debug.elf)
		image_close(&s->debug);
	free(s->functions);
	free(s->ends);
	*s = (struct symbols){ 0 };
}
