// SPDX-License-Identifier: GPL-2.0-or-later
/* Block I/O on our own queues: what is moved, how queues wrap, what is refused, what it costs. */
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "io_rig.h"

/* ---- data ---- */

struct move {
	size_t offset;
	uint32_t blocks;
	uint64_t lba;
};

/* Writes it from a pattern, reads it back elsewhere, compares; what lies beside stays. */
static void there_and_back(struct rig *r, const struct move *m, uint64_t *seed)
{
	size_t half = r->d.len / 2, len = (size_t)m->blocks * r->lba;
	uint8_t *out = (uint8_t *)r->d.va + m->offset, *in = out + half;
	struct block_io w = { .op = BLOCK_WRITE,
			      .fua = m->lba & 1,
			      .lba = m->lba,
			      .blocks = m->blocks,
			      .data = &r->d,
			      .data_offset = m->offset };
	struct block_io rd = w;

	for (size_t i = 0; i < len; i++)
		out[i] = (uint8_t)random_of(seed);
	memset((uint8_t *)r->d.va + half, 0xee, half);
	rd.op = BLOCK_READ;
	rd.data_offset = m->offset + half;
	CU_ASSERT_EQUAL(one(r, &w), 0);
	CU_ASSERT_EQUAL(one(r, &rd), 0);
	CU_ASSERT_FATAL(!memcmp(in, out, len));
	CU_ASSERT(m->offset == 0 || in[-1] == 0xee);
	CU_ASSERT(m->offset + len == half || in[len] == 0xee);
}

/* Every way in which data can lie: one pointer, two, a list, lists in a chain. */
static void data_layouts(void)
{
	static const struct {
		const char *address;
		size_t len;
	} rows[] = { { "model:", 512 << 10 }, { "model:mdts=11,size=64Mi", 5 << 20 } };

	for (size_t k = 0; k < ARRAY_SIZE(rows); k++) {
		uint64_t seed = 7;
		struct rig r;

		rig_open_with(&r, rows[k].address,
			      &(struct io_options){ .depth = 3, .bytes_max = rows[k].len });
		rig_data(&r, 2 * (rows[k].len + 4096));
		const struct move moves[] = {
			{ 0, 1, 0 },
			{ 4, 4096 / r.lba, 1 },
			{ 4092, 4096 / r.lba, 8 },
			{ 0, 8192 / r.lba, 9 },
			{ 4092, 8192 / r.lba, 9 },
			{ 0, (uint32_t)(rows[k].len / r.lba), 0 },
			{ 4092, (uint32_t)(rows[k].len / r.lba), 5 },
			{ 4, (uint32_t)(2097152 / r.lba) + 1, 3 },
			{ 0, (uint32_t)(2101248 / r.lba), 3 },
			{ 4092, (uint32_t)(2101248 / r.lba) + 1, 3 },
		};
		for (size_t i = 0; i < ARRAY_SIZE(moves); i++)
			if ((size_t)moves[i].blocks * r.lba <= rows[k].len)
				there_and_back(&r, &moves[i], &seed);
		rig_close(&r);
	}
}

static void other_operations(void)
{
	struct rig r;
	struct block_io w = { .op = BLOCK_WRITE, .lba = 10, .blocks = 8 },
			rd = { .op = BLOCK_READ, .lba = 10, .blocks = 8 },
			flush = { .op = BLOCK_FLUSH },
			zeroes = { .op = BLOCK_ZEROES, .lba = 12, .blocks = 2 },
			discard = { .op = BLOCK_DISCARD, .lba = 100, .blocks = 70000 };

	rig_open(&r, "model:", 4);
	rig_data(&r, 65536);
	w.data = rd.data = &r.d;
	rd.data_offset = 32768;
	memset(r.d.va, 0x5a, r.d.len);
	CU_ASSERT_EQUAL(one(&r, &w), 0);
	CU_ASSERT_EQUAL(one(&r, &flush), 0);
	CU_ASSERT_EQUAL(one(&r, &zeroes), 0);
	CU_ASSERT_EQUAL(one(&r, &discard), 0);
	CU_ASSERT_EQUAL(one(&r, &rd), 0);
	for (unsigned i = 0; i < 8 * r.lba; i++) {
		unsigned block = i / r.lba;

		CU_ASSERT_EQUAL_FATAL(((uint8_t *)r.d.va)[32768 + i],
				      block == 2 || block == 3 ? 0 : 0x5a);
	}
	rig_close(&r);
}

