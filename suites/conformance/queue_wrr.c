// SPDX-License-Identifier: GPL-2.0-or-later
/* Arbitration: priorities of submission queues, where they count and where they do not. */
#include "queue_parts.h"

#define FID_ARBITRATION 0x01
#define AMS_ROUND_ROBIN 0u
#define AMS_WEIGHTED	1u
#define QPRIO(v)	((uint32_t)(v) << 1) /* Create I/O Submission Queue, CDW11 */
#define HIGH_WEIGHT	8u
#define MEDIUM_WEIGHT	4u
#define LOW_WEIGHT	2u
#define ENTRIES		64u

enum { URGENT, HIGH, MEDIUM, LOW, CLASSES };

static const char *const class_names[CLASSES] = { "urgent", "high", "medium", "low" };

struct load {
	struct sq *q[CLASSES]; /* NULL: no queue of that class */
	unsigned done[CLASSES];
	bool short_of_work; /* some queue had nothing unfetched when its completion came */
};

static const char *na_few_queues(const struct facts *f)
{
	return f->nsq < 2 || f->ncq < 2 ? "one I/O queue pair: there is nothing to choose from"
					: NULL;
}

static void start(struct rig *r, unsigned ams)
{
	struct ctrl_config cfg = ctrl_defaults(rig_ctrl_off(r));
	const struct facts *f = rig_facts(r);

	if (ams == AMS_WEIGHTED && !(CAP_AMS(f->cap) & 1))
		rig_na(r, "CAP.AMS bit 0 is 0: no weighted round robin");
	if (ams == AMS_WEIGHTED && (f->nsq < CLASSES || f->ncq < CLASSES))
		rig_na(r, "fewer than four I/O queue pairs");
	cfg.ams = ams;
	rig_ctrl_with(r, &cfg);
	rig_queue_count(r);
}

static struct cpl set_arbitration(struct rig *r, uint32_t value)
{
	rig_keep_feature(r, FID_ARBITRATION, 0, 0);
	return rig_admin(r, cmd_set_features(FID_ARBITRATION, false, 0, value));
}

/* One command from each queue a round, so that rounds show; weights as they are 0's based. */
static void set_weights(struct rig *r)
{
	char text[STATUS_TEXT];
	struct cpl cpl = set_arbitration(r, (HIGH_WEIGHT - 1) << 24 | (MEDIUM_WEIGHT - 1) << 16 |
						    (LOW_WEIGHT - 1) << 8);

	if (cpl.status != SC_SUCCESS)
		rig_na(r, "the weights cannot be set: %s", status_text(cpl.status, text));
}

static struct cpl create(struct rig *r, struct sq *q, unsigned class)
{
	struct cmd c = cmd_create_sq(q->qid, q->size, sq_address(q), q->cq->qid);

	c.sqe.cdw11 = le32_from(le32_get(c.sqe.cdw11) | QPRIO(class));
	return rig_admin(r, c);
}

/* A pair of its own for the class; it must be created whatever the class. */
static struct sq *queue_of(struct rig *r, uint16_t qid, unsigned class)
{
	uint32_t entries = rig_queue_fit(r, ENTRIES);
	struct sq *q = rig_sq_alloc(r, qid, entries, parts_cq(r, qid, entries));
	char what[64];
	struct cpl cpl = create(r, q, class);

	snprintf(what, sizeof(what), "Create I/O Submission Queue, QPRIO %u (%s): status", class,
		 class_names[class]);
	CHECK_STATUS_OF(r, what, cpl, SC_SUCCESS);
	if (cpl.status != SC_SUCCESS)
		rig_fail(r, "no queue of priority %s", class_names[class]);
	return q;
}

/* ---- saturation ---- */

static void top_up(struct rig *r, struct sq *q, const struct cmd *c)
{
	while (sq_room(q))
		rig_put(r, q, *c);
	rig_ring(r, q);
}

/* Takes what the queue's completion queue has; every queue is full again afterwards. */
static unsigned collect(struct rig *r, struct load *l, unsigned class, const struct cmd *c)
{
	struct sq *q = l->q[class];
	struct cpl cpl;
	unsigned n = 0;

	while (cq_next(q->cq, &cpl)) {
		CHECK_STATUS(r, cpl, SC_SUCCESS);
		l->short_of_work |= q->head == q->rung;
		n++;
	}
	if (n) {
		cq_ring(q->cq);
		top_up(r, q, c);
	}
	l->done[class] += n;
	return n;
}

