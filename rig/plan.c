// SPDX-License-Identifier: GPL-2.0-or-later
#include "rig/plan.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "target/target.h"

/* ---- names ---- */

static void base_name(const struct rig_suite *s, const struct rig_case *c, char buf[CASE_NAME])
{
	snprintf(buf, CASE_NAME, "%s.%s", s->area, c->id);
}

static const char *const harms[] = { "none", "settings", "data", "wear", "forever" };
static const char *const efforts[] = { "quick", "normal", "soak" };

static int find(const char *const *names, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(names[i], name))
			return (int)i;
	return -1;
}

const char *harm_name(enum rig_harm h)
{
	return harms[h];
}

enum rig_harm harm_default(const struct facts *f)
{
	/* an emulated disk of this machine may be somebody's all the same: that takes a word */
	bool ours = !f->caps.of_machine || f->caps.given || emulated_in_guest("");

	return f->caps.emulated && ours ? HARM_WEAR : HARM_NONE;
}

int harm_find(const char *name)
{
	return find(harms, ARRAY_SIZE(harms), name);
}

const char *effort_name(enum rig_effort e)
{
	return efforts[e];
}

int effort_find(const char *name)
{
	return find(efforts, ARRAY_SIZE(efforts), name);
}

int trace_find(const char *name)
{
	static const char *const when[] = { "never", "failed", "always" };

	return find(when, ARRAY_SIZE(when), name);
}

const char *level_name(enum rig_level l)
{
	return l == SHOULD ? "should" : "must";
}

const char *kind_name(enum rig_kind k)
{
	static const char *const kinds[] = { "conformance", "integrity", "perf" };

	return kinds[k];
}

static const void *row_of(const struct rig_case *c, unsigned row)
{
	return c->nrows ? (const char *)c->rows + row * c->row_size : NULL;
}

const char *row_name(const struct rig_case *c, unsigned row)
{
	return c->nrows ? *(const char *const *)row_of(c, row) : NULL;
}

const struct rig_case *case_find(const char *name)
{
	size_t len = strcspn(name, "["), n;

	for (size_t i = 0; suites_all[i]; i++) {
		const struct rig_case *c = suite_cases(suites_all[i], &n);

		for (size_t k = 0; k < n; k++) {
			char base[CASE_NAME];

			base_name(suites_all[i], &c[k], base);
			if (strlen(base) == len && !strncmp(base, name, len))
				return &c[k];
		}
	}
	return NULL;
}

unsigned case_needs(const struct rig_case *c, unsigned row)
{
	return c->needs | (c->row_needs ? c->row_needs(row_of(c, row)) : 0);
}

static const char *case_na(const struct rig_case *c, unsigned row, const struct facts *f)
{
	const char *na = c->na ? c->na(f) : NULL;

	return na || !c->row_na ? na : c->row_na(f, row_of(c, row));
}

/* ---- the filter ---- */

/* "queue.x[a*]" means the bracket of a row, not a class of characters: "queue.x[[]a*]". */
static void escape_row(char *to, size_t size, const char *pattern)
{
	size_t n = 0;

	for (; *pattern && n + 4 < size; pattern++) {
		if (*pattern == '[') {
			memcpy(to + n, "[[]", 3);
			n += 3;
		} else {
			to[n++] = *pattern;
		}
	}
	to[n] = 0;
}

bool plan_match(const char *pattern, const struct rig_suite *s, const struct rig_case *c,
		unsigned row)
{
	char base[CASE_NAME], name[CASE_NAME], escaped[3 * CASE_NAME];

	base_name(s, c, base);
	case_name(s, c, row, name);
	escape_row(escaped, sizeof(escaped), pattern);
	return text_match(pattern, base) || text_match(pattern, name) || text_match(escaped, name);
}

static bool match_any(const char *const *patterns, size_t n, const struct plan_item *i)
{
	for (size_t k = 0; k < n; k++)
		if (plan_match(patterns[k], i->suite, i->c, i->row))
			return true;
	return false;
}

