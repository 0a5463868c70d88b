// SPDX-License-Identifier: GPL-2.0-or-later
/* What surrounds a case: the target opened before it, health and canaries looked at after it. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "kit/internal.h"
#include "nvme/identity.h"

#define HEALTH_TIMEOUT_NS (3 * NS_PER_S)

struct kit *kit_of(struct rig *r)
{
	return rig_env(r);
}

void kit_trouble(struct rig *r, int err, const char *doing)
{
	kit_trouble_on(r, kit_of(r)->c, err, doing);
}

void kit_trouble_on(struct rig *r, struct ctrl *c, int err, const char *doing)
{
	struct kit *k = kit_of(r);
	const char *error = c ? c->t->error : k->t ? k->t->error : "";
	const char *who = c && c == k->peer ? "the peer: " : "";
	uint32_t csts = 0;

	switch (err) {
	case -ETIMEDOUT:
		if (c && (!ctrl_has_regs(c) || reg_read32(c, REG_CSTS, &csts)))
			rig_fail(r, "%s%s: no answer within the time it has (%s)", who, doing,
				 error[0] ? error : "registers cannot be read");
		rig_fail(r, "%s%s: no answer within the time it has (CSTS %08Xh)", who, doing,
			 csts);
	case -ENODEV:
		rig_fail(r, "%s%s: the controller is gone (%s)", who, doing,
			 error[0] ? error : "registers read all ones");
	case -ECANCELED:
		rig_broken(r, "%s%s: the device is taken away from the rig: %s", who, doing, error);
	case -EIO:
		rig_fail(r, "%s%s: refused or CSTS.CFS set", who, doing);
	case -EPROTO:
		rig_fail(r, "%s%s: the device's side answers garbage: %s", who, doing, error);
	case -EPERM:
		rig_skip(r, "guard", "%s%s: %s", who, doing, error);
	case -ENOTSUP:
		rig_skip(r, "needs", "%s%s: %s", who, doing,
			 error[0] ? error : "this way in does not do it");
	case -ENOMEM:
		rig_broken(r, "%s: out of DMA memory", doing);
	case -ENOSPC:
		rig_broken(r, "%s: the submission queue is full", doing);
	default:
		rig_broken(r, "%s: %s", doing, strerror(-err));
	}
}

/* The guards let the device be harmed that was probed: is it still that, and nobody's? */
static void check_may_harm(struct rig *r, struct target *t)
{
	const struct facts *f = rig_facts(r);

	if (rig_harm(r) == HARM_NONE || !t->caps.of_machine || (!f && target_may_harm(&t->caps)))
		return;
	if (!f || !target_may_harm(&f->caps))
		rig_skip(r, "guard", "harm is not done here: %s", t->caps.behind);
	if (t->caps.dev != f->caps.dev || (f->caps.emulated && !t->caps.emulated))
		rig_broken(r, "another device is at that address now: %s", t->caps.behind);
	if (f->caps.emulated && t->caps.busy)
		rig_skip(r, "busy", "harm is not done to what is in use: %s", t->caps.behind);
	if (identity_check(t, f))
		rig_broken(r, "it is not the drive that the guards looked at: %s", t->error);
}

static int is_same(struct target *t, const void *ctx)
{
	return identity_check(t, ctx);
}

/* What the guards let is let through the door as well. */
static void open_door(struct kit *k, const struct facts *f)
{
	if (!k->t->caps.of_machine || !f || !f->caps.cleared)
		return;
	k->token = (struct door_token){ .renew = is_same, .ctx = f };
	door_show(k->t, &k->token);
}

static void begin(struct rig *r, const char *target)
{
	struct kit *k = calloc(1, sizeof(*k)); /* not rig_mem: it outlives what is deferred */
	char error[256];
	int err;

	if (!k)
		rig_broken(r, "out of memory");
	k->r = r;
	k->address = target;
	rig_set_env(r, k);
	err = target_open(target, &k->t, error);
	if (err)
		rig_broken(r, "%s", error);
	check_may_harm(r, k->t);
	open_door(k, rig_facts(r));
}

/* Findings of the audit become failed checks; the rule's name says whether it is advice. */
static void audit(struct rig *r, const char *who, const char *rule, const char *text)
{
	struct check_site site = *CHECK_SITE(0, 0);

	site.should = !strncmp(rule, "should:", 7);
	site.hard = !site.should;
	check_true(r, &site, false, "audit%s %s: %s", who, site.should ? rule + 7 : rule, text);
}

void kit_audit(void *ctx, const char *rule, const char *text)
{
	audit(ctx, "", rule, text);
}

void kit_audit_peer(void *ctx, const char *rule, const char *text)
{
	audit(ctx, " of the peer", rule, text);
}

