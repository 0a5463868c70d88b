/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The bend faults (spec/bend.def): asked at two points, where a command begins and where a reset
 * comes to the features. */
#ifndef MODEL_BEND_H
#define MODEL_BEND_H

#include "model/internal.h"

/* Puts into the command what the fault reads there. True: it is refused, its status is set. */
bool bend_command(struct mcmd *c);
/* By fault: this feature's current value outlives a reset. */
bool bend_survives(const struct model *m, uint8_t fid);
/* By fault: this feature's current value, which is kept, is the default after a reset. */
bool bend_forgets(const struct model *m, uint8_t fid);

#endif
