// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A controller that lies: registers, completions and data that mean anything, before the library
 * that asks it for facts and then reads and writes through it.
 *
 * Input: CAP, VS, then, as commands come, a byte that says how one is completed and what belongs
 * to that. When it is used up nothing is completed any more.
 */
#include <errno.h>

#include "base/clock.h"
#include "nvme/facts.h"
#include "nvme/rung.h"
#include "tests/fuzz/fuzz.h"

#define AREAS_MAX 512u
#define QUEUES	  4u
#define RELAXES	  200000u /* of one input: more is a loop */
#define BLOCKS	  8u
#define DEPTH	  4u

struct ring {
	uint64_t addr;
	uint32_t entries, at, to;
	bool phase;
};

static struct controller {
	struct input in;
	uint64_t now_ns, cap, asq, acq;
	uint32_t vs, cc, aqa;
	struct dma area[AREAS_MAX];
	unsigned areas, relaxes;
	struct ring sq[QUEUES], cq[QUEUES];
} d;

/* ---- the host's memory ---- */

static int dma_map(struct target *t, struct dma *a)
{
	(void)t;
	if (d.areas == AREAS_MAX || a->len > 1u << 24)
		return -ENOMEM;
	a->len = (a->len + 4095) & ~(size_t)4095;
	MUST(!posix_memalign(&a->va, a->align > 4096 ? a->align : 4096, a->len));
	memset(a->va, 0, a->len);
	a->iova = (uintptr_t)a->va;
	d.area[d.areas++] = *a;
	return 0;
}

static void dma_unmap(struct target *t, struct dma *a)
{
	(void)t;
	for (unsigned i = 0; i < d.areas; i++) {
		if (d.area[i].va != a->va)
			continue;
		free(a->va);
		d.area[i] = d.area[--d.areas];
		return;
	}
	MUST(!"unmaps what is not mapped");
}

/* Where len bytes of bus addresses are, or NULL. */
static uint8_t *memory(uint64_t addr, size_t len)
{
	for (unsigned i = 0; i < d.areas; i++) {
		const struct dma *a = &d.area[i];

		if (addr >= a->iova && addr - a->iova < a->len && len <= a->len - (addr - a->iova))
			return (uint8_t *)a->va + (addr - a->iova);
	}
	return NULL;
}

/* ---- completions ---- */

static void put_entry(unsigned qid, const struct cqe *e)
{
	struct ring *cq = &d.cq[qid];
	uint8_t *to = memory(cq->addr + cq->at * sizeof(*e), sizeof(*e));

	if (!to || !cq->entries)
		return;
	memcpy(to, e, sizeof(*e));
	if (++cq->at == cq->entries) {
		cq->at = 0;
		cq->phase = !cq->phase;
	}
}

static void complete(unsigned qid, const struct sqe *e, uint16_t status, uint32_t dw0)
{
	struct cqe c = { .dw0 = le32_from(dw0),
			 .sqhd = le16_from((uint16_t)d.sq[qid].at),
			 .sqid = le16_from((uint16_t)qid),
			 .cid = e->cid,
			 .status = le16_from((uint16_t)(status << 1 | d.cq[qid].phase)) };

	put_entry(qid, &c);
}

/* Runs of bytes into the first page. */
static void give_data(const struct sqe *e)
{
	uint64_t prp1 = le64_get(e->prp1);
	size_t room = 4096 - prp1 % 4096;
	uint8_t *to = memory(prp1, 1);

	if ((e->opcode & 3) != 2 || !to)
		return;
	for (unsigned n = take8(&d.in) & 31; n; n--) {
		size_t at = take_le(&d.in, 2) % room, len = take8(&d.in);
		const uint8_t *bytes = take(&d.in, len < room - at ? len : room - at, &len);

		if (memory(prp1 + at, len))
			memcpy(to + at, bytes, len);
	}
}

/* Create I/O Completion Queue and Create I/O Submission Queue. */
static void learn_queue(const struct sqe *e)
{
	uint32_t cdw10 = le32_get(e->cdw10);
	unsigned qid = cdw10 & 0xffff;
	struct ring r = { le64_get(e->prp1), (cdw10 >> 16) + 1, 0, 0, true };

	if (!qid || qid >= QUEUES)
		return;
	if (e->opcode == nvme_admin_create_cq)
		d.cq[qid] = r;
	if (e->opcode == nvme_admin_create_sq)
		d.sq[qid] = r;
}

static void answer(unsigned qid, const struct sqe *e)
{
	uint8_t how = take8(&d.in);
	struct cqe raw;
	const uint8_t *bytes;
	size_t n;

	switch (how & 7) {
	case 5:
		complete(qid, e, (uint16_t)take_le(&d.in, 2), (uint32_t)take_le(&d.in, 4));
		break;
	case 6:
		bytes = take(&d.in, sizeof(raw), &n);
		memset(&raw, 0, sizeof(raw));
		memcpy(&raw, bytes, n);
		put_entry(qid, &raw);
		break;
	case 7: /* it is lost */
		break;
	default:
		give_data(e);
		if (!qid)
			learn_queue(e);
		complete(qid, e, 0, how & 8 ? (uint32_t)take_le(&d.in, 4) : 0x00030003);
		if (how & 16)
			complete(qid, e, 0, 0);
	}
}

