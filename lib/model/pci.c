// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Configuration space: bytes, beside each byte which bits a write changes and which it clears.
 * Source: PCIe Transport 1.0 PCI Header, PCI Capabilities.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "model/core.h"

#define CFG_BYTES     4096u
#define CFG_COMMAND   0x04u
#define CFG_STATUS    0x06u
#define CFG_BAR0      0x10u
#define CFG_PIN	      0x3du
#define STATUS_INTX   0x08u
#define CMD_MEMORY    0x0002u
#define CMD_MASTER    0x0004u
#define CMD_INTX_OFF  0x0400u
#define BAR_IS_MEM64  0x4u
#define BAR_PREFETCH  0x8u
#define CAP_PM	      0x40u
#define CAP_MSIX      0x50u
#define CAP_EXP	      0x60u
#define CAP_AER	      0x100u
#define PMCSR	      (CAP_PM + 4)
#define MSIX_CONTROL  (CAP_MSIX + 2)
#define MSIX_ENABLE   0x8000u
#define MSIX_MASK_ALL 0x4000u
#define EXP_DEVCTL    (CAP_EXP + 8)
#define DEVCTL_FLR    0x8000u
#define BAR_BYTES_MIN 0x4000ull

struct model_pci {
	uint8_t value[CFG_BYTES];
	uint8_t writable[CFG_BYTES];
	uint8_t clears[CFG_BYTES]; /* RW1C */
};

/* What stands at an offset after power-on. */
struct cfg_field {
	uint16_t off;
	uint8_t bytes;
	uint32_t value, writable, clears;
};

static const struct cfg_field fields[] = {
	/* header */
	{ 0x00, 2, MODEL_PCI_VID, 0, 0 },
	{ 0x02, 2, MODEL_PCI_DID, 0, 0 },
	{ 0x04, 2, 0, 0x0546, 0 },
	{ 0x06, 2, 0x0010, 0, 0xf900 }, /* capabilities list */
	{ 0x08, 4, 0x01080201, 0, 0 },
	{ 0x0c, 1, 0, 0xff, 0 },
	{ 0x2c, 2, MODEL_PCI_SSVID, 0, 0 },
	{ 0x2e, 2, MODEL_PCI_SSID, 0, 0 },
	{ 0x34, 1, CAP_PM, 0, 0 },
	{ 0x3c, 1, 0, 0xff, 0 },
	/* power management: version 3, No_Soft_Reset */
	{ CAP_PM, 4, 0x0003 << 16 | CAP_MSIX << 8 | 0x01, 0, 0 },
	{ PMCSR, 4, 0x0008, 0x0003, 0 },
	/* MSI-X: sizes and places come from the options */
	{ CAP_MSIX, 4, CAP_EXP << 8 | 0x11, 0xc0000000, 0 },
	/* PCI Express: version 2, endpoint; role-based error reporting, FLR; Gen3 x4 */
	{ CAP_EXP, 4, 0x0002 << 16 | 0x10, 0, 0 },
	{ CAP_EXP + 0x04, 4, 0x10008000, 0, 0 },
	{ EXP_DEVCTL, 2, 0x2810, 0x78ff, 0 },
	{ CAP_EXP + 0x0a, 2, 0, 0, 0x000f },
	{ CAP_EXP + 0x0c, 4, 0x00000043, 0, 0 },
	{ CAP_EXP + 0x10, 2, 0, 0x00cb, 0 },
	{ CAP_EXP + 0x12, 2, 0x0043, 0, 0 },
	{ CAP_EXP + 0x24, 4, 0x00000010, 0, 0 },
	{ CAP_EXP + 0x28, 2, 0, 0x0010, 0 },
	{ CAP_EXP + 0x2c, 4, 0x0000000e, 0, 0 },
	{ CAP_EXP + 0x30, 2, 0x0003, 0x000f, 0 },
	/* advanced error reporting, version 2 */
	{ CAP_AER, 4, 2u << 16 | 0x0001, 0, 0 },
	{ CAP_AER + 0x04, 4, 0, 0, 0x007ff030 },
	{ CAP_AER + 0x08, 4, 0, 0x007ff030, 0 },
	{ CAP_AER + 0x0c, 4, 0x00462030, 0x007ff030, 0 },
	{ CAP_AER + 0x10, 4, 0, 0, 0x0000f1c1 },
	{ CAP_AER + 0x14, 4, 0x00002000, 0x0000f1c1, 0 },
};

