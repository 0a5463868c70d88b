// SPDX-License-Identifier: GPL-2.0-or-later
#include "target/model_bus.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/endian.h"
#include "model/model.h"
#include "target/target.h"

#define IOVA_FIRST    0x100000000ull
#define IOVA_GAP      0x10000ull      /* between two regions */
#define IOVA_LAST     0x4000000000ull /* 40 bits and less: enough for any drive */
#define REGIONS_MAX   16384u
#define SPARE_LEN_MAX 0x10000u /* bytes; zeroing a larger one costs what new pages cost */

struct bus_region {
	uint64_t iova;
	size_t len;
	uint8_t *va;
};

static struct bus_region *region_at(struct bus *b, uint64_t addr)
{
	unsigned low = 0, high = b->nregions;

	if (b->last_hit < b->nregions &&
	    addr - b->region[b->last_hit].iova < b->region[b->last_hit].len)
		return &b->region[b->last_hit];
	while (low < high) {
		unsigned mid = (low + high) / 2;
		struct bus_region *r = &b->region[mid];

		if (addr < r->iova) {
			high = mid;
		} else if (addr - r->iova < r->len) {
			b->last_hit = mid;
			return r;
		} else {
			low = mid + 1;
		}
	}
	return NULL;
}

/* Host memory behind [addr, addr + len), all in one region; NULL: nothing answers. */
static uint8_t *resolve(struct bus *b, uint64_t addr, size_t len)
{
	struct bus_region *r = region_at(b, addr);

	if (!r || len > r->len - (addr - r->iova))
		return NULL;
	return r->va + (addr - r->iova);
}

/* The BAR that answers: where it stands now by configuration space, if the whole access fits. */
static struct bus_bar *bar_at(struct bus *b, uint64_t addr, size_t len)
{
	for (unsigned i = 0; i < BUS_FUNCTIONS; i++) {
		struct bus_bar *bar = &b->bar[i];

		if (bar->decodes && addr >= bar->at && addr - bar->at < bar->len &&
		    len <= bar->len - (addr - bar->at))
			return bar;
	}
	return NULL;
}

static int bar_dma(struct bus_bar *bar, uint64_t addr, uint8_t *bytes, size_t len, bool write)
{
	uint64_t off = addr - bar->at;

	if (off % 4 || len % 4)
		return -EFAULT;
	for (size_t i = 0; i < len; i += 4) {
		uint64_t v = le32_at(bytes + i);
		int err = write ? model_bar_write(bar->m, off + i, 32, v)
				: model_bar_read(bar->m, off + i, 32, &v);

		if (err)
			return -EFAULT;
		if (!write)
			le32_put(bytes + i, (uint32_t)v);
	}
	return 0;
}

int bus_read(void *ctx, uint64_t addr, void *to, size_t len)
{
	struct bus *b = ctx;
	uint8_t *from = resolve(b, addr, len);
	struct bus_bar *bar;

	if (from) {
		memcpy(to, from, len);
		return 0;
	}
	bar = bar_at(b, addr, len);
	return bar ? bar_dma(bar, addr, to, len, false) : -EFAULT;
}

int bus_write(void *ctx, uint64_t addr, const void *from, size_t len)
{
	struct bus *b = ctx;
	uint8_t *to = resolve(b, addr, len);
	struct bus_bar *bar;

	if (to) {
		memcpy(to, from, len);
		return 0;
	}
	bar = bar_at(b, addr, len);
	return bar ? bar_dma(bar, addr, (uint8_t *)from, len, true) : -EFAULT;
}

/* ---- memory ---- */

static int region_add(struct bus *b, const struct bus_region *r)
{
	if (b->nregions == b->room) {
		unsigned room = b->room ? b->room * 2 : 64;
		struct bus_region *grown = realloc(b->region, room * sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		b->region = grown;
		b->room = room;
	}
	b->region[b->nregions++] = *r;
	return 0;
}

/* No bus address is handed out twice: a stale one meets a hole, not somebody else's memory. */
static uint64_t region_place(struct bus *b, size_t len, uint64_t align)
{
	uint64_t at = (b->next_iova + align - 1) & ~(align - 1);

	if (at < BUS_BARS + (1ull << 32) && at + len > BUS_BARS)
		at = (BUS_BARS + (1ull << 32) + align - 1) & ~(align - 1);
	return at + len > IOVA_LAST ? 0 : at;
}

/* Zeroed host memory, or MAP_FAILED. */
static uint8_t *host_memory(struct bus *b, size_t len)
{
	for (unsigned i = b->spares; i--;) {
		uint8_t *va = b->spare[i].va;

		if (b->spare[i].len != len)
			continue;
		b->spare[i] = b->spare[--b->spares];
		memset(va, 0, len);
		return va;
	}
	return mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static void host_release(struct bus *b, uint8_t *va, size_t len)
{
	if (len <= SPARE_LEN_MAX && b->spares < BUS_SPARES)
		b->spare[b->spares++] = (struct bus_spare){ len, va };
	else
		munmap(va, len);
}

int bus_map(struct bus *b, struct dma *d)
{
	uint64_t align = d->align > BUS_PAGE ? d->align : BUS_PAGE;
	size_t len = (d->len + BUS_PAGE - 1) & ~(BUS_PAGE - 1);
	struct bus_region r = { .len = len };

	if (!len || (align & (align - 1)))
		return -EINVAL;
	r.iova = region_place(b, len, align);
	if (!r.iova || b->nregions == REGIONS_MAX)
		return -ENOMEM;
	r.va = host_memory(b, len);
	if (r.va == MAP_FAILED)
		return -ENOMEM;
	if (region_add(b, &r)) {
		host_release(b, r.va, len);
		return -ENOMEM;
	}
	b->next_iova = r.iova + len + IOVA_GAP;
	d->len = len;
	d->va = r.va;
	d->iova = r.iova;
	return 0;
}

void bus_unmap(struct bus *b, struct dma *d)
{
	struct bus_region *r = region_at(b, d->iova);

	if (!r || r->iova != d->iova)
		return;
	host_release(b, r->va, r->len);
	memmove(r, r + 1, (size_t)(b->region + b->nregions - (r + 1)) * sizeof(*r));
	b->nregions--;
	b->last_hit = 0;
	d->va = NULL;
}

void bus_open(struct bus *b)
{
	*b = (struct bus){ .next_iova = IOVA_FIRST };
}

void bus_close(struct bus *b)
{
	for (unsigned i = 0; i < b->nregions; i++)
		munmap(b->region[i].va, b->region[i].len);
	for (unsigned i = 0; i < b->spares; i++)
		munmap(b->spare[i].va, b->spare[i].len);
	free(b->region);
}
