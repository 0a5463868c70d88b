// SPDX-License-Identifier: GPL-2.0-or-later
/* MSI-X: the table, the pending bits, messages. Source: PCIe Transport 1.0 MSI-X Capability,
 * Interrupts. */
#include <stdlib.h>

#include "model/core.h"

#define ENTRY_BYTES  16u
#define ENTRY_MASKED 1u
#define LATE_NS	     3000ull /* of the fault irq-lost-when-two */

struct entry {
	uint64_t addr;
	uint32_t data, control;
	bool pending;
	unsigned late; /* messages that a fault holds back */
	uint64_t late_due;
	unsigned merged; /* messages since the last one, of coalescing-loses-rest */
};

struct model_irq {
	unsigned n;
	unsigned late; /* entries with late messages */
	struct entry entry[];
};

static uint64_t page_up(uint64_t v)
{
	return (v + 4095) & ~4095ull;
}

uint64_t irq_table_offset(const struct model *m)
{
	return page_up(regs_doorbells_end(m));
}

uint64_t irq_pba_offset(const struct model *m)
{
	return page_up(irq_table_offset(m) + m->opt.vectors * ENTRY_BYTES);
}

static uint64_t pba_bytes(const struct model *m)
{
	return (m->opt.vectors + 63) / 64 * 8;
}

struct model_irq *irq_new(struct model *m)
{
	struct model_irq *irq;

	irq = calloc(1, sizeof(*irq) + m->opt.vectors * sizeof(struct entry));
	if (irq)
		irq->n = m->opt.vectors;
	return irq;
}

void irq_free(struct model_irq *irq)
{
	free(irq);
}

static struct entry fresh_entry(const struct model *m)
{
	return (struct entry){
		.addr = m->fault[FAULT_MSIX_ADDRESS_LOW_BITS] ? 3 : 0,
		.control = m->fault[FAULT_MSIX_UNMASKED_AFTER_RESET] ? 0 : ENTRY_MASKED,
	};
}

/* Those two matter to who looks at the table or has messages sent. */
static void ask_about_entries(const struct model *m)
{
	fault_is_on(m->fault, FAULT_MSIX_ADDRESS_LOW_BITS);
	fault_is_on(m->fault, FAULT_MSIX_UNMASKED_AFTER_RESET);
}

void irq_reset(struct model *m)
{
	for (unsigned i = 0; i < m->irq->n; i++)
		m->irq->entry[i] = fresh_entry(m);
	m->irq->late = 0;
}

void irq_drop_pending(struct model *m)
{
	for (unsigned i = 0; i < m->irq->n; i++) {
		m->irq->entry[i].pending = false;
		m->irq->entry[i].late = 0;
	}
	m->irq->late = 0;
}

/* A message that meets no memory is lost, as on a bus. */
static void send(struct model *m, struct entry *e)
{
	uint32_t data = htole32(e->data);

	e->pending = false;
	core_dma_write(m, e->addr, &data, sizeof(data));
	if (m->bus.message && !m->index && pci_master_enabled(m))
		m->bus.message(m->bus.ctx, (unsigned)(e - m->irq->entry));
	m->core->moved = true;
}

static bool is_masked(const struct model *m, const struct entry *e)
{
	return pci_msix_masked(m) || ((e->control & ENTRY_MASKED) && !FAULT(m, MSIX_MASK_IGNORED));
}

static void hold_back(struct model *m, struct entry *e)
{
	if (!e->late++) {
		e->late_due = m->sub->now + LATE_NS;
		m->irq->late++;
	}
}

static void signal_entry(struct model *m, struct entry *e)
{
	if (is_masked(m, e))
		e->pending = true;
	else
		send(m, e);
}

static bool is_merged(struct model *m, unsigned vector)
{
	if (!FAULT(m, COALESCING_LOSES_REST) || !vector || feature_vector_uncoalesced(m, vector))
		return false;
	return ++m->irq->entry[vector].merged % (feature_threshold(m) + 1);
}

