// SPDX-License-Identifier: GPL-2.0-or-later
/* Deleting queues, in use and under load, and creating them again. */
#include <string.h>

#include "base/clock.h"
#include "queue_parts.h"

/* ---- a completion queue in use ---- */

static const struct order_row {
	const char *name;
	uint16_t qid[3];
} orders[] = {
	{ "123", { 1, 2, 3 } }, { "132", { 1, 3, 2 } }, { "213", { 2, 1, 3 } },
	{ "231", { 2, 3, 1 } }, { "312", { 3, 1, 2 } }, { "321", { 3, 2, 1 } },
};

static const char *fewer_than_three(const struct facts *f)
{
	return f->nsq < 3 ? rig_na_text("the controller allocates %u I/O submission queues", f->nsq)
			  : NULL;
}

static void delete_cq_in_use(struct rig *r)
{
	const struct order_row *row = rig_row(r);
	struct cq *cq = rig_cq_alloc(r, 1, rig_queue_fit(r, 16));
	struct sq *sq[4];

	rig_queue_count(r);
	rig_admin_ok(r, cmd_create_cq(1, cq->size, cq->mem->iova, false, 0));
	for (uint16_t i = 1; i <= 3; i++) {
		sq[i] = rig_sq_alloc(r, i, rig_queue_fit(r, 4), cq);
		rig_admin_ok(r, cmd_create_sq(i, sq[i]->size, sq[i]->mem->iova, 1));
	}
	for (unsigned gone = 0; gone < 3; gone++) {
		CHECK_STATUS(r, rig_admin(r, cmd_delete_cq(1)), SC_QUEUE_DELETION_INVALID);
		for (unsigned i = gone; i < 3; i++)
			CHECK_STATUS(r, parts_read(r, sq[row->qid[i]]), SC_SUCCESS);
		CHECK_STATUS(r, rig_admin(r, cmd_delete_sq(row->qid[gone])), SC_SUCCESS);
	}
	CHECK_STATUS(r, rig_admin(r, cmd_delete_cq(1)), SC_SUCCESS);
}

/* ---- a submission queue under load ---- */

/*
 * Deleting under load: `WRITES` single-block Writes and as many Reads are on the way when the
 * Delete is sent. Single blocks are atomic by definition, so each is the old one or the new one.
 */
#define WRITES	  7u
#define LOAD	  (2 * WRITES)
#define LATE_NS	  (400 * NS_PER_US)
#define FIRST_LBA 32u

struct load {
	const struct facts_ns *ns;
	struct sq *q;
	unsigned n; /* commands, LOAD or what the queue holds */
	struct buf *out, *in;
	uint64_t tag, old_tag[WRITES];
	bool done[WRITES]; /* completed with success */
	uint16_t cid[LOAD];
};

static struct cpl write_block(struct rig *r, struct sq *q, uint64_t lba, uint64_t tag)
{
	const struct facts_ns *ns = rig_ns(r);
	void *data = rig_mem(r, ns->lba_bytes);

	rig_stamp(data, lba, 1, ns->lba_bytes, tag);
	return rig_io(r, q, cmd_write(ns->nsid, lba, 1, data, ns->lba_bytes));
}

static void load_prepare(struct rig *r, struct load *l)
{
	uint32_t entries = rig_queue_fit(r, LOAD + 2);

	*l = (struct load){ .ns = rig_ns(r), .q = rig_queue_pair(r, 1, entries) };
	l->n = entries > LOAD ? LOAD : entries - 1;
	l->out = rig_buf(r, WRITES * (size_t)l->ns->lba_bytes);
	l->in = rig_buf(r, WRITES * (size_t)l->ns->lba_bytes);
	for (unsigned i = 0; i < WRITES; i++)
		REQUIRE_STATUS(r, write_block(r, l->q, FIRST_LBA + i, 0), SC_SUCCESS);
}

static void load_submit(struct rig *r, struct load *l)
{
	uint32_t bytes = l->ns->lba_bytes;

	rig_stamp(l->out->data, FIRST_LBA, WRITES, bytes, ++l->tag);
	for (unsigned i = 0; i < l->n; i++) {
		struct cmd c = i % 2 ? cmd_read(l->ns->nsid, FIRST_LBA + i / 2, 1, NULL, bytes)
				     : cmd_write(l->ns->nsid, FIRST_LBA + i / 2, 1, NULL, bytes);

		rig_prp(r, &c, i % 2 ? l->in : l->out, i / 2 * (size_t)bytes, bytes);
		l->cid[i] = rig_put(r, l->q, c);
	}
	memset(l->done, 0, sizeof(l->done));
	rig_ring(r, l->q);
}

/* What is posted up to the Delete's own completion; the audit sees to "at most one each". */
static void load_reap(struct rig *r, struct load *l)
{
	struct cpl cpl;

	while (cq_next(l->q->cq, &cpl)) {
		CHECK_STATUS_OF(r, "command of a queue being deleted: status", cpl, SC_SUCCESS,
				SC_SQ_DELETION);
		for (unsigned i = 0; i < l->n; i += 2)
			if (l->cid[i] == cpl.cid)
				l->done[i / 2] = cpl.status == SC_SUCCESS;
	}
	cq_ring(l->q->cq);
}

static void check_silence(struct rig *r, struct load *l)
{
	buf_poison(l->in, (uint8_t)l->tag);
	void *before = memcpy(rig_mem(r, l->in->len), l->in->data, l->in->len);

	rig_wait(r, LATE_NS);
	CHECK_TRUE(r, !cq_ready(l->q->cq),
		   "no completion of a deleted queue follows the Delete's own");
	CHECK_MEM(r, "read buffers after the Delete completed", l->in->data, before, l->in->len);
}

