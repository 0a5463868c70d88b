// SPDX-License-Identifier: GPL-2.0-or-later
#include "queue_parts.h"

#include "base/clock.h"

#define EVENT_NS (500 * NS_PER_MS)

const char *parts_na_one_pair(const struct facts *f)
{
	unsigned n = f->nsq < f->ncq ? f->nsq : f->ncq;

	return n < 2 ? "the controller allocates one I/O queue pair" : NULL;
}

const char *parts_na_one_vector(const struct facts *f)
{
	return f->caps.vectors < 2 ? "one interrupt vector: it belongs to the Admin queue" : NULL;
}

struct cq *parts_cq(struct rig *r, uint16_t qid, uint32_t entries)
{
	struct cq *q = rig_cq_alloc(r, qid, entries);

	rig_queue_count(r);
	REQUIRE_STATUS(r, rig_admin(r, cmd_create_cq(qid, entries, q->mem->iova, false, 0)),
		       SC_SUCCESS);
	return q;
}

struct sq *parts_sq(struct rig *r, uint16_t qid, uint32_t entries, struct cq *cq)
{
	struct sq *q = rig_sq_alloc(r, qid, entries, cq);

	REQUIRE_STATUS(r, rig_admin(r, cmd_create_sq(qid, entries, q->mem->iova, cq->qid)),
		       SC_SUCCESS);
	return q;
}

struct cmd parts_read_cmd(struct rig *r, uint64_t lba, struct buf *b, size_t off)
{
	const struct facts_ns *ns = rig_ns(r);
	struct cmd c = cmd_read(ns->nsid, lba, 1, NULL, ns->lba_bytes);

	rig_prp(r, &c, b, off, ns->lba_bytes);
	return c;
}

struct cmd parts_any_read(struct rig *r)
{
	return parts_read_cmd(r, 0, rig_buf(r, rig_ns(r)->lba_bytes), 0);
}

struct cpl parts_read(struct rig *r, struct sq *q)
{
	const struct facts_ns *ns = rig_ns(r);

	return rig_io(r, q, cmd_read(ns->nsid, 0, 1, rig_mem(r, ns->lba_bytes), ns->lba_bytes));
}

uint32_t parts_posted(struct cq *q)
{
	uint32_t n = 0;

	for (; n < q->size; n++) {
		uint32_t at = q->head + n;
		uint8_t phase = at < q->size ? q->phase : !q->phase;

		if ((le16_get(cq_slot(q, at % q->size)->status) & CQE_PHASE) != phase)
			break;
	}
	return n;
}

void parts_check_event(struct rig *r, uint32_t want)
{
	struct cpl event;

	if (CHECK_TRUE(r, rig_event_try(r, &event, EVENT_NS),
		       "an asynchronous event tells of the invalid doorbell value"))
		CHECK_EQ(r, "event (type, information, log page)", event.dw0 & 0x00ffff07, want);
}

void parts_fill_slots(struct sq *q, const struct cmd *c)
{
	for (uint32_t i = 0; i < q->size; i++) {
		struct sqe *slot = sq_slot(q, i);

		*slot = c->sqe;
		slot->cid = le16_from((uint16_t)(0x700 + i));
	}
}
