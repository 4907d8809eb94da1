#!/bin/sh
# SPDX-License-Identifier: MIT
# A release is refused where a place says something else, and its tag has what the
# change log says of it.
. "$(dirname "$0")/../tap.sh"
if ! git rev-parse --git-dir >/dev/null 2>&1; then
	skip release_is_made "this tree is no git repository"
	done_testing
fi
version=$(sed -n 's/^VERSION\s*:= //p' Makefile) major=$(sed -n 's/^SOMAJOR\s*:= //p' Makefile)
git clone -q "$TOP" "$TMP/clone" && cd "$TMP/clone" && git config user.name test &&
	git config user.email test@localhost || exit 1
for f in CHANGELOG.md CONTRIBUTING.md Makefile SECURITY.md tools/release tools/dist \
	tools/debian/changelog tools/debian/control; do cp "$TOP/$f" "$f" || exit 1; done
sed -i "s/^## $version.*/## $version, 2027-01-31/" CHANGELOG.md &&
	printf '\n## 0.0.1, 2020-01-01\n\nAn older one.\n' >>CHANGELOG.md && git add -A &&
	git commit -q --allow-empty -m 'as it is released' || exit 1

made() { tools/release "$TMP/out" >"$TMP/said" && [ -s "$TMP/out/side_jmp-$version.tar.gz" ]; }
ok release_is_made made
sum() {
	(cd "$TMP/out" && grep "  side_jmp-$version.tar.gz$" "$TMP/said" | sha256sum -c -)
}
ok release_says_the_sum_of_its_tarball sum
refused() { # MESSAGE FILE SED: with that file so, committed
	rm -rf "$TMP/none"
	sed -i "$3" "$2" && ! git diff --quiet && git commit -q -a -m odd || return 1
	! tools/release "$TMP/none" 2>"$TMP/why"; status=$?
	git reset -q --hard HEAD^
	cat "$TMP/why"
	[ $status = 0 ] && head -n 1 "$TMP/why" | grep -q "^release: $1" &&
		[ -z "$(ls "$TMP/none")" ]
}
ok release_needs_a_date refused 'CHANGELOG.md: expected' CHANGELOG.md \
	"s/^## $version.*/## $version, not yet released/"
ok release_needs_the_version_first_in_the_change_log refused 'CHANGELOG.md: expected' \
	CHANGELOG.md "s/^## $version/## 9.9.9/"
ok release_needs_the_major_version refused "Makefile: SOMAJOR: expected $major" Makefile \
	's/^SOMAJOR.*/SOMAJOR := 9/'
ok release_needs_debians_version refused 'tools/debian/changelog: expected' \
	tools/debian/changelog '1s/(.*)/(9.9.9-1)/'
ok release_needs_the_library_package refused 'tools/debian/control: expected' \
	tools/debian/control "s/^Package: libside-jmp$major/Package: libside-jmp9/"
ok release_needs_the_symbols refused "tools/debian/libside-jmp$major.symbols: expected" \
	"tools/debian/libside-jmp$major.symbols" "s/^libside_jmp.so.$major/libside_jmp.so.9/"
ok release_needs_the_abi refused 'runtime/side_jmp.abi: expected' runtime/side_jmp.abi \
	"1s/soname='[^']*'/soname='libside_jmp.so.9'/"
ok release_needs_what_is_supported refused 'SECURITY.md: expected' SECURITY.md \
	"s/$version is the only/9.9.9 is the only/"
uncommitted() {
	echo >new.c
	! tools/release "$TMP/none" 2>"$TMP/why"; status=$?
	rm new.c
	cat "$TMP/why"
	[ $status = 0 ] && grep -q '?? new.c' "$TMP/why"
}
ok release_needs_all_to_be_committed uncommitted
trimmed() { sed -e '/./,$!d' | sed -e :a -e '/^\n*$/{$d;N;ba' -e '}'; }
tagged() { # with the version's section, without its heading
	sed -n '/ | git tag /p' "$TMP/said" >"$TMP/tag" && [ "$(wc -l <"$TMP/tag")" = 1 ] &&
	awk -v version="$version," '/^## / { on = $2 == version; next } on' CHANGELOG.md |
		trimmed >"$TMP/section" && [ -s "$TMP/section" ] && sh -e "$TMP/tag" &&
	git tag -l --format='%(contents)' "v$version" | trimmed | diff "$TMP/section" -
}
ok release_tag_has_the_section_of_the_version tagged
again() { ! tools/release "$TMP/none" 2>"$TMP/why" && grep 'no tag' "$TMP/why"; }
ok release_is_made_once again
done_testing
