// SPDX-License-Identifier: GPL-2.0-or-later
#include "rig/report/fold.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* The higher one speaks for the attempts. */
static unsigned rank(const struct tale *o)
{
	static const unsigned char ranks[V_COUNT] = {
		[V_NA] = 0,   [V_SKIP] = 1,   [V_PASS] = 2, [V_KNOWN] = 4,    [V_NOTRUN] = 5,
		[V_LOST] = 6, [V_BROKEN] = 7, [V_FAIL] = 8, [V_UNSTABLE] = 9,
	};
	bool advice = o->verdict == V_PASS && o->end && event_get_u64(o->end, "advice");

	return ranks[o->verdict] + advice;
}

static struct fold *find(struct folds *f, const char *name)
{
	for (size_t i = 0; i < f->n; i++) {
		size_t k = (f->at + i) % f->n;

		if (strcmp(f->all[k].name, name))
			continue;
		f->at = k + 1;
		return &f->all[k];
	}
	return NULL;
}

static struct fold *add(struct folds *f, const char *name)
{
	struct fold *grown;
	char *copy;

	if (f->n == f->cap) {
		size_t cap = f->cap ? 2 * f->cap : 64;

		grown = reallocarray(f->all, cap, sizeof(*grown));
		if (!grown)
			return NULL;
		f->all = grown;
		f->cap = cap;
	}
	copy = strdup(name);
	if (!copy)
		return NULL;
	f->at = f->n + 1;
	f->all[f->n] = (struct fold){ .name = copy };
	return &f->all[f->n++];
}

static int note_failure(struct tale *worst, const struct tale *o)
{
	worst->failures++;
	if (!worst->failed)
		worst->failed = json_object_new_array();
	if (!worst->failed)
		return -ENOMEM;
	if (json_object_array_length(worst->failed) < FAILED_MAX)
		json_object_array_add(worst->failed, json_object_get(o->end));
	return 0;
}

/* The sums stay, the story becomes that of the worse attempt. */
static void take_story(struct tale *worst, const struct tale *o)
{
	struct tale old = *worst;

	tale_copy(worst, o);
	worst->tries = old.tries;
	worst->tries_ns = old.tries_ns;
	worst->failures = old.failures;
	worst->failed = old.failed;
	worst->begun |= old.begun;
	old.failed = NULL;
	tale_clear(&old);
}

static int take(struct fold *one, const struct tale *o)
{
	struct tale *worst = &one->worst;

	if (!worst->tries || rank(o) > rank(worst))
		take_story(worst, o);
	worst->tries++;
	worst->tries_ns += tale_duration_ns(o);
	worst->begun |= o->begun;
	one->passed |= o->verdict == V_PASS;
	return o->verdict == V_FAIL ? note_failure(worst, o) : 0;
}

/* What the attempts come to; the fold is no more. */
static void take_out(struct folds *f, size_t i, struct tale *ret)
{
	*ret = f->all[i].worst;
	if (ret->failures && f->all[i].passed)
		ret->verdict = V_UNSTABLE;
	free(f->all[i].name);
	memmove(&f->all[i], &f->all[i + 1], (f->n - i - 1) * sizeof(*f->all));
	f->n--;
	f->at = i;
}

int folds_add(struct folds *f, const struct tale *o, uint64_t repeat, struct tale *ret)
{
	struct fold *one = find(f, tale_name(o));
	int err;

	if (!one)
		one = add(f, tale_name(o));
	if (!one)
		return -ENOMEM;
	err = take(one, o);
	if (err || one->worst.tries < repeat)
		return err;
	take_out(f, (size_t)(one - f->all), ret);
	return 1;
}

bool folds_take(struct folds *f, struct tale *ret)
{
	if (!f->n)
		return false;
	take_out(f, 0, ret);
	return true;
}

void folds_free(struct folds *f)
{
	struct tale left;

	while (folds_take(f, &left))
		tale_clear(&left);
	free(f->all);
	*f = (struct folds){ 0 };
}
