/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Between trace.c and the oracle: what was sent, what came of it. */
#ifndef NVME_JUDGE_H
#define NVME_JUDGE_H

#include "nvme/ctrl.h"

/* As after a reset: nothing is in flight, no queue exists. */
void judge_begin(struct ctrl *c);
/* A case wrote a register: what was known of the controller may not be so any more. */
void judge_register(struct ctrl *c, uint64_t off, uint64_t value);
void judge_sent(struct ctrl *c, struct trace_record *r);
void judge_ended(struct ctrl *c, const struct trace_record *r);

#endif
