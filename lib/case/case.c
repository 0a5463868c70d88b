// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * One instance of a case in this process, as one CUnit test. Leaving a case (N/A, SKIP, BROKEN, a
 * failed REQUIRE) is the longjmp that CUnit's own fatal checks make; the trampoline puts a jump
 * buffer of its own in the test's place, so that what was deferred and the environment's end run
 * inside the same test.
 */
#include "case/case.h"

#include <CUnit/CUnit.h>
#include <CUnit/TestDB.h>
#include <CUnit/TestRun.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "case/running.h"

static struct rig *current; /* mutable, as CUnit's test functions take no argument */

/* What the derived suites made, kept: their pointers stand in plans and matrices. */
#define DERIVED_MAX 32

static struct {
	const struct rig_suite *suite;
	const struct rig_case *cases;
	size_t n;
} made[DERIVED_MAX];

const struct rig_case *suite_cases(const struct rig_suite *s, size_t *ret_ncases)
{
	unsigned i = 0;

	*ret_ncases = s->ncases;
	if (!s->derive)
		return s->cases;
	while (i < DERIVED_MAX && made[i].suite && made[i].suite != s)
		i++;
	*ret_ncases = 0;
	if (i == DERIVED_MAX)
		return NULL;
	if (!made[i].suite) {
		made[i].cases = s->derive(&made[i].n);
		if (!made[i].cases)
			return NULL;
		made[i].suite = s;
	}
	*ret_ncases = made[i].n;
	return made[i].cases;
}

const char *case_name(const struct rig_suite *s, const struct rig_case *c, unsigned row,
		      char buf[CASE_NAME])
{
	if (c->nrows)
		snprintf(buf, CASE_NAME, "%s.%s[%s]", s->area, c->id,
			 *(const char *const *)((const char *)c->rows + row * c->row_size));
	else
		snprintf(buf, CASE_NAME, "%s.%s", s->area, c->id);
	return buf;
}

const void *rig_row(const struct rig *r)
{
	const struct rig_case *c = r->run->c;

	return c->nrows ? (const char *)c->rows + r->run->row * c->row_size : NULL;
}

const struct facts *rig_facts(const struct rig *r)
{
	return r->run->facts;
}

enum rig_harm rig_harm(const struct rig *r)
{
	return r->run->c->harm;
}

enum rig_effort rig_effort(const struct rig *r)
{
	return r->run->effort;
}

uint64_t rig_pick(const struct rig *r, uint64_t quick, uint64_t normal, uint64_t soak)
{
	switch (r->run->effort) {
	case EFFORT_QUICK:
		return quick;
	case EFFORT_SOAK:
		return soak;
	default:
		return normal;
	}
}

/* splitmix64: short, and the whole state is the seed. */
uint64_t rig_rand(struct rig *r)
{
	uint64_t z = r->rand += 0x9e3779b97f4a7c15ull;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
	return z ^ (z >> 31);
}

uint64_t rig_rand_below(struct rig *r, uint64_t n)
{
	return n ? rig_rand(r) % n : 0;
}

void rig_note(struct rig *r, const char *fmt, ...)
{
	struct json_object *e = event_new("note");
	char text[RIG_TEXT];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	event_str(e, "text", text);
	rig_event(r, e);
}

void rig_sample(struct rig *r, const char *metric, double value, const char *unit)
{
	struct json_object *e = event_new("sample");

	event_str(e, "metric", metric);
	event_real(e, "value", value);
	event_str(e, "unit", unit);
	rig_event(r, e);
}

void rig_artifact(struct rig *r, const char *name, const char *text)
{
	struct json_object *e;

	if (strlen(text) > ARTIFACT_MAX) {
		rig_note(r, "%s is too large to be kept: %zu bytes", name, strlen(text));
		return;
	}
	e = event_new("artifact");
	event_str(e, "name", name);
	event_str(e, "text", text);
	rig_event(r, e);
}

static void run_deferred(struct rig *r)
{
	while (r->deferred) {
		struct deferred d = *r->deferred;

		free(r->deferred); /* now: the function may leave by jumping */
		r->deferred = d.next;
		d.fn(d.arg);
	}
}

void rig_defer(struct rig *r, void (*fn)(void *arg), void *arg)
{
	struct deferred *d = malloc(sizeof(*d));

	if (!d) {
		fn(arg);
		rig_broken(r, "out of memory for a deferred function");
	}
	*d = (struct deferred){ r->deferred, fn, arg };
	r->deferred = d;
}

void *rig_mem(struct rig *r, size_t len)
{
	void *p = calloc(1, len ? len : 1);

	if (!p)
		rig_broken(r, "out of memory: %zu bytes", len);
	rig_defer(r, free, p);
	return p;
}

__attribute__((noreturn)) static void leave(void)
{
	longjmp(*CU_get_current_test()->pJumpBuf, 1);
}

/* The first reason stands: what comes while leaving is a consequence. */
__attribute__((noreturn)) static void leave_as(struct rig *r, const char *verdict, const char *code,
					       const char *fmt, va_list ap)
{
	if (!r->left) {
		r->left = verdict;
		snprintf(r->left_code, sizeof(r->left_code), "%s", code);
		if (!r->failed)
			vsnprintf(r->reason, sizeof(r->reason), fmt, ap);
	}
	leave();
}

