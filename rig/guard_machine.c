// SPDX-License-Identifier: GPL-2.0-or-later
/* G4: nothing that this machine runs from lies on the drive, whichever way it is named. */
#include <errno.h>
#include <limits.h>
#include <linux/major.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "rig/guard_mounts.h"
#include "rig/guard_tree.h"
#include "rig/guard_use.h"

/* What a place lies on: the index in the use, or */
enum { ELSEWHERE = -1, /* a device that is not the drive's */
       IN_MEMORY = -2, /* none */
       UNTOLD = -3,    /* whatever a file system of several devices, or of none that is told, has */
};

struct place {
	const char *path, *what;
	size_t best; /* length of the mount point it lies below */
	int on;
	char type[24]; /* of the file system */
};

struct looking {
	const struct use *u;
	struct place *place;
	size_t n;
};

static bool is_below(const char *path, const char *at, size_t len)
{
	return !strncmp(path, at, len) && (len == 1 || !path[len] || path[len] == '/');
}

/* ---- a file system that has no number of a device ---- */

struct members {
	const struct use *u;
	const char *source; /* the kernel's name of the device that the mount was made by */
	bool has_source;
	int on;
};

static int look_at_member(void *ctx, const char *dir, const char *name)
{
	struct members *m = ctx;

	(void)dir;
	m->has_source |= !strcmp(name, m->source);
	for (unsigned i = 0; i < m->u->n; i++)
		if (!strcmp(m->u->dev[i].name, name))
			m->on = (int)i;
	return 0;
}

static int look_at_btrfs(void *ctx, const char *dir, const char *name)
{
	struct members *m = ctx;
	char path[PATH_MAX], devices[PATH_MAX];

	m->on = ELSEWHERE;
	if (tree_join(path, dir, name) && tree_join(devices, path, "devices"))
		tree_each(devices, look_at_member, m);
	return m->has_source;
}

/* Of a btrfs sysfs has all members, and mountinfo one of them. */
static int btrfs_on(const struct use *u, const char *source)
{
	char dir[PATH_MAX], disk[PATH_MAX];
	struct stat st;
	struct members m = { .u = u, .source = tree_base(source) };

	snprintf(dir, sizeof(dir), "%s%s", u->a->root, source);
	if (!stat(dir, &st) && S_ISBLK(st.st_mode) &&
	    tree_at(disk, u->a->root, "/sys/dev/block/%u:%u", major(st.st_rdev),
		    minor(st.st_rdev)))
		m.source = tree_base(disk);
	if (!tree_at(dir, u->a->root, "/sys/fs/btrfs") || tree_each(dir, look_at_btrfs, &m) != 1)
		return UNTOLD;
	return m.on;
}

static bool is_memory(const char *type)
{
	return !strcmp(type, "rootfs") || !strcmp(type, "tmpfs") || !strcmp(type, "ramfs");
}

static int lies_on(const struct use *u, const struct mounted *m)
{
	int i = use_by_number(u, true, m->dev);

	if (i >= 0 || (major(m->dev) && major(m->dev) != LOOP_MAJOR))
		return i;
	if (m->source[0] == '/')
		i = use_by_path(u, m->source);
	if (i >= 0)
		return i;
	if (is_memory(m->type))
		return IN_MEMORY;
	return strcmp(m->type, "btrfs") ? UNTOLD : btrfs_on(u, m->source);
}

/* ---- the mounts ---- */

static int look_at_mount(void *ctx, const struct mounted *m)
{
	struct looking *l = ctx;
	size_t len = strlen(m->at);

	for (size_t i = 0; i < l->n; i++) {
		struct place *p = &l->place[i];

		if (len < p->best || !is_below(p->path, m->at, len))
			continue;
		p->best = len;
		p->on = lies_on(l->u, m);
		snprintf(p->type, sizeof(p->type), "%s", m->type);
	}
	return 0;
}

/* ZFS, bcachefs, an overlay, a loop: what they lie on somebody has for himself, but it is not told. */
static void look_at_untold(const struct looking *l, const struct place *p, struct guard_finding *f)
{
	const struct guard_drive *d = l->u->a->drive;

	for (unsigned i = 0; i < d->n; i++)
		if (d->node[i].block && use_try(l->u->a, &d->node[i]))
			guard_refuse(f,
				     "what %s of this machine lies on (%s) is not told, and it may be "
				     "%s, which cannot be had exclusively: end who uses it, or boot "
				     "from another disk",
				     p->what, p->type, d->node[i].name);
}

