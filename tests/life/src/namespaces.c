/* SPDX-License-Identifier: MIT */
/*
 * Two libraries in a namespace of their own, with one copy of the runtime
 * there: namespaces A.so B.so.  Neither of them is the executable.
 */
#include <dlfcn.h>

#include <side_jmp.h>

#include "namespaced.h"
#include "tests/tap.h"

SIDE_JMP_KEY(key);

static void *must(void *p)
{
	if (p)
		return p;
	printf("Bail out! %s\n", dlerror());
	exit(1);
}

int main(int argc, char **argv)
{
	struct namespaced_counts (*counts)(void), n;
	struct side_jmp_info info;
	int (*enable)(void), (*site)(void);
	void *a, *b;
	Lmid_t ns;

	(void)argc;
	a = must(dlmopen(LM_ID_NEWLM, argv[1], RTLD_NOW));
	dlinfo(a, RTLD_DI_LMID, &ns);
	b = must(dlmopen(ns, argv[2], RTLD_NOW));
	*(void **)&counts = must(dlsym(b, "namespaced_counts"));
	*(void **)&enable = must(dlsym(b, "namespaced_enable"));
	*(void **)&site = must(dlsym(b, "namespaced_site"));
	n = counts();
	tap_equal(n.objects, 2, "namespaces_register_sites");
	tap_equal(n.events, 2, "namespaces_register_events");

	dlclose(a);
	tap_ok(!dlmopen(ns, argv[1], RTLD_NOW | RTLD_NOLOAD),
	       "namespaces_unload_a_library");
	n = counts();
	tap_equal(n.objects, 1, "namespaces_forget_its_sites");
	tap_equal(n.events, 1, "namespaces_forget_its_events");
	tap_ok(!enable() && site(), "namespaces_enable_what_is_left");
	tap_ok(!side_jmp_unlikely(key), "namespaces_are_apart");
	side_jmp_get_info(&info, sizeof(info));
	tap_equal((long long)info.objects, 1, "namespaces_have_own_objects");
	return tap_done();
}
