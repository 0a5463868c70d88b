// SPDX-License-Identifier: GPL-2.0-or-later
/* How commands flow through one queue pair: sizes, batches, identifiers, what an entry holds. */
#include <string.h>

#include "base/clock.h"
#include "queue_parts.h"

#define SOON_NS	  (2 * NS_PER_S)
#define QUIET_NS  (2 * NS_PER_MS)
#define POLL_NS	  (10 * NS_PER_US)
#define FIRST_LBA 192u

/* Takes n completions, whose head is told once for all that are there at a time. */
static void reap(struct rig *r, struct cq *q, unsigned n)
{
	uint64_t end = rig_now(r) + SOON_NS;
	struct cpl cpl;

	while (n) {
		unsigned got = 0;

		for (; n && cq_next(q, &cpl); n--, got++)
			CHECK_STATUS(r, cpl, SC_SUCCESS);
		if (got)
			cq_ring(q);
		if (n && !got) {
			REQUIRE_TRUE(r, rig_now(r) < end,
				     "completion queue of %u goes on: %u completions are missing",
				     q->size, n);
			rig_wait(r, POLL_NS);
		}
	}
}

/* Nothing is left over, and nothing came too much. */
static void check_even(struct rig *r, const struct sq *q)
{
	CHECK_EQ(r, "commands without a completion", q->inflight, 0);
	CHECK_EQ(r, "SQHD when every command has completed", q->head, q->tail);
	CHECK_TRUE(r, !cq_ready(q->cq), "no completion without a command");
}

static void run_batch(struct rig *r, struct sq *q, const struct cmd *c, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		rig_put(r, q, *c);
	rig_ring(r, q);
	reap(r, q->cq, n);
}

/* ---- sizes ---- */

static const struct sizes_row {
	const char *name;
	uint32_t sq, cq;
} odd[] = { { "3-7", 3, 7 }, { "7-3", 7, 3 }, { "1023-5", 1023, 5 }, { "5-1023", 5, 1023 } };

static void odd_sizes(struct rig *r)
{
	const struct sizes_row *row = rig_row(r);
	struct cq *cq = parts_cq(r, 1, rig_queue_fit(r, row->cq));
	struct sq *q = parts_sq(r, 1, rig_queue_fit(r, row->sq), cq);
	struct cmd c = parts_any_read(r);
	uint32_t larger = q->size > cq->size ? q->size : cq->size;
	unsigned n;

	for (uint64_t left = rig_pick(r, 2, 3, 30) * larger; left; left -= n) {
		n = 1 + (unsigned)rig_rand_below(r, q->size - 1);
		n = n < left ? n : (unsigned)left;
		run_batch(r, q, &c, n);
	}
	check_even(r, q);
}

/* ---- one doorbell for many ---- */

#define BATCH_ENTRIES 11u

static void batch_doorbell(struct rig *r)
{
	struct sq *q = rig_queue_pair(r, 1, rig_queue_fit(r, BATCH_ENTRIES));
	struct cmd c = parts_any_read(r);

	for (uint64_t left = rig_pick(r, 100, 600, 20000); left; left--) {
		unsigned most = q->size - 1;

		run_batch(r, q, &c, left % 4 ? 1 + (unsigned)rig_rand_below(r, most) : most);
		check_even(r, q);
	}
}

/* ---- what lies behind the tail ---- */

#define TRAPS	 6u
#define TRAP_TAG 0x7a9u
#define KEPT_TAG 0x11u

/* Writes in every free slot, none of them rung: each would spoil a block of its own. */
static void set_traps(struct rig *r, struct sq *q, struct buf *marker)
{
	const struct facts_ns *ns = rig_ns(r);

	for (uint32_t i = 0; i < q->size - 1; i++) {
		struct cmd c = cmd_write(ns->nsid, FIRST_LBA + i % TRAPS, 1, NULL, ns->lba_bytes);
		struct sqe *slot = sq_slot(q, (q->tail + i) % q->size);

		rig_prp(r, &c, marker, i % TRAPS * (size_t)ns->lba_bytes, ns->lba_bytes);
		c.sqe.cid = le16_from((uint16_t)(0x7000 + i));
		*slot = c.sqe;
	}
}

static void write_kept(struct rig *r, struct sq *q, void *data)
{
	const struct facts_ns *ns = rig_ns(r);

	for (unsigned i = 0; i < TRAPS; i++) {
		struct cmd c = cmd_write(ns->nsid, FIRST_LBA + i, 1, data, ns->lba_bytes);

		rig_stamp(data, FIRST_LBA + i, 1, ns->lba_bytes, KEPT_TAG);
		rig_io_ok(r, q, c);
	}
}

