// SPDX-License-Identifier: GPL-2.0-or-later
#include "tcp/link.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "data/crc.h"

#define IN_ROOM	 (64u << 10)
#define OUT_ROOM (64u << 10)

/* ---- open and close ---- */

int tcp_link_open(struct tcp_link *l, int fd, bool controller, uint32_t plen_max)
{
	const int on = 1;
	int flags = fcntl(fd, F_GETFL);

	*l = (struct tcp_link){
		.fd = fd,
		.rules = { .controller = controller, .align = 4, .plen_max = plen_max },
		.send_align = 4
	};
	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK))
		return -errno;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)); /* of other sockets no harm */
	l->in = malloc(IN_ROOM);
	l->out = malloc(OUT_ROOM);
	l->in_room = IN_ROOM;
	l->out_room = OUT_ROOM;
	return l->in && l->out ? 0 : -ENOMEM;
}

void tcp_link_close(struct tcp_link *l)
{
	if (l->fd >= 0)
		close(l->fd);
	free(l->in);
	free(l->out);
	*l = (struct tcp_link){ .fd = -1 };
}

void tcp_link_agree(struct tcp_link *l, bool hdgst, bool ddgst, unsigned send_align)
{
	l->rules.connected = true;
	l->rules.hdgst = hdgst;
	l->rules.ddgst = ddgst;
	l->send_align = send_align;
}

/* ---- in ---- */

static size_t here(const struct tcp_link *l)
{
	return l->in_len - l->in_at;
}

/* Room for a PDU of that length from in_at on. */
static int make_room(struct tcp_link *l, size_t want)
{
	uint8_t *grown;

	if (l->in_at && (l->in_at == l->in_len || l->in_room - l->in_at < want)) {
		memmove(l->in, l->in + l->in_at, here(l));
		l->in_len = here(l);
		l->in_at = 0;
	}
	if (l->in_room - l->in_at >= want)
		return 0;
	grown = realloc(l->in, want);
	if (!grown)
		return -ENOMEM;
	l->in = grown;
	l->in_room = want;
	return 0;
}

/* Bytes that came; 0: none now; -errno. */
static ssize_t fill(struct tcp_link *l, size_t want)
{
	int err = make_room(l, want);
	ssize_t n;

	if (err)
		return err;
	if (l->ended)
		return -ENODEV;
	n = recv(l->fd, l->in + l->in_len, l->in_room - l->in_len, 0);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	l->ended = n == 0;
	l->in_len += (size_t)n;
	return n ? n : -ENODEV;
}

/* 1 when so many bytes are here, 0 when not yet. */
static int await(struct tcp_link *l, size_t want)
{
	while (here(l) < want) {
		ssize_t n = fill(l, want);

		if (n <= 0)
			return (int)n;
	}
	return 1;
}

static int header_digest_check(struct tcp_link *l, unsigned hlen)
{
	const uint8_t *at = l->in + l->in_at;
	uint32_t got;

	if (!l->rules.hdgst || !tcp_takes_digest(l->head.ch.type) || l->rules.lax & TCP_LAX_HDGST)
		return 0;
	got = le32_at(at + hlen);
	if (got == crc32c(0, at, hlen))
		return 0;
	l->wrong = (struct tcp_wrong){ TCP_FES_DIGEST, got };
	return -EPROTO;
}

/* Once the header has come: is it to be believed? Its digest comes first. */
static int judge(struct tcp_link *l, unsigned head_len)
{
	unsigned hlen = tcp_header_len(l->head.ch.type);
	int n = await(l, head_len), err;

	if (n <= 0)
		return n;
	memcpy(&l->head, l->in + l->in_at, hlen);
	err = header_digest_check(l, hlen);
	if (!err)
		err = tcp_header_check(&l->head, &l->rules, &l->wrong);
	return err ? err : 1;
}

static void give(struct tcp_link *l, struct tcp_pdu *ret)
{
	const struct tcp_ch *ch = &l->head.ch;
	const uint8_t *at = l->in + l->in_at;
	size_t plen = le32_get(ch->plen), len = tcp_data_len(ch, &l->rules);
	bool digest = l->rules.ddgst && len && tcp_takes_digest(ch->type);

	*ret = (struct tcp_pdu){ .h = &l->head, .len = len };
	ret->data = at + plen - len - (digest ? TCP_DIGEST : 0);
	ret->bad_data = digest && crc32c(0, ret->data, len) != le32_at(at + plen - TCP_DIGEST);
	l->taken = plen;
}

/* The header digest is looked at before fields that may be wrong because of it. */
static int ch_judge(struct tcp_link *l, unsigned *ret_len)
{
	struct tcp_wrong w;
	int err = tcp_ch_check(&l->head.ch, &l->rules, ret_len, &l->wrong), n;

	if (err != -EPROTO || !l->rules.hdgst || !tcp_takes_digest(l->head.ch.type) ||
	    tcp_from_host(l->head.ch.type) != l->rules.controller)
		return err;
	w = l->wrong;
	n = await(l, tcp_header_len(l->head.ch.type) + TCP_DIGEST);
	if (n == 0)
		return 0;
	memcpy(&l->head, l->in + l->in_at, tcp_header_len(l->head.ch.type));
	if (n > 0 && header_digest_check(l, tcp_header_len(l->head.ch.type)))
		return -EPROTO;
	l->wrong = w;
	return err;
}

