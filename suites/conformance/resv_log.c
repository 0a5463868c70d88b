// SPDX-License-Identifier: GPL-2.0-or-later
/* Reservations: the notices of them, and the features that go with them. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "resv_host.h"

#define LID	   NVME_LOG_LID_RESERVATION
#define EVENT_IO   6u /* asynchronous event type: I/O Command Set specific */
#define EVENT_NS   (10 * NS_PER_MS)
#define PREEMPTED  NVME_RESV_NOTIFY_RNLPT_REGISTRATION_PREEMPTED
#define RELEASED   NVME_RESV_NOTIFY_RNLPT_RESERVATION_RELEASED
#define CLEARED	   NVME_RESV_NOTIFY_RNLPT_RESERVATION_PREEMPTED
#define MASK(what) (1u << (what)) /* feature 82h */
#define DRAIN_MOST 300u

static void read_log(struct resv *v, unsigned by, struct nvme_resv_notification_log *ret)
{
	rig_admin_ok_on(v->r, v->d->c[by], cmd_get_log(LID, NSID_ALL, 0, ret, sizeof(*ret)));
}

/* The oldest notice is this one, with so many behind it. */
static void check_notice(struct resv *v, unsigned by, unsigned what, unsigned more)
{
	struct nvme_resv_notification_log log;

	read_log(v, by, &log);
	CHECK_EQ(v->r, "the type of the notice (0: none)", log.rnlpt, what);
	CHECK_EQ(v->r, "notices behind it", log.nalp, more);
	if (what)
		CHECK_EQ(v->r, "its NSID", le32_get(log.nsid), v->nsid);
	else
		CHECK_EQ(v->r, "the Log Page Count of an empty page", le64_get(log.lpc), 0);
}

static void drain(struct resv *v)
{
	struct nvme_resv_notification_log log;
	unsigned n = 0;

	for (unsigned by = 0; by < 2; by++)
		do
			read_log(v, by, &log);
		while (log.rnlpt && n++ < DRAIN_MOST);
	CHECK_LE(v->r, "reads until the log is empty", n, DRAIN_MOST - 1);
}

/* ---- log.resv-notification ---- */

static void empty(struct resv *v)
{
	drain(v);
	check_notice(v, 0, 0, 0);
	check_notice(v, 1, 0, 0);
}

static void clear_tells(struct resv *v)
{
	resv_both_register(v);
	drain(v);
	RESV_DONE(v, resv_release(v, 0, RESV_CLEAR, 0, RESV_KEY0));
	check_notice(v, 1, CLEARED, 0);
	check_notice(v, 1, 0, 0);
	check_notice(v, 0, 0, 0); /* not whoever asked */
}

static void preempt_tells(struct resv *v)
{
	resv_both_register(v);
	drain(v);
	resv_need_type(v, RESV_WE);
	RESV_DONE(v, resv_acquire(v, 0, RESV_PREEMPT, RESV_WE, RESV_KEY0, RESV_KEY1));
	check_notice(v, 1, PREEMPTED, 0);
	check_notice(v, 0, 0, 0);
}

static void release_tells(struct resv *v)
{
	resv_both_register(v);
	resv_hold(v, RESV_WERO);
	drain(v);
	RESV_DONE(v, resv_release(v, 0, RESV_RELEASE, RESV_WERO, RESV_KEY0));
	check_notice(v, 1, RELEASED, 0);
	check_notice(v, 0, 0, 0);
}

/* Write Exclusive and Exclusive Access are released in silence. */
static void release_is_silent(struct resv *v)
{
	resv_both_register(v);
	resv_hold(v, RESV_WE);
	drain(v);
	RESV_DONE(v, resv_release(v, 0, RESV_RELEASE, RESV_WE, RESV_KEY0));
	check_notice(v, 1, 0, 0);
}

static void oldest_first(struct resv *v)
{
	resv_both_register(v);
	resv_hold(v, RESV_WERO);
	drain(v);
	RESV_DONE(v, resv_release(v, 0, RESV_RELEASE, RESV_WERO, RESV_KEY0));
	RESV_DONE(v, resv_acquire(v, 0, RESV_PREEMPT, RESV_WERO, RESV_KEY0, RESV_KEY1));
	check_notice(v, 1, RELEASED, 1);
	check_notice(v, 1, PREEMPTED, 0);
	check_notice(v, 1, 0, 0);
}

static void event_tells(struct resv *v)
{
	struct cpl cpl = { .status = 0 };

	resv_both_register(v);
	drain(v);
	rig_aer_on(v->r, v->d->c[1]);
	RESV_DONE(v, resv_release(v, 0, RESV_CLEAR, 0, RESV_KEY0));
	if (!CHECK_TRUE(v->r, rig_event_try_on(v->r, v->d->c[1], &cpl, EVENT_NS),
			"an event tells of the notice"))
		return;
	CHECK_EQ(v->r, "event type", cpl.dw0 & 7, EVENT_IO);
	CHECK_EQ(v->r, "event information", cpl.dw0 >> 8 & 0xff, 0);
	CHECK_EQ(v->r, "event log page", cpl.dw0 >> 16 & 0xff, LID);
}

