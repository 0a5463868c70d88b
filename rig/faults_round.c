// SPDX-License-Identifier: GPL-2.0-or-later
/* The cases on one preset of the model: without a fault, or with one each of several. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kit/kit.h"
#include "rig/faults.h"
#include "rig/plan.h"
#include "rig/pool.h"
#include "rig/probe.h"
#include "rig/served_case.h"

#define PROBE_S 30

/* What runs on one model, by place in its plan. */
struct round {
	struct fault_matrix *m;
	const struct fault_options *o;
	const struct fault *fault; /* NULL: the clean model */
	unsigned preset;
	struct fault_cell *row; /* cells of this model, by case */
	struct facts facts;
	bool same_facts, same_node, same_card; /* as on the clean model: of the controller, and what is beside it */
	char target[128];
	struct plan plan;
	struct outcome *outcome;
	struct fault_case **of; /* the case of each instance */
	size_t *todo;		/* places in the plan */
	size_t n_todo;
};

/* Models that are judged side by side, so that nobody waits for the slowest case of each. */
struct batch {
	struct round *round;
	size_t n;
	size_t at, before; /* the round whose turn it is, and what was to do in those before it */
};

static struct fault_case *case_of(struct fault_matrix *m, const struct rig_case *c)
{
	for (size_t i = 0; i < m->n_cases; i++)
		if (m->cases[i].c == c)
			return &m->cases[i];
	return NULL;
}

/* ---- what the clean model was asked ---- */

static unsigned char *asked_by(const struct round *d, size_t row)
{
	return d->m->asked[d->preset] + row * FAULT_COUNT;
}

/* The row after all rows is the probe. */
static unsigned char *asked_by_probe(const struct round *d)
{
	return asked_by(d, d->m->n_rows);
}

static void note_asked(void *ctx)
{
	fault_asked = ctx;
}

/* ---- which cases ---- */

static bool is_at_home(const struct round *d, const struct fault_case *k)
{
	return k->home == d->preset;
}

/* A sample has one in so many of those that do not name the fault, others for each fault. */
#define SAMPLE 16

static bool is_sampled(const struct round *d, const struct fault_case *k)
{
	size_t n = (size_t)(d->fault - fault_all) + (size_t)(k - d->m->cases);

	return !d->o->sample || n % SAMPLE == 0;
}

/* It asks about messages, which are the same whatever the model behind them is like. */
static bool is_served(const struct fault_case *k)
{
	return k->c->needs & (NEED_MESSAGES | NEED_PDUS);
}

/* It asks the block node alone, and that is the same as on the first model. */
static bool is_asked_there(const struct round *d, const struct fault_case *k)
{
	return d->preset && k->c->needs && !(k->c->needs & ~(NEED_NODE | NEED_BACK)) &&
	       !memcmp(&d->facts.node, &d->m->facts[0].node, sizeof(d->facts.node));
}

/* A case that names the fault runs with every row, on one model after the other until it is red. */
static bool case_wanted(const struct round *d, const struct fault_case *k)
{
	if (!d->fault)
		return is_served(k) ? d->preset == 0 : !is_asked_there(d, k);
	if (fault_named_by(d->fault, k->c))
		return is_at_home(d, k) || (k->runs_on[d->preset] && !d->row[k - d->m->cases].red);
	return !d->o->promised_only && !k->c->watches && is_at_home(d, k) && is_sampled(d, k) &&
	       !is_served(k);
}

/* The fault touches this row: it may go another way than without it. */
static bool is_touched(const struct round *d, const struct fault_case *k, unsigned row)
{
	bool same = k->c->needs & NEED_MMC    ? d->same_card
		    : k->c->needs & NEED_NODE ? d->same_node
					      : d->same_facts;

	return !same || asked_by(d, k->first + row)[d->fault - fault_all];
}

static bool row_sampled(const struct round *d, const struct fault_case *k, unsigned row)
{
	size_t fault = (size_t)(d->fault - fault_all);

	return d->o->every_row || !d->m->met_by_many[fault] ||
	       (fault + k->first + row) % SAMPLE == 0;
}

static bool row_wanted(const struct round *d, const struct fault_case *k, unsigned row)
{
	if (!d->fault)
		return true;
	if (!d->o->every_row && !is_touched(d, k, row))
		return false;
	if (fault_named_by(d->fault, k->c))
		return true;
	if (!row_sampled(d, k, row))
		return false;
	if (!k->c->nrows)
		return true;
	if (!d->o->sample && !k->c->derived)
		return true; /* of derived cases the rows are many and much alike */
	return row == (size_t)(d->fault - fault_all) % k->c->nrows;
}

