// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * NVMe/TCP: a hostile controller before our host, from ICReq on, with digests and I/O queues.
 *
 * Input: how the controller goes on when the input is used up, which address we open; then, as they
 * are needed, a byte that says how a PDU is answered with what belongs to it, and a byte that says
 * what the host does next.
 */
#include "base/clock.h"
#include "spec/wire.h"
#include "target/target.h"
#include "tcp/fabrics.h"
#include "tcp/link.h"
#include "tests/fuzz/fake.h"
#include "tests/fuzz/fuzz.h"

#define PDUS_MAX   100000u /* of one session: more is a loop */
#define OPS_MAX	   64u
#define PDU_MAX	   (4u << 20)
#define DATA_MAX   8192u
#define ENTRIES	   8u
#define QUEUE_PAGE 4096u

enum end { HANGS_UP, IS_SILENT, IS_GOOD };

static struct session {
	struct input in;
	enum end end;
	unsigned pdus;
	uint8_t *said; /* what the host said that is no whole PDU yet */
	size_t n;
	struct tcp_link link; /* rules of what we say, by tcp_link_build */
	uint64_t cc;
	struct sqe wants; /* of a command whose data we asked for */
} s;

static uint8_t next8(void)
{
	return take8(&s.in);
}

/* ---- PDUs, bent or not ---- */

enum answer {
	GOOD = 0, /* to 6 */
	BYTES = 7,
	REFUSAL,
	HANG_UP,
	SILENCE,
	BENT, /* good but for one byte */
	TWICE,
	PIECES,
	STRAY, /* a PDU of its own first */
	ANSWERS
};

static enum answer how;

static void put(union tcp_header *h, const void *data, size_t len)
{
	static uint8_t bytes[TCP_ALIGN_MAX + TCP_HEADER_MAX + DATA_MAX + 2 * TCP_DIGEST];
	size_t n = tcp_link_build(&s.link, h, data, len, bytes);

	if (how == BENT) {
		bytes[(next8() | next8() << 8) % n] ^= next8();
		if (next8() & 1)
			tcp_link_seal(&s.link, bytes, n);
	}
	fake_put(bytes, n);
	if (how == TWICE)
		fake_put(bytes, n);
}

static void put_response(uint16_t cid, uint16_t status, uint64_t dw)
{
	union tcp_header h = { .resp.cqe = { .dw0 = le32_from((uint32_t)dw),
					     .dw1 = le32_from((uint32_t)(dw >> 32)),
					     .cid = le16_from(cid),
					     .status = le16_from((uint16_t)(status << 1)) } };

	h.ch.type = TCP_RESP;
	put(&h, NULL, 0);
}

static void put_data(const struct sqe *e, uint32_t len)
{
	static uint8_t data[DATA_MAX];
	union tcp_header h = { .data.cccid = e->cid };
	uint8_t b = next8();

	h.ch.type = TCP_C2H_DATA;
	h.ch.flags = TCP_F_LAST | (b & 1 ? TCP_F_SUCCESS : 0);
	h.data.datao = le32_from(b >> 4 ? (b >> 4) * 4u : 0);
	h.data.datal = le32_from(len);
	memset(data, b, sizeof(data));
	put(&h, data, len);
	if (!(b & 1))
		put_response(le16_get(e->cid), 0, 0);
}

static void put_r2t(const struct sqe *e, uint32_t len)
{
	uint8_t b = next8();
	union tcp_header h = { .r2t = { .cccid = e->cid,
					.ttag = le16_from(b),
					.r2to = le32_from((b & 3) * 4u),
					.r2tl = le32_from(b & 4 ? len + b : len) } };

	h.ch.type = TCP_R2T;
	s.wants = *e;
	put(&h, NULL, 0);
}

static void put_stray(void)
{
	static const uint8_t types[] = { TCP_ICRESP, TCP_C2H_TERM, TCP_RESP, TCP_C2H_DATA,
					 TCP_R2T,    TCP_ICREQ,	   TCP_CMD,  0x0f };
	union tcp_header h = { .data = { .cccid = le16_from(next8()),
					 .ttag = le16_from(next8()),
					 .datao = le32_from(next8()),
					 .datal = le32_from(next8()) } };
	uint8_t data[256] = { 0 };
	size_t n = next8();

	h.ch.type = types[next8() % sizeof(types)];
	h.ch.flags = next8();
	put(&h, data, n);
}

/* ---- what the controller makes of what it hears ---- */

static uint64_t property(uint32_t off)
{
	switch (off) {
	case REG_CAP:
		return 127 | 1u << 16 | 2u << 24 | 1ull << 37;
	case REG_VS:
		return VS(2, 0, 0);
	case REG_CC:
		return s.cc;
	case REG_CSTS:
		return s.cc & CC_EN ? CSTS_RDY : 0;
	default:
		return 0;
	}
}

