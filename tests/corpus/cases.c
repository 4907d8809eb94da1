/* SPDX-License-Identifier: MIT */
/*
 * The cases.  A good table has three records, of the first three sites; a case
 * is what is different, and what is said of it.
 */
#include <elf.h>
#include <errno.h>

#include "tests/corpus/corpus.h"

#define SLOT		SIDE_JMP_RECORD_KEY_SLOT
#define WORD64		SIDE_JMP_RECORD_WORD64

#define E(field, record, value)	{ CORPUS_F_##field, record, value }
#define MOVE(record, at)	E(SITE, record, CORPUS_##at)
#define OVER(record, at)	E(CHECK, record, CORPUS_##at)
#define KEY(record, at)		E(KEY, record, CORPUS_##at)

#define REFUSED(name_, rule_, why_, kernel_) \
	.name = name_, .rule = SJ_##rule_, .why = why_, .kernel = kernel_

/* Those of the layout nop. */
#define OF_NOP	.machine = EM_X86_64

#define NO_KEYS	"the kernel reads words, and knows no keys"

const struct corpus_case corpus_cases[] = {

/* ---- good ones ---- */

{ .name = "a_good_table" },
{ .name = "exact_duplicates", .edits = { E(RECORDS, 0, 4), MOVE(3, SITE(1)) } },
{ .name = "unsorted_table", .edits = { MOVE(0, SITE(2)), MOVE(2, SITE(0)) } },
{ .name = "shuffled_table", .sites = 8, .edits = {
	E(RECORDS, 0, 8), MOVE(1, SITE(5)), MOVE(2, SITE(2)),
	MOVE(3, SITE(7)), MOVE(4, SITE(4)), MOVE(5, SITE(1)),
	MOVE(6, SITE(6)), MOVE(7, SITE(3)) } },
{ .name = "slot", .edits = { E(FLAGS, 1, SLOT), KEY(1, SLOT) } },
{ .name = "slot_of_64_bits", .edits = { E(FLAGS, 1, SLOT | WORD64),
	KEY(1, SLOT_64) } },
{ .name = "key_of_64_bits", .edits = { E(FLAGS, 1, WORD64), KEY(1, KEY64) } },
{ .name = "wide_site", .edits = { MOVE(1, WIDE), E(LAYOUT, 1, 2) } },
{ .name = "wide_site_of_64_bits", .edits = { MOVE(1, WIDE64), E(LAYOUT, 1, 2),
	E(FLAGS, 1, WORD64), KEY(1, KEY64) } },
{ .name = "dense_site", .edits = { E(LAYOUT, 1, 1) },
	.file = "dense-place", .differ = "it is dense in name alone, and where"
	" it stands only the file tells" },
{ .name = "nop_site", .edits = { MOVE(1, NOP), E(LAYOUT, 1, 3) },
	OF_NOP },
{ .name = "idle_nop_site", .edits = { MOVE(1, NOP_IDLE), E(LAYOUT, 1, 3) },
	OF_NOP },
{ .name = "nop_site_with_slot", .edits = { MOVE(1, NOP), E(LAYOUT, 1, 3),
	E(FLAGS, 1, SLOT), KEY(1, SLOT) }, OF_NOP },
{ .name = "breakpoint_on_a_nop",
	.edits = { MOVE(1, NOP_BREAKPOINT), E(LAYOUT, 1, 3) },
	OF_NOP, .file = "site-bytes",
	.differ = "a debugger's in memory; a file has none" },
{ .name = "breakpoint_on_the_jump_of_a_nop",
	.edits = { MOVE(1, NOP_BREAKPOINT_TOO), E(LAYOUT, 1, 3) },
	OF_NOP, .file = "site-bytes",
	.differ = "a debugger's in memory; a file has none" },
{ .name = "idle_site", .edits = { MOVE(1, IDLE) } },
{ .name = "table_in_the_code", .edits = { E(START, 0, CORPUS_TEXT_TABLE) } },
{ .name = "one_key_behind_two_slots", .edits = { E(RECORDS, 0, 4),
	MOVE(3, SITE(1)), E(FLAGS, 1, SLOT), KEY(1, SLOT),
	E(FLAGS, 3, SLOT), KEY(3, SLOT_TOO) } },
{ .name = "one_key_with_and_without_a_slot", .edits = { E(RECORDS, 0, 4),
	MOVE(3, SITE(1)), E(FLAGS, 3, SLOT), KEY(3, SLOT) } },
{ .name = "breakpoint", .edits = { MOVE(1, BREAKPOINT) }, .file = "site-bytes",
	.differ = "a debugger's in memory; a file has none" },
{ .name = "check_in_another_segment",
	.edits = { MOVE(1, TO_COLD), OVER(1, COLD) },
	.kernel = -ERANGE,
	.differ = "the kernel wants a site and its check block in one mapping" },
{ .name = "table_in_data", .edits = { E(START, 0, CORPUS_DATA_TABLE) },
	.kernel = -EACCES, .file = "table-writable",
	.differ = "the runtime reads a table while it is loaded, the kernel at"
	" each sync; linkers do not do that" },
{ .name = "empty_table", .edits = { E(RECORDS, 0, 0) }, .kernel = -EINVAL,
	.differ = "the kernel is not asked to take in nothing" },

/* ---- the table ---- */

{ REFUSED("truncated_table", TABLE_SIZE, "whole number", -EINVAL),
	.edits = { E(MORE, 0, -4) } },
{ REFUSED("odd_size", TABLE_SIZE, "whole number", -EINVAL),
	.edits = { E(MORE, 0, 1) } },
{ REFUSED("misaligned_table", TABLE_ALIGNMENT, "aligned", -EINVAL),
	.edits = { E(START, 0, CORPUS_TABLE + 2) } },
{ REFUSED("table_that_ends_before_it_starts", TABLE_BOUNDS, "not inside",
	-EINVAL),
	.edits = { E(START, 0, CORPUS_TABLE + 64), E(RECORDS, 0, -2) },
	.file = "table" },
{ REFUSED("table_that_leaves_the_object", TABLE_BOUNDS, "not inside", -EINVAL),
	.edits = { E(RECORDS, 0, 0x800) }, .file = "table" },
{ REFUSED("table_in_nothing", TABLE_BOUNDS, "not inside", -EACCES),
	.edits = { E(START, 0, CORPUS_FAR) }, .file = "table" },

/* ---- versions ---- */

{ REFUSED("foreign_object_version", OBJECT_VERSION, "object of version 2", 0),
	.edits = { E(OBJECT_VERSION, 0, 2) },
	.not = CORPUS_NOT_FILE | CORPUS_NOT_KERNEL },
{ REFUSED("object_version_0", OBJECT_VERSION, "object of version 0", 0),
	.edits = { E(OBJECT_VERSION, 0, 0) },
	.not = CORPUS_NOT_FILE | CORPUS_NOT_KERNEL },
{ REFUSED("foreign_record_size", OBJECT_VERSION, "records of 24", 0),
	.edits = { E(RECORD_SIZE, 0, 24) },
	.not = CORPUS_NOT_FILE | CORPUS_NOT_KERNEL },
{ REFUSED("record_size_0", OBJECT_VERSION, "records of 0", 0),
	.edits = { E(RECORD_SIZE, 0, 0) },
	.not = CORPUS_NOT_FILE | CORPUS_NOT_KERNEL },
{ REFUSED("foreign_record_version", RECORD_VERSION, "record 2 has version 2",
	-EINVAL),
	.edits = { E(VERSION, 2, 2) } },
{ REFUSED("record_version_0", RECORD_VERSION, "record 0 has version 0",
	-EINVAL),
	.edits = { E(VERSION, 0, 0) } },
{ REFUSED("unknown_layout", RECORD_LAYOUT, "unknown layout 4", -EINVAL),
	.edits = { E(LAYOUT, 1, 4) } },
{ REFUSED("nop_where_there_is_none", RECORD_LAYOUT, "unknown layout 3",
	-EINVAL),
	.edits = { E(LAYOUT, 1, 3) }, .no_nop = true },
{ REFUSED("unknown_flags", RECORD_FLAGS, "flags 0x4", -EINVAL),
	.edits = { E(FLAGS, 1, 0x4) } },
{ REFUSED("unknown_high_flag", RECORD_FLAGS, "flags 0x82", -EINVAL),
	.edits = { E(FLAGS, 1, 0x80 | WORD64), KEY(1, KEY64) } },
{ REFUSED("reserved_byte", RECORD_RESERVED, "record 1", -EINVAL),
	.edits = { E(RESERVED, 1, 1) } },
{ REFUSED("wide_with_slot", RECORD_FLAGS, "unknown layout 2 or flags 0x1",
	-EINVAL),
	.edits = { MOVE(1, WIDE), E(LAYOUT, 1, 2), E(FLAGS, 1, SLOT),
	  KEY(1, SLOT) } },

/* ---- sites ---- */

{ REFUSED("site_that_is_no_code", SITE_BOUNDS, "not code", -EACCES),
	.edits = { MOVE(1, CONSTANT) } },
{ REFUSED("site_outside", SITE_BOUNDS, "not code", -EACCES),
	.edits = { MOVE(1, FAR) } },
{ REFUSED("site_that_leaves_the_code", SITE_BOUNDS, "not code", -ERANGE),
	.edits = { E(SITE, 1, CORPUS_TEXT_END - 2) }, .machine = EM_X86_64 },
{ REFUSED("site_at_the_end_of_the_code", SITE_BOUNDS, "not code", -EACCES),
	.edits = { E(SITE, 1, CORPUS_TEXT_END) } },
{ REFUSED("site_that_is_not_aligned", SITE_ALIGNMENT, "not code", -EINVAL),
	.edits = { E(SITE, 1, CORPUS_SITE(1) + 1) }, .aligned = true },
{ REFUSED("check_that_is_no_code", TARGET_BOUNDS, "check block", -ERANGE),
	.edits = { OVER(1, CONSTANT) } },
{ REFUSED("check_outside", TARGET_BOUNDS, "check block", -ERANGE),
	.edits = { OVER(1, FAR) } },
{ REFUSED("check_out_of_reach", SITE_REACH, "can't reach", -ERANGE),
	.edits = { OVER(1, DISTANT) }, .reach = true },
{ REFUSED("check_that_is_not_aligned", SITE_REACH, "can't reach", -EINVAL),
	.edits = { E(CHECK, 1, CORPUS_CHECK + 1) }, .aligned = true },
{ REFUSED("other_bytes", SITE_BYTES, "neither", -EILSEQ),
	.edits = { MOVE(2, NO_SITE) } },
{ REFUSED("jump_to_another_check", SITE_BYTES, "neither", -EILSEQ),
	.edits = { OVER(2, OTHER_CHECK) } },
{ REFUSED("middle_of_a_site", SITE_BYTES, "neither", -EILSEQ),
	.edits = { E(SITE, 2, CORPUS_SITE(2) + 4) } },
{ REFUSED("jump_that_is_said_to_be_wide", SITE_BYTES, "neither", -EILSEQ),
	.edits = { E(LAYOUT, 2, 2) } },
{ REFUSED("wide_that_is_said_to_be_a_jump", SITE_BYTES, "neither", -EILSEQ),
	.edits = { MOVE(2, WIDE) }, .machine = EM_X86_64 },
{ REFUSED("wide_of_another_key", SITE_BYTES, "neither", -EILSEQ),
	.edits = { MOVE(2, WIDE), E(LAYOUT, 2, 2), KEY(2, OTHER_KEY) },
	.machine = EM_X86_64 },
{ REFUSED("wide_of_another_width", SITE_BYTES, "neither", -EILSEQ),
	.edits = { MOVE(2, WIDE), E(LAYOUT, 2, 2), E(FLAGS, 2, WORD64),
	  KEY(2, KEY64) },
	.machine = EM_X86_64 },
{ REFUSED("jump_that_is_said_to_be_a_nop", SITE_BYTES, "neither", -EILSEQ),
	.edits = { E(LAYOUT, 2, 3) }, OF_NOP },
{ REFUSED("nop_that_is_said_to_be_a_jump", SITE_BYTES, "neither", -EILSEQ),
	.edits = { MOVE(2, NOP) }, OF_NOP },
{ REFUSED("nop_of_another_check", SITE_BYTES, "neither", -EILSEQ),
	.edits = { MOVE(2, NOP), E(LAYOUT, 2, 3), OVER(2, OTHER_CHECK) },
	OF_NOP },
{ REFUSED("nop_with_another_sib", SITE_BYTES, "neither", -EILSEQ),
	.edits = { MOVE(2, NOP_SIB), E(LAYOUT, 2, 3) }, OF_NOP },
{ REFUSED("nop_that_leaves_the_code", SITE_BOUNDS, "not code", -ERANGE),
	.edits = { E(SITE, 1, CORPUS_TEXT_END - 7), E(LAYOUT, 1, 3) },
	OF_NOP },

/* ---- keys ---- */

{ REFUSED("key_that_is_constant", KEY_WRITABLE, "writable", 0),
	.edits = { KEY(1, CONSTANT_KEY) }, .differ = NO_KEYS },
{ REFUSED("key_in_code", KEY_WRITABLE, "writable", 0),
	.edits = { KEY(1, NO_SITE) },
	.differ = NO_KEYS },
{ REFUSED("key_in_relro", KEY_WRITABLE, "writable", 0),
	.edits = { KEY(1, RELRO_KEY) },
	.differ = NO_KEYS },
{ REFUSED("key_that_leaves_its_segment", KEY_WRITABLE, "writable", 0),
	.edits = { E(KEY, 1, CORPUS_BSS_END - 16) }, .differ = NO_KEYS },
{ REFUSED("key_outside", KEY_WRITABLE, "writable", -EFAULT),
	.edits = { KEY(1, FAR) } },
{ REFUSED("misaligned_key", KEY_ALIGNMENT, "its key", -EINVAL),
	.edits = { E(KEY, 1, CORPUS_KEY + 2) } },
{ REFUSED("half_aligned_key", KEY_ALIGNMENT, "its key", 0),
	.edits = { E(KEY, 1, CORPUS_OTHER_KEY + 4) },
	.differ = "the kernel reads words, and one of 32 bits is aligned to 4"
	" bytes" },
{ REFUSED("half_aligned_key_of_64_bits", KEY_ALIGNMENT, "its key", -EINVAL),
	.edits = { E(FLAGS, 1, WORD64), E(KEY, 1, CORPUS_KEY64 + 4) } },
{ REFUSED("foreign_key_version", KEY_FIELDS, "version 2", 0),
	.edits = { KEY(1, KEY_VERSION_2) }, .differ = NO_KEYS },
{ REFUSED("key_of_another_width", KEY_FIELDS, "64 bits", 0),
	.edits = { KEY(1, KEY64) },
	.differ = NO_KEYS },
{ REFUSED("key_of_no_known_width", KEY_FIELDS, "16 bits", 0),
	.edits = { KEY(1, KEY_WIDTH_16) }, .differ = NO_KEYS },
{ REFUSED("record_of_another_width", KEY_FIELDS, "expected 1 and 64", 0),
	.edits = { E(FLAGS, 1, WORD64) }, .differ = NO_KEYS },
{ REFUSED("slot_with_null", KEY_ADDRESS, "holds no key", -EFAULT),
	.edits = { E(FLAGS, 1, SLOT), KEY(1, SLOT_NULL) } },
{ REFUSED("slot_that_nothing_fills", KEY_ADDRESS, "holds no key", -EFAULT),
	.edits = { E(FLAGS, 1, SLOT), KEY(1, SLOT_BSS) } },
{ REFUSED("slot_with_odd_address", KEY_ADDRESS, "holds no key", -EINVAL),
	.edits = { E(FLAGS, 1, SLOT), KEY(1, SLOT_ODD) } },
{ REFUSED("slot_of_another_width", KEY_FIELDS, "64 bits", 0),
	.edits = { E(FLAGS, 1, SLOT), KEY(1, SLOT_64) }, .differ = NO_KEYS },
{ REFUSED("slot_outside", KEY_SLOT, "slot", -EFAULT),
	.edits = { E(FLAGS, 1, SLOT), KEY(1, FAR) } },
{ REFUSED("misaligned_slot", KEY_ALIGNMENT, "slot", -EINVAL),
	.edits = { E(FLAGS, 1, SLOT), E(KEY, 1, CORPUS_SLOT + 4) } },

/* ---- contradictions ---- */

{ REFUSED("one_site_with_two_keys", SITE_CONTRADICTION, "contradict", -EINVAL),
	.edits = { MOVE(2, SITE(0)), KEY(2, OTHER_KEY) } },
{ REFUSED("one_site_with_two_layouts", SITE_CONTRADICTION, "contradict",
	-EINVAL),
	.edits = { MOVE(2, SITE(0)), E(LAYOUT, 2, 1) } },
{ REFUSED("one_site_with_two_checks", SITE_BYTES, "neither", -EINVAL),
	.edits = { MOVE(2, SITE(0)), OVER(2, OTHER_CHECK) } },
{ REFUSED("overlapping_sites", SITE_OVERLAP, "contradict", -EINVAL),
	.edits = { MOVE(1, OVERLAP), E(CHECK, 1, CORPUS_OVERLAP + 5 + 0xe9),
	  E(SITE, 2, CORPUS_OVERLAP + 1), E(CHECK, 2, CORPUS_OVERLAP + 6) },
	.machine = EM_X86_64 },
{ REFUSED("site_in_a_nop", SITE_OVERLAP, "contradict", -EINVAL),
	.edits = { MOVE(1, NOP), E(LAYOUT, 1, 3), E(SITE, 2, CORPUS_NOP + 3) },
	OF_NOP },
};

const unsigned corpus_n_cases = sizeof(corpus_cases) / sizeof(*corpus_cases);
