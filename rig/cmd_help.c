// SPDX-License-Identifier: GPL-2.0-or-later
/* `nvrig help`: the tables of verbs.h for people, machines, man and bash. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rig/help.h"
#include "rig/verbs.h"

struct help_args {
	struct globals globals;
	const char *verb;
	const char *shell;
	bool json, man;
};

enum { KEY_JSON = 0x3000, KEY_MAN, KEY_COMPLETION };

static const struct argp_option options[] = {
	{"json",				      KEY_JSON, NULL, 0, "Verbs, options and exit statuses as JSON", 0 },
	{ "man",				       KEY_MAN, NULL, 0, "The man page nvrig.1", 0 },
	{ "completion", KEY_COMPLETION, "SHELL", 0, "The completion for a shell: bash", 0 },
	{ 0					 },
};

static void refuse_verb(struct argp_state *state, const char *word)
{
	const char *near = verb_nearest(word);

	if (near)
		argp_error(state, "no verb '%s'; did you mean %s?", word, near);
	else
		argp_error(state, "no verb '%s'; `nvrig help` lists them", word);
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct help_args *a = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &a->globals;
		return 0;
	case KEY_JSON:
		a->json = true;
		return 0;
	case KEY_MAN:
		a->man = true;
		return 0;
	case KEY_COMPLETION:
		if (strcmp(arg, "bash"))
			argp_error(state, "--completion=%s: only bash is there", arg);
		a->shell = arg;
		return 0;
	case ARGP_KEY_ARG:
		if (!verb_find(arg))
			refuse_verb(state, arg);
		if (a->verb)
			argp_error(state, "one verb at a time: %s, %s", a->verb, arg);
		a->verb = arg;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_child children[] = { GLOBALS_CHILD, { 0 } };
const struct argp help_argp = {
	.options = options,
	.parser = parse,
	.args_doc = "[VERB]",
	.doc = "Explains a verb, or lists them.",
	.children = children,
};

static void list_verbs(void)
{
	puts("nvrig " NVRIG_VERSION ": conformance rig for NVMe drives and virtual controllers\n\n"
	     "usage: nvrig [OPTION...] VERB [OPTION...] [ARGUMENT...]\n");
	for (const struct verb *v = verbs; v->name; v++)
		printf("  %-7s %s\n", v->name, v->help);
	puts("\nA first run, of the controller inside nvrig:\n"
	     "  nvrig run model:\n"
	     "`nvrig VERB --help` explains a verb. Exit status:");
	for (const struct exit_status *s = exit_statuses; s->meaning; s++)
		printf("  %-3d %s\n", (int)s->status, s->meaning);
}

static void explain(const struct verb *v)
{
	char name[64];

	snprintf(name, sizeof(name), "nvrig %s", v->name);
	argp_help(v->argp, stdout, ARGP_HELP_USAGE | ARGP_HELP_LONG | ARGP_HELP_DOC, name);
}

int cmd_help(int argc, char **argv)
{
	struct help_args a = { 0 };

	if (verb_parse(&help_argp, argc, argv, &a))
		return RIG_BROKE;
	if (a.json)
		help_json(stdout);
	else if (a.man)
		help_man(stdout);
	else if (a.shell)
		help_bash(stdout);
	else if (a.verb)
		explain(verb_find(a.verb));
	else
		list_verbs();
	return fflush(stdout) || ferror(stdout) ? RIG_BROKE : RIG_GOOD;
}
