// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * An MMC or SD card of this machine: `mmc:/dev/mmcblkN`. Block I/O and the node are those of
 * `block:` on the same device, with its claim (O_EXCL) and its rule of what is written to; the
 * card's own commands go by ioctl to the very descriptor that was claimed.
 *
 * A card that anybody uses, the user area or a boot partition, is refused as a whole, reads too:
 * there are hosts that lose a mounted card over raw commands. What changes a card is sent only
 * where `block:` would write; what could not be undone is never sent.
 */
#include "target/target.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "target/block.h"
#include "target/mmc_card.h"

struct mmc_target {
	struct target *disk; /* block: */
	struct mmc_card card;
};

static struct mmc_target *mine(struct target *t)
{
	return t->priv;
}

/* What the guards let is let through the door of the disk below as well (target/door.h). */
static struct target *disk_of(struct target *t)
{
	struct target *d = mine(t)->disk;

	d->token = t->token;
	return d;
}

/* ---- open ---- */

/* Words of the target below become this one's. */
static int pass(struct target *t, int err)
{
	if (err)
		snprintf(t->error, sizeof(t->error), "%s", mine(t)->disk->error);
	return err;
}

static void mmc_close(struct target *t)
{
	struct mmc_target *mt = mine(t);

	if (!mt)
		return;
	mmc_card_close(&mt->card);
	target_close(mt->disk);
	free(mt);
	t->priv = NULL;
}

static int open_disk(struct target *t, struct mmc_target *mt, const char *address)
{
	char below[320], error[256];
	int err;

	if (!address[0] || address[0] == '?' ||
	    snprintf(below, sizeof(below), "block:%s", address) >= (int)sizeof(below))
		return target_fail(t, -EINVAL, "write mmc:/dev/mmcblkN");
	err = target_open(below, &mt->disk, error);
	return err ? target_fail(t, err, "%.240s", error + strlen("block: ")) : 0;
}

static int mmc_open(struct target *t, const char *address)
{
	struct mmc_target *mt = calloc(1, sizeof(*mt));
	const struct block_target *b;
	int err;

	if (!mt)
		return target_fail(t, -ENOMEM, "out of memory");
	mmc_card_init(&mt->card);
	t->priv = mt;
	err = open_disk(t, mt, address);
	if (!err) {
		b = mt->disk->priv;
		err = mmc_card_open(t, &mt->card, b->path, b->fd, b->writable, b->why_read);
	}
	if (err)
		mmc_close(t);
	return err;
}

static int mmc_caps(struct target *t, struct target_caps *ret)
{
	*ret = mine(t)->disk->caps;
	ret->has |= NEED_MMC;
	return 0;
}

/* ---- the disk ---- */

static int mmc_io_submit(struct target *t, struct block_io *io[], unsigned n)
{
	struct target *d = disk_of(t);
	int taken = d->ops->io_submit(d, io, n);

	return taken < 0 ? pass(t, taken) : taken;
}

static int mmc_io_reap(struct target *t, struct block_io *ret[], unsigned n, uint64_t deadline_ns)
{
	struct target *d = disk_of(t);
	int done = d->ops->io_reap(d, ret, n, deadline_ns);

	return done < 0 ? pass(t, done) : done;
}

static int mmc_dma_map(struct target *t, struct dma *d)
{
	return pass(t, mine(t)->disk->ops->dma_map(mine(t)->disk, d));
}

static void mmc_dma_unmap(struct target *t, struct dma *d)
{
	mine(t)->disk->ops->dma_unmap(mine(t)->disk, d);
}

static int mmc_control(struct target *t, const char *what)
{
	return pass(t, disk_of(t)->ops->control(disk_of(t), what));
}

static int mmc_back(struct target *t, struct target **ret)
{
	return pass(t, disk_of(t)->ops->back(disk_of(t), ret));
}

static uint64_t mmc_now(struct target *t)
{
	return target_now(mine(t)->disk);
}

