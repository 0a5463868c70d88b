// SPDX-License-Identifier: GPL-2.0-or-later
/* Device Self-test: what is refused, how a test ends before its time, and in it. */
#include <string.h>

#include "base/clock.h"
#include "device.h"
#include "self_test.h"

#define POLL_NS	      (200 * NS_PER_MS)
#define SHORT_S	      120 /* a short test should take no longer */
#define MOST_S	      1300
#define DEADLINE_S    150 /* of a case: a short test and what is beside it */
#define EXTENDED_MORE 2	  /* times EDSTT after which it will not end any more */

/* ---- bad-args ---- */

enum bad_nsid { ALL, PAST_NN, HIGHEST, INACTIVE };

static const struct bad_row {
	const char *name;
	unsigned code;
	enum bad_nsid nsid;
} bad_rows[] = {
	{ "code-0", 0x0, ALL },
	{ "code-7", 0x7, ALL },
	{ "code-d", 0xd, ALL },
	{ "nsid-past-nn", STC_SHORT, PAST_NN },
	{ "nsid-fffffffe", STC_SHORT, HIGHEST },
	{ "nsid-inactive", STC_SHORT, INACTIVE },
	{ "extended-nsid-past-nn", STC_EXTENDED, PAST_NN },
	{ "extended-nsid-inactive", STC_EXTENDED, INACTIVE },
};

static uint32_t bad_nsid(struct rig *r, enum bad_nsid which)
{
	const struct facts *f = rig_facts(r);
	const uint32_t nsid[] = { NSID_ALL, f->nn + 1, NSID_ALL - 1, f->inactive_nsid };

	if (which == INACTIVE && !nsid[which])
		rig_na(r, "every valid NSID is active");
	if (which != ALL && which != INACTIVE && f->nn >= nsid[which])
		rig_na(r, "NN is %08Xh: the NSID is a valid one", f->nn);
	return nsid[which];
}

static void bad_args(struct rig *r)
{
	const struct bad_row *row = rig_row(r);
	uint32_t nsid = bad_nsid(r, row->nsid);
	struct cpl cpl;

	self_test_idle(r);
	cpl = self_test(r, row->code, nsid);
	if (row->nsid == PAST_NN || row->nsid == HIGHEST)
		CHECK_STATUS(r, cpl, SC_INVALID_NS);
	else
		CHECK_STATUS(r, cpl, SC_INVALID_FIELD);
	CHECK_EQ(r, "Current Device Self-Test Operation", self_test_current(self_test_log(r)), 0);
}

/* ---- scope ---- */

static const struct scope_row {
	const char *name;
	uint32_t nsid; /* 1: any that is active */
} scopes[] = { { "controller", 0 }, { "namespace", 1 }, { "all-namespaces", NSID_ALL } };

static void scope(struct rig *r)
{
	const struct scope_row *row = rig_row(r);
	const struct facts *f = rig_facts(r);
	const struct nvme_self_test_log *before;

	if (row->nsid == 1 && !f->n_ns)
		rig_na(r, "no namespace is active");
	before = self_test_start(r, STC_SHORT, row->nsid == 1 ? f->ns[0].nsid : row->nsid);
	CHECK_STATUS(r, self_test(r, STC_ABORT, NSID_ALL), SC_SUCCESS);
	self_test_check_result(r, before, STC_SHORT, NVME_ST_RESULT_ABORTED);
}

/* ---- run-abort ---- */

static void read_one(struct rig *r)
{
	const struct facts *f = rig_facts(r);
	const struct facts_ns *ns = f->has_scratch ? &f->ns[f->scratch] : NULL;

	if (ns)
		CHECK_STATUS_OF(
			r, "a Read meanwhile: status",
			rig_io(r, rig_queue(r),
			       cmd_read(ns->nsid, 0, 1, rig_mem(r, ns->lba_bytes), ns->lba_bytes)),
			SC_SUCCESS);
}

