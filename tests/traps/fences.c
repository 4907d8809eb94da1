/* SPDX-License-Identifier: MIT */
/*
 * The barrier that unregister makes other threads pass (runtime/base/fence.c):
 * it is there, at its place; and what becomes of unregister in a process that
 * loses the right to it.
 */
#include <pthread.h>
#include <sys/syscall.h>
#include <ucontext.h>

#include <side_jmp_event.h>

#include "arch/arch.h"
#include "tests/child.h"

SIDE_JMP_EVENT(fences, one, "Emitted all the time", (u32, n));

/* Of membarrier(2), PRIVATE_EXPEDITED. */
enum { BARRIER = 1 << 3, REGISTER_BARRIER = 1 << 4 };

static struct {
	int enable, unregister, again;
	int barriers, early, late, late_again;	/* calls, the latter three */
} *seen;

/* ---- what is emitted ---------------------------------------------------- */

static bool stop, begun, let_go, over;	/* atomic: returned, so no call */
static int late;
static unsigned passes;

static void set(bool *flag, bool to)
{
	__atomic_store_n(flag, to, __ATOMIC_SEQ_CST);
}

static bool is(bool *flag)
{
	return __atomic_load_n(flag, __ATOMIC_SEQ_CST);
}

static void callback(const struct side_jmp_event *event,
		     const struct side_jmp_value values[], void *data)
{
	(void)event;
	(void)values;
	(void)data;
	set(&begun, true);
	if (is(&over))
		__atomic_fetch_add(&late, 1, __ATOMIC_SEQ_CST);
}

static void nothing(const struct side_jmp_event *event,
		    const struct side_jmp_value values[], void *data)
{
	(void)event;
	(void)values;
	(void)data;
}

static void slow(const struct side_jmp_event *event,
		 const struct side_jmp_value values[], void *data)
{
	callback(event, values, data);
	while (!is(&let_go))
		usleep(100);
}

static void *emit(void *arg)
{
	while (!is(&stop)) {
		side_jmp_event(fences, one, 1);
		__atomic_fetch_add(&passes, 1, __ATOMIC_SEQ_CST);
	}
	return arg;
}

static int trace(struct side_jmp_tracer **tracer, side_jmp_callback *function)
{
	int r;

	set(&over, false);
	set(&begun, false);
	r = side_jmp_tracer_register(tracer, "fences:*", function, NULL);
	while (!r && !is(&begun))
		usleep(100);
	return r;
}

/* What the thread was in when we came is over. */
static void pass_by(void)
{
	unsigned was = __atomic_load_n(&passes, __ATOMIC_SEQ_CST);

	while (__atomic_load_n(&passes, __ATOMIC_SEQ_CST) - was < 2)
		usleep(100);
}

/*
 * And a while later: how many calls were there?  Where nobody could wait for one
 * that had begun, how many began.
 */
static int untrace(struct side_jmp_tracer *tracer, int *calls)
{
	int r = side_jmp_tracer_unregister(tracer);

	if (r)
		pass_by();
	set(&over, true);
	usleep(20000);
	*calls = late;
	return r;
}

/* ---- filters ------------------------------------------------------------- */

/* Of this thread, and of those that it starts.  Sites go on being patched. */
static void filter_barriers(unsigned action)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_membarrier, 0, 4),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, args) +
			 (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__ ? 4 : 0)),
		BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K,
			 BARRIER | REGISTER_BARRIER, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, action),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { sizeof(code) / sizeof(*code), code };

	must(!prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "no_new_privs");
	must(!prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program),
	     "seccomp filter");
}

static int run_case(void (*how)(void))
{
	memset(seen, 0, sizeof(*seen));
	return in_child(how);
}

enum { REFUSE = SECCOMP_RET_ERRNO | EPERM };

/* ---- there it is --------------------------------------------------------- */

#ifdef __x86_64__
/* In its place: no call begins any more, and nobody has waited yet. */
static void at_barrier(int signo, siginfo_t *info, void *context)
{
	(void)signo;
	(void)info;
	((ucontext_t *)context)->uc_mcontext.gregs[REG_RAX] = 0;
	seen->barriers++;
	set(&over, true);
	set(&let_go, true);
	side_jmp_event(fences, one, 1);
	seen->early = late;
}

