/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the commands of the NVM Command Set share, and those that have a file of their own. */
#ifndef MODEL_NVM_H
#define MODEL_NVM_H

#include "model/internal.h"

/* Limits of Copy, as Identify Namespace tells them: MSRC, MSSRL, MCL. */
#define COPY_RANGES	  8u
#define COPY_RANGE_BLOCKS 64u
#define COPY_BLOCKS	  256u
#define NVM_HAS_COPY(m)	  ((m)->opt.oncs & NVME_CTRL_ONCS_COPY)

struct media_ns;

struct nvm_range {
	struct media_ns *ns;
	uint64_t lba, n;
};

/* The active namespace of the command, or NULL and the status set. */
struct media_ns *nvm_find_ns(struct mcmd *c);
/* The range lies in its namespace; where a fault lets another through, that one is bent. */
bool nvm_range_fits(struct model *m, struct nvm_range *r);
/* LBA Out of Range. */
void nvm_fail_range(struct mcmd *c, uint64_t lba);
/* What the command writes goes to the medium at once: FUA, or no cache. */
bool nvm_through(const struct mcmd *c);

/* ---- nvm_copy.c ---- */

void nvm_copy(struct mcmd *c);

#endif
