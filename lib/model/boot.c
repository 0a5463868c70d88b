// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Boot partitions, as far as properties alone reach: two of the least size, each byte of a known
 * place. Source: Base 2.2 Boot Partitions; Base 2.2 BPINFO, BPRSEL, BPMBL.
 */
#include <errno.h>

#include "model/core.h"
#include "model/firmware.h"

#define BOOT_NS	    100000ull /* one read */
#define UNIT	    4096u     /* of BPROF and BPRSZ */
#define SIZE_UNITS  32u	      /* 128 KiB: BPSZ 1 */
#define BPSZ	    1u
#define BRS(v)	    ((uint32_t)(v) << 24)
#define ABPID(v)    ((uint32_t)(v) << 31)
#define BRS_READING 1u
#define BRS_DONE    2u
#define BRS_ERROR   3u

bool boot_there(const struct model *m)
{
	return m->opt.bps;
}

void boot_reset(struct model *m)
{
	m->core->boot = (struct model_boot){ .due = NEVER };
}

uint32_t boot_read32(const struct model *m, uint64_t off)
{
	const struct model_boot *b = &m->core->boot;

	if (!boot_there(m))
		return 0;
	switch (off) {
	case REG_BPINFO:
		return ABPID(firmware_boot_active(m)) | BRS(b->status) | BPSZ;
	case REG_BPRSEL:
		return b->select;
	case REG_BPMBL:
		return (uint32_t)b->base;
	default:
		return (uint32_t)(b->base >> 32);
	}
}

void boot_write_base(struct model *m, unsigned width, bool high, uint64_t value)
{
	struct model_boot *b = &m->core->boot;
	const uint64_t low = UINT32_MAX;

	if (!boot_there(m))
		return;
	if (width == 64)
		b->base = value;
	else
		b->base = high ? (b->base & low) | value << 32 : (b->base & ~low) | value;
	b->base &= ~4095ull;
}

void boot_select(struct model *m, uint32_t value)
{
	struct model_boot *b = &m->core->boot;

	if (!boot_there(m) || b->status == BRS_READING)
		return;
	b->select = value & 0xbfffffff;
	b->status = BRS_READING;
	b->due = FAULT(m, BOOT_READ_STUCK) ? NEVER : m->sub->now + BOOT_NS;
}

static int move(struct model *m, uint32_t unit, uint32_t to)
{
	struct model_boot *b = &m->core->boot;
	const uint8_t *image = firmware_boot(m, b->select & 1u << 31);
	uint8_t page[UNIT];

	if (image && unit < SIZE_UNITS)
		return core_dma_write(m, b->base + (uint64_t)to * UNIT, image + unit * UNIT, UNIT);
	for (uint32_t i = 0; i < UNIT; i += 4)
		le32_put(page + i, (b->select & 1u << 31) | 0x0b000000u | (unit * UNIT + i));
	return core_dma_write(m, b->base + (uint64_t)to * UNIT, page, UNIT);
}

void boot_step(struct model *m)
{
	struct model_boot *b = &m->core->boot;
	uint32_t n = b->select & 0x3ff, from = b->select >> 10 & 0xfffff;
	bool past = from + n > SIZE_UNITS && !FAULT(m, BOOT_READ_PAST_END);
	int err = past ? -ERANGE : 0;

	if (b->due > m->sub->now)
		return;
	b->due = NEVER;
	if (FAULT(m, BOOT_OFFSET_IGNORED))
		from = 0;
	for (uint32_t i = 0; i < n && !err; i++)
		err = move(m, from + i, i);
	b->status = err ? BRS_ERROR : BRS_DONE;
	m->core->moved = true;
}
