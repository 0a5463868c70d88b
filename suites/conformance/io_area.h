/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the I/O cases stand on: runs of logical blocks with known content, and any command on a
 * range of blocks by its opcode. Everything lives as long as the case.
 */
#ifndef CONFORMANCE_IO_AREA_H
#define CONFORMANCE_IO_AREA_H

#include "kit/kit.h"

/* Blocks that hold what was stamped there last. */
struct area {
	struct rig *r;
	const struct facts_ns *ns;
	struct sq *q;
	uint64_t lba;
	uint32_t blocks;
	uint64_t tag;
	uint8_t *data; /* as large as the area */
};

/* An area whose blocks are stamped now. The namespace must be large enough. */
struct area *area_new(struct rig *r, const struct facts_ns *ns, uint64_t lba, uint32_t blocks);
/* Stamps all of it anew. */
void area_stamp(struct area *a);
/* Reads all of it into data; a Read that fails is a failed check. */
void area_read(struct area *a);
/* Reads it, and checks that its blocks are as stamped; in [from, to), counted from the area's
 * beginning, a difference is advice. */
void area_check(struct area *a, uint32_t from, uint32_t to);

/* Blocks of one command that do not exceed MDTS and a megabyte, eight at soak; at least 1. */
uint32_t io_chunk(struct rig *r, const struct facts_ns *ns);
/* What one Verify may cover: VSL in blocks of the namespace; 0: no limit. */
uint64_t io_verify_limit(struct rig *r, const struct facts_ns *ns);
/* Blocks of a Write that a failure leaves as they were: AWUPF, or NAWUPF where it is given. */
uint32_t io_atomic(struct rig *r, const struct facts_ns *ns);

/* A command of the NVM command set on a range of blocks. */
struct io_op {
	const char *name;
	uint8_t opcode;
	uint16_t oncs; /* the bit of ONCS that claims it; 0: mandatory */
	bool writes;   /* it would change the blocks */
	bool advisory; /* Dataset Management: may succeed without effect */
	bool source;   /* Copy: the range is the source, not the destination */
};

/* Every one of them, for ROWS; Copy is there twice. */
#define IO_OPS 9
extern const struct io_op io_ops[IO_OPS];

bool io_supported(struct rig *r, const struct io_op *op);
/* For .row_na, where the rows are io_ops: the controller does not claim the command. */
const char *io_row_na(const struct facts *f, const void *row);
/* Leaves as N/A when the controller does not claim the command. */
void io_need(struct rig *r, const struct io_op *op);
/* The command on `blocks` blocks of ns from slba on; what it writes is a fresh stamp. */
struct cmd io_cmd(struct rig *r, const struct io_op *op, const struct facts_ns *ns, uint64_t slba,
		  uint32_t blocks);

struct io_probe {
	uint64_t slba;
	uint32_t blocks;
};

/* Beyond this many blocks in one command another error may apply: MDTS, VSL, MSSRL, MCL. */
uint32_t io_most_blocks(const struct area *a, const struct io_op *op);

/* The command on a range of which some or all lies past the end of the namespace: its status. Not
 * asked when the range is too long for the command anyway. */
void io_ask_beyond(struct area *guard, const struct io_op *op, struct io_probe p);
/* After that, what of the namespace the guard covers is as it was. */
void io_check_guard(struct area *guard, const struct io_op *op, struct io_probe p);
/* The same command on the last block of the namespace works; the guard is stamped anew. */
void io_ask_last(struct area *guard, const struct io_op *op);

/* The volatile write cache is off from here on, and as before at the end; N/A: there is none, or it
 * cannot be switched. */
void area_cache_off(struct rig *r);

#endif
