// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Zone Append: a Write whose place is the write pointer. Source: ZNS CS 1.1 Zone Append command,
 * I/O Command Set Specific Identify Controller data structure.
 */
#include "model/zns.h"

#define PAGE_BYTES 4096ull /* CAP.MPSMIN is 0 */

static void set_lba(struct mcmd *c, uint64_t lba)
{
	c->e.cdw10 = le32_from((uint32_t)lba);
	c->e.cdw11 = le32_from((uint32_t)(lba >> 32));
}

/* The write pointer; in a zone that has none, or none left, wherever the zone is. */
static uint64_t place(struct mcmd *c, struct media_ns *ns, const struct zone *zone, uint64_t n)
{
	if (zone->wp >= zone->start + media_zones(ns)->size)
		return zone->start;
	/* By fault: what is in flight beside it gets the same place. */
	if (FAULT(c->m, ZNS_APPENDS_MEET) && media_overlaps_last(c->m, ns, zone->start, n, false) &&
	    zone->wp >= zone->start + n)
		return zone->wp - n;
	return zone->wp;
}

static bool is_wrong(struct mcmd *c, const struct zones *z, uint64_t zslba, uint64_t bytes,
		     uint64_t blocks)
{
	uint64_t most = c->m->opt.zasl ? PAGE_BYTES << c->m->opt.zasl : UINT64_MAX;

	if (zslba >= blocks || (zslba % z->size && !FAULT(c->m, ZNS_APPEND_ANY_LBA)))
		mcmd_fail(c, SC_INVALID_FIELD, MCMD_AT(40, 0));
	else if (bytes > most && !FAULT(c->m, ZNS_APPEND_LIMIT_UNCHECKED))
		mcmd_fail(c, SC_INVALID_FIELD, MCMD_AT(48, 0));
	return c->status != SC_SUCCESS;
}

void zns_append(struct mcmd *c)
{
	struct media_ns *ns = zns_find_ns(c);
	uint64_t zslba = le32_get(c->e.cdw10) | (uint64_t)le32_get(c->e.cdw11) << 32;
	struct nvm_range r = { .ns = ns, .n = (le32_get(c->e.cdw12) & 0xffff) + 1ull };
	struct zones *z;

	if (!ns)
		return;
	z = media_zones(ns);
	if (is_wrong(c, z, zslba, r.n << media_lbads(ns), media_blocks(ns)))
		return;
	r.lba = place(c, ns, zone_of(z, zslba), r.n);
	if (!zns_may_write(c, &r))
		return;
	set_lba(c, r.lba);
	nvm_write(c);
	if (c->status)
		return;
	if (FAULT(c->m, ZNS_APPEND_TELLS_END))
		r.lba += r.n;
	c->dw0 = (uint32_t)r.lba;
	c->dw1 = (uint32_t)(r.lba >> 32);
}
