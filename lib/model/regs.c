// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * BAR0: properties, doorbells, and the way to the MSI-X table. A legal write has the property's
 * own width, or 32 bits at one half of a 64-bit property; any other changes nothing. Reads of any
 * width give the bytes that stand there.
 * Source: Base 2.0 Controller Properties; PCIe Transport 1.0 Controller Properties, Doorbells.
 */
#include <errno.h>

#include "model/core.h"
#include "model/virt.h"

#define AQA_MASK	 0x0fff0fffu
#define QUEUE_BASE_MASK	 (~0xfffull)
#define NSSR_MAGIC	 0x4e564d65u
#define CAP_CSS_NVM	 (1ull << 37)
#define CAP_CSS_SETS	 (1ull << 43) /* one or more command sets, by profile */
#define CAP_CRMS_CRWMS	 (1ull << 59)
#define CAP_BPS_BIT	 (1ull << 45)
#define CAP_AMS_WEIGHTED (1ull << 17)
#define CAP_PMRS_BIT	 (1ull << 56)
#define CAP_CMBS_BIT	 (1ull << 57)
#define SHST_BITS	 0xcu
#define RESERVED_OFF	 0x100u /* where the fault reserved-reads-ones strikes */

static unsigned doorbell_stride(const struct model *m)
{
	return 4u << m->opt.dstrd;
}

unsigned model_doorbells(const struct model *m)
{
	return 2 * (1 + (m->opt.nsq > m->opt.ncq ? m->opt.nsq : m->opt.ncq));
}

uint64_t model_doorbell_offset(const struct model *m, unsigned i)
{
	return REG_DOORBELLS + (uint64_t)i * doorbell_stride(m);
}

uint64_t regs_doorbells_end(const struct model *m)
{
	return model_doorbell_offset(m, model_doorbells(m));
}

uint64_t model_doorbells_end(const struct model *m)
{
	return irq_table_offset(m);
}

static uint64_t cap_faults(struct model *m, uint64_t cap)
{
	if (FAULT(m, CAP_MQES_ZERO))
		cap &= ~0xffffull;
	if (FAULT(m, CAP_MPS_INVERTED))
		cap |= (uint64_t)(m->opt.mpsmax < 15 ? m->opt.mpsmax + 1 : 15) << 48;
	if (FAULT(m, CAP_CSS_NONE))
		cap &= ~(0xffull << 37);
	if (FAULT(m, CAP_TO_BELOW_CRTO))
		cap &= ~(0xffull << 24);
	if (FAULT(m, CAP_CRWMS_CLEAR))
		cap &= ~CAP_CRMS_CRWMS;
	return cap;
}

/* A fault of CAP shows from the second read on: the first is the host's at start. */
static uint64_t cap_value(struct model *m)
{
	uint64_t cap = m->opt.mqes | (uint64_t)queue_cqr(m) << 16 | (uint64_t)CAP_TO_UNITS << 24 |
		       (uint64_t)m->opt.dstrd << 32 | 1ull << 36 | CAP_CSS_NVM |
		       (uint64_t)m->opt.mpsmax << 52;

	if (m->opt.vs >= VS(2, 0, 0))
		cap |= CAP_CRMS_CRWMS;
	if (m->opt.iocss)
		cap |= CAP_CSS_SETS;
	if (m->opt.wrr)
		cap |= CAP_AMS_WEIGHTED;
	if (m->opt.cmb)
		cap |= CAP_CMBS_BIT;
	if (m->opt.pmr)
		cap |= CAP_PMRS_BIT;
	if (boot_there(m))
		cap |= CAP_BPS_BIT;
	return m->core->marks.cap_reads > 2 ? cap_faults(m, cap) : cap;
}

static uint32_t crto_value(const struct model *m)
{
	if (m->opt.vs < VS(2, 0, 0))
		return 0;
	return CAP_TO_UNITS | (FAULT(m, CRTO_CRIMT_UNCLAIMED) ? 1u << 16 : 0);
}

static uint32_t cc_value(const struct model *m)
{
	uint32_t cc = m->core->cc;

	return !(cc & CC_EN) && cc & CC_MPS(15) && FAULT(m, CC_MPS_READS_ZERO) ? cc & ~CC_MPS(15)
									       : cc;
}

static uint32_t vs_value(struct model *m)
{
	uint32_t written = m->core->marks.vs;

	m->core->marks.vs = 0;
	if (written && FAULT(m, VS_WRITABLE))
		return written;
	if (FAULT(m, VS_UNPUBLISHED))
		return VS(1, 5, 0);
	if (FAULT(m, VS_DIFFERS))
		return m->opt.vs == VS(1, 4, 0) ? VS(1, 3, 0) : VS(1, 4, 0);
	return m->opt.vs;
}

/* By fault, CMBMSC is there all the same. */
static uint32_t without_cmb(const struct model *m, uint64_t off)
{
	uint64_t held = m->core->marks.cmbmsc;

	if (off == REG_CMBMSC)
		return (uint32_t)held;
	return off == REG_CMBMSC + 4 ? (uint32_t)(held >> 32) : 0;
}

