/* SPDX-License-Identifier: MIT */
/* What a program with semaphores sees of who wants its probes. */
#include <sys/mman.h>
#include <unistd.h>

#include "semaphores.h"		/* dtrace -h */

#include "runtime/events/events.h"
#include "tests/tap.h"

static volatile int calls;	/* volatile: see EMITTING */
static int prepared;

static void called(const struct side_jmp_event *event,
		   const struct side_jmp_value values[], void *data)
{
	(void)event;
	(void)values;
	(void)data;
	calls++;
}

static void order(void)
{
	if (SHOP_ORDER_ENABLED()) {
		prepared++;
		SHOP_ORDER(1, (char *)"customer");
	}
	if (SHOP_IDLE_ENABLED())
		SHOP_IDLE();
}

static bool counts(int expected)
{
	prepared = calls = 0;
	order();
	return prepared == expected && (calls > 0) == (expected > 0);
}

static void tracers(void)
{
	struct side_jmp_tracer *one, *two;

	tap_ok(counts(0), "sdt_semaphore_begins_at_0");
	tap_equal(side_jmp_tracer_register(&one, "shop:order", called, NULL), 0,
		  "sdt_semaphore_tracer_registers");
	tap_ok(counts(1), "sdt_semaphore_says_that_a_tracer_wants_it");
	tap_ok(!SHOP_IDLE_ENABLED(), "sdt_semaphore_of_another_probe_stays");
	tap_equal(side_jmp_tracer_register(&two, "shop:*", called, NULL), 0,
		  "sdt_semaphore_second_tracer_registers");
	tap_ok(SHOP_IDLE_ENABLED(), "sdt_semaphore_of_the_other_probe_follows");
	tap_equal(side_jmp_tracer_unregister(one), 0, "sdt_semaphore_tracer_goes");
	tap_ok(counts(1), "sdt_semaphore_stays_for_the_other_tracer");
	tap_equal(side_jmp_tracer_unregister(two), 0, "sdt_semaphore_the_other_goes");
	tap_ok(counts(0) && shop_order_semaphore == 0 && shop_idle_semaphore == 0,
	       "sdt_semaphore_ends_at_0");
}

/* ---- the kernel, of which none is needed --------------------------------- */

static int open_(const char *path)
{
	(void)path;
	return memfd_create("f", MFD_CLOEXEC);
}

static int ioctl_(int fd, unsigned long request, void *arg)
{
	(void)fd;
	(void)request;
	(void)arg;
	return 0;
}

static long writev_(int fd, const struct iovec *iov, int n)
{
	(void)fd;
	(void)iov;
	return n;
}

static void close_(int fd)
{
	close(fd);
}

static void kernel(void)
{
	static const struct sj_user_events_ops ops = {
		open_, ioctl_, writev_, close_,
	};

	sj_user_events_ops = &ops;
	tap_equal(side_jmp_user_events_start(0), 0, "sdt_semaphore_kernel_starts");
	tap_ok(SHOP_ORDER_ENABLED() && SHOP_IDLE_ENABLED(),
	       "sdt_semaphore_counts_what_the_kernel_may_enable");
	tap_equal(side_jmp_user_events_stop(), 0, "sdt_semaphore_kernel_stops");
	tap_ok(shop_order_semaphore == 0 && shop_idle_semaphore == 0,
	       "sdt_semaphore_ends_with_the_kernel");
}

int main(void)
{
	tracers();
	kernel();
	return tap_done();
}
