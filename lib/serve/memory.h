/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The client's memory as its DMA maps gave it: bus addresses that lead into its descriptors. */
#ifndef SERVE_MEMORY_H
#define SERVE_MEMORY_H

#include <stddef.h>
#include <stdint.h>

#include "vfio_user/proto.h"

#define MEMORY_REGIONS 256u

struct memory_region {
	uint64_t addr, size, offset;
	uint32_t flags;
	int fd;	     /* -1: the client gave none, so it is asked */
	uint8_t *va; /* NULL: not mapped, by descriptor alone */
};

/* Memory by message; 0 or -EFAULT. */
struct memory_far {
	int (*take)(void *ctx, uint64_t addr, void *to, size_t len);
	int (*put)(void *ctx, uint64_t addr, const void *from, size_t len);
	void *ctx;
};

struct memory {
	struct memory_region region[MEMORY_REGIONS];
	unsigned n;
	bool by_message;       /* all of it, also where there is a descriptor */
	struct memory_far far; /* take and put NULL: there is nobody to ask */
};

/*
 * fd (-1: none) becomes the memory's, also on failure. 0, or an errno to answer with: EINVAL for
 * numbers or a descriptor that cannot be, ENOSPC for too many.
 *
 * Only a descriptor that can never shrink (F_SEAL_SHRINK) is mapped: any other might be cut under
 * the mapping, and the client would have ended the server. Those are read and written instead.
 */
int memory_map(struct memory *mem, const struct vu_map *map, int fd);
/* 0, ENOENT: it is not exactly a region. */
int memory_unmap(struct memory *mem, const struct vu_unmap *unmap);
/* Is that exactly a region? */
bool memory_find(const struct memory *mem, const struct vu_unmap *unmap);
/* Makes it the whole of the region that it begins in. False: there is none. */
bool memory_widen(const struct memory *mem, struct vu_unmap *unmap);
void memory_drop(struct memory *mem);

/* 0, or -EFAULT when some of it leads nowhere or the client did not allow it. */
int memory_take(struct memory *mem, uint64_t addr, void *to, size_t len);
int memory_put(struct memory *mem, uint64_t addr, const void *from, size_t len);

#endif
