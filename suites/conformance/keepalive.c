// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/clock.h"
#include "device.h"
#include "kit/kit.h"

#define KAS_NS	 (100 * NS_PER_MS) /* of one unit */
#define TBKAS	 (1u << 6)	   /* CTRATT: Traffic Based Keep Alive Support */
#define CQT_NS	 (10 * NS_PER_S)   /* where CQT states none */
#define SLACK_NS NS_PER_S
#define LAPS	 3u /* timeouts that a controller kept alive must outlast */
#define PARTS	 4u /* of a timeout between two signs of life */

/* ---- basic ---- */

static void basic(struct rig *r)
{
	unsigned kas = le16_get(rig_facts(r)->id.kas);
	struct cpl cpl = rig_admin(r, cmd_raw(nvme_admin_keep_alive, 0));

	rig_note(r, "KAS %u", kas);
	if (kas)
		CHECK_STATUS(r, cpl, SC_SUCCESS);
	else
		CHECK_STATUS(r, cpl, SC_INVALID_OPCODE);
}

/* ---- expiry ---- */

enum sign { SILENT, COMMAND, TRAFFIC };

static const struct sign_row {
	const char *name;
	enum sign sign;
} signs[] = { { "silent", SILENT }, { "keep-alive", COMMAND }, { "reads-alone", TRAFFIC } };

static const char *na_no_kas(const struct facts *f)
{
	return le16_get(f->id.kas) ? NULL : "KAS is 0: no Keep Alive";
}

/* Sets the timer; the timeout in force, which is a multiple of KAS. */
static uint64_t begin(struct rig *r)
{
	uint32_t ask = (uint32_t)rig_pick(r, 1000, 1000, 5000);
	uint64_t unit = le16_get(rig_facts(r)->id.kas) * KAS_NS;
	struct cpl cpl;

	rig_admin_ok(r, cmd_set_features(NVME_FEAT_FID_KATO, false, 0, ask));
	cpl = rig_admin_ok(r, cmd_get_features(NVME_FEAT_FID_KATO, 0, 0, 0));
	CHECK_GE(r, "Keep Alive Timeout in ms", cpl.dw0, ask);
	CHECK_LE(r, "Keep Alive Timeout in ms (rounded up to KAS)", cpl.dw0,
		 ask + unit / NS_PER_MS);
	return cpl.dw0 * NS_PER_MS;
}

static bool is_fatal(struct rig *r)
{
	return rig_reg32(r, REG_CSTS) & CSTS_CFS;
}

/* Commands that nobody waits for: once the timer has expired they stay without an answer. */
static void show(struct rig *r, struct sq *io, enum sign sign)
{
	struct sq *q = sign == COMMAND ? rig_ctrl(r)->asq : io;
	struct cpl cpl;

	while (rig_try(r, q->cq, &cpl, 0))
		CHECK_STATUS(r, cpl, SC_SUCCESS);
	if (sign == SILENT || !sq_room(q))
		return;
	rig_put(r, q,
		sign == COMMAND ? cmd_raw(nvme_admin_keep_alive, 0) : cmd_flush(rig_ns(r)->nsid));
	rig_ring(r, q);
}

/* When CFS became 1, in ns since `begun`; `limit` when it did not until then. */
static uint64_t watch(struct rig *r, struct sq *io, enum sign sign, uint64_t katt, uint64_t limit)
{
	uint64_t begun = rig_now(r), next = begun;

	while (!is_fatal(r) && rig_now(r) - begun < limit) {
		if (rig_now(r) >= next) {
			show(r, io, sign);
			next += katt / PARTS;
		}
		rig_wait(r, 10 * NS_PER_MS);
	}
	return rig_now(r) - begun;
}

