/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The guest's memory, one file mapped by QEMU and by us: a guest-physical address is an offset
 * into it. Handed out in whole pages with unused pages between any two regions, so that a
 * transfer that runs over lands where nobody else's data are.
 */
#ifndef TARGET_QTEST_RAM_H
#define TARGET_QTEST_RAM_H

#include <stddef.h>
#include <stdint.h>

#define RAM_PAGE  4096u
#define RAM_FIRST 0x100000u /* below lie VGA and ROM windows, and address 0 */

struct region;

struct ram {
	uint8_t *base;
	size_t size;
	struct region *used; /* ascending; what lies between is free */
};

/* Maps size bytes (0: all) of the file. -EINVAL when it is shorter than asked for or too small. */
int ram_open(struct ram *r, const char *path, size_t size);
/* The same of a file that is open; fd stays the caller's. */
int ram_open_fd(struct ram *r, int fd, size_t size);
/* The same of memory that nobody else maps, in large pages where the kernel has them. */
int ram_open_anonymous(struct ram *r, size_t size);
void ram_close(struct ram *r);

/*
 * len > 0 bytes, made whole pages, at a multiple of align (a power of two), zeroed. Returns the
 * address for the device, or 0 when there is no room.
 */
uint64_t ram_alloc(struct ram *r, size_t len, size_t align);
/* addr: what ram_alloc returned, or 0. */
void ram_free(struct ram *r, uint64_t addr);

static inline void *ram_at(const struct ram *r, uint64_t addr)
{
	return r->base + addr;
}

#endif
