// SPDX-License-Identifier: GPL-2.0-or-later
#include "nvme/far.h"

#include <errno.h>

#include "nvme/ctrl.h"

struct far far_at(const struct far *f, uint64_t at)
{
	return (struct far){ f->on, f->bar, f->off + at, f->iova + at };
}

int far_read(struct ctrl *c, const struct far *f, uint64_t at, unsigned width, uint64_t *ret)
{
	const struct target_ops *ops = c->t->ops;

	if (!f->bar)
		return ops->reg_read(c->t, f->off + at, width, ret);
	return ops->mem_read ? ops->mem_read(c->t, f->bar, f->off + at, width, ret) : -ENOTSUP;
}

int far_write(struct ctrl *c, const struct far *f, uint64_t at, unsigned width, uint64_t value)
{
	const struct target_ops *ops = c->t->ops;

	if (!f->bar)
		return ops->reg_write(c->t, f->off + at, width, value);
	return ops->mem_write ? ops->mem_write(c->t, f->bar, f->off + at, width, value) : -ENOTSUP;
}

/* Bytes of the next access. */
static size_t step(const struct far *f, uint64_t at, size_t len)
{
	return (f->off + at) % 8 || len < 8 ? 1 : 8;
}

int far_store(struct ctrl *c, const struct far *f, uint64_t at, const void *from, size_t len)
{
	const uint8_t *p = from;
	int err = 0;

	while (len && !err) {
		size_t n = step(f, at, len);

		err = far_write(c, f, at, (unsigned)n * 8, n == 8 ? le64_at(p) : *p);
		at += n;
		p += n;
		len -= n;
	}
	return err;
}

int far_load(struct ctrl *c, const struct far *f, uint64_t at, void *to, size_t len)
{
	uint8_t *p = to;
	int err = 0;

	while (len && !err) {
		size_t n = step(f, at, len);
		uint64_t v = 0;

		err = far_read(c, f, at, (unsigned)n * 8, &v);
		if (n == 8)
			le64_put(p, v);
		else
			*p = (uint8_t)v;
		at += n;
		p += n;
		len -= n;
	}
	return err;
}

int far_zero(struct ctrl *c, const struct far *f, uint64_t at, size_t len)
{
	int err = 0;

	while (len && !err) {
		size_t n = step(f, at, len);

		err = far_write(c, f, at, (unsigned)n * 8, 0);
		at += n;
		len -= n;
	}
	return err;
}
