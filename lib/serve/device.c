// SPDX-License-Identifier: GPL-2.0-or-later
#include "serve/device.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "model/model.h"
#include "serve/fault.h"
#include "spec/wire.h"
#include "target/model_options.h"
#include "target/target.h"

#define CFG_BYTES    0x1000u
#define MSIX_ID	     0x11u
#define CAP_POINTER  0x34u
#define ENTRY_BYTES  16u
#define ENTRY_VECTOR 12u /* vector control */
#define PAGE	     4096u
#define IGNORED	     -1 /* by fault: it is answered, and nothing is done */

/* ---- what the model asks of us ---- */

static int take(void *ctx, uint64_t addr, void *to, size_t len)
{
	struct device *d = ctx;

	return memory_take(&d->mem, addr, to, len);
}

static int put(void *ctx, uint64_t addr, const void *from, size_t len)
{
	struct device *d = ctx;

	return memory_put(&d->mem, addr, from, len);
}

/* The descriptor does not block, whatever it is: a full counter loses nothing. */
static void message(void *ctx, unsigned vector)
{
	const uint64_t one = 1;
	struct device *d = ctx;

	if (vector < d->vectors && d->event[vector] >= 0 && SERVE_FAULT(d, EVENT_SECOND_LOST)) {
		d->skip[vector] = !d->skip[vector];
		if (!d->skip[vector])
			return;
	}
	if (vector < d->vectors && d->event[vector] >= 0 &&
	    write(d->event[vector], &one, sizeof(one)) < 0)
		return;
}

/* ---- interrupts ---- */

static unsigned find_msix(struct device *d)
{
	uint32_t at = 0, header = 0;

	model_cfg_read(d->m, CAP_POINTER, 8, &at);
	for (unsigned hops = 0; at >= 0x40 && hops < 48; hops++) {
		model_cfg_read(d->m, at & 0xfcu, 32, &header);
		if ((header & 0xff) == MSIX_ID)
			return at & 0xfcu;
		at = header >> 8 & 0xff;
	}
	return 0;
}

/*
 * A client that virtualises the table never writes to the device's, so giving and taking an
 * eventfd unmasks and masks the entry, as a host's kernel does it.
 */
static void set_mask(struct device *d, unsigned vector, bool masked)
{
	uint32_t table = 0;
	uint64_t at;

	model_cfg_read(d->m, d->msix + 4, 32, &table);
	at = (table & ~7u) + (uint64_t)ENTRY_BYTES * vector + ENTRY_VECTOR;
	if ((table & 7) == 0)
		model_bar_write(d->m, at, 32, masked);
}

static void drop_event(struct device *d, unsigned vector)
{
	if (d->event[vector] < 0)
		return;
	close(d->event[vector]);
	d->event[vector] = -1;
	set_mask(d, vector, true);
}

static void drop_vectors(struct device *d)
{
	for (unsigned i = 0; i < d->vectors; i++)
		drop_event(d, i);
}

static void drop_events(struct device *d)
{
	drop_vectors(d);
	wire_drop(&d->wire);
}

unsigned device_irq_count(const struct device *d, unsigned index)
{
	if (index == VU_IRQ_INTX)
		return wire_is_there(d->m);
	return index == VU_IRQ_MSIX ? d->vectors : 0;
}

void device_look(struct device *d)
{
	doorbells_look(&d->doorbells, d->m);
	wire_look(&d->wire, d->m);
}

static int never_blocks(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	return flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) ? EINVAL : 0;
}

static int give_events(struct device *d, const struct vu_set_irqs *set, int *fd, unsigned fds)
{
	if (fds && fds != set->count)
		return SERVE_FAULT(d, IRQ_FDS_MISCOUNTED) ? 0 : EINVAL;
	if (!fds && SERVE_FAULT(d, EVENT_STAYS))
		return 0;
	for (unsigned i = 0; i < fds; i++)
		if (fd[i] < 0 || never_blocks(fd[i]))
			return EINVAL;
	for (unsigned i = 0; i < set->count; i++) {
		drop_event(d, set->start + i);
		if (!fds)
			continue;
		d->event[set->start + i] = fd[i];
		fd[i] = -1;
		set_mask(d, set->start + i, false);
	}
	return 0;
}

static void fire(struct device *d, const struct vu_set_irqs *set, const uint8_t *which)
{
	if (SERVE_FAULT(d, TRIGGER_IGNORED))
		return;
	for (unsigned i = 0; i < set->count; i++)
		if (!which || which[i])
			message(d, set->start + i);
}

static bool is_one_bit(uint32_t v)
{
	return v && !(v & (v - 1));
}

