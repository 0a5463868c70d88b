// SPDX-License-Identifier: GPL-2.0-or-later
#include "stack/guest.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/capture.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "event/event.h"
#include "stack/accel.h"
#include "stack/guest_argv.h"
#include "stack/guest_internal.h"
#include "stack/qemu.h"
#include "stack/stack_internal.h"

#define STEP_MS	      200
#define LAST_WORDS_NS (3 * NS_PER_S) /* of a kernel that panics, until QEMU ends by it */
#define JUNK_MAX      (16ull << 20)
#define READ_BYTES    65536u
#define LOG_BYTES     4096
#define IMG_MS	      30000

/* ---- its files ---- */

static int open_in(const struct guest *g, const char *name, char *error)
{
	char path[GUEST_PATH + 32];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", g->dir, name);
	fd = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	return fd < 0 ? stack_fail(error, -errno, "%.400s: %s", path, strerror(errno)) : fd;
}

static int make_raw(const struct guest *g, const char *path, char *error)
{
	_cleanup_close_ int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	if (fd < 0 || ftruncate(fd, (off_t)g->cfg.disk_bytes))
		return stack_fail(error, -errno, "store %.400s: %s", path, strerror(errno));
	return 0;
}

/* By QEMU's own program; one that is kept from an earlier run is used as it is. */
static int make_formatted(const struct guest *g, char *path, char *error)
{
	char program[256], format[24], size[24], said[512] = "";
	char *argv[] = { program, (char[]){ "create" }, (char[]){ "-q" }, (char[]){ "-f" },
			 format,  path,			size,		  NULL };
	int err;

	if (g->cfg.keep_disk && !access(path, F_OK))
		return 0;
	snprintf(format, sizeof(format), "%s", g->cfg.format);
	snprintf(size, sizeof(size), "%llu", (unsigned long long)g->cfg.disk_bytes);
	err = capture_find(GUEST_QEMU_IMG, program, sizeof(program));
	if (!err)
		err = capture(argv, IMG_MS, said, sizeof(said));
	return err ? stack_fail(error, err, "store %.200s: %s: %s", path, GUEST_QEMU_IMG,
			  said[0] ? said : strerror(-err))
		   : 0;
}

static int make_disks(struct guest *g, char *error)
{
	bool raw = !g->cfg.format[0] || !strcmp(g->cfg.format, "raw");
	int err = 0;

	for (unsigned i = 0; !err && i < g->cfg.n_ns; i++) {
		if (snprintf(g->disk[i], GUEST_PATH, "%s/rig-ns%u.img", g->dir,
			     g->cfg.ns[i].nsid) >= GUEST_PATH)
			return stack_fail(error, -ENAMETOOLONG, "%.400s: too long", g->dir);
		err = raw ? make_raw(g, g->disk[i], error) : make_formatted(g, g->disk[i], error);
	}
	return err;
}

/* Who serves the controller begins before QEMU, which looks for it once. */
static int serve(struct guest *g, char *error)
{
	_cleanup_close_ int log = -1;

	if (!g->cfg.serve[0])
		return 0;
	log = open_in(g, "rig-serve.log", error);
	return log < 0 ? log
		       : served_start(&g->served, NULL, g->cfg.serve, log, g->cfg.start_s, error);
}

static int make_files(struct guest *g, char *error)
{
	g->log_fd = open_in(g, "rig-qemu.log", error);
	g->console.file = g->log_fd < 0 ? -1 : open_in(g, "rig-console.log", error);
	if (g->console.file < 0)
		return -EIO;
	g->log_from = lseek(g->log_fd, 0, SEEK_END);
	g->console_from = lseek(g->console.file, 0, SEEK_END);
	return make_disks(g, error);
}

/* ---- up ---- */

static struct guest *new_guest(const struct stack_config *cfg, const struct guest_ops *ops)
{
	struct guest *g = calloc(1, sizeof(*g));

	if (!g)
		return NULL;
	g->cfg = *cfg;
	g->ops = *ops;
	g->initrd_fd = g->log_fd = g->console_fd = g->port_fd = g->terminal_fd = -1;
	g->console.file = -1;
	g->line = malloc(EVENT_LINE_MAX + 1);
	return g;
}

int guest_start_one(const struct stack_config *cfg, const struct guest_job *job, const char *dir,
		    const struct guest_ops *ops, struct guest *front, int link, struct guest **ret,
		    char *error)
{
	struct guest *g = new_guest(cfg, ops);
	struct qemu_version v;
	int err, own_link = -1;

	*ret = NULL;
	if (!g || !g->line) {
		guest_stop(g);
		return stack_fail(error, -ENOMEM, "out of memory");
	}
	g->temporary = job->temporary;
	g->front = front;
	err = qemu_find(cfg->binary, g->program, sizeof(g->program), &v, error);
	if (!err && !realpath(dir, g->dir))
		err = stack_fail(error, -errno, "%.400s: %s", dir, strerror(errno));
	if (!err)
		err = make_files(g, error);
	if (!err)
		err = guest_make_image(g, job, error);
	if (!err)
		err = serve(g, error);
	if (!err)
		err = guest_pair_start(g, job, &own_link, error);
	if (!err) {
		snprintf(g->engine, sizeof(g->engine), "QEMU %u.%u.%u", v.major, v.minor, v.micro);
		g->heard_ns = clock_mono_ns();
		err = g->snap ? guest_snap_start(g, error)
			      : guest_launch(g, !job->argv, job->behind != NULL,
					     job->behind ? own_link : link, NULL, error);
	}
	if (own_link >= 0)
		close(own_link);
	if (err) {
		guest_stop(g);
		return err;
	}
	*ret = g;
	return 0;
}

