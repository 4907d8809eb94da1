/* SPDX-License-Identifier: MIT */
/*
 * What the runtime says of the corpus of tables.  Each is a library that is
 * loaded; one that is not accepted is refused with its errno and its reason
 * and leaves nothing behind, and the program goes on.
 */
#include <dlfcn.h>
#include <link.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <side_jmp.h>

#include "tests/corpus/corpus.h"
#include "tests/expect.h"
#include "tests/tap.h"

SIDE_JMP_KEY(own_key);

static struct corpus library;		/* the one in hand */
static struct side_jmp_info before;

__attribute__((noinline)) static int own_hits(void)
{
	int n = 0;

	for (int i = 0; i < 10; i++)
		n += side_jmp_unlikely(own_key);
	return n;
}

static bool program_goes_on(void)
{
	bool ok = own_hits() == 0;

	ok &= !side_jmp_enable(&own_key) && own_hits() == 10;
	ok &= !side_jmp_disable(&own_key) && own_hits() == 0;
	return ok;
}

/* ---- a library in memory ---------------------------------------------- */

struct loaded {
	void *handle;
	char *base;
	struct side_jmp_object *object;
	struct side_jmp_key *key;
};

static bool load(struct loaded *m)
{
	int fd = memfd_create("corpus", MFD_CLOEXEC);
	struct link_map *map;
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	m->handle = fd < 0 || corpus_write(&library, fd) ? NULL :
		    dlopen(path, RTLD_NOW | RTLD_LOCAL);
	close(fd);
	if (!m->handle || dlinfo(m->handle, RTLD_DI_LINKMAP, &map)) {
		tap_note("%s", dlerror());
		return false;
	}
	m->base = (char *)map->l_addr;
	m->key = (void *)(m->base + CORPUS_KEY);
	m->object = (void *)(m->base + CORPUS_OBJECT);
	*m->object = (struct side_jmp_object){
		.version = library.object_version,
		.record_size = library.record_size,
		.start = (void *)(m->base + library.start),
		.stop = (void *)(m->base + library.start + library.size),
	};
	return true;
}

static bool text_is_of_file(const struct loaded *m)
{
	return !memcmp(m->base + CORPUS_TEXT, library.bytes + CORPUS_TEXT,
		       CORPUS_PAGE) &&
	       !memcmp(m->base + CORPUS_COLD, library.bytes + CORPUS_COLD_FILE,
		       0x1000);
}

/* The judge by itself; what it says in full. */
static enum sj_rule judge(const struct loaded *m, struct sj_verdict *v)
{
	size_t n = (size_t)(library.size / sizeof(struct side_jmp_record));
	const struct side_jmp_record *records = m->object->start;
	uint32_t order[64], scratch[64];
	struct sj_image im;

	sj_image_find(m->object, &im);
	if (!sj_table_check(&im, m->object, v) && n) {
		sj_table_sort(records, (uint32_t)n, order, scratch);
		sj_table_collapse(&im, records, (uint32_t)n, order, v);
	}
	return v->rule;
}

/* ---- verdicts --------------------------------------------------------- */

static bool is_refused(const struct corpus_case *c, const struct loaded *m)
{
	int error = side_jmp_object_register(m->object);
	struct side_jmp_info after = info();
	bool ok = error == sj_rule_error(c->rule);

	ok &= after.reject_error == error && !m->object->priv;
	ok &= strstr(after.reject_reason, c->why) != NULL;
	ok &= after.objects_rejected == before.objects_rejected + 1;
	ok &= after.objects == before.objects && after.sites == before.sites;
	ok &= after.keys == before.keys && after.idle == before.idle;
	ok &= after.pages_dirtied == before.pages_dirtied;
	ok &= !m->key->subscribers && text_is_of_file(m);
	if (!ok)
		tap_note("%d: %s", error, after.reject_reason);
	return ok;
}

/* Nobody arms it where nobody may patch, and it is armed for good elsewhere. */
static bool holds_idle(const struct corpus_case *c)
{
	return !strncmp(c->name, "idle_", 5);
}

static bool flips(const struct corpus_case *c, const struct loaded *m,
		  bool patches)
{
	int error = side_jmp_enable(m->key);

	if (holds_idle(c) && !patches)
		return error == -EPERM;
	return !error && !side_jmp_disable(m->key);
}

/* Registered, idled, flipped, forgotten. */
static bool is_accepted(const struct corpus_case *c, const struct loaded *m)
{
	unsigned sites = library.size ? c->sites ? c->sites : 3 : 0;
	int error = side_jmp_object_register(m->object);
	struct side_jmp_info after = info();
	bool patches = before.idle && sites;
	bool ok = !error;

	ok &= after.objects_rejected == before.objects_rejected;
	ok &= after.sites == before.sites + sites;
	ok &= text_is_of_file(m) != patches;
	ok &= flips(c, m, patches);
	ok &= info().armed + info().idle + info().foreign == after.sites;
	ok &= !side_jmp_object_unregister(m->object) && !m->object->priv;
	ok &= text_is_of_file(m) || holds_idle(c);
	ok &= info().objects == before.objects && info().sites == before.sites;
	ok &= !m->key->subscribers;
	if (!ok)
		tap_note("%d, %u sites: %s", error, sites,
			 after.reject_reason);
	return ok;
}

static void try(const struct corpus_case *c)
{
	struct sj_verdict verdict;
	struct loaded m;
	char name[100];
	bool ok;

	snprintf(name, sizeof(name), "objects_%s_%s",
		 c->rule ? "reject" : "accept", c->name);
	corpus_make(&library, c, side_jmp_arch_host());
	before = info();
	ok = load(&m);
	if (ok && judge(&m, &verdict) != c->rule) {
		tap_note("%s: %s", sj_rule_name(verdict.rule), verdict.text);
		ok = false;
	}
	ok = ok && (c->rule ? is_refused(c, &m) : is_accepted(c, &m));
	tap_ok(ok && program_goes_on(), name);
	if (m.handle)
		dlclose(m.handle);
}

/* A verdict of the tool's or the kernel's is another one for a reason. */
static bool tells_why(const struct corpus_case *c)
{
	bool file = c->not & CORPUS_NOT_FILE || !c->file || c->rule;
	bool kernel = c->not & CORPUS_NOT_KERNEL || !c->rule == !c->kernel;

	if ((file && kernel) == !c->differ)
		return true;
	tap_note("%s", c->name);
	return false;
}

int main(void)
{
	bool told = true;

	for (unsigned i = 0; i < corpus_n_cases; i++)
		if (corpus_applies(&corpus_cases[i], side_jmp_arch_host()))
			try(&corpus_cases[i]);
	for (unsigned i = 0; i < corpus_n_cases; i++)
		told &= tells_why(&corpus_cases[i]);
	tap_ok(told, "corpus_says_why_verdicts_differ");
	return tap_done();
}
