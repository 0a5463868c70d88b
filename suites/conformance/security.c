// SPDX-License-Identifier: GPL-2.0-or-later
/* Security Receive: what protocols there are. Nothing is ever sent that could lock a drive. */
#include <string.h>

#include "kit/kit.h"

#define SECP_INFORMATION 0x00u
#define SECP_TCG	 0x01u
#define SECP_NVME	 0xeau
#define SECP_VENDOR	 0xf0u
#define ROOM		 4096u
#define LIST_HEADER	 8u
#define LEVEL0_HEADER	 48u
#define TPER		 0x0001u
#define SESSION_COMID	 0x7ffeu /* a ComID that nobody asked for: no session has it */
#define SECURITY_REF                                                                               \
	"Base 2.0 Security Receive command; Base 2.1 Security Receive command; "                   \
	"SPC-4 Security protocol information description"

static struct cmd receive(unsigned secp, unsigned spsp, uint32_t al)
{
	struct cmd c = cmd_raw(nvme_admin_security_recv, 0);

	c.sqe.cdw10 = le32_from((uint32_t)secp << 24 | (uint32_t)spsp << 8);
	c.sqe.cdw11 = le32_from(al);
	c.dir = CMD_IN;
	return c;
}

static unsigned be16(const uint8_t *p)
{
	return (unsigned)p[0] << 8 | p[1];
}

static uint32_t be32(const uint8_t *p)
{
	return (uint32_t)be16(p) << 16 | be16(p + 2);
}

static const char *na_security(const struct facts *f)
{
	return le16_get(f->id.oacs) & NVME_CTRL_OACS_SECURITY
		       ? NULL
		       : "OACS bit 0 is 0: no Security Receive";
}

/* What came, in a buffer of its own; bytes that nothing came to are as they were in `before`. */
struct answer {
	struct cpl cpl;
	struct buf *b;
	uint8_t *before;
};

static struct answer ask(struct rig *r, unsigned secp, unsigned spsp, uint32_t al)
{
	struct answer a = { .b = rig_buf(r, ROOM), .before = rig_mem(r, ROOM) };
	struct cmd c = receive(secp, spsp, al);

	memcpy(a.before, a.b->data, ROOM);
	rig_prp(r, &c, a.b, 0, al ? al : 4);
	a.cpl = rig_admin(r, c);
	return a;
}

/* ---- discovery ---- */

enum wrong { RIGHT, UNLISTED, BAD_SPSP };

static const struct discovery_row {
	const char *name;
	uint32_t al;
	enum wrong wrong;
	unsigned spsp;
} discoveries[] = {
	{ "al-0", 0, RIGHT, 0 },
	{ "al-1", 1, RIGHT, 0 },
	{ "al-7", 7, RIGHT, 0 },
	{ "al-8", 8, RIGHT, 0 },
	{ "al-9", 9, RIGHT, 0 },
	{ "al-512", 512, RIGHT, 0 },
	{ "al-4096", 4096, RIGHT, 0 },
	{ "protocol-unlisted", 512, UNLISTED, 0 },
	{ "specific-0003", 512, BAD_SPSP, 0x0003 },
	{ "specific-0100", 512, BAD_SPSP, 0x0100 },
	{ "specific-ffff", 512, BAD_SPSP, 0xffff },
};

/* The list of protocols: at most what a page holds. */
static const uint8_t *list_of(struct rig *r, unsigned *ret_n)
{
	struct answer a = ask(r, SECP_INFORMATION, 0, ROOM);
	unsigned n;

	REQUIRE_STATUS(r, a.cpl, SC_SUCCESS);
	n = be16(a.b->data + 6);
	CHECK_TRUE(r, n >= 1, "the list of security protocols has %u entries, at least 1", n);
	REQUIRE_TRUE(r, n <= ROOM - LIST_HEADER && n <= 256,
		     "the list of security protocols has %u entries, at most 256", n);
	*ret_n = n;
	return a.b->data;
}

static void check_list(struct rig *r, const uint8_t *list, unsigned n)
{
	CHECK_EQ(r, "first security protocol of the list", list[LIST_HEADER], SECP_INFORMATION);
	for (unsigned i = 1; i < n; i++)
		CHECK_GT(r, "security protocol (against the one before it)", list[LIST_HEADER + i],
			 list[LIST_HEADER + i - 1]);
}

static bool is_listed(const uint8_t *list, unsigned n, unsigned secp)
{
	return memchr(list + LIST_HEADER, (int)secp, n);
}

/* As much as AL says; what pads the answer beyond the list is zero. */
static void check_length(struct rig *r, const uint8_t *list, unsigned n, uint32_t al)
{
	struct answer a = ask(r, SECP_INFORMATION, 0, al);
	size_t whole = LIST_HEADER + n, sent = al < whole ? al : whole;

	CHECK_STATUS(r, a.cpl, SC_SUCCESS);
	CHECK_MEM(r, "the part of the list that AL asks for", a.b->data, list, sent);
	check_untouched(r, CHECK_SITE(0, 0), a.b, a.before, 0, al);
	ADVISE_TRUE(r, !memcmp(a.b->data + sent, a.before + sent, ROOM - sent),
		    "nothing is written behind the end of the list");
}

