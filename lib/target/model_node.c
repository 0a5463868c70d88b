// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What Linux answers on a block node: sizes and alignments are checked here as the block layer does
 * (fs/block fops and ioctls as sysfs-block, open(2), fallocate(2) and pwritev2(2) tell of them);
 * the content is the page cache's and the disk's.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "target/model_node_internal.h"

/* ---- making ---- */

void model_node_free(struct model_node *mn)
{
	if (!mn)
		return;
	pages_close(&mn->pages);
	engine_close(&mn->engine);
	disk_close(&mn->own);
	free(mn->bounce);
	free(mn);
}

static struct model_node *make(const struct model *m, struct model_node *front)
{
	struct model_node *mn = calloc(1, sizeof(*mn));

	if (!mn)
		return NULL;
	mn->m = m;
	mn->has = model_node_bits(m);
	mn->bounce = malloc(DISK_ROOM);
	mn->disk = front ? front->disk : &mn->own;
	if (!mn->bounce || (!front && disk_open(&mn->own, m)) ||
	    engine_open(&mn->engine, mn->disk, front != NULL) ||
	    pages_open(&mn->pages, &mn->engine)) {
		model_node_free(mn);
		return NULL;
	}
	return mn;
}

struct model_node *model_node_new(const struct model *m)
{
	struct model_node *mn = make(m, NULL);

	if (!mn)
		return NULL;
	mn->disk->logical = mn->has & MODEL_NODE_4KN ? 4096 : 512;
	mn->disk->physical = mn->has & (MODEL_NODE_4K | MODEL_NODE_4KN) ? 4096 : 512;
	mn->disk->write_back = mn->has & MODEL_NODE_CACHE;
	return mn;
}

struct model_node *model_node_back(struct model_node *front)
{
	return make(front->m, front);
}

/* What everyone is told of its size. */
static uint64_t size_told(struct model_node *mn)
{
	return mn->disk->bytes > DISK_BYTES && NODE_FAULT(mn, NODE_GROW_UNSEEN)
		       ? DISK_BYTES
		       : engine_bytes(&mn->engine);
}

static void bend_facts(struct model_node *mn, struct node_facts *f)
{
	if (NODE_FAULT(mn, NODE_SIZE_ODD))
		f->bytes -= 100;
	if (NODE_FAULT(mn, NODE_SYSFS_SIZE_DIFFERS))
		f->sysfs_bytes -= 512;
	if (NODE_FAULT(mn, NODE_PHYSICAL_BELOW_LOGICAL))
		f->physical = f->logical / 2;
	if (NODE_FAULT(mn, NODE_IO_OPT_ODD))
		f->io_opt = f->logical + 1;
	if (NODE_FAULT(mn, NODE_MEM_ALIGN_LIES))
		f->mem_align = 4;
	if (!mn->engine.back && NODE_FAULT(mn, CROSS_SIZE_SHORT)) {
		f->bytes -= 1u << 20;
		f->sysfs_bytes -= 1u << 20;
	}
	if (!mn->engine.back && NODE_FAULT(mn, CROSS_PHYSICAL_ABOVE))
		f->physical = 2 * mn->disk->physical;
}

void model_node_facts(struct model_node *mn, struct node_facts *ret)
{
	const struct disk *d = mn->disk;

	*ret = (struct node_facts){
		.is_block = true,
		.read_only = mn->read_only,
		.bytes = size_told(mn),
		.sysfs_bytes = size_told(mn),
		.logical = d->logical,
		.physical = d->physical,
		.io_min = d->physical,
		.io_opt = 65536,
		.mem_align = MEM_ALIGN,
		.offset_align = d->logical,
		.max_hw_bytes = IO_MAX,
		.max_segments = SEGMENTS,
		.max_segment_bytes = SEGMENT_BYTES,
		.zeroes_max = IO_MAX,
		.write_back = d->write_back,
		.fua = d->write_back,
		.can = NODE_CUT | NODE_RESIZE | NODE_BAD | NODE_SET_READ_ONLY | NODE_ROOM |
		       NODE_HANG | (mn->engine.back ? 0 : NODE_LINK | NODE_PLUG),
	};
	if (mn->has & MODEL_NODE_DISCARD) {
		ret->discard_max = DISCARD_BYTES;
		ret->discard_granularity = GRANULARITY;
	}
	if (mn->has & MODEL_NODE_ATOMIC) {
		ret->atomic_min = d->logical;
		ret->atomic_max = ATOMIC_MAX;
	}
	bend_facts(mn, ret);
}

