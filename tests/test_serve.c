// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * `nvrig serve` and clients that break every rule of vfio-user in turn: each gets an error or is
 * hung up on, in time, the next is served, and the server has not one descriptor more than before.
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
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "serve/serve.h"
#include "unit.h"
#include "vfio_user/proto.h"
#include "vfio_user/sock.h"

#define LONG_NS	 (4 * NS_PER_S)
#define REGION_0 0u
#define ADDR	 0x100000000ull

static char top[] = "/tmp/nvrig-test-serve-XXXXXX";
static char path[108];
static pid_t server;
static int sock = -1;
static struct vu_msg msg;

/* ---- the server ---- */

/* more: one option more, or NULL */
static pid_t start_with(const char *model, const char *more)
{
	pid_t pid = fork();
	int null;

	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	null = open("/dev/null", O_RDWR);
	dup2(null, STDOUT_FILENO);
	dup2(null, STDERR_FILENO);
	alarm(100);
	execl(NVRIG_PROGRAM, NVRIG_PROGRAM, "serve", model, "--socket", path, more, (char *)NULL);
	_exit(127);
}

static pid_t start(const char *model)
{
	return start_with(model, NULL);
}

static unsigned fds_of(pid_t pid)
{
	char dir[64];
	unsigned n = 0;
	DIR *d;

	snprintf(dir, sizeof(dir), "/proc/%d/fd", (int)pid);
	d = opendir(dir);
	while (d && readdir(d))
		n++;
	if (d)
		closedir(d);
	return n;
}

static bool reach(void)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };

	memcpy(addr.sun_path, path, sizeof(addr.sun_path));
	sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	for (unsigned i = 0; i < 200; i++) {
		if (!connect(sock, (struct sockaddr *)&addr, sizeof(addr)))
			return true;
		usleep(10000);
	}
	return false;
}

static void leave(void)
{
	close(sock);
	vu_msg_drop_fds(&msg);
}

/* ---- speaking ---- */

static void tell(unsigned command, unsigned flags, const void *data, size_t len, const int *fd,
		 unsigned fds)
{
	struct vu_header h = { 1, (uint16_t)command, 0, flags, 0 };
	struct vu_piece piece[2] = { { data, len } };

	CU_ASSERT_EQUAL(vu_send(sock, &h, piece, fd, fds, clock_mono_ns() + LONG_NS), 0);
}

static int hear(void)
{
	int err = vu_receive(sock, &msg, clock_mono_ns() + LONG_NS, LONG_NS);

	if (err)
		return err;
	return msg.h.flags & VU_ERROR ? (int)msg.h.error : 0;
}

/* 0, the errno of the answer, or -errno of a connection that ended. */
static int ask(unsigned command, const void *data, size_t len, const int *fd, unsigned fds)
{
	tell(command, 0, data, len, fd, fds);
	return hear();
}

static int version(uint16_t major, const char *text, size_t len)
{
	char bytes[4 + VU_TEXT_MAX + 64] = { (char)major, 0, 1, 0 };

	memcpy(bytes + 4, text, len);
	return ask(VU_VERSION, bytes, 4 + len, NULL, 0);
}

static int hello(void)
{
	return version(0, "{}", 3);
}

static bool ended(int err)
{
	return err == -ENODEV || err == -ECONNRESET;
}

static void served(void)
{
	struct vu_info info = { .argsz = sizeof(info) };

	CU_ASSERT_TRUE_FATAL(reach());
	CU_ASSERT_EQUAL(hello(), 0);
	CU_ASSERT_EQUAL(ask(VU_DEVICE_GET_INFO, &info, sizeof(info), NULL, 0), 0);
	leave();
}

/* ---- each rule broken ---- */

static void bytes(const void *data, size_t len)
{
	CU_ASSERT_EQUAL(send(sock, data, len, MSG_NOSIGNAL), (ssize_t)len);
}

static void bad_garbage(void)
{
	bytes("GET / HTTP/1.1\r\nHost: x\r\n\r\n", 27);
	CU_ASSERT_TRUE(ended(hear()));
}

