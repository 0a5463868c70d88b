// SPDX-License-Identifier: GPL-2.0-or-later
#include "target/vfio_device.h"

#include <assert.h>
#include <errno.h>
#include <linux/vfio.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/cleanup.h"

#define CFG_COMMAND 4u
#define COMMAND_MSE 2u
#define PM_CONTROL  4u
#define PM_STATE    3u
#define PAGE	    4096u
#define INFO_ROOM   1024u
#define WIRE_ENOUGH (VFIO_IRQ_INFO_EVENTFD | VFIO_IRQ_INFO_MASKABLE | VFIO_IRQ_INFO_AUTOMASKED)

static_assert(VFIO_CFG == VFIO_PCI_CONFIG_REGION_INDEX, "the kernel's index");

__attribute__((format(printf, 3, 4))) static int fail(struct vfio_device *d, int err,
						      const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(d->error, sizeof(d->error), fmt, ap);
	va_end(ap);
	return err;
}

/* ---- accesses ---- */

/* One instruction each, also where the address is no multiple of the width. */
#define WORD(bits)                                                                                 \
	struct __attribute__((packed)) word##bits {                                                \
		volatile uint##bits##_t v;                                                         \
	}
WORD(8);
WORD(16);
WORD(32);
WORD(64);

static uint64_t load(const void *at, unsigned len)
{
	switch (len) {
	case 1:
		return ((const struct word8 *)at)->v;
	case 2:
		return ((const struct word16 *)at)->v;
	case 4:
		return ((const struct word32 *)at)->v;
	default:
		return ((const struct word64 *)at)->v;
	}
}

static void store(void *at, unsigned len, uint64_t value)
{
	switch (len) {
	case 1:
		((struct word8 *)at)->v = (uint8_t)value;
		break;
	case 2:
		((struct word16 *)at)->v = (uint16_t)value;
		break;
	case 4:
		((struct word32 *)at)->v = (uint32_t)value;
		break;
	default:
		((struct word64 *)at)->v = value;
	}
}

static uint8_t *mapped(const struct vfio_region *r, uint64_t off, unsigned len)
{
	for (unsigned i = 0; i < r->areas; i++)
		if (off >= r->area[i].off && off - r->area[i].off + len <= r->area[i].size)
			return r->area[i].va + (off - r->area[i].off);
	return NULL;
}

/* The kernel refuses by -EIO what meets no decoder. */
static int call_read(struct vfio_device *d, unsigned region, uint64_t off, unsigned len,
		     uint64_t *ret)
{
	uint64_t v = 0;
	ssize_t n = pread(d->fd, &v, len, (off_t)(d->region[region].offset + off));

	if (n != (ssize_t)len)
		return fail(d, -EIO, "region %u at %llxh cannot be read: %s", region,
			    (unsigned long long)off, n < 0 ? strerror(errno) : "cut short");
	*ret = v;
	return 0;
}

static int call_write(struct vfio_device *d, unsigned region, uint64_t off, unsigned len,
		      uint64_t value)
{
	ssize_t n = pwrite(d->fd, &value, len, (off_t)(d->region[region].offset + off));

	if (n != (ssize_t)len)
		return fail(d, -EIO, "region %u at %llxh cannot be written: %s", region,
			    (unsigned long long)off, n < 0 ? strerror(errno) : "cut short");
	return 0;
}

/* Behind our back the kernel takes the mappings away while the function decodes nothing. */
static int look_decoding(struct vfio_device *d)
{
	uint64_t command = 0, pm = 0;
	int err = call_read(d, VFIO_CFG, CFG_COMMAND, 2, &command);

	if (!err && d->pm)
		err = call_read(d, VFIO_CFG, d->pm + PM_CONTROL, 2, &pm);
	d->decodes = !err && (command & COMMAND_MSE) && !(pm & PM_STATE);
	return err;
}

