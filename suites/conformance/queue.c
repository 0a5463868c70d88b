// SPDX-License-Identifier: GPL-2.0-or-later
/* Creating and deleting queues. What happens on them is asked in queue_io.c. */
#include <string.h>

#include "base/clock.h"
#include "kit/kit.h"

#define FID_COUNT  0x07
#define SMALL	   4u	/* entries of a queue that is only there to exist */
#define PAIRS_MOST 128u /* all-pairs: more would need more memory than a target may have */

/* The Read that shows a queue to work. */
static struct cpl read_one(struct rig *r, struct sq *q)
{
	const struct facts_ns *ns = rig_ns(r);

	return rig_io(r, q, cmd_read(ns->nsid, 0, 1, rig_mem(r, ns->lba_bytes), ns->lba_bytes));
}

static uint16_t granted(struct rig *r, bool sq)
{
	rig_queue_count(r);
	return sq ? rig_ctrl(r)->nsq : rig_ctrl(r)->ncq;
}

/* ---- identifiers ---- */

enum qid_kind { QID_ADMIN, QID_PAST, QID_LAST, QID_IN_USE, QID_NEVER, QID_DELETED };

struct qid_row {
	const char *name;
	enum qid_kind kind;
	bool sq;
};

static uint16_t past(struct rig *r, bool sq)
{
	uint16_t n = granted(r, sq);

	if (n == 0xffff)
		rig_na(r, "every identifier up to FFFFh is allocated");
	return n + 1;
}

static uint16_t second(struct rig *r)
{
	if (rig_queue_count(r) < 2)
		rig_na(r, "one I/O queue pair is allocated: no identifier is free");
	return 2;
}

static uint16_t qid_of(struct rig *r, enum qid_kind kind, bool sq)
{
	switch (kind) {
	case QID_PAST:
		return past(r, sq);
	case QID_LAST:
		return past(r, sq) ? 0xffff : 0;
	case QID_IN_USE:
		return 1;
	case QID_NEVER:
		return second(r);
	case QID_DELETED:
		if (queue_pair_delete(rig_queue_pair(r, second(r), SMALL)))
			rig_broken(r, "set-up: the queue pair cannot be deleted");
		return 2;
	default:
		return 0;
	}
}

static const struct qid_row create_qids[] = {
	{ "admin", QID_ADMIN, false },
	{ "past-allocated", QID_PAST, false },
	{ "ffff", QID_LAST, false },
	{ "in-use", QID_IN_USE, false },
};

/* The code is a "should" of the field's description: another error is no breach, success is. */
static void create_cq_qid(struct rig *r)
{
	const struct qid_row *row = rig_row(r);
	struct sq *q = rig_queue(r);
	uint64_t memory = rig_buf(r, rig_ctrl(r)->page)->iova;
	uint16_t qid = qid_of(r, row->kind, false);

	CHECK_STATUS(r, rig_admin(r, cmd_create_cq(qid, SMALL, memory, false, 0)), SC_QID_INVALID,
		     SC_INVALID_FIELD);
	CHECK_STATUS(r, read_one(r, q), SC_SUCCESS);
}

static void create_sq_qid(struct rig *r)
{
	const struct qid_row *row = rig_row(r);
	struct sq *q = rig_queue(r);
	uint64_t memory = rig_buf(r, rig_ctrl(r)->page)->iova;
	uint16_t qid = qid_of(r, row->kind, true);

	CHECK_STATUS(r, rig_admin(r, cmd_create_sq(qid, SMALL, memory, 1)), SC_QID_INVALID,
		     SC_INVALID_FIELD);
	CHECK_STATUS(r, read_one(r, q), SC_SUCCESS);
}

static const struct qid_row cqids[] = {
	{ "admin", QID_ADMIN, false },
	{ "past-allocated", QID_PAST, false },
	{ "ffff", QID_LAST, false },
};

