// SPDX-License-Identifier: GPL-2.0-or-later
/* Markdown for issue trackers: what was run, the counts, and every case that is not plain PASS. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "rig/report/formats.h"
#include "rig/report/story.h"
#include "rig/report/text.h"

struct md {
	FILE *out;
	struct story story;
	struct tale_list tales;
};

static void md_ended(void *ctx, const struct tale *t)
{
	struct md *m = ctx;

	if (tale_list_add(&m->tales, t))
		m->story.error = -ENOMEM;
}

static void *md_open(FILE *out, const struct report_style *style)
{
	struct md *m = calloc(1, sizeof(*m));

	(void)style;
	if (!m)
		return NULL;
	m->out = out;
	m->story = (struct story){ .ended = md_ended, .ctx = m };
	return m;
}

static void md_event(void *state, const struct json_object *e)
{
	struct md *m = state;

	story_event(&m->story, e);
}

static void put_facts(struct md *m)
{
	static const struct {
		const char *key, *name;
	} facts[] = {
		{ "target", "target" },	    { "stack", "stack" },   { "engine", "engine" },
		{ "profile", "profile" },   { "model", "model" },   { "serial", "serial" },
		{ "firmware", "firmware" }, { "version", "nvrig" }, { "effort", "effort" },
	};

	fputs("| fact | value |\n| --- | --- |\n", m->out);
	for (size_t i = 0; i < ARRAY_SIZE(facts); i++) {
		if (!*story_fact(&m->story, facts[i].key))
			continue;
		fprintf(m->out, "| %s | ", facts[i].name);
		put_md_code(m->out, story_fact(&m->story, facts[i].key));
		fputs(" |\n", m->out);
	}
	fputc('\n', m->out);
}

static void put_tallies(struct md *m)
{
	char text[TALLY_TEXT];
	bool any = false;

	for (int derived = 0; derived < 2; derived++)
		if (*story_tally(&m->story, derived, text, sizeof(text))) {
			fprintf(m->out, "- %s\n", text);
			any = true;
		}
	if (any)
		fputc('\n', m->out);
}

static void put_counts(struct md *m)
{
	bool first = true;

	fprintf(m->out, "%zu cases: ", m->tales.n);
	for (int v = 0; v < V_COUNT; v++) {
		if (!m->story.count[v])
			continue;
		fprintf(m->out, "%s%llu %s", first ? "" : ", ",
			(unsigned long long)m->story.count[v], report_verdicts[v]);
		first = false;
	}
	fputs(first ? "none\n\n" : "\n\n", m->out);
	put_tallies(m);
	if (!m->story.begun)
		fputs("**Nothing ran**: no case began, so nothing is known of the drive.\n\n",
		      m->out);
	if (!m->story.end)
		fputs("**The journal has no end**: the run was cut.\n\n", m->out);
	else if (*event_get_str(m->story.end, "reason")) {
		fputs("Stopped early: ", m->out);
		put_md(m->out, event_get_str(m->story.end, "reason"));
		fputs("\n\n", m->out);
	}
}

static void put_evidence(struct md *m, const struct tale *t)
{
	size_t n = t->told ? json_object_array_length(t->told) : 0;

	for (size_t i = 0; i < n; i++) {
		const struct json_object *e = json_object_array_get_idx(t->told, i);
		char buf[TOLD_LINE];

		if (!strcmp(event_type(e), "sample"))
			continue;
		fputs(check_failed(e) && check_is_advice(e) ? "  - advice: " : "  - ", m->out);
		put_md(m->out, told_line(e, buf, sizeof(buf)));
		fputc('\n', m->out);
	}
	if (t->dropped)
		fprintf(m->out, "  - %zu more in the journal\n", t->dropped);
}

static void put_section(struct md *m, enum report_verdict v, const char *title)
{
	if (!m->story.count[v])
		return;
	fprintf(m->out, "## %s\n\n", title);
	for (size_t i = 0; i < m->tales.n; i++) {
		const struct tale *t = &m->tales.all[i];
		char times[32];

		if (t->verdict != v)
			continue;
		fputs("- ", m->out);
		put_md_code(m->out, tale_name(t));
		fputs(t->derived ? " (derived): " : ": ", m->out);
		if (*tale_unstable(t, times, sizeof(times)))
			fprintf(m->out, "%s attempts failed: ", times);
		put_md(m->out, v == V_KNOWN ? tale_known(t) : tale_reason(t));
		fputc('\n', m->out);
		if (!report_is_skipped(v))
			put_evidence(m, t);
	}
	fputc('\n', m->out);
}

/* What passes and yet wants to be read: advice, and known deviations that are gone. */
static void put_remarks(struct md *m)
{
	bool any = false;

	for (size_t i = 0; i < m->tales.n; i++) {
		const struct tale *t = &m->tales.all[i];
		bool advice = t->end && event_get_u64(t->end, "advice");

		if (t->verdict != V_PASS || (!advice && !*tale_known(t)))
			continue;
		if (!any)
			fputs("## Passed, with remarks\n\n", m->out);
		any = true;
		fputs("- ", m->out);
		put_md_code(m->out, tale_name(t));
		fputs(t->derived ? " (derived)" : "", m->out);
		if (*tale_known(t)) {
			fputs(": known deviation is gone, its entry can be removed: ", m->out);
			put_md(m->out, tale_known(t));
		}
		fputc('\n', m->out);
		put_evidence(m, t);
	}
	if (any)
		fputc('\n', m->out);
}

static int md_close(void *state)
{
	static const struct {
		enum report_verdict verdict;
		const char *title;
	} sections[] = {
		{ V_FAIL, "Failed" },	    { V_UNSTABLE, "Unstable" },
		{ V_BROKEN, "Broken rig" }, { V_LOST, "Lost" },
		{ V_NOTRUN, "Not run" },    { V_KNOWN, "Known deviations" },
		{ V_SKIP, "Skipped here" }, { V_NA, "Not claimed by the drive" },
	};
	struct md *m = state;
	int err;

	story_finish(&m->story);
	fputs("# nvrig run ", m->out);
	put_md(m->out, story_fact(&m->story, "run"));
	fputs("\n\n", m->out);
	put_facts(m);
	put_counts(m);
	for (size_t i = 0; i < ARRAY_SIZE(sections); i++)
		put_section(m, sections[i].verdict, sections[i].title);
	put_remarks(m);
	err = m->story.error;
	if (fflush(m->out) || ferror(m->out))
		err = errno ? -errno : -EIO;
	tale_list_free(&m->tales);
	story_free(&m->story);
	free(m);
	return err;
}

const struct report_ops report_md = {
	.name = "md",
	.help = "Markdown, for issue trackers",
	.streams = false,
	.open = md_open,
	.event = md_event,
	.close = md_close,
};
