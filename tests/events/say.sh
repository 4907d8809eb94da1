#!/bin/sh
# SPDX-License-Identifier: MIT
# Nothing silent: a variable that is set and not understood, or that cannot be
# honoured, is said once on stderr and is in the info; and nothing else is said.
. "$(dirname "$0")/../tap.sh"
cd "$TOP" || exit 1
cat >"$TMP/say.c" <<'END'
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <side_jmp_event.h>
SIDE_JMP_EVENT(say, hello, "An event", (u32, n));

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";
	static struct side_jmp_event_info info;
	pid_t pid;

	side_jmp_event(say, hello, 1);
	side_jmp_event_get_info(&info, sizeof(info));
	if (!strcmp(what, "info"))
		puts(info.said);
	if (!strcmp(what, "fork") || !strcmp(what, "rawfork")) {
		pid = *what == 'f' ? fork() : (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
		if (!pid)
			exit(0);
		waitpid(pid, NULL, 0);
	}
	if (!strcmp(what, "daemon")) {
		close(2);
		if (open(argv[2], O_WRONLY | O_CREAT, 0666) != 2)
			return 1;
	}
	if (!strcmp(what, "closed"))
		close(2);
	if (!strcmp(what, "library")) {
		void *lib = dlopen(argv[2], RTLD_NOW);

		if (!lib || dlclose(lib))
			return 1;
	}
	return 0;
}
END
cat >"$TMP/lib.c" <<'END'
#include <side_jmp_event.h>
SIDE_JMP_EVENT(lib, used, "In the library", (u32, n));
void use(void);
void use(void) { side_jmp_event(lib, used, 7); }
END
say=$TMP/say
W='-std=c11 -O2 -Wall -Wextra -Werror'
ok say_builds $CC $W -I"$BUILD/include" "$TMP/say.c" "$BUILD"/shared/runtime/*/*.o \
	"$BUILD"/shared/arch/*/*.o -pthread -ldl -rdynamic -o "$say"
ok say_library_builds $CC $W -I"$BUILD/include" -fPIC -shared "$TMP/lib.c" -o "$TMP/lib.so"

# says "VARIABLE=VALUE ..." EXPECTED WHAT...: EXPECTED are all the lines that begin with
# "side_jmp: ", as an extended regular expression each, separated by newlines
says() {
	env=$1 expected=$2; shift 2
	env -u SIDE_JMP_ENABLE SIDE_JMP_OUTPUT="$TMP/out" $env "$say" "$@" 2>"$TMP/err" || return 1
	cat "$TMP/err"
	echo "$expected" | sed '/^$/d' >"$TMP/expected"
	[ "$(wc -l <"$TMP/err")" = "$(wc -l <"$TMP/expected")" ] || return 1
	while read -r line; do
		grep -Eq "^side_jmp: $line\$" "$TMP/err" || return 1
	done <"$TMP/expected"
}
# ---- patterns that match nothing
NONE='SIDE_JMP_ENABLE: "nosuch:\*" matched no event of say'
ok say_nothing_without_variables says "A=B" ""
ok say_nothing_where_all_is_well says \
	"SIDE_JMP_ENABLE=say:*,*:hello SIDE_JMP_OUTPUT_SIZE=1M SIDE_JMP_USER_EVENTS=0" ""
ok say_pattern_that_matched_nothing says "SIDE_JMP_ENABLE=nosuch:*,say:hello" "$NONE"
ok say_each_pattern_that_matched_nothing says "SIDE_JMP_ENABLE=nosuch:*,say:*,say:hallo,say:hell?" \
	"$NONE
SIDE_JMP_ENABLE: \"say:hallo\" matched no event of say"
ok say_pattern_not_said_again_by_a_child says "SIDE_JMP_ENABLE=nosuch:*" "$NONE" fork
ok say_pattern_not_said_again_by_a_cloned_child says "SIDE_JMP_ENABLE=nosuch:*" "$NONE" rawfork
ok say_pattern_of_a_library_that_comes_and_goes says "SIDE_JMP_ENABLE=lib:*" \
	"" library "$TMP/lib.so"