static void expiry(struct rig *r)
{
	const struct sign_row *row = rig_row(r);
	const struct nvme_id_ctrl *id = &rig_facts(r)->id;
	bool by_traffic = le32_get(id->ctratt) & TBKAS;
	bool lives = row->sign == COMMAND || (row->sign == TRAFFIC && by_traffic);
	struct sq *io = rig_queue(r);
	uint64_t katt = begin(r), took, limit;

	limit = lives ? LAPS * katt : (1 + by_traffic) * katt + CQT_NS + SLACK_NS;
	took = watch(r, io, row->sign, katt, limit);
	CHECK_EQ(r, "CSTS.CFS", is_fatal(r), !lives);
	if (!lives)
		CHECK_GE(r, "milliseconds until CSTS.CFS (want the timeout at least)",
			 took / NS_PER_MS + 20, katt / NS_PER_MS);
	rig_reset(r);
	CHECK_STATUS(r, rig_admin(r, cmd_get_features(NVME_FEAT_FID_NUM_QUEUES, 0, 0, 0)),
		     SC_SUCCESS);
}

/* ---- stopped ---- */

static void to_zero(struct rig *r)
{
	rig_admin_ok(r, cmd_set_features(NVME_FEAT_FID_KATO, false, 0, 0));
	CHECK_EQ(r, "Keep Alive Timeout",
		 rig_admin_ok(r, cmd_get_features(NVME_FEAT_FID_KATO, 0, 0, 0)).dw0, 0);
}

static const struct device_reset stops[] = {
	{ "timeout-of-zero", to_zero },
	{ "controller-reset", rig_reset },
	{ "function-level-reset", device_reset_flr },
};

static void stopped(struct rig *r)
{
	const struct device_reset *row = rig_row(r);
	uint64_t katt = begin(r), end;

	row->happens(r);
	if (rig_admin_ok(r, cmd_get_features(NVME_FEAT_FID_KATO, 0, 0, 0)).dw0)
		rig_na(r, "the timeout that a reset makes current is not 0");
	end = rig_now(r) + 2 * katt + CQT_NS + SLACK_NS;
	while (rig_now(r) < end && !is_fatal(r))
		rig_wait(r, 10 * NS_PER_MS);
	CHECK_EQ(r, "CSTS.CFS, after a silence longer than the timeout was", is_fatal(r), 0);
}

static const struct rig_case cases[] = {
	{ .id = "basic",
	  .rule = "Keep Alive succeeds where KAS claims it, and is no command where it does not.",
	  .ref = "Base 2.0 Keep Alive command; Base 2.1 Identify Controller data structure (KAS)",
	  .needs = NEED_COMMAND | NEED_SQE,
	  .fault = "admin-reserved-accepted kas-without-command",
	  .run = basic },
	{ .id = "expiry",
	  .rule = "The Keep Alive Timer expires without a Keep Alive, and not with one in time.",
	  .ref = "Base 2.2 Command Based Keep Alive; Base 2.2 Traffic Based Keep Alive; Base 2.2 "
		 "Keep Alive Timeout Cleanup",
	  .needs = NEED_QUEUES,
	  .harm = HARM_SETTINGS,
	  .na = na_no_kas,
	  .fault = "keep-alive-never-expires keep-alive-ignored keep-alive-by-traffic",
	  .run = expiry,
	  ROWS(signs),
	  .deadline_s = 90 },
	{ .id = "stopped",
	  .rule = "A timeout of 0 stops the timer, and so does a reset that makes it 0.",
	  .ref = "Base 2.2 Keep Alive; Base 2.0 Keep Alive Timer (Feature Identifier 0Fh)",
	  .needs = NEED_SQE | NEED_REGS | NEED_COMMAND,
	  .harm = HARM_SETTINGS,
	  .fault = "keep-alive-outlives-reset keep-alive-zero-ignored",
	  .na = na_no_kas,
	  .run = stopped,
	  ROWS(stops),
	  .deadline_s = 90 },
};

SUITE(keepalive_suite, CONFORMANCE, "keepalive", cases);
