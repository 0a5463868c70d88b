// SPDX-License-Identifier: GPL-2.0-or-later
/* Get Log Page itself: which pages there are, for which NSID, and how much of one is sent. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "kit/kit.h"

#define LPA_SMART_OF_NS (1u << 0)
#define LPA_EFFECTS	(1u << 1)
#define LPA_OFFSET	(1u << 2)
#define PAGE_BYTES	4096u
#define RAE		(1u << 15) /* Dword 10: leave events as they are */
#define OT		(1u << 23) /* Dword 14: the offset is an index */
#define VENDOR_LIDS	0xc0u

/* Get Log Page into a buffer whose poison the case knows. */
static struct cpl log_into(struct rig *r, uint8_t lid, uint32_t nsid, uint64_t lpo, struct buf *b,
			   size_t len)
{
	struct cmd c = cmd_get_log(lid, nsid, lpo, NULL, len);

	rig_prp(r, &c, b, 0, len);
	return rig_admin(r, c);
}

/* ---- mandatory ---- */

static const struct page_row {
	const char *name;
	uint8_t lid;
	uint32_t since; /* VS from which it is mandatory */
	uint8_t lpa;	/* the bit that promises it, 0: none */
	size_t bytes;
} mandatory_pages[] = {
	{ "supported-pages", NVME_LOG_LID_SUPPORTED_LOG_PAGES, VS(2, 0, 0), 0, 1024 },
	{ "error", NVME_LOG_LID_ERROR, 0, 0, 64 },
	{ "smart", NVME_LOG_LID_SMART, 0, 0, 512 },
	{ "firmware-slot", NVME_LOG_LID_FW_SLOT, 0, 0, 512 },
	{ "effects", NVME_LOG_LID_CMD_EFFECTS, 0, LPA_EFFECTS, 4096 },
};

static void mandatory(struct rig *r)
{
	const struct page_row *row = rig_row(r);
	struct buf *b = rig_buf(r, PAGE_BYTES);
	struct cpl zero;

	if (rig_facts(r)->vs < row->since || (rig_facts(r)->id.lpa & row->lpa) != row->lpa)
		rig_na(r, "neither VS nor LPA promises the page");
	CHECK_STATUS(r, log_into(r, row->lid, NSID_ALL, 0, b, row->bytes), SC_SUCCESS);
	zero = log_into(r, row->lid, 0, 0, b, row->bytes);
	/* NSID 0 means the same from 2.0; before, hosts were told to use FFFFFFFFh */
	if (rig_facts(r)->vs >= VS(2, 0, 0))
		CHECK_STATUS(r, zero, SC_SUCCESS);
	else
		ADVISE_STATUS(r, zero, SC_SUCCESS);
}

/* ---- numd-exact ---- */

#define HALF_NUMD 65536u /* dwords that the lower half of the field can say */

/* Exactly len bytes change, and they are those of the page as far as it goes. */
static void check_exact(struct rig *r, const uint8_t *page, struct buf *b, size_t len)
{
	size_t known = len < 512 ? len : 512;
	uint8_t *poison = rig_mem(r, b->len);
	bool same;

	buf_poison(b, 0x33);
	memcpy(poison, b->data, b->len);
	REQUIRE_STATUS(r, log_into(r, NVME_LOG_LID_FW_SLOT, NSID_ALL, 0, b, len), SC_SUCCESS);
	same = !memcmp(b->data, page, known);
	CHECK_TRUE(r, same, "the first %zu bytes of %zu are those of the page", known, len);
	check_untouched(r, CHECK_SITE(0, 0), b, poison, 0, len);
}

static void numd_short(struct rig *r)
{
	struct buf *b = rig_buf(r, PAGE_BYTES);
	uint8_t page[512];

	rig_admin_ok(r, cmd_get_log(NVME_LOG_LID_FW_SLOT, NSID_ALL, 0, page, sizeof(page)));
	for (size_t len = 4; len <= sizeof(page); len += len < 72 ? 4 : 44)
		check_exact(r, page, b, len);
	check_exact(r, page, b, sizeof(page));
}

