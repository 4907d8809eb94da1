/* SPDX-License-Identifier: MIT */
/*
 * user_events against a stand-in for the kernel, which checks what Linux
 * 6.12's kernel/trace/trace_events_user.c checks.
 */
#include <fcntl.h>
#include <pthread.h>
#include <stddef.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <side_jmp_event.h>

#include "runtime/events/events.h"
#include "tests/expect.h"
#include "tests/tap.h"

/* What callbacks write is read here; an event is no call to the compiler. */
#define emit_event(...) do { \
	__asm__ volatile ("" : : : "memory"); \
	side_jmp_event(__VA_ARGS__); \
	__asm__ volatile ("" : : : "memory"); \
} while (0)

enum hue { RED, BLUE = 9 };

SIDE_JMP_EVENT(kernel, scalars, "Scalars", (u8, a), (s16, b), (u32, c), (s64, d),
	(float, f), (double, g), (pointer, p), (enum, e, (RED, "red"),
						(BLUE, "blue")));
SIDE_JMP_EVENT(kernel, text, "Text", (string, s), (chars, c, 8), (u16, n),
	(string, t), (bytes, b, 4), (byte_seq, q));
SIDE_JMP_EVENT(kernel, arrays, "Arrays", (array, a, u16, 3), (seq, q, s64),
	(seq, d, double), (u8, last));
SIDE_JMP_EVENT64(kernel, word64, "A word of 64 bits", (u32, n));
SIDE_JMP_EVENT(kernel, empty, "No fields");
SIDE_JMP_EVENT(kernel, too_long, "More than the kernel reads",
	(u64, a_field_with_a_name_that_takes_very_many_bytes_indeed_number_one),
	(u64, a_field_with_a_name_that_takes_very_many_bytes_indeed_number_two),
	(u64, a_field_with_a_name_that_takes_very_many_bytes_indeed_number_3),
	(u64, a_field_with_a_name_that_takes_very_many_bytes_indeed_number_4),
	(u64, a_field_with_a_name_that_takes_very_many_bytes_indeed_number_5),
	(u64, a_field_with_a_name_that_takes_very_many_bytes_indeed_number_6),
	(u64, a_field_with_a_name_that_takes_very_many_bytes_indeed_number_7),
	(u64, a_field_with_a_name_that_takes_very_many_bytes_indeed_number_8));
#define EVENTS	5			/* that can be registered */

/* ---- the stand-in ------------------------------------------------------- */

/*
 * linux/user_events.h, by its bytes: a second reading of the uapi.
 * _IOWR('*', 0, pointer) and _IOW('*', 2, pointer) on 64 bits; powerpc has
 * other bits for the direction (asm/ioctl.h).
 */
#define REG	0xc0082a00ul
#ifdef __powerpc__
#define UNREG	0x80082a02ul
#else
#define UNREG	0x40082a02ul
#endif

struct registered {
	char args[512];
	unsigned flags;
	uint64_t address;
	unsigned size, bit;
	int enabled;			/* still registered for updates */
	pid_t pid;
};

static struct {
	int open_error, write_error, fd;
	unsigned known_flags, capable;
	bool lose_on_fork;
	char taken[64];			/* a name that has other fields already */
	struct registered list[64];
	int n, unregistered, closed, unarmed;
	unsigned char payload[4096];
	long payload_size;
	int writes, bad_writes;
} standin;

static int standin_open(const char *path)
{
	if (!strstr(path, "/user_events_data"))
		return -EINVAL;
	if (standin.open_error)
		return standin.open_error;
	return standin.fd = memfd_create("user_events_data", MFD_CLOEXEC);
}

static struct registered *find(uint64_t address, unsigned bit)
{
	for (int i = 0; i < standin.n; i++)
		if (standin.list[i].address == address &&
		    standin.list[i].bit == bit && standin.list[i].enabled &&
		    (!standin.lose_on_fork || standin.list[i].pid == getpid()))
			return &standin.list[i];
	return NULL;
}

