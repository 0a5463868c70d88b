/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the cases about metadata and protection information stand on: some blocks of a namespace
 * with their data and metadata, and any command on them. Everything lives as long as the case.
 */
#ifndef CONFORMANCE_PI_BENCH_H
#define CONFORMANCE_PI_BENCH_H

#include "kit/kit.h"

#define PRACT	    0x8u /* of PRINFO */
#define PRCHK_GUARD 0x4u
#define PRCHK_APP   0x2u
#define PRCHK_REF   0x1u
#define PRCHK_ALL   0x7u

#define PI_BLOCKS   8u /* of a bench, unless MDTS allows fewer */

struct pi_bench {
	struct rig *r;
	const struct facts_ns *ns;
	struct pi_shape s;
	bool extended; /* metadata behind the data of each block */
	struct sq *q;
	uint64_t lba;
	uint32_t blocks;
	uint8_t *data, *meta; /* of all of them: what is written, or was read */
	uint16_t app;	      /* tags of valid protection information */
	uint64_t storage, ref;
	struct buf *separate; /* where MPTR leads, NULL where no metadata are separate */
	size_t skew;	      /* into it */
	bool skipped;	      /* pi_skip() */
	char text[160];
};

/* A command on blocks [from, from + blocks) of a bench. */
struct pi_io {
	uint8_t opcode;
	unsigned prinfo;
	bool stc;
	uint16_t app, mask;
	uint64_t storage, ref;
	uint32_t from, blocks;
	uint32_t cdw12; /* further bits of it */
};

/* Up to so many blocks, none of them written yet; the metadata are zero. */
struct pi_bench *pi_bench_new(struct rig *r, const struct facts_ns *ns, uint32_t blocks);
/* The same blocks further up in the namespace; tags anew. */
struct pi_bench *pi_bench_beside(const struct pi_bench *b);
/* Blocks of one command by MDTS; UINT32_MAX: no limit. */
uint32_t pi_most_blocks(struct rig *r, const struct facts_ns *ns);
/* New data, random metadata, and over these valid protection information where there is any. */
void pi_fill(struct pi_bench *b);
/* Valid protection information into the metadata as they stand, of one block or of all. */
void pi_protect_block(struct pi_bench *b, uint32_t i);
void pi_protect(struct pi_bench *b);
/* The Reference Tag of the i-th block. */
uint64_t pi_ref_at(const struct pi_bench *b, uint32_t i);
uint8_t *pi_meta(struct pi_bench *b, uint32_t i);
uint8_t *pi_data(struct pi_bench *b, uint32_t i);
/* Where in the metadata of the i-th block the protection information begins. */
uint8_t *pi_info(struct pi_bench *b, uint32_t i);

/* A command on all blocks of the bench, with the tags that pi_fill() puts there. */
struct pi_io pi_io(const struct pi_bench *b, uint8_t opcode, unsigned prinfo);
struct cpl pi_run(struct pi_bench *b, struct pi_io io);
/* The same as a command that is not yet sent, with memory of its own, to change and to send: what a
 * Read brings is not taken into the bench. Separate metadata are those of the last one made. */
struct cmd pi_command(struct pi_bench *b, struct pi_io io);
/* The same on one block: its own Reference Tag. */
struct pi_io pi_io_one(const struct pi_bench *b, uint8_t opcode, unsigned prinfo, uint32_t i);
/* Does PRACT take away all the metadata there are? */
bool pi_bench_strips(const struct pi_bench *b, unsigned prinfo);
/* Writes data and metadata as they stand, unchecked; BROKEN when that fails. Reads all, unchecked,
 * into data and metadata: a failed check when that fails. */
void pi_store(struct pi_bench *b);
bool pi_load(struct pi_bench *b);

/* What is stored is valid for the data and the tags of the bench: checks, block by block. */
void pi_check_valid(struct pi_bench *b);
/* Metadata that are no protection information are those of `want`. */
void pi_check_passed(struct pi_bench *b, const uint8_t *want);
/* Copies that last. */
uint8_t *pi_copy_data(const struct pi_bench *b);
uint8_t *pi_copy_meta(const struct pi_bench *b);
/* One check of the command's status; `what` says what it was asked of. */
void pi_expect(struct pi_bench *b, const char *what, struct pi_io io, uint16_t status);

/* "NSID 5, 512+16 bytes, Type 2: " and then the printf text, in the bench's own buffer. */
__attribute__((format(printf, 2, 3))) const char *pi_says(struct pi_bench *b, const char *fmt, ...);

/* The question does not arise in this namespace: a note says why; in none of them: N/A. */
__attribute__((format(printf, 2, 3))) void pi_skip(struct pi_bench *b, const char *fmt, ...);

/* ---- which namespaces ---- */

bool pi_fits_separate(const struct facts_ns *ns);
bool pi_fits_extended(const struct facts_ns *ns);
bool pi_fits_protected(const struct facts_ns *ns);
bool pi_fits_protected_extended(const struct facts_ns *ns);
bool pi_fits_unprotected(const struct facts_ns *ns);
bool pi_fits_ref(const struct facts_ns *ns); /* Type 1 or 2, with a Reference Tag */
bool pi_fits_storage(const struct facts_ns *ns);

/* A row that asks its question of every namespace that fits. */
struct pi_row {
	const char *name;
	bool (*fits)(const struct facts_ns *ns);
	void (*ask)(struct pi_bench *b);
	uint8_t opcode; /* of a command that it takes, 0: none but Read and Write */
};

/* pi_copy.c: rows of other-commands. */
void pi_copy_passes(struct pi_bench *b);
void pi_copy_makes(struct pi_bench *b);
void pi_copy_checks_source(struct pi_bench *b);
void pi_copy_checks_target(struct pi_bench *b);
void pi_copy_mixed(struct pi_bench *b);
void pi_copy_format(struct pi_bench *b);

bool pi_has_command(struct rig *r, uint8_t opcode);
/* Body of a case with such rows. N/A when no namespace fits. */
void pi_run_row(struct rig *r);

/* .na: no namespace has metadata; none has protection information. */
const char *pi_na_metadata(const struct facts *f);
const char *pi_na_protected(const struct facts *f);

#endif
