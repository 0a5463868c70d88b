// SPDX-License-Identifier: GPL-2.0-or-later
/* The zone state machine: every action in every state, one zone at a time and all at once. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "zns_bench.h"

#define ATTRIBUTES (NVME_ZNS_ZA_ZFC | NVME_ZNS_ZA_FZR | NVME_ZNS_ZA_RZR | NVME_ZNS_ZA_ZDEV)

/* ---- transitions: the rows are the specification's table ---- */

static const struct zone_rule rules[] = { ZONE_RULES(ZONE_RULE) };
static const struct zone_rule rules_forever[] = { ZONE_RULES_FOREVER(ZONE_RULE) };

/* The general code of a Read Only and an Offline zone stands beside that of the action. */
static void check_answer(struct bench *b, const struct zone_rule *rule, struct cpl cpl)
{
	bool refused = rule->status == SC_ZONE_TRANSITION;

	if (refused && rule->state == ZONE_READ_ONLY)
		CHECK_STATUS_OF(b->r, rule->name, cpl, rule->status, SC_ZONE_READ_ONLY);
	else if (refused && rule->state == ZONE_OFFLINE)
		CHECK_STATUS_OF(b->r, rule->name, cpl, rule->status, SC_ZONE_OFFLINE);
	else
		CHECK_STATUS_OF(b->r, rule->name, cpl, rule->status);
}

/* Where the write pointer is afterwards, in states that have one. */
static uint64_t wp_after(const struct zone_rule *rule, const struct zone_view *was)
{
	bool writes = rule->action == ZONE_DO_WRITE || rule->action == ZONE_DO_APPEND;

	if (rule->next == ZONE_EMPTY)
		return was->start;
	return was->wp + (writes && rule->status == SC_SUCCESS);
}

static void check_after(struct bench *b, const struct zone_rule *rule, const struct zone_view *was,
			const struct zone_view *now)
{
	if (rule->should && now->state == rule->state)
		ADVISE_TRUE(b->r, rule->next == rule->state, "%s: the zone is %s, and stayed %s",
			    rule->name, zone_state_name(rule->next), zone_state_name(now->state));
	else
		bench_check_state(b, "state of the zone afterwards", now->state, rule->next);
	bench_check_wp(b, "write pointer afterwards", now, wp_after(rule, was));
	if (rule->action == ZONE_DO_RESET && rule->status == SC_SUCCESS)
		CHECK_EQ(b->r, "attributes after Reset Zone", now->attributes & ATTRIBUTES, 0);
}

/* In one zone; false when there is none of the rule's state. */
static bool ask_rule(struct bench *b, const struct zone_rule *rule, uint64_t zone)
{
	struct zone_view *before, was, now;

	if (!bench_can(b, rule->action))
		return false;
	zone = bench_bring(b, zone, rule->state);
	if (zone == ZONE_NONE)
		return false;
	before = bench_look_all(b);
	was = before[zone];
	check_answer(b, rule, bench_act(b, zone, rule->action));
	now = bench_look(b, zone);
	check_after(b, rule, &was, &now);
	bench_check_others(b, before, zone);
	return true;
}

static void transition(struct rig *r)
{
	const struct zone_rule *rule = rig_row(r);
	struct bench b = { 0 };
	bool asked = false;

	while (bench_next_empty(r, &b)) {
		asked |= ask_rule(&b, rule, bench_usable(&b, 0));
		bench_send_all(&b, ZONE_DO_RESET);
		asked |= ask_rule(&b, rule, bench_last(&b));
		bench_send_all(&b, ZONE_DO_RESET);
	}
	if (!asked)
		rig_na(r, "no zoned namespace has a zone that is %s, or the action is not offered",
		       zone_state_name(rule->state));
}

/* Only the first zone of the state: there may be no other. */
static void transition_forever(struct rig *r)
{
	const struct zone_rule *rule = rig_row(r);
	struct bench b = { 0 };
	bool asked = false;

	while (bench_next_empty(r, &b))
		asked |= ask_rule(&b, rule, 0);
	if (!asked)
		rig_na(r, "no zoned namespace has a zone that is %s", zone_state_name(rule->state));
}

/* ---- select-all ---- */

static const struct all_row {
	const char *name;
	enum zone_action action;
} all_rows[] = {
	{ "close", ZONE_DO_CLOSE },
	{ "finish", ZONE_DO_FINISH },
	{ "open", ZONE_DO_OPEN },
	{ "reset", ZONE_DO_RESET },
};
static const struct all_row all_rows_forever[] = { { "offline", ZONE_DO_OFFLINE } };

