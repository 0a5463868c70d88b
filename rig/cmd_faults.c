// SPDX-License-Identifier: GPL-2.0-or-later
/* `nvrig faults`: proof that each case can fail. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "model/model.h"
#include "rig/faults.h"
#include "rig/plan.h"
#include "rig/stop.h"
#include "rig/verbs.h"

#define DEADLINE_S 30

struct faults_args {
	struct globals globals;
	struct fault_options options;
	const char **patterns;
	const char **faults;
	size_t n_faults;
	bool json;
};

enum {
	KEY_JSON = 0x100,
	KEY_FAULT,
	KEY_CASE,
	KEY_EFFORT,
	KEY_PRESET,
	KEY_PROMISED,
	KEY_SAMPLE,
	KEY_PART,
	KEY_EVERY_ROW,
	KEY_DEADLINE
};

/* clang-format off */
static const struct argp_option options[] = {
	{ "fault", KEY_FAULT, "NAME", 0, "Only this fault (repeatable)", 0 },
	{ "case", KEY_CASE, "PATTERN", 0, "Only these cases (repeatable)", 0 },
	{ "effort", KEY_EFFORT, "EFFORT", 0,
	  "Of the cases that name the fault: quick, normal, soak (default normal); the others run "
	  "quick", 0 },
	{ "preset", KEY_PRESET, "NAME", 0,
	  "On this preset of the model alone (default: every case on the first model that has a use "
	  "for it, without a preset or with one)", 0 },
	{ "promised", KEY_PROMISED, NULL, 0, "Only the cases that name the fault", 0 },
	{ "sample", KEY_SAMPLE, NULL, 0,
	  "Of the cases that do not name the fault one in sixteen, and of that one row, others for each "
	  "fault", 0 },
	{ "part", KEY_PART, "K/N", 0, "Only every N-th fault, from the K-th on (1/8)", 0 },
	{ "every-row", KEY_EVERY_ROW, NULL, 0,
	  "Also the rows that never ask the model about the fault, which go the same way without it, "
	  "and all that meet a fault which many meet, not one in sixteen of them: slow, the proof of "
	  "that", 0 },
	{ "deadline", KEY_DEADLINE, "SECONDS", 0, "Of every case (default 30)", 0 },
	{ "jobs", 'j', "N", 0, "Workers at a time (default: one a processor)", 0 },
	{ "json", KEY_JSON, NULL, 0, "One JSON document", 0 },
	{ 0 },
};
/* clang-format on */

static unsigned number(struct argp_state *state, const char *name, const char *arg, unsigned max)
{
	uint64_t v = 0;

	if (text_number(arg, &v) || v < 1 || v > max)
		argp_error(state, "--%s=%s: a number from 1 to %u", name, arg, max);
	return (unsigned)v;
}

static void parse_part(struct faults_args *a, struct argp_state *state, const char *arg)
{
	struct fault_options *o = &a->options;
	char end;

	if (sscanf(arg, "%u/%u%c", &o->part, &o->parts, &end) != 2 || o->part < 1 ||
	    o->part > o->parts)
		argp_error(state, "--part=%s: K/N, with K from 1 to N", arg);
}

