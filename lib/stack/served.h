/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The model, served over vfio-user by a process of this program's own beside a guest, for QEMU's
 * vfio-user-pci (10.1 and later) to put on the guest's bus. It dies with us, also when we are killed.
 */
#ifndef STACK_SERVED_H
#define STACK_SERVED_H

#include <stdbool.h>

#include "base/tmp.h"
#include "stack/keeper.h"

#define SERVED_DEVICE "vfio-user-pci" /* of QEMU's */

struct served {
	struct keeper keeper;
	char dir[TMP_SHORT], socket[TMP_SHORT + 8]; /* "": none */
};

/*
 * Serves `what` ("model:preset=full"), with log_fd for what it says, and waits until it listens,
 * start_s at most. program: its path, NULL: this one. 0, or -errno with error (STACK_ERROR bytes);
 * then nothing is left.
 */
int served_start(struct served *s, const char *program, const char *what, int log_fd,
		 unsigned start_s, char *error);

/* Has it ended by itself? Then text (size bytes) says how. Does not wait. */
bool served_ended(struct served *s, char *text, unsigned size);

/* s may be unused. */
void served_stop(struct served *s);

#endif
