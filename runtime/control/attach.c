/* SPDX-License-Identifier: MIT */
/*
 * Live control of a process that did not ask for it: a tool has a thread of it
 * make one call (attach.h), which starts a thread that serves the tool and ends
 * with it.  Owns that call, that thread and who is connected in this way.
 *
 * THE CALL strikes a thread at any instruction: in malloc(), in the dynamic
 * loader, with any lock held, ours included, on no stack of its own.  So it
 * takes no lock, calls nothing of libc and writes no errno; what it changes are
 * single words.
 *
 * THE THREAD is the kernel's alone: to make one that libc knows takes libc's
 * locks and malloc().  Its memory has zeros where libc has thread-local
 * variables, as if none had been used.  That suffices for system calls, errno,
 * strings and, once it has a locale, snprintf(); it must not allocate.  (It has
 * no number for rseq(2), and says so.)  Two things such a thread does not hear
 * of: setuid(2) in the others, so it looks at times whether the process's user
 * is what it was, and ends if not; and the end of its text, which a destructor
 * tells it.
 *
 * THE DOOR, one word.
 *
 *	CLOSED, OPEN -> TAKEN	a call, which may write `ours` and `theirs` now
 *	TAKEN -> COMING		the same, when it has (release).  It makes a
 *				thread if the door was closed
 *	COMING -> OPEN		the thread, which has read them (acquire) and
 *				taken in who came (release)
 *	COMING -> CLOSED	the call, which could make no thread
 *	OPEN -> CLOSED		the thread, which has nobody and ends
 *
 * So a call that finds it taken, or somebody coming, has to come again: it says
 * EBUSY, as no system call does that it makes.
 *
 * attach_lock guards the peers: the thread's but for fork(), which holds it.
 * It is the outermost lock and not held while a request is answered.  In the
 * child there is another thread, made in fork()'s handler: for that, too, no
 * libc is needed.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "arch/attach.h"
#include "arch/percpu.h"
#include "runtime/control/agent.h"
#include "runtime/control/attach.h"
#include "runtime/sites/image.h"

#if !SJ_ATTACH

void sj_attach_ready(void)
{
}

#else

enum {
	ATTACH_PEERS = 16,
	ATTACH_STACK_SIZE = 64 * 1024,
	ATTACH_ABOVE = 16 * 1024,	/* of a thread pointer: libc's own */
	ATTACH_LOOK_MS = 200,		/* who came; whose process it is */
	ATTACH_WAIT_NS = 1000000,	/* for it to end, so often: */
	ATTACH_WAITS = 2000,
};

enum attach_door { DOOR_CLOSED, DOOR_OPEN, DOOR_TAKEN, DOOR_COMING };

#define ATTACH_CLONE	(CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | \
			 CLONE_THREAD | CLONE_SYSVSEM | CLONE_SETTLS | \
			 CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID)

/* Seen by the assembler text below, and by no other object. */
#define ATTACH_FOR_ASM	__attribute__((visibility("hidden"), used))

ATTACH_FOR_ASM struct sj_attach_place sj_place;

ATTACH_FOR_ASM void sj_attach_call(void);
ATTACH_FOR_ASM __attribute__((noreturn)) void sj_attach_main(void);

__asm__(
	"	.pushsection .text\n"
	"	.balign	16\n"
	SJ_ATTACH_ENTRY
	"	.popsection\n"
	"	.pushsection .note.side_jmp, \"a\", %note\n"
	"	.balign	4\n"
	"	.long	9, 12, 1\n"	/* of the name; of what follows it */
	"	.ascii	\"" SJ_ATTACH_NAME "\"\n"
	"	.long	0\n"		/* its end, up to a multiple of 4 */
	"	.long	1\n"
	"	.long	sj_attach_entry - .\n"
	"	.long	sj_place - .\n"
	"	.popsection\n");
_Static_assert(SJ_ATTACH_TYPE == 1 && SJ_ATTACH_VERSION == 1 &&
	       sizeof(SJ_ATTACH_NAME) == 9 &&
	       sizeof(struct sj_attach_note) == 12,
	       "the note says so");

static uint32_t attach_lock SJ_WRITTEN_BY_FORK;

