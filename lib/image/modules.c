// SPDX-License-Identifier: GPL-2.0-or-later
#include "image/modules.h"

#include <errno.h>
#include <fts.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "image/elf.h"
#include "image/unpack.h"

#define MODULE_BYTES_MAX (64u << 20)
#define TABLE_BYTES_MAX	 (16u << 20)
#define DEPTH_MAX	 64
#define NAME_BYTES	 64

/* ---- what there is below lib/modules/RELEASE ---- */

struct known {
	char name[NAME_BYTES];
	char *path; /* relative to dir; NULL: built in */
};

struct tree {
	const char *dir;
	struct known *k;
	size_t n, room;
};

/* "nvme-tcp.ko.xz" -> "nvme_tcp"; false: no module's name. */
static bool module_name(const char *file, char to[NAME_BYTES])
{
	const char *ko = strstr(file, ".ko");
	size_t n = ko ? (size_t)(ko - file) : 0;

	if (!n || n >= NAME_BYTES || (ko[3] && ko[3] != '.'))
		return false;
	for (size_t i = 0; i < n; i++)
		to[i] = file[i] == '-' ? '_' : file[i];
	to[n] = 0;
	return true;
}

static int tree_add(struct tree *t, const char *file, const char *path)
{
	struct known *grown;
	struct known k = { .path = NULL };

	if (!module_name(file, k.name))
		return 0;
	if (t->n == t->room) {
		t->room = t->room ? 2 * t->room : 1024;
		grown = realloc(t->k, t->room * sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		t->k = grown;
	}
	if (path) {
		k.path = strdup(path);
		if (!k.path)
			return -ENOMEM;
	}
	t->k[t->n++] = k;
	return 0;
}

static int read_files(struct tree *t)
{
	char top[PATH_MAX], *paths[] = { top, NULL };
	size_t skip = strlen(t->dir) + 1;
	FTSENT *e;
	FTS *f;
	int err = 0;

	if (snprintf(top, sizeof(top), "%s/kernel", t->dir) >= (int)sizeof(top))
		return -ENAMETOOLONG;
	f = fts_open(paths, FTS_PHYSICAL | FTS_NOCHDIR | FTS_NOSTAT, NULL);
	if (!f)
		return -errno;
	while (!err && (e = fts_read(f)))
		if (e->fts_info == FTS_NSOK || e->fts_info == FTS_F)
			err = tree_add(t, e->fts_name, e->fts_path + skip);
	fts_close(f);
	return err;
}

static int read_builtin(struct tree *t)
{
	_cleanup_free_ char *path = NULL;
	struct bytes b = { 0 };
	char *save = NULL;
	int err;

	if (asprintf(&path, "%s/modules.builtin", t->dir) < 0)
		return -ENOMEM;
	err = bytes_load(path, TABLE_BYTES_MAX, &b);
	if (err)
		return err == -ENOENT ? 0 : err;
	for (char *line = strtok_r((char *)b.at, "\n", &save); !err && line;
	     line = strtok_r(NULL, "\n", &save)) {
		const char *slash = strrchr(line, '/');

		err = tree_add(t, slash ? slash + 1 : line, NULL);
	}
	bytes_free(&b);
	return err;
}

static void tree_free(struct tree *t)
{
	for (size_t i = 0; i < t->n; i++)
		free(t->k[i].path);
	free(t->k);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct known *)a)->name, ((const struct known *)b)->name);
}

static int tree_read(const char *dir, struct tree *t)
{
	int err;

	*t = (struct tree){ .dir = dir };
	err = read_builtin(t);
	if (!err)
		err = read_files(t);
	if (!err && t->n)
		qsort(t->k, t->n, sizeof(*t->k), by_name);
	return err;
}

static const struct known *tree_find(const struct tree *t, const char *name)
{
	struct known key;

	snprintf(key.name, sizeof(key.name), "%s", name);
	for (char *c = key.name; *c; c++)
		if (*c == '-')
			*c = '_';
	return t->n ? bsearch(&key, t->k, t->n, sizeof(*t->k), by_name) : NULL;
}

