// SPDX-License-Identifier: GPL-2.0-or-later
/* vfio-user: interrupts by eventfd. */
#include <sys/eventfd.h>
#include <unistd.h>

#include "talk.h"

#define SOON_NS	    (2 * NS_PER_S)
#define CFG_COMMAND 4u
#define INTX_OFF    0x0400u
#define FIRE	    (VU_SET_NONE | VU_SET_TRIGGER)
#define GIVE	    (VU_SET_EVENTFD | VU_SET_TRIGGER)

static const char *no_vectors(const struct facts *f)
{
	return f->caps.vectors < 3 ? "fewer than three MSI-X vectors" : NULL;
}

static void close_event(void *arg)
{
	close(*(int *)arg);
}

static int event(struct rig *r)
{
	int *fd = rig_mem(r, sizeof(*fd));

	*fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (*fd < 0)
		rig_broken(r, "no eventfd");
	rig_defer(r, close_event, fd);
	return *fd;
}

static uint64_t taken(int fd)
{
	uint64_t n;

	return read(fd, &n, sizeof(n)) == sizeof(n) ? n : 0;
}

/* ---- what cannot be ---- */

enum range { RANGE_NEXT, RANGE_ACROSS, RANGE_ALL, RANGE_WRAP, RANGE_KIND };

static const struct range_row {
	const char *name;
	enum range range;
} ranges[] = { { "past-the-last", RANGE_NEXT },
	       { "across-the-last", RANGE_ACROSS },
	       { "highest-count", RANGE_ALL },
	       { "wraps", RANGE_WRAP },
	       { "no-such-kind", RANGE_KIND } };

static void range_beyond(struct rig *r)
{
	const struct range_row *row = rig_row(r);
	uint32_t count = talk_irq(r, VU_IRQ_MSIX).count;
	struct vu_set_irqs set = { sizeof(set), FIRE, VU_IRQ_MSIX, count, 1 };

	if (row->range == RANGE_ACROSS)
		set.start = count - 1, set.count = 2;
	if (row->range == RANGE_ALL)
		set.start = 0, set.count = UINT32_MAX;
	if (row->range == RANGE_WRAP)
		set.start = UINT32_MAX, set.count = 2;
	if (row->range == RANGE_KIND)
		set.index = UINT32_MAX, set.start = 0;
	CHECK_REFUSED(r, "SET_IRQS of vectors that there are not",
		      talk_ask(r, VU_DEVICE_SET_IRQS, &set, sizeof(set)));
	talk_check_usable(r);
}

static const struct flags_row {
	const char *name;
	uint32_t flags;
} flags[] = { { "two-actions", VU_SET_NONE | VU_SET_TRIGGER | VU_SET_MASK },
	      { "two-kinds-of-data", VU_SET_NONE | VU_SET_BOOL | VU_SET_TRIGGER },
	      { "everything", 0x3f },
	      { "no-action", VU_SET_NONE },
	      { "no-kind-of-data", VU_SET_TRIGGER } };

static void flags_exclude(struct rig *r)
{
	const struct flags_row *row = rig_row(r);

	CHECK_REFUSED(r, "SET_IRQS with these flags", talk_set_irqs(r, row->flags, 0, 1, NULL, 0));
	talk_check_usable(r);
}

static void descriptors_match(struct rig *r)
{
	int fd[3] = { event(r), event(r), event(r) };

	CHECK_REFUSED(r, "two descriptors for three vectors", talk_set_irqs(r, GIVE, 0, 3, fd, 2));
	CHECK_REFUSED(r, "three descriptors for two vectors", talk_set_irqs(r, GIVE, 0, 2, fd, 3));
	talk_check_usable(r);
}

/* ---- what happens ---- */

static void trigger(struct rig *r)
{
	int fd[2] = { event(r), event(r) };
	struct vu_set_irqs set = { sizeof(set) + 2, VU_SET_BOOL | VU_SET_TRIGGER, VU_IRQ_MSIX, 0,
				   2 };
	struct talk some = { .command = VU_DEVICE_SET_IRQS,
			     .data = &set,
			     .len = sizeof(set),
			     .more = "\0\1",
			     .more_len = 2 };

	REQUIRE_TRUE(r, !talk_failed(talk_set_irqs(r, GIVE, 0, 2, fd, 2)),
		     "two vectors can be given eventfds");
	CHECK_DONE(r, "SET_IRQS that fires two vectors", talk_set_irqs(r, FIRE, 0, 2, NULL, 0));
	CHECK_EQ(r, "eventfd of vector 0", taken(fd[0]), 1);
	CHECK_EQ(r, "eventfd of vector 1", taken(fd[1]), 1);
	CHECK_DONE(r, "SET_IRQS that fires the second of two", talk_say(r, &some));
	CHECK_EQ(r, "eventfd of vector 0", taken(fd[0]), 0);
	CHECK_EQ(r, "eventfd of vector 1", taken(fd[1]), 1);
	talk_set_irqs(r, FIRE, 0, 0, NULL, 0);
}

