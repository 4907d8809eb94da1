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
#define DIAG_IOCSREG			_IOWR('*', 0, struct ue_reg *)
#define DIAG_IOCSUNREG			_IOW('*', 2, struct ue_unreg *)

struct ue_reg {
	uint32_t size;
	uint8_t enable_bit;
	uint8_t enable_size;
	uint16_t flags;
	uint64_t enable_addr;
	uint64_t name_args;
	uint32_t write_index;
} __attribute__((packed));

struct ue_unreg {
	uint32_t size;
	uint8_t disable_bit;
	uint8_t reserved;
	uint16_t reserved2;
	uint64_t disable_addr;
} __attribute__((packed));

_Static_assert(sizeof(struct ue_reg) == 28, "uapi");
_Static_assert(sizeof(struct ue_unreg) == 16, "uapi");

/* kernel/trace/trace_events_user.c */
enum { UE_NAME_ARGS_MAX = 512, UE_FIXED_MAX = 1024 };

/* ---- the system calls; raw, for libc's are cancellation points ---------- */

static long ue_raw(long r)
{
	return r < 0 ? -errno : r;
}

static int ue_real_open(const char *path)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);

	return fd < 0 ? -errno : sj_file_aside(fd);
}

static int ue_real_ioctl(int fd, unsigned long request, void *arg)
{
	return (int)ue_raw(syscall(SYS_ioctl, fd, request, arg));
}

static long ue_real_writev(int fd, const struct iovec *iov, int n)
{
	return ue_raw(syscall(SYS_writev, fd, iov, n));
}

static void ue_real_close(int fd)
{
	syscall(SYS_close, fd);
}

static const struct sj_user_events_ops ue_real_ops = {
	ue_real_open, ue_real_ioctl, ue_real_writev, ue_real_close,
};

const struct sj_user_events_ops *sj_user_events_ops = &ue_real_ops;

/* ---- state -------------------------------------------------------------- */

/* sj_event_lock; the event's path reads fd and file, see ue_writing. */
static struct {
	int fd;				/* < 0: not started */
	struct sj_file file;		/* fd when it was opened */
	const void *stopping;		/* by the thread with this address */
	unsigned flags;			/* SIDE_JMP_USER_EVENTS_* */
	uint64_t registered, refused;
	bool say_persist;		/* asked for by the variable */
	int error;
	char reason[240];
} ue = { .fd = -1 };

static uint64_t ue_lost;			/* atomic */

/*
 * How many writes are under way: the descriptor is closed when there are none,
 * or a write would go to whatever file gets its number next.  A writer counts
 * itself in before it looks at event->state (both seq_cst, as is stop's
 * clearing of state before it looks here), so either stop sees it or it sees
 * that there is nothing to write to.
 */
static uint64_t ue_writing;
static __thread uint64_t ue_writing_here
	__attribute__((tls_model("initial-exec")));

static void ue_note(int error, const char *format, const char *what)
{
	ue.error = error;
	snprintf(ue.reason, sizeof(ue.reason), format, what);
}

/* ---- the sites ---------------------------------------------------------- */

static void ue_keep_armed(struct side_jmp_key *key, bool keep)
{
	sj_lock_word(&key->lock);
	sj_key_set_flag(key, SIDE_JMP_KEY_ARMED, keep);
	sj_unlock_word(&key->lock);
}

static int ue_arm(struct side_jmp_key *key)
{
	int r;

	/* Also for a copy of the runtime that is yet to come, with no such
	   back end. */
	ue_keep_armed(key, true);
	if (sj_backend_follows_words())
		return 0;
	r = side_jmp_sync(key);
	if (r) {
		ue_keep_armed(key, false);
		(void)side_jmp_sync(key);
	}
	return r;
}

static void ue_disarm(struct side_jmp_key *key)
{
	sj_word_clear_kernel_bit(key);
	ue_keep_armed(key, false);
	(void)side_jmp_sync(key);
}

/* ---- the description ---------------------------------------------------- */

