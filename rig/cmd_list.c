// SPDX-License-Identifier: GPL-2.0-or-later
/* `nvrig list`: every case with its needs, harm and reference, and the gaps. Opens no device. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "event/event.h"
#include "rig/list_stacks.h"
#include "rig/list_stores.h"
#include "rig/plan.h"
#include "rig/verbs.h"
#include "target/target.h"

struct list_args {
	struct globals globals;
	const char **patterns;
	size_t n;
	bool json, stacks, stores, bare;
};

enum { KEY_JSON = 0x100, KEY_STACKS, KEY_STORES, KEY_NAMES };

/* clang-format off */
static const struct argp_option options[] = {
	{ "json", KEY_JSON, NULL, 0, "One JSON document", 0 },
	{ "stacks", KEY_STACKS, NULL, 0,
	  "The stacks of configs/stacks in place of the cases, and why this machine cannot bring "
	  "one up", 0 },
	{ "stores", KEY_STORES, NULL, 0,
	  "The stores of configs/stores in place of the cases, and why this machine cannot make one",
	  0 },
	{ "names", KEY_NAMES, NULL, 0,
	  "With --stacks or --stores: the names alone; this machine is not looked at", 0 },
	{ 0 },
};
/* clang-format on */

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct list_args *a = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &a->globals;
		a->patterns = calloc((size_t)state->argc + 1, sizeof(*a->patterns));
		return a->patterns ? 0 : ENOMEM;
	case ARGP_KEY_ARG:
		a->patterns[a->n++] = arg;
		return 0;
	case KEY_JSON:
		a->json = true;
		return 0;
	case KEY_STACKS:
		a->stacks = true;
		return 0;
	case KEY_NAMES:
		a->bare = true;
		return 0;
	case KEY_STORES:
		a->stores = true;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_child children[] = { GLOBALS_CHILD, { 0 } };

const struct argp list_argp = {
	.options = options,
	.parser = parse,
	.args_doc = "[CASE...]",
	.doc = "Lists the cases, or those that a pattern names (queue.*), and the rules that no "
	       "case "
	       "asks about yet. Derived cases, made from the tables of lib/spec, are marked and "
	       "counted apart. -v shows rule and reference. Opens no device.",
	.children = children,
};

/* Does any pattern take any row of the case? */
static bool picked(const struct list_args *a, const struct rig_suite *s, const struct rig_case *c)
{
	for (size_t i = 0; i < a->n; i++)
		for (unsigned row = 0; row == 0 || row < c->nrows; row++)
			if (plan_match(a->patterns[i], s, c, row))
				return true;
	return a->n == 0;
}

/* ---- JSON ---- */

static struct json_object *needs_list(unsigned needs)
{
	struct json_object *list = json_object_new_array();

	for (unsigned bit = 1; bit && bit <= needs; bit <<= 1)
		if (needs & bit)
			json_object_array_add(list, json_object_new_string(target_need_name(bit)));
	return list;
}

static struct json_object *word_list(const char *words)
{
	struct json_object *list = json_object_new_array();

	while (words && *words) {
		size_t n = strcspn(words, " ");

		if (n)
			json_object_array_add(list, json_object_new_string_len(words, (int)n));
		words += n;
		words += strspn(words, " ");
	}
	return list;
}

static struct json_object *row_list(const struct rig_case *c)
{
	struct json_object *list = json_object_new_array();

	for (unsigned row = 0; row < c->nrows; row++)
		json_object_array_add(list, json_object_new_string(row_name(c, row)));
	return list;
}

/* Of the rows that need more than the case does: their names, and what. */
static struct json_object *row_needs(const struct rig_case *c)
{
	struct json_object *o = json_object_new_object();

	for (unsigned row = 0; row < c->nrows; row++) {
		unsigned more = case_needs(c, row) & ~c->needs;

		if (more)
			json_object_object_add(o, row_name(c, row), needs_list(more));
	}
	return o;
}

static struct json_object *case_object(const struct rig_suite *s, const struct rig_case *c)
{
	struct json_object *o = json_object_new_object();

	event_strf(o, "id", "%s.%s", s->area, c->id);
	event_str(o, "kind", kind_name(s->kind));
	event_str(o, "area", s->area);
	json_object_object_add(o, "rows", row_list(c));
	event_str(o, "rule", c->rule);
	event_str(o, "ref", c->ref);
	json_object_object_add(o, "needs", needs_list(c->needs));
	json_object_object_add(o, "row_needs", row_needs(c));
	event_str(o, "harm", harm_name(c->harm));
	event_str(o, "level", level_name(c->level));
	json_object_object_add(o, "fault", word_list(c->fault));
	event_bool(o, "conditional", c->na != NULL);
	event_bool(o, "derived", c->derived);
	return o;
}

