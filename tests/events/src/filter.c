/* SPDX-License-Identifier: MIT */
/* Events for filter.sh; with an argument, a library's after its own. */
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <side_jmp_event.h>

SIDE_JMP_EVENT(shop, order, "An order", (u32, items), (string, customer));
SIDE_JMP_EVENT(shop, idle, "Nobody came");

static void orders(void)
{
	for (unsigned n = 1; n <= 20; n++)
		side_jmp_event(shop, order, n, n % 2 ? "Ada, A." : "Bob");
	side_jmp_event(shop, idle);
}

/* "": until its standard input ends; "fork": so does a child. */
int main(int argc, char **argv)
{
	char byte;

	orders();
	if (argc > 1 && !strcmp(argv[1], "fork")) {
		if (!fork())
			orders();
		else
			wait(NULL);
	} else if (argc > 1 && *argv[1]) {
		void *library = dlopen(argv[1], RTLD_NOW);
		void (*deliver)(void) = (void (*)(void))(uintptr_t)
			(library ? dlsym(library, "deliver") : NULL);

		if (!deliver)
			return 1;
		deliver();
	} else if (argc > 1) {
		while (read(STDIN_FILENO, &byte, 1) == 1)
			orders();
	}
	return 0;
}
