// SPDX-License-Identifier: GPL-2.0-or-later
#include "target/vu_link.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"

#define RETRY_NS NS_PER_S /* a server that serves one client a process is a while in coming */
#define OUR_IDS	 0x7fffu  /* the others are for who sends messages of his own */
#define LOOK_MAX 64u	  /* commands of the server that one look answers */

__attribute__((format(printf, 3, 4))) static int fail(struct vu_link *l, int err, const char *fmt,
						      ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(l->error, sizeof(l->error), fmt, ap);
	va_end(ap);
	return err;
}

/* ---- connecting ---- */

static int connect_once(struct vu_link *l, const struct sockaddr_un *addr)
{
	l->sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (l->sock < 0)
		return -errno;
	if (!connect(l->sock, (const struct sockaddr *)addr, sizeof(*addr)))
		return 0;
	int err = -errno;

	close(l->sock);
	l->sock = -1;
	return err;
}

static int connect_until(struct vu_link *l, const struct sockaddr_un *addr)
{
	const struct timespec pause = { .tv_nsec = 5 * NS_PER_MS };
	uint64_t begun = clock_mono_ns();

	for (;;) {
		int err = connect_once(l, addr);
		uint64_t most = err == -EAGAIN ? l->timeout_ns : RETRY_NS;

		if (err != -EAGAIN && err != -ECONNREFUSED && err != -ENOENT)
			return err;
		if (clock_mono_ns() - begun > (most < l->timeout_ns ? most : l->timeout_ns))
			return err == -EAGAIN ? -ETIMEDOUT : err;
		nanosleep(&pause, NULL);
	}
}

static int connect_to(struct vu_link *l, const char *path)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	struct stat st;
	int err;

	if (!*path)
		return fail(l, -EINVAL, "no socket; write vfio-user:PATH");
	if (strlen(path) >= sizeof(addr.sun_path))
		return fail(l, -EINVAL, "the path of a socket has at most %zu bytes, this has %zu",
			    sizeof(addr.sun_path) - 1, strlen(path));
	if (!stat(path, &st) && !S_ISSOCK(st.st_mode))
		return fail(l, -EINVAL, "%.120s is no socket", path);
	memcpy(addr.sun_path, path, strlen(path));
	err = connect_until(l, &addr);
	if (err == -ECONNREFUSED)
		return fail(l, -ENODEV, "%.120s: nobody serves there", path);
	return err ? fail(l, err, "%.120s: %s", path, strerror(-err)) : 0;
}

/* A server that says it has a twin and does not give it could ask where nobody listens. */
static int take_twin(struct vu_link *l)
{
	struct stat st;

	if (!l->server.twin)
		return 0;
	l->twin = vu_msg_take_fd(&l->msg, (unsigned)l->server.twin_fd);
	if (l->twin >= 0 && !fstat(l->twin, &st) && S_ISSOCK(st.st_mode))
		return 0;
	return fail(l, -EPROTO, "the server names a twin socket that did not come");
}

static int agree(struct vu_link *l, bool step)
{
	struct vu_version ours = { .major = VU_MAJOR,
				   .minor = VU_MINOR,
				   .fds_max = VU_FDS_MAX,
				   .data_max = VU_DATA_MAX,
				   .twin = true,
				   .twin_fd = -1,
				   .step = step };
	char text[256];
	struct vu_piece piece[2] = { { text, vu_version_format(&ours, text, sizeof(text)) } };
	int err = vu_link_ask(l, VU_VERSION, piece, NULL, 0, 4);

	if (err == -ETIMEDOUT)
		return fail(l, err, "no answer to VERSION within %llu ms (another client has it?)",
			    (unsigned long long)(l->timeout_ns / NS_PER_MS));
	if (err)
		return err;
	if (vu_version_parse(l->msg.data, l->msg.len, &l->server))
		return fail(l, -EPROTO, "the server's version text is malformed");
	if (l->server.major != VU_MAJOR || l->server.minor > VU_MINOR)
		return fail(l, -EPROTO, "the server speaks version %u.%u, we asked for %u.%u",
			    l->server.major, l->server.minor, VU_MAJOR, VU_MINOR);
	return take_twin(l);
}

int vu_link_connect(struct vu_link *l, const char *path, uint64_t timeout_ns)
{
	*l = (struct vu_link){ .sock = -1, .twin = -1, .timeout_ns = timeout_ns };
	return connect_to(l, path);
}

int vu_link_open(struct vu_link *l, const char *path, uint64_t timeout_ns, bool step)
{
	int err = vu_link_connect(l, path, timeout_ns);

	return err ? err : agree(l, step);
}

void vu_link_close(struct vu_link *l)
{
	if (l->sock >= 0)
		close(l->sock);
	if (l->twin >= 0)
		close(l->twin);
	l->sock = l->twin = -1;
	vu_msg_free(&l->msg);
	vu_msg_free(&l->asked);
}

/* ---- exchanges ---- */

static int break_off(struct vu_link *l, int err, unsigned command)
{
	char buf[16];
	const char *name = vu_command_name(command, buf);

	l->broken = err == -ENODEV || err == -ETIMEDOUT ? err : -EPROTO;
	switch (err) {
	case -ENODEV:
		return fail(l, l->broken, "the server hung up (%s)", name);
	case -ETIMEDOUT:
		return fail(l, l->broken, "no answer to %s within %llu ms", name,
			    (unsigned long long)(l->timeout_ns / NS_PER_MS));
	default:
		return fail(l, l->broken, "the answer to %s is none", name);
	}
}

