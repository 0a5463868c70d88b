// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Stack A, qemu-qtest: a QEMU whose processor meets 64 KiB of HLT and sleeps for ever, so that no
 * firmware touches the controller while its virtual clock runs. Guest memory and firmware are
 * files without a name (memfd), the rest lies in the run's directory.
 */
#include "stack/stack.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "stack/guest.h"
#include "stack/keeper.h"
#include "stack/qemu.h"

#define PATH_BYTES  4096
#define ERROR_BYTES 512
#define SOCKET_NAME "rig-qtest.sock"
#define OPCODE_HLT  0xf4

struct stack {
	struct stack_config cfg;
	char program[256];
	char dir[PATH_BYTES];
	char own_dir[32]; /* made for the socket when dir's name is too long for one; "" otherwise
			   */
	char socket[108];
	char disk[STACK_NS_MAX][PATH_BYTES];
	char log[PATH_BYTES];
	int ram_fd, bios_fd, log_fd;
	off_t log_from; /* where the log of the present QEMU begins */
	char engine[64];
	char target[512];
	struct keeper keeper;
	struct stack_death death;
};

__attribute__((format(printf, 3, 4))) static int fail(char *error, int err, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(error, ERROR_BYTES, fmt, ap);
	va_end(ap);
	return err;
}

static const char *program_name(const struct stack *s)
{
	const char *slash = strrchr(s->program, '/');

	return slash ? slash + 1 : s->program;
}

/* ---- files ---- */

/* Names that would need quoting in a target's address or be too long for a socket move away. */
static int place_socket(struct stack *s, char *error)
{
	size_t room = sizeof(s->socket);

	if (strlen(s->dir) + sizeof("/" SOCKET_NAME) <= room && !strpbrk(s->dir, "?,")) {
		snprintf(s->socket, room, "%.*s/%s", (int)(room - sizeof("/" SOCKET_NAME)), s->dir,
			 SOCKET_NAME);
		return 0;
	}
	strcpy(s->own_dir, "/tmp/rig-q-XXXXXX");
	if (!mkdtemp(s->own_dir)) {
		s->own_dir[0] = 0;
		return fail(error, -errno, "a short directory in /tmp for the socket: %s",
			    strerror(errno));
	}
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
		return fail(error, -EADDRINUSE, "%s: another process serves it already", s->socket);
	if (unlink(s->socket) && errno != ENOENT)
		return fail(error, -errno, "%s: %s", s->socket, strerror(errno));
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
			return fail(error, err, "store %.400s: %s", s->disk[i], strerror(-err));
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
		return fail(error, -ENOMEM, "memory for the guest: %s", strerror(errno));
	return 0;
}

static int open_log(struct stack *s, char *error)
{
	int n = snprintf(s->log, PATH_BYTES, "%s/rig-qemu.log", s->dir);

	s->log_fd =
		n >= PATH_BYTES ? -1 : open(s->log, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	return s->log_fd < 0 ? fail(error, -errno, "%.400s: %s", s->log, strerror(errno)) : 0;
}

static int make_files(struct stack *s, char *error)
{
	int err = place_socket(s, error);

	if (!err)
		err = clear_socket(s, error);
	if (err)
		s->socket[0] = 0; /* not ours to remove */
	if (!err)
		err = open_log(s, error);
	if (!err)
		err = make_disks(s, error);
	return err ? err : make_memory(s, error);
}

/* ---- what it says ---- */

static void read_log_tail(struct stack *s, char *text, size_t size)
{
	struct stat st;
	off_t from;
	ssize_t n;

	text[0] = 0;
	if (fstat(s->log_fd, &st))
		return;
	from = st.st_size - s->log_from > (off_t)size - 1 ? st.st_size - (off_t)size + 1
							  : s->log_from;
	n = pread(s->log_fd, text, size - 1, from);
	text[n > 0 ? n : 0] = 0;
}

/* Its last words on one line. */
static void last_words(const char *text, char *line, size_t size)
{
	size_t n = strlen(text);

	while (n && text[n - 1] == '\n')
		n--;
	if (n >= size) {
		text += n - size + 1;
		n = size - 1;
	}
	for (size_t i = 0; i < n; i++)
		line[i] = text[i] < ' ' ? ' ' : text[i];
	line[n] = 0;
	if (n == size - 1)
		memcpy(line, "...", 3);
}

static void describe_death(struct stack *s, int status)
{
	struct stack_death *d = &s->death;

	d->died = true;
	if (WIFSIGNALED(status)) {
		const char *name = sigabbrev_np(WTERMSIG(status));

		d->signal = WTERMSIG(status);
		snprintf(d->text, sizeof(d->text), "%.200s died: SIG%s", program_name(s),
			 name ? name : "?");
	} else {
		d->exit_status = WEXITSTATUS(status);
		snprintf(d->text, sizeof(d->text), "%.200s exited with status %d", program_name(s),
			 d->exit_status);
	}
	read_log_tail(s, d->log_tail, sizeof(d->log_tail));
}

bool stack_alive(struct stack *s, struct stack_death *ret)
{
	int status;

	if (!s->death.died && keeper_ended(&s->keeper, &status))
		describe_death(s, status);
	if (s->death.died && ret)
		*ret = s->death;
	return !s->death.died;
}

/* ---- up ---- */

/* One question and its answer: the socket alone is there before the devices are. */
static bool answers(const char *path, int timeout_ms)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct pollfd p = { .fd = fd, .events = POLLIN };
	char answer[16] = "";

	memcpy(addr.sun_path, path, strlen(path) + 1);
	if (fd < 0 || connect(fd, (struct sockaddr *)&addr, sizeof(addr)) ||
	    send(fd, "endianness\n", 11, MSG_NOSIGNAL) != 11 || poll(&p, 1, timeout_ms) <= 0)
		return false;
	return recv(fd, answer, sizeof(answer) - 1, 0) > 0 && !strncmp(answer, "OK little", 9);
}

