// SPDX-License-Identifier: GPL-2.0-or-later
/* Queues in the Controller Memory Buffer, and queues that must not be there. */
#include <string.h>

#include "queue_parts.h"

#define PAGE	   4096u
#define FEW	   5u /* entries: wraps soon, and at no power of two */
#define MANY	   64u
#define PC	   1u
#define ROOM_LEAST (4ull * PAGE)

static const struct rig_cmb *start(struct rig *r)
{
	const struct rig_cmb *cmb;

	rig_ctrl_off(r);
	cmb = rig_cmb(r);
	if (cmb->bytes < ROOM_LEAST)
		rig_na(r, "a buffer of %u bytes: no room for queues of this case",
		       (unsigned)cmb->bytes);
	return cmb;
}

/* A queue begins at a page of CC.MPS; the far end of the buffer is as good as the near one. */
static struct far page_of(struct rig *r, const struct rig_cmb *cmb, bool at_end, uint64_t at)
{
	uint64_t page = rig_ctrl(r)->page, first = cmb->far.iova & (page - 1);
	uint64_t base = first ? page - first : 0;

	if (at_end)
		base += (cmb->bytes - base) / page * page - ROOM_LEAST / page * page;
	return far_at(&cmb->far, base + at);
}

/* Commands one by one and in batches, several times round. */
static void run_queue(struct rig *r, struct sq *q)
{
	struct cmd c = parts_any_read(r);

	for (uint64_t n = rig_pick(r, 3, 20, 500) * q->size; n; n--) {
		unsigned batch = 1 + (unsigned)rig_rand_below(r, q->size - 1);

		for (unsigned i = 0; i < batch; i++)
			rig_put(r, q, c);
		rig_ring(r, q);
		for (unsigned i = 0; i < batch; i++)
			CHECK_STATUS(r, rig_next(r, q->cq), SC_SUCCESS);
		n = n > batch ? n - batch + 1 : 1;
	}
}

static void check_ruled_out(struct rig *r, struct cmd c, const char *why)
{
	CHECK_STATUS_OF(r, why, rig_admin(r, c), SC_CMB_INVALID_USE);
}

static void create_ok(struct rig *r, struct cmd c, const char *what)
{
	struct cpl cpl = rig_admin(r, c);

	if (!CHECK_STATUS_OF(r, what, cpl, SC_SUCCESS))
		rig_fail(r, "no queue in the buffer to ask more of");
}

/* ---- I/O queues ---- */

static void submission(struct rig *r, const struct rig_cmb *cmb, bool at_end, uint32_t entries)
{
	struct sq *q;
	struct far far;

	entries = rig_queue_fit(r, entries);
	q = rig_sq_alloc(r, 1, entries, parts_cq(r, 1, entries));
	far = page_of(r, cmb, at_end, 0);
	sq_place(q, &far);
	if (!(cmb->sz & CMBSZ_SQS)) {
		check_ruled_out(r, cmd_create_sq(1, entries, sq_address(q), 1),
				"SQ in the buffer, CMBSZ.SQS is 0: status");
		return;
	}
	create_ok(r, cmd_create_sq(1, entries, sq_address(q), 1), "SQ in the buffer: status");
	run_queue(r, q);
}

static void sq_few(struct rig *r, const struct rig_cmb *cmb)
{
	submission(r, cmb, false, FEW);
}

static void sq_many(struct rig *r, const struct rig_cmb *cmb)
{
	submission(r, cmb, true, MANY);
}

static void completion(struct rig *r, const struct rig_cmb *cmb, bool at_end, uint32_t entries)
{
	struct far far;
	struct cq *cq;
	struct cmd c;

	entries = rig_queue_fit(r, entries);
	rig_queue_count(r);
	cq = rig_cq_alloc(r, 1, entries);
	far = page_of(r, cmb, at_end, 0);
	rig_cq_place(r, cq, &far);
	c = cmd_create_cq(1, entries, cq_address(cq), false, 0);
	if (!(cmb->sz & CMBSZ_CQS)) {
		check_ruled_out(r, c, "CQ in the buffer, CMBSZ.CQS is 0: status");
		return;
	}
	create_ok(r, c, "CQ in the buffer: status");
	run_queue(r, parts_sq(r, 1, entries, cq));
}

static void cq_few(struct rig *r, const struct rig_cmb *cmb)
{
	completion(r, cmb, false, FEW);
}

static void cq_many(struct rig *r, const struct rig_cmb *cmb)
{
	completion(r, cmb, true, MANY);
}

