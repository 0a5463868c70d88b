// SPDX-License-Identifier: GPL-2.0-or-later
#include <inttypes.h>
#include <stddef.h>
#include <string.h>

#include "kit/kit.h"

#define LPA_EFFECTS  (1u << 1)
#define LPA_OFFSET   (1u << 2)
#define LPA_LISTINGS (1u << 5)
#define ENTRY_LEN    sizeof(struct nvme_error_log_page)

/* Get Log Page into a buffer whose poison the case knows. */
static struct cpl log_into(struct rig *r, uint8_t lid, uint64_t lpo, struct buf *b, size_t len)
{
	struct cmd c = cmd_get_log(lid, NSID_ALL, lpo, NULL, len);

	rig_prp(r, &c, b, 0, len);
	return rig_admin(r, c);
}

/* ---- unsupported-lid ---- */

static const struct lid_row {
	const char *name;
	uint8_t lid;
} bad_lids[] = { { "60h", 0x60 }, { "BEh", 0xbe } };

static void unsupported_lid(struct rig *r)
{
	const struct lid_row *row = rig_row(r);
	struct buf *b = rig_buf(r, 4096);
	uint8_t before[4096];
	struct cpl cpl;

	rig_ctrl(r);
	memcpy(before, b->data, sizeof(before));
	cpl = log_into(r, row->lid, 0, b, b->len);
	if (rig_facts(r)->vs <= VS(2, 2, 0))
		CHECK_STATUS(r, cpl, SC_LOG_PAGE_INVALID, SC_INVALID_FIELD);
	else
		CHECK_STATUS(r, cpl, SC_LOG_PAGE_INVALID);
	check_untouched(r, CHECK_SITE(0, 0), b, before, 0, 0);
}

/* ---- beyond-end ---- */

static void beyond_end(struct rig *r)
{
	struct buf *page = rig_buf(r, 512), *one = rig_buf(r, 4096), *two = rig_buf(r, 4096);
	bool zero, untouched;
	uint8_t poison[4096];

	rig_ctrl(r);
	buf_poison(one, 0x11);
	buf_poison(two, 0x11);
	memcpy(poison, one->data, sizeof(poison));
	REQUIRE_STATUS(r, log_into(r, NVME_LOG_LID_FW_SLOT, 0, page, 512), SC_SUCCESS);
	REQUIRE_STATUS(r, log_into(r, NVME_LOG_LID_FW_SLOT, 0, one, 4096), SC_SUCCESS);
	REQUIRE_STATUS(r, log_into(r, NVME_LOG_LID_FW_SLOT, 0, two, 4096), SC_SUCCESS);
	CHECK_MEM(r, "the log itself, asked for with 3,584 bytes too many", one->data, page->data,
		  512);
	CHECK_MEM(r, "the same a second time", two->data, page->data, 512);
	/* undefined by the text; anything but zeroes or our own bytes may be somebody's memory */
	zero = buf_differs(one, 512, 4096, 0) < 0 && buf_differs(two, 512, 4096, 0) < 0;
	untouched = !memcmp(one->data + 512, poison + 512, 3584) &&
		    !memcmp(two->data + 512, poison + 512, 3584);
	ADVISE_TRUE(r, zero || untouched,
		    "bytes past the end are zero or untouched (zero %u, untouched %u)", zero,
		    untouched);
}

/* ---- lpo ---- */

static const char *na_effects(const struct facts *f)
{
	return f->id.lpa & LPA_EFFECTS ? NULL
				       : "LPA bit 1 is 0: no Commands Supported and Effects log";
}

static const char *na_self_test(const struct facts *f)
{
	return le16_get(f->id.oacs) & NVME_CTRL_OACS_SELF_TEST
		       ? NULL
		       : "OACS bit 4 is 0: no Device Self-test log";
}

static const char *na_listings(const struct facts *f)
{
	if (f->vs < VS(2, 0, 0))
		return "VS is below 2.0: no such log";
	return f->id.lpa & LPA_LISTINGS ? NULL : "LPA bit 5 is 0: no such log";
}

