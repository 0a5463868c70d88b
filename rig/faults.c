// SPDX-License-Identifier: GPL-2.0-or-later
#include "rig/faults.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "kit/kit.h"
#include "rig/plan.h"
#include "rig/pool.h"
#include "rig/probe.h"

#define PROBE_S 30

bool fault_is_robust(const struct fault *f)
{
	return !strcmp(f->where, "robust");
}

static bool names(const struct rig_case *c, const struct fault *f)
{
	return f && text_in_list(c->fault, f->name, strlen(f->name));
}

bool fault_is_named(const struct fault_matrix *m, const struct fault *f)
{
	for (size_t i = 0; i < m->n_cases; i++)
		if (names(m->cases[i].c, f))
			return true;
	return false;
}

const char *fault_unknown_word(const struct rig_case *c, char word[64])
{
	const char *p = c->fault ? c->fault : "";

	while (*p) {
		int n = (int)strcspn(p, " ");

		snprintf(word, 64, "%.*s", n, p);
		if (n && fault_find(word) < 0)
			return word;
		p += n;
		p += strspn(p, " ");
	}
	return NULL;
}

/* ---- the cases ---- */

static bool picked(const struct fault_options *o, const struct rig_suite *s,
		   const struct rig_case *c)
{
	for (size_t i = 0; i < o->n_patterns; i++)
		for (unsigned row = 0; row == 0 || row < c->nrows; row++)
			if (plan_match(o->patterns[i], s, c, row))
				return true;
	return o->n_patterns == 0;
}

static int add_case(struct fault_matrix *m, const struct rig_suite *s, const struct rig_case *c)
{
	struct fault_case *k = &m->cases[m->n_cases];

	*k = (struct fault_case){ .suite = s, .c = c };
	snprintf(k->name, sizeof(k->name), "%s.%s", s->area, c->id);
	k->clean_advice = calloc(c->nrows + 1, sizeof(*k->clean_advice));
	if (!k->clean_advice)
		return -ENOMEM;
	m->n_cases++;
	return 0;
}

static int take_cases(struct fault_matrix *m, const struct fault_options *o)
{
	size_t all = 0;
	int err = 0;

	for (size_t i = 0; suites_all[i]; i++)
		all += suites_all[i]->ncases;
	m->cases = calloc(all + 1, sizeof(*m->cases));
	m->clean = calloc(all + 1, sizeof(*m->clean));
	m->cell = calloc(all * m->n_faults + 1, sizeof(*m->cell));
	if (!m->cases || !m->clean || !m->cell)
		return -ENOMEM;
	for (size_t i = 0; suites_all[i]; i++)
		for (size_t k = 0; !err && k < suites_all[i]->ncases; k++)
			if (picked(o, suites_all[i], &suites_all[i]->cases[k]))
				err = add_case(m, suites_all[i], &suites_all[i]->cases[k]);
	return err;
}

/* ---- one model ---- */

/* What runs on one model, by place in its plan. */
struct round {
	const struct fault_options *o;
	const struct fault *fault; /* NULL: the clean model */
	struct facts facts;
	char target[128];
	struct plan plan;
	struct outcome *outcome;
	struct fault_case **of; /* the case of each instance */
	size_t *todo;		/* places in the plan */
	size_t n_todo;
};

static void take(void *ctx, size_t i, struct pool_task *task)
{
	struct round *d = ctx;
	size_t at = d->todo[i];
	const struct plan_item *item = &d->plan.item[at];
	bool full = !d->fault || names(item->c, d->fault);

	*task = (struct pool_task){
		.instance.run = { .suite = item->suite,
				  .c = item->c,
				  .row = item->row,
				  .target = d->target,
				  .facts = &d->facts,
				  .env = &kit_env,
				  .effort = full ? d->o->effort : EFFORT_QUICK,
				  .seed = 1 },
		.deadline_s = d->o->deadline_s,
		.ret = &d->outcome[at],
	};
}

static struct fault_case *case_of(struct fault_matrix *m, const struct rig_case *c)
{
	for (size_t i = 0; i < m->n_cases; i++)
		if (m->cases[i].c == c)
			return &m->cases[i];
	return NULL;
}

/* Does the instance run on this model? Cases that name the fault always do, with every row. */
static bool wanted(const struct round *d, const struct plan_item *item)
{
	if (!d->fault || names(item->c, d->fault))
		return true;
	if (d->o->promised_only)
		return false;
	return !d->o->sample || !item->c->nrows ||
	       item->row == (size_t)(d->fault - fault_all) % item->c->nrows;
}

/* Sorts the plan into what runs, and what the plan itself gave a verdict. */
static void sort_out(struct fault_matrix *m, struct round *d)
{
	for (size_t i = 0; i < d->plan.n; i++) {
		const struct plan_item *item = &d->plan.item[i];

		d->of[i] = case_of(m, item->c);
		if (!d->of[i] || !wanted(d, item))
			continue;
		if (item->action)
			outcome_set(&d->outcome[i], item->action, "%s", item->reason);
		else
			d->todo[d->n_todo++] = i;
	}
}

