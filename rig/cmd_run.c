// SPDX-License-Identifier: GPL-2.0-or-later
/* `nvrig run`: what was asked, is it sensible, then session.c. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "event/event.h"
#include "rig/alias.h"
#include "rig/matrix.h"
#include "rig/matrix_run.h"
#include "rig/session.h"
#include "rig/stack.h"
#include "rig/stack_guest.h"
#include "target/target.h"

static int usage(const char *text)
{
	fprintf(stderr, "nvrig run: %s\n", text);
	return RIG_USAGE;
}

/* ---- reports ---- */

static int add_outputs(const struct run_options *o, struct outputs *outputs, char *error)
{
	int err = o->json ? outputs_add(outputs, "jsonl", error) : 0;

	for (unsigned i = 0; !err && i < o->n_to; i++)
		err = outputs_add(outputs, o->to[i], error);
	if (!err && !o->globals.quiet && !outputs_on_stdout(outputs))
		err = outputs_add(outputs, "tty", error);
	return err;
}

/* ---- what was asked ---- */

static const char *nth_scheme(const void *ctx, size_t i)
{
	(void)ctx;
	return target_all[i] ? target_all[i]->scheme : NULL;
}

/* A way in that does not exist is told before a run is begun for it. */
static bool unknown_scheme(const char *target, char *text, size_t size)
{
	size_t n = strcspn(target, ":");
	char scheme[40];
	const char *near;

	for (size_t i = 0; target_all[i]; i++)
		if (target[n] && strlen(target_all[i]->scheme) == n &&
		    !strncmp(target_all[i]->scheme, target, n))
			return false;
	snprintf(scheme, sizeof(scheme), "%.*s", (int)n, target);
	near = text_nearest(scheme, nth_scheme, NULL);
	snprintf(text, size, "no target '%.80s'; %s%s%s", target, near ? "did you mean '" : "",
		 near ? near : "write SCHEME:ADDRESS, for example model:", near ? ":'?" : "");
	return true;
}

static bool unknown_required(const struct run_options *o, char *text, size_t size)
{
	const struct plan_filter everything = { .allow = HARM_FOREVER };
	struct plan all;
	bool bad = !plan_make(options_suites(o), &everything, NULL, &all) &&
		   require_unknown(&o->require, &all, text, size);

	plan_free(&all);
	return bad;
}

static bool unknown_words(const struct run_options *o, char *text, size_t size)
{
	struct plan_filter f;
	struct plan p;
	bool bad;

	if (options_address(o) && unknown_scheme(options_address(o), text, size))
		return true;
	if (unknown_required(o, text, size))
		return true;
	if (options_filter(o, &f))
		return false;
	bad = plan_unknown(options_suites(o), &f, text, size);
	if (!bad && !plan_make(options_suites(o), &f, NULL, &p)) {
		bad = p.n == 0;
		if (bad)
			snprintf(text, size, "no case is left of --suite, --case and --exclude");
		plan_free(&p);
	}
	options_filter_free(&f);
	return bad;
}

/* An alias of the bench file: where its drive is. 0, or the exit status. */
static int find_alias(struct run_options *o)
{
	const char *target = options_str(o, "target");
	char error[ALIAS_ERROR];
	int err;

	if (!target || !alias_is(target) || options_str(o, "stack"))
		return 0;
	err = alias_find(target, o->address, sizeof(o->address), error);
	if (!err)
		return 0;
	fprintf(stderr, "nvrig run: %s\n", error);
	switch (err) {
	case -ENOENT:
		return RIG_USAGE;
	case -EEXIST:
		return RIG_REFUSED;
	case -EINVAL:
	case -EPERM:
		return RIG_CONFIG;
	default:
		return RIG_BROKE;
	}
}

/* ---- the verb ---- */

static int take_saved(struct run_options *o)
{
	char error[512];
	struct json_object *saved = matrix_is(o->resume) ? matrix_saved_options(o->resume, error)
							 : session_saved_options(o->resume, error);
	int err;

	if (!saved) {
		fprintf(stderr, "nvrig run: %s\n", error);
		return RIG_BROKE;
	}
	err = options_resume(o, saved, error);
	json_object_put(saved);
	return err ? usage(error) : 0;
}

static int config(const char *text)
{
	fprintf(stderr, "nvrig run: %s\n", text);
	return RIG_CONFIG;
}

/* A matrix, once the words are known to be good. */
static int run_matrix(struct run_options *o, int argc, char **argv)
{
	char error[512];

	if (session_check_profiles(error))
		return config(error);
	return matrix_run(o, argc, argv);
}

/* Reads what of configs/ the run needs, before any device. 0 or the exit status. */
static int load_configs(struct session *s, struct stack_config *stack)
{
	char name[STACK_NAME], error[512];
	const char *lacks;
	int err;

	if (session_check_profiles(error))
		return config(error);
	if (!options_str(s->options, "stack"))
		return 0;
	if (options_stack(s->options, name, sizeof(name)))
		return usage("the names of stack and store are too long");
	err = stack_config_load(NULL, name, stack, error);
	if (err)
		return err == -ENOENT || err == -EDOM ? usage(error) : config(error);
	if (options_str(s->options, "target") && strcmp(stack->kind, STACK_GUEST)) {
		snprintf(error, sizeof(error), "'%.80s' or --stack %.80s, not both",
			 options_str(s->options, "target"), name);
		return usage(error);
	}
	lacks = stack_guest_lacks(stack, options_str(s->options, "target"));
	if (lacks) {
		fprintf(stderr, "nvrig run: stack %s: %s\n", name, lacks);
		return RIG_BROKE;
	}
	s->stack = stack;
	return 0;
}

int run_asked(struct run_options *o, int argc, char **argv)
{
	struct stack_config stack;
	struct outputs outputs = { .n = 0 };
	struct session s = {
		.options = o, .outputs = &outputs, .argc = argc, .argv = argv, .stop = { .fd = -1 }
	};
	char text[OUTPUTS_ERROR];
	int status = o->resume ? take_saved(o) : 0;

	if (status)
		return status;
	if (options_default(o)) {
		fprintf(stderr, "nvrig run: no random seed: %s\n", strerror(errno));
		return RIG_BROKE;
	}
	status = find_alias(o);
	if (status)
		return status;
	if (unknown_words(o, text, sizeof(text)))
		return usage(text);
	if (matrix_asked(o))
		return run_matrix(o, argc, argv);
	status = load_configs(&s, &stack);
	if (status)
		return status;
	if (o->dry_run)
		return session_dry_run(&s);
	if (add_outputs(o, &outputs, text)) {
		char ignored[OUTPUTS_ERROR];

		outputs_close(&outputs, false, ignored);
		return usage(text);
	}
	return session_run(&s);
}

int cmd_run(int argc, char **argv)
{
	struct run_options o = { .asked = json_object_new_object() };
	int status = RIG_BROKE;

	if (o.asked && !verb_parse(&run_argp, argc, argv, &o))
		status = run_asked(&o, argc, argv);
	options_free(&o);
	return status;
}
