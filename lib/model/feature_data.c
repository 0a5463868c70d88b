// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Features with a data structure that the host gives. Sources: Base 2.0 Autonomous Power State
 * Transition, Host Memory Buffer, Host Identifier.
 */
#include "model/core.h"
#include "model/feature_table.h"

/* ---- 0Ch Autonomous Power State Transition ---- */

void feature_get_apst(struct mcmd *c, enum feature_select select)
{
	const struct model_features *f = c->m->features;
	uint8_t data[APST_BYTES] = { 0 };

	if (select == FEATURE_CURRENT) {
		memcpy(data, f->apst, sizeof(data));
		c->dw0 = f->apst_enabled;
	}
	mcmd_to_host(c, data, 0, sizeof(data), sizeof(data));
}

/* A time to wait goes with a state to go to, which is a non-operational one. */
static bool apst_entry_wrong(const struct mcmd *c, uint64_t entry)
{
	unsigned state = entry >> 3 & 0x1f, ms = entry >> 8 & 0xffffff;

	return ms && state != POWER_IDLE && !FAULT(c->m, APST_STATE_UNCHECKED);
}

void feature_set_apst(struct mcmd *c)
{
	struct model_features *f = c->m->features;
	uint8_t data[APST_BYTES];

	if (mcmd_from_host(c, data, 0, sizeof(data), sizeof(data)))
		return;
	for (unsigned i = 0; i < sizeof(data); i += 8)
		if (apst_entry_wrong(c, le64_at(data + i))) {
			mcmd_fail(c, SC_INVALID_FIELD, MCMD_NOWHERE);
			return;
		}
	if (FAULT(c->m, APST_TABLE_SHORT))
		memset(data + 8, 0, sizeof(data) - 8);
	memcpy(f->apst, data, sizeof(data));
	f->apst_enabled = le32_get(c->e.cdw11) & 1;
}

/* ---- 0Dh Host Memory Buffer: taken, and never needed ---- */

#define HMB_ENABLE	  0x1u
#define HMB_ATTRIBUTES	  4096u
#define HMB_CHUNKS_MAX	  64u
#define HMB_FAULT_PATTERN "left behind"

void feature_get_hmb(struct mcmd *c, enum feature_select select)
{
	const struct feature_hmb *h = &c->m->features->hmb;
	uint8_t data[HMB_ATTRIBUTES] = { 0 };

	if (select == FEATURE_CURRENT && h->enabled) {
		le32_put(data, h->size);
		le64_put(data + 4, h->list);
		le32_put(data + 12, h->entries);
		c->dw0 = HMB_ENABLE;
	}
	if (!h->enabled && h->first && FAULT(c->m, HMB_TOUCHED_AFTER_DISABLE))
		core_dma_write(c->m, h->first, HMB_FAULT_PATTERN, sizeof(HMB_FAULT_PATTERN));
	mcmd_to_host(c, data, 0, sizeof(data), sizeof(data));
}

/* The chunks make up what is offered, and that is enough. */
static bool hmb_wrong(struct mcmd *c, struct feature_hmb *h)
{
	uint8_t descriptor[16];
	uint64_t pages = 0;

	if (h->size < HMMIN && !FAULT(c->m, HMB_SIZE_UNCHECKED))
		return true;
	if (!h->entries || h->entries > HMB_CHUNKS_MAX)
		return true;
	for (uint32_t i = h->entries; i-- > 0;) {
		if (core_dma_read(c->m, h->list + 16ull * i, descriptor, sizeof(descriptor)))
			return true;
		pages += le32_at(descriptor + 8);
		h->first = le64_at(descriptor);
	}
	return pages < h->size;
}

void feature_set_hmb(struct mcmd *c)
{
	struct feature_hmb *h = &c->m->features->hmb, next = {
		.enabled = true,
		.size = le32_get(c->e.cdw12),
		.list = le32_get(c->e.cdw13) | (uint64_t)le32_get(c->e.cdw14) << 32,
		.entries = le32_get(c->e.cdw15),
	};

	if (!(le32_get(c->e.cdw11) & HMB_ENABLE))
		h->enabled = false;
	else if (h->enabled && !FAULT(c->m, HMB_ENABLED_TWICE))
		mcmd_fail(c, SC_SEQUENCE_ERROR, MCMD_NOWHERE);
	else if (hmb_wrong(c, &next))
		mcmd_fail(c, SC_INVALID_FIELD, MCMD_NOWHERE);
	else
		*h = next;
}

/* ---- 81h Host Identifier ---- */

#define EXHID 0x1u

static size_t host_id_bytes(const struct mcmd *c)
{
	return le32_get(c->e.cdw11) & EXHID ? 16 : 8;
}

void feature_get_host_id(struct mcmd *c, enum feature_select select)
{
	uint8_t data[16] = { 0 };

	if (select == FEATURE_CURRENT)
		memcpy(data, c->m->features->host_id, sizeof(data));
	mcmd_to_host(c, data, 0, host_id_bytes(c), host_id_bytes(c));
}

bool feature_host_id(const struct model *m, uint8_t ret[16])
{
	memcpy(ret, m->features->host_id, 16);
	return m->features->host_id_extended;
}

/* 64 and 128 bits do not go together in one subsystem, where both have a Host Identifier. */
static bool host_id_mixes(const struct mcmd *c, bool extended)
{
	const struct model *other = model_other(c->m);
	static const uint8_t none[16];
	uint8_t id[16];

	return other && feature_host_id(other, id) != extended && memcmp(id, none, 16);
}

void feature_set_host_id(struct mcmd *c)
{
	bool extended = le32_get(c->e.cdw11) & EXHID;
	uint8_t data[16] = { 0 };

	if (mcmd_from_host(c, data, 0, host_id_bytes(c), host_id_bytes(c)))
		return;
	if (host_id_mixes(c, extended)) {
		mcmd_fail(c, SC_HOST_ID_FORMAT, MCMD_AT(44, 0));
		return;
	}
	c->m->features->host_id_extended = extended;
	if (FAULT(c->m, HOST_ID_HALVED))
		memset(data + 8, 0, 8);
	memcpy(c->m->features->host_id, data, sizeof(data));
}