static int wait_for_life(struct stack *s, char *error)
{
	const struct timespec pause = { .tv_nsec = 10 * NS_PER_MS };
	uint64_t deadline = clock_mono_ns() + s->cfg.start_s * NS_PER_S;
	char line[240];

	while (stack_alive(s, NULL)) {
		if (answers(s->socket, 200))
			return 0;
		if (clock_mono_ns() >= deadline)
			return fail(error, -ETIMEDOUT,
				    "%s (accel %s) does not answer within %u s; its log: %.200s",
				    program_name(s), s->cfg.accel, s->cfg.start_s, s->log);
		nanosleep(&pause, NULL);
	}
	last_words(s->death.log_tail, line, sizeof(line));
	return fail(error, s->death.signal ? -ECONNABORTED : -ECHILD,
		    "%.60s before it answered: %s (log: %.150s)", s->death.text,
		    line[0] ? line : "it said nothing", s->log);
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
		return fail(error, -ENOMEM, "out of memory");
	job.argv = argv;
	s->log_from = lseek(s->log_fd, 0, SEEK_END);
	list_paths(s, job.paths);
	err = keeper_start(&s->keeper, &job);
	qemu_free(argv);
	if (err)
		return fail(error, err, "starting %s: %s", s->program, strerror(-err));
	return wait_for_life(s, error);
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

static int check_config(const struct stack_config *cfg, char *error)
{
	if (!strcmp(cfg->kind, STACK_GUEST))
		return fail(error, -ENOTSUP,
			    "stack %s is a guest, which is no controller by itself", cfg->name);
	if (strcmp(cfg->kind, STACK_QTEST))
		return fail(error, -ENOTSUP,
			    "stack %s: no kind '%s'; there are qemu-qtest and guest", cfg->name,
			    cfg->kind);
	if (!cfg->n_ns || cfg->n_ns > STACK_NS_MAX)
		return fail(error, -EINVAL, "stack %s: 1 to %d namespaces are possible", cfg->name,
			    STACK_NS_MAX);
	return 0;
}

int stack_up(const struct stack_config *cfg, const char *dir, struct stack **ret, char *error)
{
	struct qemu_version version;
	struct stack *s;
	int err = check_config(cfg, error);

	*ret = NULL;
	if (err)
		return err;
	s = calloc(1, sizeof(*s));
	if (!s)
		return fail(error, -ENOMEM, "out of memory");
	s->cfg = *cfg;
	s->ram_fd = s->bios_fd = s->log_fd = -1;
	err = qemu_find(cfg->binary, s->program, sizeof(s->program), &version, error);
	if (!err && !realpath(dir, s->dir))
		err = fail(error, -errno, "%.400s: %s", dir, strerror(errno));
	if (!err)
		err = make_files(s, error);
	if (!err)
		err = start_qemu(s, error);
	if (err) {
		stack_down(s);
		return err;
	}
	describe(s, &version);
	*ret = s;
	return 0;
}

int stack_restart(struct stack *s, char *error)
{
	int err;

	keeper_stop(&s->keeper);
	memset(&s->death, 0, sizeof(s->death));
	err = clear_socket(s, error);
	/* Memory does not survive a power cycle. */
	if (!err && (ftruncate(s->ram_fd, 0) || ftruncate(s->ram_fd, (off_t)s->cfg.memory_bytes)))
		err = fail(error, -errno, "memory for the guest: %s", strerror(errno));
	if (!err)
		err = start_qemu(s, error);
	if (err)
		keeper_stop(&s->keeper);
	return err;
}

static void remove_made(struct stack *s)
{
	const char *paths[KEEPER_PATHS];

	list_paths(s, paths);
	for (unsigned i = 0; paths[i]; i++)
		if (*paths[i] && paths[i] != s->own_dir)
			unlink(paths[i]);
	if (s->own_dir[0])
		rmdir(s->own_dir);
}

void stack_down(struct stack *s)
{
	if (!s)
		return;
	keeper_stop(&s->keeper);
	remove_made(s);
	for (int *fd = (int[]){ s->ram_fd, s->bios_fd, s->log_fd, -2 }; *fd != -2; fd++)
		if (*fd >= 0)
			close(*fd);
	free(s);
}

/* ---- what there is to say ---- */

const char *stack_target(const struct stack *s)
{
	return s->target;
}

const char *stack_engine(const struct stack *s)
{
	return s->engine;
}

pid_t stack_pid(const struct stack *s)
{
	return keeper_program(&s->keeper);
}

const char *stack_lacks(const struct stack_config *cfg)
{
	static char error[ERROR_BYTES];
	struct qemu_version version;
	char path[256];

	if (!strcmp(cfg->kind, STACK_GUEST))
		return guest_lacks(cfg);
	if (check_config(cfg, error) ||
	    qemu_find(cfg->binary, path, sizeof(path), &version, error) ||
	    qemu_offers(path, cfg, error))
		return error;
	if (!strcmp(cfg->accel, "kvm") && access("/dev/kvm", R_OK | W_OK)) {
		fail(error, 0, "/dev/kvm: %s; set accel = tcg", strerror(errno));
		return error;
	}
	return NULL;
}
