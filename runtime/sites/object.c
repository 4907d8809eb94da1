/* SPDX-License-Identifier: MIT */
/*
 * Objects: take in the table of an executable or shared library, or say what
 * is wrong with it.  Nothing of a table is believed before all of it has been
 * checked, and a table that is not accepted leaves no trace but the reason.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <link.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "runtime/sites/sites.h"

/* What the program headers of an object say. */
struct image {
	const void *inside;		/* the object that is looked for */
	char name[160];
	struct segment segments[OBJECT_MAX_SEGMENTS];
	unsigned n_segments;
	struct segment relro;		/* read-only once relocated */
	unsigned nth;			/* object of the process, from 1 */
	bool found, textrel, executable;
};

/* ---- the image ---------------------------------------------------------- */

static const struct segment *image_segment(const struct image *im,
					   uintptr_t at)
{
	for (unsigned i = 0; i < im->n_segments; i++)
		if (at >= im->segments[i].start && at < im->segments[i].end)
			return &im->segments[i];
	return NULL;
}

static bool image_holds(const struct image *im, uintptr_t at, size_t len,
			uint32_t flags)
{
	for (unsigned i = 0; i < im->n_segments; i++) {
		const struct segment *s = &im->segments[i];

		if (at >= s->start && at < s->end && len <= s->end - at)
			return (s->flags & flags) == flags;
	}
	return false;
}

/* Data that stays writable: the loader takes the right away from RELRO. */
static bool image_may_write(const struct image *im, uintptr_t at, size_t len)
{
	return image_holds(im, at, len, PF_R | PF_W) &&
	       (at >= im->relro.end || at + len <= im->relro.start);
}

static bool dynamic_has_textrel(const ElfW(Dyn) *d)
{
	for (; d->d_tag != DT_NULL; d++)
		if (d->d_tag == DT_TEXTREL ||
		    (d->d_tag == DT_FLAGS && d->d_un.d_val & DF_TEXTREL))
			return true;
	return false;
}

static void image_add(struct image *im, const struct dl_phdr_info *info,
		      const ElfW(Phdr) *ph)
{
	uintptr_t start = info->dlpi_addr + ph->p_vaddr;

	if (ph->p_type == PT_DYNAMIC)
		im->textrel = dynamic_has_textrel((const void *)start);
	else if (ph->p_type == PT_GNU_RELRO)
		/* The loader protects whole pages. */
		im->relro = (struct segment){
			start, (start + ph->p_memsz) & ~(sj_page_size() - 1),
			PF_R,
		};
	else if (ph->p_type == PT_LOAD &&
		 im->n_segments < OBJECT_MAX_SEGMENTS)
		im->segments[im->n_segments++] = (struct segment){
			start, start + ph->p_memsz, ph->p_flags,
		};
}

static int image_visit(struct dl_phdr_info *info, size_t size, void *arg)
{
	struct image *im = arg;

	(void)size;
	im->n_segments = 0;
	im->relro = (struct segment){ 0 };
	im->executable = ++im->nth == 1;	/* dl_iterate_phdr(3) */
	im->textrel = false;
	for (unsigned i = 0; i < info->dlpi_phnum; i++)
		image_add(im, info, &info->dlpi_phdr[i]);
	if (!image_holds(im, (uintptr_t)im->inside, 1, 0))
		return 0;
	im->found = true;
	snprintf(im->name, sizeof(im->name), "%s",
		 info->dlpi_name && *info->dlpi_name ? info->dlpi_name :
		 "the executable");
	return 1;
}

/* ---- validation --------------------------------------------------------- */

/* Remember why a table was not accepted.  sj_patch_lock. */
__attribute__((format(printf, 3, 4)))
static int reject(const struct image *im, int error, const char *why, ...)
{
	size_t size = sizeof(sj_state.reject_reason);
	va_list args;
	int n;

	n = snprintf(sj_state.reject_reason, size, "%s: ", im->name);
	va_start(args, why);
	if (n > 0 && (size_t)n < size)
		vsnprintf(sj_state.reject_reason + n, size - (size_t)n, why, args);
	va_end(args);
	sj_state.reject_error = error;
	sj_state.objects_rejected++;
	return error;
}