int guest_start(const struct stack_config *cfg, const struct guest_job *job, const char *dir,
		const struct guest_ops *ops, struct guest **ret, char *error)
{
	return guest_start_one(cfg, job, dir, ops, NULL, -1, ret, error);
}

void guest_stop(struct guest *g)
{
	if (!g)
		return;
	keeper_stop(&g->keeper);
	served_stop(&g->served);
	guest_stop(g->behind);
	guest_plug_close(g->plug);
	guest_snap_free(g->snap);
	for (unsigned i = 0; !g->cfg.keep_disk && i < g->cfg.n_ns; i++)
		if (g->disk[i][0])
			unlink(g->disk[i]);
	for (int *fd = (int[]){ g->initrd_fd, g->log_fd, g->console.file, g->console_fd, g->port_fd,
				g->terminal_fd, -2 };
	     *fd != -2; fd++)
		if (*fd >= 0)
			close(*fd);
	free(g->line);
	free(g);
}

/* ---- what happens ---- */

static void hear_console(void *ctx, enum console_kind kind, const char *line)
{
	struct guest *g = ctx;

	if (kind == CONSOLE_PANIC && !g->panic[0]) {
		snprintf(g->panic, sizeof(g->panic), "%s", line);
		g->panic_ns = clock_mono_ns();
	}
	if ((kind == CONSOLE_FINDING || kind == CONSOLE_DRIVER) && g->ops.finding)
		g->ops.finding(g->ops.ctx, line);
}

static void take_console(struct guest *g, const char *data, size_t n)
{
	console_take(&g->console, data, n, hear_console, g);
}

static void take_terminal(struct guest *g, const char *data, size_t n)
{
	if (g->ops.terminal)
		g->ops.terminal(g->ops.ctx, data, n);
}

/* Some of what there is, or all that is left of one that ended. */
static void drain(struct guest *g, int *fd, bool all,
		  void (*take)(struct guest *g, const char *data, size_t n))
{
	char data[READ_BYTES];
	ssize_t n;

	do {
		n = *fd < 0 ? -1 : read(*fd, data, sizeof(data));
		if (n > 0)
			take(g, data, (size_t)n);
	} while (n > 0 && all && g->junk <= JUNK_MAX);
	if (n == 0) {
		close(*fd);
		*fd = -1;
	}
}

void guest_end(struct guest *g, enum guest_end how, const char *fmt, ...)
{
	va_list ap;

	g->end = how;
	va_start(ap, fmt);
	vsnprintf(g->reason, sizeof(g->reason), fmt, ap);
	va_end(ap);
}

/* The end of a file behind `from`, as text without its last newlines. */
static void read_tail(int fd, off_t from, char *text, size_t size)
{
	off_t most = (off_t)size - 1;
	struct stat st;
	ssize_t n = -1;

	if (fd >= 0 && !fstat(fd, &st))
		n = pread(fd, text, size - 1, st.st_size - from > most ? st.st_size - most : from);
	while (n > 0 && text[n - 1] == '\n')
		n--;
	text[n > 0 ? n : 0] = 0;
}

void guest_console_tail(const struct guest *g, char *text, size_t size)
{
	if (g->blamed)
		g = g->blamed;
	read_tail(g->console.file, g->console_from, text, size);
}

/* The last line that QEMU wrote itself. */
static void last_log_line(const struct guest *g, char *to, size_t size)
{
	char text[LOG_BYTES + 1];
	char *line;

	read_tail(g->log_fd, g->log_from, text, sizeof(text));
	line = strrchr(text, '\n');
	snprintf(to, size, "%.250s", line ? line + 1 : text);
}

static void judge_death(struct guest *g, int status)
{
	char words[256];

	last_log_line(g, words, sizeof(words));
	if (WIFSIGNALED(status))
		guest_end(g, GUEST_DIED, "QEMU died: SIG%s%s%s", sigabbrev_np(WTERMSIG(status)),
		    words[0] ? ": " : "", words);
	else if (WEXITSTATUS(status) || words[0])
		guest_end(g, GUEST_DIED, "QEMU ended with status %d%s%s", WEXITSTATUS(status),
		    words[0] ? ": " : "", words);
	else
		guest_end(g, GUEST_DIED,
		    "the guest switched itself off before its job was done; last on its console: "
		    "%.200s",
		    g->console.last);
}

