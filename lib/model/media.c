// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Two images a namespace: the medium, and the view, which is the medium with the volatile write
 * cache laid over it. A set of pages tells where they differ. So reads and writes are one memcpy,
 * Flush copies the differing pages down, and losing power copies them up.
 */
#include "model/media.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "model/bits.h"
#include "model/feature.h"

#define PAGE 4096ull
/* Behind the last block: where a model told to accept one block too many puts it. */
#define SLACK PAGE
/* Two commands that run within this time were in flight together. */
#define TOGETHER_NS 3500ull

struct media_ns {
	uint32_t nsid;
	unsigned lbads;
	uint64_t blocks;
	size_t len; /* of each image, slack included */
	off_t file_off;
	int fd; /* of the store, -1: RAM */
	uint8_t *view, *medium;
	struct bits dirty; /* pages where the view is newer */
	struct bits bad;   /* blocks marked by Write Uncorrectable */
	struct bits loose; /* blocks deallocated, kept only for a fault */
	bool bad_stays;	   /* only by a fault */
};

struct model_media {
	unsigned n;
	int fd;
	void *bounce;
	size_t bounce_len;
	uint32_t noise;
	struct { /* what the faults writes-mix and format-of-last-ns remember */
		const struct media_ns *ns;
		uint64_t lba, n, at;
	} last;
	struct media_ns ns[];
};

static uint64_t round_page(uint64_t v)
{
	return (v + PAGE - 1) & ~(PAGE - 1);
}

static void *ns_map(const struct media_ns *ns, bool shared)
{
	int flags = MAP_NORESERVE | (shared && ns->fd >= 0 ? MAP_SHARED : MAP_PRIVATE) |
		    (ns->fd < 0 ? MAP_ANONYMOUS : 0);
	void *p = mmap(NULL, ns->len, PROT_READ | PROT_WRITE, flags, ns->fd,
		       ns->fd < 0 ? 0 : ns->file_off);

	return p == MAP_FAILED ? NULL : p;
}

static int ns_open(struct media_ns *ns)
{
	ns->medium = ns_map(ns, true);
	ns->view = ns_map(ns, false);
	if (!ns->medium || !ns->view || bits_alloc(&ns->dirty, ns->len / PAGE) ||
	    bits_alloc(&ns->bad, ns->len >> ns->lbads) ||
	    bits_alloc(&ns->loose, ns->len >> ns->lbads))
		return -ENOMEM;
	return 0;
}

static void ns_close(struct media_ns *ns)
{
	if (ns->medium)
		munmap(ns->medium, ns->len);
	if (ns->view)
		munmap(ns->view, ns->len);
	bits_free(&ns->dirty);
	bits_free(&ns->bad);
	bits_free(&ns->loose);
}

/* Namespaces lie one after the other in the store, which only grows. */
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

struct model_media *media_new(struct model *m)
{
	unsigned n = m->opt.ns;
	size_t len = round_page(m->opt.ns_bytes) + SLACK;
	struct model_media *md = calloc(1, sizeof(*md) + n * sizeof(md->ns[0]));

	if (!md)
		return NULL;
	md->fd = -1;
	if (m->opt.store[0]) {
		md->fd = store_open(m->opt.store, n * len);
		if (md->fd < 0)
			goto err;
	}
	for (md->n = 0; md->n < n;) {
		struct media_ns *ns = &md->ns[md->n];

		ns->nsid = ++md->n;
		ns->lbads = ns->nsid % 2 ? 9 : 12;
		ns->blocks = m->opt.ns_bytes >> ns->lbads;
		ns->len = len;
		ns->fd = md->fd;
		ns->bad_stays = FAULT(m, UNCORRECTABLE_STAYS);
		ns->file_off = (off_t)((ns->nsid - 1) * len);
		if (ns_open(ns))
			goto err;
	}
	return md;
err:
	media_free(md);
	return NULL;
}

void media_free(struct model_media *md)
{
	if (!md)
		return;
	for (unsigned i = 0; i < md->n; i++) {
		/* The model's process ends; that is no loss of power. */
		if (md->ns[i].fd >= 0 && md->ns[i].view && md->ns[i].dirty.word)
			media_flush(&md->ns[i]);
		ns_close(&md->ns[i]);
	}
	if (md->fd >= 0)
		close(md->fd);
	free(md->bounce);
	free(md);
}

struct media_ns *media_ns(const struct model *m, uint32_t nsid)
{
	return nsid && nsid <= m->media->n ? &m->media->ns[nsid - 1] : NULL;
}

uint32_t media_nn(const struct model *m)
{
	return m->opt.nn ? m->opt.nn : m->media->n + 2;
}

uint32_t media_nsid(const struct media_ns *ns)
{
	return ns->nsid;
}

uint64_t media_blocks(const struct media_ns *ns)
{
	return ns->blocks;
}

