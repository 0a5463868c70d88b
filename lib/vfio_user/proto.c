// SPDX-License-Identifier: GPL-2.0-or-later
#include "vfio_user/proto.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"

#define HEADER	  ((uint32_t)sizeof(struct vu_header))
#define ERRNO_MAX 4095u

int vu_header_check(const struct vu_header *h)
{
	if (h->size < HEADER || h->size > VU_SIZE_MAX || (h->flags & VU_TYPE) > VU_REPLY)
		return -EPROTO;
	return 0;
}

int vu_reply_check(const struct vu_header *h, const struct vu_header *asked)
{
	if ((h->flags & VU_TYPE) != VU_REPLY || h->id != asked->id || h->command != asked->command)
		return -EPROTO;
	if (!(h->flags & VU_ERROR))
		return 0;
	return h->error && h->error <= ERRNO_MAX ? -(int)h->error : -EIO;
}

static const struct {
	uint16_t command;
	bool more; /* data may follow */
	uint32_t least;
	const char *name;
} commands[] = {
	{ VU_VERSION, true, 4, "VERSION" },
	{ VU_DMA_MAP, false, sizeof(struct vu_map), "DMA_MAP" },
	{ VU_DMA_UNMAP, false, sizeof(struct vu_unmap), "DMA_UNMAP" },
	{ VU_DEVICE_GET_INFO, false, sizeof(struct vu_info), "DEVICE_GET_INFO" },
	{ VU_DEVICE_GET_REGION_INFO, false, sizeof(struct vu_region), "DEVICE_GET_REGION_INFO" },
	{ VU_DEVICE_GET_IRQ_INFO, false, sizeof(struct vu_irq), "DEVICE_GET_IRQ_INFO" },
	{ VU_DEVICE_SET_IRQS, true, sizeof(struct vu_set_irqs), "DEVICE_SET_IRQS" },
	{ VU_REGION_READ, false, sizeof(struct vu_access), "REGION_READ" },
	{ VU_REGION_WRITE, true, sizeof(struct vu_access), "REGION_WRITE" },
	{ VU_DEVICE_RESET, false, 0, "DEVICE_RESET" },
	{ VU_NVRIG_RELAX, false, 8, "NVRIG_RELAX" },
};

int vu_request_check(const struct vu_header *h)
{
	uint32_t len = h->size - HEADER;

	for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
		if (commands[i].command != h->command)
			continue;
		if (len < commands[i].least || (len > commands[i].least && !commands[i].more))
			return EINVAL;
		return 0;
	}
	return ENOTSUP;
}

const char *vu_command_name(unsigned command, char *buf)
{
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		if (commands[i].command == command)
			return commands[i].name;
	snprintf(buf, 16, "command %u", command & 0xffff);
	return buf;
}

/* ---- regions ---- */

static bool area_fits(const struct vu_area *a, const struct vu_region *r)
{
	return a->size && a->offset < r->size && a->size <= r->size - a->offset;
}

/* The areas of a sparse capability whose numbers begin at p, with `left` bytes from there on. */
static int sparse_parse(const uint8_t *p, size_t left, const struct vu_region *r,
			struct vu_area *ret, unsigned max, unsigned *ret_n)
{
	uint32_t n;

	if (left < 8)
		return -EPROTO;
	memcpy(&n, p, sizeof(n));
	if (n > max || n > (left - 8) / sizeof(*ret))
		return -EPROTO;
	memcpy(ret, p + 8, n * sizeof(*ret));
	for (unsigned i = 0; i < n; i++)
		if (!area_fits(&ret[i], r))
			return -EPROTO;
	*ret_n = n;
	return 0;
}

/* Each capability lies behind the one before, so that a chain has an end. */
static int caps_walk(const uint8_t *payload, size_t len, const struct vu_region *r,
		     struct vu_area *ret, unsigned max, unsigned *ret_n, bool *ret_sparse)
{
	size_t at = r->cap_offset, before = sizeof(*r) - 1;

	while (at) {
		uint16_t id, version;
		uint32_t next;
		int err;

		if (at <= before || at > len || len - at < 8)
			return -EPROTO;
		memcpy(&id, payload + at, sizeof(id));
		memcpy(&version, payload + at + 2, sizeof(version));
		memcpy(&next, payload + at + 4, sizeof(next));
		if (id == VU_CAP_SPARSE && version == 1) {
			err = *ret_sparse ? -EPROTO
					  : sparse_parse(payload + at + 8, len - at - 8, r, ret,
							 max, ret_n);
			if (err)
				return err;
			*ret_sparse = true;
		}
		before = at;
		at = next;
	}
	return 0;
}

int vu_region_parse(const void *payload, size_t len, struct vu_region *ret,
		    struct vu_area *ret_area, unsigned max, unsigned *ret_n)
{
	struct vu_region r;
	bool sparse = false;
	unsigned n = 0;
	int err;

	if (len < sizeof(r))
		return -EPROTO;
	memcpy(&r, payload, sizeof(r));
	if (r.flags & VU_REGION_CAPS) {
		err = caps_walk(payload, len, &r, ret_area, max, &n, &sparse);
		if (err)
			return err;
	}
	if (!(r.flags & VU_REGION_MAPPABLE)) {
		n = 0;
	} else if (!sparse && r.size && max) {
		ret_area[0] = (struct vu_area){ 0, r.size };
		n = 1;
	}
	*ret = r;
	*ret_n = n;
	return 0;
}
