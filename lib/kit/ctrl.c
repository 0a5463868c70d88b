// SPDX-License-Identifier: GPL-2.0-or-later
/* The controller, its registers, its configuration space, its time: for case bodies. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/clock.h"
#include "kit/internal.h"

struct target *rig_target(struct rig *r)
{
	return kit_of(r)->t;
}

/* What the planner knows of the drive is what every status is judged by. */
static void judge_by_facts(struct rig *r, struct ctrl *c)
{
	struct spec_ctrl claims;

	if (!rig_facts(r) || !rig_facts(r)->alive)
		return;
	facts_claims(rig_facts(r), &claims);
	ctrl_judge(c, &claims);
}

/* The peer claims what the first one does, of the namespaces that both have. */
static void judge_peer(struct rig *r, struct ctrl *c)
{
	const struct facts *f = rig_facts(r);
	struct spec_ctrl claims;
	unsigned n = 0;

	if (!f || !f->alive || !f->peer.alive)
		return;
	facts_claims(f, &claims);
	for (unsigned i = 0; i < claims.n_ns; i++)
		if (f->ns[i].on_peer)
			claims.ns[n++] = claims.ns[i];
	claims.n_ns = n;
	claims.all_ns = false;
	claims.cap = c->cap;
	claims.vs = c->vs;
	claims.id.cntlid = le16_from(f->peer.cntlid);
	ctrl_judge(c, &claims);
}

static struct ctrl *open_on(struct rig *r, struct target *t, const char *doing)
{
	struct ctrl *c;
	int err = ctrl_open(t, &c);

	if (err)
		kit_trouble(r, err, doing);
	c->audit_ctx = r;
	return c;
}

/* Opened and never touched. */
static struct ctrl *opened(struct rig *r)
{
	struct kit *k = kit_of(r);

	if (!k->t)
		rig_fail(r, "the target cannot be opened again");
	if (!k->c) {
		k->c = open_on(r, k->t, "opening the controller");
		k->c->audit = kit_audit;
		judge_by_facts(r, k->c);
	}
	return k->c;
}

static struct ctrl *peer_opened(struct rig *r)
{
	struct kit *k = kit_of(r);
	struct target *t;
	int err;

	if (k->peer)
		return k->peer;
	if (!k->t->ops->peer)
		rig_skip(r, "needs", "the target has no second controller");
	err = k->t->ops->peer(k->t, &t);
	if (err)
		rig_broken(r, "the second controller: %s", k->t->error);
	k->peer = open_on(r, t, "opening the other controller of the subsystem");
	k->peer->audit = kit_audit_peer;
	k->peer->trace.begin_ns = opened(r)->trace.begin_ns; /* one clock, one beginning */
	judge_peer(r, k->peer);
	return k->peer;
}

struct sq **kit_ordinary(struct kit *k, const struct ctrl *c)
{
	return c == k->peer ? &k->peer_ordinary : &k->ordinary;
}

static struct ctrl *off(struct rig *r, struct ctrl *c)
{
	int err;

	if (c->native)
		rig_skip(r, "needs", "%s cannot disable the controller", c->t->ops->scheme);
	err = ctrl_disable(c, NULL);
	*kit_ordinary(kit_of(r), c) = NULL;
	if (err)
		kit_trouble_on(r, c, err, "disabling the controller");
	return c;
}

static struct ctrl *enabled(struct rig *r, struct ctrl *c, const struct ctrl_config *cfg)
{
	int err = ctrl_enable(c, cfg, NULL);

	*kit_ordinary(kit_of(r), c) = NULL;
	if (err)
		kit_trouble_on(r, c, err, "enabling the controller");
	return c;
}

static struct ctrl *ready(struct rig *r, struct ctrl *c)
{
	struct ctrl_config cfg = ctrl_defaults(c);

	return c->enabled ? c : enabled(r, c, &cfg);
}

void rig_judge_off(struct rig *r, const char *why)
{
	ctrl_judge_off(opened(r));
	rig_note(r, "statuses are not judged by the tables: %s", why);
}

struct ctrl *rig_ctrl_off(struct rig *r)
{
	return off(r, opened(r));
}

struct ctrl *rig_ctrl_with(struct rig *r, const struct ctrl_config *cfg)
{
	return enabled(r, opened(r), cfg);
}

struct ctrl *rig_ctrl(struct rig *r)
{
	return ready(r, opened(r));
}

struct ctrl *rig_peer_off(struct rig *r)
{
	return off(r, peer_opened(r));
}

struct ctrl *rig_peer(struct rig *r)
{
	return ready(r, peer_opened(r));
}

void rig_control_on(struct rig *r, struct ctrl *c, const char *fmt, ...)
{
	char what[80];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	if (!c->t->ops->control)
		rig_skip(r, "needs", "the target's own side cannot be told to change");
	if (c->t->ops->control(c->t, what))
		rig_broken(r, "telling the target's own side: %s", c->t->error);
}

void rig_reset_on(struct rig *r, struct ctrl *c)
{
	struct ctrl_config cfg = ready(r, c)->config;

	enabled(r, c, &cfg);
}

