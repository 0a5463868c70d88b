// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Namespaces: their making and their end, their shape, and the blocks that they hold. Data and
 * metadata of a namespace are an image each (image.h).
 */
#include "model/media.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "model/feature.h"
#include "model/image.h"
#include "model/pi.h"
#include "model/shape.h"
#include "model/zns.h"

/* Behind the last block: where a model told to accept one block too many puts it. */
#define SLACK IMAGE_PAGE
/* Two commands that run within this time were in flight together. */
#define TOGETHER_NS 3500ull
/* What there is besides the first namespaces: more than 1,024 of one granule find room. */
#define SPARE_BYTES (128ull << 20)

struct media_ns {
	bool allocated, stored;
	uint32_t attached; /* bit n: to the controller of that index */
	uint32_t nsid, serial;
	struct media_shape shape;
	unsigned lbads, ms;
	struct media_pi pi;
	uint64_t busy_until; /* a Format is under way */
	struct image data, meta;
	struct bits bad;		 /* blocks marked by Write Uncorrectable */
	struct bits written;		 /* blocks that hold something; only where a host can ask */
	struct bits loose;		 /* blocks deallocated, kept only for a fault */
	bool bad_stays, unwritten_stays; /* only by faults */
	struct zones *zones;
};

struct model_media {
	int fd; /* of the store, -1: RAM */
	void *bounce;
	size_t bounce_len;
	uint32_t noise, serial;
	bool founding;	/* the first namespaces are being made: theirs is the store */
	uint64_t lost;	/* bytes that unvmcap-not-returned keeps */
	uint8_t *ghost; /* of ns-deleted-leaks: how the last namespace deleted began */
	struct {	/* what the faults writes-mix and format-of-last-ns remember */
		const struct media_ns *ns;
		uint64_t lba, n, at;
		unsigned by; /* index of the controller */
	} last;
	uint32_t highest;		  /* NSID that there was */
	struct media_ns ns[MEDIA_NS_MAX]; /* NSID n is ns[n - 1] */
};

/* ---- namespaces ---- */

static size_t data_len(uint64_t bytes)
{
	return image_round(bytes) + SLACK;
}

static void ns_close(struct media_ns *ns)
{
	image_close(&ns->data);
	image_close(&ns->meta);
	bits_free(&ns->bad);
	bits_free(&ns->loose);
	bits_free(&ns->written);
	zns_free(ns->zones);
	ns->zones = NULL;
}

/*
 * The first namespaces have their data in the store, one after the other. Others have RAM, and so
 * have those once they are made anew or formatted, and metadata.
 */
static int ns_open(struct model *m, struct media_ns *ns)
{
	bool stored = ns->stored = m->media->fd >= 0 && m->media->founding;
	size_t len = data_len(ns->shape.blocks << ns->lbads);
	off_t off = (off_t)((ns->nsid - 1) * data_len(m->opt.ns_bytes));
	int err = image_open(&ns->data, len, stored ? m->media->fd : -1, off);

	if (ns->shape.csi == CSI_ZNS) {
		ns->zones = zns_new(m, ns->lbads, ns->shape.blocks);
		err = err || !ns->zones ? -ENOMEM : 0;
	}
	if (!err && ns->ms)
		err = image_open(&ns->meta, data_len(ns->shape.blocks * ns->ms), -1, 0);
	if (!err && !bits_alloc(&ns->bad, len >> ns->lbads) &&
	    !bits_alloc(&ns->loose, len >> ns->lbads) &&
	    !bits_alloc(&ns->written, len >> ns->lbads))
		return 0;
	ns_close(ns);
	return -ENOMEM;
}

/*
 * Protection information is kept with every bit turned over, so that in a new image it is all ones,
 * as it is in blocks that were never written. What is left to do is a guard that is the CRC.
 */
