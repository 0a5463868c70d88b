/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the cases on zoned namespaces stand on: looking at zones, doing things to them, bringing
 * them into a state. A bench is one zoned namespace; cases go through all that they may use.
 */
#ifndef CONFORMANCE_ZNS_BENCH_H
#define CONFORMANCE_ZNS_BENCH_H

#include "io_area.h"
#include "spec/zone.h"

#define ZONE_NONE UINT64_MAX

struct bench {
	struct rig *r;
	const struct facts_ns *ns;
	struct sq *q;
	uint64_t zones, size; /* of the namespace, of a zone in blocks */
	uint64_t tag;	      /* of what is written */
	unsigned at;	      /* which namespace */
};

/* A zone as it is reported. */
struct zone_view {
	unsigned state; /* enum zone_state, or a reserved value */
	unsigned type, attributes;
	uint64_t start, capacity, wp;
};

/* Begins with a zeroed bench. The next namespace; false after the last; N/A without any. */
bool bench_next(struct rig *r, struct bench *b);
/* The same, every zone that can be emptied is. */
bool bench_next_empty(struct rig *r, struct bench *b);
/* The queue again, after a reset. */
void bench_reopen(struct bench *b);

uint64_t bench_start(const struct bench *b, uint64_t zone);
/* Every zone in order; lives as long as the case. What is malformed is FAIL. */
struct zone_view *bench_look_all(struct bench *b);
struct zone_view bench_look(struct bench *b, uint64_t zone);
/* The first zone of that state, or ZONE_NONE. */
uint64_t bench_find(struct bench *b, enum zone_state state);
/* The nth zone that is neither Read Only nor Offline, ZONE_NONE: there are not so many; the last;
 * the first of two neighbours. */
uint64_t bench_usable(struct bench *b, uint64_t nth);
uint64_t bench_last(struct bench *b);
uint64_t bench_pair(struct bench *b);

/* Zone Management Send. `all` has Select All set; bench_do must succeed. */
struct cpl bench_send(struct bench *b, uint64_t zone, enum zone_action action);
struct cpl bench_send_all(struct bench *b, enum zone_action action);
void bench_do(struct bench *b, uint64_t zone, enum zone_action action);
/* Set Zone Descriptor Extension with so many bytes of data. */
struct cpl bench_extend(struct bench *b, uint64_t zone, const void *data, size_t len);

/* Write, or Zone Append, of freshly stamped blocks; bench_put must succeed. */
struct cpl bench_write(struct bench *b, uint64_t lba, uint32_t blocks);
struct cpl bench_append(struct bench *b, uint64_t zone, uint32_t blocks);
void bench_put(struct bench *b, uint64_t lba, uint64_t blocks);
/* Writes up to so many blocks from the zone's end of capacity. */
void bench_fill(struct bench *b, uint64_t zone, uint64_t but);
/* The blocks are as stamped. */
bool bench_check_data(struct bench *b, uint64_t lba, uint32_t blocks);
/* The blocks are as deallocated ones read. */
void bench_check_deallocated(struct bench *b, uint64_t lba, uint64_t blocks);
/* Most blocks of a Zone Append; 0: there is none. */
uint32_t bench_append_most(const struct bench *b);

/* Any action of the table, as far as it can be asked: fewer blocks than the zone has left for Write
 * and Append. */
struct cpl bench_act(struct bench *b, uint64_t zone, enum zone_action action);
bool bench_can(const struct bench *b, enum zone_action action);

/* Brings an Empty zone into the state; finds one for Read Only and Offline. ZONE_NONE when that
 * cannot be. */
uint64_t bench_bring(struct bench *b, uint64_t zone, enum zone_state state);

/* The state is the one wanted; an implicitly opened zone that the controller closed is told. */
bool bench_check_state(struct bench *b, const char *what, unsigned got, enum zone_state want);
/* Every zone but this one is as it was. */
void bench_check_others(struct bench *b, const struct zone_view *before, uint64_t but);
/* The write pointer, where the state has one. */
void bench_check_wp(struct bench *b, const char *what, const struct zone_view *v, uint64_t want);

const char *bench_na(const struct facts *f); /* for .na */

#endif
