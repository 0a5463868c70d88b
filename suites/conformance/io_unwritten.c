// SPDX-License-Identifier: GPL-2.0-or-later
/* What a new namespace holds. */
#include "unwritten.h"

static uint64_t own_bytes(struct rig *r)
{
	return rig_pick(r, 1 << 20, 4 << 20, 64 << 20);
}

static void unwritten(struct rig *r)
{
	struct ns_wish w = ns_wish(r, own_bytes(r));

	unwritten_check(r, unwritten_new(r, &w));
}

static const struct rig_case cases[] = {
	{ .id = "unwritten-read",
	  .rule = "A block of a new namespace reads as DLFEAT says, each time the same.",
	  .ref = "NVM CS 1.0 Deallocated or Unwritten Logical Blocks; NVM CS 1.0 Identify "
		 "Namespace data structure (DLFEAT)",
	  .needs = NEED_CTRL,
	  .harm = HARM_WEAR,
	  .fault = "unwritten-unstable",
	  .na = ns_na_management,
	  .run = unwritten },
};

SUITE(io_unwritten_suite, CONFORMANCE, "io", cases);
