# SPDX-License-Identifier: MIT
# The demo: a program and a shared library, both instrumented.

DEMO	:= $(B)/demo
FILE	?= $(DEMO)/sources.txt

$(DEMO)/libwords.so: bench/demo/words.c bench/demo/words.h $(LIB_SO) $(HEADERS)
	@mkdir -p $(@D)
	$(CC) $(CSTD) $(WARN) -I$(B)/include $(CFLAGS) -fPIC -shared $< -o $@ \
		-L$(B) -lside_jmp -Wl,-rpath,'$$ORIGIN/..'

$(DEMO)/demo: bench/demo/demo.c bench/demo/words.h $(DEMO)/libwords.so
	$(CC) $(CSTD) $(WARN) -I$(B)/include $(CFLAGS) $< -o $@ -pthread \
		-L$(DEMO) -lwords -L$(B) -lside_jmp \
		-Wl,-rpath,'$$ORIGIN:$$ORIGIN/..'

$(DEMO)/sources.txt: Makefile
	@mkdir -p $(@D)
	find runtime arch tests bench -name '*.[chS]' | sort | xargs cat >$@

demo: $(DEMO)/demo $(DEMO)/sources.txt
	@echo
	@$(DEMO)/demo $(FILE)
