/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the queue cases are made of: queues that must be there, and Reads that run on them. All of
 * it lives as long as the case. A queue that is refused fails the case: it is the device's answer.
 */
#ifndef CONFORMANCE_QUEUE_PARTS_H
#define CONFORMANCE_QUEUE_PARTS_H

#include "kit/kit.h"

/* A completion queue without interrupt; the number of queues is asked for before the first. */
struct cq *parts_cq(struct rig *r, uint16_t qid, uint32_t entries);
struct sq *parts_sq(struct rig *r, uint16_t qid, uint32_t entries, struct cq *cq);

/* A Read of one block into b + off, for rig_put(); may be put any number of times. */
struct cmd parts_read_cmd(struct rig *r, uint64_t lba, struct buf *b, size_t off);
/* One of LBA 0 into a buffer that nobody looks at. */
struct cmd parts_any_read(struct rig *r);
/* The Read that shows a queue to work, waited for. */
struct cpl parts_read(struct rig *r, struct sq *q);

#endif