static void print_json(const struct list_args *a)
{
	struct json_object *doc = json_object_new_object(), *cases = json_object_new_array();
	struct json_object *gaps = json_object_new_array();

	for (size_t i = 0; suites_all[i]; i++) {
		size_t n;
		const struct rig_case *c = suite_cases(suites_all[i], &n);

		for (size_t k = 0; k < n; k++)
			if (picked(a, suites_all[i], &c[k]))
				json_object_array_add(cases, case_object(suites_all[i], &c[k]));
	}
	for (size_t i = 0; !a->n && gaps_all[i].id; i++) {
		struct json_object *gap = json_object_new_object();

		event_str(gap, "id", gaps_all[i].id);
		event_str(gap, "reason", gaps_all[i].reason);
		json_object_array_add(gaps, gap);
	}
	json_object_object_add(doc, "cases", cases);
	json_object_object_add(doc, "gaps", gaps);
	printf("%s\n", json_object_to_json_string_ext(doc, JSON_C_TO_STRING_PRETTY |
								   JSON_C_TO_STRING_SPACED |
								   JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(doc);
}

/* ---- text ---- */

static void print_needs(unsigned needs)
{
	const char *between = "";

	for (unsigned bit = 1; bit && bit <= needs; bit <<= 1) {
		if (!(needs & bit))
			continue;
		printf("%s%s", between, target_need_name(bit));
		between = ",";
	}
	if (!needs)
		printf("-");
}

/* "(+sqe)": some of its rows need that as well. */
static void print_row_needs(const struct rig_case *c)
{
	unsigned more = 0;

	for (unsigned row = 0; row < c->nrows; row++)
		more |= case_needs(c, row) & ~c->needs;
	if (!more)
		return;
	printf("(+");
	print_needs(more);
	printf(")");
}

static void print_case(const struct list_args *a, const struct rig_suite *s,
		       const struct rig_case *c)
{
	printf("%s.%s", s->area, c->id);
	for (unsigned row = 0; row < c->nrows; row++)
		printf("%s%s%s", row ? "," : "[", row_name(c, row), row + 1 == c->nrows ? "]" : "");
	printf("  ");
	print_needs(c->needs);
	print_row_needs(c);
	printf("  %s  %s%s\n", harm_name(c->harm), level_name(c->level),
	       c->derived ? "  derived" : "");
	if (a->globals.verbose)
		printf("    %s\n    [%s]\n    faults: %s\n", c->rule, c->ref,
		       c->fault ? c->fault : "none");
}

struct count {
	size_t cases, instances;
};

static void print_suite(const struct list_args *a, const struct rig_suite *s, struct count by[2])
{
	size_t n;
	const struct rig_case *cases = suite_cases(s, &n);

	for (size_t k = 0; k < n; k++) {
		const struct rig_case *c = &cases[k];

		if (!picked(a, s, c))
			continue;
		print_case(a, s, c);
		by[c->derived].cases++;
		by[c->derived].instances += c->nrows ? c->nrows : 1;
	}
}

static size_t print_text(const struct list_args *a)
{
	struct count by[2] = { { 0 } }; /* by hand, derived */
	size_t gaps = 0;

	for (size_t i = 0; suites_all[i]; i++)
		print_suite(a, suites_all[i], by);
	for (; !a->n && gaps_all[gaps].id; gaps++)
		printf("gap: %s  %s\n", gaps_all[gaps].id, gaps_all[gaps].reason);
	fprintf(stderr, "%zu cases, %zu instances, %zu gaps\n", by[0].cases + by[1].cases,
		by[0].instances + by[1].instances, gaps);
	fprintf(stderr, "by hand %zu cases, %zu instances; derived %zu cases, %zu instances\n",
		by[0].cases, by[0].instances, by[1].cases, by[1].instances);
	return by[0].cases + by[1].cases;
}

int cmd_list(int argc, char **argv)
{
	struct list_args a = { 0 };
	struct plan_filter f = { 0 };
	enum list_how how;
	char text[300];
	int status = RIG_GOOD;

	if (verb_parse(&list_argp, argc, argv, &a))
		return RIG_BROKE;
	if (a.stacks || a.stores) {
		how = a.bare ? LIST_BARE : a.json ? LIST_JSON : LIST_TEXT;
		status = (a.stacks ? list_stacks : list_stores)(a.patterns, a.n, how);
		free(a.patterns);
		return status;
	}
	f.cases = a.patterns;
	f.n_cases = a.n;
	if (plan_unknown(suites_all, &f, text, sizeof(text))) {
		fprintf(stderr, "nvrig list: %s\n", text);
		status = RIG_USAGE;
	} else if (a.json) {
		print_json(&a);
	} else {
		print_text(&a);
	}
	free(a.patterns);
	return status;
}
