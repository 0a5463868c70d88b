// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Every queue busy at once, as from as many threads. A target is used by one thread, and what a
 * controller sees of threads is the order in which doorbells come: that order is random here.
 */
#include <inttypes.h>

#include "base/clock.h"
#include "robust_parts.h"

#define LANES_MOST 16u
#define SLOTS	   3u /* commands in flight on each queue */
#define BLOCKS	   16u
#define FIRST_LBA  4096u
#define SOON_NS	   (5 * NS_PER_S)
#define STEP_NS	   (2 * NS_PER_US)
#define NOISE	   8u /* one Admin command in so many steps */

/* One command at a time on blocks of its own: what they hold is known whenever it completes. */
struct slot {
	struct buf *b;
	uint64_t lba, tag; /* of the last Write sent; 0: none yet */
	uint16_t cid;
	bool busy, writing;
	struct cmd put, get; /* built once: PRP lists live as long as the case */
};

struct lane {
	struct sq *q;
	struct slot slot[SLOTS];
};

struct many {
	struct rig *r;
	uint32_t lba_bytes;
	unsigned lanes, blocks, busy;
	uint64_t sent, noise;
	struct lane lane[LANES_MOST];
	struct buf *page; /* that Admin commands fill */
};

static void build(struct many *m, struct slot *s, uint64_t lba)
{
	const struct facts_ns *ns = rig_ns(m->r);
	size_t bytes = m->blocks * (size_t)ns->lba_bytes;

	*s = (struct slot){ .b = rig_buf(m->r, bytes),
			    .lba = lba,
			    .put = cmd_write(ns->nsid, lba, m->blocks, NULL, bytes),
			    .get = cmd_read(ns->nsid, lba, m->blocks, NULL, bytes) };
	rig_prp(m->r, &s->put, s->b, 0, bytes);
	rig_prp(m->r, &s->get, s->b, 0, bytes);
}

static void start(struct rig *r, struct many *m)
{
	const struct facts_ns *ns = rig_ns(r);
	size_t by_mdts = rig_mdts(r) / ns->lba_bytes;
	unsigned all = rig_queue_count(r);

	*m = (struct many){ .r = r,
			    .lba_bytes = ns->lba_bytes,
			    .lanes = all < LANES_MOST ? all : LANES_MOST,
			    .blocks = by_mdts < BLOCKS ? (unsigned)by_mdts : BLOCKS,
			    .page = rig_buf(r, 4096) };
	if (ns->nsze < FIRST_LBA + (uint64_t)m->lanes * SLOTS * BLOCKS)
		rig_na(r, "the scratch namespace has %" PRIu64 " blocks", ns->nsze);
	for (unsigned i = 0; i < m->lanes; i++) {
		m->lane[i].q = rig_queue_pair(r, (uint16_t)(i + 1), rig_queue_fit(r, 5 + i % 3));
		for (unsigned k = 0; k < SLOTS; k++)
			build(m, &m->lane[i].slot[k],
			      FIRST_LBA + (uint64_t)(i * SLOTS + k) * BLOCKS);
	}
}

static void send(struct many *m, struct lane *l, struct slot *s)
{
	if (s->busy || !sq_room(l->q))
		return;
	s->writing = !s->tag || rig_rand_below(m->r, 2);
	if (s->writing)
		rig_stamp(s->b->data, s->lba, m->blocks, m->lba_bytes, ++s->tag);
	else
		buf_poison(s->b, (uint8_t)m->sent);
	s->cid = rig_put(m->r, l->q, s->writing ? s->put : s->get);
	rig_ring(m->r, l->q);
	s->busy = true;
	m->busy++;
	m->sent++;
}

static void finish(struct many *m, struct slot *s, const struct cpl *cpl)
{
	if (!s->busy || s->cid != cpl->cid)
		return;
	s->busy = false;
	m->busy--;
	if (CHECK_STATUS(m->r, *cpl, SC_SUCCESS) && !s->writing)
		CHECK_STAMP(m->r, s->b->data, s->lba, m->blocks, m->lba_bytes, s->tag);
}

static void reap(struct many *m)
{
	struct cpl cpl;

	for (unsigned i = 0; i < m->lanes; i++) {
		struct cq *cq = m->lane[i].q->cq;
		bool any = false;

		for (; cq_next(cq, &cpl); any = true)
			for (unsigned k = 0; k < SLOTS; k++)
				finish(m, &m->lane[i].slot[k], &cpl);
		if (any)
			cq_ring(cq);
	}
}

/* Admin commands in flight meanwhile; their completions are taken as they come. */
static void make_noise(struct many *m)
{
	struct sq *asq = rig_ctrl(m->r)->asq;
	struct cmd c = cmd_identify(NVME_IDENTIFY_CNS_CTRL, 0, NULL);
	struct cpl cpl;

	while (cq_next(asq->cq, &cpl)) {
		CHECK_STATUS(m->r, cpl, SC_SUCCESS);
		cq_ring(asq->cq);
	}
	if (!sq_room(asq))
		return;
	rig_prp(m->r, &c, m->page, 0, m->page->len);
	rig_put(m->r, asq,
		m->noise++ % 2 ? c : cmd_get_features(NVME_FEAT_FID_NUM_QUEUES, 0, 0, 0));
	rig_ring(m->r, asq);
}

static void settle(struct many *m)
{
	struct sq *asq = rig_ctrl(m->r)->asq;
	uint64_t end = rig_now(m->r) + SOON_NS;

	while (m->busy && rig_now(m->r) < end) {
		reap(m);
		rig_wait(m->r, STEP_NS);
	}
	CHECK_EQ(m->r, "I/O commands without a completion", m->busy, 0);
	while (asq->inflight)
		CHECK_STATUS(m->r, rig_next(m->r, asq->cq), SC_SUCCESS);
}

static void multi_thread(struct rig *r)
{
	struct many m;

	start(r, &m);
	for (uint64_t n = rig_pick(r, 800, 4000, 1000000); n; n--) {
		struct lane *l = &m.lane[rig_rand_below(r, m.lanes)];

		send(&m, l, &l->slot[rig_rand_below(r, SLOTS)]);
		if (n % NOISE == 0)
			make_noise(&m);
		if (rig_rand_below(r, 3))
			continue;
		rig_wait(r, rig_rand_below(r, STEP_NS));
		reap(&m);
	}
	settle(&m);
	rig_note(r, "%" PRIu64 " commands on %u queues, %" PRIu64 " Admin commands", m.sent,
		 m.lanes, m.noise);
	robust_check_alive(r);
}

static const struct rig_case cases[] = {
	{ .id = "multi-thread",
	  .rule = "With every queue busy and Admin commands among it no completion is lost and "
		  "every block holds what was written.",
	  .ref = "Base 2.0 Command Ordering Requirements; Base 2.2 Command Ordering Requirements",
	  .needs = NEED_QUEUES,
	  .harm = HARM_DATA,
	  .fault = "last-lba-dropped read-stale-tail busy-loses-completion",
	  .run = multi_thread },
};

SUITE(robust_many_suite, CONFORMANCE, "robust", cases);
