/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The commands as data: what each opcode is called, which bits of its SQE mean what, how many bytes
 * it moves, and what sending it may cost. Names, decoder, traces and scripts are all made of these
 * tables, so that a fact about a command stands in one place.
 *
 * Source: Base 2.0 Admin Command Set and I/O Commands; NVM CS 1.0 I/O Command Set commands; Zoned
 * Namespace CS 1.1 I/O Commands.
 */
#ifndef SPEC_COMMAND_H
#define SPEC_COMMAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "spec/claim.h"

/* One legal value of a field, or a run of them. */
struct spec_value {
	uint64_t from, to;
	const char *name; /* NULL ends a list */
	uint32_t since; /* VS that has it first; 0: all have. Before: reserved, or ahead of its time
			 */
	enum spec_claim claim; /* what offers it */
	/* Without the claim it is an unsupported value, which is refused; else it may be there all
	 * the same. */
	bool strict;
	bool open; /* the vendor's, or decided by what the tables do not have */
};

/* What a value gets that is none of the legal ones. */
enum spec_wrong {
	WRONG_FAILS,   /* an error; its code should be Invalid Field in Command */
	WRONG_CODE,    /* an error of a code that the text names */
	WRONG_MAYBE,   /* such an error, or nothing: a "should", or the text names no check */
	WRONG_IGNORED, /* reserved bits: need not be checked */
};

/* Bits low..low + width - 1 of the SQE's dword; a field may reach into the dword after. */
struct spec_field {
	const char *name; /* the specification's short one: "CNS" */
	uint8_t dword;	  /* 0..15 */
	uint8_t low;	  /* 0..31 */
	uint8_t width;	  /* 1..64 */
	enum spec_wrong wrong;
	/* Rows that begin with a struct spec_value, value_size bytes each; NULL: any value may be
	 * legal, as far as the field alone tells. */
	const struct spec_value *values;
	size_t value_size;
	uint16_t status[3]; /* of WRONG_CODE and WRONG_MAYBE; 0 ends it */
	const char *ref;    /* where the values and the error are said */
};

/* What an NSID has to be. */
enum spec_nsid {
	NSID_UNUSED,	 /* 0h */
	NSID_ONE,	 /* an active namespace */
	NSID_ONE_OR_ALL, /* that, or FFFFFFFFh */
	NSID_BY_FIELD,	 /* another field decides: CNS, LID, FID */
	NSID_OPEN,	 /* decided by what the tables do not have */
};

/* How the number of bytes that move is told by the SQE. */
enum spec_len {
	LEN_NONE,     /* no data */
	LEN_FIXED,    /* len_of bytes */
	LEN_DWORDS_Z, /* 0's based dwords in the field len_field (one or two dwords long) */
	LEN_BYTES,    /* bytes in len_field */
	LEN_BLOCKS,   /* 0's based logical blocks in NLB: needs the format's block size */
	LEN_RANGES,   /* 0's based entries in NR, len_of bytes each */
	LEN_FEATURE,  /* by the Feature Identifier */
	LEN_DEPENDS,  /* on what the tables do not have: an action, a message */
};

/* What sending it again, by another program, may cost. */
enum spec_cost {
	COST_NONE,
	COST_DATA,   /* user data or whole namespaces are changed or gone */
	COST_WEAR,   /* the drive itself is changed: firmware, media, capacity */
	COST_ACCESS, /* who may reach the drive is changed: reservations, security, lockdown */
	COST_UNKNOWN /* no table says what it does */
};

struct spec_command {
	uint8_t opcode;
	const char *name;
	enum spec_cost cost;
	enum spec_len len;
	uint16_t len_of;
	const char *len_field;
	const struct spec_field *fields; /* ends with name NULL; NULL: none of its own */
	uint32_t since;			 /* VS that has it first; 0: all have */
	enum spec_claim claim,
		or_claim; /* what offers it: either of them; CLAIM_NONE: always there */
	enum spec_nsid nsid;
	uint8_t csi; /* I/O commands: 0 of the NVM set and those that build on it, 2 zoned alone */
	/* Errors that are its own, whatever its fields say: by state, data or media. 0 ends it. */
	uint16_t ends[8];
	const char *ref;
};

/* Of the Admin Command Set, or of the I/O command sets together; NULL: not in the tables. */
const struct spec_command *spec_command(bool admin, uint8_t opcode);

/*
 * Is it a command that whoever keeps the queues sends on its own account, and nobody beside it? dw10:
 * of Set Features, whose FID tells. (Linux drivers/nvme/host: queues, events, keep alive, shadow
 * doorbells, host memory, connections.)
 */
bool spec_is_hosts(bool admin, uint8_t opcode, uint32_t dw10);

/* Does the controller offer it? By claims and version; an I/O command: to some command set. */
bool spec_offers(const struct spec_ctrl *c, const struct spec_command *command);

/* The field of that name, NULL: it has none. */
const struct spec_field *spec_field_of(const struct spec_command *c, const char *name);
void spec_field_put(const struct spec_field *f, struct sqe *e, uint64_t value);

/* The i-th row of a field's values, NULL past the last (or where there are none). */
const struct spec_value *spec_value_nth(const struct spec_field *f, size_t i);

/* What the values' table says of one value. */
enum spec_say {
	SAY_LEGAL,	 /* it is offered */
	SAY_UNSUPPORTED, /* known, and a strict claim is missing */
	SAY_RESERVED,	 /* in no row */
	SAY_OPEN	 /* the vendor's, optional and not claimed, of a later version */
};
enum spec_say spec_field_say(const struct spec_ctrl *c, const struct spec_field *f, uint64_t value,
			     const struct spec_value **ret_row);

/* The i-th of a table, NULL past the last. */
const struct spec_command *spec_command_nth(bool admin, size_t i);

/* FUSE, PSDT, NSID, MPTR, PRP1, PRP2, CDW2, CDW3: what every SQE has; ends with name NULL. */
extern const struct spec_field spec_common[];

uint64_t spec_field_get(const struct spec_field *f, const struct sqe *e);
static inline uint64_t spec_field_max(const struct spec_field *f)
{
	return f->width < 64 ? (1ull << f->width) - 1 : ~0ull;
}

/*
 * Calls fn for every field that is not zero: the common ones, the command's own, and what is left
 * of dwords 10 to 15 that no field covers, as CDW10 .. CDW15 (of an unknown command: all of them).
 */
void spec_decode(bool admin, const struct sqe *e,
		 void (*fn)(void *ctx, const char *name, uint64_t value), void *ctx);

/* Which way data move, by bits 1:0 of the opcode (Base 2.0 Common Command Format). */
bool spec_host_to_device(uint8_t opcode);
bool spec_device_to_host(uint8_t opcode);

/* Bytes that the SQE asks to move, block_bytes being the format's (0: not known); -1: unknown. */
int64_t spec_data_bytes(bool admin, const struct sqe *e, uint32_t block_bytes);

#endif