/* A server may refuse to fire a vector that has no eventfd. */
static void taken_away(struct rig *r)
{
	int fd[2] = { event(r), event(r) };

	REQUIRE_TRUE(r, !talk_failed(talk_set_irqs(r, GIVE, 0, 2, fd, 2)),
		     "two vectors can be given eventfds");
	CHECK_DONE(r, "SET_IRQS that takes an eventfd away", talk_set_irqs(r, GIVE, 0, 1, NULL, 0));
	talk_set_irqs(r, FIRE, 0, 1, NULL, 0);
	CHECK_EQ(r, "eventfd of vector 0, taken away", taken(fd[0]), 0);
	CHECK_DONE(r, "SET_IRQS that takes all away", talk_set_irqs(r, FIRE, 0, 0, NULL, 0));
	talk_set_irqs(r, FIRE, 1, 1, NULL, 0);
	CHECK_EQ(r, "eventfd of vector 1, taken away", taken(fd[1]), 0);
	talk_check_usable(r);
}

/* As a driver: sleep until the interrupt, take all there is; what comes later fires again. */
static void reap(struct rig *r, struct cq *q, unsigned left)
{
	struct target *t = rig_target(r);
	struct cpl cpl;

	while (left) {
		unsigned before = left;
		int fired = t->ops->irq_wait(t, q->vector, rig_now(r) + SOON_NS);

		REQUIRE_TRUE(r, fired == 1, "vector %u fires for %u commands (%s)", q->vector, left,
			     cq_ready(q) ? "a completion waits" : "no completion waits");
		for (; left && cq_next(q, &cpl); left--)
			CHECK_STATUS(r, cpl, SC_SUCCESS);
		if (left < before) /* the same value again is an invalid one */
			cq_ring(q);
	}
}

static void never_lost(struct rig *r)
{
	struct ctrl_config cfg = ctrl_defaults(rig_ctrl_off(r));
	const struct facts_ns *ns = rig_ns(r);
	struct cq *cq;
	struct sq *sq;
	struct cpl cpl;

	cfg.use_irq = true;
	rig_ctrl_with(r, &cfg);
	rig_queue_count(r);
	cq = rig_cq_alloc(r, 1, rig_queue_fit(r, 32));
	if (cq_create(cq, true, 1, &cpl))
		rig_broken(r, "set-up: a CQ with vector 1 is refused");
	sq = rig_sq_alloc(r, 1, cq->size, cq);
	rig_admin_ok(r, cmd_create_sq(1, cq->size, sq->mem->iova, 1));
	for (uint64_t i = rig_pick(r, 50, 200, 5000); i; i--) {
		unsigned n = i % 2 ? 1 : 1 + (unsigned)rig_rand_below(r, cq->size - 1);

		for (unsigned k = 0; k < n; k++)
			rig_put(r, sq, cmd_flush(ns->nsid));
		rig_ring(r, sq);
		reap(r, cq, n);
	}
}

/* ---- the wire ---- */

static const struct vu_msg *set_wire(struct rig *r, uint32_t what, const int *fd)
{
	struct vu_set_irqs set = { sizeof(set), what, VU_IRQ_INTX, 0, 1 };

	return talk_say(r, &(struct talk){ .command = VU_DEVICE_SET_IRQS,
					   .data = &set,
					   .len = sizeof(set),
					   .fd = fd,
					   .fds = fd != NULL });
}

/* One admin command, whose completion nobody acknowledges, with the wire let go. */
static void make_active(struct rig *r)
{
	struct ctrl *c = rig_ctrl(r);
	uint32_t command = rig_cfg(r, CFG_COMMAND, 16);

	rig_set_cfg(r, CFG_COMMAND, 16, command & ~INTX_OFF);
	rig_put(r, c->asq, cmd_get_features(NVME_FEAT_FID_NUM_QUEUES, 0, 0, 0));
	rig_ring(r, c->asq);
	for (unsigned i = 0; i < 1000 && !cq_ready(c->asq->cq); i++)
		rig_wait(r, NS_PER_MS / 100);
	REQUIRE_TRUE(r, cq_ready(c->asq->cq), "an admin command completes");
	rig_wait(r, NS_PER_MS);
}

