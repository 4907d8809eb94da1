#!/bin/sh
# SPDX-License-Identifier: MIT
# Options are spelled in one way, whatever the subcommand.
. "$(dirname "$0")/../tap.sh"
tool=$BUILD/tools/side-jmp
subcommands=$("$tool" --help | sed -n 's/^  \([a-z]*\) .*/\1/p')
ok options_of_all_subcommands [ "$(echo "$subcommands" | wc -l)" -ge 6 ]

# What has one of these names has the letter as well, and the letter no other name.
letters='help h
json j
quiet q
output o
recursive r
event e'
letter() { # SUBCOMMAND LONG SHORT, in its --help
	long=$("$tool" "$1" --help | grep -c -- "^ .*  *--$2\>\|, --$2\>")
	both=$("$tool" "$1" --help | grep -c -- "^  -$3, --$2\>")
	echo "--$2: $long, with -$3: $both"
	[ "$long" = "$both" ]
}
no_other() { # SUBCOMMAND: every letter of its --help is one of the table, or its own alone
	"$tool" "$1" --help | sed -n 's/^  -\([a-zA-Z]\), --\([a-z-]*\).*/\2 \1/p' >"$TMP/its"
	echo "$letters" | while read -r long short; do
		grep " $short\$" "$TMP/its" | grep -v "^$long " | sed "s/^/$1: /"
	done >"$TMP/other"
	cat "$TMP/other"
	[ -s "$TMP/its" ] && [ ! -s "$TMP/other" ]
}
bad() { case $1 in run) echo 125 ;; *) echo 2 ;; esac; }
helps() { # -h, --help and help SUBCOMMAND are one
	"$tool" "$1" -h >"$TMP/h" && "$tool" "$1" --help >"$TMP/help" &&
	"$tool" help "$1" >"$TMP/of" && cmp "$TMP/h" "$TMP/help" && cmp "$TMP/of" "$TMP/help" &&
	grep "^Usage: side-jmp $1 " "$TMP/h" &&
	"$tool" "$1" --usage | grep "^Usage: side-jmp $1 "
}
version() { [ "$("$tool" "$1" --version)" = "$("$tool" --version)" ]; }
full() { # and says so where it can't
	for o in --help --usage --version; do
		"$tool" "$1" $o 2>"$TMP/err" >/dev/full; r=$?
		echo "$o: $r"; [ $r = "$(bad "$1")" ] && grep "can't write" "$TMP/err" || return 1
	done
}
unknown() {
	odd=$(printf -- '--\033\342\200\256')
	for o in --nothing -Z "$odd"; do
		"$tool" "$1" "$o" >"$TMP/out" 2>"$TMP/err"; r=$?
		cat "$TMP/out" "$TMP/err"; echo "$o: $r"
		[ $r = "$(bad "$1")" ] && [ ! -s "$TMP/out" ] &&
		grep -q "^Try .side-jmp $1 --help" "$TMP/err" &&
		! LC_ALL=C grep -q '[^ -~]' "$TMP/err" || return 1
	done
	grep -q -- '--\\x1b\\xe2\\x80\\xae' "$TMP/err"
}
for s in $subcommands; do
	ok "options_${s}_help" helps "$s"
	ok "options_${s}_version" version "$s"
	ok "options_${s}_full_output" full "$s"
	ok "options_${s}_unknown" unknown "$s"
	echo "$letters" >"$TMP/letters"
	while read -r long short; do
		ok "options_${s}_$long" letter "$s" "$long" "$short"
	done <"$TMP/letters"
	ok "options_${s}_letters_have_one_meaning" no_other "$s"
done
json() { # SUBCOMMAND ARGUMENT...: -j is --json, and that is JSON
	s=$1; shift
	"$tool" "$s" -j "$@" >"$TMP/j" 2>"$TMP/err" && "$tool" "$s" --json "$@" >"$TMP/json" &&
	[ ! -s "$TMP/err" ] && cmp "$TMP/j" "$TMP/json" && "$TOP/tests/tools/json" "$TMP/j"
}
$CC -O1 -fPIC -shared -I"$BUILD/include" tests/tools/src/all.c -o "$TMP/all.so" || exit 1
for s in list check disasm; do ok "options_${s}_j_is_json" json "$s" "$TMP/all.so"; done
ok options_stat_j_is_json json stat $$
of_all() { # -h, --help and help; also of help itself
	"$tool" -h >"$TMP/h" && "$tool" --help >"$TMP/help" && "$tool" help >"$TMP/of" &&
	cmp "$TMP/h" "$TMP/help" && cmp "$TMP/of" "$TMP/help"
}
ok options_help of_all
of_nothing() {
	"$tool" help nothing 2>"$TMP/err"; [ $? = 2 ] && grep "no subcommand 'nothing'" "$TMP/err"
}
ok options_help_of_nothing of_nothing
done_testing
