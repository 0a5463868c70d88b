/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The bench of the data pointer cases: a transfer goes through a layout of memory pages and is
 * judged twice, a Write by what a plain Read brings back, a Read by every byte of the memory around
 * it. Everything lives as long as the case.
 */
#ifndef CONFORMANCE_DPTR_BENCH_H
#define CONFORMANCE_DPTR_BENCH_H

#include "base/clock.h"
#include "kit/kit.h"

#define PAGES_MAX	8200u	       /* of one transfer */
#define FIRST_LBA	64u	       /* the blocks that transfers use begin here */
#define BENCH_ANSWER_NS (2 * NS_PER_S) /* for a command that may never be answered */

/* The memory of one transfer. */
struct layout {
	unsigned n;	   /* pages: bench.at */
	size_t offset;	   /* of the data in the first page */
	size_t list_start; /* of the first entry in the first list page */
	bool reverse;
	uint32_t blocks;
};

struct bench {
	struct rig *r;
	const struct facts_ns *ns;
	struct sq *q;
	size_t page;	 /* bytes, of CC.MPS */
	struct buf *mem; /* about twice the pages that a transfer needs: the others stay poison */
	size_t npages;	 /* in mem */
	uint8_t *line;	 /* the data of one transfer in one piece */
	uint8_t *want;	 /* what mem must hold */
	uint32_t max;	 /* blocks of the largest transfer */
	struct layout l;
	struct prp_list *list;	/* of the last bench_point(), NULL: none */
	size_t at[PAGES_MAX];	/* offset of each page into mem, in transfer order */
	size_t deck[PAGES_MAX]; /* every page of mem, shuffled */
	uint64_t iova[PAGES_MAX];
	char what[160];
};

/*
 * For transfers of at most `room` bytes, fewer where MDTS or the namespace is smaller; `max` is 0
 * when not one block fits.
 */
struct bench *bench_new(struct rig *r, const struct facts_ns *ns, size_t room);

/* Sets the layout for `blocks` blocks from `offset` in the first page: pages one after the other,
 * or any pages in any order. List start 0, lists ascending. */
void lay_straight(struct bench *b, size_t offset, uint32_t blocks);
void lay_scattered(struct bench *b, size_t offset, uint32_t blocks);

/* A Read or Write of the layout's blocks, data pointer still to be set. */
struct cmd bench_cmd(const struct bench *b, bool write);
/* Points the command at the layout; returns its list, NULL when none was needed. Fills `what`. */
struct prp_list *bench_point(struct bench *b, struct cmd *c);
/* Fresh poison in all of mem; `want` holds the same. */
void bench_poison(struct bench *b);
/* Stamps the line as the layout's blocks. */
void bench_stamp(struct bench *b, uint64_t tag);
/* Copies the line to where the layout's pages lie in `mem`: b->mem->data or b->want. */
void bench_spread(const struct bench *b, uint8_t *mem);
/* Whatever is in the layout's pages is allowed; nothing else of mem may differ from `want`. */
void bench_check_elsewhere(struct bench *b);

/* The queue works, or works again after a Controller Reset: that it needs one is advice. */
void bench_check_usable(struct bench *b);

/* The line to the first `blocks` blocks and back, without the layout; a Read is checked. */
void plain_write(struct bench *b, uint32_t blocks);
void plain_read(struct bench *b, uint32_t blocks);

/* One Write, one Read through the layout, with all that must be right about it. */
void ask_write(struct bench *b);
void ask_read(struct bench *b);
void ask_both(struct bench *b);

/*
 * The same with a layout of its own: a transfer whose list has `entries` entries, the first `slots`
 * slots before the end of a page. False when no transfer of that many pages is possible.
 */
bool ask_list(struct bench *b, unsigned slots, unsigned entries, bool reverse);

#endif
