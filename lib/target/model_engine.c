// SPDX-License-Identifier: GPL-2.0-or-later
#include "target/model_engine.h"

#include <errno.h>
#include <string.h>

#define WIDE (64u << 10) /* what fails together, by fault */

int engine_open(struct engine *e, struct disk *d, bool back)
{
	*e = (struct engine){ .d = d, .back = back };
	return bits_alloc(&e->holes, DISK_ROOM / SECTOR);
}

void engine_close(struct engine *e)
{
	bits_free(&e->holes);
}

uint64_t engine_bytes(const struct engine *e)
{
	const struct disk *d = e->d;

	return !e->back && d->bytes != DISK_BYTES && NODE_FAULT(d, CROSS_RESIZE_UNSEEN) ? DISK_BYTES
											: d->bytes;
}

static bool is_wide(const struct engine *e, uint64_t at)
{
	uint64_t first = at / WIDE * (WIDE / SECTOR), end = first + WIDE / SECTOR;

	return bits_next(&e->d->bad, first, end) < end;
}

static void show_holes(struct engine *e, uint64_t at, uint8_t *to, uint64_t len)
{
	uint64_t first = at / SECTOR, end = (at + len) / SECTOR;

	for (uint64_t s = bits_next(&e->holes, first, end); s < end;
	     s = bits_next(&e->holes, s + 1, end))
		memset(to + (s - first) * SECTOR, 0, SECTOR);
}

int engine_read(struct engine *e, uint64_t at, void *to, uint64_t len)
{
	struct disk *d = e->d;
	int err = disk_read(d, at, to, len);

	if (e->back)
		return err;
	if (err == -EIO && NODE_FAULT(d, CROSS_READ_ERROR_SWALLOWED)) {
		memset(to, 0, len);
		return 0;
	}
	e->died |= err == -EIO;
	if (!err && d->bad.count && is_wide(e, at) && NODE_FAULT(d, CROSS_ERROR_WIDE))
		return -EIO;
	if (e->died && NODE_FAULT(d, CROSS_DEAD_FOR_EVER))
		return -EIO;
	show_holes(e, at, to, len);
	return err;
}

int engine_write(struct engine *e, uint64_t at, const void *data, uint64_t len, unsigned how)
{
	struct disk *d = e->d;
	int err = disk_write(d, at, data, len, how);

	for (uint64_t s = at / SECTOR; s < (at + len) / SECTOR; s++)
		bits_remove(&e->holes, s);
	if (e->back)
		return err;
	e->died |= err == -EIO;
	if (err == -EIO && NODE_FAULT(d, CROSS_WRITE_ERROR_SWALLOWED))
		return 0;
	return !err && e->died && NODE_FAULT(d, CROSS_DEAD_FOR_EVER) ? -EIO : err;
}

static void make_hole(struct engine *e, uint64_t at, uint64_t len)
{
	for (uint64_t s = at / SECTOR; s < (at + len) / SECTOR; s++)
		bits_add(&e->holes, s);
}

int engine_zero(struct engine *e, uint64_t at, uint64_t len)
{
	if (!e->back && NODE_FAULT(e->d, CROSS_ZEROES_KEPT)) {
		make_hole(e, at, len);
		return 0;
	}
	if (!e->back && len > SECTOR && NODE_FAULT(e->d, CROSS_ZEROES_SHORT)) {
		make_hole(e, at + len - SECTOR, SECTOR);
		len -= SECTOR;
	}
	return disk_zero(e->d, at, len);
}

void engine_discard(struct engine *e, uint64_t at, uint64_t len)
{
	if (!e->back && NODE_FAULT(e->d, CROSS_DISCARD_KEPT)) {
		make_hole(e, at, len);
		return;
	}
	if (!e->back && at >= 4096 && NODE_FAULT(e->d, CROSS_DISCARD_SHIFTED))
		at -= 4096;
	disk_discard(e->d, at, len);
}
