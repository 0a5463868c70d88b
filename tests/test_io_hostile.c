// SPDX-License-Identifier: GPL-2.0-or-later
/* Block I/O on devices that do not play fair: an error with words, in time, and no crash. */
#include "io_rig.h"

/* Reads until something goes wrong: what, and whether it stays so. */
static int until_trouble(struct rig *r)
{
	struct block_io io[3], *list[3];
	int n = 0;

	for (unsigned i = 0; i < 3; i++)
		list[i] = &io[i];
	for (unsigned round = 0; round < 200; round++) {
		for (unsigned i = 0; i < 3; i++) {
			io[i] = (struct block_io){ .op = BLOCK_FLUSH, .nsid = r->nsid };
			list[i] = &io[i];
		}
		n = io_submit(r->g, list, 3 - io_inflight(r->g));
		if (n < 0)
			return n;
		while (io_inflight(r->g)) {
			n = io_reap(r->g, list, 3, soon(r));
			if (n < 0)
				return n;
		}
	}
	return 0;
}

static void hostile_completions(void)
{
	static const struct {
		const char *fault;
		int err;
		const char *says;
		bool final;
	} rows[] = {
		{ "wrong-cid", -EPROTO, "not in flight", true },
		{ "wrong-sqid", -EPROTO, "of SQ 2", true },
		{ "wrong-phase", -ETIMEDOUT, "no completion by the deadline", false },
		{ "double-cqe", -EPROTO, "completed twice", true },
		{ "cqe-to-wrong-queue", -ETIMEDOUT, "3 block I/Os in flight", false },
		{ "stops-answering", -ETIMEDOUT, "in flight, the oldest on SQ 1", false },
		{ "vanish-mid-case", -ENODEV, "", false },
		{ "sqhd-off-by-one", -EPROTO, "SQHD 4, past its 4 entries", true },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char address[64], error[256];
		struct target *t = NULL;
		struct rig r = { 0 };
		uint64_t begin;
		int err;

		/* the facts are of a healthy one, as the fault would be in the way of asking */
		rig_open(&r, "model:", 3);
		io_close(r.g);
		target_close(r.t);
		snprintf(address, sizeof(address), "model:fault=%s", rows[i].fault);
		CU_ASSERT_EQUAL_FATAL(target_open(address, &t, error), 0);
		r.t = t;
		r.g = NULL;
		err = io_open(t, r.f, &(struct io_options){ .depth = 3 }, &r.g);
		if (!err) {
			begin = target_now(t);
			err = until_trouble(&r);
			CU_ASSERT(target_now(t) - begin < 2 * SECOND);
		}
		CU_ASSERT_EQUAL(err, rows[i].err);
		CU_ASSERT_PTR_NOT_NULL(strstr(t->error, rows[i].says));
		if (rows[i].final) {
			struct block_io io = { .op = BLOCK_FLUSH, .nsid = r.nsid }, *p = &io;

			CU_ASSERT_EQUAL(io_submit(r.g, &p, 1), rows[i].err);
			CU_ASSERT_EQUAL(io_reap(r.g, &p, 1, soon(&r)), rows[i].err);
		}
		rig_close(&r);
	}
}

/* The null target, whose completions are bent before they are seen. */
static struct cqe *entry_of(struct io *g, unsigned queue, unsigned at)
{
	return (struct cqe *)(uintptr_t)&g->queue[queue].cqe[at];
}

static struct cqe good_entry(const struct io *g, uint16_t cid)
{
	return (struct cqe){ .sqid = le16_from(1),
			     .cid = le16_from(cid),
			     .status = le16_from((uint16_t)g->queue[0].phase) };
}

