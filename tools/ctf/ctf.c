/* SPDX-License-Identifier: MIT */
/*
 * See ctf.h.  A graph of babeltrace2's: a source for each trace, its muxer,
 * which puts them in order, and a sink, which is ours.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "tools/ctf/ctf.h"
#include "tools/memory.h"
#include "tools/side-jmp.h"

/* ---- which traces ------------------------------------------------------- */

static struct {
	char **path;
	size_t n, room;
} folders;				/* for nftw(3), which takes no argument */

static int add_folder(const char *path, const struct stat *st, int type,
		      struct FTW *at)
{
	(void)st;
	if (type != FTW_F || strcmp(path + at->base, "metadata"))
		return 0;
	folders.path = tool_grow(folders.path, &folders.room, folders.n + 1,
				 sizeof(*folders.path));
	folders.path[folders.n] = tool_strdup(path);
	folders.path[folders.n++][at->base ? at->base - 1 : 0] = '\0';
	return 0;
}

/* The folder that a file is in, or would be. */
static bool folder_of(const char *file, struct stat *st)
{
	char *path = realpath(file, NULL), *slash;
	int r;

	if (!path)
		path = tool_strdup(file);
	slash = strrchr(path, '/');
	if (slash)
		slash[slash == path] = '\0';
	r = stat(slash ? path : ".", st);
	free(path);
	return !r;
}

/* Readers take every file in a trace's folder for a part of it. */
static bool is_in_trace(const char *output)
{
	struct stat of, st;

	if (!output || !folder_of(output, &of))
		return false;
	for (size_t i = 0; i < folders.n; i++)
		if (!stat(folders.path[i], &st) && st.st_dev == of.st_dev &&
		    st.st_ino == of.st_ino)
			return true;
	return false;
}

int ctf_find(const char *path, const char *output)
{
	if (nftw(path, add_folder, 32, 0))
		return tool_error(path, "%s", strerror(errno));
	if (!folders.n)
		return tool_error(path, "no trace: expected a folder with a file"
				  " metadata in it or below");
	if (is_in_trace(output))
		return tool_error(output, "would be in the trace itself; expected"
				  " a file in another folder");
	return EXIT_OK;
}

/* ---- names -------------------------------------------------------------- */

struct name {
	struct name *next;
	char text[];
};

static const char *intern(const char *s, size_t n)
{
	static struct name *names;
	struct name *p = names;

	while (p && (strncmp(p->text, s, n) || p->text[n]))
		p = p->next;
	if (!p) {
		p = tool_alloc(1, sizeof(*p) + n + 1);
		memcpy(p->text, s, n);
		p->next = names;
		names = p;
	}
	return p->text;
}

/* ---- what we are told --------------------------------------------------- */

struct known {
	const bt_event_class *class;	/* we have a reference */
	struct ctf_class is;
};

struct reader {
	void (*visit)(const struct ctf_event *event, void *arg);
	void *arg;
	struct ctf_seen *seen;
	struct known *known;
	size_t n_known, room;
	bt_message_iterator *messages;
	uint64_t from;			/* ns; what is earlier is not wanted */
	bool failed;
};

static enum ctf_is what(const char *uri)
{
	return !uri ? CTF_EVENT :
	       !strcmp(uri, "side_jmp:span_begin") ? CTF_SPAN_BEGIN :
	       !strcmp(uri, "side_jmp:span_end") ? CTF_SPAN_END :
	       !strcmp(uri, "side_jmp:counter") ? CTF_COUNTER : CTF_EVENT;
}

