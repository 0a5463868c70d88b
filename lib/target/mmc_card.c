// SPDX-License-Identifier: GPL-2.0-or-later
/* Finding a card's areas, and what sysfs says of them. */
#include "target/mmc_card.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/hex.h"
#include "base/text.h"
#include "target/block.h"
#include "target/claim.h"
#include "target/door.h"

#define ASK_NS 5000000000ull

/* ---- the areas ---- */

void mmc_card_init(struct mmc_card *c)
{
	*c = (struct mmc_card){ .rca = 1 };
	for (unsigned i = 0; i < MMC_PARTS; i++)
		c->fd[i] = -1;
}

/* "8:1" of a node's own sysfs file, against what the name in /dev leads to. */
static bool is_node(int fd, const char *name, bool block)
{
	char path[160], text[32] = "";
	unsigned major_is, minor_is;
	struct stat st;

	snprintf(path, sizeof(path), "/sys/%s/%s/dev",
		 block ? "class/block" : "bus/mmc_rpmb/devices", name);
	_cleanup_close_ int file = open(path, O_RDONLY | O_CLOEXEC);

	if (file < 0 || read(file, text, sizeof(text) - 1) < 3 ||
	    sscanf(text, "%u:%u", &major_is, &minor_is) != 2 || fstat(fd, &st))
		return false;
	return (block ? S_ISBLK(st.st_mode) : S_ISCHR(st.st_mode)) &&
	       st.st_rdev == makedev(major_is, minor_is);
}

/* 0, also where there is none; -EBUSY: somebody has it. */
static int open_area(struct target *t, struct mmc_card *c, enum mmc_part part, const char *disk)
{
	static const char *const tails[] = { "", "boot0", "boot1", "rpmb" };
	bool block = part != MMC_RPMB;
	int mode = block ? O_RDONLY : O_RDWR;
	char name[48], *path = c->node[part];
	struct stat st;

	snprintf(name, sizeof(name), "%.30s%s", disk, tails[part]);
	snprintf(path, sizeof(c->node[part]), "/dev/%s", name);
	if (stat(path, &st)) {
		path[0] = 0;
		return 0;
	}
	if (block && !claim_has(st.st_rdev)) /* else the run has it for its workers */
		mode |= O_EXCL;
	c->fd[part] = open(path, mode | O_CLOEXEC | O_NOCTTY);
	if (c->fd[part] >= 0 && is_node(c->fd[part], name, block))
		return 0;
	if (c->fd[part] < 0 && errno == EBUSY)
		return target_fail(t, -EBUSY, "%.60s is in use, and so the card is: refused", path);
	if (c->fd[part] >= 0)
		close(c->fd[part]);
	c->fd[part] = -1;
	path[0] = 0;
	return 0;
}

static enum mmc_kind kind_of(int fd)
{
	char type[16];

	block_sysfs_text(fd, "device/type", type, sizeof(type));
	if (!strcmp(type, "MMC"))
		return MMC_KIND_EMMC;
	return strcmp(type, "SD") ? MMC_KIND_NONE : MMC_KIND_SD;
}

/* The kernel calls an MMC card number 1; an SD card says itself. */
static void find_rca(struct mmc_card *c)
{
	char text[16];
	uint64_t rca;

	block_sysfs_text(c->fd[MMC_USER], "device/rca", text, sizeof(text));
	if (text[0] && !text_number(text, &rca) && rca <= 0xffff)
		c->rca = (uint16_t)rca;
}

