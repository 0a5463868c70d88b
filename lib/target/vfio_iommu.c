// SPDX-License-Identifier: GPL-2.0-or-later
#include "target/vfio_iommu.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/vfio.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "target/iommufd.h"

#define CONTAINER "/dev/vfio/vfio"
#define IOMMUFD	  "/dev/iommu"
#define INFO_ROOM 4096u

__attribute__((format(printf, 3, 4))) static int fail(char *error, int err, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(error, VFIO_ERROR, fmt, ap);
	va_end(ap);
	return err;
}

const char *vfio_via_name(enum vfio_via via)
{
	static const char *const name[] = { "auto", "container", "iommufd" };

	return name[via];
}

static int open_node(const char *path, const char *name, char *error)
{
	int fd = open(path, O_RDWR | O_CLOEXEC), err = -errno;

	if (fd >= 0)
		return fd;
	if (err == -EBUSY)
		return fail(error, err, "%s is in use: another process has %.60s open", name, path);
	if (err == -EACCES || err == -EPERM)
		return fail(error, err,
			    "%.60s may not be opened: be root, or give yourself the node", path);
	if (err == -ENOENT || err == -ENODEV)
		return fail(error, -ENODEV, "%.60s is not there: modprobe vfio-pci%s", path,
			    strcmp(path, IOMMUFD) ? "" : " and iommufd, in Linux 6.6 or later");
	return fail(error, err, "%.60s: %s", path, strerror(-err));
}

/* ---- the container ---- */

static void take_ranges(struct vfio_iommu *m, const struct vfio_iova_range *r, unsigned n)
{
	m->ranges = n < VFIO_RANGES_MAX ? n : VFIO_RANGES_MAX;
	for (unsigned i = 0; i < m->ranges; i++)
		m->range[i] = (struct vfio_range){ r[i].start, r[i].end };
}

/* Kernels without the list give every address that the IOMMU has. */
static int ask_container(struct vfio_iommu *m, char *error)
{
	union {
		struct vfio_iommu_type1_info info;
		uint8_t byte[INFO_ROOM];
	} u = { .info = { .argsz = sizeof(u) } };
	struct vfio_iommu_type1_info_cap_iova_range cap;
	uint32_t at;

	m->range[0] = (struct vfio_range){ 0, UINT64_MAX };
	m->ranges = 1;
	if (ioctl(m->space, VFIO_IOMMU_GET_INFO, &u))
		return fail(error, -errno, "what the IOMMU can map: %s", strerror(errno));
	at = u.info.flags & VFIO_IOMMU_INFO_CAPS ? u.info.cap_offset : 0;
	for (unsigned hops = 0; at && at <= sizeof(u) - sizeof(cap) && hops < 64; hops++) {
		memcpy(&cap, u.byte + at, sizeof(cap));
		if (cap.header.id == VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE &&
		    cap.nr_iovas <= (sizeof(u) - sizeof(cap) - at) / sizeof(struct vfio_iova_range))
			take_ranges(m, (const void *)(u.byte + at + sizeof(cap)), cap.nr_iovas);
		at = cap.header.next;
	}
	return 0;
}

static int join_container(struct vfio_iommu *m, const struct pci_device_info *info, char *error)
{
	struct vfio_group_status status = { .argsz = sizeof(status) };

	if (ioctl(m->space, VFIO_GET_API_VERSION) != VFIO_API_VERSION ||
	    !ioctl(m->space, VFIO_CHECK_EXTENSION, VFIO_TYPE1v2_IOMMU))
		return fail(error, -ENODEV,
			    "this kernel's VFIO has no type 1 IOMMU: modprobe vfio_iommu_type1");
	if (ioctl(m->group, VFIO_GROUP_GET_STATUS, &status))
		return fail(error, -errno, "IOMMU group %d: %s", info->iommu_group,
			    strerror(errno));
	if (!(status.flags & VFIO_GROUP_FLAGS_VIABLE))
		return fail(
			error, -EBUSY,
			"IOMMU group %d is not ours alone: the kernel uses another function in it",
			info->iommu_group);
	if (ioctl(m->group, VFIO_GROUP_SET_CONTAINER, &m->space) ||
	    ioctl(m->space, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU))
		return fail(error, -errno, "IOMMU group %d into a container: %s", info->iommu_group,
			    errno == EPERM ? "this IOMMU does not isolate interrupts "
					     "(vfio_iommu_type1.allow_unsafe_interrupts)"
					   : strerror(errno));
	return 0;
}

static int open_container(struct vfio_iommu *m, const struct pci_device_info *info, char *error)
{
	char path[64];
	int err;

	m->space = open_node(CONTAINER, info->name, error);
	if (m->space < 0)
		return m->space;
	snprintf(path, sizeof(path), "/dev/vfio/%d", info->iommu_group);
	m->group = open_node(path, info->name, error);
	if (m->group < 0)
		return m->group;
	err = join_container(m, info, error);
	if (err)
		return err;
	m->device = ioctl(m->group, VFIO_GROUP_GET_DEVICE_FD, info->name);
	if (m->device < 0)
		return fail(error, -errno, "%s cannot be opened: %s; see dmesg", info->name,
			    strerror(errno));
	return ask_container(m, error);
}

/* ---- iommufd ---- */

