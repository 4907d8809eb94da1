/* SPDX-License-Identifier: MIT */
/*
 * Fuzzing what compiles filters (runtime/events/filter.c): whatever stands behind a
 * pattern, for events of every type and for none, and what comes of it is asked.
 */
#include <stdlib.h>
#include <string.h>

#include <side_jmp_event.h>

#include "runtime/events/pattern.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

SIDE_JMP_EVENT(fuzz, numbers, "", (u8, a), (s64, b), (float, c), (double, d),
	(pointer, e), (enum, f, (0, "x"), (1, "y")));
SIDE_JMP_EVENT(fuzz, texts, "", (string, a), (text, b), (chars, c, 4),
	(bytes, d, 3), (byte_seq, e), (array, f, u16, 2));

/* As long as it is and no longer: what is read behind it is seen. */
static void ask(const struct sj_filter_build *build,
		const struct side_jmp_event *event, const uint64_t *bits)
{
	struct sj_filter *f = malloc(sj_filter_size(&build->head));

	if (!f)
		abort();
	sj_filter_store(build, f);
	(void)sj_filter_passes(f, event->desc, bits, NULL);
	(void)sj_filter_passes(f, event->desc, bits, NULL);
	free(f);
}

static void one(const struct sj_pattern *pattern)
{
	static const struct side_jmp_seq seq = { "a-]b", 4 };
	static const uint64_t numbers[] = { 200, (uint64_t)-5, 1, 2, 3, 1 };
	const uint64_t texts[] = {
		(uintptr_t)"abc[\\*", (uintptr_t)&seq, (uintptr_t)"abc",
		(uintptr_t)"xyz", (uintptr_t)&seq, (uintptr_t)"abcd",
	};
	struct sj_filter_build build;
	char why[SJ_FILTER_WHY];

	if (sj_pattern_filter(pattern, fuzz_side_jmp_numbers_side_jmp_event.desc,
			      &build, why) == 1)
		ask(&build, &fuzz_side_jmp_numbers_side_jmp_event, numbers);
	if (sj_pattern_filter(pattern, fuzz_side_jmp_texts_side_jmp_event.desc,
			      &build, why) == 1)
		ask(&build, &fuzz_side_jmp_texts_side_jmp_event, texts);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *list = malloc(size + 1);
	struct sj_pattern pattern;
	const char *rest = list;
	int r;

	if (!list)
		abort();
	memcpy(list, data, size);
	list[size] = '\0';
	while ((r = sj_pattern_next(&rest, &pattern)) != 0)
		if (r == 1)
			one(&pattern);
		else if (!memchr(pattern.why, '\0', sizeof(pattern.why)) ||
			 !*pattern.why)
			abort();
	free(list);
	return 0;
}