/* One message of the server's on a socket that has one: a command, answered, or *ret_reply. */
static int take_message(struct vu_link *l, int sock, uint64_t deadline, bool *ret_reply)
{
	uint64_t now = clock_mono_ns();
	struct vu_msg m;
	int err = vu_receive(sock, &l->asked, deadline, deadline > now ? deadline - now : 0);

	if (err)
		return err == -EAGAIN ? -ETIMEDOUT : err;
	*ret_reply = (l->asked.h.flags & VU_TYPE) == VU_REPLY;
	if (!*ret_reply) {
		l->asks = true;
		return vu_dma_answer(sock, l->window, &l->asked, deadline);
	}
	if (sock == l->twin)
		return -EPROTO; /* nothing of ours is asked there */
	m = l->msg;
	l->msg = l->asked;
	l->asked = m;
	return 0;
}

/* The twin or the socket, whichever has something, the twin first; -EAGAIN: neither by then. */
static int wait_for_any(const struct vu_link *l, uint64_t deadline)
{
	struct pollfd p[2] = { { .fd = l->twin, .events = POLLIN },
			       { .fd = l->sock, .events = POLLIN } };
	uint64_t now = clock_mono_ns(), left = deadline > now ? deadline - now : 0;
	struct timespec ts = { (time_t)(left / NS_PER_S), (long)(left % NS_PER_S) };
	int n = ppoll(p, 2, &ts, NULL);

	if (n < 0)
		return errno == EINTR ? -EAGAIN : -errno;
	return p[0].revents ? l->twin : p[1].revents ? l->sock : -EAGAIN;
}

/* The next reply; commands of the server's own are answered on the way. */
static int hear(struct vu_link *l, uint64_t deadline)
{
	bool reply = false;

	while (!reply) {
		int sock = l->twin < 0 ? l->sock : wait_for_any(l, deadline);
		int err = sock < 0 ? sock : take_message(l, sock, deadline, &reply);

		if (err && err != -EAGAIN)
			return err;
		if (!reply && clock_mono_ns() >= deadline)
			return -ETIMEDOUT;
	}
	return 0;
}

static int say(struct vu_link *l, struct vu_header *h, const struct vu_piece piece[2],
	       const int *fd, unsigned fds)
{
	if (l->broken)
		return l->broken;
	h->id = ++l->id & OUR_IDS;
	return vu_send(l->sock, h, piece, fd, fds, clock_mono_ns() + l->timeout_ns);
}

int vu_link_ask(struct vu_link *l, unsigned command, const struct vu_piece piece[2], const int *fd,
		unsigned fds, size_t least)
{
	struct vu_header h = { .command = (uint16_t)command };
	char buf[16];
	int err;

	if (l->broken)
		return l->broken;
	err = say(l, &h, piece, fd, fds);
	if (!err)
		err = hear(l, clock_mono_ns() + l->timeout_ns);
	if (err)
		return break_off(l, err, command);
	err = vu_reply_check(&l->msg.h, &h);
	if (!(l->msg.h.flags & VU_ERROR) && (err || l->msg.len < least))
		return break_off(l, -EPROTO, command);
	if (err == -EPROTO && l->msg.h.error != EPROTO)
		return break_off(l, -EPROTO, command);
	if (err)
		return fail(l, err, "the server answers %s with %s", vu_command_name(command, buf),
			    strerror(-err));
	return 0;
}

int vu_link_post(struct vu_link *l, unsigned command, const struct vu_piece piece[2])
{
	struct vu_header h = { .command = (uint16_t)command, .flags = VU_NO_REPLY };
	int err;

	if (l->broken)
		return l->broken;
	err = say(l, &h, piece, NULL, 0);
	return err ? break_off(l, err, command) : 0;
}

int vu_link_send_as(struct vu_link *l, struct vu_header *h, const struct vu_piece piece[2],
		    const int *fd, unsigned fds, uint64_t timeout_ns)
{
	uint64_t deadline = clock_mono_ns() + timeout_ns;
	int err = l->broken;

	if (err)
		return err;
	err = vu_send(l->sock, h, piece, fd, fds, deadline);
	if (!err && h->flags & VU_NO_REPLY)
		return 0;
	if (!err)
		err = hear(l, deadline);
	return err ? break_off(l, err, h->command) : 0;
}

int vu_link_look(struct vu_link *l)
{
	uint64_t soon = clock_mono_ns() + l->timeout_ns;
	bool reply = false;
	int err = l->broken;

	if (err)
		return err;
	for (unsigned i = 0; i < LOOK_MAX && !err; i++) {
		int sock = wait_for_any(l, 0);

		err = sock < 0 ? sock : take_message(l, sock, soon, &reply);
		if (!err && reply)
			err = -EPROTO; /* to what? */
	}
	if (!err || err == -EAGAIN)
		return 0;
	l->broken = err == -ENODEV ? err : -EPROTO;
	return fail(l, l->broken,
		    err == -ENODEV ? "the server hung up"
				   : "the server sends what nobody asked for");
}
