// SPDX-License-Identifier: GPL-2.0-or-later
/* Active and Open Resources: as many zones as the limits say, and what becomes of one more. */
#include <inttypes.h>
#include <stdio.h>

#include "zns_bench.h"

#define LARGEST 4096u /* limit that is filled */

/* The actions that want a zone active, or open. */
static const enum zone_action wanting[] = { ZONE_DO_OPEN, ZONE_DO_WRITE, ZONE_DO_APPEND,
					    ZONE_DO_EXTEND };

static const char *action_name(enum zone_action action)
{
	switch (action) {
	case ZONE_DO_OPEN:
		return "Open Zone";
	case ZONE_DO_WRITE:
		return "Write";
	case ZONE_DO_APPEND:
		return "Zone Append";
	default:
		return "Set Zone Descriptor Extension";
	}
}

static unsigned count(struct bench *b, bool (*is)(unsigned state))
{
	const struct zone_view *all = bench_look_all(b);
	unsigned n = 0;

	for (uint64_t i = 0; i < b->zones; i++)
		n += is(all[i].state);
	return n;
}

/* Zones of which something can be made. */
static uint64_t usable(struct bench *b)
{
	uint64_t n = 0;

	while (bench_usable(b, n) != ZONE_NONE)
		n++;
	return n;
}

static bool can_fill(struct bench *b, uint32_t limit)
{
	return limit && limit <= LARGEST && usable(b) > limit + 1;
}

/* One zone more by the action: refused with this status or the other, and no zone changes. */
static void one_more(struct bench *b, uint64_t zone, enum zone_action action, uint16_t first,
		     uint16_t other)
{
	const uint16_t want[2] = { first, other };
	const struct zone_view *before;
	char what[80];

	if (!bench_can(b, action))
		return;
	before = bench_look_all(b);
	snprintf(what, sizeof(what), "%s of one zone more (MAR %u, MOR %u): status",
		 action_name(action), b->ns->zones.mar, b->ns->zones.mor);
	check_status_of(b->r, CHECK_SITE(0, 0), what, bench_act(b, zone, action), want,
			other ? 2 : 1);
	bench_check_others(b, before, ZONE_NONE);
}

/* ---- limits: active ---- */

/* MAR zones are Closed: no Open Resource is in use. */
static bool ask_active(struct bench *b)
{
	uint32_t mar = b->ns->zones.mar;

	if (!can_fill(b, mar))
		return false;
	for (uint32_t i = 0; i < mar; i++)
		bench_bring(b, bench_usable(b, i), ZONE_CLOSED);
	CHECK_EQ(b->r, "active zones", count(b, zone_state_is_active), mar);
	for (size_t i = 0; i < ARRAY_SIZE(wanting); i++) {
		one_more(b, bench_usable(b, mar), wanting[i], SC_ZONE_TOO_MANY_ACTIVE, 0);
		one_more(b, bench_last(b), wanting[i], SC_ZONE_TOO_MANY_ACTIVE, 0);
	}
	/* a Closed zone is one of them: it may be opened */
	bench_do(b, bench_usable(b, 0), ZONE_DO_OPEN);
	bench_do(b, bench_usable(b, 0), ZONE_DO_RESET);
	CHECK_STATUS_OF(b->r, "Open Zone once there is room again: status",
			bench_send(b, bench_usable(b, mar), ZONE_DO_OPEN), SC_SUCCESS);
	return true;
}

/* ---- limits: open ---- */

/* MOR zones are explicitly open, which the controller may not close. Where MAR is the same, both
 * are used up, and the text names one status. */
static bool ask_open(struct bench *b)
{
	uint32_t mor = b->ns->zones.mor;
	bool same = b->ns->zones.mar == mor;
	uint16_t want = same ? SC_ZONE_TOO_MANY_ACTIVE : SC_ZONE_TOO_MANY_OPEN;

	if (!can_fill(b, mor))
		return false;
	if (!same)
		bench_bring(b, bench_usable(b, mor), ZONE_CLOSED);
	for (uint32_t i = 0; i < mor; i++)
		bench_bring(b, bench_usable(b, i), ZONE_EXPLICIT);
	CHECK_EQ(b->r, "open zones", count(b, zone_state_is_open), mor);
	for (size_t i = 0; i < ARRAY_SIZE(wanting) - 1; i++) {
		bool full =
			b->ns->zones.mar == mor + 1; /* with the Closed zone no more is active */

		one_more(b, bench_usable(b, mor + 1), wanting[i], want,
			 full ? SC_ZONE_TOO_MANY_ACTIVE : 0);
		if (!same)
			one_more(b, bench_usable(b, mor), wanting[i], want, 0);
	}
	bench_do(b, bench_usable(b, 0), ZONE_DO_CLOSE);
	if (!same)
		CHECK_STATUS_OF(b->r, "Open Zone once there is room again: status",
				bench_send(b, bench_usable(b, mor), ZONE_DO_OPEN), SC_SUCCESS);
	return true;
}

