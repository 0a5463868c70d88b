// SPDX-License-Identifier: GPL-2.0-or-later
/* Reports against recorded runs (tests/runs), against their formats' rules, against noise. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "event/event.h"
#include "rig/ask.h"
#include "rig/report/report.h"
#include "rig/report/text.h"
#include "rig/verbs.h"
#include "tests/unit.h"

static const char *const runs[] = { "mixed",   "good",	   "nothing-ran", "cut",
				    "resumed", "repeated", "hostile",	  "traced",
				    "derived" };
static const char *const formats[] = { "tty", "junit", "ktap", "md", "trace" };

/* ---- helpers ---- */

__attribute__((format(printf, 1, 2))) static char *textf(const char *fmt, ...)
{
	char *s = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&s, fmt, ap) < 0)
		abort();
	va_end(ap);
	return s;
}

static char *load(const char *path)
{
	_cleanup_fclose_ FILE *f = fopen(path, "re");
	char *text = NULL;
	size_t size = 0;
	ssize_t n = f ? getdelim(&text, &size, 0, f) : -1;

	if (n < 0) {
		free(text);
		return NULL;
	}
	return text;
}

/* `nvrig report RUN --to FORMAT=FILE`, quietly. */
static int make(const char *run, const char *format, const char *file)
{
	_cleanup_free_ char *dir = textf("%s/runs/%s", TESTS_DIR, run);
	_cleanup_free_ char *to = textf("--to=%s=%s", format, file);
	char verb[] = "report";
	char *argv[] = { verb, dir, to, NULL };

	return cmd_report(3, argv);
}

/* The same events given to a report one by one, as a run gives them. */
static char *feed(const char *run, const char *format)
{
	_cleanup_free_ char *path = textf("%s/runs/%s/events.jsonl", TESTS_DIR, run);
	_cleanup_fclose_ FILE *in = fopen(path, "re");
	const struct report_style style = { 0 };
	const struct report_ops *ops = report_find(format);
	_cleanup_free_ char *line = NULL;
	size_t size = 0, len;
	char *text = NULL;
	FILE *out = open_memstream(&text, &len);
	void *state = ops->open(out, &style);
	ssize_t n;

	while ((n = getline(&line, &size, in)) > 0 && line[n - 1] == '\n') {
		struct json_object *e = event_decode(line, (size_t)n - 1);

		if (e)
			ops->event(state, e);
		json_object_put(e);
	}
	CU_ASSERT_EQUAL(ops->close(state), 0);
	fclose(out);
	return text;
}

/* ---- recorded runs ---- */

static void same_as_recorded(void)
{
	for (size_t r = 0; r < ARRAY_SIZE(runs); r++)
		for (size_t f = 0; f < ARRAY_SIZE(formats); f++) {
			_cleanup_free_ char *path =
				textf("%s/runs/%s/%s", TESTS_DIR, runs[r], formats[f]);
			_cleanup_free_ char *want = load(path), *got = NULL;

			CU_ASSERT_EQUAL(make(runs[r], formats[f], "made"), RIG_GOOD);
			got = load("made");
			CU_ASSERT_PTR_NOT_NULL(want);
			CU_ASSERT(want && got && !strcmp(want, got));
			if (!want || !got || strcmp(want, got))
				fprintf(stderr, "%s: differs\n", path);
		}
	unlink("made");
}

static void same_as_during_the_run(void)
{
	for (size_t f = 0; f < ARRAY_SIZE(formats); f++) {
		_cleanup_free_ char *live = feed("mixed", formats[f]), *made = NULL;

		CU_ASSERT_EQUAL(make("mixed", formats[f], "made"), RIG_GOOD);
		made = load("made");
		CU_ASSERT(made && !strcmp(live, made));
	}
	unlink("made");
}

static void jsonl_is_the_journal(void)
{
	_cleanup_free_ char *path = textf("%s/runs/mixed/events.jsonl", TESTS_DIR);
	_cleanup_free_ char *journal = load(path), *made = feed("mixed", "jsonl");

	CU_ASSERT(journal && !strcmp(journal, made));
}

static void newer_major_is_refused(void)
{
	unlink("made");
	CU_ASSERT_EQUAL(make("newer", "junit", "made"), RIG_BROKE);
	CU_ASSERT(access("made", F_OK) != 0);
}

static void file_that_cannot_be_written(void)
{
	CU_ASSERT_EQUAL(make("mixed", "junit", "/nonexistent/made"), RIG_BROKE);
	CU_ASSERT_EQUAL(make("no-such-run", "junit", "made"), RIG_USAGE);
	CU_ASSERT(access("made", F_OK) != 0);
}

