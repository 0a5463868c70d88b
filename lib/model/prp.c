// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * PRP entries and lists, as pieces of memory.
 * Source: Base 2.0 Physical Region Page Entry and List.
 */
#include <stdlib.h>
#include <unistd.h>

#include "model/core.h"
#include "model/data.h"

#define AT_PRP1	  DATA_AT_FIRST
#define AT_PRP2	  DATA_AT_SECOND
#define LIST_HOPS 4096u /* no list of a legal transfer has as many pages */

/* A walk over the entries behind PRP2. */
struct walk {
	struct mcmd *c;
	struct data_list *to;
	uint64_t at; /* next entry */
	size_t left; /* entries still wanted */
	unsigned hops;
};

static bool fails(struct mcmd *c, uint16_t status, uint16_t where)
{
	mcmd_fail(c, status, where);
	return true;
}

static bool is_io(const struct mcmd *c)
{
	return c->sqid != 0;
}

static uint64_t offset_in_page(const struct mcmd *c, uint64_t addr)
{
	return addr & (c->m->core->page - 1);
}

/* A page of the transfer other than the first: must begin at its beginning. */
static bool add_page(struct mcmd *c, struct data_list *to, uint64_t addr, bool mask_fault)
{
	if (offset_in_page(c, addr) && !FAULT(c->m, PRP2_OFFSET_OVERRUN)) {
		if (!mask_fault)
			return fails(c, SC_PRP_OFFSET_INVALID, AT_PRP2);
		addr -= offset_in_page(c, addr);
	}
	return data_add(c, to, addr, c->m->core->page, false);
}

static bool read_entry(struct mcmd *c, uint64_t at, uint64_t *ret)
{
	__le64 v;

	if (data_read_list(c, at, &v, sizeof(v)))
		return true;
	*ret = le64_get(v);
	return false;
}

/* The last slot of a list page points to the next page when more than one entry is left. */
static bool is_chain_slot(const struct walk *w)
{
	struct model *m = w->c->m;
	bool last = offset_in_page(w->c, w->at) == m->core->page - sizeof(__le64);

	if (last && FAULT(m, EXACT_END_AS_CHAIN))
		return true;
	return last && w->left > 1 && !FAULT(m, CHAIN_SLOT_AS_DATA);
}

static bool follow_chain(struct walk *w)
{
	struct model *m = w->c->m;
	uint64_t from = w->at - offset_in_page(w->c, w->at), next;

	if (read_entry(w->c, w->at, &next))
		return true;
	if (offset_in_page(w->c, next))
		return fails(w->c, SC_PRP_OFFSET_INVALID, AT_PRP2);
	if (next == from && FAULT(m, PRP_LOOP_FOREVER)) {
		m->core->data_endless = true;
		return fails(w->c, SC_INTERNAL_ERROR, AT_PRP2);
	}
	if (++w->hops > LIST_HOPS)
		return fails(w->c, SC_DATA_TRANSFER_ERROR, AT_PRP2);
	w->at = next;
	return false;
}

/* By fault, and late enough for a host to have written between the two. */
static bool read_again(struct walk *w)
{
	usleep(1);
	return read_entry(w->c, w->at, &w->to->piece[w->to->n - 1].addr);
}

static bool walk_list(struct mcmd *c, struct data_list *to, uint64_t list, size_t entries)
{
	struct walk w = { .c = c, .to = to, .at = list, .left = entries };
	uint64_t entry;

	if (list & (sizeof(__le64) - 1))
		return fails(c, SC_PRP_OFFSET_INVALID, AT_PRP2);
	if (FAULT(c->m, LIST_START_OFFSET_DROPPED))
		w.at -= offset_in_page(c, w.at);
	while (w.left) {
		if (is_chain_slot(&w)) {
			if (follow_chain(&w))
				return true;
			continue;
		}
		if (read_entry(c, w.at, &entry) ||
		    add_page(c, to, entry, FAULT(c->m, LIST_ENTRY_OFFSET_MASKED)))
			return true;
		if (FAULT(c->m, LIST_READ_TWICE) && read_again(&w))
			return true;
		w.at += sizeof(__le64);
		w.left--;
	}
	return false;
}

static int by_address(const void *a, const void *b)
{
	uint64_t x = ((const struct data_piece *)a)->addr;
	uint64_t y = ((const struct data_piece *)b)->addr;

	return x < y ? -1 : x > y;
}

static void bend_list(struct model *m, struct data_list *list)
{
	if (list->n > 2 && FAULT(m, LIST_SORTED))
		qsort(list->piece + 1, list->n - 1, sizeof(*list->piece), by_address);
	if (list->n > 2 && FAULT(m, LIST_LAST_ENTRY_DROPPED))
		list->piece[list->n - 1].addr = list->piece[list->n - 2].addr + m->core->page;
}

static uint64_t first_page(const struct mcmd *c)
{
	struct model *m = c->m;
	uint64_t prp1 = le64_get(c->e.prp1);

	if (is_io(c) && c->e.flags & 0xc0 && FAULT(m, IO_FUZZ_WRITES_OUTSIDE))
		prp1 += m->core->page;
	return prp1;
}

/* The second of two pages. */
static bool add_second(struct mcmd *c, struct data_list *to, uint64_t prp1, uint64_t prp2)
{
	struct model *m = c->m;

	if (FAULT(m, PRP2_DIRECT_IGNORED) || (FAULT(m, ADMIN_PRP2_IGNORED) && !is_io(c)))
		prp2 = prp1 - offset_in_page(c, prp1) + m->core->page;
	return add_page(c, to, prp2, FAULT(m, PRP2_OFFSET_MASKED));
}

/* The first page from its offset on, then whole pages. */
bool prp_gather(struct mcmd *c, struct data_list *list, size_t total)
{
	struct model_core *core = c->m->core;
	uint64_t prp1 = first_page(c), prp2 = le64_get(c->e.prp2);
	uint64_t first = core->page - offset_in_page(c, prp1);
	size_t n = total <= first ? 1 : 1 + (total - first + core->page - 1) / core->page;

	if (prp1 & 3 && !FAULT(c->m, PRP1_LOW_BITS_SHIFT))
		return fails(c, SC_PRP_OFFSET_INVALID, AT_PRP1);
	if (is_io(c) && n > 1 && FAULT(c->m, PRP1_OFFSET_DROPPED))
		prp1 -= offset_in_page(c, prp1);
	if (data_add(c, list, prp1, core->page - offset_in_page(c, prp1), false))
		return true;
	if (n == 1 && prp2 && FAULT(c->m, PRP2_RESERVED_HANGS) && is_io(c))
		core->data_endless = true;
	if (n == 2 && add_second(c, list, prp1, prp2))
		return true;
	if (n > 2 && walk_list(c, list, prp2, n - 1))
		return true;
	bend_list(c->m, list);
	return false;
}