static void unwrite(struct model *m, struct media_ns *ns, uint64_t lba, uint64_t n)
{
	uint8_t guard[8];

	if (!ns->pi.type || !m->opt.dlguard)
		return;
	pi_guard_of_zeroes(ns, guard);
	for (unsigned i = 0; i < ns->pi.guard; i++)
		guard[i] = (uint8_t)~guard[i];
	for (uint64_t i = lba; i < lba + n; i++)
		memcpy(ns->meta.view + i * ns->ms + ns->pi.at, guard, ns->pi.guard);
	image_settle(&ns->meta, lba * ns->ms, n * ns->ms, true);
}

static struct media_pi pi_of(const struct media_format *f, uint8_t dps)
{
	unsigned bytes = media_pi_bytes(f);

	return (struct media_pi){
		.type = dps & DPS_TYPE,
		.bytes = bytes,
		.at = dps & DPS_FIRST ? 0 : f->ms - bytes,
		.guard = 2u << f->pif,
		.sts = f->sts,
	};
}

int media_shape_ns(struct model *m, struct media_ns *ns, const struct media_shape *shape)
{
	const struct media_format *all;
	int err;

	if (shape->format >= media_formats(m, &all))
		return -EINVAL;
	ns_close(ns);
	ns->shape = *shape;
	ns->lbads = all[shape->format].lbads;
	ns->ms = all[shape->format].ms;
	ns->pi = pi_of(&all[shape->format], shape->dps);
	err = ns_open(m, ns);
	if (!err)
		unwrite(m, ns, 0, shape->blocks);
	return err;
}

void media_set_busy(struct media_ns *ns, uint64_t until)
{
	ns->busy_until = until;
}

bool media_is_busy(const struct model *m, const struct media_ns *ns)
{
	return model_now(m) < ns->busy_until;
}

/* By fault: the first page of a namespace outlives it, and begins the next one. */
static void ghost_keep(struct model *m, const struct media_ns *ns)
{
	if (!FAULT(m, NS_DELETED_LEAKS))
		return;
	free(m->media->ghost);
	m->media->ghost = malloc(IMAGE_PAGE);
	if (m->media->ghost)
		memcpy(m->media->ghost, ns->data.view, IMAGE_PAGE);
}

static void ghost_show(struct model *m, struct media_ns *ns)
{
	if (!m->media->ghost || ns->data.len < IMAGE_PAGE)
		return;
	memcpy(ns->data.view, m->media->ghost, IMAGE_PAGE);
	image_settle(&ns->data, 0, IMAGE_PAGE, true);
}

int media_create(struct model *m, uint32_t nsid, const struct media_shape *shape)
{
	struct media_ns *ns = &m->media->ns[nsid - 1];
	uint64_t serial = ++m->media->serial;
	int err;

	if (nsid > m->media->highest)
		m->media->highest = nsid;
	ns->nsid = nsid;
	ns->serial = serial != nsid && FAULT(m, NS_IDS_REUSED) ? nsid : serial;
	ns->bad_stays = m->fault[FAULT_UNCORRECTABLE_STAYS];
	ns->unwritten_stays = m->fault[FAULT_DULBE_WRITE_STAYS];
	ns->attached = 0;
	err = media_shape_ns(m, ns, shape);
	ns->allocated = !err;
	if (err)
		return err;
	ghost_show(m, ns);
	for (uint64_t i = 0;
	     !m->media->founding && FAULT(m, UNWRITTEN_UNSTABLE) && i < ns->shape.blocks; i++)
		bits_add(&ns->loose, i);
	return 0;
}

void media_delete(struct model *m, uint32_t nsid)
{
	struct media_ns *ns = &m->media->ns[nsid - 1];

	ghost_keep(m, ns);
	if (FAULT(m, UNVMCAP_NOT_RETURNED))
		m->media->lost += media_capacity(ns);
	ns_close(ns);
	ns->allocated = false;
	ns->attached = 0;
}

uint32_t media_highest(const struct model *m)
{
	return m->media->highest;
}

unsigned media_count(const struct model *m)
{
	unsigned n = 0;

	for (unsigned i = 0; i < media_highest(m); i++)
		n += m->media->ns[i].allocated;
	return n;
}

