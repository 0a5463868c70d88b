// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The wall, from inside: another node than the drive's cannot be opened, by the process or by a
 * child of it. 77 where the kernel has no Landlock. With arguments (by hand, and in a guest):
 * raises a wall that lets the first through, and says which of the others can be opened.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "rig/wall.h"
#include "unit.h"

static char top[] = "/tmp/nvrig-wall-XXXXXX";
static char mine[64], other[64];

static bool make_file(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT, 0600);
	bool made = fd >= 0 && write(fd, "x", 1) == 1;

	return close(fd) == 0 && made;
}

/* In a child behind a wall that lets `mine` through: what fn says, 0 to 255. */
static int behind(int (*fn)(void))
{
	struct wall w;
	char error[WALL_ERROR];
	int status;
	pid_t pid = fork();

	if (!pid) {
		if (wall_open(&w) || wall_let(&w, "%s", mine) || wall_raise(&w, error))
			_exit(200);
		_exit(fn());
	}
	CU_ASSERT_EQUAL(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 201;
}

static int err_of(const char *path, int flags)
{
	int fd = open(path, flags, 0600);

	return fd < 0 ? errno : 0;
}

static int write_mine(void)
{
	return err_of(mine, O_RDWR);
}

static int write_other(void)
{
	return err_of(other, O_RDWR);
}

static int read_other(void)
{
	return err_of(other, O_RDONLY);
}

static int read_device(void)
{
	return err_of("/dev/kmsg", O_RDONLY);
}

static int make_node(void)
{
	char path[80];

	snprintf(path, sizeof(path), "%s/node", top);
	return mknod(path, S_IFBLK | 0600, 0) ? errno : 0;
}

static int make_new(void)
{
	char path[80];

	snprintf(path, sizeof(path), "%s/new", top);
	return err_of(path, O_WRONLY | O_CREAT);
}

static int by_child(void)
{
	int status;
	pid_t pid = fork();

	if (!pid)
		_exit(write_other());
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 201;
}

static int network(void)
{
	return socket(AF_INET, SOCK_STREAM, 0) < 0 ? errno : 0;
}

static int local(void)
{
	return socket(AF_UNIX, SOCK_STREAM, 0) < 0 ? errno : 0;
}

static void wall(void)
{
	CU_ASSERT_EQUAL(behind(write_mine), 0);
	CU_ASSERT_EQUAL(behind(write_other), EACCES);
	CU_ASSERT_EQUAL(behind(by_child), EACCES);
	CU_ASSERT_EQUAL(behind(read_other), 0); /* a file that is no device may be read */
	CU_ASSERT_EQUAL(behind(read_device), EACCES);
	CU_ASSERT_EQUAL(behind(make_new), EACCES);
	CU_ASSERT_NOT_EQUAL(behind(make_node), 0);
	CU_ASSERT_EQUAL(behind(network), EACCES);
	CU_ASSERT_EQUAL(behind(local), 0);
	CU_ASSERT_EQUAL(write_other(), 0); /* nobody else is behind it */
}

static const struct unit units[] = { { "a wall", wall } };

static int tell(int argc, char **argv)
{
	struct wall w;
	char error[WALL_ERROR];

	printf("landlock %d\n", wall_version());
	if (wall_open(&w) || wall_let(&w, "%s", argv[1]) || wall_raise(&w, error))
		return 1;
	for (int i = 1; i < argc; i++)
		printf("%s read %s write %s\n", argv[i], strerrorname_np(err_of(argv[i], O_RDONLY)),
		       strerrorname_np(err_of(argv[i], O_RDWR)));
	return 0;
}

int main(int argc, char **argv)
{
	if (argc > 1)
		return tell(argc, argv);
	if (!wall_version()) {
		puts("wall: SKIP: this kernel has no Landlock");
		return 77;
	}
	if (!mkdtemp(top))
		return 2;
	snprintf(mine, sizeof(mine), "%s/mine", top);
	snprintf(other, sizeof(other), "%s/other", top);
	argc = make_file(mine) && make_file(other) ? unit_main("wall", units, ARRAY_SIZE(units)) : 2;
	return nftw(top, unit_remove_one, 16, FTW_DEPTH | FTW_PHYS) ? 2 : argc;
}
