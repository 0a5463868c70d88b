/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Compressed bytes by the machine's own programs (xz, gzip, zstd, lz4), known by their magic. */
#ifndef IMAGE_UNPACK_H
#define IMAGE_UNPACK_H

#include "base/bytes.h"

/* The program for these bytes, NULL: none that is known. */
const char *unpack_program(const struct bytes *b);

/*
 * What b holds, unpacked, at most max bytes; freed by the caller. -ENOENT with the sentence in
 * error (512 bytes) when the program is not installed, -EPROTO when the bytes are none it knows.
 */
int unpack(const struct bytes *b, size_t max, struct bytes *ret, char *error);

#endif
