/* SPDX-License-Identifier: MIT */
/*
 * Processes that lose the right to change their own text while sites are idle.
 * Each case is a child of its own: most of these can't be undone.  What must
 * never happen: an enable that returns 0 and a site that stays idle.
 */
// cflags: -O2
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <side_jmp.h>

#include "tests/tap.h"

SIDE_JMP_KEY(key);

enum { PASSES = 1000, NOBODY = 65534 };

__attribute__((noinline)) static int hits(void)
{
	int n = 0;

	for (int i = 0; i < PASSES; i++) {
		if (side_jmp_unlikely(key))
			n++;
		__asm__ volatile ("");
	}
	return n;
}

static struct side_jmp_info info(void)
{
	struct side_jmp_info i;

	side_jmp_get_info(&i, sizeof(i));
	return i;
}

/* What a case found wrong: the line, so that a failure says where. */
#define EXPECT(what)	do { if (!(what)) return __LINE__; } while (0)

/* Runs the case in a child.  0, the line that was wrong, or -signal. */
static int in_child(int (*f)(void))
{
	int p[2], line = -1, status;
	pid_t pid;

	if (pipe(p))
		return -1000;
	pid = fork();
	if (pid == 0) {
		line = f();
		_exit(write(p[1], &line, sizeof(line)) != sizeof(line));
	}
	close(p[1]);
	if (read(p[0], &line, sizeof(line)) != sizeof(line))
		line = -1001;
	close(p[0]);
	waitpid(pid, &status, 0);
	return WIFSIGNALED(status) ? -WTERMSIG(status) : line;
}

static void run(int (*f)(void), const char *name)
{
	tap_equal(in_child(f), 0, name);
}

/* ---- what all of them share ------------------------------------------------ */

/* Idle, and the means are gone: the page is dropped, and everything hits. */
static int enables_by_dropping(void)
{
	struct side_jmp_info before = info();

	EXPECT(before.idle == before.sites);
	EXPECT(side_jmp_enable(&key) == 0);
	EXPECT(hits() == PASSES);
	EXPECT(info().dropped_pages > before.dropped_pages);
	EXPECT(info().armed == before.sites);
	EXPECT(side_jmp_disable(&key) == 0);	/* stays armed; still right */
	EXPECT(hits() == 0);
	EXPECT(side_jmp_enable(&key) == 0);
	EXPECT(hits() == PASSES);
	return 0;
}

/* Not even that: an error, and nothing has changed. */
static int refuses(void)
{
	EXPECT(side_jmp_enable(&key) < 0);
	EXPECT(!side_jmp_enabled(&key));
	EXPECT(hits() == 0);
	EXPECT(side_jmp_disable(&key) == -EINVAL);
	return 0;
}

static int works_frozen(void)
{
	EXPECT(info().backend == SIDE_JMP_BACKEND_NONE);
	EXPECT(side_jmp_enable(&key) == 0);
	EXPECT(hits() == PASSES);
	EXPECT(side_jmp_disable(&key) == 0);
	EXPECT(hits() == 0);
	EXPECT(side_jmp_freeze() == 0);
	return 0;
}

static int become_nobody(void)
{
	return setresgid(NOBODY, NOBODY, NOBODY) ||
	       setresuid(NOBODY, NOBODY, NOBODY) ? -1 : 0;
}

/* ---- credentials and roots -------------------------------------------------- */

static int setuid_drops(void)
{
	EXPECT(become_nobody() == 0);
	EXPECT(open("/proc/self/mem", O_RDWR) < 0);
	return enables_by_dropping();
}

static int setuid_frozen(void)
{
	EXPECT(side_jmp_freeze() == 0);
	EXPECT(become_nobody() == 0);
	return works_frozen();
}

static int undumpable_drops(void)
{
	EXPECT(become_nobody() == 0);
	EXPECT(prctl(PR_SET_DUMPABLE, 1) == 0);
	EXPECT(side_jmp_enable(&key) == 0);	/* still its own */
	EXPECT(info().dropped_pages == 0);
	EXPECT(side_jmp_disable(&key) == 0);
	EXPECT(prctl(PR_SET_DUMPABLE, 0) == 0);
	return enables_by_dropping();
}

static int chroot_drops(void)
{
	char dir[] = "/tmp/side_jmp.XXXXXX";

	EXPECT(mkdtemp(dir) && chroot(dir) == 0 && chdir("/") == 0);
	EXPECT(open("/proc/self/mem", O_RDWR) < 0);
	return enables_by_dropping();
}

static int mlocked_drops(void)
{
	EXPECT(mlockall(MCL_CURRENT) == 0);
	EXPECT(become_nobody() == 0);
	return enables_by_dropping();
}

/* Others put their own memory under the text; dropping it would zero it. */
static int anonymous_text_refuses(void)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	char *at = (char *)((uintptr_t)hits & ~(page - 1));
	size_t len = 2 * page;
	char *copy = mmap(NULL, len, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	EXPECT(copy != MAP_FAILED);
	memcpy(copy, at, len);
	EXPECT(mprotect(copy, len, PROT_READ | PROT_EXEC) == 0);
	EXPECT(mremap(copy, len, len, MREMAP_MAYMOVE | MREMAP_FIXED, at) == at);
	EXPECT(become_nobody() == 0);
	return refuses();
}

/* ---- seccomp ------------------------------------------------------------------ */

enum { MAX_CALLS = 8 };

