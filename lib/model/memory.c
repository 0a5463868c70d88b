// SPDX-License-Identifier: GPL-2.0-or-later
/* Where memory is: behind the host's addresses, and behind the BARs other than 0. */
#include <errno.h>

#include "model/core.h"

#define BAR_CMB 2u
#define BAR_PMR 4u

/* The controller's own memory there, or NULL; *len shrinks to what lies in one place. */
static uint8_t *own(struct model *m, uint64_t addr, size_t *len, bool write)
{
	uint8_t *at = cmb_at(m, addr, len);

	return at ? at : pmr_at(m, addr, len, write);
}

int memory_read(struct model *m, uint64_t addr, void *to, size_t len)
{
	int err = 0;

	for (uint8_t *into = to; len && !err;) {
		size_t n = len;
		const uint8_t *at = own(m, addr, &n, false);

		if (at)
			memcpy(into, at, n);
		else
			err = m->bus.read(m->bus.ctx, addr, into, n);
		addr += n;
		into += n;
		len -= n;
	}
	return err;
}

int memory_write(struct model *m, uint64_t addr, const void *from, size_t len)
{
	int err = 0;

	for (const uint8_t *out = from; len && !err;) {
		size_t n = len;
		uint8_t *at = own(m, addr, &n, true);

		if (at)
			memcpy(at, out, n);
		else
			err = m->bus.write(m->bus.ctx, addr, out, n);
		addr += n;
		out += n;
		len -= n;
	}
	return err;
}

uint64_t model_mem_size(const struct model *m, unsigned bar)
{
	if (bar == BAR_CMB)
		return cmb_bar_bytes(m);
	return bar == BAR_PMR ? m->opt.pmr : 0;
}

static int access_error(const struct model *m, unsigned bar, uint64_t off, unsigned width)
{
	uint64_t size = model_mem_size(m, bar);

	if (width != 8 && width != 16 && width != 32 && width != 64)
		return -EINVAL;
	return off > size || width / 8 > size - off ? -ERANGE : 0;
}

static void let_time_pass(struct model *m)
{
	m->sub->now += TICK_NS;
	core_tick(m);
}

int model_mem_read(struct model *m, unsigned bar, uint64_t off, unsigned width, uint64_t *ret)
{
	int err = access_error(m, bar, off, width);

	if (err)
		return err;
	let_time_pass(m);
	if (!pci_memory_enabled(m))
		*ret = ~0ull >> (64 - width);
	else
		*ret = bar == BAR_CMB ? cmb_read(m, off, width) : pmr_read(m, off, width);
	return 0;
}

int model_mem_write(struct model *m, unsigned bar, uint64_t off, unsigned width, uint64_t value)
{
	int err = access_error(m, bar, off, width);

	if (err)
		return err;
	if (pci_memory_enabled(m)) {
		if (bar == BAR_CMB)
			cmb_write(m, off, width, value);
		else
			pmr_write_bytes(m, off, width, value);
	}
	let_time_pass(m);
	return 0;
}
