// SPDX-License-Identifier: GPL-2.0-or-later
#include "image/image.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/capture.h"
#include "base/cleanup.h"
#include "image/cpio.h"
#include "image/elf.h"
#include "image/libs.h"
#include "image/modules.h"

#define PROGRAM_BYTES_MAX (256u << 20)
#define FILE_BYTES_MAX	  (64u << 20)
#define APPLETS_BYTES	  16384u
#define ASK_MS		  5000
#define BUSYBOX		  "busybox"
#define PATH_BYTES	  4096

/* The agent reaches the host through these, and whoever is in the guest its own console. */
static const char *const base_modules[] = { "virtio_pci", "virtio_console" };

struct making {
	struct cpio c;
	const struct kernel *k;
	struct libs libs;
	char *dirs; /* those that are there, each with a newline behind it */
	char *error;
};

static int fail(char *error, int err, const char *what)
{
	snprintf(error, IMAGE_ERROR, "%.400s: %s", what, strerror(-err));
	return err;
}

/* ---- files with the directories above them ---- */

static bool known_dir(const struct making *m, const char *path)
{
	size_t n = strlen(path);

	for (const char *p = m->dirs; p && *p; p = strchr(p, '\n') + 1)
		if (!strncmp(p, path, n) && p[n] == '\n')
			return true;
	return false;
}

static void dir(struct making *m, const char *path)
{
	char *grown = NULL;

	if (known_dir(m, path))
		return;
	if (asprintf(&grown, "%s%s\n", m->dirs ? m->dirs : "", path) < 0) {
		m->c.err = -ENOMEM;
		return;
	}
	free(m->dirs);
	m->dirs = grown;
	cpio_dir(&m->c, path, 0755);
}

