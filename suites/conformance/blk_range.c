// SPDX-License-Identifier: GPL-2.0-or-later
/* blk: discard, zeroing, secure discard: on the range, all of it, and nothing else. */
#include <inttypes.h>
#include <string.h>

#include "blk_parts.h"

#define OLD 1ull
#define KIB UINT64_C(1024)
#define MIB (UINT64_C(1) << 20)

/* Stamped all around a range: `frame` bytes before and behind it. */
struct area {
	struct blk *b;
	uint64_t from, len, at, end; /* the range is at..end */
};

static struct area area_make(struct rig *r, uint64_t skew, uint64_t bytes)
{
	uint64_t frame = 64 * KIB, size = blk_floor(r, blk_facts(r)->bytes);
	struct area a = { .b = blk_open(r, NODE_DIRECT), .len = 2 * frame + bytes };

	if (size < a.len + MIB)
		rig_skip(r, "size", "a node of %" PRIu64 " bytes", a.len + MIB);
	a.from = rig_rand_below(r, (size - a.len) / (64 * KIB) + 1) * 64 * KIB;
	a.at = a.from + frame + skew;
	a.end = a.at + bytes;
	for (uint64_t at = a.from; at < a.from + a.len; at += MIB) {
		uint64_t left = a.from + a.len - at;

		blk_put(r, a.b, 0, at, left < MIB ? left : MIB, OLD);
	}
	return a;
}

static void check_frame(struct rig *r, const struct area *a)
{
	CHECK_HOLDS(r, a->b, a->from, a->at - a->from, OLD);
	CHECK_HOLDS(r, a->b, a->end, a->from + a->len - a->end, OLD);
}

/* A buffered reader holds the old content, and must not be shown it any more. */
static struct blk *hold(struct rig *r, const struct area *a)
{
	struct blk *reader = blk_open(r, 0);
	uint64_t len = a->end - a->at < MIB ? a->end - a->at : MIB;

	blk_get(r, reader, a->at, blk_mem(r, len), len);
	return reader;
}

/* ---- discard ---- */

static void need_discard(struct rig *r)
{
	blk_need_device(r);
	if (!blk_facts(r)->discard_max)
		rig_na(r, "discard_max_bytes is 0: no discard");
}

static const struct discard_row {
	const char *name;
	void (*run)(struct rig *r);
} discards[];

/* What it reads as is left open; that it stays so is not. */
static void check_stable(struct rig *r, const struct area *a, struct blk *reader)
{
	uint64_t len = a->end - a->at;
	uint8_t *first = blk_mem(r, len), *again = blk_mem(r, len);

	blk_get(r, a->b, a->at, first, len);
	blk_get(r, reader, a->at, again, len);
	CHECK_MEM(r, "discarded blocks, read through the page cache and directly", again, first,
		  len);
	CHECK_BYTES(r, "dropping the page cache", reader->t->ops->node->drop(reader->n), 0);
	blk_get(r, reader, a->at, again, len);
	CHECK_MEM(r, "discarded blocks, read again", again, first, len);
}

static uint64_t granule(struct rig *r)
{
	const struct node_facts *f = blk_facts(r);

	return f->discard_granularity > f->logical ? f->discard_granularity : f->logical;
}

static void discard_aligned(struct rig *r)
{
	uint64_t g = 0, bytes;
	struct blk *reader;
	struct area a;

	need_discard(r);
	g = granule(r);
	bytes = g < MIB ? 4 * g : g;
	a = area_make(r, 0, bytes);
	reader = hold(r, &a);
	CHECK_BYTES(r, "BLKDISCARD", blk_range(a.b, NODE_DISCARD, a.at, bytes), 0);
	check_stable(r, &a, reader);
	check_frame(r, &a);
}

