// SPDX-License-Identifier: GPL-2.0-or-later
/* `nvrig repro RUN CASE`: a case's trace as a script for nvme-cli. Opens no device. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "event/event.h"
#include "rig/journal_read.h"
#include "rig/replay.h"
#include "rig/repro.h"
#include "rig/verbs.h"

struct repro_args {
	struct globals globals;
	const char *run, *name;
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct repro_args *a = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &a->globals;
		return 0;
	case ARGP_KEY_ARG:
		if (a->name)
			argp_error(state, "one case at a time: %s, %s", a->name, arg);
		else if (a->run)
			a->name = arg;
		else
			a->run = arg;
		return 0;
	case ARGP_KEY_END:
		if (!a->name)
			argp_error(state, "name the run's directory and the case");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_child children[] = { GLOBALS_CHILD, { 0 } };
const struct argp repro_argp = {
	.parser = parse,
	.args_doc = "RUN CASE",
	.doc = "Writes a shell script to standard output that sends with nvme-cli what the case "
	       "sent, where passthrough allows it, and says in comments where it does not. What "
	       "could cost data, the drive or the access to it is commented out. Of a repeated "
	       "case it is the first attempt that went wrong. Cases tell what they sent when they "
	       "fail, all of them with `nvrig run --trace always`.",
	.children = children,
};

/* ---- the journal ---- */

struct search {
	struct repro repro;
	struct replay replay;
	struct json_object *names; /* every case: for the nearest */
	struct json_object *open;  /* records of the attempt being read */
};

static void note(void *ctx, struct json_object *e)
{
	struct search *s = ctx;

	replay_note(&s->replay, e);
}

static bool went_wrong(const struct json_object *end)
{
	const char *v = event_get_str(end, "verdict");

	return !strcmp(v, "FAIL") || !strcmp(v, "KNOWN") || !strcmp(v, "BROKEN");
}

static void keep(struct json_object **place, struct json_object *e)
{
	json_object_put(*place);
	*place = json_object_get(e);
}

/* "ns1": "2048 blocks of 512+0 bytes, ...", as the probe told it. */
static void note_fact(struct search *s, const struct json_object *e)
{
	unsigned bytes = 0, metadata = 0, nsid = 0;
	char key[16];

	if (sscanf(event_get_str(e, "name"), "ns%u", &nsid) != 1 ||
	    sscanf(event_get_str(e, "value"), "%*u blocks of %u+%u", &bytes, &metadata) != 2 ||
	    metadata) /* whether it moves with the blocks is not told */
		return;
	snprintf(key, sizeof(key), "%u", nsid);
	event_u64(s->repro.blocks, key, bytes);
}

/* The attempt that was read takes the place of one that went well. */
static void note_end(struct search *s, struct json_object *e)
{
	if (!s->repro.end || !went_wrong(s->repro.end)) {
		keep(&s->repro.end, e);
		keep(&s->repro.records, s->open);
	}
	json_object_put(s->open);
	s->open = json_object_new_array();
}

static bool is_record(const struct json_object *e)
{
	static const char *const types[] = { "command", "completion", "register", "reset" };

	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		if (!strcmp(event_type(e), types[i]))
			return true;
	return false;
}

static void take(void *ctx, struct json_object *e)
{
	struct search *s = ctx;
	const char *type = event_type(e), *name = event_get_str(e, "case");

	if (!replay_holds(&s->replay, e))
		return;
	if (!strcmp(type, "run_begin"))
		keep(&s->repro.run, e);
	else if (!strcmp(type, "fact"))
		note_fact(s, e);
	else if (!strcmp(type, "case_end"))
		json_object_object_add(s->names, name, NULL);
	if (strcmp(name, s->repro.name))
		return;
	if (!strcmp(type, "case_end"))
		note_end(s, e);
	else if (is_record(e) && strcmp(event_get_str(e, "from"), "health"))
		json_object_array_add(s->open, json_object_get(e));
}

static int search_init(struct search *s, const char *name)
{
	*s = (struct search){ .names = json_object_new_object(),
			      .open = json_object_new_array(),
			      .repro = { .name = name,
					 .records = json_object_new_array(),
					 .blocks = json_object_new_object() } };
	return replay_init(&s->replay);
}

static void search_free(struct search *s)
{
	replay_free(&s->replay);
	json_object_put(s->names);
	json_object_put(s->open);
	json_object_put(s->repro.run);
	json_object_put(s->repro.end);
	json_object_put(s->repro.records);
	json_object_put(s->repro.blocks);
}

/* ---- what is said when there is no script ---- */

static const char *nth_name(const void *ctx, size_t i)
{
	json_object_object_foreach ((struct json_object *)(uintptr_t)ctx, key, none) {
		(void)none;
		if (!i--)
			return key;
	}
	return NULL;
}

static int complain(const struct search *s, const char *run)
{
	const char *name = s->repro.name, *near;

	if (s->repro.end) {
		fprintf(stderr,
			"nvrig repro: %s was %s and has no trace; cases tell what they sent when "
			"they fail, all of them with `nvrig run --trace always`\n",
			name, event_get_str(s->repro.end, "verdict"));
		return RIG_USAGE;
	}
	near = text_nearest(name, nth_name, s->names);
	fprintf(stderr, "nvrig repro: no case '%s' in %s", name, run);
	fprintf(stderr, near ? "; did you mean '%s'?\n" : "\n", near);
	return RIG_USAGE;
}

static int make_script(const struct search *s, const char *run)
{
	if (!json_object_array_length(s->repro.records))
		return complain(s, run);
	return repro_write(stdout, &s->repro) ? RIG_BROKE : RIG_GOOD;
}

int cmd_repro(int argc, char **argv)
{
	struct repro_args a = { 0 };
	char error[JOURNAL_ERROR] = "";
	struct search s;
	off_t end;
	int status, err = verb_parse(&repro_argp, argc, argv, &a);

	if (err)
		return RIG_BROKE;
	_cleanup_close_ int fd = journal_open_run(a.run);

	err = search_init(&s, a.name);
	if (!err)
		err = fd < 0 ? fd : journal_load(fd, note, &s, &end, error);
	if (!err)
		err = journal_load(fd, take, &s, &end, error);
	if (err)
		fprintf(stderr, "nvrig repro: %s: %s\n", a.run, *error ? error : strerror(-err));
	status = fd < 0 ? RIG_USAGE : RIG_BROKE;
	if (!err)
		status = make_script(&s, a.run);
	search_free(&s);
	return status;
}
