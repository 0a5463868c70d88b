/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What stands behind a device of this machine: is it emulated, so that nothing of value can be
 * harmed there? Asked of sysfs (Documentation/ABI: sysfs-dev, sysfs-bus-pci, sysfs-block), and of
 * the configuration of the kernel's NVMe target where that is what answers.
 *
 * Emulated are: PCI functions of QEMU (vendor 1b36, and 8086:5845), of virtio, and of nvrig's model
 * over vfio-user (4e56:2000); null_blk, loop over a regular file, RAM disks, scsi_debug; NVMe over
 * fabrics to a target of this very kernel whose
 * namespaces all lie on such, or of another one when this machine is a guest that the rig booted;
 * device mapper and md over nothing but such. In such a guest a disk of no known kind is
 * what the rig made there (a zvol, NBD). What cannot be found out is not emulated.
 *
 * root stands before /sys and /proc, for tests; "" is this machine.
 */
#ifndef TARGET_EMULATED_H
#define TARGET_EMULATED_H

#include <stdbool.h>
#include <sys/types.h>

#define EMULATED_TEXT 112

struct emulated {
	bool yes;
	char what[EMULATED_TEXT]; /* what was found, whichever it is: "nvme0: PCI 144d:a80a" */
};

/* A PCI function by its name in sysfs, "0000:00:04.0". */
void emulated_pci(const char *root, const char *function, struct emulated *ret);

/* A device number, and whether it is a block node's (type S_IFBLK) or a character node's. */
void emulated_dev(const char *root, mode_t type, dev_t dev, struct emulated *ret);

/*
 * What an open descriptor leads to, so that nobody can put another device under the name between
 * the question and the use. A regular file counts as emulated, as loop over it does.
 */
void emulated_fd(const char *root, int fd, struct emulated *ret);

/* Is this machine a guest that the rig booted, where all there is was made for the run? */
bool emulated_in_guest(const char *root);

#endif