/* One dword more than the lower half can say, which is one alone where the upper is not read. */
static void numd_long(struct rig *r)
{
	size_t len = 4ul * (HALF_NUMD + 1);
	struct buf *b;
	uint8_t page[512];

	if (!(rig_facts(r)->id.lpa & LPA_OFFSET))
		rig_na(r, "LPA bit 2 is 0: the Number of Dwords has 12 bits");
	if (rig_mdts(r) < len)
		rig_na(r, "MDTS is %zu bytes: less than 65,537 dwords", rig_mdts(r));
	b = rig_buf(r, len);
	rig_admin_ok(r, cmd_get_log(NVME_LOG_LID_FW_SLOT, NSID_ALL, 0, page, sizeof(page)));
	check_exact(r, page, b, len - 4);
	check_exact(r, page, b, len);
}

static const struct ask_row {
	const char *name;
	void (*ask)(struct rig *r);
} numd_rows[] = { { "short", numd_short }, { "upper-half", numd_long } };

static void run_row(struct rig *r)
{
	((const struct ask_row *)rig_row(r))->ask(r);
}

/* ---- mdts ---- */

#define NUMD_12_BITS 16384u

static const char *na_mdts(const struct facts *f)
{
	if (!f->mdts_bytes)
		return "MDTS is 0: no limit";
	if (!(f->id.lpa & LPA_OFFSET) && f->mdts_bytes >= NUMD_12_BITS)
		return "LPA bit 2 is 0: a log cannot be asked for in pieces of more than MDTS";
	return NULL;
}

static void mdts(struct rig *r)
{
	size_t most = rig_facts(r)->mdts_bytes;
	struct buf *b = rig_buf(r, most + 4096);

	rig_ctrl(r);
	CHECK_STATUS(r, log_into(r, NVME_LOG_LID_FW_SLOT, NSID_ALL, 0, b, most), SC_SUCCESS);
	CHECK_STATUS(r, log_into(r, NVME_LOG_LID_FW_SLOT, NSID_ALL, 0, b, most + 4),
		     SC_INVALID_FIELD);
	CHECK_STATUS(r, log_into(r, NVME_LOG_LID_FW_SLOT, NSID_ALL, 0, b, most + 4096),
		     SC_INVALID_FIELD);
}

/* ---- nsid-rules ---- */

static const struct nsid_row {
	const char *name;
	uint8_t lid;
	bool valid; /* the NSID of a namespace, or one past NN */
} nsid_rows[] = {
	{ "error-valid", NVME_LOG_LID_ERROR, true },
	{ "error-past-nn", NVME_LOG_LID_ERROR, false },
	{ "smart-valid", NVME_LOG_LID_SMART, true },
	{ "smart-past-nn", NVME_LOG_LID_SMART, false },
	{ "firmware-slot-valid", NVME_LOG_LID_FW_SLOT, true },
	{ "firmware-slot-past-nn", NVME_LOG_LID_FW_SLOT, false },
};

static void nsid_rules(struct rig *r)
{
	const struct nsid_row *row = rig_row(r);
	uint32_t nsid = row->valid ? rig_ns(r)->nsid : rig_facts(r)->nn + 1;
	struct buf *b = rig_buf(r, 512);
	bool own = row->lid == NVME_LOG_LID_SMART && rig_facts(r)->id.lpa & LPA_SMART_OF_NS;
	struct cpl cpl;

	if (!row->valid && (!nsid || nsid == NSID_ALL))
		rig_na(r, "NN is %u: no NSID is past it", rig_facts(r)->nn);
	rig_ctrl(r);
	cpl = log_into(r, row->lid, nsid, 0, b, row->lid == NVME_LOG_LID_ERROR ? 64 : 512);
	if (own && row->valid)
		CHECK_STATUS(r, cpl, SC_SUCCESS);
	else if (own)
		CHECK_STATUS(r, cpl, SC_INVALID_NS, SC_INVALID_FIELD);
	else if (rig_facts(r)->vs >= VS(2, 3, 0)) /* a demand of that revision first */
		CHECK_STATUS(r, cpl, SC_INVALID_FIELD, SC_INVALID_NS);
	else
		ADVISE_STATUS(r, cpl, SC_INVALID_FIELD, SC_INVALID_NS);
}

static const char *na_no_ns(const struct facts *f)
{
	return f->has_scratch ? NULL : "no active namespace of the NVM command set";
}

/* ---- lpo-unsupported ---- */

