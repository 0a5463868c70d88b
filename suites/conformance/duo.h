/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Both controllers of a subsystem and a namespace that they share, which may be written. Index 0 is
 * the controller under test, 1 its peer. Everything lives as long as the case.
 */
#ifndef CONFORMANCE_DUO_H
#define CONFORMANCE_DUO_H

#include "kit/kit.h"

struct duo {
	struct rig *r;
	const struct facts_ns *ns;
	struct ctrl *c[2]; /* enabled */
	struct sq *q[2];   /* an I/O queue of each */
};

/* For `.na`: the controller is alone, or shares no namespace that a case may write. */
const char *duo_na(const struct facts *f);
/* For `.na`: the controller is alone. */
const char *duo_na_alone(const struct facts *f);

/* The namespace that both have and a case may write; NULL: there is none. */
const struct facts_ns *duo_ns(const struct facts *f);
struct duo *duo_new(struct rig *r);
/* Queues again after a reset of one or both. */
void duo_again(struct duo *d);

/* Writes a fresh stamp on these blocks through one of the two; returns its tag. */
uint64_t duo_write(struct duo *d, unsigned by, uint64_t lba, uint32_t blocks);
/* Reads them through one of the two and checks the stamp. */
void duo_check(struct duo *d, unsigned by, uint64_t lba, uint32_t blocks, uint64_t tag);

#endif
