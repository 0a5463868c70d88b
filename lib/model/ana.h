/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Asymmetric Namespace Access: groups of namespaces, and how each controller stands to each group.
 * Only the subsystem's own side changes that: ana_control().
 */
#ifndef MODEL_ANA_H
#define MODEL_ANA_H

#include "model/internal.h"

#define ANA_TRANSITION_S 10u /* ANATT */
#define ANA_GROUP_MAX	 4u  /* ANAGRPMAX */
#define ANA_GROUPS	 2u  /* NANAGRPID */
#define ANA_NSID_MAX	 256u

struct media_ns;

struct model_ana *ana_new(struct model *m);
void ana_free(struct model_ana *a);
/* Power: every relation is optimized. Controller Level Resets: the controller counts anew. */
void ana_reset(struct model *m, enum model_reset kind);

uint8_t ana_capabilities(const struct model *m); /* ANACAP */
/* ANAGRPID; 0: nothing is reported. */
uint32_t ana_group(const struct model *m, uint32_t nsid);
/* Capacity that may not be known through this controller is told as 0. */
bool ana_hides_capacity(const struct model *m, uint32_t nsid);
/* The controller's relation to the namespace forbids the command: the status is set. */
bool ana_refuses_io(struct mcmd *c);
bool ana_refuses_admin(struct mcmd *c);
/* The namespace was attached to this controller, or is no more. */
void ana_members_changed(struct model *m, uint32_t nsid);

/* "GROUP STATE" of this controller: 0, -EINVAL no such, -EPERM from Persistent Loss. */
int ana_control(struct model *m, const char *what);

uint16_t ana_log_check(struct mcmd *c, uint64_t lpo, uint64_t bytes);
size_t ana_log(struct model *m, uint8_t *page);

#endif
