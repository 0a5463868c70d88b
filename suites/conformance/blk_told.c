// SPDX-License-Identifier: GPL-2.0-or-later
/* blk: what happens when the side below the node changes: its size, its blocks, its room. */
#include <inttypes.h>
#include <string.h>

#include "blk_parts.h"

#define OLD 1ull
#define NEW 2ull
#define KIB UINT64_C(1024)
#define MIB (UINT64_C(1) << 20)

/* ---- resize ---- */

static const struct resize_row {
	const char *name;
	void (*run)(struct rig *r, struct blk *b, uint64_t size, uint64_t by);
} resizes[];

static void grow(struct rig *r, struct blk *b, uint64_t size, uint64_t by)
{
	blk_put(r, b, 0, size - 128 * KIB, 128 * KIB, OLD);
	blk_put(r, b, 0, 0, 128 * KIB, OLD);
	blk_tell(r, "node resize %" PRIu64, size + by);
	CHECK_EQ(r, "bytes of the node that was open all the while", blk_now(r).bytes, size + by);
	CHECK_HOLDS(r, b, 0, 128 * KIB, OLD);
	CHECK_HOLDS(r, b, size - 128 * KIB, 128 * KIB, OLD);
	blk_get(r, b, size, blk_mem(r, by), by);
	blk_put(r, b, 0, size + by - 64 * KIB, 64 * KIB, NEW);
	CHECK_HOLDS(r, b, size + by - 64 * KIB, 64 * KIB, NEW);
}

static void shrink(struct rig *r, struct blk *b, uint64_t size, uint64_t by)
{
	uint64_t left = size - by;
	uint8_t *data = blk_mem(r, b->logical);

	blk_put(r, b, 0, left - 128 * KIB, 256 * KIB, OLD);
	blk_tell(r, "node resize %" PRIu64, left);
	CHECK_EQ(r, "bytes of the node that was open all the while", blk_now(r).bytes, left);
	CHECK_HOLDS(r, b, left - 128 * KIB, 128 * KIB, OLD);
	CHECK_BYTES(r, "a read of what is gone", blk_read(b, 0, left, data, b->logical), 0);
	if (blk_facts(r)->is_block)
		CHECK_ERRNO(r, "a write to what is gone", blk_write(b, 0, left, data, b->logical),
			    ENOSPC, EIO);
	CHECK_HOLDS(r, b, left - 128 * KIB, 128 * KIB, OLD);
}

static const struct resize_row resizes[] = { { "grow", grow }, { "shrink", shrink } };

static void resize(struct rig *r)
{
	const struct resize_row *row = rig_row(r);
	uint64_t size = blk_facts(r)->bytes, by = 4 * MIB;

	blk_need(r, NODE_RESIZE);
	if (size < 2 * by || size % (64 * KIB))
		rig_skip(r, "size", "a node of %" PRIu64 " bytes, in whole 64 KiB", 2 * by);
	row->run(r, blk_open(r, NODE_DIRECT), size, by);
}

/* ---- errors ---- */

#define AROUND 8u /* blocks that are looked at on each side of the bad ones */
#define BAD    3u /* where the store is told to fail */

struct bad {
	struct blk *b;
	unsigned n;
	uint64_t first, from; /* the first bad block, and the first that is looked at: bytes */
	uint32_t step;
};

static const struct error_row {
	const char *name;
	void (*run)(struct rig *r, const struct bad *x);
} errors[];

static bool is_bad(const struct bad *x, uint64_t at)
{
	return at >= x->first && at < x->first + (uint64_t)x->n * x->step;
}

static void bad_reads(struct rig *r, const struct bad *x)
{
	uint8_t *data = blk_mem(r, x->step);
	char what[64];

	for (unsigned i = 0; i < 2 * AROUND + x->n; i++) {
		uint64_t at = x->from + (uint64_t)i * x->step;

		snprintf(what, sizeof(what), "read of block %" PRIu64, at / x->step);
		if (is_bad(x, at))
			CHECK_ERRNO(r, what, blk_read(x->b, 0, at, data, x->step), EIO, ENODATA,
				    EILSEQ);
		else if (CHECK_BYTES(r, what, blk_read(x->b, 0, at, data, x->step), x->step))
			CHECK_STAMP(r, data, at / x->step, 1, x->step, OLD);
	}
}

static void bad_writes(struct rig *r, const struct bad *x)
{
	uint8_t *data = blk_mem(r, x->step);
	char what[64];

	for (unsigned i = 0; i < 2 * AROUND + x->n; i++) {
		uint64_t at = x->from + (uint64_t)i * x->step;

		snprintf(what, sizeof(what), "write of block %" PRIu64, at / x->step);
		rig_stamp(data, at / x->step, 1, x->step, NEW);
		if (is_bad(x, at))
			CHECK_ERRNO(r, what, blk_write(x->b, 0, at, data, x->step), EIO, ENODATA,
				    EILSEQ);
		else if (CHECK_BYTES(r, what, blk_write(x->b, 0, at, data, x->step), x->step))
			CHECK_HOLDS(r, x->b, at, x->step, NEW);
	}
}

static void bad_mended(struct rig *r, const struct bad *x)
{
	uint64_t len = (uint64_t)x->n * x->step;
	uint8_t *data = blk_mem(r, len);

	CHECK_ERRNO(r, "a read of bad blocks", blk_read(x->b, 0, x->first, data, len), EIO, ENODATA,
		    EILSEQ);
	blk_tell(r, "node mend");
	rig_stamp(data, x->first / x->step, x->n, x->step, NEW);
	if (CHECK_BYTES(r, "a write of blocks that were bad",
			blk_write(x->b, 0, x->first, data, len), len))
		CHECK_HOLDS(r, x->b, x->first, len, NEW);
	CHECK_HOLDS(r, x->b, x->from, (uint64_t)AROUND * x->step, OLD);
}

