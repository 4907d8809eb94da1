/* SPDX-License-Identifier: MIT */
/*
 * Live control from within: one thread that sleeps until somebody connects to
 * its socket (control.h), and lets him see and change this process.  Owns the
 * socket, who is connected, and the thread.  How requests are answered is
 * serve.c's.
 *
 * The process is somebody else's.  The thread blocks every signal but those that
 * libc has for itself: setuid(), which is every thread's, waits for it.  It is
 * asleep in poll(2) all the time that nobody asks.  Its descriptors lie out of
 * the way, and may be closed by a program that closes what it does not know; then
 * whoever connects next finds nobody, wakes the thread all the same (poll(2)
 * keeps the socket for as long as it sleeps), and that makes a new socket.
 *
 *
 * FORK.  The child has no such thread and needs a socket of its own.  Our handlers
 * at pthread_atfork(3) are registered when control starts for the first time and
 * a thread has been made, so that most allocators' are there before and theirs
 * have run when ours starts the child's thread.  Most children exec at once: so
 * that thread waits a moment before it makes a socket.
 *
 * agent.lock guards all of `agent` and is not held while a request is answered.
 * It is the outermost of all, held with signals blocked, and by fork().
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "runtime/control/agent.h"
#include "runtime/sites/image.h"

enum {
	AGENT_PEERS = 32,		/* others wait */
	AGENT_STACK = 128 * 1024,
	AGENT_CHILD_NS = 20000000,	/* before a child's socket */
	AGENT_PAUSE_NS = 100000000,	/* when there are no descriptors */
	AGENT_JOIN = 2,			/* seconds */
	AGENT_SWEEP = 64,		/* dead ones' sockets at a time */
};

static struct {
	uint32_t lock;
	bool running;			/* there is a thread */
	bool stop;			/* and it is to end */
	bool at_fork;			/* handlers are registered */
	bool child;			/* not yet a socket: see FORK */
	pthread_t thread;
	int listener;			/* -1: none */
	struct sj_file file;		/* what it was */
	char name[sizeof(((struct sockaddr_un *)NULL)->sun_path)];
					/* "": it has none */
	struct control_peer peers[AGENT_PEERS];
} agent = { .listener = -1 };

static sigmask_t agent_enter(void)
{
	sigmask_t mask = sj_block_signals();

	sj_lock_word(&agent.lock);
	return mask;
}

static void agent_leave(sigmask_t mask)
{
	sj_unlock_word(&agent.lock);
	sj_restore_signals(mask);
}

/* ---- the socket: agent.lock ------------------------------------------------- */

static bool agent_folder_is_safe(const char *path)
{
	struct stat st;

	return !lstat(path, &st) && S_ISDIR(st.st_mode) &&
	       st.st_uid == geteuid() && !(st.st_mode & 077);
}

/* A mask of the program's own must not shut its other processes out. */
static int agent_make_folder(const char *folder)
{
	if (!mkdir(folder, 0700))
		return chmod(folder, 0700) ? -errno : 0;
	return errno == EEXIST ? 0 : -errno;
}

static bool agent_hears(const struct sockaddr_un *name)
{
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK,
			0);
	bool refused;

	refused = fd >= 0 && connect(fd, (const struct sockaddr *)name,
				     sizeof(*name)) && errno == ECONNREFUSED;
	if (fd >= 0)
		close(fd);
	return !refused;
}

/* True: there was nothing to be done for it. */
static bool agent_sweep_one(const char *folder, const char *name)
{
	struct sockaddr_un path = { .sun_family = AF_UNIX };
	int pid = atoi(name);

	if (pid <= 0 || !kill(pid, 0) || errno != ESRCH)
		return true;
	snprintf(path.sun_path, sizeof(path.sun_path), "%s/%.32s", folder, name);
	if (!agent_hears(&path))
		unlink(path.sun_path);
	return false;
}

/*
 * Who is killed, executes another program or calls _exit(2) leaves its socket; who
 * comes next takes some of them away.  It may belong to somebody who has another
 * number here: so it is tried, and is of nobody if it refuses.
 */
