// SPDX-License-Identifier: GPL-2.0-or-later
#include "agent/agent.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/random.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "agent/internal.h"
#include "base/bytes.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/hex.h"
#include "event/event.h"
#include "image/image.h"
#include "stack/protocol.h"

#define JOB_BYTES   (EVENT_LINE_MAX)
#define WORDS_MAX   512
#define FAREWELL_S  10 /* the rig ends the guest once it has read that all is done */
#define GRACE_NS    (2 * NS_PER_S)
#define TERMINAL    "/dev/hvc0"
#define ERROR_BYTES 512
#define ENTROPY	    PROTOCOL_ENTROPY

struct agent {
	struct link link;
	struct json_object *job;
	bool events;
	char *line; /* of the run, not whole yet */
	size_t len;
};

/* ---- the guest itself ---- */

static void mount_all(void)
{
	static const struct {
		const char *type, *at;
	} mounts[] = {
		{ "devtmpfs", "/dev" },	 { "proc", "/proc" },
		{ "sysfs", "/sys" },	 { "devpts", "/dev/pts" },
		{ "tmpfs", "/dev/shm" }, { "debugfs", "/sys/kernel/debug" },
		{ "tmpfs", "/tmp" },	 { "tmpfs", "/run" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(mounts); i++) {
		mkdir(mounts[i].at, 0755);
		mount("none", mounts[i].at, mounts[i].type, 0, NULL);
	}
}

static void load_module(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || (syscall(SYS_finit_module, fd, "", 0) && errno != EEXIST))
		fprintf(stderr, "nvrig agent: %s: %s\n", path, strerror(errno));
	if (fd >= 0)
		close(fd);
}

static void load_modules(void)
{
	struct bytes b;
	char *save = NULL;

	if (bytes_load(IMAGE_LIST, JOB_BYTES, &b))
		return;
	for (char *path = strtok_r((char *)b.at, "\n", &save); path;
	     path = strtok_r(NULL, "\n", &save))
		load_module(path);
	bytes_free(&b);
	mount("none", "/sys/kernel/config", "configfs", 0, NULL);
}

/* The way to who can unplug the drive, for the job alone to open. */
static void set_plug(const struct agent *a)
{
	char path[300];

	if (event_get_bool(a->job, "ask") && !link_port(PROTOCOL_ASK, path, sizeof(path)))
		setenv(PROTOCOL_PLUG, path, 1);
}

static void set_environment(const struct agent *a)
{
	const char *term = event_get_str(a->job, "term");
	struct json_object *more;

	setenv("PATH", "/bin", 1);
	setenv("HOME", "/root", 1);
	setenv("TERM", *term ? term : "dumb", 1);
	setenv("NVRIG_CONFIGS", "/etc/nvrig/configs", 1);
	setenv("NVRIG_RUNS", "/run/nvrig", 1);
	if (json_object_object_get_ex(a->job, "environment", &more)) {
		json_object_object_foreach (more, name, value)
			setenv(name, json_object_get_string(value), 1);
	}
	set_plug(a);
	(void)!chdir("/root");
}

/* Messages of ours go to the console. */
static void open_console(void)
{
	int fd = open("/dev/console", O_RDWR);

	if (fd < 0)
		return;
	dup2(fd, STDIN_FILENO);
	dup2(fd, STDOUT_FILENO);
	dup2(fd, STDERR_FILENO);
	if (fd > STDERR_FILENO)
		close(fd);
}

static struct json_object *load_job(void)
{
	struct json_object *job = NULL;
	struct bytes b;

	if (bytes_load(PROTOCOL_JOB, JOB_BYTES, &b))
		return NULL;
	job = event_decode((char *)b.at, b.size);
	bytes_free(&b);
	return job;
}

/* ---- the job ---- */

static void take_events(struct agent *a, const char *data, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (a->len < EVENT_LINE_MAX)
			a->line[a->len++] = data[i];
		if (data[i] != '\n')
			continue;
		a->line[a->len - 1] = '\n'; /* also of one that was cut */
		link_raw(&a->link, a->line, a->len);
		a->len = 0;
	}
}

static void take_output(void *ctx, int stream, const char *data, size_t n)
{
	struct agent *a = ctx;
	struct json_object *more;

	if (a->events && stream == 1) {
		take_events(a, data, n);
		return;
	}
	more = json_object_new_object();
	event_u64(more, "stream", (uint64_t)stream);
	link_bytes(&a->link, "agent.out", more, data, n);
}

static void fail(struct agent *a, const char *text)
{
	struct json_object *e = event_new("agent.failed");

	event_str(e, "text", text);
	link_send(&a->link, e);
}

static void set_window(const struct agent *a)
{
	struct winsize w = { .ws_row = (unsigned short)event_get_u64(a->job, "rows"),
			     .ws_col = (unsigned short)event_get_u64(a->job, "columns") };
	int fd = open(TERMINAL, O_RDWR | O_NOCTTY | O_CLOEXEC);

	if (fd >= 0 && w.ws_row)
		ioctl(fd, TIOCSWINSZ, &w);
	if (fd >= 0)
		close(fd);
}

