// SPDX-License-Identifier: GPL-2.0-or-later
#include "dptr_bench.h"

#include <stdio.h>
#include <string.h>

struct bench *bench_new(struct rig *r, const struct facts_ns *ns, size_t room)
{
	struct bench *b = rig_mem(r, sizeof(*b));
	size_t mdts = rig_mdts(r), blocks;

	b->r = r;
	b->ns = ns;
	b->q = rig_queue(r);
	b->page = rig_ctrl(r)->page;
	room = room < mdts ? room : mdts;
	blocks = room / ns->lba_bytes;
	b->max = (uint32_t)(FIRST_LBA + blocks < ns->nsze ? blocks : 0);
	b->npages = 2 * (room / b->page + 2);
	if (b->npages > PAGES_MAX)
		rig_skip(r, "needs", "this case builds transfers of at most %u pages", PAGES_MAX);
	b->mem = rig_buf(r, b->npages * b->page);
	b->line = rig_mem(r, room + b->page + ns->lba_bytes); /* for one block too many */
	b->want = rig_mem(r, b->mem->len);
	return b;
}

/* As many pages of the layout as the transfer needs: one after the other, or any in any order. */
static void lay_pages(struct bench *b, size_t offset, uint32_t blocks)
{
	size_t len = offset + (size_t)blocks * b->ns->lba_bytes;

	b->l = (struct layout){ .offset = offset, .blocks = blocks };
	b->l.n = (unsigned)((len + b->page - 1) / b->page);
	if (b->l.n + 1 > b->npages)
		rig_broken(b->r, "a transfer of %u pages does not fit the bench", b->l.n);
}

void lay_straight(struct bench *b, size_t offset, uint32_t blocks)
{
	lay_pages(b, offset, blocks);
	for (unsigned i = 0; i < b->l.n; i++)
		b->at[i] = (i + 1) * b->page;
}

void lay_scattered(struct bench *b, size_t offset, uint32_t blocks)
{
	lay_pages(b, offset, blocks);
	for (size_t i = 0; i < b->npages; i++)
		b->deck[i] = i;
	for (unsigned i = 0; i < b->l.n; i++) {
		size_t pick = i + (size_t)rig_rand_below(b->r, b->npages - i);

		b->at[i] = b->deck[pick] * b->page;
		b->deck[pick] = b->deck[i];
	}
	if (b->l.n > 1 && b->at[1] == b->at[0] + b->page) { /* the second page is not the next */
		b->at[0] = b->at[1];
		b->at[1] -= b->page;
	}
}

void bench_spread(const struct bench *b, uint8_t *mem)
{
	size_t left = (size_t)b->l.blocks * b->ns->lba_bytes, done = 0;

	for (unsigned i = 0; i < b->l.n; i++) {
		size_t off = i ? 0 : b->l.offset, n = b->page - off < left ? b->page - off : left;

		memcpy(mem + b->at[i] + off, b->line + done, n);
		done += n;
		left -= n;
	}
}

struct prp_list *bench_point(struct bench *b, struct cmd *c)
{
	struct prp_plan plan = { b->iova, b->l.n, b->l.list_start, b->l.reverse };
	struct prp_list *list;

	for (unsigned i = 0; i < b->l.n; i++)
		b->iova[i] = b->mem->iova + b->at[i] + (i ? 0 : b->l.offset);
	rig_prp_plan(b->r, c, &plan, &list);
	snprintf(b->what, sizeof(b->what),
		 "%s of %u blocks of %u bytes, offset %zu, %u pages, list from %zu",
		 c->dir == CMD_IN ? "Read" : "Write", b->l.blocks, b->ns->lba_bytes, b->l.offset,
		 b->l.n, b->l.list_start);
	b->list = list;
	return list;
}

/* List pages are the host's: looked at and given back. */
static void drop_list(struct bench *b, struct prp_list *list)
{
	for (unsigned i = 0; i < prp_list_pages(list); i++)
		CHECK_TRUE(b->r, buf_broken(prp_list_page(list, i)) == BUF_INTACT,
			   "memory around list page %u is untouched: %s", i, b->what);
	prp_free(rig_ctrl(b->r), list);
}

