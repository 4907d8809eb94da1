/* SPDX-License-Identifier: MIT */
/*
 * percpu.h's sequences for x86-64.  struct rseq (uapi/linux/rseq.h): the number
 * of the CPU at 4, of 32 bits, negative where the thread is not registered; at 8
 * the address of the sequence that the thread is in.  That of a sequence: version
 * and flags, 0; start; length; where an aborted one goes on, in front of which
 * the C library's signature stands (glibc's bits/rseq.h), as part of a ud1 so that
 * disassemblers read on.
 *
 * The address is taken back: the object it is in may be unloaded.
 */
#ifndef SIDE_JMP_ARCH_X86_64_PERCPU_H
#define SIDE_JMP_ARCH_X86_64_PERCPU_H

#define SJ_PERCPU	1

/* glibc's; NULL where there is none.  Not its header's: it is from 2.35 on. */
extern const ptrdiff_t __rseq_offset __attribute__((weak));
extern const unsigned int __rseq_size __attribute__((weak));

static inline void *sj_percpu(void)
{
	uintptr_t thread;

	if (!&__rseq_size || !&__rseq_offset || !__rseq_size)
		return NULL;
	__asm__("mov	%%fs:0, %0" : "=r" (thread));
	return (void *)(thread + (uintptr_t)__rseq_offset);
}

#define SJ_PERCPU_SEQUENCE \
	"	.pushsection .data.rel.ro.sj_percpu, \"aw\", @progbits\n" \
	"	.balign	32\n" \
	"771:	.long	0, 0\n" \
	"	.quad	772f, 773f - 772f, 774f\n" \
	"	.popsection\n" \
	"	lea	771b(%%rip), %%rax\n" \
	"	mov	%%rax, 8(%[here])\n" \
	"772:\n"
#define SJ_PERCPU_COMMITTED \
	"773:\n" \
	"	mov	%[done_], %%eax\n" \
	"775:	movq	$0, 8(%[here])\n" \
	"	.pushsection .text.unlikely, \"ax\", @progbits\n" \
	"	.byte	0x0f, 0xb9, 0x3d\n" \
	"	.long	0x53053053\n" \
	"774:	mov	%[aborted_], %%eax\n" \
	"	jmp	775b\n" \
	"	.popsection\n"
/* In a sequence: without effect out of it. */
#define SJ_PERCPU_LEAVE(label, done) \
	label ":	mov	" done ", %%eax\n" \
	"	jmp	775b\n"

#define SJ_PERCPU_RESULTS \
	[done_] "i" (SJ_PERCPU_DONE), [no_room_] "i" (SJ_PERCPU_NO_ROOM), \
	[aborted_] "i" (SJ_PERCPU_ABORTED), [no_log_] "i" (SJ_PERCPU_NO_LOG), \
	[end_] "i" (offsetof(struct sj_percpu_packet, end)), \
	[begin_] "i" (offsetof(struct sj_percpu_packet, begin)), \
	[content_] "i" (offsetof(struct sj_percpu_packet, content_bits)), \
	[discarded_] "i" (offsetof(struct sj_percpu_packet, discarded)), \
	[full_] "i" (SJ_PERCPU_FULL), [packet_] "i" (SJ_PERCPU_PACKET)

/*
 * record: of size bytes, and readable in whole words of 8.  Its time becomes
 * *now, or the last one's where that is later; if it is done, *now is that.
 */
static inline enum sj_percpu_done sj_percpu_add(void *here,
	struct sj_percpu_log *logs, unsigned n, const void *record, size_t size,
	uint64_t *now, uint32_t *cpu)
{
	uint64_t at, word, i, c;
	uint32_t done;

	_Static_assert(sizeof(*logs) == 64, "shl $6");
	__asm__ volatile(
		SJ_PERCPU_SEQUENCE
		"	mov	4(%[here]), %k[c]\n"
		"	cmp	%[n], %k[c]\n"
		"	jae	776f\n"
		"	mov	%k[c], %k[i]\n"
		"	shl	$6, %[i]\n"
		"	mov	(%[logs], %[i]), %%rdx\n"
		"	test	%[full_], %%dl\n"
		"	jnz	777f\n"
		"	mov	%c[content_](%%rdx), %[at]\n"
		"	shr	$3, %[at]\n"
		"	lea	7(%[at], %[size]), %[i]\n"	/* whole words */
		"	cmp	%[packet_], %[i]\n"
		"	ja	777f\n"
		"	add	%%rdx, %[at]\n"
		"	xor	%k[i], %k[i]\n"
		"778:	mov	(%[record], %[i]), %[word]\n"
		"	mov	%[word], (%[at], %[i])\n"
		"	add	$8, %[i]\n"
		"	cmp	%[size], %[i]\n"
		"	jb	778b\n"
		"	mov	%c[end_](%%rdx), %[word]\n"
		"	cmp	%[word], %[now]\n"
		"	cmovb	%[word], %[now]\n"
		"	mov	%[now], 4(%[at])\n"
		/* In this order for whoever reads what there is. */
		"	mov	%[now], %c[end_](%%rdx)\n"
		"	mov	%c[content_](%%rdx), %[word]\n"
		"	lea	(%[word], %[size], 8), %[word]\n"
		"	mov	%[word], %c[content_](%%rdx)\n"
		SJ_PERCPU_COMMITTED
		"	.pushsection .text.unlikely, \"ax\", @progbits\n"
		SJ_PERCPU_LEAVE("776", "%[no_log_]")
		SJ_PERCPU_LEAVE("777", "%[no_room_]")
		"	.popsection\n"
		: "=&a" (done), [c] "=&r" (c), [at] "=&r" (at),
		  [word] "=&r" (word), [i] "=&r" (i), [now] "+&r" (*now)
		: [here] "r" (here), [logs] "r" (logs), [n] "rm" (n),
		  [record] "r" (record), [size] "r" (size),
		  SJ_PERCPU_RESULTS
		: "rdx", "memory", "cc");
	*cpu = (uint32_t)c;
	return (enum sj_percpu_done)done;
}

