# SPDX-License-Identifier: MIT
# The stress test: sites in four layouts, and a library that is linked with
# the executable's runtime and once more with one of its own.  An explicit rule,
# because the general one knows programs of one file.
# STRESS_FLAGS is for tests/inject/tsan.sh.

STRESS	:= $(B)/tests/inject/stress
STRESS_O := $(addprefix $(STRESS)_,inline.o dense.o wide.o nop.o)
STRESS_SO := $(addprefix $(STRESS)_,shared.so own.so)
STRESS_CC = $(CC) $(CSTD) -D_GNU_SOURCE -DSIDE_JMP_INJECT $(WARN) $(CPP_) \
	    $(CFLAGS) -MMD -MP

$(STRESS)_inline.o: SITES_ := -DTABLE=stress_inline
$(STRESS)_dense.o: SITES_ := -DTABLE=stress_dense -DSIDE_JMP_LAYOUT_DENSE
$(STRESS)_wide.o: SITES_ := -DTABLE=stress_wide -DSIDE_JMP_LAYOUT_WIDE
$(STRESS)_nop.o: SITES_ := -DTABLE=stress_nop -DSIDE_JMP_LAYOUT_NOP

$(STRESS_O): tests/inject/stress/sites.c tests/inject/stress/sites.h $(HEADERS)
	@mkdir -p $(@D)
	$(STRESS_CC) $(SITES_) -c $< -o $@

$(STRESS)_shared.so: tests/inject/stress/library.c \
		tests/inject/stress/sites.h $(HEADERS)
	@mkdir -p $(@D)
	$(STRESS_CC) -fPIC -shared $< -o $@

$(STRESS)_own.so: tests/inject/stress/library.c \
		tests/inject/stress/sites.h $(B)/libside_jmp_inject.a $(HEADERS)
	@mkdir -p $(@D)
	$(STRESS_CC) -fPIC -shared $< $(B)/libside_jmp_inject.a -o $@ \
		-Wl,--exclude-libs,ALL -Wl,-Bsymbolic

$(STRESS): tests/inject/stress.c tests/tap.h $(STRESS_O) \
		$(B)/libside_jmp_inject.a $(HEADERS) | $(STRESS_SO)
	$(STRESS_CC) $< $(STRESS_O) $(B)/libside_jmp_inject.a -o $@ \
		-rdynamic -pthread -ldl
