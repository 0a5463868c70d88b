// SPDX-License-Identifier: GPL-2.0-or-later
/* emmc: what a card says of itself, and what it says of commands. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "emmc_parts.h"

#define READ_NS (10 * NS_PER_S)

/* ---- CID ---- */

static struct mmc_cid cid_of(struct rig *r)
{
	const struct mmc_facts *f = emmc_facts(r);
	struct mmc_cid cid;

	mmc_cid_read(f->cid, f->kind == MMC_KIND_SD, f->has_ext_csd ? f->ext_csd[EXT_CSD_REV] : 0,
		     &cid);
	return cid;
}

/* Many host controllers keep no CRC of a long response: then its bits are 0. */
static void cid_crc(struct rig *r)
{
	const struct mmc_facts *f = emmc_facts(r);

	if (!mmc_reg_crc(f->cid))
		rig_na(r, "the host controller keeps no CRC of the CID: it is 0");
	CHECK_EQ(r, "CRC7 of the CID", mmc_reg_crc(f->cid), mmc_crc7(f->cid, 15));
}

static void cid_fields(struct rig *r)
{
	struct mmc_cid cid = cid_of(r);
	bool printable = true;

	for (const char *p = cid.name; *p; p++)
		printable &= *p >= 0x20 && *p <= 0x7e;
	ADVISE_TRUE(r, cid.name[0] && printable, "PNM is printable: %02X%02X%02X%02X%02X%02X",
		    cid.name[0] & 0xff, cid.name[1] & 0xff, cid.name[2] & 0xff, cid.name[3] & 0xff,
		    cid.name[4] & 0xff, cid.name[5] & 0xff);
	ADVISE_TRUE(r, cid.month >= 1 && cid.month <= 12, "MDT: the month %u is 1 to 12",
		    cid.month);
}

static void same_number(struct rig *r, const char *name, uint32_t want, uint32_t or)
{
	char path[32], text[64];
	uint64_t have = 0;

	snprintf(path, sizeof(path), "device/%s", name);
	if (!emmc_attr(r, MMC_USER, path, text))
		rig_broken(r, "sysfs has no %s of the card", name);
	CHECK_TRUE(r, !text_number(text, &have) && (have == want || have == or),
		   "%s of sysfs is that of the CID: got %s, want %08Xh", name, text, want);
}

/* Of an MMC card the year has four bits, and kernels differ in what they count from. */
static void same_date(struct rig *r, const struct mmc_cid *cid)
{
	unsigned month = 0, year = 0;
	char text[64], want[16];
	bool same;

	if (!emmc_attr(r, MMC_USER, "device/date", text))
		return;
	same = sscanf(text, "%u/%u", &month, &year) == 2 && month == cid->month &&
	       (cid->sd ? year == cid->year : (year - cid->year) % 16 == 0);
	snprintf(want, sizeof(want), "%02u/%04u", cid->month, cid->year);
	check_text(r, CHECK_SITE(0, 0), "date of sysfs", same, text, want);
}

/* Kernels before 6.6 tell 16 bits of OID, later ones the 8 that an MMC card has. */
static void cid_attributes(struct rig *r)
{
	struct mmc_cid cid = cid_of(r);

	same_number(r, "manfid", cid.manufacturer, cid.manufacturer);
	same_number(r, "serial", cid.serial, cid.serial);
	same_number(r, "oemid", cid.oem, cid.oem & 0xffu);
	same_date(r, &cid);
}

static const struct part_row {
	const char *name;
	void (*run)(struct rig *r);
} cids[] = { { "crc", cid_crc }, { "fields", cid_fields }, { "attributes", cid_attributes } };

static void run_part(struct rig *r)
{
	((const struct part_row *)rig_row(r))->run(r);
}

/* ---- CSD ---- */

static void run_csd(struct rig *r)
{
	const struct mmc_facts *f = emmc_facts(r);
	uint32_t classes = 1u << 0 | 1u << 2 | 1u << 4 | 1u << 5;

	CHECK_GE(r, "CSD_STRUCTURE", csd_get(f->csd, CSD_STRUCTURE), 2);
	CHECK_EQ(r, "SPEC_VERS", csd_get(f->csd, CSD_SPEC_VERS), 4);
	CHECK_EQ(r, "CCC, classes 0, 2, 4 and 5", csd_get(f->csd, CSD_CCC) & classes, classes);
	if (f->bytes[MMC_USER] <= MMC_IN_BYTES_MAX) {
		rig_note(r, "2 GiB or less: its size is C_SIZE's to tell");
		return;
	}
	CHECK_EQ(r, "C_SIZE of a card of more than 2 GiB", csd_get(f->csd, CSD_C_SIZE), 0xfff);
	CHECK_EQ(r, "READ_BL_LEN of a card of more than 2 GiB", csd_get(f->csd, CSD_READ_BL_LEN),
		 9);
}

