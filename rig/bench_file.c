// SPDX-License-Identifier: GPL-2.0-or-later
#include "rig/bench_file.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "rig/config.h"
#include "rig/plan.h"

#define FIELD(member) (sizeof(((struct bench_drive *)NULL)->member) - 1)

static const struct config_key keys[] = {
	{ .name = "serial",
	  .type = CONFIG_TEXT,
	  .min = 1,
	  .max = FIELD(serial),
	  .help = "its serial number, whole; a shell pattern only with emulated = yes" },
	{ .name = "model",
	  .type = CONFIG_TEXT,
	  .min = 1,
	  .max = FIELD(model),
	  .help = "its model number, whole or a shell pattern" },
	{ .name = "may",
	  .type = CONFIG_CHOICE,
	  .unit = "none settings data wear forever",
	  .def = "none",
	  .help = "the highest harm that may be done to it, whatever --allow says" },
	{ .name = "until",
	  .type = CONFIG_DATE,
	  .def = "",
	  .help = "the last day on which that counts" },
	{ .name = "owner",
	  .type = CONFIG_TEXT,
	  .max = FIELD(owner),
	  .def = "",
	  .help = "whose it is" },
	{ .name = "wear",
	  .type = CONFIG_NUMBER,
	  .unit = "bytes",
	  .max = 1ull << 60,
	  .def = "0",
	  .help = "bytes that may be written to it in all; 0: no budget is kept" },
	{ .name = "contents",
	  .type = CONFIG_CHOICE,
	  .unit = "unknown mine",
	  .def = "unknown",
	  .help = "mine: whatever lies on it may go; else file systems and partitions are spared" },
	{ .name = "emulated",
	  .type = CONFIG_BOOL,
	  .def = "no",
	  .help = "it is QEMU's: then its serial may be a pattern" },
	{ .name = "hot",
	  .type = CONFIG_NUMBER,
	  .unit = "degrees Celsius",
	  .max = 150,
	  .def = "0",
	  .help = "from that temperature on no run begins; 0: the drive's own warning threshold" },
	{ .name = "link-width",
	  .type = CONFIG_NUMBER,
	  .unit = "lanes",
	  .max = 32,
	  .def = "0",
	  .help = "lanes that its link must have; 0: any" },
	{ .name = "hours",
	  .type = CONFIG_TEXT,
	  .max = 5,
	  .def = "",
	  .help = "when runs without a terminal may begin, local time: 22-06; empty: any time" },
	{ .name = NULL },
};

const struct config_section config_bench_drive = {
	.name = "drive",
	.title = "its alias, which stands for it on command lines",
	.keys = keys,
	.help = "of the bench file: a drive of this machine that may be changed",
};

const char *bench_file_path(void)
{
	const char *said = getenv("NVRIG_BENCH");

	return said && *said ? said : BENCH_FILE;
}

bool bench_file_is_pattern(const char *s)
{
	return strpbrk(s, "*?[") != NULL;
}

/* ---- whose it is ---- */

/* Of a directory in which nobody can replace what is root's, writing by others is no harm: /tmp. */
static bool is_roots(const struct stat *st)
{
	bool sticky = S_ISDIR(st->st_mode) && st->st_mode & S_ISVTX;

	return st->st_uid == 0 && (sticky || !(st->st_mode & (S_IWGRP | S_IWOTH)));
}

static int say_whose(const char *path, const struct stat *st, char *error)
{
	snprintf(error, BENCH_FILE_ERROR,
		 "%.300s: %s: it is of user %u, mode %04o; chown root and chmod go-w, for what it "
		 "says lets drives be wiped",
		 path, st->st_uid ? "not root's" : "others than root may write it",
		 (unsigned)st->st_uid, (unsigned)st->st_mode & 07777);
	return -EPERM;
}

/* The file and each directory above it, of the path without links. */
static int check_owner(const char *real, char *error)
{
	char path[PATH_MAX];
	struct stat st;

	snprintf(path, sizeof(path), "%s", real);
	for (;;) {
		char *slash = strrchr(path, '/');

		if (lstat(path, &st)) {
			snprintf(error, BENCH_FILE_ERROR, "%.300s: %s", path, strerror(errno));
			return -errno;
		}
		if (!is_roots(&st))
			return say_whose(path, &st, error);
		if (!slash || !path[1])
			return 0;
		slash[slash == path] = 0;
	}
}

