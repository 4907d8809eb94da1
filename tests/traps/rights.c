/* SPDX-License-Identifier: MIT */
/*
 * A process that loses the right to patch itself while a site is idle: the
 * next enable either enables (through the last resort) or changes nothing.
 */
#include <fcntl.h>
#include <signal.h>
#include <sys/syscall.h>

#include <side_jmp.h>

#include "tests/child.h"
#include "tests/expect.h"

enum { PASSES = 1000, NOBODY = 65534 };

#ifndef PR_SET_MDWE
#define PR_SET_MDWE		65
#define PR_GET_MDWE		66
#endif

SIDE_JMP_KEY(key);

__attribute__((noinline)) static int passes(void)
{
	int n = 0;

	for (int i = 0; i < PASSES; i++)
		n += side_jmp_unlikely(key);
	return n;
}

static struct {
	int idle, open_error;		/* before enable */
	int enable, enabled, hits;
	int disable, enabled_after, hits_after;
	int freeze, backend;
	int frozen_enable, frozen_hits;
	int many;			/* what went wrong with many */
	unsigned long long dropped, writes;
} *seen;

static void (*lose)(void);

/* Everything that a program does with a key, after `lose`. */
static void flip_after_loss(void)
{
	unsigned long long writes;
	int fd;

	seen->idle = all_sites_rest();
	lose();
	fd = open("/proc/self/mem", O_RDWR | O_CLOEXEC);
	seen->open_error = fd < 0 ? errno : 0;
	writes = info().writes;
	seen->enable = side_jmp_enable(&key);
	seen->enabled = side_jmp_enabled(&key);
	seen->hits = passes();
	seen->dropped = info().dropped_pages;
	seen->disable = side_jmp_disable(&key);
	seen->enabled_after = side_jmp_enabled(&key);
	seen->hits_after = passes();
	seen->writes = info().writes - writes;
	seen->freeze = side_jmp_freeze();
	seen->backend = (int)info().backend;
	seen->frozen_enable = side_jmp_enable(&key);
	seen->frozen_hits = passes();
}

/* name_what, valid until the next call. */
static const char *named(const char *name, const char *what)
{
	static char full[128];

	snprintf(full, sizeof(full), "traps_%s_%s", name, what);
	return full;
}

static void run_case(const char *name, void (*how)(void), int open_error)
{
	memset(seen, 0, sizeof(*seen));
	lose = how;
	tap_equal(in_child(flip_after_loss), 0, named(name, "survives"));
	tap_equal(seen->idle, 1, named(name, "begins_idle"));
	tap_equal(seen->open_error, open_error, named(name, "loses_its_memory"));
}

/* Then keys work, as tests, and the process can end patching. */
static void expect_frozen(const char *name)
{
	tap_equal(seen->freeze, 0, named(name, "freezes"));
	tap_equal(seen->backend, SIDE_JMP_BACKEND_NONE,
		  named(name, "has_no_backend_once_frozen"));
	tap_ok(!seen->frozen_enable && seen->frozen_hits == PASSES,
	       named(name, "enables_once_frozen"));
}

static void expect_enabled(const char *name)
{
	tap_equal(seen->enable, 0, named(name, "enables"));
	tap_equal(seen->hits, PASSES, named(name, "hits_all"));
	tap_ok(seen->disable == 0 && !seen->enabled_after,
	       named(name, "disables"));
	tap_equal(seen->hits_after, 0, named(name, "hits_none_when_disabled"));
	expect_frozen(name);
}

/* Enabled, and by dropping the page: nothing could be written. */
static void expect_dropped(const char *name)
{
	tap_ok(seen->dropped > 0, named(name, "drops_the_page"));
	tap_equal((long long)seen->writes, 0, named(name, "writes_nothing"));
	expect_enabled(name);
}

static void expect_rolled_back(const char *name, int error)
{
	tap_equal(seen->enable, error, named(name, "enable_says_why"));
	tap_equal(seen->enabled, false, named(name, "word_is_rolled_back"));
	tap_equal(seen->hits, 0, named(name, "hits_none"));
	tap_equal(seen->disable, -EINVAL, named(name, "has_no_user"));
	tap_equal(seen->hits_after, 0, named(name, "runs_on"));
}

