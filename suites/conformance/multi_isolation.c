// SPDX-License-Identifier: GPL-2.0-or-later
/* What happens to one controller of a subsystem leaves the other one's I/O running. */
#include <stdio.h>

#include "base/clock.h"
#include "duo.h"
#include "io_area.h"

#define FIRST  64u
#define FLIGHT 8u /* Writes in flight, one block each */

/* Writes on the bystander's queue, each of one block, and what their blocks hold. */
struct load {
	struct duo *d;
	unsigned by;
	struct buf *out;
	uint64_t tag;
	unsigned put, done;
};

static struct load *load_new(struct duo *d, unsigned by)
{
	struct load *l = rig_mem(d->r, sizeof(*l));

	if (d->q[by]->size <= FLIGHT)
		rig_na(d->r, "queues of %u entries: not enough in flight", d->q[by]->size);
	*l = (struct load){ .d = d, .by = by };
	l->out = rig_buf_on(d->r, d->c[by], (size_t)FLIGHT * d->ns->lba_bytes);
	return l;
}

/* Half of the Writes; the first half stamps all blocks anew. */
static void load_half(struct load *l)
{
	struct duo *d = l->d;

	if (!l->put) {
		l->tag = rig_rand(d->r);
		rig_stamp(l->out->data, FIRST, FLIGHT, d->ns->lba_bytes, l->tag);
	}
	for (unsigned i = 0; i < FLIGHT / 2; i++, l->put++) {
		struct cmd c = cmd_write(d->ns->nsid, FIRST + l->put, 1, NULL, d->ns->lba_bytes);

		rig_prp(d->r, &c, l->out, (size_t)l->put * d->ns->lba_bytes, d->ns->lba_bytes);
		rig_put(d->r, d->q[l->by], c);
	}
	rig_ring(d->r, d->q[l->by]);
}

/* Every Write ended once, by success, and its block holds what it wrote. */
static void load_end(struct load *l)
{
	struct duo *d = l->d;
	char what[80];

	snprintf(what, sizeof(what), "Write through %s meanwhile: status",
		 rig_ctrl_name(d->r, d->c[l->by]));
	for (; l->done < l->put; l->done++)
		CHECK_STATUS_OF(d->r, what, rig_next(d->r, d->q[l->by]->cq), SC_SUCCESS);
	duo_check(d, l->by, FIRST, FLIGHT, l->tag);
	l->put = l->done = 0;
}

/* ---- what is done to the one ---- */

static void wait_csts(struct duo *d, struct ctrl *c, uint32_t mask, uint32_t want)
{
	uint64_t end = rig_now(d->r) + ctrl_ready_limit_ns(c, false) + 10 * NS_PER_S;

	while ((rig_reg32_on(d->r, c, REG_CSTS) & mask) != want && rig_now(d->r) < end)
		rig_wait(d->r, 100 * NS_PER_US);
}

static void reset_it(struct duo *d, struct ctrl *c)
{
	uint32_t cc = rig_reg32_on(d->r, c, REG_CC);

	rig_set_reg32_on(d->r, c, REG_CC, cc & ~(uint32_t)CC_EN);
}

static void shut_down(struct duo *d, struct ctrl *c, unsigned shn)
{
	uint32_t cc = rig_reg32_on(d->r, c, REG_CC) & ~CC_SHN_MASK;

	rig_set_reg32_on(d->r, c, REG_CC, cc | CC_SHN(shn));
}

static void shut_down_normal(struct duo *d, struct ctrl *c)
{
	shut_down(d, c, 1);
}

static void shut_down_abrupt(struct duo *d, struct ctrl *c)
{
	shut_down(d, c, 2);
}

static void flr(struct duo *d, struct ctrl *c)
{
	int err = c->t->ops->reset ? 0 : -1;

	trace_reset(c);
	if (!err)
		err = c->t->ops->reset(c->t, RESET_FLR);
	if (err)
		rig_skip(d->r, "needs", "no Function Level Reset: %s", c->t->error);
}

static void delete_queues(struct duo *d, struct ctrl *c)
{
	CHECK_STATUS(d->r, rig_admin_on(d->r, c, cmd_delete_sq(1)), SC_SUCCESS);
	CHECK_STATUS(d->r, rig_admin_on(d->r, c, cmd_delete_cq(1)), SC_SUCCESS);
}

/* An Admin SQ that leads nowhere, and a doorbell: CSTS.CFS, or whatever comes of it. */
static void fatal(struct duo *d, struct ctrl *c)
{
	if (!(c->t->caps.has & NEED_HOLE))
		rig_skip(d->r, "needs", "no bus address that is known to lead nowhere");
	reset_it(d, c);
	wait_csts(d, c, CSTS_RDY, 0);
	reg_write64(c, REG_ASQ, c->t->caps.hole);
	rig_set_reg32_on(d->r, c, REG_CC,
			 rig_reg32_on(d->r, c, REG_CC) | CC_IOSQES(6) | CC_IOCQES(4) | CC_EN);
	wait_csts(d, c, CSTS_RDY, CSTS_RDY);
	rig_set_reg32_on(d->r, c, doorbell_sq(c, 0), 1);
	rig_wait(d->r, NS_PER_MS);
	rig_note(d->r, "%s: CSTS %08Xh", rig_ctrl_name(d->r, c), rig_reg32_on(d->r, c, REG_CSTS));
}

static const struct blow {
	const char *name;
	void (*strike)(struct duo *d, struct ctrl *c);
} blows[] = {
	{ "controller-reset", reset_it },	 { "flr", flr },
	{ "shutdown-normal", shut_down_normal }, { "shutdown-abrupt", shut_down_abrupt },
	{ "queue-deletion", delete_queues },	 { "fatal-error", fatal },
};

/* Strikes the other one with the bystander's Writes half begun; both work again afterwards. */
static void strike(struct duo *d, const struct blow *b, unsigned victim)
{
	struct load *l = load_new(d, !victim);

	load_half(l);
	b->strike(d, d->c[victim]);
	load_half(l);
	load_end(l);
	rig_reset_on(d->r, d->c[victim]);
	load_half(l);
	load_half(l);
	load_end(l);
	CHECK_EQ(d->r, "CSTS.RDY of the one that nothing was done to",
		 rig_reg32_on(d->r, d->c[!victim], REG_CSTS) & (CSTS_RDY | CSTS_CFS), CSTS_RDY);
	duo_again(d);
	duo_check(d, victim, FIRST, FLIGHT, l->tag);
}

static void ctrl_isolation(struct rig *r)
{
	struct duo *d = duo_new(r);

	for (uint64_t n = rig_pick(r, 2, 10, 400); n; n--)
		for (unsigned victim = 0; victim < 2; victim++)
			strike(d, rig_row(r), victim);
}

static const struct rig_case cases[] = {
	{ .id = "ctrl-isolation",
	  .rule = "A reset, a shutdown, deleted queues or a fatal error of one controller leaves "
		  "the other's I/O running.",
	  .ref = "Base 2.2 Controller Level Reset; Base 2.2 Memory-based Transport Controller "
		 "Shutdown; Base 2.2 Multi-Path I/O and Namespace Sharing",
	  .needs = NEED_QUEUES | NEED_PEER,
	  .harm = HARM_DATA,
	  .fault = "reset-reaches-peer flr-reaches-peer shutdown-reaches-peer "
		   "delete-sq-reaches-peer fatal-reaches-peer",
	  .na = duo_na,
	  .run = ctrl_isolation,
	  ROWS(blows) },
};

SUITE(multi_isolation_suite, CONFORMANCE, "multi", cases);
