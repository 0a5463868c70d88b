// SPDX-License-Identifier: GPL-2.0-or-later
#include "rig/options.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/text.h"
#include "event/event.h"
#include "rig/guard.h"

enum {
	KEY_STACK = 0x100,
	KEY_STORE,
	KEY_SUITE,
	KEY_CASE,
	KEY_EXCLUDE,
	KEY_ALLOW,
	KEY_EFFORT,
	KEY_SEED,
	KEY_REPEAT,
	KEY_DEADLINE,
	KEY_KNOWN,
	KEY_NO_KNOWN,
	KEY_RESUME,
	KEY_TO,
	KEY_JSON,
	KEY_FAIL_FAST,
	KEY_STRICT_SKIP,
	KEY_REQUIRE,
	KEY_TRACE,
	KEY_CONFIRM,
	KEY_OVERRIDE,
};

/* clang-format off */
static const struct argp_option table[] = {
	{ NULL, 0, NULL, 0, "What runs:", 1 },
	{ "stack", KEY_STACK, "NAME", 0,
	  "Bring up this stack of configs/stacks and run on it; shell patterns ('guest-*,nvmet-*') run on "
	  "each that they name and sum up in one table. DRIVE beside it: what the run in a guest opens", 0 },
	{ "store", KEY_STORE, "NAME", 0,
	  "Bring it up on this store of configs/stores in place of its own, with layers "
	  "(null-mem+flakey); patterns as for --stack", 0 },
	{ "suite", KEY_SUITE, "AREA", 0, "Only this area: queue, identify ... (repeatable)", 0 },
	{ "case", KEY_CASE, "PATTERN", 0,
	  "Only these cases, shell pattern over area.id or area.id[row] (repeatable)", 0 },
	{ "exclude", KEY_EXCLUDE, "PATTERN", 0, "Not these cases (repeatable)", 0 },
	{ "allow", KEY_ALLOW, "LEVEL", 0,
	  "Highest harm: none, settings, data, wear, forever (default: wear on what is emulated and no "
	  "device of this machine, else none)", 0 },
	{ "confirm", KEY_CONFIRM, "SERIAL", 0,
	  "The serial number of the drive that may be changed, whole: what is asked for at a terminal "
	  "otherwise (docs/safety.md; repeatable)", 0 },
	{ "override", KEY_OVERRIDE, "GUARD:SERIAL", 0,
	  "Waive that guard (G3, G5 to G10) for that drive and this run, where the bench file has may = "
	  "data or more (repeatable)", 0 },
	{ "effort", KEY_EFFORT, "EFFORT", 0,
	  "How long loops are: quick, normal, soak (default normal)", 0 },
	{ "seed", KEY_SEED, "N", 0, "Seed of all that is random (default: a new one)", 0 },
	{ "repeat", KEY_REPEAT, "N", 0, "The whole plan N times", 0 },
	{ "deadline", KEY_DEADLINE, "SECONDS", 0, "Of every case, in place of its own", 0 },
	{ "fail-fast", KEY_FAIL_FAST, NULL, 0, "Stop after the first FAIL or BROKEN", 0 },
	{ "known", KEY_KNOWN, NULL, 0,
	  "Show deviations that the drive's profile lists as KNOWN (default)", 0 },
	{ "no-known", KEY_NO_KNOWN, NULL, 0, "Show them as FAIL", 0 },
	{ "strict-skip", KEY_STRICT_SKIP, NULL, 0, "A SKIP makes the exit status 1", 0 },
	{ "require", KEY_REQUIRE, "N|ID", 0,
	  "Exit status 2 unless N cases ran, or this case did: PASS, FAIL or KNOWN (repeatable)", 0 },
	{ "dry-run", 'n', NULL, 0, "Probe, print the plan, run nothing", 0 },
	{ NULL, 0, NULL, 0, "What comes out:", 2 },
	{ "out", 'o', "DIR", 0,
	  "Where the run's directory is made (default $NVRIG_RUNS, else ./runs)", 0 },
	{ "resume", KEY_RESUME, "DIR", 0, "Go on with a run that was cut or stopped", 0 },
	{ "to", KEY_TO, "FORMAT[=FILE]", 0,
	  "Write this report too; without FILE, or with -, to standard output (repeatable)", 0 },
	{ "trace", KEY_TRACE, "WHEN", 0,
	  "Which cases tell the commands they sent and what came back, the last 64: failed "
	  "(default), always, never", 0 },
	{ "json", KEY_JSON, NULL, 0, "Write the events to standard output, a JSON object a line", 0 },
	{ 0 },
};
/* clang-format on */

