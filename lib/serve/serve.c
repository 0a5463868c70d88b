// SPDX-License-Identifier: GPL-2.0-or-later
#include "serve/serve.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "model/model.h"
#include "serve/client.h"
#include "serve/fault.h"

#define GREET_NS  (5 * NS_PER_S)    /* for a client to say its version */
#define LOOK_NS	  (500 * NS_PER_US) /* shadow doorbells are looked at as often, with a client */
#define IDLE_NS	  (100 * NS_PER_MS)
#define BURST	  64u	  /* messages between two looks at the clock and at the stop */
#define TICKS_MAX 100000u /* of the model between two looks at the socket */

struct serve {
	struct serve_options o;
	int sock;
	dev_t dev;
	ino_t ino;
	struct device d;
	struct client c;
	uint8_t *out;
	unsigned clients;
	uint64_t messages;
	uint64_t base_ns; /* real time less the device's */
	serve_tell *tell;
	void *ctx;
};

/* ---- the socket ---- */

static int path_fail(char *error, int err, const char *path, const char *what)
{
	snprintf(error, 256, "%.180s: %.60s", path, what);
	return err;
}

/* A socket that nobody listens on is what a killed server leaves. */
static int make_way(const char *path, const struct sockaddr_un *addr, char *error)
{
	struct stat st;
	int fd, err;

	if (lstat(path, &st))
		return errno == ENOENT ? 0 : path_fail(error, -errno, path, strerror(errno));
	if (!S_ISSOCK(st.st_mode))
		return path_fail(error, -EEXIST, path, "is there and is no socket");
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return path_fail(error, -errno, path, strerror(errno));
	err = connect(fd, (const struct sockaddr *)addr, sizeof(*addr)) ? errno : 0;
	close(fd);
	if (err != ECONNREFUSED)
		return path_fail(error, -EADDRINUSE, path, "somebody serves there");
	return unlink(path) ? path_fail(error, -errno, path, strerror(errno)) : 0;
}

static int make_socket(struct serve *s, char *error)
{
	const char *path = s->o.socket;
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	struct stat st;
	mode_t mask;
	int err;

	if (!*path || strlen(path) >= sizeof(addr.sun_path))
		return path_fail(error, -ENAMETOOLONG, path, "a socket's path has 1 to 107 bytes");
	memcpy(addr.sun_path, path, strlen(path));
	err = make_way(path, &addr, error);
	if (err)
		return err;
	s->sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	mask = umask(0177);
	if (s->sock < 0 || bind(s->sock, (struct sockaddr *)&addr, sizeof(addr)))
		err = -errno;
	umask(mask);
	if (!err && !lstat(path, &st)) {
		s->dev = st.st_dev;
		s->ino = st.st_ino;
	}
	if (!err && listen(s->sock, 16))
		err = -errno;
	return err ? path_fail(error, err, path, strerror(-err)) : 0;
}

static void remove_socket(struct serve *s)
{
	struct stat st;

	if (s->sock >= 0)
		close(s->sock);
	if (s->ino && !lstat(s->o.socket, &st) && st.st_dev == s->dev && st.st_ino == s->ino)
		unlink(s->o.socket);
}

/* ---- time ---- */

static void keep_base(struct serve *s)
{
	s->base_ns = clock_mono_ns() - model_now(s->d.m);
}

static void pass_time(struct serve *s)
{
	uint64_t now = clock_mono_ns() - s->base_ns;

	if (s->c.step || s->d.stopped)
		return;
	ask_begin(&s->c.ask);
	for (unsigned i = 0; i < TICKS_MAX && model_now(s->d.m) < now; i++)
		model_relax(s->d.m, now - model_now(s->d.m));
	device_look(&s->d);
}

static uint64_t pause_ns(const struct serve *s)
{
	uint64_t most = s->c.sock < 0 ? IDLE_NS : LOOK_NS;
	uint64_t now = model_now(s->d.m), due = model_next(s->d.m);

	if (s->c.ask.n_held || s->c.ask.broken)
		return 0;
	if (s->c.step)
		return IDLE_NS;
	/* a watch is short, and no message will say when what is watched changes */
	if (due <= now || (s->c.sock >= 0 && model_watches(s->d.m)))
		return 0;
	return due - now < most ? due - now : most;
}

/* ---- clients ---- */

static void say(struct serve *s, enum serve_kind kind, const char *reason)
{
	struct serve_event e = { .kind = kind,
				 .client = s->clients,
				 .messages = s->c.messages,
				 .errors = s->c.errors,
				 .reason = reason };

	if (kind == SERVE_END)
		e.messages = s->messages;
	s->tell(s->ctx, &e);
}

static int renew(struct serve *s)
{
	char error[256];
	int err;

	device_close(&s->d);
	err = device_open(&s->d, s->o.model, error);
	if (!err)
		keep_base(s);
	return err;
}

