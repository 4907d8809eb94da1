/* SPDX-License-Identifier: MIT */
/*
 * See attach.h.  Must not know what is asked by the connection.
 *
 * A child of ours is the tracer, for milliseconds: whatever happens to it or to
 * us, the kernel lets its threads go, and they get back to where they were by
 * themselves (runtime/control/attach.h).  In the process one thread stands
 * still, some 20 system calls long, and while the state of all others is read:
 * some 10 us for each.
 *
 * WHICH THREAD.  One that sleeps before one that runs: it does not notice.  A
 * system call that is under way is resumed as if nothing had happened
 * (arch/NAME/ptrace.h). Some calls say EINTR for every stop, of ptrace(2) or
 * SIGSTOP: we take that back, and they begin anew.  If the tracer is killed
 * before it has, in the microseconds after the stop, they have said it; and
 * those with a time limit have all of their time again.  A sleep goes on with
 * what is left of it, unless the tracer is killed while the thread is in the
 * call.  So their threads are the last that are taken.  None that is in a state
 * that ptrace(2) does not end (vfork(2), the kernel, a frozen cgroup), is
 * somebody else's, whose system calls a filter or the program itself answers,
 * or is in the midst of a restartable sequence, which would go on as if nothing
 * had been; and none that writes and may have written a part, for a stop makes
 * its call return early, and nothing can mend that (but for one that begins to
 * write in the microseconds before the stop); nor one that submits to
 * io_uring(7) and waits in the same call.  Most of these end soon: so it is
 * tried for a while.
 *
 * SIGNALS.  The kernel drops one that nobody handles, unless the thread that it
 * looks at is traced or blocks it; then it wakes some thread of the process for
 * it, whose call may say EINTR.  For a signal to the whole process it looks at
 * the first thread.  So that one is taken only where no other can be, and is
 * not traced otherwise.  One to the taken thread alone is taken by that alone,
 * and its call begins anew.  What is left are signals to the whole process for
 * which the kernel looks at the taken thread: SIGCHLD of a child that this one
 * made, timers of its own CPU time, kill(2) with its number; and all, where the
 * first thread is the only one that can be taken.
 *
 * ONE TOOL AT A TIME, for there is one frame.  Each can take another thread, so
 * that being traced does not exclude; and what does must be seen in other
 * namespaces, belong to nobody who may not trace, and end with a tool that is
 * killed: no lock on a file, no name of a socket.  Therefore:
 *
 *	1. Stop the thread.  It is seen by all as `t' in /proc.
 *	2. Look at all others: is one of them `t', or traced?  Then at `owner' of
 *	   each copy: is that thread in the call, or may it be?
 *	3. If so, let it go, and try again after a while that is not the same for
 *	   all.  If not, set `owner', and only then let it run into the call.
 *
 * Two tools do 1 before 2.  So the one that does 1 later sees in 2 what the
 * other has stopped: still as `t', or in the call, and then by `owner'; or all
 * has been put back.  Both may see each other, and both let go.  Who is at it
 * already is seen before anything is stopped, as a rule.
 *
 * OTHER WAYS that were looked at.
 *  - A request written into the process, which a thread of its own finds at a
 *    site: nobody comes by in a program that sleeps, and a site is no safer a
 *    place than any other (an allocator has some).
 *  - Nothing of ours in the process, words and sites changed from outside while
 *    all stands still: then nobody is there who ends it when the tool is
 *    killed; and for libraries that come, and for fork(), somebody has to be.
 *  - The taken thread calls pthread_create(3): right wherever it was not in
 *    malloc(), the loader or libc, which can't be seen.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <linux/kcmp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "runtime/control/attach.h"
#include "tools/attach.h"
#include "tools/filter.h"
#include "tools/image.h"
#include "tools/pass.h"
#include "tools/proc.h"

#if defined(__x86_64__)
#include "arch/x86_64/ptrace.h"
#elif defined(__aarch64__)
#include "arch/arm64/ptrace.h"
#endif

#ifndef PORT_MACHINE

int attach_may(pid_t pid, char why[WHY_MAX])
{
	return say(why, "process %d can't be attached to: on this machine"
		   " nothing can", (int)pid);
}

int attach_open(pid_t pid, int *fds, size_t max, char why[WHY_MAX])
{
	(void)fds;
	(void)max;
	return attach_may(pid, why);
}

#else

enum {
	ATTACH_COPIES = 8,
	ATTACH_TRIES = 200,
	ATTACH_NOTES = 65536,		/* bytes of notes, at most: of one */
	ATTACH_ALL_NOTES = 8 << 20,	/* header, and of a process, */
	ATTACH_HEADER = 512,		/* of which each takes so many more */
	ATTACH_S = 10,			/* then it is given up */
	ATTACH_PATIENCE_S = 3,		/* no thread can be taken over */
	ATTACH_PAUSE_US = 50000,	/* then, at most */
	ATTACH_LOOKS = 500,		/* at one that runs, so far apart, */
	ATTACH_LOOK_US = 50,
	ATTACH_RUN_NS = 1000000,	/* until it has run so long */
	ATTACH_TURN_MS = 1000,		/* another tool may be at it, */
	ATTACH_TURN_US = 2000,		/* and is done after so long, mostly */
	ATTACH_STUCK_MS = 2000,		/* our tracer has slept */
	/* Bytes of code between naming a restartable sequence and its begin. */
	SEQUENCE_BEFORE = 64,
};

struct copy {
	uint64_t entry, place;
	int32_t error, theirs;		/* what the call said */
	bool called, given;		/* it has; we have its end, or none */
};

struct target {
	pid_t pid;
	pid_t live;			/* a thread; a first one may not be */
	struct process process;
	uint64_t notes;			/* bytes that are still read */
	struct copy copies[ATTACH_COPIES];
	size_t n;
};

static bool read_task(pid_t pid, pid_t tid, const char *file, char *to,
		      int size)
{
	char path[64];
	FILE *f;
	bool got;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/%s", (int)pid, (int)tid,
		 file);
	f = fopen(path, "re");
	got = f && fgets(to, size, f);
	if (f)
		fclose(f);
	return got;
}

