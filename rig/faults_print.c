// SPDX-License-Identifier: GPL-2.0-or-later
#include <stdio.h>
#include <string.h>

#include "event/event.h"
#include "rig/faults.h"

static const char *why(const struct fault_cell *cell)
{
	return cell->reason ? cell->reason : "";
}

/*
 * Which cells of a fault a list is made of. TOO: it does not name the fault, and met it all the
 * same. UNCAUSED: red, and the model was never asked about the fault.
 */
enum cells { KILLED, MISSED, TOO, UNCAUSED, DIED };

static bool is(enum cells which, const struct fault_matrix *m, size_t f, size_t c)
{
	const struct fault_cell *cell = faults_cell(m, f, c);
	bool promised = fault_named_by(m->faults[f], m->cases[c].c);

	switch (which) {
	case KILLED:
		return promised && cell->red;
	case MISSED:
		return promised && !cell->red;
	case TOO:
		return !promised && cell->red && !cell->uncaused;
	case UNCAUSED:
		return cell->uncaused;
	default:
		return cell->died;
	}
}

static size_t count(enum cells which, const struct fault_matrix *m, size_t f)
{
	size_t n = 0;

	for (size_t c = 0; c < m->n_cases; c++)
		n += is(which, m, f, c);
	return n;
}

/* ---- text ---- */

static void print_names(const char *head, enum cells which, const struct fault_matrix *m, size_t f)
{
	if (!count(which, m, f))
		return;
	printf("    %s:", head);
	for (size_t c = 0; c < m->n_cases; c++)
		if (is(which, m, f, c))
			printf(" %s", m->cases[c].name);
	printf("\n");
}

static void print_bad(const char *head, enum cells which, const struct fault_matrix *m, size_t f)
{
	for (size_t c = 0; c < m->n_cases; c++) {
		const struct fault_cell *cell = faults_cell(m, f, c);

		if (is(which, m, f, c))
			printf("    %s: %s was %s%s%s\n", head, m->cases[c].name,
			       cell->ran ? verdict_name(cell->verdict) : "not run",
			       *why(cell) ? ": " : "", why(cell));
	}
}

static void print_fault(const struct fault_matrix *m, size_t f, bool verbose)
{
	const struct fault *fault = m->faults[f];
	bool named = fault_is_named(m, fault);

	printf("%s (%s)%s\n", fault->name, fault->where,
	       named			? ""
	       : fault_is_robust(fault) ? ": aimed at the rig"
					: ": NO CASE NAMES IT");
	print_names("red as promised", KILLED, m, f);
	print_bad("NOT RED", MISSED, m, f);
	print_bad("RED WITHOUT CAUSE", UNCAUSED, m, f);
	if (verbose)
		print_names("red too", TOO, m, f);
	else if (count(TOO, m, f))
		printf("    red too: %zu\n", count(TOO, m, f));
	if (m->met_by_many[fault - fault_all])
		printf("    met by many: of those who do not name it a sample was tried\n");
	if (verbose || fault_is_robust(fault))
		print_bad("worker down", DIED, m, f);
	else if (count(DIED, m, f))
		printf("    worker down: %zu\n", count(DIED, m, f));
}

static void print_case(const struct fault_matrix *m, size_t c, bool verbose)
{
	const struct rig_case *k = m->cases[c].c;
	const struct fault_cell *clean = &m->clean[c];
	char word[64];

	if (clean->verdict == FAIL || clean->verdict == BROKEN)
		printf("%s: %s ON THE CLEAN MODEL: %s\n", m->cases[c].name,
		       verdict_name(clean->verdict), why(clean));
	if (!k->fault || !*k->fault)
		printf("%s: NAMES NO FAULT\n", m->cases[c].name);
	else if (fault_unknown_word(k, word))
		printf("%s: NAMES A FAULT THAT IS NONE: %s\n", m->cases[c].name, word);
	if (!verbose)
		return;
	printf("%s killed by:", m->cases[c].name);
	for (size_t f = 0; f < m->n_faults; f++)
		if (faults_cell(m, f, c)->red)
			printf(" %s%s", m->faults[f]->name,
			       fault_named_by(m->faults[f], k) ? "" : "(unnamed)");
	printf("\n");
}

struct sums {
	size_t promised, killed, missed, uncaused, unnamed, down;
};

static struct sums sum(const struct fault_matrix *m)
{
	struct sums s = { 0 };

