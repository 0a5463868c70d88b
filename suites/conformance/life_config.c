// SPDX-License-Identifier: GPL-2.0-or-later
/* What a controller is enabled with: admin queues of every size, and what it cannot be. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "kit/kit.h"

#define ID_LEN 4096u

static struct cmd any_command(void)
{
	return cmd_get_features(NVME_FEAT_FID_NUM_QUEUES, 0, 0, 0);
}

/* ---- enabling with what CC, AQA, ASQ or ACQ must not hold ---- */

enum outcome { READY, FATAL, NOT_READY };

/* Off, its admin queues empty and programmed. Returns CC. */
static uint32_t prepare(struct rig *r)
{
	struct ctrl *c = rig_ctrl(r);
	uint32_t cc = rig_reg32(r, REG_CC) & ~CC_EN;

	rig_ctrl_off(r);
	sq_reset(c->asq);
	cq_reset(c->acq);
	rig_set_reg32(r, REG_AQA, (c->acq->size - 1) << 16 | (c->asq->size - 1));
	rig_set_reg64(r, REG_ASQ, c->asq->mem->iova);
	rig_set_reg64(r, REG_ACQ, c->acq->mem->iova);
	return cc;
}

/* A controller that comes up is used as it is, without a reset between. */
static enum outcome try_enable(struct rig *r, uint32_t cc)
{
	struct ctrl *c = rig_ctrl_off(r);
	uint64_t end = rig_now(r) + rig_pick(r, 50, 200, 10000) * NS_PER_MS;
	uint32_t csts = 0;

	rig_set_reg32(r, REG_CC, cc);
	rig_set_reg32(r, REG_CC, cc | CC_EN);
	while (rig_now(r) < end && !(csts & (CSTS_RDY | CSTS_CFS))) {
		rig_wait(r, NS_PER_MS / 10);
		csts = rig_reg32(r, REG_CSTS);
	}
	c->enabled = (csts & (CSTS_RDY | CSTS_CFS)) == CSTS_RDY;
	return csts & CSTS_CFS ? FATAL : csts & CSTS_RDY ? READY : NOT_READY;
}

/* CC as it is by default, with the bits of `mask` replaced. */
static enum outcome enable_as(struct rig *r, uint32_t mask, uint32_t bits)
{
	return try_enable(r, (prepare(r) & ~mask) | bits);
}

static void tell(struct rig *r, const char *what, enum outcome o)
{
	static const char *const words[] = { "CSTS.RDY 1", "CSTS.CFS 1", "CSTS.RDY stays 0" };

	rig_note(r, "%s: %s", what, words[o]);
}

/* Whatever came of it, a Controller Reset with what is legal cures it. */
static void recover(struct rig *r)
{
	struct ctrl_config cfg = ctrl_defaults(rig_ctrl_off(r));

	rig_ctrl_with(r, &cfg);
	CHECK_STATUS(r, rig_admin(r, any_command()), SC_SUCCESS);
}

/* ---- bad-cc-mps ---- */

/* Ready after all: with a page size that it does have, or else data may go anywhere. */
static void try_mps(struct rig *r, unsigned mps)
{
	enum outcome o = enable_as(r, CC_MPS(15), CC_MPS(mps));
	char what[32];
	unsigned now;

	snprintf(what, sizeof(what), "CC.MPS %u", mps);
	tell(r, what, o);
	now = rig_reg32(r, REG_CC) >> 7 & 15;
	if (o == READY)
		ADVISE_TRUE(r, now != mps, "ready with CC.MPS %u, which CAP does not offer", mps);
	recover(r);
}

static void bad_cc_mps(struct rig *r)
{
	uint64_t cap = rig_ctrl(r)->cap;

	if (CAP_MPSMIN(cap) == 0 && CAP_MPSMAX(cap) == 15)
		rig_na(r, "CAP offers every page size");
	if (CAP_MPSMIN(cap) > 0)
		try_mps(r, CAP_MPSMIN(cap) - 1);
	if (CAP_MPSMAX(cap) < 15)
		try_mps(r, CAP_MPSMAX(cap) + 1);
	if (CAP_MPSMAX(cap) < 14)
		try_mps(r, 15);
}

/* ---- bad-cc-css-ams ---- */

static bool offers_css(uint64_t cap, unsigned css)
{
	return (css == 0 && (CAP_CSS(cap) & 0x01)) || (css == 6 && (CAP_CSS(cap) & 0x40)) ||
	       (css == 7 && (CAP_CSS(cap) & 0x80));
}