static int mmc_relax(struct target *t, uint64_t ns)
{
	return mine(t)->disk->ops->relax(mine(t)->disk, ns);
}

/* What is open is the disk's own, and is asked of it without a target. */
static int node_facts_of(struct target *t, struct node_facts *ret)
{
	return block_node_ops.facts(mine(t)->disk, ret);
}

static int node_open_of(struct target *t, unsigned flags, struct node **ret)
{
	return block_node_ops.open(disk_of(t), flags, ret);
}

static void node_close_of(struct node *n)
{
	block_node_ops.close(n);
}

static ssize_t node_io_of(struct node *n, unsigned flags, const struct iovec *iov, int iovs,
			  uint64_t at)
{
	return block_node_ops.io(n, flags, iov, iovs, at);
}

static int node_start_of(struct node *n, unsigned flags, void *buf, size_t len, uint64_t at)
{
	return block_node_ops.start(n, flags, buf, len, at);
}

static ssize_t node_finish_of(struct node *n)
{
	return block_node_ops.finish(n);
}

static int node_who_of(struct target *t, char *ret, size_t size)
{
	return block_node_ops.who(mine(t)->disk, ret, size);
}

static int node_range_of(struct node *n, enum node_range what, uint64_t at, uint64_t len)
{
	return block_node_ops.range(n, what, at, len);
}

static int node_sync_of(struct node *n)
{
	return block_node_ops.sync(n);
}

static int node_drop_of(struct node *n)
{
	return block_node_ops.drop(n);
}

static const struct node_ops node_ops = {
	.facts = node_facts_of,
	.open = node_open_of,
	.close = node_close_of,
	.io = node_io_of,
	.start = node_start_of,
	.finish = node_finish_of,
	.range = node_range_of,
	.sync = node_sync_of,
	.drop = node_drop_of,
	.who = node_who_of,
};

/* ---- the card ---- */

static int card_facts(struct target *t, struct mmc_facts *ret)
{
	return mmc_card_facts(&mine(t)->card, ret);
}

static int card_send(struct target *t, enum mmc_part part, struct mmc_cmd *cmd, unsigned n,
		     uint64_t timeout_ns)
{
	return mmc_card_send(t, &mine(t)->card, part, cmd, n, timeout_ns);
}

static int card_attr(struct target *t, enum mmc_part part, const char *name, char *ret, size_t size)
{
	return mmc_card_attr(&mine(t)->card, part, name, ret, size);
}

static int card_set_attr(struct target *t, enum mmc_part part, const char *name, const char *value)
{
	return mmc_card_set_attr(t, &mine(t)->card, part, name, value);
}

static int card_io(struct target *t, enum mmc_part part, struct mmc_io *io, unsigned n)
{
	return mmc_card_io(t, &mine(t)->card, part, io, n);
}

static const struct mmc_ops mmc_ops = {
	.facts = card_facts,
	.send = card_send,
	.attr = card_attr,
	.set_attr = card_set_attr,
	.io = card_io,
};

extern const struct target_ops target_mmc;
const struct target_ops target_mmc = {
	.scheme = "mmc",
	.help = "mmc:/dev/mmcblkN [?poll=1,depth=N,back=NODE]  an MMC or SD card of this machine: "
		"its own commands by MMC_IOC_CMD, its attributes, and all that `block:` does with "
		"the device, by the same rule of what is written to. A card that anybody uses is "
		"refused; nothing that could not be undone is sent",
	.open = mmc_open,
	.close = mmc_close,
	.caps = mmc_caps,
	.io_submit = mmc_io_submit,
	.io_reap = mmc_io_reap,
	.dma_map = mmc_dma_map,
	.dma_unmap = mmc_dma_unmap,
	.control = mmc_control,
	.node = &node_ops,
	.mmc = &mmc_ops,
	.back = mmc_back,
	.now = mmc_now,
	.relax = mmc_relax,
};
