/* SPDX-License-Identifier: MIT */
/*
 * The judge of tables: which rules a table of sites breaks.  The runtime asks
 * it about memory, and `side-jmp check` about files.
 *
 * Pure: reads what it is given, keeps nothing, takes no lock.  Must not know
 * of objects that are registered, of keys' words or of who patches.
 */
#ifndef SIDE_JMP_TABLE_H
#define SIDE_JMP_TABLE_H

#include "side_jmp.h"
#include "arch/arch.h"
#include "runtime/sites/image.h"

/* ---- the rules -------------------------------------------------------- */

/*
 * In the order in which the runtime asks: of several that are broken, it says
 * the first.  Their names are those of `side-jmp check`.
 */
#define SJ_RULES(rule) \
	rule(OBJECT_VERSION,	"object-version") \
	rule(OBJECT_PLACE,	"object-place") \
	rule(TABLE_BOUNDS,	"table-bounds") \
	rule(TABLE_ALIGNMENT,	"table-alignment") \
	rule(TABLE_SIZE,	"table-size") \
	rule(TABLE_LARGE,	"table-large") \
	rule(RECORD_VERSION,	"record-version") \
	rule(RECORD_LAYOUT,	"record-layout") \
	rule(RECORD_FLAGS,	"record-flags") \
	rule(RECORD_RESERVED,	"record-reserved") \
	rule(TARGET_BOUNDS,	"target-bounds") \
	rule(KEY_ALIGNMENT,	"key-alignment") \
	rule(KEY_SLOT,		"key-slot") \
	rule(KEY_WRITABLE,	"key-writable") \
	rule(KEY_ADDRESS,	"key-address") \
	rule(KEY_FIELDS,	"key-fields") \
	rule(SITE_ALIGNMENT,	"site-alignment") \
	rule(SITE_BOUNDS,	"site-bounds") \
	rule(SITE_REACH,	"site-reach") \
	rule(SITE_BYTES,	"site-bytes") \
	rule(SITE_CONTRADICTION, "site-contradiction") \
	rule(SITE_OVERLAP,	"site-overlap")

enum sj_rule {
	SJ_ACCEPTED,
#define SJ_RULE_(id, name)	SJ_##id,
	SJ_RULES(SJ_RULE_)
#undef SJ_RULE_
	SJ_N_RULES,
};

const char *sj_rule_name(enum sj_rule rule);	/* SJ_ACCEPTED: "accepted" */
int sj_rule_error(enum sj_rule rule);		/* 0 or -errno */

/* ---- what is judged --------------------------------------------------- */

/* Of every port: they are of 64 bits. */
enum { SJ_KEY_SIZE = 32, SJ_KEY_ALIGN = 8, SJ_SLOT_SIZE = 8 };

/* A record, its fields as addresses. */
struct sj_site {
	struct side_jmp_insn insn;	/* insn.word: what its key field names */
	uint64_t key;		/* which key: any number that tells them apart */
	uint8_t version, flags, reserved;
};

/* What is where a record says that its key is. */
struct sj_seen_key {
	bool elsewhere;		/* in another object: nothing is known of it */
	bool readable;		/* the two below are known */
	uint64_t addr;
	unsigned version, width;
};

/* An object: memory, or the file that it will be loaded from. */
struct sj_view {
	const struct side_jmp_arch *arch;
	const struct sj_segment *segments;
	size_t n_segments;
	struct sj_segment relro;	/* end 0: none */
	/* A file.  NULL: memory, of this process; an address is a pointer. */
	const struct sj_view_file *file;
	const void *arg;		/* the file's own */
};

struct sj_view_file {
	/* As many bytes as there are up to *len.  NULL: none. */
	const uint8_t *(*bytes)(const struct sj_view *view, uint64_t at,
				uint64_t *len);
	void (*key)(const struct sj_view *view, const struct sj_site *site,
		    struct sj_seen_key *key);
};

/* All of it is in one segment, which has these rights. */
bool sj_view_holds(const struct sj_view *view, uint64_t at, uint64_t len,
		   uint32_t flags);

/* Armed or idle only if the bytes are exactly what would be written. */
static inline enum side_jmp_state
sj_bytes_state(const struct side_jmp_arch *arch,
	       const struct side_jmp_insn *insn, const uint8_t *bytes,
	       unsigned len)
{
	struct side_jmp_insn seen = *insn;
	enum side_jmp_state state = arch->decode(&seen, bytes, len);

	return seen.target == insn->target && seen.word == insn->word ?
	       state : SIDE_JMP_FOREIGN;
}

/*
 * The rules that a record breaks, a bit each (1 << SJ_...).  Of memory: the
 * first of them, for what is behind it may not be there to be read.
 */
uint32_t sj_judge_site(const struct sj_view *view, const struct sj_site *site);
/*
 * Two records, a's site not behind b's.  *copy: they say the same, as the
 * folding of identical functions leaves them.
 */
enum sj_rule sj_judge_pair(const struct side_jmp_arch *arch,
			   const struct sj_site *a, const struct sj_site *b,
			   bool *copy);

/* ---- the runtime's tables --------------------------------------------- */

struct sj_verdict {
	enum sj_rule rule;
	int error;			/* 0 or -errno */
	bool all_armed;			/* every site, as in nearly every file */
	char text[240];			/* what, where, why */
};

/* Says why not; returns the error. */
__attribute__((format(printf, 4, 5)))
int sj_verdict_say(struct sj_verdict *v, const struct sj_image *im, int error,
		   const char *why, ...);

/* Everything that a table has to be.  0 or -errno. */
int sj_table_check(const struct sj_image *im,
		   const struct side_jmp_object *abi, struct sj_verdict *v);

static inline uintptr_t sj_record_site(const struct side_jmp_record *r)
{
	return (uintptr_t)&r->site + (uintptr_t)(intptr_t)r->site;
}

/*
 * Record numbers by the address of their site, in `order`; `scratch` is as
 * large.
 */
void sj_table_sort(const struct side_jmp_record *records, uint32_t n,
		   uint32_t *order, uint32_t *scratch);
/*
 * Exact duplicates collapse; two records that disagree about one place are an
 * error.  Returns the number that is left or -errno.
 */
int64_t sj_table_collapse(const struct sj_image *im,
			  const struct side_jmp_record *records, uint32_t n,
			  uint32_t *order, struct sj_verdict *v);

#endif
