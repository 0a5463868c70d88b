// SPDX-License-Identifier: GPL-2.0-or-later
#include "target/tcp_queue.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "target/tcp_parts.h"

#define PLEN_MAX   (32u << 20) /* of what comes: MDTS of any drive and a header */
#define OURS_FIRST 0xf000u     /* CIDs of commands that are ours, where the case's are not */
#define OURS_LAST  0xfffeu
#define SPARE	   288u /* commands under way beyond the queue's entries: AERs and what was fetched */
#define PSDT_MASK  0xc0u
#define PSDT_SGL   0x40u
#define AT_SGL1	   24u

/* ---- waiting ---- */

static int wait_socket(struct tcp_queue *q, uint64_t deadline_ns)
{
	struct pollfd p = { .fd = q->link.fd, .events = POLLIN };
	uint64_t now = clock_mono_ns(), left = deadline_ns > now ? deadline_ns - now : 0;

	if (tcp_link_pending(&q->link))
		p.events |= POLLOUT;
	if (!left)
		return tcp_queue_fail(q, -ETIMEDOUT, "queue %u: no answer within %llu ms", q->qid,
				      (unsigned long long)(q->timeout_ns / NS_PER_MS));
	if (poll(&p, 1, (int)(left / NS_PER_MS) + 1) < 0 && errno != EINTR)
		return tcp_queue_trouble(q, -errno);
	return 0;
}

/* ---- greeting ---- */

static int check_greeting(struct tcp_queue *q, const struct tcp_way *w, const struct tcp_icresp *r)
{
	q->maxh2cdata = le32_get(r->maxh2cdata) & ~3u;
	if ((r->dgst & TCP_HDGST_ON && !w->hdgst) || (r->dgst & TCP_DDGST_ON && !w->ddgst))
		return tcp_queue_breach(q, TCP_FES_FIELD, TCP_AT_DGST,
					"has digests nobody asked for");
	if (!q->maxh2cdata)
		return tcp_queue_breach(q, TCP_FES_FIELD, TCP_AT_DATAO, "takes no data at all");
	tcp_link_agree(&q->link, r->dgst & TCP_HDGST_ON, r->dgst & TCP_DDGST_ON,
		       (r->cpda + 1u) * 4);
	q->link.rules.align = w->hpda;
	return 0;
}

static int next_pdu(struct tcp_queue *q, struct tcp_pdu *ret, uint64_t deadline_ns)
{
	for (;;) {
		int n = tcp_link_next(&q->link, ret), err;

		if (n)
			return n < 0 ? tcp_queue_trouble(q, n) : 0;
		err = wait_socket(q, deadline_ns);
		if (err)
			return err;
	}
}

static int greet(struct tcp_queue *q, const struct tcp_way *w)
{
	uint64_t deadline = clock_mono_ns() + w->timeout_ns;
	union tcp_header h = { .icreq.hpda = (uint8_t)(w->hpda / 4 - 1),
			       .icreq.dgst = (uint8_t)((w->hdgst ? TCP_HDGST_ON : 0) |
						       (w->ddgst ? TCP_DDGST_ON : 0)),
			       .icreq.maxr2t_z = le32_from(w->maxr2t - 1) };
	struct tcp_pdu pdu;
	int err;

	h.ch.type = TCP_ICREQ;
	err = tcp_link_put(&q->link, &h, NULL, 0);
	if (!err)
		err = tcp_link_flush(&q->link);
	if (err)
		return tcp_queue_trouble(q, err);
	err = next_pdu(q, &pdu, deadline);
	if (err)
		return err;
	if (pdu.h->ch.type == TCP_C2H_TERM)
		return tcp_queue_term(q, &pdu.h->term);
	return check_greeting(q, w, &pdu.h->icresp);
}

/* ---- open and close ---- */

static int alloc_all(struct tcp_queue *q)
{
	q->flights = q->entries + SPARE;
	q->flight = calloc(q->flights, sizeof(*q->flight));
	q->slot_of = calloc(65536, sizeof(*q->slot_of));
	q->position = calloc(q->entries, sizeof(*q->position));
	return q->flight && q->slot_of && q->position ? 0
						      : tcp_queue_fail(q, -ENOMEM, "out of memory");
}

int tcp_queue_open(struct tcp_queue *q, const struct tcp_way *w, uint16_t qid, uint32_t entries)
{
	int fd = -1, err;

	*q = (struct tcp_queue){ .link.fd = -1,
				 .qid = qid,
				 .entries = entries,
				 .next_cid = OURS_FIRST,
				 .capsule = TCP_ADMIN_CAPSULE,
				 .timeout_ns = w->timeout_ns };
	err = alloc_all(q);
	if (!err) {
		err = tcp_dial(w, &fd, q->error);
		q->broken = err;
	}
	if (!err) {
		err = tcp_link_open(&q->link, fd, false, PLEN_MAX);
		if (err)
			return tcp_queue_trouble(q, err);
		err = greet(q, w);
	}
	return err;
}

