/* SPDX-License-Identifier: MIT */
/*
 * demo FILE: threads count the words of a file, over and over, in a program
 * and a shared library that are both instrumented; meanwhile the main thread
 * shows what that costs, and switches the instrumentation on and off.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <side_jmp_event.h>

#include "words.h"

SIDE_JMP_KEY(word_counted);	/* in this program, beside the library's */

/* SIDE_JMP_ENABLE='demo:*,words:*' shows them on stderr. */
SIDE_JMP_EVENT(demo, pass, "A worker has counted the whole text",
	(u64, pass), (double, seconds));

enum { WORKERS = 2, TABLE = 1 << 16, SAMPLE = 20000, ROUNDS = 400 };

static const char *text;
static size_t text_len;
static bool stop;			/* atomic; main tells the workers */
static unsigned long words_done;	/* atomic; all workers */
static struct worker {
	unsigned long passes;		/* atomic; ended, its hits before it */
	unsigned table[TABLE];
} workers[WORKERS];
static unsigned long hits;		/* atomic; calls seen by the site */

/* ---- time ------------------------------------------------------------------ */

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* ---- the work -------------------------------------------------------------- */

static unsigned hash(const char *word, size_t len)
{
	unsigned h = 2166136261u;

	for (size_t i = 0; i < len; i++)
		h = (h ^ (unsigned char)word[i]) * 16777619u;
	return h % TABLE;
}

/* The same function twice: as it would be without a site, and with one. */
__attribute__((noinline, aligned(64)))
static void count_plain(unsigned *table, const char *word, size_t len)
{
	table[hash(word, len)]++;
}

__attribute__((noinline, aligned(64)))
static void count_word(unsigned *table, const char *word, size_t len)
{
	if (side_jmp_unlikely(word_counted))
		__atomic_fetch_add(&hits, 1, __ATOMIC_RELAXED);
	table[hash(word, len)]++;
}

static void each_word(const char *word, size_t len, void *table)
{
	count_word(table, word, len);
}

static void *worker(void *arg)
{
	struct worker *w = arg;
	double start = now();

	for (uint64_t pass = 1;
	     !__atomic_load_n(&stop, __ATOMIC_RELAXED); pass++) {
		__atomic_fetch_add(&words_done,
				   words_scan(text, text_len, each_word, w->table),
				   __ATOMIC_RELAXED);
		__atomic_fetch_add(&w->passes, 1, __ATOMIC_RELEASE);
		side_jmp_event(demo, pass, pass, now() - start);
	}
	return NULL;
}

/* ---- measuring -------------------------------------------------------------- */

struct sample {
	const char *word;
	size_t len;
};

static struct sample samples[SAMPLE];
static size_t n_samples;

static void collect(const char *word, size_t len, void *arg)
{
	(void)arg;
	if (n_samples < SAMPLE)
		samples[n_samples++] = (struct sample){ word, len };
}

/* Nanoseconds a call, the best of many rounds: the others were disturbed. */
static double cost(void (*f)(unsigned *, const char *, size_t))
{
	static unsigned table[TABLE];
	double best = 1e9;

	for (int r = 0; r < ROUNDS; r++) {
		double start = now(), ns;

		for (size_t i = 0; i < n_samples; i++)
			f(table, samples[i].word, samples[i].len);
		ns = (now() - start) * 1e9 / (double)n_samples;
		best = ns < best ? ns : best;
	}
	return best;
}

/* In a child that gives up patching: there every site is armed for good. */
static double cost_armed(void)
{
	double ns = -1;
	int p[2];
	pid_t pid;

	if (pipe(p))
		return ns;
	pid = fork();
	if (pid == 0) {
		ns = side_jmp_freeze() ? -1 : cost(count_word);
		_exit(write(p[1], &ns, sizeof(ns)) != sizeof(ns));
	}
	if (pid < 0 || read(p[0], &ns, sizeof(ns)) != sizeof(ns))
		ns = -1;
	if (pid > 0)
		waitpid(pid, NULL, 0);
	close(p[0]);
	close(p[1]);
	return ns;
}

/* ---- showing ----------------------------------------------------------------- */

static void die(const char *what)
{
	fprintf(stderr, "demo: %s: %s\n", what, strerror(errno));
	exit(1);
}

#if SIDE_JMP_ARCH_HAS_SITES
static void show_bytes(const char *when)
{
	const int32_t *field = &__start_side_jmp[0].site;
	const unsigned char *site = (const unsigned char *)field + *field;

	printf("  %-9s %02x %02x %02x %02x %02x   ", when, site[0], site[1],
	       site[2], site[3], site[4]);
#if defined(__x86_64__)
	puts(site[0] == 0xe9 ? "jump to a test of the switch" :
	     site[0] == 0xa9 ? "an instruction without effect" :
			       "something else");
#else
	puts("");
#endif
}
#else
static void show_bytes(const char *when)
{
	printf("  %-9s (no patchable sites on this architecture)\n", when);
}
#endif

static void show_found(void)
{
	struct side_jmp_info i;

	side_jmp_get_info(&i, sizeof(i));
	printf("Found %llu instrumented places (\"sites\") in %llu objects, "
	       "this program and its library.\nWho patches: %s, because %s.\n"
	       "Of the sites %llu are idle and %llu armed; %llu pages of code "
	       "were changed in memory.\n\n",
	       (unsigned long long)i.sites, (unsigned long long)i.objects,
	       i.backend_name, i.backend_reason, (unsigned long long)i.idle,
	       (unsigned long long)i.armed,
	       (unsigned long long)i.pages_dirtied);
	if (i.objects_rejected)
		printf("Rejected: %s\n\n", i.reject_reason);
}

