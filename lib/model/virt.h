/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Virtualization Enhancements: the first controller is the primary one. Its secondary controllers
 * are no virtual functions, but accounts of resources.
 */
#ifndef MODEL_VIRT_H
#define MODEL_VIRT_H

#include "model/identify.h"
#include "model/internal.h"

struct model_virt *virt_new(struct model *m);
void virt_free(struct model_virt *v);
/* A primary controller that is reset, or shut down, takes its secondary ones offline. */
void virt_reset(struct model *m);
identify_builder identify_primary;     /* 14h */
identify_builder identify_secondaries; /* 15h */

#endif
