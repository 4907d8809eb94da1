/* SPDX-License-Identifier: MIT */
/*
 * What the files of this room share, and the argument why it is right.
 *
 *
 * THE PROTOCOL
 *
 * A key's word says whether it is wanted; the text is a cache of `word == 0`.
 * Whoever changes a word then syncs the key: slice after slice, each under
 * sj_patch_lock, it reads the word anew and writes sites that do not agree with
 * it, until it has looked at all of them.
 *
 *   enable                          disable
 *   W: word += 1     (seq_cst)      W: word -= 1     (seq_cst)
 *   until all sites are done:       until all sites are done:
 *     lock                            lock
 *     read word, arm some sites       read word; if 0, idle some sites
 *     synchronize cores               synchronize cores
 *     unlock                          unlock
 *
 *  1. A slice reads the word after it has the lock, and writes before it lets
 *     go.  So what it writes agrees with every change that was made before.
 *  2. Between an enable's W and the matching disable's the word is not 0, so no
 *     slice that begins in that time idles a site of the key.
 *  3. Enable returns after slices that began after its own W have armed every
 *     site of the key, or found it armed, and synchronized cores.  So no core
 *     still runs an idle site, and by 2 none becomes idle: the guarantee.  An
 *     object that comes meanwhile is either seen by those slices, or it became
 *     visible (live) after the last of them began, so that its own first
 *     slices read the word after W.
 *  4. Whoever changed the word last walks over all sites afterwards, so the
 *     text ends up agreeing with the word (level-triggered).
 *  5. An armed site loads the word (acquire); it is right at any time.  An
 *     idle one is right while the word is 0, or was when the enable that
 *     changed it had not returned.
 *  6. A store to a site never shows a third form: the two states differ in one
 *     byte, or in one aligned word.  Where an armed site is two instructions
 *     (x86-64's layout nop), the second is a jump to the check block that stands
 *     there in both states: a thread between the two goes there, and by 5 that
 *     is right.
 *  7. A file may hold sites idle (`side-jmp prepare`).  An enable of their key
 *     has to write them, and fails with EPERM where nobody may: no back end,
 *     frozen.  Their page is never dropped (pages.c), so what armed them stays.
 *
 * A slice takes about SJ_SLICE_NS; between two, other threads get the lock and
 * this one its signals.  How far a walk over a key's sites has come stands in
 * the keyref (wanted, and scanned of each group), so that threads that sync one
 * key go on where the other stopped:
 *
 *  8. While ref->wanted is SJ_WANTS_ARMED, the first `scanned` sites of each of
 *     its groups are armed, but those counted in `skipped` or `error`.  Whoever
 *     idles a site of the key, or finds the word to be 0, sets another value
 *     first, under the lock; so does who begins to sync it, if one was skipped.
 *
 *
 * LOCKS, outermost first.  All of them are held with every signal blocked, so
 * no handler, cancellation or pthread_exit can strike in between, and the
 * public functions may be called from handlers.
 *
 *   named_lock      (named.c) keys that live control has found by name stay.
 *   sj_share_lock   who of this copy's keyrefs hangs in its key's list.
 *   key->lock       that list, which copies of the runtime share; held while
 *                   another copy is asked to sync a slice of its sites.
 *   sj_patch_lock   leaf.  The lists of objects and keys, every site's text,
 *                   every counter.
 *
 * fork() takes sj_share_lock and sj_patch_lock.  So in the child no key->lock
 * is held, by no copy, and everything is as between two slices.  Where walks of
 * more than a slice were under way (sj_walking), the child finishes them all
 * before it goes on; else fork() costs the same whatever there is.  One copy
 * waits for another's patch lock while it holds its own share lock, and fork()
 * takes the locks of all copies one after the other; so in all that one copy
 * does for another (sync of a subscriber) it takes the lock by sj_one_slice(),
 * which does not wait for a fork, but says SJ_SYNC_AGAIN.
 *
 *
 * COPIES.  An executable and a library that both link this library statically
 * make two copies in one process.  Each patches the sites of the objects that
 * registered with it.  They meet at keys they share: every copy with sites of
 * a key hangs a struct side_jmp_subscriber into the key.  A copy that joins
 * hangs itself in before it reads the word; a copy that enables changes the
 * word before it reads the list; both seq_cst, so one of them sees the other.
 *
 *
 * AN OBJECT that is loaded: its table is checked, sorted and grouped by key, in
 * memory of its own and without a lock; its keys get keyrefs, in slices; it
 * becomes live at once; its keyrefs are hung into their keys; its sites are
 * walked over, in slices.  An object that goes: it is not live any more, at
 * once, and nobody changes its sites again; then its groups are taken away, in
 * slices.  See object.c.
 */
