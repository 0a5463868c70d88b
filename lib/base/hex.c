// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/hex.h"

#include <errno.h>

void hex_from(const void *data, size_t n, char *to)
{
	static const char digits[] = "0123456789abcdef";
	const uint8_t *p = data;

	for (size_t i = 0; i < n; i++) {
		*to++ = digits[p[i] >> 4];
		*to++ = digits[p[i] & 15];
	}
	*to = 0;
}

static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

int64_t hex_to(const char *hex, void *to)
{
	uint8_t *p = to;
	int64_t n = 0;

	for (; *hex; hex += 2, n++) {
		int high = digit(hex[0]), low = high < 0 ? -1 : digit(hex[1]);

		if (low < 0)
			return -EINVAL;
		p[n] = (uint8_t)(high << 4 | low);
	}
	return n;
}