/* ---- queues ---- */

/* Each block holds its number of the last write; order and completeness over many wraps. */
static void storm(struct rig *r, unsigned queues, unsigned depth, unsigned ios)
{
	unsigned total = queues * depth, idle = total, sent = 0, done = 0;
	struct block_io *io = calloc(total, sizeof(*io));
	struct block_io **list = calloc(total, sizeof(struct block_io *));
	unsigned *seen = calloc(ios, sizeof(*seen));
	uint64_t seed = total;

	rig_data(r, (size_t)total * 4096);
	for (unsigned i = 0; i < total; i++) {
		io[i] = (struct block_io){ .queue = (uint16_t)(i % queues),
					   .nsid = r->nsid,
					   .blocks = 1,
					   .data = &r->d,
					   .data_offset = i * 4096ull };
		list[i] = &io[i];
	}
	while (done < ios) {
		unsigned n = (unsigned)random_of(&seed) % (idle + 1);
		int got;

		n = n < ios - sent ? n : ios - sent;
		for (unsigned i = 0; i < n; i++) {
			struct block_io *x = list[idle - n + i];

			x->op = sent & 1 ? BLOCK_READ : BLOCK_WRITE;
			x->lba = sent % 32;
			x->user = (void *)(uintptr_t)sent++;
		}
		CU_ASSERT_EQUAL_FATAL(io_submit(r->g, list + idle - n, n), (int)n);
		idle -= n;
		CU_ASSERT_EQUAL_FATAL(io_inflight(r->g), total - idle);
		n = total - idle ? 1 + (unsigned)random_of(&seed) % (total - idle) : 0;
		got = io_reap(r->g, list + idle, n, soon(r));
		CU_ASSERT_FATAL(got >= 0 && (got > 0 || idle == total));
		for (int i = 0; i < got; i++) {
			CU_ASSERT_EQUAL(list[idle + (unsigned)i]->result, 0);
			seen[(uintptr_t)list[idle + (unsigned)i]->user]++;
		}
		idle += (unsigned)got;
		done += (unsigned)got;
	}
	for (unsigned i = 0; i < ios; i++)
		CU_ASSERT_EQUAL_FATAL(seen[i], 1);
	CU_ASSERT_EQUAL(io_inflight(r->g), 0);
	free(io);
	free(list);
	free(seen);
}

static void queues_wrap(void)
{
	static const struct {
		const char *address;
		struct io_options o;
	} rows[] = {
		{ "model:", { .depth = 1 } },
		{ "model:", { .depth = 2 } },
		{ "model:", { .depth = 6 } },
		{ "model:", { .depth = 4, .entries = 11 } },
		{ "model:", { .depth = 7, .queues = 3 } },
		{ "model:", { .depth = 40, .queues = 2 } },
		{ "model:preset=tiny", { .depth = 1 } },
		{ "model:dstrd=3", { .depth = 5, .queues = 2 } },
		{ "model:", { .depth = 1, .doorbells = IO_DOORBELLS_SHADOW } },
		{ "model:", { .depth = 6, .queues = 3, .doorbells = IO_DOORBELLS_SHADOW } },
		{ "model:", { .depth = 4, .entries = 9, .doorbells = IO_DOORBELLS_SHADOW } },
		{ "null:", { .depth = 1 } },
		{ "null:batch=3", { .depth = 12, .queues = 5 } },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		unsigned queues = rows[i].o.queues ? rows[i].o.queues : 1;
		struct rig r;

		rig_open_with(&r, rows[i].address, &rows[i].o);
		storm(&r, queues, rows[i].o.depth, 600);
		rig_close(&r);
	}
}

