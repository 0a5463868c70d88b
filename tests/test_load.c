// SPDX-License-Identifier: GPL-2.0-or-later
/* The histogram's promises, what a load sends, and what it says of what came back. */
#include "io_rig.h"

#include "load/load.h"

/* ---- the histogram ---- */

static int ascending(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static void bins(void)
{
	uint64_t seed = 3, least = 0;

	for (unsigned i = 0; i < HIST_BINS - 1; i++) {
		uint64_t edge = hist_edge(i);

		CU_ASSERT_EQUAL_FATAL(hist_bin(edge), i);
		CU_ASSERT_EQUAL_FATAL(hist_bin(least), i);
		CU_ASSERT_EQUAL_FATAL(hist_bin(edge + 1), i + 1);
		least = edge + 1;
	}
	CU_ASSERT_EQUAL(least, 1ull << HIST_VALUE_BITS);
	CU_ASSERT_EQUAL(hist_bin(UINT64_MAX), HIST_BINS - 1);
	for (unsigned i = 0; i < 100000; i++) {
		uint64_t v = (random_of(&seed) << 31 | random_of(&seed)) >> random_of(&seed) % 62;
		uint64_t edge = hist_edge(hist_bin(v));

		CU_ASSERT_FATAL(edge >= v);
		if (v >> HIST_VALUE_BITS == 0)
			CU_ASSERT_FATAL((edge - v) * 64 <= v);
	}
}

/* Never below the true one, at most 1/64 above it, never above the greatest. */
static void percentiles(void)
{
	static const unsigned ppm[] = { 0, 500000, 900000, 990000, 999000, 999900 };
	enum { N = 200000 };
	uint64_t *v = calloc(N, sizeof(*v)), seed = 11, got, sum = 0;
	struct hist *h = calloc(1, sizeof(*h));

	for (unsigned i = 0; i < N; i++) {
		v[i] = 50 + (random_of(&seed) >> random_of(&seed) % 30);
		sum += v[i];
		hist_add(h, v[i]);
	}
	qsort(v, N, sizeof(*v), ascending);
	CU_ASSERT_EQUAL(h->count, N);
	CU_ASSERT_EQUAL(h->sum, sum);
	CU_ASSERT_EQUAL(h->min, v[0]);
	CU_ASSERT_EQUAL(h->max, v[N - 1]);
	CU_ASSERT(hist_mean(h) == (double)sum / N);
	for (size_t i = 0; i < ARRAY_SIZE(ppm); i++) {
		uint64_t rank = ((uint64_t)N * ppm[i] + 999999) / 1000000;
		uint64_t truth = v[rank ? rank - 1 : 0];

		CU_ASSERT_FATAL(hist_percentile(h, ppm[i], &got));
		CU_ASSERT(got >= truth && (got - truth) * 64 <= truth && got <= h->max);
	}
	CU_ASSERT(!hist_percentile(h, 1000000, &got));
	CU_ASSERT(!hist_percentile(h, 999990, &got)); /* two samples lie beyond it */
	free(h);
	free(v);
}

static void few_samples(void)
{
	struct hist *h = calloc(1, sizeof(*h)), *all = calloc(1, sizeof(*all));
	uint64_t got = 42;

	CU_ASSERT(!hist_percentile(h, 500000, &got));
	CU_ASSERT(hist_mean(h) == 0);
	hist_merge(all, h);
	CU_ASSERT_EQUAL(all->count, 0);
	for (unsigned i = 0; i < 19; i++)
		hist_add(h, 1000);
	CU_ASSERT(!hist_percentile(h, 500000, &got));
	CU_ASSERT_EQUAL(got, 42);
	hist_add(h, 5);
	CU_ASSERT(hist_percentile(h, 500000, &got));
	CU_ASSERT_EQUAL(got, 1000); /* the bin's edge is 1007, and nothing was that long */
	hist_add(all, 1 << 30);
	hist_merge(all, h);
	CU_ASSERT_EQUAL(all->count, 21);
	CU_ASSERT_EQUAL(all->min, 5);
	CU_ASSERT_EQUAL(all->max, 1 << 30);
	CU_ASSERT_EQUAL(all->sum, 19 * 1000 + 5 + (1 << 30));
	free(h);
	free(all);
}

/* ---- loads ---- */

struct bed {
	struct target *t;
	struct facts *f;
	struct load_result *res;
	char error[LOAD_ERROR];
};

static void bed_open(struct bed *b, const char *address)
{
	char error[256] = "";

	*b = (struct bed){ .f = calloc(1, sizeof(*b->f)), .res = calloc(1, sizeof(*b->res)) };
	CU_ASSERT_EQUAL_FATAL(target_open(address, &b->t, error), 0);
	CU_ASSERT_EQUAL_FATAL(facts_gather(b->t, b->f), 0);
}

static void bed_close(struct bed *b)
{
	target_close(b->t);
	free(b->f);
	free(b->res);
}

static struct load_spec small(void)
{
	return (struct load_spec){ .random = true,
				   .read_percent = 100,
				   .bytes = 4096,
				   .depth = 4,
				   .queues = 1,
				   .seed = 1,
				   .ios = 500,
				   .patience_ns = SECOND };
}

static int run(struct bed *b, struct load_spec *s)
{
	int err = load_check(b->f, s, b->error);

	return err ? err : load_run(b->t, b->f, s, NULL, NULL, b->res, b->error);
}

static void what_cannot_be(void)
{
	static const struct {
		struct load_spec s;
		const char *says;
	} rows[] = {
		{ { .bytes = 4096, .depth = 4, .queues = 1, .nsid = 77 }, "namespace 77" },
		{ { .bytes = 1000, .depth = 4, .queues = 1 }, "no multiple of the 512" },
		{ { .bytes = 0, .depth = 4, .queues = 1 }, "0 bytes" },
		{ { .bytes = 1 << 20, .depth = 4, .queues = 1 }, "MDTS" },
		{ { .bytes = 64 << 20, .depth = 4, .queues = 1 }, "65536" },
		{ { .bytes = 4096, .depth = 65, .queues = 1 }, "take 1 to 64" },
		{ { .bytes = 4096, .depth = 0, .queues = 1 }, "depth of 0" },
		{ { .bytes = 4096, .depth = 4, .queues = 9 }, "gives 1 to 8" },
		{ { .bytes = 4096, .depth = 4, .queues = 1, .from = 100 }, "no logical block" },
		{ { .bytes = 4096, .depth = 4, .queues = 1, .from = 1ull << 40 }, "ends past" },
		{ { .bytes = 4096, .depth = 4, .queues = 1, .from = 4096, .length = UINT64_MAX },
		  "ends past" },
		{ { .bytes = 4096, .depth = 4, .queues = 2, .length = 4096 }, "no room for 2" },
	};
	struct bed b;

	bed_open(&b, "model:mqes=64");
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct load_spec s = rows[i].s;

		CU_ASSERT_EQUAL(load_check(b.f, &s, b.error), -EINVAL);
		CU_ASSERT_PTR_NOT_NULL(strstr(b.error, rows[i].says));
	}
	bed_close(&b);
}