static const struct resv_row log_rows[] = {
	{ "empty", empty },
	{ "clear", clear_tells },
	{ "preempt", preempt_tells },
	{ "release", release_tells },
	{ "silent-release", release_is_silent },
	{ "oldest-first", oldest_first },
	{ "event", event_tells },
};

/* ---- feat.resv-mask-persist ---- */

static uint32_t get_feature(struct resv *v, unsigned by, uint8_t fid)
{
	return rig_admin_ok_on(v->r, v->d->c[by], cmd_get_features(fid, 0, v->nsid, 0)).dw0;
}

static void set_mask(struct resv *v, unsigned by, uint32_t mask)
{
	CHECK_STATUS(v->r,
		     rig_admin_on(v->r, v->d->c[by],
				  cmd_set_features(NVME_FEAT_FID_RESV_MASK, false, v->nsid, mask)),
		     SC_SUCCESS);
}

static void mask_stored(struct resv *v)
{
	for (uint32_t mask = 0; mask <= 0xe; mask += 2) {
		set_mask(v, 1, mask);
		CHECK_EQ(v->r, "the mask of the namespace",
			 get_feature(v, 1, NVME_FEAT_FID_RESV_MASK) & 0xe, mask);
	}
}

static void mask_masks(struct resv *v)
{
	resv_both_register(v);
	drain(v);
	set_mask(v, 1, MASK(CLEARED));
	RESV_DONE(v, resv_release(v, 0, RESV_CLEAR, 0, RESV_KEY0));
	check_notice(v, 1, 0, 0);
	set_mask(v, 1, MASK(RELEASED) | MASK(PREEMPTED));
	resv_both_register(v);
	RESV_DONE(v, resv_release(v, 0, RESV_CLEAR, 0, RESV_KEY0));
	check_notice(v, 1, CLEARED, 0);
}

static struct cpl set_ptpl(struct resv *v, unsigned on)
{
	return rig_admin_on(v->r, v->d->c[0],
			    cmd_set_features(NVME_FEAT_FID_RESV_PERSIST, false, v->nsid, on));
}

/* The feature, the report and CPTPL are one state, through both controllers. */
static void persist_stored(struct resv *v)
{
	struct resv_state s;

	resv_need_ptpl(v);
	CHECK_STATUS(v->r, set_ptpl(v, 1), SC_SUCCESS);
	CHECK_EQ(v->r, "PTPL through the peer", get_feature(v, 1, NVME_FEAT_FID_RESV_PERSIST) & 1,
		 1);
	resv_report(v, 1, &s);
	CHECK_EQ(v->r, "PTPLS in the report", s.ptpls, 1);
	RESV_DONE(v, resv_register(v, 0, RESV_REGISTER | RESV_CPTPL(2), 0, RESV_KEY0));
	CHECK_EQ(v->r, "PTPL after CPTPL 10b", get_feature(v, 0, NVME_FEAT_FID_RESV_PERSIST) & 1,
		 0);
	CHECK_STATUS(v->r, set_ptpl(v, 0), SC_SUCCESS);
}

static const struct resv_row feat_rows[] = {
	{ "mask-stored", mask_stored },
	{ "mask-masks", mask_masks },
	{ "persistence", persist_stored },
};

static const struct rig_case log_cases[] = {
	{ .id = "resv-notification",
	  .rule = "A host is told once of each reservation notice, the oldest first, by log and "
		  "event.",
	  .ref = "Base 2.0 Reservation Notification (Log Identifier 80h); Base 2.2 Reservation "
		 "Notifications; Base 2.2 Clearing a Reservation; Base 2.2 Releasing a Reservation",
	  .needs = NEED_QUEUES | NEED_PEER,
	  .harm = HARM_DATA,
	  .fault = "resv-clear-untold resv-preempted-untold resv-released-untold "
		   "resv-log-not-consumed resv-log-newest-first resv-event-missing",
	  .na = resv_na,
	  .run = resv_ask_row,
	  ROWS(log_rows) },
};

static const struct rig_case feat_cases[] = {
	{ .id = "resv-mask-persist",
	  .rule = "The notification mask and persistence of a namespace are stored and work.",
	  .ref = "Base 2.0 Reservation Notification Mask (Feature Identifier 82h); Base 2.0 "
		 "Reservation Persistence (Feature Identifier 83h); Base 2.2 Reservation Register "
		 "command (CPTPL)",
	  .needs = NEED_QUEUES | NEED_PEER,
	  .harm = HARM_DATA,
	  .fault = "resv-mask-lost resv-mask-ignored resv-report-no-ptpls resv-cptpl-lost",
	  .na = resv_na,
	  .run = resv_ask_row,
	  ROWS(feat_rows) },
};

SUITE(resv_log_suite, CONFORMANCE, "log", log_cases);
SUITE(resv_feat_suite, CONFORMANCE, "feat", feat_cases);