static void full_queue(void)
{
	struct block_io io[6], *list[6];
	struct rig r;

	rig_open_with(&r, "model:", &(struct io_options){ .depth = 4, .entries = 16, .queues = 2 });
	for (unsigned i = 0; i < 6; i++) {
		io[i] = (struct block_io){ .op = BLOCK_FLUSH, .nsid = r.nsid };
		list[i] = &io[i];
	}
	CU_ASSERT_EQUAL(io_submit(r.g, list, 6), 4);
	CU_ASSERT_EQUAL(io_submit(r.g, list + 4, 2), 0);
	io[5].queue = 1;
	CU_ASSERT_EQUAL(io_submit(r.g, list + 5, 1), 1);
	CU_ASSERT_EQUAL(io_inflight(r.g), 5);
	CU_ASSERT_EQUAL(io_reap(r.g, list, 1, soon(&r)), 1);
	io[4].queue = list[0]->queue; /* room for one more, where one came from */
	list[0] = &io[4];
	CU_ASSERT_EQUAL(io_submit(r.g, list, 1), 1);
	rig_close(&r); /* with all of them in flight */
}

/* Waits without taking; looks without waiting; nothing in flight is nothing to wait for. */
static void waiting(void)
{
	struct block_io io = { .op = BLOCK_FLUSH }, *p = &io, *done = NULL;
	struct rig r;

	rig_open(&r, "model:", 4);
	io.nsid = r.nsid;
	CU_ASSERT_EQUAL(io_reap(r.g, &done, 1, soon(&r)), 0);
	CU_ASSERT_EQUAL(io_submit(r.g, &p, 1), 1);
	CU_ASSERT_EQUAL(io_reap(r.g, &done, 1, 0), 0);
	CU_ASSERT_EQUAL(io_reap(r.g, &done, 0, soon(&r)), 0);
	CU_ASSERT_EQUAL(io_reap(r.g, &done, 1, 0), 1);
	CU_ASSERT_PTR_EQUAL(done, &io);
	rig_close(&r);
}

/* ---- what is refused ---- */

static void bad_options(void)
{
	static const struct {
		struct io_options o;
		int err;
		const char *says;
	} rows[] = {
		{ { .depth = 0 }, -EINVAL, "depth of 0" },
		{ { .depth = 65535 }, -EINVAL, "65534" },
		{ { .depth = 4, .entries = 4 }, -EINVAL, "4 entries" },
		{ { .depth = 4, .queues = 257 }, -EINVAL, "257 queues" },
		{ { .depth = 65 }, -EINVAL, "depth is at most 64, not 65" },
		{ { .depth = 4, .queues = 200 }, -EINVAL, "200 queues" },
		{ { .depth = 4, .doorbells = IO_DOORBELLS_SHADOW }, -ENOTSUP, "Doorbell Buffer" },
	};
	struct rig r;

	rig_open(&r, "model:mqes=64,oacs=0", 4);
	io_close(r.g);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		r.g = NULL;
		CU_ASSERT_EQUAL(io_open(r.t, r.f, &rows[i].o, &r.g), rows[i].err);
		CU_ASSERT_PTR_NULL(r.g);
		CU_ASSERT_PTR_NOT_NULL(strstr(r.t->error, rows[i].says));
	}
	rig_close(&r);
}

static void bad_requests(void)
{
	struct dma elsewhere = { 0 };
	struct rig r;

	rig_open(&r, "model:", 4);
	rig_data(&r, 1 << 20);
	const struct {
		struct block_io io;
		const char *says;
	} rows[] = {
		{ { .op = BLOCK_READ, .nsid = 77, .blocks = 1, .data = &r.d }, "namespace" },
		{ { .op = BLOCK_READ, .nsid = r.nsid, .blocks = 0, .data = &r.d }, "blocks" },
		{ { .op = BLOCK_READ, .nsid = r.nsid, .blocks = 65537, .data = &r.d }, "blocks" },
		{ { .op = BLOCK_ZEROES, .nsid = r.nsid, .blocks = 65537 }, "blocks" },
		{ { .op = BLOCK_WRITE,
		    .nsid = r.nsid,
		    .blocks = (512 << 10) / r.lba + 1,
		    .data = &r.d },
		  "MDTS" },
		{ { .op = BLOCK_READ, .nsid = r.nsid, .blocks = 1 }, "buffer" },
		{ { .op = BLOCK_READ, .nsid = r.nsid, .blocks = 1, .data = &elsewhere }, "buffer" },
		{ { .op = BLOCK_READ,
		    .nsid = r.nsid,
		    .blocks = 1,
		    .data = &r.d,
		    .data_offset = (1 << 20) - 4 },
		  "buffer" },
		{ { .op = BLOCK_READ,
		    .nsid = r.nsid,
		    .blocks = 1,
		    .data = &r.d,
		    .data_offset = SIZE_MAX - 3 },
		  "buffer" },
		{ { .op = BLOCK_READ, .nsid = r.nsid, .blocks = 1, .data = &r.d, .data_offset = 2 },
		  "dword" },
		{ { .op = BLOCK_FLUSH, .nsid = r.nsid, .queue = 1 }, "queue" },
		{ { .op = (enum block_op)9, .nsid = r.nsid, .blocks = 1 }, "no such I/O" },
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct block_io bad = rows[i].io, good = { .op = BLOCK_FLUSH, .nsid = r.nsid };
		struct block_io *list[2] = { &good, &bad }, *done[2];

		CU_ASSERT_EQUAL(io_submit(r.g, list + 1, 1), -EINVAL);
		CU_ASSERT_PTR_NOT_NULL(strstr(r.t->error, rows[i].says));
		/* what stands before it is sent all the same, and the engine lives on */
		CU_ASSERT_EQUAL(io_submit(r.g, list, 2), 1);
		CU_ASSERT_EQUAL(io_reap(r.g, done, 2, soon(&r)), 1);
	}
	rig_close(&r);
}

