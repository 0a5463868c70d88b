// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Zones and their states. Two kinds of zoned namespaces, by the size of a block: those of 4096
 * bytes are as the options say; in those of 512 the capacity is the size, as many zones may be
 * active as open, there is no Zone Descriptor Extension, and reads may cross zones.
 * Source: ZNS CS 1.1 Zone State Machine, Zone Resources.
 */
#include "model/zns.h"

#include <stdlib.h>

#include "model/core.h"

#define LBADS_OTHER 9u

static bool is_other(unsigned lbads)
{
	return lbads == LBADS_OTHER;
}

uint32_t zns_extension_bytes(const struct model_opt *o, unsigned lbads)
{
	return is_other(lbads) ? 0 : o->zdes * ZNS_EXTENSION;
}

uint64_t zns_capacity(const struct model_opt *o, unsigned lbads)
{
	return is_other(lbads) ? o->zsze : o->zcap;
}

uint64_t zns_blocks(const struct model_opt *o, uint64_t blocks)
{
	return blocks / o->zsze * o->zsze;
}

const char *zns_contradiction(const struct model_opt *o)
{
	if (!o->zns)
		return NULL;
	if (!o->iocss)
		return "zns is there, and iocss is 0: command sets that are not by profile are the "
		       "NVM Command Set alone";
	if (o->zcap > o->zsze)
		return "zcap is above zsze: a zone has no more capacity than it has blocks";
	if (o->mar && (!o->mor || o->mor > o->mar))
		return "mor is above mar: an open zone is an active one";
	if (o->zasl > o->mdts && o->mdts)
		return "zasl is above mdts";
	if ((o->ns_bytes >> 12) / o->zsze < ZNS_FEWEST)
		return "size has room for fewer than 8 zones of zsze blocks";
	return NULL;
}

static void zone_first(const struct model *m, struct zones *z, uint64_t i)
{
	struct zone *zone = &z->zone[i];

	zone->start = zone->wp = i * z->size;
	zone->state = NVME_ZNS_ZS_EMPTY;
	if (m->opt.zro && i == z->count / 2)
		zone->state = NVME_ZNS_ZS_READ_ONLY;
	if (m->opt.zoff && i == z->count / 2 + 1)
		zone->state = NVME_ZNS_ZS_OFFLINE;
}

struct zones *zns_new(const struct model *m, unsigned lbads, uint64_t blocks)
{
	uint64_t n = blocks / m->opt.zsze;
	struct zones *z = calloc(1, sizeof(*z) + n * sizeof(z->zone[0]));

	if (!z)
		return NULL;
	z->count = n;
	z->size = m->opt.zsze;
	z->capacity = zns_capacity(&m->opt, lbads);
	z->mor = m->opt.mor;
	z->mar = is_other(lbads) ? m->opt.mor : m->opt.mar;
	z->extension = zns_extension_bytes(&m->opt, lbads);
	z->read_across = is_other(lbads) || m->opt.ozcs;
	z->extensions = calloc(n, z->extension ? z->extension : 1);
	for (uint64_t i = 0; i < n; i++)
		zone_first(m, z, i);
	if (z->extensions)
		return z;
	free(z);
	return NULL;
}

void zns_free(struct zones *z)
{
	if (z)
		free(z->extensions);
	free(z);
}

/* ---- states ---- */

bool zone_is_open(const struct zone *zone)
{
	return zone->state == NVME_ZNS_ZS_IMPL_OPEN || zone->state == NVME_ZNS_ZS_EXPL_OPEN;
}

bool zone_is_active(const struct zone *zone)
{
	return zone_is_open(zone) || zone->state == NVME_ZNS_ZS_CLOSED;
}

struct zone *zone_of(struct zones *z, uint64_t lba)
{
	return &z->zone[lba / z->size];
}

uint8_t *zone_extension(struct zones *z, const struct zone *zone)
{
	return z->extensions + (size_t)(zone - z->zone) * z->extension;
}

static unsigned count_of(const struct zones *z, bool (*is)(const struct zone *zone))
{
	unsigned n = 0;

	for (uint64_t i = 0; i < z->count; i++)
		n += is(&z->zone[i]);
	return n;
}

/* The zone that was implicitly opened first; NULL: there is none. */
static struct zone *oldest_implicit(const struct zones *z)
{
	const struct zone *found = NULL;

	for (uint64_t i = 0; i < z->count; i++)
		if (z->zone[i].state == NVME_ZNS_ZS_IMPL_OPEN &&
		    (!found || z->zone[i].opened < found->opened))
			found = &z->zone[i];
	return (struct zone *)found;
}

