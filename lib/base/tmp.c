// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/tmp.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PLACE "/tmp"
#define PLAIN "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-"

static const char *place(void)
{
	const char *tmp = getenv("TMPDIR");

	return tmp && *tmp ? tmp : PLACE;
}

static int make(const char *in, const char *what, char *ret, size_t size)
{
	int n = snprintf(ret, size, "%s/nvrig-%s-XXXXXX", in, what);
	int err = n < 0 || (size_t)n >= size ? -ENAMETOOLONG : mkdtemp(ret) ? 0 : -errno;

	if (err)
		*ret = 0;
	return err;
}

int tmp_dir(const char *what, char *ret, size_t size)
{
	return make(place(), what, ret, size);
}

int tmp_dir_short(const char *what, char ret[TMP_SHORT])
{
	const char *in = place();
	int err = -EINVAL;

	if (*in == '/' && !in[strspn(in, PLAIN)])
		err = make(in, what, ret, TMP_SHORT);
	return err == -EINVAL || err == -ENAMETOOLONG ? make(PLACE, what, ret, TMP_SHORT) : err;
}