/* ---- users and folders -------------------------------------------------- */

static void become_nobody(void)
{
	must(!setresgid(NOBODY, NOBODY, NOBODY), "setresgid");
	must(!setresuid(NOBODY, NOBODY, NOBODY), "setresuid");
}

static void become_undumpable(void)
{
	int fd;

	if (geteuid() == 0)
		become_nobody();
	must(!prctl(PR_SET_DUMPABLE, 1), "dumpable");
	fd = open("/proc/self/mem", O_RDWR | O_CLOEXEC);
	must(fd >= 0, "memory of a dumpable process");
	close(fd);
	must(!prctl(PR_SET_DUMPABLE, 0), "undumpable");
}

static char empty_folder[] = "/tmp/side_jmp_chroot_XXXXXX";

static void go_to_empty_root(void)
{
	must(!chroot(empty_folder) && !chdir("/"), "chroot");
}

static void refuse_executable_gain(void)
{
	must(!prctl(PR_SET_MDWE, 1, 0, 0, 0), "PR_SET_MDWE");
}

static void test_users(void)
{
	run_case("undumpable", become_undumpable, EACCES);
	expect_dropped("undumpable");
	if (prctl(PR_GET_MDWE, 0, 0, 0, 0) >= 0) {
		run_case("late_mdwe", refuse_executable_gain, 0);
		expect_enabled("late_mdwe");
	} else {
		tap_skip("traps_late_mdwe", "this kernel has no PR_SET_MDWE");
	}
	if (geteuid() != 0) {
		tap_skip("traps_setuid", "only root can change its user");
		tap_skip("traps_chroot", "only root can change its root");
		return;
	}
	run_case("setuid", become_nobody, EACCES);
	expect_dropped("setuid");
	must(mkdtemp(empty_folder) != NULL, empty_folder);
	run_case("chroot", go_to_empty_root, ENOENT);
	expect_dropped("chroot");
	rmdir(empty_folder);
}

/* ---- seccomp filters ---------------------------------------------------- */

enum { REFUSE = SECCOMP_RET_ERRNO | EPERM };

static const int memory_calls[] = {
	SYS_pwrite64, SYS_openat,
#ifdef SYS_open			/* newer architectures have none */
	SYS_open,
#endif
};

static void refuse_memory(void)
{
	filter_calls(memory_calls, sizeof(memory_calls) / sizeof(int), REFUSE);
}

static void refuse_memory_and_madvise(void)
{
	static const int calls[] = { SYS_madvise };

	refuse_memory();
	filter_calls(calls, 1, REFUSE);
}

static void refuse_pwrite(void)
{
	filter_calls(memory_calls, 1, REFUSE);
}

static void refuse_membarrier(void)
{
	static const int calls[] = { SYS_membarrier };

	filter_calls(calls, 1, REFUSE);
}

static void test_refusing_filters(void)
{
	run_case("seccomp_memory", refuse_memory, EPERM);
	expect_dropped("seccomp_memory");
	run_case("seccomp_pwrite", refuse_pwrite, 0);
	expect_dropped("seccomp_pwrite");

	run_case("seccomp_memory_and_madvise", refuse_memory_and_madvise,
		 EPERM);
	expect_rolled_back("seccomp_memory_and_madvise", -EPERM);
	tap_equal(seen->freeze, -EPERM,
		  "traps_seccomp_memory_and_madvise_cannot_freeze");
	tap_equal(seen->backend, SIDE_JMP_BACKEND_SELF,
		  "traps_seccomp_memory_and_madvise_has_not_frozen");

	/* Sites can be written, but no core is known to have seen it. */
	run_case("seccomp_membarrier", refuse_membarrier, 0);
	expect_rolled_back("seccomp_membarrier", -EPERM);
	tap_equal(seen->freeze, -EPERM,
		  "traps_seccomp_membarrier_cannot_freeze");
}