/* Before 2.0 one sentence, a "should", covered every CQID that is no I/O Completion Queue. */
static void create_sq_cqid_bad(struct rig *r)
{
	const struct qid_row *row = rig_row(r);
	uint16_t cqid = qid_of(r, row->kind, false);
	struct cq *cq = rig_cq_alloc(r, 1, SMALL);
	struct sq *sq = rig_sq_alloc(r, 1, SMALL, cq);
	struct cpl cpl;

	rig_admin_ok(r, cmd_create_cq(1, SMALL, cq->mem->iova, false, 0));
	cpl = rig_admin(r, cmd_create_sq(1, SMALL, sq->mem->iova, cqid));
	if (rig_ctrl(r)->vs < VS(2, 0, 0))
		CHECK_STATUS(r, cpl, SC_QID_INVALID, SC_CQ_INVALID, SC_INVALID_FIELD);
	else
		CHECK_STATUS(r, cpl, SC_QID_INVALID);
	CHECK_STATUS(r, rig_admin(r, cmd_create_sq(1, SMALL, sq->mem->iova, 1)), SC_SUCCESS);
	CHECK_STATUS(r, read_one(r, sq), SC_SUCCESS);
}

static const struct qid_row delete_qids[] = {
	{ "sq-admin", QID_ADMIN, true },	  { "sq-never-created", QID_NEVER, true },
	{ "sq-past-allocated", QID_PAST, true },  { "sq-ffff", QID_LAST, true },
	{ "sq-deleted", QID_DELETED, true },	  { "cq-admin", QID_ADMIN, false },
	{ "cq-never-created", QID_NEVER, false }, { "cq-past-allocated", QID_PAST, false },
	{ "cq-ffff", QID_LAST, false },		  { "cq-deleted", QID_DELETED, false },
};

static void delete_bad_id(struct rig *r)
{
	const struct qid_row *row = rig_row(r);
	struct sq *q = rig_queue(r);
	uint16_t qid = qid_of(r, row->kind, row->sq);
	struct cmd delete = row->sq ? cmd_delete_sq(qid) : cmd_delete_cq(qid);

	CHECK_STATUS(r, rig_admin(r, delete), SC_QID_INVALID);
	CHECK_STATUS(r, read_one(r, q), SC_SUCCESS);
}

/* ---- size ---- */

static const struct size_row {
	const char *name;
	bool sq;
	uint32_t entries; /* added to the most the controller has when `most` */
	bool most;
	uint16_t want;
} sizes[] = {
	{ "cq-qsize-0", false, 1, false, SC_QUEUE_SIZE_INVALID },
	{ "cq-qsize-1", false, 2, false, SC_SUCCESS },
	{ "cq-qsize-mqes", false, 0, true, SC_SUCCESS },
	{ "cq-qsize-past-mqes", false, 1, true, SC_QUEUE_SIZE_INVALID },
	{ "sq-qsize-0", true, 1, false, SC_QUEUE_SIZE_INVALID },
	{ "sq-qsize-1", true, 2, false, SC_SUCCESS },
	{ "sq-qsize-mqes", true, 0, true, SC_SUCCESS },
	{ "sq-qsize-past-mqes", true, 1, true, SC_QUEUE_SIZE_INVALID },
};

/* The pair whose other half has a size that is surely good; the half in question is not created. */
static struct sq *half_pair(struct rig *r, const struct size_row *row, uint32_t entries)
{
	uint32_t fine = entries < 2 ? 2 : entries > 65536 ? 65536 : entries;
	struct cq *cq = rig_cq_alloc(r, 1, row->sq ? SMALL : fine);
	struct sq *sq = rig_sq_alloc(r, 1, row->sq ? fine : 2, cq);

	rig_queue_count(r);
	if (row->sq)
		rig_admin_ok(r, cmd_create_cq(1, cq->size, cq->mem->iova, false, 0));
	return sq;
}

/* More commands than either queue has slots: a size taken for another shows. */
static void check_works(struct rig *r, const struct size_row *row, struct sq *sq)
{
	if (!row->sq)
		rig_admin_ok(r, cmd_create_sq(1, sq->size, sq->mem->iova, 1));
	for (unsigned i = 0; i < 2 * SMALL + 1; i++)
		CHECK_STATUS(r, read_one(r, sq), SC_SUCCESS);
}

