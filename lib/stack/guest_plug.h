/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A guest whose drive can be unplugged and plugged in again: what it asks by a port of its own
 * (protocol.h) is told to QEMU's monitor. Two verbs, and nothing that the guest says gets there.
 */
#ifndef STACK_GUEST_PLUG_H
#define STACK_GUEST_PLUG_H

#include <stdint.h>

#define GUEST_PLUG_OUT_S    20	 /* from unplug to gone, or it is told that it is late */
#define GUEST_PLUG_JUNK_MAX 4096u /* bytes that mean nothing, then it is not heard any more */

struct guest_plug;

/*
 * ask_fd (-1: it may not ask), qmp_fd: our ends of socket pairs, its own from now on. ready_ns: until QEMU's monitor
 * speaks. device: as -device has it, with id=QEMU_HOTPLUG_ID. NULL: out of memory; then both are
 * closed.
 */
struct guest_plug *guest_plug_open(int ask_fd, int qmp_fd, uint64_t ready_ns, const char *device);
/* Begun without its drive: it is plugged in. Then 0 as long as it is under way, 1 when it is done,
 * -EIO when it failed. */
void guest_plug_insert(struct guest_plug *p);
int guest_plug_inserted(const struct guest_plug *p);
struct qmp;
struct qmp *guest_plug_qmp(struct guest_plug *p);
/* NULL is fine for all of these. */
void guest_plug_close(struct guest_plug *p);
void guest_plug_step(struct guest_plug *p);
/* The descriptors to wait for, 0 and 1; -1: none (any more). */
int guest_plug_fd(const struct guest_plug *p, unsigned i);

#endif
