/* SPDX-License-Identifier: MIT */
/*
 * One corpus of tables, most of them malformed, for all that judge tables: the
 * runtime (tests/unit/objects_corpus.c), `side-jmp check` (tests/tools/
 * corpus.sh) and the kernel (tests/kernel/e2e/corpus.c).
 *
 * Each case is a shared library of any port, made here byte by byte, that
 * differs from a good one in what its edits say.  Knows the format, and which
 * verdicts are expected; must not know how they are asked for.
 */
#ifndef CORPUS_H
#define CORPUS_H

#include "runtime/sites/table.h"

/* ---- the library: what is where; in the file as in memory, but for COLD  */

enum {
	CORPUS_CONSTANT_KEY = 0x1000, CORPUS_CONSTANT = 0x1100,
	CORPUS_TABLE = 0x2000, CORPUS_HEADERS_END = 0x4000,

	CORPUS_TEXT = 0x10000, CORPUS_TEXT_END = 0x20000,
	CORPUS_NO_SITE = 0x10100,	/* zeros */
	CORPUS_WIDE = 0x10120,		/* of KEY */
	CORPUS_WIDE64 = 0x10140,	/* of KEY64 */
	CORPUS_BREAKPOINT = 0x10160,
	CORPUS_IDLE = 0x10180,
	CORPUS_TO_COLD = 0x101a0,	/* its check block is COLD */
	CORPUS_OVERLAP = 0x101c0,	/* x86-64: a jump in a jump's operand */
	/* x86-64: of the layout nop, also idle, with breakpoints on both of its
	   instructions, and with another SIB byte */
	CORPUS_NOP = 0x101e0, CORPUS_NOP_IDLE = 0x10200,
	CORPUS_NOP_BREAKPOINT = 0x10220, CORPUS_NOP_BREAKPOINT_TOO = 0x10240,
	CORPUS_NOP_SIB = 0x10260,
	CORPUS_CHECK = 0x10400, CORPUS_OTHER_CHECK = 0x10420,
	CORPUS_TEXT_TABLE = 0x11000,

	CORPUS_COLD = 0x30000, CORPUS_COLD_FILE = 0x70000,

	CORPUS_RELRO = 0x50000, CORPUS_RELRO_KEY = 0x51000,
	CORPUS_SLOT = 0x52000,		/* of KEY */
	CORPUS_SLOT_TOO = 0x52008,	/* of KEY */
	CORPUS_SLOT_64 = 0x52010, CORPUS_SLOT_NULL = 0x52018,
	CORPUS_SLOT_ODD = 0x52020,

	CORPUS_DATA = 0x60000,
	CORPUS_KEY = 0x60000, CORPUS_KEY64 = 0x60040,
	CORPUS_OTHER_KEY = 0x60080, CORPUS_KEY_VERSION_2 = 0x600c0,
	CORPUS_KEY_WIDTH_16 = 0x60100,
	CORPUS_OBJECT = 0x60800,	/* room for a struct side_jmp_object */
	CORPUS_DATA_TABLE = 0x60900, CORPUS_DATA_END = 0x61000,
	CORPUS_SLOT_BSS = 0x61100,	/* zeros that are not in the file */
	CORPUS_BSS_END = 0x62000,

	CORPUS_FAR = 0x4060000,		/* in nothing */
	CORPUS_DISTANT = 0x10000000,	/* code; COLD_FILE, too */
	CORPUS_END_OF_ALL = 0x10001000,
	CORPUS_SIZE = 0x71000,		/* of the file */
	CORPUS_PAGE = 0x10000,
};

#define CORPUS_SITE(i)	(CORPUS_TEXT + 16 * (i))	/* eight, of KEY */

/* ---- cases ------------------------------------------------------------ */

enum corpus_field {
	CORPUS_END, CORPUS_F_SITE, CORPUS_F_CHECK, CORPUS_F_KEY,
	CORPUS_F_VERSION, CORPUS_F_LAYOUT, CORPUS_F_FLAGS, CORPUS_F_RESERVED,
	/* of the table */
	CORPUS_F_START, CORPUS_F_RECORDS, CORPUS_F_MORE,
	/* of the object */
	CORPUS_F_OBJECT_VERSION, CORPUS_F_RECORD_SIZE,
};

struct corpus_edit {
	uint8_t field, record;
	int64_t value;
};

/* Who is not asked. */
enum { CORPUS_NOT_FILE = 1, CORPUS_NOT_KERNEL = 2 };

struct corpus_case {
	const char *name;
	enum sj_rule rule;		/* the first that is broken */
	const char *why;		/* a telling word of the reason */
	int kernel;			/* 0 or -errno, its own one */
	struct corpus_edit edits[10];
	unsigned sites;			/* 0: 3 */
	uint16_t machine;		/* 0: of every port */
	bool aligned;			/* of ports that align sites */
	bool no_nop;			/* of those without that layout */
	bool reach;			/* of those whose jumps do not reach
					   DISTANT */
	uint8_t not;			/* CORPUS_NOT_* */
	/* Not NULL: the verdicts are not all the same, and why. */
	const char *differ;
	const char *file;		/* the rule of `side-jmp check`, if it
					   is not `rule`; "": it accepts */
};

extern const struct corpus_case corpus_cases[];
extern const unsigned corpus_n_cases;

bool corpus_applies(const struct corpus_case *c,
		    const struct side_jmp_arch *arch);
/* What `side-jmp check` says: the name of a rule, or "accepted". */
const char *corpus_file_rule(const struct corpus_case *c);

/* ---- a library -------------------------------------------------------- */

struct corpus_reloc {
	uint32_t at, value;		/* the library's base plus value */
};

struct corpus {
	const struct side_jmp_arch *arch;
	uint64_t start, size;		/* of the table */
	uint32_t object_version, record_size;
	struct corpus_reloc relocs[16];
	unsigned n_relocs;
	uint8_t bytes[CORPUS_SIZE];
};

void corpus_make(struct corpus *l, const struct corpus_case *c,
		 const struct side_jmp_arch *arch);
/* 0 or -errno. */
int corpus_write(const struct corpus *l, int fd);

#endif
