// SPDX-License-Identifier: GPL-2.0-or-later
/* Fabrics commands: properties, Disconnect, time. Source: Base 2.2 Fabrics Command Set. */
#include "base/clock.h"
#include "serve/tcp_serve.h"

#define RELAX_MAX (1000 * NS_PER_S)

static unsigned property_width(const struct sqe *e)
{
	unsigned size = *sqe_at(e, 40) & 7;

	return size == 0 ? 32 : size == 1 ? 64 : 0;
}

static void property_get(struct tconn *c, struct tcmd *t)
{
	uint32_t off = le32_get(t->sqe.cdw11);
	unsigned width = property_width(&t->sqe);
	uint64_t v = 0;
	int err = c->a->d ? tdev_property_get(c->a->d, off, width, &v)
			  : discovery_property_get(c->a, off, width, &v);

	if (off == REG_CC && v && TFAULT(c->s, TCP_PROPERTY_STALE))
		v = 0;
	if (off == REG_CSTS && c->a->was_reset && TFAULT(c->s, TCP_RESET_KEEPS_READY))
		v |= CSTS_RDY;
	if (err && TFAULT(c->s, TCP_PROPERTY_UNCHECKED))
		err = 0;
	tcmd_complete(c, t, err ? SC_INVALID_FIELD : SC_SUCCESS, v, NULL, 0);
}

static bool is_enabled(struct tassoc *a)
{
	uint64_t cc = 0;

	return a->d && !tdev_property_get(a->d, REG_CC, 32, &cc) && cc & CC_EN;
}

static void property_set(struct tconn *c, struct tcmd *t)
{
	uint32_t off = le32_get(t->sqe.cdw11);
	unsigned width = property_width(&t->sqe);
	uint64_t value = le32_get(t->sqe.cdw12) | (uint64_t)le32_get(t->sqe.cdw13) << 32;
	bool was = is_enabled(c->a);
	int err;

	if (width == 32)
		value = (uint32_t)value;
	err = c->a->d ? tdev_property_set(c->a->d, off, width, value)
		      : discovery_property_set(c->a, off, width, value);
	if (was && !is_enabled(c->a)) {
		assoc_was_reset(c->a);
		tcmd_drop_gone(c); /* they never complete */
		c->a->was_reset = true;
	}
	if (err && TFAULT(c->s, TCP_PROPERTY_SET_IGNORED))
		err = 0;
	tcmd_complete(c, t, err ? SC_INVALID_FIELD : SC_SUCCESS, 0, NULL, 0);
}

static void disconnect(struct tconn *c, struct tcmd *t)
{
	struct tassoc *a = c->a;

	if (!c->qid) {
		tcmd_complete(c, t, FSC_INVALID_QUEUE_TYPE, 0, NULL, 0);
		return;
	}
	if (sqe_u16(&t->sqe, 40)) {
		tcmd_complete(c, t, FSC_INCOMPATIBLE_FORMAT, 0, NULL, 0);
		return;
	}
	tcmd_complete(c, t, SC_SUCCESS, 0, NULL, 0);
	assoc_let_go(c);
	a->conn[c->qid] = NULL;
	c->a = NULL;
}

static void relax(struct tconn *c, struct tcmd *t)
{
	uint64_t ns = le32_get(t->sqe.cdw12) | (uint64_t)le32_get(t->sqe.cdw13) << 32;
	struct tdev *d = c->a->d;

	if (!d || !c->s->o.step) {
		tcmd_complete(c, t, SC_INVALID_FIELD, 0, NULL, 0);
		return;
	}
	d->stepped = true;
	t->state = TCMD_OURS; /* what completes meanwhile is told first */
	if (ns)
		model_relax(d->m, ns < RELAX_MAX ? ns : RELAX_MAX);
	for (unsigned i = 0; i < TDEV_QUEUES; i++) {
		if (!c->a->conn[i])
			continue;
		tcmd_pump(c->a->conn[i]);
		tconn_flush(c->a->conn[i]);
	}
	tcmd_complete(c, t, SC_SUCCESS, model_now(d->m), NULL, 0);
}

void fabrics_run(struct tconn *c, struct tcmd *t)
{
	uint8_t type = sqe_fctype(&t->sqe);

	if (type == FC_CONNECT)
		connect_run(c, t);
	else if (!c->live)
		tcmd_complete(c, t, tcmd_early_status(c), 0, NULL, 0);
	else if (type == FC_DISCONNECT && c->a->d)
		disconnect(c, t);
	else if (c->qid)
		tcmd_complete(c, t, SC_INVALID_FIELD, 0, NULL, 0);
	else if (type == FC_PROPERTY_GET)
		property_get(c, t);
	else if (type == FC_PROPERTY_SET)
		property_set(c, t);
	else if (type == FC_NVRIG_RELAX)
		relax(c, t);
	else
		tcmd_complete(c, t, SC_INVALID_FIELD, 0, NULL, 0);
}
