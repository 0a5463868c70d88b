// SPDX-License-Identifier: GPL-2.0-or-later
/* Identifiers, sizes and number of queues. */

#include "queue_parts.h"

#define FID_COUNT  0x07
#define FIRST_LBA  64u
#define PAIRS_MOST 128u /* all-pairs: more would need more memory than a target may have */

/* Entries of a queue that is only there to exist. */
static uint32_t few(struct rig *r)
{
	return rig_queue_fit(r, 4);
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
		if (queue_pair_delete(rig_queue_pair(r, second(r), few(r))))
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

	CHECK_STATUS(r, rig_admin(r, cmd_create_cq(qid, few(r), memory, false, 0)), SC_QID_INVALID,
		     SC_INVALID_FIELD);
	CHECK_STATUS(r, parts_read(r, q), SC_SUCCESS);
}

static void create_sq_qid(struct rig *r)
{
	const struct qid_row *row = rig_row(r);
	struct sq *q = rig_queue(r);
	uint64_t memory = rig_buf(r, rig_ctrl(r)->page)->iova;
	uint16_t qid = qid_of(r, row->kind, true);

	CHECK_STATUS(r, rig_admin(r, cmd_create_sq(qid, few(r), memory, 1)), SC_QID_INVALID,
		     SC_INVALID_FIELD);
	CHECK_STATUS(r, parts_read(r, q), SC_SUCCESS);
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
	struct cq *cq = rig_cq_alloc(r, 1, few(r));
	struct sq *sq = rig_sq_alloc(r, 1, few(r), cq);
	struct cpl cpl;

	rig_admin_ok(r, cmd_create_cq(1, few(r), cq->mem->iova, false, 0));
	cpl = rig_admin(r, cmd_create_sq(1, few(r), sq->mem->iova, cqid));
	if (rig_ctrl(r)->vs < VS(2, 0, 0))
		CHECK_STATUS(r, cpl, SC_QID_INVALID, SC_CQ_INVALID, SC_INVALID_FIELD);
	else
		CHECK_STATUS(r, cpl, SC_QID_INVALID);
	CHECK_STATUS(r, rig_admin(r, cmd_create_sq(1, few(r), sq->mem->iova, 1)), SC_SUCCESS);
	CHECK_STATUS(r, parts_read(r, sq), SC_SUCCESS);
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
	CHECK_STATUS(r, parts_read(r, q), SC_SUCCESS);
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
	struct cq *cq = rig_cq_alloc(r, 1, row->sq ? few(r) : fine);
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
	for (unsigned i = 0; i < 9; i++)
		CHECK_STATUS(r, parts_read(r, sq), SC_SUCCESS);
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

/* ---- how many ---- */

static const struct count_row {
	const char *name;
	bool pair;
} created[] = { { "cq-alone", false }, { "pair", true } };

static void count_after_create(struct rig *r)
{
	const struct count_row *row = rig_row(r);
	struct cq *cq = rig_cq_alloc(r, 1, few(r));
	struct sq *sq = rig_sq_alloc(r, 1, few(r), cq);
	uint32_t count = rig_queue_count(r) > 1 ? 0 : 0x00010001, before;

	before = rig_admin_ok(r, cmd_get_features(FID_COUNT, 0, 0, 0)).dw0;
	rig_admin_ok(r, cmd_create_cq(1, few(r), cq->mem->iova, false, 0));
	if (row->pair)
		rig_admin_ok(r, cmd_create_sq(1, few(r), sq->mem->iova, 1));
	CHECK_STATUS(r, rig_admin(r, cmd_set_features(FID_COUNT, false, 0, count)),
		     SC_SEQUENCE_ERROR);
	CHECK_EQ(r, "Number of Queues afterwards",
		 rig_admin_ok(r, cmd_get_features(FID_COUNT, 0, 0, 0)).dw0, before);
}

static struct sq *create_one(struct rig *r, uint16_t qid)
{
	struct cq *cq = rig_cq_alloc(r, qid, few(r));
	struct sq *sq = rig_sq_alloc(r, qid, few(r), cq);

	REQUIRE_STATUS(r, rig_admin(r, cmd_create_cq(qid, few(r), cq->mem->iova, false, 0)),
		       SC_SUCCESS);
	REQUIRE_STATUS(r, rig_admin(r, cmd_create_sq(qid, few(r), sq->mem->iova, qid)), SC_SUCCESS);
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

	CHECK_STATUS(r, rig_admin(r, cmd_create_cq(past(r, false), few(r), memory, false, 0)),
		     SC_QID_INVALID, SC_INVALID_FIELD);
	CHECK_STATUS(r, rig_admin(r, cmd_create_sq(past(r, true), few(r), memory, 1)),
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