static void both(struct rig *r, const struct rig_cmb *cmb)
{
	const uint32_t both = CMBSZ_SQS | CMBSZ_CQS;
	uint32_t entries = rig_queue_fit(r, FEW);
	struct far sq_far = page_of(r, cmb, false, 0), cq_far = page_of(r, cmb, true, 0);
	struct cq *cq;
	struct sq *sq;

	if ((cmb->sz & both) != both)
		rig_na(r, "CMBSZ %08Xh: not both kinds of queue may lie in the buffer", cmb->sz);
	rig_queue_count(r);
	cq = rig_cq_alloc(r, 1, entries);
	rig_cq_place(r, cq, &cq_far);
	create_ok(r, cmd_create_cq(1, entries, cq_address(cq), false, 0),
		  "CQ in the buffer: status");
	sq = rig_sq_alloc(r, 1, entries, cq);
	sq_place(sq, &sq_far);
	create_ok(r, cmd_create_sq(1, entries, sq_address(sq), 1), "SQ in the buffer: status");
	run_queue(r, sq);
}

/* ---- Admin queues ---- */

static void admin(struct rig *r, const struct rig_cmb *cmb, bool sq)
{
	struct ctrl *c = rig_ctrl(r);
	struct ctrl_config cfg = c->config;
	struct far far = page_of(r, cmb, false, 0);

	if (!(cmb->sz & (sq ? CMBSZ_SQS : CMBSZ_CQS)))
		rig_na(r, "CMBSZ.%s is 0, and no command tells that of an Admin queue",
		       sq ? "SQS" : "CQS");
	rig_ctrl_off(r);
	if (sq)
		sq_place(c->asq, &far);
	else
		rig_cq_place(r, c->acq, &far);
	rig_ctrl_with(r, &cfg);
	for (uint64_t n = rig_pick(r, 3, 20, 500) * cfg.admin_sq_entries; n; n--)
		CHECK_STATUS(r, rig_admin(r, cmd_get_features(NVME_FEAT_FID_NUM_QUEUES, 0, 0, 0)),
			     SC_SUCCESS);
}

static void admin_sq(struct rig *r, const struct rig_cmb *cmb)
{
	admin(r, cmb, true);
}

static void admin_cq(struct rig *r, const struct rig_cmb *cmb)
{
	admin(r, cmb, false);
}

/* ---- placements that restrictions rule out ---- */

/* It begins in the last page of the buffer and needs one more, which leads elsewhere. */
static void over_the_end(struct rig *r, const struct rig_cmb *cmb)
{
	uint64_t page = rig_ctrl(r)->page, end = cmb->far.iova + cmb->bytes;
	uint32_t entries = (uint32_t)(page / sizeof(struct sqe)) + 1;

	if (!(cmb->sz & CMBSZ_SQS) || (cmb->loc & CMBLOC_CQMMS))
		rig_na(r, "CMBSZ.SQS is 0, or CMBLOC.CQMMS is 1: no restriction to ask about");
	if (end % page || cmb->bytes < cmb->claimed)
		rig_na(r, "the end of the buffer is not at a page, or is not that of CMBSZ");
	if (entries > rig_queue_max(r))
		rig_na(r, "CAP.MQES leaves no queue of more than a page");
	parts_cq(r, 1, entries);
	check_ruled_out(r, cmd_create_sq(1, entries, end - page, 1),
			"SQ that leaves the buffer at its end, CMBLOC.CQMMS is 0: status");
}

struct pieces {
	struct buf *list, *host;
	struct far near;
	struct sq *q;
};

/* An SQ of two pages: both in the buffer, or the second in host memory. */
static struct cpl create_pieces(struct rig *r, const struct rig_cmb *cmb, bool mixed,
				struct pieces *p)
{
	uint64_t page = rig_ctrl(r)->page;
	uint32_t entries = (uint32_t)(2 * page / sizeof(struct sqe));
	struct cmd c;

	if (CAP_CQR(rig_ctrl(r)->cap))
		rig_na(r, "CAP.CQR is 1: every queue is in one piece");
	if (!(cmb->sz & CMBSZ_SQS) || entries > rig_queue_max(r))
		rig_na(r, "no submission queue of two pages in the buffer");
	p->list = rig_buf(r, page);
	p->host = rig_buf(r, page);
	p->near = page_of(r, cmb, false, 0);
	memset(p->list->data, 0, page);
	le64_put(p->list->data, p->near.iova);
	le64_put(p->list->data + 8, mixed ? p->host->iova : p->near.iova + page);
	p->q = rig_sq_alloc(r, 1, entries, parts_cq(r, 1, entries));
	c = cmd_create_sq(1, entries, p->list->iova, 1);
	c.sqe.cdw11 = le32_from(le32_get(c.sqe.cdw11) & ~PC);
	return rig_admin(r, c);
}

