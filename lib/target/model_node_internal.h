/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the parts of the model's block node share: model_node.c, model_node_io.c,
 * model_node_range.c. */
#ifndef TARGET_MODEL_NODE_INTERNAL_H
#define TARGET_MODEL_NODE_INTERNAL_H

#include "target/model_node.h"
#include "target/model_pages.h"

#define MEM_ALIGN     512u
#define IO_MAX	      (256u << 10) /* max_hw_sectors */
#define SEGMENTS      32u
#define SEGMENT_BYTES (64u << 10)
#define GRANULARITY   4096u
#define ATOMIC_MAX    16384u
#define DISCARD_BYTES (1ull << 30)

struct model_node {
	const struct model *m;
	unsigned has;		/* enum model_node_has */
	struct disk own, *disk; /* its own, or that of the node at the front */
	struct engine engine;
	struct pages pages;
	bool read_only;
	bool link_off, relinked; /* as told; and once it was */
	bool unplugged;
	unsigned plugs; /* how often it was plugged in again */
	unsigned opens;
	uint8_t *bounce; /* DISK_ROOM bytes: what an I/O moves, in one piece */
};

struct node {
	struct model_node *mn;
	unsigned flags;
	unsigned plugs; /* as it was when this was opened: what came later is another disk */
	unsigned told; /* pages.errors that this one was told of */
	struct {
		bool on, hung, cut; /* hung, cut: it waited for a store, a way */
		bool gone; /* it was, before it began */
		unsigned flags;
		struct iovec iov;
		uint64_t at;
	} started;
};

/* Was its disk taken away? */
bool model_node_gone(const struct node *n);
/* Is it free to go on? */
bool model_node_settle(struct node *n);

#endif
