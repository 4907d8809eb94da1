/* SPDX-License-Identifier: MIT */
/*
 * The corpus as files: files			lists ARCH NAME RULE
 *		       files ARCH NAME FILE	makes that one
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "tests/corpus/corpus.h"

#define PORT(name)	&side_jmp_arch_##name,
static const struct side_jmp_arch *const ports[] = { SIDE_JMP_ARCHS(PORT) };

enum { N_PORTS = sizeof(ports) / sizeof(*ports) };

static struct corpus library;

static bool has(const struct corpus_case *c, const struct side_jmp_arch *arch)
{
	return !(c->not & CORPUS_NOT_FILE) && corpus_applies(c, arch);
}

static void list(void)
{
	for (unsigned p = 0; p < N_PORTS; p++)
		for (unsigned i = 0; i < corpus_n_cases; i++)
			if (has(&corpus_cases[i], ports[p]))
				printf("%s %s %s\n", ports[p]->name,
				       corpus_cases[i].name,
				       corpus_file_rule(&corpus_cases[i]));
}

static int make(const char *arch, const char *name, const char *path)
{
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);

	for (unsigned p = 0; p < N_PORTS; p++)
		for (unsigned i = 0; i < corpus_n_cases; i++) {
			const struct corpus_case *c = &corpus_cases[i];

			if (strcmp(ports[p]->name, arch) ||
			    strcmp(c->name, name) || !has(c, ports[p]))
				continue;
			corpus_make(&library, c, ports[p]);
			return fd < 0 || corpus_write(&library, fd);
		}
	return 1;
}

int main(int argc, char **argv)
{
	if (argc == 4)
		return make(argv[1], argv[2], argv[3]);
	list();
	return 0;
}
