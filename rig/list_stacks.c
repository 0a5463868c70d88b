// SPDX-License-Identifier: GPL-2.0-or-later
#include "rig/list_stacks.h"

#include <fnmatch.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#include "event/event.h"
#include "rig/stack.h"
#include "rig/stack_guest.h"
#include "rig/verbs.h"

static bool picked(const char *const *patterns, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (!fnmatch(patterns[i], name, 0))
			return true;
	return n == 0;
}

static void print_words(const char *before, const struct stack_words *w)
{
	for (unsigned i = 0; i < w->n; i++)
		printf("%s%s", i ? " " : before, w->word[i]);
}

/* Of a guest, what must be on this machine for it; of the others QEMU is all. */
static void print_needs(const struct stack_config *c)
{
	if (!c->kind[0]) /* its file is wrong */
		return;
	printf("%-20s needs %s", "", c->binary);
	if (!strcmp(c->kind, STACK_GUEST)) {
		printf(", a kernel, busybox");
		print_words("; modules ", &c->modules);
		print_words("; programs ", &c->programs);
		print_words("; if there ", &c->extras);
		printf("%s%s", c->target[0] ? "; drive " : "", c->target);
	}
	putchar('\n');
}

static void print_one(const struct stack_config *c, const char *trouble)
{
	printf("%-20s %s\n", c->name, c->about);
	print_needs(c);
	if (trouble)
		printf("%-20s not here: %s\n", "", trouble);
}

static void add_words(struct json_object *o, const char *key, const struct stack_words *w)
{
	struct json_object *list = json_object_new_array();

	for (unsigned i = 0; i < w->n; i++)
		json_object_array_add(list, json_object_new_string(w->word[i]));
	json_object_object_add(o, key, list);
}

static struct json_object *object(const struct stack_config *c, const char *trouble)
{
	struct json_object *o = json_object_new_object();

	event_str(o, "name", c->name);
	event_str(o, "kind", c->kind);
	event_str(o, "about", c->about);
	event_str(o, "binary", c->binary);
	if (!strcmp(c->kind, STACK_GUEST)) {
		event_str(o, "target", c->target);
		add_words(o, "modules", &c->modules);
		add_words(o, "programs", &c->programs);
		add_words(o, "extras", &c->extras);
	}
	event_bool(o, "possible", trouble == NULL);
	event_str(o, "lacks", trouble);
	return o;
}

/* 0, or RIG_CONFIG: then its name and the trouble are told all the same. */
static int list_one(const char *name, struct json_object *list)
{
	struct stack_config c = { 0 };
	char error[512];
	int err = stack_config_load(NULL, name, &c, error);
	const char *trouble;

	if (err)
		snprintf(c.name, sizeof(c.name), "%.31s", name);
	trouble = err ? error : stack_guest_lacks(&c, NULL);
	if (list)
		json_object_array_add(list, object(&c, trouble));
	else
		print_one(&c, trouble);
	return err ? RIG_CONFIG : RIG_GOOD;
}

int list_stacks(const char *const *patterns, size_t n, bool json)
{
	struct json_object *list = json ? json_object_new_array() : NULL;
	int status = RIG_GOOD, one;
	size_t found = 0;
	char **names;

	if (stack_config_names(NULL, &names)) {
		fprintf(stderr, "nvrig list: no directory with stack configurations "
				"(NVRIG_CONFIGS names another)\n");
		json_object_put(list);
		return RIG_CONFIG;
	}
	for (size_t i = 0; names[i]; i++) {
		if (!picked(patterns, n, names[i]))
			continue;
		found++;
		one = list_one(names[i], list);
		status = one ? one : status;
	}
	stack_config_names_free(names);
	if (list)
		printf("%s\n",
		       json_object_to_json_string_ext(
			       list, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(list);
	if (!found && n) {
		fprintf(stderr, "nvrig list: no stack of that name\n");
		return RIG_USAGE;
	}
	return fflush(stdout) || ferror(stdout) ? RIG_BROKE : status;
}
