// SPDX-License-Identifier: GPL-2.0-or-later
/* The fast path's beginning and end: queues, slots, list pages, doorbells. */
#include "nvme/io.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "nvme/io_queue.h"

#define RANGE_BYTES 16u /* of a Dataset Management command's one range */
#define CMD_ENTRIES 8u
#define CPUS_MAX    4096

/* ---- what is asked for ---- */

static int check_options(struct target *t, const struct io_options *o)
{
	if (o->queues > IO_QUEUES_MAX)
		return target_fail(t, -EINVAL, "%u queues asked for, at most %u are driven",
				   o->queues, IO_QUEUES_MAX);
	if (!o->depth || o->depth > 65534)
		return target_fail(t, -EINVAL, "a depth of %u: from 1 to 65534", o->depth);
	if (o->entries && (o->entries <= o->depth || o->entries > 65536))
		return target_fail(t, -EINVAL, "%u entries hold at most %u I/Os, not %u",
				   o->entries, o->entries - 1, o->depth);
	return 0;
}

/* Bytes of lists that the longest I/O takes, where it begins at the last dword of a page. */
static size_t list_bytes(size_t bytes_max, size_t page)
{
	size_t entries = bytes_max / page + 1, per_page = page / 8, bytes = RANGE_BYTES;

	if (entries > per_page) /* the last slot of a full page leads to the next one */
		return ((entries - 2) / (per_page - 1) + 1) * page;
	while (bytes < entries * 8)
		bytes *= 2;
	return bytes;
}

static size_t longest(const struct facts *f, size_t asked)
{
	size_t most = asked ? asked : IO_BYTES_MAX;

	return f->mdts_bytes && f->mdts_bytes < most ? f->mdts_bytes : most;
}

static void note_namespaces(struct io *g, const struct facts *f)
{
	for (unsigned i = 0; i < f->n_ns; i++)
		if (f->ns[i].lba_bytes)
			g->ns[g->n_ns++] = (struct io_ns){
				.nsid = f->ns[i].nsid,
				.shift = (unsigned)__builtin_ctz(f->ns[i].lba_bytes),
				.has_meta = f->ns[i].ms,
			};
}

static bool one_cpu(void)
{
	cpu_set_t *set = CPU_ALLOC(CPUS_MAX);
	size_t size = CPU_ALLOC_SIZE(CPUS_MAX);
	bool one = !set || sched_getaffinity(0, size, set) || CPU_COUNT_S(size, set) < 2;

	CPU_FREE(set);
	return one;
}

/* ---- controller and queues ---- */

static int refused(struct io *g, const char *what, int err)
{
	if (g->t->error[0] && err != -EIO)
		return err;
	return target_fail(g->t, err, "%s: %s", what,
			   err == -EIO ? "refused by the controller" : strerror(-err));
}

static int enable(struct io *g)
{
	struct ctrl_config cfg;
	int err = ctrl_open(g->t, &g->c);

	if (err)
		return refused(g, "the controller's registers", err);
	cfg = ctrl_defaults(g->c);
	err = ctrl_enable(g->c, &cfg, NULL);
	return err ? refused(g, "the controller does not become ready", err) : 0;
}

static int check_limits(struct io *g, unsigned entries)
{
	unsigned most = CAP_MQES(g->c->cap) + 1, got;
	/* one more than asked for: io_command's */
	int err = ctrl_queue_count(g->c, (uint16_t)(g->queues + 1));

	if (err)
		return refused(g, "the feature Number of Queues", err);
	got = g->c->nsq < g->c->ncq ? g->c->nsq : g->c->ncq;
	if (got < g->queues)
		return target_fail(g->t, -EINVAL, "%u queues asked for, this controller gives %u",
				   g->queues, got);
	if (entries > most)
		return target_fail(
			g->t, -EINVAL,
			"queues of this controller have at most %u entries, so the depth is at "
			"most %u, not %u",
			most, most - 1, entries - 1);
	return 0;
}