/* A line of its status; "": there is none. */
static void status_of(pid_t pid, pid_t tid, const char *name, char *to,
		      int size)
{
	size_t length = strlen(name);
	char line[512], path[64];
	FILE *f;

	*to = '\0';
	snprintf(path, sizeof(path), "/proc/%d/task/%d/status", (int)pid,
		 (int)tid);
	f = fopen(path, "re");
	while (f && !*to && fgets(line, sizeof(line), f))
		if (!strncmp(line, name, length))
			snprintf(to, (size_t)size, "%s", line + length);
	if (f)
		fclose(f);
}

/* As the process itself sees it, in a container, too.  0: it has ended. */
static uint32_t own_number(pid_t pid, pid_t tid)
{
	char line[256], *last;

	status_of(pid, tid, "NSpid:", line, sizeof(line));
	last = strrchr(line, '\t');
	return last ? (uint32_t)strtoul(last, NULL, 10) : 0;
}

/* ---- what can be seen without touching it -------------------------------- */

static bool read_header(struct process *p, uint64_t at, Elf64_Ehdr *e)
{
	return process_read(p, at, e, sizeof(*e)) &&
	       !memcmp(e->e_ident, ELFMAG, SELFMAG) &&
	       e->e_phentsize == sizeof(Elf64_Phdr) && e->e_phnum <= 64;
}

/* A file that is mapped from its start on, by a loader or somebody else. */
struct loaded {
	const struct mapping *first;
	Elf64_Phdr ph[64];
	unsigned n;
	uint64_t base;			/* where its address 0 is */
};

static const Elf64_Phdr *segment_of(const struct loaded *l, uint64_t at)
{
	for (unsigned i = 0; i < l->n; i++)
		if (l->ph[i].p_type == PT_LOAD &&
		    at - l->base - l->ph[i].p_vaddr < l->ph[i].p_memsz)
			return &l->ph[i];
	return NULL;
}

/* Is that byte of its file there?  Whoever reads it may have others there. */
static bool has_byte(const struct process *p, const struct loaded *l,
		     uint64_t at, uint64_t offset, bool executable)
{
	for (size_t i = 0; i < p->n_maps; i++) {
		const struct mapping *m = &p->maps[i];

		if (at >= m->start && at < m->end)
			return m->inode == l->first->inode &&
			       at - m->start + m->offset == offset &&
			       (m->executable || !executable);
	}
	return false;
}

static bool in_code(const struct process *p, const struct loaded *l, uint64_t at)
{
	const Elf64_Phdr *ph = segment_of(l, at);

	return ph && ph->p_flags & PF_X &&
	       has_byte(p, l, at, at - l->base - ph->p_vaddr + ph->p_offset,
			true);
}

/* What follows the file's part of a segment, zeros at first, has no file. */
static bool in_data(const struct process *p, const struct loaded *l, uint64_t at)
{
	const Elf64_Phdr *ph = segment_of(l, at);

	return ph && ph->p_flags & PF_W &&
	       (!ph->p_filesz ||
		has_byte(p, l, l->base + ph->p_vaddr, ph->p_offset, false));
}

static bool take_note(struct target *t, const struct loaded *l, uint64_t at,
		      const uint8_t *desc, size_t size)
{
	struct sj_attach_note note;
	struct copy *c = &t->copies[t->n];
	uint8_t byte;

	if (size != sizeof(note) || t->n == ATTACH_COPIES)
		return false;
	memcpy(&note, desc, size);
	c->entry = at + offsetof(struct sj_attach_note, entry) +
		   (uint64_t)(int64_t)note.entry;
	c->place = at + offsetof(struct sj_attach_note, place) +
		   (uint64_t)(int64_t)note.place;
	if (note.version != SJ_ATTACH_VERSION ||
	    !in_code(&t->process, l, c->entry) ||
	    !in_data(&t->process, l, c->place) ||
	    !process_read(&t->process, c->place, &byte, 1))
		return false;
	t->n++;
	return true;
}

/* elf(5), of notes that are aligned to 4. */
static bool find_note(struct target *t, const struct loaded *l, uint64_t at,
		      uint64_t size)
{
	static uint8_t notes[ATTACH_NOTES];
	Elf64_Nhdr h;

	if (size > sizeof(notes))
		return false;
	if (size + ATTACH_HEADER > t->notes)
		t->notes = 0;
	else
		t->notes -= size + ATTACH_HEADER;
	if (!t->notes || !process_read(&t->process, at, notes, size))
		return false;
	for (uint64_t i = 0; i + sizeof(h) <= size; ) {
		uint64_t name = i + sizeof(h), desc;

		memcpy(&h, notes + i, sizeof(h));
		desc = name + (h.n_namesz + UINT64_C(3)) / 4 * 4;
		i = desc + (h.n_descsz + UINT64_C(3)) / 4 * 4;
		if (i > size)
			return false;
		if (h.n_type == SJ_ATTACH_TYPE &&
		    h.n_namesz == sizeof(SJ_ATTACH_NAME) &&
		    !memcmp(notes + name, SJ_ATTACH_NAME, h.n_namesz))
			return take_note(t, l, at + desc, notes + desc,
					 h.n_descsz);
	}
	return false;
}

static bool read_loaded(struct target *t, const struct mapping *m,
			struct loaded *l)
{
	Elf64_Ehdr e;

	*l = (struct loaded){ .first = m };
	if (!read_header(&t->process, m->start, &e) ||
	    !process_read(&t->process, m->start + e.e_phoff, l->ph,
			  e.e_phnum * sizeof(*l->ph)))
		return false;
	l->n = e.e_phnum;
	for (unsigned i = 0; i < l->n; i++)
		if (l->ph[i].p_type == PT_LOAD && l->ph[i].p_offset < 4096)
			l->base = m->start -
				  (l->ph[i].p_vaddr - l->ph[i].p_offset);
	return true;
}

