// SPDX-License-Identifier: GPL-2.0-or-later
/* blk: what is written is what is read, by whatever way, size and alignment. */
#include <inttypes.h>
#include <string.h>

#include "blk_parts.h"

#define MIB (UINT64_C(1) << 20)

/* ---- read, write, verify ---- */

static const struct way_row {
	const char *name;
	unsigned write, read; /* enum node_open */
	bool held;	      /* a buffered reader has the old content in the page cache */
	bool drop, reopen;
} ways[] = {
	{ "direct", NODE_DIRECT, NODE_DIRECT, false, false, false },
	{ "buffered", 0, 0, false, false, false },
	{ "buffered-then-dropped", 0, 0, false, true, false },
	{ "buffered-then-direct", 0, NODE_DIRECT, false, false, false },
	{ "direct-then-buffered", NODE_DIRECT, 0, true, false, false },
	{ "buffered-then-reopened", 0, NODE_DIRECT, false, false, true },
};

static void one_round(struct rig *r, const struct way_row *way, uint64_t at, uint64_t len,
		      uint64_t tag)
{
	struct blk *w = blk_open(r, way->write), *reader = NULL;

	if (way->held) {
		reader = blk_open(r, way->read);
		blk_get(r, reader, at, blk_mem(r, len), len);
	}
	blk_put(r, w, 0, at, len, tag);
	if (way->drop)
		CHECK_BYTES(r, "dropping the page cache", w->t->ops->node->drop(w->n), 0);
	if (way->reopen)
		blk_close(w);
	if (!reader)
		reader = way->write == way->read ? w : blk_open(r, way->read);
	CHECK_HOLDS(r, reader, at, len, tag);
	if (reader != w)
		blk_close(reader);
	if (w->n)
		blk_close(w);
}

static void read_write_verify(struct rig *r)
{
	const struct way_row *way = rig_row(r);
	const struct node_facts *f = blk_facts(r);
	uint64_t size = blk_floor(r, f->bytes), most = size / 4 < MIB ? size / 4 : MIB, tag = 1;

	for (uint64_t len = f->logical; len <= most; len *= 2) {
		uint64_t odd = blk_floor(r, len + len / 2);

		one_round(r, way, 0, len, tag++);
		one_round(r, way, size - len, len, tag++);
		if (odd <= most)
			one_round(r, way, blk_random(r, odd), odd, tag++);
		for (uint64_t i = rig_pick(r, 1, 4, 64); i; i--)
			one_round(r, way, blk_random(r, len), len, tag++);
	}
}

/* ---- alignment of direct I/O ---- */

static const struct align_row {
	const char *name;
	unsigned offset, length, memory; /* by how much each is off: 0 or 1 times */
} aligns[] = { { "offset", 1, 0, 0 }, { "length", 0, 1, 0 }, { "memory", 0, 0, 1 } };

#define WINDOW (64u << 10)

/* The window as it must be: `old` all over, and `fresh` where it was taken. */
static void check_window(struct rig *r, const char *what, uint64_t from, const uint8_t *want)
{
	struct blk *b = blk_open(r, 0);
	uint8_t *have = blk_mem(r, WINDOW);

	blk_get(r, b, from, have, WINDOW);
	CHECK_MEM(r, what, have, want, WINDOW);
	blk_close(b);
}

static void write_off(struct rig *r, struct blk *b, const struct align_row *a, unsigned by)
{
	uint64_t base = 2 * WINDOW, inside = 8 * b->logical + a->offset * by;
	size_t len = 2 * b->logical - a->length * by;
	uint8_t *want = blk_mem(r, WINDOW), *data = blk_mem(r, 4 * b->logical + 4096);
	ssize_t done;

	blk_put(r, b, 0, base, WINDOW, 7);
	blk_get(r, b, base, want, WINDOW);
	memset(data, 0xe1, 4 * b->logical + 4096);
	done = blk_write(b, 0, base + inside, data + a->memory * by, len);
	if (done < 0)
		CHECK_ERRNO(r, "a write that is not aligned", done, EINVAL);
	else
		memset(want + inside, 0xe1, (size_t)done);
	check_window(r, "data around a write that is not aligned", base, want);
}

