/* SPDX-License-Identifier: MIT */
/*
 * riscv64's encoder and decoder: every word there is, and against binutils'
 * disassembler (Debian 12's Capstone does not know RISC-V).
 */
// cflags: -O3
#include <unistd.h>

#include "arch/riscv64/arch.c"

#define PORT		side_jmp_arch_riscv64
#define NAME(what)	"encode_riscv64_" what
#define LENGTH		4
#include "tests/encode/encode.h"
#include "tests/encode/breakpoints.h"

/*
 * What follows a sample are zeros, so that one which is longer (up to 24 bytes) or
 * shorter than 4 does not shift the next; objdump skips them by fours.  Before
 * the next stands a compressed no-op, where its skipping ends.
 */
enum { SAMPLES = 1000000, BASE = 1 << 30, STRIDE = 32 };

static const uint8_t padding[STRIDE - 4] = { [STRIDE - 6] = 1 };

/* The load's immediate, as low bits of the address that it makes. */
static enum side_jmp_state read_load(const struct side_jmp_insn *insn,
				     const char *operands, uint64_t *address)
{
	uint64_t auipc = insn->site - 4;
	char *end;
	uint64_t imm = (uint64_t)strtoll(operands, &end, 0);

	if (strcmp(end, "(t0)"))
		return SIDE_JMP_FOREIGN;
	*address = insn->word + ((auipc + imm - insn->word) & 0xfff);
	return SIDE_JMP_ARMED;
}

static enum side_jmp_state read_as(const struct side_jmp_insn *insn,
				   const char *mnemonic, const char *operands,
				   uint64_t *address)
{
	const char *load = insn->word64 ? "ld" : "lw";

	if (insn->layout == SIDE_JMP_WIDE) {
		if (!strcmp(mnemonic, load) && !strncmp(operands, "t0,", 3))
			return read_load(insn, operands + 3, address);
		return !strcmp(mnemonic, "addi") &&
		       !strcmp(operands, "t0,zero,0") ? SIDE_JMP_IDLE :
		       SIDE_JMP_FOREIGN;
	}
	if (!strcmp(mnemonic, "jal") && !strncmp(operands, "zero,", 5)) {
		*address = strtoull(operands + 5, NULL, 16);
		return SIDE_JMP_ARMED;
	}
	return !strcmp(mnemonic, "addi") && !strcmp(operands, "zero,zero,0") ?
	       SIDE_JMP_IDLE : SIDE_JMP_FOREIGN;
}

static struct sample samples[SAMPLES];

/* Lines are "address:\tbytes\tmnemonic\toperands [<...>]". */
static unsigned long compare(FILE *text, bool *agree)
{
	unsigned long n = 0, at;
	char line[256];

	while (fgets(line, sizeof(line), text)) {
		char mnemonic[64] = "", operands[64] = "", bytes[32];

		if (sscanf(line, " %lx: %31s %63s %63s", &at, bytes, mnemonic,
			   operands) < 2 || at % STRIDE)
			continue;
		if (strlen(bytes) != 8)
			strcpy(mnemonic, "(not of 4 bytes)");
		*agree &= agrees(&samples[(at - BASE) / STRIDE], mnemonic,
				 operands);
		n++;
	}
	return n;
}

static void by_objdump(void)
{
	char path[] = "/tmp/encode_riscv64.XXXXXX", command[256];
	int fd = mkstemp(path);
	FILE *words = fd < 0 ? NULL : fdopen(fd, "w"), *text;
	bool agree = words;
	unsigned long n;

	for (long i = 0; words && i < SAMPLES; i++) {
		make_sample(&samples[i], (uint64_t)(BASE + i * STRIDE), 21, 2);
		agree &= fwrite(samples[i].bytes, 4, 1, words) == 1 &&
			 fwrite(padding, sizeof(padding), 1, words) == 1;
	}
	agree &= words && !fclose(words);
	snprintf(command, sizeof(command), "riscv64-linux-gnu-objdump -D"
		 " -b binary -m riscv:rv64 -M no-aliases --adjust-vma=%#x %s",
		 BASE, path);
	text = popen(command, "r");
	n = text ? compare(text, &agree) : 0;
	agree &= text && !pclose(text);
	unlink(path);
	tap_equal((long long)n, SAMPLES, NAME("objdump_shows_every_sample"));
	report(agree, SAMPLES, "objdump");
}

static const struct trap traps[] = {
	{ { 0x73, 0x00, 0x10, 0x00 }, 4, 2, 2 },
	{ { 0x02, 0x90 }, 2, 2, 2 },
};

int main(void)
{
	tap_ok(sees_traps(&PORT, traps, 2), NAME("sees_breakpoints"));
	every_word(SIDE_JMP_INLINE, 1ul << 20, 1, NAME("every_word_inline"));
	every_word(SIDE_JMP_WIDE, 1ul << 12, 1, NAME("every_word_wide"));
	by_objdump();
	return tap_done();
}
