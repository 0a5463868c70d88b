// SPDX-License-Identifier: GPL-2.0-or-later
/* fabrics: PDUs, right and wrong, and their digests. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "wire.h"

#define FIELD	 WIRE_FES(TCP_FES_FIELD)
#define SEQUENCE WIRE_FES(TCP_FES_SEQUENCE)
#define RANGE	 WIRE_FES(TCP_FES_RANGE)
#define LIMIT	 WIRE_FES(TCP_FES_LIMIT)
#define PARAM	 WIRE_FES(TCP_FES_PARAMETER)
#define DATA_LEN 32768u /* more than goes into a capsule, mostly */

/* ---- icresp ---- */

static void icresp(struct rig *r)
{
	struct wire *w = wire_dial(r);
	uint32_t most;

	wire_greet(w, 0);
	most = le32_get(w->said.maxh2cdata);
	CHECK_EQ(r, "PFV", le16_get(w->said.pfv), 0);
	CHECK_LT(r, "CPDA", w->said.cpda, TCP_ALIGN_MAX / 4);
	CHECK_EQ(r, "digests that nobody asked for", w->said.dgst, 0);
	CHECK_EQ(r, "MAXH2CDATA modulo 4", most % 4, 0);
	ADVISE_TRUE(r, most >= 4096, "MAXH2CDATA is 4096 or more: %u", most);
}

/* ---- split ---- */

/* The bytes of a capsule in as many segments as there are: a stream has no borders. */
static void split(struct rig *r)
{
	struct wire *w = wire_admin(r, 0, false);
	union tcp_header h = wire_command(w, fabrics_property_get(REG_VS, 32));
	uint8_t bytes[TCP_HEADER_MAX];
	size_t n = tcp_link_build(&w->link, &h, NULL, 0, bytes);
	struct tcp_pdu pdu;
	struct cqe e;

	for (size_t i = 0; i < n; i++) {
		wire_raw(w, bytes + i, 1);
		if (i + 1 < n && i % 16 == 0)
			CHECK_EQ(r, "PDUs before the last byte", wire_next(w, &pdu, NS_PER_MS), 0);
	}
	e = wire_response(w);
	CHECK_WIRE(r, "status", &e, SC_SUCCESS);
}

/* ---- pdu-fuzz ---- */

/* What a host says that is wrong: a legal PDU, bent. Sent on an admin queue, or before ICReq. */
struct bent {
	union tcp_header h;
	size_t len; /* bytes of it that are sent */
};

static void say_type(struct wire *w, struct bent *b)
{
	(void)w;
	b->h.ch.type = 0x0a;
}

static void say_type_theirs(struct wire *w, struct bent *b)
{
	(void)w;
	b->h.ch.type = TCP_RESP;
}

static void say_hlen(struct wire *w, struct bent *b)
{
	(void)w;
	b->h.ch.hlen = 64;
}

static void say_hlen_most(struct wire *w, struct bent *b)
{
	(void)w;
	b->h.ch.hlen = 255;
}

static void say_plen_short(struct wire *w, struct bent *b)
{
	(void)w;
	b->h.ch.plen = le32_from(71);
}

static void say_plen_most(struct wire *w, struct bent *b)
{
	(void)w;
	b->h.ch.plen = le32_from(0xfffffffc);
	b->h.ch.pdo = 72;
}

static void say_icreq(struct wire *w, struct bent *b)
{
	(void)w;
	b->h = (union tcp_header){ .icreq.ch = { TCP_ICREQ, 0, 128, 0, le32_from(128) } };
	b->len = 128;
}

static void say_icreq_pfv(struct wire *w, struct bent *b)
{
	say_icreq(w, b);
	b->h.icreq.pfv = le16_from(1);
}

static void say_icreq_hpda(struct wire *w, struct bent *b)
{
	say_icreq(w, b);
	b->h.icreq.hpda = 32;
}

static void say_data(struct wire *w, struct bent *b)
{
	(void)w;
	b->h = (union tcp_header){ .data = { { TCP_H2C_DATA, TCP_F_LAST, 24, 24, le32_from(28) },
					     .cccid = le16_from(0x4711),
					     .ttag = le16_from(0x4711),
					     .datal = le32_from(4) } };
	b->len = 28;
}

