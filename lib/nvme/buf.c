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
	memset(b->dma.va, b->canary, b->dma.len);
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

void buf_poison(struct buf *b, uint8_t seed)
{
	/* never 00h nor FFh, so that neither zeroes nor ones from the device look like poison */
	for (size_t i = 0; i < b->len; i++)
		b->data[i] = (uint8_t)(1 + (seed + i * 7 + (i >> 8)) % 253);
}

int64_t buf_broken(const struct buf *b)
{
	const uint8_t *va = b->dma.va;
	const uint8_t *end = va + b->dma.len;

	for (const uint8_t *p = va; p < b->data; p++)
		if (*p != b->canary)
			return p - b->data;
	for (const uint8_t *p = b->data + b->len; p < end; p++)
		if (*p != b->canary)
			return p - b->data;
	return BUF_INTACT;
}

int64_t buf_differs(const struct buf *b, size_t from, size_t to, uint8_t value)
{
	for (size_t i = from; i < to && i < b->len; i++)
		if (b->data[i] != value)
			return (int64_t)i;
	return -1;
}
