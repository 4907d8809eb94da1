# SPDX-License-Identifier: MIT
# The self back end of every port, in a guest of its own under qemu-system.

# What needs no libraries, no compiler, no other program, and no function of
# libc's replaced; and the numbers are the same under any kernel.
GUEST_TESTS	:= $(filter-out port/load events/number unit/objects_corpus life/fork_first, \
		   $(PORT_TESTS:tests/%=%)) traps/rights

.PHONY: check-guests $(PORTS:%=guest-build-%)

# What it is for, it says.
TWICE := tests/guest/twice.c -Wl,--wrap=sj_self_write -Wl,--wrap=sj_self_sync

# For guests that have libraries.
$(B)/twice/libside_jmp.so.$(SOMAJOR): $(LIB_SO) tests/guest/twice.c
	@mkdir -p $(@D)
	$(LINK_SO) $(CSTD) -D_GNU_SOURCE $(WARN) -fPIC -fvisibility=hidden $(TWICE)

# Where the command attaches it is in the guest, too, with what it looks into.
GUEST_LIVE	:= $(patsubst arch/%/attach.h,%,$(wildcard $(PORTS:%=arch/%/attach.h)))

# The others have none: everything is static.
$(PORTS:%=guest-build-%): guest-build-%: check-tools
	$(MAKE) --no-print-directory ARCH=$* B=$(B)/guest/$* \
		CFLAGS='$(CFLAGS) -static' \
		TEST_LINK='$(TWICE)' \
		$(GUEST_TESTS:%=$(B)/guest/$*/tests/%) $(B)/guest/$*/tests/guest/init
	$(if $(filter $*,$(GUEST_LIVE)),tests/guest/live-root $* $(B)/guest/$* $(B)/guest/$*/live)
	printf '%s\n' '#!/bin/sh' 'exec tests/guest/boot $* $(B)/guest/$*/tests/guest/init \
		$(GUEST_TESTS:%=$(B)/guest/$*/tests/%) \
		$(if $(filter $*,$(GUEST_LIVE)),-- $(B)/guest/$*/live)' >$(B)/guest/guest-$*
	chmod +x $(B)/guest/guest-$*

# The machine that builds has a guest, too, for that alone: Yama, with what it says.
GUEST_OWN	:= $(filter x86_64,$(shell uname -m))
GUEST_OWN_B	:= $(B)/guest/$(GUEST_OWN)
.PHONY: $(GUEST_OWN:%=guest-build-%)
$(GUEST_OWN:%=guest-build-%): check-tools lib
	@mkdir -p $(GUEST_OWN_B)
	$(CC) $(CSTD) -D_GNU_SOURCE $(WARN) $(CFLAGS) -static tests/guest/init.c \
		-o $(GUEST_OWN_B)/init
	tests/guest/live-root $(GUEST_OWN) $(B) $(GUEST_OWN_B)/live
	printf '%s\n' '#!/bin/sh' 'exec tests/guest/boot $(GUEST_OWN) $(GUEST_OWN_B)/init \
		-- $(GUEST_OWN_B)/live' >$(B)/guest/guest-$(GUEST_OWN)
	chmod +x $(B)/guest/guest-$(GUEST_OWN)

$(B)/tests/guest/init: tests/guest/init.c
	@mkdir -p $(@D)
	$(CC) $(CSTD) -D_GNU_SOURCE $(WARN) $(CFLAGS) $< -o $@

GUESTS	:= $(PORTS) $(GUEST_OWN)
check-guests: $(GUESTS:%=guest-build-%)
	@JOBS=1 SECONDS_=$(SECONDS) TIMEOUT=600 TIMEOUT_GUEST=540 \
		LOG=$(abspath $(B))/check-guests.log \
		tests/run $(GUESTS:%=$(B)/guest/guest-%)
