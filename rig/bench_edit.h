/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The bench file with a drive more or less: all else in it, comments too, stays as it is. The new
 * file is read as any is before it takes the old one's place, so that what cannot be read is never
 * written.
 */
#ifndef RIG_BENCH_EDIT_H
#define RIG_BENCH_EDIT_H

#include <stdio.h>

#include "rig/bench_file.h"

/* The section as it is written. */
void bench_edit_print(FILE *out, const struct bench_drive *d);

/* 0, or -errno with the sentence (BENCH_FILE_ERROR bytes). */
int bench_edit_add(const char *path, const struct bench_drive *d, char *error);
int bench_edit_remove(const char *path, const char *alias, char *error);

#endif
