// SPDX-License-Identifier: GPL-2.0-or-later
/* The data of a command: its bytes, and the pointer to them. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "spec/command.h"
#include "storm/flight.h"

#define PSDT	   0xc0u
#define RANGES_MAX 8u

/* splitmix64 over the script's seed and the step's number: the same data wherever it is played. */
static uint64_t draw(const struct player *p, const struct flight *f, uint64_t *at)
{
	uint64_t z = p->script->seed ^ (uint64_t)f->step->number << 32 ^ ++*at;

	z *= 0x9e3779b97f4a7c15ull;
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
	return z ^ (z >> 31);
}

static bool is_io(const struct flight *f)
{
	return f->step->queue != 0;
}

static uint32_t block_bytes(const struct player *p, const struct script_step *s)
{
	const struct facts_ns *ns = s->queue ? effect_ns(p, &s->sqe) : NULL;

	return ns ? ns->lba_bytes : 0;
}

static int64_t length(const struct player *p, const struct script_step *s)
{
	return spec_data_bytes(!s->queue, &s->sqe, block_bytes(p, s));
}

bool data_in_sandbox(const struct player *p, const struct script_step *s)
{
	int64_t len = length(p, s);

	return len < 0 || len > FLIGHT_BYTES || (len > 0 && s->pointer == POINTER_SANDBOX) ||
	       (!s->queue &&
		(s->sqe.opcode == nvme_admin_create_cq || s->sqe.opcode == nvme_admin_create_sq));
}

/* ---- bytes that go out ---- */

static void fill_blocks(const struct player *p, const struct flight *f, uint8_t *data)
{
	uint32_t bytes = block_bytes(p, f->step);

	for (uint64_t k = 0; bytes && (k + 1) * bytes <= f->len; k++)
		blocks_fill(data + k * bytes, f->id + k, bytes);
}

/* Ranges of the followed part, short ones; now and then one of no blocks or past the end. */
static void draw_range(const struct player *p, const struct flight *f, uint64_t *at,
		       uint64_t *ret_lba, uint32_t *ret_n)
{
	const struct facts_ns *ns = effect_ns(p, &f->step->sqe);
	const struct region *g = &p->region[0];

	for (unsigned i = 0; ns && i < p->regions; i++)
		if (p->region[i].ns == ns && draw(p, f, at) % 3)
			g = &p->region[i];
	*ret_n = (uint32_t)(draw(p, f, at) % 12);
	*ret_lba = blocks_first(g->blocks) + draw(p, f, at) % blocks_count(g->blocks);
	if (draw(p, f, at) % 16 == 0)
		*ret_lba = (ns ? ns->nsze : 0) - 2;
}

static void fill_dsm(const struct player *p, const struct flight *f, uint8_t *data)
{
	struct nvme_dsm_range *r = (struct nvme_dsm_range *)data;
	uint64_t at = 0, lba;
	uint32_t n;

	for (size_t i = 0; (i + 1) * sizeof(*r) <= f->len; i++) {
		draw_range(p, f, &at, &lba, &n);
		r[i] = (struct nvme_dsm_range){ .nlb = le32_from(n), .slba = le64_from(lba) };
	}
}

static void fill_copy(const struct player *p, const struct flight *f, uint8_t *data)
{
	struct nvme_copy_range *r = (struct nvme_copy_range *)data;
	uint64_t at = 0, lba;
	uint32_t n;

	memset(data, 0, f->len);
	for (size_t i = 0; (i + 1) * sizeof(*r) <= f->len; i++) {
		draw_range(p, f, &at, &lba, &n);
		r[i].slba = le64_from(lba);
		r[i].nlb = le16_from((uint16_t)(n ? n - 1 : 0));
	}
}

static void fill(const struct player *p, const struct flight *f, uint8_t *data)
{
	if (!is_io(f))
		memset(data, 0, f->len);
	else if (f->sqe.opcode == nvme_cmd_dsm)
		fill_dsm(p, f, data);
	else if (f->sqe.opcode == nvme_cmd_copy)
		fill_copy(p, f, data);
	else
		fill_blocks(p, f, data);
}

/* ---- pointers ---- */

