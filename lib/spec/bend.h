/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How a controller may get one fact of the tables wrong: one field check, one limit, one width, one
 * piece of state. bend.def lists them; the model turns each into a fault of that name, and a case
 * derived from the same fact names it. Nothing here is wrong behaviour: it is a list.
 */
#ifndef SPEC_BEND_H
#define SPEC_BEND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum bend_how {
	BEND_ACCEPTED,	  /* a value that is none of the table's counts as the first legal one */
	BEND_REFUSED,	  /* a legal value (bits) is refused as if it were reserved */
	BEND_LOW,	  /* only the low `bits` bits of the field are looked at */
	BEND_IGNORED,	  /* the field reads as 0 */
	BEND_ZERO_AS_ONE, /* NSID 0h is namespace 1 */
	BEND_PAST_AS_ONE, /* an NSID past NN is namespace 1 */
	BEND_ALL_AS_ONE,  /* NSID FFFFFFFFh is namespace 1 */
	BEND_INACTIVE_AS_ONE, /* an NSID that is not active is namespace 1 */
	BEND_PAST_END,	      /* a range or offset that ends one unit past the end is let through */
	BEND_PAST_END_METADATA, /* the same, where blocks have metadata, and there alone */
	BEND_PAST_END_ZONED,	/* the same, where the namespace is a zoned one */
	BEND_UNKNOWN,		/* the command is not there though it is claimed */
	BEND_CUT,		/* a feature's field loses its highest bit when it is set */
	BEND_SURVIVES,		/* a feature's value, or a piece of state, outlives a reset */
	BEND_FORGOTTEN,		/* a feature's value that is kept is gone after a reset */
};

#define BEND_ANY (-1)

struct spec_bend {
	const char *fault; /* NULL ends the list */
	bool admin;
	uint8_t opcode;
	int when; /* bits 7:0 of Dword 10: a CNS, LID or FID; BEND_ANY */
	const char *field;
	enum bend_how how;
	unsigned bits;
};

extern const struct spec_bend spec_bends[];

#endif
