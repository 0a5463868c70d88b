// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Submit and reap. What comes from the device is checked before it is used: phase, queue, SQHD,
 * CID. A CID carries a count above its slot's number, so that the second completion of a command is
 * not taken for the first one of the next.
 */
#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "nvme/io.h"
#include "nvme/io_queue.h"
#include "nvme/sgl.h"
#include "target/door.h"

#define LOOKS	     64u       /* at the queues between two looks at the clock */
#define SPIN_NS	     NS_PER_MS /* then the device is let work, and looked after */
#define LOOK_NS	     (20 * NS_PER_US)
#define POLL_NS	     (200 * NS_PER_US)
#define FUA	     (1u << 30)
#define CID_RESERVED 0xffffu

static inline void ease(void)
{
#if defined(__x86_64__) || defined(__i386__)
	__builtin_ia32_pause();
#endif
}

/* ---- doorbells ---- */

/*
 * Does the step from the value told last to this one pass EventIdx? Modulo the queue's size,
 * without a division. An EventIdx that is no position asks for nothing where heads are concerned,
 * which some controllers mean by it; at a tail it is not believed, and the register is written.
 * Base 2.0 Updating Controller Doorbell Properties using a Shadow Doorbell Buffer.
 */
static inline bool is_asked(const struct io_bell *b, uint32_t value, uint32_t size)
{
	uint32_t event = le32toh(__atomic_load_n(b->event, __ATOMIC_RELAXED));
	uint32_t beyond, step;

	if (event >= size)
		return b->tail;
	beyond = value >= event ? value - event : value + size - event;
	step = value >= b->told ? value - b->told : value + size - b->told;
	return beyond && beyond <= step;
}

static inline int ring(struct io *g, struct io_bell *b, uint32_t value, uint32_t size)
{
	bool asked = true;

	if (b->shadow) {
		__atomic_store_n(b->shadow, htole32(value), __ATOMIC_RELEASE);
		__atomic_thread_fence(__ATOMIC_SEQ_CST); /* stored before EventIdx is read */
		asked = is_asked(b, value, size);
	}
	b->told = value;
	if (!asked)
		return 0;
	if (b->mapped) {
		__atomic_store_n(b->mapped, htole32(value), __ATOMIC_RELEASE);
		return 0;
	}
	__atomic_thread_fence(__ATOMIC_RELEASE);
	return g->t->ops->reg_write(g->t, b->off, 32, value);
}

/* ---- submit ---- */

static const struct io_ns *find_ns(struct io *g, uint32_t nsid)
{
	const struct io_ns *ns = &g->ns[g->last_ns];

	if (ns->nsid == nsid && g->n_ns)
		return ns;
	for (unsigned i = 0; i < g->n_ns; i++)
		if (g->ns[i].nsid == nsid) {
			g->last_ns = i;
			return &g->ns[i];
		}
	return NULL;
}

/* The slot's list of pages from `at` on; the last entry of a full page leads to the next one. */
static void fill_list(const struct io *g, const struct io_queue *q, unsigned slot, uint64_t at,
		      size_t pages)
{
	size_t off = slot * g->list_bytes, per_page = g->page / 8;
	uint8_t *list = (uint8_t *)q->list.va + off;
	uint64_t iova = q->list.iova + off;

	for (size_t i = 0; pages; i++) {
		if (i % per_page == per_page - 1 && pages > 1) {
			le64_put(list + i * 8, iova + (i + 1) * 8);
			continue;
		}
		le64_put(list + i * 8, at);
		at += g->page;
		pages--;
	}
}

/* PRP2 of len bytes at a bus address, which is PRP1. */
static uint64_t second_pointer(const struct io *g, const struct io_queue *q, unsigned slot,
			       uint64_t at, size_t len)
{
	size_t first = g->page - (at & (g->page - 1)), rest;

	if (len <= first)
		return 0;
	rest = len - first;
	if (rest <= g->page)
		return at + first;
	fill_list(g, q, slot, at + first, (rest + g->page - 1) / g->page);
	return q->list.iova + slot * g->list_bytes;
}

