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
DATADIR	?= $(PREFIX)/share/side_jmp
MANDIR	?= $(PREFIX)/share/man
SECONDS	?= 5

WARN	:= -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wstrict-prototypes
CSTD	:= -std=c11
CPP_	:= -I. -I$(B)/include
# With frame pointers and (riscv64's gcc has none by itself) frame descriptions, so that
# a profiler or an unwinder gets from a callback to who emits.
LIBC_	= $(CSTD) $(WARN) $(CPP_) -fno-omit-frame-pointer \
	  -fasynchronous-unwind-tables $(CFLAGS) $(NO_LTO) -fvisibility=hidden -MMD -MP

# Sorted, here and elsewhere: $(wildcard) has the locale's order, and what is linked
# in another order has other bytes.
RUNTIME	:= $(sort $(wildcard runtime/*/*.c))
ARCH_C	:= $(sort $(wildcard arch/*/*.c))
SRC	:= $(RUNTIME) $(ARCH_C)
OBJ_SO	:= $(addprefix $(B)/shared/,$(addsuffix .o,$(SRC)))
OBJ_A	:= $(addprefix $(B)/static/,$(addsuffix .o,$(SRC)))
OBJ_INJ	:= $(addprefix $(B)/inject/,$(addsuffix .o,$(SRC)))
HEADERS	:= $(B)/include/side_jmp.h $(B)/include/side_jmp_event.h \
	   $(patsubst %,$(B)/include/side_jmp/%,$(wildcard arch/site.h arch/*/site.h)) \
	   $(patsubst runtime/%,$(B)/include/%,$(wildcard runtime/side_jmp/*.h)) \
	   $(patsubst runtime/adapters/%,$(B)/include/side_jmp/%,$(wildcard runtime/adapters/*/*.h))

LIB_A	:= $(B)/libside_jmp.a
LIB_SO	:= $(B)/libside_jmp.so.$(VERSION)
LIBS	:= $(LIB_A) $(LIB_SO)

.PHONY: all demo check stress bench install uninstall dist clean help
.DELETE_ON_ERROR:
all: lib tools manual
lib: $(LIBS) $(HEADERS)

help:
	@echo "make             the library and the command side-jmp, in $(B)/"
	@echo "make demo        show it at work (FILE=path: on that file)"
	@echo "make check       the tests, in minutes; as root installs what they need"
	@echo "make check-long  the others: compilers, standards, other processors, the model"
	@echo "make check T=unit/basic  that test; a folder, T='tools/*'; T=? lists them"
	@echo "make check-guests  every port under a kernel of its own, in QEMU"
	@echo "make check-kernel  the kernel series: applied, built, booted, tested"
	@echo "make check-fresh   README and tests in minimal Debians, as root (SUITE=)"
	@echo "make check-packages  the packages, built, used and purged there, as root (SUITE=)"
	@echo "make check-compilers  with gcc 11 and clang 14 to Debian's newest, as root; an hour"
	@echo "                 (COMPILERS='gcc-14 clang-19'; COMPILERS=? lists them)"
	@echo "make demo-kernel   it at work: an event enabled in tracefs patches a program"
	@echo "make fuzz        what reads ELF files, a million times"
	@echo "make model       the protocol's model, searched by spin, and its mutants"
	@echo "make stress      the guarantee under load (SECONDS=$(SECONDS))"
	@echo "make soak        everything against everything, at once (SECONDS=60, SEED=)"
	@echo "make bench       what a site costs; tables, and CSV in $(B)/bench"
	@echo "make bench-report  of that, a page: goals, where it pays, pictures"
	@echo "make bench-events  events, beside LTTng-UST"
	@echo "make quality-kernel  each of its patches: checkpatch, builds, warnings"
	@echo "make bench-kernel  batches by the patched kernel, in QEMU: ratios"
	@echo "make install     PREFIX=$(PREFIX) DESTDIR=$(DESTDIR)"
	@echo "make uninstall   the same, of what that has installed"
	@echo "make amalgamation  side_jmp.c and side_jmp.h to add to a tree, in $(B)/amalgamation"
	@echo "make dist        the release's tarball, of what is committed, in $(B)/"
	@echo "make release     that, if versions, dates and the tree are as they should be; no tag"
	@echo "make deb         Debian packages, in $(B)/deb"
	@echo "make abi         records the library's ABI, which a test compares with"
	@echo "make clean"

# ---- the library ------------------------------------------------------------

$(B)/include/side_%.h: runtime/side_%.h
	@mkdir -p $(@D)
	cp $< $@

$(B)/include/side_jmp/%.h: runtime/side_jmp/%.h
	@mkdir -p $(@D)
	cp $< $@

$(B)/include/side_jmp/%.h: runtime/adapters/%.h
	@mkdir -p $(@D)
	cp $< $@

$(B)/include/side_jmp/%.h: %.h
	@mkdir -p $(@D)
	cp $< $@

$(B)/shared/%.o: % $(HEADERS) Makefile
	@mkdir -p $(@D)
	$(CC) $(LIBC_) -fPIC -c $< -o $@

# Of functions in assembler the index for -flto, by which the linker takes objects out
# of an archive, has no names.
$(B)/static/arch/%.o: NO_LTO := -fno-lto

# The same, for one object: the functions stay in what it is linked into.
$(B)/static/%.o: % $(HEADERS) Makefile
	@mkdir -p $(@D)
	$(CC) $(LIBC_) -DSIDE_JMP_HIDDEN_API_ -fPIC -c $< -o $@

# For tests: calls a hook at every step of a patch.
$(B)/inject/%.o: % $(HEADERS) Makefile
	@mkdir -p $(@D)
	$(CC) $(LIBC_) -DSIDE_JMP_INJECT -fPIC -c $< -o $@