static bool any_row_wanted(const struct round *d, const struct fault_case *k)
{
	for (unsigned row = 0; row == 0 || row < k->c->nrows; row++)
		if (row_wanted(d, k, row))
			return true;
	return false;
}

static bool any_case_wanted(const struct round *d)
{
	for (size_t i = 0; i < d->m->n_cases; i++)
		if (case_wanted(d, &d->m->cases[i]))
			return true;
	return false;
}

static bool any_wanted(const struct round *d)
{
	for (size_t i = 0; i < d->m->n_cases; i++)
		if (case_wanted(d, &d->m->cases[i]) && any_row_wanted(d, &d->m->cases[i]))
			return true;
	return false;
}

/* Sorts the plan into what runs, and what the plan itself gave a verdict. */
static void sort_out(struct round *d)
{
	for (size_t i = 0; i < d->plan.n; i++) {
		const struct plan_item *item = &d->plan.item[i];
		struct fault_case *k = case_of(d->m, item->c);

		if (!k || !case_wanted(d, k) || !row_wanted(d, k, item->row))
			continue;
		d->of[i] = k;
		if (item->action)
			outcome_set(&d->outcome[i], item->action, "%s", item->reason);
		else
			d->todo[d->n_todo++] = i;
	}
}

/* ---- running them ---- */

/* More advice than on the clean model is red as well; that one may say as much as it likes. */
static bool is_red(const struct round *d, size_t at)
{
	const struct outcome *o = &d->outcome[at];

	return o->verdict == FAIL ||
	       (d->fault &&
		o->advice > d->of[at]->advice_on[d->preset][d->plan.item[at].row]);
}

/* One row is proof enough that the case can fail: instances of a case stand together in the plan. */
static bool is_proved(const struct round *d, size_t at)
{
	if (!d->fault || d->o->every_row || !fault_named_by(d->fault, d->of[at]->c))
		return false;
	for (size_t i = at; i > 0 && d->of[i - 1] == d->of[at]; i--)
		if (d->outcome[i - 1].verdict && is_red(d, i - 1))
			return true;
	return false;
}

static void describe(struct round *d, size_t at, struct pool_task *task)
{
	const struct plan_item *item = &d->plan.item[at];
	bool full = !d->fault || fault_named_by(d->fault, item->c);
	bool served = item->c->needs & (NEED_MESSAGES | NEED_PDUS);

	*task = (struct pool_task){
		.instance.run = { .suite = item->suite,
				  .c = item->c,
				  .row = item->row,
				  .target = d->target,
				  .facts = &d->facts,
				  .env = &kit_env,
				  .effort = full ? d->o->effort : EFFORT_QUICK,
				  .seed = 1 },
		.instance.prepare = d->fault ? NULL : note_asked,
		.instance.ctx = asked_by(d, d->of[at]->first + item->row),
		.instance.run_case = served ? served_case_run : NULL,
		.deadline_s = d->o->deadline_s,
		.ret = &d->outcome[at],
		.shared = !served && (d->fault ? !full && !fault_is_robust(d->fault) : true),
	};
}

static bool take(void *ctx, size_t i, struct pool_task *task)
{
	struct batch *b = ctx;
	struct round *d;
	size_t at;

	while (i - b->before >= b->round[b->at].n_todo)
		b->before += b->round[b->at++].n_todo;
	d = &b->round[b->at];
	at = d->todo[i - b->before];
	if (is_proved(d, at))
		return false;
	describe(d, at, task);
	return true;
}

static void name_target(struct round *d)
{
	const char *preset = d->m->presets[d->preset];

	snprintf(d->target, sizeof(d->target), "model:%s%s%s%s%s", *preset ? "preset=" : "", preset,
		 *preset && d->fault ? "," : "", d->fault ? "fault=" : "",
		 d->fault ? d->fault->name : "");
}

/* The fault may be one that keeps the controller from coming up: then the cases tell. */
static void probe(struct round *d)
{
	char error[PROBE_ERROR];

	if (probe_target(d->target, PROBE_S, d->o->stop, &d->facts, error))
		d->facts.alive = false;
	if (d->facts.caps.has)
		d->facts.caps.has |= NEED_MESSAGES | NEED_RECONNECT | NEED_PDUS; /* such cases have it served */
}

