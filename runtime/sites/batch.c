/* SPDX-License-Identifier: MIT */
/*
 * Batches of writes that change the state of sites.  Owns the pages (which are
 * dirty, how many may be); knows of a key only whether it is wanted.  All of it
 * under sj_patch_lock.
 *
 * A batch costs one open of our memory, one write a site (or, in runs, one a
 * page), and one synchronization of the cores, however many sites it has; or,
 * of objects whose tables the kernel has, one system call.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <string.h>

#include "runtime/sites/sites.h"

enum { MAX_PAGE = 65536 };		/* of any architecture with a port */

/* ---- pages -------------------------------------------------------------- */

static uintptr_t page_of(uintptr_t addr)
{
	return addr & ~(sj_page_size() - 1);
}

static size_t page_index(const struct object *o, uintptr_t addr)
{
	return (page_of(addr) - o->first_page) / sj_page_size();
}

static bool page_dirty(const struct object *o, uintptr_t addr)
{
	size_t i = page_index(o, addr);

	return o->dirty[i / 8] & 1u << i % 8;
}

static void page_set_dirty(struct object *o, uintptr_t addr, bool dirty)
{
	size_t i = page_index(o, addr);

	if (dirty == page_dirty(o, addr))
		return;
	o->dirty[i / 8] ^= (uint8_t)(1u << i % 8);
	sj_state.pages_dirtied += dirty ? 1 : (uint64_t)-1;
}

void sj_page_unsure(struct object *o, const struct side_jmp_insn *insn)
{
	size_t i = page_index(o, (uintptr_t)insn->site +
			      side_jmp_arch_host()->patch_offset(insn));

	o->unsure[i / 8] |= (uint8_t)(1u << i % 8);
}

static bool page_unsure(const struct object *o, uintptr_t addr)
{
	size_t i = page_index(o, addr);

	return o->unsure[i / 8] & 1u << i % 8;
}

static bool budget_allows(const struct object *o, uintptr_t addr)
{
	return page_dirty(o, addr) ||
	       sj_state.pages_dirtied < sj_state.pages_budget;
}

/* ---- batches ------------------------------------------------------------ */

/*
 * Who patches is decided when the first site has to be written.  A program
 * whose sites are as their keys want them (prepared by `side-jmp prepare`, or
 * all enabled) makes no trial patch, and dirties no page.
 */
static enum side_jmp_backend backend(void)
{
	if (!sj_state.chosen) {
		sj_state.chosen = true;
		sj_backend_choose();
	}
	return sj_state.backend;
}

/*
 * But a kernel that patches gets every table: it also patches on its own
 * account.  Without the question whether there is one, nothing is decided.
 */
static bool kernel_patches(void)
{
	return (sj_state.chosen || sj_backend_kernel_offered()) &&
	       backend() == SIDE_JMP_BACKEND_KERNEL;
}

/* Asked once a batch: the answer does not change under the lock. */
static bool may_write(struct batch *b)
{
	if (!b->asked) {
		b->asked = true;
		b->may_write = !sj_state_frozen() &&
			       backend() != SIDE_JMP_BACKEND_NONE;
		b->runs = b->runs && b->may_write &&
			  backend() == SIDE_JMP_BACKEND_SELF &&
			  sj_self_single_threaded();
	}
	return b->may_write;
}

/* The page in hand of a batch in runs.  sj_patch_lock. */
static uint8_t run_bytes[MAX_PAGE];

void sj_batch_begin(struct batch *b, bool runs)
{
	*b = (struct batch){ .fd = -1, .runs = runs };
}

static int batch_fd(struct batch *b)
{
	if (b->fd < 0 && !b->open_error) {
		b->fd = sj_self_open();
		if (b->fd < 0)
			b->open_error = b->fd;
	}
	return b->fd < 0 ? b->open_error : b->fd;
}

