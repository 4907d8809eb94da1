/* SPDX-License-Identifier: MIT */
/*
 * The back end that has the kernel patch, with a stand-in for the system call
 * that patches this process as the kernel would, or refuses in every way.
 * Each case is this program again, with MODE in the environment: the stand-in
 * is asked before main() runs.  code_patch_nop.c is the same in the layout nop,
 * which not every such kernel knows.
 */
#include <side_jmp.h>
#include <string.h>

#include "runtime/sites/sites.h"
#include "tests/child.h"
#include "tests/expect.h"

SIDE_JMP_KEY(key);
SIDE_JMP_KEY64(key64);

bool side_jmp_inject(enum inject_step step)
{
	(void)step;
	return false;
}

/* ---- the stand-in ------------------------------------------------------- */

enum { REGISTER, UNREGISTER, SYNC };

static struct table {
	const struct side_jmp_record *start;
	size_t n;
} tables[8];
static unsigned calls[3];
static int fail_sync, fail_unregister, again;	/* from now on */

static bool mode_is(const char *mode)
{
	const char *m = getenv("MODE");

	return m && !strcmp(m, mode);
}

static struct table *find(const struct sj_code_patch_args *args)
{
	for (unsigned i = 0; i < 8; i++)
		if ((uintptr_t)tables[i].start == args->addr &&
		    tables[i].n == args->len / sizeof(*tables[i].start))
			return &tables[i];
	return NULL;
}

static bool named(const struct sj_code_patch_args *args,
		  const struct side_jmp_key *k)
{
	const uint64_t *words = (const uint64_t *)(uintptr_t)args->addr;

	for (uint64_t i = 0; i < args->len; i++)
		if (words[i] == (uintptr_t)k)
			return true;
	return !args->addr;
}

static void patch(const struct side_jmp_record *record, bool armed,
		  struct sj_code_patch_args *args)
{
	const struct side_jmp_arch *arch = side_jmp_arch_host();
	enum side_jmp_state to = armed ? SIDE_JMP_ARMED : SIDE_JMP_IDLE;
	uint8_t bytes[SIDE_JMP_INSN_MAX];
	struct side_jmp_insn insn;
	unsigned off;
	int fd;

	sj_record_insn(record, &insn);
	if (sj_insn_state(&insn) == to)
		return;
	off = arch->patch_offset(&insn);
	arch->encode(&insn, to, bytes);
	fd = sj_self_open();
	sj_self_write(fd, (uintptr_t)insn.site + off, bytes + off,
		      arch->patch_len);
	sj_self_close(fd);
	sj_self_sync();
	args->patched++;
}

static bool word_set(const struct side_jmp_record *record)
{
	const struct side_jmp_key *k = sj_record_key(record);

	/* The probe's key is but a word of 32 bits. */
	return record->flags & SIDE_JMP_RECORD_WORD64 ? k->word64 : k->word32;
}

static void sync_table(const struct table *t, unsigned op,
		       struct sj_code_patch_args *args)
{
	for (size_t i = 0; i < t->n; i++)
		if (op != SYNC || named(args, sj_record_key(&t->start[i])))
			patch(&t->start[i], op == UNREGISTER ||
			      word_set(&t->start[i]), args);
}

static bool has_nop(const struct sj_code_patch_args *args)
{
	const struct side_jmp_record *r = (const void *)(uintptr_t)args->addr;
	bool has = false;

	for (uint64_t i = 0; i < args->len / sizeof(*r); i++)
		has |= r[i].layout == SIDE_JMP_NOP;
	return has;
}

long side_jmp_inject_code_patch(unsigned op, struct sj_code_patch_args *args,
				size_t size, unsigned flags)
{
	struct table *t;

	if (mode_is("unknown"))
		return -ENOSYS;
	if (size != 48 || flags || args->pidfd != -1 || args->reserved)
		return -EINVAL;
	if (mode_is("integrity"))
		return -EPERM;
	if (mode_is("translator"))
		return 0;
	if (mode_is("refused") && op == REGISTER && args->len > 16)
		return -E2BIG;
	if (mode_is("old") && op == REGISTER && has_nop(args))
		return -EINVAL;
	calls[op]++;
	if (again && again--)
		return -EAGAIN;
	if (op == SYNC) {
		if (fail_sync)
			return fail_sync;
		for (t = tables; t < tables + 8; t++)
			sync_table(t, op, args);
		return 0;
	}
	if (op == UNREGISTER && fail_unregister)
		return fail_unregister;
	t = find(args);
	if (op == REGISTER ? t != NULL : t == NULL)
		return -EINVAL;
	for (unsigned i = 0; !t; i++)
		t = tables[i].n ? NULL : &tables[i];
	if (op == REGISTER)
		*t = (struct table){ (const void *)(uintptr_t)args->addr,
				     args->len / sizeof(*t->start) };
	sync_table(t, op, args);
	if (op == UNREGISTER)
		*t = (struct table){ 0 };
	return 0;
}

