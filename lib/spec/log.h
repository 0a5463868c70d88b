/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Log pages as data. Source: Base 2.0 Get Log Page command, Log Page Identifiers, Log Page Support
 * Requirements; ZNS CS 1.1 Log Page Identifiers.
 */
#ifndef SPEC_LOG_H
#define SPEC_LOG_H

#include "spec/command.h"

struct spec_log {
	struct spec_value value; /* first: these rows are the values of LID */
	const char *id;		 /* for case ids: "smart" */
	bool mandatory;		 /* of an I/O controller of value.since, with value.claim */
	uint32_t bytes;		 /* of the whole page; 0: by the controller */
	bool of_ns;		 /* may be asked of a namespace (SMART: by LPA bit 0) */
	bool indexed;		 /* OT may be 1: the offset is an index */
	bool by_lsi;		 /* LSI says of what: a group, a set, a domain */
	bool by_lsp;		 /* LSP means something */
	uint32_t unit;		 /* offset and length are multiples of it; 4: dwords */
	const char *ref;
};

extern const struct spec_log spec_logs[]; /* ends with value.name NULL */

const struct spec_log *spec_log(uint8_t lid); /* NULL: not in the table */

#endif
