// SPDX-License-Identifier: GPL-2.0-or-later
/* Of G3: open descriptors of other processes, on block and on character nodes. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "rig/guard_mounts.h"
#include "rig/guard_tree.h"
#include "rig/guard_use.h"

struct looking {
	const struct use *u;
	struct guard_finding *f;
	int pid;
};

#define UNSEEN (-2)

/* Whatever the link's text is, its number counts; the text where there is no node of that name. -1:
 * none of the drive's, or closed meanwhile; UNSEEN: no right to look at it. */
static int which(const struct use *u, const char *path)
{
	char text[PATH_MAX];
	struct stat st;
	ssize_t n = readlink(path, text, sizeof(text) - 1);

	if (n <= 0)
		return errno == EACCES || errno == EPERM ? UNSEEN : -1;
	text[n] = 0;
	if (text[0] != '/')
		return -1;
	if (!u->a->root[0] && !stat(path, &st))
		return S_ISBLK(st.st_mode) || S_ISCHR(st.st_mode)
			       ? use_by_number(u, S_ISBLK(st.st_mode), st.st_rdev)
			       : -1;
	return use_by_path(u, text);
}

/* Of what is nobody's the exclusive opens are enough, as where a security module hides processes.
 */
static void say_unseen(const struct looking *l, int err)
{
	char who[48];

	if (!l->u->a->light)
		guard_refuse(l->f,
			     "whether process %s has it open cannot be found out: %s; run as root, "
			     "with CAP_SYS_PTRACE",
			     mounts_process(l->u->a->root, l->pid, who, sizeof(who)),
			     strerror(err));
}

static int look_at_fd(void *ctx, const char *dir, const char *name)
{
	struct looking *l = ctx;
	char path[PATH_MAX], chain[200], who[48];
	int i = tree_join(path, dir, name) ? which(l->u, path) : -1;

	if (i == UNSEEN)
		say_unseen(l, EACCES);
	if (i >= 0)
		guard_refuse(l->f, "%s is open in process %s: end that",
			     use_chain(l->u, i, chain, sizeof(chain)),
			     mounts_process(l->u->a->root, l->pid, who, sizeof(who)));
	return 0;
}

/* The run and its workers: what they have open is the run's. */
static bool is_ours(const struct looking *l, const char *dir)
{
	char word[SYSFS_WORD];
	const char *after;
	int parent = 0;

	if (l->pid == l->u->a->pid)
		return true;
	/* the name in it may hold anything, also parentheses */
	after = strrchr(sysfs_word(dir, "stat", word), ')');
	return after && sscanf(after, ") %*c %d", &parent) == 1 && parent == l->u->a->pid;
}

static int look_at_process(void *ctx, const char *proc, const char *name)
{
	struct looking *l = ctx;
	char dir[PATH_MAX], path[PATH_MAX];
	int err;

	l->pid = mounts_pid(name);
	if (!l->pid || !tree_join(dir, proc, name) || is_ours(l, dir) ||
	    !tree_join(path, dir, "fd"))
		return 0;
	err = tree_each(path, look_at_fd, l);
	if (err < 0 && err != -ENOENT && err != -ESRCH)
		say_unseen(l, -err);
	return 0;
}

/* Kernel threads are seen in the first PID namespace alone, where all processes are. */
static bool sees_all(const struct looking *l)
{
	char dir[PATH_MAX], word[SYSFS_WORD];

	snprintf(dir, sizeof(dir), "%s/proc/2", l->u->a->root);
	return !strcmp(sysfs_word(dir, "comm", word), "kthreadd");
}

void use_processes(const struct use *u, struct guard_finding *f)
{
	struct looking l = { .u = u, .f = f };
	char dir[PATH_MAX];
	int err;

	snprintf(dir, sizeof(dir), "%s/proc", u->a->root);
	err = tree_each(dir, look_at_process, &l);
	if (err < 0)
		guard_refuse(f, "/proc: %s: who has it open cannot be found out", strerror(-err));
	if (!u->a->light && !sees_all(&l))
		guard_refuse(
			f, "processes outside this PID namespace cannot be seen: run nvrig in the "
			   "machine's own (docker --pid=host)");
}