static void check_canaries(struct kit *k, const struct ctrl *c)
{
	int64_t at;

	for (struct buf *b = c->bufs; b; b = b->next) {
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

/* "health: Identify works after the case", and of which controller that is. */
static const char *health_of(const struct kit *k, const struct ctrl *c)
{
	return c == k->peer ? "health of the peer" : "health";
}

static void cured(struct kit *k, struct ctrl *c, int err, const char *by)
{
	check_true(k->r, CHECK_SITE(0, 0), false, "%s: Identify works after the case (%s; %s)",
		   health_of(k, c), strerror(-err), by);
}

/* Identify as things stand; else after a Controller Reset; else after a Function Level Reset. */
static int look_alive(struct kit *k, struct ctrl *c)
{
	struct ctrl_config cfg = ctrl_defaults(c);
	struct target *t = c->t;
	int err;

	if (c->enabled && (c->native || sq_room(c->asq))) {
		err = identify_ok(c);
		if (!err || err == -ECANCELED || k->health_off)
			return err;
	} else {
		err = ctrl_enable(c, &cfg, NULL);
		if (!err)
			err = identify_ok(c);
		if (!err)
			return 0;
	}
	if (!ctrl_enable(c, &cfg, NULL) && !identify_ok(c)) {
		cured(k, c, err, "a Controller Reset cured it");
		return 0;
	}
	if (t->ops->reset && !t->ops->reset(t, RESET_FLR) && !ctrl_enable(c, &cfg, NULL) &&
	    !identify_ok(c)) {
		cured(k, c, err, "only a Function Level Reset cured it");
		return 0;
	}
	return err ? err : -EIO;
}

static void check_health(struct kit *k, struct ctrl *c)
{
	uint32_t csts = 0;
	uint8_t warning, before = rig_facts(k->r) ? rig_facts(k->r)->critical_warning : 0;
	int err = ctrl_has_regs(c) ? reg_read32(c, REG_CSTS, &csts) : 0;
	bool was_enabled = c->enabled;
	const char *of = health_of(k, c);

	if (!err && csts == 0xffffffffu)
		err = -ENODEV;
	if (err) {
		check_true(k->r, CHECK_SITE(0, 0), false,
			   "%s: the controller answers after the case (%s)", of, strerror(-err));
		return;
	}
	if (was_enabled)
		check_true(k->r, CHECK_SITE(0, 0), !(csts & CSTS_CFS),
			   "%s: CSTS.CFS is 0 after the case", of);
	c->admin_timeout_ns = HEALTH_TIMEOUT_NS;
	err = look_alive(k, c);
	if (err == -ECANCELED) {
		rig_note(k->r, "%s not looked at: the device is taken away from the rig", of);
		return;
	}
	if (!check_true(k->r, CHECK_SITE(0, 0), !err, "%s: Identify works after the case%s%s", of,
			err ? ": " : "", err ? strerror(-err) : ""))
		return;
	if (!smart_warning(c, &warning))
		check_true(k->r, CHECK_SITE(0, 0), !(warning & ~before),
			   "%s: SMART critical warning after the case: got %02Xh, want %02Xh", of,
			   warning, before);
}

/* What either controller may still write to is freed once both are quiet. */
static void close_both(struct kit *k)
{
	if (k->peer)
		ctrl_disable(k->peer, NULL);
	ctrl_close(k->c);
	ctrl_close(k->peer);
}

static void look_back(struct kit *k)
{
	uint64_t asked = k->c->trace.n, peer_asked = k->peer ? k->peer->trace.n : 0;

	check_canaries(k, k->c);
	if (k->peer)
		check_canaries(k, k->peer);
	if (k->health_off)
		rig_note(k->r, "health not looked at: %s", k->health_why);
	else
		check_health(k, k->c);
	if (k->peer && !k->health_off)
		check_health(k, k->peer);
	if (rig_is_traced(k->r))
		kit_tell_trace(k, asked, peer_asked);
}

static void end(struct rig *r)
{
	struct kit *k = kit_of(r);

	if (!k)
		return;
	if (k->c)
		look_back(k);
	close_both(k);
	if (k->t)
		target_close(k->t);
	free(k);
	rig_set_env(r, NULL);
}

int rig_reopen(struct rig *r)
{
	struct kit *k = kit_of(r);
	char error[256];
	int err;

	close_both(k);
	k->c = k->peer = NULL;
	k->ordinary = k->peer_ordinary = NULL;
	if (k->t)
		target_close(k->t);
	k->t = NULL;
	err = target_open(k->address, &k->t, error);
	if (err)
		rig_note(r, "opening the target again: %s", error);
	if (err)
		return err;
	check_may_harm(r, k->t);
	open_door(k, rig_facts(r));
	return 0;
}

const struct case_env kit_env = { .begin = begin, .end = end };

void rig_health_off(struct rig *r, const char *why)
{
	struct kit *k = kit_of(r);

	k->health_off = true;
	snprintf(k->health_why, sizeof(k->health_why), "%s", why);
}
