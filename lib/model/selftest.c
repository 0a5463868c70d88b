// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Device Self-test and its log. A test takes its time and finds nothing.
 * Sources: Base 2.2 Device Self-test Operations; Base 2.1 Device Self-test command; Base 2.0
 * Device Self-test (Log Identifier 06h).
 */
#include "model/selftest.h"

#include <stdlib.h>

#include "base/clock.h"
#include "model/core.h"
#include "model/media.h"

#define SHORT_NS    (1 * NS_PER_S)
#define EXTENDED_NS (20 * NS_PER_S)
#define HOUR_NS	    (3600 * NS_PER_S)
#define LATE_NS	    (500 * NS_PER_MS) /* of dst-idle-before-result */
#define RESULTS	    NVME_LOG_ST_MAX_RESULTS
#define STC_SHORT   NVME_ST_CODE_SHORT
#define STC_EXT	    NVME_ST_CODE_EXTENDED
#define STC_ABORT   0xfu

struct model_selftest {
	unsigned code;	/* of the test that runs; 0: none */
	unsigned index; /* of the controller that it runs on */
	uint32_t nsid;
	uint64_t begun, due, ended;
	unsigned count; /* results since the drive was made: n at (n - 1) % RESULTS */
	struct nvme_st_result result[RESULTS];
};

struct model_selftest *selftest_new(struct model *m)
{
	struct model_selftest *t = calloc(1, sizeof(*t));

	(void)m;
	if (t)
		t->due = NEVER;
	return t;
}

void selftest_free(struct model_selftest *t)
{
	free(t);
}

bool selftest_runs(const struct model *m)
{
	return m->selftest->code;
}

uint64_t selftest_due(const struct model *m)
{
	return m->selftest->due;
}

uint16_t selftest_minutes(const struct model *m)
{
	return m->opt.oacs & NVME_CTRL_OACS_SELF_TEST ? 1 : 0;
}

static void record(struct model *m, unsigned code, enum nvme_status_result how)
{
	struct model_selftest *t = m->selftest;
	struct nvme_st_result *r = &t->result[t->count++ % RESULTS];

	*r = (struct nvme_st_result){
		.dsts = (uint8_t)(code << NVME_ST_CODE_SHIFT | how),
		.poh = le64_from(model_now(m) / HOUR_NS),
	};
	if (FAULT(m, DST_RESULT_WITHOUT_CODE))
		r->dsts &= 0xf;
	t->ended = model_now(m);
}

static void end(struct model *m, enum nvme_status_result how)
{
	record(m, m->selftest->code, how);
	m->selftest->code = 0;
	m->selftest->due = NEVER;
}

void selftest_abort(struct model *m, enum nvme_status_result why, uint32_t nsid)
{
	const struct model_selftest *t = m->selftest;

	if (t->code && (nsid == NSID_ALL || t->nsid == NSID_ALL || t->nsid == nsid))
		end(m, why);
}

void selftest_reset(struct model *m, enum model_reset kind)
{
	const struct model_selftest *t = m->selftest;
	bool cut = t->code == STC_SHORT && !FAULT(m, DST_SURVIVES_RESET);

	cut |= t->code == STC_EXT && FAULT(m, DST_EXTENDED_CUT_BY_RESET);
	if (kind == MODEL_POWER_ON || t->index != m->index || !cut)
		return;
	end(m, FAULT(m, DST_RESET_AS_COMMAND) ? NVME_ST_RESULT_ABORTED : NVME_ST_RESULT_CLR);
}

void selftest_step(struct model *m)
{
	if (m->selftest->due > model_now(m))
		return;
	end(m,
	    FAULT(m, DST_FINDS_FAILURE) ? NVME_ST_RESULT_UNKNOWN_SEG_FAIL : NVME_ST_RESULT_NO_ERR);
	m->core->moved = true;
}

/* ---- log page 06h ---- */

