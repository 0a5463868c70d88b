// SPDX-License-Identifier: GPL-2.0-or-later
/* The target block: on files, and on a loop device where this machine gives one. */
#include <errno.h>
#include <fcntl.h>
#include <linux/loop.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/clock.h"
#include "nvme/facts.h"
#include "nvme/rung.h"
#include "target/door.h"
#include "target/node.h"
#include "unit.h"

#define BYTES (4u << 20)
#define MANY  64u

static char top[] = "/tmp/nvrig-block-XXXXXX";

static const char *file(const char *name, const char *content)
{
	static char path[128];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", top, name);
	fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0644);
	CU_ASSERT_FATAL(fd >= 0);
	CU_ASSERT_EQUAL(write(fd, content, strlen(content)), (ssize_t)strlen(content));
	CU_ASSERT_EQUAL(ftruncate(fd, BYTES), 0);
	close(fd);
	return path;
}

static struct target *open_ok(const char *path, const char *options)
{
	char address[256], error[256] = "";
	struct target *t = NULL;

	snprintf(address, sizeof(address), "block:%s%s", path, options);
	CU_ASSERT_EQUAL_FATAL(target_open(address, &t, error), 0);
	return t;
}

static int open_error(const char *address, char error[256])
{
	struct target *t = NULL;
	int err = target_open(address, &t, error);

	if (!err)
		target_close(t);
	return err;
}

/* ---- what may be written ---- */

static void an_empty_file_is_taken(void)
{
	const char *path = file("empty", "");
	struct target *t = open_ok(path, "");
	struct node *n = NULL;
	uint8_t *data = aligned_alloc(4096, 4096);
	struct iovec iov = { data, 4096 };

	CU_ASSERT(target_may_harm(&t->caps));
	memset(data, 0x5a, 4096);
	CU_ASSERT_EQUAL_FATAL(t->ops->node->open(t, NODE_DIRECT, &n), 0);
	CU_ASSERT_EQUAL(t->ops->node->io(n, NODE_WRITE, &iov, 1, 0), 4096);
	t->ops->node->close(n);
	target_close(t);
	t = open_ok(path, ""); /* it holds data now, and is known by its mark */
	CU_ASSERT(target_may_harm(&t->caps));
	target_close(t);
	free(data);
}

static void data_of_others_is_read(void)
{
	const char *path = file("precious", "somebody's");
	struct target *t = open_ok(path, "");
	struct block_io io = { .op = BLOCK_ZEROES, .nsid = 1, .blocks = 1 }, *one = &io;
	struct node *n = NULL;

	CU_ASSERT(!target_may_harm(&t->caps));
	CU_ASSERT_PTR_NOT_NULL(strstr(t->caps.behind, "scratch=1"));
	CU_ASSERT_EQUAL(t->ops->io_submit(t, &one, 1), -EINVAL);
	CU_ASSERT_EQUAL_FATAL(t->ops->node->open(t, 0, &n), 0);
	CU_ASSERT_EQUAL(t->ops->node->range(n, NODE_PUNCH, 0, 4096), -ECANCELED);
	t->ops->node->close(n);
	target_close(t);
	t = open_ok(path, "?scratch=1");
	CU_ASSERT(target_may_harm(&t->caps));
	target_close(t);
}

static void refusals(void)
{
	char error[256], address[160];

	CU_ASSERT_EQUAL(open_error("block:", error), -EINVAL);
	CU_ASSERT_EQUAL(open_error("block:/nonexistent/x", error), -ENOENT);
	CU_ASSERT_EQUAL(open_error("block:/tmp", error), -ENOTBLK);
	CU_ASSERT_EQUAL(open_error("block:/dev/null", error), -ENOTBLK);
	snprintf(address, sizeof(address), "block:%s?pol=1", file("options", ""));
	CU_ASSERT_EQUAL(open_error(address, error), -EINVAL);
	CU_ASSERT_PTR_NOT_NULL(strstr(error, "did you mean 'poll'"));
	snprintf(address, sizeof(address), "block:%s?poll=1", file("options", ""));
	CU_ASSERT_EQUAL(open_error(address, error), -ENOTSUP);
	snprintf(address, sizeof(address), "block:%s?depth=0", file("options", ""));
	CU_ASSERT_EQUAL(open_error(address, error), -EINVAL);
}

/* ---- block I/O ---- */

struct bench {
	struct door_token token;
	struct target *t;
	struct facts *f;
	struct rung *g;
	struct dma d;
	struct block_io io[MANY], *list[MANY];
	uint32_t lba;
};

