// SPDX-License-Identifier: GPL-2.0-or-later
#include "rig/list_stores.h"

#include <stdio.h>
#include <string.h>

#include "event/event.h"
#include "rig/config.h"
#include "rig/list_names.h"
#include "rig/store.h"
#include "rig/verbs.h"

static void print_one(const struct store *s, const char *trouble)
{
	printf("%-20s %s\n", s->name, s->about);
	if (!strcmp(s->kind, STORE_FILE))
		printf("%-20s of QEMU's side: format %s%s\n", "", s->format,
		       s->bad_bytes ? "; some of its blocks fail" : "");
	else if (s->kind[0]) { /* its file can be read */
		printf("%-20s in the guest: %s", "", s->node);
		printf("%s%s", s->on[0] ? "; on " : "", s->on);
		list_print_words("; modules ", &s->modules);
		list_print_words("; programs ", &s->programs);
		if (s->memory)
			printf("; memory %llu MiB more", (unsigned long long)s->memory >> 20);
		printf("%s\n", s->keeps_data ? "" : "; keeps no data");
	}
	list_print_trouble(trouble);
}

static struct json_object *object(const struct store *s, const char *trouble)
{
	struct json_object *o = json_object_new_object();

	event_str(o, "name", s->name);
	event_str(o, "kind", s->kind);
	event_str(o, "about", s->about);
	if (!strcmp(s->kind, STORE_NODE)) {
		event_str(o, "on", s->on[0] ? s->on : NULL);
		event_str(o, "node", s->node);
		event_bool(o, "keeps_data", s->keeps_data);
		event_u64(o, "memory_bytes", s->memory);
		list_add_words(o, "modules", &s->modules);
		list_add_words(o, "programs", &s->programs);
	} else {
		event_str(o, "format", s->format);
		event_u64(o, "bad_from", s->bad_at);
		event_u64(o, "bad_bytes", s->bad_bytes);
	}
	event_bool(o, "possible", trouble == NULL);
	event_str(o, "lacks", trouble);
	return o;
}

static int list_one(const char *name, struct json_object *list)
{
	struct store s = { .n_parts = 0 };
	char error[CONFIG_ERROR];
	int err = store_load(NULL, name, &s, error);
	const char *trouble = err ? error : store_lacks(NULL, name);

	if (err)
		snprintf(s.name, sizeof(s.name), "%.31s", name);
	if (list)
		json_object_array_add(list, object(&s, trouble));
	else
		print_one(&s, trouble);
	return err ? RIG_CONFIG : RIG_GOOD;
}

int list_stores(const char *const *patterns, size_t n, enum list_how how)
{
	static const struct list_kind kind = { "store", store_names, list_one };

	return list_names(&kind, patterns, n, how);
}