static int set_irqs_check(const struct device *d, const struct vu_set_irqs *set, size_t len)
{
	unsigned count = device_irq_count(d, set->index);
	uint32_t data = set->flags & 7, action = set->flags & 0x38;

	if (set->flags & ~0x3fu || !is_one_bit(data) || !is_one_bit(action))
		return SERVE_FAULT(d, IRQ_FLAGS_UNREAD) ? IGNORED : EINVAL;
	if (set->index >= VU_IRQS || set->start > count || set->count > count - set->start)
		return SERVE_FAULT(d, IRQ_RANGE_UNCHECKED) ? IGNORED : EINVAL;
	if (len != (data == VU_SET_BOOL ? set->count : 0))
		return EINVAL;
	return 0;
}

int device_set_irqs(struct device *d, const struct vu_set_irqs *set, const uint8_t *data,
		    size_t len, int *fd, unsigned fds)
{
	int err = set_irqs_check(d, set, len);

	if (err)
		return err == IGNORED ? 0 : err;
	if (set->index == VU_IRQ_INTX)
		return wire_set(&d->wire, d->m, set, !len || data[0], fd, fds);
	if (!(set->flags & VU_SET_TRIGGER)) {
		if (set->flags & VU_SET_EVENTFD)
			return EINVAL;
		for (unsigned i = 0; i < set->count; i++)
			if (!(set->flags & VU_SET_BOOL) || data[i])
				set_mask(d, set->start + i, set->flags & VU_SET_MASK);
	} else if (set->flags & VU_SET_EVENTFD) {
		return give_events(d, set, fd, fds);
	} else if (!set->count && set->flags & VU_SET_NONE) {
		if (set->index == VU_IRQ_MSIX)
			drop_vectors(d);
	} else {
		fire(d, set, set->flags & VU_SET_BOOL ? data : NULL);
	}
	return 0;
}

/* ---- regions ---- */

uint64_t device_region_size(const struct device *d, unsigned region)
{
	switch (region) {
	case 0:
		return model_bar_size(d->m);
	case 2:
	case 4:
		return model_mem_size(d->m, region);
	case VU_REGION_CONFIG:
		return CFG_BYTES;
	default:
		return 0;
	}
}

static bool is_register(uint32_t count)
{
	return count == 1 || count == 2 || count == 4 || count == 8;
}

static int access_check(const struct device *d, const struct vu_access *a)
{
	uint64_t size = a->region < VU_REGIONS ? device_region_size(d, a->region) : 0;

	if (a->count > VU_DATA_MAX)
		return EINVAL;
	if (a->offset > size || a->count > size - a->offset)
		return SERVE_FAULT(d, REGION_END_OPEN) ? IGNORED : EINVAL;
	if (a->region == 0 && a->count && !is_register(a->count))
		return EINVAL;
	return 0;
}

static uint8_t *config_now(struct device *d)
{
	uint8_t *block = malloc(CFG_BYTES);
	uint32_t v = 0;

	for (unsigned at = 0; block && at < CFG_BYTES; at += 4) {
		model_cfg_read(d->m, at, 32, &v);
		memcpy(block + at, &v, 4);
	}
	return block;
}

/* By fault: as it was when somebody first read a block of it. */
static bool read_stale(struct device *d, const struct vu_access *a, uint8_t *to)
{
	if (a->region != VU_REGION_CONFIG || a->count <= 4 || !SERVE_FAULT(d, CONFIG_BLOCK_STALE))
		return false;
	if (!d->block)
		d->block = config_now(d);
	if (d->block)
		memcpy(to, d->block + a->offset, a->count);
	return d->block != NULL;
}

/* How many bytes at a time: registers as asked for, the rest as it comes. */
static unsigned step_of(const struct vu_access *a)
{
	unsigned most = a->region == VU_REGION_CONFIG ? 4 : 8;

	return is_register(a->count) && a->count <= most ? a->count : 1;
}

static int read_one(struct device *d, unsigned region, uint64_t off, unsigned width, uint64_t *ret)
{
	uint32_t v = 0;
	int err;

	if (region == 0)
		return model_bar_read(d->m, off, width, ret);
	if (region != VU_REGION_CONFIG)
		return model_mem_read(d->m, region, off, width, ret);
	err = model_cfg_read(d->m, (unsigned)off, width, &v);
	*ret = v;
	return err;
}

static int write_one(struct device *d, unsigned region, uint64_t off, unsigned width, uint64_t v)
{
	if (region == 0)
		return model_bar_write(d->m, off, width, v);
	if (region != VU_REGION_CONFIG)
		return model_mem_write(d->m, region, off, width, v);
	return model_cfg_write(d->m, (unsigned)off, width, (uint32_t)v);
}

