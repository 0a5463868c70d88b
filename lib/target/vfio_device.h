/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A PCI function behind a VFIO device descriptor: regions, configuration space, interrupts, reset.
 * Source: Linux include/uapi/linux/vfio.h, Documentation/driver-api/vfio.rst.
 */
#ifndef TARGET_VFIO_DEVICE_H
#define TARGET_VFIO_DEVICE_H

#include <stdbool.h>
#include <stdint.h>

#define VFIO_VECTORS_MAX 512u
#define VFIO_AREAS_MAX	 4u
#define VFIO_BARS	 6u
#define VFIO_CFG	 7u /* the region of configuration space, as vfio_region's index */
#define VFIO_REGIONS	 8u

struct vfio_area {
	uint64_t off, size; /* bytes of the region */
	uint8_t *va;
};

struct vfio_region {
	uint64_t offset, size;		       /* in the descriptor; size 0: there is none */
	struct vfio_area area[VFIO_AREAS_MAX]; /* what of it is mapped */
	unsigned areas;
};

struct vfio_device {
	int fd;
	struct vfio_region region[VFIO_REGIONS];
	unsigned vectors;
	int event[VFIO_VECTORS_MAX]; /* -1: not made yet */
	bool messages;		     /* MSI-X is on */
	int wire;		     /* eventfd of INTx; -1: nobody asked yet */
	bool has_wire;
	int request; /* eventfd: the kernel wants the device back; -1: it cannot say so */
	bool wanted; /* it said so */
	bool resets;
	bool decodes; /* memory decoding on and D0: accesses reach it */
	unsigned pm;  /* offset of the power management capability; 0: none */
	char error[256];
};

/* So that it can be closed. */
void vfio_device_init(struct vfio_device *d);
/* fd stays the caller's. 0, or -errno and the sentence in d->error. */
int vfio_device_open(struct vfio_device *d, int fd, unsigned pm);
/* Interrupts off, mappings and descriptors of its own closed. */
void vfio_device_close(struct vfio_device *d);

/*
 * len bytes (1, 2, 4, 8) of a region at off, which are in it: one access of that width where the
 * region is mapped. Where the function decodes no memory, reads give ones and writes go nowhere, as
 * on the bus. -EIO: the kernel refuses.
 */
int vfio_device_read(struct vfio_device *d, unsigned region, uint64_t off, unsigned len,
		     uint64_t *ret);
int vfio_device_write(struct vfio_device *d, unsigned region, uint64_t off, unsigned len,
		      uint64_t value);

/* Where the dword at that offset of BAR 0 is mapped; NULL: nowhere. */
uint32_t *vfio_device_mapped(const struct vfio_device *d, uint64_t off);

/* MSI-X vectors 0 to n-1 by eventfd, 0: off; what came until then is forgotten. -ERANGE. */
int vfio_device_irqs(struct vfio_device *d, unsigned n);
/* The level of the INTx wire now. The first call takes hold of it. -ENOTSUP while MSI-X is on. */
int vfio_device_wire(struct vfio_device *d, bool *ret_active);

/* The function's reset, as the kernel does it, which keeps its configuration. -ENOTSUP. */
int vfio_device_reset(struct vfio_device *d);

/* -ECANCELED once the kernel asked for the device: it is being unplugged or unbound. */
int vfio_device_look(struct vfio_device *d);

#endif