/* In a file that is mapped from its start on; *interpreter: it is a program. */
static bool find_copy(struct target *t, const struct mapping *m,
		      bool *interpreter)
{
	struct loaded l;
	bool found = false;

	*interpreter = false;
	if (!read_loaded(t, m, &l))
		return false;
	for (unsigned i = 0; i < l.n; i++)
		*interpreter |= l.ph[i].p_type == PT_INTERP;
	for (unsigned i = 0; i < l.n && !found; i++)
		if (l.ph[i].p_type == PT_NOTE)
			found = find_note(t, &l, l.base + l.ph[i].p_vaddr,
					  l.ph[i].p_memsz);
	return found;
}

/*
 * The executable that runs is one that the kernel has started: a translator's
 * guest is not, and is not to be run by us.
 */
static int find_copies(struct target *t, char why[WHY_MAX])
{
	struct process *p = &t->process;
	bool by_kernel = false, interpreter;
	struct stat exe;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/exe", (int)t->live);
	if (process_stat(path, &exe))
		return say(why, "%s: %s", path, strerror(errno));
	for (size_t i = 0; i < p->n_maps && t->n < ATTACH_COPIES; i++) {
		const struct mapping *m = &p->maps[i];
		bool found;

		if (m->offset)
			continue;
		found = find_copy(t, m, &interpreter);
		if (m->inode == exe.st_ino)
			by_kernel |= found || interpreter;
		else if (found && interpreter)
			t->n--;
	}
	if (!t->n && !t->notes)
		return say(why, "it has more notes (elf(5)) than are looked at,"
			   " and no copy of the library among these");
	if (!t->n)
		return say(why, "it has no copy of the library that can be"
			   " attached to: expected side_jmp %d of attaching",
			   SJ_ATTACH_VERSION);
	return by_kernel ? 0 : say(why, "it was not started by the kernel, but"
				   " by a translator or a loader");
}

/* Of /proc/PID/status. */
static bool status_is(const struct process *p, const char *name,
		      const char *words)
{
	char value[256];

	return process_status(p, name, value, sizeof(value)) &&
	       strstr(value, words);
}

static long status_number(const struct process *p, const char *name)
{
	char value[64];

	return process_status(p, name, value, sizeof(value)) ? atol(value) : 0;
}

static bool sees_proc(const struct process *p)
{
	char path[64];
	struct stat st;

	snprintf(path, sizeof(path), "/proc/%d/root/proc/%u/status",
		 (int)p->pid, (unsigned)own_number(p->pid, p->pid));
	return !stat(path, &st);
}

/* 1: somebody else is at it, who may be another tool like us. */
static int check_state(const struct process *p, char why[WHY_MAX])
{
	long tracer = status_number(p, "TracerPid");
	long parent = status_number(p, "PPid");

	if (tracer) {
		say(why, "process %ld traces it", tracer);
		return 1;
	}
	if (status_is(p, "State", "T "))
		return say(why, "it is stopped");
	if (status_number(p, "Seccomp") == 1)
		return say(why, "it is under strict seccomp, which kills it for"
			   " any system call");
	if (status_is(p, "x86_Thread_features", "shstk"))
		return say(why, "it has shadow stacks");
	if (!sees_proc(p))
		return say(why, "it sees no /proc, as after chroot(): without"
			   " that its library neither patches nor serves");
	if (parent > 0 && !syscall(SYS_kcmp, p->pid, parent, KCMP_VM, 0, 0))
		return say(why, "it shares its memory with process %ld: it is"
			   " between vfork() and exec()", parent);
	return 0;
}

static int check_machine(struct process *p, char why[WHY_MAX])
{
	Elf64_Ehdr e;

	for (size_t i = 0; i < p->n_maps; i++) {
		if (p->maps[i].offset ||
		    !process_read(p, p->maps[i].start, &e, sizeof(e)) ||
		    memcmp(e.e_ident, ELFMAG, SELFMAG))
			continue;
		return e.e_ident[EI_CLASS] == ELFCLASS64 &&
		       e.e_machine == PORT_MACHINE ? 0 :
		       say(why, "it is a program of another machine, or of 32"
			   " bits");
	}
	return say(why, "it has no program");
}

/* 0; or -1, or 1 as check_state(), and there is nothing to close. */
static int look_once(struct target *t, pid_t pid, char why[WHY_MAX])
{
	char said[WHY_MAX];
	int r;

	*t = (struct target){
		.pid = pid, .live = process_thread(pid), .notes = ATTACH_ALL_NOTES,
	};
	if (process_open(&t->process, t->live, said))
		return say(why, "it can't be attached to: %s", said);
	r = check_state(&t->process, said);
	if (!r)
		r = check_machine(&t->process, said);
	if (!r)
		r = find_copies(t, said);
	if (r) {
		process_close(&t->process);
		say(why, "it can't be attached to: %s", said);
	}
	return r;
}

/* The thread by which it was seen may have ended since, and it has others. */
static int look_at(struct target *t, pid_t pid, char why[WHY_MAX])
{
	int r = look_once(t, pid, why);

	for (unsigned i = 0; r < 0 && i < PROCESS_LIVES && t->live != pid &&
	     !process_has(pid, t->live); i++)
		r = look_once(t, pid, why);
	return r;
}

int attach_may(pid_t pid, char why[WHY_MAX])
{
	struct target t;

	if (look_at(&t, pid, why))
		return -1;
	process_close(&t.process);
	return 0;
}

/* ---- its memory ---------------------------------------------------------- */

static uint32_t word_of(const struct target *t, const struct copy *c,
			size_t field)
{
	uint32_t word = 0;

	(void)process_peek(&t->process, c->place + field, &word, sizeof(word));
	return word;
}

#define PLACE(t, c, field) \
	word_of(t, c, offsetof(struct sj_attach_place, field))

static void set_owner(const struct target *t, const struct copy *c,
		      uint32_t number)
{
	(void)process_poke(&t->process,
			   c->place + offsetof(struct sj_attach_place, owner),
			   &number, sizeof(number));
}

