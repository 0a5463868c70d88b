/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which accelerator QEMU can use here. A /dev/kvm proves nothing: in a nested machine it may hang.
 */
#ifndef STACK_ACCEL_H
#define STACK_ACCEL_H

/*
 * "kvm" when asked is "auto" and this QEMU ran five bytes of machine code on it within its
 * deadline, else "tcg"; "tcg" and "kvm" are taken as said. The answer for this boot of the machine
 * is kept in the cache.
 */
const char *accel_choose(const char *qemu, const char *asked);

/* The question itself, without the cache: 0 when it ran, -EACCES (/dev/kvm), -ETIMEDOUT, -EIO. */
int accel_try_kvm(const char *qemu);

#endif
