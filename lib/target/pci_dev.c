// SPDX-License-Identifier: GPL-2.0-or-later
#include "target/pci_dev.h"

#include <dirent.h>
#include <errno.h>
#include <pci/pci.h>
#include <setjmp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"

#define CFG_BYTES	4096u
#define BAR_FLAG_IO	1u
#define ADDRESS_LETTERS "0123456789abcdefABCDEF:."
#define FILLED                                                                                     \
	(PCI_FILL_IDENT | PCI_FILL_CLASS | PCI_FILL_CLASS_EXT | PCI_FILL_BASES | PCI_FILL_SIZES)
#define MEMBERS_MAX 1024u /* of a group; there are 256 functions on a bus */
#define NEAR_BYTES  120u

struct pci_device {
	struct pci_access *access;
	struct pci_dev *dev;
	struct pci_device_info info;
};

/*
 * libpci's error function may not return, and gets no context: so the way out is the thread's. It
 * is set around every call into libpci.
 */
static _Thread_local jmp_buf way_out;

__attribute__((noreturn, format(printf, 1, 2))) static void leave(char *msg, ...)
{
	(void)msg;
	longjmp(way_out, 1);
}

__attribute__((format(printf, 1, 2))) static void say_nothing(char *msg, ...)
{
	(void)msg;
}

static const char *root(const char *sysfs)
{
	return sysfs ? sysfs : "/sys";
}

/* ---- names ---- */

int pci_dev_parse(const char *text, char ret_name[PCI_DEV_NAME])
{
	unsigned domain = 0, bus, dev, func;
	int end = 0;

	if (strspn(text, ADDRESS_LETTERS) != strlen(text))
		return -EINVAL;
	if (sscanf(text, "%8x:%2x:%2x.%1x%n", &domain, &bus, &dev, &func, &end) != 4 || text[end]) {
		domain = 0;
		if (sscanf(text, "%2x:%2x.%1x%n", &bus, &dev, &func, &end) != 3 || text[end])
			return -EINVAL;
	}
	if (dev > 31 || func > 7)
		return -EINVAL;
	snprintf(ret_name, PCI_DEV_NAME, "%04x:%02x:%02x.%x", domain, bus, dev, func);
	return 0;
}

/* Last component of a link below sysfs. -ENOENT: no such link. */
static int link_word(const char *path, char *ret, size_t size)
{
	char to[PCI_DEV_PATH];
	ssize_t n = readlink(path, to, sizeof(to) - 1);
	const char *slash;

	if (n < 0)
		return -errno;
	to[n] = 0;
	slash = strrchr(to, '/');
	slash = slash ? slash + 1 : to;
	if (strlen(slash) >= size)
		return -ENAMETOOLONG;
	strcpy(ret, slash);
	return 0;
}

int pci_dev_of_nvme(const char *sysfs, const char *controller, char ret_name[PCI_DEV_NAME])
{
	char path[PCI_DEV_PATH], word[PCI_DEV_NAME];
	int err;

	if (strchr(controller, '/'))
		return -ENOENT;
	snprintf(path, sizeof(path), "%s/class/nvme/%.60s", root(sysfs), controller);
	if (access(path, F_OK))
		return -ENOENT;
	snprintf(path, sizeof(path), "%s/class/nvme/%.60s/device", root(sysfs), controller);
	err = link_word(path, word, sizeof(word));
	/* over fabrics there is no such link, or one to a device that is no PCI function */
	return err || pci_dev_parse(word, ret_name) ? -ENODEV : 0;
}

void pci_dev_nvme_name(const char *sysfs, const char *name, char ret_controller[PCI_DEV_WORD])
{
	char path[PCI_DEV_PATH];
	struct dirent *e;
	DIR *d;

	*ret_controller = 0;
	snprintf(path, sizeof(path), "%s/bus/pci/devices/%s/nvme", root(sysfs), name);
	d = opendir(path);
	while (d && !*ret_controller && (e = readdir(d)))
		if (!strncmp(e->d_name, "nvme", 4) && strlen(e->d_name) < PCI_DEV_WORD)
			strcpy(ret_controller, e->d_name);
	if (d)
		closedir(d);
}

