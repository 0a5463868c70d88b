// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * NVMe/TCP: hostile hosts on several connections with the served model; behind them an honest host
 * has to be served.
 *
 * Input: a byte that chooses the model, then records: a byte of kind and what belongs to it.
 */
#include <poll.h>
#include <sys/socket.h>
#include <time.h>

#include "base/clock.h"
#include "serve/tcp_serve.h"
#include "serve/tcp_target.h"
#include "tests/fuzz/fake.h"
#include "tests/fuzz/fuzz.h"

#define RECORDS_MAX 400u
#define PEERS	    4u
#define DATA_MAX    2048u
#define ROUNDS_MAX  64u
#define SESSIONS    64u

enum record {
	GREETING,
	CONNECT,
	ENABLE,
	COMMAND,
	DATA,	 /* as the last R2T asks for it, nearly */
	LYING,	 /* a PDU of any type, with fields of its own */
	BYTES,	 /* whatever they are */
	TIME,	 /* passes */
	PIECES,	 /* from now on the stream comes in pieces of so many bytes */
	ANOTHER, /* connection, or one more */
	RECORDS
};

static const char *const models[] = { "", "preset=minimal", "preset=zns", "preset=multi" };

static struct session {
	struct tserve *s;
	unsigned number[PEERS]; /* of the connection; 0: none */
	struct tcp_link link[PEERS];
	unsigned at; /* the peer that speaks */
	struct tcp_r2t asked;
	uint16_t cid, cntlid;
	uint64_t responses, errors;
} s;

static void tell(void *ctx, const struct serve_event *e)
{
	(void)ctx;
	MUST(e->reason);
}

/* ---- what the server says ---- */

static void heard(const union tcp_header *h)
{
	MUST(tcp_header_len(h->ch.type) && !tcp_from_host(h->ch.type));
	MUST(h->ch.hlen == tcp_header_len(h->ch.type));
	if (h->ch.type == TCP_R2T)
		s.asked = h->r2t;
	if (h->ch.type != TCP_RESP)
		return;
	s.responses++;
	s.errors += CQE_STATUS(le16_get(h->resp.cqe.status)) != 0;
	MUST(!(le16_get(h->resp.cqe.status) & CQE_PHASE));
}

/* Whatever is said is whole PDUs. */
static void sent(void *ctx, const uint8_t *bytes, size_t len)
{
	(void)ctx;
	while (len) {
		union tcp_header h = { .bytes = { 0 } };
		uint32_t plen = len < 8 ? 0 : le32_at(bytes + 4);

		MUST(plen >= tcp_header_len(bytes[0]) && plen >= 8 && plen <= len);
		memcpy(&h, bytes, tcp_header_len(bytes[0]));
		heard(&h);
		bytes += plen;
		len -= plen;
	}
}

/* ---- what the hosts say ---- */

static void put(union tcp_header *h, const void *data, size_t len)
{
	uint8_t bytes[TCP_ALIGN_MAX + TCP_HEADER_MAX + DATA_MAX + 2 * TCP_DIGEST];

	fake_put(bytes, tcp_link_build(&s.link[s.at], h, data, len, bytes));
}

static void put_greeting(unsigned dgst)
{
	union tcp_header h = { .icreq.dgst = (uint8_t)dgst };

	h.ch.type = TCP_ICREQ;
	put(&h, NULL, 0);
	tcp_link_agree(&s.link[s.at], dgst & TCP_HDGST_ON, dgst & TCP_DDGST_ON, 4);
}

/* SGL1 as it fits, unless bent. */
static void put_command(struct sqe e, const void *data, size_t in_capsule, uint32_t len, int id)
{
	struct sgl_desc d = in_capsule ? sgl_in_capsule(0, len) : sgl_transport(len);
	union tcp_header h;

	if (id >= 0)
		d.id = (uint8_t)id;
	memcpy((uint8_t *)&e + 24, &d, sizeof(d));
	e.flags |= 0x40;
	e.cid = le16_from(++s.cid);
	h = (union tcp_header){ .cmd.sqe = e };
	h.ch.type = TCP_CMD;
	put(&h, data, in_capsule);
}