/* Keeps every queue full until `total` commands of them all are done. */
static void saturate(struct rig *r, struct load *l, unsigned total)
{
	struct cmd c = parts_any_read(r);
	uint64_t end = rig_now(r) + l->q[LOW]->c->io_timeout_ns;
	unsigned done = 0;

	for (unsigned i = 0; i < CLASSES; i++)
		if (l->q[i])
			top_up(r, l->q[i], &c);
	while (done < total) {
		unsigned n = 0;

		for (unsigned i = 0; i < CLASSES; i++)
			n += l->q[i] ? collect(r, l, i, &c) : 0;
		if (n)
			end = rig_now(r) + l->q[LOW]->c->io_timeout_ns;
		else if (rig_now(r) > end)
			rig_fail(r, "no completion of %u saturated queues", CLASSES);
		else
			rig_wait(r, 2000);
		done += n;
	}
	rig_note(r, "completed: urgent %u, high %u, medium %u, low %u%s", l->done[URGENT],
		 l->done[HIGH], l->done[MEDIUM], l->done[LOW],
		 l->short_of_work ? " (the queues ran dry in between: too fast for this host)"
				  : "");
}

/* What is in flight completes, whatever its class. */
static void drain(struct rig *r, struct load *l)
{
	for (unsigned i = 0; i < CLASSES; i++)
		while (l->q[i] && l->q[i]->inflight)
			CHECK_STATUS(r, rig_next(r, l->q[i]->cq), SC_SUCCESS);
}

/* ---- weighted ---- */

static void weights(struct rig *r)
{
	struct load l = { .q = { NULL } };

	for (unsigned class = HIGH; class <= LOW; class ++)
		l.q[class] = queue_of(r, (uint16_t) class, class);
	set_weights(r);
	saturate(r, &l, (unsigned)rig_pick(r, 700, 2800, 28000));
	for (unsigned class = HIGH; class <= LOW; class ++)
		CHECK_TRUE(r, l.done[class], "priority %s is served", class_names[class]);
	if (!l.short_of_work) {
		CHECK_TRUE(r, 2 * l.done[HIGH] >= l.done[LOW],
			   "weight %u is not served half as often as weight %u: %u, %u",
			   HIGH_WEIGHT, LOW_WEIGHT, l.done[HIGH], l.done[LOW]);
		ADVISE_TRUE(r,
			    l.done[HIGH] > l.done[MEDIUM] && l.done[MEDIUM] > l.done[LOW] &&
				    l.done[HIGH] < 12 * l.done[LOW],
			    "shares follow the weights 8, 4, 2: %u, %u, %u", l.done[HIGH],
			    l.done[MEDIUM], l.done[LOW]);
	}
	drain(r, &l);
}

/* Urgent commands are there first; of those, none waits for one of low priority. */
static void urgent(struct rig *r)
{
	struct load l = { .q = { NULL } };
	struct cmd c = parts_any_read(r);
	uint64_t rank[CLASSES] = { 0 };
	unsigned seen = 0, all;

	l.q[LOW] = queue_of(r, LOW, LOW);
	l.q[URGENT] = queue_of(r, HIGH, URGENT);
	top_up(r, l.q[URGENT], &c);
	top_up(r, l.q[LOW], &c);
	for (all = l.q[URGENT]->inflight; l.q[URGENT]->inflight || l.q[LOW]->inflight;) {
		for (unsigned i = 0; i < CLASSES; i += LOW) {
			struct cpl cpl;

			if (!l.q[i]->inflight || !rig_try(r, l.q[i]->cq, &cpl, 0))
				continue;
			CHECK_STATUS(r, cpl, SC_SUCCESS);
			rank[i] += seen++;
		}
		rig_wait(r, 1000);
	}
	rig_note(r, "mean place of completion: urgent %u, low %u of %u",
		 (unsigned)(rank[URGENT] / all), (unsigned)(rank[LOW] / all), seen);
	CHECK_TRUE(r, rank[URGENT] <= rank[LOW],
		   "urgent commands, which came first, are done first: sums of places %u, %u",
		   (unsigned)rank[URGENT], (unsigned)rank[LOW]);
}

