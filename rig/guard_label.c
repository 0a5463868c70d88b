// SPDX-License-Identifier: GPL-2.0-or-later
#include "rig/guard_label.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

bool label_goes_on(const struct guard_node *n)
{
	unsigned card, number;

	return n->disk && sscanf(n->name, "mmcblk%uboot%u", &card, &number) != 2;
}

void label_make(const char *serial, char ret[LABEL_BYTES])
{
	memset(ret, 0, LABEL_BYTES);
	snprintf(ret, LABEL_BYTES,
		 "nvrig label 1\nserial %.63s\nWhat is on this drive belongs to a test rig and may "
		 "be "
		 "overwritten at any time.\n",
		 serial);
}

bool label_found(int fd, const char *serial)
{
	char want[LABEL_BYTES], is[LABEL_BYTES];

	label_make(serial, want);
	return *serial && pread(fd, is, sizeof(is), 0) == (ssize_t)sizeof(is) &&
	       !memcmp(is, want, sizeof(is));
}