/* Is this stack pointer that of a call that we have had made? */
static bool is_in(const struct target *t, uint64_t sp)
{
	for (size_t i = 0; i < t->n; i++)
		if (sp - t->copies[i].place <= sizeof(struct sj_attach_place))
			return true;
	return false;
}

/* ---- threads: which ------------------------------------------------------ */

enum rank {
	RANK_OWNER, RANK_SLEEPS, RANK_RUNS, RANK_BREAKS, RANK_TIMED, RANK_NONE,
};

struct thread {
	pid_t tid;
	bool first;			/* of its process */
	enum rank rank;
	const char *why;		/* RANK_NONE */
	long call;			/* that it sleeps in; -1 */
	uint64_t arguments[6], sp;	/* sp: 0: not known */
};

static bool is_small_to_pipe(pid_t pid, const uint64_t arguments[6])
{
	char path[64];
	struct stat st;

	snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)pid,
		 (int)arguments[0]);
	return arguments[2] <= PIPE_BUF && !process_stat(path, &st) &&
	       S_ISFIFO(st.st_mode);
}

/* May it have done a part, so that a stop makes it say how much? */
static bool is_partial(pid_t pid, const struct thread *t)
{
	const uint64_t *a = t->arguments;

	switch (t->call) {
	case SYS_write: return !is_small_to_pipe(pid, a);
	case SYS_writev: case SYS_sendto: case SYS_sendmsg: case SYS_sendmmsg:
	case SYS_recvmmsg: case SYS_sendfile: case SYS_splice:
	case SYS_vmsplice: case SYS_copy_file_range: case SYS_getrandom:
		return true;
	case SYS_recvfrom: return a[3] & MSG_WAITALL;
	case SYS_recvmsg: return a[2] & MSG_WAITALL;
	/* It has submitted, and then waits. */
	case SYS_io_uring_enter: return a[1] && a[2];
	default: return false;
	}
}

/* What says EINTR for every stop, or has a time limit, or is not known? */
static enum rank rank_call(const struct thread *t)
{
	uint64_t limit = 0;

	switch (t->call) {
#ifdef SYS_epoll_wait
	case SYS_epoll_wait:
#endif
	case SYS_epoll_pwait: limit = (int32_t)t->arguments[3] > 0; break;
	case SYS_epoll_pwait2: limit = t->arguments[3]; break;
	/* Of these less is left than they began with; the kernel knows. */
#ifdef SYS_poll
	case SYS_poll: return (int32_t)t->arguments[2] > 0 ? RANK_BREAKS :
							     RANK_SLEEPS;
#endif
	case SYS_semtimedop: limit = t->arguments[3]; break;
	case SYS_rt_sigtimedwait: limit = t->arguments[2]; break;
	case SYS_io_getevents: case SYS_io_pgetevents:
		limit = t->arguments[4];
		break;
	case SYS_io_uring_enter: limit = t->arguments[5]; break;
#ifdef SYS_pause
	case SYS_pause: case SYS_select:
#endif
	case SYS_futex: case SYS_read: case SYS_readv: case SYS_write:
	case SYS_accept: case SYS_accept4: case SYS_recvfrom: case SYS_recvmsg:
	case SYS_connect: case SYS_wait4: case SYS_waitid: case SYS_pselect6:
	case SYS_ppoll: case SYS_rt_sigsuspend: case SYS_flock: case SYS_fcntl:
	case SYS_msgrcv: case SYS_msgsnd: case SYS_mq_timedreceive:
	case SYS_mq_timedsend:
		return RANK_SLEEPS;
	default: break;
	}
	return limit ? RANK_TIMED : RANK_BREAKS;
}

static void look_at_call(pid_t pid, struct thread *t)
{
	char line[256];
	uint64_t *a = t->arguments;
	int n;

	t->call = -1;
	t->sp = 0;
	if (!read_task(pid, t->tid, "syscall", line, sizeof(line)))
		return;
	n = sscanf(line, "%ld %" SCNx64 " %" SCNx64 " %" SCNx64 " %" SCNx64 " %"
		   SCNx64 " %" SCNx64 " %" SCNx64, &t->call, &a[0], &a[1],
		   &a[2], &a[3], &a[4], &a[5], &t->sp);
	if (n < 8) {
		t->sp = n == 3 ? a[0] : 0;	/* in no call: sp and pc */
		t->call = -1;
	}
}

static bool is_strict(pid_t pid, pid_t tid)
{
	char value[16];

	status_of(pid, tid, "Seccomp:", value, sizeof(value));
	return atoi(value) == 1;
}

/* The freezer's: it sleeps where signals are taken.  (proc(5): wchan) */
static bool is_frozen(pid_t pid, pid_t tid)
{
	char at[64];

	return read_task(pid, tid, "wchan", at, sizeof(at)) &&
	       (!strcmp(at, "get_signal") || !strcmp(at, "do_freezer_trap"));
}

/* NULL: nothing keeps it from being stopped, and from going on. */
static const char *why_not(pid_t pid, const struct thread *t, char state)
{
	if (state != 'S' && state != 'R')
		return "all are in the kernel, in vfork(), or in a frozen cgroup"
		       " (of version 1)";
	if (is_strict(pid, t->tid))
		return "strict seccomp kills it for any system call";
	if (state == 'S' && is_frozen(pid, t->tid))
		return "its cgroup is frozen";
	if (is_partial(pid, t))
		return "it is in a system call that may have done a part, and"
		       " would return early";
	return NULL;
}

static struct thread rank_thread(const struct target *t, pid_t tid)
{
	struct thread thread = {
		.tid = tid, .first = tid == t->pid, .rank = RANK_NONE,
	};
	uint32_t number = own_number(t->pid, tid);
	char state = process_state(t->pid, tid);
	bool owner = false;

	for (size_t i = 0; i < t->n && number; i++) {
		owner |= PLACE(t, &t->copies[i], owner) == number;
		if (PLACE(t, &t->copies[i], thread) == number)
			return thread;		/* that one is ours */
	}
	look_at_call(t->pid, &thread);
	thread.why = why_not(t->pid, &thread, state);
	if (owner && (!thread.why || !thread.sp || is_in(t, thread.sp)))
		thread.rank = RANK_OWNER;
	else if (!thread.why)
		thread.rank = thread.call < 0 ? RANK_RUNS : rank_call(&thread);
	return thread;
}