int tcp_link_next(struct tcp_link *l, struct tcp_pdu *ret)
{
	unsigned head_len = 0;
	int n;

	l->in_at += l->taken;
	l->taken = 0;
	n = await(l, sizeof(struct tcp_ch));
	if (n <= 0)
		return n;
	memset(&l->head, 0, sizeof(l->head));
	memcpy(&l->head.ch, l->in + l->in_at, sizeof(l->head.ch));
	n = ch_judge(l, &head_len);
	if (!n)
		n = judge(l, head_len);
	if (n > 0)
		n = await(l, le32_get(l->head.ch.plen));
	if (n > 0)
		give(l, ret);
	return n;
}

void tcp_link_skip(struct tcp_link *l)
{
	size_t plen = le32_get(l->head.ch.plen);

	l->taken = plen < here(l) ? plen : here(l);
}

bool tcp_link_is_amid(const struct tcp_link *l)
{
	return here(l) > l->taken;
}

/* ---- out ---- */

static uint8_t *reserve(struct tcp_link *l, size_t len)
{
	size_t left = l->out_len - l->out_at, room = l->out_room;
	uint8_t *grown;

	if (l->out_at && l->out_room - l->out_len < len) {
		memmove(l->out, l->out + l->out_at, left);
		l->out_at = 0;
		l->out_len = left;
	}
	while (room - l->out_len < len)
		room *= 2;
	if (room != l->out_room) {
		grown = realloc(l->out, room);
		if (!grown)
			return NULL;
		l->out = grown;
		l->out_room = room;
	}
	return l->out + l->out_len;
}

void tcp_link_seal(const struct tcp_link *l, uint8_t *pdu, size_t len)
{
	const struct tcp_ch *ch = (const struct tcp_ch *)pdu;
	unsigned hlen = tcp_header_len(ch->type);

	if (!tcp_takes_digest(ch->type))
		return;
	if (l->rules.ddgst && ch->flags & TCP_F_DDGST && len >= ch->pdo + TCP_DIGEST)
		le32_put(pdu + len - TCP_DIGEST,
			 crc32c(0, pdu + ch->pdo, len - ch->pdo - TCP_DIGEST));
	if (l->rules.hdgst && len >= hlen + TCP_DIGEST)
		le32_put(pdu + hlen, crc32c(0, pdu, hlen));
}

/* Header, digest, padding, data, digest: how long it becomes. */
static size_t lay_out(const struct tcp_link *l, struct tcp_ch *ch, size_t len)
{
	bool digests = tcp_takes_digest(ch->type);
	size_t at;

	ch->hlen = (uint8_t)tcp_header_len(ch->type);
	ch->flags &= (uint8_t) ~(TCP_F_HDGST | TCP_F_DDGST);
	if (digests && l->rules.hdgst)
		ch->flags |= TCP_F_HDGST;
	at = ch->hlen + (digests && l->rules.hdgst ? TCP_DIGEST : 0);
	ch->pdo = 0;
	if (len && digests) {
		at = tcp_data_offset(ch->hlen, l->rules.hdgst, l->send_align);
		ch->pdo = (uint8_t)at;
	}
	at += len;
	if (len && digests && l->rules.ddgst) {
		ch->flags |= TCP_F_DDGST;
		at += TCP_DIGEST;
	}
	ch->plen = le32_from((uint32_t)at);
	return at;
}

size_t tcp_link_build(const struct tcp_link *l, union tcp_header *h, const void *data, size_t len,
		      uint8_t *to)
{
	size_t total = lay_out(l, &h->ch, len), at = h->ch.pdo ? h->ch.pdo : h->ch.hlen;

	memcpy(to, h, h->ch.hlen);
	memset(to + h->ch.hlen, 0, at - h->ch.hlen);
	if (len)
		memcpy(to + at, data, len);
	tcp_link_seal(l, to, total);
	return total;
}

int tcp_link_put(struct tcp_link *l, union tcp_header *h, const void *data, size_t len)
{
	uint8_t *to = reserve(l, TCP_HEADER_MAX + TCP_ALIGN_MAX + len + 2 * TCP_DIGEST);

	if (!to)
		return -ENOMEM;
	l->out_len += tcp_link_build(l, h, data, len, to);
	return 0;
}

int tcp_link_put_bytes(struct tcp_link *l, const void *bytes, size_t len)
{
	uint8_t *to = reserve(l, len);

	if (!to)
		return -ENOMEM;
	memcpy(to, bytes, len);
	l->out_len += len;
	return 0;
}

int tcp_link_put_term(struct tcp_link *l, bool with_header)
{
	union tcp_header h = { .term.fes = le16_from((uint16_t)l->wrong.fes) };
	unsigned n = tcp_header_len(l->head.ch.type);

	h.ch.type = l->rules.controller ? TCP_C2H_TERM : TCP_H2C_TERM;
	le32_put(h.term.fei, l->wrong.fei);
	if (!with_header)
		return tcp_link_put(l, &h, NULL, 0);
	return tcp_link_put(l, &h, &l->head, n ? n : sizeof(l->head.ch));
}

int tcp_link_flush(struct tcp_link *l)
{
	while (l->out_at < l->out_len) {
		ssize_t n = send(l->fd, l->out + l->out_at, l->out_len - l->out_at, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EAGAIN ? 0 : -errno;
		l->out_at += (size_t)n;
	}
	l->out_at = l->out_len = 0;
	return 0;
}

size_t tcp_link_pending(const struct tcp_link *l)
{
	return l->out_len - l->out_at;
}
