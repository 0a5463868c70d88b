// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Fetch and run. Commands are fetched from the submission queues as arbitrate.c chooses,
 * and only as many as their completion queue has free slots for, so a full completion queue holds
 * nothing back but its own. Each waits its time, then does its work, then is posted.
 * Source: Base 2.0 Queue Usage, Round Robin Arbitration, Completion Queue Flow Control.
 */
#include "model/bend.h"
#include "model/core.h"
#include "model/media.h"
#include "model/sanitize.h"

#define FLAG_FUSE      0x03u
#define FLAG_PSDT      0xc0u
#define SHST_ANY       0xcu
#define AT_FUSE	       1u
#define AT_PSDT	       1u
#define AT_CID	       2u
#define FUSE_FIRST     0x01u
#define FUSE_SECOND    0x02u
#define OPCODE_WRITE   0x01u
#define OPCODE_COMPARE 0x05u

struct slot *engine_slot_of(struct mcmd *c)
{
	return (struct slot *)((char *)c - offsetof(struct slot, c));
}

static struct model_cq *cq_of(struct model *m, const struct slot *s)
{
	struct model_sq *sq = core_sq(m, s->c.sqid);

	return sq ? core_cq(m, sq->cqid) : NULL;
}

static bool is_open(const struct slot *s)
{
	return s->state == SLOT_RUNNING || s->state == SLOT_DONE;
}

static void set_state(struct model *m, struct slot *s, enum slot_state state)
{
	bool was = is_open(s), is;
	struct model_cq *cq = cq_of(m, s);

	s->state = state;
	is = is_open(s);
	m->core->running += (unsigned)is - (unsigned)was;
	if (cq)
		cq->open += (unsigned)is - (unsigned)was;
}

void engine_drop(struct model *m, struct slot *s)
{
	if (s->state != SLOT_FREE)
		set_state(m, s, SLOT_FREE);
}

struct slot *engine_find(struct model *m, uint16_t sqid, uint16_t cid, const struct slot *but)
{
	for (unsigned i = 0; i < m->core->nslots; i++) {
		struct slot *s = &m->core->slot[i];

		if (s != but && s->state != SLOT_FREE && s->c.sqid == sqid && s->c.cid == cid)
			return s;
	}
	return NULL;
}

/* ---- complete ---- */

/* By fault, a full completion queue is overwritten, or loses one. */
static bool full_overwrites(const struct model *m, bool io)
{
	return io ? FAULT(m, CQ_FULL_OVERWRITES) : FAULT(m, ADMIN_CQ_FULL_OVERWRITES);
}

static bool full_drops(const struct model *m, bool io)
{
	return io ? FAULT(m, CQ_FULL_DROPS_ONE) : FAULT(m, ADMIN_CQ_FULL_DROPS_ONE);
}

static bool can_post(struct model *m, const struct slot *s)
{
	const struct model_cq *cq = cq_of(m, s);

	return !cq || cq_room(cq) || full_overwrites(m, s->c.sqid);
}

/* By fault: one of many goes astray when commands of many queues are under way. */
static bool is_lost(const struct model *m, const struct slot *done)
{
	uint64_t queues = 0;

	if (!done->c.sqid || done->seq % 64 || !FAULT(m, BUSY_LOSES_COMPLETION))
		return false;
	for (unsigned i = 0; i < m->core->nslots; i++)
		if (is_open(&m->core->slot[i]))
			queues |= 1ull << m->core->slot[i].c.sqid % 64;
	return (queues & 1) && __builtin_popcountll(queues) > 6;
}

void engine_complete(struct model *m, struct slot *s)
{
	const struct model_sq *sq = core_sq(m, s->c.sqid);

	if (is_lost(m, s)) {
		engine_drop(m, s);
		return;
	}
	if (s->c.status != SC_SUCCESS && sq)
		logs_add_error(m, &s->c, (uint16_t)sq->head);
	s->due = m->sub->now;
	set_state(m, s, SLOT_DONE);
	if (can_post(m, s))
		post_cqe(m, s);
	else if (full_drops(m, s->c.sqid))
		engine_drop(m, s);
}

void engine_hold_done(struct model *m, struct slot *s, uint64_t ns)
{
	set_state(m, s, SLOT_DONE);
	s->due = m->sub->now + ns;
}

void engine_keep_late(struct model *m)
{
	bool admin = FAULT(m, LATE_ADMIN_DMA_AFTER_RESET);

	for (unsigned i = 0; i < m->core->nslots; i++)
		if (m->core->slot[i].state == SLOT_RUNNING && !m->core->slot[i].c.sqid == admin)
			post_keep_late(m, &m->core->slot[i], READY_NS + IO_NS);
}

