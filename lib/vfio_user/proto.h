/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The bytes of vfio-user, a PCI device over a UNIX socket, for both ends: messages, their lengths,
 * the version text, the chain of capabilities. Host byte order; nothing here does I/O. Everything
 * that reads takes a length and believes no number that it finds.
 */
#ifndef VFIO_USER_PROTO_H
#define VFIO_USER_PROTO_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VU_MAJOR     0u
#define VU_MINOR     1u
#define VU_FDS_MAX   8u		    /* descriptors of a message, as servers have it */
#define VU_DATA_MAX  (1024u * 1024) /* bytes of one region or DMA transfer */
#define VU_SIZE_MAX  (VU_DATA_MAX + 4096u)
#define VU_TEXT_MAX  2048u /* of a version's JSON */
#define VU_REGIONS   9u
#define VU_IRQS	     5u
#define VU_AREAS_MAX 16u

enum vu_command {
	VU_VERSION = 1,
	VU_DMA_MAP,
	VU_DMA_UNMAP,
	VU_DEVICE_GET_INFO,
	VU_DEVICE_GET_REGION_INFO,
	VU_DEVICE_GET_REGION_IO_FDS,
	VU_DEVICE_GET_IRQ_INFO,
	VU_DEVICE_SET_IRQS,
	VU_REGION_READ,
	VU_REGION_WRITE,
	VU_DMA_READ,
	VU_DMA_WRITE,
	VU_DEVICE_RESET,
	VU_NVRIG_RELAX = 0x4e52, /* ours: let the device's time pass; only where both offer it */
};

enum {
	VU_REPLY = 0x1, /* of flags, type in bits 3:0 */
	VU_TYPE = 0xf,
	VU_NO_REPLY = 0x10,
	VU_ERROR = 0x20,

	VU_DEVICE_CAN_RESET = 1, /* of struct vu_info */
	VU_DEVICE_PCI = 2,

	VU_REGION_READABLE = 1, /* of struct vu_region */
	VU_REGION_WRITABLE = 2,
	VU_REGION_MAPPABLE = 4,
	VU_REGION_CAPS = 8,
	VU_REGION_CONFIG = 7, /* index */
	VU_CAP_SPARSE = 1,

	VU_IRQ_INTX = 0, /* index */
	VU_IRQ_MSIX = 2,
	VU_IRQ_EVENTFD = 1, /* of struct vu_irq */
	VU_IRQ_MASKABLE = 2,
	VU_IRQ_AUTOMASKED = 4,
	VU_IRQ_NORESIZE = 8,

	VU_SET_NONE = 0x1, /* of struct vu_set_irqs: what comes with it, and what it does */
	VU_SET_BOOL = 0x2,
	VU_SET_EVENTFD = 0x4,
	VU_SET_MASK = 0x8,
	VU_SET_UNMASK = 0x10,
	VU_SET_TRIGGER = 0x20,

	VU_MAP_READ = 1,
	VU_MAP_WRITE = 2,
	VU_UNMAP_ALL = 2,
};

struct vu_header {
	uint16_t id, command;
	uint32_t size; /* of the whole message */
	uint32_t flags, error;
};
static_assert(sizeof(struct vu_header) == 16, "vfio-user header");

struct vu_info {
	uint32_t argsz, flags, regions, irqs;
};
static_assert(sizeof(struct vu_info) == 16, "vfio-user device info");

struct vu_region {
	uint32_t argsz, flags, index, cap_offset;
	uint64_t size, offset;
};
static_assert(sizeof(struct vu_region) == 32, "vfio-user region info");

struct vu_irq {
	uint32_t argsz, flags, index, count;
};
static_assert(sizeof(struct vu_irq) == 16, "vfio-user interrupt info");

struct vu_set_irqs {
	uint32_t argsz, flags, index, start, count;
};
static_assert(sizeof(struct vu_set_irqs) == 20, "vfio-user set interrupts");

struct vu_map {
	uint32_t argsz, flags;
	uint64_t offset, address, size;
};
static_assert(sizeof(struct vu_map) == 32, "vfio-user DMA map");

struct vu_unmap {
	uint32_t argsz, flags;
	uint64_t address, size;
};
static_assert(sizeof(struct vu_unmap) == 24, "vfio-user DMA unmap");

struct vu_access {
	uint64_t offset;
	uint32_t region, count;
};
static_assert(sizeof(struct vu_access) == 16, "vfio-user region access");

struct vu_dma {
	uint64_t address, count;
};
static_assert(sizeof(struct vu_dma) == 16, "vfio-user DMA access");

/* A piece of a region that may be mapped, from the region's start. */
struct vu_area {
	uint64_t offset, size;
};
static_assert(sizeof(struct vu_area) == 16, "vfio-user area");

/* The capability of a region of which one area may be mapped. */
struct vu_sparse {
	uint16_t id, version; /* VU_CAP_SPARSE, 1 */
	uint32_t next, areas, reserved;
	struct vu_area area;
};
static_assert(sizeof(struct vu_sparse) == 32, "vfio-user sparse mmap capability");

/* What one side says of itself; absent numbers have the protocol's defaults. */
struct vu_version {
	uint16_t major, minor;
	uint32_t fds_max;
	uint64_t data_max;
	bool twin;   /* a socket of its own for what the server asks */
	int twin_fd; /* with it, in a reply: which descriptor that is; -1: it does not say */
	/* Ours, "nvrig": the device's clock moves by VU_NVRIG_RELAX alone; reset is loss of power
	 */
	bool step, power;
};

/* Is that the header of a message? -EPROTO: no; its size is then not to be believed. */
int vu_header_check(const struct vu_header *h);

/*
 * Is h the reply to `asked`? 0, -EPROTO when it belongs to something else, or the error that it
 * carries as -errno (-EIO for one that is none).
 */
int vu_reply_check(const struct vu_header *h, const struct vu_header *asked);

/*
 * Bytes of a request's payload behind the header, for the commands that a server knows. 0, or the
 * errno to answer with (positive): EINVAL for a wrong length, ENOTSUP for an unknown command.
 */
int vu_request_check(const struct vu_header *h);

/* Payload of VERSION, either way. -EINVAL: too short, no NUL, no JSON object, a wrong kind. */
int vu_version_parse(const void *payload, size_t len, struct vu_version *ret);
/* Bytes of payload put into `to`, at most len; 0 when they do not fit. */
size_t vu_version_format(const struct vu_version *v, void *to, size_t len);

/*
 * Reply of DEVICE_GET_REGION_INFO: the region, and which pieces of it may be mapped: those of its
 * sparse areas, or all of it. -EPROTO: lengths, offsets or areas that cannot be, chains that loop.
 */
int vu_region_parse(const void *payload, size_t len, struct vu_region *ret,
		    struct vu_area *ret_area, unsigned max, unsigned *ret_n);

/* The command's name for messages, "command 77" in buf (16 bytes) for one that has none. */
const char *vu_command_name(unsigned command, char *buf);

#endif
