/* SPDX-License-Identifier: MIT */
// long
/*
 * kills [DIRECTORY]: programs that trace are killed a thousand times at random,
 * and a thousand times at chosen instructions, and what they leave is read
 * (survive.h): of a loop, an event, a turn to another packet, part and piece, the
 * opening and the end of a trace, a snapshot.
 *
 *   KILLS=N   of each kind, and not 1000; from 8 on
 *   SEED=N    the same choices again
 *
 * An instruction is chosen in three ways: so many system calls and so many single
 * steps; the one that has made the so many-th change of what a stream's first
 * packets say, as there are few of these among thousands; and, as a restartable
 * sequence never comes to its end under PTRACE_SINGLESTEP, by a breakpoint of the
 * processor's at a byte of it.
 */
#include "tests/events/src/survive.h"

#include <elf.h>
#include <ftw.h>
#include <link.h>
#include <stddef.h>
#include <sys/user.h>

static unsigned kills;			/* of each kind */
static char copied[220];		/* a snapshot */

static const struct kind *const kinds[] = {
	&plain, &rounds[0], &rounds[1], &pieces[0], &pieces[1],
};

enum { KINDS = sizeof(kinds) / sizeof(kinds[0]), SAMPLED = 64 };

static bool is_trace(void)
{
	char command[300];

	snprintf(command, sizeof(command),
		 "test -n \"$(find %s -name metadata)\"", directory);
	return !system(command);
}

/* flying: see all_there(). */
static bool is_whole(unsigned nth, uint64_t flying)
{
	return all_there(flying) &&
	       (nth % SAMPLED || !is_trace() || babeltrace());
}

/* ---- at random ------------------------------------------------------------ */

static void loop(const struct kind *kind)
{
	pthread_t thread;

	start(kind);
	if (!pthread_create(&thread, NULL, write_on, NULL))
		write_on(NULL);
	_exit(1);
}

static bool has_written(pid_t pid)
{
	while (!__atomic_load_n(&shared->acknowledged[0], __ATOMIC_ACQUIRE)) {
		if (waitpid(pid, NULL, WNOHANG))
			return false;
		usleep(100);
	}
	return true;
}

/* Every other one after its first event; the rest also while a trace begins. */
static void killed_at_random(void)
{
	bool good = true;

	for (unsigned i = 0; i < kills && good; i++) {
		pid_t pid = fork();

		if (!pid)
			loop(kinds[i / 2 % KINDS]);
		good = i % 2 || has_written(pid);
		nap((unsigned)rand() % 3000);
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		good = good && is_whole(i, 2) && (i % 2 || found);
		forget();
	}
	tap_ok(good, "kills_at_random");
}

/* ---- at an instruction ---------------------------------------------------- */

/* What is done before, and what is killed; of each the trace is new. */
struct phase {
	const char *name;
	void (*before)(const struct kind *kind, uint32_t who);
	void (*then)(const struct kind *kind, uint32_t who);
	unsigned steps;			/* at most */
	bool calls;			/* behind system calls */
};

static uint32_t emitted;		/* of the one who writes */

static void emit_next(uint32_t who, uint32_t length)
{
	fill(emitted, length);
	emit(who, emitted++, length);
}

static void begun(const struct kind *kind, uint32_t who)
{
	start(kind);
	emit_next(who, 10);
	emit_next(who, 1000);
	fill(emitted, 8);
}

/* The spare lane that it has is full. */
static void filled(const struct kind *kind, uint32_t who)
{
	start(kind);
	emit_next(who, 64 * 1024 - HEADER - EVENT - 12 - 30);
	fill(emitted, 8);
}

static void nothing(const struct kind *kind, uint32_t who)
{
	(void)kind, (void)who;
}

static void small(const struct kind *kind, uint32_t who)
{
	(void)kind;
	emit(who, emitted, 8);
}

static void large(const struct kind *kind, uint32_t who)
{
	(void)kind;
	emit_next(who, 2000);
}

static void opened(const struct kind *kind, uint32_t who)
{
	start(kind);
	emit_next(who, 8);
}

static void ended(const struct kind *kind, uint32_t who)
{
	(void)kind, (void)who;
	side_jmp_trace_stop();
}

static void copies(const struct kind *kind, uint32_t who)
{
	(void)kind, (void)who;
	side_jmp_trace_snapshot(copied);
}

static const struct phase phases[] = {
	{ "kills_in_a_small_event", begun, small, 0, false },
	{ "kills_in_a_large_event", begun, large, 0, false },
	{ "kills_in_a_turn", filled, small, 0, false },
	{ "kills_in_an_opening", nothing, opened, 48, true },
	{ "kills_in_an_end", begun, ended, 48, true },
	{ "kills_in_a_snapshot", begun, copies, 48, true },
};

enum { PHASES = sizeof(phases) / sizeof(phases[0]) };

