/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Protection information as the rig makes and reads it: where it lies in the metadata of a block,
 * what its guard covers, how tags are laid out in it and in a command.
 * Source: NVM CS 1.0 End-to-end Data Protection, Protection Information Formats, Storage Tag and
 * Logical Block Reference Tag from Storage and Reference Space.
 */
#ifndef DATA_PI_H
#define DATA_PI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a block is made of. */
struct pi_shape {
	uint32_t lba_bytes;
	uint16_t ms;	      /* bytes of metadata, 0: none */
	uint8_t type;	      /* 1 to 3; 0: no protection information, the rest means nothing */
	bool first;	      /* in the first bytes of the metadata, else in the last */
	unsigned guard_bytes; /* 2, 4 or 8 */
	unsigned sts;	      /* bits of the Storage Tag */
};

struct pi_tuple {
	uint64_t guard;
	uint16_t app;
	uint64_t storage, ref;
};

/* Its bytes, and the offset in the metadata at which they begin. */
unsigned pi_bytes(const struct pi_shape *s);
unsigned pi_at(const struct pi_shape *s);
unsigned pi_ref_bits(const struct pi_shape *s); /* 0: there is no Reference Tag */
/* A number cut to that many bits. */
uint64_t pi_cut(uint64_t value, unsigned bits);

/* The guard of a block with these data and this metadata. */
uint64_t pi_guard(const struct pi_shape *s, const void *data, const void *meta);
/* To and from the metadata of one block. */
void pi_put(const struct pi_shape *s, void *meta, const struct pi_tuple *t);
void pi_get(const struct pi_shape *s, const void *meta, struct pi_tuple *ret);

/* Tags as a command has them: Command Dwords 2, 3 and 14. */
struct pi_dwords {
	uint32_t cdw2, cdw3, cdw14;
};

struct pi_dwords pi_dwords(const struct pi_shape *s, uint64_t storage, uint64_t ref);

#endif