static void bad_silence_in_header(void)
{
	bytes("\1", 1);
	CU_ASSERT_TRUE(ended(hear()));
}

static void bad_silence_in_payload(void)
{
	struct vu_header h = { 1, VU_VERSION, 4096, 0, 0 };

	bytes(&h, sizeof(h));
	CU_ASSERT_TRUE(ended(hear()));
}

static void bad_sizes(void)
{
	static const uint32_t sizes[] = { 0, 15, VU_SIZE_MAX + 1, UINT32_MAX };

	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		struct vu_header h = { 1, VU_VERSION, sizes[i], 0, 0 };

		bytes(&h, sizeof(h));
		CU_ASSERT_TRUE(ended(hear()));
		leave();
		CU_ASSERT_TRUE_FATAL(reach());
	}
}

static void bad_reply(void)
{
	struct vu_header h = { 1, VU_DMA_READ, sizeof(h), VU_REPLY, 0 };

	CU_ASSERT_EQUAL(hello(), 0);
	bytes(&h, sizeof(h));
	CU_ASSERT_TRUE(ended(hear()));
}

static void bad_no_version(void)
{
	struct vu_info info = { .argsz = sizeof(info) };

	CU_ASSERT_EQUAL(ask(VU_DEVICE_GET_INFO, &info, sizeof(info), NULL, 0), EINVAL);
	CU_ASSERT_TRUE(ended(hear()));
}

static void bad_versions(void)
{
	static const struct {
		uint16_t major;
		const char *text;
		size_t len;
	} row[] = {
		{ 1, "{}", 3 }, { 0, "{}", 2 }, { 0, "[]", 3 }, { 0, "{\"capabilities\":7}", 19 }
	};

	for (size_t i = 0; i < ARRAY_SIZE(row); i++) {
		CU_ASSERT_EQUAL(version(row[i].major, row[i].text, row[i].len), EINVAL);
		CU_ASSERT_TRUE(ended(hear()));
		leave();
		CU_ASSERT_TRUE_FATAL(reach());
	}
	CU_ASSERT_EQUAL(hello(), 0);
	CU_ASSERT_EQUAL(hello(), EINVAL);
}

static void bad_commands(void)
{
	CU_ASSERT_EQUAL(hello(), 0);
	for (unsigned c = 0; c < 32; c++)
		if (c != VU_DEVICE_RESET)
			CU_ASSERT_NOT_EQUAL(ask(c, NULL, 0, NULL, 0), 0);
	CU_ASSERT_FALSE(ended(hello()));
}

static void bad_questions(void)
{
	struct vu_info info = { .argsz = 15 };
	struct vu_region region = { .argsz = sizeof(region), .index = VU_REGIONS };
	struct vu_irq irq = { .argsz = sizeof(irq), .index = VU_IRQS };
	uint64_t ns = 1;

	CU_ASSERT_EQUAL(hello(), 0);
	CU_ASSERT_EQUAL(ask(VU_DEVICE_GET_INFO, &info, sizeof(info), NULL, 0), EINVAL);
	CU_ASSERT_EQUAL(ask(VU_DEVICE_GET_REGION_INFO, &region, sizeof(region), NULL, 0), EINVAL);
	CU_ASSERT_EQUAL(ask(VU_DEVICE_GET_IRQ_INFO, &irq, sizeof(irq), NULL, 0), EINVAL);
	CU_ASSERT_EQUAL(ask(VU_NVRIG_RELAX, &ns, sizeof(ns), NULL, 0), ENOTSUP);
}

