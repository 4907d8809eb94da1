#!/bin/sh
# SPDX-License-Identifier: MIT
# side-jmp prepare, and what a program does whose sites are idle in its file.
. "$(dirname "$0")/../tap.sh"
tool=$BUILD/tools/side-jmp
I="-I$TOP -I$BUILD/include"
cd "$TMP" || exit 1
[ -x "$tool" ] || { ok prepare_has_its_tool false; done_testing; }

cc -O2 -g $I "$TOP/tests/tools/src/prepared.c" -o static -rdynamic \
	"$BUILD"/shared/runtime/*/*.o "$BUILD"/shared/arch/*/*.o -ldl -pthread || exit 1
cc -O2 -g $I "$TOP/tests/tools/src/prepared.c" -o shared -rdynamic -L"$BUILD" -lside_jmp \
	-Wl,-rpath,"$BUILD" || exit 1
cc -O2 $I -fPIC -shared "$TOP/tests/tools/src/prepared_library.c" -o library.so || exit 1
for f in static shared; do
	cp $f $f.idle; "$tool" prepare -q --events --idle '*,*:*' $f.idle || exit 1
done
cp library.so idle.so; "$tool" prepare -q --idle '*' idle.so || exit 1

# fails STATUS TEXT COMMAND...: that exit status, and that in its message
fails() {
	status=$1 text=$2; shift 2
	"$@" >"$TMP/said" 2>&1; r=$?
	cat "$TMP/said"
	[ $r -eq "$status" ] && grep -q -- "$text" "$TMP/said"
}

# ---- what runs: EPERM is -1
for f in static shared; do
	ok prepare_${f}_as_built_patches_at_start "$TOP/tests/tools/says" "2 3 self" ./$f dirty \
		idle backend
	ok prepare_${f}_dirties_no_page_at_start "$TOP/tests/tools/says" "0 3 none" ./$f.idle \
		dirty idle backend
	ok prepare_${f}_arms_later "$TOP/tests/tools/says" "0 0 10 2 0 11 0 01" ./$f.idle dirty \
		+first hits idle +second hits -first hits
	ok prepare_${f}_event_is_emitted_later sh \
		-c "./$f.idle emit +event emit | grep -c 'prepared:event n=1' | grep -qx 1"
	ok prepare_${f}_enable_says_eperm_without_a_back_end env SIDE_JMP_BACKEND=none \
		"$TOP/tests/tools/says" "-1 00 00 none 0" ./$f.idle +first hits words backend dirty
	ok prepare_${f}_enable_says_eperm_with_mdwe "$TOP/tests/tools/says" "-1 00 00" ./$f.idle \
		mdwe +first hits words
	ok prepare_${f}_enable_says_eperm_without_rights "$TOP/tests/tools/says" "-1 00 00" \
		./$f.idle lose +first hits words
	ok prepare_${f}_freeze_arms "$TOP/tests/tools/says" "0 0 10" ./$f.idle freeze +first hits
	ok prepare_${f}_freeze_says_eperm_without_a_back_end env SIDE_JMP_BACKEND=none \
		"$TOP/tests/tools/says" "-1 -1 00" ./$f.idle freeze +first hits
	# One page: dropping it would arm nothing, and take back what is armed.
	ok prepare_${f}_last_resort_keeps_what_is_armed "$TOP/tests/tools/says" "0 -1 10 10" \
		./$f.idle +first lose +second hits words
	# The same, though by then our own writes have armed all of it once.
	ok prepare_${f}_last_resort_after_coming_again "$TOP/tests/tools/says" "0 0 -1 10 10" \
		./$f.idle again +first lose +second hits words
	ok prepare_${f}_last_resort_works_as_built "$TOP/tests/tools/says" "0 0 11" ./$f +first \
		lose +second hits
done
ok prepare_library_arms "$TOP/tests/tools/says" "0 1" ./shared ./idle.so +shared library
ok prepare_library_says_eperm_without_a_back_end env SIDE_JMP_BACKEND=none "$TOP/tests/tools/says" \
	"-1 0 0" ./shared ./idle.so +shared library refused
ok prepare_library_after_freeze_says_eperm "$TOP/tests/tools/says" "0 -1 0" ./shared freeze \
	./idle.so +shared library
ok prepare_library_after_freeze_of_wanted_key_is_counted "$TOP/tests/tools/says" "0 0 0 1" \
	./shared +shared freeze ./idle.so library refused
ok prepare_library_as_built_after_freeze_enables "$TOP/tests/tools/says" "0 0 1" ./shared freeze \
	./library.so +shared library

