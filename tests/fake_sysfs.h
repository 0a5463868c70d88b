/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A tree that looks like the part of sysfs that has to do with PCI functions and their drivers. */
#ifndef TESTS_FAKE_SYSFS_H
#define TESTS_FAKE_SYSFS_H

#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit.h"

#define FAKE_PATH 512

__attribute__((format(printf, 2, 3))) static inline const char *fake_path(char ret[FAKE_PATH],
									  const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	CU_ASSERT_FATAL(vsnprintf(ret, FAKE_PATH, fmt, ap) < FAKE_PATH);
	va_end(ap);
	return ret;
}

/* The directory and all above it. */
static inline void fake_dir(const char *path)
{
	char part[FAKE_PATH];

	for (const char *c = path; (c = strchr(c + 1, '/'));) {
		fake_path(part, "%.*s", (int)(c - path), path);
		mkdir(part, 0755);
	}
	CU_ASSERT_FATAL(!mkdir(path, 0755) || errno == EEXIST);
}

static inline void fake_write(const char *path, const void *data, size_t size)
{
	FILE *f = fopen(path, "w");

	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	CU_ASSERT_EQUAL(fwrite(data, 1, size, f), size);
	fclose(f);
}

static inline void fake_text(const char *path, const char *text)
{
	fake_write(path, text, strlen(text));
}

/* What stands in it, "" when it is not there. */
static inline const char *fake_read(const char *path, char ret[FAKE_PATH])
{
	FILE *f = fopen(path, "r");
	size_t n = f ? fread(ret, 1, FAKE_PATH - 1, f) : 0;

	ret[n] = 0;
	if (f)
		fclose(f);
	return ret;
}

static inline void fake_link(const char *path, const char *to)
{
	unlink(path);
	CU_ASSERT_EQUAL(symlink(to, path), 0);
}

/*
 * A function below `sys`, of that class, in that IOMMU group (-1: none), with 256 bytes of
 * configuration space, in which an MSI-X capability stands at 40h and an Express one at 50h.
 */
static inline void fake_function(const char *sys, const char *name, unsigned class, int group)
{
	uint8_t config[256] = { 0x36,	       0x1b,	      0x10,
				0x00,	       [6] = 0x10,    [0x34] = 0x40,
				[0x40] = 0x11, [0x41] = 0x50, [0x50] = 0x10 };
	char at[FAKE_PATH], text[600], path[FAKE_PATH];

	fake_path(at, "%s/bus/pci/devices/%s", sys, name);
	fake_dir(at);
	snprintf(text, sizeof(text), "0x%06x\n", class);
	fake_text(fake_path(path, "%.400s/class", at), text);
	fake_text(fake_path(path, "%.400s/vendor", at), "0x1b36\n");
	fake_text(fake_path(path, "%.400s/device", at), "0x0010\n");
	fake_text(fake_path(path, "%.400s/irq", at), "11\n");
	fake_text(fake_path(path, "%.400s/resource", at),
		  "0x00000000febf0000 0x00000000febf3fff 0x0000000000140204\n"
		  "0x0000000000000000 0x0000000000000000 0x0000000000000000\n");
	fake_text(fake_path(path, "%.400s/driver_override", at), "(null)\n");
	fake_write(fake_path(path, "%.400s/config", at), config, sizeof(config));
	if (group < 0)
		return;
	fake_dir(fake_path(path, "%s/kernel/iommu_groups/%d/devices", sys, group));
	fake_text(fake_path(path, "%s/kernel/iommu_groups/%d/devices/%s", sys, group, name), "");
	snprintf(text, sizeof(text), "../../../kernel/iommu_groups/%d", group);
	fake_link(fake_path(path, "%.400s/iommu_group", at), text);
}

/* A driver, with the files that bind and unbind; what is written to them only stands there. */
static inline void fake_driver(const char *sys, const char *driver)
{
	char path[FAKE_PATH];

	fake_dir(fake_path(path, "%s/bus/pci/drivers/%s", sys, driver));
	fake_text(fake_path(path, "%s/bus/pci/drivers/%s/unbind", sys, driver), "");
	fake_text(fake_path(path, "%s/bus/pci/drivers/%s/bind", sys, driver), "");
}

static inline void fake_driven_by(const char *sys, const char *name, const char *driver)
{
	char path[FAKE_PATH], to[FAKE_PATH];

	fake_path(path, "%s/bus/pci/devices/%s/driver", sys, name);
	unlink(path);
	if (driver)
		fake_link(path, fake_path(to, "../../../../bus/pci/drivers/%s", driver));
}

#endif
