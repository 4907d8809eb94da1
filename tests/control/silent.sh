#!/bin/sh
# SPDX-License-Identifier: MIT
# Live control: files on a file system that does not answer (FUSE) keep nobody waiting.
. "$(dirname "$0")/../tap.sh"
. "$TOP/tests/control/src/common.sh"
if [ "$(id -u)" != 0 ] || ! [ -w /dev/fuse ]; then
	skip silent "not root, or no /dev/fuse"; done_testing
fi
mnt=$(mktemp -d) || exit 1
leave() { kill -9 $daemon $all 2>/dev/null; umount -l "$mnt" 2>/dev/null; rm -rf "$TMP" "$mnt"; }
trap leave EXIT
built() {
	$CC $flags "$src/silent.c" -o "$TMP/silent" &&
	$CC $flags -I. -static "$src/locked.c" -o "$TMP/locked" $alone
}
ok silent_builds built
: >"$TMP/daemon"; "$TMP/silent" "$TMP/locked" "$mnt" >"$TMP/daemon" 2>&1 & daemon=$!
mounted() { grep -q . "$TMP/daemon"; }
until_ mounted
if ! grep -q here "$TMP/daemon"; then
	skip silent "no FUSE: $(cat "$TMP/daemon")"; done_testing
fi
start() { # NAME COMMAND...: it lives; its number is $pid
	out=$TMP/alive.$1; shift; : >"$out"; "$@" >"$out" & pid=$!
	all="$all $pid"; until_ grep 1 "$out"
}
begun() {
	start of_it "$mnt/file" plain && of_it=$pid &&
	start in_it chroot "$mnt" /file plain && in_it=$pid &&
	start maps env FILE="$mnt/unread" "$TMP/locked" maps && maps=$pid &&
	start other "$TMP/locked" plain && other=$pid && "$tool" ps -p $of_it,$in_it,$other
}
ok silent_answers_at_first begun
kill -USR1 $daemon
shown() { # the rest, and through a pipe that nobody keeps open
	seconds 60 sh -c '"$@" 2>&1 | cat >"$0"' "$TMP/out" "$tool" ps \
		-p $of_it,$in_it,$maps,$other && cat "$TMP/out" &&
	grep "process $of_it is left out: $mnt/file is on a file system that does not answer" \
		"$TMP/out" && grep "^ *$other .* attach\$" "$TMP/out"
}
ok ps_leaves_out_what_does_not_answer shown
no_answer='on a file system that does not answer'
steer() { says "$no_answer" tests/limit 30 "$tool" "$@"; }
ok silent_root_is_said steer list -p $in_it
for c in 'list' 'trace --count 1' 'top -t 1' 'enable locked:tick'; do
	ok "silent_file_is_said_by_${c%% *}" steer $c -p $maps
done
seen() { "$tool" trace -qp $other --count 2; }
ok silent_is_nobody_elses_matter seen
lives() {
	for which in of_it in_it maps other; do
		n=$(wc -l <"$TMP/alive.$which")
		more() { [ "$(wc -l <"$TMP/alive.$which")" -gt "$n" ]; }
		until_ more || return
	done
}
ok silent_harms_none_of_them lives
none_left() { # who was left behind ends when it is over
	kill -9 $daemon $all; : >"$TMP/left"
	gone() { ! ps -eo stat,comm | grep '^D.*side-jmp'; }; until_ gone
}
ok silent_leaves_nobody_behind none_left
done_testing