void rig_na(struct rig *r, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	leave_as(r, "N/A", "", fmt, ap);
}

void rig_skip(struct rig *r, const char *code, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	leave_as(r, "SKIP", code, fmt, ap);
}

void rig_broken(struct rig *r, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	leave_as(r, "BROKEN", "", fmt, ap);
}

void rig_fail(struct rig *r, const char *fmt, ...)
{
	const struct check_site here = { __FILE__, __LINE__, .required = true, .hard = true };
	char text[RIG_TEXT];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	check_done(r, &here, false, text, "", "", "");
	leave();
}

const char *rig_na_text(const char *fmt, ...)
{
	static char text[RIG_TEXT];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return text;
}

void rig_event(struct rig *r, struct json_object *e)
{
	event_write(r->run->event_fd, e);
	json_object_put(e);
}

/* Will the verdict be FAIL or BROKEN, unless what follows changes it? */
static bool went_wrong(const struct rig *r)
{
	return r->failed || (r->left ? !strcmp(r->left, "BROKEN") : !r->body_checks);
}

bool rig_is_traced(const struct rig *r)
{
	return r->run->trace == TRACE_ALWAYS || (r->run->trace == TRACE_FAILED && went_wrong(r));
}

void rig_set_env(struct rig *r, void *env)
{
	r->env = env;
}

void *rig_env(const struct rig *r)
{
	return r->env;
}

static void trampoline(void)
{
	CU_pTest test = CU_get_current_test();
	struct rig *r = current;
	const struct case_env *env = r->run->env;
	jmp_buf *outer = test->pJumpBuf, inner;

	test->pJumpBuf = &inner;
	r->in_body = true;
	if (setjmp(inner) == 0) {
		if (env)
			env->begin(r, r->run->target);
		r->run->c->run(r);
	}
	r->in_body = false;
	r->done_checking = true;
	if (setjmp(inner) == 0)
		run_deferred(r);
	else
		run_deferred(r); /* one left by jumping: the rest still run */
	r->done_checking = false;
	if (env && setjmp(inner) == 0)
		env->end(r);
	test->pJumpBuf = outer;
}

/* Places where more than the first check held get one more event with the count of the others. */
static void write_site_counts(struct rig *r)
{
	for (unsigned i = 0; i < r->sites; i++) {
		const struct site *s = &r->site[i];
		struct json_object *e;

		if (s->passed < 2)
			continue;
		e = event_new("check");
		event_bool(e, "ok", true);
		event_str(e, "what", "the same check, held again");
		event_str(e, "file", check_file(s->file));
		event_u64(e, "line", (uint64_t)s->line);
		event_u64(e, "count", s->passed - 1);
		rig_event(r, e);
	}
}

static const char *verdict_of(struct rig *r)
{
	if (r->failed)
		return "FAIL";
	if (r->left)
		return r->left;
	if (!r->body_checks) {
		snprintf(r->reason, sizeof(r->reason), "no check ran");
		return "BROKEN";
	}
	if (r->advice)
		snprintf(r->reason, sizeof(r->reason), "advice: %.480s", r->advice_text);
	return "PASS";
}

static int write_verdict(struct rig *r)
{
	const char *verdict = verdict_of(r);
	struct json_object *e = event_new("verdict");
	int err;

	event_str(e, "verdict", verdict);
	if (r->reason[0])
		event_str(e, "reason", r->reason);
	if (!strcmp(verdict, "SKIP"))
		event_str(e, "code", r->left_code);
	event_u64(e, "checks", r->checks);
	event_u64(e, "failed", r->failed);
	event_u64(e, "advice", r->advice);
	err = event_write(r->run->event_fd, e);
	json_object_put(e);
	return err;
}

/* The seed of an instance: the run's, and its name, so that order and filters change nothing. */
static uint64_t instance_seed(const struct case_run *run)
{
	uint64_t h = 0xcbf29ce484222325ull ^ run->seed;
	char name[CASE_NAME];

	case_name(run->suite, run->c, run->row, name);
	for (const char *p = name; *p; p++)
		h = (h ^ (uint8_t)*p) * 0x100000001b3ull;
	return h;
}

static int run_in_cunit(struct rig *r)
{
	CU_pSuite suite;
	CU_pTest test;
	int err = 0;

	if (CU_initialize_registry() != CUE_SUCCESS)
		return -ENOMEM;
	suite = CU_add_suite(r->run->suite->area, NULL, NULL);
	test = suite ? CU_add_test(suite, r->run->c->id, trampoline) : NULL;
	current = r;
	if (!test || CU_run_test(suite, test) != CUE_SUCCESS)
		err = -ENOMEM;
	current = NULL;
	CU_cleanup_registry();
	return err;
}

int case_run(const struct case_run *run)
{
	struct rig *r = calloc(1, sizeof(*r));
	int err;

	if (!r)
		return -ENOMEM;
	r->run = run;
	r->rand = instance_seed(run);
	err = run_in_cunit(r);
	if (!err) {
		write_site_counts(r);
		err = write_verdict(r);
	}
	free(r);
	return err;
}
