// SPDX-License-Identifier: GPL-2.0-or-later
/* The qtest target against peers that are no QEMU, and against a machine of forty lines. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "peers.h"
#include "target/qtest_ram.h"
#include "target/qtest_wire.h"
#include "target/target.h"
#include "tests/unit.h"

#define TIMEOUT_MS 300
#define RAM_BYTES  (4u << 20)

static char dir[64], sock_path[108], ram_path[128];

static void peer_irq_between(int fd)
{
	hear(fd);
	say(fd, "IRQ raise 3\nOK 0x2a\n");
	hear(fd);
	say(fd, "IRQ lo");
	usleep(20000);
	say(fd, "wer 3\nO");
	usleep(20000);
	say(fd, "K\n");
	hear(fd);
	say(fd, "FAIL Unknown command 'x'\n");
	hear(fd);
	say(fd, "OK 0x7\n");
	pause();
}

static void address(char *to, size_t size, const char *more)
{
	snprintf(to, size, "qtest:%s?mem=%s,timeout=%d%s", sock_path, ram_path, TIMEOUT_MS, more);
}

/* ---- what the wire makes of them ---- */

static void bad_peers(void)
{
	static const struct {
		void (*peer)(int fd);
		int want;
		const char *words;
	} rows[] = {
		{ peer_garbage, -EPROTO, "220 mail" },
		{ peer_half_line, -ETIMEDOUT, "no answer within" },
		{ peer_half_then_close, -ENODEV, "in the middle of a line" },
		{ peer_silent, -ETIMEDOUT, "no answer within" },
		{ peer_close, -ENODEV, "closed" },
		{ peer_flood, -EPROTO, "more than" },
		{ peer_irq_flood, -ETIMEDOUT, "" },
		{ peer_nul, -EPROTO, "NUL" },
		{ peer_huge_number, -EPROTO, "not qtest" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		pid_t pid = serve(sock_path, rows[i].peer);
		uint64_t begun = clock_mono_ns();
		char where[400], error[256] = "";
		struct target *t;
		int err;

		address(where, sizeof(where), "");
		err = target_open(where, &t, error);
		if (err != rows[i].want || !strstr(error, rows[i].words))
			fprintf(stderr, "row %zu: %d '%s'\n", i, err, error);
		CU_ASSERT_EQUAL(err, rows[i].want);
		CU_ASSERT_PTR_NULL(t);
		CU_ASSERT_PTR_NOT_NULL(strstr(error, rows[i].words));
		CU_ASSERT(clock_mono_ns() - begun < 3 * NS_PER_S);
		stop(pid, sock_path);
	}
}

static void wire_between(void)
{
	pid_t pid = serve(sock_path, peer_irq_between);
	struct wire w;
	uint64_t v = 1;

	CU_ASSERT_EQUAL_FATAL(wire_open(&w, sock_path, TIMEOUT_MS * NS_PER_MS), 0);
	CU_ASSERT(!wire_ask(&w, &v, "readl 0x0") && v == 0x2a);
	CU_ASSERT(!wire_ask(&w, &v, "writel 0x0 0x0") && v == 0);
	CU_ASSERT_EQUAL(wire_post(&w, "x"), 0);
	CU_ASSERT_EQUAL(wire_flush(&w), -EPROTO); /* a refusal, told late; the wire lives */
	CU_ASSERT_PTR_NOT_NULL(strstr(w.error, "Unknown command"));
	CU_ASSERT(!wire_ask(&w, &v, "readl 0x0") && v == 7);
	CU_ASSERT_EQUAL(wire_peer(&w), 0);
	stop(pid, sock_path);
	CU_ASSERT_EQUAL(wire_peer(&w), -ENODEV);
	CU_ASSERT_EQUAL(wire_ask(&w, &v, "readl 0x0"), -ENODEV);
	CU_ASSERT_EQUAL(wire_post(&w, "writel 0x0 0x0"), -ENODEV);
	wire_close(&w);
}

static void bad_addresses(void)
{
	static const struct {
		const char *where;
		int want;
		const char *words;
	} rows[] = {
		{ "qtest:", -EINVAL, "no socket" },
		{ "qtest:/nowhere", -EINVAL, "mem=FILE is missing" },
		{ "qtest:/nowhere?mem=/x", -ENOENT, "/nowhere" },
		{ "qtest:/dev/null?mem=/x", -ENOTSOCK, "not a socket" },
		{ "qtest:/nowhere?mme=/x", -EINVAL, "did you mean 'mem'" },
		{ "qtest:/nowhere?mem=/x,addr=20.0", -EINVAL, "addr" },
		{ "qtest:/nowhere?mem=/x,addr=05.8", -EINVAL, "addr" },
		{ "qtest:/nowhere?mem=/x,addr=05.0x", -EINVAL, "addr" },
		{ "qtest:/nowhere?mem=/x,size=many", -EINVAL, "size" },
		{ "qtest:/nowhere?mem=/x,timeout=0", -EINVAL, "timeout" },
		{ "qtest:/nowhere?mem=/x,clock=moon", -EINVAL, "clock" },
	};
	char where[400], error[256];
	struct target *t;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int err = target_open(rows[i].where, &t, error);

		if (err != rows[i].want || !strstr(error, rows[i].words))
			fprintf(stderr, "row %zu: %d '%s'\n", i, err, error);
		CU_ASSERT_EQUAL(err, rows[i].want);
		CU_ASSERT_PTR_NOT_NULL(strstr(error, rows[i].words));
	}
	memset(where, 0, sizeof(where));
	memcpy(where, "qtest:/", 7);
	memset(where + 7, 'x', 200);
	strcat(where, "?mem=/x");
	CU_ASSERT_EQUAL(target_open(where, &t, error), -ENAMETOOLONG);
	CU_ASSERT_PTR_NOT_NULL(strstr(error, "at most 107"));
}