/*
 * From the packet of this CPU's log, where it still is `old`, to the next,
 * whose header is there but for its times and losses, and which one store makes
 * a part of the log: of `by`, to *joins. After each store the log is right: the
 * old packet takes no more; the next has what it has to, and begins after the
 * end of the old one and never after its own; it is there; and it is where
 * records go.  Done again, it does no harm.
 */
static inline enum sj_percpu_done sj_percpu_turn(void *here,
	struct sj_percpu_log *log, uint32_t cpu, uintptr_t old,
	struct sj_percpu_packet *next, uint64_t *joins, uint64_t by, uint64_t now)
{
	uint32_t done;
	uint64_t word;

	__asm__ volatile(
		SJ_PERCPU_SEQUENCE
		"	cmp	%[cpu], 4(%[here])\n"
		"	jne	776f\n"
		"	cmp	%[old], (%[log])\n"
		"	jne	776f\n"
		"	mov	%[old], %%rdx\n"
		"	or	%[full_], %%rdx\n"
		"	mov	%%rdx, (%[log])\n"
		"	and	$-1 - %c[full_], %%rdx\n"
		"	mov	%c[end_](%%rdx), %[word]\n"
		"	inc	%[word]\n"
		"	cmp	%[word], %[now]\n"
		"	cmova	%[now], %[word]\n"
		"	mov	%[word], %c[end_](%[next])\n"
		"	mov	%[word], %c[begin_](%[next])\n"
		"	mov	%c[discarded_](%%rdx), %[word]\n"
		"	mov	%[word], %c[discarded_](%[next])\n"
		"	mov	%[by], (%[joins])\n"
		"	mov	%[next], (%[log])\n"
		SJ_PERCPU_COMMITTED
		"	.pushsection .text.unlikely, \"ax\", @progbits\n"
		SJ_PERCPU_LEAVE("776", "%[aborted_]")
		"	.popsection\n"
		: "=&a" (done), [word] "=&r" (word)
		: [here] "r" (here), [log] "r" (log), [cpu] "r" (cpu),
		  [old] "r" (old), [next] "r" (next), [joins] "r" (joins),
		  [by] "r" (by), [now] "r" (now), SJ_PERCPU_RESULTS
		: "rdx", "memory", "cc");
	return (enum sj_percpu_done)done;
}

/* One record more that this CPU's log has lost. */
static inline enum sj_percpu_done sj_percpu_discard(void *here,
	struct sj_percpu_log *logs, unsigned n)
{
	uint32_t done;

	__asm__ volatile(
		SJ_PERCPU_SEQUENCE
		"	mov	4(%[here]), %%edx\n"
		"	cmp	%[n], %%edx\n"
		"	jae	776f\n"
		"	shl	$6, %%rdx\n"
		"	mov	(%[logs], %%rdx), %%rdx\n"
		"	and	$-1 - %c[full_], %%rdx\n"
		"	incq	%c[discarded_](%%rdx)\n"
		SJ_PERCPU_COMMITTED
		"	.pushsection .text.unlikely, \"ax\", @progbits\n"
		SJ_PERCPU_LEAVE("776", "%[no_log_]")
		"	.popsection\n"
		: "=&a" (done)
		: [here] "r" (here), [logs] "r" (logs), [n] "rm" (n),
		  SJ_PERCPU_RESULTS
		: "rdx", "memory", "cc");
	return (enum sj_percpu_done)done;
}

#endif
