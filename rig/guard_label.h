/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The rig's own label: one block of 4096 bytes at the beginning of a namespace or disk, text, that
 * says the drive is the rig's to overwrite. `nvrig drive label` writes it; it holds for the serial
 * number that it names, so that a copied image does not carry it elsewhere.
 */
#ifndef RIG_GUARD_LABEL_H
#define RIG_GUARD_LABEL_H

#include <stdbool.h>

#include "rig/guard_drive.h"

#define LABEL_BYTES 4096

/* Is it one to be labelled? Not a partition, nor a boot partition of an MMC card: machines start
 * from those, and a label there says nothing of them. */
bool label_goes_on(const struct guard_node *n);

/* The block for that serial. */
void label_make(const char *serial, char ret[LABEL_BYTES]);
/* Is a label for that serial at the beginning of what is open there? */
bool label_found(int fd, const char *serial);

#endif
