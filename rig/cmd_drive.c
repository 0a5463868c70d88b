// SPDX-License-Identifier: GPL-2.0-or-later
/* `nvrig drive`: the drives of this machine, and which of them may be changed. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "event/event.h"
#include "rig/alias.h"
#include "rig/config.h"
#include "rig/drive.h"
#include "rig/plan.h"

enum {
	KEY_JSON = 0x5000,
	KEY_ALIAS,
	KEY_MAY,
	KEY_UNTIL,
	KEY_OWNER,
	KEY_WEAR,
	KEY_CONTENTS,
	KEY_CONFIRM
};

/* clang-format off */
static const struct argp_option options[] = {
	{ NULL, 0, NULL, 0, "What adopt writes to the bench file:", 1 },
	{ "alias", KEY_ALIAS, "NAME", 0, "What it is called on command lines", 0 },
	{ "may", KEY_MAY, "LEVEL", 0,
	  "The highest harm that may be done to it: none (default), settings, data, wear, forever", 0 },
	{ "until", KEY_UNTIL, "DATE", 0, "The last day on which that counts, YYYY-MM-DD", 0 },
	{ "owner", KEY_OWNER, "TEXT", 0, "Whose it is", 0 },
	{ "wear", KEY_WEAR, "BYTES", 0, "That may be written to it in all, as 10T", 0 },
	{ "contents", KEY_CONTENTS, "WHOSE", 0,
	  "mine: what lies on it may go; unknown (default): file systems and partitions are spared", 0 },
	{ NULL, 0, NULL, 0, "How:", 2 },
	{ "confirm", KEY_CONFIRM, "SERIAL", 0,
	  "Its serial number, whole: what is asked for at a terminal otherwise", 0 },
	{ "dry-run", 'n', NULL, 0, "Say what would be done, and what each guard says", 0 },
	{ "json", KEY_JSON, NULL, 0, "One JSON document; of watch, an object a line", 0 },
	{ 0 },
};
/* clang-format on */

static const struct {
	const char *name;
	bool wants;
	int (*run)(const struct drive_args *a);
} whats[] = {
	{ "ls", false, drive_ls },	{ "show", true, drive_show },
	{ "adopt", true, drive_adopt }, { "release", true, drive_release },
	{ "label", true, drive_label },	{ "watch", false, drive_watch },
};

static const char *nth_what(const void *ctx, size_t i)
{
	(void)ctx;
	return i < ARRAY_SIZE(whats) ? whats[i].name : NULL;
}

static void take_text(struct argp_state *state, const char *option, const char *arg, char *to,
		      size_t size)
{
	if (!*arg || strlen(arg) >= size)
		argp_error(state, "--%s: 1 to %zu bytes", option, size - 1);
	else
		strcpy(to, arg);
}

static void take_what(struct argp_state *state, const char *arg)
{
	struct drive_args *a = state->input;
	const char *near = text_nearest(arg, nth_what, NULL);

	if (!near || strcmp(near, arg))
		argp_error(state, "no '%s'; %s%s%s", arg, near ? "did you mean '" : "",
			   near ? near : "ls, watch, show, adopt, release, label", near ? "'?" : "");
	a->what = arg;
}

static void check_end(struct argp_state *state)
{
	struct drive_args *a = state->input;

	if (!a->what)
		argp_error(state, "what? ls, watch, show, adopt, release, label");
	for (size_t i = 0; i < ARRAY_SIZE(whats); i++)
		if (!strcmp(whats[i].name, a->what) && whats[i].wants && !a->which)
			argp_error(state, "%s: which drive? `nvrig drive ls` lists them", a->what);
}