static const struct lpo_row {
	const char *name;
	uint8_t lid;
	uint32_t size; /* 0: by ELPE */
	const char *(*na)(const struct facts *f);
} lpo_logs[] = {
	{ "supported-pages", NVME_LOG_LID_SUPPORTED_LOG_PAGES, 1024, na_listings },
	{ "error", NVME_LOG_LID_ERROR, 0, NULL },
	{ "smart", NVME_LOG_LID_SMART, 512, NULL },
	{ "firmware-slot", NVME_LOG_LID_FW_SLOT, 512, NULL },
	{ "effects", NVME_LOG_LID_CMD_EFFECTS, 4096, na_effects },
	{ "self-test", NVME_LOG_LID_DEVICE_SELF_TEST, 564, na_self_test },
	{ "feature-effects", NVME_LOG_LID_FID_SUPPORTED_EFFECTS, 1024, na_listings },
	{ "mi-effects", NVME_LOG_LID_MI_CMD_SUPPORTED_EFFECTS, 4096, na_listings },
};

static const char *na_lpo(const struct facts *f)
{
	return f->id.lpa & LPA_OFFSET ? NULL : "LPA bit 2 is 0: no log page offset";
}

static void check_past_end(struct rig *r, uint8_t lid, uint32_t size, struct buf *b)
{
	const uint64_t past[] = { size + 4, 0xfffffffc, 1ull << 32, 1ull << 63, UINT64_MAX - 3 };

	for (size_t i = 0; i < ARRAY_SIZE(past); i++)
		CHECK_STATUS(r, log_into(r, lid, past[i], b, 4), SC_INVALID_FIELD);
}

/* Bits 1:0 of the offset: refused, or as if they were 0. */
static void check_unaligned(struct rig *r, uint8_t lid, struct buf *b, const uint8_t *page)
{
	for (unsigned low = 1; low < 4; low++) {
		struct cpl cpl = log_into(r, lid, 4 + low, b, 4);

		CHECK_STATUS(r, cpl, SC_INVALID_FIELD, SC_SUCCESS);
		if (cpl.status == SC_SUCCESS)
			CHECK_MEM(r, "offset with low bits set, as if they were 0", b->data,
				  page + 4, 4);
	}
}

static void lpo(struct rig *r)
{
	const struct lpo_row *row = rig_row(r);
	uint32_t size = row->size ? row->size : (rig_facts(r)->id.elpe + 1u) * (uint32_t)ENTRY_LEN;
	uint32_t len = size < rig_mdts(r) ? size : (uint32_t)rig_mdts(r);
	uint32_t step = (uint32_t)rig_pick(r, len / 4, len / 32, 4);
	struct buf *page = rig_buf(r, len), *part = rig_buf(r, len);

	if (row->na && row->na(rig_facts(r)))
		rig_na(r, "%s", row->na(rig_facts(r)));
	REQUIRE_STATUS(r, log_into(r, row->lid, 0, page, len), SC_SUCCESS);
	for (uint32_t at = 4; at < len; at += (step + 3) & ~3u) {
		REQUIRE_STATUS(r, log_into(r, row->lid, at, part, len - at), SC_SUCCESS);
		CHECK_MEM(r, "bytes from an offset on", part->data, page->data + at, len - at);
	}
	check_past_end(r, row->lid, size, part);
	check_unaligned(r, row->lid, part, page->data);
}

/* ---- error-entry ---- */

struct provoked {
	uint16_t sqid;
	struct cpl cpl;
	uint32_t nsid;
	uint64_t lba;
};

static struct provoked provoke_admin(struct rig *r)
{
	uint8_t *data = rig_mem(r, 4096);
	struct sq *q = rig_ctrl(r)->asq;

	return (struct provoked){ .sqid = q->qid,
				  .cpl = rig_admin(r, cmd_identify(0x7f, 0, data)) };
}

static struct provoked provoke_io(struct rig *r)
{
	const struct facts_ns *ns = rig_ns(r);
	uint8_t *data = rig_mem(r, ns->lba_bytes);
	struct sq *q = rig_queue(r);
	struct cmd c = cmd_read(ns->nsid, ns->nsze, 1, data, ns->lba_bytes);

	return (struct provoked){
		.sqid = q->qid, .cpl = rig_io(r, q, c), .nsid = ns->nsid, .lba = ns->nsze
	};
}