/* By PRPs, or where those are not known by the one descriptor that all know. */
static inline void set_pointer(const struct io *g, const struct io_queue *q, unsigned slot,
			       uint64_t at, size_t len, struct sqe *e)
{
	if (g->t->caps.fabrics) {
		sgl_put(e, sgl_data(at, (uint32_t)len));
		e->flags |= PSDT_SGL;
		return;
	}
	e->prp1 = le64_from(at);
	e->prp2 = le64_from(second_pointer(g, q, slot, at, len));
}

static int bad(struct io *g, const struct block_io *io, const char *what)
{
	static const char *const names[] = { "read", "write", "flush", "write zeroes", "discard" };

	return target_fail(g->t, -EINVAL, "%s of %u blocks at %llu of namespace %u: %s",
			   (unsigned)io->op < 5 ? names[io->op] : "unknown I/O", io->blocks,
			   (unsigned long long)io->lba, io->nsid, what);
}

static int build_data(struct io *g, const struct io_queue *q, unsigned slot, const struct io_ns *ns,
		      const struct block_io *io, struct sqe *e)
{
	size_t len = (size_t)io->blocks << ns->shift;
	uint64_t at;

	if (len > g->bytes_max)
		return bad(g, io, "more than an I/O may move here (MDTS)");
	if (!io->data || io->data_offset > io->data->len || len > io->data->len - io->data_offset ||
	    io->data_offset % 4)
		return bad(g, io, "its data do not lie in its buffer, or at no dword");
	if (ns->has_meta)
		return bad(g, io, "the namespace has metadata");
	at = io->data->iova + io->data_offset;
	set_pointer(g, q, slot, at, len, e);
	return 0;
}

static void build_range(struct io *g, const struct io_queue *q, unsigned slot,
			const struct block_io *io, struct sqe *e)
{
	size_t off = slot * g->list_bytes;
	struct nvme_dsm_range range = { .nlb = le32_from(io->blocks), .slba = le64_from(io->lba) };

	memcpy((uint8_t *)q->list.va + off, &range, sizeof(range));
	set_pointer(g, q, slot, q->list.iova + off, sizeof(range), e);
	e->cdw11 = le32_from(NVME_DSMGMT_AD);
}

static void set_range(struct sqe *e, const struct block_io *io)
{
	e->cdw10 = le32_from((uint32_t)io->lba);
	e->cdw11 = le32_from((uint32_t)(io->lba >> 32));
	e->cdw12 = le32_from(io->blocks - 1);
}

static inline int build(struct io *g, struct io_queue *q, unsigned slot, const struct block_io *io,
			struct sqe *e)
{
	static const uint8_t opcode[] = { nvme_cmd_read, nvme_cmd_write, nvme_cmd_flush,
					  nvme_cmd_write_zeroes, nvme_cmd_dsm };
	const struct io_ns *ns = find_ns(g, io->nsid);

	if (!ns || (unsigned)io->op > BLOCK_DISCARD)
		return bad(g, io, ns ? "no such I/O" : "no such namespace is known");
	*e = (struct sqe){ .opcode = opcode[io->op],
			   .cid = le16_from(q->slot[slot].cid),
			   .nsid = le32_from(io->nsid) };
	if (io->op == BLOCK_FLUSH)
		return 0;
	if (!io->blocks || (io->op != BLOCK_DISCARD && io->blocks > 65536))
		return bad(g, io, "a number of blocks that no command can have");
	if (io->op == BLOCK_DISCARD) {
		build_range(g, q, slot, io, e);
		return 0;
	}
	set_range(e, io);
	if (io->op == BLOCK_ZEROES)
		return 0;
	if (io->op == BLOCK_WRITE && io->fua)
		e->cdw12 = le32_from((io->blocks - 1) | FUA);
	return build_data(g, q, slot, ns, io, e);
}

/* FFFFh is a CID that a host should not use. */
static inline void next_cid(const struct io *g, struct io_slot *s)
{
	s->cid = (uint16_t)(s->cid + g->slot_mask + 1);
	if (s->cid == CID_RESERVED)
		s->cid = (uint16_t)(s->cid + g->slot_mask + 1);
}

