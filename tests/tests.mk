# SPDX-License-Identifier: MIT
# Tests: one C file or one executable shell script is one test program.
# tests/README.md says how to run one and how to add one.
#
#   tests/*/NAME.c        linked with the static library; in inject/ with the one
#                         that calls a hook at every step of a patch
#   tests/*/NAME.sh       begins with `. "$(dirname "$0")/../tap.sh"`
#
# NAME.c may begin with a line `// cflags: ...` and `// ldflags: ...`.
# corpus/, fuzz/ and guest/ have rules of their own.

TEST_INJ	:= $(wildcard tests/inject/*.c)
TEST_C		:= $(filter-out $(TEST_INJ) tests/corpus/% tests/fuzz/% tests/guest/%, \
		   $(wildcard tests/*/*.c))
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
include tests/port/port.mk
include tests/guest/guest.mk
include tests/fuzz/fuzz.mk
include tests/fresh/fresh.mk
include tests/compilers/compilers.mk

# ---- which of them: T='unit/basic tools/*' -----------------------------------

# unit/basic and what runs for it, which for a script is the script itself.
TEST_RUNS	:= $(PORT_RUNS) $(TEST_SH) $(TEST_BIN)
TEST_NAMES	:= $(patsubst tests/%,%,$(patsubst $(B)/%,%,$(TEST_RUNS:.sh=)))

# A test, as a name or a file, a folder, or a pattern of either.
named	= $(filter $(subst *,%,$(1)) $(1)/% $(patsubst tests/%,%,$(basename \
		$(wildcard $(foreach end,.c .sh /*.c /*.sh,tests/$(1)$(end))))),$(TEST_NAMES))
chosen	= $(sort $(foreach t,$(T:tests/%=%),$(or $(call named,$(basename $(t))),$(error \
		T=$(t): no test has that name; make check T=? lists them))))
CHOSEN	= $(filter $(foreach n,$(chosen),$(B)/tests/$(n) tests/$(n).sh),$(TEST_RUNS))

# For check-long: the ports under qemu-user, and what says "# long" (in C "// long")
# among its first lines.
LONG	:= $(shell awk 'FNR > 20 { nextfile } /^(\043|\/\/) long$$/ { print FILENAME }' \
	$(TEST_SH) $(TEST_C) $(TEST_INJ))
LONG	:= $(filter port/port_% $(patsubst tests/%,%,$(basename $(LONG))),$(TEST_NAMES))
RUN	= $(if $(T),$(CHOSEN),$(filter-out $(foreach n,$(LONG),$(B)/tests/$(n) tests/$(n).sh), \
	$(TEST_RUNS)))
JOBS	?= $(shell nproc 2>/dev/null || echo 2)
# Of tests one more: some of them sleep.
TEST_JOBS ?= $(shell expr $(JOBS) + \( $(JOBS) \> 1 \))

.PHONY: check-tools check-build check-long
check-tools:
	@tests/need

# Chosen tests are built from what is there.
check-build: $(if $(T),,check-tools)
	@$(MAKE) --no-print-directory $(if $(findstring jobserver,$(MAKEFLAGS)),,-j$(JOBS)) \
		$(if $(filter %.sh,$(RUN)),all) $(filter-out %.sh,$(RUN))

ifeq ($(T),?)
check:
	@printf '%s\n' $(sort $(TEST_NAMES))
else
check: check-build
	@TOP=$(CURDIR) BUILD=$(abspath $(B)) CC="$(CC)" CXX="$${CXX:-c++}" JOBS=$(TEST_JOBS) \
		SECONDS_=$(SECONDS) LOG=$(abspath $(B))/check.log tests/run $(RUN) \
		$(if $(T),|| { echo "if a package is missing:" \
			"make check without T= installs what every test needs"; exit 1; })
endif

check-long: check-tools
	@$(MAKE) --no-print-directory check T='$(LONG)'

stress: $(B)/tests/inject/stress
	$< $(SECONDS)

# SECONDS is what was asked for, or a minute.
.PHONY: soak
soak:
	@$(MAKE) --no-print-directory all $$(tests/soak --programs | sed 's|^|$(B)/tests/|')
	@BUILD=$(abspath $(B)) CC="$(CC)" tests/soak \
		$(if $(filter command environment,$(origin SECONDS)),$(SECONDS),60) $(SEED)

.PHONY: model
model: lib
	SIZE=big BUILD=$(abspath $(B)) CC="$(CC)" tests/model/model.sh
