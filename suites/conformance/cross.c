// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * cross: what must hold from one end of a stack to the other: an action at the front, a node, and
 * its witness at the back, the store where the bytes come to rest.
 */
#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "cross_parts.h"

#define NOTICE_NS (5 * NS_PER_S)

/* ---- geometry ---- */

static void geometry(struct rig *r)
{
	struct ends e = cross_ends(r, 0);

	CHECK_EQ(r, "logical block at the front, against the store's", e.at_front.logical,
		 e.at_back.logical);
	CHECK_EQ(r, "bytes at the front, against the store's", e.at_front.bytes, e.at_back.bytes);
	CHECK_LE(r,
		 "physical block at the front, which is what it keeps whole, against the store's",
		 e.at_front.physical, e.at_back.physical);
	CHECK_LE(r, "atomic write unit at the front, against the store's", e.at_front.atomic_max,
		 e.at_back.atomic_max > e.at_back.physical ? e.at_back.atomic_max
							   : e.at_back.physical);
}

/* ---- discard, zeroes ---- */

static const struct range_row {
	const char *name;
	enum node_range range;
} zero_rows[] = { { "zeroout", NODE_ZEROOUT }, { "zero-range", NODE_ZERO_RANGE } };

static uint64_t granule(const struct ends *e)
{
	uint64_t g = 64 * KIB;

	if (e->at_front.discard_granularity > g)
		g = e->at_front.discard_granularity;
	if (e->at_back.discard_granularity > g)
		g = e->at_back.discard_granularity;
	return g;
}

static void check_alike(struct rig *r, const struct ends *e, uint64_t at, uint64_t len)
{
	uint8_t *front = blk_mem(r, len), *back = blk_mem(r, len);

	blk_get(r, e->front, at, front, len);
	blk_get(r, e->back, at, back, len);
	CHECK_MEM(r, "bytes of the store, against those at the front", back, front, len);
}

/* An engine may leave a discard undone; then nothing is zeroed at either end. */
static void discard(struct rig *r)
{
	struct ends e = cross_ends(r, 0);
	uint64_t g = granule(&e), at = AREA + 2 * g;

	if (!e.at_front.discard_max)
		rig_na(r, "no discard at the front: discard_max_bytes is 0");
	if (g > MIB)
		rig_skip(r, "size", "a granularity of at most 1 MiB: it is %" PRIu64, g);
	cross_put(r, &e, AREA, 6 * g);
	CHECK_BYTES(r, "BLKDISCARD at the front", blk_range(e.front, NODE_DISCARD, at, 2 * g), 0);
	blk_sync_ok(r, e.front);
	check_alike(r, &e, at, 2 * g);
	CHECK_BACK(r, &e, AREA, 2 * g);
	CHECK_BACK(r, &e, at + 2 * g, 2 * g);
}

static void zeroes(struct rig *r)
{
	const struct range_row *row = rig_row(r);
	struct ends e = cross_ends(r, 0);
	uint64_t step = e.at_front.logical, at = AREA + 64 * KIB + step, len = MIB + 3 * step;
	uint8_t *have = blk_mem(r, len), *want = blk_mem(r, len);

	cross_put(r, &e, AREA, 2 * MIB);
	CHECK_BYTES(r, row->name, blk_range(e.front, row->range, at, len), 0);
	blk_sync_ok(r, e.front);
	blk_get(r, e.back, at, have, len);
	CHECK_MEM(r, "zeroes in the store", have, want, len);
	CHECK_BACK(r, &e, AREA, at - AREA);
	CHECK_BACK(r, &e, at + len, AREA + 2 * MIB - at - len);
}

/* ---- resize ---- */

static const struct resize_row {
	const char *name;
	int64_t by;
} resizes[] = { { "grow", 4 << 20 }, { "shrink", -(4 << 20) } };

/* The front learns of it within a second or so: it is asked for five. */
static uint64_t bytes_soon(struct rig *r, uint64_t want)
{
	uint64_t until = rig_now(r) + NOTICE_NS, have = blk_now(r).bytes;

	while (have != want && rig_now(r) < until) {
		rig_wait(r, 50 * NS_PER_MS);
		have = blk_now(r).bytes;
	}
	return have;
}

