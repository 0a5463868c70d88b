// SPDX-License-Identifier: GPL-2.0-or-later
#include "target/tcp_queue.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "spec/status.h"

#define PLEN_MAX   (32u << 20) /* of what comes: MDTS of any drive and a header */
#define OURS_FIRST 0xf000u     /* CIDs of commands that are ours, where the case's are not */
#define OURS_LAST  0xfffeu
#define SPARE	   288u /* commands under way beyond the queue's entries: AERs and what was fetched */
#define PSDT_MASK  0xc0u
#define PSDT_SGL   0x40u
#define AT_SGL1	   24u

/* ---- what goes wrong ---- */

__attribute__((format(printf, 3, 4))) static int fail(struct tcp_queue *q, int err, const char *fmt,
						      ...)
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

/* The other side broke the rules: it is told, as the transport wants it. */
static int breach(struct tcp_queue *q, enum tcp_fes fes, uint32_t fei, const char *what)
{
	char name[16];

	q->link.wrong = (struct tcp_wrong){ fes, fei };
	tcp_link_put_term(&q->link, true);
	tcp_link_flush(&q->link);
	return fail(q, -EPROTO, "queue %u: %s of the controller: %s (%s)", q->qid,
		    tcp_type_name(q->link.head.ch.type, name), what, tcp_fes_name(fes, false));
}

static int trouble(struct tcp_queue *q, int err)
{
	if (err == -EPROTO)
		return breach(q, q->link.wrong.fes, q->link.wrong.fei, "is no legal PDU");
	if (err == -ENODEV || err == -ECONNRESET || err == -EPIPE)
		return fail(q, -ENODEV, "queue %u: the controller closed the connection", q->qid);
	return fail(q, err, "queue %u: %s", q->qid, strerror(-err));
}

/* ---- waiting ---- */

static int wait_socket(struct tcp_queue *q, uint64_t deadline_ns)
{
	struct pollfd p = { .fd = q->link.fd, .events = POLLIN };
	uint64_t now = clock_mono_ns(), left = deadline_ns > now ? deadline_ns - now : 0;

	if (tcp_link_pending(&q->link))
		p.events |= POLLOUT;
	if (!left)
		return fail(q, -ETIMEDOUT, "queue %u: no answer within %llu ms", q->qid,
			    (unsigned long long)(q->timeout_ns / NS_PER_MS));
	if (poll(&p, 1, (int)(left / NS_PER_MS) + 1) < 0 && errno != EINTR)
		return trouble(q, -errno);
	return 0;
}

/* ---- dial ---- */

static int dial_one(const struct addrinfo *at, uint64_t timeout_ns, int *ret_fd)
{
	int fd = socket(at->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), err = 0;
	struct pollfd p = { .fd = fd, .events = POLLOUT };
	socklen_t len = sizeof(err);

	if (fd < 0)
		return -errno;
	if (connect(fd, at->ai_addr, at->ai_addrlen) && errno != EINPROGRESS)
		err = errno;
	else if (poll(&p, 1, (int)(timeout_ns / NS_PER_MS)) < 1)
		err = ETIMEDOUT;
	else
		getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &len);
	if (!err) {
		*ret_fd = fd;
		return 0;
	}
	close(fd);
	return -err;
}

int tcp_dial(const struct tcp_way *w, int *ret_fd, char *error)
{
	const struct addrinfo want = { .ai_socktype = SOCK_STREAM };
	struct addrinfo *found = NULL;
	int err = getaddrinfo(w->host, w->port, &want, &found);

	if (err) {
		snprintf(error, 200, "%.80s port %.8s: %s", w->host, w->port, gai_strerror(err));
		return -EHOSTUNREACH;
	}
	err = -EHOSTUNREACH;
	for (const struct addrinfo *at = found; at && err; at = at->ai_next)
		err = dial_one(at, w->timeout_ns, ret_fd);
	freeaddrinfo(found);
	if (err)
		snprintf(error, 200, "%.80s port %.8s: %s%s", w->host, w->port, strerror(-err),
			 err == -ECONNREFUSED ? "; is there an NVMe/TCP target?" : "");
	return err;
}

/* ---- greeting ---- */

static int check_greeting(struct tcp_queue *q, const struct tcp_way *w, const struct tcp_icresp *r)
{
	q->maxh2cdata = le32_get(r->maxh2cdata) & ~3u;
	if ((r->dgst & TCP_HDGST_ON && !w->hdgst) || (r->dgst & TCP_DDGST_ON && !w->ddgst))
		return breach(q, TCP_FES_FIELD, TCP_AT_DGST, "has digests nobody asked for");
	if (!q->maxh2cdata)
		return breach(q, TCP_FES_FIELD, TCP_AT_DATAO, "takes no data at all");
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
			return n < 0 ? trouble(q, n) : 0;
		err = wait_socket(q, deadline_ns);
		if (err)
			return err;
	}
}

static int term_of_theirs(struct tcp_queue *q, const struct tcp_term *t)
{
	return fail(q, -ENODEV,
		    "queue %u: the controller ends the connection: %s, additional information %Xh",
		    q->qid, tcp_fes_name(le16_get(t->fes), true), le32_at(t->fei));
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
		return trouble(q, err);
	err = next_pdu(q, &pdu, deadline);
	if (err)
		return err;
	if (pdu.h->ch.type == TCP_C2H_TERM)
		return term_of_theirs(q, &pdu.h->term);
	return check_greeting(q, w, &pdu.h->icresp);
}

/* ---- open and close ---- */

