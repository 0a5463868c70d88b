// SPDX-License-Identifier: GPL-2.0-or-later
/* The Device Self-test log by itself. */
#include <string.h>

#include "self_test.h"

#define RESULTS NVME_LOG_ST_MAX_RESULTS

static bool is_code(unsigned code)
{
	return (code >= STC_SHORT && code <= 3) || code == NVME_ST_CODE_VS;
}

static void check_entry(struct rig *r, unsigned i, const struct nvme_st_result *e)
{
	unsigned code = e->dsts >> NVME_ST_CODE_SHIFT, how = e->dsts & NVME_ST_RESULT_MASK;

	CHECK_LE(r, "Device Self-test Result (Fh is an unused entry)", how,
		 NVME_ST_RESULT_ABORTED_SANITIZE);
	CHECK_TRUE(r, is_code(code), "result %u names a test: code %Xh", i + 1, code);
	CHECK_EQ(r, "reserved bits of Valid Diagnostic Information", e->vdi & 0xf0, 0);
}

/* What results there are, unused entries behind them, and not one between. */
static void entries(struct rig *r)
{
	const struct nvme_self_test_log *log;
	bool over = false;

	self_test_start(r, STC_SHORT, 0); /* one at least */
	REQUIRE_STATUS(r, self_test(r, STC_ABORT, 0), SC_SUCCESS);
	log = self_test_log(r);
	for (unsigned i = 0; i < RESULTS; i++) {
		const struct nvme_st_result *e = &log->result[i];

		if ((e->dsts & NVME_ST_RESULT_MASK) == NVME_ST_RESULT_NOT_USED) {
			over = true;
			continue;
		}
		CHECK_TRUE(r, !over, "result %u is not behind an unused entry", i + 1);
		check_entry(r, i, e);
		if (i)
			CHECK_LE(r, "Power On Hours, against the newer result", le64_get(e->poh),
				 le64_get(log->result[i - 1].poh));
	}
}

/* Two that end differently, so that the order shows. */
static void newest_first(struct rig *r)
{
	const struct nvme_self_test_log *before = self_test_start(r, STC_SHORT, NSID_ALL);

	CHECK_STATUS(r, self_test(r, STC_ABORT, NSID_ALL), SC_SUCCESS);
	self_test_check_result(r, before, STC_SHORT, NVME_ST_RESULT_ABORTED);
	before = self_test_start(r, STC_SHORT, NSID_ALL);
	rig_reset(r);
	self_test_check_result(r, before, STC_SHORT, NVME_ST_RESULT_CLR);
	before = self_test_start(r, STC_EXTENDED, NSID_ALL);
	CHECK_STATUS(r, self_test(r, STC_ABORT, NSID_ALL), SC_SUCCESS);
	self_test_check_result(r, before, STC_EXTENDED, NVME_ST_RESULT_ABORTED);
}

/* More results than there is room for: the oldest go. */
static void twenty(struct rig *r)
{
	const struct nvme_self_test_log *log;

	for (unsigned i = 0; i < RESULTS + 2; i++) {
		log = self_test_start(r, i % 2 ? STC_EXTENDED : STC_SHORT, 0);
		CHECK_STATUS(r, self_test(r, STC_ABORT, 0), SC_SUCCESS);
	}
	log = self_test_log(r);
	for (unsigned i = 0; i < RESULTS; i++)
		CHECK_EQ(r, "code of a result, short and extended in turn",
			 log->result[i].dsts >> NVME_ST_CODE_SHIFT,
			 i % 2 ? STC_SHORT : STC_EXTENDED);
}

static const struct ask_row {
	const char *name;
	void (*ask)(struct rig *r);
} rows[] = { { "entries", entries }, { "newest-first", newest_first }, { "twenty", twenty } };

static void run_row(struct rig *r)
{
	((const struct ask_row *)rig_row(r))->ask(r);
}

static const struct rig_case cases[] = {
	{ .id = "self-test",
	  .rule = "The self-test log has the last twenty results, the newest first.",
	  .ref = "Base 2.0 Device Self-test (Log Identifier 06h); Base 2.1 Device Self-test (Log "
		 "Page Identifier 06h)",
	  .needs = NEED_COMMAND,
	  .harm = HARM_SETTINGS,
	  .fault = "dst-oldest-first dst-unused-as-passed dst-result-without-code",
	  .na = self_test_na,
	  .run = run_row,
	  ROWS(rows) },
};

SUITE(log_self_test_suite, CONFORMANCE, "log", cases);
