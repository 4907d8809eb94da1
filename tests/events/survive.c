/* SPDX-License-Identifier: MIT */
/*
 * survive [TIMES [SEED]]: what a CTF trace holds after SIGKILL, wherever it
 * struck: read from the raw files, without a tool's help.  Every packet is whole,
 * times do not go back, no event is there twice, none that was acknowledged (the
 * emission had returned) is missing but for those that are counted as lost where
 * they were.
 */
#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <side_jmp_event.h>

#include "tests/tap.h"

SIDE_JMP_EVENT(survive, e, "One of those that are counted",
	(u32, who), (u32, n), (seq, bytes, u8));

enum { WRITERS = 4096, EVENTS = 1 << 17, HEADER = 48, EVENT = 20 };

/* Shared with all that write. */
static struct {
	uint32_t acknowledged[WRITERS];
	uint32_t next;			/* atomic; a writer's number */
} *shared;

static char directory[64];

/* ---- what is there -------------------------------------------------------- */

static uint8_t (*seen)[EVENTS / 8];	/* by writer */
static uint64_t lost, found;

static bool wrong(const char *what, const char *file, uint64_t at)
{
	tap_note("%s, %s at %llu", what, file, (unsigned long long)at);
	return false;
}

static uint64_t get(const uint8_t *p, size_t n)
{
	uint64_t v = 0;

	memcpy(&v, p, n);
	return v;
}

static bool read_event(const uint8_t **at, const uint8_t *end, uint64_t *time,
		       const char *file)
{
	const uint8_t *p = *at;
	uint64_t who, n, length;

	if (end - p < EVENT + 12)
		return wrong("half an event", file, 0);
	if (get(p + 4, 8) < *time)
		return wrong("time goes back", file, get(p + 4, 8));
	*time = get(p + 4, 8);
	who = get(p + EVENT, 4);
	n = get(p + EVENT + 4, 4);
	length = get(p + EVENT + 8, 4);
	if (get(p, 4) != 1 || who >= WRITERS || n >= EVENTS ||
	    length > (uint64_t)(end - p - EVENT - 12))
		return wrong("not an event of ours", file, n);
	for (uint64_t i = 0; i < length; i++)
		if (p[EVENT + 12 + i] != (uint8_t)(n + i))
			return wrong("not its bytes", file, n);
	if (seen[who][n / 8] & 1 << n % 8)
		return wrong("an event twice", file, n);
	seen[who][n / 8] = (uint8_t)(seen[who][n / 8] | 1 << n % 8);
	found++;
	*at = p + EVENT + 12 + length;
	return true;
}

static bool read_packets(const uint8_t *base, size_t size, const char *file)
{
	uint64_t at = 0, time = 0, discarded = 0;

	while (at < size) {
		const uint8_t *p = base + at, *event = p + HEADER;
		uint64_t content = get(p + 24, 8) / 8, packet = get(p + 32, 8) / 8;

		if (get(p, 4) != 0xC1FC1FC1u || content < HEADER ||
		    packet < content || packet > size - at)
			return wrong("not a packet", file, at);
		if (get(p + 8, 8) < time)
			return wrong("a packet begins before", file, at);
		if (get(p + 40, 8) < discarded)
			return wrong("losses become less", file, at);
		discarded = get(p + 40, 8);
		time = get(p + 8, 8);
		while (event < p + content)
			if (!read_event(&event, p + content, &time, file))
				return false;
		if (get(p + 16, 8) < time)
			return wrong("ends before its last event", file, at);
		time = get(p + 16, 8);
		at += packet;
	}
	lost += discarded;
	return true;
}

static bool read_stream(const char *file)
{
	int fd = open(file, O_RDONLY);
	struct stat st;
	uint8_t *base;
	bool good;

	if (fd < 0 || fstat(fd, &st))
		return wrong("not to be read", file, 0);
	base = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0);
	good = read_packets(base, (size_t)st.st_size, file);
	munmap(base, (size_t)st.st_size);
	close(fd);
	return good;
}

/* The trace that is in `directory`. */
static bool read_trace(void)
{
	char path[400];
	struct dirent *d = NULL;
	DIR *dir;

	lost = found = 0;
	memset(seen, 0, sizeof(*seen) * shared->next);
	dir = opendir(directory);
	while (dir && (d = readdir(dir)) && d->d_name[0] == '.')
		;
	snprintf(path, sizeof(path), "%s%s", directory, d ? d->d_name : "");
	closedir(dir);
	dir = opendir(path);
	while (dir && (d = readdir(dir))) {
		char file[700];

		snprintf(file, sizeof(file), "%s/%s", path, d->d_name);
		if (!strncmp(d->d_name, "stream_", 7) && !read_stream(file))
			return closedir(dir), false;
	}
	return dir && !closedir(dir);
}

/* flying: how many may have been lost and counted, and not acknowledged. */
static bool all_there(uint64_t flying)
{
	uint64_t missing = 0;

	if (!read_trace())
		return false;
	for (uint32_t w = 0; w < shared->next; w++)
		for (uint32_t n = 0; n < shared->acknowledged[w]; n++)
			missing += !(seen[w][n / 8] & 1 << n % 8);
	if (missing <= lost && lost - missing <= flying)
		return true;
	tap_note("%llu of those acknowledged are missing, %llu said to be lost",
		 (unsigned long long)missing, (unsigned long long)lost);
	return false;
}

static bool babeltrace(void)
{
	char command[200];

	snprintf(command, sizeof(command), "test $(babeltrace2 %s 2>&1 >/dev/null |"
		 " grep -vc 'WARNING: Tracer discarded') = 0", directory);
	return !system(command);
}

