// SPDX-License-Identifier: GPL-2.0-or-later
/* What happens on queues: slots, phase, head and tail, doorbells. */
#include <string.h>

#include "base/clock.h"
#include "queue_parts.h"

#define FIRST_LBA 128u
#define SOON_NS	  (2 * NS_PER_S)  /* what must come comes by then */
#define QUIET_NS  (2 * NS_PER_MS) /* what must not come would have come by then */
#define POLL_NS	  (10 * NS_PER_US)

/* ---- slots and phase ---- */

#define LAP_DEPTH 64u

static const struct lap_row {
	const char *name;
	uint32_t entries; /* 0: as many as the controller has */
} laps[] = { { "2", 2 }, { "3", 3 }, { "5", 5 }, { "64", 64 }, { "mqes", 0 } };

/* The slot at the head as it was the moment its phase was seen, read once. */
static struct cqe first_sight(struct rig *r, struct cq *q)
{
	uint64_t end = rig_now(r) + SOON_NS;

	while (!cq_ready(q)) {
		if (rig_now(r) >= end)
			rig_fail(r,
				 "slot %u of CQ of %u entries never got phase %u: slot %u has %u",
				 q->head, q->size, q->phase, (q->head + 1) % q->size,
				 le16_get(cq_slot(q, (q->head + 1) % q->size)->status) & 1);
		rig_wait(r, POLL_NS);
	}
	return *cq_slot(q, q->head);
}

/* Other bytes than any CQE has, the phase kept: a half-filled entry shows them. */
static void poison_slot(struct cqe *e)
{
	uint8_t phase = le16_get(e->status) & CQE_PHASE;

	memset(e, 0xa5, sizeof(*e));
	e->status = le16_from((uint16_t)(0xa5a4 | phase));
}

/* n commands at once; each slot as first seen must be what it is when all have come. */
static void lap_part(struct rig *r, struct sq *q, const struct cmd *c, uint32_t n)
{
	uint32_t begin = q->cq->head;
	struct cqe seen[LAP_DEPTH];
	struct cpl cpl;

	for (uint32_t i = 0; i < n; i++)
		rig_put(r, q, *c);
	rig_ring(r, q);
	for (uint32_t i = 0; i < n; i++) {
		seen[i] = first_sight(r, q->cq);
		cq_next(q->cq, &cpl);
		CHECK_STATUS(r, cpl, SC_SUCCESS);
	}
	rig_wait(r, POLL_NS);
	for (uint32_t i = 0; i < n; i++) {
		struct cqe *slot = cq_slot(q->cq, (begin + i) % q->cq->size);

		CHECK_MEM(r, "completion queue entry, first sight and later", &seen[i], slot,
			  sizeof(*slot));
		poison_slot(slot);
	}
	CHECK_TRUE(r, !cq_ready(q->cq), "no completion without a command");
	cq_ring(q->cq);
}

static void wrap_phase(struct rig *r)
{
	const struct lap_row *row = rig_row(r);
	uint32_t entries = row->entries ? row->entries : rig_queue_max(r);
	uint32_t depth = entries < LAP_DEPTH ? entries : LAP_DEPTH, n;
	struct cq *cq;
	struct sq *q;
	struct cmd c;

	if (entries > rig_queue_max(r))
		rig_na(r, "CAP.MQES allows %u entries", rig_queue_max(r));
	cq = parts_cq(r, 1, entries);
	q = parts_sq(r, 1, depth, cq);
	c = parts_any_read(r);
	for (uint64_t left = rig_pick(r, row->entries ? 5 : 2, 5, 50) * entries; left; left -= n) {
		n = 1 + (uint32_t)rig_rand_below(r, depth - 1);
		n = n < left ? n : (uint32_t)left;
		lap_part(r, q, &c, n);
	}
}

/* ---- a full completion queue ---- */

/* Waits for n unconsumed entries, then a while for one too many. */
static void check_posted(struct rig *r, struct cq *q, uint32_t n, uint64_t quiet_ns)
{
	uint64_t end = rig_now(r) + SOON_NS;

	while (parts_posted(q) < n && rig_now(r) < end)
		rig_wait(r, POLL_NS);
	rig_wait(r, quiet_ns);
	REQUIRE_EQ(r, "unconsumed completions in the completion queue of 4", parts_posted(q), n);
}

static void fill_queue(struct rig *r, struct sq *q)
{
	struct cmd c = parts_any_read(r);

	while (sq_room(q))
		rig_put(r, q, c);
	rig_ring(r, q);
}

static void cq_full(struct rig *r)
{
	struct cq *cq = parts_cq(r, 1, rig_queue_fit(r, 4));
	struct sq *q = parts_sq(r, 1, rig_queue_fit(r, 64), cq);
	uint32_t room = cq->size - 1, all = q->size - 1;
	struct cpl cpl;

	fill_queue(r, q);
	for (uint32_t left = all; left; left--) {
		check_posted(r, cq, left < room ? left : room, left == all ? QUIET_NS : 0);
		cq_next(cq, &cpl);
		CHECK_STATUS(r, cpl, SC_SUCCESS);
		cq_ring(cq);
	}
	rig_wait(r, QUIET_NS);
	CHECK_EQ(r, "completions after the last", parts_posted(cq), 0);
	CHECK_EQ(r, "commands without a completion", q->inflight, 0);
}

