// SPDX-License-Identifier: GPL-2.0-or-later
/* Hostile pointers and resets at any moment. Random commands are in robust_fuzz.c. */
#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "robust_parts.h"

#define PCI_CAP_EXPRESS 0x10
#define DEVCAP_FLR	(1u << 28)

/* ---- the controller's own registers as memory ---- */

#define ANSWER_NS (20 * NS_PER_MS)

static void aim_data(struct rig *r, uint64_t bar)
{
	struct cmd c = cmd_identify(NVME_IDENTIFY_CNS_CTRL, 0, NULL);

	c.sqe.prp1 = le64_from(bar);
	rig_put(r, rig_ctrl(r)->asq, c);
	rig_ring(r, rig_ctrl(r)->asq);
}

/* A Write: entries that a register makes up lead anywhere, and only reading is harmless there. */
static void aim_list(struct rig *r, uint64_t bar)
{
	const struct facts_ns *ns = rig_ns(r);
	size_t len = 4 * rig_ctrl(r)->page;
	struct cmd c = cmd_write(ns->nsid, 0, (uint32_t)(len / ns->lba_bytes), NULL, len);

	c.sqe.prp1 = le64_from(rig_buf(r, rig_ctrl(r)->page)->iova);
	c.sqe.prp2 = le64_from(bar);
	rig_put(r, rig_queue(r), c);
	rig_ring(r, rig_queue(r));
}

static void aim_sq(struct rig *r, uint64_t bar)
{
	uint32_t few = rig_queue_fit(r, 4);
	struct cq *cq = rig_cq_alloc(r, 1, few);
	struct sq *sq = rig_sq_alloc(r, 1, few, cq);

	rig_queue_count(r);
	rig_admin_ok(r, cmd_create_cq(1, few, cq->mem->iova, false, 0));
	if (rig_admin(r, cmd_create_sq(1, few, bar, 1)).status == SC_SUCCESS)
		sq_ring_value(sq, 1);
}

static void aim_cq(struct rig *r, uint64_t bar)
{
	uint32_t few = rig_queue_fit(r, 4);
	struct cq *cq = rig_cq_alloc(r, 1, few);
	struct sq *sq = rig_sq_alloc(r, 1, few, cq);

	rig_queue_count(r);
	if (rig_admin(r, cmd_create_cq(1, few, bar, false, 0)).status != SC_SUCCESS ||
	    rig_admin(r, cmd_create_sq(1, few, sq->mem->iova, 1)).status != SC_SUCCESS)
		return;
	rig_put(r, sq, cmd_flush(rig_ns(r)->nsid));
	rig_ring(r, sq);
}

static const struct aim_row {
	const char *name;
	void (*aim)(struct rig *r, uint64_t bar);
} aims[] = { { "data", aim_data },
	     { "prp-list", aim_list },
	     { "submission-queue", aim_sq },
	     { "completion-queue", aim_cq } };

/* The doorbells, in a page of their own. */
static uint64_t doorbell_page(struct rig *r)
{
	const struct target_caps *caps = &rig_target(r)->caps;
	size_t page = rig_ctrl(r)->page;
	uint64_t at = caps->bar_addr[0] + REG_DOORBELLS;

	if (at % page || REG_DOORBELLS + page > caps->bar_size[0])
		rig_na(r, "BAR0 of %" PRIu64 " bytes holds no page at the doorbells",
		       caps->bar_size[0]);
	return at;
}

/* Any answer will do, CSTS.CFS = 1 too, when a Controller Reset brings everything back. */
static void dma_own_bar(struct rig *r)
{
	const struct aim_row *row = rig_row(r);
	uint64_t bar = doorbell_page(r);

	row->aim(r, bar);
	rig_wait(r, ANSWER_NS);
	robust_check_recovers(r);
}

/* ---- a list that leads back to itself ---- */

#define LOOP_PAGES 6u

enum loop_kind { LOOP_START, LOOP_SLOT, LOOP_TWO };

static const struct loop_row {
	const char *name;
	enum loop_kind kind;
} loops[] = { { "to-its-start", LOOP_START },
	      { "to-its-last-slot", LOOP_SLOT },
	      { "two-pages", LOOP_TWO } };

static const char *mdts_too_small(const struct facts *f)
{
	uint64_t page = 4096ull << CAP_MPSMIN(f->cap);

	return f->mdts_bytes && f->mdts_bytes < LOOP_PAGES * page
		       ? rig_na_text("MDTS allows %llu bytes, fewer than %u pages",
				     (unsigned long long)f->mdts_bytes, LOOP_PAGES)
		       : NULL;
}

/*
 * Two list pages full of good entries but for the last slot, which chains on: to the first slot,
 * where the transfer ends by its length, or to a last slot, where it never would.
 */
