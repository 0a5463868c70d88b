// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Queues, and the admin commands that create and delete them.
 * Source: Base 2.0 Create and Delete I/O Completion and Submission Queue commands; Base 2.2 CC
 * (IOSQES, IOCQES); PCIe Transport 1.0 Queue Model Instantiation.
 */
#include "model/core.h"

#define AT_CDW(n, bit) ((uint16_t)((n)*4 | (bit) << 8)) /* Parameter Error Location */
#define AT_PRP1	       24u
#define PC	       1u
#define IEN	       2u
#define SQE_SHIFT      6u
#define CQE_SHIFT      4u

struct model_sq *core_sq(struct model *m, unsigned qid)
{
	return qid <= m->opt.nsq && m->core->sq[qid].used ? &m->core->sq[qid] : NULL;
}

struct model_cq *core_cq(struct model *m, unsigned qid)
{
	return qid <= m->opt.ncq && m->core->cq[qid].used ? &m->core->cq[qid] : NULL;
}

bool model_queue_exists(const struct model *m, uint16_t qid, bool cq)
{
	if (cq)
		return qid <= m->opt.ncq && m->core->cq[qid].used;
	return qid <= m->opt.nsq && m->core->sq[qid].used;
}

bool model_has_io_queues(const struct model *m)
{
	for (unsigned i = 1; i <= m->opt.nsq; i++)
		if (m->core->sq[i].used)
			return true;
	for (unsigned i = 1; i <= m->opt.ncq; i++)
		if (m->core->cq[i].used)
			return true;
	return false;
}

unsigned model_commands_running(const struct model *m)
{
	return m->core->running;
}

uint32_t model_page_size(const struct model *m)
{
	return m->core->page;
}

static void keep_positions(struct model *m)
{
	struct model_core *core = m->core;

	if (core->marks.old_sq.head < core->sq[0].size && FAULT(m, STALE_ADMIN_TAIL)) {
		core->sq[0].head = core->marks.old_sq.head;
		core->sq[0].tail = core->marks.old_sq.head;
	}
	if (core->marks.old_cq.used && FAULT(m, ADMIN_CQ_PHASE_KEPT_OVER_RESET))
		core->cq[0].phase = core->marks.old_cq.phase;
}

void queue_admin_create(struct model *m)
{
	struct model_core *core = m->core;

	core->sq[0] = (struct model_sq){ .used = true,
					 .base = core->asq,
					 .size = (core->aqa & 0xfff) + 1 };
	core->cq[0] = (struct model_cq){ .used = true,
					 .ien = true,
					 .base = core->acq,
					 .size = (core->aqa >> 16) + 1,
					 .phase = 1,
					 .sqs = 1 };
	if (core->sq[0].size != core->cq[0].size && FAULT(m, AQA_SIZES_SWAPPED)) {
		core->sq[0].size = (core->aqa >> 16) + 1;
		core->cq[0].size = (core->aqa & 0xfff) + 1;
	}
	keep_positions(m);
}

/* What Create I/O Completion Queue and Create I/O Submission Queue have in common. */
struct create {
	uint16_t qid;
	uint32_t qsize_z;
	unsigned granted, entry_shift, want_shift;
	bool exists, cq;
};

static struct create create_of(struct mcmd *c, bool cq)
{
	struct model *m = c->m;
	unsigned nsq, ncq, shift = cq ? 20 : 16;
	uint32_t cdw10 = mcmd_cdw10(c);

	feature_queue_count(m, &nsq, &ncq);
	return (struct create){
		.qid = (uint16_t)cdw10,
		.qsize_z = cdw10 >> 16,
		.granted = cq ? ncq : nsq,
		.entry_shift = m->core->cc >> shift & 15,
		.want_shift = cq ? CQE_SHIFT : SQE_SHIFT,
		.exists = model_queue_exists(m, (uint16_t)cdw10, cq),
		.cq = cq,
	};
}

static bool has_leaked(const struct model *m)
{
	if (m->core->marks.failed_creates >= FAILED_MOST && FAULT(m, FAILED_CREATE_LEAKS))
		return true;
	return m->core->marks.resets >= LEAK_AFTER && FAULT(m, RESET_LEAKS_QUEUES);
}

