#!/bin/sh
# SPDX-License-Identifier: MIT
# This tree within somebody else's, in his build system; nothing is installed.
. "$(dirname "$0")/../tap.sh"
parts='Makefile LICENSE runtime arch tools'
copy() { cp -r "$TOP/tests/examples/$1" "$TMP/$1" && cd "$TMP/$1" || exit 1; }
fires() { # PROGRAM: which has the library in it
	SIDE_JMP_ENABLE='example:*' "$1" 2>"$TMP/seen"
	cat "$TMP/seen"
	grep -q " example:started arguments=1 name=\"$1\"$" "$TMP/seen" &&
		! readelf -dW "$1" | grep 'NEEDED.*libside_jmp'
}
with_cmake() ( # a tarball, under flags and in units of his
	copy cmake_fetched
	tar czf fetched.tar.gz -C "$TOP" --transform 's|^|side_jmp/|' CMakeLists.txt $parts &&
	cmake -S . -B build -DSIDE_JMP="$PWD/fetched.tar.gz" -DCMAKE_UNITY_BUILD=ON \
		-DCMAKE_INTERPROCEDURAL_OPTIMIZATION=ON -DCMAKE_C_FLAGS='-Wall -Wextra -Werror' &&
	cmake --build build && cd build && fires ./example
)
ok within_cmake_fetched with_cmake
with_folder() ( # of a project in C++, whose library shows nothing of it
	mkdir -p "$TMP/a project/tree" && cd "$TMP/a project" &&
	cp "$TOP/tests/examples/cmake/example.cc" . &&
	(cd "$TOP" && cp -r CMakeLists.txt $parts "$TMP/a project/tree/") || exit 1
	printf '%s\n' '#include <side_jmp_event.h>' 'SIDE_JMP_EVENT(lib, called, "x", (u32, n));' \
		'extern "C" int call() { side_jmp_event(lib, called, 1); return 0; }' >lib.cc
	printf '%s\n' 'cmake_minimum_required(VERSION 3.13)' 'project(p CXX)' \
		'add_subdirectory(tree)' 'add_library(lib SHARED lib.cc)' \
		'target_link_libraries(lib PRIVATE side_jmp::side_jmp)' \
		'add_executable(example example.cc)' \
		'target_link_libraries(example lib side_jmp::side_jmp_static)' >CMakeLists.txt
	cmake -S . -B b && cmake --build b && (cd b && fires ./example) &&
	[ "$(nm -D --defined-only b/liblib.so | awk '$2 == "T" { print $3 }')" = call ]
)
ok within_cmake_as_a_folder with_folder
changed() ( # what changes in it is built again
	cd "$TMP/a project" && echo 'int added(void); int added(void) { return 1; }' \
		>>tree/runtime/base/fork.c &&
	cmake --build b && nm b/tree/libside_jmp.a | grep ' added$'
)
ok within_cmake_notices_a_change changed
with_meson() (
	copy meson
	mkdir -p subprojects/side_jmp &&
	(cd "$TOP" && cp -r meson.build $parts "$TMP/meson/subprojects/side_jmp/") &&
	meson setup --force-fallback-for=side_jmp build && ninja -C build && cd build &&
	fires ./example
)
ok within_meson_as_a_subproject with_meson
done_testing
