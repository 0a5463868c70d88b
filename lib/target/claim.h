/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Block devices that this process has for itself (O_EXCL), and so have the children that it forks:
 * the run's process holds a drive's nodes from the guards' word to its end, and its workers, who
 * could not take them a second time, use them by that claim.
 */
#ifndef TARGET_CLAIM_H
#define TARGET_CLAIM_H

#include <stdbool.h>
#include <sys/types.h>

#define CLAIM_MAX 256

/* Takes the descriptor of an exclusive open; write: the guards let the device be written to. 0 or
 * -ENOSPC, then it is the caller's still. */
int claim_take(int fd, dev_t dev, bool write);
bool claim_has(dev_t dev);
bool claim_writes(dev_t dev);
/* Closes all of them. */
void claim_drop(void);

#endif
