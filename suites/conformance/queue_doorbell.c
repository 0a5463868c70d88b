// SPDX-License-Identifier: GPL-2.0-or-later
/* Doorbells: a head that cannot be, a queue that is not there, a value that is no news. */
#include <string.h>

#include "base/clock.h"
#include "queue_parts.h"

#define QUIET_NS (2 * NS_PER_MS)
#define SOON_NS	 (2 * NS_PER_S)
#define SHORT_NS (20 * NS_PER_US)

/* ---- an impossible head ---- */

#define POSTED 3u

static const struct head_row {
	const char *name;
	bool size;
	uint32_t value; /* added to the size, or the value itself */
} heads[] = { { "size", true, 0 },
	      { "ffff", false, 0xffff },
	      { "past-posted", false, POSTED + 1 } };

static void delete_pair(struct rig *r, struct sq *q)
{
	REQUIRE_STATUS(r, rig_admin(r, cmd_delete_sq(q->qid)), SC_SUCCESS);
	REQUIRE_STATUS(r, rig_admin(r, cmd_delete_cq(q->cq->qid)), SC_SUCCESS);
}

static void check_revived(struct rig *r, struct sq *q, struct cmd c)
{
	struct cq *cq = q->cq;

	delete_pair(r, q);
	cq_reset(cq);
	sq_reset(q);
	REQUIRE_STATUS(r, rig_admin(r, cmd_create_cq(cq->qid, cq->size, cq->mem->iova, false, 0)),
		       SC_SUCCESS);
	REQUIRE_STATUS(r, rig_admin(r, cmd_create_sq(q->qid, q->size, q->mem->iova, cq->qid)),
		       SC_SUCCESS);
	CHECK_STATUS(r, rig_io(r, q, c), SC_SUCCESS);
}

static void put_some(struct rig *r, struct sq *q, const struct cmd *c, unsigned n)
{
	while (n--)
		rig_put(r, q, *c);
	rig_ring(r, q);
	rig_wait(r, QUIET_NS);
}

/* On a loaded host the device may take its time; what is looked at must be there before. */
static void await_posted(struct rig *r, struct cq *cq)
{
	uint64_t end = rig_now(r) + SOON_NS;

	while (!(le16_get(cq_slot(cq, POSTED - 1)->status) & CQE_PHASE) && rig_now(r) < end)
		rig_wait(r, SHORT_NS);
}

/* Three entries wait unconsumed; whatever the head is said to be, they are the host's. */
static void db_cq_invalid(struct rig *r)
{
	const struct head_row *row = rig_row(r);
	struct sq *q = rig_queue_pair(r, 1, rig_queue_fit(r, 8)), *other = NULL;
	struct cmd c = parts_any_read(r);
	struct cqe held[POSTED];

	if (q->size < 8)
		rig_na(r, "CAP.MQES allows %u entries", q->size);
	if (rig_queue_count(r) > 1)
		other = rig_queue_pair(r, 2, q->size);
	rig_aer_held(r);
	put_some(r, q, &c, POSTED);
	await_posted(r, q->cq);
	memcpy(held, cq_slot(q->cq, 0), sizeof(held));
	cq_ring_value(q->cq, row->size ? q->size + row->value : row->value);
	parts_check_event(r, PARTS_EVENT_BAD_VALUE);
	put_some(r, q, &c, POSTED);
	CHECK_MEM(r, "entries that were not consumed", cq_slot(q->cq, 0), held, sizeof(held));
	for (unsigned i = 0; other && i < 16; i++)
		CHECK_STATUS(r, rig_io(r, other, c), SC_SUCCESS);
	check_revived(r, q, c);
}

/* ---- a queue that is not there ---- */

static const struct nobody_row {
	const char *name;
	bool deleted, cq;
} nobodies[] = {
	{ "sq-never-created", false, false },
	{ "cq-never-created", false, true },
	{ "sq-deleted", true, false },
	{ "cq-deleted", true, true },
};

/* An event is allowed; it is of this kind and no other. */
static void check_event_kind(struct rig *r)
{
	struct cpl event;

	if (rig_event_try(r, &event, SHORT_NS))
		CHECK_EQ(r, "event (type, information, log page)", event.dw0 & 0x00ffff07,
			 PARTS_EVENT_BAD_REGISTER);
	else
		rig_note(r, "no event tells of a doorbell without queue");
}