static void agent_sweep(const char *folder)
{
	struct {
		uint64_t inode, next;
		uint16_t size;
		uint8_t type;
		char name[];
	} *d;
	char entries[2048] __attribute__((aligned(8)));
	int dir = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	unsigned left = AGENT_SWEEP;
	long n;

	while (dir >= 0 && left &&
	       (n = syscall(SYS_getdents64, dir, entries, sizeof(entries))) > 0)
		for (char *at = entries; at < entries + n && left; at += d->size) {
			d = (void *)at;
			left -= !agent_sweep_one(folder, d->name);
		}
	if (dir >= 0)
		close(dir);
}

/*
 * The folder's own folder is the administrator's, or has the sticky bit: so what
 * is ours stays where it is.  The socket has its name when it can be connected to,
 * for one that can't is a dead process's.
 */
static int agent_bind(int fd, const char *folder)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	unsigned long long number = (unsigned long long)sj_now();
	int length, r = agent_make_folder(folder);

	if (r)
		return r;
	if (!agent_folder_is_safe(folder))
		return -EPERM;
	snprintf(agent.name, sizeof(agent.name), "%s/%d-%llx", folder,
		 (int)getpid(), number);
	length = snprintf(name.sun_path, sizeof(name.sun_path), "%s/+%d-%llx",
			  folder, (int)getpid(), number);
	if (length >= (int)sizeof(name.sun_path))
		r = -ENAMETOOLONG;
	else if (bind(fd, (const struct sockaddr *)&name, sizeof(name)))
		r = -errno;
	else if (chmod(name.sun_path, 0600) || listen(fd, AGENT_PEERS) ||
		 rename(name.sun_path, agent.name)) {
		r = -errno;
		unlink(name.sun_path);
	}
	if (r)
		agent.name[0] = '\0';
	else
		agent_sweep(folder);
	return r;
}

static int agent_bind_somewhere(int fd)
{
	static const char *const folders[] = { SJ_CONTROL_FOLDERS };
	char folder[64];
	int r = -ENOENT;

	for (unsigned i = 0; r && i < sizeof(folders) / sizeof(*folders); i++) {
		int error;

		snprintf(folder, sizeof(folder), folders[i], geteuid());
		error = agent_bind(fd, folder);
		/* Of what is there but not for us, rather than of what is not. */
		r = !error || r == -ENOENT ? error : r;
	}
	return r;
}

static void agent_forget_name(void)
{
	if (agent.name[0])
		unlink(agent.name);
	agent.name[0] = '\0';
}

static int agent_listen(void)
{
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK,
			0);
	int r;

	if (fd < 0)
		return -errno;
	fd = sj_file_aside(fd);
	r = agent_bind_somewhere(fd);
	if (!r && !sj_file_note(fd, &agent.file))
		r = -errno;
	agent.listener = r ? -1 : fd;
	if (r) {
		agent_forget_name();
		close(fd);
	}
	return r;
}

static bool agent_listens(void)
{
	return agent.listener >= 0 && sj_file_still(agent.listener, &agent.file);
}

static void agent_deaf(bool unlink_it)
{
	if (agent_listens())
		close(agent.listener);
	agent.listener = -1;
	if (unlink_it)
		agent_forget_name();
	agent.name[0] = '\0';
}

/* ---- who is connected: agent.lock -------------------------------------------- */

/* One that has gone and whose stream could not be ended is not free. */
static struct control_peer *agent_free_peer(void)
{
	for (struct control_peer *p = agent.peers;
	     p < agent.peers + AGENT_PEERS; p++)
		if (p->fd < 0 && !p->stream.area.at)
			return p;
	return NULL;
}

static bool agent_may_connect(int fd)
{
	struct ucred who;
	socklen_t size = sizeof(who);

	return !getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &size) &&
	       (who.uid == 0 || who.uid == geteuid());
}

/* False: there are no descriptors left. */
static bool agent_accept(void)
{
	struct control_peer *peer = agent_free_peer();
	int fd = accept4(agent.listener, NULL, NULL,
			 SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd < 0)
		return errno != EMFILE && errno != ENFILE && errno != ENOMEM &&
		       errno != ENOBUFS;
	if (!peer || !agent_may_connect(fd)) {
		close(fd);
		return true;
	}
	(void)sj_peer_take(peer, fd);
	return true;
}