/* ---- what it says ---- */

static int say(const char *path, const char *alias, const char *what, char *error)
{
	snprintf(error, BENCH_FILE_ERROR, "%.300s: drive '%.60s': %s", path, alias, what);
	return -EINVAL;
}

static int read_hours(const char *s, struct bench_drive *d)
{
	char rest;

	d->from_hour = d->to_hour = -1;
	if (!*s)
		return 0;
	if (sscanf(s, "%d-%d%c", &d->from_hour, &d->to_hour, &rest) != 2 || d->from_hour < 0 ||
	    d->from_hour > 24 || d->to_hour < 0 || d->to_hour > 24)
		return -EINVAL;
	return 0;
}

static int read_drive(cfg_t *s, const char *path, struct bench_drive *d, char *error)
{
	const char *alias = cfg_title(s);

	if (!*alias || strlen(alias) >= sizeof(d->alias) || strpbrk(alias, ":/ "))
		return say(path, alias, "an alias has 1 to 63 letters, no blank, colon or slash",
			   error);
	strcpy(d->alias, alias);
	snprintf(d->serial, sizeof(d->serial), "%s", config_text(s, "serial"));
	snprintf(d->model, sizeof(d->model), "%s", config_text(s, "model"));
	snprintf(d->until, sizeof(d->until), "%s", config_text(s, "until"));
	snprintf(d->owner, sizeof(d->owner), "%s", config_text(s, "owner"));
	d->may = (enum rig_harm)harm_find(config_text(s, "may"));
	d->wear_bytes = config_number(s, "wear");
	d->mine = !strcmp(config_text(s, "contents"), "mine");
	d->emulated = config_bool(s, "emulated");
	d->hot = (unsigned)config_number(s, "hot");
	d->link_width = (unsigned)config_number(s, "link-width");
	if (read_hours(config_text(s, "hours"), d))
		return say(path, alias, "hours: want FROM-TO, as 22-06", error);
	if (bench_file_is_pattern(d->serial) && !d->emulated && d->may >= HARM_DATA)
		return say(path, alias,
			   "serial: a pattern may stand for another drive; give it whole, or say "
			   "emulated = yes of what is QEMU's",
			   error);
	return 0;
}

static int read_file(const char *path, struct bench_file *f, char *error)
{
	cfg_t *file;
	int err = config_load(path, &config_bench_drive, &file, error);
	unsigned n = err ? 0 : cfg_size(file, "drive");

	if (err)
		return err;
	f->drive = calloc(n + 1, sizeof(*f->drive));
	if (!f->drive)
		err = -ENOMEM;
	for (; !err && f->n < n; f->n++)
		err = read_drive(cfg_getnsec(file, "drive", (unsigned)f->n), path, &f->drive[f->n],
				 error);
	cfg_free(file);
	return err;
}

int bench_file_load(const char *path, struct bench_file *ret, char *error)
{
	char real[PATH_MAX];
	int err;

	*ret = (struct bench_file){ .path = path };
	error[0] = 0;
	if (!realpath(path, real)) {
		if (errno == ENOENT)
			return 0;
		snprintf(error, BENCH_FILE_ERROR, "%.300s: %s", path, strerror(errno));
		return -errno;
	}
	err = check_owner(real, error);
	if (!err)
		err = read_file(real, ret, error);
	if (err)
		bench_file_free(ret);
	return err;
}

void bench_file_free(struct bench_file *f)
{
	free(f->drive);
	f->drive = NULL;
	f->n = 0;
}

const struct bench_drive *bench_file_find(const struct bench_file *f, const char *serial,
					  const char *model)
{
	for (size_t i = 0; i < f->n && *serial; i++) {
		const struct bench_drive *d = &f->drive[i];
		bool same =
			d->emulated ? text_match(d->serial, serial) : !strcmp(d->serial, serial);

		if (same && text_match(d->model, model))
			return d;
	}
	return NULL;
}

const struct bench_drive *bench_file_alias(const struct bench_file *f, const char *alias)
{
	for (size_t i = 0; i < f->n; i++)
		if (!strcmp(f->drive[i].alias, alias))
			return &f->drive[i];
	return NULL;
}
