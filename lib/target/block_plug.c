// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The drive under a node taken away and put back, in a guest that the rig booted: a namespace of
 * nvmet in the same kernel is disabled and enabled (drivers/nvme/target/configfs.c), QEMU's
 * controller is unplugged by whoever started QEMU (stack/protocol.h: the port named by NVRIG_PLUG).
 *
 * The names of the old disk are taken as long as a descriptor of it is open: all that the target
 * had are closed first, and the device is looked for by who it is where its name is another.
 */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "target/block.h"
#include "target/door.h"
#include "target/emulated.h"

#define NVMET	   "/sys/kernel/config/nvmet/subsystems"
#define ANSWER_NS  (30 * NS_PER_S) /* of who is asked, who gives QEMU less */
#define BACK_NS	   (30 * NS_PER_S) /* until the node is there again */
#define NAME_NS	   (3 * NS_PER_S)  /* under its name; then under any */
#define MEND_NS	   (10 * NS_PER_S)
#define PAUSE_MS   20
#define FORGET_MS  200 /* the kernel gives a number free some time after the last close (RCU) */

static void pause_ms(unsigned ms)
{
	const struct timespec ts = { 0, (long)(ms * NS_PER_MS) };

	nanosleep(&ts, NULL);
}

/* ---- which way ---- */

static void find_namespace(const struct block_target *b, char *ret, size_t size)
{
	char nqn[224], nsid[16];

	block_sysfs_text(b->fd, "device/subsysnqn", nqn, sizeof(nqn));
	block_sysfs_text(b->fd, "nsid", nsid, sizeof(nsid));
	ret[0] = 0;
	if (nqn[0] && nsid[0] && !strchr(nqn, '/') && !strchr(nsid, '/') && nqn[0] != '.' &&
	    (size_t)snprintf(ret, size, NVMET "/%s/namespaces/%s/enable", nqn, nsid) < size &&
	    !access(ret, W_OK))
		return;
	ret[0] = 0;
}

static bool is_on_bus(const struct block_target *b)
{
	char transport[16];

	block_sysfs_text(b->fd, "device/transport", transport, sizeof(transport));
	return !strcmp(transport, "pcie");
}

void block_plug_find(struct block_target *b)
{
	const char *port = getenv(BLOCK_PLUG);

	b->plug[0] = 0;
	/* elsewhere it is somebody's target, or machine */
	if (!b->is_block || !b->writable || !emulated_in_guest(""))
		return;
	find_namespace(b, b->plug, sizeof(b->plug));
	if (!b->plug[0] && port && is_on_bus(b) && !access(port, W_OK))
		snprintf(b->plug, sizeof(b->plug), "%s", port);
}

/* ---- to do it ---- */

/* One line, without its newline, until the deadline. */
static int read_line(int fd, char *line, size_t size, uint64_t deadline_ns)
{
	size_t len = 0;

	for (;;) {
		struct pollfd p = { .fd = fd, .events = POLLIN };
		uint64_t now = clock_mono_ns();
		ssize_t n;
		char c;

		if (now >= deadline_ns)
			return -ETIMEDOUT;
		if (poll(&p, 1, (int)((deadline_ns - now) / NS_PER_MS) + 1) <= 0)
			continue;
		n = read(fd, &c, 1);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			continue;
		if (n <= 0)
			return n ? -errno : -EIO;
		if (c == '\n') {
			line[len] = 0;
			return 0;
		}
		if (len + 1 < size)
			line[len++] = c;
	}
}