#ifndef SIDE_JMP_SITES_H
#define SIDE_JMP_SITES_H

#include "side_jmp.h"
#include "arch/arch.h"
#include "runtime/base/base.h"
#include "runtime/sites/backend.h"
#include "runtime/sites/word.h"

/* ---- subscribers: ABI between copies, frozen -------------------------- */

#define SIDE_JMP_SYNC_FREEZE	0x1	/* arm everything you have, for good */

typedef int sj_subscriber_sync(struct side_jmp_key *key, unsigned flags);

struct side_jmp_subscriber {
	struct side_jmp_subscriber *next;	/* key->lock */
	/*
	 * Make this copy's sites of the key agree with its word and
	 * synchronize cores.  Called with key->lock held; takes sj_patch_lock.
	 * 0, or -errno if a wanted site could not be armed, or SJ_SYNC_AGAIN:
	 * a slice is done (or a fork() is under way); let key->lock go and call
	 * again.  Every copy has one such function, the same for all keys.
	 */
	sj_subscriber_sync *sync;
};

enum { SJ_SYNC_AGAIN = 1 };

/* ---- objects, groups, keys: sj_patch_lock ------------------------------- */

/* The sites of one key in one object. */
struct group {
	struct group *next;		/* of the same key, other objects */
	struct keyref *ref;
	uint32_t first, count;		/* in object->order */
	uint32_t index;			/* in object->groups */
	uint32_t scanned;		/* see 8 above */
};

enum sj_wants { SJ_WANTS_UNKNOWN, SJ_WANTS_ARMED, SJ_WANTS_IDLE };

/* This copy's view of a key that has sites here. */
struct keyref {
	struct side_jmp_subscriber subscriber;
	struct side_jmp_key *key;
	struct group *groups;
	struct keyref *hash_next;
	/* The walk over its sites, see 8 above. */
	int16_t error;			/* -errno: a site could not be armed */
	uint8_t wanted;			/* enum sj_wants */
	bool skipped;			/* a site was foreign, or beyond the
					   budget */
	bool subscribed;		/* sj_share_lock */
};

/* A registered object. */
struct object {
	struct object *next;		/* the newest first */
	struct side_jmp_object *abi;
	uint64_t id;			/* the newest has the highest */
	size_t map_size;		/* of the mapping this lives in */
	uint32_t n_records, n_sites;	/* duplicates collapse */
	uint32_t n_groups;
	struct group *groups;		/* follow this */
	uint32_t *order;		/* record numbers, by group, then site */
	uint32_t *sorted;		/* record numbers, by site */
	uint32_t *which;		/* the group of each, in that order */
	uintptr_t first_page;		/* of its code */
	uint8_t *dirty;			/* a bit a page, from first_page on */
	uint8_t *unsure;		/* likewise: the file's page may have a
					   site that is not armed */
	uint64_t n_dirty;		/* bits in dirty */
	size_t n_bits;			/* bytes of each */
	uintptr_t adopter;		/* the thread that has a back end take
					   it over; or 0 */
	uintptr_t owner;		/* the thread that brings or takes it */
	uint32_t generation;		/* of forks, when it came */
	bool live;			/* its sites follow their keys */
	bool coming;			/* and the first walk is under way */
	bool leaving;			/* its sites are armed for good */
	bool any_unsure;
	bool textrel;			/* its text was relocated */
	bool executable;		/* not a library: never unloaded */
	bool kernel;			/* the kernel has the table */
};

/* Groups lie in their object's mapping, right behind it. */
enum { SJ_GROUPS_AT = (sizeof(struct object) + 63) / 64 * 64 };

static inline struct object *sj_group_object(struct group *g)
{
	return (struct object *)(void *)((char *)(g - g->index) - SJ_GROUPS_AT);
}

/* ---- state.c ---------------------------------------------------------------- */

extern uint32_t sj_share_lock, sj_patch_lock;

bool sj_frozen(void);		/* any thread; never undone */
void sj_set_frozen(void);	/* sj_patch_lock */
/* Frozen, and since then came a site that is not armed.  Any thread. */
bool sj_stuck(void);
void sj_set_stuck(void);	/* sj_patch_lock */
bool sj_freezing(void);		/* sj_patch_lock: nothing goes idle */
void sj_set_freezing(bool freezing);

/* ---- objects.c: which are live --------------------------------------------- */

struct sj_verdict;

