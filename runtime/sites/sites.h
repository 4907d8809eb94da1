/* SPDX-License-Identifier: MIT */
/*
 * What the files of this room share, and the argument why it is right.
 *
 *
 * THE PROTOCOL
 *
 * A key's word says whether it is wanted; the text is a cache of `word == 0`.
 * Whoever changes a word then syncs the key: under sj_patch_lock, re-read the
 * word, write every site of the key that does not agree with it, and if
 * anything was written, synchronize the cores.
 *
 *   enable                          disable
 *   W: word += 1     (seq_cst)      W: word -= 1     (seq_cst)
 *   lock                            lock
 *   read word, arm the sites        read word; if 0, idle the sites
 *   synchronize cores               synchronize cores
 *   unlock                          unlock
 *
 *  1. Syncs of one key are serialized by sj_patch_lock, and each reads the word
 *     after it has the lock: the last one sees every change made before it
 *     began, so the text ends up agreeing with the word (level-triggered).
 *  2. Between enable's return and the matching disable, the word is not 0, so
 *     no sync in that time idles a site of the key.
 *  3. Enable returns after it had the lock with its own count in the word: all
 *     sites were armed, by itself or by an earlier holder, and that holder
 *     synchronized cores before it unlocked.  So no core still runs an idle
 *     site, and by 2 none becomes idle: the guarantee.
 *  4. An armed site loads the word (acquire); it is right at any time.  An
 *     idle one is right while the word is 0, or was when the enable that
 *     changed it had not returned.
 *  5. A store to a site never shows a third instruction: the two states differ
 *     in one byte, or in one aligned word.
 *  6. A file may hold sites idle (`side-jmp prepare`).  Such a site counts as
 *     unarmed from the moment its object comes, so every enable of its key has
 *     to write it, and fails with EPERM where nobody may: no back end, frozen.
 *     Its page is never dropped (batch.c), so what armed it stays.
 *
 *
 * LOCKS, outermost first.  All of them are held with every signal blocked, so
 * no handler, cancellation or pthread_exit can strike in between, and the
 * public functions may be called from handlers.
 *
 *   sj_object_lock  registration and unregistration of objects.
 *   key->lock       that key's list of subscribers; held while another copy
 *                   of the runtime is asked to sync its sites of the key.
 *   sj_patch_lock   leaf.  The lists of objects and keys, every site's text,
 *                   every counter below.  The lists change under sj_object_lock
 *                   *and* sj_patch_lock, so either suffices to read them.
 *
 * fork() takes sj_patch_lock alone: whoever holds it waits for nobody.  The child
 * resets the other two; what they guard is consistent at every single store.
 *
 *
 * COPIES.  An executable and a library that both link this library statically
 * make two copies in one process.  Each patches the sites of the objects that
 * registered with it.  They meet at keys they share: every copy with sites of
 * a key hangs a struct side_jmp_subscriber into the key.  A copy that joins
 * hangs itself in before it reads the word; a copy that enables changes the
 * word before it reads the list; both under key->lock or seq_cst, so one of
 * them sees the other.
 */
#ifndef SIDE_JMP_SITES_H
#define SIDE_JMP_SITES_H

#include "side_jmp.h"
#include "arch/arch.h"
#include "runtime/base/base.h"

/* ---- subscribers: ABI between copies, frozen -------------------------- */

#define SIDE_JMP_SYNC_FREEZE	0x1	/* arm everything you have, for good */

struct side_jmp_subscriber {
	struct side_jmp_subscriber *next;	/* key->lock */
	/*
	 * Make this copy's sites of the key agree with its word and
	 * synchronize cores.  Called with key->lock held; takes sj_patch_lock.
	 * 0, or -errno if a wanted site could not be armed.
	 *
	 * The memory of a subscriber is never unmapped (readers without the
	 * lock look at `next` and `sync`).
	 */
	int (*sync)(struct side_jmp_key *key, unsigned flags);
};