/* The text leaves the effect open; that a command runs that nobody sent is told as advice. */
static void db_nonexistent(struct rig *r)
{
	const struct nobody_row *row = rig_row(r);
	struct sq *q = rig_queue_pair(r, 1, rig_queue_fit(r, 8));
	struct cmd c = parts_any_read(r);
	unsigned n = rig_queue_count(r) < 64 ? rig_queue_count(r) : 64;

	if (row->deleted)
		delete_pair(r, rig_queue_pair(r, 2, q->size));
	rig_aer_held(r);
	parts_fill_slots(q, &c);
	for (uint16_t qid = 2; qid <= (row->deleted ? 2 : n); qid++)
		for (uint32_t value = 1; value < q->size; value += 2)
			rig_set_reg32(r, row->cq ? doorbell_cq(q->c, qid) : doorbell_sq(q->c, qid),
				      value);
	rig_wait(r, QUIET_NS);
	CHECK_TRUE(r, !cq_ready(q->cq), "a doorbell without queue runs nothing on another queue");
	check_event_kind(r);
	for (unsigned i = 0; i < 2 * q->size; i++)
		CHECK_STATUS(r, rig_io(r, q, c), SC_SUCCESS);
	CHECK_STATUS(r, parts_read(r, rig_queue_pair(r, 2, q->size)), SC_SUCCESS);
}

/* ---- no news ---- */

static void ring_again(struct rig *r, struct sq *q, uint64_t times)
{
	while (times--) {
		rig_ring(r, q);
		cq_ring(q->cq);
	}
}

/*
 * The text counts a value that is no news among the invalid ones: the controller may say so by an
 * event, and the queue may then be dead until it is created again. False: it is.
 */
static bool take_all(struct rig *r, struct sq *q, unsigned n)
{
	struct cpl cpl;

	for (; n; n--) {
		if (!rig_try(r, q->cq, &cpl, SOON_NS)) {
			CHECK_TRUE(r, rig_event_try(r, &cpl, SHORT_NS),
				   "commands complete, or an event says why they do not");
			return false;
		}
		CHECK_STATUS(r, cpl, SC_SUCCESS);
	}
	return true;
}

/* With nothing to do, and while commands are under way whose tail and head stay the same. */
static void db_same_value(struct rig *r)
{
	struct sq *q = rig_queue_pair(r, 1, rig_queue_fit(r, 8));
	struct cmd c = parts_any_read(r);
	bool alive = true;

	rig_aer_held(r);
	for (uint64_t n = rig_pick(r, 10, 50, 1000); n && alive; n--) {
		unsigned load = 1 + (unsigned)rig_rand_below(r, q->size - 1);

		for (unsigned i = 0; i < load; i++)
			rig_put(r, q, c);
		ring_again(r, q, 10);
		alive = take_all(r, q, load);
		ring_again(r, q, 10);
		rig_wait(r, SHORT_NS);
		CHECK_TRUE(r, !cq_ready(q->cq), "a doorbell value that is no news starts nothing");
	}
	rig_note(r, "the queue %s", alive ? "goes on" : "is dead after values that are no news");
	check_revived(r, q, c);
}

static const struct rig_case cases[] = {
	{ .id = "db-cq-invalid",
	  .rule = "A head outside the queue or past what was posted overwrites nothing, is told by "
		  "an event, and leaves other queues alone.",
	  .ref = "Base 2.0 Queue Usage; Base 2.2 Queue Usage",
	  .needs = NEED_QUEUES,
	  .fault = "cq-head-unchecked",
	  .run = db_cq_invalid,
	  ROWS(heads) },
	{ .id = "db-nonexistent",
	  .rule = "Doorbells of queues that do not exist have no effect on those that do.",
	  .ref = "Base 2.0 Asynchronous Event Request command; PCIe Transport 1.0 SQyTDBL, "
		 "CQyHDBL",
	  .needs = NEED_QUEUES,
	  .level = SHOULD,
	  .fault = "db-nonexistent-rings-other",
	  .na = parts_na_one_pair,
	  .run = db_nonexistent,
	  ROWS(nobodies) },
	{ .id = "db-same-value",
	  .rule = "A doorbell value written again starts nothing; a queue that it stops is told by "
		  "an "
		  "event.",
	  .ref = "PCIe Transport 1.0 SQyTDBL; Base 2.2 Queue Usage, Asynchronous Event Request "
		 "command",
	  .needs = NEED_QUEUES,
	  .fault = "db-same-tail-runs-again",
	  .run = db_same_value },
};

SUITE(queue_doorbell_suite, CONFORMANCE, "queue", cases);
