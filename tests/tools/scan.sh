#!/bin/sh
# SPDX-License-Identifier: MIT
# list and check over folders: what is looked at, and what is passed over.
. "$(dirname "$0")/../tap.sh"
tool=$BUILD/tools/side-jmp
cd "$TMP" || exit 1
[ -x "$tool" ] || { ok tool_is_built false; done_testing; }
I="-I$TOP -I$BUILD/include"
mkdir -p tree/b/deep tree/a tree/.hidden && cd tree || exit 1
$CC -O1 $I -fPIC -shared "$TOP/tests/tools/src/all.c" -o b/deep/lib.so &&
$CC -O1 $I -DOWNER "$TOP/tests/tools/src/all.c" "$BUILD/libside_jmp.a" -o app -pthread &&
$CC -O1 $I -fPIC -c "$TOP/tests/tools/src/all.c" -o b/all.o &&
echo 'int main(void) { return 0; }' | $CC -x c - -o a/empty || exit 1
cp b/deep/lib.so .hidden/lib.so && objcopy --only-keep-debug app a/app.debug &&
ar rc b/lib.a b/all.o && echo text >a/text && : >a/nothing && head -c 3000 app >a/cut &&
cp app a/no-sections && printf '\000\000\000\000\000\000\000\000' |
	dd of=a/no-sections bs=1 seek=40 conv=notrunc 2>/dev/null &&
