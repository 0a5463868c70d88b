// SPDX-License-Identifier: GPL-2.0-or-later
/* The model's block node: ranges that are zeroed or discarded, as fallocate(2) and the ioctls do.
 */
#include <errno.h>

#include "target/model_node_internal.h"

static int check_range(struct node *n, enum node_range what, uint64_t at, uint64_t len)
{
	struct model_node *mn = n->mn;
	uint32_t logical = mn->disk->logical;

	if (model_node_gone(n))
		return -EIO;
	if (n->flags & NODE_READ_ONLY)
		return -EBADF;
	if (mn->read_only && !(what == NODE_DISCARD && NODE_FAULT(mn, NODE_READ_ONLY_DISCARDED)) &&
	    !(what != NODE_DISCARD && NODE_FAULT(mn, NODE_READ_ONLY_ZEROED)))
		return -EPERM;
	if (!len || at > mn->disk->bytes || len > mn->disk->bytes - at)
		return -EINVAL;
	if ((at | len) % logical &&
	    !(what == NODE_DISCARD && NODE_FAULT(mn, NODE_DISCARD_UNALIGNED_TAKEN)))
		return -EINVAL;
	return 0;
}

/* Zeroes on all of it, whatever the granularity; faults fall short of it or go beyond. */
static int zero(struct node *n, enum node_range what, uint64_t at, uint64_t len)
{
	struct model_node *mn = n->mn;
	int err;

	if (what == NODE_PUNCH && NODE_FAULT(mn, NODE_PUNCH_KEEPS))
		return 0;
	if (NODE_FAULT(mn, NODE_ZEROOUT_OUTWARDS)) {
		len += at % GRANULARITY;
		at -= at % GRANULARITY;
	}
	if (len > SECTOR && NODE_FAULT(mn, NODE_ZEROOUT_TAIL_LEFT))
		len -= SECTOR;
	pages_forget(&mn->pages, at, len);
	err = engine_zero(&mn->engine, at, len);
	return err;
}

static int discard(struct node *n, uint64_t at, uint64_t len)
{
	struct model_node *mn = n->mn;

	if (!(mn->has & MODEL_NODE_DISCARD))
		return NODE_FAULT(mn, NODE_DISCARD_ABSENT_TAKEN) ? 0 : -EOPNOTSUPP;
	at -= at % SECTOR; /* by fault alone */
	len -= len % SECTOR;
	if (NODE_FAULT(mn, NODE_DISCARD_REFUSED))
		return -EOPNOTSUPP;
	if (NODE_FAULT(mn, NODE_DISCARD_KEEPS_PAGES)) {
		engine_discard(&mn->engine, at, len);
		return 0;
	}
	pages_forget(&mn->pages, at, len);
	engine_discard(&mn->engine, at, len);
	return 0;
}

static int secure_discard(struct node *n, uint64_t at, uint64_t len)
{
	struct model_node *mn = n->mn;

	if (!(mn->has & MODEL_NODE_SECURE))
		return NODE_FAULT(mn, NODE_SECURE_ABSENT_TAKEN) ? 0 : -EOPNOTSUPP;
	pages_forget(&mn->pages, at, len);
	disk_erase(mn->disk, at, len);
	return 0;
}

int model_node_range(struct node *n, enum node_range what, uint64_t at, uint64_t len)
{
	int err = check_range(n, what, at, len);

	if (err)
		return err;
	switch (what) {
	case NODE_DISCARD:
		return discard(n, at, len);
	case NODE_SECURE_DISCARD:
		return secure_discard(n, at, len);
	default:
		return zero(n, what, at, len);
	}
}