static uint64_t in_granules(uint64_t bytes)
{
	return (bytes + MEDIA_GRANULE - 1) / MEDIA_GRANULE * MEDIA_GRANULE;
}

uint64_t media_capacity(const struct media_ns *ns)
{
	return in_granules((ns->shape.blocks << ns->lbads) + ns->shape.blocks * ns->ms);
}

uint64_t media_total(const struct model *m)
{
	return m->opt.capacity
		       ? m->opt.capacity
		       : (m->opt.ns + m->opt.zns) * in_granules(m->opt.ns_bytes) + SPARE_BYTES;
}

uint64_t media_unallocated(const struct model *m)
{
	uint64_t used = m->media->lost, total = media_total(m);

	for (unsigned i = 0; i < media_highest(m); i++)
		if (m->media->ns[i].allocated)
			used += media_capacity(&m->media->ns[i]);
	return used < total ? total - used : 0;
}

const struct media_shape *media_shape(const struct media_ns *ns)
{
	return &ns->shape;
}

struct zones *media_zones(const struct media_ns *ns)
{
	return ns->zones;
}

void media_attach(struct media_ns *ns, unsigned ctrl, bool on)
{
	ns->attached = on ? ns->attached | 1u << ctrl : ns->attached & ~(1u << ctrl);
}

bool media_is_attached(const struct media_ns *ns, unsigned ctrl)
{
	return ns->attached >> ctrl & 1;
}

struct media_ns *media_allocated(const struct model *m, uint32_t nsid)
{
	struct media_ns *ns = nsid && nsid <= MEDIA_NS_MAX ? &m->media->ns[nsid - 1] : NULL;

	return ns && ns->allocated ? ns : NULL;
}

bool media_is_gone(const struct model *m, uint32_t nsid)
{
	return nsid && nsid <= MEDIA_NS_MAX && m->media->ns[nsid - 1].serial &&
	       !m->media->ns[nsid - 1].allocated;
}

struct media_ns *media_ns(const struct model *m, uint32_t nsid)
{
	struct media_ns *ns = media_allocated(m, nsid);

	return ns && media_is_attached(ns, m->index) ? ns : NULL;
}

uint32_t media_nn(const struct model *m)
{
	unsigned nn = m->opt.ns + m->opt.zns + 2;

	if (m->opt.nn)
		return m->opt.nn;
	return nn < MEDIA_NS_MAX ? nn : MEDIA_NS_MAX;
}

uint32_t media_nsid(const struct media_ns *ns)
{
	return ns->nsid;
}

uint32_t media_serial(const struct media_ns *ns)
{
	return ns->serial;
}

uint64_t media_blocks(const struct media_ns *ns)
{
	return ns->shape.blocks;
}

unsigned media_lbads(const struct media_ns *ns)
{
	return ns->lbads;
}

unsigned media_ms(const struct media_ns *ns)
{
	return ns->ms;
}

const struct media_pi *media_pi(const struct media_ns *ns)
{
	return &ns->pi;
}

/* ---- all of them ---- */

/* The store only grows. */
static int store_open(const char *path, uint64_t len)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	off_t end = fd < 0 ? -1 : lseek(fd, 0, SEEK_END);

	if (end >= 0 && ((uint64_t)end >= len || !ftruncate(fd, (off_t)len)))
		return fd;
	if (fd >= 0)
		close(fd);
	return -1;
}

/*
 * As `shapes` says, else 512 and 4096 bytes in turn. Shared by all controllers, but for the last
 * few, which each belong to one of them, in turn.
 */
