// SPDX-License-Identifier: GPL-2.0-or-later
/* The bytes of vfio-user: version text, capabilities, messages over a socket; and all of it bent.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "unit.h"
#include "vfio_user/proto.h"
#include "vfio_user/sock.h"

#define SOON (clock_mono_ns() + 20 * NS_PER_MS)

static uint64_t state = 20261126;

static uint32_t rnd(uint32_t below)
{
	state = state * 6364136223846793005ull + 1442695040888963407ull;
	return below ? (uint32_t)(state >> 33) % below : 0;
}

static unsigned open_fds(void)
{
	DIR *d = opendir("/proc/self/fd");
	unsigned n = 0;

	while (d && readdir(d))
		n++;
	closedir(d);
	return n;
}

/* ---- version ---- */

static int parse_text(const char *text, size_t len, struct vu_version *v)
{
	char bytes[4 + VU_TEXT_MAX + 8] = { 0 };

	bytes[2] = 1;
	memcpy(bytes + 4, text, len);
	return vu_version_parse(bytes, 4 + len, v);
}

static void version_good(void)
{
	static const char text[] = "{\"x\":[1,{}],\"capabilities\":{\"max_msg_fds\":8,"
				   "\"max_data_xfer_size\":65536,\"twin_socket\":"
				   "{\"supported\":true,\"fd_index\":0},\"migration\":{}}} ";
	struct vu_version v, w = { .minor = 1, .fds_max = 8, .data_max = 4096, .step = true };
	char bytes[256];
	size_t n = vu_version_format(&w, bytes, sizeof(bytes));

	CU_ASSERT_EQUAL(parse_text(text, sizeof(text), &v), 0);
	CU_ASSERT(v.major == 0 && v.minor == 1 && v.fds_max == 8 && v.data_max == 65536 && v.twin);
	CU_ASSERT(!v.step && !v.power);
	CU_ASSERT_EQUAL(vu_version_parse(bytes, n, &v), 0);
	CU_ASSERT(v.minor == 1 && v.fds_max == 8 && v.data_max == 4096 && v.step && !v.power);
	CU_ASSERT_EQUAL(parse_text("", 0, &v), 0); /* no text: the defaults */
	CU_ASSERT(v.fds_max == 1 && v.data_max == VU_DATA_MAX && !v.twin && v.twin_fd == -1);
	w = (struct vu_version){ .twin = true, .twin_fd = 3 };
	n = vu_version_format(&w, bytes, sizeof(bytes));
	CU_ASSERT_EQUAL(vu_version_parse(bytes, n, &v), 0);
	CU_ASSERT(v.twin && v.twin_fd == 3);
	w.twin_fd = -1;
	n = vu_version_format(&w, bytes, sizeof(bytes));
	CU_ASSERT_EQUAL(vu_version_parse(bytes, n, &v), 0);
	CU_ASSERT(v.twin && v.twin_fd == -1);
	CU_ASSERT_EQUAL(vu_version_format(&w, bytes, 20), 0);
}

static void version_bad(void)
{
	static const char *const bad[] = {
		"{",
		"[]",
		"7",
		"null",
		"{} {}",
		"{\"capabilities\":1}",
		"{\"capabilities\":{\"max_msg_fds\":\"8\"}}",
		"{\"capabilities\":{\"max_msg_fds\":-1}}",
		"{\"capabilities\":{\"max_data_xfer_size\":1.5}}",
		"{\"capabilities\":{\"twin_socket\":true}}",
		"{\"capabilities\":{\"twin_socket\":{\"supported\":1}}}",
		"{\"capabilities\":{\"twin_socket\":{\"fd_index\":\"0\"}}}",
		"{\"capabilities\":{\"nvrig\":[]}}",
		"{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":1}}}}}}}}}",
		"",
	};
	struct vu_version v;

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		CU_ASSERT_EQUAL(parse_text(bad[i], strlen(bad[i]) + 1, &v), -EINVAL);
	CU_ASSERT_EQUAL(parse_text("{}", 2, &v), -EINVAL);     /* no NUL */
	CU_ASSERT_EQUAL(parse_text("{}\0{}", 6, &v), -EINVAL); /* a NUL inside */
	CU_ASSERT_EQUAL(vu_version_parse("abc", 3, &v), -EINVAL);
}

static void version_bent(void)
{
	static const char good[] = "{\"capabilities\":{\"max_msg_fds\":8,\"nvrig\":{\"step\":true},"
				   "\"max_data_xfer_size\":1048576,\"twin_socket\":{\"supported\":"
				   "true}}}";
	struct vu_version v;
	unsigned taken = 0;

	for (unsigned i = 0; i < 20000; i++) {
		char text[sizeof(good)];
		size_t len = rnd(4) ? sizeof(good) : rnd(sizeof(good));

		memcpy(text, good, sizeof(good));
		for (unsigned k = rnd(4); k; k--)
			text[rnd(sizeof(text))] = rnd(2) ? (char)rnd(256) : "{}[]\",:0"[rnd(8)];
		taken += !parse_text(text, len, &v);
	}
	CU_ASSERT(taken > 0 && taken < 20000);
}

