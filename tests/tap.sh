# SPDX-License-Identifier: MIT
# TAP for a test in shell: `. tests/tap.sh`, then ok / skip, at the end `done_testing`.
# $BUILD is the build folder, $TOP the source tree, $TMP a folder of the test's own.
tap_run=0 tap_failed=0 tap_skipped=0
TMP=$(mktemp -d) && trap 'rm -rf "$TMP"' EXIT

note() { printf '# %s\n' "$*"; }
# ok NAME COMMAND...: passes if the command does; its output is shown if not.
ok() {
	name=$1; shift; tap_run=$((tap_run + 1))
	if "$@" >"$TMP/.out" 2>&1; then echo "ok $tap_run - $name"
	else
		echo "not ok $tap_run - $name"; tap_failed=$((tap_failed + 1))
		printf '# command: %s\n' "$*"; sed 's/^/# /' "$TMP/.out" | tail -n 40
	fi
}
skip() { tap_run=$((tap_run + 1)); tap_skipped=$((tap_skipped + 1)); echo "ok $tap_run - $1 # SKIP $2"; }
done_testing() {
	echo "1..$tap_run"
	[ $tap_failed -eq 0 ] || exit 1
	[ $tap_run -ne $tap_skipped ] || exit 4
	exit 0
}