static void bent_entries(void)
{
	enum { DEPTH = 5 };
	static const struct {
		int cid; /* added to that of the first one */
		uint16_t sqid, sqhd;
		int err;
		const char *says;
	} rows[] = {
		{ 0, 1, 0, 1, "" },
		{ 1, 1, 0, -EPROTO, "CID" },
		{ DEPTH, 1, 0, -EPROTO, "not in flight" }, /* a slot that does not exist */
		{ 8, 1, 0, -EPROTO, "not in flight" },	   /* the slot, used once more */
		{ 0x4000, 1, 0, -EPROTO, "not in flight" },
		{ 0, 0, 0, -EPROTO, "of SQ 0" },
		{ 0, 2, 0, -EPROTO, "of SQ 2" },
		{ 0, 0xffff, 0, -EPROTO, "of SQ 65535" },
		{ 0, 1, DEPTH + 1, -EPROTO, "SQHD 6" },
		{ 0, 1, 0xffff, -EPROTO, "SQHD 65535" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct block_io io = { .op = BLOCK_FLUSH }, *p = &io, *done = NULL;
		struct rig r;
		uint16_t cid;

		rig_open(&r, "null:", DEPTH);
		io.nsid = r.nsid;
		CU_ASSERT_EQUAL_FATAL(io_submit(r.g, &p, 1), 1);
		cid = le16_get(r.g->queue[0].sqe[0].cid);
		*entry_of(r.g, 0, 0) = good_entry(r.g, (uint16_t)(cid + rows[i].cid));
		entry_of(r.g, 0, 0)->sqid = le16_from(rows[i].sqid);
		entry_of(r.g, 0, 0)->sqhd = le16_from(rows[i].sqhd);
		CU_ASSERT_EQUAL(io_reap(r.g, &done, 1, soon(&r)), rows[i].err);
		CU_ASSERT_PTR_NOT_NULL(strstr(r.t->error, rows[i].says));
		rig_close(&r);
	}
}

/* A good one before a bad one is given first, then the error; a late twin of a CID in use is told.
 */
static void good_before_bad(void)
{
	struct block_io io[2], *list[2] = { &io[0], &io[1] }, *done[4];
	struct rig r;
	uint16_t cid;

	rig_open(&r, "null:", 2);
	io[0] = io[1] = (struct block_io){ .op = BLOCK_FLUSH, .nsid = r.nsid };
	CU_ASSERT_EQUAL_FATAL(io_submit(r.g, list, 2), 2);
	cid = le16_get(r.g->queue[0].sqe[0].cid);
	*entry_of(r.g, 0, 0) = good_entry(r.g, cid);
	*entry_of(r.g, 0, 1) = good_entry(r.g, cid);
	CU_ASSERT_EQUAL(io_reap(r.g, done, 4, soon(&r)), 1);
	CU_ASSERT_EQUAL(io_reap(r.g, done, 4, soon(&r)), -EPROTO);
	CU_ASSERT_PTR_NOT_NULL(strstr(r.t->error, "completed twice"));
	rig_close(&r);

	rig_open(&r, "null:", 2);
	CU_ASSERT_EQUAL_FATAL(io_submit(r.g, list, 1), 1);
	cid = le16_get(r.g->queue[0].sqe[0].cid);
	*entry_of(r.g, 0, 0) = good_entry(r.g, cid);
	CU_ASSERT_EQUAL(io_reap(r.g, done, 4, soon(&r)), 1);
	CU_ASSERT_EQUAL_FATAL(io_submit(r.g, list, 1), 1); /* the same slot, another CID */
	*entry_of(r.g, 0, 1) = good_entry(r.g, cid);
	CU_ASSERT_EQUAL(io_reap(r.g, done, 4, soon(&r)), -EPROTO);
	rig_close(&r);
}

static int no_relax(struct target *t, uint64_t ns)
{
	(void)t;
	(void)ns;
	return 0;
}

/* Fields at random, and plausible ones among them. */
static void make_noise(struct io *g, uint64_t *seed)
{
	for (unsigned q = 0; q < g->queues; q++)
		for (unsigned k = 0; k < g->queue[q].size; k++) {
			struct cqe *e = entry_of(g, q, k);
			uint64_t bits[2] = { random_of(seed) << 32 | random_of(seed),
					     random_of(seed) << 32 | random_of(seed) };

			memcpy(e, bits, sizeof(*e));
			if (random_of(seed) % 2)
				e->sqid = le16_from((uint16_t)(q + 1));
			if (random_of(seed) % 2)
				e->sqhd = le16_from((uint16_t)(random_of(seed) % 5));
			if (random_of(seed) % 2)
				e->cid = le16_from((uint16_t)(random_of(seed) % 64));
		}
}

/* Completion queues full of noise: an error or nothing, whatever it says, and an end in time. */
static void noise(void)
{
	uint64_t seed = 99;

	for (unsigned i = 0; i < 600; i++) {
		struct block_io io[3], *list[3], *done[8];
		const struct target_ops *real;
		struct target_ops ops;
		struct rig r;

		rig_open_with(&r, "null:", &(struct io_options){ .depth = 3, .queues = 2 });
		real = r.t->ops;
		ops = *real;
		ops.relax = no_relax;
		r.t->ops = &ops;
		for (unsigned k = 0; k < 3; k++) {
			io[k] = (struct block_io){ .op = BLOCK_FLUSH,
						   .nsid = r.nsid,
						   .queue = k & 1 };
			list[k] = &io[k];
		}
		CU_ASSERT_EQUAL_FATAL(io_submit(r.g, list, 3), 3);
		for (unsigned round = 0; round < 4; round++) {
			int got;

			make_noise(r.g, &seed);
			got = io_reap(r.g, done, 8, target_now(r.t) + 1000);
			CU_ASSERT(got == -EPROTO || got == -ETIMEDOUT || (got >= 0 && got <= 3));
			CU_ASSERT(io_inflight(r.g) <= 3);
		}
		r.t->ops = real;
		rig_close(&r);
	}
}

/* A device on the real clock that says nothing more: in time, not before, and waiting may go on. */
static void silence(void)
{
	struct block_io io = { .op = BLOCK_FLUSH }, *p = &io, *done;
	struct target_ops ops;
	const struct target_ops *real;
	struct rig r;

	rig_open(&r, "null:", 4);
	real = r.t->ops;
	ops = *real;
	ops.relax = no_relax;
	for (unsigned spins = 0; spins < 2; spins++) {
		uint64_t begin;

		r.g->spins = spins;
		r.t->ops = &ops;
		io.nsid = r.nsid;
		CU_ASSERT_EQUAL_FATAL(io_submit(r.g, &p, 1), 1);
		begin = clock_mono_ns();
		CU_ASSERT_EQUAL(io_reap(r.g, &done, 1, begin + 20 * NS_PER_MS), -ETIMEDOUT);
		CU_ASSERT(clock_mono_ns() - begin >= 20 * NS_PER_MS);
		CU_ASSERT(clock_mono_ns() - begin < 10 * SECOND);
		CU_ASSERT_PTR_NOT_NULL(strstr(r.t->error, "1 block I/Os in flight"));
		r.t->ops = real;
		CU_ASSERT_EQUAL(io_reap(r.g, &done, 1, soon(&r)), 1);
	}
	rig_close(&r);
}

static int gone(struct target *t, uint64_t ns)
{
	(void)ns;
	return target_fail(t, -ENODEV, "gone");
}

static void a_device_that_goes(void)
{
	struct block_io io = { .op = BLOCK_FLUSH }, *p = &io, *done;
	struct target_ops ops;
	const struct target_ops *real;
	struct rig r;

	rig_open(&r, "null:", 4);
	real = r.t->ops;
	ops = *real;
	ops.relax = gone;
	r.t->ops = &ops;
	r.g->spins = true; /* looked after all the same */
	io.nsid = r.nsid;
	CU_ASSERT_EQUAL_FATAL(io_submit(r.g, &p, 1), 1);
	CU_ASSERT_EQUAL(io_reap(r.g, &done, 1, soon(&r)), -ENODEV);
	r.t->ops = real;
	rig_close(&r);
}

static const struct unit units[] = {
	{ "hostile completions of the model", hostile_completions },
	{ "bent entries", bent_entries },
	{ "good before bad", good_before_bad },
	{ "noise", noise },
	{ "silence", silence },
	{ "a device that goes", a_device_that_goes },
};

UNIT_MAIN("io hostile", units)