/* ---- the thread ---------------------------------------------------------------- */

struct agent_poll {
	nfds_t n;
	struct pollfd fds[1 + AGENT_PEERS];
	struct control_peer *peers[1 + AGENT_PEERS];
};

static void agent_watch(struct agent_poll *p, struct pollfd fd,
			struct control_peer *peer)
{
	p->fds[p->n] = fd;
	p->peers[p->n++] = peer;
}

/* What to wait for.  False: nobody could come.  agent.lock */
static bool agent_prepare(struct agent_poll *p)
{
	p->n = 0;
	if (!agent_listens() && !agent.child) {
		agent_deaf(true);
		if (agent_listen())
			return false;
	}
	agent_watch(p, (struct pollfd){ agent.listener, POLLIN, 0 }, NULL);
	for (struct control_peer *peer = agent.peers;
	     peer < agent.peers + AGENT_PEERS; peer++)
		if (peer->fd >= 0)
			agent_watch(p, sj_peer_poll(peer), peer);
	return true;
}

/* Serving is done without the lock: nobody else takes a peer away. */
static void agent_serve(struct control_peer *peer)
{
	sigmask_t mask;

	if (sj_peer_serve(peer, agent.peers, AGENT_PEERS))
		return;
	mask = agent_enter();
	sj_peer_part(peer, !peer->inherited);
	agent_leave(mask);
}

static void agent_welcome(void)
{
	sigmask_t mask = agent_enter();
	bool had = !agent_listens() || agent_accept();

	agent_leave(mask);
	if (!had)
		sj_pause(AGENT_PAUSE_NS);
}

/* Until somebody comes, or a child's moment is over. */
static int agent_sleep(struct agent_poll *p, bool child)
{
	struct timespec moment = { 0, AGENT_CHILD_NS };
	int n = ppoll(p->fds, p->n, child ? &moment : NULL, NULL);

	if (child && n == 0) {
		sigmask_t mask = agent_enter();

		agent.child = false;
		agent_leave(mask);
	}
	return n;
}

/* False: it is to end. */
static bool agent_round(struct agent_poll *p)
{
	sigmask_t mask = agent_enter();
	bool goes_on = !agent.stop && agent_prepare(p), child = agent.child;
	int n;

	agent_leave(mask);
	if (!goes_on)
		return false;
	n = agent_sleep(p, child);
	for (nfds_t i = 1; n > 0 && i < p->n; i++)
		if (p->fds[i].revents)
			agent_serve(p->peers[i]);
	if (n > 0 && p->fds[0].revents)
		agent_welcome();
	return true;
}

static void agent_end(void)
{
	sigmask_t mask;

	for (unsigned i = 0; i < AGENT_PEERS; i++)
		(void)sj_control_end(&agent.peers[i].stream);
	mask = agent_enter();
	for (unsigned i = 0; i < AGENT_PEERS; i++)
		sj_peer_part(&agent.peers[i], !agent.peers[i].inherited);
	agent_deaf(true);
	if (!agent.stop) {		/* by itself: nobody waits for it */
		agent.running = false;
		pthread_detach(agent.thread);
	}
	agent_leave(mask);
}

static void *agent_main(void *arg)
{
	struct agent_poll poll;
	sigset_t all;

	(void)arg;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, NULL);
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
	while (agent_round(&poll))
		;
	agent_end();
	return NULL;
}

/* agent.lock */
static int agent_start_thread(void)
{
	pthread_attr_t attr;
	int r = pthread_attr_init(&attr);

	if (r)
		return -r;
	/* What does not suffice for all thread-local variables is refused. */
	if (!pthread_attr_setstacksize(&attr, AGENT_STACK))
		r = pthread_create(&agent.thread, &attr, agent_main, NULL);
	else
		r = EINVAL;
	pthread_attr_destroy(&attr);
	if (r == EINVAL)
		r = pthread_create(&agent.thread, NULL, agent_main, NULL);
	agent.running = !r;
	return -r;
}

/* ---- fork ----------------------------------------------------------------------- */

static sigmask_t agent_fork_mask;	/* agent.lock */
static pid_t agent_pid;			/* who forks; likewise */

