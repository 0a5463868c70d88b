// SPDX-License-Identifier: GPL-2.0-or-later
#include "rig/guard_tree.h"

#include <dirent.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysmacros.h>

bool tree_join(char ret[PATH_MAX], const char *dir, const char *name)
{
	return snprintf(ret, PATH_MAX, "%s/%s", dir, name) < PATH_MAX;
}

bool tree_at(char ret[PATH_MAX], const char *root, const char *fmt, ...)
{
	char path[PATH_MAX];
	size_t n = (size_t)snprintf(path, sizeof(path), "%s", root);
	va_list ap;
	int more;

	if (n >= sizeof(path))
		return false;
	va_start(ap, fmt);
	more = vsnprintf(path + n, sizeof(path) - n, fmt, ap);
	va_end(ap);
	return more >= 0 && (size_t)more < sizeof(path) - n && realpath(path, ret);
}

const char *tree_base(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

bool tree_dev(const char *dir, dev_t *ret)
{
	char word[SYSFS_WORD], rest;
	unsigned maj, min;

	if (sscanf(sysfs_word(dir, "dev", word), "%u:%u%c", &maj, &min, &rest) != 2)
		return false;
	*ret = makedev(maj, min);
	return true;
}

int tree_each(const char *dir, int (*fn)(void *ctx, const char *dir, const char *name), void *ctx)
{
	DIR *d = opendir(dir);
	struct dirent *e;
	int ret = 0;

	if (!d)
		return -errno;
	while (!ret && (e = readdir(d)))
		if (e->d_name[0] != '.')
			ret = fn(ctx, dir, e->d_name);
	closedir(d);
	return ret;
}

static bool is_octal(const char *s)
{
	for (int i = 0; i < 3; i++)
		if (s[i] < '0' || s[i] > '7')
			return false;
	return s[0] <= '3';
}

void tree_unescape(char *s)
{
	char *to = s;

	while (*s) {
		if (*s == '\\' && is_octal(s + 1)) {
			*to++ = (char)((s[1] - '0') << 6 | (s[2] - '0') << 3 | (s[3] - '0'));
			s += 4;
		} else {
			*to++ = *s++;
		}
	}
	*to = 0;
}
