// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The data pointer. All page addresses are gathered and checked before the first byte moves, so
 * each entry is read once and a bad one moves nothing.
 * Source: Base 2.0 Physical Region Page Entry and List; Identify Controller MDTS.
 */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "model/core.h"

#define AT_PRP1	     24u
#define AT_PRP2	     32u
#define MDTS_UNIT    4096u /* CAP.MPSMIN is 0 */
#define LIST_HOPS    4096u /* no list of a legal transfer has as many pages */
#define TRANSFER_MAX (1ull << 30)
#define BENT_BYTE    0xdb

/* A walk over the entries behind PRP2. */
struct walk {
	struct mcmd *c;
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

static int reserve(struct model_core *core, size_t n)
{
	uint64_t *grown;

	if (n <= core->prp_room)
		return 0;
	grown = realloc(core->prp, n * sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	core->prp = grown;
	core->prp_room = n;
	return 0;
}

/* A page of the transfer other than the first: must begin at its beginning. */
static bool add_page(struct mcmd *c, uint64_t addr, bool mask_fault, uint16_t where)
{
	struct model_core *core = c->m->core;

	if (offset_in_page(c, addr) && !FAULT(c->m, PRP2_OFFSET_OVERRUN)) {
		if (!mask_fault)
			return fails(c, SC_PRP_OFFSET_INVALID, where);
		addr -= offset_in_page(c, addr);
	}
	core->prp[core->nprp++] = addr;
	return false;
}

static bool read_entry(struct mcmd *c, uint64_t at, uint64_t *ret)
{
	__le64 v;

	if (core_dma_read(c->m, at, &v, sizeof(v)))
		return fails(c, SC_DATA_TRANSFER_ERROR, AT_PRP2);
	*ret = le64_get(v);
	return false;
}

/* The last slot of a list page points to the next page when more than one entry is left. */
static bool is_chain_slot(const struct walk *w)
{
	struct model *m = w->c->m;
	bool last = offset_in_page(w->c, w->at) == m->core->page - sizeof(__le64);

	if (FAULT(m, EXACT_END_AS_CHAIN) && last)
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
	if (FAULT(m, PRP_LOOP_FOREVER) && next == from) {
		m->core->prp_endless = true;
		return fails(w->c, SC_INTERNAL_ERROR, AT_PRP2);
	}
	if (++w->hops > LIST_HOPS)
		return fails(w->c, SC_DATA_TRANSFER_ERROR, AT_PRP2);
	w->at = next;
	return false;
}

/* By fault, and late enough for a host to have written between the two. */
static bool read_again(struct mcmd *c, uint64_t at)
{
	usleep(1);
	return read_entry(c, at, &c->m->core->prp[c->m->core->nprp - 1]);
}

static bool walk_list(struct mcmd *c, uint64_t list, size_t entries)
{
	struct walk w = { .c = c, .at = list, .left = entries };
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
		    add_page(c, entry, FAULT(c->m, LIST_ENTRY_OFFSET_MASKED), AT_PRP2))
			return true;
		if (FAULT(c->m, LIST_READ_TWICE) && read_again(c, w.at))
			return true;
		w.at += sizeof(__le64);
		w.left--;
	}
	return false;
}

