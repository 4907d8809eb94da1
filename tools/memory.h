/* SPDX-License-Identifier: MIT */
/* Memory of the tool's, which exits with status 2 where there is none. */
#ifndef TOOLS_MEMORY_H
#define TOOLS_MEMORY_H

#include <stddef.h>

void *tool_alloc(size_t n, size_t size);	/* zeros; free() takes it */
/* `array` with room for `need`, *room elements. */
void *tool_grow(void *array, size_t *room, size_t need, size_t size);
char *tool_strdup(const char *s);

#endif
