// SPDX-License-Identifier: GPL-2.0-or-later
/* Memory that is not there, that two queues share, or that is rewritten while it is read. */
#include <inttypes.h>
#include <pthread.h>
#include <string.h>

#include "base/clock.h"
#include "robust_parts.h"

#define ANSWER_NS (20 * NS_PER_MS)

static uint32_t few(struct rig *r)
{
	return rig_queue_fit(r, 4);
}

/* ---- addresses that lead nowhere ---- */

/* The answer, if there is one: a defined status, and no success where data had to be fetched. */
static void look_at_answer(struct rig *r, struct sq *q, struct cmd c, bool fetches)
{
	char text[STATUS_TEXT];
	struct cpl cpl;

	rig_put(r, q, c);
	rig_ring(r, q);
	if (!rig_try(r, q->cq, &cpl, ANSWER_NS)) {
		rig_note(r, "no completion; CSTS is %08" PRIX32 "h", rig_reg32(r, REG_CSTS));
		return;
	}
	CHECK_TRUE(r, status_is_legal(cpl.status), "status %s is a defined one",
		   status_text(cpl.status, text));
	ADVISE_TRUE(r, !fetches || cpl.status != SC_SUCCESS,
		    "what cannot be fetched is no success: %s", status_text(cpl.status, text));
}

static void aim_identify(struct rig *r, uint64_t at)
{
	struct cmd c = cmd_identify(NVME_IDENTIFY_CNS_CTRL, 0, NULL);

	c.sqe.prp1 = le64_from(at);
	look_at_answer(r, rig_ctrl(r)->asq, c, false);
}

static void aim_read(struct rig *r, uint64_t at)
{
	const struct facts_ns *ns = rig_ns(r);
	struct cmd c = cmd_read(ns->nsid, 0, 1, NULL, ns->lba_bytes);

	c.sqe.prp1 = le64_from(at);
	look_at_answer(r, rig_queue(r), c, false);
}

static void aim_write(struct rig *r, uint64_t at)
{
	const struct facts_ns *ns = rig_ns(r);
	struct cmd c = cmd_write(ns->nsid, 0, 1, NULL, ns->lba_bytes);

	c.sqe.prp1 = le64_from(at);
	look_at_answer(r, rig_queue(r), c, true);
}

static void aim_list(struct rig *r, uint64_t at)
{
	const struct facts_ns *ns = rig_ns(r);
	size_t len = 4 * rig_ctrl(r)->page;
	struct cmd c = cmd_read(ns->nsid, 0, (uint32_t)(len / ns->lba_bytes), NULL, len);

	c.sqe.prp1 = le64_from(rig_buf(r, rig_ctrl(r)->page)->iova);
	c.sqe.prp2 = le64_from(at);
	look_at_answer(r, rig_queue(r), c, true);
}

static void aim_cq(struct rig *r, uint64_t at)
{
	struct cq *cq = rig_cq_alloc(r, 1, few(r));
	struct sq *sq = rig_sq_alloc(r, 1, few(r), cq);

	rig_queue_count(r);
	if (rig_admin(r, cmd_create_cq(1, few(r), at, false, 0)).status == SC_SUCCESS &&
	    rig_admin(r, cmd_create_sq(1, few(r), sq->mem->iova, 1)).status == SC_SUCCESS)
		look_at_answer(r, sq, cmd_flush(rig_ns(r)->nsid), false);
}

static void aim_sq(struct rig *r, uint64_t at)
{
	struct cq *cq = rig_cq_alloc(r, 1, few(r));
	struct sq *sq = rig_sq_alloc(r, 1, few(r), cq);

	rig_queue_count(r);
	rig_admin_ok(r, cmd_create_cq(1, few(r), cq->mem->iova, false, 0));
	if (rig_admin(r, cmd_create_sq(1, few(r), at, 1)).status != SC_SUCCESS)
		return;
	sq_ring_value(sq, 1);
	rig_wait(r, ANSWER_NS);
	ADVISE_TRUE(r, !cq_ready(cq), "nothing runs that could not be fetched");
}