/* Ends that lie inside a granule. */
static void discard_edges(struct rig *r)
{
	uint64_t g, step;

	need_discard(r);
	g = granule(r) < MIB ? granule(r) : MIB;
	step = blk_facts(r)->logical;
	for (uint64_t i = rig_pick(r, 4, 16, 200); i; i--) {
		uint64_t skew = blk_floor(r, rig_rand_below(r, g < 32 * KIB ? g : 32 * KIB));
		uint64_t bytes = step * (1 + rig_rand_below(r, 3 * (g / step)));
		struct area a = area_make(r, skew, bytes);

		CHECK_BYTES(r, "BLKDISCARD", blk_range(a.b, NODE_DISCARD, a.at, bytes), 0);
		check_frame(r, &a);
		blk_close(a.b);
	}
}

static void discard_unaligned(struct rig *r)
{
	uint64_t step;
	struct area a;

	need_discard(r);
	step = blk_facts(r)->logical;
	a = area_make(r, 0, 64 * KIB);
	CHECK_ERRNO(r, "BLKDISCARD from within a block",
		    blk_range(a.b, NODE_DISCARD, a.at + step / 2, 8 * step), EINVAL);
	CHECK_ERRNO(r, "BLKDISCARD to within a block",
		    blk_range(a.b, NODE_DISCARD, a.at, 8 * step + step / 2), EINVAL);
	CHECK_HOLDS(r, a.b, a.from, a.len, OLD);
}

static void discard_absent(struct rig *r)
{
	struct area a;

	blk_need_device(r);
	if (blk_facts(r)->discard_max)
		rig_na(r, "discard_max_bytes is %" PRIu64 ": there is discard",
		       blk_facts(r)->discard_max);
	a = area_make(r, 0, 64 * KIB);
	CHECK_ERRNO(r, "BLKDISCARD", blk_range(a.b, NODE_DISCARD, a.at, 64 * KIB), EOPNOTSUPP);
	CHECK_HOLDS(r, a.b, a.from, a.len, OLD);
}

static const struct discard_row discards[] = { { "aligned", discard_aligned },
					       { "edges", discard_edges },
					       { "unaligned", discard_unaligned },
					       { "absent", discard_absent } };

static void discard(struct rig *r)
{
	const struct discard_row *row = rig_row(r);

	row->run(r);
}

/* ---- zeroes ---- */

static const struct zero_row {
	const char *name;
	enum node_range range;
	bool device; /* a block device alone has it */
} zeroes[] = { { "zeroout", NODE_ZEROOUT, true },
	       { "zero-range", NODE_ZERO_RANGE, false },
	       { "punch-hole", NODE_PUNCH, false } };

static void check_zeroes(struct rig *r, struct blk *b, uint64_t at, uint64_t end)
{
	uint8_t *have = blk_mem(r, MIB), *want = blk_mem(r, MIB);

	while (at < end) {
		uint64_t len = end - at < MIB ? end - at : MIB;

		blk_get(r, b, at, have, len);
		if (!CHECK_MEM(r, "blocks that were zeroed", have, want, len))
			return;
		at += len;
	}
}

/* The first chunk and the last of it. */
static void check_ends(struct rig *r, struct blk *b, const struct area *a)
{
	uint64_t len = a->end - a->at < MIB ? a->end - a->at : MIB;

	check_zeroes(r, b, a->at, a->at + len);
	check_zeroes(r, b, a->end - len, a->end);
}

static void zero_one(struct rig *r, const struct zero_row *row, uint64_t skew, uint64_t bytes)
{
	struct area a = area_make(r, skew, bytes);
	struct blk *reader = hold(r, &a);
	int err = blk_range(a.b, row->range, a.at, bytes);

	if (err == -EOPNOTSUPP && row->range == NODE_PUNCH)
		rig_na(r, "the node has no way to zero without writing: EOPNOTSUPP");
	CHECK_BYTES(r, row->name, err, 0);
	if (bytes <= 4 * MIB)
		check_zeroes(r, a.b, a.at, a.end);
	check_ends(r, reader, &a);
	check_frame(r, &a);
	blk_close(reader);
	blk_close(a.b);
}

