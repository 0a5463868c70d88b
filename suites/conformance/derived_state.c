// SPDX-License-Identifier: GPL-2.0-or-later
/* Derived from the tables of features and resets: what is kept of a value, what of it a reset
 * takes, and each piece of state through every reset. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "derived.h"
#include "device.h"
#include "queue_parts.h"
#include "spec/feature.h"
#include "spec/reset.h"

#define SEL_DEFAULT    1
#define SEL_SAVED      2
#define SEL_SUPPORTED  3
#define CAP_SAVEABLE   1u
#define CAP_CHANGEABLE 4u
#define ENTRIES	       4u
#define HELD_NS	       (50 * 1000ull)

/* ---- the resets ---- */

static const char *na_function(const struct facts *f)
{
	return f->caps.has & NEED_CONFIG ? NULL : "no configuration space";
}

static void reset_by(struct rig *r, enum spec_reset kind)
{
	struct ctrl_config cfg = rig_ctrl(r)->config;
	const char *na;

	switch (kind) {
	case RESET_OF_FUNCTION:
		na = na_function(rig_facts(r));
		if (na)
			rig_skip(r, "needs", "%s", na);
		rig_flr(r);
		break;
	case RESET_OF_SUBSYSTEM:
		na = device_na_nssr(rig_facts(r));
		if (na)
			rig_na(r, "%s", na);
		device_nssr(r, device_config_keep(r));
		break;
	case RESET_AFTER_SHUTDOWN:
		CHECK_EQ(r, "a normal shutdown (0: it completes)",
			 ctrl_shutdown(rig_ctrl(r), 1, 0, NULL), 0);
		break;
	case RESET_OF_CONTROLLER:
	case SPEC_RESETS:
		break;
	}
	rig_ctrl_with(r, &cfg);
}

/* ---- features ---- */

static const struct spec_feature *feature_of(const struct derived_row *row)
{
	return spec_feature((uint8_t)row->when);
}

static uint32_t nsid_of(struct rig *r, const struct spec_feature *f)
{
	return f->scope == SCOPE_NAMESPACE ? rig_ns(r)->nsid : 0;
}

static struct cpl get(struct rig *r, const struct spec_feature *f, uint8_t sel)
{
	return rig_admin(r, cmd_get_features((uint8_t)f->value.from, sel, nsid_of(r, f), 0));
}

static bool has_select(struct rig *r)
{
	return spec_has(&rig_ctrl(r)->claims, CLAIM_ONCS_SELECT);
}

/* Leaves as N/A where it is not claimed or cannot be set. */
static void need_settable(struct rig *r, const struct spec_feature *f)
{
	if (!spec_has(&rig_ctrl(r)->claims, f->value.claim))
		rig_na(r, "%s is 0", spec_claim_name(f->value.claim));
	if (has_select(r) && !(get(r, f, SEL_SUPPORTED).dw0 & CAP_CHANGEABLE))
		rig_na(r, "its capabilities say that it cannot be changed");
	rig_keep_feature(r, (uint8_t)f->value.from, nsid_of(r, f), 0);
}

static struct cpl set(struct rig *r, const struct spec_feature *f, uint32_t value)
{
	return rig_admin(r, cmd_set_features((uint8_t)f->value.from, false, nsid_of(r, f), value));
}

static void ask_kept(struct rig *r)
{
	const struct derived_row *row = rig_row(r);
	const struct spec_feature *f = feature_of(row);
	struct sqe e = { .opcode = 0 };
	uint32_t now;

	need_settable(r, f);
	now = get(r, f, 0).dw0;
	e.cdw11 = le32_from(now);
	spec_field_put(row->field, &e, row->value);
	REQUIRE_STATUS(r, set(r, f, le32_get(e.cdw11)), SC_SUCCESS);
	e.cdw11 = le32_from(get(r, f, 0).dw0);
	CHECK_EQ(r, row->field->name, spec_field_get(row->field, &e), row->value);
	REQUIRE_STATUS(r, set(r, f, now), SC_SUCCESS);
}