/* In the payload's fixed part as it is, rather than by __rel_loc? */
static bool ue_fixed(const struct side_jmp_field *f)
{
	if (f->kind == SIDE_JMP_CHARS ||
	    (f->kind == SIDE_JMP_ARRAY && f->elem == SIDE_JMP_BYTE))
		return f->count && f->count <= UE_FIXED_MAX;
	return f->kind < SIDE_JMP_STRING;
}

static const char *ue_elem_name(unsigned elem)
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

static void ue_put_field(struct sj_text *t, const struct side_jmp_field *f,
			 const char *name)
{
	bool text = f->kind == SIDE_JMP_STRING || f->kind == SIDE_JMP_CHARS;
	bool is_struct = f->kind == SIDE_JMP_FLOAT;

	sj_text_string(t, is_struct ? "struct " :
		       ue_fixed(f) ? "" : "__rel_loc ");
	if (text)
		sj_text_string(t, "char");
	else if (ue_fixed(f) && f->kind == SIDE_JMP_ARRAY)
		sj_text_string(t, "unsigned char");
	else
		sj_text_string(t, ue_elem_name(f->elem));
	if (f->kind >= SIDE_JMP_STRING) {
		sj_text_char(t, '[');
		if (ue_fixed(f))
			sj_text_unsigned(t, f->count);
		sj_text_char(t, ']');
	}
	sj_text_char(t, ' ');
	sj_text_string(t, name);
	if (is_struct)
		sj_text_string(t, f->elem == SIDE_JMP_F32 ? " 4" : " 8");
}

/* "provider_name type field; ...".  False: too long for the kernel. */
static bool ue_describe(char out[UE_NAME_ARGS_MAX],
			const struct side_jmp_event_desc *desc)
{
	struct sj_text t = { out, out + UE_NAME_ARGS_MAX - 1, false };
	struct sj_field_at at = sj_fields(desc);
	const char *between = " ";

	sj_text_string(&t, side_jmp_event_provider(desc));
	sj_text_char(&t, '_');
	sj_text_string(&t, side_jmp_event_name(desc));
	for (; sj_next_field(&at); between = "; ") {
		sj_text_string(&t, between);
		ue_put_field(&t, at.field, at.name);
	}
	*t.at = '\0';
	return !t.full;
}

/* ---- registration ------------------------------------------------------- */

static int ue_reg_ioctl(struct side_jmp_event *event, const char *name_args,
			unsigned flags)
{
	struct ue_reg reg = {
		.size = sizeof(reg),
		.enable_bit = (uint8_t)(event->key->width - 1),
		.enable_size = event->key->width / 8,
		.flags = (uint16_t)flags,
		.enable_addr = sj_word_address(event->key),
		.name_args = (uintptr_t)name_args,
	};
	int r = sj_user_events_ops->ioctl(ue.fd, DIAG_IOCSREG, &reg);

	if (!r)
		__atomic_store_n(&event->write_index, reg.write_index,
				 __ATOMIC_RELAXED);
	return r;
}

/* Once, and only to a user who asked for it. */
static void ue_say_persist(void)
{
	ue.say_persist = false;
	sj_say("SIDE_JMP_USER_EVENTS=persist: the kernel does not permit it;"
	       " the events end with the program");
}

/*
 * With the flags; without those that the kernel does not know (EINVAL) or
 * permit (EPERM).
 */
static int ue_reg_flags(struct side_jmp_event *event, const char *name_args,
			unsigned multi)
{
	unsigned persist = ue.flags & SIDE_JMP_USER_EVENTS_PERSIST ?
			   USER_EVENT_REG_PERSIST : 0;
	int r = ue_reg_ioctl(event, name_args, persist | multi);

	if (persist && (r == -EINVAL || r == -EPERM)) {
		r = ue_reg_ioctl(event, name_args, multi);
		if (!r && ue.say_persist)
			ue_say_persist();
	}
	return r;
}