static int check_table(const struct side_jmp_object *abi,
		       const struct image *im)
{
	size_t bytes = (size_t)((uintptr_t)abi->stop - (uintptr_t)abi->start);

	if ((uintptr_t)abi->stop < (uintptr_t)abi->start ||
	    !image_holds(im, (uintptr_t)abi->start, bytes, PF_R))
		return reject(im, -EINVAL, "table %p to %p is not inside the"
			      " object", (void *)abi->start, (void *)abi->stop);
	if ((uintptr_t)abi->start % _Alignof(struct side_jmp_record))
		return reject(im, -EINVAL, "table at %p is not aligned to %zu"
			      " bytes", (void *)abi->start,
			      _Alignof(struct side_jmp_record));
	if (bytes % abi->record_size)
		return reject(im, -EINVAL, "table of %zu bytes is not a whole"
			      " number of records of %u", bytes,
			      (unsigned)abi->record_size);
	if (bytes / abi->record_size > UINT32_MAX / 2)
		return reject(im, -EINVAL, "table of %zu bytes is too large",
			      bytes);
	return 0;
}

static int check_key(const struct image *im, unsigned i,
		     const struct side_jmp_record *r)
{
	uintptr_t place = (uintptr_t)&r->key + (uintptr_t)(intptr_t)r->key;
	bool slot = r->flags & SIDE_JMP_RECORD_KEY_SLOT;
	unsigned width = r->flags & SIDE_JMP_RECORD_WORD64 ? 64 : 32;
	const struct side_jmp_key *key;

	if (place % _Alignof(struct side_jmp_key) ||
	    !(slot ? image_holds(im, place, sizeof(key), PF_R) :
	      image_may_write(im, place, sizeof(*key))))
		return reject(im, -EINVAL, "record %u: its key%s at %#lx is not"
			      " %s data of the object", i, slot ? "'s slot" : "",
			      (unsigned long)place,
			      slot ? "readable" : "writable");
	key = sj_record_key(r);
	if (!key || (uintptr_t)key % _Alignof(struct side_jmp_key))
		return reject(im, -EINVAL, "record %u: its slot holds no key"
			      " (%p)", i, (const void *)key);
	if (key->version != SIDE_JMP_KEY_VERSION || key->width != width)
		return reject(im, -EINVAL, "record %u: key at %p has version"
			      " %u and %u bits, expected %u and %u", i,
			      (const void *)key, key->version, key->width,
			      SIDE_JMP_KEY_VERSION, width);
	return 0;
}

/* What the last record that was checked in full had. */
struct accepted {
	const struct segment *code;
	uintptr_t key;
	uint8_t flags;
};

static bool well_inside(const struct segment *s, uint64_t addr)
{
	return addr >= s->start && addr < s->end &&
	       s->end - addr >= SIDE_JMP_INSN_MAX;
}

/*
 * The same key, and code in the same segment, as nearly always: then nothing
 * is left to be checked but the bytes at the site, and if they are its armed
 * instruction its operand is in reach.  (An idle one may name none.)
 */
static bool like_the_last(const struct side_jmp_record *r,
			  const struct side_jmp_insn *insn,
			  const struct accepted *last)
{
	return last->code && insn->word == last->key &&
	       r->flags == last->flags && well_inside(last->code, insn->site) &&
	       well_inside(last->code, insn->target) &&
	       insn->site % side_jmp_arch_host()->align == 0;
}

/* Also finds out whether the site is armed, as it is in nearly every file. */
static int check_record(const struct image *im, unsigned i,
			const struct side_jmp_record *r,
			struct accepted *last, bool *armed)
{
	const struct side_jmp_arch *arch = side_jmp_arch_host();
	uint8_t bytes[SIDE_JMP_INSN_MAX];
	struct side_jmp_insn insn;
	enum side_jmp_state state;
	unsigned len;
	int error;

