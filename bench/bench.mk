# SPDX-License-Identifier: MIT
# Benchmarks: bench/sites (what a site costs), bench/flips, bench/startup.
# CSV in $(B)/bench, tables and the goals on the screen.  QUICK=1: a try.

BENCH	:= $(B)/bench
BENCH_CC = $(CC) $(CSTD) -D_GNU_SOURCE $(WARN) $(CPP_) $(CFLAGS) -O2
BENCH_BIN := $(addprefix $(BENCH)/,sites flips startup)
BLOCK	:= none inline nop wide wide64 dense nop5 test c
BLOCK_O	:= $(BLOCK:%=$(BENCH)/block-%.o)

$(BENCH)/block-nop.o: BLOCK_ := -DSIDE_JMP_LAYOUT_NOP
$(BENCH)/block-wide.o: BLOCK_ := -DSIDE_JMP_LAYOUT_WIDE
$(BENCH)/block-wide64.o: BLOCK_ := -DSIDE_JMP_LAYOUT_WIDE -DWORD64
$(BENCH)/block-dense.o: BLOCK_ := -DSIDE_JMP_LAYOUT_DENSE

# Every variant's functions and loops begin a cache line.
$(BENCH)/block-%.o: bench/block.c bench/block.h bench/bench.h \
		bench/machine.h $(HEADERS)
	@mkdir -p $(@D)
	$(BENCH_CC) -g0 -fPIC -falign-functions=64 -falign-loops=64 $(BLOCK_) \
		-DVARIANT_$* -DVARIANT='"$*"' -c $< -o $@

# Linked 16 times: as many copies of its code and its keys.
$(BENCH)/blocks-armed.so: bench/blocks.c bench/block.h bench/bench.h \
		$(BLOCK_O) $(LIB_SO)
	$(BENCH_CC) -fPIC -shared -fvisibility=hidden $< \
		$(foreach n,1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16,$(BLOCK_O)) \
		-o $@ -L$(B) -lside_jmp -Wl,-rpath,'$$ORIGIN/..'

# The loader takes one file for one library.
$(BENCH)/blocks-idle.so: $(BENCH)/blocks-armed.so
	cp $< $@

$(BENCH)/%: bench/%.c bench/bench.c bench/bench.h bench/machine.h $(LIB_SO) \
		$(HEADERS)
	@mkdir -p $(@D)
	$(BENCH_CC) $< bench/bench.c -o $@ -L$(B) -lside_jmp \
		-Wl,-rpath,'$$ORIGIN/..' -pthread -ldl

$(BENCH)/sites: | $(BENCH)/blocks-armed.so $(BENCH)/blocks-idle.so

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
HAVE_LTTNG := $(shell echo '\#include <lttng/tracepoint.h>' | \
		$(CC) -E -x c - >/dev/null 2>&1 && echo yes)
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

bench: $(BENCH_BIN) $(BENCH)/events
	@rm -f $(BENCH)/*.csv
	@$(BENCH)/sites $(BENCH)/sites.csv
	@$(BENCH)/flips $(BENCH)/flips.csv
	@$(BENCH)/startup $(BENCH)/startup.csv
	@bench/events.sh $(BENCH)/events $(BENCH)/events.csv
	@awk -f bench/goals.awk $(BENCH)/sites.csv $(BENCH)/flips.csv \
		$(BENCH)/startup.csv $(BENCH)/events.csv

# In a guest, or on a machine whose kernel has the series: make bench-kernel.
$(BENCH)/batch-%.so: bench/batch_sites.c bench/batches.h $(LIB_SO) $(HEADERS)
	@mkdir -p $(@D)
	$(BENCH_CC) -g0 -fPIC -shared -fvisibility=hidden -DSITES=$* $< -o $@ \
		-L$(B) -lside_jmp -Wl,-rpath,'$$ORIGIN/..'

$(BENCH)/batches: | $(addprefix $(BENCH)/batch-,1.so 512.so 4096.so)
$(BENCH)/batches: bench/batches.h
