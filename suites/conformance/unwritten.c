// SPDX-License-Identifier: GPL-2.0-or-later
#include "unwritten.h"

#include <inttypes.h>

#include "io_area.h"

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
void unwritten_check(struct rig *r, const struct facts_ns *ns)
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

const struct facts_ns *unwritten_new(struct rig *r, const struct ns_wish *w)
{
	uint32_t nsid = ns_make(r, w);

	REQUIRE_STATUS(r, ns_attach(r, nsid, true), SC_SUCCESS);
	return ns_know(r, nsid);
}
