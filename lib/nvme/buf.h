/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * DMA memory with poison around it: a page of canary before and after, and a poison pattern
 * inside, so that over-transfer, under-transfer and stale data are seen (catalogue rule 4).
 */
#ifndef NVME_BUF_H
#define NVME_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "target/target.h"

#define BUF_GUARD 4096u

struct ctrl;

struct buf {
	struct dma dma;	  /* guard, data, guard */
	uint8_t *data;	  /* len bytes, page-aligned on both sides */
	uint64_t iova;	  /* bus address of data[0] */
	size_t len;	  /* as asked for */
	uint8_t canary;	  /* byte value of the guards */
	struct buf *next; /* all live buffers of the controller */
};

/* len > 0 bytes at a 4 KiB boundary (`align` if larger), poisoned. NULL: out of DMA memory. */
struct buf *buf_alloc(struct ctrl *c, size_t len, size_t align);
void buf_free(struct ctrl *c, struct buf *b);

/* Refills the inside with poison derived from seed. */
void buf_poison(struct buf *b, uint8_t seed);

/*
 * Offset, relative to data, of the first guard byte that changed (negative: before the data), or
 * BUF_INTACT. The tail between len and the end of its page is guard too.
 */
#define BUF_INTACT INT64_MIN
int64_t buf_broken(const struct buf *b);

/* Offset of the first byte in [from, to) that is not `value`, or -1. */
int64_t buf_differs(const struct buf *b, size_t from, size_t to, uint8_t value);

#endif