static void create_size(struct rig *r)
{
	const struct size_row *row = rig_row(r);
	uint32_t entries = row->entries + (row->most ? rig_queue_max(r) : 0);
	struct sq *sq;
	struct cmd create;

	if (entries > 65536)
		rig_na(r, "CAP.MQES is FFFFh: QSIZE cannot exceed it");
	sq = half_pair(r, row, entries);
	create = row->sq ? cmd_create_sq(1, entries, sq->mem->iova, 1)
			 : cmd_create_cq(1, entries, sq->cq->mem->iova, false, 0);
	if (row->want == SC_SUCCESS && CHECK_STATUS(r, rig_admin(r, create), SC_SUCCESS))
		check_works(r, row, sq);
	else if (row->want != SC_SUCCESS)
		CHECK_STATUS(r, rig_admin(r, create), row->want, SC_INVALID_FIELD);
}

/* ---- deleting ---- */

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
	struct cq *cq = rig_cq_alloc(r, 1, 16);
	struct sq *sq[4];

	rig_queue_count(r);
	rig_admin_ok(r, cmd_create_cq(1, cq->size, cq->mem->iova, false, 0));
	for (uint16_t i = 1; i <= 3; i++) {
		sq[i] = rig_sq_alloc(r, i, SMALL, cq);
		rig_admin_ok(r, cmd_create_sq(i, SMALL, sq[i]->mem->iova, 1));
	}
	for (unsigned gone = 0; gone < 3; gone++) {
		CHECK_STATUS(r, rig_admin(r, cmd_delete_cq(1)), SC_QUEUE_DELETION_INVALID);
		for (unsigned i = gone; i < 3; i++)
			CHECK_STATUS(r, read_one(r, sq[row->qid[i]]), SC_SUCCESS);
		CHECK_STATUS(r, rig_admin(r, cmd_delete_sq(row->qid[gone])), SC_SUCCESS);
	}
	CHECK_STATUS(r, rig_admin(r, cmd_delete_cq(1)), SC_SUCCESS);
}

/*
 * Deleting under load: `WRITES` single-block Writes and as many Reads are on the way when the
 * Delete is sent. Single blocks are atomic by definition, so each is the old one or the new one.
 */
#define WRITES	  7u
#define LOAD	  (2 * WRITES)
#define LATE_NS	  (400 * NS_PER_US)
#define FIRST_LBA 64u

struct load {
	const struct facts_ns *ns;
	struct sq *q;
	struct buf *out, *in;
	uint64_t tag, old_tag[WRITES];
	bool done[WRITES]; /* completed with success */
	uint16_t cid[LOAD];
};

static void load_prepare(struct rig *r, struct load *l)
{
	uint32_t bytes;

	*l = (struct load){ .ns = rig_ns(r), .q = rig_queue_pair(r, 1, LOAD + 2) };
	bytes = l->ns->lba_bytes;
	l->out = rig_buf(r, WRITES * (size_t)bytes);
	l->in = rig_buf(r, WRITES * (size_t)bytes);
	rig_stamp(l->out->data, FIRST_LBA, WRITES, bytes, 0);
	rig_io_ok(r, l->q, cmd_write(l->ns->nsid, FIRST_LBA, WRITES, l->out->data, WRITES * bytes));
}

