/* SPDX-License-Identifier: MIT */
/* An executable is never unloaded, however it was started. */
#include <side_jmp_event.h>

#include "tests/tap.h"

SIDE_JMP_KEY(key);
SIDE_JMP_EVENT(stays, site, "A site was passed");

__attribute__((noinline)) static int site(void)
{
	side_jmp_event(stays, site);
	return side_jmp_unlikely(key);
}

int main(void)
{
	struct side_jmp_event_info events;
	struct side_jmp_info info;

	side_jmp_object_unload(&side_jmp_this_object);
	side_jmp_event_unload(&side_jmp_these_events);
	side_jmp_get_info(&info, sizeof(info));
	side_jmp_event_get_info(&events, sizeof(events));
	tap_note("%llu rejected: %s", (unsigned long long)info.objects_rejected,
		 info.reject_reason);
	tap_equal((long long)info.objects, 1, "its_sites_stay");
	tap_equal((long long)events.events, 1, "its_events_stay");
	tap_equal(site(), 0, "it_runs");
	return tap_done();
}
