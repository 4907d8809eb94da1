/* SPDX-License-Identifier: MIT */
/* See image.h. */
#define _GNU_SOURCE
#include <link.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>

#include "runtime/base/base.h"
#include "runtime/sites/image.h"

struct image_search {
	uintptr_t inside;
	struct sj_image *im;		/* NULL: only `executable` is asked */
	unsigned nth;			/* object that was visited */
	bool executable;
};

/*
 * The executable is where the kernel, or a loader that was run by name, says
 * its program headers are.  The first object is it in the namespace of the
 * program alone: the others (dlmopen(), LD_AUDIT) have no executable.  musl
 * has one namespace, and leaves the kernel's word as it is when it is run by
 * name.
 */
static bool image_is_executable(const struct dl_phdr_info *info, unsigned nth)
{
#ifdef __GLIBC__
	(void)nth;
#else
	if (nth == 1)
		return true;
#endif
	return (uintptr_t)info->dlpi_phdr == getauxval(AT_PHDR);
}

static bool image_loads(const struct dl_phdr_info *info, uintptr_t at)
{
	for (unsigned i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *ph = &info->dlpi_phdr[i];

		if (ph->p_type == PT_LOAD &&
		    at - (info->dlpi_addr + ph->p_vaddr) < ph->p_memsz)
			return true;
	}
	return false;
}

static bool image_has_textrel(const ElfW(Dyn) *d)
{
	for (; d->d_tag != DT_NULL; d++)
		if (d->d_tag == DT_TEXTREL ||
		    (d->d_tag == DT_FLAGS && d->d_un.d_val & DF_TEXTREL))
			return true;
	return false;
}

static void image_add_load(struct sj_image *im, uintptr_t start, uintptr_t end,
			   uint32_t flags)
{
	if (im->n_segments == SJ_IMAGE_SEGMENTS)
		return;
	im->segments[im->n_segments++] = (struct sj_segment){
		start, end, flags,
	};
	if (!(flags & PF_X) || start == end)
		return;
	if (im->code_lo == im->code_hi || start < im->code_lo)
		im->code_lo = start;
	if (end > im->code_hi)
		im->code_hi = end;
}

static void image_add(struct sj_image *im, const struct dl_phdr_info *info,
		      const ElfW(Phdr) *ph)
{
	uintptr_t start = info->dlpi_addr + ph->p_vaddr;
	uintptr_t end = start + ph->p_memsz;

	if (ph->p_type == PT_DYNAMIC)
		im->textrel = image_has_textrel((const void *)start);
	else if (ph->p_type == PT_GNU_RELRO)
		/* The loader protects whole pages. */
		im->relro = (struct sj_segment){
			start, end & ~(sj_page_size() - 1), PF_R,
		};
	else if (ph->p_type == PT_LOAD)
		image_add_load(im, start, end, ph->p_flags);
}

static int image_visit(struct dl_phdr_info *info, size_t size, void *arg)
{
	struct image_search *s = arg;
	const char *name = info->dlpi_name;

	(void)size;
	s->nth++;
	if (!image_loads(info, s->inside))
		return 0;
	s->executable = image_is_executable(info, s->nth);
	if (!s->im)
		return 1;
	for (unsigned i = 0; i < info->dlpi_phnum; i++)
		image_add(s->im, info, &info->dlpi_phdr[i]);
	snprintf(s->im->name, sizeof(s->im->name), "%s",
		 name && *name && !s->executable ? name : "the executable");
	s->im->executable = s->executable;
	return 1;
}

bool sj_image_find(const void *inside, struct sj_image *im)
{
	struct image_search s = { .inside = (uintptr_t)inside, .im = im };

	*im = (struct sj_image){ .name = "an object" };
	im->found = dl_iterate_phdr(image_visit, &s) == 1;
	return im->found;
}

bool sj_image_in_executable(const void *p)
{
	struct image_search s = { .inside = (uintptr_t)p };

	return dl_iterate_phdr(image_visit, &s) == 1 && s.executable;
}