static uint8_t percent(const struct model *m)
{
	const struct model_selftest *t = m->selftest;

	if (FAULT(m, DST_PERCENT_ABOVE_100))
		return 127;
	return (uint8_t)((model_now(m) - t->begun) * 100 / (t->due - t->begun));
}

static unsigned results_shown(const struct model *m)
{
	const struct model_selftest *t = m->selftest;
	bool hidden =
		FAULT(m, DST_IDLE_BEFORE_RESULT) && t->count && model_now(m) - t->ended < LATE_NS;

	return t->count - hidden;
}

size_t selftest_log(struct model *m, uint8_t *page)
{
	struct nvme_self_test_log *log = (struct nvme_self_test_log *)page;
	const struct model_selftest *t = m->selftest;
	unsigned shown = results_shown(m), n = shown < RESULTS ? shown : RESULTS;

	log->current_operation = (uint8_t)t->code;
	log->completion = t->code ? percent(m) : 0;
	for (unsigned i = 0; i < RESULTS; i++) {
		unsigned age = FAULT(m, DST_OLDEST_FIRST) ? n - 1 - i : i;

		if (i < n)
			log->result[i] = t->result[(shown - 1 - age) % RESULTS];
		else if (!FAULT(m, DST_UNUSED_AS_PASSED))
			log->result[i].dsts = NVME_ST_RESULT_NOT_USED;
	}
	return sizeof(*log);
}

/* ---- the command ---- */

static bool nsid_fails(struct mcmd *c)
{
	struct model *m = c->m;

	if (!c->nsid && FAULT(m, DST_NSID_ZERO_REFUSED))
		mcmd_fail(c, SC_INVALID_NS, MCMD_AT(4, 0));
	else if (c->nsid == NSID_ALL && FAULT(m, DST_BROADCAST_REFUSED))
		mcmd_fail(c, SC_INVALID_NS, MCMD_AT(4, 0));
	else if (!c->nsid || c->nsid == NSID_ALL || media_ns(m, c->nsid))
		return false;
	else if (c->nsid > media_nn(m) && !FAULT(m, DST_NSID_UNCHECKED))
		mcmd_fail(c, SC_INVALID_NS, MCMD_AT(4, 0));
	else if (c->nsid <= media_nn(m) && !FAULT(m, DST_INACTIVE_ACCEPTED))
		mcmd_fail(c, SC_INVALID_FIELD, MCMD_AT(4, 0));
	return c->status != SC_SUCCESS;
}

static void start(struct mcmd *c, unsigned code)
{
	struct model_selftest *t = c->m->selftest;

	if (t->code && !FAULT(c->m, DST_SECOND_STARTS)) {
		mcmd_fail(c,
			  FAULT(c->m, DST_BUSY_WRONG_STATUS) ? SC_INVALID_FIELD
							     : SC_SELF_TEST_IN_PROGRESS,
			  MCMD_NOWHERE);
		return;
	}
	t->code = code;
	t->index = c->m->index;
	t->nsid = c->nsid;
	t->begun = model_now(c->m);
	t->due = t->begun + (code == STC_SHORT ? SHORT_NS : EXTENDED_NS);
}

static void stop(struct model *m)
{
	struct model_selftest *t = m->selftest;

	if (!t->code) {
		if (FAULT(m, DST_IDLE_ABORT_LOGGED))
			record(m, STC_SHORT, NVME_ST_RESULT_ABORTED);
		return;
	}
	if (FAULT(m, DST_ABORT_IGNORED))
		return;
	end(m, NVME_ST_RESULT_ABORTED);
	t->count -= FAULT(m, DST_ABORT_UNLOGGED);
}

void admin_self_test(struct mcmd *c)
{
	unsigned code = mcmd_cdw10(c) & 0xf;

	if (nsid_fails(c))
		return;
	if (code == STC_SHORT || code == STC_EXT)
		start(c, code);
	else if (code == STC_ABORT)
		stop(c->m);
	else if (!FAULT(c->m, DST_CODE_UNCHECKED))
		mcmd_fail(c, SC_INVALID_FIELD, MCMD_AT(40, 0));
}