static void above(struct making *m, const char *path)
{
	char part[PATH_BYTES];

	snprintf(part, sizeof(part), "%s", path);
	for (char *slash = strchr(part, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = 0;
		dir(m, part);
		*slash = '/';
	}
}

static void file(struct making *m, const char *path, unsigned mode, const void *data, size_t size)
{
	path += *path == '/';
	above(m, path);
	cpio_file(&m->c, path, mode, data, size);
}

static void text(struct making *m, const char *path, const char *words)
{
	file(m, path, 0644, words, strlen(words));
}

/* ---- its parts ---- */

static void skeleton(struct making *m)
{
	static const char *const dirs[] = { "bin", "dev",  "etc", "lib", "lib64", "mnt", "proc",
					    "run", "root", "sys", "tmp", "usr",	  "var" };

	for (size_t i = 0; i < ARRAY_SIZE(dirs); i++)
		dir(m, dirs[i]);
	cpio_link(&m->c, "sbin", "bin"); /* the kernel calls /sbin/modprobe */
	cpio_link(&m->c, "usr/bin", "../bin");
	cpio_link(&m->c, "usr/sbin", "../bin");
	cpio_device(&m->c, "dev/console", 0600, 5, 1);
	text(m, "etc/passwd", "root:x:0:0:root:/root:/bin/sh\n");
	text(m, "etc/group", "root:x:0:\n");
	text(m, "etc/hosts", "127.0.0.1 localhost\n");
}

/* One program, as path in the guest, and into the list the libraries that it wants. */
static int program(struct making *m, const char *from, const char *path)
{
	struct bytes b;
	int err = bytes_load(from, PROGRAM_BYTES_MAX, &b);

	if (err)
		return fail(m->error, err, from);
	if (elf_is(&b)) {
		err = libs_add(&m->libs, &b, from, m->k->root, m->error);
		elf_strip(&b);
	}
	if (!err)
		file(m, path, 0755, b.at, b.size);
	bytes_free(&b);
	return err;
}

static int programs(struct making *m, const char *const *names, unsigned n, bool must)
{
	int err = 0;

	for (unsigned i = 0; !err && i < n; i++) {
		char from[KERNEL_PATH], path[KERNEL_PATH + 8];
		const char *slash = strrchr(names[i], '/');

		err = kernel_program(names[i], from, sizeof(from));
		if (err && !must) {
			err = 0;
			continue;
		}
		if (err) {
			snprintf(m->error, IMAGE_ERROR, "%.60s is not installed", names[i]);
			return err;
		}
		snprintf(path, sizeof(path), "bin/%s", slash ? slash + 1 : names[i]);
		err = program(m, from, path);
	}
	return err;
}

static bool taken(const struct image *i, const char *name)
{
	for (unsigned n = 0; n < i->n_programs; n++)
		if (!strcmp(i->programs[n], name))
			return true;
	for (unsigned n = 0; n < i->n_extras; n++)
		if (!strcmp(i->extras[n], name))
			return true;
	return !strcmp(name, BUSYBOX) || !strcmp(name, strrchr(IMAGE_RIG, '/') + 1);
}

/* Every applet by its own name, but where the image has a program of that name. */
static int busybox(struct making *m, const struct image *i)
{
	char from[KERNEL_PATH], path[80], *save = NULL,
					  *argv[] = { from, (char[]){ "--list" }, NULL };
	_cleanup_free_ char *list = malloc(APPLETS_BYTES);
	int err = kernel_program(BUSYBOX, from, sizeof(from));

	if (!err)
		err = program(m, from, "bin/" BUSYBOX);
	else
		return fail(m->error, err, BUSYBOX);
	if (!err)
		err = list ? capture(argv, ASK_MS, list, APPLETS_BYTES) : -ENOMEM;
	if (err)
		return m->error[0] ? err : fail(m->error, err, from);
	for (char *w = strtok_r(list, "\n", &save); w; w = strtok_r(NULL, "\n", &save)) {
		if (strlen(w) > 32 || strchr(w, '/') || taken(i, w))
			continue;
		snprintf(path, sizeof(path), "bin/%s", w);
		cpio_link(&m->c, path, BUSYBOX);
	}
	return 0;
}

static void libraries(struct making *m)
{
	char path[PATH_BYTES];

	for (unsigned i = 0; i < m->libs.n; i++) {
		struct lib *l = &m->libs.l[i];

		snprintf(path, sizeof(path), "%s%s", *l->name == '/' ? "" : "lib/", l->name);
		elf_strip(&l->data);
		file(m, path, 0755, l->data.at, l->data.size);
	}
}

static void module_tables(struct making *m, const struct modules *all)
{
	_cleanup_free_ char *dep = modules_dep(all), *alias = modules_alias(all), *list = NULL;
	char path[PATH_BYTES];
	size_t size;
	FILE *f = open_memstream(&list, &size);

	for (unsigned i = 0; f && i < all->n; i++)
		fprintf(f, "/lib/modules/%s/%s\n", m->k->release, all->m[i].path);
	if (!f || fclose(f) || !dep || !alias) {
		m->c.err = -ENOMEM;
		return;
	}
	text(m, IMAGE_LIST, list);
	snprintf(path, sizeof(path), "lib/modules/%s/modules.dep", m->k->release);
	text(m, path, dep);
	snprintf(path, sizeof(path), "lib/modules/%s/modules.alias", m->k->release);
	text(m, path, alias);
}

static int modules(struct making *m, const struct image *i)
{
	const char *names[IMAGE_WORDS + ARRAY_SIZE(base_modules)];
	char path[PATH_BYTES];
	struct modules all;
	unsigned n = 0;
	int err;

	for (size_t k = 0; k < ARRAY_SIZE(base_modules); k++)
		names[n++] = base_modules[k];
	for (unsigned k = 0; k < i->n_modules && k < IMAGE_WORDS; k++)
		names[n++] = i->modules[k];
	err = modules_load(m->k->modules, names, n, &all, m->error);
	for (unsigned k = 0; !err && k < all.n; k++) {
		snprintf(path, sizeof(path), "lib/modules/%s/%s", m->k->release, all.m[k].path);
		file(m, path, 0644, all.m[k].data.at, all.m[k].data.size);
	}
	if (!err)
		module_tables(m, &all);
	modules_free(&all);
	return err;
}

static int files(struct making *m, const struct image *i)
{
	for (unsigned n = 0; n < i->n_files; n++) {
		const struct image_file *f = &i->files[n];
		struct bytes b;
		int err;

		if (!f->from) {
			file(m, f->path, 0644, f->data, f->size);
			continue;
		}
		err = bytes_load(f->from, FILE_BYTES_MAX, &b);
		if (err)
			return fail(m->error, err, f->from);
		file(m, f->path, 0644, b.at, b.size);
		bytes_free(&b);
	}
	return 0;
}

/* ---- all of it ---- */

int image_write(const struct image *i, const struct kernel *k, int fd, char *error)
{
	struct making m = { .k = k, .error = error };
	int err, end;

	error[0] = 0;
	cpio_begin(&m.c, fd);
	skeleton(&m);
	err = modules(&m, i);
	if (!err)
		err = busybox(&m, i);
	if (!err)
		err = program(&m, i->rig, IMAGE_RIG);
	if (!err)
		err = programs(&m, i->programs, i->n_programs, true);
	if (!err)
		err = programs(&m, i->extras, i->n_extras, false);
	if (!err)
		err = files(&m, i);
	if (!err)
		libraries(&m);
	end = cpio_end(&m.c);
	if (!err && end)
		err = fail(error, end, "the guest's image");
	libs_free(&m.libs);
	free(m.dirs);
	return err;
}

const char *image_lacks(const struct image *i, char *error)
{
	char path[KERNEL_PATH];
	struct kernel k;

	if (kernel_find(&k, error))
		return error;
	if (kernel_program(BUSYBOX, path, sizeof(path))) {
		snprintf(error, IMAGE_ERROR,
			 "busybox is not installed; on Debian: apt-get install busybox-static, or "
			 "`nvrig vm --fetch`");
		return error;
	}
	for (unsigned n = 0; n < i->n_modules; n++)
		if (!modules_has(k.modules, i->modules[n])) {
			snprintf(error, IMAGE_ERROR, "kernel %s has no module %.60s", k.release,
				 i->modules[n]);
			return error;
		}
	for (unsigned n = 0; n < i->n_programs; n++)
		if (kernel_program(i->programs[n], path, sizeof(path))) {
			snprintf(error, IMAGE_ERROR,
				 "%.100s is neither installed nor among what `nvrig vm --fetch` got",
				 i->programs[n]);
			return error;
		}
	return NULL;
}
