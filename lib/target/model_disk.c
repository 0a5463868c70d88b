// SPDX-License-Identifier: GPL-2.0-or-later
#include "target/model_disk.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define GRANULE 4096u /* discard_granularity */

int disk_open(struct disk *d, const struct model *m)
{
	*d = (struct disk){ .m = m, .bytes = DISK_BYTES, .before = DISK_BYTES, .free = UINT64_MAX };
	d->seen = calloc(1, DISK_ROOM);
	d->medium = calloc(1, DISK_ROOM);
	d->unit = calloc(DISK_ROOM / SECTOR, sizeof(*d->unit));
	if (!d->seen || !d->medium || !d->unit || bits_alloc(&d->cached, DISK_ROOM / SECTOR) ||
	    bits_alloc(&d->bad, DISK_ROOM / SECTOR) ||
	    bits_alloc(&d->mapped, DISK_ROOM / DISK_CHUNK))
		return -ENOMEM;
	return 0;
}

void disk_close(struct disk *d)
{
	free(d->seen);
	free(d->medium);
	free(d->unit);
	bits_free(&d->cached);
	bits_free(&d->bad);
	bits_free(&d->mapped);
}

/* ---- the cache ---- */

static void store(struct disk *d, uint64_t sector)
{
	memcpy(d->medium + sector * SECTOR, d->seen + sector * SECTOR, SECTOR);
	bits_remove(&d->cached, sector);
	d->unit[sector] = 0;
}

/* The range has new content: into the cache, or on to the medium. */
static void settle(struct disk *d, uint64_t at, uint64_t len, unsigned how)
{
	bool through = !d->write_back || how & DISK_FUA;

	if (!d->write_back && NODE_FAULT(d, NODE_WRITE_THROUGH_CACHED))
		through = false;
	if (d->write_back && how & DISK_FUA && NODE_FAULT(d, NODE_DSYNC_CACHED))
		through = false;
	for (uint64_t s = at / SECTOR; s < (at + len) / SECTOR; s++) {
		bits_add(&d->cached, s);
		d->unit[s] = how & DISK_ATOMIC ? (uint32_t)(at / SECTOR) + 1 : 0;
		if (through)
			store(d, s);
	}
}

void disk_flush(struct disk *d)
{
	uint64_t end = DISK_ROOM / SECTOR;

	if (NODE_FAULT(d, NODE_FLUSH_BEFORE_SYNCED))
		return;
	for (uint64_t s = bits_next(&d->cached, 0, end); s < end; s = bits_next(&d->cached, s, end))
		store(d, s);
}

/* Half of what is alone gets lost, and half of what stays together, as a whole. */
static bool survives(struct disk *d, uint64_t sector)
{
	uint64_t of = sector;

	if (d->unit[sector] && !NODE_FAULT(d, NODE_ATOMIC_TEARS))
		of = d->unit[sector] - 1;
	return (of * 0x9e3779b97f4a7c15ull >> 40) & 1;
}

/* A physical block that is cut in its own rewriting is gone as a whole. */
static void tear_physical(struct disk *d, uint64_t sector)
{
	uint64_t per = d->physical / SECTOR, first = sector / per * per;

	memset(d->medium + first * SECTOR, 0, d->physical);
}

void disk_cut(struct disk *d)
{
	uint64_t end = DISK_ROOM / SECTOR;

	for (uint64_t s = bits_next(&d->cached, 0, end); s < end;
	     s = bits_next(&d->cached, s + 1, end)) {
		if (survives(d, s))
			memcpy(d->medium + s * SECTOR, d->seen + s * SECTOR, SECTOR);
		else if (d->physical > SECTOR && NODE_FAULT(d, NODE_CUT_TEARS_PHYSICAL))
			tear_physical(d, s);
	}
	for (uint64_t s = bits_next(&d->cached, 0, end); s < end; s = bits_next(&d->cached, s, end))
		bits_remove(&d->cached, s);
	memcpy(d->seen, d->medium, DISK_ROOM);
	memset(d->unit, 0, DISK_ROOM / SECTOR * sizeof(*d->unit));
}

/* ---- the pool ---- */

static uint64_t missing(const struct disk *d, uint64_t at, uint64_t len)
{
	uint64_t n = 0;

	for (uint64_t c = at / DISK_CHUNK; c <= (at + len - 1) / DISK_CHUNK; c++)
		n += !bits_has(&d->mapped, c);
	return n;
}

