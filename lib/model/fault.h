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
 * firmware, selftest, virtual, directive, security, mi, lba status, serve, node, emmc, tcp; robust when it is aimed
 * at the rig and no case names it. Kept in fault.def, sorted by area. */
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

/*
 * Where set, FAULT_COUNT bytes of the caller's: the model sets those of the faults that it was
 * asked about. A run that never asked about a fault goes the same way with it and without it, so
 * the asking stands last in its condition. One set a process.
 */
extern unsigned char *fault_asked;

static inline bool fault_is_on(const bool *on, unsigned fault)
{
	if (fault_asked)
		fault_asked[fault] = 1;
	return on[fault];
}

/* The same of a fault that was looked up before: `on` is what was found. */
static inline bool fault_counts(bool on, unsigned fault)
{
	if (fault_asked)
		fault_asked[fault] = 1;
	return on;
}

/* Index by name, -1: none of that name. */
int fault_find(const char *name);

#endif
