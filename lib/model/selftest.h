/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Device self-tests: one at a time in the subsystem (DSTO bit 0), in the background. */
#ifndef MODEL_SELFTEST_H
#define MODEL_SELFTEST_H

#include "model/internal.h"

#define SELFTEST_DSTO 1u /* Identify Controller DSTO: one in the subsystem */

struct model_selftest *selftest_new(struct model *m);
void selftest_free(struct model_selftest *t);
/* A Controller Level Reset aborts a short test of this controller; an extended one goes on. */
void selftest_reset(struct model *m, enum model_reset kind);

/*
 * What ends a test before its time: a namespace removed, a Format NVM, a sanitize operation. nsid
 * is what that was done to, NSID_ALL: all; a test that is not about it goes on. Does nothing where
 * none runs.
 */
void selftest_abort(struct model *m, enum nvme_status_result why, uint32_t nsid);
bool selftest_runs(const struct model *m);

void selftest_step(struct model *m);
uint64_t selftest_due(const struct model *m);
uint16_t selftest_minutes(const struct model *m);    /* Identify Controller EDSTT */
size_t selftest_log(struct model *m, uint8_t *page); /* log page 06h */

#endif