static bool picked(const struct plan_filter *f, const struct plan_item *i)
{
	if (f->n_areas && find(f->areas, f->n_areas, i->suite->area) < 0)
		return false;
	if (f->n_cases && !match_any(f->cases, f->n_cases, i))
		return false;
	return !match_any(f->excludes, f->n_excludes, i);
}

/* ---- why not ---- */

static void append(char *text, size_t size, const char *word, const char *between)
{
	size_t n = strlen(text);

	snprintf(text + n, size - n, "%s%s", n ? between : "", word);
}

static void say_lacks(char *text, size_t size, const struct rig_case *c, unsigned row,
		      const struct facts *facts)
{
	unsigned lacks = facts ? case_needs(c, row) & ~facts->caps.has : 0;
	char missing[400] = "";

	for (unsigned bit = 1; bit && bit <= lacks; bit <<= 1)
		if (lacks & bit)
			append(missing, sizeof(missing), target_need_text(bit), ", ");
	if (lacks)
		snprintf(text, size, "needs: %s", missing);
}

static void say_harm(char *text, size_t size, const struct rig_case *c, const struct plan_filter *f,
		     const struct facts *facts)
{
	if (c->harm > f->allow)
		snprintf(text, size, "harm: needs --allow %s", harm_name(c->harm));
	else if (facts && c->harm > HARM_NONE && !target_may_harm(&facts->caps))
		snprintf(text, size, "guard: harm %s is not done here: %s", harm_name(c->harm),
			 facts->caps.behind);
}

/* Facts of NVMe say nothing of a case about a block node or a card, nor theirs of another. */
static bool na_is_known(const struct rig_case *c, const struct facts *f)
{
	bool node_alone = (f->caps.has & (NEED_NODE | NEED_QUEUES | NEED_COMMAND)) == NEED_NODE;
	unsigned own = c->needs & (NEED_NODE | NEED_MMC);

	return f->alive && (own ? (f->caps.has & own) == own : !node_alone);
}

/* Where no register can be read, CAP is not known, and nothing is settled by it. */
static bool is_settled(const char *na, const struct facts *facts)
{
	return !(facts->caps.has & NEED_COMMAND) || (facts->caps.has & NEED_REGS) ||
	       !strstr(na, "CAP.");
}

/* All reasons, not the first: each begins with its code. */
static int left_out(struct plan_item *i, const struct plan_filter *f, const struct facts *facts)
{
	char text[800] = "", harm[360] = "";
	const char *na = NULL;

	if (facts && na_is_known(i->c, facts))
		na = case_na(i->c, i->row, facts);
	say_lacks(text, sizeof(text), i->c, i->row, facts);
	if (na && !is_settled(na, facts)) {
		if (!text[0])
			snprintf(text, sizeof(text), "needs: %s", target_need_text(NEED_REGS));
		na = NULL;
	}
	say_harm(harm, sizeof(harm), i->c, f, facts);
	if (harm[0])
		append(text, sizeof(text), harm, "; ");
	if (!na && !text[0])
		return 0;
	/* what the drive does not claim is settled, whatever this bench could do about it */
	i->action = na ? NA : SKIP;
	i->reason = strdup(na ? na : text);
	return i->reason ? 0 : -ENOMEM;
}

/* ---- the plan ---- */

