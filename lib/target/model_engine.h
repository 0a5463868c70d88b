/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What stands between the model's block node and its disk: an engine, which passes on what it is
 * asked. Where it fails to, the two ends of the stack differ: faults of the family cross-*. The
 * node at the back has one that passes everything on.
 */
#ifndef TARGET_MODEL_ENGINE_H
#define TARGET_MODEL_ENGINE_H

#include "target/model_disk.h"

struct engine {
	struct disk *d;
	bool back;	   /* no engine at all */
	bool died;	   /* by fault: the store failed once */
	struct bits holes; /* by fault: what it zeroed or discarded and told nobody below */
};

/* 0 or -ENOMEM; close copes with what is half built. */
int engine_open(struct engine *e, struct disk *d, bool back);
void engine_close(struct engine *e);

uint64_t engine_bytes(const struct engine *e);
int engine_read(struct engine *e, uint64_t at, void *to, uint64_t len);
int engine_write(struct engine *e, uint64_t at, const void *data, uint64_t len, unsigned how);
int engine_zero(struct engine *e, uint64_t at, uint64_t len);
void engine_discard(struct engine *e, uint64_t at, uint64_t len);

#endif
