/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The bench file: which drives of this machine may be changed, by whom it was said and how far. It
 * is /etc/nvrig/bench.conf or what $NVRIG_BENCH names, and counts only while it and the directories
 * it is in belong to root and nobody else may write them.
 */
#ifndef RIG_BENCH_FILE_H
#define RIG_BENCH_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "case/case.h"

#define BENCH_FILE	 "/etc/nvrig/bench.conf"
#define BENCH_FILE_ERROR 512

struct bench_drive {
	char alias[64];
	char serial[64], model[64]; /* serial: a pattern only of what is emulated */
	enum rig_harm may;
	char until[11], owner[64]; /* until: the last day; "": for good */
	uint64_t wear_bytes;	   /* that may be written in all; 0: no budget was said */
	bool mine;		   /* contents = mine: what is on it is the rig's */
	bool emulated;
	unsigned hot;	     /* degrees Celsius from which on no run begins; 0: the drive's own */
	unsigned link_width; /* lanes that the link must have; 0: any */
	int from_hour, to_hour; /* of unattended runs, local time; -1: any */
};

struct bench_file {
	const char *path; /* as it was asked for */
	struct bench_drive *drive;
	size_t n;
};

/* $NVRIG_BENCH, or BENCH_FILE. */
const char *bench_file_path(void);

/*
 * Reads it. 0, also where there is none (n is 0); -EPERM: somebody else may write it; -EINVAL: it
 * is wrong, and error says file, line and what. Freed with bench_file_free.
 */
int bench_file_load(const char *path, struct bench_file *ret, char *error);
void bench_file_free(struct bench_file *f);

/* The drive of that serial and model; or of that alias. NULL: none. */
const struct bench_drive *bench_file_find(const struct bench_file *f, const char *serial,
					  const char *model);
const struct bench_drive *bench_file_alias(const struct bench_file *f, const char *alias);

/* Does that word hold a wildcard of shell patterns? */
bool bench_file_is_pattern(const char *s);

#endif
