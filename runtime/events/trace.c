/* SPDX-License-Identifier: MIT */
/*
 * The built-in tracer: which events (a tracer like any other), where to (a
 * struct sj_output: lines of text, or CTF).  Says what is wrong with a variable
 * on stderr, where the user looks who set it, and goes on.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "arch/general.h"
SJ_GENERAL_BEGIN
#include "runtime/events/context.h"
#include "runtime/events/ctf.h"
#include "runtime/events/events.h"
#include "runtime/events/sink.h"
SJ_GENERAL_END

#define TRACE_SIZE_DEFAULT	(UINT64_C(64) << 20)

static const struct sj_output *const trace_outputs[] = {
	&sj_text_output, &sj_ctf_output,
};

enum { TRACE_OUTPUTS = sizeof(trace_outputs) / sizeof(trace_outputs[0]) };

/*
 * Which thread starts or stops, as sj_thread(); 0: none.
 * The outermost lock of this room.  Signals come while it is held, for starting
 * takes as long as there are events: a handler that struck the thread which has
 * it is refused.
 */
static uintptr_t trace_owner SJ_WRITTEN_BY_FORK;		/* atomic: acquire, release */

/* trace_owner's; the callback reads what does not change while it may run. */
static struct {
	struct side_jmp_tracer *tracer;
	const struct sj_output *output;	/* NULL: closed */
	char name[SJ_OUTPUT_NAME];	/* where it says that it is */
	char wanted[SJ_OUTPUT_NAME];	/* as it was asked for; "": stderr */
	char mode[16];			/* "": none */
	bool mode_said;			/* by the variable */
	struct sj_output_options options;
	uintptr_t stopping;		/* a thread, as above */
	unsigned asked;			/* patterns of SIDE_JMP_ENABLE */
	pid_t asked_of;			/* by the user, of this process */
} trace = { .options = { .size = TRACE_SIZE_DEFAULT } };

static uint64_t trace_lost;			/* atomic */
static uint64_t trace_left_out;			/* atomic; by filters */

struct trace_write {
	const struct side_jmp_event *event;
	const struct side_jmp_value *values;
	bool done;
};

static void trace_write(void *arg)
{
	struct trace_write *w = arg;
	int saved = errno;

	w->done = trace.output->write(w->event, w->values, NULL);
	errno = saved;
}
SJ_GENERAL_BEGIN

static void trace_count_lost(void)
{
	__atomic_fetch_add(&trace_lost, 1, __ATOMIC_RELAXED);
}

static void trace_callback(const struct side_jmp_event *event,
			   const struct side_jmp_value values[], void *data)
{
	struct trace_write w = { event, values, false };

	(void)data;
	if (trace.output->general)
		w.done = trace.output->write(event, values, NULL);
	else
		sj_keep_vectors(trace_write, &w);
	if (!w.done)
		trace_count_lost();
}
SJ_GENERAL_END

static void trace_write_context(void *arg)
{
	struct trace_write *w = arg;
	struct sj_context context;
	const struct sj_origin here = { 0, sj_pid(), sj_tid(), &context };
	int saved = errno;
	unsigned skip;
	const void *frame = sj_tracer_frame(&skip);

	sj_context_take(&context, trace.options.context, frame, skip);
	w->done = trace.output->write(w->event, w->values, &here);
	errno = saved;
}
SJ_GENERAL_BEGIN

/* So where nobody has asked for context, nothing asks whether somebody has. */
static void trace_callback_context(const struct side_jmp_event *event,
				   const struct side_jmp_value values[],
				   void *data)
{
	struct trace_write w = { event, values, false };

	(void)data;
	sj_keep_vectors(trace_write_context, &w);
	if (!w.done)
		trace_count_lost();
}
SJ_GENERAL_END

/* ---- output ------------------------------------------------------------- */

static bool trace_is_directory(const char *name)
{
	size_t length = strlen(name);

	return length && name[length - 1] == '/';
}

static void trace_set_mode(const struct sj_output *output)
{
	if (!output->mode(trace.mode) && trace.mode[0] && trace.mode_said)
		sj_say("SIDE_JMP_OUTPUT_MODE: \"%s\" is no mode of %s; ignored",
		       trace.mode, output == &sj_text_output ? "lines of text" :
		       "a CTF trace");
}

static int trace_open(const char *name)
{
	bool directory = name && trace_is_directory(name);
	const struct sj_output *output = directory ? &sj_ctf_output :
						     &sj_text_output;
	int r = 0;

	if (name && strlen(name) >= sizeof(trace.name))
		return -ENAMETOOLONG;
	trace_set_mode(output);
	if (directory)
		r = sj_file_make_folders(name);
	if (!r)
		r = output->open(name, &trace.options, trace.name);
	if (r) {
		trace.name[0] = '\0';
		return r;
	}
	trace.output = output;
	strcpy(trace.wanted, name ? name : "");
	return 0;
}

