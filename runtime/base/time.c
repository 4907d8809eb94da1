/* SPDX-License-Identifier: MIT */
/*
 * What time it is.  Asked on an event's way, so in general registers: by the
 * kernel's own function (vdso(7)), as kernels are compiled without vectors, or
 * its system call; not by the C library's, which may be compiled with them.
 *
 *
 * THE COUNTER
 *
 * That function waits until all that came before is done, and takes as long as
 * most of an event.  Where the kernel counts its time by the processor's
 * counter (cycles.h), each thread goes on by that from a moment at which it has
 * asked the kernel, for TIME_PERIOD cycles (some ms), and then asks again:
 *
 *	now = cycles * rate + offset
 *
 * The rate is measured once, over TIME_BASE cycles or more from sj_now_begin()
 * on; whoever comes first says it to all, in one word, and it never changes.
 * The rest is each thread's own, so there is nothing to be left half done by a
 * thread that is stopped or ends, and a child goes on as its parent does.
 *
 *  1. Right: a period's error is that of its beginning (at most TIME_CLOSE
 *     cycles, in which both were read) and of the rate: the kernel's changes by
 *     some millionths, when it is steered towards other clocks.
 *  2. Always on within a thread: `last` is what it was told before, and the
 *     next is more.  So a thread's events are in order wherever they are put;
 *     where one is put behind another thread's that is later (lanes), its time
 *     becomes that, and the thread is told (sj_now_was()).  Nothing else
 *     promises that, neither the counter (the processor may read it before what
 *     stands in front of it, and it may tick slowly) nor the next period's
 *     beginning.  But where the kernel's own time has gone back a lot (another
 *     time namespace).  (What a handler was told that struck just before `last`
 *     was stored is forgotten: the error of 1 is all that a time behind it may
 *     be before that.)
 *  3. A counter that was set (suspend, migration) is out of its period, either
 *     way, and the kernel is asked.  One that runs at another rate than it did,
 *     or was set by less than a period, is found when a period ends, and then
 *     nobody uses it any more.
 *  4. A signal handler that strikes in time_anchor() sees that the period is
 *     over, and begins one.  What it stores is overwritten then with what was
 *     read before, and is no less true: an offset holds for more than a period.
 *     One that leaves by siglongjmp() leaves nothing worse.
 *
 * A process that forbids the counter to itself (prctl(2), PR_SET_TSC) later
 * gets a SIGSEGV for it here, as it does in the kernel's function.
 */
#define _GNU_SOURCE
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "arch/general.h"
SJ_GENERAL_BEGIN
#include "arch/cycles.h"
#include "runtime/base/base.h"

#if SJ_GENERAL

typedef int time_function(clockid_t clock, struct timespec *now);

/* NULL: not looked for.  Any thread stores what any other would. */
static time_function *time_of;

SJ_GENERAL_END
static void time_ask(void *now)
{
	syscall(SYS_clock_gettime, CLOCK_MONOTONIC, now);
}
SJ_GENERAL_BEGIN

static int time_by_system_call(clockid_t clock, struct timespec *now)
{
	(void)clock;
	sj_keep_vectors(time_ask, now);
	return 0;
}

SJ_GENERAL_END
struct time_vdso {
	const char *base;		/* what its addresses count from */
	const ElfW(Dyn) *dynamic;
};

static const void *time_vdso_at(const struct time_vdso *v, ElfW(Sxword) tag)
{
	for (const ElfW(Dyn) *d = v->dynamic; d->d_tag != DT_NULL; d++)
		if (d->d_tag == tag)
			return v->base + d->d_un.d_ptr;
	return NULL;
}

static bool time_vdso_read(struct time_vdso *v, const char *file)
{
	const ElfW(Ehdr) *e = (const void *)file;
	const ElfW(Phdr) *p = (const void *)(file + e->e_phoff);

	v->base = NULL;
	v->dynamic = NULL;
	for (unsigned i = 0; i < e->e_phnum; i++) {
		if (p[i].p_type == PT_LOAD && !v->base)
			v->base = file + p[i].p_offset - p[i].p_vaddr;
		if (p[i].p_type == PT_DYNAMIC)
			v->dynamic = (const void *)(file + p[i].p_offset);
	}
	return v->base && v->dynamic;
}