/* ---- Extended CSD ---- */

static void ext_csd_size(struct rig *r)
{
	uint8_t e[EXT_CSD_BYTES];

	emmc_read_ext_csd(r, e);
	if (emmc_in_bytes(emmc_facts(r)))
		rig_na(r, "addresses count bytes: its size is the CSD's to tell");
	CHECK_EQ(r, "SEC_COUNT in bytes, against the block device", ext_csd_bytes(e),
		 emmc_facts(r)->bytes[MMC_USER]);
}

static void ext_csd_fields(struct rig *r)
{
	uint8_t e[EXT_CSD_BYTES];

	emmc_read_ext_csd(r, e);
	ADVISE_LE(r, "EXT_CSD_REV, of which 9 is the last published", e[EXT_CSD_REV], 9);
	ADVISE_TRUE(r, e[EXT_CSD_CSD_STRUCTURE] <= 3, "CSD_STRUCTURE %u is 0 to 3",
		    e[EXT_CSD_CSD_STRUCTURE]);
	if (e[EXT_CSD_REV] >= 6) /* 4.5, which has it */
		ADVISE_GE(r, "GENERIC_CMD6_TIME, of 10 ms", e[EXT_CSD_GENERIC_CMD6_TIME], 1);
	ADVISE_GE(r, "ERASE_TIMEOUT_MULT, of 300 ms", e[EXT_CSD_ERASE_TIMEOUT_MULT], 1);
}

/* Bytes that are in no field of this revision's table. */
static void ext_csd_reserved(struct rig *r)
{
	uint8_t e[EXT_CSD_BYTES];
	unsigned set = 0, first = 0;

	emmc_read_ext_csd(r, e);
	if (e[EXT_CSD_REV] > 8)
		rig_na(r, "EXT_CSD_REV is %u: younger than the table of fields", e[EXT_CSD_REV]);
	for (unsigned i = EXT_CSD_BYTES; i--;)
		if (e[i] && !ext_csd_field_at(i)) {
			set++;
			first = i;
		}
	ADVISE_TRUE(r, !set, "reserved bytes are 0: %u are not, the first is [%u] = %02Xh", set,
		    first, set ? e[first] : 0);
}

/* What a byte in no field of the table does is not known: it may be of a younger version. */
static void ext_csd_stable(struct rig *r)
{
	uint8_t first[EXT_CSD_BYTES], again[EXT_CSD_BYTES];

	emmc_read_ext_csd(r, first);
	emmc_read_ext_csd(r, again);
	for (unsigned i = 0; i < EXT_CSD_BYTES; i++) {
		const struct ext_csd_field *f = ext_csd_field_at(i);

		if (first[i] != again[i] && !ext_csd_moves(i))
			check_true(r, CHECK_SITE(0, !f), false,
				   "byte [%u] of %s is the same twice: %02Xh, then %02Xh", i,
				   f ? f->name : "a reserved field", first[i], again[i]);
	}
	CHECK_TRUE(r, true, "what does not change by itself is the same twice");
}

static const struct part_row ext_csds[] = { { "size", ext_csd_size },
					    { "fields", ext_csd_fields },
					    { "reserved", ext_csd_reserved },
					    { "stable", ext_csd_stable } };

/* ---- health ---- */

static const char *na_before_5_0(const struct facts *f)
{
	return emmc_na_before(f, 7, "5.0, which has the health report");
}

static void check_range(struct rig *r, const uint8_t *e)
{
	ADVISE_LE(r, "PRE_EOL_INFO", e[EXT_CSD_PRE_EOL_INFO], 3);
	ADVISE_LE(r, "DEVICE_LIFE_TIME_EST_TYP_A", e[EXT_CSD_LIFE_TIME_EST_A], 0x0b);
	ADVISE_LE(r, "DEVICE_LIFE_TIME_EST_TYP_B", e[EXT_CSD_LIFE_TIME_EST_B], 0x0b);
}

