/* SPDX-License-Identifier: MIT */
/*
 * Who patches: chosen once.  The kernel where it offers to, this very process
 * where the kernel does not know the call, nobody where either refuses.
 * sj_patch_lock.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "runtime/sites/sites.h"

void sj_backend_set(enum side_jmp_backend backend, const char *why, int error)
{
	sj_state.backend = backend;
	if (error)
		snprintf(sj_state.backend_reason, sizeof(sj_state.backend_reason),
			 "%s (error %d)", why, error);
	else
		snprintf(sj_state.backend_reason, sizeof(sj_state.backend_reason),
			 "%s", why);
}

bool sj_backend_follows_words(void)
{
	return sj_state.backend == SIDE_JMP_BACKEND_KERNEL;
}

/* Only a kernel without the call (ENOSYS) leaves it to others. */
static bool choose_kernel(bool forced)
{
	int r = sj_code_patch_probe();

	if (!r)
		sj_backend_set(SIDE_JMP_BACKEND_KERNEL, "a trial patch by the"
			       " kernel's code_patch() worked", 0);
	else if (r == -ENOSYS && forced)
		sj_backend_set(SIDE_JMP_BACKEND_NONE, "SIDE_JMP_BACKEND=kernel,"
			       " and this kernel has no code_patch()", 0);
	else if (r == -ENOSYS)
		return false;
	else if (r == -ENOEXEC)
		sj_backend_set(SIDE_JMP_BACKEND_NONE, "code that the kernel"
			       " patched is not what runs", 0);
	else if (r == -EPERM)
		sj_backend_set(SIDE_JMP_BACKEND_NONE, "the kernel refuses to"
			       " patch this process (integrity mode, MDWE or a"
			       " security module)", 0);
	else
		sj_backend_set(SIDE_JMP_BACKEND_NONE, "a trial patch by the"
			       " kernel's code_patch() failed", -r);
	return true;
}

static bool asked_for(const char *name)
{
	return !strcmp(sj_state.backend_asked, name);
}

bool sj_backend_kernel_offered(void)
{
	static bool unknown;		/* sj_patch_lock */

	if (unknown || !(asked_for("") || asked_for("kernel")))
		return false;
	unknown = !sj_code_patch_known();
	return !unknown;
}

static void choose(void)
{
	if (asked_for("")) {
		if (!choose_kernel(false))
			sj_self_choose(false);
	} else if (asked_for("kernel"))
		(void)choose_kernel(true);
	else if (asked_for("self"))
		sj_self_choose(true);
	else if (asked_for("none"))
		sj_backend_set(SIDE_JMP_BACKEND_NONE,
			       "asked for by SIDE_JMP_BACKEND", 0);
	else
		sj_backend_set(SIDE_JMP_BACKEND_NONE, "SIDE_JMP_BACKEND is not"
			       " one of kernel, self, none", 0);
}

void sj_backend_choose(void)
{
	size_t n;

	choose();
	n = strlen(sj_state.backend_reason);
	if (sj_state.budget_ignored)
		snprintf(sj_state.backend_reason + n,
			 sizeof(sj_state.backend_reason) - n,
			 "; SIDE_JMP_DIRTY_PAGES is not a number: ignored");
}
