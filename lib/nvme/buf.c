// SPDX-License-Identifier: GPL-2.0-or-later
#include "nvme/buf.h"

#include <stdlib.h>
#include <string.h>

#include "nvme/ctrl.h"

struct buf *buf_alloc(struct ctrl *c, size_t len, size_t align)
{
	static uint8_t canary;
	struct buf *b;
	size_t head;

	if (align < 4096)
		align = 4096;
	head = align > BUF_GUARD ? align : BUF_GUARD; /* so that data stays aligned */
	b = calloc(1, sizeof(*b));
	if (!b)
		return NULL;
	b->dma.len = head + ((len + 4095) & ~(size_t)4095) + BUF_GUARD;
	b->dma.align = align;
	if (c->t->ops->dma_map(c->t, &b->dma)) {
		free(b);
		return NULL;
	}
	b->len = len;
	b->data = (uint8_t *)b->dma.va + head;
	b->iova = b->dma.iova + head;
	b->canary = 0xc0 | (canary++ & 0x1f);
	memset(b->dma.va, b->canary, head);
	memset(b->data + len, b->canary, b->dma.len - head - len);
	buf_poison(b, b->canary);
	b->next = c->bufs;
	c->bufs = b;
	return b;
}

void buf_free(struct ctrl *c, struct buf *b)
{
	if (!b)
		return;
	for (struct buf **p = &c->bufs; *p; p = &(*p)->next) {
		if (*p == b) {
			*p = b->next;
			break;
		}
	}
	c->t->ops->dma_unmap(c->t, &b->dma);
	free(b);
}

/*
 * Byte i of the poison is 1 + (seed + 7 i + i / 256) mod 253: never 00h nor FFh, so that neither
 * zeroes nor ones from the device look like it, and two seeds differ at every byte. Steps of 7 go
 * round all of 253, so every row of 256 bytes is a window into one table of those steps.
 */
#define POISON_STEPS 253u
#define POISON_ROW   256u
#define SEVENTH	     217u /* 7 x 217 = 1 mod 253 */

static const uint8_t *poison_row(uint8_t seed, size_t row)
{
	static uint8_t table[POISON_STEPS + POISON_ROW];
	size_t first = (seed + row * (7 * POISON_ROW + 1)) % POISON_STEPS;

	for (size_t k = 0; !table[0] && k < sizeof(table); k++)
		table[sizeof(table) - 1 - k] =
			(uint8_t)(1 + (sizeof(table) - 1 - k) * 7 % POISON_STEPS);
	return table + first * SEVENTH % POISON_STEPS;
}

void buf_poison(struct buf *b, uint8_t seed)
{
	for (size_t at = 0; at < b->len; at += POISON_ROW) {
		size_t n = b->len - at < POISON_ROW ? b->len - at : POISON_ROW;

		memcpy(b->data + at, poison_row(seed, at / POISON_ROW), n);
	}
}

/* The first byte of [p, end) that is not the canary, or NULL. */
static const uint8_t *find_broken(const uint8_t *p, const uint8_t *end, uint8_t canary)
{
	if (p == end || (*p == canary && !memcmp(p, p + 1, (size_t)(end - p) - 1)))
		return NULL;
	while (*p == canary)
		p++;
	return p;
}

int64_t buf_broken(const struct buf *b)
{
	const uint8_t *va = b->dma.va;
	const uint8_t *p = find_broken(va, b->data, b->canary);

	if (!p)
		p = find_broken(b->data + b->len, va + b->dma.len, b->canary);
	return p ? p - b->data : BUF_INTACT;
}

int64_t buf_differs(const struct buf *b, size_t from, size_t to, uint8_t value)
{
	for (size_t i = from; i < to && i < b->len; i++)
		if (b->data[i] != value)
			return (int64_t)i;
	return -1;
}