/* A child that stands in front of it. */
static pid_t victim(const struct phase *phase, const struct kind *kind)
{
	pid_t pid = fork();
	int status;

	if (!pid) {
		uint32_t who = new_writer();

		phase->before(kind, who);
		ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		raise(SIGSTOP);
		phase->then(kind, who);
		_exit(0);
	}
	return waitpid(pid, &status, 0) == pid && WIFSTOPPED(status) ? pid : -1;
}

/* So many times, or until it has ended; how many times it has stopped. */
static unsigned go_on(pid_t pid, int how, unsigned times)
{
	int status;

	for (unsigned i = 0; i < times; i++) {
		ptrace(how, pid, NULL, NULL);
		if (waitpid(pid, &status, 0) != pid || !WIFSTOPPED(status))
			return i;
	}
	return times;
}

enum { HEADS = 2 * HEADER, CHANGES = 16 };

/* The first packets of every stream's file, and what they said. */
static struct {
	uint8_t *now, was[HEADS];
} heads[FILES];
static size_t n_heads;

static int map_head(const char *path, const struct stat *st, int type,
		    struct FTW *at)
{
	int fd = -1;

	(void)st;
	if (type == FTW_F && !strncmp(path + at->base, "stream_", 7) &&
	    n_heads < FILES)
		fd = open(path, O_RDONLY);
	if (fd < 0)
		return 0;
	heads[n_heads].now = mmap(NULL, HEADS, PROT_READ, MAP_SHARED, fd, 0);
	close(fd);
	if (heads[n_heads].now == MAP_FAILED)
		return 1;
	memcpy(heads[n_heads].was, heads[n_heads].now, HEADS);
	n_heads++;
	return 0;
}

static bool has_changed(void)
{
	bool changed = false;

	for (size_t i = 0; i < n_heads; i++)
		if (memcmp(heads[i].was, heads[i].now, HEADS)) {
			memcpy(heads[i].was, heads[i].now, HEADS);
			changed = true;
		}
	return changed;
}

/* Behind the store that was the so many-th, or to its end. */
static void go_to_change(pid_t pid, unsigned changes)
{
	n_heads = 0;
	if (nftw(directory, map_head, 16, FTW_PHYS))
		exit(1);
	while (changes && go_on(pid, PTRACE_SINGLESTEP, 1))
		changes -= has_changed();
	while (n_heads)
		munmap(heads[--n_heads].now, HEADS);
}

