// SPDX-License-Identifier: GPL-2.0-or-later
#include "target/vu_device.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define CFG	    VU_REGION_CONFIG
#define CFG_COMMAND 0x04u
#define CFG_BAR0    0x10u
#define CFG_CAPS    0x34u
#define COMMAND_ON  0x0406u /* memory, bus mastering, no wire: for who has no eventfd yet */
#define BAR_IO	    1u
#define BAR_64	    4u
#define MSIX_ID	    0x11u
#define MSIX_ENABLE 0x8000u
#define ENTRY_BYTES 16u
#define ENTRY_MASK  12u
#define LOW_BARS    0xc0000000ull /* under 4 GiB, and under our memory */
#define LOW_ROOM    0x08000000ull
#define HIGH_BARS   0x4000000000ull
#define HIGH_ROOM   0x400000000ull
#define REPLY_ROOM  4096u

static int garbage(struct vu_device *d, const char *what)
{
	snprintf(d->link.error, sizeof(d->link.error), "%s", what);
	return -EPROTO;
}

/* ---- accesses ---- */

int vu_device_read(struct vu_device *d, unsigned region, uint64_t off, unsigned len, uint64_t *ret)
{
	struct vu_access a = { off, region, len };
	struct vu_piece piece[2] = { { &a, sizeof(a) } };
	int err = vu_link_ask(&d->link, VU_REGION_READ, piece, NULL, 0, sizeof(a) + len);
	uint64_t v = 0;

	if (err)
		return err;
	if (d->link.msg.len != sizeof(a) + len || memcmp(d->link.msg.data, &a, sizeof(a)))
		return garbage(d, "a region read is answered for another place");
	memcpy(&v, d->link.msg.data + sizeof(a), len);
	*ret = v;
	return 0;
}

int vu_device_write(struct vu_device *d, unsigned region, uint64_t off, unsigned len,
		    uint64_t value)
{
	struct vu_access a = { off, region, len };
	struct vu_piece piece[2] = { { &a, sizeof(a) }, { &value, len } };

	return vu_link_ask(&d->link, VU_REGION_WRITE, piece, NULL, 0, 0);
}

uint32_t *vu_device_mapped(const struct vu_device *d, uint64_t off)
{
	if (off % 4)
		return NULL;
	for (unsigned i = 0; i < d->maps; i++) {
		const struct vu_area *a = &d->map[i].area;

		if (off >= a->offset && off - a->offset + 4 <= a->size)
			return (uint32_t *)(void *)(d->map[i].va + (off - a->offset));
	}
	return NULL;
}

int vu_device_ring(struct vu_device *d, uint64_t off, unsigned len, uint64_t value)
{
	struct vu_access a = { off, 0, len };
	struct vu_piece piece[2] = { { &a, sizeof(a) }, { &value, len } };
	uint32_t *va = len == 4 ? vu_device_mapped(d, off) : NULL;

	if (!va)
		return vu_link_post(&d->link, VU_REGION_WRITE, piece);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	__atomic_store_n(va, (uint32_t)value, __ATOMIC_RELEASE);
	return d->link.broken;
}

/* ---- regions ---- */

static int map_area(struct vu_device *d, const struct vu_region *r, const struct vu_area *a, int fd)
{
	uint64_t at = r->offset + a->offset;
	struct stat st;
	void *va;

	if (at < r->offset || at % 4096 || a->offset % 4096 || a->size % 4096)
		return garbage(d, "an area of BAR 0 does not begin or end with a page");
	if (fstat(fd, &st) || (S_ISREG(st.st_mode) &&
			       ((uint64_t)st.st_size < at || (uint64_t)st.st_size - at < a->size)))
		return garbage(d, "an area of BAR 0 is not in its descriptor");
	va = mmap(NULL, a->size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, (off_t)at);
	if (va == MAP_FAILED)
		return garbage(d, "an area of BAR 0 cannot be mapped");
	d->map[d->maps++] = (struct vu_mapping){ *a, va };
	return 0;
}

static int map_areas(struct vu_device *d, const struct vu_area *area, unsigned n)
{
	int fd = n ? vu_msg_take_fd(&d->link.msg, 0) : -1, err = 0;

	if (fd < 0)
		return 0;
	for (unsigned i = 0; i < n && !err; i++)
		err = map_area(d, &d->region[0], &area[i], fd);
	close(fd);
	return err;
}