static void point_sgl(struct flight *f, uint64_t addr)
{
	f->sqe.prp1 = le64_from(addr);
	f->sqe.prp2 = le64_from((uint64_t)(uint32_t)f->len); /* a data block */
}

/* Pages in descending order, the data copied into them. */
static int point_list(struct player *p, struct flight *f)
{
	size_t page = p->c->page, n = (f->step->offset + f->len + page - 1) / page;
	struct prp_plan plan;

	f->pages = calloc(n, sizeof(*f->pages));
	if (!f->pages)
		return -ENOMEM;
	for (size_t i = 0, done = 0; i < n; i++) {
		size_t into = i ? 0 : f->step->offset, at = (n - 1 - i) * page + into;
		size_t part = page - into < f->len - done ? page - into : f->len - done;

		f->pages[i] = f->buf->iova + at;
		if (f->given)
			memcpy(f->buf->data + at, f->given + done, part);
		done += part;
	}
	plan = (struct prp_plan){ .pages = f->pages, .npages = (unsigned)n };
	return prp_build(p->c, &plan, &f->sqe, &f->list);
}

static int point_flat(struct player *p, struct flight *f)
{
	uint64_t addr = f->buf->iova + f->step->offset;

	if (f->given)
		memcpy(f->buf->data + f->step->offset, f->given, f->len);
	if (!(f->sqe.flags & PSDT))
		return prp_fill(p->c, addr, f->len, &f->sqe, &f->list);
	point_sgl(f, addr);
	return 0;
}

/*
 * The sandbox: every dword pair of each page is the address of one of its pages, so whatever is
 * taken for a list or a queue leads back into it.
 */
static void point_sandbox(struct player *p, struct flight *f)
{
	size_t page = p->c->page, per = page / sizeof(__le64);
	__le64 *word = (__le64 *)p->sandbox->data;

	for (size_t i = 0; i < SANDBOX_PAGES * per; i++)
		word[i] = le64_from(p->sandbox->iova + i % SANDBOX_PAGES * page);
	if (f->sqe.flags & PSDT) {
		point_sgl(f, p->sandbox->iova);
		f->sqe.prp2 = le64_from(page);
	} else {
		f->sqe.prp1 = le64_from(p->sandbox->iova);
		f->sqe.prp2 = le64_from(p->sandbox->iova + page);
	}
	f->ask.dptr = ORACLE_DPTR_ODD;
}

int data_lay(struct player *p, struct flight *f)
{
	int64_t len = length(p, f->step);
	size_t room;

	f->sqe.mptr = f->sqe.flags & PSDT ? le64_from(p->sandbox->iova) : 0;
	if (data_in_sandbox(p, f->step)) {
		point_sandbox(p, f);
		return 0;
	}
	if (!len)
		return 0;
	f->len = (size_t)len;
	if (spec_host_to_device(f->sqe.opcode)) {
		f->given = malloc(f->len);
		if (!f->given)
			return -ENOMEM;
		fill(p, f, f->given);
	}
	room = f->len + f->step->offset + p->c->page;
	f->buf = buf_alloc(p->c, room, p->c->page);
	if (!f->buf)
		return -ENOMEM;
	return f->step->pointer == POINTER_LIST && !(f->sqe.flags & PSDT) ? point_list(p, f)
									  : point_flat(p, f);
}

const uint8_t *data_got(struct player *p, const struct flight *f)
{
	size_t page = p->c->page;

	if (!f->pages)
		return f->buf->data + f->step->offset;
	for (size_t i = 0, done = 0; done < f->len; i++) {
		size_t at = f->pages[i] - f->buf->iova, left = page - at % page;
		size_t part = left < f->len - done ? left : f->len - done;

		memcpy(p->scratch + done, f->buf->data + at, part);
		done += part;
	}
	return p->scratch;
}

bool data_intact(const struct player *p, const struct flight *f)
{
	return (!f->buf || buf_broken(f->buf) == BUF_INTACT) &&
	       buf_broken(p->sandbox) == BUF_INTACT;
}

void data_free(struct player *p, struct flight *f)
{
	prp_free(p->c, f->list);
	buf_free(p->c, f->buf);
	free(f->pages);
	free(f->given);
	f->given = NULL;
	f->list = NULL;
	f->buf = NULL;
	f->pages = NULL;
}
