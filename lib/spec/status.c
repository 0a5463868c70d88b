// SPDX-License-Identifier: GPL-2.0-or-later
#include "spec/status.h"

#include <stdio.h>

#include "base/cleanup.h"

static const struct {
	uint16_t code;
	const char *name;
} codes[] = {
#define STATUS_ROW(value, constant, name) { value, name },
	STATUS_CODES(STATUS_ROW)
#undef STATUS_ROW
};

static const char *find(uint16_t status)
{
	for (size_t i = 0; i < ARRAY_SIZE(codes); i++)
		if (codes[i].code == status)
			return codes[i].name;
	return NULL;
}

static int is_vendor(uint16_t status)
{
	return (status >> 8) == 7 || (status & 0xff) >= 0xc0;
}

const char *status_name(uint16_t status)
{
	const char *name = find(status);

	if (name)
		return name;
	return is_vendor(status) ? "Vendor Specific" : "Reserved";
}

const char *status_text(uint16_t status, char buf[STATUS_TEXT])
{
	snprintf(buf, STATUS_TEXT, "%03Xh %s", status, status_name(status));
	return buf;
}

int status_is_legal(uint16_t status)
{
	return status <= 0x7ff && (find(status) || is_vendor(status));
}