static void read_off(struct rig *r, struct blk *b, const struct align_row *a, unsigned by)
{
	uint64_t base = 2 * WINDOW, inside = 8 * b->logical + a->offset * by;
	size_t len = 2 * b->logical - a->length * by;
	uint8_t *all = blk_mem(r, WINDOW), *data = blk_mem(r, 4 * b->logical + 4096);
	ssize_t done;

	blk_put(r, b, 0, base, WINDOW, 9);
	blk_get(r, b, base, all, WINDOW);
	done = blk_read(b, 0, base + inside, data + a->memory * by, len);
	if (done < 0)
		CHECK_ERRNO(r, "a read that is not aligned", done, EINVAL);
	else
		CHECK_MEM(r, "data of a read that is not aligned", data + a->memory * by,
			  all + inside, (size_t)done);
}

/* What statx says is enough must be enough. */
static void try_told(struct rig *r, struct blk *b)
{
	const struct node_facts *f = blk_facts(r);
	uint8_t *data = blk_mem(r, 2 * WINDOW);
	size_t len;

	if (!f->mem_align || !f->offset_align) {
		rig_note(r, "statx tells no alignment here");
		return;
	}
	CHECK_TRUE(r,
		   !(f->mem_align & (f->mem_align - 1)) &&
			   !(f->offset_align & (f->offset_align - 1)),
		   "stx_dio_mem_align %u and stx_dio_offset_align %u are powers of two",
		   f->mem_align, f->offset_align);
	len = f->offset_align;
	CHECK_BYTES(r, "a direct read at stx_dio_offset_align, into stx_dio_mem_align",
		    blk_read(b, 0, f->offset_align, data + f->mem_align, len), len);
}

static void direct_align(struct rig *r)
{
	static const unsigned by[] = { 1, 4, 256 };
	const struct align_row *a = rig_row(r);
	struct blk *b = blk_open(r, NODE_DIRECT);

	if (blk_facts(r)->bytes < 4 * WINDOW)
		rig_skip(r, "size", "a node of %u bytes", 4 * WINDOW);
	for (size_t i = 0; i < ARRAY_SIZE(by); i++) {
		write_off(r, b, a, by[i]);
		read_off(r, b, a, by[i]);
	}
	try_told(r, b);
}

/* ---- limits ---- */

static const struct limit_row {
	const char *name;
	enum { LIMIT_BYTES, LIMIT_SEGMENTS, LIMIT_SEGMENT_BYTES, LIMIT_ODD, LIMIT_LARGE } kind;
} limits[] = { { "request-bytes", LIMIT_BYTES },
	       { "segments", LIMIT_SEGMENTS },
	       { "segment-bytes", LIMIT_SEGMENT_BYTES },
	       { "odd-vectors", LIMIT_ODD },
	       { "large", LIMIT_LARGE } };

#define IOVS_MAX 1024

/* One vectored write and one vectored read, cut the other way round; at: where on the node. */
static void vectored(struct rig *r, struct blk *b, uint64_t at, uint64_t len, uint64_t piece)
{
	int n = (int)((len + piece - 1) / piece);
	struct iovec *iov = rig_mem(r, (size_t)n * sizeof(*iov));
	uint8_t *data = blk_mem(r, len), *back = blk_mem(r, len);
	uint64_t done = 0;

	rig_stamp(data, at / b->logical, (uint32_t)(len / b->logical), b->logical, len);
	for (int i = 0; i < n; i++, done += piece)
		iov[i] = (struct iovec){ data + done, len - done < piece ? len - done : piece };
	CHECK_BYTES(r, "a vectored write", b->t->ops->node->io(b->n, NODE_WRITE, iov, n, at), len);
	for (int i = 0; i < n; i++)
		iov[i].iov_base = back + ((uint8_t *)iov[i].iov_base - data);
	CHECK_BYTES(r, "a vectored read", b->t->ops->node->io(b->n, 0, iov, n, at), len);
	CHECK_STAMP(r, back, at / b->logical, (uint32_t)(len / b->logical), b->logical, len);
}

static uint64_t fit(struct rig *r, uint64_t len)
{
	uint64_t half = blk_floor(r, blk_facts(r)->bytes / 2);

	return len < half ? blk_floor(r, len) : half;
}

