// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * KTAP version 1, streamed: suites nest in the run, cases in suites. The plan lines come from the
 * plan events; nothing is printed before the first case begins, so that a run in which none did
 * can still say 1..0. Every line is one write().
 */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "rig/report/formats.h"
#include "rig/report/story.h"
#include "rig/report/text.h"

#define SUITES_MAX 256
#define REASON_MAX 1500 /* a line stays below a page, so that it stays one write() */

struct suite {
	char name[64];
	uint64_t planned;
};

struct ktap {
	FILE *out;
	struct story story;
	struct suite suite[SUITES_MAX];
	size_t suites;

	bool began;	       /* the top plan line is out */
	uint64_t suite_number; /* of the open or last suite, from 1 */
	struct suite *open;
	uint64_t number;	/* of the last case in it */
	bool red;		/* one of its cases is `not ok` */
	bool only_known;	/* those are all XFAIL */
	bool only_skips;	/* all are skipped */
	struct tale_list early; /* cases that ended before any began */
	int error;
};

/* Lines are made here and leave whole. */
static void line(struct ktap *k, const char *text)
{
	if (fputs(text, k->out) < 0 || fputc('\n', k->out) < 0 || fflush(k->out))
		k->error = errno ? -errno : -EIO;
}

__attribute__((format(printf, 2, 3))) static void linef(struct ktap *k, const char *fmt, ...)
{
	_cleanup_free_ char *text = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		text = NULL;
	va_end(ap);
	if (text)
		line(k, text);
	else
		k->error = -ENOMEM;
}

/* New memory: s on one line, without '#' where it would begin a directive. */
static char *one_line(const char *s, bool description)
{
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	if (!f)
		return NULL;
	put_line(f, s, REASON_MAX);
	if (fclose(f)) {
		free(text);
		return NULL;
	}
	for (char *c = text; description && (c = strchr(c, '#')); c++)
		*c = '.';
	return text;
}

/* ---- the plan ---- */

static struct suite *suite_of(struct ktap *k, const char *name, size_t len)
{
	struct suite *s;

	if (!len) {
		name = "unnamed";
		len = strlen(name);
	}
	if (len >= sizeof(s->name))
		len = sizeof(s->name) - 1;
	for (size_t i = 0; i < k->suites; i++)
		if (strlen(k->suite[i].name) == len && !memcmp(k->suite[i].name, name, len))
			return &k->suite[i];
	if (k->suites == SUITES_MAX)
		return &k->suite[SUITES_MAX - 1];
	s = &k->suite[k->suites++];
	memcpy(s->name, name, len);
	return s;
}

static void on_plan(struct ktap *k, const struct json_object *e)
{
	const char *name = event_get_str(e, "case");

	if (!k->began && *name && event_get_u64(e, "attempt") <= 1)
		suite_of(k, name, strcspn(name, "."))->planned++;
}

/* ---- lines ---- */

static void result(struct ktap *k, const struct tale *t)
{
	_cleanup_free_ char *name = one_line(*tale_name(t) ? tale_name(t) : "unnamed", true);
	_cleanup_free_ char *reason = one_line(tale_reason(t), false);
	_cleanup_free_ char *known = one_line(tale_known(t), false);
	unsigned long long n = ++k->number;
	char unstable[32];

	if (!name || !reason || !known) {
		k->error = -ENOMEM;
		return;
	}
	switch (t->verdict) {
	case V_PASS:
		linef(k, "  ok %llu %s%s%s", n, name, *known ? " # known deviation is gone: " : "",
		      known);
		break;
	case V_NA:
		linef(k, "  ok %llu %s # SKIP not claimed: %s", n, name, reason);
		break;
	case V_SKIP:
		linef(k, "  ok %llu %s # SKIP %s", n, name, reason);
		break;
	case V_KNOWN:
		linef(k, "  not ok %llu %s # XFAIL %s", n, name, known);
		break;
	case V_FAIL:
		linef(k, "  not ok %llu %s # %s", n, name, reason);
		break;
	case V_UNSTABLE:
		linef(k, "  not ok %llu %s # unstable %s", n, name,
		      *tale_unstable(t, unstable, sizeof(unstable)) ? unstable : reason);
		break;
	case V_LOST:
		linef(k, "  not ok %llu %s # ERROR host lost: %s", n, name, reason);
		break;
	case V_NOTRUN:
		linef(k, "  not ok %llu %s # ERROR not run: %s", n, name, reason);
		break;
	case V_BROKEN:
	case V_COUNT:
		if (t->timeout)
			linef(k, "  not ok %llu %s # TIMEOUT %llu seconds", n, name,
			      (unsigned long long)tale_deadline_s(t));
		else
			linef(k, "  not ok %llu %s # ERROR %s", n, name, reason);
		break;
	}
}

