/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The log of this machine's kernel, record by record (Documentation/ABI/testing/dev-kmsg): what it
 * says while a case runs stands with the case. Processes write there, too; theirs are left out.
 */
#ifndef RIG_KMSG_H
#define RIG_KMSG_H

#include <stdint.h>

#include "stack/console.h"

#define KMSG_TEXT 400 /* bytes of a record's text that are kept */

struct kmsg {
	int fd;	      /* -1: not open */
	char own[32]; /* "nvme0": lines of the NVMe driver about another controller are plain */
};

/* "" when it can be read; else why not, and then there is nothing to be heard. */
const char *kmsg_open(struct kmsg *k);
/* The same for a descriptor that gives a record a read and does not block; it is taken over. */
void kmsg_on(struct kmsg *k, int fd);
void kmsg_close(struct kmsg *k);

/* Whose lines count: the controller named first in `behind` (target_caps), if one is. */
void kmsg_own(struct kmsg *k, const char *behind);

/* What was said until now is not heard any more. */
void kmsg_skip(struct kmsg *k);

/*
 * Calls fn for each record since the last call, with `lost` above 0 (and line "") where some are
 * lost: overwritten, or beyond the KMSG_MOST that are read in one call, whoever goes on writing.
 */
#define KMSG_MOST 4096u
typedef void kmsg_fn(void *ctx, enum console_kind kind, const char *line, unsigned lost);
void kmsg_read(struct kmsg *k, kmsg_fn *fn, void *ctx);

#endif
