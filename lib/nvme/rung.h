/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The command and block rungs of any target: the target's own where it has them, else built here
 * on the rung below (commands and block I/O on queues, nvme/io.h). Callers never ask which.
 *
 * Used by one thread. What goes wrong is in words in target_error() of the target.
 */
#ifndef NVME_RUNG_H
#define NVME_RUNG_H

#include "nvme/io.h"

struct rung;

/*
 * Brings the controller up (raw targets) and makes all that block I/O needs: o->queues queues with
 * o->depth block I/Os in flight in each. facts: of this target; its namespaces give the block
 * sizes; must outlive the rung. -ENOTSUP when the target has no rung to build on, else as io_open.
 */
int rung_open(struct target *t, const struct facts *facts, const struct io_options *o,
	      struct rung **ret);

/* The device is quiet when this returns, whatever was in flight. */
void rung_close(struct rung *g);

/* DMA memory for block_io.data; zeroed; freed by rung_dma_free before rung_close, when nothing is
 * in flight, or after rung_close by the target's dma_unmap. */
int rung_dma_alloc(struct rung *g, size_t len, struct dma *ret);
void rung_dma_free(struct rung *g, struct dma *d);

/* One command, waited for. admin chooses the queue. 0 with any status, or -errno. */
int rung_command(struct rung *g, bool admin, const struct cmd *cmd, struct cpl *ret);

/*
 * Hands the first of the n to the device, as many as their queues have room for: the count, 0 when
 * the first one's queue is full. They belong to the device until they are reaped, and so do their
 * data. submit_ns is taken once for all of them, when the last is in place and before the device is
 * told. Where one cannot be sent, those before it are; when it is the first: -EINVAL (it names no
 * namespace or queue that is known, moves more than MDTS or bytes_max allow, has no data or not at
 * a dword, or the namespace has metadata). Any other error is final: nothing is sent or reaped any
 * more.
 */
int rung_io_submit(struct rung *g, struct block_io *io[], unsigned n);

/*
 * Takes up to n that are complete, waiting until the deadline (target clock; 0: look, do not wait)
 * for the first: the count; 0 when there was none and either no waiting was asked for or nothing is
 * in flight. n of 0 waits and takes nothing. complete_ns is taken once for all, after the last was
 * seen: never too early. -ETIMEDOUT at the deadline, and waiting may go on; -EPROTO: a completion
 * that cannot be, and -ENODEV: the device is gone, are final. What came before them is given first.
 */
int rung_io_reap(struct rung *g, struct block_io *ret[], unsigned n, uint64_t deadline_ns);

/* Block I/Os submitted and not reaped. */
unsigned rung_inflight(const struct rung *g);

/* How the device is told: "mapped", "shadow", "message", or "native" for the target's own rung. */
const char *rung_doorbells(const struct rung *g);

#endif
