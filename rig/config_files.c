// SPDX-License-Identifier: GPL-2.0-or-later
/* Where configuration lies. */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "rig/config.h"

static bool is_dir(const char *path)
{
	struct stat st;

	return !stat(path, &st) && S_ISDIR(st.st_mode);
}

/* PREFIX/bin/nvrig has its files in PREFIX/share/nvrig. */
static int beside_program(char *ret_dir, size_t size)
{
	char exe[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);

	for (int up = 0; n > 0 && up < 2; up++) {
		exe[n] = 0;
		n = strrchr(exe, '/') - exe;
	}
	if (n < 0)
		return -ENOENT;
	exe[n] = 0;
	if ((size_t)snprintf(ret_dir, size, "%s/share/nvrig/configs", exe) >= size)
		return -ENAMETOOLONG;
	return is_dir(ret_dir) ? 0 : -ENOENT;
}

int config_find_dir(char *ret_dir, size_t size)
{
	static const char *const fixed[] = {
#ifdef NVRIG_SOURCE_CONFIGS
		NVRIG_SOURCE_CONFIGS,
#endif
		"/usr/share/nvrig/configs",
	};
	const char *named = getenv("NVRIG_CONFIGS");

	if (named && *named) {
		if ((size_t)snprintf(ret_dir, size, "%s", named) >= size)
			return -ENAMETOOLONG;
		return is_dir(ret_dir) ? 0 : -ENOTDIR;
	}
	if (!beside_program(ret_dir, size))
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(fixed); i++)
		if ((size_t)snprintf(ret_dir, size, "%s", fixed[i]) < size && is_dir(ret_dir))
			return 0;
	return -ENOENT;
}

int config_choose_dir(const char *dir, char *ret_dir, size_t size)
{
	if (!dir)
		return config_find_dir(ret_dir, size);
	return (size_t)snprintf(ret_dir, size, "%s", dir) < size ? 0 : -ENAMETOOLONG;
}

static int is_conf(const struct dirent *d)
{
	size_t n = strlen(d->d_name);

	return d->d_name[0] != '.' && n > 5 && !strcmp(d->d_name + n - 5, ".conf");
}

static int by_bytes(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

int config_list(const char *dir, const char *sub, char ***ret_paths, size_t *ret_n)
{
	_cleanup_free_ char *path = NULL;
	struct dirent **entries;
	int n, err = 0;
	char **paths;

	if (asprintf(&path, "%s/%s", dir, sub) < 0) {
		path = NULL;
		return -ENOMEM;
	}
	n = scandir(path, &entries, is_conf, by_bytes);
	if (n < 0)
		return -errno;
	paths = calloc((size_t)n + 1, sizeof(*paths));
	for (int i = 0; i < n; i++) {
		if (!paths || asprintf(&paths[i], "%s/%s", path, entries[i]->d_name) < 0)
			err = -ENOMEM;
		if (err && paths)
			paths[i] = NULL;
		free(entries[i]);
	}
	free(entries);
	if (err || !paths) {
		config_free_paths(paths, (size_t)n);
		return -ENOMEM;
	}
	*ret_paths = paths;
	*ret_n = (size_t)n;
	return 0;
}

void config_free_paths(char **paths, size_t n)
{
	for (size_t i = 0; paths && i < n; i++)
		free(paths[i]);
	free(paths);
}

int config_names(const char *dir, const char *sub, char ***ret_names)
{
	char root[PATH_MAX], **paths;
	size_t n;
	int err = config_choose_dir(dir, root, sizeof(root));

	if (!err)
		err = config_list(root, sub, &paths, &n);
	if (err)
		return err;
	for (size_t i = 0; i < n; i++) {
		char *base = strrchr(paths[i], '/') + 1;

		memmove(paths[i], base, strlen(base) + 1);
		paths[i][strlen(paths[i]) - strlen(".conf")] = 0;
	}
	*ret_names = paths;
	return 0;
}

void config_names_free(char **names)
{
	size_t n = 0;

	while (names && names[n])
		n++;
	config_free_paths(names, n);
}

/* The end of a sentence about a name that none of them is. */
void config_nearest(const char *dir, const char *sub, const char *name, char *text, size_t size)
{
	char **names = NULL;
	const char *near = NULL;
	size_t n = 0;

	*text = 0;
	if (config_names(dir, sub, &names))
		return;
	while (names[n])
		n++;
	near = text_nearest_of(name, (const char *const *)names, n);
	if (near)
		snprintf(text, size, "; did you mean '%s'?", near);
	config_names_free(names);
}