/* Of that name, with other fields, there is one already: EADDRINUSE. */
static int ue_register(struct side_jmp_event *event, const char *name_args)
{
	unsigned state = SJ_USER_EVENT_REGISTERED;
	int r = ue_reg_flags(event, name_args, 0);

	if (r == -EADDRINUSE) {
		state |= SJ_USER_EVENT_MULTI;
		r = ue_reg_flags(event, name_args, USER_EVENT_REG_MULTI_FORMAT);
		if (r == -EINVAL)	/* older than Linux 6.9 */
			r = -EADDRINUSE;
	}
	if (!r)
		/* write_index first, see sj_user_events_write(). */
		__atomic_store_n(&event->state, state, __ATOMIC_SEQ_CST);
	return r;
}

static void ue_refuse(const struct side_jmp_event *event, int error,
		      const char *format)
{
	char name[160];

	ue.refused++;
	snprintf(name, sizeof(name), "%s:%s",
		 side_jmp_event_provider(event->desc),
		 side_jmp_event_name(event->desc));
	ue_note(error, format, name);
}

/*
 * Somebody wants it already: then its sites are armed when this returns, and
 * not some time after (user_events.rst: "Sites").
 */
static void ue_follow(struct side_jmp_event *event)
{
	if (sj_backend_follows_words() && side_jmp_enabled(event->key))
		(void)side_jmp_sync(event->key);
}

static void ue_new_event(struct side_jmp_event *event)
{
	char name_args[UE_NAME_ARGS_MAX];
	int r;

	/* A walk and an object that comes may both have it. */
	if (ue.fd < 0 || ue.stopping || event->state)
		return;
	if (!ue_describe(name_args, event->desc)) {
		ue_refuse(event, -E2BIG, "%s: its fields take more than the 511"
			  " bytes that the kernel reads");
		return;
	}
	r = ue_arm(event->key);
	if (r) {
		ue_refuse(event, r, "%s: its sites could not be armed");
		return;
	}
	r = ue_register(event, name_args);
	if (!r) {
		ue.registered++;
		sj_event_want(event, 1);	/* the kernel enables it by itself */
		ue_follow(event);
		return;
	}
	ue_disarm(event->key);
	ue_refuse(event, r, r == -EADDRINUSE ? "%s: the kernel has an event of"
		  " that name with other fields" : "%s: the kernel refused it");
}

