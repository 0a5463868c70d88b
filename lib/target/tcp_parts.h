/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What tcp_queue.c and tcp_take.c, which are one queue's way out and in, share. */
#ifndef TARGET_TCP_PARTS_H
#define TARGET_TCP_PARTS_H

#include "target/tcp_queue.h"

/* The queue is broken for good, with words, unless it was before: what it is broken by. */
__attribute__((format(printf, 3, 4))) int tcp_queue_fail(struct tcp_queue *q, int err,
							 const char *fmt, ...);
/* The other side broke the rules: it is told, as the transport wants it. */
int tcp_queue_breach(struct tcp_queue *q, enum tcp_fes fes, uint32_t fei, const char *what);
/* What tcp_link_*() said, in words. */
int tcp_queue_trouble(struct tcp_queue *q, int err);
/* The other side wants to end it. */
int tcp_queue_term(struct tcp_queue *q, const struct tcp_term *t);

struct tcp_flight *flight_find(struct tcp_queue *q, uint16_t cid);
/* NULL: the CID is in use, or there are too many. */
struct tcp_flight *flight_begin(struct tcp_queue *q, uint16_t cid);
void flight_end(struct tcp_queue *q, struct tcp_flight *f);

/* Where the command that was sent last stands in the queue in memory. */
uint32_t tcp_queue_last_position(const struct tcp_queue *q);

/* One PDU after the greeting. 0 or -errno; the queue is then broken. */
int tcp_queue_handle(struct tcp_queue *q, const struct tcp_pdu *pdu);

#endif
