// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A controller through Linux's own driver: commands by its passthrough ioctls, block I/O by
 * io_uring on the generic nodes of the namespaces. The driver keeps the queues, so there is no raw
 * rung, and what it keeps for itself is refused by name (kernel_pass.h).
 */
#include <errno.h>
#include <linux/nvme_ioctl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <time.h>

#include "base/clock.h"
#include "nvme/cmd.h"
#include "target/door.h"
#include "target/kernel_node.h"
#include "target/kernel_pass.h"
#include "target/kernel_regs.h"
#include "target/kernel_ring.h"
#include "target/pci_dev.h"
#include "target/target.h"

#define PAGE_BYTES 4096u
#define DMA_BYTES  (256ull << 20)
#define HUGE_BYTES ((size_t)2 << 20)
#define HUGE_FROM  ((size_t)256 << 10)

struct kernel {
	struct kernel_node node;
	struct kernel_regs regs;
	struct kernel_rings rings;
	struct pci_device *pci; /* NULL: it is no PCI function, or its config space is not shown */
	bool fabrics;
};

static struct kernel *priv(struct target *t)
{
	return t->priv;
}

/* ---- commands ---- */

static int kernel_submit(struct target *t, uint16_t qid, const struct cmd *c, uint64_t timeout_ns,
			 struct cpl *ret)
{
	return kernel_pass(t, &priv(t)->node, qid, c, timeout_ns, ret);
}

static int kernel_io_submit(struct target *t, struct block_io *io[], unsigned n)
{
	return kernel_rings_submit(t, &priv(t)->node, &priv(t)->rings, io, n);
}

static int kernel_io_reap(struct target *t, struct block_io *ret[], unsigned n,
			  uint64_t deadline_ns)
{
	return kernel_rings_reap(t, &priv(t)->rings, ret, n, deadline_ns);
}

static int kernel_reg_read(struct target *t, uint64_t off, unsigned width, uint64_t *ret)
{
	return kernel_regs_read(t, &priv(t)->node, &priv(t)->regs, off, width, ret);
}

static int kernel_cfg_read(struct target *t, unsigned off, unsigned width, uint32_t *ret)
{
	return priv(t)->pci ? pci_dev_read(priv(t)->pci, off, width, ret) : -ENOTSUP;
}

/* What the ioctl does is a Controller Reset: CC.EN to 0 and to 1, and the driver's own set-up. */
static int kernel_reset(struct target *t, enum reset_kind kind)
{
	struct kernel *k = priv(t);

	if (kind != RESET_CTRL)
		return target_fail(t, -ENOTSUP, "only a Controller Reset goes through the driver");
	if (k->fabrics)
		return target_fail(t, -ENOTSUP, "on fabrics the driver connects to a new controller, "
						"which is no Controller Reset of this one");
	door_reset(t);
	if (ioctl(k->node.fd, NVME_IOCTL_RESET))
		return target_fail(t, errno == ENODEV ? -ENODEV : -ETIMEDOUT,
				   "/dev/%s: Controller Reset: %s", k->node.name, strerror(errno));
	return kernel_node_wait(t, &k->node);
}

/* ---- memory and time ---- */

/* Whole huge pages for what is long: the driver takes a limited number of pieces for a command. */
static size_t mapped_bytes(size_t len)
{
	return len < HUGE_FROM ? len : (len + HUGE_BYTES - 1) & ~(size_t)(HUGE_BYTES - 1);
}

