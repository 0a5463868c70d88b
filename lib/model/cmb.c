// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The Controller Memory Buffer, in BAR 2 behind two pages of nothing: what CMBLOC and CMBSZ say,
 * what CMBMSC makes of it, and which command may use it for what. Its end is that of the BAR, where
 * CMBSZ says more. The contents, which a reset leaves undefined, are made so.
 * Source: Base 2.2 Controller Memory Buffer, CMBLOC, CMBSZ, CMBMSC, CMBSTS, Controller Level Reset.
 */
#include <errno.h>
#include <stdlib.h>

#include "model/core.h"

#define BAR	     2u
#define UNIT	     4096u
#define OFFSET	     (2 * UNIT)
#define CMBLOC_MASK  0x1f8u
#define BASE_MASK    (~0xfffull)
#define UNDEFINED    0x9bu
#define AT_PRP1	     24u
#define DATA_TO_CTRL 1u /* opcode bits 1:0 */
#define DATA_TO_HOST 2u

struct model_cmb {
	uint64_t bytes; /* that can be reached */
	uint64_t msc;
	bool on, stuck;		/* controller memory space is enabled; by fault: CBAI stays */
	bool written;		/* since the contents were last made undefined */
	bool data[2], lists[2]; /* of the command at work: [outside, inside] */
	uint8_t mem[];
};

uint64_t cmb_bar_bytes(const struct model *m)
{
	uint64_t size = m->opt.cmb ? UNIT : 0;

	while (size < m->opt.cmb)
		size <<= 1;
	return size;
}

struct model_cmb *cmb_new(struct model *m)
{
	uint64_t room = cmb_bar_bytes(m), bytes = m->opt.cmb;
	struct model_cmb *cmb;

	if (bytes > room - OFFSET)
		bytes = room ? room - OFFSET : 0;
	cmb = calloc(1, sizeof(*cmb) + bytes);
	if (cmb)
		cmb->bytes = bytes;
	return cmb;
}

void cmb_free(struct model_cmb *cmb)
{
	free(cmb);
}

static void make_undefined(struct model_cmb *cmb)
{
	if (cmb->written)
		memset(cmb->mem, UNDEFINED, cmb->bytes);
	cmb->written = false;
}

void cmb_reset(struct model *m, enum model_reset kind)
{
	struct model_cmb *cmb = m->cmb;
	bool keeps = kind == MODEL_RESET_CC || kind == MODEL_RESET_FLR;

	if ((cmb->msc && kind == MODEL_RESET_CC && FAULT(m, CMBMSC_LOST_OVER_RESET)) ||
	    (kind == MODEL_RESET_FLR && FAULT(m, CMBMSC_LOST_OVER_FLR)))
		keeps = false;
	if (!keeps) {
		cmb->msc = 0;
		cmb->on = false;
	}
	make_undefined(cmb);
}

/* ---- properties ---- */

/* By fault, uses that work and are not claimed. */
static uint32_t disowned(const struct model *m)
{
	return (FAULT(m, CMB_SQ_UNCHECKED) ? CMBSZ_SQS | CMBSZ_LISTS : 0) |
	       (FAULT(m, CMB_CQ_UNCHECKED) ? CMBSZ_CQS : 0) |
	       (FAULT(m, CMB_LISTS_UNCHECKED) ? CMBSZ_LISTS : 0) |
	       (FAULT(m, CMB_RDS_UNCHECKED) ? CMBSZ_RDS : 0) |
	       (FAULT(m, CMB_WDS_UNCHECKED) ? CMBSZ_WDS : 0);
}

static uint32_t size_value(const struct model *m)
{
	uint32_t v = m->opt.cmb / UNIT << 12 | m->opt.cmbuse;

	if (FAULT(m, CMBSZ_UNITS_RESERVED))
		v |= 7u << 8;
	if (FAULT(m, CMBSZ_RESERVED_BITS))
		v |= 7u << 5;
	if (FAULT(m, CMBSZ_LISTS_WITHOUT_SQS))
		v = (v | CMBSZ_LISTS) & ~CMBSZ_SQS;
	return v & ~disowned(m);
}

static uint32_t location_value(const struct model *m)
{
	uint32_t v = OFFSET / UNIT << 12 | (m->opt.cmbloc & CMBLOC_MASK) | BAR;

	if (FAULT(m, CMBLOC_BIR_ONE))
		v = (v & ~7u) | 1;
	if (FAULT(m, CMBLOC_BIR_UPPER_HALF))
		v = (v & ~7u) | (BAR + 1);
	if (FAULT(m, CMBLOC_RESERVED_BITS))
		v |= 7u << 9;
	if (FAULT(m, CMBLOC_PAST_THE_BAR))
		v += (uint32_t)(cmb_bar_bytes(m) / UNIT) << 12;
	return v;
}