static void put_connect(uint8_t bits, uint8_t qid)
{
	struct connect c = { .qid = qid,
			     .sqsize_z = bits & 1 ? 0 : 7,
			     .cattr = bits & 6 ? CATTR_NO_FLOW_CONTROL : 0,
			     .kato_ms = bits & 8 ? 100 : 0 };
	struct connect_data d = { .cntlid = le16_from(qid ? s.cntlid : CNTLID_DYNAMIC) };

	d.hostid[0] = bits >> 6;
	memcpy(d.subnqn, bits & 16 ? DISCOVERY_NQN : model_nqn,
	       bits & 16 ? sizeof(DISCOVERY_NQN) : strlen(model_nqn));
	memcpy(d.hostnqn, "nqn.a:b", 8);
	put_command(fabrics_connect(&c), &d, sizeof(d), sizeof(d), -1);
}

static void put_enable(void)
{
	put_command(fabrics_property_set(REG_CC, 32, CC_IOSQES(6) | CC_IOCQES(4) | CC_EN), NULL, 0,
		    0, -1);
}

static void command(struct input *in)
{
	static const uint8_t data[DATA_MAX];
	struct sqe e = { .opcode = take8(in) };
	uint8_t bits = take8(in);
	uint32_t len = (uint32_t)take_le(in, 2);
	size_t capsule = bits & 1 ? (bits & 2 ? len % DATA_MAX : 512) : 0;

	e.nsid = le32_from(take8(in));
	e.cdw10 = le32_from((uint32_t)take_le(in, bits & 4 ? 4 : 1));
	e.cdw11 = le32_from((uint32_t)take_le(in, bits & 8 ? 4 : 1));
	e.cdw12 = le32_from((uint32_t)take_le(in, bits & 16 ? 4 : 1));
	put_command(e, data, capsule, len, bits & 32 ? take8(in) : -1);
}

static void data(struct input *in)
{
	static const uint8_t zeroes[DATA_MAX];
	union tcp_header h = {
		.data = { .cccid = s.asked.cccid, .ttag = s.asked.ttag, .datao = s.asked.r2to }
	};
	uint8_t bits = take8(in);
	uint32_t n = le32_get(s.asked.r2tl);

	n = n < DATA_MAX ? n : DATA_MAX;
	h.ch.type = TCP_H2C_DATA;
	h.ch.flags = bits & 1 ? 0 : TCP_F_LAST;
	h.data.datal = le32_from(n);
	if (bits & 2)
		h.data.datao = le32_from(take8(in) * 4u);
	if (bits & 4)
		h.data.ttag = le16_from(take8(in));
	put(&h, zeroes, n);
	s.asked.r2to = le32_from(le32_get(s.asked.r2to) + n);
	s.asked.r2tl = le32_from(le32_get(s.asked.r2tl) - n);
}

static void lying(struct input *in)
{
	uint8_t bytes[TCP_HEADER_MAX + DATA_MAX] = { take8(in), take8(in), take8(in), take8(in) };
	size_t n = tcp_header_len(bytes[0]) ? tcp_header_len(bytes[0]) : 8, given;
	const uint8_t *rest;

	if (!bytes[2])
		bytes[2] = (uint8_t)n;
	le32_put(bytes + 4, (uint32_t)take_le(in, 4));
	rest = take(in, n - 8, &given);
	memcpy(bytes + 8, rest, given);
	fake_put(bytes, n);
}

/* ---- connections ---- */

static struct tconn *current(void)
{
	struct tconn *c = s.s->conns;

	while (c && c->number != s.number[s.at])
		c = c->next;
	return c;
}

