/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The bench of the data pointer cases with pieces of any length instead of pages: SGLs. */
#ifndef CONFORMANCE_DPTR_SGL_H
#define CONFORMANCE_DPTR_SGL_H

#include "dptr_bench.h"

#define PIECES_MAX 8200u
#define SGL_REF                                                                                    \
	"Base 2.0 Scatter Gather List (SGL); "                                                     \
	"Base 2.2 Scatter Gather List (SGL), SGL Validation Error Conditions"

struct piece {
	size_t at; /* offset into bench.mem */
	uint32_t len;
	bool bucket;
};

struct sgl_bench {
	struct bench *b;
	uint32_t granule; /* least length, and alignment of addresses and lengths: 1 or 4 */
	unsigned n;
	struct piece piece[PIECES_MAX];
	struct sgl_desc desc[PIECES_MAX];
	struct sgl_plan plan;  /* desc and n apart, which strew_point() sets */
	struct sgl_list *list; /* of the last strew_point(), NULL: none */
};

/* NULL, or why there are no SGLs. */
const char *na_no_sgl(const struct facts *f);

struct sgl_bench *sgl_bench_new(struct rig *r, const struct facts_ns *ns, size_t room);
size_t strew_bytes(const struct sgl_bench *s); /* of the transfer */
/* One piece at an offset into the memory; n pieces of any lengths at any places in any order. */
void strew_one(struct sgl_bench *s, size_t at, uint32_t blocks);
void strew(struct sgl_bench *s, unsigned n, uint32_t blocks);
/* Places n pieces of the lengths in s->piece anywhere. */
void strew_places(struct sgl_bench *s);
/* Puts one more before the i-th. */
void strew_insert(struct sgl_bench *s, unsigned i, struct piece p);
/* Fills the command's SGL by the pieces and the plan; bench.what tells of it. */
void strew_point(struct sgl_bench *s, struct cmd *c);
/* The line to where the pieces lie; what goes into a bucket goes nowhere, on a Write a bucket takes
 * nothing. */
void strew_spread(const struct sgl_bench *s, uint8_t *mem, bool write);
/* A Read or Write through the pieces, ready to be bent: poison and stamps are in place. */
struct cmd strew_cmd(struct sgl_bench *s, bool write, uint64_t tag);
/* What a transfer that succeeded must have done. */
void strew_check(struct sgl_bench *s, bool write, uint64_t tag);
/* Whatever is in the pieces is allowed; nothing else may have changed. */
void strew_check_elsewhere(struct sgl_bench *s);
/* The segments are the host's: looked at and given back. */
void strew_drop(struct sgl_bench *s);

/* One Write, one Read through the pieces, with all that must be right about it. */
void ask_strewn_write(struct sgl_bench *s);
void ask_strewn_read(struct sgl_bench *s);
void ask_strewn(struct sgl_bench *s);

#endif
