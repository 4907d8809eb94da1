/* SPDX-License-Identifier: MIT */
/* See choice.h. */
#define _GNU_SOURCE
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "runtime/events/pattern.h"
#include "tools/choice.h"
#include "tools/image.h"
#include "tools/side-jmp.h"

enum { LOOKS_MAX = 16 };		/* so often one in vain is left out */

/* ---- which processes ------------------------------------------------------- */

static struct chosen *choose(struct choice *c, pid_t pid)
{
	size_t i = 0;

	while (i < c->n && c->chosen[i].pid != pid)
		i++;
	if (i == c->n) {
		c->chosen = tool_grow(c->chosen, &c->room, c->n + 1,
				      sizeof(*c->chosen));
		c->chosen[c->n++] = (struct chosen){ .pid = pid };
	}
	c->chosen[i].there = true;
	return &c->chosen[i];
}

/* Of /proc/PID/comm, of which the kernel keeps 15 bytes. */
static bool is_called(pid_t pid, const char *name)
{
	char path[64], comm[64] = "";
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/comm", (int)pid);
	f = fopen(path, "re");
	if (f && !fgets(comm, sizeof(comm), f))
		*comm = '\0';
	if (f)
		fclose(f);
	comm[strcspn(comm, "\n")] = '\0';
	return *comm && !strncmp(comm, name, 15) &&
	       strlen(comm) == strnlen(name, 15);
}

static bool is_meant(const struct choice *c, pid_t pid)
{
	bool meant = c->all;

	for (size_t i = 0; i < c->n_names && !meant; i++)
		meant = is_called(pid, c->names[i]);
	return meant;
}

/* All there are, or that are called so; how many. */
static size_t choose_named(struct choice *c, const char *name)
{
	DIR *proc = opendir("/proc");
	struct dirent *d;
	size_t found = 0;

	while (proc && (d = readdir(proc))) {
		pid_t pid = (pid_t)atoi(d->d_name);

		if (pid <= 0 || pid == getpid() || (name && !is_called(pid, name)))
			continue;
		choose(c, pid);
		found++;
	}
	if (proc)
		closedir(proc);
	return found;
}

void choice_everybody(struct choice *c)
{
	choose_named(c, NULL);
}

static void choose_listed(struct choice *c, char *list,
			  struct argp_state *state)
{
	char *word;

	while ((word = strsep(&list, ","))) {
		char *end;
		long pid;

		errno = 0;
		pid = strtol(word, &end, 10);
		if (!isdigit((unsigned char)*word) || *end || errno ||
		    pid <= 0 || pid > INT32_MAX)
			argp_error(state, "--pid: \"%s\" is not what is expected:"
				   " a process id", word);
		else
			choose(c, (pid_t)pid)->listed = true;
	}
}

static void choose_name(struct choice *c, char *name, struct argp_state *state)
{
	if (!choose_named(c, name))
		argp_error(state, "--name: no process is called \"%s\"", name);
	c->names = tool_grow(c->names, &c->names_room, c->n_names + 1,
			     sizeof(*c->names));
	c->names[c->n_names++] = name;
}

error_t choice_option(struct choice *c, int option, char *arg,
		      struct argp_state *state)
{
	switch (option) {
	case 'p':
		choose_listed(c, arg, state);
		break;
	case 'n':
		choose_name(c, arg, state);
		break;
	case 'a':
		c->all = true;
		choose_named(c, NULL);
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	c->asked = true;
	return 0;
}

void choice_free(struct choice *c)
{
	free(c->chosen);
	free(c->names);
	*c = (struct choice){ 0 };
}

/* ---- those that come later --------------------------------------------------- */

static void choose_again(struct choice *c)
{
	DIR *proc = opendir("/proc");
	struct dirent *d;

	while (proc && (d = readdir(proc))) {
		pid_t pid = (pid_t)atoi(d->d_name);

		if (pid > 0 && pid != getpid() && is_meant(c, pid))
			choose(c, pid);
	}
	if (proc)
		closedir(proc);
}

void choice_look_again(struct choice *c)
{
	size_t kept = 0;

	if (!c->all && !c->n_names)
		return;
	for (size_t i = 0; i < c->n; i++)
		c->chosen[i].there = c->chosen[i].listed || c->chosen[i].taken;
	choose_again(c);
	for (size_t i = 0; i < c->n; i++)
		if (c->chosen[i].there)
			c->chosen[kept++] = c->chosen[i];
	c->n = kept;
}

struct chosen *choice_newcomer(struct choice *c, struct chosen *at)
{
	for (at = at ? at + 1 : c->chosen; at < c->chosen + c->n; at++) {
		unsigned looks = at->looks;

		if (at->taken || (at->listed && looks))
			continue;
		at->looks = looks < 2 * LOOKS_MAX - 1 ? looks + 1 : LOOKS_MAX;
		if (!(looks & (looks - 1)))
			return at;
	}
	return NULL;
}

void choice_lost(struct choice *c, pid_t pid)
{
	for (size_t i = 0; i < c->n; i++)
		if (c->chosen[i].pid == pid && c->chosen[i].taken) {
			c->chosen[i].taken = false;
			c->chosen[i].looks = c->chosen[i].listed;
		}
}

/* ---- which events ---------------------------------------------- */

void choice_events(char **joined, const char *list, struct argp_state *state)
{
	struct sj_pattern pattern;
	const char *rest = list;
	char *both;
	int r, n = 0;

	for (; (r = sj_pattern_next(&rest, &pattern)) != 0; n++)
		if (r < 0)
			argp_error(state, "\"%s\" %s", pattern.text,
				   pattern.why);
	if (!n)
		argp_error(state, "--event=\"%s\" names no event: expected"
			   " provider:name", list);
	if (asprintf(&both, "%s%s%s", *joined ? *joined : "", *joined ? "," : "",
		     list) < 0)
		exit(EXIT_BAD);
	free(*joined);
	*joined = both;
}
