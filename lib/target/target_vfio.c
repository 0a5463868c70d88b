// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * vfio: a PCI function of this machine, taken from its kernel driver and driven from here: BARs
 * mapped, one arena of memory behind the IOMMU, MSI-X and INTx by eventfd, reset by the kernel.
 *
 * Which driver has the function is settled once a run (vfio_hold), by the process that runs it: a
 * worker may be killed at any moment and could not give anything back. A target that is opened
 * without a run around it settles it for itself.
 */
#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"
#include "spec/wire.h"
#include "target/emulated.h"
#include "target/pci_dev.h"
#include "target/target.h"
#include "target/vfio_arena.h"
#include "target/vfio_bind.h"
#include "target/vfio_device.h"
#include "target/vfio_iommu.h"

#define ARENA_UNIT    0x200000ull /* the IOMMU's larger page */
#define ARENA_MAX     (64ull << 30)
#define ARENA_DEFAULT (64ull << 20)
#define QUIET_NS      (2 * NS_PER_S)
#define LOOK_NS	      NS_PER_MS
#define EAGER_NS      (50 * NS_PER_US)
#define SLEEP_MIN_NS  (5 * NS_PER_US)
#define SLEEP_MAX_NS  (200 * NS_PER_US)
#define CFG_COMMAND   4u
#define COMMAND_ON    0x0406u /* memory, bus mastering, no wire: that is left to who asks for it */
#define PM_ID	      0x01u
#define EXP_ID	      0x10u
#define EXP_DEVCAP    4u
#define DEVCAP_FLR    0x10000000u

struct vfio {
	struct pci_device *pci;
	struct vfio_bound bound;
	struct vfio_iommu iommu;
	struct vfio_device d;
	struct vfio_arena arena;
	uint64_t mem;
	enum vfio_via via;
	bool has_flr;
	char engine[64];
	uint64_t touched_ns, looked_ns;
};

static const struct vfio_place here = { NULL, NULL, NULL };

static struct vfio *priv(struct target *t)
{
	return t->priv;
}

static int trouble(struct target *t, int err)
{
	const char *why = priv(t)->d.error;

	return err ? target_fail(t, err, "%s", *why ? why : strerror(-err)) : 0;
}

/* ---- time ---- */

static uint64_t vfio_now(struct target *t)
{
	(void)t;
	return clock_mono_ns();
}

static int look(struct target *t, uint64_t now)
{
	struct vfio *v = priv(t);

	if (now - v->looked_ns < LOOK_NS)
		return 0;
	v->looked_ns = now;
	return trouble(t, vfio_device_look(&v->d));
}

/* Soon after a doorbell an answer is due at any moment; later, sleep an eighth of what was waited.
 */
static int vfio_relax(struct target *t, uint64_t ns)
{
	uint64_t now = clock_mono_ns(), waited = now - priv(t)->touched_ns, sleep = waited / 8;
	struct timespec pause = { 0 };

	if (!ns)
		return look(t, now);
	if (waited < EAGER_NS) {
		sched_yield();
		return look(t, now);
	}
	sleep = sleep < SLEEP_MIN_NS ? SLEEP_MIN_NS : sleep > SLEEP_MAX_NS ? SLEEP_MAX_NS : sleep;
	pause.tv_nsec = (long)(sleep < ns ? sleep : ns);
	nanosleep(&pause, NULL);
	return look(t, now);
}

/* ---- registers, configuration space, other BARs ---- */

static int check_access(struct target *t, unsigned region, uint64_t off, unsigned width)
{
	uint64_t size = region < VFIO_REGIONS ? priv(t)->d.region[region].size : 0;

	if (width != 8 && width != 16 && width != 32 && (width != 64 || region == VFIO_CFG))
		return target_fail(t, -EINVAL, "no access of %u bits", width);
	if (off >= size || width / 8 > size - off)
		return target_fail(t, -ERANGE, "%llxh is past the %llxh bytes of region %u",
				   (unsigned long long)off, (unsigned long long)size, region);
	return 0;
}

static int read_region(struct target *t, unsigned region, uint64_t off, unsigned width,
		       uint64_t *ret)
{
	int err = check_access(t, region, off, width);

	return err ? err : trouble(t, vfio_device_read(&priv(t)->d, region, off, width / 8, ret));
}

static int write_region(struct target *t, unsigned region, uint64_t off, unsigned width,
			uint64_t value)
{
	int err = check_access(t, region, off, width);

	return err ? err
		   : trouble(t, vfio_device_write(&priv(t)->d, region, off, width / 8, value));
}

