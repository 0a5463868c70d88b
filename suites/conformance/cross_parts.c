// SPDX-License-Identifier: GPL-2.0-or-later
#include "cross_parts.h"

#include <inttypes.h>
#include <string.h>

#include "base/clock.h"

struct ends cross_ends(struct rig *r, enum node_can can)
{
	struct target *t = rig_target(r), *back;
	struct ends e;

	if (t->ops->back(t, &back))
		rig_skip(r, "needs", "%s", t->error);
	e.at_front = blk_now(r);
	e.at_back = blk_now_on(r, back);
	blk_need_of(r, &e.at_back, can);
	if (e.at_front.bytes < 2 * AREA || e.at_back.bytes < 2 * AREA)
		rig_skip(r, "size", "both ends of %" PRIu64 " bytes", 2 * AREA);
	e.front = blk_open(r, NODE_DIRECT);
	e.back = blk_open_on(r, back, NODE_DIRECT);
	return e;
}

void cross_put(struct rig *r, const struct ends *e, uint64_t at, uint64_t len)
{
	blk_put(r, e->front, 0, at, len, OLD);
	blk_sync_ok(r, e->front);
}

bool cross_check_back(struct rig *r, const struct check_site *s, const struct ends *e, uint64_t at,
		      uint64_t len, uint64_t tag)
{
	uint8_t *data = blk_mem(r, len);
	uint32_t per = e->front->logical;

	blk_get(r, e->back, at, data, len);
	return rig_check_stamp(r, s, data, at / per, (uint32_t)(len / per), per, tag);
}

/* ---- I/O under way ---- */

void cross_flight_again(struct rig *r, struct cross_flight *f)
{
	int err = f->b->t->ops->node->start(f->b->n, f->flags, f->data, CROSS_CHUNK, f->at);

	if (err)
		rig_broken(r, "an I/O cannot be begun: %s", strerror(-err));
	f->on = true;
}

/* The memory first, so that the node is closed before it goes. */
void cross_flight_begin(struct rig *r, struct cross_flight *f, uint64_t at, unsigned flags)
{
	uint32_t per;

	f->data = blk_mem(r, CROSS_CHUNK);
	f->b = blk_open(r, NODE_DIRECT);
	f->at = at;
	f->flags = flags;
	per = f->b->logical;
	if (flags & NODE_WRITE)
		rig_stamp(f->data, at / per, (uint32_t)(CROSS_CHUNK / per), per, NEW);
	cross_flight_again(r, f);
}

unsigned cross_flights_on(struct cross_flight *f, unsigned n)
{
	unsigned on = 0;

	for (unsigned i = 0; i < n; i++) {
		if (!f[i].on)
			continue;
		f[i].done = f[i].b->t->ops->node->finish(f[i].b->n);
		f[i].on = f[i].done == -EAGAIN;
		on += f[i].on;
	}
	return on;
}

unsigned cross_watch(struct rig *r, struct cross_flight *f, unsigned n, uint64_t ns)
{
	uint64_t until = rig_now(r) + ns;
	unsigned on = cross_flights_on(f, n);

	while (on && rig_now(r) < until) {
		rig_wait(r, CROSS_POLL_NS);
		on = cross_flights_on(f, n);
	}
	return on;
}

void cross_land(struct rig *r, struct cross_flight *f, unsigned n, const char *since)
{
	unsigned on = cross_watch(r, f, n, CROSS_END_NS);

	if (on)
		rig_fail(r, "%u of %u I/Os have no end %u s after %s", on, n,
			 (unsigned)(CROSS_END_NS / NS_PER_S), since);
}

void cross_who(struct rig *r, char text[512])
{
	struct target *t = rig_target(r);
	int err = t->ops->node->who(t, text, 512);

	if (err)
		rig_fail(r, "the front does not say who it is: %s", strerror(-err));
}
