// SPDX-License-Identifier: GPL-2.0-or-later
/* What comes on a queue, held against the commands that are under way. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "spec/status.h"
#include "target/tcp_parts.h"

/* ---- what goes wrong ---- */

int tcp_queue_fail(struct tcp_queue *q, int err, const char *fmt, ...)
{
	va_list ap;

	if (q->broken)
		return q->broken;
	va_start(ap, fmt);
	vsnprintf(q->error, sizeof(q->error), fmt, ap);
	va_end(ap);
	q->broken = err;
	return err;
}

int tcp_queue_breach(struct tcp_queue *q, enum tcp_fes fes, uint32_t fei, const char *what)
{
	char name[16];

	q->link.wrong = (struct tcp_wrong){ fes, fei };
	tcp_link_put_term(&q->link, true);
	tcp_link_flush(&q->link);
	return tcp_queue_fail(q, -EPROTO, "queue %u: %s of the controller: %s (%s)", q->qid,
			      tcp_type_name(q->link.head.ch.type, name), what,
			      tcp_fes_name(fes, false));
}

int tcp_queue_trouble(struct tcp_queue *q, int err)
{
	if (err == -EPROTO)
		return tcp_queue_breach(q, q->link.wrong.fes, q->link.wrong.fei, "is no legal PDU");
	if (err == -ENODEV || err == -ECONNRESET || err == -EPIPE)
		return tcp_queue_fail(q, -ENODEV, "queue %u: the controller closed the connection",
				      q->qid);
	return tcp_queue_fail(q, err, "queue %u: %s", q->qid, strerror(-err));
}

int tcp_queue_term(struct tcp_queue *q, const struct tcp_term *t)
{
	return tcp_queue_fail(
		q, -ENODEV,
		"queue %u: the controller ends the connection: %s, additional information %Xh",
		q->qid, tcp_fes_name(le16_get(t->fes), true), le32_at(t->fei));
}

/* ---- flights ---- */

struct tcp_flight *flight_find(struct tcp_queue *q, uint16_t cid)
{
	unsigned slot = q->slot_of[cid];

	return slot ? &q->flight[slot - 1] : NULL;
}

struct tcp_flight *flight_begin(struct tcp_queue *q, uint16_t cid)
{
	if (q->in_flight == q->flights || q->slot_of[cid])
		return NULL;
	while (q->flight[q->next_free].used)
		q->next_free = (q->next_free + 1) % q->flights;
	q->slot_of[cid] = q->next_free + 1;
	q->in_flight++;
	return &q->flight[q->next_free];
}

void flight_end(struct tcp_queue *q, struct tcp_flight *f)
{
	f->used = false;
	q->slot_of[f->cid] = 0;
	q->in_flight--;
	q->next_free = (unsigned)(f - q->flight);
}

uint32_t tcp_queue_last_position(const struct tcp_queue *q)
{
	return q->position[(q->tail ? q->tail : q->entries) - 1];
}

/* ---- in ---- */

/*
 * What cannot be, as it is. An I/O queue in memory has as many entries as the controller's, so what
 * is wrong with SQHD there is wrong with it here; of others FFFFh is never right.
 */
static uint16_t wrong_head(const struct tcp_queue *q, uint16_t sqhd, uint32_t moved)
{
	if (!q->qid)
		return 0xffff;
	return sqhd >= q->entries ? sqhd : (uint16_t)((q->seen_position + moved) % q->entries);
}

/*
 * Where SQHD, of the controller's queue, stands in the queue in memory. Without flow control none
 * is told, and what was sent has left the queue in memory.
 */
static uint16_t see_head(struct tcp_queue *q, uint16_t sqhd)
{
	uint32_t out = (q->tail + q->entries - q->head) % q->entries, moved;

	if (q->no_flow_control) {
		q->seen_position = tcp_queue_last_position(q);
		return (uint16_t)q->seen_position;
	}
	moved = (sqhd + q->entries - q->head) % q->entries;
	if (sqhd >= q->entries || moved > out)
		return wrong_head(q, sqhd, moved);
	q->head = sqhd;
	if (moved)
		q->seen_position = q->position[(sqhd + q->entries - 1) % q->entries];
	return (uint16_t)q->seen_position;
}

