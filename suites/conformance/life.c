// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "kit/kit.h"
#include "storm.h"

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

/* ---- pointers-zero ---- */

#define LOOK_NS (2 * NS_PER_S)

#define BEFORE	5

/* How far the admin queues had come before the reset. */
static const struct before_row {
	const char *name;
	unsigned laps;
} befores[] = { { "in-the-first-lap", 0 }, { "in-the-second-lap", 1 } };

static struct cmd any_command(void)
{
	return cmd_get_features(NVME_FEAT_FID_NUM_QUEUES, 0, 0, 0);
}

/* The slot that a CQE of this CID stands in, or the queue's size. */
static uint32_t slot_of(struct cq *q, uint16_t cid)
{
	uint32_t i = 0;

	while (i < q->size && (le16_get(cq_slot(q, i)->cid) != cid ||
			       !(le16_get(cq_slot(q, i)->status) & CQE_PHASE)))
		i++;
	return i;
}

static void pointers_zero(struct rig *r)
{
	const struct before_row *row = rig_row(r);
	struct ctrl *c = rig_ctrl(r);
	struct cmd any = any_command();
	struct cpl cpl;
	uint16_t cid;

	for (unsigned i = 0; i < row->laps * c->asq->size + BEFORE; i++)
		rig_admin_ok(r, any);
	rig_reset(r); /* zeroes the memory of both queues before it enables */
	cid = sq_put_as(c->asq, &any.sqe, 0x4321);
	rig_ring(r, c->asq);
	if (!rig_try(r, c->acq, &cpl, LOOK_NS))
		rig_fail(r, "no CQE in slot 0 with phase 1; CID %04Xh is in slot %u of %u", cid,
			 slot_of(c->acq, cid), c->acq->size);
	CHECK_EQ(r, "CID of the CQE in slot 0", cpl.cid, cid);
	CHECK_STATUS(r, cpl, SC_SUCCESS);
	CHECK_EQ(r, "SQHD", cpl.sqhd, 1);
	CHECK_EQ(r, "phase of slot 0", le16_get(cq_slot(c->acq, 0)->status) & CQE_PHASE, 1);
	CHECK_EQ(r, "further CQEs", rig_try(r, c->acq, &cpl, 2 * NS_PER_MS), 0);
}

/* ---- io-queues-gone ---- */

#define OLD_ENTRIES 16
#define OLD_PAIRS   2

/* A queue pair whose memory stays the case's own when the controller forgets the queues. */
struct pair {
	struct buf *sq, *cq;
};

static struct pair create_old_pair(struct rig *r, uint16_t qid)
{
	struct pair p = { .sq = rig_buf(r, OLD_ENTRIES * sizeof(struct sqe)),
			  .cq = rig_buf(r, OLD_ENTRIES * sizeof(struct cqe)) };

	memset(p.sq->data, 0, p.sq->len);
	memset(p.cq->data, 0, p.cq->len);
	rig_admin_ok(r, cmd_create_cq(qid, OLD_ENTRIES, p.cq->iova, false, 0));
	rig_admin_ok(r, cmd_create_sq(qid, OLD_ENTRIES, p.sq->iova, qid));
	return p;
}

/* The same QID again in new memory, with one command on it. */
static void create_again(struct rig *r, uint16_t qid)
{
	struct cq *cq = rig_cq_alloc(r, qid, OLD_ENTRIES);
	struct sq *sq = rig_sq_alloc(r, qid, OLD_ENTRIES, cq);
	struct cpl cpl;

	REQUIRE_STATUS(r, rig_admin(r, cmd_create_cq(qid, cq->size, cq->mem->iova, false, 0)),
		       SC_SUCCESS);
	REQUIRE_STATUS(r, rig_admin(r, cmd_create_sq(qid, sq->size, sq->mem->iova, qid)),
		       SC_SUCCESS);
	cpl = rig_io(r, sq, cmd_flush(1));
	CHECK_EQ(r, "SQID of the command on the new queue", cpl.sqid, qid);
	CHECK_EQ(r, "SQHD of the command on the new queue", cpl.sqhd, 1);
}

/* Memory that was zeroed still is. */
static void check_zeroed(struct rig *r, const char *what, const struct buf *b)
{
	int64_t at = buf_differs(b, 0, b->len, 0);

	CHECK_TRUE(r, at < 0, "%s is untouched (byte %lld is %02Xh)", what, (long long)at,
		   at < 0 ? 0 : b->data[at]);
}

/* Any error tells that there is no such queue; which it must be is what queue.delete-bad-id asks.
 */