static int by_address(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static void bend_list(struct model *m)
{
	struct model_core *core = m->core;
	uint64_t page = core->page;

	if (core->nprp > 2 && FAULT(m, LIST_SORTED))
		qsort(core->prp + 1, core->nprp - 1, sizeof(*core->prp), by_address);
	if (core->nprp > 2 && FAULT(m, LIST_LAST_ENTRY_DROPPED))
		core->prp[core->nprp - 1] = core->prp[core->nprp - 2] + page;
}

static uint64_t first_page(const struct mcmd *c)
{
	struct model *m = c->m;
	uint64_t prp1 = le64_get(c->e.prp1);

	if (FAULT(m, IO_FUZZ_WRITES_OUTSIDE) && is_io(c) && c->e.flags & 0xc0)
		prp1 += m->core->page;
	return prp1;
}

/* The second of two pages. */
static bool add_second(struct mcmd *c, uint64_t prp1, uint64_t prp2)
{
	struct model *m = c->m;

	if (FAULT(m, PRP2_DIRECT_IGNORED) || (FAULT(m, ADMIN_PRP2_IGNORED) && !is_io(c)))
		prp2 = prp1 - offset_in_page(c, prp1) + m->core->page;
	return add_page(c, prp2, FAULT(m, PRP2_OFFSET_MASKED), AT_PRP2);
}

/* Fills core->prp: the first page with its offset, then whole pages. True: it failed. */
static bool gather(struct mcmd *c, size_t total)
{
	struct model_core *core = c->m->core;
	uint64_t prp1 = first_page(c), prp2 = le64_get(c->e.prp2);
	uint64_t first = core->page - offset_in_page(c, prp1);
	size_t n = total <= first ? 1 : 1 + (total - first + core->page - 1) / core->page;

	core->prp_of = NULL;
	core->nprp = 0;
	if (prp1 & 3 && !FAULT(c->m, PRP1_LOW_BITS_SHIFT))
		return fails(c, SC_PRP_OFFSET_INVALID, AT_PRP1);
	if (total > TRANSFER_MAX || reserve(core, n))
		return fails(c, SC_INTERNAL_ERROR, 0xffff);
	if (FAULT(c->m, PRP1_OFFSET_DROPPED) && is_io(c) && n > 1)
		prp1 -= offset_in_page(c, prp1);
	core->prp[core->nprp++] = prp1;
	if (n == 1 && prp2 && FAULT(c->m, PRP2_RESERVED_HANGS) && is_io(c))
		core->prp_endless = true;
	if (n == 2 && add_second(c, prp1, prp2))
		return true;
	if (n > 2 && walk_list(c, prp2, n - 1))
		return true;
	bend_list(c->m);
	core->prp_of = c;
	return false;
}

static bool has_pages(struct mcmd *c, size_t total)
{
	if (c->m->core->prp_of == c)
		return true;
	return !gather(c, total);
}

static int move_page(struct mcmd *c, void *host, uint64_t addr, size_t len, bool to_host)
{
	int err = to_host ? core_dma_write(c->m, addr, host, len)
			  : core_dma_read(c->m, addr, host, len);

	if (!err || FAULT(c->m, DMA_FAULT_SUCCESS))
		return 0;
	mcmd_fail(c, SC_DATA_TRANSFER_ERROR, AT_PRP1);
	return -1;
}

static int move(struct mcmd *c, uint8_t *host, size_t offset, size_t len, bool to_host)
{
	const struct model_core *core = c->m->core;
	uint64_t skip = offset_in_page(c, core->prp[0]);
	uint64_t at = offset + skip; /* from the beginning of the first page */

	while (len) {
		size_t i = at / core->page, into = at % core->page, n = core->page - into;
		uint64_t base = core->prp[i] - (i ? 0 : skip);

		if (n > len)
			n = len;
		if (move_page(c, host, base + into, n, to_host))
			return -1;
		host += n;
		at += n;
		len -= n;
	}
	return 0;
}

static bool in_bounds(size_t offset, size_t len, size_t total)
{
	return offset <= total && len <= total - offset;
}

/* The fault write-past-buffer: what follows the last byte of a Read is written to as well. */
static void spill(struct mcmd *c, size_t end, size_t total)
{
	uint8_t junk[64];
	const struct model_core *core = c->m->core;
	uint64_t at = total + offset_in_page(c, core->prp[0]);
	uint64_t last = core->prp[core->nprp - 1];

	if (!FAULT(c->m, WRITE_PAST_BUFFER) || !is_io(c) || end != total)
		return;
	memset(junk, BENT_BYTE, sizeof(junk));
	last -= offset_in_page(c, last);
	core_dma_write(c->m, last + (at - (core->nprp - 1) * (uint64_t)core->page), junk,
		       sizeof(junk));
}

int mcmd_to_host(struct mcmd *c, const void *from, size_t offset, size_t len, size_t total)
{
	if (!in_bounds(offset, len, total) || !has_pages(c, total))
		return -1;
	if (move(c, (uint8_t *)from, offset, len, true))
		return -1;
	spill(c, offset + len, total);
	return 0;
}

int mcmd_from_host(struct mcmd *c, void *to, size_t offset, size_t len, size_t total)
{
	if (!in_bounds(offset, len, total) || !has_pages(c, total))
		return -1;
	return move(c, to, offset, len, false);
}

static bool exceeds_mdts(const struct mcmd *c, size_t total)
{
	const struct model *m = c->m;
	uint64_t unit = FAULT(m, MDTS_SCALED_BY_MPS) ? m->core->page : MDTS_UNIT;
	uint64_t slack = FAULT(m, MDTS_OFF_BY_ONE) ? MDTS_UNIT : 0;

	if (is_io(c) && FAULT(m, NLB_FFFF_PAST_MDTS) && (le32_get(c->e.cdw12) & 0xffff) == 0xffff)
		return false;
	if (!is_io(c) && FAULT(m, NUMD_4_GIB_IS_NONE))
		total = (uint32_t)total;
	return m->opt.mdts && total > (unit << m->opt.mdts) + slack;
}

/* The fault mdts-moves-data-first: the first bytes of a Read arrive before it is refused. */
static void move_first(struct mcmd *c)
{
	uint8_t junk[512];

	if (!FAULT(c->m, MDTS_MOVES_DATA_FIRST) || (c->e.opcode & 3) != 2)
		return;
	memset(junk, BENT_BYTE, sizeof(junk));
	core_dma_write(c->m, le64_get(c->e.prp1), junk, sizeof(junk));
}

int mcmd_check_data(struct mcmd *c, size_t total)
{
	if (exceeds_mdts(c, total)) {
		move_first(c);
		mcmd_fail(c, SC_INVALID_FIELD, 0xffff);
		return -1;
	}
	if (total && !has_pages(c, total))
		return -1;
	return 0;
}

bool prp_never_ends(struct model *m, const struct mcmd *c)
{
	bool endless = m->core->prp_endless;

	(void)c;
	m->core->prp_endless = false;
	return endless;
}