/* In a table of either kind: System V gABI, 5, and that of DT_GNU_HASH. */
static uint32_t time_symbols(const struct time_vdso *v)
{
	const uint32_t *old = time_vdso_at(v, DT_HASH);
	const uint32_t *gnu = time_vdso_at(v, DT_GNU_HASH);
	const uint32_t *buckets, *chains;
	uint32_t last = 0;

	if (old)
		return old[1];
	if (!gnu)
		return 0;
	buckets = gnu + 4 + gnu[2] * (sizeof(ElfW(Addr)) / 4);
	chains = buckets + gnu[0];
	for (uint32_t i = 0; i < gnu[0]; i++)
		last = buckets[i] > last ? buckets[i] : last;
	if (last < gnu[1])
		return 0;
	while (!(chains[last - gnu[1]] & 1))
		last++;
	return last + 1;
}

static void time_find(void *arg)
{
	time_function *found = time_by_system_call;
	const char *file, *names;
	const ElfW(Sym) *symbol;
	struct time_vdso v;
	int saved = errno;

	(void)arg;
	file = (const char *)getauxval(AT_SYSINFO_EHDR);
	if (file && time_vdso_read(&v, file) &&
	    (symbol = time_vdso_at(&v, DT_SYMTAB)) &&
	    (names = time_vdso_at(&v, DT_STRTAB)))
		for (uint32_t n = time_symbols(&v); n-- > 0; symbol++)
			if (symbol->st_shndx != SHN_UNDEF &&
			    !strcmp(names + symbol->st_name,
				    "__vdso_clock_gettime"))
				found = (time_function *)(uintptr_t)
					(v.base + symbol->st_value);
	__atomic_store_n(&time_of, found, __ATOMIC_RELAXED);
	errno = saved;
}
SJ_GENERAL_BEGIN

static void time_get(struct timespec *now)
{
	time_function *f = __atomic_load_n(&time_of, __ATOMIC_RELAXED);

	if (!f) {
		sj_keep_vectors(time_find, NULL);
		f = __atomic_load_n(&time_of, __ATOMIC_RELAXED);
	}
	(void)f(CLOCK_MONOTONIC, now);
}

#else

static void time_get(struct timespec *now)
{
	clock_gettime(CLOCK_MONOTONIC, now);
}

#endif