static bool work(unsigned qid)
{
	struct ring *sq = &d.sq[qid];
	const uint8_t *from;
	struct sqe e;

	if (!sq->entries || sq->at == sq->to || !d.in.left)
		return false;
	from = memory(sq->addr + sq->at * sizeof(e), sizeof(e));
	if (++sq->at >= sq->entries)
		sq->at = 0;
	if (!from)
		return false;
	memcpy(&e, from, sizeof(e));
	answer(qid, &e);
	return true;
}

/* ---- the target ---- */

static int relax(struct target *t, uint64_t ns)
{
	(void)t;
	MUST(d.relaxes++ < RELAXES);
	for (unsigned qid = 0; qid < QUEUES; qid++)
		if (work(qid)) {
			d.now_ns += NS_PER_US;
			return 0;
		}
	d.now_ns += ns > NS_PER_S ? ns : NS_PER_S;
	return 0;
}

static uint64_t now(struct target *t)
{
	(void)t;
	return d.now_ns;
}

static int reg_read(struct target *t, uint64_t off, unsigned width, uint64_t *ret)
{
	(void)t;
	(void)width;
	switch (off) {
	case REG_CAP:
		*ret = d.cap;
		break;
	case REG_VS:
		*ret = d.vs;
		break;
	case REG_CC:
		*ret = d.cc;
		break;
	case REG_CSTS:
		*ret = (d.cc & 1) | (d.cc >> 14 & 3 ? 8 : 0);
		break;
	default:
		*ret = take_le(&d.in, 1);
	}
	return 0;
}

static void enable(uint32_t cc)
{
	if (cc & ~d.cc & 1) {
		memset(d.sq, 0, sizeof(d.sq));
		memset(d.cq, 0, sizeof(d.cq));
		d.sq[0] = (struct ring){ d.asq, (d.aqa & 0xfff) + 1, 0, 0, true };
		d.cq[0] = (struct ring){ d.acq, (d.aqa >> 16 & 0xfff) + 1, 0, 0, true };
	}
	d.cc = cc;
}

static void doorbell(uint64_t off, uint64_t value)
{
	uint64_t n = (off - REG_DOORBELLS) / (4u << (d.cap >> 32 & 15));

	if (n % 2 == 0 && n / 2 < QUEUES)
		d.sq[n / 2].to = (uint32_t)value;
}

static int reg_write(struct target *t, uint64_t off, unsigned width, uint64_t value)
{
	(void)t;
	(void)width;
	switch (off) {
	case REG_CC:
		enable((uint32_t)value);
		break;
	case REG_AQA:
		d.aqa = (uint32_t)value;
		break;
	case REG_ASQ:
		d.asq = value;
		break;
	case REG_ACQ:
		d.acq = value;
		break;
	default:
		if (off >= REG_DOORBELLS)
			doorbell(off, value);
	}
	return 0;
}

static const struct target_ops ops = {
	.scheme = "fuzz",
	.reg_read = reg_read,
	.reg_write = reg_write,
	.dma_map = dma_map,
	.dma_unmap = dma_unmap,
	.now = now,
	.relax = relax,
};

/* ---- the host ---- */

static void told(void *ctx, const char *name, const char *value, const char *note)
{
	(void)ctx;
	MUST(name && *name && value && note);
}

static void reap(struct rung *g, unsigned n)
{
	struct block_io *done[DEPTH];

	while (n) {
		int got = rung_io_reap(g, done, DEPTH, d.now_ns + NS_PER_S);

		MUST(got <= (int)n);
		if (got <= 0)
			return;
		n -= (unsigned)got;
	}
}

static void do_io(struct target *t, const struct facts *f)
{
	struct rung *g;
	struct dma a;
	struct block_io io[DEPTH], *list[DEPTH];
	int n;

	if (rung_open(t, f, &(struct io_options){ .depth = DEPTH }, &g))
		return;
	if (!rung_dma_alloc(g, 65536, &a)) {
		for (unsigned i = 0; i < DEPTH; i++) {
			io[i] = (struct block_io){ .op = i & 1 ? BLOCK_WRITE : BLOCK_READ,
						   .nsid = f->ns[f->scratch].nsid,
						   .lba = i,
						   .blocks = BLOCKS,
						   .data = &a };
			list[i] = &io[i];
		}
		n = rung_io_submit(g, list, DEPTH);
		MUST(n <= (int)DEPTH);
		reap(g, n > 0 ? (unsigned)n : 0);
		rung_dma_free(g, &a);
	}
	rung_close(g);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct facts f;
	static struct spec_ctrl claims;
	struct target t = { .ops = &ops };

	memset(&d, 0, sizeof(d));
	d.in = (struct input){ data, size };
	d.cap = take_le(&d.in, 8);
	d.vs = (uint32_t)take_le(&d.in, 4);
	d.now_ns = NS_PER_S;
	t.caps.has = NEED_QUEUES;
	t.caps.stepped = true;
	t.caps.dma_bytes = 64u << 20;
	if (!facts_gather(&t, &f)) {
		MUST(f.n_ns <= FACTS_NS_MAX && memchr(f.trouble, 0, sizeof(f.trouble)));
		MUST(!f.has_scratch || f.scratch < f.n_ns);
		facts_claims(&f, &claims);
		facts_each(&f, told, NULL);
		if (f.alive && f.has_scratch)
			do_io(&t, &f);
	}
	MUST(!d.areas);
	return 0;
}