static void say_command(struct wire *w, struct bent *b)
{
	(void)w;
	(void)b;
}

static const struct fuzz_row {
	const char *name;
	bool early; /* before ICReq */
	void (*bend)(struct wire *w, struct bent *b);
	unsigned fes;
	int fei;
} fuzz_rows[] = {
	{ "type-reserved", false, say_type, FIELD | PARAM, TCP_AT_TYPE },
	{ "type-of-controller", false, say_type_theirs, FIELD | SEQUENCE, TCP_AT_TYPE },
	{ "hlen-short", false, say_hlen, FIELD, TCP_AT_HLEN },
	{ "hlen-255", false, say_hlen_most, FIELD, TCP_AT_HLEN },
	{ "plen-short", false, say_plen_short, FIELD, TCP_AT_PLEN },
	{ "plen-4-gib", false, say_plen_most, FIELD | LIMIT | RANGE, TCP_AT_PLEN },
	{ "icreq-again", false, say_icreq, SEQUENCE, WIRE_ANY_FEI },
	{ "data-unasked", false, say_data, FIELD | SEQUENCE, WIRE_ANY_FEI },
	{ "command-first", true, say_command, SEQUENCE, WIRE_ANY_FEI },
	{ "icreq-pfv", true, say_icreq_pfv, FIELD | PARAM, TCP_AT_PFV },
	{ "icreq-hpda", true, say_icreq_hpda, FIELD | PARAM, TCP_AT_PDA },
};

static void pdu_fuzz(struct rig *r)
{
	const struct fuzz_row *row = rig_row(r);
	struct wire *other = wire_admin(r, 0, false);
	struct wire *w = row->early ? wire_dial(r) : wire_admin(r, 0, false);
	struct bent b = { .h = wire_command(w, fabrics_property_get(REG_VS, 32)), .len = 72 };

	b.h.ch = (struct tcp_ch){ TCP_CMD, 0, 72, 0, le32_from(72) };
	row->bend(w, &b);
	wire_raw(w, &b.h, b.len);
	wire_check_fatal(w, row->fes, row->fei, &b.h);
	CHECK_NE(r, "VS of another host's controller afterwards", wire_property(other, REG_VS, 32),
		 0);
}

/* ---- data-bad: H2CData that do not fit their R2T ---- */

static void bend_ttag(struct tcp_data *d)
{
	d->ttag = le16_from((uint16_t)(le16_get(d->ttag) + 1));
}

static void bend_cccid(struct tcp_data *d)
{
	d->cccid = le16_from((uint16_t)(le16_get(d->cccid) + 1));
}

static void bend_beyond(struct tcp_data *d)
{
	d->datao = le32_from(le32_get(d->datao) + 4 * DATA_LEN);
}

static void bend_gap(struct tcp_data *d)
{
	d->datao = le32_from(le32_get(d->datao) + 4);
}

static const struct data_row {
	const char *name;
	void (*bend)(struct tcp_data *d);
	unsigned fes;
	int fei;
} data_rows[] = {
	{ "ttag", bend_ttag, FIELD, TCP_AT_TTAG },
	{ "cccid", bend_cccid, FIELD, TCP_AT_CCCID },
	{ "beyond", bend_beyond, RANGE | SEQUENCE, WIRE_ANY_FEI },
	{ "gap", bend_gap, SEQUENCE | RANGE, WIRE_ANY_FEI },
};

/* A Write with data in the host; what it writes is never there. */
static void ask_for_data(struct wire *w, const struct facts_ns *ns, struct tcp_r2t *ret)
{
	uint32_t blocks = wire_blocks(w->r, ns, 0, DATA_LEN);
	struct sqe e = { .opcode = nvme_cmd_write,
			 .nsid = le32_from(ns->nsid),
			 .cdw12 = le32_from(blocks - 1) };
	struct sgl_desc d = sgl_transport(blocks * ns->lba_bytes);
	union tcp_header h;
	struct tcp_pdu pdu;

	memcpy((uint8_t *)&e + 24, &d, sizeof(d));
	h = wire_command(w, e);
	wire_put(w, &h, NULL, 0);
	if (wire_next(w, &pdu, w->f.timeout_ns) != 1)
		rig_fail(w->r, "a command with data of its own is not answered");
	if (pdu.h->ch.type != TCP_R2T)
		rig_fail(w->r, "a Write whose data are in the host is not answered with R2T");
	*ret = pdu.h->r2t;
}

