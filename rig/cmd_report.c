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
#include "rig/outputs.h"
#include "rig/report/report.h"
#include "rig/verbs.h"

static_assert(JOURNAL_ERROR <= OUTPUTS_ERROR, "one buffer takes either text");

struct report_args {
	struct globals globals;
	struct outputs outputs;
	const char *run;
	bool list, json;
};

enum { KEY_TO = 0x2000, KEY_FORMATS, KEY_JSON };

static const struct argp_option options[] = {
	{ "to", KEY_TO, "FORMAT[=FILE]", 0,
	  "Report to make, again for more; without FILE or with - on standard output (default tty)",
	  0 },
	{ "formats", KEY_FORMATS, NULL, 0, "List the formats", 0 },
	{ "json", KEY_JSON, NULL, 0, "With --formats: as JSON", 0 },
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
		if (outputs_add(&a->outputs, arg, error))
			argp_error(state, "%s", error);
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

/*
 * After a resume a case may end a second time, and the last end holds: what a case told before its
 * last record is left out. A record is a beginning up to its end, or an end alone.
 */
struct replay {
	struct outputs *outputs;
	struct json_object *last; /* case and attempt -> place where its last record starts */
	struct json_object *open; /* those begun and not ended */
	uint64_t place, last_run_end;
};

static const char *case_key(const struct json_object *e, char *buf, size_t len)
{
	snprintf(buf, len, "%s#%llu", event_get_str(e, "case"),
		 (unsigned long long)event_get_u64(e, "attempt"));
	return buf;
}

static void note_place(void *ctx, struct json_object *e)
{
	struct replay *r = ctx;
	const char *type = event_type(e);
	bool begin = !strcmp(type, "case_begin"), end = !strcmp(type, "case_end");
	uint64_t place = r->place++;
	char key[512];

	if (!strcmp(type, "run_end"))
		r->last_run_end = place;
	if (!begin && !end)
		return;
	case_key(e, key, sizeof(key));
	if (begin || !json_object_object_get_ex(r->open, key, NULL))
		json_object_object_add(r->last, key, json_object_new_uint64(place));
	if (begin)
		json_object_object_add(r->open, key, NULL);
	else
		json_object_object_del(r->open, key);
}

static bool is_superseded(const struct replay *r, const struct json_object *e, uint64_t place)
{
	const char *type = event_type(e);
	char key[512];
	struct json_object *v;

	if (!strcmp(type, "run_end"))
		return place < r->last_run_end;
	if (!*event_get_str(e, "case") || !strcmp(type, "plan"))
		return false;
	return json_object_object_get_ex(r->last, case_key(e, key, sizeof(key)), &v) &&
	       place < json_object_get_uint64(v);
}

static void tell(void *ctx, struct json_object *e)
{
	struct replay *r = ctx;

	if (!is_superseded(r, e, r->place++))
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
static int survey(int fd, struct replay *r, char ret_error[JOURNAL_ERROR])
{
	off_t end;

	r->last = json_object_new_object();
	r->open = json_object_new_object();
	if (!r->last || !r->open)
		return -ENOMEM;
	return journal_load(fd, note_place, r, &end, ret_error);
}

static int replay(int fd, struct replay *r, char ret_error[JOURNAL_ERROR])
{
	off_t end;

	r->place = 0;
	return journal_load(fd, tell, r, &end, ret_error);
}

static int make_reports(struct report_args *a)
{
	char error[OUTPUTS_ERROR] = "", close_error[OUTPUTS_ERROR] = "";
	struct replay r = { .outputs = &a->outputs };
	_cleanup_close_ int fd = open_journal(a->run);
	int err = fd < 0 ? fd : survey(fd, &r, error);

	if (!err)
		err = outputs_open(&a->outputs, &a->globals, error);
	if (!err)
		err = replay(fd, &r, error);
	if (err)
		fprintf(stderr, "nvrig report: %s: %s\n", a->run, *error ? error : strerror(-err));
	if (outputs_close(&a->outputs, !err, close_error) && !err) {
		fprintf(stderr, "nvrig report: %s\n", close_error);
		err = -EIO;
	}
	json_object_put(r.last);
	json_object_put(r.open);
	if (fd < 0)
		return RIG_USAGE;
	return err ? RIG_BROKE : RIG_GOOD;
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
	if (!err && !a.outputs.n)
		err = outputs_add(&a.outputs, "tty", error);
	return err ? RIG_BROKE : make_reports(&a);
}
