/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Proof that each case can fail: the suites on a model that was told to do one thing wrong, and on
 * one that was told nothing.
 */
#ifndef RIG_FAULTS_H
#define RIG_FAULTS_H

#include <stdbool.h>
#include <stddef.h>

#include "case/case.h"
#include "model/fault.h"
#include "nvme/facts.h"
#include "rig/verdict.h"

struct stop;

/* One case, all its rows, on one model. The rows' worst verdict, red before all else. */
struct fault_cell {
	bool ran;
	bool promised; /* the case names the fault */
	bool red;      /* FAIL, or more advice than on the clean model */
	bool uncaused; /* red with a row that never asked the model about the fault */
	bool died;     /* a worker crashed or passed its deadline */
	enum verdict verdict;
	char *reason; /* of `verdict`; NULL where nobody will ask */
};

/* Models without a fault: without a preset, and each preset of the model. */
#define FAULT_PRESETS_MAX 16

struct fault_case {
	const struct rig_suite *suite;
	const struct rig_case *c;
	char name[CASE_NAME]; /* without row */
	/* On each clean model: does it run there at all, and how much advice it gives, by row. */
	bool runs_on[FAULT_PRESETS_MAX];
	unsigned *advice_on[FAULT_PRESETS_MAX];
	size_t first; /* its first row among the rows of all cases */
	unsigned home; /* the first model that it runs on; the one without a preset where none is */
};

struct fault_matrix {
	struct fault_case *cases;
	size_t n_cases;
	const struct fault **faults; /* those asked for */
	size_t n_faults;
	const char *presets[FAULT_PRESETS_MAX]; /* "" first: the model without one */
	unsigned n_presets;
	size_t n_rows; /* of all cases */
	/* On each clean model: what is known of it, and which faults each row had it asked about:
	 * FAULT_COUNT bytes a row, one row more for the probe, shared with the workers. */
	struct facts *facts;
	unsigned char *asked[FAULT_PRESETS_MAX];
	bool met_by_many[FAULT_COUNT]; /* hundreds of rows met it where they are at home */
	struct fault_cell *clean; /* by case: the worst of all clean models */
	struct fault_cell *cell;  /* by fault, then case */
};

struct fault_options {
	const char *const *patterns; /* cases; none: all */
	size_t n_patterns;
	enum rig_effort effort; /* of cases that name the fault; the others run quick */
	unsigned jobs, deadline_s;
	bool promised_only; /* leave out the cases that do not name the fault */
	const char *preset; /* on that preset alone; NULL: on all of them */
	/* of the cases that do not name the fault one in sixteen, and one row of it, others for each
	 * fault; of derived cases it is one row always */
	bool sample;
	bool every_row;	      /* also those that ask nothing about the fault; none left out */
	unsigned part, parts; /* only every parts-th fault, from the part-th (1..parts) on; 0: all */
	struct stop *stop;
	/* Told when models begin that run side by side, of the first; fault NULL: the clean one. */
	void (*progress)(void *ctx, size_t done, size_t all, const struct fault *fault);
	void *progress_ctx;
};

/*
 * Runs it all on the faults that are in m->faults already (calloc'ed, becomes the matrix's): every
 * case on each clean model; under each fault every case on its home, and a case that names the
 * fault on further models until one of its rows is red. The model does the same whenever it is asked the
 * same, so a row that had the clean model ask nothing about a fault is not run under it: red
 * there would be red without cause. What a fault in everybody's way, one of the bring-up, turns red
 * too is news of little worth: of those who do not name it one row in sixteen is tried. 0 or
 * -errno, -EINTR when stopped. The caller frees, also after an error.
 */
int faults_run(struct fault_matrix *m, const struct fault_options *o);
void faults_free(struct fault_matrix *m);

static inline struct fault_cell *faults_cell(const struct fault_matrix *m, size_t fault, size_t c)
{
	return &m->cell[fault * m->n_cases + c];
}

/* A fault aimed at the rig: it must bring no worker down, and what it turns red is no surprise. */
bool fault_is_robust(const struct fault *f);
/* Does the case name it? */
bool fault_named_by(const struct fault *f, const struct rig_case *c);
/* Does any case of the matrix name it? */
bool fault_is_named(const struct fault_matrix *m, const struct fault *f);
/* The first word of the case's fault list that is no fault of the model, NULL: none. */
const char *fault_unknown_word(const struct rig_case *c, char word[64]);

/*
 * True when the proof is complete: the clean model has no FAIL and no BROKEN, every case names a
 * fault that exists, every named fault that was asked for turned its case red, no case is red
 * without cause, and no robust fault brought a worker down.
 */
bool faults_proved(const struct fault_matrix *m);

/* ---- faults_round.c: models of one preset ---- */

/*
 * Runs cases on n models, one with each of the faults, and puts what came of them into `rows`, by
 * model, then by case. Fault NULL: the clean one; all its cases run, and what they say there is
 * kept in m->cases. 0, -errno or -EINTR.
 */
int faults_round(struct fault_matrix *m, const struct fault_options *o,
		 const struct fault *const *faults, size_t n, unsigned preset,
		 struct fault_cell *rows);

void faults_print(const struct fault_matrix *m, bool verbose);
void faults_print_json(const struct fault_matrix *m);

#endif
