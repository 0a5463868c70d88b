// SPDX-License-Identifier: GPL-2.0-or-later
/* blk: what is durable when power is lost, and what is whole. */
#include <inttypes.h>
#include <string.h>

#include "blk_parts.h"

#define PER	64u /* physical blocks that are looked at: some of what a cut may take is taken */
#define OLD	1ull
#define NEW	2ull
#define DURABLE "Linux Documentation/block/writeback_cache_control.rst"

static uint64_t len_of(struct rig *r)
{
	uint64_t len = (uint64_t)PER * blk_facts(r)->physical;

	if (blk_facts(r)->bytes < 2 * len)
		rig_skip(r, "size", "a node of %" PRIu64 " bytes", 2 * len);
	return len;
}

/* Durable already, as far as the node itself can be trusted with that. */
static void put_old(struct rig *r, struct blk *b, uint64_t len)
{
	blk_put(r, b, 0, 0, len, OLD);
	blk_sync_ok(r, b);
}

/* ---- smaller than a physical block ---- */

static const struct physical_row {
	const char *name;
	bool cut;
} physicals[] = { { "neighbours", false }, { "power-cut", true } };

/* Which logical block of the n-th physical one is written. */
static uint64_t rewritten(const struct node_facts *f, uint64_t n)
{
	return n * f->physical + n % (f->physical / f->logical) * f->logical;
}

static void check_neighbours(struct rig *r, struct blk *b, bool cut)
{
	const struct node_facts *f = blk_facts(r);
	uint8_t *data = blk_mem(r, f->physical);

	for (uint64_t n = 0; n < PER; n++) {
		uint64_t at = n * f->physical, mine = rewritten(f, n);
		bool is_old;

		blk_get(r, b, at, data, f->physical);
		is_old = rig_is_stamp(data + (mine - at), mine / f->logical, 1, f->logical, OLD);
		rig_stamp(data + (mine - at), mine / f->logical, 1, f->logical,
			  cut && is_old ? OLD : NEW);
		CHECK_HOLDS(r, b, mine, f->logical, cut && is_old ? OLD : NEW);
		rig_stamp(data + (mine - at), mine / f->logical, 1, f->logical, OLD);
		CHECK_STAMP(r, data, at / f->logical, f->physical / f->logical, f->logical, OLD);
	}
}

static const char *na_same_size(const struct facts *f)
{
	if (f->node.zoned)
		return blk_na_zoned(f);
	return f->node.physical > f->node.logical
		       ? NULL
		       : rig_na_text("physical blocks are logical ones: %u bytes", f->node.logical);
}

static void physical_size(struct rig *r)
{
	const struct physical_row *row = rig_row(r);
	struct blk *b = blk_open(r, NODE_DIRECT);
	uint64_t len = len_of(r);

	if (row->cut)
		blk_need(r, NODE_CUT);
	put_old(r, b, len);
	for (uint64_t n = 0; n < PER; n++)
		blk_put(r, b, 0, rewritten(blk_facts(r), n), b->logical, NEW);
	if (row->cut)
		blk_tell(r, "node cut");
	check_neighbours(r, b, row->cut);
}

/* ---- flush ---- */

static const struct flush_row {
	const char *name;
	unsigned open;
	bool cut;
} flushes[] = {
	{ "buffered-reaches-the-device", 0, false },
	{ "power-cut-after-direct", NODE_DIRECT, true },
	{ "power-cut-after-buffered", 0, true },
};

static void flush(struct rig *r)
{
	const struct flush_row *row = rig_row(r);
	struct blk *old = blk_open(r, NODE_DIRECT), *b = blk_open(r, row->open);
	uint64_t len = len_of(r);

	if (row->cut)
		blk_need(r, NODE_CUT);
	put_old(r, old, len);
	blk_put(r, b, 0, 0, len, NEW);
	CHECK_BYTES(r, "fdatasync", blk_sync(b), 0);
	if (row->cut)
		blk_tell(r, "node cut");
	CHECK_HOLDS(r, old, 0, len, NEW);
}