/* A number of that many bytes, in the machine's byte order as in the uapi. */
static uint64_t get(const unsigned char *from, unsigned size)
{
	uint16_t v16;
	uint32_t v32;
	uint64_t v64;

	switch (size) {
	case 2: memcpy(&v16, from, 2); return v16;
	case 4: memcpy(&v32, from, 4); return v32;
	case 8: memcpy(&v64, from, 8); return v64;
	default: abort();
	}
}

/* The site of this key must not be a no-op when the kernel may set its bit. */
static bool armed(uint64_t word)
{
	const struct side_jmp_key *key = (void *)(uintptr_t)word;

	return key->flags & SIDE_JMP_KEY_ARMED;
}

static int standin_reg(unsigned char *reg)
{
	struct registered r = {
		.bit = reg[4], .size = reg[5],
		.flags = (unsigned)get(reg + 6, 2),
		.address = get(reg + 8, 8), .enabled = 1, .pid = getpid(),
	};
	const char *args = (const char *)(uintptr_t)get(reg + 16, 8);
	uint32_t index = (uint32_t)standin.n;
	size_t name = strcspn(args, " ");

	if (get(reg, 4) != 28 || r.flags & ~standin.known_flags ||
	    (r.size != 4 && r.size != 8) || r.address % r.size ||
	    r.bit >= 8 * r.size || strlen(args) >= sizeof(r.args))
		return -EINVAL;
	if (find(r.address, r.bit))
		return -EADDRINUSE;
	if (r.flags & 1 && !standin.capable)
		return -EPERM;
	if (strlen(standin.taken) == name &&
	    !strncmp(standin.taken, args, name) && !(r.flags & 2))
		return -EADDRINUSE;
	standin.unarmed += !armed(r.address);
	strcpy(r.args, args);
	for (int i = 0; i < standin.n; i++)	/* the file knows it already */
		if (!standin.list[i].enabled && !strcmp(args, standin.list[i].args))
			index = (uint32_t)i;
	standin.n += index == (uint32_t)standin.n;
	standin.list[index] = r;
	memcpy(reg + 24, &index, 4);
	return 0;
}

static int standin_unreg(const unsigned char *unreg)
{
	struct registered *r = find(get(unreg + 8, 8), unreg[4]);

	if (get(unreg, 4) != 16 || unreg[5] || get(unreg + 6, 2))
		return -EINVAL;
	if (!r)
		return -ENOENT;
	r->enabled = 0;
	standin.unregistered++;
	return 0;
}

static int standin_ioctl(int fd, unsigned long request, void *arg)
{
	if (fd != standin.fd)
		return -EBADF;
	return request == REG ? standin_reg(arg) :
	       request == UNREG ? standin_unreg(arg) : -ENODEV;
}

/* Every __rel_loc within the payload; those of characters end in a 0. */
static bool valid(const char *args, const unsigned char *data, size_t size)
{
	char copy[512], *save = NULL, *field;
	size_t at = 0;

	strcpy(copy, strchr(args, ' ') ? strchr(args, ' ') + 1 : "");
	for (field = strtok_r(copy, ";", &save); field;
	     field = strtok_r(NULL, ";", &save)) {
		unsigned n = 0;

		field += *field == ' ';
		if (!strncmp(field, "__rel_loc ", 10)) {
			uint32_t loc = (uint32_t)get(data + at, 4);
			size_t end = at + 4 + (loc & 0xffff) + (loc >> 16);

			if (end > size || (strstr(field, "char") &&
					   data[end - 1]))
				return false;
			at += 4;
		} else if (sscanf(field, "char[%u]", &n) == 1 ||
			   sscanf(field, "unsigned char[%u]", &n) == 1 ||
			   sscanf(field, "struct %*s %*s %u", &n) == 1) {
			at += n;
		} else if (sscanf(field, "%*[us]%u ", &n) == 1) {
			at += n / 8;
		} else {
			return false;
		}
	}
	return at <= size;
}

