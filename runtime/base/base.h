/* SPDX-License-Identifier: MIT */
/*
 * What everything here stands on: a lock, memory, fences, who and when we are,
 * open files, numbers as text, and the steps at which a test may interfere.
 *
 * Knows neither sites nor events.  The rooms of runtime/, each of which may
 * name those before it and no other: base, sites, events, control.
 */
#ifndef SIDE_JMP_BASE_H
#define SIDE_JMP_BASE_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

/* ---- signals.c --------------------------------------------------------- */

typedef uint64_t sigmask_t;		/* the kernel's sigset_t */

sigmask_t sj_block_signals(void);	/* all; what they were */
void sj_restore_signals(sigmask_t mask);

/* ---- lock.c ------------------------------------------------------------ */

/*
 * A mutex of one word (0 free, 1 held, 2 held with waiters) on a private
 * futex, no owner, no recursion.  Acquire pairs with the release in unlock.
 * All of these keep errno: callers may be signal handlers.
 */

/*
 * A lock of ours.  fork() holds all of them, see fork.c: within its handlers,
 * the thread that forks has it already, and these two do nothing.
 */
void sj_lock(uint32_t *word);
bool sj_unlock(uint32_t *word);		/* did somebody wait for it? */
/* With signals blocked, as they were before sj_leave(). */
sigmask_t sj_enter(uint32_t *word);
void sj_leave(uint32_t *word, sigmask_t mask);
/* For who holds what fork() may wait for: false, while a fork is under way. */
bool sj_lock_unless_forking(uint32_t *word);
/*
 * For destructors.  At exit() libc takes a library's fork handlers away before
 * them, also under a fork() that is between two of ours in another thread: then
 * nobody lets the locks go any more.  False, after a second of such a fork, and
 * at once when that has been waited for before.
 */
bool sj_lock_soon(uint32_t *word);
/* A lock that fork() does not hold: of a key. */
void sj_lock_word(uint32_t *word);
bool sj_unlock_word(uint32_t *word);

/* Sleep, by a raw system call: libc's are cancellation points. */
void sj_pause(long ns);			/* less than a second */

/* This thread: not 0, no other's, and the same in the child of its fork(). */
static inline uintptr_t sj_thread(void)
{
	return (uintptr_t)pthread_self();
}

/* ---- fork.c ------------------------------------------------------------ */

/*
 * Of one room.  prepare takes the room's locks, parent lets them go, and child
 * makes good in the child, with all locks held, what the threads that are gone
 * have left; parent follows it there.  Signals are blocked.
 */
struct sj_fork_hooks {
	void (*prepare)(void);
	void (*parent)(void);
	void (*child)(void);
};

/*
 * For variables that every fork() writes to, here and in the child: each page of
 * them is copied once more.  So they lie together, and not among the zeros.
 */
#define SJ_WRITTEN_BY_FORK	__attribute__((section(".data")))

/* In the order of the locks, outermost first. */
enum sj_fork_rank {
	SJ_FORK_CONTROL, SJ_FORK_TRACE, SJ_FORK_EVENTS, SJ_FORK_SITES,
	SJ_FORK_RANKS,
};

/*
 * Before the room takes a lock for the first time, and without any.  To no
 * effect when it has been done.  0 or -errno.
 */
int sj_fork_add(enum sj_fork_rank rank, const struct sj_fork_hooks *hooks);
/* Has a room done so?  Then sj_fork_add() is a store. */
bool sj_fork_begun(void);
bool sj_fork_holds(void);		/* does this thread fork, and hold all? */
bool sj_fork_under_way(void);		/* does any thread? */
/* The number of the last that has begun, from 1 on. */
uint32_t sj_fork_number(void);
/* How many forks lie between this process and where it was loaded. */
extern uint32_t sj_fork_count;
static inline uint32_t sj_fork_generation(void)
{
	return __atomic_load_n(&sj_fork_count, __ATOMIC_RELAXED);
}

/* ---- memory.c ---------------------------------------------------------- */

/*
 * Not malloc(): we run in constructors, before or inside other people's
 * allocators, and in signal handlers.
 */
void *sj_map_pages(size_t size);	/* zeros; NULL: no memory */
uintptr_t sj_page_size(void);

/* ---- fence.c ----------------------------------------------------------- */

/* membarrier(2); not every libc comes with the kernel's headers. */
enum sj_membarrier {
	SJ_MEMBARRIER_QUERY = 0,
	SJ_MEMBARRIER_ALL = 1 << 3,		/* PRIVATE_EXPEDITED */
	SJ_MEMBARRIER_REGISTER_ALL = 1 << 4,
	SJ_MEMBARRIER_SYNC_CORE = 1 << 5,	/* ..._SYNC_CORE */
	SJ_MEMBARRIER_REGISTER_SYNC_CORE = 1 << 6,
};

long sj_membarrier(enum sj_membarrier command);	/* or -errno */
/*
 * Registered before, if need be: fork() inherits that, but it is the address
 * space's.  0 or -errno.
 */
int sj_membarrier_registered(enum sj_membarrier command,
			     enum sj_membarrier registering);

enum sj_fence_mode {
	SJ_FENCE_UNDECIDED, SJ_FENCE_LIGHT, SJ_FENCE_TURNING, SJ_FENCE_ALWAYS,
};
extern uint32_t sj_fence_mode;		/* atomic */

/*
 * Between a store and a load, each of what the other side loads and stores: one
 * of the two sees what the other one has stored.  Why, says fence.c.  Any
 * thread, signal handlers included; both keep errno.
 */