void tcp_queue_close(struct tcp_queue *q)
{
	tcp_link_close(&q->link);
	free(q->flight);
	free(q->slot_of);
	free(q->position);
	q->flight = NULL;
	q->slot_of = NULL;
	q->position = NULL;
	q->flights = q->in_flight = 0;
	q->broken = q->broken ? q->broken : -ENODEV;
}

static uint16_t cid_of_ours(struct tcp_queue *q)
{
	do
		q->next_cid = q->next_cid == OURS_LAST ? OURS_FIRST : q->next_cid + 1u;
	while (q->slot_of[q->next_cid]);
	return q->next_cid;
}

/* ---- out ---- */

uint32_t tcp_queue_room(const struct tcp_queue *q)
{
	if (q->no_flow_control)
		return q->flights - q->in_flight;
	return q->entries - 1 - (q->tail + q->entries - q->head) % q->entries;
}

/* SGL1 as the transport has it. One that a case wrote into a command without data stays. */
static bool lay_out(const struct tcp_queue *q, const struct tcp_command *c, struct sqe *e,
		    unsigned direction)
{
	static const struct sgl_desc none;
	bool in_capsule = direction == 1 && c->len && c->len <= q->capsule;
	struct sgl_desc d =
		in_capsule ? sgl_in_capsule(0, (uint32_t)c->len) : sgl_transport((uint32_t)c->len);

	if (!c->len &&
	    (e->flags & PSDT_MASK || memcmp((uint8_t *)e + AT_SGL1, &none, sizeof(none))))
		return false;
	memcpy((uint8_t *)e + AT_SGL1, &d, sizeof(d));
	if (!(e->flags & PSDT_MASK))
		e->flags |= PSDT_SGL;
	return in_capsule;
}

static void note_position(struct tcp_queue *q, const struct tcp_command *c)
{
	q->position[q->tail] = c->ours ? tcp_queue_last_position(q) : c->position;
	q->tail = (q->tail + 1) % q->entries;
}

int tcp_queue_send(struct tcp_queue *q, const struct tcp_command *c)
{
	union tcp_header h = { .cmd.sqe = c->sqe };
	unsigned direction = sqe_direction(&c->sqe);
	bool in_capsule = lay_out(q, c, &h.cmd.sqe, direction);
	struct tcp_flight *f;

	if (q->broken)
		return q->broken;
	if (!tcp_queue_room(q))
		return -ENOSPC;
	f = flight_begin(q, le16_get(c->sqe.cid));
	if (!f)
		return -ENOSPC;
	*f = (struct tcp_flight){ .used = true,
				  .ours = c->ours,
				  .unread = c->unread,
				  .cid = le16_get(c->sqe.cid),
				  .direction = in_capsule ? 0 : direction,
				  .data = c->data,
				  .len = c->len };
	note_position(q, c);
	h.ch.type = TCP_CMD;
	return tcp_link_put(&q->link, &h, in_capsule ? c->data : NULL, in_capsule ? c->len : 0);
}

int tcp_queue_flush(struct tcp_queue *q)
{
	int err = q->broken ? q->broken : tcp_link_flush(&q->link);

	return err ? tcp_queue_trouble(q, err) : 0;
}

/* ---- in ---- */

int tcp_queue_pump(struct tcp_queue *q)
{
	struct tcp_pdu pdu;
	int n, err = q->broken;

	while (!err && (n = tcp_link_next(&q->link, &pdu)))
		err = n < 0 ? tcp_queue_trouble(q, n) : tcp_queue_handle(q, &pdu);
	return err ? err : tcp_queue_flush(q);
}

/* ---- commands of ours ---- */

static int await_room(struct tcp_queue *q, uint64_t deadline_ns)
{
	int err = 0;

	while (!err && !tcp_queue_room(q)) {
		err = wait_socket(q, deadline_ns);
		err = err ? err : tcp_queue_pump(q);
	}
	return err;
}

int tcp_queue_begin(struct tcp_queue *q, const struct sqe *e, void *data, size_t len,
		    uint16_t *ret_cid)
{
	struct tcp_command c = { .sqe = *e, .data = data, .len = len, .ours = true };
	int err = q->broken ? q->broken : await_room(q, clock_mono_ns() + q->timeout_ns);

	if (err)
		return err;
	*ret_cid = cid_of_ours(q);
	c.sqe.cid = le16_from(*ret_cid);
	err = tcp_queue_send(q, &c);
	return err ? err : tcp_queue_flush(q);
}

int tcp_queue_take(struct tcp_queue *q, uint16_t cid, struct cqe *ret)
{
	struct tcp_flight *f = flight_find(q, cid);
	int err = tcp_queue_pump(q);

	if (err || !f->done)
		return err;
	*ret = f->cqe;
	flight_end(q, f);
	return 1;
}

int tcp_queue_exec(struct tcp_queue *q, const struct sqe *e, void *data, size_t len,
		   struct cqe *ret)
{
	uint64_t deadline = clock_mono_ns() + q->timeout_ns;
	uint16_t cid = 0;
	int n = tcp_queue_begin(q, e, data, len, &cid);

	if (n)
		return n;
	while (!(n = tcp_queue_take(q, cid, ret))) {
		n = wait_socket(q, deadline);
		if (n)
			return n;
	}
	return n < 0 ? n : 0;
}
