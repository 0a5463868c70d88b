/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The INTx wire behind a vfio-user socket. Its level can be seen where the server masks it by
 * itself when it signals it: unmasked, it signals again if it is still active.
 */
#ifndef TARGET_VU_WIRE_H
#define TARGET_VU_WIRE_H

#include "target/vu_device.h"

/* Can it be seen? Asks the server; what it refuses to tell is a no. 0 or -errno. */
int vu_wire_find(struct vu_device *d, bool *ret);
/* The level now. The first call takes hold of the wire: *event is -1 then, and the caller's. */
int vu_wire_look(struct vu_device *d, int *event, bool *ret_active);

#endif
