// SPDX-License-Identifier: GPL-2.0-or-later
#include "rig/alias.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "rig/bench_file.h"
#include "rig/guard_drive.h"

struct finding {
	const struct bench_file *file;
	const struct bench_drive *line;
	char *address;
	size_t size;
	char name[2][GUARD_NAME];
	unsigned n;
};

bool alias_is(const char *word)
{
	return !strchr(word, ':');
}

static int look(void *ctx, const struct guard_drive *d)
{
	struct finding *f = ctx;

	if (bench_file_find(f->file, d->serial, d->model) != f->line)
		return 0;
	if (!f->n)
		guard_drive_address(d, f->address, f->size);
	if (f->n < 2)
		snprintf(f->name[f->n], GUARD_NAME, "%s", d->name);
	f->n++;
	return 0;
}

static const char *nth(const void *ctx, size_t i)
{
	const struct bench_file *f = ctx;

	return i < f->n ? f->drive[i].alias : NULL;
}

static int say_unknown(const char *word, const struct bench_file *f, char *error)
{
	const char *near = text_nearest(word, nth, f);

	snprintf(error, ALIAS_ERROR,
		 "no target '%.80s', and no drive of that name in %.200s%s%s%s; a target is "
		 "SCHEME:ADDRESS, for example model:",
		 word, f->path, near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
	return -ENOENT;
}

static int find(const char *word, const struct bench_file *f, char *ret_address, size_t size,
		char *error)
{
	struct finding l = {
		.file = f, .line = bench_file_alias(f, word), .address = ret_address, .size = size
	};
	int err;

	if (!l.line)
		return say_unknown(word, f, error);
	err = guard_drive_each("", look, &l);
	if (err || !l.n) {
		snprintf(error, ALIAS_ERROR, "drive '%.60s', serial %.60s: %s", word,
			 l.line->serial,
			 err ? strerror(-err)
			     : "it is not in this machine, or without a driver of Linux");
		return err ? err : -ENODEV;
	}
	if (l.n == 1)
		return 0;
	snprintf(error, ALIAS_ERROR,
		 "drive '%.60s': %s and %s both are it by the bench file (%.60s): which one is "
		 "meant "
		 "cannot be told",
		 word, l.name[0], l.name[1], l.line->serial);
	return -EEXIST;
}

int alias_find(const char *word, char *ret_address, size_t size, char error[ALIAS_ERROR])
{
	struct bench_file f;
	int err = bench_file_load(bench_file_path(), &f, error);

	if (!err)
		err = find(word, &f, ret_address, size, error);
	bench_file_free(&f);
	return err;
}
