#!/bin/sh
# SPDX-License-Identifier: MIT
# A dense section further away than a branch reaches: the linker puts veneers in
# between, which take registers that they may, and the jump at a site is not to
# its check block any more.  Then the table is refused and the program runs on
# armed.  Where the jump reaches 2 GiB and more nothing of that happens.
# long
. "$(dirname "$0")/../tap.sh"
cat >"$TMP/far.c" <<'END'
#define SIDE_JMP_LAYOUT_DENSE
#include <side_jmp.h>
#include <stdio.h>
SIDE_JMP_KEY(key);
#define EIGHT(x)	x(0) x(1) x(2) x(3) x(4) x(5) x(6) x(7)
#define TIMES(x)	EIGHT(x##0) EIGHT(x##1) EIGHT(x##2)
#define LOAD(n)		unsigned long v##n = in[0##n & 7];
#define KEEP(n)		sum = 3 * sum + v##n;
#define LOAD0(n)	LOAD(1##n)
#define LOAD1(n)	LOAD(2##n)
#define LOAD2(n)	LOAD(3##n)
#define KEEP0(n)	KEEP(1##n)
#define KEEP1(n)	KEEP(2##n)
#define KEEP2(n)	KEEP(3##n)
static volatile unsigned long in[8] = { 1, 2, 3, 4, 5, 6, 7, 8 };
static volatile int entered;
/* More values than there are registers wait on the other side of the site. */
__attribute__((noinline)) static unsigned long across(void)
{
	unsigned long sum = 0;
	TIMES(LOAD)
	if (side_jmp_unlikely(key))
		entered++;
	TIMES(KEEP)
	return sum;
}
static unsigned long expected(void)
{
	unsigned long sum = 0;
	for (int i = 0; i < 24; i++)
		sum = 3 * sum + in[i & 7];
	return sum;
}
int main(void)
{
	struct side_jmp_info i;
	int right = across() == expected() && !entered;

	right &= !side_jmp_enable(&key) && across() == expected() && entered == 1;
	right &= !side_jmp_disable(&key) && across() == expected() && entered == 1;
	side_jmp_get_info(&i, sizeof(i));
	printf("%s, %d sites, %d refused, error %d: %s\n", right ? "right" : "WRONG", (int)i.sites,
	       (int)i.objects_rejected, -i.reject_error, i.reject_reason);
	return 0;
}
END
far() { # ARCH REGEX: what the program has to say
	. "arch/$1/port"
	port "$1" lib >"$TMP/log" 2>&1 || { tail "$TMP/log"; return 1; }
	"$triple-gcc" -O2 -Wall -Werror -I"build/$1/include" "$TMP/far.c" \
		"build/$1/libside_jmp.a" -pthread -o "$TMP/far" \
		-Wl,--section-start=side_jmp_modify_code=0x40000000 &&
	"$qemu_user" -L "/usr/$triple" "$TMP/far" >"$TMP/said" && cat "$TMP/said" &&
	grep -Eq "$2" "$TMP/said"
}
refused="^right, 0 sites, 1 refused, error 22: .*can't reach its operand"
accepted='^right, [1-9][0-9]* sites, 0 refused'
for port in arch/*/port; do
	arch=${port#arch/}; arch=${arch%/port}
	case $arch in
	arm64 | ppc64le) ok "veneer_${arch}_is_refused" far "$arch" "$refused" ;;
	riscv64 | s390x) ok "veneer_${arch}_needs_none" far "$arch" "$accepted" ;;
	*) ok "veneer_${arch}_is_right" far "$arch" "$refused|$accepted" ;;
	esac
done
done_testing