static uint64_t time_ask_kernel(void)
{
	struct timespec now;

	time_get(&now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

uint64_t sj_now_rate;

/* ns: more than that is no error of ours. */
#define TIME_BACK	1000000

/* Initial-exec: see tracer_frames. */
static __thread struct {
	uint64_t last;
	uint64_t offset, until;		/* of the counter's period */
} time_here __attribute__((tls_model("initial-exec")));

/* What the kernel says; a time long after it was another clock's. */
static uint64_t time_of_kernel(uint64_t ns)
{
	if (time_here.last > ns + TIME_BACK)
		time_here.last = 0;
	return ns;
}

static uint64_t time_tell(uint64_t now)
{
	if (now <= time_here.last)
		now = time_here.last + 1;
	time_here.last = now;
	return now;
}

void sj_now_was(uint64_t time)
{
	if (time - time_here.last < TIME_BACK)
		time_here.last = time;
}

#if SJ_CYCLES

/* In cycles; of some GHz. */
#define TIME_PERIOD	((uint64_t)1 << 24)
#define TIME_BASE	((uint64_t)1 << 26)
#define TIME_CLOSE	((uint64_t)1 << 10)

/* In ns. */
#define TIME_AWAY	10000

struct time_pair {
	uint64_t cycles, ns;
};

/* Written once, by sj_now_begin(), cycles last (atomic). */
static struct time_pair time_start;

__extension__ typedef unsigned __int128 time_product;

static inline uint64_t time_line(uint64_t cycles, uint64_t rate)
{
	return (uint64_t)((time_product)cycles * rate >> 32);
}

/* Both at once, nearly.  False: somebody else ran in between. */
static bool time_read_both(struct time_pair *now)
{
	uint64_t before = sj_cycles(), took;

	now->ns = time_ask_kernel();
	took = sj_cycles() - before;
	now->cycles = before + took / 2;
	return took <= TIME_CLOSE;
}

/* ns a cycle, 32 bits of it behind the point; or one that none has. */
static uint64_t time_rate_between(const struct time_pair *from,
				  const struct time_pair *to)
{
	uint64_t cycles = to->cycles - from->cycles, ns = to->ns - from->ns;

	for (; ns >> 31; ns >>= 1)
		cycles >>= 1;
	return cycles ? (ns << 32) / cycles : 0;
}

/* From half a GHz to 64. */
static bool time_is_rate(uint64_t rate)
{
	return rate >= (uint64_t)1 << 26 && rate <= (uint64_t)1 << 33;
}

static void time_say_rate(uint64_t rate)
{
	uint64_t none = SJ_NOW_UNKNOWN;

	if (!time_is_rate(rate))
		rate = SJ_NOW_NONE;
	__atomic_compare_exchange_n(&sj_now_rate, &none, rate, false,
				    __ATOMIC_RELAXED, __ATOMIC_RELAXED);
}

static __attribute__((noinline)) uint64_t time_measure(uint64_t cycles)
{
	uint64_t start = __atomic_load_n(&time_start.cycles, __ATOMIC_ACQUIRE);
	struct time_pair now;

	if (!start || cycles - start < TIME_BASE)
		return time_of_kernel(time_ask_kernel());
	if (time_read_both(&now))
		time_say_rate(time_rate_between(&time_start, &now));
	return time_of_kernel(now.ns);
}

/* Since the last period began, if that is not long ago. */
static bool time_ran_away(const struct time_pair *now, uint64_t rate)
{
	uint64_t age = now->cycles - (time_here.until - TIME_PERIOD);
	uint64_t away = time_line(now->cycles, rate) + time_here.offset - now->ns;

	if (!time_here.until || age > 16 * TIME_PERIOD)
		return false;
	return away + TIME_AWAY + age / 1024 > 2 * (TIME_AWAY + age / 1024);
}

/* A new period; unless the thread was kept from it. */
static __attribute__((noinline)) uint64_t time_anchor(uint64_t rate)
{
	struct time_pair now;

	if (time_read_both(&now)) {
		if (time_ran_away(&now, rate))
			__atomic_store_n(&sj_now_rate, SJ_NOW_NONE,
					 __ATOMIC_RELAXED);
		time_here.offset = now.ns - time_line(now.cycles, rate);
		__atomic_signal_fence(__ATOMIC_SEQ_CST);
		time_here.until = now.cycles + TIME_PERIOD;
	}
	return time_of_kernel(now.ns);
}

uint64_t sj_now(void)
{
	uint64_t rate = __atomic_load_n(&sj_now_rate, __ATOMIC_RELAXED);
	uint64_t cycles, now;

	if (rate == SJ_NOW_NONE)
		return time_tell(time_of_kernel(time_ask_kernel()));
	cycles = sj_cycles();
	if (rate == SJ_NOW_UNKNOWN)
		now = time_measure(cycles);
	else if (time_here.until - cycles <= TIME_PERIOD)
		now = time_line(cycles, rate) + time_here.offset;
	else
		now = time_anchor(rate);
	return time_tell(now);
}

SJ_GENERAL_END

/* What the kernel thinks of the counter, it says here. */
static bool time_is_kernels(void)
{
	static const char name[] = "tsc\n";
	char text[sizeof(name)];
	long n = -1;
	int on = 0, fd;

	if (prctl(PR_GET_TSC, &on) || on != PR_TSC_ENABLE)
		return false;
	fd = (int)syscall(SYS_openat, AT_FDCWD, "/sys/devices/system/clocksource"
			  "/clocksource0/current_clocksource",
			  O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		n = syscall(SYS_read, fd, text, sizeof(text));
		syscall(SYS_close, fd);
	}
	return n == sizeof(name) - 1 && !memcmp(text, name, sizeof(name) - 1);
}

void sj_now_begin(void)
{
	enum { TRIES = 8 };
	struct time_pair now;
	int saved = errno, tries = 0;

	if (time_start.cycles ||
	    __atomic_load_n(&sj_now_rate, __ATOMIC_RELAXED) != SJ_NOW_UNKNOWN)
		return;
	if (sj_cycles_steady() && time_is_kernels())
		while (tries < TRIES && !time_read_both(&now))
			tries++;
	else
		tries = TRIES;
	if (tries < TRIES) {
		time_start.ns = now.ns;
		__atomic_store_n(&time_start.cycles, now.cycles, __ATOMIC_RELEASE);
	} else {
		time_say_rate(SJ_NOW_NONE);
	}
	errno = saved;
}

void sj_now_after_fork(void)
{
	time_here.until = 0;
}

#else

uint64_t sj_now(void)
{
	return time_tell(time_of_kernel(time_ask_kernel()));
}

SJ_GENERAL_END

void sj_now_begin(void)
{
}

void sj_now_after_fork(void)
{
}

#endif
