#!/bin/sh
# SPDX-License-Identifier: MIT
# Each example of tests/examples is built in its own build system, with what
# `make install` installs into a folder with a space in its name, and its event
# is seen.  (install/within: those that have this tree in theirs.)
. "$(dirname "$0")/../tap.sh"
P="$TMP/it's a prefix & more"
export PKG_CONFIG_PATH="$P/lib/pkgconfig" LD_LIBRARY_PATH="$P/lib" CMAKE_PREFIX_PATH="$P"
installed() {
	make --no-print-directory install PREFIX="$P" B="$BUILD" >"$TMP/log" 2>&1 &&
		[ -s "$P/lib/libside_jmp.a" ] || { tail "$TMP/log"; return 1; }
}
ok example_installs_where_there_are_spaces installed
staged() { # what is put elsewhere says where it will be
	make --no-print-directory install PREFIX=/opt/side DESTDIR="$TMP/a stage" B="$BUILD" \
		>"$TMP/log" 2>&1 || { tail "$TMP/log"; return 1; }
	find "$TMP/a stage" -type f -exec grep -l "a stage" {} + && return 1
	(cd "$P" && find . | sort) >"$TMP/one"
	(cd "$TMP/a stage/opt/side" && find . | sort) | diff "$TMP/one" -
}
ok example_destdir_may_have_spaces staged
copy() { rm -rf "$TMP/$1" && cp -r "$TOP/tests/examples/$1" "$TMP/$1" && cd "$TMP/$1" || exit 1; }
fires() { # PROGRAM
	SIDE_JMP_ENABLE='example:*' "$1" 2>"$TMP/seen"
	cat "$TMP/seen"
	grep -q " example:started arguments=1 name=\"$1\"$" "$TMP/seen"
}
linked() { # PROGRAM: with the shared library
	readelf -dW "$1" | grep -q 'NEEDED.*libside_jmp.so.1'
}

with_make() (
	copy make
	make example && linked ./example && fires ./example && rm example &&
	make LINK=-static example && ! linked ./example && fires ./example
)
ok example_with_make_and_pkg_config with_make
with_two_files() (
	copy two_files
	"$TOP/tools/amalgamate" . && make CFLAGS='-O1 -Wall -Wextra -Wpedantic -Werror' example &&
	fires ./example
)
ok example_with_two_files with_two_files
with_cmake() (
	copy cmake
	cmake -S . -B build && cmake --build build && cd build && linked ./example &&
	fires ./example && ! linked ./example_static && fires ./example_static
)
ok example_with_cmake with_cmake
finds() { # EXPECTED ARGUMENTS: of find_package
	printf 'cmake_minimum_required(VERSION 3.13)\nproject(p NONE)\n%s\n%s\n' \
		"find_package(side_jmp $2)" \
		'message("found ${side_jmp_FOUND} ${side_jmp_VERSION}.")' \
		>"$TMP/CMakeLists.txt" && rm -rf "$TMP/p" &&
		cmake -S "$TMP" -B "$TMP/p" >"$TMP/seen" 2>&1
	cat "$TMP/seen"
	grep -q "$1" "$TMP/seen"
}
version=$(sed -n 's/^VERSION\s*:= //p' Makefile) major=$(sed -n 's/^SOMAJOR\s*:= //p' Makefile)
ok example_cmake_finds_any_version finds "found 1 $version" ""
ok example_cmake_finds_its_version finds "found 1 $version" "$version EXACT"
ok example_cmake_finds_its_components finds "found 1 $version" "COMPONENTS shared static"
ok example_cmake_refuses_a_newer_version finds "found 0" "$major.999"
ok example_cmake_refuses_another_major_version finds "found 0" $((major + 1))
ok example_cmake_refuses_an_unknown_component finds "no component sources; it has" \
	"COMPONENTS sources"
ranges() { # of an installed version that is later
	old=$CMAKE_PREFIX_PATH CMAKE_PREFIX_PATH=$TMP/later
	cp -r "$P" "$TMP/later" &&
	sed -i "s/\"$version\"/\"$major.3.1\"/" \
		"$TMP/later/lib/cmake/side_jmp/side_jmpConfigVersion.cmake" &&
	finds "found 1" "$major.0...$major.4" && finds "found 1" "$major.0...$major.3.1" &&
	finds "found 0" "$major.0...<$major.3.1" && finds "found 0" "$major.0...$major.2" &&
	finds "found 0" "$major.4...$((major + 1))"
	status=$? CMAKE_PREFIX_PATH=$old
	return $status
}
ok example_cmake_finds_what_is_in_a_range ranges
# built PREFIX [COMPONENTS...]: the example in C, static if that is the component
built() {
	rm -rf "$TMP/c" && mkdir "$TMP/c" && cp tests/examples/cmake/example.c "$TMP/c/" || return 1
	at=$1 target=side_jmp::side_jmp${3:+_$3}; shift
	printf '%s\n' 'cmake_minimum_required(VERSION 3.13)' 'project(p C)' \
		"find_package(side_jmp REQUIRED $*)" 'add_executable(example example.c)' \
		"target_link_libraries(example $target)" >"$TMP/c/CMakeLists.txt"
	(CMAKE_PREFIX_PATH=$at && cmake -S "$TMP/c" -B "$TMP/c/b" && cmake --build "$TMP/c/b") \
		>"$TMP/seen" 2>&1 || { cat "$TMP/seen"; return 1; }
	cd "$TMP/c/b" && fires ./example
}
linked_folder() { # as in Debian, /lib is /usr/lib, and found first by who has PATH=/bin
	mkdir "$TMP/root" && cp -r "$P" "$TMP/root/usr" && ln -s usr/lib "$TMP/root/lib" &&
	(built "$TMP/root" COMPONENTS static)
}
ok example_cmake_is_found_by_a_link linked_folder
without() { # a distribution that has no static libraries, and one that has no others
	cp -r "$P" "$TMP/without" && rm "$TMP/without/lib/libside_jmp.a" &&
	(built "$TMP/without") && ! (built "$TMP/without" COMPONENTS static) >/dev/null &&
	grep 'component static of side_jmp is *' "$TMP/seen" &&
	cp "$P/lib/libside_jmp.a" "$TMP/without/lib/" && rm "$TMP"/without/lib/libside_jmp.so* &&
	(built "$TMP/without" COMPONENTS static) && ! (built "$TMP/without") >/dev/null &&
	grep 'side_jmp::side_jmp' "$TMP/seen"
}
ok example_cmake_knows_which_library_is_there without
with_meson() (
	copy meson
	meson setup build && ninja -C build && cd build && linked ./example && fires ./example
)
ok example_with_meson with_meson
with_autotools() (
	copy autotools
	autoreconf -i && ./configure && make && linked ./example && fires ./example
)
ok example_with_autotools with_autotools
done_testing