/* ---- objects, groups, keys -------------------------------------------- */

/* The sites of one key in one object.  sj_patch_lock. */
struct group {
	struct group *next;		/* of the same key, other objects */
	struct keyref *ref;
	struct object *object;
	uint32_t first, count;		/* in object->order */
	uint32_t unarmed;		/* sites not known to be armed */
};

/* This copy's view of a key that has sites here.  sj_patch_lock. */
struct keyref {
	struct side_jmp_subscriber subscriber;
	struct side_jmp_key *key;
	struct group *groups;
	struct keyref *hash_next;
	bool linked;			/* hangs in key->subscribers */
};

/* A registered object. */
struct object {
	struct object *next;
	struct side_jmp_object *abi;
	size_t map_size;		/* of the mapping this lives in */
	uint32_t n_records, n_sites;	/* duplicates collapse */
	uint32_t n_groups;
	struct group *groups;
	uint32_t *order;		/* record numbers, by group, then site */
	uint32_t *sorted;		/* record numbers, by site */
	uint32_t *which;		/* the group of each, in that order */
	uintptr_t first_page;		/* first page with a site */
	size_t n_pages;
	uint8_t *dirty;			/* a bit a page, from first_page on */
	uint8_t *unsure;		/* likewise: the file's page may have a
					   site that is not armed */
	bool textrel;			/* its text was relocated */
	bool executable;		/* not a library: never unloaded */
	bool kernel;			/* the kernel has the table */
};

/* ---- state.c: what the locks guard ------------------------------------- */

struct state {
	struct object *objects;
	struct keyref **buckets;
	size_t n_buckets, n_refs;
	uint64_t pages_dirtied, pages_budget;
	uint64_t syncs, writes, dropped_pages;
	bool unsynced;			/* written, cores not synchronized */
	uint64_t objects_refused;	/* by the kernel */
	int refuse_error;
	uint64_t objects_rejected;
	int reject_error;
	char reject_reason[240];
	enum side_jmp_backend backend;
	char backend_reason[200];
	char backend_asked[16];		/* SIDE_JMP_BACKEND; sj_object_lock */
	bool environment_read;		/* sj_object_lock */
	bool budget_ignored;		/* the variable was no number */
	bool chosen;			/* the backend: at the first write */
	bool frozen;			/* atomic; set once, under sj_patch_lock */
	bool stuck;			/* atomic; likewise: frozen, and since
					   then came a site that is not armed */
};

extern struct state sj_state;
extern uint32_t sj_object_lock, sj_patch_lock;

bool sj_state_frozen(void);	/* any thread */
bool sj_state_stuck(void);	/* any thread */
int sj_state_install_atfork(void);	/* no lock held */
struct keyref *sj_find_ref(const struct side_jmp_key *key);
struct keyref *sj_get_ref(struct side_jmp_key *key);	/* NULL: no memory */
void sj_drop_ref(struct keyref *ref);

/* ---- record.c: one site ---------------------------------------------------- */

struct side_jmp_key *sj_record_key(const struct side_jmp_record *record);
void sj_record_insn(const struct side_jmp_record *record,
		 struct side_jmp_insn *insn);
enum side_jmp_state sj_insn_state(const struct side_jmp_insn *insn);

/* ---- batch.c: batches of writes ------------------------------------------ */

/* Where a batch of writes stands.  Lives under sj_patch_lock. */
struct batch {
	int fd;				/* of our memory; < 0: not yet open */
	int open_error;			/* why not */
	bool asked, may_write;		/* asked whether anybody may patch */
	bool runs;			/* write whole runs of a page */
	bool dropped;			/* a page was dropped */
	int error;			/* first site that could not be armed */
	uintptr_t lo, hi;		/* the run in hand */
	struct object *run_object;
	bool run_arms;
	size_t n_keys;			/* for the kernel; see batch.c */
};

