/* SPDX-License-Identifier: MIT */
/* See core.h. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/core.h"

/* One line of NT_FILE: pages of a file. */
struct mapping {
	uint64_t start, offset;
	const char *path;
};

struct mappings {
	struct mapping *array;
	size_t n;
	uint64_t page;
};

/*
 * NT_FILE: the number of lines, the page size; start, end and offset (in pages)
 * of each; then their paths.
 */
static bool read_files(const struct image *core, const uint8_t *p,
		       uint64_t size, struct mappings *m)
{
	uint64_t n = size < 16 ? 0 : image_get64(core, p);
	const char *path, *end = (const char *)p + size;

	if (!n || n > (size - 16) / 24)
		return false;
	m->page = image_get64(core, p + 8);
	m->array = tool_alloc(n, sizeof(*m->array));
	path = (const char *)p + 16 + 24 * n;
	for (; m->n < n && memchr(path, 0, (size_t)(end - path)); m->n++) {
		const uint8_t *line = p + 16 + 24 * m->n;

		m->array[m->n] = (struct mapping){ image_get64(core, line),
			image_get64(core, line + 16) * m->page, path };
		path += strlen(path) + 1;
	}
	return true;
}

static bool find_files(const struct image *core, struct mappings *m)
{
	GElf_Phdr ph;

	for (int i = 0; gelf_getphdr(core->elf, i, &ph); i++) {
		size_t at = 0, name, desc, next;
		GElf_Nhdr h;
		Elf_Data *data;

		if (ph.p_type != PT_NOTE)
			continue;
		data = elf_getdata_rawchunk(core->elf, (int64_t)ph.p_offset,
					    ph.p_filesz, ELF_T_NHDR);
		while (data && (next = gelf_getnote(data, at, &h, &name,
						    &desc)) > 0) {
			if (h.n_type == NT_FILE)
				return read_files(core, (uint8_t *)data->d_buf +
						  desc, h.n_descsz, m);
			at = next;
		}
	}
	return false;
}

/* Where the file's address 0 was.  False: no mapping is of a segment. */
static bool find_bias(const struct mappings *m, const char *path,
		      const struct image *im, uint64_t *bias)
{
	for (size_t i = 0; i < m->n; i++)
		for (size_t s = 0; s < im->n_segments; s++) {
			const struct segment *g = &im->segments[s];
			uint64_t in_page = g->offset & (m->page - 1);

			if (strcmp(m->array[i].path, path) ||
			    m->array[i].offset != g->offset - in_page)
				continue;
			*bias = m->array[i].start - (g->addr - in_page);
			return true;
		}
	return false;
}

/* The core holds the file's first page, where the build-id is. */
static bool same_file(struct image *im, const struct image *core,
		      char why[WHY_MAX])
{
	char on_disk[BUILD_ID_MAX], then[BUILD_ID_MAX];

	image_build_id(im, on_disk);
	im->core = core;
	image_build_id(im, then);
	if (!strcmp(on_disk, then))
		return true;
	say(why, "not the file that the process had: its build-id is %s,"
	    " expected %s", on_disk, *then ? then : "another");
	return false;
}

static bool seen_before(const struct mappings *m, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (!strcmp(m->array[k].path, m->array[i].path))
			return true;
	return false;
}

int core_each(const struct image *core, const char *root,
	      void (*visit)(void *arg, const struct image *im),
	      void (*problem)(void *arg, const char *path, const char *why),
	      void *arg, char why[WHY_MAX])
{
	struct mappings m = { 0 };

	if (!find_files(core, &m) || !m.page || m.page & (m.page - 1)) {
		free(m.array);
		return say(why, "the core has no NT_FILE note, which names the"
			   " files that the process had");
	}
	for (size_t i = 0; i < m.n; i++) {
		char inner[WHY_MAX], *path;
		struct image im;

		if (seen_before(&m, i))
			continue;
		if (asprintf(&path, "%s%s", root ? root : "",
			     m.array[i].path) < 0)
			continue;
		if (image_open(&im, path, inner)) {
			problem(arg, path, inner);
		} else {
			if (im.arch == core->arch && im.type != ET_CORE &&
			    find_bias(&m, m.array[i].path, &im, &im.bias)) {
				if (same_file(&im, core, inner))
					visit(arg, &im);
				else
					problem(arg, path, inner);
			}
			image_close(&im);
		}
		free(path);
	}
	free(m.array);
	return 0;
}
