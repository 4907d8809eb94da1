/* SPDX-License-Identifier: MIT */
/*
 * What the kernel says of the corpus of tables: each is mapped as a loader
 * would, and registered by the system call.  SIDE_JMP_EXPECT=kernel: it has to
 * know that.
 */
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "runtime/sites/sites.h"
#include "tests/corpus/corpus.h"
#include "tests/tap.h"

static struct corpus library;		/* the one in hand */

/* ---- mapping ---------------------------------------------------------- */

static bool map(int fd, char *base, uint32_t at, uint32_t end, uint32_t offset,
		int prot)
{
	return mmap(base + at, end - at, prot, MAP_PRIVATE | MAP_FIXED, fd,
		    offset) != MAP_FAILED;
}

/* The last page of data, 64 KiB it may have, goes on with zeros. */
static bool map_zeros(char *base)
{
	char *p = base + CORPUS_DATA_END;
	size_t left = (size_t)(-(uintptr_t)p & (uintptr_t)(getpagesize() - 1));
	size_t size = CORPUS_BSS_END - CORPUS_DATA_END;

	return left >= size ||
	       mmap(p + left, size - left, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) !=
	       MAP_FAILED;
}

static bool map_segments(int fd, char *base)
{
	bool ok = map(fd, base, 0, CORPUS_HEADERS_END, 0, PROT_READ);

	ok &= map(fd, base, CORPUS_TEXT, CORPUS_TEXT_END, CORPUS_TEXT,
		  PROT_READ | PROT_EXEC);
	ok &= map(fd, base, CORPUS_COLD, CORPUS_COLD + 0x1000,
		  CORPUS_COLD_FILE, PROT_READ | PROT_EXEC);
	ok &= map(fd, base, CORPUS_DISTANT, CORPUS_END_OF_ALL,
		  CORPUS_COLD_FILE, PROT_READ | PROT_EXEC);
	ok &= map(fd, base, CORPUS_RELRO, CORPUS_DATA_END, CORPUS_RELRO,
		  PROT_READ | PROT_WRITE) && map_zeros(base);
	for (unsigned i = 0; ok && i < library.n_relocs; i++)
		*(char **)(base + library.relocs[i].at) =
			base + library.relocs[i].value;
	return ok && !mprotect(base + CORPUS_RELRO,
			       CORPUS_DATA - CORPUS_RELRO, PROT_READ);
}

/* NULL: failed. */
static char *load(void)
{
	char path[] = "/tmp/corpusXXXXXX";
	int fd = mkstemp(path);
	char *base = mmap(NULL, CORPUS_END_OF_ALL, PROT_NONE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	bool ok = fd >= 0 && base != MAP_FAILED &&
		  !corpus_write(&library, fd) && map_segments(fd, base);

	if (fd >= 0) {
		unlink(path);
		close(fd);
	}
	return ok ? base : NULL;
}

static bool text_is_of_file(const char *base)
{
	return !memcmp(base + CORPUS_TEXT, library.bytes + CORPUS_TEXT,
		       CORPUS_PAGE);
}

/* ---- verdicts --------------------------------------------------------- */

static size_t n_records(void)
{
	return (size_t)(library.size / sizeof(struct side_jmp_record));
}

static int table_call(unsigned op, char *base)
{
	struct sj_code_patch_args args = {
		.addr = (uintptr_t)base + library.start,
		.len = library.size, .pidfd = -1,
	};

	return syscall(480, op, &args, sizeof(args), 0) ? -errno : 0;
}

enum { REGISTER, UNREGISTER };

static bool agrees(const struct corpus_case *c, char *base)
{
	int error = table_call(REGISTER, base);
	bool idle = !text_is_of_file(base), forgot;

	forgot = error || !table_call(UNREGISTER, base);
	if (error == c->kernel && idle == !error && forgot &&
	    (text_is_of_file(base) || !strncmp(c->name, "idle_", 5)))
		return true;
	tap_note("%zu records: seen %d, expected %d; text %schanged,"
		 " %sforgotten", n_records(), error, c->kernel,
		 idle ? "" : "un", forgot ? "" : "not ");
	return false;
}

static void try(const struct corpus_case *c)
{
	char name[100], *base;

	snprintf(name, sizeof(name), "kernel_%s_%s",
		 c->kernel ? "refuses" : "accepts", c->name);
	corpus_make(&library, c, side_jmp_arch_host());
	base = load();
	tap_ok(base && agrees(c, base), name);
	if (base)
		munmap(base, CORPUS_END_OF_ALL);
}

int main(void)
{
	const char *expect = getenv("SIDE_JMP_EXPECT");

	if (!sj_code_patch_known()) {
		if (expect && !strcmp(expect, "kernel"))
			tap_ok(false, "kernel_knows_the_call");
		else
			tap_skip("kernel", "it does not know the call");
		return tap_done();
	}
	for (unsigned i = 0; i < corpus_n_cases; i++)
		if (!(corpus_cases[i].not & CORPUS_NOT_KERNEL) &&
		    corpus_applies(&corpus_cases[i], side_jmp_arch_host()))
			try(&corpus_cases[i]);
	return tap_done();
}
