// SPDX-License-Identifier: GPL-2.0-or-later
#include "vfio_user/sock.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"

/* 0 when the socket is ready for `events`, -ETIMEDOUT, or -errno. */
static int wait_for(int sock, short events, uint64_t deadline_ns)
{
	struct pollfd p = { .fd = sock, .events = events };

	for (;;) {
		uint64_t now = clock_mono_ns(), left = deadline_ns > now ? deadline_ns - now : 0;
		struct timespec ts = { (time_t)(left / NS_PER_S), (long)(left % NS_PER_S) };
		int n = ppoll(&p, 1, &ts, NULL);

		if (n > 0)
			return 0;
		if (n < 0 && errno != EINTR)
			return -errno;
		if (!n && !left)
			return -ETIMEDOUT;
	}
}

static int receive_trouble(void)
{
	switch (errno) {
	case EAGAIN:
	case EINTR:
		return 0;
	case ECONNRESET:
	case EPIPE:
		return -ENODEV;
	default:
		return -errno;
	}
}

static int keep_fds(struct vu_msg *m, struct msghdr *mh)
{
	int err = mh->msg_flags & MSG_CTRUNC ? -EPROTO : 0;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(mh); c; c = CMSG_NXTHDR(mh, c)) {
		size_t n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t i = 0; i < n; i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(c) + i * sizeof(fd), sizeof(fd));
			if (m->fds < VU_FDS_MAX) {
				m->fd[m->fds++] = fd;
			} else {
				close(fd);
				err = -EPROTO;
			}
		}
	}
	return err;
}

/* Some bytes of the header and what descriptors come along: how many bytes, or -errno. */
static int header_bytes(int sock, struct vu_msg *m, size_t have)
{
	union {
		char bytes[CMSG_SPACE(sizeof(int) * VU_FDS_MAX)];
		struct cmsghdr align;
	} control;
	struct iovec iov = { (char *)&m->h + have, sizeof(m->h) - have };
	struct msghdr mh = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.bytes,
		.msg_controllen = sizeof(control.bytes),
	};
	ssize_t n = recvmsg(sock, &mh, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	int err;

	if (n < 0)
		return receive_trouble();
	err = keep_fds(m, &mh);
	if (err)
		return err;
	return n ? (int)n : -ENODEV;
}

static int receive_header(int sock, struct vu_msg *m, uint64_t *deadline_ns, uint64_t rest_ns)
{
	size_t have = 0;

	while (have < sizeof(m->h)) {
		int n = header_bytes(sock, m, have), err;

		if (n < 0)
			return n;
		if (n && !have)
			*deadline_ns = clock_mono_ns() + rest_ns;
		have += (size_t)n;
		if (n)
			continue;
		err = wait_for(sock, POLLIN, *deadline_ns);
		if (err)
			return err == -ETIMEDOUT && !have ? -EAGAIN : err;
	}
	return vu_header_check(&m->h);
}

static int receive_rest(int sock, struct vu_msg *m, uint64_t deadline_ns)
{
	size_t want = m->h.size - sizeof(m->h);

	if (want > m->room) {
		uint8_t *grown = realloc(m->data, want);

		if (!grown)
			return -ENOMEM;
		m->data = grown;
		m->room = want;
	}
	while (m->len < want) {
		ssize_t n = recv(sock, m->data + m->len, want - m->len, MSG_DONTWAIT);
		int err = n < 0 ? receive_trouble() : n ? 0 : -ENODEV;

		if (n > 0)
			m->len += (size_t)n;
		else if (!err)
			err = wait_for(sock, POLLIN, deadline_ns);
		if (err)
			return err;
	}
	return 0;
}

int vu_receive(int sock, struct vu_msg *m, uint64_t deadline_ns, uint64_t rest_ns)
{
	int err;

	vu_msg_drop_fds(m);
	m->len = 0;
	err = receive_header(sock, m, &deadline_ns, rest_ns);
	if (!err)
		err = receive_rest(sock, m, deadline_ns);
	if (err)
		vu_msg_drop_fds(m);
	return err;
}

static void put_fds(struct msghdr *mh, char *control, const int *fd, unsigned fds)
{
	struct cmsghdr *c;

	mh->msg_control = control;
	mh->msg_controllen = CMSG_SPACE(sizeof(int) * fds);
	c = CMSG_FIRSTHDR(mh);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int) * fds);
	memcpy(CMSG_DATA(c), fd, sizeof(int) * fds);
}

/* Takes n sent bytes off the front. */
static void advance(struct msghdr *mh, size_t n)
{
	while (mh->msg_iovlen && n >= mh->msg_iov->iov_len) {
		n -= mh->msg_iov->iov_len;
		mh->msg_iov++;
		mh->msg_iovlen--;
	}
	if (!mh->msg_iovlen)
		return;
	mh->msg_iov->iov_base = (char *)mh->msg_iov->iov_base + n;
	mh->msg_iov->iov_len -= n;
}

static int send_all(int sock, struct msghdr *mh, uint64_t deadline_ns)
{
	while (mh->msg_iovlen) {
		ssize_t n = sendmsg(sock, mh, MSG_DONTWAIT | MSG_NOSIGNAL);
		int err = n < 0 ? receive_trouble() : 0;

		if (n > 0) {
			advance(mh, (size_t)n);
			mh->msg_control = NULL;
			mh->msg_controllen = 0;
		} else if (!err) {
			err = wait_for(sock, POLLOUT, deadline_ns);
		}
		if (err)
			return err;
	}
	return 0;
}

int vu_send(int sock, struct vu_header *h, const struct vu_piece piece[2], const int *fd,
	    unsigned fds, uint64_t deadline_ns)
{
	union {
		char bytes[CMSG_SPACE(sizeof(int) * VU_FDS_MAX)];
		struct cmsghdr align;
	} control = { 0 };
	struct iovec iov[3] = { { h, sizeof(*h) } };
	struct msghdr mh = { .msg_iov = iov, .msg_iovlen = 1 };
	size_t size = sizeof(*h);

	for (unsigned i = 0; piece && i < 2; i++) {
		if (!piece[i].len)
			continue;
		if (piece[i].len > VU_SIZE_MAX - size)
			return -EINVAL;
		size += piece[i].len;
		iov[mh.msg_iovlen++] = (struct iovec){ (void *)piece[i].data, piece[i].len };
	}
	if (fds > VU_FDS_MAX)
		return -EINVAL;
	h->size = (uint32_t)size;
	if (fds)
		put_fds(&mh, control.bytes, fd, fds);
	return send_all(sock, &mh, deadline_ns);
}

int vu_msg_take_fd(struct vu_msg *m, unsigned i)
{
	int fd = i < m->fds ? m->fd[i] : -1;

	if (fd >= 0)
		m->fd[i] = -1;
	return fd;
}

void vu_msg_drop_fds(struct vu_msg *m)
{
	for (unsigned i = 0; i < m->fds; i++)
		if (m->fd[i] >= 0)
			close(m->fd[i]);
	m->fds = 0;
}

void vu_msg_free(struct vu_msg *m)
{
	vu_msg_drop_fds(m);
	free(m->data);
	m->data = NULL;
	m->room = 0;
}