static void set(struct model_pci *pci, const struct cfg_field *f)
{
	for (unsigned i = 0; i < f->bytes; i++) {
		pci->value[f->off + i] = (uint8_t)(f->value >> 8 * i);
		pci->writable[f->off + i] = (uint8_t)(f->writable >> 8 * i);
		pci->clears[f->off + i] = (uint8_t)(f->clears >> 8 * i);
	}
}

/*
 * Faults that stand in configuration space itself, and where: they are there from a reset on, and
 * matter to who touches those bytes.
 */
static const struct cfg_fault {
	uint16_t fault, off, bytes;
} standing[] = {
	{ FAULT_CLASS_CODE_WRONG, 0x09, 1 },
	{ FAULT_HEADER_TYPE_BRIDGE, 0x0e, 1 },
	{ FAULT_BAR0_MASK_SMALL, CFG_BAR0, 8 },
	{ FAULT_BAR0_PREFETCHABLE, CFG_BAR0, 1 },
	{ FAULT_PCI_IDS_WRITABLE, 0x2c, 4 },
	{ FAULT_INTERRUPT_PIN_FIVE, CFG_PIN, 1 },
	{ FAULT_CAP_LIST_BIT_CLEAR, CFG_STATUS, 1 },
	{ FAULT_PM_NO_SOFT_RESET_CLEAR, PMCSR, 1 },
	{ FAULT_MSIX_TABLE_OUTSIDE_BAR, CAP_MSIX + 4, 4 },
	{ FAULT_MSIX_PBA_OVER_DOORBELLS, CAP_MSIX + 8, 4 },
	{ FAULT_CAP_CHAIN_LOOP, CAP_EXP + 1, 1 },
	{ FAULT_CAP_CHAIN_UNALIGNED, CAP_EXP + 1, 1 },
	{ FAULT_PCIE_VERSION_ONE, CAP_EXP + 2, 1 },
	{ FAULT_PCIE_NO_ROLE_BASED, CAP_EXP + 5, 1 },
	{ FAULT_AER_STATUS_NOT_CLEAR, CAP_AER + 6, 1 },
	{ FAULT_AER_STATUS_STICKS, CAP_AER + 6, 1 },
};

static bool is_set(const struct model *m, unsigned fault)
{
	return m->fault[fault];
}

static void ask_about(const struct model *m, unsigned off, unsigned bytes)
{
	for (size_t i = 0; fault_asked && i < ARRAY_SIZE(standing); i++)
		if (off < (unsigned)standing[i].off + standing[i].bytes &&
		    standing[i].off < off + bytes)
			fault_is_on(m->fault, standing[i].fault);
}

uint64_t model_bar_size(const struct model *m)
{
	uint64_t need = irq_pba_offset(m) + 4096, size = BAR_BYTES_MIN;

	while (size < need)
		size <<= 1;
	return size;
}

static void set_bar(struct model *m)
{
	bool small = is_set(m, FAULT_BAR0_MASK_SMALL), fetch = is_set(m, FAULT_BAR0_PREFETCHABLE);
	uint64_t mask = ~((small ? 0x2000 : model_bar_size(m)) - 1);

	set(m->pci, &(struct cfg_field){ CFG_BAR0, 4, fetch ? 0xc : 0x4, (uint32_t)mask, 0 });
	set(m->pci, &(struct cfg_field){ CFG_BAR0 + 4, 4, 0, (uint32_t)(mask >> 32), 0 });
}

static void set_mem_bar(struct model *m, unsigned bar)
{
	uint64_t size = model_mem_size(m, bar), mask = ~(size - 1);
	uint16_t at = (uint16_t)(CFG_BAR0 + 4 * bar);

	if (!size)
		return;
	set(m->pci, &(struct cfg_field){ at, 4, BAR_IS_MEM64 | BAR_PREFETCH, (uint32_t)mask, 0 });
	set(m->pci, &(struct cfg_field){ at + 4, 4, 0, (uint32_t)(mask >> 32), 0 });
}

