# SPDX-License-Identifier: MIT
# Benchmarks: bench/sites (what a site costs), bench/flips, bench/startup.
# CSV in $(B)/bench, tables and the goals on the screen.  QUICK=1: a try.

BENCH	:= $(B)/bench
BENCH_CC = $(CC) $(CSTD) -D_GNU_SOURCE $(WARN) $(CPP_) $(CFLAGS) -O2
BENCH_BIN := $(addprefix $(BENCH)/,sites flips startup)
BENCH_HAS = $(shell echo '\#include <$(1)>' | $(CC) -E -x c - >/dev/null 2>&1 && \
		echo yes)
# XRay is clang's, of whatever compiler the rest is.
XRAY_CC	:= clang
BLOCK	:= none inline nop wide wide64 dense nop5 test c shared pointer
ifneq ($(call BENCH_HAS,sys/sdt.h),)
BLOCK	+= sdt sema
endif
ifneq ($(filter x86_64%,$(shell $(CC) -dumpmachine)),)
BLOCK	+= $(if $(shell command -v $(XRAY_CC)),xray)
endif
BLOCK_O	:= $(BLOCK:%=$(BENCH)/block-%.o)
# These at 65,536 sites, too.
FEW_O	:= $(patsubst %,$(BENCH)/few-%.o,none inline nop wide nop5 test c)

BLOCK_OF = $(foreach v,$(1),$(BENCH)/block-$(v).o $(BENCH)/few-$(v).o)
$(call BLOCK_OF,nop): BLOCK_ := -DSIDE_JMP_LAYOUT_NOP
$(call BLOCK_OF,wide): BLOCK_ := -DSIDE_JMP_LAYOUT_WIDE
$(call BLOCK_OF,wide64): BLOCK_ := -DSIDE_JMP_LAYOUT_WIDE -DWORD64
$(call BLOCK_OF,dense): BLOCK_ := -DSIDE_JMP_LAYOUT_DENSE
$(call BLOCK_OF,sdt sema): BLOCK_ := -Wno-pedantic
$(call BLOCK_OF,xray): BLOCK_ := -fxray-instrument
$(call BLOCK_OF,xray): override CC := $(XRAY_CC)

# Every variant's functions and loops begin a cache line.
BENCH_BLOCK = $(BENCH_CC) -g0 -fPIC -falign-functions=64 -falign-loops=64 \
	      $(BLOCK_) -DVARIANT_$* -DVARIANT='"$*"' -c $< -o $@
BLOCK_DEPS := bench/block.c bench/block.h bench/bench.h bench/machine.h $(HEADERS)

$(BENCH)/block-%.o: $(BLOCK_DEPS)
	@mkdir -p $(@D)
	$(BENCH_BLOCK)
$(BENCH)/few-%.o: $(BLOCK_DEPS)
	@mkdir -p $(@D)
	$(BENCH_BLOCK) -DFEW

# Linked 16 times, few of them 256 times: as many copies of code and keys.
FOUR_OF	= $(1) $(1) $(1) $(1)
SIXTEEN_OF = $(call FOUR_OF,$(call FOUR_OF,$(1)))
BENCH_BLOCKS = $(BENCH_CC) -fPIC -shared -s -fvisibility=hidden $< $(1) \
	       -o $@ -L$(B) -lside_jmp -Wl,-rpath,'$$ORIGIN/..'
BLOCKS_DEPS := bench/blocks.c bench/block.h bench/bench.h $(LIB_SO)

$(BENCH)/blocks-armed.so: $(BLOCKS_DEPS) $(BLOCK_O)
	$(call BENCH_BLOCKS,$(call SIXTEEN_OF,$(BLOCK_O)))
$(BENCH)/few-armed.so: $(BLOCKS_DEPS) $(FEW_O)
	$(call BENCH_BLOCKS,$(call SIXTEEN_OF,$(call SIXTEEN_OF,$(FEW_O))))

# The loader takes one file for one library.
$(BENCH)/%-idle.so: $(BENCH)/%-armed.so
	cp $< $@

$(BENCH)/%: bench/%.c bench/bench.c bench/bench.h bench/machine.h $(LIB_SO) \
		$(HEADERS)
	@mkdir -p $(@D)
	$(BENCH_CC) $< bench/bench.c -o $@ -L$(B) -lside_jmp \
		-Wl,-rpath,'$$ORIGIN/..' -pthread -ldl

$(BENCH)/sites: bench/block.h | $(BENCH)/blocks-armed.so $(BENCH)/blocks-idle.so \
		$(BENCH)/few-armed.so $(BENCH)/few-idle.so

