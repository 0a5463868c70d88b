// SPDX-License-Identifier: GPL-2.0-or-later
/* What is known of a Linux block node before any case runs. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#include "nvme/facts.h"
#include "nvme/facts_tell.h"

/* Profiles know a drive by model and firmware: the kind of node, and the kernel's version. */
static void stand_for_controller(struct facts *f)
{
	const struct node_facts *n = &f->node;
	struct utsname u;
	size_t len;

	f->alive = true;
	f->nn = f->n_ns = 1;
	f->all_ns = f->has_scratch = true;
	f->ns[0].nsid = 1;
	f->ns[0].lba_bytes = n->logical;
	f->ns[0].nsze = n->bytes / n->logical;
	memset(f->id.mn, ' ', sizeof(f->id.mn));
	memcpy(f->id.mn, "Linux block", strlen("Linux block"));
	memset(f->id.fr, ' ', sizeof(f->id.fr));
	uname(&u);
	len = strcspn(u.release, "-+");
	memcpy(f->id.fr, u.release, len < sizeof(f->id.fr) ? len : sizeof(f->id.fr));
}

int facts_gather_node(struct target *t, struct facts *f)
{
	int err = t->ops->node->facts(t, &f->node);

	if (err)
		return target_fail(t, err, "the block node says nothing of itself: %s",
				   strerror(-err));
	if (!(t->caps.has & (NEED_QUEUES | NEED_COMMAND))) {
		stand_for_controller(f);
		if (t->caps.has & NEED_MMC)
			facts_name_mmc(f);
	}
	return 0;
}

static void tell_can(const struct teller *t, unsigned can)
{
	static const char *const names[] = { "cut", "resize", "bad", "read-only",
					     "room", "hang", "link", "plug" };
	char text[96] = "";

	for (unsigned i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (can >> i & 1) {
			strcat(text, text[0] ? " " : "");
			strcat(text, names[i]);
		}
	facts_tell(t, "node-control", "what its other side can be told", "%s",
		   text[0] ? text : "nothing");
}

void facts_each_node(const struct facts *f,
		     void (*fn)(void *ctx, const char *name, const char *value, const char *note),
		     void *ctx)
{
	const struct node_facts *n = &f->node;
	struct teller t = { fn, ctx };

	if (!(f->caps.has & NEED_NODE))
		return;
	facts_tell(&t, "node-kind", "", "%s%s", n->zoned ? "zoned " : "",
		   n->is_block ? "block device" : "regular file");
	facts_tell(&t, "node-size", "bytes", "%" PRIu64, n->bytes);
	facts_tell(&t, "node-blocks", "bytes: logical, physical, io_min, io_opt", "%u %u %u %u",
		   n->logical, n->physical, n->io_min, n->io_opt);
	facts_tell(&t, "node-align", "bytes for direct I/O: memory, offset; 0: not told", "%u %u",
		   n->mem_align, n->offset_align);
	facts_tell(&t, "node-request", "bytes, segments, bytes of a segment at most",
		   "%" PRIu64 " %u %" PRIu64, n->max_hw_bytes, n->max_segments,
		   n->max_segment_bytes);
	facts_tell(&t, "node-discard", "bytes at most, granularity, alignment", "%" PRIu64 " %u %u",
		   n->discard_max, n->discard_granularity, n->discard_alignment);
	facts_tell(&t, "node-cache", "", "write %s%s", n->write_back ? "back" : "through",
		   n->fua ? ", fua" : "");
	facts_tell(&t, "node-atomic", "bytes of an atomic write, least and most", "%u %u",
		   n->atomic_min, n->atomic_max);
	if (n->bad_bytes)
		facts_tell(&t, "node-bad", "bytes: where, how many, that are never read nor written",
		     "%" PRIu64 " %" PRIu64, n->bad_at, n->bad_bytes);
	tell_can(&t, n->can);
}
