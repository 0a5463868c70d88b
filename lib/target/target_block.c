// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A Linux block node, or a regular file in its place: `block:/dev/X`, `block:FILE`.
 *
 * What is written to: an emulated device that nobody else uses (the claim of O_EXCL is held as long
 * as it is open), a drive that the guards let be written to (target/claim.h), and a file that nvrig
 * may call its own: one that holds nothing, which is then marked, one that was marked so before, or
 * one given with scratch=1. Anything else is read only, whatever --allow says.
 */
#include "target/target.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"
#include "target/block.h"
#include "target/claim.h"
#include "target/emulated.h"

#define MARK	      "user.nvrig.scratch"
#define DEPTH_DEFAULT 4096u
#define PATIENCE_NS   (2 * NS_PER_S)

struct block_options {
	uint64_t poll, depth, scratch;
	char back[256];
};

static struct block_target *mine(struct target *t)
{
	return t->priv;
}

/* ---- may it be written? ---- */

/* The file holds nothing: then it is nvrig's from now on, if it can be marked so. */
static bool take_file(struct block_target *b)
{
	char value;

	if (getxattr(b->path, MARK, &value, 1) == 1)
		return true;
	if (lseek(b->fd, 0, SEEK_DATA) >= 0 || errno != ENXIO) {
		snprintf(b->why_read, sizeof(b->why_read),
			 "a file with data that nvrig did not write; ?scratch=1 gives it up");
		return false;
	}
	if (!setxattr(b->path, MARK, "1", 1, 0))
		return true;
	snprintf(b->why_read, sizeof(b->why_read),
		 "a file that cannot be marked as nvrig's (%s); ?scratch=1 gives it up",
		 strerror(errno));
	return false;
}

/* What was opened is what is looked at, whatever stands under that name by now. */
static bool is_same(const struct block_target *b)
{
	struct stat st;

	return !fstat(b->fd, &st) && S_ISBLK(st.st_mode) && st.st_rdev == b->dev;
}

/* Of an MMC card: whoever writes there may leave a machine that never starts again. */
static bool is_boot_partition(const struct block_target *b)
{
	unsigned card, number;
	char name[64];

	block_sysfs_name(b->fd, name, sizeof(name));
	return sscanf(name, "mmcblk%uboot%u", &card, &number) == 2;
}

static bool may_write(struct block_target *b)
{
	struct emulated e;

	if (!b->is_block)
		return b->scratch || take_file(b);
	if (!is_same(b)) {
		snprintf(b->why_read, sizeof(b->why_read), "another device has its name now");
		return false;
	}
	if (is_boot_partition(b)) {
		snprintf(b->why_read, sizeof(b->why_read),
			 "a boot partition, which is written for ever: emmc.boot-write alone does");
		return false;
	}
	emulated_fd("", b->fd, &e);
	b->emulated = e.yes;
	if (!e.yes)
		snprintf(b->why_read, sizeof(b->why_read), "%s", e.what);
	return e.yes || claim_writes(b->dev);
}

/* ---- open ---- */

/* A worker that was killed has its claim until the kernel is done with its rings. */
static int open_patiently(const char *path, int flags)
{
	uint64_t until = clock_mono_ns() + PATIENCE_NS;
	struct timespec pause = { 0, 20 * NS_PER_MS };
	int fd = open(path, flags);

	while (fd < 0 && errno == EBUSY && clock_mono_ns() < until) {
		nanosleep(&pause, NULL);
		fd = open(path, flags);
	}
	return fd;
}

static int open_claim(struct target *t, struct block_target *b, int mode)
{
	int excl = b->is_block && !claim_has(b->dev) ? O_EXCL : 0;

	b->fd = open_patiently(b->path, mode | O_DIRECT | excl | O_CLOEXEC | O_NOCTTY);
	if (b->fd >= 0)
		return 0;
	switch (errno) {
	case EBUSY:
		return target_fail(t, -EBUSY,
				   "%.120s is in use (mounted, or part of something): refused",
				   b->path);
	case EINVAL:
		return target_fail(t, -EINVAL, "%.120s: no direct I/O on this file system",
				   b->path);
	default:
		return target_fail(t, -errno, "%.120s: %s", b->path, strerror(errno));
	}
}

static int look(struct target *t, struct block_target *b)
{
	struct stat st;

	if (stat(b->path, &st))
		return target_fail(t, -errno, "%.120s: %s", b->path, strerror(errno));
	b->is_block = S_ISBLK(st.st_mode);
	b->dev = b->is_block ? st.st_rdev : 0;
	if (!b->is_block && !S_ISREG(st.st_mode))
		return target_fail(t, -ENOTBLK, "%.120s: neither a block device nor a regular file",
				   b->path);
	return 0;
}