void engine_complete_held(struct model *m)
{
	for (unsigned i = 0; i < m->core->nslots; i++) {
		if (m->core->slot[i].state != SLOT_HELD)
			continue;
		m->core->slot[i].c.status = SC_ABORT_REQUESTED;
		engine_complete(m, &m->core->slot[i]);
	}
}

void engine_abort_queue(struct model *m, uint16_t sqid)
{
	for (unsigned i = 0; i < m->core->nslots; i++) {
		struct slot *s = &m->core->slot[i];

		if (s->state == SLOT_FREE || s->c.sqid != sqid)
			continue;
		if (s->state == SLOT_RUNNING && FAULT(m, DELETED_SQ_COMPLETES_LATE)) {
			post_keep_late(m, s, 10 * IO_NS);
			continue;
		}
		if (s->state == SLOT_RUNNING) {
			s->c.status = SC_SQ_DELETION;
			engine_complete(m, s);
		}
		engine_drop(m, s);
	}
}

void engine_preempt(struct model *m, uint32_t nsid)
{
	for (unsigned i = 0; i < m->core->nslots; i++) {
		struct slot *s = &m->core->slot[i];

		if (s->state != SLOT_RUNNING || !s->c.sqid || s->c.nsid != nsid)
			continue;
		if (FAULT(m, RESV_PREEMPT_ABORTS_NONE)) {
			s->c.admitted = true;
			continue;
		}
		s->c.status = SC_PREEMPTED;
		engine_complete(m, s);
	}
}

void engine_drop_one(struct model *m, uint16_t deleted)
{
	for (unsigned i = 0; FAULT(m, DELETE_SQ_DROPS_OTHERS) && i < m->core->nslots; i++) {
		struct slot *s = &m->core->slot[i];

		if (s->state == SLOT_RUNNING && s->c.sqid == 1 && deleted != 1) {
			engine_drop(m, s);
			return;
		}
	}
}

/* ---- run ---- */

/* The reserved value, a fused admin command, or one half without the other. */
static bool fuse_fails(struct mcmd *c)
{
	unsigned fuse = c->e.flags & FLAG_FUSE;

	if (!c->sqid && FAULT(c->m, ADMIN_FUSE_IGNORED))
		return false;
	if (!c->sqid || fuse == FLAG_FUSE || !c->m->opt.fuses)
		mcmd_fail(c, SC_INVALID_FIELD, AT_FUSE);
	else if (!engine_slot_of(c)->paired && !FAULT(c->m, FUSED_ALONE_RUNS))
		mcmd_fail(c, SC_FUSED_MISSING, AT_FUSE);
	return c->status != SC_SUCCESS;
}

static bool flags_fail(struct mcmd *c)
{
	struct model *m = c->m;

	if ((c->e.flags & FLAG_FUSE) && fuse_fails(c))
		return true;
	if ((c->e.flags & FLAG_PSDT) && !FAULT(m, PSDT_ACCEPTED) &&
	    !(FAULT(m, IO_FUZZ_WRITES_OUTSIDE) && c->sqid) &&
	    !((c->sqid || m->message_based) && sgl_takes(m, c->e.flags >> 6)))
		mcmd_fail(c, SC_INVALID_FIELD, AT_PSDT | 6 << 8);
	return c->status != SC_SUCCESS;
}

static void dispatch(struct mcmd *c)
{
	if (engine_find(c->m, c->sqid, c->cid, engine_slot_of(c))) {
		mcmd_fail(c, SC_CID_CONFLICT, AT_CID);
		return;
	}
	if (bend_command(c) || flags_fail(c) || sanitize_forbids(c))
		return;
	if (c->sqid)
		nvm_command(c);
	else
		admin_command(c);
}

/* Faults that keep a command from ever completing: looked at again from time to time. */
static bool hangs(struct model *m, struct slot *s)
{
	if (s->c.sqid && media_is_gone(m, s->c.nsid) && FAULT(m, GONE_NS_HANGS))
		return true;
	if (s->c.sqid && (s->c.e.flags & FLAG_FUSE) && FAULT(m, FUZZ_HANGS_ON_FUSE))
		return true;
	if (!s->c.sqid && (s->c.e.flags & FLAG_FUSE) == FLAG_FUSE &&
	    FAULT(m, ADMIN_FUZZ_HANGS_ON_FUSE))
		return true;
	if (engine_find(m, s->c.sqid, s->c.cid, s) && FAULT(m, CID_DUPLICATE_HANGS))
		return true;
	return m->core->marks.completions >= VANISH_AFTER && FAULT(m, STOPS_ANSWERING);
}

/* ---- fused operations: Base 2.0 Fused Operations, NVM CS 1.0 Compare and Write ---- */

static struct slot *second_of(struct model *m, const struct slot *first)
{
	for (unsigned i = 0; i < m->core->nslots; i++) {
		struct slot *s = &m->core->slot[i];

		if (s->state == SLOT_RUNNING && s->paired && s->seq == first->seq + 1)
			return s;
	}
	return NULL;
}

