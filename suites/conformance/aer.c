// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/clock.h"
#include "kit/kit.h"

#define HELD_NS		(10 * NS_PER_MS) /* an AER refused would be back by now */
#define EVENT_NS	(10 * NS_PER_S)	 /* sensors are looked at now and then */

#define AEC_TEMPERATURE 0x2u /* the SMART critical warnings are bits 7:0 */
#define EVENT_TYPE(d)	((d)&7u)
#define EVENT_INFO(d)	((d) >> 8 & 0xff)
#define EVENT_LID(d)	((d) >> 16 & 0xff)
#define TYPE_SMART	1u
#define INFO_TEMP	1u

static unsigned composite_temperature(struct rig *r)
{
	struct nvme_smart_log *log = rig_mem(r, sizeof(*log));

	rig_admin_ok(r, cmd_get_log(NVME_LOG_LID_SMART, NSID_ALL, 0, log, sizeof(*log)));
	return le16_at(log->temperature);
}

/* With everything put back at the end; leaves where there is no temperature to compare. */
static void enable_temperature_events(struct rig *r)
{
	rig_keep_feature(r, NVME_FEAT_FID_TEMP_THRESH, 0, 0);
	rig_keep_feature(r, NVME_FEAT_FID_ASYNC_EVENT, 0, 0);
	if (composite_temperature(r) < 2)
		rig_na(r, "the controller reports no Composite Temperature");
	rig_admin_ok(r, cmd_set_features(NVME_FEAT_FID_ASYNC_EVENT, false, 0, AEC_TEMPERATURE));
}

/* The over temperature threshold goes below the temperature: the condition holds from now on. */
static void cross_threshold(struct rig *r)
{
	uint32_t below = composite_temperature(r) - 1;

	rig_admin_ok(r, cmd_set_features(NVME_FEAT_FID_TEMP_THRESH, false, 0, below));
}

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
	unsigned n = rig_facts(r)->id.aerl + 1u;
	struct cpl cpl;

	enable_wide(r);
	enable_temperature_events(r);
	for (unsigned i = 0; i < n; i++)
		rig_aer(r);
	check_held(r, n);
	check_refused(r);
	cross_threshold(r);
	REQUIRE_TRUE(r, rig_event_try(r, &cpl, EVENT_NS), "an event completes one of them");
	REQUIRE_STATUS(r, cpl, SC_SUCCESS);
	rig_aer(r);
	check_held(r, n);
	check_refused(r);
}

/* ---- temp-event ---- */

static void temp_event(struct rig *r)
{
	struct cpl cpl;

	enable_temperature_events(r);
	rig_aer(r);
	check_held(r, 1);
	cross_threshold(r);
	REQUIRE_TRUE(r, rig_event_try(r, &cpl, EVENT_NS), "crossing the threshold is reported");
	CHECK_STATUS(r, cpl, SC_SUCCESS);
	CHECK_EQ(r, "event type (1: SMART / Health)", EVENT_TYPE(cpl.dw0), TYPE_SMART);
	CHECK_EQ(r, "event information (1: Temperature Threshold)", EVENT_INFO(cpl.dw0), INFO_TEMP);
	CHECK_EQ(r, "log page", EVENT_LID(cpl.dw0), NVME_LOG_LID_SMART);
	CHECK_EQ(r, "reserved bits of Dword 0", cpl.dw0 & 0xff0000f8, 0);
}

static const struct rig_case cases[] = {
	{ .id = "limit",
	  .rule = "AERL + 1 Asynchronous Event Requests are held, one more is refused.",
	  .ref = "Base 2.1 Asynchronous Event Request command; Base 2.1 Asynchronous Event Request "
		 "command, Command Completion",
	  .needs = NEED_QUEUES,
	  .harm = HARM_SETTINGS,
	  .fault = "aer-limit-off-by-one aer-limit-wrong-status",
	  .run = limit },
	{ .id = "temp-event",
	  .rule = "A temperature at its threshold is reported as a SMART / Health event.",
	  .ref = "Base 2.1 Asynchronous Event Request command; Base 2.1 Temperature Threshold "
		 "(Feature Identifier 04h); Base 2.1 Asynchronous Event Configuration (Feature "
		 "Identifier 0Bh)",
	  .needs = NEED_QUEUES,
	  .harm = HARM_SETTINGS,
	  .fault = "temp-event-wrong-log temp-event-missing",
	  .run = temp_event },
};

SUITE(aer_suite, CONFORMANCE, "aer", cases);
