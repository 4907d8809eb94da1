// SPDX-License-Identifier: MIT
/*
 * heavy KIND [N]: a process with sites that costs whoever looks into it, as much
 * as it can, or is large, and says "here":
 *
 *	notes	the same file mapped N times, all of whose 64 program headers are
 *		notes of 64 KiB, none of them ours
 *	copies	itself mapped N times as a loader would, in each all keys enabled
 *	pieces	the same, but where code should be there are other pages of the file
 *	lies	N damaged copies of its file, mapped to be executed: headers, notes,
 *		tables and strings, each copy otherwise
 *	threads	N threads that sleep
 *	refuse	N, and the first, of which none can be taken over (on x86-64; they
 *		may answer their own system calls), and then one that can be
 *	relay	N threads, each of which is there for some milliseconds and has
 *		another follow; the first has ended
 */
#define _GNU_SOURCE
#include <elf.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <side_jmp_event.h>

SIDE_JMP_EVENT(heavy, tick, "It goes on", (u32, n));

#define FOUR(n)		KEY(n##0) KEY(n##1) KEY(n##2) KEY(n##3)
#define SIXTEEN(n)	FOUR(n##0) FOUR(n##1) FOUR(n##2) FOUR(n##3)
#define KEY(n)		SIDE_JMP_KEY(key_##n);
#define ALL(what)	what(a) what(b) what(c) what(d) what(e) what(f) what(g) what(h)
ALL(SIXTEEN)
#undef KEY
#define KEY(n)		sum += side_jmp_unlikely(key_##n);

static unsigned use(void)
{
	unsigned sum = 0;

	ALL(SIXTEEN)
	return sum;
}
#undef KEY
#define KEY(n)		key_##n.word32 = 1;

static void *must(void *p)
{
	if (p == MAP_FAILED || !p)
		abort();
	return p;
}

static int file_of(const void *bytes, size_t n, size_t size)
{
	int fd = memfd_create("file", MFD_CLOEXEC);

	if (fd < 0 || write(fd, bytes, n) != (ssize_t)n ||
	    ftruncate(fd, (off_t)size))
		abort();
	return fd;
}

static Elf64_Ehdr header(void)
{
	Elf64_Ehdr e = {
		.e_ident = { 0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, 1 },
		.e_type = ET_DYN, .e_machine = EM_X86_64, .e_phnum = 64,
		.e_phoff = sizeof(e), .e_phentsize = sizeof(Elf64_Phdr),
		.e_ehsize = sizeof(e),
	};

	return e;
}

static void notes(unsigned n)
{
	enum { SIZE = 1 << 17, NOTES = 65536 };
	struct {
		Elf64_Ehdr e;
		Elf64_Phdr ph[64];
	} head = { .e = header() };
	char *all = must(calloc(SIZE, 1));
	int fd;

	for (unsigned i = 0; i < 64; i++)
		head.ph[i] = (Elf64_Phdr){
			.p_type = PT_NOTE, .p_vaddr = 4096, .p_memsz = NOTES,
		};
	head.ph[0] = (Elf64_Phdr){ .p_type = PT_LOAD, .p_memsz = SIZE };
	memcpy(all, &head, sizeof(head));
	fd = file_of(all, SIZE, SIZE);
	for (unsigned i = 0; i < n; i++)
		must(mmap(NULL, SIZE, PROT_READ, MAP_PRIVATE, fd, 0));
}

/* pieces: where it should have code, and may be executed, it is its beginning. */
static void copy(int fd, const Elf64_Ehdr *e, const char *base, bool pieces)
{
	const Elf64_Phdr *ph = (const void *)(base + e->e_phoff);
	size_t span = 0;
	char *at;

	for (unsigned i = 0; i < e->e_phnum; i++)
		if (ph[i].p_type == PT_LOAD)
			span = ph[i].p_vaddr + ph[i].p_memsz;
	at = must(mmap(NULL, span + 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS,
		       -1, 0));
	for (unsigned i = 0; i < e->e_phnum; i++) {
		size_t skew = ph[i].p_vaddr % 4096;
		int writable = ph[i].p_flags & PF_W ? PROT_WRITE : 0;
		bool piece = pieces && ph[i].p_flags & PF_X;

		if (ph[i].p_type != PT_LOAD)
			continue;
		must(mmap(at + ph[i].p_vaddr - skew, ph[i].p_filesz + skew,
			  PROT_READ | writable | (piece ? PROT_EXEC : 0),
			  MAP_PRIVATE | MAP_FIXED, fd,
			  piece ? 0 : (off_t)(ph[i].p_offset - skew)));
		if (writable)
			memcpy(at + ph[i].p_vaddr, base + ph[i].p_vaddr,
			       ph[i].p_filesz);
	}
}

