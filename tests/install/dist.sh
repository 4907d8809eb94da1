#!/bin/sh
# SPDX-License-Identifier: MIT
# The release's tarball: of a commit there is one, and it builds.
. "$(dirname "$0")/../tap.sh"
if ! git rev-parse --git-dir >/dev/null 2>&1; then
	skip dist_is_made "this tree is no git repository"
	done_testing
fi
version=$(sed -n 's/^VERSION\s*:= //p' Makefile) base=side_jmp-$version
git clone -q "$TOP" "$TMP/clone" && cp tools/dist "$TMP/clone/tools/" || exit 1
made() { "$TMP/clone/tools/dist" "$TMP/out" && [ -s "$TMP/out/$base.tar.gz" ]; }
ok dist_is_made made
sum() { sha256sum <"$1"; }
same() { # elsewhere, later, under another umask and in another time zone
	git clone -q "$TMP/clone" "$TMP/other" && cp tools/dist "$TMP/other/tools/" &&
	(umask 077 && TZ=Asia/Tokyo LC_ALL=C "$TMP/other/tools/dist" "$TMP/again") &&
	[ "$(sum "$TMP/out/$base.tar.gz")" = "$(sum "$TMP/again/$base.tar.gz")" ]
}
ok dist_is_reproducible same
dated() {
	SOURCE_DATE_EPOCH=86400 "$TMP/clone/tools/dist" "$TMP/dated" &&
	tar tvzf "$TMP/dated/$base.tar.gz" --utc | awk '{ print $4 }' | sort -u | grep -x 1970-01-02
}
ok dist_has_the_date_that_it_is_told dated
holds() { # what is committed, in order, and no more
	echo >"$TMP/clone/junk.c"
	"$TMP/clone/tools/dist" "$TMP/junk" && rm "$TMP/clone/junk.c"
	tar tzf "$TMP/junk/$base.tar.gz" | grep -v '/$' >"$TMP/list"
	git -C "$TMP/clone" ls-files | sed "s|^|$base/|" | LC_ALL=C sort >"$TMP/expected"
	LC_ALL=C sort "$TMP/list" | diff "$TMP/expected" -
}
ok dist_is_what_is_committed holds
noted() {
	echo >>"$TMP/clone/README.md" &&
	"$TMP/clone/tools/dist" "$TMP/noted" 2>&1 | grep 'note: changes that are not committed' &&
	[ "$(sum "$TMP/out/$base.tar.gz")" = "$(sum "$TMP/noted/$base.tar.gz")" ]
}
ok dist_says_what_is_not_committed noted
logged() { # the version that is built has a section, and Debian's has it too
	grep "^## $version\(, \|\$\)" CHANGELOG.md ||
		{ echo "CHANGELOG.md lacks $version"; return 1; }
	head -n 1 tools/debian/changelog | grep "^side-jmp ($version-"
}
ok dist_version_is_in_the_change_logs logged
nowhere() {
	mkdir "$TMP/tree" && tar xzf "$TMP/out/$base.tar.gz" -C "$TMP/tree" &&
	cd "$TMP/tree/$base" && cp "$TOP/tools/dist" tools/ &&
	! tools/dist "$TMP/none" 2>"$TMP/said" && cat "$TMP/said" &&
	grep 'no git repository' "$TMP/said" && [ ! -e "$TMP/none/$base.tar.gz" ]
}
ok dist_needs_a_repository nowhere
works() { # where there is no git
	(cd "$TMP/tree/$base" && make CFLAGS=-O0 B="$TMP/built" check T='unit/basic tools/options')
}
ok dist_builds_and_passes_a_test works
done_testing
