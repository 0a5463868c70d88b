/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What was taken from the kernel's drivers, in a file for each function. */
#ifndef TARGET_VFIO_NOTE_H
#define TARGET_VFIO_NOTE_H

#include <stdint.h>
#include <sys/types.h>

#include "target/pci_dev.h"

struct vfio_note {
	pid_t pid;		     /* who took it */
	uint64_t start;		     /* when that process began, in the kernel's ticks */
	char driver[PCI_DEV_WORD];   /* who drove it; "": nobody */
	char override[PCI_DEV_WORD]; /* its driver_override; "": none */
};

/* Fills pid and start with this process's. */
void vfio_note_self(struct vfio_note *n);

/* -EEXIST: there is one already. On disk, as far as dir is, when this returns. */
int vfio_note_write(const char *dir, const char *name, const struct vfio_note *n);

/* -ENOENT: none; -EBADMSG: what stands there is no note. */
int vfio_note_read(const char *dir, const char *name, struct vfio_note *ret);

/* 1: the process that wrote it lives; 0: it is gone. */
int vfio_note_alive(const struct vfio_note *n);

void vfio_note_remove(const char *dir, const char *name);

#endif