/* runs: if the process turns out to have one thread. */
void sj_batch_begin(struct batch *b, bool runs);
/* Returns 0, or -errno if a site that was to be armed is not. */
int sj_batch_end(struct batch *b);
/* Bring one site to `wanted`.  True if it is there, or will be at the end. */
bool sj_batch_site(struct batch *b, struct object *object,
		const struct side_jmp_record *record,
		enum side_jmp_state wanted);
/* All sites of a key of this copy. */
void sj_batch_key(struct batch *b, struct keyref *ref);
/* The file may hold this site, and so its page, other than armed. */
void sj_page_unsure(struct object *o, const struct side_jmp_insn *insn);
/*
 * Every site of the object, in the order of addresses, so that runs get long:
 * as its key's word asks for (wanted NULL: the object is new), or armed (it is
 * given up).
 */
void sj_batch_object(struct batch *b, struct object *object,
		     const enum side_jmp_state *wanted);

/* ---- backend_self.c: the back end that patches this very process --------------- */

void sj_self_choose(bool forced);
int sj_self_open(void);			/* a descriptor or -errno */
void sj_self_close(int fd);
int sj_self_write(int fd, uintptr_t at, const void *bytes, size_t len);
int sj_self_sync(void);
/* Give the file's own page back, without the patches.  0 or -errno. */
int sj_self_drop(uintptr_t page, bool textrel);
bool sj_self_single_threaded(void);

/* ---- backend_kernel.c: the back end that has the kernel patch ----------------- */

/* struct code_patch_args of the kernel */
struct sj_code_patch_args {
	uint64_t addr, len;
	int32_t pidfd;			/* -1 */
	uint32_t reserved;
	uint64_t sites, patched, skipped;	/* out */
};

enum { SJ_CODE_PATCH_KEYS = 4096 };	/* of a call: CODE_PATCH_MAX_KEYS */

/* linux/prctl.h of the same kernels */
#define SJ_PR_SET_CODE_INTEGRITY		0x53434947
#define SJ_PR_CODE_INTEGRITY_REFUSE_PATCH	1ul
#define SJ_PR_GET_CODE_INTEGRITY		0x47434947

/* Does the kernel know the call?  Asks, but tries nothing. */
bool sj_code_patch_known(void);
/* A trial patch: 0 or -errno; -ENOSYS: the kernel does not know the call. */
int sj_code_patch_probe(void);
int sj_code_patch_register(const struct side_jmp_record *start, size_t n);
int sj_code_patch_unregister(const struct side_jmp_record *start, size_t n);
int sj_code_patch_sync(const uint64_t words[], size_t n);

/* ---- backend.c: which of them.  sj_patch_lock. ---------------------------- */

/* May it be the kernel?  Asks it, but tries nothing. */
bool sj_backend_kernel_offered(void);
/* Sets sj_state.backend and its reason, by a trial patch. */
void sj_backend_choose(void);
void sj_backend_set(enum side_jmp_backend backend, const char *why, int error);
/* Do sites follow a word that the kernel changes, with no sync?  Any thread. */
bool sj_backend_follows_words(void);

/* ---- probe.c: a site of our own ------------------------------------------ */

int sj_probe(void);			/* 1: armed, 0: idle */
const struct side_jmp_record *sj_probe_record(uint32_t **word);

/* ---- key.c ------------------------------------------------------------- */

/*
 * SIDE_JMP_KEY_ARMED keeps sites armed for the sake of a kernel that sets the
 * word without a sync.  One that patches them itself needs no such thing.
 */
enum side_jmp_state sj_key_wanted(const struct side_jmp_key *key,
				  bool kernel_patches);
int sj_key_subscriber_sync(struct side_jmp_key *key, unsigned flags);
void sj_key_subscribe(struct keyref *ref);		/* sj_object_lock held */
void sj_key_unsubscribe(struct keyref *ref);	/* sj_object_lock held */

#endif
