// SPDX-License-Identifier: GPL-2.0-or-later
/* PCI functions of this machine: what sysfs says of them, also where it says little or nonsense. */
#include "target/pci_dev.h"

#include "tests/fake_sysfs.h"

#define NVME  "0000:01:00.0"
#define OTHER "0000:01:00.1"

static char top[] = "/tmp/nvrig-pci-XXXXXX";

/* First: the tree is made by functions that assert. */
static void tree(void)
{
	fake_function(top, NVME, PCI_DEV_NVME_CLASS, 7);
	fake_function(top, OTHER, 0x020000, 7);
	fake_driver(top, "nvme");
	fake_driven_by(top, NVME, "nvme");
}

static void names(void)
{
	static const char *const bad[] = { "",
					   "1:2",
					   "0000:01:00",
					   "0000:01:20.0",
					   "0000:01:00.8",
					   "0000:01:00.0x",
					   "0000:01:00.0 ",
					   "nvme0",
					   "0000:100:00.0",
					   "../../etc" };
	char name[PCI_DEV_NAME];

	CU_ASSERT_EQUAL(pci_dev_parse("0000:01:00.0", name), 0);
	CU_ASSERT_STRING_EQUAL(name, "0000:01:00.0");
	CU_ASSERT_EQUAL(pci_dev_parse("A1:1f.7", name), 0);
	CU_ASSERT_STRING_EQUAL(name, "0000:a1:1f.7");
	CU_ASSERT_EQUAL(pci_dev_parse("10000:01:00.0", name), 0); /* behind a VMD */
	CU_ASSERT_STRING_EQUAL(name, "10000:01:00.0");
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		CU_ASSERT_EQUAL(pci_dev_parse(bad[i], name), -EINVAL);
}

static void identity(void)
{
	char error[PCI_DEV_ERROR] = "";
	const struct pci_device_info *info;
	struct pci_device *d;

	CU_ASSERT_EQUAL_FATAL(pci_dev_open(top, "01:00.0", &d, error), 0);
	info = pci_dev_info(d);
	CU_ASSERT_STRING_EQUAL(info->name, NVME);
	CU_ASSERT_EQUAL(info->vendor, 0x1b36);
	CU_ASSERT_EQUAL(info->device, 0x0010);
	CU_ASSERT_EQUAL(info->class, PCI_DEV_NVME_CLASS);
	CU_ASSERT_STRING_EQUAL(info->driver, "nvme");
	CU_ASSERT_EQUAL(info->iommu_group, 7);
	CU_ASSERT_EQUAL(info->bar_size[0], 0x4000);
	CU_ASSERT_EQUAL(info->bar_addr[0], 0xfebf0000);
	CU_ASSERT_EQUAL(info->bar_size[1], 0);
	pci_dev_close(d);
	CU_ASSERT_EQUAL_FATAL(pci_dev_open(top, OTHER, &d, error), 0);
	CU_ASSERT_STRING_EQUAL(pci_dev_info(d)->driver, "");
	pci_dev_close(d);
	pci_dev_close(NULL);
}

static void config(void)
{
	char error[PCI_DEV_ERROR] = "";
	struct pci_device *d;
	uint32_t v = 0;

	CU_ASSERT_EQUAL_FATAL(pci_dev_open(top, NVME, &d, error), 0);
	CU_ASSERT_EQUAL(pci_dev_find_cap(d, 0x11), 0x40);
	CU_ASSERT_EQUAL(pci_dev_find_cap(d, 0x10), 0x50);
	CU_ASSERT_EQUAL(pci_dev_find_cap(d, 0x05), 0);
	CU_ASSERT_EQUAL(pci_dev_find_ext_cap(d, 0x01), 0);
	CU_ASSERT_EQUAL(pci_dev_read(d, 0, 32, &v), 0);
	CU_ASSERT_EQUAL(v, 0x00101b36);
	CU_ASSERT_EQUAL(pci_dev_write(d, 0x44, 16, 0xbeef), 0);
	CU_ASSERT_EQUAL(pci_dev_read(d, 0x44, 32, &v), 0);
	CU_ASSERT_EQUAL(v, 0xbeef);
	CU_ASSERT_EQUAL(pci_dev_read(d, 0, 64, &v), -EINVAL);
	CU_ASSERT_EQUAL(pci_dev_read(d, 0xffe, 32, &v), -ERANGE);
	CU_ASSERT_EQUAL(pci_dev_read(d, 0x200, 32, &v), -EIO); /* the kernel shows 256 bytes */
	CU_ASSERT_EQUAL(v, 0xbeef);
	pci_dev_close(d);
}