static struct io_bell bell(struct io *g, uint64_t off, bool tail)
{
	return (struct io_bell){
		.off = off,
		.mapped = g->t->ops->reg_mapped ? g->t->ops->reg_mapped(g->t, off) : NULL,
		.tail = tail,
	};
}

static int open_queue(struct io *g, unsigned i, unsigned entries)
{
	struct io_queue *q = &g->queue[i];
	int err = queue_pair_create(g->c, (uint16_t)(i + 1), entries, false, 0, &q->pair, NULL);

	if (err)
		return refused(g, "an I/O queue pair", err);
	q->qid = q->pair->qid;
	q->size = entries;
	q->sqe = sq_slot(q->pair, 0);
	q->cqe = cq_slot(q->pair->cq, 0);
	q->phase = CQE_PHASE;
	q->sq = bell(g, doorbell_sq(g->c, q->qid), true);
	q->cq = bell(g, doorbell_cq(g->c, q->qid), false);
	q->free = calloc(g->depth, sizeof(*q->free));
	q->slot = calloc(g->depth, sizeof(*q->slot));
	if (!q->free || !q->slot)
		return target_fail(g->t, -ENOMEM, "out of memory");
	for (unsigned k = g->depth; k--;) {
		q->slot[k].cid = (uint16_t)k;
		q->free[q->n_free++] = (uint16_t)k;
	}
	q->list = (struct dma){ .len = g->depth * g->list_bytes, .align = g->page };
	return g->t->ops->dma_map(g->t, &q->list);
}

/* ---- shadow doorbells ---- */

static uint32_t *entry(struct io *g, struct buf *b, uint16_t qid, bool cq)
{
	return (uint32_t *)(void *)(b->data + (2u * qid + cq) * (size_t)g->c->stride);
}

/* A position in both buffers: so that the next change is told to the register, too. */
static void set_entry(struct io *g, uint16_t qid, bool cq, uint32_t value)
{
	__atomic_store_n(entry(g, g->shadow, qid, cq), htole32(value), __ATOMIC_SEQ_CST);
	__atomic_store_n(entry(g, g->event, qid, cq), htole32(value), __ATOMIC_SEQ_CST);
}

static bool wants_shadow(const struct io *g, const struct facts *f, enum io_doorbells how)
{
	bool offered = le16_get(f->id.oacs) & NVME_CTRL_OACS_DBBUF_CFG;

	if (how == IO_DOORBELLS_AUTO)
		return offered && !g->t->caps.stepped && !g->queue[0].sq.mapped;
	return how == IO_DOORBELLS_SHADOW;
}

static int open_shadow(struct io *g, const struct facts *f)
{
	struct cmd cmd;
	struct cpl cpl;
	int err;

	if (!(le16_get(f->id.oacs) & NVME_CTRL_OACS_DBBUF_CFG))
		return target_fail(
			g->t, -ENOTSUP,
			"the controller has no Doorbell Buffer Config (OACS bit 8 is 0)");
	if (2ull * (g->queues + 1) * g->c->stride > g->page)
		return target_fail(g->t, -ENOTSUP, "shadow doorbells of %u queues pass their page",
				   g->queues);
	g->shadow = buf_alloc(g->c, g->page, g->page);
	g->event = buf_alloc(g->c, g->page, g->page);
	if (!g->shadow || !g->event)
		return target_fail(g->t, -ENOMEM, "no memory for shadow doorbells");
	memset(g->shadow->data, 0, g->page);
	memset(g->event->data, 0, g->page);
	set_entry(g, 0, false, g->c->asq->tail);
	set_entry(g, 0, true, g->c->acq->head);
	cmd = cmd_dbbuf(g->shadow->iova, g->event->iova);
	g->c->shadow = g->shadow; /* the Admin queue has entries, too */
	err = ctrl_admin(g->c, &cmd, &cpl);
	if (!err && cpl.status != SC_SUCCESS)
		err = -EIO;
	if (err)
		return refused(g, "Doorbell Buffer Config", err);
	for (unsigned i = 0; i < g->queues; i++) {
		struct io_queue *q = &g->queue[i];

		q->sq.shadow = entry(g, g->shadow, q->qid, false);
		q->sq.event = entry(g, g->event, q->qid, false);
		q->cq.shadow = entry(g, g->shadow, q->qid, true);
		q->cq.event = entry(g, g->event, q->qid, true);
	}
	return 0;
}