static int leave(struct serve *s, const char *reason)
{
	bool cut = client_was_cut(&s->c);

	s->d.mem.far = (struct memory_far){ 0 };
	client_end(&s->c);
	s->messages += s->c.messages;
	device_leave(&s->d);
	say(s, SERVE_GONE, reason);
	if (s->c.step) {
		s->c.step = false;
		keep_base(s);
	}
	if (cut && SERVE_FAULT(&s->d, HALF_MESSAGE_ENDS_SERVER))
		return -EPIPE;
	return s->o.fresh ? renew(s) : 0;
}

/* ---- memory by message ---- */

/* Refused, and by fault taken for done. */
static bool is_overheard(const struct serve *s, int err)
{
	return err && !s->c.ask.broken && SERVE_FAULT(&s->d, FAR_REFUSAL_IGNORED);
}

static bool is_unasked(const struct serve *s)
{
	return !s->o.by_message && SERVE_FAULT(&s->d, FAR_MEMORY_UNASKED);
}

static int far_take(void *ctx, uint64_t addr, void *to, size_t len)
{
	struct serve *s = ctx;
	int err = is_unasked(s) ? -EFAULT : ask_take(&s->c.ask, addr, to, len);

	if (!is_overheard(s, err))
		return err;
	memset(to, 0, len);
	return 0;
}

static int far_put(void *ctx, uint64_t addr, const void *from, size_t len)
{
	struct serve *s = ctx;
	int err = is_unasked(s) ? -EFAULT : ask_put(&s->c.ask, addr, from, len);

	return is_overheard(s, err) ? 0 : err;
}

static int welcome(struct serve *s)
{
	int fd = accept4(s->sock, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd < 0)
		return errno == EBADF || errno == EINVAL || errno == ENOTSOCK ? -errno : 0;
	if (s->d.left_enabled) {
		s->d.left_enabled = false;
		close(fd);
		return 0;
	}
	s->c = (struct client){ .sock = fd,
				.d = &s->d,
				.out = s->out,
				.ask = { .sock = fd, .twin = -1 },
				.offer_step = s->o.step,
				.since_ns = clock_mono_ns() };
	s->d.mem.by_message = s->o.by_message;
	s->d.mem.far = (struct memory_far){ far_take, far_put, s };
	s->clients++;
	say(s, SERVE_CLIENT, "");
	return 0;
}

/* By fault: whoever else comes is hung up on, at the cost of the one who is served. */
static void turn_away(struct serve *s)
{
	int fd = accept4(s->sock, NULL, NULL, SOCK_CLOEXEC);

	if (fd < 0)
		return;
	close(fd);
	model_flr(s->d.m);
}

static int hear(struct serve *s)
{
	const char *reason;

	for (unsigned i = 0; i < BURST; i++) {
		int n = client_step(&s->c, &reason);

		if (n < 0)
			return leave(s, reason);
		if (!n)
			break;
		pass_time(s);
	}
	return 0;
}

static int turn(struct serve *s, const struct pollfd *p)
{
	if (s->c.sock < 0)
		return p->revents ? welcome(s) : 0;
	if (p->revents || s->c.ask.n_held || s->c.ask.broken)
		return hear(s);
	if (!s->c.greeted && clock_mono_ns() - s->c.since_ns > GREET_NS)
		return leave(s, "said nothing");
	return 0;
}

int serve_run(struct serve *s, int stop_fd, serve_tell *tell, void *ctx)
{
	int err = 0;

	s->tell = tell;
	s->ctx = ctx;
	keep_base(s);
	say(s, SERVE_READY, s->o.socket);
	while (!err) {
		struct pollfd p[2] = { { .fd = stop_fd, .events = POLLIN },
				       { .fd = s->c.sock < 0 ? s->sock : s->c.sock,
					 .events = POLLIN } };
		struct timespec ts = { 0 };

		if (s->c.sock >= 0 && SERVE_FAULT(&s->d, SECOND_CLIENT_RESETS))
			turn_away(s);
		pass_time(s);
		ts.tv_nsec = (long)pause_ns(s);
		if (ppoll(p, 2, &ts, NULL) < 0 && errno != EINTR)
			err = -errno;
		else if (p[0].revents)
			break;
		else
			err = turn(s, &p[1]);
	}
	if (s->c.sock >= 0)
		leave(s, "the server stops");
	say(s, SERVE_END, err ? strerror(-err) : "");
	return err;
}

int serve_open(struct serve **ret, const struct serve_options *o, char *error)
{
	struct serve *s = calloc(1, sizeof(*s));
	int err;

	*ret = NULL;
	if (s)
		s->out = malloc(VU_DATA_MAX);
	if (!s || !s->out) {
		free(s);
		snprintf(error, 256, "out of memory");
		return -ENOMEM;
	}
	s->o = *o;
	s->sock = s->c.sock = s->c.ask.twin = -1;
	err = device_open(&s->d, o->model, error);
	if (!err)
		err = make_socket(s, error);
	if (err) {
		serve_close(s);
		return err;
	}
	*ret = s;
	return 0;
}

void serve_close(struct serve *s)
{
	if (!s)
		return;
	remove_socket(s);
	device_close(&s->d);
	free(s->out);
	free(s);
}