/* The words of the job, or of a shell. How many. */
static size_t job_argv(const struct agent *a, char *argv[WORDS_MAX + 1])
{
	static char shell[] = IMAGE_SHELL, dash_i[] = "-i";
	struct json_object *list;
	size_t n = 0;

	if (!json_object_object_get_ex(a->job, "argv", &list)) {
		argv[0] = shell;
		argv[1] = dash_i;
		argv[2] = NULL;
		set_window(a);
		return 0;
	}
	for (; n < WORDS_MAX && n < json_object_array_length(list); n++)
		argv[n] = (char *)json_object_get_string(json_object_array_get_idx(list, n));
	argv[n] = NULL;
	return n;
}

static void do_job(struct agent *a)
{
	char *argv[WORDS_MAX + 1], text[ERROR_BYTES];
	enum child_from from = job_argv(a, argv) ? CHILD_PIPES : CHILD_TERMINAL;
	struct json_object *e = event_new("agent.exit");
	uint64_t ended = 0;
	struct child c;
	int err = child_start(&c, argv, from);

	if (err) {
		snprintf(text, sizeof(text), "%.100s: %s", argv[0], strerror(-err));
		fail(a, text);
		json_object_put(e);
		return;
	}
	/* what it left running may hold its pipes, but not for long */
	while (!c.ended || ((c.out >= 0 || c.err >= 0) && clock_mono_ns() - ended < GRACE_NS)) {
		child_step(&c, &a->link, take_output, a);
		ended = c.ended && !ended ? clock_mono_ns() : ended;
	}
	child_close(&c);
	event_u64(e, "status", (uint64_t)child_exit_status(&c));
	link_send(&a->link, e);
}

static void say_ready(struct agent *a)
{
	struct json_object *e = event_new("agent.ready");
	struct utsname u;

	if (!uname(&u))
		event_str(e, "kernel", u.release);
	link_send(&a->link, e);
}

/* A guest that was restored has the time and the random numbers of the one that was kept. */
static void wake(const struct agent *a)
{
	struct {
		struct rand_pool_info info;
		char bytes[ENTROPY];
	} pool = { .info = { .entropy_count = 8 * ENTROPY, .buf_size = ENTROPY } };
	const char *hex = event_get_str(a->job, "entropy");
	uint64_t now = event_get_u64(a->job, "clock_ns");
	const struct timespec ts = { (time_t)(now / NS_PER_S), (long)(now % NS_PER_S) };
	int fd = open("/dev/urandom", O_RDWR | O_CLOEXEC);

	if (now)
		clock_settime(CLOCK_REALTIME, &ts);
	if (fd >= 0 && strlen(hex) == 2 * ENTROPY && hex_to(hex, (char *)pool.info.buf) == ENTROPY &&
	    !ioctl(fd, RNDADDENTROPY, &pool.info))
		ioctl(fd, RNDRESEEDCRNG);
	if (fd >= 0)
		close(fd);
}

/* Of an image without a job: it comes, now or after the guest was kept and restored. */
static void await_job(struct agent *a)
{
	say_ready(a);
	while (!a->link.job) {
		struct pollfd p = { .fd = a->link.fd, .events = POLLIN };

		poll(&p, 1, PROTOCOL_ALIVE_MS / 5);
		link_hear(&a->link);
		link_alive(&a->link);
	}
	a->job = a->link.job;
	wake(a);
}

static void wait_for_go(struct agent *a)
{
	while (!a->link.go) {
		usleep(10000);
		link_hear(&a->link);
		link_alive(&a->link);
	}
}

static void work(struct agent *a)
{
	char failed[ERROR_BYTES] = "";
	struct json_object *parts = NULL;
	unsigned n;

	json_object_object_get_ex(a->job, "parts", &parts);
	if (event_get_bool(a->job, "hold"))
		wait_for_go(a);
	n = parts_up(&a->link, parts, failed);
	if (failed[0]) {
		fail(a, failed);
	} else {
		link_send(&a->link, event_new("agent.up"));
		do_job(a);
	}
	collect(&a->link, event_get_str(a->job, "collect"));
	parts_down(&a->link, parts, n);
}

static void farewell(struct agent *a)
{
	link_send(&a->link, event_new("agent.done"));
	for (int i = 0; i < FAREWELL_S * 100; i++) {
		link_hear(&a->link);
		usleep(10000);
	}
}

int agent_run(void)
{
	static struct agent a;

	if (getpid() != 1)
		return -EPERM;
	mount_all();
	open_console();
	load_modules();
	a.line = malloc(EVENT_LINE_MAX + 1);
	a.job = load_job();
	if (link_open(&a.link) || !a.line) {
		fprintf(stderr, "nvrig agent: no port to the rig\n");
	} else {
		if (!a.job && access(PROTOCOL_JOB, F_OK))
			await_job(&a);
		say_ready(&a);
		a.events = event_get_bool(a.job, "events");
		set_environment(&a);
		if (a.job)
			work(&a);
		else
			fail(&a, "the image has no job that can be read");
		farewell(&a);
	}
	sync();
	reboot(RB_POWER_OFF);
	return -EIO;
}
