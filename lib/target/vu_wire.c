// SPDX-License-Identifier: GPL-2.0-or-later
#include "target/vu_wire.h"

#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define ENOUGH (VU_IRQ_EVENTFD | VU_IRQ_MASKABLE | VU_IRQ_AUTOMASKED)

int vu_wire_find(struct vu_device *d, bool *ret)
{
	struct vu_irq irq = { .argsz = sizeof(irq), .index = VU_IRQ_INTX };
	struct vu_piece piece[2] = { { &irq, sizeof(irq) } };
	int err = vu_link_ask(&d->link, VU_DEVICE_GET_IRQ_INFO, piece, NULL, 0, sizeof(irq));

	*ret = false;
	if (err)
		return d->link.broken;
	memcpy(&irq, d->link.msg.data, sizeof(irq));
	*ret = irq.index == VU_IRQ_INTX && irq.count && (irq.flags & ENOUGH) == ENOUGH;
	return 0;
}

static int set(struct vu_device *d, uint32_t flags, const int *fd)
{
	struct vu_set_irqs s = { sizeof(s), flags, VU_IRQ_INTX, 0, 1 };
	struct vu_piece piece[2] = { { &s, sizeof(s) } };

	return vu_link_ask(&d->link, VU_DEVICE_SET_IRQS, piece, fd, fd != NULL, 0);
}

static int take_hold(struct vu_device *d, int *event)
{
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), err;

	if (fd < 0)
		return -errno;
	err = set(d, VU_SET_EVENTFD | VU_SET_TRIGGER, &fd);
	if (err)
		close(fd);
	else
		*event = fd;
	return err;
}

/* What was signalled before tells of the past alone. */
int vu_wire_look(struct vu_device *d, int *event, bool *ret_active)
{
	uint64_t n;
	int err = *event < 0 ? take_hold(d, event) : 0;

	if (err)
		return err;
	while (read(*event, &n, sizeof(n)) == sizeof(n))
		;
	err = set(d, VU_SET_NONE | VU_SET_UNMASK, NULL);
	*ret_active = !err && read(*event, &n, sizeof(n)) == sizeof(n);
	return err;
}