/* The Read that looks is itself the one entry in front of the traps. */
static void tail_respected(struct rig *r)
{
	const struct facts_ns *ns = rig_ns(r);
	uint32_t bytes = ns->lba_bytes;
	struct sq *q = rig_queue_pair(r, 1, rig_queue_fit(r, 8));
	struct buf *marker = rig_buf(r, TRAPS * (size_t)bytes);
	void *data = rig_mem(r, bytes);

	rig_stamp(marker->data, FIRST_LBA, TRAPS, bytes, TRAP_TAG);
	write_kept(r, q, data);
	for (uint64_t n = rig_pick(r, 4, 10, 200) * TRAPS; n; n--) {
		uint64_t lba = FIRST_LBA + n % TRAPS;

		set_traps(r, q, marker);
		CHECK_STATUS(r, rig_io(r, q, cmd_read(ns->nsid, lba, 1, data, bytes)), SC_SUCCESS);
		CHECK_STAMP(r, data, lba, 1, bytes, KEPT_TAG);
		rig_wait(r, n % TRAPS ? 0 : QUIET_NS);
		CHECK_TRUE(r, !cq_ready(q->cq), "no entry behind the tail is completed");
	}
}

/* ---- command identifiers ---- */

#define CIDS 0xffffu /* FFFFh is one that a host should not use */

/* The edges of every power of two, and in between as many as the effort asks for. */
static bool is_chosen(uint32_t cid, uint64_t step)
{
	return cid % step == 0 || !(cid & (cid - 1)) || !(cid & (cid + 1)) || cid == CIDS - 1;
}

/* One identifier on every queue at once; the audit knows each completion's queue and identifier. */
static void put_cid(struct rig *r, struct sq **q, unsigned n, const struct cmd *c, uint16_t cid)
{
	for (unsigned i = 0; i < n; i++) {
		if (!sq_room(q[i])) {
			rig_ring(r, q[i]);
			reap(r, q[i]->cq, q[i]->inflight);
			check_even(r, q[i]);
		}
		sq_put_as(q[i], &c->sqe, cid);
	}
}

static void cid_values(struct rig *r)
{
	uint64_t step = rig_pick(r, 251, 23, 1);
	unsigned n = rig_queue_count(r) > 1 ? 2 : 1;
	struct cmd c = parts_any_read(r);
	struct sq *q[2];

	for (unsigned i = 0; i < n; i++)
		q[i] = rig_queue_pair(r, (uint16_t)(i + 1), rig_queue_fit(r, 64));
	for (uint32_t cid = 0; cid < CIDS; cid++)
		if (is_chosen(cid, step))
			put_cid(r, q, n, &c, (uint16_t)cid);
	for (unsigned i = 0; i < n; i++) {
		rig_ring(r, q[i]);
		reap(r, q[i]->cq, q[i]->inflight);
		check_even(r, q[i]);
	}
	/* at once again, and one after the other */
	for (unsigned i = 0; i < 16; i++) {
		sq_put_as(q[0], &c.sqe, (uint16_t)(i / 4));
		rig_ring(r, q[0]);
		CHECK_EQ(r, "CID used again at once", rig_next(r, q[0]->cq).cid, i / 4);
	}
}

#define TWICE 0x5aa5

/* How far a controller searches is its own business; the command is completed one way or other. */
static void cid_duplicate(struct rig *r)
{
	struct sq *asq = rig_ctrl(r)->asq;
	struct buf *b = rig_buf(r, 4096);
	struct cmd c = cmd_identify(NVME_IDENTIFY_CNS_CTRL, 0, NULL), aer = cmd_aer();
	struct cpl cpl;

	rig_prp(r, &c, b, 0, b->len);
	sq_put_as(asq, &aer.sqe, TWICE);
	rig_ring(r, asq);
	rig_wait(r, QUIET_NS);
	sq_put_as(asq, &c.sqe, TWICE);
	rig_ring(r, asq);
	REQUIRE_TRUE(r, rig_try(r, asq->cq, &cpl, SOON_NS),
		     "a command whose CID is in use completes");
	ADVISE_STATUS(r, cpl, SC_CID_CONFLICT, SC_SUCCESS);
	CHECK_EQ(r, "CID of the completion", cpl.cid, TWICE);
	for (uint32_t n = 2 * asq->size; n; n--)
		CHECK_STATUS(r, rig_admin(r, cmd_get_features(NVME_FEAT_FID_NUM_QUEUES, 0, 0, 0)),
			     SC_SUCCESS);
	rig_reset(r); /* the event request goes */
}

/* ---- what an entry holds ---- */

