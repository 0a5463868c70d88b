// SPDX-License-Identifier: GPL-2.0-or-later
/* The INTx wire: active while there are entries that nobody has acknowledged. */
#include <errno.h>

#include "base/clock.h"
#include "device.h"
#include "queue_parts.h"

#define SOON_NS	      (2 * NS_PER_S)
#define QUIET_NS      (2 * NS_PER_MS)
#define COMMAND_INTX  0x0400u /* Interrupt Disable */
#define STATUS_INTX   0x0008u /* Interrupt Status */
#define CFG_PIN	      0x3d
#define OTHER_VECTORS 0xfffffffeu

static bool becomes(struct rig *r, bool active, uint64_t wait_ns)
{
	struct target *t = rig_target(r);
	int got = t->ops->wire_wait(t, active, wait_ns ? rig_now(r) + wait_ns : 0);

	if (got == -ENOTSUP)
		rig_skip(r, "needs", "the level of the INTx wire: %s", t->error);
	if (got < 0)
		rig_broken(r, "looking at the INTx wire: %s", t->error);
	return got;
}

static void check_active(struct rig *r, const char *when)
{
	CHECK_TRUE(r, becomes(r, true, SOON_NS), "the wire is active %s", when);
}

static void check_inactive(struct rig *r, const char *when)
{
	CHECK_TRUE(r, becomes(r, false, SOON_NS), "the wire is inactive %s", when);
}

/* It is so now, and stays so for a while. */
static void check_stays(struct rig *r, bool active, const char *when)
{
	rig_wait(r, QUIET_NS);
	CHECK_TRUE(r, becomes(r, active, 0), "the wire stays %s %s", active ? "active" : "inactive",
		   when);
}

/*
 * What a case changes of the command register comes back with the rest of it. A wire that an
 * earlier case left active is that case's matter (row reset), so each begins from a Function Level
 * Reset.
 */
static void need_pin(struct rig *r)
{
	uint32_t pin = rig_cfg(r, CFG_PIN, 8);

	rig_flr(r);
	if (!pin)
		rig_na(r, "Interrupt Pin is 0: there is no INTx");
	CHECK_LE(r, "Interrupt Pin", pin, 4);
	device_config_keep(r);
	rig_set_cfg(r, CFG_COMMAND, 16, COMMAND_MSE | COMMAND_BME);
	rig_queue_count(r);
	REQUIRE_TRUE(r, becomes(r, false, SOON_NS),
		     "the wire is inactive once the first commands are acknowledged");
}

/* A pair whose completions nobody takes yet; IEN as asked for, vector 0. */
static struct sq *start(struct rig *r, bool ien)
{
	struct cq *cq;
	struct cpl cpl;

	need_pin(r);
	rig_ctrl(r);
	rig_queue_count(r);
	cq = rig_cq_alloc(r, 1, rig_queue_fit(r, 8));
	if (cq_create(cq, ien, 0, &cpl))
		rig_broken(r, "set-up: a completion queue with vector 0 is refused");
	return parts_sq(r, 1, cq->size, cq);
}

static void put(struct rig *r, struct sq *q, unsigned n)
{
	struct cmd c = parts_any_read(r);
	uint64_t end = rig_now(r) + SOON_NS;

	for (unsigned i = 0; i < n; i++)
		rig_put(r, q, c);
	rig_ring(r, q);
	while (parts_posted(q->cq) < n && rig_now(r) < end)
		rig_wait(r, QUIET_NS / 10);
	REQUIRE_EQ(r, "completions posted", parts_posted(q->cq), n);
}

/* Takes n entries and writes the doorbell. */
static void acknowledge(struct rig *r, struct sq *q, unsigned n)
{
	struct cpl cpl;

	while (n-- && cq_next(q->cq, &cpl))
		CHECK_STATUS(r, cpl, SC_SUCCESS);
	cq_ring(q->cq);
}

/* ---- rows ---- */