static struct {
	bool stop;			/* the text goes; atomic */
	pid_t pid;			/* whose peers those are; 0: nobody's */
	/* The thread's, and in fork()'s handlers. */
	struct control_peer peers[ATTACH_PEERS];
	int theirs[ATTACH_PEERS];	/* open until they have it; -1 */
	struct sj_file theirs_file[ATTACH_PEERS];
	uint64_t came[ATTACH_PEERS];
	/* Its memory, and where it sees whose process it is. */
	char *memory;
	size_t size;
	int status;			/* -1: it can't be seen */
	struct sj_file status_file;
} attach;

/* ---- making the thread --------------------------------------------------- */

/*
 * How far from the thread pointer the thread-local variables are, of libc and
 * of ours: the same in every thread.  0: not known.
 */
static size_t attach_distance;

void sj_attach_ready(void)
{
	static __thread char here __attribute__((tls_model("initial-exec")));
	const char *thread = sj_attach_pointer();
	const char *all[] = { &here, (const char *)&errno };
	size_t far = 0;

	for (unsigned i = 0; i < 2; i++) {
		size_t n = (size_t)(all[i] < thread ? thread - all[i] :
						      all[i] - thread);

		far = n > far ? n : far;
	}
	attach_distance = (far + ATTACH_ABOVE) / ATTACH_ABOVE * ATTACH_ABOVE;
}

