/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Features as data: what each Feature Identifier is, what its dwords say, whose it is, and what a
 * reset makes of it. Logs stand in spec/log.h in the same way, Identify's structures in spec/cns.h.
 *
 * Source: Base 2.0 Feature Identifiers, Feature Values, Feature Support Requirements; NVM CS 1.0
 * Feature Identifiers.
 */
#ifndef SPEC_FEATURE_H
#define SPEC_FEATURE_H

#include "spec/command.h"

enum spec_scope { SCOPE_CONTROLLER, SCOPE_NAMESPACE, SCOPE_OTHER /* a set, a group, a domain */ };

/* The current value after a Controller Level Reset, when nothing was saved. */
enum spec_after {
	AFTER_DEFAULT, /* the default value (or the saved one) */
	AFTER_KEPT,    /* it persists across resets and power cycles */
	AFTER_OPEN,    /* the text has rules of its own, or none */
};

struct spec_feature {
	struct spec_value value; /* first: these rows are the values of FID */
	const char *id;		 /* for case ids: "arbitration" */
	bool mandatory;		 /* of an I/O controller */
	bool pcie;		 /* and only on PCIe: on fabrics there is none (Base 2.2 Feature
				  * Support Requirements) */
	enum spec_scope scope;
	enum spec_after after;
	bool settable; /* a current value can be set without more than the dword and no harm */
	uint32_t flip; /* bits of Dword 11 that make another legal value of it */
	uint16_t set_bytes, get_bytes; /* of its data structure; 0: none */
	const struct spec_field
		*fields; /* of Dwords 11 to 15, Set Features; NULL: not in the table */
	const char *ref;
};

extern const struct spec_feature spec_features[]; /* ends with value.name NULL */

const struct spec_feature *spec_feature(uint8_t fid); /* NULL: not in the table */
/* Must the controller have it? */
static inline bool spec_feature_is_must(const struct spec_feature *f, const struct spec_ctrl *c)
{
	return f->mandatory && (c->pcie || !f->pcie);
}
/* Bits of Dword 11 that no field covers: they mean nothing. */
uint32_t spec_feature_reserved(const struct spec_feature *f);

#endif