	if (r->version != SIDE_JMP_RECORD_VERSION)
		return reject(im, -EINVAL, "record %u has version %u, this"
			      " library knows %u", i, r->version,
			      SIDE_JMP_RECORD_VERSION);
	if (r->layout > SIDE_JMP_WIDE || r->reserved ||
	    r->flags & ~(SIDE_JMP_RECORD_KEY_SLOT | SIDE_JMP_RECORD_WORD64) ||
	    (r->layout == SIDE_JMP_WIDE &&
	     r->flags & SIDE_JMP_RECORD_KEY_SLOT))
		return reject(im, -EINVAL, "record %u: unknown layout %u or"
			      " flags %#x", i, r->layout, r->flags);
	sj_record_insn(r, &insn);
	if (like_the_last(r, &insn, last)) {
		state = sj_insn_state(&insn);
		if (state == SIDE_JMP_ARMED) {
			*armed = true;
			return 0;
		}
	}
	if (!image_holds(im, (uintptr_t)insn.target, 1, PF_R | PF_X))
		return reject(im, -EINVAL, "record %u: check block %#lx is not"
			      " code of the object", i,
			      (unsigned long)insn.target);
	error = check_key(im, i, r);
	if (error)
		return error;
	len = arch->encode(&insn, SIDE_JMP_ARMED, bytes);
	if (!len || insn.site % arch->align ||
	    !image_holds(im, (uintptr_t)insn.site, len, PF_R | PF_X))
		return reject(im, -EINVAL, "record %u: site %#lx is not code of"
			      " the object, or can't reach its operand", i,
			      (unsigned long)insn.site);
	state = sj_insn_state(&insn);
	*armed = state == SIDE_JMP_ARMED;
	if (state == SIDE_JMP_FOREIGN &&
	    !arch->breakpoint((const uint8_t *)(uintptr_t)insn.site))
		return reject(im, -EILSEQ, "record %u: at site %#lx stands"
			      " neither its armed nor its idle instruction", i,
			      (unsigned long)insn.site);
	*last = (struct accepted){
		image_segment(im, (uintptr_t)insn.site),
		(uintptr_t)insn.word, r->flags,
	};
	return 0;
}

static int check_object(const struct side_jmp_object *abi,
			const struct image *im, bool *all_armed)
{
	size_t n = (size_t)(abi->stop - abi->start);
	struct accepted last = { 0 };
	int error = check_table(abi, im);

	*all_armed = true;
	for (size_t i = 0; !error && i < n; i++) {
		bool armed = true;

		error = check_record(im, (unsigned)i, &abi->start[i], &last,
				     &armed);
		*all_armed &= armed;
	}
	return error;
}

/* ---- sorting and grouping ----------------------------------------------- */

static uint64_t site_of(const struct side_jmp_object *abi, uint32_t i)
{
	const int32_t *field = &abi->start[i].site;

	return (uintptr_t)field + (uintptr_t)(intptr_t)*field;
}

/*
 * Record numbers by the address of their site, in `order`; `scratch` is as
 * large.  Radix sort over what can differ: sites are within 4 GiB of the
 * table.  Linkers mostly leave the table sorted.
 */
static void sort_by_site(const struct side_jmp_object *abi, uint32_t n,
			 uint32_t *order, uint32_t *scratch)
{
	uint64_t base = (uintptr_t)abi->start - (UINT64_C(1) << 31);
	bool sorted = true;

	for (uint32_t i = 0; i < n; i++) {
		order[i] = i;
		sorted &= !i || site_of(abi, i - 1) <= site_of(abi, i);
	}
	for (unsigned shift = 0; !sorted && shift < 40; shift += 8) {
		uint32_t count[257] = { 0 }, *swap;

		for (uint32_t i = 0; i < n; i++)
			count[1 + ((site_of(abi, i) - base) >> shift & 255)]++;
		for (unsigned i = 1; i < 257; i++)
			count[i] += count[i - 1];
		for (uint32_t i = 0; i < n; i++) {
			uint64_t s = site_of(abi, order[i]) - base;

			scratch[count[s >> shift & 255]++] = order[i];
		}
		swap = order;
		order = scratch;
		scratch = swap;
	}
	/* Five passes: an odd number, the result is in what was scratch. */
	if (!sorted)
		memcpy(scratch, order, n * sizeof(*order));
}

/*
 * Exact duplicates (identical code folding makes them) collapse; two records
 * that disagree about one place are an error.  Returns the number that is
 * left or -errno.
 */
