/* SPDX-License-Identifier: MIT */
/*
 * worker FILE: two threads count the words of a file over and over, with the
 * demo's library, and emit work:pass and words:scanned.  The main thread obeys
 * one command a line and answers with one line.  Knows nothing of tracefs: what
 * happens to its events is somebody else's doing.
 *
 *	info		who patches, and how many sites are in which state
 *	events		what became of user_events
 *	site		address, bytes and state of the site of work:pass
 *	enable, disable	count a user tracer of work:pass
 *	hits		of a site whose key was enabled by `key 1`
 *	key 0|1
 *	load, unload	the library plugin.so, which has an event of its own
 *	fork		a child that goes on emitting; `child` tells about it,
 *			`reap` ends it
 *	exec		this program again
 *	freeze, integrity FLAGS
 *	cold		address of a site that is never run
 *	patch		ask the kernel for a patch, past the library
 *	quit
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <side_jmp_event.h>

#include "bench/demo/words.h"
#include "tests/kernel/e2e/site.h"

SIDE_JMP_KEY(counted);
SIDE_JMP_EVENT(work, pass, "The whole text was counted", (u32, pid),
	(u64, pass), (u64, words), (string, who));

static char *text;
static size_t text_len;
static unsigned long hits;		/* atomic */
static bool stop;			/* atomic */

/* What the forked child tells.  Shared with it. */
static struct child {
	pid_t pid;
	unsigned long passes;
	int idle;			/* 1, 0 */
} *child;

/* Held for reading while the plugin's code runs. */
static pthread_rwlock_t plugin_lock = PTHREAD_RWLOCK_INITIALIZER;
static void *plugin;
static void (*plugin_tick)(unsigned);

/* ---- the work -------------------------------------------------------------- */

static void each_word(const char *word, size_t len, void *arg)
{
	(void)word;
	(void)len;
	(void)arg;
	if (side_jmp_unlikely(counted))
		__atomic_fetch_add(&hits, 1, __ATOMIC_RELAXED);
}

static void one_pass(uint64_t pass, const char *who)
{
	size_t words = words_scan(text, text_len, each_word, NULL);

	side_jmp_event(work, pass, (uint32_t)getpid(), pass, words, who);
}

static void *work(void *arg)
{
	for (uint64_t pass = 1; !__atomic_load_n(&stop, __ATOMIC_RELAXED);
	     pass++) {
		one_pass(pass, arg);
		pthread_rwlock_rdlock(&plugin_lock);
		if (plugin_tick)
			plugin_tick((unsigned)pass);
		pthread_rwlock_unlock(&plugin_lock);
		usleep(10 * 1000);
	}
	return NULL;
}

/* ---- the site ---------------------------------------------------------------- */

static int find_event(struct side_jmp_event *event, void *found)
{
	if (strcmp(side_jmp_event_provider(event->desc), "work"))
		return 0;
	*(struct side_jmp_event **)found = event;
	return 1;
}

static struct side_jmp_key *pass_key(void)
{
	struct side_jmp_event *event = NULL;

	side_jmp_event_each(find_event, &event);
	return event ? event->key : NULL;
}

static const unsigned char *site_of(const struct side_jmp_key *key)
{
	for (const struct side_jmp_record *r = __start_side_jmp;
	     r < __stop_side_jmp; r++)
		if ((const char *)&r->key + r->key == (const char *)key)
			return (const unsigned char *)&r->site + r->site;
	return NULL;
}

/* Nobody calls it; a breakpoint there harms nobody. */
SIDE_JMP_KEY(never);

__attribute__((noinline, used)) static bool cold(void)
{
	return side_jmp_unlikely(never);
}

static const char *state(const unsigned char *site)
{
	return site_is_armed(site) ? "armed" :
	       site_is_idle(site) ? "idle" : "foreign";
}

static const unsigned char *pass_site(void)
{
	return site_of(pass_key());
}

static void tell_site(const struct side_jmp_key *key)
{
	const unsigned char *s = site_of(key);

	printf("at=%p bytes=%02x %02x %02x %02x %02x state=%s\n", (void *)s,
	       s[0], s[1], s[2], s[3], s[4], state(s));
}

static void tell_info(void)
{
	struct side_jmp_info i;

	side_jmp_get_info(&i, sizeof(i));
	printf("backend=%s objects=%llu sites=%llu armed=%llu idle=%llu"
	       " refused=%llu/%d reason=%s\n", i.backend_name,
	       (unsigned long long)i.objects, (unsigned long long)i.sites,
	       (unsigned long long)i.armed, (unsigned long long)i.idle,
	       (unsigned long long)i.objects_refused, i.refuse_error,
	       i.backend_reason);
}

static void tell_events(void)
{
	struct side_jmp_event_info i;

	side_jmp_event_get_info(&i, sizeof(i));
	printf("registered=%llu refused=%llu lost=%llu error=%d reason=%s\n",
	       (unsigned long long)i.user_events,
	       (unsigned long long)i.user_events_refused,
	       (unsigned long long)i.user_events_lost, i.user_events_error,
	       i.user_events_reason);
}

