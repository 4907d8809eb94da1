#!/bin/sh
# SPDX-License-Identifier: MIT
# A debugger's breakpoint on a site: before the library makes it idle, while
# it is idle, while it is armed.  It is skipped and counted; once it is gone,
# the next change of the key, or a sync, makes the site right.
. "$(dirname "$0")/../tap.sh"

$CC -O2 -g -std=c11 -Wall -I"$BUILD/include" "$TOP/tests/traps/src/pause.c" \
	"$BUILD/libside_jmp.a" -o "$TMP/pause" -pthread || exit 1

# The breakpoint's condition is false: the program never stops at it, but
# the byte is in its text.
cat >"$TMP/head" <<'END'
set pagination off
set confirm off
set debuginfod enabled off
set breakpoint pending off
END
cat "$TMP/head" - >"$TMP/script" <<'END'
break stop_started
break stop_idle
break stop_enabled
break stop_armed
break stop_disabled
break stop_done
starti
set $record = (int *)&__start_side_jmp
set $site = (char *)$record + *$record
break *$site if 0
continue
delete $bpnum
continue
break *$site if 0
continue
delete $bpnum
continue
break *$site if 0
continue
delete $bpnum
continue
printf "site at the end: %x\n", *(unsigned char *)$site
continue
END

cp "$TMP/head" "$TMP/try" && echo starti >>"$TMP/try"
if ! gdb -nx -batch -x "$TMP/try" "$TMP/pause" 2>&1 | grep -q 'Program stopped'; then
	skip traps_gdb "gdb can not trace a program here"
	done_testing
fi
timeout 60 gdb -nx -batch -x "$TMP/script" "$TMP/pause" >"$TMP/out" 2>&1

# says TEXT: a line of the output is this.
says() { grep -qxF -- "$1" "$TMP/out" || { cat "$TMP/out"; return 1; }; }
# expect NAME WHEN RETURNED ARMED IDLE FOREIGN REFUSED HITS
expect() {
	ok "traps_gdb_$1" says "$2: returned $3, armed $4, idle $5, foreign $6, refused $7, hits $8"
}
expect before_idle_is_counted 'broken before it went idle' 0 0 0 1 1 0
# Under the breakpoint stands the armed jump, which is right for any word.
expect before_idle_enables 'enabled meanwhile' 0 0 0 1 1 10
expect before_idle_disables 'disabled meanwhile' 0 0 0 1 1 0
expect removed_sync_makes_idle 'removed, synced' 0 0 1 0 0 0
expect removed_enables 'then enabled' 0 1 0 0 0 1000
expect removed_disables 'then disabled' 0 0 1 0 0 0
# Under this one stands the no-op: not covered by the guarantee, and counted.
expect while_idle_is_counted 'broken while idle, enabled' 0 0 0 1 1 0
expect while_idle_sync_arms 'removed after enable, synced' 0 1 0 0 0 1000
expect while_armed_is_counted 'broken while armed, disabled' 0 0 0 1 1 0
expect while_armed_next_enable_is_right 'removed after disable, enabled' 0 1 0 0 0 1000
expect while_armed_next_disable_idles 'at last disabled' 0 0 1 0 0 0
ok traps_gdb_text_is_whole_at_the_end says 'site at the end: a9'
ok traps_gdb_program_ends_well grep -q 'exited normally' "$TMP/out"
ok traps_gdb_hits_no_trap sh -c '! grep -E "SIG(TRAP|SEGV|ILL)" "$1"' - "$TMP/out"
done_testing