static int create_first(struct model *m, uint32_t nsid)
{
	unsigned n = m->opt.controllers, shared = m->opt.ns - m->opt.private_ns;
	struct media_shape shape;
	const struct media_format *all;
	int err = shape_of(m, nsid - 1, &shape);

	if (err == -ENOENT)
		shape = (struct media_shape){ .format = (nsid - 1) % 2 };
	else if (err)
		return err;
	shape.shared = n > 1 && nsid <= shared;
	media_formats(m, &all);
	shape.blocks = m->opt.ns_bytes >> all[shape.format].lbads;
	err = media_create(m, nsid, &shape);
	for (unsigned i = 0; i < n && !err; i++)
		if (nsid <= shared || (nsid - shared - 1) % n == i)
			media_attach(&m->media->ns[nsid - 1], i, true);
	return err;
}

/* After the others, of 4096 and 512 bytes in turn; every controller has them. */
static int create_zoned(struct model *m, uint32_t nsid)
{
	struct media_shape shape = { .format = (nsid - m->opt.ns) % 2, .csi = CSI_ZNS };
	const struct media_format *all;
	int err;

	media_formats(m, &all);
	shape.shared = m->opt.controllers > 1;
	shape.blocks = zns_blocks(&m->opt, m->opt.ns_bytes >> all[shape.format].lbads);
	err = media_create(m, nsid, &shape);
	for (unsigned i = 0; i < m->opt.controllers && !err; i++)
		media_attach(&m->media->ns[nsid - 1], i, true);
	return err;
}

struct model_media *media_new(struct model *m)
{
	struct model_media *md = calloc(1, sizeof(*md));
	int err = 0;

	if (!md)
		return NULL;
	md->fd = -1;
	if (m->opt.store[0]) {
		md->fd = store_open(m->opt.store, m->opt.ns * data_len(m->opt.ns_bytes));
		err = md->fd < 0 ? -EIO : 0;
	}
	m->media = md;
	md->founding = true;
	for (uint32_t nsid = 1; !err && nsid <= m->opt.ns; nsid++)
		err = create_first(m, nsid);
	md->founding = false; /* the zoned ones forget, as their zones do */
	for (uint32_t nsid = m->opt.ns + 1; !err && nsid <= m->opt.ns + m->opt.zns; nsid++)
		err = create_zoned(m, nsid);
	if (!err)
		return md;
	media_free(md);
	return NULL;
}

void media_free(struct model_media *md)
{
	if (!md)
		return;
	for (unsigned i = 0; i < md->highest; i++) {
		if (md->ns[i].allocated) /* the model's process ends; that is no loss of power */
			media_flush(&md->ns[i]);
		ns_close(&md->ns[i]);
	}
	if (md->fd >= 0)
		close(md->fd);
	free(md->bounce);
	free(md->ghost);
	free(md);
}

void *media_bounce(struct model *m, size_t len)
{
	struct model_media *md = m->media;

	if (len > md->bounce_len) {
		free(md->bounce);
		md->bounce = malloc(len);
		md->bounce_len = md->bounce ? len : 0;
	}
	return md->bounce;
}

/* ---- the cache ---- */

void media_flush_range(struct media_ns *ns, uint64_t lba, uint64_t n)
{
	image_flush(&ns->data, lba << ns->lbads, n << ns->lbads);
	image_flush(&ns->meta, lba * ns->ms, n * ns->ms);
}

void media_flush(struct media_ns *ns)
{
	image_flush_all(&ns->data);
	image_flush_all(&ns->meta);
}

void media_flush_all(struct model *m)
{
	for (unsigned i = 0; i < media_highest(m); i++)
		media_flush(&m->media->ns[i]);
}

void media_drop(struct media_ns *ns)
{
	image_drop(&ns->data);
	image_drop(&ns->meta);
}

static void cache_drop_all(struct model *m)
{
	for (unsigned i = 0; i < media_highest(m); i++)
		media_drop(&m->media->ns[i]);
}

