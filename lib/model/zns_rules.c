// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What commands of the NVM Command Set may do in a zone.
 * Source: ZNS CS 1.1 Sequential Write Required Zones, Dataset Management command.
 */
#include "model/zns.h"

#define FUSE_MASK 0x3u

static bool fail(struct mcmd *c, uint64_t lba, uint16_t status)
{
	c->error_lba = lba;
	mcmd_fail(c, status, MCMD_AT(40, 0));
	return false;
}

/* Faults that leave Read, Write and Append alone strike the others. */
static bool is_plain(const struct mcmd *c)
{
	return c->e.opcode == nvme_cmd_read || c->e.opcode == nvme_cmd_write ||
	       c->e.opcode == nvme_zns_cmd_append;
}

static bool crosses(const struct zones *z, const struct nvm_range *r)
{
	return r->lba / z->size != (r->lba + r->n - 1) / z->size;
}

/* The first Offline zone of the range; NULL: none. */
static const struct zone *offline(struct zones *z, const struct nvm_range *r)
{
	for (uint64_t i = r->lba / z->size; i <= (r->lba + r->n - 1) / z->size && i < z->count; i++)
		if (z->zone[i].state == NVME_ZNS_ZS_OFFLINE)
			return &z->zone[i];
	return NULL;
}

bool zns_may_read(struct mcmd *c, const struct nvm_range *r)
{
	struct zones *z = media_zones(r->ns);
	const struct zone *dead = z ? offline(z, r) : NULL;
	bool others = !is_plain(c);

	if (!z)
		return true;
	if (crosses(z, r) && !z->read_across && !FAULT(c->m, ZNS_READ_CROSSES) &&
	    !(others && FAULT(c->m, ZNS_OTHERS_CROSS)))
		return fail(c, r->lba, SC_ZONE_BOUNDARY);
	if (FAULT(c->m, ZNS_UNWRITTEN_UNREADABLE) && zone_is_active(zone_of(z, r->lba)) &&
	    r->lba + r->n > zone_of(z, r->lba)->wp)
		return fail(c, r->lba, SC_LBA_OUT_OF_RANGE);
	if (dead && !FAULT(c->m, ZNS_OFFLINE_READABLE) &&
	    !(others && FAULT(c->m, ZNS_OFFLINE_OTHERS_READ)))
		return fail(c, dead->start, SC_ZONE_OFFLINE);
	return true;
}

bool zns_may_deallocate(struct mcmd *c, const struct nvm_range *r)
{
	struct zones *z = media_zones(r->ns);
	const struct zone *dead = z && r->n ? offline(z, r) : NULL;

	if (z && r->n && FAULT(c->m, ZNS_DEALLOCATE_MOVES) && zone_of(z, r->lba)->start == r->lba)
		zone_of(z, r->lba)->wp = r->lba;
	return !dead || FAULT(c->m, ZNS_OFFLINE_DEALLOCATES) ||
	       fail(c, dead->start, SC_ZONE_OFFLINE);
}

/* States that take no write at all. */
static uint16_t refused_by_state(struct mcmd *c, const struct zone *zone)
{
	switch (zone->state) {
	case NVME_ZNS_ZS_FULL:
		return FAULT(c->m, ZNS_FULL_WRITABLE)	    ? SC_SUCCESS
		       : FAULT(c->m, ZNS_FULL_WRONG_STATUS) ? SC_ZONE_INVALID_WRITE
							    : SC_ZONE_FULL;
	case NVME_ZNS_ZS_READ_ONLY:
		return FAULT(c->m, ZNS_READ_ONLY_WRITABLE) ? SC_SUCCESS : SC_ZONE_READ_ONLY;
	case NVME_ZNS_ZS_OFFLINE:
		return FAULT(c->m, ZNS_OFFLINE_WRITABLE) ? SC_SUCCESS : SC_ZONE_OFFLINE;
	default:
		return SC_SUCCESS;
	}
}

