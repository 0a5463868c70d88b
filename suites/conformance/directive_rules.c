// SPDX-License-Identifier: GPL-2.0-or-later
/* Directive Receive and Directive Send: the Identify Directive, and Streams where there are any. */
#include <stdio.h>
#include <string.h>

#include "kit/kit.h"

#define IDENTIFY    NVME_DIRECTIVE_DTYPE_IDENTIFY
#define STREAMS	    NVME_DIRECTIVE_DTYPE_STREAMS
#define PARAMETERS  1u /* Directive Receive, both types */
#define GET_STATUS  2u
#define ALLOCATE    3u
#define ENABLE	    1u /* Directive Send */
#define RELEASE_ID  1u
#define RELEASE_ALL 2u
#define PERSISTENT  64u /* bytes into Return Parameters */
#define ROOM	    8192u
#define DIRECTIVE_REF                                                                              \
	"Base 2.0 Directives; Base 2.1 Directive Receive command, Directive Send command; "        \
	"Base 2.2 Directives"

/* What a Directive command has in Dwords 11 and 12. */
struct order {
	uint8_t dtype, doper;
	uint16_t dspec;
	uint32_t cdw12;
};

static struct cmd order_cmd(uint8_t opcode, uint32_t nsid, struct order o)
{
	struct cmd c = cmd_raw(opcode, nsid);

	c.sqe.cdw11 = le32_from((uint32_t)o.dspec << 16 | (uint32_t)o.dtype << 8 | o.doper);
	c.sqe.cdw12 = le32_from(o.cdw12);
	return c;
}

static struct cmd receive(uint32_t nsid, struct order o, void *data, size_t len)
{
	struct cmd c = order_cmd(nvme_admin_directive_recv, nsid, o);

	c.sqe.cdw10 = le32_from(len ? (uint32_t)(len / 4) - 1 : 0);
	c.dir = CMD_IN;
	c.data = data;
	c.data_len = len;
	return c;
}

static struct cmd send(uint32_t nsid, struct order o)
{
	return order_cmd(nvme_admin_directive_send, nsid, o);
}

static uint32_t some_ns(struct rig *r)
{
	const struct facts *f = rig_facts(r);

	if (!f->n_ns)
		rig_na(r, "no active namespace");
	return f->has_scratch ? rig_ns(r)->nsid : f->ns[0].nsid;
}

static const char *na_directives(const struct facts *f)
{
	return le16_get(f->id.oacs) & NVME_CTRL_OACS_DIRECTIVES ? NULL
								: "OACS bit 5 is 0: no directives";
}

/*
 * The data structure in a buffer with room for more: `len` bytes of it, or all, are `want`, and
 * nothing else is written. want NULL: no look at what is there.
 */
static struct cpl ask_length(struct rig *r, uint32_t nsid, struct order o, size_t len,
			     const void *want, size_t whole)
{
	struct buf *b = rig_buf(r, len > ROOM ? len : ROOM);
	uint8_t *before = rig_mem(r, b->len);
	struct cmd c = receive(nsid, o, NULL, 0);
	size_t n = len < whole ? len : whole;
	struct cpl cpl;

	memcpy(before, b->data, b->len);
	c.sqe.cdw10 = le32_from((uint32_t)(len / 4) - 1);
	rig_prp(r, &c, b, 0, len);
	cpl = rig_admin(r, c);
	if (cpl.status != SC_SUCCESS)
		return cpl;
	if (want)
		CHECK_MEM(r, "the part of the data structure that NUMD asks for", b->data, want, n);
	check_untouched(r, CHECK_SITE(0, 0), b, before, 0, n);
	return cpl;
}

/* ---- identify ---- */

static const struct identify_row {
	const char *name;
	size_t len;
} identify_rows[] = {
	{ "4", 4 },	  { "32", 32 },	    { "36", 36 },     { "64", 64 },
	{ "96", 96 },	  { "100", 100 },   { "2048", 2048 }, { "4092", 4092 },
	{ "4096", 4096 }, { "4100", 4100 }, { "8192", 8192 },
};