/* 1 when it is in the queue, 0 when that is full. */
static inline int put(struct io *g, struct block_io *io)
{
	struct io_queue *q;
	unsigned slot;
	int err;

	if (io->queue >= g->queues)
		return bad(g, io, "its queue was not asked for");
	q = &g->queue[io->queue];
	if (!q->n_free)
		return 0;
	slot = q->free[q->n_free - 1];
	next_cid(g, &q->slot[slot]);
	err = build(g, q, slot, io, &q->sqe[q->tail]);
	if (!err)
		err = door_io(g->t, io);
	if (err)
		return err;
	q->n_free--;
	q->slot[slot].io = io;
	q->tail = q->tail + 1 == q->size ? 0 : q->tail + 1;
	return 1;
}

static int ring_tails(struct io *g)
{
	int err = 0;

	for (unsigned i = 0; i < g->queues && !err; i++)
		if (g->queue[i].tail != g->queue[i].sq.told)
			err = ring(g, &g->queue[i].sq, g->queue[i].tail, g->queue[i].size);
	return err;
}

int io_submit(struct io *g, struct block_io *io[], unsigned n)
{
	unsigned taken = 0;
	uint64_t now;
	int err = g->broken;

	if (err)
		return err;
	while (taken < n && (err = put(g, io[taken])) > 0)
		taken++;
	if (!taken)
		return err;
	g->inflight += taken;
	now = target_now(g->t);
	for (unsigned i = 0; i < taken; i++)
		io[i]->submit_ns = now;
	g->broken = ring_tails(g);
	return g->broken ? g->broken : (int)taken;
}

/* ---- reap ---- */

static inline uint32_t last_dword(const struct io_queue *q)
{
	return le32toh(__atomic_load_n((const uint32_t *)(const void *)&q->cqe[q->head].cid,
				       __ATOMIC_ACQUIRE));
}

static inline bool is_new(const struct io_queue *q, uint32_t dword)
{
	return (dword >> 16 & CQE_PHASE) == q->phase;
}

/* In words what is wrong with the entry at the head; the controller is not to be used any more. */
static int break_off(struct io *g, const struct io_queue *q, uint32_t dword)
{
	struct cqe e = q->cqe[q->head];
	unsigned cid = dword & 0xffff, slot = cid & g->slot_mask;

	g->broken = -EPROTO;
	if (le16_get(e.sqid) != q->qid)
		return target_fail(
			g->t, -EPROTO,
			"a completion in CQ %u is of SQ %u, which does not complete there", q->qid,
			le16_get(e.sqid));
	if (le16_get(e.sqhd) >= q->size)
		return target_fail(g->t, -EPROTO,
				   "a completion on SQ %u has SQHD %u, past its %u entries", q->qid,
				   le16_get(e.sqhd), q->size);
	if (slot < g->depth && q->slot[slot].cid == cid && !q->slot[slot].io)
		return target_fail(g->t, -EPROTO, "CID %u on SQ %u is completed twice", cid,
				   q->qid);
	return target_fail(g->t, -EPROTO,
			   "a completion on SQ %u has CID %u, which is not in flight", q->qid, cid);
}

static inline struct block_io *take(struct io *g, struct io_queue *q, uint32_t dword)
{
	const struct cqe *e = &q->cqe[q->head];
	unsigned cid = dword & 0xffff, slot = cid & g->slot_mask;
	struct block_io *io;

	if (slot >= g->depth || q->slot[slot].cid != cid || !q->slot[slot].io ||
	    le16_get(e->sqid) != q->qid || le16_get(e->sqhd) >= q->size)
		return NULL;
	io = q->slot[slot].io;
	q->slot[slot].io = NULL;
	q->free[q->n_free++] = (uint16_t)slot;
	io->status = CQE_STATUS(dword >> 16);
	io->result = io->status == SC_SUCCESS ? 0 : -EIO;
	return io;
}

