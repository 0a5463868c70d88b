// SPDX-License-Identifier: GPL-2.0-or-later
/* Time, and the order in which things happen in it. */
#include <errno.h>

#include "model/core.h"

/* Own-BAR writes arrive as posted writes do: later, and never inside the work that made them. */
static void take_posted(struct model *m)
{
	struct model_core *core = m->core;
	unsigned n = core->nposted;

	for (unsigned i = 0; i < n; i++)
		regs_write(m, core->posted[i].off, 32, core->posted[i].value);
	core->nposted = 0;
}

static bool tick_one(struct model *m)
{
	struct model_core *core = m->core;

	take_posted(m);
	core_step_state(m);
	if (core_running(m)) {
		features_tick(m);
		dbbuf_tick(m);
	}
	if (!core->wedged) {
		engine_step(m);
		irq_step(m);
	}
	bool moved = core->moved;
	core->moved = false;
	return moved;
}

bool core_tick(struct model *m)
{
	struct model_subsystem *s = m->sub;
	bool moved = false;

	if (s->busy)
		return false;
	s->busy = true;
	for (unsigned i = 0; i < s->n; i++)
		moved |= tick_one(s->ctrl[i]);
	s->busy = false;
	return moved;
}

static uint64_t next_of(const struct model *m)
{
	uint64_t due = core_state_next(m), work, irq;

	if (m->core->wedged)
		return due;
	work = engine_next(m);
	irq = irq_next(m);
	if (work < due)
		due = work;
	return irq < due ? irq : due;
}

static uint64_t next_due(const struct model_subsystem *s)
{
	uint64_t due = NEVER, one;

	for (unsigned i = 0; i < s->n; i++) {
		one = next_of(s->ctrl[i]);
		due = one < due ? one : due;
	}
	return due;
}

void model_relax(struct model *m, uint64_t ns)
{
	uint64_t end = m->sub->now + ns < m->sub->now ? NEVER : m->sub->now + ns;

	while (!core_tick(m)) {
		uint64_t due = next_due(m->sub);

		if (due >= end) {
			m->sub->now = end;
			core_tick(m);
			return;
		}
		if (due > m->sub->now)
			m->sub->now = due;
	}
}

uint64_t model_now(const struct model *m)
{
	return m->sub->now;
}

uint64_t model_next(const struct model *m)
{
	return next_due(m->sub);
}

/* By fault, an address that stops the controller for good. */
static int is_deadly(struct model *m, uint64_t addr)
{
	uint64_t off;

	if (addr >> 63 && FAULT(m, DMA_BIT_63_WEDGES)) {
		m->core->wedged = true;
		return -EFAULT;
	}
	if (!pci_bar_hit(m, addr, &off) || !FAULT(m, DMA_OWN_BAR_HANGS))
		return 0;
	m->core->wedged = true;
	return -EFAULT;
}

int core_dma_read(struct model *m, uint64_t addr, void *to, size_t len)
{
	int err;

	if (!pci_master_enabled(m) || is_deadly(m, addr))
		return -EFAULT;
	m->sub->mastering++;
	err = memory_read(m, addr, to, len);
	m->sub->mastering--;
	return err;
}

int core_dma_write(struct model *m, uint64_t addr, const void *from, size_t len)
{
	int err;

	if (!pci_master_enabled(m) || is_deadly(m, addr))
		return -EFAULT;
	m->sub->mastering++;
	err = memory_write(m, addr, from, len);
	m->sub->mastering--;
	return err;
}

void core_fatal(struct model *m)
{
	m->core->csts |= CSTS_CFS;
	m->core->moved = true;
	if (model_other(m) && FAULT(m, FATAL_REACHES_PEER))
		model_other(m)->core->csts |= CSTS_CFS;
}
