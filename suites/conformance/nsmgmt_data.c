// SPDX-License-Identifier: GPL-2.0-or-later
/* What a namespace holds where another one was. */
#include "io_area.h"
#include "unwritten.h"

#define AREA 64u

static void fill(struct rig *r, const struct facts_ns *ns)
{
	for (uint64_t lba = 0; lba + AREA <= ns->nsze; lba += AREA)
		area_new(r, ns, lba, AREA);
	rig_io_ok(r, rig_queue(r), cmd_flush(ns->nsid));
}

/* Over the space of one that is gone, whole or in halves. */
static void leak(struct rig *r)
{
	struct ns_wish w = ns_wish(r, 1 << 20);
	const struct facts_ns *old = unwritten_new(r, &w);

	fill(r, old);
	CHECK_STATUS(r, ns_attach(r, old->nsid, false), SC_SUCCESS);
	CHECK_STATUS(r, rig_admin(r, cmd_ns_delete(old->nsid)), SC_SUCCESS);
	unwritten_check(r, unwritten_new(r, &w));
}

static const struct rig_case cases[] = {
	{ .id = "deleted-leak",
	  .rule = "A namespace never shows what one that was deleted before it held.",
	  .ref = "NVM CS 1.0 Deallocated or Unwritten Logical Blocks; Base 2.1 Namespace "
		 "Management; NVM CS 1.0 Namespace Management command",
	  .needs = NEED_CTRL,
	  .harm = HARM_WEAR,
	  .fault = "ns-deleted-leaks unwritten-unstable",
	  .na = ns_na_management,
	  .run = leak },
};

SUITE(nsmgmt_data_suite, CONFORMANCE, "nsmgmt", cases);
