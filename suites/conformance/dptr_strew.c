// SPDX-License-Identifier: GPL-2.0-or-later
#include <stdio.h>
#include <string.h>

#include "dptr_sgl.h"

const char *na_no_sgl(const struct facts *f)
{
	uint32_t sgls = le32_get(f->id.sgls);

	return sgls & NVME_CTRL_SGLS_SUPPORTED ? NULL : rig_na_text("SGLS is %08Xh: no SGLs", sgls);
}

struct sgl_bench *sgl_bench_new(struct rig *r, const struct facts_ns *ns, size_t room)
{
	struct sgl_bench *s = rig_mem(r, sizeof(*s));
	uint32_t sgls = le32_get(rig_facts(r)->id.sgls);

	s->b = bench_new(r, ns, room);
	s->granule = (sgls & NVME_CTRL_SGLS_SUPPORTED) == 1 ? 1 : 4;
	if (!s->b->max)
		rig_na(r, "not one block of %u bytes fits MDTS", ns->lba_bytes);
	return s;
}

size_t strew_bytes(const struct sgl_bench *s)
{
	return (size_t)s->b->l.blocks * s->b->ns->lba_bytes;
}

void strew_one(struct sgl_bench *s, size_t at, uint32_t blocks)
{
	s->b->l = (struct layout){ .blocks = blocks };
	s->n = 1;
	s->piece[0] = (struct piece){ .at = at, .len = (uint32_t)strew_bytes(s) };
}

/* Any order of the pieces in memory, with any gaps between them. */
void strew_places(struct sgl_bench *s)
{
	struct bench *b = s->b;
	size_t spare = b->mem->len - strew_bytes(s), at = 0;
	unsigned order[PIECES_MAX];

	for (unsigned i = 0; i < s->n; i++)
		order[i] = i;
	for (unsigned i = 0; i < s->n; i++) {
		unsigned pick = i + (unsigned)rig_rand_below(b->r, s->n - i), own = order[pick];
		size_t gap = (size_t)rig_rand_below(b->r, spare / s->n + 1);

		order[pick] = order[i];
		at += gap / s->granule * s->granule;
		s->piece[own].at = at;
		at += s->piece[own].len;
	}
}

void strew(struct sgl_bench *s, unsigned n, uint32_t blocks)
{
	uint32_t left;

	s->b->l = (struct layout){ .blocks = blocks };
	left = (uint32_t)strew_bytes(s) / s->granule;
	s->n = n < left ? n : left;
	for (unsigned i = 0; i < s->n; i++) {
		uint32_t others = s->n - 1 - i, most = left - others;
		uint32_t fair = 2 * (left / (others + 1));
		uint32_t len =
			others ? 1 + (uint32_t)rig_rand_below(s->b->r, fair < most ? fair : most)
			       : left;

		s->piece[i] = (struct piece){ .len = len * s->granule };
		left -= len;
	}
	strew_places(s);
}

void strew_insert(struct sgl_bench *s, unsigned i, struct piece p)
{
	if (s->n == PIECES_MAX)
		rig_broken(s->b->r, "more than %u pieces", PIECES_MAX);
	memmove(&s->piece[i + 1], &s->piece[i], (s->n - i) * sizeof(s->piece[0]));
	s->piece[i] = p;
	s->n++;
}

void strew_point(struct sgl_bench *s, struct cmd *c)
{
	struct bench *b = s->b;

	for (unsigned i = 0; i < s->n; i++) {
		const struct piece *p = &s->piece[i];

		s->desc[i] =
			p->bucket ? sgl_bucket(p->len) : sgl_data(b->mem->iova + p->at, p->len);
	}
	s->plan.desc = s->desc;
	s->plan.n = s->n;
	rig_sgl_plan(b->r, c, &s->plan, &s->list);
	snprintf(b->what, sizeof(b->what),
		 "%s of %u blocks of %u bytes, SGL of %u descriptors in %u segments, first of %u "
		 "bytes at page offset %zu",
		 c->dir == CMD_IN ? "Read" : "Write", b->l.blocks, b->ns->lba_bytes, s->n,
		 sgl_segments(s->list), s->piece[0].len, s->piece[0].at % b->page);
}

void strew_spread(const struct sgl_bench *s, uint8_t *mem, bool write)
{
	size_t done = 0, total = strew_bytes(s);

	for (unsigned i = 0; i < s->n && done < total; i++) {
		const struct piece *p = &s->piece[i];
		size_t n = p->len < total - done ? p->len : total - done;

		if (p->bucket && write)
			continue;
		if (!p->bucket)
			memcpy(mem + p->at, s->b->line + done, n);
		done += n;
	}
}

struct cmd strew_cmd(struct sgl_bench *s, bool write, uint64_t tag)
{
	struct bench *b = s->b;
	struct cmd c = bench_cmd(b, write);

	strew_point(s, &c);
	bench_poison(b);
	bench_stamp(b, tag);
	if (write)
		strew_spread(s, b->mem->data, true);
	else
		plain_write(b, b->l.blocks);
	return c;
}

void strew_check(struct sgl_bench *s, bool write, uint64_t tag)
{
	struct bench *b = s->b;

	strew_spread(s, b->want, write);
	CHECK_MEM(b->r, b->what, b->mem->data, b->want, b->mem->len);
	if (!write)
		return;
	plain_read(b, b->l.blocks);
	CHECK_STAMP(b->r, b->line, FIRST_LBA, b->l.blocks, b->ns->lba_bytes, tag);
}

void strew_check_elsewhere(struct sgl_bench *s)
{
	struct bench *b = s->b;

	for (unsigned i = 0; i < s->n; i++)
		if (!s->piece[i].bucket)
			memcpy(b->want + s->piece[i].at, b->mem->data + s->piece[i].at,
			       s->piece[i].len);
	CHECK_MEM(b->r, "memory outside the blocks that the list names", b->mem->data, b->want,
		  b->mem->len);
}

void strew_drop(struct sgl_bench *s)
{
	for (unsigned i = 0; i < sgl_segments(s->list); i++)
		CHECK_TRUE(s->b->r, buf_broken(sgl_segment_buf(s->list, i)) == BUF_INTACT,
			   "memory around SGL segment %u is untouched: %s", i, s->b->what);
	sgl_free(rig_ctrl(s->b->r), s->list);
	s->list = NULL;
}

static void ask(struct sgl_bench *s, bool write)
{
	uint64_t tag = rig_rand(s->b->r);
	struct cmd c = strew_cmd(s, write, tag);

	if (CHECK_STATUS_OF(s->b->r, s->b->what, rig_io(s->b->r, s->b->q, c), SC_SUCCESS))
		strew_check(s, write, tag);
	else
		strew_check_elsewhere(s);
	strew_drop(s);
}

void ask_strewn_write(struct sgl_bench *s)
{
	ask(s, true);
}

void ask_strewn_read(struct sgl_bench *s)
{
	ask(s, false);
}

void ask_strewn(struct sgl_bench *s)
{
	ask(s, true);
	ask(s, false);
}
