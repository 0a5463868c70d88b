// SPDX-License-Identifier: GPL-2.0-or-later
/* Zone Management Send. Source: ZNS CS 1.1 Zone Management Send command. */
#include "base/cleanup.h"
#include "model/zns.h"

#define SELECT_ALL (1u << 8)
#define AT_SLBA	   MCMD_AT(40, 0)
#define AT_ACTION  MCMD_AT(52, 0)
#define AT_ALL	   MCMD_AT(53, 0)
#define BIT(state) (1u << (state))
#define OPEN	   (BIT(NVME_ZNS_ZS_IMPL_OPEN) | BIT(NVME_ZNS_ZS_EXPL_OPEN))
#define ACTIVE	   (OPEN | BIT(NVME_ZNS_ZS_CLOSED))
#define EMPTY	   BIT(NVME_ZNS_ZS_EMPTY)
#define FULL	   BIT(NVME_ZNS_ZS_FULL)
#define READ_ONLY  BIT(NVME_ZNS_ZS_READ_ONLY)
#define OFFLINE	   BIT(NVME_ZNS_ZS_OFFLINE)

struct send {
	struct mcmd *c;
	struct media_ns *ns;
	struct zones *z;
};

/* An action: on which states it works, on which it has nothing to do, on which all-of-them works.
 */
static const struct action {
	uint8_t zsa, to;
	unsigned from, idle, all;
} actions[] = {
	{ NVME_ZNS_ZSA_CLOSE, NVME_ZNS_ZS_CLOSED, OPEN, BIT(NVME_ZNS_ZS_CLOSED), OPEN },
	{ NVME_ZNS_ZSA_FINISH, NVME_ZNS_ZS_FULL, EMPTY | ACTIVE, FULL, ACTIVE },
	{ NVME_ZNS_ZSA_OPEN, NVME_ZNS_ZS_EXPL_OPEN, EMPTY | ACTIVE, BIT(NVME_ZNS_ZS_EXPL_OPEN),
	  BIT(NVME_ZNS_ZS_CLOSED) },
	{ NVME_ZNS_ZSA_RESET, NVME_ZNS_ZS_EMPTY, ACTIVE | FULL, EMPTY, ACTIVE | FULL },
	{ NVME_ZNS_ZSA_OFFLINE, NVME_ZNS_ZS_OFFLINE, READ_ONLY, OFFLINE, READ_ONLY },
	{ NVME_ZNS_ZSA_SET_DESC_EXT, NVME_ZNS_ZS_CLOSED, EMPTY, 0, 0 },
};

static const struct action *action_of(const struct mcmd *c)
{
	uint8_t zsa = le32_get(c->e.cdw13) & 0xff;

	for (size_t i = 0; i < ARRAY_SIZE(actions); i++)
		if (actions[i].zsa == zsa)
			return &actions[i];
	return NULL;
}

/* What the faults let an action do that it may not, or keep it from. */
static uint16_t bent(const struct send *s, const struct action *a, const struct zone *zone,
		     uint16_t status)
{
	struct model *m = s->c->m;
	bool empty = zone->state == NVME_ZNS_ZS_EMPTY, full = zone->state == NVME_ZNS_ZS_FULL;

	if (empty && a->zsa == NVME_ZNS_ZSA_CLOSE && FAULT(m, ZNS_CLOSE_EMPTY_ACCEPTED))
		return SC_SUCCESS;
	if (empty && a->zsa == NVME_ZNS_ZSA_FINISH && FAULT(m, ZNS_FINISH_EMPTY_REFUSED))
		return SC_ZONE_TRANSITION;
	if (full && a->zsa == NVME_ZNS_ZSA_OPEN && FAULT(m, ZNS_OPEN_FULL_ACCEPTED))
		return SC_SUCCESS;
	if (a->idle & BIT(zone->state) && FAULT(m, ZNS_IDLE_ACTION_REFUSED))
		return SC_ZONE_TRANSITION;
	if (FAULT(m, ZNS_READ_ONLY_RESETS) && zone->state == NVME_ZNS_ZS_READ_ONLY &&
	    a->zsa == NVME_ZNS_ZSA_RESET)
		return SC_SUCCESS;
	if (FAULT(m, ZNS_OFFLINE_REFUSED) && zone->state == NVME_ZNS_ZS_READ_ONLY &&
	    a->zsa == NVME_ZNS_ZSA_OFFLINE)
		return SC_ZONE_TRANSITION;
	if (a->zsa == NVME_ZNS_ZSA_OFFLINE && FAULT(m, ZNS_OFFLINE_ANY_STATE))
		return SC_SUCCESS;
	if (FAULT(m, ZNS_REFUSED_CLOSES_ANOTHER) &&
	    (status == SC_ZONE_TOO_MANY_OPEN || status == SC_ZONE_TOO_MANY_ACTIVE)) {
		for (uint64_t i = 0; i < s->z->count; i++)
			if (zone_is_open(&s->z->zone[i])) {
				s->z->zone[i].state = NVME_ZNS_ZS_CLOSED;
				break;
			}
	}
	return status;
}

