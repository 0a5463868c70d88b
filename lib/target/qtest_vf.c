// SPDX-License-Identifier: GPL-2.0-or-later
#include "target/qtest_vf.h"

#include <errno.h>
#include <string.h>

#define EXTENDED  0x100u /* configuration space from here on */
#define EXT_MAX	  960	 /* extended capabilities that fit */
#define EXT_SRIOV 0x10u
#define CONTROL	  0x08u /* offsets into the capability */
#define TOTAL_VFS 0x0eu
#define NUM_VFS	  0x10u
#define OFFSET	  0x14u
#define BAR0	  0x24u
#define VF_ENABLE 0x1u
#define VF_MSE	  0x8u

int qtest_vf_find(struct pci *pf, unsigned *ret_at)
{
	uint32_t header, total = 0;
	unsigned at = EXTENDED;
	int err = 0;

	*ret_at = 0;
	for (unsigned n = 0; pf->ecam && at >= EXTENDED && n < EXT_MAX; n++) {
		err = qtest_pci_read(pf, at, 32, &header);
		if (err || !header || header == 0xffffffff)
			return err;
		if ((header & 0xffff) == EXT_SRIOV) {
			err = qtest_pci_read(pf, at + TOTAL_VFS, 16, &total);
			*ret_at = !err && total ? at : 0;
			return err;
		}
		at = header >> 20 & ~3u;
	}
	return err;
}

int qtest_vf_disable(struct pci *pf, unsigned at)
{
	int err = qtest_pci_write(pf, at + CONTROL, 16, 0);

	return err ? err : qtest_pci_write(pf, at + NUM_VFS, 16, 0);
}

/* Room for as many as are enabled, as the next slot has it. */
static int place(struct pci *vf, struct pci *pf, unsigned at)
{
	uint64_t size, home = qtest_pci_slot(1);
	uint32_t lo;
	int err = qtest_pci_write(pf, at + BAR0, 32, 0xffffffff);

	if (!err)
		err = qtest_pci_read(pf, at + BAR0, 32, &lo);
	if (err)
		return err;
	size = (uint32_t)(~(lo & ~0xfu) + 1);
	if (!lo || (lo & 1) || !size)
		return -ENODEV;
	vf->bar_size[0] = size;
	vf->bar_addr[0] = home;
	err = qtest_pci_write(pf, at + BAR0, 32, (uint32_t)home);
	if (!err && (lo & 7) == 4)
		err = qtest_pci_write(pf, at + BAR0 + 4, 32, 0);
	return err;
}

int qtest_vf_open(struct pci *vf, struct pci *pf, unsigned at)
{
	uint32_t control, offset;
	int err = qtest_pci_read(pf, at + CONTROL, 16, &control);

	memset(vf, 0, sizeof(*vf));
	if (!err)
		err = qtest_pci_read(pf, at + OFFSET, 16, &offset);
	if (err)
		return err;
	if (!(control & VF_ENABLE))
		return -ENODEV;
	vf->w = pf->w;
	vf->bdf = pf->bdf + offset;
	vf->slot = 1;
	vf->id = pf->id; /* its own reads all ones */
	vf->ecam = pf->ecam + ((uint64_t)offset << 12);
	err = qtest_pci_write(pf, at + CONTROL, 16, control & ~VF_MSE);
	if (!err)
		err = place(vf, pf, at);
	if (!err)
		err = qtest_pci_write(pf, at + CONTROL, 16, control | VF_MSE);
	if (!err)
		err = qtest_pci_set_command(vf, PCI_MSE);
	if (!err)
		err = qtest_pci_capabilities(vf);
	return err ? err : wire_flush(vf->w);
}
