/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The attempts of a repeated case made one tale: what reports that give one result a case tell. */
#ifndef RIG_REPORT_FOLD_H
#define RIG_REPORT_FOLD_H

#include "rig/report/story.h"

/* A case of which not all attempts have ended. */
struct fold {
	char *name;
	struct tale worst; /* of those so far */
	bool passed;
};

struct folds {
	struct fold *all;
	size_t n, cap;
	size_t at; /* attempts come round after round: the next one is likely here */
};

/*
 * Takes one attempt. 1: it was the last of `repeat`, *ret is the tale of them all, for tale_clear;
 * 0: more are to come; -ENOMEM.
 */
int folds_add(struct folds *f, const struct tale *o, uint64_t repeat, struct tale *ret);

/* One of those that were not completed, oldest first; false: there is none left. */
bool folds_take(struct folds *f, struct tale *ret);
void folds_free(struct folds *f);

#endif