int mmc_card_open(struct target *t, struct mmc_card *c, const char *path, int fd, bool writable,
		  const char *why_read)
{
	char name[64], partition[16];
	int err = 0;

	block_sysfs_name(fd, name, sizeof(name));
	block_sysfs_text(fd, "partition", partition, sizeof(partition));
	c->kind = kind_of(fd);
	if (partition[0])
		return target_fail(t, -EINVAL, "%.100s is a partition: name the card as a whole",
				   path);
	if (strncmp(name, "mmcblk", 6) || c->kind == MMC_KIND_NONE)
		return target_fail(t, -ENOTSUP,
				   "%.100s is no MMC or SD card (device/type of sysfs)", path);
	c->fd[MMC_USER] = fd;
	snprintf(c->node[MMC_USER], sizeof(c->node[MMC_USER]), "/dev/%.40s", name);
	c->writable = writable;
	snprintf(c->why_read, sizeof(c->why_read), "%s", why_read);
	find_rca(c);
	for (unsigned i = MMC_BOOT0; !err && c->kind == MMC_KIND_EMMC && i < MMC_PARTS; i++)
		err = open_area(t, c, i, name);
	return err;
}

void mmc_card_close(struct mmc_card *c)
{
	for (unsigned i = MMC_BOOT0; i < MMC_PARTS; i++)
		if (c->fd[i] >= 0)
			close(c->fd[i]);
	mmc_card_init(c);
}

/* ---- sysfs ---- */

int mmc_card_attr(const struct mmc_card *c, enum mmc_part part, const char *name, char *ret,
		  size_t size)
{
	if (c->fd[part] < 0 || part == MMC_RPMB)
		return -ENOENT;
	block_sysfs_text(c->fd[part], name, ret, size);
	return ret[0] ? 0 : -ENOENT;
}

/* Of boot partitions alone, and only where the card may be changed. */
int mmc_card_set_attr(struct target *t, const struct mmc_card *c, enum mmc_part part,
		      const char *name, const char *value)
{
	char path[128];
	struct stat st;

	if (!c->writable || door_node(t, "a change of the card", 0, 0))
		return -EPERM;
	if ((part != MMC_BOOT0 && part != MMC_BOOT1) || fstat(c->fd[part], &st))
		return -ENOENT;
	snprintf(path, sizeof(path), "/sys/dev/block/%u:%u/%s", major(st.st_rdev),
		 minor(st.st_rdev), name);
	_cleanup_close_ int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	return write(fd, value, strlen(value)) < 0 ? -errno : 0;
}

/* ---- facts ---- */

static void read_register(const struct mmc_card *c, const char *name, uint8_t ret[MMC_REGISTER])
{
	uint8_t bytes[32];
	char text[64], path[32];

	snprintf(path, sizeof(path), "device/%s", name);
	if (!mmc_card_attr(c, MMC_USER, path, text, sizeof(text)) &&
	    strlen(text) == 2 * MMC_REGISTER && hex_to(text, bytes) == MMC_REGISTER)
		memcpy(ret, bytes, MMC_REGISTER);
}

static uint64_t area_bytes(const struct mmc_card *c, enum mmc_part part)
{
	char text[32];
	uint64_t sectors;

	if (mmc_card_attr(c, part, "size", text, sizeof(text)) || text_number(text, &sectors) ||
	    sectors > UINT64_MAX / MMC_BLOCK)
		return 0;
	return sectors * MMC_BLOCK;
}

int mmc_card_facts(struct mmc_card *c, struct mmc_facts *ret)
{
	struct target scratch = { .error = "" };
	struct mmc_cmd cmd = mmc_send_ext_csd(ret->ext_csd);

	memset(ret, 0, sizeof(*ret));
	ret->kind = c->kind;
	ret->rca = c->rca;
	read_register(c, "cid", ret->cid);
	read_register(c, "csd", ret->csd);
	for (unsigned i = 0; i < MMC_RPMB; i++)
		ret->bytes[i] = area_bytes(c, i);
	if (c->kind != MMC_KIND_EMMC)
		return 0;
	if (!mmc_card_send(&scratch, c, MMC_USER, &cmd, 1, ASK_NS) && !cmd.result)
		ret->has_ext_csd = true;
	else
		memset(ret->ext_csd, 0, sizeof(ret->ext_csd));
	if (c->fd[MMC_RPMB] >= 0)
		ret->bytes[MMC_RPMB] = ret->ext_csd[EXT_CSD_RPMB_SIZE_MULT] * (128ull << 10);
	return 0;
}