static void bad_accesses(void)
{
	static const struct vu_access row[] = {
		{ 0, VU_REGIONS, 4 },
		{ 0, 0xffffffff, 4 },
		{ 0, 1, 4 },
		{ 0x4000, REGION_0, 4 },
		{ ~0ull, REGION_0, 4 },
		{ ~0ull - 3, REGION_0, 4 },
		{ 0, REGION_0, 3 },
		{ 0, REGION_0, 16 },
		{ 0, REGION_0, 0xffffffff },
		{ 0xffd, VU_REGION_CONFIG, 4 },
		{ 0, VU_REGION_CONFIG, 4097 },
		{ 0, 6, 1 },
	};
	struct {
		struct vu_access a;
		uint8_t data[5000];
	} w = { .a = { 0x14, REGION_0, 4 } };

	CU_ASSERT_EQUAL(hello(), 0);
	for (size_t i = 0; i < ARRAY_SIZE(row); i++) {
		uint32_t count = row[i].count < 5000 ? row[i].count : 8;

		w.a = row[i];
		CU_ASSERT_NOT_EQUAL(ask(VU_REGION_READ, &w.a, sizeof(w.a), NULL, 0), 0);
		CU_ASSERT_NOT_EQUAL(ask(VU_REGION_WRITE, &w, sizeof(w.a) + count, NULL, 0), 0);
	}
	w.a = (struct vu_access){ 0x14, REGION_0, 4 }; /* more and less data than it says */
	CU_ASSERT_EQUAL(ask(VU_REGION_WRITE, &w, sizeof(w.a) + 3, NULL, 0), EINVAL);
	CU_ASSERT_EQUAL(ask(VU_REGION_WRITE, &w, sizeof(w.a) + 8, NULL, 0), EINVAL);
	w.a = (struct vu_access){ 0, VU_REGION_CONFIG, 4096 };
	CU_ASSERT_EQUAL(ask(VU_REGION_READ, &w.a, sizeof(w.a), NULL, 0), 0);
	CU_ASSERT_EQUAL(msg.len, 16 + 4096);
}

static int map(uint64_t offset, uint64_t address, uint64_t size, uint32_t flags, int fd)
{
	struct vu_map m = { sizeof(m), flags, offset, address, size };

	return ask(VU_DMA_MAP, &m, sizeof(m), &fd, fd >= 0);
}

static int unmap(uint64_t address, uint64_t size, uint32_t flags)
{
	struct vu_unmap u = { sizeof(u), flags, address, size };

	return ask(VU_DMA_UNMAP, &u, sizeof(u), NULL, 0);
}

static void bad_maps(void)
{
	int fd = memfd_create("client", MFD_CLOEXEC), pipes[2], three[3] = { fd, fd, fd };
	struct vu_map m = { sizeof(m), 3, 0, ADDR, 8192 };

	CU_ASSERT_EQUAL(ftruncate(fd, 16384), 0);
	CU_ASSERT_EQUAL(pipe2(pipes, O_CLOEXEC), 0);
	CU_ASSERT_EQUAL(hello(), 0);
	CU_ASSERT_EQUAL(map(0, ADDR, 32768, 3, fd), EINVAL); /* the descriptor has less */
	CU_ASSERT_EQUAL(map(4096, ADDR, 16384, 3, fd), EINVAL);
	CU_ASSERT_EQUAL(map(0, ADDR, 0, 3, fd), EINVAL);
	CU_ASSERT_EQUAL(map(0, ~0ull - 4095, 8192, 3, fd), EINVAL);
	CU_ASSERT_EQUAL(map(~0ull - 4095, ADDR, 8192, 3, fd), EINVAL);
	CU_ASSERT_EQUAL(map(0, ADDR, ~0ull - 4095, 3, fd), EINVAL);
	CU_ASSERT_EQUAL(map(0, ADDR + 1, 4096, 3, fd), EINVAL);
	CU_ASSERT_EQUAL(map(0, ADDR, 4096, 0xffff, fd), EINVAL);
	CU_ASSERT_EQUAL(map(0, ADDR, 4096, 3, pipes[0]), EINVAL);
	CU_ASSERT_EQUAL(ask(VU_DMA_MAP, &m, sizeof(m), three, 3), EINVAL);
	CU_ASSERT_EQUAL(map(0, ADDR, 8192, 3, fd), 0);
	CU_ASSERT_EQUAL(map(0, ADDR, 8192, 3, fd), 0); /* the same again */
	CU_ASSERT_EQUAL(map(0, ADDR + 4096, 8192, 3, fd), EEXIST);
	CU_ASSERT_EQUAL(unmap(ADDR, 4096, 0), ENOENT);
	CU_ASSERT_EQUAL(unmap(ADDR, 8192, 2), EINVAL);
	CU_ASSERT_EQUAL(unmap(ADDR, 8192, 0), 0);
	CU_ASSERT_EQUAL(unmap(ADDR, 8192, 0), ENOENT);
	for (unsigned i = 0, err = 0; i < 300; i++) {
		err = (unsigned)map(0, ADDR + i * 4096ull, 4096, 3, fd);
		CU_ASSERT_EQUAL(err, i < 256 ? 0 : ENOSPC);
	}
	close(fd);
	close(pipes[0]);
	close(pipes[1]);
}

