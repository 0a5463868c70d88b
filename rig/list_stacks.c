// SPDX-License-Identifier: GPL-2.0-or-later
#include "rig/list_stacks.h"

#include <stdio.h>
#include <string.h>

#include "event/event.h"
#include "rig/list_names.h"
#include "rig/stack.h"
#include "rig/stack_guest.h"
#include "rig/verbs.h"

/* What must be on this machine for it. */
static void print_needs(const struct stack_config *c)
{
	if (!c->kind[0]) /* its file is wrong */
		return;
	if (!strcmp(c->kind, STACK_SERVER)) {
		printf("%-20s ", "");
		list_print_words("needs ", &c->programs);
		printf("%sdrive %s\n", c->programs.n ? "; " : "", c->target);
		return;
	}
	printf("%-20s needs %s", "", c->binary);
	if (!strcmp(c->kind, STACK_GUEST)) {
		printf(", a kernel, busybox");
		list_print_words("; modules ", &c->modules);
		list_print_words("; programs ", &c->programs);
		list_print_words("; if there ", &c->extras);
		list_print_words("; here ", &c->nodes);
		list_print_words("; of QEMU ", &c->devices);
		printf("%s%s", c->target[0] ? "; drive " : "", c->target);
		printf("%s%s", c->behind[0] ? "; behind it " : "", c->behind);
		printf("%s%s", c->back.store[0] ? "; store " : "", c->back.store);
	}
	putchar('\n');
}

static void print_one(const struct stack_config *c, const char *trouble)
{
	printf("%-20s %s\n", c->name, c->about);
	print_needs(c);
	list_print_trouble(trouble);
}

static struct json_object *object(const struct stack_config *c, const char *trouble)
{
	struct json_object *o = json_object_new_object();

	event_str(o, "name", c->name);
	event_str(o, "kind", c->kind);
	event_str(o, "about", c->about);
	event_str(o, "binary", c->binary);
	if (!strcmp(c->kind, STACK_SERVER)) {
		event_str(o, "target", c->target);
		list_add_words(o, "programs", &c->programs);
	}
	if (!strcmp(c->kind, STACK_GUEST)) {
		event_str(o, "target", c->target);
		list_add_words(o, "modules", &c->modules);
		list_add_words(o, "programs", &c->programs);
		list_add_words(o, "extras", &c->extras);
		list_add_words(o, "nodes", &c->nodes);
		list_add_words(o, "devices", &c->devices);
		event_str(o, "behind", c->behind[0] ? c->behind : NULL);
		event_str(o, "store", c->back.store[0] ? c->back.store : NULL);
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

int list_stacks(const char *const *patterns, size_t n, enum list_how how)
{
	static const struct list_kind kind = { "stack", stack_config_names, list_one };

	return list_names(&kind, patterns, n, how);
}
