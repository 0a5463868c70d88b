// SPDX-License-Identifier: GPL-2.0-or-later
/* Queues beside each other: what one pair does or suffers is no matter of another's. */
#include <string.h>

#include "base/clock.h"
#include "queue_parts.h"

#define SOON_NS	   (2 * NS_PER_S)
#define POLL_NS	   (10 * NS_PER_US)
#define QUIET_NS   (2 * NS_PER_MS)
#define OWED_NS	   NS_PER_S
#define FIRST_LBA  288u
#define PAIRS_MOST 8u
#define EACH	   4u /* blocks of its own for each queue */

/* ---- verified I/O on a queue ---- */

struct lane {
	struct sq *q;
	struct buf *b; /* EACH blocks */
	uint64_t lba, tag;
};

static struct lane lane_of(struct rig *r, struct sq *q, unsigned i)
{
	return (struct lane){ .q = q,
			      .b = rig_buf(r, EACH * (size_t)rig_ns(r)->lba_bytes),
			      .lba = FIRST_LBA + i * EACH };
}

static unsigned lane_load(const struct lane *l)
{
	return l->q->size - 1 < EACH ? l->q->size - 1 : EACH;
}

/* Single-block commands, rung and not waited for. */
static void lane_submit(struct rig *r, struct lane *l, bool write)
{
	const struct facts_ns *ns = rig_ns(r);
	uint32_t bytes = ns->lba_bytes;

	if (write)
		rig_stamp(l->b->data, l->lba, EACH, bytes, ++l->tag);
	else
		buf_poison(l->b, (uint8_t)l->tag);
	for (unsigned i = 0; i < lane_load(l); i++) {
		struct cmd c = write ? cmd_write(ns->nsid, l->lba + i, 1, NULL, bytes)
				     : cmd_read(ns->nsid, l->lba + i, 1, NULL, bytes);

		rig_prp(r, &c, l->b, i * (size_t)bytes, bytes);
		rig_put(r, l->q, c);
	}
	rig_ring(r, l->q);
}

/* By this queue's own completion queue; the audit sees to it that each is this queue's. */
static void lane_finish(struct rig *r, struct lane *l, bool write)
{
	uint64_t end = rig_now(r) + SOON_NS;
	struct cpl cpl;

	for (unsigned n = lane_load(l); n;) {
		if (!cq_next(l->q->cq, &cpl)) {
			REQUIRE_TRUE(r, rig_now(r) < end,
				     "SQ %u with CQ %u goes on: %u completions are missing",
				     l->q->qid, l->q->cq->qid, n);
			rig_wait(r, POLL_NS);
			continue;
		}
		CHECK_STATUS(r, cpl, SC_SUCCESS);
		n--;
	}
	cq_ring(l->q->cq);
	CHECK_EQ(r, "commands without a completion", l->q->inflight, 0);
	if (!write)
		CHECK_STAMP(r, l->b->data, l->lba, lane_load(l), rig_ns(r)->lba_bytes, l->tag);
}

static void lane_run(struct rig *r, struct lane *l)
{
	lane_submit(r, l, true);
	lane_finish(r, l, true);
	lane_submit(r, l, false);
	lane_finish(r, l, false);
}

/* ---- any submission queue with any completion queue ---- */

static void shuffle(struct rig *r, uint16_t *v, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		v[i] = (uint16_t)(i + 1);
	for (unsigned i = n - 1; i; i--) {
		unsigned k = (unsigned)rig_rand_below(r, i + 1);
		uint16_t t = v[i];

		v[i] = v[k];
		v[k] = t;
	}
}

/* A ring through all of them in random order: nobody gets the completion queue of its own number.
 */
static void make_ring(struct rig *r, struct lane *l, unsigned n)
{
	uint16_t order[PAIRS_MOST];
	struct cq *cq[PAIRS_MOST + 1];

	shuffle(r, order, n);
	for (unsigned i = 0; i < n; i++)
		cq[order[i]] = parts_cq(r, order[i], rig_queue_fit(r, 5 + 2 * i));
	for (unsigned i = 0; i < n; i++) {
		uint16_t qid = order[(i + 1) % n];

		l[i] = lane_of(r, parts_sq(r, qid, rig_queue_fit(r, 12 - i), cq[order[i]]), i);
	}
}

static void cross_mapped(struct rig *r)
{
	unsigned all = rig_queue_count(r), n = all < PAIRS_MOST ? all : PAIRS_MOST;
	struct lane l[PAIRS_MOST];

	make_ring(r, l, n);
	for (uint64_t round = rig_pick(r, 10, 60, 2000); round; round--) {
		bool write = round % 2 == 0 || !l[0].tag;

		for (unsigned i = 0; i < n; i++)
			lane_submit(r, &l[i], write);
		for (unsigned i = 0; i < n; i++)
			lane_finish(r, &l[i], write);
	}
}

/* ---- creating and deleting beside a queue at work ---- */

static void delete_isolated(struct rig *r)
{
	struct lane b = lane_of(r, rig_queue_pair(r, 1, rig_queue_fit(r, 7)), 0);
	struct cq *cq = rig_cq_alloc(r, 2, rig_queue_fit(r, 5));
	struct sq *a = rig_sq_alloc(r, 2, rig_queue_fit(r, 5), cq);
	struct cmd c = parts_any_read(r);

	for (uint64_t n = rig_pick(r, 30, 150, 1000); n; n--) {
		bool write = n % 2 == 0 || !b.tag;

		cq_reset(cq);
		sq_reset(a);
		rig_admin_ok(r, cmd_create_cq(2, cq->size, cq->mem->iova, false, 0));
		rig_admin_ok(r, cmd_create_sq(2, a->size, a->mem->iova, 2));
		CHECK_STATUS(r, rig_io(r, a, c), SC_SUCCESS);
		lane_submit(r, &b, write);
		CHECK_STATUS(r, rig_admin(r, cmd_delete_sq(2)), SC_SUCCESS);
		CHECK_STATUS(r, rig_admin(r, cmd_delete_cq(2)), SC_SUCCESS);
		lane_finish(r, &b, write);
	}
}

