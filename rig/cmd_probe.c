// SPDX-License-Identifier: GPL-2.0-or-later
/* `nvrig probe`: what a target is and what it can do. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "event/event.h"
#include "rig/probe.h"
#include "rig/stop.h"
#include "rig/verbs.h"

struct probe_args {
	struct globals globals;
	const char *target;
	bool json;
};

enum { KEY_JSON = 0x100 };

/* clang-format off */
static const struct argp_option options[] = {
	{ "json", KEY_JSON, NULL, 0, "One JSON document", 0 },
	{ 0 },
};
/* clang-format on */

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct probe_args *a = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &a->globals;
		return 0;
	case ARGP_KEY_ARG:
		if (a->target)
			argp_error(state, "one drive at a time: '%s' or '%s'?", a->target, arg);
		a->target = arg;
		return 0;
	case ARGP_KEY_END:
		if (!a->target)
			argp_error(state, "name a drive, for example model:");
		return 0;
	case KEY_JSON:
		a->json = true;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_child children[] = { GLOBALS_CHILD, { 0 } };

const struct argp probe_argp = {
	.options = options,
	.parser = parse,
	.args_doc = "DRIVE",
	.doc = "Says what a target is and what it can do: it is opened, its controller enabled, "
	       "asked "
	       "and left disabled.",
	.children = children,
};

static void print_fact(void *ctx, const char *name, const char *value, const char *note)
{
	(void)ctx;
	printf("%-24s %s%s%s\n", name, value, note && *note ? "  " : "", note ? note : "");
}

static void add_fact(void *ctx, const char *name, const char *value, const char *note)
{
	struct json_object *fact = json_object_new_object();

	event_str(fact, "name", name);
	event_str(fact, "value", value);
	event_str(fact, "note", note);
	json_object_array_add(ctx, fact);
}

/* Also on failure the document is there, with its error. */
static void print_json(const char *target, const struct facts *f, const char *error)
{
	struct json_object *doc = json_object_new_object(), *facts = json_object_new_array();

	event_str(doc, "target", target);
	event_bool(doc, "alive", f && f->alive);
	if (f && !f->alive)
		event_str(doc, "trouble", f->trouble);
	event_str(doc, "error", error);
	if (f)
		facts_each(f, add_fact, facts);
	json_object_object_add(doc, "facts", facts);
	printf("%s\n", json_object_to_json_string_ext(doc, JSON_C_TO_STRING_PRETTY |
								   JSON_C_TO_STRING_SPACED |
								   JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(doc);
}

static int status_of(int err)
{
	if (err == -EINVAL || err == -EPROTONOSUPPORT)
		return RIG_USAGE;
	return err == -EINTR ? RIG_STOPPED : RIG_BROKE;
}

int cmd_probe(int argc, char **argv)
{
	struct probe_args a = { 0 };
	struct stop stop;
	struct facts *f;
	char error[PROBE_ERROR];
	int err, status = RIG_GOOD;

	if (verb_parse(&probe_argp, argc, argv, &a))
		return RIG_BROKE;
	f = calloc(1, sizeof(*f));
	if (!f || stop_listen(&stop)) {
		free(f);
		fprintf(stderr, "nvrig probe: %s\n", strerror(errno));
		return RIG_BROKE;
	}
	err = probe_target(a.target, PROBE_DEADLINE_S, &stop, f, error);
	if (err)
		fprintf(stderr, "nvrig probe: %s\n", error);
	else if (!f->alive)
		fprintf(stderr, "nvrig probe: %s does not come up: %s\n", a.target, f->trouble);
	if (a.json)
		print_json(a.target, err ? NULL : f, err ? error : NULL);
	else if (!err)
		facts_each(f, print_fact, NULL);
	if (err)
		status = status_of(err);
	else if (!f->alive)
		status = RIG_BROKE;
	stop_close(&stop);
	free(f);
	return status;
}
