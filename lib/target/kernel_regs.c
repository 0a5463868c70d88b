// SPDX-License-Identifier: GPL-2.0-or-later
#include "target/kernel_regs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "spec/wire.h"
#include "target/kernel_node.h"
#include "target/kernel_pass.h"
#include "target/target.h"

#define BAR_LEAST 0x1000

static int map_bar(const struct kernel_node *k, struct kernel_regs *g)
{
	char path[PATH_MAX];
	struct stat st;
	void *at;

	if (snprintf(path, sizeof(path), "%s/device/resource0", k->dir) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || fstat(fd, &st))
		return -errno;
	if (st.st_size < BAR_LEAST)
		return -ENODEV;
	at = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0);
	if (at == MAP_FAILED)
		return -errno;
	g->bar = at;
	g->bytes = (size_t)st.st_size;
	return 0;
}

void kernel_regs_open(struct target *t, struct kernel_node *k, bool fabrics,
		      struct kernel_regs *ret)
{
	uint64_t vs;
	int err;

	*ret = (struct kernel_regs){ .bar = NULL };
	if (fabrics)
		err = kernel_pass_property(t, k, REG_VS, 4, &vs);
	else
		err = map_bar(k, ret);
	ret->by_command = fabrics && !err;
	if (err)
		snprintf(ret->why_not, sizeof(ret->why_not), "%s: %s",
			 fabrics ? "Property Get" : "BAR0 cannot be mapped",
			 err == -EPERM || err == -EINVAL ? "the kernel was not booted with "
							   "iomem=relaxed"
							 : strerror(-err));
}

void kernel_regs_close(struct kernel_regs *g)
{
	if (g->bar)
		munmap((void *)(uintptr_t)g->bar, g->bytes);
	g->bar = NULL;
}

static uint64_t load(const volatile uint8_t *at, unsigned width)
{
	switch (width) {
	case 8:
		return *at;
	case 16:
		return le16toh(*(const volatile uint16_t *)at);
	case 32:
		return le32toh(*(const volatile uint32_t *)at);
	default:
		return le64toh(*(const volatile uint64_t *)at);
	}
}

/* A property has one size; half of CAP is got with the whole. */
static int by_command(struct target *t, struct kernel_node *k, uint64_t off, unsigned width,
		      uint64_t *ret)
{
	bool long_one = off / 8 * 8 == REG_CAP || off / 8 * 8 == REG_ASQ || off / 8 * 8 == REG_ACQ;
	int err;

	if ((width != 32 && width != 64) || off % (width / 8) || (width == 64 && !long_one))
		return target_fail(t, -ENOTSUP,
				   "a property is got whole: %u bits at %llXh are not "
				   "one",
				   width, (unsigned long long)off);
	err = kernel_pass_property(t, k, (uint32_t)(long_one ? off / 8 * 8 : off), long_one ? 8 : 4,
				   ret);
	if (!err && long_one && width == 32)
		*ret = off % 8 ? *ret >> 32 : (uint32_t)*ret;
	return err;
}

int kernel_regs_read(struct target *t, struct kernel_node *k, struct kernel_regs *g, uint64_t off,
		     unsigned width, uint64_t *ret)
{
	if (width != 8 && width != 16 && width != 32 && width != 64)
		return -EINVAL;
	if (g->by_command)
		return by_command(t, k, off, width, ret);
	if (!g->bar)
		return target_fail(t, -ENOTSUP, "registers: %s", g->why_not);
	if (off >= g->bytes || width / 8 > g->bytes - off)
		return -ERANGE;
	if (!kernel_node_alive(k))
		return target_fail(t, -ENODEV, "/dev/%s: gone", k->name);
	if (off % (width / 8))
		return target_fail(t, -ENOTSUP, "%u bits at %llXh: misaligned", width,
				   (unsigned long long)off);
	*ret = load(g->bar + off, width);
	return 0;
}
