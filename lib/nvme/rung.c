// SPDX-License-Identifier: GPL-2.0-or-later
#include "nvme/rung.h"

#include <errno.h>
#include <stdlib.h>

struct rung {
	struct target *t;
	struct io *io;	/* NULL: the target has the block rung itself */
	struct ctrl *c; /* for commands, where it has that rung itself; q: those of I/O */
	struct sq *q;
	unsigned inflight; /* of the target's own */
};

static int open_native(struct rung *g)
{
	struct ctrl_config cfg;
	int err = ctrl_open(g->t, &g->c);

	if (err)
		return err;
	cfg = ctrl_defaults(g->c);
	err = ctrl_enable(g->c, &cfg, NULL);
	if (!err)
		err = queue_pair_create(g->c, 1, 2, false, 0, &g->q, NULL);
	if (!err && !g->t->ops->io_submit)
		err = target_fail(g->t, -ENOTSUP, "%s: has no block I/O", g->t->ops->scheme);
	if (err)
		ctrl_close(g->c);
	return err;
}

int rung_open(struct target *t, const struct facts *facts, const struct io_options *o,
	      struct rung **ret)
{
	struct rung *g = calloc(1, sizeof(*g));
	int err = 0;

	if (!g)
		return target_fail(t, -ENOMEM, "out of memory");
	g->t = t;
	if (t->ops->submit)
		err = open_native(g);
	else if (!t->ops->io_submit)
		err = io_open(t, facts, o, &g->io);
	if (err) {
		free(g);
		return err;
	}
	*ret = g;
	return 0;
}

void rung_close(struct rung *g)
{
	if (!g)
		return;
	io_close(g->io);
	ctrl_close(g->c);
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
	if (g->c)
		return ctrl_exec(g->c, admin ? g->c->asq : g->q, cmd, ret);
	return g->io ? io_command(g->io, admin, cmd, ret) : -ENOTSUP;
}

int rung_io_submit(struct rung *g, struct block_io *io[], unsigned n)
{
	int taken;

	if (g->io)
		return io_submit(g->io, io, n);
	taken = g->t->ops->io_submit(g->t, io, n);
	g->inflight += taken > 0 ? (unsigned)taken : 0;
	return taken;
}

int rung_io_reap(struct rung *g, struct block_io *ret[], unsigned n, uint64_t deadline_ns)
{
	int got;

	if (g->io)
		return io_reap(g->io, ret, n, deadline_ns);
	got = g->t->ops->io_reap(g->t, ret, n, deadline_ns);
	g->inflight -= got > 0 ? (unsigned)got : 0;
	return got;
}

unsigned rung_inflight(const struct rung *g)
{
	return g->io ? io_inflight(g->io) : g->inflight;
}

const char *rung_doorbells(const struct rung *g)
{
	return g->io ? io_doorbells_name(g->io) : "native";
}