/* sysfs has it as it was when the card was found. That an estimate never falls no text says. */
static void health(struct rig *r)
{
	uint8_t before[EXT_CSD_BYTES], now[EXT_CSD_BYTES];
	unsigned a, b;
	char text[64];

	emmc_read_ext_csd(r, before);
	check_range(r, before);
	if (emmc_attr(r, MMC_USER, "device/life_time", text) &&
	    CHECK_TRUE(r, sscanf(text, "%x %x", &a, &b) == 2, "life_time is two numbers: '%s'",
		       text)) {
		ADVISE_LE(r, "life_time A of sysfs, against the card", a,
			  before[EXT_CSD_LIFE_TIME_EST_A]);
		ADVISE_LE(r, "life_time B of sysfs, against the card", b,
			  before[EXT_CSD_LIFE_TIME_EST_B]);
	}
	for (uint64_t i = rig_pick(r, 4, 16, 256); i; i--) {
		emmc_read_ext_csd(r, now);
		ADVISE_GE(r, "life time A, against what it was", now[EXT_CSD_LIFE_TIME_EST_A],
			  before[EXT_CSD_LIFE_TIME_EST_A]);
		ADVISE_GE(r, "life time B, against what it was", now[EXT_CSD_LIFE_TIME_EST_B],
			  before[EXT_CSD_LIFE_TIME_EST_B]);
		memcpy(before, now, sizeof(before));
	}
}

/* ---- status ---- */

static void check_rest(struct rig *r, const char *when)
{
	uint32_t status = emmc_status(r);

	CHECK_CLEAN(r, when, status);
	CHECK_EQ(r, "CURRENT_STATE: tran", MMC_STATUS_STATE(status), MMC_TRAN);
	CHECK_TRUE(r, status & MMC_STATUS_READY, "READY_FOR_DATA is 1 %s", when);
}

static void status_clean(struct rig *r)
{
	uint8_t *data = emmc_mem(r, 16 * MMC_BLOCK), e[EXT_CSD_BYTES];

	check_rest(r, "before anything");
	emmc_get(r, MMC_USER, 0, data, 1);
	check_rest(r, "after a read of one sector");
	emmc_get(r, MMC_USER, 0, data, 16);
	check_rest(r, "after a read of several");
	if (emmc_facts(r)->kind != MMC_KIND_EMMC)
		return;
	emmc_read_ext_csd(r, e);
	check_rest(r, "after a read of the Extended CSD");
}

/* ---- what a card does not do ---- */

static const struct illegal_row {
	const char *name;
	uint8_t index; /* 0: no command without a meaning */
	void (*run)(struct rig *r);
} illegals[];

/* Indexes that Linux sends to every card when it looks for those of another kind. */
static void illegal_index(struct rig *r)
{
	const struct illegal_row *row = rig_row(r);
	struct mmc_cmd cmd = mmc_plain(row->index, 0, false);
	uint32_t status;

	emmc_need_quiet(r);
	check_rest(r, "before it");
	emmc_batch(r, MMC_USER, &cmd, 1);
	CHECK_TRUE(r, cmd.result, "CMD%u is not answered", row->index);
	status = emmc_status(r);
	CHECK_BIT(r, "the status behind it", status, MMC_STATUS_ILLEGAL_COMMAND);
	check_rest(r, "one status later");
}

static void switch_read_only(struct rig *r)
{
	uint8_t before[EXT_CSD_BYTES], after[EXT_CSD_BYTES];
	struct mmc_cmd cmd;
	uint32_t status;

	if (emmc_facts(r)->kind != MMC_KIND_EMMC)
		rig_na(r, "an SD card: its SWITCH is another command");
	emmc_need_quiet(r);
	emmc_read_ext_csd(r, before);
	cmd = mmc_switch(EXT_CSD_REV, before[EXT_CSD_REV] ^ 1, false);
	status = emmc_do(r, &cmd, 1, ext_csd_switch_ns(before) + NS_PER_S);
	CHECK_BIT(r, "the status behind a SWITCH of EXT_CSD_REV", status, MMC_STATUS_SWITCH_ERROR);
	emmc_read_ext_csd(r, after);
	CHECK_EQ(r, "EXT_CSD_REV", after[EXT_CSD_REV], before[EXT_CSD_REV]);
	check_rest(r, "afterwards");
}