void rig_reset(struct rig *r)
{
	rig_reset_on(r, opened(r));
}

void kit_forget(struct kit *k)
{
	if (k->c)
		ctrl_forget(k->c);
	if (k->peer)
		ctrl_forget(k->peer);
	k->ordinary = k->peer_ordinary = NULL;
}

void rig_forget(struct rig *r)
{
	kit_forget(kit_of(r));
}

const char *rig_ctrl_name(struct rig *r, const struct ctrl *c)
{
	return c == kit_of(r)->peer ? "the peer" : "the controller";
}

uint32_t rig_reg32_on(struct rig *r, struct ctrl *c, uint64_t at)
{
	uint32_t v = 0;
	int err = reg_read32(c, at, &v);

	if (err)
		kit_trouble_on(r, c, err, "reading a register");
	return v;
}

void rig_set_reg32_on(struct rig *r, struct ctrl *c, uint64_t at, uint32_t value)
{
	int err = reg_write32(c, at, value);

	if (err)
		kit_trouble_on(r, c, err, "writing a register");
}

uint64_t rig_reg(struct rig *r, uint64_t off, unsigned width)
{
	struct target *t = opened(r)->t;
	uint64_t v = 0;
	int err = t->ops->reg_read ? t->ops->reg_read(t, off, width, &v) : -ENOTSUP;

	if (err)
		kit_trouble(r, err, "reading a register");
	return v;
}

void rig_set_reg(struct rig *r, uint64_t off, unsigned width, uint64_t value)
{
	struct ctrl *c = opened(r);
	int err;

	if (!c->t->ops->reg_write)
		kit_trouble(r, -ENOTSUP, "writing a register");
	trace_register(c, off, width, value);
	err = c->t->ops->reg_write(c->t, off, width, value);
	if (err)
		kit_trouble(r, err, "writing a register");
}

uint32_t rig_reg32(struct rig *r, uint64_t off)
{
	return (uint32_t)rig_reg(r, off, 32);
}

uint64_t rig_reg64(struct rig *r, uint64_t off)
{
	return rig_reg(r, off, 64);
}

void rig_set_reg32(struct rig *r, uint64_t off, uint32_t value)
{
	rig_set_reg(r, off, 32, value);
}

void rig_set_reg64(struct rig *r, uint64_t off, uint64_t value)
{
	rig_set_reg(r, off, 64, value);
}

uint32_t rig_cfg(struct rig *r, unsigned off, unsigned width)
{
	struct target *t = kit_of(r)->t;
	uint32_t v = 0;
	int err = t->ops->cfg_read ? t->ops->cfg_read(t, off, width, &v) : -ENOTSUP;

	if (err)
		kit_trouble(r, err, "reading configuration space");
	return v;
}

void rig_set_cfg(struct rig *r, unsigned off, unsigned width, uint32_t value)
{
	struct target *t = kit_of(r)->t;
	int err = t->ops->cfg_write ? t->ops->cfg_write(t, off, width, value) : -ENOTSUP;

	if (err)
		kit_trouble(r, err, "writing configuration space");
}

/* Both walks are bounded by what the spaces can hold, so that a loop ends as "absent". */
unsigned rig_pci_cap(struct rig *r, unsigned id)
{
	unsigned at;

	if (id <= 0xff) {
		if (!(rig_cfg(r, 0x06, 16) & 0x10))
			return 0;
		at = rig_cfg(r, 0x34, 8) & ~3u;
		for (unsigned n = 0; at >= 0x40 && n < 48; n++) {
			if (rig_cfg(r, at, 8) == id)
				return at;
			at = rig_cfg(r, at + 1, 8) & ~3u;
		}
		return 0;
	}
	at = 0x100;
	for (unsigned n = 0; at >= 0x100 && n < 960; n++) {
		uint32_t header = rig_cfg(r, at, 32);

		if (header == 0 || header == 0xffffffffu)
			return 0;
		if ((header & 0xffff) == id - 0x100)
			return at;
		at = header >> 20 & ~3u;
	}
	return 0;
}

void rig_flr(struct rig *r)
{
	struct ctrl *c = opened(r);
	int err;

	if (!c->t->ops->reset)
		rig_skip(r, "needs", "the target offers no Function Level Reset");
	trace_reset(c);
	err = c->t->ops->reset(c->t, RESET_FLR);
	ctrl_forget(c);
	kit_of(r)->ordinary = NULL;
	if (err == -ENOTSUP)
		rig_skip(r, "needs", "no Function Level Reset: %s", c->t->error);
	if (err)
		kit_trouble(r, err, "Function Level Reset");
}

void rig_wait(struct rig *r, uint64_t ns)
{
	struct target *t = kit_of(r)->t;
	uint64_t end = target_now(t) + ns, now;
	int err;

	while ((now = target_now(t)) < end) {
		err = t->ops->relax(t, end - now);
		if (err)
			kit_trouble(r, err, "waiting");
	}
}

uint64_t rig_now(struct rig *r)
{
	return target_now(kit_of(r)->t);
}
