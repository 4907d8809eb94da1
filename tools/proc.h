/* SPDX-License-Identifier: MIT */
/*
 * A running process as /proc shows it: its mappings, its memory, which pages
 * of it are its own.  Asks nothing of the process, and writes nothing unless
 * told to.  Knows nothing of ELF and sites.
 */
#ifndef TOOLS_PROC_H
#define TOOLS_PROC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "tools/say.h"

/* A mapping of a file, as proc(5) has it in `maps`. */
struct mapping {
	uint64_t start, end, offset, inode;
	dev_t device;
	bool executable;
	bool deleted;			/* the file has no name any more */
	char *path;			/* in the process's own view */
};

struct process {
	pid_t pid;
	int dir;			/* /proc/PID: stays this process's when
					   the number is used again */
	int mem, pagemap;
	struct mapping *maps;		/* private ones of files, by address */
	size_t n_maps;
	char *status;			/* the file */

	/* The last page that was read. */
	uint64_t page_at;
	size_t page_got;
	uint8_t *page;
};

/*
 * A thread by which /proc shows the process: the first, unless it has ended and
 * another has not.  That one may end, too: then another can be asked for, so
 * often.
 */
enum { PROCESS_LIVES = 100 };
pid_t process_thread(pid_t pid);
/* Its letter in proc(5); X: there is no such thread. */
char process_state(pid_t pid, pid_t tid);
bool process_has(pid_t pid, pid_t tid);		/* one that has not ended */

/*
 * 0, or -1 and a sentence in `why`; then there is nothing to close.  pid: or of
 * process_thread().
 */
int process_open(struct process *p, pid_t pid, char why[WHY_MAX]);
/*
 * Likewise, but its memory may be out of reach (then none can be read): Yama
 * keeps it from those who may look at everything else.
 */
int process_look(struct process *p, pid_t pid, char why[WHY_MAX]);
void process_close(struct process *p);

/* The paths, in its own view, of files that it has mapped to share and that have one. */
void process_shared_files(const struct process *p,
			  void (*visit)(const char *path, void *arg), void *arg);

/*
 * Which file that is (st_dev, st_ino, and its type), of a link of /proc/PID: its
 * file system is not asked, which may not answer.  0, or -1: errno.
 */
int process_stat(const char *path, struct stat *st);

/* Is it there no more?  What was read while it ended means nothing. */
bool process_ended(const struct process *p);

/* What is read from now on is as of now. */
void process_forget(struct process *p);
/* All n bytes; false if not all of them are there. */
bool process_read(struct process *p, uint64_t at, void *to, size_t n);
/*
 * Likewise, as of now: of the program that it ran when it was opened, never of
 * another that it has executed since.
 */
bool process_peek(const struct process *p, uint64_t at, void *to, size_t n);
bool process_poke(const struct process *p, uint64_t at, const void *from,
		  size_t n);

/*
 * How many pages in a range are the process's own: a private mapping's page
 * that was written to is anonymous, in memory or in swap.  -1: can't be read.
 */
int64_t process_own_pages(struct process *p, uint64_t start, uint64_t end);

/* The value of a line of `status`.  False: there is no such line. */
bool process_status(const struct process *p, const char *name, char *to,
		    size_t size);
/* A variable as the process was started with.  False: not set, or not to be
   seen. */
bool process_variable(const struct process *p, const char *name, char *to,
		      size_t size);

/*
 * A name under which this process can open the mapping's very file: of
 * /proc/PID/map_files (takes CAP_CHECKPOINT_RESTORE), /proc/PID/exe, or its
 * path seen from the process's root.  0, or -errno: -EPERM if the right is
 * missing; otherwise the mapping is gone, maybe with the process.
 * *replaced: the file's name is gone, or is another file's by now.
 */
int process_file(const struct process *p, const struct mapping *m,
		 char *path, size_t size, bool *replaced);

#endif
