// SPDX-License-Identifier: GPL-2.0-or-later
/* `nvrig drive ls` and `show`: what there is, what the bench file says, what the guards find. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "event/event.h"
#include "rig/drive.h"
#include "rig/plan.h"

struct listing {
	const struct drive_args *args;
	struct bench_file file;
	bool *seen;		  /* of the file's drives */
	struct json_object *list; /* NULL: lines */
	unsigned n;
};

static struct guard_ask ask_of(const struct drive_args *args, const struct guard_drive *d,
			       const struct bench_drive *line, const char *why)
{
	return (struct guard_ask){ .root = "",
				   .drive = d,
				   .line = line,
				   .why_no_line = why,
				   .light = d->emulated.yes && !line,
				   .harm = line ? line->may : HARM_NONE,
				   .words = &args->words,
				   .pid = getpid() };
}

/* ---- ls ---- */

static void keep_refusal(void *ctx, const struct guard *g, const struct guard_finding *f)
{
	char *text = ctx;

	(void)g;
	if (f->verdict == GUARD_REFUSE && !text[0])
		snprintf(text, GUARD_TEXT, "%s", f->text);
}

static void put(struct listing *l, const char *alias, const struct guard_drive *d, const char *may,
		const char *state)
{
	char address[GUARD_NAME + 16] = "-";
	struct json_object *o;

	if (d->kind)
		guard_drive_address(d, address, sizeof(address));
	if (!l->list) {
		printf("%-12s %-22s %-20s %-24s %-8s %s\n", alias ? alias : "-", address,
		       d->serial[0] ? d->serial : "-", d->model[0] ? d->model : "-", may, state);
		return;
	}
	o = json_object_new_object();
	event_str(o, "alias", alias);
	event_str(o, "address", d->kind ? address : NULL);
	event_str(o, "serial", d->serial);
	event_str(o, "model", d->model);
	event_bool(o, "emulated", d->emulated.yes);
	event_str(o, "may", may);
	event_str(o, "state", state);
	json_object_array_add(l->list, o);
}

static int list_one(void *ctx, const struct guard_drive *d)
{
	struct listing *l = ctx;
	const struct bench_drive *line = bench_file_find(&l->file, d->serial, d->model);
	struct guard_ask a = ask_of(l->args, d, line, "");
	char state[GUARD_TEXT] = "";

	guard_look(&a, 1u << 2 | 1u << 3, keep_refusal, state);
	if (line)
		l->seen[line - l->file.drive] = true;
	put(l, line ? line->alias : NULL, d, line ? harm_name(line->may) : "-",
	    state[0] ? state : "free");
	l->n++;
	return 0;
}

/* A drive that was pulled is still the bench's. */
static void list_absent(struct listing *l)
{
	struct guard_drive d = { .kind = GUARD_NOTHING };

	for (size_t i = 0; i < l->file.n; i++) {
		const struct bench_drive *b = &l->file.drive[i];

		if (l->seen[i])
			continue;
		snprintf(d.serial, sizeof(d.serial), "%s", b->serial);
		snprintf(d.model, sizeof(d.model), "%s", b->model);
		put(l, b->alias, &d, harm_name(b->may), "not in this machine");
	}
}

int drive_ls(const struct drive_args *a)
{
	struct listing l = { .args = a, .list = a->json ? json_object_new_array() : NULL };
	char error[BENCH_FILE_ERROR];
	int status = RIG_GOOD;

	if (bench_file_load(bench_file_path(), &l.file, error)) {
		fprintf(stderr, "nvrig drive: %s\n", error);
		status = RIG_CONFIG;
	}
	l.seen = calloc(l.file.n + 1, sizeof(*l.seen));
	if (!l.seen)
		return RIG_BROKE;
	if (!a->json)
		printf("%-12s %-22s %-20s %-24s %-8s %s\n", "ALIAS", "ADDRESS", "SERIAL", "MODEL",
		       "MAY", "STATE");
	if (guard_drive_each("", list_one, &l) == -ENOMEM)
		status = RIG_BROKE;
	list_absent(&l);
	if (!l.n && !a->globals.quiet)
		fprintf(stderr,
			"nvrig drive: no drive with a driver of Linux is in this machine\n");
	free(l.seen);
	bench_file_free(&l.file);
	if (a->json)
		return drive_put_json(l.list, status);
	return fflush(stdout) ? RIG_BROKE : status;
}

/* ---- show ---- */

static void put_nodes(const struct guard_drive *d, struct json_object *o)
{
	struct json_object *list = o ? json_object_new_array() : NULL;

	for (unsigned i = 0; i < d->n; i++)
		if (list)
			json_object_array_add(list, json_object_new_string(d->node[i].name));
		else
			printf("%s%s", i ? " " : "nodes    ", d->node[i].name);
	if (list)
		json_object_object_add(o, "nodes", list);
	else
		printf("\n");
}

static void put_drive(const struct guard_drive *d, const struct bench_drive *line,
		      struct json_object *o)
{
	char address[GUARD_NAME + 16];
	const struct {
		const char *name, *value;
	} rows[] = {
		{ "address", address },
		{ "model", d->model },
		{ "serial", d->serial },
		{ "pci", d->pci },
		{ "behind", d->emulated.what },
		{ "alias", line ? line->alias : "" },
		{ "may", line ? harm_name(line->may) : "" },
		{ "owner", line ? line->owner : "" },
		{ "until", line ? line->until : "" },
	};

	guard_drive_address(d, address, sizeof(address));
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		if (!rows[i].value[0])
			continue;
		if (o)
			event_str(o, rows[i].name, rows[i].value);
		else
			printf("%-8s %s\n", rows[i].name, rows[i].value);
	}
	put_nodes(d, o);
}

int drive_show(const struct drive_args *args)
{
	_cleanup_free_ struct guard_drive *d = calloc(1, sizeof(*d));
	struct json_object *o = args->json ? json_object_new_object() : NULL,
			   *guards = o ? json_object_new_array() : NULL;
	struct guard_words silent = { .ask = false };
	char error[BENCH_FILE_ERROR] = "the bench file does not have it";
	const struct bench_drive *line;
	struct bench_file file;
	struct guard_ask a;
	bool untold;
	int status = d ? drive_find(args->which, d) : RIG_BROKE;

	if (status) {
		json_object_put(guards);
		json_object_put(o);
		return status;
	}
	untold = bench_file_load(bench_file_path(), &file, error);
	line = bench_file_find(&file, d->serial, d->model);
	a = ask_of(args, d, line, error);
	a.words = &silent;
	a.light &= !untold;
	put_drive(d, line, o);
	/* G6 and G7 are of a run alone */
	drive_guards(&a, GUARD_EACH & ~(1u << 5 | 1u << 6), guards);
	bench_file_free(&file);
	if (!o)
		return fflush(stdout) ? RIG_BROKE : RIG_GOOD;
	json_object_object_add(o, "guards", guards);
	return drive_put_json(o, RIG_GOOD);
}
