// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * JUnit XML, the strict form that the Jenkins xUnit schema takes (libraries.md section 6; our
 * tests/junit.xsd says it to xmllint): counts on every suite, nothing but name, classname and time
 * on a testcase, no properties inside one.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "rig/report/formats.h"
#include "rig/report/story.h"
#include "rig/report/text.h"

#define LOG_MAX (64u * 1024) /* of a testcase's system-out: its last bytes */

struct junit {
	FILE *out;
	struct story story;
	struct tale_list tales;
	char began[20]; /* YYYY-MM-DDThh:mm:ss */
};

struct sums {
	uint64_t tests, failures, errors, skipped, derived, ns;
};

static void junit_ended(void *ctx, const struct tale *t)
{
	struct junit *j = ctx;

	if (tale_list_add(&j->tales, t))
		j->story.error = -ENOMEM;
}

static void *junit_open(FILE *out, const struct report_style *style)
{
	struct junit *j = calloc(1, sizeof(*j));

	(void)style;
	if (!j)
		return NULL;
	j->out = out;
	j->story = (struct story){ .ended = junit_ended, .ctx = j };
	return j;
}

/* The schema's time stamp: no fraction, no zone. */
static bool timestamp(const char *t, char ret[20])
{
	static const char shape[] = "dddd-dd-ddTdd:dd:dd";

	for (size_t i = 0; shape[i]; i++) {
		bool fits = shape[i] == 'd' ? t[i] >= '0' && t[i] <= '9' : t[i] == shape[i];

		if (!fits)
			return false;
	}
	memcpy(ret, t, 19);
	ret[19] = 0;
	return true;
}

static void junit_event(void *state, const struct json_object *e)
{
	struct junit *j = state;

	if (!*j->began)
		timestamp(event_get_str(e, "t"), j->began);
	story_event(&j->story, e);
}

/* ---- pieces ---- */

static void attribute(struct junit *j, const char *name, const char *value)
{
	fprintf(j->out, " %s=\"", name);
	put_xml(j->out, value);
	fputc('"', j->out);
}

static void attribute_u64(struct junit *j, const char *name, uint64_t value)
{
	fprintf(j->out, " %s=\"%llu\"", name, (unsigned long long)value);
}

static void attribute_seconds(struct junit *j, uint64_t ns)
{
	fputs(" time=\"", j->out);
	put_seconds(j->out, ns);
	fputc('"', j->out);
}

/* "nvrig.ALIAS" or "nvrig.ALIAS.suite": the alias is one segment of the path. */
static void put_class(struct junit *j, const char *suite, size_t len)
{
	const char *alias = story_fact(&j->story, "profile");
	size_t n = strlen(alias);
	char name[256], *o = name;

	if (!n)
		alias = story_fact(&j->story, "stack"), n = strlen(alias);
	if (!n)
		alias = story_fact(&j->story, "target"), n = strcspn(alias, ":");
	if (!n)
		alias = "drive", n = strlen(alias);
	o += snprintf(name, sizeof(name), "nvrig.");
	for (size_t i = 0; i < n && i < 100; i++)
		*o++ = strchr(". \t\n", alias[i]) ? '-' : alias[i];
	if (len)
		o += snprintf(o, 100, ".%.*s", (int)(len < 90 ? len : 90), suite);
	*o = 0;
	put_xml(j->out, name);
}

static void put_case_name(struct junit *j, const struct tale *t)
{
	const char *name = tale_name(t);
	size_t suite = tale_suite_len(t);

	name += suite ? suite + 1 : 0;
	put_xml(j->out, *name ? name : "unnamed");
}

static void sum(struct sums *s, const struct tale *t)
{
	s->tests++;
	s->failures += t->verdict == V_FAIL || t->verdict == V_UNSTABLE;
	s->errors += t->verdict == V_BROKEN || t->verdict == V_LOST || t->verdict == V_NOTRUN;
	s->skipped += report_is_skipped(t->verdict) || t->verdict == V_KNOWN;
	s->derived += t->derived;
	s->ns += tale_duration_ns(t);
}

static bool has_trouble(const struct tale *t)
{
	return report_is_red(t->verdict);
}

/*
 * New memory: what was told of a case. What missed stands in the failure or error element
 * (trouble) when the verdict has one, all the rest in system-out.
 */
