/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a namespace holds before anything was written to it. */
#ifndef CONFORMANCE_UNWRITTEN_H
#define CONFORMANCE_UNWRITTEN_H

#include "ns_made.h"

/* A new namespace, attached; deleted when the case ends. */
const struct facts_ns *unwritten_new(struct rig *r, const struct ns_wish *w);
/* Checks that every block reads as DLFEAT says, twice the same, until one does not. */
void unwritten_check(struct rig *r, const struct facts_ns *ns);

#endif
