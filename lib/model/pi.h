/* SPDX-License-Identifier: GPL-2.0-or-later */
/* End-to-end protection information: what a command asks of it, checking it, making it. */
#ifndef MODEL_PI_H
#define MODEL_PI_H

#include "model/media.h"

#define PRACT	    0x8u /* of a PRINFO field, whose low three bits are PRCHK */
#define PRCHK_GUARD 0x4u
#define PRCHK_APP   0x2u
#define PRCHK_REF   0x1u

/* What a command says of the protection information of its blocks. */
struct pi_terms {
	unsigned prinfo;
	bool stc;		 /* check the Storage Tag */
	uint16_t app, mask;	 /* Application Tag and the bits of it that count */
	unsigned __int128 space; /* Storage Tag and first Reference Tag, of at most 80 bits */
};

/* Of CDW2, 3, 12, 14 and 15. */
struct pi_terms pi_terms(const struct mcmd *c);
/* The terms of the block behind, of which these are the first. */
void pi_next(const struct media_pi *pi, struct pi_terms *t);
/* No metadata move: PRACT is 1 and the protection information is all the metadata there is. */
bool pi_strips(const struct media_ns *ns, unsigned prinfo);

/* Type 1 and a Reference Tag that is to be checked and is not that of lba: true, status set. */
bool pi_refuses(struct mcmd *c, const struct media_ns *ns, uint64_t lba, const struct pi_terms *t);
/* One that fails its check: true, the status and the block set. */
bool pi_fails(struct mcmd *c, const struct media_ns *ns, uint64_t lba, uint64_t n,
	      const uint8_t *data, const uint8_t *meta, const struct pi_terms *t);
/* Protection information into the metadata of n blocks. */
void pi_insert(struct mcmd *c, const struct media_ns *ns, uint64_t n, const uint8_t *data,
	       uint8_t *meta, const struct pi_terms *t);

/* The guard of a block that is zero in data and metadata, as it stands on the medium. */
void pi_guard_of_zeroes(const struct media_ns *ns, uint8_t ret[8]);

#endif