# Position independent, so that it also links into shared libraries.
$(LIB_A): $(OBJ_A)
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

# What tests/code/abi compares with: of x86-64, from debug information.
ABI	?= runtime/side_jmp.abi
.PHONY: abi
abi: $(LIB_SO) $(HEADERS)
	abidw --headers-dir $(B)/include --drop-private-types --exported-interfaces-only \
		--drop-undefined-syms --no-corpus-path --no-comp-dir-path --no-show-locs \
		--no-parameter-names --no-elf-needed --out-file $(B)/abi $(LIB_SO)
	sed '1a\<!-- SPDX-License-Identifier: MIT; made by make abi -->' $(B)/abi >$(ABI)

# ---- the manual: section 3 is made of the headers ----------------------------

MAN3	:= $(B)/man/side_jmp.3
.PHONY: manual
manual: $(MAN3)

$(MAN3): runtime/side_jmp.h runtime/side_jmp/call.h runtime/side_jmp_event.h \
		$(wildcard runtime/man/*)
	runtime/man/pages $(@D)

# ---- installing --------------------------------------------------------------

# In quotes for the shell, whatever is in it; and where it is installed.
quoted	= '$(subst ','\'',$(1))'
to	= $(call quoted,$(DESTDIR)$(1))
# $(call put,NAME,text): for sed, which puts text where @NAME@ stands
put	= -e $(call quoted,s|@$(1)@|$(subst |,\|,$(subst &,\&,$(subst \,\\,$(2))))|)
# $(call fill,file,folder): a file of tools/packaging, which names PREFIX
fill	= sed $(call put,PREFIX,$(PREFIX)) $(call put,LIBDIR,$(LIBDIR)) \
	  $(call put,INCDIR,$(INCDIR)) $(call put,TO_INCLUDE,$(TO_INCLUDE)) \
	  $(call put,VERSION,$(VERSION)) $(call put,SOMAJOR,$(SOMAJOR)) \
	  tools/packaging/$(1).in >$(call to,$(2)/$(1)) && chmod 644 $(call to,$(2)/$(1))
TO_INCLUDE = $(shell realpath -m --relative-to=$(call quoted,$(LIBDIR)) $(call quoted,$(INCDIR)))

INSTALLED_LIBS	:= libside_jmp.a libside_jmp.so libside_jmp.so.$(SOMAJOR) \
		   libside_jmp.so.$(VERSION) pkgconfig/side_jmp.pc \
		   cmake/side_jmp/side_jmpConfig.cmake \
		   cmake/side_jmp/side_jmpConfigVersion.cmake
INSTALLED_DATA	:= $(wildcard linker-scripts/*)

# What no pkg-config file can say is asked first.
install: all
	@case $(call quoted,$(PREFIX)$(LIBDIR)$(INCDIR)) in *[\#\$$\"\\]*) \
		printf '%s\n' 'make install: expected PREFIX, LIBDIR and INCDIR without' \
			'any of # $$ " \, which pkg-config reads as something else' >&2; exit 1 ;; \
	esac
	install -d $(call to,$(LIBDIR)/pkgconfig) $(call to,$(LIBDIR)/cmake/side_jmp) \
		$(call to,$(INCDIR)) $(call to,$(DATADIR))
	install -m 755 $(LIB_SO) $(call to,$(LIBDIR)/)
	ln -sf libside_jmp.so.$(VERSION) $(call to,$(LIBDIR)/libside_jmp.so.$(SOMAJOR))
	ln -sf libside_jmp.so.$(VERSION) $(call to,$(LIBDIR)/libside_jmp.so)
	install -m 644 $(LIB_A) $(call to,$(LIBDIR)/)
	$(call fill,side_jmp.pc,$(LIBDIR)/pkgconfig)
	$(call fill,side_jmpConfig.cmake,$(LIBDIR)/cmake/side_jmp)
	$(call fill,side_jmpConfigVersion.cmake,$(LIBDIR)/cmake/side_jmp)
	for h in $(HEADERS:$(B)/include/%=%); do \
		install -D -m 644 $(B)/include/$$h $(call to,$(INCDIR))/$$h || exit 1; done
	install -m 644 $(INSTALLED_DATA) $(call to,$(DATADIR)/)
	install -d $(call to,$(MANDIR)/man3) $(call to,$(MANDIR)/man7)
	install -m 644 $(B)/man/*.3 $(call to,$(MANDIR)/man3/)
	install -m 644 runtime/man/side_jmp.7 $(call to,$(MANDIR)/man7/)
	$(if $(TOOLS),$(MAKE) --no-print-directory install-tools)

uninstall: uninstall-tools manual
	for page in $(B)/man/*.3; do rm -f $(call to,$(MANDIR)/man3)/"$${page##*/}"; done
	rm -f $(call to,$(MANDIR)/man7/side_jmp.7)
	rm -f $(foreach f,$(INSTALLED_LIBS),$(call to,$(LIBDIR)/$f)) \
		$(foreach f,$(HEADERS:$(B)/include/%=%),$(call to,$(INCDIR)/$f)) \
		$(foreach f,$(notdir $(INSTALLED_DATA)),$(call to,$(DATADIR)/$f))
	for d in $(call to,$(INCDIR)/side_jmp) $(call to,$(LIBDIR)/cmake/side_jmp) \
		$(call to,$(DATADIR)); do \
		[ ! -d "$$d" ] || find "$$d" -depth -type d -empty -delete; \
	done

# What HEAD has.
dist:
	tools/dist $(B)

# The same, if what is committed may be released.
.PHONY: release
release:
	tools/release $(B)

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
