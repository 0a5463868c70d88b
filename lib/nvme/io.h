/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Block I/O on queues of our own, for every raw target: the fast path. What a command needs (slot,
 * CID, list page) is made when it is opened; submit and reap then allocate nothing, take no lock
 * and make no system call where doorbells are mapped or shadowed. A batch has one tail doorbell a
 * queue, and what is reaped together one head doorbell a queue.
 *
 * Here nothing is traced and nothing is audited, as in queue.h: a device that breaks the rules of
 * completion is told by an error and not used any more. Callers use rung.h, which has the same
 * calls.
 *
 * Source: Base 2.0 Queueing Data Structures, Phase Tag, Physical Region Page Entry and List,
 * Doorbell Buffer Config; NVM CS 1.0 I/O Command Set.
 */
#ifndef NVME_IO_H
#define NVME_IO_H

#include "nvme/facts.h"

#define IO_QUEUES_MAX 256u
#define IO_BYTES_MAX  (1u << 20) /* of one I/O, where nothing else is asked for and MDTS allows it \
				  */

enum io_doorbells {
	IO_DOORBELLS_AUTO,   /* mapped, else shadowed where the controller can, else registers */
	IO_DOORBELLS_PLAIN,  /* registers, mapped or not */
	IO_DOORBELLS_SHADOW, /* Doorbell Buffer Config, or -ENOTSUP */
};

struct io_options {
	unsigned queues;  /* pairs, QIDs 1 to that, 1..IO_QUEUES_MAX; 0: 1 */
	unsigned depth;	  /* most block I/Os in flight in each, 1..65534 */
	unsigned entries; /* of each queue, more than depth; 0: depth + 1 */
	size_t bytes_max; /* of one I/O; 0: MDTS, at most IO_BYTES_MAX */
	enum io_doorbells doorbells;
};

struct io;

/*
 * Brings the controller up and creates the queues; the controller is this one's alone until
 * io_close, which disables it. facts: of this target; must outlive it. Used by one thread.
 * -EINVAL: options that are out of range or more than the controller has; -ENOTSUP; -ENOMEM; else
 * as ctrl_enable and queue_pair_create. Whatever is wrong, target_error() has it in words, here and
 * in what follows.
 */
int io_open(struct target *t, const struct facts *facts, const struct io_options *o,
	    struct io **ret);
void io_close(struct io *g);

/* rung_io_submit, rung_io_reap and rung_inflight of nvme/rung.h. */
int io_submit(struct io *g, struct block_io *io[], unsigned n);
int io_reap(struct io *g, struct block_io *ret[], unsigned n, uint64_t deadline_ns);
unsigned io_inflight(const struct io *g);

/*
 * One command, waited for; I/O commands have a queue pair of their own, created with the first.
 * 0 with any status, or -errno.
 */
int io_command(struct io *g, bool admin, const struct cmd *cmd, struct cpl *ret);

/* "mapped", "shadow" or "message": how its doorbells go. */
const char *io_doorbells_name(const struct io *g);

#endif