static void second_start(struct rig *r)
{
	const unsigned codes[] = { STC_SHORT, STC_EXTENDED };
	const struct nvme_self_test_log *before = self_test_start(r, STC_SHORT, NSID_ALL);

	read_one(r);
	for (size_t i = 0; i < ARRAY_SIZE(codes); i++)
		CHECK_STATUS(r, self_test(r, codes[i], NSID_ALL), SC_SELF_TEST_IN_PROGRESS);
	CHECK_STATUS(r, self_test(r, STC_ABORT, NSID_ALL), SC_SUCCESS);
	self_test_check_result(r, before, STC_SHORT, NVME_ST_RESULT_ABORTED);
	read_one(r);
}

static void idle_abort(struct rig *r)
{
	const struct nvme_self_test_log *before = self_test_idle(r), *now;

	CHECK_STATUS(r, self_test(r, STC_ABORT, NSID_ALL), SC_SUCCESS);
	now = self_test_log(r);
	CHECK_EQ(r, "Current Device Self-Test Operation", self_test_current(now), 0);
	CHECK_MEM(r, "results", now->result, before->result, sizeof(now->result));
}

static void extended_abort(struct rig *r)
{
	const struct nvme_self_test_log *before = self_test_start(r, STC_EXTENDED, NSID_ALL);

	CHECK_STATUS(r, self_test(r, STC_SHORT, NSID_ALL), SC_SELF_TEST_IN_PROGRESS);
	CHECK_STATUS(r, self_test(r, STC_ABORT, NSID_ALL), SC_SUCCESS);
	self_test_check_result(r, before, STC_EXTENDED, NVME_ST_RESULT_ABORTED);
}

static void cut_by(struct rig *r, void (*reset)(struct rig *r))
{
	const struct nvme_self_test_log *before = self_test_start(r, STC_SHORT, NSID_ALL);

	reset(r);
	self_test_check_result(r, before, STC_SHORT, NVME_ST_RESULT_CLR);
}

static void cut_by_reset(struct rig *r)
{
	cut_by(r, rig_reset);
}

static void cut_by_flr(struct rig *r)
{
	cut_by(r, device_reset_flr);
}

static void cut_by_nssr(struct rig *r)
{
	cut_by(r, device_reset_subsystem);
}

static const struct ask_row {
	const char *name;
	void (*ask)(struct rig *r);
} abort_rows[] = {
	{ "second-start", second_start },	 { "abort-of-none", idle_abort },
	{ "abort-of-extended", extended_abort }, { "controller-reset", cut_by_reset },
	{ "function-level-reset", cut_by_flr },	 { "subsystem-reset", cut_by_nssr },
};

static void run_row(struct rig *r)
{
	((const struct ask_row *)rig_row(r))->ask(r);
}

/* ---- complete ---- */

static const struct complete_row {
	const char *name;
	unsigned code;
	void (*event)(struct rig *r); /* in the midst of it */
} complete_rows[] = {
	{ "short", STC_SHORT, NULL },
	{ "extended", STC_EXTENDED, NULL },
	{ "extended-over-controller-reset", STC_EXTENDED, rig_reset },
	{ "extended-over-function-level-reset", STC_EXTENDED, device_reset_flr },
	{ "extended-over-subsystem-reset", STC_EXTENDED, device_reset_subsystem },
	{ "extended-over-power-loss", STC_EXTENDED, device_reset_power },
};

/* What a test should take by the drive's own word. */
static uint64_t nominal_s(struct rig *r, unsigned code)
{
	return code == STC_SHORT ? SHORT_S : 60ull * le16_get(rig_facts(r)->id.edstt);
}

/*
 * Until the log says that no test runs; the result is there by then. False: it takes longer than
 * this run has time for, or than any test may.
 */
static bool watch(struct rig *r, const struct nvme_self_test_log *before, uint64_t limit_s)
{
	uint64_t end = rig_now(r) + limit_s * NS_PER_S;

	while (rig_now(r) < end) {
		const struct nvme_self_test_log *now = self_test_log(r);

		CHECK_LE(r, "completion in percent", now->completion & NVME_ST_CURR_OP_CMPL_MASK,
			 100);
		if (!self_test_current(now)) {
			CHECK_TRUE(r, memcmp(now->result, before->result, sizeof(now->result)),
				   "when no test runs any more, its result is in the log");
			return true;
		}
		rig_wait(r, POLL_NS);
	}
	return false;
}

