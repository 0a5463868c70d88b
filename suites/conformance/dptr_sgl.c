// SPDX-License-Identifier: GPL-2.0-or-later
/* Transfers by SGL: where data land, whatever the shape of the list. */
#include "dptr_sgl.h"

#define ROOM (256u << 10) /* bytes of one transfer, where the row does not ask for more */

/* ---- sgl-data-block ---- */

struct shape_row {
	const char *name;
	void (*ask)(struct sgl_bench *s, const struct shape_row *row);
	unsigned pieces; /* at most */
	struct sgl_plan plan;
	size_t room; /* 0: ROOM */
};

static void ask_offsets(struct sgl_bench *s, const struct shape_row *row)
{
	size_t page = s->b->page, g = s->granule;
	const size_t offsets[] = { 0, g, 3 * g, 512, page - 512, page - g };

	(void)row;
	for (unsigned i = 0; i < ARRAY_SIZE(offsets); i++) {
		strew_one(s, page + offsets[i], 1);
		ask_strewn(s);
		strew_one(s, page + offsets[i], s->b->max);
		ask_strewn(s);
	}
}

static void ask_shape(struct sgl_bench *s, const struct shape_row *row)
{
	uint64_t times = rig_pick(s->b->r, 1, 4, 200);

	strew(s, row->pieces, 1);
	ask_strewn(s);
	strew(s, row->pieces, s->b->max);
	ask_strewn(s);
	for (uint64_t i = 0; i < times; i++) {
		strew(s, row->pieces, 1 + (uint32_t)rig_rand_below(s->b->r, s->b->max));
		ask_strewn(s);
	}
}

/* Every other block ends with its page, those between begin with one. */
static void ask_page_ends(struct sgl_bench *s, const struct shape_row *row)
{
	size_t page = s->b->page, half = page / 2, left;

	(void)row;
	s->b->l = (struct layout){ .blocks = s->b->max };
	left = strew_bytes(s);
	for (s->n = 0; left && s->n < PIECES_MAX; s->n++) {
		uint32_t len = (uint32_t)(left < half - s->granule ? left : half - s->granule);

		s->piece[s->n] = (struct piece){ .at = s->n * page + (s->n % 2 ? 0 : page - len),
						 .len = len };
		left -= len;
		if ((s->n + 2) * page > s->b->mem->len)
			rig_broken(s->b->r, "the bench is too small for a piece on each page");
	}
	ask_strewn(s);
}

/* Pieces as small as SGLS lets them be, and one that holds the rest of the block. */
static void lay_least(struct sgl_bench *s, unsigned n)
{
	strew(s, n, 1);
	for (unsigned i = 0; i < s->n; i++)
		s->piece[i].len = s->granule;
	s->piece[0].len += (uint32_t)strew_bytes(s) - s->n * s->granule;
	strew_places(s);
}

static void ask_least(struct sgl_bench *s, const struct shape_row *row)
{
	lay_least(s, row->pieces);
	ask_strewn(s);
}

/* No text limits how many descriptors a list may have; nor does one say that any number works. */
static void ask_thousands(struct sgl_bench *s, const struct shape_row *row)
{
	uint64_t tag = rig_rand(s->b->r);
	struct cpl cpl;
	struct cmd c;

	lay_least(s, row->pieces);
	c = strew_cmd(s, false, tag);
	cpl = rig_io(s->b->r, s->b->q, c);
	ADVISE_STATUS_OF(s->b->r, s->b->what, cpl, SC_SUCCESS);
	if (cpl.status == SC_SUCCESS)
		strew_check(s, false, tag);
	else
		strew_check_elsewhere(s);
	strew_drop(s);
}

static void ask_empty(struct sgl_bench *s, const struct shape_row *row)
{
	const struct piece none = { .at = s->b->mem->len - s->granule };

	for (unsigned i = 0; i <= row->pieces; i++) {
		strew(s, row->pieces, 2 < s->b->max ? 2 : s->b->max);
		strew_insert(s, i < s->n ? i : s->n, none);
		ask_strewn(s);
	}
	strew_insert(s, 0, none);
	strew_insert(s, 0, none);
	ask_strewn(s);
}

static const struct shape_row shapes[] = {
	{ .name = "one", .ask = ask_offsets },
	{ .name = "one-in-segment", .ask = ask_offsets, .plan = { .apart = true } },
	{ .name = "one-behind-segment", .ask = ask_offsets, .plan = { .detour = true } },
	{ .name = "last-segment", .ask = ask_shape, .pieces = 5 },
	{ .name = "pointer-alone", .ask = ask_shape, .pieces = 5, .plan = { .detour = true } },
	{ .name = "two-segments", .ask = ask_shape, .pieces = 7, .plan = { .per_segment = 4 } },
	{ .name = "chain-of-twos", .ask = ask_shape, .pieces = 9, .plan = { .per_segment = 2 } },
	{ .name = "chain-of-fives",
	  .ask = ask_shape,
	  .pieces = 24,
	  .plan = { .per_segment = 5, .descending = true } },
	{ .name = "segment-of-a-page", .ask = ask_shape, .pieces = 256 },
	{ .name = "segment-past-its-page",
	  .ask = ask_shape,
	  .pieces = 300,
	  .plan = { .start = 2048, .per_segment = 200 } },
	{ .name = "segment-at-page-end",
	  .ask = ask_shape,
	  .pieces = 7,
	  .plan = { .start = 4096 - 16, .per_segment = 4 } },
	{ .name = "descriptor-over-page-end",
	  .ask = ask_shape,
	  .pieces = 7,
	  .plan = { .start = 4096 - 8, .per_segment = 4 } },
	{ .name = "segment-at-qword", .ask = ask_shape, .pieces = 7, .plan = { .start = 8 } },
	{ .name = "page-ends", .ask = ask_page_ends },
	{ .name = "least-lengths", .ask = ask_least, .pieces = 250 },
	{ .name = "thousands", .ask = ask_thousands, .pieces = PIECES_MAX },
	{ .name = "zero-lengths", .ask = ask_empty, .pieces = 3 },
	{ .name = "zero-lengths-in-segments",
	  .ask = ask_empty,
	  .pieces = 4,
	  .plan = { .per_segment = 4 } },
	{ .name = "mdts", .ask = ask_shape, .pieces = 40, .room = 4u << 20 },
};

