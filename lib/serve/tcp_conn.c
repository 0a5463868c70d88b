// SPDX-License-Identifier: GPL-2.0-or-later
/* One connection: ICReq and ICResp, PDUs in their order, data both ways. */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "serve/tcp_serve.h"

#define BURST 64u /* PDUs between two looks at the others */

void tconn_flush(struct tconn *c)
{
	size_t before = tcp_link_pending(&c->link);

	if (before && tcp_link_flush(&c->link))
		c->dead = true; /* noticed when nothing is under way */
	if (tcp_link_pending(&c->link) < before || !before)
		c->sent_ns = clock_mono_ns();
}

void tconn_end(struct tconn *c, const char *reason)
{
	if (c->closing)
		return;
	c->closing = c->ends = true;
	c->reason = reason;
	if (c->a)
		assoc_lost(c);
	tcmd_drop_all(c);
}

/* The host is to hang up upon it; it has 30 seconds by the specification, and fewer here. */
void tconn_fatal(struct tconn *c, enum tcp_fes fes, uint32_t fei)
{
	c->link.wrong = (struct tcp_wrong){ fes, fei };
	if (TFAULT(c->s, TCP_FES_FIXED))
		c->link.wrong.fes = TCP_FES_LIMIT;
	if (TFAULT(c->s, TCP_FEI_MISSING))
		c->link.wrong.fei = 0;
	tcp_link_put_term(&c->link, !TFAULT(c->s, TCP_TERM_EMPTY));
	c->s->all_fatal |= TFAULT(c->s, TCP_FATAL_REACHES_OTHERS);
	c->errors++;
	tconn_end(c, "broke the rules");
	c->ends = false;
	c->begun_ns = clock_mono_ns();
}

/* ---- greeting ---- */

static void greet(struct tconn *c, const struct tcp_icreq *q)
{
	union tcp_header h = { .icresp.maxh2cdata = le32_from(MAXH2CDATA),
			       .icresp.dgst = q->dgst & (TCP_HDGST_ON | TCP_DDGST_ON) };

	h.ch.type = TCP_ICRESP;
	if (c->number > 2 && TFAULT(c->s, TCP_ICRESP_DIGESTS))
		h.icresp.dgst = TCP_HDGST_ON | TCP_DDGST_ON;
	if (c->number > 2 && TFAULT(c->s, TCP_ICRESP_CPDA_LARGE))
		h.icresp.cpda = 32;
	tcp_link_put(&c->link, &h, NULL, 0);
	tcp_link_agree(&c->link, q->dgst & TCP_HDGST_ON, q->dgst & TCP_DDGST_ON,
		       (q->hpda + 1u) * 4);
}

/* ---- data to the controller ---- */

void tconn_ask(struct tconn *c, struct tcmd *t)
{
	uint32_t n = t->len - t->asked < R2T_MAX ? t->len - t->asked : R2T_MAX;
	union tcp_header h = { .r2t.cccid = t->sqe.cid };

	h.ch.type = TCP_R2T;
	t->ttag = c->next_ttag++;
	h.r2t.ttag = le16_from(t->ttag);
	h.r2t.r2to = le32_from(t->asked);
	h.r2t.r2tl = le32_from(n);
	t->asked += n;
	tcp_link_put(&c->link, &h, NULL, 0);
}

/* What is wrong with a piece of data: true, and the connection is lost. */
static bool data_is_wrong(struct tconn *c, const struct tcmd *t, const struct tcp_data *d)
{
	uint32_t at = le32_get(d->datao), len = le32_get(d->datal);

	if (!t)
		tconn_fatal(c, TCP_FES_FIELD, TCP_AT_CCCID);
	else if (le16_get(d->ttag) != t->ttag && !TFAULT(c->s, TCP_TTAG_UNREAD))
		tconn_fatal(c, TCP_FES_FIELD, TCP_AT_TTAG);
	else if (len > MAXH2CDATA)
		tconn_fatal(c, TCP_FES_LIMIT, 0);
	else if (at > t->asked || len > t->asked - at)
		tconn_fatal(c, TCP_FES_RANGE, 0);
	else if ((at != t->got || !(d->ch.flags & TCP_F_LAST) != (at + len < t->asked)) &&
		 !TFAULT(c->s, TCP_GAP_ACCEPTED))
		tconn_fatal(c, TCP_FES_SEQUENCE, 0);
	else
		return false;
	return true;
}

