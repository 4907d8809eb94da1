/* SPDX-License-Identifier: MIT */
/*
 * Fuzzing what reads ELF files: the image, the table, the check, and prepare
 * in memory.  For libFuzzer and AFL++ (both call LLVMFuzzerTestOneInput), and
 * with -DREPLAY a program that runs files.
 *
 * libelf is not instrumented, so the input ends at a page that nobody may
 * touch: what reads past it dies.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tools/check.h"
#include "tools/prepare.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void ignore(void *arg, const struct finding *f)
{
	unsigned *sum = arg;

	*sum += (unsigned)(strlen(f->rule) + strlen(f->expected) +
			   strlen(f->found));
}

/* All that list prints. */
static unsigned look(const struct table *t, const struct symbols *symbols)
{
	unsigned sum = 0;

	for (size_t i = 0; i < t->n_sites; i++)
		sum += symbols_function(symbols, t->sites[i].insn.site, 0) !=
		       NULL;
	for (size_t i = 0; i < t->n_keys; i++)
		sum += (unsigned)strlen(key_name(&t->keys[i]));
	for (size_t i = 0; i < t->n_events; i++) {
		const struct event *e = &t->events[i];

		for (size_t k = 0; k < e->n_fields; k++) {
			const struct field *f = &e->fields[k];
			char type[FIELD_TYPE_MAX];
			const char *label = f->labels;

			field_type(f, type);
			sum += (unsigned)(strlen(f->name) + strlen(type));
			for (uint32_t n = 0; label && n < f->count; n++) {
				sum += (unsigned)field_value(t->image, f, n);
				label += strlen(label) + 1;
			}
		}
	}
	return sum;
}

/* Changes the input, so the table must not be looked at afterwards. */
static void prepare(const struct table *t, enum side_jmp_state state)
{
	struct wish wish = { "*", state };
	char why[WHY_MAX];
	struct plan plan;

	for (size_t i = 0; i < t->n_keys; i++)
		if (strchr(key_name(&t->keys[i]), ':'))
			wish.patterns = "*:*";
	if (prepare_plan(t, &wish, 1, true, &plan, why))
		return;
	prepare_apply(t, &plan, why);
	prepare_free(&plan);
}

static void read_all(const struct image *im)
{
	char why[WHY_MAX], id[BUILD_ID_MAX];
	struct symbols symbols;
	struct table t;
	volatile unsigned sum = 0;
	unsigned n = 0;

	image_build_id(im, id);
	if (symbols_load(&symbols, im, NULL, SYMBOLS_FUNCTIONS, why))
		return;
	if (!table_load(&t, im, why)) {
		sum += look(&t, &symbols);
		check_table(&t, &symbols, true, ignore, &n);
		prepare(&t, im->size & 1 ? SIDE_JMP_IDLE : SIDE_JMP_ARMED);
		table_free(&t);
	}
	sum += n;
	symbols_free(&symbols);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	size_t room = (size + page - 1) / page * page;
	char why[WHY_MAX];
	struct image im;
	uint8_t *map;

	map = mmap(NULL, room + page, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (map == MAP_FAILED || mprotect(map + room, page, PROT_NONE))
		abort();
	memcpy(map + room - size, data, size);
	if (!image_from_memory(&im, "input", map + room - size, size, why)) {
		read_all(&im);
		image_close(&im);
	}
	munmap(map, room + page);
	return 0;
}