static void kill_all_means(void)
{
	static const int calls[] = {
		SYS_membarrier, SYS_madvise, SYS_rt_sigprocmask, SYS_futex,
		SYS_mmap, SYS_munmap,
	};

	filter_calls(memory_calls, sizeof(memory_calls) / sizeof(int),
		     SECCOMP_RET_KILL_PROCESS);
	filter_calls(calls, sizeof(calls) / sizeof(*calls),
		     SECCOMP_RET_KILL_PROCESS);
}

/* Of many keys, too, also where they are refused. */
static int flip_many(void)
{
	struct side_jmp_key *const twice[] = { &key, &key };
	int bad = side_jmp_enable_many(twice, 2) || passes() != PASSES;

	bad |= (side_jmp_disable_many(twice, 2) || passes() != 0) << 1;
	bad |= (side_jmp_enable(&key) ||
		side_jmp_disable_many(twice, 2) != -EINVAL ||
		passes() != PASSES) << 2;
	return bad | (side_jmp_disable(&key) || passes() != 0) << 3;
}

static void flip_frozen(void)
{
	seen->idle = all_sites_rest();
	seen->freeze = side_jmp_freeze();
	seen->backend = (int)info().backend;
	kill_all_means();
	seen->many = flip_many();
	seen->enable = side_jmp_enable(&key);
	seen->hits = passes();
	seen->disable = side_jmp_disable(&key);
	seen->hits_after = passes();
	seen->enabled_after = side_jmp_enabled(&key);
	seen->frozen_enable = side_jmp_enable(&key);
	seen->frozen_hits = passes();
}

static void flip_unfrozen(void)
{
	kill_all_means();
	side_jmp_enable(&key);
}

static void test_killing_filters(void)
{
	memset(seen, 0, sizeof(*seen));
	tap_equal(in_child(flip_unfrozen), -SIGSYS,
		  "traps_seccomp_kill_is_fatal_without_freeze");
	tap_equal(in_child(flip_frozen), 0,
		  "traps_seccomp_kill_spares_a_frozen_process");
	tap_equal(seen->idle, 1, "traps_seccomp_kill_begins_idle");
	tap_equal(seen->many, 0, "traps_seccomp_kill_many_keys");
	expect_enabled("seccomp_kill");
}

/* ---- what the last resort may drop -------------------------------------- */

static void lock_and_refuse(void)
{
	must(!mlockall(MCL_CURRENT), "mlockall");
	refuse_memory();
}

/* As remappers of text to huge pages do: the same bytes, but of no file. */
static void remap_text(void)
{
	size_t size = (size_t)sysconf(_SC_PAGESIZE);
	char *site = (char *)(uintptr_t)&__start_side_jmp->site +
		     __start_side_jmp->site;
	char *page = site - (uintptr_t)site % size;
	char *copy = mmap(NULL, size, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	must(copy != MAP_FAILED, "mmap");
	memcpy(copy, page, size);
	must(!mprotect(copy, size, PROT_READ | PROT_EXEC), "mprotect");
	must(mremap(copy, size, size, MREMAP_MAYMOVE | MREMAP_FIXED, page) ==
	     page, "mremap");
}

static void remap_and_refuse(void)
{
	remap_text();
	refuse_memory();
}

static void test_last_resort(void)
{
	if (mlockall(MCL_CURRENT) == 0) {
		munlockall();
		run_case("mlocked", lock_and_refuse, EPERM);
		expect_dropped("mlocked");
	} else {
		tap_skip("traps_mlocked", strerror(errno));
	}
	run_case("anonymous_text", remap_text, 0);
	expect_enabled("anonymous_text");
	run_case("anonymous_text_out_of_reach", remap_and_refuse, EPERM);
	expect_rolled_back("anonymous_text_out_of_reach", -EPERM);
	tap_equal((long long)seen->dropped, 0,
		  "traps_anonymous_text_is_not_dropped");
}

int main(void)
{
	seen = shared_memory(sizeof(*seen));
	tap_equal(info().backend, SIDE_JMP_BACKEND_SELF,
		  "traps_rights_begin_with_self");
	test_users();
	test_refusing_filters();
	test_killing_filters();
	test_last_resort();
	return tap_done();
}