static void nobody_listens(void)
{
	pid_t pid = serve(sock_path, peer_silent);
	char where[400], error[256];
	struct target *t;

	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	address(where, sizeof(where), "");
	CU_ASSERT_EQUAL(target_open(where, &t, error), -ECONNREFUSED);
	CU_ASSERT_PTR_NOT_NULL(strstr(error, "nobody listens"));
	unlink(sock_path);
}

/* ---- a machine: no Q35 bridge, so port cycles; one function whose BAR0 is a few dwords ---- */

#define BAR_BYTES 0x4000u

static uint8_t config[256], bar[BAR_BYTES];
static uint64_t device_clock;

static uint64_t config_access(unsigned port, unsigned width, const uint64_t *value)
{
	static uint32_t selected;
	unsigned off = (selected & 0xfc) + (port & 3);
	uint64_t v = 0;

	if (port == 0xcf8) {
		selected = (uint32_t)*value;
		return 0;
	}
	if ((selected & 0xffff00) != 0x2800)
		return ~0ull >> (64 - width);
	if (!value)
		memcpy(&v, config + off, width / 8);
	else if (off == 0x10)
		v = *value & ~(BAR_BYTES - 1), memcpy(config + off, &v, 4);
	else if (off == 4)
		memcpy(config + off, value, 2);
	return v;
}

static uint64_t memory_access(const uint8_t *ram, uint64_t addr, unsigned width,
			      const uint64_t *value)
{
	uint32_t base;
	uint64_t v = 0;

	memcpy(&base, config + 0x10, 4);
	if (addr < RAM_BYTES && !value)
		memcpy(&v, ram + addr, width / 8);
	else if (base && addr >= base && addr < base + BAR_BYTES && value)
		memcpy(bar + addr - base, value, width / 8);
	else if (base && addr >= base && addr < base + BAR_BYTES)
		memcpy(&v, bar + addr - base, width / 8);
	return v;
}

static void obey(int fd, const uint8_t *ram, char *line)
{
	unsigned long long at = 0, value = 0;
	char verb[16] = "", answer[64];
	int n = sscanf(line, "%15s %lli %lli", verb, (long long *)&at, (long long *)&value);
	unsigned width = 0;
	uint64_t v = 0, in = value;

	switch (verb[strlen(verb) - 1]) {
	case 'b':
		width = 8;
		break;
	case 'w':
		width = 16;
		break;
	case 'l':
		width = 32;
		break;
	case 'q':
		width = 64;
		break;
	}
	if (!strncmp(verb, "clock_step", 10))
		v = device_clock += at;
	else if (!strncmp(verb, "in", 2) || !strncmp(verb, "out", 3))
		v = config_access((unsigned)at, width, n == 3 ? &in : NULL);
	else
		v = memory_access(ram, at, width, n == 3 ? &in : NULL);
	snprintf(answer, sizeof(answer), "OK 0x%llx\n", (unsigned long long)v);
	/* A client that gave up waiting is gone by the time it is served. */
	send(fd, answer, strlen(answer), MSG_NOSIGNAL);
}