/* May the action be done to the zone? */
static uint16_t refusal(const struct send *s, const struct action *a, const struct zone *zone)
{
	bool empty = zone->state == NVME_ZNS_ZS_EMPTY;
	bool takes_open = a->to == NVME_ZNS_ZS_EXPL_OPEN && !zone_is_open(zone);
	bool takes_active =
		empty &&
		(a->to == NVME_ZNS_ZS_EXPL_OPEN || a->to == NVME_ZNS_ZS_CLOSED ||
		 (a->to == NVME_ZNS_ZS_FULL && FAULT(s->c->m, ZNS_FINISH_NEEDS_RESOURCES)));

	if (!((a->from | a->idle) & BIT(zone->state)))
		return SC_ZONE_TRANSITION;
	return takes_open || takes_active ? zone_no_room(s->c, s->z, takes_active, takes_open)
					  : SC_SUCCESS;
}

static void act(const struct send *s, const struct action *a, struct zone *zone)
{
	struct model *m = s->c->m;

	if (a->idle & BIT(zone->state))
		return;
	if (a->to == NVME_ZNS_ZS_EMPTY) {
		zone_empty(m, s->ns, zone);
		return;
	}
	zone_enter(m, s->z, zone,
		   FAULT(m, ZNS_CLOSE_OPENS) && a->zsa == NVME_ZNS_ZSA_CLOSE ? NVME_ZNS_ZS_EXPL_OPEN
									     : a->to);
	if (a->to == NVME_ZNS_ZS_OFFLINE)
		zone->attributes &= (uint8_t)~NVME_ZNS_ZA_ZDEV;
}

/* Open of every Closed zone needs room for all of them, or none is opened. */
static bool all_fit(const struct send *s, const struct action *a)
{
	unsigned opens = 0, closed = 0;

	for (uint64_t i = 0; i < s->z->count; i++) {
		opens += s->z->zone[i].state == NVME_ZNS_ZS_EXPL_OPEN;
		closed += s->z->zone[i].state == NVME_ZNS_ZS_CLOSED;
	}
	if (a->zsa != NVME_ZNS_ZSA_OPEN || !s->z->mor || opens + closed <= s->z->mor ||
	    FAULT(s->c->m, ZNS_OPEN_ALL_PARTLY))
		return true;
	mcmd_fail(s->c, s->z->mar == s->z->mor ? SC_ZONE_TOO_MANY_ACTIVE : SC_ZONE_TOO_MANY_OPEN,
		  AT_ACTION);
	return false;
}

static void send_all(const struct send *s, const struct action *a)
{
	unsigned states = a->all | (FAULT(s->c->m, ZNS_ALL_TAKES_EMPTY) ? a->from & EMPTY : 0);

	if (a->zsa == NVME_ZNS_ZSA_SET_DESC_EXT && !FAULT(s->c->m, ZNS_EXTENSION_ALL_ACCEPTED)) {
		mcmd_fail(s->c, SC_INVALID_FIELD, AT_ALL);
		return;
	}
	if (!all_fit(s, a))
		return;
	if (a->zsa == NVME_ZNS_ZSA_OFFLINE && FAULT(s->c->m, ZNS_OFFLINE_ALL_REFUSED))
		states = 0;
	for (uint64_t i = 0; i < s->z->count; i++) {
		struct zone *zone = &s->z->zone[i];

		if (!(states & BIT(zone->state)))
			continue;
		if (a->zsa == NVME_ZNS_ZSA_OPEN && zone_no_room(s->c, s->z, false, true))
			continue; /* by fault */
		act(s, a, zone);
	}
}

/* The data of Set Zone Descriptor Extension come before anything is changed. */
static bool set_extension(const struct send *s, struct zone *zone)
{
	uint8_t data[ZNS_EXTENSION_BYTES];

	if (mcmd_check_data(s->c, s->z->extension) ||
	    mcmd_from_host(s->c, data, 0, s->z->extension, s->z->extension))
		return false;
	if (FAULT(s->c->m, ZNS_EXTENSION_LOST))
		return true;
	memcpy(zone_extension(s->z, zone), data, s->z->extension);
	zone->attributes |= NVME_ZNS_ZA_ZDEV;
	return true;
}

static void send_one(const struct send *s, const struct action *a, uint64_t lba)
{
	struct zone *zone;
	uint16_t status;

	if (lba >= media_blocks(s->ns) || (lba % s->z->size && !FAULT(s->c->m, ZNS_SEND_ANY_LBA))) {
		mcmd_fail(s->c, SC_INVALID_FIELD, AT_SLBA);
		return;
	}
	zone = zone_of(s->z, lba);
	status = refusal(s, a, zone);
	status = bent(s, a, zone, status);
	if (status) {
		s->c->error_lba = lba;
		mcmd_fail(s->c, status, AT_ACTION);
		return;
	}
	if (a->zsa != NVME_ZNS_ZSA_SET_DESC_EXT || set_extension(s, zone))
		act(s, a, zone);
}

void zns_send(struct mcmd *c)
{
	const struct action *a = action_of(c);
	struct send s = { .c = c, .ns = zns_find_ns(c) };
	bool all = le32_get(c->e.cdw13) & SELECT_ALL;

	if (!s.ns)
		return;
	s.z = media_zones(s.ns);
	if (!a && FAULT(c->m, ZNS_RESERVED_ACTION_ACCEPTED))
		return;
	if (!a || (a->zsa == NVME_ZNS_ZSA_SET_DESC_EXT && !s.z->extension)) {
		mcmd_fail(c, SC_INVALID_FIELD, AT_ACTION);
		return;
	}
	if (all)
		send_all(&s, a);
	else
		send_one(&s, a, le32_get(c->e.cdw10) | (uint64_t)le32_get(c->e.cdw11) << 32);
}
