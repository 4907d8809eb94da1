# SPDX-License-Identifier: MIT
# Fuzzing of what reads ELF files: one target, tests/fuzz/elf.c, built for
# libFuzzer and for AFL++, both with ASan and UBSan.
#
#   make fuzz             FUZZ_RUNS executions by libFuzzer, FUZZ_SECONDS of AFL++
#   tests/fuzz/short.sh   seconds of it, in `make check`
#
# What reads a traced command's lines has one, too (tests/fuzz/fifo.c), what
# compiles filters of events (tests/fuzz/filter.c), and what reads static
# archives (tests/fuzz/archive.c).
#
# Debug information, which is libdw's to read, has a target of its own
# (tests/fuzz/lines.c) and is fuzzed in the long run alone.

FUZZ_RUNS	?= 1000000
FUZZ_SECONDS	?= 600
FUZZ		:= $(B)/fuzz
FUZZ_SRC	:= tools/image.c tools/snapshot.c tools/table.c \
		   tools/check.c tools/symbols.c tools/prepare.c tools/memory.c \
		   runtime/events/pattern.c runtime/events/filter.c \
		   runtime/sites/table.c runtime/sites/record.c
FUZZ_DEPS	:= $(FUZZ_SRC) $(wildcard tools/*.h) $(LIB_A) tests/fuzz/fuzz.mk
FUZZ_FLAGS	= $(CSTD) $(CPP_) -O1 -g -fno-omit-frame-pointer \
		  -fsanitize=address,undefined -fno-sanitize-recover=all

# The library is linked for its ports, which are as sanitized as it is; theirs
# are built here again.
FUZZ_ARCH	:= $(filter-out arch/generic/arch.c,$(wildcard arch/*/arch.c))

$(FUZZ)/%-libfuzzer: tests/fuzz/%.c $(FUZZ_DEPS)
	@mkdir -p $(@D)
	clang $(FUZZ_FLAGS) -fsanitize=fuzzer $< $(FUZZ_SRC) $(FUZZ_ARCH) \
		$(LIB_A) -o $@ -lelf -ldw

$(FUZZ)/fifo-libfuzzer: tests/fuzz/fifo.c tools/lines.c tools/text.c \
		$(wildcard tools/*.h) tests/fuzz/fuzz.mk
	@mkdir -p $(@D)
	clang $(FUZZ_FLAGS) -fsanitize=fuzzer $(filter %.c,$^) -o $@

$(FUZZ)/archive-libfuzzer: tests/fuzz/archive.c tools/archive.c tools/object.c \
		$(FUZZ_DEPS)
	@mkdir -p $(@D)
	clang $(FUZZ_FLAGS) -fsanitize=fuzzer $(filter tests/fuzz/%.c tools/%.c,$^) \
		$(filter runtime/%.c,$(FUZZ_SRC)) $(FUZZ_ARCH) $(LIB_A) -o $@ -lelf -ldw

# The library's other files are as it has them.
$(FUZZ)/filter-libfuzzer: tests/fuzz/filter.c runtime/events/filter.c \
		runtime/events/pattern.c runtime/base/number.c $(LIB_A) \
		$(wildcard runtime/events/*.h) tests/fuzz/fuzz.mk
	@mkdir -p $(@D)
	clang $(FUZZ_FLAGS) -fsanitize=fuzzer $(filter %.c,$^) $(LIB_A) -o $@

$(FUZZ)/%-afl: tests/fuzz/%.c $(FUZZ_DEPS)
	@mkdir -p $(@D)
	AFL_QUIET=1 afl-clang-fast $(FUZZ_FLAGS) -fsanitize=fuzzer $< \
		$(FUZZ_SRC) $(FUZZ_ARCH) $(LIB_A) -o $@ -lelf -ldw

# ---- the corpus: small real files of every port ------------------------------

FUZZ_SEEDS	:= $(FUZZ)/seeds/made
SMALL		:= -Os -fno-asynchronous-unwind-tables -nostdlib \
		   -Wl,-z,noseparate-code -Wl,-z,max-page-size=4096 \
		   -Wl,-z,common-page-size=4096

$(FUZZ_SEEDS): tests/tools/src/all.c $(HEADERS) tests/fuzz/seeds
	B=$(B) SMALL="$(SMALL)" tests/fuzz/seeds $(@D)
	touch $@

$(FUZZ)/corpus: $(FUZZ_SEEDS)
	mkdir -p $@
	cp $(FUZZ)/seeds/*-* $@/

# ---- the long run ---------------------------------------------------------------

# Each input may take 5 s and 2 GiB (with the sanitizers); leaks are looked for.
FUZZ_LIMITS	= -runs=$(FUZZ_RUNS) -timeout=5 -rss_limit_mb=2048 \
		  -max_len=20000 -artifact_prefix=$(FUZZ)/ -print_final_stats=1

.PHONY: fuzz
fuzz:
	@tests/need afl++
	$(MAKE) --no-print-directory $(FUZZ)/elf-libfuzzer $(FUZZ)/elf-afl \
		$(FUZZ)/lines-libfuzzer $(FUZZ)/fifo-libfuzzer \
		$(FUZZ)/filter-libfuzzer $(FUZZ)/archive-libfuzzer $(FUZZ)/corpus
	$(FUZZ)/elf-libfuzzer $(FUZZ_LIMITS) $(FUZZ)/corpus
	mkdir -p $(FUZZ)/lines
	$(FUZZ)/lines-libfuzzer $(FUZZ_LIMITS) $(FUZZ)/lines $(FUZZ)/seeds-lines
	mkdir -p $(FUZZ)/fifo
	$(FUZZ)/fifo-libfuzzer $(FUZZ_LIMITS) $(FUZZ)/fifo tests/fuzz/fifo
	mkdir -p $(FUZZ)/filter
	$(FUZZ)/filter-libfuzzer $(FUZZ_LIMITS) $(FUZZ)/filter tests/fuzz/filter
	mkdir -p $(FUZZ)/archive
	$(FUZZ)/archive-libfuzzer $(FUZZ_LIMITS) $(FUZZ)/archive tests/fuzz/archive \
		$(FUZZ)/seeds-archives
	AFL_SKIP_CPUFREQ=1 AFL_I_DONT_CARE_ABOUT_MISSING_CRASHES=1 AFL_NO_UI=1 \
		AFL_NO_AFFINITY=1 afl-fuzz -V $(FUZZ_SECONDS) -t 5000 -m none \
		-i $(FUZZ)/seeds -o $(FUZZ)/afl -- $(FUZZ)/elf-afl
	grep -E '^(execs_done|saved_crashes|saved_hangs)' \
		$(FUZZ)/afl/default/fuzzer_stats
	! grep -E '^saved_(crashes|hangs) *: *[1-9]' \
		$(FUZZ)/afl/default/fuzzer_stats