static void good_fabrics(const struct sqe *e)
{
	uint16_t cid = le16_get(e->cid);

	switch (sqe_fctype(e)) {
	case FC_PROPERTY_GET:
		return put_response(cid, 0, property(le32_get(e->cdw11)));
	case FC_PROPERTY_SET:
		if (le32_get(e->cdw11) == REG_CC)
			s.cc = le32_get(e->cdw12);
		return put_response(cid, 0, 0);
	default: /* Connect: CNTLID 1 */
		return put_response(cid, 0, 1);
	}
}

static void good_command(const struct sqe *e)
{
	struct sgl_desc d;
	uint32_t len;

	memcpy(&d, sqe_at(e, 24), sizeof(d));
	len = le32_get(d.len) < DATA_MAX ? le32_get(d.len) & ~3u : DATA_MAX;
	if (e->opcode == FABRICS_OPCODE)
		good_fabrics(e);
	else if (sqe_direction(e) == 2 && len)
		put_data(e, len);
	else if (sqe_direction(e) == 1 && len && d.id == SGL_ID_TRANSPORT)
		put_r2t(e, len);
	else
		put_response(le16_get(e->cid), 0, 0);
}

static void good_greeting(const struct tcp_icreq *q)
{
	union tcp_header h = { .icresp = { .cpda = next8() & 31,
					   .dgst = q->dgst,
					   .maxh2cdata = le32_from(4096u << (next8() & 3)) } };

	h.ch.type = TCP_ICRESP;
	tcp_link_agree(&s.link, false, false, 4);
	put(&h, NULL, 0);
	tcp_link_agree(&s.link, q->dgst & TCP_HDGST_ON, q->dgst & TCP_DDGST_ON, (q->hpda + 1u) * 4);
}

static void good(const union tcp_header *h)
{
	if (h->ch.type == TCP_ICREQ)
		good_greeting(&h->icreq);
	else if (h->ch.type == TCP_CMD)
		good_command(&h->cmd.sqe);
	else if (h->ch.type == TCP_H2C_DATA && h->ch.flags & TCP_F_LAST)
		put_response(le16_get(s.wants.cid), 0, 0);
}

static void put_bytes(void)
{
	size_t n;
	const uint8_t *bytes = take(&s.in, next8(), &n);

	fake_put(bytes, n);
}

static void answer(const union tcp_header *h)
{
	how = (enum answer)(next8() % ANSWERS);
	switch (how) {
	case BYTES:
		return put_bytes();
	case REFUSAL:
		return put_response(le16_get(h->cmd.sqe.cid), next8() | (next8() & 7) << 8,
				    next8());
	case HANG_UP:
		return fake_hang_up();
	case SILENCE:
		return;
	case PIECES:
		fake_chunk(next8());
		break;
	case STRAY:
		put_stray();
		break;
	default:
		break;
	}
	good(h);
}

static void at_the_end(const union tcp_header *h)
{
	how = GOOD;
	if (s.end == HANGS_UP)
		fake_hang_up();
	else if (s.end == IS_GOOD)
		good(h);
}

/* Whatever we are told, what we say is legal, and we do not go on for ever. */
static void heard(const uint8_t *pdu)
{
	union tcp_header h;

	memset(&h, 0, sizeof(h));
	memcpy(&h, pdu, tcp_header_len(pdu[0]));
	MUST(tcp_from_host(h.ch.type) && h.ch.hlen == tcp_header_len(h.ch.type));
	MUST(s.pdus++ < PDUS_MAX);
	if (h.ch.type == TCP_H2C_TERM)
		return;
	if (s.in.left)
		answer(&h);
	else
		at_the_end(&h);
}

static void sent(void *ctx, const uint8_t *bytes, size_t len)
{
	(void)ctx;
	MUST(len <= PDU_MAX - s.n);
	memcpy(s.said + s.n, bytes, len);
	s.n += len;
	for (;;) {
		uint32_t plen = s.n < 8 ? 8 : le32_at(s.said + 4);

		MUST(plen >= 8 && plen <= PDU_MAX);
		if (s.n < plen)
			return;
		heard(s.said);
		s.n -= plen;
		memmove(s.said, s.said + plen, s.n);
	}
}

/* ---- the host ---- */

/* Memory for queues and data, as one that uses the target has it. */
struct bench {
	struct target *t;
	struct dma sq[2], cq[2], data;
	uint32_t tail[2];
};

static void check(struct target *t, int err)
{
	MUST(memchr(t->error, 0, sizeof(t->error)));
	MUST(err >= 0 || t->error[0]);
}

