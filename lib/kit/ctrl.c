// SPDX-License-Identifier: GPL-2.0-or-later
/* The controller, its registers, its configuration space, its time: for case bodies. */
#include <errno.h>
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

/* Opened and never touched. */
static struct ctrl *opened(struct rig *r)
{
	struct kit *k = kit_of(r);
	int err;

	if (k->c)
		return k->c;
	err = ctrl_open(k->t, &k->c);
	if (err)
		kit_trouble(r, err, "opening the controller");
	k->c->audit = kit_audit;
	k->c->audit_ctx = r;
	judge_by_facts(r, k->c);
	return k->c;
}

void rig_judge_off(struct rig *r, const char *why)
{
	ctrl_judge_off(opened(r));
	rig_note(r, "statuses are not judged by the tables: %s", why);
}

struct ctrl *rig_ctrl_off(struct rig *r)
{
	struct ctrl *c = opened(r);
	int err = ctrl_disable(c, NULL);

	kit_of(r)->ordinary = NULL;
	if (err)
		kit_trouble(r, err, "disabling the controller");
	return c;
}

struct ctrl *rig_ctrl_with(struct rig *r, const struct ctrl_config *cfg)
{
	struct ctrl *c = opened(r);
	int err = ctrl_enable(c, cfg, NULL);

	kit_of(r)->ordinary = NULL;
	if (err)
		kit_trouble(r, err, "enabling the controller");
	return c;
}

struct ctrl *rig_ctrl(struct rig *r)
{
	struct ctrl *c = opened(r);
	struct ctrl_config cfg = ctrl_defaults(c);

	return c->enabled ? c : rig_ctrl_with(r, &cfg);
}

void rig_reset(struct rig *r)
{
	struct ctrl_config cfg = rig_ctrl(r)->config;

	rig_ctrl_with(r, &cfg);
}

uint64_t rig_reg(struct rig *r, uint64_t off, unsigned width)
{
	struct target *t = opened(r)->t;
	uint64_t v = 0;
	int err = t->ops->reg_read(t, off, width, &v);

	if (err)
		kit_trouble(r, err, "reading a register");
	return v;
}

void rig_set_reg(struct rig *r, uint64_t off, unsigned width, uint64_t value)
{
	struct ctrl *c = opened(r);
	int err;

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
	int err = t->ops->cfg_read(t, off, width, &v);

	if (err)
		kit_trouble(r, err, "reading configuration space");
	return v;
}

void rig_set_cfg(struct rig *r, unsigned off, unsigned width, uint32_t value)
{
	struct target *t = kit_of(r)->t;
	int err = t->ops->cfg_write(t, off, width, value);

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