static void in_pieces(struct rig *r, const struct rig_cmb *cmb)
{
	struct pieces p;
	struct cpl cpl = create_pieces(r, cmb, false, &p);

	if (!(cmb->loc & CMBLOC_CQPDS)) {
		CHECK_STATUS_OF(r, "SQ in pieces in the buffer, CMBLOC.CQPDS is 0: status", cpl,
				SC_CMB_INVALID_USE);
		return;
	}
	REQUIRE_STATUS(r, cpl, SC_SUCCESS);
	sq_place(p.q, &p.near); /* the pieces are in a row */
	run_queue(r, p.q);
}

static void mixed_pieces(struct rig *r, const struct rig_cmb *cmb)
{
	struct pieces p;
	struct cpl cpl = create_pieces(r, cmb, true, &p);
	const uint32_t both = CMBLOC_CQPDS | CMBLOC_CQMMS;

	if ((cmb->loc & both) != both)
		CHECK_STATUS_OF(r,
				"SQ in and outside the buffer, CMBLOC.CQMMS or CQPDS is 0: "
				"status",
				cpl, SC_CMB_INVALID_USE);
	else
		CHECK_STATUS(r, cpl, SC_SUCCESS);
}

/* ---- CMSE = 0, CRE = 0: the address is what it is without a buffer ---- */

struct found {
	struct ctrl *c;
	uint64_t msc;
};

static void put_back(void *arg)
{
	const struct found *f = arg;

	ctrl_disable(f->c, NULL);
	reg_write64(f->c, REG_CMBMSC, f->msc);
}

/*
 * The range covers memory of the host that holds the queue, while nothing is asked of the
 * controller; then it is taken away again.
 */
static void check_ordinary(struct rig *r, uint64_t then)
{
	struct found *f = rig_mem(r, sizeof(*f));
	uint32_t entries;
	struct sq *q;

	if (!CAP_CMBS(rig_reg64(r, REG_CAP)))
		rig_na(r, "CAP.CMBS is 0: nothing enables the buffer");
	*f = (struct found){ rig_ctrl(r), rig_reg64(r, REG_CMBMSC) };
	rig_defer(r, put_back, f);
	entries = rig_queue_fit(r, FEW);
	q = rig_sq_alloc(r, 1, entries, parts_cq(r, 1, entries));
	rig_set_reg64(r, REG_CMBMSC, q->mem->iova | CMBMSC_CRE | CMBMSC_CMSE);
	rig_set_reg64(r, REG_CMBMSC, q->mem->iova | then);
	create_ok(r, cmd_create_sq(1, entries, q->mem->iova, 1), "SQ in host memory: status");
	run_queue(r, q);
}

static void space_disabled(struct rig *r, const struct rig_cmb *cmb)
{
	(void)cmb;
	check_ordinary(r, CMBMSC_CRE);
}

static void registers_disabled(struct rig *r, const struct rig_cmb *cmb)
{
	(void)cmb;
	check_ordinary(r, CMBMSC_CMSE);
}

static const struct queue_row {
	const char *name;
	bool enabled;
	void (*run)(struct rig *r, const struct rig_cmb *cmb);
} rows[] = {
	{ "sq", true, sq_few },
	{ "sq-at-the-end", true, sq_many },
	{ "cq", true, cq_few },
	{ "cq-at-the-end", true, cq_many },
	{ "both", true, both },
	{ "admin-sq", true, admin_sq },
	{ "admin-cq", true, admin_cq },
	{ "over-the-end", true, over_the_end },
	{ "in-pieces", true, in_pieces },
	{ "mixed-pieces", true, mixed_pieces },
	{ "space-disabled", false, space_disabled },
	{ "registers-disabled", false, registers_disabled },
};

static void cmb_sq(struct rig *r)
{
	const struct queue_row *row = rig_row(r);

	row->run(r, row->enabled ? start(r) : NULL);
}

static const struct rig_case cases[] = {
	{ .id = "cmb-sq",
	  .rule = "A queue in the Controller Memory Buffer works where CMBSZ allows it; a "
		  "placement "
		  "that is ruled out is refused; a disabled buffer is nowhere.",
	  .ref = "Base 2.2 Controller Memory Buffer; Base 2.2 Offset 38h: CMBLOC; Base 2.2 Offset "
		 "3Ch: CMBSZ; Base 2.2 Offset 50h: CMBMSC",
	  .needs = NEED_QUEUES | NEED_BARS,
	  .na = rig_na_cmb,
	  .fault = "cmb-sq-unchecked cmb-cq-unchecked cmb-mixed-queue-accepted cmb-pieces-accepted "
		   "cmb-dma-lands-off cmse-off-ignored cmse-without-cre",
	  .run = cmb_sq,
	  ROWS(rows) },
};

SUITE(queue_cmb_suite, CONFORMANCE, "queue", cases);