static void exactly_so_many(void)
{
	static const struct {
		const char *address;
		unsigned depth, queues, read_percent;
		uint64_t ios;
	} rows[] = {
		{ "model:", 1, 1, 100, 1 },	    { "model:", 32, 1, 0, 7 },
		{ "model:", 5, 3, 50, 1000 },	    { "null:", 32, 1, 100, 100000 },
		{ "null:batch=1", 8, 4, 30, 5000 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct load_spec s = small();
		const struct load_result *r;
		struct bed b;
		uint64_t reads;

		bed_open(&b, rows[i].address);
		s.depth = rows[i].depth;
		s.queues = rows[i].queues;
		s.read_percent = rows[i].read_percent;
		s.ios = rows[i].ios;
		CU_ASSERT_EQUAL(run(&b, &s), 0);
		r = b.res;
		reads = r->lat[LOAD_READ].count;
		CU_ASSERT_EQUAL(reads + r->lat[LOAD_WRITE].count, rows[i].ios);
		CU_ASSERT_EQUAL(r->bytes[LOAD_READ], reads * 4096);
		CU_ASSERT_EQUAL(r->errors, 0);
		CU_ASSERT(r->real_ns > 0 && r->device_ns > 0 && !r->cut);
		CU_ASSERT(r->cost.submit.ios + r->cost.submit.interrupted > 0);
		CU_ASSERT(r->cost.submit.ios <= rows[i].ios && r->cost.reap.ios <= rows[i].ios);
		if (rows[i].read_percent == 100)
			CU_ASSERT_EQUAL(reads, rows[i].ios);
		if (rows[i].ios >= 1000 && rows[i].read_percent < 100)
			CU_ASSERT(reads * 100 > (rows[i].read_percent - 8) * rows[i].ios &&
				  reads * 100 < (rows[i].read_percent + 8) * rows[i].ios);
		bed_close(&b);
	}
}

/* Which blocks of the first 64 KiB hold something, as bits; and a sum over what they hold. */
static void look_at_media(struct bed *b, uint64_t *ret_blocks, uint64_t *ret_sum)
{
	struct io_options o = { .depth = 1 };
	struct block_io io = { .op = BLOCK_READ }, *p = &io;
	struct rung *g = NULL;
	struct dma d;

	CU_ASSERT_EQUAL_FATAL(rung_open(b->t, b->f, &o, &g), 0);
	CU_ASSERT_EQUAL_FATAL(rung_dma_alloc(g, 65536, &d), 0);
	io.nsid = b->f->ns[b->f->scratch].nsid;
	io.blocks = 65536 / b->f->ns[b->f->scratch].lba_bytes;
	io.data = &d;
	CU_ASSERT_EQUAL_FATAL(rung_io_submit(g, &p, 1), 1);
	CU_ASSERT_EQUAL_FATAL(rung_io_reap(g, &p, 1, target_now(b->t) + SECOND), 1);
	CU_ASSERT_EQUAL(io.result, 0);
	*ret_blocks = *ret_sum = 0;
	for (unsigned i = 0; i < 65536 / 8; i++) {
		uint64_t word = ((const uint64_t *)d.va)[i];

		*ret_blocks |= word ? 1ull << i * 8 / 1024 : 0;
		*ret_sum = *ret_sum * 31 + word;
	}
	rung_dma_free(g, &d);
	rung_close(g);
}

static void where_it_goes(void)
{
	static const struct {
		bool random;
		uint64_t from, length, ios, blocks;
		unsigned queues;
	} rows[] = {
		{ false, 0, 65536, 16, UINT64_MAX, 1 },
		{ false, 4096, 8192, 100, 0xffull << 4, 1 }, /* wraps, and stays in its region */
		{ false, 0, 65536, 8, 0, 2 },		     /* each queue in its own half */
		{ true, 8192, 16384, 200, 0xffffull << 8, 1 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct load_spec s = small();
		uint64_t blocks, sum;
		struct bed b;

		bed_open(&b, "model:");
		s.random = rows[i].random;
		s.read_percent = 0;
		s.from = rows[i].from;
		s.length = rows[i].length;
		s.ios = rows[i].ios;
		s.queues = rows[i].queues;
		CU_ASSERT_EQUAL(run(&b, &s), 0);
		look_at_media(&b, &blocks, &sum);
		if (rows[i].blocks)
			CU_ASSERT_EQUAL(blocks, rows[i].blocks);
		if (rows[i].queues == 2)
			CU_ASSERT((blocks & 0xffffffff) && blocks >> 32);
		bed_close(&b);
	}
}

/* The seed alone decides what is sent. */
static void the_seed_decides(void)
{
	uint64_t blocks[3], sum[3];

	for (unsigned i = 0; i < 3; i++) {
		struct load_spec s = small();
		struct bed b;

		bed_open(&b, "model:");
		s.read_percent = 0;
		s.depth = 1; /* one after the other: what was written last stands */
		s.length = 65536;
		s.ios = 9;
		s.seed = i < 2 ? 5 : 6;
		CU_ASSERT_EQUAL(run(&b, &s), 0);
		look_at_media(&b, &blocks[i], &sum[i]);
		bed_close(&b);
	}
	CU_ASSERT_EQUAL(blocks[0], blocks[1]);
	CU_ASSERT_EQUAL(sum[0], sum[1]);
	CU_ASSERT_NOT_EQUAL(blocks[0], blocks[2]);
}

static void errors_are_counted(void)
{
	struct load_spec s = small();
	struct bed b;

	bed_open(&b, "model:fault=reserved-status");
	CU_ASSERT_EQUAL(run(&b, &s), 0);
	CU_ASSERT_EQUAL(b.res->errors, 500);
	CU_ASSERT_EQUAL(b.res->lat[LOAD_READ].count, 0);
	CU_ASSERT_EQUAL(b.res->status[0].status, 0x7f);
	CU_ASSERT_EQUAL(b.res->status[0].count, 500);
	CU_ASSERT_EQUAL(b.res->status[1].count, 0);
	bed_close(&b);
}

static void trouble_ends_it(void)
{
	static const struct {
		const char *fault;
		int err;
		const char *says;
	} rows[] = { { "wrong-cid", -EPROTO, "CID" },
		     { "wrong-phase", -ETIMEDOUT, "no completion by the deadline" } };

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct load_spec s = small();
		char address[64];
		struct bed b;

		snprintf(address, sizeof(address), "model:fault=%s", rows[i].fault);
		bed_open(&b, address);
		CU_ASSERT_EQUAL(run(&b, &s), rows[i].err);
		CU_ASSERT_PTR_NOT_NULL(strstr(b.error, rows[i].says));
		CU_ASSERT_EQUAL(b.res->lat[LOAD_READ].count, 0);
		bed_close(&b);
	}
}

static bool stop_at_once(void *ctx, const struct load_progress *p)
{
	unsigned *calls = ctx;

	CU_ASSERT(!p->warming);
	return ++*calls == 2;
}

static void told_to_stop(void)
{
	struct load_spec s = small();
	unsigned calls = 0;
	struct bed b;

	bed_open(&b, "null:");
	s.ios = 0;
	s.run_ns = 600 * SECOND;
	CU_ASSERT_EQUAL_FATAL(load_check(b.f, &s, b.error), 0);
	CU_ASSERT_EQUAL(load_run(b.t, b.f, &s, stop_at_once, &calls, b.res, b.error), 0);
	CU_ASSERT(b.res->cut);
	CU_ASSERT_EQUAL(calls, 2);
	CU_ASSERT(b.res->lat[LOAD_READ].count > 0);
	bed_close(&b);
}

/* What was sent before counting began is not counted. */
static void warming_up(void)
{
	struct load_spec s = small();
	struct bed b;

	bed_open(&b, "null:");
	s.warm_up_ns = 20 * NS_PER_MS;
	s.ios = 1000;
	CU_ASSERT_EQUAL(run(&b, &s), 0);
	CU_ASSERT_EQUAL(b.res->lat[LOAD_READ].count, 1000);
	bed_close(&b);
}

static const struct unit units[] = {
	{ "bins", bins },
	{ "percentiles", percentiles },
	{ "few samples", few_samples },
	{ "what cannot be", what_cannot_be },
	{ "exactly so many", exactly_so_many },
	{ "where it goes", where_it_goes },
	{ "the seed decides", the_seed_decides },
	{ "errors are counted", errors_are_counted },
	{ "trouble ends it", trouble_ends_it },
	{ "told to stop", told_to_stop },
	{ "warming up", warming_up },
};

UNIT_MAIN("load", units)