/* "/dev/vfio/devices/vfio0"; -ENODEV: the kernel makes none. */
static int device_node(const char *name, char ret[64])
{
	char path[PCI_DEV_PATH];
	struct dirent *e;
	DIR *d;

	*ret = 0;
	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/vfio-dev", name);
	d = opendir(path);
	while (d && !*ret && (e = readdir(d)))
		if (!strncmp(e->d_name, "vfio", 4))
			snprintf(ret, 64, "/dev/vfio/devices/%.30s", e->d_name);
	if (d)
		closedir(d);
	return *ret && !access(ret, F_OK) ? 0 : -ENODEV;
}

static int ask_iommufd(struct vfio_iommu *m, char *error)
{
	struct vfio_iova_range r[VFIO_RANGES_MAX];
	struct iommufd_ranges ask = {
		.size = sizeof(ask), .ioas = m->ioas, .n = VFIO_RANGES_MAX, .array = (uintptr_t)r
	};

	/* EMSGSIZE: there are more, and these are the first */
	if (ioctl(m->space, IOMMUFD_RANGES, &ask) && errno != EMSGSIZE)
		return fail(error, -errno, "what the IOMMU can map: %s", strerror(errno));
	take_ranges(m, r, ask.n);
	return 0;
}

static int open_iommufd(struct vfio_iommu *m, const struct pci_device_info *info, char *error)
{
	struct iommufd_alloc alloc = { .size = sizeof(alloc) };
	struct iommufd_bind bind = { .argsz = sizeof(bind) };
	struct iommufd_attach attach = { .argsz = sizeof(attach) };
	char node[64];

	if (device_node(info->name, node))
		return fail(error, -ENODEV,
			    "via=iommufd: this kernel makes no node of its own for %s (Linux 6.6 "
			    "with CONFIG_VFIO_DEVICE_CDEV does); via=container is the other way",
			    info->name);
	m->space = open_node(IOMMUFD, info->name, error);
	if (m->space < 0)
		return m->space;
	m->device = open_node(node, info->name, error);
	if (m->device < 0)
		return m->device;
	bind.iommufd = m->space;
	if (ioctl(m->device, IOMMUFD_BIND, &bind))
		return fail(error, -errno, "%s cannot be bound to iommufd: %s%s", info->name,
			    strerror(errno),
			    errno == EBUSY ? ", another process has it, or the kernel uses another "
					     "function of its group"
					   : "");
	if (ioctl(m->space, IOMMUFD_ALLOC, &alloc))
		return fail(error, -errno, "an address space of iommufd: %s", strerror(errno));
	m->ioas = attach.ioas = alloc.ret_ioas;
	if (ioctl(m->device, IOMMUFD_ATTACH, &attach))
		return fail(error, -errno, "%s into an address space of iommufd: %s", info->name,
			    strerror(errno));
	return ask_iommufd(m, error);
}

/* ---- both ---- */

static enum vfio_via choose(const char *name)
{
	char node[64];

	return !access(IOMMUFD, F_OK) && !device_node(name, node) ? VFIO_VIA_IOMMUFD
								  : VFIO_VIA_CONTAINER;
}

int vfio_iommu_open(struct vfio_iommu *m, const struct pci_device_info *info, enum vfio_via via,
		    char *error)
{
	int err;

	*m = (struct vfio_iommu){ .device = -1, .space = -1, .group = -1 };
	m->via = via == VFIO_VIA_AUTO ? choose(info->name) : via;
	err = m->via == VFIO_VIA_IOMMUFD ? open_iommufd(m, info, error)
					 : open_container(m, info, error);
	if (err)
		vfio_iommu_close(m);
	return err;
}

/* The device goes first: what it still did would meet an address space that is gone. */
void vfio_iommu_close(struct vfio_iommu *m)
{
	for (int **fd = (int *[]){ &m->device, &m->group, &m->space, NULL }; *fd; fd++) {
		if (**fd >= 0)
			close(**fd);
		**fd = -1;
	}
}

bool vfio_iommu_may_map(const struct vfio_iommu *m, uint64_t iova, uint64_t size)
{
	for (unsigned i = 0; i < m->ranges; i++)
		if (iova >= m->range[i].first && iova <= m->range[i].last &&
		    size - 1 <= m->range[i].last - iova)
			return true;
	return false;
}

static int map_refused(const struct vfio_iommu *m, int err, size_t size, char *error)
{
	if (err == -ENOMEM)
		return fail(
			error, err,
			"%zu MiB cannot be locked for the device: raise the limit (ulimit -l), or "
			"take less with mem=",
			size >> 20);
	return fail(error, err, "%zu MiB cannot be mapped for the device by %s: %s", size >> 20,
		    vfio_via_name(m->via), strerror(-err));
}

int vfio_iommu_map(struct vfio_iommu *m, void *va, uint64_t iova, size_t size, char *error)
{
	struct vfio_iommu_type1_dma_map old = { .argsz = sizeof(old),
						.flags = VFIO_DMA_MAP_FLAG_READ |
							 VFIO_DMA_MAP_FLAG_WRITE,
						.vaddr = (uintptr_t)va,
						.iova = iova,
						.size = size };
	struct iommufd_map map = { .size = sizeof(map),
				   .flags = IOMMUFD_FIXED | IOMMUFD_WRITEABLE | IOMMUFD_READABLE,
				   .ioas = m->ioas,
				   .va = (uintptr_t)va,
				   .length = size,
				   .iova = iova };
	int bad = m->via == VFIO_VIA_IOMMUFD ? ioctl(m->space, IOMMUFD_MAP, &map)
					     : ioctl(m->space, VFIO_IOMMU_MAP_DMA, &old);

	return bad ? map_refused(m, -errno, size, error) : 0;
}