static uint64_t looped_list(struct rig *r, enum loop_kind kind, const struct buf *data)
{
	size_t page = rig_ctrl(r)->page, slots = page / sizeof(__le64);
	struct buf *b = rig_buf(r, 2 * page);
	__le64 *slot = (__le64 *)b->data;
	uint64_t last[2] = { b->iova + page - 8, b->iova + 2 * page - 8 };

	for (size_t i = 0; i < 2 * slots; i++)
		slot[i] = le64_from(data->iova + (2 + i % slots % (LOOP_PAGES - 2)) * page);
	slot[slots - 2] = le64_from(data->iova + page);
	slot[slots - 1] = le64_from(kind == LOOP_START	? b->iova
				    : kind == LOOP_SLOT ? last[0]
							: last[1]);
	slot[2 * slots - 1] = le64_from(last[0]);
	return b->iova + page - 16;
}

static void prp_list_loop(struct rig *r)
{
	const struct loop_row *row = rig_row(r);
	const struct facts_ns *ns = rig_ns(r);
	size_t len = LOOP_PAGES * rig_ctrl(r)->page;
	struct cmd c = cmd_read(ns->nsid, 0, (uint32_t)(len / ns->lba_bytes), NULL, len);
	struct buf *data = rig_buf(r, len);
	char text[STATUS_TEXT];
	struct cpl cpl;

	if (ns->nsze < len / ns->lba_bytes)
		rig_na(r, "the scratch namespace has %" PRIu64 " blocks", ns->nsze);
	c.sqe.prp1 = le64_from(data->iova);
	c.sqe.prp2 = le64_from(looped_list(r, row->kind, data));
	rig_put(r, rig_queue(r), c);
	rig_ring(r, rig_queue(r));
	cpl = rig_next(r, rig_queue(r)->cq);
	CHECK_TRUE(r, status_is_legal(cpl.status), "a looped list ends with a defined status: %s",
		   status_text(cpl.status, text));
	robust_check_alive(r);
}

/* ---- resets at random moments ---- */

#define WRITES	  6u
#define FIRST_LBA 1024u
#define FLR_MOST  3u /* each takes 100 ms of everybody's time */

struct storm {
	const struct facts_ns *ns;
	struct sq *q;
	struct buf *out, *in;
	uint8_t *now, *old; /* a block each, to compare with */
	uint64_t tag, old_tag[WRITES];
	bool done[WRITES];
	uint16_t cid[WRITES];
	unsigned queues, resets, shutdowns, flrs;
	bool can_flr;
};

static bool has_flr(struct rig *r)
{
	unsigned at;

	if (!(rig_target(r)->caps.has & NEED_CONFIG) || !rig_target(r)->ops->reset)
		return false;
	at = rig_pci_cap(r, PCI_CAP_EXPRESS);
	return at && (rig_cfg(r, at + 4, 32) & DEVCAP_FLR);
}

/* Not rig_queue_pair(): that a queue cannot be made again is the question here. */
static void storm_queue(struct rig *r, struct storm *s)
{
	uint32_t entries = rig_queue_fit(r, 32);
	struct cq *cq = rig_cq_alloc(r, 1, entries);

	CHECK_EQ(r, "I/O queue pairs allocated after a reset", rig_queue_count(r), s->queues);
	s->q = rig_sq_alloc(r, 1, entries, cq);
	REQUIRE_STATUS(r, rig_admin(r, cmd_create_cq(1, entries, cq->mem->iova, false, 0)),
		       SC_SUCCESS);
	REQUIRE_STATUS(r, rig_admin(r, cmd_create_sq(1, entries, s->q->mem->iova, 1)), SC_SUCCESS);
}

static void storm_prepare(struct rig *r, struct storm *s)
{
	uint32_t bytes;

	*s = (struct storm){ .ns = rig_ns(r), .queues = rig_queue_count(r), .can_flr = has_flr(r) };
	if (s->ns->nsze < FIRST_LBA + WRITES)
		rig_na(r, "the scratch namespace has %" PRIu64 " blocks", s->ns->nsze);
	if (rig_queue_max(r) <= 2 * WRITES)
		rig_na(r, "CAP.MQES allows %u entries: no load to speak of", rig_queue_max(r));
	bytes = s->ns->lba_bytes;
	s->out = rig_buf(r, WRITES * (size_t)bytes);
	s->in = rig_buf(r, WRITES * (size_t)bytes);
	s->now = rig_mem(r, bytes);
	s->old = rig_mem(r, bytes);
	storm_queue(r, s);
	for (unsigned i = 0; i < WRITES; i++) {
		rig_stamp(s->old, FIRST_LBA + i, 1, bytes, 0);
		rig_io_ok(r, s->q, cmd_write(s->ns->nsid, FIRST_LBA + i, 1, s->old, bytes));
	}
}

