/* SPDX-License-Identifier: MIT */
/*
 * An instrumented program for the kernel's demo: says where its site is and
 * what its process is, and beats until it is told to end.
 *
 *	beat            a site that the kernel patches
 *	beat integrity  after side_jmp_enter_integrity()
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <side_jmp_event.h>

SIDE_JMP_EVENT(demo, beat, "The program has done a round", (u64, round));

/* The table that the linker made of this program's sites. */
extern const struct side_jmp_record __start_side_jmp[]
	__attribute__((visibility("hidden")));

static void ask_the_kernel(void)
{
	/* code_patch(2): sync every key */
	uint64_t args[6] = { 0, 0, UINT32_MAX };
	long r = syscall(480, 2, args, sizeof(args), 0);

	printf("code_patch(SYNC): %s\n", r ? strerror(errno) : "done");
}

int main(int argc, char **argv)
{
	struct side_jmp_info info;

	if (argc > 1 && !strcmp(argv[1], "integrity")) {
		int r = side_jmp_enter_integrity(0);

		printf("side_jmp_enter_integrity(): %s\n",
		       r ? strerror(-r) : "done");
		ask_the_kernel();
	}
	side_jmp_get_info(&info, sizeof(info));
	printf("back end: %s (%s)\n", info.backend_name, info.backend_reason);
	printf("pid %d site %ju\n", (int)getpid(),
	       (uintmax_t)((uintptr_t)&__start_side_jmp[0].site +
			   (uintptr_t)(intptr_t)__start_side_jmp[0].site));
	fflush(stdout);
	for (uint64_t round = 0; ; round++) {
		side_jmp_event(demo, beat, round);
		usleep(50000);
	}
}