static int ask_region(struct vu_device *d, unsigned index, enum vu_doorbells how)
{
	struct vu_region ask = { .argsz = REPLY_ROOM, .index = index };
	struct vu_piece piece[2] = { { &ask, sizeof(ask) } };
	struct vu_area area[VU_AREAS_MAX];
	unsigned n = 0;
	int err = vu_link_ask(&d->link, VU_DEVICE_GET_REGION_INFO, piece, NULL, 0, sizeof(ask));

	if (!err && vu_region_parse(d->link.msg.data, d->link.msg.len, &d->region[index], area,
				    VU_AREAS_MAX, &n))
		err = garbage(d, "a region's description contradicts itself");
	if (!err && d->region[index].index != index)
		err = garbage(d, "a region's description is of another region");
	if (!err && index == 0 && how != VU_DOORBELLS_MESSAGE)
		err = map_areas(d, area, n);
	vu_msg_drop_fds(&d->link.msg);
	return err;
}

static int ask_regions(struct vu_device *d, enum vu_doorbells how)
{
	struct vu_info info = { .argsz = sizeof(info) };
	struct vu_piece piece[2] = { { &info, sizeof(info) } };
	int err = vu_link_ask(&d->link, VU_DEVICE_GET_INFO, piece, NULL, 0, sizeof(info));

	if (err)
		return err;
	memcpy(&info, d->link.msg.data, sizeof(info));
	if (!(info.flags & VU_DEVICE_PCI) || info.regions <= CFG || info.irqs <= VU_IRQ_MSIX)
		return garbage(d, "what is served is no PCI device");
	for (unsigned i = 0; i < VU_REGIONS && i < info.regions && !err; i++)
		err = ask_region(d, i, how);
	if (!err && (d->region[0].size < 0x1000 || d->region[CFG].size < 0x100))
		err = garbage(d, "the device has no BAR 0 or no configuration space");
	if (!err && how == VU_DOORBELLS_MAPPED && !d->maps)
		err = garbage(d, "doorbells=mapped, and the server lets nothing be mapped");
	return err;
}

/* ---- configuration space ---- */

int vu_device_find_cap(struct vu_device *d, uint8_t id, unsigned *ret)
{
	uint64_t at = 0, header = 0;
	int err = vu_device_read(d, CFG, CFG_CAPS, 1, &at);

	*ret = 0;
	for (unsigned hops = 0; !err && at >= 0x40 && hops < 48; hops++) {
		at &= 0xfcu;
		err = vu_device_read(d, CFG, at, 2, &header);
		if (!err && (header & 0xff) == id) {
			*ret = (unsigned)at;
			return 0;
		}
		at = header >> 8;
	}
	return err;
}

static uint64_t choose(unsigned bar, uint64_t size, bool wide)
{
	if (size <= LOW_ROOM)
		return LOW_BARS + bar * LOW_ROOM;
	return wide && size <= HIGH_ROOM ? HIGH_BARS + bar * HIGH_ROOM : 0;
}

static int place_bar(struct vu_device *d, unsigned bar, bool *ret_wide)
{
	uint64_t low = 0, at;
	int err = vu_device_read(d, CFG, CFG_BAR0 + 4 * bar, 4, &low);

	if (err || (low & BAR_IO))
		return err;
	*ret_wide = bar < 5 && (low & 6) == BAR_64;
	at = choose(bar, d->region[bar].size, *ret_wide);
	d->bar_addr[bar] = at;
	err = vu_device_write(d, CFG, CFG_BAR0 + 4 * bar, 4, (uint32_t)at);
	if (!err && *ret_wide)
		err = vu_device_write(d, CFG, CFG_BAR0 + 4 * bar + 4, 4, at >> 32);
	return err;
}

int vu_device_place(struct vu_device *d)
{
	int err = 0;

	for (unsigned bar = 0; bar < 6 && !err; bar++) {
		bool wide = false;

		if (d->region[bar].size)
			err = place_bar(d, bar, &wide);
		bar += wide;
	}
	return err ? err : vu_device_write(d, CFG, CFG_COMMAND, 2, COMMAND_ON);
}

/* ---- interrupts ---- */

/* Where the vector's mask is, if the table is in a region that answers. */
static int mask_place(struct vu_device *d, unsigned vector, unsigned *ret_region, uint64_t *ret_off)
{
	uint64_t table = 0;
	int err = vu_device_read(d, CFG, d->msix + 4, 4, &table);

	*ret_region = table & 7;
	*ret_off = (table & ~7ull) + (uint64_t)vector * ENTRY_BYTES + ENTRY_MASK;
	return err;
}

