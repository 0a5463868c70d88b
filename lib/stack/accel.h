/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which accelerator QEMU can use here. A /dev/kvm proves nothing: in a nested machine it may hang,
 * or run some instructions and no kernel.
 */
#ifndef STACK_ACCEL_H
#define STACK_ACCEL_H

/*
 * "kvm" when asked is "auto" and this QEMU ran on it five bytes of machine code and then the kernel
 * in the file elf as far as it comes without a root, each within its deadline, else "tcg"; "tcg" and
 * "kvm" are taken as said. The answer for this boot of the machine is kept in the cache.
 */
const char *accel_choose(const char *qemu, const char *elf, const char *asked);

#endif
