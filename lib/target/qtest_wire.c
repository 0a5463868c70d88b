// SPDX-License-Identifier: GPL-2.0-or-later
#include "target/qtest_wire.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"

/* Answers left unread; far below what a socket buffers, so that the peer never blocks on us. */
#define POSTED_MAX 64

__attribute__((format(printf, 3, 4))) static int fail(struct wire *w, int err, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(w->error, sizeof(w->error), fmt, ap);
	va_end(ap);
	return err;
}

/* As fail(), and the stream is of no use any more. */
__attribute__((format(printf, 3, 4))) static int give_up(struct wire *w, int err, const char *fmt,
							 ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(w->error, sizeof(w->error), fmt, ap);
	va_end(ap);
	w->broken = err;
	return err;
}

static int try_connect(int fd, const struct sockaddr_un *addr)
{
	return connect(fd, (const struct sockaddr *)addr, sizeof(*addr)) ? -errno : 0;
}

/* A full backlog gives EAGAIN: its owner is about to take a client, or never will. */
static int connect_by(struct wire *w, const struct sockaddr_un *addr, uint64_t deadline)
{
	const struct timespec pause = { .tv_nsec = 2 * NS_PER_MS };
	int err;

	while ((err = try_connect(w->fd, addr)) == -EAGAIN || err == -EINTR) {
		if (clock_mono_ns() >= deadline)
			return fail(w, -ETIMEDOUT, "%s: nobody takes the connection",
				    addr->sun_path);
		nanosleep(&pause, NULL);
	}
	if (err == -ECONNREFUSED)
		return fail(w, err, "%s: nobody listens there (has QEMU gone?)", addr->sun_path);
	if (err)
		return fail(w, err, "%s: %s", addr->sun_path, strerror(-err));
	return 0;
}

static int look_at(struct wire *w, const char *path)
{
	struct stat st;

	if (stat(path, &st))
		return fail(w, -errno, "%.120s: %s", path, strerror(errno));
	if (!S_ISSOCK(st.st_mode))
		return fail(w, -ENOTSOCK, "%.120s: not a socket", path);
	return 0;
}

int wire_open(struct wire *w, const char *path, uint64_t timeout_ns)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int err;

	memset(w, 0, sizeof(*w));
	w->fd = -1;
	w->timeout_ns = timeout_ns;
	if (strlen(path) >= sizeof(addr.sun_path))
		return fail(w, -ENAMETOOLONG, "socket path has %zu bytes, at most %zu are possible",
			    strlen(path), sizeof(addr.sun_path) - 1);
	err = look_at(w, path);
	if (err)
		return err;
	memcpy(addr.sun_path, path, strlen(path) + 1);
	w->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (w->fd < 0)
		return fail(w, -errno, "socket: %s", strerror(errno));
	err = connect_by(w, &addr, clock_mono_ns() + timeout_ns);
	if (err)
		wire_close(w);
	return err;
}

void wire_close(struct wire *w)
{
	if (w->fd >= 0)
		close(w->fd);
	w->fd = -1;
	if (!w->broken)
		w->broken = -ENODEV;
}

/* Waits until the socket is ready for `events`. */
static int wait_for(struct wire *w, short events, uint64_t deadline)
{
	struct pollfd p = { .fd = w->fd, .events = events };

	for (;;) {
		uint64_t now = clock_mono_ns();
		int ms = now >= deadline ? 0 : (int)((deadline - now + NS_PER_MS - 1) / NS_PER_MS);
		int n = poll(&p, 1, ms);

		if (n > 0)
			return 0;
		if (n < 0 && errno != EINTR)
			return give_up(w, -ENODEV, "poll: %s", strerror(errno));
		if (n == 0 && now >= deadline)
			return give_up(
				w, -ETIMEDOUT,
				"no answer within %llu ms (QEMU hangs, or serves another client)",
				(unsigned long long)(w->timeout_ns / NS_PER_MS));
	}
}

static int send_line(struct wire *w, const char *line, size_t len)
{
	uint64_t deadline = clock_mono_ns() + w->timeout_ns;

	while (len) {
		ssize_t n = send(w->fd, line, len, MSG_NOSIGNAL);
		int err;

		if (n > 0) {
			line += n;
			len -= (size_t)n;
			continue;
		}
		if (errno != EAGAIN && errno != EINTR)
			return give_up(w, -ENODEV, "QEMU closed the connection (%s)",
				       strerror(errno));
		err = wait_for(w, POLLOUT, deadline);
		if (err)
			return err;
	}
	return 0;
}

static int receive_more(struct wire *w, uint64_t deadline)
{
	for (;;) {
		ssize_t n = recv(w->fd, w->buf + w->have, sizeof(w->buf) - w->have, 0);
		int err;

		if (n > 0) {
			w->have += (size_t)n;
			return 0;
		}
		if (n == 0)
			return give_up(w, -ENODEV, "QEMU closed the connection%s",
				       w->have ? " in the middle of a line" : "");
		if (errno != EAGAIN && errno != EINTR)
			return give_up(w, -ENODEV, "QEMU closed the connection (%s)",
				       strerror(errno));
		err = wait_for(w, POLLIN, deadline);
		if (err)
			return err;
	}
}