/* The first thread is the last, but for who is in the call already. */
static int by_rank(const void *a, const void *b)
{
	const struct thread *x = a, *y = b;

	if (x->first != y->first && x->rank != RANK_OWNER &&
	    y->rank != RANK_OWNER)
		return x->first - y->first;
	return x->rank != y->rank ? (int)x->rank - (int)y->rank :
				    x->tid - y->tid;
}

/* To be freed.  *why: why not others, if there are. */
static struct thread *rank_threads(const struct target *t, size_t *n,
				   const char **why)
{
	struct thread *threads = tool_alloc(1, sizeof(*threads));
	size_t room = 1;
	struct dirent *d;
	char path[64];
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/task", (int)t->pid);
	dir = opendir(path);
	for (*n = 0; dir && (d = readdir(dir)); ) {
		struct thread thread;

		if (atoi(d->d_name) <= 0)
			continue;
		thread = rank_thread(t, (pid_t)atoi(d->d_name));
		threads = tool_grow(threads, &room, *n + 1, sizeof(thread));
		if (thread.rank != RANK_NONE)
			threads[(*n)++] = thread;
		if (thread.why)
			*why = thread.why;
	}
	if (dir)
		closedir(dir);
	qsort(threads, *n, sizeof(*threads), by_rank);
	return threads;
}

/* ---- a thread, stopped --------------------------------------------------- */

enum outcome { DONE, AGAIN, ANOTHER, FAILED };	/* ANOTHER: thread */

struct taken {
	struct target *t;
	struct thread thread;
	struct port_state state;
	uint64_t mask;
	bool called;			/* it is not where it was */
	int held;			/* a signal that came meanwhile */
	uint64_t until;			/* ns */
	char *why;
};

static uint64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static void pause_us(long us)
{
	nanosleep(&(struct timespec){ 0, us * 1000 }, NULL);
}

static bool is_event_stop(int status)
{
	return status >> 16 == PTRACE_EVENT_STOP;
}

/* Of a thread that we hold and do nothing with. */
static void let_pass(pid_t tid, int status)
{
	int sig = WSTOPSIG(status);

	if (!WIFSTOPPED(status))
		return;
	if (is_event_stop(status)) {
		ptrace(sig == SIGTRAP ? PTRACE_CONT : PTRACE_LISTEN, tid, 0, 0);
		return;
	}
	port_begin_anew(tid);
	ptrace(PTRACE_CONT, tid, 0, sig);
}

/* The next stop of it.  -1: it has ended, or does not stop. */
static int next_stop(struct taken *k)
{
	int status;

	while (now() < k->until) {
		pid_t tid = waitpid(-1, &status, __WALL | WNOHANG);

		if (tid == k->thread.tid)
			return WIFSTOPPED(status) ? status : -1;
		if (tid > 0)
			let_pass(tid, status);
		else if (tid < 0)
			return -1;
		else
			pause_us(20);
	}
	return -1;
}

static bool is_stopping(int sig)
{
	return sig == SIGSTOP || sig == SIGTSTP || sig == SIGTTIN ||
	       sig == SIGTTOU;
}

/* What it has run, in ns.  0: not known. */
static uint64_t ran(const struct taken *k)
{
	char line[128];

	return read_task(k->t->pid, k->thread.tid, "schedstat", line,
			 sizeof(line)) ? strtoull(line, NULL, 10) : 0;
}

/*
 * One that runs, or waits to, does not show in which call it is; but only one
 * that sleeps in it now and then is told to return early.  So it is looked at
 * for a while of its time.
 */
static bool begins_to_write(struct taken *k)
{
	uint64_t began = ran(k);

	for (unsigned i = 0; i < ATTACH_LOOKS; i++) {
		look_at_call(k->t->pid, &k->thread);
		if (k->thread.call >= 0 || ran(k) - began > ATTACH_RUN_NS)
			break;
		pause_us(ATTACH_LOOK_US);
	}
	if (!is_partial(k->t->pid, &k->thread))
		return false;
	say(k->why, "its thread %d may have written a part of what it is to"
	    " write", (int)k->thread.tid);
	return true;
}

/* Stopped by us, and by nothing else. */
static enum outcome stop(struct taken *k)
{
	pid_t tid = k->thread.tid;

	if (ptrace(PTRACE_INTERRUPT, tid, 0, 0))
		return ANOTHER;
	for (;;) {
		int status = next_stop(k), sig = WSTOPSIG(status);

		if (status < 0) {
			say(k->why, "its thread %d does not stop", (int)tid);
			return ANOTHER;
		}
		if (is_event_stop(status) && sig == SIGTRAP)
			return DONE;
		if (is_event_stop(status) && is_stopping(sig)) {
			say(k->why, "it is stopped");
			let_pass(tid, status);
			return FAILED;
		}
		let_pass(tid, status);
		k->thread.call = -1;	/* it may have returned since */
	}
}

/*
 * rseq(2): is it in the midst of such a sequence, or has it named it and will
 * begin it in a few instructions?
 */
static bool in_sequence(const struct taken *k)
{
	const struct process *p = &k->t->process;
	struct { uint64_t at; uint32_t more[4]; } c;
	struct { uint32_t version, flags; uint64_t start, length, abort; } cs;
	uint64_t where;

	if (ptrace(PTRACE_GET_RSEQ_CONFIGURATION, k->thread.tid, sizeof(c),
		   &c) < 0)
		return false;
	return c.at && process_peek(p, c.at + 8, &where, sizeof(where)) &&
	       where && process_peek(p, where, &cs, sizeof(cs)) &&
	       port_pc(&k->state) - cs.start + SEQUENCE_BEFORE <
		       cs.length + SEQUENCE_BEFORE;
}