/* Nobody learns of a failed write but by fdatasync: once for each who has the node open. */
static void flush_error(struct rig *r)
{
	uint64_t len = len_of(r),
		 page = 4096 > blk_facts(r)->physical ? 4096 : blk_facts(r)->physical;
	struct blk *b, *other;

	blk_need(r, NODE_BAD);
	put_old(r, blk_open(r, NODE_DIRECT), len);
	b = blk_open(r, 0);
	other = blk_open(r, 0);
	blk_tell(r, "node bad %" PRIu64 " %" PRIu64, page, page);
	blk_put(r, b, 0, page, page, NEW);
	CHECK_ERRNO(r, "fdatasync after a write that fails", blk_sync(b), EIO);
	CHECK_BYTES(r, "the next fdatasync", blk_sync(b), 0);
	CHECK_ERRNO(r, "fdatasync of another who had the node open", blk_sync(other), EIO);
	blk_tell(r, "node mend");
}

/* ---- FUA, and no cache ---- */

static const struct fua_row {
	const char *name;
	unsigned open, flags; /* enum node_open, enum node_flag */
	bool cut, through;
} fuas[] = {
	{ "dsync", NODE_DIRECT, NODE_DSYNC, false, false },
	{ "dsync-by-io-uring", NODE_DIRECT, NODE_DSYNC | NODE_RING, false, false },
	{ "power-cut-after-dsync", NODE_DIRECT, NODE_DSYNC, true, false },
	{ "power-cut-after-buffered-dsync", 0, NODE_DSYNC, true, false },
	{ "power-cut-write-through", NODE_DIRECT, 0, true, true },
};

static void fua(struct rig *r)
{
	const struct fua_row *row = rig_row(r);
	struct blk *old = blk_open(r, NODE_DIRECT), *b = blk_open(r, row->open);
	uint64_t len = len_of(r);

	if (row->through && blk_facts(r)->write_back)
		rig_na(r, "write_cache says write back: nothing is promised without a flush");
	if (row->cut)
		blk_need(r, NODE_CUT);
	put_old(r, old, len);
	blk_put(r, b, row->flags, 0, len, NEW);
	if (row->cut)
		blk_tell(r, "node cut");
	CHECK_HOLDS(r, old, 0, len, NEW);
}

/* ---- atomic writes ---- */

static const struct atomic_row {
	const char *name;
	void (*run)(struct rig *r, struct blk *b);
} atomics[];

static void need_atomic(struct rig *r)
{
	if (!blk_facts(r)->atomic_max)
		rig_na(r, "atomic_write_unit_max_bytes is 0: no atomic writes");
	REQUIRE_GE(r, "atomic_write_unit_min_bytes, where there is a most",
		   blk_facts(r)->atomic_min, blk_facts(r)->logical);
}

static void atomic_taken(struct rig *r, struct blk *b)
{
	const struct node_facts *f = blk_facts(r);

	need_atomic(r);
	for (uint64_t len = f->atomic_min; len <= f->atomic_max; len *= 2) {
		blk_put(r, b, NODE_ATOMIC, len, len, len);
		CHECK_HOLDS(r, b, len, len, len);
	}
}

static void atomic_refused(struct rig *r, struct blk *b)
{
	const struct node_facts *f = blk_facts(r);
	uint64_t most, least;
	uint8_t *data;

	need_atomic(r);
	most = f->atomic_max;
	least = f->atomic_min;
	data = blk_mem(r, 2 * most);
	CHECK_ERRNO(r, "an atomic write of more than the most",
		    blk_write(b, NODE_ATOMIC, 0, data, 2 * most), EINVAL);
	if (3 * least <= most)
		CHECK_ERRNO(r, "an atomic write of three units",
			    blk_write(b, NODE_ATOMIC, 0, data, 3 * least), EINVAL);
	if (2 * least <= most)
		CHECK_ERRNO(r, "an atomic write that is not at a multiple of its size",
			    blk_write(b, NODE_ATOMIC, least, data, 2 * least), EINVAL);
}

static void atomic_absent(struct rig *r, struct blk *b)
{
	if (blk_facts(r)->atomic_max)
		rig_na(r, "atomic_write_unit_max_bytes is %u: there are atomic writes",
		       blk_facts(r)->atomic_max);
	CHECK_ERRNO(r, "an atomic write", blk_write(b, NODE_ATOMIC, 0, blk_mem(r, 4096), 4096),
		    EOPNOTSUPP, EINVAL);
}

