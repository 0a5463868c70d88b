// SPDX-License-Identifier: GPL-2.0-or-later
/* What surrounds a case: the target opened before it, health and canaries looked at after it. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "kit/internal.h"

#define HEALTH_TIMEOUT_NS (3 * NS_PER_S)

struct kit *kit_of(struct rig *r)
{
	return rig_env(r);
}

void kit_trouble(struct rig *r, int err, const char *doing)
{
	struct kit *k = kit_of(r);
	uint32_t csts = 0;

	switch (err) {
	case -ETIMEDOUT:
		if (k->c)
			reg_read32(k->c, REG_CSTS, &csts);
		rig_fail(r, "%s: no answer within the time it has (CSTS %08Xh)", doing, csts);
	case -ENODEV:
		rig_fail(r, "%s: the controller is gone (%s)", doing,
			 k->t && k->t->error[0] ? k->t->error : "registers read all ones");
	case -EIO:
		rig_fail(r, "%s: refused or CSTS.CFS set", doing);
	case -EPROTO:
		rig_fail(r, "%s: the device's side answers garbage: %s", doing, k->t->error);
	case -ENOMEM:
		rig_broken(r, "%s: out of DMA memory", doing);
	case -ENOSPC:
		rig_broken(r, "%s: the submission queue is full", doing);
	default:
		rig_broken(r, "%s: %s", doing, strerror(-err));
	}
}

static void begin(struct rig *r, const char *target)
{
	struct kit *k = calloc(1, sizeof(*k)); /* not rig_mem: it outlives what is deferred */
	char error[256];
	int err;

	if (!k)
		rig_broken(r, "out of memory");
	k->r = r;
	rig_set_env(r, k);
	err = target_open(target, &k->t, error);
	if (err)
		rig_broken(r, "%s", error);
}

/* Findings of the audit become failed checks; the rule's name says whether it is advice. */
void kit_audit(void *ctx, const char *rule, const char *text)
{
	struct rig *r = ctx;
	struct check_site site = *CHECK_SITE(0, 0);

	site.should = !strncmp(rule, "should:", 7);
	site.hard = !site.should;
	check_true(r, &site, false, "audit %s: %s", site.should ? rule + 7 : rule, text);
}

static void check_canaries(struct kit *k)
{
	int64_t at;

	for (struct buf *b = k->c->bufs; b; b = b->next) {
		at = buf_broken(b);
		if (at != BUF_INTACT)
			check_true(k->r, CHECK_SITE(0, 0), false,
				   "canary: byte %lld of a buffer of %zu bytes was written by the "
				   "device",
				   (long long)at, b->len);
	}
}

static int identify_ok(struct ctrl *c)
{
	uint8_t data[4096];
	struct cmd cmd = cmd_identify(0x01, 0, data);
	struct cpl cpl;
	int err = ctrl_admin(c, &cmd, &cpl);

	if (err)
		return err;
	return cpl.status == SC_SUCCESS ? 0 : -EIO;
}

static int smart_warning(struct ctrl *c, uint8_t *ret)
{
	uint8_t data[512];
	struct cmd cmd = cmd_get_log(NVME_LOG_LID_SMART, NSID_ALL, 0, data, sizeof(data));
	struct cpl cpl;
	int err = ctrl_admin(c, &cmd, &cpl);

	if (err)
		return err;
	if (cpl.status != SC_SUCCESS)
		return -EIO;
	*ret = data[0];
	return 0;
}

/* Identify as things stand; else after a Controller Reset; else after a Function Level Reset. */
static int look_alive(struct kit *k)
{
	struct ctrl *c = k->c;
	struct ctrl_config cfg = ctrl_defaults(c);
	int err;

	if (c->enabled && sq_room(c->asq)) {
		err = identify_ok(c);
		if (!err || k->health_off)
			return err;
	} else {
		err = ctrl_enable(c, &cfg, NULL);
		if (!err)
			err = identify_ok(c);
		if (!err)
			return 0;
	}
	if (!ctrl_enable(c, &cfg, NULL) && !identify_ok(c)) {
		check_true(
			k->r, CHECK_SITE(0, 0), false,
			"health: Identify works after the case (%s; a Controller Reset cured it)",
			strerror(-err));
		return 0;
	}
	if (k->t->ops->reset && !k->t->ops->reset(k->t, RESET_FLR) && !ctrl_enable(c, &cfg, NULL) &&
	    !identify_ok(c)) {
		check_true(k->r, CHECK_SITE(0, 0), false,
			   "health: Identify works after the case (%s; only a Function Level Reset "
			   "cured it)",
			   strerror(-err));
		return 0;
	}
	return err ? err : -EIO;
}

static void check_health(struct kit *k)
{
	uint32_t csts = 0;
	uint8_t warning, before = rig_facts(k->r) ? rig_facts(k->r)->critical_warning : 0;
	int err = reg_read32(k->c, REG_CSTS, &csts);
	bool was_enabled = k->c->enabled;

	if (!err && csts == 0xffffffffu)
		err = -ENODEV;
	if (err) {
		check_true(k->r, CHECK_SITE(0, 0), false,
			   "health: the controller answers after the case (%s)", strerror(-err));
		return;
	}
	if (was_enabled)
		check_true(k->r, CHECK_SITE(0, 0), !(csts & CSTS_CFS),
			   "health: CSTS.CFS is 0 after the case");
	k->c->admin_timeout_ns = HEALTH_TIMEOUT_NS;
	err = look_alive(k);
	if (!check_true(k->r, CHECK_SITE(0, 0), !err, "health: Identify works after the case%s%s",
			err ? ": " : "", err ? strerror(-err) : ""))
		return;
	if (!smart_warning(k->c, &warning))
		check_true(k->r, CHECK_SITE(0, 0), !(warning & ~before),
			   "health: SMART critical warning after the case: got %02Xh, want %02Xh",
			   warning, before);
}

static void end(struct rig *r)
{
	struct kit *k = kit_of(r);

	if (!k)
		return;
	if (k->c) {
		uint64_t asked = k->c->trace.n;

		check_canaries(k);
		if (k->health_off)
			rig_note(r, "health not looked at: %s", k->health_why);
		else
			check_health(k);
		if (rig_is_traced(r))
			kit_tell_trace(k, asked);
		ctrl_close(k->c);
	}
	target_close(k->t);
	free(k);
	rig_set_env(r, NULL);
}

const struct case_env kit_env = { .begin = begin, .end = end };

void rig_health_off(struct rig *r, const char *why)
{
	struct kit *k = kit_of(r);

	k->health_off = true;
	snprintf(k->health_why, sizeof(k->health_why), "%s", why);
}
