#!/bin/sh
# SPDX-License-Identifier: MIT
# The manual: its pages are well formed, and of the tool and the headers as they are.
. "$(dirname "$0")/../tap.sh"
tool=$BUILD/tools/side-jmp M=$BUILD/man

lint() { # other pages of ours are not installed where mandoc looks
	mandoc -T lint "$1" 2>/dev/null | grep -v 'referenced manual not found' >"$TMP/lint"
	cat "$TMP/lint"; [ ! -s "$TMP/lint" ] &&
	man --warnings -E UTF-8 -l "$1" >"$TMP/text" 2>"$TMP/err" && [ -s "$TMP/text" ] &&
		{ cat "$TMP/err"; [ ! -s "$TMP/err" ]; }
}
for page in tools/*.1 runtime/man/*.7 "$M/side_jmp.3" "$M/side_jmp_event.3"; do
	name=$(basename "$page")
	ok "manual_${name%.1}_is_well_formed" lint "$page"
done

# What all have is in side-jmp(1).
common='--\(help\|usage\|version\)'
says() { # SUBCOMMAND: every option of its --help, and no other
	man -E ascii -l "tools/side-jmp-$1.1" 2>/dev/null | col -b | grep -o -- '--[a-z][a-z-]*' |
		sort -u >"$TMP/said"
	"$tool" "$1" --help | grep -o -- '--[a-z][a-z-]*' | grep -vx -- "$common" |
		sort -u >"$TMP/there"
	diff "$TMP/there" "$TMP/said" | grep -v "^> $common\$" | grep '^[<>]' && return 1
	[ -s "$TMP/there" ]
}
for s in $("$tool" --help | sed -n 's/^  \([a-z]*\) .*/\1/p'); do
	ok "manual_has_the_options_of_$s" says "$s"
	ok "manual_names_$s" grep -q "side-jmp-$s 1" tools/side-jmp.1
done

# Section 3.  Names that end in _ or _<digit> are the headers' own.
functions() {
	nm -D --defined-only "$BUILD/libside_jmp.so" | awk '$2 ~ /[TD]/ { print $3 }' |
		sed 's/@.*//'
}
macros() { # as the compilers see them
	for lang in c c++; do
		echo '#include <side_jmp_event.h>' |
			$CC -I"$BUILD/include" -x $lang -E -dM - || return 1
	done | sed -n 's/^#define \(side_jmp_[a-z0-9_]*\|SIDE_JMP_[A-Z0-9_]*\)(.*/\1/p' |
		grep -v '^side_jmp_\(suits\|field_type\|cxx\)_\|^SIDE_JMP_ARCH_'
}
says_name() { # NAME: by the page that has its name, or that one refers to
	page=$(sed -n "s|^\.so man3/||p" "$M/$1.3")
	page=$M/${page:-$1.3}
	grep -q "^\.Nm $1\( ,\)\?\$" "$page" && grep -v "^\\." "$page" | grep -q "\<$1("
}
has_all() { # LIST
	[ "$(wc -l <"$1")" -ge 20 ] || { echo "few names are found"; return 1; }
	for n in $(cat "$1"); do
		says_name "$n" || { echo "no page of section 3 says what $n is"; return 1; }
	done
}
public() { grep -v '_$\|_[0-9]$' | sort -u; }
functions | public >"$TMP/functions"
macros | public >"$TMP/macros"
ok manual_has_every_function has_all "$TMP/functions"
ok manual_has_every_macro has_all "$TMP/macros"
no_other() { # page than of what there is
	for page in "$M"/*.3; do
		n=$(basename "$page" .3)
		case $n in side_jmp | side_jmp_event) continue ;; esac
		grep -qx "$n" "$TMP/functions" "$TMP/macros" ||
			grep -q "\<$n(" runtime/side_jmp.h runtime/side_jmp_event.h ||
			{ echo "$page: there is no $n"; return 1; }
	done
}
ok manual_has_no_other_function no_other

# The tutorial, as it stands; its program is that of the README.
awk '/^\/\* shop.c/ { on = 1 } /^\.Ed/ && on { exit } on { gsub(/\\e/, "\\"); print }' \
	runtime/man/side_jmp.7 >"$TMP/shop.c"
tutorial() {
	$CC -O2 -Wall -Wextra -Werror -I"$BUILD/include" "$TMP/shop.c" "$BUILD/libside_jmp.a" \
		-o "$TMP/shop" || return 1
	SIDE_JMP_ENABLE='shop:*' SIDE_JMP_OUTPUT=$TMP/trace "$TMP/shop" &
	until [ -s "$TMP/trace" ]; do sleep 0.1; kill -0 $! || return 1; done
	kill $!
	grep "^[0-9.]* [0-9]* $(sed -n 's/^[0-9.]* [0-9]* \(shop:order items=1\)/\1/p' \
		runtime/man/side_jmp.7)\$" "$TMP/trace"
}
ok manual_tutorial_works tutorial
readme() {
	awk '/^```c$/ { on = 1; next } /^```$/ { if (on) exit } on' README.md >"$TMP/readme.c"
	sed 1d "$TMP/shop.c" | diff "$TMP/readme.c" -
}
ok manual_tutorial_is_the_readme_s readme

links() { # of the papers lead to what is there
	for paper in *.md */README.md; do
		for to in $(sed -n 's/](\([^)#]*\))/\n&\n/gp' "$paper" |
				sed -n 's/^](\(.*\))$/\1/p'); do
			case $to in http*) continue ;; esac
			[ -e "$(dirname "$paper")/$to" ] || { echo "$paper: no $to"; return 1; }
			echo "$paper: $to"
		done
	done >"$TMP/links" || { cat "$TMP/links"; return 1; }
	[ "$(wc -l <"$TMP/links")" -ge 8 ] || { echo "few links are found"; return 1; }
}
ok manual_links_of_the_papers_lead_somewhere links