# ---- the file
differs() { cmp -l "$1" "$2" | wc -l | grep -qx "$3"; }
ok prepare_changes_one_byte_a_site differs static static.idle 3
back() { cp static.idle again && "$tool" prepare -q --armed '*,*:*' again && cmp static again; }
ok prepare_armed_gives_the_original_back back
ok prepare_passes_check "$tool" check static.idle idle.so
last_wins() {
	"$tool" prepare -q --idle '*' --armed second -o chosen static &&
	"$tool" list --json --sites chosen | grep -c '"state": "idle"' | grep -qx 1
}
ok prepare_last_pattern_wins last_wins
untouched() {
	before=$(stat -c %i:%y static.idle)
	"$tool" prepare --idle first static.idle
	[ "$before" = "$(stat -c %i:%y static.idle)" ]
}
ok prepare_leaves_a_file_that_is_so_already untouched
dry() { cp static dry && "$tool" prepare -n --idle first dry && cmp static dry; }
ok prepare_dry_run_writes_nothing dry
keeps() {
	cp static kept && chmod 2751 kept && setfattr -n user.test -v here kept 2>/dev/null
	chown 12345:23456 kept 2>/dev/null; chmod 2751 kept
	before=$(stat -c %a:%u:%g kept)
	value=$(getfattr --only-values -n user.test kept 2>/dev/null)
	"$tool" prepare -q --idle first kept && ! cmp -s static kept &&
	[ "$before" = "$(stat -c %a:%u:%g kept)" ] &&
	[ -n "$value" ] && [ "$value" = "$(getfattr --only-values -n user.test kept 2>/dev/null)" ]
}
ok prepare_keeps_mode_owner_and_attributes keeps
link() {
	cp static real && ln -sf real link && "$tool" prepare -q --idle first link && [ -L link ] &&
	! cmp -s static real
}
ok prepare_follows_a_symbolic_link link
# What is no regular file stays what it is; a link is not followed to who knows where.
other_kinds() {
	rm -rf out; mkdir out out/folder; mkfifo out/fifo; ln -s ../static.idle out/link
	ln -s nowhere out/dangling
	set -- folder 'a folder' fifo 'a FIFO' link 'a symbolic link' dangling 'a symbolic link'
	if mknod out/null c 1 3 2>/dev/null; then set -- "$@" null 'a device'; fi
	ls -l out >before; sum=$(sha256sum <static.idle)
	while [ $# -gt 0 ]; do
		fails 2 "out/$1: is $2, expected a regular file" "$tool" prepare --idle first \
			-o "out/$1" static || return 1
		shift 2
	done
	ls -l out | diff before - && [ "$(sha256sum <static.idle)" = "$sum" ]
}
ok prepare_output_replaces_regular_files_only other_kinds
over() { # one that is there, and is not the file that is read
	cp library.so old && ln old older && "$tool" prepare -q --idle first -o old static &&
	cmp older library.so && ! cmp -s old static && "$tool" check -q old
}
ok prepare_output_replaces_a_file over
sparse() { # holes stay holes, also in the middle
	cp static sparse && truncate -s 80M sparse && printf end >>sparse &&
	cp --sparse=always sparse holes && before=$(stat -c %b holes) &&
	"$tool" prepare -q --idle first holes && after=$(stat -c %b holes) &&
	echo "$before blocks, then $after" && [ "$before" -lt 4000 ] &&
	[ "$after" -le $((before + 16)) ] && "$tool" prepare -q --armed first holes &&
	cmp holes sparse
}
ok prepare_leaves_holes_in_the_file sparse
memory() { # nor do they take memory
	cc -O1 "$TOP/tests/tools/src/cost.c" -o cost && cp --sparse=always sparse huge &&
	truncate -s 8G huge && ./cost 10 65536 "$tool" prepare -q --idle first huge
}
ok prepare_of_a_file_of_holes_takes_no_memory memory
# A full disk: a limit on the size of files stands for it.
full() {
	cp static full &&
	(ulimit -f 8; trap '' XFSZ; exec "$tool" prepare --idle first full) >said 2>&1
	[ $? -eq 2 ] && grep -q 'as it was' said && cmp static full &&
	[ -z "$(ls full.* 2>/dev/null)" ]
}
ok prepare_full_disk_leaves_the_old_file full
# A crash at any moment: the name is never missing, and is the old or the new file.
killed() {
	cp static.idle new; n=0
	for delay in 0 0.001 0.002 0.003 0.004 0.006 0.008 0.01; do
		cp static victim
		"$tool" prepare -q --idle '*,*:*' --events victim & pid=$!
		sleep $delay; kill -9 $pid 2>/dev/null; wait $pid 2>/dev/null
		cmp -s victim static || cmp -s victim new ||
			{ echo "neither, after $delay s"; return 1; }
	done
}
ok prepare_killed_leaves_the_old_or_the_new_file killed

# ---- refusals
ok prepare_refuses_events fails 2 "'prepared:event' is an event" "$tool" prepare \
	--idle 'prepared:*' static
ok prepare_refuses_a_pattern_without_match fails 2 "no key matches 'nobody'" "$tool" prepare \
	--idle nobody static
ok prepare_refuses_what_is_no_pattern fails 2 "is not a pattern" "$tool" prepare --idle 'a:b:c' \
	static
ok prepare_wants_something_to_do fails 2 "idle or --armed is expected" "$tool" prepare static
ok prepare_refuses_other_files fails 2 "not an ELF file" "$tool" prepare --idle x "$TOP/README.md"
broken() { # the version of the first record
	at=$(readelf -SW static | awk '$2 == "side_jmp" { print $5 } $3 == "side_jmp" { print $6 }')
	cp static broken && printf '\007' |
		dd of=broken bs=1 seek=$((0x$at + 12)) conv=notrunc 2>/dev/null
	fails 2 "does not pass side-jmp check.*version 7" "$tool" prepare --idle second broken
}
ok prepare_refuses_a_table_that_fails_check broken
done_testing
