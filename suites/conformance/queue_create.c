// SPDX-License-Identifier: GPL-2.0-or-later
/* What a Create command may say of memory, vector and partner; how many queues may be asked for. */
#include <string.h>

#include "base/clock.h"
#include "device.h"
#include "queue_parts.h"

#define FID_COUNT 0x07
#define QUIET_NS  (2 * NS_PER_MS)
#define SOON_NS	  (2 * NS_PER_S)
#define POLL_NS	  (10 * NS_PER_US)
#define CREATE_PC 1u
#define MANY	  128u /* queues created to see that they can be: each takes memory */

static uint32_t few(struct rig *r)
{
	return rig_queue_fit(r, 4);
}

/* ---- the completion queue that is not there ---- */

static const struct missing_row {
	const char *name;
	bool deleted;
} missing[] = { { "never-created", false }, { "deleted", true } };

/* Before 2.0 the code was a "should" for every CQID that is no I/O Completion Queue. */
static void create_sq_cqid_missing(struct rig *r)
{
	const struct missing_row *row = rig_row(r);
	struct cq *cq = rig_cq_alloc(r, 1, few(r));
	struct sq *sq = rig_sq_alloc(r, 1, few(r), cq);
	struct cmd create_cq = cmd_create_cq(1, few(r), cq->mem->iova, false, 0);
	struct cpl cpl;

	rig_queue_count(r);
	if (row->deleted) {
		rig_admin_ok(r, create_cq);
		rig_admin_ok(r, cmd_delete_cq(1));
	}
	cpl = rig_admin(r, cmd_create_sq(1, few(r), sq->mem->iova, 1));
	if (rig_ctrl(r)->vs < VS(2, 0, 0))
		CHECK_STATUS(r, cpl, SC_CQ_INVALID, SC_QID_INVALID, SC_INVALID_FIELD);
	else
		CHECK_STATUS(r, cpl, SC_CQ_INVALID);
	CHECK_STATUS(r, rig_admin(r, create_cq), SC_SUCCESS);
	CHECK_STATUS(r, rig_admin(r, cmd_create_sq(1, few(r), sq->mem->iova, 1)), SC_SUCCESS);
	CHECK_STATUS(r, parts_read(r, sq), SC_SUCCESS);
}

/* ---- the interrupt vector ---- */

static const struct vector_row {
	const char *name;
	uint32_t vector; /* added to the messages that the function offers when `past` */
	bool past, ien;
} vectors[] = {
	{ "first-past", 0, true, true },
	{ "second-past", 1, true, true },
	{ "2048", 2048, false, true },
	{ "ffff", 0xffff, false, true },
	{ "no-interrupt-2048", 2048, false, false },
	{ "no-interrupt-ffff", 0xffff, false, false },
};

static unsigned messages(struct rig *r)
{
	unsigned cap = rig_pci_cap(r, CAP_MSIX);

	return cap ? (rig_cfg(r, cap + MSIX_CONTROL, 16) & 0x7ff) + 1 : 0;
}

/* The text says "greater than the number of messages"; the first one past the table equals it. */
static void create_cq_vector(struct rig *r)
{
	const struct vector_row *row = rig_row(r);
	struct ctrl_config cfg = ctrl_defaults(rig_ctrl_off(r));
	uint32_t vector = row->vector + (row->past ? messages(r) : 0);
	struct cpl cpl;

	cfg.use_irq = true;
	rig_ctrl_with(r, &cfg);
	rig_queue_count(r);
	cpl = rig_admin(r, cmd_create_cq(1, few(r), rig_cq_alloc(r, 1, few(r))->mem->iova, row->ien,
					 (uint16_t)vector));
	if (!row->ien)
		CHECK_STATUS(r, cpl, SC_SUCCESS);
	else
		CHECK_STATUS(r, cpl, SC_VECTOR_INVALID, SC_INVALID_FIELD);
}

/* ---- memory that begins inside a page ---- */

static const struct offset_row {
	const char *name;
	bool sq;
	unsigned offset; /* bytes; 0: half a page */
} offsets[] = {
	{ "cq-4", false, 4 }, { "cq-512", false, 512 }, { "cq-half-page", false, 0 },
	{ "sq-4", true, 4 },  { "sq-512", true, 512 },	{ "sq-half-page", true, 0 },
};

/* Not through cq_next(): its audit would take the case's own doings for the device's. */
static bool has_entry(struct rig *r, const void *at)
{
	const struct cqe *e = at;

	rig_wait(r, QUIET_NS);
	return le16_get(e->status) & CQE_PHASE;
}

