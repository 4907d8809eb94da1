/* SPDX-License-Identifier: MIT */
/*
 * user_events: the kernel as a tracer.  Owns the descriptor of
 * user_events_data, every event's registration, and the layout of payloads.
 * Facts: linux/user_events.h (uapi) and Documentation/trace/user_events.rst of
 * Linux 6.12.
 *
 * The kernel sets and clears the word's top bit by itself, at any time after
 * registration, without a sync.  So before the ioctl the key is marked
 * SIDE_JMP_KEY_ARMED and its sites are armed; an event whose sites can't be
 * armed is not registered.  A kernel that patches (the back end *kernel*) has
 * the sites follow the bit, and they go idle as those of any key.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "runtime/events/events.h"
#include "runtime/events/sink.h"

/* ---- linux/user_events.h, newer than many systems' headers -------------- */

#define USER_EVENT_REG_PERSIST		(1u << 0)
#define USER_EVENT_REG_MULTI_FORMAT	(1u << 1)
#define DIAG_IOCSREG			_IOWR('*', 0, struct user_reg *)
#define DIAG_IOCSUNREG			_IOW('*', 2, struct user_unreg *)

struct user_reg {
	uint32_t size;
	uint8_t enable_bit;
	uint8_t enable_size;
	uint16_t flags;
	uint64_t enable_addr;
	uint64_t name_args;
	uint32_t write_index;
} __attribute__((packed));

struct user_unreg {
	uint32_t size;
	uint8_t disable_bit;
	uint8_t reserved;
	uint16_t reserved2;
	uint64_t disable_addr;
} __attribute__((packed));

_Static_assert(sizeof(struct user_reg) == 28, "uapi");
_Static_assert(sizeof(struct user_unreg) == 16, "uapi");

/* kernel/trace/trace_events_user.c */
enum { NAME_ARGS_MAX = 512, FIXED_MAX = 1024 };

/* ---- the system calls; raw, for libc's are cancellation points ---------- */

static long raw(long r)
{
	return r < 0 ? -errno : r;
}

static int real_open(const char *path)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);

	return fd < 0 ? -errno : sj_file_aside(fd);
}

static int real_ioctl(int fd, unsigned long request, void *arg)
{
	return (int)raw(syscall(SYS_ioctl, fd, request, arg));
}

static long real_writev(int fd, const struct iovec *iov, int n)
{
	return raw(syscall(SYS_writev, fd, iov, n));
}

static void real_close(int fd)
{
	syscall(SYS_close, fd);
}

static const struct sj_user_events_ops real_ops = {
	real_open, real_ioctl, real_writev, real_close,
};

const struct sj_user_events_ops *sj_user_events_ops = &real_ops;

/* ---- state -------------------------------------------------------------- */

/* sj_event_lock; the event's path reads fd and file, see `writing`. */
static struct {
	int fd;				/* < 0: not started */
	struct sj_file file;		/* fd when it was opened */
	unsigned flags;			/* SIDE_JMP_USER_EVENTS_* */
	uint64_t registered, refused;
	int error;
	char reason[240];
} kernel = { .fd = -1 };

static uint64_t lost;			/* atomic */

/*
 * How many writes are under way: the descriptor is closed when there are none,
 * or a write would go to whatever file gets its number next.  A writer counts
 * itself in before it looks at event->state (both seq_cst, as is stop's
 * clearing of state before it looks here), so either stop sees it or it sees
 * that there is nothing to write to.
 */
static uint64_t writing;
static __thread uint64_t writing_here
	__attribute__((tls_model("initial-exec")));

static void note(int error, const char *format, const char *what)
{
	kernel.error = error;
	snprintf(kernel.reason, sizeof(kernel.reason), format, what);
}

/* ---- the sites ---------------------------------------------------------- */

static void keep_armed(struct side_jmp_key *key, bool keep)
{
	__atomic_store_n(&key->flags, keep ? SIDE_JMP_KEY_ARMED : 0,
			 __ATOMIC_SEQ_CST);
}