static int vfio_mem_read(struct target *t, unsigned bar, uint64_t off, unsigned width,
			 uint64_t *ret)
{
	return read_region(t, bar < VFIO_BARS ? bar : VFIO_REGIONS, off, width, ret);
}

static int vfio_mem_write(struct target *t, unsigned bar, uint64_t off, unsigned width,
			  uint64_t value)
{
	return write_region(t, bar < VFIO_BARS ? bar : VFIO_REGIONS, off, width, value);
}

static int vfio_reg_read(struct target *t, uint64_t off, unsigned width, uint64_t *ret)
{
	return read_region(t, 0, off, width, ret);
}

static int vfio_reg_write(struct target *t, uint64_t off, unsigned width, uint64_t value)
{
	priv(t)->touched_ns = clock_mono_ns();
	return write_region(t, 0, off, width, value);
}

static uint32_t *vfio_reg_mapped(struct target *t, uint64_t off)
{
	return vfio_device_mapped(&priv(t)->d, off);
}

static int vfio_cfg_read(struct target *t, unsigned off, unsigned width, uint32_t *ret)
{
	uint64_t v = 0;
	int err = read_region(t, VFIO_CFG, off, width, &v);

	if (!err)
		*ret = (uint32_t)v;
	return err;
}

static int vfio_cfg_write(struct target *t, unsigned off, unsigned width, uint32_t value)
{
	return write_region(t, VFIO_CFG, off, width, value);
}

/* ---- memory ---- */

static int vfio_dma_map(struct target *t, struct dma *d)
{
	char error[VFIO_ERROR];
	int err = vfio_arena_map(&priv(t)->arena, d->len, d->align, &d->va, &d->iova, error);

	return err ? target_fail(t, err, "%s", error) : 0;
}

static void vfio_dma_unmap(struct target *t, struct dma *d)
{
	vfio_arena_unmap(&priv(t)->arena, d->iova);
}

/* ---- interrupts ---- */

static int vfio_irq_enable(struct target *t, unsigned n)
{
	struct vfio *v = priv(t);
	int err = vfio_device_irqs(&v->d, n);

	if (err == -ERANGE)
		return target_fail(t, err, "%u MSI-X vectors asked for, %u there", n, v->d.vectors);
	return trouble(t, err);
}

static int wait_event(struct target *t, int fd, uint64_t left)
{
	struct pollfd p[2] = { { .fd = fd, .events = POLLIN },
			       { .fd = priv(t)->d.request, .events = POLLIN } };
	struct timespec ts = { (time_t)(left / NS_PER_S), (long)(left % NS_PER_S) };

	ppoll(p, 2, &ts, NULL);
	return p[1].revents ? trouble(t, vfio_device_look(&priv(t)->d)) : 0;
}

static int vfio_irq_wait(struct target *t, unsigned vector, uint64_t deadline_ns)
{
	struct vfio *v = priv(t);
	int fd = vector < v->d.vectors ? v->d.event[vector] : -1;

	if (vector >= v->d.vectors)
		return target_fail(t, -ERANGE, "no MSI-X vector %u", vector);
	for (;;) {
		uint64_t now = clock_mono_ns(), count;
		int err;

		if (fd >= 0 && read(fd, &count, sizeof(count)) == sizeof(count))
			return 1;
		if (now >= deadline_ns)
			return 0;
		err = wait_event(t, fd, deadline_ns - now);
		if (err)
			return err;
	}
}

/* Time does not pass between the look and the word that it is too late. */
static int vfio_wire_wait(struct target *t, bool active, uint64_t deadline_ns)
{
	for (;;) {
		uint64_t now = clock_mono_ns();
		bool is_active = false;
		int err = trouble(t, vfio_device_wire(&priv(t)->d, &is_active));

		if (err)
			return err;
		if (is_active == active)
			return 1;
		if (now >= deadline_ns)
			return 0;
		err = vfio_relax(t, deadline_ns - now);
		if (err)
			return err;
	}
}

/* ---- reset ---- */

static int vfio_reset(struct target *t, enum reset_kind kind)
{
	struct vfio *v = priv(t);

	if (kind != RESET_FLR)
		return target_fail(t, -ENOTSUP, "this machine cannot take the drive's power away");
	if (!v->has_flr)
		return target_fail(t, -ENOTSUP, "the function claims no Function Level Reset");
	return trouble(t, vfio_device_reset(&v->d));
}