/* Zones in every state that can be brought about: two active ones, of which one is open. */
static void one_of_each(struct bench *b)
{
	static const enum zone_state states[] = { ZONE_CLOSED, ZONE_EMPTY, ZONE_FULL,
						  ZONE_EXPLICIT };
	uint32_t mar = b->ns->zones.mar, mor = b->ns->zones.mor;
	uint64_t n = 0;

	if ((mar && mar < 3) || (mor && mor < 3))
		rig_na(b->r, "MAR %u and MOR %u leave no room for a zone of each state", mar, mor);
	for (; n < ARRAY_SIZE(states); n++)
		bench_bring(b, bench_usable(b, n), states[n]);
	bench_bring(b, bench_usable(b, n), ZONE_IMPLICIT);
}

static void check_all(struct bench *b, enum zone_action action, const struct zone_view *before)
{
	const struct zone_view *now = bench_look_all(b);
	char what[96];

	for (uint64_t i = 0; i < b->zones; i++) {
		bool taken = zone_action_takes_all(action, before[i].state);
		const struct zone_rule *rule = taken ? zone_rule(before[i].state, action) : NULL;

		snprintf(what, sizeof(what), "zone %" PRIu64 ", %s: state", i,
			 zone_state_name(before[i].state));
		if (rule && rule->should && now[i].state == before[i].state)
			ADVISE_TRUE(b->r, false, "%s becomes %s", what,
				    zone_state_name(rule->next));
		else if (rule || now[i].state != before[i].state)
			bench_check_state(b, what, now[i].state,
					  rule ? rule->next : before[i].state);
	}
}

static void select_all(struct rig *r)
{
	const struct all_row *row = rig_row(r);
	struct bench b = { 0 };
	struct zone_view *before;

	while (bench_next_empty(r, &b)) {
		one_of_each(&b);
		before = bench_look_all(&b);
		CHECK_STATUS_OF(r, row->name, bench_send_all(&b, row->action), SC_SUCCESS);
		check_all(&b, row->action, before);
		bench_send_all(&b, ZONE_DO_RESET);
	}
}

/* ---- send-args ---- */

static void ask_wrong_lba(struct bench *b, enum zone_action action, uint64_t lba)
{
	struct cmd c = cmd_zone_send(b->ns->nsid, lba, (uint8_t)action, false);
	char what[96];

	if (action == ZONE_DO_EXTEND) {
		c.dir = CMD_OUT;
		c.data_len = b->ns->zones.extension;
		c.data = rig_mem(b->r, c.data_len);
	}
	snprintf(what, sizeof(what), "action %02Xh at LBA %" PRIX64 "h, no start of a zone: status",
		 action, lba);
	if (lba < b->ns->nsze)
		CHECK_STATUS_OF(b->r, what, rig_io(b->r, b->q, c), SC_INVALID_FIELD);
	else
		CHECK_STATUS_OF(b->r, what, rig_io(b->r, b->q, c), SC_INVALID_FIELD,
				SC_LBA_OUT_OF_RANGE);
}

static void args_lba(struct bench *b)
{
	static const enum zone_action actions[] = {
		ZONE_DO_OPEN,  ZONE_DO_CLOSE,	ZONE_DO_FINISH,
		ZONE_DO_RESET, ZONE_DO_OFFLINE, ZONE_DO_EXTEND
	};
	uint64_t start = bench_start(b, bench_last(b));
	const uint64_t wrong[] = { start + 1,	start + b->size - 1, start - 1,
				   b->ns->nsze, b->ns->nsze + 1,     UINT64_MAX };

	for (size_t a = 0; a < ARRAY_SIZE(actions); a++)
		for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
			if (bench_can(b, actions[a]))
				ask_wrong_lba(b, actions[a], wrong[i]);
}

/* 11h came with a later revision. */
static void args_action(struct bench *b)
{
	static const uint8_t reserved[] = { 0x00, 0x06, 0x07, 0x0f, 0x12, 0x20, 0x7f, 0x80, 0xff };
	char what[64];

	for (size_t i = 0; i < ARRAY_SIZE(reserved); i++) {
		snprintf(what, sizeof(what), "reserved action %02Xh: status", reserved[i]);
		CHECK_STATUS_OF(
			b->r, what,
			rig_io(b->r, b->q, cmd_zone_send(b->ns->nsid, 0, reserved[i], false)),
			SC_INVALID_FIELD);
	}
}

