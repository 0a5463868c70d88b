// SPDX-License-Identifier: GPL-2.0-or-later
/* Events that are held back: by their type's last one, by the configuration, for want of an AER. */
#include "temperature.h"

#define CDW10_RAE    (1u << 15)
#define WARNING_TEMP 0x2u /* bit 1 of Critical Warning */
#define NEVER_A_TAIL 0xffffu

/* The SMART log, with the events of its type retained or not; its Critical Warning. */
static uint8_t read_smart(struct rig *r, bool retain)
{
	struct nvme_smart_log *log = rig_mem(r, sizeof(*log));
	struct cmd c = cmd_get_log(NVME_LOG_LID_SMART, NSID_ALL, 0, log, sizeof(*log));

	if (retain)
		c.sqe.cdw10 = le32_from(le32_get(c.sqe.cdw10) | CDW10_RAE);
	rig_admin_ok(r, c);
	return log->critical_warning;
}

static void check_event(struct rig *r, const char *why)
{
	struct cpl cpl = { .status = 0 };
	bool came = rig_event_try(r, &cpl, EVENT_NS);

	REQUIRE_TRUE(r, came, "%s is reported", why);
	CHECK_STATUS(r, cpl, SC_SUCCESS);
	CHECK_EQ(r, "event type (1: SMART / Health)", EVENT_TYPE(cpl.dw0), TYPE_SMART);
}

static void check_silence(struct rig *r, const char *why)
{
	struct cpl cpl = { .dw0 = 0 };
	bool came = rig_event_try(r, &cpl, rig_pick(r, 1, 1, 20) * HELD_NS);

	REQUIRE_TRUE(r, !came, "%s is not reported (an AER came back with Dword 0 %08Xh)", why,
		     came ? cpl.dw0 : 0);
}

static void toggle(struct rig *r, unsigned kelvin)
{
	temperature_uncross(r, kelvin);
	rig_wait(r, HELD_NS);
	temperature_cross(r, kelvin);
}

/* ---- masked-until-read ---- */

static void masked_until_read(struct rig *r)
{
	unsigned kelvin = temperature_watch(r);

	rig_aer(r);
	temperature_cross(r, kelvin);
	check_event(r, "the first crossing");
	rig_aer(r); /* one at a time: AERL may allow no more */
	toggle(r, kelvin);
	check_silence(r, "a second crossing before the log was read");
	read_smart(r, true);
	toggle(r, kelvin);
	check_silence(r, "a crossing after the log was read with RAE = 1");
	temperature_uncross(r, kelvin);
	rig_wait(r, HELD_NS);
	read_smart(r, false);
	temperature_cross(r, kelvin);
	check_event(r, "a crossing after the log was read with RAE = 0");
}

/* ---- config-masks ---- */

/* The same crossing is reported once it is configured, so the silence before means something. */
static void config_masks(struct rig *r)
{
	unsigned kelvin = temperature_watch(r);

	temperature_configure(r, 0);
	rig_aer(r);
	temperature_cross(r, kelvin);
	check_silence(r, "a crossing while feature 0Bh disables it");
	CHECK_EQ(r, "Critical Warning, Temperature Threshold",
		 !!(read_smart(r, true) & WARNING_TEMP), 1);
	temperature_uncross(r, kelvin);
	rig_wait(r, HELD_NS);
	read_smart(r, false);
	temperature_configure(r, AEC_TEMPERATURE);
	temperature_cross(r, kelvin);
	check_event(r, "a crossing once it is enabled");
}

/* ---- pending-kept ---- */

static void pending_kept(struct rig *r)
{
	unsigned kelvin = temperature_watch(r);
	struct cpl cpl = { .dw0 = 0 };
	bool came;

	temperature_cross(r, kelvin);
	rig_wait(r, HELD_NS);
	temperature_uncross(r, kelvin);
	rig_wait(r, HELD_NS);
	rig_aer(r);
	came = rig_event_try(r, &cpl, rig_pick(r, 10, 10, 1000) * HELD_NS);
	CHECK_TRUE(r, came, "an event that found no AER is reported to the next one");
	if (came)
		CHECK_EQ(r, "event type (1: SMART / Health)", EVENT_TYPE(cpl.dw0), TYPE_SMART);
}

/* ---- types-independent ---- */

/* A tail that no queue can have is an Error event, where the controller tells of it. */
static void cause_error(struct rig *r)
{
	struct sq *q = rig_queue_pair(r, 1, rig_queue_fit(r, 4));
	struct cpl cpl;

	bool came;

	sq_ring_value(q, NEVER_A_TAIL);
	came = rig_event_try(r, &cpl, 5 * HELD_NS);
	if (rig_reg32(r, REG_CSTS) & CSTS_CFS) {
		rig_reset(r);
		rig_na(r, "an invalid doorbell value ends in CSTS.CFS");
	}
	if (!came)
		rig_na(r, "an invalid doorbell value is not reported");
	REQUIRE_STATUS(r, cpl, SC_SUCCESS);
	CHECK_EQ(r, "event type (0: Error)", EVENT_TYPE(cpl.dw0), TYPE_ERROR);
}

static void types_independent(struct rig *r)
{
	unsigned kelvin = temperature_watch(r);

	rig_aer(r);
	cause_error(r); /* its log is not read: errors are held back from now on */
	rig_aer(r);
	temperature_cross(r, kelvin);
	check_event(r, "a crossing while events of the Error type are held back");
}

static const struct rig_case cases[] = {
	{ .id = "masked-until-read",
	  .rule = "After an event no other of its type is reported until its log is read.",
	  .ref = "Base 2.1 Asynchronous Event Request command; Base 2.1 Get Log Page command (RAE)",
	  .needs = NEED_CTRL,
	  .harm = HARM_SETTINGS,
	  .fault = "aer-repeats-before-read aer-never-unmasked aer-retain-ignored "
		   "temp-event-missing",
	  .run = masked_until_read },
	{ .id = "config-masks",
	  .rule = "An event that feature 0Bh disables is not reported; the warning bit is set.",
	  .ref = "Base 2.0 Asynchronous Event Configuration (Feature Identifier 0Bh); Base 2.1 "
		 "Asynchronous Event Request command",
	  .needs = NEED_CTRL,
	  .harm = HARM_SETTINGS,
	  .fault = "aer-config-ignored temp-event-missing",
	  .run = config_masks },
	{ .id = "pending-kept",
	  .rule = "An event that finds no AER is kept and reported to the next one.",
	  .ref = "Base 2.1 Asynchronous Event Request command",
	  .needs = NEED_CTRL,
	  .harm = HARM_SETTINGS,
	  .level = SHOULD,
	  .fault = "aer-pending-lost temp-event-missing",
	  .run = pending_kept },
	{ .id = "types-independent",
	  .rule = "Events of one type that are held back hold back no other type.",
	  .ref = "Base 2.0 Asynchronous Event Request command; Base 2.1 Asynchronous Event Request "
		 "command",
	  .needs = NEED_QUEUES,
	  .harm = HARM_SETTINGS,
	  .fault = "aer-types-mask-each-other temp-event-missing",
	  .run = types_independent },
};

SUITE(aer_mask_suite, CONFORMANCE, "aer", cases);
