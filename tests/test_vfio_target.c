// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The vfio-user target and servers that are wrong: a small good one in a child, bent in one place.
 * What can be lived with is; all else is an error in words, in time, and without a descriptor more.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "target/target.h"
#include "unit.h"
#include "vfio_user/proto.h"
#include "vfio_user/sock.h"

#define BAR_BYTES 0x4000u
#define CFG_BYTES 0x1000u
#define FOREVER	  (60 * NS_PER_S)
#define ANY	  0xffffu

static char top[] = "/tmp/nvrig-test-vfio-XXXXXX";
static char path[108];

/* ---- the server, in the child ---- */

enum way {
	GOOD,
	CLOSE, /* instead of an answer */
	SILENCE,
	GARBAGE,
	SIZE_0,
	SIZE_15,
	SIZE_4G,
	HALF_HEADER,  /* then silence */
	HALF_PAYLOAD, /* then the end */
	WRONG_ID,
	WRONG_COMMAND,
	EMPTY,	   /* an answer of a header alone */
	TOO_SHORT, /* one byte less than it takes */
	REFUSED,   /* EPERM */
	REFUSED_0, /* an error that is none */
	IN_PIECES,
	EXTRA_FDS, /* descriptors unasked */
	MANY_FDS,  /* more than may be */
	ASKS,	   /* a DMA read of its own before the answer, of memory it was not given */
	ASKS_ON,   /* and goes on asking */
	TWIN,	   /* asks on a socket of its own */
	TWIN_NO_FD,
	TWIN_NO_INDEX,
	TWIN_NO_SOCKET,
	TWIN_CLOSES,
	OTHER_PLACE,
	TEXT_BAD,
	TEXT_NO_NUL,
	MAJOR,
	CAP_LOOPS,
	CAP_OUTSIDE,
	AREA_BEYOND,
	AREA_NOT_IN_FD,
	AREA_ODD,
	AREA_NO_FD,
	AREA_GOOD,
	REGION_SIZE_MAX,
	NO_PCI,
};

static struct {
	enum way way;
	unsigned command; /* the first of these is where */
	int sock, twin, bar_fd;
	uint8_t *bar;
	uint8_t cfg[CFG_BYTES];
	struct vu_msg m;
} s;

static void bytes(const void *data, size_t len)
{
	if (send(s.sock, data, len, MSG_NOSIGNAL) != (ssize_t)len)
		_exit(0);
}

static void reply(const void *data, size_t len, const int *fd, unsigned fds)
{
	struct vu_header h = { s.m.h.id, s.m.h.command, 0, VU_REPLY, 0 };
	struct vu_piece piece[2] = { { data, len } };

	if (vu_send(s.sock, &h, piece, fd, fds, clock_mono_ns() + FOREVER))
		_exit(0);
}

static void ask_for_memory(void)
{
	struct vu_dma dma = { 0x1000, 64 };
	struct vu_header h = { 77, VU_DMA_READ, 0, 0, 0 };
	struct vu_piece piece[2] = { { &dma, sizeof(dma) } };

	if (vu_send(s.sock, &h, piece, NULL, 0, clock_mono_ns() + FOREVER))
		_exit(0);
}

static void hear_the_refusal(void)
{
	struct vu_msg m = { 0 };

	if (vu_receive(s.sock, &m, clock_mono_ns() + FOREVER, FOREVER) || m.h.id != 77 ||
	    m.h.flags != (VU_REPLY | VU_ERROR) || m.h.error != EFAULT)
		_exit(3);
	vu_msg_free(&m);
}

/* What a server may ask and what not, of the 2 MiB at 1 0000 0000h; error 0: it is done. */
#define ARENA	  0x100000000ull
#define LOOK_HERE 0x3000u /* a read of this register brings it on */