static char *told_text(const struct tale *t, bool trouble)
{
	char *text = NULL;
	size_t len, n = t->told ? json_object_array_length(t->told) : 0;
	FILE *f = open_memstream(&text, &len);

	if (!f)
		return NULL;
	for (size_t i = 0; i < n; i++) {
		const struct json_object *e = json_object_array_get_idx(t->told, i);
		bool missed = check_failed(e) && !check_is_advice(e);
		char buf[TOLD_LINE];

		if (trouble != (has_trouble(t) && (missed || *told_log(e))))
			continue;
		fprintf(f, "%s%s\n", check_failed(e) && !missed ? "advice: " : "",
			told_line(e, buf, sizeof(buf)));
		if (*told_log(e))
			fprintf(f, "%s\n", told_log(e));
	}
	if (t->dropped && !trouble)
		fprintf(f, "%zu more in the journal\n", t->dropped);
	if (fclose(f)) {
		free(text);
		return NULL;
	}
	return text;
}

static void put_system_out(struct junit *j, const struct tale *t)
{
	_cleanup_free_ char *text = told_text(t, false);
	const char *tail = text;
	bool fixed = t->verdict == V_PASS && *tale_known(t);

	if (!text) {
		j->story.error = -ENOMEM;
		return;
	}
	if (!*text && !fixed)
		return;
	if (strlen(text) > LOG_MAX)
		tail += strlen(text) - LOG_MAX;
	fputs("<system-out>", j->out);
	if (fixed) {
		put_xml(j->out, "known deviation is gone, its entry can be removed: ");
		put_xml(j->out, tale_known(t));
		put_xml(j->out, "\n");
	}
	put_xml(j->out, tail);
	fputs("</system-out>\n", j->out);
}

static void put_trouble(struct junit *j, const struct tale *t, const char *element,
			const char *type, const char *message)
{
	_cleanup_free_ char *text = told_text(t, true);

	fprintf(j->out, "<%s", element);
	attribute(j, "type", type);
	attribute(j, "message", message);
	fputc('>', j->out);
	if (text)
		put_xml(j->out, text);
	else
		j->story.error = -ENOMEM;
	fprintf(j->out, "</%s>\n", element);
}

static void put_skipped(struct junit *j, const char *kind, const char *why)
{
	fprintf(j->out, "<skipped message=\"%s: ", kind);
	put_xml(j->out, why);
	fputs("\"/>\n", j->out);
}

/* The attempts that failed, after a failure that says how many they were. */
static void put_unstable(struct junit *j, const struct tale *t)
{
	char times[32];
	_cleanup_free_ char *message = NULL;
	size_t n = t->failed ? json_object_array_length(t->failed) : 0;

	if (asprintf(&message, "unstable %s: %s", tale_unstable(t, times, sizeof(times)),
		     tale_reason(t)) < 0) {
		message = NULL;
		j->story.error = -ENOMEM;
	}
	put_trouble(j, t, "failure", "unstable", message ? message : "unstable");
	for (size_t i = 0; i < n; i++) {
		const struct json_object *end = json_object_array_get_idx(t->failed, i);

		fputs("<rerunFailure type=\"fail\"", j->out);
		attribute(j, "message", event_get_str(end, "reason"));
		fprintf(j->out, ">attempt %llu</rerunFailure>\n",
			(unsigned long long)event_get_u64(end, "attempt"));
	}
}

static void put_verdict(struct junit *j, const struct tale *t)
{
	switch (t->verdict) {
	case V_PASS:
		return;
	case V_FAIL:
		put_trouble(j, t, "failure", "fail", tale_reason(t));
		return;
	case V_UNSTABLE:
		put_unstable(j, t);
		return;
	case V_KNOWN:
		put_skipped(j, "known", tale_known(t));
		return;
	case V_NA:
		put_skipped(j, "n/a", tale_reason(t));
		return;
	case V_SKIP:
		put_skipped(j, "skip", tale_reason(t));
		return;
	case V_LOST:
		put_trouble(j, t, "error", "lost", tale_reason(t));
		return;
	case V_NOTRUN:
		put_trouble(j, t, "error", "notrun", tale_reason(t));
		return;
	case V_BROKEN:
	case V_COUNT:
		put_trouble(j, t, "error", t->timeout ? "timeout" : "broken", tale_reason(t));
		return;
	}
}

static void put_case(struct junit *j, const struct tale *t)
{
	fputs("<testcase name=\"", j->out);
	put_case_name(j, t);
	fputs("\" classname=\"", j->out);
	put_class(j, tale_name(t), tale_suite_len(t));
	fputc('"', j->out);
	attribute_seconds(j, tale_duration_ns(t));
	fputs(">\n", j->out);
	put_verdict(j, t);
	put_system_out(j, t);
	fputs("</testcase>\n", j->out);
}