$(BENCH)/many-%.o: bench/many.c $(HEADERS)
	@mkdir -p $(@D)
	$(BENCH_CC) -g0 -fPIC -DSITES=$* -c $< -o $@

TEN	:= 0 1 2 3 4 5 6 7 8 9
BENCH_MANY = $(BENCH_CC) -fPIC -shared -fvisibility=hidden bench/library.c \
	     -o $@ -L$(B) -lside_jmp -Wl,-rpath,'$$ORIGIN/..'
MANY_DEPS := bench/library.c bench/bench.h $(LIB_SO) $(HEADERS)

$(BENCH)/many-100.so: $(BENCH)/many-100.o $(MANY_DEPS)
	$(BENCH_MANY) $<

$(BENCH)/many-10000.so: $(BENCH)/many-1000.o $(MANY_DEPS)
	$(BENCH_MANY) $(TEN:%=$<)

$(BENCH)/many-100000.so: $(BENCH)/many-1000.o $(MANY_DEPS)
	$(BENCH_MANY) $(foreach n,$(TEN),$(TEN:%=$<))

$(BENCH)/flips: | $(BENCH)/many-100.so
$(BENCH)/flips $(BENCH)/startup: | $(BENCH)/many-10000.so \
	$(BENCH)/many-100000.so
$(BENCH)/startup: | $(BENCH)/blocks-idle.so

# Beside LTTng-UST, where its headers are installed.
HAVE_LTTNG := $(call BENCH_HAS,lttng/tracepoint.h)
EVENTS_LTTNG = $(if $(HAVE_LTTNG),-DHAVE_LTTNG -Wno-pedantic -Wno-conversion \
		 -Wno-shadow -Wno-unused-parameter -Wno-redundant-decls)

$(BENCH)/events: bench/events.c bench/events_lttng.h bench/bench.c \
		bench/bench.h bench/machine.h $(LIB_SO) $(HEADERS)
	@mkdir -p $(@D)
	$(BENCH_CC) $(EVENTS_LTTNG) $< bench/bench.c -o $@ -L$(B) -lside_jmp \
		-Wl,-rpath,'$$ORIGIN/..' -ldl \
		$(if $(HAVE_LTTNG),-llttng-ust -llttng-ust-common)

bench-events: $(BENCH)/events
	@rm -f $(BENCH)/events.csv
	@bench/events.sh $< $(BENCH)/events.csv
.PHONY: bench-events

bench: $(BENCH_BIN) $(BENCH)/events $(BLOCK:%=$(BENCH)/few-%.o)
	@rm -f $(BENCH)/*.csv
	@$(BENCH)/sites $(BENCH)/sites.csv
	@$(BENCH)/flips $(BENCH)/flips.csv
	@$(BENCH)/startup $(BENCH)/startup.csv
	@bench/events.sh $(BENCH)/events $(BENCH)/events.csv
	@CC="$(CC)" bench/bytes.sh $(BENCH)/bytes.csv $(BENCH) $(BLOCK)
	@awk -f bench/goals.awk $(BENCH)/sites.csv $(BENCH)/flips.csv \
		$(BENCH)/startup.csv $(BENCH)/events.csv

bench-bytes: $(LIB_SO) $(BLOCK:%=$(BENCH)/few-%.o)
	@rm -f $(BENCH)/bytes.csv
	@CC="$(CC)" bench/bytes.sh $(BENCH)/bytes.csv $(BENCH) $(BLOCK)
.PHONY: bench-bytes

# Of what the last make bench wrote.
bench-report:
	@CC="$(CC)" FLAGS="$(CFLAGS) -O2" bench/report $(BENCH) >$(BENCH)/report.part
	@mv $(BENCH)/report.part $(BENCH)/report.html
	@echo "$(BENCH)/report.html"
.PHONY: bench-report

# In a guest, or on a machine whose kernel has the series: make bench-kernel.
$(BENCH)/batch-%.so: bench/batch_sites.c bench/batches.h $(LIB_SO) $(HEADERS)
	@mkdir -p $(@D)
	$(BENCH_CC) -g0 -fPIC -shared -fvisibility=hidden -DSITES=$* $< -o $@ \
		-L$(B) -lside_jmp -Wl,-rpath,'$$ORIGIN/..'

$(BENCH)/batches: | $(addprefix $(BENCH)/batch-,1.so 512.so 4096.so)
$(BENCH)/batches: bench/batches.h