static inline void sj_fence_often(void)
{
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	if (__atomic_load_n(&sj_fence_mode, __ATOMIC_RELAXED) != SJ_FENCE_LIGHT)
		__atomic_thread_fence(__ATOMIC_SEQ_CST);
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
}
/* -errno: there is no way to know that the others are where they should be. */
int sj_fence_seldom(void);
/* Before the first sj_fence_seldom().  Keeps errno. */
void sj_fence_begin(void);
/* From now on without system calls, if there is still one to say so. */
void sj_fence_always(void);

/* ---- file.c ------------------------------------------------------------ */

/* Which file a descriptor was, to be asked whether it still is. */
struct sj_file {
	dev_t device;
	ino_t inode;
};

/*
 * Move a new descriptor out of the way of programs that expect the lowest
 * numbers, of the usual 1024, and where fewer are allowed.  Returns where it is
 * now.
 */
enum { SJ_FILE_ASIDE = 900, SJ_FILE_ASIDE_OF_FEW = 200 };
int sj_file_aside(int fd);
/* Every folder in a path that ends in '/'.  0 or -errno. */
int sj_file_make_folders(const char *path);
/* A name, as it is from the root; "": that is not to be found, or too long. */
void sj_file_from_root(const char *name, char *path, size_t size);
bool sj_file_note(int fd, struct sj_file *file);	/* false: errno */
/*
 * A program that closes descriptors it does not know, and opens its own, must
 * not find our data in its files.
 */
bool sj_file_still(int fd, const struct sj_file *file);
/* Raw: no cancellation point.  How many bytes, or -1. */
long sj_file_write(int fd, const void *bytes, size_t n);
/* The same, errno too, and nobody gets a signal for it. */
long sj_file_write_quietly(int fd, const void *bytes, size_t n);

/* ---- say.c -------------------------------------------------------------- */

/* Note which file stderr is.  When the library comes; later is to no effect. */
void sj_say_begin(void);
/*
 * One line, "side_jmp: ...", on stderr, if that still is what it was, and takes
 * it at once.  Of a variable that the user set, and of nothing else.  Keeps
 * errno; no signal.
 */
__attribute__((format(printf, 1, 2)))
void sj_say(const char *format, ...);
const char *sj_said(void);		/* the first of them, or "" */

/* ---- time.c ------------------------------------------------------------ */

/*
 * CLOCK_MONOTONIC, ns.  Within a microsecond of the kernel's; later than what the
 * thread was told before, and back between threads by no more than that.  Keeps
 * errno.
 */
uint64_t sj_now(void);
/*
 * What this thread was told has become that, which another thread was told: it
 * will be told later ones.  To no effect where the two are a millisecond apart.
 */
void sj_now_was(uint64_t time);
/*
 * Events will want to know: look for a way that is faster.  One thread at a
 * time; again is to no effect.  Keeps errno.
 */
void sj_now_begin(void);
void sj_now_after_fork(void);		/* in the child; its clock may be another */

enum { SJ_NOW_UNKNOWN, SJ_NOW_NONE };
extern uint64_t sj_now_rate;		/* atomic; of the counter, or one of these */

/* ---- who.c ------------------------------------------------------------- */

pid_t sj_pid(void);			/* cached */
pid_t sj_tid(void);

/* ---- number.c: text that goes where there is room ------------------------ */

/* What does not fit is dropped, and `full` says so. */
struct sj_text {
	char *at, *end;
	bool full;
};

void sj_text_char(struct sj_text *t, char c);
void sj_text_string(struct sj_text *t, const char *s);
void sj_text_unsigned(struct sj_text *t, uint64_t v);
void sj_text_signed(struct sj_text *t, int64_t v);
void sj_text_hex(struct sj_text *t, uint64_t v);
/* The shortest digits that read back as the same float or double. */
void sj_text_double(struct sj_text *t, double v, bool is_float);
/*
 * And back: the bits of the double that is nearest to digits * 10^exponent, or of
 * the float, as a double.  False: it is beyond the range.
 */
bool sj_read_double(uint64_t digits, int exponent, bool is_float,
		    uint64_t *bits);

/* ---- utf8.c -------------------------------------------------------------- */

/*
 * Bytes of the character that the `limit` bytes begin with; 0: they begin with
 * none that is whole.
 */
size_t sj_utf8_length(const unsigned char *s, size_t limit);

/* ---- tests -------------------------------------------------------------- */

/*
 * A step of what the library does.  In the library it is nothing; a test build
 * calls a hook that yields, sleeps or forks there.  A hook that returns true
 * plants a bug: the step is left out.
 */
enum inject_step {
	INJECT_WORD_CHANGED, INJECT_LOCKED, INJECT_SYNC_KEY,
	INJECT_BEFORE_WRITE, INJECT_AFTER_WRITE, INJECT_BEFORE_CORE_SYNC,
	INJECT_BEFORE_UNLOCK, INJECT_CLAIMED, INJECT_GROUPING, INJECT_GROUPED,
	INJECT_REGISTERED, INJECT_SUBSCRIBED, INJECT_BETWEEN_SLICES,
	INJECT_DEAD, INJECT_UNSUBSCRIBED, INJECT_UNREGISTERED,
	INJECT_EVENT_RECHECK, INJECT_EVENT_FENCE, INJECT_EVENT_WAIT,
	INJECT_EVENT_ENTERING,
	INJECT_EVENT_ENTERED, INJECT_EVENT_LEAVING, INJECT_EVENT_LEFT,
	INJECT_EVENT_BETWEEN_SLICES,
};
#ifdef SIDE_JMP_INJECT
bool side_jmp_inject(enum inject_step step);
#else	/* a call: gcc 16 warns of a statement that is a value */
static inline bool sj_no_inject(void) { return false; }
#define side_jmp_inject(step)	sj_no_inject()
#endif

#endif