static int alloc_all(struct tcp_queue *q)
{
	q->flights = q->entries + SPARE;
	q->flight = calloc(q->flights, sizeof(*q->flight));
	q->slot_of = calloc(65536, sizeof(*q->slot_of));
	q->position = calloc(q->entries, sizeof(*q->position));
	return q->flight && q->slot_of && q->position ? 0 : fail(q, -ENOMEM, "out of memory");
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
			return trouble(q, err);
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

/* ---- flights ---- */

static struct tcp_flight *find(struct tcp_queue *q, uint16_t cid)
{
	unsigned slot = q->slot_of[cid];

	return slot ? &q->flight[slot - 1] : NULL;
}

static struct tcp_flight *take_off(struct tcp_queue *q, uint16_t cid)
{
	if (q->in_flight == q->flights || q->slot_of[cid])
		return NULL;
	while (q->flight[q->next_free].used)
		q->next_free = (q->next_free + 1) % q->flights;
	q->slot_of[cid] = q->next_free + 1;
	q->in_flight++;
	return &q->flight[q->next_free];
}

static void land(struct tcp_queue *q, struct tcp_flight *f)
{
	f->used = false;
	q->slot_of[f->cid] = 0;
	q->in_flight--;
	q->next_free = (unsigned)(f - q->flight);
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

/* Where the command that was sent last stands in the queue in memory. */
static uint32_t last_position(const struct tcp_queue *q)
{
	return q->position[(q->tail ? q->tail : q->entries) - 1];
}

static void note_position(struct tcp_queue *q, const struct tcp_command *c)
{
	q->position[q->tail] = c->ours ? last_position(q) : c->position;
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
	f = take_off(q, le16_get(c->sqe.cid));
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

	return err ? trouble(q, err) : 0;
}

/* ---- in ---- */

/*
 * Where SQHD, of the controller's queue, stands in the queue in memory; FFFFh: it cannot be. Without
 * flow control none is told, and what was sent has left the queue in memory.
 */
static uint16_t see_head(struct tcp_queue *q, uint16_t sqhd)
{
	uint32_t out = (q->tail + q->entries - q->head) % q->entries, moved;

	if (q->no_flow_control) {
		q->seen_position = last_position(q);
		return (uint16_t)q->seen_position;
	}
	if (sqhd >= q->entries)
		return 0xffff;
	moved = (sqhd + q->entries - q->head) % q->entries;
	if (moved > out)
		return 0xffff;
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
	land(q, f);
	if (!ours && q->complete)
		q->complete(q->ctx, q, e);
}

static int take_response(struct tcp_queue *q, const struct tcp_resp *r)
{
	struct cqe e = r->cqe;
	struct tcp_flight *f = find(q, le16_get(e.cid));

	e.sqhd = le16_from(see_head(q, le16_get(e.sqhd)));
	if (!f || f->done)
		return breach(q, TCP_FES_FIELD, TCP_AT_CCCID,
			      "completes a command that is not under way");
	finish(q, f, &e);
	return 0;
}

static int take_data(struct tcp_queue *q, const struct tcp_pdu *pdu)
{
	const struct tcp_data *d = &pdu->h->data;
	struct tcp_flight *f = find(q, le16_get(d->cccid));
	uint32_t at = le32_get(d->datao);

	if (!f || f->done)
		return breach(q, TCP_FES_FIELD, TCP_AT_CCCID, "is for no command under way");
	if (f->direction != 2 || f->has_last)
		return breach(q, TCP_FES_SEQUENCE, 0, "brings data that nobody waits for");
	if (at > f->len || pdu->len > f->len - at)
		return breach(q, TCP_FES_RANGE, 0, "does not fit into the command's data");
	if (at != f->in_at)
		return breach(q, TCP_FES_SEQUENCE, 0, "does not go on where the last one ended");
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
	return err ? trouble(q, err) : 0;
}

static int take_r2t(struct tcp_queue *q, const struct tcp_r2t *r)
{
	struct tcp_flight *f = find(q, le16_get(r->cccid));
	uint32_t from = le32_get(r->r2to), n = le32_get(r->r2tl);

	if (!f || f->done)
		return breach(q, TCP_FES_FIELD, TCP_AT_CCCID, "is for no command under way");
	if (f->direction != 1)
		return breach(q, TCP_FES_SEQUENCE, 0, "asks for data that there are not");
	if (from > f->len || n > f->len - from)
		return breach(q, TCP_FES_RANGE, 0, "asks for more than the command's data");
	if (from != f->out_at)
		return breach(q, TCP_FES_SEQUENCE, 0, "does not go on where the last one ended");
	f->out_at += n;
	return send_data(q, f, r);
}

static int handle(struct tcp_queue *q, const struct tcp_pdu *pdu)
{
	switch (pdu->h->ch.type) {
	case TCP_RESP:
		return take_response(q, &pdu->h->resp);
	case TCP_C2H_DATA:
		return take_data(q, pdu);
	case TCP_R2T:
		return take_r2t(q, &pdu->h->r2t);
	default:
		return term_of_theirs(q, &pdu->h->term);
	}
}

int tcp_queue_pump(struct tcp_queue *q)
{
	struct tcp_pdu pdu;
	int n, err = q->broken;

	while (!err && (n = tcp_link_next(&q->link, &pdu)))
		err = n < 0 ? trouble(q, n) : handle(q, &pdu);
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
	struct tcp_flight *f = find(q, cid);
	int err = tcp_queue_pump(q);

	if (err || !f->done)
		return err;
	*ret = f->cqe;
	land(q, f);
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