/* Write and read back: a write that did not take is an error, not a hope. */
static int write_text(struct batch *b, struct object *o, uintptr_t addr,
		      const uint8_t *bytes, size_t len)
{
	int fd = batch_fd(b), r;

	if (fd < 0)
		return fd;
	side_jmp_inject(INJECT_BEFORE_WRITE);
	r = sj_self_write(fd, addr, bytes, len);
	side_jmp_inject(INJECT_AFTER_WRITE);
	if (r)
		return r;
	sj_state.writes++;
	sj_state.unsynced = true;
	page_set_dirty(o, addr, true);
	return memcmp((void *)addr, bytes, len) ? -EBUSY : 0;
}

/*
 * Last resort to arm what can't be written: drop the page, so that execution
 * refaults the file's own.
 */
static int drop_page(struct batch *b, struct object *o, uintptr_t addr)
{
	int r = sj_self_drop(page_of(addr), o->textrel);

	if (r)
		return r;
	b->dropped = true;
	sj_state.dropped_pages++;
	page_set_dirty(o, addr, false);
	return 0;
}

/*
 * 0, or why not: what the write said.  EPERM where the file itself holds the
 * page with a site that is not armed (it was so when the object came: a file
 * made by `side-jmp prepare`).  Dropping that page would also turn sites idle
 * that were armed since and are wanted, and nobody could arm them again.
 */
static int arm_by_dropping(struct batch *b, struct object *o,
			   const struct side_jmp_insn *insn, uintptr_t addr,
			   int error)
{
	if (page_unsure(o, addr))
		return -EPERM;
	return !drop_page(b, o, addr) &&
	       sj_insn_state(insn) == SIDE_JMP_ARMED ? 0 : error;
}

static void note_error(struct batch *b, int error)
{
	if (!b->error)
		b->error = error;
}

static void flush_run(struct batch *b)
{
	uintptr_t lo = b->lo, hi = b->hi;
	int r;

	b->lo = b->hi = 0;
	if (lo == hi)
		return;
	r = write_text(b, b->run_object, lo, run_bytes + (lo - page_of(lo)),
		       hi - lo);
	if (r && b->run_arms)
		note_error(b, r);
}

/*
 * Add bytes to the run of their page.  Rewriting what lies between two sites
 * is safe only because nobody else can be changing it: runs are for processes
 * of one thread.
 */
static void run_add(struct batch *b, struct object *o, uintptr_t addr,
		    const uint8_t *bytes, size_t len, bool arms)
{
	uintptr_t page = page_of(addr);

	if (!b->hi) {
		memcpy(run_bytes, (void *)page, sj_page_size());
		b->lo = addr;
		b->run_object = o;
		b->run_arms = false;
	}
	memcpy(run_bytes + (addr - page), bytes, len);
	if (addr < b->lo)
		b->lo = addr;
	if (addr + len > b->hi)
		b->hi = addr + len;
	b->run_arms |= arms;
}

/* A site whose patchable bytes cross a page does not fit into a run. */
static bool fits_run(uintptr_t addr, size_t len)
{
	return page_of(addr) == page_of(addr + len - 1) &&
	       sj_page_size() <= MAX_PAGE;
}

static bool write_site(struct batch *b, struct object *o,
		       const struct side_jmp_insn *insn,
		       enum side_jmp_state wanted)
{
	const struct side_jmp_arch *arch = side_jmp_arch_host();
	bool arms = wanted == SIDE_JMP_ARMED;
	uint8_t bytes[SIDE_JMP_INSN_MAX];
	unsigned off = arch->patch_offset(insn);
	uintptr_t addr = (uintptr_t)insn->site + off;
	int r;

	if (!may_write(b)) {
		if (arms)
			note_error(b, -EPERM);
		return false;
	}
	if (b->hi && (page_of(b->lo) != page_of(addr) || o != b->run_object))
		flush_run(b);
	if (!arms && !budget_allows(o, addr))
		return false;
	arch->encode(insn, wanted, bytes);
	if (b->runs && fits_run(addr, arch->patch_len)) {
		run_add(b, o, addr, bytes + off, arch->patch_len, arms);
		return true;
	}
	r = write_text(b, o, addr, bytes + off, arch->patch_len);
	if (r && arms)
		r = arm_by_dropping(b, o, insn, addr, r);
	if (r && arms)
		note_error(b, r);
	return !r;
}