static void resize(struct rig *r)
{
	const struct resize_row *row = rig_row(r);
	struct ends e = cross_ends(r, NODE_RESIZE);
	uint64_t size = e.at_back.bytes, now = size + (uint64_t)row->by;
	uint64_t least = size < now ? size : now, step = e.at_front.logical;

	if (e.at_front.bytes != size)
		rig_skip(r, "size", "both ends of one size");
	cross_put(r, &e, least - 64 * KIB, 64 * KIB);
	blk_tell_on(r, e.back->t, "node resize %" PRIu64, now);
	CHECK_EQ(r, "bytes at the front, within 5 s", bytes_soon(r, now), now);
	CHECK_HOLDS(r, e.front, least - 64 * KIB, 64 * KIB, OLD);
	CHECK_BYTES(r, "a read past the end", blk_read(e.front, 0, now, blk_mem(r, step), step), 0);
	if (row->by > 0) {
		cross_put(r, &e, now - 64 * KIB, 64 * KIB);
		CHECK_BACK(r, &e, now - 64 * KIB, 64 * KIB);
	}
}

/* ---- errors ---- */

/* The store does fail where it was told to: or what the front says would mean nothing. */
static void tell_bad(struct rig *r, const struct ends *e, uint64_t at, uint64_t len, uint64_t look)
{
	uint8_t *data = blk_mem(r, e->back->logical);

	blk_tell_on(r, e->back->t, "node bad %" PRIu64 " %" PRIu64, at, len);
	if (blk_read(e->back, 0, look, data, e->back->logical) >= 0)
		rig_broken(r, "the store was told to fail at byte %" PRIu64 " and does not", look);
}

#define AROUND 8u
#define BAD    2u

struct bad {
	uint64_t first, from, step;
};

static const struct error_row {
	const char *name;
	void (*run)(struct rig *r, const struct ends *e, const struct bad *x);
} errors[];

static bool is_bad(const struct bad *x, uint64_t at)
{
	return at >= x->first && at < x->first + BAD * x->step;
}

static void error_read(struct rig *r, const struct ends *e, const struct bad *x)
{
	uint8_t *data = blk_mem(r, x->step);
	char what[64];

	for (unsigned i = 0; i < 2 * AROUND + BAD; i++) {
		uint64_t at = x->from + i * x->step;
		ssize_t done = blk_read(e->front, 0, at, data, x->step);

		snprintf(what, sizeof(what), "read at byte %" PRIu64, at);
		if (is_bad(x, at))
			CHECK_ERRNO(r, what, done, EIO, ENODATA, EILSEQ);
		else if (CHECK_BYTES(r, what, done, x->step))
			CHECK_HOLDS(r, e->front, at, x->step, OLD);
	}
}

static void error_write(struct rig *r, const struct ends *e, const struct bad *x)
{
	uint8_t *data = blk_mem(r, x->step);
	uint32_t per = e->front->logical;
	char what[64];

	for (unsigned i = 0; i < 2 * AROUND + BAD; i++) {
		uint64_t at = x->from + i * x->step;
		ssize_t done;

		rig_stamp(data, at / per, (uint32_t)(x->step / per), per, NEW);
		done = blk_write(e->front, 0, at, data, x->step);
		snprintf(what, sizeof(what), "write at byte %" PRIu64, at);
		if (is_bad(x, at))
			CHECK_ERRNO(r, what, done, EIO, ENODATA, EILSEQ);
		else if (CHECK_BYTES(r, what, done, x->step))
			CHECK_HOLDS(r, e->front, at, x->step, NEW);
	}
}

static const struct error_row errors[] = { { "read", error_read }, { "write", error_write } };

static void error(struct rig *r)
{
	const struct error_row *row = rig_row(r);
	struct ends e = cross_ends(r, NODE_BAD);
	struct bad x = { .step = e.at_front.physical > e.at_back.physical ? e.at_front.physical
									  : e.at_back.physical };

	x.first = AREA + MIB;
	x.from = x.first - AROUND * x.step;
	cross_put(r, &e, AREA, 2 * MIB);
	tell_bad(r, &e, x.first, BAD * x.step, x.first);
	row->run(r, &e, &x);
	blk_tell_on(r, e.back->t, "node mend");
	CHECK_HOLDS(r, e.front, x.first, BAD * x.step, OLD);
}