printf '\000\000\000\000' | dd of=a/no-sections bs=1 seek=60 conv=notrunc 2>/dev/null &&
mkfifo a/fifo && ln -s ../app a/link && ln -s .. a/up && ln -s nowhere a/dangling || exit 1
cd ..
linked='tree/.hidden/lib.so tree/app tree/b/deep/lib.so' all="$linked tree/b/lib.a(all.o)"
listed() { sed -n 's/^\(tree[^:]*\): x86-64.*\|^\(tree[^:]*\): [a-z0-9]*, .*/\1\2/p' said | xargs; }
quietly() { # STATUS COMMAND...: nothing on standard error
	status=$1; shift
	timeout 60 "$@" >said 2>err; r=$?
	grep -c . said; cat err; [ $r = "$status" ] && [ ! -s err ]
}
tree() {
	quietly 0 "$tool" list -r tree && [ "$(listed)" = "$all" ] && grep '^total: 4 files' said &&
	cp said long && quietly 0 "$tool" list --recursive tree/ && [ "$(listed)" = "$all" ]
}
ok scan_lists_what_has_sites_and_nothing_else tree
quiet() {
	quietly 0 "$tool" list -rq tree && [ "$(listed)" = "$all" ] && ! grep '^total:' said &&
	quietly 0 "$tool" list -rq tree/a && [ ! -s said ]
}
ok scan_quiet_has_no_totals quiet
everything() { # what is passed over otherwise is said now
	"$tool" list -r --everything tree >said 2>err; r=$?; listed; cat err
	[ $r = 2 ] && [ "$(listed | wc -w)" = 5 ] && for f in text nothing cut no-sections app.debug
	do grep "^side-jmp: tree/a/$f: " err || return 1; done && ! grep 'a/fifo\|a/link\|a/up' err
}
ok scan_all_passes_over_nothing everything
named() { # without -r: the same by name
	quietly 0 "$tool" list --only-with-sites tree/app tree/a/[!d]* tree/b/* &&
	[ "$(listed)" = 'tree/app tree/a/link tree/b/lib.a(all.o)' ] &&
	"$tool" list tree/a/text 2>err; [ $? = 2 ] && grep 'not an ELF file' err &&
	"$tool" list tree/a/empty | grep '^ 0 sites'
}
ok scan_only_with_sites_without_recursion named
link() { # only one that is named is followed
	ln -sfn tree/b alias && quietly 0 "$tool" list -rq alias &&
	grep '^alias/deep/lib.so: ' said && mkdir -p other && ln -sfn ../tree other/in &&
	quietly 0 "$tool" list -rq other && [ ! -s said ]
}
ok scan_follows_no_link_that_it_finds link
json() {
	quietly 0 "$tool" list -rj tree && "$TOP/tests/tools/json" said &&
	[ "$(jq -r '.files[].file' said | xargs)" = "$all" ] && jq -e '.total.files == 4' said &&
	quietly 0 "$tool" check -rj tree && "$TOP/tests/tools/json" said &&
	[ "$(jq -r '.files[].file' said | xargs)" = "$linked" ] && jq -e 'all(.files[]; .ok)' said
}
ok scan_as_json json
check() {
	quietly 0 "$tool" check -r tree && [ "$(grep -c ' 0 findings' said)" = 3 ] &&
	quietly 0 "$tool" check -rq tree && [ ! -s said ]
}
ok scan_checks_what_has_sites check
finding() { # and goes on behind it
	cp -r tree bad && at=$(readelf -SW bad/app | sed 's/^ *\[ *[0-9]*\] *//' |
		awk '$1 == "side_jmp" { print $4 }') && printf '\007' |
		dd of=bad/app bs=1 seek=$((0x$at + 12)) conv=notrunc 2>/dev/null
	quietly 1 "$tool" check -r bad && grep '^bad/app: .*: record-version: ' said &&
	grep '^bad/b/deep/lib.so: .* 0 findings' said
}
ok scan_check_goes_on_behind_a_finding finding
broken() { # a file that says it has sites, and is not whole, is no file to pass over
	mkdir -p torn && cp tree/app torn/app && phdr=$(readelf -h torn/app |
		awk '/Start of program/ { print $5 }') && i=$(readelf -lW torn/app |
		awk '/^  [A-Z]/ && $1 != "Type" { if ($1 == "LOAD") { print i + 0; exit } i++ }') &&
	printf '\377\377\377\377\377\377' | dd of=torn/app bs=1 seek=$((phdr + 56 * i + 32)) \
		conv=notrunc 2>/dev/null
	"$tool" list -r torn >said 2>err; r=$?; cat said err
	[ $r = 2 ] && grep '^side-jmp: torn/app: ' err
}
ok scan_says_what_claims_sites_and_is_broken broken
unreadable() { # is said, and the rest is looked at
	mkdir -p shut/no && cp tree/app shut/app && cp tree/app shut/z && chmod 000 shut/no shut/app
	chmod 755 . && cp "$tool" tool
	setpriv --reuid=65534 --clear-groups ./tool list -r shut >said 2>err; r=$?
	cat said err; chmod 700 shut/no
	[ $r = 2 ] && grep '^shut/z: ' said && grep 'shut/app: Permission denied' err &&
	grep 'shut/no: Permission denied' err && [ "$(wc -l <err)" = 2 ]
}
if [ "$(id -u)" = 0 ]; then ok scan_says_what_it_may_not_read unreadable
else skip scan_says_what_it_may_not_read "needs root"; fi
missing() {
	"$tool" list -r nowhere tree >said 2>err; r=$?; cat err
	[ $r = 2 ] && grep '^side-jmp: nowhere: No such file' err && [ "$(listed)" = "$all" ]
}
ok scan_says_what_is_not_there missing
deep() { # and wide: few descriptors, little memory
	(mkdir deep && cd deep && i=0
	while [ $i -lt 300 ]; do mkdir d && cd d || exit 1; i=$((i + 1)); done
	cp "$TMP/tree/app" .) &&
	mkdir wide && (cd wide && seq 20000 | xargs touch) && cp tree/app wide/x &&
	cc -O1 "$TOP/tests/tools/src/cost.c" -o cost &&
	(ulimit -n 30; quietly 0 ./cost 10 65536 "$tool" list -r --no-lines deep wide ||
		grep cost: err) &&
	[ "$(grep -c '^\(deep\|wide\)/.*: .*executable' said)" = 2 ]
}
ok scan_of_deep_and_wide_trees deep
proc() { # what is no store of files is left out unless it is named
	mkdir -p with/proc && mount -t proc none with/proc 2>/dev/null || return 1
	quietly 0 timeout 20 "$tool" list -rq with; r=$?
	umount with/proc; [ $r = 0 ] && [ ! -s said ]
}
if [ "$(id -u)" = 0 ] && mkdir -p m && mount -t proc none m 2>/dev/null; then
	umount m; ok scan_leaves_proc_out proc
else
	skip scan_leaves_proc_out "no right to mount"
fi
one_debug() { "$tool" list -r --debug x tree 2>err; [ $? = 2 ] && grep 'goes with one file' err; }
ok scan_with_one_debug_file_is_refused one_debug
done_testing
