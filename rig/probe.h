/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a target is and what it can do, asked in a worker: this process opens no device. */
#ifndef RIG_PROBE_H
#define RIG_PROBE_H

#include "nvme/facts.h"

struct stop;

#define PROBE_ERROR 300

/*
 * 0: *ret holds what was found; alive may be false, trouble says why. -errno with ret_error: the
 * target could not be opened, its worker died, or deadline_s passed. -EINTR: asked to stop.
 */
int probe_target(const char *target, unsigned deadline_s, struct stop *stop, struct facts *ret,
		 char ret_error[PROBE_ERROR]);

/* A controller has up to CAP.TO, 127.5 s, to become ready; twice that for disable and enable. */
#define PROBE_DEADLINE_S 260

#endif
