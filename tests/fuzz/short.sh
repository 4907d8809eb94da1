#!/bin/sh
# SPDX-License-Identifier: MIT
# 6 seconds of fuzzing what reads ELF files, 2 of what reads lines, 2 of filters, 4 of
# what reads archives.
. "$(dirname "$0")/../tap.sh"
make --no-print-directory build/fuzz/elf-libfuzzer build/fuzz/fifo-libfuzzer \
	build/fuzz/filter-libfuzzer build/fuzz/archive-libfuzzer \
	build/fuzz/corpus >"$TMP/log" 2>&1 ||
	{ cat "$TMP/log"; ok fuzz_builds false; done_testing; }
fuzz() {
	cp -r build/fuzz/corpus "$TMP/corpus"
	build/fuzz/elf-libfuzzer -max_total_time=6 -timeout=10 -rss_limit_mb=2048 -max_len=20000 \
		-artifact_prefix="$TMP/" -print_final_stats=1 "$TMP/corpus" >"$TMP/fuzzed" 2>&1 ||
			{ tail -n 40 "$TMP/fuzzed"; return 1; }
}
ok fuzz_elf_files fuzz
note "$(grep number_of_executed_units "$TMP/fuzzed")"
ok fuzz_does_not_idle test "$(awk '/number_of_executed_units/ { print $2 }' "$TMP/fuzzed")" -gt 1000
lines() {
	mkdir "$TMP/fifo" &&
	build/fuzz/fifo-libfuzzer -max_total_time=2 -timeout=10 -rss_limit_mb=2048 -max_len=200000 \
		-artifact_prefix="$TMP/" "$TMP/fifo" tests/fuzz/fifo >"$TMP/fuzzed" 2>&1 ||
			{ tail -n 40 "$TMP/fuzzed"; return 1; }
}
ok fuzz_lines lines
filters() {
	mkdir "$TMP/filter" &&
	build/fuzz/filter-libfuzzer -max_total_time=2 -timeout=10 -rss_limit_mb=2048 \
		-max_len=2000 -artifact_prefix="$TMP/" "$TMP/filter" tests/fuzz/filter \
		>"$TMP/fuzzed" 2>&1 || { tail -n 40 "$TMP/fuzzed"; return 1; }
}
ok fuzz_filters filters
archives() { # NAME SECONDS MAX-LENGTH SEEDS: small ones come to more of what is theirs
	mkdir "$TMP/$1" &&
	build/fuzz/archive-libfuzzer -max_total_time="$2" -timeout=10 -rss_limit_mb=2048 \
		-max_len="$3" -artifact_prefix="$TMP/" "$TMP/$1" "$4" >"$TMP/fuzzed" 2>&1 ||
			{ tail -n 40 "$TMP/fuzzed"; return 1; }
}
ok fuzz_archives archives small 2 600 tests/fuzz/archive
ok fuzz_archives_of_objects archives objects 2 20000 build/fuzz/seeds-archives
seeds() { ls build/fuzz/seeds/*-* | sed 's|.*/||; s/-.*//' | sort -u | wc -l; }
ok fuzz_corpus_is_of_every_port test "$(seeds)" -eq "$(ls -d arch/*/ | grep -vc generic)"
done_testing