void irq_raise(struct model *m, unsigned vector)
{
	if (!vector)
		intx_raised(m);
	if (!pci_msix_enabled(m) || vector >= m->irq->n || is_merged(m, vector))
		return;
	ask_about_entries(m);
	if (vector && FAULT(m, IRQ_LOST_WHEN_TWO))
		hold_back(m, &m->irq->entry[vector]);
	else
		signal_entry(m, &m->irq->entry[vector]);
}

void irq_control_changed(struct model *m)
{
	if (!pci_msix_enabled(m))
		return;
	for (unsigned i = 0; i < m->irq->n; i++)
		if (m->irq->entry[i].pending && !is_masked(m, &m->irq->entry[i])) {
			if (FAULT(m, MSIX_UNMASK_LOSES))
				m->irq->entry[i].pending = false;
			else
				send(m, &m->irq->entry[i]);
		}
}

void irq_step(struct model *m)
{
	for (unsigned i = 0; m->irq->late && i < m->irq->n; i++) {
		struct entry *e = &m->irq->entry[i];

		if (!e->late || e->late_due > m->sub->now)
			continue;
		if (e->late == 1)
			signal_entry(m, e);
		e->late = 0;
		m->irq->late--;
	}
}

uint64_t irq_next(const struct model *m)
{
	uint64_t due = NEVER;

	for (unsigned i = 0; m->irq->late && i < m->irq->n; i++)
		if (m->irq->entry[i].late && m->irq->entry[i].late_due < due)
			due = m->irq->entry[i].late_due;
	return due;
}

static bool in_table(const struct model *m, uint64_t off)
{
	uint64_t start = irq_table_offset(m);

	return off >= start && off < start + m->opt.vectors * ENTRY_BYTES;
}

static bool in_pba(const struct model *m, uint64_t off)
{
	uint64_t start = irq_pba_offset(m);

	return off >= start && off < start + pba_bytes(m);
}

bool irq_owns(const struct model *m, uint64_t off)
{
	return in_table(m, off) || in_pba(m, off);
}

static uint32_t pending_bits(const struct model *m, unsigned first)
{
	uint32_t bits = 0;

	for (unsigned i = 0; i < 32 && first + i < m->irq->n; i++)
		bits |= (uint32_t)m->irq->entry[first + i].pending << i;
	return bits;
}

uint32_t irq_read32(struct model *m, uint64_t off)
{
	const struct entry *e;

	if (in_pba(m, off))
		return pending_bits(m, (unsigned)(off - irq_pba_offset(m)) * 8);
	ask_about_entries(m);
	off -= irq_table_offset(m);
	e = &m->irq->entry[off / ENTRY_BYTES];
	switch (off % ENTRY_BYTES) {
	case 0:
		return (uint32_t)e->addr;
	case 4:
		return (uint32_t)(e->addr >> 32);
	case 8:
		return e->data;
	default:
		return e->control;
	}
}

static void write_pba(struct model *m, uint64_t off, uint32_t value)
{
	unsigned first = (unsigned)(off - irq_pba_offset(m)) * 8;

	if (!FAULT(m, PBA_WRITABLE))
		return;
	for (unsigned i = 0; i < 32 && first + i < m->irq->n; i++)
		m->irq->entry[first + i].pending = value >> i & 1;
}

void irq_write32(struct model *m, uint64_t off, uint32_t value)
{
	struct entry *e;

	if (in_pba(m, off)) {
		write_pba(m, off, value);
		return;
	}
	ask_about_entries(m);
	off -= irq_table_offset(m);
	e = &m->irq->entry[off / ENTRY_BYTES];
	switch (off % ENTRY_BYTES) {
	case 0:
		e->addr = (e->addr & ~0xffffffffull) | (value & ~3u);
		break;
	case 4:
		e->addr = (e->addr & 0xffffffffull) | (uint64_t)value << 32;
		break;
	case 8:
		e->data = value;
		break;
	default:
		e->control = value & ENTRY_MASKED;
		irq_control_changed(m);
	}
}