static void check_writes(struct rig *r, struct load *l, uint8_t *now, uint8_t *old)
{
	uint32_t bytes = l->ns->lba_bytes;

	for (unsigned i = 0; i < WRITES; i++) {
		struct cmd c = cmd_read(l->ns->nsid, FIRST_LBA + i, 1, now, bytes);

		REQUIRE_STATUS(r, rig_io(r, l->q, c), SC_SUCCESS);
		rig_stamp(old, FIRST_LBA + i, 1, bytes, l->old_tag[i]);
		if (!l->done[i] && !memcmp(now, old, bytes))
			continue; /* wholly not done */
		CHECK_STAMP(r, now, FIRST_LBA + i, 1, bytes, l->tag);
		l->old_tag[i] = l->tag;
	}
}

static void delete_sq_inflight(struct rig *r)
{
	uint8_t *now = rig_mem(r, rig_ns(r)->lba_bytes), *old = rig_mem(r, rig_ns(r)->lba_bytes);
	struct load l;

	load_prepare(r, &l);
	for (uint64_t n = rig_pick(r, 20, 120, 2000); n; n--) {
		load_submit(r, &l);
		rig_wait(r, rig_rand_below(r, 40 * NS_PER_US));
		REQUIRE_STATUS(r, rig_admin(r, cmd_delete_sq(1)), SC_SUCCESS);
		load_reap(r, &l);
		check_silence(r, &l);
		sq_reset(l.q);
		REQUIRE_STATUS(r, rig_admin(r, cmd_create_sq(1, l.q->size, l.q->mem->iova, 1)),
			       SC_SUCCESS);
		check_writes(r, &l, now, old);
	}
}

/* ---- creating again ---- */

#define PARKED 0xfff0 /* no queue's identifier: the bookkeeping of a deleted queue is not found */

static void park(struct rig *r, struct sq *q)
{
	rig_admin_ok(r, cmd_delete_sq(1));
	rig_admin_ok(r, cmd_delete_cq(1));
	memset(q->mem->data, 0x5a, q->mem->len);
	memset(q->cq->mem->data, 0x5a, q->cq->mem->len);
	q->qid = q->cq->qid = PARKED;
}

static void unpark(struct rig *r, struct sq *q)
{
	q->qid = q->cq->qid = 1;
	cq_reset(q->cq);
	sq_reset(q);
	REQUIRE_STATUS(r, rig_admin(r, cmd_create_cq(1, q->cq->size, q->cq->mem->iova, false, 0)),
		       SC_SUCCESS);
	REQUIRE_STATUS(r, rig_admin(r, cmd_create_sq(1, q->size, q->mem->iova, 1)), SC_SUCCESS);
}

static void check_parked(struct rig *r, const struct sq *q)
{
	CHECK_TRUE(r, buf_differs(q->cq->mem, 0, q->cq->mem->len, 0x5a) < 0,
		   "memory of the deleted completion queue is untouched");
	CHECK_TRUE(r, buf_differs(q->mem, 0, q->mem->len, 0x5a) < 0,
		   "memory of the deleted submission queue is untouched");
}

/* Three sets of memory; two have the same size, so that a position kept would still be a legal one.
 */
static void recreate_same_qid(struct rig *r)
{
	const uint32_t entries[3] = { rig_queue_fit(r, 5), rig_queue_fit(r, 5),
				      rig_queue_fit(r, 7) };
	struct sq *q[3];

	rig_queue_count(r);
	for (unsigned i = 0; i < 3; i++) {
		q[i] = rig_sq_alloc(r, 1, entries[i], rig_cq_alloc(r, 1, entries[i]));
		unpark(r, q[i]);
		park(r, q[i]);
	}
	for (uint64_t n = rig_pick(r, 30, 150, 1000); n; n--) {
		struct sq *now = q[n % 3];

		unpark(r, now);
		for (uint64_t k = 1 + rig_rand_below(r, 2ull * now->size); k; k--)
			CHECK_STATUS(r, parts_read(r, now), SC_SUCCESS);
		check_parked(r, q[(n + 1) % 3]);
		check_parked(r, q[(n + 2) % 3]);
		park(r, now);
	}
}

static const struct rig_case cases[] = {
	{ .id = "delete-cq-in-use",
	  .rule = "A completion queue cannot be deleted while a submission queue uses it, and both "
		  "go on working.",
	  .ref = "Base 2.0 Delete I/O Completion Queue command",
	  .needs = NEED_QUEUES,
	  .fault = "delete-cq-in-use-allowed",
	  .na = fewer_than_three,
	  .run = delete_cq_in_use,
	  ROWS(orders) },
	{ .id = "delete-sq-inflight",
	  .rule = "A submission queue deleted under load completes each command at most once, and "
		  "nothing follows the Delete's own completion.",
	  .ref = "Base 2.0 Delete I/O Submission Queue command; Base 2.2 Queue Abort, Queue Level "
		 "Reset",
	  .needs = NEED_QUEUES,
	  .harm = HARM_DATA,
	  .fault = "deleted-sq-completes-late",
	  .run = delete_sq_inflight },
	{ .id = "recreate-same-qid",
	  .rule = "A queue created again begins at position 0 with phase 1 in the memory it is "
		  "given.",
	  .ref = "Base 2.0 Queue Setup and Initialization; Base 2.2 Queue Level Reset, Phase Tag",
	  .needs = NEED_QUEUES,
	  .fault = "recreate-keeps-position",
	  .run = recreate_same_qid },
};

SUITE(queue_delete_suite, CONFORMANCE, "queue", cases);