static void finish(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

/* Who was killed while he made it, made none, or all of it. */
static bool copy_is_whole(void)
{
	char trace[sizeof(directory)];
	bool good = true;

	if (has_metadata(copied)) {
		strcpy(trace, directory);
		strcpy(directory, copied);
		good = all_there(0) && !lost;
		strcpy(directory, trace);
	}
	return (!remove_folder(copied) || errno == ENOENT) && good;
}

/* How many stops there are to choose of. */
static unsigned stops_of(const struct phase *phase, const struct kind *kind)
{
	pid_t pid = victim(phase, kind);
	unsigned n = go_on(pid, phase->calls ? PTRACE_SYSCALL :
			   PTRACE_SINGLESTEP, 100000);
	bool good;

	finish(pid);
	good = copy_is_whole();
	forget();
	return good ? n : 0;
}

static bool kill_in(const struct phase *phase, const struct kind *kind,
		    unsigned stops, unsigned nth)
{
	pid_t pid = victim(phase, kind);
	unsigned stop = (unsigned)rand() % stops;
	bool good;

	if (pid < 0)
		return false;
	if (!phase->calls && nth / KINDS % 2)
		go_to_change(pid, 1 + (unsigned)rand() % CHANGES);
	else if (!phase->calls)
		go_on(pid, PTRACE_SINGLESTEP, stop);
	else if (go_on(pid, PTRACE_SYSCALL, stop) == stop)
		go_on(pid, PTRACE_SINGLESTEP, (unsigned)rand() % phase->steps);
	finish(pid);
	good = is_whole(nth, 0) && !lost && copy_is_whole();
	if (!good)
		tap_note("after %u of %u stops, %s%s", stop, stops,
			 kind->mode, kind->pieces);
	forget();
	return good;
}

static void killed_in(const struct phase *phase, unsigned times)
{
	unsigned stops[KINDS] = { 0 }, i = 0;
	bool good = true;

	for (; i < KINDS && good; i++)
		good = (stops[i] = stops_of(phase, kinds[i])) > 0;
	for (i = 0; i < times && good; i++)
		good = kill_in(phase, kinds[i % KINDS], stops[i % KINDS], i);
	tap_note("%u of %u to %u", i, stops[0], stops[KINDS - 1]);
	tap_ok(good, phase->name);
}

/* ---- in a restartable sequence -------------------------------------------- */

#ifdef __x86_64__

enum { SEQUENCES = 64 };

/* linux/rseq.h */
struct sequence {
	uint32_t version, flags;
	uint64_t start, length, abort;
};

static const struct sequence *sequences[SEQUENCES];
static unsigned n_sequences;

/* glibc's signature stands in front of where it goes on. */
static bool is_sequence(const struct sequence *s, uintptr_t text, size_t size)
{
	return !s->version && !s->flags && s->length - 1 < 1024 &&
	       s->start - text < size && s->abort - text < size &&
	       !memcmp((const char *)s->abort - 4, "\x53\x30\x05\x53", 4);
}

/* The program's own: the library is in it. */
static int look_for_sequences(struct dl_phdr_info *info, size_t size, void *data)
{
	uintptr_t text = 0, relro = 0;
	size_t text_size = 0, relro_size = 0;

	(void)size, (void)data;
	for (unsigned i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *p = &info->dlpi_phdr[i];

		if (p->p_type == PT_LOAD && p->p_flags & PF_X)
			text = info->dlpi_addr + p->p_vaddr, text_size = p->p_memsz;
		if (p->p_type == PT_GNU_RELRO)
			relro = info->dlpi_addr + p->p_vaddr, relro_size = p->p_memsz;
	}
	relro_size += relro % 32;
	for (relro &= -(uintptr_t)32; relro_size >= 32; relro += 32, relro_size -= 32)
		if (is_sequence((const void *)relro, text, text_size) &&
		    n_sequences < SEQUENCES)
			sequences[n_sequences++] = (const void *)relro;
	return 1;
}

/* Writes through two packets' ends, and beyond what there may be. */
static void many(const struct kind *kind, uint32_t who)
{
	(void)kind;
	for (int i = 0; i < 600; i++)
		emit_next(who, 380);
}

static void some(const struct kind *kind, uint32_t who)
{
	start(kind);
	for (unsigned i = (unsigned)rand() % 400; i; i--)
		emit_next(who, 380);
}

static bool breakpoint(pid_t pid, uint64_t at)
{
	const size_t dr = offsetof(struct user, u_debugreg);

	return !ptrace(PTRACE_POKEUSER, pid, dr, at) &&
	       !ptrace(PTRACE_POKEUSER, pid, dr + 7 * sizeof(long), 1L);
}

enum { SKIPPED = -1, PASSED, STRUCK };

/* At that address, if that is an instruction's and comes to be. */
static int run_to(const struct kind *kind, uint64_t at)
{
	static const struct phase phase = { "", some, many, 0, false };
	pid_t pid;
	int struck = SKIPPED;

	srand((unsigned)rand());
	pid = victim(&phase, kind);
	if (pid >= 0 && breakpoint(pid, at))
		struck = go_on(pid, PTRACE_CONT, 1) ? STRUCK : PASSED;
	finish(pid);
	return struck;
}

static void killed_in_sequences(unsigned times)
{
	static const struct kind full = { "", "", "64k" };
	unsigned struck = 0, at = 0, s = 0, tries = 0;
	bool good = true;

	dl_iterate_phdr(look_for_sequences, NULL);
	for (; struck < times && good && n_sequences && tries < 40 * times; tries++) {
		unsigned which = tries % (KINDS + 1);
		int r;

		if (++at >= sequences[s]->length)
			at = 0, s = (s + 1) % n_sequences;
		r = run_to(which < KINDS ? kinds[which] : &full,
			   sequences[s]->start + at);
		if (r == SKIPPED)
			break;
		struck += r == STRUCK;
		good = is_whole(struck, 1);
		if (!good)
			tap_note("sequence %u, byte %u, kind %u", s, at, which);
		forget();
	}
	tap_note("%u of %u, %u sequences", struck, tries, n_sequences);
	if (good && !struck)
		tap_skip("kills_in_restartable_sequences",
			 "no breakpoints, or no sequences");
	else
		tap_ok(good, "kills_in_restartable_sequences");
}

#else

static void killed_in_sequences(unsigned times)
{
	(void)times;
	tap_skip("kills_in_restartable_sequences", "written for x86-64");
}

#endif

static unsigned number(const char *variable, unsigned otherwise)
{
	const char *s = getenv(variable);

	return s && *s ? (unsigned)atoi(s) : otherwise;
}

int main(int argc, char **argv)
{
	unsigned seed = number("SEED", (unsigned)time(NULL)), each;

	kills = number("KILLS", 1000);
	each = kills / (PHASES + 2);
	tap_note("SEED=%u", seed);
	srand(seed);
	if (!each || !survive_begin(argc > 1 ? argv[1] : NULL))
		return 1;
	snprintf(copied, sizeof(copied), "%.*s.copy",
		 (int)strlen(directory) - 1, directory);
	killed_at_random();
	for (unsigned i = 0; i < PHASES; i++)
		killed_in(&phases[i], each);
	killed_in_sequences(kills - PHASES * each);
	return survive_end();
}
