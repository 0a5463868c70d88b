// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A card's commands by MMC_IOC_CMD and MMC_IOC_MULTI_CMD (linux/mmc/ioctl.h), and I/O to its areas.
 * The flags of a response are those of linux/mmc/core.h, which is no user header: they are what
 * mmc-utils sends.
 */
#include <errno.h>
#include <fcntl.h>
#include <liburing.h>
#include <linux/major.h>
#include <linux/mmc/ioctl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "target/door.h"
#include "target/mmc_card.h"

#define RSP_PRESENT    (1u << 0)
#define RSP_LONG       (1u << 1)
#define RSP_CRC	       (1u << 2)
#define RSP_BUSY       (1u << 3)
#define RSP_OPCODE     (1u << 4)
#define CMD_AC	       (0u << 5)
#define CMD_ADTC       (1u << 5)
#define CMD_BC	       (2u << 5)
#define RELIABLE       (1u << 31) /* of write_flag */
#define TIMEOUT_MS_MAX 600000u
#define IO_LANES       32u

static unsigned flags_of(const struct mmc_cmd *c)
{
	static const unsigned answers[] = {
		[MMC_R1] = RSP_PRESENT | RSP_CRC | RSP_OPCODE,
		[MMC_R1B] = RSP_PRESENT | RSP_CRC | RSP_OPCODE | RSP_BUSY,
		[MMC_R2] = RSP_PRESENT | RSP_LONG | RSP_CRC,
		[MMC_R3] = RSP_PRESENT,
		[MMC_NO_ANSWER] = 0,
	};
	unsigned type = c->blocks ? CMD_ADTC : c->answer == MMC_NO_ANSWER ? CMD_BC : CMD_AC;

	return answers[c->answer] | type;
}

/* A time of its own only where there is a busy card to be waited for: 0 is the driver's. */
void mmc_card_encode(const struct mmc_cmd *c, unsigned timeout_ms, struct mmc_ioc_cmd *ret)
{
	*ret = (struct mmc_ioc_cmd){
		.write_flag = (int)(c->writes | (c->reliable ? RELIABLE : 0)),
		.opcode = c->opcode,
		.arg = c->arg,
		.flags = flags_of(c),
		.blksz = c->block_bytes,
		.blocks = c->blocks,
		.cmd_timeout_ms = c->answer == MMC_R1B ? timeout_ms : 0,
	};
	mmc_ioc_cmd_set_data((*ret), c->data);
}

static bool fits(const struct mmc_cmd *c)
{
	uint64_t bytes = (uint64_t)c->block_bytes * c->blocks;

	return c->answer <= MMC_NO_ANSWER && bytes <= MMC_DATA_MAX && (!bytes || c->data);
}

/* What must not be sent to this card. */
static int check(struct target *t, const struct mmc_card *c, enum mmc_part part,
		 const struct mmc_cmd *cmd, unsigned n)
{
	if (!n || n > MMC_BATCH_MAX || part >= MMC_PARTS)
		return target_fail(t, -EINVAL, "%u commands at a time", n);
	if (c->fd[part] < 0)
		return target_fail(t, -ENOTSUP, "the card has no such area");
	for (unsigned i = 0; i < n; i++) {
		const char *forever = mmc_forever(&cmd[i], part);

		if (forever)
			return target_fail(t, -EPERM, "CMD%u is not sent: it %s", cmd[i].opcode,
					   forever);
		if (!c->writable && !mmc_is_reading(&cmd[i], part))
			return target_fail(t, -EPERM,
					   "CMD%u is not sent: the card is only read (%.100s)",
					   cmd[i].opcode, c->why_read);
		if (!fits(&cmd[i]))
			return target_fail(t, -EINVAL, "CMD%u: data that no command carries",
					   cmd[i].opcode);
	}
	return 0;
}

static const char *name_of(uint8_t opcode)
{
	switch (opcode) {
	case MMC_SWITCH:
		return "MMC SWITCH";
	case MMC_WRITE_SINGLE:
	case MMC_WRITE_MULTIPLE:
		return "MMC WRITE";
	case MMC_ERASE:
		return "MMC ERASE";
	case MMC_SET_WRITE_PROT:
	case MMC_CLEAR_WRITE_PROT:
		return "MMC WRITE_PROT";
	default:
		return "an MMC command that may change the card";
	}
}

/* What changes the card passes the one door of all that does; the rest has nothing to ask there. */
static int ask_door(struct target *t, enum mmc_part part, const struct mmc_cmd *cmd, unsigned n)
{
	int err = 0;

	for (unsigned i = 0; !err && i < n; i++)
		if (!mmc_is_reading(&cmd[i], part))
			err = door_node(t, name_of(cmd[i].opcode), 0, 0);
	return err;
}

/* Can it fail after its answer: in its data, or while the card is busy? */
static bool fails_late(const struct mmc_cmd *c)
{
	return c->blocks || c->answer == MMC_R1B;
}

/*
 * Which of them failed the kernel does not say: it ends with the first that does, and an answered
 * one has a response (no status of a card that answers is 0). So it is the first without one; or
 * the one before, where that can fail after its answer.
 */