static const struct ask {
	unsigned command;
	uint64_t address, count;
	size_t len; /* of data sent */
	unsigned error;
} asks[] = {
	{ VU_DMA_WRITE, ARENA + 0x100000, 8, 8, 0 },
	{ VU_DMA_READ, ARENA + 0x100000, 8, 0, 0 },
	{ VU_DMA_READ, ARENA, 1 << 20, 0, 0 },
	{ VU_DMA_READ, ARENA + 0x1ffff8, 8, 0, 0 },
	{ VU_DMA_READ, ARENA + 0x200000, 0, 0, 0 },
	{ VU_DMA_READ, ARENA + 0x1ffff8, 9, 0, EFAULT },
	{ VU_DMA_READ, ARENA + 0x200000, 1, 0, EFAULT },
	{ VU_DMA_READ, ARENA - 1, 8, 0, EFAULT },
	{ VU_DMA_READ, 0, 8, 0, EFAULT },
	{ VU_DMA_READ, ~0ull, 8, 0, EFAULT },
	{ VU_DMA_READ, ARENA, (1 << 20) + 1, 0, EINVAL },
	{ VU_DMA_READ, ARENA, ~0ull, 0, EINVAL },
	{ VU_DMA_READ, ARENA, 8, 8, EINVAL },
	{ VU_DMA_WRITE, ARENA + 0x1ffff8, 16, 16, EFAULT },
	{ VU_DMA_WRITE, ARENA, 8, 7, EINVAL },
	{ VU_DMA_WRITE, ARENA, 8, 9, EINVAL },
	{ VU_DMA_WRITE, ARENA, ~0ull, 8, EINVAL },
	{ VU_VERSION, 0, 0, 0, ENOTSUP },
	{ 0xffff, 0, 0, 0, ENOTSUP },
};

static void ask_and_judge(int sock, const struct ask *a)
{
	struct vu_dma dma = { a->address, a->count };
	struct vu_header h = { 77, (uint16_t)a->command, 0, 0, 0 };
	struct vu_piece piece[2] = { { &dma, sizeof(dma) }, { "01234567890123456", a->len } };
	size_t more = a->command == VU_DMA_READ ? a->count : 0;
	struct vu_msg m = { 0 };

	if (vu_send(sock, &h, piece, NULL, 0, clock_mono_ns() + FOREVER) ||
	    vu_receive(sock, &m, clock_mono_ns() + FOREVER, FOREVER))
		_exit(0);
	if (m.h.id != 77 || m.h.command != a->command || m.h.error != a->error)
		_exit(7);
	if (m.h.flags != (a->error ? VU_REPLY | VU_ERROR : VU_REPLY))
		_exit(8);
	if (m.len != (a->error ? 0 : sizeof(dma) + more))
		_exit(9);
	if (a == &asks[1] && memcmp(m.data + sizeof(dma), "01234567", 8))
		_exit(10);
	vu_msg_free(&m);
}

static void ask_everything(int sock)
{
	struct vu_dma dma = { ARENA + 0x100000, 4 };
	struct vu_header h = { 78, VU_DMA_WRITE, 0, VU_NO_REPLY, 0 };
	struct vu_piece piece[2] = { { &dma, sizeof(dma) }, { "ABCD", 4 } };

	for (size_t i = 0; i < ARRAY_SIZE(asks); i++)
		ask_and_judge(sock, &asks[i]);
	if (vu_send(sock, &h, piece, NULL, 0, clock_mono_ns() + FOREVER))
		_exit(0);
}

