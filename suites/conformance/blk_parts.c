// SPDX-License-Identifier: GPL-2.0-or-later
#include "blk_parts.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const struct node_facts *blk_facts(struct rig *r)
{
	const struct facts *f = rig_facts(r);

	if (!f || !f->node.logical)
		rig_broken(r, "nothing is known of the block node");
	return &f->node;
}

const char *blk_na_zoned(const struct facts *f)
{
	return f->node.zoned
		       ? "a host-managed zoned device (zoned of sysfs): its zones are written in "
			 "order"
		       : NULL;
}

struct node_facts blk_now(struct rig *r)
{
	return blk_now_on(r, rig_target(r));
}

struct node_facts blk_now_on(struct rig *r, struct target *t)
{
	struct node_facts f;
	int err = t->ops->node->facts(t, &f);

	if (err)
		rig_fail(r, "the node no longer says what it is: %s", strerror(-err));
	return f;
}

void blk_need_device(struct rig *r)
{
	if (!blk_facts(r)->is_block)
		rig_skip(r, "needs", "a block device: this is a regular file");
}

void blk_need(struct rig *r, enum node_can can)
{
	blk_need_of(r, blk_facts(r), can);
}

void blk_need_of(struct rig *r, const struct node_facts *f, enum node_can can)
{
	static const struct {
		enum node_can can;
		const char *what;
	} words[] = { { NODE_CUT, "lose its power" },
		      { NODE_RESIZE, "change its size" },
		      { NODE_BAD, "have blocks that fail" },
		      { NODE_SET_READ_ONLY, "become read-only" },
		      { NODE_ROOM, "run out of room" },
		      { NODE_HANG, "answer nothing for a while" },
		      { NODE_LINK, "be cut off from it for a while" },
		      { NODE_PLUG, "be unplugged" } };

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (can & words[i].can & ~f->can)
			rig_skip(r, "needs", "a store behind the node that can be told to %s",
				 words[i].what);
}

static void tell(struct rig *r, struct target *t, const char *fmt, va_list ap)
{
	char what[96];

	vsnprintf(what, sizeof(what), fmt, ap);
	if (!t->ops->control || t->ops->control(t, what))
		rig_broken(r, "%s: %s", what, t->error);
}

void blk_tell(struct rig *r, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	tell(r, rig_target(r), fmt, ap);
	va_end(ap);
}

void blk_tell_on(struct rig *r, struct target *t, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	tell(r, t, fmt, ap);
	va_end(ap);
}

/* ---- open, memory ---- */

void blk_close(struct blk *b)
{
	b->t->ops->node->close(b->n);
	b->n = NULL;
}

static void close_one(void *arg)
{
	blk_close(arg);
}

struct blk *blk_open(struct rig *r, unsigned flags)
{
	if (blk_facts(r)->bad_bytes)
		rig_skip(r, "store", "a store without blocks that always fail");
	return blk_open_on(r, rig_target(r), flags);
}

struct blk *blk_open_on(struct rig *r, struct target *t, unsigned flags)
{
	struct blk *b = rig_mem(r, sizeof(*b));
	int err;

	b->t = t;
	b->logical = t == rig_target(r) ? blk_facts(r)->logical : blk_now_on(r, t).logical;
	err = b->t->ops->node->open(b->t, flags, &b->n);
	if (err)
		rig_fail(r, "the node cannot be opened%s: %s",
			 flags & NODE_DIRECT ? " for direct I/O" : "", strerror(-err));
	rig_defer(r, close_one, b);
	return b;
}

uint8_t *blk_mem(struct rig *r, size_t len)
{
	size_t all = (len + 4095) / 4096 * 4096 + 4096;
	uint8_t *p = aligned_alloc(4096, all);

	if (!p)
		rig_broken(r, "out of memory: %zu bytes", len);
	memset(p, 0, all);
	rig_defer(r, free, p);
	return p;
}

/* ---- calls ---- */

ssize_t blk_write(struct blk *b, unsigned flags, uint64_t at, const void *data, size_t len)
{
	struct iovec iov = { (void *)(uintptr_t)data, len };

	return b->t->ops->node->io(b->n, flags | NODE_WRITE, &iov, 1, at);
}

