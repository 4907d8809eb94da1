/* SPDX-License-Identifier: MIT */
#ifndef TESTS_PORT_PLUGIN_H
#define TESTS_PORT_PLUGIN_H

#include <side_jmp.h>

SIDE_JMP_KEY_EXTERN(host_key);

__attribute__((visibility("default"))) int plugin_taken(void);
__attribute__((visibility("default")))
struct side_jmp_key *plugin_own_key(void);

#endif