static bool registers_enabled(const struct model *m)
{
	if (FAULT(m, CMB_SHOWN_WITHOUT_CRE))
		return true;
	return (m->cmb->msc & CMBMSC_CRE) && !FAULT(m, CMB_HIDDEN_WITH_CRE);
}

static uint64_t range_bytes(const struct model *m)
{
	return m->cmb->bytes;
}

/* No part of the range is past 2^64 - 1, none is the Persistent Memory Region's. */
static bool is_valid(const struct model *m, uint64_t base)
{
	uint64_t last = base + (range_bytes(m) - 1);

	if (last < base || (FAULT(m, CBA_LAST_REFUSED) && last == UINT64_MAX))
		return last < base && FAULT(m, CBAI_NEVER_SET);
	return !pmr_overlaps(m, base, range_bytes(m)) || FAULT(m, CBA_OVER_PMR_ACCEPTED);
}

static bool is_wanted(const struct model *m)
{
	uint64_t both = CMBMSC_CMSE | (FAULT(m, CMSE_WITHOUT_CRE) ? 0 : CMBMSC_CRE);

	return (m->cmb->msc & both) == both;
}

static bool base_is_invalid(const struct model *m)
{
	return is_wanted(m) && !m->cmb->on && (m->cmb->msc & CMBMSC_CRE);
}

uint32_t cmb_read32(const struct model *m, uint64_t off)
{
	const struct model_cmb *cmb = m->cmb;

	switch (off) {
	case REG_CMBLOC:
		return registers_enabled(m) ? location_value(m) : 0;
	case REG_CMBSZ:
		return registers_enabled(m) ? size_value(m) : 0;
	case REG_CMBMSC:
		return (uint32_t)cmb->msc;
	case REG_CMBMSC + 4:
		return (uint32_t)(cmb->msc >> 32);
	default:
		return base_is_invalid(m) || (cmb->stuck && FAULT(m, CBAI_STICKS)) ? CMBSTS_CBAI
										   : 0;
	}
}

void cmb_write_msc(struct model *m, unsigned width, bool high, uint64_t value)
{
	struct model_cmb *cmb = m->cmb;
	uint64_t was = cmb->msc;

	if (width == 64)
		cmb->msc = value;
	else
		cmb->msc = high ? (was & UINT32_MAX) | value << 32
				: (was & ~(uint64_t)UINT32_MAX) | value;
	if (!FAULT(m, CMBMSC_RESERVED_BITS_STICK))
		cmb->msc &= BASE_MASK | CMBMSC_CRE | CMBMSC_CMSE;
	if (~was & cmb->msc & CMBMSC_CMSE)
		make_undefined(cmb);
	cmb->on = is_wanted(m) && is_valid(m, CMBMSC_CBA(cmb->msc));
	if ((was & CMBMSC_CMSE) && !(cmb->msc & CMBMSC_CMSE) && FAULT(m, CMSE_OFF_IGNORED))
		cmb->on = true;
	cmb->stuck |= base_is_invalid(m);
}

/* ---- addresses of the host's ---- */

bool cmb_overlaps(const struct model *m, uint64_t base, uint64_t bytes)
{
	uint64_t mine = CMBMSC_CBA(m->cmb->msc), n = range_bytes(m);

	return m->cmb->on && (base - mine < n || mine - base < bytes);
}

bool cmb_holds(const struct model *m, uint64_t addr)
{
	return m->cmb->on && addr - CMBMSC_CBA(m->cmb->msc) < range_bytes(m);
}

uint8_t *cmb_at(struct model *m, uint64_t addr, size_t *len)
{
	uint64_t at = addr - CMBMSC_CBA(m->cmb->msc), base = CMBMSC_CBA(m->cmb->msc);

	if (!m->cmb->on)
		return NULL;
	if (at >= range_bytes(m)) {
		if (base - addr < *len)
			*len = base - addr;
		return NULL;
	}
	if (*len > range_bytes(m) - at)
		*len = range_bytes(m) - at;
	if (at >= UNIT && FAULT(m, CMB_DMA_LANDS_OFF))
		at -= UNIT;
	m->cmb->written = true;
	return m->cmb->mem + at;
}

/* ---- what it may be used for ---- */

void cmb_use_begin(struct model *m)
{
	memset(m->cmb->data, 0, sizeof(m->cmb->data));
	memset(m->cmb->lists, 0, sizeof(m->cmb->lists));
}

static bool ruled_out(struct mcmd *c, bool wrong, uint16_t where)
{
	if (wrong)
		mcmd_fail(c, SC_CMB_INVALID_USE, where);
	return wrong;
}

static bool direction_is_wrong(const struct mcmd *c)
{
	const struct model *m = c->m;

	if ((c->e.opcode & 3) == DATA_TO_CTRL)
		return !(m->opt.cmbuse & CMBSZ_WDS) && !FAULT(m, CMB_WDS_UNCHECKED);
	return (c->e.opcode & 3) == DATA_TO_HOST && !(m->opt.cmbuse & CMBSZ_RDS) &&
	       !FAULT(m, CMB_RDS_UNCHECKED);
}