static void take_data(struct tconn *c, const struct tcp_pdu *pdu)
{
	const struct tcp_data *d = &pdu->h->data;
	struct tcmd *t = tcmd_find(c, le16_get(d->cccid), true);

	if (data_is_wrong(c, t, d))
		return;
	if (t->got < R2T_MAX || !TFAULT(c->s, TCP_R2T_SECOND_LOST))
		memcpy(tcmd_data(c, t) + t->got, pdu->data, pdu->len);
	t->bad_data |= pdu->bad_data && !TFAULT(c->s, TCP_DATA_DIGEST_UNREAD);
	t->got += (uint32_t)pdu->len;
	if (t->got < t->asked)
		return;
	if (t->got < t->len)
		tconn_ask(c, t);
	else
		t->state = TCMD_READY;
}

/* ---- data and responses from it ---- */

static void send_data(struct tconn *c, const struct tcmd *t, const uint8_t *data, size_t len,
		      bool last_says_success)
{
	for (size_t at = 0; at < len;) {
		size_t n = len - at < C2H_CHUNK ? len - at : C2H_CHUNK;
		union tcp_header h = { .data.cccid = t->sqe.cid };

		h.ch.type = TCP_C2H_DATA;
		h.data.datao = le32_from((uint32_t)at);
		h.data.datal = le32_from((uint32_t)n);
		if (at + n == len)
			h.ch.flags = TCP_F_LAST | (last_says_success ? TCP_F_SUCCESS : 0);
		tcp_link_put(&c->link, &h, data + at, n);
		at += n;
	}
}

void tconn_answer(struct tconn *c, const struct cqe *e)
{
	union tcp_header h = { .resp.cqe = *e };

	h.ch.type = TCP_RESP;
	h.resp.cqe.sqid = le16_from(0);
	h.resp.cqe.status = le16_from(le16_get(e->status) & (uint16_t)~CQE_PHASE);
	tcp_link_put(&c->link, &h, NULL, 0);
}

void tconn_respond(struct tconn *c, struct tcmd *t, struct cqe *e, const void *data, size_t len)
{
	bool plain = !(le16_get(e->status) & ~CQE_PHASE) && !le32_get(e->dw0) && !le32_get(e->dw1);
	bool by_flag = c->no_sqhd && plain && len;

	send_data(c, t, data, len, by_flag);
	if (!by_flag)
		tconn_answer(c, e);
}

/* ---- what comes ---- */

static void handle(struct tconn *c, const struct tcp_pdu *pdu)
{
	switch (pdu->h->ch.type) {
	case TCP_ICREQ:
		greet(c, &pdu->h->icreq);
		break;
	case TCP_CMD:
		tcmd_begin(c, pdu);
		break;
	case TCP_H2C_DATA:
		take_data(c, pdu);
		break;
	default: /* H2CTermReq */
		tconn_end(c, "ended it for an error of ours, it says");
		break;
	}
}

static void trouble(struct tconn *c, int err)
{
	if (err == -EPROTO && !c->link.wrong.fei && c->link.wrong.fes == TCP_FES_FIELD &&
	    TFAULT(c->s, TCP_TYPE_SKIPPED))
		tcp_link_skip(&c->link);
	else if (err == -EPROTO)
		tconn_fatal(c, c->link.wrong.fes, c->link.wrong.fei);
	else
		tconn_end(c, err == -ENODEV || err == -ECONNRESET ? "hung up"
			     : err == -ESHUTDOWN ? "a request to terminate, of no length"
						 : strerror(-err));
}

static void note_amid(struct tconn *c)
{
	if (!tcp_link_is_amid(&c->link))
		c->begun_ns = 0;
	else if (TFAULT(c->s, TCP_PIECES_REFUSED))
		tconn_end(c, "by fault: a PDU did not come whole");
	else if (!c->begun_ns)
		c->begun_ns = clock_mono_ns();
}

void tconn_hear(struct tconn *c)
{
	struct tcp_pdu pdu;
	int n = 0;

	for (unsigned i = 0; i < BURST && !c->closing; i++) {
		n = tcp_link_next(&c->link, &pdu);
		if (n < 0)
			trouble(c, n);
		if (n <= 0)
			break;
		c->begun_ns = 0;
		handle(c, &pdu);
		if (c->fatal_digest && !c->closing)
			tconn_fatal(c, TCP_FES_DIGEST, 0);
	}
	if (!c->closing)
		note_amid(c);
}
