// SPDX-License-Identifier: GPL-2.0-or-later
#include "temperature.h"

/* ---- limit ---- */

/* Room in the admin queues for all AERs, one too many, and the commands beside them. */
static void enable_wide(struct rig *r)
{
	struct ctrl_config cfg = ctrl_defaults(rig_ctrl(r));

	cfg.admin_sq_entries = cfg.admin_cq_entries = 512;
	rig_ctrl_with(r, &cfg);
}

static void check_held(struct rig *r, unsigned n)
{
	struct cpl cpl = { .status = 0 };
	bool came = rig_event_try(r, &cpl, HELD_NS);

	REQUIRE_TRUE(r, !came, "%u AERs are held (one came back with status %03Xh, Dword 0 %08Xh)",
		     n, came ? cpl.status : 0, cpl.dw0);
}

static void check_refused(struct rig *r)
{
	struct ctrl *c = rig_ctrl(r);
	struct cpl cpl;
	uint16_t cid;

	rig_aer(r);
	cid = c->aer_cid[c->aers - 1];
	REQUIRE_TRUE(r, rig_event_try(r, &cpl, EVENT_NS), "an AER past the limit comes back");
	CHECK_EQ(r, "CID of the AER that came back (the last)", cpl.cid, cid);
	CHECK_STATUS(r, cpl, SC_AER_LIMIT);
}

static void limit(struct rig *r)
{
	unsigned n = rig_facts(r)->id.aerl + 1u, kelvin;
	struct cpl cpl;

	enable_wide(r);
	kelvin = temperature_watch(r);
	for (unsigned i = 0; i < n; i++)
		rig_aer(r);
	check_held(r, n);
	check_refused(r);
	temperature_cross(r, kelvin);
	REQUIRE_TRUE(r, rig_event_try(r, &cpl, EVENT_NS), "an event completes one of them");
	REQUIRE_STATUS(r, cpl, SC_SUCCESS);
	rig_aer(r);
	check_held(r, n);
	check_refused(r);
}

/* ---- temp-event ---- */

static void temp_event(struct rig *r)
{
	unsigned kelvin = temperature_watch(r);
	struct cpl cpl;

	rig_aer(r);
	check_held(r, 1);
	temperature_cross(r, kelvin);
	REQUIRE_TRUE(r, rig_event_try(r, &cpl, EVENT_NS), "crossing the threshold is reported");
	CHECK_STATUS(r, cpl, SC_SUCCESS);
	CHECK_EQ(r, "event type (1: SMART / Health)", EVENT_TYPE(cpl.dw0), TYPE_SMART);
	CHECK_EQ(r, "event information (1: Temperature Threshold)", EVENT_INFO(cpl.dw0), INFO_TEMP);
	CHECK_EQ(r, "log page", EVENT_LID(cpl.dw0), NVME_LOG_LID_SMART);
	CHECK_EQ(r, "reserved bits of Dword 0", cpl.dw0 & 0xff0000f8, 0);
}

/* ---- under-temperature ---- */

#define THSEL_UNDER (1u << 20)

static void under_temperature(struct rig *r)
{
	unsigned kelvin = temperature_watch(r);
	struct cpl cpl;

	rig_keep_feature(r, NVME_FEAT_FID_TEMP_THRESH, 0, THSEL_UNDER);
	rig_aer(r);
	check_held(r, 1);
	cpl = rig_admin(r, cmd_set_features(NVME_FEAT_FID_TEMP_THRESH, false, 0,
					    THSEL_UNDER | (kelvin + FAR)));
	if (cpl.status != SC_SUCCESS)
		rig_na(r, "no under temperature threshold can be set: %03Xh", cpl.status);
	REQUIRE_TRUE(r, rig_event_try(r, &cpl, EVENT_NS), "a temperature below it is reported");
	CHECK_STATUS(r, cpl, SC_SUCCESS);
	CHECK_EQ(r, "event type (1: SMART / Health)", EVENT_TYPE(cpl.dw0), TYPE_SMART);
	CHECK_EQ(r, "event information (1: Temperature Threshold)", EVENT_INFO(cpl.dw0), INFO_TEMP);
	CHECK_EQ(r, "log page", EVENT_LID(cpl.dw0), NVME_LOG_LID_SMART);
}

/* ---- held ---- */

