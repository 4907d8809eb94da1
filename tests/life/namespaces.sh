#!/bin/sh
# SPDX-License-Identifier: MIT
# Which object is the executable: in other namespaces none is, and the program
# itself is it however it was started.
. "$(dirname "$0")/../tap.sh"

src=$TOP/tests/life/src
CFLAGS_="-O2 -g -std=c11 -D_GNU_SOURCE -Wall -Wno-pedantic -I$TOP -I$BUILD/include"
so="-L$BUILD -lside_jmp -Wl,-rpath,$BUILD"
alone="$BUILD/libside_jmp.a -pthread -ldl"
interpreter=$(readelf -lW /bin/sh | sed -n 's/.*interpreter: \(.*\)\]$/\1/p')

build() { # build OUT SOURCE FLAGS...
	out=$TMP/$1 from=$src/$2; shift 2
	$CC $CFLAGS_ "$from" -o "$out" "$@" || exit 1
}
build a.so namespaced.c -fPIC -shared $so
build b.so namespaced.c -fPIC -shared $so
build auditor.so namespaced.c -fPIC -shared -DAUDITOR $alone
build namespaces namespaces.c $so -ldl
build stays stays.c $alone
build stays_no_pie stays.c -no-pie $alone
build stays_static stays.c -static $alone
build stays_static_pie stays.c -static-pie $alone

"$TMP/namespaces" "$TMP/a.so" "$TMP/b.so" >"$TMP/said"; status=$?
ok namespaces_dlmopen sh -c "cat '$TMP/said'; exit $status"
ok namespaces_dlmopen_says_all grep -q '^1\.\.8$' "$TMP/said"

LD_AUDIT=$TMP/auditor.so "$TMP/stays" >"$TMP/said" 2>&1; status=$?
ok namespaces_beside_an_auditor sh -c "cat '$TMP/said'; exit $status"
ok namespaces_auditor_is_no_executable \
	sh -c "cat '$TMP/said'; grep -q '^loaded 1 1 unloaded 0 0$' '$TMP/said'"

for kind in stays stays_no_pie stays_static stays_static_pie; do
	ok "namespaces_$kind" "$TMP/$kind"
done
ok namespaces_stays_by_its_loader "$interpreter" "$TMP/stays"
ok namespaces_stays_no_pie_by_its_loader "$interpreter" "$TMP/stays_no_pie"
done_testing