static void check_parameters(struct rig *r, const uint8_t *p)
{
	CHECK_EQ(r, "Identify Directive supported", p[0] & 1, 1);
	CHECK_EQ(r, "Identify Directive enabled", p[32] & 1, 1);
	for (unsigned i = 0; i < 32; i++)
		CHECK_EQ(r, "directives enabled that are not supported", p[32 + i] & ~p[i], 0);
	if (rig_facts(r)->vs < VS(2, 0, 0))
		return; /* reserved bytes */
	CHECK_EQ(r, "Identify and Streams Directives that outlive resets", p[PERSISTENT] & 3, 0);
	for (unsigned i = 0; i < 32; i++)
		CHECK_EQ(r, "directives that outlive resets and are not supported",
			 p[PERSISTENT + i] & ~p[i], 0);
}

static void directive_identify(struct rig *r)
{
	const struct identify_row *row = rig_row(r);
	const struct order params = { .dtype = IDENTIFY, .doper = PARAMETERS };
	uint8_t *whole = rig_mem(r, 4096);
	uint32_t nsid = some_ns(r);

	REQUIRE_STATUS(r, rig_admin(r, receive(nsid, params, whole, 4096)), SC_SUCCESS);
	check_parameters(r, whole);
	CHECK_STATUS(r, ask_length(r, nsid, params, row->len, whole, 4096), SC_SUCCESS);
}

/* ---- refused ---- */

static const struct refused_row {
	const char *name;
	bool send, all;
	struct order o;
} refused_rows[] = {
	{ "receive-type-0e", false, false, { 0x0e, 1, 0, 0 } },
	{ "receive-type-10", false, false, { 0x10, 1, 0, 0 } },
	{ "receive-type-7f", false, false, { 0x7f, 1, 0, 0 } },
	{ "receive-type-ff", false, false, { 0xff, 1, 0, 0 } },
	{ "receive-data-placement", false, false, { 2, 1, 0, 0 } },
	{ "receive-operation-00", false, false, { IDENTIFY, 0, 0, 0 } },
	{ "receive-operation-02", false, false, { IDENTIFY, 2, 0, 0 } },
	{ "receive-operation-ff", false, false, { IDENTIFY, 0xff, 0, 0 } },
	{ "receive-all-namespaces", false, true, { IDENTIFY, PARAMETERS, 0, 0 } },
	{ "send-type-0e", true, false, { 0x0e, 1, 0, 0 } },
	{ "send-type-7f", true, false, { 0x7f, 1, 0, 0 } },
	{ "send-operation-00", true, false, { IDENTIFY, 0, 0, 0 } },
	{ "send-operation-02", true, false, { IDENTIFY, 2, 0, 0 } },
	{ "enable-identify", true, false, { IDENTIFY, ENABLE, 0, 1 } },
	{ "disable-identify", true, false, { IDENTIFY, ENABLE, 0, 0 } },
	{ "enable-type-0e", true, false, { IDENTIFY, ENABLE, 0, 0x0e01 } },
	{ "enable-type-7f", true, false, { IDENTIFY, ENABLE, 0, 0x7f01 } },
};

static void directive_refused(struct rig *r)
{
	const struct refused_row *row = rig_row(r);
	uint8_t *data = rig_mem(r, 4096), *before = rig_mem(r, 4096);
	uint32_t one = some_ns(r), nsid = row->all ? NSID_ALL : one;
	const struct order params = { .dtype = IDENTIFY, .doper = PARAMETERS };

	rig_admin_ok(r, receive(one, params, before, 4096));
	CHECK_STATUS(r,
		     row->send ? rig_admin(r, send(nsid, row->o))
			       : rig_admin(r, receive(nsid, row->o, data, 4096)),
		     SC_INVALID_FIELD);
	rig_admin_ok(r, receive(one, params, data, 4096));
	CHECK_MEM(r, "Return Parameters after what was refused", data, before, 4096);
}

/* ---- streams ---- */

struct streams {
	struct rig *r;
	uint32_t nsid;
	struct sq *q;
};

