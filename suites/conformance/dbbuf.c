// SPDX-License-Identifier: GPL-2.0-or-later
/* Shadow doorbells: Doorbell Buffer Config, as a driver in a virtual machine uses it. */
#include <string.h>

#include "base/clock.h"
#include "queue_parts.h"

#define QUEUES	  3u /* the last one is created when the shadow doorbells are in force already */
#define FIRST_LBA 256u
#define STALL_NS  (2 * NS_PER_S)
#define POLL_NS	  (5 * NS_PER_US)

struct shadow {
	struct ctrl *c;
	uint32_t entries; /* no power of two: positions wrap at the queue's own size */
	struct buf *db, *event;
	struct sq *q[QUEUES];
	struct buf *data[QUEUES]; /* a block for each slot */
	unsigned n;
	uint64_t sent, rung; /* commands, and register writes that they took */
};

static const char *no_dbbuf(const struct facts *f)
{
	unsigned oacs = le16_get(f->id.oacs);

	return oacs & NVME_CTRL_OACS_DBBUF_CFG
		       ? NULL
		       : rig_na_text("OACS is %04Xh: bit 8 is 0, no Doorbell Buffer Config", oacs);
}

static uint32_t *entry(const struct shadow *s, struct buf *b, uint16_t qid, bool cq)
{
	return (uint32_t *)(b->data + (2u * qid + cq) * (size_t)s->c->stride);
}

static uint32_t load(const uint32_t *p)
{
	return le32toh(__atomic_load_n(p, __ATOMIC_SEQ_CST));
}

static void store(uint32_t *p, uint32_t v)
{
	__atomic_store_n(p, htole32(v), __ATOMIC_SEQ_CST);
}

/*
 * The host's half: the value goes to the shadow buffer, and to the register only when it passes
 * EventIdx. Modulo the queue's size; exactly what the text asks for and no write more.
 */
static bool must_ring(struct shadow *s, uint16_t qid, bool cq, uint32_t size, uint32_t value)
{
	uint32_t *db = entry(s, s->db, qid, cq), old = load(db), event, beyond, step;

	store(db, value);
	event = load(entry(s, s->event, qid, cq));
	beyond = (value + size - event % size) % size;
	step = (value + size - old) % size;
	return beyond && beyond <= step;
}

static void tell_tail(struct shadow *s, struct sq *q)
{
	q->rung = q->tail;
	if (must_ring(s, q->qid, false, q->size, q->tail)) {
		sq_ring_value(q, q->tail);
		s->rung++;
	}
}

static void tell_head(struct shadow *s, struct cq *q)
{
	if (must_ring(s, q->qid, true, q->size, q->head))
		cq_ring(q);
}

/* The Admin queue has entries too; its registers are written besides, as drivers do. */
static void admin_shadowed(struct rig *r, struct shadow *s, struct cmd cmd)
{
	struct sq *asq = s->c->asq;
	uint16_t cid = rig_put(r, asq, cmd);
	struct cpl cpl;

	store(entry(s, s->db, 0, false), asq->tail);
	rig_ring(r, asq);
	cpl = rig_wait_cid(r, asq, cid);
	store(entry(s, s->db, 0, true), asq->cq->head);
	REQUIRE_STATUS(r, cpl, SC_SUCCESS);
}

/* Nobody says what EventIdx is before the controller writes it: so that the next change rings. */
static void set_positions(struct shadow *s, const struct sq *q)
{
	store(entry(s, s->db, q->qid, false), q->tail);
	store(entry(s, s->event, q->qid, false), q->tail);
	store(entry(s, s->db, q->qid, true), q->cq->head);
	store(entry(s, s->event, q->qid, true), q->cq->head);
}

static void add_queue(struct rig *r, struct shadow *s)
{
	const struct facts_ns *ns = rig_ns(r);
	uint16_t qid = (uint16_t)(s->n + 1);
	struct cq *cq = rig_cq_alloc(r, qid, s->entries);
	struct sq *q = rig_sq_alloc(r, qid, s->entries, cq);

	set_positions(s, q);
	admin_shadowed(r, s, cmd_create_cq(qid, s->entries, cq->mem->iova, false, 0));
	admin_shadowed(r, s, cmd_create_sq(qid, s->entries, q->mem->iova, qid));
	s->data[s->n] = rig_buf(r, (s->entries - 1) * (size_t)ns->lba_bytes);
	s->q[s->n++] = q;
}

static void write_stamped(struct rig *r, struct shadow *s)
{
	const struct facts_ns *ns = rig_ns(r);
	void *data = rig_mem(r, ns->lba_bytes);

	for (unsigned i = 0; i < s->entries - 1; i++) {
		struct cmd c = cmd_write(ns->nsid, FIRST_LBA + i, 1, data, ns->lba_bytes);

		rig_stamp(data, FIRST_LBA + i, 1, ns->lba_bytes, 11);
		rig_io_ok(r, s->q[0], c);
	}
}

