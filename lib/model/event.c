// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Asynchronous events: requests that are outstanding, events that wait for one, and types that
 * are masked until the host reads the log page of what was reported last.
 * Source: Base 2.1 Asynchronous Event Request command; Asynchronous Event Configuration.
 */
#include <stdlib.h>

#include "model/core.h"

#define TIME_OUT_NS 100000000ull /* of aer-times-out */

enum { EVENT_ERROR = 0, EVENT_SMART = 1, EVENT_NOTICE = 2 };

struct pending {
	uint8_t type, info, lid;
};

struct model_events {
	struct slot *held[256]; /* oldest first */
	unsigned nheld;
	struct pending pending[AER_PENDING];
	unsigned npending;
	bool masked[AER_TYPES];
	uint8_t masked_by[AER_TYPES]; /* the log page that clears it */
	unsigned lost;		      /* of aer-held-over-reset */
};

struct model_events *events_new(struct model *m)
{
	(void)m;
	return calloc(1, sizeof(struct model_events));
}

void events_free(struct model_events *e)
{
	free(e);
}

void events_reset(struct model *m)
{
	unsigned held = m->events->nheld;
	unsigned lost = held && FAULT(m, AER_HELD_OVER_RESET) ? held : 0;

	memset(m->events, 0, sizeof(*m->events));
	m->events->lost = lost;
}

/* Asynchronous Event Configuration: the critical warning bit, the notice's bit; errors always. */
static bool is_enabled(const struct model *m, unsigned type, unsigned info)
{
	static const uint8_t warning_bit[] = { 2, 1, 0 }; /* reliability, temperature, spare */
	uint32_t config = feature_async_config(m);

	if (type == EVENT_SMART && info < sizeof(warning_bit))
		return (config >> warning_bit[info] & 1) || FAULT(m, AER_CONFIG_IGNORED);
	if (type == EVENT_NOTICE && info < 24)
		return (config >> (8 + info) & 1) || FAULT(m, NS_EVENT_UNASKED);
	return true;
}

static bool is_pending(const struct model_events *e, const struct pending *p)
{
	for (unsigned i = 0; i < e->npending; i++)
		if (!memcmp(&e->pending[i], p, sizeof(*p)))
			return true;
	return false;
}

void model_event(struct model *m, unsigned type, unsigned info, unsigned lid)
{
	struct model_events *e = m->events;
	struct pending p = { (uint8_t)type, (uint8_t)info, (uint8_t)lid };

	if (type >= AER_TYPES || !is_enabled(m, type, info) || is_pending(e, &p))
		return;
	/* masked: reported once its log is read; the same as the one reported: told already */
	if (e->masked[type] && e->masked_by[type] == lid && !FAULT(m, AER_REPEATS_BEFORE_READ))
		return;
	if (!e->nheld && FAULT(m, AER_PENDING_LOST))
		return;
	if (e->npending < AER_PENDING)
		e->pending[e->npending++] = p;
}

static void forget(struct model_events *e, unsigned i)
{
	memmove(e->pending + i, e->pending + i + 1, (--e->npending - i) * sizeof(*e->pending));
}

void model_event_log_read(struct model *m, unsigned lid)
{
	struct model_events *e = m->events;

	for (unsigned i = e->npending; i-- > 0;)
		if (e->pending[i].lid == lid)
			forget(e, i);
	for (unsigned t = 0; t < AER_TYPES; t++)
		if (e->masked[t] && e->masked_by[t] == lid && !FAULT(m, AER_NEVER_UNMASKED))
			e->masked[t] = false;
}

static struct slot *take_oldest(struct model_events *e)
{
	struct slot *s = e->held[0];

	memmove(e->held, e->held + 1, --e->nheld * sizeof(*e->held));
	return s;
}

static void report(struct model *m, unsigned i)
{
	struct model_events *e = m->events;
	struct pending p = e->pending[i];
	struct slot *s = take_oldest(e);

	if (!FAULT(m, AER_REPEATS_BEFORE_READ)) {
		forget(e, i);
		e->masked[p.type] = true;
		e->masked_by[p.type] = p.lid;
	}
	s->c.dw0 = p.type | (uint32_t)p.info << 8 | (uint32_t)p.lid << 16;
	engine_complete(m, s);
}

/* Types mask themselves, not one another; by the fault any masked type holds back all. */
static bool is_held_back(const struct model *m, unsigned type)
{
	const struct model_events *e = m->events;

	for (unsigned t = 0; FAULT(m, AER_TYPES_MASK_EACH_OTHER) && t < AER_TYPES; t++)
		if (e->masked[t])
			return true;
	return e->masked[type];
}

/* By fault: whoever waits too long gets nothing. */
static void time_out(struct model *m)
{
	struct model_events *e = m->events;
	struct slot *s;

	if (!e->nheld || m->sub->now - e->held[0]->due < TIME_OUT_NS || !FAULT(m, AER_TIMES_OUT))
		return;
	s = take_oldest(e);
	s->c.status = SC_ABORT_REQUESTED;
	engine_complete(m, s);
}

void events_step(struct model *m)
{
	struct model_events *e = m->events;

	time_out(m);

	for (unsigned i = 0; e->nheld && i < e->npending;) {
		if (is_held_back(m, e->pending[i].type)) {
			i++;
			continue;
		}
		report(m, i);
		if (FAULT(m, AER_REPEATS_BEFORE_READ))
			return;
	}
}

void admin_async_event(struct mcmd *c)
{
	struct model *m = c->m;
	struct model_events *e = m->events;
	unsigned limit = m->opt.aerl + 1 + FAULT(m, AER_LIMIT_OFF_BY_ONE);

	if (admin_nsid_wrong(c))
		return;
	if (e->nheld + e->lost >= limit) {
		mcmd_fail(c, FAULT(m, AER_LIMIT_WRONG_STATUS) ? SC_INVALID_FIELD : SC_AER_LIMIT,
			  0xffff);
		return;
	}
	c->held = true;
	e->held[e->nheld++] = engine_slot_of(c);
}

bool events_abort(struct model *m, struct slot *s)
{
	struct model_events *e = m->events;

	for (unsigned i = 0; i < e->nheld; i++) {
		if (e->held[i] != s)
			continue;
		memmove(e->held + i, e->held + i + 1, (--e->nheld - i) * sizeof(*e->held));
		return true;
	}
	return false;
}
