// SPDX-License-Identifier: GPL-2.0-or-later
/* Reservation Notification: who is told of what, once, and by which event. */
#include "base/clock.h"
#include "resv_host.h"

#define LID	 NVME_LOG_LID_RESERVATION
#define EVENT_IO 6u /* asynchronous event type: I/O Command Set specific */
#define EVENT_NS (10 * NS_PER_MS)

static void empty(struct resv *v)
{
	resv_drain(v);
	resv_check_notice(v, 0, 0, 0);
	resv_check_notice(v, 1, 0, 0);
}

static void clear_tells(struct resv *v)
{
	resv_both_register(v);
	resv_drain(v);
	RESV_DONE(v, resv_release(v, 0, RESV_CLEAR, 0, RESV_KEY0));
	resv_check_notice(v, 1, RESV_TOLD_CLEARED, 0);
	resv_check_notice(v, 1, 0, 0);
	resv_check_notice(v, 0, 0, 0); /* not whoever asked */
}

static void preempt_tells(struct resv *v)
{
	resv_both_register(v);
	resv_drain(v);
	resv_need_type(v, RESV_WE);
	RESV_DONE(v, resv_acquire(v, 0, RESV_PREEMPT, RESV_WE, RESV_KEY0, RESV_KEY1));
	resv_check_notice(v, 1, RESV_TOLD_PREEMPTED, 0);
	resv_check_notice(v, 0, 0, 0);
}

static void release_tells(struct resv *v)
{
	resv_both_register(v);
	resv_hold(v, RESV_WERO);
	resv_drain(v);
	RESV_DONE(v, resv_release(v, 0, RESV_RELEASE, RESV_WERO, RESV_KEY0));
	resv_check_notice(v, 1, RESV_TOLD_RELEASED, 0);
	resv_check_notice(v, 0, 0, 0);
}

/* Write Exclusive and Exclusive Access are released in silence. */
static void release_is_silent(struct resv *v)
{
	resv_both_register(v);
	resv_hold(v, RESV_WE);
	resv_drain(v);
	RESV_DONE(v, resv_release(v, 0, RESV_RELEASE, RESV_WE, RESV_KEY0));
	resv_check_notice(v, 1, 0, 0);
}

static void oldest_first(struct resv *v)
{
	resv_both_register(v);
	resv_hold(v, RESV_WERO);
	resv_drain(v);
	RESV_DONE(v, resv_release(v, 0, RESV_RELEASE, RESV_WERO, RESV_KEY0));
	RESV_DONE(v, resv_acquire(v, 0, RESV_PREEMPT, RESV_WERO, RESV_KEY0, RESV_KEY1));
	resv_check_notice(v, 1, RESV_TOLD_RELEASED, 1);
	resv_check_notice(v, 1, RESV_TOLD_PREEMPTED, 0);
	resv_check_notice(v, 1, 0, 0);
}

static void event_tells(struct resv *v)
{
	struct cpl cpl = { .status = 0 };

	resv_both_register(v);
	resv_drain(v);
	rig_aer_on(v->r, v->d->c[1]);
	RESV_DONE(v, resv_release(v, 0, RESV_CLEAR, 0, RESV_KEY0));
	if (!CHECK_TRUE(v->r, rig_event_try_on(v->r, v->d->c[1], &cpl, EVENT_NS),
			"an event tells of the notice"))
		return;
	CHECK_EQ(v->r, "event type", cpl.dw0 & 7, EVENT_IO);
	CHECK_EQ(v->r, "event information", cpl.dw0 >> 8 & 0xff, 0);
	CHECK_EQ(v->r, "event log page", cpl.dw0 >> 16 & 0xff, LID);
}

static const struct resv_row rows[] = {
	{ "empty", empty },
	{ "clear", clear_tells },
	{ "preempt", preempt_tells },
	{ "release", release_tells },
	{ "silent-release", release_is_silent },
	{ "oldest-first", oldest_first },
	{ "event", event_tells },
};

static const struct rig_case cases[] = {
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
	  ROWS(rows) },
};

SUITE(log_resv_suite, CONFORMANCE, "log", cases);
