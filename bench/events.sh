#!/bin/sh
# SPDX-License-Identifier: MIT
# events.sh PROGRAM CSV: run the benchmark of events; beside LTTng-UST, if it
# is built in and its daemon can be started: a session of its own, in flight
# recorder mode, so that nothing is written to disk and nothing is lost.
set -u
program=$1 csv=$2
tmp=$(mktemp -d "$([ -w /dev/shm ] && echo /dev/shm || echo /tmp)/side_jmp.XXXXXX") || exit 1
export LTTNG_HOME="$tmp" HOME="$tmp"
daemon=
finish() {
	[ -z "$daemon" ] || { lttng destroy -a >/dev/null 2>&1; kill "$daemon" 2>/dev/null; }
	rm -rf "$tmp"
}
trap finish EXIT

session() {
	ldd "$program" | grep -q lttng-ust || return 1
	command -v lttng-sessiond >/dev/null && command -v lttng >/dev/null || return 1
	if ! pgrep -x lttng-sessiond >/dev/null; then
		lttng-sessiond --no-kernel --quiet >"$tmp/sessiond.log" 2>&1 & daemon=$!
		n=0
		until lttng list >/dev/null 2>&1; do
			n=$((n + 1)); [ $n -lt 50 ] || return 1
			sleep 0.2
		done
	fi
	lttng create --snapshot side_jmp_bench --output="$tmp/lttng" &&
	lttng enable-channel -u --overwrite --subbuf-size=1M --num-subbuf=4 channel &&
	lttng enable-event -u -c channel side_jmp_bench:on && lttng start
}
lttng=
if session >"$tmp/log" 2>&1; then lttng=lttng; export LTTNG_UST_REGISTER_TIMEOUT=-1
else echo "without LTTng-UST: $(tail -n 1 "$tmp/log")"; fi
# shellcheck disable=SC2086
"$program" "$csv" "$tmp/ctf/" "$tmp/text" $lttng
rc=$?
if [ -n "$lttng" ]; then # were its events recorded?
	lttng snapshot record >/dev/null 2>&1
	if command -v babeltrace2 >/dev/null; then
		n=$(babeltrace2 "$tmp/lttng" 2>/dev/null | grep -c side_jmp_bench:on)
		echo "LTTng-UST's last snapshot holds $n events"
		[ "$n" -gt 0 ] || { echo "LTTng-UST recorded nothing: its rows mean nothing"; \
			rc=1; }
	fi
	lttng destroy side_jmp_bench >/dev/null 2>&1
fi
exit $rc