static void disable(void *arg)
{
	struct streams *s = arg;
	struct cmd c = send(s->nsid, (struct order){ IDENTIFY, ENABLE, 0, STREAMS << 8 });
	struct cpl cpl;

	ctrl_admin(rig_ctrl(s->r), &c, &cpl);
}

static bool is_enabled(struct streams *s)
{
	uint8_t *p = rig_mem(s->r, 4096);

	rig_admin_ok(s->r, receive(s->nsid, (struct order){ IDENTIFY, PARAMETERS, 0, 0 }, p, 4096));
	return p[32] >> STREAMS & 1;
}

static void enable(struct streams *s, bool on)
{
	struct order o = { IDENTIFY, ENABLE, 0, STREAMS << 8 | on };
	struct cpl cpl = rig_admin(s->r, send(s->nsid, o));

	if (cpl.status == SC_STREAM_ALLOCATION_FAILED)
		rig_na(s->r, "no stream resources are left to enable the Streams Directive with");
	REQUIRE_STATUS(s->r, cpl, SC_SUCCESS);
	CHECK_EQ(s->r, "Streams Directive enabled", is_enabled(s), on);
}

/* Streams, supported and disabled; whatever the case does to them is undone. */
static struct streams *streams_of(struct rig *r)
{
	struct streams *s = rig_mem(r, sizeof(*s));
	uint8_t *p = rig_mem(r, 4096);

	*s = (struct streams){ .r = r, .nsid = rig_ns(r)->nsid, .q = rig_queue(r) };
	rig_admin_ok(r, receive(s->nsid, (struct order){ IDENTIFY, PARAMETERS, 0, 0 }, p, 4096));
	if (!(p[0] >> STREAMS & 1))
		rig_na(r, "Directives Supported bit 1 is 0: no Streams Directive");
	if (p[32] >> STREAMS & 1)
		rig_na(r, "the Streams Directive is in use");
	rig_defer(r, disable, s);
	return s;
}

static struct nvme_streams_directive_params params_of(struct streams *s)
{
	struct nvme_streams_directive_params p;
	struct order o = { STREAMS, PARAMETERS, 0, 0 };

	CHECK_STATUS(s->r, rig_admin(s->r, receive(s->nsid, o, &p, sizeof(p))), SC_SUCCESS);
	return p;
}

#define IDS 16u

static const uint16_t *open_streams(struct streams *s)
{
	uint16_t *id = rig_mem(s->r, IDS * 2);
	__le16 *raw = rig_mem(s->r, IDS * 2);
	struct order o = { STREAMS, GET_STATUS, 0, 0 };

	CHECK_STATUS(s->r, rig_admin(s->r, receive(s->nsid, o, raw, IDS * 2)), SC_SUCCESS);
	for (unsigned i = 0; i < IDS; i++)
		id[i] = le16_get(raw[i]);
	return id;
}

static struct cpl stream_write(struct streams *s, uint8_t dtype, uint16_t id)
{
	const struct facts_ns *ns = rig_ns(s->r);
	uint8_t *data = rig_mem(s->r, ns->lba_bytes);
	struct cmd c;

	rig_stamp(data, id, 1, ns->lba_bytes, id);
	c = cmd_write(s->nsid, id, 1, data, ns->lba_bytes);
	c.sqe.cdw12 = le32_from(le32_get(c.sqe.cdw12) | (uint32_t)dtype << 20);
	c.sqe.cdw13 = le32_from((uint32_t)id << 16);
	return rig_io(s->r, s->q, c);
}

static void ask_disabled(struct streams *s)
{
	for (uint8_t doper = PARAMETERS; doper <= ALLOCATE; doper++) {
		struct cmd c = receive(s->nsid, (struct order){ STREAMS, doper, 0, 1 }, NULL, 0);
		uint8_t *data = rig_mem(s->r, 32);

		if (doper != ALLOCATE)
			c = receive(s->nsid, (struct order){ STREAMS, doper, 0, 0 }, data, 32);
		CHECK_STATUS(s->r, rig_admin(s->r, c), SC_INVALID_FIELD);
	}
	for (uint8_t doper = RELEASE_ID; doper <= RELEASE_ALL; doper++)
		CHECK_STATUS(s->r,
			     rig_admin(s->r, send(s->nsid, (struct order){ STREAMS, doper, 1, 0 })),
			     SC_INVALID_FIELD);
}

