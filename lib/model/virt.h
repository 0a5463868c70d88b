/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Virtualization Enhancements: the first controller is the primary one. Its secondary controllers
 * are no virtual functions, but accounts of resources; with the option `secondary` the first of
 * them is the subsystem's other controller, which can do what its state and its resources allow.
 */
#ifndef MODEL_VIRT_H
#define MODEL_VIRT_H

#include "model/identify.h"
#include "model/internal.h"

struct model_virt *virt_new(struct model *m);
void virt_free(struct model_virt *v);
/* A primary controller that is reset, or shut down, takes its secondary ones offline. */
void virt_reset(struct model *m);
/* This is a secondary controller, and offline: CSTS.CFS is 1, and it cannot be enabled. */
bool virt_is_offline(const struct model *m);
/* The n-th Controller Identifier of secondary controllers that are accounts alone; 0: no more. */
uint16_t virt_account(const struct model *m, unsigned n);

identify_builder identify_primary;     /* 14h */
identify_builder identify_secondaries; /* 15h */

#endif
