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

	if ((FAULT(m, INTX_STUCK) && k->intx_raised) || k->intx_kept)
		return true;
	if (FAULT(m, INTX_PULSES) && m->sub->now - k->intx_at > PULSE_NS)
		return false;
	if (FAULT(m, INTX_ACK_OF_ONE_CLEARS) && k->intx_acked)
		return false;
	for (unsigned i = 0; i <= m->opt.ncq; i++)
		if (is_unacknowledged(m, &m->core->cq[i]))
			return true;
	return false;
}

static bool is_masked(const struct model *m)
{
	uint32_t intm = m->core->intm;

	if (FAULT(m, INTX_MASK_IGNORED))
		return false;
	return FAULT(m, INTX_ANY_BIT_MASKS) ? intm : intm & 1;
}

bool intx_pending(const struct model *m)
{
	return m->opt.intx && !FAULT(m, INTX_NEVER) && is_set(m) && !is_masked(m) &&
	       (!pci_msix_enabled(m) || FAULT(m, INTX_WITH_MSIX));
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
	k->intx_kept &= FAULT(m, INTX_SURVIVES_DELETE);
}

void intx_acked(struct model *m)
{
	m->core->marks.intx_acked = true;
}

void intx_dropped(struct model *m)
{
	struct core_marks *k = &m->core->marks;

	k->intx_kept = FAULT(m, INTX_SURVIVES_RESET) && is_set(m);
	k->intx_raised = k->intx_acked = false;
}

void intx_kept(struct model *m)
{
	m->core->marks.intx_kept = true;
}
