// SPDX-License-Identifier: GPL-2.0-or-later
/* What zones are after Reset Zone, and after resets of the controller and the subsystem. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "device.h"
#include "zns_bench.h"

#define WRITTEN		   4u
#define CMIC_MORE_THAN_ONE 0x2u

/* A zone before the reset: how it is brought about, and what it may be afterwards. */
static const struct before {
	const char *name;
	enum zone_state state;
	uint32_t blocks; /* written */
	bool extension;
} befores[] = {
	{ "closed", ZONE_CLOSED, WRITTEN, false },
	{ "full", ZONE_FULL, WRITTEN, false },
	{ "empty", ZONE_EMPTY, 0, false },
	{ "extended", ZONE_CLOSED, 0, true },
	{ "explicitly opened, written", ZONE_EXPLICIT, WRITTEN, false },
	{ "explicitly opened, not written", ZONE_EXPLICIT, 0, false },
	{ "implicitly opened", ZONE_IMPLICIT, WRITTEN, false },
};

struct plant {
	struct bench b;
	uint64_t zone[ARRAY_SIZE(befores)]; /* ZONE_NONE: there is no room for it */
	struct zone_view was[ARRAY_SIZE(befores)];
};

static void plant_one(struct plant *p, size_t i)
{
	const struct before *k = &befores[i];
	uint64_t zone = bench_usable(&p->b, i), start = bench_start(&p->b, zone);

	p->zone[i] = ZONE_NONE;
	if (zone == ZONE_NONE || (k->extension && !p->b.ns->zones.extension))
		return;
	if (k->state == ZONE_EXPLICIT)
		bench_do(&p->b, zone, ZONE_DO_OPEN);
	if (k->extension)
		bench_do(&p->b, zone, ZONE_DO_EXTEND);
	bench_put(&p->b, start, k->blocks);
	if (k->state == ZONE_CLOSED)
		bench_do(&p->b, zone, ZONE_DO_CLOSE);
	if (k->state == ZONE_FULL)
		bench_do(&p->b, zone, ZONE_DO_FINISH);
	p->was[i] = bench_look(&p->b, zone);
	if (p->was[i].state == k->state)
		p->zone[i] = zone;
}

/* Five active zones, three of them open. */
static bool plant(struct plant *p)
{
	uint32_t mar = p->b.ns->zones.mar, mor = p->b.ns->zones.mor;
	unsigned active = 0, open = 0;

	for (size_t i = 0; i < ARRAY_SIZE(befores); i++) {
		bool opens = zone_state_is_open(befores[i].state);

		p->zone[i] = ZONE_NONE;
		if (zone_state_is_active(befores[i].state) &&
		    ((mar && active == mar) || (opens && mor && open == mor) || (mor && mor < 2)))
			continue;
		plant_one(p, i);
		active += zone_state_is_active(befores[i].state);
		open += opens;
	}
	rig_io_ok(p->b.r, p->b.q, cmd_flush(p->b.ns->nsid));
	return true;
}

/* The text's rule for the initial state. */
static enum zone_state initial(const struct zone_view *was)
{
	bool begun = was->wp != was->start || was->attributes & NVME_ZNS_ZA_ZDEV;

	if (!zone_state_has_wp(was->state))
		return (enum zone_state)was->state;
	return begun ? ZONE_CLOSED : ZONE_EMPTY;
}

static void check_one(struct plant *p, size_t i, bool keeps, bool may_fill)
{
	struct zone_view now = bench_look(&p->b, p->zone[i]), *was = &p->was[i];
	enum zone_state want = keeps ? (enum zone_state)was->state : initial(was);
	bool filled = may_fill && now.state == ZONE_FULL && zone_state_is_active(was->state);
	char what[96];

	snprintf(what, sizeof(what), "zone %" PRIu64 ", %s: state after the reset", p->zone[i],
		 befores[i].name);
	if (!filled)
		bench_check_state(&p->b, what, now.state, want);
	snprintf(what, sizeof(what), "zone %" PRIu64 ", %s: write pointer after the reset",
		 p->zone[i], befores[i].name);
	bench_check_wp(&p->b, what, &now, was->wp);
	CHECK_EQ(p->b.r, "ZDEV after the reset", now.attributes & NVME_ZNS_ZA_ZDEV,
		 was->attributes & NVME_ZNS_ZA_ZDEV);
	if (befores[i].blocks)
		bench_check_data(&p->b, was->start, befores[i].blocks);
}

static void check_dead(struct plant *p, uint64_t read_only, uint64_t offline)
{
	if (read_only != ZONE_NONE)
		bench_check_state(&p->b, "the Read Only zone after the reset",
				  bench_look(&p->b, read_only).state, ZONE_READ_ONLY);
	if (offline != ZONE_NONE)
		bench_check_state(&p->b, "the Offline zone after the reset",
				  bench_look(&p->b, offline).state, ZONE_OFFLINE);
}

/* ---- reset-persist ---- */

static void by_controller(struct rig *r, struct device_config *config)
{
	(void)config;
	rig_reset(r);
}

static void bring_up(struct rig *r)
{
	struct ctrl_config cfg = ctrl_defaults(rig_ctrl_off(r));

	rig_ctrl_with(r, &cfg);
}

static void by_shutdown(struct rig *r, struct device_config *config)
{
	int err = ctrl_shutdown(rig_ctrl(r), 1, 0, NULL);

	(void)config;
	if (err)
		rig_broken(r, "set-up: the shutdown does not complete");
	rig_reset(r);
}

static void by_subsystem(struct rig *r, struct device_config *config)
{
	device_nssr(r, config);
	bring_up(r);
}

