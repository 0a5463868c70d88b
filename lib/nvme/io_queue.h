/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What io.c makes and io_fast.c runs on. Internal to both. */
#ifndef NVME_IO_QUEUE_H
#define NVME_IO_QUEUE_H

#include "nvme/ctrl.h"
#include "nvme/io.h"

/* A doorbell. Positions are in 0..size-1. */
struct io_bell {
	uint32_t *mapped; /* NULL: by register write */
	uint32_t *shadow; /* NULL: the register alone */
	const uint32_t *event;
	uint64_t off;  /* into BAR0 */
	uint32_t told; /* the last value */
	bool tail;     /* of a submission queue */
};

/* A block I/O in flight. The CID is the slot's number and, above it, how often it was used. */
struct io_slot {
	struct block_io *io; /* NULL: free */
	uint16_t cid;	     /* the one in use, or the last one */
};

struct io_queue {
	struct sqe *sqe;
	const struct cqe *cqe;
	uint32_t size; /* entries of both */
	uint32_t tail, head;
	uint32_t phase;
	uint16_t qid;
	unsigned n_free;
	uint16_t *free; /* stack of free slots */
	struct io_slot *slot;
	struct dma list; /* list_bytes a slot */
	struct io_bell sq, cq;
	struct sq *pair;
};

struct io_ns {
	uint32_t nsid;
	unsigned shift; /* bytes of a block, as a power of two */
	bool has_meta;
};

struct io {
	struct target *t;
	struct ctrl *c;
	unsigned queues, depth;
	unsigned slot_mask;    /* CID bits of the slot's number */
	unsigned next;	       /* the queue that is looked at first */
	unsigned inflight;     /* of all queues */
	size_t page;	       /* bytes, CC.MPS */
	size_t bytes_max;      /* of one I/O */
	size_t list_bytes;     /* of a slot: whole pages, or a power of two below one */
	int broken;	       /* what every later call returns */
	bool spins;	       /* doorbells cost no call, and there is a processor to spin on */
	const char *doorbells; /* how they go, for reports */
	unsigned n_ns, last_ns;
	struct io_ns ns[FACTS_NS_MAX];
	struct buf *shadow, *event; /* with Doorbell Buffer Config */
	struct sq *commands;	    /* io_command's own pair; NULL until then */
	struct io_queue queue[];
};

#endif
