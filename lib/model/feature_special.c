// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The features that are more than one dword with a mask. Sources: Base 2.0 Temperature Threshold,
 * Number of Queues, Interrupt Vector Configuration, Timestamp, Host Behavior Support.
 */
#include "base/clock.h"
#include "model/bend.h"
#include "model/feature_table.h"

#define NO_THRESHOLD 0xffffu /* no over temperature threshold of a sensor */

static uint16_t temp_default(unsigned sensor, bool under)
{
	return under ? 0 : sensor ? NO_THRESHOLD : TEMP_WARNING;
}

static bool temp_moved(const struct model_features *f)
{
	for (unsigned i = 0; i <= TEMP_SENSORS; i++)
		for (unsigned under = 0; under < 2; under++)
			if (f->temp[i][under] != temp_default(i, under))
				return true;
	return false;
}

void feature_special_reset(const struct model *m, struct model_features *f)
{
	bool stay = m->features && temp_moved(f) && bend_survives(m, 0x04);

	for (unsigned i = 0; i <= TEMP_SENSORS && !stay; i++)
		for (unsigned under = 0; under < 2; under++)
			f->temp[i][under] = temp_default(i, under);
	memset(f->uncoalesced, 0, m->opt.vectors * sizeof(*f->uncoalesced));
	f->operational = 0;
	if (!m->features || !f->queues_set || !bend_survives(m, 0x07))
		f->queues_set = false;
	f->timestamp_set = f->timestamp_set && FAULT(m, TIMESTAMP_ORIGIN_KEPT);
	f->timestamp_ms = 0;
	f->timestamp_at_ns = m->sub->now;
	f->acre = f->lbafee = 0;
	f->apst_enabled = false;
	memset(f->apst, 0, sizeof(f->apst));
	f->hmb = (struct feature_hmb){ .enabled = false };
	memset(f->host_id, 0, sizeof(f->host_id));
	f->host_id_extended = false;
}

static bool any(const void *bytes, size_t n)
{
	const uint8_t *p = bytes;

	return n && (*p || memcmp(p, p + 1, n - 1));
}

bool feature_special_moved(const struct model *m)
{
	const struct model_features *f = m->features;

	return temp_moved(f) || f->operational || f->timestamp_set || f->acre || f->lbafee ||
	       f->apst_enabled || f->hmb.enabled || f->host_id_extended ||
	       (f->queues_set && (f->nsq != m->opt.nsq || f->ncq != m->opt.ncq)) ||
	       any(f->uncoalesced, m->opt.vectors * sizeof(*f->uncoalesced)) ||
	       any(f->apst, sizeof(f->apst)) || any(f->host_id, sizeof(f->host_id));
}

/* ---- 04h Temperature Threshold ---- */

#define TMPSEL(cdw11) ((cdw11) >> 16 & 0xf)
#define TMPSEL_ALL    0xfu
#define THSEL(cdw11)  ((cdw11) >> 20 & 3)

unsigned feature_temp_threshold(const struct model *m, unsigned sensor, bool under)
{
	return m->features->temp[sensor][under];
}

void feature_get_temp(struct mcmd *c, enum feature_select select)
{
	uint32_t v = le32_get(c->e.cdw11);

	if (TMPSEL(v) > TEMP_SENSORS || THSEL(v) > 1)
		mcmd_fail(c, SC_INVALID_FIELD, MCMD_AT(46, 0));
	else if (select == FEATURE_CURRENT)
		c->dw0 = c->m->features->temp[TMPSEL(v)][THSEL(v)];
	else if (FAULT(c->m, TEMP_DEFAULT_ZERO))
		c->dw0 = 0;
	else
		c->dw0 = temp_default(TMPSEL(v), THSEL(v));
	if (!c->status)
		c->dw0 |= v & 0x3f0000;
}

void feature_set_temp(struct mcmd *c)
{
	struct model_features *f = c->m->features;
	uint32_t v = le32_get(c->e.cdw11);
	bool all = TMPSEL(v) == TMPSEL_ALL;

	if (TMPSEL(v) > TEMP_SENSORS && !all && FAULT(c->m, TEMP_SELECTOR_UNCHECKED))
		return;
	if ((TMPSEL(v) > TEMP_SENSORS && !all) || THSEL(v) > 1) {
		mcmd_fail(c, SC_INVALID_FIELD, MCMD_AT(46, 0));
		if (FAULT(c->m, FEATURE_FAILED_SET_STORES))
			f->temp[0][0] = v & 0xffff;
		return;
	}
	for (unsigned i = 0; i <= TEMP_SENSORS; i++)
		if (all || i == TMPSEL(v))
			f->temp[i][THSEL(v)] = v & 0xffff;
	logs_check_temperature(c->m);
}

/* ---- 07h Number of Queues ---- */

