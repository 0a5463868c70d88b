// SPDX-License-Identifier: GPL-2.0-or-later
#include "nvme/queue.h"

#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "nvme/native.h"
#include "target/door.h"

#define CID_WORDS (65536 / 64)
#define CID_TIMES 256

/* How long one relax may last: short enough to see a completion soon, long enough not to spin. */
#define POLL_NS (200 * 1000ull)

struct cq *cq_alloc(struct ctrl *c, uint16_t qid, uint32_t entries)
{
	struct cq *q = calloc(1, sizeof(*q));

	if (!q)
		return NULL;
	q->c = c;
	q->qid = qid;
	q->size = entries;
	q->mem = buf_alloc(c, (size_t)entries * sizeof(struct cqe), c->page);
	if (!q->mem) {
		free(q);
		return NULL;
	}
	cq_reset(q);
	q->next = c->cqs;
	c->cqs = q;
	return q;
}

struct sq *sq_alloc(struct ctrl *c, uint16_t qid, uint32_t entries, struct cq *cq)
{
	struct sq *q = calloc(1, sizeof(*q));

	if (!q)
		return NULL;
	q->c = c;
	q->qid = qid;
	q->size = entries;
	q->cq = cq;
	q->mem = buf_alloc(c, (size_t)entries * sizeof(struct sqe), c->page);
	q->pending = calloc(CID_WORDS, sizeof(*q->pending));
	q->rung_ns = calloc(CID_TIMES, sizeof(*q->rung_ns));
	if (!q->mem || !q->pending || !q->rung_ns) {
		buf_free(c, q->mem);
		free(q->pending);
		free(q->rung_ns);
		free(q);
		return NULL;
	}
	sq_reset(q);
	q->next = c->sqs;
	c->sqs = q;
	return q;
}

void cq_free(struct cq *q)
{
	if (!q)
		return;
	for (struct cq **p = &q->c->cqs; *p; p = &(*p)->next) {
		if (*p == q) {
			*p = q->next;
			break;
		}
	}
	for (struct sq *s = q->c->sqs; s; s = s->next)
		if (s->cq == q)
			s->cq = NULL;
	buf_free(q->c, q->mem);
	free(q);
}

void sq_free(struct sq *q)
{
	if (!q)
		return;
	for (struct sq **p = &q->c->sqs; *p; p = &(*p)->next) {
		if (*p == q) {
			*p = q->next;
			break;
		}
	}
	buf_free(q->c, q->mem);
	free(q->pending);
	free(q->rung_ns);
	free(q);
}

void cq_reset(struct cq *q)
{
	memset(q->mem->data, 0, q->mem->len);
	if (q->far.on)
		far_zero(q->c, &q->far, 0, q->size * sizeof(struct cqe));
	q->head = 0;
	q->phase = 1;
	q->reaped = 0;
}

void sq_reset(struct sq *q)
{
	memset(q->mem->data, 0, q->mem->len);
	q->tail = q->rung = q->asked = q->head = 0;
	sq_forget(q);
}

int cq_place(struct cq *q, const struct far *far)
{
	q->far = *far;
	return far_zero(q->c, far, 0, q->size * sizeof(struct cqe));
}

void sq_place(struct sq *q, const struct far *far)
{
	q->far = *far;
}

uint64_t cq_address(const struct cq *q)
{
	return q->far.on ? q->far.iova : q->mem->iova;
}

uint64_t sq_address(const struct sq *q)
{
	return q->far.on ? q->far.iova : q->mem->iova;
}

void sq_forget(struct sq *q)
{
	memset(q->pending, 0, CID_WORDS * sizeof(*q->pending));
	q->inflight = 0;
}

uint32_t sq_room(const struct sq *q)
{
	return q->size - 1 - (q->tail + q->size - q->head) % q->size;
}

bool sq_is_pending(const struct sq *q, uint16_t cid)
{
	return q->pending[cid / 64] >> (cid % 64) & 1;
}

static void set_pending(struct sq *q, uint16_t cid, bool on)
{
	uint64_t bit = 1ull << (cid % 64);

	if (sq_is_pending(q, cid) == on)
		return;
	q->pending[cid / 64] ^= bit;
	q->inflight += on ? 1 : -1u;
}

