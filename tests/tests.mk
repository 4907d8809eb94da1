# SPDX-License-Identifier: MIT
# Tests: one C file or one executable shell script is one test program.
#
#   tests/unit/NAME.c     linked with the static library
#   tests/inject/NAME.c   linked with the library that calls a hook at every
#                         step of a patch
#   tests/*/NAME.sh       run with TOP, BUILD, CC, CXX in the environment
#
# NAME.c may begin with a line `// cflags: ...` and `// ldflags: ...`.

TEST_C		:= $(wildcard tests/unit/*.c tests/port/*.c)
TEST_INJ	:= $(wildcard tests/inject/*.c)
TEST_SH		:= $(wildcard tests/*/*.sh)
TEST_BIN	:= $(TEST_C:%.c=$(B)/%) $(TEST_INJ:%.c=$(B)/%)

test_flags	= $(shell sed -n 's|^// $(1): ||p' $(2))

# More than its own file, of one test.
CORPUS_C	:= tests/corpus/corpus.c tests/corpus/cases.c
$(B)/tests/unit/objects_corpus: TEST_MORE := $(CORPUS_C)
$(B)/tests/unit/objects_corpus: $(CORPUS_C) tests/corpus/corpus.h

$(filter-out $(B)/tests/inject/%,$(TEST_BIN)): $(B)/tests/%: tests/%.c tests/tap.h \
		$(filter %.c,$(TEST_LINK)) $(LIB_A) $(HEADERS)
	@mkdir -p $(@D)
	$(CC) $(CSTD) -D_GNU_SOURCE $(WARN) $(CPP_) $(CFLAGS) \
		$(call test_flags,cflags,$<) -MMD -MP $< $(TEST_MORE) $(TEST_LINK) $(LIB_A) -o $@ \
		-pthread -ldl $(call test_flags,ldflags,$<)

$(B)/tests/inject/%: tests/inject/%.c tests/tap.h $(B)/libside_jmp_inject.a \
		$(HEADERS)
	@mkdir -p $(@D)
	$(CC) $(CSTD) -D_GNU_SOURCE -DSIDE_JMP_INJECT $(WARN) $(CPP_) $(CFLAGS) \
		$(call test_flags,cflags,$<) -MMD -MP $< \
		$(B)/libside_jmp_inject.a -o $@ -pthread -ldl \
		$(call test_flags,ldflags,$<)

include tests/inject/stress.mk

.PHONY: check-tools check-build
check-tools:
	@tests/need

check-build: check-tools
	$(MAKE) --no-print-directory all $(TEST_BIN) $(PORT_RUNS)

check: check-build
	@TOP=$(CURDIR) BUILD=$(abspath $(B)) CC="$(CC)" CXX="$${CXX:-c++}" \
		SECONDS_=$(SECONDS) LOG=$(abspath $(B))/check.log \
		tests/run $(TEST_BIN) $(TEST_SH) $(PORT_RUNS)

stress: $(B)/tests/inject/stress
	$< $(SECONDS)

include tests/port/port.mk
include tests/guest/guest.mk
include tests/fuzz/fuzz.mk
