/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the cases about both ends of a stack share. */
#ifndef CONFORMANCE_CROSS_PARTS_H
#define CONFORMANCE_CROSS_PARTS_H

#include "blk_parts.h"

#define CROSS_NEEDS (NEED_NODE | NEED_BACK)
#define OLD	    1ull
#define NEW	    2ull
#define KIB	    UINT64_C(1024)
#define MIB	    (UINT64_C(1) << 20)
#define AREA	    (4 * MIB) /* where the cases are at work */

struct ends {
	struct blk *front, *back; /* direct */
	struct node_facts at_front, at_back;
};

/* Both of at least 2 * AREA bytes; SKIP where the back cannot be told `can`. */
struct ends cross_ends(struct rig *r, enum node_can can);

/* Stamps of OLD at the front, flushed. */
void cross_put(struct rig *r, const struct ends *e, uint64_t at, uint64_t len);

/* The stamps of that tag stand in the store. They are by the front's blocks: bytes are what both
 * ends have in common. */
bool cross_check_back(struct rig *r, const struct check_site *s, const struct ends *e, uint64_t at,
		      uint64_t len, uint64_t tag);
#define CHECK_BACK_OF(r, e, at, len, tag) cross_check_back(r, CHECK_SITE(0, 0), e, at, len, tag)
#define CHECK_BACK(r, e, at, len)	  CHECK_BACK_OF(r, e, at, len, OLD)

#endif