void media_reset(struct model *m, enum model_reset kind)
{
	switch (kind) {
	case MODEL_POWER_OFF:
		cache_drop_all(m);
		break;
	case MODEL_SHUTDOWN:
		if (FAULT(m, CACHE_DROPPED_AT_SHUTDOWN))
			cache_drop_all(m);
		media_flush_all(m);
		break;
	case MODEL_RESET_CC:
	case MODEL_RESET_FLR:
		for (unsigned i = m->opt.ns; i < media_highest(m); i++)
			if (m->media->ns[i].attached && FAULT(m, ATTACHMENTS_LOST_AT_RESET))
				media_attach(&m->media->ns[i], m->index, false);
		if (FAULT(m, COMPLETED_WRITE_LOST_AT_RESET))
			cache_drop_all(m);
		break;
	case MODEL_POWER_ON:
		break;
	}
}

/* ---- sanitize ---- */

static void fill_image(struct image *im, uint32_t pattern)
{
	for (size_t i = 0; i < im->len; i += 4)
		le32_put(im->view + i, pattern);
	image_settle(im, 0, im->len, true);
}

/* Metadata apart from protection information, which is left as that of blocks never written. */
static void fill_meta(struct media_ns *ns, uint32_t pattern)
{
	unsigned from = ns->pi.type ? ns->pi.at : ns->ms;
	unsigned to = ns->pi.type ? from + ns->pi.bytes : ns->ms;

	for (uint64_t i = 0; i < ns->shape.blocks * ns->ms; i++)
		if (i % ns->ms < from || i % ns->ms >= to)
			ns->meta.view[i] = (uint8_t)(pattern >> i % 4 * 8);
	image_settle(&ns->meta, 0, ns->meta.len, true);
}

void media_sanitize(struct model *m, struct media_ns *ns, bool fill, uint32_t pattern)
{
	struct media_shape shape = ns->shape;

	if (ns->stored) /* what a store holds would be there again the next time */
		fill_image(&ns->data, 0);
	else
		media_shape_ns(m, ns, &shape);
	if (!fill)
		return;
	fill_image(&ns->data, pattern);
	fill_meta(ns, pattern);
}

/* ---- blocks ---- */

/* The range has new content in the view: into the cache, or on to the medium. */
static void settle(struct media_ns *ns, uint64_t lba, uint64_t n, bool through)
{
	uint64_t i;

	for (i = lba; i < lba + n; i++)
		if (!bits_has(&ns->written, i) &&
		    !fault_counts(ns->unwritten_stays, FAULT_DULBE_WRITE_STAYS))
			bits_add(&ns->written, i);
	for (i = bits_next(&ns->loose, lba, lba + n); i < lba + n;
	     i = bits_next(&ns->loose, i + 1, lba + n))
		bits_remove(&ns->loose, i);
	for (i = bits_next(&ns->bad, lba, lba + n); i < lba + n;
	     i = bits_next(&ns->bad, i + 1, lba + n)) {
		/* The mark is on the medium, so what takes it away must be there too. */
		through = true;
		if (!fault_counts(ns->bad_stays, FAULT_UNCORRECTABLE_STAYS))
			bits_remove(&ns->bad, i);
	}
	image_settle(&ns->data, lba << ns->lbads, n << ns->lbads, through);
	image_settle(&ns->meta, lba * ns->ms, n * ns->ms, through);
}

void media_write(struct media_ns *ns, uint64_t lba, uint64_t n, const void *data, bool through)
{
	memcpy(ns->data.view + (lba << ns->lbads), data, n << ns->lbads);
	settle(ns, lba, n, through);
}

/* Protection information as it is kept, from as it is, and back. */
static void turn_over(const struct media_ns *ns, uint8_t *meta, uint64_t n)
{
	for (uint64_t i = 0; ns->pi.type && i < n; i++, meta += ns->ms)
		for (unsigned k = 0; k < ns->pi.bytes; k++)
			meta[ns->pi.at + k] ^= 0xff;
}

void media_write_meta(struct media_ns *ns, uint64_t lba, uint64_t n, const void *meta, bool through)
{
	uint8_t *view = ns->meta.view + lba * ns->ms;

	memcpy(view, meta, n * ns->ms);
	turn_over(ns, view, n);
	image_settle(&ns->meta, lba * ns->ms, n * ns->ms, through);
}