static void diagnostic(struct ktap *k, const char *label, const char *text)
{
	_cleanup_free_ char *one = one_line(text, false);

	if (one)
		linef(k, "  # %s%s", label, one);
	else
		k->error = -ENOMEM;
}

static void diagnostics(struct ktap *k, const struct tale *t)
{
	size_t n = t->told ? json_object_array_length(t->told) : 0;

	for (size_t i = 0; i < n; i++) {
		const struct json_object *e = json_object_array_get_idx(t->told, i);
		char text[TOLD_LINE];
		bool advice = check_failed(e) && check_is_advice(e);

		diagnostic(k, advice ? "advice: " : "", told_line(e, text, sizeof(text)));
	}
	if (t->dropped)
		linef(k, "  # %zu more in the journal", t->dropped);
}

/* ---- levels ---- */

static void begin_suite(struct ktap *k, struct suite *s)
{
	k->open = s;
	k->number = 0;
	k->red = false;
	k->only_known = k->only_skips = true;
	line(k, "  KTAP version 1");
	if (s->planned)
		linef(k, "  1..%llu", (unsigned long long)s->planned);
}

static void end_suite(struct ktap *k)
{
	struct suite *s = k->open;
	unsigned long long n = ++k->suite_number;

	if (k->red)
		linef(k, "not ok %llu %s%s", n, s->name,
		      k->only_known ? " # XFAIL known deviations" : "");
	else
		linef(k, "ok %llu %s%s", n, s->name,
		      k->only_skips ? " # SKIP all were skipped" : "");
	k->open = NULL;
}

static void tell(struct ktap *k, const struct tale *t)
{
	const char *name = tale_name(t);
	struct suite *s = suite_of(k, name, tale_suite_len(t));

	if (k->open && k->open != s)
		end_suite(k);
	if (!k->open)
		begin_suite(k, s);
	diagnostics(k, t);
	result(k, t);
	k->only_skips &= report_is_skipped(t->verdict);
	k->red |= report_is_red(t->verdict) || t->verdict == V_KNOWN;
	k->only_known &= !report_is_red(t->verdict);
}

/* The first case begins: what was held back can be told. */
static void begin_run(struct ktap *k)
{
	k->began = true;
	if (k->suites)
		linef(k, "1..%zu", k->suites);
	for (size_t i = 0; i < k->early.n; i++)
		tell(k, &k->early.all[i]);
	tale_list_free(&k->early);
}

static void ktap_ended(void *ctx, const struct tale *t)
{
	struct ktap *k = ctx;

	if (k->began)
		tell(k, t);
	else if (tale_list_add(&k->early, t))
		k->error = -ENOMEM;
}

static void *ktap_open(FILE *out, const struct report_style *style)
{
	struct ktap *k = calloc(1, sizeof(*k));

	(void)style;
	if (!k)
		return NULL;
	k->out = out;
	k->story = (struct story){ .ended = ktap_ended, .ctx = k };
	line(k, "KTAP version 1");
	return k;
}

static void ktap_event(void *state, const struct json_object *e)
{
	struct ktap *k = state;

	if (!strcmp(event_type(e), "plan"))
		on_plan(k, e);
	if (!strcmp(event_type(e), "case_begin") && !k->began)
		begin_run(k);
	story_event(&k->story, e);
}

/* Nothing began: the plan says so, and why is told where no reader takes it for a result. */
static void empty(struct ktap *k)
{
	line(k, "1..0");
	for (size_t i = 0; i < k->early.n; i++) {
		const struct tale *t = &k->early.all[i];
		_cleanup_free_ char *name = one_line(tale_name(t), true);
		_cleanup_free_ char *reason = one_line(tale_reason(t), false);

		if (name && reason)
			linef(k, "# %s %s: %s", report_verdicts[t->verdict], name, reason);
	}
	tale_list_free(&k->early);
}

/* What no reader takes for a result. */
static void put_tallies(struct ktap *k)
{
	char text[TALLY_TEXT];

	for (int derived = 0; derived < 2; derived++)
		if (*story_tally(&k->story, derived, text, sizeof(text)))
			linef(k, "# %s", text);
}

static int ktap_close(void *state)
{
	struct ktap *k = state;
	int err;

	story_finish(&k->story);
	if (!k->began)
		empty(k);
	else if (k->open)
		end_suite(k);
	put_tallies(k);
	err = k->error ? k->error : k->story.error;
	story_free(&k->story);
	free(k);
	return err;
}

const struct report_ops report_ktap = {
	.name = "ktap",
	.help = "KTAP version 1, suites nested, as it goes",
	.streams = true,
	.open = ktap_open,
	.event = ktap_event,
	.close = ktap_close,
};