const char *io_doorbells_name(const struct io *g)
{
	return g->doorbells;
}

/* ---- beginning and end ---- */

static int open_all(struct io *g, const struct facts *f, const struct io_options *o)
{
	unsigned entries = o->entries ? o->entries : o->depth + 1;
	int err = enable(g);

	if (!err)
		err = check_limits(g, entries);
	if (err)
		return err;
	g->page = g->c->page;
	g->bytes_max = longest(f, o->bytes_max);
	g->list_bytes = list_bytes(g->bytes_max, g->page);
	note_namespaces(g, f);
	for (unsigned i = 0; i < g->queues && !err; i++)
		err = open_queue(g, i, entries);
	if (err)
		return err;
	g->doorbells = g->queue[0].sq.mapped ? "mapped" : "message";
	if (wants_shadow(g, f, o->doorbells)) {
		err = open_shadow(g, f);
		g->doorbells = "shadow";
	}
	g->spins = !g->t->caps.stepped && strcmp(g->doorbells, "message") != 0 && !one_cpu();
	return err;
}

int io_open(struct target *t, const struct facts *facts, const struct io_options *o,
	    struct io **ret)
{
	unsigned queues = o->queues ? o->queues : 1;
	struct io *g;
	int err;

	t->error[0] = 0;
	if (!t->ops->reg_read || !t->ops->dma_map)
		return target_fail(t, -ENOTSUP, "the target has neither block I/O nor queues");
	err = check_options(t, o);
	if (err)
		return err;
	g = calloc(1, sizeof(*g) + queues * sizeof(g->queue[0]));
	if (!g)
		return target_fail(t, -ENOMEM, "out of memory");
	g->t = t;
	g->queues = queues;
	g->depth = o->depth;
	while (g->slot_mask < g->depth - 1)
		g->slot_mask = g->slot_mask << 1 | 1;
	err = open_all(g, facts, o);
	if (err) {
		io_close(g);
		return err;
	}
	*ret = g;
	return 0;
}

/* The controller is quiet before any memory goes, or it is gone. */
void io_close(struct io *g)
{
	char said[sizeof(g->t->error)];

	if (!g)
		return;
	memcpy(said, g->t->error, sizeof(said)); /* of the trouble that led here */
	if (g->c)
		ctrl_disable(g->c, NULL);
	for (unsigned i = 0; i < g->queues; i++) {
		if (g->queue[i].list.va)
			g->t->ops->dma_unmap(g->t, &g->queue[i].list);
		free(g->queue[i].free);
		free(g->queue[i].slot);
	}
	ctrl_close(g->c);
	memcpy(g->t->error, said, sizeof(said));
	free(g);
}

/* ---- commands beside it ---- */

static int open_commands(struct io *g)
{
	uint16_t qid = (uint16_t)(g->queues + 1);
	unsigned most = CAP_MQES(g->c->cap) + 1;
	int err;

	if (g->c->nsq < qid || g->c->ncq < qid)
		return target_fail(g->t, -ENOTSUP, "no queue is left for commands");
	err = queue_pair_create(g->c, qid, most < CMD_ENTRIES ? most : CMD_ENTRIES, false, 0,
				&g->commands, NULL);
	return err ? refused(g, "a queue for commands", err) : 0;
}

int io_command(struct io *g, bool admin, const struct cmd *cmd, struct cpl *ret)
{
	struct sq *q;
	int err = admin || g->commands ? 0 : open_commands(g);

	if (err)
		return err;
	q = admin ? g->c->asq : g->commands;
	return ctrl_exec(g->c, q, cmd, ret);
}
