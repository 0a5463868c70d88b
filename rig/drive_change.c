// SPDX-License-Identifier: GPL-2.0-or-later
/* `nvrig drive adopt`, `release` and `label`: what changes the bench file, or a drive. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "event/event.h"
#include "rig/bench_edit.h"
#include "rig/drive.h"
#include "rig/guard_hold.h"
#include "rig/guard_label.h"

#define G(n) (1u << ((n)-1))

static int fail(int status, const char *text)
{
	fprintf(stderr, "nvrig drive: %s\n", text);
	return status;
}

static int end(const struct drive_args *args, const struct guard_drive *d,
	       struct json_object *guards, int status, const char *done)
{
	struct json_object *o;

	if (!args->json) {
		if (done)
			printf("%s\n", done);
		return fflush(stdout) ? RIG_BROKE : status;
	}
	o = json_object_new_object();
	event_str(o, "serial", d->serial);
	event_str(o, "model", d->model);
	event_str(o, "result", status == RIG_REFUSED ? "refused" : status ? "failed" : done);
	json_object_object_add(o, "guards", guards);
	return drive_put_json(o, status);
}

/* ---- adopt ---- */

static const char *cannot(const struct drive_args *args, const struct guard_drive *d,
			  const struct bench_file *f)
{
	static char text[200];

	if (!args->line.alias[0])
		return "adopt: --alias NAME: what is it to be called?";
	if (!d->serial[0])
		return "it tells no serial number, so no line could name it";
	if (bench_file_alias(f, args->line.alias)) {
		snprintf(text, sizeof(text),
			 "'%.60s' is another line's alias already; nvrig drive release it",
			 args->line.alias);
		return text;
	}
	if (bench_file_find(f, d->serial, d->model))
		return "the bench file has that drive already; nvrig drive release it first";
	return NULL;
}

static int adopt(const struct drive_args *args, const struct guard_drive *d,
		 const struct bench_file *f)
{
	struct bench_drive line = args->line;
	struct guard_ask a = { .root = "",
			       .drive = d,
			       .line = &line,
			       .harm = line.may,
			       .words = &args->words,
			       .pid = getpid() };
	struct json_object *guards = args->json ? json_object_new_array() : NULL;
	char error[BENCH_FILE_ERROR], done[400];
	unsigned refused;

	snprintf(line.serial, sizeof(line.serial), "%s", d->serial);
	snprintf(line.model, sizeof(line.model), "%s", d->model);
	line.emulated = d->emulated.yes;
	/* whether a run may go on then is asked again, by all of them; G2 is what is made here */
	refused = drive_guards(&a, G(1) | G(3) | G(4) | G(5) | (args->dry_run ? 0 : G(6)), guards);
	if (refused)
		return end(args, d, guards, RIG_REFUSED, NULL);
	if (args->dry_run) {
		if (!args->json)
			bench_edit_print(stdout, &line);
		snprintf(done, sizeof(done), "would be added to %.300s", f->path);
		return end(args, d, guards, RIG_GOOD, done);
	}
	if (bench_edit_add(f->path, &line, error)) {
		json_object_put(guards);
		return fail(RIG_BROKE, error);
	}
	snprintf(done, sizeof(done), "added to %.300s", f->path);
	return end(args, d, guards, RIG_GOOD, done);
}

int drive_adopt(const struct drive_args *args)
{
	_cleanup_free_ struct guard_drive *d = calloc(1, sizeof(*d));
	char error[BENCH_FILE_ERROR];
	struct bench_file f;
	const char *why;
	int status = d ? drive_find(args->which, d) : RIG_BROKE;

	if (status)
		return status;
	if (bench_file_load(bench_file_path(), &f, error))
		return fail(RIG_CONFIG, error);
	why = cannot(args, d, &f);
	status = why ? fail(RIG_USAGE, why) : adopt(args, d, &f);
	bench_file_free(&f);
	return status;
}