static void kept_of(struct derived *d, const struct spec_feature *f, const struct spec_field *field)
{
	uint64_t max = spec_field_max(field);
	const uint64_t values[] = { 0, 1, max >> 1, (max >> 1) + 1, max };
	char name[16];
	size_t n = 0;

	for (; field->name[n] && n < sizeof(name) - 1; n++)
		name[n] = (char)tolower((unsigned char)field->name[n]);
	name[n] = 0;
	derived_case(d, (struct rig_case){ .ref = f->ref, .harm = HARM_SETTINGS, .run = ask_kept },
		     "feature.%s.%s-kept", f->id, name);
	derived_rule(d, "%s of %s is what it was set to.", field->name, f->value.name);
	if (!derived_bends(d, true, nvme_admin_set_features, (int)f->value.from, field->name,
			   HOW(CUT)))
		return;
	for (size_t i = 0; i < ARRAY_SIZE(values); i++)
		derived_row(d,
			    (struct derived_row){ .when = (int)f->value.from,
						  .field = field,
						  .value = values[i] },
			    "%llXh", (unsigned long long)values[i]);
}

static void features_kept(struct derived *d)
{
	for (const struct spec_feature *f = spec_features; f->value.name; f++)
		for (const struct spec_field *i = f->fields; i && i->name; i++)
			kept_of(d, f, i);
}

/* What a reset makes current; without the Select field, what the first reset made it. */
static uint32_t after_reset(struct rig *r, const struct spec_feature *f)
{
	uint8_t sel = SEL_DEFAULT;

	if (!has_select(r))
		return get(r, f, 0).dw0;
	if (get(r, f, SEL_SUPPORTED).dw0 & CAP_SAVEABLE)
		sel = SEL_SAVED;
	return get(r, f, sel).dw0;
}

static void ask_survival(struct rig *r)
{
	const struct derived_row *row = rig_row(r);
	const struct spec_feature *f = feature_of(row);
	uint32_t want;

	rig_reset(r); /* what another host left unsaved is gone */
	need_settable(r, f);
	want = after_reset(r, f);
	REQUIRE_STATUS(r, set(r, f, want ^ f->flip), SC_SUCCESS);
	reset_by(r, (enum spec_reset)row->kind);
	CHECK_EQ(r, "value after the reset", get(r, f, 0).dw0, want);
}

/* What no reset takes. */
static void ask_keeping(struct rig *r)
{
	const struct derived_row *row = rig_row(r);
	const struct spec_feature *f = feature_of(row);
	uint32_t want;

	need_settable(r, f);
	want = get(r, f, 0).dw0 ^ f->flip;
	REQUIRE_STATUS(r, set(r, f, want), SC_SUCCESS);
	reset_by(r, (enum spec_reset)row->kind);
	CHECK_EQ(r, "value after the reset", get(r, f, 0).dw0, want);
}

static void features_keeping(struct derived *d)
{
	for (const struct spec_feature *f = spec_features; f->value.name; f++) {
		derived_case(d,
			     (struct rig_case){ .ref = f->ref,
						.needs = NEED_QUEUES,
						.harm = HARM_SETTINGS,
						.run = ask_keeping },
			     "feature.%s.over-reset", f->id);
		derived_rule(d, "%s is what it was set to, whatever reset there is.",
			     f->value.name);
		if (!f->settable || f->after != AFTER_KEPT ||
		    !derived_bends(d, true, nvme_admin_set_features, (int)f->value.from, "",
				   HOW(FORGOTTEN)))
			continue;
		for (unsigned k = 0; k < SPEC_RESETS; k++)
			derived_row(d,
				    (struct derived_row){ .when = (int)f->value.from, .kind = k },
				    "%s", spec_resets[k].id);
	}
}

static void features_reset(struct derived *d)
{
	for (const struct spec_feature *f = spec_features; f->value.name; f++) {
		derived_case(d,
			     (struct rig_case){ .ref = "Base 2.2 Feature Values; Base 2.0 Set "
						       "Features command",
						.needs = NEED_QUEUES,
						.harm = HARM_SETTINGS,
						.run = ask_survival },
			     "feature.%s.reset", f->id);
		derived_rule(d, "A reset makes the saved value of %s current, or its default.",
			     f->value.name);
		if (!f->settable || f->after != AFTER_DEFAULT ||
		    !derived_bends(d, true, nvme_admin_set_features, (int)f->value.from, "",
				   HOW(SURVIVES)))
			continue;
		for (unsigned k = 0; k < SPEC_RESETS; k++)
			derived_row(d,
				    (struct derived_row){ .when = (int)f->value.from, .kind = k },
				    "%s", spec_resets[k].id);
	}
}