/* ---- the formats' own rules ---- */

static bool lint(const char *file, bool schema)
{
	_cleanup_free_ char *xsd = textf("%s/junit.xsd", TESTS_DIR);
	char tool[] = "xmllint", noout[] = "--noout", with[] = "--schema";
	char *name = (char *)(uintptr_t)file;
	char *strict[] = { tool, noout, with, xsd, name, NULL };
	char *loose[] = { tool, noout, name, NULL };
	char out[256];
	int err = ask_program(schema ? strict : loose, 20000, out, sizeof(out));

	if (err == -ENOENT)
		fprintf(stderr, "xmllint is not installed: %s is not checked\n", file);
	return err == 0 || err == -ENOENT;
}

static void junit_keeps_its_schema(void)
{
	for (size_t r = 0; r < ARRAY_SIZE(runs); r++) {
		CU_ASSERT_EQUAL(make(runs[r], "junit", "made.xml"), RIG_GOOD);
		CU_ASSERT(lint("made.xml", true));
	}
	unlink("made.xml");
}

/* The schema must be able to refuse: what nvrig never writes. */
static void schema_refuses(void)
{
	FILE *f = fopen("bad.xml", "we");

	fputs("<testsuites name=\"n\" time=\"1\" tests=\"1\" failures=\"0\" errors=\"0\">"
	      "<testsuite name=\"nvrig.a\" tests=\"1\" failures=\"0\" errors=\"0\" skipped=\"0\" "
	      "time=\"1e3\" id=\"0\" package=\"nvrig.a\"/></testsuites>",
	      f);
	fclose(f);
	CU_ASSERT(lint("bad.xml", false));
	CU_ASSERT(!lint("bad.xml", true) || lint("/nonexistent.xml", false));
	unlink("bad.xml");
}

/* Reads one level of KTAP; returns whether any result in it is `not ok`. *at moves on. */
static bool ktap_level(const char **at, unsigned indent)
{
	unsigned long planned = ULONG_MAX, seen = 0, number;
	bool red = false, child_red = false, child = false;

	while (**at) {
		const char *line = *at;
		size_t blanks = strspn(line, " "), len = strcspn(line, "\n");

		if (blanks < indent)
			break;
		if (blanks > indent) {
			child = true;
			child_red = ktap_level(at, indent + 2);
			continue;
		}
		line += indent;
		*at += len + 1;
		if (*line == '#' || !strncmp(line, "KTAP version 1", 14))
			continue;
		if (sscanf(line, "1..%lu", &planned) == 1)
			continue;
		if (sscanf(line, "ok %lu ", &number) != 1) {
			CU_ASSERT_EQUAL(sscanf(line, "not ok %lu ", &number), 1);
			red = true;
		}
		CU_ASSERT_EQUAL(number, ++seen);
		if (child)
			CU_ASSERT_EQUAL(*line == 'n', child_red);
		child = false;
	}
	CU_ASSERT_EQUAL(planned, seen);
	return red;
}

static void ktap_is_well_formed(void)
{
	static const char *const whole[] = { "mixed", "good",	 "nothing-ran",
					     "cut",   "resumed", "repeated" };

	for (size_t r = 0; r < ARRAY_SIZE(whole); r++) {
		const char *at;

		CU_ASSERT_EQUAL(make(whole[r], "ktap", "made"), RIG_GOOD);
		_cleanup_free_ char *text = load("made");

		at = text;
		CU_ASSERT(!strncmp(at, "KTAP version 1\n1..", 18));
		ktap_level(&at, 0);
		CU_ASSERT_EQUAL(*at, 0);
	}
	unlink("made");
}

struct writes {
	unsigned n, bad;
};

/* Every write is one line. */
static ssize_t count_write(void *cookie, const char *buf, size_t len)
{
	struct writes *w = cookie;
	const char *newline = memchr(buf, '\n', len);

	w->n++;
	w->bad += newline != buf + len - 1;
	return (ssize_t)len;
}

static void ktap_writes_line_by_line(void)
{
	_cleanup_free_ char *path = textf("%s/runs/hostile/events.jsonl", TESTS_DIR);
	_cleanup_fclose_ FILE *in = fopen(path, "re");
	const cookie_io_functions_t io = { .write = count_write };
	const struct report_style style = { 0 };
	struct writes w = { 0 };
	FILE *out = fopencookie(&w, "w", io);
	void *state = report_find("ktap")->open(out, &style);
	_cleanup_free_ char *line = NULL;
	size_t size = 0;

	while (getline(&line, &size, in) > 0) {
		struct json_object *e = event_decode(line, strcspn(line, "\n"));

		if (e)
			report_find("ktap")->event(state, e);
		json_object_put(e);
	}
	report_find("ktap")->close(state);
	fclose(out);
	CU_ASSERT(w.n > 20);
	CU_ASSERT_EQUAL(w.bad, 0);
}