static void say(struct run_options *o, const char *key, const char *value)
{
	event_str(o->asked, key, value);
}

static void say_in_list(struct run_options *o, const char *key, const char *value)
{
	struct json_object *list;

	if (!json_object_object_get_ex(o->asked, key, &list)) {
		list = json_object_new_array();
		json_object_object_add(o->asked, key, list);
	}
	json_object_array_add(list, json_object_new_string(value));
}

static void say_number(struct argp_state *state, const char *key, const char *arg, uint64_t min,
		       uint64_t max)
{
	struct run_options *o = state->input;
	uint64_t v = 0;

	if (text_number(arg, &v) || v < min || v > max)
		argp_error(state, "--%s=%s: a number from %llu to %llu", key, arg,
			   (unsigned long long)min, (unsigned long long)max);
	else
		event_u64(o->asked, key, v);
}

static void say_name(struct argp_state *state, const char *key, const char *arg,
		     int (*find)(const char *), const char *list)
{
	if (find(arg) < 0)
		argp_error(state, "--%s=%s: one of %s", key, arg, list);
	else
		say(state->input, key, arg);
}

static error_t parse_list(int key, char *arg, struct run_options *o)
{
	switch (key) {
	case KEY_SUITE:
		say_in_list(o, "suite", arg);
		return 0;
	case KEY_CASE:
		say_in_list(o, "case", arg);
		return 0;
	case KEY_EXCLUDE:
		say_in_list(o, "exclude", arg);
		return 0;
	case KEY_CONFIRM:
		say_in_list(o, "confirm", arg);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static error_t parse_value(int key, char *arg, struct argp_state *state)
{
	struct run_options *o = state->input;
	char error[256];

	switch (key) {
	case KEY_STACK:
		say(o, "stack", arg);
		return 0;
	case KEY_STORE:
		say(o, "store", arg);
		return 0;
	case KEY_ALLOW:
		say_name(state, "allow", arg, harm_find, "none, settings, data, wear, forever");
		return 0;
	case KEY_EFFORT:
		say_name(state, "effort", arg, effort_find, "quick, normal, soak");
		return 0;
	case KEY_OVERRIDE:
		if (guard_check_override(arg, error))
			argp_error(state, "%s", error);
		else
			say_in_list(o, "override", arg);
		return 0;
	case KEY_TRACE:
		say_name(state, "trace", arg, trace_find, "failed, always, never");
		return 0;
	case KEY_SEED:
		say_number(state, "seed", arg, 0, UINT64_MAX);
		return 0;
	case KEY_REPEAT:
		say_number(state, "repeat", arg, 1, 1000);
		return 0;
	case KEY_DEADLINE:
		say_number(state, "deadline", arg, 1, 86400);
		return 0;
	case KEY_KNOWN:
	case KEY_NO_KNOWN:
		json_object_object_add(o->asked, "known",
				       json_object_new_boolean(key == KEY_KNOWN));
		return 0;
	default:
		return parse_list(key, arg, o);
	}
}

static void parse_to(struct argp_state *state, char *arg)
{
	struct run_options *o = state->input;

	if (o->n_to == OPTIONS_TO_MAX)
		argp_error(state, "--to: at most %d reports", OPTIONS_TO_MAX);
	else
		o->to[o->n_to++] = arg;
}

static void parse_target(struct argp_state *state, char *arg)
{
	struct run_options *o = state->input;

	if (options_str(o, "target"))
		argp_error(state, "one drive a run: '%s' or '%s'?", options_str(o, "target"), arg);
	else
		say(o, "target", arg);
}

static void check_whole(struct argp_state *state)
{
	struct run_options *o = state->input;
	const char *target = options_str(o, "target"), *stack = options_str(o, "stack");

	if (options_str(o, "store") && !stack && !o->resume)
		argp_error(state, "--store: of which stack? --stack NAME");
	else if (!target && !stack && !o->resume)
		argp_error(state, "name a drive (model:) or a stack (--stack NAME)");
	else if (o->resume && o->dry_run)
		argp_error(state, "--resume goes on with a plan that is made: no --dry-run");
	else if (o->resume && o->out)
		argp_error(state, "--resume goes on in its own directory: no --out");
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct run_options *o = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &o->globals;
		return 0;
	case ARGP_KEY_ARG:
		parse_target(state, arg);
		return 0;
	case ARGP_KEY_END:
		check_whole(state);
		return 0;
	case 'n':
		o->dry_run = true;
		return 0;
	case 'o':
		o->out = arg;
		return 0;
	case KEY_RESUME:
		o->resume = arg;
		return 0;
	case KEY_TO:
		parse_to(state, arg);
		return 0;
	case KEY_JSON:
		o->json = true;
		return 0;
	case KEY_FAIL_FAST:
		o->fail_fast = true;
		return 0;
	case KEY_STRICT_SKIP:
		o->strict_skip = true;
		return 0;
	case KEY_REQUIRE:
		if (require_add(&o->require, arg))
			argp_error(state, "--require: at most %d cases", REQUIRE_MAX);
		return 0;
	default:
		return parse_value(key, arg, state);
	}
}

static const struct argp_child children[] = { GLOBALS_CHILD, { 0 } };

const struct argp run_argp = {
	.options = table,
	.parser = parse,
	.args_doc = "[DRIVE]",
	.doc = "Run cases on a drive or a stack and give verdicts.",
	.children = children,
};

/* ---- what was asked ---- */

const struct rig_suite *const *options_suites(const struct run_options *o)
{
	return o->suites ? o->suites : suites_all;
}

const char *options_str(const struct run_options *o, const char *key)
{
	const char *s = event_get_str(o->asked, key);

	return *s ? s : NULL;
}

const char *options_address(const struct run_options *o)
{
	return o->address[0] ? o->address : options_str(o, "target");
}

int options_stack(const struct run_options *o, char *ret_name, size_t size)
{
	const char *stack = options_str(o, "stack"), *store = options_str(o, "store");

	if (!stack)
		stack = "";
	return (size_t)snprintf(ret_name, size, "%s%s%s", stack, store ? "@" : "",
				store ? store : "") < size
		       ? 0
		       : -ENAMETOOLONG;
}

uint64_t options_u64(const struct run_options *o, const char *key)
{
	return event_get_u64(o->asked, key);
}

enum rig_trace options_trace(const struct run_options *o)
{
	const char *when = options_str(o, "trace");

	return when ? (enum rig_trace)trace_find(when) : TRACE_FAILED;
}

static bool said(const struct run_options *o, const char *key)
{
	return json_object_object_get_ex(o->asked, key, NULL);
}

int options_default(struct run_options *o)
{
	uint64_t seed;

	if (!said(o, "effort"))
		say(o, "effort", "normal");
	if (!said(o, "known"))
		event_bool(o->asked, "known", true);
	if (said(o, "seed"))
		return 0;
	if (getrandom(&seed, sizeof(seed), 0) != sizeof(seed))
		return -errno;
	event_u64(o->asked, "seed", seed >> 11); /* as exact in JSON as on the command line */
	return 0;
}

int options_resume(struct run_options *o, struct json_object *saved, char *ret_error)
{
	json_object_object_foreach (o->asked, key, value) {
		struct json_object *then;

		if (json_object_object_get_ex(saved, key, &then) && json_object_equal(then, value))
			continue;
		snprintf(ret_error, 256, "the run was begun with another %s (%.80s, now %.80s)",
			 key,
			 json_object_object_get_ex(saved, key, &then)
				 ? json_object_to_json_string(then)
				 : "none",
			 json_object_to_json_string(value));
		return -EINVAL;
	}
	json_object_put(o->asked);
	o->asked = json_object_get(saved);
	return 0;
}

int options_list(const struct run_options *o, const char *key, const char *const **ret,
		     size_t *ret_n)
{
	struct json_object *list;
	const char **words;

	if (!json_object_object_get_ex(o->asked, key, &list) ||
	    !json_object_is_type(list, json_type_array))
		return 0;
	*ret_n = json_object_array_length(list);
	words = calloc(*ret_n + 1, sizeof(*words));
	for (size_t i = 0; words && i < *ret_n; i++)
		words[i] = json_object_get_string(json_object_array_get_idx(list, i));
	*ret = words;
	return words ? 0 : -ENOMEM;
}

int options_filter(const struct run_options *o, struct plan_filter *ret)
{
	const char *allow = options_str(o, "allow");

	*ret = (struct plan_filter){
		.allow = allow ? (enum rig_harm)harm_find(allow) : HARM_NONE,
		.repeat = (unsigned)options_u64(o, "repeat"),
	};
	if (options_list(o, "suite", &ret->areas, &ret->n_areas) ||
	    options_list(o, "case", &ret->cases, &ret->n_cases) ||
	    options_list(o, "exclude", &ret->excludes, &ret->n_excludes)) {
		options_filter_free(ret);
		return -ENOMEM;
	}
	return 0;
}

void options_filter_free(struct plan_filter *f)
{
	free((void *)f->areas);
	free((void *)f->cases);
	free((void *)f->excludes);
	*f = (struct plan_filter){ 0 };
}

void options_free(struct run_options *o)
{
	json_object_put(o->asked);
	o->asked = NULL;
}