static void check_empty(struct rig *r, const char *name, struct cpl cpl)
{
	CHECK_STATUS_OF(r, name, cpl, SC_SUCCESS);
	CHECK_TRUE(r, !cpl.dw0, "%s: Dword 0 is reserved, got %08Xh", name, cpl.dw0);
	CHECK_TRUE(r, !cpl.dw1, "%s: Dword 1 is reserved, got %08Xh", name, cpl.dw1);
	CHECK_TRUE(r, !cpl.dnr && !cpl.crd, "%s: success with DNR %u, CRD %u", name, cpl.dnr,
		   cpl.crd);
	if (cpl.more)
		rig_note(r, "%s succeeds with More set", name);
}

/* Commands that give Dword 0 no meaning. */
static void cqe_reserved(struct rig *r)
{
	const struct facts_ns *ns = rig_ns(r);
	struct sq *q = rig_queue(r);
	void *data = rig_mem(r, ns->lba_bytes > 4096 ? ns->lba_bytes : 4096);
	uint32_t bytes = ns->lba_bytes;

	check_empty(r, "Read", rig_io(r, q, cmd_read(ns->nsid, FIRST_LBA, 1, data, bytes)));
	check_empty(r, "Write", rig_io(r, q, cmd_write(ns->nsid, FIRST_LBA, 1, data, bytes)));
	check_empty(r, "Flush", rig_io(r, q, cmd_flush(ns->nsid)));
	check_empty(r, "Identify",
		    rig_admin(r, cmd_identify(NVME_IDENTIFY_CNS_NS, ns->nsid, data)));
	check_empty(r, "Get Log Page",
		    rig_admin(r, cmd_get_log(NVME_LOG_LID_SMART, NSID_ALL, 0, data, 512)));
	if (queue_pair_delete(q))
		rig_broken(r, "set-up: the queue pair cannot be deleted");
	q = rig_sq_alloc(r, 1, 2, rig_cq_alloc(r, 1, 2));
	check_empty(r, "Create I/O Completion Queue",
		    rig_admin(r, cmd_create_cq(1, 2, q->cq->mem->iova, false, 0)));
	check_empty(r, "Create I/O Submission Queue",
		    rig_admin(r, cmd_create_sq(1, 2, q->mem->iova, 1)));
	check_empty(r, "Delete I/O Submission Queue", rig_admin(r, cmd_delete_sq(1)));
	check_empty(r, "Delete I/O Completion Queue", rig_admin(r, cmd_delete_cq(1)));
}

static const struct rig_case cases[] = {
	{ .id = "odd-sizes",
	  .rule = "Queues of sizes that are unequal and no powers of two wrap each at its own.",
	  .ref = "Base 2.0 Queueing Data Structures; Base 2.2 Queue Size",
	  .needs = NEED_QUEUES,
	  .fault = "phase-not-inverted-odd-size cqe-slot-skipped",
	  .run = odd_sizes,
	  ROWS(odd) },
	{ .id = "batch-doorbell",
	  .rule = "One tail write for any number of entries, across the wrap too, completes each "
		  "command once.",
	  .ref = "Base 2.0 Queue Usage; Base 2.2 Queue Usage",
	  .needs = NEED_QUEUES,
	  .fault = "batch-cut-at-wrap",
	  .run = batch_doorbell },
	{ .id = "tail-respected",
	  .rule = "Entries at and behind the tail are not executed.",
	  .ref = "Base 2.0 Queue Usage; Base 2.2 Queue Usage",
	  .needs = NEED_QUEUES,
	  .harm = HARM_DATA,
	  .fault = "tail-beyond-fetched",
	  .run = tail_respected },
	{ .id = "cid-values",
	  .rule = "Every command identifier comes back as it was sent, from each queue its own, "
		  "and may be used again at once.",
	  .ref = "Base 2.0 Submission Queue Entry; Base 2.2 Command Dword 0",
	  .needs = NEED_QUEUES,
	  .fault = "cid-high-bit-lost",
	  .run = cid_values },
	{ .id = "cid-duplicate",
	  .rule = "A command whose identifier is in use is completed, with Command ID Conflict or "
		  "for what it is.",
	  .ref = "Base 2.0 Submission Queue Entry; Base 2.2 Generic Command Status Definition",
	  .needs = NEED_QUEUES,
	  .fault = "cid-duplicate-hangs",
	  .run = cid_duplicate },
	{ .id = "cqe-reserved",
	  .rule = "Dwords of a completion that the command gives no meaning are 0, and success "
		  "asks for no retry.",
	  .ref = "Base 2.2 Completion Queue Entry, Status Field Definition",
	  .needs = NEED_QUEUES,
	  .harm = HARM_DATA,
	  .level = SHOULD,
	  .fault = "cqe-stale-dwords",
	  .run = cqe_reserved },
};

SUITE(queue_flow_suite, CONFORMANCE, "queue", cases);