/* What else the wire of the device does is asked by queue.intx. */
static void wire_masks_itself(struct rig *r)
{
	const uint32_t want = VU_IRQ_EVENTFD | VU_IRQ_MASKABLE | VU_IRQ_AUTOMASKED;
	struct vu_irq irq = talk_irq(r, VU_IRQ_INTX);
	int fd = event(r);

	if (!irq.count || (irq.flags & want) != want)
		rig_na(r, "INTx: count %u, flags %Xh: no wire that masks itself", irq.count,
		       irq.flags);
	REQUIRE_TRUE(r, !talk_failed(set_wire(r, GIVE, &fd)), "the wire can be given an eventfd");
	taken(fd);
	make_active(r);
	CHECK_EQ(r, "eventfd of the wire that became active", taken(fd), 1);
	talk_check_usable(r);
	CHECK_EQ(r, "eventfd of the wire that is active and masked itself", taken(fd), 0);
	CHECK_DONE(r, "UNMASK of the wire", set_wire(r, VU_SET_NONE | VU_SET_UNMASK, NULL));
	CHECK_EQ(r, "eventfd of the wire that is unmasked and still active", taken(fd), 1);
	set_wire(r, GIVE, NULL);
	rig_next(r, rig_ctrl(r)->asq->cq);
	rig_set_cfg(r, CFG_COMMAND, 16, rig_cfg(r, CFG_COMMAND, 16) | INTX_OFF);
}

static const struct rig_case cases[] = {
	{ .id = "irq-range",
	  .rule = "SET_IRQS of vectors that there are not is an error.",
	  .ref = TALK_REF "VFIO_USER_DEVICE_SET_IRQS; VFIO_USER_DEVICE_GET_IRQ_INFO",
	  .needs = TALK_NEEDS | NEED_IRQ,
	  .level = SHOULD,
	  .fault = "irq-range-unchecked",
	  .run = range_beyond,
	  ROWS(ranges) },
	{ .id = "irq-flags",
	  .rule = "SET_IRQS has one action and one kind of data: anything else is an error.",
	  .ref = TALK_REF "VFIO_USER_DEVICE_SET_IRQS",
	  .needs = TALK_NEEDS | NEED_IRQ,
	  .level = SHOULD,
	  .fault = "irq-flags-unread",
	  .run = flags_exclude,
	  ROWS(flags) },
	{ .id = "irq-descriptors",
	  .rule = "SET_IRQS brings as many eventfds as it has vectors, or none: else it is an "
		  "error.",
	  .ref = TALK_REF "VFIO_USER_DEVICE_SET_IRQS",
	  .needs = TALK_NEEDS | NEED_IRQ,
	  .level = SHOULD,
	  .fault = "irq-fds-miscounted",
	  .na = no_vectors,
	  .run = descriptors_match },
	{ .id = "irq-trigger",
	  .rule = "A client can fire vectors itself, to see that they get to their eventfds.",
	  .ref = TALK_REF "VFIO_USER_DEVICE_SET_IRQS",
	  .needs = TALK_NEEDS | NEED_IRQ,
	  .level = SHOULD,
	  .fault = "trigger-ignored",
	  .na = no_vectors,
	  .run = trigger },
	{ .id = "irq-taken-away",
	  .rule = "An eventfd that was taken away is signalled no more.",
	  .ref = TALK_REF "VFIO_USER_DEVICE_SET_IRQS",
	  .needs = TALK_NEEDS | NEED_IRQ,
	  .fault = "event-stays",
	  .na = no_vectors,
	  .run = taken_away },
	{ .id = "wire-masks-itself",
	  .rule = "An interrupt that masks itself is signalled once, and again when it is unmasked "
		  "while it is still active.",
	  .ref = TALK_REF "VFIO_USER_DEVICE_GET_IRQ_INFO; VFIO_USER_DEVICE_SET_IRQS",
	  .needs = TALK_NEEDS | NEED_WIRE | NEED_CONFIG,
	  .fault = "wire-unmasked",
	  .run = wire_masks_itself },
	{ .id = "irq-never-lost",
	  .rule = "An idle queue's next completion gets to the eventfd of its vector, every time.",
	  .ref = TALK_REF "VFIO_USER_DEVICE_SET_IRQS; PCIe Transport 1.0 MSI-X Based Behavior",
	  .needs = TALK_NEEDS | NEED_IRQ,
	  .fault = "event-second-lost",
	  .na = no_vectors,
	  .run = never_lost },
};

SUITE(vfiouser_irq_suite, CONFORMANCE, "vfiouser", cases);
