// SPDX-License-Identifier: GPL-2.0-or-later
#include "target/qtest_pci.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#define ENABLE_CYCLE 0x80000000u
#define BARS_AT	     0xe0000000ull
#define BARS_ROOM    0x0f000000ull /* of each function */

/* Q35's host bridge keeps extended space unmapped until firmware sets PCIEXBAR; there is none. */
#define Q35_MCH		 0x29c08086u
#define Q35_PCIEXBAR	 0x60u
#define ECAM_AT		 0xb0000000u
#define ECAM_ENABLE_256M 1u

#define CAP_MAX		 48 /* capabilities that fit in the 192 bytes they have */

static int width_letter(unsigned width)
{
	return width == 8 ? 'b' : width == 16 ? 'w' : width == 32 ? 'l' : 0;
}

/* One configuration cycle by the ports CF8h and CFCh. */
static int port_read(struct wire *w, unsigned bdf, unsigned off, unsigned width, uint64_t *ret)
{
	int err = wire_post(w, "outl 0xcf8 0x%x", ENABLE_CYCLE | bdf << 8 | (off & 0xfc));

	if (err)
		return err;
	return wire_ask(w, ret, "in%c 0x%x", width_letter(width), 0xcfc + (off & 3));
}

static int port_write(struct wire *w, unsigned bdf, unsigned off, unsigned width, uint32_t value)
{
	int err = wire_post(w, "outl 0xcf8 0x%x", ENABLE_CYCLE | bdf << 8 | (off & 0xfc));

	if (err)
		return err;
	return wire_post(w, "out%c 0x%x 0x%x", width_letter(width), 0xcfc + (off & 3), value);
}

static int check_access(const struct pci *p, unsigned off, unsigned width)
{
	unsigned end = p->ecam ? 4096 : 256;

	if (!width_letter(width))
		return -EINVAL;
	if (off >= end || off + width / 8 > end)
		return -ERANGE;
	if (!p->ecam && (off & 3) + width / 8 > 4)
		return -EINVAL;
	return 0;
}

int qtest_pci_read(struct pci *p, unsigned off, unsigned width, uint32_t *ret)
{
	int err = check_access(p, off, width);
	uint64_t v;

	if (err)
		return err;
	if (p->ecam)
		err = wire_ask(p->w, &v, "read%c 0x%llx", width_letter(width),
			       (unsigned long long)(p->ecam + off));
	else
		err = port_read(p->w, p->bdf, off, width, &v);
	if (!err)
		*ret = (uint32_t)v;
	return err;
}

int qtest_pci_write(struct pci *p, unsigned off, unsigned width, uint32_t value)
{
	int err = check_access(p, off, width);

	if (err)
		return err;
	if (!p->ecam)
		return port_write(p->w, p->bdf, off, width, value);
	return wire_post(p->w, "write%c 0x%llx 0x%x", width_letter(width),
			 (unsigned long long)(p->ecam + off), value);
}

int qtest_pci_set_command(struct pci *p, unsigned bits)
{
	return qtest_pci_write(p, PCI_COMMAND, 16, bits);
}

/* Maps the extended configuration space where the machine can, and proves it by the function's id.
 */
static int map_extended(struct pci *p)
{
	uint64_t bridge, id;
	int err = port_read(p->w, 0, PCI_ID, 32, &bridge);

	if (err || bridge != Q35_MCH)
		return err;
	port_write(p->w, 0, Q35_PCIEXBAR + 4, 32, 0);
	port_write(p->w, 0, Q35_PCIEXBAR, 32, ECAM_AT | ECAM_ENABLE_256M);
	err = wire_ask(p->w, &id, "readl 0x%x", ECAM_AT + (p->bdf << 12));
	if (!err && id == p->id)
		p->ecam = ECAM_AT + (p->bdf << 12);
	return err;
}

/* Size of BAR i, by what sticks of all ones; *ret_wide: it takes the next register too. */
static int size_bar(struct pci *p, unsigned i, uint64_t *ret, bool *ret_wide)
{
	uint32_t lo, hi = 0xffffffff;
	uint64_t mask;
	int err = qtest_pci_write(p, PCI_BAR + 4 * i, 32, 0xffffffff);

	if (!err)
		err = qtest_pci_read(p, PCI_BAR + 4 * i, 32, &lo);
	if (err)
		return err;
	*ret = 0;
	*ret_wide = (lo & 7) == 4 && i < 5;
	if (!lo || (lo & 1))
		return 0;
	if (*ret_wide) {
		err = qtest_pci_write(p, PCI_BAR + 4 * i + 4, 32, 0xffffffff);
		if (!err)
			err = qtest_pci_read(p, PCI_BAR + 4 * i + 4, 32, &hi);
	}
	mask = (uint64_t)hi << 32 | (lo & ~0xfu);
	*ret = ~mask + 1;
	return err;
}

uint64_t qtest_pci_slot(unsigned slot)
{
	return BARS_AT + slot * BARS_ROOM;
}

