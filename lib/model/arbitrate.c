// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Whose command is next. Round robin takes one from each queue in turn, the Admin queue among
 * them. Weighted round robin: Admin before urgent before the rest, which share by their weights.
 * Source: Base 2.2 Command Arbitration, Arbitration (Feature Identifier 01h), CC (AMS).
 */
#include "model/core.h"

#define AMS_WEIGHTED 1u
#define BURST_ALL    7u /* no limit */

enum class { URGENT, HIGH, MEDIUM, LOW };

bool arbitrate_is_weighted(const struct model *m)
{
	return m->opt.wrr && (m->core->cc >> 11 & 7) == AMS_WEIGHTED;
}

static int round_robin(struct model *m, bool (*may)(struct model *m, const struct model_sq *q))
{
	unsigned n = m->opt.nsq + 1;

	for (unsigned i = 0; i < n; i++) {
		unsigned qid = (m->core->next_sq + i) % n;

		if (may(m, &m->core->sq[qid]))
			return (int)qid;
	}
	return -1;
}

static int next_of(struct model *m, unsigned class,
		   bool (*may)(struct model *m, const struct model_sq *q))
{
	unsigned n = m->opt.nsq;

	for (unsigned i = 0; i < n; i++) {
		unsigned qid = (m->core->arbiter.next[class] + i) % n + 1;

		if (m->core->sq[qid].class == class && may(m, &m->core->sq[qid]))
			return (int)qid;
	}
	return -1;
}

static unsigned weight(const struct model *m, unsigned class)
{
	unsigned shift = class == LOW ? 8 : class == MEDIUM ? 16 : 24;

	if (FAULT(m, WRR_WEIGHTS_SWAPPED))
		shift = class == LOW ? 24 : class == MEDIUM ? 16 : 8;
	return (feature_arbitration(m) >> shift & 0xff) + 1;
}

/* Those with something left of their weight; when none has, a new round begins. */
static int by_weight(struct model *m, bool (*may)(struct model *m, const struct model_sq *q))
{
	struct model_arbiter *a = &m->core->arbiter;

	for (unsigned round = 0; round < 2; round++) {
		for (unsigned class = HIGH; class <= LOW; class ++) {
			int qid = a->credit[class] ? next_of(m, class, may) : -1;

			if (class == LOW && FAULT(m, WRR_LOW_STARVES) &&
			    (next_of(m, HIGH, may) >= 0 || next_of(m, MEDIUM, may) >= 0))
				qid = -1;
			if (qid >= 0)
				return qid;
		}
		for (unsigned class = HIGH; class <= LOW; class ++)
			a->credit[class] = weight(m, class);
	}
	return -1;
}

static int by_class(struct model *m, bool (*may)(struct model *m, const struct model_sq *q))
{
	struct model_arbiter *a = &m->core->arbiter;
	int urgent = next_of(m, URGENT, may), other;

	if (may(m, &m->core->sq[0]))
		return 0;
	if (urgent >= 0 && !FAULT(m, WRR_URGENT_LAST))
		return urgent;
	if (a->burst && a->of && may(m, &m->core->sq[a->of]))
		return (int)a->of;
	other = by_weight(m, may);
	return other >= 0 ? other : urgent;
}

int arbitrate_next(struct model *m, bool (*may)(struct model *m, const struct model_sq *q))
{
	if (arbitrate_is_weighted(m) || FAULT(m, WRR_WITHOUT_AMS))
		return by_class(m, may);
	return round_robin(m, may);
}

void arbitrate_took(struct model *m, unsigned qid)
{
	struct model_arbiter *a = &m->core->arbiter;
	unsigned class = m->core->sq[qid].class, ab = feature_arbitration(m) & 7;

	m->core->next_sq = qid + 1;
	if (!qid)
		return;
	a->next[class] = qid % m->opt.nsq;
	if (class == URGENT)
		return;
	if (a->of != qid || !a->burst)
		a->burst = ab == BURST_ALL ? UINT32_MAX : 1u << ab;
	a->of = qid;
	a->burst--;
	a->credit[class] -= a->credit[class] > 0;
	if (!a->credit[class])
		a->burst = 0;
}