static int set_irqs(uint32_t flags, uint32_t index, uint32_t start, uint32_t count, const int *fd,
		    unsigned fds)
{
	struct vu_set_irqs s = { sizeof(s), flags, index, start, count };

	return ask(VU_DEVICE_SET_IRQS, &s, sizeof(s), fd, fds);
}

static void bad_irqs(void)
{
	int e = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), fd[3] = { e, e, e };
	uint64_t v = 0;

	CU_ASSERT_EQUAL(hello(), 0);
	CU_ASSERT_EQUAL(set_irqs(0x24, 2, 0, 2, fd, 3), EINVAL);
	CU_ASSERT_EQUAL(set_irqs(0x24, 2, 0, 3, fd, 2), EINVAL);
	CU_ASSERT_EQUAL(set_irqs(0x24, 2, 0xffffffff, 3, fd, 3), EINVAL);
	CU_ASSERT_EQUAL(set_irqs(0x24, 2, 0, 0xffffffff, NULL, 0), EINVAL);
	CU_ASSERT_EQUAL(set_irqs(0x24, 0, 0, 2, fd, 2), EINVAL);
	CU_ASSERT_EQUAL(set_irqs(0x2c, 0, 0, 1, fd, 1), EINVAL);
	CU_ASSERT_EQUAL(set_irqs(0x14, 0, 0, 1, fd, 1), EINVAL);
	CU_ASSERT_EQUAL(set_irqs(0x24, 1, 0, 1, fd, 1), EINVAL);
	CU_ASSERT_EQUAL(set_irqs(0x24, 0, 0, 1, fd, 1), 0); /* the wire */
	CU_ASSERT_EQUAL(set_irqs(0x21, 0, 0, 1, NULL, 0), 0);
	CU_ASSERT_EQUAL(read(e, &v, sizeof(v)), 8);
	CU_ASSERT_EQUAL(set_irqs(0x24, 0, 0, 1, fd, 1), 0); /* in its place */
	CU_ASSERT_EQUAL(set_irqs(0x24, 0, 0, 1, NULL, 0), 0);
	CU_ASSERT_EQUAL(set_irqs(0x21, 0, 0, 1, NULL, 0), 0);
	CU_ASSERT_TRUE(read(e, &v, sizeof(v)) < 0 && errno == EAGAIN);
	CU_ASSERT_EQUAL(set_irqs(0x24, 0, 0, 1, fd, 1), 0); /* and left there */
	CU_ASSERT_EQUAL(set_irqs(0x24, 77, 0, 1, fd, 1), EINVAL);
	CU_ASSERT_EQUAL(set_irqs(0x3f, 2, 0, 1, fd, 1), EINVAL);
	CU_ASSERT_EQUAL(set_irqs(0x0c, 2, 0, 1, fd, 1), EINVAL);
	CU_ASSERT_EQUAL(set_irqs(0x22, 2, 0, 1, NULL, 0), EINVAL); /* and no byte */
	CU_ASSERT_EQUAL(set_irqs(0x24, 2, 0, 3, fd, 3), 0);
	CU_ASSERT_EQUAL(set_irqs(0x21, 2, 1, 2, NULL, 0), 0);
	CU_ASSERT_EQUAL(read(e, &v, sizeof(v)), 8);
	CU_ASSERT_EQUAL(v, 2);
	CU_ASSERT_EQUAL(set_irqs(0x24, 2, 0, 3, NULL, 0), 0); /* taken away */
	CU_ASSERT_EQUAL(set_irqs(0x21, 2, 0, 3, NULL, 0), 0);
	CU_ASSERT_TRUE(read(e, &v, sizeof(v)) < 0 && errno == EAGAIN);
	CU_ASSERT_EQUAL(set_irqs(0x24, 2, 0, 3, fd, 3), 0);
	close(e);
}