/* Does it answer its own system calls?  prctl(PR_SET_SYSCALL_USER_DISPATCH) */
static bool dispatches(pid_t tid)
{
	const int get = 0x4211;		/* Linux 6.4: its configuration */
	uint64_t config[4] = { 0 };

	return !ptrace((enum __ptrace_request)get, tid, sizeof(config), config) &&
	       config[0];
}

static pid_t tracer_of(pid_t tid)
{
	char line[64];

	status_of(tid, tid, "TracerPid:", line, sizeof(line));
	return (pid_t)atoi(line);
}

/* pid_namespaces(7): not after unshare(2).  Who may not see it is not told. */
static bool makes_threads(pid_t pid, pid_t tid)
{
	struct stat own, of_children;
	char path[80];
	int end;

	end = snprintf(path, sizeof(path), "/proc/%d/task/%d/ns/pid", (int)pid,
		       (int)tid);
	if (stat(path, &own))
		return true;
	snprintf(path + end, sizeof(path) - (size_t)end, "_for_children");
	if (!stat(path, &of_children))
		return own.st_ino == of_children.st_ino;
	/* It leads nowhere as long as nobody is there. */
	return errno != ENOENT || lstat(path, &of_children);
}

/*
 * A shadow stack (CET) stands in no frame that is written from outside.  The call
 * leaves it as it was: who calls returns, and the kernel makes one for the thread
 * that is made.  But rt_sigreturn(2) wants a token on it that only a signal's
 * delivery writes: a tool that is killed would end the process.
 */
static bool has_shadow_stack(pid_t pid, pid_t tid)
{
	char value[64];

	status_of(pid, tid, "x86_Thread_features:", value, sizeof(value));
	return strstr(value, "shstk");
}

/* NULL: it can do what the call wants, and come back from there. */
static const char *unfit(pid_t pid, pid_t tid)
{
	return has_shadow_stack(pid, tid) ? "it has a shadow stack" :
	       makes_threads(pid, tid) ? NULL :
	       "it can make no thread, for its children are to be in another PID"
	       " namespace (unshare(2))";
}

/* Traced, but not stopped.  What was held before is. */
static bool hold(struct taken *k)
{
	pid_t tid = k->thread.tid;
	const char *unfit_for = unfit(k->t->pid, tid);

	if (unfit_for) {
		say(k->why, "its thread %d: %s", (int)tid, unfit_for);
		return false;
	}
	if (begins_to_write(k))
		return false;
	if (!ptrace(PTRACE_SEIZE, tid, 0, PTRACE_O_TRACESYSGOOD) ||
	    tracer_of(tid) == getpid())
		return true;
	say(k->why, tracer_of(tid) ? "another process traces its thread %d" :
	    "its thread %d can't be traced", (int)tid);
	return false;
}

static void release(const struct taken *k)
{
	ptrace(PTRACE_DETACH, k->thread.tid, 0, 0);
}

/* Stopped, and everything of it is known. */
static enum outcome stop_and_read(struct taken *k)
{
	enum outcome o = stop(k);

	if (o != DONE)
		return o;
	if (!port_read(k->thread.tid, &k->state, k->thread.call,
		       k->thread.arguments) ||
	    ptrace(PTRACE_GETSIGMASK, k->thread.tid, sizeof(k->mask),
		   &k->mask)) {
		say(k->why, "its thread %d can't be read: %s",
		    (int)k->thread.tid, strerror(errno));
		release(k);
		return ANOTHER;
	}
	return DONE;
}

/* And where it may be taken over; otherwise it is let go. */
static enum outcome stop_well(struct taken *k)
{
	for (unsigned i = 0; i < ATTACH_TRIES; i++) {
		enum outcome o = stop_and_read(k);
		const char *refused;

		if (o != DONE)
			return o;
		refused = dispatches(k->thread.tid) ?
			  "it answers its system calls by itself" :
			  port_refuses(&k->state);
		if (refused) {
			say(k->why, "its thread %d: %s", (int)k->thread.tid,
			    refused);
			release(k);
			return ANOTHER;
		}
		if (!in_sequence(k) && !is_in(k->t, port_sp(&k->state)) &&
		    !port_unclear(k->thread.tid, &k->state))
			return DONE;
		ptrace(PTRACE_CONT, k->thread.tid, 0, 0);
		pause_us(500);
		if (begins_to_write(k))
			return ANOTHER;
	}
	say(k->why, "its thread %d is never where it can be taken over",
	    (int)k->thread.tid);
	return ANOTHER;
}

/* ---- another tool: see the head ------------------------------------------ */

/* The next thread's number.  0: there is none. */
static pid_t next_thread(DIR *dir)
{
	struct dirent *d;

	while ((d = readdir(dir)))
		if (atoi(d->d_name) > 0)
			return (pid_t)atoi(d->d_name);
	return 0;
}

/* `t', or by whoever it shows, which in a container may be nobody. */
static bool is_others(pid_t pid, pid_t tid, bool by_state)
{
	pid_t tracer;

	if (by_state && process_state(pid, tid) != 't')
		return false;
	tracer = tracer_of(tid);
	return tracer != getpid() && (tracer || by_state);
}

/* Is it an owner, and in the call, as far as can be seen? */
static bool is_in_call(const struct target *t, pid_t tid, uint32_t owner)
{
	struct thread thread = { .tid = tid };

	if (own_number(t->pid, tid) != owner)
		return false;
	look_at_call(t->pid, &thread);
	return !thread.sp || is_in(t, thread.sp);
}

/* The one that is at it; 0: nobody.  mine: the thread that is stopped, or 0. */
static pid_t owned(const struct target *t, DIR *dir, pid_t mine)
{
	pid_t tid = 0;

	for (size_t i = 0; i < t->n && !tid; i++) {
		uint32_t owner = PLACE(t, &t->copies[i], owner);

		if (!owner)
			continue;
		rewinddir(dir);
		while ((tid = next_thread(dir)) &&
		       (tid == mine || !is_in_call(t, tid, owner)))
			;
	}
	return tid;
}