/* The queue was made all the same: its first completion stands where the command said. */
static void check_cq_at(struct rig *r, struct buf *b, size_t offset)
{
	struct sq *sq = parts_sq(r, 1, few(r), rig_cq_alloc(r, 1, few(r)));

	rig_put(r, sq, parts_any_read(r));
	rig_ring(r, sq);
	CHECK_TRUE(r, has_entry(r, b->data + offset),
		   "a completion queue created at offset %zu of its page is at offset %zu", offset,
		   offset);
}

/* Flushes in both places; the CID tells which one was fetched. */
static void check_sq_at(struct rig *r, struct cq *cq, struct buf *b, size_t offset)
{
	struct sq *sq = rig_sq_alloc(r, 1, few(r), cq);
	struct sqe e = cmd_flush(rig_ns(r)->nsid).sqe;
	struct cqe *first = cq_slot(cq, 0);

	for (unsigned i = 0; i < 2; i++) {
		e.cid = le16_from((uint16_t)(0x100 + i));
		memcpy(b->data + i * offset, &e, sizeof(e));
	}
	sq_ring_value(sq, 1);
	CHECK_TRUE(r, has_entry(r, first) && le16_get(first->cid) == 0x101,
		   "a submission queue created at offset %zu of its page is fetched from there",
		   offset);
}

static void create_prp_offset(struct rig *r)
{
	const struct offset_row *row = rig_row(r);
	size_t page = rig_ctrl(r)->page, offset = row->offset ? row->offset : page / 2;
	struct buf *b = rig_buf(r, 2 * page);
	struct cq *cq = row->sq ? parts_cq(r, 1, few(r)) : NULL;
	uint64_t at = b->iova + offset;
	struct cpl cpl;

	memset(b->data, 0, b->len);
	rig_queue_count(r);
	cpl = rig_admin(r, row->sq ? cmd_create_sq(1, few(r), at, 1)
				   : cmd_create_cq(1, few(r), at, false, 0));
	ADVISE_STATUS(r, cpl, SC_PRP_OFFSET_INVALID, SC_INVALID_FIELD);
	if (cpl.status == SC_SUCCESS && row->sq)
		check_sq_at(r, cq, b, offset);
	else if (cpl.status == SC_SUCCESS)
		check_cq_at(r, b, offset);
}

/* ---- queues in pieces ---- */

static const char *cqr_clear(const struct facts *f)
{
	return CAP_CQR(f->cap) ? NULL : "CAP.CQR is 0: queues in pieces are allowed";
}

static const struct kind_row {
	const char *name;
	bool sq;
} kinds[] = { { "cq", false }, { "sq", true } };

static void create_pc0(struct rig *r)
{
	const struct kind_row *row = rig_row(r);
	size_t page = rig_ctrl(r)->page;
	struct buf *b = rig_buf(r, 2 * page);
	__le64 *list = (__le64 *)b->data;
	struct cmd create;

	memset(b->data, 0, b->len);
	list[0] = le64_from(b->iova + page);
	rig_queue_count(r);
	if (row->sq)
		parts_cq(r, 1, few(r));
	create = row->sq ? cmd_create_sq(1, few(r), b->iova, 1)
			 : cmd_create_cq(1, few(r), b->iova, false, 0);
	create.sqe.cdw11 = le32_from(le32_get(create.sqe.cdw11) & ~CREATE_PC);
	CHECK_STATUS(r, rig_admin(r, create), SC_INVALID_FIELD);
}

#define PIECES 3u

/* A queue of three pages that lie in descending order; the library keeps its own in one piece. */
struct pieces {
	size_t page;
	struct buf *b, *list;
};

static struct pieces make_pieces(struct rig *r, unsigned entry_bytes, uint32_t *ret_entries)
{
	size_t page = rig_ctrl(r)->page;
	struct pieces p = { page, rig_buf(r, PIECES * page), rig_buf(r, page) };

	*ret_entries = (uint32_t)(PIECES * page / entry_bytes);
	if (*ret_entries > rig_queue_max(r))
		rig_na(r, "CAP.MQES allows %u entries: fewer than three pages", rig_queue_max(r));
	memset(p.b->data, 0, p.b->len);
	for (unsigned i = 0; i < PIECES; i++)
		((__le64 *)p.list->data)[i] = le64_from(p.b->iova + (PIECES - 1 - i) * page);
	rig_queue_count(r);
	return p;
}

static uint8_t *piece_at(const struct pieces *p, size_t off)
{
	return p->b->data + (PIECES - 1 - off / p->page) * p->page + off % p->page;
}

static struct cmd in_pieces(struct cmd create)
{
	create.sqe.cdw11 = le32_from(le32_get(create.sqe.cdw11) & ~CREATE_PC);
	return create;
}

