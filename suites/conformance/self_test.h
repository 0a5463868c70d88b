/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Device self-tests, started, watched and stopped, and the log that tells of them. */
#ifndef CONFORMANCE_SELF_TEST_H
#define CONFORMANCE_SELF_TEST_H

#include "kit/kit.h"

#define STC_SHORT    NVME_ST_CODE_SHORT
#define STC_EXTENDED NVME_ST_CODE_EXTENDED
#define STC_ABORT    0xfu

/* For `.na`: the sentence when OACS bit 4 is 0. */
const char *self_test_na(const struct facts *f);

struct cpl self_test(struct rig *r, unsigned code, uint32_t nsid);
const struct nvme_self_test_log *self_test_log(struct rig *r);
/* The log of a controller that tests nothing; SKIP when somebody's test runs. What the case starts
 * from here on is aborted at its end. */
const struct nvme_self_test_log *self_test_idle(struct rig *r);
/* Starts a test and sees it run; N/A when it is over by then. Returns the log from before. */
const struct nvme_self_test_log *self_test_start(struct rig *r, unsigned code, uint32_t nsid);
/* One result more than before, the newest of all: of that test, with that end. */
void self_test_check_result(struct rig *r, const struct nvme_self_test_log *before, unsigned code,
			    enum nvme_status_result how);

static inline unsigned self_test_current(const struct nvme_self_test_log *log)
{
	return log->current_operation & NVME_ST_CURR_OP_MASK;
}

#endif