/* ---- open and close ---- */

static int disable(struct target *t)
{
	struct vfio_device *d = &priv(t)->d;
	uint64_t cc = 0, csts = 0, end = clock_mono_ns() + QUIET_NS;
	int err = vfio_device_read(d, 0, REG_CC, 4, &cc);

	if (err || !(cc & CC_EN) || cc == 0xffffffff)
		return err;
	err = vfio_device_write(d, 0, REG_CC, 4, cc & ~(uint64_t)CC_EN);
	while (!err) {
		err = vfio_device_read(d, 0, REG_CSTS, 4, &csts);
		if (err || !(csts & CSTS_RDY))
			return err;
		if (clock_mono_ns() > end)
			return -EBUSY;
		usleep(100);
	}
	return err;
}

static const char *const option_keys[] = { "via", "mem", "engine", NULL };

static int set_via(struct vfio *v, const char *value)
{
	for (unsigned i = VFIO_VIA_AUTO; i <= VFIO_VIA_IOMMUFD; i++)
		if (!strcmp(value, vfio_via_name((enum vfio_via)i))) {
			v->via = (enum vfio_via)i;
			return 0;
		}
	return -EINVAL;
}

static int set_option(void *ctx, const char *key, const char *value)
{
	struct vfio *v = ctx;

	if (!strcmp(key, "via"))
		return set_via(v, value);
	if (!strcmp(key, "mem"))
		return text_number(value, &v->mem) || !v->mem || v->mem > ARENA_MAX ||
				       v->mem % ARENA_UNIT
			       ? -EINVAL
			       : 0;
	if (strcmp(key, "engine"))
		return -ENOENT;
	if (!*value || strlen(value) >= sizeof(v->engine))
		return -EINVAL;
	strcpy(v->engine, value);
	return 0;
}

/* The address without its options. */
static int split(const char *address, char ret_name[PCI_DEV_NAME], const char **ret_options)
{
	size_t len = strcspn(address, "?");

	*ret_options = address[len] ? address + len + 1 : NULL;
	if (len >= PCI_DEV_NAME)
		len = PCI_DEV_NAME - 1; /* no address is so long: it is refused as one */
	memcpy(ret_name, address, len);
	ret_name[len] = 0;
	return 0;
}

static int open_pci(struct target *t, const char *name)
{
	struct vfio *v = priv(t);
	char error[PCI_DEV_ERROR];
	uint32_t devcap = 0;
	unsigned express;
	int err = pci_dev_open(NULL, name, &v->pci, error);

	if (err)
		return target_fail(t, err, "%s", error);
	err = vfio_bind(&here, pci_dev_info(v->pci), &v->bound, error);
	if (err)
		return target_fail(t, err, "%s", error);
	express = pci_dev_find_cap(v->pci, EXP_ID);
	if (express && !pci_dev_read(v->pci, express + EXP_DEVCAP, 32, &devcap))
		v->has_flr = devcap & DEVCAP_FLR;
	err = vfio_iommu_open(&v->iommu, pci_dev_info(v->pci), v->via, error);
	return err ? target_fail(t, err, "%s", error) : 0;
}

/* Before anything is mapped for it, so that what still ran before us reaches nothing of ours. */
static int open_device(struct target *t)
{
	struct vfio *v = priv(t);
	char error[VFIO_ERROR];
	int err = vfio_device_open(&v->d, v->iommu.device, pci_dev_find_cap(v->pci, PM_ID));

	if (!err)
		err = vfio_device_write(&v->d, VFIO_CFG, CFG_COMMAND, 2, COMMAND_ON);
	if (!err)
		err = disable(t);
	if (err)
		return trouble(t, err);
	err = vfio_arena_open(&v->arena, &v->iommu, v->mem, error);
	return err ? target_fail(t, err, "%s", error) : 0;
}

static void release(struct target *t)
{
	struct vfio *v = priv(t);
	char ignored[VFIO_BIND_ERROR];

	vfio_device_close(&v->d);
	vfio_iommu_close(&v->iommu);
	vfio_arena_close(&v->arena);
	vfio_give_back(&here, &v->bound, ignored);
	pci_dev_close(v->pci);
	free(v);
	t->priv = NULL;
}