/* Of the clean model the probe is kept, with what it asked about. */
static void look_at(struct round *d)
{
	struct facts *clean = &d->m->facts[d->preset];

	name_target(d);
	if (!d->fault) {
		fault_asked = asked_by_probe(d);
		probe(d);
		fault_asked = NULL;
		*clean = d->facts;
		return;
	}
	if (asked_by_probe(d)[d->fault - fault_all])
		probe(d);
	else
		d->facts = *clean;
	d->same_facts = !memcmp(&d->facts, clean, offsetof(struct facts, node));
	d->same_node = !memcmp(&d->facts.node, &clean->node, sizeof(clean->node));
	d->same_card = !memcmp(&d->facts.mmc, &clean->mmc, sizeof(clean->mmc));
}

/* ---- what came of it ---- */

static unsigned rank(enum verdict v)
{
	static const unsigned char ranks[VERDICTS] = {
		[FAIL] = 5, [BROKEN] = 4, [PASS] = 3, [NA] = 2, [SKIP] = 1
	};

	return ranks[v];
}

static char *reason_of(const struct round *d, const struct outcome *o)
{
	const char *preset = d->m->presets[d->preset];
	char *text;

	if (!*preset || !o->reason[0])
		return strdup(o->reason);
	return asprintf(&text, "%s [%s]", o->reason, preset) < 0 ? NULL : text;
}

static void put(const struct round *d, struct fault_cell *cell, const struct outcome *o, bool red)
{
	bool first = !cell->ran, worse = red && !cell->red;

	cell->died |= o->down;
	if (first || worse || (red == cell->red && rank(o->verdict) > rank(cell->verdict))) {
		cell->verdict = o->verdict;
		free(cell->reason);
		cell->reason = reason_of(d, o);
	}
	cell->red |= red;
	cell->ran = true;
}

static void digest(struct round *d)
{
	for (size_t i = 0; i < d->plan.n; i++) {
		const struct outcome *o = &d->outcome[i];
		struct fault_case *k = d->of[i];
		unsigned *advice = k ? &k->advice_on[d->preset][d->plan.item[i].row] : NULL;
		struct fault_cell *cell = k ? &d->row[k - d->m->cases] : NULL;
		bool red;

		if (!cell || !o->verdict)
			continue;
		cell->promised = fault_named_by(d->fault, k->c);
		red = is_red(d, i);
		put(d, cell, o, red);
		if (d->fault) {
			cell->uncaused |= red && !is_touched(d, k, d->plan.item[i].row);
			continue;
		}
		*advice = o->advice;
		k->runs_on[d->preset] |= o->verdict != NA && o->verdict != SKIP;
	}
}

static int prepare(struct round *d)
{
	const struct plan_filter everything = { .allow = HARM_FOREVER };
	int err;

	err = plan_make(suites_all, &everything, d->facts.caps.has ? &d->facts : NULL, &d->plan);
	d->outcome = calloc(d->plan.n + 1, sizeof(*d->outcome));
	d->of = calloc(d->plan.n + 1, sizeof(struct fault_case *));
	d->todo = calloc(d->plan.n + 1, sizeof(*d->todo));
	if (!err && (!d->outcome || !d->of || !d->todo))
		err = -ENOMEM;
	if (!err)
		sort_out(d);
	return err;
}

static void round_free(struct round *d)
{
	free(d->outcome);
	free(d->of);
	free(d->todo);
	plan_free(&d->plan);
}

/* Its place in the batch is kept only if there is something to run. */
static int add_round(struct batch *b, const struct round *new)
{
	struct round *d = &b->round[b->n];
	int err;

	*d = *new;
	if (!any_case_wanted(d))
		return 0;
	look_at(d);
	if (!any_wanted(d))
		return 0;
	b->n++;
	err = prepare(d);
	return err;
}

static int run(struct batch *b, const struct fault_options *o)
{
	size_t all = 0;
	int err;

	for (size_t i = 0; i < b->n; i++)
		all += b->round[i].n_todo;
	err = pool_run(all, o->jobs, o->stop, take, b);
	for (size_t i = 0; i < b->n; i++)
		digest(&b->round[i]);
	return err;
}

int faults_round(struct fault_matrix *m, const struct fault_options *o,
		 const struct fault *const *faults, size_t n, unsigned preset,
		 struct fault_cell *rows)
{
	struct batch b = { .round = calloc(n, sizeof(*b.round)) };
	int err = b.round ? 0 : -ENOMEM;

	for (size_t i = 0; !err && i < n; i++)
		err = add_round(&b, &(struct round){ .m = m,
						     .o = o,
						     .fault = faults[i],
						     .preset = preset,
						     .row = rows + i * m->n_cases });
	if (!err && b.n)
		err = run(&b, o);
	for (size_t i = 0; i < b.n; i++)
		round_free(&b.round[i]);
	free(b.round);
	return err;
}
