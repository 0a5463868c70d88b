// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Completion: the entry, its phase, the interrupt. The dword that holds the phase is written last.
 * Source: Base 2.0 Completion Queue Entry, Phase Tag.
 */
#include "base/cleanup.h"
#include "model/core.h"

#define PHASE_DWORD	12u /* bytes into the entry */
#define LATE_IRQ_NS	3000ull
#define REST_NS		1000ull
#define STATUS_RESERVED 0x07fu

static bool is_odd(uint32_t size)
{
	return size & (size - 1);
}

/* ---- the entry ---- */

static uint16_t sqhd_of(struct model *m, const struct slot *s, const struct model_cq *cq)
{
	const struct model_sq *sq = core_sq(m, s->c.sqid);

	if (!s->c.sqid)
		return (uint16_t)sq->head;
	if (sq->head == 0 && FAULT(m, SQHD_OFF_BY_ONE))
		return (uint16_t)sq->size;
	if (sq->last_ring > 1 && FAULT(m, SQHD_PAST_TAIL))
		return (uint16_t)((sq->tail + 1) % sq->size);
	for (unsigned i = 1; cq->sqs > 1 && FAULT(m, SQHD_OF_OTHER_SQ) && i <= m->opt.nsq; i++)
		if (i != s->c.sqid && m->core->sq[i].used && core_cq(m, m->core->sq[i].cqid) == cq)
			return (uint16_t)m->core->sq[i].head;
	return (uint16_t)sq->head;
}

static uint16_t sqid_of(struct model *m, const struct slot *s, const struct model_cq *cq)
{
	for (unsigned i = 1; cq->sqs > 1 && FAULT(m, CQE_WRONG_SQID_WHEN_SHARED) && i <= m->opt.nsq;
	     i++)
		if (m->core->sq[i].used && core_cq(m, m->core->sq[i].cqid) == cq)
			return (uint16_t)i;
	return s->c.sqid;
}

static uint16_t status_of(const struct mcmd *c)
{
	uint16_t v = (uint16_t)(c->status << 1);

	if (c->status != SC_SUCCESS) {
		v |= c->more ? CQE_MORE : 0;
		v |= c->dnr ? CQE_DNR : 0;
	}
	return v;
}

/* What a careless device may put into an entry; I/O queues only, so that the device comes up. */
static void bend(struct model *m, const struct slot *s, struct cqe *e)
{
	uint16_t status = le16_get(e->status);

	if (!s->c.sqid)
		return;
	if (FAULT(m, WRONG_CID))
		e->cid = le16_from((uint16_t)(s->c.cid ^ 0x5555));
	if (FAULT(m, WRONG_SQID))
		e->sqid = le16_from((uint16_t)(s->c.sqid + 1));
	if (s->c.cid >> 15 && FAULT(m, CID_HIGH_BIT_LOST))
		e->cid = le16_from(s->c.cid & 0x7fff);
	if (s->c.e.opcode == nvme_cmd_flush && FAULT(m, CQE_STALE_DWORDS))
		e->dw0 = e->dw1 = le32_from(s->c.nsid);
	if (s->c.status == SC_SUCCESS && FAULT(m, RESERVED_STATUS))
		status = (uint16_t)(STATUS_RESERVED << 1 | (status & CQE_PHASE));
	if (s->c.status == SC_SUCCESS && FAULT(m, CQE_RESERVED_BITS)) {
		status |= 3u << 12;
		e->dw1 = le32_from(~0u);
	}
	e->status = le16_from(status);
}

static struct cqe entry_of(struct model *m, const struct slot *s, const struct model_cq *cq)
{
	uint8_t phase = cq->phase ^ (s->c.sqid && FAULT(m, WRONG_PHASE));
	struct cqe e = {
		.dw0 = le32_from(s->c.dw0),
		.dw1 = le32_from(s->c.dw1),
		.sqhd = le16_from(sqhd_of(m, s, cq)),
		.sqid = le16_from(sqid_of(m, s, cq)),
		.cid = le16_from(s->c.cid),
		.status = le16_from(status_of(&s->c) | phase),
	};

	bend(m, s, &e);
	return e;
}

/* ---- to memory ---- */

static void write_rest(struct model *m)
{
	struct core_marks *k = &m->core->marks;

	if (!k->rest_pending)
		return;
	k->rest_pending = false;
	core_dma_write(m, k->rest_at, k->rest, sizeof(k->rest));
}

static int phase_first(struct model *m, uint64_t at, const uint8_t *bytes)
{
	struct core_marks *k = &m->core->marks;

	write_rest(m);
	k->rest_pending = true;
	k->rest_at = at;
	k->rest_due = m->sub->now + REST_NS;
	memcpy(k->rest, bytes, sizeof(k->rest));
	return core_dma_write(m, at + PHASE_DWORD, bytes + PHASE_DWORD, 4);
}

static int store(struct model *m, uint64_t at, const struct cqe *e, bool bent)
{
	uint8_t bytes[sizeof(*e)];
	int err;

	memcpy(bytes, e, sizeof(bytes));
	if (bent)
		return phase_first(m, at, bytes);
	err = core_dma_write(m, at, bytes, PHASE_DWORD);
	return err ? err : core_dma_write(m, at + PHASE_DWORD, bytes + PHASE_DWORD, 4);
}

