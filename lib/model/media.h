/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Namespaces and what they hold. Each has a medium, which keeps its content without power, and
 * over it a volatile write cache: media_view() is what the host sees, medium and cache together.
 * Blocks are the namespace's own; ranges are the caller's to check.
 */
#ifndef MODEL_MEDIA_H
#define MODEL_MEDIA_H

#include "model/internal.h"

struct media_ns;

/* The namespace of this NSID, NULL when it is not active. */
struct media_ns *media_ns(const struct model *m, uint32_t nsid);
/* Identify Controller NN: if not told, two more than there are: valid and inactive NSIDs exist. */
uint32_t media_nn(const struct model *m);

uint32_t media_nsid(const struct media_ns *ns);
uint64_t media_blocks(const struct media_ns *ns);
unsigned media_lbads(const struct media_ns *ns); /* log2 of the block size */

/* The blocks from lba on as the host sees them, in one piece up to the namespace's end. */
const uint8_t *media_view(struct model *m, struct media_ns *ns, uint64_t lba, uint64_t n);

/* What a Write, Write Zeroes or Dataset Management does. `through`: on the medium when it returns.
 */
void media_write(struct media_ns *ns, uint64_t lba, uint64_t n, const void *data, bool through);
void media_zero(struct media_ns *ns, uint64_t lba, uint64_t n, bool through);
void media_deallocate(struct model *m, struct media_ns *ns, uint64_t lba, uint64_t n);

/* Write Uncorrectable: unreadable until written again. */
void media_mark_bad(struct media_ns *ns, uint64_t lba, uint64_t n);
/* True and the first such block of the range, when there is one. */
bool media_find_bad(const struct media_ns *ns, uint64_t lba, uint64_t n, uint64_t *ret_lba);

/* The cache to the medium: of the range, of the namespace, of every namespace. */
void media_flush_range(struct media_ns *ns, uint64_t lba, uint64_t n);
void media_flush(struct media_ns *ns);
void media_flush_all(struct model *m);

/* By fault: does the range overlap that of the call before, made when both were in flight? */
bool media_overlaps_last(struct model *m, const struct media_ns *ns, uint64_t lba, uint64_t n);
/* By fault: bytes of n blocks, of the size of the namespace asked for just before. */
size_t media_bent_bytes(struct model *m, const struct media_ns *ns, uint64_t n);

/* At least len bytes that last until the next call, for data on its way; NULL without memory. */
void *media_bounce(struct model *m, size_t len);

#endif