/* Other commands overtake it, and time does not end it. */
static void held(struct rig *r)
{
	struct nvme_id_ctrl *id = rig_mem(r, sizeof(*id));
	struct cpl cpl;

	rig_reset(r);
	rig_aer(r);
	for (uint64_t n = rig_pick(r, 50, 200, 1000); n; n--)
		rig_id_ctrl(r, id);
	check_held(r, 1);
	rig_wait(r, rig_pick(r, 150, 300, 10000) * 1000000ull);
	CHECK_EQ(r, "AERs that came back with no event", rig_event_try(r, &cpl, 0), 0);
	CHECK_EQ(r, "AERs outstanding", rig_ctrl(r)->aers, 1);
}

/* ---- abort ---- */

static void check_refilled(struct rig *r, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		rig_aer(r);
	check_held(r, n);
	check_refused(r);
}

#define NOT_ABORTED 1u /* Dword 0 bit 0: Immediate Abort Not Performed */

/* Aborted at once: it comes back and says so. Not at once: it is held on, or comes back later. */
static bool abort_one(struct rig *r, uint16_t cid)
{
	struct cpl abort = rig_admin(r, cmd_abort(0, cid)), cpl = { .status = 0 };
	bool now = !(abort.dw0 & NOT_ABORTED), came;

	CHECK_STATUS(r, abort, SC_SUCCESS);
	came = rig_event_try(r, &cpl, now ? EVENT_NS : HELD_NS);
	if (now)
		REQUIRE_TRUE(r, came, "an AER that was aborted at once comes back");
	if (!came)
		return false;
	CHECK_STATUS(r, cpl, SC_ABORT_REQUESTED);
	CHECK_EQ(r, "CID of the AER that came back", cpl.cid, cid);
	return true;
}

/* Every one that AERL allows, the one between first, so that the order is not theirs. */
static void abort_each(struct rig *r)
{
	unsigned n = rig_facts(r)->id.aerl + 1u, aborted = 0;
	struct ctrl *c;

	enable_wide(r);
	c = rig_ctrl(r);
	for (unsigned i = 0; i < n; i++)
		rig_aer(r);
	check_held(r, n);
	for (unsigned i = 0; i < n && c->aers; i++)
		aborted += abort_one(r, c->aer_cid[c->aers / 2]);
	rig_note(r, "%u of %u AERs were aborted", aborted, n);
	if (aborted == n)
		check_refilled(r, n);
}

static const struct rig_case cases[] = {
	{ .id = "limit",
	  .rule = "AERL + 1 Asynchronous Event Requests are held, one more is refused.",
	  .ref = "Base 2.1 Asynchronous Event Request command; Base 2.1 Asynchronous Event Request "
		 "command, Command Completion",
	  .needs = NEED_CTRL,
	  .harm = HARM_SETTINGS,
	  .fault = "aer-limit-off-by-one aer-limit-wrong-status temp-event-missing",
	  .run = limit },
	{ .id = "temp-event",
	  .rule = "A temperature at its threshold is reported as a SMART / Health event.",
	  .ref = "Base 2.1 Asynchronous Event Request command; Base 2.1 Temperature Threshold "
		 "(Feature Identifier 04h); Base 2.1 Asynchronous Event Configuration (Feature "
		 "Identifier 0Bh)",
	  .needs = NEED_CTRL,
	  .harm = HARM_SETTINGS,
	  .fault = "temp-event-wrong-log temp-event-missing",
	  .run = temp_event },
	{ .id = "under-temperature",
	  .rule = "A temperature at its under temperature threshold is a SMART / Health event.",
	  .ref = "Base 2.0 Temperature Threshold (Feature Identifier 04h); Base 2.1 Asynchronous "
		 "Event Request command",
	  .needs = NEED_CTRL,
	  .harm = HARM_SETTINGS,
	  .fault = "temp-under-ignored temp-event-missing temp-event-wrong-log",
	  .run = under_temperature },
	{ .id = "held",
	  .rule = "An AER is outstanding until there is an event, and holds no other command up.",
	  .ref = "Base 2.0 Asynchronous Event Request command; Base 2.1 Asynchronous Event Request "
		 "command",
	  .needs = NEED_CTRL,
	  .fault = "aer-times-out",
	  .run = held },
	{ .id = "abort",
	  .rule = "An AER that is aborted comes back as aborted; one that is not is held on.",
	  .ref = "Base 2.0 Abort command; Base 2.1 Abort command",
	  .needs = NEED_CTRL,
	  .fault = "aer-abort-lies aer-abort-as-success",
	  .run = abort_each },
};

SUITE(aer_suite, CONFORMANCE, "aer", cases);
