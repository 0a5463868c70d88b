// SPDX-License-Identifier: GPL-2.0-or-later
#include "rig/guard_mounts.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "rig/guard_tree.h"

#define FIELDS	   64
#define NAMESPACES 4096

/* ---- one file ---- */

static unsigned split(char *line, char *field[FIELDS])
{
	char *save = NULL;
	unsigned n = 0;

	for (char *w = strtok_r(line, " ", &save); w && n < FIELDS; w = strtok_r(NULL, " ", &save))
		field[n++] = w;
	return n;
}

static bool parse(char *line, struct mounted *m)
{
	char *field[FIELDS], rest;
	unsigned n = split(line, field), dash = 6, maj, min;

	while (dash < n && strcmp(field[dash], "-"))
		dash++;
	if (n < 10 || dash + 2 >= n || sscanf(field[2], "%u:%u%c", &maj, &min, &rest) != 2)
		return false;
	tree_unescape(field[4]);
	tree_unescape(field[dash + 2]);
	*m = (struct mounted){ .dev = makedev(maj, min),
			       .at = field[4],
			       .type = field[dash + 1],
			       .source = field[dash + 2] };
	return true;
}

int mounts_read(FILE *f, mounts_fn *fn, void *ctx)
{
	_cleanup_free_ char *line = NULL;
	size_t size = 0;
	ssize_t n;
	int ret = 0;

	while (!ret && (n = getline(&line, &size, f)) > 0) {
		struct mounted m;

		if (line[n - 1] != '\n' || strlen(line) != (size_t)n)
			return -EPROTO;
		line[n - 1] = 0;
		ret = parse(line, &m) ? fn(ctx, &m) : -EPROTO;
	}
	return ret ? ret : ferror(f) ? -errno : 0;
}

/* ---- all processes ---- */

struct all {
	const char *root;
	int (*fn)(void *ctx, int pid, const struct mounted *m);
	void *ctx;
	int pid;
	char *error;
	char (*seen)[96]; /* its namespace, and what of it the process sees */
	unsigned n_seen;
};

int mounts_pid(const char *name)
{
	char rest;
	int pid;

	return isdigit((unsigned char)*name) && sscanf(name, "%d%c", &pid, &rest) == 1 ? pid : 0;
}

const char *mounts_process(const char *root, int pid, char *ret, size_t size)
{
	char dir[PATH_MAX], comm[SYSFS_WORD];

	snprintf(dir, sizeof(dir), "%s/proc/%d", root, pid);
	sysfs_word(dir, "comm", comm);
	for (char *c = comm; *c; c++)
		if (!isprint((unsigned char)*c))
			*c = '?';
	snprintf(ret, size, "%d (%.32s)", pid, comm);
	return ret;
}

/* Where two processes have the same view, one will do. Unknown ones are looked at. */
static bool is_seen(struct all *a, const char *dir)
{
	char path[PATH_MAX], ns[48], root[44], key[96];
	ssize_t n, r;

	if (!tree_join(path, dir, "ns/mnt"))
		return false;
	n = readlink(path, ns, sizeof(ns) - 1);
	r = tree_join(path, dir, "root") ? readlink(path, root, sizeof(root) - 1) : -1;
	if (n <= 0 || r <= 0 || r == sizeof(root) - 1)
		return false;
	ns[n] = root[r] = 0;
	snprintf(key, sizeof(key), "%s %s", ns, root);
	for (unsigned i = 0; i < a->n_seen; i++)
		if (!strcmp(a->seen[i], key))
			return true;
	if (a->n_seen < NAMESPACES)
		memcpy(a->seen[a->n_seen++], key, sizeof(key));
	return false;
}

static int one_mount(void *ctx, const struct mounted *m)
{
	struct all *a = ctx;

	return a->fn(a->ctx, a->pid, m);
}

static int one_process(void *ctx, const char *proc, const char *name)
{
	struct all *a = ctx;
	char dir[PATH_MAX], path[PATH_MAX];
	int err;

	a->pid = mounts_pid(name);
	if (!a->pid || !tree_join(dir, proc, name) || !tree_join(path, dir, "mountinfo") ||
	    is_seen(a, dir))
		return 0;
	_cleanup_fclose_ FILE *f = fopen(path, "re");

	if (!f && (errno == ENOENT || errno == ESRCH || errno == EINVAL))
		return 0; /* it has ended */
	err = f ? mounts_read(f, one_mount, a) : -errno;
	if (err == -EINVAL || err == -ESRCH)
		return 0;
	if (err < 0)
		snprintf(
			a->error, 256,
			err == -EPROTO
				? "%.160s holds a line that is no mount: what is mounted cannot be "
				  "found out"
				: "%.160s cannot be read: run as root, in the machine's own PID "
				  "namespace",
			path);
	return err;
}

int mounts_each(const char *root, int (*fn)(void *ctx, int pid, const struct mounted *m), void *ctx,
		char *error)
{
	_cleanup_free_ void *seen = calloc(NAMESPACES, sizeof(*(struct all){ 0 }.seen));
	struct all a = { .root = root, .fn = fn, .ctx = ctx, .error = error, .seen = seen };
	char dir[PATH_MAX];
	int err;

	error[0] = 0;
	if (!seen)
		return -ENOMEM;
	if (snprintf(dir, sizeof(dir), "%s/proc", root) >= (int)sizeof(dir))
		return -ENAMETOOLONG;
	err = tree_each(dir, one_process, &a);
	if (err < 0 && !error[0])
		snprintf(error, 256, "%.120s: %s: what is mounted cannot be found out", dir,
			 strerror(-err));
	return err;
}
