// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A device-mapper node that nvrig made as one linear piece of another (configs/stores/error.conf):
 * some of it is made to fail by a table with dm's error target there, through dmsetup(8).
 */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "target/block.h"

#define OURS	   "rig-"
#define TABLE	   256
#define DMSETUP_MS 10000

static int wait_for(pid_t pid)
{
	_cleanup_close_ int fd = pidfd_open(pid, 0);
	struct pollfd p = { .fd = fd, .events = POLLIN };
	int status = 0;

	if (fd < 0 || poll(&p, 1, DMSETUP_MS) < 1)
		kill(pid, SIGKILL);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return WIFEXITED(status) && !WEXITSTATUS(status) ? 0 : -EIO;
}

/* Runs it with `in` as its standard input and at most TABLE - 1 bytes of its output in ret. */
static int dmsetup(char *const argv[], const char *in, char ret[TABLE])
{
	static char *const environment[] = { "DM_DISABLE_UDEV=1",
					     "PATH=/sbin:/usr/sbin:/bin:/usr/bin", NULL };
	_cleanup_close_ int from = memfd_create("dmsetup", MFD_CLOEXEC);
	_cleanup_close_ int to = memfd_create("dmsetup", MFD_CLOEXEC);
	posix_spawn_file_actions_t actions;
	ssize_t n;
	pid_t pid;
	int err;

	if (from < 0 || to < 0 || pwrite(from, in, strlen(in), 0) != (ssize_t)strlen(in))
		return -EIO;
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, from, 0);
	posix_spawn_file_actions_adddup2(&actions, to, 1);
	err = -posix_spawnp(&pid, "dmsetup", &actions, NULL, argv, environment);
	posix_spawn_file_actions_destroy(&actions);
	err = err ? err : wait_for(pid);
	n = err ? -1 : pread(to, ret, TABLE - 1, 0);
	ret[n > 0 ? n : 0] = 0;
	return err;
}

/* "0 SECTORS linear MAJOR:MINOR START", and nothing else. */
static bool read_table(const char *name, struct block_linear *ret)
{
	char *const argv[] = { "dmsetup", "table", (char *)(uintptr_t)name, NULL };
	char table[TABLE];
	int used = 0;

	if (dmsetup(argv, "", table))
		return false;
	return sscanf(table, "0 %" SCNu64 " linear %31s %" SCNu64 " %n", &ret->sectors, ret->below,
		      &ret->start, &used) == 3 &&
	       !table[used];
}

bool block_dm_find(const struct block_target *b, struct block_linear *ret)
{
	char suspended[8];

	if (!b->is_block)
		return false;
	block_sysfs_text(b->fd, "dm/name", ret->name, sizeof(ret->name));
	if (strncmp(ret->name, OURS, strlen(OURS)) || !read_table(ret->name, ret))
		return false;
	/* a process that was killed while it hung has left it so */
	block_sysfs_text(b->fd, "dm/suspended", suspended, sizeof(suspended));
	return strcmp(suspended, "1") || !block_dm_hang(ret, false);
}

static int load(const struct block_linear *l, const char *table)
{
	char *const reload[] = { "dmsetup", "reload", (char *)(uintptr_t)l->name, NULL };
	char *const resume[] = { "dmsetup", "resume", (char *)(uintptr_t)l->name, NULL };
	char ignored[TABLE];
	int err = dmsetup(reload, table, ignored);

	return err ? err : dmsetup(resume, "", ignored);
}

int block_dm_set_bad(const struct block_linear *l, uint64_t first, uint64_t sectors)
{
	uint64_t end = first + sectors;
	char table[TABLE] = "", *at = table;

	if (first > l->sectors || sectors > l->sectors - first)
		return -EINVAL;
	if (first)
		at += sprintf(at, "0 %" PRIu64 " linear %s %" PRIu64 "\n", first, l->below,
			      l->start);
	at += sprintf(at, "%" PRIu64 " %" PRIu64 " error\n", first, sectors);
	if (end < l->sectors)
		sprintf(at, "%" PRIu64 " %" PRIu64 " linear %s %" PRIu64 "\n", end,
			l->sectors - end, l->below, l->start + end);
	return load(l, table);
}

int block_dm_mend(const struct block_linear *l)
{
	char table[TABLE];

	snprintf(table, sizeof(table), "0 %" PRIu64 " linear %s %" PRIu64 "\n", l->sectors,
		 l->below, l->start);
	return load(l, table);
}

int block_dm_hang(const struct block_linear *l, bool on)
{
	char *const suspend[] = { "dmsetup",	  "suspend", "--noflush", "--nolockfs",
				  (char *)(uintptr_t)l->name, NULL };
	char *const resume[] = { "dmsetup", "resume", (char *)(uintptr_t)l->name, NULL };
	char ignored[TABLE];

	return dmsetup(on ? suspend : resume, "", ignored);
}
