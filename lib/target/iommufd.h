/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What of the kernel's iommufd and device node interfaces is used here, laid out by ourselves:
 * Debian 12's headers are older than the kernels it runs on. Sources: Linux
 * include/uapi/linux/iommufd.h; include/uapi/linux/vfio.h, VFIO_DEVICE_BIND_IOMMUFD and
 * VFIO_DEVICE_ATTACH_IOMMUFD_PT.
 */
#ifndef TARGET_IOMMUFD_H
#define TARGET_IOMMUFD_H

#include <assert.h>
#include <linux/ioctl.h>
#include <stdint.h>

#define IOMMUFD_ALLOC	  _IO(';', 0x81)
#define IOMMUFD_RANGES	  _IO(';', 0x84)
#define IOMMUFD_MAP	  _IO(';', 0x85)
#define IOMMUFD_BIND	  _IO(';', 118) /* of the device */
#define IOMMUFD_ATTACH	  _IO(';', 119) /* of the device */

#define IOMMUFD_FIXED	  1u
#define IOMMUFD_WRITEABLE 2u
#define IOMMUFD_READABLE  4u

/* size, argsz: of the structure itself */
struct iommufd_alloc {
	uint32_t size, flags, ret_ioas;
};

struct iommufd_ranges {
	uint32_t size, ioas, n, reserved; /* n: room, then how many there are */
	uint64_t array, ret_alignment;
};

struct iommufd_map {
	uint32_t size, flags, ioas, reserved;
	uint64_t va, length, iova;
};

struct iommufd_bind {
	uint32_t argsz, flags;
	int32_t iommufd;
	uint32_t ret_device;
};

struct iommufd_attach {
	uint32_t argsz, flags, ioas;
};

static_assert(sizeof(struct iommufd_alloc) == 12, "iommu_ioas_alloc");
static_assert(sizeof(struct iommufd_ranges) == 32, "iommu_ioas_iova_ranges");
static_assert(sizeof(struct iommufd_map) == 40, "iommu_ioas_map");
static_assert(sizeof(struct iommufd_bind) == 16, "vfio_device_bind_iommufd");
static_assert(sizeof(struct iommufd_attach) == 12, "vfio_device_attach_iommufd_pt");

#endif
