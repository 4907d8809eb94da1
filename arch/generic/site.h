/* SPDX-License-Identifier: MIT */
/*
 * Where no port exists: a site is a load, a test and a branch, there are no
 * records and nothing is ever patched.  Always right.
 */
#ifndef SIDE_JMP_ARCH_GENERIC_SITE_H
#define SIDE_JMP_ARCH_GENERIC_SITE_H

#define SIDE_JMP_ARCH_NAME	generic
#define SIDE_JMP_ARCH_HAS_SITES	0

#endif
