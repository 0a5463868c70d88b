/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Memory that host and device both see, in one stretch of device addresses. What is handed out is
 * mapped for the device then, in pieces, and stays so until close: pinning and mapping what no case
 * uses would take longer than most cases.
 */
#ifndef TARGET_VFIO_ARENA_H
#define TARGET_VFIO_ARENA_H

#include "target/qtest_ram.h"
#include "target/vfio_iommu.h"

#define VFIO_HOLE_BYTES 0x1000000ull

struct vfio_arena {
	struct vfio_iommu *iommu;
	struct ram ram;
	uint64_t at;	 /* device address of its first byte */
	uint64_t hole;	 /* device address of VFIO_HOLE_BYTES that are never mapped; 0: none */
	size_t piece;	 /* bytes that are mapped at once */
	uint8_t *mapped; /* by piece: is it? */
};

/* size: bytes, whole 2 MiB. On failure error (VFIO_ERROR bytes) says why; close is fine then. */
int vfio_arena_open(struct vfio_arena *a, struct vfio_iommu *m, uint64_t size, char *error);
void vfio_arena_close(struct vfio_arena *a);

/* Zeroed whole pages with unused ones around them. -ENOMEM: no room, or no more may be locked. */
int vfio_arena_map(struct vfio_arena *a, size_t len, size_t align, void **ret_va,
		   uint64_t *ret_iova, char *error);
void vfio_arena_unmap(struct vfio_arena *a, uint64_t iova);

#endif
