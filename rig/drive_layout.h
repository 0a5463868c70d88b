/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a run left otherwise of a drive's namespaces, put back: one that was formatted, and that has
 * an identifier by which it is the same, has its old format again; one that was detached is attached. What is new stays, for another host may have made
 * it, and what was deleted is gone. The commands go through the door (target/door.h), to the drive
 * that was probed alone.
 */
#ifndef RIG_DRIVE_LAYOUT_H
#define RIG_DRIVE_LAYOUT_H

#include "nvme/facts.h"
#include "rig/drive_state.h"

/* Is there anything of it? */
bool layout_differs(const struct drive_state *was, const struct drive_state *is);

/*
 * address: the run's target, "kernel:/dev/nvme0"; f: of its probe. 0 or -errno of the first that did
 * not go back; the others are tried all the same. Touches the device, for as long as a Format takes:
 * in a child.
 */
int layout_put_back(const char *address, const struct facts *f, const struct drive_state *was,
		    const struct drive_state *is);

#endif
