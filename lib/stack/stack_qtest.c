// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Stack A, qemu-qtest: a QEMU whose processor meets 64 KiB of HLT and sleeps for ever, so that no
 * firmware touches the controller while its virtual clock runs. Guest memory and firmware are
 * files without a name (memfd), the rest lies in the run's directory.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "stack/qemu.h"
#include "stack/stack_internal.h"

#define SOCKET_NAME "rig-qtest.sock"
#define OPCODE_HLT  0xf4
#define ANSWER_MS   200

/* ---- files ---- */

/* Names that would need quoting in a target's address or be too long for a socket move away. */
static int place_socket(struct stack *s, char *error)
{
	size_t room = sizeof(s->socket);
	int err;

	if (strlen(s->dir) + sizeof("/" SOCKET_NAME) <= room && !strpbrk(s->dir, "?,")) {
		snprintf(s->socket, room, "%.*s/%s", (int)(room - sizeof("/" SOCKET_NAME)), s->dir,
			 SOCKET_NAME);
		return 0;
	}
	err = tmp_dir_short("qtest", s->own_dir);
	if (err)
		return stack_fail(error, err, "a directory for the socket: %s", strerror(-err));
	snprintf(s->socket, room, "%s/%s", s->own_dir, SOCKET_NAME);
	return 0;
}

/* A socket that somebody serves is no leftover. */
static int clear_socket(const struct stack *s, char *error)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	memcpy(addr.sun_path, s->socket, strlen(s->socket) + 1);
	if (fd >= 0 && !connect(fd, (struct sockaddr *)&addr, sizeof(addr)))
		return stack_fail(error, -EADDRINUSE, "%s: another process serves it already", s->socket);
	if (unlink(s->socket) && errno != ENOENT)
		return stack_fail(error, -errno, "%s: %s", s->socket, strerror(errno));
	return 0;
}

static int make_disk(const char *path, uint64_t bytes, bool keep)
{
	_cleanup_close_ int fd =
		open(path, O_RDWR | O_CREAT | O_CLOEXEC | (keep ? 0 : O_TRUNC), 0600);

	return fd < 0 || ftruncate(fd, (off_t)bytes) ? -errno : 0;
}

static int make_disks(struct stack *s, char *error)
{
	for (unsigned i = 0; i < s->cfg.n_ns; i++) {
		int n = snprintf(s->disk[i], PATH_BYTES, "%s/rig-ns%u.img", s->dir,
				 s->cfg.ns[i].nsid);
		int err = n >= PATH_BYTES
				  ? -ENAMETOOLONG
				  : make_disk(s->disk[i], s->cfg.disk_bytes, s->cfg.keep_disk);

		if (err)
			return stack_fail(error, err, "store %.400s: %s", s->disk[i], strerror(-err));
	}
	return 0;
}

static int make_memory(struct stack *s, char *error)
{
	uint8_t *hlt = malloc(QEMU_BIOS_BYTES);
	ssize_t n = -1;

	s->ram_fd = memfd_create("rig-ram", MFD_CLOEXEC);
	s->bios_fd = memfd_create("rig-halt", MFD_CLOEXEC);
	if (hlt && s->bios_fd >= 0) {
		memset(hlt, OPCODE_HLT, QEMU_BIOS_BYTES);
		n = write(s->bios_fd, hlt, QEMU_BIOS_BYTES);
	}
	free(hlt);
	if (n != QEMU_BIOS_BYTES || s->ram_fd < 0 ||
	    ftruncate(s->ram_fd, (off_t)s->cfg.memory_bytes))
		return stack_fail(error, -ENOMEM, "memory for the guest: %s", strerror(errno));
	return 0;
}

static int make_files(struct stack *s, char *error)
{
	int err = place_socket(s, error);

	if (!err)
		err = clear_socket(s, error);
	if (err)
		s->socket[0] = 0; /* not ours to remove */
	if (!err)
		err = make_disks(s, error);
	return err ? err : make_memory(s, error);
}

/* ---- up ---- */

/* One question and its answer: the socket alone is there before the devices are. */
static bool answers(struct stack *s)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct pollfd p = { .fd = fd, .events = POLLIN };
	char answer[16] = "";

	memcpy(addr.sun_path, s->socket, strlen(s->socket) + 1);
	if (fd < 0 || connect(fd, (struct sockaddr *)&addr, sizeof(addr)) ||
	    send(fd, "endianness\n", 11, MSG_NOSIGNAL) != 11 || poll(&p, 1, ANSWER_MS) <= 0)
		return false;
	return recv(fd, answer, sizeof(answer) - 1, 0) > 0 && !strncmp(answer, "OK little", 9);
}