static void judge_silence(struct guest *g, uint64_t now)
{
	unsigned limit = g->ready ? g->cfg.silence_s : g->cfg.start_s;

	if (now - g->heard_ns < limit * NS_PER_S)
		return;
	guest_end(g, GUEST_SILENT, "%s %u s; last on its console: %.200s",
	    g->ready ? "the guest gave no sign of life for" : "the guest did not come up within",
	    limit, g->console.last[0] ? g->console.last : "nothing");
}

/*
 * Under TCG QEMU 7.2 hangs once in some hundred boots, in the kernel's first second (why is not
 * known). Nothing has begun yet, so it is begun anew, once; one with a wire or a terminal is not, whose
 * other ends are taken.
 */
static bool boot_again(struct guest *g, uint64_t now)
{
	char error[STACK_ERROR];

	if (g->alive || g->again || g->cfg.network || g->terminal_fd >= 0 ||
	    (g->snap && !guest_snap_boots(g->snap)) ||
	    now - g->heard_ns < g->cfg.start_s * NS_PER_S / 2)
		return false;
	g->again = true;
	if (g->ops.part)
		g->ops.part(g->ops.ctx, "boot", "hung", "it does not come up: it is begun once more");
	if (guest_relaunch(g, NULL, error))
		guest_end(g, GUEST_DIED, "%.400s", error);
	return true;
}

static void judge(struct guest *g, bool ended, int status)
{
	uint64_t now = clock_mono_ns();
	char how[128];

	if (g->panic[0] && (ended || now - g->panic_ns > LAST_WORDS_NS))
		guest_end(g, GUEST_PANIC, "guest kernel: %.300s", g->panic);
	else if (g->done)
		g->end = g->failed ? GUEST_FAILED : GUEST_DONE;
	else if (g->junk > JUNK_MAX)
		guest_end(g, GUEST_FLOOD, "the guest wrote %llu bytes over its port that mean nothing",
		    (unsigned long long)g->junk);
	else if (served_ended(&g->served, how, sizeof(how)))
		guest_end(g, GUEST_DIED, "%s: rig-serve.log may say why", how);
	else if (ended)
		judge_death(g, status);
	else if (!g->panic[0] && !boot_again(g, now))
		judge_silence(g, now);
}

/* What there is to hear from it, and what follows. */
static void look(struct guest *g)
{
	int status = 0;
	bool ended;

	if (g->end)
		return;
	ended = keeper_ended(&g->keeper, &status); /* before the last look at what it said */
	/* the console first: what the kernel says of a case comes before the case's end */
	drain(g, &g->console_fd, true, take_console);
	drain(g, &g->port_fd, ended, guest_hear);
	drain(g, &g->terminal_fd, ended, take_terminal);
	guest_plug_step(g->plug);
	if (g->snap && guest_snap_step(g, ended))
		return; /* it was begun anew */
	judge(g, ended, status);
}

enum guest_end guest_step(struct guest *g, int other_fd)
{
	const struct guest *b = g->behind;
	struct pollfd p[] = { { .fd = g->console_fd, .events = POLLIN },
			      { .fd = g->port_fd, .events = POLLIN },
			      { .fd = g->terminal_fd, .events = POLLIN },
			      { .fd = b ? b->console_fd : -1, .events = POLLIN },
			      { .fd = b ? b->port_fd : -1, .events = POLLIN },
			      { .fd = guest_plug_fd(g->plug, 0), .events = POLLIN },
			      { .fd = guest_plug_fd(g->plug, 1), .events = POLLIN },
			      { .fd = other_fd, .events = POLLIN } };

	if (guest_pair_ended(g))
		return g->end;
	poll(p, ARRAY_SIZE(p), STEP_MS);
	if (b) /* before this one, whose driver will complain of it */
		look(g->behind);
	look(g);
	guest_pair_look(g);
	return guest_pair_ended(g) ? g->end : GUEST_RUNS;
}

/* ---- to it ---- */

void guest_tell(struct guest *g, const char *line)
{
	if (g->port_fd >= 0)
		(void)!send(g->port_fd, line, strlen(line), MSG_NOSIGNAL | MSG_DONTWAIT);
}

void guest_signal(struct guest *g, int signal)
{
	char line[64];

	snprintf(line, sizeof(line), "{\"type\":\"signal\",\"number\":%d}\n", signal);
	guest_tell(g, line);
}

void guest_type(struct guest *g, const void *data, size_t n)
{
	if (g->terminal_fd >= 0)
		(void)!send(g->terminal_fd, data, n, MSG_NOSIGNAL | MSG_DONTWAIT);
}

/* ---- what there is to say ---- */

const char *guest_reason(const struct guest *g)
{
	return g->end == GUEST_DONE ? "" : g->reason;
}

int guest_status(const struct guest *g)
{
	return g->status;
}

const char *guest_engine(const struct guest *g)
{
	return g->engine;
}

const char *guest_accel(const struct guest *g)
{
	return g->accel;
}
