/* SPDX-License-Identifier: MIT */
/*
 * Whose memory is written, how much of it, and how it looks meanwhile: never
 * another process's, never beyond the budget, never writable and executable.
 */
#include <signal.h>
#include <stdint.h>
#include <sys/syscall.h>

#include <side_jmp.h>

#include "tests/child.h"
#include "tests/expect.h"

SIDE_JMP_KEY(key);

/* Three more sites, each on a page of its own. */
#define PAGE_OF_ITS_OWN(name) \
	SIDE_JMP_KEY(name##_key); \
	__attribute__((noinline, aligned(4096))) static int name(void) \
	{ \
		return side_jmp_unlikely(name##_key); \
	}
PAGE_OF_ITS_OWN(one)
PAGE_OF_ITS_OWN(two)
PAGE_OF_ITS_OWN(three)

static struct side_jmp_key *all[] = { &key, &one_key, &two_key, &three_key };

__attribute__((noinline)) static int passes(void)
{
	int n = 0;

	for (int i = 0; i < 1000; i++)
		n += side_jmp_unlikely(key);
	return n;
}

static uint8_t first_byte(void)
{
	const struct side_jmp_record *r = __start_side_jmp;

	while ((const char *)&r->key + r->key != (const char *)&key)
		r++;
	return *((const uint8_t *)&r->site + r->site);
}

enum { ARMED_BYTE = 0xe9, IDLE_BYTE = 0xa9 };

/* ---- a descriptor that a child inherits --------------------------------- */

static int to_child[2], to_parent[2];

static void tell(const int *pipe_)
{
	must(write(pipe_[1], "x", 1) == 1, "write");
}

static void wait_for(const int *pipe_)
{
	char c;

	must(read(pipe_[0], &c, 1) == 1, "read");
}

static bool is_enabled(void)
{
	return first_byte() == ARMED_BYTE && passes() == 1000;
}

static bool is_disabled(void)
{
	return first_byte() == IDLE_BYTE && passes() == 0;
}

static void flip_beside_parent(void)
{
	must(is_disabled(), "starts as its parent");
	must(!side_jmp_enable(&key) && is_enabled(), "child enables");
	tell(to_parent);
	wait_for(to_child);
	must(is_enabled(), "stays enabled while its parent disables");
	must(!side_jmp_disable(&key) && is_disabled(), "child disables");
	tell(to_parent);
	wait_for(to_child);
	must(is_disabled(), "stays disabled while its parent enables");
}

static void test_inherited(void)
{
	pid_t pid;
	int status = 0;

	must(!pipe(to_child) && !pipe(to_parent), "pipe");
	side_jmp_enable(&key);		/* a batch before the fork, too */
	side_jmp_disable(&key);
	pid = fork();
	if (pid == 0) {
		alarm(60);
		flip_beside_parent();
		_exit(0);
	}
	close(to_parent[1]);
	wait_for(to_parent);
	tap_ok(is_disabled(), "traps_inherited_child_enables_itself_alone");
	tap_ok(!side_jmp_enable(&key) && is_enabled() &&
	       !side_jmp_disable(&key) && is_disabled(),
	       "traps_inherited_parent_flips_beside_child");
	tell(to_child);
	wait_for(to_parent);
	tap_ok(!side_jmp_enable(&key) && is_enabled(),
	       "traps_inherited_child_disables_itself_alone");
	tell(to_child);
	waitpid(pid, &status, 0);
	tap_equal(status, 0, "traps_inherited_child_keeps_its_own_text");
	side_jmp_disable(&key);
}

static int open_files(void)
{
	int n = 0;

	for (int fd = 0; fd < 256; fd++)
		n += dup2(fd, fd) == fd;
	return n;
}

static void test_no_descriptor_stays(void)
{
	int before = open_files();

	side_jmp_enable(&key);
	side_jmp_disable(&key);
	tap_equal(open_files(), before, "traps_no_descriptor_stays_open");
}

/* ---- the budget --------------------------------------------------------- */

static void test_budget(void)
{
	struct side_jmp_info i = info();

	tap_equal((long long)i.idle, 4, "traps_budget_default_suffices");
	tap_ok(i.pages_dirtied >= 3, "traps_budget_counts_pages");

	side_jmp_set_dirty_pages(0);
	tap_ok(!side_jmp_enable_many(all, 4) && one() && two() && three(),
	       "traps_budget_never_keeps_from_arming");
	side_jmp_disable_many(all, 4);
	i = info();
	tap_equal((long long)i.idle, 4,
		  "traps_budget_spares_pages_that_are_dirty");
	tap_equal((long long)i.pages_budget, 0, "traps_budget_is_reported");
}

/* ---- no mapping writable and executable, no handler --------------------- */

static int writable_code(void)
{
	FILE *maps = fopen("/proc/self/maps", "r");
	char line[512], perms[8];
	int n = 0, lines = 0;

	must(maps != NULL, "/proc/self/maps");
	while (fgets(line, sizeof(line), maps)) {
		must(sscanf(line, "%*s %7s", perms) == 1, "maps line");
		n += perms[1] == 'w' && perms[2] == 'x';
		lines++;
	}
	fclose(maps);
	must(lines > 3, "maps");
	return n;
}

static int handlers(void)
{
	struct sigaction action;
	int n = 0;

	for (int s = 1; s < NSIG; s++)
		if (!sigaction(s, NULL, &action))
			n += action.sa_handler != SIG_DFL &&
			     action.sa_handler != SIG_IGN;
	return n;
}

static void test_quiet(void)
{
	tap_equal(writable_code(), 0, "traps_no_writable_code_while_idle");
	side_jmp_enable_many(all, 4);
	tap_equal(writable_code(), 0, "traps_no_writable_code_while_armed");
	side_jmp_disable_many(all, 4);
	tap_equal(handlers(), 0, "traps_no_signal_handler");
}

#define LOAD(field) \
	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define NOT(value, skip) \
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (value), 0, (skip))

/*
 * Death to whoever maps or protects memory writable and executable, or
 * installs a handler.
 */
static void forbid(void)
{
	static struct sock_filter code[] = {
		LOAD(nr),
		NOT(SYS_rt_sigaction, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_mmap, 2, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_mprotect, 1, 0),
		NOT(SYS_pkey_mprotect, 4),
		LOAD(args[2]),
		BPF_STMT(BPF_ALU | BPF_AND | BPF_K, PROT_WRITE | PROT_EXEC),
		NOT(PROT_WRITE | PROT_EXEC, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {
		.len = sizeof(code) / sizeof(*code), .filter = code,
	};

	must(!prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "no_new_privs");
	must(!prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program), "seccomp");
}

/* The filter stays over exec: start, load and flips, all under it. */
static void start_under_filter(void)
{
	forbid();
	execl("/proc/self/exe", "traps_memory", "flip", (char *)NULL);
	must(false, "exec");
}

static void break_filter_mapping(void)
{
	forbid();
	mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
	     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static void break_filter_handler(void)
{
	forbid();
	signal(SIGUSR1, SIG_IGN);
}

static int flip(void)
{
	bool ok = info().backend == SIDE_JMP_BACKEND_SELF && is_disabled();

	ok &= !side_jmp_enable(&key) && is_enabled();
	ok &= !side_jmp_disable(&key) && is_disabled();
	ok &= !side_jmp_enable_many(all, 4) && one() && is_enabled();
	ok &= !side_jmp_freeze() && is_enabled();
	return ok ? 0 : 1;
}

static void test_forbidden(void)
{
	tap_equal(in_child(start_under_filter), 0,
		  "traps_never_maps_writable_code_nor_handles_signals");
	tap_equal(in_child(break_filter_mapping), -SIGSYS,
		  "traps_filter_catches_writable_code");
	tap_equal(in_child(break_filter_handler), -SIGSYS,
		  "traps_filter_catches_handlers");
}

int main(int argc, char **argv)
{
	(void)argv;
	if (argc > 1)
		return flip();
	test_inherited();
	test_no_descriptor_stays();
	test_budget();
	test_quiet();
	test_forbidden();
	return tap_done();
}