#define BIT_52 (1ull << 52)
#define BIT_63 (1ull << 63)

/* `at` counts from 2^64 down in pages when it is small. */
static const struct extreme_row {
	const char *name;
	void (*aim)(struct rig *r, uint64_t at);
	uint64_t at;
} extremes[] = {
	{ "identify-bit-52", aim_identify, BIT_52 },
	{ "identify-bit-63", aim_identify, BIT_63 },
	{ "identify-last-page", aim_identify, 1 },
	{ "read-bit-52", aim_read, BIT_52 },
	{ "read-bit-63", aim_read, BIT_63 },
	{ "read-last-page", aim_read, 1 },
	{ "write-bit-52", aim_write, BIT_52 },
	{ "write-bit-63", aim_write, BIT_63 },
	{ "write-last-page", aim_write, 1 },
	{ "list-bit-52", aim_list, BIT_52 },
	{ "list-bit-63", aim_list, BIT_63 },
	{ "list-last-page", aim_list, 1 },
	{ "cq-bit-52", aim_cq, BIT_52 },
	{ "cq-bit-63", aim_cq, BIT_63 },
	{ "cq-last-page", aim_cq, 1 },
	{ "sq-bit-52", aim_sq, BIT_52 },
	{ "sq-bit-63", aim_sq, BIT_63 },
	{ "sq-last-page", aim_sq, 1 },
};

static void address_extremes(struct rig *r)
{
	const struct extreme_row *row = rig_row(r);
	size_t page = rig_ctrl(r)->page;

	row->aim(r, row->at == 1 ? 0 - (uint64_t)page : row->at);
	robust_check_recovers(r);
}

/* ---- a completion queue without memory ---- */

static void cq_unmapped(struct rig *r)
{
	struct cq *cq = rig_cq_alloc(r, 1, few(r));
	struct sq *sq = rig_sq_alloc(r, 1, few(r), cq);
	struct cpl made;

	rig_queue_count(r);
	made = rig_admin(r, cmd_create_cq(1, few(r), rig_target(r)->caps.hole, false, 0));
	if (made.status == SC_SUCCESS) {
		rig_admin_ok(r, cmd_create_sq(1, few(r), sq->mem->iova, 1));
		rig_put(r, sq, cmd_flush(rig_ns(r)->nsid));
		rig_ring(r, sq);
		rig_wait(r, ANSWER_NS);
	}
	if (!(rig_reg32(r, REG_CSTS) & CSTS_CFS))
		robust_check_alive(r); /* the queue stalls, and it alone */
	robust_check_recovers(r);
}

/* ---- two queues in one place ---- */

#define RUNG 3u

struct place {
	struct buf *b;
	uint32_t entries;
	struct sq *q[2]; /* for their doorbells: their own memory is not used */
	struct cq *cq[2];
};

/* Flushes; whatever is written over them is read as a Flush too, its first byte being 0. */
static void fill_place(struct rig *r, struct place *p)
{
	struct sqe e = cmd_flush(rig_ns(r)->nsid).sqe;

	*p = (struct place){ .b = rig_buf(r, rig_ctrl(r)->page), .entries = rig_queue_fit(r, 8) };
	rig_queue_count(r);
	memset(p->b->data, 0, p->b->len);
	for (uint32_t i = 0; i < p->entries; i++) {
		e.cid = le16_from((uint16_t)i);
		memcpy(p->b->data + i * sizeof(e), &e, sizeof(e));
	}
	for (unsigned i = 0; i < 2; i++) {
		p->cq[i] = rig_cq_alloc(r, (uint16_t)(i + 1), p->entries);
		p->q[i] = rig_sq_alloc(r, (uint16_t)(i + 1), p->entries, p->cq[i]);
	}
}