static unsigned least(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

void feature_queue_count(const struct model *m, unsigned *ret_nsq, unsigned *ret_ncq)
{
	const struct model_features *f = m->features;

	*ret_nsq = f->queues_set ? f->nsq : m->opt.nsq;
	*ret_ncq = f->queues_set ? f->ncq : m->opt.ncq;
}

void feature_get_queues(struct mcmd *c, enum feature_select select)
{
	unsigned nsq = c->m->opt.nsq, ncq = c->m->opt.ncq;

	if (select == FEATURE_CURRENT &&
	    !(c->e.opcode == nvme_admin_get_features && FAULT(c->m, QUEUE_COUNT_GET_DIFFERS)))
		feature_queue_count(c->m, &nsq, &ncq);
	c->dw0 = (ncq - 1) << 16 | (nsq - 1);
}

void feature_set_queues(struct mcmd *c)
{
	struct model_features *f = c->m->features;
	uint32_t v = le32_get(c->e.cdw11);

	if (model_has_io_queues(c->m) && !FAULT(c->m, COUNT_AFTER_CREATE_ACCEPTED)) {
		mcmd_fail(c, SC_SEQUENCE_ERROR, MCMD_NOWHERE);
		return;
	}
	if (((v & 0xffff) == 0xffff || v >> 16 == 0xffff) &&
	    !FAULT(c->m, QUEUE_COUNT_FFFF_ACCEPTED)) {
		mcmd_fail(c, SC_INVALID_FIELD, MCMD_AT(44, 0));
		return;
	}
	/* What was allocated first stays until the next reset. */
	if (!f->queues_set || FAULT(c->m, QUEUE_COUNT_CHANGES)) {
		f->nsq = least((v & 0xffff) + 1, c->m->opt.nsq);
		f->ncq = least((v >> 16) + 1, c->m->opt.ncq);
		f->queues_set = true;
	}
	feature_get_queues(c, FEATURE_CURRENT);
}

/* ---- 09h Interrupt Vector Configuration ---- */

bool feature_vector_uncoalesced(const struct model *m, unsigned vector)
{
	return vector < m->opt.vectors && m->features->uncoalesced[vector];
}

static bool vector_wrong(struct mcmd *c)
{
	if ((le32_get(c->e.cdw11) & 0xffff) < c->m->opt.vectors)
		return false;
	if (FAULT(c->m, VECTOR_CONFIG_UNCHECKED))
		return true;
	mcmd_fail(c, SC_INVALID_FIELD, MCMD_AT(44, 0));
	return true;
}

void feature_get_vector(struct mcmd *c, enum feature_select select)
{
	unsigned vector = le32_get(c->e.cdw11) & 0xffff;

	if (vector_wrong(c))
		return;
	c->dw0 = vector;
	if (select == FEATURE_CURRENT && feature_vector_uncoalesced(c->m, vector))
		c->dw0 |= 1u << 16;
}

void feature_set_vector(struct mcmd *c)
{
	uint32_t v = le32_get(c->e.cdw11);

	if (!vector_wrong(c) && !FAULT(c->m, VECTOR_CONFIG_LOST))
		c->m->features->uncoalesced[v & 0xffff] = v >> 16 & 1;
}

/* ---- 0Eh Timestamp ---- */

#define TIMESTAMP_MASK 0xffffffffffffull /* 48 bits of milliseconds */
#define ORIGIN_SET     0x1u		 /* set by Set Features; 0: cleared by a reset */

void feature_get_timestamp(struct mcmd *c, enum feature_select select)
{
	const struct model_features *f = c->m->features;
	uint8_t data[8] = { 0 };

	if (select == FEATURE_CURRENT) {
		uint64_t passed_ms = (c->m->sub->now - f->timestamp_at_ns) / NS_PER_MS;

		if (FAULT(c->m, TIMESTAMP_TOO_FAST))
			passed_ms += passed_ms / 8;

		le64_put(data, (f->timestamp_ms + passed_ms) & TIMESTAMP_MASK);
		data[6] = f->timestamp_set ? ORIGIN_SET << 1 : 0;
		if (FAULT(c->m, TIMESTAMP_ORIGIN_UNSET))
			data[6] = 0;
	}
	mcmd_to_host(c, data, 0, sizeof(data), sizeof(data));
}

void feature_set_timestamp(struct mcmd *c)
{
	struct model_features *f = c->m->features;
	uint8_t data[8];

	if (mcmd_from_host(c, data, 0, sizeof(data), sizeof(data)))
		return;
	f->timestamp_ms = le64_at(data) & TIMESTAMP_MASK;
	f->timestamp_at_ns = c->m->sub->now;
	f->timestamp_set = true;
}

/* ---- 16h Host Behavior Support ---- */

#define BEHAVIOR_BYTES 512u
enum { ACRE = 0, LBAFEE = 2 }; /* bytes of the data structure */

bool feature_many_formats(const struct model *m)
{
	return m->features->lbafee;
}

void feature_get_behavior(struct mcmd *c, enum feature_select select)
{
	uint8_t data[BEHAVIOR_BYTES] = { 0 };

	if (select == FEATURE_CURRENT) {
		data[ACRE] = c->m->features->acre;
		data[LBAFEE] = c->m->features->lbafee;
	}
	if (FAULT(c->m, BEHAVIOR_UNSUPPORTED_STORED))
		data[3] = data[0]; /* CDFE */
	mcmd_to_host(c, data, 0, sizeof(data), sizeof(data));
}

/* The rest asks for what Identify Controller does not claim. */
static uint8_t most_behavior(const struct model *m, unsigned byte)
{
	return byte == ACRE || (byte == LBAFEE && m->opt.ctratt & NVME_CTRL_CTRATT_ELBAS);
}

void feature_set_behavior(struct mcmd *c)
{
	uint8_t data[BEHAVIOR_BYTES];

	if (mcmd_from_host(c, data, 0, sizeof(data), sizeof(data)))
		return;
	for (unsigned i = 0; i < sizeof(data); i++)
		if (data[i] > most_behavior(c->m, i)) {
			mcmd_fail(c, SC_INVALID_FIELD, MCMD_NOWHERE);
			return;
		}
	if (FAULT(c->m, BEHAVIOR_LOST))
		return;
	c->m->features->acre = data[ACRE];
	c->m->features->lbafee = FAULT(c->m, LBAFEE_LOST) ? 0 : data[LBAFEE];
}
