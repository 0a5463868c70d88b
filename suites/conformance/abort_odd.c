// SPDX-License-Identifier: GPL-2.0-or-later
/* Aborts that have nothing to abort, too many at once, and of themselves. */
#include "kit/kit.h"

#define NOT_ABORTED 1u	 /* Dword 0 bit 0: Immediate Abort Not Performed */
#define WIDE	    512u /* entries: more than ACL can allow */
#define BEYOND	    8u	 /* Aborts past the limit */
#define LATE_NS	    5000000ull
#define OWN_CID	    0x5e1fu
#define OTHER_CID   0x07e5u

/* ---- not-found ---- */

enum whom { COMPLETED, NEVER_SENT, ON_IO_QUEUE, NO_QUEUE };

static const struct missing_row {
	const char *name;
	enum whom what;
} missing[] = {
	{ "completed", COMPLETED },
	{ "never-sent", NEVER_SENT },
	{ "on-io-queue", ON_IO_QUEUE },
	{ "no-such-queue", NO_QUEUE },
};

static struct cmd abort_of_nothing(struct rig *r, enum whom what)
{
	struct cpl done;

	switch (what) {
	case COMPLETED:
		done = rig_admin_ok(r, cmd_get_features(NVME_FEAT_FID_NUM_QUEUES, 0, 0, 0));
		return cmd_abort(0, done.cid);
	case NEVER_SENT:
		return cmd_abort(0, (uint16_t)(0x8000 | rig_rand_below(r, 0x7000)));
	case ON_IO_QUEUE:
		done = rig_io_ok(r, rig_queue(r), cmd_flush(rig_ns(r)->nsid));
		return cmd_abort(1, done.cid);
	default:
		return cmd_abort(0xffff, 1);
	}
}

static void not_found(struct rig *r)
{
	const struct missing_row *row = rig_row(r);
	struct cpl cpl;

	for (uint64_t n = rig_pick(r, 3, 10, 200); n; n--) {
		cpl = rig_admin(r, abort_of_nothing(r, row->what));
		if (row->what == NO_QUEUE)
			CHECK_STATUS(r, cpl, SC_SUCCESS, SC_INVALID_FIELD);
		else
			CHECK_STATUS(r, cpl, SC_SUCCESS);
		if (cpl.status == SC_SUCCESS)
			CHECK_EQ(r, "Dword 0 bit 0 (1: not aborted)", cpl.dw0 & NOT_ABORTED, 1);
	}
}

/* ---- limit ---- */

static void limit(struct rig *r)
{
	unsigned n = rig_facts(r)->id.acl + 1u + BEYOND, refused = 0;
	struct ctrl_config cfg = ctrl_defaults(rig_ctrl(r));
	struct ctrl *c;
	struct cpl cpl;

	cfg.admin_sq_entries = cfg.admin_cq_entries = WIDE;
	c = rig_ctrl_with(r, &cfg);
	for (unsigned i = 0; i < n; i++)
		rig_put(r, c->asq, cmd_abort(0, (uint16_t)(0x8000 + i)));
	rig_ring(r, c->asq);
	for (unsigned i = 0; i < n; i++) {
		cpl = rig_next(r, c->acq);
		CHECK_STATUS(r, cpl, SC_SUCCESS, SC_ABORT_LIMIT);
		refused += cpl.status == SC_ABORT_LIMIT;
	}
	CHECK_EQ(r, "further CQEs", rig_try(r, c->acq, &cpl, LATE_NS), 0);
	rig_note(r, "%u Aborts at once, ACL %u: %u refused", n, rig_facts(r)->id.acl, refused);
}

/* ---- self ---- */

static const struct self_row {
	const char *name;
	uint16_t first, second; /* whom the two Aborts name, of CID OWN_CID and OTHER_CID */
} selves[] = {
	{ "own", OWN_CID, OTHER_CID },
	{ "each-other", OTHER_CID, OWN_CID },
};

/* What a controller makes of it is its own affair, but each Abort completes once. */
static void self(struct rig *r)
{
	const struct self_row *row = rig_row(r);
	struct ctrl *c = rig_ctrl(r);
	struct cmd first = cmd_abort(0, row->first), second = cmd_abort(0, row->second);
	struct cpl cpl;

	sq_put_as(c->asq, &first.sqe, OWN_CID);
	sq_put_as(c->asq, &second.sqe, OTHER_CID);
	rig_ring(r, c->asq);
	for (unsigned i = 0; i < 2; i++) {
		cpl = rig_next(r, c->acq);
		CHECK_TRUE(r, cpl.cid == OWN_CID || cpl.cid == OTHER_CID,
			   "the CQE is of one of the two Aborts (CID %04Xh)", cpl.cid);
		CHECK_STATUS(r, cpl, SC_SUCCESS, SC_ABORT_REQUESTED, SC_ABORT_LIMIT);
	}
	CHECK_EQ(r, "further CQEs", rig_try(r, c->acq, &cpl, LATE_NS), 0);
	CHECK_STATUS(r, rig_admin(r, cmd_get_features(NVME_FEAT_FID_NUM_QUEUES, 0, 0, 0)),
		     SC_SUCCESS);
}

static const struct rig_case cases[] = {
	{ .id = "not-found",
	  .rule = "Abort of a command that is not outstanding succeeds and says: not aborted.",
	  .ref = "Base 2.0 Abort command; Base 2.1 Abort command, Command Completion",
	  .needs = NEED_COMMAND | NEED_SQE,
	  .fault = "abort-not-found-clear",
	  .run = not_found,
	  ROWS(missing) },
	{ .id = "limit",
	  .rule = "More Aborts at once than ACL allows are processed or refused; none is lost.",
	  .ref = "Base 2.0 Abort command; Base 2.1 Abort command",
	  .needs = NEED_CTRL,
	  .level = SHOULD,
	  .fault = "abort-past-limit-lost",
	  .run = limit },
	{ .id = "self",
	  .rule = "An Abort that names itself, or two that name each other, complete.",
	  .ref = "Base 2.0 Abort command",
	  .needs = NEED_CTRL,
	  .level = SHOULD,
	  .fault = "abort-of-self-hangs",
	  .run = self,
	  ROWS(selves) },
};

SUITE(abort_odd_suite, CONFORMANCE, "abort", cases);