/* Any answer will do; a queue that was refused is not rung. */
static void make_and_ring(struct rig *r, struct place *p, unsigned i, uint64_t cq, uint64_t sq)
{
	uint16_t qid = (uint16_t)(i + 1);
	uint32_t n = p->entries;

	if (rig_admin(r, cmd_create_cq(qid, n, cq, false, 0)).status != SC_SUCCESS ||
	    rig_admin(r, cmd_create_sq(qid, n, sq, qid)).status != SC_SUCCESS)
		rig_note(r, "queue pair %u was refused", qid);
	else
		sq_ring_value(p->q[i], p->entries > RUNG ? RUNG : 1);
}

static void overlap_cq_sq(struct rig *r, struct place *p)
{
	make_and_ring(r, p, 0, p->b->iova, p->b->iova);
}

static void overlap_two_sqs(struct rig *r, struct place *p)
{
	for (unsigned i = 0; i < 2; i++)
		make_and_ring(r, p, i, p->cq[i]->mem->iova, p->b->iova);
}

static void overlap_two_cqs(struct rig *r, struct place *p)
{
	for (unsigned i = 0; i < 2; i++) {
		memcpy(p->q[i]->mem->data, p->b->data, p->entries * sizeof(struct sqe));
		make_and_ring(r, p, i, p->b->iova, p->q[i]->mem->iova);
	}
}

/* A Read of zeroes over the queue that it came from. */
static void overlap_data(struct rig *r, struct place *p)
{
	const struct facts_ns *ns = rig_ns(r);
	struct cmd c = cmd_read(ns->nsid, 0, 1, NULL, ns->lba_bytes);

	rig_io_ok(r, rig_queue(r),
		  cmd_write(ns->nsid, 0, 1, rig_mem(r, ns->lba_bytes), ns->lba_bytes));
	rig_reset(r);
	fill_place(r, p);
	rig_prp(r, &c, p->b, 0, ns->lba_bytes);
	memcpy(p->b->data, &c.sqe, sizeof(c.sqe));
	make_and_ring(r, p, 0, p->cq[0]->mem->iova, p->b->iova);
}

static const struct overlap_row {
	const char *name;
	void (*overlap)(struct rig *r, struct place *p);
	unsigned pairs;
} overlaps[] = { { "cq-over-its-sq", overlap_cq_sq, 1 },
		 { "two-sqs", overlap_two_sqs, 2 },
		 { "two-cqs", overlap_two_cqs, 2 },
		 { "data-over-its-sq", overlap_data, 1 } };

static void queue_overlap(struct rig *r)
{
	const struct overlap_row *row = rig_row(r);
	struct place p;

	if (rig_queue_count(r) < row->pairs)
		rig_na(r, "%u I/O queue pairs are allocated", rig_queue_count(r));
	fill_place(r, &p);
	row->overlap(r, &p);
	rig_wait(r, ANSWER_NS);
	robust_check_recovers(r);
}

/* ---- a list rewritten while it is read ---- */

#define RACE_PAGES 4u

struct racer {
	pthread_t thread;
	uint64_t *slot, good, bad;
	bool stop;
};

static void *race(void *arg)
{
	struct racer *w = arg;

	while (!__atomic_load_n(&w->stop, __ATOMIC_RELAXED)) {
		__atomic_store_n(w->slot, w->bad, __ATOMIC_RELAXED);
		__atomic_store_n(w->slot, w->good, __ATOMIC_RELAXED);
	}
	return NULL;
}

static void race_stop(void *arg)
{
	struct racer *w = arg;

	__atomic_store_n(&w->stop, true, __ATOMIC_RELAXED);
	pthread_join(w->thread, NULL);
}

