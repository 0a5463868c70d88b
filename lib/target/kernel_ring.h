/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Block I/O through the driver by io_uring passthrough on the generic nodes (linux/nvme_ioctl.h,
 * NVME_URING_CMD_IO; io_uring_enter(2)): one ring for each queue that is used, made when it is
 * first used. Afterwards nothing is allocated.
 */
#ifndef TARGET_KERNEL_RING_H
#define TARGET_KERNEL_RING_H

#include <stdint.h>

#define KERNEL_RINGS 64u
#define KERNEL_DEPTH 1024u /* block I/Os in flight in each */

struct kernel_node;
struct kernel_ring;
struct target;
struct block_io;

struct kernel_rings {
	struct kernel_ring *ring[KERNEL_RINGS]; /* NULL: not used yet */
	unsigned inflight;
};

/* Has this kernel what is needed? 0, or -errno: io_uring is not there, or switched off. */
int kernel_rings_probe(void);

/* target_ops.io_submit and io_reap. */
int kernel_rings_submit(struct target *t, struct kernel_node *k, struct kernel_rings *r,
			struct block_io *io[], unsigned n);
int kernel_rings_reap(struct target *t, struct kernel_rings *r, struct block_io *ret[], unsigned n,
		      uint64_t deadline_ns);

/* Waits for what is in flight, some seconds at most. */
void kernel_rings_close(struct target *t, struct kernel_rings *r);

#endif
