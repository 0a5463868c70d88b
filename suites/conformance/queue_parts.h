/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the queue cases are made of: queues that must be there, and Reads that run on them. All of
 * it lives as long as the case. A queue that is refused fails the case: it is the device's answer.
 */
#ifndef CONFORMANCE_QUEUE_PARTS_H
#define CONFORMANCE_QUEUE_PARTS_H

#include "kit/kit.h"

/* For `.na`: the sentence where one I/O queue pair, or one interrupt vector, is all there is. */
const char *parts_na_one_pair(const struct facts *f);
const char *parts_na_one_vector(const struct facts *f);

/* A completion queue without interrupt; the number of queues is asked for before the first. */
struct cq *parts_cq(struct rig *r, uint16_t qid, uint32_t entries);
struct sq *parts_sq(struct rig *r, uint16_t qid, uint32_t entries, struct cq *cq);

/* A Read of one block into b + off, for rig_put(); may be put any number of times. */
struct cmd parts_read_cmd(struct rig *r, uint64_t lba, struct buf *b, size_t off);
/* One of LBA 0 into a buffer that nobody looks at. */
struct cmd parts_any_read(struct rig *r);
/* The Read that shows a queue to work, waited for. */
struct cpl parts_read(struct rig *r, struct sq *q);

/* Unconsumed entries, as the phases from the head on tell; nothing is consumed or audited. */
uint32_t parts_posted(struct cq *q);

/* ---- doorbells ---- */

/* Error status, Invalid Doorbell Register or Invalid Doorbell Write Value, log page 01h. */
#define PARTS_EVENT_BAD_REGISTER 0x00010000u
#define PARTS_EVENT_BAD_VALUE	 0x00010100u

/* That event comes within half a second; its Dword 0, but for reserved bits, is `want`. */
void parts_check_event(struct rig *r, uint32_t want);
/* Commands in every slot that were never rung: were one fetched, its completion would be seen. */
void parts_fill_slots(struct sq *q, const struct cmd *c);

#endif