static void zeroout(struct rig *r)
{
	const struct zero_row *row = rig_row(r);
	uint64_t step = blk_facts(r)->logical, large = rig_pick(r, 4 * MIB, 32 * MIB, 1024 * MIB);
	uint64_t most = blk_facts(r)->bytes / 2 / MIB * MIB;

	if (row->device)
		blk_need_device(r);
	zero_one(r, row, 0, step);
	zero_one(r, row, step, 3 * step);
	zero_one(r, row, 7 * step, 64 * KIB);
	zero_one(r, row, 3 * step, MIB + 5 * step);
	if (most > 2 * MIB)
		zero_one(r, row, step, large < most ? large : most);
}

/* ---- secure discard ---- */

static void check_erased(struct rig *r, const struct area *a)
{
	uint32_t step = a->b->logical;
	uint8_t *data = blk_mem(r, a->end - a->at);
	unsigned left = 0;

	blk_get(r, a->b, a->at, data, a->end - a->at);
	for (uint64_t at = a->at; at < a->end; at += step)
		left += rig_is_stamp(data + (at - a->at), at / step, 1, step, OLD);
	CHECK_EQ(r, "blocks that hold what was securely discarded", left, 0);
}

static void secure_discard(struct rig *r)
{
	struct area a;
	uint64_t bytes;
	int err;

	blk_need_device(r);
	bytes = granule(r) > 64 * KIB ? granule(r) : 64 * KIB;
	a = area_make(r, 0, bytes);
	err = blk_range(a.b, NODE_SECURE_DISCARD, a.at, bytes);
	if (err) {
		CHECK_ERRNO(r, "BLKSECDISCARD", err, EOPNOTSUPP);
		CHECK_HOLDS(r, a.b, a.from, a.len, OLD);
		return;
	}
	check_erased(r, &a);
	if (blk_facts(r)->can & NODE_CUT) {
		blk_sync_ok(r, a.b);
		blk_tell(r, "node cut");
		check_erased(r, &a);
	}
	check_frame(r, &a);
}

static const struct rig_case cases[] = {
	{ .id = "discard",
	  .rule = "BLKDISCARD is done where discard_max_bytes says so, reads alike ever after, and "
		  "touches nothing outside its range.",
	  .ref = BLK_SYSFS ": discard_max_bytes, discard_granularity; Linux ioctl BLKDISCARD",
	  .needs = NEED_NODE,
	  .harm = HARM_DATA,
	  .fault = "node-discard-outwards node-discard-unaligned-taken node-discard-absent-taken "
		   "node-discard-refused node-discard-keeps-pages",
	  .na = blk_na_zoned,
	  .run = discard,
	  ROWS(discards),
	  .deadline_s = 120 },
	{ .id = "zeroout",
	  .rule = "Zeroing makes zeroes of its range, all of it, and of nothing else.",
	  .ref = "Linux fallocate(2): FALLOC_FL_ZERO_RANGE, FALLOC_FL_PUNCH_HOLE; ioctl BLKZEROOUT",
	  .needs = NEED_NODE,
	  .harm = HARM_DATA,
	  .fault = "node-punch-keeps node-zeroout-outwards node-zeroout-tail-left",
	  .na = blk_na_zoned,
	  .run = zeroout,
	  ROWS(zeroes),
	  .deadline_s = 120 },
	{ .id = "secure-discard",
	  .rule = "BLKSECDISCARD fails with EOPNOTSUPP, or nothing of the old data can be read.",
	  .ref = "Linux ioctl BLKSECDISCARD",
	  .needs = NEED_NODE,
	  .harm = HARM_DATA,
	  .fault = "node-secure-keeps node-secure-absent-taken",
	  .na = blk_na_zoned,
	  .run = secure_discard },
};

SUITE(blk_range_suite, CONFORMANCE, "blk", cases);
