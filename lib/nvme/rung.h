/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The command and block rungs of any target: the target's own where it has them, else built here
 * on the rung below (commands on queues, block I/O on commands). Callers never ask which.
 *
 * Block I/O runs on one queue pair with `depth` slots; everything a slot needs (list page, CID) is
 * made when the rung is opened, so submit and reap allocate nothing.
 */
#ifndef NVME_RUNG_H
#define NVME_RUNG_H

#include "nvme/facts.h"

struct rung;

/*
 * Brings the controller up (raw targets) and creates the queue pair. facts: of this target; its
 * namespaces give the block sizes; must outlive the rung. depth: 1..queue size - 1.
 * -ENOTSUP when the target has no rung to build on, else as ctrl_enable and queue_pair_create.
 */
int rung_open(struct target *t, const struct facts *facts, unsigned depth, struct rung **ret);
void rung_close(struct rung *g);

/* DMA memory for block_io.data; zeroed; freed by rung_dma_free before rung_close. */
int rung_dma_alloc(struct rung *g, size_t len, struct dma *ret);
void rung_dma_free(struct rung *g, struct dma *d);

/* One command, waited for. admin chooses the queue. 0 with any status, or -errno. */
int rung_command(struct rung *g, bool admin, const struct cmd *cmd, struct cpl *ret);

/* Takes as many of the n as there are free slots; the count, or -errno when none could be. -EINVAL:
 * the first one names no known namespace, is longer than MDTS or its list page, or has no data. */
int rung_io_submit(struct rung *g, struct block_io *io[], unsigned n);

/* Reaps up to n that are complete, waiting until the deadline for the first; the count, 0 at the
 * deadline, or -errno. */
int rung_io_reap(struct rung *g, struct block_io *ret[], unsigned n, uint64_t deadline_ns);

/* Block I/Os submitted and not reaped. */
unsigned rung_inflight(const struct rung *g);

#endif
