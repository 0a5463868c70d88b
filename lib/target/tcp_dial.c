// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "target/tcp_queue.h"

static int dial_one(const struct addrinfo *at, uint64_t timeout_ns, int *ret_fd)
{
	int fd = socket(at->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), err = 0;
	struct pollfd p = { .fd = fd, .events = POLLOUT };
	socklen_t len = sizeof(err);

	if (fd < 0)
		return -errno;
	if (connect(fd, at->ai_addr, at->ai_addrlen) && errno != EINPROGRESS)
		err = errno;
	else if (poll(&p, 1, (int)(timeout_ns / NS_PER_MS)) < 1)
		err = ETIMEDOUT;
	else
		getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &len);
	if (!err) {
		*ret_fd = fd;
		return 0;
	}
	close(fd);
	return -err;
}

int tcp_dial(const struct tcp_way *w, int *ret_fd, char *error)
{
	const struct addrinfo want = { .ai_socktype = SOCK_STREAM };
	struct addrinfo *found = NULL;
	int err = getaddrinfo(w->host, w->port, &want, &found);

	if (err) {
		snprintf(error, 200, "%.80s port %.8s: %s", w->host, w->port, gai_strerror(err));
		return -EHOSTUNREACH;
	}
	err = -EHOSTUNREACH;
	for (const struct addrinfo *at = found; at && err; at = at->ai_next)
		err = dial_one(at, w->timeout_ns, ret_fd);
	freeaddrinfo(found);
	if (err)
		snprintf(error, 200, "%.80s port %.8s: %s%s", w->host, w->port, strerror(-err),
			 err == -ECONNREFUSED ? "; is there an NVMe/TCP target?" : "");
	return err;
}
