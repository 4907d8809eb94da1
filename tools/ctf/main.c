/* SPDX-License-Identifier: MIT */
/*
 * side-jmp-ctf: the subcommands of side-jmp that read CTF, which side-jmp
 * executes with their names for argv[0].
 */
#include <string.h>

#include "tools/ctf/ctf.h"
#include "tools/out.h"
#include "tools/side-jmp.h"

int main(int argc, char **argv)
{
	int status = argc > 0 && !strcmp(argv[0], "report") ?
		     cmd_report(argc, argv) :
		     argc > 0 && !strcmp(argv[0], "convert") ?
		     cmd_convert(argc, argv) :
		     tool_error(NULL, "side-jmp convert and side-jmp report are"
				" to call this");

	return out_flush() ? status : EXIT_BAD;
}