/* The count; less than what was there when the entry after it is bad. */
static inline unsigned sweep_queue(struct io *g, struct io_queue *q, struct block_io *ret[],
				   unsigned n)
{
	unsigned got = 0;

	while (got < n) {
		uint32_t dword = last_dword(q);

		if (!is_new(q, dword))
			break;
		ret[got] = take(g, q, dword);
		if (!ret[got]) {
			break_off(g, q, dword);
			break;
		}
		got++;
		if (++q->head == q->size) {
			q->head = 0;
			q->phase ^= CQE_PHASE;
		}
	}
	return got;
}

/* What is complete, of all queues in turn. A device that broke the rules is told by the next call,
 * when this one has something to give. */
static int sweep(struct io *g, struct block_io *ret[], unsigned n)
{
	unsigned got = 0, more, i = g->next;
	uint64_t now;
	int err = 0;

	for (unsigned k = 0; k < g->queues && got < n && !g->broken; k++) {
		struct io_queue *q = &g->queue[i];

		more = sweep_queue(g, q, ret + got, n - got);
		got += more;
		if (more && !err)
			err = ring(g, &q->cq, q->head, q->size);
		i = i + 1 == g->queues ? 0 : i + 1;
	}
	g->next = i;
	if (err && !g->broken)
		g->broken = err;
	if (!got)
		return g->broken;
	g->inflight -= got;
	now = target_now(g->t);
	for (unsigned k = 0; k < got; k++)
		ret[k]->complete_ns = now;
	return (int)got;
}

static bool is_ready(const struct io *g)
{
	for (unsigned i = 0; i < g->queues; i++)
		if (is_new(&g->queue[i], last_dword(&g->queue[i])))
			return true;
	return false;
}

static bool spin(const struct io *g)
{
	for (unsigned i = 0; i < LOOKS; i++) {
		if (is_ready(g))
			return true;
		ease();
	}
	return false;
}

static int late(struct io *g, uint64_t now)
{
	const struct block_io *oldest = NULL;

	for (unsigned i = 0; i < g->queues; i++)
		for (unsigned k = 0; k < g->depth; k++) {
			const struct block_io *io = g->queue[i].slot[k].io;

			if (io && (!oldest || io->submit_ns < oldest->submit_ns))
				oldest = io;
		}
	return target_fail(
		g->t, -ETIMEDOUT,
		"no completion by the deadline; %u block I/Os in flight, the oldest on SQ %u "
		"for %llu ms",
		g->inflight, oldest ? oldest->queue + 1u : 0,
		oldest ? (unsigned long long)((now - oldest->submit_ns) / NS_PER_MS) : 0);
}

/* How long the device may be let work now: while it is spun on, not at all, but it may have asked.
 */
static int let_work(struct io *g, uint64_t waited, uint64_t left, uint64_t *looked)
{
	if (!g->spins || waited > SPIN_NS)
		return g->t->ops->relax(g->t, left < POLL_NS ? left : POLL_NS);
	if (waited - *looked < LOOK_NS)
		return 0;
	*looked = waited;
	return g->t->ops->relax(g->t, 0);
}

/* After the deadline it looks once more, then judges. */
static int wait_ready(struct io *g, uint64_t deadline_ns)
{
	uint64_t begin = target_now(g->t), now = begin, looked = 0;
	int err;

	for (;;) {
		bool last = now >= deadline_ns;

		if (g->spins ? spin(g) : is_ready(g))
			return 0;
		if (last)
			return late(g, now);
		err = let_work(g, now - begin, deadline_ns - now, &looked);
		if (err)
			return err;
		now = target_now(g->t);
	}
}

int io_reap(struct io *g, struct block_io *ret[], unsigned n, uint64_t deadline_ns)
{
	int got = sweep(g, ret, n), err;

	if (got || !deadline_ns || !g->inflight)
		return got;
	err = wait_ready(g, deadline_ns);
	if (err)
		return err;
	return sweep(g, ret, n);
}

unsigned io_inflight(const struct io *g)
{
	return g->inflight;
}
