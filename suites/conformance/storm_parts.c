// SPDX-License-Identifier: GPL-2.0-or-later
#include "storm_parts.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

/* Features that a script may set without saving; in force until a reset, by the text. */
static const uint8_t set_by_scripts[] = { 0x01, 0x08, 0x0a, 0x0b };

struct kept {
	struct rig *r;
	uint8_t fid;
	uint32_t value;
};

/* By value, for a controller may forget to reset them. The controller is the one of that time. */
static void put_back(void *arg)
{
	const struct kept *k = arg;
	struct cmd set = cmd_set_features(k->fid, false, 0, k->value);
	struct cpl cpl;

	ctrl_admin(rig_ctrl(k->r), &set, &cpl);
}

void storm_keep_settings(struct rig *r)
{
	for (size_t i = 0; i < ARRAY_SIZE(set_by_scripts); i++) {
		struct cpl cpl = rig_admin(r, cmd_get_features(set_by_scripts[i], 0, 0, 0));
		struct kept *k;

		if (cpl.status != SC_SUCCESS)
			continue;
		k = rig_mem(r, sizeof(*k));
		*k = (struct kept){ r, set_by_scripts[i], cpl.dw0 };
		rig_defer(r, put_back, k);
	}
}

void storm_stage(struct rig *r, struct play_stage *ret)
{
	const struct facts *f = rig_facts(r);

	if (!f)
		rig_broken(r, "nothing is known of the target");
	if (play_stage(rig_ctrl(r), f, f->caps.emulated, ret))
		rig_na(r, "no namespace of the NVM command set without metadata has room for it");
}

void storm_play(struct rig *r, const struct play_stage *st, const struct script *s,
		struct play_result *ret)
{
	int err = play(st, s, ret);

	if (err == -ENOTSUP)
		rig_na(r, "%s", ret->why_not);
	if (err)
		rig_broken(r, "playing a script: %s", strerror(-err));
}

void storm_check_found(struct rig *r, const struct play_finding *f, const char *what)
{
	struct check_site site = *CHECK_SITE(0, 0);

	site.hard = f->class == PLAY_SILENT || f->class == PLAY_CANARY;
	check_true(r, &site, false, "%s: %s", what, f->text);
}

void storm_check_good(struct rig *r, const struct play_result *res, const char *what)
{
	CHECK_TRUE(r, !res->findings,
		   "%s: %" PRIu64 " commands, %" PRIu64 " refused, %" PRIu64
		   " failed for reasons of the controller's own, %" PRIu64 " events",
		   what, res->commands, res->refused, res->excused, res->events);
}
