/* SPDX-License-Identifier: MIT */
/*
 * Fuzzing what list asks of debug information, which is libdw's to read: in
 * `make fuzz` alone, for what is found here is found in libdw.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tools/symbols.h"
#include "tools/table.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { SITES = 50 };		/* that lines are asked for */

static void ask(const struct image *im, const struct symbols *symbols)
{
	volatile size_t sum = 0;
	char why[WHY_MAX];
	const char *file;
	struct table t;
	int line;

	if (table_load(&t, im, why))
		return;
	for (size_t i = 0; i < t.n_sites && i < SITES; i++)
		if (symbols_line(symbols, t.sites[i].insn.site, &file, &line))
			sum += strlen(file);
	table_free(&t);
}

/* libdwfl opens files by their names. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static int fd = -1;
	char path[64], why[WHY_MAX];
	struct symbols symbols;
	struct image im;

	if (fd < 0)
		fd = memfd_create("input", MFD_CLOEXEC);
	if (ftruncate(fd, 0) || pwrite(fd, data, size, 0) != (ssize_t)size)
		return 0;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (image_open(&im, path, why))
		return 0;
	if (!symbols_load(&symbols, &im, NULL, SYMBOLS_LINES, why)) {
		ask(&im, &symbols);
		symbols_free(&symbols);
	}
	image_close(&im);
	return 0;
}
