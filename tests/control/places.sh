#!/bin/sh
# SPDX-License-Identifier: MIT
# Live control: the same of programs that are built and run otherwise.
. "$(dirname "$0")/../tap.sh"
. "$TOP/tests/control/src/common.sh"
export PAUSE_US=500
: "${road:=control}"			# or attach: placed.sh
case $road.$(uname -m) in
control.*|*.x86_64|*.aarch64) ;;
*) skip placed "nobody attaches on this machine"; done_testing ;;
esac

traced() { # JQ: what list says; it is traced, its key enabled, nothing is left
	asks ".[0].road == \"$road\"" "$tool" ps -jp $pid &&
	asks "$1" "$tool" list --json -p $pid &&
	"$tool" trace -qp $pid -e server:pass --count 20 >"$TMP/lines" &&
	[ "$(grep -c ' server:pass thread=' "$TMP/lines")" = 20 ] &&
	"$tool" enable -qp $pid check && grows checked && "$tool" disable -qp $pid check &&
	asks '[.processes[].events[].users] | add == 0' "$tool" list --json -p $pid
}
one='(.processes | length) == 1 and (.processes[0].events | length) == 3'
as() { # COMMAND...: begins, is traced, ends
	begin "$@" || return
	traced "$one"; r=$?; end; return $r
}
[ "$road" = attach ] || export SIDE_JMP_CONTROL=1
ok places_static_builds server static $CC -static $alone
ok places_a_static_program as "$TMP/static"
ok places_static_pie_builds server static_pie $CC -static-pie $alone
ok places_a_static_pie as "$TMP/static_pie"
stripped() { server stripped $CC $alone && strip "$TMP/stripped" && as "$TMP/stripped"; }
ok places_a_stripped_program stripped
if command -v musl-gcc >/dev/null; then
	musl() { # its own build of the library
		make -s B="$TMP/musl" CC=musl-gcc "$TMP/musl/libside_jmp.a" >"$TMP/log" 2>&1 &&
		musl-gcc $flags "$src/server.c" -o "$TMP/musl_server" "$TMP/musl/libside_jmp.a" \
			-static || { tail "$TMP/log"; return 1; }
		as "$TMP/musl_server"
	}
	ok places_a_program_of_musl musl
else
	skip places_a_program_of_musl "no musl-gcc"
fi
deleted() { # the file is another by now
	server gone $CC $alone && begin "$TMP/gone" && echo other >"$TMP/new" &&
	mv "$TMP/new" "$TMP/gone" && traced "$one"; r=$?; end; return $r
}
ok places_a_program_whose_file_was_replaced deleted

# ---- two copies of the runtime in one process: each has its socket
two() {
	$CC $flags -fPIC -shared "$src/plugin.c" -o "$TMP/plugin.so" $alone \
		-Wl,--exclude-libs,ALL && server alone $CC $alone && begin "$TMP/alone" &&
	tell "load $TMP/plugin.so" && [ "$answer" = loaded ] &&
	asks '(.processes | length) == 2 and ([.processes[].events[].name] | sort) ==
		["plugin:loaded", "server:pass", "server:rare", "server:types"]' \
		"$tool" list --json -p $pid &&
	"$tool" trace -qp $pid -e 'server:pass,plugin:*' --for 1s >"$TMP/lines" &&
	grep -q plugin:loaded "$TMP/lines" && grep -q server:pass "$TMP/lines" &&
	sort -nsc -k1,1 "$TMP/lines" &&
	tell unload && [ "$answer" = 0 ] && traced "$one"; r=$?; end; return $r
}
ok places_two_static_copies two

# ---- other users and namespaces
may() { unshare "$@" true 2>/dev/null; }
inside() { # the server's number out here: what unshare has started
	until_ pgrep -P $outer >/dev/null && pid=$(pgrep -P $outer)
}
# Not in /tmp, which is another there; and for everybody
here=$(mktemp -d /var/tmp/side_jmp.XXXXXX) && chmod 755 "$here" || exit 1
trap 'rm -rf "$TMP" "$here"' EXIT
built() { server server $CC -static $alone && cp "$TMP/server" "$tool" "$here"; }
ok places_builds_for_others built
if [ "$(id -u)" = 0 ] && may -mpf; then
	elsewhere() {
		begin unshare "$@" --kill-child sh -c "mount -t tmpfs none /tmp &&
			exec $here/server" || return
		outer=$pid; inside && traced "$one" && { [ "$road" = attach ] || {
			socket=$(ls "/proc/$pid/root/tmp/side_jmp-0" | grep '^1-') &&
			[ ! -e "/tmp/side_jmp-0/$socket" ]; }; }; r=$?
		exec 8>&- 9<&-; wait $outer; return $r
	}
	ok places_in_other_mount_and_pid_namespaces elsewhere -mpf --mount-proc
else
	skip places_in_other_mount_and_pid_namespaces "unshare -mpf is not permitted here"
fi
# Here 0 is 100000 outside: with commas util-linux 2.38 has it so, 2.41 the other way.
for ids in 0:100000:1000 0,100000,1000; do
	mapped="-Umpf --map-users=$ids --map-groups=$ids --setuid 0 --setgid 0"
	! may $mapped || break
done
if [ "$(id -u)" = 0 ] && may $mapped; then
	ok places_in_another_user_namespace_too elsewhere $mapped --mount-proc
elif [ "$(id -u)" = 0 ] && may -Umpfr; then
	ok places_in_another_user_namespace_too elsewhere -Umpfr --mount-proc
else
	skip places_in_another_user_namespace_too "unshare -U is not permitted here"
fi
if [ "$(id -u)" = 0 ] && command -v setpriv >/dev/null; then
	other() { # a daemon of another user: root may, a third may not
		begin setpriv --reuid 65534 --regid 65534 --clear-groups \
			$here/server || return
		traced "$one" &&
		says "process $pid can't be controlled\|is not controlled\|Permission denied" \
			setpriv --reuid 65533 \
			--regid 65533 --clear-groups $here/side-jmp list -p $pid &&
		setpriv --reuid 65534 --regid 65534 --clear-groups \
			$here/side-jmp list -p $pid >/dev/null
		r=$?; end; return $r
	}
	ok places_its_user_and_root_may_and_nobody_else other
	squatted() { # what would be its folder in /tmp is another's, and shut
		begin unshare -m sh -c "mount -t tmpfs -o mode=1777 none /tmp &&
			mkdir -m 700 /tmp/side_jmp-65534 && chown 65533 /tmp/side_jmp-65534 &&
			exec setpriv --reuid 65534 --regid 65534 --clear-groups $here/server" ||
			return
		traced "$one" && setpriv --reuid 65534 --regid 65534 --clear-groups \
			$here/side-jmp list -p $pid
		r=$?; end; return $r
	}
	if may -m; then
		ok places_nobody_shuts_its_user_out_by_a_folder squatted
	else
		skip places_nobody_shuts_its_user_out_by_a_folder "unshare -m is not permitted"
	fi
	dropped() { # started by root, goes on as another: root may
		begin env DROP=65534 "$TMP/server" || return
		traced "$one"; r=$?; end; return $r
	}
	ok places_a_daemon_that_dropped_its_rights dropped
else
	skip places_its_user_and_root_may_and_nobody_else "not root, or no setpriv"
fi
done_testing