static void bad_descriptors(void)
{
	struct vu_info info = { .argsz = sizeof(info) };
	int fd[8] = { 0, 0, 0, 0, 0, 0, 0, 0 };

	CU_ASSERT_EQUAL(hello(), 0);
	for (unsigned i = 0; i < 50; i++)
		CU_ASSERT_EQUAL(ask(VU_DEVICE_GET_INFO, &info, sizeof(info), fd, 8), 0);
}

static void never_reads(void)
{
	struct vu_access a = { 0, VU_REGION_CONFIG, 4096 };
	struct vu_header h = { 1, VU_REGION_READ, 0, 0, 0 };
	struct vu_piece piece[2] = { { &a, sizeof(a) } };
	int err = 0;

	CU_ASSERT_EQUAL(hello(), 0);
	for (unsigned i = 0; i < 100000 && !err; i++)
		err = vu_send(sock, &h, piece, NULL, 0, clock_mono_ns() + LONG_NS);
	CU_ASSERT_TRUE(ended(err));
}

static void leaves_in_the_middle(void)
{
	struct vu_header h = { 1, VU_REGION_WRITE, 32, 0, 0 };

	CU_ASSERT_EQUAL(hello(), 0);
	bytes(&h, sizeof(h));
}

static void dies_with_no_reply(void)
{
	struct vu_access a = { 0, REGION_0, 4 };

	CU_ASSERT_EQUAL(hello(), 0);
	for (unsigned i = 0; i < 20; i++)
		tell(VU_REGION_READ, VU_NO_REPLY, &a, sizeof(a), NULL, 0);
	CU_ASSERT_EQUAL(ask(VU_DEVICE_RESET, NULL, 0, NULL, 0), 0);
	CU_ASSERT_EQUAL(msg.h.command, VU_DEVICE_RESET);
}

static int write32(uint64_t off, uint32_t region, uint32_t count, uint64_t value)
{
	struct {
		struct vu_access a;
		uint64_t v;
	} w = { { off, region, count }, value };

	return ask(VU_REGION_WRITE, &w, sizeof(w.a) + count, NULL, 0);
}

static uint32_t csts(void)
{
	struct vu_access a = { 0x1c, REGION_0, 4 };
	uint32_t v = 0;

	CU_ASSERT_EQUAL_FATAL(ask(VU_REGION_READ, &a, sizeof(a), NULL, 0), 0);
	memcpy(&v, msg.data + 16, 4);
	return v;
}

/* Enabled, the admin queues at the begin of what is mapped. */
static void bring_up(int fd)
{
	unsigned tries = 0;

	CU_ASSERT_EQUAL(map(0, ADDR, 16384, 3, fd), 0);
	CU_ASSERT_EQUAL(write32(4, VU_REGION_CONFIG, 2, 6), 0);
	CU_ASSERT_EQUAL(write32(0x24, REGION_0, 4, 31 | 31 << 16), 0);
	CU_ASSERT_EQUAL(write32(0x28, REGION_0, 8, ADDR), 0);
	CU_ASSERT_EQUAL(write32(0x30, REGION_0, 8, ADDR + 8192), 0);
	CU_ASSERT_EQUAL(write32(0x14, REGION_0, 4, 1 | 6 << 16 | 4 << 20), 0);
	while (!(csts() & 1) && tries++ < 200)
		usleep(5000);
	CU_ASSERT_TRUE(tries < 200);
}

/* ---- memory by message: what the server asks is answered wrong ---- */

static int twin = -1;

static int hello_with_twin(void)
{
	static const char text[] = "{\"capabilities\":{\"twin_socket\":{\"supported\":true}}}";
	int err = version(0, text, sizeof(text));

	twin = err ? -1 : vu_msg_take_fd(&msg, 0);
	return err;
}