static const struct ctf_class *class_of(struct reader *r, const bt_event_class *class)
{
	const char *name, *colon, *uri;
	struct known *k;
	size_t n;

	for (size_t i = 0; i < r->n_known; i++)
		if (r->known[i].class == class)
			return &r->known[i].is;
	r->known = tool_grow(r->known, &r->room, r->n_known + 1, sizeof(*k));
	k = &r->known[r->n_known++];
	bt_event_class_get_ref(class);
	k->class = class;
	name = bt_event_class_get_name(class);
	name = name ? name : "(no name)";
	uri = bt_event_class_get_emf_uri(class);
	k->is.is = !strcmp(name, "side_jmp:left_out") ? CTF_LEFT_OUT : what(uri);
	n = strlen(name);
	if (k->is.is == CTF_SPAN_BEGIN && n > 6 && !strcmp(name + n - 6, "_begin"))
		n -= 6;
	if (k->is.is == CTF_SPAN_END && n > 4 && !strcmp(name + n - 4, "_end"))
		n -= 4;
	colon = memchr(name, ':', n);
	k->is.name = intern(name, n);
	k->is.provider = intern(name, colon ? (size_t)(colon - name) : 0);
	return &k->is;
}

const bt_field *ctf_member(const bt_field *structure, const char *name)
{
	return structure ? bt_field_structure_borrow_member_field_by_name_const(
				   structure, name) : NULL;
}

bool ctf_number(const bt_field *field, double *value)
{
	bt_field_class_type type = field ? bt_field_get_class_type(field) :
					   BT_FIELD_CLASS_TYPE_STRING;

	if (bt_field_class_type_is(type, BT_FIELD_CLASS_TYPE_UNSIGNED_INTEGER))
		*value = (double)bt_field_integer_unsigned_get_value(field);
	else if (bt_field_class_type_is(type, BT_FIELD_CLASS_TYPE_SIGNED_INTEGER))
		*value = (double)bt_field_integer_signed_get_value(field);
	else if (type == BT_FIELD_CLASS_TYPE_SINGLE_PRECISION_REAL)
		*value = (double)bt_field_real_single_precision_get_value(field);
	else if (type == BT_FIELD_CLASS_TYPE_DOUBLE_PRECISION_REAL)
		*value = bt_field_real_double_precision_get_value(field);
	else
		return false;
	return true;
}

/* An integer, exactly; 0: there is none. */
static uint64_t integer(const bt_field *structure, const char *name)
{
	const bt_field *field = ctf_member(structure, name);
	bt_field_class_type type = field ? bt_field_get_class_type(field) :
					   BT_FIELD_CLASS_TYPE_STRING;

	if (bt_field_class_type_is(type, BT_FIELD_CLASS_TYPE_UNSIGNED_INTEGER))
		return bt_field_integer_unsigned_get_value(field);
	if (bt_field_class_type_is(type, BT_FIELD_CLASS_TYPE_SIGNED_INTEGER))
		return (uint64_t)bt_field_integer_signed_get_value(field);
	return 0;
}

static const char *program_of(const bt_stream *stream)
{
	const bt_value *name =
		bt_trace_borrow_environment_entry_value_by_name_const(
			bt_stream_borrow_trace_const(stream), "procname");

	return name && bt_value_is_string(name) ? bt_value_string_get(name) : "";
}

static uint64_t time_of(const bt_clock_snapshot *snapshot)
{
	int64_t ns = 0;

	if (bt_clock_snapshot_get_ns_from_origin(snapshot, &ns))
		return 0;
	return ns < 0 ? 0 : (uint64_t)ns;
}

/* The last event's time: nothing else is looked at. */
static void visit_time(const struct ctf_event *event, void *last)
{
	if (event->time > *(uint64_t *)last)
		*(uint64_t *)last = event->time;
}

static bool is_span(const struct ctf_event *e)
{
	return e->class->is == CTF_SPAN_BEGIN || e->class->is == CTF_SPAN_END;
}