static const struct error_row errors[] = { { "read", bad_reads },
					   { "write", bad_writes },
					   { "mended", bad_mended } };

/* A store with blocks that nobody mends does for the others. */
static bool is_always_bad(const struct node_facts *f, const struct error_row *row)
{
	uint64_t around = (uint64_t)AROUND * f->physical;

	return row->run != bad_mended && f->bad_bytes && f->bad_bytes % f->physical == 0 &&
	       f->bad_at % f->physical == 0 && f->bad_at >= around &&
	       f->bytes >= f->bad_at + f->bad_bytes + around;
}

static void error_propagation(struct rig *r)
{
	const struct error_row *row = rig_row(r);
	const struct node_facts *f = blk_facts(r);
	struct bad x = { .step = f->physical, .n = BAD };
	bool told = f->can & NODE_BAD || !is_always_bad(f, row);

	if (told)
		blk_need(r, NODE_BAD);
	else
		x.n = (unsigned)(f->bad_bytes / x.step);
	x.b = blk_open_on(r, rig_target(r), NODE_DIRECT);
	x.b->logical = x.step; /* no smaller piece can be bad by itself */
	x.first = told ? f->bytes / 2 / MIB * MIB : f->bad_at;
	x.from = x.first - (uint64_t)AROUND * x.step;
	blk_put(r, x.b, 0, x.from, AROUND * (uint64_t)x.step, OLD);
	blk_put(r, x.b, 0, x.first + (uint64_t)x.n * x.step, AROUND * (uint64_t)x.step, OLD);
	if (told)
		blk_tell(r, "node bad %" PRIu64 " %" PRIu64, x.first, (uint64_t)x.n * x.step);
	row->run(r, &x);
}

/* ---- no room ---- */

#define PIECE (64 * KIB)

/* How much was taken until the store was full: all of it acknowledged. */
static uint64_t fill(struct rig *r, struct blk *b, uint64_t from, uint64_t most)
{
	uint8_t *data = blk_mem(r, PIECE);

	for (uint64_t at = from; at < from + most; at += PIECE) {
		ssize_t done;

		rig_stamp(data, at / b->logical, (uint32_t)(PIECE / b->logical), b->logical, NEW);
		done = blk_write(b, 0, at, data, PIECE);
		if (done == (ssize_t)PIECE)
			continue;
		CHECK_ERRNO(r, "a write to a store that is full", done, ENOSPC);
		return at - from;
	}
	CHECK_TRUE(r, false, "a store with room for 256 KiB takes %" PRIu64 " bytes", most);
	return most;
}

static void thin_enospc(struct rig *r)
{
	uint64_t from = 2 * MIB, most = 2 * MIB, took;
	struct blk *b;

	blk_need(r, NODE_ROOM);
	if (blk_facts(r)->bytes < from + most)
		rig_skip(r, "size", "a node of %" PRIu64 " bytes", from + most);
	b = blk_open(r, NODE_DIRECT);
	blk_put(r, b, 0, 0, MIB, OLD);
	blk_sync_ok(r, b);
	blk_tell(r, "node room %" PRIu64, 256 * KIB);
	took = fill(r, b, from, most);
	if (took)
		CHECK_HOLDS(r, b, from, took, NEW);
	CHECK_HOLDS(r, b, 0, MIB, OLD);
	blk_tell(r, "node room all");
	if (took < most) {
		blk_put(r, b, 0, from + took, most - took, NEW);
		CHECK_HOLDS(r, b, from + took, most - took, NEW);
	}
	CHECK_HOLDS(r, b, 0, MIB, OLD);
}

static const struct rig_case cases[] = {
	{ .id = "resize",
	  .rule = "A node that grows or shrinks while it is open has its new size at once, and "
		  "keeps "
		  "what lies inside.",
	  .ref = "Linux block device semantics; " BLK_SYSFS ": size; loop(4): LOOP_SET_CAPACITY",
	  .needs = NEED_NODE,
	  .harm = HARM_DATA,
	  .fault = "node-grow-unseen node-grow-harms-old node-shrink-harms-rest "
		   "node-shrink-tail-taken",
	  .na = blk_na_zoned,
	  .run = resize,
	  ROWS(resizes) },
	{ .id = "error-propagation",
	  .rule = "Blocks that fail below fail here, they alone, and are good again once mended.",
	  .ref = "Linux block device semantics; read(2), write(2): EIO",
	  .needs = NEED_NODE,
	  .harm = HARM_DATA,
	  .fault = "node-error-early node-error-hidden node-error-stays",
	  .na = blk_na_zoned,
	  .run = error_propagation,
	  ROWS(errors) },
	{ .id = "thin-enospc",
	  .rule = "A store that runs out of room refuses writes with ENOSPC, keeps what it has, "
		  "and "
		  "takes them once there is room.",
	  .ref = "Linux write(2): ENOSPC; "
		 "Documentation/admin-guide/device-mapper/thin-provisioning",
	  .needs = NEED_NODE,
	  .harm = HARM_DATA,
	  .fault = "node-full-accepted node-full-harms node-full-stays",
	  .na = blk_na_zoned,
	  .run = thin_enospc },
};

SUITE(blk_told_suite, CONFORMANCE, "blk", cases);