static bool qid_is_bad(const struct model *m, const struct create *q)
{
	if (has_leaked(m))
		return true;
	if (q->exists)
		return !(q->cq ? FAULT(m, CREATE_CQ_QID_REUSE) : FAULT(m, CREATE_SQ_QID_REUSE));
	if (q->qid == 0 || q->qid > q->granted ||
	    (q->qid == q->granted && FAULT(m, TOO_FEW_QUEUES)))
		return !(q->cq ? FAULT(m, CREATE_CQ_QID_UNCHECKED)
			       : FAULT(m, CREATE_SQ_QID_UNCHECKED));
	return false;
}

static bool size_is_bad(const struct model *m, const struct create *q)
{
	if (q->entry_shift != q->want_shift)
		return !FAULT(m, ENTRY_SIZES_UNCHECKED);
	if (q->qsize_z == 0)
		return !FAULT(m, QSIZE_ZERO_ACCEPTED);
	return q->qsize_z > m->opt.mqes && !FAULT(m, QSIZE_UNLIMITED);
}

bool queue_cqr(const struct model *m)
{
	return m->opt.cqr && !FAULT(m, QUEUE_PIECES_IN_A_ROW);
}

static bool in_pieces(const struct mcmd *c)
{
	return !(le32_get(c->e.cdw11) & PC) && !queue_cqr(c->m);
}

static uint64_t piece(struct model *m, uint64_t list, uint64_t i)
{
	__le64 entry;

	if (core_dma_read(m, list + i * sizeof(entry), &entry, sizeof(entry)))
		return ~0ull;
	return le64_get(entry);
}

uint64_t queue_at(struct model *m, uint64_t base, bool pieces, uint64_t off)
{
	uint32_t page = m->core->page;

	if (!pieces)
		return base + off;
	if (FAULT(m, QUEUE_PIECES_IN_A_ROW))
		return piece(m, base, 0) + off;
	return piece(m, base, off / page) + off % page;
}

/* Lists of one page alone, which is 32,768 submission queue entries of 4 KiB pages and more. */
static bool list_is_good(struct mcmd *c, const struct create *q)
{
	uint64_t bytes = (q->qsize_z + 1ull) << q->want_shift, page = c->m->core->page, i;

	for (i = 0; i * page < bytes; i++)
		if (piece(c->m, le64_get(c->e.prp1), i) % page)
			return false;
	return i <= page / sizeof(__le64);
}

static bool begins_anywhere(const struct mcmd *c)
{
	return cmb_aligns_queues(c->m, le64_get(c->e.prp1), in_pieces(c));
}

static bool offset_is_bad(const struct mcmd *c)
{
	uint64_t offset = le64_get(c->e.prp1) & (c->m->core->page - 1);

	return offset && !begins_anywhere(c) && !FAULT(c->m, QUEUE_PRP_OFFSET_MASKED);
}

/* Page-aligned where it must be, but for the fault that lets an offset pass and forgets it. */
static uint64_t base_of(const struct mcmd *c)
{
	uint64_t base = le64_get(c->e.prp1);

	return begins_anywhere(c) ? base : base & ~((uint64_t)c->m->core->page - 1);
}

static bool create_fails(struct mcmd *c, const struct create *q)
{
	struct model *m = c->m;

	if (admin_nsid_wrong(c))
		return true;
	if (qid_is_bad(m, q))
		mcmd_fail(c, SC_QID_INVALID, AT_CDW(10, 0));
	else if (size_is_bad(m, q))
		mcmd_fail(c, SC_QUEUE_SIZE_INVALID, AT_CDW(10, 0) + 2);
	else if (!(le32_get(c->e.cdw11) & PC) && queue_cqr(m) && !FAULT(m, PC_ZERO_ACCEPTED))
		mcmd_fail(c, SC_INVALID_FIELD, AT_CDW(11, 0));
	else if (offset_is_bad(c))
		mcmd_fail(c, SC_PRP_OFFSET_INVALID, AT_PRP1);
	else if (in_pieces(c) && !list_is_good(c, q))
		mcmd_fail(c, SC_PRP_OFFSET_INVALID, AT_PRP1);
	else
		cmb_queue_fails(c, q->cq, base_of(c), (q->qsize_z + 1ull) << q->want_shift,
				in_pieces(c));
	m->core->marks.failed_creates += c->status != SC_SUCCESS;
	return c->status != SC_SUCCESS;
}

/* A QID that a fault let pass has no place to be: success is said and nothing made. */
static bool has_place(unsigned max, uint16_t qid)
{
	return qid >= 1 && qid <= max;
}

