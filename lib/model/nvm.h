/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the commands of the NVM Command Set share, and those that have a file of their own. */
#ifndef MODEL_NVM_H
#define MODEL_NVM_H

#include "model/internal.h"
#include "model/log.h"

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
/* SLBA and NLB of the command in its namespace; false and the status set when there is no such. */
bool nvm_find_range(struct mcmd *c, struct nvm_range *r);
/* Fails when a block of the range holds nothing, and that is an error (DULBE). */
bool nvm_holds_nothing(struct mcmd *c, const struct nvm_range *r);
/* Fails when a block of the range was marked by Write Uncorrectable. */
bool nvm_unreadable(struct mcmd *c, const struct nvm_range *r);
/* The command has succeeded on the range: for SMART. */
void nvm_count(struct mcmd *c, enum smart_kind kind, const struct nvm_range *r);
/* Write. */
void nvm_write(struct mcmd *c);
/* What the command writes goes to the medium at once: FUA, or no cache. */
bool nvm_through(const struct mcmd *c);

/* ---- nvm_data.c: data and metadata of a range ---- */

struct nvm_blocks {
	uint8_t *data, *meta; /* meta: NULL where the format has none */
};

struct pi_terms;

/* Bytes of a range as MDTS, VSL, WZSL and WUSL count them. */
uint64_t nvm_counted_bytes(const struct model *m, const struct nvm_range *r);
/* The pointers and the length of what the command moves; 0, or -1 and the status set. */
int nvm_check_host(struct mcmd *c, const struct nvm_range *r);
/* Room for the range, metadata zeroed; it lasts until the next such call. */
int nvm_blocks_new(struct mcmd *c, const struct nvm_range *r, struct nvm_blocks *ret);
/* What the host gives, checked first; metadata that it does not give are zero. */
int nvm_fetch(struct mcmd *c, const struct nvm_range *r, struct nvm_blocks *ret);
/* To the host; `sent` bytes of the data where these go alone, all of them but by fault. */
int nvm_send(struct mcmd *c, const struct nvm_range *r, struct nvm_blocks *b, size_t sent);
/* As they are on the medium. */
int nvm_load(struct mcmd *c, const struct nvm_range *r, struct nvm_blocks *ret);
/* A block that was read fails its check: true, status set, counted. */
bool nvm_pi_bad_read(struct mcmd *c, const struct nvm_range *r, const struct nvm_blocks *b,
		     const struct pi_terms *t);

/* ---- nvm_compare.c ---- */

void nvm_compare(struct mcmd *c);
void nvm_verify(struct mcmd *c);

/* ---- nvm_copy.c ---- */

void nvm_copy(struct mcmd *c);
unsigned nvm_copy_formats(const struct model *m); /* Identify Controller OCFS */

#endif
