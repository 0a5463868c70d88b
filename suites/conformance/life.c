// SPDX-License-Identifier: GPL-2.0-or-later
/* Enable and disable, and what a controller that is off does. */
#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "kit/kit.h"

static double ms_of(uint64_t ns)
{
	return (double)ns / 1e6;
}

static void clear_enable(struct rig *r)
{
	rig_set_reg32(r, REG_CC, rig_reg32(r, REG_CC) & ~CC_EN);
}

/* ---- enable ---- */

/* One enable with the checks of this rule; how long it took. */
static uint64_t enable_once(struct rig *r)
{
	struct ctrl *c = rig_ctrl_off(r);
	struct ctrl_config cfg = ctrl_defaults(c);
	uint64_t took = 0, limit = ctrl_ready_limit_ns(c, true);
	int err = ctrl_enable(c, &cfg, &took);
	uint32_t csts = rig_reg32(r, REG_CSTS);

	REQUIRE_EQ(r, "CSTS.CFS after CC.EN 0 to 1", csts & CSTS_CFS, 0);
	REQUIRE_TRUE(r, !err && (csts & CSTS_RDY),
		     "CSTS.RDY became 1 within %.0f ms (CAP.TO, CRTO): CSTS %08Xh after %.3f ms",
		     ms_of(limit), csts, ms_of(took));
	return took;
}

static void enable(struct rig *r)
{
	uint64_t worst = 0;

	for (uint64_t n = rig_pick(r, 2, 5, 100); n; n--) {
		uint64_t took = enable_once(r);

		worst = took > worst ? took : worst;
		CHECK_STATUS(r, rig_admin(r, cmd_get_features(NVME_FEAT_FID_NUM_QUEUES, 0, 0, 0)),
			     SC_SUCCESS);
		CHECK_EQ(r, "CSTS.CFS after a command", rig_reg32(r, REG_CSTS) & CSTS_CFS, 0);
	}
	rig_sample(r, "enable.worst", ms_of(worst), "ms");
}

/* ---- disable ---- */

#define POLL_NS	    (10 * NS_PER_US)
#define STEADY_LOOK 20

/* Polls until RDY is 0, or the time is over; *ret_ns is how long that took. */
static bool poll_not_ready(struct rig *r, uint64_t limit, uint64_t *ret_ns)
{
	uint64_t begin = rig_now(r);
	bool last;

	do {
		last = rig_now(r) - begin > limit;
		*ret_ns = rig_now(r) - begin;
		if (!(rig_reg32(r, REG_CSTS) & CSTS_RDY))
			return true;
		rig_wait(r, POLL_NS);
	} while (!last);
	return false;
}

/* Fields may pass through other values before the reset value: a second 1 is told, not judged. */
static void look_steady(struct rig *r)
{
	unsigned again = 0;

	for (unsigned i = 0; i < STEADY_LOOK; i++) {
		rig_wait(r, POLL_NS);
		again += rig_reg32(r, REG_CSTS) & CSTS_RDY;
	}
	ADVISE_EQ(r, "times that CSTS.RDY read 1 again", again, 0);
}

static void disable(struct rig *r)
{
	uint64_t limit, took, worst = 0;

	for (uint64_t n = rig_pick(r, 2, 5, 100); n; n--) {
		limit = ctrl_ready_limit_ns(rig_ctrl(r), false);
		REQUIRE_EQ(r, "CSTS.RDY while enabled", rig_reg32(r, REG_CSTS) & CSTS_RDY, 1);
		clear_enable(r);
		REQUIRE_TRUE(r, poll_not_ready(r, limit, &took),
			     "CSTS.RDY became 0 within %.0f ms (CAP.TO) of CC.EN 1 to 0",
			     ms_of(limit));
		worst = took > worst ? took : worst;
		look_steady(r);
		rig_ctrl_off(r);
	}
	rig_sample(r, "disable.worst", ms_of(worst), "ms");
}

/* Memory that was zeroed still is. */
static void check_zeroed(struct rig *r, const char *what, const struct buf *b)
{
	int64_t at = buf_differs(b, 0, b->len, 0);

	CHECK_TRUE(r, at < 0, "%s is untouched (byte %lld is %02Xh)", what, (long long)at,
		   at < 0 ? 0 : b->data[at]);
}