/* The newest that is older than `id`. */
struct object *sj_object_before(uint64_t id);
void sj_object_show(struct object *o);
void sj_object_hide(struct object *o);
void sj_object_reject(const struct sj_verdict *v);	/* takes the lock */
void sj_objects_info(struct side_jmp_info *info);

/* ---- keyref.c ------------------------------------------------------------ */

struct keyref *sj_keyref_find(const struct side_jmp_key *key);
struct keyref *sj_keyref_get(struct side_jmp_key *key);	/* NULL: no memory */
void sj_keyref_drop(struct keyref *ref);
uint64_t sj_keyref_count(void);
/* The chain of bucket i; false beyond the last. */
bool sj_keyref_bucket(size_t i, struct keyref **chain);
/* Is it one of this copy's?  Without the lock; may err to no. */
bool sj_keyref_owns(const struct side_jmp_subscriber *s);

/* ---- record.c: one site ---------------------------------------------------- */

struct side_jmp_key *sj_record_key(const struct side_jmp_record *record);
void sj_record_insn(const struct side_jmp_record *record,
		 struct side_jmp_insn *insn);
enum side_jmp_state sj_insn_state(const struct side_jmp_insn *insn);
/*
 * Would a site of two instructions be idle without a breakpoint on either?  The
 * byte that says so is another one (x86-64's nop).
 */
bool sj_insn_idle_beneath(const struct side_jmp_insn *insn);

/* ---- pages.c: which pages are changed, and how many may be ---------------- */

/* SIDE_JMP_DIRTY_PAGES.  False: it is not a number. */
bool sj_pages_ask(const char *budget);
bool sj_page_dirty(const struct object *o, uintptr_t addr);
void sj_page_set_dirty(struct object *o, uintptr_t addr, bool dirty);
/* The file may hold this site, and so its page, other than armed. */
void sj_page_set_unsure(struct object *o, const struct side_jmp_insn *insn);
bool sj_page_unsure(const struct object *o, uintptr_t addr);
bool sj_page_affordable(const struct object *o, uintptr_t addr);
bool sj_pages_affordable(uint64_t more);
void sj_pages_forget(struct object *o);
void sj_pages_info(struct side_jmp_info *info);

/* ---- batch.c: slices of writes ---------------------------------------------- */

#define SJ_SLICE_NS	500000		/* of a lock; longer by a write or two */

/* One slice.  Between sj_batch_begin() and sj_batch_end() we have the lock. */
struct batch {
	sigmask_t mask;
	uint64_t began;			/* ns */
	unsigned spent;			/* since the clock was looked at */
	int fd;				/* of our memory; < 0: not yet open */
	int open_error;			/* why not */
	bool asked, may_write;		/* asked whether anybody may patch */
	bool runs;			/* write whole runs of a page */
	int error;			/* first site that could not be armed */
	uintptr_t lo, hi, from;		/* the run in hand; its last site's end */
	struct object *run_object;
	bool run_arms;
	/* When the step is done and the cores are synchronized; or NULL. */
	void (*then)(struct batch *b, void *arg);
};

/* Something to be done in slices.  True: done. */
typedef bool sj_step(struct batch *b, void *arg);

/*
 * Takes the lock again and again, until it is done.  Blocks signals meanwhile.
 * runs: write what lies between sites of a page, too, see batch.c.  Returns 0,
 * or -errno: the first site that was to be armed and is not.
 */
int sj_in_slices(sj_step *step, void *arg, bool runs);
/* The same for a caller who may not wait: one slice, or SJ_SYNC_AGAIN. */
int sj_one_slice(sj_step *step, void *arg);

enum { SJ_COST_LOOK = 1, SJ_COST_WRITE = 16 };
bool sj_batch_over(struct batch *b, unsigned cost);	/* the slice, that is */
/*
 * Bring one site to `wanted`.  0: it is there, or will be at the end; 1: it is
 * not, and that is nobody's fault; -errno: it was to be armed, and is not.
 */
int sj_batch_site(struct batch *b, struct object *o,
		  const struct side_jmp_record *record,
		  enum side_jmp_state wanted);
void sj_batch_info(struct side_jmp_info *info);

/*
 * Calls that have let go of the lock before they were done; sj_patch_lock.  In
 * the child of a fork() they are forgotten: end one that began before, and
 * nothing happens.
 */
bool sj_walking(void);
uint32_t sj_walking_begin(void);	/* for: */
void sj_walking_end(uint32_t begun);
void sj_walking_after_fork(void);

/* ---- share.c: other copies ------------------------------------------------- */

