// SPDX-License-Identifier: GPL-2.0-or-later
#include "sanitize_op.h"

#include "base/clock.h"
#include "ns_made.h"

#define LOG_BYTES 512u
#define POLL_NS	  (100 * NS_PER_MS)

const char *sanitize_na(const struct facts *f)
{
	return le32_get(f->id.sanicap) & 7 ? NULL : "SANICAP offers no sanitize operation";
}

bool sanitize_offers(struct rig *r, unsigned act)
{
	static const uint8_t bit[] = {
		[ACT_CRYPTO_ERASE] = 1, [ACT_BLOCK_ERASE] = 2, [ACT_OVERWRITE] = 4
	};

	return act < sizeof(bit) && (le32_get(rig_facts(r)->id.sanicap) & bit[act]);
}

uint32_t sanitize_any(struct rig *r)
{
	if (sanitize_offers(r, ACT_BLOCK_ERASE))
		return ACT_BLOCK_ERASE;
	return sanitize_offers(r, ACT_CRYPTO_ERASE) ? ACT_CRYPTO_ERASE
						    : ACT_OVERWRITE | CDW10_PASSES(1);
}

void sanitize_guard(struct rig *r)
{
	if (!rig_facts(r)->caps.emulated && rig_facts(r)->n_ns > 1)
		rig_skip(r, "needs", "a drive of one namespace: all of the drive is erased");
}

struct cmd sanitize_cmd(uint32_t cdw10, uint32_t pattern)
{
	struct cmd c = cmd_raw(nvme_admin_sanitize_nvm, 0);

	c.sqe.cdw10 = le32_from(cdw10);
	c.sqe.cdw11 = le32_from(pattern);
	return c;
}

struct cpl sanitize(struct rig *r, uint32_t cdw10, uint32_t pattern)
{
	return rig_admin(r, sanitize_cmd(cdw10, pattern));
}

const struct nvme_sanitize_log_page *sanitize_status(struct rig *r)
{
	struct nvme_sanitize_log_page *log = rig_mem(r, LOG_BYTES);

	rig_admin_ok(r, cmd_get_log(NVME_LOG_LID_SANITIZE, NSID_ALL, 0, log, LOG_BYTES));
	return log;
}

/* No check: a drive that is left at its work keeps the next case out. */
static void wait_at_end(void *arg)
{
	struct ctrl *c = arg;
	struct nvme_sanitize_log_page log;
	struct cmd cmd = cmd_get_log(NVME_LOG_LID_SANITIZE, NSID_ALL, 0, &log, LOG_BYTES);
	struct ctrl_config cfg = ctrl_defaults(c);
	struct cpl cpl;

	if (!c->enabled && ctrl_enable(c, &cfg, NULL))
		return;
	while (!ctrl_admin(c, &cmd, &cpl) && !cpl.status && sanitize_sos(&log) == SOS_RUNNING)
		c->t->ops->relax(c->t, POLL_NS);
}

void sanitize_start(struct rig *r, uint32_t cdw10)
{
	sanitize_guard(r);
	rig_defer(r, wait_at_end, rig_ctrl(r));
	REQUIRE_STATUS(r, sanitize(r, cdw10, 0x5aa5c33c), SC_SUCCESS);
	sanitize_still(r);
}

void sanitize_still(struct rig *r)
{
	if (sanitize_sos(sanitize_status(r)) != SOS_RUNNING)
		rig_na(r, "the sanitize operation was over before all of it was asked");
}

const struct nvme_sanitize_log_page *sanitize_wait(struct rig *r)
{
	const struct nvme_sanitize_log_page *log = sanitize_status(r);
	unsigned last = 0;

	while (sanitize_sos(log) == SOS_RUNNING) {
		unsigned now = le16_get(log->sprog);

		if (now < last)
			CHECK_GE(r, "SPROG of an operation that goes on", now, last);
		last = now;
		rig_wait(r, POLL_NS);
		log = sanitize_status(r);
	}
	CHECK_EQ(r, "SPROG once none runs", le16_get(log->sprog), 0xffff);
	return log;
}
