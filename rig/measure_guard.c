// SPDX-License-Identifier: GPL-2.0-or-later
#include "rig/measure_guard.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "rig/guard_hold.h"

static bool writes(const struct measure *m)
{
	for (unsigned i = 0; i < m->cells; i++)
		if (m->cell[i].spec.read_percent < 100)
			return true;
	return false;
}

static void hear(void *ctx, const struct guard *g, const struct guard_finding *f)
{
	char *error = ctx;

	if (f->verdict == GUARD_REFUSE && !error[0])
		snprintf(error, MEASURE_ERROR, "refused by %s (%s): %s", g->id, g->name, f->text);
}

static int look(const struct guard_drive *d, bool hold, struct stop *stop, char *error)
{
	struct guard_words words = { .ask = isatty(STDIN_FILENO) && isatty(STDERR_FILENO),
				     .stop = stop };
	struct guard_ask a = {
		.root = "", .drive = d, .harm = HARM_DATA, .words = &words, .pid = getpid()
	};
	char why[BENCH_FILE_ERROR];
	struct bench_file file;
	int err = bench_file_load(bench_file_path(), &file, why);

	if (!err)
		a.line = bench_file_find(&file, d->serial, d->model);
	a.why_no_line = err ? why : "it is not in the bench file";
	a.light = d->emulated.yes && !a.line && !err;
	err = guard_look(&a, GUARD_EACH, hear, error) ? -EACCES : 0;
	if (!err && hold)
		err = guard_hold(&a, true, false, error);
	bench_file_free(&file);
	return err;
}

int measure_guard(const char *target, const struct measure *m, struct stop *stop,
		  struct guard_drive **ret, char *error)
{
	struct guard_drive *d = calloc(1, sizeof(*d));
	char ignored[GUARD_ERROR];

	*ret = NULL;
	error[0] = 0;
	if (!d)
		return -ENOMEM;
	if (!writes(m) || (m->allow < HARM_DATA && !emulated_in_guest("")) ||
	    guard_drive_find("", target, d, ignored) || d->kind == GUARD_NOTHING ||
	    d->kind == GUARD_FILE) {
		free(d);
		return 0; /* what is wrong with the address is told by who opens it */
	}
	if (!look(d, strncmp(target, "vfio:", 5) != 0, stop, error)) {
		*ret = d;
		return 0;
	}
	guard_drop();
	free(d);
	return -EACCES;
}

void measure_guard_drop(struct guard_drive *d)
{
	guard_drop();
	free(d);
}
