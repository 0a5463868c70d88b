// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Get LBA Status: blocks marked by Write Uncorrectable, which the model always tracks, so that a
 * scan finds no more. Source: NVM CS 1.0 Get LBA Status command.
 */
#include <stdlib.h>

#include "model/core.h"
#include "model/media.h"
#include "model/nvm.h"

#define ATYPE_SCAN    0x10u
#define ATYPE_TRACKED 0x11u
#define CUT_SHORT     1u /* Completion Condition */
#define DONE	      2u
#define BY_HOST	      0x3u /* Status: written by Write Uncorrectable, and will not be read */
#define HEADER	      8u
#define ENTRY	      16u
#define ENTRIES_MAX   4096u
#define AT_ATYPE      MCMD_AT(55, 0)

/* The first run of marked blocks in [*lba, end); *lba is left behind it. 0: none. */
static uint64_t next_run(struct media_ns *ns, uint64_t *lba, uint64_t end, uint64_t *ret_first)
{
	uint64_t first, bad;

	if (*lba >= end || !media_find_bad(ns, *lba, end - *lba, &first))
		return 0;
	for (*lba = first; *lba < end; ++*lba)
		if (!media_find_bad(ns, *lba, 1, &bad))
			break;
	*ret_first = first;
	return *lba - first;
}

static void put_entry(struct model *m, uint8_t *at, uint64_t first, uint64_t n)
{
	le64_put(at, first);
	le32_put(at + 8, (uint32_t)n - !FAULT(m, LBA_STATUS_NLB_ONES_BASED));
	at[13] = FAULT(m, LBA_STATUS_WITHOUT_BITS) ? 0 : BY_HOST;
}

/* As many entries as `room` bytes hold; returns the bytes used. */
static size_t fill(struct model *m, const struct nvm_range *r, uint8_t *data, size_t room)
{
	uint64_t lba = r->lba, end = r->lba + r->n, first = 0, n;
	size_t used = HEADER;
	unsigned entries = 0;

	if (FAULT(m, LBA_STATUS_FROM_ZERO))
		lba = 0;
	while ((n = next_run(r->ns, &lba, end, &first)) && used + ENTRY <= room) {
		put_entry(m, data + used, first, n);
		used += ENTRY;
		entries++;
	}
	le32_put(data, entries);
	data[4] = n && !FAULT(m, LBA_STATUS_CUT_AS_DONE) ? CUT_SHORT : DONE;
	if (entries > 1 && FAULT(m, LBA_STATUS_DESCENDS))
		for (size_t i = 0; i < ENTRY; i++) {
			uint8_t swap = data[HEADER + i];

			data[HEADER + i] = data[HEADER + ENTRY + i];
			data[HEADER + ENTRY + i] = swap;
		}
	return used;
}

static bool find_range(struct mcmd *c, struct nvm_range *r)
{
	uint64_t size;

	r->ns = nvm_find_ns(c);
	if (!r->ns)
		return false;
	size = media_blocks(r->ns);
	r->lba = le32_get(c->e.cdw10) | (uint64_t)le32_get(c->e.cdw11) << 32;
	r->n = le32_get(c->e.cdw13) & 0xffff;
	if (!r->n && r->lba < size)
		r->n = size - r->lba;
	if (r->lba < size && r->n <= size - r->lba)
		return true;
	if (FAULT(c->m, LBA_STATUS_RANGE_UNCHECKED)) {
		r->n = r->lba < size ? size - r->lba : 0;
		return true;
	}
	nvm_fail_range(c, r->lba);
	return false;
}

void admin_lba_status(struct mcmd *c)
{
	unsigned atype = le32_get(c->e.cdw13) >> 24;
	size_t total = ((size_t)le32_get(c->e.cdw12) + 1) * 4, room = total, used;
	struct nvm_range r;
	uint8_t *data;

	if (atype != ATYPE_SCAN && atype != ATYPE_TRACKED && !FAULT(c->m, LBA_STATUS_ATYPE_ANY)) {
		mcmd_fail(c, SC_INVALID_FIELD, AT_ATYPE);
		return;
	}
	if (!find_range(c, &r) || mcmd_check_data(c, total))
		return;
	if (room > HEADER + ENTRIES_MAX * ENTRY)
		room = HEADER + ENTRIES_MAX * ENTRY;
	if (FAULT(c->m, LBA_STATUS_MNDW_IGNORED))
		room = total = HEADER + ENTRIES_MAX * ENTRY;
	data = calloc(1, room < HEADER ? HEADER : room);
	if (!data) {
		mcmd_fail(c, SC_INTERNAL_ERROR, MCMD_NOWHERE);
		return;
	}
	used = fill(c->m, &r, data, room);
	mcmd_to_host(c, data, 0, used < room ? used : room, total);
	free(data);
}