static void come(void)
{
	struct tconn *c = tserve_seat(s.s, socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));

	MUST(c);
	s.number[s.at] = c->number;
	s.link[s.at] = (struct tcp_link){ .fd = -1, .send_align = 4 };
}

/* What has come is the current peer's alone. */
static void handle(void)
{
	for (unsigned i = 0; i < ROUNDS_MAX; i++) {
		struct pollfd *p = s.s->poll + 2;
		bool drained = fake_is_drained();

		for (const struct tconn *c = s.s->conns; c; c = c->next, p++)
			p->revents = c->number == s.number[s.at] ? POLLIN : 0;
		tserve_round(s.s);
		if (drained)
			return;
	}
}

static void pass_time(unsigned bits)
{
	struct timespec ts = { .tv_nsec = 1 << (bits % 29) };

	nanosleep(&ts, NULL);
}

static void put_record(struct input *in)
{
	const uint8_t *bytes;
	size_t n;

	switch ((enum record)(take8(in) % RECORDS)) {
	case GREETING:
		return put_greeting(take8(in) & 3);
	case CONNECT:
		n = take8(in);
		s.cntlid = 1;
		return put_connect((uint8_t)n, take8(in) & 3);
	case ENABLE:
		return put_enable();
	case COMMAND:
		return command(in);
	case DATA:
		return data(in);
	case LYING:
		return lying(in);
	case BYTES:
		bytes = take(in, take8(in), &n);
		return fake_put(bytes, n);
	case TIME:
		return pass_time(take8(in));
	case PIECES:
		return fake_chunk(take8(in));
	case ANOTHER:
	case RECORDS:
		s.at = take8(in) % PEERS;
	}
}

static const struct fake_ops ops = { .sent = sent };

static void begin(void)
{
	memset(s.number, 0, sizeof(s.number));
	memset(&s.asked, 0, sizeof(s.asked));
	s.at = 0;
	s.responses = s.errors = 0;
	fake_begin(&ops, NULL);
}

/* All hang up, and nothing of them stays. */
static void end(void)
{
	fake_hang_up();
	for (unsigned i = 0; i < ROUNDS_MAX && s.s->conns; i++) {
		s.number[0] = s.s->conns->number;
		s.at = 0;
		handle();
	}
	MUST(!s.s->conns && !s.s->assocs && !s.s->n_conns);
	fake_end();
}

static void hostile(struct input *in)
{
	begin();
	for (unsigned i = 0; i < RECORDS_MAX && in->left; i++) {
		if (!current())
			come();
		put_record(in);
		if (current())
			handle();
	}
	end();
}

static void honest(void)
{
	begin();
	come();
	put_greeting(TCP_HDGST_ON | TCP_DDGST_ON);
	put_connect(0, 0);
	put_command(fabrics_property_get(REG_VS, 32), NULL, 0, 0, -1);
	handle();
	MUST(s.responses == 2 && !s.errors);
	end();
}

/* Kept from session to session for a while, as a server's device is: see vu_server.c. */
static struct tserve *server_of(unsigned i)
{
	static struct tserve *kept[ARRAY_SIZE(models)];
	static unsigned sessions[ARRAY_SIZE(models)];
	struct serve_options o = { .model = models[i], .tcp = "127.0.0.1:0" };
	char error[256];

	if (sessions[i]++ % SESSIONS == 0) {
		tserve_close(kept[i]);
		MUST(!tserve_open(&kept[i], &o, error));
		kept[i]->tell = tell;
	}
	return kept[i];
}

int LLVMFuzzerTestOneInput(const uint8_t *data_in, size_t size)
{
	struct input in = { data_in, size };
	int fd;

	s.s = server_of(take8(&in) % ARRAY_SIZE(models));
	fd = lowest_fd();
	hostile(&in);
	MUST(lowest_fd() == fd);
	honest();
	MUST(lowest_fd() == fd);
	return 0;
}
