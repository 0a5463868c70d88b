// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/fuzz/fake.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>

#include "base/clock.h"
#include "tests/fuzz/fuzz.h"

#define FDS_MAX 64u
#define HASTE	64u /* of who sleeps, so that what polls for seconds does so a few times */

static struct {
	const struct fake_ops *ops;
	void *ctx;
	uint8_t *bytes;
	size_t at, n, room, chunk;
	int fd[FDS_MAX];
	unsigned fds;
	bool hung;
	uint64_t now_ns;
} fake;

void fake_begin(const struct fake_ops *ops, void *ctx)
{
	fake.ops = ops;
	fake.ctx = ctx;
	fake.at = fake.n = fake.chunk = fake.fds = 0;
	fake.hung = false;
	fake.now_ns = NS_PER_S;
}

static void drop_fds(void)
{
	while (fake.fds)
		close(fake.fd[--fake.fds]);
}

void fake_end(void)
{
	drop_fds();
	free(fake.bytes);
	fake.bytes = NULL;
	fake.at = fake.n = fake.room = 0;
}

void fake_put(const void *bytes, size_t len)
{
	if (fake.at == fake.n)
		fake.at = fake.n = 0;
	if (fake.n + len > fake.room) {
		fake.room = 2 * (fake.n + len);
		fake.bytes = realloc(fake.bytes, fake.room);
		MUST(fake.bytes);
	}
	if (len)
		memcpy(fake.bytes + fake.n, bytes, len);
	fake.n += len;
}

void fake_put_fd(int fd)
{
	if (fd >= 0 && fake.fds < FDS_MAX)
		fake.fd[fake.fds++] = fd;
	else if (fd >= 0)
		close(fd);
}

void fake_hang_up(void)
{
	fake.hung = true;
}

void fake_chunk(size_t most)
{
	fake.chunk = most;
}

bool fake_is_drained(void)
{
	return fake.at == fake.n;
}

/* ---- what stands in for the C library ---- */

int __wrap_connect(int fd, const struct sockaddr *addr, socklen_t len);
ssize_t __wrap_recv(int fd, void *to, size_t len, int flags);
ssize_t __wrap_recvmsg(int fd, struct msghdr *mh, int flags);
ssize_t __wrap_send(int fd, const void *from, size_t len, int flags);
ssize_t __wrap_sendmsg(int fd, const struct msghdr *mh, int flags);
int __wrap_poll(struct pollfd *p, nfds_t n, int ms);
int __wrap_ppoll(struct pollfd *p, nfds_t n, const struct timespec *ts, const sigset_t *mask);
int __wrap_nanosleep(const struct timespec *ts, struct timespec *left);
uint64_t __wrap_clock_mono_ns(void);

int __wrap_connect(int fd, const struct sockaddr *addr, socklen_t len)
{
	(void)fd;
	(void)addr;
	(void)len;
	return 0;
}

ssize_t __wrap_recv(int fd, void *to, size_t len, int flags)
{
	size_t n = fake.n - fake.at;

	(void)fd;
	if (!n && !fake.hung) {
		errno = EAGAIN;
		return -1;
	}
	n = n < len ? n : len;
	n = fake.chunk && n > fake.chunk ? fake.chunk : n;
	if (n)
		memcpy(to, fake.bytes + fake.at, n);
	if (!(flags & MSG_PEEK))
		fake.at += n;
	return (ssize_t)n;
}

/* As the kernel has it: descriptors for which there is no room are closed. */
static void give_fds(struct msghdr *mh)
{
	size_t room = mh->msg_controllen < CMSG_LEN(0) ? 0 : mh->msg_controllen - CMSG_LEN(0);
	unsigned n = fake.fds < room / sizeof(int) ? fake.fds : (unsigned)(room / sizeof(int));
	struct cmsghdr *c = mh->msg_control;

	mh->msg_controllen = 0;
	mh->msg_flags = n < fake.fds ? MSG_CTRUNC : 0;
	if (n) {
		*c = (struct cmsghdr){ .cmsg_len = CMSG_LEN(n * sizeof(int)),
				       .cmsg_level = SOL_SOCKET,
				       .cmsg_type = SCM_RIGHTS };
		memcpy(CMSG_DATA(c), fake.fd, n * sizeof(int));
		mh->msg_controllen = CMSG_SPACE(n * sizeof(int));
		memmove(fake.fd, fake.fd + n, (fake.fds - n) * sizeof(int));
		fake.fds -= n;
	}
	drop_fds();
}

