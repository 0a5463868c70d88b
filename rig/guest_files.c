// SPDX-License-Identifier: GPL-2.0-or-later
#include "rig/guest_files.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "rig/config.h"

static int add(struct guest_files_list *l, const char *sub, const char *path)
{
	struct image_file *grown = realloc(l->file, (l->n + 1) * sizeof(*grown));
	char *from = strdup(path), *to = NULL;

	if (grown)
		l->file = grown;
	if (!grown || !from ||
	    asprintf(&to, "/etc/nvrig/configs/%s%s", sub, strrchr(path, '/')) < 0) {
		free(from);
		return -ENOMEM;
	}
	l->file[l->n++] = (struct image_file){ .path = to, .from = from };
	return 0;
}

int guest_files_add_text(struct guest_files_list *l, const char *path, char *text, size_t size)
{
	struct image_file *grown = realloc(l->file, (l->n + 1) * sizeof(*grown));
	char *copy = strdup(path);

	if (grown)
		l->file = grown;
	if (!grown || !copy) {
		free(copy);
		return -ENOMEM;
	}
	l->file[l->n++] = (struct image_file){ .path = copy, .data = text, .size = size };
	return 0;
}

int guest_files_make(struct guest_files_list *ret)
{
	static const char *const subs[] = { "drives", "stacks", "stores" };
	char dir[PATH_MAX];
	int err = config_find_dir(dir, sizeof(dir));

	*ret = (struct guest_files_list){ 0 };
	for (size_t s = 0; !err && s < ARRAY_SIZE(subs); s++) {
		char **paths = NULL;
		size_t n = 0;

		if (config_list(dir, subs[s], &paths, &n))
			continue; /* none of that kind */
		for (size_t i = 0; !err && i < n; i++)
			err = add(ret, subs[s], paths[i]);
		config_free_paths(paths, n);
	}
	return err;
}

void guest_files_free(struct guest_files_list *l)
{
	for (unsigned i = 0; i < l->n; i++) {
		free((char *)l->file[i].path);
		free((char *)l->file[i].from);
		free((void *)l->file[i].data);
	}
	free(l->file);
	*l = (struct guest_files_list){ 0 };
}