static int arm(struct side_jmp_key *key)
{
	int r;

	/* Also for a copy of the runtime that is yet to come, with no such
	   back end. */
	keep_armed(key, true);
	if (sj_backend_follows_words())
		return 0;
	r = side_jmp_sync(key);
	if (r) {
		keep_armed(key, false);
		(void)side_jmp_sync(key);
	}
	return r;
}

static void disarm(struct side_jmp_key *key)
{
	sj_word_clear_kernel_bit(key);
	keep_armed(key, false);
	(void)side_jmp_sync(key);
}

/* ---- the description ---------------------------------------------------- */

/* In the payload's fixed part as it is, rather than by __rel_loc? */
static bool fixed(const struct side_jmp_field *f)
{
	if (f->kind == SIDE_JMP_CHARS ||
	    (f->kind == SIDE_JMP_ARRAY && f->elem == SIDE_JMP_BYTE))
		return f->count && f->count <= FIXED_MAX;
	return f->kind < SIDE_JMP_STRING;
}

static const char *elem_name(unsigned elem)
{
	static const char *const names[] = {
		[SIDE_JMP_U8] = "u8", [SIDE_JMP_U16] = "u16",
		[SIDE_JMP_U32] = "u32", [SIDE_JMP_U64] = "u64",
		[SIDE_JMP_S8] = "s8", [SIDE_JMP_S16] = "s16",
		[SIDE_JMP_S32] = "s32", [SIDE_JMP_S64] = "s64",
		[SIDE_JMP_F32] = "float", [SIDE_JMP_F64] = "double",
		[SIDE_JMP_BYTE] = "u8",
	};

	return names[elem];
}

static void put_field(struct sj_text *t, const struct side_jmp_field *f,
		      const char *name)
{
	bool text = f->kind == SIDE_JMP_STRING || f->kind == SIDE_JMP_CHARS;
	bool is_struct = f->kind == SIDE_JMP_FLOAT;

	sj_text_string(t, is_struct ? "struct " : fixed(f) ? "" : "__rel_loc ");
	if (text)
		sj_text_string(t, "char");
	else if (fixed(f) && f->kind == SIDE_JMP_ARRAY)
		sj_text_string(t, "unsigned char");
	else
		sj_text_string(t, elem_name(f->elem));
	if (f->kind >= SIDE_JMP_STRING) {
		sj_text_char(t, '[');
		if (fixed(f))
			sj_text_unsigned(t, f->count);
		sj_text_char(t, ']');
	}
	sj_text_char(t, ' ');
	sj_text_string(t, name);
	if (is_struct)
		sj_text_string(t, f->elem == SIDE_JMP_F32 ? " 4" : " 8");
}

/* "provider_name type field; ...".  False: too long for the kernel. */
static bool describe(char out[NAME_ARGS_MAX],
		     const struct side_jmp_event_desc *desc)
{
	struct sj_text t = { out, out + NAME_ARGS_MAX - 1, false };
	struct sj_field_at at = sj_fields(desc);
	const char *between = " ";

	sj_text_string(&t, side_jmp_event_provider(desc));
	sj_text_char(&t, '_');
	sj_text_string(&t, side_jmp_event_name(desc));
	for (; sj_next_field(&at); between = "; ") {
		sj_text_string(&t, between);
		put_field(&t, at.field, at.name);
	}
	*t.at = '\0';
	return !t.full;
}

/* ---- registration ------------------------------------------------------- */

static int reg_ioctl(struct side_jmp_event *event, const char *name_args,
		     unsigned flags)
{
	struct user_reg reg = {
		.size = sizeof(reg),
		.enable_bit = (uint8_t)(event->key->width - 1),
		.enable_size = event->key->width / 8,
		.flags = (uint16_t)flags,
		.enable_addr = sj_word_address(event->key),
		.name_args = (uintptr_t)name_args,
	};
	int r = sj_user_events_ops->ioctl(kernel.fd, DIAG_IOCSREG, &reg);

	if (!r)
		__atomic_store_n(&event->write_index, reg.write_index,
				 __ATOMIC_RELAXED);
	return r;
}