/* ---- cases -------------------------------------------------------------- */

static int hits(void)
{
	int n = 0;

	for (int i = 0; i < 10; i++) {
		if (side_jmp_unlikely(key))
			n += 1;
		if (side_jmp_unlikely(key64))
			n += 100;
	}
	return n;
}

/* Whoever patches, and whether: keys do what they say. */
static void keys_work(const char *name)
{
	int r = side_jmp_enable(&key);

	tap_ok(!r && hits() == 10, name);
	side_jmp_disable(&key);
	tap_ok(hits() == 0, name);
}

static void patches(void)
{
	struct side_jmp_key *both[] = { &key, &key64 }, *many[1000];
	unsigned syncs;

	tap_note("%s", info().backend_reason);
	tap_equal(info().backend, SIDE_JMP_BACKEND_KERNEL,
		  "code_patch_is_preferred");
	tap_ok(info().idle == info().sites && info().sites >= 2,
	       "code_patch_register_idles");
	tap_ok(info().pages_dirtied > 0, "code_patch_dirties_pages");
	keys_work("code_patch_syncs_a_key");
	syncs = calls[SYNC];
	tap_equal(side_jmp_enable_many(both, 2), 0, "code_patch_batch");
	tap_equal(calls[SYNC] - syncs, 1, "code_patch_batch_is_one_call");
	tap_equal(hits(), 1010, "code_patch_batch_arms");
	tap_equal(side_jmp_disable_many(both, 2), 0, "code_patch_batch_ends");
	for (unsigned i = 0; i < 1000; i++)
		many[i] = both[i % 2];
	syncs = calls[SYNC];
	tap_ok(!side_jmp_enable_many(many, 1000) && calls[SYNC] - syncs == 1,
	       "code_patch_large_batch_is_one_call");
	side_jmp_disable_many(many, 1000);
	/* As registered with user_events: the kernel's business here. */
	key.flags = SIDE_JMP_KEY_ARMED;
	tap_ok(!side_jmp_sync(&key) && info().idle == info().sites &&
	       !info().refused, "code_patch_registered_keys_go_idle");
	key.flags = 0;
	again = 3;
	tap_equal(side_jmp_enable(&key), 0, "code_patch_again_is_tried_again");
	side_jmp_disable(&key);
	if (fork() == 0) {
		tap_run = tap_failed = 0;
		side_jmp_enable(&key);
		_exit(hits() == 10 ? 0 : 1);
	} else {
		int status = -1;

		wait(&status);
		tap_equal(status, 0, "code_patch_works_in_a_child");
	}
	tap_equal(side_jmp_freeze(), 0, "code_patch_freeze");
	tap_equal((long long)info().armed, (long long)info().sites,
		  "code_patch_freeze_arms");
	syncs = calls[SYNC];
	keys_work("code_patch_frozen_keys_work");
	tap_equal(calls[SYNC] - syncs, 0, "code_patch_frozen_makes_no_call");
}

/* A call that fails where a site has to be armed: armed by our own means. */
static void failing(void)
{
	fail_sync = -EPERM;
	tap_equal(side_jmp_enable(&key), 0, "code_patch_failed_sync_is_mended");
	tap_equal(hits(), 10, "code_patch_failed_sync_leaves_nothing_wrong");
	tap_equal(side_jmp_disable(&key), 0, "code_patch_failed_sync_disables");
	tap_equal(hits(), 0, "code_patch_failed_sync_ends");
	/* Registered with user_events, the kernel may have its own idea. */
	fail_sync = 0;
	side_jmp_sync(&key);
	fail_sync = -EPERM;
	key.flags = SIDE_JMP_KEY_ARMED;
	tap_ok(side_jmp_enable(&key) == -EPERM && !side_jmp_enabled(&key),
	       "code_patch_failed_sync_of_registered_key_is_an_error");
	key.flags = 0;
	fail_sync = 0;
	fail_unregister = -ENOMEM;
	tap_equal(side_jmp_freeze(), 0, "code_patch_failed_unregister_is_mended");
	tap_equal((long long)info().armed, (long long)info().sites,
		  "code_patch_failed_unregister_arms");
	keys_work("code_patch_failed_unregister_keys_work");
}

static void refused_by(int error)
{
	tap_equal(info().backend, SIDE_JMP_BACKEND_KERNEL,
		  "code_patch_refused_object_is_one_object");
	tap_ok(info().objects_refused == 1 && info().refuse_error == error,
	       "code_patch_refusal_is_reported");
	tap_equal((long long)info().armed, (long long)info().sites,
		  "code_patch_refused_object_stays_armed");
	keys_work("code_patch_refused_object_works");
	tap_equal((long long)info().armed, (long long)info().sites,
		  "code_patch_refusal_is_final");
}