/* ---- other state ---- */

static void make_queues(struct rig *r)
{
	parts_sq(r, 1, rig_queue_fit(r, ENTRIES), parts_cq(r, 1, rig_queue_fit(r, ENTRIES)));
}

static void queues_gone(struct rig *r)
{
	CHECK_ERROR(r, rig_admin(r, cmd_delete_sq(1)));
	CHECK_ERROR(r, rig_admin(r, cmd_delete_cq(1)));
	make_queues(r);
}

static uint32_t set_count(struct rig *r, uint16_t n)
{
	uint32_t v = (uint32_t)(n - 1) << 16 | (n - 1u);
	struct cpl cpl = rig_admin(r, cmd_set_features(NVME_FEAT_FID_NUM_QUEUES, false, 0, v));

	REQUIRE_STATUS(r, cpl, SC_SUCCESS);
	return cpl.dw0;
}

static void make_count(struct rig *r)
{
	if (rig_facts(r)->nsq < 2 || rig_facts(r)->ncq < 2)
		rig_na(r, "one I/O queue pair is all there is");
	rig_reset(r);
	set_count(r, 1);
}

/* More than were granted first: either is legal before the reset, the old ones are not after it. */
static void count_gone(struct rig *r)
{
	uint32_t got = set_count(r, 2);

	CHECK_GE(r, "submission queues granted after the reset, 0's based", got & 0xffff, 1);
	CHECK_GE(r, "completion queues granted after the reset, 0's based", got >> 16, 1);
}

static unsigned event_limit(struct rig *r)
{
	unsigned n = rig_facts(r)->id.aerl + 1u, room = rig_ctrl(r)->asq->size - 2;

	return n < room ? n : room;
}

static void make_requests(struct rig *r)
{
	for (unsigned i = 0; i < event_limit(r); i++)
		rig_aer(r);
	rig_wait(r, HELD_NS);
}

static void requests_gone(struct rig *r)
{
	struct cpl cpl;

	for (unsigned i = 0; i < event_limit(r); i++)
		rig_aer(r);
	if (rig_event_try(r, &cpl, HELD_NS))
		CHECK_TRUE(r, cpl.status != SC_AER_LIMIT,
			   "as many event requests as AERL allows are taken after the reset");
	else
		CHECK_TRUE(r, true,
			   "as many event requests as AERL allows are taken after the reset");
}

static const struct {
	void (*make)(struct rig *r);
	void (*gone)(struct rig *r);
	const char *fault;
} pieces[SPEC_PIECES] = {
	[PIECE_IO_QUEUES] = { make_queues, queues_gone,
			      "io-queues-survive-reset flr-keeps-io-queues nssr-keeps-queues" },
	[PIECE_QUEUE_COUNT] = { make_count, count_gone, "bend-queue-count-survives" },
	[PIECE_EVENT_REQUESTS] = { make_requests, requests_gone, "aer-held-over-reset" },
};

static void ask_piece(struct rig *r)
{
	const struct derived_row *row = rig_row(r);

	pieces[row->value].make(r);
	reset_by(r, (enum spec_reset)row->kind);
	pieces[row->value].gone(r);
}

static void state(struct derived *d)
{
	for (unsigned p = 0; p < SPEC_PIECES; p++) {
		derived_case(d,
			     (struct rig_case){ .ref = spec_pieces[p].ref,
						.needs = NEED_QUEUES,
						.fault = pieces[p].fault,
						.run = ask_piece },
			     "state.%s", spec_pieces[p].id);
		derived_rule(d, "Every reset takes %s away.", spec_pieces[p].what);
		for (unsigned k = 0; k < SPEC_RESETS; k++)
			derived_row(d, (struct derived_row){ .value = p, .kind = k }, "%s",
				    spec_resets[k].id);
	}
}

static const struct rig_case *derive(size_t *ret_n)
{
	static void (*const generators[])(struct derived * d) = { features_kept, features_reset,
								  features_keeping, state, NULL };

	return derived_make(generators, ret_n);
}

DERIVED_SUITE(derived_state_suite, CONFORMANCE, "derived", derive);
