/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Controller properties of a controller that the kernel drives, for reading: BAR0 by sysfs
 * (Documentation/PCI/sysfs-pci.rst) where the kernel lets it be mapped beside its driver (booted
 * with iomem=relaxed, or built without CONFIG_IO_STRICT_DEVMEM), Property Get on fabrics.
 */
#ifndef TARGET_KERNEL_REGS_H
#define TARGET_KERNEL_REGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct kernel_node;
struct target;

struct kernel_regs {
	const volatile uint8_t *bar; /* NULL: not mapped */
	size_t bytes;
	bool by_command;
	char why_not[96]; /* "" when they can be read */
};

void kernel_regs_open(struct target *t, struct kernel_node *k, bool fabrics,
		      struct kernel_regs *ret);
void kernel_regs_close(struct kernel_regs *g);

/* target_ops.reg_read. By command: 32 and 64 bits, else -ENOTSUP. */
int kernel_regs_read(struct target *t, struct kernel_node *k, struct kernel_regs *g, uint64_t off,
		     unsigned width, uint64_t *ret);

#endif