static void trace_say_left_out(void)
{
	uint64_t n = __atomic_exchange_n(&trace_left_out, 0, __ATOMIC_RELAXED);

	if (n && trace.output->left_out)
		trace.output->left_out(n);
}

static void trace_close(void)
{
	trace_say_left_out();
	trace.output->close();
	trace.output = NULL;
	trace.name[0] = '\0';
	__atomic_store_n(&trace_lost, 0, __ATOMIC_RELAXED);
}

/* NULL: whatever it is. */
static bool trace_same(const char *name)
{
	return !name || !strcmp(trace.wanted, name);
}

/*
 * What SIDE_JMP_ENABLE asked for in vain.  Of the process that the user
 * started: its children have the same to say.
 */
static void trace_say_unmatched(void)
{
	struct sj_pattern pattern;
	uint64_t refused;

	if (!trace.tracer || trace.asked_of != getpid())
		return;
	for (unsigned i = 0; i < trace.asked; i++)
		if (sj_tracer_unmatched(trace.tracer, i, &pattern))
			sj_say("SIDE_JMP_ENABLE: \"%.100s\" matched no event of"
			       " %.80s%s%s", pattern.text,
			       program_invocation_short_name,
			       *pattern.why ? ": one " : "", pattern.why);
	refused = sj_tracer_refused(trace.tracer);
	if (refused)
		sj_say("SIDE_JMP_ENABLE: %llu events could not be enabled",
		       (unsigned long long)refused);
}

/* Whatever else an exiting program does, what was lost is said. */
__attribute__((destructor))
static void trace_at_exit(void)
{
	trace_say_unmatched();
	if (trace.output)
		trace_say_left_out();
	if (trace.output && trace.output->exit)
		trace.output->exit();
}

/* ---- start and stop ----------------------------------------------------- */

static int trace_start(const char *patterns, const char *output,
		       const char *variable, char why[SJ_TRACER_WHY])
{
	const struct sj_tracer_call call = {
		trace.options.context ? trace_callback_context : trace_callback,
		NULL, true, variable, &trace_left_out,
	};
	bool opened = !trace.output;
	int r = 0;

	*why = '\0';
	if (trace.stopping)
		return -EBUSY;
	if (opened)
		r = trace_open(output);
	else if (!trace_same(output))
		r = -EBUSY;
	if (r)
		return r;
	r = sj_tracer_add(&trace.tracer, patterns, &call, why);
	if (r && opened)
		trace_close();
	return r;
}

/* False: this thread has it. */
static bool trace_take(void)
{
	uintptr_t seen = 0;

	while (!__atomic_compare_exchange_n(&trace_owner, &seen, sj_thread(),
					    false, __ATOMIC_ACQUIRE,
					    __ATOMIC_RELAXED)) {
		if (seen == sj_thread())
			return false;
		seen = 0;
		sj_pause(100000);
	}
	return true;
}

static void trace_let_go(void)
{
	__atomic_store_n(&trace_owner, 0, __ATOMIC_RELEASE);
}

/* A handler forks that struck the owner: it goes on owning it. */
static bool trace_had;			/* trace_owner's */

static void trace_fork_prepare(void)
{
	bool took = trace_take();

	trace_had = !took;
}

static void trace_fork_parent(void)
{
	if (!trace_had)
		trace_let_go();
}

/* The parent has counted what the parent lost, and left out. */
static void trace_fork_child(void)
{
	/* The next stop ends what is left of the tracer, and closes the output. */
	if (trace.stopping && trace.stopping != sj_thread())
		trace.stopping = 0;
	__atomic_store_n(&trace_lost, 0, __ATOMIC_RELAXED);
	__atomic_store_n(&trace_left_out, 0, __ATOMIC_RELAXED);
	if (trace.output && trace.output->after_fork)
		trace.output->after_fork();
}

/* While it forks, this thread owns it already. */
static int trace_enter(void)
{
	static const struct sj_fork_hooks hooks = {
		trace_fork_prepare, trace_fork_parent, trace_fork_child,
	};
	int r = sj_fork_add(SJ_FORK_TRACE, &hooks);

	if (r)
		return r;
	return sj_fork_holds() || trace_take() ? 0 : -EDEADLK;
}

static void trace_leave(void)
{
	if (!sj_fork_holds())
		trace_let_go();
}

static int trace_begin(const char *patterns, const char *output,
		       const char *variable, char why[SJ_TRACER_WHY])
{
	int saved = errno, r = trace_enter();

	if (r)
		return r;
	r = trace_start(patterns, output, variable, why);
	trace_leave();
	errno = saved;
	return r;
}