/* Compare, Write, one namespace, one range. */
static bool is_compare_and_write(const struct sqe *a, const struct sqe *b)
{
	return a->opcode == OPCODE_COMPARE && b->opcode == OPCODE_WRITE &&
	       le32_get(a->nsid) == le32_get(b->nsid) && le32_get(a->cdw10) == le32_get(b->cdw10) &&
	       le32_get(a->cdw11) == le32_get(b->cdw11) &&
	       !((le32_get(a->cdw12) ^ le32_get(b->cdw12)) & 0xffff);
}

static void run_second(struct model *m, struct slot *first, struct slot *second)
{
	m->core->data_of = NULL;
	if (first->c.status != SC_SUCCESS && !FAULT(m, FUSED_MISMATCH_WRITES))
		mcmd_fail(&second->c, SC_FUSED_FAILED, 0xffff);
	else
		dispatch(&second->c);
	engine_complete(m, second);
}

/* Both halves at once, so that nothing comes between them. */
static void run_pair(struct model *m, struct slot *first)
{
	struct slot *second = second_of(m, first);

	m->core->data_of = NULL;
	if (!second)
		mcmd_fail(&first->c, SC_FUSED_FAILED, 0xffff);
	else if (!is_compare_and_write(&first->c.e, &second->c.e))
		mcmd_fail(&first->c, SC_INVALID_FIELD, AT_FUSE);
	else
		dispatch(&first->c);
	engine_complete(m, first);
	if (!second)
		return;
	if (first->c.status == SC_INVALID_FIELD) {
		mcmd_fail(&second->c, SC_INVALID_FIELD, AT_FUSE);
		engine_complete(m, second);
	} else if (first->c.status == SC_SUCCESS && FAULT(m, FUSED_NOT_ATOMIC)) {
		second->c.e.flags &= (uint8_t)~FLAG_FUSE;
		second->paired = false;
		second->due = m->sub->now + IO_NS;
	} else {
		run_second(m, first, second);
	}
}

/* A half whose turn has come; what is second here was left behind by an Abort of the first. */
static void run_half(struct model *m, struct slot *s)
{
	if ((s->c.e.flags & FLAG_FUSE) == FUSE_FIRST) {
		run_pair(m, s);
		return;
	}
	mcmd_fail(&s->c, SC_FUSED_FAILED, 0xffff);
	engine_complete(m, s);
}

static void run(struct model *m, struct slot *s)
{
	struct mcmd *c = &s->c;

	if (hangs(m, s)) {
		s->due = NEVER;
		return;
	}
	if (s->paired) {
		run_half(m, s);
		return;
	}
	m->core->data_of = NULL;
	dispatch(c);
	if (data_never_ends(m)) {
		s->due = m->sub->now + 10000000;
		c->status = SC_SUCCESS;
		return;
	}
	if (m->core->wedged || s->state != SLOT_RUNNING)
		return;
	if (c->again_ns && c->status == SC_SUCCESS) {
		s->due = model_now(m) + c->again_ns;
		c->again_ns = 0;
		return;
	}
	if (c->held && c->status == SC_SUCCESS)
		set_state(m, s, SLOT_HELD);
	else if (post_hold_for_irq(m, s))
		return;
	else
		engine_complete(m, s);
}

static struct slot *due_slot(struct model *m)
{
	struct slot *first = NULL;

	for (unsigned i = 0; m->core->running && i < m->core->nslots; i++) {
		struct slot *s = &m->core->slot[i];

		if (!is_open(s) || s->due > m->sub->now ||
		    (s->state == SLOT_DONE && !can_post(m, s)))
			continue;
		if (!first || s->due < first->due || (s->due == first->due && s->seq < first->seq))
			first = s;
	}
	return first;
}

static void run_due(struct model *m)
{
	struct slot *s;

	while (core_alive(m) && (s = due_slot(m))) {
		if (s->state == SLOT_DONE)
			post_cqe(m, s);
		else
			run(m, s);
	}
}

/* ---- fetch ---- */

/* By fault: a full completion queue, whosever, holds back every I/O queue. */
static bool any_full(struct model *m)
{
	for (unsigned i = 1; i <= m->opt.ncq; i++)
		if (core_cq(m, i) && !cq_room(core_cq(m, i)))
			return FAULT(m, CQ_FULL_STOPS_OTHERS);
	return false;
}

static bool can_fetch(struct model *m, const struct model_sq *q)
{
	const struct model_cq *cq;

	if (!q->used || !sq_waiting(q))
		return false;
	cq = core_cq(m, q->cqid);
	if (!cq || (q != m->core->sq && any_full(m)))
		return false;
	if (cq->open < cq_room(cq) || full_overwrites(m, q != m->core->sq))
		return true;
	return cq->open == cq_room(cq) && full_drops(m, q != m->core->sq);
}

