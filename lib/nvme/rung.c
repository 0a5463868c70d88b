// SPDX-License-Identifier: GPL-2.0-or-later
#include "nvme/rung.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "nvme/ctrl.h"

#define IO_QID 1

struct slot {
	struct block_io *io; /* NULL: free */
	struct buf *list;    /* PRP list, or the range of a Dataset Management */
};

struct rung {
	struct target *t;
	const struct facts *facts;
	struct ctrl *c; /* NULL: the target has the command rung itself */
	struct sq *q;
	unsigned depth, inflight;
	uint16_t *free_slot; /* stack of free slots */
	unsigned n_free;
	struct slot slot[];
};

static int open_queues(struct rung *g)
{
	struct ctrl_config cfg;
	int err = ctrl_open(g->t, &g->c);

	if (err)
		return err;
	cfg = ctrl_defaults(g->c);
	err = ctrl_enable(g->c, &cfg, NULL);
	if (!err)
		err = ctrl_queue_count(g->c, 1);
	if (!err && g->depth > CAP_MQES(g->c->cap))
		err = -EINVAL;
	if (!err)
		err = queue_pair_create(g->c, IO_QID, g->depth + 1, false, 0, &g->q, NULL);
	for (unsigned i = 0; !err && i < g->depth; i++) {
		g->slot[i].list = buf_alloc(g->c, g->c->page, g->c->page);
		if (!g->slot[i].list)
			err = -ENOMEM;
	}
	return err;
}

int rung_open(struct target *t, const struct facts *facts, unsigned depth, struct rung **ret)
{
	struct rung *g;
	int err = 0;

	if (!depth || depth > 65535)
		return -EINVAL;
	g = calloc(1, sizeof(*g) + depth * sizeof(g->slot[0]));
	if (!g)
		return -ENOMEM;
	g->t = t;
	g->facts = facts;
	g->depth = depth;
	g->free_slot = calloc(depth, sizeof(*g->free_slot));
	if (!g->free_slot)
		err = -ENOMEM;
	for (unsigned i = 0; !err && i < depth; i++)
		g->free_slot[g->n_free++] = (uint16_t)(depth - 1 - i);
	if (!err && !t->ops->io_submit)
		err = t->ops->reg_read ? open_queues(g) : -ENOTSUP;
	if (err) {
		rung_close(g);
		return err;
	}
	*ret = g;
	return 0;
}

void rung_close(struct rung *g)
{
	if (!g)
		return;
	ctrl_close(g->c);
	free(g->free_slot);
	free(g);
}

int rung_dma_alloc(struct rung *g, size_t len, struct dma *ret)
{
	*ret = (struct dma){ .len = len, .align = 4096 };
	return g->t->ops->dma_map ? g->t->ops->dma_map(g->t, ret) : -ENOTSUP;
}

void rung_dma_free(struct rung *g, struct dma *d)
{
	g->t->ops->dma_unmap(g->t, d);
}

int rung_command(struct rung *g, bool admin, const struct cmd *cmd, struct cpl *ret)
{
	if (g->t->ops->submit)
		return g->t->ops->submit(g->t, cmd, ret);
	return g->c ? ctrl_exec(g->c, admin ? g->c->asq : g->q, cmd, ret) : -ENOTSUP;
}

static const struct facts_ns *find_ns(const struct facts *f, uint32_t nsid)
{
	for (unsigned i = 0; i < f->n_ns; i++)
		if (f->ns[i].nsid == nsid && f->ns[i].lba_bytes)
			return &f->ns[i];
	return NULL;
}

/* PRPs of len bytes at a bus address, the list in the slot's own page. */
static int point_at(struct rung *g, struct sqe *e, struct buf *list, uint64_t at, size_t len)
{
	size_t page = g->c->page, first = page - (at & (page - 1)), rest;

	e->prp1 = le64_from(at);
	if (len <= first)
		return 0;
	at += first;
	rest = len - first;
	if (rest <= page) {
		e->prp2 = le64_from(at);
		return 0;
	}
	if ((rest + page - 1) / page > page / 8)
		return -EINVAL;
	for (size_t i = 0; i * page < rest; i++)
		le64_put(list->data + i * 8, at + i * page);
	e->prp2 = le64_from(list->iova);
	return 0;
}