int vfio_device_read(struct vfio_device *d, unsigned region, uint64_t off, unsigned len,
		     uint64_t *ret)
{
	const uint8_t *at = mapped(&d->region[region], off, len);

	if (region == VFIO_CFG)
		return call_read(d, region, off, len, ret);
	if (!d->decodes)
		*ret = UINT64_MAX >> (64 - 8 * len);
	else if (at)
		*ret = load(at, len);
	else
		return call_read(d, region, off, len, ret);
	return 0;
}

int vfio_device_write(struct vfio_device *d, unsigned region, uint64_t off, unsigned len,
		      uint64_t value)
{
	uint8_t *at = mapped(&d->region[region], off, len);
	int err;

	if (region == VFIO_CFG) {
		err = call_write(d, region, off, len, value);
		return err ? err : look_decoding(d);
	}
	if (!d->decodes)
		return 0;
	if (!at)
		return call_write(d, region, off, len, value);
	/* what a doorbell tells of is in memory before it */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	store(at, len, value);
	return 0;
}

uint32_t *vfio_device_mapped(const struct vfio_device *d, uint64_t off)
{
	return off % 4 || !d->decodes ? NULL : (uint32_t *)(void *)mapped(&d->region[0], off, 4);
}

/* ---- regions ---- */

static int map_area(struct vfio_device *d, struct vfio_region *r, uint64_t off, uint64_t size)
{
	struct vfio_area *a = &r->area[r->areas];

	if (r->areas == VFIO_AREAS_MAX || off % PAGE || size % PAGE || !size || off > r->size ||
	    size > r->size - off)
		return 0; /* that part is read and written by call */
	a->va = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, d->fd,
		     (off_t)(r->offset + off));
	if (a->va == MAP_FAILED)
		return fail(d, -errno, "a BAR cannot be mapped: %s", strerror(errno));
	a->off = off;
	a->size = size;
	r->areas++;
	return 0;
}

union region_info {
	struct vfio_region_info info;
	uint8_t byte[INFO_ROOM];
};

/* Without the list the whole region may be mapped. */
static int map_region(struct vfio_device *d, struct vfio_region *r, const union region_info *u)
{
	struct vfio_region_info_cap_sparse_mmap cap;
	struct vfio_region_sparse_mmap_area area;
	uint32_t at = u->info.flags & VFIO_REGION_INFO_FLAG_CAPS ? u->info.cap_offset : 0;
	bool sparse = false;
	int err = 0;

	for (unsigned hops = 0; at && at <= sizeof(*u) - sizeof(cap) && hops < 16; hops++) {
		memcpy(&cap, u->byte + at, sizeof(cap));
		for (uint32_t i = 0;
		     cap.header.id == VFIO_REGION_INFO_CAP_SPARSE_MMAP && i < cap.nr_areas && !err;
		     i++) {
			uint32_t where = at + (uint32_t)(sizeof(cap) + i * sizeof(area));

			if (where > sizeof(*u) - sizeof(area))
				break;
			memcpy(&area, u->byte + where, sizeof(area));
			err = map_area(d, r, area.offset, area.size);
			sparse = true;
		}
		at = cap.header.next;
	}
	return err || sparse ? err : map_area(d, r, 0, r->size);
}

static int open_region(struct vfio_device *d, unsigned index)
{
	union region_info u = { .info = { .argsz = sizeof(u), .index = index } };
	struct vfio_region *r = &d->region[index];
	const uint32_t both = VFIO_REGION_INFO_FLAG_READ | VFIO_REGION_INFO_FLAG_WRITE;

	if (ioctl(d->fd, VFIO_DEVICE_GET_REGION_INFO, &u))
		return index < VFIO_BARS || index == VFIO_CFG
			       ? fail(d, -errno, "region %u: %s", index, strerror(errno))
			       : 0;
	if ((u.info.flags & both) != both)
		return 0;
	r->offset = u.info.offset;
	r->size = u.info.size;
	return index < VFIO_BARS && (u.info.flags & VFIO_REGION_INFO_FLAG_MMAP)
		       ? map_region(d, r, &u)
		       : 0;
}

