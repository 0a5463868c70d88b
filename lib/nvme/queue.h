/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Queues kept by our own arithmetic: positions and phase wrap at the queue's own size, whatever
 * it is, and nothing of the device is believed unchecked. A queue here is memory and bookkeeping;
 * that the device knows of it is the business of queue_create() and friends, or of the case.
 *
 * Source: Base 2.0 Queueing Data Structures, Phase Tag; PCIe Transport 1.0 Doorbell registers.
 */
#ifndef NVME_QUEUE_H
#define NVME_QUEUE_H

#include <stdbool.h>
#include <stdint.h>

#include "nvme/buf.h"
#include "nvme/cmd.h"
#include "nvme/far.h"

struct ctrl;

#define CID_NONE 0xffffu

struct cq {
	struct ctrl *c;
	uint16_t qid;
	uint32_t size;	 /* entries, 1-based */
	struct buf *mem; /* size x 16 bytes (stride of CC.IOCQES when not 4) */
	struct far far;	 /* where the device has it, when not in mem: cq_place */
	bool ien;
	uint16_t vector;
	uint32_t head;	 /* next slot to look at */
	uint8_t phase;	 /* what P must read there to be new */
	uint64_t reaped; /* completions consumed since creation */
	struct cq *next;
};

struct sq {
	struct ctrl *c;
	uint16_t qid;
	uint32_t size;
	struct buf *mem;
	struct far far; /* sq_place */
	struct cq *cq;
	uint32_t tail; /* next slot to write */
	uint32_t rung; /* tail last told to the device */
	uint32_t asked; /* up to here the door was asked (target/door.h) */
	uint32_t head; /* as of the last SQHD seen */
	uint16_t next_cid;
	uint32_t inflight; /* rung or put, not yet completed */
	uint64_t *pending; /* bitmap by CID of commands put and not completed */
	uint64_t *rung_ns; /* by CID & 0xff: when it was put */
	struct sq *next;
};

/* Memory and bookkeeping, entries 2..65536. NULL: out of memory. Freed with the controller. */
struct cq *cq_alloc(struct ctrl *c, uint16_t qid, uint32_t entries);
struct sq *sq_alloc(struct ctrl *c, uint16_t qid, uint32_t entries, struct cq *cq);
void cq_free(struct cq *q);
void sq_free(struct sq *q);

/* Back to what a newly created queue is: positions 0, phase 1, memory zeroed, nothing pending. */
void cq_reset(struct cq *q);
void sq_reset(struct sq *q);

/*
 * Places a queue that the device does not know yet in memory of the controller's own, from the
 * first byte of `far` on; a completion queue is zeroed there. 0 or -errno of the target.
 */
int cq_place(struct cq *q, const struct far *far);
void sq_place(struct sq *q, const struct far *far);
/* The address to give to the device. */
uint64_t cq_address(const struct cq *q);
uint64_t sq_address(const struct sq *q);

/* Free slots: size - 1 less those the device has not fetched as far as SQHD told. */
uint32_t sq_room(const struct sq *q);

/*
 * Puts the SQE at the tail and moves our tail; nothing is told to the device. The CID is chosen
 * here (sq_put) or the SQE's own is kept (sq_put_as). Returns the CID. The queue must have room,
 * or the caller means to overrun it.
 */
uint16_t sq_put(struct sq *q, const struct sqe *e);
uint16_t sq_put_as(struct sq *q, const struct sqe *e, uint16_t cid);

/* Slot i as the device sees it. */
struct sqe *sq_slot(struct sq *q, uint32_t i);
struct cqe *cq_slot(struct cq *q, uint32_t i);

/* Tells the device the tail (or any value): a 32-bit write at the queue's doorbell. 0 or -errno. */
int sq_ring(struct sq *q);
int sq_ring_value(struct sq *q, uint32_t value);
int cq_ring(struct cq *q);
int cq_ring_value(struct cq *q, uint32_t value);
uint64_t doorbell_sq(const struct ctrl *c, uint16_t qid); /* offset into BAR0 */
uint64_t doorbell_cq(const struct ctrl *c, uint16_t qid);

/*
 * 1 and the next completion, audited and consumed (our head moves, the doorbell is not written);
 * 0 when the slot at the head is not new. The device is not touched.
 */
int cq_next(struct cq *q, struct cpl *ret);

/* 1 when the slot at the head is new; nothing is consumed. The device is touched when far. */
int cq_ready(const struct cq *q);

/*
 * Waits for the next completion of this queue, letting the device work, and rings the head
 * doorbell. Polls, or waits for the queue's vector first when it has one and c->use_irq is set.
 * 0; -ETIMEDOUT at the deadline (target clock); -ENODEV when the device is gone.
 */
int cq_wait(struct cq *q, struct cpl *ret, uint64_t deadline_ns);

/* Is this CID put and not completed? */
bool sq_is_pending(const struct sq *q, uint16_t cid);

/* Forgets everything pending: after a reset, or when a case knows that no CQE will come. */
void sq_forget(struct sq *q);

#endif