static bool may_fetch(const struct model *m)
{
	return core_alive(m) && !(m->core->csts & SHST_ANY) && m->core->running < RUNNING_MAX;
}

static uint64_t latency(const struct model *m, const struct slot *s)
{
	uint32_t mix = s->c.cid * 7u + s->c.sqid * 3u;

	(void)m;
	return s->c.sqid ? IO_NS + mix % IO_JITTER * IO_JITTER_NS : ADMIN_NS;
}

static struct slot *free_slot(struct model *m)
{
	for (unsigned i = 0; i < m->core->nslots; i++)
		if (m->core->slot[i].state == SLOT_FREE)
			return &m->core->slot[i];
	return NULL;
}

static int read_sqe(struct model *m, const struct model_sq *q, struct sqe *ret)
{
	return core_dma_read(m, queue_at(m, q->base, q->pieces, (uint64_t)q->head * sizeof(*ret)),
			     ret, sizeof(*ret));
}

static void take(struct model *m, struct slot *s, uint16_t sqid, const struct sqe *e)
{
	*s = (struct slot){ .c = { .m = m,
				   .e = *e,
				   .sqid = sqid,
				   .cid = le16_get(e->cid),
				   .nsid = le32_get(e->nsid),
				   .error_location = 0xffff },
			    .seq = ++m->core->seq };
	s->due = m->sub->now + latency(m, s);
	if (sqid)
		keepalive_traffic(m);
	set_state(m, s, SLOT_RUNNING);
}

/* The fault tail-beyond-fetched: a Write that was not rung yet takes effect all the same. */
static void run_past_tail(struct model *m, uint16_t sqid)
{
	struct slot s = { .c = { .m = m, .sqid = sqid } };

	if (!sqid || !FAULT(m, TAIL_BEYOND_FETCHED) || read_sqe(m, core_sq(m, sqid), &s.c.e) ||
	    s.c.e.opcode != OPCODE_WRITE)
		return;
	s.c.nsid = le32_get(s.c.e.nsid);
	m->core->data_of = NULL;
	nvm_command(&s.c);
}

/* The slot behind the first half: both become due together when it holds the second. */
static void fetch_second(struct model *m, uint16_t sqid, struct slot *first)
{
	struct model_sq *q = core_sq(m, sqid);
	struct slot *s = free_slot(m);
	struct sqe e;

	if (!s || !sq_waiting(q) || read_sqe(m, q, &e) || (e.flags & FLAG_FUSE) != FUSE_SECOND ||
	    (FAULT(m, FUSED_WRAP_BROKEN) && !q->head))
		return;
	q->head = (q->head + 1) % q->size;
	take(m, s, sqid, &e);
	s->due = first->due;
	s->paired = first->paired = true;
}

static void fetch(struct model *m, uint16_t sqid)
{
	struct model_sq *q = core_sq(m, sqid);
	struct slot *s = free_slot(m);
	struct sqe e;

	if (!s)
		return;
	if (read_sqe(m, q, &e)) {
		if (!FAULT(m, QUEUE_FAULT_NO_CFS))
			core_fatal(m);
		return;
	}
	q->head = (q->head + 1) % q->size;
	take(m, s, sqid, &e);
	if (sqid && m->opt.fuses && (e.flags & FLAG_FUSE) == FUSE_FIRST)
		fetch_second(m, sqid, s);
	if (!sq_waiting(q))
		run_past_tail(m, sqid);
}

/* The submission queue whose turn it is to give a command; -1: none has one. */
static int next_sq(struct model *m)
{
	return arbitrate_next(m, can_fetch);
}

static void fetch_some(struct model *m)
{
	for (unsigned i = 0; i < FETCH_BURST && may_fetch(m); i++) {
		int qid = next_sq(m);

		if (qid < 0)
			return;
		arbitrate_took(m, (unsigned)qid);
		fetch(m, (uint16_t)qid);
	}
}

void engine_step(struct model *m)
{
	post_step(m);
	if (!core_alive(m))
		return;
	events_step(m);
	run_due(m);
	fetch_some(m);
}

uint64_t engine_next(const struct model *cm)
{
	struct model *m = (struct model *)cm; /* looks only */
	uint64_t due = post_next(m);

	if (!core_alive(m))
		return due;
	for (unsigned i = 0; m->core->running && i < m->core->nslots; i++) {
		struct slot *s = &m->core->slot[i];

		if (is_open(s) && s->due < due && (s->state != SLOT_DONE || can_post(m, s)))
			due = s->due;
	}
	if (may_fetch(m) && next_sq(m) >= 0 && m->sub->now + TICK_NS < due)
		due = m->sub->now + TICK_NS;
	return due;
}