/* Data that would fit into the capsule are the host's to leave outside of it. */
static void data_small(struct rig *r)
{
	const struct facts_ns *ns = rig_ns(r);
	struct wire *w = wire_io(wire_admin(r, 0, true));
	uint8_t *data = rig_mem(r, ns->lba_bytes);
	struct sqe e = { .opcode = nvme_cmd_write, .nsid = le32_from(ns->nsid) };
	struct sgl_desc d = sgl_transport(ns->lba_bytes);
	union tcp_header h;
	struct cqe got;

	memcpy((uint8_t *)&e + 24, &d, sizeof(d));
	h = wire_command(w, e);
	wire_put(w, &h, NULL, 0);
	got = wire_response_to(w, data, ns->lba_bytes);
	CHECK_WIRE(r, "status of a Write of one block by R2T", &got, SC_SUCCESS);
}

/*
 * The text has an error for a TTAG that nobody knows, and for H2CData none for such a CCCID. What
 * it cannot be is success: most of the data are missing.
 */
static void check_other_command(struct wire *w)
{
	struct tcp_pdu pdu;
	int n = wire_next(w, &pdu, w->f.timeout_ns);
	bool completes = n == 1 && pdu.h->ch.type == TCP_RESP;

	ADVISE_TRUE(w->r, n == -ENODEV || (n == 1 && pdu.h->ch.type == TCP_C2H_TERM),
		    "H2CData with the CCCID of no command end the connection");
	CHECK_TRUE(w->r, n != -EPROTO, "what comes upon them is a legal PDU");
	CHECK_TRUE(w->r, !completes || wire_status(&pdu.h->resp.cqe),
		   "the Write, of whose data most are missing, does not succeed");
}

static void data_bad(struct rig *r)
{
	const struct data_row *row = rig_row(r);
	const struct facts_ns *ns = rig_ns(r);
	struct wire *w = wire_io(wire_admin(r, 0, true));
	union tcp_header h = { .ch.type = TCP_H2C_DATA };
	uint8_t data[512] = { 0 };
	struct tcp_r2t t;
	uint32_t n;

	ask_for_data(w, ns, &t);
	n = wire_piece(w, &t);
	n = n < sizeof(data) ? n : sizeof(data);
	h.data.cccid = t.cccid;
	h.data.ttag = t.ttag;
	h.data.datao = t.r2to;
	h.data.datal = le32_from(n);
	row->bend(&h.data);
	wire_put(w, &h, data, n);
	if (row->bend == bend_cccid)
		check_other_command(w);
	else
		wire_check_fatal(w, row->fes, row->fei, &h);
}

/* ---- digests ---- */

static void need_digests(struct wire *w, bool header, bool data)
{
	if ((header && !w->link.rules.hdgst) || (data && !w->link.rules.ddgst))
		rig_na(w->r, "the controller agrees to no such digest");
}

static void digest_both(struct rig *r)
{
	struct wire *w = wire_admin(r, TCP_HDGST_ON | TCP_DDGST_ON, true);
	struct sqe e = { .opcode = nvme_admin_identify, .cdw10 = le32_from(1) };
	uint8_t *page = rig_mem(r, 4096);
	struct cqe c;

	need_digests(w, true, true);
	c = wire_exec(w, e, page, 4096);
	CHECK_WIRE(r, "status of Identify with digests", &c, SC_SUCCESS);
}

static void digest_header(struct rig *r)
{
	struct wire *w = wire_admin(r, TCP_HDGST_ON, false);
	union tcp_header h = wire_command(w, fabrics_property_get(REG_VS, 32));
	uint8_t bytes[TCP_HEADER_MAX];
	size_t n;

	need_digests(w, true, false);
	n = tcp_link_build(&w->link, &h, NULL, 0, bytes);
	bytes[72] ^= 1;
	wire_raw(w, bytes, n);
	wire_check_fatal(w, WIRE_FES(TCP_FES_DIGEST), WIRE_ANY_FEI, bytes);
}

