/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Queues in memory, as lib/nvme keeps them, in front of a queue that is a connection: what is put
 * below the tail goes out as capsules, what comes is posted with its phase tag. So the code that
 * drives, traces and audits queues is the same for every target. Of the controller's own queues
 * nothing is seen by it: cases about those need NEED_QUEUES, which such a target does not have.
 */
#ifndef TARGET_TCP_FRONT_H
#define TARGET_TCP_FRONT_H

#include "target/tcp_queue.h"

struct ram;

/* Where bus addresses lead: the arena of dma_map. */
struct tcp_memory {
	const struct ram *ram;
	uint64_t at; /* bus address of its first byte */
};

struct tcp_front {
	struct tcp_queue q;
	bool open;
	const struct tcp_memory *memory;
	struct sqe *sq; /* NULL: nobody has said where it lies */
	struct cqe *cq;
	uint32_t sq_size, cq_size;
	uint32_t head, tail;	   /* of the SQ: sent, and told by the doorbell */
	uint32_t cq_tail, cq_head; /* of the CQ: posted, and given back */
	uint8_t phase;
	struct cqe *held; /* completions that the CQ has no room for, oldest first */
	unsigned n_held, held_room;
	int broken; /* what the memory has that cannot be sent: final */
	bool (*spy)(void *ctx, const struct sqe *e); /* sees what goes out; may be NULL */
	void *ctx;
};

/* The memory for what is exchanged: bus addresses and entries. -EINVAL: it is not in the arena. */
int tcp_front_place(struct tcp_front *f, uint64_t sq, uint32_t sq_size, uint64_t cq,
		    uint32_t cq_size);
void tcp_front_close(struct tcp_front *f);

/* Doorbells. */
int tcp_front_ring(struct tcp_front *f, uint32_t tail);
void tcp_front_took(struct tcp_front *f, uint32_t head);
/* Sends what waits, takes what came. 0 or -errno. */
int tcp_front_pump(struct tcp_front *f);

/* len bytes at a bus address, NULL: they are not all in the arena. */
void *tcp_memory_at(const struct tcp_memory *m, uint64_t addr, size_t len);

#endif