void media_read_meta(const struct media_ns *ns, uint64_t lba, uint64_t n, void *ret)
{
	memcpy(ret, ns->meta.view + lba * ns->ms, n * ns->ms);
	turn_over(ns, ret, n);
}

static void clear(struct media_ns *ns, uint64_t lba, uint64_t n)
{
	memset(ns->data.view + (lba << ns->lbads), 0, n << ns->lbads);
	if (ns->ms)
		memset(ns->meta.view + lba * ns->ms, 0, n * ns->ms);
}

void media_zero(struct media_ns *ns, uint64_t lba, uint64_t n, bool through)
{
	clear(ns, lba, n);
	if (ns->ms)
		turn_over(ns, ns->meta.view + lba * ns->ms, n);
	settle(ns, lba, n, through);
}

/*
 * Never cached: what a deallocated block reads as may not change afterwards, not even by a loss
 * of power (NVM CS 1.0 Deallocated or Unwritten Logical Blocks).
 */
void media_deallocate(struct model *m, struct media_ns *ns, uint64_t lba, uint64_t n)
{
	clear(ns, lba, n);
	if (ns->ms && FAULT(m, DISCARD_PI_ZERO))
		turn_over(ns, ns->meta.view + lba * ns->ms, n);
	else
		unwrite(m, ns, lba, n);
	settle(ns, lba, n, true);
	for (uint64_t i = lba; i < lba + n; i++)
		bits_remove(&ns->written, i);
	for (uint64_t i = lba; FAULT(m, DISCARD_UNSTABLE) && i < lba + n; i++)
		bits_add(&ns->loose, i);
}

const uint8_t *media_view(struct model *m, struct media_ns *ns, uint64_t lba, uint64_t n)
{
	for (uint64_t i = bits_next(&ns->loose, lba, lba + n); i < lba + n;
	     i = bits_next(&ns->loose, i + 1, lba + n))
		le32_put(ns->data.view + (i << ns->lbads), ++m->media->noise);
	return ns->data.view + (lba << ns->lbads);
}

const uint8_t *media_stored(const struct media_ns *ns, uint64_t lba)
{
	return ns->data.medium + (lba << ns->lbads);
}

bool media_overlaps_last(struct model *m, const struct media_ns *ns, uint64_t lba, uint64_t n,
			 bool across)
{
	struct model_media *md = m->media;
	bool overlaps = md->last.ns == ns && m->sub->now - md->last.at < TOGETHER_NS && n > 1 &&
			lba < md->last.lba + md->last.n && md->last.lba < lba + n;

	overlaps &= !across || md->last.by != m->index;
	md->last.by = m->index;
	md->last.ns = ns;
	md->last.lba = lba;
	md->last.n = n;
	md->last.at = m->sub->now;
	return overlaps;
}

size_t media_bent_bytes(struct model *m, const struct media_ns *ns, uint64_t n)
{
	struct model_media *md = m->media;
	const struct media_ns *last = md->last.ns;
	bool bent = last && m->sub->now - md->last.at < TOGETHER_NS && last->lbads < ns->lbads;

	md->last.ns = ns;
	md->last.at = m->sub->now;
	return n << (bent ? last->lbads : ns->lbads);
}

void media_mark_bad(struct media_ns *ns, uint64_t lba, uint64_t n)
{
	for (uint64_t i = lba; i < lba + n; i++)
		bits_add(&ns->bad, i);
}

bool media_find_unwritten(const struct media_ns *ns, uint64_t lba, uint64_t n, uint64_t *ret_lba)
{
	/* nobody knows what a store held before */
	for (uint64_t i = lba; i < lba + n && !ns->stored; i++) {
		if (bits_has(&ns->written, i))
			continue;
		*ret_lba = i;
		return true;
	}
	return false;
}

bool media_find_bad(const struct media_ns *ns, uint64_t lba, uint64_t n, uint64_t *ret_lba)
{
	uint64_t i = bits_next(&ns->bad, lba, lba + n);

	if (i == lba + n)
		return false;
	*ret_lba = i;
	return true;
}
