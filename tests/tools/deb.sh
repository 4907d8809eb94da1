#!/bin/sh
# SPDX-License-Identifier: MIT
# The Debian packages: build, hold what they should, and work once unpacked.
# long
. "$(dirname "$0")/../tap.sh"
deb=$TMP/deb root=$TMP/root multiarch=$(dpkg-architecture -q DEB_HOST_MULTIARCH)
version=$(sed -n 's/^VERSION\s*:= //p' Makefile)
export DEB_BUILD_OPTIONS="parallel=2"

build() { tools/debian/build "$deb" >"$TMP/log" 2>&1 || { tail -n 30 "$TMP/log"; return 1; }; }
ok deb_builds build
upstream() { # the tarball is what is tracked
	[ ! -d .git ] && [ ! -f .git ] && return
	git ls-files | sort >"$TMP/tracked" || return 0
	tar tzf "$deb"/*.orig.tar.gz | sed 's,^[^/]*/,,' | sort | diff "$TMP/tracked" -
}
ok deb_tarball_is_the_tree upstream
lint() {
	lintian -E --allow-root --fail-on error "$deb"/*.changes >"$TMP/lint" 2>&1; rc=$?
	cat "$TMP/lint"
	return $rc
}
ok deb_lintian_has_no_error lint
few() { # what lintian warns of and we know: it was never uploaded, so there is no bug to close
	! grep '^W: ' "$TMP/lint" | grep -v initial-upload-closes-no-bugs
}
ok deb_lintian_has_no_warning_but_the_one few
same() { # elsewhere, in another locale, umask and time zone, by another number of jobs
	mkdir "$TMP/locale" && localedef -i tr_TR -f UTF-8 "$TMP/locale/tr_TR.UTF-8" &&
	(umask 077 && export DEB_BUILD_OPTIONS="parallel=1 nocheck" TZ=Pacific/Auckland \
		LOCPATH="$TMP/locale" LC_ALL=tr_TR.UTF-8 &&
		[ "$(locale charmap)" = UTF-8 ] &&
		tools/debian/build "$TMP/another/folder") >"$TMP/log" 2>&1 ||
			{ tail -n 30 "$TMP/log"; return 1; }
	differ=
	for f in "$deb"/*.deb "$deb"/*.dsc "$deb"/*.tar.*; do
		cmp "$f" "$TMP/another/folder/${f##*/}" || differ=1
	done
	[ -z "$differ" ]
}
ok deb_is_reproducible same
unpack() {
	for p in libside-jmp1 libside-jmp-dev side-jmp; do
		dpkg -x "$deb/$p"_*.deb "$root" || return 1
	done
}
ok deb_unpacks unpack
holds() { # PACKAGE FILE...
	p=$1; shift
	dpkg -c "$deb/$p"_*.deb | awk '{ print $6 }' >"$TMP/list"
	for f; do grep -qx "\./$f" "$TMP/list" || { echo "$p lacks $f"; return 1; }; done
}
lib=usr/lib/$multiarch
ok deb_library holds libside-jmp1 "$lib/libside_jmp.so.1" "$lib/libside_jmp.so.$version"
ok deb_development holds libside-jmp-dev usr/include/side_jmp.h usr/include/side_jmp_event.h \
	usr/include/side_jmp/arch/arm64/site.h "$lib/libside_jmp.a" "$lib/libside_jmp.so" \
	"$lib/pkgconfig/side_jmp.pc" "$lib/cmake/side_jmp/side_jmpConfig.cmake" \
	"$lib/cmake/side_jmp/side_jmpConfigVersion.cmake" usr/share/side_jmp/side_jmp.ld \
	usr/share/man/man3/side_jmp.3.gz usr/share/man/man3/side_jmp_enable.3.gz \
	usr/share/man/man7/side_jmp.7.gz usr/share/doc/libside-jmp-dev/README.md.gz \
	usr/share/doc/libside-jmp-dev/bench/cost.svg usr/share/doc/libside-jmp-dev/changelog.gz
ok deb_tool holds side-jmp usr/bin/side-jmp usr/libexec/side-jmp/side-jmp-ctf \
	usr/share/man/man1/side-jmp-run.1.gz usr/share/man/man1/side-jmp-stat.1.gz \
	usr/share/bash-completion/completions/side-jmp \
	usr/share/zsh/vendor-completions/_side-jmp usr/share/fish/vendor_completions.d/side-jmp.fish
symbols() { # every symbol of the library, by hand, none too many
	dpkg-deb -e "$deb"/libside-jmp1_*.deb "$TMP/control" &&
	sed -n 's/^ \([^@]*\)@.*/\1/p' "$TMP/control/symbols" | sort >"$TMP/listed" &&
	nm -D --defined-only "$root/$lib/libside_jmp.so.1" |
		awk '{ sub(/@.*/, "", $3); print $3 }' | sort | diff "$TMP/listed" -
}
ok deb_symbols symbols
works() { # the package's own test, on what was unpacked
	sed 's/^/pkg-config: /' "$root/$lib/pkgconfig/side_jmp.pc" | grep -v "$TMP"
	mkdir -p "$TMP/smoke" && cd "$TMP/smoke" &&
	PATH=$root/usr/bin:$PATH LD_LIBRARY_PATH=$root/$lib PKG_CONFIG_SYSROOT_DIR=$root \
		PKG_CONFIG_PATH=$root/$lib/pkgconfig AUTOPKGTEST_TMP=$TMP/smoke \
		"$TOP/tools/debian/tests/smoke"
}
ok deb_a_program_builds_and_runs works
manual() {
	for m in "$root"/usr/share/man/man[17]/* "$root"/usr/share/man/man3/side_jmp.*; do
		if ! man --warnings -l "$m" >/dev/null 2>"$TMP/man" || [ -s "$TMP/man" ]; then
			cat "$TMP/man"
			return 1
		fi
	done
}
ok deb_manual_pages_read manual
done_testing
