// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Blocks on their way: data through the data pointer; metadata behind the data of its block, or by
 * the Metadata Pointer. Sources: NVM CS 1.0 Metadata Handling, Metadata Region, PRACT Bit; Base 2.0
 * Common Command Format (MPTR); Base 2.1 Identify Controller CTRATT.MEM.
 */
#include "model/core.h"
#include "model/log.h"
#include "model/media.h"
#include "model/nvm.h"
#include "model/pi.h"

#define CTRATT_MEM (1u << 16)
#define AT_MPTR	   16u

static unsigned prinfo(const struct mcmd *c)
{
	return le32_get(c->e.cdw12) >> 26 & 0xf;
}

/* Metadata go along with the command's data. */
static bool moves_meta(const struct mcmd *c, const struct nvm_range *r)
{
	bool strips = pi_strips(r->ns, prinfo(c)) && !FAULT(c->m, PRACT_NOT_STRIPPED);

	if ((prinfo(c) & PRACT) && media_ms(r->ns) == 8 && FAULT(c->m, PRACT_STRIPS_WITHOUT_PI))
		strips = true;
	return media_ms(r->ns) && !strips;
}

static bool is_interleaved(const struct mcmd *c, const struct nvm_range *r)
{
	return moves_meta(c, r) && media_shape(r->ns)->extended;
}

static uint64_t data_bytes(const struct nvm_range *r)
{
	return r->n << media_lbads(r->ns);
}

static uint64_t meta_bytes(const struct nvm_range *r)
{
	return r->n * media_ms(r->ns);
}

uint64_t nvm_counted_bytes(const struct model *m, const struct nvm_range *r)
{
	bool counts = media_shape(r->ns)->extended && !(m->opt.ctratt & CTRATT_MEM);

	return data_bytes(r) + (counts ? meta_bytes(r) : 0);
}

static uint64_t host_bytes(const struct mcmd *c, const struct nvm_range *r)
{
	return data_bytes(r) + (is_interleaved(c, r) ? meta_bytes(r) : 0);
}

/* The Metadata Pointer as it is used; the low bits are an error by the model's own choice. */
static uint64_t mptr(const struct mcmd *c)
{
	uint64_t at = le64_get(c->e.mptr);

	return FAULT(c->m, MPTR_LOW_BITS_SHIFT) ? at : at & ~3ull;
}

int nvm_check_host(struct mcmd *c, const struct nvm_range *r)
{
	bool separate = moves_meta(c, r) && !is_interleaved(c, r);

	if (separate && (le64_get(c->e.mptr) & 3) && !FAULT(c->m, MPTR_LOW_BITS_SHIFT)) {
		mcmd_fail(c, SC_INVALID_FIELD, MCMD_AT(AT_MPTR, 0));
		return -1;
	}
	c->uncounted = 0;
	if (is_interleaved(c, r) &&
	    (c->m->opt.ctratt & CTRATT_MEM || FAULT(c->m, MDTS_WITHOUT_METADATA)))
		c->uncounted = meta_bytes(r);
	return mcmd_check_data(c, host_bytes(c, r));
}

/* One piece in either direction. */
static int move(struct mcmd *c, bool to_host, void *p, size_t offset, size_t len, size_t total)
{
	return to_host ? mcmd_to_host(c, p, offset, len, total)
		       : mcmd_from_host(c, p, offset, len, total);
}

static int move_interleaved(struct mcmd *c, const struct nvm_range *r, struct nvm_blocks *b,
			    bool to_host)
{
	size_t size = 1ull << media_lbads(r->ns), ms = media_ms(r->ns), total = host_bytes(c, r);
	bool turned = FAULT(c->m, EXTENDED_META_FIRST);

	for (uint64_t i = 0; i < r->n; i++) {
		size_t at = i * (size + ms);

		if (move(c, to_host, b->data + i * size, at + (turned ? ms : 0), size, total) ||
		    move(c, to_host, b->meta + i * ms, at + (turned ? 0 : size), ms, total))
			return -1;
	}
	return 0;
}

