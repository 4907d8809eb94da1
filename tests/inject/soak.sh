#!/bin/sh
# SPDX-License-Identifier: MIT
# The soak counts what goes wrong, each kind as that kind: a copy of it, whose tests are
# ones that do one thing wrong.
. "$(dirname "$0")/../tap.sh"

mkdir -p "$TMP/top/tests/planted" && cp tests/limit "$TMP/top/tests/" || exit 1
# Each lane's tests, by the name of the lane
sed '/^tests_of() {/,/^}/c\
tests_of() { echo planted/$1.sh; }' tests/soak >"$TMP/top/tests/soak" &&
	chmod +x "$TMP/top/tests/soak" || exit 1
plant() { # LANE LINE...: what its test does, after a result that is right
	file=$TMP/top/tests/planted/$1.sh; shift
	{ echo '#!/bin/sh'; echo 'echo ok 1 - right'; printf '%s\n' "$@"; } >"$file"
	chmod +x "$file"
}
right() {
	for each in stress life traps events control; do
		plant $each 'sleep 0.2; echo 1..1'
	done
}
# soak: fails if it counts anything, or a lane does nothing
soak() {
	BUILD=$TMP/none "$TMP/top/tests/soak" 1 7 >"$TMP/said" 2>&1
	rc=$?
	cat "$TMP/said"
	return $rc
}
says() { grep -q "$1" "$TMP/said" || { echo "not said: $1"; cat "$TMP/said"; return 1; }; }
nothing() { right; soak && says '^soak: 0 violations, 0 losses, 0 leaks'; }
wrong='echo not ok 2 - wrong; echo 1..2; exit 1'
each_wrong() {
	plant stress "$wrong"; plant life 'kill -SEGV $$'; plant traps 'echo 1..1; exit 3'
	plant events 'echo 1..2'; plant control "$wrong"
	! soak && says '^soak: [1-9][0-9]* violations, [1-9][0-9]* losses, 0 leaks'
}
in_lane() { says "^$1: .* right, [1-9][0-9]* not\$"; }
leaks() {
	right
	plant control "setsid sleep 600 >/dev/null 2>&1 & echo \$! >>$TMP/pids; sleep 0.2
		mktemp >/dev/null; echo 1..1"
	! soak
	rc=$?
	while read -r pid; do kill "$pid"; done <"$TMP/pids"
	return $rc
}
idle() {
	right; printf '#!/bin/sh\necho 1..0\n' >"$TMP/top/tests/planted/life.sh"
	! soak && says '1 lanes did nothing'
}
late() { # no violation, and shown; and who is somebody else can reach what is in its folder
	right; plant stress 'echo not ok 2 - stress_every_site_in_both_states; echo 1..2; exit 1'
	plant events '[ "$(stat -c %A "$TMPDIR/..")" = drwx--x--x ] || echo not ok 2 - shut
		[ "$(stat -c %A "$TMPDIR")" = drwx--x--x ] || echo not ok 3 - shut
		sleep 0.2; echo 1..1'
	soak && says '0 failed, 1 not seen in time'
}
ok soak_is_content_with_what_is_right nothing
ok soak_sees_violations_and_losses each_wrong
ok soak_sees_a_wrong_result	in_lane stress
ok soak_sees_a_crash		in_lane life
ok soak_sees_a_status		in_lane traps
ok soak_sees_results_that_are_missing in_lane events
ok soak_sees_a_loss		in_lane control
ok soak_shows_what_failed	says '## planted/control.sh, seed .*: 1 failed'
ok soak_sees_leaks		leaks
ok soak_shows_a_process_that_is_left says '^left: process [0-9]*: sleep 600'
ok soak_shows_a_file_that_is_left says '^left: .*/files/tmp'
ok soak_sees_a_lane_that_does_nothing idle
ok soak_takes_what_was_not_seen_for_no_violation late
done_testing
