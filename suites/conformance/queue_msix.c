// SPDX-License-Identifier: GPL-2.0-or-later
/* Interrupts held back: by the mask of an MSI-X vector, and by Interrupt Coalescing. */
#include <inttypes.h>

#include "base/clock.h"
#include "device.h"
#include "queue_parts.h"

#define SOON_NS	    (2 * NS_PER_S)
#define QUIET_NS    (2 * NS_PER_MS)
#define VECTOR	    1u
#define ENTRY_BYTES 16u
#define ENTRY_MASK  12u /* offset of Vector Control */
#define MASKED	    1u
#define BIR	    7u

static bool interrupted(struct rig *r, uint64_t wait_ns)
{
	struct target *t = rig_target(r);
	int got = t->ops->irq_wait(t, VECTOR, wait_ns ? rig_now(r) + wait_ns : 0);

	if (got < 0)
		rig_broken(r, "waiting for an interrupt: error %d", -got);
	return got;
}

/* The controller with interrupts on, and a queue pair that interrupts by vector 1. */
static struct sq *start(struct rig *r)
{
	struct ctrl_config cfg = ctrl_defaults(rig_ctrl_off(r));
	struct cq *cq;
	struct cpl cpl;

	cfg.use_irq = true;
	rig_ctrl_with(r, &cfg);
	rig_queue_count(r);
	cq = rig_cq_alloc(r, 1, rig_queue_fit(r, 64));
	if (cq_create(cq, true, VECTOR, &cpl))
		rig_broken(r, "set-up: a completion queue with vector %u is refused", VECTOR);
	return parts_sq(r, 1, cq->size, cq);
}

/* Takes what has come, without a look at interrupts. */
static unsigned take(struct rig *r, struct cq *q)
{
	struct cpl cpl;
	unsigned n = 0;

	for (; cq_next(q, &cpl); n++)
		CHECK_STATUS(r, cpl, SC_SUCCESS);
	if (n)
		cq_ring(q);
	return n;
}

static void put(struct rig *r, struct sq *q, const struct cmd *c, unsigned n)
{
	while (n--)
		rig_put(r, q, *c);
	rig_ring(r, q);
}

/* ---- the mask ---- */

struct table {
	uint64_t control; /* offsets into BAR0: Vector Control of the vector, its pending dword */
	uint64_t pending;
};

static struct table find_table(struct rig *r)
{
	unsigned cap = rig_pci_cap(r, CAP_MSIX);
	uint32_t at = rig_cfg(r, cap + MSIX_TABLE, 32), pba = rig_cfg(r, cap + MSIX_PBA, 32);

	if ((at & BIR) || (pba & BIR))
		rig_skip(r, "needs", "the MSI-X table or PBA lies in BAR %u or %u, not in BAR 0",
			 at & BIR, pba & BIR);
	return (struct table){ (at & ~BIR) + VECTOR * ENTRY_BYTES + ENTRY_MASK, pba & ~BIR };
}

static bool is_pending(struct rig *r, const struct table *t)
{
	return rig_reg32(r, t->pending) >> VECTOR & 1;
}

static void irq_mask_pba(struct rig *r)
{
	struct sq *q = start(r);
	struct cmd c = parts_any_read(r);
	struct table t = find_table(r);

	for (uint64_t n = rig_pick(r, 3, 10, 500); n; n--) {
		uint64_t end = rig_now(r) + SOON_NS;
		unsigned left = 1 + (unsigned)rig_rand_below(r, q->size < 5 ? q->size - 1 : 4);

		rig_set_reg32(r, t.control, MASKED);
		put(r, q, &c, left);
		while ((left -= take(r, q->cq)) && rig_now(r) < end)
			rig_wait(r, QUIET_NS);
		CHECK_EQ(r, "commands that a masked vector keeps from completing", left, 0);
		CHECK_TRUE(r, !interrupted(r, QUIET_NS), "a masked vector sends nothing");
		CHECK_TRUE(r, is_pending(r, &t), "the pending bit of a masked vector is set");
		rig_set_reg32(r, t.control, 0);
		CHECK_TRUE(r, interrupted(r, SOON_NS), "unmasking sends what was pending");
		CHECK_TRUE(r, !is_pending(r, &t), "the pending bit is clear once it was sent");
		CHECK_TRUE(r, !interrupted(r, QUIET_NS), "what was pending is sent once");
	}
}

