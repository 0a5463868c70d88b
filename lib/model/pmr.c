// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The Persistent Memory Region, all of BAR 4: enabled by PMRCTL, there for the host's addresses by
 * PMRMSCL and PMRMSCU. What was written while it was ready outlives resets, disabling and power.
 * Source: Base 2.2 Persistent Memory Region, PMRCAP to PMRMSCU.
 */
#include <stdlib.h>

#include "model/core.h"
#include "model/sanitize.h"

#define BAR	  4u
#define PMR_NS	  40000ull	/* PMRCTL.EN until PMRSTS.NRDY */
#define SLOW_NS	  3000000000ull /* six times PMRTO */
#define TIMEOUT	  1u		/* PMRCAP.PMRTO, in 500 ms */
#define BARRIERS  3u		/* by a read of memory, by one of PMRSTS */
#define BASE_MASK (~0xfffull)
#define FORGOTTEN 0x6du

enum pmr_state { PMR_FRESH, PMR_STARTING, PMR_READY, PMR_STOPPING, PMR_OFF };

struct model_pmr {
	enum pmr_state state;
	uint64_t due;
	uint32_t ctl; /* as it reads */
	uint64_t msc; /* PMRMSCU, PMRMSCL */
	bool on;      /* controller memory space is enabled */
	uint64_t bytes;
	uint8_t nowhere[4096]; /* where writes go that are not taken */
	uint8_t mem[];
};

struct model_pmr *pmr_new(struct model *m)
{
	struct model_pmr *p = calloc(1, sizeof(*p) + m->opt.pmr);

	if (!p)
		return NULL;
	p->bytes = m->opt.pmr;
	p->due = NEVER;
	return p;
}

void pmr_free(struct model_pmr *p)
{
	free(p);
}

static void forget(struct model_pmr *p, bool forgets)
{
	if (forgets)
		memset(p->mem, FORGOTTEN, p->bytes);
}

/* A Controller Reset touches none of it. */
void pmr_reset(struct model *m, enum model_reset kind)
{
	struct model_pmr *p = m->pmr;

	forget(p, kind == MODEL_POWER_OFF && FAULT(m, PMR_LOST_OVER_POWER));
	forget(p, kind == MODEL_RESET_FLR && FAULT(m, PMR_LOST_OVER_FLR));
	if (kind == MODEL_RESET_CC) {
		forget(p, p->ctl && FAULT(m, PMR_LOST_OVER_RESET));
		if (p->msc && FAULT(m, PMRMSC_LOST_OVER_RESET))
			p->msc = 0;
		if (!p->ctl || !FAULT(m, PMRCTL_LOST_OVER_RESET))
			return;
	}
	p->state = PMR_FRESH;
	p->due = NEVER;
	p->ctl = 0;
	p->msc = 0;
	p->on = false;
}

static uint32_t capabilities(const struct model *m)
{
	uint32_t v =
		PMRCAP_CMSS | TIMEOUT << 16 | BARRIERS << 10 | BAR << 5 | PMRCAP_WDS | PMRCAP_RDS;

	if (FAULT(m, PMRCAP_NO_BARRIER))
		v &= ~(15u << 10);
	if (FAULT(m, PMRCAP_BIR_ZERO))
		v &= ~(7u << 5);
	if (FAULT(m, PMRCAP_RESERVED_BITS))
		v |= 0xfe00c007u;
	if (FAULT(m, PMRCAP_RDS_WITHOUT_CMSS))
		v &= ~PMRCAP_CMSS;
	if (FAULT(m, PMRCAP_UNITS_RESERVED))
		v |= 2u << 8;
	return v;
}

static uint32_t status(const struct model *m)
{
	const struct model_pmr *p = m->pmr;
	bool ready = p->state == PMR_READY || p->state == PMR_FRESH;
	bool base_is_bad = (p->msc & CMBMSC_CMSE) && !p->on && !FAULT(m, PMR_CBAI_NEVER_SET);

	if (p->state == PMR_STOPPING || (p->state == PMR_OFF && FAULT(m, PMR_NRDY_NOT_SET)))
		ready = true;
	return (ready ? 0 : PMRSTS_NRDY) | (base_is_bad ? PMRSTS_CBAI : 0);
}