static void args_extension(struct bench *b)
{
	size_t len = b->ns->zones.extension ? b->ns->zones.extension : 64;
	struct cmd c = cmd_zone_send(b->ns->nsid, 0, ZONE_DO_EXTEND, b->ns->zones.extension);

	c.dir = CMD_OUT;
	c.data_len = len;
	c.data = rig_mem(b->r, len);
	CHECK_STATUS_OF(b->r,
			b->ns->zones.extension ? "extension of all zones: status"
					       : "extension with ZDES 0: status",
			rig_io(b->r, b->q, c), SC_INVALID_FIELD);
}

static const struct args_row {
	const char *name;
	void (*ask)(struct bench *b);
} args_rows[] = { { "lba", args_lba }, { "action", args_action }, { "extension", args_extension } };

/* What is refused changes nothing. */
static void send_args(struct rig *r)
{
	const struct args_row *row = rig_row(r);
	struct bench b = { 0 };

	while (bench_next_empty(r, &b)) {
		struct zone_view *before = bench_look_all(&b);

		row->ask(&b);
		bench_check_others(&b, before, ZONE_NONE);
	}
}

/* ---- write-protected ---- */

#define FID_PROTECT 0x84
#define PROTECTED   1u

static const char *na_protect(const struct facts *f)
{
	return f->id.nwpc & 1 ? bench_na(f) : "NWPC bit 0 is 0: no write protection";
}

static void set_protection(struct bench *b, uint32_t state)
{
	rig_admin_ok(b->r, cmd_set_features(FID_PROTECT, false, b->ns->nsid, state));
}

/* What is active becomes Full, and nothing can be done to zones. */
static void ask_protected(struct bench *b)
{
	static const enum zone_action actions[] = { ZONE_DO_OPEN,  ZONE_DO_CLOSE,   ZONE_DO_FINISH,
						    ZONE_DO_RESET, ZONE_DO_OFFLINE, ZONE_DO_EXTEND,
						    ZONE_DO_WRITE, ZONE_DO_APPEND };
	uint64_t empty = bench_usable(b, 0), active = bench_usable(b, 1);

	bench_check_state(b, "an open zone, once protected", bench_look(b, active).state,
			  ZONE_FULL);
	for (size_t i = 0; i < ARRAY_SIZE(actions); i++)
		if (bench_can(b, actions[i]))
			CHECK_STATUS_OF(b->r, "an action on a protected namespace: status",
					bench_act(b, empty, actions[i]), SC_NS_WRITE_PROTECTED);
	CHECK_STATUS_OF(b->r, "Reset of all zones of a protected namespace: status",
			bench_send_all(b, ZONE_DO_RESET), SC_NS_WRITE_PROTECTED);
	bench_check_state(b, "an Empty zone, once protected", bench_look(b, empty).state,
			  ZONE_EMPTY);
}

static void write_protected(struct rig *r)
{
	struct bench b = { 0 };

	while (bench_next_empty(r, &b)) {
		bench_bring(&b, bench_usable(&b, 1), ZONE_IMPLICIT);
		rig_keep_feature(r, FID_PROTECT, b.ns->nsid, 0);
		set_protection(&b, PROTECTED);
		ask_protected(&b);
		set_protection(&b, 0);
	}
}

/* ---- extension ---- */

static const char *na_extension(const struct facts *f)
{
	for (unsigned i = 0; i < f->n_ns; i++)
		if (f->ns[i].zones.extension && !f->ns[i].ms)
			return NULL;
	return f->has_zoned ? "ZDES is 0h: no Zone Descriptor Extension" : bench_na(f);
}

static void check_extension(struct bench *b, uint64_t zone, const uint8_t *want)
{
	struct cmd_report ask = { .lba = bench_start(b, zone),
				  .zra = NVME_ZNS_ZRA_EXTENDED_REPORT_ZONES,
				  .partial = true };
	size_t len = sizeof(struct nvme_zone_report) + sizeof(struct nvme_zns_desc) +
		     b->ns->zones.extension;
	uint8_t *got = rig_mem(b->r, len);

	CHECK_STATUS_OF(b->r, "Extended Report Zones: status",
			rig_io(b->r, b->q, cmd_zone_receive(b->ns->nsid, ask, got, len)),
			SC_SUCCESS);
	CHECK_EQ(b->r, "zones of an extended report for one", le64_at(got), 1);
	CHECK_MEM(b->r, "the extension", got + len - b->ns->zones.extension, want,
		  b->ns->zones.extension);
}

/* It comes with the zone's closing, lasts while the zone is written and finished, goes with Reset.
 */
