/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How much was written to a drive since it has a budget, by its own counter (Data Units Written).
 * Where the count began stands in a file a drive, /var/lib/nvrig/wear/SERIAL, which is made at the
 * first look.
 */
#ifndef RIG_WEAR_H
#define RIG_WEAR_H

#include <stdint.h>

#include "rig/guard_drive.h"

#define WEAR_ERROR 320
#define WEAR_DIR   "/var/lib/nvrig/wear"

/* 0 with the bytes; or -errno with the sentence. */
int wear_used(const struct guard_drive *d, uint64_t *ret_bytes, char *error);
/* By how much the counter stands at now; the same errors. */
int wear_counter(const struct guard_drive *d, uint64_t *ret_bytes, char *error);

/* The serial as a file's name: bytes that have no place in one are _. */
void wear_file_name(const char *serial, char *ret, size_t size);

#endif