static void set_msix(struct model *m)
{
	uint8_t *cap = m->pci->value + CAP_MSIX;
	uint32_t table = (uint32_t)irq_table_offset(m), pba = (uint32_t)irq_pba_offset(m);

	if (is_set(m, FAULT_MSIX_TABLE_OUTSIDE_BAR))
		table = (uint32_t)model_bar_size(m);
	if (is_set(m, FAULT_MSIX_PBA_OVER_DOORBELLS))
		pba = REG_DOORBELLS;
	le16_put(cap + 2, (uint16_t)(m->opt.vectors - 1));
	le32_put(cap + 4, table);
	le32_put(cap + 8, pba);
}

static void set_faults(struct model *m)
{
	struct model_pci *pci = m->pci;

	if (is_set(m, FAULT_CLASS_CODE_WRONG))
		pci->value[0x09] = 0x01;
	if (is_set(m, FAULT_HEADER_TYPE_BRIDGE))
		pci->value[0x0e] = 0x01;
	if (is_set(m, FAULT_INTERRUPT_PIN_FIVE))
		pci->value[0x3d] = 5;
	if (is_set(m, FAULT_CAP_LIST_BIT_CLEAR))
		pci->value[0x06] &= (uint8_t)~0x10;
	if (is_set(m, FAULT_CAP_CHAIN_LOOP))
		pci->value[CAP_EXP + 1] = CAP_PM;
	if (is_set(m, FAULT_CAP_CHAIN_UNALIGNED))
		pci->value[CAP_EXP + 1] = 0xc2;
	if (is_set(m, FAULT_PCIE_NO_ROLE_BASED))
		pci->value[CAP_EXP + 5] &= (uint8_t)~0x80;
	if (is_set(m, FAULT_PCIE_VERSION_ONE))
		pci->value[CAP_EXP + 2] = 0x01;
	if (is_set(m, FAULT_PM_NO_SOFT_RESET_CLEAR))
		pci->value[PMCSR] &= (uint8_t)~0x08;
	if (is_set(m, FAULT_PCI_IDS_WRITABLE))
		memset(pci->writable + 0x2c, 0xff, 4);
	if (is_set(m, FAULT_AER_STATUS_NOT_CLEAR))
		pci->value[CAP_AER + 0x06] = 0x10;
	if (is_set(m, FAULT_AER_STATUS_STICKS)) {
		pci->value[CAP_AER + 0x06] = 0x10;
		pci->clears[CAP_AER + 0x06] &= (uint8_t)~0x10;
	}
}

void pci_reset(struct model *m)
{
	memset(m->pci, 0, sizeof(*m->pci));
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++)
		set(m->pci, &fields[i]);
	set_bar(m);
	set_mem_bar(m, 2);
	set_mem_bar(m, 4);
	m->pci->value[CFG_PIN] = (uint8_t)m->opt.intx;
	set_msix(m);
	set_faults(m);
}

void pci_msix_changed(struct model *m)
{
	set_msix(m);
	irq_reset(m);
}

/* Sticky error state outlives a Function Level Reset. */
void pci_function_reset(struct model *m)
{
	uint8_t aer[0x40], msix[2];

	memcpy(aer, m->pci->value + CAP_AER, sizeof(aer));
	memcpy(msix, m->pci->value + MSIX_CONTROL, sizeof(msix));
	pci_reset(m);
	memcpy(m->pci->value + CAP_AER, aer, sizeof(aer));
	if (FAULT(m, FLR_KEEPS_MSIX))
		memcpy(m->pci->value + MSIX_CONTROL, msix, sizeof(msix));
}

struct model_pci *pci_new(struct model *m)
{
	(void)m;
	return calloc(1, sizeof(struct model_pci));
}

void pci_free(struct model_pci *pci)
{
	free(pci);
}

static bool in_d0(const struct model *m)
{
	return (m->pci->value[PMCSR] & 3) == 0;
}

bool pci_memory_enabled(const struct model *m)
{
	return (le16_at(m->pci->value + CFG_COMMAND) & CMD_MEMORY) && in_d0(m);
}

