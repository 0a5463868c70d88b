// SPDX-License-Identifier: GPL-2.0-or-later
#include "cross_parts.h"

#include <inttypes.h>

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
