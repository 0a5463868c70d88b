// SPDX-License-Identifier: GPL-2.0-or-later
#include <stdlib.h>
#include <string.h>

#include "fake_suite.h"
#include "rig/plan.h"
#include "rig/verbs.h"
#include "unit.h"

static const struct rig_suite *const good_only[] = { &fake_good_suite, NULL };

static const struct plan_item *find(const struct plan *p, const char *name)
{
	for (size_t i = 0; i < p->n; i++)
		if (!strcmp(p->item[i].name, name))
			return &p->item[i];
	return NULL;
}

/* ---- rows that differ in what they need ---- */

static const struct odd_row {
	const char *name;
	unsigned needs;
	const char *na;
} odd_rows[] = {
	{ "plain", 0, NULL },
	{ "given", NEED_SQE, NULL },
	{ "never", NEED_SQE, "this row is none" },
};

static unsigned odd_needs(const void *row)
{
	return ((const struct odd_row *)row)->needs;
}

static const char *odd_na(const struct facts *f, const void *row)
{
	CU_ASSERT_EQUAL(f->nn, 7);
	return ((const struct odd_row *)row)->na;
}

static const struct rig_case odd_cases[] = {
	{ .id = "rows",
	  .rule = "A rule.",
	  .ref = "Base 2.0 Section",
	  .needs = NEED_COMMAND,
	  .row_na = odd_na,
	  .row_needs = odd_needs,
	  .run = passes,
	  ROWS(odd_rows) },
};

static void of_rows(void)
{
	static const struct rig_suite odd = { CONFORMANCE, "odd", odd_cases, 1, NULL };
	const struct rig_suite *const suites[] = { &odd, NULL };
	const struct plan_filter f = { .allow = HARM_FOREVER };
	struct facts facts = { .alive = true,
			       .nn = 7,
			       .caps = { .has = NEED_COMMAND | NEED_REGS } };
	struct plan p;

	CU_ASSERT_EQUAL(case_needs(&odd_cases[0], 0), NEED_COMMAND);
	CU_ASSERT_EQUAL(case_needs(&odd_cases[0], 1), NEED_COMMAND | NEED_SQE);
	CU_ASSERT_EQUAL_FATAL(plan_make(suites, &f, &facts, &p), 0);
	CU_ASSERT_EQUAL(p.item[0].action, VERDICT_NONE);
	CU_ASSERT_EQUAL(p.item[1].action, SKIP);
	CU_ASSERT_STRING_EQUAL(p.item[1].reason,
			       "needs: commands that go out as they are given, by vfio: and not "
			       "through a kernel's driver");
	CU_ASSERT_EQUAL(p.item[2].action, NA);
	CU_ASSERT_STRING_EQUAL(p.item[2].reason, "this row is none");
	plan_free(&p);
	facts.caps.has |= NEED_SQE;
	CU_ASSERT_EQUAL_FATAL(plan_make(suites, &f, &facts, &p), 0);
	CU_ASSERT_EQUAL(p.item[1].action, VERDICT_NONE);
	plan_free(&p);
}

static void everything(void)
{
	const struct plan_filter f = { .allow = HARM_FOREVER };
	struct plan p;

	CU_ASSERT_EQUAL(plan_make(fake_suites, &f, NULL, &p), 0);
	CU_ASSERT_EQUAL(p.n, ARRAY_SIZE(fake_good) + ARRAY_SIZE(fake_bad) + 2);
	CU_ASSERT_EQUAL(p.selected, p.n);
	CU_ASSERT_STRING_EQUAL(p.item[0].name, "good.passes");
	CU_ASSERT_STRING_EQUAL(p.item[3].name, "good.rows[second]");
	CU_ASSERT_EQUAL(p.item[3].row, 1);
	CU_ASSERT_EQUAL(p.item[3].attempt, 0);
	plan_free(&p);
}

static size_t count(struct plan_filter f)
{
	struct plan p;
	size_t n;

	CU_ASSERT_EQUAL(plan_make(fake_suites, &f, NULL, &p), 0);
	n = p.n;
	plan_free(&p);
	return n;
}

static size_t count_case(const char *pattern)
{
	return count((struct plan_filter){ .cases = &pattern, .n_cases = 1 });
}

static void filters(void)
{
	const char *area = "good", *rows = "good.rows", *row = "good.rows[first]";

	CU_ASSERT_EQUAL(count_case("good.passes"), 1);
	CU_ASSERT_EQUAL(count_case("good.rows"), 3);
	CU_ASSERT_EQUAL(count_case("good.rows[second]"), 1);
	CU_ASSERT_EQUAL(count_case("good.rows[*d]"), 2);
	CU_ASSERT_EQUAL(count_case("*.passes"), 1);
	CU_ASSERT_EQUAL(count_case("passes"), 0);
	CU_ASSERT_EQUAL(count_case("bad.*"), ARRAY_SIZE(fake_bad));
	CU_ASSERT_EQUAL(count((struct plan_filter){ .areas = &area, .n_areas = 1 }), 8);
	CU_ASSERT_EQUAL(count((struct plan_filter){
				.areas = &area, .n_areas = 1, .excludes = &rows, .n_excludes = 1 }),
			5);
	CU_ASSERT_EQUAL(count((struct plan_filter){
				.areas = &area, .n_areas = 1, .excludes = &row, .n_excludes = 1 }),
			7);
	CU_ASSERT_EQUAL(count((struct plan_filter){ .areas = &area, .n_areas = 1, .repeat = 3 }),
			24);
}