static void ask_parameters(struct streams *s)
{
	struct nvme_streams_directive_params p;
	const struct order o = { STREAMS, PARAMETERS, 0, 0 };

	enable(s, true);
	p = params_of(s);
	CHECK_LE(s->r, "NSSA (against MSL)", le16_get(p.nssa), le16_get(p.msl));
	CHECK_LE(s->r, "NSSO (against NSSA)", le16_get(p.nsso), le16_get(p.nssa));
	CHECK_EQ(s->r, "NSA of a namespace that nothing was allocated for", le16_get(p.nsa), 0);
	for (size_t len = 4; len <= 64; len += 20)
		CHECK_STATUS(s->r, ask_length(s->r, s->nsid, o, len, &p, sizeof(p)), SC_SUCCESS);
	CHECK_STATUS(s->r, ask_length(s->r, NSID_ALL, o, 4, &p, 4), SC_SUCCESS);
}

static void ask_operations(struct streams *s)
{
	uint8_t *data = rig_mem(s->r, 32);

	enable(s, true);
	for (unsigned doper = 0; doper < 256; doper += doper == 0 ? 4 : 251)
		CHECK_STATUS(
			s->r,
			rig_admin(s->r,
				  receive(s->nsid, (struct order){ STREAMS, (uint8_t)doper, 0, 0 },
					  data, 32)),
			SC_INVALID_FIELD);
	for (unsigned doper = 0; doper < 256; doper += doper == 0 ? 3 : 252)
		CHECK_STATUS(s->r,
			     rig_admin(s->r, send(s->nsid,
						  (struct order){ STREAMS, (uint8_t)doper, 0, 0 })),
			     SC_INVALID_FIELD);
}

static void ask_allocate(struct streams *s)
{
	const struct order allocate = { STREAMS, ALLOCATE, 0, 2 };
	const struct order release = { STREAMS, RELEASE_ALL, 0, 0 };
	struct nvme_streams_directive_params before, p;
	struct cpl cpl;

	enable(s, true);
	before = params_of(s);
	cpl = rig_admin(s->r, receive(s->nsid, allocate, NULL, 0));
	if (cpl.status == SC_STREAM_ALLOCATION_FAILED)
		rig_na(s->r, "no stream resources can be allocated");
	REQUIRE_STATUS(s->r, cpl, SC_SUCCESS);
	CHECK_LE(s->r, "streams allocated", cpl.dw0 & 0xffff, 2);
	p = params_of(s);
	CHECK_EQ(s->r, "NSA", le16_get(p.nsa), cpl.dw0 & 0xffff);
	CHECK_EQ(s->r, "NSSA", le16_get(p.nssa), le16_get(before.nssa) - (cpl.dw0 & 0xffff));
	if (cpl.dw0 & 0xffff)
		CHECK_STATUS(s->r, rig_admin(s->r, receive(s->nsid, allocate, NULL, 0)),
			     SC_INVALID_FIELD);
	for (unsigned i = 0; i < 2; i++) { /* with nothing allocated it does no harm */
		CHECK_STATUS(s->r, rig_admin(s->r, send(s->nsid, release)), SC_SUCCESS);
		p = params_of(s);
		CHECK_EQ(s->r, "NSA after the release", le16_get(p.nsa), 0);
		CHECK_EQ(s->r, "NSSA after the release", le16_get(p.nssa), le16_get(before.nssa));
	}
}