static bool rung; /* the doorbell's write is answered */

/* The server's question after a doorbell, whose own answer may come before. */
static void await_question(void)
{
	struct vu_access a = { 0x1000, REGION_0, 4 };
	struct {
		struct vu_access a;
		uint32_t v;
	} w = { a, 1 };

	tell(VU_REGION_WRITE, 0, &w, sizeof(w.a) + 4, NULL, 0);
	rung = false;
	do {
		CU_ASSERT_EQUAL_FATAL(hear(), 0);
		rung |= msg.h.flags & VU_REPLY;
	} while (msg.h.flags & VU_REPLY);
	CU_ASSERT_EQUAL_FATAL(msg.h.command, VU_DMA_READ);
	CU_ASSERT_EQUAL_FATAL(msg.len, sizeof(struct vu_dma));
}

struct dma_answer {
	struct vu_dma dma;
	uint8_t data[8192];
};

static void answer_question(unsigned id, uint32_t flags, uint32_t error, uint64_t shift, int more)
{
	static struct dma_answer a;
	struct vu_header h = { (uint16_t)id, msg.h.command, 0, flags, error };
	struct vu_piece piece[2] = { { &a, 0 } };

	memcpy(&a.dma, msg.data, sizeof(a.dma));
	CU_ASSERT_TRUE_FATAL(a.dma.count <= 4096);
	piece[0].len = flags & VU_ERROR ? 0 : sizeof(a.dma);
	if (!(flags & VU_ERROR) && msg.h.command == VU_DMA_READ)
		piece[0].len += a.dma.count + (size_t)more;
	a.dma.address += shift;
	CU_ASSERT_EQUAL(vu_send(sock, &h, piece, NULL, 0, clock_mono_ns() + LONG_NS), 0);
}

static bool hangs_up(void)
{
	int err = hear();

	return ended(err && err < 0 ? err : hear());
}

static void bad_far_answers(void)
{
	for (unsigned i = 0; i < 7; i++) {
		CU_ASSERT_EQUAL(hello(), 0);
		bring_up(-1);
		await_question();
		if (i == 0)
			bytes("220 mail.example.org\r\n", 22);
		if (i == 1)
			answer_question(msg.h.id + 1u, VU_REPLY, 0, 0, 0);
		if (i == 2)
			answer_question(msg.h.id, VU_REPLY, 0, 8, 0);
		if (i == 3)
			answer_question(msg.h.id, VU_REPLY, 0, 0, 1);
		if (i == 4)
			answer_question(msg.h.id, VU_REPLY, 0, 0, -1);
		if (i == 5)
			tell(VU_DMA_READ, VU_REPLY, NULL, 0, NULL, 0);
		CU_ASSERT_TRUE(hangs_up()); /* the last is silent */
		leave();
		CU_ASSERT_TRUE_FATAL(reach());
	}
}

/* The device has no command then, and says so; the connection lives. */
static void refuses_far_memory(void)
{
	CU_ASSERT_EQUAL(hello(), 0);
	bring_up(-1);
	await_question();
	answer_question(msg.h.id, VU_REPLY | VU_ERROR, EFAULT, 0, 0);
	if (!rung)
		CU_ASSERT_EQUAL(hear(), 0);
	CU_ASSERT_EQUAL(csts() & 2, 2);
}

/* What is sent meanwhile is done in its order, and too much of it is no client. */
static void talks_meanwhile(void)
{
	struct vu_access a = { 8, REGION_0, 4 };

	CU_ASSERT_EQUAL(hello(), 0);
	bring_up(-1);
	await_question();
	for (unsigned i = 0; i < 20; i++)
		tell(VU_REGION_READ, 0, &a, sizeof(a), NULL, 0);
	answer_question(msg.h.id, VU_REPLY, 0, 0, 0);
	for (unsigned i = 0; i < 20;) {
		CU_ASSERT_EQUAL_FATAL(hear(), 0);
		if (msg.h.flags & VU_REPLY)
			i += msg.h.command == VU_REGION_READ;
		else
			answer_question(msg.h.id, VU_REPLY, 0, 0, 0);
	}
	leave();
	CU_ASSERT_TRUE_FATAL(reach());
	CU_ASSERT_EQUAL(hello(), 0);
	bring_up(-1);
	await_question();
	for (unsigned i = 0; i < 256; i++)
		tell(VU_REGION_READ, 0, &a, sizeof(a), NULL, 0);
	bytes("\1\0\11\0\40\0\0\0\0\0\0\0\0\0\0\0", 16);
	bytes(&a, sizeof(a));
	CU_ASSERT_TRUE(hangs_up());
}

