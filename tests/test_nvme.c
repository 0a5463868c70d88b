// SPDX-License-Identifier: GPL-2.0-or-later
/* lib/nvme over the model: PRP layouts, queues of odd sizes, canaries, the rungs. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "nvme/ctrl.h"
#include "nvme/facts.h"
#include "nvme/prp.h"
#include "nvme/rung.h"
#include "nvme/sgl.h"
#include "unit.h"

static struct target *open_model(const char *address)
{
	struct target *t = NULL;
	char error[256];

	CU_ASSERT_EQUAL_FATAL(target_open(address, &t, error), 0);
	return t;
}

static struct ctrl *bring_up(struct target *t)
{
	struct ctrl_config cfg;
	struct ctrl *c = NULL;

	CU_ASSERT_EQUAL_FATAL(ctrl_open(t, &c), 0);
	cfg = ctrl_defaults(c);
	CU_ASSERT_EQUAL_FATAL(ctrl_enable(c, &cfg, NULL), 0);
	return c;
}

/* One descriptor is in the command; a segment that is full ends with a pointer only if more follow.
 */
static void sgl_layouts(void)
{
	struct target *t = open_model("model:");
	struct ctrl *c = bring_up(t);
	struct sgl_desc d[7];
	struct sgl_list *l;
	struct sqe e = { 0 };
	unsigned n;

	for (unsigned i = 0; i < ARRAY_SIZE(d); i++)
		d[i] = sgl_data(0x100000 + i * 0x1001, 100 + i);
	CU_ASSERT_EQUAL(sgl_build(c, &(struct sgl_plan){ .desc = d, .n = 1 }, &e, &l), 0);
	CU_ASSERT_PTR_NULL(l);
	CU_ASSERT_EQUAL(e.flags, PSDT_SGL);
	CU_ASSERT_EQUAL(le64_get(e.prp1), 0x100000);
	CU_ASSERT_EQUAL(le64_get(e.prp2), 100);

	/* three fill a segment of three */
	CU_ASSERT_EQUAL(
		sgl_build(c, &(struct sgl_plan){ .desc = d, .n = 3, .per_segment = 3 }, &e, &l), 0);
	CU_ASSERT_EQUAL(sgl_segments(l), 1);
	CU_ASSERT_EQUAL(sgl_get(&e).id, SGL_LAST_SEGMENT << 4);
	CU_ASSERT_EQUAL(le32_get(sgl_get(&e).len), 48);
	CU_ASSERT_EQUAL(memcmp(sgl_segment(l, 0, &n), d, sizeof(d[0]) * 3), 0);
	CU_ASSERT_EQUAL(n, 3);
	sgl_free(c, l);

	/* seven: two and a pointer, two and a pointer, three; a detour before them */
	CU_ASSERT_EQUAL(sgl_build(c,
				  &(struct sgl_plan){ .desc = d,
						      .n = 7,
						      .per_segment = 3,
						      .start = 4088,
						      .detour = true },
				  &e, &l),
			0);
	CU_ASSERT_EQUAL(sgl_segments(l), 4);
	CU_ASSERT_EQUAL(sgl_get(&e).id, SGL_SEGMENT << 4);
	CU_ASSERT_EQUAL(le64_get(sgl_get(&e).addr) % 4096, 4088);
	sgl_segment(l, 0, &n);
	CU_ASSERT_EQUAL(n, 1);
	CU_ASSERT_EQUAL(sgl_segment(l, 1, &n)[2].id, SGL_SEGMENT << 4);
	CU_ASSERT_EQUAL(sgl_segment(l, 2, &n)[2].id, SGL_LAST_SEGMENT << 4);
	CU_ASSERT_EQUAL(memcmp(sgl_segment(l, 3, &n), d + 4, sizeof(d[0]) * 3), 0);
	CU_ASSERT_EQUAL(sgl_build(c, &(struct sgl_plan){ .desc = d, .n = 7, .start = 4 }, &e, &l),
			-EINVAL);
	ctrl_close(c); /* and the list with it */
	target_close(t);
}

/* Entries that end exactly at the list page's end are entries; one more makes the last a pointer.
 */
