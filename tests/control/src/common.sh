# SPDX-License-Identifier: MIT
# What tests of live control share: a server (server.c), and what it says.  Sourced
# after tap.sh.
tool=$BUILD/tools/side-jmp
unset SIDE_JMP_BACKEND SIDE_JMP_DIRTY_PAGES SIDE_JMP_ENABLE SIDE_JMP_OUTPUT SIDE_JMP_USER_EVENTS
unset SIDE_JMP_CONTROL
flags="-std=gnu11 -I$BUILD/include -O2 -g -Wall -Wextra -Werror"
src=$TOP/tests/control/src
so="-L$BUILD -lside_jmp -Wl,-rpath,$BUILD -pthread -ldl"
alone="$BUILD/libside_jmp.a -pthread -ldl"
server() { # OUT CC [OPTIONS...]: builds it
	out=$TMP/$1 cc=$2; shift 2
	$cc $flags "$src/server.c" -o "$out" "$@"
}
mkfifo "$TMP/in" "$TMP/answers"
begin() { # COMMAND...: the server, on descriptors 8 and 9; its number is $pid
	exec 8>&- 9<&-	# of one that did not begin: this one would wait for itself
	"$@" <"$TMP/in" >"$TMP/answers" & pid=$!
	exec 8>"$TMP/in" 9<"$TMP/answers"
	read -r word <&9 && [ "$word" = here ]
}
tell() { echo "$1" >&8 && read -r answer <&9; }
end() { exec 8>&- 9<&-; wait $pid; }
# field NAME: the number behind it in the answer
field() { echo "$answer" | sed "s/.*\<$1 \([0-9]*\).*/\1/"; }
now() { tell "$1" && field "$2"; }	# COMMAND FIELD
# until_ COMMAND...: it becomes true, in the time of a very busy machine
# Of what a job writes: emptied before it begins (: >FILE), which it does itself too late.
until_() {
	for _ in $(seq 600); do "$@" >/dev/null 2>&1 && return; sleep .1; done
	echo "never true: $*"; "$@"
}
grows() { # FIELD of `count`: it is more a moment later
	before=$(now count "$1")
	more() { [ "$(now count "$1")" -gt "$before" ]; }
	until_ more "$1"
}
settled() { # what state says when whoever was there has gone: the same half a second long
	same=0 first=
	while [ $same -lt 5 ]; do
		tell state || return
		[ "$answer" = "$first" ] && same=$((same + 1)) || same=0
		first=$answer; sleep .1
	done
}
state() { # that everything is as it was: $1
	as_it_was() { tell state && [ "$answer" = "$was" ]; }
	was=$1; until_ as_it_was || { echo "was: $was"; echo "is:  $answer"; return 1; }
}
asks() { # JQ-FILTER COMMAND...: of the JSON that it prints
	filter=$1; shift; "$@" >"$TMP/json" && jq -e "$filter" "$TMP/json" >/dev/null ||
		{ cat "$TMP/json"; return 1; }
}
says() { # WORDS COMMAND...: fails with 2, and says them
	words=$1; shift; "$@" >"$TMP/said" 2>&1; rc=$?
	cat "$TMP/said"; [ $rc = 2 ] && grep -q -- "$words" "$TMP/said"
}
seconds() { # AT-MOST COMMAND...: right, and in time, however busy the machine is: it waits, mostly
	most=$1 began=$(date +%s); shift; "$@"; rc=$?
	took=$(($(date +%s) - began)); echo "status $rc after $took s"
	[ $took -le $most ] && return $rc
}