static int64_t collapse(const struct side_jmp_object *abi,
			const struct image *im, uint32_t n, uint32_t *order)
{
	const struct side_jmp_arch *arch = side_jmp_arch_host();
	uint8_t bytes[SIDE_JMP_INSN_MAX];
	uint64_t last = 0;
	uint32_t kept = 0;

	for (uint32_t i = 0; i < n; i++) {
		struct side_jmp_insn a, b;
		uint64_t site = site_of(abi, order[i]);

		if (kept && site - last < SIDE_JMP_INSN_MAX) {
			const struct side_jmp_record *ra, *rb;

			ra = &abi->start[order[kept - 1]];
			rb = &abi->start[order[i]];
			sj_record_insn(ra, &a);
			sj_record_insn(rb, &b);
			if (a.site == b.site && a.target == b.target &&
			    sj_record_key(ra) == sj_record_key(rb) &&
			    a.layout == b.layout)
				continue;
			if (b.site < a.site +
			    arch->encode(&a, SIDE_JMP_ARMED, bytes))
				return reject(im, -EINVAL, "records %u and %u"
					      " contradict each other about"
					      " site %#lx", order[kept - 1],
					      order[i], (unsigned long)b.site);
		}
		last = site;
		order[kept++] = order[i];
	}
	return kept;
}

/* Which of the object's groups has this key?  NULL: no memory. */
static struct group *group_of(struct object *o, struct side_jmp_key *key)
{
	struct keyref *ref = sj_get_ref(key);
	struct group *g;

	if (!ref)
		return NULL;
	/* The object in hand puts its groups in front. */
	if (ref->groups && ref->groups->object == o)
		return ref->groups;
	g = &o->groups[o->n_groups++];
	*g = (struct group){ .next = ref->groups, .ref = ref, .object = o };
	ref->groups = g;
	return g;
}

/* Take the object's groups away from their keys. */
static void ungroup(struct object *o)
{
	for (uint32_t i = 0; i < o->n_groups; i++) {
		struct group *g = &o->groups[i], **p = &g->ref->groups;

		while (*p != g)
			p = &(*p)->next;
		*p = g->next;
		if (!g->ref->groups && !g->ref->linked)
			sj_drop_ref(g->ref);
	}
	o->n_groups = 0;
}

/* Fill in o->groups, o->which and o->order. */
static int group_sites(struct object *o)
{
	const struct side_jmp_record *records = o->abi->start;
	struct group *g = NULL;
	uint32_t first = 0;

	for (uint32_t i = 0; i < o->n_sites; i++) {
		struct side_jmp_key *key = sj_record_key(&records[o->sorted[i]]);

		if (!g || g->ref->key != key)
			g = group_of(o, key);
		if (!g)
			return -ENOMEM;
		g->count++;
		o->which[i] = (uint32_t)(g - o->groups);
	}
	for (uint32_t i = 0; i < o->n_groups; i++) {
		o->groups[i].first = first;
		first += o->groups[i].count;
		o->groups[i].count = 0;
	}
	for (uint32_t i = 0; i < o->n_sites; i++) {
		g = &o->groups[o->which[i]];
		o->order[g->first + g->count++] = o->sorted[i];
	}
	return 0;
}

/* ---- taking in ---------------------------------------------------------- */

static size_t align_up(size_t n, size_t to)
{
	return (n + to - 1) / to * to;
}

/*
 * One mapping holds the object, its dirty bits, its groups and the order of
 * its sites.  Pages that are never touched (most objects have far fewer keys
 * than sites) cost nothing.
 */
static struct object *object_map(struct side_jmp_object *abi, uint32_t n,
				 uintptr_t lo, uintptr_t hi)
{
	uintptr_t first = lo & ~(sj_page_size() - 1);
	size_t n_pages = (hi - first) / sj_page_size() + 1;
	size_t dirty = align_up(sizeof(struct object), 64);
	size_t unsure = dirty + n_pages / 8 + 1;
	size_t groups = align_up(unsure + n_pages / 8 + 1, 64);
	size_t order = groups + n * sizeof(struct group);
	size_t size = align_up(order + 3 * n * sizeof(uint32_t),
			       sj_page_size());
	char *p = sj_map_pages(size);
	struct object *o = (struct object *)p;

	if (!p)
		return NULL;
	o->abi = abi;
	o->map_size = size;
	o->n_records = (uint32_t)(abi->stop - abi->start);
	o->n_sites = n;
	o->first_page = first;
	o->n_pages = n_pages;
	o->dirty = (uint8_t *)p + dirty;
	o->unsure = (uint8_t *)p + unsure;
	o->groups = (struct group *)(p + groups);
	o->order = (uint32_t *)(p + order);
	o->sorted = o->order + n;
	o->which = o->sorted + n;
	return o;
}

/*
 * Sort, collapse, group.  `sorted` and `scratch` have room for all records.
 * On an error nothing is left behind.
 */
