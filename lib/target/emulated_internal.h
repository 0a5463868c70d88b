/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TARGET_EMULATED_INTERNAL_H
#define TARGET_EMULATED_INTERNAL_H

#include <limits.h>

#include "target/emulated.h"
#include "target/sysfs.h"

#define EMULATED_DEPTH 8 /* of devices on devices; a stack that is higher is not looked through */

/* One question, and how far down its answer is looked for. */
struct looking {
	const char *root;
	unsigned depth;
};

__attribute__((format(printf, 3, 4))) void emulated_say(struct emulated *ret, bool yes,
							const char *fmt, ...);

/* path: of the device in sysfs, resolved. */
void emulated_block(const struct looking *l, const char *path, struct emulated *ret);
void emulated_ctrl(const struct looking *l, const char *path, struct emulated *ret);
/* `path` is an NVMe controller, or a subsystem: then all its controllers. */
void emulated_nvme(const struct looking *l, const char *path, struct emulated *ret);
void emulated_number(const struct looking *l, mode_t type, dev_t dev, struct emulated *ret);
void emulated_function(const char *path, struct emulated *ret);

/* Is this machine a guest that the rig booted? All that it reaches the rig has put there. */
bool emulated_is_guest(const struct looking *l);

/*
 * The kernel's target on this machine: does all that the subsystem exports lie on what is emulated?
 * False when there is no such subsystem here.
 */
bool emulated_nvmet(const struct looking *l, const char *nqn, struct emulated *ret);

#endif