static void empty_run_is_not_green(void)
{
	_cleanup_free_ char *ktap = feed("nothing-ran", "ktap");
	_cleanup_free_ char *junit = feed("nothing-ran", "junit");
	_cleanup_free_ char *tty = feed("nothing-ran", "tty");

	CU_ASSERT_PTR_NOT_NULL(strstr(ktap, "\n1..0\n"));
	CU_ASSERT_PTR_NULL(strstr(ktap, "ok "));
	CU_ASSERT_PTR_NOT_NULL(strstr(junit, "name=\"nvrig.nothing-ran\""));
	CU_ASSERT_PTR_NOT_NULL(strstr(junit, "errors=\"1\""));
	CU_ASSERT_PTR_NOT_NULL(strstr(tty, "nothing ran"));
}

static unsigned times(const char *text, const char *word)
{
	unsigned n = 0;

	for (; (text = strstr(text, word)); text++)
		n++;
	return n;
}

/* Three attempts of six cases: one result a case, and UNSTABLE where they differ. */
static void repeated_is_one_result(void)
{
	_cleanup_free_ char *ktap = feed("repeated", "ktap");
	_cleanup_free_ char *junit = feed("repeated", "junit");
	_cleanup_free_ char *tty = feed("repeated", "tty"), *md = feed("repeated", "md");

	CU_ASSERT_EQUAL(times(ktap, "\n  ok ") + times(ktap, "\n  not ok "), 6);
	CU_ASSERT_EQUAL(times(junit, "<testcase "), 6);
	CU_ASSERT_EQUAL(times(junit, "<rerunFailure "), 2);
	CU_ASSERT_EQUAL(times(junit, " tests=\"6\" failures=\"3\" errors=\"1\""), 1);
	CU_ASSERT_PTR_NOT_NULL(strstr(ktap, "not ok 2 reg.vs # unstable 1 of 3\n"));
	CU_ASSERT_PTR_NOT_NULL(strstr(tty, "\nUNSTABLE reg.vs 1 of 3: attempt 2: got 0h"));
	CU_ASSERT_PTR_NOT_NULL(strstr(tty, "\n6 cases: 1 PASS, 1 FAIL, 1 N/A, 1 BROKEN, 2 UNST"));
	CU_ASSERT_PTR_NOT_NULL(strstr(md, "6 cases: 1 PASS, 1 FAIL, 1 N/A, 1 BROKEN, 2 UNST"));
}

/* ---- escaping ---- */

static void xml_takes_any_bytes(void)
{
	FILE *f = fopen("bytes.xml", "we");

	fputs("<a b=\"", f);
	for (int one = 1; one < 256; one++)
		for (int two = 1; two < 256; two += 5) {
			const char s[] = { (char)one, (char)two, (char)0x80, (char)0xbf, 0 };

			put_xml(f, s);
		}
	put_xml(f, "\xef\xbf\xbe \xef\xbf\xbf \xed\xa0\x80 \xf4\x90\x80\x80 \xc0\x80 \xf0\x9f\x98");
	fputs("\"/>", f);
	fclose(f);
	CU_ASSERT(lint("bytes.xml", false));
	unlink("bytes.xml");
}

static void runes(void)
{
	static const struct {
		const char *s;
		unsigned len;
		uint32_t rune;
	} rows[] = {
		{ "a", 1, 'a' },
		{ "\x01", 1, 1 },
		{ "\xc3\xa4", 2, 0xe4 },
		{ "\xe2\x82\xac", 3, 0x20ac },
		{ "\xf0\x9f\x98\x80", 4, 0x1f600 },
		{ "\xc0\xaf", 1, 0xfffd },
		{ "\xed\xa0\x80", 1, 0xfffd },
		{ "\xf4\x90\x80\x80", 1, 0xfffd },
		{ "\xe2\x82", 1, 0xfffd },
		{ "\x80", 1, 0xfffd },
		{ "\xff", 1, 0xfffd },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		uint32_t rune;

		CU_ASSERT_EQUAL(text_rune(rows[i].s, &rune), rows[i].len);
		CU_ASSERT_EQUAL(rune, rows[i].rune);
	}
}

/* ---- noise ---- */

static uint64_t dice_state = 88172645463325252ull;

static unsigned dice(unsigned n)
{
	dice_state ^= dice_state << 13;
	dice_state ^= dice_state >> 7;
	dice_state ^= dice_state << 17;
	return (unsigned)(dice_state % n);
}

