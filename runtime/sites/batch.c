/* SPDX-License-Identifier: MIT */
/*
 * Writes of sites, in slices.  Owns how a site's bytes get there; must not know
 * of keys.
 *
 * A slice costs one open of our memory, and one write a site (or, in runs, one a
 * page); the last of a walk one synchronization of the cores, however many sites
 * there were.
 *
 * RUNS.  An object that is being loaded may have many sites on each page, and
 * one write of all of them, with what lies between, costs little more than a
 * write of one.  Other threads may be executing there: they see every byte as
 * it was or as it is to be, and as the bytes between sites stay the same that
 * is what single writes would show them; where a state is one aligned word, a
 * run begins and ends at multiples of RUN_ALIGN, so that the kernel's copy is
 * of whole words.  What a run could undo is a change of those other bytes by
 * somebody else: a debugger's breakpoint, a uprobe, another patcher's hook.  So
 * a run holds no breakpoint, which its owner might be removing; and what stands
 * there is compared right before the write: if it is not what it was, only the
 * sites' own bytes are written.  A microsecond is left in which a change could
 * be lost; that is why runs are for an object that is being loaded, and nothing
 * else.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <sched.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "runtime/sites/sites.h"

enum { MAX_PAGE = 65536 };		/* of any architecture with a port */
enum { RUN_ALIGN = 64 };		/* of what kernels copy at once */

/* sj_patch_lock */
static uint64_t batch_writes, batch_dropped;
/*
 * Written, pages dropped, and cores not synchronized since.  A walk does so in
 * its last slice, for whoever has written before it.
 */
static bool unsynced_writes, unsynced_drops;

/* The page in hand: as it was, and as it is to be.  sj_patch_lock. */
static uint8_t run_before[MAX_PAGE], run_bytes[MAX_PAGE];

static uintptr_t page_of(uintptr_t addr)
{
	return addr & ~(sj_page_size() - 1);
}

/* ---- writing ------------------------------------------------------------- */

/* Asked once a slice: the answer does not change under the lock. */
static bool batch_may_write(struct batch *b)
{
	if (!b->asked) {
		b->asked = true;
		b->may_write = !sj_frozen() &&
			       sj_backend()->id != SIDE_JMP_BACKEND_NONE;
	}
	return b->may_write;
}