static void advance(struct model *m, struct model_cq *cq, bool io)
{
	cq->tail++;
	if (cq->tail < cq->size)
		return;
	cq->tail = 0;
	if (!(FAULT(m, PHASE_NOT_INVERTED_ODD_SIZE) && io && is_odd(cq->size)) &&
	    !(FAULT(m, ADMIN_PHASE_ODD_SIZE) && !io && is_odd(cq->size)))
		cq->phase ^= 1;
	if (io && is_odd(cq->size) && FAULT(m, CQE_SLOT_SKIPPED))
		cq->tail = 1;
}

static void interrupt(struct model *m, const struct model_cq *cq)
{
	unsigned vector = cq->vector;

	if (!cq->ien && !(cq != m->core->cq && FAULT(m, IEN_IGNORED)))
		return;
	if (vector && FAULT(m, IRQ_WRONG_VECTOR))
		vector = vector % (m->opt.vectors - 1) + 1;
	irq_raise(m, vector);
}

static void put(struct model *m, struct slot *s, struct model_cq *cq)
{
	struct cqe e = entry_of(m, s, cq);
	uint64_t at = queue_at(m, cq->base, cq->pieces, (uint64_t)cq->tail * sizeof(e));
	bool io = s->c.sqid;

	if (store(m, at, &e, io && cq->size == 3 && FAULT(m, PHASE_BEFORE_REST))) {
		core_fatal(m);
		m->core->wedged = io && FAULT(m, CQ_FAULT_WEDGES);
		return;
	}
	advance(m, cq, io);
	if (!s->told)
		interrupt(m, cq);
}

static struct model_cq *target_of(struct model *m, const struct slot *s)
{
	struct model_sq *sq = core_sq(m, s->c.sqid);

	if (s->c.sqid && FAULT(m, CQE_TO_WRONG_QUEUE))
		return core_cq(m, 0);
	return sq ? core_cq(m, sq->cqid) : NULL;
}

void post_cqe(struct model *m, struct slot *s)
{
	struct model_cq *cq = target_of(m, s);

	if (cq) {
		put(m, s, cq);
		if (s->c.sqid && FAULT(m, DOUBLE_CQE))
			put(m, s, cq);
	}
	m->core->marks.completions++;
	m->core->moved = true;
	if (s->twice) { /* abort-completes-twice: and once more as if nothing had been */
		s->twice = false;
		s->c.status = SC_SUCCESS;
		s->due = m->sub->now + IO_NS;
		return;
	}
	engine_drop(m, s);
}

/* irq-before-cqe: the message now, the entry a while later. True when it strikes. */
bool post_hold_for_irq(struct model *m, struct slot *s)
{
	struct model_cq *cq = target_of(m, s);

	if (!s->c.sqid || !cq || !cq->ien || s->told || !FAULT(m, IRQ_BEFORE_CQE))
		return false;
	interrupt(m, cq);
	s->told = true;
	engine_hold_done(m, s, LATE_IRQ_NS);
	return true;
}

/* ---- what lands after its queue is gone: deleted-sq-completes-late, late-dma-after-reset ---- */

void post_keep_late(struct model *m, struct slot *s, uint64_t ns)
{
	struct model_cq *cq = target_of(m, s);

	if (!cq)
		return;
	s->late_at = cq->base + (uint64_t)cq->tail * sizeof(struct cqe);
	s->late_phase = cq->phase;
	advance(m, cq, true);
	engine_hold_done(m, s, ns);
	engine_drop(m, s);
	s->state = SLOT_LATE;
	m->core->marks.late++;
}

static void land(struct model *m, struct slot *s)
{
	struct cqe e = { .sqid = le16_from(s->c.sqid), .cid = le16_from(s->c.cid) };

	m->core->data_of = NULL;
	if (s->c.sqid)
		nvm_command(&s->c);
	else
		admin_command(&s->c);
	e.status = le16_from(status_of(&s->c) | s->late_phase);
	store(m, s->late_at, &e, false);
	s->state = SLOT_FREE;
	m->core->marks.late--;
	m->core->moved = true;
}

void post_step(struct model *m)
{
	const struct core_marks *k = &m->core->marks;

	if (k->rest_pending && k->rest_due <= m->sub->now)
		write_rest(m);
	for (unsigned i = 0; k->late && i < m->core->nslots; i++) {
		struct slot *s = &m->core->slot[i];

		if (s->state == SLOT_LATE && s->due <= m->sub->now)
			land(m, s);
	}
}

uint64_t post_next(const struct model *m)
{
	const struct core_marks *k = &m->core->marks;
	uint64_t due = k->rest_pending ? k->rest_due : NEVER;

	for (unsigned i = 0; k->late && i < m->core->nslots; i++)
		if (m->core->slot[i].state == SLOT_LATE && m->core->slot[i].due < due)
			due = m->core->slot[i].due;
	return due;
}
