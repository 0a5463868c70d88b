// SPDX-License-Identifier: GPL-2.0-or-later
/* What a reset takes away: positions, queues, commands in flight. */
#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "device.h"
#include "duo.h"
#include "storm.h"

#define CMIC_CONTROLLERS 2u

static void clear_enable(struct rig *r)
{
	rig_set_reg32(r, REG_CC, rig_reg32(r, REG_CC) & ~CC_EN);
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

/* Memory that was zeroed still is. */
static void check_zeroed(struct rig *r, const char *what, const struct buf *b)
{
	int64_t at = buf_differs(b, 0, b->len, 0);

	CHECK_TRUE(r, at < 0, "%s is untouched (byte %lld is %02Xh)", what, (long long)at,
		   at < 0 ? 0 : b->data[at]);
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
	uint32_t entries = rig_queue_fit(r, OLD_ENTRIES);
	struct pair p = { .sq = rig_buf(r, OLD_ENTRIES * sizeof(struct sqe)),
			  .cq = rig_buf(r, OLD_ENTRIES * sizeof(struct cqe)) };

	memset(p.sq->data, 0, p.sq->len);
	memset(p.cq->data, 0, p.cq->len);
	rig_admin_ok(r, cmd_create_cq(qid, entries, p.cq->iova, false, 0));
	rig_admin_ok(r, cmd_create_sq(qid, entries, p.sq->iova, qid));
	return p;
}

/* The same QID again in new memory, with one command on it. */
static void create_again(struct rig *r, uint16_t qid)
{
	uint32_t entries = rig_queue_fit(r, OLD_ENTRIES);
	struct cq *cq = rig_cq_alloc(r, qid, entries);
	struct sq *sq = rig_sq_alloc(r, qid, entries, cq);
	struct cpl cpl;

	REQUIRE_STATUS(r, rig_admin(r, cmd_create_cq(qid, cq->size, cq->mem->iova, false, 0)),
		       SC_SUCCESS);
	REQUIRE_STATUS(r, rig_admin(r, cmd_create_sq(qid, sq->size, sq->mem->iova, qid)),
		       SC_SUCCESS);
	cpl = rig_io(r, sq, cmd_flush(1));
	CHECK_EQ(r, "SQID of the command on the new queue", cpl.sqid, qid);
	CHECK_EQ(r, "SQHD of the command on the new queue", cpl.sqhd, 1);
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

/* ---- aer-dropped ---- */

#define WIDE	512
#define HELD_NS (10 * NS_PER_MS)

static void enable_wide(struct rig *r)
{
	struct ctrl_config cfg = ctrl_defaults(rig_ctrl(r));

	cfg.admin_sq_entries = cfg.admin_cq_entries = WIDE;
	rig_ctrl_with(r, &cfg);
}

static void post_all(struct rig *r, unsigned n)
{
	struct cpl cpl = { .status = 0 };
	bool came;

	for (unsigned i = 0; i < n; i++)
		rig_aer(r);
	came = rig_event_try(r, &cpl, HELD_NS);
	REQUIRE_TRUE(r, !came, "%u AERs are held (one came back with status %03Xh)", n,
		     came ? cpl.status : 0);
}

/* CQEs of the dropped AERs would stand where the last ones do, or where the first did. */
static void aer_dropped(struct rig *r)
{
	unsigned n = rig_facts(r)->id.aerl + 1u;
	uint8_t *before;
	struct cq *cq;

	enable_wide(r);
	post_all(r, n);
	cq = rig_ctrl(r)->acq;
	before = memcpy(rig_mem(r, cq->mem->len), cq->mem->data, cq->mem->len);
	clear_enable(r);
	REQUIRE_EQ(r, "disabling (0: RDY went)",
		   (uint64_t)-ctrl_wait_ready(rig_ctrl(r), false, NULL), 0);
	rig_wait(r, HELD_NS);
	CHECK_MEM(r, "Admin CQ (nothing more than before the reset)", cq->mem->data, before,
		  cq->mem->len);
	rig_reset(r);
	post_all(r, n);
}

/* ---- reset-inflight-admin ---- */

#define ADMIN_BATCH 16u
#define ID_LEN	    4096u
#define CUT_NS	    17 /* bits: up to 131 us after the doorbell */

/* Commands that move data: Identify and Get Log Page, as many as the queue takes. */
static void put_admin_reads(struct rig *r, struct sq *q, struct buf *b)
{
	for (unsigned i = 0; i < ADMIN_BATCH; i++) {
		struct cmd c = i % 2 ? cmd_identify(0x01, 0, NULL)
				     : cmd_get_log(NVME_LOG_LID_SMART, NSID_ALL, 0, NULL, 512);

		rig_prp(r, &c, b, (size_t)i * ID_LEN, i % 2 ? ID_LEN : 512);
		rig_put(r, q, c);
	}
	rig_ring(r, q);
}

static void check_still(struct rig *r, struct cq *cq, struct buf *b, uint8_t *copy)
{
	memcpy(copy, b->data, b->len);
	memcpy(copy + b->len, cq->mem->data, cq->mem->len);
	rig_wait(r, 2 * NS_PER_MS);
	CHECK_MEM(r, "data buffers after RDY 0 (unchanged)", b->data, copy, b->len);
	CHECK_MEM(r, "Admin CQ after RDY 0 (unchanged)", cq->mem->data, copy + b->len,
		  cq->mem->len);
}

static void reset_inflight_admin(struct rig *r)
{
	struct ctrl *c = rig_ctrl(r);
	struct buf *b = rig_buf(r, ADMIN_BATCH * ID_LEN);
	uint8_t *copy = rig_mem(r, b->len + c->acq->mem->len);

	for (uint64_t n = rig_pick(r, 6, 20, 300); n; n--) {
		put_admin_reads(r, c->asq, b);
		rig_wait(r, rig_rand_below(r, 1ull << rig_rand_below(r, CUT_NS)));
		clear_enable(r);
		REQUIRE_EQ(r, "disabling (0: RDY went)", (uint64_t)-ctrl_wait_ready(c, false, NULL),
			   0);
		check_still(r, c->acq, b, copy);
		rig_reset(r);
		CHECK_STATUS(r, rig_admin(r, cmd_get_features(NVME_FEAT_FID_NUM_QUEUES, 0, 0, 0)),
			     SC_SUCCESS);
	}
}

/* ---- nssr ---- */

static void check_fresh(struct rig *r, struct ctrl *c)
{
	uint32_t csts = rig_reg32_on(r, c, REG_CSTS);

	CHECK_EQ(r, "CC", rig_reg32_on(r, c, REG_CC), 0);
	CHECK_EQ(r, "CSTS.RDY", csts & CSTS_RDY, 0);
	CHECK_EQ(r, "CSTS.CFS", !!(csts & CSTS_CFS), 0);
	CHECK_EQ(r, "CSTS.SHST", CSTS_SHST(csts), 0);
	CHECK_EQ(r, "CSTS.NSSRO", !!(csts & CSTS_NSSRO), 1);
	CHECK_EQ(r, "AQA", rig_reg32_on(r, c, REG_AQA), 0);
}

static void nssr(struct rig *r)
{
	struct device_config *config = device_config_keep(r);
	struct sq *q = rig_queue(r);
	struct buf *cq = q->cq->mem;
	uint8_t *before = memcpy(rig_mem(r, cq->len), cq->data, cq->len);

	rig_aer(r);
	rig_put(r, q, cmd_flush(rig_ns(r)->nsid)); /* put and not rung: nothing may come of it */
	device_nssr(r, config);
	check_fresh(r, rig_ctrl_off(r));
	CHECK_MEM(r, "the I/O CQ (unchanged)", cq->data, before, cq->len);
	rig_ctrl(r); /* enabled from there, with no other reset between */
	check_gone(r, rig_admin(r, cmd_delete_sq(1)));
	CHECK_STATUS(r, rig_io(r, rig_queue(r), cmd_flush(rig_ns(r)->nsid)), SC_SUCCESS);
	rig_set_reg32(r, REG_CSTS, CSTS_NSSRO);
	if ((rig_facts(r)->id.cmic & CMIC_CONTROLLERS) && !(rig_target(r)->caps.has & NEED_PEER))
		rig_note(r, "CMIC %02Xh: what became of the other controllers was not looked at",
			 rig_facts(r)->id.cmic);
}

/* ---- nssr-peer ---- */

static void nssr_peer(struct rig *r)
{
	struct device_config *config = device_config_keep(r);
	struct ctrl *peer = rig_peer(r);
	struct sq *q = rig_queue_on(r, peer);
	struct buf *cq = q->cq->mem;
	uint8_t *before = memcpy(rig_mem(r, cq->len), cq->data, cq->len);

	rig_aer_on(r, peer);
	rig_put(r, q, cmd_flush(rig_ns(r)->nsid)); /* put and not rung: nothing may come of it */
	device_nssr(r, config);
	check_fresh(r, rig_peer_off(r));
	CHECK_MEM(r, "the peer's I/O CQ (unchanged)", cq->data, before, cq->len);
	rig_peer(r); /* enabled from there, with no other reset between */
	check_gone(r, rig_admin_on(r, peer, cmd_delete_sq(1)));
	CHECK_STATUS(r, rig_admin_on(r, peer, cmd_get_features(NVME_FEAT_FID_NUM_QUEUES, 0, 0, 0)),
		     SC_SUCCESS);
	rig_set_reg32_on(r, peer, REG_CSTS, CSTS_NSSRO);
	rig_set_reg32(r, REG_CSTS, CSTS_NSSRO);
}

static const char *na_nssr_peer(const struct facts *f)
{
	const char *alone = duo_na_alone(f);

	return alone ? alone : device_na_nssr(f);
}

static const struct rig_case cases[] = {
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
	{ .id = "reset-inflight-io",
	  .rule = "A reset with I/O in flight: nothing arrives after RDY 0, no completed write is "
		  "lost, and no block is torn.",
	  .ref = "Base 2.2 Controller Level Reset; Base 2.2 Offset 14h: CC (EN); Base 2.2 "
		 "Outstanding Commands; NVM CS 1.0 AWUPF/NAWUPF",
	  .needs = NEED_QUEUES,
	  .harm = HARM_DATA,
	  .fault = "late-dma-after-reset completed-write-lost-at-reset reset-inflight-torn-write",
	  .run = reset_inflight_io },
	{ .id = "aer-dropped",
	  .rule = "A reset drops outstanding AERs without a CQE, and as many are held again.",
	  .ref = "Base 2.0 Asynchronous Event Request command; Base 2.1 Asynchronous Event Request "
		 "command",
	  .needs = NEED_QUEUES,
	  .fault = "aer-held-over-reset reset-completes-aers",
	  .run = aer_dropped },
	{ .id = "reset-inflight-admin",
	  .rule = "A reset with admin commands in flight: nothing arrives after RDY 0.",
	  .ref = "Base 2.0 Controller Level Reset; Base 2.2 Controller Level Reset",
	  .needs = NEED_QUEUES,
	  .fault = "late-admin-dma-after-reset",
	  .run = reset_inflight_admin },
	{ .id = "nssr",
	  .rule = "An NVM Subsystem Reset resets every property, queue and command, and tells it.",
	  .ref = "Base 2.2 NVM Subsystem Reset; Base 2.2 Offset 20h: NSSR; Base 2.2 Controller "
		 "Level Reset; PCIe Transport 1.0 NVM Subsystem Reset",
	  .needs = NEED_QUEUES | NEED_CONFIG,
	  .na = device_na_nssr,
	  .fault = "nssro-not-set nssr-keeps-aqa nssr-keeps-queues",
	  .run = nssr },
	{ .id = "nssr-peer",
	  .rule = "An NVM Subsystem Reset resets the other controllers of the subsystem as well.",
	  .ref = "Base 2.2 NVM Subsystem Reset; Base 2.2 Controller Level Reset",
	  .needs = NEED_QUEUES | NEED_CONFIG | NEED_PEER,
	  .na = na_nssr_peer,
	  .fault = "nssr-spares-peer",
	  .run = nssr_peer },
};

SUITE(life_reset_suite, CONFORMANCE, "life", cases);
