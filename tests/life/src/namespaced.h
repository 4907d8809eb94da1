/* SPDX-License-Identifier: MIT */
#ifndef NAMESPACED_H
#define NAMESPACED_H

struct namespaced_counts {
	long objects, events;
};

#endif
