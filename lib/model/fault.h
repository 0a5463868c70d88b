/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the model can be told to do wrong. One table: name, where it strikes, one sentence. The
 * model asks FAULT(m, NAME) at few well-named points; the correct code stays clear of them.
 */
#ifndef MODEL_FAULT_H
#define MODEL_FAULT_H

#include <stdbool.h>
#include <stddef.h>

/* X(constant, "name", where, "sentence") ; where: reg, config, fetch, data, cqe, irq, reset,
 * identify, log, feature, queue, media, event,
 * firmware, selftest, virtual, directive, security, mi, lba status; robust when it is aimed at the rig
 * and no case names
 * it. Kept in fault.def, sorted by area. */
enum fault_id {
#define X(constant, name, where, sentence) FAULT_##constant,
#include "model/fault.def"
#undef X
	FAULT_COUNT
};

struct fault {
	const char *name;
	const char *where;
	const char *sentence;
};

extern const struct fault fault_all[FAULT_COUNT];

/* Index by name, -1: none of that name. */
int fault_find(const char *name);

#endif