static void reasons(void)
{
	const struct plan_filter f = { .allow = HARM_DATA };
	struct facts facts = { .alive = true, .caps = { .has = NEED_CONFIG } };
	struct plan p;

	CU_ASSERT_EQUAL(plan_make(good_only, &f, &facts, &p), 0);
	CU_ASSERT_EQUAL(find(&p, "good.passes")->action, VERDICT_NONE);
	CU_ASSERT_EQUAL(find(&p, "good.needs")->action, SKIP);
	CU_ASSERT_STRING_EQUAL(
		find(&p, "good.needs")->reason,
		"needs: registers, own queues and DMA memory, bus addresses known to "
		"lead nowhere");
	CU_ASSERT_EQUAL(find(&p, "good.harms")->action, SKIP);
	CU_ASSERT_STRING_EQUAL(find(&p, "good.harms")->reason, "harm: needs --allow forever");
	CU_ASSERT_EQUAL(find(&p, "good.never")->action, SKIP);
	CU_ASSERT_EQUAL(p.selected, p.n - 3);
	plan_free(&p);

	/* what the drive does not claim is settled, whatever is allowed here */
	facts.nn = 1;
	CU_ASSERT_EQUAL(plan_make(good_only, &f, &facts, &p), 0);
	CU_ASSERT_EQUAL(find(&p, "good.never")->action, NA);
	CU_ASSERT_STRING_EQUAL(find(&p, "good.never")->reason, "the drive has namespaces");
	plan_free(&p);

	/* a drive that did not come up claims nothing and denies nothing */
	facts.alive = false;
	CU_ASSERT_EQUAL(plan_make(good_only, &f, &facts, &p), 0);
	CU_ASSERT_EQUAL(find(&p, "good.never")->action, SKIP);
	plan_free(&p);
}

static void unknown(void)
{
	static const struct {
		const char *area, *pattern, *text;
	} rows[] = {
		{ "good", "good.passes", NULL },
		{ "godo", NULL, "no suite 'godo'; did you mean 'good'?" },
		{ "zzzzzzzz", NULL, "no suite 'zzzzzzzz'; `nvrig list` shows them" },
		{ NULL, "good.pases", "no case 'good.pases'; did you mean 'good.passes'?" },
		{ NULL, "good.rows[secnd]",
		  "no case 'good.rows[secnd]'; did you mean 'good.rows[second]'?" },
		{ NULL, "bad.x*", "no case 'bad.x*'; " },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct plan_filter f = { .areas = &rows[i].area,
					 .n_areas = rows[i].area != NULL,
					 .cases = &rows[i].pattern,
					 .n_cases = rows[i].pattern != NULL };
		char text[300] = "";

		CU_ASSERT_EQUAL(plan_unknown(fake_suites, &f, text, sizeof(text)),
				rows[i].text != NULL);
		if (rows[i].text)
			CU_ASSERT_EQUAL(strncmp(text, rows[i].text, strlen(rows[i].text)), 0);
	}
}

static void statuses(void)
{
	static const struct {
		struct tally t;
		int status;
	} rows[] = {
		{ { .count = { [PASS] = 1 } }, RIG_GOOD },
		{ { .count = { [KNOWN] = 1, [PASS] = 1 } }, RIG_GOOD },
		{ { .count = { [PASS] = 9, [FAIL] = 1, [BROKEN] = 1 }, .stopped = true },
		  RIG_DRIVE_FAILED },
		{ { .count = { [PASS] = 9 }, .unstable = 1 }, RIG_DRIVE_FAILED },
		{ { .count = { [PASS] = 9, [BROKEN] = 1 }, .stopped = true }, RIG_BROKE },
		{ { .count = { [PASS] = 9, [LOST] = 1 } }, RIG_BROKE },
		{ { .count = { [PASS] = 9 }, .broke = true }, RIG_BROKE },
		{ { .count = { [PASS] = 9, [NOTRUN] = 3 }, .stopped = true }, RIG_STOPPED },
		{ { .count = { [PASS] = 9, [NOTRUN] = 3 } }, RIG_BROKE },
		{ { .count = { [NA] = 3, [SKIP] = 3 } }, RIG_NOTHING_RAN },
		{ { .count = { 0 } }, RIG_NOTHING_RAN },
		{ { .count = { [PASS] = 1, [SKIP] = 1 }, .strict_skip = true }, RIG_DRIVE_FAILED },
		{ { .count = { [PASS] = 1, [NA] = 1 }, .strict_skip = true }, RIG_GOOD },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		CU_ASSERT_EQUAL(tally_status(&rows[i].t), rows[i].status);
}

static const struct unit units[] = {
	{ "everything", everything }, { "filters", filters },	     { "reasons", reasons },
	{ "rows", of_rows },	{ "unknown words", unknown }, { "exit statuses", statuses },
};
UNIT_MAIN("plan", units)