static void twin_closed(void)
{
	struct {
		struct vu_access a;
		uint32_t v;
	} w = { { 0x1000, REGION_0, 4 }, 1 };

	CU_ASSERT_EQUAL(hello_with_twin(), 0);
	CU_ASSERT_TRUE(twin >= 0);
	bring_up(-1);
	close(twin);
	tell(VU_REGION_WRITE, 0, &w, sizeof(w.a) + 4, NULL, 0);
	while (!hear())
		CU_ASSERT_EQUAL(msg.h.command, VU_REGION_WRITE);
	leave();
	CU_ASSERT_TRUE_FATAL(reach());
	CU_ASSERT_EQUAL(hello_with_twin(), 0); /* and nothing asked */
	close(twin);
	CU_ASSERT_EQUAL(hello(), EINVAL);
}

static void broken_rules(void)
{
	static void (*const bad[])(void) = {
		bad_garbage,
		bad_silence_in_header,
		bad_silence_in_payload,
		bad_sizes,
		bad_reply,
		bad_no_version,
		bad_versions,
		bad_commands,
		bad_questions,
		bad_accesses,
		bad_maps,
		bad_irqs,
		bad_descriptors,
		never_reads,
		leaves_in_the_middle,
		dies_with_no_reply,
		bad_far_answers,
		refuses_far_memory,
		talks_meanwhile,
		twin_closed,
	};
	unsigned before;

	served();
	usleep(20000);
	before = fds_of(server);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		CU_ASSERT_TRUE_FATAL(reach());
		bad[i]();
		leave();
		served();
		usleep(20000);
		CU_ASSERT_EQUAL(fds_of(server), before);
	}
}

