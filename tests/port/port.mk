# SPDX-License-Identifier: MIT
# Every port whose cross compiler is there, built and run under qemu-user: by
# run_port, one test program for each.  Of the unit tests those that are not
# written in x86-64's bytes, and do not need a back end; of those of events not the
# one that stops and steps, which qemu-user can't be asked for.

PORTS		:= $(patsubst arch/%/port,%,$(wildcard arch/*/port))
PORT_RUNS	:= $(PORTS:%=$(B)/tests/port/port_%)
PORT_TESTS	:= $(patsubst %.c,%,$(filter-out tests/events/survive.c tests/events/kills.c, \
		   $(wildcard tests/port/*.c tests/events/*.c tests/life/*.c)) \
		   tests/unit/basic.c tests/unit/objects_rejected.c \
		   tests/unit/objects_corpus.c)

$(PORT_RUNS): $(B)/tests/port/port_%: tests/port/port.mk
	@mkdir -p $(@D)
	printf '%s\n' '#!/bin/sh' 'cd $(CURDIR) && exec tests/port/run_port $* $(PORT_TESTS)' >$@
	chmod +x $@

# A library that a test loads, with a runtime that it shares with the program:
# which the static library would keep to itself.
$(B)/tests/port/plugin.so: tests/port/src/plugin.c $(HEADERS)
	@mkdir -p $(@D)
	$(CC) $(CSTD) -D_GNU_SOURCE $(WARN) $(CPP_) $(CFLAGS) -fPIC -shared $< -o $@

$(B)/tests/port/load: TEST_MORE := $(OBJ_SO)
$(B)/tests/port/load: $(B)/tests/port/plugin.so $(OBJ_SO)

.PHONY: port-tests
port-tests: $(PORT_TESTS:%=$(B)/%)
