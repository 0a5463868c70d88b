/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A controller behind a target that has the command rung itself (target_ops.submit): somebody else
 * keeps its queues. struct sq and struct cq are then bookkeeping alone, so that commands are
 * traced, judged and sent by the same calls as on queues of our own.
 *
 * What needs queues of one's own is -ENOTSUP with words in the target's error, in every call of
 * queue.h and ctrl.h.
 */
#ifndef NVME_NATIVE_H
#define NVME_NATIVE_H

#include "nvme/ctrl.h"

/* ctrl_enable; of a controller that is up already it is a Controller Reset. */
int native_enable(struct ctrl *c, const struct ctrl_config *cfg);
/* queue_pair_create: nothing is created in the device. */
int native_pair(struct ctrl *c, uint16_t qid, struct sq **ret);
/* ctrl_exec. */
int native_exec(struct ctrl *c, struct sq *q, const struct cmd *cmd, struct cpl *ret);
/* ctrl_queue_count: as the queues' keeper has set it. */
int native_queue_count(struct ctrl *c);

/* -ENOTSUP, said of what needs queues of one's own. */
int native_refuse(struct ctrl *c, const char *what);

#endif