bool sj_batch_site(struct batch *b, struct object *o,
		const struct side_jmp_record *record,
		enum side_jmp_state wanted)
{
	struct side_jmp_insn insn;
	enum side_jmp_state now;

	sj_record_insn(record, &insn);
	now = sj_insn_state(&insn);
	if (now == wanted)
		return true;
	if (now == SIDE_JMP_FOREIGN)	/* a debugger's; try again next time */
		return false;
	return write_site(b, o, &insn, wanted);
}

/*
 * Only the self back end idles sites here, and as long as it may; and a group
 * with no unarmed site has nothing to arm.
 */
static bool nothing_to_do(const struct batch *b, const struct group *group,
			  enum side_jmp_state wanted)
{
	return wanted == SIDE_JMP_ARMED ? !group->unarmed :
	       (sj_state.chosen &&
		sj_state.backend != SIDE_JMP_BACKEND_SELF) ||
	       sj_state_frozen() || b->open_error;
}

/* Is the site known to be armed afterwards?  A run may still fail. */
static bool arms_for_sure(struct batch *b, struct object *o, uint32_t record,
			  enum side_jmp_state wanted)
{
	return sj_batch_site(b, o, &o->abi->start[record], wanted) &&
	       wanted == SIDE_JMP_ARMED && !b->runs;
}

static void batch_group(struct batch *b, struct group *group,
			enum side_jmp_state wanted)
{
	struct object *o = group->object;
	uint32_t unarmed = 0;

	if (nothing_to_do(b, group, wanted))
		return;
	for (uint32_t i = group->first; i < group->first + group->count; i++)
		unarmed += !arms_for_sure(b, o, o->order[i], wanted);
	group->unarmed = unarmed;
}

/* ---- objects whose tables the kernel has --------------------------------- */

/*
 * Of one call: all that it takes, so that a batch has as few synchronizations
 * of the cores as it can.  sj_patch_lock.
 */
static struct side_jmp_key *batch_keys[SJ_CODE_PATCH_KEYS];

/* Look at the group's sites: how many are idle, and on which pages? */
static uint32_t count_idle(struct group *g)
{
	struct object *o = g->object;
	uint32_t idle = 0;

	for (uint32_t i = g->first; i < g->first + g->count; i++) {
		struct side_jmp_insn insn;

		sj_record_insn(&o->abi->start[o->order[i]], &insn);
		if (sj_insn_state(&insn) != SIDE_JMP_IDLE)
			continue;
		idle++;
		page_set_dirty(o, (uintptr_t)insn.site, true);
	}
	return idle;
}

/*
 * If the call failed, what counts is what stands there: the kernel arms before
 * it refuses for ever.  What is idle and must not be is armed by our own means,
 * unless the key is registered with user_events (SIDE_JMP_KEY_ARMED): then the
 * kernel may be about to idle it for what the word was before.
 */
static void look_after(struct batch *b, struct side_jmp_key *key, int error)
{
	struct keyref *ref = sj_find_ref(key);

	for (struct group *g = ref ? ref->groups : NULL; g; g = g->next) {
		if (!g->object->kernel || !count_idle(g) || !error ||
		    sj_key_wanted(key, true) == SIDE_JMP_IDLE)
			continue;
		g->unarmed = g->count;
		if (__atomic_load_n(&key->flags, __ATOMIC_SEQ_CST))
			note_error(b, error);
		else
			batch_group(b, g, SIDE_JMP_ARMED);
	}
}