static void list_paths(const struct stack *s, const char *ret_paths[KEEPER_PATHS])
{
	unsigned n = 0;

	ret_paths[n++] = s->socket;
	for (unsigned i = 0; !s->cfg.keep_disk && i < s->cfg.n_ns; i++)
		ret_paths[n++] = s->disk[i];
	if (s->own_dir[0])
		ret_paths[n++] = s->own_dir;
	ret_paths[n] = NULL;
}

static int start_qemu(struct stack *s, char *error)
{
	char ram[32], bios[32];
	struct qemu_files f = {
		.program = s->program, .socket = s->socket, .ram = ram, .bios = bios
	};
	int fds[] = { s->ram_fd, s->bios_fd, -1 }, err;
	struct keeper_job job = { .log_fd = s->log_fd, .keep_fds = fds };
	char **argv;

	snprintf(ram, sizeof(ram), "/proc/self/fd/%d", s->ram_fd);
	snprintf(bios, sizeof(bios), "/proc/self/fd/%d", s->bios_fd);
	for (unsigned i = 0; i < s->cfg.n_ns; i++)
		f.disk[i] = s->disk[i];
	argv = qemu_argv(&s->cfg, &f);
	if (!argv)
		return stack_fail(error, -ENOMEM, "out of memory");
	job.argv = argv;
	list_paths(s, job.paths);
	err = keeper_start(&s->keeper, &job);
	qemu_free(argv);
	if (err)
		return stack_fail(error, err, "starting %s: %s", s->program, strerror(-err));
	return stack_await(s, answers, error);
}

/* ",peer=06.0" where the other controller's properties say where it is; else nothing. */
static void describe_peer(const char *properties, char *to, size_t size)
{
	const char *at = strstr(properties, "addr=");

	if (at && (at == properties || at[-1] == ','))
		snprintf(to, size, ",peer=%.*s", (int)strcspn(at + 5, ","), at + 5);
	else
		*to = 0;
}

static void describe(struct stack *s, const struct qemu_version *v)
{
	char peer[24];

	describe_peer(s->cfg.peer, peer, sizeof(peer));
	snprintf(s->engine, sizeof(s->engine), "QEMU %u.%u.%u", v->major, v->minor, v->micro);
	snprintf(s->target, sizeof(s->target),
		 "qtest:%s?mem=/proc/%d/fd/%d,size=%llu,addr=%s%s,engine=%s", s->socket, getpid(),
		 s->ram_fd, (unsigned long long)s->cfg.memory_bytes, s->cfg.addr, peer, s->engine);
}

/* ---- the kind ---- */

static int check(const struct stack_config *cfg, char *error)
{
	if (!cfg->n_ns || cfg->n_ns > STACK_NS_MAX)
		return stack_fail(error, -EINVAL, "stack %s: 1 to %d namespaces are possible",
				  cfg->name, STACK_NS_MAX);
	return 0;
}

static int make(struct stack *s, char *error)
{
	struct qemu_version version;
	int err = check(&s->cfg, error);

	if (!err)
		err = qemu_find(s->cfg.binary, s->program, sizeof(s->program), &version, error);
	if (!err)
		err = make_files(s, error);
	if (!err)
		describe(s, &version);
	return err;
}

/* Memory does not survive a power cycle. */
static int renew(struct stack *s, char *error)
{
	int err = clear_socket(s, error);

	if (!err && (ftruncate(s->ram_fd, 0) || ftruncate(s->ram_fd, (off_t)s->cfg.memory_bytes)))
		err = stack_fail(error, -errno, "memory for the guest: %s", strerror(errno));
	return err;
}

static const char *lacks(const struct stack_config *cfg, char error[STACK_ERROR])
{
	struct qemu_version version;
	char path[256];

	if (check(cfg, error) ||
	    qemu_find(cfg->binary, path, sizeof(path), &version, error) ||
	    qemu_offers(path, cfg, error))
		return error;
	if (!strcmp(cfg->accel, "kvm") && access("/dev/kvm", R_OK | W_OK)) {
		stack_fail(error, 0, "/dev/kvm: %s; set accel = tcg", strerror(errno));
		return error;
	}
	return NULL;
}

const struct stack_kind stack_kind_qtest = {
	.name = STACK_QTEST,
	.make = make,
	.start = start_qemu,
	.renew = renew,
	.paths = list_paths,
	.lacks = lacks,
};