/* Bent on the level of messages; false: the good answer may follow. */
static bool bend_message(const void *data, size_t len)
{
	struct vu_header h = { s.m.h.id, s.m.h.command, (uint32_t)(16 + len), VU_REPLY, 0 };
	int nul = open("/dev/null", O_RDONLY | O_CLOEXEC),
	    fd[8] = { nul, nul, nul, nul, nul, nul, nul, nul };

	switch (s.way) {
	case CLOSE:
		_exit(0);
	case SILENCE:
		pause();
		return true;
	case GARBAGE:
		bytes("220 mail.example.org ESMTP\r\n", 28);
		return true;
	case SIZE_0:
	case SIZE_15:
	case SIZE_4G:
		h.size = s.way == SIZE_0 ? 0 : s.way == SIZE_15 ? 15 : UINT32_MAX;
		bytes(&h, sizeof(h));
		return true;
	case HALF_HEADER:
		bytes(&h, 7);
		pause();
		return true;
	case HALF_PAYLOAD:
		h.size += 8;
		bytes(&h, sizeof(h));
		bytes(data, len);
		_exit(0);
	case WRONG_ID:
		h.id++;
		bytes(&h, sizeof(h));
		bytes(data, len);
		return true;
	case WRONG_COMMAND:
		h.command ^= 3;
		bytes(&h, sizeof(h));
		bytes(data, len);
		return true;
	case EMPTY:
		reply(NULL, 0, NULL, 0);
		return true;
	case TOO_SHORT:
		reply(data, len ? len - 1 : 0, NULL, 0);
		return true;
	case REFUSED:
	case REFUSED_0:
		h = (struct vu_header){ s.m.h.id, s.m.h.command, 16, VU_REPLY | VU_ERROR,
					s.way == REFUSED ? EPERM : 0 };
		bytes(&h, sizeof(h));
		return true;
	case IN_PIECES:
		for (size_t i = 0; i < sizeof(h); i++, usleep(100))
			bytes((const char *)&h + i, 1);
		for (size_t i = 0; i < len; i++)
			bytes((const char *)data + i, 1);
		return true;
	case EXTRA_FDS:
		reply(data, len, fd, 8);
		close(nul);
		return true;
	case MANY_FDS: {
		char control[CMSG_SPACE(sizeof(int) * 9)] = { 0 };
		struct iovec iov = { &h, sizeof(h) };
		struct msghdr mh = { .msg_iov = &iov,
				     .msg_iovlen = 1,
				     .msg_control = control,
				     .msg_controllen = sizeof(control) };
		struct cmsghdr *c = CMSG_FIRSTHDR(&mh);

		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int) * 9);
		memcpy(CMSG_DATA(c), fd, sizeof(fd));
		memcpy(CMSG_DATA(c) + sizeof(fd), &nul, sizeof(nul));
		if (sendmsg(s.sock, &mh, MSG_NOSIGNAL) < 0)
			_exit(4);
		bytes(data, len);
		return true;
	}
	case ASKS:
		ask_for_memory();
		hear_the_refusal();
		return false;
	case ASKS_ON:
		for (;;)
			ask_for_memory();
	default:
		return false;
	}
}

static void answer(const void *data, size_t len, const int *fd, unsigned fds)
{
	bool here = s.command == ANY || s.command == s.m.h.command;

	if (s.m.h.flags & VU_NO_REPLY)
		return;
	if (!here || !bend_message(data, len))
		reply(data, len, fd, fds);
	if (here && s.command != ANY && s.way != ASKS)
		s.command = 0; /* once */
}

static void version_with_twin(void)
{
	static const char text[] = "\0\0\1\0{\"capabilities\":{\"twin_socket\":"
				   "{\"supported\":true,\"fd_index\":0}}}",
			  no_index[] = "\0\0\1\0{\"capabilities\":{\"twin_socket\":"
				       "{\"supported\":true}}}";
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair))
		_exit(6);
	s.twin = pair[0];
	if (s.way == TWIN_NO_INDEX)
		reply(no_index, sizeof(no_index), &pair[1], 1);
	else
		reply(text, sizeof(text), s.way == TWIN_NO_SOCKET ? &s.bar_fd : &pair[1],
		      s.way != TWIN_NO_FD);
	close(pair[1]);
	if (s.way == TWIN_CLOSES)
		close(s.twin);
}