void mmc_card_settle(struct mmc_cmd *cmd, const struct mmc_ioc_cmd *ioc, unsigned n, int err)
{
	unsigned failed = 0;

	for (unsigned i = 0; i < n; i++)
		memcpy(cmd[i].response, ioc[i].response, sizeof(cmd[i].response));
	while (failed < n && (!err || ioc[failed].response[0]))
		failed++;
	if (err && failed && (failed == n || fails_late(&cmd[failed - 1])))
		failed--;
	for (unsigned i = 0; i < n; i++)
		cmd[i].result = i < failed ? 0 : i == failed ? err : -ECANCELED;
}

/* Errors of the kernel's own, that no card causes. */
static bool is_of_rig(int err)
{
	return err == -EFAULT || err == -EINVAL || err == -EPERM || err == -ENOMEM ||
	       err == -ENOTTY || err == -EOVERFLOW;
}

int mmc_card_send(struct target *t, struct mmc_card *c, enum mmc_part part, struct mmc_cmd *cmd,
		  unsigned n, uint64_t timeout_ns)
{
	struct {
		struct mmc_ioc_multi_cmd head;
		struct mmc_ioc_cmd cmds[MMC_BATCH_MAX];
	} batch = { .head.num_of_cmds = n };
	uint64_t ms = timeout_ns / 1000000;
	int err = check(t, c, part, cmd, n);

	err = err ? err : ask_door(t, part, cmd, n);
	if (err)
		return err;
	for (unsigned i = 0; i < n; i++)
		mmc_card_encode(&cmd[i], ms < TIMEOUT_MS_MAX ? (unsigned)ms : TIMEOUT_MS_MAX,
				&batch.cmds[i]);
	if (n == 1)
		err = ioctl(c->fd[part], MMC_IOC_CMD, &batch.cmds[0]) ? -errno : 0;
	else
		err = ioctl(c->fd[part], MMC_IOC_MULTI_CMD, &batch.head) ? -errno : 0;
	if (err == -EOPNOTSUPP)
		return target_fail(t, -ENOTSUP, "CMD%u: the kernel or its host cannot do that",
				   cmd[0].opcode);
	if (is_of_rig(err) || err == -ENODEV || err == -ENOMEDIUM)
		return target_fail(t, is_of_rig(err) ? err : -ENODEV, "CMD%u: %s", cmd[0].opcode,
				   strerror(-err));
	mmc_card_settle(cmd, batch.cmds, n, err);
	return 0;
}

/* ---- block I/O ---- */

static void run(struct io_uring *ring, int fd, struct mmc_io *io, unsigned n)
{
	unsigned left = n;

	for (unsigned i = 0; i < n; i++) {
		struct io_uring_sqe *sqe = io_uring_get_sqe(ring);

		if (io[i].writes)
			io_uring_prep_write(sqe, fd, io[i].data, io[i].bytes, io[i].at);
		else
			io_uring_prep_read(sqe, fd, io[i].data, io[i].bytes, io[i].at);
		io_uring_sqe_set_data(sqe, &io[i]);
		io[i].result = -ECANCELED;
	}
	if (io_uring_submit(ring) < 0)
		return;
	while (left--) {
		struct io_uring_cqe *cqe;
		struct mmc_io *one;

		if (io_uring_wait_cqe(ring, &cqe))
			return;
		one = io_uring_cqe_get_data(cqe);
		one->result = cqe->res < 0 ? cqe->res : (uint32_t)cqe->res == one->bytes ? 0 : -EIO;
		io_uring_cqe_seen(ring, cqe);
	}
}

/* A boot device is read-only or not from one moment to the next: it is opened each time. */
int mmc_card_io(struct target *t, const struct mmc_card *c, enum mmc_part part, struct mmc_io *io,
		unsigned n)
{
	struct io_uring ring;
	bool writes = false;
	char path[32];
	int err;

	for (unsigned i = 0; i < n; i++)
		writes |= io[i].writes;
	if (part == MMC_RPMB || c->fd[part] < 0)
		return target_fail(t, -ENOTSUP, "the card has no such area");
	if (writes && !c->writable)
		return target_fail(t, -EPERM, "the card is only read (%.100s)", c->why_read);
	for (unsigned i = 0; i < n; i++) {
		err = io[i].writes ? door_node(t, "Write", io[i].at, io[i].bytes) : 0;
		if (err)
			return err;
	}
	snprintf(path, sizeof(path), "/proc/self/fd/%d", c->fd[part]);
	_cleanup_close_ int fd = open(path, (writes ? O_RDWR : O_RDONLY) | O_DIRECT | O_CLOEXEC);

	if (fd < 0) { /* what is read-only says so here */
		for (unsigned i = 0; i < n; i++)
			io[i].result = -errno;
		return 0;
	}
	err = io_uring_queue_init(IO_LANES, &ring, 0);
	if (err)
		return target_fail(t, err, "io_uring: %s", strerror(-err));
	for (unsigned i = 0; i < n; i += IO_LANES)
		run(&ring, fd, io + i, n - i < IO_LANES ? n - i : IO_LANES);
	io_uring_queue_exit(&ring);
	return 0;
}