static void put_properties(struct junit *j, const struct sums *s)
{
	static const struct {
		const char *key, *name;
	} facts[] = {
		{ "run", "run" },	{ "version", "nvrig" }, { "target", "target" },
		{ "stack", "stack" },	{ "engine", "engine" }, { "profile", "profile" },
		{ "model", "model" },	{ "serial", "serial" }, { "firmware", "firmware" },
		{ "kernel", "kernel" }, { "effort", "effort" },
	};
	const char *seed = story_fact(&j->story, "seed_str");
	char number[24];

	if (!*seed && j->story.run) {
		snprintf(number, sizeof(number), "%llu",
			 (unsigned long long)event_get_u64(j->story.run, "seed"));
		seed = number;
	}
	fputs("<properties>\n", j->out);
	for (size_t i = 0; i < ARRAY_SIZE(facts); i++) {
		if (!*story_fact(&j->story, facts[i].key))
			continue;
		fputs("<property", j->out);
		attribute(j, "name", facts[i].name);
		attribute(j, "value", story_fact(&j->story, facts[i].key));
		fputs("/>\n", j->out);
	}
	fputs("<property name=\"seed\"", j->out);
	attribute(j, "value", seed);
	fputs("/>\n", j->out);
	if (s->derived) /* so many of its testcases are made from tables */
		fprintf(j->out, "<property name=\"derived\" value=\"%llu\"/>\n",
			(unsigned long long)s->derived);
	fputs("</properties>\n", j->out);
}

/* ---- suites ---- */

static bool same_suite(const struct tale *a, const struct tale *b)
{
	size_t n = tale_suite_len(a);

	return n == tale_suite_len(b) && !memcmp(tale_name(a), tale_name(b), n);
}

static bool is_first_of_suite(const struct junit *j, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (same_suite(&j->tales.all[k], &j->tales.all[i]))
			return false;
	return true;
}

static void begin_suite(struct junit *j, const struct tale *first, const struct sums *s,
			unsigned id)
{
	fputs("<testsuite name=\"", j->out);
	put_class(j, first ? tale_name(first) : "", first ? tale_suite_len(first) : 0);
	fputc('"', j->out);
	attribute_u64(j, "tests", s->tests);
	attribute_u64(j, "failures", s->failures);
	attribute_u64(j, "errors", s->errors);
	attribute_u64(j, "skipped", s->skipped);
	attribute_seconds(j, s->ns);
	if (*j->began)
		attribute(j, "timestamp", j->began);
	if (*story_fact(&j->story, "host"))
		attribute(j, "hostname", story_fact(&j->story, "host"));
	attribute_u64(j, "id", id);
	fputs(" package=\"", j->out);
	put_class(j, "", 0);
	fputs("\">\n", j->out);
	put_properties(j, s);
}

static void put_suite(struct junit *j, size_t first, unsigned id)
{
	const struct tale *head = &j->tales.all[first];
	struct sums s = { 0 };

	for (size_t i = first; i < j->tales.n; i++)
		if (same_suite(head, &j->tales.all[i]))
			sum(&s, &j->tales.all[i]);
	begin_suite(j, head, &s, id);
	for (size_t i = first; i < j->tales.n; i++)
		if (same_suite(head, &j->tales.all[i]))
			put_case(j, &j->tales.all[i]);
	fputs("</testsuite>\n", j->out);
}

/* A run in which nothing began is never green. */
static void put_nothing_ran(struct junit *j, unsigned id)
{
	const struct sums s = { .errors = 1 };

	begin_suite(j, NULL, &s, id);
	fputs("<testcase name=\"nvrig.nothing-ran\" classname=\"", j->out);
	put_class(j, "", 0);
	fputs("\" time=\"0.000000\">\n<error type=\"nothing-ran\" message=\"no case began\"/>\n"
	      "</testcase>\n</testsuite>\n",
	      j->out);
}

static void put_all(struct junit *j)
{
	bool empty = j->story.begun == 0;
	struct sums s = { .errors = empty };
	unsigned id = 0;

	for (size_t i = 0; i < j->tales.n; i++)
		sum(&s, &j->tales.all[i]);
	fputs("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"nvrig\"", j->out);
	attribute_seconds(j, s.ns);
	attribute_u64(j, "tests", s.tests);
	attribute_u64(j, "failures", s.failures);
	attribute_u64(j, "errors", s.errors);
	fputs(">\n", j->out);
	for (size_t i = 0; i < j->tales.n; i++)
		if (is_first_of_suite(j, i))
			put_suite(j, i, id++);
	if (empty)
		put_nothing_ran(j, id);
	fputs("</testsuites>\n", j->out);
}

static int junit_close(void *state)
{
	struct junit *j = state;
	int err;

	story_finish(&j->story);
	put_all(j);
	err = j->story.error;
	if (fflush(j->out) || ferror(j->out))
		err = errno ? -errno : -EIO;
	tale_list_free(&j->tales);
	story_free(&j->story);
	free(j);
	return err;
}

const struct report_ops report_junit = {
	.name = "junit",
	.help = "JUnit XML, the strict form, for CI servers",
	.streams = false,
	.open = junit_open,
	.event = junit_event,
	.close = junit_close,
};
