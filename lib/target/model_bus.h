/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The bus between the host and the model: host memory at bus addresses of its own, with nothing
 * between two regions, so that an access past the end of one meets a hole, and the BARs of the
 * functions, which answer at the address that configuration space gives them.
 */
#ifndef TARGET_MODEL_BUS_H
#define TARGET_MODEL_BUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct dma;
struct model;

#define BUS_PAGE      4096ull
#define BUS_FUNCTIONS 2u
#define BUS_BARS      0xe00000000ull /* never reached by regions: 4 GiB for the BARs of all */
#define BUS_BAR_ROOM  0x80000000ull  /* of each function */
#define BUS_SPARES    16u

struct bus_region;

/* Host memory of a region that is gone, kept for the next of its length: pages cost page faults. */
struct bus_spare {
	size_t len;
	uint8_t *va;
};

/* A function's BAR0, where it stands now. */
struct bus_bar {
	struct model *m;
	uint64_t at, len;
	bool decodes; /* memory space is enabled */
};

struct bus {
	struct bus_spare spare[BUS_SPARES];
	unsigned spares;
	struct bus_region *region; /* ascending bus addresses */
	unsigned nregions, room;
	unsigned last_hit;
	uint64_t next_iova;
	struct bus_bar bar[BUS_FUNCTIONS];
};

void bus_open(struct bus *b);
void bus_close(struct bus *b);

/* -EINVAL: no such length or alignment; -ENOMEM: no bus addresses, or no memory. */
int bus_map(struct bus *b, struct dma *d);
void bus_unmap(struct bus *b, struct dma *d);

/* What the model's struct model_bus has; ctx is the bus. */
int bus_read(void *ctx, uint64_t addr, void *to, size_t len);
int bus_write(void *ctx, uint64_t addr, const void *from, size_t len);

#endif