int pci_dev_driver(const char *sysfs, const char *name, char ret_driver[PCI_DEV_WORD])
{
	char path[PCI_DEV_PATH];
	int err;

	*ret_driver = 0;
	snprintf(path, sizeof(path), "%s/bus/pci/devices/%s", root(sysfs), name);
	if (access(path, F_OK))
		return -ENOENT;
	snprintf(path, sizeof(path), "%s/bus/pci/devices/%s/driver", root(sysfs), name);
	err = link_word(path, ret_driver, PCI_DEV_WORD);
	return err == -ENOENT ? 0 : err;
}

int pci_dev_group(const char *sysfs, int group, int (*each)(void *ctx, const char *name), void *ctx)
{
	char path[PCI_DEV_PATH];
	struct dirent *e;
	int stop = 0;
	DIR *d;

	snprintf(path, sizeof(path), "%s/kernel/iommu_groups/%d/devices", root(sysfs), group);
	d = opendir(path);
	if (!d)
		return -errno;
	for (unsigned n = 0; !stop && n < MEMBERS_MAX && (e = readdir(d));)
		if (e->d_name[0] != '.' && ++n)
			stop = each(ctx, e->d_name);
	closedir(d);
	return stop;
}

/* ---- opening ---- */

static bool is_nvme(const char *sysfs, const char *name)
{
	char path[PCI_DEV_PATH + 64], text[16] = "";
	_cleanup_fclose_ FILE *f = NULL;

	snprintf(path, sizeof(path), "%s/bus/pci/devices/%.60s/class", root(sysfs), name);
	f = fopen(path, "re");
	return f && fgets(text, sizeof(text), f) && strtoul(text, NULL, 16) == PCI_DEV_NVME_CLASS;
}

/* The NVMe controllers of this machine, for who asked for what is not there. */
static void list_nvme(const char *sysfs, char text[NEAR_BYTES])
{
	char path[PCI_DEV_PATH];
	struct dirent *e;
	size_t len = 0;
	DIR *d;

	snprintf(path, sizeof(path), "%s/bus/pci/devices", root(sysfs));
	d = opendir(path);
	*text = 0;
	while (d && (e = readdir(d)))
		if (e->d_name[0] != '.' && strlen(e->d_name) < 20 && len < NEAR_BYTES - 24 &&
		    is_nvme(sysfs, e->d_name))
			len += (size_t)snprintf(text + len, NEAR_BYTES - len, "%s%s",
						len ? ", " : "", e->d_name);
	if (d)
		closedir(d);
}

static int not_there(const char *sysfs, const char *name, char *error)
{
	char near[NEAR_BYTES], path[PCI_DEV_PATH];

	snprintf(path, sizeof(path), "%s/bus/pci/devices", root(sysfs));
	if (access(path, F_OK)) {
		snprintf(error, PCI_DEV_ERROR, "%.100s: this machine has no PCI, or no sysfs",
			 path);
		return -ENOENT;
	}
	list_nvme(sysfs, near);
	snprintf(error, PCI_DEV_ERROR, "no PCI function at %s; %s%s", name,
		 *near ? "NVMe controllers are at " : "no NVMe controller is on this machine's PCI",
		 near);
	return -ENOENT;
}

static int open_access(struct pci_device *d, const char *sysfs)
{
	char path[PCI_DEV_PATH];

	d->access = pci_alloc();
	d->access->error = leave;
	d->access->warning = say_nothing;
	d->access->debug = say_nothing;
	d->access->method = PCI_ACCESS_SYS_BUS_PCI;
	d->access->writeable = 1;
	snprintf(path, sizeof(path), "%s/bus/pci", root(sysfs));
	if (pci_set_param(d->access, (char[]){ "sysfs.path" }, path))
		return -EIO;
	pci_init(d->access);
	return 0;
}

static void read_bars(struct pci_device *d)
{
	for (unsigned i = 0; i < 6; i++) {
		if (!d->dev->size[i] || (d->dev->base_addr[i] & BAR_FLAG_IO))
			continue;
		d->info.bar_size[i] = d->dev->size[i];
		d->info.bar_addr[i] = d->dev->base_addr[i] & PCI_ADDR_MEM_MASK;
	}
}