uint32_t pmr_read32(const struct model *m, uint64_t off)
{
	if (!m->opt.pmr)
		return FAULT(m, PMRCAP_WITHOUT_PMR) && off == REG_PMRCAP ? 0x00010400u : 0;
	switch (off) {
	case REG_PMRCAP:
		return capabilities(m);
	case REG_PMRCTL:
		return m->pmr->ctl;
	case REG_PMRSTS:
		return status(m);
	case REG_PMRMSCL:
		return (uint32_t)m->pmr->msc;
	case REG_PMRMSCU:
		return (uint32_t)(m->pmr->msc >> 32);
	default:
		return 0;
	}
}

static void enable(struct model *m, bool on)
{
	struct model_pmr *p = m->pmr;
	bool was = p->ctl & PMRCTL_EN;

	if (was == on)
		return;
	p->state = on ? PMR_STARTING : PMR_STOPPING;
	p->due = m->sub->now + (FAULT(m, PMR_SLOW) ? SLOW_NS : PMR_NS);
	if ((FAULT(m, PMR_NEVER_READY) || (sanitize_busy(m) && !FAULT(m, SANITIZE_PMR_ENABLED))) &&
	    on)
		p->due = NEVER;
	if (on)
		sanitize_written(m);
	forget(p, !on && FAULT(m, PMR_LOST_OVER_DISABLE));
}

static void write_msc(struct model *m, bool high, uint64_t v)
{
	struct model_pmr *p = m->pmr;
	uint64_t base, last;

	p->msc = high ? (p->msc & UINT32_MAX) | v << 32 : (p->msc & ~(uint64_t)UINT32_MAX) | v;
	p->msc &= BASE_MASK | CMBMSC_CMSE;
	base = p->msc & BASE_MASK;
	last = base + (p->bytes - 1);
	p->on = (p->msc & CMBMSC_CMSE) && last >= base && !cmb_overlaps(m, base, p->bytes);
}

void pmr_write(struct model *m, uint64_t off, uint32_t v)
{
	if (!m->opt.pmr)
		return;
	switch (off) {
	case REG_PMRCTL:
		enable(m, v & PMRCTL_EN);
		m->pmr->ctl = FAULT(m, PMRCTL_RESERVED_BITS_STICK) ? v : v & PMRCTL_EN;
		break;
	case REG_PMRMSCL:
	case REG_PMRMSCU:
		write_msc(m, off == REG_PMRMSCU, v);
		break;
	default:
		break;
	}
}

bool pmr_enabled(const struct model *m)
{
	return m->pmr->ctl & PMRCTL_EN;
}

void pmr_erase(struct model *m)
{
	memset(m->pmr->mem, 0, m->pmr->bytes);
}

void pmr_step(struct model *m)
{
	struct model_pmr *p = m->pmr;

	if (p->due > m->sub->now)
		return;
	p->due = NEVER;
	p->state = p->state == PMR_STARTING ? PMR_READY : PMR_OFF;
	m->core->moved = true;
}

uint64_t pmr_next(const struct model *m)
{
	return m->pmr->due;
}

bool pmr_overlaps(const struct model *m, uint64_t base, uint64_t bytes)
{
	uint64_t mine = m->pmr->msc & BASE_MASK;

	return m->pmr->on && (base - mine < m->pmr->bytes || mine - base < bytes);
}

static bool is_ready(const struct model *m)
{
	return m->pmr->state == PMR_READY || FAULT(m, PMR_WRITABLE_WHEN_OFF);
}

uint8_t *pmr_at(struct model *m, uint64_t addr, size_t *len, bool write)
{
	struct model_pmr *p = m->pmr;
	uint64_t base = p->msc & BASE_MASK, at = addr - base;

	if (!p->on)
		return NULL;
	if (at >= p->bytes) {
		if (base - addr < *len)
			*len = base - addr;
		return NULL;
	}
	if (*len > p->bytes - at)
		*len = p->bytes - at;
	if (!write || is_ready(m))
		return p->mem + at;
	if (*len > sizeof(p->nowhere))
		*len = sizeof(p->nowhere);
	return p->nowhere;
}

uint64_t pmr_read(struct model *m, uint64_t off, unsigned width)
{
	uint64_t v = 0;

	for (unsigned i = 0; i < width / 8; i++)
		v |= (uint64_t)m->pmr->mem[off + i] << 8 * i;
	return v;
}

void pmr_write_bytes(struct model *m, uint64_t off, unsigned width, uint64_t value)
{
	for (unsigned i = 0; is_ready(m) && i < width / 8; i++)
		m->pmr->mem[off + i] = (uint8_t)(value >> 8 * i);
}