static void sgl_data_block(struct rig *r)
{
	const struct shape_row *row = rig_row(r);
	const struct facts_ns *ns;

	for (unsigned at = 0; (ns = rig_ns_next(r, &at));) {
		struct sgl_bench *s = sgl_bench_new(r, ns, row->room ? row->room : ROOM);

		s->plan = row->plan;
		row->ask(s, row);
	}
}

/* ---- sgl-bit-bucket ---- */

static const char *na_bucket(const struct facts *f)
{
	uint32_t sgls = le32_get(f->id.sgls);

	if (!(sgls & NVME_CTRL_SGLS_SUPPORTED) || !(sgls & NVME_CTRL_SGLS_BIT_BUCKET))
		return rig_na_text("SGLS is %08Xh: no SGL bit buckets", sgls);
	return NULL;
}

static const struct bucket_row {
	const char *name;
	unsigned pieces;
	uint32_t buckets; /* which of them, a bit each, are bit buckets in a Read */
	unsigned per_segment;
} buckets[] = {
	{ "all", 1, 1, 0 },
	{ "first", 4, 1, 0 },
	{ "middle", 4, 2, 0 },
	{ "last", 4, 8, 0 },
	{ "every-other", 9, 0x155, 0 },
	{ "two-in-a-row", 5, 6, 0 },
	{ "first-of-segments", 9, 0x55, 3 },
	{ "last-of-segments", 9, 0xaa, 3 },
	{ "all-in-chain", 7, 0x7f, 2 },
};

/* In a Read the pieces are buckets; in a Write, where they take nothing, there are more. */
static void ask_bucket(struct sgl_bench *s, const struct bucket_row *row, uint32_t blocks)
{
	strew(s, row->pieces, blocks);
	for (unsigned i = 0; i < s->n; i++)
		s->piece[i].bucket = row->buckets >> i & 1;
	ask_strewn_read(s);
	strew(s, row->pieces, blocks);
	for (unsigned i = s->n; i--;)
		if (row->buckets >> i & 1)
			strew_insert(
				s, i,
				(struct piece){ .bucket = true,
						.len = (uint32_t)rig_rand_below(s->b->r, 9999) &
						       ~3u });
	ask_strewn_write(s);
}

/* A bucket of no length is none, of more than 4 GiB in all takes no time of a Write. */
static void ask_bucket_lengths(struct sgl_bench *s)
{
	const struct piece none = { .bucket = true }, huge = { .bucket = true, .len = 0xfffffffc };

	strew(s, 2, 1);
	strew_insert(s, 1, none);
	ask_strewn(s);
	strew(s, 2, 1);
	strew_insert(s, 1, huge);
	strew_insert(s, 1, huge);
	strew_insert(s, 0, huge);
	ask_strewn_write(s);
}

static void sgl_bit_bucket(struct rig *r)
{
	const struct bucket_row *row = rig_row(r);
	const struct facts_ns *ns;

	for (unsigned at = 0; (ns = rig_ns_next(r, &at));) {
		struct sgl_bench *s = sgl_bench_new(r, ns, ROOM);

		s->plan = (struct sgl_plan){ .apart = true, .per_segment = row->per_segment };
		ask_bucket(s, row, 1);
		ask_bucket(s, row, s->b->max);
		ask_bucket(s, row, 1 + (uint32_t)rig_rand_below(r, s->b->max));
		ask_bucket_lengths(s);
	}
}

static const struct rig_case cases[] = {
	{ .id = "sgl-data-block",
	  .rule = "Data go where the data blocks of an SGL say, one descriptor or segments in a "
		  "chain, down to the granularity that SGLS claims.",
	  .ref = SGL_REF,
	  .needs = NEED_QUEUES,
	  .harm = HARM_DATA,
	  .fault = "sgl-bytes-rounded sgl-block-wraps sgl-sorted sgl-null-refused "
		   "sgl-last-descriptor-skipped sgl-segment-wraps sgl-chain-refused "
		   "psdt-accepted io-fuzz-writes-outside",
	  .na = na_no_sgl,
	  .run = sgl_data_block,
	  ROWS(shapes) },
	{ .id = "sgl-bit-bucket",
	  .rule = "An SGL bit bucket takes exactly its length of what a Read brings, and nothing "
		  "of "
		  "a Write.",
	  .ref = "Base 2.0 Scatter Gather List (SGL); "
		 "Base 2.2 Scatter Gather List (SGL) (SGL Bit Bucket descriptor)",
	  .needs = NEED_QUEUES,
	  .harm = HARM_DATA,
	  .fault = "sgl-bucket-dropped sgl-bucket-on-write sgl-bytes-rounded sgl-block-wraps "
		   "sgl-sorted sgl-last-descriptor-skipped sgl-chain-refused psdt-accepted "
		   "io-fuzz-writes-outside",
	  .na = na_bucket,
	  .run = sgl_bit_bucket,
	  ROWS(buckets) },
};

SUITE(dptr_sgl_suite, CONFORMANCE, "dptr", cases);
