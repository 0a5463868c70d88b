// SPDX-License-Identifier: GPL-2.0-or-later
#include "serve/serve.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "serve/seat.h"

#define FULL_MS 50

/* A client with a device of its own. */
struct guest {
	struct serve *s;
	struct seat seat;
	unsigned number;
	int fd;
	pthread_t thread;
	bool done; /* under the server's lock: it can be joined */
	struct guest *next;
};

struct serve {
	struct serve_options o;
	int sock;
	dev_t dev;
	ino_t ino;
	struct seat seat; /* the one device of those who come one after another */
	unsigned clients;
	struct guest *guests; /* the main thread's */
	unsigned n_guests;
	int halt; /* eventfd: every thread ends */
	int wake; /* eventfd: a thread has ended */
	int stop_fd;
	serve_tell *tell;
	void *ctx;
	/* what threads share */
	pthread_mutex_t lock;
	uint64_t messages;
	int err;
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

/* ---- what is told, and when it is over ---- */

static void say(struct serve *s, const struct serve_event *e)
{
	pthread_mutex_lock(&s->lock);
	s->tell(s->ctx, e);
	pthread_mutex_unlock(&s->lock);
}

static void say_come(struct serve *s, unsigned number)
{
	say(s, &(struct serve_event){ .kind = SERVE_CLIENT, .client = number, .reason = "" });
}

static void say_gone(struct serve *s, unsigned number, const struct client *c, const char *reason)
{
	struct serve_event e = { .kind = SERVE_GONE,
				 .client = number,
				 .messages = c ? c->messages : 0,
				 .errors = c ? c->errors : 0,
				 .reason = reason };

	pthread_mutex_lock(&s->lock);
	s->messages += e.messages;
	s->tell(s->ctx, &e);
	pthread_mutex_unlock(&s->lock);
}

static int come(struct serve *s)
{
	return accept4(s->sock, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
}

/*
 * What a failed accept means: -errno when the listening socket itself is no good. Without a
 * descriptor to spare, which clients can bring about, the one at the door waits, and so do we.
 */
static int not_come(int err)
{
	if (err == EMFILE || err == ENFILE)
		poll(NULL, 0, FULL_MS);
	return err == EBADF || err == EINVAL || err == ENOTSOCK ? -err : 0;
}

/* ---- one device, one client after another ---- */

static int serve_next(struct serve *s)
{
	const char *reason = "";
	int fd = come(s), err;

	if (fd < 0)
		return not_come(errno);
	s->clients++;
	say_come(s, s->clients);
	err = seat_serve(&s->seat, fd, s->stop_fd, s->sock, &reason);
	if (err == -EAGAIN) {
		say_gone(s, s->clients, NULL, "shut out");
		return 0;
	}
	say_gone(s, s->clients, &s->seat.c, reason);
	return err;
}

/* ---- a device for each: a thread for each ---- */

static void *be_guest(void *arg)
{
	struct guest *g = arg;
	struct serve *s = g->s;
	const char *reason = "";
	char error[256];
	int err = seat_open(&g->seat, &s->o, error);

	if (err) {
		close(g->fd);
		say_gone(s, g->number, NULL, error);
	} else {
		err = seat_serve(&g->seat, g->fd, s->halt, s->sock, &reason);
		say_gone(s, g->number, &g->seat.c, reason);
	}
	seat_close(&g->seat);
	pthread_mutex_lock(&s->lock);
	g->done = true;
	if (err == -EPIPE)
		s->err = err;
	pthread_mutex_unlock(&s->lock);
	eventfd_write(s->wake, 1);
	return NULL;
}

static void forget(struct serve *s, struct guest **at)
{
	struct guest *g = *at;

	pthread_join(g->thread, NULL);
	*at = g->next;
	s->n_guests--;
	free(g);
}

/* What has ended is joined; at the end everything. */
static void join(struct serve *s, bool all)
{
	struct guest **at = &s->guests;
	eventfd_t ignored;

	eventfd_read(s->wake, &ignored);
	while (*at) {
		bool done;

		pthread_mutex_lock(&s->lock);
		done = (*at)->done;
		pthread_mutex_unlock(&s->lock);
		if (all || done)
			forget(s, at);
		else
			at = &(*at)->next;
	}
}

static int seat_another(struct serve *s)
{
	struct guest *g;
	int fd = come(s);

	if (fd < 0)
		return not_come(errno);
	s->clients++;
	say_come(s, s->clients);
	g = calloc(1, sizeof(*g));
	if (g) {
		*g = (struct guest){ .s = s, .number = s->clients, .fd = fd, .next = s->guests };
		if (!pthread_create(&g->thread, NULL, be_guest, g)) {
			s->guests = g;
			s->n_guests++;
			return 0;
		}
	}
	free(g);
	close(fd);
	say_gone(s, s->clients, NULL, "no memory for a device, or no thread");
	return 0;
}

/* ---- the server ---- */

static int turn(struct serve *s, bool *over)
{
	bool full = s->n_guests == SERVE_CLIENTS_MAX; /* the others wait at the door */
	struct pollfd p[3] = { { .fd = s->stop_fd, .events = POLLIN },
			       { .fd = s->wake, .events = POLLIN },
			       { .fd = full ? -1 : s->sock, .events = POLLIN } };

	if (poll(p, 3, -1) < 0)
		return errno == EINTR ? 0 : -errno;
	*over = p[0].revents;
	if (p[1].revents)
		join(s, false);
	if (*over || !p[2].revents)
		return 0;
	return s->o.fresh ? seat_another(s) : serve_next(s);
}

static int shared_err(struct serve *s)
{
	int err;

	pthread_mutex_lock(&s->lock);
	err = s->err;
	pthread_mutex_unlock(&s->lock);
	return err;
}

int serve_run(struct serve *s, int stop_fd, serve_tell *tell, void *ctx)
{
	bool over = false;
	int err = 0;

	s->tell = tell;
	s->ctx = ctx;
	s->stop_fd = stop_fd;
	say(s, &(struct serve_event){ .kind = SERVE_READY, .reason = s->o.socket });
	while (!err && !over) {
		err = turn(s, &over);
		if (!err)
			err = shared_err(s);
	}
	eventfd_write(s->halt, 1);
	join(s, true);
	say(s, &(struct serve_event){ .kind = SERVE_END,
				      .client = s->clients,
				      .messages = s->messages,
				      .reason = err ? strerror(-err) : "" });
	return err;
}

static int open_parts(struct serve *s, char *error)
{
	int err;

	s->halt = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	s->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (s->halt < 0 || s->wake < 0) {
		err = -errno;
		snprintf(error, 256, "%s", strerror(-err));
		return err;
	}
	err = seat_open(&s->seat, &s->o, error);
	if (!err && s->o.fresh)
		seat_close(&s->seat); /* it can be made: each has one of its own */
	return err ? err : make_socket(s, error);
}

int serve_open(struct serve **ret, const struct serve_options *o, char *error)
{
	struct serve *s = calloc(1, sizeof(*s));
	int err;

	*ret = NULL;
	if (!s) {
		snprintf(error, 256, "out of memory");
		return -ENOMEM;
	}
	s->o = *o;
	s->sock = s->halt = s->wake = -1;
	pthread_mutex_init(&s->lock, NULL);
	err = open_parts(s, error);
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
	seat_close(&s->seat);
	if (s->halt >= 0)
		close(s->halt);
	if (s->wake >= 0)
		close(s->wake);
	pthread_mutex_destroy(&s->lock);
	free(s);
}
