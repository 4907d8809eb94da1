#!/bin/sh
# SPDX-License-Identifier: MIT
# What runs for an event before vectors are kept (arch/general.h) uses general
# registers only, and not APX's: its machine code is followed through every call from the
# places where it begins, until sj_keep_vectors().
. "$(dirname "$0")/../tap.sh"

case $(uname -m) in
x86_64) ;;
*) skip code_general "only x86-64 keeps vectors apart"; done_testing; exit ;;
esac

cat >"$TMP/follow.awk" <<'EOF'
/^[0-9a-f]+ <.*>:$/ {
	name = $2; gsub(/[<>:]/, "", name); sub(/@@.*/, "", name)
	there[name] = 1; next
}
# A function without a label: clang names some of a file's own so.
/\tpushp? +%rbp/ && padding { name = "" }
{ padding = /\t(nop|nopw|nopl|cs nopw|data16|xchg +%ax,%ax|int3)/ }
name == "" { next }
/%[xyz]mm|%k[0-7]|%st|%mm[0-7]|%r(1[6-9]|2[0-9]|3[01])/ { vectors[name] = vectors[name] "\n#\t" $0 }
/\t(call|jmp|j[a-z]+) / && match($0, /<[^>]*>/) {
	to = substr($0, RSTART + 1, RLENGTH - 2); sub(/@@.*/, "", to)
	if (to !~ /\+0x/ && to != name)
		calls[name] = calls[name] " " to
}
function follow(f,    n, to, i) {
	if (f in seen)
		return
	seen[f] = 1
	if (f in vectors) {
		printf "# %s uses vectors:%s\n", f, vectors[f]; bad = 1
	}
	n = split(calls[f], to, " ")
	for (i = 1; i <= n; i++) {
		if (to[i] == "sj_keep_vectors")
			kept++
		else if (to[i] ~ /@plt/) {
			printf "# %s calls %s\n", f, to[i]; bad = 1
		} else
			follow(to[i])
	}
}
END {
	n = split(roots, root, " ")
	for (i = 1; i <= n; i++) {
		if (!(root[i] in there)) {
			printf "# there is no %s\n", root[i]; bad = 1
		}
		follow(root[i])
	}
	for (f in seen) looked++
	printf "# %d functions, %d calls that keep vectors\n", looked, kept
	exit bad || looked < 10 || kept < 4
}
EOF
roots='sj_event_fire trace_callback trace_callback_context ctf_write'
roots="$roots stream_event stream_event_context stream_count sj_now"
# LIBRARY
general() {
	objdump -d --no-show-raw-insn "$1" |
		awk -v roots="$roots" -f "$TMP/follow.awk"
}
# COMPILER FLAGS...: a library
library() {
	"$@" -std=c11 -I. "-I$BUILD/include" -fPIC -shared -fvisibility=hidden \
		-fno-omit-frame-pointer -pthread runtime/*/*.c arch/*/*.c \
		-Wl,--version-script=runtime/side_jmp.map -o "$TMP/lib.so"
}
# Built here, with optimization, whatever the CFLAGS of the library at hand are:
# without it compilers call memcpy() for a structure.
for cc in $C_COMPILERS; do
	ok "code_general_builds_$cc" library "$cc" -O2
	ok "code_general_$cc" general "$TMP/lib.so"
done

# APX's, where the compiler has it (of gcc, a macro does not tell of -mapx-features).
for cc in $C_COMPILERS; do
	for option in -mapxf -mapx-features=egpr; do
		$cc $option -x c -c /dev/null -o "$TMP/o.o" 2>/dev/null || continue
		ok "code_general_builds_${cc}_$option" library "$cc" -O2 $option
		ok "code_general_${cc}_$option" general "$TMP/lib.so"
	done
done

two_files() { # COMPILER: the same in one unit, by a compiler that likes vectors
	tools/amalgamate "$TMP/two" && "$1" -std=c11 -O3 -march=x86-64-v3 -D_FORTIFY_SOURCE=2 \
		-DSIDE_JMP_EXPORT_API -fPIC -shared "$TMP/two/side_jmp.c" -o "$TMP/lib.so" &&
		general "$TMP/lib.so"
}
for cc in $C_COMPILERS; do
	ok "code_general_in_two_files_$cc" two_files "$cc"
done

# It must see what it is for: a library of functions that are compiled as all.
ok code_general_builds_planted library gcc -O3 -march=x86-64-v3 \
	-DSJ_GENERAL_BEGIN= -DSJ_GENERAL_END=
planted() { ! general "$TMP/lib.so"; }
ok code_general_sees_vectors planted
done_testing