/* code_patch(CODE_PATCH_SYNC) of all keys; numbers as in kernel-patches/ */
static void tell_patch(void)
{
	struct {
		uint64_t addr, len;
		int32_t pidfd;
		uint32_t reserved;
		uint64_t sites, patched, skipped;
	} args = { .pidfd = -1 };
	long r = syscall(480, 2, &args, sizeof(args), 0);

	printf("code_patch: %s\n", r ? strerror(errno) : "ok");
}

/* ---- commands ------------------------------------------------------------------ */

static int load(void)
{
	void *new = dlopen("plugin.so", RTLD_NOW);

	if (!new) {
		fprintf(stderr, "worker: %s\n", dlerror());
		return -1;
	}
	pthread_rwlock_wrlock(&plugin_lock);
	plugin = new;
	plugin_tick = (void (*)(unsigned))dlsym(plugin, "plugin_tick");
	pthread_rwlock_unlock(&plugin_lock);
	return 0;
}

static int unload(void)
{
	pthread_rwlock_wrlock(&plugin_lock);
	plugin_tick = NULL;
	pthread_rwlock_unlock(&plugin_lock);
	return dlclose(plugin);
}

static void go_on_in_child(void)
{
	const unsigned char *site = pass_site();

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;; child->passes++) {
		one_pass(child->passes, "child");
		child->idle = site_is_idle(site);
		usleep(10 * 1000);
	}
}

static int start_child(void)
{
	pid_t pid;

	memset(child, 0, sizeof(*child));
	pid = fork();
	if (pid == 0)
		go_on_in_child();
	child->pid = pid;
	return pid;
}

static void tell_child(void)
{
	unsigned long before = child->passes;

	/* A whole pass, so that its state is not from before the question. */
	for (int i = 0; i < 20000 && child->passes < before + 2; i++)
		usleep(1000);
	printf("pid=%d state=%s\n", child->passes < before + 2 ? 0 : child->pid,
	       child->idle ? "idle" : "armed");
}

static int reap(void)
{
	int status = -1;

	kill(child->pid, SIGKILL);
	waitpid(child->pid, &status, 0);
	return WIFSIGNALED(status) ? WTERMSIG(status) : -1;
}

static int number(const char *command)
{
	const char *s = strchr(command, ' ');

	return s ? atoi(s) : 0;
}

static bool obey(const char *c, char **argv)
{
	unsigned long before = __atomic_load_n(&hits, __ATOMIC_RELAXED);

	if (!strcmp(c, "quit"))
		return false;
	if (!strcmp(c, "info"))
		tell_info();
	else if (!strcmp(c, "events"))
		tell_events();
	else if (!strcmp(c, "site"))
		tell_site(pass_key());
	else if (!strcmp(c, "cold"))
		tell_site(&never);
	else if (!strcmp(c, "patch"))
		tell_patch();
	else if (!strcmp(c, "child"))
		tell_child();
	else if (!strcmp(c, "enable"))
		printf("r=%d\n", side_jmp_enable(pass_key()));
	else if (!strcmp(c, "disable"))
		printf("r=%d\n", side_jmp_disable(pass_key()));
	else if (!strncmp(c, "key ", 4))
		printf("r=%d\n", number(c) ? side_jmp_enable(&counted) :
		       side_jmp_disable(&counted));
	else if (!strcmp(c, "hits")) {
		usleep(100 * 1000);
		printf("hits=%d\n", before != __atomic_load_n(&hits,
							      __ATOMIC_RELAXED));
	} else if (!strcmp(c, "load"))
		printf("r=%d\n", load());
	else if (!strcmp(c, "unload"))
		printf("r=%d\n", unload());
	else if (!strcmp(c, "fork"))
		printf("r=%d\n", start_child());
	else if (!strcmp(c, "reap"))
		printf("r=%d\n", reap());
	else if (!strcmp(c, "freeze"))
		printf("r=%d\n", side_jmp_freeze());
	else if (!strncmp(c, "integrity", 9))
		printf("r=%d\n", side_jmp_enter_integrity((unsigned)number(c)));
	else if (!strcmp(c, "exec")) {
		execl("/proc/self/exe", argv[0], argv[1], (char *)NULL);
		printf("r=-1\n");
	} else
		printf("unknown\n");
	return true;
}

static bool read_text(const char *path)
{
	FILE *f = fopen(path, "re");

	text = malloc(1 << 14);
	if (!f || !text)
		return false;
	text_len = fread(text, 1, 1 << 14, f);
	fclose(f);
	return text_len;
}

int main(int argc, char **argv)
{
	pthread_t threads[2];
	char command[128];

	if (argc != 2 || !read_text(argv[1])) {
		fprintf(stderr, "usage: worker FILE\n");
		return 2;
	}
	child = mmap(NULL, sizeof(*child), PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	setvbuf(stdin, NULL, _IONBF, 0);
	setvbuf(stdout, NULL, _IOLBF, 0);
	pthread_create(&threads[0], NULL, work, "first");
	pthread_create(&threads[1], NULL, work, "second");
	printf("ready %d\n", getpid());
	while (fgets(command, sizeof(command), stdin)) {
		command[strcspn(command, "\n")] = '\0';
		if (!obey(command, argv))
			break;
	}
	__atomic_store_n(&stop, true, __ATOMIC_RELAXED);
	pthread_join(threads[0], NULL);
	pthread_join(threads[1], NULL);
	puts("bye");
	return 0;
}
