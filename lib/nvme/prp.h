/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * PRP entries and lists. Source: Base 2.0 Physical Region Page Entry and List.
 */
#ifndef NVME_PRP_H
#define NVME_PRP_H

#include "nvme/buf.h"
#include "spec/wire.h"

struct prp_list; /* list pages; freed with prp_free, or with the controller */

struct prp_plan {
	const uint64_t
		*pages;	    /* bus address of each page in transfer order; page-aligned but for */
	unsigned npages;    /* the first, which may carry an offset */
	size_t list_start;  /* bytes into the first list page at which entries begin, multiple of 8
			     */
	bool reverse_lists; /* list pages in descending bus addresses */
};

/*
 * Fills PRP1 and PRP2 of the SQE for the pages, building and chaining lists as needed: the last
 * slot of a full list page points to the next one only when more than one entry remains.
 * *ret_list is NULL when no list was needed. -ENOMEM, -EINVAL.
 */
int prp_build(struct ctrl *c, const struct prp_plan *plan, struct sqe *e,
	      struct prp_list **ret_list);

/* The common case: len bytes at a bus address, in one piece. */
int prp_fill(struct ctrl *c, uint64_t iova, size_t len, struct sqe *e, struct prp_list **ret_list);

/* How many list pages there are, and each one (for cases that bend an entry). */
unsigned prp_list_pages(const struct prp_list *l);
struct buf *prp_list_page(struct prp_list *l, unsigned i);

void prp_free(struct ctrl *c, struct prp_list *l);

#endif
