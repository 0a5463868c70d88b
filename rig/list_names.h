/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What lists of stacks and of stores have in common. */
#ifndef RIG_LIST_NAMES_H
#define RIG_LIST_NAMES_H

#include <json-c/json.h>
#include <stddef.h>

#include "stack/stack.h"

struct list_kind {
	const char *noun; /* "stack" */
	int (*names)(const char *dir, char ***ret_names);
	/* Prints one, or adds it to list. RIG_GOOD or RIG_CONFIG. */
	int (*one)(const char *name, struct json_object *list);
};

enum list_how {
	LIST_TEXT,
	LIST_JSON,
	LIST_BARE, /* the names alone: neither files nor the machine are looked at */
};

/* All whose name a pattern takes (all when n is 0). The exit status. */
int list_names(const struct list_kind *k, const char *const *patterns, size_t n, enum list_how how);

void list_print_words(const char *before, const struct stack_words *w);
void list_add_words(struct json_object *o, const char *key, const struct stack_words *w);

/* "                     not here: WHY", or nothing for NULL. */
void list_print_trouble(const char *trouble);

#endif
