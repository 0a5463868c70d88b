// SPDX-License-Identifier: GPL-2.0-or-later
#include "storm/blocks.h"

#include <stdlib.h>
#include <string.h>

struct content {
	uint64_t id;
	uint64_t gone;	/* when it could last have been there, of one that is neither of these: */
	bool here;	/* may be there, whatever is in flight */
	bool fresh;	/* came there while others were in flight */
	uint8_t flying; /* how many are on their way with it */
};

struct block {
	struct content may[BLOCKS_MAY];
	uint8_t n, writers;
	uint8_t loose; /* how many of them are not atomic */
	bool any;      /* anything may be there */
	bool arrived;  /* one of those in flight together succeeded */
	bool touched;  /* or was cut off */
	bool torn;     /* one of them failed half-way, or there was no room to follow it */
	bool mingled;  /* there were two at once, and one was loose */
	bool mixed;    /* such a pair has come to rest: a mixture may be there */
	bool spoilt;
	uint64_t whole_at;  /* when it stopped being a mixture */
	uint64_t known_at;  /* when it stopped being anything */
	uint64_t healed_at; /* when it could be read again */
};

struct blocks {
	uint64_t first;
	uint32_t n, lba_bytes;
	struct block block[];
};

struct blocks *blocks_new(uint64_t first, uint32_t n, uint32_t lba_bytes)
{
	struct blocks *b = calloc(1, sizeof(*b) + n * sizeof(b->block[0]));

	if (!b)
		return NULL;
	b->first = first;
	b->n = n;
	b->lba_bytes = lba_bytes;
	blocks_forget(b, first, n);
	return b;
}

void blocks_free(struct blocks *b)
{
	free(b);
}

uint64_t blocks_first(const struct blocks *b)
{
	return b->first;
}

uint32_t blocks_count(const struct blocks *b)
{
	return b->n;
}

static uint64_t word_of(uint64_t id, size_t i)
{
	uint64_t z = id + (i + 1) * 0x9e3779b97f4a7c15ull;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
	return z ^ (z >> 27);
}

/* The first says what it is. */
static uint64_t content_word(uint64_t id, size_t i)
{
	return i && id != BLOCKS_ZEROES && id != BLOCKS_ONES ? word_of(id, i) : id;
}

void blocks_fill(void *data, uint64_t id, uint32_t lba_bytes)
{
	uint8_t *p = data;

	if (id == BLOCKS_ZEROES || id == BLOCKS_ONES) {
		memset(p, (int)(id & 0xff), lba_bytes);
		return;
	}
	for (size_t i = 0; i < lba_bytes / 8; i++) {
		uint64_t w = content_word(id, i);

		memcpy(p + 8 * i, &w, 8);
	}
}

/* How many bytes from the first on are of this content. */
static size_t agrees_for(const uint8_t *p, uint64_t id, uint32_t lba_bytes)
{
	for (size_t i = 0; i < lba_bytes; i += 8) {
		uint64_t want = content_word(id, i / 8);

		for (size_t k = 0; k < 8; k++)
			if (p[i + k] != ((const uint8_t *)&want)[k])
				return i + k;
	}
	return lba_bytes;
}

static uint64_t id_of(uint64_t id, uint64_t k)
{
	return id == BLOCKS_ZEROES || id == BLOCKS_ONES ? id : id + k;
}

/* The k-th block of the range, NULL when it is not followed. */
static struct block *at(const struct blocks *b, uint64_t lba, uint64_t k)
{
	uint64_t i = lba + k - b->first;

	return lba + k >= lba && lba + k >= b->first && i < b->n ? (struct block *)&b->block[i]
								 : NULL;
}

/* The part of 0..n-1 that may be followed, so that a range of millions costs nothing. */
static void clip(const struct blocks *b, uint64_t lba, uint64_t n, uint64_t *ret_k, uint64_t *ret_n)
{
	uint64_t end = b->first + b->n;

	*ret_k = lba < b->first ? b->first - lba : 0;
	*ret_n = lba >= end ? 0 : n < end - lba ? n : end - lba;
}

static struct content *find(struct block *blk, uint64_t id)
{
	for (unsigned i = 0; i < blk->n; i++)
		if (blk->may[i].id == id)
			return &blk->may[i];
	return NULL;
}