# What the papers name: files of ours, from the top, tests by T=, targets by make.  In
# capitals is what a reader puts there.
for paper in *.md */README.md; do # between ` and in indented lines
	sed 's/^<!--.*//; s/^\(    \|\t\)\(.*\)/`\2`/' "$paper" | tr '\n\t' '  ' |
		grep -o '`[^`]*`' | tr -d '`' | sed "s|^|$paper: |"
done >"$TMP/code"
named() { # LIST WHERE: all of them are there
	sort -u "$TMP/$1" >"$TMP/$1.names"
	[ "$(wc -l <"$TMP/$1.names")" -ge "$2" ] || { echo "few names are found"; return 1; }
	missing=
	while read -r paper word; do
		"is_$1" "$word" || { echo "$paper there is no $word"; missing=1; }
	done <"$TMP/$1.names"
	[ -z "$missing" ]
}
tops="$(ls -d */ | grep -v build | sed 's|/$||' | xargs | tr ' ' '|')|man"
awk -v tops="^($tops)/" '{ for (i = 2; i <= NF; i++)
	if ($i ~ tops && $i !~ /[A-Z][A-Z]/ || $i ~ /\.md$/) print $1, $i }' "$TMP/code" |
	grep -v '^CONTRIBUTING.md: man/$' >"$TMP/file"
is_test() { for f in "tests/$1" "tests/$1".*; do [ ! -e "$f" ] || return 0; done; false; }
is_file() { [ -e "$1" ] || is_test "${1#tests/}"; }
ok manual_files_that_papers_name_exist named file 30
sed -n "s/^\([^ ]*\) .*make .*T='\{0,1\}\([a-z][a-z0-9/]*\).*/\1 \2/p" "$TMP/code" >"$TMP/test"
ok manual_tests_that_papers_name_exist named test 3
awk '{ for (i = 2; i < NF; i++) if ($i == "make" && (i == 2 || $(i - 1) ~ /[;&]|=/) &&
	$(i + 1) ~ /^[a-z][a-z-]*$/) print $1, $(i + 1) }' "$TMP/code" >"$TMP/target"
make -rpn all 2>/dev/null | sed -n 's/^\([a-z][a-z-]*\):.*/\1/p' >"$TMP/targets"
is_target() { grep -qx -- "$1" "$TMP/targets"; }
ok manual_targets_that_papers_name_exist named target 20
done_testing
