// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Scatter Gather Lists, as pieces of memory. A descriptor is looked at when its turn has come and
 * more data are wanted; those behind are not, and a list longer than the transfer is no error.
 * Source: Base 2.2 Scatter Gather List (SGL), SGL Validation Error Conditions; Base 2.0 Scatter
 * Gather List (SGL); Identify Controller data structure (SGLS).
 */
#include <stdlib.h>

#include "model/core.h"
#include "model/data.h"

#define TYPE(d)		((d)->id >> 4)
#define SUBTYPE(d)	((d)->id & 0xf)
#define AHEAD		256u /* descriptors read at once, up to the end of their page */
#define AHEAD_PAGE	4096u
#define DESCRIPTORS_MAX (1u << 22) /* no list of a sane transfer has as many */
#define SEGMENTS_MAX	(1u << 16)
#define ENDLESS_AT	(1u << 12) /* segments, of the fault sgl-loop-forever */

/* A walk through a list, one segment after the other. */
struct walk {
	struct mcmd *c;
	struct data_list *to;
	size_t wanted; /* bytes of the transfer still to be found */
	bool source;   /* the host's memory is where data come from */
	uint64_t at;   /* of the next descriptor in memory */
	uint32_t left; /* descriptors of the segment from there on */
	bool last;     /* this is a last segment */
	bool more;     /* the list describes more than the transfer */
	unsigned seen, segments;
	struct sgl_desc ahead[AHEAD];
	unsigned n, i;
};

bool sgl_takes(const struct model *m, unsigned psdt)
{
	return psdt == 1 && m->opt.sgls & NVME_CTRL_SGLS_SUPPORTED;
}

bool sgl_used(const struct mcmd *c)
{
	return (c->sqid || c->m->message_based) && c->e.flags & 0xc0 && !FAULT(c->m, PSDT_ACCEPTED) &&
	       !FAULT(c->m, IO_FUZZ_WRITES_OUTSIDE);
}

static bool fails(struct walk *w, uint16_t status)
{
	if (FAULT(w->c->m, SGL_ERRORS_AS_FIELD))
		status = SC_INVALID_FIELD;
	mcmd_fail(w->c, status, w->segments ? MCMD_NOWHERE : DATA_AT_FIRST);
	return true;
}

static uint64_t address(const struct sgl_desc *d)
{
	return le64_get(d->addr);
}

/* Past the end of the address space. */
static bool wraps(const struct sgl_desc *d)
{
	uint64_t end = address(d) + le32_get(d->len);

	return end && end < address(d);
}

static bool is_dword_only(const struct model *m)
{
	return (m->opt.sgls & NVME_CTRL_SGLS_SUPPORTED) == 2;
}

/* ---- what may be wrong with a descriptor ---- */

static bool is_known(const struct model *m, const struct sgl_desc *d)
{
	switch (TYPE(d)) {
	case SGL_DATA:
	case SGL_SEGMENT:
	case SGL_LAST_SEGMENT:
		return true;
	case SGL_BUCKET:
		return m->opt.sgls & NVME_CTRL_SGLS_BIT_BUCKET || FAULT(m, SGL_BUCKET_UNCLAIMED);
	default:
		return FAULT(m, SGL_TYPE_UNCHECKED);
	}
}

/* Sub type 1h is an offset, of Fabrics alone; Ah and more are the transport's, and PCIe has none.
 */
static bool type_fails(struct walk *w, const struct sgl_desc *d)
{
	if (is_known(w->c->m, d) && (!SUBTYPE(d) || FAULT(w->c->m, SGL_SUBTYPE_UNCHECKED)))
		return false;
	return fails(w, SC_SGL_TYPE_INVALID);
}

static bool pointer_fails(struct walk *w, const struct sgl_desc *d, bool at_end)
{
	const struct model *m = w->c->m;
	uint32_t len = le32_get(d->len);

	if (w->last && !FAULT(m, SGL_LAST_SEGMENT_GOES_ON))
		return fails(w, SC_SGL_SEGMENT_INVALID);
	if (!at_end && !FAULT(m, SGL_POINTER_ANYWHERE))
		return fails(w, SC_SGL_COUNT_INVALID);
	if (wraps(d) && !FAULT(m, SGL_LENGTH_WRAPS))
		return fails(w, SC_SGL_DATA_LENGTH_INVALID);
	if ((!len || len % sizeof(*d) || address(d) % 8) && !FAULT(m, SGL_SEGMENT_UNCHECKED))
		return fails(w, SC_SGL_SEGMENT_INVALID);
	if (w->segments && FAULT(m, SGL_CHAIN_REFUSED))
		return fails(w, SC_SGL_TYPE_INVALID);
	return false;
}

static bool data_fails(struct walk *w, const struct sgl_desc *d)
{
	const struct model *m = w->c->m;

	if (wraps(d) && !FAULT(m, SGL_LENGTH_WRAPS))
		return fails(w, SC_SGL_DATA_LENGTH_INVALID);
	if (is_dword_only(m) && (address(d) | le32_get(d->len)) & 3 &&
	    !FAULT(m, SGL_DWORDS_UNCHECKED))
		return fails(w, SC_SGL_GRANULARITY_INVALID);
	if (!le32_get(d->len) && FAULT(m, SGL_NULL_REFUSED))
		return fails(w, SC_SGL_DATA_LENGTH_INVALID);
	return false;
}

/* ---- what a descriptor adds ---- */

/* The fault sgl-block-wraps: what lies behind the end of a page comes from its beginning. */
static bool add_wrapped(struct walk *w, uint64_t addr, size_t n)
{
	uint64_t page = w->c->m->core->page, room = page - (addr & (page - 1));

	if (n <= room || !FAULT(w->c->m, SGL_BLOCK_WRAPS))
		return data_add(w->c, w->to, addr, n, false);
	return data_add(w->c, w->to, addr, room, false) ||
	       data_add(w->c, w->to, addr & ~(page - 1), n - room, false);
}