int side_jmp_trace_start(const char *patterns, const char *output)
{
	char why[SJ_TRACER_WHY];

	return patterns && !(output && !*output) ?
	       trace_begin(patterns, output, NULL, why) : -EINVAL;
}

static int trace_stop_begin(void)
{
	int r = trace_enter();

	if (r)
		return r;
	if (!trace.output)
		r = -EINVAL;
	else if (trace.stopping)
		r = -EBUSY;
	else
		trace.stopping = sj_thread();
	trace_leave();
	return r;
}

static void trace_stop_end(int r)
{
	(void)trace_enter();
	trace.stopping = 0;
	if (!r)
		trace_close();
	trace_leave();
}

/*
 * Waits for callbacks that run, and one may be struck by a handler that forks:
 * so nothing that fork() takes is held meanwhile.
 */
int side_jmp_trace_stop(void)
{
	int saved = errno;
	int r = trace_stop_begin();

	if (r)
		return r;
	if (trace.tracer)	/* or there is nothing but the output */
		r = sj_tracer_remove(&trace.tracer);
	trace_stop_end(r);
	errno = saved;
	return r;
}

/* ---- snapshots ---------------------------------------------------------- */

static int trace_where(char path[PATH_MAX])
{
	int r = trace_enter();

	if (r)
		return r;
	if (!trace.output)
		r = -EINVAL;
	else if (!trace.output->trace)
		r = -EOPNOTSUPP;
	else
		strcpy(path, trace.output->trace());
	trace_leave();
	return r;
}

static int trace_copy(const char *path, const char *directory)
{
	int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC), r;

	if (fd < 0)
		return -errno;
	r = sj_ctf_snapshot(fd, directory);
	close(fd);
	return r;
}

/* Without the lock: it takes its time, and needs nothing but the files. */
int side_jmp_trace_snapshot(const char *directory)
{
	int saved = errno, r;
	char path[PATH_MAX];

	if (!directory || !*directory)
		return -EINVAL;
	r = trace_where(path);
	if (r)
		return r;
	r = trace_copy(path, directory);
	errno = saved;
	return r;
}

/* ---- options ------------------------------------------------------------ */

/* Digits; where they end, or NULL: there are none, or too many. */
static const char *trace_digits(const char *s, uint64_t *n)
{
	if (*s < '0' || *s > '9')
		return NULL;
	for (*n = 0; *s >= '0' && *s <= '9'; s++) {
		if (*n > UINT64_MAX >> 34)
			return NULL;
		*n = 10 * *n + (uint64_t)(*s - '0');
	}
	return s;
}

/* Digits, then k, M or G. */
static bool trace_set_size(const char *s)
{
	static const char units[] = "kMG";
	const char *end, *unit;
	uint64_t n;

	if (!*s) {
		trace.options.size = TRACE_SIZE_DEFAULT;
		return true;
	}
	end = trace_digits(s, &n);
	if (!end || !n)
		return false;
	unit = *end ? strchr(units, *end) : NULL;
	if (*end && (!unit || end[1]))
		return false;
	trace.options.size = unit ? n << 10 * (unit - units + 1) : n;
	return true;
}

static bool trace_set_pieces(const char *s)
{
	const char *end;
	uint64_t n = 0;

	end = *s ? trace_digits(s, &n) : s;
	if (!end || *end || n > SJ_OUTPUT_PIECES || (*s && n < 2))
		return false;
	trace.options.pieces = (unsigned)n;
	return true;
}