/* A Connect whose data went wrong on the way: it fails, and the connection is as good as before. */
static void digest_data(struct rig *r)
{
	struct wire *w = wire_dial(r);
	struct connect c = { .sqsize_z = WIRE_ENTRIES - 1 };
	struct connect_data d;
	struct sgl_desc s = sgl_in_capsule(0, sizeof(d));
	struct sqe e = fabrics_connect(&c);
	uint8_t *bytes = rig_mem(r, 2048);
	union tcp_header h;
	struct cqe got;
	size_t n;

	wire_greet(w, TCP_DDGST_ON);
	need_digests(w, false, true);
	d = wire_who(w, CNTLID_DYNAMIC);
	memcpy((uint8_t *)&e + 24, &s, sizeof(s));
	h = wire_command(w, e);
	n = tcp_link_build(&w->link, &h, &d, sizeof(d), bytes);
	bytes[n - 1] ^= 1;
	wire_raw(w, bytes, n);
	got = wire_response(w);
	CHECK_WIRE(r, "status of what came with a wrong data digest", &got, SC_TRANSIENT_TRANSPORT);
	got = wire_connect(w, &c, &d);
	CHECK_WIRE(r, "status of the same with the right one", &got, SC_SUCCESS);
}

static const struct digest_row {
	const char *name;
	void (*run)(struct rig *r);
} digest_rows[] = { { "both", digest_both },
		    { "header-wrong", digest_header },
		    { "data-wrong", digest_data } };

static void digests(struct rig *r)
{
	((const struct digest_row *)rig_row(r))->run(r);
}

static const struct rig_case cases[] = {
	{ .id = "icresp",
	  .rule = "ICResp has legal fields and no digest that the host did not ask for.",
	  .ref = WIRE_TCP "Initialize Connection Response PDU (ICResp)",
	  .needs = WIRE_NEEDS,
	  .fault = "tcp-icresp-digests tcp-icresp-cpda-large",
	  .shakes = true,
	  .run = icresp },
	{ .id = "split",
	  .rule = "A PDU that comes in single bytes is one PDU.",
	  .ref = WIRE_TCP "NVMe/TCP PDUs",
	  .needs = WIRE_NEEDS,
	  .fault = "tcp-pieces-refused",
	  .shakes = true,
	  .run = split },
	{ .id = "pdu-fuzz",
	  .rule = "A PDU that breaks the rules ends its connection, with C2HTermReq, and no other.",
	  .ref = WIRE_TCP
	  "Transport Error Handling; Controller to Host Terminate Connection Request "
	  "PDU (C2HTermReq)",
	  .needs = WIRE_NEEDS,
	  .fault = "tcp-type-skipped tcp-hlen-unread tcp-icreq-again tcp-fes-fixed tcp-fei-missing "
		   "tcp-term-empty tcp-pfv-unread tcp-fatal-reaches-others",
	  .shakes = true,
	  .run = pdu_fuzz,
	  ROWS(fuzz_rows) },
	{ .id = "data-bad",
	  .rule = "H2CData that do not belong to the R2T are a fatal error.",
	  .ref = WIRE_TCP "Host to Controller Command Data Buffer Transfers",
	  .needs = WIRE_NEEDS,
	  .harm = HARM_DATA,
	  .fault = "tcp-ttag-unread tcp-gap-accepted",
	  .shakes = true,
	  .run = data_bad,
	  ROWS(data_rows) },
	{ .id = "data-small",
	  .rule = "Data that would fit into a capsule, and are not in it, are asked for.",
	  .ref = WIRE_TCP "Command Data Buffers and SGLs; Host to Controller Command Data Buffer "
			  "Transfers",
	  .needs = WIRE_NEEDS,
	  .harm = HARM_DATA,
	  .fault = "tcp-small-r2t-lost",
	  .shakes = true,
	  .run = data_small },
	{ .id = "digests",
	  .rule = "A wrong header digest ends the connection; a wrong data digest fails its "
		  "command.",
	  .ref = WIRE_TCP "Digest Error handling",
	  .needs = WIRE_NEEDS,
	  .fault = "tcp-header-digest-unread tcp-data-digest-unread tcp-data-digest-fatal",
	  .shakes = true,
	  .run = digests,
	  ROWS(digest_rows) },
};

SUITE(fabrics_pdu_suite, CONFORMANCE, "fabrics", cases);