/* Has anybody but us sites of the key?  Any thread, no lock. */
bool sj_key_shared(const struct side_jmp_key *key);
int sj_key_sync_others(struct side_jmp_key *key, unsigned flags);
/* SIDE_JMP_KEY_*.  False: the flag was so already. */
bool sj_key_mark(struct side_jmp_key *key, uint8_t flag, bool on);
/* All keys of the object: join those that we have not joined yet. */
void sj_groups_subscribe(struct object *o, sj_subscriber_sync *sync);
/*
 * Take some of the object's last groups away from their keys, and leave those
 * that we have no other site of.
 */
void sj_groups_drop(struct object *o);
int sj_freeze_others(void);

/* ---- adopt.c: tables of a back end that patches by itself; no lock --------- */

/* Does it take the object over?  Then sj_object_adopt() has to follow. */
bool sj_object_offer(struct object *o);
void sj_object_adopt(struct object *o);
void sj_object_release(struct object *o);
void sj_release_table(void);		/* one of all; waits for no fork() */
/* How far all of them are back; sj_patch_lock. */
enum sj_adopted {
	SJ_ADOPTED_NONE, SJ_ADOPTED_SOME,
	SJ_ADOPTED_OTHERS,		/* another thread takes one over */
	SJ_ADOPTED_HERE,		/* a call that our handler struck does */
};
enum sj_adopted sj_adopted(void);
void sj_adopt_after_fork(void);
void sj_adopt_info(struct side_jmp_info *info);

/* ---- walk.c: sites that agree with their words ------------------------------ */

enum sj_change { SJ_NO_CHANGE, SJ_ADD, SJ_TAKE, SJ_TAKE_CLAIMED };

/* Claims that a call has, see word.c: to keys[from] up to keys[to].  claims.c */
struct sj_claims {
	struct sj_claims *next;
	uintptr_t thread;		/* 0: has none yet */
	size_t n, from, to;
	int error;
	struct side_jmp_key *keys[];
};

/* To all, or -errno and to none.  Claims that are had are to be ended. */
int sj_claims_begin(struct side_jmp_key *const keys[], size_t n,
		    struct sj_claims **out);
void sj_claims_end(struct sj_claims *c);
void sj_claims_after_fork(void);	/* of threads that are gone */

/* Change the words of n keys, and make all their sites agree. */
struct sj_key_walk {
	struct side_jmp_key *const *keys;
	size_t n;
	enum sj_change change;
	struct sj_claims *claims;	/* SJ_TAKE_CLAIMED */
	/* From here on it is the walk's; done: how many words have changed. */
	size_t done, mended;
	bool changed;			/* the word of keys[done], already */
	bool stop, kernel, shared;
	uint32_t begun;			/* of sj_walking_begin() */
	int error, follow_error;
};

/*
 * 0, or the first error: of a word that could not be changed, or -errno of a
 * site that is wanted and could not be armed.  SJ_ADD ends with the first.
 */
int sj_walk_keys(struct sj_key_walk *w);
/* For another copy: a slice of ours. */
int sj_sync_slice(struct side_jmp_key *key);
/* All of an object's, in runs; it is new. */
void sj_sync_object(struct object *o);
/* Arm them, whatever the words say. */
int sj_arm_object(struct object *o);

/* Arm everything: where that is; sj_patch_lock.  True: it is done. */
struct sj_arming {
	uint64_t before, current;	/* ids of objects */
	uint32_t next;			/* site of that */
	int error;
};
#define SJ_ARMING_INIT	{ .before = UINT64_MAX, .current = UINT64_MAX }
bool sj_arm_some(struct batch *b, struct sj_arming *a);

void sj_walk_after_fork(void);

/* ---- named.c: keys by name, for live control; not of a signal handler ------- */

typedef void sj_key_visit(struct side_jmp_key *key, uint32_t sites, void *arg);

/*
 * Every key with a site in this copy; one that comes or goes meanwhile perhaps,
 * and some perhaps twice.  sj_patch_lock is held in each call.
 */
void sj_keys_each(sj_key_visit *visit, void *arg);

struct sj_named {
	/* sj_patch_lock */
	bool (*wants)(const struct side_jmp_key *key, void *arg);
	void *arg;
	bool enable;
};

struct sj_named_result {
	uint64_t changed, refused;
	int error;			/* of the first refused */
};

/* Have this process's live control use these keys, or use them no more. */
void sj_keys_change(const struct sj_named *named,
		    struct sj_named_result *result);
/* What is hidden by now, nobody finds any more.  False: see sj_lock_soon(). */
bool sj_named_wait(void);
void sj_named_after_fork(void);

/* ---- freeze.c ---------------------------------------------------------------- */

int sj_freeze_slice(void);	/* for another copy; or SJ_SYNC_AGAIN */

#endif
