# SPDX-License-Identifier: MIT
# The command side-jmp, for the machine that builds it.  Where one of its
# libraries is missing the rest is built all the same, and this says so.

TOOL		:= $(B)/tools/side-jmp
TOOL_PKGS	:= libelf libdw capstone yajl
TOOL_DEBIAN	:= libelf-dev libdw-dev libcapstone-dev libyajl-dev
TOOL_SRC	:= $(sort $(wildcard tools/*.c))
TOOL_OBJ	:= $(TOOL_SRC:%=$(B)/%.o)
TOOL_CFLAGS	= $(CSTD) $(WARN) $(CPP_) $(CFLAGS) \
		  -DSIDE_JMP_VERSION='"$(VERSION)"' $$(pkg-config --cflags $(TOOL_PKGS))

TOOL_MISSING	:= $(shell for p in $(TOOL_PKGS); do \
		     pkg-config --exists $$p 2>/dev/null || echo $$p; done)
ifneq ($(ARCH),)
TOOL_WHY	:= it is built for the host, and this is for $(ARCH)
else ifneq ($(TOOL_MISSING),)
TOOL_WHY	:= pkg-config finds no $(strip $(TOOL_MISSING)) \
		   (Debian: apt-get install pkgconf $(TOOL_DEBIAN))
endif

# Its subcommands that read CTF are a program beside it, so that the others do not
# load what that takes.
CTF		:= $(B)/tools/side-jmp-ctf
CTF_OBJ		:= $(patsubst %.c,$(B)/%.c.o,$(sort $(wildcard tools/ctf/*.c)) \
		   $(addprefix tools/,memory.c out.c text.c tool.c))
ifeq ($(TOOL_WHY),)
ifneq ($(shell pkg-config --exists 'babeltrace2 >= 2.0' 2>/dev/null || echo no),)
CTF_WHY		:= pkg-config finds no babeltrace2 (Debian: apt-get install libbabeltrace2-dev)
endif
endif

.PHONY: tools
ifeq ($(TOOL_WHY),)
TOOLS	:= $(TOOL) $(if $(CTF_WHY),,$(CTF))
tools: $(TOOLS)
	$(if $(CTF_WHY),@echo "make: side-jmp convert and report are left out: $(CTF_WHY)")
else
tools:
	@echo "make: the command side-jmp is left out: $(TOOL_WHY)"
TOOLS	:=
endif

$(B)/tools/%.o: tools/% $(HEADERS) Makefile tools/tools.mk
	@mkdir -p $(@D)
	$(CC) $(TOOL_CFLAGS) -MMD -MP -c $< -o $@

# The library for its ports and patterns; sites the tool has none.
$(TOOL): $(TOOL_OBJ) $(LIB_A)
	$(CC) $(CFLAGS) $(LDFLAGS) $^ -o $@ $$(pkg-config --libs $(TOOL_PKGS))

$(B)/tools/ctf/%.o: TOOL_CFLAGS += $$(pkg-config --cflags babeltrace2)
$(CTF): $(CTF_OBJ) $(LIB_A)
	$(CC) $(CFLAGS) $(LDFLAGS) $^ -o $@ $$(pkg-config --libs yajl babeltrace2) -lm

# Where side-jmp looks for it.
CTFDIR	= $(PREFIX)/libexec/side-jmp
BASHDIR	?= $(PREFIX)/share/bash-completion/completions
ZSHDIR	?= $(PREFIX)/share/zsh/site-functions
FISHDIR	?= $(PREFIX)/share/fish/vendor_completions.d

.PHONY: install-tools uninstall-tools
install-tools: $(TOOLS)
	install -d $(call to,$(PREFIX)/bin) $(call to,$(MANDIR)/man1) \
		$(call to,$(BASHDIR)) $(call to,$(ZSHDIR)) $(call to,$(FISHDIR))
	install -m 755 $(TOOL) $(call to,$(PREFIX)/bin/)
	$(if $(filter $(CTF),$(TOOLS)),install -D -m 755 -t $(call to,$(CTFDIR)) $(CTF))
	install -m 644 $(wildcard tools/*.1) $(call to,$(MANDIR)/man1/)
	install -m 644 tools/completion/side-jmp.bash $(call to,$(BASHDIR)/side-jmp)
	install -m 644 tools/completion/_side-jmp $(call to,$(ZSHDIR)/)
	install -m 644 tools/completion/side-jmp.fish $(call to,$(FISHDIR)/)

uninstall-tools:
	rm -f $(call to,$(PREFIX)/bin/side-jmp) $(call to,$(CTFDIR)/side-jmp-ctf) \
		$(call to,$(BASHDIR)/side-jmp) \
		$(call to,$(ZSHDIR)/_side-jmp) $(call to,$(FISHDIR)/side-jmp.fish) \
		$(foreach f,$(notdir $(wildcard tools/*.1)),$(call to,$(MANDIR)/man1/$f))
	[ ! -d $(call to,$(CTFDIR)) ] || rmdir $(call to,$(CTFDIR)) || :

# Source and binary packages, in $(B)/deb.
.PHONY: deb
deb:
	tools/debian/build $(B)/deb
