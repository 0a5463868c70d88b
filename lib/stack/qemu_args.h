/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A command line of QEMU, put together; what both kinds of stacks say of disks and controllers. */
#ifndef STACK_QEMU_ARGS_H
#define STACK_QEMU_ARGS_H

#include "stack/stack.h"

#define QEMU_ARGS_MAX 256

struct qemu_args {
	char *v[QEMU_ARGS_MAX];
	unsigned n;
	int err; /* the first trouble, -errno */
};

/* Adds one argument. */
__attribute__((format(printf, 2, 3))) void qemu_add(struct qemu_args *a, const char *fmt, ...);

/* In QEMU's key=value lists a comma inside a value is written twice. New memory, or NULL. */
char *qemu_escape(const char *path);

/* The store of the i-th namespace, kept in the file path. */
void qemu_add_disk(struct qemu_args *a, const struct stack_config *cfg, unsigned i,
		   const char *path);
/* With hotplug: the controller as -device and the monitor's device_add take it. New memory, or NULL. */
char *qemu_hotplug_device(const struct stack_config *cfg);
#define QEMU_HOTPLUG_ID "n0"
/* The controller, its subsystem and peer, and the namespaces. bare, with hotplug: its slot alone. */
void qemu_add_devices(struct qemu_args *a, const struct stack_config *cfg, bool bare);
/* The configuration's own arguments, separated by blanks. */
void qemu_add_extra(struct qemu_args *a, const char *extra);

/* All of them, NULL-terminated, freed with qemu_free. NULL: out of memory or too many. */
char **qemu_args_take(struct qemu_args *a);
void qemu_free(char **argv);

#endif
