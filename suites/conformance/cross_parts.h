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

/* ---- I/O under way at the front ---- */

#define CROSS_CHUNK   (64 * KIB)
#define CROSS_POLL_NS UINT64_C(20000000)
#define CROSS_END_NS  UINT64_C(60000000000) /* until everything that was under way has its end */

struct cross_flight {
	struct blk *b;
	uint8_t *data; /* of one that writes: stamps of NEW */
	uint64_t at;
	unsigned flags; /* enum node_flag */
	bool on;
	ssize_t done;
};

/* CROSS_CHUNK at byte `at`, through a description of its own. */
void cross_flight_begin(struct rig *r, struct cross_flight *f, uint64_t at, unsigned flags);
/* Once more, of one that has its end. */
void cross_flight_again(struct rig *r, struct cross_flight *f);
/* How many have no end yet; those that have it by now have it in `done`. */
unsigned cross_flights_on(struct cross_flight *f, unsigned n);
/* The same after ns, or when all have their end. */
unsigned cross_watch(struct rig *r, struct cross_flight *f, unsigned n, uint64_t ns);
/* None is without an end CROSS_END_NS later, or the case fails: what follows would wait for it. */
void cross_land(struct rig *r, struct cross_flight *f, unsigned n, const char *since);

/* Who the front says that it is, or the case fails. */
void cross_who(struct rig *r, char text[512]);

#endif