static void agent_fork_prepare(void)
{
	sigmask_t mask = agent_enter();

	agent_fork_mask = mask;
	agent_pid = sj_pid();
}

static void agent_fork_parent(void)
{
	agent_leave(agent_fork_mask);
}

static void agent_fork_child(void)
{
	if (agent.running) {
		sj_control_serve_after_fork();
		for (unsigned i = 0; i < AGENT_PEERS; i++)
			sj_peer_inherit(&agent.peers[i], agent_pid);
		agent_deaf(false);
		agent.running = false;
		if (!agent.stop) {
			agent.child = true;
			(void)agent_start_thread();
		}
	}
	agent_leave(agent_fork_mask);
}

/* ---- start and stop --------------------------------------------------------------- */

/* agent.lock */
static int agent_start(void)
{
	int r;

	if (agent.running)
		return agent.stop ? -EBUSY : 0;
	for (unsigned i = 0; i < AGENT_PEERS; i++)
		agent.peers[i].fd = -1;
	agent.stop = agent.child = false;
	r = agent_listen();
	if (r)
		return r;
	r = agent_start_thread();
	if (r)
		agent_deaf(true);
	return r;
}

/* Allocates, so without the lock; a second time does harm to nobody. */
static void agent_at_fork(void)
{
	sigmask_t mask = agent_enter();
	bool had = agent.at_fork;

	agent.at_fork = true;
	agent_leave(mask);
	if (!had)
		(void)pthread_atfork(agent_fork_prepare, agent_fork_parent,
				     agent_fork_child);
}

int side_jmp_control_start(void)
{
	int saved = errno, r;
	sigmask_t mask = agent_enter();

	r = agent_start();
	agent_leave(mask);
	if (!r)
		agent_at_fork();
	errno = saved;
	return r;
}

/* True: then there is a thread to be waited for, and this one is who waits. */
static bool agent_stop_begin(pthread_t *thread, bool *woken)
{
	sigmask_t mask = agent_enter();
	bool is_ours = agent.running && !agent.stop;

	agent.stop |= agent.running;
	*thread = agent.thread;
	*woken = agent.child || (agent_listens() &&
				 !shutdown(agent.listener, SHUT_RDWR));
	agent_leave(mask);
	return is_ours;
}

/* -ETIMEDOUT: it is in the midst of something. */
static int agent_join(pthread_t thread)
{
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += AGENT_JOIN;
	return -pthread_timedjoin_np(thread, NULL, &until);
}

int side_jmp_control_stop(void)
{
	int saved = errno, r = -EINVAL;
	pthread_t thread;
	sigmask_t mask;
	bool woken;

	if (!agent_stop_begin(&thread, &woken))
		return r;
	r = woken ? agent_join(thread) : -ETIMEDOUT;
	mask = agent_enter();
	if (!r)
		agent.running = agent.stop = false;
	agent_leave(mask);
	errno = saved;
	return r;
}

/*
 * The name goes.  Where the text goes, too, so must the thread; a process that
 * ends is not kept waiting.
 */
__attribute__((destructor))
static void agent_at_exit(void)
{
	sigmask_t mask;
	bool running;

	if (!agent.running)
		return;
	if (!sj_image_in_executable(&agent))
		(void)side_jmp_control_stop();
	mask = agent_enter();
	running = agent.running;
	if (running && agent.name[0])
		unlink(agent.name);
	agent_leave(mask);
}

/* Once: the first object that asks may come long before the last. */
void side_jmp_control_begin(void)
{
	static uint32_t begun;
	const char *asked;
	int r;

	if (__atomic_exchange_n(&begun, 1, __ATOMIC_ACQ_REL))
		return;
	sj_attach_ready();
	asked = secure_getenv("SIDE_JMP_CONTROL");
	if (!asked || !*asked || !strcmp(asked, "0"))
		return;
	if (strcmp(asked, "1")) {
		sj_say("SIDE_JMP_CONTROL: \"%.80s\" is neither 0 nor 1; ignored",
		       asked);
		return;
	}
	r = side_jmp_control_start();
	if (r)
		sj_say("SIDE_JMP_CONTROL: can't be controlled: no folder for a"
		       " socket, or no thread: %s", strerror(-r));
}
