/* SPDX-License-Identifier: MIT */
/* Context of events: its words, and stacks that are none. */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "arch/frame.h"
#include "runtime/events/context.h"
#include "runtime/events/events.h"
#include "tests/tap.h"

static void words(void)
{
	unsigned parts = 77;

	tap_ok(sj_context_parse("", &parts) && !parts, "context_of_no_words");
	tap_ok(sj_context_parse("stack, cpu,,", &parts) &&
	       parts == (SJ_CONTEXT_CPU | SJ_CONTEXT_STACK),
	       "context_words_in_any_order");
	tap_ok(sj_context_parse("cpu,comm,thread_time,stack", &parts) &&
	       parts == 15, "context_all_words");
	tap_ok(!sj_context_parse("cpu,stac", &parts) &&
	       !sj_context_parse("cpux", &parts) &&
	       !sj_context_parse("cpu;comm", &parts) && parts == 15,
	       "context_unknown_words");
}

static struct sj_context context;

/* How many addresses come from a chain that begins there. */
static unsigned walk(const struct sj_frame *from)
{
	memset(&context, 0xff, sizeof(context));
	sj_context_take(&context, SJ_CONTEXT_STACK, from, 0);
	return context.n_frames;
}

/* Three pages, of which the last can't be read. */
static char *pages(size_t page)
{
	char *at = mmap(NULL, 3 * page, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return at == MAP_FAILED || mprotect(at + 2 * page, page, PROT_NONE) ?
	       NULL : at;
}

static void garbage(char *at, size_t page)
{
	struct sj_frame *first = (void *)at;
	char *end = at + 2 * page;
	const uintptr_t wrong[] = {
		0, 1, (uintptr_t)first, (uintptr_t)first - 16,
		(uintptr_t)first + 17, (uintptr_t)end - 8, (uintptr_t)end,
		(uintptr_t)end + 64, (uintptr_t)first + (1 << 20),
		(uintptr_t)-16, (uintptr_t)-8, UINTPTR_MAX / 2 + 1,
	};
	unsigned bad = 0;

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		*first = (struct sj_frame){ wrong[i], 0x1000 };
		if (walk(first) == 1 && context.frames[0] == 0x1000)
			continue;
		tap_note("%zu: %u", i, context.n_frames);
		bad++;
	}
	tap_equal(bad, 0, "context_frame_pointers_that_are_none");
}

static void last(char *at, size_t page)
{
	struct sj_frame *first = (void *)at;
	char *end = at + 2 * page;

	*first = (struct sj_frame){ (uintptr_t)end - 16, 0x1000 };
	*(struct sj_frame *)(void *)(end - 16) =
		(struct sj_frame){ (uintptr_t)first, 0x2000 };
	tap_ok(walk(first) == 2 && context.frames[1] == 0x2000,
	       "context_frame_at_the_end_of_what_there_is");
}

/* Over several of the copies that are made, and of the ends of pages. */
static void chain(char *at, size_t page)
{
	struct sj_frame *frames = (void *)at;
	size_t n = 2 * page / sizeof(*frames), step = n / 100;
	unsigned wrong = 0;

	for (size_t i = 0; i < 100; i++)
		frames[i * step] = (struct sj_frame){
			i < 9 ? (uintptr_t)&frames[(i + 1) * step] : 0,
			0x1000 + i,
		};
	tap_equal(walk(frames), 10, "context_chain_ends");
	for (size_t i = 9; i < 99; i++)
		frames[i * step].caller = (uintptr_t)&frames[(i + 1) * step];
	tap_equal(walk(frames), SJ_CONTEXT_FRAMES, "context_chain_is_cut");
	for (size_t i = 0; i < SJ_CONTEXT_FRAMES; i++)
		wrong += context.frames[i] != 0x1000 + i;
	tap_equal(wrong, 0, "context_chain_in_order");
}

/* qemu-user has no such system call. */
static bool may_read(void)
{
	char from = 1, to = 0;
	const struct iovec here = { &to, 1 }, there = { &from, 1 };

	return process_vm_readv(getpid(), &here, 1, &there, 1, 0) == 1 && to;
}

/* A sandbox that refuses the system call. */
static bool refuse(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_process_vm_readv, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { 4, code };

	return !prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) &&
	       !prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

static void refused(char *at)
{
	struct sj_frame *first = (void *)at;
	pid_t pid = fork();
	int status;

	if (!pid)
		_exit(!refuse() ? 4 : walk(first) == 1 ? 0 : 1);
	waitpid(pid, &status, 0);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 4)
		tap_skip("context_where_memory_may_not_be_read", "no seccomp");
	else
		tap_equal(status, 0, "context_where_memory_may_not_be_read");
}

static void packed(void)
{
	char bytes[512];
	struct sj_packer w = { bytes, bytes + sizeof(bytes), false };
	struct sj_context c = {
		.parts = 15, .cpu = 3, .comm = "four", .thread_time = 5,
		.n_frames = 2, .frames = { 6, 7 },
	};
	size_t size = sj_context_size(&c);

	sj_context_pack(&w, &c);
	tap_ok(!w.full && size == 4 + 5 + 8 + 4 + 16 && w.at == bytes + size,
	       "context_size_is_what_is_written");
	w = (struct sj_packer){ bytes, bytes + size - 1, false };
	sj_context_pack(&w, &c);
	tap_ok(w.full && w.at == bytes, "context_that_does_not_fit");
}

int main(void)
{
	size_t page = sj_page_size();
	char *at = pages(page);

	words();
	packed();
	if (!at)
		return 1;
	if (!SJ_HAS_FRAMES) {
		tap_skip("context_stack", "this port reads no stacks");
		return tap_done();
	}
	garbage(at, page);
	if (!may_read()) {
		tap_skip("context_chain", "there is no process_vm_readv()");
		return tap_done();
	}
	last(at, page);
	chain(at, page);
	refused(at);
	return tap_done();
}