/* ---- doorbell-while-disabled ---- */

#define ID_LEN	4096
#define LATE_NS (50 * NS_PER_MS)

/* What follows the enable is undefined: it is told, and a CQE that comes should be right. */
static void tell_late(struct rig *r, struct ctrl *c, uint32_t cc, uint16_t cid)
{
	struct cpl cpl;
	int err;

	rig_set_reg32(r, REG_CC, cc);
	err = ctrl_wait_ready(c, true, NULL);
	if (!ADVISE_TRUE(r, !err, "the controller enables after such a doorbell (CSTS %08Xh)",
			 rig_reg32(r, REG_CSTS)))
		return;
	rig_wait(r, LATE_NS);
	cpl = cpl_of(cq_slot(c->acq, 0));
	if (buf_differs(c->acq->mem, 0, c->acq->mem->len, 0) < 0)
		rig_note(r, "the command rung while disabled did not run after the enable");
	else
		ADVISE_TRUE(r, cpl.cid == cid && cpl.sqhd == 1 && cpl.sqid == 0,
			    "the command rung while disabled ran after the enable, with CID %04Xh "
			    "(want %04Xh), SQHD %u, SQID %u",
			    cpl.cid, cid, cpl.sqhd, cpl.sqid);
}

/* Enabled once, so that it knows its admin queues, and disabled; they are empty. Returns CC. */
static uint32_t off_with_queues(struct rig *r)
{
	struct ctrl *c = rig_ctrl(r);
	uint32_t cc = rig_reg32(r, REG_CC);

	rig_ctrl_off(r);
	sq_reset(c->asq);
	cq_reset(c->acq);
	return cc;
}

static uint16_t ring_identify(struct rig *r, struct sq *q, struct buf *b)
{
	struct cmd c = cmd_identify(0x01, 0, NULL);
	uint16_t cid;

	rig_prp(r, &c, b, 0, ID_LEN);
	cid = rig_put(r, q, c);
	rig_ring(r, q);
	return cid;
}

static void doorbell_while_disabled(struct rig *r)
{
	uint32_t cc = off_with_queues(r);
	struct ctrl *c = rig_ctrl_off(r);
	struct buf *b = rig_buf(r, ID_LEN);
	uint8_t *before = memcpy(rig_mem(r, ID_LEN), b->data, ID_LEN);
	uint16_t cid = ring_identify(r, c->asq, b);

	rig_wait(r, rig_pick(r, 50, 200, 1000) * NS_PER_MS);
	CHECK_EQ(r, "CSTS.RDY", rig_reg32(r, REG_CSTS) & CSTS_RDY, 0);
	check_zeroed(r, "the Admin CQ", c->acq->mem);
	CHECK_MEM(r, "data buffer (untouched)", b->data, before, ID_LEN);
	tell_late(r, c, cc, cid);
	rig_ctrl_off(r);
}

/* ---- enable-loop ---- */

#define FEW_ENTRIES 4

/* An I/O queue each time, so that something is there to be freed. */
static struct sq *create_queue(struct rig *r)
{
	uint32_t entries = rig_queue_fit(r, FEW_ENTRIES);
	struct cq *cq = rig_cq_alloc(r, 1, entries);
	struct sq *sq = rig_sq_alloc(r, 1, entries, cq);

	REQUIRE_STATUS(r, rig_admin(r, cmd_create_cq(1, cq->size, cq->mem->iova, false, 0)),
		       SC_SUCCESS);
	REQUIRE_STATUS(r, rig_admin(r, cmd_create_sq(1, sq->size, sq->mem->iova, 1)), SC_SUCCESS);
	return sq;
}

static uint64_t cycle(struct rig *r, struct nvme_id_ctrl *id)
{
	uint64_t begin = rig_now(r);

	rig_ctrl(r);
	rig_id_ctrl(r, id);
	CHECK_STATUS(r, rig_io(r, create_queue(r), cmd_flush(rig_ns(r)->nsid)), SC_SUCCESS);
	rig_ctrl_off(r);
	return rig_now(r) - begin;
}