static int batch_fd(struct batch *b)
{
	if (b->fd < 0 && !b->open_error) {
		b->fd = sj_backend()->open();
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
	r = sj_backend()->write(fd, addr, bytes, len);
	side_jmp_inject(INJECT_AFTER_WRITE);
	if (r)
		return r;
	batch_writes++;
	unsynced_writes = true;
	sj_page_set_dirty(o, addr, true);
	return memcmp((void *)addr, bytes, len) ? -EBUSY : 0;
}

/*
 * Last resort to arm what can't be written: drop the page, so that execution
 * refaults the file's own.
 *
 * 0, or why not: what the write said.  EPERM where the file itself holds the
 * page with a site that is not armed (it was so when the object came: a file
 * made by `side-jmp prepare`).  Dropping that page would also turn sites idle
 * that were armed since and are wanted, and nobody could arm them again.
 */
static int arm_by_dropping(struct object *o, const struct side_jmp_insn *insn,
			   uintptr_t addr, int error)
{
	if (sj_page_unsure(o, addr))
		return -EPERM;
	if (sj_backend()->drop(page_of(addr), o->textrel))
		return error;
	unsynced_drops = true;
	batch_dropped++;
	sj_page_set_dirty(o, addr, false);
	return sj_insn_state(insn) == SIDE_JMP_ARMED ? 0 : error;
}

static void note_error(struct batch *b, int error)
{
	if (!b->error)
		b->error = error;
}

/* ---- runs ---------------------------------------------------------------- */

static bool run_has_breakpoint(uintptr_t from, uintptr_t to)
{
	return from < to &&
	       side_jmp_arch_host()->breakpoint((const uint8_t *)from,
						to - from);
}

/*
 * Somebody else has changed something meanwhile: only what is ours, and not
 * where he did.
 */
static int write_pieces(struct batch *b, uintptr_t page, size_t from, size_t to)
{
	const uint8_t *now = (const uint8_t *)page;
	unsigned len = side_jmp_arch_host()->patch_len;
	int r = 0;

	for (size_t i = from; i < to; i += len) {
		int e = 0;

		if (memcmp(run_bytes + i, run_before + i, len) &&
		    !memcmp(now + i, run_before + i, len))
			e = write_text(b, b->run_object, page + i,
				       run_bytes + i, len);
		r = r ? r : e;
	}
	return r;
}

/* Of states that are words: whole lines, if nobody's breakpoint is there. */
static void run_widen(uintptr_t *lo, uintptr_t *hi)
{
	uintptr_t from = *lo & ~(uintptr_t)(RUN_ALIGN - 1);
	uintptr_t to = (*hi + RUN_ALIGN - 1) & ~(uintptr_t)(RUN_ALIGN - 1);

	if (side_jmp_arch_host()->patch_len == 1 ||
	    run_has_breakpoint(from, *lo) || run_has_breakpoint(*hi, to))
		return;
	*lo = from;
	*hi = to;
}

static void flush_run(struct batch *b)
{
	uintptr_t page = page_of(b->lo), lo = b->lo, hi = b->hi;
	int r;

	b->lo = b->hi = 0;
	if (!hi)
		return;
	run_widen(&lo, &hi);
	if (memcmp((void *)lo, run_before + (lo - page), hi - lo))
		r = write_pieces(b, page, lo - page, hi - page);
	else
		r = write_text(b, b->run_object, lo, run_bytes + (lo - page),
			       hi - lo);
	if (r && b->run_arms)
		note_error(b, r);
}

/* What a site's operand looks like is no breakpoint: from is behind the last. */
static void run_add(struct batch *b, struct object *o, uintptr_t addr,
		    const uint8_t *bytes, size_t len, bool arms)
{
	uintptr_t page = page_of(addr);

	if (b->hi && run_has_breakpoint(b->from, addr))
		flush_run(b);
	if (!b->hi) {
		memcpy(run_before, (void *)page, sj_page_size());
		memcpy(run_bytes, run_before, sj_page_size());
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

/* ---- one site -------------------------------------------------------------- */

static int write_site(struct batch *b, struct object *o,
		      const struct side_jmp_insn *insn,
		      enum side_jmp_state wanted)
{
	const struct side_jmp_arch *arch = side_jmp_arch_host();
	bool arms = wanted == SIDE_JMP_ARMED;
	uint8_t bytes[SIDE_JMP_INSN_MAX];
	unsigned off = arch->patch_offset(insn), len;
	uintptr_t addr = (uintptr_t)insn->site + off;
	int r;

	if (b->hi && (page_of(b->lo) != page_of(addr) || o != b->run_object))
		flush_run(b);
	if (!arms && !sj_page_affordable(o, addr))
		return 1;
	len = arch->encode(insn, wanted, bytes);
	if (b->runs && fits_run(addr, arch->patch_len)) {
		run_add(b, o, addr, bytes + off, arch->patch_len, arms);
		b->from = (uintptr_t)insn->site + len;
		return 0;
	}
	r = write_text(b, o, addr, bytes + off, arch->patch_len);
	if (r && arms)
		r = arm_by_dropping(o, insn, addr, r);
	return !r ? 0 : arms ? r : 1;
}

/*
 * Somebody's breakpoint does not bring back what was there when it came, but
 * the byte that it took.  So that what it leaves behind is right, a site that is
 * wanted is armed beneath it.
 */
static void arm_beneath(struct batch *b, struct object *o,
			const struct side_jmp_insn *insn)
{
	const struct side_jmp_arch *arch = side_jmp_arch_host();
	unsigned off = arch->patch_offset(insn);
	uint8_t armed[SIDE_JMP_INSN_MAX];

	if (!batch_may_write(b) || !sj_insn_idle_beneath(insn))
		return;
	arch->encode(insn, SIDE_JMP_ARMED, armed);
	flush_run(b);
	write_text(b, o, (uintptr_t)insn->site + off, armed + off,
		   arch->patch_len);
}

int sj_batch_site(struct batch *b, struct object *o,
		  const struct side_jmp_record *record,
		  enum side_jmp_state wanted)
{
	struct side_jmp_insn insn;
	enum side_jmp_state now;
	int r;

	sj_record_insn(record, &insn);
	now = sj_insn_state(&insn);
	b->spent += SJ_COST_LOOK;
	if (now == wanted)
		return 0;
	if (now == SIDE_JMP_FOREIGN) {	/* a debugger's; try again next time */
		if (wanted == SIDE_JMP_ARMED)
			arm_beneath(b, o, &insn);
		return 1;
	}
	if (!batch_may_write(b))
		r = wanted == SIDE_JMP_ARMED ? -EPERM : 1;
	else
		r = write_site(b, o, &insn, wanted);
	b->spent += b->runs ? SJ_COST_LOOK : SJ_COST_WRITE;
	if (r < 0)
		note_error(b, r);
	return r;
}

/* ---- slices ----------------------------------------------------------------- */

static uint64_t walking;		/* sj_patch_lock */

bool sj_walking(void)
{
	return walking;
}

uint32_t sj_walking_begin(void)
{
	walking++;
	return sj_fork_generation();
}

void sj_walking_end(uint32_t begun)
{
	if (begun == sj_fork_generation())
		walking--;
}

void sj_walking_after_fork(void)
{
	if (walking)			/* else leave the page shared */
		walking = 0;
}

bool sj_batch_over(struct batch *b, unsigned cost)
{
	enum { LOOK_AT_CLOCK = 64 };

	b->spent += cost;
	if (b->spent < LOOK_AT_CLOCK)
		return false;
	b->spent = 0;
	return sj_now() - b->began >= SJ_SLICE_NS;
}

static void batch_begin(struct batch *b, bool runs, sigmask_t mask)
{
	*b = (struct batch){
		.mask = mask, .began = sj_now(), .fd = -1, .runs = runs,
	};
}

/*
 * A dropped page needs it, too: the kernel's shootdown of a translation need not
 * interrupt the other cores (INVLPGB, paravirtual flushes).  Only where even
 * the synchronization is refused, as by a seccomp filter, an architecture's
 * word for its shootdown has to do.
 */
static void synchronize(struct batch *b)
{
	int r = 0;

	side_jmp_inject(INJECT_BEFORE_CORE_SYNC);
	if (unsynced_writes || unsynced_drops)
		r = sj_backend()->sync();
	if (r && (unsynced_writes ||
		  !side_jmp_arch_host()->shootdown_serializes)) {
		note_error(b, r);
		return;
	}
	unsynced_writes = unsynced_drops = false;
}

/* Returns whether somebody waits for the lock. */
static bool batch_end(struct batch *b, bool more, void *arg)
{
	bool contended;

	flush_run(b);
	if (b->fd >= 0)
		sj_backend()->close(b->fd);
	if (!more)
		synchronize(b);
	if (!more && b->then)
		b->then(b, arg);
	side_jmp_inject(INJECT_BEFORE_UNLOCK);
	contended = sj_unlock(&sj_patch_lock);
	sj_restore_signals(b->mask);
	return contended;
}

/*
 * To who waits: the lock is not fair, and we would have it again before he has
 * woken.  Until he has it, or for some hundred microseconds.
 */
static void give_way(void)
{
	for (unsigned i = 0; i < 500; i++) {
		if (__atomic_load_n(&sj_patch_lock, __ATOMIC_RELAXED))
			return;
		sched_yield();
	}
}

int sj_in_slices(sj_step *step, void *arg, bool runs)
{
	bool more = true, counted = false, contended;
	int saved = errno, error = 0;
	uint32_t begun = 0;
	struct batch b;

	while (more) {
		sigmask_t mask = sj_enter(&sj_patch_lock);

		batch_begin(&b, runs, mask);
		more = !step(&b, arg);
		if (more && !counted)
			begun = sj_walking_begin();
		else if (!more && counted)
			sj_walking_end(begun);
		counted = more;
		contended = batch_end(&b, more, arg);
		if (b.error && !error)
			error = b.error;
		if (more)
			side_jmp_inject(INJECT_BETWEEN_SLICES);
		if (more && contended)
			give_way();
	}
	errno = saved;
	return error;
}

int sj_one_slice(sj_step *step, void *arg)
{
	sigmask_t mask = sj_block_signals();
	struct batch b;
	bool done;

	if (!sj_lock_unless_forking(&sj_patch_lock)) {
		sj_restore_signals(mask);
		return SJ_SYNC_AGAIN;
	}
	batch_begin(&b, false, mask);
	done = step(&b, arg);
	batch_end(&b, !done, arg);
	return done ? b.error : SJ_SYNC_AGAIN;
}

void sj_batch_info(struct side_jmp_info *info)
{
	info->writes = batch_writes +
		__atomic_load_n(&sj_code_patch_writes, __ATOMIC_RELAXED);
	info->dropped_pages = batch_dropped;
}
