// SPDX-License-Identifier: GPL-2.0-or-later
/* Interrupts of completion queues: one vector each, one for all, none. */
#include "base/clock.h"
#include "queue_parts.h"

#define SOON_NS	   (2 * NS_PER_S)  /* what must come comes by then */
#define QUIET_NS   (2 * NS_PER_MS) /* what must not come would have come by then */

#define LATE_NS	   (500 * NS_PER_MS) /* what was sent has come by then, on a busy machine too */

#define IRQ_QUEUES 4u
#define SETTLE	   300u /* rounds from one rest to the next */

static bool interrupted(struct rig *r, unsigned vector, uint64_t wait_ns)
{
	struct target *t = rig_target(r);
	int got = t->ops->irq_wait(t, vector, wait_ns ? rig_now(r) + wait_ns : 0);

	if (got < 0)
		rig_broken(r, "waiting for an interrupt: error %d", -got);
	return got;
}

/* vector 0: each queue has that of its own number. */
static void make_irq_queues(struct rig *r, struct sq **q, unsigned n, uint16_t vector)
{
	for (unsigned i = 0; i < n; i++) {
		uint16_t qid = (uint16_t)(i + 1);
		struct cq *cq = rig_cq_alloc(r, qid, rig_queue_fit(r, 8));
		struct cpl cpl;

		if (cq_create(cq, true, vector ? vector : qid, &cpl))
			rig_broken(r, "set-up: CQ %u with vector %u is refused", qid, cq->vector);
		q[i] = parts_sq(r, qid, cq->size, cq);
	}
}

/* Takes what is there; the doorbell is written when something was. */
static unsigned drain(struct rig *r, struct cq *q)
{
	struct cpl cpl;
	unsigned n = 0;

	for (; cq_next(q, &cpl); n++)
		CHECK_STATUS(r, cpl, SC_SUCCESS);
	if (n)
		cq_ring(q);
	return n;
}

/*
 * Until when an interrupt of each vector may still be on its way although its entry was taken with
 * the one before it. Where time is stepped a message is there when it was sent.
 */
struct late {
	uint64_t until[IRQ_QUEUES + 1];
};

/* Of an interrupt that is looked for now; the first look after that time is the last. */
static bool may_be_late(struct rig *r, struct late *l, unsigned vector)
{
	bool may = !rig_target(r)->caps.stepped && l->until[vector];

	if (may && rig_now(r) >= l->until[vector])
		l->until[vector] = 0;
	return may;
}

/*
 * As a driver does it: sleep until the interrupt, take what is there. The first interrupt of a
 * queue that was idle finds an entry; a later one may find that its entry was taken already.
 */
static void check_interrupts(struct rig *r, struct sq *q, unsigned left, struct late *l)
{
	bool first = !may_be_late(r, l, q->cq->vector);

	for (; left; first = false) {
		unsigned n;

		REQUIRE_TRUE(r, interrupted(r, q->cq->vector, SOON_NS),
			     "vector %u fires for %u commands (%s)", q->cq->vector, left,
			     cq_ready(q->cq) ? "a completion waits" : "no completion waits");
		n = drain(r, q->cq);
		CHECK_TRUE(r, n || !first, "the entry is in memory when vector %u fires",
			   q->cq->vector);
		if (n > 1)
			l->until[q->cq->vector] = rig_now(r) + LATE_NS;
		left -= n;
	}
}

static void check_idle_silent(struct rig *r, unsigned n, unsigned busy, struct late *l)
{
	for (unsigned v = 1; v <= n; v++) {
		bool fired = v != busy && interrupted(r, v, 0);

		if (v != busy && !may_be_late(r, l, v))
			CHECK_TRUE(r, !fired, "vector %u of an idle queue is silent", v);
	}
}

/* Nothing is late from now on, so that idle vectors are judged again. */
static void settle(struct rig *r, unsigned n, struct late *l)
{
	if (rig_target(r)->caps.stepped)
		return;
	rig_wait(r, LATE_NS);
	for (unsigned v = 1; v <= n; v++)
		interrupted(r, v, 0);
	*l = (struct late){ { 0 } };
}

/* The controller with interrupts on; I/O queue pairs there are, as many as a case takes. */
static unsigned start_interrupts(struct rig *r)
{
	struct ctrl_config cfg = ctrl_defaults(rig_ctrl_off(r));

	cfg.use_irq = true;
	rig_ctrl_with(r, &cfg);
	return rig_queue_count(r) < IRQ_QUEUES ? rig_queue_count(r) : IRQ_QUEUES;
}

/* As many queues as have a vector of their own. */
static unsigned start_queues(struct rig *r, struct sq **q)
{
	unsigned n = start_interrupts(r), vectors = rig_facts(r)->caps.vectors;

	n = n < vectors ? n : vectors - 1;
	make_irq_queues(r, q, n, 0);
	return n;
}

