/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reservations as data: which commands a reservation keeps from whom.
 *
 * Source: Base 2.1 Reservations, Command Behavior in the Presence of a Reservation; NVM CS 1.0
 * Reservations; ZNS CS 1.1 Reservations.
 */
#ifndef SPEC_RESV_H
#define SPEC_RESV_H

#include <stdbool.h>
#include <stdint.h>

/* As the Reservation Type field has them. */
enum spec_resv_type {
	SPEC_RESV_WE = 1, /* Write Exclusive */
	SPEC_RESV_EA,	  /* Exclusive Access */
	SPEC_RESV_WERO,	  /* - Registrants Only */
	SPEC_RESV_EARO,
	SPEC_RESV_WEAR, /* - All Registrants: each of them is a holder */
	SPEC_RESV_EAAR,
	SPEC_RESV_TYPES
};

enum spec_resv_role { RESV_OUTSIDER, RESV_REGISTRANT, RESV_HOLDER, RESV_ROLES };

enum spec_resv_group {
	RESV_GROUP_READ,
	RESV_GROUP_WRITE,
	RESV_GROUP_COPY,    /* its destination; a source is as of a read */
	RESV_GROUP_ACQUIRE, /* of another type than the one that is held: the holder's as well */
	RESV_GROUP_CHANGE,  /* Preempt, Preempt and Abort, Release, Clear */
	RESV_GROUP_OTHER
};

#define RESV_ANY_ACTION (-1)

/* A command that is not in the list is of RESV_GROUP_OTHER; a vendor's is the vendor's business. */
struct spec_resv_command {
	const char *id; /* for case ids: "write"; NULL ends the list */
	bool admin;
	uint8_t opcode;
	int8_t action; /* Dword 10 bits 2:0 of Reservation Acquire; RESV_ANY_ACTION */
	enum spec_resv_group group;
	const char *ref;
};

extern const struct spec_resv_command spec_resv_commands[];

/* Does the reservation let that role's command be? Otherwise it ends in Reservation Conflict. */
bool spec_resv_allows(enum spec_resv_group group, enum spec_resv_type type,
		      enum spec_resv_role role);
const char *spec_resv_type_name(enum spec_resv_type type); /* "Write Exclusive" */
const char *spec_resv_role_name(enum spec_resv_role role); /* "outsider" */

#endif