static void trouble(void)
{
	char error[PCI_DEV_ERROR] = "", path[FAKE_PATH];
	struct pci_device *d;

	CU_ASSERT_EQUAL(pci_dev_open(top, "nvme0", &d, error), -EINVAL);
	CU_ASSERT_PTR_NOT_NULL(strstr(error, "write DDDD:BB:DD.F"));
	CU_ASSERT_PTR_NULL(d);
	CU_ASSERT_EQUAL(pci_dev_open(top, "09:00.0", &d, error), -ENOENT);
	CU_ASSERT_PTR_NOT_NULL(strstr(error, "NVMe controllers are at " NVME));
	CU_ASSERT_EQUAL(pci_dev_open("/nowhere", NVME, &d, error), -ENOENT);
	CU_ASSERT_PTR_NOT_NULL(strstr(error, "no PCI, or no sysfs"));
	/* libpci would end the program over these */
	fake_function(top, "0000:02:00.0", 0x010802, -1);
	fake_text(fake_path(path, "%s/bus/pci/devices/0000:02:00.0/resource", top), "what?\n");
	CU_ASSERT_EQUAL(pci_dev_open(top, "02:00.0", &d, error), -EIO);
	CU_ASSERT_PTR_NULL(d);
	fake_function(top, "0000:02:00.1", 0x010802, -1);
	unlink(fake_path(path, "%s/bus/pci/devices/0000:02:00.1/vendor", top));
	CU_ASSERT_EQUAL(pci_dev_open(top, "02:00.1", &d, error), -EIO);
	CU_ASSERT_PTR_NOT_NULL(strstr(error, "0000:02:00.1 cannot be read"));
}

static void controllers(void)
{
	char name[PCI_DEV_NAME], path[FAKE_PATH], word[PCI_DEV_WORD];

	fake_dir(fake_path(path, "%s/class/nvme/nvme0", top));
	fake_link(fake_path(path, "%s/class/nvme/nvme0/device", top), "../../../" NVME);
	fake_dir(fake_path(path, "%s/class/nvme/nvme1", top));
	fake_dir(fake_path(path, "%s/bus/pci/devices/" NVME "/nvme/nvme0", top));
	CU_ASSERT_EQUAL(pci_dev_of_nvme(top, "nvme0", name), 0);
	CU_ASSERT_STRING_EQUAL(name, NVME);
	CU_ASSERT_EQUAL(pci_dev_of_nvme(top, "nvme1", name), -ENODEV);
	CU_ASSERT_EQUAL(pci_dev_of_nvme(top, "nvme7", name), -ENOENT);
	CU_ASSERT_EQUAL(pci_dev_of_nvme(top, "../nvme/nvme0", name), -ENOENT);
	pci_dev_nvme_name(top, NVME, word);
	CU_ASSERT_STRING_EQUAL(word, "nvme0");
	pci_dev_nvme_name(top, OTHER, word);
	CU_ASSERT_STRING_EQUAL(word, "");
}

static int count(void *ctx, const char *name)
{
	CU_ASSERT(!strcmp(name, NVME) || !strcmp(name, OTHER));
	return ++*(unsigned *)ctx == 3 ? -EINVAL : 0;
}

static int first(void *ctx, const char *name)
{
	(void)ctx;
	(void)name;
	return 5;
}

static void group(void)
{
	char driver[PCI_DEV_WORD];
	unsigned n = 0;

	CU_ASSERT_EQUAL(pci_dev_group(top, 7, count, &n), 0);
	CU_ASSERT_EQUAL(n, 2);
	CU_ASSERT_EQUAL(pci_dev_group(top, 7, first, NULL), 5);
	CU_ASSERT_EQUAL(pci_dev_group(top, 8, count, &n), -ENOENT);
	CU_ASSERT_EQUAL(pci_dev_driver(top, NVME, driver), 0);
	CU_ASSERT_STRING_EQUAL(driver, "nvme");
	CU_ASSERT_EQUAL(pci_dev_driver(top, OTHER, driver), 0);
	CU_ASSERT_STRING_EQUAL(driver, "");
	CU_ASSERT_EQUAL(pci_dev_driver(top, "0000:0f:00.0", driver), -ENOENT);
}

static const struct unit units[] = {
	{ "tree", tree },	{ "names", names }, { "identity", identity },
	{ "config", config },	{ "group", group }, { "controllers", controllers },
	{ "trouble", trouble },
};

UNIT_MAIN_IN(top, "pci_dev", units)
