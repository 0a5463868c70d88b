/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Asynchronous events as data: how each is told, what enables it, who claims it, and which log page
 * clears it.
 *
 * Source: Base 2.0 and 2.1 Asynchronous Event Request command (Error Status, SMART / Health Status,
 * Notice, I/O Command Specific Status); Base 2.1 Asynchronous Event Configuration (Feature
 * Identifier 0Bh); ZNS CS 1.1 Zone Descriptor Changed.
 */
#ifndef SPEC_EVENT_H
#define SPEC_EVENT_H

#include <stdbool.h>
#include <stdint.h>

enum spec_event_type {
	EVENT_OF_ERROR = 0,
	EVENT_OF_SMART = 1,
	EVENT_OF_NOTICE = 2,
	EVENT_OF_IO = 6, /* I/O Command Specific Status */
};

#define EVENT_ALWAYS (-1) /* no bit of Asynchronous Event Configuration masks it */

struct spec_event {
	const char *id;	  /* for case ids: "temperature"; NULL ends the list */
	const char *name; /* as the specification calls it */
	enum spec_event_type type;
	uint8_t info;
	uint8_t lid;   /* read with RAE 0 it clears the event */
	int8_t config; /* bit of Asynchronous Event Configuration that enables it, or EVENT_ALWAYS
			*/
	int8_t oaes;   /* bit of OAES that claims it; -1: nothing does */
	uint8_t mask;  /* the feature that masks it instead, by namespace; 0: none */
	const char *ref;
};

extern const struct spec_event spec_events[];

const struct spec_event *spec_event(enum spec_event_type type, uint8_t info); /* NULL: none */

/* Dword 0 of the completion that tells of it; bits that are reserved are 0. */
static inline uint32_t spec_event_dw0(const struct spec_event *e)
{
	return (uint32_t)e->type | (uint32_t)e->info << 8 | (uint32_t)e->lid << 16;
}
#define EVENT_DW0_MASK 0x00ffff07u

#endif