/* ---- coalescing ---- */

#define FID_COALESCING 0x08
#define FID_VECTOR     0x09
#define THRESHOLD      8u
#define TIME_100US     100u
#define TIME_NS	       (TIME_100US * 100 * NS_PER_US)
#define LATE_NS	       (10 * TIME_NS + NS_PER_S)
#define DISABLED       (1u << 16) /* Coalescing Disable of feature 09h */

static void set_or_leave(struct rig *r, const char *name, uint8_t fid, uint32_t select, uint32_t v)
{
	char text[STATUS_TEXT];
	struct cpl cpl;

	rig_keep_feature(r, fid, 0, select);
	cpl = rig_admin(r, cmd_set_features(fid, false, 0, v));
	if (cpl.status != SC_SUCCESS)
		rig_na(r, "%s cannot be set: %s", name, status_text(cpl.status, text));
}

static void set_coalescing(struct rig *r, bool cd)
{
	set_or_leave(r, "Interrupt Coalescing", FID_COALESCING, 0,
		     TIME_100US << 8 | (THRESHOLD - 1));
	if (cd)
		set_or_leave(r, "Interrupt Vector Configuration", FID_VECTOR, VECTOR,
			     DISABLED | VECTOR);
}

/* How long until everything was told, or no return. Numbers and delays are the drive's own. */
static uint64_t time_of(struct rig *r, struct sq *q, const struct cmd *c, unsigned n,
			unsigned *ret_interrupts)
{
	uint64_t start_ns = rig_now(r);

	put(r, q, c, n);
	while (n) {
		REQUIRE_TRUE(r, interrupted(r, LATE_NS),
			     "an interrupt comes for %u completions within %" PRIu64 " ms", n,
			     (uint64_t)(LATE_NS / NS_PER_MS));
		++*ret_interrupts;
		n -= take(r, q->cq);
	}
	while (interrupted(r, 0))
		++*ret_interrupts;
	return rig_now(r) - start_ns;
}

static const struct coalescing_row {
	const char *name;
	bool cd;
} coalescings[] = { { "all", false }, { "vector-exempt", true } };

static void irq_coalescing(struct rig *r)
{
	const struct coalescing_row *row = rig_row(r);
	struct sq *q = start(r);
	struct cmd c = parts_any_read(r);
	unsigned loads[] = { 1, THRESHOLD - 1, THRESHOLD, 3 * THRESHOLD + 1 }, interrupts, n;

	set_coalescing(r, row->cd);
	for (unsigned i = 0; i < ARRAY_SIZE(loads); i++) {
		uint64_t ns;

		n = loads[i] < q->size ? loads[i] : q->size - 1;
		interrupts = 0;
		ns = time_of(r, q, &c, n, &interrupts);
		rig_note(r, "%u completions: %u interrupts, the last after %" PRIu64 " us", n,
			 interrupts, (uint64_t)(ns / NS_PER_US));
		CHECK_GE(r, "interrupts", interrupts, 1);
	}
}

static const struct rig_case cases[] = {
	{ .id = "irq-mask-pba",
	  .rule = "A masked vector sets its pending bit and sends nothing; unmasking sends once; "
		  "completions go on.",
	  .ref = "PCIe Transport 1.0 MSI-X Capability, MSI-X Based Behavior",
	  .needs = NEED_QUEUES | NEED_CONFIG | NEED_IRQ | NEED_MSIX_TABLE,
	  .fault = "msix-mask-ignored msix-unmask-loses",
	  .na = parts_na_one_vector,
	  .run = irq_mask_pba },
	{ .id = "irq-coalescing",
	  .rule = "Interrupt Coalescing may delay an interrupt and never loses the last one.",
	  .ref = "PCIe Transport 1.0 Interrupts; Base 2.1 Interrupt Vector Configuration (Feature "
		 "Identifier 09h)",
	  .needs = NEED_QUEUES | NEED_IRQ,
	  .harm = HARM_SETTINGS,
	  .fault = "coalescing-loses-rest",
	  .na = parts_na_one_vector,
	  .run = irq_coalescing,
	  ROWS(coalescings) },
};

SUITE(queue_msix_suite, CONFORMANCE, "queue", cases);