/* Two queues that are there when the command comes, in use, and one that is created after it. */
static void shadow_start(struct rig *r, struct shadow *s)
{
	unsigned n = rig_queue_count(r);

	*s = (struct shadow){ .c = rig_ctrl(r), .entries = rig_queue_fit(r, 9) };
	s->db = rig_buf(r, s->c->page);
	s->event = rig_buf(r, s->c->page);
	memset(s->db->data, 0, s->db->len);
	memset(s->event->data, 0, s->event->len);
	add_queue(r, s);
	if (n > 2)
		add_queue(r, s);
	write_stamped(r, s);
	for (unsigned i = 0; i < s->n; i++)
		set_positions(s, s->q[i]);
	admin_shadowed(r, s, cmd_dbbuf(s->db->iova, s->event->iova));
	if (n > 1)
		add_queue(r, s);
}

static unsigned submit(struct rig *r, struct shadow *s, unsigned i)
{
	const struct facts_ns *ns = rig_ns(r);
	unsigned n = 1 + (unsigned)rig_rand_below(r, s->entries - 1);

	memset(s->data[i]->data, 0, s->data[i]->len);
	for (unsigned k = 0; k < n; k++) {
		struct cmd c = cmd_read(ns->nsid, FIRST_LBA + k, 1, NULL, ns->lba_bytes);

		rig_prp(r, &c, s->data[i], k * (size_t)ns->lba_bytes, ns->lba_bytes);
		rig_put(r, s->q[i], c);
		if (rig_rand_below(r, 3) == 0)
			tell_tail(s, s->q[i]);
	}
	tell_tail(s, s->q[i]);
	s->sent += n;
	return n;
}

static void reap(struct rig *r, struct shadow *s, unsigned i, unsigned n)
{
	struct sq *q = s->q[i];
	uint64_t end = rig_now(r) + STALL_NS;
	struct cpl cpl;

	for (unsigned got = 0; got < n;) {
		if (cq_next(q->cq, &cpl)) {
			CHECK_STATUS(r, cpl, SC_SUCCESS);
			tell_head(s, q->cq);
			got++;
			continue;
		}
		REQUIRE_TRUE(r, rig_now(r) < end,
			     "queue %u goes on: %u of %u completions, shadow tail %u, EventIdx %u",
			     q->qid, got, n, q->tail, load(entry(s, s->event, q->qid, false)));
		rig_wait(r, POLL_NS);
	}
	CHECK_STAMP(r, s->data[i]->data, FIRST_LBA, n, rig_ns(r)->lba_bytes, 11);
}

static void io(struct rig *r)
{
	struct shadow s;

	shadow_start(r, &s);
	for (uint64_t left = rig_pick(r, 60, 800, 80000); left; left--) {
		unsigned first = (unsigned)rig_rand_below(r, s.n), n[QUEUES] = { 0 };

		for (unsigned i = first; i < s.n; i++)
			n[i] = submit(r, &s, i);
		for (unsigned i = first; i < s.n; i++)
			reap(r, &s, i, n[i]);
		/* now and then long enough for the controller to stop looking */
		if (rig_rand_below(r, 4) == 0)
			rig_wait(r, rig_rand_below(r, 100 * NS_PER_US));
	}
	rig_note(r, "%llu commands took %llu writes of tail doorbells", (unsigned long long)s.sent,
		 (unsigned long long)s.rung);
	rig_reset(r); /* the buffers are the controller's until then */
}

/* ---- the command's arguments ---- */

static const struct args_row {
	const char *name;
	unsigned shadow, event; /* bytes past the beginning of a page */
} bad_args[] = {
	{ "prp1-4", 4, 0 }, { "prp1-512", 512, 0 }, { "prp2-4", 0, 4 }, { "prp2-512", 0, 512 }
};

static void args(struct rig *r)
{
	const struct args_row *row = rig_row(r);
	struct sq *q = rig_queue(r);
	size_t page = rig_ctrl(r)->page;
	struct buf *db = rig_buf(r, 2 * page), *event = rig_buf(r, 2 * page);
	void *before = memcpy(rig_mem(r, event->len), event->data, event->len);

	CHECK_STATUS(r, rig_admin(r, cmd_dbbuf(db->iova + row->shadow, event->iova + row->event)),
		     SC_INVALID_FIELD);
	for (unsigned i = 0; i < 16; i++)
		CHECK_STATUS(r, rig_io(r, q, cmd_flush(rig_ns(r)->nsid)), SC_SUCCESS);
	CHECK_MEM(r, "the EventIdx buffer that was refused", event->data, before, event->len);
}

/* ---- after a reset ---- */

/* Positions that would be legal ones, were anybody to read them. */
static void fill_with(struct buf *b, uint32_t value)
{
	for (size_t i = 0; i < b->len / sizeof(uint32_t); i++)
		store((uint32_t *)b->data + i, value);
}

