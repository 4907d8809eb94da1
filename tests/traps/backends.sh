#!/bin/sh
# SPDX-License-Identifier: MIT
# Which back end is chosen where, and that keys work with each: the
# environment, a process that refuses changes of code, translators, secure
# execution.
. "$(dirname "$0")/../tap.sh"

CFLAGS_="-O2 -g -std=c11 -D_GNU_SOURCE -Wall -I$BUILD/include"
$CC $CFLAGS_ "$TOP/tests/traps/src/report.c" "$BUILD/libside_jmp.a" \
	-o "$TMP/report" -pthread || exit 1

# says LINE...: the report in $TMP/out has each of these lines.
says() {
	for line; do
		grep -qxF -- "$line" "$TMP/out" && continue
		echo "no line '$line' in:"; cat "$TMP/out"
		return 1
	done
}
reason_names() { grep "^start\.reason .*$1" "$TMP/out" || { cat "$TMP/out"; false; }; }
# The program is right, whatever the back end.
keys_work() {
	says 'enable 0' 'disable 0' 'start.hits 0' 'enabled.hits 3000' \
		'disabled.hits 0' 'enabled.armed 3' 'enabled.refused 0'
}
# NAME COMMAND...: the keys work, and nothing but `none` is chosen.
expect_none() {
	case_=$1; shift
	"$@" >"$TMP/out" 2>"$TMP/err"
	ok "traps_${case_}_keys_work" keys_work
	ok "traps_${case_}_is_none" says 'start.backend none' 'start.armed 3' \
		'start.refused 0' 'disabled.armed 3' 'disabled.refused 0' \
		'start.pages 0'
}
expect_self() {
	case_=$1; shift
	"$@" >"$TMP/out" 2>"$TMP/err"
	ok "traps_${case_}_keys_work" keys_work
	ok "traps_${case_}_is_self" says 'start.backend self' 'start.idle 3' \
		'start.refused 0' 'disabled.idle 3'
}

expect_self default "$TMP/report"
expect_self environment_self env SIDE_JMP_BACKEND=self "$TMP/report"
ok traps_environment_self_is_named reason_names 'SIDE_JMP_BACKEND'
expect_self environment_empty env SIDE_JMP_BACKEND= "$TMP/report"
for b in none kernel rubbish; do
	expect_none environment_$b env SIDE_JMP_BACKEND=$b "$TMP/report"
	ok traps_environment_${b}_is_named reason_names 'SIDE_JMP_BACKEND'
done

# Every site is on a page of its own: a page more, a site more.
for n in 0 1 2; do
	SIDE_JMP_DIRTY_PAGES=$n "$TMP/report" >"$TMP/out"
	ok traps_budget_of_${n}_keys_work keys_work
	ok traps_budget_of_${n}_is_kept says 'start.backend self' \
		"start.idle $n" "start.pages $n" "start.budget $n" \
		"start.refused $((3 - n))" "disabled.refused $((3 - n))"
	ok traps_budget_of_${n}_can_be_raised says 'budget_raised.idle 3' \
		'budget_raised.refused 0' 'budget_raised.pages 3'
done
for n in rubbish -1 1x; do
	SIDE_JMP_DIRTY_PAGES=$n "$TMP/report" >"$TMP/out"
	ok "traps_budget_of_${n}_is_ignored" says 'start.idle 3' 'start.budget 4096'
	ok "traps_budget_of_${n}_is_named" reason_names 'SIDE_JMP_DIRTY_PAGES'
done
SIDE_JMP_DIRTY_PAGES=0 "$TMP/report" one >"$TMP/out"
ok traps_budget_of_one_by_call says 'start.idle 0' 'budget_raised.idle 1' \
	'budget_raised.refused 2' 'budget_raised.hits 0'

if [ "$("$TMP/report" --mdwe)" = "no PR_SET_MDWE" ]; then
	skip traps_mdwe "this kernel has no PR_SET_MDWE"
else
	expect_none mdwe "$TMP/report" --mdwe
	ok traps_mdwe_is_named reason_names 'MDWE'
	expect_none mdwe_self env SIDE_JMP_BACKEND=self "$TMP/report" --mdwe
fi

# No /proc at all from the start: a folder that holds the program alone.
if [ "$(id -u)" = 0 ]; then
	$CC $CFLAGS_ -static "$TOP/tests/traps/src/report.c" \
		"$BUILD/libside_jmp.a" -o "$TMP/report_static" -pthread
	mkdir "$TMP/root"
	cp "$TMP/report_static" "$TMP/root/report"
	expect_none no_proc chroot "$TMP/root" /report
	ok traps_no_proc_is_named reason_names '/proc/self/mem failed (error 2)'
else
	skip traps_no_proc "only root can change its root"
fi

# Translators run what they translated before.
expect_none valgrind valgrind -q "$TMP/report"
ok traps_valgrind_is_named reason_names 'valgrind'
expect_none valgrind_forced env SIDE_JMP_BACKEND=self valgrind -q "$TMP/report"
expect_self valgrind_that_looks valgrind -q --smc-check=all "$TMP/report"
expect_none qemu qemu-x86_64-static "$TMP/report"
expect_none qemu_forced env SIDE_JMP_BACKEND=self qemu-x86_64-static "$TMP/report"

# Secure execution: nobody runs a program that belongs to root.
install -m 4755 "$TMP/report" "$TMP/suid"
chmod 755 "$TMP"
as_nobody() { setpriv --reuid=65534 --regid=65534 --clear-groups "$@"; }
if [ "$(id -u)" != 0 ]; then
	skip traps_secure_execution "only root can make a program set-user-ID root"
elif findmnt -no OPTIONS -T "$TMP" | grep -qw nosuid; then
	skip traps_secure_execution "$TMP is mounted nosuid"
else
	expect_self secure_execution as_nobody "$TMP/suid"
	expect_self secure_execution_ignores_environment as_nobody \
		env SIDE_JMP_BACKEND=none SIDE_JMP_DIRTY_PAGES=0 "$TMP/suid"
	expect_none without_secure_execution as_nobody \
		env SIDE_JMP_BACKEND=none "$TMP/report"
fi
done_testing
