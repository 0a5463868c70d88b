// SPDX-License-Identifier: GPL-2.0-or-later
/* What a run came to: counts, what was not asked and why, advice, and the bad ones last. */
#include <string.h>

#include "base/cleanup.h"
#include "rig/report/text.h"
#include "rig/report/tty.h"

/*
 * How many cases of verdict v have what the i-th has by `key`; 0 unless the i-th is the first of
 * them.
 */
static size_t sharing(const struct tty *t, size_t i, enum report_verdict v,
		      const char *(*key)(const struct tale *))
{
	size_t n = 0;

	if (t->kept.all[i].verdict != v)
		return 0;
	for (size_t k = 0; k < t->kept.n; k++) {
		const struct tale *other = &t->kept.all[k];

		if (other->verdict != v || strcmp(key(&t->kept.all[i]), key(other)))
			continue;
		if (k < i)
			return 0;
		n++;
	}
	return n;
}

static void put_skip_codes(struct tty *t)
{
	const char *between = " (";

	for (size_t i = 0; i < t->kept.n; i++) {
		size_t n = sharing(t, i, V_SKIP, tale_skip_code);

		if (!n)
			continue;
		fprintf(t->out, "%s%s %zu", between, tale_skip_code(&t->kept.all[i]), n);
		between = ", ";
	}
	fputc(')', t->out);
}

static void put_counts(struct tty *t)
{
	const char *between = ": ";
	uint64_t cases = 0;

	for (int v = 0; v < V_COUNT; v++)
		cases += t->story.count[v];
	fprintf(t->out, "\n%llu cases", (unsigned long long)cases);
	for (int v = 0; v < V_COUNT; v++) {
		if (!t->story.count[v])
			continue;
		fprintf(t->out, "%s%llu ", between, (unsigned long long)t->story.count[v]);
		between = ", ";
		if (t->style.colour)
			fprintf(t->out, "\033[%sm%s\033[0m", tty_colours[v], report_verdicts[v]);
		else
			fputs(report_verdicts[v], t->out);
		if (v == V_SKIP)
			put_skip_codes(t);
	}
	fputs(", ", t->out);
	put_seconds(t->out,
		    t->story.end ? event_get_u64(t->story.end, "duration_ns") : tty_elapsed_ns(t));
	fputs(" s\n", t->out);
}

/* Cases by hand and derived ones apart, where there are both kinds. */
static void put_tallies(struct tty *t)
{
	char text[TALLY_TEXT];

	for (int derived = 0; derived < 2; derived++)
		if (*story_tally(&t->story, derived, text, sizeof(text)))
			fprintf(t->out, "  %s\n", text);
}

/* A verdict's cases; the same reason is told once, with how many share it. */
static void put_reasons(struct tty *t, enum report_verdict v)
{
	for (size_t i = 0; i < t->kept.n; i++) {
		size_t n = sharing(t, i, v, tale_reason);

		if (!n)
			continue;
		tty_put_verdict(t, v);
		fprintf(t->out, " %4zu  ", n);
		put_line(t->out, tale_reason(&t->kept.all[i]), SHOWN_MAX);
		fputc('\n', t->out);
	}
}

static void put_list(struct tty *t, enum report_verdict v)
{
	for (size_t i = 0; i < t->kept.n; i++) {
		const struct tale *a = &t->kept.all[i];
		char times[32];

		if (a->verdict != v)
			continue;
		tty_put_verdict(t, v);
		fputc(' ', t->out);
		put_line(t->out, tale_name(a), SHOWN_MAX);
		fputs(a->derived ? " (derived)" : "", t->out);
		if (*tale_unstable(a, times, sizeof(times)))
			fprintf(t->out, " %s", times);
		if (*tty_why(a)) {
			fputs(": ", t->out);
			put_line(t->out, tty_why(a), SHOWN_MAX);
		}
		fputc('\n', t->out);
	}
}

static void put_advised(struct tty *t, const struct tale *a, const char *text, unsigned times)
{
	if (!times)
		return;
	fputs("advice   ", t->out);
	put_line(t->out, tale_name(a), SHOWN_MAX);
	fputs(": ", t->out);
	put_line(t->out, text, SHOWN_MAX);
	if (times > 1)
		fprintf(t->out, " (%u times)", times);
	fputc('\n', t->out);
}

/* The same advice again and again, as a loop in a case gives it, is told once. */
static void put_advice_of(struct tty *t, const struct tale *a)
{
	char text[TOLD_LINE], last[TOLD_LINE] = "";
	unsigned times = 0;

	for (size_t k = 0; k < json_object_array_length(a->told); k++) {
		const struct json_object *e = json_object_array_get_idx(a->told, k);

		if (!check_failed(e) || !check_is_advice(e))
			continue;
		if (times && !strcmp(told_line(e, text, sizeof(text)), last)) {
			times++;
			continue;
		}
		put_advised(t, a, last, times);
		told_line(e, last, sizeof(last));
		times = 1;
	}
	put_advised(t, a, last, times);
}

static void put_remarks(struct tty *t)
{
	for (size_t i = 0; i < t->kept.n; i++) {
		const struct tale *a = &t->kept.all[i];

		if (tty_is_fixed(a)) {
			fputs("fixed    ", t->out);
			put_line(t->out, tale_name(a), SHOWN_MAX);
			fputs(" passes; remove its entry: ", t->out);
			put_line(t->out, tale_known(a), SHOWN_MAX);
			fputc('\n', t->out);
		}
		put_advice_of(t, a);
	}
}

void tty_summary(struct tty *t)
{
	static const enum report_verdict listed[] = { V_FAIL, V_UNSTABLE, V_BROKEN, V_LOST,
						      V_KNOWN };

	put_counts(t);
	put_tallies(t);
	put_reasons(t, V_NA);
	put_reasons(t, V_SKIP);
	put_reasons(t, V_NOTRUN);
	put_remarks(t);
	for (size_t i = 0; i < ARRAY_SIZE(listed); i++)
		put_list(t, listed[i]);
	if (!t->story.begun)
		fputs("nothing ran: no case began\n", t->out);
	if (!t->story.end)
		fputs("the journal has no end: the run was cut\n", t->out);
	else if (*event_get_str(t->story.end, "reason")) {
		fputs("stopped early: ", t->out);
		put_line(t->out, event_get_str(t->story.end, "reason"), SHOWN_MAX);
		fputc('\n', t->out);
	}
}
