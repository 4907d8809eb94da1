#!/bin/sh
# SPDX-License-Identifier: MIT
# The protocols as models, searched by spin: every state of every scenario, and for
# every step of theirs a mutant without it, which has to be caught.
#
#   SIZE=big	what `make model` runs: more sites to look at, more threads
# long
. "$(dirname "$0")/../tap.sh"
: "${SIZE:=small}"
models=$TOP/tests/model

# scenarios MODEL: those that have a mutant, or are named in a line "SCENARIO NAME"
scenarios() {
	awk '$1 == "#define" && $4 == "/*" && $5 ~ /^[A-Z_]+:$/ { sub(":", "", $5); print $5 }
		$1 == "SCENARIO" { print $2 }' "$models/$1.pml" | awk '!seen[$0]++' |
		if [ "$SIZE" = big ]; then cat; else grep -v '_BIG$'; fi
}
mutants() { # MODEL SCENARIO: NAME NUMBER, a line each
	awk -v of="$2:" '$1 == "#define" && $4 == "/*" && $5 == of { print $2, $3 }' \
		"$models/$1.pml"
}
sizes() { [ "$SIZE" != big ] || echo -DWATCHED=N; }
# build MODEL SCENARIO: its pan, in a folder of its own
build() {
	mkdir -p "$TMP/$1.$2" && cd "$TMP/$1.$2" &&
		spin "-D$2_" $(sizes) -a "$models/$1.pml" &&
		$CC -O1 -w -DSAFETY -DNOREDUCE -DMEMLIM=4000 -o pan pan.c &&
		rm -f pan.[chtmpb] && [ -x pan ]
}
# search MODEL SCENARIO MUTANT: all of it; says what was seen
search() {
	cd "$TMP/$1.$2" && rm -f ./*.trail &&
		MUTANT=$3 ./pan -E -n -m1000000 -w20 >out 2>&1
	cat out
	! grep -q 'max search depth too small\|out of memory\|Search not completed' out
}
figures() { # of the last search: N states, T s
	awk '/states, stored$/ { n = $1 } /elapsed time/ { t = $4 }
		END { print n, "states", t, "s" }' out
}
# All is searched, and no promise is broken
holds() { search "$1" "$2" 0 && grep -q ' errors: 0$' out; }
# A promise is broken: one of ours, and no complaint of spin's
caught() {
	search "$1" "$2" "$3" >/dev/null
	grep '^pan:1:' out
	grep -q ' errors: 1$' out && grep -q '^pan:1: assertion violated' out
}
lower() { printf '%s' "$1" | tr 'A-Z' 'a-z'; }

ok model_spin_is_there spin -V
n=0
for model in $(cd "$models" && ls ./*.pml | sed 's|^./||; s|\.pml$||' | grep -v '^model$'); do
	for scenario in $(scenarios $model); do
		s=$(lower $scenario)
		ok "${model}_${s}_builds" build $model $scenario
		ok "${model}_${s}_keeps_every_promise" holds $model $scenario
		cd "$TMP/$model.$scenario" || continue
		note "$model $scenario: $(figures)"
		mutants $model $scenario >"$TMP/mutants"
		while read -r name number; do
			n=$((n + 1))
			ok "${model}_${s}_would_see_$(lower $name)_left_out" \
				caught $model $scenario $number
		done <"$TMP/mutants"
		rm -f "$TMP/$model.$scenario/pan"
	done
done
all_run() {
	there=$(grep -h '^#define' "$models"/*.pml | awk '$3 ~ /^[0-9]+$/ && $5 ~ /:$/' |
		if [ "$SIZE" = big ]; then cat; else grep -v '_BIG:'; fi | wc -l)
	echo "run: $n, in the models: $there"
	[ "$n" -eq "$there" ] && [ "$n" -ge 30 ]
}
# A promise is the same whatever is left out, or it would be seen for its name.
promises() { [ "$(grep -c 'assert(' "$1")" -gt 0 ] && ! grep -n 'assert([^;]*has(' "$1"; }
for model in protocol tracer kernel; do
	ok ${model}_promises_know_no_mutant promises "$models/$model.pml"
done
note "$n mutants"
ok model_runs_all_mutants all_run

# ---- names: the models' labels are steps of the code
cd "$TOP" || exit 1
sed -n '/^enum inject_step {/,/^};/p' runtime/base/base.h | grep -o 'INJECT_[A-Z_]*' |
	sort -u >"$TMP/steps"
sed -n 's/^\(INJECT_[A-Z_]*\):.*/\1/p' tests/model/*.pml | sort -u >"$TMP/labels"
known() { [ "$(wc -l <"$TMP/labels")" -ge 12 ] && ! comm -13 "$TMP/steps" "$1" | grep .; }
ok model_labels_are_steps_of_the_code known "$TMP/labels"
# Every step that the code has stands in a model, or in README.md as one that does not.
sed -n 's/^- `\(INJECT_[A-Z_]*\)`.*/\1/p' tests/model/README.md | sort -u >"$TMP/without"
complete() { sort -u "$1" "$TMP/without" | comm -23 "$TMP/steps" - | { ! grep .; }; }
ok model_has_every_step_of_the_code complete "$TMP/labels"
sees() {
	{ cat "$TMP/labels"; echo INJECT_RENAMED; } | sort >"$TMP/more"
	sed 1d "$TMP/labels" >"$TMP/fewer"
	! known "$TMP/more" && ! complete "$TMP/fewer"
}
ok model_would_see_names_that_drift_apart sees

# Of the kernel's, what stands between two headings is named as in its series.
sed -n '/^.. ---- the series/,/^.. ---- the rest/p' tests/model/kernel.pml |
	sed -n 's/^\(inline\|proctype\) \([a-z_0-9]*\)(.*/\2/p' | sort -u >"$TMP/named"
grep -h '^[+ @]' kernel-patches/*.patch | grep -o '[a-z_0-9]*(' | tr -d '(' |
	sort -u >"$TMP/functions"
kernels() { [ "$(wc -l <"$1")" -ge 20 ] && ! comm -13 "$TMP/functions" "$1" | grep .; }
ok model_kernel_names_are_those_of_the_series kernels "$TMP/named"
renamed() {
	{ cat "$TMP/named"; echo code_patch_renamed; } | sort >"$TMP/more"
	! kernels "$TMP/more"
}
ok model_would_see_a_function_renamed renamed
done_testing
