#!/bin/sh
# SPDX-License-Identifier: MIT
# Live control: processes that are stopped, or gone but for their children, or that
# take their time on purpose.
. "$(dirname "$0")/../tap.sh"
. "$TOP/tests/control/src/common.sh"
built() {
	server server $CC $so && $CC $flags -I. "$src/target.c" -o "$TMP/target" $alone
}
ok stopped_builds built
begin env SIDE_JMP_CONTROL=1 PAUSE_US=1000 "$TMP/server" || exit 1

# ---- one that is stopped is waited for once, and is not taken for one that ended
asked() { kill -STOP $pid; seconds 10 says 'does not answer' "$tool" list -p $pid; r=$?
	kill -CONT $pid; return $r; }
ok a_stopped_process_is_waited_for_once asked
shown() { [ "$(wc -l <"$TMP/lines")" -gt "$1" ]; }
goes_on() { # COMMAND...: lives through a stop of the process, and shows what comes then
	: >"$TMP/lines" 2>"$TMP/err"
	"$@" -p $pid >"$TMP/lines" 2>"$TMP/err" & t=$!
	until_ test -s "$TMP/lines" && kill -STOP $pid && sleep 7 && kill -CONT $pid &&
	n=$(wc -l <"$TMP/lines") && until_ shown $((n + 20)) && kill -INT $t && wait $t
}
ok top_goes_on_when_a_stopped_process_does goes_on "$tool" top -d .2
end

# ---- children outlive who was asked for
orphans() { # nobody is there to answer STOP
	begin env SIDE_JMP_CONTROL=1 PAUSE_US=1000 ORPHAN=1 "$TMP/server" || return
	: >"$TMP/lines" 2>"$TMP/err"
	"$tool" trace -p $pid -e server:pass >"$TMP/lines" 2>"$TMP/err" & t=$!
	until_ test -s "$TMP/lines" && tell fork && child=$answer && kill -9 $pid &&
	n=$(wc -l <"$TMP/lines") && until_ shown $((n + 20)) && kill -INT $t &&
	seconds 3 wait $t; r=$?; kill -9 $child; exec 8>&- 9<&-; return $r
}
ok trace_ends_at_once_when_only_children_are_left orphans
done_testing