static const char *nth_name(const void *ctx, size_t i)
{
	const struct tree *t = ctx;

	return i < t->n ? t->k[i].name : NULL;
}

bool modules_has(const char *dir, const char *name)
{
	struct tree t;
	bool has = !tree_read(dir, &t) && tree_find(&t, name);

	tree_free(&t);
	return has;
}

/* ---- what one says of itself ---- */

/* The value of the first key, or of the one after `from`; NULL: no more. */
static const char *modinfo(const struct bytes *info, const char *key, const char *from)
{
	const char *end = (const char *)info->at + info->size;
	const char *p = from ? from + strlen(from) + 1 : (const char *)info->at;
	size_t n = strlen(key);

	while (p < end && memchr(p, 0, (size_t)(end - p))) {
		if (!strncmp(p, key, n) && p[n] == '=')
			return p + n + 1;
		p += strlen(p) + 1;
	}
	return NULL;
}

static int load_data(const struct tree *t, const struct known *k, struct module *m, char *error)
{
	_cleanup_free_ char *path = NULL;
	struct bytes packed;
	char why[512] = "";
	int err;

	if (asprintf(&path, "%s/%s", t->dir, k->path) < 0)
		return -ENOMEM;
	err = bytes_load(path, MODULE_BYTES_MAX, &packed);
	if (err) {
		snprintf(error, 512, "%.400s: %s", path, strerror(-err));
		return err;
	}
	if (elf_is(&packed)) {
		m->data = packed;
		return 0;
	}
	err = unpack(&packed, MODULE_BYTES_MAX, &m->data, why);
	bytes_free(&packed);
	if (err)
		snprintf(error, 512, "%.200s: %.280s", path, why);
	return err;
}

/* ---- all of them ---- */

struct loading {
	struct tree tree;
	struct modules *to;
	char *error;
};

static int load_one(struct loading *l, const char *name, unsigned depth, int *ret_place);

