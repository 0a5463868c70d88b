// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Security Send and Security Receive: discovery of protocols, and of a TCG device without a
 * function that locks anything. There are no sessions, so nothing can be sent.
 * Sources: Base 2.1 Security Receive command, Security Send command; SPC-4 Security protocol
 * information description; TCG Storage Architecture Core Specification 2.01 Level 0 Discovery.
 */
#include "model/core.h"

#define SECP_INFORMATION 0x00u
#define SECP_TCG	 0x01u
#define SPSP_LIST	 0x0000u
#define SPSP_CERTIFICATE 0x0001u
#define SPSP_LEVEL0	 0x0001u
#define COMID_FIRST	 0x0800u /* below: not for sessions */
#define LEVEL0_HEADER	 48u
#define TPER_CODE	 0x0001u
#define TPER_BYTES	 12u
#define TPER_SYNC	 0x01u

static unsigned secp(const struct mcmd *c)
{
	return mcmd_cdw10(c) >> 24;
}

static unsigned spsp(const struct mcmd *c)
{
	return mcmd_cdw10(c) >> 8 & 0xffff;
}

static void be16(uint8_t *to, unsigned v)
{
	to[0] = (uint8_t)(v >> 8);
	to[1] = (uint8_t)v;
}

/* Each returns the bytes there are. */

static size_t build_list(struct model *m, uint8_t *page)
{
	static const uint8_t protocols[] = { SECP_INFORMATION, SECP_TCG };
	size_t n = sizeof(protocols);

	be16(page + 6, FAULT(m, SECURITY_LIST_LENGTH_SWAPPED) ? n << 8 : (unsigned)n);
	memcpy(page + 8, protocols, n);
	if (FAULT(m, SECURITY_LIST_DESCENDS)) {
		page[8] = SECP_TCG;
		page[9] = SECP_INFORMATION;
	}
	return 8 + n;
}

/* No certificate: its length is zero. */
static size_t build_certificate(struct model *m, uint8_t *page)
{
	(void)m;
	(void)page;
	return 4;
}

static size_t build_level0(struct model *m, uint8_t *page)
{
	uint8_t *tper = page + LEVEL0_HEADER;
	size_t len = LEVEL0_HEADER + 4 + TPER_BYTES;

	be16(page + 2, (unsigned)len - 4 + (FAULT(m, TCG_LENGTH_WRONG) ? 6 : 0));
	be16(page + 6, 1); /* revision 0.1 */
	be16(tper, TPER_CODE);
	tper[2] = 1 << 4;
	tper[3] = TPER_BYTES + (FAULT(m, TCG_DESCRIPTOR_LONG) ? 8 : 0);
	tper[4] = TPER_SYNC;
	return len;
}

static size_t build(struct mcmd *c, uint8_t *page)
{
	if (secp(c) == SECP_INFORMATION && spsp(c) == SPSP_LIST)
		return build_list(c->m, page);
	if (secp(c) == SECP_INFORMATION && spsp(c) == SPSP_CERTIFICATE)
		return build_certificate(c->m, page);
	if (secp(c) == SECP_TCG && spsp(c) == SPSP_LEVEL0)
		return build_level0(c->m, page);
	if (secp(c) == SECP_TCG && spsp(c) >= COMID_FIRST) {
		if (FAULT(c->m, TCG_GHOST_SESSION)) {
			memset(page, 0x5a, 64);
			return 64;
		}
		mcmd_fail(c, SC_SEQUENCE_ERROR, MCMD_AT(41, 0));
	} else if (!FAULT(c->m, SECURITY_SPSP_ANY) || secp(c) > SECP_TCG) {
		if (!FAULT(c->m, SECURITY_PROTOCOL_ANY) || secp(c) <= SECP_TCG)
			mcmd_fail(c, SC_INVALID_FIELD,
				  secp(c) > SECP_TCG ? MCMD_AT(43, 0) : MCMD_AT(41, 0));
	}
	return 0;
}

void admin_security_recv(struct mcmd *c)
{
	uint32_t al = le32_get(c->e.cdw11);
	uint8_t page[128] = { 0 };
	size_t n = build(c, page), room;

	if (c->status != SC_SUCCESS || mcmd_check_data(c, al))
		return;
	room = al;
	if (n > room && FAULT(c->m, SECURITY_AL_IGNORED))
		room = al = (uint32_t)n;
	if (n > room)
		n = room;
	if (room > n && FAULT(c->m, SECURITY_AL_FILLED))
		n = room < sizeof(page) ? room : sizeof(page);
	if (n)
		mcmd_to_host(c, page, 0, n, al);
}

void admin_security_send(struct mcmd *c)
{
	mcmd_fail(c, SC_INVALID_FIELD, secp(c) > SECP_TCG ? MCMD_AT(43, 0) : MCMD_AT(41, 0));
}