/* No text limits how a cycle's time may grow: it is told. */
static void enable_loop(struct rig *r)
{
	struct nvme_id_ctrl *id = rig_mem(r, sizeof(*id));
	uint64_t cycles = rig_pick(r, 24, 60, 1000), first = 0, last = 0, took;

	for (uint64_t n = 0; n < cycles; n++) {
		took = cycle(r, id);
		if (n < cycles / 4)
			first += took;
		else if (n >= cycles - cycles / 4)
			last += took;
	}
	rig_sample(r, "cycle.first-quarter", ms_of(first) / (double)(cycles / 4), "ms");
	rig_sample(r, "cycle.last-quarter", ms_of(last) / (double)(cycles / 4), "ms");
}

/* ---- en-fast-toggle ---- */

/* A host must not do this; that a reset done as it should be cures it is all that is asked. */
static void en_fast_toggle(struct rig *r)
{
	struct ctrl *c = rig_ctrl(r);
	uint32_t cc = rig_reg32(r, REG_CC);
	uint64_t limit = 2 * ctrl_ready_limit_ns(c, false), took;

	for (uint64_t n = rig_pick(r, 20, 100, 1000); n; n--) {
		rig_set_reg32(r, REG_CC, cc & ~CC_EN);
		rig_wait(r, rig_rand_below(r, 1ull << rig_rand_below(r, 17)));
		rig_set_reg32(r, REG_CC, cc);
		rig_wait(r, rig_rand_below(r, 1ull << rig_rand_below(r, 17)));
	}
	clear_enable(r);
	REQUIRE_TRUE(r, poll_not_ready(r, limit, &took),
		     "CSTS.RDY became 0 within %.0f ms (twice CAP.TO)", ms_of(limit));
	rig_reset(r);
	CHECK_STATUS(r, rig_admin(r, cmd_get_features(NVME_FEAT_FID_NUM_QUEUES, 0, 0, 0)),
		     SC_SUCCESS);
}

static const struct rig_case cases[] = {
	{ .id = "enable",
	  .rule = "CC.EN 0 to 1 makes CSTS.RDY 1 in the time stated, and CFS stays 0.",
	  .ref = "Base 2.2 Memory-based Controller Initialization (PCIe); Base 2.2 Controller "
		 "Ready Timeouts During Initialization; Base 2.2 Offset 1Ch: CSTS",
	  .needs = NEED_QUEUES,
	  .fault = "slow-ready never-ready cfs-on-enable",
	  .run = enable },
	{ .id = "disable",
	  .rule = "CC.EN 1 to 0 makes CSTS.RDY 0 in the time that CAP.TO states.",
	  .ref = "Base 2.2 Offset 1Ch: CSTS; Base 2.2 Offset 0h: CAP (TO); Base 2.2 Controller "
		 "Level Reset",
	  .needs = NEED_QUEUES,
	  .fault = "rdy-stuck-on-disable",
	  .run = disable },
	{ .id = "doorbell-while-disabled",
	  .rule = "While CC.EN is 0 a doorbell starts nothing: no command runs, no CQE comes.",
	  .ref = "Base 2.2 Offset 14h: CC (EN); Base 2.2 Offset 1Ch: CSTS (RDY)",
	  .needs = NEED_QUEUES,
	  .fault = "doorbell-counts-while-disabled",
	  .run = doorbell_while_disabled },
	{ .id = "enable-loop",
	  .rule = "The controller can be enabled, used and disabled over and over.",
	  .ref = "Base 2.2 Controller Level Reset; Base 2.2 Memory-based Controller Initialization "
		 "(PCIe)",
	  .needs = NEED_QUEUES,
	  .fault = "reset-leaks-queues",
	  .run = enable_loop },
	{ .id = "en-fast-toggle",
	  .rule = "EN toggled without waiting for RDY leaves a controller that a reset recovers.",
	  .ref = "Base 2.0 Memory-based Transport Controller Initialization; Base 2.2 Offset 14h: "
		 "CC (EN)",
	  .needs = NEED_QUEUES,
	  .level = SHOULD,
	  .fault = "fast-toggle-sticks",
	  .run = en_fast_toggle },
};

SUITE(life_suite, CONFORMANCE, "life", cases);