static void check_gone(struct rig *r, struct cpl deleted)
{
	CHECK_ERROR(r, deleted);
	ADVISE_STATUS(r, deleted, SC_QID_INVALID);
}

static void io_queues_gone(struct rig *r)
{
	unsigned n = rig_queue_count(r) < OLD_PAIRS ? rig_queue_count(r) : OLD_PAIRS;
	struct pair old[OLD_PAIRS];

	for (uint16_t i = 0; i < n; i++)
		old[i] = create_old_pair(r, i + 1);
	rig_reset(r);
	for (uint16_t qid = 1; qid <= n; qid++) {
		check_gone(r, rig_admin(r, cmd_delete_sq(qid)));
		check_gone(r, rig_admin(r, cmd_delete_cq(qid)));
	}
	rig_queue_count(r);
	for (uint16_t i = 0; i < n; i++)
		create_again(r, i + 1);
	for (unsigned i = 0; i < n; i++) {
		check_zeroed(r, "the old CQ", old[i].cq);
		check_zeroed(r, "the old SQ", old[i].sq);
	}
}

/* ---- features-default ---- */

#define CAP_SAVEABLE 1u
#define SEL_CURRENT  0
#define SEL_DEFAULT  1
#define SEL_SAVED    2
#define SEL_SUPPORT  3
#define ONCS_SSFS    (1u << 4)
#define CMIC_PORTS   1u

/* Features that do not persist over a reset; `flip` turns one legal value into another. */
static const struct feature_row {
	const char *name;
	uint8_t fid;
	bool of_ns;
	uint32_t select, flip;
} features[] = {
	{ "arbitration", NVME_FEAT_FID_ARBITRATION, false, 0, 0x00000001 },
	{ "power-management", NVME_FEAT_FID_POWER_MGMT, false, 0, 0x00000001 },
	{ "over-temperature", NVME_FEAT_FID_TEMP_THRESH, false, 0, 0x00000001 },
	{ "under-temperature", NVME_FEAT_FID_TEMP_THRESH, false, 1u << 20, 0x00000001 },
	{ "error-recovery", NVME_FEAT_FID_ERR_RECOVERY, true, 0, 0x00000001 },
	{ "write-cache", NVME_FEAT_FID_VOLATILE_WC, false, 0, 0x00000001 },
	{ "coalescing", NVME_FEAT_FID_IRQ_COALESCE, false, 0, 0x00000101 },
	{ "write-atomicity", NVME_FEAT_FID_WRITE_ATOMIC, false, 0, 0x00000001 },
	{ "async-events", NVME_FEAT_FID_ASYNC_EVENT, false, 0, 0x00000001 },
};

static uint32_t feature_nsid(struct rig *r, const struct feature_row *row)
{
	return row->of_ns ? rig_ns(r)->nsid : 0;
}

static struct cpl get_feature(struct rig *r, const struct feature_row *row, uint8_t sel)
{
	return rig_admin(r, cmd_get_features(row->fid, sel, feature_nsid(r, row), row->select));
}

/* Sets, unsaved, another value than this one; leaves where the feature cannot be set. */
static uint32_t set_other(struct rig *r, const struct feature_row *row, uint32_t than)
{
	uint32_t other = (than ^ row->flip) | row->select;
	char text[STATUS_TEXT];
	struct cpl cpl;

	rig_keep_feature(r, row->fid, feature_nsid(r, row), row->select);
	cpl = rig_admin(r, cmd_set_features(row->fid, false, feature_nsid(r, row), other));
	if (cpl.status != SC_SUCCESS)
		rig_na(r, "the feature cannot be set to %08Xh: %s", other,
		       status_text(cpl.status, text));
	cpl = get_feature(r, row, SEL_CURRENT);
	REQUIRE_STATUS(r, cpl, SC_SUCCESS);
	if (cpl.dw0 == than)
		rig_na(r, "the feature stays %08Xh when set to %08Xh", than, other);
	return cpl.dw0;
}

/* What must be current after a reset, by the feature's own word; what it was, where it has none. */
static uint32_t value_after_reset(struct rig *r, const struct feature_row *row, uint32_t was)
{
	struct cpl support, cpl;

	if (!(le16_get(rig_facts(r)->id.oncs) & ONCS_SSFS))
		return was;
	support = get_feature(r, row, SEL_SUPPORT);
	if (support.status != SC_SUCCESS)
		return was;
	cpl = get_feature(r, row, support.dw0 & CAP_SAVEABLE ? SEL_SAVED : SEL_DEFAULT);
	REQUIRE_STATUS(r, cpl, SC_SUCCESS);
	if (row->of_ns && (support.dw0 & CAP_SAVEABLE) && (rig_facts(r)->id.cmic & CMIC_PORTS))
		rig_na(r, "of namespace scope, saveable, and CMIC %02Xh claims several ports",
		       rig_facts(r)->id.cmic);
	return cpl.dw0;
}

