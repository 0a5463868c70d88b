// SPDX-License-Identifier: GPL-2.0-or-later
#include "target/vfio_arena.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ARENA_AT   0x100000000ull /* unlike our pointers: a leaked one faults */
#define ARENA_UNIT 0x200000ull
#define HOLE_AT	   0x6000000000ull
#define PIECE	   0x40000u
#define PIECES_MAX 32768u      /* the container takes 65535 mappings */
#define LOWEST	   0x100000ull /* below, addresses mean other things */

/* At the usual place, or in the first room that there is. */
static int place(struct vfio_arena *a, uint64_t size)
{
	a->at = ARENA_AT;
	if (vfio_iommu_may_map(a->iommu, a->at, size))
		return 0;
	for (unsigned i = 0; i < a->iommu->ranges; i++) {
		uint64_t first = a->iommu->range[i].first;

		first = first < LOWEST ? LOWEST : first;
		a->at = (first + ARENA_UNIT - 1) & ~(ARENA_UNIT - 1);
		if (vfio_iommu_may_map(a->iommu, a->at, size))
			return 0;
	}
	return -ENOSPC;
}

/* Addresses that the IOMMU knows: at the usual place, else at the end. */
static void place_hole(struct vfio_arena *a, uint64_t size)
{
	unsigned n = a->iommu->ranges;
	uint64_t end = n ? a->iommu->range[n - 1].last + 1 : 0;

	a->hole = HOLE_AT;
	if (!vfio_iommu_may_map(a->iommu, a->hole, VFIO_HOLE_BYTES))
		a->hole = (end - VFIO_HOLE_BYTES) & ~(VFIO_HOLE_BYTES - 1);
	if (!vfio_iommu_may_map(a->iommu, a->hole, VFIO_HOLE_BYTES) ||
	    (a->hole < a->at + size && a->hole + VFIO_HOLE_BYTES > a->at))
		a->hole = 0;
}

int vfio_arena_open(struct vfio_arena *a, struct vfio_iommu *m, uint64_t size, char *error)
{
	int err;

	*a = (struct vfio_arena){ .iommu = m, .piece = PIECE };
	while (size / a->piece > PIECES_MAX)
		a->piece *= 2;
	err = place(a, size);
	if (err) {
		snprintf(error, VFIO_ERROR,
			 "mem=%llu: the IOMMU has no room for so much in one piece; take less",
			 (unsigned long long)size);
		return err;
	}
	place_hole(a, size);
	a->mapped = calloc(size / a->piece, 1);
	err = a->mapped ? ram_open_anonymous(&a->ram, size) : -ENOMEM;
	if (err)
		snprintf(error, VFIO_ERROR, "mem=%llu: no memory of that size: %s",
			 (unsigned long long)size, strerror(-err));
	return err;
}

void vfio_arena_close(struct vfio_arena *a)
{
	ram_close(&a->ram);
	free(a->mapped);
	a->mapped = NULL;
}

static int map_pieces(struct vfio_arena *a, uint64_t at, size_t len, char *error)
{
	size_t first = at / a->piece, last = (at + len - 1) / a->piece;
	int err = 0;

	for (size_t i = first; i <= last && !err; i++) {
		if (a->mapped[i])
			continue;
		err = vfio_iommu_map(a->iommu, a->ram.base + i * a->piece, a->at + i * a->piece,
				     a->piece, error);
		a->mapped[i] = !err;
	}
	return err;
}

int vfio_arena_map(struct vfio_arena *a, size_t len, size_t align, void **ret_va,
		   uint64_t *ret_iova, char *error)
{
	uint64_t at = ram_alloc(&a->ram, len, align);
	int err;

	if (!at) {
		snprintf(error, VFIO_ERROR, "no room for %zu bytes in mem=%zu", len, a->ram.size);
		return -ENOMEM;
	}
	err = map_pieces(a, at, len, error);
	if (err) {
		ram_free(&a->ram, at);
		return err;
	}
	*ret_va = ram_at(&a->ram, at);
	*ret_iova = a->at + at;
	return 0;
}

void vfio_arena_unmap(struct vfio_arena *a, uint64_t iova)
{
	ram_free(&a->ram, iova - a->at);
}