static const char *na_lpo(const struct facts *f)
{
	return f->id.lpa & LPA_OFFSET ? "LPA bit 2 is 1: offsets are supported" : NULL;
}

/* Refused, or as if the offset were not there; either way no byte past what was asked for. */
static void lpo_unsupported(struct rig *r)
{
	struct buf *b = rig_buf(r, PAGE_BYTES);
	uint8_t *before = rig_mem(r, PAGE_BYTES), page[512];
	struct cpl cpl;

	rig_admin_ok(r, cmd_get_log(NVME_LOG_LID_FW_SLOT, NSID_ALL, 0, page, sizeof(page)));
	memcpy(before, b->data, PAGE_BYTES);
	cpl = log_into(r, NVME_LOG_LID_FW_SLOT, NSID_ALL, 8, b, 16);
	CHECK_STATUS(r, cpl, SC_INVALID_FIELD, SC_SUCCESS);
	check_untouched(r, CHECK_SITE(0, 0), b, before, 0, 16);
	if (cpl.status == SC_SUCCESS)
		CHECK_MEM(r, "the beginning of the page, whatever the offset", b->data, page, 16);
}

/* ---- supported-pages ---- */

static const char *na_before_2_0(const struct facts *f)
{
	if (f->vs >= VS(2, 0, 0))
		return NULL;
	return rig_na_text("VS is %u.%u: the page came with 2.0", f->vs >> 16, f->vs >> 8 & 0xff);
}

static struct cpl peek(struct rig *r, uint8_t lid, uint32_t cdw14, struct buf *b)
{
	struct cmd c = cmd_get_log(lid, NSID_ALL, 0, NULL, b->len);

	c.sqe.cdw10 = le32_from(le32_get(c.sqe.cdw10) | RAE);
	c.sqe.cdw14 = le32_from(cdw14);
	rig_prp(r, &c, b, 0, b->len);
	return rig_admin(r, c);
}

/* A page named may want an index or a context that it does not get here; but it is known. */
static void check_lid(struct rig *r, uint8_t lid, bool named, struct buf *b)
{
	struct cpl cpl = peek(r, lid, 0, b);
	char what[32], text[STATUS_TEXT];

	snprintf(what, sizeof(what), "log page %02Xh: status", lid);
	if (named)
		CHECK_TRUE(r, cpl.status != SC_LOG_PAGE_INVALID,
			   "log page %02Xh is named, and so it is known (%s)", lid,
			   status_text(cpl.status, text));
	else if (rig_facts(r)->vs <= VS(2, 2, 0))
		CHECK_STATUS_OF(r, what, cpl, SC_LOG_PAGE_INVALID, SC_INVALID_FIELD);
	else
		CHECK_STATUS_OF(r, what, cpl, SC_LOG_PAGE_INVALID);
}

static void supported_pages(struct rig *r)
{
	__le32 *list = rig_mem(r, 1024);
	struct buf *b = rig_buf(r, 512);

	rig_admin_ok(r, cmd_get_log(0, NSID_ALL, 0, list, 1024));
	CHECK_EQ(r, "the list names itself", le32_get(list[0]) & 1, 1);
	for (unsigned lid = 0; lid < VENDOR_LIDS; lid++)
		check_lid(r, (uint8_t)lid, le32_get(list[lid]) & 1, b);
	for (unsigned lid = 0; lid <= NVME_LOG_LID_FW_SLOT; lid++)
		if ((le32_get(list[lid]) & 3) == 1) /* LSUPP without IOS */
			CHECK_STATUS(r, peek(r, (uint8_t)lid, OT, b), SC_INVALID_FIELD);
}

/* ---- concurrent ---- */

#define BATCH	   16
#define READ_LIMIT (1 * NS_PER_S) /* what an I/O beside a log read may take */

static uint64_t host_reads(struct rig *r)
{
	uint8_t log[512];

	rig_admin_ok(r, cmd_get_log(NVME_LOG_LID_SMART, NSID_ALL, 0, log, sizeof(log)));
	return le64_at(log + 64);
}