/* ---- release ---- */

int drive_release(const struct drive_args *args)
{
	char error[BENCH_FILE_ERROR];
	const char *path = bench_file_path();
	struct bench_file f;
	int err, status = RIG_GOOD;

	if (bench_file_load(path, &f, error))
		return fail(RIG_CONFIG, error);
	if (!bench_file_alias(&f, args->which)) {
		snprintf(error, sizeof(error), "%.300s has no drive '%.60s'", path, args->which);
		status = fail(RIG_USAGE, error);
	} else if (args->dry_run) {
		printf("drive \"%s\" would be taken out of %s\n", args->which, path);
	} else {
		err = bench_edit_remove(path, args->which, error);
		if (err)
			status = fail(RIG_BROKE, error);
		else
			printf("drive \"%s\" is taken out of %s\n", args->which, path);
	}
	bench_file_free(&f);
	return fflush(stdout) ? RIG_BROKE : status;
}

/* ---- label ---- */

static int write_label(const struct guard_node *n, const char *serial, char *error)
{
	_cleanup_free_ char *block = aligned_alloc(LABEL_BYTES, LABEL_BYTES);
	_cleanup_close_ int fd = guard_node_open("", n, O_RDWR);

	if (!block || fd < 0) {
		snprintf(error, BENCH_FILE_ERROR, "/dev/%.60s: %s", n->name,
			 strerror(block ? -fd : ENOMEM));
		return -EIO;
	}
	label_make(serial, block);
	if (pwrite(fd, block, LABEL_BYTES, 0) != LABEL_BYTES || fsync(fd) ||
	    !label_found(fd, serial)) {
		snprintf(error, BENCH_FILE_ERROR, "/dev/%.60s: the label was not written: %s",
			 n->name, strerror(errno));
		return -EIO;
	}
	return 0;
}

static int write_labels(const struct guard_ask *a, char *error)
{
	int err = guard_hold(a, true, false, error);

	for (unsigned i = 0; !err && i < a->drive->n; i++)
		if (label_goes_on(&a->drive->node[i]))
			err = write_label(&a->drive->node[i], a->drive->serial, error);
	return err;
}

static int label(const struct drive_args *args, const struct guard_drive *d, struct guard_ask *a)
{
	struct json_object *guards = args->json ? json_object_new_array() : NULL;
	char error[BENCH_FILE_ERROR];
	unsigned refused = drive_guards(a, args->dry_run ? GUARD_EACH & ~G(6) : GUARD_EACH, guards);
	int status = RIG_REFUSED;

	if (!refused && args->dry_run)
		status = end(args, d, guards, RIG_GOOD,
			     "the first 4096 bytes of each namespace would be written");
	else if (refused)
		status = end(args, d, guards, RIG_REFUSED, NULL);
	else if (write_labels(a, error))
		status = end(args, d, guards, fail(RIG_BROKE, error), NULL);
	else
		status = end(args, d, guards, RIG_GOOD, "labelled");
	guard_drop();
	return status;
}

int drive_label(const struct drive_args *args)
{
	_cleanup_free_ struct guard_drive *d = calloc(1, sizeof(*d));
	char error[BENCH_FILE_ERROR] =
		"only a drive of the bench file can be labelled: nvrig drive adopt";
	struct bench_file f;
	struct guard_ask a = { .root = "",
			       .drive = d,
			       .harm = HARM_DATA,
			       .bytes = LABEL_BYTES,
			       .why_no_line = error,
			       .words = &args->words,
			       .pid = getpid() };
	int status = d ? drive_find(args->which, d) : RIG_BROKE;

	if (status)
		return status;
	if (bench_file_load(bench_file_path(), &f, error))
		return fail(RIG_CONFIG, error);
	a.line = bench_file_find(&f, d->serial, d->model);
	status = label(args, d, &a);
	bench_file_free(&f);
	return status;
}
