#!/bin/sh
# SPDX-License-Identifier: MIT
# What the benchmark of sites measures is there: in the machine code of each loop there are
# as many sites as its name says, alike, and each is what its variant is called.
# long
. "$(dirname "$0")/../tap.sh"

case $($CC -dumpmachine) in
x86_64*) ;;
*)	skip loops_are_what_they_are_called "the steps are known on x86-64 only"; done_testing ;;
esac

built() { # COMPILER VARIANT: by the makefile's own rule
	make -s B="$TMP/$1" CC="$1" "$TMP/$1/bench/block-$2.o" &&
		objdump -d --no-show-raw-insn "$TMP/$1/bench/block-$2.o" >"$TMP/$1-$2"
}
# sites LISTING: of each loop "NAME N steps", and "NAME N INSTRUCTIONS" of what stands
# between two steps, up to a jump away, and how often; of its last site nothing is said.
# Moves from register to register are the loop's.
sites() {
	awk '
	function is_step() {
		if (loop ~ /^latency/)
			return /\tadd +\$0x3,%r/ || /\txor +\$0x5,%r/
		if (loop ~ /^throughput/)
			return /\tadd +\$0x1,%r/
		if (loop ~ /^front_end/)
			return /\tnopl +0x0\(%rax\)$/
		return /\tmov +\(%r[a-z0-9]+\),%r/
	}
	function end() { for (s in seen) print loop, seen[s], s; split("", seen) }
	/^[0-9a-f]+ </ {
		end(); loop = $2; gsub(/[<>:]/, "", loop); hot = loop ~ /[0-9]$/; steps = 0; next
	}
	!hot || NF < 2 || /\tmov +%[a-z0-9]+,%[a-z0-9]+$/ { next }
	$2 == "ret" { hot = 0; print loop, steps, "steps"; next }
	is_step() {
		if (steps++ && at != "") seen[substr(at, 2)]++
		at = ""; away = 0; next
	}
	!away && steps { at = at " " $2 }
	$2 == "jmp" { away = 1 }
	END { end() }' "$1"
}
steps_of() { # LOOP: of one turn
	case $1 in
	latency)  echo 2 ;;
	memory)	  echo 1 ;;
	*)	  echo 6 ;;
	esac
}
# is COMPILER VARIANT PATTERN: what a site is, "" for nothing
is() {
	built "$1" "$2" || return 1
	sites "$TMP/$1-$2" >"$TMP/sites"
	for loop in latency throughput front_end memory; do
		for n in 1 16 256; do
			awk -v l=$loop$n -v n=$n -v per="$(steps_of $loop)" -v is="^$3\$" '
				$1 != l { next }
				$3 == "steps" { there = $2; next }
				{ n_ = $2; $1 = $2 = ""; sub(/^ +/, "") }
				is != "^$" && $0 ~ is { sites += n_; next }
				{ print l ": also " n_ " of: " $0; other += n_ }
				END {
					print l ": " there " steps, " sites + 0 " sites but one"
					# a no-op before a loop may be its padding
					if (l ~ /^front/ && there == n * per + 1)
						there--
					exit there != n * per || other || \
						sites != (is == "^$" ? 0 : n - 1)
				}' "$TMP/sites" || return 1
		done
	done
}
load='(movz?w?l? test|cmp[lw]) jne'
for cc in $C_COMPILERS; do
	ok loops_${cc}_none_has_nothing	is $cc none ''
	ok loops_${cc}_inline_is_a_jump	is $cc inline jmp
	ok loops_${cc}_nop_is_a_nop_and_a_jump is $cc nop 'nopl jmp'
	ok loops_${cc}_wide_is_three	is $cc wide 'xor cmp jb'
	ok loops_${cc}_nop5_is_a_nop	is $cc nop5 nopl
	ok loops_${cc}_test_is_two	is $cc test 'cmpl jne'
	ok loops_${cc}_c_loads_and_branches is $cc c "$load"
	ok loops_${cc}_shared_loads_and_branches is $cc shared "$load"
	ok loops_${cc}_pointer_is_a_call is $cc pointer '(mov )*call( mov)*'
	if [ -e /usr/include/sys/sdt.h ] || [ -e /usr/include/x86_64-linux-gnu/sys/sdt.h ]; then
		ok loops_${cc}_sdt_is_a_nop is $cc sdt nop
		ok loops_${cc}_sema_loads_and_branches is $cc sema "$load"
	fi
done
if command -v clang >/dev/null; then
	ok loops_xray_is_a_jump is clang xray '(nop )?jmp'
fi
done_testing