uint16_t zone_no_room(struct mcmd *c, const struct zones *z, bool active, bool open)
{
	unsigned actives = count_of(z, zone_is_active), opens = count_of(z, zone_is_open);
	bool same = z->mar == z->mor;

	if (active && z->mar && actives >= z->mar && !FAULT(c->m, ZNS_MAR_UNCHECKED))
		return FAULT(c->m, ZNS_LIMIT_WRONG_STATUS) ? SC_ZONE_TOO_MANY_OPEN
							   : SC_ZONE_TOO_MANY_ACTIVE;
	if (open && z->mor && opens >= z->mor && !FAULT(c->m, ZNS_MOR_UNCHECKED) &&
	    !oldest_implicit(z))
		return same || FAULT(c->m, ZNS_LIMIT_WRONG_STATUS) ? SC_ZONE_TOO_MANY_ACTIVE
								   : SC_ZONE_TOO_MANY_OPEN;
	return SC_SUCCESS;
}

void zone_enter(struct model *m, struct zones *z, struct zone *zone, uint8_t state)
{
	bool opens = state == NVME_ZNS_ZS_IMPL_OPEN || state == NVME_ZNS_ZS_EXPL_OPEN;
	struct zone *oldest = oldest_implicit(z);

	if (opens && !zone_is_open(zone) && z->mor && count_of(z, zone_is_open) >= z->mor &&
	    oldest && !FAULT(m, ZNS_MOR_UNCHECKED))
		oldest->state = NVME_ZNS_ZS_CLOSED;
	zone->state = state;
	zone->opened = ++z->turn;
}

void zone_empty(struct model *m, struct media_ns *ns, struct zone *zone)
{
	struct zones *z = media_zones(ns);
	uint8_t kept = FAULT(m, ZNS_RESET_KEEPS_EXTENSION) ? NVME_ZNS_ZA_ZDEV : 0;

	zone->state = NVME_ZNS_ZS_EMPTY;
	if (!FAULT(m, ZNS_RESET_KEEPS_WP))
		zone->wp = zone->start;
	zone->attributes &= kept;
	if (!FAULT(m, ZNS_RESET_KEEPS_DATA))
		media_deallocate(m, ns, zone->start, z->size);
}

/* ---- resets ---- */

static void each_zone(struct model *m, void (*fn)(struct model *m, struct zone *zone))
{
	for (uint32_t nsid = 1; nsid <= media_highest(m); nsid++) {
		struct media_ns *ns = media_allocated(m, nsid);
		struct zones *z = ns ? media_zones(ns) : NULL;

		for (uint64_t i = 0; z && i < z->count; i++)
			fn(m, &z->zone[i]);
	}
}

static void initial(struct model *m, struct zone *zone)
{
	bool touched = zone->wp != zone->start || zone->attributes & NVME_ZNS_ZA_ZDEV;

	if (!zone_is_active(zone))
		return;
	if (FAULT(m, ZNS_CLOSED_FORGOTTEN)) {
		zone->wp = zone->start;
		touched = false;
	}
	if (touched)
		zone->state = NVME_ZNS_ZS_CLOSED;
	else if (!FAULT(m, ZNS_UNWRITTEN_STAYS_OPEN))
		zone->state = NVME_ZNS_ZS_EMPTY;
}

void zns_initial(struct model *m)
{
	if (!FAULT(m, ZNS_OPEN_SURVIVES))
		each_zone(m, initial);
}

/* A Controller Level Reset alone is nothing to the zones. */
void zns_reset(struct model *m, enum model_reset kind)
{
	bool controller = kind == MODEL_RESET_CC || kind == MODEL_RESET_FLR;

	if (kind == MODEL_POWER_OFF)
		zns_initial(m);
	if (controller && FAULT(m, ZNS_CONTROLLER_RESET_CLOSES))
		each_zone(m, initial);
}

void zns_protected(struct model *m, uint32_t nsid)
{
	struct media_ns *ns = media_ns(m, nsid);
	struct zones *z = ns ? media_zones(ns) : NULL;

	for (uint64_t i = 0; z && i < z->count && !FAULT(m, ZNS_PROTECTED_STAYS_ACTIVE); i++)
		if (zone_is_active(&z->zone[i]))
			z->zone[i].state = NVME_ZNS_ZS_FULL;
}

/* ---- which namespace ---- */

bool zns_is_zoned(const struct media_ns *ns)
{
	return media_shape(ns)->csi == CSI_ZNS;
}

struct media_ns *zns_find_ns(struct mcmd *c)
{
	struct media_ns *ns = nvm_find_ns(c);

	if (!ns || zns_is_zoned(ns))
		return ns;
	mcmd_fail(c, SC_INVALID_OPCODE, MCMD_AT(0, 0));
	return NULL;
}