void model_node_who(struct model_node *mn, char *ret, size_t size)
{
	bool other = (mn->relinked && NODE_FAULT(mn, CROSS_LINK_OTHER)) ||
		     (mn->plugs && NODE_FAULT(mn, CROSS_PLUG_OTHER));

	snprintf(ret, size, "device/serial=MODEL, uuid=6f1d4e0a-7a52-4c0e-9d0b-52494730%04x",
		 other ? 0xf001 : 0xf000);
}

/* ---- open and close ---- */

int model_node_open(struct model_node *mn, unsigned flags, struct node **ret)
{
	struct node *n;

	if (mn->unplugged && !NODE_FAULT(mn, CROSS_PLUG_STAYS))
		return -ENXIO;
	n = calloc(1, sizeof(*n));
	if (!n)
		return -ENOMEM;
	*n = (struct node){
		.mn = mn, .flags = flags, .plugs = mn->plugs, .told = mn->pages.errors
	};
	mn->opens++;
	*ret = n;
	return 0;
}

/* The last one's close writes back what is dirty, and forgets the pages. */
void model_node_close(struct node *n)
{
	struct model_node *mn;

	if (!n)
		return;
	mn = n->mn;
	free(n);
	if (--mn->opens)
		return;
	if (!NODE_FAULT(mn, NODE_CLOSE_FORGETS))
		pages_write_back(&mn->pages, 0, DISK_ROOM);
	pages_forget(&mn->pages, 0, DISK_ROOM);
}

/* ---- what the side below is told ---- */

static void cut(struct model_node *mn)
{
	pages_forget(&mn->pages, 0, DISK_ROOM);
	disk_cut(mn->disk);
}

static int resize(struct model_node *mn, uint64_t bytes)
{
	if (!bytes || bytes > DISK_ROOM || bytes % mn->disk->physical)
		return -EINVAL;
	if (bytes < mn->disk->bytes)
		pages_forget(&mn->pages, bytes, mn->disk->bytes - bytes);
	disk_resize(mn->disk, bytes);
	return 0;
}

static int mark_bad(struct model_node *mn, uint64_t at, uint64_t len)
{
	if ((at | len) % SECTOR || !len || at >= DISK_ROOM || len > DISK_ROOM - at)
		return -EINVAL;
	disk_mark_bad(mn->disk, at, len);
	return 0;
}

static int plug(struct model_node *mn, bool in)
{
	if (mn->unplugged != in)
		return 0;
	if (in && NODE_FAULT(mn, CROSS_PLUG_NEVER))
		return -ETIMEDOUT;
	mn->unplugged = !in;
	pages_forget(&mn->pages, 0, DISK_ROOM);
	mn->plugs += in;
	if (in && NODE_FAULT(mn, CROSS_PLUG_LOST))
		disk_erase(mn->disk, 0, mn->disk->bytes);
	return 0;
}

int model_node_control(struct model_node *mn, const char *what)
{
	uint64_t a, b;

	if (sscanf(what, "node resize %" SCNu64, &a) == 1)
		return resize(mn, a);
	if (sscanf(what, "node bad %" SCNu64 " %" SCNu64, &a, &b) == 2)
		return mark_bad(mn, a, b);
	if (!strcmp(what, "node cut"))
		cut(mn);
	else if (!strcmp(what, "node mend"))
		disk_mend(mn->disk);
	else if (!strcmp(what, "node read-only on") || !strcmp(what, "node read-only off"))
		mn->read_only = !strcmp(what, "node read-only on");
	else if (!strcmp(what, "node hang") || !strcmp(what, "node wake"))
		mn->disk->hung = !strcmp(what, "node hang");
	else if (!mn->engine.back && !strcmp(what, "node link off"))
		mn->link_off = mn->relinked = true;
	else if (!mn->engine.back && !strcmp(what, "node link on"))
		mn->link_off = false;
	else if (!mn->engine.back && !strcmp(what, "node plug out"))
		return plug(mn, false);
	else if (!mn->engine.back && !strcmp(what, "node plug in"))
		return plug(mn, true);
	else if (!strcmp(what, "node room all"))
		disk_set_room(mn->disk, UINT64_MAX);
	else if (sscanf(what, "node room %" SCNu64, &a) == 1)
		disk_set_room(mn->disk, a / DISK_CHUNK);
	else
		return -EINVAL;
	return 0;
}
