// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * cross: the drive is unplugged while there is I/O, and plugged in again. The front alone is asked;
 * where the store behind it is known, that is looked at as well.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "cross_parts.h"

#define FLIGHTS	 4u
#define CHUNK	 CROSS_CHUNK
#define LOOK_NS	 (5 * NS_PER_MS)
#define GONE_NS	 (30 * NS_PER_S) /* from the word to a node that is gone */
#define AGAIN_AT (AREA + (FLIGHTS + 1) * CHUNK)

struct plug {
	struct blk *front;
	struct cross_flight f[FLIGHTS];
	bool told_done[FLIGHTS], ended[FLIGHTS];
	uint64_t begun;
};

/* How an I/O ends whose drive has gone: its disk is dead, has no size, or is no device any more. */
static void check_failed(struct rig *r, const struct cross_flight *f)
{
	char what[64];

	snprintf(what, sizeof(what), "%s at byte %" PRIu64 ", of a drive that goes",
		 f->flags & NODE_WRITE ? "write" : "read", f->at);
	if (f->done < 0)
		CHECK_ERRNO(r, what, f->done, EIO, ENODEV, ENXIO, ENOSPC, ETIMEDOUT);
}

/* Those that went well are begun again, so that some are under way whenever it goes. */
static unsigned go_on(struct rig *r, struct plug *p)
{
	unsigned on = cross_flights_on(p->f, FLIGHTS);

	for (unsigned i = 0; i < FLIGHTS; i++) {
		if (p->f[i].on || p->ended[i])
			continue;
		p->ended[i] = p->f[i].done != (ssize_t)CHUNK;
		if (p->ended[i]) {
			check_failed(r, &p->f[i]);
			continue;
		}
		p->told_done[i] = true;
		cross_flight_again(r, &p->f[i]);
		p->begun++;
		on++;
	}
	return on;
}

/* Every I/O has its end, and none goes well any more. */
static void await_gone(struct rig *r, struct plug *p)
{
	uint64_t until = rig_now(r) + GONE_NS;

	while (go_on(r, p) && rig_now(r) < until)
		rig_wait(r, LOOK_NS);
	for (unsigned i = 0; i < FLIGHTS; i++)
		if (!p->ended[i] && p->f[i].done != -EAGAIN)
			rig_fail(r, "I/O goes well %u s after the drive was unplugged",
				 (unsigned)(GONE_NS / NS_PER_S));
	cross_land(r, p->f, FLIGHTS, "the drive was unplugged");
}

static void check_gone(struct rig *r, struct plug *p)
{
	struct target *t = rig_target(r);
	uint8_t *data = blk_mem(r, CHUNK);
	ssize_t done = blk_read(p->front, 0, AREA, data, CHUNK);
	struct iovec iov = { data, CHUNK };
	struct node *n = NULL;
	char have[64];
	int err;

	snprintf(have, sizeof(have), "%zd", done);
	check_text(r, CHECK_SITE(0, 0), "a read of what was open", done <= 0, have,
		   "no bytes, or an error");
	err = t->ops->node->open(t, NODE_DIRECT, &n);
	done = err ? err : t->ops->node->io(n, 0, &iov, 1, AREA); /* its name may go a little later */
	t->ops->node->close(n);
	snprintf(have, sizeof(have), "%zd", done);
	check_text(r, CHECK_SITE(0, 0), "a new open of it, and a read", done <= 0, have,
		   "no bytes, or an error");
}

/* What the node has open keeps the names of the old disk. */
static void close_all(struct plug *p)
{
	for (unsigned i = 0; i < FLIGHTS; i++)
		blk_close(p->f[i].b);
	blk_close(p->front);
}

/* That it is late, by its own words or by the host's, is the stack's failure; other trouble the rig's. */
static void plug_in(struct rig *r)
{
	struct target *t = rig_target(r);
	int err = t->ops->control(t, "node plug in");

	if (err == -ETIMEDOUT)
		rig_fail(r, "it does not come back: %s", t->error);
	if (err)
		rig_broken(r, "node plug in: %s", t->error);
}