static int object_build(struct side_jmp_object *abi, const struct image *im,
			uint32_t *sorted, uint32_t *scratch,
			struct object **out)
{
	uint32_t n = (uint32_t)(abi->stop - abi->start);
	struct object *o;
	int64_t kept;
	int error;

	sort_by_site(abi, n, sorted, scratch);
	kept = collapse(abi, im, n, sorted);
	if (kept < 0)
		return (int)kept;
	o = object_map(abi, (uint32_t)kept, (uintptr_t)site_of(abi, sorted[0]),
		       (uintptr_t)site_of(abi, sorted[kept - 1]) +
		       SIDE_JMP_INSN_MAX);
	if (!o)
		return reject(im, -ENOMEM, "no memory for %u sites", n);
	memcpy(o->sorted, sorted, (size_t)kept * sizeof(*sorted));
	o->textrel = im->textrel;
	o->executable = im->executable;
	error = group_sites(o);
	if (error) {
		ungroup(o);
		munmap(o, o->map_size);
		return reject(im, error, "no memory for the keys of %u sites",
			      n);
	}
	*out = o;
	return 0;
}

static void count_unarmed(struct object *o)
{
	for (uint32_t i = 0; i < o->n_groups; i++) {
		struct group *g = &o->groups[i];

		for (uint32_t j = g->first; j < g->first + g->count; j++) {
			struct side_jmp_insn insn;

			sj_record_insn(&o->abi->start[o->order[j]], &insn);
			if (sj_insn_state(&insn) == SIDE_JMP_ARMED)
				continue;
			g->unarmed++;
			sj_page_unsure(o, &insn);
		}
	}
}

static int object_take_in(struct side_jmp_object *abi, const struct image *im,
			  struct object **out)
{
	size_t n = (size_t)(abi->stop - abi->start), size;
	uint32_t *scratch;
	bool all_armed;
	int error = check_object(abi, im, &all_armed);

	if (error)
		return error;
	size = 2 * n * sizeof(*scratch);
	scratch = sj_map_pages(size);
	if (!scratch)
		return reject(im, -ENOMEM, "no memory to sort %zu sites", n);
	error = object_build(abi, im, scratch, scratch + n, out);
	munmap(scratch, size);
	if (!error && !all_armed)
		count_unarmed(*out);
	return error;
}

/*
 * Bring all sites of the object to *wanted, or (NULL) to what their keys ask
 * for.  In runs if that is safe; what a run could not do is tried one by one.
 */
static void object_sync(struct object *o, const enum side_jmp_state *wanted)
{
	struct batch b;

	sj_batch_begin(&b, true);
	sj_batch_object(&b, o, wanted);
	if (sj_batch_end(&b) && b.runs) {
		sj_batch_begin(&b, false);
		sj_batch_object(&b, o, wanted);
		(void)sj_batch_end(&b);
	}
}

/* Returns whether the variable says something that can be understood. */
static bool read_budget(void)
{
	const char *pages = secure_getenv("SIDE_JMP_DIRTY_PAGES");
	unsigned long long n;
	char *end;

	if (!pages || !*pages)
		return true;
	n = strtoull(pages, &end, 10);
	if (*end || *pages < '0' || *pages > '9')
		return false;
	sj_state.pages_budget = n;
	return true;
}

/*
 * With the first object, in its constructor: later the program may be changing
 * its environment.
 */
static void read_environment(void)
{
	const char *backend;

	if (sj_state.environment_read)
		return;
	sj_state.environment_read = true;
	backend = secure_getenv("SIDE_JMP_BACKEND");
	snprintf(sj_state.backend_asked, sizeof(sj_state.backend_asked), "%s",
		 backend ? backend : "");
	sj_state.budget_ignored = !read_budget();
}

static bool has_unarmed(const struct object *o)
{
	for (uint32_t i = 0; i < o->n_groups; i++)
		if (o->groups[i].unarmed)
			return true;
	return false;
}