int device_read(struct device *d, const struct vu_access *a, uint8_t *to)
{
	unsigned step = step_of(a);
	int err = access_check(d, a);

	d->stopped = false;
	if (err == IGNORED)
		memset(to, 0, a->count);
	if (err == IGNORED || (!err && read_stale(d, a, to)))
		return 0;
	for (uint32_t at = 0; !err && at < a->count; at += step) {
		uint64_t v = 0;

		err = -read_one(d, a->region, a->offset + at, step * 8, &v);
		if (!err)
			memcpy(to + at, &v, step);
	}
	return err;
}

int device_write(struct device *d, const struct vu_access *a, const uint8_t *from)
{
	unsigned step = step_of(a);
	int err = access_check(d, a);

	if (err == IGNORED)
		return 0;
	if (!err && a->region == 0 && doorbells_own(&d->doorbells, a->offset) &&
	    SERVE_FAULT(d, DOORBELL_MESSAGE_UNSEEN))
		return 0;
	for (uint32_t at = 0; !err && at < a->count; at += step) {
		uint64_t v = 0;

		memcpy(&v, from + at, step);
		err = -write_one(d, a->region, a->offset + at, step * 8, v);
	}
	return err;
}

/* ---- memory ---- */

int device_map(struct device *d, const struct vu_map *map, int fd)
{
	bool overlap_too = false;
	struct vu_map moved = *map;
	int err;

	if (d->mem.n + d->leaked >= MEMORY_REGIONS && SERVE_FAULT(d, GONE_CLIENT_MAPS_LEAK)) {
		close(fd);
		return ENOSPC;
	}
	if (d->mem.n && map->size > PAGE && SERVE_FAULT(d, MAP_OFFSET_MISSED)) {
		moved.offset += PAGE;
		moved.size -= PAGE;
	}
	err = memory_map(&d->mem, &moved, fd);
	if (err == EEXIST)
		overlap_too = SERVE_FAULT(d, MAP_OVERLAP_TAKEN);
	if (overlap_too || (err == EINVAL && SERVE_FAULT(d, MAP_ANYTHING_TAKEN)))
		return 0;
	return err;
}

int device_unmap(struct device *d, const struct vu_unmap *unmap)
{
	struct vu_unmap whole = *unmap;
	int err;

	if (!unmap->flags && SERVE_FAULT(d, UNMAP_KEEPS))
		return memory_find(&d->mem, unmap) ? 0 : ENOENT;
	err = memory_unmap(&d->mem, unmap);
	if (err == ENOENT && memory_widen(&d->mem, &whole) && SERVE_FAULT(d, UNMAP_INEXACT_TAKEN))
		err = memory_unmap(&d->mem, &whole);
	return err;
}

/* ---- beginning and end ---- */

int device_reset(struct device *d)
{
	if (SERVE_FAULT(d, RESET_IGNORED))
		return 0;
	model_power_off(d->m);
	return model_power_on(d->m) ? EIO : 0;
}

static bool is_enabled(struct device *d)
{
	uint64_t cc = 0;

	return !model_bar_read(d->m, REG_CC, 32, &cc) && cc & CC_EN;
}

void device_leave(struct device *d)
{
	if (!SERVE_FAULT(d, GONE_CLIENT_EVENTS_STAY))
		drop_events(d);
	if (SERVE_FAULT(d, GONE_CLIENT_BARS_NEXT))
		d->left_enabled = is_enabled(d);
	d->stopped = SERVE_FAULT(d, GONE_CLIENT_GOES_ON);
	if (d->stopped)
		return;
	model_flr(d->m);
	d->leaked += d->mem.n;
	memory_drop(&d->mem);
}

int device_open(struct device *d, const char *options, char *error)
{
	struct model_bus bus = { .read = take, .write = put, .message = message, .ctx = d };
	struct target voice = { 0 }; /* what says in words which option is wrong */
	uint32_t control = 0;
	int err;

	memset(d, 0, sizeof(*d));
	for (unsigned i = 0; i < DEVICE_VECTORS; i++)
		d->event[i] = -1;
	d->wire.fd = -1;
	d->doorbells.fd = -1;
	d->m = model_new(&bus);
	err = d->m ? model_options_start(&voice, options, d->m) : -ENOMEM;
	if (err) {
		snprintf(error, 256, "%.250s", voice.error[0] ? voice.error : strerror(-err));
		model_free(d->m);
		d->m = NULL;
		return err;
	}
	d->msix = find_msix(d);
	if (d->msix)
		model_cfg_read(d->m, d->msix + 2, 16, &control);
	d->vectors = d->msix ? (control & 0x7ff) + 1 : 0;
	return 0;
}

void device_close(struct device *d)
{
	if (!d->m)
		return;
	drop_events(d);
	doorbells_close(&d->doorbells);
	model_free(d->m);
	memory_drop(&d->mem);
	free(d->block);
	d->block = NULL;
	d->m = NULL;
}