static int read_info(struct pci_device *d, const char *sysfs)
{
	unsigned domain, bus, dev, func;
	char path[PCI_DEV_PATH], group[16];

	sscanf(d->info.name, "%x:%x:%x.%x", &domain, &bus, &dev, &func);
	d->dev = pci_get_dev(d->access, (int)domain, (int)bus, (int)dev, (int)func);
	pci_fill_info(d->dev, FILLED);
	d->info.vendor = d->dev->vendor_id;
	d->info.device = d->dev->device_id;
	d->info.class = (uint32_t)d->dev->device_class << 8 | d->dev->prog_if;
	read_bars(d);
	snprintf(path, sizeof(path), "%s/bus/pci/devices/%s/iommu_group", root(sysfs),
		 d->info.name);
	d->info.iommu_group = link_word(path, group, sizeof(group)) ? -1 : atoi(group);
	return pci_dev_driver(sysfs, d->info.name, d->info.driver);
}

static int open_libpci(struct pci_device *d, const char *sysfs)
{
	int err;

	if (setjmp(way_out))
		return -EIO;
	err = open_access(d, sysfs);
	return err ? err : read_info(d, sysfs);
}

int pci_dev_open(const char *sysfs, const char *text, struct pci_device **ret, char *error)
{
	struct pci_device *d = calloc(1, sizeof(*d));
	char path[PCI_DEV_PATH];
	int err = d ? pci_dev_parse(text, d->info.name) : -ENOMEM;

	*ret = NULL;
	if (err) {
		snprintf(error, PCI_DEV_ERROR, "'%.60s': %s", text,
			 err == -EINVAL ? "no PCI address; write DDDD:BB:DD.F, for example "
					  "0000:01:00.0"
					: strerror(-err));
		free(d);
		return err;
	}
	snprintf(path, sizeof(path), "%s/bus/pci/devices/%s", root(sysfs), d->info.name);
	if (access(path, F_OK))
		err = not_there(sysfs, d->info.name, error);
	else if ((err = open_libpci(d, sysfs)))
		snprintf(error, PCI_DEV_ERROR, "%.120s cannot be read as a PCI function's", path);
	if (err)
		pci_dev_close(d);
	else
		*ret = d;
	return err;
}

void pci_dev_close(struct pci_device *d)
{
	if (!d)
		return;
	if (!setjmp(way_out)) {
		if (d->dev)
			pci_free_dev(d->dev);
		if (d->access)
			pci_cleanup(d->access);
	}
	free(d);
}

const struct pci_device_info *pci_dev_info(const struct pci_device *d)
{
	return &d->info;
}

/* ---- configuration space ---- */

static unsigned find_cap(struct pci_device *d, unsigned id, unsigned type)
{
	const struct pci_cap *cap;

	if (setjmp(way_out))
		return 0;
	cap = pci_find_cap(d->dev, id, type);
	return cap ? cap->addr : 0;
}

unsigned pci_dev_find_cap(struct pci_device *d, unsigned id)
{
	return find_cap(d, id, PCI_CAP_NORMAL);
}

unsigned pci_dev_find_ext_cap(struct pci_device *d, unsigned id)
{
	return find_cap(d, id, PCI_CAP_EXTENDED);
}

static int check_access(unsigned off, unsigned width)
{
	if (width != 8 && width != 16 && width != 32)
		return -EINVAL;
	return off >= CFG_BYTES || width / 8 > CFG_BYTES - off ? -ERANGE : 0;
}

int pci_dev_read(struct pci_device *d, unsigned off, unsigned width, uint32_t *ret)
{
	int err = check_access(off, width);
	uint8_t byte[4] = { 0 };

	if (err)
		return err;
	if (setjmp(way_out) || !pci_read_block(d->dev, (int)off, byte, (int)width / 8))
		return -EIO;
	*ret = byte[0] | (uint32_t)byte[1] << 8 | (uint32_t)byte[2] << 16 | (uint32_t)byte[3] << 24;
	return 0;
}

int pci_dev_write(struct pci_device *d, unsigned off, unsigned width, uint32_t value)
{
	uint8_t byte[4] = { (uint8_t)value, (uint8_t)(value >> 8), (uint8_t)(value >> 16),
			    (uint8_t)(value >> 24) };
	int err = check_access(off, width);

	if (err)
		return err;
	if (setjmp(way_out) || !pci_write_block(d->dev, (int)off, byte, (int)width / 8))
		return -EIO;
	return 0;
}
