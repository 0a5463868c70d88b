// SPDX-License-Identifier: GPL-2.0-or-later
/* `nvrig replay`: files in, a suite of them out, and then all is as `nvrig run` does it. */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "rig/replay_shrink.h"
#include "rig/session.h"
#include "suites/replay.h"
#include "target/target.h"

#define FILES_MAX 64
#define ROW_NAME  64

enum { KEY_SHRINK = 0x3000 };

struct replay_options {
	struct run_options run;
	const char *file[FILES_MAX];
	unsigned files;
	const char *shrink; /* NULL: play, do not shrink */
};

/* "SCHEME:...", of a scheme that there is. */
static bool is_target(const char *word)
{
	size_t n = strcspn(word, ":");

	for (size_t i = 0; word[n] && target_all[i]; i++)
		if (strlen(target_all[i]->scheme) == n && !strncmp(target_all[i]->scheme, word, n))
			return true;
	return false;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct replay_options *o = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &o->run;
		return 0;
	case KEY_SHRINK:
		o->shrink = arg;
		return 0;
	case ARGP_KEY_ARG:
		if (is_target(arg))
			return ARGP_ERR_UNKNOWN; /* run's parser takes it */
		if (o->files == FILES_MAX)
			argp_error(state, "at most %d files", FILES_MAX);
		else
			o->file[o->files++] = arg;
		return 0;
	case ARGP_KEY_END:
		if (!o->files)
			argp_error(state, "name a replay file");
		if (o->run.resume)
			argp_error(state, "--resume: a replay is begun anew");
		if (o->shrink && o->files != 1)
			argp_error(state, "--shrink takes one replay file at a time");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_option own_options[] = {
	{ "shrink", KEY_SHRINK, "FILE", 0,
	  "Play it over and over with steps taken out, each time in a run of its own, and write "
	  "the "
	  "shortest that still fails as it did at first",
	  0 },
	{ 0 },
};

static const struct argp_child children[] = { { &run_argp, 0, NULL, 0 }, { 0 } };

const struct argp replay_argp = {
	.options = own_options,
	.parser = parse,
	.args_doc = "FILE... [DRIVE]",
	.doc = "Sends the commands of replay files, which robust.sqe-storm leaves in the artifacts "
	       "of a run, and judges the answers as it did. All else is as `nvrig run` does it.",
	.children = children,
};

/* ---- the suite ---- */

struct stock {
	struct script script[FILES_MAX];
	struct replay_row row[FILES_MAX];
	char name[FILES_MAX][ROW_NAME];
	unsigned n;
};

/* The file's name without its folder and ending, in the letters that names of rows have. */
static void name_row(struct stock *s, const char *path)
{
	const char *base = strrchr(path, '/'), *end;
	char *name = s->name[s->n];
	size_t at = 0;

	base = base ? base + 1 : path;
	end = strrchr(base, '.');
	for (; *base && base != end && at < ROW_NAME - 8; base++)
		name[at++] =
			isalnum((unsigned char)*base) ? (char)tolower((unsigned char)*base) : '-';
	name[at] = 0;
	for (unsigned i = 0; i < s->n; i++)
		if (!strcmp(s->name[i], name)) {
			snprintf(name + at, ROW_NAME - at, "-%u", s->n + 1);
			break;
		}
	s->row[s->n] = (struct replay_row){ name, &s->script[s->n] };
}

static int load(struct stock *s, const struct replay_options *o)
{
	char error[SCRIPT_ERROR];

	for (; s->n < o->files; s->n++) {
		int err = script_load(o->file[s->n], &s->script[s->n], error);

		if (err) {
			fprintf(stderr, "nvrig replay: %s\n", error);
			return err;
		}
		name_row(s, o->file[s->n]);
	}
	return 0;
}

static int run(struct replay_options *o, int argc, char **argv)
{
	struct stock *s = calloc(1, sizeof(*s));
	struct rig_suite suite;
	struct rig_case c;
	const struct rig_suite *const suites[] = { &suite, NULL };
	int status = RIG_USAGE;

	if (!s)
		return RIG_BROKE;
	if (!load(s, o) && o->shrink) {
		status = replay_shrink(&o->run, &s->script[0], o->shrink);
	} else if (s->n == o->files) {
		replay_case(&c, s->row, s->n);
		replay_suite(&suite, &c);
		o->run.suites = suites;
		status = run_asked(&o->run, argc, argv);
	}
	for (unsigned i = 0; i < s->n; i++)
		script_free(&s->script[i]);
	free(s);
	return status;
}

int cmd_replay(int argc, char **argv)
{
	struct replay_options o = { .run.asked = json_object_new_object() };
	int status = RIG_BROKE;

	if (o.run.asked && !verb_parse(&replay_argp, argc, argv, &o))
		status = run(&o, argc, argv);
	options_free(&o.run);
	return status;
}