static void prp_layouts(void)
{
	struct target *t = open_model("model:");
	struct ctrl *c = bring_up(t);
	uint64_t pages[1100];
	struct prp_list *l;
	struct sqe e = { 0 };

	for (unsigned i = 0; i < ARRAY_SIZE(pages); i++)
		pages[i] = 0x100000ull + i * 0x3000;
	pages[0] += 0x200;

	CU_ASSERT_EQUAL(prp_build(c, &(struct prp_plan){ .pages = pages, .npages = 1 }, &e, &l), 0);
	CU_ASSERT_PTR_NULL(l);
	CU_ASSERT_EQUAL(le64_get(e.prp1), 0x100200);
	CU_ASSERT_EQUAL(le64_get(e.prp2), 0);

	CU_ASSERT_EQUAL(prp_build(c, &(struct prp_plan){ .pages = pages, .npages = 2 }, &e, &l), 0);
	CU_ASSERT_PTR_NULL(l);
	CU_ASSERT_EQUAL(le64_get(e.prp2), pages[1]);

	/* 512 entries from the start of a page: exactly one page */
	CU_ASSERT_EQUAL(prp_build(c, &(struct prp_plan){ .pages = pages, .npages = 513 }, &e, &l),
			0);
	CU_ASSERT_EQUAL(prp_list_pages(l), 1);
	CU_ASSERT_EQUAL(le64_at(prp_list_page(l, 0)->data + 511 * 8), pages[512]);
	prp_free(c, l);

	/* 513 entries: the last slot points on */
	CU_ASSERT_EQUAL(prp_build(c, &(struct prp_plan){ .pages = pages, .npages = 514 }, &e, &l),
			0);
	CU_ASSERT_EQUAL(prp_list_pages(l), 2);
	CU_ASSERT_EQUAL(le64_at(prp_list_page(l, 0)->data + 511 * 8), prp_list_page(l, 1)->iova);
	CU_ASSERT_EQUAL(le64_at(prp_list_page(l, 1)->data), pages[512]);
	CU_ASSERT_EQUAL(le64_at(prp_list_page(l, 1)->data + 8), pages[513]);
	prp_free(c, l);

	/* started in the last slot: that slot can only be a pointer, unless one entry is all */
	CU_ASSERT_EQUAL(prp_build(c,
				  &(struct prp_plan){ .pages = pages,
						      .npages = 3,
						      .list_start = 4088,
						      .reverse_lists = true },
				  &e, &l),
			0);
	CU_ASSERT_EQUAL(prp_list_pages(l), 2);
	CU_ASSERT_EQUAL(le64_get(e.prp2), prp_list_page(l, 0)->iova + 4088);
	CU_ASSERT_EQUAL(le64_at(prp_list_page(l, 0)->data + 4088), prp_list_page(l, 1)->iova);
	prp_free(c, l);

	CU_ASSERT_EQUAL(prp_build(c, &(struct prp_plan){ .pages = pages, .npages = 0 }, &e, &l),
			-EINVAL);
	CU_ASSERT_EQUAL(
		prp_build(c, &(struct prp_plan){ .pages = pages, .npages = 3, .list_start = 4 }, &e,
			  &l),
		-EINVAL);
	ctrl_close(c);
	target_close(t);
}

static void odd_queues(void)
{
	static const uint32_t sizes[] = { 2, 3, 7, 64, 1023 };
	struct target *t = open_model("model:");
	struct ctrl *c = bring_up(t);

	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		struct cmd cmd = cmd_flush(1);
		struct sq *q = NULL;
		struct cpl cpl;

		CU_ASSERT_EQUAL_FATAL(queue_pair_create(c, 1, sizes[i], false, 0, &q, NULL), 0);
		CU_ASSERT_EQUAL(sq_room(q), sizes[i] - 1);
		for (uint32_t n = 0; n < 3 * sizes[i]; n++) {
			CU_ASSERT_EQUAL_FATAL(ctrl_exec(c, q, &cmd, &cpl), 0);
			CU_ASSERT_EQUAL(cpl.status, SC_SUCCESS);
		}
		CU_ASSERT_EQUAL(queue_pair_delete(q), 0);
	}
	ctrl_close(c);
	target_close(t);
}

struct heard {
	unsigned n;
	char rule[40];
};

static void hear(void *ctx, const char *rule, const char *text)
{
	struct heard *h = ctx;

	(void)text;
	if (!h->n++)
		snprintf(h->rule, sizeof(h->rule), "%s", rule);
}

