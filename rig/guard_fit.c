// SPDX-License-Identifier: GPL-2.0-or-later
/* G8 and G9: the drive has room for what would be done to it, and is well. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rig/guard.h"
#include "rig/guard_ask.h"
#include "rig/guard_tree.h"
#include "rig/wear.h"

#define ZERO_CELSIUS 273
#define HOT_DEFAULT  70 /* where the drive tells no threshold of its own */

/* ---- G8 ---- */

void guard_budget(const struct guard_ask *a, struct guard_finding *ret)
{
	char error[WEAR_ERROR];
	uint64_t used = 0;

	if (a->light || a->harm < HARM_DATA) {
		guard_na(ret, a->light ? "emulated: nothing wears" : "nothing is written");
		return;
	}
	if (!a->line || !a->line->wear_bytes) {
		guard_pass(ret, "some %llu bytes would be written; no budget is kept",
			   (unsigned long long)a->bytes);
		return;
	}
	if (wear_used(a->drive, &used, error))
		guard_refuse(ret, "%s", error);
	else if (used > a->line->wear_bytes || a->bytes > a->line->wear_bytes - used)
		guard_refuse(
			ret,
			"%llu bytes would be written, and of its budget of %llu (wear, bench file) "
			"%llu are used: pick fewer cases, or raise it",
			(unsigned long long)a->bytes, (unsigned long long)a->line->wear_bytes,
			(unsigned long long)used);
	else
		guard_pass(ret, "some %llu bytes would be written; %llu of %llu are used",
			   (unsigned long long)a->bytes, (unsigned long long)used,
			   (unsigned long long)a->line->wear_bytes);
}

/* ---- G9 ---- */

static void look_at_link(const struct guard_ask *a, struct guard_finding *f)
{
	char dir[PATH_MAX], word[SYSFS_WORD];
	unsigned width;

	if (!a->line || !a->line->link_width)
		return;
	if (!a->drive->pci[0] || !tree_at(dir, a->root, "/sys/bus/pci/devices/%s", a->drive->pci) ||
	    sscanf(sysfs_word(dir, "current_link_width", word), "%u", &width) != 1)
		guard_refuse(
			f,
			"how wide its link is cannot be found out; link-width = 0 asks for none");
	else if (width < a->line->link_width)
		guard_refuse(f, "its link has %u lanes, and the bench file wants %u: reseat it",
			     width, a->line->link_width);
}

static void look_at_heat(const struct guard_ask *a, const struct guard_answer *id,
			 const struct guard_health *h, struct guard_finding *f)
{
	unsigned celsius = h->kelvin > ZERO_CELSIUS ? h->kelvin - ZERO_CELSIUS : 0;
	unsigned limit = HOT_DEFAULT;

	if (id->warning_kelvin > ZERO_CELSIUS)
		limit = id->warning_kelvin - ZERO_CELSIUS;
	if (a->line && a->line->hot)
		limit = a->line->hot;
	if (celsius >= limit)
		guard_refuse(f,
			     "it is %u degrees Celsius, and from %u on no run begins: let it cool",
			     celsius, limit);
	guard_pass(f,
		   "no critical warning, %u degrees of at most %u, no sanitize or self-test runs",
		   celsius, limit);
}

static void look_at_health(const struct guard_ask *a, struct guard_finding *f)
{
	struct guard_answer id;
	struct guard_health h;
	char error[GUARD_ERROR];

	if (guard_ask_identify(a->drive, &id, error) || guard_ask_health(a->drive, &h, error)) {
		guard_refuse(f, "%s", error);
		return;
	}
	if (h.warning)
		guard_refuse(f, "its Critical Warning is %02Xh: it is not well enough to be judged",
			     h.warning);
	if (h.sanitize || h.self_test)
		guard_refuse(f, "%s is running: wait for its end",
			     h.sanitize ? "a sanitize" : "a self-test");
	look_at_heat(a, &id, &h, f);
}

void guard_fit(const struct guard_ask *a, struct guard_finding *ret)
{
	if (a->light) {
		guard_na(ret, "emulated");
		return;
	}
	look_at_link(a, ret);
	if (a->drive->kind == GUARD_NVME)
		look_at_health(a, ret);
	else
		guard_pass(ret, "no NVMe drive: its health is not asked");
}