static bool is_gone(const struct content *c)
{
	return !c->here && !c->flying;
}

/* Room for one more: what went longest ago goes; when all may still be there, anything may. */
static struct content *make_room(struct block *blk)
{
	struct content *oldest = NULL;

	if (blk->n < BLOCKS_MAY)
		return &blk->may[blk->n++];
	for (unsigned i = 0; i < blk->n; i++)
		if (is_gone(&blk->may[i]) && (!oldest || blk->may[i].gone < oldest->gone))
			oldest = &blk->may[i];
	if (!oldest)
		blk->any = blk->torn = true;
	return oldest;
}

static void launch(struct block *blk, uint64_t id)
{
	struct content *c = find(blk, id);

	if (!c) {
		c = make_room(blk);
		if (!c)
			return;
		*c = (struct content){ .id = id };
	}
	c->flying++;
}

void blocks_begin(struct blocks *b, const struct blocks_change *c)
{
	uint64_t k, end;

	for (clip(b, c->lba, c->n, &k, &end); k < end; k++) {
		struct block *blk = at(b, c->lba, k);

		if (!blk->writers)
			blk->arrived = blk->touched = blk->torn = blk->mingled = false;
		blk->writers++;
		blk->loose += !c->atomic;
		blk->mingled |= blk->loose && blk->writers > 1;
		launch(blk, id_of(c->id, k));
	}
}

/* A mixture stays until something written alone, or by atomic ones, takes its place. */
static void settle_mixture(struct block *blk, uint64_t now)
{
	if (blk->mingled && blk->touched) {
		blk->mixed = true;
	} else if (blk->mixed && blk->arrived) {
		blk->mixed = false;
		blk->whole_at = now;
	}
}

/* Nothing is in flight any more: what was there before is gone if something arrived. */
static void come_to_rest(struct block *blk, uint64_t now)
{
	for (unsigned i = 0; i < blk->n; i++) {
		struct content *c = &blk->may[i];

		if (blk->arrived && c->here && !c->fresh) {
			c->here = false;
			c->gone = now;
		}
		c->fresh = false;
	}
	settle_mixture(blk, now);
	if (blk->arrived && blk->spoilt) {
		blk->spoilt = false;
		blk->healed_at = now;
	}
}

static void arrive(struct content *c)
{
	if (c)
		c->here = c->fresh = true;
}

static void end_one(struct block *blk, uint64_t id, bool atomic, enum blocks_end how, uint64_t now)
{
	struct content *c = find(blk, id);

	blk->writers--;
	blk->loose -= !atomic;
	if (!atomic)
		blk->whole_at = now;
	blk->touched |= how != BLOCKS_NONE;
	if (c && c->flying)
		c->flying--;
	switch (how) {
	case BLOCKS_DONE:
		if (blk->any && !blk->torn) { /* what nobody knew is gone */
			blk->any = false;
			blk->known_at = now;
		}
		blk->arrived = true;
		arrive(c);
		break;
	case BLOCKS_MAYBE:
		arrive(c);
		break;
	case BLOCKS_NONE:
		if (c && is_gone(c) && !c->gone) /* it never was there */
			*c = blk->may[--blk->n];
		break;
	case BLOCKS_TORN:
		blk->any = blk->torn = true;
		break;
	}
	if (!blk->writers)
		come_to_rest(blk, now);
}

void blocks_end(struct blocks *b, const struct blocks_change *c, enum blocks_end how, uint64_t now)
{
	uint64_t k, end;

	for (clip(b, c->lba, c->n, &k, &end); k < end; k++)
		end_one(at(b, c->lba, k), id_of(c->id, k), c->atomic, how, now);
}

bool blocks_guess(const struct blocks *b, uint64_t lba, uint64_t *ret_id)
{
	const struct block *blk = at(b, lba, 0);
	bool found = false;

	for (unsigned i = 0; blk && !blk->any && i < blk->n; i++) {
		if (!blk->may[i].here || blk->may[i].id == BLOCKS_ZEROES ||
		    blk->may[i].id == BLOCKS_ONES)
			continue;
		*ret_id = blk->may[i].id;
		found = true;
	}
	return found;
}