/* ---- a full completion queue with several submission queues ---- */

#define SHARERS 3u

static const char *few_queues(const struct facts *f)
{
	if (f->nsq < SHARERS + 1 || f->ncq < 2)
		return rig_na_text("the controller allocates %u submission and %u completion "
				   "queues: the case takes %u and 2",
				   f->nsq, f->ncq, SHARERS + 1);
	return NULL;
}

struct held {
	struct cq *cq;
	struct sq *q[SHARERS];
	struct lane beside; /* on a completion queue that has room */
	unsigned sent[SHARERS], got[SHARERS];
};

static void held_start(struct rig *r, struct held *h)
{
	struct cmd c = parts_any_read(r);

	memset(h, 0, sizeof(*h));
	h->cq = parts_cq(r, 1, rig_queue_fit(r, 4));
	for (unsigned i = 0; i < SHARERS; i++)
		h->q[i] = parts_sq(r, (uint16_t)(i + 1), rig_queue_fit(r, 6 + i), h->cq);
	h->beside = lane_of(
		r,
		parts_sq(r, SHARERS + 1, rig_queue_fit(r, 8), parts_cq(r, 2, rig_queue_fit(r, 8))),
		0);
	for (unsigned i = 0; i < SHARERS; i++) {
		for (; sq_room(h->q[i]); h->sent[i]++)
			rig_put(r, h->q[i], c);
		rig_ring(r, h->q[i]);
	}
	rig_wait(r, QUIET_NS);
}

static void held_take(struct rig *r, struct held *h, const struct cpl *cpl)
{
	CHECK_STATUS_OF(r, "command held back by a full completion queue: status", *cpl, SC_SUCCESS,
			SC_SQ_DELETION);
	if (cpl->sqid >= 1 && cpl->sqid <= SHARERS)
		h->got[cpl->sqid - 1]++;
}

/* What is owed may take its time on a loaded host; what should not come gets a moment. */
static uint64_t silence_ns(const struct held *h)
{
	bool owed = h->got[0] < h->sent[0] || h->got[2] < h->sent[2];

	return owed ? OWED_NS : QUIET_NS;
}

/* One at a time, until nothing more comes. */
static void held_drain(struct rig *r, struct held *h)
{
	uint64_t end = rig_now(r) + silence_ns(h);
	struct cpl cpl;

	while (rig_now(r) < end) {
		if (cq_next(h->cq, &cpl)) {
			held_take(r, h, &cpl);
			cq_ring(h->cq);
			end = rig_now(r) + silence_ns(h);
		} else {
			rig_wait(r, POLL_NS);
		}
	}
}

/* The deleted one's commands complete once at most, which the audit sees by their CIDs. */
static void cq_full_shared(struct rig *r)
{
	struct held h;

	held_start(r, &h);
	lane_run(r, &h.beside);
	CHECK_STATUS(r, rig_admin(r, cmd_delete_sq(2)), SC_SUCCESS);
	lane_run(r, &h.beside);
	held_drain(r, &h);
	CHECK_EQ(r, "completions of SQ 1", h.got[0], h.sent[0]);
	CHECK_LE(r, "completions of SQ 2, which was deleted", h.got[1], h.sent[1]);
	CHECK_EQ(r, "completions of SQ 3", h.got[2], h.sent[2]);
	CHECK_STATUS(r, parts_read(r, h.q[0]), SC_SUCCESS);
	CHECK_STATUS(r, parts_read(r, h.q[2]), SC_SUCCESS);
}

static const struct rig_case cases[] = {
	{ .id = "cross-mapped",
	  .rule = "Any submission queue can complete to any completion queue, of another number "
		  "and size, created in any order.",
	  .ref = "Base 2.0 Queue Setup and Initialization; Base 2.2 NVM Queue Models, Queue Setup "
		 "and Initialization",
	  .needs = NEED_QUEUES,
	  .harm = HARM_DATA,
	  .fault = "sq-cqid-ignored",
	  .na = parts_na_one_pair,
	  .run = cross_mapped },
	{ .id = "delete-isolated",
	  .rule = "Creating and deleting a queue pair disturbs no command of another.",
	  .ref = "Base 2.0 Queue Setup and Initialization",
	  .needs = NEED_QUEUES,
	  .harm = HARM_DATA,
	  .fault = "delete-sq-drops-others",
	  .na = parts_na_one_pair,
	  .run = delete_isolated },
	{ .id = "cq-full-shared",
	  .rule = "With a shared completion queue full, queues on others go on, a submission queue "
		  "can be deleted, and the rest lose nothing.",
	  .ref = "Base 2.2 Completion Queue Flow Control, Queue Level Reset",
	  .needs = NEED_QUEUES,
	  .harm = HARM_DATA,
	  .fault = "cq-full-stops-others cq-full-delete-deadlock cq-full-drops-one",
	  .na = few_queues,
	  .run = cq_full_shared },
};

SUITE(queue_share_suite, CONFORMANCE, "queue", cases);
