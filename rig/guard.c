// SPDX-License-Identifier: GPL-2.0-or-later
#include "rig/guard.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "rig/aside.h"

#define ASIDE_NS (30 * NS_PER_S)

/* clang-format off */
const struct guard guard_all[] = {
	{ "G1", "identity", "it is the drive that was named, and no other answers as it does",
	  false, true, guard_identity },
	{ "G2", "bench file", "the bench file lets it be changed so far", false, false, guard_bench },
	{ "G3", "not in use", "nobody uses any part of it", true, true, guard_use },
	{ "G4", "not this machine's disk", "nothing that this machine runs from lies on it",
	  false, true, guard_machine },
	{ "G5", "nothing of value", "no partition, file system or member of anything lies on it",
	  true, true, guard_contents },
	{ "G6", "said by name", "the operator named it by its serial", true, false, guard_name },
	{ "G7", "alone", "no other run is on it", true, false, guard_alone },
	{ "G8", "budget", "what would be written fits its wear budget", true, true, guard_budget },
	{ "G9", "fit", "it is well, not too hot, linked as it should be and idle", true, true,
	  guard_fit },
	{ "G10", "window", "a run without an operator is within its hours", true, false,
	  guard_window },
	{ 0 },
};
/* clang-format on */

const char *guard_verdict_name(enum guard_verdict v)
{
	static const char *const names[] = { "pass", "refuse", "waived", "n/a" };

	return names[v];
}

/* ---- what a guard says ---- */

static void say(struct guard_finding *f, enum guard_verdict v, const char *fmt, va_list ap)
{
	if (f->verdict == GUARD_REFUSE && f->text[0])
		return;
	f->verdict = v;
	vsnprintf(f->text, sizeof(f->text), fmt, ap);
}

void guard_pass(struct guard_finding *f, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(f, GUARD_PASS, fmt, ap);
	va_end(ap);
}

void guard_refuse(struct guard_finding *f, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(f, GUARD_REFUSE, fmt, ap);
	va_end(ap);
}

void guard_na(struct guard_finding *f, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(f, GUARD_NA, fmt, ap);
	va_end(ap);
}

/* ---- in a child, for what may hang ---- */

struct looking {
	const struct guard *g;
	const struct guard_ask *a;
	struct guard_finding found;
};

static void look(void *shared)
{
	struct looking *l = shared;

	l->g->look(l->a, &l->found);
}

static void run_aside(const struct guard *g, const struct guard_ask *a, struct guard_finding *f)
{
	struct looking *l = aside_alloc(sizeof(*l));
	int err = -ENOMEM;

	if (l) {
		*l = (struct looking){ .g = g, .a = a };
		err = aside_run(look, l, ASIDE_NS);
	}
	if (!err)
		*f = l->found;
	else
		guard_refuse(f, "it could not find out: %s",
			     err == -ETIMEDOUT
				     ? "the device or a process did not answer within 30 s"
			     : err == -EIO ? "the look at it died"
					   : strerror(-err));
	aside_free(l, sizeof(*l));
}

/* ---- overrides ---- */

static const struct guard *find(const char *word, size_t n)
{
	for (const struct guard *g = guard_all; g->id; g++)
		if (strlen(g->id) == n && !strncmp(g->id, word, n))
			return g;
	return NULL;
}

int guard_check_override(const char *word, char *ret_error)
{
	const char *colon = strchr(word, ':');
	const struct guard *g = colon ? find(word, (size_t)(colon - word)) : NULL;

	if (!g || !colon[1]) {
		snprintf(ret_error, 256, "--override=%.80s: write GUARD:SERIAL, as G5:S1234", word);
		return -EINVAL;
	}
	if (!g->waivable) {
		snprintf(ret_error, 256, "--override=%.80s: %s (%s) cannot be waived", word, g->id,
			 g->name);
		return -EINVAL;
	}
	return 0;
}

static bool is_waived(const struct guard *g, const struct guard_ask *a)
{
	size_t n = strlen(g->id);

	if (!g->waivable || !a->line || a->line->may < HARM_DATA || !a->drive->serial[0])
		return false;
	for (size_t i = 0; i < a->words->n_override; i++) {
		const char *word = a->words->override[i];

		if (!strncmp(word, g->id, n) && word[n] == ':' &&
		    !strcmp(word + n + 1, a->drive->serial))
			return true;
	}
	return false;
}

/* ---- all of them ---- */

unsigned guard_look(const struct guard_ask *a, unsigned which,
		    void (*tell)(void *ctx, const struct guard *g, const struct guard_finding *f),
		    void *ctx)
{
	struct guard_ask now = *a;

	now.refused = 0;
	for (unsigned i = 0; guard_all[i].id; i++) {
		const struct guard *g = &guard_all[i];
		struct guard_finding f = { .verdict = GUARD_REFUSE };

		if (!(which >> i & 1))
			continue;
		if (g->aside)
			run_aside(g, &now, &f);
		else
			g->look(&now, &f);
		if (!f.text[0]) /* no guard passes without a word */
			guard_refuse(&f, "it found nothing out");
		if (f.verdict == GUARD_REFUSE && is_waived(g, a))
			f.verdict = GUARD_WAIVED;
		if (f.verdict == GUARD_REFUSE)
			now.refused |= 1u << i;
		if (tell)
			tell(ctx, g, &f);
	}
	return now.refused;
}
