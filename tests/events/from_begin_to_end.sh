#!/bin/sh
# SPDX-License-Identifier: MIT
# Events of constructors and destructors are seen: ours come before everybody else's and
# end after them, also where the whole program is compiled when it is linked.
. "$(dirname "$0")/../tap.sh"
cat >"$TMP/c.c" <<'END'
#include <side_jmp_event.h>
SIDE_JMP_EVENT(whole, life, "Where a program is", (string, at));
__attribute__((constructor)) static void first(void) { side_jmp_event(whole, life, "first"); }
__attribute__((destructor)) static void last(void) { side_jmp_event(whole, life, "last"); }
int main(void) { side_jmp_event(whole, life, "main"); return 0; }
END
cat >"$TMP/cxx.cc" <<'END'
#include <side_jmp_event.h>
SIDE_JMP_EVENT(whole, life, "Where a program is", (string, at));
static struct all {
	all() { side_jmp_event(whole, life, "first"); }
	~all() { side_jmp_event(whole, life, "last"); }
} all;
int main() { side_jmp_event(whole, life, "main"); return 0; }
END
seen() { # SOURCE COMPILER FLAGS...
	source=$1; shift
	"$@" -Wall -Wextra -Werror -I"$BUILD/include" "$TMP/$source" "$BUILD/libside_jmp.a" \
		-o "$TMP/program" && SIDE_JMP_ENABLE='whole:*' "$TMP/program" 2>"$TMP/events"
	cat "$TMP/events"
	[ "$(sed 's/.* at="\([a-z]*\)"$/\1/' "$TMP/events" | xargs)" = "first main last" ]
}
all_of() { # SOURCE COMPILER
	case $2 in *clang*) lto='-flto -fuse-ld=lld' ;; *) lto=-flto ;; esac
	for o in -O0 -O2 "-O2 $lto"; do
		name=events_from_begin_to_end_$2$(echo "${o%% -fuse*}" | tr -d ' ')
		ok "$name" seen "$1" "$2" $o
	done
}
for cc in $C_COMPILERS; do all_of c.c "$cc"; done
for cc in $CXX_COMPILERS; do all_of cxx.cc "$cc"; done
done_testing
