// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The wire: active while a completion queue that interrupts by vector 0 has entries that are not
 * acknowledged, unless INTMS masks it, MSI-X is in force, or the command register disables it.
 * Source: PCIe Transport 1.0 Pin Based, Single MSI, and Multiple MSI Behavior; CMD, STS.
 */
#include "model/core.h"

#define PULSE_NS 20000ull

static bool is_unacknowledged(const struct model *m, const struct model_cq *q)
{
	bool admin = q == m->core->cq;

	return q->used && !q->vector && cq_used(q) &&
	       (q->ien || (FAULT(m, INTX_IEN_IGNORED) && !admin));
}

static bool is_set(const struct model *m)
{
	const struct core_marks *k = &m->core->marks;

	if (k->intx_kept || (k->intx_raised && FAULT(m, INTX_STUCK)))
		return true;
	if (m->sub->now - k->intx_at > PULSE_NS && FAULT(m, INTX_PULSES))
		return false;
	if (k->intx_acked && FAULT(m, INTX_ACK_OF_ONE_CLEARS))
		return false;
	for (unsigned i = 0; i <= m->opt.ncq; i++)
		if (is_unacknowledged(m, &m->core->cq[i]))
			return true;
	return false;
}

static bool is_masked(const struct model *m)
{
	uint32_t intm = m->core->intm;

	if (intm & 1 && FAULT(m, INTX_MASK_IGNORED))
		return false;
	return intm & ~1u && FAULT(m, INTX_ANY_BIT_MASKS) ? intm : intm & 1;
}

bool intx_pending(const struct model *m)
{
	return m->opt.intx && is_set(m) && !is_masked(m) &&
	       (!pci_msix_enabled(m) || FAULT(m, INTX_WITH_MSIX)) && !FAULT(m, INTX_NEVER);
}

bool model_intx(const struct model *m)
{
	return intx_pending(m) && (!pci_intx_disabled(m) || FAULT(m, INTX_DISABLE_IGNORED));
}

void intx_raised(struct model *m)
{
	struct core_marks *k = &m->core->marks;

	k->intx_at = m->sub->now;
	k->intx_raised = true;
	k->intx_acked = false;
	k->intx_kept = k->intx_kept && FAULT(m, INTX_SURVIVES_DELETE);
}

void intx_acked(struct model *m)
{
	m->core->marks.intx_acked = true;
}

void intx_dropped(struct model *m)
{
	struct core_marks *k = &m->core->marks;

	k->intx_kept = is_set(m) && FAULT(m, INTX_SURVIVES_RESET);
	k->intx_raised = k->intx_acked = false;
}

void intx_kept(struct model *m)
{
	m->core->marks.intx_kept = true;
}