static void atomic_cut(struct rig *r, struct blk *b)
{
	uint64_t unit = blk_facts(r)->atomic_max, len = 16 * unit;
	uint8_t *data;

	need_atomic(r);
	blk_need(r, NODE_CUT);
	if (blk_facts(r)->bytes < len)
		rig_skip(r, "size", "a node of %" PRIu64 " bytes", len);
	put_old(r, b, len);
	for (uint64_t at = 0; at < len; at += unit)
		blk_put(r, b, NODE_ATOMIC, at, unit, NEW);
	blk_tell(r, "node cut");
	data = blk_mem(r, unit);
	for (uint64_t at = 0; at < len; at += unit) {
		uint32_t blocks = (uint32_t)(unit / b->logical);
		bool is_old;

		blk_get(r, b, at, data, unit);
		is_old = rig_is_stamp(data, at / b->logical, 1, b->logical, OLD);
		CHECK_STAMP(r, data, at / b->logical, blocks, b->logical, is_old ? OLD : NEW);
	}
}

static const struct atomic_row atomics[] = { { "taken", atomic_taken },
					     { "size-and-offset", atomic_refused },
					     { "absent", atomic_absent },
					     { "power-cut", atomic_cut } };

static void atomic_write(struct rig *r)
{
	const struct atomic_row *row = rig_row(r);

	blk_need_device(r);
	row->run(r, blk_open(r, NODE_DIRECT));
}

static const struct rig_case cases[] = {
	{ .id = "physical-size-honest",
	  .rule = "A write of less than a physical block leaves the rest of it as it was, also "
		  "when "
		  "power is lost.",
	  .ref = BLK_SYSFS ": physical_block_size",
	  .needs = NEED_NODE,
	  .harm = HARM_DATA,
	  .fault = "node-rewrite-zeroes-rest node-cut-tears-physical",
	  .na = na_same_size,
	  .run = physical_size,
	  ROWS(physicals) },
	{ .id = "flush",
	  .rule = "What was written before fdatasync() returned is there when power comes back.",
	  .ref = DURABLE ": explicit cache flushes; fdatasync(2)",
	  .needs = NEED_NODE,
	  .harm = HARM_DATA,
	  .fault = "node-flush-before-synced node-sync-skips-pages",
	  .na = blk_na_zoned,
	  .run = flush,
	  ROWS(flushes) },
	{ .id = "flush-error",
	  .rule = "A write that fails after it was taken is told by fdatasync(), once to each who "
		  "has "
		  "the node open.",
	  .ref = "Linux fsync(2): EIO; Documentation/core-api/errseq",
	  .needs = NEED_NODE,
	  .harm = HARM_DATA,
	  .fault = "node-sync-error-lost node-sync-error-stays",
	  .na = blk_na_zoned,
	  .run = flush_error },
	{ .id = "fua",
	  .rule = "A write with RWF_DSYNC is durable when it completes, and any write is where the "
		  "cache is said to be write-through.",
	  .ref = DURABLE ": forced unit access; pwritev2(2): RWF_DSYNC; " BLK_SYSFS ": write_cache",
	  .needs = NEED_NODE,
	  .harm = HARM_DATA,
	  .fault = "node-dsync-cached node-write-through-cached node-dsync-dropped",
	  .na = blk_na_zoned,
	  .run = fua,
	  ROWS(fuas) },
	{ .id = "atomic-write",
	  .rule = "An RWF_ATOMIC write is whole or not there after a loss of power, and one of "
		  "another "
		  "size or place is refused.",
	  .ref = "Linux pwritev2(2): RWF_ATOMIC; " BLK_SYSFS ": atomic_write_unit_max_bytes",
	  .needs = NEED_NODE,
	  .harm = HARM_DATA,
	  .fault = "node-atomic-tears node-atomic-any-size node-atomic-absent-taken",
	  .na = blk_na_zoned,
	  .run = atomic_write,
	  ROWS(atomics) },
};

SUITE(blk_durable_suite, CONFORMANCE, "blk", cases);