static bool offers_ams(uint64_t cap, unsigned ams)
{
	return ams == 0 || (ams == 1 && (CAP_AMS(cap) & 1)) || (ams == 7 && (CAP_AMS(cap) & 2));
}

static const struct bad_row {
	const char *name;
	unsigned shift, n;
	bool (*offers)(uint64_t cap, unsigned v);
} bad_rows[] = { { "css", 4, 8, offers_css }, { "ams", 11, 8, offers_ams } };

static void bad_cc_css_ams(struct rig *r)
{
	const struct bad_row *row = rig_row(r);
	uint64_t cap = rig_ctrl(r)->cap;
	unsigned ready = 0;

	for (unsigned v = 0; v < row->n; v++) {
		if (row->offers(cap, v))
			continue;
		ready += enable_as(r, 7u << row->shift, v << row->shift) == READY;
		recover(r);
	}
	ADVISE_EQ(r, "values of the field that CAP does not offer and that are ready", ready, 0);
}

/* ---- bad-entry-sizes ---- */

static const struct sizes_row {
	const char *name;
	unsigned iosqes, iocqes;
	bool unset; /* both 0: the one case that the text decides */
} sizes[] = {
	{ "unset", 0, 0, true },   { "sq-5", 5, 4, false }, { "sq-7", 7, 4, false },
	{ "sq-15", 15, 4, false }, { "cq-3", 6, 3, false }, { "cq-5", 6, 5, false },
	{ "cq-15", 6, 15, false },
};

static bool is_offered(const struct nvme_id_ctrl *id, const struct sizes_row *row)
{
	return row->iosqes >= (id->sqes & 15u) && row->iosqes <= id->sqes >> 4 &&
	       row->iocqes >= (id->cqes & 15u) && row->iocqes <= id->cqes >> 4;
}

/* Create I/O Completion Queue, then, where that passes, Create I/O Submission Queue. */
static struct cpl create_any(struct rig *r)
{
	struct buf *cq = rig_buf(r, 16 * ID_LEN), *sq = rig_buf(r, 16 * ID_LEN);
	struct cpl cpl = rig_admin(r, cmd_create_cq(1, 2, cq->iova, false, 0));

	return cpl.status ? cpl : rig_admin(r, cmd_create_sq(1, 2, sq->iova, 1));
}

static void bad_entry_sizes(struct rig *r)
{
	const struct sizes_row *row = rig_row(r);
	enum outcome o;
	struct cpl cpl;

	if (is_offered(&rig_facts(r)->id, row))
		rig_na(r, "SQES %02Xh and CQES %02Xh offer these sizes", rig_facts(r)->id.sqes,
		       rig_facts(r)->id.cqes);
	o = enable_as(r, CC_IOSQES(15) | CC_IOCQES(15),
		      CC_IOSQES(row->iosqes) | CC_IOCQES(row->iocqes));
	tell(r, row->name, o);
	if (row->unset)
		CHECK_EQ(r, "enabling with IOSQES and IOCQES 0 (0: ready)", o, READY);
	if (o == READY) {
		CHECK_STATUS(r, rig_admin(r, any_command()), SC_SUCCESS);
		cpl = create_any(r);
		if (row->unset)
			CHECK_STATUS(r, cpl, SC_QUEUE_SIZE_INVALID);
		else
			ADVISE_TRUE(r, cpl.status, "Create I/O queue with these sizes is refused");
	}
	recover(r);
}

/* ---- cc-rewrite-enabled ---- */

#define REWRITE_LBA 2048

/* [first][gap][second], the first where a page of twice the size begins: it would take the gap. */
static void read_two_pages(struct rig *r, struct sq *q)
{
	const struct facts_ns *ns = rig_ns(r);
	size_t page = q->c->page;
	struct buf *b = rig_buf(r, 4 * page);
	size_t at = b->iova % (2 * page) ? page : 0;
	uint32_t blocks = (uint32_t)(2 * page / ns->lba_bytes);
	struct cmd c = cmd_read(ns->nsid, REWRITE_LBA, blocks, NULL, 2 * page);
	uint8_t *gap = memcpy(rig_mem(r, page), b->data + at + page, page);

	c.sqe.prp1 = le64_from(b->iova + at);
	c.sqe.prp2 = le64_from(b->iova + at + 2 * page);
	rig_put(r, q, c);
	rig_ring(r, q);
	CHECK_STATUS(r, rig_next(r, q->cq), SC_SUCCESS);
	CHECK_MEM(r, "the page between the two (untouched)", b->data + at + page, gap, page);
}