/*
 * With the flags; without those that the kernel does not know (EINVAL) or
 * permit (EPERM).
 */
static int reg_flags(struct side_jmp_event *event, const char *name_args,
		     unsigned multi)
{
	unsigned persist = kernel.flags & SIDE_JMP_USER_EVENTS_PERSIST ?
			   USER_EVENT_REG_PERSIST : 0;
	int r = reg_ioctl(event, name_args, persist | multi);

	if (persist && (r == -EINVAL || r == -EPERM))
		r = reg_ioctl(event, name_args, multi);
	return r;
}

/* Of that name, with other fields, there is one already: EADDRINUSE. */
static int reg(struct side_jmp_event *event, const char *name_args)
{
	unsigned state = SJ_USER_EVENT_REGISTERED;
	int r = reg_flags(event, name_args, 0);

	if (r == -EADDRINUSE) {
		state |= SJ_USER_EVENT_MULTI;
		r = reg_flags(event, name_args, USER_EVENT_REG_MULTI_FORMAT);
		if (r == -EINVAL)	/* older than Linux 6.9 */
			r = -EADDRINUSE;
	}
	if (!r)
		/* write_index first: pairs with the load in sj_user_events_write(). */
		__atomic_store_n(&event->state, state, __ATOMIC_SEQ_CST);
	return r;
}

static void refuse(const struct side_jmp_event *event, int error,
		   const char *format)
{
	char name[160];

	kernel.refused++;
	snprintf(name, sizeof(name), "%s:%s",
		 side_jmp_event_provider(event->desc),
		 side_jmp_event_name(event->desc));
	note(error, format, name);
}

/*
 * Somebody wants it already: then its sites are armed when this returns, and
 * not some time after (user_events.rst: "Sites").
 */
static void follow(struct side_jmp_event *event)
{
	if (sj_backend_follows_words() && side_jmp_enabled(event->key))
		(void)side_jmp_sync(event->key);
}

static void ue_new_event(struct side_jmp_event *event)
{
	char name_args[NAME_ARGS_MAX];
	int r;

	if (kernel.fd < 0)
		return;
	if (!describe(name_args, event->desc)) {
		refuse(event, -E2BIG, "%s: its fields take more than the 511"
		       " bytes that the kernel reads");
		return;
	}
	r = arm(event->key);
	if (r) {
		refuse(event, r, "%s: its sites could not be armed");
		return;
	}
	r = reg(event, name_args);
	if (!r) {
		kernel.registered++;
		follow(event);
		return;
	}
	disarm(event->key);
	refuse(event, r, r == -EADDRINUSE ? "%s: the kernel has an event of"
	       " that name with other fields" : "%s: the kernel refused it");
}

/* Or the kernel would go on writing to memory that others get. */
static void ue_lost_event(struct side_jmp_event *event)
{
	struct user_unreg unreg = {
		.size = sizeof(unreg),
		.disable_bit = (uint8_t)(event->key->width - 1),
		.disable_addr = sj_word_address(event->key),
	};

	if (!event->state)
		return;
	__atomic_store_n(&event->state, 0, __ATOMIC_SEQ_CST);
	(void)sj_user_events_ops->ioctl(kernel.fd, DIAG_IOCSUNREG, &unreg);
	disarm(event->key);
	kernel.registered--;
}

static void ue_new_events(struct side_jmp_event *first,
			  const struct side_jmp_event *end)
{
	for (; first < end; first++)
		ue_new_event(first);
}

static void ue_lost_events(struct side_jmp_event *first,
			   const struct side_jmp_event *end)
{
	for (; first < end; first++)
		ue_lost_event(first);
}

/* ---- the file ----------------------------------------------------------- */

/* The mount point in a line of /proc/self/mounts, if it is a tracefs. */
static bool tracefs_of(char *line, char **point)
{
	char *save = NULL, *type;

	(void)strtok_r(line, " ", &save);
	*point = strtok_r(NULL, " ", &save);
	type = strtok_r(NULL, " ", &save);
	return type && !strcmp(type, "tracefs");
}