/* Opens the port and asks; the answer is known by its tag: an older one may lie there. */
static int ask(struct block_target *b, const char *verb)
{
	static unsigned count;
	char line[32];
	int fd = open(b->plug, O_RDWR | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
	size_t n;

	if (fd < 0)
		return -errno;
	snprintf(b->plug_tag, sizeof(b->plug_tag), "%xx%x", (unsigned)getpid() & 0xffffff,
		 count++ & 0xffffff);
	n = (size_t)snprintf(line, sizeof(line), "%s %s\n", verb, b->plug_tag);
	if (write(fd, line, n) != (ssize_t)n) {
		close(fd);
		return -EIO;
	}
	b->plug_fd = fd;
	return 0;
}

/* -ETIMEDOUT: it was not let go; -EIO: why says what else. */
static int await_answer(struct block_target *b, char why[128])
{
	uint64_t deadline = clock_mono_ns() + ANSWER_NS;
	size_t n = strlen(b->plug_tag);
	char line[256];
	int err;

	if (b->plug_fd < 0)
		return 0;
	do
		err = read_line(b->plug_fd, line, sizeof(line), deadline);
	while (!err && (strncmp(line, b->plug_tag, n) || line[n] != ' '));
	close(b->plug_fd);
	b->plug_fd = -1;
	if (err)
		return -EIO;
	snprintf(why, 128, "%.127s", line + n + 1);
	return !strcmp(why, "ok") ? 0 : !strcmp(why, "late") ? -ETIMEDOUT : -EIO;
}

static int enable(const char *path, bool on)
{
	_cleanup_close_ int fd = open(path, O_WRONLY | O_CLOEXEC);

	return fd < 0 || write(fd, on ? "1" : "0", 1) != 1 ? -errno : 0;
}

static bool is_namespace(const struct block_target *b)
{
	return !strncmp(b->plug, NVMET, strlen(NVMET));
}

static int put_in(struct block_target *b, char why[128])
{
	int err = is_namespace(b) ? enable(b->plug, true) : ask(b, "plug");

	return err ? err : await_answer(b, why);
}

static int failed(struct target *t, int err, const char *what, const char *why)
{
	return target_fail(t, err, "%s: %s", what, why[0] ? why : strerror(-err));
}

/* ---- it is there again ---- */

static bool is_there(const char *path)
{
	struct stat st;
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	return fd >= 0 && !fstat(fd, &st) && S_ISBLK(st.st_mode) &&
	       lseek(fd, 0, SEEK_END) > 0; /* a disk that is not ready yet has no size */
}

/* The node of the same words, whatever its name. */
static bool find_by_words(struct block_target *b)
{
	bool found = false;
	glob_t g;

	if (glob("/dev/nvme*n*", 0, NULL, &g))
		return false;
	for (size_t i = 0; !found && i < g.gl_pathc; i++) {
		struct block_target one = { .is_block = true };
		char words[sizeof(b->plug_who)];

		one.fd = open(g.gl_pathv[i], O_RDONLY | O_CLOEXEC | O_NONBLOCK);
		if (one.fd < 0)
			continue;
		snprintf(one.path, sizeof(one.path), "%s", g.gl_pathv[i]);
		found = !block_who(&one, words, sizeof(words)) && !strcmp(words, b->plug_who);
		close(one.fd);
		if (found)
			strcpy(b->path, one.path);
	}
	globfree(&g);
	return found;
}

static int await_node(struct block_target *b, uint64_t ns)
{
	uint64_t begun = clock_mono_ns(), now;

	do {
		if (is_there(b->path))
			return 0;
		pause_ms(PAUSE_MS);
		now = clock_mono_ns();
		if (now - begun > NAME_NS && b->plug_who[0] && find_by_words(b) &&
		    is_there(b->path))
			return 0;
	} while (now - begun < ns);
	return -ETIMEDOUT;
}

/* ---- the words ---- */

/* The host behind the port is not waited for, so that there can be I/O while it goes. */
int block_plug_out(struct target *t)
{
	struct block_target *b = t->priv;
	int err;

	if (b->unplugged)
		return 0;
	if (block_who(b, b->plug_who, sizeof(b->plug_who)))
		b->plug_who[0] = 0;
	b->plug_fd = -1;
	err = is_namespace(b) ? enable(b->plug, false) : ask(b, "unplug");
	if (err)
		return failed(t, err, "unplug", "");
	b->unplugged = true;
	return 0;
}

static int let_go(struct block_target *b, char why[128])
{
	int err;

	block_rings_down(b->rings);
	if (b->fd >= 0)
		close(b->fd);
	b->fd = -1;
	err = await_answer(b, why);
	pause_ms(FORGET_MS);
	return err;
}

int block_plug_in(struct target *t)
{
	struct block_target *b = t->priv;
	char why[128] = "";
	int err;

	if (!b->unplugged)
		return 0;
	if (block_rings_busy(b->rings))
		return failed(t, -EBUSY, "plug in", "I/O of the target is under way");
	err = let_go(b, why);
	if (err)
		return failed(t, err, "unplug", err == -ETIMEDOUT ? "it was not let go in time" : why);
	err = put_in(b, why);
	if (err)
		return failed(t, err == -ETIMEDOUT ? -EIO : err, "plug in", why);
	b->unplugged = false;
	err = await_node(b, BACK_NS);
	if (err)
		return failed(t, err, b->path, "it was plugged in and is not there again in time");
	err = block_attach(t, b);
	if (err)
		return err;
	t->caps.dev = b->dev;
	door_reset(t); /* whose it is now has to be found out */
	return 0;
}

void block_plug_undo(struct block_target *b)
{
	char why[128];

	if (!b->unplugged)
		return;
	let_go(b, why);
	if (!put_in(b, why))
		await_node(b, MEND_NS);
	b->unplugged = false;
}

/* By the one way that there is. */
static bool plug_any(struct block_target *b)
{
	const char *port = getenv(BLOCK_PLUG);
	bool done = false;
	char why[128];
	glob_t g;

	snprintf(b->plug, sizeof(b->plug), "%s", port ? port : "");
	if (port && !put_in(b, why))
		return true;
	if (glob(NVMET "/*/namespaces/*/enable", 0, NULL, &g))
		return false;
	if (g.gl_pathc == 1)
		done = !enable(g.gl_pathv[0], true);
	globfree(&g);
	return done;
}

void block_plug_mend(const char *path)
{
	struct block_target b = { .fd = -1, .plug_fd = -1 };

	if (!access(path, F_OK) || strlen(path) >= sizeof(b.path) || !emulated_in_guest(""))
		return;
	strcpy(b.path, path);
	if (plug_any(&b))
		await_node(&b, MEND_NS);
}