bool cmb_data_fails(struct mcmd *c, uint64_t addr, uint16_t where)
{
	struct model *m = c->m;
	bool inside = cmb_holds(m, addr), mixed;

	m->cmb->data[inside] = true;
	mixed = m->cmb->data[0] && m->cmb->data[1] && !(m->opt.cmbloc & CMBLOC_CDMMMS);
	return ruled_out(c,
			 (inside && direction_is_wrong(c)) ||
				 (mixed && !FAULT(m, CMB_MIXED_DATA_ACCEPTED)),
			 where);
}

static bool comes_from_cmb(const struct mcmd *c)
{
	const struct model_sq *sq = core_sq(c->m, c->sqid);

	return sq && cmb_holds(c->m, sq->base);
}

bool cmb_list_fails(struct mcmd *c, uint64_t addr, uint16_t where)
{
	struct model *m = c->m;
	bool inside = cmb_holds(m, addr), wrong;

	m->cmb->lists[inside] = true;
	wrong = m->cmb->lists[0] && m->cmb->lists[1] && !(m->opt.cmbloc & CMBLOC_CDPMLS) &&
		!FAULT(m, CMB_MIXED_LISTS_ACCEPTED);
	if (inside && !(m->opt.cmbuse & CMBSZ_LISTS) && !FAULT(m, CMB_LISTS_UNCHECKED))
		wrong = true;
	if (inside && !(m->opt.cmbloc & CMBLOC_CDPCILS) && !comes_from_cmb(c) &&
	    !FAULT(m, CMB_LIST_FAR_ACCEPTED))
		wrong = true;
	return ruled_out(c, wrong, where);
}

/* Every page of a queue that is to be. */
static bool pages_are_wrong(struct mcmd *c, bool cq, uint64_t base, uint64_t bytes, bool pieces)
{
	struct model *m = c->m;
	bool in[2] = { false, false }, unfit = !(m->opt.cmbuse & (cq ? CMBSZ_CQS : CMBSZ_SQS));

	if (cq ? FAULT(m, CMB_CQ_UNCHECKED) : FAULT(m, CMB_SQ_UNCHECKED))
		unfit = false;
	for (uint64_t at = 0; at < bytes; at += UNIT)
		in[cmb_holds(m, queue_at(m, base, pieces, at))] = true;
	in[cmb_holds(m, queue_at(m, base, pieces, bytes - 1))] = true;
	if (!in[1])
		return false;
	if (pieces && !(m->opt.cmbloc & CMBLOC_CQPDS) && !FAULT(m, CMB_PIECES_ACCEPTED))
		return true;
	return unfit ||
	       (in[0] && !(m->opt.cmbloc & CMBLOC_CQMMS) && !FAULT(m, CMB_MIXED_QUEUE_ACCEPTED));
}

bool cmb_queue_fails(struct mcmd *c, bool cq, uint64_t base, uint64_t bytes, bool pieces)
{
	if (!c->m->cmb->on || !bytes)
		return false;
	return ruled_out(c, pages_are_wrong(c, cq, base, bytes, pieces), AT_PRP1);
}

bool cmb_aligns_queues(const struct model *m, uint64_t addr, bool pieces)
{
	return (m->opt.cmbloc & CMBLOC_CQDA) && !pieces && !(addr & 3) && cmb_holds(m, addr);
}

/* ---- through the BAR ---- */

/* Byte `off` of the BAR: where it is in the buffer, or NULL. */
static uint8_t *byte_at(struct model *m, uint64_t off)
{
	if (FAULT(m, CMB_PAGES_ALIAS))
		off &= ~(uint64_t)UNIT;
	if (off < OFFSET || off - OFFSET >= m->cmb->bytes)
		return NULL;
	return m->cmb->mem + (off - OFFSET);
}

uint64_t cmb_read(struct model *m, uint64_t off, unsigned width)
{
	uint64_t v = 0;

	if (FAULT(m, CMB_UNALIGNED_ROUNDS_DOWN))
		off &= ~(uint64_t)(width / 8 - 1);
	for (unsigned i = 0; i < width / 8; i++) {
		const uint8_t *p = byte_at(m, off + i);

		v |= (uint64_t)(p ? *p : 0) << 8 * i;
	}
	return v;
}

void cmb_write(struct model *m, uint64_t off, unsigned width, uint64_t value)
{
	unsigned bytes = width / 8;

	if (bytes < 4 && FAULT(m, CMB_BYTE_ENABLES_IGNORED)) {
		value <<= 8 * (off & 3);
		off &= ~3ull;
		bytes = 4;
	}
	m->cmb->written = true;
	for (unsigned i = 0; i < bytes; i++) {
		uint8_t *p = byte_at(m, off + i);

		if (p)
			*p = (uint8_t)(value >> 8 * i);
	}
}
