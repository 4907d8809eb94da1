#!/bin/sh
# SPDX-License-Identifier: MIT
# Files and processes that change while they are looked at, at the worst moment:
# gdb stops the tool there.
. "$(dirname "$0")/../tap.sh"
tool=$BUILD/tools/side-jmp
cd "$TMP" || exit 1
[ -x "$tool" ] || { ok tool_is_built false; done_testing; }
I="-I$TOP -I$BUILD/include"
$CC -O2 -g $I -DALONE "$TOP/tests/tools/src/live.c" "$BUILD/libside_jmp.a" -o live \
	-pthread || exit 1
# Longer than what is read at once
[ "$(stat -c %s live)" -gt 100000 ] || exit 1

# at FUNCTION[+N] DO ARGUMENT...: run the tool; when it gets there (once more, N
# times), do that, and see how it ends.  Its output is in `said`, its status in `rc`.
at() {
	where=${1%+*} again=${1#"$where"} what=$2; shift 2
	rm -f done; args=
	for a; do args="$args '$a'"; done
	gdb -q -nx -batch -return-child-result -ex 'set breakpoint pending on' -ex "tbreak main" \
		-ex "run$args >said 2>&1" \
		-ex "break $where" -ex "ignore 2 ${again:-0}" -ex continue \
		-ex "shell touch done; $what" -ex 'delete' -ex continue \
		"$tool" >gdb 2>&1
	rc=$?
	cat said; echo "status $rc"
	[ -e done ] && ! grep 'SIG[A-Z]*' gdb
}

# ---- a file that becomes shorter
full() { # SUBCOMMAND ARGUMENT...: says the same as before, from what it had read
	cp live victim; "$tool" "$@" victim >expected 2>&1; before=$?
	cp live victim
	at table_load 'truncate -s 100 victim' "$@" victim && [ $rc = $before ] &&
	diff expected said
}
for s in list check disasm; do ok "changing_${s}_of_a_file_that_shrinks" full $s; done
lines() { # also of debug information, and in the file of its own
	cp live victim; "$tool" list victim >expected && grep -q 'live.c:[0-9]' expected || return 1
	at symbols_line 'truncate -s 100 victim' list victim && diff expected said || return 1
	objcopy --only-keep-debug live live.debug && cp live.debug gone.debug &&
	strip -o split live && objcopy --add-gnu-debuglink=gone.debug split &&
	"$tool" list split >expected && grep -q 'live.c:[0-9]' expected || return 1
	at symbols_line 'truncate -s 100 gone.debug' list split && diff expected said
}
ok changing_list_of_debug_information_that_shrinks lines
copied() { # while it is read
	cp live victim
	at memfd_create 'truncate -s 5000 victim' list victim && [ $rc = 2 ] &&
	grep "^side-jmp: victim: it became shorter while it was read: 5000 bytes, expected" said
}
ok changing_file_that_shrinks_while_it_is_read copied
shrunk() { # prepare neither writes what is not there nor what was
	cp live victim
	at prepare_plan 'truncate -s 100 victim' prepare --idle first victim && [ $rc = 2 ] &&
	grep 'was changed while it was prepared' said && [ "$(stat -c %s victim)" = 100 ]
}
ok changing_prepare_of_a_file_that_shrinks shrunk
start() { # PROGRAM: up to its first line
	./"$1" <live.in >answers & pid=$!
	i=0
	until grep -q here answers; do i=$((i + 1)); [ $i -lt 200 ] || return 1; sleep .1; done
}
mkfifo live.in; exec 7<>live.in
process() { # a library that is mapped; a program that runs can't be written
	$CC -O2 $I -fPIC -shared "$TOP/tests/tools/src/live_lib.c" -o liblive.so \
		-L"$BUILD" -lside_jmp &&
	$CC -O2 $I "$TOP/tests/tools/src/live.c" -o user -L. -llive -L"$BUILD" -lside_jmp \
		-Wl,-rpath,"$TMP:$BUILD" -pthread && start user || return 1
	at "table_load if im->size == $(stat -c %s liblive.so)" 'truncate -s 8192 liblive.so' \
		stat $pid && [ $rc = 0 ] &&
	grep "^$pid user: 1 thread, [12] objects* with" said
	r=$?; kill $pid; wait $pid
	return $r
}
ok changing_stat_of_a_library_that_shrinks process

# ---- a process that ends
ends() { # FUNCTION: nothing is said but that
	start live || return 1
	at "$1" "kill -9 $pid; while grep -q . /proc/$pid/maps; do sleep .02; done" stat $pid
	r=$?; wait $pid
	[ $r = 0 ] && [ $rc = 2 ] && [ "$(wc -l <said)" = 1 ] &&
	grep "^side-jmp: process $pid \(ended meanwhile\|has ended\)" said
}
for f in process_file process_file+2 image_open table_load process_own_pages process_status; do
	ok "changing_stat_of_a_process_that_ends_at_$f" ends $f
done

# ---- prepare in a folder where others may write
$CC -O2 $I "$TOP/tests/tools/src/prepared.c" -o prepared -rdynamic "$BUILD/libside_jmp.a" -ldl \
	-pthread || exit 1
"$tool" prepare -q --events --idle '*,*:*' -o other prepared && chmod 755 other || exit 1
sum=$(sha256sum <other)
# swapped NAME FUNCTION DO TEXT: with the file another one of that name; the link
# leads to a file that must not change.
swapped() {
	rm -rf home; mkdir home; cp prepared home/app; chmod 700 home/app
	at "$2" "$3" prepare --idle first "home/app" && [ $rc = 2 ] && grep "$4" said &&
	[ "$(sha256sum <other)" = "$sum" ] && [ "$(stat -c %a other)" = 755 ] &&
	[ "$(ls home)" = app ]
}
link='rm home/app; ln -s ../other home/app'
ok changing_prepare_of_a_file_that_becomes_a_link swapped link table_load "$link" \
	"another file's by now"
ok changing_prepare_of_a_file_that_becomes_one_later swapped link fchmod "$link" \
	'is a symbolic link'
ok changing_prepare_of_a_file_that_is_replaced swapped file table_load \
	'cp live new; mv new home/app' "another file's by now"
ok changing_prepare_of_a_file_that_is_replaced_later swapped file fchmod \
	'cp live new; mv new home/app' 'somebody else has replaced it'
ok changing_prepare_of_a_file_that_is_written swapped file fchmod 'touch -d 2001-01-01 home/app' \
	'was changed while'
left() { # what the others put there stays
	[ "$(readlink home/app)" = ../other ]
}
stays() { swapped link fchmod "$link" 'is a symbolic link' && left; }
ok changing_prepare_leaves_what_others_put_there stays
folder() { # the folder's name is another's when the new file is renamed
	rm -rf home away; mkdir home away; cp prepared home/app; cp other away/app
	at fchmod 'mv home moved; mv away home' prepare -q --idle first home/app && [ $rc = 0 ] &&
	cmp other home/app && ! cmp -s prepared moved/app && "$tool" check -q moved/app &&
	[ "$(ls home moved | xargs)" = 'home: app moved: app' ]
}
ok changing_prepare_stays_in_its_folder folder
out() { # -o: what appears there meanwhile
	rm -rf home; mkdir home
	at fchmod 'ln -s ../other home/out' prepare --idle first -o home/out prepared &&
	[ $rc = 2 ] && grep 'home/out: is a symbolic link' said && [ "$(ls home)" = out ] &&
	[ "$(sha256sum <other)" = "$sum" ]
}
ok changing_prepare_of_an_output_that_appears out
done_testing
