// SPDX-License-Identifier: GPL-2.0-or-later
#include "rig/wall.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"

/* Of versions after the one that Debian 12's headers know. */
#define FS_TRUNCATE  (1ull << 14) /* 3 */
#define FS_IOCTL_DEV (1ull << 15) /* 5 */

#define FS_WRITE                                                                                   \
	(LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR |                           \
	 LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_CHAR |                           \
	 LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG |                               \
	 LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_MAKE_FIFO |                             \
	 LANDLOCK_ACCESS_FS_MAKE_BLOCK | LANDLOCK_ACCESS_FS_MAKE_SYM)
#define FS_FILE                                                                                    \
	(LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE | FS_TRUNCATE | FS_IOCTL_DEV)

int wall_version(void)
{
	long v = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);

	return v > 0 ? (int)v : 0;
}

static uint64_t handled(int version)
{
	return LANDLOCK_ACCESS_FS_READ_FILE | FS_WRITE |
	       (version >= 2 ? LANDLOCK_ACCESS_FS_REFER : 0) | (version >= 3 ? FS_TRUNCATE : 0) |
	       (version >= 5 ? FS_IOCTL_DEV : 0);
}

int wall_open(struct wall *w)
{
	*w = (struct wall){ .path = calloc(WALL_PATHS, sizeof(*w->path)) };
	return w->path ? 0 : -ENOMEM;
}

void wall_close(struct wall *w)
{
	free(w->path);
	*w = (struct wall){ 0 };
}

int wall_let(struct wall *w, const char *fmt, ...)
{
	va_list ap;
	int n;

	if (w->n == WALL_PATHS)
		return -ENOSPC;
	va_start(ap, fmt);
	n = vsnprintf(w->path[w->n], WALL_PATH, fmt, ap);
	va_end(ap);
	if (n >= WALL_PATH)
		return -ENAMETOOLONG;
	w->n++;
	return 0;
}

/* ---- Landlock ---- */

static int let(int ruleset, uint64_t allowed, const char *path)
{
	struct landlock_path_beneath_attr rule = { .allowed_access = allowed };
	_cleanup_close_ int fd = open(path, O_PATH | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st))
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISDIR(st.st_mode))
		rule.allowed_access &= FS_FILE;
	rule.parent_fd = fd;
	return syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0)
		       ? -errno
		       : 0;
}

/* All that there is may be read, but devices. */
static int let_read(int ruleset)
{
	DIR *d = opendir("/");
	struct dirent *e;
	char path[300];
	int err = d ? 0 : -errno;

	while (!err && (e = readdir(d))) {
		if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, "..") ||
		    !strcmp(e->d_name, "dev"))
			continue;
		snprintf(path, sizeof(path), "/%s", e->d_name);
		err = let(ruleset, LANDLOCK_ACCESS_FS_READ_FILE, path);
	}
	if (d)
		closedir(d);
	return err;
}

static int let_all(int ruleset, uint64_t all, const struct wall *w)
{
	static const char *const harmless[] = { "/dev/null", "/dev/zero",   "/dev/full",
						"/dev/tty",  "/dev/random", "/dev/urandom",
						"/dev/shm" };
	int err = let_read(ruleset);

	for (size_t i = 0; !err && i < ARRAY_SIZE(harmless); i++)
		err = let(ruleset, all, harmless[i]);
	for (unsigned i = 0; !err && i < w->n; i++)
		err = let(ruleset, all, w->path[i]);
	return err;
}

/* ---- seccomp ---- */

#if defined(__x86_64__)
#define ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define ARCH AUDIT_ARCH_AARCH64
#endif

static int no_network(void)
{
#ifdef ARCH
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ARCH, 0, 4),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_socket, 0, 2),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[0])),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AF_UNIX, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EACCES),
	};
	struct sock_fprog program = { ARRAY_SIZE(code), code };

	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program))
		return errno == EINVAL || errno == ENOSYS ? 0
							  : -errno; /* no seccomp in this kernel */
#endif
	return 0;
}

int wall_raise(const struct wall *w, char *error)
{
	int version = wall_version(), err = 0;
	struct landlock_ruleset_attr attr = { .handled_access_fs = handled(version) };
	_cleanup_close_ int ruleset = -1;

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		err = -errno;
	if (!err && version) {
		ruleset = (int)syscall(SYS_landlock_create_ruleset, &attr, sizeof(attr), 0);
		err = ruleset < 0 ? -errno : let_all(ruleset, attr.handled_access_fs, w);
	}
	if (!err && version && syscall(SYS_landlock_restrict_self, ruleset, 0))
		err = -errno;
	if (!err)
		err = no_network();
	if (err)
		snprintf(error, WALL_ERROR, "the wall around the worker cannot be raised: %s",
			 strerror(-err));
	return err;
}