static void level(struct rig *r)
{
	struct sq *q = start(r, true);
	unsigned many = q->size - 1 < 3 ? q->size - 1 : 3;

	check_inactive(r, "while every queue is empty");
	for (uint64_t n = rig_pick(r, 5, 50, 1000); n; n--) {
		put(r, q, many);
		check_active(r, "with completions");
		check_stays(r, true, "while none is acknowledged");
		for (unsigned left = many; left > 1; left--) {
			acknowledge(r, q, 1);
			check_stays(r, true, "while some are not acknowledged");
		}
		acknowledge(r, q, 1);
		check_inactive(r, "when all are acknowledged");
		check_stays(r, false, "without work");
	}
}

static void admin(struct rig *r)
{
	struct ctrl *c;
	struct cmd cmd = cmd_get_features(NVME_FEAT_FID_NUM_QUEUES, 0, 0, 0);

	need_pin(r);
	c = rig_ctrl(r);
	check_inactive(r, "while the Admin queue is empty");
	rig_put(r, c->asq, cmd);
	rig_ring(r, c->asq);
	check_active(r, "with an admin completion");
	check_stays(r, true, "while it is not acknowledged");
	CHECK_STATUS(r, rig_next(r, c->acq), SC_SUCCESS);
	check_inactive(r, "when it is acknowledged");
}

static void two_queues(struct rig *r)
{
	struct sq *q[2];
	struct cpl cpl;
	struct cq *cq;

	q[0] = start(r, true);
	if (rig_queue_count(r) < 2)
		rig_na(r, "one I/O queue pair: nothing shares the wire");
	cq = rig_cq_alloc(r, 2, q[0]->size);
	if (cq_create(cq, true, 0, &cpl))
		rig_broken(r, "set-up: a second completion queue with vector 0 is refused");
	q[1] = parts_sq(r, 2, cq->size, cq);
	for (unsigned first = 0; first < 2; first++) {
		put(r, q[0], 1);
		put(r, q[1], 1);
		acknowledge(r, q[first], 1);
		check_stays(r, true, "while the other queue has a completion");
		acknowledge(r, q[!first], 1);
		check_inactive(r, "when both are acknowledged");
	}
}

static void masked(struct rig *r)
{
	struct sq *q = start(r, true);

	put(r, q, 1);
	check_active(r, "with a completion");
	for (uint64_t n = rig_pick(r, 3, 20, 500); n; n--) {
		rig_set_reg32(r, REG_INTMS, 1);
		CHECK_EQ(r, "INTMS", rig_reg32(r, REG_INTMS), 1);
		check_inactive(r, "when INTMS masks it");
		check_stays(r, false, "while INTMS masks it");
		rig_set_reg32(r, REG_INTMC, 1);
		check_active(r, "when INTMC unmasks it");
	}
	rig_set_reg32(r, REG_INTMS, 1);
	acknowledge(r, q, 1);
	rig_set_reg32(r, REG_INTMC, 1);
	check_stays(r, false, "when what was masked is acknowledged");
}

/* Pin-based interrupts are vector 0: the other bits mask nothing. */
static void other_masks(struct rig *r)
{
	struct sq *q = start(r, true);

	rig_set_reg32(r, REG_INTMS, OTHER_VECTORS);
	put(r, q, 1);
	check_active(r, "with the other 31 vectors masked");
	check_stays(r, true, "with the other 31 vectors masked");
	rig_set_reg32(r, REG_INTMC, OTHER_VECTORS);
	acknowledge(r, q, 1);
	check_inactive(r, "when all is acknowledged");
}

static void interrupts_off(struct rig *r)
{
	struct sq *q = start(r, false);

	put(r, q, 1);
	check_stays(r, false, "for a completion queue with interrupts disabled");
	acknowledge(r, q, 1);
}

static bool status_says(struct rig *r)
{
	return rig_cfg(r, CFG_STATUS, 16) & STATUS_INTX;
}