/* None but urgent work: the others wait, and are served when it ends. */
static void all_classes(struct rig *r)
{
	struct load l = { .q = { NULL } };

	for (unsigned class = URGENT; class <= LOW; class ++)
		l.q[class] = queue_of(r, (uint16_t)(class + 1), class);
	set_weights(r);
	saturate(r, &l, (unsigned)rig_pick(r, 400, 1000, 10000));
	drain(r, &l);
	for (unsigned class = URGENT; class <= LOW; class ++)
		CHECK_STATUS_OF(r, class_names[class], parts_read(r, l.q[class]), SC_SUCCESS);
}

/* Each field of the feature holds what is set, at both ends. */
static void weight_values(struct rig *r)
{
	static const uint32_t values[] = { 0,	       0x07,	   0xff00,     0xff0000,
					   0xff000000, 0xffffff07, 0x80400100, 0x01020304 };

	rig_keep_feature(r, FID_ARBITRATION, 0, 0);
	for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
		rig_admin_ok(r, cmd_set_features(FID_ARBITRATION, false, 0, values[i]));
		CHECK_EQ(r, "Arbitration (weights and burst)",
			 rig_admin_ok(r, cmd_get_features(FID_ARBITRATION, 0, 0, 0)).dw0,
			 values[i]);
	}
}

/* ---- round robin: priorities say nothing ---- */

static void ignored(struct rig *r, unsigned one, unsigned other)
{
	struct load l = { .q = { NULL } };

	l.q[URGENT] = queue_of(r, 1, one);
	l.q[LOW] = queue_of(r, 2, other);
	if (set_arbitration(r, 0).status != SC_SUCCESS)
		rig_note(r, "the arbitration burst cannot be set: it stays what it is");
	saturate(r, &l, (unsigned)rig_pick(r, 1000, 4000, 40000));
	CHECK_TRUE(r, l.short_of_work || 8 * l.done[LOW] >= l.done[URGENT],
		   "with round robin QPRIO %u is served as QPRIO %u is: %u, %u", other, one,
		   l.done[LOW], l.done[URGENT]);
	drain(r, &l);
}

static void ignored_ends(struct rig *r)
{
	ignored(r, URGENT, LOW);
}

static void ignored_middle(struct rig *r)
{
	ignored(r, HIGH, MEDIUM);
}

static const struct wrr_row {
	const char *name;
	unsigned ams;
	void (*run)(struct rig *r);
} rows[] = {
	{ "weights", AMS_WEIGHTED, weights },
	{ "urgent-first", AMS_WEIGHTED, urgent },
	{ "every-class", AMS_WEIGHTED, all_classes },
	{ "weight-values", AMS_WEIGHTED, weight_values },
	{ "round-robin-urgent-low", AMS_ROUND_ROBIN, ignored_ends },
	{ "round-robin-high-medium", AMS_ROUND_ROBIN, ignored_middle },
};

static void wrr(struct rig *r)
{
	const struct wrr_row *row = rig_row(r);

	start(r, row->ams);
	row->run(r);
}

static const struct rig_case cases[] = {
	{ .id = "wrr",
	  .rule = "Under weighted round robin every priority is accepted, urgent work goes first, "
		  "the "
		  "weights are roughly honoured, and no weighted class starves; under round robin "
		  "priorities are ignored.",
	  .ref = "Base 2.2 Weighted Round Robin with Urgent Priority Class Arbitration; Base 2.2 "
		 "Round Robin Arbitration; Base 2.1 Arbitration (Feature Identifier 01h); Base 2.1 "
		 "Create I/O Submission Queue command (QPRIO)",
	  .needs = NEED_QUEUES,
	  .harm = HARM_SETTINGS,
	  .na = na_few_queues,
	  .fault = "qprio-refused qprio-refused-unweighted wrr-urgent-last wrr-weights-swapped "
		   "wrr-low-starves wrr-without-ams",
	  .run = wrr,
	  ROWS(rows) },
};

SUITE(queue_wrr_suite, CONFORMANCE, "queue", cases);