static void metadata_is_refused(void)
{
	struct block_io io = { .op = BLOCK_READ, .blocks = 1 }, *p = &io;
	struct rig r;

	rig_open(&r, "model:preset=pi", 4);
	rig_data(&r, 65536);
	io.data = &r.d;
	for (unsigned i = 0; i < r.f->n_ns && !io.nsid; i++)
		if (r.f->ns[i].ms)
			io.nsid = r.f->ns[i].nsid;
	CU_ASSERT_FATAL(io.nsid != 0);
	CU_ASSERT_EQUAL(io_submit(r.g, &p, 1), -EINVAL);
	CU_ASSERT_PTR_NOT_NULL(strstr(r.t->error, "metadata"));
	rig_close(&r);
}

static void errors_have_a_status(void)
{
	struct block_io io = { .op = BLOCK_READ, .blocks = 1 };
	struct rig r;

	rig_open(&r, "model:", 4);
	rig_data(&r, 4096);
	io.data = &r.d;
	io.lba = r.f->ns[r.f->scratch].nsze;
	CU_ASSERT_EQUAL(one(&r, &io), -EIO);
	CU_ASSERT_EQUAL(io.status, SC_LBA_OUT_OF_RANGE);
	io.lba = 0;
	CU_ASSERT_EQUAL(one(&r, &io), 0);
	CU_ASSERT_EQUAL(io.status, SC_SUCCESS);
	rig_close(&r);
}

/* ---- what it costs, as far as that is behaviour ---- */

struct counted {
	struct target_ops ops;
	const struct target_ops *real;
	unsigned rings;
};

static int count_ring(struct target *t, uint64_t off, unsigned width, uint64_t value)
{
	struct counted *c = (struct counted *)(void *)(uintptr_t)t->ops;

	c->rings += off >= REG_DOORBELLS;
	return c->real->reg_write(t, off, width, value);
}

static void count_on(struct counted *c, struct target *t)
{
	*c = (struct counted){ .ops = *t->ops, .real = t->ops };
	c->ops.reg_write = count_ring;
	t->ops = &c->ops;
}

/* One tail and one head a batch; none at all where doorbells are mapped. */
static void doorbells_are_batched(void)
{
	static const struct {
		const char *address;
		unsigned rings;
	} rows[] = { { "model:", 2 }, { "null:", 0 } };

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct block_io io[8], *list[8];
		struct counted c;
		struct rig r;
		unsigned done = 0;

		rig_open(&r, rows[i].address, 8);
		for (unsigned k = 0; k < 8; k++) {
			io[k] = (struct block_io){ .op = BLOCK_FLUSH, .nsid = r.nsid };
			list[k] = &io[k];
		}
		count_on(&c, r.t);
		CU_ASSERT_EQUAL(io_submit(r.g, list, 8), 8);
		CU_ASSERT_EQUAL(c.rings, rows[i].rings / 2);
		CU_ASSERT_EQUAL(r.t->ops->relax(r.t, NS_PER_MS), 0);
		for (unsigned k = 0; k < 50; k++) /* all are complete before they are looked at */
			r.t->ops->relax(r.t, NS_PER_MS);
		done = (unsigned)io_reap(r.g, list, 8, soon(&r));
		CU_ASSERT_EQUAL(done, 8);
		CU_ASSERT_EQUAL(c.rings, rows[i].rings);
		r.t->ops = c.real;
		rig_close(&r);
	}
}

