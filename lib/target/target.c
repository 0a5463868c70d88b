// SPDX-License-Identifier: GPL-2.0-or-later
#include "target/target.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"

extern const struct target_ops target_tcp;
extern const struct target_ops target_model, target_qtest, target_vfio_user, target_vfio,
	target_kernel, target_null, target_block, target_mmc;

/* clang-format off */
const struct target_ops *const target_all[] = {
	&target_model,
	&target_tcp,
	&target_qtest,
	&target_vfio_user,
	&target_vfio,
	&target_kernel,
	&target_null,
	&target_block,
	&target_mmc,
	NULL,
};
/* clang-format on */

struct target_hold {
	const struct target_ops *ops;
	void *hold;
};

static const struct {
	unsigned bit;
	const char *name, *text;
} needs[] = {
	{ NEED_BLOCK, "block", "block I/O" },
	{ NEED_COMMAND, "command", "NVMe commands with their data" },
	{ NEED_CTRL, "ctrl", "a controller that can be reset and have commands in flight together" },
	{ NEED_PDUS, "pdus", "NVMe/TCP connections of the case's own" },
	{ NEED_SQE, "sqe", "commands that go out as they are given, by vfio: and not through a kernel's driver" },
	{ NEED_QUEUES, "queues", "registers, own queues and DMA memory" },
	{ NEED_CONFIG, "config", "PCI configuration space" },
	{ NEED_IRQ, "irq", "MSI-X messages" },
	{ NEED_HOLE, "hole", "bus addresses known to lead nowhere" },
	{ NEED_OWN_BAR, "own-bar", "a device that can reach its own BAR by DMA" },
	{ NEED_MSIX_TABLE, "msix-table", "the MSI-X table itself" },
	{ NEED_RESTART, "restart", "a way to take power away and give it back" },
	{ NEED_RECONNECT, "reconnect", "a socket transport whose client can vanish" },
	{ NEED_PEER, "peer", "a second controller of the same subsystem" },
	{ NEED_BARS, "bars", "memory behind BARs other than 0" },
	{ NEED_WIRE, "wire", "the level of the INTx wire" },
	{ NEED_SECONDARY, "secondary",
	  "a secondary controller that can be driven once it is online" },
	{ NEED_CONTROL, "control", "the target's own side can be told to change" },
	{ NEED_BARE_CONFIG, "bare-config",
	  "configuration space itself: VFIO shows one that the kernel edits" },
	{ NEED_MESSAGES, "messages", "vfio-user messages of the case's own" },
	{ NEED_REGS, "regs", "controller registers that can be read" },
	{ NEED_NODE, "node", "a Linux block node" },
	{ NEED_MMC, "mmc", "an MMC card, by its own commands" },
	{ NEED_BACK, "back", "the store at the other end of a stack, within reach" },
};

const char *target_need_name(unsigned bit)
{
	for (size_t i = 0; i < ARRAY_SIZE(needs); i++)
		if (needs[i].bit == bit)
			return needs[i].name;
	return NULL;
}

const char *target_need_text(unsigned bit)
{
	for (size_t i = 0; i < ARRAY_SIZE(needs); i++)
		if (needs[i].bit == bit)
			return needs[i].text;
	return NULL;
}

int target_fail(struct target *t, int err, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(t->error, sizeof(t->error), fmt, ap);
	va_end(ap);
	return err;
}

static const char *nth_scheme(const void *ctx, size_t i)
{
	(void)ctx;
	return target_all[i] ? target_all[i]->scheme : NULL;
}

