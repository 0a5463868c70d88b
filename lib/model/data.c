// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The data of a command. All of its memory is gathered and checked before the first byte moves, so
 * each entry and descriptor is read once and a bad one moves nothing.
 * Source: Base 2.0 Identify Controller data structure (MDTS); Base 2.2 Data Structures.
 */
#include "model/data.h"

#include <stdlib.h>

#include "model/core.h"

#define MDTS_UNIT    4096u /* CAP.MPSMIN is 0 */
#define TRANSFER_MAX (1ull << 30)
#define BENT_BYTE    0xdb

static bool is_io(const struct mcmd *c)
{
	return c->sqid != 0;
}

/* A page of a PRP may reach further than its data do; a descriptor says where they end. */
static bool in_wrong_memory(struct mcmd *c, uint64_t addr, size_t len)
{
	return cmb_data_fails(c, addr, DATA_AT_FIRST) ||
	       (len && sgl_used(c) && cmb_data_fails(c, addr + len - 1, DATA_AT_FIRST));
}

bool data_add(struct mcmd *c, struct data_list *list, uint64_t addr, size_t len, bool bucket)
{
	if (!bucket && in_wrong_memory(c, addr, len))
		return true;
	if (list->n == list->room) {
		size_t room = list->room ? 2 * list->room : 16;
		struct data_piece *grown = realloc(list->piece, room * sizeof(*grown));

		if (!grown) {
			mcmd_fail(c, SC_INTERNAL_ERROR, MCMD_NOWHERE);
			return true;
		}
		list->piece = grown;
		list->room = room;
	}
	list->piece[list->n++] = (struct data_piece){ .addr = addr, .len = len, .bucket = bucket };
	return false;
}

bool data_read_list(struct mcmd *c, uint64_t at, void *to, size_t len)
{
	if (cmb_list_fails(c, at, DATA_AT_SECOND))
		return true;
	if (!core_dma_read(c->m, at, to, len))
		return false;
	mcmd_fail(c, SC_DATA_TRANSFER_ERROR, DATA_AT_SECOND);
	return true;
}

/* True: it failed. */
static bool gather(struct mcmd *c, size_t total)
{
	struct model_core *core = c->m->core;
	struct data_list *list = &core->data;
	size_t at = 0;

	core->data_of = NULL;
	list->n = 0;
	cmb_use_begin(c->m);
	if (total > TRANSFER_MAX) {
		mcmd_fail(c, SC_INTERNAL_ERROR, MCMD_NOWHERE);
		return true;
	}
	if (c->m->message_based && !sgl_used(c)) {
		mcmd_fail(c, SC_INVALID_FIELD, MCMD_AT(1, 6));
		return true;
	}
	if (sgl_used(c) ? sgl_gather(c, list, total) : prp_gather(c, list, total))
		return true;
	for (size_t i = 0; i < list->n; i++) {
		list->piece[i].at = at;
		at += list->piece[i].len;
	}
	core->data_of = c;
	return false;
}

static bool has_pieces(struct mcmd *c, size_t total)
{
	return c->m->core->data_of == c || !gather(c, total);
}

/* The piece that holds this byte of the transfer. */
static const struct data_piece *piece_of(const struct data_list *list, size_t at)
{
	size_t low = 0, high = list->n;

	while (high - low > 1) {
		size_t mid = low + (high - low) / 2;

		if (list->piece[mid].at <= at)
			low = mid;
		else
			high = mid;
	}
	return &list->piece[low];
}

static int move_part(struct mcmd *c, void *host, uint64_t addr, size_t len, bool to_host)
{
	int err = to_host ? core_dma_write(c->m, addr, host, len)
			  : core_dma_read(c->m, addr, host, len);

	if (!err || FAULT(c->m, DMA_FAULT_SUCCESS))
		return 0;
	mcmd_fail(c, SC_DATA_TRANSFER_ERROR, DATA_AT_FIRST);
	return -1;
}

static int move(struct mcmd *c, uint8_t *host, size_t offset, size_t len, bool to_host)
{
	const struct data_list *list = &c->m->core->data;
	const struct data_piece *p = piece_of(list, offset);

	for (; len && p < list->piece + list->n; p++) {
		size_t into = offset - p->at, n = p->len - into < len ? p->len - into : len;

		if (n && !p->bucket && move_part(c, host, p->addr + into, n, to_host))
			return -1;
		host += n;
		offset += n;
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
	const struct data_list *list = &c->m->core->data;
	const struct data_piece *last;
	uint8_t junk[64];

	if (!FAULT(c->m, WRITE_PAST_BUFFER) || !is_io(c) || end != total || !list->n)
		return;
	last = &list->piece[list->n - 1];
	memset(junk, BENT_BYTE, sizeof(junk));
	core_dma_write(c->m, last->addr + (total - last->at), junk, sizeof(junk));
}

int mcmd_to_host(struct mcmd *c, const void *from, size_t offset, size_t len, size_t total)
{
	if (!in_bounds(offset, len, total) || !has_pieces(c, total))
		return -1;
	if (move(c, (uint8_t *)from, offset, len, true))
		return -1;
	spill(c, offset + len, total);
	return 0;
}

int mcmd_from_host(struct mcmd *c, void *to, size_t offset, size_t len, size_t total)
{
	if (!in_bounds(offset, len, total) || !has_pieces(c, total))
		return -1;
	return move(c, to, offset, len, false);
}

static bool exceeds_mdts(const struct mcmd *c, size_t total)
{
	const struct model *m = c->m;
	uint64_t most = MDTS_UNIT << m->opt.mdts;

	if (!m->opt.mdts || total <= most)
		return false;
	if (is_io(c) && (le32_get(c->e.cdw12) & 0xffff) == 0xffff && FAULT(m, NLB_FFFF_PAST_MDTS))
		return false;
	if (sgl_used(c) && FAULT(m, SGL_MDTS_UNCHECKED))
		return false;
	if (!is_io(c) && (uint32_t)total <= most && FAULT(m, NUMD_4_GIB_IS_NONE))
		return false;
	if (total <= (uint64_t)m->core->page << m->opt.mdts && FAULT(m, MDTS_SCALED_BY_MPS))
		return false;
	return !(total <= most + MDTS_UNIT && FAULT(m, MDTS_OFF_BY_ONE));
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
	if (exceeds_mdts(c, total - c->uncounted)) {
		move_first(c);
		mcmd_fail(c, SC_INVALID_FIELD, MCMD_NOWHERE);
		return -1;
	}
	if (total && !has_pieces(c, total))
		return -1;
	return 0;
}

bool data_never_ends(struct model *m)
{
	bool endless = m->core->data_endless;

	m->core->data_endless = false;
	return endless;
}