static uint64_t counting_now(struct target *t)
{
	static uint64_t now;

	(void)t;
	return ++now;
}

/* In a child that may do nothing but read, write and exit: any other call of the system ends it. */
static void no_system_calls(void)
{
	struct block_io io[16], *list[16];
	struct target_ops ops;
	const struct target_ops *real;
	int status = 0;
	struct rig r;
	pid_t pid;

	rig_open_with(&r, "null:batch=5", &(struct io_options){ .depth = 8, .queues = 2 });
	rig_data(&r, 16 * 65536);
	for (unsigned k = 0; k < 16; k++) {
		io[k] = (struct block_io){ .op = k % 2 ? BLOCK_READ : BLOCK_WRITE,
					   .nsid = r.nsid,
					   .queue = k / 8,
					   .blocks = 65536 / r.lba,
					   .data = &r.d,
					   .data_offset = k * 65536ull };
		list[k] = &io[k];
	}
	real = r.t->ops;
	ops = *real;
	ops.now = counting_now; /* the clock may be a system call on this machine */
	r.t->ops = &ops;
	pid = fork();
	if (!pid) {
		unsigned idle = 16, done = 0;

		if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT))
			syscall(SYS_exit, 77);
		while (done < 20000) {
			int n = io_submit(r.g, list, idle);

			n = n == (int)idle ? io_reap(r.g, list, 16, UINT64_MAX) : -1;
			if (n < 0)
				syscall(SYS_exit, 2);
			idle = (unsigned)n;
			done += idle;
		}
		syscall(SYS_exit, 0);
	}
	CU_ASSERT_FATAL(pid > 0);
	CU_ASSERT_EQUAL(waitpid(pid, &status, 0), pid);
	CU_ASSERT(WIFEXITED(status) && (WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == 77));
	r.t->ops = real;
	rig_close(&r);
}

/* ---- commands beside it ---- */

static void commands(void)
{
	static const enum io_doorbells how[] = { IO_DOORBELLS_PLAIN, IO_DOORBELLS_SHADOW };

	for (size_t i = 0; i < ARRAY_SIZE(how); i++) {
		struct block_io io = { .op = BLOCK_FLUSH };
		struct cmd identify = cmd_raw(nvme_admin_identify, 0), flush;
		uint8_t page[4096] = { 0 };
		struct cpl cpl;
		struct rig r;

		rig_open_with(&r,
			      "model:", &(struct io_options){ .depth = 3, .doorbells = how[i] });
		identify = cmd_identify(1, 0, page);
		flush = cmd_flush(r.nsid);
		for (unsigned k = 0; k < 40; k++) {
			CU_ASSERT_EQUAL(io_command(r.g, true, &identify, &cpl), 0);
			CU_ASSERT_EQUAL(cpl.status, SC_SUCCESS);
			CU_ASSERT_EQUAL(io_command(r.g, false, &flush, &cpl), 0);
			CU_ASSERT_EQUAL(cpl.status, SC_SUCCESS);
			CU_ASSERT_EQUAL(one(&r, &io), 0);
		}
		CU_ASSERT(page[0] != 0);
		rig_close(&r);
	}
}

static const struct unit units[] = {
	{ "data in one piece, in two, in lists", data_layouts },
	{ "flush, zeroes, discard", other_operations },
	{ "queues wrap", queues_wrap },
	{ "a full queue", full_queue },
	{ "waiting and looking", waiting },
	{ "bad options", bad_options },
	{ "bad requests", bad_requests },
	{ "metadata", metadata_is_refused },
	{ "errors have a status", errors_have_a_status },
	{ "doorbells are batched", doorbells_are_batched },
	{ "no system calls", no_system_calls },
	{ "commands beside it", commands },
};

UNIT_MAIN("io", units)
