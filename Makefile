# SPDX-License-Identifier: MIT
# side_jmp.  `make help` lists the targets.

VERSION	:= 1.0.0
SOMAJOR	:= 1

# For another machine: ARCH=arm64 (a folder of arch/), built in build/arm64
# with the compiler that the port names or CROSS_COMPILE=some-prefix-.  (To the
# kernel's targets ARCH says which kernel; the library they use is this one's.)
ifneq ($(and $(ARCH),$(filter-out %-kernel,$(or $(MAKECMDGOALS),all))),)
B	:= build/$(ARCH)
CROSS_COMPILE ?= $(shell . arch/$(ARCH)/port && echo $$triple-)
CC	:= $(CROSS_COMPILE)gcc
AR	:= $(CROSS_COMPILE)ar
else
B	:= build
endif

CC	?= cc
AR	?= ar
CFLAGS	?= -O2 -g
PREFIX	?= /usr/local
DESTDIR	?=
LIBDIR	?= $(PREFIX)/lib
INCDIR	?= $(PREFIX)/include
MANDIR	?= $(PREFIX)/share/man
SECONDS	?= 5

WARN	:= -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wstrict-prototypes
CSTD	:= -std=c11
CPP_	:= -I. -I$(B)/include
# With frame pointers, so that a profiler gets from a callback to who emits.
LIBC_	= $(CSTD) $(WARN) $(CPP_) -fno-omit-frame-pointer $(CFLAGS) -fvisibility=hidden -MMD -MP