static int open_regions(struct vfio_device *d)
{
	int err = 0;

	for (unsigned i = 0; i < VFIO_BARS && !err; i++)
		err = open_region(d, i);
	if (!err)
		err = open_region(d, VFIO_CFG);
	if (!err && (d->region[0].size < 0x1000 || d->region[VFIO_CFG].size < 0x100))
		err = fail(d, -EPROTO, "the function has no BAR 0 or no configuration space");
	return err;
}

/* ---- interrupts ---- */

static int set_irqs(struct vfio_device *d, uint32_t index, uint32_t flags, const int *fd,
		    unsigned n)
{
	size_t size = sizeof(struct vfio_irq_set) + n * sizeof(int32_t);
	_cleanup_free_ struct vfio_irq_set *s = calloc(1, size);

	if (!s)
		return -ENOMEM;
	*s = (struct vfio_irq_set){ .argsz = (uint32_t)size,
				    .flags = flags,
				    .index = index,
				    .count = fd || (flags & VFIO_IRQ_SET_ACTION_TRIGGER) ? n : 1 };
	if (fd)
		memcpy(s->data, fd, n * sizeof(int32_t));
	if (ioctl(d->fd, VFIO_DEVICE_SET_IRQS, s))
		return fail(d, -errno, "interrupts: %s", strerror(errno));
	return 0;
}

static int turn_off(struct vfio_device *d, uint32_t index)
{
	return set_irqs(d, index, VFIO_IRQ_SET_DATA_NONE | VFIO_IRQ_SET_ACTION_TRIGGER, NULL, 0);
}

static int turn_on(struct vfio_device *d, uint32_t index, const int *fd, unsigned n)
{
	return set_irqs(d, index, VFIO_IRQ_SET_DATA_EVENTFD | VFIO_IRQ_SET_ACTION_TRIGGER, fd, n);
}

static int make_event(int *fd)
{
	if (*fd < 0)
		*fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return *fd < 0 ? -errno : 0;
}

static bool take_event(int fd)
{
	uint64_t n;

	return fd >= 0 && read(fd, &n, sizeof(n)) == sizeof(n);
}

static void drop_wire(struct vfio_device *d)
{
	if (d->wire < 0)
		return;
	turn_off(d, VFIO_PCI_INTX_IRQ_INDEX);
	close(d->wire);
	d->wire = -1;
}

int vfio_device_irqs(struct vfio_device *d, unsigned n)
{
	int err = 0;

	if (n > d->vectors)
		return -ERANGE;
	if (d->messages)
		err = turn_off(d, VFIO_PCI_MSIX_IRQ_INDEX);
	d->messages = false;
	if (n)
		drop_wire(d); /* the kernel gives one kind at a time */
	for (unsigned i = 0; i < n && !err; i++)
		err = make_event(&d->event[i]);
	if (!err && n) {
		err = turn_on(d, VFIO_PCI_MSIX_IRQ_INDEX, d->event, n);
		d->messages = !err;
	}
	for (unsigned i = 0; i < d->vectors; i++)
		take_event(d->event[i]);
	return err;
}

/* The kernel masks the wire when it tells of it, and tells again, at once, of one that is unmasked
 * and still active. */
int vfio_device_wire(struct vfio_device *d, bool *ret_active)
{
	const uint32_t none = VFIO_IRQ_SET_DATA_NONE;
	int err = 0;

	if (d->messages)
		return fail(d, -ENOTSUP, "VFIO shows no INTx wire while MSI-X is on");
	if (d->wire < 0) {
		err = make_event(&d->wire);
		err = err ? err : turn_on(d, VFIO_PCI_INTX_IRQ_INDEX, &d->wire, 1);
	}
	if (!err)
		err = set_irqs(d, VFIO_PCI_INTX_IRQ_INDEX, none | VFIO_IRQ_SET_ACTION_MASK, NULL,
			       1);
	take_event(d->wire);
	if (!err)
		err = set_irqs(d, VFIO_PCI_INTX_IRQ_INDEX, none | VFIO_IRQ_SET_ACTION_UNMASK, NULL,
			       1);
	*ret_active = !err && take_event(d->wire);
	return err;
}

