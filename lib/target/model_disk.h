/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The device below the model's block node: sectors with a volatile cache over them, bad ones, and a
 * thin pool that they are allocated from. Ranges are whole sectors inside the disk; the caller's to
 * check.
 */
#ifndef TARGET_MODEL_DISK_H
#define TARGET_MODEL_DISK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/bits.h"
#include "model/fault.h"
#include "model/model.h"

#define SECTOR	   512u
#define DISK_BYTES (16ull << 20)
#define DISK_ROOM  (24ull << 20) /* how far it can grow */
#define DISK_CHUNK (64u << 10)	 /* what the pool gives at a time */

/* The faults of the node and its disk stand in the model's table. */
#define NODE_FAULT(d, name) model_has_fault((d)->m, FAULT_##name)

enum disk_how { DISK_FUA = 1u << 0, DISK_ATOMIC = 1u << 1 };

struct disk {
	const struct model *m;
	uint64_t bytes, before; /* as it is, and was before it was resized */
	uint32_t logical, physical;
	bool write_back;
	bool hung; /* as told: nothing is answered at the front */
	uint8_t *seen, *medium; /* with the cache, and without */
	struct bits cached;	/* sectors that the medium does not have yet */
	struct bits bad;
	struct bits mapped; /* chunks */
	uint64_t free;	    /* chunks that the pool has left */
	uint32_t *unit;	    /* sectors that stay together: the first one's number and 1; 0: alone */
};

/* 0 or -ENOMEM; close copes with what is half built. */
int disk_open(struct disk *d, const struct model *m);
void disk_close(struct disk *d);

/* 0, -EIO, or -ENOSPC: then none of it is written. */
int disk_read(struct disk *d, uint64_t at, void *to, uint64_t len);
int disk_write(struct disk *d, uint64_t at, const void *data, uint64_t len, unsigned how);
int disk_zero(struct disk *d, uint64_t at, uint64_t len);
void disk_discard(struct disk *d, uint64_t at, uint64_t len);
/* No layer has it afterwards. */
void disk_erase(struct disk *d, uint64_t at, uint64_t len);
void disk_flush(struct disk *d);

/* What the side below can be told: node.h. */
void disk_cut(struct disk *d);
void disk_resize(struct disk *d, uint64_t bytes);
void disk_mark_bad(struct disk *d, uint64_t at, uint64_t len);
void disk_mend(struct disk *d);
void disk_set_room(struct disk *d, uint64_t chunks);

#endif
