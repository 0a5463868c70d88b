// SPDX-License-Identifier: GPL-2.0-or-later
/* Reservations: releasing, clearing and preempting. */
#include <stdio.h>

#include "base/clock.h"
#include "resv_host.h"

#define FLIGHT	  16u
#define FIRST_LBA 64u

/* The registrants, both, one of them, or none. */
static void check_registered(struct resv *v, bool first, bool second)
{
	struct resv_state s;

	resv_report(v, 0, &s);
	CHECK_EQ(v->r, "registrants", s.n, (unsigned)first + second);
	CHECK_TRUE(v->r, !!resv_find(v, &s, 0) == first, "the host is %s registrant",
		   first ? "a" : "no");
	CHECK_TRUE(v->r, !!resv_find(v, &s, 1) == second, "the host of the peer is %s registrant",
		   second ? "a" : "no");
}

/* ---- release-clear ---- */

static void releases(struct resv *v)
{
	resv_both_register(v);
	resv_hold(v, RESV_WE);
	RESV_DONE(v, resv_release(v, 0, RESV_RELEASE, RESV_WE, RESV_KEY0));
	resv_check_held(v, 0);
	check_registered(v, true, true);
}

static void release_other_type(struct resv *v)
{
	struct cpl cpl;

	resv_both_register(v);
	resv_hold(v, RESV_WE);
	cpl = resv_release(v, 0, RESV_RELEASE, RESV_EA, RESV_KEY0);
	CHECK_ERROR(v->r, cpl);
	ADVISE_STATUS(v->r, cpl, SC_INVALID_FIELD);
	resv_check_held(v, RESV_WE);
}

static void release_by_other(struct resv *v)
{
	resv_both_register(v);
	resv_hold(v, RESV_WE);
	RESV_DONE(v, resv_release(v, 1, RESV_RELEASE, RESV_WE, RESV_KEY1));
	resv_check_held(v, RESV_WE);
}

static void release_none(struct resv *v)
{
	resv_both_register(v);
	resv_need_type(v, RESV_WE);
	RESV_DONE(v, resv_release(v, 0, RESV_RELEASE, RESV_WE, RESV_KEY0));
	check_registered(v, true, true);
}

static void wrong_key(struct resv *v)
{
	resv_both_register(v);
	resv_hold(v, RESV_WE);
	RESV_CONFLICT(v, resv_release(v, 0, RESV_RELEASE, RESV_WE, RESV_KEY1));
	RESV_CONFLICT(v, resv_release(v, 0, RESV_CLEAR, 0, RESV_KEY1));
	resv_check_held(v, RESV_WE);
	check_registered(v, true, true);
}

static void outsider(struct resv *v)
{
	RESV_DONE(v, resv_register(v, 0, RESV_REGISTER, 0, RESV_KEY0));
	resv_hold(v, RESV_WE);
	RESV_CONFLICT(v, resv_release(v, 1, RESV_RELEASE, RESV_WE, RESV_KEY0));
	RESV_CONFLICT(v, resv_release(v, 1, RESV_CLEAR, 0, RESV_KEY0));
	resv_check_held(v, RESV_WE);
}

static void release_iekey(struct resv *v)
{
	resv_both_register(v);
	resv_hold(v, RESV_WE);
	RESV_INVALID(v, resv_release(v, 0, RESV_RELEASE | RESV_IEKEY, RESV_WE, RESV_KEY0));
	RESV_INVALID(v, resv_release(v, 0, RESV_CLEAR | RESV_IEKEY, 0, RESV_KEY0));
	resv_check_held(v, RESV_WE);
}

static void clears(struct resv *v, unsigned by)
{
	resv_both_register(v);
	resv_hold(v, RESV_WE);
	RESV_DONE(v, resv_release(v, by, RESV_CLEAR, 0, by ? RESV_KEY1 : RESV_KEY0));
	resv_check_held(v, 0);
	check_registered(v, false, false);
}

static void clear_by_holder(struct resv *v)
{
	clears(v, 0);
}