/* ---- the store dies ---- */

/* Everything fails, none of it for ever: when the store is back, the front is, without restart. */
static void dead_store(struct rig *r)
{
	struct ends e = cross_ends(r, NODE_BAD);
	uint64_t len = 64 * KIB;
	uint8_t *data = blk_mem(r, len);

	cross_put(r, &e, AREA, len);
	tell_bad(r, &e, 0, e.at_back.bytes, AREA);
	CHECK_ERRNO(r, "a read while the store is dead", blk_read(e.front, 0, AREA, data, len), EIO,
		    ENODATA, EILSEQ);
	CHECK_ERRNO(r, "a write while the store is dead", blk_write(e.front, 0, AREA, data, len),
		    EIO, ENODATA, EILSEQ);
	blk_tell_on(r, e.back->t, "node mend");
	CHECK_HOLDS(r, e.front, AREA, len, OLD);
	cross_put(r, &e, AREA + len, len);
	CHECK_BACK(r, &e, AREA + len, len);
}

static const struct rig_case cases[] = {
	{ .id = "geometry",
	  .rule = "The front has the size and the blocks of its store, and promises to keep no "
		  "more "
		  "whole than that does.",
	  .ref = BLK_SYSFS
	  ": logical_block_size, physical_block_size; NVM CS 1.0 Identify Namespace: "
	  "LBAF, NSZE, NAWUPF, NPWG",
	  .needs = CROSS_NEEDS,
	  .fault = "cross-size-short cross-physical-above",
	  .run = geometry },
	{ .id = "discard",
	  .rule = "A discard at the front reaches the store with its range, or does nothing; "
		  "nothing "
		  "else changes.",
	  .ref = BLK_SYSFS ": discard_max_bytes; NVM CS 1.0 Dataset Management: Deallocate",
	  .needs = CROSS_NEEDS,
	  .harm = HARM_DATA,
	  .fault = "cross-discard-kept cross-discard-shifted",
	  .na = blk_na_zoned,
	  .run = discard },
	{ .id = "zeroes",
	  .rule = "Zeroes made at the front are zeroes in the store, on their range and nowhere "
		  "else.",
	  .ref = "Linux ioctl BLKZEROOUT; fallocate(2); NVM CS 1.0 Write Zeroes command",
	  .needs = CROSS_NEEDS,
	  .harm = HARM_DATA,
	  .fault = "cross-zeroes-kept cross-zeroes-short",
	  .na = blk_na_zoned,
	  .run = zeroes,
	  ROWS(zero_rows) },
	{ .id = "resize",
	  .rule = "The front has the new size of its store within seconds, and keeps what lies "
		  "inside.",
	  .ref = "Base 2.0 Namespace Attribute Changed event; Linux block device semantics",
	  .needs = CROSS_NEEDS,
	  .harm = HARM_DATA,
	  .fault = "cross-resize-unseen",
	  .na = blk_na_zoned,
	  .run = resize,
	  ROWS(resizes) },
	{ .id = "error",
	  .rule = "Blocks that fail in the store fail at the front, they alone, until they are "
		  "mended.",
	  .ref = "Linux read(2), write(2): EIO",
	  .needs = CROSS_NEEDS,
	  .harm = HARM_DATA,
	  .fault = "cross-read-error-swallowed cross-write-error-swallowed cross-error-wide",
	  .na = blk_na_zoned,
	  .run = error,
	  ROWS(errors) },
	{ .id = "dead-store",
	  .rule = "While the store is dead everything fails, and when it is back the front works "
		  "again.",
	  .ref = "Linux read(2), write(2): EIO",
	  .needs = CROSS_NEEDS,
	  .harm = HARM_DATA,
	  .fault = "cross-dead-for-ever cross-write-error-swallowed",
	  .na = blk_na_zoned,
	  .run = dead_store },
};

SUITE(cross_suite, CONFORMANCE, "cross", cases);