static long standin_writev(int fd, const struct iovec *iov, int n)
{
	unsigned char data[4096];
	size_t size = 0;
	uint32_t index;

	if (standin.write_error || fd != standin.fd)
		return standin.write_error ? standin.write_error : -EBADF;
	for (int i = 0; i < n && size + iov[i].iov_len < sizeof(data); i++) {
		memcpy(data + size, iov[i].iov_base, iov[i].iov_len);
		size += iov[i].iov_len;
	}
	memcpy(&index, data, 4);
	standin.writes++;
	if (index >= (uint32_t)standin.n ||
	    !valid(standin.list[index].args, data + 4, size - 4)) {
		standin.bad_writes++;
		return -EFAULT;
	}
	memcpy(standin.payload, data + 4, size - 4);
	standin.payload_size = (long)size - 4;
	return (long)size;
}

static void standin_close(int fd)
{
	close(fd);
	standin.closed++;
}

static const struct sj_user_events_ops ops = {
	standin_open, standin_ioctl, standin_writev, standin_close,
};

/* What the kernel does when somebody begins to listen. */
static void listen(const char *name, bool on)
{
	for (int i = 0; i < standin.n; i++) {
		struct registered *r = &standin.list[i];
		void *at = (void *)(uintptr_t)r->address;

		if (strncmp(r->args, name, strlen(name)) || !r->enabled)
			continue;
		if (r->size == 8)
			__atomic_store_n((uint64_t *)at, on ? UINT64_C(1) <<
					 r->bit : 0, __ATOMIC_SEQ_CST);
		else
			__atomic_store_n((uint32_t *)at, on ? 1u << r->bit : 0,
					 __ATOMIC_SEQ_CST);
	}
}

static struct side_jmp_event_info event_info(void)
{
	struct side_jmp_event_info i;

	side_jmp_event_get_info(&i, sizeof(i));
	return i;
}

/* Of all sites, those of the event that could not be registered are idle. */
static bool registered_are_armed(void)
{
	struct side_jmp_info i;

	side_jmp_get_info(&i, sizeof(i));
	return i.idle == expect_idle(sites_of(&kernel_side_jmp_too_long_side_jmp_key)) &&
	       i.armed == i.sites - i.idle && i.armed;
}

static void reset(void)
{
	memset(&standin, 0, sizeof(standin));
	standin.known_flags = 3;
	sj_user_events_ops = &ops;
}

/* ---- what is emitted ---------------------------------------------------- */

static void emit_scalars(void)
{
	emit_event(kernel, scalars, 200, -2, 3000000000u, -4, 1.5f, 2.5,
		       (void *)0x1234, BLUE);
}

static void emit_text(void)
{
	static const char bytes[4] = { 1, 2, 3, 4 };

	emit_event(kernel, text, "first", "longer than eight", 7, "",
		       bytes, side_jmp_seq(bytes, 3));
}

static void emit_arrays(void)
{
	static const uint16_t a[3] = { 1, 2, 3 };
	static const int64_t q[2] = { -1, 5 };
	static const double d[1] = { 0.5 };

	emit_event(kernel, arrays, a, side_jmp_seq(q, 2),
		       side_jmp_seq(d, 1), 99);
}

static void emit_long(void)
{
	emit_event(kernel, too_long, 1, 2, 3, 4, 5, 6, 7, 8);
}

static void emit_rest(void)
{
	emit_event(kernel, word64, 5);
	emit_event(kernel, empty);
}

/* ---- tests -------------------------------------------------------------- */

static void refused_open(int error, const char *word, const char *name)
{
	reset();
	standin.open_error = error;
	if (side_jmp_user_events_start(0) != error ||
	    !strstr(event_info().user_events_reason, word) ||
	    event_info().user_events_error != error) {
		tap_note("reason: %s", event_info().user_events_reason);
		tap_ok(false, name);
		return;
	}
	emit_scalars();
	tap_ok(all_sites_rest(), name);
}

