/* SPDX-License-Identifier: MIT */
/*
 * An ELF file as its program would see it once loaded: bytes at addresses.
 *
 * Reads executables, shared libraries and cores of every architecture that has
 * a port, on any host.  Nothing in the file is believed: every address and
 * every length is checked where it is used.  Knows nothing of sites.
 */
#ifndef TOOLS_IMAGE_H
#define TOOLS_IMAGE_H

#include <gelf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arch/arch.h"
#include "tools/memory.h"
#include "tools/say.h"
#include "tools/snapshot.h"

struct section {
	const char *name;
	uint64_t addr, offset, size, flags, align;
	uint32_t type;
	Elf_Scn *scn;
};

/* What is loaded, sorted by address; no two overlap. */
struct segment {
	uint64_t addr, mem_size;
	uint64_t offset, file_size;	/* file_size <= mem_size, in the file */
	uint32_t flags;			/* PF_* */
};

/* A dynamic relocation: the loader writes `value` at `at`. */
struct reloc {
	uint64_t at, value;
	const char *symbol;	/* not NULL: of another object, plus value */
	bool by_name;		/* the loader looks for a symbol everywhere */
	const char *copied;	/* not NULL: another object's data, whose home
				   this is from then on (R_*_COPY) */
};

struct exported {
	uint64_t at;
	const char *name;
};

struct image {
	char *path;
	const uint8_t *bytes;
	size_t size;
	struct snapshot *file;		/* where `bytes` are from, and ours to
					   change; NULL: somebody's memory */
	Elf *elf;
	uint16_t type;			/* ET_EXEC, ET_DYN, ET_CORE, ET_REL */
	bool big_endian;
	const struct side_jmp_arch *arch;
	struct section *sections;
	size_t n_sections;
	struct segment *segments;
	size_t n_segments;
	struct segment relro;		/* mem_size 0: none */
	bool textrel, pie;
	bool symbolic;			/* names are looked for in it first */
	bool debug_only;		/* objcopy --only-keep-debug */
	struct reloc *relocs;		/* of SHT_RELA, sorted by `at` */
	size_t n_relocs;
	const struct section *relr;	/* those whose value is in place */
	struct exported *exported;	/* data, sorted by address */
	size_t n_exported;

	/* Not NULL: the memory of a process that had this file at `bias`. */
	const struct image *core;
	uint64_t bias;
};

/*
 * Open a file, or read one that is in memory already (which has to stay).
 * 0, or -1 and a sentence in `why`; then there is nothing to close.
 */
int image_open(struct image *im, const char *path, char why[WHY_MAX]);
int image_from_memory(struct image *im, const char *path, const void *bytes,
		      size_t size, char why[WHY_MAX]);
/* The same of a relocatable object, which has sections and no addresses. */
int image_object(struct image *im, const char *path, const void *bytes,
		 size_t size, char why[WHY_MAX]);
void image_close(struct image *im);

/* NULL: none of that name; *again: there is another one. */
const struct section *image_section(const struct image *im, const char *name,
				    bool *again);
/* The section in memory that holds the address.  NULL: none. */
const struct section *image_section_at(const struct image *im, uint64_t addr);
/* The segment that holds all of it.  NULL: none. */
const struct segment *image_segment(const struct image *im, uint64_t addr,
				    uint64_t size);
/* Does it stay writable (the loader takes that from RELRO)? */
bool image_stays_writable(const struct image *im, uint64_t addr,
			  uint64_t size);

/*
 * The bytes at an address: of the core where it has them, otherwise of the
 * file.  NULL: not in the file.
 */
const uint8_t *image_at(const struct image *im, uint64_t addr, uint64_t size);
/* The same, as many as there are up to *size. */
const uint8_t *image_at_most(const struct image *im, uint64_t addr,
			     uint64_t *size);
/* Does the core have these bytes? */
bool image_dumped(const struct image *im, uint64_t addr, uint64_t size);
/* Where they are in the file.  False: they are not. */
bool image_offset(const struct image *im, uint64_t addr, uint64_t size,
		  uint64_t *offset);
/* A string with its final 0.  NULL: there is none. */
const char *image_string(const struct image *im, uint64_t addr);

uint16_t image_get16(const struct image *im, const uint8_t *p);
uint32_t image_get32(const struct image *im, const uint8_t *p);
uint64_t image_get64(const struct image *im, const uint8_t *p);

/*
 * The pointer at an address, as it is once the loader is done.  *symbol: of
 * another object, whose address only the loader knows; otherwise NULL.
 */
bool image_pointer(const struct image *im, uint64_t at, uint64_t *value,
		   const char **symbol);
/* The name of what the loader copies to there out of a library.  NULL: nothing. */
const char *image_copied(const struct image *im, uint64_t addr);
/* Is there a dynamic relocation in the range?  *at: where. */
bool image_relocated(const struct image *im, uint64_t addr, uint64_t size,
		     uint64_t *at);

/* Is what it exports looked for in other objects before it? */
bool image_is_library(const struct image *im);
/* The name by which it exports the data at an address.  NULL: by none. */
const char *image_exported(const struct image *im, uint64_t addr);
/* Does the loader write there the address of whatever bears a name? */
bool image_bound_by_name(const struct image *im, uint64_t at);

/* "executable", "shared library", ... */
const char *image_kind(const struct image *im);

/* The build-id as hex, "" if there is none. */
enum { BUILD_ID_MAX = 2 * 64 + 1 };
void image_build_id(const struct image *im, char out[BUILD_ID_MAX]);

#endif