static void forget(void)
{
	char command[100];

	snprintf(command, sizeof(command), "rm -rf %s*", directory);
	if (system(command))
		exit(1);
	memset(shared, 0, sizeof(*shared));
}

/* ---- who writes ------------------------------------------------------------ */

static __thread uint8_t bytes[32 * 1024];

static void fill(uint32_t n, uint32_t length)
{
	for (uint32_t i = 0; i < length; i++)
		bytes[i] = (uint8_t)(n + i);
}

static void emit(uint32_t who, uint32_t n, uint32_t length)
{
	side_jmp_event(survive, e, who, n, side_jmp_seq(bytes, length));
	__atomic_store_n(&shared->acknowledged[who], n + 1, __ATOMIC_RELEASE);
}

static uint32_t new_writer(void)
{
	uint32_t who = __atomic_fetch_add(&shared->next, 1, __ATOMIC_RELAXED);

	return who < WRITERS ? who : (uint32_t)(pause(), 0);
}

static void *write_on(void *arg)
{
	uint32_t who = new_writer();

	(void)arg;
	for (uint32_t n = 0; n < EVENTS; n++) {
		uint32_t length = n % 100 == 99 ? 1000 : n % 32;

		fill(n, length);
		emit(who, n, length);
	}
	pause();
	return NULL;
}

static pid_t worker(void)
{
	pid_t pid = fork();
	pthread_t thread;

	if (pid)
		return pid;
	pthread_create(&thread, NULL, write_on, NULL);
	write_on(NULL);
	_exit(0);
}

static void start(void)
{
	if (side_jmp_trace_start("survive:*", directory))
		_exit(2);
}

/* ---- killed at random: the CPUs' lanes above all ---------------------------- */

enum { WORKERS = 4 };

static void nap(unsigned us)
{
	usleep(us % 1000 + us / 1000 * 1000);
}

static void prefork(unsigned kills)
{
	pid_t pids[WORKERS];

	setpgid(0, 0);
	start();
	for (int i = 0; i < WORKERS; i++)
		pids[i] = worker();
	for (unsigned i = 0; i < kills; i++) {
		int which = rand() % WORKERS;

		nap((unsigned)rand() % 3000);
		kill(pids[which], SIGKILL);
		waitpid(pids[which], NULL, 0);
		pids[which] = worker();
	}
	nap((unsigned)rand() % 3000);
	kill(0, SIGKILL);
}

static void killed(unsigned rounds, unsigned kills, const char *name)
{
	bool good = true;

	for (unsigned i = 0; i < rounds && good; i++) {
		unsigned seed = (unsigned)rand();
		pid_t tree = fork();

		if (!tree) {
			srand(seed);
			prefork(kills);
			_exit(1);
		}
		waitpid(tree, NULL, 0);
		while (waitpid(-tree, NULL, 0) > 0)
			;
		nap(20000);		/* the orphans */
		good = all_there(2 * (kills + WORKERS)) && found > 100 &&
		       (i % 8 || babeltrace());
		forget();
	}
	tap_ok(good, name);
}

/* ---- killed at an instruction: the spare lanes ------------------------------- */

/*
 * A child that is stopped, and does so many instructions of an emission.  A
 * restartable sequence never comes to its end under PTRACE_SINGLESTEP.
 */
static bool step_and_kill(unsigned steps, uint32_t length)
{
	pid_t pid = fork();
	int status;

	if (!pid) {
		uint32_t who = new_writer();

		fill(0, length);
		ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		raise(SIGSTOP);
		emit(who, 0, length);
		_exit(0);
	}
	waitpid(pid, &status, 0);
	for (unsigned i = 0; i < steps && WIFSTOPPED(status); i++) {
		ptrace(PTRACE_SINGLESTEP, pid, NULL, NULL);
		waitpid(pid, &status, 0);
	}
	if (!WIFSTOPPED(status))
		return false;
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	return true;
}

/* At every `stride`th of them; 1 takes minutes. */
static void stepped(unsigned stride, uint32_t length, const char *name)
{
	bool good = true;
	unsigned i = 1 + (unsigned)rand() % stride;

	start();
	for (; good && step_and_kill(i, length); i += stride)
		good = shared->next % 16 || (all_there(0) && !lost);
	good = good && all_there(0) && !lost;
	tap_note("%u instructions", i);
	tap_ok(good && i > 300 && babeltrace(), name);
	side_jmp_trace_stop();
	forget();
}

int main(int argc, char **argv)
{
	unsigned more = argc > 1 ? (unsigned)atoi(argv[1]) : 1;

	if (!getenv("SIDE_JMP_OUTPUT_SIZE")) {
		setenv("SIDE_JMP_OUTPUT_SIZE", "6M", 1);
		execv("/proc/self/exe", argv);
	}
	srand(argc > 2 ? (unsigned)atoi(argv[2]) : (unsigned)time(NULL));
	snprintf(directory, sizeof(directory), "/tmp/survive.XXXXXX");
	if (!mkdtemp(directory))
		return 1;
	strcat(directory, "/");
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	seen = mmap(NULL, sizeof(*seen) * WRITERS, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (seen == MAP_FAILED || shared == MAP_FAILED)
		return 1;
	killed(8 * more, 8, "survive_workers_killed_at_any_time");
	stepped(more > 1 ? 1 : 17, 8, "survive_kill_at_any_instruction_of_a_small_event");
	stepped(more > 1 ? 1 : 17, 2000, "survive_kill_at_any_instruction_of_a_large_event");
	directory[strlen(directory) - 1] = '\0';
	rmdir(directory);
	return tap_done();
}
