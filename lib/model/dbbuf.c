// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Doorbell Buffer Config: shadow doorbells in host memory. The controller watches a doorbell's
 * shadow entry while the queue is busy. When nothing has changed for a while it writes what it
 * saw to EventIdx, which asks the host for a register write at the next change, and sleeps until
 * that write comes. Sources: Base 2.0 Doorbell Buffer Config command, Updating Controller
 * Doorbell Properties using a Shadow Doorbell Buffer.
 */
#include <stdlib.h>

#include "base/clock.h"
#include "model/core.h"
#include "model/log.h"

#define WATCH_NS (20 * NS_PER_US) /* unchanged for so long: sleep */

struct doorbell {
	bool watched, awake;
	uint32_t seen; /* the shadow entry as last looked at */
	uint64_t changed_at;
};

struct model_dbbuf {
	bool on;
	uint64_t shadow, eventidx; /* bus addresses */
	unsigned n;
	struct doorbell *db; /* [qid * 2 + cq], queue 0 as well */
};

struct model_dbbuf *dbbuf_new(struct model *m)
{
	unsigned most = m->opt.nsq > m->opt.ncq ? m->opt.nsq : m->opt.ncq;
	struct model_dbbuf *d = calloc(1, sizeof(*d));

	if (!d)
		return NULL;
	d->n = (most + 1) * 2;
	d->db = calloc(d->n, sizeof(*d->db));
	if (!d->db) {
		free(d);
		return NULL;
	}
	return d;
}

void dbbuf_free(struct model_dbbuf *d)
{
	if (!d)
		return;
	free(d->db);
	free(d);
}

void dbbuf_reset(struct model *m, enum model_reset kind)
{
	struct model_dbbuf *d = m->dbbuf;

	if (kind != MODEL_SHUTDOWN)
		d->on = d->on && kind == MODEL_RESET_CC && FAULT(m, DBBUF_SURVIVES_RESET);
	for (unsigned i = 0; d->on && i < d->n; i++)
		d->db[i].watched = d->db[i].watched && kind == MODEL_SHUTDOWN;
}

/* Both buffers are laid out as the doorbell registers are, stride included. */
static uint64_t entry_at(const struct model *m, uint64_t base, unsigned i)
{
	return base + (uint64_t)i * (4u << m->opt.dstrd);
}

static int look(struct model *m, unsigned i, uint32_t *ret)
{
	uint8_t raw[4];
	int err = core_dma_read(m, entry_at(m, m->dbbuf->shadow, i), raw, sizeof(raw));

	if (!err)
		*ret = le32_at(raw);
	return err;
}

static void write_eventidx(struct model *m, unsigned i)
{
	uint8_t raw[4];

	le32_put(raw, m->dbbuf->db[i].seen + FAULT(m, DBBUF_EVENTIDX_OFF_BY_ONE));
	core_dma_write(m, entry_at(m, m->dbbuf->eventidx, i), raw, sizeof(raw));
}

/* What stands there when the watch begins is no news. */
static void watch(struct model *m, unsigned i)
{
	struct doorbell *db = &m->dbbuf->db[i];

	*db = (struct doorbell){ .watched = model_queue_exists(m, i / 2, i % 2) };
	/* Each buffer is one page: with a wide stride high queues have no entry. */
	if (entry_at(m, 0, i) >= model_page_size(m))
		db->watched = false;
	if (!db->watched)
		return;
	if (look(m, i, &db->seen))
		db->watched = false;
	else
		write_eventidx(m, i);
}

void dbbuf_queue_changed(struct model *m, uint16_t qid)
{
	struct model_dbbuf *d = m->dbbuf;

	if (!d->on || qid * 2u + 1 >= d->n)
		return;
	for (unsigned i = qid * 2u; i <= qid * 2u + 1; i++) {
		bool exists = model_queue_exists(m, qid, i % 2);

		if (exists == d->db[i].watched)
			continue;
		if (exists && FAULT(m, DBBUF_NEW_QUEUE_IGNORED))
			continue;
		watch(m, i);
	}
}

bool dbbuf_rung(struct model *m, uint16_t qid, bool cq)
{
	struct model_dbbuf *d = m->dbbuf;
	unsigned i = qid * 2u + cq;

	if (!d->on || i >= d->n || !d->db[i].watched)
		return false;
	d->db[i].awake = true;
	d->db[i].changed_at = m->sub->now;
	return qid != 0;
}

static void take(struct model *m, unsigned i, uint32_t value)
{
	struct doorbell *db = &m->dbbuf->db[i];
	db->seen = value;
	db->changed_at = m->sub->now;
	if (!(i % 2 == 0 && FAULT(m, DBBUF_LOSES_TAIL)))
		model_doorbell(m, (uint16_t)(i / 2), i % 2, value);
}

static void poll(struct model *m, unsigned i)
{
	struct doorbell *db = &m->dbbuf->db[i];
	uint32_t value;

	if (!db->watched || !db->awake || look(m, i, &value))
		return;
	if (value != db->seen) {
		take(m, i, value);
	} else if (m->sub->now - db->changed_at >= WATCH_NS) {
		write_eventidx(m, i);
		/* a host beside us may have stored between our look and our asking for a write */
		__atomic_thread_fence(__ATOMIC_SEQ_CST);
		db->awake = !look(m, i, &value) && value != db->seen;
	}
}

void dbbuf_tick(struct model *m)
{
	struct model_dbbuf *d = m->dbbuf;

	for (unsigned i = 0; d->on && i < d->n; i++)
		poll(m, i);
}

bool model_watches(const struct model *m)
{
	const struct model_dbbuf *d = m->dbbuf;

	for (unsigned i = 0; d->on && core_running(m) && i < d->n; i++)
		if (d->db[i].watched && d->db[i].awake)
			return true;
	return false;
}

void admin_dbbuf(struct mcmd *c)
{
	struct model_dbbuf *d = c->m->dbbuf;
	uint64_t shadow = le64_get(c->e.prp1), eventidx = le64_get(c->e.prp2);
	uint32_t page = model_page_size(c->m);

	smart_activity(c->m);
	if (admin_nsid_wrong(c))
		return;
	if ((shadow % page || eventidx % page) && !FAULT(c->m, DBBUF_OFFSET_MASKED)) {
		mcmd_fail(c, SC_INVALID_FIELD, MCMD_AT(shadow % page ? 24 : 32, 0));
		return;
	}
	d->shadow = shadow - shadow % page;
	d->eventidx = eventidx - eventidx % page;
	d->on = true;
	for (unsigned i = 0; i < d->n; i++)
		watch(c->m, i);
}