static void reset_clears(struct rig *r)
{
	struct shadow s;
	struct sq *q;
	void *before;

	shadow_start(r, &s);
	reap(r, &s, 0, submit(r, &s, 0));
	rig_reset(r);
	fill_with(s.db, 2);
	fill_with(s.event, 3);
	before = memcpy(rig_mem(r, s.event->len), s.event->data, s.event->len);
	q = rig_queue_pair(r, 1, s.entries);
	for (uint64_t n = rig_pick(r, 40, 100, 5000); n; n--)
		CHECK_STATUS(r, rig_io(r, q, cmd_flush(rig_ns(r)->nsid)), SC_SUCCESS);
	rig_wait(r, NS_PER_MS);
	CHECK_TRUE(r, !cq_ready(q->cq), "no completion without a command");
	CHECK_MEM(r, "the EventIdx buffer after a reset", s.event->data, before, s.event->len);
}

/* ---- values that cannot be ---- */

#define AT_WORK 2u

static const struct bad_row {
	const char *name;
	bool head, size;
	uint32_t value; /* unless it is the queue's size */
} bad_values[] = {
	{ "tail-size", false, true, 0 },
	{ "tail-ffffffff", false, false, 0xffffffff },
	{ "head-size", true, true, 0 },
	{ "head-ffffffff", true, false, 0xffffffff },
};

/* Reads rung by register, so that the controller looks at the shadow buffer while they run. */
static void put_awake(struct rig *r, struct shadow *s, unsigned n)
{
	const struct facts_ns *ns = rig_ns(r);
	struct cmd c = cmd_read(ns->nsid, FIRST_LBA, 1, NULL, ns->lba_bytes);

	rig_prp(r, &c, s->data[0], 0, ns->lba_bytes);
	for (uint32_t i = 0; i < s->q[0]->size; i++) { /* also what is not sent is harmless */
		*sq_slot(s->q[0], i) = c.sqe;
		sq_slot(s->q[0], i)->cid = le16_from((uint16_t)(0x700 + i));
	}
	while (n--)
		rig_put(r, s->q[0], c);
	store(entry(s, s->db, 1, false), s->q[0]->tail);
	rig_ring(r, s->q[0]);
}

/*
 * Not by cq_next() before the reset: of what runs on a queue so treated the text leaves much open,
 * so it is advice. That a reset brings everything back is not.
 */
static void bad_shadow(struct rig *r)
{
	const struct bad_row *row = rig_row(r);
	struct shadow s;
	struct cq *cq;

	if (rig_queue_max(r) <= AT_WORK)
		rig_na(r, "CAP.MQES allows %u entries", rig_queue_max(r));
	shadow_start(r, &s);
	cq = s.q[0]->cq;
	put_awake(r, &s, AT_WORK);
	for (unsigned i = 0; i < AT_WORK; i++)
		CHECK_STATUS(r, rig_next(r, cq), SC_SUCCESS);
	store(entry(&s, s.db, 1, true), cq->head);
	cq_ring(cq);
	put_awake(r, &s, AT_WORK);
	store(entry(&s, s.db, 1, row->head), row->size ? s.entries : row->value);
	rig_wait(r, NS_PER_MS);
	ADVISE_EQ(r, "completions of two commands with an impossible shadow doorbell",
		  parts_posted(cq), AT_WORK);
	rig_reset(r);
	for (unsigned i = 0; i < 32; i++)
		CHECK_STATUS(r, parts_read(r, rig_queue(r)), SC_SUCCESS);
}

static const struct rig_case cases[] = {
	{ .id = "io",
	  .rule = "With shadow doorbells in force a register write is needed only to pass "
		  "EventIdx, "
		  "and nothing is lost.",
	  .ref = "Base 2.0 Doorbell Buffer Config command; Base 2.2 Updating Controller Doorbell "
		 "Properties using a Shadow Doorbell Buffer",
	  .needs = NEED_QUEUES,
	  .harm = HARM_DATA,
	  .fault = "dbbuf-eventidx-off-by-one dbbuf-loses-tail dbbuf-new-queue-ignored",
	  .na = no_dbbuf,
	  .run = io },
	{ .id = "args",
	  .rule = "Buffers that do not begin at a page are refused, and registers go on.",
	  .ref = "Base 2.0 Doorbell Buffer Config command; Base 2.1 Doorbell Buffer Config "
		 "command, Command Completion",
	  .needs = NEED_QUEUES,
	  .fault = "dbbuf-offset-masked",
	  .na = no_dbbuf,
	  .run = args,
	  ROWS(bad_args) },
	{ .id = "reset-clears",
	  .rule = "After a Controller Reset the buffers are the host's again and registers are "
		  "enough.",
	  .ref = "Base 2.0 Doorbell Buffer Config command",
	  .needs = NEED_QUEUES,
	  .harm = HARM_DATA,
	  .fault = "dbbuf-survives-reset",
	  .na = no_dbbuf,
	  .run = reset_clears },
	{ .id = "bad-shadow",
	  .rule = "A shadow doorbell that cannot be runs nothing that was not submitted, and a "
		  "reset brings everything back.",
	  .ref = "Base 2.0 Doorbell Buffer Config command; Base 2.2 Queue Usage",
	  .needs = NEED_QUEUES,
	  .harm = HARM_DATA,
	  .fault = "tail-modulo-size cq-head-unchecked",
	  .na = no_dbbuf,
	  .run = bad_shadow,
	  ROWS(bad_values) },
};

SUITE(dbbuf_suite, CONFORMANCE, "dbbuf", cases);