struct cmd bench_cmd(const struct bench *b, bool write)
{
	return write ? cmd_write(b->ns->nsid, FIRST_LBA, b->l.blocks, NULL, 0)
		     : cmd_read(b->ns->nsid, FIRST_LBA, b->l.blocks, NULL, 0);
}

void bench_poison(struct bench *b)
{
	memset(b->mem->data, 0x11 + (int)rig_rand_below(b->r, 0x80), b->mem->len);
	memcpy(b->want, b->mem->data, b->mem->len);
}

void bench_stamp(struct bench *b, uint64_t tag)
{
	rig_stamp(b->line, FIRST_LBA, b->l.blocks, b->ns->lba_bytes, tag);
}

void plain_write(struct bench *b, uint32_t blocks)
{
	rig_io_ok(b->r, b->q,
		  cmd_write(b->ns->nsid, FIRST_LBA, blocks, b->line,
			    (size_t)blocks * b->ns->lba_bytes));
}

void plain_read(struct bench *b, uint32_t blocks)
{
	struct cmd c = cmd_read(b->ns->nsid, FIRST_LBA, blocks, b->line,
				(size_t)blocks * b->ns->lba_bytes);

	CHECK_STATUS_OF(b->r, "plain Read: status", rig_io(b->r, b->q, c), SC_SUCCESS);
}

void ask_write(struct bench *b)
{
	struct cmd c = bench_cmd(b, true);
	struct prp_list *list = bench_point(b, &c);
	uint64_t tag = rig_rand(b->r);

	bench_poison(b);
	bench_stamp(b, tag);
	bench_spread(b, b->mem->data);
	bench_spread(b, b->want);
	CHECK_STATUS_OF(b->r, b->what, rig_io(b->r, b->q, c), SC_SUCCESS);
	CHECK_MEM(b->r, "memory that a Write reads", b->mem->data, b->want, b->mem->len);
	drop_list(b, list);
	plain_read(b, b->l.blocks);
	CHECK_STAMP(b->r, b->line, FIRST_LBA, b->l.blocks, b->ns->lba_bytes, tag);
}

void ask_read(struct bench *b)
{
	struct cmd c = bench_cmd(b, false);
	struct prp_list *list = bench_point(b, &c);

	bench_poison(b);
	bench_stamp(b, rig_rand(b->r));
	bench_spread(b, b->want);
	plain_write(b, b->l.blocks);
	CHECK_STATUS_OF(b->r, b->what, rig_io(b->r, b->q, c), SC_SUCCESS);
	CHECK_MEM(b->r, b->what, b->mem->data, b->want, b->mem->len);
	drop_list(b, list);
}

void ask_both(struct bench *b)
{
	ask_write(b);
	ask_read(b);
}

bool ask_list(struct bench *b, unsigned slots, unsigned entries, bool reverse)
{
	uint64_t len = (entries + 1ull) * b->page;

	if (len > b->max * (uint64_t)b->ns->lba_bytes || len % b->ns->lba_bytes)
		return false;
	lay_scattered(b, 0, (uint32_t)(len / b->ns->lba_bytes));
	b->l.list_start = b->page - slots * 8u;
	b->l.reverse = reverse;
	ask_both(b);
	return true;
}

void bench_check_elsewhere(struct bench *b)
{
	for (unsigned i = 0; i < b->l.n; i++)
		memcpy(b->want + b->at[i], b->mem->data + b->at[i], b->page);
	CHECK_MEM(b->r, "memory outside the pages that the command names", b->mem->data, b->want,
		  b->mem->len);
}

void bench_check_usable(struct bench *b)
{
	struct cmd c = cmd_flush(b->ns->nsid);
	struct cpl cpl;
	bool works;

	rig_put(b->r, b->q, c);
	rig_ring(b->r, b->q);
	works = rig_try(b->r, b->q->cq, &cpl, BENCH_ANSWER_NS) &&
		!(rig_reg32(b->r, REG_CSTS) & CSTS_CFS);
	ADVISE_TRUE(b->r, works, "the queue works after a failed transfer, without a reset");
	if (!works)
		rig_reset(b->r);
	b->q = rig_queue(b->r);
	plain_read(b, 1);
}
