/* SPDX-License-Identifier: MIT */
/*
 * Which back end: chosen once.  The kernel where it offers to, this very process
 * where the kernel does not know the call, nobody where either refuses.
 *
 * It is decided when the first site has to be written.  A program whose sites
 * are as their keys want them (prepared by `side-jmp prepare`, or all enabled)
 * makes no trial patch, and dirties no page.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "runtime/sites/sites.h"

/* ---- nobody ---------------------------------------------------------------- */

static int none_probe(bool forced, const char **why)
{
	(void)forced;
	*why = "asked for by SIDE_JMP_BACKEND";
	return 0;
}

static int none_open(void)
{
	return -EPERM;
}

/* ---- the rows, by preference ------------------------------------------------ */

static const struct sj_backend rows[] = {
	{
		SIDE_JMP_BACKEND_KERNEL, "kernel", sj_code_patch_probe,
		sj_code_patch_register, sj_code_patch_unregister,
		sj_code_patch_sync,
		/* What the kernel does not do for us, we do. */
		sj_self_open, sj_self_close, sj_self_write, sj_self_sync,
		sj_self_drop,
	},
	{
		SIDE_JMP_BACKEND_SELF, "self", sj_self_probe,
		NULL, NULL, NULL,
		sj_self_open, sj_self_close, sj_self_write, sj_self_sync,
		sj_self_drop,
	},
	{
		SIDE_JMP_BACKEND_NONE, "none", none_probe,
		NULL, NULL, NULL,
		none_open, sj_self_close, sj_self_write, sj_self_sync,
		sj_self_drop,
	},
};

enum { N_ROWS = sizeof(rows) / sizeof(rows[0]), NONE = N_ROWS - 1 };

/* sj_patch_lock */
static struct {
	const struct sj_backend *row;	/* atomic; NULL: not decided */
	char reason[200];
	char asked[16];			/* SIDE_JMP_BACKEND */
	bool misunderstood;		/* and it is none of ours */
	const char *remark;		/* goes with every reason */
} choice = { .remark = "" };

static const struct sj_backend *row_named(const char *name)
{
	for (unsigned i = 0; i < N_ROWS; i++)
		if (!strcmp(rows[i].name, name))
			return &rows[i];
	return NULL;
}

void sj_backend_ask(const char *name)
{
	if (!name || !*name)
		return;
	snprintf(choice.asked, sizeof(choice.asked), "%s", name);
	choice.misunderstood = !row_named(choice.asked);
}

void sj_backend_remark(const char *remark)
{
	choice.remark = remark;
}

static void decide(const struct sj_backend *row, const char *why, int error)
{
	char number[24] = "";

	if (error)
		snprintf(number, sizeof(number), " (error %d)", error);
	snprintf(choice.reason, sizeof(choice.reason), "%s%s%s", why, number,
		 choice.remark);
	/* Pairs with the acquire in sj_backend_follows_words(). */
	__atomic_store_n(&choice.row, row, __ATOMIC_RELEASE);
}

/* True: it is decided. */
static bool try_row(const struct sj_backend *row, bool forced)
{
	const char *why = "";
	int r = row->probe(forced, &why);

	if (r == -ENOSYS && !forced)
		return false;
	decide(r ? &rows[NONE] : row, why,
	       r == -ECANCELED || r == -ENOSYS ? 0 : -r);
	return true;
}

static void choose(void)
{
	if (choice.misunderstood) {
		decide(&rows[NONE], "SIDE_JMP_BACKEND is not one of kernel,"
		       " self, none", 0);
	} else if (choice.asked[0]) {
		(void)try_row(row_named(choice.asked), true);
	} else {
		for (unsigned i = 0; i < NONE && !try_row(&rows[i], false); i++)
			;
	}
}

const struct sj_backend *sj_backend(void)
{
	if (!choice.row)
		choose();
	return choice.row;
}

bool sj_backend_chosen(void)
{
	return choice.row;
}

static bool kernel_offered(void)
{
	static bool unknown;		/* sj_patch_lock */

	if (unknown || (choice.asked[0] && strcmp(choice.asked, "kernel")))
		return false;
	unknown = !sj_code_patch_known();
	return !unknown;
}

bool sj_backend_adopts(void)
{
	return (choice.row || kernel_offered()) && sj_backend()->adopt;
}

bool sj_backend_follows_words(void)
{
	const struct sj_backend *row = __atomic_load_n(&choice.row,
						       __ATOMIC_ACQUIRE);

	return row && row->follow;
}

bool sj_backend_disappoints(struct sj_backend_asked *asked)
{
	static bool said;		/* sj_patch_lock */
	bool news = choice.asked[0] && !said &&
		    (choice.misunderstood ||
		     (choice.row && strcmp(choice.row->name, choice.asked)));

	if (!news)
		return false;
	said = true;
	if (!choice.row)
		(void)sj_backend();
	memcpy(asked->name, choice.asked, sizeof(asked->name));
	memcpy(asked->why, choice.reason, sizeof(asked->why));
	return true;
}

void sj_backend_info(struct side_jmp_info *info)
{
	const struct sj_backend *row = choice.row ? choice.row : &rows[NONE];
	bool frozen = sj_frozen();

	if (frozen)
		row = &rows[NONE];
	info->backend = row->id;
	info->backend_name = row->name;
	info->backend_reason = frozen ? "ended by side_jmp_freeze()" :
		choice.row ? choice.reason :
		!side_jmp_arch_host()->machine ?
		"no port for this architecture" :
		info->objects ? "no site has had to be patched so far" :
		"no object with sites has been loaded";
	info->syncs = sj_self_syncs +
		__atomic_load_n(&sj_code_patch_syncs, __ATOMIC_RELAXED);
}