void blocks_forget(struct blocks *b, uint64_t lba, uint64_t n)
{
	uint64_t k, end;

	for (clip(b, lba, n, &k, &end); k < end; k++)
		at(b, lba, k)->any = true;
}

void blocks_spoil(struct blocks *b, uint64_t lba, uint64_t n)
{
	uint64_t k, end;

	for (clip(b, lba, n, &k, &end); k < end; k++)
		at(b, lba, k)->spoilt = at(b, lba, k)->any = true;
}

bool blocks_spoilt(const struct blocks *b, uint64_t lba, uint64_t n, uint64_t since)
{
	uint64_t k, end;

	for (clip(b, lba, n, &k, &end); k < end; k++)
		if (at(b, lba, k)->spoilt || since < at(b, lba, k)->healed_at)
			return true;
	return false;
}

static bool is_anything(const struct block *blk, uint64_t since)
{
	return blk->any || since < blk->known_at;
}

static bool may_be(const struct content *c, uint64_t since)
{
	return !is_gone(c) || c->gone > since;
}

static bool may_be_mixed(const struct block *blk, uint64_t since)
{
	return blk->loose || blk->mixed || since < blk->whole_at;
}

/* Is each byte of something that may be there? */
static bool is_mixture(const struct block *blk, const uint8_t *p, uint64_t since,
		       uint32_t lba_bytes)
{
	for (size_t i = 0; i < lba_bytes; i += 8) {
		bool of_one[8] = { false };

		for (unsigned c = 0; c < blk->n; c++) {
			uint64_t w = content_word(blk->may[c].id, i / 8);

			for (size_t k = 0; may_be(&blk->may[c], since) && k < 8; k++)
				of_one[k] |= p[i + k] == ((const uint8_t *)&w)[k];
		}
		for (size_t k = 0; k < 8; k++)
			if (!of_one[k])
				return false;
	}
	return true;
}

/* Is it wholly one of the things that may be there? False: *ret has the one it is for longest. */
static bool is_one(const struct block *blk, const uint8_t *p, uint64_t since, uint32_t lba_bytes,
		   struct blocks_odd *ret)
{
	ret->at = 0;
	ret->want = BLOCKS_ZEROES;
	for (unsigned i = 0; i < blk->n; i++) {
		size_t n;

		if (!may_be(&blk->may[i], since))
			continue;
		n = agrees_for(p, blk->may[i].id, lba_bytes);
		if (n == lba_bytes)
			return true;
		if (n >= ret->at) {
			ret->at = n;
			ret->want = blk->may[i].id;
		}
	}
	return false;
}

bool blocks_match(const struct blocks *b, uint64_t lba, uint64_t n, const void *data,
		  uint64_t since, struct blocks_odd *ret)
{
	uint64_t k, end;

	for (clip(b, lba, n, &k, &end); k < end; k++) {
		const struct block *blk = at(b, lba, k);
		const uint8_t *p = (const uint8_t *)data + k * b->lba_bytes;

		if (is_anything(blk, since) || blk->spoilt || since < blk->healed_at ||
		    is_one(blk, p, since, b->lba_bytes, ret))
			continue;
		ret->torn = is_mixture(blk, p, since, b->lba_bytes);
		if (ret->torn && may_be_mixed(blk, since))
			continue;
		ret->lba = lba + k;
		return false;
	}
	return true;
}

void blocks_compare(const struct blocks *b, uint64_t lba, uint64_t n, uint64_t id, uint64_t since,
		    bool *ret_equal, bool *ret_differs)
{
	uint64_t k, end;

	clip(b, lba, n, &k, &end);
	*ret_equal = true;
	*ret_differs = k > 0 || end < n; /* of the rest nothing is known */
	for (; k < end; k++) {
		const struct block *blk = at(b, lba, k);
		bool same = is_anything(blk, since), other = same;

		for (unsigned i = 0; i < blk->n; i++) {
			if (!may_be(&blk->may[i], since))
				continue;
			same |= blk->may[i].id == id_of(id, k);
			other |= blk->may[i].id != id_of(id, k);
		}
		*ret_equal &= same;
		*ret_differs |= other;
	}
}