static int open_in(const char *tracefs)
{
	char path[256];
	int n = snprintf(path, sizeof(path), "%s/user_events_data", tracefs);

	return n < 0 || (size_t)n >= sizeof(path) ? -ENAMETOOLONG :
	       sj_user_events_ops->open(path);
}

/* Where a tracefs is mounted that is not at its usual places. */
static int open_elsewhere(void)
{
	FILE *mounts = fopen("/proc/self/mounts", "re");
	char line[1024], *point;
	int r = -ENOENT;

	if (!mounts)
		return -ENOENT;
	while (r < 0 && fgets(line, sizeof(line), mounts))
		if (tracefs_of(line, &point))
			r = open_in(point);
	fclose(mounts);
	return r;
}

static int open_file(void)
{
	static const char *const usual[] = {
		"/sys/kernel/tracing", "/sys/kernel/debug/tracing",
	};
	int r, error = -ENOENT;

	for (unsigned i = 0; i < 2; i++) {
		r = open_in(usual[i]);
		if (r >= 0)
			return r;
		if (r != -ENOENT)
			error = r;
	}
	r = open_elsewhere();
	if (r >= 0)
		return r;
	return r != -ENOENT ? r : error;
}

static void explain(int error)
{
	if (error == -ENOENT)
		note(error, "%s", "there is no user_events_data: the kernel is"
		     " older than Linux 6.4 or built without it, or no tracefs"
		     " is mounted");
	else if (error == -EACCES || error == -EPERM)
		note(error, "%s", "user_events_data may not be opened by this"
		     " user");
	else
		note(error, "%s", "user_events_data could not be opened");
}

static bool still_ours(void)
{
	return sj_file_still(kernel.fd, &kernel.file);
}

static int start_locked(unsigned flags)
{
	struct side_jmp_event_object *o;
	struct side_jmp_event *event;
	int fd = open_file();

	if (fd < 0) {
		explain(fd);
		return fd;
	}
	if (!sj_file_note(fd, &kernel.file)) {
		sj_user_events_ops->close(fd);
		return -EBADF;
	}
	kernel.flags = flags;
	kernel.refused = 0;
	note(0, "%s", "");
	__atomic_store_n(&kernel.fd, fd, __ATOMIC_SEQ_CST);
	sj_for_each_event(o, event)
		ue_new_event(event);
	return 0;
}

int side_jmp_user_events_start(unsigned flags)
{
	int saved = errno, r = 0;
	sigmask_t mask;

	if (flags & ~(unsigned)SIDE_JMP_USER_EVENTS_PERSIST)
		return -EINVAL;
	mask = sj_event_enter();
	if (kernel.fd < 0)
		r = start_locked(flags);
	sj_event_leave(mask);
	errno = saved;
	return r;
}

/* A write does not take long, and none begins: state is 0 everywhere. */
static void close_file(void)
{
	while (__atomic_load_n(&writing, __ATOMIC_SEQ_CST) != writing_here)
		sched_yield();
	if (still_ours())
		sj_user_events_ops->close(kernel.fd);
	__atomic_store_n(&kernel.fd, -1, __ATOMIC_SEQ_CST);
	note(0, "%s", "stopped");
}

int side_jmp_user_events_stop(void)
{
	int saved = errno, r = -EINVAL;
	sigmask_t mask = sj_event_enter();
	struct side_jmp_event_object *o;
	struct side_jmp_event *event;

	if (kernel.fd >= 0) {
		sj_for_each_event(o, event)
			ue_lost_event(event);
		close_file();
		r = 0;
	}
	sj_event_leave(mask);
	errno = saved;
	return r;
}

