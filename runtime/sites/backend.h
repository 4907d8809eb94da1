/* SPDX-License-Identifier: MIT */
/*
 * Who patches: one row for each that can, and which of them it is here.
 * All of it under sj_patch_lock but where something else is said.
 */
#ifndef SIDE_JMP_SITES_BACKEND_H
#define SIDE_JMP_SITES_BACKEND_H

#include "side_jmp.h"

struct sj_backend {
	enum side_jmp_backend id;
	const char *name;
	/*
	 * Does it work here, by a trial patch?  *why is a sentence in either
	 * case.  forced: the user asks for it.  0, or -errno; -ECANCELED: no,
	 * and the sentence says it all; -ENOSYS: likewise, but ask the next.
	 */
	int (*probe)(bool forced, const char **why);

	/*
	 * One that patches tables by itself; otherwise NULL.  Without the lock:
	 * they may take as long as a table has sites.  adopt: take the table
	 * and follow the words; release: arm its sites and forget it; follow:
	 * these words have changed.  0 or -errno.
	 */
	int (*adopt)(const struct side_jmp_record *start, size_t n);
	int (*release)(const struct side_jmp_record *start, size_t n);
	int (*follow)(const uint64_t words[], size_t n);

	/* Our own stores.  open returns a descriptor or -errno. */
	int (*open)(void);
	void (*close)(int fd);
	int (*write)(int fd, uintptr_t at, const void *bytes, size_t len);
	/* No core executes what stood there before the writes. */
	int (*sync)(void);
	/* Give the file's own page back, without the patches. */
	int (*drop)(uintptr_t page, bool textrel);
};

/* ---- backend.c --------------------------------------------------------- */

/* SIDE_JMP_BACKEND, with the first object; NULL or "": whatever works. */
void sj_backend_ask(const char *name);
/* What every reason has to end with: about other variables. */
void sj_backend_remark(const char *remark);
/* The one that patches; decided now if it has not been. */
const struct sj_backend *sj_backend(void);
bool sj_backend_chosen(void);
/*
 * But a back end that patches by itself gets every table.  Is this one?
 * Without the question whether there is one, nothing is decided.
 */
bool sj_backend_adopts(void);
/* Does somebody patch as soon as a word changes?  Any thread, no lock. */
bool sj_backend_follows_words(void);
void sj_backend_info(struct side_jmp_info *info);

/* What was asked for by the environment and can't be had. */
struct sj_backend_asked {
	char name[16], why[200];
};

bool sj_backend_disappoints(struct sj_backend_asked *asked);	/* once */

/* ---- backend_self.c: this very process patches --------------------------- */

int sj_self_probe(bool forced, const char **why);
int sj_self_open(void);
void sj_self_close(int fd);
int sj_self_write(int fd, uintptr_t at, const void *bytes, size_t len);
int sj_self_sync(void);
int sj_self_drop(uintptr_t page, bool textrel);
extern uint64_t sj_self_syncs;		/* so far */

/* ---- backend_kernel.c: the kernel does, by code_patch() ------------------ */

/* struct code_patch_args of the kernel */
struct sj_code_patch_args {
	uint64_t addr, len;
	int32_t pidfd;			/* -1 */
	uint32_t reserved;
	uint64_t sites, patched, skipped;	/* out */
};

enum { SJ_CODE_PATCH_KEYS = 4096 };	/* of a call: CODE_PATCH_MAX_KEYS */

/* linux/prctl.h of the same kernels */
#define SJ_PR_SET_CODE_INTEGRITY		0x53434947
#define SJ_PR_CODE_INTEGRITY_REFUSE_PATCH	1ul
#define SJ_PR_GET_CODE_INTEGRITY		0x47434947

/* Does the kernel know the call?  Asks, but tries nothing. */
bool sj_code_patch_known(void);
int sj_code_patch_probe(bool forced, const char **why);
int sj_code_patch_register(const struct side_jmp_record *start, size_t n);
int sj_code_patch_unregister(const struct side_jmp_record *start, size_t n);
int sj_code_patch_sync(const uint64_t words[], size_t n);
extern uint64_t sj_code_patch_writes, sj_code_patch_syncs;	/* so far; atomic */

/* ---- probe.c: a site of our own ------------------------------------------ */

int sj_probe(void);			/* 1: armed, 0: idle */
const struct side_jmp_record *sj_probe_record(uint32_t **word);

#endif