static void check_kept(struct rig *r, const struct plug *p, struct blk *at, const char *where)
{
	char what[64];

	rig_note(r, "what was told done, %s", where);
	for (unsigned i = 0; i < FLIGHTS; i++) {
		snprintf(what, sizeof(what), "byte %" PRIu64, p->f[i].at);
		if (!(p->f[i].flags & NODE_WRITE))
			CHECK_HOLDS(r, at, p->f[i].at, CHUNK, OLD);
		else if (p->told_done[i])
			CHECK_HOLDS(r, at, p->f[i].at, CHUNK, NEW);
	}
	CHECK_HOLDS(r, at, AREA + FLIGHTS * CHUNK, CHUNK, OLD);
}

static void check_works(struct rig *r, struct blk *front)
{
	uint8_t *data = blk_mem(r, CHUNK);
	uint32_t per = front->logical;

	rig_stamp(data, AGAIN_AT / per, (uint32_t)(CHUNK / per), per, NEW);
	if (CHECK_BYTES(r, "a write, plugged in again",
			blk_write(front, NODE_DSYNC, AGAIN_AT, data, CHUNK), CHUNK))
		CHECK_HOLDS(r, front, AGAIN_AT, CHUNK, NEW);
}

/* By the blocks of the front, whose stamps are looked for. */
static void check_back(struct rig *r, const struct plug *p, uint32_t logical)
{
	struct target *back;
	struct blk *at;

	if (!rig_target(r)->ops->back || rig_target(r)->ops->back(rig_target(r), &back))
		return;
	at = blk_open_on(r, back, NODE_DIRECT);
	at->logical = logical;
	check_kept(r, p, at, "in the store");
}

static void unplug(struct rig *r)
{
	struct node_facts now = blk_now(r);
	struct plug p = { .begun = FLIGHTS };
	char before[512], after[512];

	blk_need_of(r, &now, NODE_PLUG);
	if (now.bytes < 2 * AREA)
		rig_skip(r, "size", "a node of %" PRIu64 " bytes", 2 * AREA);
	p.front = blk_open(r, NODE_DIRECT);
	blk_put(r, p.front, 0, AREA, (FLIGHTS + 2) * CHUNK, OLD);
	blk_sync_ok(r, p.front);
	cross_who(r, before);
	for (unsigned i = 0; i < FLIGHTS; i++)
		cross_flight_begin(r, &p.f[i], AREA + i * CHUNK,
				   i % 2 ? NODE_WRITE | NODE_DSYNC : 0);
	blk_tell(r, "node plug out");
	await_gone(r, &p);
	rig_note(r, "%" PRIu64 " I/Os until it was gone", p.begun);
	check_gone(r, &p);
	close_all(&p);
	plug_in(r);
	cross_who(r, after);
	check_text(r, CHECK_SITE(0, 0), "who the front is, plugged in again",
		   !strcmp(before, after), after, before);
	p.front = blk_open(r, NODE_DIRECT);
	check_kept(r, &p, p.front, "at the front");
	check_works(r, p.front);
	check_back(r, &p, p.front->logical);
}

static const struct rig_case cases[] = {
	{ .id = "unplug",
	  .rule = "When the drive is unplugged each I/O has its end and the node is gone; plugged in "
		  "again it is who it was, has what was told done, and works.",
	  .ref = "Base 2.0 Identify Controller data structure; NVM CS 1.0 Identify Namespace data "
		 "structure (NGUID, EUI64); Linux drivers/nvme/host: remove; read(2), write(2)",
	  .needs = NEED_NODE,
	  .harm = HARM_DATA,
	  .fault = "cross-plug-stuck cross-plug-drops cross-plug-stays cross-plug-never "
		   "cross-plug-other cross-plug-lost cross-plug-dead",
	  .na = blk_na_zoned,
	  .run = unplug,
	  .shakes = true,
	  .deadline_s = 150 },
};

SUITE(cross_plug_suite, CONFORMANCE, "cross", cases);