static void version(void)
{
	char text[] = "\0\0\1\0{\"capabilities\":{\"max_msg_fds\":8}}";
	size_t len = sizeof(text);

	if (s.way == TEXT_BAD)
		text[5] = '[';
	if (s.way == TEXT_NO_NUL)
		len--;
	if (s.way == MAJOR)
		text[0] = 1;
	if (s.way >= TWIN && s.way <= TWIN_CLOSES)
		version_with_twin();
	else
		answer(text, len, NULL, 0);
}

static void region(void)
{
	struct {
		struct vu_region r;
		struct {
			uint16_t id, version;
			uint32_t next, n, reserved;
		} cap;
		struct vu_area area;
	} a = { .cap = { 1, 1, 0, 1, 0 }, .area = { 0x1000, 0x1000 } };
	bool mapped = s.way >= CAP_LOOPS && s.way <= AREA_GOOD;

	memcpy(&a.r, s.m.data, sizeof(a.r));
	a.r = (struct vu_region){ .argsz = sizeof(a), .index = a.r.index, .flags = 3 };
	a.r.size = a.r.index == 0 ? BAR_BYTES : a.r.index == 7 ? CFG_BYTES : 0;
	if (s.way == REGION_SIZE_MAX && a.r.index == 0)
		a.r.size = UINT64_MAX;
	if (a.r.index || !mapped) {
		answer(&a.r, sizeof(a.r), NULL, 0);
		return;
	}
	a.r.flags = 0xf;
	a.r.cap_offset = 32;
	if (s.way == CAP_LOOPS)
		a.cap.next = 32;
	if (s.way == CAP_OUTSIDE)
		a.r.cap_offset = 60;
	if (s.way == AREA_BEYOND)
		a.area.size = BAR_BYTES;
	if (s.way == AREA_ODD)
		a.area = (struct vu_area){ 0x1004, 0x800 };
	if (s.way == AREA_NOT_IN_FD)
		a.r.offset = 0x4000;
	answer(&a, sizeof(a), &s.bar_fd, s.way != AREA_NO_FD);
}

static void access_region(bool write)
{
	struct {
		struct vu_access a;
		uint8_t data[8];
	} a = { 0 };
	uint8_t *at;

	memcpy(&a.a, s.m.data, sizeof(a.a));
	if (a.a.count > 8 || (a.a.region && a.a.region != 7) ||
	    a.a.offset > (a.a.region ? CFG_BYTES : BAR_BYTES) - 8)
		_exit(5);
	at = (a.a.region ? s.cfg : s.bar) + a.a.offset;
	if (!write && !a.a.region && a.a.offset == LOOK_HERE)
		ask_everything(s.way == TWIN ? s.twin : s.sock);
	if (write)
		memcpy(at, s.m.data + sizeof(a.a), a.a.count);
	else
		memcpy(a.data, at, a.a.count);
	if (s.way == OTHER_PLACE)
		a.a.offset += 4;
	answer(&a, sizeof(a.a) + (write ? 0 : a.a.count), NULL, 0);
}

static void handle(void)
{
	struct vu_info info = { 16, s.way == NO_PCI ? 1 : 3, 9, 5 };
	struct vu_irq irq = { 16, 1, 2, 4 };

	switch (s.m.h.command) {
	case VU_VERSION:
		return version();
	case VU_DEVICE_GET_INFO:
		return answer(&info, sizeof(info), NULL, 0);
	case VU_DEVICE_GET_REGION_INFO:
		return region();
	case VU_DEVICE_GET_IRQ_INFO:
		return answer(&irq, sizeof(irq), NULL, 0);
	case VU_REGION_READ:
	case VU_REGION_WRITE:
		return access_region(s.m.h.command == VU_REGION_WRITE);
	case VU_DMA_UNMAP:
		return answer(s.m.data, 24, NULL, 0);
	default:
		return answer(NULL, 0, NULL, 0);
	}
}

