/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A PCI function behind a vfio-user socket: regions, configuration space, interrupts. */
#ifndef TARGET_VU_DEVICE_H
#define TARGET_VU_DEVICE_H

#include "target/vu_link.h"

#define VU_VECTORS_MAX 512u

enum vu_doorbells { VU_DOORBELLS_AUTO, VU_DOORBELLS_MESSAGE, VU_DOORBELLS_MAPPED };

struct vu_mapping {
	struct vu_area area; /* of region 0 */
	uint8_t *va;
};

struct vu_device {
	struct vu_link link;
	struct vu_region region[VU_REGIONS];
	struct vu_mapping map[VU_AREAS_MAX]; /* of region 0 */
	unsigned maps;
	uint64_t bar_addr[6];
	uint32_t id; /* vendor, device */
	unsigned msix, vectors;
	int event[VU_VECTORS_MAX]; /* -1: not made yet */
	bool real_table;	   /* the table can be read and written */
};

/* The link is open. 0, or -errno and the sentence in d->link.error. */
int vu_device_open(struct vu_device *d, enum vu_doorbells how);
/* Closes what the device has of its own; the link stays. */
void vu_device_close(struct vu_device *d);

/* len bytes of a region at off, at most 8, in one message. */
int vu_device_read(struct vu_device *d, unsigned region, uint64_t off, unsigned len, uint64_t *ret);
int vu_device_write(struct vu_device *d, unsigned region, uint64_t off, unsigned len,
		    uint64_t value);
/* A doorbell: stored where it is mapped, else posted, or written where the server needs that. */
int vu_device_ring(struct vu_device *d, uint64_t off, unsigned len, uint64_t value);

/* Where the dword at that offset of BAR 0 is mapped; NULL: nowhere. */
uint32_t *vu_device_mapped(const struct vu_device *d, uint64_t off);

/* Addresses into the BARs, memory and bus mastering on, the wire off. */
int vu_device_place(struct vu_device *d);
/* Offset of a capability; 0: none. */
int vu_device_find_cap(struct vu_device *d, uint8_t id, unsigned *ret);
/* Eventfds for vectors 0 to n-1 and MSI-X enabled; 0: disabled. What came until then is forgotten.
 */
int vu_device_irqs(struct vu_device *d, unsigned n);

#endif
