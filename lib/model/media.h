/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Namespaces of the subsystem and what they hold. Each has a medium, which keeps its content
 * without power, and over it a volatile write cache: media_view() is what the host sees, medium and
 * cache together. Blocks are the namespace's own; ranges are the caller's to check.
 */
#ifndef MODEL_MEDIA_H
#define MODEL_MEDIA_H

#include "model/internal.h"

struct media_ns;
struct zones;

#define MEDIA_NS_MAX  1100u	  /* NSIDs that can be allocated: 1 to this */
#define MEDIA_GRANULE (64u << 10) /* capacity is allocated in pieces of so many bytes */

enum media_pif { PIF_16B, PIF_32B, PIF_64B }; /* Protection Information Format */

/* An entry of the LBA Format list, which is that of every namespace. */
struct media_format {
	uint8_t lbads; /* log2 of the data bytes of a block */
	uint16_t ms;   /* bytes of metadata of a block */
	uint8_t pif;   /* enum media_pif */
	uint8_t sts;   /* Storage Tag Size in bits */
};

/* Bytes of the protection information of a format. */
unsigned media_pi_bytes(const struct media_format *f);

#define MEDIA_MS_MAX 64u /* the most metadata of a format */

#define DPS_TYPE     0x7u
#define DPS_FIRST    0x8u /* in the first bytes of the metadata; before VS 1.4 */

/* What a namespace is told to be when it is made or formatted. */
struct media_shape {
	unsigned format; /* index of the LBA Format list */
	bool extended;	 /* metadata at the end of each block's data: FLBAS bit 4 */
	uint8_t dps;	 /* End-to-end Data Protection Type Settings */
	uint8_t csi;	 /* I/O command set */
	bool shared;	 /* may be attached to several controllers: NMIC bit 0 */
	uint64_t blocks; /* NSZE */
};

unsigned media_formats(const struct model *m, const struct media_format **ret);

/*
 * Makes a namespace at an NSID that is not allocated, unattached, every block never written.
 * -EINVAL: no such format; -ENOMEM: then there is none.
 */
int media_create(struct model *m, uint32_t nsid, const struct media_shape *shape);
void media_delete(struct model *m, uint32_t nsid);
/* Success, or the status with which a namespace of that shape cannot be made or formatted. */
uint16_t media_shape_status(const struct model *m, const struct media_shape *shape);
/* Its content is gone and its shape another one: Format NVM. -ENOMEM: there are no blocks then. */
int media_shape_ns(struct model *m, struct media_ns *ns, const struct media_shape *shape);
const struct media_shape *media_shape(const struct media_ns *ns);
/* It is being formatted until then: no I/O command reaches it. */
void media_set_busy(struct media_ns *ns, uint64_t until);
bool media_is_busy(const struct model *m, const struct media_ns *ns);
/* Of a zoned namespace; NULL: it is not one. */
struct zones *media_zones(const struct media_ns *ns);

void media_attach(struct media_ns *ns, unsigned ctrl, bool on);
bool media_is_attached(const struct media_ns *ns, unsigned ctrl);

/* There was a namespace of this NSID, and it was deleted. */
bool media_is_gone(const struct model *m, uint32_t nsid);
/* The namespace of this NSID: NULL when it is not allocated; when it is not active on this
 * controller. */
struct media_ns *media_allocated(const struct model *m, uint32_t nsid);
struct media_ns *media_ns(const struct model *m, uint32_t nsid);
/* Identify Controller NN: if not told, two more than there are: valid and inactive NSIDs exist. */
uint32_t media_nn(const struct model *m);

/* The highest NSID that was ever allocated: nothing is kept about those above. */
uint32_t media_highest(const struct model *m);
/* How many namespaces are allocated. */
unsigned media_count(const struct model *m);
/* In bytes: of the subsystem, of it what no namespace has, and what a namespace has (NVMCAP). */
uint64_t media_total(const struct model *m);
uint64_t media_unallocated(const struct model *m);
uint64_t media_capacity(const struct media_ns *ns);

uint32_t media_nsid(const struct media_ns *ns);
/* A number that no other namespace has or had. */
uint32_t media_serial(const struct media_ns *ns);
uint64_t media_blocks(const struct media_ns *ns);
unsigned media_lbads(const struct media_ns *ns); /* log2 of the block size */
unsigned media_ms(const struct media_ns *ns);	 /* bytes of metadata of a block, 0: none */

/* The blocks from lba on as the host sees them, in one piece up to the namespace's end. */
const uint8_t *media_view(struct model *m, struct media_ns *ns, uint64_t lba, uint64_t n);

/* What protection information there is. */
struct media_pi {
	uint8_t type;	/* 0: none, the rest means nothing */
	unsigned bytes; /* 8 or 16 */
	unsigned at;	/* offset in the metadata of a block */
	unsigned guard; /* bytes of the Guard */
	unsigned sts;	/* bits of the Storage Tag */
};

const struct media_pi *media_pi(const struct media_ns *ns);

/* The metadata of the blocks from lba on, media_ms() bytes each; only where there are any. */
void media_read_meta(const struct media_ns *ns, uint64_t lba, uint64_t n, void *ret);
void media_write_meta(struct media_ns *ns, uint64_t lba, uint64_t n, const void *meta,
		      bool through);

/* What a Write, Write Zeroes or Dataset Management does. `through`: on the medium when it returns.
 */
void media_write(struct media_ns *ns, uint64_t lba, uint64_t n, const void *data, bool through);
/* Zeroes in data and metadata, protection information among it. */
void media_zero(struct media_ns *ns, uint64_t lba, uint64_t n, bool through);
void media_deallocate(struct model *m, struct media_ns *ns, uint64_t lba, uint64_t n);

/* Write Uncorrectable: unreadable until written again. */
void media_mark_bad(struct media_ns *ns, uint64_t lba, uint64_t n);
/* True and the first such block of the range, when there is one. */
bool media_find_bad(const struct media_ns *ns, uint64_t lba, uint64_t n, uint64_t *ret_lba);

/* True and the first block of the range that holds nothing: deallocated, or never written. */
bool media_find_unwritten(const struct media_ns *ns, uint64_t lba, uint64_t n, uint64_t *ret_lba);

/* The cache to the medium: of the range, of the namespace, of every namespace. */
void media_flush_range(struct media_ns *ns, uint64_t lba, uint64_t n);
void media_flush(struct media_ns *ns);
void media_flush_all(struct model *m);
/* Sanitize: nothing of what it held is left, and where `fill` says so every dword is the pattern.
 */
void media_sanitize(struct model *m, struct media_ns *ns, bool fill, uint32_t pattern);
/* By fault: the cache of the namespace is lost. */
void media_drop(struct media_ns *ns);

/* By fault: what is on the medium already, whatever is cached. */
const uint8_t *media_stored(const struct media_ns *ns, uint64_t lba);
/*
 * By fault: does the range overlap that of the call before, made when both were in flight? across:
 * and through another controller.
 */
bool media_overlaps_last(struct model *m, const struct media_ns *ns, uint64_t lba, uint64_t n,
			 bool across);
/* By fault: bytes of n blocks, of the size of the namespace asked for just before. */
size_t media_bent_bytes(struct model *m, const struct media_ns *ns, uint64_t n);

/* At least len bytes that last until the next call, for data on its way; NULL without memory. */
void *media_bounce(struct model *m, size_t len);

#endif