/* ---- regions ---- */

struct reply {
	struct vu_region r;
	struct {
		uint16_t id, version;
		uint32_t next, n, reserved;
	} cap;
	struct vu_area area[2];
};

static struct reply sparse_reply(void)
{
	return (struct reply){
		.r = { .argsz = 80, .flags = 0xf, .cap_offset = 32, .size = 0x4000 },
		.cap = { 1, 1, 0, 2, 0 },
		.area = { { 0x1000, 0x1000 }, { 0x3000, 0x1000 } },
	};
}

static int parse_reply(const struct reply *r, size_t len, unsigned *n)
{
	struct vu_area area[VU_AREAS_MAX];
	struct vu_region region;

	return vu_region_parse(r, len, &region, area, VU_AREAS_MAX, n);
}

static void regions(void)
{
	struct reply r = sparse_reply();
	unsigned n = 9;

	CU_ASSERT_EQUAL(parse_reply(&r, sizeof(r), &n), 0);
	CU_ASSERT_EQUAL(n, 2);
	r.r.flags = 7; /* mappable, no capability: all of it */
	CU_ASSERT_EQUAL(parse_reply(&r, 32, &n), 0);
	CU_ASSERT_EQUAL(n, 1);
	r.r.flags = 0xb; /* areas, and not mappable */
	CU_ASSERT_EQUAL(parse_reply(&r, sizeof(r), &n), 0);
	CU_ASSERT_EQUAL(n, 0);
}

#define BENT(change)                                                                               \
	do {                                                                                       \
		struct reply r = sparse_reply();                                                   \
		unsigned n = 0;                                                                    \
		change;                                                                            \
		CU_ASSERT_EQUAL(parse_reply(&r, sizeof(r), &n), -EPROTO);                          \
	} while (0)

static void regions_bad(void)
{
	const struct reply whole = sparse_reply();
	unsigned areas;

	for (size_t len = 0; len < sizeof(whole); len++)
		CU_ASSERT_EQUAL(parse_reply(&whole, len, &areas), -EPROTO);
	BENT(r.r.cap_offset = 31);
	BENT(r.r.cap_offset = 79);
	BENT(r.r.cap_offset = 0xffffffff);
	BENT(r.cap.next = 32);
	BENT(r.cap.next = 16);
	BENT(r.cap.next = 0xfffffff0);
	BENT(r.cap.n = 3);
	BENT(r.cap.n = 0xffffffff);
	BENT(r.area[0].offset = 0x4000);
	BENT(r.area[0].offset = ~0ull);
	BENT(r.area[1].size = 0x1001);
	BENT(r.area[1].size = 0);
	BENT(r.area[1].size = ~0ull);
	BENT(r.r.size = 0);
}

static void regions_bent(void)
{
	unsigned taken = 0, n;

	for (unsigned i = 0; i < 50000; i++) {
		struct reply r = sparse_reply();
		uint8_t *bytes = malloc(sizeof(r));
		size_t len = rnd(3) ? sizeof(r) : rnd(sizeof(r));

		for (unsigned k = 1 + rnd(4); k; k--)
			((uint8_t *)&r)[rnd(sizeof(r))] = (uint8_t)rnd(256);
		memcpy(bytes, &r, len);
		taken += !parse_reply((struct reply *)bytes, len, &n);
		free(bytes);
	}
	CU_ASSERT(taken > 0 && taken < 50000);
}

/* ---- headers ---- */

static void headers(void)
{
	struct vu_header asked = { 7, VU_REGION_READ, 32, 0, 0 }, h = asked;

	h.flags = VU_REPLY;
	CU_ASSERT_EQUAL(vu_reply_check(&h, &asked), 0);
	h.flags = VU_REPLY | VU_ERROR;
	CU_ASSERT_EQUAL(vu_reply_check(&h, &asked), -EIO);
	h.error = EPERM;
	CU_ASSERT_EQUAL(vu_reply_check(&h, &asked), -EPERM);
	h.error = 0xffffffff;
	CU_ASSERT_EQUAL(vu_reply_check(&h, &asked), -EIO);
	h.id = 8;
	CU_ASSERT_EQUAL(vu_reply_check(&h, &asked), -EPROTO);
	h = asked;
	CU_ASSERT_EQUAL(vu_reply_check(&h, &asked), -EPROTO);
	CU_ASSERT_EQUAL(vu_request_check(&asked), 0);
	asked.size = 33;
	CU_ASSERT_EQUAL(vu_request_check(&asked), EINVAL);
	asked.size = 31;
	CU_ASSERT_EQUAL(vu_request_check(&asked), EINVAL);
	asked.command = 99;
	CU_ASSERT_EQUAL(vu_request_check(&asked), ENOTSUP);
}

/* ---- messages ---- */

static int pair[2];

