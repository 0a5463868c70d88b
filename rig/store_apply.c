// SPDX-License-Identifier: GPL-2.0-or-later
/* A store, with what it lies on, into a stack. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "rig/config.h"
#include "rig/store.h"

#define LINK_MS 10000

/* From the top to the bottom. */
struct pile {
	struct store *store; /* STORE_DEPTH of them */
	unsigned n;
	char *error;
};

/* -EINVAL: a file is wrong, or what is made of files. */
__attribute__((format(printf, 2, 3))) static int fail(const struct pile *p, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(p->error, CONFIG_ERROR, fmt, ap);
	va_end(ap);
	return -EINVAL;
}

/* -EDOM: the words do not go together. */
__attribute__((format(printf, 2, 3))) static int misfit(const struct pile *p, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(p->error, CONFIG_ERROR, fmt, ap);
	va_end(ap);
	return -EDOM;
}

/* by: the store whose file says so; NULL: the command line, or the stack, does. */
static int push(struct pile *p, const char *dir, const char *name, const struct store *by)
{
	char why[CONFIG_ERROR] = "it wants itself below it";
	bool again = false;
	int err = -EINVAL;

	for (unsigned i = 0; i < p->n; i++)
		again |= !strcmp(p->store[i].name, name);
	if (!again && p->n < STORE_DEPTH)
		err = store_load(dir, name, &p->store[p->n], why);
	else if (!again)
		snprintf(why, sizeof(why), "more than %d stores, each on the next", STORE_DEPTH);
	if (!err)
		p->n++;
	else if (by)
		err = fail(p, "%s:%d: on = '%.32s': %.150s", by->where, by->line, name, why);
	else if (again)
		err = misfit(p, "store %.32s is to lie on itself", name);
	else
		fail(p, "%.500s", why);
	return err;
}

/* What lies on none has nothing under it. */
static int check_under(const struct pile *p, const char *words)
{
	const struct store *st = &p->store[p->n - 1];

	if (!*words)
		return misfit(p, "want the names of stores with a + between them");
	return st->on[0] ? 0
			 : misfit(p, "store %s lies on none: it can only be the first", st->name);
}

/* The words name the top of the pile, by themselves the stores name the rest. */
static int push_words(struct pile *p, const char *dir, const char *words)
{
	_cleanup_free_ char *copy = strdup(words);
	int err = copy ? 0 : -ENOMEM;
	char *plus = copy;

	while (!err && plus) {
		plus = strrchr(copy, '+');
		err = push(p, dir, plus ? plus + 1 : copy, NULL);
		if (plus)
			*plus = 0;
		if (!err && plus)
			err = check_under(p, copy);
	}
	while (!err && p->store[p->n - 1].on[0])
		err = push(p, dir, p->store[p->n - 1].on, &p->store[p->n - 1]);
	return err;
}

static int add_words(const struct pile *p, struct stack_words *to, const struct stack_words *from)
{
	for (unsigned i = 0; i < from->n; i++) {
		unsigned k = 0;

		while (k < to->n && strcmp(to->word[k], from->word[i]))
			k++;
		if (k == STACK_WORDS_MAX)
			return fail(p, "more than %d modules or programs with this store",
				    STACK_WORDS_MAX);
		strcpy(to->word[k], from->word[i]);
		to->n += k == to->n;
	}
	return 0;
}

static int add_part(const struct pile *p, struct stack_part *to, unsigned *n,
		    const struct stack_part *part)
{
	if (*n == STACK_PARTS_MAX)
		return fail(p, "more than %d parts with this store", STACK_PARTS_MAX);
	to[(*n)++] = *part;
	return 0;
}

/* The last part of a store is where its node must be there. */
static int add_store(const struct pile *p, const struct store *st, const char *below,
		     struct stack_part *to, unsigned *n)
{
	int err = 0;