/* The mounts of one process: the deepest one over a place is what it lies on. */
static void look_at_mounts(const struct looking *l, const char *process, struct guard_finding *f)
{
	const struct place *untold = NULL;
	char path[PATH_MAX], chain[200];
	int err;

	for (size_t i = 0; i < l->n; i++) {
		l->place[i].best = 0;
		l->place[i].on = UNTOLD;
	}
	snprintf(path, sizeof(path), "%s/proc/%s/mountinfo", l->u->a->root, process);
	_cleanup_fclose_ FILE *file = fopen(path, "re");

	err = file ? mounts_read(file, look_at_mount, (void *)l) : -errno;
	if (err < 0)
		guard_refuse(f, "%.120s: %s: what this machine runs from cannot be found out", path,
			     err == -EPROTO ? "a line is no mount" : strerror(-err));
	for (size_t i = 0; i < l->n; i++)
		if (l->place[i].on >= 0)
			guard_refuse(f,
				     "%s of this machine lies on it (%s): boot from another disk",
				     l->place[i].what,
				     use_chain(l->u, l->place[i].on, chain, sizeof(chain)));
		else if (l->place[i].on == UNTOLD && !untold)
			untold = &l->place[i];
	if (untold)
		look_at_untold(l, untold, f);
}

/* ---- the kernel's command line ---- */

static const char *by_id(const char *word)
{
	static const struct {
		const char *key, *dir;
	} ids[] = {
		{ "UUID=", "by-uuid" },
		{ "PARTUUID=", "by-partuuid" },
		{ "LABEL=", "by-label" },
		{ "PARTLABEL=", "by-partlabel" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(ids); i++)
		if (!strncmp(word, ids[i].key, strlen(ids[i].key)))
			return ids[i].dir;
	return NULL;
}

/* False: which device it means cannot be told. */
static bool look_at_root(const struct use *u, char *word, struct guard_finding *f)
{
	char path[PATH_MAX], real[PATH_MAX], chain[200];
	const char *dir = by_id(word);
	unsigned maj, min;
	int i = -1;

	if (dir)
		snprintf(path, sizeof(path), "/dev/disk/%s/%.200s", dir, strchr(word, '=') + 1);
	else
		snprintf(path, sizeof(path), "%.200s", word);
	if (path[0] == '/') {
		if (!tree_at(real, u->a->root, "%s", path) && dir)
			return false;
		i = use_by_path(u, path);
		if (i < 0 && dir) /* a link of udev's to what is not a node here */
			i = use_by_path(u, real + strlen(u->a->root));
	} else if (sscanf(word, "%u:%u", &maj, &min) == 2) {
		i = use_by_number(u, true, makedev(maj, min));
	}
	if (i >= 0)
		guard_refuse(f, "the kernel was booted with root=%.80s, which is %s", word,
			     use_chain(u, i, chain, sizeof(chain)));
	return true;
}

static void look_at_cmdline(const struct use *u, bool root_known, struct guard_finding *f)
{
	char path[PATH_MAX], *save = NULL;
	_cleanup_free_ char *line = NULL;
	size_t size = 0;

	snprintf(path, sizeof(path), "%s/proc/cmdline", u->a->root);
	_cleanup_fclose_ FILE *file = fopen(path, "re");

	if (!file || getline(&line, &size, file) <= 0) {
		guard_refuse(
			f, "/proc/cmdline cannot be read: what this machine was booted from cannot "
			   "be found out");
		return;
	}
	for (char *w = strtok_r(line, " \n", &save); w; w = strtok_r(NULL, " \n", &save))
		if (!strncmp(w, "root=", 5) && !look_at_root(u, w + 5, f) && !root_known)
			guard_refuse(
				f,
				"the kernel was booted with %.80s, and which disk that is cannot "
				"be told without /dev/disk (udev)",
				w);
}

/* ---- the guard ---- */

static const char *real_of(const char *path, char ret[PATH_MAX])
{
	return path && realpath(path, ret) ? ret : NULL;
}

void guard_machine(const struct guard_ask *a, struct guard_finding *ret)
{
	_cleanup_free_ struct use *u = calloc(1, sizeof(*u));
	char exe[PATH_MAX], results[PATH_MAX], here[PATH_MAX], bench[PATH_MAX];
	struct place place[] = {
		{ .path = "/", .what = "/" },
		{ .path = "/boot", .what = "/boot" },
		{ .path = "/boot/efi", .what = "/boot/efi" },
		{ .path = "/efi", .what = "/efi" },
		{ .path = "/usr", .what = "/usr" },
		{ .path = "/var", .what = "/var" },
		{ .path = "/home", .what = "/home" },
		{ .path = real_of("/proc/self/exe", exe), .what = "nvrig itself" },
		{ .path = real_of(a->results, results), .what = "the directory of this run" },
		{ .path = real_of(".", here), .what = "the directory nvrig runs in" },
		{ .path = real_of(bench_file_path(), bench), .what = "the bench file" },
	};
	struct looking l = { .u = u, .place = place };
	size_t n = 0;

	if (!u) {
		guard_refuse(ret, "out of memory");
		return;
	}
	for (size_t i = 0; i < ARRAY_SIZE(place); i++)
		if (place[i].path)
			place[n++] = place[i];
	l.n = n;
	use_find(a, u);
	if (u->error[0])
		guard_refuse(ret, "%s", u->error);
	look_at_mounts(&l, "self", ret);
	look_at_mounts(&l, "1", ret);
	look_at_cmdline(u, place[0].on == ELSEWHERE, ret);
	guard_pass(ret, "none of /, /boot, /usr, /var, /home, nvrig and its results lies on it");
}
