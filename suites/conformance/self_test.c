// SPDX-License-Identifier: GPL-2.0-or-later
#include "self_test.h"

#include <string.h>

const char *self_test_na(const struct facts *f)
{
	return le16_get(f->id.oacs) & NVME_CTRL_OACS_SELF_TEST
		       ? NULL
		       : "OACS bit 4 is 0: no Device Self-test";
}

struct cpl self_test(struct rig *r, unsigned code, uint32_t nsid)
{
	struct cmd c = cmd_raw(nvme_admin_dev_self_test, nsid);

	c.sqe.cdw10 = le32_from(code);
	return rig_admin(r, c);
}

const struct nvme_self_test_log *self_test_log(struct rig *r)
{
	struct nvme_self_test_log *log = rig_mem(r, sizeof(*log));

	rig_admin_ok(r, cmd_get_log(NVME_LOG_LID_DEVICE_SELF_TEST, NSID_ALL, 0, log, sizeof(*log)));
	return log;
}

static void stop(void *arg)
{
	struct ctrl *c = arg;
	struct cmd cmd = cmd_raw(nvme_admin_dev_self_test, NSID_ALL);
	struct cpl cpl;

	cmd.sqe.cdw10 = le32_from(STC_ABORT);
	if (c->enabled)
		ctrl_admin(c, &cmd, &cpl);
}

const struct nvme_self_test_log *self_test_idle(struct rig *r)
{
	const struct nvme_self_test_log *log = self_test_log(r);

	if (self_test_current(log))
		rig_skip(r, "busy", "a self-test is in progress that is not the rig's");
	rig_defer(r, stop, rig_ctrl(r));
	return log;
}

const struct nvme_self_test_log *self_test_start(struct rig *r, unsigned code, uint32_t nsid)
{
	const struct nvme_self_test_log *before = self_test_idle(r), *now;

	REQUIRE_STATUS(r, self_test(r, code, nsid), SC_SUCCESS);
	now = self_test_log(r);
	if (!self_test_current(now) && memcmp(now->result, before->result, sizeof(now->result)))
		rig_na(r, "the self-test is over before anything can be asked");
	REQUIRE_EQ(r, "Current Device Self-Test Operation", self_test_current(now), code);
	CHECK_LE(r, "its completion in percent", now->completion & NVME_ST_CURR_OP_CMPL_MASK, 100);
	return before;
}

void self_test_check_result(struct rig *r, const struct nvme_self_test_log *before, unsigned code,
			    enum nvme_status_result how)
{
	const struct nvme_self_test_log *now = self_test_log(r);

	CHECK_EQ(r, "Current Device Self-Test Operation", self_test_current(now), 0);
	CHECK_EQ(r, "code of the newest result", now->result[0].dsts >> NVME_ST_CODE_SHIFT, code);
	CHECK_EQ(r, "newest result", now->result[0].dsts & NVME_ST_RESULT_MASK, how);
	CHECK_MEM(r, "the results behind it, as they were", &now->result[1], &before->result[0],
		  sizeof(before->result) - sizeof(before->result[0]));
}
