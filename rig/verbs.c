// SPDX-License-Identifier: GPL-2.0-or-later
#include "rig/verbs.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"

const struct verb verbs[] = {
	{ "run", "[DRIVE]", "Run cases on a drive or a stack and give verdicts.", &run_argp,
	  cmd_run },
	{ "list", "[CASE...]", "List the cases: rule, reference, needs, harm. Opens no device.",
	  &list_argp, cmd_list },
	{ "probe", "DRIVE", "Say what a target is and what it can do.", &probe_argp, cmd_probe },
	{ "report", "RUN", "Remake reports from a run's events. Opens no device.", &report_argp,
	  cmd_report },
	{ "repro", "RUN CASE", "Write a shell script that does what a case did, with nvme-cli.",
	  &repro_argp, cmd_repro },
	{ "replay", "FILE... DRIVE", "Send the commands of a replay file again, and judge the answers.",
	  &replay_argp, cmd_replay },
	{ "faults", "[FAULT...]", "Prove that each case can fail: run it against its faults.",
	  &faults_argp, cmd_faults },
	{ "serve", "model:[OPTIONS]", "Be a device: the model, to vfio-user clients or NVMe/TCP hosts.", &serve_argp,
	  cmd_serve },
	{ "vm", "[-- COMMAND...]", "Boot the guest of a stack; a shell or one command in it.", &vm_argp,
	  cmd_vm },
	{ "bench", "TARGET...", "Measure targets under a load: IOPS, latencies, what the rig costs.",
	  &bench_argp, cmd_bench },
	{ "drive", "ls|watch|show|adopt|release|label [DRIVE]",
	  "The drives of this machine, and which of them may be changed.", &drive_argp, cmd_drive },
	{ "doctor", "", "Say what this machine lacks and what that costs.", &doctor_argp,
	  cmd_doctor },
	{ "help", "[VERB]", "Explain a verb; print the man page or the completion.", &help_argp,
	  cmd_help },
	{ 0 },
};

const struct exit_status exit_statuses[] = {
	{ RIG_GOOD, "something passed; nothing failed, broke or was lost" },
	{ RIG_DRIVE_FAILED, "a drive failed (FAIL, UNSTABLE)" },
	{ RIG_BROKE, "the rig broke (BROKEN, LOST, a named target that is not there, less ran than "
		     "--require asks) and no drive failed" },
	{ RIG_REFUSED, "refused by a guard before the run began; the guard is named" },
	{ RIG_STOPPED, "stopped early: signal, time limit, power; --resume can go on" },
	{ RIG_WORSE, "a measure is worse than the limit; no FAIL" },
	{ RIG_USAGE, "usage: unknown option, unknown case, no case selected" },
	{ RIG_NOTHING_RAN, "nothing ran: all N/A or SKIP" },
	{ RIG_CONFIG, "a configuration file is wrong" },
	{ 0 },
};

const struct verb *verb_find(const char *name)
{
	for (const struct verb *v = verbs; v->name; v++)
		if (!strcmp(v->name, name))
			return v;
	return NULL;
}

static const char *nth_verb(const void *ctx, size_t i)
{
	(void)ctx;
	return verbs[i].name;
}

const char *verb_nearest(const char *word)
{
	return text_nearest(word, nth_verb, NULL);
}

/* ---- options of every verb ---- */

enum { KEY_COLOUR = 0x1000, KEY_PROGRESS };

static const struct argp_option global_options[] = {
	{ "help", 'h', NULL, 0, "This text", 1 },
	{ "verbose", 'v', NULL, 0, "Passing checks too", 1 },
	{ "quiet", 'q', NULL, 0, "No progress, no talk", 1 },
	{ "color", KEY_COLOUR, "WHEN", 0,
	  "Colours: auto (a terminal, and NO_COLOR not set), always, never", 1 },
	{ "colour", KEY_COLOUR, NULL, OPTION_ALIAS | OPTION_HIDDEN, NULL, 1 },
	{ "progress", KEY_PROGRESS, "HOW", 0,
	  "Progress: auto (a redrawn line on a terminal), plain, none", 1 },
	{ 0 },
};

/* Index of the word in a NULL-terminated list; usage error naming them when it is in none. */
static int choice(struct argp_state *state, const char *option, const char *word,
		  const char *const *words)
{
	for (int i = 0; words[i]; i++)
		if (!strcmp(word, words[i]))
			return i;
	argp_error(state, "--%s=%s: one of %s, %s, %s", option, word, words[0], words[1], words[2]);
	return 0;
}