/* The fault may be one that keeps the controller from coming up: then the cases tell. */
static void look_at(struct round *d)
{
	char error[PROBE_ERROR];

	snprintf(d->target, sizeof(d->target), d->fault ? "model:fault=%s" : "model:%s",
		 d->fault ? d->fault->name : "");
	d->facts = (struct facts){ 0 };
	if (probe_target(d->target, PROBE_S, d->o->stop, &d->facts, error))
		d->facts.alive = false;
}

static unsigned rank(enum verdict v)
{
	static const unsigned char ranks[VERDICTS] = {
		[FAIL] = 5, [BROKEN] = 4, [PASS] = 3, [NA] = 2, [SKIP] = 1
	};

	return ranks[v];
}

static void put(struct fault_cell *cell, const struct outcome *o, bool red)
{
	bool first = !cell->ran, worse = red && !cell->red;

	cell->died |= o->down;
	if (first || worse || (red == cell->red && rank(o->verdict) > rank(cell->verdict))) {
		cell->verdict = o->verdict;
		free(cell->reason);
		cell->reason = strdup(o->reason);
	}
	cell->red |= red;
	cell->ran = true;
}

/* The outcomes into the matrix: row = cells of this model, by case. */
static void digest(struct fault_matrix *m, struct round *d, struct fault_cell *row)
{
	for (size_t i = 0; i < d->plan.n; i++) {
		const struct outcome *o = &d->outcome[i];
		struct fault_case *k = d->of[i];
		unsigned *advice = k ? &k->clean_advice[d->plan.item[i].row] : NULL;
		struct fault_cell *cell = k ? &row[k - m->cases] : NULL;

		if (!cell || !o->verdict)
			continue;
		cell->promised = names(k->c, d->fault);
		put(cell, o, o->verdict == FAIL || o->advice > (d->fault ? *advice : 0));
		if (!d->fault)
			*advice = o->advice;
	}
}

static int run_round(struct fault_matrix *m, struct round *d, struct fault_cell *row)
{
	const struct plan_filter everything = { .allow = HARM_FOREVER };
	int err;

	look_at(d);
	err = plan_make(suites_all, &everything, d->facts.caps.has ? &d->facts : NULL, &d->plan);
	d->outcome = calloc(d->plan.n + 1, sizeof(*d->outcome));
	d->of = calloc(d->plan.n + 1, sizeof(struct fault_case *));
	d->todo = calloc(d->plan.n + 1, sizeof(*d->todo));
	d->n_todo = 0;
	if (!err && (!d->outcome || !d->of || !d->todo))
		err = -ENOMEM;
	if (!err) {
		sort_out(m, d);
		err = pool_run(d->n_todo, d->o->jobs, d->o->stop, take, d);
		digest(m, d, row);
	}
	free(d->outcome);
	free(d->of);
	free(d->todo);
	plan_free(&d->plan);
	return err;
}

int faults_run(struct fault_matrix *m, const struct fault_options *o)
{
	_cleanup_free_ struct round *d = calloc(1, sizeof(*d));
	int err = d ? take_cases(m, o) : -ENOMEM;

	if (err)
		return err;
	d->o = o;
	o->progress(o->progress_ctx, 0, m->n_faults + 1, NULL);
	err = run_round(m, d, m->clean);
	for (size_t i = 0; !err && i < m->n_faults; i++) {
		d->fault = m->faults[i];
		o->progress(o->progress_ctx, i + 1, m->n_faults + 1, d->fault);
		err = run_round(m, d, faults_cell(m, i, 0));
	}
	return err;
}

void faults_free(struct fault_matrix *m)
{
	for (size_t i = 0; i < m->n_cases; i++) {
		free(m->cases[i].clean_advice);
		free(m->clean[i].reason);
	}
	for (size_t i = 0; m->cell && i < m->n_faults * m->n_cases; i++)
		free(m->cell[i].reason);
	free(m->cases);
	free(m->clean);
	free(m->cell);
	free(m->faults);
	*m = (struct fault_matrix){ 0 };
}

/* ---- the verdict on the suite ---- */

static bool case_proved(const struct fault_matrix *m, size_t c)
{
	const struct fault_cell *clean = &m->clean[c];
	char word[64];

	if (clean->verdict == FAIL || clean->verdict == BROKEN)
		return false;
	if (!m->cases[c].c->fault || fault_unknown_word(m->cases[c].c, word))
		return false;
	for (size_t f = 0; f < m->n_faults; f++)
		if (names(m->cases[c].c, m->faults[f]) && !faults_cell(m, f, c)->red)
			return false;
	return true;
}

bool faults_proved(const struct fault_matrix *m)
{
	for (size_t c = 0; c < m->n_cases; c++)
		if (!case_proved(m, c))
			return false;
	for (size_t f = 0; f < m->n_faults; f++)
		for (size_t c = 0; fault_is_robust(m->faults[f]) && c < m->n_cases; c++)
			if (faults_cell(m, f, c)->died)
				return false;
	return m->n_cases > 0;
}