/* Of a read whose data do not come a host may not show the answer: then the failure is all. */
static void read_past_end(struct rig *r)
{
	const struct mmc_facts *f = emmc_facts(r);
	uint64_t end = f->bytes[MMC_USER] / MMC_BLOCK;
	struct mmc_cmd cmd = mmc_read(emmc_address(f, end), emmc_mem(r, MMC_BLOCK), 1);
	uint32_t status;

	if (emmc_address(f, end) < emmc_address(f, end - 1))
		rig_na(r, "the card ends where the argument of a command does");
	emmc_need_512(r);
	status = emmc_try(r, &cmd, READ_NS);
	CHECK_TRUE(r, cmd.result || status & MMC_STATUS_ERRORS,
		   "a read of the sector behind the last one does not succeed");
	if (cmd.response[0] || !cmd.result)
		CHECK_BIT(r, "its answer, or the status behind it", status,
			  MMC_STATUS_OUT_OF_RANGE);
	check_rest(r, "afterwards");
}

static const struct illegal_row illegals[] = { { "index-52", 52, illegal_index },
					       { "index-41", 41, illegal_index },
					       { "switch-read-only", 0, switch_read_only },
					       { "past-the-end", 0, read_past_end } };

static void run_illegal(struct rig *r)
{
	((const struct illegal_row *)rig_row(r))->run(r);
}

static const struct rig_case cases[] = {
	{ .id = "cid",
	  .rule = "The CID has the CRC7 of its bytes, a name and a date, and sysfs says the same.",
	  .ref = EMMC "CID Register; SD Physical Layer CID Register; Linux "
		      "Documentation/driver-api/mmc/mmc-dev-attrs.rst",
	  .needs = NEED_MMC,
	  .fault = "emmc-cid-crc-wrong emmc-cid-name-unprintable emmc-cid-month-zero "
		   "emmc-cid-attributes-differ emmc-cid-date-differs",
	  .run = run_part,
	  ROWS(cids) },
	{ .id = "csd",
	  .rule = "The CSD is that of version 4 or later, with the classes that every card has, "
		  "and "
		  "C_SIZE FFFh where the size is SEC_COUNT's.",
	  .ref = EMMC "CSD Register" EMMC_UNSEEN,
	  .needs = NEED_MMC,
	  .level = SHOULD,
	  .fault = "emmc-csd-spec-vers-old emmc-csd-no-erase-class emmc-csd-block-length "
		   "emmc-csd-c-size-small",
	  .na = emmc_na,
	  .run = run_csd },
	{ .id = "ext-csd",
	  .rule = "The Extended CSD can be read, tells the size that the block device has, and the "
		  "same when it is read again; reserved bytes are 0.",
	  .ref = EMMC "Extended CSD Register",
	  .needs = NEED_MMC,
	  .fault = "emmc-ext-csd-silent emmc-sec-count-short emmc-rev-reserved "
		   "emmc-reserved-byte-set "
		   "emmc-switch-time-zero emmc-ext-csd-unstable",
	  .na = emmc_na_sd,
	  .run = run_part,
	  ROWS(ext_csds) },
	{ .id = "health",
	  .rule = "PRE_EOL_INFO and the life time estimates are no reserved values, never fall, "
		  "and "
		  "sysfs told no more.",
	  .ref = EMMC "Device Health Report; Linux "
		      "Documentation/driver-api/mmc/mmc-dev-attrs.rst",
	  .needs = NEED_MMC,
	  .fault = "emmc-pre-eol-reserved emmc-life-time-reserved emmc-life-time-falls",
	  .na = na_before_5_0,
	  .run = health },
	{ .id = "status-clean",
	  .rule = "A card that was asked for what it does is in transfer state, ready, and its "
		  "status "
		  "has no error.",
	  .ref = EMMC "Device Status; SD Physical Layer Card Status",
	  .needs = NEED_MMC,
	  .fault = "emmc-state-standby emmc-never-ready",
	  .run = status_clean },
	{ .id = "illegal-command",
	  .rule = "What a card does not do is told in its status, once, and changes nothing: an "
		  "index "
		  "without a meaning, a SWITCH of a read-only byte, an address past the end.",
	  .ref = EMMC "Device Status; SD Physical Layer Card Status",
	  .needs = NEED_MMC,
	  .harm = HARM_SETTINGS,
	  .fault = "emmc-illegal-unseen emmc-illegal-leaves-tran emmc-error-stays "
		   "emmc-switch-error-unseen emmc-read-only-switched emmc-range-wraps",
	  .run = run_illegal,
	  ROWS(illegals) },
};

SUITE(emmc_suite, CONFORMANCE, "emmc", cases);
