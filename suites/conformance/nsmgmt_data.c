// SPDX-License-Identifier: GPL-2.0-or-later
/* What a namespace holds before anything was written to it. */
#include <inttypes.h>

#include "io_area.h"
#include "ns_made.h"

#define AREA 64u

static uint64_t own_bytes(struct rig *r)
{
	return rig_pick(r, 1 << 20, 4 << 20, 64 << 20);
}

/* All bytes 00h, or all FFh: where DLFEAT says which, that one. Returns the first that is not. */
static int64_t off_pattern(const struct facts_ns *ns, const uint8_t *block)
{
	unsigned reads_as = ns->id.dlfeat & 7;
	uint8_t want = reads_as == 2 || (reads_as == 0 && block[0]) ? 0xff : 0x00;

	for (uint32_t i = 0; i < ns->lba_bytes; i++)
		if (block[i] != want)
			return i;
	return -1;
}

static bool check_chunk(struct rig *r, const struct facts_ns *ns, uint64_t lba, uint32_t n,
			const uint8_t *data)
{
	for (uint32_t i = 0; i < n; i++) {
		const uint8_t *block = data + (size_t)i * ns->lba_bytes;
		int64_t at = off_pattern(ns, block);

		if (at >= 0)
			return CHECK_TRUE(r, false,
					  "LBA %" PRIu64 ", never written, reads as DLFEAT %02Xh "
					  "says (byte %" PRId64 " is %02Xh)",
					  lba + i, ns->id.dlfeat, at, block[at]);
	}
	return true;
}

static void read_chunk(struct rig *r, const struct facts_ns *ns, uint64_t lba, uint32_t n,
		       uint8_t *data)
{
	REQUIRE_STATUS(r,
		       rig_io(r, rig_queue(r),
			      cmd_read(ns->nsid, lba, n, data, (size_t)n * ns->lba_bytes)),
		       SC_SUCCESS);
}

/* Every block, twice, until one is not as it must be. */
static void scan(struct rig *r, const struct facts_ns *ns)
{
	uint32_t chunk = io_chunk(r, ns), n;
	uint8_t *a = rig_mem(r, (size_t)chunk * ns->lba_bytes);
	uint8_t *b = rig_mem(r, (size_t)chunk * ns->lba_bytes);

	for (uint64_t lba = 0; lba < ns->nsze; lba += n) {
		n = ns->nsze - lba < chunk ? (uint32_t)(ns->nsze - lba) : chunk;
		read_chunk(r, ns, lba, n, a);
		if (!check_chunk(r, ns, lba, n, a))
			return;
		read_chunk(r, ns, lba, n, b);
		if (!CHECK_MEM(r, "blocks never written, read once more", b, a,
			       (size_t)n * ns->lba_bytes))
			return;
	}
	CHECK_TRUE(r, true, "%" PRIu64 " blocks read as those never written", ns->nsze);
}

static const struct facts_ns *new_attached(struct rig *r, const struct ns_wish *w)
{
	uint32_t nsid = ns_make(r, w);

	REQUIRE_STATUS(r, ns_attach(r, nsid, true), SC_SUCCESS);
	return ns_know(r, nsid);
}

/* ---- io.unwritten-read ---- */

static void unwritten(struct rig *r)
{
	struct ns_wish w = ns_wish(r, own_bytes(r));

	scan(r, new_attached(r, &w));
}

/* ---- nsmgmt.deleted-leak ---- */

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
	const struct facts_ns *old = new_attached(r, &w);

	fill(r, old);
	CHECK_STATUS(r, ns_attach(r, old->nsid, false), SC_SUCCESS);
	CHECK_STATUS(r, rig_admin(r, cmd_ns_delete(old->nsid)), SC_SUCCESS);
	scan(r, new_attached(r, &w));
}

static const struct rig_case io_cases[] = {
	{ .id = "unwritten-read",
	  .rule = "A block of a new namespace reads as DLFEAT says, each time the same.",
	  .ref = "NVM CS 1.0 Deallocated or Unwritten Logical Blocks; NVM CS 1.0 Identify "
		 "Namespace "
		 "data structure (DLFEAT)",
	  .needs = NEED_QUEUES,
	  .harm = HARM_WEAR,
	  .fault = "unwritten-unstable",
	  .na = ns_na_management,
	  .run = unwritten },
};

static const struct rig_case leak_cases[] = {
	{ .id = "deleted-leak",
	  .rule = "A namespace never shows what one that was deleted before it held.",
	  .ref = "NVM CS 1.0 Deallocated or Unwritten Logical Blocks; Base 2.1 Namespace "
		 "Management; NVM CS 1.0 Namespace Management command",
	  .needs = NEED_QUEUES,
	  .harm = HARM_WEAR,
	  .fault = "ns-deleted-leaks unwritten-unstable",
	  .na = ns_na_management,
	  .run = leak },
};

SUITE(io_unwritten_suite, CONFORMANCE, "io", io_cases);
SUITE(nsmgmt_data_suite, CONFORMANCE, "nsmgmt", leak_cases);
