// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * cross: what is under way while something between the two ends stops and goes on: a store that
 * answers nothing, a way that is cut. A host waits, tries again or says that it failed; it loses
 * nothing, and says of nothing that it was done which was not.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/clock.h"
#include "cross_parts.h"

#define FLIGHTS 4u
#define CHUNK	CROSS_CHUNK
#define POLL_NS CROSS_POLL_NS
#define END_NS	CROSS_END_NS

/* ---- hang ---- */

/* Failed, it may have been done in part, or not at all; done, it stands in the store. */
static void check_flight(struct rig *r, const struct ends *e, const struct cross_flight *f)
{
	uint32_t per = f->b->logical;
	char what[64];

	snprintf(what, sizeof(what), "%s at byte %" PRIu64, f->flags & NODE_WRITE ? "write" : "read", f->at);
	if (f->done < 0)
		CHECK_ERRNO(r, what, f->done, EIO, ETIMEDOUT, ENODATA, EILSEQ);
	else if (!CHECK_BYTES(r, what, f->done, CHUNK))
		return;
	else if (f->flags & NODE_WRITE)
		CHECK_BACK_OF(r, e, f->at, CHUNK, NEW);
	else
		rig_check_stamp(r, CHECK_SITE(0, 0), f->data, f->at / per, (uint32_t)(CHUNK / per),
				per, OLD);
}

/* The front works again: a host that resets its controller meanwhile may need some seconds. */
static void again(struct rig *r, const struct ends *e)
{
	uint64_t until = rig_now(r) + END_NS;
	uint8_t *data = blk_mem(r, CHUNK);

	while (blk_read(e->front, 0, AREA, data, CHUNK) < 0 && rig_now(r) < until)
		rig_wait(r, 10 * POLL_NS);
	cross_put(r, e, AREA, CHUNK);
	CHECK_BACK(r, e, AREA, CHUNK);
}

/* Longer than a host of a guest gives a command (nvme_core.io_timeout), but at effort quick. */
static void hang(struct rig *r)
{
	struct ends e = cross_ends(r, NODE_HANG);
	struct cross_flight f[FLIGHTS];

	cross_put(r, &e, AREA, (FLIGHTS + 1) * CHUNK);
	blk_tell_on(r, e.back->t, "node hang");
	for (unsigned i = 0; i < FLIGHTS; i++)
		cross_flight_begin(r, &f[i], AREA + (i + 1) * CHUNK, i % 2 ? NODE_WRITE : 0);
	cross_watch(r, f, FLIGHTS, rig_pick(r, 1, 8, 20) * NS_PER_S);
	rig_note(r, "%u of %u I/Os had no end while the store hung", cross_flights_on(f, FLIGHTS), FLIGHTS);
	blk_tell_on(r, e.back->t, "node wake");
	cross_land(r, f, FLIGHTS, "the store answers again");
	again(r, &e);
	blk_sync_ok(r, e.front);
	for (unsigned i = 0; i < FLIGHTS; i++)
		check_flight(r, &e, &f[i]);
}

/* ---- reconnect, identity ---- */

/*
 * Connect to what the port does not show any more is refused with Do Not Retry, and a host may obey:
 * newer Linux takes the device away for good.
 */
static void need_front(struct rig *r)
{
	uint64_t dev = rig_target(r)->caps.dev;
	char path[64];

	snprintf(path, sizeof(path), "/sys/dev/block/%u:%u", major((dev_t)dev), minor((dev_t)dev));
	if (dev && access(path, F_OK))
		rig_skip(r, "needs",
			 "a host that goes on connecting when it is told Do Not Retry: this one "
			 "gave up");
}

static void await_front(struct rig *r, const struct ends *e)
{
	uint64_t until = rig_now(r) + END_NS;
	uint8_t *data = blk_mem(r, CHUNK);

	while (blk_read(e->front, 0, AREA, data, CHUNK) < 0 && rig_now(r) < until) {
		need_front(r);
		rig_wait(r, 10 * POLL_NS);
	}
}

