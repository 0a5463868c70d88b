// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A doorbell's new value, by register or by shadow buffer. A value that cannot be is not taken:
 * the queue goes on from where it was, and the host is told by an asynchronous event.
 * Source: Base 2.0 Queue Usage, Asynchronous Event Request (Error Status); PCIe Transport 1.0
 * Doorbell registers.
 */
#include "model/core.h"

#define EVENT_ERROR	  0u
#define INFO_BAD_REGISTER 0u
#define INFO_BAD_VALUE	  1u
#define LID_ERROR	  1u

static void bad_value(struct model *m)
{
	if (++m->core->marks.bad_doorbells >= FAILED_MOST && FAULT(m, BAD_DOORBELLS_WEDGE))
		m->core->wedged = true;
	if (!FAULT(m, TAIL_INVALID_NO_EVENT))
		model_event(m, EVENT_ERROR, INFO_BAD_VALUE, LID_ERROR);
}

/* By fault: the queue's memory is that of another one. */
static bool overlaps(struct model *m, const struct model_sq *q)
{
	bool shared = core_cq(m, q->cqid) && core_cq(m, q->cqid)->base == q->base;

	for (unsigned i = 1; i <= m->opt.nsq; i++)
		shared |= core_sq(m, i) && core_sq(m, i) != q && core_sq(m, i)->base == q->base;
	return shared;
}

static void ring_sq(struct model *m, struct model_sq *q, uint32_t value)
{
	uint32_t added;

	if (overlaps(m, q) && FAULT(m, QUEUE_OVERLAP_WEDGES))
		m->core->wedged = true;
	if (value >= q->size && FAULT(m, TAIL_MODULO_SIZE))
		value %= q->size;
	if (value >= q->size) {
		bad_value(m);
		return;
	}
	added = (value + q->size - q->tail) % q->size;
	if (added > q->size - 1 - sq_waiting(q)) {
		bad_value(m);
		return;
	}
	if (added > 9 && q->size < 16 && value < q->tail && FAULT(m, BATCH_CUT_AT_WRAP))
		value = 0;
	if (!added && FAULT(m, DB_SAME_TAIL_RUNS_AGAIN) && q != m->core->sq && q->head == q->tail)
		q->head = (q->head + q->size - 1) % q->size;
	q->last_ring = added;
	q->tail = value;
}

static void ring_cq(struct model *m, struct model_cq *q, uint32_t value)
{
	if (value >= q->size || (value + q->size - q->head) % q->size > cq_used(q)) {
		if (FAULT(m, CQ_HEAD_UNCHECKED))
			q->tail = q->head = value % q->size;
		else
			bad_value(m);
		return;
	}
	if (value != q->head)
		intx_acked(m);
	q->head = value;
}

/* By fault: the admin queue as AQA, ASQ and ACQ have it runs though CC.EN is 0. */
static void ring_while_off(struct model *m, uint16_t qid, bool cq, uint32_t value)
{
	struct model_core *core = m->core;

	if (!FAULT(m, DOORBELL_COUNTS_WHILE_DISABLED) || qid || cq || core->state != CORE_OFF ||
	    !core->asq || value > (core->aqa & 0xfff))
		return;
	queue_admin_create(m);
	core->sq[0].tail = value;
	core->marks.off_runs = true;
}

/* By fault: a doorbell that is nobody's is taken for that of the first I/O queue. */
static void ring_nobody(struct model *m, bool cq, uint32_t value)
{
	model_event(m, EVENT_ERROR, INFO_BAD_REGISTER, LID_ERROR);
	if (model_queue_exists(m, 1, cq) && FAULT(m, DB_NONEXISTENT_RINGS_OTHER)) {
		if (cq)
			core_cq(m, 1)->head = value % core_cq(m, 1)->size;
		else
			ring_sq(m, core_sq(m, 1), value);
	}
}

uint32_t model_doorbell_now(struct model *m, unsigned i)
{
	uint16_t qid = (uint16_t)(i / 2);

	if (!model_queue_exists(m, qid, i % 2))
		return 0;
	return i % 2 ? core_cq(m, qid)->head : core_sq(m, qid)->tail;
}

void model_doorbell(struct model *m, uint16_t qid, bool cq, uint32_t value)
{
	if (m->core->state != CORE_READY)
		ring_while_off(m, qid, cq, value);
	else if (!model_queue_exists(m, qid, cq))
		ring_nobody(m, cq, value);
	else if (cq)
		ring_cq(m, core_cq(m, qid), value);
	else
		ring_sq(m, core_sq(m, qid), value);
}