static error_t parse_global(int key, char *arg, struct argp_state *state)
{
	static const char *const when[] = { "auto", "always", "never", NULL };
	static const char *const how[] = { "auto", "plain", "none", NULL };
	struct globals *g = state->input;

	switch (key) {
	case 'h':
		argp_state_help(state, stdout, ARGP_HELP_STD_HELP);
		return 0;
	case 'v':
		g->verbose = true;
		return 0;
	case 'q':
		g->quiet = true;
		return 0;
	case KEY_COLOUR:
		g->colour = (enum when)choice(state, "color", arg, when);
		return 0;
	case KEY_PROGRESS:
		g->progress = (enum progress)choice(state, "progress", arg, how);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

const struct argp globals_argp = { .options = global_options, .parser = parse_global };

/* The row of a long option, by name or by what it begins with, as getopt_long takes it. */
static const struct argp_option *option_row(const struct argp *argp, const char *name, size_t len)
{
	for (const struct argp_option *o = argp->options; o && (o->name || o->key || o->doc); o++)
		if (o->name && !strncmp(o->name, name, len))
			return o;
	for (const struct argp_child *c = argp->children; c && c->argp; c++) {
		const struct argp_option *o = option_row(c->argp, name, len);

		if (o)
			return o;
	}
	return NULL;
}

/* The following word belongs to this option: --color WHEN. An alias has its forerunner's value. */
static bool takes_next_word(const struct argp_option *o)
{
	while (o->flags & OPTION_ALIAS)
		o--;
	return o->arg && !(o->flags & OPTION_ARG_OPTIONAL);
}

int globals_end(int argc, char **argv)
{
	int i = 1;

	while (i < argc && argv[i][0] == '-' && argv[i][1]) {
		const char *name = argv[i] + 2;
		size_t len = strcspn(name, "=");
		const struct argp_option *o = NULL;

		if (argv[i][1] == '-')
			o = len ? option_row(&globals_argp, name, len) : NULL;
		i += o && !name[len] && takes_next_word(o) ? 2 : 1;
	}
	return i < argc ? i : argc;
}

bool globals_colour(const struct globals *g, int fd)
{
	const char *no = getenv("NO_COLOR"), *term = getenv("TERM");

	if (g->colour != WHEN_AUTO)
		return g->colour == WHEN_ALWAYS;
	return isatty(fd) && !(no && *no) && !(term && !strcmp(term, "dumb"));
}

bool globals_redraw(const struct globals *g, int fd)
{
	const char *term = getenv("TERM");

	return g->progress == PROGRESS_AUTO && isatty(fd) && !(term && !strcmp(term, "dumb"));
}

/* ---- parsing ---- */

/* The option names of an argp and its children, counted through by *i. */
static const char *nth_option(const struct argp *argp, size_t *i)
{
	for (const struct argp_option *o = argp->options; o && (o->name || o->key || o->doc); o++)
		if (o->name && !(o->flags & OPTION_HIDDEN) && !(*i)--)
			return o->name;
	for (const struct argp_child *c = argp->children; c && c->argp; c++) {
		const char *name = nth_option(c->argp, i);

		if (name)
			return name;
	}
	return NULL;
}

static const char *next_option(const void *ctx, size_t i)
{
	return nth_option(ctx, &i);
}

/* argp says "unrecognized option" and no more; this says which one was meant. */
static void refuse_unknown(const struct argp *argp, const char *who, int argc, char **argv)
{
	for (int i = 1; i < argc && strcmp(argv[i], "--"); i++) {
		const struct argp_option *o;
		char name[64];
		const char *near;
		size_t len;

		if (strncmp(argv[i], "--", 2))
			continue;
		len = strcspn(argv[i] + 2, "=");
		o = option_row(argp, argv[i] + 2, len);
		if (o) {
			i += !argv[i][2 + len] && takes_next_word(o);
			continue;
		}
		snprintf(name, sizeof(name), "%.*s", (int)len, argv[i] + 2);
		near = text_nearest(name, next_option, argp);
		fprintf(stderr, "%s: no option --%s", who, name);
		if (near)
			fprintf(stderr, "; did you mean --%s?\n", near);
		else
			fprintf(stderr, "; `%s --help` lists them\n", who);
		exit(RIG_USAGE);
	}
}

int verb_parse(const struct argp *argp, int argc, char **argv, void *input)
{
	char who[64];
	char *name = argv[0];
	int err;

	snprintf(who, sizeof(who), "nvrig %s", name);
	argp_err_exit_status = RIG_USAGE;
	refuse_unknown(argp, who, argc, argv);
	argv[0] = who;
	err = argp_parse(argp, argc, argv, ARGP_NO_HELP, NULL, input);
	argv[0] = name;
	return err;
}
