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

#include "spec/wire.h"

/* Bits low..low + width - 1 of the SQE's dword; a field may reach into the dword after. */
struct spec_field {
	const char *name; /* the specification's short one: "CNS" */
	uint8_t dword;	  /* 0..15 */
	uint8_t low;	  /* 0..31 */
	uint8_t width;	  /* 1..64 */
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
};

/* Of the Admin Command Set, or of the I/O command sets together; NULL: not in the tables. */
const struct spec_command *spec_command(bool admin, uint8_t opcode);

/* The i-th of a table, NULL past the last. */
const struct spec_command *spec_command_nth(bool admin, size_t i);

/* FUSE, PSDT, NSID, MPTR, PRP1, PRP2, CDW2, CDW3: what every SQE has; ends with name NULL. */
extern const struct spec_field spec_common[];

uint64_t spec_field_get(const struct spec_field *f, const struct sqe *e);

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