static void begin(struct bench *b, const char *path)
{
	struct io_options o = { .queues = 4, .depth = 16 };

	memset(b, 0, sizeof(*b));
	b->t = open_ok(path, "?depth=16");
	door_show(b->t, &b->token); /* a loop device wants it, a file does not care */
	b->f = calloc(1, sizeof(*b->f));
	CU_ASSERT_EQUAL_FATAL(facts_gather(b->t, b->f), 0);
	CU_ASSERT_FATAL(b->f->alive && b->f->has_scratch);
	CU_ASSERT_EQUAL_FATAL(rung_open(b->t, b->f, &o, &b->g), 0);
	b->lba = b->f->ns[0].lba_bytes;
	CU_ASSERT_EQUAL(b->f->ns[0].nsze * b->lba, BYTES);
	CU_ASSERT_EQUAL_FATAL(rung_dma_alloc(b->g, (size_t)MANY * b->lba, &b->d), 0);
	for (unsigned i = 0; i < MANY; i++)
		b->list[i] = &b->io[i];
}

static void end(struct bench *b)
{
	rung_dma_free(b->g, &b->d);
	rung_close(b->g);
	target_close(b->t);
	free(b->f);
}

static void all_of(struct bench *b, enum block_op op, unsigned n)
{
	struct block_io *done[MANY];
	unsigned got = 0;

	for (unsigned i = 0; i < n; i++)
		b->io[i] = (struct block_io){ .op = op,
					      .queue = (uint16_t)(i % 4),
					      .nsid = 1,
					      .lba = i,
					      .blocks = 1,
					      .fua = op == BLOCK_WRITE && i % 2,
					      .data = &b->d,
					      .data_offset = (size_t)i * b->lba };
	CU_ASSERT_EQUAL_FATAL(rung_io_submit(b->g, b->list, n), (int)n);
	while (got < n) {
		int more = rung_io_reap(b->g, done, MANY, clock_mono_ns() + 10 * NS_PER_S);

		CU_ASSERT_FATAL(more > 0);
		for (int i = 0; i < more; i++) {
			CU_ASSERT_EQUAL(done[i]->result, 0);
			CU_ASSERT(done[i]->complete_ns >= done[i]->submit_ns);
		}
		got += (unsigned)more;
	}
	CU_ASSERT_EQUAL(rung_inflight(b->g), 0);
}

static bool is_all(const struct bench *b, unsigned n, int add)
{
	const uint8_t *p = b->d.va;

	for (unsigned i = 0; i < n; i++)
		for (unsigned k = 0; k < b->lba; k++)
			if (p[(size_t)i * b->lba + k] != (uint8_t)(add < 0 ? 0 : (int)i + add))
				return false;
	return true;
}

static void round_trip(const char *path)
{
	struct bench b;

	begin(&b, path);
	for (unsigned i = 0; i < MANY; i++)
		memset((uint8_t *)b.d.va + (size_t)i * b.lba, (int)i + 7, b.lba);
	all_of(&b, BLOCK_WRITE, MANY);
	all_of(&b, BLOCK_FLUSH, 4);
	memset(b.d.va, 0, b.d.len);
	all_of(&b, BLOCK_READ, MANY);
	CU_ASSERT(is_all(&b, MANY, 7));
	all_of(&b, BLOCK_ZEROES, 16);
	all_of(&b, BLOCK_READ, MANY);
	CU_ASSERT(is_all(&b, 16, -1));
	all_of(&b, BLOCK_DISCARD, 16);
	end(&b);
}

static void a_file_does_io(void)
{
	round_trip(file("io", ""));
}

/* A full queue takes no more, one that does not exist takes nothing, past the end is an error. */
static void limits(void)
{
	struct bench b;
	struct block_io *done[MANY];

	begin(&b, file("limits", ""));
	for (unsigned i = 0; i < MANY; i++)
		b.io[i] =
			(struct block_io){ .op = BLOCK_READ, .nsid = 1, .blocks = 1, .data = &b.d };
	CU_ASSERT_EQUAL(rung_io_submit(b.g, b.list, MANY), 16);
	CU_ASSERT_EQUAL(rung_io_submit(b.g, b.list + 16, MANY - 16), 0);
	while (rung_inflight(b.g))
		CU_ASSERT_FATAL(rung_io_reap(b.g, done, MANY, clock_mono_ns() + 10 * NS_PER_S) > 0);
	CU_ASSERT_EQUAL(rung_io_reap(b.g, done, MANY, clock_mono_ns() + NS_PER_S), 0);
	b.io[0].nsid = 2;
	CU_ASSERT_EQUAL(rung_io_submit(b.g, b.list, 1), -EINVAL);
	b.io[0].nsid = 1;
	b.io[0].queue = 4096;
	CU_ASSERT_EQUAL(rung_io_submit(b.g, b.list, 1), -EINVAL);
	b.io[0].queue = 0;
	b.io[0].blocks = UINT32_MAX;
	CU_ASSERT_EQUAL(rung_io_submit(b.g, b.list, 1), -EINVAL);
	b.io[0].blocks = 1;
	b.io[0].lba = BYTES / b.lba;
	CU_ASSERT_EQUAL(rung_io_submit(b.g, b.list, 1), 1);
	CU_ASSERT_EQUAL(rung_io_reap(b.g, done, 1, clock_mono_ns() + 10 * NS_PER_S), 1);
	CU_ASSERT_EQUAL(b.io[0].result, -EIO);
	end(&b);
}