static void load_submit(struct rig *r, struct load *l)
{
	uint32_t bytes = l->ns->lba_bytes;

	rig_stamp(l->out->data, FIRST_LBA, WRITES, bytes, ++l->tag);
	for (unsigned i = 0; i < LOAD; i++) {
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
		for (unsigned i = 0; i < LOAD; i += 2)
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

static void check_writes(struct rig *r, struct load *l)
{
	uint32_t bytes = l->ns->lba_bytes;
	uint8_t *now = rig_mem(r, WRITES * (size_t)bytes), *old = rig_mem(r, bytes);

	rig_io_ok(r, l->q, cmd_read(l->ns->nsid, FIRST_LBA, WRITES, now, WRITES * (size_t)bytes));
	for (unsigned i = 0; i < WRITES; i++) {
		rig_stamp(old, FIRST_LBA + i, 1, bytes, l->old_tag[i]);
		if (!l->done[i] && !memcmp(now + i * bytes, old, bytes))
			continue; /* wholly not done */
		CHECK_STAMP(r, now + i * bytes, FIRST_LBA + i, 1, bytes, l->tag);
		l->old_tag[i] = l->tag;
	}
}

static void delete_sq_inflight(struct rig *r)
{
	struct load l;

	load_prepare(r, &l);
	for (uint64_t n = rig_pick(r, 20, 60, 2000); n; n--) {
		load_submit(r, &l);
		rig_wait(r, rig_rand_below(r, 40 * NS_PER_US));
		REQUIRE_STATUS(r, rig_admin(r, cmd_delete_sq(1)), SC_SUCCESS);
		load_reap(r, &l);
		check_silence(r, &l);
		sq_reset(l.q);
		REQUIRE_STATUS(r, rig_admin(r, cmd_create_sq(1, l.q->size, l.q->mem->iova, 1)),
			       SC_SUCCESS);
		check_writes(r, &l);
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
	static const uint32_t entries[3] = { 5, 5, 7 };
	struct sq *q[3];

	rig_queue_count(r);
	for (unsigned i = 0; i < 3; i++) {
		q[i] = rig_sq_alloc(r, 1, entries[i], rig_cq_alloc(r, 1, entries[i]));
		unpark(r, q[i]);
		park(r, q[i]);
	}
	for (uint64_t n = rig_pick(r, 30, 90, 1000); n; n--) {
		struct sq *now = q[n % 3];

		unpark(r, now);
		for (uint64_t k = 1 + rig_rand_below(r, 2ull * now->size); k; k--)
			CHECK_STATUS(r, read_one(r, now), SC_SUCCESS);
		check_parked(r, q[(n + 1) % 3]);
		check_parked(r, q[(n + 2) % 3]);
		park(r, now);
	}
}

/* ---- how many ---- */

static const struct count_row {
	const char *name;
	bool pair;
} created[] = { { "cq-alone", false }, { "pair", true } };

static void count_after_create(struct rig *r)
{
	const struct count_row *row = rig_row(r);
	struct cq *cq = rig_cq_alloc(r, 1, SMALL);
	struct sq *sq = rig_sq_alloc(r, 1, SMALL, cq);
	uint32_t count = rig_queue_count(r) > 1 ? 0 : 0x00010001, before;

	before = rig_admin_ok(r, cmd_get_features(FID_COUNT, 0, 0, 0)).dw0;
	rig_admin_ok(r, cmd_create_cq(1, SMALL, cq->mem->iova, false, 0));
	if (row->pair)
		rig_admin_ok(r, cmd_create_sq(1, SMALL, sq->mem->iova, 1));
	CHECK_STATUS(r, rig_admin(r, cmd_set_features(FID_COUNT, false, 0, count)),
		     SC_SEQUENCE_ERROR);
	CHECK_EQ(r, "Number of Queues afterwards",
		 rig_admin_ok(r, cmd_get_features(FID_COUNT, 0, 0, 0)).dw0, before);
}

static struct sq *create_one(struct rig *r, uint16_t qid)
{
	struct cq *cq = rig_cq_alloc(r, qid, SMALL);
	struct sq *sq = rig_sq_alloc(r, qid, SMALL, cq);

	REQUIRE_STATUS(r, rig_admin(r, cmd_create_cq(qid, SMALL, cq->mem->iova, false, 0)),
		       SC_SUCCESS);
	REQUIRE_STATUS(r, rig_admin(r, cmd_create_sq(qid, SMALL, sq->mem->iova, qid)), SC_SUCCESS);
	return sq;
}

/* A Write on every queue before the first is waited for. */
static void write_all(struct rig *r, struct sq **q, unsigned n, uint32_t nsid, uint32_t bytes)
{
	uint16_t cid[PAIRS_MOST];

	for (unsigned i = 0; i < n; i++) {
		struct cmd c = cmd_write(nsid, FIRST_LBA + i, 1, NULL, bytes);
		struct buf *b = rig_buf(r, bytes);

		rig_stamp(b->data, FIRST_LBA + i, 1, bytes, i);
		rig_prp(r, &c, b, 0, bytes);
		cid[i] = rig_put(r, q[i], c);
		rig_ring(r, q[i]);
	}
	for (unsigned i = 0; i < n; i++)
		CHECK_STATUS(r, rig_wait_cid(r, q[i], cid[i]), SC_SUCCESS);
}

static void read_all(struct rig *r, struct sq **q, unsigned n, uint32_t nsid, uint32_t bytes)
{
	void *data = rig_mem(r, bytes);

	for (unsigned i = 0; i < n; i++) {
		struct sq *other = q[(i + 1) % n];
		struct cmd c = cmd_read(nsid, FIRST_LBA + i, 1, data, bytes);

		if (CHECK_STATUS(r, rig_io(r, other, c), SC_SUCCESS))
			CHECK_STAMP(r, data, FIRST_LBA + i, 1, bytes, i);
	}
}

static void check_no_more(struct rig *r)
{
	uint64_t memory = rig_buf(r, rig_ctrl(r)->page)->iova;

	CHECK_STATUS(r, rig_admin(r, cmd_create_cq(past(r, false), SMALL, memory, false, 0)),
		     SC_QID_INVALID, SC_INVALID_FIELD);
	CHECK_STATUS(r, rig_admin(r, cmd_create_sq(past(r, true), SMALL, memory, 1)),
		     SC_QID_INVALID, SC_INVALID_FIELD);
}

static void all_pairs(struct rig *r)
{
	const struct facts_ns *ns = rig_ns(r);
	unsigned all = rig_queue_count(r), n = all < PAIRS_MOST ? all : PAIRS_MOST;
	struct sq *q[PAIRS_MOST];

	for (unsigned i = 0; i < n; i++)
		q[i] = create_one(r, (uint16_t)(i + 1));
	write_all(r, q, n, ns->nsid, ns->lba_bytes);
	read_all(r, q, n, ns->nsid, ns->lba_bytes);
	if (n == all)
		check_no_more(r);
	else
		rig_note(r, "%u of %u pairs were created at once", n, all);
}

static const struct rig_case cases[] = {
	{ .id = "create-cq-qid",
	  .rule = "A completion queue with an identifier that is 0, not allocated or in use is not "
		  "created.",
	  .ref = "Base 2.0 Create I/O Completion Queue command",
	  .needs = NEED_QUEUES,
	  .fault = "create-cq-qid-unchecked create-cq-qid-reuse",
	  .run = create_cq_qid,
	  ROWS(create_qids) },
	{ .id = "create-sq-qid",
	  .rule = "A submission queue with an identifier that is 0, not allocated or in use is not "
		  "created.",
	  .ref = "Base 2.0 Create I/O Submission Queue command",
	  .needs = NEED_QUEUES,
	  .fault = "create-sq-qid-unchecked create-sq-qid-reuse",
	  .run = create_sq_qid,
	  ROWS(create_qids) },
	{ .id = "create-size",
	  .rule = "Queues of two entries and of CAP.MQES + 1 can be created and work; one fewer or "
		  "one more cannot.",
	  .ref = "Base 2.0 Create I/O Completion Queue command, Create I/O Submission Queue "
		 "command; "
		 "Base 2.2 Queue Size",
	  .needs = NEED_QUEUES,
	  .fault = "qsize-zero-accepted qsize-unlimited",
	  .run = create_size,
	  ROWS(sizes) },
	{ .id = "create-sq-cqid-bad",
	  .rule = "A submission queue cannot be bound to the Admin Completion Queue nor to an "
		  "identifier that is not allocated.",
	  .ref = "Base 2.0 Create I/O Submission Queue command",
	  .needs = NEED_QUEUES,
	  .fault = "sq-cqid-zero-accepted sq-cqid-range-unchecked",
	  .run = create_sq_cqid_bad,
	  ROWS(cqids) },
	{ .id = "delete-bad-id",
	  .rule = "Deleting what is not an I/O queue fails and harms nothing.",
	  .ref = "Base 2.0 Delete I/O Submission Queue command, Delete I/O Completion Queue "
		 "command",
	  .needs = NEED_QUEUES,
	  .fault = "delete-sq-ignores-qid delete-cq-wrong-status",
	  .run = delete_bad_id,
	  ROWS(delete_qids) },
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
	{ .id = "count-after-create",
	  .rule = "Number of Queues cannot be set once an I/O queue was created.",
	  .ref = "Base 2.0 Number of Queues (Feature Identifier 07h)",
	  .needs = NEED_QUEUES,
	  .fault = "count-after-create-accepted",
	  .run = count_after_create,
	  ROWS(created) },
	{ .id = "all-pairs",
	  .rule = "All allocated queue pairs can exist and work at once, and no more than those.",
	  .ref = "Base 2.0 Number of Queues (Feature Identifier 07h)",
	  .needs = NEED_QUEUES,
	  .harm = HARM_DATA,
	  .fault = "too-few-queues",
	  .run = all_pairs },
};

SUITE(queue_suite, CONFORMANCE, "queue", cases);