static void around(struct rig *r, struct blk *b, uint64_t limit, uint64_t piece)
{
	uint64_t step = b->logical,
		 len[] = { limit - step, limit, limit + step, 2 * limit + 3 * step };

	if (limit < step)
		rig_na(r, "sysfs tells no such limit of the queue");
	for (size_t i = 0; i < ARRAY_SIZE(len); i++) {
		uint64_t bytes = fit(r, len[i]), part = piece ? piece : bytes;

		if (bytes && bytes / part < IOVS_MAX)
			vectored(r, b, blk_random(r, bytes), bytes, part);
	}
}

/* Pieces of 1, 2, 3 and 5 blocks in turn are what no request of the device is made of. */
static void odd_vectors(struct rig *r, struct blk *b)
{
	static const unsigned blocks[] = { 1, 2, 3, 5, 7, 13 };

	for (size_t i = 0; i < ARRAY_SIZE(blocks); i++) {
		uint64_t piece = blocks[i] * (uint64_t)b->logical, len = fit(r, 97 * piece);

		vectored(r, b, blk_random(r, len), len, piece);
	}
}

/* Where the limit is more than a call can give, as many as it can. */
static uint32_t segments(const struct node_facts *f)
{
	return f->max_segments < IOVS_MAX / 4 ? f->max_segments : IOVS_MAX / 4;
}

static void limits_honest(struct rig *r)
{
	const struct limit_row *row = rig_row(r);
	const struct node_facts *f = blk_facts(r);
	struct blk *b = blk_open(r, NODE_DIRECT);
	uint64_t large = rig_pick(r, 8 * MIB, 64 * MIB, 1024 * MIB);

	if (row->kind < LIMIT_ODD)
		blk_need_device(r);
	switch (row->kind) {
	case LIMIT_BYTES:
		around(r, b, f->max_hw_bytes, 0);
		break;
	case LIMIT_SEGMENTS:
		around(r, b, (uint64_t)segments(f) * b->logical, b->logical);
		break;
	case LIMIT_SEGMENT_BYTES:
		around(r, b, f->max_segment_bytes < 64 * MIB ? f->max_segment_bytes : 64 * MIB, 0);
		break;
	case LIMIT_ODD:
		odd_vectors(r, b);
		break;
	case LIMIT_LARGE:
		large = fit(r, large);
		vectored(r, b, 0, large, large);
		break;
	}
}

static const struct rig_case cases[] = {
	{ .id = "read-write-verify",
	  .rule = "What was written is read, direct and buffered, after the page cache was dropped "
		  "and "
		  "the node opened anew.",
	  .ref = "Linux open(2): O_DIRECT; pwrite(2); posix_fadvise(2)",
	  .needs = NEED_NODE,
	  .harm = HARM_DATA,
	  .fault = "node-last-sector-lost node-close-forgets node-stale-pages",
	  .na = blk_na_zoned,
	  .run = read_write_verify,
	  ROWS(ways),
	  .deadline_s = 120 },
	{ .id = "direct-align",
	  .rule = "Direct I/O that is not aligned fails with EINVAL or is done exactly where it "
		  "says, "
		  "and the alignment that statx tells is enough.",
	  .ref = "Linux open(2): O_DIRECT; statx(2): stx_dio_mem_align, stx_dio_offset_align",
	  .needs = NEED_NODE,
	  .harm = HARM_DATA,
	  .fault = "node-misaligned-shifted node-misaligned-eio node-mem-align-lies",
	  .na = blk_na_zoned,
	  .run = direct_align,
	  ROWS(aligns) },
	{ .id = "limits-honest",
	  .rule = "Requests about the limits of the queue and far above them are done bit by bit.",
	  .ref = BLK_SYSFS ": max_hw_sectors_kb, max_segments, max_segment_size",
	  .needs = NEED_NODE,
	  .harm = HARM_DATA,
	  .fault = "node-segment-lost node-split-lost",
	  .na = blk_na_zoned,
	  .run = limits_honest,
	  ROWS(limits),
	  .deadline_s = 120 },
};

SUITE(blk_data_suite, CONFORMANCE, "blk", cases);