static void ask_extension(struct bench *b, uint64_t zone)
{
	uint8_t *data = rig_mem(b->r, b->ns->zones.extension);

	for (uint32_t i = 0; i < b->ns->zones.extension; i++)
		data[i] = (uint8_t)rig_rand(b->r);
	CHECK_STATUS_OF(b->r, "Set Zone Descriptor Extension: status",
			bench_extend(b, zone, data, b->ns->zones.extension), SC_SUCCESS);
	for (unsigned step = 0; step < 3; step++) {
		CHECK_EQ(b->r, "ZDEV", !!(bench_look(b, zone).attributes & NVME_ZNS_ZA_ZDEV), 1);
		check_extension(b, zone, data);
		if (step == 0)
			bench_put(b, bench_start(b, zone), 1);
		else
			bench_do(b, zone, ZONE_DO_FINISH);
	}
	bench_do(b, zone, ZONE_DO_RESET);
	CHECK_EQ(b->r, "ZDEV after Reset Zone", bench_look(b, zone).attributes & NVME_ZNS_ZA_ZDEV,
		 0);
}

static void extension(struct rig *r)
{
	struct bench b = { 0 };

	while (bench_next_empty(r, &b))
		if (b.ns->zones.extension) {
			ask_extension(&b, bench_usable(&b, 0));
			ask_extension(&b, bench_last(&b));
		}
}

#define REF_SEND "ZNS CS 1.1 Zone Management Send command, Zone Send Actions; "

static const struct rig_case cases[] = {
	{ .id = "transitions",
	  .rule = "Each action takes a zone where the state machine says, or is refused.",
	  .ref = REF_SEND "ZNS CS 1.1 Zone State Machine",
	  .needs = NEED_COMMAND,
	  .harm = HARM_DATA,
	  .fault = "zns-close-empty-accepted zns-close-opens zns-finish-empty-refused "
		   "zns-open-full-accepted zns-idle-action-refused zns-read-only-resets "
		   "zns-offline-any-state zns-write-opens-explicitly zns-never-full "
		   "zns-full-wrong-status zns-reset-keeps-wp zns-read-only-writable "
		   "zns-offline-writable",
	  .na = bench_na,
	  .run = transition,
	  .deadline_s = 300,
	  ROWS(rules) },
	{ .id = "offline-zone",
	  .rule = "Offline Zone takes a Read Only zone offline, for ever.",
	  .ref = REF_SEND "ZNS CS 1.1 Zone State Machine",
	  .needs = NEED_COMMAND,
	  .harm = HARM_FOREVER,
	  .fault = "zns-offline-refused",
	  .na = bench_na,
	  .run = transition_forever,
	  ROWS(rules_forever) },
	{ .id = "select-all",
	  .rule = "Select All does an action to the zones of the states listed, and to no other.",
	  .ref = REF_SEND "each where it speaks of Select All",
	  .needs = NEED_COMMAND,
	  .harm = HARM_DATA,
	  .fault = "zns-all-takes-empty zns-close-opens",
	  .na = bench_na,
	  .run = select_all,
	  ROWS(all_rows) },
	{ .id = "offline-all",
	  .rule = "Offline Zone of all takes every Read Only zone offline, and no other.",
	  .ref = REF_SEND "Offline Zone",
	  .needs = NEED_COMMAND,
	  .harm = HARM_FOREVER,
	  .fault = "zns-offline-all-refused",
	  .na = bench_na,
	  .run = select_all,
	  ROWS(all_rows_forever) },
	{ .id = "send-args",
	  .rule = "Zone Management Send refuses what is no start of a zone, and no action.",
	  .ref = REF_SEND "Base 2.0 Keywords (reserved)",
	  .needs = NEED_COMMAND,
	  .harm = HARM_DATA,
	  .fault = "zns-send-any-lba zns-reserved-action-accepted zns-extension-all-accepted",
	  .na = bench_na,
	  .run = send_args,
	  ROWS(args_rows) },
	{ .id = "write-protected",
	  .rule = "A write protected namespace has no active zones and takes no action on any.",
	  .ref = "ZNS CS 1.1 Managing resources; ZNS CS 1.1 Zone Management Send command; Base 2.0 "
		 "Namespace Write Protection",
	  .needs = NEED_COMMAND,
	  .harm = HARM_DATA,
	  .fault = "zns-protected-managed zns-protected-stays-active",
	  .na = na_protect,
	  .run = write_protected },
	{ .id = "extension",
	  .rule = "A Zone Descriptor Extension is kept until its zone is reset.",
	  .ref = "ZNS CS 1.1 Zone Descriptor Extension; ZNS CS 1.1 Set Zone Descriptor Extension",
	  .needs = NEED_COMMAND,
	  .harm = HARM_DATA,
	  .fault = "zns-extension-lost zns-reset-keeps-extension",
	  .na = na_extension,
	  .run = extension },
};

SUITE(zns_state_suite, CONFORMANCE, "zns", cases);
