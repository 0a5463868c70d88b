// SPDX-License-Identifier: GPL-2.0-or-later
/* `nvrig report RUN`: events.jsonl -> any report. Opens no device. */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "event/event.h"
#include "rig/journal_read.h"
#include "rig/matrix.h"
#include "rig/outputs.h"
#include "rig/replay.h"
#include "rig/report/report.h"
#include "rig/verbs.h"

static_assert(JOURNAL_ERROR <= OUTPUTS_ERROR, "one buffer takes either text");

struct report_args {
	struct globals globals;
	struct outputs outputs;
	const char *run;
	const char *to[OUTPUTS_MAX]; /* as said: a matrix has formats of its own */
	unsigned n_to;
	bool list, json;
};

enum { KEY_TO = 0x2000, KEY_FORMATS, KEY_JSON };

static const struct argp_option options[] = {
	{ "to", KEY_TO, "FORMAT[=FILE]", 0,
	  "Report to make, again for more; without FILE or with - on standard output (default tty)",
	  0 },
	{ "formats", KEY_FORMATS, NULL, 0, "List the formats", 0 },
	{ "json", KEY_JSON, NULL, 0, "With --formats, or of a matrix: as JSON", 0 },
	{ 0 },
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct report_args *a = state->input;
	char error[OUTPUTS_ERROR];

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &a->globals;
		return 0;
	case KEY_TO:
		if (a->n_to == OUTPUTS_MAX)
			argp_error(state, "--to: at most %d reports", OUTPUTS_MAX);
		a->to[a->n_to++] = arg;
		return 0;
	case KEY_FORMATS:
		a->list = true;
		return 0;
	case KEY_JSON:
		a->json = true;
		return 0;
	case ARGP_KEY_ARG:
		if (a->run)
			argp_error(state, "one RUN at a time: %s, %s", a->run, arg);
		a->run = arg;
		return 0;
	case ARGP_KEY_END:
		if (!a->run && !a->list)
			argp_error(state, "name the run's directory, or its events.jsonl");
		for (unsigned i = 0; a->run && !matrix_is(a->run) && i < a->n_to; i++)
			if (outputs_add(&a->outputs, a->to[i], error))
				argp_error(state, "%s", error);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_child children[] = { GLOBALS_CHILD, { 0 } };
const struct argp report_argp = {
	.options = options,
	.parser = parse,
	.args_doc = "RUN",
	.doc = "Remakes reports from RUN/events.jsonl. Opens no device; the bytes are those that "
	       "`nvrig run --to` wrote. A journal that was cut is reported as far as it goes.",
	.children = children,
};

static void list_formats(bool json)
{
	struct json_object *all = json ? json_object_new_array() : NULL;

	for (size_t i = 0; report_all[i]; i++) {
		const struct report_ops *r = report_all[i];
		struct json_object *row;

		if (!json) {
			printf("%-8s %s\n", r->name, r->help);
			continue;
		}
		row = json_object_new_object();
		json_object_object_add(row, "name", json_object_new_string(r->name));
		json_object_object_add(row, "help", json_object_new_string(r->help));
		json_object_object_add(row, "streams", json_object_new_boolean(r->streams));
		json_object_array_add(all, row);
	}
	if (json)
		puts(json_object_to_json_string_ext(all, JSON_C_TO_STRING_PRETTY |
								 JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(all);
}

/* ---- the journal ---- */

/* The two readings of a journal. */
struct reading {
	struct outputs *outputs;
	struct replay replay;
};

static void note(void *ctx, struct json_object *e)
{
	struct reading *r = ctx;

	replay_note(&r->replay, e);
}

static void tell(void *ctx, struct json_object *e)
{
	struct reading *r = ctx;

	if (replay_holds(&r->replay, e))
		outputs_event(r->outputs, e);
}

/* RUN is the run's directory or the journal itself. */
static int open_journal(const char *run)
{
	_cleanup_free_ char *path = NULL;
	struct stat st;

	if (stat(run, &st))
		return -errno;
	if (asprintf(&path, "%s%s", run, S_ISDIR(st.st_mode) ? "/events.jsonl" : "") < 0)
		return -ENOMEM;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

/* The first reading: which records hold. A journal that is refused is refused here. */
static int survey(int fd, struct reading *r, char ret_error[JOURNAL_ERROR])
{
	off_t end;
	int err = replay_init(&r->replay);

	return err ? err : journal_load(fd, note, r, &end, ret_error);
}

static int tell_all(int fd, struct reading *r, char ret_error[JOURNAL_ERROR])
{
	off_t end;

	return journal_load(fd, tell, r, &end, ret_error);
}

static int make_reports(struct report_args *a)
{
	char error[OUTPUTS_ERROR] = "", close_error[OUTPUTS_ERROR] = "";
	struct reading r = { .outputs = &a->outputs };
	_cleanup_close_ int fd = open_journal(a->run);
	int err = fd < 0 ? fd : survey(fd, &r, error);

	if (!err)
		err = outputs_open(&a->outputs, &a->globals, error);
	if (!err)
		err = tell_all(fd, &r, error);
	if (err)
		fprintf(stderr, "nvrig report: %s: %s\n", a->run, *error ? error : strerror(-err));
	if (outputs_close(&a->outputs, !err, close_error) && !err) {
		fprintf(stderr, "nvrig report: %s\n", close_error);
		err = -EIO;
	}
	replay_free(&r.replay);
	if (fd < 0)
		return RIG_USAGE;
	return err ? RIG_BROKE : RIG_GOOD;
}

/* ---- a matrix ---- */

static int report_matrix(const struct report_args *a)
{
	char error[MATRIX_ERROR];
	struct matrix m = { 0 };
	int err = matrix_load(&m, a->run, error);

	if (!err)
		err = matrix_collect(&m, NULL, error);
	for (unsigned i = 0; !err && i < a->n_to; i++)
		err = matrix_write(&m, a->to[i], a->globals.verbose, error);
	if (!err && (!a->n_to || a->json))
		err = matrix_write(&m, a->json ? "json" : "tty", a->globals.verbose, error);
	if (err)
		fprintf(stderr, "nvrig report: %s\n", error);
	matrix_free(&m);
	return !err ? RIG_GOOD : err == -EINVAL ? RIG_USAGE : RIG_BROKE;
}

int cmd_report(int argc, char **argv)
{
	struct report_args a = { 0 };
	char error[OUTPUTS_ERROR];
	int err = verb_parse(&report_argp, argc, argv, &a);

	if (!err && a.list) {
		list_formats(a.json);
		outputs_close(&a.outputs, false, error);
		return fflush(stdout) || ferror(stdout) ? RIG_BROKE : RIG_GOOD;
	}
	if (!err && matrix_is(a.run))
		return report_matrix(&a);
	if (!err && !a.outputs.n)
		err = outputs_add(&a.outputs, "tty", error);
	return err ? RIG_BROKE : make_reports(&a);
}