extern const char __ehdr_start[];

static void copies(unsigned n, bool pieces)
{
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);

	if (!pieces) {
		ALL(SIXTEEN)
	}
	for (unsigned i = 0; i < n; i++)
		copy(fd, (const void *)__ehdr_start, __ehdr_start, pieces);
}

/* Most are where much depends on them: at the start, and at the end. */
static void spoil(char *bytes, size_t n)
{
	for (int i = 1 + rand() % 8; i; i--) {
		size_t at = (size_t)rand() % (rand() % 3 ? 4096 : n);

		bytes[rand() % 2 ? at : n - 1 - at] = rand() % 2 ?
			(char)rand() : (char)(0xff * (rand() % 2));
	}
}

static void lies(unsigned n)
{
	int own = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	struct stat st;
	char *bytes, *map;
	size_t size;

	if (own < 0 || fstat(own, &st))
		abort();
	size = (size_t)st.st_size;
	map = must(mmap(NULL, size, PROT_READ, MAP_PRIVATE, own, 0));
	bytes = must(malloc(size));
	for (unsigned i = 0; i < n; i++) {
		int fd;

		memcpy(bytes, map, size);
		spoil(bytes, size);
		fd = file_of(bytes, size, size);
		must(mmap(NULL, size, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0));
		close(fd);
	}
	munmap(map, size);
	free(bytes);
}

static void *sleeps(void *arg)
{
	for (;;)
		pause();
	return arg;
}

/* PR_SET_SYSCALL_USER_DISPATCH, and none for the time being. */
static void refuse(void)
{
	static char selector;

	if (prctl(59, 1, 0, 0, &selector))
		perror("dispatch");
}

static void *refuses(void *arg)
{
	refuse();
	return sleeps(arg);
}

static void *relays(void *arg);

static void begin_thread(void *(*run)(void *))
{
	pthread_attr_t small;
	pthread_t t;

	pthread_attr_init(&small);
	pthread_attr_setstacksize(&small, 65536);
	pthread_attr_setdetachstate(&small, PTHREAD_CREATE_DETACHED);
	if (pthread_create(&t, &small, run, NULL))
		abort();
}

static void *relays(void *arg)
{
	side_jmp_event(heavy, tick, 0);
	usleep((useconds_t)rand() % 200000);
	begin_thread(relays);
	return arg;
}

static void threads(unsigned n, void *(*run)(void *))
{
	for (unsigned i = 0; i < n; i++)
		begin_thread(run);
}

int main(int argc, char **argv)
{
	const char *kind = argc > 1 ? argv[1] : "";
	unsigned n = argc > 2 ? (unsigned)atoi(argv[2]) : 0;

	if (!strcmp(kind, "notes"))
		notes(n);
	else if (!strcmp(kind, "copies"))
		copies(n, false);
	else if (!strcmp(kind, "pieces"))
		copies(n, true);
	else if (!strcmp(kind, "lies"))
		lies(n);
	else if (!strcmp(kind, "threads"))
		threads(n, sleeps);
	else if (!strcmp(kind, "refuse"))
		threads(n, refuses), threads(1, sleeps), refuse();
	else if (!strcmp(kind, "relay"))
		threads(n, relays);
	else
		return 2;
	puts("here");
	fflush(stdout);
	if (!strcmp(kind, "relay"))
		pthread_exit(NULL);
	for (uint32_t i = 0;; i++) {
		side_jmp_event(heavy, tick, i + (use() & 1));
		usleep(10000);
	}
}
