/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A PCI function as this machine's kernel shows it: identity, capabilities, configuration space,
 * driver, IOMMU group. By libpci and sysfs (Linux Documentation/ABI/testing/sysfs-bus-pci,
 * sysfs-kernel-iommu_groups); nothing here changes who drives the function.
 *
 * `sysfs` is where sysfs is, "/sys" when NULL: tests have trees of their own. What stands in it is
 * read with a bound. Used by one thread.
 */
#ifndef TARGET_PCI_DEV_H
#define TARGET_PCI_DEV_H

#include <stdint.h>

#define PCI_DEV_NAME	   32 /* "0000:01:00.0" and its NUL, with room */
#define PCI_DEV_WORD	   64 /* a driver's name */
#define PCI_DEV_ERROR	   256
#define PCI_DEV_PATH	   512
#define PCI_DEV_NVME_CLASS 0x010802u /* NVMe over PCIe Transport, Class Code: an I/O controller */

struct pci_device; /* an open one */

struct pci_device_info {
	char name[PCI_DEV_NAME];   /* "0000:01:00.0" */
	uint16_t vendor, device;   /* 0x1b36, 0x0010 */
	uint32_t class;		   /* base, sub-class, programming interface: 0x010802 */
	char driver[PCI_DEV_WORD]; /* who drives it now; "" nobody */
	int iommu_group;	   /* -1: in none */
	uint64_t bar_size[6];	   /* bytes; the upper half of a 64-bit BAR reads 0 */
	uint64_t bar_addr[6];	   /* where the processor sees it, 0: nowhere */
};

/* DDDD:BB:DD.F, or without the domain 0000, hexadecimal. -EINVAL for any other text. */
int pci_dev_parse(const char *text, char ret_name[PCI_DEV_NAME]);

/* The function behind the kernel's "nvme0". -ENOENT: no such controller; -ENODEV: it is not PCI. */
int pci_dev_of_nvme(const char *sysfs, const char *controller, char ret_name[PCI_DEV_NAME]);

/* The kernel's name of the controller ("nvme0") that its driver made of the function, or "". */
void pci_dev_nvme_name(const char *sysfs, const char *name, char ret_controller[PCI_DEV_WORD]);

/*
 * On failure *ret is NULL and error (PCI_DEV_ERROR bytes) says what, where, what to do. -EINVAL: no
 * address; -ENOENT: nothing there, with the NVMe controllers that there are; else -EIO.
 */
int pci_dev_open(const char *sysfs, const char *text, struct pci_device **ret, char *error);
void pci_dev_close(struct pci_device *d); /* NULL is fine */

/* As it was at open. Valid until close. */
const struct pci_device_info *pci_dev_info(const struct pci_device *d);

/* Offset of the first such capability; 0: none, or the kernel shows no more than 64 bytes of it. */
unsigned pci_dev_find_cap(struct pci_device *d, unsigned id);
unsigned pci_dev_find_ext_cap(struct pci_device *d, unsigned id);

/*
 * Configuration space by exactly that width, 8, 16 or 32 bits; the kernel makes aligned accesses of
 * one that is not. -EINVAL for another width, -ERANGE past the end, -EIO where the kernel refuses:
 * beyond 64 bytes it asks for root, and for a write always.
 */
int pci_dev_read(struct pci_device *d, unsigned off, unsigned width, uint32_t *ret);
int pci_dev_write(struct pci_device *d, unsigned off, unsigned width, uint32_t value);

/* Calls each() for every function of the IOMMU group until it returns non-zero, and returns that.
 * 0, or -errno when the group cannot be read. */
int pci_dev_group(const char *sysfs, int group, int (*each)(void *ctx, const char *name),
		  void *ctx);

/* The driver of a function, "" for none. -ENOENT: no such function. */
int pci_dev_driver(const char *sysfs, const char *name, char ret_driver[PCI_DEV_WORD]);

#endif