static void be_server(int listening)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	alarm(30);
	s.bar_fd = memfd_create("bar", MFD_CLOEXEC);
	if (ftruncate(s.bar_fd, BAR_BYTES))
		_exit(6);
	s.bar = mmap(NULL, BAR_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, s.bar_fd, 0);
	s.bar[8] = 0x42; /* VS */
	memcpy(s.cfg, "\x58\x4e\x01\x00", 4);
	s.cfg[6] = 0x10;
	s.cfg[0x34] = 0x84;
	memcpy(s.cfg + 0x84, "\x11\0\3\0\0\x30\0\0", 8); /* 4 vectors, table at 3000h of BAR 0 */
	s.sock = accept(listening, NULL, NULL);
	while (!vu_receive(s.sock, &s.m, clock_mono_ns() + FOREVER, FOREVER))
		handle();
	_exit(0);
}

static pid_t serve(enum way way, unsigned command)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int listening = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	pid_t pid;

	memcpy(addr.sun_path, path, sizeof(addr.sun_path));
	unlink(path);
	CU_ASSERT_EQUAL_FATAL(bind(listening, (struct sockaddr *)&addr, sizeof(addr)), 0);
	CU_ASSERT_EQUAL_FATAL(listen(listening, 1), 0);
	pid = fork();
	if (!pid) {
		s.way = way;
		s.command = command;
		be_server(listening);
	}
	close(listening);
	return pid;
}

/* ---- the client ---- */

static char error[256];

static unsigned fds_here(void)
{
	unsigned n = 0;
	DIR *d = opendir("/proc/self/fd");

	while (d && readdir(d))
		n++;
	closedir(d);
	return n;
}

#define SHORT_MS 150u	/* for who will not answer */
#define LONG_MS	 20000u /* for who does: a busy machine must not make it silent */

static int open_within(struct target **ret, unsigned ms, const char *options)
{
	char address[256];
	int err;

	snprintf(address, sizeof(address), "vfio-user:%s?timeout=%u%s", path, ms, options);
	*error = 0;
	err = target_open(address, ret, error);
	CU_ASSERT_EQUAL(!err, !*error);
	return err;
}

static int open_target(struct target **ret, const char *options)
{
	return open_within(ret, LONG_MS, options);
}

static void stop(pid_t pid)
{
	int status = 0;

	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	CU_ASSERT_TRUE(WIFSIGNALED(status) || WEXITSTATUS(status) == 0);
	unlink(path);
}

/* What comes of opening, in time and without a leak; 0 also closes. */
static int opened(enum way way, unsigned command, const char *options)
{
	unsigned before = fds_here();
	pid_t pid = serve(way, command);
	uint64_t begun = clock_mono_ns();
	struct target *t;
	bool waits = way == SILENCE || way == HALF_HEADER || way == ASKS_ON;
	int err = open_within(&t, waits ? SHORT_MS : LONG_MS, options);

	if (!err)
		target_close(t);
	/* nobody is waited for who has answered, or gone */
	CU_ASSERT_TRUE(clock_mono_ns() - begun < LONG_MS * NS_PER_MS);
	stop(pid);
	CU_ASSERT_EQUAL(fds_here(), before);
	return err;
}

static const unsigned commands[] = { VU_VERSION,
				     VU_DEVICE_GET_INFO,
				     VU_DEVICE_GET_REGION_INFO,
				     VU_DEVICE_GET_IRQ_INFO,
				     VU_DMA_MAP,
				     VU_REGION_READ,
				     VU_REGION_WRITE };