static void registration(void)
{
	reset();
	tap_equal(side_jmp_user_events_start(4), -EINVAL,
		  "kernel_unknown_flags_are_refused");
	tap_equal(side_jmp_user_events_start(0), 0, "kernel_start");
	tap_equal((long long)event_info().user_events, EVENTS,
		  "kernel_registers_every_event");
	tap_equal(standin.unarmed, 0, "kernel_arms_before_it_registers");
	tap_ok(registered_are_armed(), "kernel_sites_stay_armed");
	tap_ok(event_info().user_events_refused == 1 &&
	       event_info().user_events_error == -E2BIG &&
	       strstr(event_info().user_events_reason, "kernel:too_long"),
	       "kernel_too_long_is_refused_and_named");
	tap_equal(side_jmp_user_events_start(0), 0, "kernel_start_again");
	tap_equal(standin.n, EVENTS, "kernel_start_again_changes_nothing");
	tap_equal(fcntl(standin.fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC,
		  "kernel_descriptor_is_close_on_exec");
}

static bool has_name(const char *name)
{
	for (int i = 0; i < standin.n; i++)
		if (!strncmp(standin.list[i].args, name, strlen(name)))
			return true;
	return false;
}

static bool has_args(const char *args)
{
	for (int i = 0; i < standin.n; i++)
		if (!strcmp(standin.list[i].args, args))
			return true;
	return false;
}

static void descriptions(void)
{
	tap_ok(has_args("kernel_scalars u8 a; s16 b; u32 c; s64 d; struct float"
			" f 4; struct double g 8; u64 p; s32 e"),
	       "kernel_describes_scalars");
	tap_ok(has_args("kernel_text __rel_loc char[] s; char[8] c; u16 n;"
			" __rel_loc char[] t; unsigned char[4] b; __rel_loc"
			" u8[] q"), "kernel_describes_text");
	tap_ok(has_args("kernel_arrays __rel_loc u16[] a; __rel_loc s64[] q;"
			" __rel_loc double[] d; u8 last"),
	       "kernel_describes_arrays");
	tap_ok(has_args("kernel_empty"), "kernel_describes_no_fields");
	for (int i = 0; i < standin.n; i++)
		if (!strncmp(standin.list[i].args, "kernel_word64", 13))
			tap_ok(standin.list[i].size == 8 &&
			       standin.list[i].bit == 63,
			       "kernel_word_of_64_bits_uses_bit_63");
		else if (standin.list[i].size != 4 || standin.list[i].bit != 31)
			tap_ok(false, "kernel_word_of_32_bits_uses_bit_31");
}

/* The expected bytes are written down here by hand, from the format. */
static void payload(const char *event, void (*emit)(void), const void *expected,
		    long size, const char *name)
{
	standin.payload_size = -1;
	emit();
	if (standin.payload_size != -1) {
		tap_ok(false, "kernel_nothing_is_written_unless_listened_to");
		return;
	}
	listen(event, true);
	emit();
	if (!tap_ok(standin.payload_size == size &&
		    !memcmp(standin.payload, expected, (size_t)size), name)) {
		tap_note("%ld bytes, expected %ld", standin.payload_size, size);
		for (long i = 0; i < standin.payload_size; i++)
			tap_note("%3ld: %02x", i, standin.payload[i]);
	}
	listen(event, false);
}

#define PACKED __attribute__((packed))

/* Of `size` bytes, `offset` behind the end of this word. */
#define REL_LOC(size, offset)	((uint32_t)(size) << 16 | (offset))

/* As the descriptions above say, with no gaps, in the machine's byte order. */
static const struct PACKED {
	uint8_t a;
	int16_t b;
	uint32_t c;
	int64_t d;
	float f;
	double g;
	uint64_t p;
	int32_t e;
} scalars = { 200, -2, 3000000000u, -4, 1.5f, 2.5, 0x1234, 9 };

static const struct PACKED {
	uint32_t s;			/* at 0 */
	char c[8];
	uint16_t n;
	uint32_t t;			/* at 14 */
	uint8_t b[4];
	uint32_t q;			/* at 22 */
	char data_of_s[6], data_of_t[1];
	uint8_t data_of_q[3];
} text = {
	REL_LOC(6, 26 - 4), "longer ", 7, REL_LOC(1, 32 - 18), { 1, 2, 3, 4 },
	REL_LOC(3, 33 - 26), "first", "", { 1, 2, 3 },
};

static const struct PACKED {
	uint32_t a, q, d;
	uint8_t last;			/* at 12 */
	uint16_t data_of_a[3];
	int64_t data_of_q[2];
	double data_of_d[1];
} arrays = {
	REL_LOC(6, 13 - 4), REL_LOC(16, 19 - 8), REL_LOC(8, 35 - 12), 99,
	{ 1, 2, 3 }, { -1, 5 }, { 0.5 },
};

_Static_assert(sizeof(scalars) == 39 && sizeof(text) == 36 &&
	       sizeof(arrays) == 43, "the sizes that the format adds up to");

static void payloads(void)
{
	static const uint32_t five = 5;

	payload("kernel_scalars", emit_scalars, &scalars, sizeof(scalars),
		"kernel_payload_of_scalars");
	payload("kernel_text", emit_text, &text, sizeof(text),
		"kernel_payload_of_text");
	payload("kernel_arrays", emit_arrays, &arrays, sizeof(arrays),
		"kernel_payload_of_arrays");
	payload("kernel_word64", emit_rest, &five, sizeof(five),
		"kernel_payload_with_a_word_of_64_bits");
	payload("kernel_empty", emit_rest, "", 0, "kernel_payload_of_nothing");
	tap_equal(standin.bad_writes, 0, "kernel_payloads_are_valid");
}

static void count(const struct side_jmp_event *event,
		  const struct side_jmp_value values[], void *data)
{
	(void)event;
	(void)values;
	++*(int *)data;
}

static void together(void)
{
	struct side_jmp_tracer *tracer;
	int n = 0, before;

	side_jmp_tracer_register(&tracer, "kernel:empty", count, &n);
	__atomic_fetch_or(&kernel_side_jmp_empty_side_jmp_key.word32, 1u << 31,
			  __ATOMIC_SEQ_CST);
	before = standin.writes;
	emit_event(kernel, empty);
	tap_ok(n == 1 && standin.writes == before + 1,
	       "kernel_and_callback_on_one_event");
	side_jmp_tracer_unregister(tracer);
	emit_event(kernel, empty);
	tap_ok(n == 1 && standin.writes == before + 2,
	       "kernel_stays_when_the_callback_goes");
	__atomic_fetch_and(&kernel_side_jmp_empty_side_jmp_key.word32, ~(1u << 31),
			   __ATOMIC_SEQ_CST);
}

static void failures(void)
{
	listen("kernel_empty", true);
	standin.write_error = -EBADF;
	emit_event(kernel, empty);
	tap_equal((long long)event_info().user_events_lost, 0,
		  "kernel_nobody_listening_is_no_loss");
	standin.write_error = -EFAULT;
	errno = 0;
	emit_event(kernel, empty);
	tap_equal((long long)event_info().user_events_lost, 1,
		  "kernel_failed_write_is_counted");
	tap_equal(errno, 0, "kernel_failed_write_keeps_errno");
	standin.write_error = 0;
	listen("kernel_empty", false);
}

static void stopping(void)
{
	int n = standin.n;

	listen("kernel_empty", true);
	tap_equal(side_jmp_user_events_stop(), 0, "kernel_stop");
	tap_equal(standin.unregistered, n, "kernel_stop_unregisters_all");
	tap_equal(kernel_side_jmp_empty_side_jmp_key.word32, 0,
		  "kernel_stop_clears_the_bit");
	tap_ok(all_sites_rest(), "kernel_stop_lets_sites_idle");
	tap_equal(standin.closed, 1, "kernel_stop_closes");
	tap_equal(side_jmp_user_events_stop(), -EINVAL, "kernel_stop_twice");
}

/* The order of a program's events is the compiler's business. */
static int is_refused(struct side_jmp_event *event, void *error)
{
	const char *name = side_jmp_event_name(event->desc);

	if (!strcmp(name, "text"))
		*(int *)error = -EADDRINUSE;
	if (!strcmp(name, "too_long"))
		*(int *)error = -E2BIG;
	return 0;
}

static int last_refusal(void)
{
	int error = 0;

	side_jmp_event_each(is_refused, &error);
	return error;
}

static void flags(void)
{
	reset();
	strcpy(standin.taken, "kernel_text");
	side_jmp_user_events_start(0);
	tap_equal((long long)event_info().user_events, EVENTS,
		  "kernel_other_format_registers");
	for (int i = 0; i < standin.n; i++)
		if (!!(standin.list[i].flags & 2) !=
		    !strncmp(standin.list[i].args, "kernel_text", 11))
			tap_ok(false, "kernel_multi_format_where_needed");
	side_jmp_user_events_stop();

	reset();
	strcpy(standin.taken, "kernel_text");
	standin.known_flags = 1;
	side_jmp_user_events_start(0);
	tap_ok(event_info().user_events == EVENTS - 1 &&
	       event_info().user_events_refused == 2 && !has_name("kernel_text"),
	       "kernel_without_multi_format_refuses_that_event");
	tap_equal(event_info().user_events_error, last_refusal(),
		  "kernel_without_multi_format_says_why");
	side_jmp_user_events_stop();

	reset();
	standin.capable = 1;
	side_jmp_user_events_start(SIDE_JMP_USER_EVENTS_PERSIST);
	tap_equal(standin.list[0].flags, 1, "kernel_persist_is_asked_for");
	side_jmp_user_events_stop();

	reset();
	side_jmp_user_events_start(SIDE_JMP_USER_EVENTS_PERSIST);
	tap_ok(event_info().user_events == EVENTS && !standin.list[0].flags,
	       "kernel_persist_not_permitted_is_retried_without");
	side_jmp_user_events_stop();

	reset();
	standin.known_flags = 0;
	side_jmp_user_events_start(SIDE_JMP_USER_EVENTS_PERSIST);
	tap_ok(event_info().user_events == EVENTS && !standin.list[0].flags,
	       "kernel_persist_not_known_is_retried_without");
	side_jmp_user_events_stop();
}

static int in_child(bool lose)
{
	int status, n;
	pid_t child;

	reset();
	side_jmp_user_events_start(0);
	standin.lose_on_fork = lose;
	n = standin.n;
	child = fork();
	if (!child) {
		listen("kernel_empty", true);
		standin.writes = 0;
		emit_event(kernel, empty);
		_exit(standin.writes != 1 || event_info().user_events != EVENTS ||
		      standin.n != (lose ? 2 * n : n));
	}
	waitpid(child, &status, 0);
	side_jmp_user_events_stop();
	return status;
}

/* ---- writers while it stops --------------------------------------------- */

static int done;

static void *write_on(void *arg)
{
	(void)arg;
	while (!__atomic_load_n(&done, __ATOMIC_SEQ_CST))
		emit_event(kernel, empty);
	return NULL;
}

static void concurrently(void)
{
	uint32_t *word = &kernel_side_jmp_empty_side_jmp_key.word32;
	uint64_t before;
	pthread_t writer;

	reset();
	before = event_info().user_events_lost;
	pthread_create(&writer, NULL, write_on, NULL);
	for (int i = 0; i < 200; i++) {
		side_jmp_user_events_start(0);
		__atomic_fetch_or(word, 1u << 31, __ATOMIC_SEQ_CST);
		usleep(50);
		side_jmp_user_events_stop();
	}
	__atomic_store_n(&done, 1, __ATOMIC_SEQ_CST);
	pthread_join(writer, NULL);
	tap_equal((long long)(event_info().user_events_lost - before), 0,
		  "kernel_no_write_to_a_closed_file");
	tap_ok(standin.writes > 0, "kernel_writes_while_it_stops");
}

int main(void)
{
	tap_ok(!strcmp(event_info().user_events_reason, "not asked for") &&
	       all_sites_rest(), "kernel_is_opt_in");
	refused_open(-ENOENT, "older than Linux 6.4", "kernel_not_there");
	refused_open(-EACCES, "may not be opened", "kernel_not_permitted");
	registration();
	descriptions();
	payloads();
	together();
	failures();
	emit_long();
	stopping();
	flags();
	tap_equal(in_child(false), 0, "kernel_child_inherits");
	tap_equal(in_child(true), 0, "kernel_child_registers_again");
	concurrently();
	return tap_done();
}