/* ---- a loop device ---- */

/* -1: this machine gives none. */
static int loop_up(const char *path, char ret_node[32])
{
	int control = open("/dev/loop-control", O_RDWR | O_CLOEXEC), index, fd, back;

	index = control < 0 ? -1 : ioctl(control, LOOP_CTL_GET_FREE);
	if (control >= 0)
		close(control);
	if (index < 0)
		return -1;
	snprintf(ret_node, 32, "/dev/loop%d", index);
	fd = open(ret_node, O_RDWR | O_CLOEXEC);
	back = open(path, O_RDWR | O_CLOEXEC);
	if (fd >= 0 && (back < 0 || ioctl(fd, LOOP_SET_FD, back))) {
		close(fd);
		fd = -1;
	}
	if (back >= 0)
		close(back);
	return fd;
}

static void a_loop_device_is_claimed(void)
{
	char node[32], address[64], error[256];
	int fd = loop_up(file("loop", ""), node), other;
	struct target *t;

	if (fd < 0) {
		CU_ASSERT(access("/dev/loop-control", F_OK) || geteuid());
		return;
	}
	round_trip(node);
	t = open_ok(node, "");
	CU_ASSERT(t->caps.emulated && !t->caps.busy);
	CU_ASSERT(!target_may_harm(&t->caps)); /* before the guards have looked */
	other = open(node, O_RDWR | O_EXCL);
	CU_ASSERT(other < 0 && errno == EBUSY);
	target_close(t);
	other = open(node, O_RDWR | O_EXCL);
	CU_ASSERT(other >= 0);
	snprintf(address, sizeof(address), "block:%s", node);
	CU_ASSERT_EQUAL(open_error(address, error), -EBUSY);
	CU_ASSERT_PTR_NOT_NULL(strstr(error, "in use"));
	close(other);
	CU_ASSERT_EQUAL(ioctl(fd, LOOP_CLR_FD, 0), 0);
	close(fd);
}

/* What a case has its node told is over with the target. */
static void told_and_undone(void)
{
	const char *path = file("told", "");
	struct target *t = open_ok(path, "");
	struct node_facts f;

	CU_ASSERT_EQUAL(t->ops->control(t, "node resize 8388608"), 0);
	CU_ASSERT_EQUAL(t->ops->node->facts(t, &f), 0);
	CU_ASSERT_EQUAL(f.bytes, 8u << 20);
	CU_ASSERT_EQUAL(t->ops->control(t, "node cut"), -EINVAL);
	target_close(t);
	t = open_ok(path, "");
	CU_ASSERT_EQUAL(t->ops->node->facts(t, &f), 0);
	CU_ASSERT_EQUAL(f.bytes, BYTES);
	target_close(t);
}

static const struct unit units[] = {
	{ "an empty file is taken, marked, and known again", an_empty_file_is_taken },
	{ "a file with data of others is read only", data_of_others_is_read },
	{ "refusals", refusals },
	{ "a file does I/O on four rings", a_file_does_io },
	{ "limits", limits },
	{ "a loop device is claimed", a_loop_device_is_claimed },
	{ "what the node is told is undone", told_and_undone },
};

/* Files of the target need direct I/O, and a mark; a file system without is no error of ours. */
static bool has_what_it_takes(void)
{
	char path[] = "/tmp/nvrig-block-file-XXXXXX";
	int fd = mkostemp(path, O_DIRECT);
	bool can = fd >= 0 && !fsetxattr(fd, "user.nvrig.test", "1", 1, 0);

	if (fd >= 0)
		close(fd);
	unlink(path);
	return can;
}

int main(void)
{
	if (!has_what_it_takes()) {
		puts("block: no direct I/O or no extended attributes in /tmp");
		return 77;
	}
	return unit_main_in(top, "block", units, ARRAY_SIZE(units));
}
