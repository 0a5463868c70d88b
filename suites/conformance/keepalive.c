// SPDX-License-Identifier: GPL-2.0-or-later
#include "kit/kit.h"

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

static const struct rig_case cases[] = {
	{ .id = "basic",
	  .rule = "Keep Alive succeeds where KAS claims it, and is no command where it does not.",
	  .ref = "Base 2.0 Keep Alive command; Base 2.1 Identify Controller data structure (KAS)",
	  .needs = NEED_QUEUES,
	  .fault = "admin-reserved-accepted",
	  .run = basic },
};

SUITE(keepalive_suite, CONFORMANCE, "keepalive", cases);