static error_t init(struct faults_args *a, struct argp_state *state)
{
	size_t n = (size_t)state->argc + 1;

	state->child_inputs[0] = &a->globals;
	a->patterns = calloc(n, sizeof(*a->patterns));
	a->faults = calloc(n, sizeof(*a->faults));
	return a->patterns && a->faults ? 0 : ENOMEM;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct faults_args *a = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		return init(a, state);
	case ARGP_KEY_ARG:
	case KEY_FAULT:
		a->faults[a->n_faults++] = arg;
		return 0;
	case KEY_CASE:
		a->patterns[a->options.n_patterns++] = arg;
		return 0;
	case KEY_EFFORT:
		if (effort_find(arg) < 0)
			argp_error(state, "--effort=%s: one of quick, normal, soak", arg);
		else
			a->options.effort = (enum rig_effort)effort_find(arg);
		return 0;
	case KEY_PRESET:
		a->options.preset = arg;
		return 0;
	case KEY_PROMISED:
		a->options.promised_only = true;
		return 0;
	case KEY_SAMPLE:
		a->options.sample = true;
		return 0;
	case KEY_PART:
		parse_part(a, state, arg);
		return 0;
	case KEY_EVERY_ROW:
		a->options.every_row = true;
		return 0;
	case KEY_DEADLINE:
		a->options.deadline_s = number(state, "deadline", arg, 86400);
		return 0;
	case 'j':
		a->options.jobs = number(state, "jobs", arg, 64);
		return 0;
	case KEY_JSON:
		a->json = true;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_child children[] = { GLOBALS_CHILD, { 0 } };

const struct argp faults_argp = {
	.options = options,
	.parser = parse,
	.args_doc = "[FAULT...]",
	.doc = "Runs the suites on a model controller that does one thing wrong, for every fault "
	       "of the model or those named, and tells which cases turned red as they promise, "
	       "which did not, which others the fault turned red too, and which are red without "
	       "cause: their rows never had the model asked about the fault. Exit status 1 unless "
	       "every case is killed by every fault it names, none is red without cause, and the "
	       "model without a fault has no FAIL.",
	.children = children,
};

/* ---- which faults ---- */

static const char *nth_fault(const void *ctx, size_t i)
{
	(void)ctx;
	return i < FAULT_COUNT ? fault_all[i].name : NULL;
}

static int usage(const char *text)
{
	fprintf(stderr, "nvrig faults: %s\n", text);
	return RIG_USAGE;
}

static int take_faults(const struct faults_args *a, struct fault_matrix *m)
{
	char text[256];

	m->faults = calloc(FAULT_COUNT + a->n_faults, sizeof(*m->faults));
	if (!m->faults)
		return RIG_BROKE;
	for (size_t i = 0; !a->n_faults && i < FAULT_COUNT; i++)
		if (!a->options.parts || i % a->options.parts == a->options.part - 1)
			m->faults[m->n_faults++] = &fault_all[i];
	for (size_t i = 0; i < a->n_faults; i++) {
		int f = fault_find(a->faults[i]);
		const char *near = text_nearest(a->faults[i], nth_fault, NULL);

		if (f >= 0) {
			m->faults[m->n_faults++] = &fault_all[f];
			continue;
		}
		snprintf(text, sizeof(text), "no fault '%.80s'%s%s%s", a->faults[i],
			 near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
		return usage(text);
	}
	return 0;
}

static const char *nth_preset(const void *ctx, size_t i)
{
	(void)ctx;
	return model_preset_name(i);
}

static int check_preset(const char *name)
{
	const char *near = name ? text_nearest(name, nth_preset, NULL) : NULL;
	char text[256];

	for (size_t i = 0; name && model_preset_name(i); i++)
		if (!strcmp(name, model_preset_name(i)))
			name = NULL;
	if (!name)
		return 0;
	snprintf(text, sizeof(text), "no preset '%.80s'%s%s%s", name,
		 near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
	return usage(text);
}

/* ---- progress ---- */

static void show_progress(void *ctx, size_t done, size_t all, const struct fault *fault)
{
	const struct globals *g = ctx;
	const char *name = fault ? fault->name : "the clean model";

	if (g->quiet || g->progress == PROGRESS_NONE)
		return;
	if (globals_redraw(g, STDERR_FILENO))
		fprintf(stderr, "\r\033[K%zu of %zu: %s", done + 1, all, name);
	else if (g->progress == PROGRESS_PLAIN)
		fprintf(stderr, "%zu of %zu: %s\n", done + 1, all, name);
}

static void clear_progress(const struct globals *g)
{
	if (!g->quiet && globals_redraw(g, STDERR_FILENO))
		fprintf(stderr, "\r\033[K");
}

/* ---- the verb ---- */

static int prove(struct faults_args *a, struct fault_matrix *m)
{
	int err = faults_run(m, &a->options);

	clear_progress(&a->globals);
	if (err == -EINTR) {
		fprintf(stderr, "nvrig faults: stopped by signal\n");
		return RIG_STOPPED;
	}
	if (err) {
		fprintf(stderr, "nvrig faults: %s\n", strerror(-err));
		return RIG_BROKE;
	}
	if (a->json)
		faults_print_json(m);
	else
		faults_print(m, a->globals.verbose);
	return faults_proved(m) ? RIG_GOOD : RIG_DRIVE_FAILED;
}

static int check_and_prove(struct faults_args *a, struct fault_matrix *m)
{
	const struct plan_filter f = { .cases = a->patterns, .n_cases = a->options.n_patterns };
	char text[300];
	int status = take_faults(a, m);

	if (!status)
		status = check_preset(a->options.preset);
	if (status)
		return status;
	if (plan_unknown(suites_all, &f, text, sizeof(text)))
		return usage(text);
	return prove(a, m);
}

int cmd_faults(int argc, char **argv)
{
	long processors = sysconf(_SC_NPROCESSORS_ONLN);
	struct faults_args a = { .options = { .effort = EFFORT_NORMAL,
					      .jobs = processors > 0 ? (unsigned)processors : 1,
					      .deadline_s = DEADLINE_S,
					      .progress = show_progress } };
	struct fault_matrix m = { .n_cases = 0 };
	struct stop stop = { .fd = -1 };
	int status = RIG_BROKE;

	if (!verb_parse(&faults_argp, argc, argv, &a) && !stop_listen(&stop)) {
		a.options.stop = &stop;
		a.options.patterns = a.patterns;
		a.options.progress_ctx = &a.globals;
		status = check_and_prove(&a, &m);
	}
	faults_free(&m);
	stop_close(&stop);
	free(a.patterns);
	free(a.faults);
	return status;
}