static uint32_t entries(const struct model *m, const struct create *q)
{
	if (q->qsize_z > 1 && q->qsize_z < 8 && FAULT(m, QSIZE_ONE_BASED))
		return q->qsize_z;
	return q->qsize_z ? q->qsize_z + 1 : 2;
}

void admin_create_cq(struct mcmd *c)
{
	struct model *m = c->m;
	struct create q = create_of(c, true);
	uint32_t cdw11 = le32_get(c->e.cdw11);
	struct model_cq *cq, old;

	if (create_fails(c, &q))
		return;
	if ((cdw11 & IEN) && cdw11 >> 16 >= m->opt.vectors && !FAULT(m, CQ_VECTOR_UNCHECKED)) {
		mcmd_fail(c, SC_VECTOR_INVALID, AT_CDW(11, 0) + 2);
		return;
	}
	if (!has_place(m->opt.ncq, q.qid))
		return;
	cq = &m->core->cq[q.qid];
	old = *cq;
	*cq = (struct model_cq){ .used = true,
				 .ien = cdw11 & IEN,
				 .vector = (uint16_t)(cdw11 >> 16),
				 .base = base_of(c),
				 .pieces = in_pieces(c),
				 .size = entries(m, &q),
				 .phase = 1 };
	if (old.size == cq->size && FAULT(m, RECREATE_KEEPS_POSITION)) {
		cq->head = cq->tail = old.tail;
		cq->phase = old.phase;
	}
	dbbuf_queue_changed(m, q.qid);
}

static bool cqid_fails(struct mcmd *c, uint16_t cqid)
{
	struct model *m = c->m;
	unsigned nsq, ncq;

	feature_queue_count(m, &nsq, &ncq);
	if (cqid == 0 && !FAULT(m, SQ_CQID_ZERO_ACCEPTED))
		mcmd_fail(c, SC_QID_INVALID, AT_CDW(11, 0) + 2);
	else if (cqid > ncq && !FAULT(m, SQ_CQID_RANGE_UNCHECKED))
		mcmd_fail(c, SC_QID_INVALID, AT_CDW(11, 0) + 2);
	else if (!core_cq(m, cqid) && !FAULT(m, SQ_CQID_MISSING_ACCEPTED))
		mcmd_fail(c, SC_CQ_INVALID, AT_CDW(11, 0) + 2);
	return c->status != SC_SUCCESS;
}

/* By fault: priorities but the highest are refused where they mean something, or where not. */
static bool priority_fails(struct mcmd *c)
{
	bool weighted = arbitrate_is_weighted(c->m);

	if ((le32_get(c->e.cdw11) >> 1 & 3) &&
	    (weighted ? FAULT(c->m, QPRIO_REFUSED) : FAULT(c->m, QPRIO_REFUSED_UNWEIGHTED)))
		mcmd_fail(c, SC_INVALID_FIELD, AT_CDW(11, 1));
	return c->status != SC_SUCCESS;
}

void admin_create_sq(struct mcmd *c)
{
	struct model *m = c->m;
	struct create q = create_of(c, false);
	uint16_t cqid = (uint16_t)(le32_get(c->e.cdw11) >> 16);
	struct model_sq *sq, old;

	if (create_fails(c, &q) || cqid_fails(c, cqid) || priority_fails(c))
		return;
	if (!has_place(m->opt.nsq, q.qid) || !core_cq(m, cqid))
		return;
	if (q.qid != cqid && core_cq(m, q.qid) && FAULT(m, SQ_CQID_IGNORED))
		cqid = q.qid;
	sq = &m->core->sq[q.qid];
	old = *sq;
	if (old.used)
		core_cq(m, old.cqid)->sqs--;
	*sq = (struct model_sq){ .used = true,
				 .class = le32_get(c->e.cdw11) >> 1 & 3,
				 .base = base_of(c),
				 .pieces = in_pieces(c),
				 .size = entries(m, &q),
				 .cqid = cqid };
	if (old.size == sq->size && FAULT(m, RECREATE_KEEPS_POSITION))
		sq->head = sq->tail = old.head;
	m->core->cq[cqid].sqs++;
	dbbuf_queue_changed(m, q.qid);
}