static int build_range(struct rung *g, const struct block_io *io, struct sqe *e, struct buf *list)
{
	struct nvme_dsm_range range = { .nlb = le32_from(io->blocks),
					.slba = le64_from(io->lba) };

	*e = cmd_dsm(io->nsid, &range, 1, NVME_DSMGMT_AD).sqe;
	memcpy(list->data, &range, sizeof(range));
	return point_at(g, e, list, list->iova, sizeof(range));
}

static int build(struct rung *g, const struct block_io *io, struct sqe *e, struct buf *list)
{
	const struct facts_ns *ns = find_ns(g->facts, io->nsid);
	size_t len;

	if (!ns)
		return -EINVAL;
	if (io->op == BLOCK_FLUSH) {
		*e = cmd_flush(io->nsid).sqe;
		return 0;
	}
	if (!io->blocks || (io->op != BLOCK_DISCARD && io->blocks > 65536))
		return -EINVAL;
	if (io->op == BLOCK_DISCARD)
		return build_range(g, io, e, list);
	if (io->op == BLOCK_ZEROES) {
		*e = cmd_write_zeroes(io->nsid, io->lba, io->blocks, false).sqe;
		return 0;
	}
	len = (size_t)io->blocks * ns->lba_bytes;
	if (!io->data || io->data_offset + len > io->data->len ||
	    (g->facts->mdts_bytes && len > g->facts->mdts_bytes))
		return -EINVAL;
	*e = (io->op == BLOCK_READ ? cmd_read(io->nsid, io->lba, io->blocks, NULL, 0) :
				     cmd_write(io->nsid, io->lba, io->blocks, NULL, 0))
		     .sqe;
	if (io->op == BLOCK_WRITE && io->fua)
		e->cdw12 = le32_from(le32_get(e->cdw12) | 1u << 30);
	return point_at(g, e, list, io->data->iova + io->data_offset, len);
}

int rung_io_submit(struct rung *g, struct block_io *io[], unsigned n)
{
	unsigned taken = 0;
	int err = 0;

	if (g->t->ops->io_submit)
		return g->t->ops->io_submit(g->t, io, n);
	while (taken < n && g->n_free) {
		uint16_t slot = g->free_slot[g->n_free - 1];
		struct sqe e;

		memset(&e, 0, sizeof(e));
		err = build(g, io[taken], &e, g->slot[slot].list);
		if (err)
			break;
		g->n_free--;
		g->slot[slot].io = io[taken];
		io[taken]->submit_ns = target_now(g->t);
		sq_put_as(g->q, &e, slot);
		taken++;
		g->inflight++;
	}
	if (!taken)
		return err;
	err = sq_ring(g->q);
	return err ? err : (int)taken;
}

/* What a completion means for its I/O; NULL when the CID is none of ours (the audit has told). */
static struct block_io *finish(struct rung *g, const struct cpl *cpl)
{
	struct block_io *io;

	if (cpl->cid >= g->depth || !g->slot[cpl->cid].io)
		return NULL;
	io = g->slot[cpl->cid].io;
	g->slot[cpl->cid].io = NULL;
	g->free_slot[g->n_free++] = cpl->cid;
	g->inflight--;
	io->complete_ns = target_now(g->t);
	io->status = cpl->status;
	io->result = cpl->status == SC_SUCCESS ? 0 : -EIO;
	return io;
}

int rung_io_reap(struct rung *g, struct block_io *ret[], unsigned n, uint64_t deadline_ns)
{
	unsigned got = 0;
	struct cpl cpl;
	int err;

	if (g->t->ops->io_reap)
		return g->t->ops->io_reap(g->t, ret, n, deadline_ns);
	while (got < n) {
		if (got && !cq_ready(g->q->cq))
			break;
		err = got ? (cq_next(g->q->cq, &cpl), 0) : cq_wait(g->q->cq, &cpl, deadline_ns);
		if (err)
			return err == -ETIMEDOUT ? 0 : err;
		struct block_io *io = finish(g, &cpl);

		if (io)
			ret[got++] = io;
	}
	err = got > 1 ? cq_ring(g->q->cq) : 0;
	return err ? err : (int)got;
}

unsigned rung_inflight(const struct rung *g)
{
	return g->inflight;
}
