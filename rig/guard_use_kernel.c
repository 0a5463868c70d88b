// SPDX-License-Identifier: GPL-2.0-or-later
/* Of G3: what the kernel uses by itself: swap, loop, btrfs, exports by nvmet and LIO, resume. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "rig/guard_tree.h"
#include "rig/guard_use.h"

struct looking {
	const struct use *u;
	struct guard_finding *f;
};

static void say(const struct looking *l, int i, const char *fmt, const char *what)
{
	char chain[200], text[160];

	if (i < 0)
		return;
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	snprintf(text, sizeof(text), fmt, what);
#pragma GCC diagnostic pop
	guard_refuse(l->f, "%s %s", use_chain(l->u, i, chain, sizeof(chain)), text);
}

/* ---- swap ---- */

static void look_at_swaps(const struct looking *l)
{
	char path[PATH_MAX], *save;
	_cleanup_free_ char *line = NULL;
	size_t size = 0, lines = 0;
	ssize_t n;

	snprintf(path, sizeof(path), "%s/proc/swaps", l->u->a->root);
	_cleanup_fclose_ FILE *f = fopen(path, "re");

	if (!f && errno == ENOENT)
		return; /* a kernel without swap */
	while (f && (n = getline(&line, &size, f)) > 0) {
		char *word = line[n - 1] == '\n' ? strtok_r(line, " \t", &save) : NULL;

		if (!word) {
			guard_refuse(l->f,
				     "/proc/swaps holds a line that is none: what is swapped to "
				     "cannot be found out");
			return;
		}
		if (!lines++)
			continue; /* the head */
		tree_unescape(word);
		say(l, use_by_path(l->u, word), "is swapped to: swapoff %.80s", word);
	}
	if (!f || ferror(f))
		guard_refuse(l->f, "/proc/swaps: %s: what is swapped to cannot be found out",
			     strerror(errno));
}

/* ---- loop, btrfs, drbd ---- */

static int look_at_block(void *ctx, const char *dir, const char *name)
{
	struct looking *l = ctx;
	char path[PATH_MAX], file[SYSFS_WORD];

	if (!strncmp(name, "loop", 4) && tree_join(path, dir, name) &&
	    sysfs_word(path, "loop/backing_file", file)[0])
		say(l, use_by_path(l->u, file),
		    "is what a loop device lies on: losetup -d /dev/%.40s", name);
	return 0;
}

static int look_at_member(void *ctx, const char *dir, const char *name)
{
	struct looking *l = ctx;

	(void)dir;
	for (unsigned i = 0; i < l->u->n; i++)
		if (!strcmp(l->u->dev[i].name, name))
			say(l, (int)i, "is a member of a btrfs that is mounted (%.40s): umount it",
			    name);
	return 0;
}

static int look_at_btrfs(void *ctx, const char *dir, const char *name)
{
	char path[PATH_MAX], devices[PATH_MAX];

	if (tree_join(path, dir, name) && tree_join(devices, path, "devices"))
		tree_each(devices, look_at_member, ctx);
	return 0;
}

/* ---- exports ---- */

static int look_at_ns(void *ctx, const char *dir, const char *name)
{
	struct looking *l = ctx;
	char path[PATH_MAX], store[SYSFS_WORD];

	if (tree_join(path, dir, name) && sysfs_word(path, "device_path", store)[0])
		say(l, use_by_path(l->u, store), "is exported by nvmet: take it out of %.110s",
		    path);
	return 0;
}

static int look_at_subsystem(void *ctx, const char *dir, const char *name)
{
	struct looking *l = ctx;
	char path[PATH_MAX], spaces[PATH_MAX], store[SYSFS_WORD];

	if (!tree_join(path, dir, name))
		return 0;
	if (sysfs_word(path, "passthru/device_path", store)[0])
		say(l, use_by_path(l->u, store),
		    "is lent by nvmet, passed through: take it out of "
		    "%.110s",
		    path);
	if (tree_join(spaces, path, "namespaces"))
		tree_each(spaces, look_at_ns, l);
	return 0;
}

static int look_at_store(void *ctx, const char *dir, const char *name)
{
	struct looking *l = ctx;
	char path[PATH_MAX], store[SYSFS_WORD];

	if (tree_join(path, dir, name) && sysfs_word(path, "udev_path", store)[0])
		say(l, use_by_path(l->u, store), "is exported by the kernel's SCSI target: %.110s",
		    path);
	return 0;
}

static int look_at_hba(void *ctx, const char *dir, const char *name)
{
	char path[PATH_MAX];

	if (tree_join(path, dir, name))
		tree_each(path, look_at_store, ctx);
	return 0;
}

/* A module that is loaded and whose configuration is not to be seen may export anything. */
static void look_at_exports(const struct looking *l, const char *module, const char *config,
			    int (*fn)(void *ctx, const char *dir, const char *name))
{
	char path[PATH_MAX];

	if (tree_at(path, l->u->a->root, "/sys/kernel/config/%s", config)) {
		int err = tree_each(path, fn, (void *)l);

		if (err < 0)
			guard_refuse(l->f, "%.120s: %s: what %s exports cannot be found out", path,
				     strerror(-err), module);
	} else if (tree_at(path, l->u->a->root, "/sys/module/%s", module)) {
		guard_refuse(l->f,
			     "%s is loaded, and what it exports cannot be found out: mount -t "
			     "configfs none /sys/kernel/config",
			     module);
	}
}

/* ---- resume ---- */

static void look_at_resume(const struct looking *l)
{
	char dir[PATH_MAX], word[SYSFS_WORD];
	unsigned maj, min;

	snprintf(dir, sizeof(dir), "%s/sys/power", l->u->a->root);
	if (sscanf(sysfs_word(dir, "resume", word), "%u:%u", &maj, &min) == 2 && maj)
		say(l, use_by_number(l->u, true, makedev(maj, min)),
		    "is where this machine resumes from (%.20s in /sys/power/resume)", word);
}

void use_kernel(const struct use *u, struct guard_finding *f)
{
	struct looking l = { u, f };
	char path[PATH_MAX];

	look_at_swaps(&l);
	if (tree_at(path, u->a->root, "/sys/class/block"))
		tree_each(path, look_at_block, &l);
	if (tree_at(path, u->a->root, "/sys/fs/btrfs"))
		tree_each(path, look_at_btrfs, &l);
	look_at_exports(&l, "nvmet", "nvmet/subsystems", look_at_subsystem);
	look_at_exports(&l, "target_core_mod", "target/core", look_at_hba);
	look_at_resume(&l);
}