void admin_delete_cq(struct mcmd *c)
{
	struct model *m = c->m;
	uint16_t qid = (uint16_t)mcmd_cdw10(c);
	struct model_cq *cq = core_cq(m, qid);

	if (admin_nsid_wrong(c))
		return;
	if (!qid || !cq) {
		mcmd_fail(c, FAULT(m, DELETE_CQ_WRONG_STATUS) ? SC_CQ_INVALID : SC_QID_INVALID,
			  AT_CDW(10, 0));
		return;
	}
	if (cq->sqs && !FAULT(m, DELETE_CQ_IN_USE_ALLOWED)) {
		mcmd_fail(c, SC_QUEUE_DELETION_INVALID, AT_CDW(10, 0));
		return;
	}
	if (cq_used(cq) && FAULT(m, INTX_SURVIVES_DELETE))
		intx_kept(m);
	cq->used = false;
	dbbuf_queue_changed(m, qid);
}

void admin_delete_sq(struct mcmd *c)
{
	struct model *m = c->m;
	uint16_t qid = (uint16_t)mcmd_cdw10(c);
	struct model_sq *sq = core_sq(m, qid);

	if (admin_nsid_wrong(c))
		return;
	if (!qid || !sq) {
		if (!FAULT(m, DELETE_SQ_IGNORES_QID))
			mcmd_fail(c, SC_QID_INVALID, AT_CDW(10, 0));
		return;
	}
	if (!cq_room(core_cq(m, sq->cqid)) && FAULT(m, CQ_FULL_DELETE_DEADLOCK)) {
		c->held = true;
		return;
	}
	engine_abort_queue(m, qid);
	if (model_other(m) && FAULT(m, DELETE_SQ_REACHES_PEER))
		engine_abort_queue(model_other(m), qid);
	engine_drop_one(m, qid);
	sq->used = false;
	if (core_cq(m, sq->cqid))
		core_cq(m, sq->cqid)->sqs--;
	dbbuf_queue_changed(m, qid);
}

static void drop_io_queues(struct model *m)
{
	for (unsigned i = 1; i <= m->opt.nsq; i++)
		m->core->sq[i] = (struct model_sq){ .used = false };
	for (unsigned i = 1; i <= m->opt.ncq; i++)
		m->core->cq[i] = (struct model_cq){ .used = false };
}

static bool io_queues_survive(const struct model *m, enum model_reset kind)
{
	return (kind == MODEL_RESET_CC && model_has_io_queues(m) &&
		FAULT(m, IO_QUEUES_SURVIVE_RESET)) ||
	       (kind == MODEL_RESET_FLR &&
		(FAULT(m, FLR_KEEPS_IO_QUEUES) || m->core->marks.keep_queues));
}

static void drop(struct model *m, bool late)
{
	for (unsigned i = 0; i < m->core->nslots; i++)
		if ((m->core->slot[i].state == SLOT_LATE) == late)
			engine_drop(m, &m->core->slot[i]);
}

static void cut_off(struct model *m)
{
	for (unsigned i = 0; i < m->core->nslots; i++) {
		if (m->core->slot[i].state != SLOT_RUNNING)
			continue;
		m->core->data_of = NULL;
		nvm_cut_off(&m->core->slot[i].c);
	}
}

void core_drop_all(struct model *m, enum model_reset kind)
{
	struct model_core *core = m->core;

	core->marks.old_sq = core->sq[0];
	core->marks.old_cq = core->cq[0];
	core->marks.resets += model_has_io_queues(m);
	core->marks.off_runs = false;
	core->marks.rest_pending = false;
	drop(m, true);
	core->marks.late = 0;
	if (kind == MODEL_RESET_CC && FAULT(m, RESET_COMPLETES_AERS))
		engine_complete_held(m);
	if ((core->running && kind == MODEL_RESET_CC &&
	     (FAULT(m, LATE_DMA_AFTER_RESET) || FAULT(m, LATE_ADMIN_DMA_AFTER_RESET))) ||
	    (kind == MODEL_RESET_FLR && FAULT(m, LATE_DMA_AFTER_FLR)))
		engine_keep_late(m);
	intx_dropped(m);
	cut_off(m);
	drop(m, false);
	core->sq[0] = (struct model_sq){ .used = false };
	core->cq[0] = (struct model_cq){ .used = false };
	if (!io_queues_survive(m, kind))
		drop_io_queues(m);
	core->nposted = 0;
	events_reset(m);
	irq_drop_pending(m);
}
