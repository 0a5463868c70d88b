// SPDX-License-Identifier: GPL-2.0-or-later
#include "rig/help.h"

#include <ctype.h>
#include <json-c/json.h>
#include <string.h>

#include "base/cleanup.h"
#include "rig/report/report.h"
#include "rig/verbs.h"
#include "target/target.h"

/* Calls fn for every option that is shown, of the argp and then of its children but for those that
 * stand everywhere, which are told once. */
static void each_option(const struct argp *argp, void (*fn)(void *ctx, const struct argp_option *o),
			void *ctx)
{
	for (const struct argp_option *o = argp->options; o && (o->name || o->key || o->doc); o++)
		if (o->name && !(o->flags & (OPTION_HIDDEN | OPTION_DOC)))
			fn(ctx, o);
	for (const struct argp_child *c = argp->children; c && c->argp; c++)
		if (c->argp != &globals_argp)
			each_option(c->argp, fn, ctx);
}

static bool has_letter(const struct argp_option *o)
{
	return o->key > ' ' && o->key < 0x7f && isprint(o->key);
}

/* ---- JSON ---- */

static void set(struct json_object *o, const char *key, const char *value)
{
	if (value)
		json_object_object_add(o, key, json_object_new_string(value));
}

static void json_option(void *ctx, const struct argp_option *o)
{
	struct json_object *list = ctx, *row = json_object_new_object();
	const char letter[2] = { has_letter(o) ? (char)o->key : 0, 0 };

	set(row, "name", o->name);
	set(row, "letter", *letter ? letter : NULL);
	set(row, "value", o->arg);
	if (o->arg)
		json_object_object_add(row, "value_optional",
				       json_object_new_boolean(!!(o->flags & OPTION_ARG_OPTIONAL)));
	set(row, "help", o->doc);
	json_object_array_add(list, row);
}

static struct json_object *json_options(const struct argp *argp)
{
	struct json_object *list = json_object_new_array();

	each_option(argp, json_option, list);
	return list;
}

static struct json_object *json_verbs(void)
{
	struct json_object *list = json_object_new_array();

	for (const struct verb *v = verbs; v->name; v++) {
		struct json_object *row = json_object_new_object();

		set(row, "name", v->name);
		set(row, "arguments", v->args);
		set(row, "help", v->help);
		json_object_object_add(row, "options", json_options(v->argp));
		json_object_array_add(list, row);
	}
	return list;
}

static struct json_object *json_statuses(void)
{
	struct json_object *list = json_object_new_array();

	for (const struct exit_status *s = exit_statuses; s->meaning; s++) {
		struct json_object *row = json_object_new_object();

		json_object_object_add(row, "status", json_object_new_int(s->status));
		set(row, "meaning", s->meaning);
		json_object_array_add(list, row);
	}
	return list;
}