static void good(void)
{
	static const enum way ways[] = { GOOD, IN_PIECES, EXTRA_FDS, ASKS,
					 TWIN, AREA_GOOD, AREA_NO_FD };

	for (size_t i = 0; i < ARRAY_SIZE(ways); i++)
		CU_ASSERT_EQUAL(opened(ways[i], ANY, ""), 0);
	CU_ASSERT_EQUAL(opened(AREA_GOOD, ANY, ",doorbells=mapped"), 0);
	CU_ASSERT_EQUAL(opened(AREA_GOOD, ANY, ",doorbells=message"), 0);
	CU_ASSERT_EQUAL(opened(GOOD, ANY, ",doorbells=mapped"), -EPROTO);
	CU_ASSERT_EQUAL(opened(AREA_NO_FD, ANY, ",doorbells=mapped"), -EPROTO);
}

static void bad_answers(void)
{
	static const struct {
		enum way way;
		int err;
	} row[] = {
		{ CLOSE, -ENODEV },	     { SILENCE, -ETIMEDOUT },	{ GARBAGE, -EPROTO },
		{ SIZE_0, -EPROTO },	     { SIZE_15, -EPROTO },	{ SIZE_4G, -EPROTO },
		{ HALF_HEADER, -ETIMEDOUT }, { HALF_PAYLOAD, -ENODEV }, { WRONG_ID, -EPROTO },
		{ WRONG_COMMAND, -EPROTO },  { MANY_FDS, -EPROTO },	{ REFUSED, -EPERM },
		{ REFUSED_0, -EIO },	     { ASKS_ON, -EPROTO },
	};

	for (size_t i = 0; i < ARRAY_SIZE(row); i++)
		for (size_t k = 0; k < ARRAY_SIZE(commands); k++) {
			int err = opened(row[i].way, commands[k], "");

			CU_ASSERT_TRUE(err == row[i].err ||
				       (row[i].way == ASKS_ON && err == -ETIMEDOUT));
		}
}

static void bad_lengths(void)
{
	for (size_t k = 0; k < 4; k++) {
		CU_ASSERT_EQUAL(opened(EMPTY, commands[k], ""), -EPROTO);
		CU_ASSERT_EQUAL(opened(TOO_SHORT, commands[k], ""), -EPROTO);
	}
	CU_ASSERT_EQUAL(opened(EMPTY, VU_REGION_READ, ""), -EPROTO);
	CU_ASSERT_EQUAL(opened(TOO_SHORT, VU_REGION_READ, ""), -EPROTO);
}

static void bad_contents(void)
{
	static const enum way ways[] = { OTHER_PLACE, TEXT_BAD,	   TEXT_NO_NUL, MAJOR,
					 CAP_LOOPS,   CAP_OUTSIDE, AREA_BEYOND, AREA_NOT_IN_FD,
					 AREA_ODD,    NO_PCI };

	for (size_t i = 0; i < ARRAY_SIZE(ways); i++)
		CU_ASSERT_EQUAL(opened(ways[i], ANY, ""), -EPROTO);
	CU_ASSERT_EQUAL(opened(REGION_SIZE_MAX, ANY, ""), 0);
	CU_ASSERT_EQUAL(opened(TWIN_NO_FD, ANY, ""), -EPROTO);
	CU_ASSERT_EQUAL(opened(TWIN_NO_INDEX, ANY, ""), -EPROTO);
	CU_ASSERT_EQUAL(opened(TWIN_NO_SOCKET, ANY, ""), -EPROTO);
	CU_ASSERT_EQUAL(opened(TWIN_CLOSES, ANY, ""), -ENODEV);
}