static uint16_t refused_by_place(struct mcmd *c, const struct zones *z, const struct zone *zone,
				 const struct nvm_range *r)
{
	bool others = !is_plain(c), valid = zone->state != NVME_ZNS_ZS_FULL;
	uint64_t end = zone->start + (FAULT(c->m, ZNS_PAST_CAPACITY) ? z->size : z->capacity);

	if (valid && r->lba != zone->wp && !FAULT(c->m, ZNS_WRITE_ANYWHERE) &&
	    !(others && FAULT(c->m, ZNS_OTHERS_WRITE_ANYWHERE)))
		return SC_ZONE_INVALID_WRITE;
	if (r->lba + r->n > end && !FAULT(c->m, ZNS_WRITE_CROSSES))
		return SC_ZONE_BOUNDARY;
	return SC_SUCCESS;
}

bool zns_may_write(struct mcmd *c, const struct nvm_range *r)
{
	struct zones *z = media_zones(r->ns);
	const struct zone *zone = z ? zone_of(z, r->lba) : NULL;
	uint16_t status;

	if (!z)
		return true;
	status = refused_by_state(c, zone);
	if (!status)
		status = refused_by_place(c, z, zone, r);
	if (!status && !zone_is_open(zone))
		status = zone_no_room(c, z, !zone_is_active(zone), true);
	if (status && FAULT(c->m, ZNS_FAILED_WRITE_MOVES) && zone_is_active(zone))
		zone_of(z, r->lba)->wp++;
	return !status || fail(c, r->lba, status);
}

void zns_wrote(struct mcmd *c, const struct nvm_range *r)
{
	struct zones *z = media_zones(r->ns);
	struct zone *zone = z ? zone_of(z, r->lba) : NULL;

	if (!z || zone->state == NVME_ZNS_ZS_FULL || zone->state >= NVME_ZNS_ZS_READ_ONLY)
		return;
	if (!zone_is_open(zone))
		zone_enter(c->m, z, zone,
			   FAULT(c->m, ZNS_WRITE_OPENS_EXPLICITLY) ? NVME_ZNS_ZS_EXPL_OPEN
								   : NVME_ZNS_ZS_IMPL_OPEN);
	zone->wp += r->n - (FAULT(c->m, ZNS_WP_SHORT) && r->n > 1);
	if (zone->wp < zone->start + z->capacity || FAULT(c->m, ZNS_NEVER_FULL))
		return;
	zone->state = NVME_ZNS_ZS_FULL;
	if (FAULT(c->m, ZNS_CAPACITY_LOST))
		media_zero(r->ns, zone->wp - 1, 1, true);
}

/* Its range is SLBA and NLB. */
static bool writes_range(const struct mcmd *c)
{
	switch (c->e.opcode) {
	case nvme_cmd_write:
	case nvme_cmd_write_uncor:
	case nvme_cmd_write_zeroes:
	case nvme_zns_cmd_append:
		return true;
	default:
		return false;
	}
}

bool zns_admits(struct mcmd *c, const struct nvm_range *r)
{
	return writes_range(c) ? zns_may_write(c, r) : zns_may_read(c, r);
}

void zns_after(struct mcmd *c)
{
	struct nvm_range r = {
		.ns = media_ns(c->m, c->nsid),
		.lba = le32_get(c->e.cdw10) | (uint64_t)le32_get(c->e.cdw11) << 32,
		.n = (le32_get(c->e.cdw12) & 0xffff) + 1ull,
	};

	if (c->status == SC_SUCCESS && r.ns && zns_is_zoned(r.ns) && writes_range(c))
		zns_wrote(c, &r);
}

bool zns_fused(struct mcmd *c)
{
	struct media_ns *ns = media_ns(c->m, c->nsid);

	if (!(c->e.flags & FUSE_MASK) || !ns || !zns_is_zoned(ns) || FAULT(c->m, ZNS_FUSED_RUNS))
		return false;
	mcmd_fail(c, SC_INVALID_FIELD, MCMD_AT(1, 0));
	return true;
}