/*
 * mine: the thread that we have stopped; 0: none yet, and who is in the call by
 * a tool that was killed is not another's.
 */
static bool others_at_it(const struct target *t, pid_t mine, char why[WHY_MAX])
{
	pid_t tid = 0;
	char path[64];
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/task", (int)t->pid);
	dir = opendir(path);
	if (!dir)
		return false;		/* it has ended */
	while ((tid = next_thread(dir)))
		if (tid != mine && is_others(t->pid, tid, mine))
			break;
	if (!tid && mine)
		tid = owned(t, dir, mine);
	closedir(dir);
	if (tid)
		say(why, "another process traces its thread %d", (int)tid);
	return tid;
}

/* ---- the call ------------------------------------------------------------ */

/* Not for what it does there. */
static bool is_sent(pid_t tid)
{
	siginfo_t info;

	return !ptrace(PTRACE_GETSIGINFO, tid, 0, &info) && info.si_code <= 0;
}

/* Until it is about to return. */
static enum outcome run_call(struct taken *k)
{
	pid_t tid = k->thread.tid;
	struct __ptrace_syscall_info info;

	for (;;) {
		int status, sig;

		status = ptrace(PTRACE_SYSCALL, tid, 0, 0) ? -1 : next_stop(k);
		sig = WSTOPSIG(status);
		if (status < 0) {
			say(k->why, "its thread %d has ended, or does not come"
			    " to an end of what it is to do", (int)tid);
			return FAILED;
		}
		if (sig == (SIGTRAP | 0x80)) {
			if (ptrace(PTRACE_GET_SYSCALL_INFO, tid, sizeof(info),
				   &info) > 0 &&
			    info.op == PTRACE_SYSCALL_INFO_ENTRY &&
			    info.entry.nr == SYS_rt_sigreturn)
				return DONE;
		} else if (is_event_stop(status)) {
			continue;	/* all stand still; it may go on */
		} else if (is_stopping(sig) || is_sent(tid)) {
			k->held = sig;
		} else {
			/* For a system call: others answer it.  Not this one. */
			say(k->why, "its library got signal %d", sig);
			return ANOTHER;
		}
	}
}

/* From there to where it can be given its registers back. */
static bool leave_out_return(struct taken *k)
{
	int status;

	if (!port_replace(k->thread.tid, SYS_getpid) ||
	    ptrace(PTRACE_SYSCALL, k->thread.tid, 0, 0))
		return false;
	status = next_stop(k);
	return status >= 0 && WSTOPSIG(status) == (SIGTRAP | 0x80);
}

static bool write_frame(struct taken *k, const struct copy *c)
{
	static uint8_t frame[SJ_ATTACH_FRAME];
	uint64_t at = c->place + offsetof(struct sj_attach_place, frame);
	size_t n = port_frame(&k->state, k->mask, at, frame, sizeof(frame));

	return n && process_poke(&k->t->process, at, frame, n);
}

static enum outcome call(struct taken *k, struct copy *c)
{
	/* But the one by which a program answers its own system calls: blocked,
	   it would end the process. */
	const uint64_t all = ~(UINT64_C(1) << (SIGSYS - 1));
	enum outcome o;

	if (!write_frame(k, c)) {
		say(k->why, "its memory can't be written to, or it has executed"
		    " another program");
		return FAILED;		/* and it goes on from where it is */
	}
	set_owner(k->t, c, own_number(k->t->pid, k->thread.tid));
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (PLACE(k->t, c, gone)) {
		c->error = -ENOENT;
		c->called = true;
		return DONE;
	}
	k->called = true;
	/* Signals second: killed in between, we would leave them blocked. */
	if (!port_put(k->thread.tid, &k->state, c->entry, c->place +
		      offsetof(struct sj_attach_place, frame)) ||
	    ptrace(PTRACE_SETSIGMASK, k->thread.tid, sizeof(all), &all)) {
		say(k->why, "its registers can't be written to: %s",
		    strerror(errno));
		return FAILED;
	}
	o = run_call(k);
	if (o != DONE)
		return o;
	c->error = (int32_t)PLACE(k->t, c, error);
	c->theirs = (int32_t)PLACE(k->t, c, theirs);
	c->called = c->error != -EBUSY;
	if (leave_out_return(k))
		return DONE;
	say(k->why, "its thread %d does not return", (int)k->thread.tid);
	return FAILED;
}

/*
 * Everything is put back.  The interruption is what makes the kernel look at
 * the system call again; killed in between, we leave a thread that gets back by
 * itself.
 */
static void put_back(struct taken *k)
{
	pid_t tid = k->thread.tid;

	if (k->called) {
		ptrace(PTRACE_SETSIGMASK, tid, sizeof(k->mask), &k->mask);
		ptrace(PTRACE_INTERRUPT, tid, 0, 0);
		port_restore(tid, &k->state);
	}
	for (size_t i = 0; i < k->t->n; i++)
		set_owner(k->t, &k->t->copies[i], 0);
	release(k);
	if (k->held)
		syscall(SYS_tgkill, k->t->pid, tid, k->held);
}

/* The thread is ours, and runs. */
static enum outcome call_all(struct taken *k)
{
	enum outcome o = stop_well(k);

	if (o != DONE)
		return o;
	if (others_at_it(k->t, k->thread.tid, k->why)) {
		release(k);
		return AGAIN;
	}
	if (filters_allow(k->thread.tid, PORT_AUDIT, k->why)) {
		release(k);
		return FAILED;
	}
	for (size_t i = 0; i < k->t->n && o == DONE; i++)
		if (!k->t->copies[i].called)
			o = call(k, &k->t->copies[i]);
	/* Who is not where he can be put back gets there by the frame. */
	if (o == DONE || o == ANOTHER)
		put_back(k);
	return o;
}

/* ---- what comes of it ---------------------------------------------------- */

static bool is_theirs(int fd, pid_t pid)
{
	struct ucred who;
	socklen_t size = sizeof(who);
	int type = 0;
	socklen_t type_size = sizeof(type);

	return !getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &size) &&
	       who.pid == pid &&
	       !getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &type_size) &&
	       type == SOCK_SEQPACKET;
}