/* Between a command and its reply, and while nothing is asked, on either socket. */
static void asked(void)
{
	static const enum way ways[] = { GOOD, TWIN };

	for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
		unsigned before = fds_here();
		pid_t pid = serve(ways[i], 0);
		struct dma d = { .len = 4096, .align = 4096 };
		struct target *t;
		uint64_t v = 1;

		CU_ASSERT_EQUAL_FATAL(open_target(&t, ",mem=2Mi"), 0);
		CU_ASSERT_EQUAL(t->ops->dma_map(t, &d), 0);
		CU_ASSERT_EQUAL(d.iova, ARENA + 0x100000);
		CU_ASSERT_EQUAL(t->ops->reg_read(t, LOOK_HERE, 32, &v), 0);
		CU_ASSERT_EQUAL(v, 0);
		for (unsigned k = 0; k < 10000 && memcmp(d.va, "ABCD", 4); k++)
			CU_ASSERT_EQUAL(t->ops->relax(t, NS_PER_MS), 0);
		CU_ASSERT_EQUAL(memcmp(d.va, "ABCD4567", 8), 0);
		target_close(t);
		stop(pid);
		CU_ASSERT_EQUAL(fds_here(), before);
	}
}

static void no_server(void)
{
	char address[300], longer[200];
	struct target *t;
	int fd;

	unlink(path);
	snprintf(address, sizeof(address), "vfio-user:%s?timeout=50", path);
	CU_ASSERT_EQUAL(target_open(address, &t, error), -ENOENT);
	fd = open(path, O_CREAT | O_RDWR | O_CLOEXEC, 0600);
	close(fd);
	CU_ASSERT_EQUAL(target_open(address, &t, error), -EINVAL);
	CU_ASSERT_PTR_NOT_NULL(strstr(error, "is no socket"));
	unlink(path);
	stop(serve(GOOD, ANY));
	memset(longer, 'x', sizeof(longer));
	snprintf(address, sizeof(address), "vfio-user:/%.150s", longer);
	CU_ASSERT_EQUAL(target_open(address, &t, error), -EINVAL);
	CU_ASSERT_PTR_NOT_NULL(strstr(error, "at most 107 bytes"));
	CU_ASSERT_EQUAL(target_open("vfio-user:", &t, error), -EINVAL);
	CU_ASSERT_EQUAL(target_open("vfio-user:/x?doorbels=message", &t, error), -EINVAL);
	CU_ASSERT_PTR_NOT_NULL(strstr(error, "doorbells"));
	CU_ASSERT_EQUAL(target_open("vfio-user:/x?doorbells=never", &t, error), -EINVAL);
	CU_ASSERT_EQUAL(target_open("vfio-user:/x?mem=4097", &t, error), -EINVAL);
	CU_ASSERT_EQUAL(target_open("vfio-user:/x?timeout=0", &t, error), -EINVAL);
}

/* A process may not have files of that size: RLIMIT_FSIZE holds for shared memory too. */
static void no_memory(void)
{
	const struct rlimit tight = { 1 << 20, RLIM_INFINITY };
	pid_t pid = serve(GOOD, ANY);
	struct rlimit before;
	struct target *t;

	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &before);
	setrlimit(RLIMIT_FSIZE, &tight);
	CU_ASSERT_EQUAL(open_target(&t, ",mem=64Mi"), -EFBIG);
	CU_ASSERT_PTR_NOT_NULL(strstr(error, "mem=67108864"));
	setrlimit(RLIMIT_FSIZE, &before);
	stop(pid);
}

/* Neither room for descriptors nor, where that can be tried, for addresses: words, and no leak. */
static void no_room(void)
{
	unsigned before = fds_here();
	pid_t pid = serve(GOOD, ANY);
	struct rlimit all, tight;
	struct target *t;
	int next = open("/dev/null", O_RDONLY | O_CLOEXEC);

	close(next);
	getrlimit(RLIMIT_NOFILE, &all);
	tight = (struct rlimit){ (rlim_t)next + 1, all.rlim_max }; /* the socket, and no memory */
	setrlimit(RLIMIT_NOFILE, &tight);
	CU_ASSERT_EQUAL(open_target(&t, ""), -EMFILE);
	setrlimit(RLIMIT_NOFILE, &all);
	stop(pid);
#ifndef __SANITIZE_ADDRESS__
	pid = serve(GOOD, ANY);
	getrlimit(RLIMIT_AS, &all);
	tight = (struct rlimit){ 4ull << 30, all.rlim_max };
	setrlimit(RLIMIT_AS, &tight);
	CU_ASSERT_EQUAL(open_target(&t, ",mem=32Gi"), -ENOMEM);
	CU_ASSERT_PTR_NOT_NULL(strstr(error, "cannot be mapped"));
	setrlimit(RLIMIT_AS, &all);
	stop(pid);
#endif
	CU_ASSERT_EQUAL(fds_here(), before);
}