static const struct error_row {
	const char *name;
	struct provoked (*provoke)(struct rig *r);
} error_rows[] = { { "invalid-field", provoke_admin }, { "lba-out-of-range", provoke_io } };

static uint64_t read_log(struct rig *r, struct nvme_error_log_page *log, unsigned entries)
{
	rig_admin_ok(r, cmd_get_log(NVME_LOG_LID_ERROR, NSID_ALL, 0, log, entries * ENTRY_LEN));
	return le64_get(log[0].error_count);
}

static void check_entry(struct rig *r, const struct nvme_error_log_page *e,
			const struct provoked *p)
{
	if (rig_knows_cid(r)) {
		CHECK_EQ(r, "SQ identifier of the entry", le16_get(e->sqid), p->sqid);
		CHECK_EQ(r, "CID of the entry", le16_get(e->cmdid), p->cpl.cid);
	}
	CHECK_EQ(r, "status of the entry", CQE_STATUS(le16_get(e->status_field)), p->cpl.status);
	if (p->nsid) {
		CHECK_EQ(r, "NSID of the entry", le32_get(e->nsid), p->nsid);
		CHECK_EQ(r, "LBA of the entry", le64_get(e->lba), p->lba);
	}
}

/* The entry of one more error than before, newest first, or an advice where M = 0 promises none. */
static void one_error(struct rig *r, struct nvme_error_log_page *log, unsigned entries)
{
	const struct error_row *row = rig_row(r);
	uint64_t before = read_log(r, log, entries), after;
	struct provoked p = row->provoke(r);

	REQUIRE_TRUE(r, p.cpl.status != SC_SUCCESS, "the command meant to fail fails");
	after = read_log(r, log, entries);
	if (!p.cpl.more) { /* M = 0: nothing in the log is promised */
		ADVISE_EQ(r, "Error Count after a failed command with M = 0", after, before + 1);
		if (after != before + 1)
			return;
	}
	CHECK_EQ(r, "Error Count", after, before + 1);
	check_entry(r, &log[0], &p);
	for (unsigned i = 1; i < entries && log[i].error_count; i++)
		CHECK_LT(r, "Error Count of an older entry", le64_get(log[i].error_count),
			 le64_get(log[i - 1].error_count));
}

static void error_entry(struct rig *r)
{
	const struct error_row *row = rig_row(r);
	unsigned entries = rig_facts(r)->id.elpe + 1u;
	struct nvme_error_log_page *log = rig_mem(r, entries * ENTRY_LEN);

	if (row->provoke == provoke_io)
		rig_queue(r); /* nothing of the set-up may fail between the readings */
	for (unsigned i = 0; i < 3; i++)
		one_error(r, log, entries);
}

/* ---- smart-io-counters ---- */

struct counters {
	uint64_t units_read, units_written, reads, writes;
};

/* The low 64 bits of the 128-bit counters: enough for any drive that exists. */
static struct counters read_counters(struct rig *r)
{
	uint8_t log[512];

	rig_admin_ok(r, cmd_get_log(NVME_LOG_LID_SMART, NSID_ALL, 0, log, sizeof(log)));
	return (struct counters){ le64_at(log + 32), le64_at(log + 48), le64_at(log + 64),
				  le64_at(log + 80) };
}

/* Thousands of 512 bytes, rounded up: two roundings make one more or one less. */
static void check_units(struct rig *r, const char *what, uint64_t before, uint64_t after,
			uint64_t bytes)
{
	uint64_t want = bytes / 512000;

	if (!before && !after) {
		rig_note(r, "%s is 0: not reported", what);
		return;
	}
	CHECK_TRUE(r, after - before + 1 >= want && after - before <= want + 1,
		   "%s grew by %" PRIu64 " for %" PRIu64 " bytes, want %" PRIu64 " give or take 1",
		   what, after - before, bytes, want);
}

/* The namespace with the largest blocks: units counted in blocks show most there. */
static const struct facts_ns *widest_ns(struct rig *r)
{
	const struct facts *f = rig_facts(r);
	const struct facts_ns *best = rig_ns(r);

	for (unsigned i = 0; i < f->n_ns; i++)
		if (!f->ns[i].csi && !f->ns[i].ms && f->ns[i].lba_bytes > best->lba_bytes)
			best = &f->ns[i];
	return best;
}

