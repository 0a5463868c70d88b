/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Scatter Gather Lists. Source: Base 2.2 Scatter Gather List (SGL).
 */
#ifndef NVME_SGL_H
#define NVME_SGL_H

#include "nvme/buf.h"
#include "spec/wire.h"

#define PSDT_MASK    0xc0u /* of struct sqe's flags */
#define PSDT_SGL     0x40u /* 01b: SGLs, metadata in one piece */
#define PSDT_SGL_ALL 0x80u /* 10b: SGLs, metadata by an SGL of their own */

struct sgl_list; /* the segments in memory; freed with sgl_free, or with the controller */

struct sgl_plan {
	const struct sgl_desc *desc; /* data blocks and bit buckets in transfer order */
	unsigned n;
	bool apart;	      /* in a segment in memory though the command has room for it */
	bool detour;	      /* before the others a segment that holds a pointer alone */
	unsigned per_segment; /* descriptors, the pointer to the next among them; 0: no limit */
	size_t start;	      /* bytes into a page at which segments begin, a multiple of 8 */
	bool descending;      /* later segments at lower bus addresses */
};

/* One descriptor. */
struct sgl_desc sgl_data(uint64_t addr, uint32_t len);
struct sgl_desc sgl_bucket(uint32_t len);
/* The next segment, of n descriptors; last: SGL Last Segment. */
struct sgl_desc sgl_pointer(bool last, uint64_t addr, uint32_t n);

/* The descriptor in the command: SGL1. PSDT is left as it is. */
void sgl_put(struct sqe *e, struct sgl_desc d);
struct sgl_desc sgl_get(const struct sqe *e);

/*
 * Fills SGL1 of the SQE and sets PSDT to 01b, building segments as needed. *ret_list is NULL when
 * none was. -ENOMEM, -EINVAL.
 */
int sgl_build(struct ctrl *c, const struct sgl_plan *plan, struct sqe *e,
	      struct sgl_list **ret_list);

/* How many segments there are in memory, and each one (for cases that bend a descriptor). */
unsigned sgl_segments(const struct sgl_list *l);
struct sgl_desc *sgl_segment(struct sgl_list *l, unsigned i, unsigned *ret_n);
struct buf *sgl_segment_buf(struct sgl_list *l, unsigned i);

void sgl_free(struct ctrl *c, struct sgl_list *l);

#endif
