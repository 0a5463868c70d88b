/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A device that vfio-pci drives, opened, and an address space of its own behind the IOMMU. Two
 * ways, with the same end: a group in a container (type 1, version 2), or, in kernels that have it,
 * the device's own node and /dev/iommu. Sources: Linux include/uapi/linux/vfio.h,
 * include/uapi/linux/iommufd.h, Documentation/userspace-api/iommufd.rst.
 */
#ifndef TARGET_VFIO_IOMMU_H
#define TARGET_VFIO_IOMMU_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "target/pci_dev.h"

#define VFIO_ERROR	256
#define VFIO_RANGES_MAX 16u

enum vfio_via { VFIO_VIA_AUTO, VFIO_VIA_CONTAINER, VFIO_VIA_IOMMUFD };

/* Device addresses that may be mapped; last is the last byte. */
struct vfio_range {
	uint64_t first, last;
};

struct vfio_iommu {
	enum vfio_via via; /* which it is */
	int device;	   /* descriptor of the device */
	int space;	   /* the container, or /dev/iommu */
	int group;	   /* -1: there is none */
	uint32_t ioas;
	struct vfio_range range[VFIO_RANGES_MAX]; /* ascending */
	unsigned ranges;
};

/*
 * AUTO is iommufd where the kernel has it for this device, else the container; which there is
 * decides, not which works. On failure error (VFIO_ERROR bytes) says what and what to do: -EBUSY:
 * another process has it; -ENODEV: the kernel has no such way; -EACCES; another -errno.
 */
int vfio_iommu_open(struct vfio_iommu *m, const struct pci_device_info *info, enum vfio_via via,
		    char *error);
void vfio_iommu_close(struct vfio_iommu *m);

const char *vfio_via_name(enum vfio_via via);

/* Whole pages, mapped until close. -ENOMEM: over the limit of locked memory. */
int vfio_iommu_map(struct vfio_iommu *m, void *va, uint64_t iova, size_t size, char *error);

/* Are these addresses ones that could be mapped? */
bool vfio_iommu_may_map(const struct vfio_iommu *m, uint64_t iova, uint64_t size);

#endif
