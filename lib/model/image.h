/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Bytes in two images: the medium, which stays without power, and the view, which is the medium
 * with a volatile cache laid over it. A set of pages tells where they differ. So what the host
 * sees is one memory, a flush copies the differing pages down, and losing power copies them up.
 */
#ifndef MODEL_IMAGE_H
#define MODEL_IMAGE_H

#include <sys/types.h>

#include "model/bits.h"

#define IMAGE_PAGE 4096ull

struct image {
	uint8_t *view, *medium;
	size_t len; /* of each; 0: there is none, and every call below does nothing */
	struct bits dirty;
};

/* len: whole pages; fd -1: RAM, zeroed. 0 or -ENOMEM; close copes with what is half built. */
int image_open(struct image *im, size_t len, int fd, off_t off);
void image_close(struct image *im);

/* The view of these bytes was changed: into the cache, or on to the medium. */
void image_settle(struct image *im, uint64_t off, uint64_t len, bool through);
/* The cache of the pages that these bytes touch, or all of it, to the medium. */
void image_flush(struct image *im, uint64_t off, uint64_t len);
void image_flush_all(struct image *im);
/* Power is lost: the view is the medium again. */
void image_drop(struct image *im);

static inline size_t image_round(uint64_t len)
{
	return (len + IMAGE_PAGE - 1) & ~(IMAGE_PAGE - 1);
}

#endif