static void enable(struct bench *b)
{
	struct target *t = b->t;

	check(t, t->ops->reg_write(t, REG_AQA, 32, (ENTRIES - 1) << 16 | (ENTRIES - 1)));
	check(t, t->ops->reg_write(t, REG_ASQ, 64, b->sq[0].iova));
	check(t, t->ops->reg_write(t, REG_ACQ, 64, b->cq[0].iova));
	check(t, t->ops->reg_write(t, REG_CC, 32, next8() & 7 ? CC_EN : 0));
	b->tail[0] = 0;
}

static void make_queue(struct bench *b)
{
	struct target_queue q = { 1, ENTRIES, b->sq[1].iova, b->cq[1].iova };
	struct target_queue_reply reply;

	check(b->t, b->t->ops->queue_make(b->t, &q, &reply));
	b->tail[1] = 0;
}

/* Of a case that writes what it likes: legal mostly. */
static void command(struct bench *b)
{
	uint8_t op = next8(), where = next8(), q = where & 1;
	struct sgl_desc d = { .addr = le64_from(b->data.iova + (where & 2 ? b->data.len : 0)),
			      .len = le32_from(((uint32_t)next8() + 1) * 64) };
	struct sqe e = { .opcode = op, .flags = 0x40, .cid = le16_from(next8()) };

	if (where & 4)
		d.id = next8();
	memcpy((uint8_t *)&e + 24, &d, sizeof(d));
	memcpy((struct sqe *)b->sq[q].va + b->tail[q], &e, sizeof(e));
	b->tail[q] = (b->tail[q] + 1) % ENTRIES;
	check(b->t, b->t->ops->reg_write(b->t, REG_DOORBELLS + 8u * q, 32, b->tail[q]));
}

static void access_property(struct bench *b, bool write)
{
	uint64_t off = next8(), v = next8();
	unsigned width = 16u << (off & 3);

	check(b->t, write ? b->t->ops->reg_write(b->t, off & ~3ull, width, v)
			  : b->t->ops->reg_read(b->t, off & ~3ull, width, &v));
}

static void operate(struct bench *b)
{
	struct target *t = b->t;
	uint8_t op = next8() % 9;

	switch (op) {
	case 0:
		return enable(b);
	case 1:
		return make_queue(b);
	case 2:
		return check(t, t->ops->queue_delete(t, 1));
	case 3:
		return check(t, t->ops->relax(t, 1ull << (next8() & 31)));
	case 4:
		return check(t, t->ops->reg_write(t, REG_DOORBELLS + 4u + 8u * (next8() & 1), 32,
						  next8() % ENTRIES));
	case 5:
	case 6:
		return access_property(b, op & 1);
	default:
		return command(b);
	}
}

static void map(struct bench *b, struct dma *d, size_t len)
{
	*d = (struct dma){ .len = len, .align = QUEUE_PAGE };
	MUST(!b->t->ops->dma_map(b->t, d));
}

static void use(void)
{
	static const char *const addresses[] = {
		"tcp:127.0.0.1:1/nqn.a:b?mem=2Mi,timeout=100",
		"tcp:127.0.0.1:1/nqn.a:b?mem=2Mi,timeout=100,digest=hdr,data",
		"tcp:127.0.0.1:1/nqn.a:b?mem=2Mi,timeout=100,clock=step",
		"tcp:127.0.0.1:1?mem=2Mi,timeout=100,flow=off,align=64",
	};
	char error[256] = "";
	struct bench b = { .t = NULL };
	int err = target_open(addresses[next8() & 3], &b.t, error);

	MUST(!err == (b.t != NULL) && (!err || error[0]) && memchr(error, 0, sizeof(error)));
	if (b.t) {
		map(&b, &b.data, DATA_MAX);
		for (unsigned i = 0; i < 2; i++) {
			map(&b, &b.sq[i], QUEUE_PAGE);
			map(&b, &b.cq[i], QUEUE_PAGE);
		}
	}
	for (unsigned i = 0; b.t && i < OPS_MAX && s.in.left; i++)
		operate(&b);
	target_close(b.t);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct fake_ops ops = { .sent = sent };
	int fd;

	if (!s.said)
		s.said = malloc(PDU_MAX);
	MUST(s.said);
	s.in = (struct input){ data, size };
	s.end = (enum end)(take8(&s.in) % 3);
	s.pdus = 0;
	s.n = 0;
	s.cc = 0;
	s.link = (struct tcp_link){ .fd = -1, .send_align = 4, .rules.controller = true };
	fd = lowest_fd();
	fake_begin(&ops, NULL);
	use();
	fake_end();
	MUST(lowest_fd() == fd);
	return 0;
}