/* Takes one line off the stream, without its newline, NUL-terminated. */
static int take_line(struct wire *w, char line[WIRE_LINE], uint64_t deadline)
{
	char *end;
	size_t len;

	while (!(end = memchr(w->buf, '\n', w->have))) {
		int err;

		if (w->have == sizeof(w->buf))
			return give_up(w, -EPROTO, "a line of more than %d bytes came: not qtest",
				       WIRE_LINE);
		err = receive_more(w, deadline);
		if (err)
			return err;
	}
	len = (size_t)(end - w->buf);
	memcpy(line, w->buf, len);
	line[len] = 0;
	w->have -= len + 1;
	memmove(w->buf, end + 1, w->have);
	return memchr(line, 0, len) ? give_up(w, -EPROTO, "a NUL byte came: not qtest") : 0;
}

static void printable(char *s)
{
	for (; *s; s++)
		if (*s < ' ' || *s > '~')
			*s = '?';
}

static int parse_answer(struct wire *w, char *line, uint64_t *ret)
{
	unsigned long long v = 0;
	char *end = line + 2;

	if (!strncmp(line, "FAIL", 4) || !strncmp(line, "ERR", 3)) {
		printable(line);
		return fail(w, -EPROTO, "QEMU refused: %.120s", line);
	}
	if (!strncmp(line, "OK ", 3) && line[3] >= '0' && line[3] <= '9') {
		errno = 0;
		v = strtoull(line + 3, &end, 0);
		if (errno)
			end = line;
	}
	if (strncmp(line, "OK", 2) || *end) {
		printable(line);
		return give_up(w, -EPROTO, "'%.120s' came where an answer was due: not qtest",
			       line);
	}
	*ret = v;
	return 0;
}

/* The answer to the oldest command not answered yet. */
/* "IRQ raise 21", "IRQ lower 21": kept in w->lines. Other words after IRQ are nobody's. */
static bool is_irq_line(struct wire *w, const char *line)
{
	char what[8];
	unsigned n;

	if (strncmp(line, "IRQ ", 4))
		return false;
	if (sscanf(line + 4, "%7s %u", what, &n) != 2 || n > 63)
		return true;
	if (!strcmp(what, "raise"))
		w->lines |= 1ull << n;
	else if (!strcmp(what, "lower"))
		w->lines &= ~(1ull << n);
	return true;
}

static int take_answer(struct wire *w, uint64_t *ret)
{
	uint64_t deadline = clock_mono_ns() + w->timeout_ns;
	char line[WIRE_LINE];
	int err;

	do {
		err = take_line(w, line, deadline);
		if (!err && clock_mono_ns() > deadline)
			err = give_up(w, -ETIMEDOUT, "nothing but IRQ lines came");
		if (err)
			return err;
	} while (is_irq_line(w, line));
	return parse_answer(w, line, ret);
}

int wire_flush(struct wire *w)
{
	int first = w->broken;
	uint64_t none;

	while (w->posted && !w->broken) {
		int err = take_answer(w, &none);

		w->posted--;
		if (err && !first)
			first = err;
	}
	return first;
}

static int send_command(struct wire *w, const char *fmt, va_list ap)
{
	char line[WIRE_LINE];
	int n;

	if (w->broken)
		return w->broken;
	n = vsnprintf(line, sizeof(line) - 1, fmt, ap);
	if (n < 0 || (size_t)n >= sizeof(line) - 1)
		return fail(w, -EINVAL, "command too long");
	line[n++] = '\n';
	return send_line(w, line, (size_t)n);
}

int wire_ask(struct wire *w, uint64_t *ret, const char *fmt, ...)
{
	uint64_t value = 0;
	va_list ap;
	int err, late;

	va_start(ap, fmt);
	err = send_command(w, fmt, ap);
	va_end(ap);
	if (err)
		return err;
	late = wire_flush(w);
	if (w->broken)
		return w->broken;
	err = take_answer(w, &value);
	if (err || late)
		return err ? err : late;
	if (ret)
		*ret = value;
	return 0;
}

int wire_post(struct wire *w, const char *fmt, ...)
{
	va_list ap;
	int err;

	va_start(ap, fmt);
	err = send_command(w, fmt, ap);
	va_end(ap);
	if (err)
		return err;
	return ++w->posted < POSTED_MAX ? 0 : wire_flush(w);
}

int wire_peer(struct wire *w)
{
	struct pollfd p = { .fd = w->fd, .events = POLLRDHUP };

	if (w->broken)
		return w->broken;
	if (poll(&p, 1, 0) > 0 && (p.revents & (POLLRDHUP | POLLHUP | POLLERR)))
		return give_up(w, -ENODEV, "QEMU closed the connection");
	return 0;
}