static int add(struct plan *p, const struct plan_item *i)
{
	if ((p->n & (p->n + 1)) == 0) {
		struct plan_item *grown = realloc(p->item, (2 * p->n + 1) * sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		p->item = grown;
	}
	p->item[p->n++] = *i;
	p->selected += i->action == VERDICT_NONE;
	return 0;
}

static int add_instance(struct plan *p, const struct plan_filter *f, const struct facts *facts,
			struct plan_item i)
{
	int err;

	case_name(i.suite, i.c, i.row, i.name);
	if (!picked(f, &i))
		return 0;
	err = left_out(&i, f, facts);
	if (!err)
		err = add(p, &i);
	if (err)
		free(i.reason);
	return err;
}

static int add_suite(struct plan *p, const struct plan_filter *f, const struct facts *facts,
		     const struct rig_suite *s, unsigned attempt)
{
	size_t n;
	const struct rig_case *cases = suite_cases(s, &n);

	for (size_t k = 0; k < n; k++) {
		const struct rig_case *c = &cases[k];
		size_t rows = c->nrows ? c->nrows : 1;

		for (unsigned row = 0; row < rows; row++) {
			struct plan_item i = { .suite = s, .c = c, .row = row, .attempt = attempt };
			int err = add_instance(p, f, facts, i);

			if (err)
				return err;
		}
	}
	return 0;
}

int plan_make(const struct rig_suite *const *suites, const struct plan_filter *f,
	      const struct facts *facts, struct plan *ret)
{
	unsigned repeat = f->repeat ? f->repeat : 1;

	*ret = (struct plan){ 0 };
	for (unsigned k = 1; k <= repeat; k++)
		for (size_t s = 0; suites[s]; s++) {
			int err = add_suite(ret, f, facts, suites[s], repeat > 1 ? k : 0);

			if (err)
				return err;
		}
	return 0;
}

void plan_free(struct plan *p)
{
	for (size_t i = 0; i < p->n; i++)
		free(p->item[i].reason);
	free(p->item);
	*p = (struct plan){ 0 };
}

/* ---- words that name nothing ---- */

static const char *nth_area(const void *ctx, size_t i)
{
	const struct rig_suite *const *suites = ctx;

	return suites[i] ? suites[i]->area : NULL;
}

/* Every instance's full name and every case's name without its row, in one list. */
struct names {
	const struct plan *all;
	char (*base)[CASE_NAME];
};

static const char *nth_name(const void *ctx, size_t i)
{
	const struct names *n = ctx;

	if (i < n->all->n)
		return n->base[i];
	i -= n->all->n;
	return i < n->all->n ? n->all->item[i].name : NULL;
}

static void say_unknown(char *text, size_t size, const char *what, const char *word,
			const char *near, const char *list)
{
	if (near)
		snprintf(text, size, "no %s '%.100s'; did you mean '%s'?", what, word, near);
	else
		snprintf(text, size, "no %s '%.100s'; `%s` shows them", what, word, list);
}

static bool unknown_case(const struct plan *all, const char *pattern, char *text, size_t size)
{
	_cleanup_free_ void *base = NULL;
	struct names n = { .all = all };

	for (size_t i = 0; i < all->n; i++)
		if (match_any(&pattern, 1, &all->item[i]))
			return false;
	base = calloc(all->n + 1, CASE_NAME);
	n.base = base;
	for (size_t i = 0; n.base && i < all->n; i++)
		base_name(all->item[i].suite, all->item[i].c, n.base[i]);
	say_unknown(text, size, "case", pattern, base ? text_nearest(pattern, nth_name, &n) : NULL,
		    "nvrig list");
	return true;
}

bool plan_unknown(const struct rig_suite *const *suites, const struct plan_filter *f,
		  char *ret_text, size_t size)
{
	const struct plan_filter everything = { .allow = HARM_FOREVER };
	struct plan all;
	bool found = false;

	for (size_t i = 0; i < f->n_areas; i++) {
		const char *near = text_nearest(f->areas[i], nth_area, suites);

		if (near && !strcmp(near, f->areas[i]))
			continue;
		say_unknown(ret_text, size, "suite", f->areas[i], near, "nvrig list");
		return true;
	}
	if (plan_make(suites, &everything, NULL, &all) == 0) {
		for (size_t i = 0; !found && i < f->n_cases; i++)
			found = unknown_case(&all, f->cases[i], ret_text, size);
		for (size_t i = 0; !found && i < f->n_excludes; i++)
			found = unknown_case(&all, f->excludes[i], ret_text, size);
	}
	plan_free(&all);
	return found;
}
