/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Commands through the kernel's passthrough ioctls (linux/nvme_ioctl.h): what they carry, what
 * they do not, and what comes back. Facts of drivers/nvme/host/ioctl.c: CID, FUSE, PSDT and the
 * data pointer are the kernel's own, as are its queues, its Asynchronous Event Requests and its
 * keep alive; data go the way that bit 0 of the opcode says; I/O commands go to the node of a
 * namespace and have its NSID.
 */
#ifndef TARGET_KERNEL_PASS_H
#define TARGET_KERNEL_PASS_H

#include <stddef.h>
#include <stdint.h>

struct kernel_node;
struct target;
struct cmd;
struct cpl;

/* Why the kernel does not carry that command as it is, or NULL when it does. */
const char *kernel_pass_refusal(uint16_t qid, const struct cmd *c);

/* target_ops.submit. */
int kernel_pass(struct target *t, struct kernel_node *k, uint16_t qid, const struct cmd *c,
		uint64_t timeout_ns, struct cpl *ret);

/* Property Get to a controller on fabrics: bytes is 4 or 8. 0, -EIO: refused, or as kernel_pass. */
int kernel_pass_property(struct target *t, struct kernel_node *k, uint32_t off, unsigned bytes,
			 uint64_t *ret);

#endif