/* From now on each of the n system calls ends in `action`. */
static int filter(const int *calls, unsigned n, unsigned action)
{
	struct sock_filter f[MAX_CALLS + 3];
	struct sock_fprog prog = { .filter = f };
	unsigned short len = 0;

	f[len++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
				offsetof(struct seccomp_data, nr));
	for (unsigned i = 0; i < n; i++)
		f[len++] = (struct sock_filter)BPF_JUMP(
				BPF_JMP | BPF_JEQ | BPF_K, (unsigned)calls[i],
				(unsigned char)(n - i), 0);
	f[len++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K,
						SECCOMP_RET_ALLOW);
	f[len++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, action);
	prog.len = len;
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	       prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog) ? -1 : 0;
}

#define FILTER(action, ...)						\
	filter((const int[]){ __VA_ARGS__ },				\
	       sizeof((const int[]){ __VA_ARGS__ }) / sizeof(int), action)
#define REFUSE	(SECCOMP_RET_ERRNO | EPERM)

static int seccomp_errno_drops(void)
{
	EXPECT(FILTER(REFUSE, SYS_openat, SYS_open, SYS_pwrite64) == 0);
	return enables_by_dropping();
}

static int seccomp_errno_on_write_drops(void)
{
	EXPECT(FILTER(REFUSE, SYS_pwrite64) == 0);
	return enables_by_dropping();
}

static int seccomp_errno_on_madvise_too_refuses(void)
{
	EXPECT(FILTER(REFUSE, SYS_openat, SYS_pwrite64, SYS_madvise) == 0);
	EXPECT(side_jmp_enable(&key) == -EPERM);
	return refuses();
}

/* The bytes can be written, the cores can't be told. */
static int seccomp_errno_on_membarrier_refuses(void)
{
	EXPECT(FILTER(REFUSE, SYS_membarrier) == 0);
	return refuses();
}

static int seccomp_kill_frozen(void)
{
	EXPECT(side_jmp_freeze() == 0);
	EXPECT(FILTER(SECCOMP_RET_KILL_PROCESS, SYS_openat, SYS_pwrite64,
		      SYS_membarrier, SYS_madvise, SYS_rt_sigprocmask,
		      SYS_futex) == 0);
	/* No info here: works_frozen() asks the lock for it. */
	EXPECT(side_jmp_enable(&key) == 0);
	EXPECT(hits() == PASSES);
	EXPECT(side_jmp_disable(&key) == 0);
	EXPECT(hits() == 0);
	return 0;
}

/* That the filter kills is what makes the case above a test. */
static int seccomp_kill_unfrozen(void)
{
	EXPECT(FILTER(SECCOMP_RET_KILL_PROCESS, SYS_openat, SYS_pwrite64,
		      SYS_membarrier, SYS_madvise, SYS_rt_sigprocmask,
		      SYS_futex) == 0);
	side_jmp_enable(&key);
	return __LINE__;
}

/* ---- descriptors ---------------------------------------------------------------- */

/* A child's flips must not reach its parent's text, nor the other way. */
static void fork_keeps_text_apart(void)
{
	struct side_jmp_info after;
	int status = -1;
	pid_t pid;

	side_jmp_enable(&key);		/* whatever is opened is open now */
	side_jmp_disable(&key);
	pid = fork();
	if (pid == 0) {
		bool right = side_jmp_enable(&key) == 0 && hits() == PASSES;

		_exit(!right);
	}
	waitpid(pid, &status, 0);
	after = info();
	tap_ok(status == 0, "rights_child_patches_itself");
	tap_ok(after.idle == after.sites && hits() == 0,
	       "rights_child_does_not_patch_its_parent");
}

static int no_descriptor_left(void)
{
	char link[64], to[64];

	EXPECT(side_jmp_enable(&key) == 0);
	for (int fd = 3; fd < 64; fd++) {
		ssize_t n;

		snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
		n = readlink(link, to, sizeof(to) - 1);
		if (n > 0) {
			to[n] = '\0';
			EXPECT(!strstr(to, "/mem"));
		}
	}
	return 0;
}

int main(void)
{
	tap_ok(hits() == 0 && info().idle == info().sites,
	       "rights_sites_start_idle");
	if (info().backend != SIDE_JMP_BACKEND_SELF)
		tap_note("back end %s: %s", info().backend_name,
			 info().backend_reason);
	if (getuid() == 0) {
		run(setuid_drops, "rights_setuid_enables_by_dropping_the_page");
		run(setuid_frozen, "rights_setuid_after_freeze");
		run(undumpable_drops,
		    "rights_undumpable_enables_by_dropping_the_page");
		run(chroot_drops, "rights_chroot_enables_by_dropping_the_page");
		run(mlocked_drops, "rights_mlocked_text_is_dropped");
		run(anonymous_text_refuses,
		    "rights_anonymous_text_is_not_dropped");
	} else {
		tap_skip("rights_credentials", "needs root");
	}
	run(seccomp_errno_drops, "rights_seccomp_errno_drops");
	run(seccomp_errno_on_write_drops, "rights_seccomp_write_errno_drops");
	run(seccomp_errno_on_madvise_too_refuses,
	    "rights_seccomp_everything_errno_rolls_back");
	run(seccomp_errno_on_membarrier_refuses,
	    "rights_seccomp_membarrier_errno_rolls_back");
	run(seccomp_kill_frozen, "rights_seccomp_kill_after_freeze");
	tap_equal(in_child(seccomp_kill_unfrozen), -SIGSYS,
		  "rights_seccomp_kill_without_freeze_kills");
	run(no_descriptor_left, "rights_no_descriptor_stays_open");
	fork_keeps_text_apart();
	return tap_done();
}