static void doorbells(void)
{
	pid_t pid = serve(AREA_GOOD, ANY);
	struct target *t;
	uint64_t v = 0;

	CU_ASSERT_EQUAL_FATAL(open_target(&t, ""), 0);
	CU_ASSERT_EQUAL(t->ops->reg_write(t, 0x1008, 32, 0x1234), 0);
	CU_ASSERT_EQUAL(t->ops->reg_read(t, 0x1008, 32, &v), 0);
	CU_ASSERT_EQUAL(v, 0x1234);
	CU_ASSERT_EQUAL(t->ops->reg_write(t, 0x2008, 32, 0x4321), 0); /* by message, posted */
	CU_ASSERT_EQUAL(t->ops->reg_read(t, 0x2008, 32, &v), 0);
	CU_ASSERT_EQUAL(v, 0x4321);
	CU_ASSERT_EQUAL(t->ops->reg_read(t, BAR_BYTES - 4, 64, &v), -ERANGE);
	CU_ASSERT_EQUAL(t->ops->reg_read(t, 0, 24, &v), -EINVAL);
	CU_ASSERT_EQUAL(t->ops->mem_read(t, 2, 0, 32, &v), -ERANGE);
	CU_ASSERT_EQUAL(t->ops->mem_read(t, 77, 0, 32, &v), -ERANGE);
	target_close(t);
	stop(pid);
}

static void server_dies(void)
{
	unsigned before = fds_here();
	pid_t pid = serve(GOOD, ANY);
	struct target *t;
	uint64_t v = 0, begun;
	int err = 0;

	CU_ASSERT_EQUAL_FATAL(open_target(&t, ""), 0);
	CU_ASSERT_EQUAL(t->ops->irq_enable(t, 4), 0);
	CU_ASSERT_EQUAL(t->ops->irq_wait(t, 0, 0), 0);
	stop(pid);
	begun = clock_mono_ns();
	CU_ASSERT_EQUAL(t->ops->irq_wait(t, 0, begun + 10 * NS_PER_S), -ENODEV);
	for (unsigned i = 0; i < 10000 && !err; i++)
		err = t->ops->relax(t, NS_PER_MS);
	CU_ASSERT_EQUAL(err, -ENODEV);
	CU_ASSERT_EQUAL(t->ops->reg_read(t, 0, 32, &v), -ENODEV);
	CU_ASSERT_EQUAL(t->ops->reg_write(t, 0x1000, 32, 1), -ENODEV);
	CU_ASSERT_TRUE(clock_mono_ns() - begun < NS_PER_S);
	target_close(t);
	CU_ASSERT_EQUAL(fds_here(), before);
}

static const struct unit units[] = {
	{ "good", good },
	{ "bad answers", bad_answers },
	{ "bad lengths", bad_lengths },
	{ "bad contents", bad_contents },
	{ "asked", asked },
	{ "no server", no_server },
	{ "no memory", no_memory },
	{ "no room", no_room },
	{ "doorbells", doorbells },
	{ "server dies", server_dies },
};

int main(void)
{
	int bad;

	signal(SIGPIPE, SIG_IGN);
	if (!mkdtemp(top))
		return 2;
	snprintf(path, sizeof(path), "%s/sock", top);
	bad = unit_main("vfio-user target", units, ARRAY_SIZE(units));
	return nftw(top, unit_remove_one, 16, FTW_DEPTH | FTW_PHYS) ? 2 : bad;
}
