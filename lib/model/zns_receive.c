// SPDX-License-Identifier: GPL-2.0-or-later
/* Zone Management Receive. Source: ZNS CS 1.1 Zone Management Receive command. */
#include "model/zns.h"

#define ATTRIBUTED 9u /* reporting option: a recommendation, or finished by the controller */
#define PARTIAL	   (1u << 16)
#define HEADER	   sizeof(struct nvme_zone_report)
#define DESCRIPTOR sizeof(struct nvme_zns_desc)
#define TYPE_SEQ   NVME_ZONE_TYPE_SEQWRITE_REQ
#define ADVICE	   (NVME_ZNS_ZA_RZR | NVME_ZNS_ZA_FZR | NVME_ZNS_ZA_ZFC)

struct report {
	struct mcmd *c;
	struct zones *z;
	uint8_t option;
	bool partial;
	uint64_t first; /* zone */
	size_t bytes;	/* that the host asked for */
	size_t entry;	/* bytes of a descriptor and its extension */
};

/* The state that a reporting option lists; 0: other rules. */
static const uint8_t state_of[] = {
	0,
	NVME_ZNS_ZS_EMPTY,
	NVME_ZNS_ZS_IMPL_OPEN,
	NVME_ZNS_ZS_EXPL_OPEN,
	NVME_ZNS_ZS_CLOSED,
	NVME_ZNS_ZS_FULL,
	NVME_ZNS_ZS_READ_ONLY,
	NVME_ZNS_ZS_OFFLINE,
};

static bool is_listed(const struct report *r, const struct zone *zone)
{
	if (!r->option || FAULT(r->c->m, ZNS_REPORT_FILTER_IGNORED))
		return true;
	if (r->option == ATTRIBUTED)
		return zone->attributes & ADVICE;
	return zone->state == state_of[r->option];
}

static void describe(const struct report *r, const struct zone *zone, uint8_t *at)
{
	struct nvme_zns_desc *d = (struct nvme_zns_desc *)at;
	bool wp_valid = zone_is_active(zone) || zone->state == NVME_ZNS_ZS_EMPTY;
	bool large = FAULT(r->c->m, ZNS_CAPACITY_ABOVE_SIZE);

	memset(d, 0, sizeof(*d));
	d->zt = TYPE_SEQ;
	d->zs = (uint8_t)(zone->state << 4);
	d->za = zone->attributes;
	d->zcap = le64_from(large ? r->z->size + 1 : r->z->capacity);
	d->zslba = le64_from(zone->start);
	d->wp = le64_from(wp_valid ? zone->wp : UINT64_MAX);
	if (r->entry == DESCRIPTOR)
		return;
	memset(at + DESCRIPTOR, 0, r->z->extension);
	if (zone->attributes & NVME_ZNS_ZA_ZDEV)
		memcpy(at + DESCRIPTOR, zone_extension(r->z, zone), r->z->extension);
}

/* Sends as many bytes of the entry as were asked for. */
static int send_entry(const struct report *r, const struct zone *zone, size_t at)
{
	uint8_t entry[DESCRIPTOR + ZNS_EXTENSION_BYTES];
	size_t n = r->bytes - at < r->entry ? r->bytes - at : r->entry;

	describe(r, zone, entry);
	return mcmd_to_host(r->c, entry, at, n, r->bytes);
}

static void send_report(const struct report *r)
{
	struct nvme_zone_report head = { 0 };
	uint64_t listed = 0, whole = 0;
	size_t at = HEADER;

	for (uint64_t i = r->first; i < r->z->count; i++) {
		if (!is_listed(r, &r->z->zone[i]))
			continue;
		listed++;
		whole += r->bytes >= HEADER && r->bytes - HEADER >= listed * r->entry;
		if (at < r->bytes && send_entry(r, &r->z->zone[i], at))
			return;
		at += r->entry;
	}
	if (FAULT(r->c->m, ZNS_REPORT_PARTIAL_ALWAYS))
		listed = whole;
	head.nr_zones = le64_from(
		r->partial && !FAULT(r->c->m, ZNS_REPORT_PARTIAL_IGNORED) ? whole : listed);
	mcmd_to_host(r->c, &head, 0, r->bytes < HEADER ? r->bytes : HEADER, r->bytes);
}

/* Zone Receive Action, reporting option and first zone; false and the status set. */
static bool take(struct report *r, uint64_t blocks)
{
	struct mcmd *c = r->c;
	uint32_t cdw13 = le32_get(c->e.cdw13);
	uint64_t lba = le32_get(c->e.cdw10) | (uint64_t)le32_get(c->e.cdw11) << 32;
	bool extended = (cdw13 & 0xff) == NVME_ZNS_ZRA_EXTENDED_REPORT_ZONES;
	bool offered = r->z->extension || FAULT(c->m, ZNS_EXTENDED_UNFORMATTED);

	r->option = cdw13 >> 8 & 0xff;
	r->partial = cdw13 & PARTIAL;
	r->bytes = (le32_get(c->e.cdw12) + 1ull) * 4;
	r->entry = DESCRIPTOR + (extended ? r->z->extension : 0);
	if (FAULT(c->m, ZNS_REPORT_RESERVED_ACCEPTED) &&
	    ((cdw13 & 0xff) > NVME_ZNS_ZRA_EXTENDED_REPORT_ZONES || r->option > ATTRIBUTED)) {
		r->option = 0;
		r->entry = DESCRIPTOR;
	} else if ((cdw13 & 0xff) > NVME_ZNS_ZRA_EXTENDED_REPORT_ZONES || (extended && !offered)) {
		mcmd_fail(c, SC_INVALID_FIELD, MCMD_AT(52, 0));
	} else if (r->option > ATTRIBUTED || r->option == ATTRIBUTED - 1) {
		mcmd_fail(c, SC_INVALID_FIELD, MCMD_AT(53, 0));
	}
	if (!c->status && lba >= blocks)
		mcmd_fail(c, SC_INVALID_FIELD, MCMD_AT(40, 0));
	r->first = lba / r->z->size + (FAULT(c->m, ZNS_REPORT_FROM_NEXT) && lba % r->z->size);
	return c->status == SC_SUCCESS;
}

void zns_receive(struct mcmd *c)
{
	struct media_ns *ns = zns_find_ns(c);
	struct report r = { .c = c };

	if (!ns)
		return;
	r.z = media_zones(ns);
	if (take(&r, media_blocks(ns)) && !mcmd_check_data(c, r.bytes))
		send_report(&r);
}
