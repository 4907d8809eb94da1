#!/bin/sh
# SPDX-License-Identifier: MIT
# bytes.sh CSV FOLDER VARIANT...: what a site is in a library, beside the same without one:
# bytes of code, bytes of tables (all that is loaded and is neither code nor data), and
# relocations that the loader carries out.  Counted in FOLDER's few-VARIANT.o, each linked
# alone: 256 sites, each with a key, flag, semaphore or pointer of its own.
set -eu
csv=$1 folder=$2; shift 2
: "${CC:=cc}"
tmp=$(mktemp -d) && trap 'rm -rf "$tmp"' EXIT
sites=256
arch=$(uname -m)
count() { # VARIANT: code, tables, relocations
	# shellcheck disable=SC2086
	$CC -O2 -fPIC -shared -fvisibility=hidden -I. -I"$folder/../include" \
		bench/blocks.c "$folder/few-$1.o" -o "$tmp/one.so" -L"$folder/.." -lside_jmp
	readelf -SW "$tmp/one.so" | sed 's/^ *\[ *[0-9]*\] //' | awk '
		function hex(s,  i, n) {
			for (i = 1; i <= length(s); i++)
				n = 16 * n + index("0123456789abcdef", substr(s, i, 1)) - 1
			return n
		}
		$7 !~ /A/ { next }
		$7 ~ /X/ { code += hex($5); next }
		$1 ~ /^\.(data|bss|probes|got.*|rela?\..*)$/ { next }
		{ tables += hex($5) }
		END { printf "%d %d ", code, tables }'
	readelf -rW "$tmp/one.so" | grep -cE '^[0-9a-f]{8,} '
}
count none >"$tmp/none"
[ -s "$csv" ] || echo "name,arch,cpu,samples,min,median,p99,unit" >"$csv"
printf '\n%-46s %11s %11s %11s\n' "of a site" code tables relocations
for variant; do
	[ "$variant" != none ] || continue
	count "$variant" | cat "$tmp/none" - | awk -v v="$variant" -v n=$sites -v arch="$arch" \
			-v csv="$csv" '
		function row(what, unit, x) {
			printf "bytes: %s of %s,%s,,1,%.4f,%.4f,%.4f,%s\n", what, v, arch, x, x, x,
				unit >>csv
		}
		NR == 1 { code = $1; tables = $2; relocations = $3; next }
		{
			printf "%-46s %11.1f %11.1f %11.2f\n", v, ($1 - code) / n, \
				($2 - tables) / n, ($3 - relocations) / n
			row("code", "bytes/site", ($1 - code) / n)
			row("tables", "bytes/site", ($2 - tables) / n)
			row("relocations", "relocations/site", ($3 - relocations) / n)
		}'
done
