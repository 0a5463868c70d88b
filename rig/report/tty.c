// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * For people. On a terminal a progress line is redrawn below the verdicts worth reading; elsewhere
 * one line a case, and one a minute when a case is slow. Time is the events' own.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "rig/report/formats.h"
#include "rig/report/story.h"
#include "rig/report/text.h"
#include "rig/report/tty.h"

#define EVIDENCE_MAX 12 /* lines shown of one case; the journal has all */
#define LOG_LINES    12
#define STATUS_MAX   79

const char *const tty_colours[V_COUNT] = {
	[V_PASS] = "32",   [V_FAIL] = "1;31", [V_KNOWN] = "33",
	[V_NA] = "2",	   [V_SKIP] = "36",   [V_BROKEN] = "35",
	[V_LOST] = "1;35", [V_NOTRUN] = "35", [V_UNSTABLE] = "31",
};

void tty_put_verdict(struct tty *t, enum report_verdict v)
{
	if (t->style.colour)
		fprintf(t->out, "\033[%sm%-8s\033[0m", tty_colours[v], report_verdicts[v]);
	else
		fprintf(t->out, "%-8s", report_verdicts[v]);
}

static void erase(struct tty *t)
{
	if (t->drawn)
		fputs("\r\033[K", t->out);
	t->drawn = false;
}

static void put_clock(FILE *out, uint64_t ns)
{
	uint64_t s = ns / NS_PER_S;

	fprintf(out, "%llu:%02llu", (unsigned long long)(s / 60), (unsigned long long)(s % 60));
}

uint64_t tty_elapsed_ns(const struct tty *t)
{
	return t->story.last_ns > t->first_ns ? t->story.last_ns - t->first_ns : 0;
}

/* "[12/230] 1 FAIL 0:03 left 0:40  queue.delete-bad-id[admin]", cut to a narrow terminal. */
static void draw(struct tty *t, const char *name)
{
	_cleanup_free_ char *text = NULL;
	uint64_t spent = tty_elapsed_ns(t);
	size_t len;
	FILE *f = open_memstream(&text, &len);

	if (!f)
		return;
	fprintf(f, "[%llu/%llu]", (unsigned long long)t->done + 1, (unsigned long long)t->cases);
	for (int v = V_FAIL; v < V_COUNT; v++)
		if (t->story.count[v] && v != V_NA && v != V_SKIP)
			fprintf(f, " %llu %s", (unsigned long long)t->story.count[v],
				report_verdicts[v]);
	fputc(' ', f);
	put_clock(f, spent);
	if (t->done && t->cases > t->done && spent > NS_PER_S) {
		fputs(" left ", f);
		put_clock(f, (uint64_t)((double)spent / (double)t->done *
					(double)(t->cases - t->done)));
	}
	fprintf(f, "  %s", name);
	if (fclose(f))
		return;
	erase(t);
	put_line(t->out, text, STATUS_MAX - 3);
	t->drawn = true;
}

/* ---- one case ---- */

static void put_log(struct tty *t, const char *log)
{
	const char *from = log + strlen(log);

	for (int lines = 0; from > log && lines <= LOG_LINES;)
		if (*--from == '\n' && from[1])
			lines++;
	while (*from) {
		size_t len = strcspn(from, "\n");
		_cleanup_free_ char *one = strndup(from, len);

		if (one && len) {
			fputs("           | ", t->out);
			put_line(t->out, one, SHOWN_MAX);
			fputc('\n', t->out);
		}
		from += len + (from[len] == '\n');
	}
}

static bool is_shown(const struct tty *t, const struct tale *tale, const struct json_object *e)
{
	bool check = !strcmp(event_type(e), "check");

	if (t->style.verbose || !strcmp(event_type(e), "engine"))
		return true;
	if (check)
		return !check_is_advice(e) || tale->verdict == V_PASS;
	return report_is_red(tale->verdict) && strcmp(event_type(e), "sample");
}

static void put_evidence(struct tty *t, const struct tale *tale)
{
	size_t n = tale->told ? json_object_array_length(tale->told) : 0, shown = 0, more = 0;

	for (size_t i = 0; i < n; i++) {
		const struct json_object *e = json_object_array_get_idx(tale->told, i);
		char text[TOLD_LINE];

		if (!is_shown(t, tale, e))
			continue;
		if (++shown > EVIDENCE_MAX && !t->style.verbose) {
			more++;
			continue;
		}
		fprintf(t->out, "         %s",
			check_failed(e) && check_is_advice(e) ? "advice: " : "");
		put_line(t->out, told_line(e, text, sizeof(text)), SHOWN_MAX);
		fputc('\n', t->out);
		put_log(t, told_log(e));
	}
	if (more + tale->dropped)
		fprintf(t->out, "         and %zu more in the journal\n", more + tale->dropped);
}

const char *tty_why(const struct tale *tale)
{
	return tale->verdict == V_KNOWN ? tale_known(tale) : tale_reason(tale);
}

bool tty_is_fixed(const struct tale *tale)
{
	return tale->verdict == V_PASS && *tale_known(tale);
}

static uint64_t advice_of(const struct tale *tale)
{
	return tale->end ? event_get_u64(tale->end, "advice") : 0;
}

/* The reason is often one of the checks in short; then that is enough. */
static bool is_evident(const struct tty *t, const struct tale *tale)
{
	size_t n = tale->told ? json_object_array_length(tale->told) : 0;
	size_t len = strlen(tty_why(tale));

	for (size_t i = 0; i < n && i < EVIDENCE_MAX; i++) {
		const struct json_object *e = json_object_array_get_idx(tale->told, i);
		char text[TOLD_LINE];

		if (is_shown(t, tale, e) &&
		    !strncmp(told_line(e, text, sizeof(text)), tty_why(tale), len))
			return true;
	}
	return false;
}