static int vfio_open(struct target *t, const char *address)
{
	struct vfio *v = calloc(1, sizeof(*v));
	char name[PCI_DEV_NAME];
	const char *options;
	int err;

	if (!v)
		return -ENOMEM;
	v->mem = ARENA_DEFAULT;
	v->iommu.device = v->iommu.space = v->iommu.group = -1;
	vfio_device_init(&v->d);
	t->priv = v;
	split(address, name, &options);
	err = options ? target_options(t, options, option_keys, set_option, v) : 0;
	if (!err)
		err = open_pci(t, name);
	if (!err)
		err = open_device(t);
	if (err)
		release(t);
	return err;
}

/* Whatever fails here, bus mastering goes before the memory does. */
static void vfio_close(struct target *t)
{
	disable(t);
	vfio_device_write(&priv(t)->d, VFIO_CFG, CFG_COMMAND, 2, 0);
	release(t);
}

static int vfio_caps(struct target *t, struct target_caps *ret)
{
	struct vfio *v = priv(t);
	const struct pci_device_info *info = pci_dev_info(v->pci);
	struct emulated emulated;

	ret->has = NEED_QUEUES | NEED_CONFIG | NEED_BARS;
	if (v->arena.hole)
		ret->has |= NEED_HOLE;
	if (v->d.vectors)
		ret->has |= NEED_IRQ;
	if (v->d.has_wire)
		ret->has |= NEED_WIRE;
	emulated_pci("", info->name, &emulated);
	ret->of_machine = true;
	ret->emulated = emulated.yes;
	snprintf(ret->behind, sizeof(ret->behind), "%s", emulated.what);
	ret->vectors = v->d.vectors;
	for (unsigned i = 0; i < VFIO_BARS; i++)
		ret->bar_size[i] = v->d.region[i].size;
	ret->dma_bytes = v->arena.ram.size - RAM_FIRST;
	ret->hole = v->arena.hole;
	ret->hole_bytes = v->arena.hole ? VFIO_HOLE_BYTES : 0;
	if (v->engine[0])
		snprintf(ret->engine, sizeof(ret->engine), "%s", v->engine);
	else
		snprintf(ret->engine, sizeof(ret->engine), "%s %04x:%04x by %s", info->name,
			 info->vendor, info->device, vfio_via_name(v->iommu.via));
	return 0;
}

/* ---- once a run ---- */

static int vfio_hold(const char *address, void **ret, char *error)
{
	struct vfio_bound *b = calloc(1, sizeof(*b));
	char name[PCI_DEV_NAME];
	const char *options;
	struct pci_device *d;
	int err = -ENOMEM;

	*ret = NULL;
	if (!b) {
		snprintf(error, 256, "out of memory");
		return err;
	}
	split(address, name, &options);
	err = pci_dev_open(NULL, name, &d, error);
	if (!err) {
		err = vfio_bind(&here, pci_dev_info(d), b, error);
		pci_dev_close(d);
	}
	if (err)
		free(b);
	else
		*ret = b;
	return err;
}

static int vfio_release(void *hold, char *error)
{
	int err = vfio_give_back(&here, hold, error);

	free(hold);
	return err;
}

static int vfio_recover(char *error)
{
	return vfio_give_back_left(&here, error);
}

extern const struct target_ops target_vfio;
const struct target_ops target_vfio = {
	.scheme = "vfio",
	.help = "vfio:DDDD:BB:DD.F[?via=auto|container|iommufd][,mem=BYTES][,engine=TEXT]: the PCI "
		"function there, taken from its driver for vfio-pci and given back at the end; "
		"wants root and an IOMMU. mem is what the device may reach, in 2 MiB pieces; via "
		"is the kernel's interface: iommufd where it has that for the device",
	.hold = vfio_hold,
	.release = vfio_release,
	.recover = vfio_recover,
	.open = vfio_open,
	.close = vfio_close,
	.caps = vfio_caps,
	.reg_read = vfio_reg_read,
	.reg_write = vfio_reg_write,
	.reg_mapped = vfio_reg_mapped,
	.dma_map = vfio_dma_map,
	.dma_unmap = vfio_dma_unmap,
	.irq_enable = vfio_irq_enable,
	.irq_wait = vfio_irq_wait,
	.wire_wait = vfio_wire_wait,
	.mem_read = vfio_mem_read,
	.mem_write = vfio_mem_write,
	.reset = vfio_reset,
	.cfg_read = vfio_cfg_read,
	.cfg_write = vfio_cfg_write,
	.now = vfio_now,
	.relax = vfio_relax,
};