/* Digits, then s, m, h or d; of at most a hundred years. */
static bool trace_set_period(const char *s)
{
	static const struct { char unit; uint32_t seconds; } units[] = {
		{ '\0', 1 }, { 's', 1 }, { 'm', 60 }, { 'h', 3600 },
		{ 'd', 86400 },
	};
	uint64_t n = 0, most = UINT64_C(36525) * 86400;
	const char *end = *s ? trace_digits(s, &n) : s;

	if (!end || (*s && !n))
		return false;
	for (unsigned i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (*end == units[i].unit && (!*end || !end[1]) &&
		    n <= most / units[i].seconds) {
			trace.options.period = n * units[i].seconds * 1000000000;
			return true;
		}
	return false;
}

static bool trace_set_context(const char *s)
{
	return sj_context_parse(s, &trace.options.context);
}

/* Which modes there are, an output says when it is opened. */
static bool trace_set_mode_name(const char *s)
{
	if (strlen(s) >= sizeof(trace.mode))
		return false;
	strcpy(trace.mode, s);
	trace.mode_said = false;
	return true;
}

/* "" is the default. */
static const struct trace_option {
	const char *name, *variable, *not;
	bool (*set)(const char *value);
} trace_options[] = {
	{ "mode", "SIDE_JMP_OUTPUT_MODE", "is no mode", trace_set_mode_name },
	{ "size", "SIDE_JMP_OUTPUT_SIZE", "is not a size", trace_set_size },
	{ "pieces", "SIDE_JMP_OUTPUT_PIECES", "is not a number from 2 to 64",
	  trace_set_pieces },
	{ "period", "SIDE_JMP_OUTPUT_PERIOD", "is not a time", trace_set_period },
	{ "context", "SIDE_JMP_CONTEXT",
	  "is not a list of cpu, comm, thread_time and stack", trace_set_context },
};

enum { TRACE_OPTIONS = sizeof(trace_options) / sizeof(trace_options[0]) };

static bool trace_has_mode(const char *mode)
{
	for (unsigned i = 0; i < TRACE_OUTPUTS; i++)
		if (trace_outputs[i]->mode(mode))
			return true;
	return !*mode;
}

static int trace_set_option(const char *name, const char *value)
{
	if (trace.output)
		return -EBUSY;
	for (const struct trace_option *o = trace_options;
	     o < trace_options + TRACE_OPTIONS; o++)
		if (!strcmp(o->name, name))
			return (o->set != trace_set_mode_name ||
				trace_has_mode(value)) && o->set(value) ?
			       0 : -EINVAL;
	return -ENOENT;
}

int side_jmp_trace_option(const char *name, const char *value)
{
	int r;

	if (!name || !value)
		return -EINVAL;
	r = trace_enter();
	if (r)
		return r;
	r = trace_set_option(name, value);
	trace_leave();
	return r;
}

/* ---- environment -------------------------------------------------------- */

static void trace_read_options(void)
{
	for (unsigned i = 0; i < TRACE_OPTIONS; i++) {
		const struct trace_option *o = &trace_options[i];
		const char *s = secure_getenv(o->variable);

		if (s && !o->set(s))
			sj_say("%s: \"%.80s\" %s; ignored", o->variable, s,
			       o->not);
	}
	trace.mode_said = true;
	if (trace.options.period && !trace.options.pieces)
		sj_say("SIDE_JMP_OUTPUT_PERIOD: there are no"
		       " SIDE_JMP_OUTPUT_PIECES; ignored");
}

/* False: there is no output, and no more to be said. */
static bool trace_start_pattern(const struct sj_pattern *pattern,
				const char *output)
{
	char why[SJ_TRACER_WHY] = "";
	int r = trace_begin(pattern->text, output, "SIDE_JMP_ENABLE", why);

	if (!r)
		trace.asked++;
	else if (*why)
		sj_say("SIDE_JMP_ENABLE: %s; ignored", why);
	else
		sj_say("%s%.160s: cannot trace %.160s: %s",
		       output ? "SIDE_JMP_OUTPUT=" : "SIDE_JMP_ENABLE",
		       output ? output : "", pattern->text, strerror(-r));
	return !r || *why || trace.output;
}

/* Each pattern by itself, so that a bad one spoils no other. */
static void trace_start_patterns(const char *list, const char *output)
{
	struct sj_pattern pattern;
	int r;

	while ((r = sj_pattern_next(&list, &pattern)) != 0)
		if (r < 0)
			sj_say("SIDE_JMP_ENABLE: \"%.100s\" %s; ignored",
			       pattern.text, pattern.why);
		else if (!trace_start_pattern(&pattern, output))
			return;
}

static void trace_start_from_environment(void)
{
	const char *list = secure_getenv("SIDE_JMP_ENABLE");
	const char *output = secure_getenv("SIDE_JMP_OUTPUT");
	int saved = errno;

	trace_read_options();
	trace.asked_of = getpid();
	if (list)
		trace_start_patterns(list, output && *output ? output : NULL);
	errno = saved;
}

/* ---- others ------------------------------------------------------------- */

static void trace_new_events(struct side_jmp_event *first,
			     const struct side_jmp_event *end)
{
	for (; first < end; first++)
		for (unsigned i = 0; i < TRACE_OUTPUTS; i++)
			if (trace_outputs[i]->new_event)
				trace_outputs[i]->new_event(first);
}

static void trace_info(struct side_jmp_event_info *info)
{
	const struct sj_output *output = trace.output;

	info->lost = __atomic_load_n(&trace_lost, __ATOMIC_RELAXED);
	if (output && output->lost)
		info->lost += output->lost();
	memcpy(info->output, trace.name, sizeof(info->output));
}

const struct sj_sink sj_trace_sink = {
	.start = trace_start_from_environment,
	.new_events = trace_new_events,
	.info = trace_info,
};