	for (size_t f = 0; f < m->n_faults; f++) {
		s.killed += count(KILLED, m, f);
		s.missed += count(MISSED, m, f);
		s.uncaused += count(UNCAUSED, m, f);
		s.down += fault_is_robust(m->faults[f]) ? count(DIED, m, f) : 0;
		s.unnamed += !fault_is_named(m, m->faults[f]) && !fault_is_robust(m->faults[f]);
	}
	s.promised = s.killed + s.missed;
	return s;
}

void faults_print(const struct fault_matrix *m, bool verbose)
{
	struct sums s = sum(m);

	for (size_t f = 0; f < m->n_faults; f++)
		print_fault(m, f, verbose);
	for (size_t c = 0; c < m->n_cases; c++)
		print_case(m, c, verbose);
	printf("%zu cases, %zu faults: %zu of %zu promises kept, %zu not red, %zu red without "
	       "cause, "
	       "%zu faults that no case names\n",
	       m->n_cases, m->n_faults, s.killed, s.promised, s.missed, s.uncaused, s.unnamed);
	if (s.down)
		printf("%zu cases lost their worker under faults aimed at the rig\n", s.down);
	printf("%s\n",
	       faults_proved(m) ? "every case is killed by every fault it names" : "NOT PROVED");
}

/* ---- JSON ---- */

static struct json_object *cell_object(const char *name, const struct fault_cell *cell)
{
	struct json_object *o = json_object_new_object();

	event_str(o, "case", name);
	event_str(o, "verdict", verdict_name(cell->verdict));
	if (*why(cell))
		event_str(o, "reason", why(cell));
	return o;
}

static struct json_object *list_of(enum cells which, const struct fault_matrix *m, size_t f)
{
	struct json_object *list = json_object_new_array();

	for (size_t c = 0; c < m->n_cases; c++)
		if (is(which, m, f, c))
			json_object_array_add(list,
					      cell_object(m->cases[c].name, faults_cell(m, f, c)));
	return list;
}

static struct json_object *fault_object(const struct fault_matrix *m, size_t f)
{
	struct json_object *o = json_object_new_object();

	event_str(o, "name", m->faults[f]->name);
	event_str(o, "where", m->faults[f]->where);
	event_str(o, "sentence", m->faults[f]->sentence);
	event_bool(o, "named", fault_is_named(m, m->faults[f]));
	event_bool(o, "met_by_many", m->met_by_many[m->faults[f] - fault_all]);
	json_object_object_add(o, "red", list_of(KILLED, m, f));
	json_object_object_add(o, "not_red", list_of(MISSED, m, f));
	json_object_object_add(o, "uncaused", list_of(UNCAUSED, m, f));
	json_object_object_add(o, "red_too", list_of(TOO, m, f));
	json_object_object_add(o, "down", list_of(DIED, m, f));
	return o;
}

static struct json_object *case_object(const struct fault_matrix *m, size_t c)
{
	struct json_object *o = cell_object(m->cases[c].name, &m->clean[c]);
	struct json_object *by = json_object_new_array(), *not_by = json_object_new_array();
	char word[64];

	for (size_t f = 0; f < m->n_faults; f++)
		if (fault_named_by(m->faults[f], m->cases[c].c))
			json_object_array_add(faults_cell(m, f, c)->red ? by : not_by,
					      json_object_new_string(m->faults[f]->name));
	event_str(o, "unknown_fault", fault_unknown_word(m->cases[c].c, word));
	json_object_object_add(o, "killed_by", by);
	json_object_object_add(o, "not_killed_by", not_by);
	return o;
}

void faults_print_json(const struct fault_matrix *m)
{
	struct json_object *doc = json_object_new_object();
	struct json_object *faults = json_object_new_array(), *cases = json_object_new_array();

	for (size_t f = 0; f < m->n_faults; f++)
		json_object_array_add(faults, fault_object(m, f));
	for (size_t c = 0; c < m->n_cases; c++)
		json_object_array_add(cases, case_object(m, c));
	event_bool(doc, "proved", faults_proved(m));
	json_object_object_add(doc, "faults", faults);
	json_object_object_add(doc, "cases", cases);
	printf("%s\n", json_object_to_json_string_ext(doc, JSON_C_TO_STRING_PRETTY |
								   JSON_C_TO_STRING_SPACED |
								   JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(doc);
}
