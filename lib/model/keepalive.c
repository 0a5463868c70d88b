// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Keep Alive by command, where the option kas claims it: the timer is restarted by the command
 * and by the feature, and by nothing else.
 * Source: Base 2.2 Command Based Keep Alive, Keep Alive Timeout Cleanup; Base 2.1 Keep Alive Timer.
 */
#include "model/core.h"
#include "model/feature.h"

#define KAS_BY_FAULT 10u /* a second */
#define KAS_NS	     100000000ull
#define MS_NS	     1000000ull

void keepalive_claim(struct model *m)
{
	bool claims = !m->opt.kas &&
		      (FAULT(m, KEEP_ALIVE_NEVER_EXPIRES) || FAULT(m, KEEP_ALIVE_IGNORED) ||
		       FAULT(m, KEEP_ALIVE_BY_TRAFFIC) || FAULT(m, KAS_WITHOUT_COMMAND) ||
		       FAULT(m, KEEP_ALIVE_OUTLIVES_RESET) || FAULT(m, KEEP_ALIVE_ZERO_IGNORED));

	if (claims)
		m->opt.kas = KAS_BY_FAULT;
}

uint32_t keepalive_round(const struct model *m, uint32_t ms)
{
	uint64_t unit = m->opt.kas * KAS_NS / MS_NS;
	uint64_t up = unit ? (ms + unit - 1) / unit * unit : 0;

	return up > UINT32_MAX ? (uint32_t)(UINT32_MAX / unit * unit) : (uint32_t)up;
}

void keepalive_restart(struct model *m)
{
	uint32_t ms = m->opt.kas ? feature_keep_alive(m) : 0;

	bool ends = !ms && m->core->alive_due != NEVER;

	if (ends && core_running(m) && FAULT(m, KEEP_ALIVE_ZERO_IGNORED))
		return;
	if (ends && !core_running(m) && FAULT(m, KEEP_ALIVE_OUTLIVES_RESET))
		return;
	m->core->alive_due = ms ? m->sub->now + ms * MS_NS : NEVER;
	if (ms && FAULT(m, KEEP_ALIVE_NEVER_EXPIRES))
		m->core->alive_due = NEVER;
}

void keepalive_traffic(struct model *m)
{
	if (m->core->alive_due != NEVER && FAULT(m, KEEP_ALIVE_BY_TRAFFIC))
		keepalive_restart(m);
}

void admin_keep_alive(struct mcmd *c)
{
	if (FAULT(c->m, KAS_WITHOUT_COMMAND))
		mcmd_fail(c, SC_INVALID_OPCODE, 0);
	else if (!admin_nsid_wrong(c) && !FAULT(c->m, KEEP_ALIVE_IGNORED))
		keepalive_restart(c->m);
}

void keepalive_step(struct model *m)
{
	struct mcmd none = { .m = m,
			     .sqid = 0xffff,
			     .cid = 0xffff,
			     .status = SC_KEEP_ALIVE_EXPIRED,
			     .error_location = MCMD_NOWHERE };

	if (m->core->alive_due > m->sub->now)
		return;
	m->core->alive_due = NEVER;
	m->core->alive_expired = true;
	logs_add_error(m, &none, 0);
	core_fatal(m);
}