static void show_costs(void)
{
	struct side_jmp_key *keys[] = { &word_counted };
	double plain = cost(count_plain), idle = cost(count_word);
	double armed = cost_armed(), enabled = -1;

	if (side_jmp_enable_many(keys, 1) == 0) {
		enabled = cost(count_word);
		side_jmp_disable_many(keys, 1);
	}
	printf("What a call of the counting function costs, measured while %d "
	       "threads work:\n"
	       "  no site in it                  %6.2f ns\n"
	       "  a site, idle (off)             %6.2f ns   as good as none\n"
	       "  a site, armed (off, unpatched) %6.2f ns   it tests a switch "
	       "each time\n"
	       "  a site, enabled (on)           %6.2f ns   it counts each "
	       "call\n\n", WORKERS, plain, idle, armed, enabled);
}

struct hits {
	unsigned long words, program, library;
};

static struct hits seen(void)
{
	return (struct hits){
		__atomic_load_n(&words_done, __ATOMIC_RELAXED),
		__atomic_load_n(&hits, __ATOMIC_RELAXED), words_hits(),
	};
}

static struct hits watch(const char *phase)
{
	struct hits before = seen(), after;

	usleep(1000 * 1000);
	after = seen();
	after.words -= before.words;
	after.program -= before.program;
	after.library -= before.library;
	printf("  %-9s %10lu words counted, %10lu hits in the program, %10lu "
	       "in the library\n", phase, after.words, after.program,
	       after.library);
	fflush(stdout);
	return after;
}

/*
 * After a disable, a hit that had begun may still end: when every worker has
 * ended the pass that it was in, none is left.
 */
static void settle(void)
{
	unsigned long before[WORKERS];

	for (int i = 0; i < WORKERS; i++)
		before[i] = __atomic_load_n(&workers[i].passes, __ATOMIC_RELAXED);
	for (int i = 0; i < WORKERS; i++)
		while (__atomic_load_n(&workers[i].passes, __ATOMIC_ACQUIRE) == before[i])
			usleep(1000);
}

/* What is wrong with it is said on stderr. */
static bool expect_hits(const char *phase, const char *where, bool on,
			unsigned long n, unsigned long words)
{
	if (on == !!n)
		return true;
	if (on)
		fprintf(stderr, "demo: %s: no hit in the %s, though %lu words"
			" were counted\n", phase, where, words);
	else
		fprintf(stderr, "demo: %s: %lu hits in the %s, though nobody"
			" wants them\n", phase, n, where);
	return false;
}

static bool expect_phase(const char *phase, bool on, struct hits during)
{
	bool right = expect_hits(phase, "program", on, during.program,
				 during.words);

	return expect_hits(phase, "library", on, during.library, during.words) &&
	       right;
}

/* Off, on, off.  Returns whether it did what it should. */
static bool show_switching(void)
{
	struct side_jmp_key *both[] = { &word_counted, &word_found };
	struct hits during;
	bool right;
	int r;

	puts("One second each, the threads working all the time:");
	settle();
	during = watch("off");
	right = expect_phase("off, before", false, during);
	r = side_jmp_enable_many(both, 2);
	if (r) {
		fprintf(stderr, "demo: enable: %s\n", strerror(-r));
		return false;
	}
	during = watch("ON");
	right &= expect_phase("on", true, during);
	puts("");
	show_bytes("now:");
	puts("");
	r = side_jmp_disable_many(both, 2);
	if (r)
		fprintf(stderr, "demo: disable: %s\n", strerror(-r));
	settle();
	during = watch("off");
	return expect_phase("off, after", false, during) && right && !r;
}

static void load(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st))
		die(path);
	if (!S_ISREG(st.st_mode) || st.st_size == 0) {
		fprintf(stderr, "demo: %s: expected a file with text in it\n",
			path);
		exit(1);
	}
	text_len = (size_t)st.st_size;
	text = mmap(NULL, text_len, PROT_READ, MAP_PRIVATE, fd, 0);
	if (text == MAP_FAILED)
		die(path);
	close(fd);
	words_scan(text, text_len, collect, NULL);
	if (!n_samples) {
		fprintf(stderr, "demo: %s: there is not one word in it\n",
			path);
		exit(1);
	}
}

int main(int argc, char **argv)
{
	pthread_t threads[WORKERS];
	bool right;

	if (argc != 2) {
		fprintf(stderr, "usage: demo FILE\n");
		return 2;
	}
	load(argv[1]);
	printf("Counting the words of %s (%zu bytes) in %d threads.\n\n",
	       argv[1], text_len, WORKERS);
	show_found();
	for (int i = 0; i < WORKERS; i++)
		if ((errno = pthread_create(&threads[i], NULL, worker, &workers[i])))
			die("pthread_create");
	puts("The bytes of the site in the counting function:");
	show_bytes("idle:");
	if (side_jmp_enable(&word_counted) == 0) {
		show_bytes("armed:");
		side_jmp_disable(&word_counted);
	}
	puts("One byte differs, so no thread ever sees half a change.\n");
	show_costs();
	right = show_switching();
	__atomic_store_n(&stop, true, __ATOMIC_RELAXED);
	for (int i = 0; i < WORKERS; i++)
		pthread_join(threads[i], NULL);
	puts(right ? "\nEvery hit came while it was on; the threads never "
	     "stopped." : "\nSomething is wrong: see the hits above.");
	return !right;
}
