/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who drives a PCI function: taken from its kernel driver for vfio-pci, and given back. Sources:
 * Linux Documentation/driver-api/vfio.rst, Documentation/ABI/testing/sysfs-bus-pci
 * (driver_override, drivers_probe), sysfs-devices-driver unbind.
 *
 * What was taken is noted in a file before anything is changed, with the process that took it. The
 * note is the lock, too: while that process lives nobody else takes the function; after its death,
 * however it died, the next who asks gives it back.
 */
#ifndef TARGET_VFIO_BIND_H
#define TARGET_VFIO_BIND_H

#include <stdbool.h>

#include "target/pci_dev.h"

#define VFIO_BIND_ERROR	 256
#define VFIO_BIND_NOTES	 "/run/nvrig-vfio"
#define VFIO_BIND_DRIVER "vfio-pci"

struct vfio_place {
	const char *sysfs; /* NULL: /sys */
	const char *dev;   /* NULL: /dev */
	const char *notes; /* directory of the notes; NULL: VFIO_BIND_NOTES */
};

struct vfio_bound {
	char name[PCI_DEV_NAME];
	bool ours; /* taken by us: to be given back */
};

/*
 * vfio-pci drives the function when this returns 0; one that it drove before stays as it is.
 * Refused, with the sentence in error (VFIO_BIND_ERROR bytes): not an NVMe controller (-EINVAL), no
 * IOMMU or no vfio-pci (-ENODEV), not root (-EPERM), another function of its group that the kernel
 * uses, or a namespace of it that is in use, or another nvrig's (-EBUSY); else -errno.
 */
int vfio_bind(const struct vfio_place *p, const struct pci_device_info *info,
	      struct vfio_bound *ret, char *error);

/*
 * Puts the driver back that was there before. 0; -ETIMEDOUT: the kernel waits for a process that
 * still holds the device; or -errno, with the sentence. The note stays where it failed.
 */
int vfio_give_back(const struct vfio_place *p, struct vfio_bound *b, char *error);

/*
 * Gives back what processes took that are gone. How many were; -errno of the first that failed,
 * with the sentence. 0 where there is nothing noted.
 */
int vfio_give_back_left(const struct vfio_place *p, char *error);

/* 0, or -EBUSY and the sentence which namespace of the function's is in use, and by what. */
int vfio_check_unused(const struct vfio_place *p, const char *name, char *error);

/* 0, or -EBUSY and the sentence which other functions of its group the kernel uses. */
int vfio_check_group(const struct vfio_place *p, const struct pci_device_info *info, char *error);

#endif
