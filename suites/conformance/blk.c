// SPDX-License-Identifier: GPL-2.0-or-later
/* blk: what a block node says of itself, and what is refused. */
#include <inttypes.h>
#include <string.h>

#include "blk_parts.h"

#define TAG 0x626c6bull

/* ---- geometry ---- */

static bool is_block_size(uint64_t n)
{
	return n >= 512 && !(n & (n - 1));
}

static void geometry(struct rig *r)
{
	struct node_facts f;

	blk_need_device(r);
	f = blk_now(r);
	REQUIRE_TRUE(r, is_block_size(f.logical), "BLKSSZGET %u is a power of two from 512",
		     f.logical);
	CHECK_TRUE(r, is_block_size(f.physical), "BLKPBSZGET %u is a power of two from 512",
		   f.physical);
	CHECK_LE(r, "logical block size, against the physical one", f.logical, f.physical);
	CHECK_EQ(r, "BLKGETSIZE64 modulo BLKSSZGET", f.bytes % f.logical, 0);
	CHECK_EQ(r, "BLKIOMIN modulo BLKSSZGET", f.io_min % f.logical, 0);
	CHECK_EQ(r, "BLKIOOPT modulo BLKSSZGET", f.io_opt % f.logical, 0);
	CHECK_EQ(r, "size of sysfs in bytes", f.sysfs_bytes, f.bytes);
}

/* ---- past the end ---- */

static const struct end_row {
	const char *name;
	bool writes;
	unsigned flags;
} ends[] = {
	{ "read", false, 0 },
	{ "read-by-io-uring", false, NODE_RING },
	{ "write", true, 0 },
	{ "write-by-io-uring", true, NODE_RING },
};

static void read_past_end(struct rig *r, struct blk *b, unsigned flags, uint64_t size)
{
	uint8_t *data = blk_mem(r, 2 * b->logical);
	uint64_t last = size - b->logical;

	CHECK_BYTES(r, "a read of the last block", blk_read(b, flags, last, data, b->logical),
		    b->logical);
	CHECK_BYTES(r, "a read across the end", blk_read(b, flags, last, data, 2 * b->logical),
		    b->logical);
	CHECK_BYTES(r, "a read at the end", blk_read(b, flags, size, data, b->logical), 0);
	CHECK_BYTES(r, "a read past the end",
		    blk_read(b, flags, size + b->logical, data, b->logical), 0);
}

static void write_past_end(struct rig *r, struct blk *b, unsigned flags, uint64_t size)
{
	uint8_t *data = blk_mem(r, 2 * b->logical);
	uint64_t last = size - b->logical, far = size + b->logical;
	uint32_t per = b->logical;

	blk_put(r, b, 0, 0, 4 * per, TAG);
	blk_put(r, b, 0, size - 4 * per, 4 * per, TAG);
	rig_stamp(data, last / per, 2, per, TAG + 1);
	CHECK_ERRNO(r, "a write at the end", blk_write(b, flags, size, data, per), ENOSPC);
	CHECK_ERRNO(r, "a write past the end", blk_write(b, flags, far, data, per), ENOSPC);
	CHECK_HOLDS(r, b, size - 4 * per, 4 * per, TAG);
	CHECK_BYTES(r, "a write across the end", blk_write(b, flags, last, data, 2 * per), per);
	CHECK_HOLDS(r, b, last, per, TAG + 1);
	CHECK_HOLDS(r, b, size - 4 * per, 3 * per, TAG);
	CHECK_HOLDS(r, b, 0, 4 * per, TAG);
}

static void out_of_range(struct rig *r)
{
	const struct end_row *row = rig_row(r);
	uint64_t size = blk_now(r).bytes;
	struct blk *b;

	if (row->writes)
		blk_need_device(r); /* a file grows */
	b = blk_open(r, NODE_DIRECT);
	if (row->writes)
		write_past_end(r, b, row->flags, size);
	else
		read_past_end(r, b, row->flags, blk_floor(r, size));
}

/* ---- read-only ---- */

static const struct ro_row {
	const char *name;
	bool ranged;
	enum node_range range;
	unsigned flags;
} ro_rows[] = {
	{ "write", false, 0, 0 },
	{ "write-by-io-uring", false, 0, NODE_RING },
	{ "discard", true, NODE_DISCARD, 0 },
	{ "zeroout", true, NODE_ZEROOUT, 0 },
	{ "zero-range", true, NODE_ZERO_RANGE, 0 },
	{ "punch-hole", true, NODE_PUNCH, 0 },
};

static ssize_t try_to_change(struct rig *r, struct blk *b, const struct ro_row *row, uint64_t len)
{
	uint8_t *data = blk_mem(r, len);

	memset(data, 0xa5, len);
	return row->ranged ? blk_range(b, row->range, 0, len)
			   : blk_write(b, row->flags, 0, data, len);
}

/* Opened for writing before it became read-only: the node itself must refuse. */
static void readonly(struct rig *r)
{
	const struct ro_row *row = rig_row(r);
	uint8_t *before, *after;
	struct blk *b;
	uint64_t len;

	blk_need_device(r);
	blk_need(r, NODE_SET_READ_ONLY);
	b = blk_open(r, NODE_DIRECT);
	len = 16 * b->logical;
	blk_put(r, b, 0, 0, len, TAG);
	before = blk_mem(r, len);
	after = blk_mem(r, len);
	blk_get(r, b, 0, before, len);
	blk_tell(r, "node read-only on");
	CHECK_EQ(r, "BLKROGET", blk_now(r).read_only, 1);
	CHECK_ERRNO(r, row->name, try_to_change(r, b, row, len), EPERM, EACCES, EROFS, EBADF,
		    EOPNOTSUPP);
	blk_get(r, b, 0, after, len);
	CHECK_MEM(r, "data of a read-only node", after, before, len);
	blk_tell(r, "node read-only off");
	blk_get(r, b, 0, after, len);
	CHECK_MEM(r, "data of a node that was read-only", after, before, len);
}

static const struct rig_case cases[] = {
	{ .id = "geometry",
	  .rule = "Sizes are powers of two, multiples of each other, and the same by ioctl and "
		  "sysfs.",
	  .ref = BLK_SYSFS ": logical_block_size, physical_block_size, minimum_io_size, "
			   "optimal_io_size, size",
	  .needs = NEED_NODE,
	  .fault = "node-size-odd node-sysfs-size-differs node-physical-below-logical "
		   "node-io-opt-odd",
	  .run = geometry },
	{ .id = "out-of-range",
	  .rule = "A read at the end gives nothing, a write there ENOSPC, what crosses the end is "
		  "cut "
		  "short, and nothing inside is harmed.",
	  .ref = "Linux read(2), write(2): end of file, ENOSPC; block device semantics",
	  .needs = NEED_NODE,
	  .harm = HARM_DATA,
	  .fault = "node-past-end-taken node-past-end-wraps node-ring-past-end-taken "
		   "node-straddle-not-cut node-read-past-end-eio",
	  .na = blk_na_zoned,
	  .run = out_of_range,
	  ROWS(ends) },
	{ .id = "readonly",
	  .rule = "A read-only node refuses writes, discards and zeroing, and its data stay.",
	  .ref = BLK_SYSFS ": ro; Linux ioctl BLKROSET",
	  .needs = NEED_NODE,
	  .harm = HARM_DATA,
	  .fault = "node-read-only-written node-read-only-discarded node-read-only-zeroed",
	  .na = blk_na_zoned,
	  .run = readonly,
	  ROWS(ro_rows) },
};

SUITE(blk_suite, CONFORMANCE, "blk", cases);