static int need(struct module *m, unsigned place)
{
	unsigned *grown = realloc(m->need, (m->n_need + 1) * sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	m->need = grown;
	m->need[m->n_need++] = place;
	return 0;
}

/* depends=a,b and, where they are there, softdep=pre: c d */
static int load_needs(struct loading *l, struct module *m, const struct bytes *info, unsigned depth)
{
	const char *depends = modinfo(info, "depends", NULL), *soft = NULL;
	_cleanup_free_ char *list = strdup(depends ? depends : "");
	char *save = NULL;
	int err = list ? 0 : -ENOMEM, place;

	for (char *w = list ? strtok_r(list, ",", &save) : NULL; !err && w;
	     w = strtok_r(NULL, ",", &save)) {
		err = load_one(l, w, depth + 1, &place);
		if (!err && place >= 0)
			err = need(m, (unsigned)place);
	}
	while (!err && (soft = modinfo(info, "softdep", soft))) {
		_cleanup_free_ char *words = strdup(soft);

		if (!words || strncmp(words, "pre:", 4))
			continue;
		for (char *w = strtok_r(words + 4, " ", &save); !err && w && !strchr(w, ':');
		     w = strtok_r(NULL, " ", &save))
			if (tree_find(&l->tree, w))
				err = load_one(l, w, depth + 1, &place);
	}
	return err;
}

static void free_one(struct module *m)
{
	free(m->name);
	free(m->path);
	free(m->need);
	bytes_free(&m->data);
}

static int add(struct loading *l, struct module *m, int *ret_place)
{
	struct module *grown = realloc(l->to->m, (l->to->n + 1) * sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	l->to->m = grown;
	*ret_place = (int)l->to->n;
	l->to->m[l->to->n++] = *m;
	return 0;
}

static int refuse_name(struct loading *l, const char *name)
{
	const char *near = text_nearest(name, nth_name, &l->tree);

	snprintf(l->error, 512, "%.300s: no module '%.60s'%s%s%s", l->tree.dir, name,
		 near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
	return -ENOENT;
}

/* What it depends on comes before it. *ret_place: -1 for one that is built in. */
static int load_one(struct loading *l, const char *name, unsigned depth, int *ret_place)
{
	const struct known *k = tree_find(&l->tree, name);
	struct bytes info = { 0 };
	struct module m = { 0 };
	size_t len;
	int err;

	*ret_place = -1;
	if (!k)
		return refuse_name(l, name);
	if (!k->path)
		return 0;
	for (unsigned i = 0; i < l->to->n; i++)
		if (!strcmp(l->to->m[i].name, k->name)) {
			*ret_place = (int)i;
			return 0;
		}
	if (depth > DEPTH_MAX) {
		snprintf(l->error, 512, "module %.60s depends on itself", k->name);
		return -ELOOP;
	}
	err = load_data(&l->tree, k, &m, l->error);
	if (!err && elf_section(&m.data, ".modinfo", &info)) {
		snprintf(l->error, 512, "%.200s/%.200s: not a module", l->tree.dir, k->path);
		err = -EPROTO;
	}
	m.name = strdup(k->name);
	m.path = strdup(k->path);
	if (!err && (!m.name || !m.path))
		err = -ENOMEM;
	if (!err)
		err = load_needs(l, &m, &info, depth);
	if (!err) {
		len = (size_t)(strstr(m.path, ".ko") - m.path) + 3;
		m.path[len] = 0;
		err = add(l, &m, ret_place);
	}
	if (err)
		free_one(&m);
	return err;
}

int modules_load(const char *dir, const char *const *names, unsigned n, struct modules *ret,
		 char *error)
{
	struct loading l = { .to = ret, .error = error };
	int err = tree_read(dir, &l.tree), place;

	*ret = (struct modules){ 0 };
	snprintf(error, 512, "%.400s: %s", dir, strerror(err ? -err : ENOMEM));
	for (unsigned i = 0; !err && i < n; i++)
		err = load_one(&l, names[i], 0, &place);
	tree_free(&l.tree);
	return err;
}

void modules_free(struct modules *m)
{
	for (unsigned i = 0; i < m->n; i++)
		free_one(&m->m[i]);
	free(m->m);
	*m = (struct modules){ 0 };
}

/* ---- tables for modprobe ---- */

/* modprobe wants everything a module needs, also at second hand, on its line. */
static void print_needs(FILE *f, const struct modules *all, unsigned place, bool *done)
{
	const struct module *m = &all->m[place];

	for (unsigned i = m->n_need; i-- > 0;) {
		unsigned n = m->need[i];

		if (done[n])
			continue;
		done[n] = true;
		fprintf(f, " %s", all->m[n].path);
		print_needs(f, all, n, done);
	}
}

char *modules_dep(const struct modules *m)
{
	_cleanup_free_ bool *done = calloc(m->n + 1, sizeof(*done));
	char *text = NULL;
	size_t size;
	FILE *f = done ? open_memstream(&text, &size) : NULL;

	for (unsigned i = 0; f && i < m->n; i++) {
		memset(done, 0, m->n * sizeof(*done));
		fprintf(f, "%s:", m->m[i].path);
		print_needs(f, m, i, done);
		fputc('\n', f);
	}
	if (!f || fclose(f))
		return NULL;
	return text;
}

char *modules_alias(const struct modules *m)
{
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	for (unsigned i = 0; f && i < m->n; i++) {
		const char *alias = NULL;
		struct bytes info;

		if (elf_section(&m->m[i].data, ".modinfo", &info))
			continue;
		while ((alias = modinfo(&info, "alias", alias)))
			fprintf(f, "alias %s %s\n", alias, m->m[i].name);
	}
	if (!f || fclose(f))
		return NULL;
	return text;
}
