/* SPDX-License-Identifier: MIT */
/* See scan.h. */
#define _GNU_SOURCE
#include <errno.h>
#include <fts.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>

#include "tools/scan.h"
#include "tools/side-jmp.h"

static int by_name(const FTSENT **a, const FTSENT **b)
{
	return strcmp((*a)->fts_name, (*b)->fts_name);
}

/* What is shown there is made when it is read, and may be without end. */
static bool is_no_store(const char *path)
{
	static const unsigned long magic[] = {
		PROC_SUPER_MAGIC, SYSFS_MAGIC, DEBUGFS_MAGIC, TRACEFS_MAGIC,
		CGROUP_SUPER_MAGIC, CGROUP2_SUPER_MAGIC, SECURITYFS_MAGIC,
		BPF_FS_MAGIC, PSTOREFS_MAGIC, EFIVARFS_MAGIC,
	};
	struct statfs fs;

	if (statfs(path, &fs))
		return false;
	for (size_t i = 0; i < sizeof(magic) / sizeof(*magic); i++)
		if ((unsigned long)fs.f_type == magic[i])
			return true;
	return false;
}

static int visit_entry(const struct scan *s, FTS *tree, FTSENT *e)
{
	switch (e->fts_info) {
	case FTS_D:
		if (e->fts_level > FTS_ROOTLEVEL &&
		    e->fts_dev != e->fts_parent->fts_dev &&
		    is_no_store(e->fts_accpath))
			fts_set(tree, e, FTS_SKIP);
		return EXIT_OK;
	case FTS_F:
		return s->visit(s->arg, e->fts_path);
	case FTS_DEFAULT:	/* said, if it is the very file that was named */
		return e->fts_level == FTS_ROOTLEVEL ?
			s->visit(s->arg, e->fts_path) : EXIT_OK;
	case FTS_DNR:
	case FTS_ERR:
	case FTS_NS:
		return tool_error(e->fts_path, "%s", strerror(e->fts_errno));
	default:
		return EXIT_OK;
	}
}

static int scan_tree(const struct scan *s, char *name)
{
	char *const roots[] = { name, NULL };
	FTS *tree = fts_open(roots, FTS_PHYSICAL | FTS_COMFOLLOW | FTS_NOCHDIR,
			     by_name);
	int status = EXIT_OK;
	FTSENT *e;

	if (!tree)
		return tool_error(name, "%s", strerror(errno));
	while (errno = 0, (e = fts_read(tree)))
		tool_worse(&status, visit_entry(s, tree, e));
	if (errno)
		tool_worse(&status, tool_error(name, "%s", strerror(errno)));
	fts_close(tree);
	return status;
}

int scan(const struct scan *s)
{
	int status = EXIT_OK;

	for (int i = 0; i < s->n_names; i++)
		tool_worse(&status, s->recursive ?
			   scan_tree(s, s->names[i]) :
			   s->visit(s->arg, s->names[i]));
	return status;
}
