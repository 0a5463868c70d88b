/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What Identify can be asked for, as data. Source: Base 2.0 Identify command; NVM CS 1.0 Identify
 * command; Base 2.1 Identify command overview.
 */
#ifndef SPEC_CNS_H
#define SPEC_CNS_H

#include "spec/command.h"

/* What the structure makes of an NSID. */
enum spec_cns_nsid {
	CNS_NSID_UNUSED,
	CNS_NSID_NS,	/* any valid one; what is not active gives zeroes; FFFFFFFFh: common data */
	CNS_NSID_FROM,	/* the list begins above it; FFFFFFFEh and FFFFFFFFh are refused */
	CNS_NSID_ACTIVE /* an active one */
};

struct spec_cns {
	struct spec_value value; /* first: these rows are the values of CNS */
	enum spec_cns_nsid nsid;
	bool csi;	/* CSI is used */
	bool cntid;	/* CNTID is used */
	bool mandatory; /* of an I/O controller of value.since, with value.claim */
	const char *ref;
};

extern const struct spec_cns spec_cns_all[]; /* ends with value.name NULL */

const struct spec_cns *spec_cns(uint8_t cns); /* NULL: not in the table */

#endif