	for (unsigned i = 0; !err && i < st->n_parts; i++) {
		struct stack_part part = st->part[i];

		snprintf(part.name, sizeof(part.name), "%s/%.31s", st->name, st->part[i].name);
		strcpy(part.below, below);
		strcpy(part.node, st->node);
		if (i + 1 == st->n_parts && !part.life[0]) {
			strcpy(part.life, st->node);
			part.size = st->size;
		}
		err = add_part(p, to, n, &part);
	}
	return err;
}

/* The stack's own parts know one name. */
static int add_link(const struct pile *p, const struct store *top, struct stack_part *to,
		    unsigned *n)
{
	struct stack_part part = { .name = "store", .life = STORE_LINK, .within_ms = LINK_MS };

	snprintf(part.up, sizeof(part.up), "ln -sf %s " STORE_LINK, top->node);
	snprintf(part.down, sizeof(part.down), "rm -f " STORE_LINK);
	return add_part(p, to, n, &part);
}

static int apply_nodes(const struct pile *p, struct stack_config *to)
{
	const struct store *base = &p->store[p->n - 1];
	_cleanup_free_ struct stack_part *parts = calloc(STACK_PARTS_MAX, sizeof(*parts));
	const char *below = "";
	unsigned n = 0;
	int err = parts ? 0 : -ENOMEM;

	for (unsigned i = p->n; !err && i-- > 0;) {
		const struct store *st = &p->store[i];

		err = add_words(p, &to->modules, &st->modules);
		if (!err)
			err = add_words(p, &to->programs, &st->programs);
		if (!err)
			err = add_store(p, st, below, parts, &n);
		to->memory_bytes += st->memory;
		below = st->node;
	}
	if (!err)
		err = add_link(p, p->store, parts, &n);
	for (unsigned i = 0; !err && i < to->n_parts; i++)
		err = add_part(p, parts, &n, &to->part[i]);
	if (err)
		return err;
	memcpy(to->part, parts, sizeof(to->part));
	to->n_parts = n;
	strcpy(to->back.node, STORE_LINK);
	strcpy(to->back.base, base->node);
	return 0;
}

/* "loop+lvm-thin", also where the lower ones were not said. */
static int name_pile(const struct pile *p, struct stack_back *back)
{
	size_t len = 0;

	back->keeps_data = true;
	for (unsigned i = p->n; i-- > 0;) {
		len += (size_t)snprintf(back->store + len, sizeof(back->store) - len, "%s%s",
					i + 1 < p->n ? "+" : "", p->store[i].name);
		if (len >= sizeof(back->store))
			return fail(p, "the names of the stores are too long together");
		back->keeps_data &= p->store[i].keeps_data;
	}
	return 0;
}

static int apply(struct pile *p, const char *dir, const char *words, struct stack_config *to)
{
	struct store own;
	const char *last = strrchr(to->back.store, '+');
	int err = push_words(p, dir, words);

	if (!err)
		err = store_load(dir, last ? last + 1 : to->back.store, &own, p->error);
	if (err)
		return err;
	if (strcmp(own.kind, p->store[0].kind))
		return misfit(p,
			      "store %s is of kind %s, and stack %.60s wants one of kind %s, as %s; "
			      "nvrig list --stores",
			      p->store[0].name, p->store[0].kind, to->name, own.kind, own.name);
	err = name_pile(p, &to->back);
	if (err || strcmp(own.kind, STORE_NODE)) {
		strcpy(to->format, p->store[0].format);
		to->back.bad_at = p->store[0].bad_at;
		to->back.bad_bytes = p->store[0].bad_bytes;
		return err;
	}
	return apply_nodes(p, to);
}

int store_apply(const char *dir, const char *words, struct stack_config *to, char *error)
{
	struct pile p = { .store = calloc(STORE_DEPTH, sizeof(*p.store)), .error = error };
	int err = p.store ? apply(&p, dir, words, to) : -ENOMEM;

	free(p.store);
	if (err == -ENOMEM)
		snprintf(error, CONFIG_ERROR, "out of memory");
	return err;
}