static uint32_t property(struct model *m, uint64_t off)
{
	struct model_core *core = m->core;

	if (off >= REG_PMRCAP && off < REG_PMR_END)
		return pmr_read32(m, off);
	switch (off) {
	case REG_CAP:
		core->marks.cap_reads++;
		return (uint32_t)cap_value(m);
	case REG_CAP + 4:
		core->marks.cap_reads++;
		return (uint32_t)(cap_value(m) >> 32);
	case REG_VS:
		return vs_value(m);
	case REG_INTMS:
	case REG_INTMC:
		return core->intm;
	case REG_CC:
		return cc_value(m);
	case REG_CSTS:
		return virt_is_offline(m) ? CSTS_CFS : core->csts;
	case REG_AQA:
		return core->aqa;
	case REG_ASQ:
		return (uint32_t)core->asq;
	case REG_ASQ + 4:
		return (uint32_t)(core->asq >> 32);
	case REG_ACQ:
		return (uint32_t)core->acq;
	case REG_ACQ + 4:
		return (uint32_t)(core->acq >> 32);
	case REG_CRTO:
		return crto_value(m);
	case REG_BPINFO:
	case REG_BPRSEL:
	case REG_BPMBL:
	case REG_BPMBL + 4:
		return boot_read32(m, off);
	case REG_NSSR:
		return core->marks.nssr;
	case REG_CMBLOC:
	case REG_CMBSZ:
	case REG_CMBMSC:
	case REG_CMBMSC + 4:
	case REG_CMBSTS:
		return m->opt.cmb ? cmb_read32(m, off) : without_cmb(m, off);
	case RESERVED_OFF:
		return FAULT(m, RESERVED_READS_ONES) ? ~0u : 0;
	default:
		return 0;
	}
}

uint32_t regs_read32(struct model *m, uint64_t off)
{
	if (off < REG_DOORBELLS)
		return property(m, off);
	if (irq_owns(m, off))
		return irq_read32(m, off);
	return 0;
}

/* Half `which` (0 low, 1 high, 2 both) of a 64-bit property. */
static uint64_t set_half(uint64_t now, unsigned width, bool high, uint64_t value)
{
	if (width == 64)
		return value;
	if (high)
		return (now & 0xffffffffull) | value << 32;
	return (now & ~0xffffffffull) | value;
}

static void write_base(struct model *m, uint64_t off, unsigned width, uint64_t value)
{
	uint64_t *base = off < REG_ACQ ? &m->core->asq : &m->core->acq;
	bool high = off & 4;

	if (m->core->cc & CC_EN)
		return;
	if (width == 32 && FAULT(m, HALF_WRITE_CLEARS_HALF))
		*base = 0;
	*base = set_half(*base, width, high, value);
	if (*base & ~QUEUE_BASE_MASK && !FAULT(m, ASQ_LOW_BITS_STICK))
		*base &= QUEUE_BASE_MASK;
}

static void write_nssr(struct model *m, uint32_t value)
{
	if (FAULT(m, NSSR_READS_BACK))
		m->core->marks.nssr = value;
	if (value == NSSR_MAGIC || (value && FAULT(m, NSSR_ANY_VALUE)))
		core_subsystem_reset(m);
}

static void write_csts(struct model *m, uint32_t v)
{
	uint32_t clears = v & CSTS_NSSRO;

	if (FAULT(m, NSSRO_ANY_WRITE_CLEARS))
		clears = CSTS_NSSRO;
	if (FAULT(m, NSSRO_STUCK))
		clears = 0;
	m->core->csts &= ~clears;
	if (FAULT(m, CSTS_SHST_WRITABLE))
		m->core->csts |= v & SHST_BITS;
}

static void write_property(struct model *m, uint64_t off, uint32_t v)
{
	struct model_core *core = m->core;

	if (off >= REG_PMRCAP && off < REG_PMR_END)
		pmr_write(m, off, v);
	switch (off) {
	case REG_INTMS:
		core->intm |= v;
		break;
	case REG_INTMC:
		if (!FAULT(m, INTMC_IGNORED))
			core->intm &= ~v;
		break;
	case REG_CC:
		core_cc_write(m, v);
		break;
	case REG_CSTS:
		write_csts(m, v);
		break;
	case REG_NSSR:
		write_nssr(m, v);
		break;
	case REG_AQA:
		if (!(core->cc & CC_EN))
			core->aqa = v & ~AQA_MASK && FAULT(m, AQA_RESERVED_BITS_STICK)
					    ? v
					    : v & AQA_MASK;
		break;
	case REG_BPRSEL:
		boot_select(m, v);
		break;
	case REG_VS:
		core->marks.vs = v;
		break;
	default:
		break;
	}
}

static void write_doorbell(struct model *m, uint64_t off, uint32_t value)
{
	uint64_t n = (off - REG_DOORBELLS) / doorbell_stride(m);

	if ((off - REG_DOORBELLS) % doorbell_stride(m))
		return;
	if (dbbuf_rung(m, (uint16_t)(n / 2), n % 2))
		return;
	model_doorbell(m, (uint16_t)(n / 2), n % 2, value);
	if (n == 2 * m->opt.nsq && core_sq(m, m->opt.nsq - 1) && FAULT(m, DOORBELL_RINGS_NEIGHBOUR))
		model_doorbell(m, (uint16_t)(m->opt.nsq - 1), false, value);
}