static void ue_start(void)
{
	const char *s = secure_getenv("SIDE_JMP_USER_EVENTS");

	/* Registered sites cost nothing where the kernel patches them. */
	if (!s || !*s)
		s = sj_backend_follows_words() && !getauxval(AT_SECURE) ?
		    "1" : "0";
	if (!strcmp(s, "0"))
		return;
	if (!strcmp(s, "1"))
		(void)side_jmp_user_events_start(0);
	else if (!strcmp(s, "persist"))
		(void)side_jmp_user_events_start(SIDE_JMP_USER_EVENTS_PERSIST);
	else
		note(-EINVAL, "%s", "SIDE_JMP_USER_EVENTS is not one of 0, 1,"
		     " persist");
}

/* ---- fork --------------------------------------------------------------- */

/*
 * A child inherits registrations only from a thread that had them, that is,
 * not if it was forked by one that is older.  Register again; EADDRINUSE says
 * that it did.
 */
static void reregister(struct side_jmp_event *event)
{
	char name_args[NAME_ARGS_MAX];
	unsigned multi = event->state & SJ_USER_EVENT_MULTI ?
			 USER_EVENT_REG_MULTI_FORMAT : 0;
	int r;

	if (!event->state)
		return;
	(void)describe(name_args, event->desc);
	r = reg_flags(event, name_args, multi);
	if (!r || r == -EADDRINUSE) {
		follow(event);
		return;
	}
	__atomic_store_n(&event->state, 0, __ATOMIC_SEQ_CST);
	disarm(event->key);
	kernel.registered--;
	refuse(event, r, "%s: the kernel refused it after fork()");
}

static void ue_after_fork(void)
{
	struct side_jmp_event_object *o;
	struct side_jmp_event *event;

	__atomic_store_n(&writing, writing_here, __ATOMIC_SEQ_CST);
	if (kernel.fd < 0 || !still_ours())
		return;
	sj_for_each_event(o, event)
		reregister(event);
}

static void ue_info(struct side_jmp_event_info *info)
{
	info->user_events = kernel.registered;
	info->user_events_refused = kernel.refused;
	info->user_events_lost = __atomic_load_n(&lost, __ATOMIC_RELAXED);
	info->user_events_error = kernel.error;
	memcpy(info->user_events_reason, kernel.fd < 0 && !kernel.reason[0] ?
	       "not asked for" : kernel.reason,
	       kernel.fd < 0 && !kernel.reason[0] ? 14 :
	       sizeof(kernel.reason));
}

const struct sj_sink sj_user_events_sink = {
	.start = ue_start,
	.new_events = ue_new_events,
	.lost_events = ue_lost_events,
	.after_fork = ue_after_fork,
	.info = ue_info,
};

/* ---- a payload ---------------------------------------------------------- */

enum { FIELDS = 16, LOC_MAX = 0xffff };

static const char zeros[FIXED_MAX];

/*
 * One writev: the index, the fixed part, then what the __rel_locs name.  Small
 * things are copied into `bytes`, long ones are taken from where they are.
 */
struct payload {
	struct iovec iov[1 + 4 * FIELDS];
	int n;
	char bytes[8 * FIELDS];
	char *at;
	size_t size;			/* without the index */
};

static void put_reference(struct payload *p, const void *data, size_t n)
{
	if (!n)
		return;
	p->iov[p->n].iov_base = (void *)(uintptr_t)data;
	p->iov[p->n++].iov_len = n;
	p->size += n;
}

static void put_copy(struct payload *p, const void *data, size_t n)
{
	struct iovec *last = &p->iov[p->n - 1];

	memcpy(p->at, data, n);
	if ((char *)last->iov_base + last->iov_len == p->at) {
		last->iov_len += n;
		p->size += n;
	} else {
		put_reference(p, p->at, n);
	}
	p->at += n;
}

static void put_low(struct payload *p, uint64_t v, unsigned elem)
{
	uint8_t x8 = (uint8_t)v;
	uint16_t x16 = (uint16_t)v;
	uint32_t x32 = (uint32_t)v;

	switch (sj_elem_size(elem)) {
	case 1: put_copy(p, &x8, 1); break;
	case 2: put_copy(p, &x16, 2); break;
	case 4: put_copy(p, &x32, 4); break;
	default: put_copy(p, &v, 8);
	}
}