static int place_bars(struct pci *p)
{
	uint64_t next = qtest_pci_slot(p->slot), end = next + BARS_ROOM;

	for (unsigned i = 0; i < 6; i++) {
		uint64_t size;
		bool wide;
		int err = size_bar(p, i, &size, &wide);

		if (err)
			return err;
		if (size && size <= end - next) {
			next = (next + size - 1) & ~(size - 1);
			p->bar_size[i] = size;
			p->bar_addr[i] = next;
			next += size;
		}
		err = qtest_pci_write(p, PCI_BAR + 4 * i, 32, (uint32_t)p->bar_addr[i]);
		if (!err && wide)
			err = qtest_pci_write(p, PCI_BAR + 4 * ++i, 32, 0);
		if (err)
			return err;
	}
	return 0;
}

static int read_msix(struct pci *p)
{
	uint32_t control, table;
	int err = qtest_pci_read(p, p->msix + 2, 16, &control);

	if (!err)
		err = qtest_pci_read(p, p->msix + 4, 32, &table);
	if (err)
		return err;
	if ((table & 7) > 5 || !p->bar_addr[table & 7])
		return 0;
	p->vectors = (control & 0x7ff) + 1;
	p->msix_table = p->bar_addr[table & 7] + (table & ~7u);
	return qtest_pci_msix(p, 0, 0);
}

int qtest_pci_capabilities(struct pci *p)
{
	uint32_t at, header;
	int err = qtest_pci_read(p, PCI_CAP_LIST, 8, &at);

	for (unsigned n = 0; !err && (at & 0xfc) >= 0x40 && n < CAP_MAX; n++) {
		at &= 0xfc;
		err = qtest_pci_read(p, at, 16, &header);
		if (!err && (header & 0xff) == PCI_CAP_MSIX)
			p->msix = at;
		if (!err && (header & 0xff) == PCI_CAP_EXPRESS)
			p->express = at;
		at = header >> 8;
	}
	if (!err && p->msix)
		err = read_msix(p);
	return err;
}

int qtest_pci_open(struct pci *p, struct wire *w, unsigned bdf, unsigned slot)
{
	uint64_t id;
	int err;

	memset(p, 0, sizeof(*p));
	p->w = w;
	p->bdf = bdf;
	p->slot = slot;
	err = port_read(w, bdf, PCI_ID, 32, &id);
	if (err)
		return err;
	p->id = (uint32_t)id;
	if (p->id == 0xffffffff || !p->id)
		return -ENODEV;
	err = map_extended(p);
	if (!err)
		err = qtest_pci_set_command(p, 0);
	if (!err)
		err = place_bars(p);
	if (!err)
		err = qtest_pci_capabilities(p);
	if (!err && !p->bar_size[0])
		err = -ENODEV;
	if (!err)
		err = qtest_pci_set_command(p, PCI_MSE);
	return err ? err : wire_flush(w);
}

static int msix_entry(struct pci *p, unsigned i, uint64_t word)
{
	unsigned long long at = p->msix_table + 16ull * i;
	int err = wire_post(p->w, "writel 0x%llx 0x%x", at, (uint32_t)word);

	if (!err)
		err = wire_post(p->w, "writel 0x%llx 0x%x", at + 4, (uint32_t)(word >> 32));
	if (!err)
		err = wire_post(p->w, "writel 0x%llx 0x%x", at + 8, i + 1);
	return err ? err : wire_post(p->w, "writel 0x%llx 0x0", at + 12);
}

static int msix_mask_entry(struct pci *p, unsigned i)
{
	return wire_post(p->w, "writel 0x%llx 0x1",
			 (unsigned long long)(p->msix_table + 16ull * i + 12));
}

int qtest_pci_msix(struct pci *p, unsigned n, uint64_t words)
{
	const uint32_t enable = 0x8000, mask_all = 0x4000;
	int err;

	if (!p->vectors)
		return n ? -ENOTSUP : 0;
	if (n > p->vectors)
		return -ERANGE;
	err = qtest_pci_write(p, p->msix + 2, 16, n ? enable | mask_all : 0);
	for (unsigned i = 0; n && i < p->vectors && !err; i++)
		err = i < n ? msix_entry(p, i, words + 4ull * i) : msix_mask_entry(p, i);
	if (!err && n)
		err = qtest_pci_write(p, p->msix + 2, 16, enable);
	return err ? err : wire_flush(p->w);
}

int qtest_pci_flr(struct pci *p)
{
	uint32_t claims, control;
	int err;

	if (!p->express)
		return -ENOTSUP;
	err = qtest_pci_read(p, p->express + 4, 32, &claims);
	if (err)
		return err;
	if (!(claims >> 28 & 1))
		return -ENOTSUP;
	err = qtest_pci_read(p, p->express + 8, 16, &control);
	if (!err)
		err = qtest_pci_write(p, p->express + 8, 16, control | 0x8000);
	return err ? err : wire_flush(p->w);
}

int qtest_pci_place_again(struct pci *p)
{
	int err = 0;

	/* the upper half of a 64-bit BAR has address 0 here, which is what it holds */
	for (unsigned i = 0; i < 6 && !err; i++)
		err = qtest_pci_write(p, PCI_BAR + 4 * i, 32, (uint32_t)p->bar_addr[i]);
	return err;
}