/* Read first, to see what it is; then for writing, if that may be. */
static int claim(struct target *t, struct block_target *b)
{
	int err = open_claim(t, b, O_RDONLY);

	if (err || !may_write(b))
		return err;
	close(b->fd);
	err = open_claim(t, b, O_RDWR);
	if (err == -EROFS || err == -EACCES || err == -EPERM) {
		snprintf(b->why_read, sizeof(b->why_read), "%.100s", t->error);
		return open_claim(t, b, O_RDONLY);
	}
	if (!err && b->is_block && !is_same(b))
		return target_fail(t, -ENODEV, "%.120s: another device has its name now", b->path);
	b->writable = !err;
	return err;
}

static int check_size(struct target *t, struct block_target *b)
{
	struct node_facts f;
	int err = block_facts(b, &f);

	if (err)
		return target_fail(t, err, "%.120s: %s", b->path, strerror(-err));
	b->lba_bytes = f.logical;
	if (f.bytes < f.logical)
		return target_fail(t, -EINVAL, "%.120s: %llu bytes: not one block of %u", b->path,
				   (unsigned long long)f.bytes, f.logical);
	return 0;
}

int block_attach(struct target *t, struct block_target *b)
{
	int err = look(t, b);

	err = err ? err : claim(t, b);
	return err ? err : check_size(t, b);
}

static int start_rings(struct target *t, struct block_target *b, const struct block_options *o)
{
	int err;

	if (o->poll && (!b->is_block || !block_queue_number(b->fd, "io_poll")))
		return target_fail(t, -ENOTSUP,
				   "poll=1: %.100s is not polled (queue/io_poll of sysfs)",
				   b->path);
	err = block_rings_open(b, (unsigned)o->depth, o->poll, &b->rings);
	return err ? target_fail(t, err, "io_uring: %s%s", strerror(-err),
				 err == -EPERM ? " (/proc/sys/kernel/io_uring_disabled)" : "")
		   : 0;
}

static int set_back(struct block_options *o, const char *path)
{
	if (!*path || strlen(path) >= sizeof(o->back))
		return -EINVAL;
	strcpy(o->back, path);
	return 0;
}

static int set_option(void *ctx, const char *key, const char *value)
{
	struct block_options *o = ctx;
	uint64_t most = 1, *to;

	if (!strcmp(key, "poll"))
		to = &o->poll;
	else if (!strcmp(key, "scratch"))
		to = &o->scratch;
	else if (!strcmp(key, "back"))
		return set_back(o, value);
	else if (!strcmp(key, "depth"))
		to = &o->depth, most = BLOCK_DEPTH_MAX;
	else
		return -ENOENT;
	return text_number(value, to) || *to > most || (most > 1 && !*to) ? -EINVAL : 0;
}

/* In a guest of a stack the agent says where the bytes come to rest (docs/guests.md). */
static void find_back(struct block_target *b, const struct block_options *o)
{
	const char *back = o->back[0] ? o->back : getenv("NVRIG_BACK");
	const char *keeps = getenv("NVRIG_KEEPS");
	struct stat here, there;

	if (!back || (!o->back[0] && keeps && !strcmp(keeps, "0")))
		return;
	if (stat(b->path, &here) || stat(back, &there) ||
	    (S_ISBLK(there.st_mode) && here.st_rdev == there.st_rdev))
		return; /* it is the store itself */
	snprintf(b->back_path, sizeof(b->back_path), "%s", back);
}

static int parse(struct target *t, struct block_target *b, const char *address,
		 struct block_options *o)
{
	static const char *const keys[] = { "poll", "depth", "scratch", "back", NULL };
	size_t n = strcspn(address, "?");
	int err;

	if (!n || n >= sizeof(b->path))
		return target_fail(t, -EINVAL, "write block:/dev/NAME or block:FILE");
	memcpy(b->path, address, n);
	block_plug_mend(b->path);
	*o = (struct block_options){ .depth = DEPTH_DEFAULT };
	err = address[n] ? target_options(t, address + n + 1, keys, set_option, o) : 0;
	b->scratch = o->scratch;
	find_back(b, o);
	return err;
}

static void block_close(struct target *t)
{
	struct block_target *b = mine(t);

	if (!b)
		return;
	target_close(b->back);
	block_rings_close(b->rings);
	block_control_undo(b);
	if (b->fd >= 0)
		close(b->fd);
	free(b);
	t->priv = NULL;
}

