// SPDX-License-Identifier: GPL-2.0-or-later
#include "tcp/pdu.h"

#include <errno.h>
#include <stdio.h>

#include "base/cleanup.h"

static const struct kind {
	const char *name;
	uint8_t hlen;
	bool from_host, digest, data;
} kinds[] = {
	[TCP_ICREQ] = { "ICReq", 128, true, false, false },
	[TCP_ICRESP] = { "ICResp", 128, false, false, false },
	[TCP_H2C_TERM] = { "H2CTermReq", 24, true, false, true },
	[TCP_C2H_TERM] = { "C2HTermReq", 24, false, false, true },
	[TCP_CMD] = { "CapsuleCmd", 72, true, true, true },
	[TCP_RESP] = { "CapsuleResp", 24, false, true, false },
	[TCP_H2C_DATA] = { "H2CData", 24, true, true, true },
	[TCP_C2H_DATA] = { "C2HData", 24, false, true, true },
	[TCP_R2T] = { "R2T", 24, false, true, false },
};

static const struct kind *kind_of(unsigned type)
{
	return type < ARRAY_SIZE(kinds) && kinds[type].hlen ? &kinds[type] : NULL;
}

const char *tcp_type_name(unsigned type, char buf[16])
{
	const struct kind *k = kind_of(type);

	if (k)
		return k->name;
	snprintf(buf, 16, "type %Xh", type & 0xff);
	return buf;
}

const char *tcp_fes_name(unsigned fes, bool from_controller)
{
	static const char *const names[] = {
		[TCP_FES_FIELD] = "Invalid PDU Header Field",
		[TCP_FES_SEQUENCE] = "PDU Sequence Error",
		[TCP_FES_DIGEST] = "Header Digest Error",
		[TCP_FES_RANGE] = "Data Transfer Out of Range",
		[TCP_FES_LIMIT] = "R2T Limit Exceeded",
		[TCP_FES_PARAMETER] = "Unsupported Parameter",
	};

	if (fes == TCP_FES_LIMIT && from_controller)
		return "Data Transfer Limit Exceeded";
	return fes < ARRAY_SIZE(names) && names[fes] ? names[fes] : "reserved";
}

unsigned tcp_header_len(unsigned type)
{
	return kind_of(type) ? kind_of(type)->hlen : 0;
}

bool tcp_from_host(unsigned type)
{
	return kind_of(type) && kind_of(type)->from_host;
}

bool tcp_takes_digest(unsigned type)
{
	return kind_of(type) && kind_of(type)->digest;
}

bool tcp_takes_data(unsigned type)
{
	return kind_of(type) && kind_of(type)->data;
}

unsigned tcp_data_offset(unsigned hlen, bool hdgst, unsigned align)
{
	unsigned at = hlen + (hdgst ? TCP_DIGEST : 0);

	return align ? (at + align - 1) / align * align : at;
}

static int wrong(struct tcp_wrong *ret, enum tcp_fes fes, uint32_t fei)
{
	*ret = (struct tcp_wrong){ fes, fei };
	return -EPROTO;
}

static bool is_term(unsigned type)
{
	return type == TCP_H2C_TERM || type == TCP_C2H_TERM;
}

static bool is_greeting(unsigned type)
{
	return type == TCP_ICREQ || type == TCP_ICRESP;
}

static unsigned head_len(const struct tcp_ch *ch, const struct tcp_rules *r)
{
	return tcp_header_len(ch->type) + (r->hdgst && tcp_takes_digest(ch->type) ? TCP_DIGEST : 0);
}

/* A command capsule has data when it is longer than its header. */
static bool has_data(const struct tcp_ch *ch, const struct tcp_rules *r)
{
	if (!tcp_takes_data(ch->type) || is_term(ch->type))
		return false;
	return ch->type != TCP_CMD || le32_get(ch->plen) > head_len(ch, r);
}

static unsigned tail_len(const struct tcp_ch *ch, const struct tcp_rules *r)
{
	return r->ddgst && has_data(ch, r) ? TCP_DIGEST : 0;
}

static unsigned data_begin(const struct tcp_ch *ch, const struct tcp_rules *r)
{
	return has_data(ch, r) ? ch->pdo : head_len(ch, r);
}

size_t tcp_data_len(const struct tcp_ch *ch, const struct tcp_rules *r)
{
	return le32_get(ch->plen) - data_begin(ch, r) - tail_len(ch, r);
}

/* The flags tell of the digests what was agreed on. */
static bool flags_are_wrong(const struct tcp_ch *ch, const struct tcp_rules *r)
{
	if (!tcp_takes_digest(ch->type))
		return false;
	if (!(ch->flags & TCP_F_HDGST) == r->hdgst)
		return true;
	return has_data(ch, r) && !(ch->flags & TCP_F_DDGST) == r->ddgst;
}