/* ---- limits: implicitly opened ones ---- */

/* The controller may close one of them for another, or refuse; the limits hold either way. */
static bool ask_implicit(struct bench *b)
{
	uint32_t mor = b->ns->zones.mor, mar = b->ns->zones.mar;
	uint64_t writes = mar && mar < 2 * mor ? mar : 2 * mor;

	if (!can_fill(b, mor) || usable(b) <= writes)
		return false;
	for (uint64_t i = 0; i < writes; i++) {
		uint64_t zone = bench_usable(b, i);
		struct cpl cpl = bench_write(b, bench_start(b, zone), 1);

		if (i < mor)
			CHECK_STATUS_OF(b->r, "Write while there is room: status", cpl, SC_SUCCESS);
		else
			CHECK_STATUS_OF(b->r,
					"Write beyond MOR, to implicitly opened zones: status", cpl,
					SC_SUCCESS, SC_ZONE_TOO_MANY_OPEN, SC_ZONE_TOO_MANY_ACTIVE);
		CHECK_TRUE(b->r, count(b, zone_state_is_open) <= mor, "at most %u zones are open",
			   mor);
		if (cpl.status == SC_SUCCESS)
			CHECK_EQ(b->r, "write pointer of the zone written", bench_look(b, zone).wp,
				 bench_start(b, zone) + 1);
	}
	CHECK_TRUE(b->r, !mar || count(b, zone_state_is_active) <= mar,
		   "at most %u zones are active", mar);
	return true;
}

/* ---- limits: Finish, and Open of all ---- */

static bool ask_finish(struct bench *b)
{
	uint32_t mar = b->ns->zones.mar;
	uint64_t zone = bench_last(b);

	if (!can_fill(b, mar))
		return false;
	for (uint32_t i = 0; i < mar; i++)
		bench_bring(b, bench_usable(b, i), ZONE_CLOSED);
	CHECK_STATUS_OF(b->r, "Finish Zone of an Empty zone, no resource left: status",
			bench_send(b, zone, ZONE_DO_FINISH), SC_SUCCESS);
	bench_check_state(b, "the zone that was finished", bench_look(b, zone).state, ZONE_FULL);
	CHECK_EQ(b->r, "active zones", count(b, zone_state_is_active), mar);
	return true;
}

/* More Closed zones than may be open: none is opened. */
static bool ask_open_all(struct bench *b)
{
	uint32_t mor = b->ns->zones.mor, mar = b->ns->zones.mar;

	if (!can_fill(b, mor) || (mar && mar <= mor))
		return false;
	for (uint32_t i = 0; i <= mor; i++)
		bench_bring(b, bench_usable(b, i), ZONE_CLOSED);
	for (unsigned again = 0; again < 2; again++) {
		const struct zone_view *before = bench_look_all(b);

		CHECK_STATUS_OF(b->r, "Open of all Closed zones, one too many: status",
				bench_send_all(b, ZONE_DO_OPEN), SC_ZONE_TOO_MANY_OPEN);
		bench_check_others(b, before, ZONE_NONE);
	}
	return true;
}

static const struct limit_row {
	const char *name;
	bool (*ask)(struct bench *b);
} limit_rows[] = {
	{ "active", ask_active }, { "open", ask_open },		{ "implicit", ask_implicit },
	{ "finish", ask_finish }, { "open-all", ask_open_all },
};

static void limits(struct rig *r)
{
	const struct limit_row *row = rig_row(r);
	struct bench b = { 0 };
	bool asked = false;

	while (bench_next_empty(r, &b)) {
		asked |= row->ask(&b);
		bench_send_all(&b, ZONE_DO_RESET);
	}
	if (!asked)
		rig_na(r, "no zoned namespace has such a limit, or more zones than it");
}

static const struct rig_case cases[] = {
	{ .id = "limits",
	  .rule = "As many zones are active and open as MAR and MOR say; one more is refused.",
	  .ref = "ZNS CS 1.1 Zone Resources, Managing resources; ZNS CS 1.1 Zone Management Send "
		 "command, Open Zone",
	  .needs = NEED_COMMAND,
	  .harm = HARM_DATA,
	  .fault = "zns-mar-unchecked zns-mor-unchecked zns-limit-wrong-status "
		   "zns-refused-closes-another zns-finish-needs-resources zns-open-all-partly",
	  .na = bench_na,
	  .run = limits,
	  .deadline_s = 300,
	  ROWS(limit_rows) },
};

SUITE(zns_limit_suite, CONFORMANCE, "zns", cases);
