// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>

#include "device.h"

#include "base/clock.h"

#define SETTLE_NS (100 * NS_PER_MS) /* what PCI Express gives a device after a reset */

struct function_config {
	struct target *t; /* NULL: there is no such function */
	uint32_t command, bar[6];
};

struct device_config {
	struct function_config first, peer;
};

static void restore_function(const struct function_config *c)
{
	for (unsigned i = 0; c->t && i < 6; i++)
		c->t->ops->cfg_write(c->t, CFG_BAR0 + 4 * i, 32, c->bar[i]);
	if (c->t)
		c->t->ops->cfg_write(c->t, CFG_COMMAND, 16, c->command);
}

void device_config_restore(void *arg)
{
	struct device_config *c = arg;

	restore_function(&c->first);
	restore_function(&c->peer);
}

static void keep_function(struct rig *r, struct target *t, struct function_config *ret)
{
	int err;

	if (!t->ops->cfg_read) /* no PCI function, and nothing to put back */
		return;
	err = t->ops->cfg_read(t, CFG_COMMAND, 16, &ret->command);
	for (unsigned i = 0; i < 6 && !err; i++)
		err = t->ops->cfg_read(t, CFG_BAR0 + 4 * i, 32, &ret->bar[i]);
	if (err)
		rig_broken(r, "reading configuration space: %s", t->error);
	ret->t = t;
}

struct device_config *device_config_keep(struct rig *r)
{
	struct device_config *c = rig_mem(r, sizeof(*c));
	struct target *t = rig_target(r), *peer;

	keep_function(r, t, &c->first);
	if (t->caps.has & NEED_PEER && !t->ops->peer(t, &peer))
		keep_function(r, peer, &c->peer);
	rig_defer(r, device_config_restore, c);
	return c;
}

void device_need_power(struct rig *r)
{
	if (!(rig_target(r)->caps.has & NEED_RESTART))
		rig_skip(r, "needs", "the target cannot take power away");
}

void device_power_cycle(struct rig *r)
{
	struct target *t = rig_target(r);
	int err;

	device_need_power(r);
	err = t->ops->reset(t, RESET_POWER);
	if (err)
		rig_broken(r, "power cycle: %s", t->error);
	rig_forget(r);
	rig_ctrl_off(r);
}

const char *device_na_nssr(const struct facts *f)
{
	return CAP_NSSRS(f->cap) ? NULL : "CAP.NSSRS is 0: no NVM Subsystem Reset";
}

void device_nssr(struct rig *r, struct device_config *config)
{
	if (!rig_target(r)->caps.emulated)
		rig_skip(r, "needs", "an emulated target: with the subsystem its link goes down");
	rig_set_reg32(r, REG_NSSR, NSSR_RESET);
	rig_wait(r, SETTLE_NS);
	device_config_restore(config);
	rig_forget(r);
	rig_ctrl_off(r);
}

void device_reset_flr(struct rig *r)
{
	rig_flr(r);
	rig_ctrl(r);
}

void device_reset_subsystem(struct rig *r)
{
	const char *no = device_na_nssr(rig_facts(r));

	if (no)
		rig_na(r, "%s", no);
	device_nssr(r, device_config_keep(r));
	rig_ctrl(r);
}

void device_reset_power(struct rig *r)
{
	device_power_cycle(r);
	rig_ctrl(r);
}

static void shutdown_and_reset(struct rig *r)
{
	int err = ctrl_shutdown(rig_ctrl(r), 1, 0, NULL);

	if (err == -ENOTSUP)
		rig_skip(r, "needs", "%s", rig_target(r)->error);
	if (err)
		rig_fail(r, "the controller does not shut down");
	rig_reset(r);
}

const struct device_reset device_resets[DEVICE_RESETS] = {
	{ "controller-reset", rig_reset },
	{ "function-level-reset", device_reset_flr },
	{ "subsystem-reset", device_reset_subsystem },
	{ "power-loss", device_reset_power },
	{ "shutdown", shutdown_and_reset },
};