static bool offset_is_wrong(const struct tcp_ch *ch, const struct tcp_rules *r)
{
	return has_data(ch, r) &&
	       (ch->pdo < head_len(ch, r) || ch->pdo % 4 || (r->align && ch->pdo % r->align));
}

/* DATA of a PDU that is for them is never empty. */
static bool length_is_wrong(const struct tcp_ch *ch, const struct tcp_rules *r)
{
	uint32_t plen = le32_get(ch->plen);

	if (!has_data(ch, r))
		return plen != head_len(ch, r);
	return plen > r->plen_max || plen <= (uint64_t)ch->pdo + tail_len(ch, r);
}

int tcp_ch_check(const struct tcp_ch *ch, const struct tcp_rules *r, unsigned *ret_len,
		 struct tcp_wrong *ret_wrong)
{
	const struct kind *k = kind_of(ch->type);
	uint32_t plen = le32_get(ch->plen);

	if (!k || k->from_host != r->controller)
		return wrong(ret_wrong, TCP_FES_FIELD, TCP_AT_TYPE);
	*ret_len = head_len(ch, r);
	if (is_term(ch->type))
		return plen < TCP_TERM_MIN || plen > TCP_TERM_MAX ? -ESHUTDOWN : 0;
	if (is_greeting(ch->type) == r->connected &&
	    !(is_greeting(ch->type) && r->lax & TCP_LAX_GREETING))
		return wrong(ret_wrong, TCP_FES_SEQUENCE, 0);
	if (flags_are_wrong(ch, r))
		return wrong(ret_wrong, TCP_FES_FIELD, TCP_AT_FLAGS);
	if (ch->hlen != k->hlen && !(r->lax & TCP_LAX_HLEN))
		return wrong(ret_wrong, TCP_FES_FIELD, TCP_AT_HLEN);
	if (offset_is_wrong(ch, r))
		return wrong(ret_wrong, TCP_FES_FIELD, TCP_AT_PDO);
	if (length_is_wrong(ch, r))
		return wrong(ret_wrong, TCP_FES_FIELD, TCP_AT_PLEN);
	return 0;
}

static int data_check(const union tcp_header *h, const struct tcp_rules *r,
		      struct tcp_wrong *ret_wrong)
{
	if (le32_get(h->data.datal) != tcp_data_len(&h->ch, r))
		return wrong(ret_wrong, TCP_FES_FIELD, TCP_AT_PLEN);
	if (le32_get(h->data.datao) % 4)
		return wrong(ret_wrong, TCP_FES_FIELD, TCP_AT_DATAO);
	if (le32_get(h->data.datal) % 4)
		return wrong(ret_wrong, TCP_FES_FIELD, TCP_AT_DATAL);
	if (h->ch.type == TCP_C2H_DATA &&
	    (h->ch.flags & (TCP_F_SUCCESS | TCP_F_LAST)) == TCP_F_SUCCESS)
		return wrong(ret_wrong, TCP_FES_FIELD, TCP_AT_FLAGS);
	return 0;
}

/* ICReq and ICResp have these fields at the same places. */
static int greeting_check(const union tcp_header *h, const struct tcp_rules *r,
			  struct tcp_wrong *ret_wrong)
{
	if (le16_get(h->icreq.pfv) && !(r->lax & TCP_LAX_PFV))
		return wrong(ret_wrong, TCP_FES_PARAMETER, TCP_AT_PFV);
	if (h->icreq.hpda >= TCP_ALIGN_MAX / 4)
		return wrong(ret_wrong, TCP_FES_FIELD, TCP_AT_PDA);
	return 0;
}

int tcp_header_check(const union tcp_header *h, const struct tcp_rules *r,
		     struct tcp_wrong *ret_wrong)
{
	switch (h->ch.type) {
	case TCP_H2C_DATA:
	case TCP_C2H_DATA:
		return data_check(h, r, ret_wrong);
	case TCP_ICREQ:
	case TCP_ICRESP:
		return greeting_check(h, r, ret_wrong);
	case TCP_R2T:
		if (le32_get(h->r2t.r2to) % 4)
			return wrong(ret_wrong, TCP_FES_FIELD, TCP_AT_DATAO);
		if (le32_get(h->r2t.r2tl) % 4 || !le32_get(h->r2t.r2tl))
			return wrong(ret_wrong, TCP_FES_FIELD, TCP_AT_DATAL);
		return 0;
	default:
		return 0;
	}
}