static const struct rewrite_row {
	const char *name;
	uint32_t flip; /* bits of CC that change while enabled */
} rewrites[] = {
	{ "same", 0 },
	{ "mps", CC_MPS(1) },
	{ "css", CC_CSS(6) },
	{ "ams", CC_AMS(1) },
};

static void cc_rewrite_enabled(struct rig *r)
{
	const struct rewrite_row *row = rig_row(r);
	struct sq *q = rig_queue(r);
	uint32_t cc = rig_reg32(r, REG_CC);

	if (rig_mdts(r) < 2 * q->c->page)
		rig_na(r, "MDTS allows no transfer of two pages");
	for (uint64_t n = rig_pick(r, 4, 10, 200); n; n--) {
		read_two_pages(r, q);
		rig_set_reg32(r, REG_CC, cc ^ row->flip);
		read_two_pages(r, q);
		rig_set_reg32(r, REG_CC, cc);
	}
	CHECK_EQ(r, "CSTS.RDY", rig_reg32(r, REG_CSTS) & CSTS_RDY, CSTS_RDY);
	CHECK_STATUS(r, rig_admin(r, any_command()), SC_SUCCESS);
}

/* ---- cfs-bad-asq ---- */

static const struct hole_row {
	const char *name;
	uint64_t off;
} holes[] = { { "asq", REG_ASQ }, { "acq", REG_ACQ } };

/* Enabled over a queue that is not there; a command is rung. Leaves no CQE that could be seen. */
static void ring_over_hole(struct rig *r, uint64_t off)
{
	uint32_t cc = prepare(r);
	struct ctrl *c = rig_ctrl_off(r);
	struct cmd any = any_command();

	rig_set_reg64(r, off, rig_target(r)->caps.hole);
	if (try_enable(r, cc) != READY)
		return;
	sq_put(c->asq, &any.sqe);
	rig_ring(r, c->asq);
}

static void cfs_bad_asq(struct rig *r)
{
	const struct hole_row *row = rig_row(r);
	uint64_t end;
	uint32_t csts;

	ring_over_hole(r, row->off);
	end = rig_now(r) + rig_pick(r, 20, 50, 1000) * NS_PER_MS;
	while (!((csts = rig_reg32(r, REG_CSTS)) & CSTS_CFS) && rig_now(r) < end)
		rig_wait(r, NS_PER_MS);
	ADVISE_TRUE(r, (csts & CSTS_CFS) || !(csts & CSTS_RDY),
		    "CSTS %08Xh tells that the queue cannot be reached (CFS 1 or RDY 0)", csts);
	recover(r);
}

/* ---- admin-queue-sizes ---- */

static const struct size_row {
	const char *name;
	uint32_t sq, cq;
} queue_sizes[] = {
	{ "2-2", 2, 2 },       { "4096-4096", 4096, 4096 },
	{ "2-4096", 2, 4096 }, { "4096-2", 4096, 2 },
	{ "7-5", 7, 5 },       { "5-7", 5, 7 },
};

/* As many at once as both queues take; every completion is audited. */
static uint32_t run_batch(struct rig *r, uint64_t left)
{
	struct ctrl *c = rig_ctrl(r);
	uint32_t n = (c->asq->size < c->acq->size ? c->asq->size : c->acq->size) - 1;

	n = n < left ? n : (uint32_t)left;
	for (uint32_t i = 0; i < n; i++)
		rig_put(r, c->asq, any_command());
	rig_ring(r, c->asq);
	for (uint32_t i = 0; i < n; i++) {
		struct cpl cpl = rig_next(r, c->acq);

		if (cpl.status != SC_SUCCESS)
			CHECK_STATUS(r, cpl, SC_SUCCESS);
	}
	return n;
}

static void admin_queue_sizes(struct rig *r)
{
	const struct size_row *row = rig_row(r);
	struct ctrl_config cfg = ctrl_defaults(rig_ctrl_off(r));
	uint32_t larger = row->sq > row->cq ? row->sq : row->cq, done = 0, laps;

	cfg.admin_sq_entries = row->sq;
	cfg.admin_cq_entries = row->cq;
	rig_ctrl_with(r, &cfg);
	/* one lap of a large queue takes as long as hundreds of a small one */
	laps = larger > 64 ? (uint32_t)rig_pick(r, 1, 1, 4) : (uint32_t)rig_pick(r, 3, 10, 1000);
	while (done < laps * larger + 3)
		done += run_batch(r, laps * larger + 3 - done);
	CHECK_EQ(r, "commands that completed", done, laps * larger + 3);
}