ssize_t blk_read(struct blk *b, unsigned flags, uint64_t at, void *data, size_t len)
{
	struct iovec iov = { data, len };

	return b->t->ops->node->io(b->n, flags, &iov, 1, at);
}

int blk_range(struct blk *b, enum node_range what, uint64_t at, uint64_t len)
{
	return b->t->ops->node->range(b->n, what, at, len);
}

int blk_sync(struct blk *b)
{
	return b->t->ops->node->sync(b->n);
}

void blk_sync_ok(struct rig *r, struct blk *b)
{
	int err = blk_sync(b);

	if (err)
		rig_fail(r, "fdatasync: %s", strerror(-err));
}

/* What the rig did not let through to the device is no fault of the device. */
static void see_door(struct rig *r, ssize_t done)
{
	if (done == -ECANCELED)
		rig_broken(r, "%s", rig_target(r)->error);
}

void blk_put(struct rig *r, struct blk *b, unsigned flags, uint64_t at, uint64_t len, uint64_t tag)
{
	uint8_t *data = blk_mem(r, len);
	ssize_t done;

	rig_stamp(data, at / b->logical, (uint32_t)(len / b->logical), b->logical, tag);
	done = blk_write(b, flags, at, data, len);
	see_door(r, done);
	if (done < 0)
		rig_fail(r, "write of %" PRIu64 " bytes at %" PRIu64 ": %s", len, at,
			 strerror((int)-done));
	if ((uint64_t)done != len)
		rig_fail(r, "write of %" PRIu64 " bytes at %" PRIu64 ": %zd bytes were taken", len,
			 at, done);
}

void blk_get(struct rig *r, struct blk *b, uint64_t at, void *data, uint64_t len)
{
	ssize_t done = blk_read(b, 0, at, data, len);

	if (done < 0)
		rig_fail(r, "read of %" PRIu64 " bytes at %" PRIu64 ": %s", len, at,
			 strerror((int)-done));
	if ((uint64_t)done != len)
		rig_fail(r, "read of %" PRIu64 " bytes at %" PRIu64 ": %zd bytes came", len, at,
			 done);
}

bool blk_holds(struct rig *r, const struct check_site *s, struct blk *b, uint64_t at, uint64_t len,
	       uint64_t tag)
{
	uint8_t *data = blk_mem(r, len);

	blk_get(r, b, at, data, len);
	return rig_check_stamp(r, s, data, at / b->logical, (uint32_t)(len / b->logical),
			       b->logical, tag);
}

/* ---- checks ---- */

static void name_result(ssize_t got, char ret[64])
{
	const char *name = got < 0 ? strerrorname_np((int)-got) : NULL;

	if (got >= 0)
		snprintf(ret, 64, "success (%zd)", got);
	else
		snprintf(ret, 64, "%s", name ? name : "an unknown error");
}

bool blk_failed(struct rig *r, const struct check_site *s, const char *what, ssize_t got,
		const int *want, unsigned n)
{
	char have[64], list[128] = "";
	bool held = false;

	see_door(r, got);
	for (unsigned i = 0; i < n; i++) {
		size_t used = strlen(list);

		snprintf(list + used, sizeof(list) - used, "%s%s", i ? " or " : "",
			 strerrorname_np(want[i]));
		held |= got == -want[i];
	}
	name_result(got, have);
	return check_text(r, s, what, held, have, list);
}

bool blk_done(struct rig *r, const struct check_site *s, const char *what, ssize_t got,
	      uint64_t want)
{
	char have[64], text[64];

	see_door(r, got);
	name_result(got, have);
	name_result((ssize_t)want, text);
	return check_text(r, s, what, got == (ssize_t)want, have, text);
}

uint64_t blk_floor(struct rig *r, uint64_t bytes)
{
	return bytes / blk_facts(r)->logical * blk_facts(r)->logical;
}

uint64_t blk_random(struct rig *r, uint64_t len)
{
	return blk_floor(r, rig_rand_below(r, blk_facts(r)->bytes - len + 1));
}