static int move_separate(struct mcmd *c, const struct nvm_range *r, struct nvm_blocks *b,
			 bool to_host)
{
	size_t len = meta_bytes(r);
	int err;

	len -= FAULT(c->m, MPTR_LAST_BLOCK_LOST) && r->n > 1 ? media_ms(r->ns) : 0;
	err = to_host ? core_dma_write(c->m, mptr(c), b->meta, len)
		      : core_dma_read(c->m, mptr(c), b->meta, len);
	if (err)
		mcmd_fail(c, SC_DATA_TRANSFER_ERROR, MCMD_AT(AT_MPTR, 0));
	return err;
}

int nvm_blocks_new(struct mcmd *c, const struct nvm_range *r, struct nvm_blocks *ret)
{
	ret->data = media_bounce(c->m, data_bytes(r) + meta_bytes(r));
	if (!ret->data) {
		mcmd_fail(c, SC_INTERNAL_ERROR, MCMD_NOWHERE);
		return -1;
	}
	ret->meta = media_ms(r->ns) ? ret->data + data_bytes(r) : NULL;
	if (ret->meta)
		memset(ret->meta, 0, meta_bytes(r));
	return 0;
}

int nvm_fetch(struct mcmd *c, const struct nvm_range *r, struct nvm_blocks *ret)
{
	if (nvm_check_host(c, r) || nvm_blocks_new(c, r, ret))
		return -1;
	if (is_interleaved(c, r))
		return move_interleaved(c, r, ret, false);
	if (mcmd_from_host(c, ret->data, 0, data_bytes(r), data_bytes(r)))
		return -1;
	return moves_meta(c, r) ? move_separate(c, r, ret, false) : 0;
}

/* By fault: something at the Metadata Pointer of a Read that has none. */
static void touch_mptr(struct mcmd *c, const struct nvm_range *r)
{
	bool separate = moves_meta(c, r) && !is_interleaved(c, r);

	if (separate || !le64_get(c->e.mptr))
		return;
	if (media_ms(r->ns) ? FAULT(c->m, EXTENDED_USES_MPTR)
			    : FAULT(c->m, MPTR_USED_WITHOUT_METADATA))
		core_dma_write(c->m, mptr(c), "\xdb\xdb\xdb\xdb\xdb\xdb\xdb\xdb", 8);
}

int nvm_send(struct mcmd *c, const struct nvm_range *r, struct nvm_blocks *b, size_t sent)
{
	touch_mptr(c, r);
	if (is_interleaved(c, r))
		return move_interleaved(c, r, b, true);
	if (mcmd_to_host(c, b->data, 0, sent, data_bytes(r)))
		return -1;
	return moves_meta(c, r) ? move_separate(c, r, b, true) : 0;
}

int nvm_load(struct mcmd *c, const struct nvm_range *r, struct nvm_blocks *ret)
{
	const uint8_t *view = media_view(c->m, r->ns, r->lba, r->n);

	if (c->m->index && FAULT(c->m, PEER_READS_STALE))
		view = media_stored(r->ns, r->lba);
	if (!media_ms(r->ns)) { /* no copy is needed */
		*ret = (struct nvm_blocks){ .data = (uint8_t *)view };
		return 0;
	}
	if (nvm_blocks_new(c, r, ret))
		return -1;
	memcpy(ret->data, view, data_bytes(r));
	media_read_meta(r->ns, r->lba, r->n, ret->meta);
	return 0;
}

bool nvm_pi_bad_read(struct mcmd *c, const struct nvm_range *r, const struct nvm_blocks *b,
		     const struct pi_terms *t)
{
	if (!pi_fails(c, r->ns, r->lba, r->n, b->data, b->meta, t))
		return false;
	smart_media_error(c->m);
	return true;
}