/* sj_object_lock held. */
static int object_add(struct side_jmp_object *abi, const struct image *im)
{
	struct object *o = NULL;
	int error;

	read_environment();
	sj_lock(&sj_patch_lock);
	error = object_take_in(abi, im, &o);
	if (!error) {
		o->next = sj_state.objects;
		sj_state.objects = o;
		abi->priv = o;
	}
	sj_unlock(&sj_patch_lock);
	if (error)
		return error;
	side_jmp_inject(INJECT_REGISTERED);
	for (uint32_t i = 0; i < o->n_groups; i++)
		if (!o->groups[i].ref->linked)
			sj_key_subscribe(o->groups[i].ref);
	sj_lock(&sj_patch_lock);
	if (!sj_state_frozen())
		object_sync(o, NULL);
	else if (has_unarmed(o))	/* acquire: sj_state_stuck() */
		__atomic_store_n(&sj_state.stuck, true, __ATOMIC_RELEASE);
	sj_unlock(&sj_patch_lock);
	return 0;
}

static int register_locked(struct side_jmp_object *abi, struct image *im)
{
	int error = 0;

	sj_lock(&sj_patch_lock);
	if (abi->version != SIDE_JMP_OBJECT_VERSION ||
	    abi->record_size != sizeof(struct side_jmp_record))
		error = reject(im, -EINVAL, "object of version %u with records"
			       " of %u bytes, this library knows %u and %zu",
			       (unsigned)abi->version,
			       (unsigned)abi->record_size,
			       SIDE_JMP_OBJECT_VERSION,
			       sizeof(struct side_jmp_record));
	else if (abi->start != abi->stop && !im->found)
		error = reject(im, -EINVAL, "table %p belongs to no loaded"
			       " object", (const void *)abi->start);
	sj_unlock(&sj_patch_lock);
	if (error || abi->start == abi->stop)
		return error;
	return object_add(abi, im);
}

int side_jmp_object_register(struct side_jmp_object *abi)
{
	struct image im = { .inside = abi, .name = "an object" };
	int saved = errno, error = 0;
	sigmask_t mask;

	if (!abi)
		return -EINVAL;
	if (abi->priv)
		return 0;
	/* Takes the dynamic loader's lock, so before ours; allocates. */
	dl_iterate_phdr(image_visit, &im);
	error = sj_state_install_atfork();
	if (error)
		return error;
	mask = sj_block_signals();
	sj_lock(&sj_object_lock);
	if (!abi->priv)
		error = register_locked(abi, &im);
	sj_unlock(&sj_object_lock);
	sj_restore_signals(mask);
	errno = saved;
	return error;
}

/* ---- giving up ---------------------------------------------------------- */

static void object_forget(struct object *o)
{
	struct object **p = &sj_state.objects;

	while (*p != o)
		p = &(*p)->next;
	*p = o->next;
	for (size_t i = 0; i < o->n_pages; i++)
		sj_state.pages_dirtied -= o->dirty[i / 8] >> i % 8 & 1;
	o->abi->priv = NULL;
}

/*
 * sj_object_lock held.  The text may still run (other destructors), and nobody
 * will be left to arm it: arm it now.
 */
static void object_remove(struct object *o)
{
	static const enum side_jmp_state armed = SIDE_JMP_ARMED;

	sj_lock(&sj_patch_lock);
	object_sync(o, &armed);
	object_forget(o);
	for (uint32_t i = 0; i < o->n_groups; i++) {
		struct group *g = &o->groups[i], **p = &g->ref->groups;

		while (*p != g)
			p = &(*p)->next;
		*p = g->next;
	}
	sj_unlock(&sj_patch_lock);
	side_jmp_inject(INJECT_UNREGISTERED);
	for (uint32_t i = 0; i < o->n_groups; i++) {
		struct keyref *ref = o->groups[i].ref;

		if (ref->groups)
			continue;
		sj_key_unsubscribe(ref);
		sj_lock(&sj_patch_lock);
		sj_drop_ref(ref);
		sj_unlock(&sj_patch_lock);
	}
	munmap(o, o->map_size);
}

static int unregister(struct side_jmp_object *abi, bool keep_executable)
{
	int saved = errno;
	struct object *o;
	sigmask_t mask;

	if (!abi)
		return -EINVAL;
	mask = sj_block_signals();
	sj_lock(&sj_object_lock);
	o = abi->priv;
	if (o && !(keep_executable && o->executable))
		object_remove(o);
	sj_unlock(&sj_object_lock);
	sj_restore_signals(mask);
	errno = saved;
	return 0;
}

int side_jmp_object_unregister(struct side_jmp_object *abi)
{
	return unregister(abi, false);
}

int side_jmp_object_unload(struct side_jmp_object *abi)
{
	return unregister(abi, true);
}