RUNTIME	:= $(wildcard runtime/*/*.c)
ARCH_C	:= $(wildcard arch/*/*.c)
SRC	:= $(RUNTIME) $(ARCH_C)
OBJ_SO	:= $(addprefix $(B)/shared/,$(addsuffix .o,$(SRC)))
OBJ_INJ	:= $(addprefix $(B)/inject/,$(addsuffix .o,$(SRC)))
HEADERS	:= $(B)/include/side_jmp.h $(B)/include/side_jmp_event.h \
	   $(patsubst %,$(B)/include/side_jmp/%,$(wildcard arch/site.h arch/*/site.h)) \
	   $(patsubst runtime/%,$(B)/include/%,$(wildcard runtime/side_jmp/*.h))

LIB_A	:= $(B)/libside_jmp.a
LIB_SO	:= $(B)/libside_jmp.so.$(VERSION)
LIBS	:= $(LIB_A) $(LIB_SO) $(B)/side_jmp.pc

.PHONY: all demo check stress bench install clean help
.DELETE_ON_ERROR:
all: lib tools
lib: $(LIBS) $(HEADERS)

help:
	@echo "make             the library and the command side-jmp, in $(B)/"
	@echo "make demo        show it at work (FILE=path: on that file)"
	@echo "make check       every test; as root installs what they need"
	@echo "make check T=unit/basic  that test; a folder, T='tools/*'; T=? lists them"
	@echo "make check-guests  every port under a kernel of its own, in QEMU"
	@echo "make check-kernel  the kernel series: applied, built, booted, tested"
	@echo "make check-fresh   demo and tests in a minimal Debian, as root (SUITE=bookworm)"
	@echo "make check-compilers  with gcc 11 and clang 14 to Debian's newest, as root; an hour"
	@echo "                 (COMPILERS='gcc-14 clang-19'; COMPILERS=? lists them)"
	@echo "make demo-kernel   it at work: an event enabled in tracefs patches a program"
	@echo "make fuzz        what reads ELF files, a million times"
	@echo "make model       the protocol's model, searched by spin, and its mutants"
	@echo "make stress      the guarantee under load (SECONDS=$(SECONDS))"
	@echo "make bench       what a site costs; tables, and CSV in $(B)/bench"
	@echo "make bench-events  events, beside LTTng-UST"
	@echo "make quality-kernel  each of its patches: checkpatch, builds, warnings"
	@echo "make bench-kernel  batches by the patched kernel, in QEMU: ratios"
	@echo "make install     PREFIX=$(PREFIX) DESTDIR=$(DESTDIR)"
	@echo "make amalgamation  side_jmp.c and side_jmp.h to add to a tree, in $(B)/amalgamation"
	@echo "make deb         Debian packages, in $(B)/deb"
	@echo "make clean"

# ---- the library ------------------------------------------------------------

$(B)/include/side_%.h: runtime/side_%.h
	@mkdir -p $(@D)
	cp $< $@

$(B)/include/side_jmp/%.h: runtime/side_jmp/%.h
	@mkdir -p $(@D)
	cp $< $@

$(B)/include/side_jmp/%.h: %.h
	@mkdir -p $(@D)
	cp $< $@

$(B)/shared/%.o: % $(HEADERS) Makefile
	@mkdir -p $(@D)
	$(CC) $(LIBC_) -fPIC -c $< -o $@

# For tests: calls a hook at every step of a patch.
$(B)/inject/%.o: % $(HEADERS) Makefile
	@mkdir -p $(@D)
	$(CC) $(LIBC_) -DSIDE_JMP_INJECT -fPIC -c $< -o $@

# Position independent, so that it also links into shared libraries.
$(LIB_A): $(OBJ_SO)
	rm -f $@
	$(AR) rcs $@ $^

$(B)/libside_jmp_inject.a: $(OBJ_INJ)
	rm -f $@
	$(AR) rcs $@ $^

# nodelete: glibc calls fork handlers without holding on to their library, so a
# fork() beside the dlclose() that takes it away would run into unmapped code.
LINK_SO = $(CC) $(CFLAGS) $(LDFLAGS) -shared -o $@ $(OBJ_SO) \
	  -Wl,-soname,libside_jmp.so.$(SOMAJOR) \
	  -Wl,--version-script=runtime/side_jmp.map -Wl,-z,defs -Wl,-z,nodelete

$(LIB_SO): $(OBJ_SO) runtime/side_jmp.map
	$(LINK_SO)
	ln -sf $(@F) $(B)/libside_jmp.so.$(SOMAJOR)
	ln -sf $(@F) $(B)/libside_jmp.so

# Always: it names PREFIX.
.PHONY: $(B)/side_jmp.pc
$(B)/side_jmp.pc:
	@mkdir -p $(@D)
	printf '%s\n' 'prefix=$(PREFIX)' 'libdir=$(LIBDIR)' \
		'includedir=$(INCDIR)' '' 'Name: side_jmp' \
		'Description: conditions that cost a no-op until wanted' \
		'Version: $(VERSION)' 'Cflags: -I$${includedir}' \
		'Libs: -L$${libdir} -lside_jmp' >$@

install: all
	install -d $(DESTDIR)$(LIBDIR)/pkgconfig $(DESTDIR)$(INCDIR) \
		$(DESTDIR)$(PREFIX)/share/side_jmp
	install -m 755 $(LIB_SO) $(DESTDIR)$(LIBDIR)/
	ln -sf libside_jmp.so.$(VERSION) \
		$(DESTDIR)$(LIBDIR)/libside_jmp.so.$(SOMAJOR)
	ln -sf libside_jmp.so.$(VERSION) $(DESTDIR)$(LIBDIR)/libside_jmp.so
	install -m 644 $(LIB_A) $(DESTDIR)$(LIBDIR)/
	install -m 644 $(B)/side_jmp.pc $(DESTDIR)$(LIBDIR)/pkgconfig/
	cp -r $(B)/include/. $(DESTDIR)$(INCDIR)/
	install -m 644 $(wildcard linker-scripts/*) \
		$(DESTDIR)$(PREFIX)/share/side_jmp/
	$(if $(TOOLS),$(MAKE) --no-print-directory install-tools)

# The library as two files, for trees that want no dependency.
.PHONY: amalgamation
amalgamation:
	tools/amalgamate $(B)/amalgamation

clean:
	rm -rf $(B)

include tools/tools.mk
include tests/tests.mk
include tests/kernel/kernel.mk
include bench/demo/demo.mk
include bench/bench.mk
-include $(shell find $(B) -path $(B)/deb -prune -o -type f -name '*.d' -print 2>/dev/null)
