// SPDX-License-Identifier: GPL-2.0-or-later
#include "serve/wire.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "model/fault.h"
#include "model/model.h"

#define CFG_PIN 0x3du

bool wire_is_there(struct model *m)
{
	uint32_t pin = 0;

	return !model_cfg_read(m, CFG_PIN, 8, &pin) && pin;
}

/* The descriptor does not block, whatever it is. */
static void signal_it(const struct wire *w)
{
	const uint64_t one = 1;

	if (w->fd >= 0 && write(w->fd, &one, sizeof(one)) < 0)
		return;
}

void wire_look(struct wire *w, struct model *m)
{
	if (w->fd < 0 || w->masked || !model_intx(m))
		return;
	w->masked = !model_has_fault(m, FAULT_WIRE_UNMASKED);
	signal_it(w);
}

void wire_drop(struct wire *w)
{
	if (w->fd >= 0)
		close(w->fd);
	*w = (struct wire){ .fd = -1 };
}

static int give(struct wire *w, const struct vu_set_irqs *set, int *fd, unsigned fds)
{
	int flags = fds == 1 ? fcntl(fd[0], F_GETFL) : -1;

	if (fds && (fds != set->count || flags < 0 || fcntl(fd[0], F_SETFL, flags | O_NONBLOCK)))
		return EINVAL;
	if (!set->count)
		return 0;
	wire_drop(w);
	if (fds) {
		w->fd = fd[0];
		fd[0] = -1;
	}
	return 0;
}

/* chosen: with data, the byte of the one wire there is says that it is meant. */
int wire_set(struct wire *w, struct model *m, const struct vu_set_irqs *set, bool chosen, int *fd,
	     unsigned fds)
{
	bool all = set->flags & VU_SET_NONE && !set->count;

	if (set->flags & VU_SET_EVENTFD) {
		if (!(set->flags & VU_SET_TRIGGER))
			return EINVAL;
		if (give(w, set, fd, fds))
			return EINVAL;
	} else if (set->flags & VU_SET_TRIGGER) {
		if (all)
			wire_drop(w);
		else if (set->count && chosen)
			signal_it(w);
	} else if (set->count && chosen) {
		w->masked = set->flags & VU_SET_MASK;
	}
	wire_look(w, m);
	return 0;
}