static void clear_by_registrant(struct resv *v)
{
	clears(v, 1);
}

static const struct resv_row release_rows[] = {
	{ "release", releases },
	{ "release-other-type", release_other_type },
	{ "release-by-other", release_by_other },
	{ "release-none-held", release_none },
	{ "wrong-key", wrong_key },
	{ "outsider", outsider },
	{ "iekey", release_iekey },
	{ "clear-by-holder", clear_by_holder },
	{ "clear-by-registrant", clear_by_registrant },
};

/* ---- preempt ---- */

static void preempt_holder(struct resv *v)
{
	struct resv_state s;

	resv_both_register(v);
	resv_need_type(v, RESV_EA);
	resv_hold(v, RESV_WE);
	RESV_DONE(v, resv_acquire(v, 1, RESV_PREEMPT, RESV_EA, RESV_KEY1, RESV_KEY0));
	check_registered(v, false, true);
	resv_report(v, 1, &s);
	CHECK_EQ(v->r, "the reservation type in the report", s.type, RESV_EA);
	CHECK_TRUE(v->r, s.n == 1 && s.at[0].holds, "the host that preempted holds it");
}

static void preempt_self(struct resv *v)
{
	resv_both_register(v);
	resv_need_type(v, RESV_EA);
	resv_hold(v, RESV_WE);
	RESV_DONE(v, resv_acquire(v, 0, RESV_PREEMPT, RESV_EA, RESV_KEY0, RESV_KEY0));
	check_registered(v, true, true);
	resv_check_held(v, RESV_EA);
}

static void preempt_registrant(struct resv *v)
{
	resv_both_register(v);
	resv_hold(v, RESV_WE);
	RESV_DONE(v, resv_acquire(v, 0, RESV_PREEMPT, RESV_WE, RESV_KEY0, RESV_KEY1));
	check_registered(v, true, false);
	resv_check_held(v, RESV_WE);
}

static void preempt_none_held(struct resv *v)
{
	resv_both_register(v);
	resv_need_type(v, RESV_WE);
	RESV_DONE(v, resv_acquire(v, 0, RESV_PREEMPT, RESV_WE, RESV_KEY0, RESV_KEY1));
	check_registered(v, true, false);
	resv_check_held(v, 0);
}

static void zero_all(struct resv *v)
{
	resv_both_register(v);
	resv_need_type(v, RESV_WE);
	resv_hold(v, RESV_WEAR);
	RESV_DONE(v, resv_acquire(v, 1, RESV_PREEMPT, RESV_WE, RESV_KEY1, 0));
	check_registered(v, false, true);
	resv_check_held(v, RESV_WE);
}

static void zero_one(struct resv *v)
{
	resv_both_register(v);
	resv_hold(v, RESV_WE);
	RESV_INVALID(v, resv_acquire(v, 1, RESV_PREEMPT, RESV_WE, RESV_KEY1, 0));
	check_registered(v, true, true);
	resv_check_held(v, RESV_WE);
}

static void unknown_all(struct resv *v)
{
	resv_both_register(v);
	resv_hold(v, RESV_WEAR);
	RESV_CONFLICT(v, resv_acquire(v, 1, RESV_PREEMPT, RESV_WEAR, RESV_KEY1, RESV_NEW_KEY));
	check_registered(v, true, true);
	resv_check_held(v, RESV_WEAR);
}

static void preempt_wrong_key(struct resv *v)
{
	resv_both_register(v);
	resv_hold(v, RESV_WE);
	RESV_CONFLICT(v, resv_acquire(v, 1, RESV_PREEMPT, RESV_WE, RESV_NEW_KEY, RESV_KEY0));
	check_registered(v, true, true);
}

static void preempt_outsider(struct resv *v)
{
	RESV_DONE(v, resv_register(v, 0, RESV_REGISTER, 0, RESV_KEY0));
	resv_hold(v, RESV_WE);
	RESV_CONFLICT(v, resv_acquire(v, 1, RESV_PREEMPT, RESV_WE, RESV_KEY0, RESV_KEY0));
	check_registered(v, true, false);
}