uint16_t sq_put_as(struct sq *q, const struct sqe *e, uint16_t cid)
{
	struct sqe *slot = sq_slot(q, q->tail);

	*slot = *e;
	slot->cid = le16_from(cid);
	if (q->far.on) /* what goes wrong here shows when it is rung */
		far_store(q->c, &q->far, q->tail * sizeof(*slot), slot, sizeof(*slot));
	set_pending(q, cid, true);
	q->rung_ns[cid % CID_TIMES] = target_now(q->c->t);
	trace_put(q, slot, q->rung_ns[cid % CID_TIMES]);
	q->tail = (q->tail + 1) % q->size;
	return cid;
}

uint16_t sq_put(struct sq *q, const struct sqe *e)
{
	/* FFFFh is a CID a host should not use; one still in flight must not be used again */
	while (q->next_cid == CID_NONE || sq_is_pending(q, q->next_cid))
		q->next_cid++;
	return sq_put_as(q, e, q->next_cid++);
}

struct sqe *sq_slot(struct sq *q, uint32_t i)
{
	return (struct sqe *)q->mem->data + i;
}

struct cqe *cq_slot(struct cq *q, uint32_t i)
{
	return (struct cqe *)q->mem->data + i;
}

uint64_t doorbell_sq(const struct ctrl *c, uint16_t qid)
{
	return REG_DOORBELLS + 2ull * qid * c->stride;
}

uint64_t doorbell_cq(const struct ctrl *c, uint16_t qid)
{
	return REG_DOORBELLS + (2ull * qid + 1) * c->stride;
}

/* What register writes tell stands in the shadow buffer before. */
static void shadow(struct ctrl *c, uint64_t off, uint32_t value)
{
	if (c->shadow)
		__atomic_store_n((uint32_t *)(void *)(c->shadow->data + (off - REG_DOORBELLS)),
				 htole32(value), __ATOMIC_SEQ_CST);
}

int sq_ring(struct sq *q)
{
	int err = sq_ring_value(q, q->tail);

	if (!err)
		q->rung = q->tail;
	return err;
}

/* What was refused, and what stands behind it, is taken out: the next ring would send it. */
static void withdraw(struct sq *q)
{
	while (q->tail != q->asked) {
		q->tail = (q->tail + q->size - 1) % q->size;
		set_pending(q, le16_get(sq_slot(q, q->tail)->cid), false);
	}
}

/* Every entry that the device may fetch by this value. One past the queue is the case's affair. */
static int ask_door(struct sq *q, uint32_t value)
{
	while (value < q->size && q->asked != value) {
		int err = door_sqe(q->c->t, q->qid, sq_slot(q, q->asked));

		if (err) {
			withdraw(q);
			return err;
		}
		q->asked = (q->asked + 1) % q->size;
	}
	return 0;
}

int sq_ring_value(struct sq *q, uint32_t value)
{
	uint64_t off = doorbell_sq(q->c, q->qid);
	int err = q->c->t->caps.of_machine ? ask_door(q, value) : 0;

	if (err)
		return err;
	__atomic_thread_fence(__ATOMIC_RELEASE);
	shadow(q->c, off, value);
	return value == q->tail ? reg_write_quiet(q->c, off, value) : reg_write32(q->c, off, value);
}

int cq_ring(struct cq *q)
{
	return cq_ring_value(q, q->head);
}

int cq_ring_value(struct cq *q, uint32_t value)
{
	uint64_t off = doorbell_cq(q->c, q->qid);

	shadow(q->c, off, value);
	return value == q->head ? reg_write_quiet(q->c, off, value) : reg_write32(q->c, off, value);
}

/* The half with the phase first: when it is new, the other is there. */
static void fetch_entry(const struct cq *q)
{
	struct cqe *e = (struct cqe *)q->mem->data + q->head;
	uint64_t at = q->head * sizeof(*e), half = sizeof(*e) / 2;

	if (!far_load(q->c, &q->far, at + half, (uint8_t *)e + half, half))
		far_load(q->c, &q->far, at, e, half);
}