static void raw(const void *bytes, size_t len, const int *fd, unsigned fds)
{
	char control[CMSG_SPACE(sizeof(int) * 16)] = { 0 };
	struct iovec iov = { (void *)bytes, len };
	struct msghdr mh = { .msg_iov = &iov, .msg_iovlen = 1 };
	struct cmsghdr *c;

	if (fds) {
		mh.msg_control = control;
		mh.msg_controllen = CMSG_SPACE(sizeof(int) * fds);
		c = CMSG_FIRSTHDR(&mh);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int) * fds);
		memcpy(CMSG_DATA(c), fd, sizeof(int) * fds);
	}
	CU_ASSERT_EQUAL(sendmsg(pair[1], &mh, MSG_NOSIGNAL), (ssize_t)len);
}

static int receive(struct vu_msg *m)
{
	return vu_receive(pair[0], m, SOON, 20 * NS_PER_MS);
}

/* What comes of these bytes; the other side hangs up behind them when told to. */
static int given(const void *bytes, size_t len, unsigned fds, bool hang_up)
{
	int fd[16], err;
	struct vu_msg m = { 0 };

	CU_ASSERT_EQUAL_FATAL(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	for (unsigned i = 0; i < ARRAY_SIZE(fd); i++)
		fd[i] = pair[0];
	if (len)
		raw(bytes, len, fd, fds);
	if (hang_up)
		shutdown(pair[1], SHUT_WR);
	err = receive(&m);
	vu_msg_free(&m);
	close(pair[0]);
	close(pair[1]);
	return err;
}

static void messages_bad(void)
{
	struct vu_header h = { 1, 2, 20, 0, 0 };
	unsigned before = open_fds();
	static const uint32_t sizes[] = { 0, 15, VU_SIZE_MAX + 1, UINT32_MAX };

	CU_ASSERT_EQUAL(given(NULL, 0, 0, false), -EAGAIN);
	CU_ASSERT_EQUAL(given(NULL, 0, 0, true), -ENODEV);
	CU_ASSERT_EQUAL(given(&h, 9, 0, false), -ETIMEDOUT);
	CU_ASSERT_EQUAL(given(&h, 9, 0, true), -ENODEV);
	CU_ASSERT_EQUAL(given(&h, 16, 3, false), -ETIMEDOUT);
	CU_ASSERT_EQUAL(given(&h, 16, 3, true), -ENODEV);
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		h.size = sizes[i];
		CU_ASSERT_EQUAL(given(&h, 16, 1, false), -EPROTO);
	}
	h.size = 16;
	CU_ASSERT_EQUAL(given(&h, 16, 8, false), 0);
	CU_ASSERT_EQUAL(given(&h, 16, 9, false), -EPROTO);
	CU_ASSERT_EQUAL(given(&h, 16, 16, false), -EPROTO);
	h.flags = 2;
	CU_ASSERT_EQUAL(given(&h, 16, 0, false), -EPROTO);
	CU_ASSERT_EQUAL(open_fds(), before);
}

static void messages_good(void)
{
	static uint8_t much[VU_DATA_MAX];
	struct vu_piece piece[2] = { { "abcd", 4 }, { "efg", 3 } };
	struct vu_header h = { 3, VU_VERSION, 0, VU_REPLY, 0 };
	unsigned before = open_fds();
	struct vu_msg m = { 0 };
	int fd;

	CU_ASSERT_EQUAL_FATAL(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	CU_ASSERT_EQUAL(vu_send(pair[1], &h, piece, &pair[0], 1, SOON), 0);
	CU_ASSERT_EQUAL(vu_send(pair[1], &h, NULL, NULL, 0, SOON), 0);
	CU_ASSERT_EQUAL(receive(&m), 0);
	CU_ASSERT(m.h.size == 23 && m.len == 7 && m.fds == 1 && !memcmp(m.data, "abcdefg", 7));
	fd = vu_msg_take_fd(&m, 0);
	CU_ASSERT(fd >= 0 && (fcntl(fd, F_GETFD) & FD_CLOEXEC));
	CU_ASSERT_EQUAL(vu_msg_take_fd(&m, 0), -1);
	close(fd);
	CU_ASSERT_EQUAL(receive(&m), 0);
	CU_ASSERT(m.len == 0 && m.fds == 0);
	/* nobody reads: the sender gives up in time */
	piece[0] = (struct vu_piece){ much, sizeof(much) };
	CU_ASSERT_EQUAL(vu_send(pair[1], &h, piece, NULL, 0, SOON), -ETIMEDOUT);
	piece[1].len = 8192;
	CU_ASSERT_EQUAL(vu_send(pair[1], &h, piece, NULL, 0, SOON), -EINVAL);
	close(pair[0]);
	CU_ASSERT_EQUAL(vu_send(pair[1], &h, NULL, NULL, 0, SOON), -ENODEV);
	close(pair[1]);
	vu_msg_free(&m);
	CU_ASSERT_EQUAL(open_fds(), before);
}

static const struct unit units[] = {
	{ "version", version_good },
	{ "version, bad", version_bad },
	{ "version, bent", version_bent },
	{ "regions", regions },
	{ "regions, bad", regions_bad },
	{ "regions, bent", regions_bent },
	{ "headers", headers },
	{ "messages", messages_good },
	{ "messages, bad", messages_bad },
};

UNIT_MAIN("vfio-user", units)