/* Writes of the victim, each on a block of its own, rung and not waited for. */
static void begin_writes(struct resv *v, struct buf *b, unsigned n)
{
	uint32_t bytes = v->d->ns->lba_bytes;

	for (unsigned i = 0; i < n; i++) {
		struct cmd c = cmd_write(v->nsid, FIRST_LBA + i, 1, NULL, bytes);

		rig_prp(v->r, &c, b, (size_t)i * bytes, bytes);
		rig_put(v->r, v->d->q[0], c);
	}
	rig_ring(v->r, v->d->q[0]);
}

/*
 * Once the Acquire has completed, none of the victim's Writes succeeds any more: what was under way
 * has ended before, and what was not yet begun meets the new reservation.
 */
static void preempt_and_abort(struct resv *v)
{
	struct sq *q = v->d->q[0];
	struct buf *b = rig_buf(v->r, (size_t)FLIGHT * v->d->ns->lba_bytes);
	unsigned n = q->size > FLIGHT ? FLIGHT : q->size - 1, before = 0;
	struct cpl cpl;

	resv_both_register(v);
	resv_hold(v, RESV_EA);
	begin_writes(v, b, n);
	RESV_DONE(v, resv_acquire(v, 1, RESV_PREEMPT_ABORT, RESV_EA, RESV_KEY1, RESV_KEY0));
	for (; before < n && cq_ready(q->cq) && rig_try(v->r, q->cq, &cpl, 0); before++)
		CHECK_STATUS_OF(v->r, "a Write of the victim, ended before the Acquire: status",
				cpl, SC_SUCCESS, SC_PREEMPTED, SC_RESERVATION_CONFLICT);
	for (unsigned i = before; i < n; i++)
		CHECK_STATUS_OF(v->r, "a Write of the victim, ended after the Acquire: status",
				rig_next(v->r, q->cq), SC_RESERVATION_CONFLICT, SC_PREEMPTED);
	check_registered(v, false, true);
}

static const struct resv_row preempt_rows[] = {
	{ "holder", preempt_holder },
	{ "self", preempt_self },
	{ "registrant", preempt_registrant },
	{ "none-held", preempt_none_held },
	{ "zero-all-registrants", zero_all },
	{ "zero-one-holder", zero_one },
	{ "unknown-all-registrants", unknown_all },
	{ "wrong-key", preempt_wrong_key },
	{ "outsider", preempt_outsider },
	{ "and-abort", preempt_and_abort },
};

static const struct rig_case cases[] = {
	{ .id = "release-clear",
	  .rule = "The holder releases what it holds; a registrant clears all of it.",
	  .ref = "Base 2.2 Releasing a Reservation; Base 2.2 Clearing a Reservation; Base 2.2 "
		 "Reservation Release command",
	  .needs = NEED_QUEUES | NEED_PEER,
	  .harm = HARM_DATA,
	  .fault = "resv-release-type-unchecked resv-released-by-other resv-release-none-fails "
		   "resv-release-iekey-accepted resv-release-key-unchecked "
		   "resv-clear-keeps-others",
	  .na = resv_na,
	  .run = resv_ask_row,
	  ROWS(release_rows) },
	{ .id = "preempt",
	  .rule = "A registrant preempts the registrations and the reservation of the key it "
		  "names.",
	  .ref = "Base 2.2 Preempting a Reservation or Registration; Base 2.2 Reservation Acquire "
		 "command",
	  .needs = NEED_QUEUES | NEED_PEER,
	  .harm = HARM_DATA,
	  .fault = "resv-preempt-keeps-victim resv-preempt-takes-not "
		   "resv-preempt-self-unregisters resv-preempt-zero-accepted "
		   "resv-preempt-unknown-accepted resv-acquire-key-unchecked "
		   "resv-preempt-aborts-none",
	  .na = resv_na,
	  .run = resv_ask_row,
	  ROWS(preempt_rows) },
};

SUITE(resv_end_suite, CONFORMANCE, "resv", cases);