bool pci_master_enabled(const struct model *m)
{
	return ((le16_at(m->pci->value + CFG_COMMAND) & CMD_MASTER) || FAULT(m, BME_IGNORED)) &&
	       in_d0(m);
}

bool pci_msix_enabled(const struct model *m)
{
	return le16_at(m->pci->value + MSIX_CONTROL) & MSIX_ENABLE;
}

bool pci_intx_disabled(const struct model *m)
{
	return le16_at(m->pci->value + CFG_COMMAND) & CMD_INTX_OFF;
}

bool pci_msix_masked(const struct model *m)
{
	return le16_at(m->pci->value + MSIX_CONTROL) & MSIX_MASK_ALL;
}

bool pci_bar_hit(const struct model *m, uint64_t addr, uint64_t *ret_off)
{
	uint64_t base = le64_at(m->pci->value + CFG_BAR0) & ~0xfull;

	if (!pci_memory_enabled(m) || addr < base || addr - base >= model_bar_size(m))
		return false;
	*ret_off = addr - base;
	return true;
}

/* D1 and D2 are not supported: such a write leaves the state as it is. */
static void write_byte(struct model *m, unsigned off, uint8_t v)
{
	struct model_pci *pci = m->pci;
	uint8_t now = pci->value[off];

	if (off == PMCSR && (v & 3) != 0 && (v & 3) != 3)
		v = (uint8_t)((v & ~3) | (now & 3));
	now = (uint8_t)((now & ~pci->writable[off]) | (v & pci->writable[off]));
	pci->value[off] = (uint8_t)(now & ~(v & pci->clears[off]));
}

static bool touches(unsigned off, unsigned bytes, unsigned what)
{
	return what >= off && what < off + bytes;
}

static bool is_width(unsigned width)
{
	return width == 8 || width == 16 || width == 32;
}

int model_cfg_read(struct model *m, unsigned off, unsigned width, uint32_t *ret)
{
	uint32_t v = 0;

	if (!is_width(width))
		return -EINVAL;
	if (off + width / 8 > CFG_BYTES)
		return -ERANGE;
	ask_about(m, off, width / 8);
	core_tick(m);
	m->pci->value[CFG_STATUS] &= (uint8_t)~STATUS_INTX;
	if (intx_pending(m) && !FAULT(m, INTX_STATUS_CLEAR))
		m->pci->value[CFG_STATUS] |= STATUS_INTX;
	if (m->core->marks.enables && touches(off, width / 8, MSIX_CONTROL) &&
	    FAULT(m, MSIX_SIZE_CHANGES))
		m->pci->value[MSIX_CONTROL] = (uint8_t)(m->opt.vectors - 2);
	for (unsigned i = width / 8; i-- > 0;)
		v = v << 8 | m->pci->value[off + i];
	*ret = v;
	return 0;
}

static void power_state_changed(struct model *m, uint8_t was)
{
	bool back = (was & 3) == 3 && (m->pci->value[PMCSR] & 3) == 0;

	if (back && FAULT(m, PM_LOSES_STATE))
		core_level_reset(m, MODEL_RESET_FLR);
}

int model_cfg_write(struct model *m, unsigned off, unsigned width, uint32_t value)
{
	unsigned bytes = width / 8;
	uint8_t pm = m->pci->value[PMCSR];

	if (!is_width(width))
		return -EINVAL;
	if (off + bytes > CFG_BYTES)
		return -ERANGE;
	ask_about(m, off, bytes);
	for (unsigned i = 0; i < bytes; i++)
		write_byte(m, off + i, (uint8_t)(value >> 8 * i));
	if (touches(off, bytes, MSIX_CONTROL + 1))
		irq_control_changed(m);
	if (touches(off, bytes, PMCSR))
		power_state_changed(m, pm);
	if (touches(off, bytes, EXP_DEVCTL + 1) &&
	    (value >> 8 * (EXP_DEVCTL + 1 - off) & DEVCTL_FLR >> 8))
		model_flr(m);
	m->sub->now += TICK_NS;
	core_tick(m);
	return 0;
}