static void sq_in_pieces(struct rig *r)
{
	uint32_t entries;
	struct pieces p = make_pieces(r, sizeof(struct sqe), &entries);
	struct sq *q = rig_sq_alloc(r, 1, entries, parts_cq(r, 1, rig_queue_fit(r, 64)));
	struct cmd c = parts_any_read(r);

	REQUIRE_STATUS(r, rig_admin(r, in_pieces(cmd_create_sq(1, entries, p.list->iova, 1))),
		       SC_SUCCESS);
	for (uint64_t n = rig_pick(r, 2, 3, 20) * entries; n; n--) {
		size_t at = q->tail * sizeof(struct sqe);

		rig_put(r, q, c);
		memcpy(piece_at(&p, at), q->mem->data + at, sizeof(struct sqe));
		rig_ring(r, q);
		CHECK_STATUS(r, rig_next(r, q->cq), SC_SUCCESS);
	}
}

static void cq_in_pieces(struct rig *r)
{
	uint32_t entries;
	struct pieces p = make_pieces(r, sizeof(struct cqe), &entries);
	struct cq *cq = rig_cq_alloc(r, 1, entries);
	struct cmd c = parts_any_read(r);
	struct sq *q;

	REQUIRE_STATUS(r,
		       rig_admin(r, in_pieces(cmd_create_cq(1, entries, p.list->iova, false, 0))),
		       SC_SUCCESS);
	q = parts_sq(r, 1, rig_queue_fit(r, 8), cq);
	for (uint64_t n = rig_pick(r, 2, 3, 20) * entries; n; n--) {
		size_t at = cq->head * sizeof(struct cqe);
		uint64_t end = rig_now(r) + SOON_NS;
		struct cpl cpl;

		rig_put(r, q, c);
		rig_ring(r, q);
		while (!cq_ready(cq) && rig_now(r) < end) {
			rig_wait(r, POLL_NS);
			memcpy(cq->mem->data + at, piece_at(&p, at), sizeof(struct cqe));
		}
		REQUIRE_TRUE(r, cq_next(cq, &cpl), "entry %u of %u is in its piece", cq->head,
			     entries);
		CHECK_STATUS(r, cpl, SC_SUCCESS);
		cq_ring(cq);
	}
}

static void entry_with_offset(struct rig *r)
{
	uint32_t entries;
	struct pieces p = make_pieces(r, sizeof(struct cqe), &entries);
	__le64 *list = (__le64 *)p.list->data;

	list[1] = le64_from(le64_get(list[1]) + 4);
	ADVISE_STATUS(r, rig_admin(r, in_pieces(cmd_create_cq(1, entries, p.list->iova, false, 0))),
		      SC_PRP_OFFSET_INVALID, SC_INVALID_FIELD);
}

static const struct pieces_row {
	const char *name;
	void (*run)(struct rig *r);
} in_three[] = { { "sq", sq_in_pieces }, { "cq", cq_in_pieces }, { "offset", entry_with_offset } };

static const char *cqr_set(const struct facts *f)
{
	if (f->caps.fabrics)
		return "queues are made by Connect, which knows of no pieces";
	return CAP_CQR(f->cap) ? "CAP.CQR is 1: queues are in one piece" : NULL;
}

static void discontiguous(struct rig *r)
{
	const struct pieces_row *row = rig_row(r);

	row->run(r);
}

/* ---- how many ---- */

static const struct ask_row {
	const char *name;
	uint16_t nsq_z, ncq_z;
} asks[] = {
	{ "one", 0, 0 },
	{ "four", 3, 3 },
	{ "one-sq-four-cqs", 0, 3 },
	{ "four-sqs-one-cq", 3, 0 },
	{ "fffe", 0xfffe, 0xfffe },
};

static uint32_t set_count(struct rig *r, uint16_t nsq_z, uint16_t ncq_z)
{
	uint32_t v = (uint32_t)ncq_z << 16 | nsq_z;
	struct cpl cpl = rig_admin(r, cmd_set_features(FID_COUNT, false, 0, v));

	REQUIRE_STATUS(r, cpl, SC_SUCCESS);
	return cpl.dw0;
}

static uint32_t get_count(struct rig *r)
{
	return rig_admin_ok(r, cmd_get_features(FID_COUNT, 0, 0, 0)).dw0;
}

/* Every queue that was granted; the memory of one is the memory of all, for none is used. */
static void check_granted(struct rig *r, unsigned nsq, unsigned ncq)
{
	uint64_t memory = rig_buf(r, rig_ctrl(r)->page)->iova;

	for (unsigned i = 1; i <= ncq && i <= MANY; i++)
		CHECK_STATUS(r, rig_admin(r, cmd_create_cq((uint16_t)i, 2, memory, false, 0)),
			     SC_SUCCESS);
	for (unsigned i = 1; i <= nsq && i <= MANY; i++)
		CHECK_STATUS(r, rig_admin(r, cmd_create_sq((uint16_t)i, 2, memory, 1)), SC_SUCCESS);
}