static void smart_io_counters(struct rig *r)
{
	const struct facts_ns *ns = widest_ns(r);
	uint64_t n = rig_pick(r, 40, 120, 10000), m = n / 2;
	uint32_t bytes = rig_mdts(r) < 131072 ? (uint32_t)rig_mdts(r) : 131072;
	uint32_t blocks = bytes / ns->lba_bytes;
	uint8_t *data = rig_mem(r, bytes);
	struct sq *q = rig_queue(r);
	struct counters a = read_counters(r), b;

	for (uint64_t i = 0; i < n; i++)
		rig_io_ok(r, q, cmd_write(ns->nsid, 0, blocks, data, bytes));
	for (uint64_t i = 0; i < m; i++)
		rig_io_ok(r, q, cmd_read(ns->nsid, 0, blocks, data, bytes));
	rig_io_ok(r, q, cmd_flush(ns->nsid));
	rig_admin_ok(r, cmd_identify(0x01, 0, rig_mem(r, 4096)));
	b = read_counters(r);
	CHECK_EQ(r, "Host Write Commands", b.writes - a.writes, n);
	CHECK_EQ(r, "Host Read Commands", b.reads - a.reads, m);
	check_units(r, "Data Units Written", a.units_written, b.units_written, n * bytes);
	check_units(r, "Data Units Read", a.units_read, b.units_read, m * bytes);
}

static const char *na_no_ns(const struct facts *f)
{
	return f->has_scratch ? NULL : "no active namespace of the NVM command set";
}

static const struct rig_case cases[] = {
	{ .id = "unsupported-lid",
	  .rule = "A reserved log page is refused and nothing is written.",
	  .ref = "Base 2.0 Get Log Page command; Base 2.1 Get Log Page Command Completion (Invalid "
		 "Log "
		 "Page)",
	  .needs = NEED_CTRL,
	  .fault = "log-unsupported-accepted log-unsupported-writes",
	  .run = unsupported_lid,
	  ROWS(bad_lids) },
	{ .id = "beyond-end",
	  .rule = "A log asked for with more bytes than it has is right as far as it goes.",
	  .ref = "Base 2.0 Get Log Page command; Base 2.1 Get Log Page command (Number of Dwords)",
	  .needs = NEED_CTRL,
	  .fault = "log-part-wrong-beyond-end log-surplus-leak",
	  .run = beyond_end },
	{ .id = "lpo",
	  .rule = "A log read from an offset is the same log, and past its end it is refused.",
	  .ref = "Base 2.0 Get Log Page command; Base 2.1 Get Log Page command (Command Dword 12)",
	  .needs = NEED_CTRL,
	  .fault = "lpo-ignored lpo-unbounded",
	  .na = na_lpo,
	  .run = lpo,
	  ROWS(lpo_logs) },
	{ .id = "error-entry",
	  .rule = "A failed command with M = 1 adds one entry that names it.",
	  .ref = "Base 2.0 Error Information (Log Identifier 01h); Base 2.2 Status Field "
		 "Definition "
		 "(More); NVM CS 1.0 Error Information (Log Identifier 01h)",
	  .needs = NEED_COMMAND,
	  .fault =
		  "error-entry-no-nsid error-entry-missing error-entry-wrong-cid error-count-stuck",
	  .na = na_no_ns,
	  .run = error_entry,
	  ROWS(error_rows) },
	{ .id = "smart-io-counters",
	  .rule = "SMART counts reads and writes one by one and data in units of 512,000 bytes.",
	  .ref = "Base 2.0 SMART / Health Information (Log Identifier 02h); NVM CS 1.0 SMART / "
		 "Health "
		 "Information (Log Identifier 02h)",
	  .needs = NEED_COMMAND,
	  .harm = HARM_DATA,
	  .fault = "smart-units-in-lbas smart-counts-flush smart-commands-double",
	  .na = na_no_ns,
	  .run = smart_io_counters },
};

SUITE(log_suite, CONFORMANCE, "log", cases);