int cq_ready(const struct cq *q)
{
	if (q->far.on)
		fetch_entry(q);
	const struct cqe *e = (const struct cqe *)q->mem->data + q->head;
	__le16 status = __atomic_load_n(&e->status, __ATOMIC_ACQUIRE);

	return (le16_get(status) & CQE_PHASE) == q->phase;
}

static struct sq *find_sq(struct ctrl *c, uint16_t qid)
{
	for (struct sq *s = c->sqs; s; s = s->next)
		if (s->qid == qid)
			return s;
	return NULL;
}

/* SQHD says how far the device has fetched: never past the tail it was told. */
static void audit_sqhd(struct cq *q, struct sq *s, const struct cpl *cpl)
{
	if (cpl->sqhd >= s->size) {
		ctrl_audit(q->c, "cqe.sqhd", "SQHD %u of SQ %u: got %u, want < its size %u",
			   cpl->sqhd, s->qid, cpl->sqhd, s->size);
		return;
	}
	uint32_t moved = (cpl->sqhd + s->size - s->head) % s->size;
	uint32_t limit = (s->rung + s->size - s->head) % s->size;

	if (moved > limit)
		ctrl_audit(q->c, "cqe.sqhd",
			   "SQHD of SQ %u: got %u, want from the last %u forward to the tail %u",
			   s->qid, cpl->sqhd, s->head, s->rung);
	s->head = cpl->sqhd;
}

static void audit_cpl(struct cq *q, struct cpl *cpl)
{
	struct sq *s = find_sq(q->c, cpl->sqid);
	char text[STATUS_TEXT];

	q->c->audited++;
	if (!status_is_legal(cpl->status))
		ctrl_audit(q->c, "cqe.status",
			   "status of CID %u on SQ %u: got %s, want a defined one", cpl->cid,
			   cpl->sqid, status_text(cpl->status, text));
	if (cpl->status == SC_SUCCESS && (cpl->dnr || cpl->crd))
		ctrl_audit(q->c, "should:cqe.dnr", "success with DNR %u, CRD %u: want 0", cpl->dnr,
			   cpl->crd);
	if (!s || s->cq != q) {
		ctrl_audit(q->c, "cqe.sqid",
			   "SQ identifier in CQ %u: got %u, want a queue bound to it", q->qid,
			   cpl->sqid);
		return;
	}
	if (!sq_is_pending(s, cpl->cid))
		ctrl_audit(q->c, "cqe.cid", "CID on SQ %u: got %u, want one that is outstanding",
			   s->qid, cpl->cid);
	else
		cpl->took_ns = target_now(q->c->t) - s->rung_ns[cpl->cid % CID_TIMES];
	set_pending(s, cpl->cid, false);
	audit_sqhd(q, s, cpl);
}

int cq_next(struct cq *q, struct cpl *ret)
{
	struct cqe e;

	if (!cq_ready(q))
		return 0;
	e = *cq_slot(q, q->head);
	*ret = cpl_of(&e);
	q->head++;
	if (q->head == q->size) {
		q->head = 0;
		q->phase ^= 1;
	}
	q->reaped++;
	trace_completed(q, &e);
	audit_cpl(q, ret);
	return 1;
}

/* Lets the device work until the CQ's vector fires or a poll is due. */
static int let_work(struct cq *q, uint64_t deadline_ns)
{
	struct target *t = q->c->t;
	uint64_t now = target_now(t), left = deadline_ns > now ? deadline_ns - now : 0;
	int err;

	if (q->ien && q->c->use_irq) {
		err = t->ops->irq_wait(t, q->vector, deadline_ns);
		return err < 0 ? err : 0;
	}
	return t->ops->relax(t, left < POLL_NS ? left : POLL_NS);
}

int cq_wait(struct cq *q, struct cpl *ret, uint64_t deadline_ns)
{
	if (q->c->native)
		return native_refuse(q->c, "a completion that is waited for");
	for (;;) {
		bool last = target_now(q->c->t) >= deadline_ns;

		if (cq_next(q, ret))
			return cq_ring(q);
		if (last)
			return -ETIMEDOUT;
		int err = let_work(q, deadline_ns);

		if (err)
			return err;
	}
}