/* ---- submission queue head ---- */

/* Checks SQHD against the last one and the tail, then rewrites the slots it has set free. */
static void check_sqhd(struct rig *r, struct sq *q, uint32_t was, const struct cpl *cpl)
{
	uint32_t moved = (cpl->sqhd + q->size - was) % q->size;
	uint32_t most = (q->rung + q->size - was) % q->size;

	CHECK_TRUE(r, cpl->sqhd < q->size && moved <= most,
		   "SQHD %u lies in the queue of %u, between the last %u and the tail %u",
		   cpl->sqhd, q->size, was, q->rung);
	for (uint32_t i = 0; i < moved && moved <= most; i++)
		memset(sq_slot(q, (was + i) % q->size), 0xff, sizeof(struct sqe));
}

static void sqhd(struct rig *r)
{
	struct cq *cq = parts_cq(r, 1, rig_queue_fit(r, 16));
	struct sq *q = parts_sq(r, 1, rig_queue_fit(r, 7), cq);
	struct cmd c = parts_any_read(r);

	for (uint64_t n = rig_pick(r, 40, 300, 20000); n; n--) {
		uint64_t batch = 1 + rig_rand_below(r, q->size - 1);

		for (uint64_t i = 0; i < batch; i++)
			rig_put(r, q, c);
		rig_ring(r, q);
		for (uint64_t i = 0; i < batch; i++) {
			uint32_t was = q->head;
			struct cpl cpl = rig_next(r, cq);

			CHECK_STATUS(r, cpl, SC_SUCCESS);
			check_sqhd(r, q, was, &cpl);
		}
		CHECK_EQ(r, "SQHD when every command has completed", q->head, q->tail);
	}
}

/* ---- several submission queues, one completion queue ---- */

#define SHARED_MOST 8u
#define EACH	    6u /* blocks of its own for each queue */

static const char *one_sq(const struct facts *f)
{
	return f->nsq < 2 ? "the controller allocates one I/O submission queue" : NULL;
}

struct shared {
	struct sq *q[SHARED_MOST];
	unsigned n;
	struct buf *data; /* EACH blocks a queue */
};

/* Sizes and fill levels differ from queue to queue, so that another queue's SQHD is a wrong one. */
static unsigned load_of(const struct shared *s, unsigned i, uint64_t round)
{
	return 1 + (unsigned)(i + round) % (s->q[i]->size - 1 < EACH ? s->q[i]->size - 1 : EACH);
}

/* The same CIDs on every queue. */
static unsigned submit_shared(struct rig *r, struct shared *s, uint64_t round)
{
	uint32_t bytes = rig_ns(r)->lba_bytes;
	unsigned all = 0;

	for (unsigned i = 0; i < s->n; i++) {
		unsigned load = load_of(s, i, round);

		for (unsigned k = 0; k < load; k++) {
			size_t at = i * EACH + k;
			struct cmd c = parts_read_cmd(r, FIRST_LBA + at, s->data, at * bytes);

			sq_put_as(s->q[i], &c.sqe, (uint16_t)k);
		}
		all += load;
	}
	for (unsigned i = 0; i < s->n; i++)
		rig_ring(r, s->q[i]);
	return all;
}

static void check_shared(struct rig *r, struct shared *s, uint64_t round)
{
	uint32_t bytes = rig_ns(r)->lba_bytes;

	for (unsigned i = 0; i < s->n; i++) {
		size_t at = i * EACH;

		CHECK_EQ(r, "commands of the queue without a completion", s->q[i]->inflight, 0);
		CHECK_EQ(r, "the queue's own SQHD at the end", s->q[i]->head, s->q[i]->tail);
		CHECK_STAMP(r, s->data->data + at * bytes, FIRST_LBA + at, load_of(s, i, round),
			    bytes, 7);
	}
}

/* By the first queue while it is alone: nothing is shared yet. */
static void write_blocks(struct rig *r, struct shared *s)
{
	const struct facts_ns *ns = rig_ns(r);
	void *data = rig_mem(r, ns->lba_bytes);

	for (unsigned i = 0; i < s->n * EACH; i++) {
		struct cmd c = cmd_write(ns->nsid, FIRST_LBA + i, 1, data, ns->lba_bytes);

		rig_stamp(data, FIRST_LBA + i, 1, ns->lba_bytes, 7);
		rig_io_ok(r, s->q[0], c);
	}
}

static void prepare_shared(struct rig *r, struct shared *s)
{
	struct cq *cq = parts_cq(r, 1, rig_queue_fit(r, 64));
	unsigned n = rig_ctrl(r)->nsq;

	s->n = n < SHARED_MOST ? n : SHARED_MOST;
	s->data = rig_buf(r, (size_t)s->n * EACH * rig_ns(r)->lba_bytes);
	for (unsigned i = 0; i < s->n; i++) {
		s->q[i] = parts_sq(r, (uint16_t)(i + 1), rig_queue_fit(r, 3 + i), cq);
		if (i == 0)
			write_blocks(r, s);
	}
}