static void count_semantics(struct rig *r)
{
	const struct ask_row *row = rig_row(r);
	uint32_t granted, again;

	rig_ctrl(r);
	granted = set_count(r, row->nsq_z, row->ncq_z);
	CHECK_EQ(r, "Number of Queues as Get Features tells it", get_count(r), granted);
	again = set_count(r, !row->nsq_z, !row->ncq_z);
	CHECK_EQ(r, "allocation after a second request before a reset", again, granted);
	CHECK_TRUE(r, (granted & 0xffff) != 0xffff && granted >> 16 != 0xffff,
		   "NSQA %04Xh and NCQA %04Xh are counts from 0 to FFFEh", granted & 0xffff,
		   granted >> 16);
	check_granted(r, (granted & 0xffff) + 1, (granted >> 16) + 1);
}

static const struct ask_row too_many[] = { { "nsqr", 0xffff, 0 }, { "ncqr", 0, 0xffff } };

static void count_ffff(struct rig *r)
{
	const struct ask_row *row = rig_row(r);
	uint32_t v = (uint32_t)row->ncq_z << 16 | row->nsq_z;

	CHECK_STATUS(r, rig_admin(r, cmd_set_features(FID_COUNT, false, 0, v)), SC_INVALID_FIELD);
}

static const struct rig_case cases[] = {
	{ .id = "create-sq-cqid-missing",
	  .rule = "A submission queue cannot be bound to a completion queue that does not exist.",
	  .ref = "Base 2.0 Create I/O Submission Queue command; Base 2.3 Create I/O Submission "
		 "Queue",
	  .needs = NEED_QUEUES,
	  .fault = "sq-cqid-missing-accepted",
	  .run = create_sq_cqid_missing,
	  ROWS(missing) },
	{ .id = "create-cq-vector",
	  .rule = "A completion queue that interrupts by a vector that does not exist should be "
		  "refused; without interrupts the vector means nothing.",
	  .ref = "PCIe Transport 1.0 Queue Model Instantiation",
	  .needs = NEED_QUEUES | NEED_CONFIG | NEED_IRQ,
	  .level = SHOULD,
	  .fault = "cq-vector-unchecked",
	  .run = create_cq_vector,
	  ROWS(vectors) },
	{ .id = "create-prp-offset",
	  .rule = "Memory of a queue that begins inside a page should be refused, and is never "
		  "taken for the page.",
	  .ref = "Base 2.0 Create I/O Completion Queue command, Create I/O Submission Queue "
		 "command; Base 2.3 Physical Region Page Entry and List",
	  .needs = NEED_QUEUES,
	  .fault = "queue-prp-offset-masked",
	  .run = create_prp_offset,
	  ROWS(offsets) },
	{ .id = "create-pc0-cqr1",
	  .rule = "Where CAP.CQR is 1 a queue in pieces is refused.",
	  .ref = "Base 2.0 Create I/O Completion Queue command, Create I/O Submission Queue "
		 "command",
	  .needs = NEED_QUEUES,
	  .fault = "pc-zero-accepted",
	  .na = cqr_clear,
	  .run = create_pc0,
	  ROWS(kinds) },
	{ .id = "discontiguous",
	  .rule = "Where CAP.CQR is 0 a queue in pieces works lap after lap.",
	  .ref = "Base 2.0 Create I/O Submission Queue command; Base 2.2 CAP.CQR, Physical Region "
		 "Page Entry and List",
	  .needs = NEED_QUEUES,
	  .fault = "queue-pieces-in-a-row",
	  .na = cqr_set,
	  .run = discontiguous,
	  ROWS(in_three) },
	{ .id = "count-semantics",
	  .rule = "Number of Queues answers with what is allocated, at least one of each, which "
		  "stays until a reset and can be created.",
	  .ref = "Base 2.0 Number of Queues (Feature Identifier 07h); Base 2.2 Number of Queues",
	  .needs = NEED_QUEUES,
	  .fault = "queue-count-get-differs queue-count-changes too-few-queues",
	  .run = count_semantics,
	  ROWS(asks) },
	{ .id = "count-ffff",
	  .rule = "A request for 65,536 queues should be refused.",
	  .ref = "Base 2.0 Number of Queues (Feature Identifier 07h)",
	  .needs = NEED_QUEUES,
	  .level = SHOULD,
	  .fault = "queue-count-ffff-accepted",
	  .run = count_ffff,
	  ROWS(too_many) },
};

SUITE(queue_create_suite, CONFORMANCE, "queue", cases);
