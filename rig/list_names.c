// SPDX-License-Identifier: GPL-2.0-or-later
#include "rig/list_names.h"

#include <fnmatch.h>
#include <stdio.h>

#include "rig/config.h"
#include "rig/verbs.h"

static bool picked(const char *const *patterns, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (!fnmatch(patterns[i], name, 0))
			return true;
	return n == 0;
}

void list_print_words(const char *before, const struct stack_words *w)
{
	for (unsigned i = 0; i < w->n; i++)
		printf("%s%s", i ? " " : before, w->word[i]);
}

void list_add_words(struct json_object *o, const char *key, const struct stack_words *w)
{
	struct json_object *list = json_object_new_array();

	for (unsigned i = 0; i < w->n; i++)
		json_object_array_add(list, json_object_new_string(w->word[i]));
	json_object_object_add(o, key, list);
}

void list_print_trouble(const char *trouble)
{
	if (trouble)
		printf("%-20s not here: %s\n", "", trouble);
}

static int print_name(const char *name)
{
	printf("%s\n", name);
	return RIG_GOOD;
}

static int print_all(const struct list_kind *k, char **names, const char *const *patterns, size_t n,
		     enum list_how how, struct json_object *list)
{
	int status = RIG_GOOD, one;
	size_t found = 0;

	for (size_t i = 0; names[i]; i++) {
		if (!picked(patterns, n, names[i]))
			continue;
		found++;
		one = how == LIST_BARE ? print_name(names[i]) : k->one(names[i], list);
		status = one ? one : status;
	}
	if (found || !n)
		return status;
	fprintf(stderr, "nvrig list: no %s of that name\n", k->noun);
	return RIG_USAGE;
}

int list_names(const struct list_kind *k, const char *const *patterns, size_t n, enum list_how how)
{
	struct json_object *list = how == LIST_JSON ? json_object_new_array() : NULL;
	char **names;
	int status;

	if (k->names(NULL, &names)) {
		fprintf(stderr,
			"nvrig list: no directory with %s configurations "
			"(NVRIG_CONFIGS names another)\n",
			k->noun);
		json_object_put(list);
		return RIG_CONFIG;
	}
	status = print_all(k, names, patterns, n, how, list);
	config_names_free(names);
	if (list)
		printf("%s\n",
		       json_object_to_json_string_ext(
			       list, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(list);
	return fflush(stdout) || ferror(stdout) ? RIG_BROKE : status;
}
