#!/bin/sh
# SPDX-License-Identifier: MIT
# Rooms: arrows point down.  An arrow is an #include from one folder's file to
# another's, or (by nm) a symbol that one file uses and another one defines.
# No room names one above it, nothing in runtime/ and arch/ names tools/, tests/
# or bench/, and no files of runtime/ stand in a circle.
. "$(dirname "$0")/../tap.sh"
cd "$TOP" || exit 1

# room PATH -> ROOM, as a function for awk
room='
function room(path,  p) {
	split(path, p, "/")
	if (p[1] != "runtime") return p[1]
	return p[3] == "" || p[2] == "side_jmp" ? "runtime" : p[1] "/" p[2]
}'

# upward: of "FROM TO" lines (files) those that may not be.  A room may name
# what stands below it in its column; `runtime` is the public headers.
cat >"$TMP/upward.awk" <<END
$room
END
cat >>"$TMP/upward.awk" <<'END'
BEGIN {
	may["arch"] = ""
	may["runtime"] = "arch"
	may["runtime/base"] = "arch"
	may["runtime/sites"] = "runtime/base runtime arch"
	may["runtime/events"] = may["runtime/sites"] " runtime/sites"
	may["runtime/control"] = may["runtime/events"] " runtime/events"
	may["runtime/adapters"] = may["runtime/control"]
}
{
	from = room($1); to = room($2)
	if (from == to || from ~ /^(tools|tests|bench)$/)
		next
	if (!(from in may))
		print "no rule for the room " from
	else if (index(" " may[from] " ", " " to " ") == 0)
		print $1 " -> " $2
	else
		next
	bad = 1
}
END { exit bad }
END
# circles: of "FROM TO" lines (files) the sets that reach each other
cat >"$TMP/circles.awk" <<'END'
$1 != $2 { if (!reach[$1, $2]++) { see($1); see($2) } }
function see(f) { if (!(f in known)) { known[f] = 1; file[++n] = f } }
END {
	for (k = 1; k <= n; k++)
		for (i = 1; i <= n; i++)
			if (reach[file[i], file[k]])
				for (j = 1; j <= n; j++)
					if (reach[file[k], file[j]])
						reach[file[i], file[j]] = 1
	for (i = 1; i <= n; i++) {
		if (seen[file[i]])
			continue
		circle = file[i]; size = 1
		for (j = i + 1; j <= n; j++)
			if (reach[file[i], file[j]] && reach[file[j], file[i]]) {
				circle = circle " " file[j]; size++; seen[file[j]] = 1
			}
		if (size > 1) { print "circle of " size ": " circle; bad = 1 }
	}
	exit bad
}
END
upward() { awk -f "$TMP/upward.awk" "$1"; }
circles() { awk -f "$TMP/circles.awk" "$1"; }
# counted TITLE FILE: arrows between rooms, as notes
counted() {
	awk "$room"'{ f = room($1); t = room($2); if (f != t) n[f " -> " t]++ }
		END { for (a in n) printf "%4d  %s\n", n[a], a }' "$2" |
		sort -k2 | sed "s/^/# $1: /"
}

# ---- includes: "FROM TO", files
find runtime arch tools bench tests -name '*.[ch]' -exec awk '
	/^[ \t]*#[ \t]*include[ \t]*["<]/ {
		to = $0; sub(/^[^"<]*["<]/, "", to); sub(/[">].*/, "", to)
		sub(/^side_jmp\/arch\//, "arch/", to); sub(/^side_jmp/, "runtime/side_jmp", to)
		print FILENAME, to
	}' {} + | while read -r from to; do
	[ -f "$to" ] && echo "$from $to" && continue
	[ -f "$(dirname "$from")/$to" ] && echo "$from $(dirname "$from")/$to"
done >"$TMP/includes"
counted includes "$TMP/includes"
many() { n=$(wc -l <"$TMP/$1"); echo "$n arrows"; [ "$n" -gt "$2" ]; }
ok rooms_includes_are_found many includes 100
ok rooms_includes_point_down upward "$TMP/includes"

# ---- symbols: "FROM TO SYMBOL", files.  Weak ones are in whoever needs them.
# The public headers register the object of whoever includes them: what an empty
# file names is an arrow only where the source names it, too.
echo '#include <side_jmp_event.h>' >"$TMP/empty.c"
${CC:-cc} -std=c11 -I"$BUILD/include" -c "$TMP/empty.c" -o "$TMP/empty.o" || exit 1
nm -P "$TMP/empty.o" | awk '$2 == "U" { print $1 }' >"$TMP/of_headers"
named() { # drop arrows for what the headers alone name
	while read -r from to symbol; do
		grep -qx "$symbol" "$TMP/of_headers" &&
			! grep -q "^[^*]*\<$symbol(" "$from" && continue
		echo "$from $to $symbol"
	done
}
for o in "$BUILD"/shared/runtime/*/*.o "$BUILD"/shared/arch/*/*.o; do
	f=${o#"$BUILD"/shared/}
	nm -P "$o" | sed "s|^|${f%.o} |"
done >"$TMP/nm"
awk '$3 ~ /^[TDBRSC]$/ { where[$2] = $1 } $3 == "U" { use[++n] = $1; name[n] = $2 }
	END { for (i = 1; i <= n; i++) if (name[i] in where) print use[i], where[name[i]], name[i] }
' "$TMP/nm" | named >"$TMP/symbols"
counted symbols "$TMP/symbols"
awk '{ print $1, $2 }' "$TMP/symbols" | grep -v '^arch/' | sort -u >"$TMP/files"
of_runtime=$(cut -d' ' -f1 "$TMP/nm" | sort -u | grep -c '^runtime/')
note "files: $of_runtime of runtime/, $(wc -l <"$TMP/files") arrows between files"
ok rooms_symbols_are_found many symbols 100
ok rooms_symbols_point_down upward "$TMP/symbols"
ok rooms_files_stand_in_no_circle circles "$TMP/files"

# ---- what this would see
cat >"$TMP/good" <<'END'
runtime/sites/key.c runtime/base/lock.c
runtime/events/event.c runtime/events/tracer.c
runtime/events/tracer.c runtime/events/registry.c
runtime/events/event.c runtime/events/registry.c
tools/x.c runtime/events/pattern.h
END
sees() { # CHECK "FROM TO"...: passes without, fails with each
	check=$1; shift
	$check "$TMP/good" || return 1
	for arrow; do
		{ cat "$TMP/good"; echo "$arrow"; } >"$TMP/bad"
		! $check "$TMP/bad" || { echo "not seen: $arrow"; return 1; }
	done
}
ok rooms_would_see_an_arrow_upwards sees upward "runtime/base/a.c runtime/sites/b.c" \
	"runtime/sites/a.c runtime/events/b.c" "runtime/events/a.c runtime/control/b.c" \
	"runtime/control/a.c runtime/adapters/b.c" "runtime/base/a.c runtime/side_jmp.h" \
	"runtime/events/a.c tools/b.h" "arch/x/arch.c tests/b.h" "runtime/new/a.c runtime/base/b.c"
ok rooms_would_see_a_circle sees circles "runtime/events/registry.c runtime/events/tracer.c" \
	"runtime/events/registry.c runtime/events/event.c" "runtime/base/lock.c runtime/sites/key.c"
done_testing