static void irq_delivery(struct rig *r)
{
	struct sq *q[IRQ_QUEUES];
	unsigned n = start_queues(r, q);
	struct cmd c = parts_any_read(r);
	struct late late = { { 0 } };

	for (uint64_t left = rig_pick(r, 60, 1500, 10000); left; left--) {
		unsigned i = (unsigned)rig_rand_below(r, n);

		if (left % SETTLE == 0)
			settle(r, n, &late);
		unsigned load = left % 4 || q[i]->size < 3 ? 1 : 2;

		for (unsigned k = 0; k < load; k++)
			rig_put(r, q[i], c);
		rig_ring(r, q[i]);
		check_interrupts(r, q[i], load, &late);
		check_idle_silent(r, n, i + 1, &late);
		interrupted(r, i + 1, 0); /* the second of two that met */
	}
}

/* ---- interrupts off ---- */

/* Vector 0 is the Admin queue's: it is silent too while that queue has nothing to do. */
static void check_all_silent(struct rig *r)
{
	for (unsigned v = 0; v < rig_facts(r)->caps.vectors; v++)
		CHECK_TRUE(
			r, !interrupted(r, v, 0),
			"vector %u is silent: the queue with completions has interrupts disabled",
			v);
}

static void irq_disabled(struct rig *r)
{
	struct sq *q;
	struct cmd c;

	start_interrupts(r);
	q = rig_sq_alloc(r, 1, rig_queue_fit(r, 8), rig_cq_alloc(r, 1, rig_queue_fit(r, 8)));
	rig_admin_ok(r, cmd_create_cq(1, q->cq->size, q->cq->mem->iova, false, 1));
	rig_admin_ok(r, cmd_create_sq(1, q->size, q->mem->iova, 1));
	c = parts_any_read(r);
	rig_wait(r, QUIET_NS);
	interrupted(r, 0, 0); /* of the commands just now */
	for (uint64_t n = rig_pick(r, 20, 100, 1000); n; n--) {
		rig_put(r, q, c);
		rig_ring(r, q);
		CHECK_STATUS(r, rig_next(r, q->cq), SC_SUCCESS);
	}
	rig_wait(r, QUIET_NS);
	check_all_silent(r);
}

/* ---- one vector for all ---- */

static unsigned drain_all(struct rig *r, struct sq **q, unsigned n)
{
	unsigned got = 0;

	for (unsigned i = 0; i < n; i++)
		got += drain(r, q[i]->cq);
	return got;
}

/* What is posted after the queues were looked at is told by another interrupt. */
static void check_shared_vector(struct rig *r, struct sq **q, unsigned n, unsigned left)
{
	while (left) {
		REQUIRE_TRUE(r, interrupted(r, 1, SOON_NS),
			     "the shared vector fires: %u commands of %u queues are not completed",
			     left, n);
		left -= drain_all(r, q, n);
	}
	while (interrupted(r, 1, 0))
		CHECK_EQ(r, "completions behind the last", drain_all(r, q, n), 0);
}

static void irq_shared_vector(struct rig *r)
{
	struct sq *q[IRQ_QUEUES];
	unsigned n = start_interrupts(r);
	struct cmd c = parts_any_read(r);

	make_irq_queues(r, q, n, 1);
	for (uint64_t round = rig_pick(r, 30, 300, 5000); round; round--) {
		unsigned all = 0;

		for (unsigned i = 0; i < n; i++) {
			unsigned load = 1 + (unsigned)rig_rand_below(r, q[i]->size - 1);

			for (unsigned k = 0; k < load; k++)
				rig_put(r, q[i], c);
			rig_ring(r, q[i]);
			all += load;
		}
		check_shared_vector(r, q, n, all);
	}
}

static const struct rig_case cases[] = {
	{ .id = "irq-delivery",
	  .rule = "Every completion of an interrupting queue is told by that queue's vector once "
		  "it "
		  "is in memory, and by no other.",
	  .ref = "PCIe Transport 1.0 Interrupts, MSI-X Based Behavior",
	  .needs = NEED_QUEUES | NEED_IRQ,
	  .fault = "irq-before-cqe irq-lost-when-two irq-wrong-vector",
	  .na = parts_na_one_vector,
	  .run = irq_delivery },
	{ .id = "irq-disabled",
	  .rule = "A completion queue with interrupts disabled raises none.",
	  .ref = "Base 2.0 Create I/O Completion Queue command; PCIe Transport 1.0 Queue Model "
		 "Instantiation, Interrupts",
	  .needs = NEED_QUEUES | NEED_IRQ,
	  .fault = "ien-ignored",
	  .na = parts_na_one_vector,
	  .run = irq_disabled },
	{ .id = "irq-shared-vector",
	  .rule = "Every completion of queues that share a vector is told, under load too.",
	  .ref = "PCIe Transport 1.0 Interrupts, MSI-X Based Behavior",
	  .needs = NEED_QUEUES | NEED_IRQ,
	  .fault = "irq-lost-when-two",
	  .na = parts_na_one_vector,
	  .run = irq_shared_vector },
};

SUITE(queue_irq_suite, CONFORMANCE, "queue", cases);