static void finish(struct tcp_queue *q, struct tcp_flight *f, struct cqe *e)
{
	bool ours = f->ours, unread = f->unread;

	if (f->bad_data && !CQE_STATUS(le16_get(e->status)))
		e->status = le16_from(SC_TRANSIENT_TRANSPORT << 1);
	f->cqe = *e;
	f->done = true;
	if (ours && !unread)
		return;
	flight_end(q, f);
	if (!ours && q->complete)
		q->complete(q->ctx, q, e);
}

static int take_response(struct tcp_queue *q, const struct tcp_resp *r)
{
	struct cqe e = r->cqe;
	struct tcp_flight *f = flight_find(q, le16_get(e.cid));

	e.sqhd = le16_from(see_head(q, le16_get(e.sqhd)));
	if (!f || f->done)
		return tcp_queue_breach(q, TCP_FES_FIELD, TCP_AT_CCCID,
					"completes a command that is not under way");
	finish(q, f, &e);
	return 0;
}

static int take_data(struct tcp_queue *q, const struct tcp_pdu *pdu)
{
	const struct tcp_data *d = &pdu->h->data;
	struct tcp_flight *f = flight_find(q, le16_get(d->cccid));
	uint32_t at = le32_get(d->datao);

	if (!f || f->done)
		return tcp_queue_breach(q, TCP_FES_FIELD, TCP_AT_CCCID,
					"is for no command under way");
	if (f->direction != 2 || f->has_last)
		return tcp_queue_breach(q, TCP_FES_SEQUENCE, 0,
					"brings data that nobody waits for");
	if (at > f->len || pdu->len > f->len - at)
		return tcp_queue_breach(q, TCP_FES_RANGE, 0,
					"does not fit into the command's data");
	if (at != f->in_at)
		return tcp_queue_breach(q, TCP_FES_SEQUENCE, 0,
					"does not go on where the last one ended");
	memcpy(f->data + at, pdu->data, pdu->len);
	f->in_at += (uint32_t)pdu->len;
	f->bad_data |= pdu->bad_data;
	f->has_last = d->ch.flags & TCP_F_LAST;
	if (d->ch.flags & TCP_F_SUCCESS) {
		struct cqe e = { .cid = d->cccid };

		e.sqhd = le16_from(see_head(q, (uint16_t)q->head));
		finish(q, f, &e);
	}
	return 0;
}

static int send_data(struct tcp_queue *q, const struct tcp_flight *f, const struct tcp_r2t *r)
{
	uint32_t from = le32_get(r->r2to), end = from + le32_get(r->r2tl);
	int err = 0;

	for (uint32_t at = from; at < end && !err;) {
		uint32_t n = end - at < q->maxh2cdata ? end - at : q->maxh2cdata;
		union tcp_header h = { .data.cccid = r->cccid, .data.ttag = r->ttag };

		h.ch.type = TCP_H2C_DATA;
		h.ch.flags = at + n == end ? TCP_F_LAST : 0;
		h.data.datao = le32_from(at);
		h.data.datal = le32_from(n);
		err = tcp_link_put(&q->link, &h, f->data + at, n);
		at += n;
	}
	return err ? tcp_queue_trouble(q, err) : 0;
}

static int take_r2t(struct tcp_queue *q, const struct tcp_r2t *r)
{
	struct tcp_flight *f = flight_find(q, le16_get(r->cccid));
	uint32_t from = le32_get(r->r2to), n = le32_get(r->r2tl);

	if (!f || f->done)
		return tcp_queue_breach(q, TCP_FES_FIELD, TCP_AT_CCCID,
					"is for no command under way");
	if (f->direction != 1)
		return tcp_queue_breach(q, TCP_FES_SEQUENCE, 0, "asks for data that there are not");
	if (from > f->len || n > f->len - from)
		return tcp_queue_breach(q, TCP_FES_RANGE, 0,
					"asks for more than the command's data");
	if (from != f->out_at)
		return tcp_queue_breach(q, TCP_FES_SEQUENCE, 0,
					"does not go on where the last one ended");
	f->out_at += n;
	return send_data(q, f, r);
}

int tcp_queue_handle(struct tcp_queue *q, const struct tcp_pdu *pdu)
{
	switch (pdu->h->ch.type) {
	case TCP_RESP:
		return take_response(q, &pdu->h->resp);
	case TCP_C2H_DATA:
		return take_data(q, pdu);
	case TCP_R2T:
		return take_r2t(q, &pdu->h->r2t);
	default:
		return tcp_queue_term(q, &pdu->h->term);
	}
}