unsigned media_lbads(const struct media_ns *ns)
{
	return ns->lbads;
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

static uint64_t page_of(const struct media_ns *ns, uint64_t lba)
{
	return (lba << ns->lbads) / PAGE;
}

static uint64_t page_past(const struct media_ns *ns, uint64_t lba, uint64_t n)
{
	return round_page((lba + n) << ns->lbads) / PAGE;
}

static void page_down(struct media_ns *ns, uint64_t page)
{
	memcpy(ns->medium + page * PAGE, ns->view + page * PAGE, PAGE);
	bits_remove(&ns->dirty, page);
}

static void flush_pages(struct media_ns *ns, uint64_t page, uint64_t past)
{
	for (page = bits_next(&ns->dirty, page, past); page < past;
	     page = bits_next(&ns->dirty, page + 1, past))
		page_down(ns, page);
}

void media_flush_range(struct media_ns *ns, uint64_t lba, uint64_t n)
{
	flush_pages(ns, page_of(ns, lba), page_past(ns, lba, n));
}

void media_flush(struct media_ns *ns)
{
	flush_pages(ns, 0, ns->dirty.size);
}

void media_flush_all(struct model *m)
{
	for (unsigned i = 0; i < m->media->n; i++)
		media_flush(&m->media->ns[i]);
}

static void cache_drop(struct media_ns *ns)
{
	uint64_t page, past = ns->dirty.size;

	for (page = bits_next(&ns->dirty, 0, past); page < past;
	     page = bits_next(&ns->dirty, page + 1, past)) {
		memcpy(ns->view + page * PAGE, ns->medium + page * PAGE, PAGE);
		bits_remove(&ns->dirty, page);
	}
}

static void cache_drop_all(struct model *m)
{
	for (unsigned i = 0; i < m->media->n; i++)
		cache_drop(&m->media->ns[i]);
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
		if (FAULT(m, COMPLETED_WRITE_LOST_AT_RESET))
			cache_drop_all(m);
		break;
	case MODEL_POWER_ON:
		break;
	}
}

/* ---- blocks ---- */

/* The range has new content in the view: into the cache, or on to the medium. */
static void settle(struct media_ns *ns, uint64_t lba, uint64_t n, bool through)
{
	uint64_t off = lba << ns->lbads, i;

	for (i = bits_next(&ns->loose, lba, lba + n); i < lba + n;
	     i = bits_next(&ns->loose, i + 1, lba + n))
		bits_remove(&ns->loose, i);
	for (i = bits_next(&ns->bad, lba, lba + n); i < lba + n;
	     i = bits_next(&ns->bad, i + 1, lba + n)) {
		/* The mark is on the medium, so what takes it away must be there too. */
		through = true;
		if (!ns->bad_stays)
			bits_remove(&ns->bad, i);
	}
	if (through) {
		memcpy(ns->medium + off, ns->view + off, n << ns->lbads);
		return;
	}
	for (i = page_of(ns, lba); i < page_past(ns, lba, n); i++)
		bits_add(&ns->dirty, i);
}

void media_write(struct media_ns *ns, uint64_t lba, uint64_t n, const void *data, bool through)
{
	memcpy(ns->view + (lba << ns->lbads), data, n << ns->lbads);
	settle(ns, lba, n, through);
}

void media_zero(struct media_ns *ns, uint64_t lba, uint64_t n, bool through)
{
	memset(ns->view + (lba << ns->lbads), 0, n << ns->lbads);
	settle(ns, lba, n, through);
}

/*
 * Never cached: what a deallocated block reads as may not change afterwards, not even by a loss
 * of power (NVM CS 1.0 Deallocated or Unwritten Logical Blocks).
 */
void media_deallocate(struct model *m, struct media_ns *ns, uint64_t lba, uint64_t n)
{
	media_zero(ns, lba, n, true);
	for (uint64_t i = lba; FAULT(m, DISCARD_UNSTABLE) && i < lba + n; i++)
		bits_add(&ns->loose, i);
}

const uint8_t *media_view(struct model *m, struct media_ns *ns, uint64_t lba, uint64_t n)
{
	for (uint64_t i = bits_next(&ns->loose, lba, lba + n); i < lba + n;
	     i = bits_next(&ns->loose, i + 1, lba + n))
		le32_put(ns->view + (i << ns->lbads), ++m->media->noise);
	return ns->view + (lba << ns->lbads);
}

bool media_overlaps_last(struct model *m, const struct media_ns *ns, uint64_t lba, uint64_t n)
{
	struct model_media *md = m->media;
	bool overlaps = md->last.ns == ns && m->now - md->last.at < TOGETHER_NS && n > 1 &&
			lba < md->last.lba + md->last.n && md->last.lba < lba + n;

	md->last.ns = ns;
	md->last.lba = lba;
	md->last.n = n;
	md->last.at = m->now;
	return overlaps;
}

size_t media_bent_bytes(struct model *m, const struct media_ns *ns, uint64_t n)
{
	struct model_media *md = m->media;
	const struct media_ns *last = md->last.ns;
	bool bent = last && m->now - md->last.at < TOGETHER_NS && last->lbads < ns->lbads;

	md->last.ns = ns;
	md->last.at = m->now;
	return n << (bent ? last->lbads : ns->lbads);
}

void media_mark_bad(struct media_ns *ns, uint64_t lba, uint64_t n)
{
	for (uint64_t i = lba; i < lba + n; i++)
		bits_add(&ns->bad, i);
}

bool media_find_bad(const struct media_ns *ns, uint64_t lba, uint64_t n, uint64_t *ret_lba)
{
	uint64_t i = bits_next(&ns->bad, lba, lba + n);

	if (i == lba + n)
		return false;
	*ret_lba = i;
	return true;
}