static void many_sq_one_cq(struct rig *r)
{
	struct shared s;

	prepare_shared(r, &s);
	for (uint64_t round = rig_pick(r, 10, 80, 5000); round; round--) {
		unsigned all;

		buf_poison(s.data, (uint8_t)round);
		all = submit_shared(r, &s, round);
		while (all--)
			CHECK_STATUS(r, rig_next(r, s.q[0]->cq), SC_SUCCESS);
		check_shared(r, &s, round);
	}
}

/* ---- an impossible tail ---- */

static const struct tail_row {
	const char *name;
	uint32_t past; /* added to the size, unless `value` */
	uint32_t value;
} tails[] = { { "size", 0, 0 }, { "size-plus-1", 1, 0 }, { "ffff", 0, 0xffff } };

/* A queue so treated may be dead; deleted and created again it lives. */
static void check_revived(struct rig *r, struct sq *q, struct cmd c)
{
	REQUIRE_STATUS(r, rig_admin(r, cmd_delete_sq(q->qid)), SC_SUCCESS);
	sq_reset(q);
	REQUIRE_STATUS(r, rig_admin(r, cmd_create_sq(q->qid, q->size, q->mem->iova, q->cq->qid)),
		       SC_SUCCESS);
	CHECK_STATUS(r, rig_io(r, q, c), SC_SUCCESS);
}

static void db_sq_invalid(struct rig *r)
{
	const struct tail_row *row = rig_row(r);
	struct sq *q = rig_queue_pair(r, 1, rig_queue_fit(r, 8)), *other = NULL;
	struct cmd c = parts_any_read(r);

	if (rig_queue_count(r) > 1)
		other = rig_queue_pair(r, 2, q->size);
	rig_aer_held(r);
	parts_fill_slots(q, &c);
	sq_ring_value(q, row->value ? row->value : q->size + row->past);
	rig_wait(r, QUIET_NS);
	CHECK_TRUE(r, !cq_ready(q->cq), "nothing runs on the queue with the invalid tail");
	parts_check_event(r, PARTS_EVENT_BAD_VALUE);
	for (unsigned i = 0; other && i < 16; i++)
		CHECK_STATUS(r, rig_io(r, other, c), SC_SUCCESS);
	check_revived(r, q, c);
}

static const struct rig_case cases[] = {
	{ .id = "many-sq-one-cq",
	  .rule = "Completions of several submission queues on one completion queue carry their "
		  "own "
		  "queue's identifier, CID and head.",
	  .ref = "Base 2.0 Completion Queue Entry; Base 2.2 Completion Queue Entry, NVM Queue "
		 "Models",
	  .needs = NEED_QUEUES,
	  .harm = HARM_DATA,
	  .fault = "cqe-wrong-sqid-when-shared sqhd-of-other-sq too-few-queues",
	  .na = one_sq,
	  .run = many_sq_one_cq },
	{ .id = "wrap-phase",
	  .rule = "Completions fill the slots in order, lap after lap, with the phase inverted "
		  "each "
		  "lap and written last.",
	  .ref = "Base 2.0 Phase Tag; Base 2.2 Phase Tag, Completion Queue Entry",
	  .needs = NEED_QUEUES,
	  .fault = "phase-not-inverted-odd-size phase-before-rest cqe-slot-skipped qsize-one-based",
	  .run = wrap_phase,
	  ROWS(laps) },
	{ .id = "cq-full",
	  .rule = "A full completion queue is not written to; what is held back comes when there "
		  "is "
		  "room, once each.",
	  .ref = "Base 2.0 Completion Queue Flow Control; Base 2.2 Completion Queue Flow Control, "
		 "Full "
		 "Queue",
	  .needs = NEED_QUEUES,
	  .fault = "cq-full-overwrites cq-full-drops-one",
	  .run = cq_full },
	{ .id = "sqhd",
	  .rule = "SQHD stays within the queue, moves forward only and never past the tail; slots "
		  "behind it are the host's at once.",
	  .ref = "Base 2.0 Completion Queue Entry; Base 2.2 Completion Queue Entry, Queue Usage",
	  .needs = NEED_QUEUES,
	  .fault = "sqhd-off-by-one sqhd-past-tail",
	  .run = sqhd },
	{ .id = "db-sq-invalid",
	  .rule = "A tail outside the queue runs nothing, is told by an event, and leaves other "
		  "queues alone.",
	  .ref = "Base 2.0 Queue Usage; Base 2.2 Queue Usage",
	  .needs = NEED_QUEUES,
	  .fault = "tail-modulo-size tail-invalid-no-event",
	  .run = db_sq_invalid,
	  ROWS(tails) },
};

SUITE(queue_io_suite, CONFORMANCE, "queue", cases);