ok say_pattern_of_a_library_that_does_not_come says "SIDE_JMP_ENABLE=lib:*" \
	'SIDE_JMP_ENABLE: "lib:\*" matched no event of say'

# ---- variables that are not understood, or not honoured
ok say_output_size_that_is_none says "SIDE_JMP_OUTPUT_SIZE=12x" \
	'SIDE_JMP_OUTPUT_SIZE: "12x" is not a size; ignored'
ok say_output_size_of_nothing says "SIDE_JMP_OUTPUT_SIZE=0" \
	'SIDE_JMP_OUTPUT_SIZE: "0" is not a size; ignored'
ok say_backend_not_understood says "SIDE_JMP_BACKEND=foo" \
	'SIDE_JMP_BACKEND: "foo" is not .*self, none; nothing is patched'
ok say_backend_that_is_not_there says "SIDE_JMP_BACKEND=kernel" \
	'SIDE_JMP_BACKEND: "kernel" is not to be had: .* code_patch\(\); nothing is patched'
ok say_nothing_of_a_backend_that_works says "SIDE_JMP_BACKEND=none" ""
ok say_dirty_pages_that_are_no_number says "SIDE_JMP_DIRTY_PAGES=abc" \
	'SIDE_JMP_DIRTY_PAGES: "abc" is not a number; ignored'
ok say_user_events_not_understood says "SIDE_JMP_USER_EVENTS=foo" \
	'SIDE_JMP_USER_EVENTS: "foo" is not one of 0, 1, persist; ignored'
if [ -e /sys/kernel/tracing/user_events_data ] ||
	[ -e /sys/kernel/debug/tracing/user_events_data ]; then
	skip say_user_events_that_are_not_there "this kernel has user_events"
else
	ok say_user_events_that_are_not_there says "SIDE_JMP_USER_EVENTS=1" \
		'SIDE_JMP_USER_EVENTS=1: there is no user_events_data: .*'
	ok say_user_events_persist_likewise says "SIDE_JMP_USER_EVENTS=persist" \
		'SIDE_JMP_USER_EVENTS=persist: there is no .*'
fi
cat >"$TMP/persist.c" <<'END'
#define _GNU_SOURCE
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>
#include "runtime/events/events.h"
SIDE_JMP_EVENT(say, one, "An event", (u32, n));
SIDE_JMP_EVENT(say, two, "An event", (u32, n));
static int open_(const char *path) { (void)path; return memfd_create("f", MFD_CLOEXEC); }
static int ioctl_(int fd, unsigned long request, void *arg)
{
	uint16_t flags;	/* a kernel that lets events go with the program, and no other */
	(void)fd; (void)request; memcpy(&flags, (char *)arg + 6, 2);
	return flags ? -EPERM : 0;
}
static long writev_(int fd, const struct iovec *iov, int n) { (void)fd; (void)iov; return n; }
static void close_(int fd) { close(fd); }
static const struct sj_user_events_ops ops = { open_, ioctl_, writev_, close_ };
__attribute__((constructor(101))) static void before(void) { sj_user_events_ops = &ops; }
int main(void)
{
	struct side_jmp_event_info info;
	side_jmp_event(say, one, 1);
	side_jmp_event(say, two, 1);
	side_jmp_event_get_info(&info, sizeof(info));
	return info.user_events != 2;
}
END
persist() {
	$CC -std=gnu11 -I. -I"$BUILD/include" "$TMP/persist.c" "$BUILD/libside_jmp.a" \
		-pthread -o "$TMP/persist" &&
	SIDE_JMP_USER_EVENTS=1 "$TMP/persist" 2>"$TMP/err" && [ ! -s "$TMP/err" ] &&
	SIDE_JMP_USER_EVENTS=persist "$TMP/persist" 2>"$TMP/err" || return 1
	cat "$TMP/err"
	[ "$(wc -l <"$TMP/err")" = 1 ] &&
	grep -q '^side_jmp: SIDE_JMP_USER_EVENTS=persist: the kernel does not permit' "$TMP/err"
}
ok say_user_events_that_cannot_persist persist
info() {
	SIDE_JMP_OUTPUT_SIZE=12x "$say" info 2>/dev/null |
		grep -x 'SIDE_JMP_OUTPUT_SIZE: "12x" is not a size; ignored'
}
ok say_is_in_the_info info
no_info() { [ "$(SIDE_JMP_ENABLE='say:*' "$say" info 2>/dev/null)" = "" ]; }
ok say_info_is_empty_where_all_is_well no_info
one_line() {
	SIDE_JMP_USER_EVENTS="$(printf 'a\nb\033[2Jc')" "$say" 2>"$TMP/err" || return 1
	cat -v "$TMP/err"
	[ "$(wc -l <"$TMP/err")" = 1 ] &&
	grep -q '^side_jmp: SIDE_JMP_USER_EVENTS: "a?b?\[2Jc" is not' "$TMP/err"
}
ok say_is_one_line_whatever_the_variable_holds one_line