/* At a multiple of a huge page; what lies before and behind is given back. */
static void *map_huge(size_t bytes)
{
	uint8_t *at = mmap(NULL, bytes + HUGE_BYTES, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	size_t before;

	if (at == MAP_FAILED)
		return MAP_FAILED;
	before = -(uintptr_t)at & (HUGE_BYTES - 1);
	if (before)
		munmap(at, before);
	munmap(at + before + bytes, HUGE_BYTES - before);
	madvise(at + before, bytes, MADV_HUGEPAGE);
	return at + before;
}

static void *map(size_t len)
{
	size_t bytes = mapped_bytes(len);

	return bytes == len && len < HUGE_FROM
		       ? mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
		       : map_huge(bytes);
}

static int kernel_dma_map(struct target *t, struct dma *d)
{
	d->len = (d->len + PAGE_BYTES - 1) & ~(size_t)(PAGE_BYTES - 1);
	d->va = d->len && d->align <= PAGE_BYTES ? map(d->len) : MAP_FAILED;
	if (d->va == MAP_FAILED) {
		d->va = NULL;
		return target_fail(t, -ENOMEM, "no memory for %zu bytes aligned to %zu", d->len,
				   d->align);
	}
	d->iova = (uintptr_t)d->va;
	return 0;
}

static void kernel_dma_unmap(struct target *t, struct dma *d)
{
	(void)t;
	if (d->va)
		munmap(d->va, mapped_bytes(d->len));
	d->va = NULL;
}

static uint64_t kernel_now(struct target *t)
{
	(void)t;
	return clock_mono_ns();
}

static int kernel_relax(struct target *t, uint64_t ns)
{
	struct timespec ts = { (time_t)(ns / NS_PER_S), (long)(ns % NS_PER_S) };

	if (ns)
		nanosleep(&ts, NULL);
	return kernel_node_alive(&priv(t)->node)
		       ? 0
		       : target_fail(t, -ENODEV, "/dev/%s: gone", priv(t)->node.name);
}

/* ---- beginning and end ---- */

static int kernel_caps(struct target *t, struct target_caps *ret)
{
	struct kernel *k = priv(t);
	struct emulated e;
	struct utsname u;
	struct stat st;

	emulated_fd("", k->node.fd, &e);
	*ret = (struct target_caps){
		.has = NEED_COMMAND | (k->regs.why_not[0] ? 0 : NEED_REGS) |
		       (k->pci ? NEED_CONFIG : 0) | (kernel_rings_probe() ? 0 : NEED_BLOCK),
		.of_machine = true,
		.emulated = e.yes,
		.busy = k->node.busy[0],
		.fabrics = k->fabrics,
		.nsid = k->node.nsid,
		.dma_bytes = DMA_BYTES,
		.dev = fstat(k->node.fd, &st) ? 0 : st.st_rdev,
	};
	snprintf(ret->behind, sizeof(ret->behind), "%.111s", ret->busy ? k->node.busy : e.what);
	if (k->pci)
		memcpy(ret->bar_size, pci_dev_info(k->pci)->bar_size, sizeof(ret->bar_size));
	uname(&u);
	snprintf(ret->engine, sizeof(ret->engine), "Linux %.36s, %.16s", u.release, k->node.name);
	return 0;
}

static void kernel_close(struct target *t)
{
	struct kernel *k = priv(t);

	kernel_rings_close(t, &k->rings);
	pci_dev_close(k->pci);
	kernel_regs_close(&k->regs);
	kernel_node_close(&k->node);
	free(k);
	t->priv = NULL;
}

static void open_pci(struct kernel *k)
{
	char name[PCI_DEV_NAME], error[PCI_DEV_ERROR];

	if (!pci_dev_of_nvme(NULL, k->node.name, name))
		pci_dev_open(NULL, name, &k->pci, error);
}

static int kernel_open(struct target *t, const char *address)
{
	struct kernel *k;
	char transport[SYSFS_WORD];
	int err;

	if (!*address)
		return target_fail(t, -EINVAL,
				   "which node? kernel:/dev/nvme0, kernel:/dev/nvme0n1");
	k = calloc(1, sizeof(*k));
	if (!k)
		return target_fail(t, -ENOMEM, "out of memory");
	err = kernel_node_open(t, address, &k->node);
	if (err) {
		free(k);
		return err;
	}
	kernel_node_attr(&k->node, "transport", transport);
	k->fabrics = strcmp(transport, "pcie") != 0;
	kernel_node_hold(&k->node);
	open_pci(k);
	kernel_regs_open(t, &k->node, k->fabrics, &k->regs);
	t->error[0] = 0;
	t->priv = k;
	return 0;
}

extern const struct target_ops target_kernel;
const struct target_ops target_kernel = {
	.scheme = "kernel",
	.help = "kernel:/dev/nvmeN[nM]  a controller through Linux's own driver: commands and "
		"block "
		"I/O; with a namespace's node no other namespace is used",
	.open = kernel_open,
	.close = kernel_close,
	.caps = kernel_caps,
	.io_submit = kernel_io_submit,
	.io_reap = kernel_io_reap,
	.submit = kernel_submit,
	.reg_read = kernel_reg_read,
	.cfg_read = kernel_cfg_read,
	.reset = kernel_reset,
	.dma_map = kernel_dma_map,
	.dma_unmap = kernel_dma_unmap,
	.now = kernel_now,
	.relax = kernel_relax,
};
