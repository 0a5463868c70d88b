/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A region of blocks, written and read at random through several queues, and a journal of what each
 * block must hold.
 */
#ifndef CONFORMANCE_IO_JOURNAL_H
#define CONFORMANCE_IO_JOURNAL_H

#include "kit/kit.h"

#define JOURNAL_QUEUES 64

enum place { AT_FIRST, AT_LAST, AT_RANDOM }; /* of the region in its namespace */

struct journal {
	struct rig *r;
	const struct facts_ns *ns;
	uint64_t lba;	 /* where the region begins */
	uint32_t blocks; /* in the region */
	uint32_t chunk;	 /* of the largest command */
	uint64_t *tag;	 /* by block; 0: not written yet */
	uint8_t *data;	 /* of one command */
	struct sq *q[JOURNAL_QUEUES];
	unsigned nq;
};

/* `like` (or NULL): an earlier journal of the case, whose queues this one takes over. */
struct journal *journal_new(struct rig *r, const struct facts_ns *ns, enum place place,
			    const struct journal *like);

/* The i-th Write: of a size that i gives (edges first; at soak every size in turn), somewhere in
 * the region, at its very ends now and then, through any queue. */
void journal_write(struct journal *j, uint64_t i);
/* The i-th Read likewise; every block that was written is checked. */
void journal_read(struct journal *j, uint64_t i);
void journal_read_all(struct journal *j);

#endif
