/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The page cache over the model's engine and disk, a sector at a time. Ranges as those of the disk.
 */
#ifndef TARGET_MODEL_PAGES_H
#define TARGET_MODEL_PAGES_H

#include "target/model_engine.h"

struct pages {
	struct engine *e;
	uint8_t *data;
	struct bits held, dirty;
	unsigned errors; /* how often writing back failed: each who has it open is told once */
};

/* 0 or -ENOMEM; close copes with what is half built. */
int pages_open(struct pages *p, struct engine *e);
void pages_close(struct pages *p);

int pages_read(struct pages *p, uint64_t at, void *to, uint64_t len);
void pages_write(struct pages *p, uint64_t at, const void *from, uint64_t len);
/* What is dirty goes to the disk. What the disk does not take is given up, and counted. */
void pages_write_back(struct pages *p, uint64_t at, uint64_t len);
/* They are forgotten, written or not. */
void pages_forget(struct pages *p, uint64_t at, uint64_t len);

#endif