static void put_fixed(struct payload *p, const struct side_jmp_field *f,
		      const struct side_jmp_value *v)
{
	float narrow = f->kind == SIDE_JMP_FLOAT ? (float)v->f64 : 0;
	size_t n;

	switch (f->kind) {
	case SIDE_JMP_FLOAT:
		if (f->elem == SIDE_JMP_F32)
			put_copy(p, &narrow, sizeof(narrow));
		else
			put_copy(p, &v->f64, sizeof(v->f64));
		break;
	case SIDE_JMP_CHARS:
		n = sj_chars_length(f, v);
		put_reference(p, v->data, n);
		put_reference(p, zeros, f->count - n);
		break;
	case SIDE_JMP_ARRAY:
		put_reference(p, v->data, v->count);
		break;
	default:
		put_low(p, v->u64, f->elem);
	}
}

static size_t dynamic_size(const struct side_jmp_field *f,
			   const struct side_jmp_value *v)
{
	if (f->kind == SIDE_JMP_STRING)
		return v->count + 1;
	if (f->kind == SIDE_JMP_CHARS)
		return sj_chars_length(f, v) + 1;
	return v->count * sj_elem_size(f->elem);
}

/* What follows a __rel_loc's end by `offset` and is `size` long. */
static bool set_loc(char *loc, size_t offset, size_t size)
{
	uint32_t v = (uint32_t)(size << 16 | offset);

	if (offset > LOC_MAX || size > LOC_MAX)
		return false;
	memcpy(loc, &v, sizeof(v));
	return true;
}

static bool put_dynamic(struct payload *p, const struct side_jmp_field *f,
			const struct side_jmp_value *v, char *loc, size_t end)
{
	bool text = f->kind != SIDE_JMP_ARRAY && f->kind != SIDE_JMP_SEQ;
	size_t size = dynamic_size(f, v);

	if (!set_loc(loc, p->size - end, size))
		return false;
	put_reference(p, v->data, size - text);
	put_reference(p, zeros, text);
	return true;
}

static bool fill(struct payload *p, const struct side_jmp_event_desc *desc,
		 const struct side_jmp_value values[])
{
	const struct side_jmp_field *f = side_jmp_event_fields(desc);
	unsigned n = desc->n_fields;
	char *locs[FIELDS];
	size_t ends[FIELDS];
	bool fits = true;

	for (unsigned i = 0; i < n; i++) {
		locs[i] = p->at;
		if (fixed(&f[i]))
			put_fixed(p, &f[i], &values[i]);
		else
			put_low(p, 0, SIDE_JMP_U32);
		ends[i] = p->size;
	}
	for (unsigned i = 0; i < n && fits; i++)
		if (!fixed(&f[i]))
			fits = put_dynamic(p, &f[i], &values[i], locs[i],
					   ends[i]);
	return fits;
}

/* EBADF: the last who wanted it is gone; the bit will follow. */
static void write_payload(const struct side_jmp_event *event,
			  const struct side_jmp_value values[])
{
	uint32_t index = __atomic_load_n(&event->write_index, __ATOMIC_RELAXED);
	struct payload p;
	long r = -E2BIG;

	p.iov[0].iov_base = &index;
	p.iov[0].iov_len = sizeof(index);
	p.n = 1;
	p.at = p.bytes;
	p.size = 0;
	if (event->desc->n_fields <= FIELDS && fill(&p, event->desc, values))
		r = still_ours() ? sj_user_events_ops->writev(kernel.fd, p.iov,
							      p.n) : -EIO;
	if (r < 0 && r != -EBADF)
		__atomic_fetch_add(&lost, 1, __ATOMIC_RELAXED);
}

void sj_user_events_write(const struct side_jmp_event *event,
			  const struct side_jmp_value values[])
{
	__atomic_fetch_add(&writing, 1, __ATOMIC_SEQ_CST);
	writing_here++;
	if (__atomic_load_n(&event->state, __ATOMIC_SEQ_CST))
		write_payload(event, values);
	writing_here--;
	__atomic_fetch_sub(&writing, 1, __ATOMIC_RELEASE);
}