# ---- stderr
daemon() { # descriptor 2 is a file of the program's now
	SIDE_JMP_ENABLE='nosuch:*' "$say" daemon "$TMP/data" 2>"$TMP/err" || return 1
	[ ! -s "$TMP/err" ] && [ -e "$TMP/data" ] && [ ! -s "$TMP/data" ]
}
ok say_never_into_a_file_that_became_stderr daemon
closed() { SIDE_JMP_ENABLE='nosuch:*' "$say" closed 2>"$TMP/err" && [ ! -s "$TMP/err" ]; }
ok say_nothing_where_stderr_was_closed closed
none() { SIDE_JMP_ENABLE='nosuch:*' "$say" daemon "$TMP/data2" 2>&- && [ ! -s "$TMP/data2" ]; }
ok say_never_into_a_file_where_there_was_no_stderr none
gone() { # a reader that is gone: no SIGPIPE
	{ sleep 0.2; SIDE_JMP_ENABLE='nosuch:*' "$say" 2>&1 >/dev/null; echo $? >"$TMP/rc"; } | true
	until [ -s "$TMP/rc" ]; do sleep 0.05; done
	cat "$TMP/rc"; [ "$(cat "$TMP/rc")" = 0 ]
}
ok say_survives_its_reader gone
limit() (
	ulimit -f 0
	SIDE_JMP_ENABLE='nosuch:*' SIDE_JMP_OUTPUT=/dev/null "$say" 2>"$TMP/limited"
)
ok say_survives_a_file_size_limit limit
full() { # a full pipe is not waited for
	mkfifo "$TMP/fifo"
	exec 9<>"$TMP/fifo"
	head -c 1M /dev/zero | timeout 1 dd of="$TMP/fifo" bs=64k count=1 oflag=nonblock 2>/dev/null
	SIDE_JMP_ENABLE='nosuch:*' timeout 5 "$say" 2>&9; rc=$?
	exec 9>&-
	echo "exit $rc"; [ $rc = 0 ]
}
ok say_does_not_wait_for_a_full_pipe full

# ---- secure execution
if [ "$(id -u)" = 0 ] && command -v setpriv >/dev/null &&
	! findmnt -n -o OPTIONS -T "$TMP" | grep -q nosuid; then
	secure() {
		chmod 755 "$TMP"; cp "$say" "$TMP/setuid" && chmod 4755 "$TMP/setuid"
		setpriv --reuid=65534 --clear-groups env SIDE_JMP_ENABLE='nosuch:*,bad' \
			SIDE_JMP_OUTPUT_SIZE=x SIDE_JMP_USER_EVENTS=foo "$TMP/setuid" >"$TMP/o" 2>&1
		cat "$TMP/o"
		[ ! -s "$TMP/o" ]
	}
	ok say_nothing_in_secure_execution secure
else
	skip say_nothing_in_secure_execution "needs root, setpriv and a file system with setuid"
fi
done_testing