/* Single blocks: each is the old one or the new one, and the new one once it was completed. */
static void storm_check(struct rig *r, struct storm *s)
{
	uint32_t bytes = s->ns->lba_bytes;

	for (unsigned i = 0; i < WRITES; i++) {
		struct cmd c = cmd_read(s->ns->nsid, FIRST_LBA + i, 1, s->now, bytes);

		REQUIRE_STATUS(r, rig_io(r, s->q, c), SC_SUCCESS);
		rig_stamp(s->old, FIRST_LBA + i, 1, bytes, s->old_tag[i]);
		if (!s->done[i] && !memcmp(s->now, s->old, bytes))
			continue;
		CHECK_STAMP(r, s->now, FIRST_LBA + i, 1, bytes, s->tag);
		s->old_tag[i] = s->tag;
	}
}

/* Reads, Writes, an event request, an Abort and a queue being created, all under way at once. */
static void storm_load(struct rig *r, struct storm *s)
{
	struct sq *asq = rig_ctrl(r)->asq;
	uint32_t bytes = s->ns->lba_bytes;

	rig_stamp(s->out->data, FIRST_LBA, WRITES, bytes, ++s->tag);
	for (unsigned i = 0; i < WRITES; i++) {
		struct cmd w = cmd_write(s->ns->nsid, FIRST_LBA + i, 1, NULL, bytes);
		struct cmd rd = cmd_read(s->ns->nsid, i, 1, NULL, bytes);

		s->done[i] = false;
		rig_prp(r, &w, s->out, i * (size_t)bytes, bytes);
		rig_prp(r, &rd, s->in, i * (size_t)bytes, bytes);
		s->cid[i] = rig_put(r, s->q, w);
		rig_put(r, s->q, rd);
	}
	rig_ring(r, s->q);
	rig_put(r, asq, cmd_aer());
	rig_put(r, asq, cmd_abort(1, s->cid[0]));
	if (s->queues > 1)
		rig_put(r, asq, cmd_create_cq(2, 2, rig_cq_alloc(r, 2, 2)->mem->iova, false, 0));
	rig_ring(r, asq);
}

static void storm_reap(struct storm *s)
{
	struct cpl cpl;

	while (cq_next(s->q->cq, &cpl))
		for (unsigned i = 0; i < WRITES; i++)
			if (s->cid[i] == cpl.cid)
				s->done[i] = cpl.status == SC_SUCCESS;
}

/* What is reaped before the reset counts as completed; what comes after it may be either. */
static void storm_strike(struct rig *r, struct storm *s)
{
	unsigned kind = (unsigned)rig_rand_below(r, 8);

	if (kind <= 1) {
		s->shutdowns++;
		REQUIRE_TRUE(r, !ctrl_shutdown(rig_ctrl(r), 1, 0, NULL),
			     "a normal shutdown under load completes");
	}
	storm_reap(s);
	s->resets++;
	if (kind == 2 && s->can_flr && s->flrs < FLR_MOST) {
		s->flrs++;
		rig_flr(r);
	} else {
		rig_reset(r);
	}
}

static void reset_storm(struct rig *r)
{
	struct storm s;

	storm_prepare(r, &s);
	for (uint64_t n = rig_pick(r, 24, 60, 1000); n; n--) {
		storm_load(r, &s);
		rig_wait(r, rig_rand_below(r, 40 * NS_PER_US));
		storm_strike(r, &s);
		robust_check_alive(r);
		storm_queue(r, &s);
		storm_check(r, &s);
	}
	rig_note(r, "%u resets, %u of them after a shutdown, %u after a Function Level Reset",
		 s.resets, s.shutdowns, s.flrs);
}

static const struct rig_case cases[] = {
	{ .id = "dma-own-bar",
	  .rule = "Addresses that lead to the controller's own registers end in an error or in "
		  "CSTS.CFS, and a reset brings everything back.",
	  .ref = "Base 2.0 Controller Memory Buffer; Base 2.2 Memory Error Handling, Controller "
		 "Fatal "
		 "Status Condition",
	  .needs = NEED_QUEUES | NEED_OWN_BAR,
	  .harm = HARM_DATA,
	  .fault = "dma-own-bar-hangs",
	  .run = dma_own_bar,
	  ROWS(aims) },
	{ .id = "prp-list-loop",
	  .rule = "A PRP list that leads back to itself ends by the transfer's length or with an "
		  "error.",
	  .ref = "Base 2.0 Physical Region Page Entry and List; Base 2.2 Physical Region Page "
		 "Entry "
		 "and List",
	  .needs = NEED_QUEUES,
	  .fault = "prp-loop-forever",
	  .na = mdts_too_small,
	  .run = prp_list_loop,
	  ROWS(loops) },
	{ .id = "reset-storm",
	  .rule = "Resets and shutdowns at any moment under load lose no queue, no completed "
		  "Write, "
		  "and tear no block.",
	  .ref = "Base 2.0 Controller Level Reset; Base 2.2 Controller Level Reset",
	  .needs = NEED_QUEUES,
	  .harm = HARM_DATA,
	  .fault = "reset-leaks-queues reset-inflight-torn-write completed-write-lost-at-reset",
	  .run = reset_storm },
};

SUITE(robust_suite, CONFORMANCE, "robust", cases);
