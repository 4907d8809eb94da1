/* SPDX-License-Identifier: MIT */
/*
 * Who patches: chosen once, when the first object with sites is registered.
 * The kernel where it offers to, this very process where the kernel does not
 * know the call, nobody where either refuses.  sj_object_lock.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

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

void sj_backend_choose(void)
{
	const char *want = secure_getenv("SIDE_JMP_BACKEND");

	if (!side_jmp_arch_host()->machine)
		sj_backend_set(SIDE_JMP_BACKEND_NONE,
			       "no port for this architecture", 0);
	else if (!want || !*want) {
		if (!choose_kernel(false))
			sj_self_choose(false);
	} else if (!strcmp(want, "kernel"))
		(void)choose_kernel(true);
	else if (!strcmp(want, "self"))
		sj_self_choose(true);
	else if (!strcmp(want, "none"))
		sj_backend_set(SIDE_JMP_BACKEND_NONE,
			       "asked for by SIDE_JMP_BACKEND", 0);
	else
		sj_backend_set(SIDE_JMP_BACKEND_NONE, "SIDE_JMP_BACKEND is not"
			       " one of kernel, self, none", 0);
}