static void ask_open(struct streams *s)
{
	const uint16_t *id;
	struct order release = { STREAMS, RELEASE_ID, 9, 0 };

	enable(s, true);
	if (le16_get(params_of(s).nssa) < 2)
		rig_na(s->r, "fewer than two streams can be open");
	CHECK_STATUS(s->r, stream_write(s, STREAMS, 9), SC_SUCCESS);
	CHECK_STATUS(s->r, stream_write(s, STREAMS, 3), SC_SUCCESS);
	CHECK_STATUS(s->r, stream_write(s, STREAMS, 0), SC_SUCCESS); /* a plain Write */
	id = open_streams(s);
	CHECK_EQ(s->r, "streams open", id[0], 2);
	CHECK_EQ(s->r, "lowest open stream", id[1], 3);
	CHECK_EQ(s->r, "next open stream", id[2], 9);
	CHECK_EQ(s->r, "NSO", le16_get(params_of(s).nso), 2);
	CHECK_STATUS(s->r, rig_admin(s->r, send(s->nsid, release)), SC_SUCCESS);
	id = open_streams(s);
	CHECK_EQ(s->r, "streams open after the release of one", id[0], 1);
	CHECK_EQ(s->r, "the stream that is still open", id[1], 3);
	ADVISE_STATUS(s->r, rig_admin(s->r, send(s->nsid, release)), SC_SUCCESS);
	enable(s, false);
	enable(s, true);
	CHECK_EQ(s->r, "streams open after the directive was disabled", open_streams(s)[0], 0);
}

static void ask_reset(struct streams *s)
{
	enable(s, true);
	rig_reset(s->r);
	CHECK_EQ(s->r, "Streams Directive enabled after a Controller Reset", is_enabled(s), 0);
}

static void ask_io_type(struct streams *s)
{
	CHECK_STATUS(s->r, stream_write(s, 0x0e, 1), SC_SUCCESS); /* nothing enabled: ignored */
	enable(s, true);
	CHECK_STATUS(s->r, stream_write(s, 0x0e, 1), SC_INVALID_FIELD);
	CHECK_STATUS(s->r, stream_write(s, 0, 1), SC_SUCCESS);
}

static const struct streams_row {
	const char *name;
	void (*ask)(struct streams *s);
} streams_rows[] = {
	{ "disabled", ask_disabled },
	{ "parameters", ask_parameters },
	{ "operations", ask_operations },
	{ "allocate", ask_allocate },
	{ "open", ask_open },
	{ "reset", ask_reset },
	{ "io-type", ask_io_type },
};

static void directive_streams(struct rig *r)
{
	const struct streams_row *row = rig_row(r);

	row->ask(streams_of(r));
}

static const struct rig_case cases[] = {
	{ .id = "identify",
	  .rule = "Directive Receive gives the Identify Directive's parameters, as much of them as "
		  "NUMD asks for and never more; the Identify Directive is supported and enabled.",
	  .ref = DIRECTIVE_REF,
	  .needs = NEED_CTRL,
	  .fault = "directive-numd-ignored directive-long-filled directive-identify-hidden "
		   "directive-identify-disabled directive-identify-persists",
	  .na = na_directives,
	  .run = directive_identify,
	  ROWS(identify_rows) },
	{ .id = "refused",
	  .rule = "A directive type or operation that is reserved or not supported is refused, and "
		  "changes nothing.",
	  .ref = DIRECTIVE_REF,
	  .needs = NEED_COMMAND,
	  .harm = HARM_SETTINGS,
	  .fault = "directive-type-any directive-operation-any directive-identify-of-all",
	  .na = na_directives,
	  .run = directive_refused,
	  ROWS(refused_rows) },
	{ .id = "streams",
	  .rule = "Streams work where the directive is enabled, are accounted for, and end with "
		  "it.",
	  .ref = "Base 2.0 Streams (Directive Type 01h); Base 2.2 Streams (Directive Type 01h)",
	  .needs = NEED_CTRL,
	  .harm = HARM_DATA,
	  .fault = "directive-disabled-answers directive-numd-ignored directive-long-filled "
		   "directive-operation-any streams-nssa-constant stream-not-opened "
		   "stream-not-released directive-outlives-reset directive-io-type-any",
	  .na = na_directives,
	  .run = directive_streams,
	  ROWS(streams_rows) },
};

SUITE(directive_rules_suite, CONFORMANCE, "directive", cases);
