/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The INTx wire as vfio-user has it: an eventfd that is signalled while the wire is active, and
 * masks itself then until the client unmasks it. So a client that unmasks and looks knows the
 * level.
 */
#ifndef SERVE_WIRE_H
#define SERVE_WIRE_H

#include "vfio_user/proto.h"

struct model;

struct wire {
	int fd; /* -1: none */
	bool masked;
};

/* Is there a pin? */
bool wire_is_there(struct model *m);
/* DEVICE_SET_IRQS of INTx, whose numbers were checked. fd[0] is taken over where used. */
int wire_set(struct wire *w, struct model *m, const struct vu_set_irqs *set, bool chosen, int *fd,
	     unsigned fds);
/* Signals, when it is time. */
void wire_look(struct wire *w, struct model *m);
void wire_drop(struct wire *w);

#endif