static void peer_machine(int fd)
{
	int f = open(ram_path, O_RDWR);
	uint8_t *ram = mmap(NULL, RAM_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, f, 0);
	FILE *in = fdopen(dup(fd), "r");
	char line[256];

	memcpy(config, (uint8_t[]){ 0x36, 0x1b, 0x10, 0x00 }, 4);
	while (fgets(line, sizeof(line), in))
		obey(fd, ram, line);
	fclose(in);
}

static void machine(void)
{
	pid_t pid = serve(sock_path, peer_machine);
	char where[400], error[256] = "";
	struct dma a = { .len = 5000 }, b = { .len = 1 }, c = { .len = 8192, .align = 65536 };
	struct target *t;
	uint64_t v = 0, begun;
	uint32_t id = 0;

	address(where, sizeof(where), ",clock=step,engine=forty lines");
	CU_ASSERT_EQUAL_FATAL(target_open(where, &t, error), 0);
	CU_ASSERT_STRING_EQUAL(t->caps.engine, "forty lines");
	CU_ASSERT_EQUAL(t->caps.bar_size[0], BAR_BYTES);
	CU_ASSERT(t->caps.emulated);
	CU_ASSERT_EQUAL(t->caps.has & (NEED_IRQ | NEED_MSIX_TABLE), 0);
	CU_ASSERT(t->caps.hole >= RAM_BYTES);
	/* Exact widths, misaligned too, and the ends of the BAR. */
	CU_ASSERT_EQUAL(t->ops->reg_write(t, 0x101, 64, 0x1122334455667788ull), 0);
	CU_ASSERT(!t->ops->reg_read(t, 0x101, 64, &v) && v == 0x1122334455667788ull);
	CU_ASSERT(!t->ops->reg_read(t, 0x103, 8, &v) && v == 0x66);
	CU_ASSERT(!t->ops->reg_read(t, 0x103, 16, &v) && v == 0x5566);
	CU_ASSERT_EQUAL(t->ops->reg_read(t, BAR_BYTES - 4, 64, &v), -ERANGE);
	CU_ASSERT_EQUAL(t->ops->reg_read(t, UINT64_MAX - 1, 32, &v), -ERANGE);
	CU_ASSERT_EQUAL(t->ops->reg_read(t, BAR_BYTES - 8, 64, &v), 0);
	CU_ASSERT_EQUAL(t->ops->reg_write(t, 0, 24, 0), -EINVAL);
	/* Configuration space by ports: 256 bytes and no more. */
	CU_ASSERT(!t->ops->cfg_read(t, 0, 32, &id) && id == 0x00101b36);
	CU_ASSERT(!t->ops->cfg_read(t, 4, 16, &id) && id == 6);
	CU_ASSERT_EQUAL(t->ops->cfg_read(t, 0x100, 32, &id), -ERANGE);
	CU_ASSERT_EQUAL(t->ops->cfg_read(t, 0xfe, 32, &id), -ERANGE);
	CU_ASSERT_EQUAL(t->ops->cfg_read(t, 3, 16, &id), -EINVAL);
	/* Memory: zeroed, apart, aligned, given back. */
	CU_ASSERT(!t->ops->dma_map(t, &a) && !t->ops->dma_map(t, &b) && !t->ops->dma_map(t, &c));
	CU_ASSERT(a.iova >= 1 << 20 && b.iova >= a.iova + 8192 + 4096 && !(c.iova & 0xffff));
	CU_ASSERT(((uint8_t *)a.va)[8191] == 0);
	memset(a.va, 0xff, 8192);
	t->ops->dma_unmap(t, &a);
	v = a.iova;
	CU_ASSERT(!t->ops->dma_map(t, &a) && a.iova == v && ((uint8_t *)a.va)[8191] == 0);
	a.len = RAM_BYTES;
	CU_ASSERT_EQUAL(t->ops->dma_map(t, &a), -ENOMEM);
	/* The device's clock: a minute of it is not a minute of ours. */
	begun = clock_mono_ns();
	v = target_now(t);
	while (target_now(t) - v < 60 * NS_PER_S && !t->ops->relax(t, 60 * NS_PER_S))
		if (clock_mono_ns() - begun > 20 * NS_PER_S)
			break;
	CU_ASSERT(target_now(t) - v >= 60 * NS_PER_S);
	CU_ASSERT_EQUAL(t->ops->irq_enable(t, 1), -ENOTSUP);
	CU_ASSERT_EQUAL(t->ops->irq_enable(t, 0), 0);
	CU_ASSERT_EQUAL(t->ops->reset(t, RESET_POWER), -ENOTSUP);
	/* Death is noticed by a waiter and by an accessor, and closing copes. */
	stop(pid, sock_path);
	CU_ASSERT_EQUAL(t->ops->relax(t, NS_PER_MS), -ENODEV);
	CU_ASSERT_EQUAL(t->ops->reg_read(t, 0, 32, &v), -ENODEV);
	target_close(t);
}

