/* SPDX-License-Identifier: GPL-2.0-or-later */
/* QEMU's command line for a guest. */
#ifndef STACK_GUEST_ARGV_H
#define STACK_GUEST_ARGV_H

#include "stack/qemu_args.h"

#define GUEST_MACHINE "q35,i8042=off,hpet=off,smbus=off,sata=off,vmport=off"

/* Paths as QEMU is to open them; descriptors that it inherits, each one end of a socket pair. */
struct guest_files {
	const char *program, *accel, *kernel, *initrd;
	const char *served; /* where the controller is served; "": by nobody */
	const char *disk[STACK_NS_MAX];
	int console, port, terminal, link; /* terminal, link: -1: none */
	int qmp, ask;			   /* with hotplug: QEMU's monitor, what the guest asks */
	const char *incoming;		   /* a state that is restored; NULL: it boots */
	bool bare;			   /* the controller comes later, by the monitor */
	bool held;			   /* the one of a pair that comes up second */
};

/* NULL-terminated, freed with qemu_free. NULL: out of memory or too many. */
char **guest_argv(const struct stack_config *cfg, const struct guest_files *f);

#endif
