/* SPDX-License-Identifier: MIT */
/* A write that fails: why is what it says, and no signal. */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "runtime/base/base.h"
#include "tests/tap.h"

static void fails(int fd, int why, const char *name)
{
	errno = 0;
	tap_ok(sj_file_write_quietly(fd, "line\n", 5) == -1 && errno == why, name);
}

int main(void)
{
	int ends[2], full = open("/dev/full", O_WRONLY | O_CLOEXEC);

	if (full < 0 || pipe(ends))
		return 1;
	fails(full, ENOSPC, "quietly_full");
	close(full);
	fails(full, EBADF, "quietly_closed");
	close(ends[0]);
	fails(ends[1], EPIPE, "quietly_without_a_reader");
	return tap_done();
}