static error_t parse_line(int key, char *arg, struct argp_state *state)
{
	struct drive_args *a = state->input;
	struct bench_drive *l = &a->line;

	switch (key) {
	case KEY_ALIAS:
		take_text(state, "alias", arg, l->alias, sizeof(l->alias));
		return 0;
	case KEY_MAY:
		if (harm_find(arg) < 0)
			argp_error(state, "--may=%s: one of none, settings, data, wear, forever",
				   arg);
		else
			l->may = (enum rig_harm)harm_find(arg);
		return 0;
	case KEY_UNTIL:
		take_text(state, "until", arg, l->until, sizeof(l->until));
		return 0;
	case KEY_OWNER:
		take_text(state, "owner", arg, l->owner, sizeof(l->owner));
		return 0;
	case KEY_WEAR:
		if (text_number(arg, &l->wear_bytes))
			argp_error(state, "--wear=%s: a number of bytes, as 10T", arg);
		return 0;
	case KEY_CONTENTS:
		if (strcmp(arg, "mine") && strcmp(arg, "unknown"))
			argp_error(state, "--contents=%s: mine or unknown", arg);
		l->mine = !strcmp(arg, "mine");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct drive_args *a = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &a->globals;
		return 0;
	case ARGP_KEY_ARG:
		if (!a->what)
			take_what(state, arg);
		else if (a->which)
			argp_error(state, "one drive at a time: '%s' or '%s'?", a->which, arg);
		else
			a->which = arg;
		return 0;
	case ARGP_KEY_END:
		check_end(state);
		return 0;
	case 'n':
		a->dry_run = true;
		return 0;
	case KEY_JSON:
		a->json = true;
		return 0;
	case KEY_CONFIRM:
		if (a->words.n_confirm == DRIVE_WORDS)
			argp_error(state, "--confirm: at most %d", DRIVE_WORDS);
		else
			a->confirm[a->words.n_confirm++] = arg;
		return 0;
	default:
		return parse_line(key, arg, state);
	}
}

static const struct argp_child children[] = { GLOBALS_CHILD, { 0 } };

const struct argp drive_argp = {
	.options = options,
	.parser = parse,
	.args_doc = "ls\nwatch\nshow DRIVE\nadopt DRIVE\nrelease ALIAS\nlabel DRIVE",
	.doc = "Lists the drives of this machine (ls), tells of those that come and go until a "
	       "signal ends it (watch), says what the guards find on one (show), "
	       "lets one be "
	       "changed by writing it to the bench file (adopt) or no longer (release), and marks "
	       "one "
	       "as the rig's to overwrite (label, which writes its first 4096 bytes). DRIVE is an "
	       "alias, an address (kernel:/dev/nvme0) or a node (/dev/nvme0). docs/safety.md tells "
	       "all "
	       "of it.",
	.children = children,
};

/* ---- what the parts share ---- */

int drive_find(const char *word, struct guard_drive *ret)
{
	char address[128], error[ALIAS_ERROR];
	int err = 0;

	if (word[0] == '/')
		snprintf(address, sizeof(address), "block:%.100s", word);
	else if (alias_is(word))
		err = alias_find(word, address, sizeof(address), error);
	else
		snprintf(address, sizeof(address), "%.127s", word);
	if (!err)
		err = guard_drive_find("", address, ret, error);
	if (err) {
		fprintf(stderr, "nvrig drive: %s\n", error);
		return err == -EEXIST			 ? RIG_REFUSED
		       : err == -ENOENT			 ? RIG_USAGE
		       : err == -EPERM || err == -EINVAL ? RIG_CONFIG
							 : RIG_BROKE;
	}
	if (ret->kind != GUARD_NOTHING && ret->kind != GUARD_FILE)
		return 0;
	fprintf(stderr, "nvrig drive: '%s' is no drive of this machine\n", word);
	return RIG_USAGE;
}

static void hear(void *ctx, const struct guard *g, const struct guard_finding *f)
{
	struct json_object *list = ctx, *o;

	if (!list) {
		printf("%-4s %-7s %s: %s\n", g->id, guard_verdict_name(f->verdict), g->name,
		       f->text);
		return;
	}
	o = json_object_new_object();
	event_str(o, "id", g->id);
	event_str(o, "name", g->name);
	event_str(o, "verdict", guard_verdict_name(f->verdict));
	event_str(o, "text", f->text);
	json_object_array_add(list, o);
}

unsigned drive_guards(const struct guard_ask *a, unsigned which, struct json_object *list)
{
	return guard_look(a, which, hear, list);
}

int drive_put_json(struct json_object *o, int status)
{
	puts(json_object_to_json_string_ext(o, JSON_C_TO_STRING_PRETTY |
						       JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(o);
	return fflush(stdout) ? RIG_BROKE : status;
}

int cmd_drive(int argc, char **argv)
{
	struct drive_args a = { .line = { .from_hour = -1, .to_hour = -1 } };

	if (verb_parse(&drive_argp, argc, argv, &a))
		return RIG_BROKE;
	a.words.confirm = a.confirm;
	a.words.ask = isatty(STDIN_FILENO) && isatty(STDERR_FILENO) && !a.dry_run;
	for (size_t i = 0; i < ARRAY_SIZE(whats); i++)
		if (!strcmp(whats[i].name, a.what))
			return whats[i].run(&a);
	return RIG_USAGE;
}
