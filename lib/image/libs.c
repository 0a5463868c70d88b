// SPDX-License-Identifier: GPL-2.0-or-later
#include "image/libs.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "image/elf.h"

#define LIB_BYTES_MAX (256u << 20)
#define LIBS_MAX      256

/* Where the dynamic linker of Debian looks by itself (ld.so(8)), and what installs beside it. */
static const char *const places[] = {
	"/lib/x86_64-linux-gnu",
	"/usr/lib/x86_64-linux-gnu",
	"/usr/local/lib/x86_64-linux-gnu",
	"/lib64",
	"/usr/lib64",
	"/usr/local/lib",
	"/lib",
	"/usr/lib",
	"/usr/lib/x86_64-linux-gnu/ceph",
};

struct search {
	struct libs *libs;
	const char *root, *path; /* of the program that asks */
	const char *runpath;
	char *error;
};

static bool try_load(const char *root, const char *dir, size_t dir_len, const char *name,
		     struct bytes *ret)
{
	char path[PATH_MAX];

	if (snprintf(path, sizeof(path), "%s%.*s/%s", root, (int)dir_len, dir, name) >=
		    (int)sizeof(path) ||
	    bytes_load(path, LIB_BYTES_MAX, ret))
		return false;
	if (elf_is(ret))
		return true;
	bytes_free(ret);
	return false;
}

/* RUNPATH is a list of directories; $ORIGIN is the one of who asks. */
static bool in_runpath(const struct search *s, const char *name, struct bytes *ret)
{
	const char *slash = strrchr(s->path, '/');
	char dir[PATH_MAX];

	for (const char *p = s->runpath; p && *p;) {
		size_t n = strcspn(p, ":"), skip = 0;

		if (!strncmp(p, "$ORIGIN", 7) || !strncmp(p, "${ORIGIN}", 9))
			skip = p[1] == '{' ? 9 : 7;
		if (skip <= n &&
		    snprintf(dir, sizeof(dir), "%.*s%.*s",
			     skip && slash ? (int)(slash - s->path) : 0, s->path, (int)(n - skip),
			     p + skip) < (int)sizeof(dir) &&
		    try_load("", dir, strlen(dir), name, ret))
			return true;
		p += n;
		p += *p == ':';
	}
	return false;
}

static bool find(const struct search *s, const char *name, struct bytes *ret)
{
	if (*name == '/')
		return try_load("", "", 0, name + 1, ret);
	if (in_runpath(s, name, ret))
		return true;
	for (size_t i = 0; *s->root && i < ARRAY_SIZE(places); i++)
		if (try_load(s->root, places[i], strlen(places[i]), name, ret))
			return true;
	for (size_t i = 0; i < ARRAY_SIZE(places); i++)
		if (try_load("", places[i], strlen(places[i]), name, ret))
			return true;
	return false;
}

static bool there(const struct libs *l, const char *name)
{
	for (unsigned i = 0; i < l->n; i++)
		if (!strcmp(l->l[i].name, name))
			return true;
	return false;
}

static int keep(struct libs *l, const char *name, const struct bytes *data)
{
	struct lib *grown = l->n < LIBS_MAX ? realloc(l->l, (l->n + 1) * sizeof(*grown)) : NULL;
	char *copy = strdup(name);

	if (grown)
		l->l = grown;
	if (!grown || !copy) {
		free(copy);
		return l->n < LIBS_MAX ? -ENOMEM : -E2BIG;
	}
	l->l[l->n++] = (struct lib){ copy, *data };
	return 0;
}

/* Fetches one by its name; what it needs itself comes by the caller's walk over the list. */
static int add(void *ctx, const char *name)
{
	const struct search *s = ctx;
	struct bytes data;
	int err;

	if (there(s->libs, name))
		return 0;
	if (!*name || strlen(name) >= NAME_MAX || !find(s, name, &data)) {
		snprintf(s->error, 512, "%.200s needs %.80s, which is nowhere", s->path, name);
		return -ENOENT;
	}
	err = keep(s->libs, name, &data);
	if (err) {
		bytes_free(&data);
		snprintf(s->error, 512, "%.200s: %s", s->path, strerror(-err));
	}
	return err;
}

int libs_add(struct libs *l, const struct bytes *program, const char *path, const char *root,
	     char *error)
{
	struct search s = { .libs = l, .root = root, .path = path, .error = error };
	const char *interpreter = elf_interpreter(program);
	unsigned first = l->n;
	int err;

	snprintf(error, 512, "%.300s: its tables lead out of the file", path);
	err = interpreter ? add(&s, interpreter) : 0;
	if (!err)
		err = elf_needed(program, add, &s, &s.runpath);
	for (unsigned i = first; !err && i < l->n; i++) {
		struct bytes data = l->l[i].data; /* the list moves when it grows */

		s.path = l->l[i].name;
		s.runpath = NULL;
		err = elf_needed(&data, add, &s, &s.runpath);
	}
	return err;
}

void libs_free(struct libs *l)
{
	for (unsigned i = 0; i < l->n; i++) {
		free(l->l[i].name);
		bytes_free(&l->l[i].data);
	}
	free(l->l);
	*l = (struct libs){ 0 };
}