void help_json(FILE *out)
{
	struct json_object *all = json_object_new_object();

	set(all, "program", "nvrig");
	set(all, "version", NVRIG_VERSION);
	json_object_object_add(all, "options", json_options(&globals_argp));
	json_object_object_add(all, "verbs", json_verbs());
	json_object_object_add(all, "exit_statuses", json_statuses());
	fprintf(out, "%s\n",
		json_object_to_json_string_ext(all, JSON_C_TO_STRING_PRETTY |
							    JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(all);
}

/* ---- man ---- */

/* Text of a man page: a leading dot or quote would be a request, a hyphen a soft one. */
static void put_roff(FILE *out, const char *s)
{
	if (*s == '.' || *s == '\'')
		fputs("\\&", out);
	for (; *s; s++) {
		if (*s == '\\')
			fputs("\\e", out);
		else if (*s == '-')
			fputs("\\-", out);
		else
			fputc(*s, out);
	}
}

static void man_option(void *ctx, const struct argp_option *o)
{
	FILE *out = ctx;

	fputs(".TP\n", out);
	if (has_letter(o))
		fprintf(out, "\\fB\\-%c\\fR, ", o->key);
	fputs("\\fB\\-\\-", out);
	put_roff(out, o->name);
	fputs("\\fR", out);
	if (o->arg)
		fprintf(out, "%s=\\fI%s\\fR%s", o->flags & OPTION_ARG_OPTIONAL ? "[" : "", o->arg,
			o->flags & OPTION_ARG_OPTIONAL ? "]" : "");
	fputc('\n', out);
	put_roff(out, o->doc ? o->doc : "");
	fputs(".\n", out);
}

static void man_verb(FILE *out, const struct verb *v)
{
	const char *doc = v->argp->doc ? v->argp->doc : v->help;

	fputs(".SS nvrig ", out);
	put_roff(out, v->name);
	fputs(" [OPTION...] ", out);
	put_roff(out, v->args);
	fputc('\n', out);
	put_roff(out, v->help);
	fputc('\n', out);
	if (strcmp(doc, v->help)) {
		fputs(".PP\n", out);
		for (; *doc; doc++) /* argp's vertical tab parts what stands after the options */
			if (*doc == '\v' || *doc == '\n')
				fputs("\n.br\n", out);
			else
				put_roff(out, (const char[]){ *doc, 0 });
		fputc('\n', out);
	}
	each_option(v->argp, man_option, out);
}

static void man_formats(FILE *out)
{
	fputs(".SH REPORTS\nFormats of \\fB\\-\\-to\\fR:\n", out);
	for (size_t i = 0; report_all[i]; i++) {
		fprintf(out, ".TP\n\\fB%s\\fR\n", report_all[i]->name);
		put_roff(out, report_all[i]->help);
		fputs(".\n", out);
	}
}

/* What may stand behind a scheme, in the target's own words. */
static void man_targets(FILE *out)
{
	fputs(".SH TARGETS\n", out);
	for (size_t i = 0; target_all[i]; i++)
		fprintf(out, ".TP\n\\fB%s:\\fR\n%s\n", target_all[i]->scheme, target_all[i]->help);
}

static void man_statuses(FILE *out)
{
	fputs(".SH EXIT STATUS\n", out);
	for (const struct exit_status *s = exit_statuses; s->meaning; s++) {
		fprintf(out, ".TP\n\\fB%d\\fR\n", (int)s->status);
		put_roff(out, s->meaning);
		fputs(".\n", out);
	}
	fputs(".PP\nWhen several apply: 1, 2, 4, 5, 77, 0 in that order.\n", out);
}

void help_man(FILE *out)
{
	fputs(".\\\" SPDX-License-Identifier: GPL-2.0-or-later\n"
	      ".\\\" Printed by `nvrig help --man`.\n"
	      ".TH NVRIG 1 \"\" \"nvrig " NVRIG_VERSION "\" \"User Commands\"\n"
	      ".SH NAME\nnvrig \\- conformance rig for NVMe drives and virtual controllers\n"
	      ".SH SYNOPSIS\n\\fBnvrig\\fR [\\fIOPTION\\fR...] \\fIVERB\\fR [\\fIOPTION\\fR...] "
	      "[\\fIARGUMENT\\fR...]\n"
	      ".SH DESCRIPTION\n"
	      "Asks a drive, register by register and queue by queue, whether it keeps the rules "
	      "of "
	      "the NVMe specifications, and tells each verdict with its evidence. A run leaves a "
	      "directory from which every report can be remade.\n"
	      ".PP\nA drive is a target address in full: \\fBmodel:\\fR is the controller inside "
	      "nvrig, \\fBqtest:\\fISOCKET\\fR a QEMU that listens there, "
	      "\\fBvfio\\-user:\\fISOCKET\\fR a server of that protocol; "
	      "\\fBnvrig run \\-\\-stack qemu\\-qtest\\fR starts one. There is no default drive.\n"
	      ".PP\nStandard output is the product, standard error is talk.\n"
	      ".SH OPTIONS\nThese stand before the verb or behind it.\n",
	      out);
	each_option(&globals_argp, man_option, out);
	fputs(".SH VERBS\n", out);
	for (const struct verb *v = verbs; v->name; v++)
		man_verb(out, v);
	man_targets(out);
	man_formats(out);
	man_statuses(out);
	fputs(".SH ENVIRONMENT\n.TP\n\\fBNO_COLOR\\fR\nWhen set and not empty, no colours unless "
	      "\\fB\\-\\-color=always\\fR.\n",
	      out);
}

/* ---- bash ---- */

static void bash_option(void *ctx, const struct argp_option *o)
{
	if (has_letter(o))
		fprintf(ctx, " -%c", o->key);
	fprintf(ctx, " --%s%s", o->name, o->arg ? "=" : "");
}

static void bash_verbs(FILE *out)
{
	for (const struct verb *v = verbs; v->name; v++) {
		fprintf(out, "\t%s) words=\"", v->name);
		each_option(v->argp, bash_option, out);
		fputs("\" ;;\n", out);
	}
}

/* Names of cases are asked of the program, which opens no device for it. */
static const struct {
	const char *option, *words;
} option_values[] = {
	{ "color", "auto always never" },
	{ "progress", "auto plain none" },
	{ "effort", "quick normal soak" },
	{ "trace", "failed always never" },
	{ "allow", "none settings data wear forever" },
	{ "completion", "bash" },
	{ "may", "none settings data wear forever" },
	{ "contents", "unknown mine" },
	{ "rw", "randread randwrite randrw read write rw" },
	{ "case", "$(\"${COMP_WORDS[0]}\" list 2>/dev/null | sed '/^gap:/d; s/[[ ].*//')" },
	{ "stack", "$(\"${COMP_WORDS[0]}\" list --stacks --names 2>/dev/null)" },
	{ "store", "$(\"${COMP_WORDS[0]}\" list --stores --names 2>/dev/null)" },
	{ "suite",
	  "$(\"${COMP_WORDS[0]}\" list 2>/dev/null | sed '/^gap:/d; s/[.].*//' | sort -u)" },
};

static void put_names(FILE *out)
{
	for (const struct verb *v = verbs; v->name; v++)
		fprintf(out, " %s", v->name);
}

void help_bash(FILE *out)
{
	fputs("# SPDX-License-Identifier: GPL-2.0-or-later\n"
	      "# Printed by `nvrig help --completion bash`.\n"
	      "_nvrig()\n{\n"
	      "\tlocal cur prev words verb='' i option formats=\"",
	      out);
	for (size_t i = 0; report_all[i]; i++)
		fprintf(out, " %s", report_all[i]->name);
	fputs("\"\n\tlocal verbs=\"", out);
	put_names(out);
	fputs("\"\n"
	      "\tcur=${COMP_WORDS[COMP_CWORD]}\n"
	      "\tprev=${COMP_WORDS[COMP_CWORD-1]}\n"
	      "\tCOMPREPLY=()\n"
	      "\tfor ((i = 1; i < COMP_CWORD; i++)); do\n"
	      "\t\t[[ \" $verbs \" == *\" ${COMP_WORDS[i]} \"* ]] && verb=${COMP_WORDS[i]} && "
	      "break\n"
	      "\tdone\n"
	      "\t# bash parts words at '=': --to=j comes as --to, = and j\n"
	      "\toption=$prev\n"
	      "\t[[ $prev == = ]] && option=${COMP_WORDS[COMP_CWORD-2]}\n"
	      "\t[[ $cur == = ]] && option=$prev cur=''\n"
	      "\twords=''\n"
	      "\tcase $option in\n"
	      "\t--to) words=$formats ;;\n",
	      out);
	for (size_t i = 0; i < ARRAY_SIZE(option_values); i++)
		fprintf(out, "\t--%s) words=\"%s\" ;;\n", option_values[i].option,
			option_values[i].words);
	fputs("\tesac\n"
	      "\tif [[ -n $words ]]; then\n"
	      "\t\tmapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$cur\")\n"
	      "\t\treturn\n"
	      "\tfi\n"
	      "\tcase $verb in\n"
	      "\t'') words=\"$verbs",
	      out);
	each_option(&globals_argp, bash_option, out);
	fputs("\" ;;\n", out);
	bash_verbs(out);
	fputs("\tesac\n"
	      "\tcase $verb,$cur in\n"
	      "\thelp,[!-]*|help,) words=\"$verbs $words\" ;;\n"
	      "\tdrive,[!-]*|drive,) words=\"ls watch show adopt release label $words\" ;;\n"
	      "\treport,[!-]*|report,|repro,[!-]*|repro,) compopt -o filenames; "
	      "mapfile -t COMPREPLY < <(compgen -f -- \"$cur\"); return ;;\n"
	      "\tesac\n"
	      "\tmapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$cur\")\n"
	      "\t[[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == *= ]] && compopt -o nospace\n"
	      "}\n"
	      "complete -F _nvrig nvrig\n",
	      out);
}