/* Or the kernel would go on writing to memory that others get. */
static void ue_lost_event(struct side_jmp_event *event)
{
	struct ue_unreg unreg = {
		.size = sizeof(unreg),
		.disable_bit = (uint8_t)(event->key->width - 1),
		.disable_addr = sj_word_address(event->key),
	};

	if (!event->state)
		return;
	__atomic_store_n(&event->state, 0, __ATOMIC_SEQ_CST);
	(void)sj_user_events_ops->ioctl(ue.fd, DIAG_IOCSUNREG, &unreg);
	ue_disarm(event->key);
	sj_event_want(event, -1);
	ue.registered--;
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

/* The mount point in a line of /proc/thread-self/mounts, if it is a tracefs. */
static bool ue_tracefs_of(char *line, char **point)
{
	char *save = NULL, *type;

	(void)strtok_r(line, " ", &save);
	*point = strtok_r(NULL, " ", &save);
	type = strtok_r(NULL, " ", &save);
	return type && !strcmp(type, "tracefs");
}

static int ue_open_in(const char *tracefs)
{
	char path[256];
	int n = snprintf(path, sizeof(path), "%s/user_events_data", tracefs);

	return n < 0 || (size_t)n >= sizeof(path) ? -ENAMETOOLONG :
	       sj_user_events_ops->open(path);
}

/* Where a tracefs is mounted that is not at its usual places. */
static int ue_open_elsewhere(void)
{
	FILE *mounts = fopen("/proc/thread-self/mounts", "re");
	char line[1024], *point;
	int r = -ENOENT;

	if (!mounts)
		return -ENOENT;
	while (r < 0 && fgets(line, sizeof(line), mounts))
		if (ue_tracefs_of(line, &point))
			r = ue_open_in(point);
	fclose(mounts);
	return r;
}

static int ue_open_file(void)
{
	static const char *const usual[] = {
		"/sys/kernel/tracing", "/sys/kernel/debug/tracing",
	};
	int r, error = -ENOENT;

	for (unsigned i = 0; i < 2; i++) {
		r = ue_open_in(usual[i]);
		if (r >= 0)
			return r;
		if (r != -ENOENT)
			error = r;
	}
	r = ue_open_elsewhere();
	if (r >= 0)
		return r;
	return r != -ENOENT ? r : error;
}

static void ue_explain(int error)
{
	if (error == -ENOENT)
		ue_note(error, "%s", "there is no user_events_data: the kernel"
			" is older than Linux 6.4 or built without it, or no"
			" tracefs is mounted");
	else if (error == -EACCES || error == -EPERM)
		ue_note(error, "%s", "user_events_data may not be opened by"
			" this user");
	else
		ue_note(error, "%s", "user_events_data could not be opened");
}

static bool ue_still_ours(void)
{
	return sj_file_still(ue.fd, &ue.file);
}

static int ue_start_locked(unsigned flags)
{
	int fd = ue_open_file();

	if (fd < 0) {
		ue_explain(fd);
		return fd;
	}
	if (!sj_file_note(fd, &ue.file)) {
		sj_user_events_ops->close(fd);
		return -EBADF;
	}
	ue.flags = flags;
	ue.refused = 0;
	ue_note(0, "%s", "");
	__atomic_store_n(&ue.fd, fd, __ATOMIC_SEQ_CST);
	return 0;
}

int side_jmp_user_events_start(unsigned flags)
{
	struct sj_slice slice = { 0 };
	int saved = errno, r = 0;

	if (flags & ~(unsigned)SIDE_JMP_USER_EVENTS_PERSIST)
		return -EINVAL;
	sj_slice_enter(&slice);
	if (ue.stopping) {
		r = -EBUSY;
	} else if (ue.fd < 0) {
		r = ue_start_locked(flags);
		if (!r)
			sj_walk_over(&slice, ue_new_event);
	}
	sj_slice_leave(&slice);
	errno = saved;
	return r;
}

/* A write does not take long, and none begins: state is 0 everywhere. */
static void ue_wait(void)
{
	while (__atomic_load_n(&ue_writing, __ATOMIC_SEQ_CST) !=
	       ue_writing_here)
		sched_yield();
}

static void ue_close_file(void)
{
	if (ue_still_ours())
		sj_user_events_ops->close(ue.fd);
	__atomic_store_n(&ue.fd, -1, __ATOMIC_SEQ_CST);
	ue_note(0, "%s", "stopped");
}

int side_jmp_user_events_stop(void)
{
	struct sj_slice slice = { 0 };
	int saved = errno, r = -EINVAL;

	sj_slice_enter(&slice);
	if (ue.fd >= 0 && !ue.stopping) {
		ue.stopping = &ue_writing_here;
		sj_walk_over(&slice, ue_lost_event);
		sj_slice_leave(&slice);
		ue_wait();
		sj_slice_enter(&slice);
		ue_close_file();
		ue.stopping = NULL;
		r = 0;
	}
	sj_slice_leave(&slice);
	errno = saved;
	return r;
}

static void ue_start(void)
{
	const char *s = secure_getenv("SIDE_JMP_USER_EVENTS");

	if (!s || !*s) {
		/* Registered sites cost nothing where the kernel patches. */
		if (sj_backend_follows_words() && !getauxval(AT_SECURE))
			(void)side_jmp_user_events_start(0);
		return;
	}
	if (!strcmp(s, "0"))
		return;
	ue.say_persist = !strcmp(s, "persist");
	if (!ue.say_persist && strcmp(s, "1")) {
		ue_note(-EINVAL, "%s", "SIDE_JMP_USER_EVENTS is not one of 0,"
			" 1, persist");
		sj_say("SIDE_JMP_USER_EVENTS: \"%.80s\" is not one of 0, 1,"
		       " persist; ignored", s);
		return;
	}
	(void)side_jmp_user_events_start(ue.say_persist ?
					 SIDE_JMP_USER_EVENTS_PERSIST : 0);
	if (ue.fd < 0)
		sj_say("SIDE_JMP_USER_EVENTS=%s: %s", s, ue.reason);
}

/* ---- fork --------------------------------------------------------------- */

/*
 * A child inherits registrations only from a thread that had them, that is,
 * not if it was forked by one that is older.  Register again; EADDRINUSE says
 * that it did.
 */
static void ue_reregister(struct side_jmp_event *event)
{
	char name_args[UE_NAME_ARGS_MAX];
	unsigned multi = event->state & SJ_USER_EVENT_MULTI ?
			 USER_EVENT_REG_MULTI_FORMAT : 0;
	int r;

	if (!event->state)
		return;
	(void)ue_describe(name_args, event->desc);
	r = ue_reg_flags(event, name_args, multi);
	if (!r || r == -EADDRINUSE) {
		ue_follow(event);
		return;
	}
	__atomic_store_n(&event->state, 0, __ATOMIC_SEQ_CST);
	ue_disarm(event->key);
	sj_event_want(event, -1);
	ue.registered--;
	ue_refuse(event, r, "%s: the kernel refused it after fork()");
}

static void ue_after_fork(void)
{
	struct side_jmp_event_object *o;
	struct side_jmp_event *event;

	__atomic_store_n(&ue_writing, ue_writing_here, __ATOMIC_SEQ_CST);
	/* What a thread that is gone had not yet stopped goes on. */
	if (ue.stopping != &ue_writing_here)
		ue.stopping = NULL;
	if (ue.fd < 0 || !ue_still_ours())
		return;
	sj_for_each_event(o, event)
		ue_reregister(event);
}

static void ue_info(struct side_jmp_event_info *info)
{
	info->user_events = ue.registered;
	info->user_events_refused = ue.refused;
	info->user_events_lost = __atomic_load_n(&ue_lost, __ATOMIC_RELAXED);
	info->user_events_error = ue.error;
	memcpy(info->user_events_reason, ue.fd < 0 && !ue.reason[0] ?
	       "not asked for" : ue.reason,
	       ue.fd < 0 && !ue.reason[0] ? 14 :
	       sizeof(ue.reason));
}

const struct sj_sink sj_user_events_sink = {
	.start = ue_start,
	.new_events = ue_new_events,
	.lost_events = ue_lost_events,
	.after_fork = ue_after_fork,
	.info = ue_info,
};

/* ---- a payload ---------------------------------------------------------- */

enum { UE_FIELDS = 16, UE_LOC_MAX = 0xffff };

static const char ue_zeros[UE_FIXED_MAX];

/*
 * One writev: the index, the fixed part, then what the __rel_locs name.  Small
 * things are copied into `bytes`, long ones are taken from where they are.
 */
struct ue_payload {
	struct iovec iov[1 + 4 * UE_FIELDS];
	int n;
	char bytes[8 * UE_FIELDS];
	char *at;
	size_t size;			/* without the index */
};

static void ue_put_reference(struct ue_payload *p, const void *data, size_t n)
{
	if (!n)
		return;
	p->iov[p->n].iov_base = (void *)(uintptr_t)data;
	p->iov[p->n++].iov_len = n;
	p->size += n;
}

static void ue_put_copy(struct ue_payload *p, const void *data, size_t n)
{
	struct iovec *last = &p->iov[p->n - 1];

	memcpy(p->at, data, n);
	if ((char *)last->iov_base + last->iov_len == p->at) {
		last->iov_len += n;
		p->size += n;
	} else {
		ue_put_reference(p, p->at, n);
	}
	p->at += n;
}

static void ue_put_low(struct ue_payload *p, uint64_t v, unsigned elem)
{
	uint8_t x8 = (uint8_t)v;
	uint16_t x16 = (uint16_t)v;
	uint32_t x32 = (uint32_t)v;

	switch (sj_elem_size(elem)) {
	case 1: ue_put_copy(p, &x8, 1); break;
	case 2: ue_put_copy(p, &x16, 2); break;
	case 4: ue_put_copy(p, &x32, 4); break;
	default: ue_put_copy(p, &v, 8);
	}
}

static void ue_put_fixed(struct ue_payload *p, const struct side_jmp_field *f,
			 const struct side_jmp_value *v)
{
	float narrow = f->kind == SIDE_JMP_FLOAT ? (float)v->f64 : 0;
	size_t n;

	switch (f->kind) {
	case SIDE_JMP_FLOAT:
		if (f->elem == SIDE_JMP_F32)
			ue_put_copy(p, &narrow, sizeof(narrow));
		else
			ue_put_copy(p, &v->f64, sizeof(v->f64));
		break;
	case SIDE_JMP_CHARS:
		n = sj_chars_length(f, v);
		ue_put_reference(p, v->data, n);
		ue_put_reference(p, ue_zeros, f->count - n);
		break;
	case SIDE_JMP_ARRAY:
		ue_put_reference(p, v->data, v->count);
		break;
	default:
		ue_put_low(p, v->u64, f->elem);
	}
}

static size_t ue_dynamic_size(const struct side_jmp_field *f,
			      const struct side_jmp_value *v)
{
	if (f->kind == SIDE_JMP_STRING)
		return v->count + 1;
	if (f->kind == SIDE_JMP_CHARS)
		return sj_chars_length(f, v) + 1;
	return v->count * sj_elem_size(f->elem);
}

/* What follows a __rel_loc's end by `offset` and is `size` long. */
static bool ue_set_loc(char *loc, size_t offset, size_t size)
{
	uint32_t v = (uint32_t)(size << 16 | offset);

	if (offset > UE_LOC_MAX || size > UE_LOC_MAX)
		return false;
	memcpy(loc, &v, sizeof(v));
	return true;
}

static bool ue_put_dynamic(struct ue_payload *p, const struct side_jmp_field *f,
			   const struct side_jmp_value *v, char *loc,
			   size_t end)
{
	bool text = f->kind != SIDE_JMP_ARRAY && f->kind != SIDE_JMP_SEQ;
	size_t size = ue_dynamic_size(f, v);

	if (!ue_set_loc(loc, p->size - end, size))
		return false;
	ue_put_reference(p, v->data, size - text);
	ue_put_reference(p, ue_zeros, text);
	return true;
}

static bool ue_fill(struct ue_payload *p,
		    const struct side_jmp_event_desc *desc,
		    const struct side_jmp_value values[])
{
	const struct side_jmp_field *f = side_jmp_event_fields(desc);
	unsigned n = desc->n_fields;
	char *locs[UE_FIELDS];
	size_t ends[UE_FIELDS];
	bool fits = true;

	for (unsigned i = 0; i < n; i++) {
		locs[i] = p->at;
		if (ue_fixed(&f[i]))
			ue_put_fixed(p, &f[i], &values[i]);
		else
			ue_put_low(p, 0, SIDE_JMP_U32);
		ends[i] = p->size;
	}
	for (unsigned i = 0; i < n && fits; i++)
		if (!ue_fixed(&f[i]))
			fits = ue_put_dynamic(p, &f[i], &values[i], locs[i],
					      ends[i]);
	return fits;
}

/* EBADF: the last who wanted it is gone; the bit will follow. */
static void ue_write_payload(const struct side_jmp_event *event,
			     const struct side_jmp_value values[])
{
	uint32_t index = __atomic_load_n(&event->write_index, __ATOMIC_RELAXED);
	struct ue_payload p;
	long r = -E2BIG;

	p.iov[0].iov_base = &index;
	p.iov[0].iov_len = sizeof(index);
	p.n = 1;
	p.at = p.bytes;
	p.size = 0;
	if (event->desc->n_fields <= UE_FIELDS &&
	    ue_fill(&p, event->desc, values))
		r = ue_still_ours() ? sj_user_events_ops->writev(ue.fd, p.iov,
								 p.n) : -EIO;
	if (r < 0 && r != -EBADF)
		__atomic_fetch_add(&ue_lost, 1, __ATOMIC_RELAXED);
}

void sj_user_events_write(const struct side_jmp_event *event,
			  const struct side_jmp_value values[])
{
	__atomic_fetch_add(&ue_writing, 1, __ATOMIC_SEQ_CST);
	ue_writing_here++;
	if (__atomic_load_n(&event->state, __ATOMIC_SEQ_CST))
		ue_write_payload(event, values);
	ue_writing_here--;
	__atomic_fetch_sub(&ue_writing, 1, __ATOMIC_RELEASE);
}
