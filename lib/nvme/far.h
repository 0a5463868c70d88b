/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Memory of the controller's own that the host reaches through a BAR and the controller by a bus
 * address: a Controller Memory Buffer, or a piece of it. A queue that is placed there keeps its
 * copy in host memory; what is put goes through at once, what is looked at is fetched first.
 */
#ifndef NVME_FAR_H
#define NVME_FAR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ctrl;

struct far {
	bool on;
	unsigned bar;  /* 0 too: behind the doorbells */
	uint64_t off;  /* of the first byte in the BAR */
	uint64_t iova; /* the address to give to the controller */
};

/* A piece of it that begins `at` bytes on. */
struct far far_at(const struct far *f, uint64_t at);

/* Accesses of 8 bytes where they are aligned, of one elsewhere. 0 or -errno of the target. */
int far_store(struct ctrl *c, const struct far *f, uint64_t at, const void *from, size_t len);
int far_load(struct ctrl *c, const struct far *f, uint64_t at, void *to, size_t len);
int far_zero(struct ctrl *c, const struct far *f, uint64_t at, size_t len);

/* One access, exactly so; width in bits. */
int far_read(struct ctrl *c, const struct far *f, uint64_t at, unsigned width, uint64_t *ret);
int far_write(struct ctrl *c, const struct far *f, uint64_t at, unsigned width, uint64_t value);

#endif