static void sync_by_kernel(struct batch *b)
{
	static uint64_t words[SJ_CODE_PATCH_KEYS];
	int r;

	if (!b->n_keys)
		return;
	for (size_t i = 0; i < b->n_keys; i++)
		words[i] = (uintptr_t)&batch_keys[i]->word32;
	side_jmp_inject(INJECT_BEFORE_WRITE);
	r = sj_code_patch_sync(words, b->n_keys);
	side_jmp_inject(INJECT_AFTER_WRITE);
	for (size_t i = 0; i < b->n_keys; i++)
		look_after(b, batch_keys[i], r);
	b->n_keys = 0;
}

static void add_key(struct batch *b, struct side_jmp_key *key)
{
	if (b->n_keys == SJ_CODE_PATCH_KEYS)
		sync_by_kernel(b);
	batch_keys[b->n_keys++] = key;
}

/* The kernel has no budget: ours decides whether it gets the table. */
static bool budget_allows_all(const struct object *o)
{
	uint64_t pages = 0, last = UINT64_MAX;

	for (uint32_t i = 0; i < o->n_sites; i++) {
		struct side_jmp_insn insn;

		sj_record_insn(&o->abi->start[o->sorted[i]], &insn);
		pages += page_of((uintptr_t)insn.site) != last;
		last = page_of((uintptr_t)insn.site);
	}
	return pages + sj_state.pages_dirtied <= sj_state.pages_budget;
}

static void give_to_kernel(struct object *o)
{
	int r = -EDQUOT;

	if (budget_allows_all(o))
		r = sj_code_patch_register(o->abi->start, o->n_records);
	if (r) {
		sj_state.objects_refused++;
		sj_state.refuse_error = r;
		return;
	}
	o->kernel = true;
	for (uint32_t i = 0; i < o->n_groups; i++)
		(void)count_idle(&o->groups[i]);
}

/* Arms all sites.  Returns false if some may still be idle. */
static bool take_from_kernel(struct object *o)
{
	int r = sj_code_patch_unregister(o->abi->start, o->n_records);

	o->kernel = false;
	for (uint32_t i = 0; i < o->n_groups; i++)
		o->groups[i].unarmed = r ? o->groups[i].count : 0;
	return !r;
}

/* ---- by key, by object ---------------------------------------------------- */

void sj_batch_key(struct batch *b, struct keyref *ref)
{
	enum side_jmp_state wanted = sj_key_wanted(ref->key, false);
	bool kernel = false;

	for (struct group *g = ref->groups; g; g = g->next)
		if (g->object->kernel)
			kernel = true;
		else
			batch_group(b, g, wanted);
	if (kernel)
		add_key(b, ref->key);
}

void sj_batch_object(struct batch *b, struct object *o,
		     const enum side_jmp_state *wanted)
{
	if (!wanted && kernel_patches()) {
		give_to_kernel(o);
		return;
	}
	/* If the call fails, by ourselves: whoever may patch may arm. */
	if (o->kernel && take_from_kernel(o))
		return;
	for (uint32_t i = 0; i < o->n_sites; i++) {
		struct group *g = &o->groups[o->which[i]];
		enum side_jmp_state w = wanted ? *wanted :
					sj_key_wanted(g->ref->key, false);

		if (nothing_to_do(b, g, w))
			continue;
		/* An upper bound; the key's next sync counts again. */
		if (!arms_for_sure(b, o, o->sorted[i], w) &&
		    g->unarmed < g->count)
			g->unarmed++;
	}
}

int sj_batch_end(struct batch *b)
{
	const struct side_jmp_arch *arch = side_jmp_arch_host();
	int r = 0;

	flush_run(b);
	sync_by_kernel(b);
	if (b->fd >= 0)
		sj_self_close(b->fd);
	side_jmp_inject(INJECT_BEFORE_CORE_SYNC);
	if (b->dropped && !arch->shootdown_serializes)
		sj_state.unsynced = true;
	if (sj_state.unsynced)
		r = sj_self_sync();
	if (r)
		note_error(b, r);
	else
		sj_state.unsynced = false;
	side_jmp_inject(INJECT_BEFORE_UNLOCK);
	return b->error;
}
