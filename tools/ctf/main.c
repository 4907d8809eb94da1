/* SPDX-License-Identifier: MIT */
/*
 * side-jmp-ctf: the subcommands of side-jmp that read CTF, which side-jmp
 * executes with their names for argv[0].
 */
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "tools/ctf/ctf.h"
#include "tools/out.h"
#include "tools/side-jmp.h"

/*
 * babeltrace2 asserts what a damaged trace need not keep to.  It has said which
 * line of it; what was not written yet is given up.
 */
static void aborted(int signal)
{
	static const char said[] = "side-jmp: babeltrace2 has given up: the"
		" trace is damaged, or a fault of babeltrace2's\n";

	(void)signal;
	(void)!write(STDERR_FILENO, said, sizeof(said) - 1);
	_exit(EXIT_BAD);
}

int main(int argc, char **argv)
{
	int status;

	signal(SIGABRT, aborted);
	status = argc > 0 && !strcmp(argv[0], "report") ?
		     cmd_report(argc, argv) :
		     argc > 0 && !strcmp(argv[0], "convert") ?
		     cmd_convert(argc, argv) :
		     tool_error(NULL, "side-jmp convert and side-jmp report are"
				" to call this");

	return out_flush() ? status : EXIT_BAD;
}