/* For how long it is watched: an extended one of a real drive when there is time for it alone. */
static uint64_t patience_s(struct rig *r, unsigned code, uint64_t nominal)
{
	bool slow = code == STC_EXTENDED && !rig_facts(r)->caps.emulated;
	uint64_t budget =
		slow ? rig_pick(r, 0, 0, MOST_S) : rig_pick(r, SHORT_S + 20, SHORT_S + 20, MOST_S);

	return nominal * EXTENDED_MORE < budget ? nominal * EXTENDED_MORE : budget;
}

static void complete(struct rig *r)
{
	const struct complete_row *row = rig_row(r);
	const struct nvme_self_test_log *before = self_test_start(r, row->code, NSID_ALL);
	uint64_t begun = rig_now(r), nominal = nominal_s(r, row->code);
	uint64_t most = patience_s(r, row->code, nominal);

	if (row->event) {
		row->event(r);
		REQUIRE_EQ(r, "operation after the reset", self_test_current(self_test_log(r)),
			   row->code);
	}
	if (!watch(r, before, most)) {
		ADVISE_TRUE(r, most < nominal, "a test ends within %u s", (unsigned)most);
		return;
	}
	ADVISE_LE(r, "seconds that the test took", (rig_now(r) - begun) / NS_PER_S, nominal);
	rig_wait(r, NS_PER_S);
	self_test_check_result(r, before, row->code, NVME_ST_RESULT_NO_ERR);
}

static const struct rig_case cases[] = {
	{ .id = "bad-args",
	  .rule = "A reserved code, an invalid and an inactive NSID are refused, and nothing is "
		  "tested.",
	  .ref = "Base 2.0 Device Self-test command; Base 2.1 Device Self-test command",
	  .needs = NEED_CTRL,
	  .harm = HARM_SETTINGS,
	  .fault = "dst-code-unchecked dst-nsid-unchecked dst-inactive-accepted",
	  .na = self_test_na,
	  .run = bad_args,
	  ROWS(bad_rows) },
	{ .id = "scope",
	  .rule = "The controller alone, one namespace and all of them can be tested.",
	  .ref = "Base 2.0 Device Self-test command; Base 2.1 Device Self-test command",
	  .needs = NEED_CTRL,
	  .harm = HARM_SETTINGS,
	  .fault = "dst-nsid-zero-refused dst-broadcast-refused",
	  .na = self_test_na,
	  .run = scope,
	  ROWS(scopes) },
	{ .id = "run-abort",
	  .rule = "One test runs at a time; it ends by command or by reset, and the log says how.",
	  .ref = "Base 2.0 Device Self-test Operations; Base 2.1 Device Self-test command; Base "
		 "2.2 "
		 "Short Device Self-Test Operation",
	  .needs = NEED_COMMAND,
	  .harm = HARM_SETTINGS,
	  .fault = "dst-second-starts dst-busy-wrong-status dst-holds-io dst-abort-ignored "
		   "dst-abort-unlogged dst-idle-abort-logged dst-survives-reset "
		   "dst-reset-as-command",
	  .na = self_test_na,
	  .run = run_row,
	  ROWS(abort_rows) },
	{ .id = "complete",
	  .rule = "A test ends in its time with a result; an extended one outlives every reset.",
	  .ref = "Base 2.0 Device Self-test Operations; Base 2.2 Extended Device Self-Test "
		 "Operation; Base 2.0 Device Self-test (Log Identifier 06h)",
	  .needs = NEED_CTRL,
	  .harm = HARM_SETTINGS,
	  .fault = "dst-extended-cut-by-reset dst-finds-failure dst-idle-before-result "
		   "dst-percent-above-100",
	  .na = self_test_na,
	  .run = complete,
	  .deadline_s = DEADLINE_S,
	  ROWS(complete_rows) },
};

SUITE(dst_suite, CONFORMANCE, "dst", cases);