static bool add_data(struct walk *w, const struct sgl_desc *d)
{
	const struct model *m = w->c->m;
	size_t n = le32_get(d->len);
	uint64_t addr = address(d);

	if (data_fails(w, d))
		return true;
	if (FAULT(m, SGL_BYTES_ROUNDED))
		addr &= ~3ull;
	w->more = n > w->wanted;
	if (w->more)
		n = w->wanted;
	w->wanted -= n;
	return n && add_wrapped(w, addr, n);
}

/* Where the host gives data, a bucket has no effect. */
static bool add_bucket(struct walk *w, const struct sgl_desc *d)
{
	size_t n = le32_get(d->len);

	if (w->source ? !FAULT(w->c->m, SGL_BUCKET_ON_WRITE) : FAULT(w->c->m, SGL_BUCKET_DROPPED))
		return false;
	if (n > w->wanted)
		n = w->wanted;
	w->wanted -= n;
	return n && data_add(w->c, w->to, 0, n, true);
}

static bool follow(struct walk *w, const struct sgl_desc *d, bool at_end)
{
	if (pointer_fails(w, d, at_end))
		return true;
	if (w->segments > ENDLESS_AT && FAULT(w->c->m, SGL_LOOP_FOREVER))
		w->c->m->core->data_endless = true;
	if (++w->segments > SEGMENTS_MAX)
		return fails(w, SC_DATA_TRANSFER_ERROR);
	w->at = address(d);
	w->left = le32_get(d->len) / sizeof(*d);
	w->last = TYPE(d) == SGL_LAST_SEGMENT;
	w->n = w->i = 0;
	return false;
}

/* ---- the walk ---- */

/* More descriptors of the segment, no further than the end of their page: what comes behind may not
 * be there, and may not be needed. */
static bool read_ahead(struct walk *w)
{
	uint64_t room = (AHEAD_PAGE - (w->at & (AHEAD_PAGE - 1))) / sizeof(w->ahead[0]);

	w->n = w->left < room ? w->left : room ? (unsigned)room : 1;
	w->i = 0;
	if (data_read_list(w->c, w->at, w->ahead, w->n * sizeof(w->ahead[0])))
		return true;
	w->at += w->n * sizeof(w->ahead[0]);
	if (!(w->at & (AHEAD_PAGE - 1)) && FAULT(w->c->m, SGL_SEGMENT_WRAPS))
		w->at -= AHEAD_PAGE;
	return false;
}

static bool take(struct walk *w)
{
	struct sgl_desc d = w->ahead[w->i++];
	bool at_end = !--w->left;

	if (++w->seen > DESCRIPTORS_MAX)
		return fails(w, SC_DATA_TRANSFER_ERROR);
	if (type_fails(w, &d))
		return true;
	if (TYPE(&d) == SGL_SEGMENT || TYPE(&d) == SGL_LAST_SEGMENT)
		return follow(w, &d, at_end);
	if (TYPE(&d) == SGL_BUCKET)
		return add_bucket(w, &d);
	if (at_end && w->segments && FAULT(w->c->m, SGL_LAST_DESCRIPTOR_SKIPPED))
		return false;
	return add_data(w, &d);
}

/* What the faults make of a list that ends too soon; false: they let it through. */
static bool falls_short(struct walk *w)
{
	const struct data_list *to = w->to;
	const struct data_piece *end = to->n ? &to->piece[to->n - 1] : NULL;

	if (end && !end->bucket && FAULT(w->c->m, SGL_SHORT_OVERRUNS))
		return data_add(w->c, w->to, end->addr + end->len, w->wanted, false);
	if (FAULT(w->c->m, SGL_SHORT_ACCEPTED))
		return data_add(w->c, w->to, 0, w->wanted, true);
	return fails(w, SC_SGL_DATA_LENGTH_INVALID);
}

static int by_address(const void *a, const void *b)
{
	uint64_t x = ((const struct data_piece *)a)->addr;
	uint64_t y = ((const struct data_piece *)b)->addr;

	return x < y ? -1 : x > y;
}

/* The fault sgl-long-overruns: a block longer than what is wanted is filled to its end. */
static void overrun(struct walk *w, const struct sgl_desc *d)
{
	static const uint8_t junk[16];
	size_t n = w->to->n ? w->to->piece[w->to->n - 1].len : 0;

	if (!FAULT(w->c->m, SGL_LONG_OVERRUNS) || w->source || TYPE(d) || le32_get(d->len) <= n)
		return;
	core_dma_write(w->c->m, address(d) + n, junk, sizeof(junk));
}

bool sgl_gather(struct mcmd *c, struct data_list *list, size_t total)
{
	struct walk w = { .c = c, .to = list, .wanted = total, .left = 1, .n = 1 };

	w.source = (c->e.opcode & 3) == 1;
	memcpy(&w.ahead[0], (const uint8_t *)&c->e + DATA_AT_FIRST, sizeof(w.ahead[0]));
	while (w.wanted && w.left)
		if ((w.i == w.n && read_ahead(&w)) || take(&w))
			return true;
	if (w.wanted)
		return falls_short(&w);
	overrun(&w, &w.ahead[w.i - 1]);
	if ((w.left || w.more) && FAULT(c->m, SGL_LONG_REFUSED))
		return fails(&w, SC_SGL_DATA_LENGTH_INVALID);
	if (FAULT(c->m, SGL_SORTED))
		qsort(list->piece, list->n, sizeof(*list->piece), by_address);
	return false;
}