/* By this thread.  -1: errno. */
static int take_descriptor(const struct target *t, pid_t live, int theirs)
{
	/* PIDFD_THREAD, of Linux 6.9 */
	int pidfd = (int)syscall(SYS_pidfd_open, live,
				 live == t->pid ? 0 : O_EXCL);
	int fd, saved;

	if (pidfd < 0)
		return -1;
	fd = (int)syscall(SYS_pidfd_getfd, pidfd, theirs, 0);
	saved = errno;
	close(pidfd);
	errno = saved;
	return fd;
}

static int get_end(const struct target *t, const struct copy *c,
		   char why[WHY_MAX])
{
	int fd = take_descriptor(t, t->live, c->theirs);

	for (unsigned i = 0; fd < 0 && errno == ESRCH && i < PROCESS_LIVES; i++)
		fd = take_descriptor(t, process_thread(t->pid), c->theirs);
	if (fd < 0)
		say(why, "its end of the connection: %s", strerror(errno));
	if (fd >= 0 && !is_theirs(fd, t->pid)) {
		say(why, "its end of the connection is another file");
		close(fd);
		fd = -1;
	}
	return fd;
}

/* What a child of ours says. */
struct message {
	bool done;			/* this is the last */
	char why[WHY_MAX];		/* it went wrong */
};

static int refusal(const struct copy *c, char why[WHY_MAX])
{
	return say(why, "its library can't start: %s", c->error == -ENOENT ?
		   "it has not begun, or is about to be unloaded" :
		   strerror(-c->error));
}

/* AGAIN: a copy is in the midst of ending. */
static enum outcome hand_over(struct target *t, int to, char why[WHY_MAX])
{
	struct message m = { .done = false };
	enum outcome o = DONE;

	for (size_t i = 0; i < t->n; i++) {
		struct copy *c = &t->copies[i];
		int fd;

		if (c->given)
			continue;
		if (!c->called) {
			o = o == DONE ? AGAIN : o;
			say(why, "its library is never done with others");
			continue;
		}
		c->given = true;
		fd = c->error ? refusal(c, why) : get_end(t, c, why);
		if (fd >= 0)
			pass_send(to, &m, sizeof(m), fd), close(fd);
		else
			o = FAILED;
	}
	return o;
}

/* One thread after the other, until one can be taken over. */
static enum outcome take_any(struct target *t, uint64_t until,
			     char why[WHY_MAX])
{
	const char *reason = "it has none";
	enum outcome o = ANOTHER;
	struct thread *threads;
	size_t n;

	if (others_at_it(t, 0, why))
		return AGAIN;
	threads = rank_threads(t, &n, &reason);
	say(why, "it has no thread that can be stopped: %s", reason);
	for (size_t i = 0; i < n && o == ANOTHER && now() < until; i++) {
		static struct taken k;

		k = (struct taken){ .t = t, .thread = threads[i], .why = why,
				    .until = until };
		if (!threads[i].why && hold(&k))
			o = call_all(&k);
		/* The frame is still his. */
		if (o == ANOTHER && threads[i].rank == RANK_OWNER)
			break;
	}
	free(threads);
	return o;
}

/* In the child. */
static enum outcome attach(struct target *t, int to, char why[WHY_MAX])
{
	uint64_t until = now() + ATTACH_S * UINT64_C(1000000000);
	const uint64_t patience = ATTACH_PATIENCE_S * UINT64_C(1000000000);
	uint64_t patient = now() + patience;
	enum outcome o = AGAIN;
	long us = 1000;

	while (now() < until &&
	       (o == AGAIN || (o == ANOTHER && now() < patient))) {
		o = take_any(t, until, why);
		if (o == DONE)
			o = hand_over(t, to, why);
		/* It is another's turn, which is none of the threads' doing. */
		if (o == AGAIN)
			patient = now() + patience;
		/* Not the same for all. */
		if (o == AGAIN)
			pause_us(ATTACH_TURN_US / 2 + (long)(now() / 64 +
				 (uint64_t)getpid()) % ATTACH_TURN_US);
		if (o == ANOTHER)
			pause_us(us);
		if (o == ANOTHER && us < ATTACH_PAUSE_US)
			us *= 2;
	}
	return o;
}

static void be_tracer(pid_t pid, int to)
{
	struct message m = { .done = true };
	struct target t;
	char said[WHY_MAX] = "";
	int r = look_at(&t, pid, m.why);

	for (unsigned ms = 0; ms < ATTACH_TURN_MS && r == 1; ms++) {
		pause_us(1000);
		r = look_at(&t, pid, m.why);
	}
	if (!r && attach(&t, to, said) != DONE)
		say(m.why, "it can't be attached to: %s", said);
	pass_send(to, &m, sizeof(m), -1);
	_exit(0);
}

static int receive_all(struct pass_child *child, int *fds, size_t max,
		       char why[WHY_MAX])
{
	struct message m = { .why = "" };
	enum pass_said said;
	size_t n = 0;
	int fd;

	while ((said = pass_wait(child, &m, sizeof(m), &fd, ATTACH_STUCK_MS)) ==
	       PASS_SAID && !m.done) {
		if (fd >= 0 && n < max)
			fds[n++] = fd;
		else if (fd >= 0)
			close(fd);
	}
	pass_end(child, said == PASS_STUCK);
	if (n)
		return (int)n;
	if (said == PASS_STUCK)
		return say(why, "it can't be attached to: a file of it is on a"
			   " file system that does not answer");
	m.why[sizeof(m.why) - 1] = '\0';
	return say(why, "%s", *m.why ? m.why : "it can't be attached to: our"
		   " tracer was killed");
}

int attach_open(pid_t pid, int *fds, size_t max, char why[WHY_MAX])
{
	struct pass_child child;
	int to, r = pass_begin(&child, &to);

	if (r < 0)
		return say(why, "a process: %s", strerror(errno));
	if (!r)
		be_tracer(pid, to);
	return receive_all(&child, fds, max, why);
}

#endif