static void refused(void)
{
	refused_by(-E2BIG);
}

static void old(void)
{
	struct sj_code_patch_args own = {
		.addr = (uintptr_t)side_jmp_this_object.start,
		.len = (uint64_t)((const char *)side_jmp_this_object.stop -
				  (const char *)side_jmp_this_object.start),
	};

	if (has_nop(&own))
		refused_by(-EINVAL);
	else
		tap_ok(!info().objects_refused && info().idle == info().sites,
		       "code_patch_old_one_knows_the_others");
}

static void budget(void)
{
	tap_ok(info().objects_refused == 1 && info().refuse_error == -EDQUOT,
	       "code_patch_budget_is_kept");
	tap_equal((long long)info().armed, (long long)info().sites,
		  "code_patch_beyond_budget_stays_armed");
	keys_work("code_patch_beyond_budget_works");
}

static void none(void)
{
	tap_note("%s", info().backend_reason);
	tap_equal(info().backend, SIDE_JMP_BACKEND_NONE,
		  "code_patch_refusal_is_not_gone_around");
	tap_equal((long long)info().armed, (long long)info().sites,
		  "code_patch_without_it_all_is_armed");
	keys_work("code_patch_without_it_keys_work");
}

static void self(void)
{
	tap_note("%s", info().backend_reason);
	tap_equal(info().backend, SIDE_JMP_BACKEND_SELF,
		  "code_patch_unknown_leaves_it_to_self");
	keys_work("code_patch_unknown_keys_work");
}

/* On this kernel, whichever it is. */
static void enter_integrity(void)
{
	int r;

	tap_equal(side_jmp_enter_integrity(8), -EINVAL,
		  "integrity_unknown_flag");
	tap_ok(info().idle == info().sites, "integrity_unknown_flag_does_nothing");
	r = side_jmp_enter_integrity(SIDE_JMP_INTEGRITY_MDWE);
	tap_ok(r == 0 || r == -EOPNOTSUPP, "integrity_or_not_known");
	tap_equal((long long)info().armed, (long long)info().sites,
		  "integrity_arms");
	keys_work("integrity_keys_work");
	tap_equal(side_jmp_enter_integrity(0), r ? -EOPNOTSUPP : 0,
		  "integrity_twice");
}

static const struct mode {
	const char *name, *backend, *pages;
	void (*run)(void);
} modes[] = {
	{ "patches", NULL, NULL, patches },
	{ "failing", NULL, NULL, failing },
	{ "refused", NULL, NULL, refused },
	{ "old", NULL, NULL, old },
	{ "budget", NULL, "0", budget },
	{ "integrity", NULL, NULL, none },
	{ "translator", NULL, NULL, none },
	{ "unknown", NULL, NULL, self },
	{ "unknown", "kernel", NULL, none },
	{ "enter", NULL, NULL, enter_integrity },
};

/* One case a process; each goes on with the numbers of the last. */
int main(int argc, char **argv)
{
	if (argc == 4) {
		tap_run = atoi(argv[2]);
		modes[atoi(argv[1])].run();
		dprintf(atoi(argv[3]), "%d %d", tap_run, tap_failed);
		return 0;
	}
	for (unsigned i = 0; i < sizeof(modes) / sizeof(*modes); i++) {
		char which[16], from[16], fd[16], text[64] = "";
		int status, fds[2], run = 0, failed = 0;
		pid_t pid;

		if (pipe(fds))
			return 1;
		fflush(NULL);
		snprintf(which, sizeof(which), "%u", i);
		snprintf(from, sizeof(from), "%d", tap_run);
		snprintf(fd, sizeof(fd), "%d", fds[1]);
		pid = fork();
		if (pid == 0) {
			setenv("MODE", modes[i].name, 1);
			if (modes[i].backend)
				setenv("SIDE_JMP_BACKEND", modes[i].backend, 1);
			if (modes[i].pages)
				setenv("SIDE_JMP_DIRTY_PAGES", modes[i].pages, 1);
			execl("/proc/self/exe", argv[0], which, from, fd, NULL);
			_exit(127);
		}
		close(fds[1]);
		waitpid(pid, &status, 0);
		if (read(fds[0], text, sizeof(text) - 1) <= 0 || status ||
		    sscanf(text, "%d %d", &run, &failed) != 2) {
			tap_note("%s: ended with %#x", modes[i].name, (unsigned)status);
			tap_ok(false, "code_patch_case_ends");
		} else {
			tap_run = run;
			tap_failed += failed;
		}
		close(fds[0]);
	}
	return tap_done();
}