static void check_all_done(struct rig *r, const struct ends *e, const struct cross_flight *f)
{
	char what[64];

	for (unsigned i = 0; i < 2 * FLIGHTS; i++) {
		snprintf(what, sizeof(what), "write at byte %" PRIu64, f[i].at);
		if (CHECK_BYTES(r, what, f[i].done, CHUNK))
			CHECK_BACK_OF(r, e, f[i].at, CHUNK, NEW);
	}
}

/* Some are under way when the way is cut, some come while it is. */
static void reconnect(struct rig *r)
{
	struct ends e = cross_ends(r, 0);
	struct cross_flight f[2 * FLIGHTS];

	blk_need_of(r, &e.at_front, NODE_LINK);
	for (uint64_t n = rig_pick(r, 1, 2, 10); n; n--) {
		cross_put(r, &e, AREA, (2 * FLIGHTS + 1) * CHUNK);
		for (unsigned i = 0; i < FLIGHTS; i++)
			cross_flight_begin(r, &f[i], AREA + i * CHUNK, NODE_WRITE);
		blk_tell(r, "node link off");
		for (unsigned i = FLIGHTS; i < 2 * FLIGHTS; i++)
			cross_flight_begin(r, &f[i], AREA + i * CHUNK, NODE_WRITE);
		cross_watch(r, f, 2 * FLIGHTS, rig_pick(r, 1, 3, 5) * NS_PER_S);
		blk_tell(r, "node link on");
		cross_land(r, f, 2 * FLIGHTS, "the way is there again");
		need_front(r);
		blk_sync_ok(r, e.front);
		check_all_done(r, &e, f);
		CHECK_BACK(r, &e, AREA + 2 * FLIGHTS * CHUNK, CHUNK);
	}
}

static void identity(struct rig *r)
{
	struct ends e = cross_ends(r, 0);
	char before[512], after[512];

	blk_need_of(r, &e.at_front, NODE_LINK);
	cross_who(r, before);
	blk_tell(r, "node link off");
	rig_wait(r, NS_PER_S);
	blk_tell(r, "node link on");
	await_front(r, &e);
	again(r, &e);
	cross_who(r, after);
	check_text(r, CHECK_SITE(0, 0), "who the front is, connected again", !strcmp(before, after),
		   after, before);
}

#define REF_LINUX "Linux drivers/nvme/host: timeout, error recovery, reconnect; read(2), write(2)"

static const struct rig_case cases[] = {
	{ .id = "hang",
	  .rule = "While the store answers nothing commands wait or fail; when it answers again "
		  "each "
		  "has had one end, what was told done is there, and the front works.",
	  .ref = REF_LINUX,
	  .needs = CROSS_NEEDS,
	  .harm = HARM_DATA,
	  .fault = "cross-hang-lost cross-hang-answered",
	  .na = blk_na_zoned,
	  .run = hang,
	  .shakes = true,
	  .deadline_s = 150 },
	{ .id = "reconnect",
	  .rule = "What is under way when the way to the store is cut, and what comes meanwhile, "
		  "is "
		  "done when it is back, within the host's time: none is lost, none fails.",
	  .ref = REF_LINUX,
	  .needs = CROSS_NEEDS,
	  .harm = HARM_DATA,
	  .fault = "cross-link-drops cross-link-fails",
	  .na = blk_na_zoned,
	  .run = reconnect,
	  .shakes = true,
	  .deadline_s = 150 },
	{ .id = "identity",
	  .rule = "Connected again the front is who it was: serial number, model, identifiers of "
		  "the "
		  "namespace.",
	  .ref = "Base 2.0 Identify Controller data structure; NVM CS 1.0 Identify Namespace data "
		 "structure (NGUID, EUI64); Linux Documentation/ABI/stable/sysfs-block",
	  .needs = CROSS_NEEDS,
	  .harm = HARM_DATA,
	  .fault = "cross-link-other",
	  .na = blk_na_zoned,
	  .run = identity,
	  .shakes = true,
	  .deadline_s = 150 },
};

SUITE(cross_live_suite, CONFORMANCE, "cross", cases);