static void disabled(struct rig *r)
{
	struct sq *q = start(r, true);

	CHECK_TRUE(r, !status_says(r), "Interrupt Status is 0 without a completion");
	put(r, q, 1);
	check_active(r, "with a completion");
	CHECK_TRUE(r, status_says(r), "Interrupt Status is 1 while the wire is active");
	rig_set_cfg(r, CFG_COMMAND, 16, COMMAND_MSE | COMMAND_BME | COMMAND_INTX);
	check_inactive(r, "when Interrupt Disable is set");
	check_stays(r, false, "while Interrupt Disable is set");
	rig_set_cfg(r, CFG_COMMAND, 16, COMMAND_MSE | COMMAND_BME);
	check_active(r, "when Interrupt Disable is cleared");
	acknowledge(r, q, 1);
	check_inactive(r, "when all is acknowledged");
	CHECK_TRUE(r, !status_says(r), "Interrupt Status is 0 when all is acknowledged");
}

static void with_msix(struct rig *r)
{
	struct target *t = rig_target(r);
	struct sq *q;

	if (!rig_facts(r)->caps.vectors)
		rig_na(r, "there is no MSI-X");
	q = start(r, true);
	if (t->ops->irq_enable(t, 1))
		rig_broken(r, "enabling MSI-X: %s", t->error);
	becomes(r, false, 0); /* can it be seen? before there is a completion to leave behind */
	put(r, q, 1);
	check_stays(r, false, "with MSI-X enabled");
	acknowledge(r, q, 1);
	if (t->ops->irq_enable(t, 0))
		rig_broken(r, "disabling MSI-X: %s", t->error);
}

/* Nobody can acknowledge what was in a queue that is gone. */
static void deleted(struct rig *r)
{
	put(r, start(r, true), 1);
	check_active(r, "with a completion");
	CHECK_STATUS(r, rig_admin(r, cmd_delete_sq(1)), SC_SUCCESS);
	CHECK_STATUS(r, rig_admin(r, cmd_delete_cq(1)), SC_SUCCESS);
	check_inactive(r, "when the queue that had a completion is deleted");
	check_stays(r, false, "without that queue");
}

static void reset(struct rig *r)
{
	put(r, start(r, true), 1);
	check_active(r, "with a completion");
	rig_ctrl_off(r);
	check_inactive(r, "after the Controller Reset that deleted the queue");
	rig_ctrl(r);
	check_stays(r, false, "when the controller is enabled again");
}

static const struct intx_row {
	const char *name;
	void (*run)(struct rig *r);
} rows[] = {
	{ "level", level },
	{ "admin", admin },
	{ "two-queues", two_queues },
	{ "masked", masked },
	{ "other-masks", other_masks },
	{ "interrupts-disabled", interrupts_off },
	{ "function-disabled", disabled },
	{ "msix-enabled", with_msix },
	{ "queue-deleted", deleted },
	{ "reset", reset },
};

static void intx(struct rig *r)
{
	const struct intx_row *row = rig_row(r);

	row->run(r);
}

static const struct rig_case cases[] = {
	{ .id = "intx",
	  .rule = "The INTx wire is active while an interrupting completion queue has entries that "
		  "are not acknowledged, and neither INTMS nor Interrupt Disable nor MSI-X keeps "
		  "it.",
	  .ref = "PCIe Transport 1.0 Interrupts; PCIe Transport 1.0 Pin Based, Single MSI, and "
		 "Multiple MSI Behavior; PCIe Transport 1.0 Offset 04h: CMD, Offset 06h: STS; "
		 "Base 2.2 Offset Ch: INTMS, Offset 10h: INTMC",
	  .needs = NEED_QUEUES | NEED_CONFIG | NEED_WIRE,
	  .fault = "intx-never intx-pulses intx-stuck intx-ack-of-one-clears intx-mask-ignored "
		   "intx-any-bit-masks intx-ien-ignored intx-disable-ignored intx-status-clear "
		   "intx-with-msix intx-survives-reset intx-survives-delete",
	  .run = intx,
	  ROWS(rows) },
};

SUITE(queue_intx_suite, CONFORMANCE, "queue", cases);