/* ---- admin-queue-size-one ---- */

static const struct one_row {
	const char *name;
	uint32_t aqa;
} ones[] = { { "asqs", 0x001f0000 }, { "acqs", 0x0000001f }, { "both", 0 } };

static void admin_queue_size_one(struct rig *r)
{
	const struct one_row *row = rig_row(r);
	enum outcome o;
	uint32_t cc;

	cc = prepare(r);
	rig_set_reg32(r, REG_AQA, row->aqa);
	o = try_enable(r, cc);
	tell(r, row->name, o);
	ADVISE_TRUE(r, o != READY, "an admin queue of one entry is not ready (AQA %08Xh)",
		    row->aqa);
	recover(r);
}

static const struct rig_case cases[] = {
	{ .id = "bad-cc-mps",
	  .rule = "Enabling with a page size that CAP does not offer ends in CFS, or not ready.",
	  .ref = "Base 2.0 Offset 14h: CC - Controller Configuration; Base 2.2 Offset 14h: CC "
		 "(MPS)",
	  .needs = NEED_QUEUES,
	  .level = SHOULD,
	  .fault = "mps-unchecked cfs-survives-reset",
	  .run = bad_cc_mps },
	{ .id = "bad-cc-css-ams",
	  .rule = "Enabling with a CSS or AMS that CAP does not offer ends in CFS, or not ready.",
	  .ref = "Base 2.0 Offset 14h: CC - Controller Configuration; Base 2.2 Offset 14h: CC "
		 "(CSS, AMS)",
	  .needs = NEED_QUEUES,
	  .level = SHOULD,
	  .fault = "css-unchecked ams-unchecked cfs-survives-reset",
	  .run = bad_cc_css_ams,
	  ROWS(bad_rows) },
	{ .id = "bad-entry-sizes",
	  .rule = "No I/O queue is created before IOSQES and IOCQES are set; others are refused.",
	  .ref = "Base 2.2 Offset 14h: CC - Controller Configuration",
	  .needs = NEED_QUEUES,
	  .fault = "entry-sizes-unchecked entry-sizes-needed-to-enable",
	  .run = bad_entry_sizes,
	  ROWS(sizes) },
	{ .id = "cc-rewrite-enabled",
	  .rule = "CC written while enabled, with EN = 1, changes nothing that is under way.",
	  .ref = "Base 2.0 Offset 14h: CC - Controller Configuration; Base 2.2 Offset 14h: CC "
		 "(MPS, CSS, AMS)",
	  .needs = NEED_QUEUES,
	  .level = SHOULD,
	  .fault = "cc-rewrite-drops-queues mps-changes-live",
	  .run = cc_rewrite_enabled,
	  ROWS(rewrites) },
	{ .id = "cfs-bad-asq",
	  .rule = "Admin queues where nothing is end in CSTS.CFS, and a reset cures it.",
	  .ref = "Base 2.0 Controller Fatal Status Condition; Base 2.2 Controller Fatal Status "
		 "Condition",
	  .needs = NEED_QUEUES | NEED_HOLE,
	  .level = SHOULD,
	  .fault = "queue-fault-no-cfs cfs-survives-reset",
	  .run = cfs_bad_asq,
	  ROWS(holes) },
	{ .id = "admin-queue-sizes",
	  .rule = "Admin queues of every size, equal or not, run past their wraps.",
	  .ref = "Base 2.0 Offset 24h: AQA - Admin Queue Attributes; Base 2.2 Offset 24h: AQA; "
		 "Base 2.2 Queue Size",
	  .needs = NEED_QUEUES,
	  .fault = "admin-phase-odd-size aqa-sizes-swapped",
	  .run = admin_queue_sizes,
	  ROWS(queue_sizes) },
	{ .id = "admin-queue-size-one",
	  .rule = "Admin queues of one entry, which cannot be, are not ready, and a reset cures "
		  "it.",
	  .ref = "Base 2.0 Offset 24h: AQA - Admin Queue Attributes; Base 2.2 Offset 24h: AQA",
	  .needs = NEED_QUEUES,
	  .level = SHOULD,
	  .fault = "admin-size-one-accepted cfs-survives-reset",
	  .run = admin_queue_size_one,
	  ROWS(ones) },
};

SUITE(life_config_suite, CONFORMANCE, "life", cases);
