/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BASE_HEX_H
#define BASE_HEX_H

#include <stddef.h>
#include <stdint.h>

/* Two lower-case digits a byte; to has 2 * n + 1 bytes. */
void hex_from(const void *data, size_t n, char *to);

/* The bytes of a text of digits; to has strlen(hex) / 2 bytes. Their number, or -EINVAL. */
int64_t hex_to(const char *hex, void *to);

#endif
