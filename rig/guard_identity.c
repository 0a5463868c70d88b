// SPDX-License-Identifier: GPL-2.0-or-later
/* G1: it is the drive that was named, by what it answers itself, and there is no other such. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "rig/guard.h"
#include "rig/guard_ask.h"

/* ---- two of one serial ---- */

struct twins {
	const struct guard_drive *d;
	char other[GUARD_NAME];
};

static bool is_same(const struct guard_drive *a, const struct guard_drive *b)
{
	for (unsigned i = 0; i < a->n; i++)
		if (guard_drive_node(b, a->node[i].block, a->node[i].dev))
			return true;
	return !strcmp(a->name, b->name);
}

static int look_at_twin(void *ctx, const struct guard_drive *d)
{
	struct twins *t = ctx;

	if (strcmp(d->serial, t->d->serial) || strcmp(d->model, t->d->model) || is_same(d, t->d))
		return 0;
	snprintf(t->other, sizeof(t->other), "%s", d->name);
	return 1;
}

static void look_for_twins(const struct guard_ask *a, struct guard_finding *f)
{
	struct twins t = { .d = a->drive };

	if (guard_drive_each(a->root, look_at_twin, &t))
		guard_refuse(
			f,
			"%s has serial %s and model %s as well: which one is meant cannot be told; "
			"take one of them out",
			t.other[0] ? t.other : "(out of memory)", a->drive->serial,
			a->drive->model);
}

/* ---- what it answers ---- */

/* The node that was named leads where it led when it was looked up. */
static void look_again(const struct guard_ask *a, struct guard_finding *f)
{
	_cleanup_free_ struct guard_drive *now = calloc(1, sizeof(*now));
	char error[GUARD_ERROR];
	int err;

	if (!now)
		guard_refuse(f, "out of memory");
	if (!now || a->drive->kind == GUARD_FUNCTION)
		return;
	err = guard_drive_of(a->root, a->drive->type, a->drive->dev, now, error);
	if (!a->drive->type) /* looked up by its PCI function */
		err = guard_drive_of_function(a->root, a->drive->pci, now, error);
	if (err)
		guard_refuse(f, "%s is gone: %s", a->drive->name, error);
	else if (strcmp(now->serial, a->drive->serial) || strcmp(now->model, a->drive->model))
		guard_refuse(f, "another drive is at %s now: %s, serial %s; it was %s, serial %s",
			     a->drive->name, now->model, now->serial, a->drive->model,
			     a->drive->serial);
}

static void look_at_answer(const struct guard_ask *a, struct guard_finding *f)
{
	struct guard_answer id;
	char error[GUARD_ERROR];

	if (a->drive->kind != GUARD_NVME || a->root[0])
		return;
	if (guard_ask_identify(a->drive, &id, error))
		guard_refuse(f, "%s", error);
	else if (strcmp(id.serial, a->drive->serial) || strcmp(id.model, a->drive->model))
		guard_refuse(f,
			     "%s answers Identify as %.40s, serial %.20s, and Linux has it as %s, "
			     "serial "
			     "%s: another drive is there; look which, and begin anew",
			     a->drive->name, id.model, id.serial, a->drive->model,
			     a->drive->serial);
}

void guard_identity(const struct guard_ask *a, struct guard_finding *ret)
{
	const struct guard_drive *d = a->drive;

	if (d->kind == GUARD_FUNCTION) {
		if (a->light)
			guard_pass(ret, "%s", d->emulated.what);
		else
			guard_refuse(ret,
				     "%s has no driver to ask who it is: bind it to nvme, nvrig "
				     "takes it from there itself",
				     d->name);
		return;
	}
	look_again(a, ret);
	if (a->light) {
		guard_pass(ret, "%s: %s", d->opened[0] ? d->opened : d->name, d->emulated.what);
		return;
	}
	if (!d->serial[0]) {
		guard_refuse(
			ret,
			"%s tells no serial number, so nobody can say that it is the right one%s",
			d->name,
			d->kind == GUARD_DISK ? "; name the drive below it, if it lies on one"
					      : "");
		return;
	}
	look_for_twins(a, ret);
	look_at_answer(a, ret);
	guard_pass(ret, "%s, serial %s, by %s", d->model, d->serial,
		   d->kind == GUARD_NVME ? "its own Identify" : "sysfs");
}
