/* SPDX-License-Identifier: GPL-2.0-or-later */
/* After a blow that leaves much open: what a controller must still do. */
#ifndef CONFORMANCE_ROBUST_PARTS_H
#define CONFORMANCE_ROBUST_PARTS_H

#include "kit/kit.h"

/* Identify works as things stand. */
void robust_check_alive(struct rig *r);

/*
 * The controller may have set CSTS.CFS, which is noted; it is not gone, and a Controller Reset
 * brings back the Admin queue and I/O. Every I/O queue of the case is gone afterwards.
 */
void robust_check_recovers(struct rig *r);

#endif