/* A batch of Reads is rung, the log read while they run, and then they are waited for. */
static uint64_t read_under_load(struct rig *r, struct sq *q, struct buf *b, unsigned batch)
{
	const struct facts_ns *ns = rig_ns(r);
	uint64_t reads, longest = 0;

	for (unsigned i = 0; i < batch; i++) {
		struct cmd c = cmd_read(ns->nsid, i, 1, NULL, ns->lba_bytes);

		rig_prp(r, &c, b, (size_t)i * ns->lba_bytes, ns->lba_bytes);
		rig_put(r, q, c);
	}
	rig_ring(r, q);
	reads = host_reads(r);
	for (unsigned i = 0; i < batch; i++) {
		struct cpl cpl = rig_next(r, q->cq);

		longest = cpl.took_ns > longest ? cpl.took_ns : longest;
	}
	CHECK_LE(r, "longest Read beside a log read in nanoseconds", longest, READ_LIMIT);
	return reads;
}

static void concurrent(struct rig *r)
{
	const struct facts_ns *ns = rig_ns(r);
	uint64_t n = rig_pick(r, 16, 60, 2000), before, last;
	struct buf *b = rig_buf(r, (size_t)BATCH * ns->lba_bytes);
	struct sq *q = rig_queue(r);
	unsigned batch = sq_room(q) < BATCH ? sq_room(q) : BATCH;

	before = last = host_reads(r);
	for (uint64_t i = 0; i < n; i++) {
		uint64_t now = read_under_load(r, q, b, batch);

		CHECK_GE(r, "Host Read Commands against the reading before", now, last);
		CHECK_LE(r, "Host Read Commands against what was asked for", now - before,
			 (i + 1) * batch);
		last = now;
	}
}

static const struct rig_case cases[] = {
	{ .id = "mandatory",
	  .rule = "Every log page that VS or LPA promises is there for the controller.",
	  .ref = "Base 2.0 Get Log Page command; Base 2.0 SMART / Health Information (Log "
		 "Identifier 02h)",
	  .needs = NEED_CTRL,
	  .fault = "log-nsid-zero-refused",
	  .run = mandatory,
	  ROWS(mandatory_pages) },
	{ .id = "numd-exact",
	  .rule = "As many dwords are sent as were asked for, and not one more.",
	  .ref = "Base 2.0 Get Log Page command; Base 2.1 Get Log Page command (Number of Dwords)",
	  .needs = NEED_COMMAND | NEED_SQE,
	  .fault = "numd-rounded-up numd-16-bit",
	  .run = run_row,
	  ROWS(numd_rows) },
	{ .id = "mdts",
	  .rule = "A log page is sent in pieces of up to MDTS, and refused in larger ones.",
	  .ref = "Base 2.0 Get Log Page command; Base 2.0 Identify Controller data structure "
		 "(MDTS)",
	  .needs = NEED_CTRL,
	  .fault = "log-mdts-unchecked",
	  .na = na_mdts,
	  .run = mdts },
	{ .id = "nsid-rules",
	  .rule = "A log page of the controller is not given for a namespace.",
	  .ref = "Base 2.0 Get Log Page command; Base 2.3 Common Log Specific Information",
	  .needs = NEED_CTRL,
	  .fault = "log-nsid-ignored",
	  .na = na_no_ns,
	  .run = nsid_rules,
	  ROWS(nsid_rows) },
	{ .id = "lpo-unsupported",
	  .rule = "An offset that LPA does not claim is refused or ignored, and nothing overruns.",
	  .ref = "Base 2.0 Get Log Page command",
	  .needs = NEED_QUEUES,
	  .level = SHOULD,
	  .fault = "lpo-unclaimed-overrun",
	  .na = na_lpo,
	  .run = lpo_unsupported },
	{ .id = "supported-pages",
	  .rule = "The Supported Log Pages name those pages that there are.",
	  .ref = "Base 2.0 Supported Log Pages (Log Identifier 00h); Base 2.1 Get Log Page "
		 "Command Dword 12 (IOS and OT)",
	  .needs = NEED_CTRL,
	  .fault = "supported-pages-missing supported-pages-extra log-ot-ignored",
	  .na = na_before_2_0,
	  .run = supported_pages },
	{ .id = "concurrent",
	  .rule = "Log pages read under load are snapshots, and do not hold I/O up.",
	  .ref = "Base 2.0 Get Log Page command",
	  .needs = NEED_CTRL,
	  .level = SHOULD,
	  .fault = "smart-falls-now-and-then",
	  .na = na_no_ns,
	  .run = concurrent },
};

SUITE(log_rules_suite, CONFORMANCE, "log", cases);
