/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The model behind regions and interrupts, as a vfio-user client sees a device. */
#ifndef SERVE_DEVICE_H
#define SERVE_DEVICE_H

#include "serve/doorbells.h"
#include "serve/memory.h"
#include "serve/wire.h"

struct model;

#define DEVICE_VECTORS 2048u

struct device {
	struct model *m;
	struct memory mem;
	int event[DEVICE_VECTORS]; /* eventfd of a vector, -1: none */
	struct wire wire;
	struct doorbells doorbells;
	unsigned vectors;
	unsigned msix; /* offset of the capability */
	/* by fault */
	uint8_t *block;		   /* configuration space as it once was */
	bool skip[DEVICE_VECTORS]; /* the vector's next interrupt is lost */
	unsigned leaked;	   /* maps of clients that are gone */
	bool left_enabled;	   /* the last client did */
	bool stopped;		   /* its commands wait for the next one */
};

/* options: as behind "model:". 0, or -errno and why (256 bytes). */
int device_open(struct device *d, const char *options, char *error);
void device_close(struct device *d);

/* After anything that may have moved the device: signals its wire, when it is time, and looks at
 * doorbells that are mapped. */
void device_look(struct device *d);
/* The client is gone: no memory, no eventfds, function reset; what it stored stays. */
void device_leave(struct device *d);
/* Power lost and back. 0 or an errno to answer with. */
int device_reset(struct device *d);

/* memory_map() and memory_unmap() of its memory. */
int device_map(struct device *d, const struct vu_map *map, int fd);
int device_unmap(struct device *d, const struct vu_unmap *unmap);

uint64_t device_region_size(const struct device *d, unsigned region);
/* Answer with the errno, or 0. Nothing is clipped. */
int device_read(struct device *d, const struct vu_access *a, uint8_t *to);
int device_write(struct device *d, const struct vu_access *a, const uint8_t *from);

unsigned device_irq_count(const struct device *d, unsigned index);
/* fd[fds] are taken over where used (set to -1). data: len bytes behind the structure. */
int device_set_irqs(struct device *d, const struct vu_set_irqs *set, const uint8_t *data,
		    size_t len, int *fd, unsigned fds);

#endif