/* The second client waits until the first has gone, and then is served. */
static void one_after_another(void)
{
	pid_t pid = serve(sock_path, peer_machine);
	char where[400], error[256];
	struct target *a, *b;

	address(where, sizeof(where), "");
	CU_ASSERT_EQUAL_FATAL(target_open(where, &a, error), 0);
	CU_ASSERT_EQUAL(target_open(where, &b, error), -ETIMEDOUT);
	CU_ASSERT_PTR_NOT_NULL(strstr(error, "another client"));
	target_close(a);
	CU_ASSERT_EQUAL_FATAL(target_open(where, &b, error), 0);
	target_close(b);
	address(where, sizeof(where), ",addr=06.0");
	CU_ASSERT_EQUAL(target_open(where, &b, error), -ENODEV);
	CU_ASSERT_PTR_NOT_NULL(strstr(error, "00:06.0"));
	snprintf(where, sizeof(where), "qtest:%s?mem=/dev/null,timeout=300", sock_path);
	CU_ASSERT_EQUAL(target_open(where, &b, error), -EINVAL);
	snprintf(where, sizeof(where), "qtest:%s?mem=%s,timeout=300,size=64Mi", sock_path,
		 ram_path);
	CU_ASSERT_EQUAL(target_open(where, &b, error), -EINVAL);
	stop(pid, sock_path);
}

static void ram_full(void)
{
	struct ram r;
	uint64_t addr[2000], n = 0, one;

	CU_ASSERT_EQUAL_FATAL(ram_open(&r, ram_path, 0), 0);
	while (n < 2000 && (addr[n] = ram_alloc(&r, 1, 0)))
		n++;
	CU_ASSERT_EQUAL(n, (RAM_BYTES - RAM_FIRST) / (2 * RAM_PAGE));
	ram_free(&r, addr[5]);
	ram_free(&r, addr[7]);
	ram_free(&r, addr[6]);
	CU_ASSERT_EQUAL(ram_alloc(&r, 6 * RAM_PAGE, 0), 0);
	one = ram_alloc(&r, 5 * RAM_PAGE, 0); /* three pages and the gaps between them: one again */
	CU_ASSERT_EQUAL(one, addr[5]);
	CU_ASSERT_EQUAL(ram_alloc(&r, 0, 0), 0);
	CU_ASSERT_EQUAL(ram_alloc(&r, SIZE_MAX, 0), 0);
	CU_ASSERT_EQUAL(ram_alloc(&r, 1, 3), 0);
	ram_free(&r, 0);
	ram_close(&r);
}

static int make_dir(void)
{
	int fd;

	strcpy(dir, "/tmp/rig-test-qtest-XXXXXX");
	if (!mkdtemp(dir))
		return -1;
	snprintf(sock_path, sizeof(sock_path), "%s/s", dir);
	snprintf(ram_path, sizeof(ram_path), "%s/ram", dir);
	fd = open(ram_path, O_RDWR | O_CREAT, 0600);
	if (fd < 0 || ftruncate(fd, RAM_BYTES))
		return -1;
	return close(fd);
}

static int remove_dir(void)
{
	unlink(ram_path);
	return rmdir(dir);
}

static const struct unit units[] = {
	{ "bad peers", bad_peers },
	{ "wire between", wire_between },
	{ "bad addresses", bad_addresses },
	{ "nobody listens", nobody_listens },
	{ "machine", machine },
	{ "one after another", one_after_another },
	{ "ram full", ram_full },
};

int main(void)
{
	return unit_main_with("qtest", make_dir, remove_dir, units, ARRAY_SIZE(units));
}