/* 0 or -ENOSPC: all that is needed, or nothing. */
static int allocate(struct disk *d, uint64_t at, uint64_t len)
{
	uint64_t need = missing(d, at, len);

	if (need > d->free) {
		if (NODE_FAULT(d, NODE_FULL_HARMS))
			memset(d->seen, 0, DISK_CHUNK);
		return -ENOSPC;
	}
	if (d->free != UINT64_MAX)
		d->free -= need;
	for (uint64_t c = at / DISK_CHUNK; c <= (at + len - 1) / DISK_CHUNK; c++)
		bits_add(&d->mapped, c);
	return 0;
}

void disk_set_room(struct disk *d, uint64_t chunks)
{
	if (chunks == UINT64_MAX && NODE_FAULT(d, NODE_FULL_STAYS))
		return;
	d->free = chunks;
}

/* ---- sectors ---- */

static bool is_bad(struct disk *d, uint64_t at, uint64_t len)
{
	uint64_t first = at / SECTOR, end = (at + len) / SECTOR;

	if (d->bad.count && NODE_FAULT(d, NODE_ERROR_EARLY))
		end++;
	return bits_next(&d->bad, first, end) < end;
}

int disk_read(struct disk *d, uint64_t at, void *to, uint64_t len)
{
	if (is_bad(d, at, len) && !NODE_FAULT(d, NODE_ERROR_HIDDEN))
		return -EIO;
	memcpy(to, d->seen + at, len);
	return 0;
}

int disk_write(struct disk *d, uint64_t at, const void *data, uint64_t len, unsigned how)
{
	int err = is_bad(d, at, len) ? -EIO : allocate(d, at, len);
	uint64_t kept = len;

	if (err == -ENOSPC && NODE_FAULT(d, NODE_FULL_ACCEPTED))
		return 0;
	if (err)
		return err;
	if (len >= 16 * SECTOR && NODE_FAULT(d, NODE_LAST_SECTOR_LOST))
		kept -= SECTOR;
	memcpy(d->seen + at, data, kept);
	if (len < d->physical && NODE_FAULT(d, NODE_REWRITE_ZEROES_REST))
		memset(d->seen + (at + len) / d->physical * d->physical + d->physical - SECTOR, 0,
		       SECTOR);
	settle(d, at, len, how);
	return 0;
}

int disk_zero(struct disk *d, uint64_t at, uint64_t len)
{
	int err = is_bad(d, at, len) ? -EIO : allocate(d, at, len);

	if (err)
		return err;
	memset(d->seen + at, 0, len);
	settle(d, at, len, 0);
	return 0;
}

/* Granules that are inside as a whole are gone; the rest is left alone. */
void disk_discard(struct disk *d, uint64_t at, uint64_t len)
{
	uint64_t first = (at + GRANULE - 1) / GRANULE * GRANULE,
		 end = (at + len) / GRANULE * GRANULE;

	if (NODE_FAULT(d, NODE_DISCARD_OUTWARDS)) {
		first = at / GRANULE * GRANULE;
		end = (at + len + GRANULE - 1) / GRANULE * GRANULE;
	}
	if (first >= end)
		return;
	memset(d->seen + first, 0, end - first);
	settle(d, first, end - first, DISK_FUA);
	for (uint64_t c = (first + DISK_CHUNK - 1) / DISK_CHUNK; c < end / DISK_CHUNK; c++)
		if (bits_has(&d->mapped, c)) {
			bits_remove(&d->mapped, c);
			d->free += d->free != UINT64_MAX;
		}
}

void disk_erase(struct disk *d, uint64_t at, uint64_t len)
{
	if (NODE_FAULT(d, NODE_SECURE_KEEPS))
		return;
	memset(d->seen + at, 0, len);
	settle(d, at, len, DISK_FUA);
}

/* ---- what the side below is told ---- */

void disk_resize(struct disk *d, uint64_t bytes)
{
	d->before = d->bytes;
	if (bytes > d->bytes && NODE_FAULT(d, NODE_GROW_HARMS_OLD))
		memset(d->seen + d->bytes - DISK_CHUNK, 0, DISK_CHUNK);
	if (bytes < d->bytes && NODE_FAULT(d, NODE_SHRINK_HARMS_REST))
		memset(d->seen + bytes - SECTOR, 0, SECTOR);
	d->bytes = bytes;
}

void disk_mark_bad(struct disk *d, uint64_t at, uint64_t len)
{
	for (uint64_t s = at / SECTOR; s < (at + len) / SECTOR; s++)
		bits_add(&d->bad, s);
}

void disk_mend(struct disk *d)
{
	uint64_t end = DISK_ROOM / SECTOR;

	if (NODE_FAULT(d, NODE_ERROR_STAYS))
		return;
	for (uint64_t s = bits_next(&d->bad, 0, end); s < end; s = bits_next(&d->bad, s, end))
		bits_remove(&d->bad, s);
}