/* One Flush on an I/O queue of a controller with this fault: the first rule the audit tells of. */
static struct heard audit_one(const char *address)
{
	struct target *t = open_model(address);
	struct ctrl *c = bring_up(t);
	struct cmd cmd = cmd_flush(1);
	struct heard h = { 0 };
	struct sq *q = NULL;
	struct cpl cpl;

	CU_ASSERT_EQUAL_FATAL(queue_pair_create(c, 1, 8, false, 0, &q, NULL), 0);
	c->audit = hear;
	c->audit_ctx = &h;
	c->io_timeout_ns = 50 * NS_PER_MS;
	ctrl_exec(c, q, &cmd, &cpl);
	/* What the first wait did not see: a second entry for one command. */
	while (!cq_wait(q->cq, &cpl, target_now(t) + 10 * NS_PER_MS))
		;
	ctrl_close(c);
	target_close(t);
	return h;
}

/* Each kind of bad completion is told by the audit under its own rule. */
static void audit_hears(void)
{
	static const struct {
		const char *address, *rule;
	} rows[] = {
		{ "model:", "" },
		{ "model:fault=wrong-cid", "cqe.cid" },
		{ "model:fault=wrong-sqid", "cqe.sqid" },
		{ "model:fault=reserved-status", "cqe.status" },
		{ "model:fault=cqe-reserved-bits", "should:cqe.dnr" },
		{ "model:fault=double-cqe", "cqe.cid" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct heard h = audit_one(rows[i].address);

		CU_ASSERT_EQUAL(h.n > 0, rows[i].rule[0] != 0);
		CU_ASSERT_STRING_EQUAL(h.rule, rows[i].rule);
	}
}

static void canaries(void)
{
	struct target *t = open_model("model:");
	struct ctrl *c = bring_up(t);
	struct buf *b = buf_alloc(c, 100, 0);

	CU_ASSERT_PTR_NOT_NULL_FATAL(b);
	CU_ASSERT_EQUAL(buf_broken(b), BUF_INTACT);
	CU_ASSERT_EQUAL(b->iova % 4096, 0);
	b->data[99] ^= 1;
	CU_ASSERT_EQUAL(buf_broken(b), BUF_INTACT);
	b->data[100] ^= 1;
	CU_ASSERT_EQUAL(buf_broken(b), 100);
	b->data[100] ^= 1;
	b->data[-1] ^= 1;
	CU_ASSERT_EQUAL(buf_broken(b), -1);
	ctrl_close(c);
	target_close(t);
}

/* Deep block I/O on the raw rung: everything comes back once, and reads what was written. */
static void block_rung(void)
{
	enum { DEPTH = 16, IOS = 200 };
	struct target *t = open_model("model:");
	struct facts *f = calloc(1, sizeof(*f));
	struct block_io io[DEPTH], *list[DEPTH];
	unsigned done = 0, sent = 0, seen[IOS] = { 0 };
	struct rung *g = NULL;
	struct dma d;

	CU_ASSERT_EQUAL_FATAL(facts_gather(t, f), 0);
	CU_ASSERT_FATAL(f->alive && f->has_scratch);
	CU_ASSERT_EQUAL_FATAL(rung_open(t, f, &(struct io_options){ .depth = DEPTH }, &g), 0);
	CU_ASSERT_EQUAL_FATAL(rung_dma_alloc(g, IOS * 4096, &d), 0);
	for (size_t i = 0; i < IOS * 4096 / 8; i++)
		((uint64_t *)d.va)[i] = i;
	for (unsigned pass = 0; pass < 2; pass++) { /* write all, then read all */
		if (pass)
			memset(d.va, 0, d.len);
		done = sent = 0;
		memset(seen, 0, sizeof(seen));
		for (unsigned i = 0; i < DEPTH; i++)
			list[i] = &io[i];
		unsigned idle = DEPTH;

		while (done < IOS) {
			while (idle && sent < IOS) {
				struct block_io *x = list[--idle];

				*x = (struct block_io){ .op = pass ? BLOCK_READ : BLOCK_WRITE,
							.fua = sent % 7 == 0,
							.nsid = f->ns[f->scratch].nsid,
							.lba = sent * 8,
							.blocks =
								4096 / f->ns[f->scratch].lba_bytes,
							.data = &d,
							.data_offset = sent * 4096,
							.user = (void *)(uintptr_t)sent };
				CU_ASSERT_EQUAL_FATAL(rung_io_submit(g, &x, 1), 1);
				sent++;
			}
			int n = rung_io_reap(g, list + idle, DEPTH - idle,
					     target_now(t) + 1000000000ull);

			CU_ASSERT_FATAL(n > 0);
			for (int i = 0; i < n; i++) {
				CU_ASSERT_EQUAL(list[idle + (unsigned)i]->result, 0);
				CU_ASSERT(list[idle + (unsigned)i]->complete_ns >=
					  list[idle + (unsigned)i]->submit_ns);
				seen[(uintptr_t)list[idle + (unsigned)i]->user]++;
			}
			idle += (unsigned)n;
			done += (unsigned)n;
		}
		for (unsigned i = 0; i < IOS; i++)
			CU_ASSERT_EQUAL(seen[i], 1);
	}
	for (size_t i = 0; i < IOS * 4096 / 8; i++)
		CU_ASSERT_EQUAL_FATAL(((uint64_t *)d.va)[i], i);
	CU_ASSERT_EQUAL(rung_inflight(g), 0);

	struct block_io bad = { .op = BLOCK_READ, .nsid = 77, .blocks = 1, .data = &d };
	struct block_io *bad_list = &bad;

	CU_ASSERT_EQUAL(rung_io_submit(g, &bad_list, 1), -EINVAL);
	bad.nsid = f->ns[f->scratch].nsid;
	bad.data_offset = d.len;
	CU_ASSERT_EQUAL(rung_io_submit(g, &bad_list, 1), -EINVAL);
	rung_dma_free(g, &d);
	rung_close(g);
	free(f);
	target_close(t);
}

static void addresses(void)
{
	static const struct {
		const char *address, *says;
	} rows[] = {
		{ "model", "no scheme" },
		{ ":x", "no scheme" },
		{ "modle:", "did you mean 'model:'" },
		{ "model:falut=x", "did you mean 'fault'" },
		{ "model:fault=no-such-fault", "no-such-fault" },
		{ "model:mqes=eleven", "eleven" },
		{ "qtest:/nonexistent/sock?mem=/nonexistent/ram", "/nonexistent" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct target *t = (void *)1;
		char error[256] = "";

		CU_ASSERT(target_open(rows[i].address, &t, error) < 0);
		CU_ASSERT_PTR_NULL(t);
		CU_ASSERT_PTR_NOT_NULL(strstr(error, rows[i].says));
	}
}

/* What the door refuses does not go out with what is rung after it. */
static void refused_is_taken_out(void)
{
	struct target *t = open_model("model:");
	struct ctrl *c = bring_up(t);
	uint8_t was[512], is[512], other[512];
	struct cmd read = cmd_read(1, 0, 1, was, sizeof(was));
	struct cmd write = cmd_write(1, 0, 1, other, sizeof(other)), flush = cmd_flush(1);
	struct cpl cpl;
	struct sq *q;

	CU_ASSERT_EQUAL_FATAL(queue_pair_create(c, 1, 8, false, 0, &q, NULL), 0);
	memset(other, 0x5a, sizeof(other));
	CU_ASSERT_EQUAL_FATAL(ctrl_exec(c, q, &read, &cpl), 0);
	t->caps.of_machine = true; /* and nobody showed a token */
	t->caps.emulated = false;
	for (unsigned i = 0; i < 20; i++) {
		CU_ASSERT_EQUAL(ctrl_exec(c, q, &write, &cpl), -EPERM);
		CU_ASSERT_EQUAL(q->inflight, 0);
		CU_ASSERT_EQUAL_FATAL(ctrl_exec(c, q, i % 2 ? &read : &flush, &cpl), 0);
		CU_ASSERT_EQUAL(cpl.status, SC_SUCCESS);
	}
	read = cmd_read(1, 0, 1, is, sizeof(is));
	CU_ASSERT_EQUAL_FATAL(ctrl_exec(c, q, &read, &cpl), 0);
	CU_ASSERT_EQUAL(memcmp(is, was, sizeof(is)), 0);
	ctrl_close(c);
	target_close(t);
}

static const struct unit units[] = {
	{ "what the door refuses", refused_is_taken_out },
	{ "PRP lists and chains", prp_layouts },
	{ "SGL segments", sgl_layouts },
	{ "queues of odd sizes", odd_queues },
	{ "the audit hears", audit_hears },
	{ "canaries", canaries },
	{ "block rung on raw", block_rung },
	{ "bad addresses", addresses },
};

UNIT_MAIN("nvme", units)