/* Memory that shrinks under a mapping, with the admin queues in it: the server lives on. */
static void memory_vanishes(void)
{
	int fd = memfd_create("client", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	CU_ASSERT_EQUAL(ftruncate(fd, 16384), 0);
	CU_ASSERT_TRUE_FATAL(reach());
	CU_ASSERT_EQUAL(hello(), 0);
	bring_up(fd);
	CU_ASSERT_EQUAL(ftruncate(fd, 0), 0);
	CU_ASSERT_EQUAL(write32(0x1000, REGION_0, 4, 1), 0);
	usleep(50000);
	csts();
	leave();
	close(fd);
	served();
}

static void second_waits(void)
{
	int first;

	CU_ASSERT_TRUE_FATAL(reach());
	CU_ASSERT_EQUAL(hello(), 0);
	first = sock;
	CU_ASSERT_TRUE_FATAL(reach());
	tell(VU_VERSION, 0, "\0\0\1\0{}", 7, NULL, 0);
	CU_ASSERT_EQUAL(vu_receive(sock, &msg, clock_mono_ns() + NS_PER_S / 5, NS_PER_S), -EAGAIN);
	close(first);
	CU_ASSERT_EQUAL(hear(), 0);
	leave();
}

static void end_in_order(void)
{
	int status = -1;

	CU_ASSERT_TRUE_FATAL(reach());
	CU_ASSERT_EQUAL(hello(), 0);
	kill(server, SIGTERM);
	CU_ASSERT_EQUAL(waitpid(server, &status, 0), server);
	CU_ASSERT_EQUAL(status, 0);
	server = -1;
	CU_ASSERT_TRUE(ended(hear()));
	leave();
	CU_ASSERT_NOT_EQUAL(access(path, F_OK), 0);
}

/* What a killed server leaves is taken over; what somebody serves is not. */
static void after_a_kill(void)
{
	int status = -1;
	pid_t second;

	server = start("model:");
	served();
	second = start("model:");
	CU_ASSERT_EQUAL(waitpid(second, &status, 0), second);
	CU_ASSERT_EQUAL(WEXITSTATUS(status), 2);
	served();
	kill(server, SIGKILL);
	waitpid(server, NULL, 0);
	CU_ASSERT_EQUAL(access(path, F_OK), 0);
	server = start("model:preset=tiny");
	usleep(200000);
	served();
	end_in_order();
}

/* ---- a device for each ---- */

static bool says_hello_within(uint64_t ns)
{
	tell(VU_VERSION, 0, "\0\0\1\0{}", 7, NULL, 0);
	return !vu_receive(sock, &msg, clock_mono_ns() + ns, NS_PER_S);
}

/* The Interrupt Line, a byte that is the host's to keep. */
static int put_line(unsigned char v)
{
	return write32(0x3c, VU_REGION_CONFIG, 1, v);
}

static int get_line(void)
{
	struct vu_access a = { 0x3c, VU_REGION_CONFIG, 1 };
	int err = ask(VU_REGION_READ, &a, sizeof(a), NULL, 0);

	return err ? -1 : msg.data[16];
}

/* One says nothing, the others have devices that know nothing of one another. */
static void side_by_side(void)
{
	int one, two, silent;
	unsigned before;

	server = start_with("model:preset=tiny", "--fresh");
	served();
	usleep(50000);
	before = fds_of(server);
	CU_ASSERT_TRUE_FATAL(reach());
	silent = sock;
	CU_ASSERT_TRUE_FATAL(reach());
	CU_ASSERT_EQUAL(hello(), 0);
	CU_ASSERT_EQUAL(put_line(11), 0);
	one = sock;
	CU_ASSERT_TRUE_FATAL(reach());
	CU_ASSERT_EQUAL(hello(), 0);
	CU_ASSERT_EQUAL(get_line(), 0);
	CU_ASSERT_EQUAL(put_line(22), 0);
	two = sock;
	sock = one;
	CU_ASSERT_EQUAL(get_line(), 11);
	leave();
	sock = two;
	CU_ASSERT_EQUAL(get_line(), 22);
	leave();
	close(silent);
	served();
	usleep(50000);
	CU_ASSERT_EQUAL(fds_of(server), before);
}

/* As many as there may be; the next one has to wait for a place, and gets it. */
static void as_many_as_may_be(void)
{
	int fd[SERVE_CLIENTS_MAX];

	for (unsigned i = 0; i < SERVE_CLIENTS_MAX; i++) {
		CU_ASSERT_TRUE_FATAL(reach());
		CU_ASSERT_EQUAL(hello(), 0);
		fd[i] = sock;
	}
	CU_ASSERT_TRUE_FATAL(reach());
	CU_ASSERT_FALSE(says_hello_within(NS_PER_S / 5));
	close(fd[7]);
	CU_ASSERT_EQUAL(hear(), 0);
	leave();
	for (unsigned i = 0; i < SERVE_CLIENTS_MAX; i++)
		if (i != 7)
			close(fd[i]);
	end_in_order();
}

static const struct unit units[] = {
	{ "every rule broken", broken_rules },	    { "memory that vanishes", memory_vanishes },
	{ "a second client", second_waits },	    { "end in order", end_in_order },
	{ "after a kill", after_a_kill },	    { "side by side", side_by_side },
	{ "as many as may be", as_many_as_may_be },
};

int main(void)
{
	int bad;

	signal(SIGPIPE, SIG_IGN);
	if (!mkdtemp(top))
		return 2;
	snprintf(path, sizeof(path), "%s/sock", top);
	server = start("model:");
	bad = unit_main("serve", units, ARRAY_SIZE(units));
	if (server > 0)
		kill(server, SIGKILL);
	vu_msg_free(&msg);
	return nftw(top, unit_remove_one, 16, FTW_DEPTH | FTW_PHYS) ? 2 : bad;
}