static void visit_event(struct reader *r, const bt_message *message)
{
	const bt_event *event = bt_message_event_borrow_event_const(message);
	const bt_event_class *class = bt_event_borrow_class_const(event);
	const bt_stream *stream = bt_event_borrow_stream_const(event);
	const bt_field *context = bt_event_borrow_common_context_field_const(event);
	struct ctf_event e = {
		.class = class_of(r, class),
		.pid = (int64_t)integer(context, "vpid"),
		.tid = (int64_t)integer(context, "vtid"),
		.program = program_of(stream),
		.fields = bt_event_borrow_payload_field_const(event),
		.context = context,
	};

	if (bt_stream_class_borrow_default_clock_class_const(
			bt_event_class_borrow_stream_class_const(class)))
		e.time = time_of(bt_message_event_borrow_default_clock_snapshot_const(
					message));
	e.earlier = e.time < r->from;
	if (e.earlier && !is_span(&e))
		return;
	if (is_span(&e))
		e.span = integer(e.fields, "span");
	if (e.class->is == CTF_COUNTER)
		e.value = ctf_member(e.fields, "value");
	if (e.class->is == CTF_LEFT_OUT) {
		r->seen->left_out += integer(e.fields, "count");
		return;
	}
	r->seen->events += !e.earlier;
	r->visit(&e, r->arg);
}

/* Those of which the trace says that they were all lost before. */
static bool is_earlier(const struct reader *r, const bt_message *message)
{
	const bt_stream_class *class = bt_stream_borrow_class_const(
		bt_message_discarded_events_borrow_stream_const(message));

	return r->from &&
	       bt_stream_class_discarded_events_have_default_clock_snapshots(class) &&
	       time_of(bt_message_discarded_events_borrow_end_default_clock_snapshot_const(
			message)) < r->from;
}

static void count_lost(struct reader *r, const bt_message *message)
{
	uint64_t n = 1;

	if (is_earlier(r, message))
		return;
	if (bt_message_discarded_events_get_count(message, &n) !=
	    BT_PROPERTY_AVAILABILITY_AVAILABLE)
		n = 1;
	r->seen->lost += n;
}

/* ---- the sink ----------------------------------------------------------- */

static bt_graph_simple_sink_component_initialize_func_status
sink_begin(bt_message_iterator *messages, void *data)
{
	((struct reader *)data)->messages = messages;
	return BT_GRAPH_SIMPLE_SINK_COMPONENT_INITIALIZE_FUNC_STATUS_OK;
}

static bt_graph_simple_sink_component_consume_func_status
sink_consume(bt_message_iterator *messages, void *data)
{
	struct reader *r = data;
	bt_message_array_const list;
	bt_message_iterator_next_status status;
	uint64_t n;

	status = bt_message_iterator_next(messages, &list, &n);
	if (status != BT_MESSAGE_ITERATOR_NEXT_STATUS_OK)
		return (bt_graph_simple_sink_component_consume_func_status)status;
	for (uint64_t i = 0; i < n; i++) {
		bt_message_type type = bt_message_get_type(list[i]);

		if (type == BT_MESSAGE_TYPE_EVENT)
			visit_event(r, list[i]);
		else if (type == BT_MESSAGE_TYPE_DISCARDED_EVENTS)
			count_lost(r, list[i]);
		bt_message_put_ref(list[i]);
	}
	return BT_GRAPH_SIMPLE_SINK_COMPONENT_CONSUME_FUNC_STATUS_OK;
}

/* ---- the graph ---------------------------------------------------------- */

/* The first cause that babeltrace2 gives, which is the deepest. */
static int failed(const char *path, const char *at)
{
	const bt_error *error = bt_current_thread_take_error();
	const char *cause = error && bt_error_get_cause_count(error) ?
		bt_error_cause_get_message(
			bt_error_borrow_cause_by_index(error, 0)) : at;

	tool_error(path, "%s", cause);
	if (error)
		bt_error_release(error);
	return EXIT_BAD;
}

static const bt_component_class_source *source_class(const bt_plugin **plugin)
{
	if (bt_plugin_find("ctf", true, true, true, false, true, plugin))
		return NULL;
	return bt_plugin_borrow_source_component_class_by_name_const(*plugin, "fs");
}

static const bt_component_class_filter *muxer_class(const bt_plugin **plugin)
{
	if (bt_plugin_find("utils", true, true, true, false, true, plugin))
		return NULL;
	return bt_plugin_borrow_filter_component_class_by_name_const(*plugin, "muxer");
}

static bt_value *inputs_of(const char *folder)
{
	bt_value *map = bt_value_map_create(), *list = NULL;

	if (map && !bt_value_map_insert_empty_array_entry(map, "inputs", &list) &&
	    !bt_value_array_append_string_element(list, folder))
		return map;
	return NULL;
}

