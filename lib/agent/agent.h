/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The rig in a guest: its first process. It loads what the image has, brings the stack's parts up,
 * does one job, and tells the rig outside over a virtio port (stack/protocol.h) until there is
 * nothing left to do.
 */
#ifndef AGENT_AGENT_H
#define AGENT_AGENT_H

/* Refuses (-EPERM) to be anything but process 1; as such it never returns. */
int agent_run(void);

#endif