/* The last entry is a page or the middle of it, from where a whole page would leave the buffer. */
static void race_start(struct rig *r, const struct buf *data, struct buf *list)
{
	struct racer *w = rig_mem(r, sizeof(*w));
	size_t page = rig_ctrl(r)->page;
	__le64 *slot = (__le64 *)list->data;

	for (unsigned i = 1; i < RACE_PAGES; i++)
		slot[i - 1] = le64_from(data->iova + i * page);
	w->slot = (uint64_t *)list->data + RACE_PAGES - 2;
	w->good = *w->slot;
	w->bad = htole64(data->iova + (RACE_PAGES - 1) * page + page / 2);
	if (pthread_create(&w->thread, NULL, race, w))
		rig_broken(r, "no thread to rewrite the list with");
	rig_defer(r, race_stop, w);
}

static const char *mdts_too_small(const struct facts *f)
{
	uint64_t least = RACE_PAGES * (4096ull << CAP_MPSMIN(f->cap));

	return f->mdts_bytes && f->mdts_bytes < least
		       ? rig_na_text("MDTS allows %" PRIu64 " bytes, fewer than %u pages",
				     f->mdts_bytes, RACE_PAGES)
		       : NULL;
}

static void list_changed_late(struct rig *r)
{
	const struct facts_ns *ns = rig_ns(r);
	size_t len = RACE_PAGES * rig_ctrl(r)->page;
	struct cmd c = cmd_read(ns->nsid, 0, (uint32_t)(len / ns->lba_bytes), NULL, len);
	struct buf *data = rig_buf(r, len), *list = rig_buf(r, rig_ctrl(r)->page);
	struct sq *q = rig_queue(r);
	unsigned refused = 0, n = (unsigned)rig_pick(r, 60, 200, 20000);

	race_start(r, data, list);
	c.sqe.prp1 = le64_from(data->iova);
	c.sqe.prp2 = le64_from(list->iova);
	for (unsigned i = 0; i < n; i++) {
		struct cpl cpl = rig_io(r, q, c);

		CHECK_STATUS(r, cpl, SC_SUCCESS, SC_PRP_OFFSET_INVALID, SC_INVALID_FIELD);
		refused += cpl.status != SC_SUCCESS;
	}
	CHECK_TRUE(r, buf_broken(data) == BUF_INTACT, "nothing is written outside the pages named");
	rig_note(r, "%u of %u Reads met the bad entry", refused, n);
	robust_check_alive(r);
}

static const struct rig_case cases[] = {
	{ .id = "address-extremes",
	  .rule = "Addresses beyond all memory end in an error or in CSTS.CFS, and a reset brings "
		  "everything back.",
	  .ref = "Base 2.2 Memory Error Handling, Controller Fatal Status Condition",
	  .needs = NEED_QUEUES,
	  .harm = HARM_DATA,
	  .fault = "dma-bit-63-wedges cq-fault-wedges",
	  .run = address_extremes,
	  ROWS(extremes) },
	{ .id = "cq-unmapped",
	  .rule = "A completion queue that cannot be written to stalls or ends in CSTS.CFS, and a "
		  "reset brings everything back.",
	  .ref = "Base 2.0 Controller Fatal Status Condition; Base 2.2 Controller Fatal Status "
		 "Condition",
	  .needs = NEED_QUEUES | NEED_HOLE,
	  .fault = "cq-fault-wedges",
	  .run = cq_unmapped },
	{ .id = "queue-overlap",
	  .rule = "Queues over each other or over data may do anything but leave their memory or "
		  "outlast a reset.",
	  .ref = "Base 2.0 Queue Setup and Initialization",
	  .needs = NEED_QUEUES,
	  .harm = HARM_DATA,
	  .fault = "queue-overlap-wedges",
	  .run = queue_overlap,
	  ROWS(overlaps) },
	{ .id = "list-changed-late",
	  .rule = "A PRP entry that changes while it is used counts as one of its values, and no "
		  "byte goes elsewhere.",
	  .ref = "Base 2.0 Physical Region Page Entry and List; Base 2.2 Queue Usage",
	  .needs = NEED_QUEUES,
	  .fault = "list-read-twice",
	  .na = mdts_too_small,
	  .run = list_changed_late },
};

SUITE(robust_memory_suite, CONFORMANCE, "robust", cases);