static struct vfio_irq_info irq_info(struct vfio_device *d, uint32_t index)
{
	struct vfio_irq_info i = { .argsz = sizeof(i), .index = index };

	if (ioctl(d->fd, VFIO_DEVICE_GET_IRQ_INFO, &i))
		i.count = 0;
	return i;
}

static int open_irqs(struct vfio_device *d)
{
	struct vfio_irq_info msix = irq_info(d, VFIO_PCI_MSIX_IRQ_INDEX);
	struct vfio_irq_info wire = irq_info(d, VFIO_PCI_INTX_IRQ_INDEX);
	struct vfio_irq_info request = irq_info(d, VFIO_PCI_REQ_IRQ_INDEX);

	d->vectors = msix.count < VFIO_VECTORS_MAX ? msix.count : VFIO_VECTORS_MAX;
	d->has_wire = wire.count && (wire.flags & WIRE_ENOUGH) == WIRE_ENOUGH;
	if (!request.count)
		return 0;
	if (make_event(&d->request))
		return -errno;
	return turn_on(d, VFIO_PCI_REQ_IRQ_INDEX, &d->request, 1);
}

int vfio_device_look(struct vfio_device *d)
{
	if (take_event(d->request))
		d->wanted = true;
	if (!d->wanted)
		return 0;
	return fail(d, -ECANCELED,
		    "the kernel wants the device back: it is being unplugged or unbound");
}

/* ---- reset ---- */

int vfio_device_reset(struct vfio_device *d)
{
	if (!d->resets)
		return fail(d, -ENOTSUP, "the kernel has no way to reset this function");
	if (ioctl(d->fd, VFIO_DEVICE_RESET))
		return fail(d, -errno, "the reset of the function: %s", strerror(errno));
	return look_decoding(d);
}

/* ---- beginning and end ---- */

void vfio_device_init(struct vfio_device *d)
{
	*d = (struct vfio_device){ .fd = -1, .wire = -1, .request = -1 };
	for (unsigned i = 0; i < VFIO_VECTORS_MAX; i++)
		d->event[i] = -1;
}

int vfio_device_open(struct vfio_device *d, int fd, unsigned pm)
{
	struct vfio_device_info info = { .argsz = sizeof(info) };
	int err;

	vfio_device_init(d);
	d->fd = fd;
	d->pm = pm;
	if (ioctl(fd, VFIO_DEVICE_GET_INFO, &info))
		return fail(d, -errno, "what the device is: %s", strerror(errno));
	if (!(info.flags & VFIO_DEVICE_FLAGS_PCI))
		return fail(d, -EPROTO, "the device is no PCI function");
	d->resets = info.flags & VFIO_DEVICE_FLAGS_RESET;
	err = open_regions(d);
	err = err ? err : open_irqs(d);
	return err ? err : look_decoding(d);
}

static void unmap_all(struct vfio_device *d)
{
	for (unsigned i = 0; i < VFIO_REGIONS; i++) {
		struct vfio_region *r = &d->region[i];

		while (r->areas) {
			r->areas--;
			munmap(r->area[r->areas].va, r->area[r->areas].size);
		}
	}
}

void vfio_device_close(struct vfio_device *d)
{
	if (d->messages)
		turn_off(d, VFIO_PCI_MSIX_IRQ_INDEX);
	drop_wire(d);
	unmap_all(d);
	for (unsigned i = 0; i < VFIO_VECTORS_MAX; i++)
		if (d->event[i] >= 0)
			close(d->event[i]);
	if (d->request >= 0)
		close(d->request);
	d->request = -1;
}