/* A refused look says that the table is decoration. */
static int try_table(struct vu_device *d)
{
	unsigned region;
	uint64_t off, v;
	int err = mask_place(d, 0, &region, &off);

	if (err || region > 5)
		return err;
	d->real_table = !vu_device_read(d, region, off, 4, &v);
	return d->link.broken;
}

static int count_vectors(struct vu_device *d)
{
	struct vu_irq irq = { .argsz = sizeof(irq), .index = VU_IRQ_MSIX };
	struct vu_piece piece[2] = { { &irq, sizeof(irq) } };
	uint64_t control = 0;
	int err = vu_device_find_cap(d, MSIX_ID, &d->msix);

	if (err || !d->msix)
		return err;
	err = vu_device_read(d, CFG, d->msix + 2, 2, &control);
	if (!err)
		err = vu_link_ask(&d->link, VU_DEVICE_GET_IRQ_INFO, piece, NULL, 0, sizeof(irq));
	if (err)
		return err;
	memcpy(&irq, d->link.msg.data, sizeof(irq));
	d->vectors = (control & 0x7ff) + 1;
	if (irq.count < d->vectors)
		d->vectors = irq.count;
	if (d->vectors > VU_VECTORS_MAX)
		d->vectors = VU_VECTORS_MAX;
	return d->vectors ? try_table(d) : 0;
}

static int set_irqs(struct vu_device *d, uint32_t flags, unsigned start, unsigned count,
		    const int *fd, unsigned fds)
{
	struct vu_set_irqs set = { sizeof(set), flags, VU_IRQ_MSIX, start, count };
	struct vu_piece piece[2] = { { &set, sizeof(set) } };

	return vu_link_ask(&d->link, VU_DEVICE_SET_IRQS, piece, fd, fds, 0);
}

static int give_events(struct vu_device *d, unsigned n)
{
	unsigned most = d->link.server.fds_max;
	int err = 0;

	most = most < 1 ? 1 : most > VU_FDS_MAX ? VU_FDS_MAX : most;
	for (unsigned i = 0; i < n; i++)
		if (d->event[i] < 0) {
			d->event[i] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
			if (d->event[i] < 0)
				return -errno;
		}
	for (unsigned i = 0, k; i < n && !err; i += k) {
		k = n - i < most ? n - i : most;
		err = set_irqs(d, VU_SET_EVENTFD | VU_SET_TRIGGER, i, k, d->event + i, k);
	}
	return err;
}

static int mask_entries(struct vu_device *d, unsigned n)
{
	unsigned region;
	uint64_t off;
	int err = mask_place(d, 0, &region, &off);

	for (unsigned i = 0; i < d->vectors && !err; i++)
		err = vu_device_write(d, region, off + (uint64_t)i * ENTRY_BYTES, 4, i >= n);
	return err;
}

int vu_device_irqs(struct vu_device *d, unsigned n)
{
	uint64_t control = 0, v;
	int err;

	if (!d->msix || n > d->vectors)
		return -ERANGE;
	err = vu_device_read(d, CFG, d->msix + 2, 2, &control);
	control &= ~(uint64_t)MSIX_ENABLE;
	err = err ? err : vu_device_write(d, CFG, d->msix + 2, 2, control);
	err = err ? err : set_irqs(d, VU_SET_NONE | VU_SET_TRIGGER, 0, 0, NULL, 0);
	err = err ? err : give_events(d, n);
	if (!err && d->real_table)
		err = mask_entries(d, n);
	if (!err && n)
		err = vu_device_write(d, CFG, d->msix + 2, 2, control | MSIX_ENABLE);
	for (unsigned i = 0; i < d->vectors; i++)
		while (d->event[i] >= 0 && read(d->event[i], &v, sizeof(v)) == sizeof(v))
			;
	return err;
}

/* ---- beginning and end ---- */

int vu_device_open(struct vu_device *d, enum vu_doorbells how)
{
	uint64_t id = 0;
	int err;

	for (unsigned i = 0; i < VU_VECTORS_MAX; i++)
		d->event[i] = -1;
	err = ask_regions(d, how);
	err = err ? err : vu_device_read(d, CFG, 0, 4, &id);
	d->id = (uint32_t)id;
	err = err ? err : vu_device_place(d);
	return err ? err : count_vectors(d);
}

void vu_device_close(struct vu_device *d)
{
	for (unsigned i = 0; i < d->maps; i++)
		munmap(d->map[i].va, d->map[i].area.size);
	d->maps = 0;
	for (unsigned i = 0; i < VU_VECTORS_MAX; i++)
		if (d->event[i] >= 0) {
			close(d->event[i]);
			d->event[i] = -1;
		}
}
