/* SPDX-License-Identifier: MIT */
/* A library for any namespace; also, with a say of its own, an auditor. */
#include <side_jmp_event.h>

#include "namespaced.h"

SIDE_JMP_KEY(key);
SIDE_JMP_EVENT(namespaced, site, "A site was passed");

SIDE_JMP_EXPORTED int namespaced_site(void)
{
	side_jmp_event(namespaced, site);
	return side_jmp_unlikely(key);
}

SIDE_JMP_EXPORTED int namespaced_enable(void)
{
	return side_jmp_enable(&key);
}

SIDE_JMP_EXPORTED struct namespaced_counts namespaced_counts(void)
{
	struct side_jmp_event_info events;
	struct side_jmp_info info;

	side_jmp_get_info(&info, sizeof(info));
	side_jmp_event_get_info(&events, sizeof(events));
	return (struct namespaced_counts){ (long)info.objects,
					   (long)events.events };
}

#ifdef AUDITOR
#include <link.h>
#include <stdio.h>

SIDE_JMP_EXPORTED unsigned la_version(unsigned version)
{
	struct namespaced_counts n = namespaced_counts();

	fprintf(stderr, "loaded %ld %ld", n.objects, n.events);
	side_jmp_object_unload(&side_jmp_this_object);
	side_jmp_event_unload(&side_jmp_these_events);
	n = namespaced_counts();
	fprintf(stderr, " unloaded %ld %ld\n", n.objects, n.events);
	return version;
}
#endif