/* What faults make of writes to where nothing is to be written. */
static uint64_t write_fault(struct model *m, uint64_t off, unsigned width, uint64_t value)
{
	if (off == model_bar_size(m) - 4 && FAULT(m, BAR_TAIL_HANGS))
		m->core->wedged = true;
	if (off == REG_CMBMSC && width == 64 && FAULT(m, CMBMSC_WITHOUT_CMB))
		m->core->marks.cmbmsc = value;
	if (off > 0xff && off < REG_DOORBELLS && FAULT(m, RESERVED_WRITE_ALIASES))
		return off & 0xff;
	return off;
}

void regs_write(struct model *m, uint64_t off, unsigned width, uint64_t value)
{
	off = write_fault(m, off, width, value);
	if (off >= REG_ASQ && off < REG_CMBLOC)
		write_base(m, off, width, value);
	else if (off >= REG_BPMBL && off < REG_CMBMSC)
		boot_write_base(m, width, off & 4, value);
	else if (m->opt.cmb && off >= REG_CMBMSC && off < REG_CMBSTS)
		cmb_write_msc(m, width, off & 4, value);
	else if (irq_owns(m, off))
		for (unsigned i = 0; i < width / 32; i++)
			irq_write32(m, off + 4 * i, (uint32_t)(value >> 32 * i));
	else if (width == 64)
		return; /* no other property has 64 writable bits */
	else if (off < REG_DOORBELLS)
		write_property(m, off, (uint32_t)value);
	else if (off < irq_table_offset(m))
		write_doorbell(m, off, (uint32_t)value);
}

static bool is_legal(uint64_t off, unsigned width)
{
	return (width == 32 || width == 64) && off % (width / 8) == 0;
}

/* Whether the access reaches the controller at all; the error otherwise. */
static int access_error(const struct model *m, uint64_t off, unsigned width)
{
	if (width != 8 && width != 16 && width != 32 && width != 64)
		return -EINVAL;
	if (off > model_bar_size(m) || width / 8 > model_bar_size(m) - off)
		return -ERANGE;
	if (m->core->marks.completions >= VANISH_AFTER && FAULT(m, VANISH_MID_CASE))
		return -ENODEV;
	return 0;
}

static uint64_t bytes_at(struct model *m, uint64_t off, unsigned width)
{
	uint64_t v = 0;
	uint64_t first = off & ~3ull;
	unsigned shift = (unsigned)(off - first) * 8;

	for (unsigned got = 0, i = 0; got < width; i++) {
		uint64_t dword = regs_read32(m, first + 4 * i);

		v |= i ? dword << got : dword >> shift;
		got += i ? 32 : 32 - shift;
	}
	return width == 64 ? v : v & ((1ull << width) - 1);
}

static uint64_t ones(unsigned width)
{
	return ~0ull >> (64 - width);
}

int model_bar_read(struct model *m, uint64_t off, unsigned width, uint64_t *ret)
{
	int err = access_error(m, off, width);

	if (err)
		return err;
	if (!m->sub->mastering) {
		m->sub->now += TICK_NS;
		core_tick(m);
	}
	if (!pci_memory_enabled(m) || FAULT(m, ALL_ONES))
		*ret = ones(width);
	else
		*ret = bytes_at(m, off, width);
	if (off >= REG_DOORBELLS && off < irq_table_offset(m) && FAULT(m, DOORBELL_READ_RINGS))
		write_doorbell(m, off & ~3ull, 1);
	return 0;
}

/* A write of the controller to itself: takes effect in the next tick, in whole dwords. */
static int post_write(struct model *m, uint64_t off, unsigned width, uint64_t value)
{
	struct model_core *core = m->core;

	if (!is_legal(off, width))
		return 0;
	for (unsigned i = 0; i < width / 32; i++) {
		if (core->nposted == POSTED_MAX)
			return -EFAULT;
		core->posted[core->nposted++] =
			(struct posted){ off + 4 * i, (uint32_t)(value >> 32 * i) };
	}
	return 0;
}

/* By fault, a byte at a doorbell rings it, and one at CC goes into the next property. */
static void write_illegal(struct model *m, uint64_t off, uint64_t value)
{
	if (off < REG_DOORBELLS && FAULT(m, ILLEGAL_WRITE_SPILLS))
		regs_write(m, (off & ~3ull) + 4, 32, 0);
	if (!FAULT(m, NARROW_WRITE_COUNTS))
		return;
	regs_write(m, off & ~3ull, 32, value);
}

int model_bar_write(struct model *m, uint64_t off, unsigned width, uint64_t value)
{
	int err = access_error(m, off, width);

	if (err || !pci_memory_enabled(m))
		return err;
	if (m->sub->mastering)
		return post_write(m, off, width, value);
	if (is_legal(off, width))
		regs_write(m, off, width, value);
	else
		write_illegal(m, off, value);
	m->sub->now += TICK_NS;
	core_tick(m);
	return 0;
}