static void put_head(struct tty *t, const struct tale *tale)
{
	tty_put_verdict(t, tale->verdict);
	fputc(' ', t->out);
	put_line(t->out, *tale_name(tale) ? tale_name(tale) : "(a case without a name)", SHOWN_MAX);
	if (tale_attempt(tale))
		fprintf(t->out, " attempt %llu", (unsigned long long)tale_attempt(tale));
	if (tale->begun && tale_duration_ns(tale) >= NS_PER_S) {
		fputs(" (", t->out);
		put_clock(t->out, tale_duration_ns(tale));
		fputc(')', t->out);
	}
	fputc('\n', t->out);
}

static void put_tale(struct tty *t, const struct tale *tale)
{
	put_head(t, tale);
	if (tale->verdict != V_PASS && *tty_why(tale) && !is_evident(t, tale)) {
		fputs("         ", t->out);
		put_line(t->out, tty_why(tale), SHOWN_MAX);
		fputc('\n', t->out);
	}
	if (tty_is_fixed(tale)) {
		fputs("         known deviation is gone, its entry can be removed: ", t->out);
		put_line(t->out, tale_known(tale), SHOWN_MAX);
		fputc('\n', t->out);
	}
	put_evidence(t, tale);
}

/* On a terminal what went well leaves no line; what was left out is for the summary. */
static bool is_told_at_once(const struct tty *t, const struct tale *tale)
{
	if (!t->style.terminal || t->style.verbose)
		return true;
	if (tale->verdict == V_PASS)
		return tty_is_fixed(tale);
	return tale->begun || report_is_red(tale->verdict);
}

static void tty_tried(void *ctx, const struct tale *tale)
{
	struct tty *t = ctx;

	t->done++;
	t->said_ns = t->story.last_ns;
	if (is_told_at_once(t, tale)) {
		erase(t);
		put_tale(t, tale);
	}
}

/* The attempts of a repeated case were told one by one. */
static void tty_ended(void *ctx, const struct tale *tale)
{
	struct tty *t = ctx;

	if (!tale->tries)
		tty_tried(t, tale);
	if ((tale->verdict != V_PASS || tty_is_fixed(tale) || advice_of(tale)) &&
	    tale_list_add(&t->kept, tale))
		t->error = -ENOMEM;
}

/* ---- the run ---- */

static void *tty_open(FILE *out, const struct report_style *style)
{
	struct tty *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->out = out;
	t->style = *style;
	t->story = (struct story){ .ended = tty_ended, .tried = tty_tried, .ctx = t };
	return t;
}

static void put_word(struct tty *t, const char *before, const char *key)
{
	if (!*story_fact(&t->story, key))
		return;
	fputs(before, t->out);
	put_line(t->out, story_fact(&t->story, key), SHOWN_MAX);
}

static void put_run(struct tty *t)
{
	put_word(t, "run      ", "run");
	put_word(t, "\ntarget   ", "target");
	put_word(t, "\nengine   ", "engine");
	put_word(t, "\ndrive    ", "model");
	put_word(t, " serial ", "serial");
	put_word(t, " firmware ", "firmware");
	put_word(t, "\nprofile  ", "profile");
	put_word(t, "\neffort   ", "effort");
	fputs("\n\n", t->out);
}

static void on_minute(struct tty *t, const struct json_object *e)
{
	if (!t->story.open || t->style.terminal || t->story.last_ns < t->said_ns + 60 * NS_PER_S)
		return;
	t->said_ns = t->story.last_ns;
	fputs("still in ", t->out);
	put_line(t->out, event_get_str(e, "case"), SHOWN_MAX);
	fputs(" after ", t->out);
	put_clock(t->out, t->story.last_ns - t->began_ns);
	fputc('\n', t->out);
}

static void on_stack(struct tty *t, const struct json_object *e)
{
	const char *state = event_get_str(e, "state");

	if (strcmp(state, "restarted") && strcmp(state, "failed"))
		return;
	erase(t);
	fprintf(t->out, "stack    ");
	put_line(t->out, state, SHOWN_MAX);
	fputs(*event_get_str(e, "text") ? ": " : "", t->out);
	put_line(t->out, event_get_str(e, "text"), SHOWN_MAX);
	fputc('\n', t->out);
}

static void tty_event(void *state, const struct json_object *e)
{
	struct tty *t = state;
	const char *type = event_type(e);

	story_event(&t->story, e);
	if (!strcmp(type, "run_begin")) {
		erase(t);
		put_run(t);
	} else if (!strcmp(type, "plan")) {
		t->cases++;
	} else if (!strcmp(type, "stack")) {
		on_stack(t, e);
	} else if (!strcmp(type, "case_begin")) {
		t->began_ns = t->said_ns = t->story.last_ns;
		if (!t->first_ns)
			t->first_ns = t->story.last_ns;
		if (t->style.terminal)
			draw(t, event_get_str(e, "case"));
	} else {
		on_minute(t, e);
	}
	fflush(t->out);
}

static int tty_close(void *state)
{
	struct tty *t = state;
	int err;

	story_finish(&t->story);
	erase(t);
	if (t->story.run || t->done) /* else the run was refused before it began */
		tty_summary(t);
	err = t->error ? t->error : t->story.error;
	if (fflush(t->out) || ferror(t->out))
		err = errno ? -errno : -EIO;
	tale_list_free(&t->kept);
	story_free(&t->story);
	free(t);
	return err;
}

const struct report_ops report_tty = {
	.name = "tty",
	.help = "for people: verdicts as they come, and a summary",
	.streams = true,
	.open = tty_open,
	.event = tty_event,
	.close = tty_close,
};
