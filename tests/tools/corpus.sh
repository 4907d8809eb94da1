#!/bin/sh
# SPDX-License-Identifier: MIT
# What `side-jmp check` says of the corpus of tables, of every port; what does
# not pass is not prepared either.
. "$(dirname "$0")/../tap.sh"
tool=$BUILD/tools/side-jmp
cd "$TMP" || exit 1
[ -x "$tool" ] || { ok tool_is_built false; done_testing; }
$CC -std=c11 -D_GNU_SOURCE -O1 -Wall -Wextra -I"$TOP" -I"$BUILD/include" \
	"$TOP"/tests/corpus/*.c "$BUILD/libside_jmp.a" -o files || exit 1

# words RULE: how a finding of it reads
words() {
	case $1 in
	table) echo 'a table of sites that can be read; found section .*, which no segment loads' ;;
	table-size) echo 'a whole number of records of 16 bytes; found [0-9]* bytes' ;;
	table-alignment) echo 'a table aligned to 4 bytes; found 0x' ;;
	table-writable) echo 'a table that nobody writes; found 0x.* (rw-)' ;;
	record-version) echo 'a record of version 1; found version [02]' ;;
	record-layout) echo 'layout 0 (inline), 1 (dense).* or [23] (.*); found layout [34]' ;;
	record-flags) echo 'flags among 0x[23].*; found flags 0x' ;;
	record-reserved) echo '0 in the reserved byte; found 0x1' ;;
	target-bounds) echo 'a check block in code; found 0x' ;;
	key-alignment) echo 'a key aligned to 8 bytes; found 0x' ;;
	key-slot) echo 'a slot that can be read; found 0x.*, outside every segment' ;;
	key-writable) echo 'a key in data that stays writable; found 0x' ;;
	key-address) echo 'a slot that holds the address of a key; found 0.* in the slot at 0x' ;;
	key-fields) echo 'a key of version 1 with [36][24] bits; found version [12] with ' ;;
	site-alignment) echo 'a site aligned to [24] bytes; found 0x' ;;
	site-bounds) echo 'a site in code; found 0x' ;;
	site-reach) echo 'an operand in reach of the site at 0x.*; found 0x' ;;
	site-bytes) echo 'at site 0x.*: .* (armed) or .* (idle); found' ;;
	site-contradiction)
		echo 'records that agree about the site 0x.*; found another key, check' ;;
	site-overlap) echo 'a site behind the one at 0x.* of [58] bytes; found 0x' ;;
	dense-place) echo 'a dense site in the section side_jmp_modify_code; found 0x' ;;
	*) echo 'no words for this rule' ;;
	esac
}

# judged PORT NAME RULE: that rule is among the findings, or there is none
judged() {
	./files "$1" "$2" file || return 1
	"$tool" check file >said; status=$?
	cat said
	if [ "$3" = accepted ]; then
		[ $status -eq 0 ] && grep -q ' 0 findings, ' said
		return
	fi
	[ $status -eq 1 ] && grep -q ": $3: expected $(words "$3")" said || return 1
	"$tool" prepare --idle key file >said 2>&1; status=$?
	cat said
	[ $status -eq 2 ] && grep -q 'does not pass side-jmp check\|which no segment loads' said
}
./files >list
while read -r port name rule; do
	ok "corpus_${port}_$name" judged "$port" "$name" "$rule"
done <list
ok corpus_has_every_port [ "$(cut -d ' ' -f 1 list | sort -u | wc -l)" -eq 5 ]
./files x86-64 exact_duplicates file
ok corpus_counts_duplicates sh -c "'$tool' check file | grep '; 1 exact duplicates'"
done_testing