static const struct target_ops *find_scheme(const char *address, char *error)
{
	char scheme[32];
	size_t n = strcspn(address, ":");
	const char *near;

	if (address[n] != ':' || n == 0 || n >= sizeof(scheme)) {
		snprintf(error, 256,
			 "target '%.80s': no scheme; write SCHEME:ADDRESS, for example model:",
			 address);
		return NULL;
	}
	memcpy(scheme, address, n);
	scheme[n] = 0;
	for (size_t i = 0; target_all[i]; i++)
		if (!strcmp(target_all[i]->scheme, scheme))
			return target_all[i];
	near = text_nearest(scheme, nth_scheme, NULL);
	snprintf(error, 256, "target '%.80s': unknown scheme '%s'%s%s%s", address, scheme,
		 near ? "; did you mean '" : "", near ? near : "", near ? ":'?" : "");
	return NULL;
}

/* What is built on the raw rung, for every target that has it. */
static void add_built(struct target_caps *c)
{
	if (c->has & NEED_QUEUES)
		c->has |= NEED_COMMAND | NEED_REGS | NEED_CTRL | NEED_SQE;
}

int target_open(const char *address, struct target **ret_target, char *error)
{
	const struct target_ops *ops = find_scheme(address, error);
	struct target *t;
	int err;

	*ret_target = NULL;
	if (!ops)
		return -EPROTONOSUPPORT;
	t = calloc(1, sizeof(*t));
	if (!t) {
		snprintf(error, 256, "target '%.80s': out of memory", address);
		return -ENOMEM;
	}
	t->ops = ops;
	err = ops->open(t, address + strlen(ops->scheme) + 1);
	if (!err) {
		err = ops->caps(t, &t->caps);
		if (err)
			ops->close(t);
	}
	if (err) {
		snprintf(error, 256, "%s: %.200s", ops->scheme,
			 t->error[0] ? t->error : strerror(-err));
		free(t);
		return err;
	}
	add_built(&t->caps);
	*ret_target = t;
	return 0;
}

void target_close(struct target *t)
{
	if (!t)
		return;
	t->ops->close(t);
	free(t);
}

int target_hold(const char *address, struct target_hold **ret_hold, char *error)
{
	const struct target_ops *ops = find_scheme(address, error);
	struct target_hold *h;
	char why[256] = "";
	int err;

	*ret_hold = NULL;
	if (!ops)
		return -EPROTONOSUPPORT;
	if (!ops->hold)
		return 0;
	h = calloc(1, sizeof(*h));
	err = h ? ops->hold(address + strlen(ops->scheme) + 1, &h->hold, why) : -ENOMEM;
	if (err) {
		snprintf(error, 256, "%s: %.200s", ops->scheme, *why ? why : strerror(-err));
		free(h);
		return err;
	}
	h->ops = ops;
	*ret_hold = h;
	return 0;
}

int target_release(struct target_hold *h, char *error)
{
	int err = h ? h->ops->release(h->hold, error) : 0;

	free(h);
	return err;
}

int target_recover(char *error)
{
	int n = 0;

	for (size_t i = 0; target_all[i]; i++) {
		int one = target_all[i]->recover ? target_all[i]->recover(error) : 0;

		if (one < 0)
			return one;
		n += one;
	}
	return n;
}

int target_options(struct target *t, const char *options, const char *const *keys,
		   int (*set)(void *ctx, const char *key, const char *value), void *ctx)
{
	_cleanup_free_ char *copy = strdup(options);
	size_t nkeys = 0;
	char *save = NULL;

	if (!copy)
		return -ENOMEM;
	while (keys[nkeys])
		nkeys++;
	for (char *o = strtok_r(copy, ",", &save); o; o = strtok_r(NULL, ",", &save)) {
		char *value = strchr(o, '=');
		const char *near;
		int err;

		if (value)
			*value++ = 0;
		err = set(ctx, o, value ? value : "");
		if (err == -ENOENT) {
			near = text_nearest_of(o, keys, nkeys);
			return target_fail(t, -EINVAL, "unknown option '%.40s'%s%s%s", o,
					   near ? "; did you mean '" : "", near ? near : "",
					   near ? "'?" : "");
		}
		if (err && !t->error[0])
			target_fail(t, err, "option '%.40s': bad value '%.60s'", o,
				    value ? value : "");
		if (err)
			return err;
	}
	return 0;
}
