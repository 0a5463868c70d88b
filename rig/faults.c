// SPDX-License-Identifier: GPL-2.0-or-later
#include "rig/faults.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/text.h"
#include "model/model.h"
#include "rig/plan.h"

bool fault_is_robust(const struct fault *f)
{
	return !strcmp(f->where, "robust");
}

bool fault_named_by(const struct fault *f, const struct rig_case *c)
{
	return f && text_in_list(c->fault, f->name, strlen(f->name));
}

bool fault_is_named(const struct fault_matrix *m, const struct fault *f)
{
	for (size_t i = 0; i < m->n_cases; i++)
		if (fault_named_by(f, m->cases[i].c))
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

	*k = (struct fault_case){ .suite = s, .c = c, .first = m->n_rows };
	snprintf(k->name, sizeof(k->name), "%s.%s", s->area, c->id);
	m->n_cases++; /* what there is of it is freed, too */
	m->n_rows += c->nrows ? c->nrows : 1;
	for (unsigned p = 0; p < m->n_presets; p++) {
		k->advice_on[p] = calloc(c->nrows + 1, sizeof(*k->advice_on[p]));
		if (!k->advice_on[p])
			return -ENOMEM;
	}
	return 0;
}

static int take_presets(struct fault_matrix *m, const char *only)
{
	const char *name;

	if (only) {
		m->presets[m->n_presets++] = only;
		return 0;
	}
	m->presets[m->n_presets++] = "";
	for (size_t i = 0; (name = model_preset_name(i)); i++) {
		if (m->n_presets == FAULT_PRESETS_MAX)
			return -E2BIG;
		m->presets[m->n_presets++] = name;
	}
	return 0;
}

static int take_cases(struct fault_matrix *m, const struct fault_options *o)
{
	const struct rig_case *cases;
	size_t all = 0, n;
	int err = 0;

	for (size_t i = 0; suites_all[i]; i++, all += n)
		suite_cases(suites_all[i], &n);
	m->cases = calloc(all + 1, sizeof(*m->cases));
	m->clean = calloc(all + 1, sizeof(*m->clean));
	m->cell = calloc(all * m->n_faults + 1, sizeof(*m->cell));
	if (!m->cases || !m->clean || !m->cell)
		return -ENOMEM;
	for (size_t i = 0; suites_all[i]; i++) {
		cases = suite_cases(suites_all[i], &n);
		for (size_t k = 0; !err && k < n; k++)
			if (picked(o, suites_all[i], &cases[k]))
				err = add_case(m, suites_all[i], &cases[k]);
	}
	return err;
}

/* ---- what the clean models were asked ---- */

static int take_asked(struct fault_matrix *m)
{
	m->facts = calloc(m->n_presets, sizeof(*m->facts));
	if (!m->facts)
		return -ENOMEM;
	for (unsigned p = 0; p < m->n_presets; p++) {
		void *shared = mmap(NULL, (m->n_rows + 1) * FAULT_COUNT, PROT_READ | PROT_WRITE,
				    MAP_SHARED | MAP_ANONYMOUS, -1, 0);

		if (shared == MAP_FAILED)
			return -errno;
		m->asked[p] = shared;
	}
	return 0;
}

static void free_asked(struct fault_matrix *m)
{
	for (unsigned p = 0; p < m->n_presets; p++)
		if (m->asked[p])
			munmap(m->asked[p], (m->n_rows + 1) * FAULT_COUNT);
	free(m->facts);
}

static void settle_home(struct fault_case *k, unsigned n_presets)
{
	while (k->home < n_presets && !k->runs_on[k->home])
		k->home++;
	if (k->home == n_presets)
		k->home = 0;
}

/* A fault met by so many rows stands in everybody's way: in the bring-up, say. */
#define MANY 200

static size_t count_met(const struct fault_matrix *m, size_t fault)
{
	size_t n = 0;

	for (size_t i = 0; i < m->n_cases; i++) {
		const struct fault_case *k = &m->cases[i];
		const unsigned char *asked = m->asked[k->home] + k->first * FAULT_COUNT + fault;

		for (unsigned row = 0; row == 0 || row < k->c->nrows; row++)
			n += asked[row * FAULT_COUNT] != 0;
	}
	return n;
}

static int run_clean(struct fault_matrix *m, const struct fault_options *o)
{
	const struct fault *clean = NULL;
	int err = 0;

	o->progress(o->progress_ctx, 0, m->n_faults + 1, NULL);
	for (unsigned p = 0; !err && p < m->n_presets; p++)
		err = faults_round(m, o, &clean, 1, p, m->clean);
	for (size_t i = 0; i < m->n_cases; i++)
		settle_home(&m->cases[i], m->n_presets);
	for (size_t f = 0; f < FAULT_COUNT; f++)
		m->met_by_many[f] = count_met(m, f) >= MANY;
	return err;
}

/* So many at once: workers that wait for one are not idle; more would only fill memory. */
#define BATCH 16u

static int run_faults(struct fault_matrix *m, const struct fault_options *o)
{
	int err = 0;

	for (size_t first = 0; !err && first < m->n_faults; first += BATCH) {
		size_t n = m->n_faults - first < BATCH ? m->n_faults - first : BATCH;

		o->progress(o->progress_ctx, first + 1, m->n_faults + 1, m->faults[first]);
		for (unsigned p = 0; !err && p < m->n_presets; p++)
			err = faults_round(m, o, m->faults + first, n, p, faults_cell(m, first, 0));
	}
	return err;
}

int faults_run(struct fault_matrix *m, const struct fault_options *o)
{
	int err = take_presets(m, o->preset);

	if (!err)
		err = take_cases(m, o);
	if (!err)
		err = take_asked(m);
	if (!err)
		err = run_clean(m, o);
	if (!err)
		err = run_faults(m, o);
	return err;
}

void faults_free(struct fault_matrix *m)
{
	free_asked(m);
	for (size_t i = 0; i < m->n_cases; i++) {
		for (unsigned p = 0; p < m->n_presets; p++)
			free(m->cases[i].advice_on[p]);
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
		if (fault_named_by(m->faults[f], m->cases[c].c) && !faults_cell(m, f, c)->red)
			return false;
	return true;
}

bool faults_proved(const struct fault_matrix *m)
{
	for (size_t c = 0; c < m->n_cases; c++)
		if (!case_proved(m, c))
			return false;
	for (size_t f = 0; f < m->n_faults; f++)
		for (size_t c = 0; c < m->n_cases; c++)
			if (faults_cell(m, f, c)->uncaused ||
			    (fault_is_robust(m->faults[f]) && faults_cell(m, f, c)->died))
				return false;
	return m->n_cases > 0;
}
