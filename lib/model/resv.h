/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reservations: who is registered with a namespace, who holds it, and what that forbids others.
 * The state is the subsystem's; hosts are known by the Host Identifier of their controllers.
 */
#ifndef MODEL_RESV_H
#define MODEL_RESV_H

#include "model/internal.h"

enum resv_group { RESV_OTHER, RESV_READS, RESV_WRITES };

struct model_resv *resv_state_new(struct model *m);
void resv_state_free(struct model_resv *v);
/* Power: what does not persist is gone. Controller Level Resets: the controller's notices. */
void resv_reset(struct model *m, enum model_reset kind);

/* Does a reservation forbid this controller's host a command of that group on the namespace? */
bool resv_forbids(const struct model *m, uint32_t nsid, enum resv_group group);
/* The command conflicts with a reservation: the status is set. By opcode; FFFFFFFFh is any. */
bool resv_conflict(struct mcmd *c);
/* Identify Namespace RESCAP. */
uint8_t resv_caps(const struct model *m);
/* The namespace is gone, and all that is known of it. */
void resv_forget(struct model *m, uint32_t nsid);

void nvm_resv_register(struct mcmd *c);
void nvm_resv_acquire(struct mcmd *c);
void nvm_resv_release(struct mcmd *c);
void nvm_resv_report(struct mcmd *c);

/* resv_report.c: what a controller is to be told */
enum resv_notice { RESV_REG_PREEMPTED = 1, RESV_RELEASED, RESV_PREEMPTED };
void resv_notify(struct model *m, uint32_t nsid, enum resv_notice what);
size_t resv_log(struct model *m, uint8_t *page);
/* The page was read and is used up. */
void resv_log_read(struct model *m);

#endif