static void by_power(struct rig *r, struct device_config *config)
{
	(void)config;
	device_power_cycle(r);
	bring_up(r);
}

static const struct persist_row {
	const char *name;
	void (*reset)(struct rig *r, struct device_config *config);
	bool keeps;	/* states as well */
	bool may_fill;	/* active zones may become Full */
	bool needs_one; /* the other controllers of the subsystem have a say */
	bool needs_nssr;
} persist_rows[] = {
	{ "controller-reset", by_controller, true, false, false, false },
	{ "shutdown", by_shutdown, false, false, true, false },
	{ "subsystem-reset", by_subsystem, false, true, false, true },
	{ "power", by_power, false, true, false, false },
};

static void ask_persist(struct plant *p, const struct persist_row *row,
			struct device_config *config)
{
	uint64_t read_only, offline;

	read_only = bench_find(&p->b, ZONE_READ_ONLY);
	offline = bench_find(&p->b, ZONE_OFFLINE);
	plant(p);
	row->reset(p->b.r, config);
	bench_reopen(&p->b);
	for (size_t i = 0; i < ARRAY_SIZE(befores); i++)
		if (p->zone[i] != ZONE_NONE)
			check_one(p, i, row->keeps, row->may_fill);
	check_dead(p, read_only, offline);
	bench_send_all(&p->b, ZONE_DO_RESET);
}

static void reset_persist(struct rig *r)
{
	const struct persist_row *row = rig_row(r);
	struct device_config *config;
	struct plant p = { 0 };

	if (row->needs_one && rig_facts(r)->id.cmic & CMIC_MORE_THAN_ONE)
		rig_na(r, "CMIC bit 1 is 1: other controllers would have to be shut down as well");
	if (row->needs_nssr && device_na_nssr(rig_facts(r)))
		rig_na(r, "%s", device_na_nssr(rig_facts(r)));
	config = row->needs_nssr ? device_config_keep(r) : NULL;
	while (bench_next_empty(r, &p.b))
		ask_persist(&p, row, config);
}

/* ---- reset-zone ---- */

static const struct zone_row {
	const char *name;
	enum zone_state state;
} zone_rows[] = {
	{ "implicitly-opened", ZONE_IMPLICIT },
	{ "explicitly-opened", ZONE_EXPLICIT },
	{ "closed", ZONE_CLOSED },
	{ "full", ZONE_FULL },
};

static void ask_reset_zone(struct bench *b, uint64_t zone, enum zone_state state)
{
	struct zone_view now;

	if (b->ns->zones.extension && state != ZONE_IMPLICIT)
		bench_do(b, zone, ZONE_DO_EXTEND);
	bench_put(b, bench_start(b, zone), WRITTEN);
	if (state == ZONE_EXPLICIT)
		bench_do(b, zone, ZONE_DO_OPEN);
	if (state == ZONE_CLOSED)
		bench_do(b, zone, ZONE_DO_CLOSE);
	if (state == ZONE_FULL)
		bench_do(b, zone, ZONE_DO_FINISH);
	CHECK_STATUS_OF(b->r, "Reset Zone: status", bench_send(b, zone, ZONE_DO_RESET), SC_SUCCESS);
	now = bench_look(b, zone);
	bench_check_state(b, "state after Reset Zone", now.state, ZONE_EMPTY);
	bench_check_wp(b, "write pointer after Reset Zone", &now, now.start);
	CHECK_EQ(b->r, "ZDEV, RZR, FZR and ZFC after Reset Zone",
		 now.attributes &
			 (NVME_ZNS_ZA_ZFC | NVME_ZNS_ZA_FZR | NVME_ZNS_ZA_RZR | NVME_ZNS_ZA_ZDEV),
		 0);
	bench_check_deallocated(b, now.start, WRITTEN);
	bench_put(b, now.start, 1);
	bench_check_deallocated(b, now.start + 1, WRITTEN - 1);
	bench_do(b, zone, ZONE_DO_RESET);
}

static void reset_zone(struct rig *r)
{
	const struct zone_row *row = rig_row(r);
	struct bench b = { 0 };

	while (bench_next_empty(r, &b)) {
		ask_reset_zone(&b, bench_usable(&b, 0), row->state);
		ask_reset_zone(&b, bench_last(&b), row->state);
	}
}

static const struct rig_case cases[] = {
	{ .id = "reset-zone",
	  .rule = "Reset Zone empties the zone: write pointer, attributes and data.",
	  .ref = "ZNS CS 1.1 Reset Zone; ZNS CS 1.1 Logical Block Allocation and Capacity "
		 "Management",
	  .needs = NEED_COMMAND,
	  .harm = HARM_DATA,
	  .fault = "zns-reset-keeps-data zns-reset-keeps-wp zns-reset-keeps-extension",
	  .na = bench_na,
	  .run = reset_zone,
	  ROWS(zone_rows) },
	{ .id = "reset-persist",
	  .rule = "A Controller Reset leaves zones alone; shutdown and NVM Subsystem Reset put "
		  "them "
		  "in their initial state.",
	  .ref = "ZNS CS 1.1 Zone State Machine; Base 2.0 NVM Subsystem Reset, Memory-based "
		 "Transport Controller Shutdown",
	  .needs = NEED_QUEUES,
	  .harm = HARM_DATA,
	  .fault = "zns-controller-reset-closes zns-open-survives zns-unwritten-stays-open "
		   "zns-closed-forgotten",
	  .na = bench_na,
	  .run = reset_persist,
	  .deadline_s = 120,
	  ROWS(persist_rows) },
};

SUITE(zns_reset_suite, CONFORMANCE, "zns", cases);