static bool add_source(bt_graph *graph, const bt_component_class_source *class,
		       size_t i, const bt_component_filter *muxer, uint64_t *ports)
{
	bt_value *inputs = inputs_of(folders.path[i]);
	const bt_component_source *source;
	char name[32];
	bool good;

	snprintf(name, sizeof(name), "source%zu", i);
	good = inputs && !bt_graph_add_source_component(graph, class, name, inputs,
				BT_LOGGING_LEVEL_NONE, &source);
	bt_value_put_ref(inputs);
	if (!good)
		return false;
	for (uint64_t j = 0; j < bt_component_source_get_output_port_count(source); j++)
		if (bt_graph_connect_ports(graph,
			bt_component_source_borrow_output_port_by_index_const(source, j),
			bt_component_filter_borrow_input_port_by_index_const(muxer,
				(*ports)++), NULL))
			return false;
	return true;
}

static int run_graph(bt_graph *graph, struct reader *r,
		     const bt_component_class_source *source,
		     const bt_component_class_filter *filter)
{
	const bt_component_filter *muxer;
	const bt_component_sink *sink;
	uint64_t ports = 0;

	if (bt_graph_add_filter_component(graph, filter, "muxer", NULL,
					  BT_LOGGING_LEVEL_NONE, &muxer) ||
	    bt_graph_add_simple_sink_component(graph, "sink", sink_begin,
					       sink_consume, NULL, r, &sink))
		return failed(NULL, "babeltrace2 has no muxer");
	for (size_t i = 0; i < folders.n; i++)
		if (!add_source(graph, source, i, muxer, &ports))
			return failed(folders.path[i], "babeltrace2 can't read it");
	if (!ports)			/* described, and without an event */
		return EXIT_OK;
	if (bt_graph_connect_ports(graph,
			bt_component_filter_borrow_output_port_by_index_const(muxer, 0),
			bt_component_sink_borrow_input_port_by_index_const(sink, 0),
			NULL) ||
	    bt_graph_run(graph) != BT_GRAPH_RUN_STATUS_OK)
		return failed(NULL, "babeltrace2 can't read it");
	return EXIT_OK;
}

static int read_folders(struct reader *r)
{
	const bt_plugin *ctf = NULL, *utils = NULL;
	const bt_component_class_source *source = source_class(&ctf);
	const bt_component_class_filter *filter = muxer_class(&utils);
	bt_graph *graph = source && filter ? bt_graph_create(0) : NULL;
	int status = graph ? run_graph(graph, r, source, filter) :
		failed(NULL, "babeltrace2's plugins ctf and utils can't be loaded");

	bt_graph_put_ref(graph);
	for (size_t i = 0; i < r->n_known; i++)
		bt_event_class_put_ref(r->known[i].class);
	bt_plugin_put_ref(ctf);
	bt_plugin_put_ref(utils);
	free(r->known);
	return status;
}

static void forget_folders(void)
{
	for (size_t i = 0; i < folders.n; i++)
		free(folders.path[i]);
	free(folders.path);
	folders.path = NULL;
	folders.n = folders.room = 0;
}

/* As many ns before the last event; what can't be read is said by who reads on. */
static uint64_t time_before_end(uint64_t since, int *status)
{
	struct ctf_seen seen = { 0 };
	uint64_t last = 0;
	struct reader r = { .visit = visit_time, .arg = &last, .seen = &seen };

	*status = read_folders(&r);
	return last > since ? last - since : 0;
}

int ctf_read(uint64_t since, void (*visit)(const struct ctf_event *event, void *arg),
	     void *arg, struct ctf_seen *seen)
{
	struct reader r = { .visit = visit, .arg = arg, .seen = seen };
	int status = EXIT_OK;

	*seen = (struct ctf_seen){ 0 };
	seen->traces = folders.n;
	if (since)
		r.from = time_before_end(since, &status);
	if (status == EXIT_OK)
		status = read_folders(&r);
	forget_folders();
	return status;
}