static void features_default(struct rig *r)
{
	const struct feature_row *row = rig_row(r);
	struct cpl cpl;
	uint32_t want;

	rig_reset(r); /* what another host left unsaved is gone */
	cpl = get_feature(r, row, SEL_CURRENT);
	if (cpl.status != SC_SUCCESS)
		rig_na(r, "Get Features of %02Xh fails with %03Xh", row->fid, cpl.status);
	want = value_after_reset(r, row, cpl.dw0);
	CHECK_EQ(r, "value after the first reset", cpl.dw0, want);
	rig_note(r, "set to %08Xh before the reset", set_other(r, row, want));
	rig_reset(r);
	cpl = get_feature(r, row, SEL_CURRENT);
	CHECK_STATUS(r, cpl, SC_SUCCESS);
	CHECK_EQ(r, "value after the reset (want the saved or default one)", cpl.dw0, want);
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

/* ---- shutdown-normal ---- */

#define SHUT_LBA   64
#define SHUT_TAG   0x5d
#define SHUT_BYTES (64 * 1024)
#define VWC_THERE  1u

static const struct after_row {
	const char *name;
	bool power;
} afters[] = { { "controller-reset", false }, { "power-cycle", true } };

static void cache_on(struct rig *r)
{
	struct nvme_id_ctrl *id = rig_mem(r, sizeof(*id));

	rig_id_ctrl(r, id);
	if (!(id->vwc & VWC_THERE)) {
		rig_note(r, "no volatile write cache that a shutdown could drop");
		return;
	}
	rig_keep_feature(r, NVME_FEAT_FID_VOLATILE_WC, 0, 0);
	rig_admin_ok(r, cmd_set_features(NVME_FEAT_FID_VOLATILE_WC, false, 0, 1));
}

/* As the text has it: the host deletes its queues, then writes SHN and waits. */
static void shut_down(struct rig *r)
{
	uint64_t entry = le32_get(rig_facts(r)->id.rtd3e) * NS_PER_US, took = 0;
	struct ctrl *c = rig_ctrl(r);
	int err;

	entry = entry ? entry : NS_PER_S;
	rig_admin_ok(r, cmd_delete_sq(1));
	rig_admin_ok(r, cmd_delete_cq(1));
	CHECK_EQ(r, "CSTS.SHST before", CSTS_SHST(rig_reg32(r, REG_CSTS)), 0);
	err = ctrl_shutdown(c, 1, 10 * entry, &took);
	REQUIRE_TRUE(r, !err,
		     "CSTS.SHST became 10b within 10 times RTD3E (%.3f ms): it is %u after %.3f ms",
		     ms_of(10 * entry), CSTS_SHST(rig_reg32(r, REG_CSTS)), ms_of(took));
	ADVISE_LE(r, "microseconds to shut down (want RTD3E at most)", took / NS_PER_US,
		  entry / NS_PER_US);
	rig_sample(r, "shutdown", ms_of(took), "ms");
}

static void power_cycle(struct rig *r)
{
	struct target *t = rig_target(r);
	int err = t->ops->reset(t, RESET_POWER);

	if (err)
		rig_broken(r, "power cycle: %s", t->error);
	ctrl_forget(rig_ctrl_off(r));
}

/* Does the write, sends the controller to sleep, wakes it: what was completed must be there. */
static void shutdown_normal(struct rig *r)
{
	const struct after_row *row = rig_row(r);
	const struct facts_ns *ns = rig_ns(r);
	uint32_t blocks = SHUT_BYTES / ns->lba_bytes;
	uint64_t tag = rig_rand_below(r, 1u << 16);
	uint8_t *data = rig_mem(r, SHUT_BYTES);

	if (row->power && !(rig_target(r)->caps.has & NEED_RESTART))
		rig_skip(r, "needs", "the target cannot take power away");
	cache_on(r);
	rig_stamp(data, SHUT_LBA, blocks, ns->lba_bytes, tag);
	rig_io_ok(r, rig_queue(r), cmd_write(ns->nsid, SHUT_LBA, blocks, data, SHUT_BYTES));
	shut_down(r);
	if (row->power)
		power_cycle(r);
	rig_ctrl_off(r);
	memset(data, 0, SHUT_BYTES);
	REQUIRE_STATUS(
		r, rig_io(r, rig_queue(r), cmd_read(ns->nsid, SHUT_LBA, blocks, data, SHUT_BYTES)),
		SC_SUCCESS);
	CHECK_STAMP(r, data, SHUT_LBA, blocks, ns->lba_bytes, tag);
}

/* ---- reset-inflight-io ---- */

/* Any time from at once to long after everything has completed, short ones more often. */
static void wait_a_while(struct rig *r)
{
	rig_wait(r, rig_rand_below(r, 1ull << rig_rand_below(r, 18)));
}

static void reset_inflight_io(struct rig *r)
{
	struct storm *s = storm_new(r);
	uint64_t rounds = rig_pick(r, 4, 8, 200);

	for (uint64_t n = 0; n < rounds; n++) {
		storm_begin(s);
		wait_a_while(r);
		clear_enable(r);
		REQUIRE_EQ(r, "disabling (0: RDY went)",
			   (uint64_t)-ctrl_wait_ready(rig_ctrl(r), false, NULL), 0);
		storm_reap(s);
		storm_check_quiet(s, n ? 2 * NS_PER_MS : 50 * NS_PER_MS);
		rig_reset(r);
		storm_verify(s);
	}
	rig_note(r, "%u commands, %u completed before their reset", storm_begun(s), storm_done(s));
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
	{ .id = "pointers-zero",
	  .rule = "A Controller Reset sets the positions of both admin queues to 0, the phase to "
		  "1.",
	  .ref = "Base 2.2 Controller Level Reset; Base 2.2 Offset 14h: CC (EN); Base 2.2 "
		 "Completion Queue Entry",
	  .needs = NEED_QUEUES,
	  .fault = "stale-admin-tail admin-cq-phase-kept-over-reset",
	  .run = pointers_zero,
	  ROWS(befores) },
	{ .id = "io-queues-gone",
	  .rule = "A Controller Reset deletes every I/O queue, and its memory is left alone.",
	  .ref = "Base 2.2 Controller Level Reset; Base 2.0 Delete I/O Submission Queue command; "
		 "Base 2.0 Delete I/O Completion Queue command",
	  .needs = NEED_QUEUES,
	  .fault = "io-queues-survive-reset",
	  .run = io_queues_gone },
	{ .id = "features-default",
	  .rule = "A reset makes the saved value of a feature current, or its default.",
	  .ref = "Base 2.2 Feature Values; Base 2.1 Set Features command; NVM CS 1.0 Get Features "
		 "& "
		 "Set Features commands",
	  .needs = NEED_QUEUES,
	  .harm = HARM_SETTINGS,
	  .fault = "unsaved-survives-reset",
	  .run = features_default,
	  ROWS(features) },
	{ .id = "reset-inflight-io",
	  .rule = "A reset with I/O in flight: nothing arrives after RDY 0, no completed write is "
		  "lost, and no block is torn.",
	  .ref = "Base 2.2 Controller Level Reset; Base 2.2 Offset 14h: CC (EN); Base 2.2 "
		 "Outstanding Commands; NVM CS 1.0 AWUPF/NAWUPF",
	  .needs = NEED_QUEUES,
	  .harm = HARM_DATA,
	  .fault = "late-dma-after-reset completed-write-lost-at-reset reset-inflight-torn-write",
	  .run = reset_inflight_io },
	{ .id = "doorbell-while-disabled",
	  .rule = "While CC.EN is 0 a doorbell starts nothing: no command runs, no CQE comes.",
	  .ref = "Base 2.2 Offset 14h: CC (EN); Base 2.2 Offset 1Ch: CSTS (RDY)",
	  .needs = NEED_QUEUES,
	  .fault = "doorbell-counts-while-disabled",
	  .run = doorbell_while_disabled },
	{ .id = "shutdown-normal",
	  .rule = "A normal shutdown ends with SHST 10b and keeps what completed writes wrote.",
	  .ref = "Base 2.2 Memory-based Controller Shutdown (PCIe); Base 2.2 Offset 1Ch: CSTS "
		 "(SHST)",
	  .needs = NEED_QUEUES,
	  .harm = HARM_DATA,
	  .fault = "shst-stuck cache-dropped-at-shutdown",
	  .run = shutdown_normal,
	  ROWS(afters) },
};

SUITE(life_suite, CONFORMANCE, "life", cases);