static void check_unlisted(struct rig *r, const uint8_t *list, unsigned n)
{
	static const uint8_t some[] = { 0x02, 0x07, 0x20, 0x41, 0x60, 0xe8, SECP_NVME, 0xee };
	unsigned asked = 0;

	for (unsigned i = 0; i < sizeof(some); i++) {
		if (is_listed(list, n, some[i]))
			continue;
		CHECK_STATUS(r, ask(r, some[i], 1, 512).cpl, SC_INVALID_FIELD);
		asked++;
	}
	if (!asked)
		rig_na(r, "every protocol that this case knows is supported");
}

static void security_discovery(struct rig *r)
{
	const struct discovery_row *row = rig_row(r);
	unsigned n;
	const uint8_t *list = list_of(r, &n);

	check_list(r, list, n);
	if (row->wrong == UNLISTED)
		check_unlisted(r, list, n);
	else if (row->wrong == BAD_SPSP)
		CHECK_STATUS(r, ask(r, SECP_INFORMATION, row->spsp, row->al).cpl, SC_INVALID_FIELD);
	else
		check_length(r, list, n, row->al);
}

/* ---- tcg-level0 ---- */

static const struct tcg_row {
	const char *name;
	bool session;
} tcg_rows[] = { { "discovery", false }, { "no-session", true } };

/* Descriptors one behind the other, from the header to the end that it tells. */
static void check_level0(struct rig *r, const uint8_t *d)
{
	uint32_t end = be32(d) + 4;
	size_t at = LEVEL0_HEADER;
	bool tper = false;

	REQUIRE_TRUE(r, end >= LEVEL0_HEADER && end <= ROOM,
		     "Level 0 Discovery is %u bytes long, from 48 to what the command has room for",
		     end);
	while (at + 4 <= end) {
		tper |= be16(d + at) == TPER;
		CHECK_TRUE(
			r, at + 4 + d[at + 3] <= end,
			"descriptor %04Xh of %u bytes at byte %zu ends in the %u bytes there are",
			be16(d + at), d[at + 3], at, end);
		at += 4u + d[at + 3];
	}
	CHECK_EQ(r, "end of the last descriptor", at, end);
	ADVISE_TRUE(r, tper, "a TPer descriptor is among them");
}

/* No answer, or one that has no payload: a ComPacket without outstanding data. */
static void check_no_session(struct rig *r)
{
	struct answer a = ask(r, SECP_TCG, SESSION_COMID, 512);
	bool empty = !memcmp(a.b->data, a.before, ROOM) || !be32(a.b->data + 16);

	if (a.cpl.status == SC_SUCCESS)
		CHECK_TRUE(r, empty, "what comes without a session has no payload");
	else
		ADVISE_STATUS(r, a.cpl, SC_SEQUENCE_ERROR, SC_INVALID_FIELD);
}

static void tcg_level0(struct rig *r)
{
	const struct tcg_row *row = rig_row(r);
	struct answer a;
	unsigned n;
	const uint8_t *list = list_of(r, &n);

	if (!is_listed(list, n, SECP_TCG))
		rig_na(r, "security protocol 01h is not supported");
	if (row->session) {
		check_no_session(r);
		return;
	}
	a = ask(r, SECP_TCG, 1, ROOM);
	REQUIRE_STATUS(r, a.cpl, SC_SUCCESS);
	check_level0(r, a.b->data);
}

static const struct rig_case cases[] = {
	{ .id = "discovery",
	  .rule = "Security Receive lists the protocols that are supported, as far as AL has room; "
		  "others, and reserved SP Specific values, are refused.",
	  .ref = SECURITY_REF,
	  .needs = NEED_QUEUES,
	  .fault = "security-al-ignored security-al-filled security-list-length-swapped "
		   "security-list-descends security-protocol-any security-spsp-any",
	  .na = na_security,
	  .run = security_discovery,
	  ROWS(discoveries) },
	{ .id = "tcg-level0",
	  .rule = "Level 0 Discovery is a header and descriptors that fit its length; without a "
		  "session nothing is received.",
	  .ref = "Base 2.0 Security Receive command, Generic Command Status Definition; "
		 "TCG Storage Architecture Core Specification 2.01 Level 0 Discovery",
	  .needs = NEED_CTRL,
	  .fault = "tcg-length-wrong tcg-descriptor-long tcg-ghost-session "
		   "security-list-length-swapped",
	  .na = na_security,
	  .run = tcg_level0,
	  ROWS(tcg_rows) },
};

SUITE(security_suite, CONFORMANCE, "security", cases);