static void one_barrier(void)
{
	struct sigaction action = { .sa_sigaction = at_barrier,
				    .sa_flags = SA_SIGINFO };
	struct side_jmp_tracer *tracer, *other;
	pthread_t thread;

	/* The event stays enabled: the site is not what keeps calls out. */
	must(!side_jmp_tracer_register(&other, "fences:*", nothing, NULL),
	     "register");
	must(!pthread_create(&thread, NULL, emit, NULL), "thread");
	seen->enable = trace(&tracer, slow);
	must(!sigaction(SIGSYS, &action, NULL), "sigaction");
	filter_barriers(SECCOMP_RET_TRAP);
	seen->unregister = untrace(tracer, &seen->late);
}

static void test_barrier(void)
{
	tap_equal(run_case(one_barrier), 0, "fences_barrier_survives");
	tap_equal(seen->unregister, 0, "fences_barrier_is_before_waiting");
	tap_equal(seen->barriers, 1, "fences_barrier_is_passed");
	tap_equal(seen->early, 0, "fences_barrier_is_after_stopping");
}
#else
static void test_barrier(void)
{
	tap_skip("fences_barrier", "what it returns is set on x86-64 only");
}
#endif

/* ---- it is lost ---------------------------------------------------------- */

/* Twice, while another thread emits; `lose` is called in between. */
static void (*lose)(void);

static void lose_it(void)
{
	struct side_jmp_tracer *tracer;
	pthread_t thread;

	must(!pthread_create(&thread, NULL, emit, NULL), "thread");
	seen->enable = trace(&tracer, callback);
	lose();
	seen->unregister = untrace(tracer, &seen->late);
	if (seen->unregister) {
		seen->again = untrace(tracer, &seen->late);
		return;
	}
	filter_barriers(SECCOMP_RET_KILL_PROCESS);
	must(!trace(&tracer, callback), "register again");
	seen->again = untrace(tracer, &seen->late_again);
}

static void refuse(void)
{
	filter_barriers(REFUSE);
}

static void refuse_all(void)
{
	static const int calls[] = { SYS_munmap };

	filter_barriers(REFUSE);
	filter_calls(calls, 1, REFUSE);
}

static void freeze(void)
{
	must(!side_jmp_freeze(), "freeze");
	filter_barriers(SECCOMP_RET_KILL_PROCESS);
}

/* Before the first one is registered. */
static void refuse_early(void)
{
	struct side_jmp_tracer *tracer;
	pthread_t thread;

	filter_barriers(REFUSE);
	must(!pthread_create(&thread, NULL, emit, NULL), "thread");
	seen->enable = trace(&tracer, callback);
	filter_barriers(SECCOMP_RET_KILL_PROCESS);
	seen->unregister = untrace(tracer, &seen->late);
}

static int run_lost(void (*how)(void))
{
	lose = how;
	return run_case(lose_it);
}

static void test_lost(void)
{
	bool shoots = side_jmp_arch_host()->shootdown_serializes;

	tap_equal(run_case(refuse_early), 0, "fences_refused_early_survives");
	tap_ok(!seen->enable && !seen->unregister && !seen->late,
	       "fences_refused_early_unregisters");
	tap_equal(run_lost(freeze), 0, "fences_frozen_survives");
	tap_ok(!seen->unregister && !seen->again && !seen->late &&
	       !seen->late_again, "fences_frozen_unregisters");
	tap_equal(run_lost(refuse), 0, "fences_refused_survives");
	tap_equal(seen->unregister, shoots ? 0 : -EPERM,
		  "fences_refused_unregisters");
	tap_ok(!seen->again == shoots && !seen->late && !seen->late_again,
	       "fences_refused_unregisters_again");
	tap_equal(run_lost(refuse_all), 0, "fences_all_refused_survives");
	tap_ok(seen->unregister == -EPERM && seen->again == -EPERM,
	       "fences_all_refused_says_so");
	tap_equal(seen->late, 0, "fences_all_refused_calls_no_more");
}

int main(void)
{
	seen = shared_memory(sizeof(*seen));
	test_barrier();
	test_lost();
	return tap_done();
}