ssize_t __wrap_recvmsg(int fd, struct msghdr *mh, int flags)
{
	ssize_t n = __wrap_recv(fd, mh->msg_iov->iov_base, mh->msg_iov->iov_len, flags);

	MUST(mh->msg_iovlen == 1);
	if (n > 0)
		give_fds(mh);
	else
		mh->msg_controllen = 0, mh->msg_flags = 0;
	return n;
}

ssize_t __wrap_send(int fd, const void *from, size_t len, int flags)
{
	(void)fd;
	MUST(flags & MSG_NOSIGNAL);
	if (fake.hung && fake_is_drained()) {
		errno = EPIPE;
		return -1;
	}
	fake.ops->sent(fake.ctx, from, len);
	return (ssize_t)len;
}

ssize_t __wrap_sendmsg(int fd, const struct msghdr *mh, int flags)
{
	size_t len = 0, at = 0;
	uint8_t *bytes;
	ssize_t sent;

	for (size_t i = 0; i < mh->msg_iovlen; i++)
		len += mh->msg_iov[i].iov_len;
	bytes = malloc(len + 1);
	MUST(bytes);
	for (size_t i = 0; i < mh->msg_iovlen; at += mh->msg_iov[i++].iov_len)
		memcpy(bytes + at, mh->msg_iov[i].iov_base, mh->msg_iov[i].iov_len);
	sent = __wrap_send(fd, bytes, len, flags);
	free(bytes);
	return sent;
}

static int wait_ns(struct pollfd *p, nfds_t n, uint64_t ns)
{
	for (nfds_t i = 0; i < n; i++)
		p[i].revents = 0;
	if (p->events & POLLOUT || !fake_is_drained() || fake.hung ||
	    (ns && fake.ops->more && fake.ops->more(fake.ctx))) {
		p->revents = p->events & (POLLIN | POLLOUT);
		p->revents |= fake.hung && fake_is_drained() ? POLLHUP : 0;
		return p->revents != 0;
	}
	fake.now_ns += ns;
	return 0;
}

int __wrap_poll(struct pollfd *p, nfds_t n, int ms)
{
	MUST(ms >= 0);
	return wait_ns(p, n, (uint64_t)ms * NS_PER_MS);
}

/* Of several descriptors the last socket is the one that bytes come by; nothing else ever is ready.
 */
static int stream_of(const struct pollfd *p, nfds_t n)
{
	struct stat st;

	for (nfds_t i = n; i--;)
		if (p[i].fd >= 0 && !fstat(p[i].fd, &st) && S_ISSOCK(st.st_mode))
			return (int)i;
	return -1;
}

int __wrap_ppoll(struct pollfd *p, nfds_t n, const struct timespec *ts, const sigset_t *mask)
{
	uint64_t ns;

	(void)mask;
	MUST(ts && ts->tv_nsec >= 0 && ts->tv_nsec < (long)NS_PER_S);
	ns = (uint64_t)ts->tv_sec * NS_PER_S + (uint64_t)ts->tv_nsec;
	if (n == 1)
		return wait_ns(p, n, ns);
	for (nfds_t i = 0; i < n; i++)
		p[i].revents = 0;
	if (stream_of(p, n) >= 0)
		return wait_ns(p + stream_of(p, n), 1, ns);
	fake.now_ns += ns;
	return 0;
}

int __wrap_nanosleep(const struct timespec *ts, struct timespec *left)
{
	(void)left;
	MUST(ts->tv_nsec >= 0 && ts->tv_nsec < (long)NS_PER_S);
	fake.now_ns += HASTE * ((uint64_t)ts->tv_sec * NS_PER_S + (uint64_t)ts->tv_nsec);
	return 0;
}

uint64_t __wrap_clock_mono_ns(void)
{
	return fake.now_ns += NS_PER_US;
}