static struct json_object *any_value(unsigned depth)
{
	static const char *const words[] = { "PASS", "FAIL",  "KNOWN", "N/A",	  "SKIP", "BROKEN",
					     "LOST", "a.b",   "a.c",   "timeout", "x",	  "",
					     "#",    "\x1b[", "must",  "should",  "a.",	  ".b" };
	struct json_object *o;

	switch (dice(depth ? 8 : 6)) {
	case 0:
		return NULL;
	case 1:
		return json_object_new_boolean(dice(2) != 0);
	case 2:
		return json_object_new_int64(-(int64_t)dice(1000));
	case 3:
		return json_object_new_uint64(UINT64_MAX - dice(3));
	case 4:
		return json_object_new_double(1e300 * dice(9));
	case 6:
		o = json_object_new_array();
		json_object_array_add(o, any_value(depth - 1));
		return o;
	case 7:
		o = json_object_new_object();
		json_object_object_add(o, "ref", any_value(depth - 1));
		return o;
	default:
		return json_object_new_string(words[dice(ARRAY_SIZE(words))]);
	}
}

static struct json_object *any_event(void)
{
	static const char *const types[] = { "format",	 "run_begin", "plan",	"case_begin",
					     "case_end", "check",     "note",	"sample",
					     "engine",	 "stack",     "resume", "run_end",
					     "fact",	 "what" };
	static const char *const keys[] = {
		"case",	 "verdict",	"reason",  "known",  "error",	   "ok",
		"level", "what",	"got",	   "want",   "op",	   "file",
		"line",	 "count",	"text",	   "log",    "metric",	   "value",
		"unit",	 "duration_ns", "checks",  "advice", "attempt",	   "mono_ns",
		"t",	 "run",		"profile", "seed",   "deadline_s", "state"
	};
	struct json_object *e = json_object_new_object();

	json_object_object_add(e, "type", json_object_new_string(types[dice(ARRAY_SIZE(types))]));
	for (unsigned i = dice(12); i; i--)
		json_object_object_add(e, keys[dice(ARRAY_SIZE(keys))], any_value(2));
	return e;
}

static void any_events_make_some_report(void)
{
	for (unsigned round = 0; round < 300; round++) {
		const struct report_style style = { dice(2), dice(2), dice(2) };
		void *state[8];
		FILE *out[8];
		size_t n = 0;

		for (; report_all[n]; n++) {
			out[n] = fopen(n == 1 ? "noise.xml" : "noise", "we");
			state[n] = report_all[n]->open(out[n], &style);
		}
		for (unsigned i = 0; i < 200; i++) {
			struct json_object *e = any_event();

			for (size_t k = 0; k < n; k++)
				report_all[k]->event(state[k], e);
			json_object_put(e);
		}
		for (size_t k = 0; k < n; k++) {
			CU_ASSERT_EQUAL(report_all[k]->close(state[k]), 0);
			fclose(out[k]);
		}
		if (round % 100 == 0)
			CU_ASSERT(lint("noise.xml", false));
	}
	unlink("noise");
	unlink("noise.xml");
}

/* A full disk is told, by every format. */
static void full_disk_is_told(void)
{
	for (size_t i = 0; report_all[i]; i++) {
		const struct report_style style = { 0 };
		FILE *out = fopen("/dev/full", "we");
		void *state = report_all[i]->open(out, &style);
		struct json_object *e = event_new("case_begin");

		event_str(e, "case", "a.b");
		report_all[i]->event(state, e);
		json_object_put(e);
		CU_ASSERT(report_all[i]->close(state) < 0);
		fclose(out);
	}
}

static const struct unit units[] = {
	{ "same as recorded", same_as_recorded },
	{ "same as during the run", same_as_during_the_run },
	{ "repeated is one result", repeated_is_one_result },
	{ "jsonl is the journal", jsonl_is_the_journal },
	{ "a newer major is refused", newer_major_is_refused },
	{ "a file that cannot be written", file_that_cannot_be_written },
	{ "junit keeps its schema", junit_keeps_its_schema },
	{ "the schema refuses", schema_refuses },
	{ "ktap is well-formed", ktap_is_well_formed },
	{ "ktap writes line by line", ktap_writes_line_by_line },
	{ "an empty run is not green", empty_run_is_not_green },
	{ "XML takes any bytes", xml_takes_any_bytes },
	{ "runes", runes },
	{ "any events make some report", any_events_make_some_report },
	{ "a full disk is told", full_disk_is_told },
};

UNIT_MAIN("report", units)