/* A page that nobody has, the stack, variables on both sides of the pointer. */
static long attach_map(void)
{
	size_t size = ATTACH_ABOVE + ATTACH_STACK_SIZE + 2 * attach_distance +
		      ATTACH_ABOVE;
	long at = sj_attach_syscall(SYS_mmap, 0, (long)size,
				    PROT_READ | PROT_WRITE,
				    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (at < 0 && at > -4096)
		return at;
	(void)sj_attach_syscall(SYS_mprotect, at, ATTACH_ABOVE, PROT_NONE, 0, 0,
				0);
	attach.memory = (char *)at;
	attach.size = size;
	return 0;
}

static uint32_t attach_pid(void)
{
	return (uint32_t)sj_attach_syscall(SYS_getpid, 0, 0, 0, 0, 0, 0);
}

static void attach_close(int fd)
{
	(void)sj_attach_syscall(SYS_close, fd, 0, 0, 0, 0, 0);
}

/*
 * Out of the way before the thread goes on, which may count on the lowest
 * number: so whatever stays open is opened here.
 */
static int attach_aside(long fd)
{
	long high = sj_attach_syscall(SYS_fcntl, fd, F_DUPFD_CLOEXEC,
				      SJ_FILE_ASIDE, 0, 0, 0);

	if (high < 0)
		high = sj_attach_syscall(SYS_fcntl, fd, F_DUPFD_CLOEXEC,
					 SJ_FILE_ASIDE_OF_FEW, 0, 0, 0);
	if (high < 0)
		return (int)fd;
	attach_close((int)fd);
	return (int)high;
}

/* With all signals blocked, which it inherits.  0 or -errno. */
static long attach_make_thread(void)
{
	char *stack, *thread;
	long r = sj_attach_syscall(SYS_openat, AT_FDCWD,
				   (long)"/proc/self/status",
				   O_RDONLY | O_CLOEXEC, 0, 0, 0);

	if (r < 0)
		return r;
	attach.status = attach_aside(r);
	r = attach_map();
	if (r) {
		attach_close(attach.status);
		return r;
	}
	stack = attach.memory + ATTACH_ABOVE + ATTACH_STACK_SIZE;
	thread = stack + attach_distance;
	sj_attach_prepare(thread);
	sj_place.pid = attach_pid();
	r = sj_attach_clone(ATTACH_CLONE, stack, &sj_place.thread, thread);
	if (r > 0)
		return 0;
	(void)sj_attach_syscall(SYS_munmap, (long)attach.memory,
				(long)attach.size, 0, 0, 0, 0);
	attach_close(attach.status);
	return r;
}

/* ---- the call ------------------------------------------------------------ */

/* Where it is open or closed; -EBUSY: in a moment it will be. */
static long attach_door(uint32_t *door)
{
	uint32_t pid = attach_pid();

	*door = __atomic_load_n(&sj_place.door, __ATOMIC_ACQUIRE);
	/* A child of which fork() did not tell us has no thread. */
	if (*door != DOOR_CLOSED && sj_place.pid != pid) {
		sj_place.thread = 0;
		*door = sj_place.door = DOOR_CLOSED;
	}
	return *door >= DOOR_TAKEN || (*door == DOOR_CLOSED &&
		__atomic_load_n(&sj_place.thread, __ATOMIC_ACQUIRE)) ? -EBUSY :
									0;
}

static long attach_knock(uint32_t door, const int pair[2])
{
	long r;

	if (!__atomic_compare_exchange_n(&sj_place.door, &door, DOOR_TAKEN,
					 false, __ATOMIC_ACQUIRE,
					 __ATOMIC_RELAXED))
		return -EBUSY;
	sj_place.ours = pair[0];
	sj_place.theirs = pair[1];
	__atomic_store_n(&sj_place.door, DOOR_COMING, __ATOMIC_RELEASE);
	if (door == DOOR_OPEN)
		return 0;
	r = attach_make_thread();
	if (r)
		__atomic_store_n(&sj_place.door, DOOR_CLOSED, __ATOMIC_RELEASE);
	return r;
}

static long attach_connect(void)
{
	uint32_t door;
	int pair[2];
	long r = attach_door(&door);

	if (r)
		return r;
	if (!attach_distance || !sj_fork_begun())	/* no events */
		return -ENOENT;
	r = sj_attach_syscall(SYS_socketpair, AF_UNIX, SOCK_SEQPACKET |
			      SOCK_CLOEXEC | SOCK_NONBLOCK, 0, (long)pair, 0,
			      0);
	if (r)
		return r;
	pair[0] = attach_aside(pair[0]);
	pair[1] = attach_aside(pair[1]);
	r = attach_knock(door, pair);
	if (r) {
		attach_close(pair[0]);
		attach_close(pair[1]);
	}
	return r;
}

/* In a thread that is somebody else's; see the head. */
void sj_attach_call(void)
{
	sigmask_t all = ~(sigmask_t)0;

	/* As the tool has had it; but a tool can be killed before it has. */
	(void)sj_attach_syscall(SYS_rt_sigprocmask, SIG_SETMASK, (long)&all, 0,
				sizeof(all), 0, 0);
	__atomic_store_n(&sj_place.error, (int32_t)attach_connect(),
			 __ATOMIC_RELEASE);
}

/* ---- who is connected: attach_lock --------------------------------------- */

/* They have it by now, or will not. */
static void attach_let_go(unsigned i)
{
	if (attach.theirs[i] >= 0 &&
	    sj_file_still(attach.theirs[i], &attach.theirs_file[i]))
		close(attach.theirs[i]);
	attach.theirs[i] = -1;
}

/* Somebody, or one who has gone and whose stream could not be ended. */
static bool attach_has(unsigned i)
{
	return attach.peers[i].fd >= 0 || attach.peers[i].stream.area.at;
}

static void attach_part(unsigned i, bool hang_up)
{
	attach_let_go(i);
	sj_peer_part(&attach.peers[i], hang_up);
}

static void attach_take_in(void)
{
	unsigned i = 0;

	while (i < ATTACH_PEERS && attach_has(i))
		i++;
	if (i < ATTACH_PEERS && sj_peer_take(&attach.peers[i], sj_place.ours)) {
		attach.theirs[i] = sj_place.theirs;
		attach.came[i] = sj_now();
		(void)sj_file_note(sj_place.theirs, &attach.theirs_file[i]);
		return;
	}
	if (i == ATTACH_PEERS)
		close(sj_place.ours);
	close(sj_place.theirs);
}

static void attach_close_status(void)
{
	if (attach.status >= 0 &&
	    sj_file_still(attach.status, &attach.status_file))
		close(attach.status);
	attach.status = -1;
}

/*
 * Whoever came is in.  False: there is nobody, and nobody comes any more until
 * this thread has ended.
 */
static bool attach_look(void)
{
	uint32_t door = DOOR_OPEN;

	if (__atomic_load_n(&sj_place.door, __ATOMIC_ACQUIRE) == DOOR_COMING) {
		attach_take_in();
		__atomic_store_n(&sj_place.door, DOOR_OPEN, __ATOMIC_RELEASE);
	}
	for (unsigned i = 0; i < ATTACH_PEERS; i++)
		if (attach_has(i))
			return true;
	if (!__atomic_compare_exchange_n(&sj_place.door, &door, DOOR_CLOSED,
					 false, __ATOMIC_RELEASE,
					 __ATOMIC_RELAXED))
		return true;
	attach_close_status();
	return false;
}

/* ---- whose process it is ------------------------------------------------- */

struct attach_user {
	char text[160];			/* Uid:, Gid:, and what it may do */
};

/* name: with the end of the line before. */
static void attach_copy_line(struct sj_text *t, const char *status,
			     const char *name)
{
	const char *line = strstr(status, name);

	for (line = line ? line + 1 : ""; *line && *line != '\n' && !t->full;
	     line++)
		sj_text_char(t, *line);
}

/* False: it can't be seen. */
static bool attach_read_user(struct attach_user *user)
{
	char status[4096];
	struct sj_text t = {
		user->text, user->text + sizeof(user->text), false,
	};
	ssize_t n = -1;

	if (sj_file_still(attach.status, &attach.status_file))
		n = pread(attach.status, status, sizeof(status) - 1, 0);
	if (n <= 0)
		return false;
	status[n] = '\0';
	memset(user, 0, sizeof(*user));
	attach_copy_line(&t, status, "\nUid:");
	attach_copy_line(&t, status, "\nGid:");
	attach_copy_line(&t, status, "\nCapPrm:");
	return !t.full && user->text[0];
}

static bool attach_same_user(const struct attach_user *was)
{
	struct attach_user now;

	return attach_read_user(&now) && !memcmp(&now, was, sizeof(now));
}

/* ---- the thread ---------------------------------------------------------- */

struct attach_poll {
	nfds_t n;
	struct pollfd fds[ATTACH_PEERS];
	unsigned which[ATTACH_PEERS];
};

static bool attach_prepare(struct attach_poll *p)
{
	sigmask_t mask = sj_enter(&attach_lock);
	bool goes_on = attach_look();

	p->n = 0;
	for (unsigned i = 0; i < ATTACH_PEERS; i++) {
		if (attach.peers[i].fd < 0)
			continue;
		if (sj_now() - attach.came[i] >=
		    SJ_ATTACH_MS * UINT64_C(1000000))
			attach_let_go(i);
		p->fds[p->n] = sj_peer_poll(&attach.peers[i]);
		p->which[p->n++] = i;
	}
	sj_leave(&attach_lock, mask);
	return goes_on;
}

static void attach_serve(unsigned i)
{
	struct control_peer *peer = &attach.peers[i];
	bool goes_on = sj_peer_serve(peer, attach.peers, ATTACH_PEERS);
	sigmask_t mask = sj_enter(&attach_lock);

	/* Who has asked has his end. */
	attach_let_go(i);
	if (!goes_on)
		attach_part(i, !peer->inherited);
	sj_leave(&attach_lock, mask);
}

static void attach_end_all(void)
{
	sigmask_t mask;

	for (unsigned i = 0; i < ATTACH_PEERS; i++)
		(void)sj_control_end(&attach.peers[i].stream);
	mask = sj_enter(&attach_lock);
	for (unsigned i = 0; i < ATTACH_PEERS; i++)
		if (attach.peers[i].fd >= 0)
			attach_part(i, !attach.peers[i].inherited);
	sj_leave(&attach_lock, mask);
}

/*
 * Once more, of those who have gone, when nobody else waits: no tracer stays
 * without its thread.
 */
static void attach_end_left(void)
{
	for (unsigned i = 0; i < ATTACH_PEERS; i++)
		if (attach.peers[i].fd < 0)
			(void)sj_control_end(&attach.peers[i].stream);
}

static void attach_run(void)
{
	struct attach_user user;
	bool known = attach_read_user(&user);
	struct attach_poll p;

	while (attach_prepare(&p)) {
		int n;

		if (__atomic_load_n(&attach.stop, __ATOMIC_ACQUIRE) || !known ||
		    !attach_same_user(&user)) {
			attach_end_all();
			continue;
		}
		if (!p.n)
			attach_end_left();
		n = poll(p.fds, p.n, ATTACH_LOOK_MS);
		for (nfds_t i = 0; n > 0 && i < p.n; i++)
			if (p.fds[i].revents)
				attach_serve(p.which[i]);
	}
}

static void attach_begin(void);

void sj_attach_main(void)
{
	char *memory = attach.memory;
	size_t size = attach.size;
	int32_t *rseq = sj_percpu();

	if (rseq)
		rseq[1] = -1;		/* which CPU it is on: not known */
	/* Which libc looks for behind the thread pointer, and finds zeros. */
	(void)uselocale(LC_GLOBAL_LOCALE);
	attach_begin();
	attach_run();
	sj_attach_exit(memory, size);
}

/* ---- fork ---------------------------------------------------------------- */

static pid_t attach_parent;		/* who forks; attach_lock */

static void attach_fork_prepare(void)
{
	sj_lock_word(&attach_lock);
	attach_parent = sj_pid();
}

static void attach_fork_parent(void)
{
	sj_unlock_word(&attach_lock);
}

static void attach_fork_anew(void)
{
	bool any = false;

	if (sj_place.door == DOOR_COMING) {
		close(sj_place.ours);
		close(sj_place.theirs);
		/* The thread may not have noted yet what it is. */
		close(attach.status);
		attach.status = -1;
	}
	munmap(attach.memory, attach.size);
	attach_close_status();
	sj_control_serve_after_fork();
	for (unsigned i = 0; i < ATTACH_PEERS; i++) {
		attach_let_go(i);
		sj_peer_inherit(&attach.peers[i], attach_parent);
		any |= attach_has(i);
	}
	sj_place.thread = 0;
	attach.pid = getpid();
	sj_place.door = any && !attach_make_thread() ? DOOR_OPEN : DOOR_CLOSED;
}

static void attach_fork_child(void)
{
	sigmask_t mask = sj_block_signals();	/* for the thread */

	if (sj_place.door != DOOR_CLOSED)
		attach_fork_anew();
	sj_restore_signals(mask);
}

static const struct sj_fork_hooks attach_fork = {
	attach_fork_prepare, attach_fork_parent, attach_fork_child,
};

/* ---- beginning and end --------------------------------------------------- */

/* Of a thread: who is connected may be so to another process. */
static void attach_begin(void)
{
	pid_t pid = getpid();

	(void)sj_fork_add(SJ_FORK_CONTROL, &attach_fork);
	if (!attach.pid)
		for (unsigned i = 0; i < ATTACH_PEERS; i++)
			attach.peers[i].fd = attach.theirs[i] = -1;
	else if (attach.pid != pid)
		attach_end_all();
	attach.pid = pid;
	(void)sj_file_note(attach.status, &attach.status_file);
}

/* In a child that has no such thread, there is none to wait for. */
static bool attach_has_ended(void)
{
	return !__atomic_load_n(&sj_place.thread, __ATOMIC_ACQUIRE) ||
	       sj_place.pid != (uint32_t)getpid();
}

static bool attach_nobody_in_call(void)
{
	return !__atomic_load_n(&sj_place.owner, __ATOMIC_SEQ_CST);
}

static void attach_wait(bool (*over)(void))
{
	for (unsigned i = 0; i < ATTACH_WAITS && !over(); i++)
		sj_pause(ATTACH_WAIT_NS);
}

/* Where the text goes, so must who runs there; else the process ends. */
__attribute__((destructor))
static void attach_at_exit(void)
{
	sigmask_t mask;

	if (sj_image_in_executable(&attach))
		return;
	__atomic_store_n(&sj_place.gone, 1, __ATOMIC_SEQ_CST);
	attach_wait(attach_nobody_in_call);
	if (attach_has_ended())
		return;
	__atomic_store_n(&attach.stop, true, __ATOMIC_RELEASE);
	mask = sj_enter(&attach_lock);
	for (unsigned i = 0; i < ATTACH_PEERS; i++)
		if (attach.peers[i].fd >= 0 && sj_file_still(attach.peers[i].fd,
							&attach.peers[i].file))
			shutdown(attach.peers[i].fd, SHUT_RDWR);
	sj_leave(&attach_lock, mask);
	attach_wait(attach_has_ended);
}

#endif