static int block_open(struct target *t, const char *address)
{
	struct block_target *b = calloc(1, sizeof(*b));
	struct block_options o;
	int err;

	if (!b)
		return target_fail(t, -ENOMEM, "out of memory");
	b->fd = b->plug_fd = -1;
	t->priv = b;
	err = parse(t, b, address, &o);
	err = err ? err : block_attach(t, b);
	err = err ? err : start_rings(t, b, &o);
	if (err) {
		block_close(t);
		return err;
	}
	if (!b->writable || !block_dm_find(b, &b->linear))
		b->linear.name[0] = 0;
	if (b->writable)
		block_link_find(b, b->link, sizeof(b->link));
	block_plug_find(b);
	b->can = block_control_can(b);
	return 0;
}

static int block_caps(struct target *t, struct target_caps *ret)
{
	const struct block_target *b = mine(t);
	struct utsname u;
	struct emulated e;

	*ret = (struct target_caps){
		.has = NEED_BLOCK | NEED_NODE | (b->back_path[0] ? NEED_BACK : 0),
		.emulated = b->writable && (!b->is_block || b->emulated),
		.of_machine = true,
		.given = !b->is_block && b->writable,
		.dma_bytes = 4ull << 30,
		.dev = b->dev,
	};
	emulated_fd("", b->fd, &e);
	snprintf(ret->behind, sizeof(ret->behind), "%s", b->writable ? e.what : b->why_read);
	uname(&u);
	snprintf(ret->engine, sizeof(ret->engine), "Linux %.20s, %.30s", u.release,
		 b->is_block ? e.what : "regular file");
	return 0;
}

static int block_back(struct target *t, struct target **ret)
{
	struct block_target *b = mine(t);
	char address[272], error[256];
	int err = 0;

	if (!b->back_path[0])
		return target_fail(t, -ENOTSUP, "no other end is known: option back=/dev/NAME");
	snprintf(address, sizeof(address), "block:%s", b->back_path);
	if (!b->back)
		err = target_open(address, &b->back, error);
	if (err)
		return target_fail(t, err, "the back: %.200s", error);
	b->back->token = t->token; /* the stack is one thing, from end to end */
	*ret = b->back;
	return 0;
}

/* ---- the block rung ---- */

static int block_submit(struct target *t, struct block_io *io[], unsigned n)
{
	return block_rings_submit(t, mine(t)->rings, io, n);
}

static int block_reap(struct target *t, struct block_io *ret[], unsigned n, uint64_t deadline_ns)
{
	return block_rings_reap(mine(t)->rings, ret, n, deadline_ns);
}

static int block_dma_map(struct target *t, struct dma *d)
{
	int err = block_rings_map(mine(t)->rings, d);

	return err ? target_fail(t, err, "no memory for %zu bytes aligned to %zu", d->len, d->align)
		   : 0;
}

static void block_dma_unmap(struct target *t, struct dma *d)
{
	block_rings_unmap(mine(t)->rings, d);
}

static uint64_t block_now(struct target *t)
{
	(void)t;
	return clock_mono_ns();
}

static int block_relax(struct target *t, uint64_t ns)
{
	struct timespec ts = { 0, (long)(ns < NS_PER_MS ? ns : NS_PER_MS) };

	(void)t;
	nanosleep(&ts, NULL);
	return 0;
}

extern const struct target_ops target_block;
const struct target_ops target_block = {
	.scheme = "block",
	.help = "block:/dev/NAME or block:FILE [?poll=1,depth=N,scratch=1,back=NODE]  a Linux "
		"block device "
		"or "
		"a regular file, by io_uring and direct I/O. Written to only where nothing of "
		"value "
		"is: an emulated device that nobody uses, a file that holds nothing yet, or that "
		"nvrig wrote before (it is marked), or that scratch=1 gives up. poll=1: "
		"completions "
		"are polled for, where the device offers it; depth: of each queue (default 4096). "
		"back: the store at the other end of the stack, "
		"for the cases of area cross (in a guest: the stack's own)",
	.open = block_open,
	.close = block_close,
	.caps = block_caps,
	.io_submit = block_submit,
	.io_reap = block_reap,
	.dma_map = block_dma_map,
	.dma_unmap = block_dma_unmap,
	.control = block_control,
	.node = &block_node_ops,
	.back = block_back,
	.now = block_now,
	.relax = block_relax,
};
